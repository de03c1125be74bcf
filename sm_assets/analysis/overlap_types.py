"""What finding overlaps takes and what it gives.

Here: options, the influencers of one platform, and the answer as arrays. Not here: how it is found (`overlap_pairs`)
and the columns that readers see (`overlap_tables`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from sm_assets.analysis.null_models import NULLS, DegreeClasses, Null
from sm_assets.errors import OptionError, SketchInputError

Method = Literal["exact", "scan", "banding"]
Counts: TypeAlias = dict[str, int | float | str | bool]
Ints32: TypeAlias = npt.NDArray[np.int32]
Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OverlapOptions:
    """How pairs are found, counted and tested.

    Attributes:
        candidates: auto, exact, scan or banding.
        exact_rerank: whether pairs of scan and banding are counted: auto (where audiences are given, up to 2e9
            follows), always or never.
        top: neighbours per influencer in the table.
        recall: share of the pairs of Jaccard index `jaccard` that banding must find.
        jaccard: above 0, below 1: the overlap for which scan and banding are laid out.
        max_bucket: influencers alike in one band beyond which they are scanned instead of paired.
        null: bicm, chung_lu or hypergeometric.
        alpha: above 0, below 0.5: false discovery rate of significant pairs.
        min_shared: shared followers that a significant pair has at least.
        threads: of scans and counts; None: all processors where it pays.
        memory_limit: bytes for all of it beside the inputs and the answer. auto does not take exact where its product
            needs more; who names exact gets it.
    """

    candidates: str = "auto"
    exact_rerank: str = "auto"
    top: int = 50
    recall: float = 0.9
    jaccard: float = 0.2
    max_bucket: int = 1000
    null: Null = "bicm"
    alpha: float = 0.01
    min_shared: int = 3
    threads: int | None = None
    memory_limit: int = 1 << 30

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            OptionError: a value is out of range.
        """
        words = (
            ("candidates", self.candidates, ("auto", "exact", "scan", "banding")),
            ("exact_rerank", self.exact_rerank, ("auto", "always", "never")),
            ("null", self.null, NULLS),
        )
        for name, word, allowed in words:
            if word not in allowed:
                raise OptionError(f"{name} must be one of {', '.join(allowed)}; found {word}.")
        for name, share, above in (
            ("recall", self.recall, 1),
            ("jaccard", self.jaccard, 1),
            ("alpha", self.alpha, 0.5),
        ):
            if not 0 < share < above:
                raise OptionError(f"{name} must lie between 0 and {above}; found {share}.")
        whole = {"top": self.top, "max_bucket": self.max_bucket, "min_shared": self.min_shared}
        for name, value in whole.items():
            if value < 1:
                raise OptionError(f"{name} must be at least 1; found {value}.")
        if self.memory_limit < 1 << 20:
            raise OptionError(f"memory_limit must be at least 1 MiB; found {self.memory_limit} bytes.")


@dataclass(frozen=True, slots=True, eq=False)
class Audiences:
    """The influencers of one platform by ascending account id.

    Attributes:
        sizes: int64[n], followers.
        signatures: uint32[n, k]; a row of EMPTY: nothing is known.
        classes: degrees of the followers over these influencers.
        n_followers_total: distinct followers.
        keys: uint64[sum of sizes], follower keys, sorted and unique within an influencer, maybe a memory map; None: not
            at hand.
        indptr: int64[n + 1], where influencers begin in `keys`.
    """

    sizes: Ints
    signatures: npt.NDArray[np.uint32]
    classes: DegreeClasses
    n_followers_total: int
    keys: npt.NDArray[np.uint64] | None = None
    indptr: Ints | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together.

        Raises:
            SketchInputError: another type, layout or length.
        """
        signatures, n = self.signatures, len(self.sizes)
        if signatures.dtype != np.uint32 or signatures.ndim != 2 or not signatures.flags.c_contiguous:
            raise SketchInputError(
                f"Signatures must be a C-contiguous uint32[n, k]; found {signatures.dtype}{list(signatures.shape)}. "
                "Use numpy.ascontiguousarray on registers of one scheme."
            )
        if self.sizes.dtype != np.int64 or len(signatures) != n:
            raise SketchInputError(
                f"Sizes must be int64 with one per signature, {len(signatures)}; found {self.sizes.dtype}[{n}]."
            )
        if (self.keys is None) != (self.indptr is None):
            raise SketchInputError("Follower keys and indptr go together; found one of them. Give both or none.")
        if self.indptr is not None and not np.array_equal(np.diff(self.indptr), self.sizes):
            raise SketchInputError("indptr must hold as many keys per influencer as sizes say; it does not.")

    @property
    def wedges(self) -> int:
        """Pairs of influencers that a follower follows, summed over followers: the work of exact counting."""
        degree = self.classes.follower_degree
        return int((self.classes.follower_count * (degree * (degree - 1) // 2)).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Significant:
    """Pairs that chance does not explain, by (i, j).

    Attributes:
        i, j: int32[e], rows of the influencers, i < j.
        weight: float64[e], Jaccard index, exact or estimated, above 0.
        n_shared: float64[e], shared followers, whole numbers where counted.
        expected: float64[e], shared followers by chance.
        q_value: float64[e].
    """

    i: Ints32
    j: Ints32
    weight: Floats
    n_shared: Floats
    expected: Floats
    q_value: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The best neighbours of each influencer, by (account, rank); both directions of a pair may be here.

    Attributes:
        account, neighbour: int64[r], rows.
        rank: int64[r], 1 first.
        matches: int64[r], equal registers.
        jaccard_estimated, jaccard_se: float64[r], of the sketches.
        n_shared: float64[r], shared followers, whole numbers where counted.
        jaccard: float64[r], by which they are ranked: exact, else estimated.
        expected, lift, q_value: float64[r].
        is_significant: bool[r].
    """

    account: Ints
    neighbour: Ints
    rank: Ints
    matches: Ints
    jaccard_estimated: Floats
    jaccard_se: Floats
    n_shared: Floats
    jaccard: Floats
    expected: Floats
    lift: Floats
    q_value: Floats
    is_significant: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Overlaps:
    """All that was found.

    Attributes:
        significant: edges of the graph of communities.
        neighbours: rows of the table.
        method: how candidates were found.
        is_exact: overlaps were counted, not estimated.
        counts: what a run tells: sizes of the work, parameters, what was left out.
    """

    significant: Significant
    neighbours: Neighbours
    method: Method
    is_exact: bool
    counts: Counts
