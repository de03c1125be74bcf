"""Communities of audiences where the truth is known: planted worlds, and the countries of LastFM's listeners."""

from __future__ import annotations

import itertools
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix, triu

from sm_assets.analysis.communities import Communities, _Graph, find_communities
from sm_assets.analysis.null_models import DegreeClasses, Null, NullModel, benjamini_hochberg, null_model
from sm_assets.analysis.partitions_agreement import adjusted_rand
from sm_assets.demo.audience_world import N_MEGA, PlantedAudiences, planted_bipartite
from sm_assets.errors import OptionError

SEEDS = (0, 1, 2, 3)
N_INFLUENCERS, N_FOLLOWERS, ALPHA, MIN_SHARED = 1000, 40_000, 0.01, 3


@dataclass(frozen=True)
class Overlap:
    """All pairs that share a follower, counted exactly."""

    sizes: np.ndarray
    classes: DegreeClasses
    i: np.ndarray
    j: np.ndarray
    shared: np.ndarray

    @classmethod
    def of(cls, follower: np.ndarray, influencer: np.ndarray) -> Overlap:
        shape = (N_FOLLOWERS, N_INFLUENCERS)
        follows = csr_matrix((np.ones(len(follower), np.int64), (follower, influencer)), shape)
        assert follows.max() == 1
        pairs = triu(follows.T @ follows, 1).tocoo()
        degrees = np.bincount(follower, minlength=N_FOLLOWERS)
        return cls(
            np.bincount(influencer, minlength=N_INFLUENCERS),
            DegreeClasses.of(degrees),
            pairs.row,
            pairs.col,
            pairs.data,
        )

    def null(self, kind: Null) -> NullModel:
        return null_model(kind, self.sizes, self.classes, N_FOLLOWERS)

    def kept(self, model: NullModel) -> np.ndarray:
        q = benjamini_hochberg(model.p_values(self.i, self.j, self.shared), N_INFLUENCERS * (N_INFLUENCERS - 1) // 2)
        return (q <= ALPHA) & (self.shared >= MIN_SHARED)

    def communities(self, kept: np.ndarray) -> Communities:
        jaccard = self.shared / (self.sizes[self.i] + self.sizes[self.j] - self.shared)
        return find_communities(N_INFLUENCERS, self.i[kept], self.j[kept], jaccard[kept], sweep=())


@cache
def world(seed: int) -> tuple[PlantedAudiences, Overlap]:
    planted = planted_bipartite(seed)
    return planted, Overlap.of(planted.follower, planted.influencer)


@cache
def permuted(seed: int) -> Overlap:
    """The same out-degrees and sizes (but for follows met twice), and no tie between anybody."""
    planted, _ = world(seed)
    follower = np.random.default_rng(seed).permutation(planted.follower)
    edges = np.unique(follower * N_INFLUENCERS + planted.influencer)
    return Overlap.of(edges // N_INFLUENCERS, edges % N_INFLUENCERS)


def agreement(found: Communities, truth: np.ndarray) -> float:
    """ARI without the mega influencers; who is in no community is alone."""
    alone = found.community < 0
    labels = np.where(alone, found.n_communities + np.arange(len(truth)), found.community)
    return adjusted_rand(labels[truth >= 0], truth[truth >= 0])


def test_a_planted_world_is_as_described() -> None:
    planted, overlap = world(0)
    follower, influencer, community = planted
    again = planted_bipartite(0)
    assert all(np.array_equal(a, b) for a, b in zip(planted, again, strict=True))
    assert not np.array_equal(planted_bipartite(1).influencer[:1000], influencer[:1000])
    assert [each.dtype for each in planted] == [np.int64] * 3
    assert (community[:N_MEGA] == -1).all()
    assert np.unique(community[N_MEGA:]).tolist() == list(range(20))
    degrees = np.bincount(follower)
    assert len(degrees) == N_FOLLOWERS
    assert 1 <= degrees.min() < degrees.max() <= 250
    assert 4.5 < degrees.mean() < 7.5
    # Each of them gets 2 % of the 30 % of follows that are not at home, and loses few to repeats.
    share = overlap.sizes[:N_MEGA] / len(follower)
    assert share.min() > 0.005
    assert share.max() < 1.6 * share.min()
    # Of a follower with many follows most are of one community.
    busy = np.flatnonzero(degrees >= 15)
    table = np.zeros((N_FOLLOWERS, 20), np.int64)
    placed = community[influencer] >= 0
    np.add.at(table, (follower[placed], community[influencer[placed]]), 1)
    home = table[busy].max(axis=1).sum() / degrees[busy].sum()
    assert 0.45 < home < 0.8


def test_small_worlds_and_impossible_ones() -> None:
    tiny = planted_bipartite(5, n_influencers=11, n_communities=3, n_followers=50)
    assert set(np.unique(tiny.influencer)) <= set(range(11))
    assert len(planted_bipartite(5, n_influencers=11, n_communities=1, n_followers=0).follower) == 0
    for wrong in ({"n_influencers": 10}, {"n_communities": 0}, {"n_followers": -1}, {"at_home": 1.1}):
        with pytest.raises(OptionError, match="planted world"):
            planted_bipartite(0, **wrong)  # type: ignore[arg-type]  # options are the test's
    with pytest.raises(OptionError):
        planted_bipartite(-1)


@pytest.mark.parametrize("seed", SEEDS)
def test_kept_pairs_are_those_that_were_planted(seed: int) -> None:
    truth, overlap = world(seed)[0].community, world(seed)[1]
    kept = overlap.kept(overlap.null("bicm"))
    a, b = truth[overlap.i], truth[overlap.j]
    mega = (a < 0) | (b < 0)
    same = (a == b) & ~mega
    print(
        f"seed {seed}: precision {same[kept].mean():.4f}, recall {kept[same].mean():.4f}, mega {kept[mega].mean():.5f}"
    )
    assert same[kept].mean() >= 0.995
    # Recall: of the pairs of one community that share a follower at all. Those that share none are not counted: no
    # filter could keep them.
    assert kept[same].mean() >= 0.58
    assert kept[mega].mean() <= 0.002


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_kept_where_nothing_was_planted(seed: int) -> None:
    overlap = permuted(seed)
    for kind, low, high in (("bicm", 0.98, 1.02), ("chung_lu", 1.05, 1.15), ("hypergeometric", 1.5, 2.5)):
        model = overlap.null(kind)  # type: ignore[arg-type]  # texts
        # Both sums are over the pairs that share a follower: what is expected of the others is left out.
        ratio = overlap.shared.sum() / model.expected(overlap.i, overlap.j).sum()
        kept = int(overlap.kept(model).sum())
        print(f"seed {seed}: {kind} keeps {kept}, observed / expected {ratio:.4f}")
        assert low <= ratio <= high
        # Without the followers' degrees in the null, busy followers pass for ties.
        assert kept > 500 if kind == "hypergeometric" else kept <= 1


def test_communities_are_those_that_were_planted() -> None:
    gains = []
    for seed in SEEDS:
        truth, overlap = world(seed)[0].community, world(seed)[1]
        filtered = overlap.communities(overlap.kept(overlap.null("bicm")))
        ari = agreement(filtered, truth)
        gains.append(ari - agreement(overlap.communities(np.ones(len(overlap.i), bool)), truth))
        print(f"seed {seed}: ARI {ari:.4f}, gain by the filter {gains[-1]:.4f}, Q {filtered.modularity:.4f}")
        assert ari >= 0.90
        # What all runs agree on is one community, and stable.
        assert filtered.is_stable.all()
        assert filtered.n_communities == 20
        # Who is placed at all is placed rightly.
        placed = (filtered.community >= 0) & (truth >= 0)
        assert adjusted_rand(filtered.community[placed], truth[placed]) >= 0.99
    assert np.mean(gains) >= 0.05


def test_grids_come_to_an_end() -> None:
    # Many places are equally good here; refinement in single precision would go to and fro between them.
    code = (
        "import numpy as np; from sm_assets.analysis.communities import find_communities as find;"
        "a = np.arange(1600); r, d = a[a % 40 < 39], a[a < 1560];"
        "i, j = np.concatenate([r, d]), np.concatenate([r + 1, d + 40]);"
        "print(find(1600, i, j, np.ones(len(i)), n_runs=60, sweep=()).modularity)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    assert float(done.stdout) > 0.8


@pytest.fixture(scope="module")
def lastfm(shared_data: Path) -> tuple[_Graph, np.ndarray]:
    folder = shared_data / "edges" / "lastfm"
    if not folder.is_dir():
        pytest.skip(f"the sample data folder {folder} is absent")
    edges = np.sort(np.loadtxt(folder / "lastfm_edges.csv", np.int64, delimiter=",", skiprows=1), axis=1)
    target = np.loadtxt(folder / "lastfm_target.csv", np.int64, delimiter=",", skiprows=1)
    country = np.empty(len(target), np.int64)
    country[target[:, 0]] = target[:, 1]
    assert (len(edges), len(country)) == (27_806, 7_624)
    return _Graph.of(len(country), edges[:, 0], edges[:, 1], np.ones(len(edges))), country


@pytest.mark.shared_data
def test_single_runs_find_the_countries(lastfm: tuple[_Graph, np.ndarray]) -> None:
    graph, country = lastfm
    found = [adjusted_rand(graph.leiden(1.0, state), country) for state in range(20)]
    print(f"LastFM, 20 single runs at 1: ARI {np.mean(found):.4f}, sd {np.std(found):.4f}")
    assert np.mean(found) >= 0.54


@pytest.mark.shared_data
@pytest.mark.slow
@pytest.mark.parametrize(("resolution", "least", "n_sets"), [(1.0, 0.54, 2), (0.7, 0.56, 2), (0.5, 0.56, 2)])
def test_consensus_finds_the_countries_again(
    lastfm: tuple[_Graph, np.ndarray], resolution: float, least: float, n_sets: int
) -> None:
    graph, country = lastfm
    found = [
        find_communities(
            len(country),
            graph.i,
            graph.j,
            graph.weight,
            resolution=resolution,
            seed=seed,
            sweep=(),
            min_community_size=1,
        )
        for seed in range(n_sets)
    ]
    for each in found:
        ari = adjusted_rand(each.community, country)
        print(f"LastFM, consensus of {each.n_runs} at {resolution}: ARI {ari:.4f}, Q {each.modularity:.4f}")
        assert each.n_runs >= 20
        assert ari >= least
        assert each.modularity >= (0.815 if resolution == 1 else 0.8)
    # Sets of seeds that have none in common.
    for a, b in itertools.combinations(found, 2):
        again = adjusted_rand(a.community, b.community)
        print(f"LastFM, two consensus runs at {resolution}: ARI {again:.4f}")
        assert again >= 0.98
