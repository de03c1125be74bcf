"""Places of nodes: communities apart, members together, nobody on top of another, the same places every time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.analysis import graph_layout
from sm_assets.analysis.graph_layout import layout
from sm_assets.errors import KernelError, OptionError

Graph = tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.int64]]


def planted(sizes: list[int], n_loose: int = 0, n_edges: int = 0, mixing: float = 0.05, seed: int = 0) -> Graph:
    """Communities of the given sizes in chance order; a share of the edges goes anywhere but to loose nodes."""
    rng = np.random.default_rng(seed)
    home = rng.permutation(np.r_[np.repeat(np.arange(len(sizes)), sizes), np.full(n_loose, -1)]).astype(np.int64)
    tied = np.flatnonzero(home >= 0)
    i = rng.choice(tied, n_edges) if len(tied) else np.zeros(0, np.int64)
    j = rng.choice(tied, n_edges) if len(tied) else np.zeros(0, np.int64)
    for position in np.flatnonzero(rng.random(len(i)) >= mixing):
        j[position] = rng.choice(np.flatnonzero(home == home[i[position]]))
    return len(home), i, j, rng.random(len(i)) * 0.4 + 0.01, home


def distances(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = np.sqrt(((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2))
    return found


def nearest(place: npt.NDArray[np.float64]) -> float:
    between = distances(place, place)
    np.fill_diagonal(between, np.inf)
    return float(between.min())


def circle(place: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], float]:
    """Middle and reach of a set of dots."""
    middle = (place.min(axis=0) + place.max(axis=0)) / 2
    return middle, float(np.hypot(*(place - middle).T).max())


@pytest.mark.parametrize("seed", [0, 1])
def test_communities_are_apart_and_nobody_lies_on_another(seed: int) -> None:
    n, i, j, weight, home = planted([160, 60, 40, 30, 12, 7, 6, 5, 4, 3, 2, 1], 45, 2_500, seed=seed)
    place = layout(n, i, j, weight, home, seed=seed)
    assert place.shape == (n, 2)
    assert place.dtype == np.float64
    assert np.isfinite(place).all()
    assert nearest(place) > 0.95
    for one in range(-1, 12):
        for other in range(one + 1, 12):
            # Two dots of unlike communities are farther from each other than any two neighbours in one.
            assert distances(place[home == one], place[home == other]).min() >= 1.2
    for one in range(12):
        # No stranger lies in the midst of a community.
        middle, reach = circle(place[home == one])
        assert (np.hypot(*(place[home != one] - middle).T) > reach).all()
    assert np.hypot(*place[home < 0].T).min() > np.hypot(*place[home >= 0].T).max()


def test_linked_members_lie_nearer_than_others() -> None:
    # One community of four blocks: small enough for all pairs, and large enough for the mesh.
    for size in (100, 400):
        n, i, j, weight, block = planted([size] * 4, 0, 8 * 4 * size, mixing=0.03)
        place = layout(n, i, j, weight, np.zeros(n, np.int64))
        linked = np.hypot(*(place[i] - place[j]).T).mean()
        assert linked < 0.62 * distances(place, place).mean()
        middles = np.array([place[block == number].mean(axis=0) for number in range(4)])
        home = distances(place, middles).argmin(axis=1)
        assert (home == block).mean() > 0.9


def test_communities_with_ties_are_neighbours() -> None:
    # Ten communities of ten on a ring: each is tied to the next one.
    home = np.repeat(np.arange(10), 10)
    inner = [(10 * c + a, 10 * c + b) for c in range(10) for a in range(10) for b in range(a)]
    outer = [(10 * c + a, (10 * c + 10 + a) % 100) for c in range(10) for a in range(10)]
    i, j = np.array(inner + outer).T
    place = layout(100, i, j, np.ones(len(i)), home)
    middles = place.reshape(10, 10, 2).mean(axis=1)
    between = distances(middles, middles)
    tied = np.mean([between[c, (c + 1) % 10] for c in range(10)])
    assert tied < 0.6 * between[~np.eye(10, dtype=bool)].mean()


def test_mesh_pushes_as_all_pairs_do() -> None:
    place = np.random.default_rng(4).standard_normal((600, 2))
    dense, mesh = graph_layout._push_dense(place), graph_layout._push_mesh(place)
    assert np.corrcoef(dense.ravel(), mesh.ravel())[0, 1] > 0.95
    outside = np.hypot(*place.T) > 1.5
    assert np.median(np.abs(mesh[outside] - dense[outside]) / np.hypot(*dense[outside].T)[:, None]) < 0.03


def test_order_of_edges_and_numbers_of_communities_do_not_matter() -> None:
    n, i, j, weight, home = planted([50, 30, 5], 6, 400)
    place = layout(n, i, j, weight, home)
    turned = np.random.default_rng(1).permutation(len(i))
    assert (layout(n, j[turned], i[turned], weight[turned], home) == place).all()
    renamed = np.where(home < 0, -1, 70 - 7 * home)
    assert (layout(n, i, j, weight, renamed) == place).all()
    assert (layout(n, i.astype(np.int32), j.astype(np.uint16), weight, home.astype(np.int8)) == place).all()
    loops = np.arange(n)
    more = (np.r_[i, loops, 0], np.r_[j, loops, n - 1], np.r_[weight, np.ones(n), 0.0])
    assert (layout(n, *more, home) == place).all()


def test_seeds_differ_and_another_process_agrees() -> None:
    graph = planted([40, 20], 3, 200)
    place = layout(*graph)
    assert not np.allclose(place, layout(*graph, seed=1))
    program = (
        "import sys; sys.path[:0] = [sys.argv[1], sys.argv[2]]\n"
        "from test_graph_layout import layout, planted\n"
        "print(layout(*planted([40, 20], 3, 200)).tobytes().hex(), end='')"
    )
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", program, str(here.parents[1]), str(here)], capture_output=True, text=True, check=True
    )
    assert done.stdout == place.tobytes().hex()


def test_small_and_degenerate_graphs() -> None:
    none = np.zeros(0, np.int64)
    for n in range(9):
        for home in (np.full(n, -1), np.zeros(n, np.int64), np.arange(n)):
            place = layout(n, none, none, none, home)
            assert place.shape == (n, 2)
            assert np.isfinite(place).all()
            assert n < 2 or nearest(place) > 0.95
    assert (layout(1, none, none, none, [-1]) == 0).all()
    assert (layout(1, none, none, none, [5]) == 0).all()
    two = layout(2, [0], [1], [0.3], [0, 0])
    assert 0.9 < float(np.hypot(*(two[0] - two[1]))) < 2.0


def test_twins_a_clique_and_a_star_are_spread() -> None:
    a, b = np.triu_indices(30, 1)
    assert nearest(layout(30, a, b, np.ones(len(a)), np.zeros(30, np.int64))) > 0.95
    assert nearest(layout(30, np.zeros(29, np.int64), np.arange(1, 30), np.ones(29), np.zeros(30, np.int64))) > 0.95
    assert nearest(layout(30, [0], [1], [1e-300], np.zeros(30, np.int64))) > 0.95
    assert nearest(layout(30, [0, 1], [1, 2], [1e300, 1e-300], np.zeros(30, np.int64))) > 0.95


def test_loose_nodes_with_pairs_lie_side_by_side() -> None:
    home = np.full(60, -1)
    home[:20] = 0
    place = layout(60, [25, 40], [58, 33], [1.0, 1.0], home)
    assert np.hypot(*(place[25] - place[58])) < 1.5
    assert np.hypot(*(place[40] - place[33])) < 1.5


def test_more_communities_than_are_arranged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_layout, "_LARGEST_ARRANGED", 5)
    n, i, j, weight, home = planted([30, 20, 9, 8, 7, 6, 6, 5, 4, 3, 3, 3, 2], 10, 300)
    place = layout(n, i, j, weight, home)
    assert nearest(place) > 0.95
    for one in range(13):
        middle, reach = circle(place[home == one])
        assert (np.hypot(*(place[home != one] - middle).T) > reach).all()


def test_thousands_of_nodes() -> None:
    rng = np.random.default_rng(0)
    home = np.sort(rng.integers(-1, 4, 2_400))
    i = rng.integers(0, 2_400, 18_000)
    j = np.clip(i + rng.integers(-40, 41, 18_000), 0, 2_399)
    place = layout(2_400, i, j, rng.random(18_000), home)
    assert nearest(place) > 0.9
    middles = np.array([place[home == number].mean(axis=0) for number in range(4)])
    inner = home >= 0
    # Circles do not meet: nearly everybody's nearest middle is that of their own community.
    assert (distances(place[inner], middles).argmin(axis=1) == home[inner]).mean() > 0.95


@given(data=st.data(), n=st.integers(0, 24))
@settings(max_examples=60, deadline=None)
def test_any_graph_has_places(data: st.DataObject, n: int) -> None:
    ends = st.integers(0, n - 1) if n else st.nothing()
    edges = data.draw(
        st.lists(st.tuples(ends, ends, st.floats(0, 1e9, allow_subnormal=False)), max_size=30) if n else st.just([])
    )
    home = data.draw(st.lists(st.integers(-1, 4), min_size=n, max_size=n))
    i, j, weight = ([edge[place] for edge in edges] for place in range(3))
    place = layout(n, np.array(i, np.int64), np.array(j, np.int64), weight, np.array(home, np.int64))
    assert np.isfinite(place).all()
    assert n < 2 or nearest(place) > 0.9


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"community": [0, 0]}, "one community number per node"),
        ({"community": [0, 0, -2]}, "found -2"),
        ({"community": [0.0, 0.0, 0.0]}, "float64"),
        ({"i": [0]}, "one length"),
        ({"i": [[0, 1]], "j": [[1, 2]], "weight": [[1.0, 1.0]]}, "one length"),
        ({"i": [0, 3]}, "found 0 to 3"),
        ({"i": [0, -1]}, "found -1"),
        ({"i": [0.0, 1.0]}, "integers"),
        ({"weight": [1.0, -0.1]}, "0 or more"),
        ({"weight": [1.0, np.nan]}, "finite"),
        ({"weight": [1.0, np.inf]}, "finite"),
        ({"n": -1, "community": []}, "-1 nodes"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], said: str) -> None:
    fits: dict[str, object] = {"n": 3, "i": [0, 1], "j": [1, 2], "weight": [1.0, 1.0], "community": [0, 0, -1]}
    assert layout(**fits).shape == (3, 2)  # type: ignore[arg-type]
    with pytest.raises(KernelError, match=said):
        layout(**(fits | change))  # type: ignore[arg-type]


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(OptionError, match="found -1"):
        layout(0, [], [], [], np.zeros(0, np.int64), seed=-1)
