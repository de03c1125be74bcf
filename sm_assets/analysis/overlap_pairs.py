"""Which influencers of a platform share more of their audiences than chance explains, and how much.

Here: candidate pairs, their overlap by counting or by sketches, the test against a null model, the best neighbours of
each influencer. Not here: the null models (`null_models`), bands (`banding`), the product (`overlap_counts`), the
columns that readers see (`overlap_tables`), communities (`communities`).

    exact     all pairs that share a follower, by a sparse product; while there are few enough wedges
    scan      all pairs of sketches whose folded registers agree often enough for the wanted Jaccard index
    banding   pairs that agree in a band of registers; where there are too many influencers for all pairs

Pairs of scan and banding are counted exactly where the audiences are at hand; else their overlap is estimated, and the
estimate is lowered by two standard errors before the test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from sm_assets.analysis.banding import band_pairs, choose_bands, predicted_cost, scan_threshold
from sm_assets.analysis.null_models import NullModel, benjamini_hochberg, null_model
from sm_assets.analysis.overlap_counts import BYTES_PER_FOLLOW, shared_followers
from sm_assets.analysis.overlap_pool import BYTES_PER_PAIR, PairPool, best_neighbours
from sm_assets.analysis.overlap_types import (
    Audiences,
    Counts,
    Floats,
    Ints,
    Ints32,
    Method,
    Neighbours,
    OverlapOptions,
    Overlaps,
    Significant,
)
from sm_assets.errors import OptionError
from sm_assets.kernels.similarity import EMPTY, allpairs, fold8, intersect, matches32

MAX_WEDGES: Final = 200_000_000
"""Pairs of follows of one follower up to which all overlaps are counted."""
MAX_SCANNED: Final = 100_000
"""Influencers up to which all pairs of sketches are compared."""
MAX_RERANK: Final = 2_000_000_000
"""Follows up to which candidates are counted exactly."""

_CHUNK: Final = 1 << 20
_LEAST_EXPECTED: Final = 1e-9
"""Below, an expected number counts as this one: a lift is finite."""

__all__ = ["Audiences", "Neighbours", "OverlapOptions", "Overlaps", "Significant", "find_overlaps", "standard_error"]


def find_overlaps(
    audiences: Audiences,
    options: OverlapOptions | None = None,
    *,
    wedges: int | None = None,
    report: Callable[[str], None] | None = None,
) -> Overlaps:
    """Find, measure and test the pairs of one platform.

    Args:
        audiences: its influencers.
        options: None: the defaults.
        wedges: the work of exact counting where it is known better than from the degree classes.
        report: called with a sentence on the predicted cost before the work starts.

    Raises:
        OptionError: exact counts are asked for without audiences, or no bands fit the wanted recall.
        SketchInputError: keys that are not sorted and unique within an influencer.
        KernelError: sizes and degree classes contradict each other.
    """
    options = options or OverlapOptions()
    n, k = audiences.signatures.shape
    wedges = audiences.wedges if wedges is None else wedges
    method = _choose(audiences, options, wedges)
    is_exact = method == "exact" or _is_counted(audiences, options)
    run = _Run(audiences, options, is_exact)
    counts: Counts = {
        "influencers": n,
        "influencers_without_sketch": n - len(run.known),
        "wedges": wedges,
        "candidate_method": method,
        "is_exact": is_exact,
        "null": options.null,
        "alpha": options.alpha,
        "min_shared": options.min_shared,
        "top": options.top,
        "registers": k,
    }
    predicted, blocks = run.plan(method, wedges, counts)
    counts["predicted_cost"] = predicted
    if report is not None:
        report(predicted)
    run.take(blocks)
    return run.answer(method, counts)


def _choose(audiences: Audiences, options: OverlapOptions, wedges: int) -> Method:
    if options.candidates == "exact" and audiences.keys is None:
        raise OptionError(
            "candidates = exact counts through followers and needs their keys; none were given. Give keys and indptr, "
            "or take scan or banding."
        )
    if options.candidates in {"exact", "scan", "banding"}:
        return options.candidates  # type: ignore[return-value]  # one of the three
    degree, count = audiences.classes.follower_degree, audiences.classes.follower_count
    product = BYTES_PER_FOLLOW * int((degree * count)[degree > 1].sum())
    if audiences.keys is not None and wedges <= MAX_WEDGES and product <= 0.75 * options.memory_limit:
        return "exact"
    return "scan" if len(audiences.sizes) <= MAX_SCANNED else "banding"


def _is_counted(audiences: Audiences, options: OverlapOptions) -> bool:
    if options.exact_rerank == "always" and audiences.keys is None:
        raise OptionError(
            "exact_rerank = always needs the follower keys; none were given. Give keys and indptr, or take auto."
        )
    if options.exact_rerank == "auto":
        return audiences.keys is not None and int(audiences.sizes.sum()) <= MAX_RERANK
    return options.exact_rerank == "always"


class _Run:
    """The steps over one platform.

    Attributes:
        known: int64[m], influencers that have a sketch.
    """

    def __init__(self, audiences: Audiences, options: OverlapOptions, is_exact: bool) -> None:
        self._audiences, self._options, self._is_exact = audiences, options, is_exact
        self._n, self._k = audiences.signatures.shape
        self.known = np.flatnonzero(~(audiences.signatures == EMPTY).any(axis=1))
        self._pool = PairPool(self._n, options.top, options.alpha, options.memory_limit // (4 * BYTES_PER_PAIR))
        self._null: NullModel | None = None
        self._n_candidates = 0

    @property
    def null(self) -> NullModel:
        """The fitted null model."""
        if self._null is None:
            audiences = self._audiences
            self._null = null_model(self._options.null, audiences.sizes, audiences.classes, audiences.n_followers_total)
        return self._null

    def plan(self, method: Method, wedges: int, counts: Counts) -> tuple[str, Iterator[tuple[Ints32, Ints32, Ints]]]:
        """The predicted cost, and blocks (i, j, count) to come: count of shared followers, or of equal registers."""
        options, m = self._options, len(self.known)
        counts |= {"oversized_buckets": 0}
        if method == "exact":
            return predicted_cost(method, m, wedges=wedges).sentence, self._by_product()
        counts |= {"jaccard": options.jaccard}
        if method == "scan":
            least = max(scan_threshold(self._k, options.jaccard), 1)
            counts |= {"min_matches": least}
            return predicted_cost(method, m, k=self._k).sentence, self._measured(self._by_scan(least))
        bands, rows = choose_bands(self._k, options.recall, options.jaccard)
        counts |= {"recall": options.recall, "bands": bands, "rows_per_band": rows, "max_bucket": options.max_bucket}
        told = predicted_cost(method, m, bands=bands).sentence
        return told, self._measured(self._by_bands(bands, rows, counts))

    def _signatures(self) -> npt.NDArray[np.uint32]:
        """Of the influencers that have one."""
        signatures = self._audiences.signatures
        return signatures if len(self.known) == self._n else np.ascontiguousarray(signatures[self.known])

    def _by_product(self) -> Iterator[tuple[Ints32, Ints32, Ints]]:
        keys, indptr = self._audiences.keys, self._audiences.indptr
        assert keys is not None
        assert indptr is not None
        yield from shared_followers(keys, indptr, self._options.memory_limit // 4)

    def _by_scan(self, least: int) -> Iterator[tuple[Ints, Ints]]:
        if len(self.known) > 1:
            for i, j, _ in allpairs(fold8(self._signatures()), self._k, least, threads=self._options.threads):
                yield self.known[i], self.known[j]

    def _by_bands(self, bands: int, rows: int, counts: Counts) -> Iterator[tuple[Ints, Ints]]:
        options = self._options
        i, j, found = band_pairs(
            self._signatures(),
            bands,
            rows,
            max_bucket=options.max_bucket,
            jaccard=options.jaccard,
            threads=options.threads,
        )
        counts |= {"oversized_buckets": found["n_large_buckets"], "scanned_rows": found["n_scanned_rows"]}
        counts |= {"largest_bucket": found["largest_bucket"]}
        for start in range(0, len(i), _CHUNK):
            yield self.known[i[start : start + _CHUNK]], self.known[j[start : start + _CHUNK]]

    def _measured(self, pairs: Iterator[tuple[Ints, Ints]]) -> Iterator[tuple[Ints32, Ints32, Ints]]:
        audiences = self._audiences
        for i, j in pairs:
            if self._is_exact:
                assert audiences.keys is not None
                assert audiences.indptr is not None
                count = intersect(audiences.keys, audiences.indptr, i, j, threads=self._options.threads)
            else:
                count = matches32(audiences.signatures, i, j).astype(np.int64)
            yield i.astype(np.int32), j.astype(np.int32), count

    def take(self, blocks: Iterator[tuple[Ints32, Ints32, Ints]]) -> None:
        """Measure and test all pairs as they come."""
        for all_i, all_j, all_counts in blocks:
            self._n_candidates += len(all_i)
            some = np.flatnonzero(all_counts)  # equal bytes are not always equal registers
            i, j, count = all_i[some], all_j[some], all_counts[some]
            if len(some):
                self._pool.add(i, j, self._jaccard(i, j, count), count, self._p_values(i, j, count))

    def _p_values(self, i: Ints32, j: Ints32, count: Ints) -> Floats:
        tested = self._tested(i, j, count)
        if not self._pool.is_pruned:
            return self.null.p_values(i, j, tested)
        # Not all pairs can be held any more. What is no more than expected has a p-value of about 0.5 and more and is
        # significant in no ranking: 1 stands for it.
        p_value = np.ones(len(i))
        more = np.flatnonzero(tested > self.null.expected(i, j))
        p_value[more] = self.null.p_values(i[more], j[more], tested[more])
        return p_value

    def _jaccard(self, i: Ints32, j: Ints32, count: Ints) -> Floats:
        if not self._is_exact:
            return np.asarray(count / self._k, np.float64)
        sizes = self._audiences.sizes
        return np.asarray(count / (sizes[i] + sizes[j] - count), np.float64)

    def _shared(self, i: Ints32, j: Ints32, jaccard: Floats) -> Floats:
        """Shared followers that a Jaccard index stands for."""
        a, b = self._audiences.sizes[i], self._audiences.sizes[j]
        return np.asarray(np.minimum(jaccard / (1 + jaccard) * (a + b), np.minimum(a, b)), np.float64)

    def _tested(self, i: Ints32, j: Ints32, count: Ints) -> Floats:
        """Shared followers that are tested: estimates lowered by two standard errors."""
        if self._is_exact:
            return count.astype(np.float64)
        lowered = count / self._k - 2 * standard_error(count, self._k)
        return self._shared(i, j, np.maximum(lowered, 0.0))

    def answer(self, method: Method, counts: Counts) -> Overlaps:
        """Rank and tell what is in the pool."""
        options, n = self._options, self._n
        i, j, jaccard, count, p_value = self._pool.finish()
        tests = n * (n - 1) // 2
        q_value = benjamini_hochberg(p_value, tests) if len(p_value) else p_value
        is_significant = (q_value <= options.alpha) & (self._tested(i, j, count) >= options.min_shared)
        shared = count.astype(np.float64) if self._is_exact else self._shared(i, j, jaccard)

        account, neighbour, rank, pair = best_neighbours(i, j, jaccard, options.top, n)
        # Both ends of a pair tell the same numbers: they are looked up once.
        is_told = is_significant.copy()
        is_told[pair] = True
        told = np.flatnonzero(is_told)
        place = np.cumsum(is_told) - 1
        expected = self._expected(i[told], j[told])

        edges = np.flatnonzero(is_significant)
        edges = edges[np.argsort(i[edges].astype(np.int64) * n + j[edges])]
        significant = Significant(
            i[edges], j[edges], jaccard[edges], shared[edges], expected[place[edges]], q_value[edges]
        )
        matches = count[pair]
        if self._is_exact:
            signatures = self._audiences.signatures
            matches = matches32(signatures, i[told], j[told])[place[pair]].astype(np.int64)
        expected = expected[place[pair]]
        neighbours = Neighbours(
            account=account,
            neighbour=neighbour,
            rank=rank,
            matches=matches,
            jaccard_estimated=matches / self._k,
            jaccard_se=standard_error(matches, self._k),
            n_shared=shared[pair],
            jaccard=jaccard[pair],
            expected=expected,
            lift=shared[pair] / np.maximum(expected, _LEAST_EXPECTED),
            q_value=q_value[pair],
            is_significant=is_significant[pair],
        )
        counts |= {
            "candidate_pairs": self._n_candidates,
            "candidates_counted": self._n_candidates if self._is_exact else 0,
            "candidates_sharing_nothing": self._n_candidates - self._pool.n_pairs,
            "pairs_significant": len(edges),
            "neighbour_rows": len(rank),
            "dropped_by_rank": 2 * self._pool.n_pairs - len(rank),
            "influencers_with_neighbours": len(np.unique(account)),
            "q_values_are_bounds": self._pool.is_pruned,
            "tests": tests,
        }
        if self._null is not None:
            counts |= self._null.metadata
        return Overlaps(significant, neighbours, method, self._is_exact, counts)

    def _expected(self, i: Ints32, j: Ints32) -> Floats:
        return self.null.expected(i, j) if len(i) else np.zeros(0)


def standard_error(matches: Ints, k: int) -> Floats:
    """Standard error of matches / k, never 0: sqrt(p (1 - p) / (k + 4)) with p = (matches + 2) / (k + 4).

    Args:
        matches: int[p], equal registers.
        k: registers.
    """
    p = (matches + 2) / (k + 4)
    return np.asarray(np.sqrt(p * (1 - p) / (k + 4)))
