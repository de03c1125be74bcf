"""How many followers two influencers would share by chance, and how surprising the number is that they do share.

Here: three null models over pairs of influencers of one platform, the tail probabilities under them, and the false
discovery rate over all pairs. Not here: which pairs are looked at (`overlap_pairs`), fitting (`bipartite_fit`).

    bicm            bipartite configuration model: holds the audiences' sizes AND how many accounts each follower
                    follows (Saracco et al., New J. Phys. 19, 053022, 2017)
    chung_lu        the same in its sparse limit: n_i n_j sum d(d-1) / E^2
    hypergeometric  two random subsets of all followers; knows nothing of busy followers, so it is for comparison only
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from sm_assets.analysis.bipartite_fit import fit_bipartite
from sm_assets.errors import KernelError, OptionError

Null = Literal["bicm", "chung_lu", "hypergeometric"]
NULLS: Final[tuple[Null, ...]] = ("bicm", "chung_lu", "hypergeometric")

_CHUNK: Final = 1 << 19
"""Pairs that are worked on at once: bounds the memory beside input and output."""

_TABLE_CLASSES: Final = 2048
"""Up to so many distinct sizes the expected numbers of all pairs of sizes stand in one table of 32 MiB."""

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Rows: TypeAlias = npt.NDArray[np.int32] | npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class DegreeClasses:
    """How many followers follow how many of the influencers.

    Attributes:
        follower_degree: int64[c], distinct, 0 or more.
        follower_count: int64[c], followers with that degree.
    """

    follower_degree: Ints
    follower_count: Ints

    def __post_init__(self) -> None:
        """Raise KernelError unless the histogram is one."""
        degree, count = self.follower_degree, self.follower_count
        if degree.ndim != 1 or degree.shape != count.shape or len(np.unique(degree)) != len(degree):
            raise KernelError(
                f"degree classes are distinct degrees with a count each; found shapes {degree.shape}, {count.shape}."
            )
        if len(degree) and min(int(degree.min()), int(count.min())) < 0:
            raise KernelError("degrees and counts of followers are 0 or more; found a negative one.")

    @classmethod
    def of(cls, degrees: npt.NDArray[np.integer]) -> DegreeClasses:
        """The histogram of degrees, int[n_followers]."""
        degree, count = np.unique(degrees, return_counts=True)
        return cls(degree.astype(np.int64), count.astype(np.int64))

    @property
    def n_followers(self) -> int:
        """Followers in all."""
        return int(self.follower_count.sum())

    @property
    def n_edges(self) -> int:
        """Follows in all."""
        return int((self.follower_degree * self.follower_count).sum())


class NullModel(ABC):
    """What chance alone would do with pairs of influencers.

    Attributes:
        kind: which null it is.
        metadata: how it was fitted, for readers of a run.
    """

    kind: Null

    def __init__(self, sizes: Ints, metadata: dict[str, int | float]) -> None:
        self._sizes = sizes
        self.metadata = metadata

    def expected(self, i: Rows, j: Rows) -> Floats:
        """Shared followers expected by chance.

        Args:
            i: int[p], influencers of the pairs, positions in the sizes.
            j: int[p], the other influencers, i != j.

        Returns:
            float64[p].

        Raises:
            KernelError: unlike lengths, or no such influencer.
        """
        self._check(i, j)
        answer = np.empty(len(i), np.float64)
        for part in _parts(len(i)):
            answer[part] = self._expected(i[part], j[part])
        return answer

    def p_values(self, i: Rows, j: Rows, shared: npt.NDArray[np.integer] | Floats) -> Floats:
        """Probability that chance alone gives at least so many shared followers.

        Args:
            i: int[p], influencers of the pairs.
            j: int[p], the other influencers.
            shared: int64[p] or float64[p], shared followers; where they are estimates, any number of 0 or more.

        Returns:
            float64[p]: upper tail of a Poisson variable with the expected number, of the hypergeometric distribution
            itself where that is the null. 1 where nothing is shared. The Poisson tail between two whole numbers is the
            regularised incomplete gamma function, which falls from one to the next.

        Raises:
            KernelError: unlike lengths, no such influencer, or a negative number.
        """
        self._check(i, j)
        if len(shared) != len(i):
            raise KernelError(f"one number of shared followers per pair; found {len(shared)} for {len(i)} pairs.")
        if len(shared) and not float(shared.min()) >= 0:
            raise KernelError("shared followers are 0 or more; found a negative number or nan.")
        answer = np.empty(len(i), np.float64)
        for part in _parts(len(i)):
            answer[part] = self._tail(i[part], j[part], shared[part].astype(np.float64))
        return answer

    def _check(self, i: Rows, j: Rows) -> None:
        if len(i) != len(j):
            raise KernelError(f"pairs have two ends; found {len(i)} and {len(j)}.")
        if len(i) and (min(i.min(), j.min()) < 0 or max(i.max(), j.max()) >= len(self._sizes)):
            raise KernelError(f"ends of pairs lie in 0..{len(self._sizes) - 1}; found one beyond.")

    @abstractmethod
    def _expected(self, i: Rows, j: Rows) -> Floats:
        """Expected numbers of one chunk."""

    def _tail(self, i: Rows, j: Rows, shared: Floats) -> Floats:
        """Tail probabilities of one chunk."""
        from scipy.special import gammainc

        tail = np.ones(len(i), np.float64)
        some = shared > 0
        tail[some] = gammainc(shared[some], self._expected(i[some], j[some]))
        return tail


class _Bicm(NullModel):
    """Influencers of one size are alike: expected numbers per pair of sizes, or products of few factors per size."""

    kind = "bicm"

    def __init__(self, sizes: Ints, classes: DegreeClasses) -> None:
        distinct, class_of, counts = np.unique(sizes, return_inverse=True, return_counts=True)
        fit = fit_bipartite(classes.follower_degree, classes.follower_count, distinct, counts.astype(np.int64))
        super().__init__(sizes, fit.metadata)
        self._class_of = class_of.astype(np.int64).reshape(-1)
        self._n_classes = len(distinct)
        self._table = fit.shared_by_class() if len(distinct) <= _TABLE_CLASSES else None
        self._factors = fit.factors() if self._table is None else None

    def _expected(self, i: Rows, j: Rows) -> Floats:
        a, b = self._class_of[i], self._class_of[j]
        if self._table is not None:
            return np.asarray(self._table.ravel()[a * self._n_classes + b])
        assert self._factors is not None
        answer = np.empty(len(a), np.float64)
        step = max(1, (1 << 21) // max(self._factors.shape[1], 1))
        for start in range(0, len(a), step):
            part = slice(start, start + step)
            answer[part] = np.einsum("pk,pk->p", self._factors[a[part]], self._factors[b[part]])
        return np.maximum(answer, 0.0)


class _ChungLu(NullModel):
    kind = "chung_lu"

    def __init__(self, sizes: Ints, classes: DegreeClasses) -> None:
        super().__init__(sizes, {})
        degree = classes.follower_degree.astype(np.float64)
        wedges = float((classes.follower_count * degree * (degree - 1)).sum())
        self._scale = wedges / max(classes.n_edges, 1) ** 2
        self._size = sizes.astype(np.float64)

    def _expected(self, i: Rows, j: Rows) -> Floats:
        return self._size[i] * self._size[j] * self._scale


class _Hypergeometric(NullModel):
    kind = "hypergeometric"

    def __init__(self, sizes: Ints, n_followers: int) -> None:
        super().__init__(sizes, {})
        if len(sizes) and n_followers < int(sizes.max()):
            raise KernelError(f"an audience of {int(sizes.max())} does not fit into {n_followers} followers.")
        self._n = n_followers

    def _expected(self, i: Rows, j: Rows) -> Floats:
        return self._sizes[i].astype(np.float64) * self._sizes[j] / max(self._n, 1)

    def _tail(self, i: Rows, j: Rows, shared: Floats) -> Floats:
        a, b = self._sizes[i].astype(np.float64), self._sizes[j].astype(np.float64)
        return _hypergeometric_tail(np.ceil(shared), a, b, float(self._n))


def null_model(kind: Null, sizes: Ints, classes: DegreeClasses, n_followers_total: int) -> NullModel:
    """Fit a null model to the influencers of one platform.

    Args:
        kind: bicm, chung_lu or hypergeometric.
        sizes: int64[N], followers of each influencer.
        classes: degrees of the followers over these influencers.
        n_followers_total: followers of the platform, those of none of the influencers may be among them; only
            hypergeometric looks at them (one who follows nobody is shared by nobody).

    Returns:
        The model; its memory follows the number of distinct sizes and degrees, not of accounts.

    Raises:
        OptionError: no such null.
        KernelError: sizes and degrees do not add up to the same number of follows, or the fit does not converge.
    """
    if kind not in NULLS:
        raise OptionError(f"null must be one of {', '.join(NULLS)}; found {kind!r}.")
    if len(sizes) and int(sizes.min()) < 0:
        raise KernelError("sizes of audiences are 0 or more; found a negative one.")
    if kind == "hypergeometric":
        return _Hypergeometric(sizes, n_followers_total)
    if int(sizes.sum()) != classes.n_edges:
        raise KernelError(
            f"the audiences hold {int(sizes.sum())} follows, the degrees of their followers {classes.n_edges}; count "
            "both over the same edges."
        )
    return _Bicm(sizes, classes) if kind == "bicm" else _ChungLu(sizes, classes)


def benjamini_hochberg(p_values: Floats, n_tests: int) -> Floats:
    """Smallest false discovery rate at which each test is still kept.

    Args:
        p_values: float64[p], in 0..1.
        n_tests: tests made in all, at least p; those not listed count as p = 1.

    Returns:
        float64[p], in 0..1: keep those <= alpha. Source: Benjamini and Hochberg, J. R. Stat. Soc. B 57, 289, 1995.

    Raises:
        KernelError: fewer tests than p-values, or a p-value that is none.
    """
    if n_tests < len(p_values):
        raise KernelError(f"{len(p_values)} p-values are of at least as many tests; found {n_tests}.")
    if len(p_values) and not (float(p_values.min()) >= 0 and float(p_values.max()) <= 1):
        raise KernelError("p-values lie in 0..1; found one beyond, or nan.")
    order = np.argsort(p_values)
    ranked = p_values[order] * (n_tests / np.arange(1, len(order) + 1))
    q_values = np.empty(len(order), np.float64)
    q_values[order] = np.minimum(np.minimum.accumulate(ranked[::-1])[::-1], 1.0)
    return q_values


def _parts(n: int) -> list[slice]:
    return [slice(start, start + _CHUNK) for start in range(0, n, _CHUNK)]


def _hypergeometric_tail(x: Floats, a: Floats, b: Floats, n: float) -> Floats:
    """P(X >= x) for the overlap X of two random subsets, a and b out of n.

    The side of x that holds less is summed, each term from the one before, until terms no longer count.
    """
    from scipy.special import gammaln

    low, high = np.maximum(a + b - n, 0.0), np.minimum(a, b)
    upper = x > a * b / max(n, 1.0)
    first = np.where(upper, x, x - 1)
    inside = (first >= low) & (first <= high)
    tail = np.where(upper, 0.0, 1.0)
    at, k = np.flatnonzero(inside), first[inside]
    a, b, upper, low, high = a[at], b[at], upper[at], low[at], high[at]

    def ways(m: Floats, r: Floats) -> Floats:
        return np.asarray(gammaln(m + 1) - gammaln(r + 1) - gammaln(m - r + 1), np.float64)

    term = np.exp(ways(a, k) + ways(n - a, b - k) - ways(np.full(len(a), n), b))
    total = term.copy()
    rest = np.arange(len(at))
    while len(rest):
        u, v, w = a[rest], b[rest], k[rest]
        up = (u - w) * (v - w) / np.maximum((w + 1) * (n - u - v + w + 1), 1.0)
        down = w * (n - u - v + w) / np.maximum((u - w + 1) * (v - w + 1), 1.0)
        term[rest] *= np.where(upper[rest], up, down)
        k[rest] += np.where(upper[rest], 1.0, -1.0)
        total[rest] += term[rest]
        rest = rest[(term[rest] > total[rest] * 1e-17) & (k[rest] > low[rest] - 1) & (k[rest] < high[rest] + 1)]
    tail[at] = np.where(upper, total, 1.0 - total)
    return np.clip(tail, 0.0, 1.0)
