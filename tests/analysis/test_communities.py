"""Communities: planted graphs, brute-force measures, degenerate graphs; agreement of partitions."""

from __future__ import annotations

import itertools
from math import comb, log

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.analysis.communities import ISOLATED, MEMBER, SMALL, STATUSES, Communities, find_communities
from sm_assets.analysis.leiden_runs import consensus, leiden
from sm_assets.analysis.partitions_agreement import (
    adjusted_rand,
    mean_pairwise_ari,
    normalised_mutual_information,
)
from sm_assets.contracts.columns import AUDIENCE_STATUSES
from sm_assets.errors import KernelError, OptionError

Edges = tuple[np.ndarray, np.ndarray, np.ndarray]


def edges_of(pairs: list[tuple[int, int, float]]) -> Edges:
    i, j, weight = (np.array(side) for side in zip(*pairs, strict=True))
    return i.astype(np.int32), j.astype(np.int32), weight.astype(np.float64)


def planted(seed: int, sizes: list[int], inside: float, outside: float) -> tuple[np.ndarray, Edges]:
    """(community of each node, weighted edges): more and heavier edges inside."""
    draws = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    i, j = np.triu_indices(len(truth), 1)
    same = truth[i] == truth[j]
    kept = draws.random(len(i)) < np.where(same, inside, outside)
    weight = draws.uniform(0.05, 0.5, len(i)) * np.where(same, 1.0, 0.6)
    return truth, (i[kept].astype(np.int32), j[kept].astype(np.int32), weight[kept])


def bits(found: Communities) -> list[object]:
    arrays = [getattr(found, name) for name in Communities.__slots__]
    return [value.tobytes() if isinstance(value, np.ndarray) else repr(value) for value in arrays]


def test_planted_communities_are_found_and_stable() -> None:
    truth, edges = planted(1, [40, 25, 25, 10], 0.5, 0.02)
    found = find_communities(100, *edges)
    assert adjusted_rand(found.community, truth) == 1
    assert found.size.tolist() == [40, 25, 25, 10]
    # Equal sizes: the community with the smaller node first.
    assert found.community[40] == 1
    assert found.is_stable.all()
    assert found.community_stability.min() > 0.99
    assert found.metadata["n_runs"] == len(found.metadata["modularity_per_run"]) == 20
    assert found.metadata["mean_pairwise_ari"] > 0.99
    assert [each["resolution"] for each in found.metadata["sweep"]] == [0.5, 0.7, 1.0, 1.5, 2.0]
    assert [each["n_runs"] for each in found.metadata["sweep"]] == [5, 5, 20, 5, 5]
    assert found.n_runs == 20
    assert found.metadata["consensus_ari_of_halves"] == 1


@pytest.mark.parametrize("seed", [3, 4])
def test_measures_are_those_counted_by_hand(seed: int) -> None:
    truth, (i, j, weight) = planted(seed, [14, 9, 7, 2], 0.6, 0.06)
    n = len(truth) + 2  # two nodes without an edge
    found = find_communities(n, i, j, weight, n_runs=5, resolution=1.0)
    graph = nx.Graph()
    graph.add_nodes_from(range(n))
    graph.add_weighted_edges_from(zip(i.tolist(), j.tolist(), weight.tolist(), strict=True))
    groups = [set(np.flatnonzero(found.community == c).tolist()) for c in range(found.n_communities)]
    assert len(groups) >= 2
    # The pair that was planted is all there is of small communities.
    small = set(np.flatnonzero(found.status == SMALL).tolist())
    alone = [{n - 2}, {n - 1}, small]
    assert small == {n - 4, n - 3}
    assert found.modularity == pytest.approx(nx.community.modularity(graph, groups + alone))
    assert found.modularity_small > 0
    assert found.modularity_share.sum() + found.modularity_small == pytest.approx(found.modularity)
    for c, group in enumerate(groups):
        inner = graph.subgraph(group)
        assert found.size[c] == len(group)
        assert found.n_edges[c] == inner.number_of_edges()
        assert found.density[c] == pytest.approx(nx.density(inner))
        assert found.conductance[c] == pytest.approx(nx.conductance(graph, group, weight="weight"))
        assert found.community_stability[c] == pytest.approx(found.stability[sorted(group)].mean())
    for node in range(n):
        to = [sum(graph[node][k]["weight"] for k in graph[node] if k in group) for group in groups]
        own = int(found.community[node])
        assert found.n_neighbours[node] == graph.degree(node)
        beside = sum(graph[node][k]["weight"] for k in graph[node] if k in small and node in small)
        assert found.strength[node] == pytest.approx(to[own] if own >= 0 else beside)
        others = {c: value for c, value in enumerate(to) if c != own and value > 0}
        if others:
            best = max(others, key=lambda c: others[c])
            assert found.second_community[node] == best
            assert found.second_share[node] == pytest.approx(others[best] / graph.degree(node, "weight"))
        else:
            assert found.second_community[node] == -1
            assert np.isnan(found.second_share[node])


def test_bits_depend_on_the_seed_alone() -> None:
    _, (i, j, weight) = planted(6, [15, 15, 10], 0.4, 0.1)
    base = bits(find_communities(40, i, j, weight, n_runs=4, seed=7))
    # Runs on other graphs in between leave no trace.
    find_communities(100, *planted(1, [40, 25, 25, 10], 0.5, 0.05)[1], n_runs=2, sweep=())
    shuffled = np.random.default_rng(0).permutation(len(i))
    assert bits(find_communities(40, i[shuffled], j[shuffled], weight[shuffled], n_runs=4, seed=7)) == base
    assert bits(find_communities(40, i.astype(np.int64), j, weight, n_runs=4, seed=7)) == base
    assert bits(find_communities(40, i, j, weight, n_runs=4, seed=8)) != base


def test_zero_weights_are_no_edges() -> None:
    _, (i, j, weight) = planted(6, [15, 15, 10], 0.4, 0.0)
    extra = np.arange(15, dtype=np.int32)
    with_zeros = find_communities(
        42, np.append(i, extra), np.append(j, extra + 15), np.append(weight, np.zeros(15)), n_runs=3
    )
    assert bits(with_zeros) == bits(find_communities(42, i, j, weight, n_runs=3))
    assert with_zeros.status[40:].tolist() == [ISOLATED, ISOLATED]


@given(
    st.lists(st.tuples(st.integers(0, 13), st.integers(0, 13), st.sampled_from([0.0, 0.1, 0.4, 1.0])), max_size=25),
    st.sampled_from([0.05, 1.0, 2.0]),
)
@settings(max_examples=60, deadline=None)
def test_parts_never_share_a_community(pairs: list[tuple[int, int, float]], resolution: float) -> None:
    unique = {(min(a, b), max(a, b)): w for a, b, w in pairs if a != b}
    i, j, weight = edges_of([(a, b, w) for (a, b), w in unique.items()] or [(0, 1, 0.0)])
    found = find_communities(14, i, j, weight, resolution=resolution, n_runs=3, sweep=())
    graph = nx.Graph([(a, b) for (a, b), w in unique.items() if w > 0])
    for c in range(found.n_communities):
        group = np.flatnonzero(found.community == c).tolist()
        assert len(group) == found.size[c] >= 3
        assert nx.is_connected(graph.subgraph(group))
    assert (np.diff(found.size) <= 0).all()
    assert sum(found.count_by_status().values()) == 14
    assert ((found.status == ISOLATED) == [node not in graph for node in range(14)]).all()
    assert ((found.community >= 0) == (found.status == MEMBER)).all()
    for values in (found.stability, found.conductance, found.density, found.community_stability):
        assert ((values >= 0) & (values <= 1 + 1e-12)).all()


def test_two_cliques_without_a_bridge_stay_two_at_a_low_resolution() -> None:
    pairs = [(a, b, 1.0) for clique in (range(4), range(4, 8)) for a, b in itertools.combinations(clique, 2)]
    found = find_communities(8, *edges_of(pairs), resolution=0.01)
    assert found.community.tolist() == [0] * 4 + [1] * 4
    assert found.conductance.tolist() == [0, 0]
    assert found.density.tolist() == [1, 1]
    assert found.modularity == pytest.approx(0.5)
    assert (found.second_community == -1).all()


def test_small_communities_have_no_number() -> None:
    pairs = [(a, b, 1.0) for a, b in itertools.combinations(range(3), 2)] + [(3, 4, 0.5), (2, 3, 0.01)]
    found = find_communities(6, *edges_of(pairs))
    assert [STATUSES[code] for code in found.status] == ["member"] * 3 + ["small", "small", "isolated"]
    assert found.strength.tolist() == pytest.approx([2, 2, 2, 0.5, 0.5, 0])
    # A node of a small community still has a second one: the nearest that has a number.
    assert found.second_community.tolist() == [-1, -1, -1, 0, -1, -1]
    assert found.second_share[3] == pytest.approx(0.01 / 0.51)
    assert found.modularity_small > 0
    assert found.modularity_share.sum() + found.modularity_small == pytest.approx(found.modularity)
    assert find_communities(6, *edges_of(pairs), min_community_size=2).n_communities == 2


@pytest.mark.parametrize("n", [0, 1, 5])
def test_without_an_edge_everybody_is_isolated(n: int) -> None:
    nobody = np.zeros(0, np.int32)
    seen: list[float] = []
    found = find_communities(n, nobody, nobody, np.zeros(0), progress=seen.append)
    assert found.n_communities == 0
    assert found.count_by_status() == {"member": 0, "isolated": n, "small": 0}
    assert found.modularity == 0
    assert found.stability.tolist() == [1.0] * n
    assert seen == [1.0]


def test_the_sweep_makes_fewer_runs() -> None:
    _, edges = planted(1, [10, 10], 0.6, 0.05)
    seen: list[float] = []
    found = find_communities(20, *edges, n_runs=6, progress=seen.append)
    assert [each["n_runs"] for each in found.metadata["sweep"]] == [5, 5, 6, 5, 5]
    assert seen == pytest.approx([(k + 1) / 27 for k in range(27)])


def test_runs_are_added_while_two_halves_disagree(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without a structure each run finds something else.
    _, edges = planted(2, [150], 0.06, 0.0)
    seen: list[float] = []
    found = find_communities(150, *edges, sweep=(), progress=seen.append)
    assert found.n_runs == found.metadata["n_runs"] == len(found.metadata["modularity_per_run"]) > 20
    assert found.n_runs == 80 or found.metadata["consensus_ari_of_halves"] >= 0.985
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert find_communities(150, *edges, sweep=(), n_runs=100).n_runs == 100
    # Who asks for less than a consensus needs gets just that.
    assert find_communities(150, *edges, sweep=(), n_runs=19).n_runs == 19
    monkeypatch.setattr("sm_assets.analysis.communities._MOST_WORK", 40 * len(edges[0]) - 1)
    few = find_communities(150, *edges, sweep=())
    assert few.n_runs == 20
    assert few.metadata["consensus_ari_of_halves"] < 0.985


@pytest.mark.parametrize("n_classes", [1, 2, 5])
def test_a_consensus_never_parts_what_all_runs_keep_together(n_classes: int) -> None:
    # 24 triangles in a ring, of which the runs make few classes: a new search on the shares alone would find more.
    n = 72
    triangles = [(3 * t + a, 3 * t + b) for t in range(24) for a, b in ((0, 1), (0, 2), (1, 2))]
    i, j = np.array(triangles + [(3 * t + 2, 3 * t + 3) for t in range(23)]).T
    run = (np.arange(n) * n_classes // n).astype(np.int32)
    assert len(np.unique(leiden(n, i, j, np.ones(len(i)), 1.0, 0))) > n_classes
    assert consensus(n, i, j, [run] * 3, 1.0, [1, 2, 3]).tolist() == run.tolist()
    # Two of three runs cut a triangle off: it may leave, but as one.
    apart = run.copy()
    apart[:3] = n_classes
    assert len(np.unique(consensus(n, i, j, [run, apart, apart], 1.0, [1, 2, 3])[:3])) == 1


def test_runs_are_near_the_best_partition() -> None:
    # A ring of 30 cliques of five nodes; at resolution 5 the best partition is the cliques, and each run finds it.
    cliques = [(5 * c + a, 5 * c + b) for c in range(30) for a, b in itertools.combinations(range(5), 2)]
    i, j = np.array(cliques + [(5 * c, (5 * c + 6) % 150) for c in range(30)]).T
    for state in range(10):
        assert adjusted_rand(leiden(150, i, j, np.ones(len(i)), 5.0, state), np.arange(150) // 5) == 1
    assert leiden(3, i[:2], j[:2], np.zeros(2), 1.0, 0).tolist() == [0, 1, 2]


def test_ties_of_a_node_to_itself_stand_for_edges_inside() -> None:
    # The triangles of the ring as single nodes: the same choice, so the same modularity is reached.
    t = np.arange(12)
    i, j = np.concatenate([t, t]), np.concatenate([t, (t + 1) % 12])
    weight = np.concatenate([np.full(12, 6.0), np.ones(12)])
    few = leiden(12, i, j, weight, 1.0, 3)
    graph = nx.Graph()
    graph.add_weighted_edges_from((a, (a + 1) % 12, 1.0) for a in range(12))
    graph.add_weighted_edges_from((a, a, 3.0) for a in range(12))
    reached = nx.community.modularity(graph, [set(np.flatnonzero(few == c).tolist()) for c in np.unique(few)])
    assert reached >= nx.community.modularity(graph, nx.community.louvain_communities(graph, seed=1)) - 1e-9


def test_stability_tells_sure_members_from_doubtful_ones() -> None:
    # Two cliques, and one node tied to both alike.
    pairs = [(a, b, 1.0) for clique in (range(5), range(5, 10)) for a, b in itertools.combinations(clique, 2)]
    pairs += [(a, 10, 1.0) for a in (0, 1, 5, 6)]
    found = find_communities(11, *edges_of(pairs), n_runs=40)
    assert found.n_communities == 2
    assert found.stability[10] < found.stability[:10].min()
    assert found.second_share[10] == pytest.approx(0.5)


def test_statuses_are_those_of_the_contract() -> None:
    assert STATUSES == AUDIENCE_STATUSES


@pytest.mark.parametrize(
    "wrong", [{"resolution": 0.0}, {"n_runs": 0}, {"min_community_size": 0}, {"seed": -1}, {"sweep": (0.5, -1.0)}]
)
def test_options_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionError, match="resolution"):
        find_communities(2, np.array([0]), np.array([1]), np.ones(1), **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "pairs",
    [[(1, 0, 1.0)], [(0, 0, 1.0)], [(0, 2, 1.0)], [(-1, 1, 1.0)], [(0, 1, -0.1)], [(0, 1, np.nan)], [(0, 1, 1.0)] * 2],
)
def test_edges_that_are_none_are_refused(pairs: list[tuple[int, int, float]]) -> None:
    with pytest.raises(KernelError):
        find_communities(2, *edges_of(pairs))
    with pytest.raises(KernelError):
        find_communities(2, np.array([0]), np.array([1]), np.ones(2))


def rand_by_pairs(a: list[int], b: list[int]) -> float:
    """The adjusted Rand index, pair by pair."""
    pairs = list(itertools.combinations(range(len(a)), 2))
    same_a, same_b = (sum(x[p] == x[q] for p, q in pairs) for x in (a, b))
    both = sum(a[p] == a[q] and b[p] == b[q] for p, q in pairs)
    expected = same_a * same_b / comb(len(a), 2) if pairs else 0
    most = (same_a + same_b) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)


LABELS = st.lists(st.tuples(st.integers(-2, 3), st.integers(5, 7), st.integers(0, 9)), min_size=1, max_size=30)


@given(LABELS)
@settings(max_examples=80, deadline=None)
def test_agreement_is_that_counted_by_pairs(rows: list[tuple[int, int, int]]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    arrays = [np.array(column) for column in columns]
    ari = [rand_by_pairs(columns[a], columns[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert adjusted_rand(arrays[0], arrays[1]) == pytest.approx(ari[0])
    assert mean_pairwise_ari(arrays) == pytest.approx(np.mean(ari))
    assert adjusted_rand(arrays[2], arrays[2]) == 1

    def entropy(*of: list[int]) -> float:
        told = list(zip(*of, strict=True))
        return -sum(told.count(each) / len(told) * log(told.count(each) / len(told)) for each in set(told))

    parts = entropy(columns[0]) + entropy(columns[1])
    mutual = parts - entropy(columns[0], columns[1])
    expected = 1.0 if parts == 0 else 2 * mutual / parts
    assert normalised_mutual_information(arrays[0], arrays[1]) == pytest.approx(expected, abs=1e-12)


def test_agreement_needs_equal_lengths() -> None:
    for wrong in (adjusted_rand, normalised_mutual_information, lambda a, b: mean_pairwise_ari([a, b])):
        with pytest.raises(KernelError, match="equally long"):
            wrong(np.zeros(3, int), np.zeros(4, int))
    assert mean_pairwise_ari([np.zeros(3, int)]) == 1
