"""Clustering by linkage: every account is weighed against whole clusters, and no order of visiting decides.

Here: the method `linkage`. Not here: its loops (`sm_assets.kernels.linkage`), its rival `seeded`, and the columns that
readers see (`cosharing`, `cosharing_tables`).

An account has one vote per piece of evidence that others carry, split over the other carriers (see the kernel). Then:

1. Cores: average linkage over the accounts' votes for each other.
2. Growth: every account is scored against the pooled contents of every core, cores that are woven into each other
   merge, and all accounts are scored again until nothing changes. An account belongs to a cluster if the cluster gets
   `min_threshold` of its votes and `second_cluster_factor` times as many as any other. A cluster in which nobody
   shares two pieces is none: everybody meets one popular content somewhere.
3. Left-overs: in a network of hundreds each pair has few votes for each other, so that its core stays below the
   threshold of step 1. Among the accounts that are left and do not vote for known clusters, steps 1 and 2 run once more
   with a low threshold, over pairs that share at least two pieces.
4. Bridges: two members that share nothing, although each of them carries so much of the cluster's contents that this is
   next to impossible by chance, are two networks which others repeat; they are parted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from sm_assets.analysis import clustering
from sm_assets.analysis.clustering import Clustering
from sm_assets.analysis.defaults import METHOD_DEFAULTS, VIRAL_ACCOUNTS
from sm_assets.analysis.evidence import Evidence
from sm_assets.errors import OptionError
from sm_assets.kernels import linkage as kernel
from sm_assets.kernels.linkage import Scores, SharedIndex

DEFAULT_THRESHOLD, DEFAULT_FACTOR = METHOD_DEFAULTS["linkage"]

DOUBT: Final = 1.0
"""Votes for nobody that are added to every account's own: one shared piece alone reaches at most half."""

DOUBT_PER_PIECE: Final = 0.02
"""The same for each piece that no other account carries: one shared piece among hundreds makes no member."""

WOVEN: Final = 0.15
"""Clusters merge whose ties to each other are this dense, measured by the ties within them."""

Labels = npt.NDArray[np.int32]


def link_accounts(
    evidence: Evidence,
    *,
    min_threshold: float = DEFAULT_THRESHOLD,
    second_cluster_factor: float = DEFAULT_FACTOR,
    viral_accounts: int = VIRAL_ACCOUNTS,
    progress: Callable[[float], None] | None = None,
) -> Clustering:
    """Cluster accounts by the contents they share.

    Args:
        evidence: who carries what; accounts numbered in key order.
        min_threshold: 0..1, smallest score of a member: the share of its votes that goes to its cluster, beyond chance.
        second_cluster_factor: at least 0, how many times the second cluster's score the best must have.
        viral_accounts: at least 1; contents with more carriers do not tie all of them to each other and weigh less.
        progress: called with the share of the work that is done, 0..1.

    Returns:
        Clusters 0, 1, 2, ... by size descending, then by smallest account; every account has a status.

    Raises:
        OptionError: a parameter is out of range.
    """
    if not 0 <= min_threshold <= 1:
        raise OptionError(f"min_threshold must lie in 0..1; found {min_threshold}.")
    if not 0 <= second_cluster_factor < float("inf"):
        raise OptionError(f"second_cluster_factor must be 0 or more and finite; found {second_cluster_factor}.")
    if viral_accounts < 1:
        raise OptionError(f"viral_accounts must be at least 1; found {viral_accounts}.")
    report = progress or (lambda _: None)
    index = kernel.index_shared(evidence, viral_accounts)
    run = _Run(evidence, index, min_threshold, second_cluster_factor)
    report(0.1)

    label = run.cores(index.mass > 0, min_pieces=1, threshold=0.03)
    report(0.4)
    label = run.merge(run.gather(label, run.everyone, share=0.2))
    label = run.settle(label)
    report(0.6)

    left = (label < 0) & (index.n_shared >= 3)
    left &= kernel.score_accounts(index, label, doubt=0.0).placed <= 0.25
    late = run.merge(run.cores(left, min_pieces=2, threshold=0.002))
    if (late >= 0).any():
        for _ in range(2):
            late = run.merge(run.gather(late, left, share=0.0))
        label = run.settle(_number(np.where(late >= 0, late + label.max(initial=-1) + 1, label)))
    report(0.8)
    merged = run.merge(label)
    label, out = run.part(label if np.array_equal(merged, label) else run.settle(merged))
    report(0.9)
    answer = run.answer(label, out)
    report(1.0)
    return answer


def _number(label: npt.NDArray[np.integer]) -> Labels:
    """Drop clusters of one account; number the others 0, 1, 2, ... by their smallest account."""
    placed = np.flatnonzero(label >= 0)
    _, first, inverse, sizes = np.unique(label[placed], return_index=True, return_inverse=True, return_counts=True)
    keep = sizes > 1
    order = np.argsort(np.where(keep, first, len(label)), kind="stable")
    rank = np.full(len(sizes), -1, np.int32)
    rank[order[: np.count_nonzero(keep)]] = np.arange(np.count_nonzero(keep), dtype=np.int32)
    result = np.full(len(label), -1, np.int32)
    result[placed] = rank[inverse]
    return result


def _accepted(scores: Scores, threshold: float, factor: float) -> npt.NDArray[np.bool_]:
    """Accounts that belong to their best cluster."""
    return (scores.best >= 0) & (scores.best_score >= threshold) & (scores.best_score >= factor * scores.second_score)


class _Run:
    """The steps of the method over one index.

    Attributes:
        everyone: bool[n_accounts], all set.
        doubt: float64[n_accounts], votes for nobody of each account.
    """

    def __init__(self, evidence: Evidence, index: SharedIndex, threshold: float, factor: float) -> None:
        self._index = index
        self._threshold = threshold
        self._factor = factor
        self._n_pieces = evidence.n_units
        self.everyone = np.ones(index.n_accounts, np.bool_)
        alone = (self._n_pieces - index.n_shared).astype(np.float64)
        self.doubt: npt.NDArray[np.float64] = np.asarray(DOUBT + DOUBT_PER_PIECE * alone, np.float64)

    def cores(self, candidate: npt.NDArray[np.bool_], *, min_pieces: int, threshold: float) -> Labels:
        """Cores of at least two accounts among the candidates."""
        root = kernel.find_cores(self._index, candidate, min_pieces=min_pieces, doubt=2 * DOUBT, threshold=threshold)
        return self.grounded(_number(root))

    def grounded(self, label: Labels) -> Labels:
        """Drop clusters in which nobody shares two pieces: one content in common makes no network."""
        pieces = np.zeros(int(label.max(initial=-1)) + 1, np.int32)
        placed = label >= 0
        np.maximum.at(pieces, label[placed], kernel.count_inner_pieces(self._index, label)[placed])
        return _number(np.where(placed & (pieces[label] >= 2), label, np.int32(-1))) if len(pieces) else label

    def gather(self, label: Labels, candidate: npt.NDArray[np.bool_], *, share: float) -> Labels:
        """Give every candidate to its best core, with little asked of it; all accounts move at once."""
        scores = kernel.score_accounts(self._index, label, doubt=0.0)
        return _number(np.where(candidate & _accepted(scores, share, 1.5), scores.best, np.int32(-1)))

    def merge(self, label: Labels) -> Labels:
        """Merge clusters that are woven into each other."""
        root = kernel.merge_clusters(self._index, label, threshold=WOVEN)
        return _number(np.where(label >= 0, root[label] if len(root) else label, np.int32(-1)))

    def settle(self, label: Labels, candidate: npt.NDArray[np.bool_] | None = None) -> Labels:
        """Place all until nothing changes, but not for ever; then keep those whom the clusters still satisfy."""
        welcome = self.everyone if candidate is None else candidate
        before = label
        for _ in range(10):
            scores = kernel.score_accounts(self._index, label, doubt=self.doubt)
            fits = welcome & _accepted(scores, self._threshold, self._factor)
            moved = _number(np.where(fits, scores.best, np.int32(-1)))
            if np.array_equal(moved, label) and np.array_equal(self.grounded(label), label):
                return label
            # A few accounts may go to and fro for ever.
            done = np.array_equal(moved, before)
            before, label = label, moved
            if done:
                break
        while True:
            label = self.grounded(label)
            scores = kernel.score_accounts(self._index, label, doubt=self.doubt)
            stays = _accepted(scores, self._threshold, self._factor) & (scores.best == label)
            if stays[label >= 0].all():
                return label
            label = _number(np.where(stays, label, np.int32(-1)))

    def part(self, label: Labels) -> tuple[Labels, npt.NDArray[np.bool_]]:
        """(labels, accounts kept out of all clusters): part clusters that hang together by bridges alone.

        Of two strangers in one cluster each takes along whom it holds clearly. If both find company and the two
        companies are not woven into each other, they become clusters of their own. A stranger without company is kept
        out.
        """
        out = np.zeros(self._index.n_accounts, np.bool_)
        known: set[tuple[int, int]] = set()
        for _ in range(3):
            pairs = np.stack(kernel.find_strangers(self._index, label, self._n_pieces))
            torn = [k for k in np.flatnonzero(pairs[0] >= 0) if (int(pairs[0, k]), int(pairs[1, k])) not in known]
            if not torn:
                break
            sides = np.where(np.isin(label, torn), np.int32(-1), label)
            new = (pairs.shape[1] + np.arange(2 * len(torn), dtype=np.int32)).reshape(2, -1)
            sides[pairs[:, torn]] = new
            scores = kernel.score_accounts(self._index, sides, doubt=self.doubt)
            side_of = np.full(pairs.shape[1] + new.size, -1, np.int64)
            side_of[new] = torn
            follows = (scores.best >= pairs.shape[1]) & _accepted(scores, 0.0, self._factor)
            follows &= side_of[scores.best] == label
            sides = np.where(follows, scores.best, sides)
            sides[pairs[:, torn]] = new
            company = np.bincount(sides[sides >= 0], minlength=len(side_of))[new] > 1
            numbered = _number(sides)
            root = kernel.merge_clusters(self._index, numbered, threshold=WOVEN)
            for i, k in enumerate(torn):
                ends = pairs[:, k]
                known.add((int(ends[0]), int(ends[1])))
                if company[:, i].all() and root[numbered[ends[0]]] != root[numbered[ends[1]]]:
                    continue
                sides[label == k] = k
                if not company[:, i].all():
                    lone = ends[~company[:, i]]
                    out[lone] = True
                    sides[lone] = -1
            label = self.settle(_number(sides), ~out)
        return label, out

    def answer(self, label: Labels, out: npt.NDArray[np.bool_]) -> Clustering:
        """Final numbers and statuses."""
        sizes = np.bincount(label[label >= 0])
        rank = np.empty(len(sizes) + 1, np.int32)
        rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes), dtype=np.int32)
        rank[-1] = -1
        label = rank[label]
        index = self._index
        scores = kernel.score_accounts(index, label, doubt=self.doubt)

        pieces = index.mass / kernel.ONE_VOTE
        spread = scores.placed * pieces / (pieces + self.doubt)
        tied = (scores.second >= 0) & (scores.best_score < self._factor * scores.second_score)
        status = np.full(index.n_accounts, clustering.WEAK, np.uint8)
        status[(scores.second >= 0) & (spread >= self._threshold) & (scores.top_two < 0.8)] = clustering.AGGREGATOR
        status[tied & (scores.top_two >= 0.8)] = clustering.NEAR_TIE
        status[(index.n_common == 0) & (index.n_shared > 0)] = clustering.VIRAL_ONLY
        status[index.n_shared == 0] = clustering.UNSHARED
        status[label >= 0] = clustering.MEMBER
        # Kept out for the company it lacks, not for its score: no cluster is named.
        best = np.where(out & (label < 0), np.int32(-1), scores.best)
        second = np.where(best < 0, np.int32(-1), scores.second)
        status[out & (label < 0)] = clustering.WEAK
        return Clustering(
            cluster=label,
            status=status,
            best_cluster=best,
            second_cluster=second,
            best_score=np.where(best >= 0, scores.best_score, np.nan),
            second_score=np.where(second >= 0, scores.second_score, np.nan),
            n_shared=index.n_shared,
        )
