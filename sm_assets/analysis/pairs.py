"""Pairs of accounts that share more than chance explains.

Here: candidate pairs, their measures, the test. Not here: clusters (`linkage`, `seeded`), the table
(`cosharing_tables`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from sm_assets.analysis.cosharing import pointwise
from sm_assets.analysis.defaults import VIRAL_ACCOUNTS
from sm_assets.analysis.evidence import Evidence
from sm_assets.kernels.linkage import index_shared
from sm_assets.kernels.pairs import hypergeometric_tail, list_pairs, measure_pairs

KINDS: Final = ("joined", "text", "link", "image_text")
"""Content kinds; positions are the codes of `kind`."""

MIN_SHARED: Final = 2
"""Pieces that a pair must share to be tested: one common piece is what two readers of the same news have."""

LEVEL: Final = 0.05
"""Share of false finds that is accepted among the pairs (Benjamini and Hochberg 1995)."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of accounts that passed the test; one row per pair, ascending by (a, b), a < b.

    Attributes:
        a, b: int32, account numbers.
        n_a, n_b: int32, pieces of evidence of each account.
        n_shared: int32, pieces that both carry: the smaller of both counts.
        by_kind: int32[n_pairs, 4], shared contents by kind, in the order of `KINDS`.
        coverage_a, coverage_b: float64, n_shared over the account's pieces.
        npmi, damped_npmi: float64.
        p_value: float64, hypergeometric: chance of as many shared pieces or more.
        median_gap: float64, between the first posts of shared contents, in the unit of the times.
        first_shared, last_shared: int64.
    """

    a: npt.NDArray[np.int32]
    b: npt.NDArray[np.int32]
    n_a: npt.NDArray[np.int32]
    n_b: npt.NDArray[np.int32]
    n_shared: npt.NDArray[np.int32]
    by_kind: npt.NDArray[np.int32]
    coverage_a: npt.NDArray[np.float64]
    coverage_b: npt.NDArray[np.float64]
    npmi: npt.NDArray[np.float64]
    damped_npmi: npt.NDArray[np.float64]
    p_value: npt.NDArray[np.float64]
    median_gap: npt.NDArray[np.float64]
    first_shared: npt.NDArray[np.int64]
    last_shared: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.a)

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Pairs:
        """The pairs at these positions."""
        return Pairs(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def find_pairs(
    evidence: Evidence,
    kind: npt.NDArray[np.uint8],
    first_at: npt.NDArray[np.int64],
    last_at: npt.NDArray[np.int64],
    *,
    viral_accounts: int = VIRAL_ACCOUNTS,
    min_shared: int = MIN_SHARED,
    level: float = LEVEL,
) -> tuple[Pairs, dict[str, int]]:
    """Find the pairs of accounts that share more pieces of evidence than chance explains.

    Args:
        evidence: who carries what.
        kind: uint8[n_rows], code of the kind of each row of the evidence.
        first_at: int64[n_rows], first post of the row's content by its account.
        last_at: int64[n_rows], its last post.
        viral_accounts: a content with more carriers makes a candidate of each carrier and 16 others, chosen by a hash
            of the account; the candidates' measures count all contents all the same.
        min_shared: pieces that a pair must share to be tested.
        level: accepted share of false finds among all tested pairs.

    Returns:
        The pairs, and the number of the candidates dropped by reason: too_few_shared, not_significant.
    """
    a, b = list_pairs(index_shared(evidence, viral_accounts), viral_accounts)
    shares = measure_pairs(evidence, kind, first_at, last_at, a, b)
    n_pieces = evidence.n_units
    testable = np.flatnonzero(shares.n_shared >= min_shared)
    n_a, n_b, n_shared = n_pieces[a[testable]], n_pieces[b[testable]], shares.n_shared[testable]
    p_value = hypergeometric_tail(n_shared, n_a, n_b, evidence.n_background)
    kept = _rejects_null(p_value, level)
    rows = testable[kept]
    n_a, n_b, n_shared = n_a[kept], n_b[kept], n_shared[kept]
    _, npmi, damped = pointwise(n_shared, n_a, n_b, evidence.n_background)
    pairs = Pairs(
        a=a[rows],
        b=b[rows],
        n_a=n_a,
        n_b=n_b,
        n_shared=n_shared,
        by_kind=shares.by_kind[rows],
        coverage_a=n_shared / n_a,
        coverage_b=n_shared / n_b,
        npmi=npmi,
        damped_npmi=damped,
        p_value=p_value[kept],
        median_gap=shares.median_gap[rows],
        first_shared=shares.first_shared[rows],
        last_shared=shares.last_shared[rows],
    )
    return pairs, {"too_few_shared": len(a) - len(testable), "not_significant": len(testable) - len(rows)}


def _rejects_null(p_value: npt.NDArray[np.float64], level: float) -> npt.NDArray[np.bool_]:
    """Benjamini-Hochberg: which p-values stand at this rate of false finds."""
    n = len(p_value)
    ranked = np.sort(p_value)
    below = np.flatnonzero(ranked <= level * np.arange(1, n + 1) / max(n, 1))
    return p_value <= (ranked[below[-1]] if len(below) else -1.0)
