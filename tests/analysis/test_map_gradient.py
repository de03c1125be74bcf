"""The gradient of t-SNE on a grid, against sums over all pairs and openTSNE's own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from openTSNE.tsne import kl_divergence_fft
from scipy.sparse import csr_matrix

from sm_assets.analysis import layout as module
from sm_assets.analysis.layout import layout
from sm_assets.analysis.map_gradient import MapGradient, grid_of
from sm_assets.errors import KernelError
from sm_assets.kernels.map_forces import Grid, attract, gather, spread

Floats = npt.NDArray[np.float64]


def world(n: int, scale: float, seed: int = 0) -> tuple[Floats, csr_matrix]:
    """Places, and symmetric shares of neighbours."""
    random = np.random.default_rng(seed)
    shares = np.triu(np.where(random.random((n, n)) < 0.1, random.random((n, n)), 0), 1)
    return random.normal(size=(n, 2)) * scale + [3, -7], csr_matrix((shares + shares.T) / (2 * shares.sum()))


@pytest.mark.parametrize(("scale", "within"), [(1e-4, 1e-9), (0.3, 1e-4), (3.0, 5e-3), (12.0, 0.2)])
def test_forces_are_those_of_all_pairs(scale: float, within: float) -> None:
    places, shares = world(400, scale)
    apart = places[:, None] - places
    alike = 1 / (1 + (apart**2).sum(axis=2))
    np.fill_diagonal(alike, 0)
    pull = (shares.toarray() * alike)[:, :, None] * apart
    push = (alike**2)[:, :, None] * apart
    told = pull.sum(axis=1) - push.sum(axis=1) / alike.sum()
    value, found = MapGradient()(places, shares)
    assert value == 0
    assert np.abs(found - told).max() < within * np.abs(told).max()
    assert MapGradient().repulsion(places)[1] == pytest.approx(alike.sum(), rel=within)
    # And no farther from it than openTSNE's.
    options = {"n_interpolation_points": 3, "min_num_intervals": 50, "ints_in_interval": 1}
    peer = kl_divergence_fft(places, shares, 1, options)[1]
    assert np.abs(found - told).max() <= 1.2 * np.abs(peer - told).max() + 1e-12


def test_kernels_are_made_anew_where_the_grid_changes() -> None:
    one = MapGradient()
    for scale in (1.0, 30.0, 1e-3, 30.0):
        places, shares = world(60, scale)
        assert np.array_equal(one(places, shares)[1], MapGradient(2)(places, shares)[1])


@pytest.mark.parametrize("scale", [0.0, 1e-9, 0.01, 2.0, 40.0])
def test_the_grid_holds_all_places_in_small_squares(scale: float) -> None:
    places = world(50, scale)[0]
    grid = grid_of(places)
    assert spread(places, grid)[0].sum() == pytest.approx(50)
    assert grid.side <= 1
    span = float(np.ptp(places, axis=0).max())
    assert grid.side == 1 or span == 0 or 50 * grid.side <= span * (1 + 1e-9)


def test_what_is_quadratic_is_read_off_the_grid_as_it_is() -> None:
    places = np.random.default_rng(1).uniform(0, 4, (30, 2))
    grid = Grid(0.0, 0.0, 0.5, 24)
    node = (np.arange(24) + 0.5) / 6
    plane = node[:, None] ** 2 - 3 * node * node[:, None] + 2
    told = places[:, 0] ** 2 - 3 * places[:, 1] * places[:, 0] + 2
    np.testing.assert_allclose(gather(places, grid, plane[None])[:, 0], told, atol=1e-12)
    # Charges keep their sum and their centre.
    charges = spread(places, grid)
    np.testing.assert_allclose(charges.sum(axis=(1, 2)), [30, *places.sum(axis=0)])
    assert (charges[0] * node[:, None]).sum() == pytest.approx(places[:, 0].sum())
    assert (charges[0] * node).sum() == pytest.approx(places[:, 1].sum())


def test_many_rows_are_placed_on_the_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MANY_ROWS", 100)
    random = np.random.default_rng(2)
    group = random.integers(4, size=160)
    rows = random.normal(size=(4, 30))[group] + random.normal(size=(160, 30)) * 0.3
    names = [f"{at:03d}" for at in range(160)]
    found = layout(rows, names, threads=2)
    places = np.stack([found.x, found.y], axis=1)
    far = np.linalg.norm(places[:, None] - places, axis=2)
    np.fill_diagonal(far, np.inf)
    assert (group[far.argmin(axis=1)] == group).mean() > 0.97


def test_what_does_not_fit_is_refused() -> None:
    places, grid = np.ones((3, 2)), Grid(0.0, 0.0, 1.0, 6)
    with pytest.raises(KernelError, match="lie on the grid"):
        spread(places * 3, grid)
    with pytest.raises(KernelError, match="finite"):
        spread(places * np.nan, grid)
    with pytest.raises(KernelError, match="3 nodes each"):
        spread(places, Grid(0.0, 0.0, 1.0, 7))
    with pytest.raises(KernelError, match="6 x 6 nodes"):
        gather(places, grid, np.zeros((1, 6, 9)))
    with pytest.raises(KernelError, match="do not fit to shares"):
        attract(places, csr_matrix((2, 2)))
