"""How vectors are clustered: the presets and their parameters.

Here: the parameters, their ranges and what a preset stands for. Not here: clustering (`vector_clusters`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from sm_assets.analysis.parameters import check_real, check_whole
from sm_assets.errors import OptionError

PRESETS: Final = ("kmeans", "reduced_kmeans", "hdbscan", "constrained")
REDUCTIONS: Final = ("umap", "pacmap", "svd", "none")
METRICS: Final = ("cosine", "euclidean")
CHOICES: Final = ("stable", "silhouette")
AUTO: Final = "auto"
GRID: Final = (*range(2, 11), 12, 15, 20, 25, 30, 40, 50)
_REDUCED: Final = {"kmeans": "none", "reduced_kmeans": "umap", "hdbscan": "umap", "constrained": "none"}

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """How vectors are clustered.

    Attributes:
        preset: `kmeans`; `reduced_kmeans`: few dimensions first; `hdbscan`: likewise, finds its number of clusters and
            leaves noise; `constrained`: k-means whose clusters have bounded sizes.
        k: number of clusters, or `auto`: chosen from `grid`. hdbscan takes none of it.
        reduce: umap, pacmap, svd, none; None: as the preset says (reduced_kmeans and hdbscan: umap).
        n_components: dimensions after the reduction.
        n_neighbors: neighbours of a row in umap and pacmap.
        metric: `cosine`: rows count by their direction; `euclidean`. After umap and pacmap: euclidean.
        size_min: rows that the smallest cluster must have; constrained holds to it, auto prefers it, hdbscan finds no
            smaller one.
        size_max: rows that the largest cluster may have (constrained); None: any number.
        grid: numbers of clusters that auto tries, as far as n / max(10, size_min) goes.
        choose: `stable`: the highest silhouette among numbers whose clusters come again in halves of the rows;
            `silhouette`: the highest silhouette, stability is not measured.
        n_init: k-means starts, the best counts.
        max_iter: iterations of a start.
        tol: movement of the centres at which a start ends, relative to the mean variance.
        seed: of all random numbers; each step has a child of it.
        random_state: k-means draws as scikit-learn does from this state, on the rows in the order of their keys;
            preset kmeans only.
    """

    preset: str = "reduced_kmeans"
    k: int | str = AUTO
    reduce: str | None = None
    n_components: int = 5
    n_neighbors: int = 15
    metric: str = "cosine"
    size_min: int = 10
    size_max: int | None = None
    grid: tuple[int, ...] = GRID
    choose: str = "stable"
    n_init: int = 10
    max_iter: int = 300
    tol: float = 1e-4
    seed: int = 42
    random_state: int | None = None

    def __post_init__(self) -> None:
        """Check every parameter.

        Raises:
            OptionError: names it, with what was found and what is possible.
        """
        _one_of("preset", self.preset, PRESETS)
        _one_of("reduce", self.reduction, REDUCTIONS)
        _one_of("metric", self.metric, METRICS)
        _one_of("choose", self.choose, CHOICES)
        if self.k != AUTO:
            check_whole("k", self.k)
        wholes = ("n_components", "size_min", "n_init", "max_iter")
        for name in wholes:
            check_whole(name, getattr(self, name))
        check_whole("n_neighbors", self.n_neighbors, 2)
        check_whole("seed", self.seed, 0)
        for number in self.grid:
            check_whole("grid", number, 2)
        if not self.grid or list(self.grid) != sorted(set(self.grid)):
            raise OptionError(f"grid must be numbers of clusters that rise; found {self.grid}.")
        if not 0 <= check_real("tol", self.tol) < 1:
            raise OptionError(f"tol must lie between 0 and 1; found {self.tol}.")
        if self.size_max is not None:
            check_whole("size_max", self.size_max, self.size_min)
            if self.preset != "constrained":
                raise OptionError(
                    f"size_max is kept by the preset constrained only; found it with {self.preset}: leave it out, or "
                    "take constrained."
                )
        if self.random_state is not None:
            check_whole("random_state", self.random_state, 0, 2**32 - 1)
            if self.preset != "kmeans":
                raise OptionError(f"random_state belongs to the preset kmeans; found it with {self.preset}: give seed.")

    @property
    def reduction(self) -> str:
        """The reduction that is asked for."""
        return self.reduce or _REDUCED.get(self.preset, "none")

    def told(self) -> dict[str, Any]:
        """The parameters in words that JSON knows, those that the preset fills in filled in."""
        return asdict(self) | {"grid": list(self.grid), "reduce": self.reduction}


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise OptionError(f"{name} must be one of {', '.join(allowed)}; found {value!r}.")
