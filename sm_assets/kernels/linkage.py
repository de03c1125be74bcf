"""Checking face of the linkage kernels: votes between accounts that carry the same contents.

Here: what an account's vote is, and the loops over all votes. Not here: which loops run in which order and what their
results mean (`sm_assets.analysis.linkage`).

Every piece of evidence that others carry too is a vote of its account. The vote is split evenly over the contents of
the piece, and each part evenly over the other carriers of that content. The more accounts carry a content, the less it
says: with n carriers its part counts 1/2 + 1/2 sqrt(2 / n), and above the limit `viral` only viral / n of that. Votes
are integers, 2**36 to one, so that no sum depends on the order of its terms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sm_assets.errors import KernelError
from sm_assets.kernels import _linkage, _placing
from sm_assets.kernels.evidence import GroupedRows

ONE_VOTE: int = _linkage.ONE_VOTE
"""One vote in the fixed point of all vote arrays."""


@dataclass(frozen=True, slots=True, eq=False)
class SharedIndex:
    """The rows of the evidence whose content another account carries, by account and by content.

    Attributes:
        row_ptr: int64[n_accounts + 1]; rows of an account.
        row_content: int32[n_rows], number of the content among the shared ones.
        row_vote: int64[n_rows], what the row gives to each single one of the other carriers.
        row_place: int64[n_rows], position of the row in the list arrays.
        list_ptr: int64[n_shared_contents + 1]; carriers of a content.
        list_account, list_unit, list_vote: int32, int32, int64[n_rows]; ascending by account, in lists of more than 64
            by a hash of the account.
        mass: int64[n_accounts], all votes of an account.
        n_shared: int32[n_accounts], pieces of evidence that at least one other account carries.
        n_common: int32[n_accounts], of these: pieces with a content that at most `viral` accounts carry.
        viral: the limit.
    """

    row_ptr: npt.NDArray[np.int64]
    row_content: npt.NDArray[np.int32]
    row_vote: npt.NDArray[np.int64]
    row_place: npt.NDArray[np.int64]
    list_ptr: npt.NDArray[np.int64]
    list_account: npt.NDArray[np.int32]
    list_unit: npt.NDArray[np.int32]
    list_vote: npt.NDArray[np.int64]
    mass: npt.NDArray[np.int64]
    n_shared: npt.NDArray[np.int32]
    n_common: npt.NDArray[np.int32]
    viral: int

    @property
    def n_accounts(self) -> int:
        """Number of accounts."""
        return len(self.row_ptr) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """The two clusters that each account votes for most.

    Attributes:
        best, second: int32[n_accounts], label of the cluster, -1 = none.
        best_score, second_score: float64[n_accounts], share of the account's votes that goes to the cluster beyond
            chance, with `doubt` votes for nobody added; 0 where there is none.
        placed: float64[n_accounts], share of the account's votes that reaches any cluster.
        top_two: float64[n_accounts], share that reaches the best and the second cluster.
    """

    best: npt.NDArray[np.int32]
    second: npt.NDArray[np.int32]
    best_score: npt.NDArray[np.float64]
    second_score: npt.NDArray[np.float64]
    placed: npt.NDArray[np.float64]
    top_two: npt.NDArray[np.float64]


def index_shared(evidence: GroupedRows, viral: int) -> SharedIndex:
    """Keep what more than one account carries and weigh it.

    Args:
        evidence: accounts and contents, each pair once.
        viral: carriers above which a content loses weight, at least 1.

    Raises:
        KernelError: viral is below 1, or the arrays of the evidence do not fit together.
    """
    if viral < 1:
        raise KernelError(f"the limit of carriers must be at least 1; found {viral}.")
    n_accounts, n_rows = evidence.n_accounts, len(evidence.content)
    if evidence.account_ptr[-1] != n_rows or len(evidence.unit) != n_rows:
        raise KernelError(
            f"the evidence has {n_rows} contents, {len(evidence.unit)} units and ends at {evidence.account_ptr[-1]}; "
            "all three must be equal."
        )
    carriers = np.bincount(evidence.content, minlength=evidence.n_contents).astype(np.int32)
    shared = carriers > 1
    n_lists = int(np.count_nonzero(shared))
    n_kept = int(carriers[shared].sum(dtype=np.int64))
    index = SharedIndex(
        row_ptr=np.zeros(n_accounts + 1, np.int64),
        row_content=np.empty(n_kept, np.int32),
        row_vote=np.empty(n_kept, np.int64),
        row_place=np.empty(n_kept, np.int64),
        list_ptr=np.zeros(n_lists + 1, np.int64),
        list_account=np.empty(n_kept, np.int32),
        list_unit=np.empty(n_kept, np.int32),
        list_vote=np.empty(n_kept, np.int64),
        mass=np.zeros(n_accounts, np.int64),
        n_shared=np.zeros(n_accounts, np.int32),
        n_common=np.zeros(n_accounts, np.int32),
        viral=viral,
    )
    _linkage.index_shared(
        np.ascontiguousarray(evidence.account_ptr),
        np.ascontiguousarray(evidence.content),
        np.ascontiguousarray(evidence.unit),
        carriers,
        np.empty(evidence.n_contents, np.int32),
        viral,
        index.row_ptr,
        index.row_content,
        index.row_vote,
        index.row_place,
        index.list_ptr,
        index.list_account,
        index.list_unit,
        index.list_vote,
        index.mass,
        index.n_shared,
        index.n_common,
    )
    return index


def find_cores(
    index: SharedIndex, candidate: npt.NDArray[np.bool_], *, min_pieces: int, doubt: float, threshold: float
) -> npt.NDArray[np.int32]:
    """Cluster the candidates by average linkage over the votes of their pairs.

    The similarity of two accounts is the mean of their votes for each other, divided by the geometric mean of all their
    votes plus `doubt`. A content with more than 64 carriers ties each of them to 16 others, neighbours by a hash of the
    account.

    Args:
        index: from `index_shared`.
        candidate: bool[n_accounts], accounts that take part.
        min_pieces: pairs that share fewer pieces of evidence count as sharing none.
        doubt: votes.
        threshold: two cores merge while the mean similarity of the pairs between them reaches it.

    Returns:
        int32[n_accounts], the smallest account of the core; an account alone is its own.

    Raises:
        KernelError: candidate has another length than the index.
    """
    if len(candidate) != index.n_accounts:
        raise KernelError(f"{index.n_accounts} accounts, but {len(candidate)} flags of candidates.")
    root = np.empty(index.n_accounts, np.int32)
    _linkage.find_cores(
        index.row_ptr,
        index.row_content,
        index.row_vote,
        index.row_place,
        index.list_ptr,
        index.list_account,
        index.list_unit,
        index.list_vote,
        index.mass,
        np.ascontiguousarray(candidate).view(np.uint8),
        min_pieces,
        doubt,
        threshold,
        root,
    )
    return root


def score_accounts(
    index: SharedIndex, label: npt.NDArray[np.int32], *, doubt: float | npt.NDArray[np.float64]
) -> Scores:
    """Score every account against the pooled contents of every cluster, the account itself left out.

    The score is (votes for the cluster - c * all votes) / (1 - c) / (all votes + doubt), where c is the cluster's share
    of all
    other accounts: what is left beyond the votes that an account gives a cluster by picking its partners blindly.

    Args:
        index: from `index_shared`.
        label: int32[n_accounts], -1 = in no cluster, else below n_accounts.
        doubt: votes for nobody, one number or float64[n_accounts].

    Raises:
        KernelError: label has another length than the index or leaves its range.
    """
    n = index.n_accounts
    if len(label) != n or (n and (label.min() < -1 or label.max() >= n)):
        raise KernelError(f"labels must be {n} numbers in -1..{n - 1}; found {len(label)}.")
    population = np.bincount(label[label >= 0], minlength=max(n, 1)).astype(np.int32)
    scores = Scores(
        best=np.empty(n, np.int32),
        second=np.empty(n, np.int32),
        best_score=np.empty(n, np.float64),
        second_score=np.empty(n, np.float64),
        placed=np.empty(n, np.float64),
        top_two=np.empty(n, np.float64),
    )
    _placing.score_accounts(
        index.row_ptr,
        index.row_content,
        index.row_vote,
        index.row_place,
        index.list_ptr,
        index.list_account,
        index.mass,
        np.ascontiguousarray(label),
        population,
        np.ascontiguousarray(np.broadcast_to(doubt, n), np.float64),
        scores.best,
        scores.second,
        scores.best_score,
        scores.second_score,
        scores.placed,
        scores.top_two,
    )
    return scores


def count_inner_pieces(index: SharedIndex, label: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """int32[n_accounts]: pieces of evidence that another account of the same cluster carries, 0 outside clusters.

    Args:
        index: from `index_shared`.
        label: int32[n_accounts], -1 = in no cluster.

    Raises:
        KernelError: label has another length than the index.
    """
    if len(label) != index.n_accounts:
        raise KernelError(f"labels must be {index.n_accounts} numbers; found {len(label)}.")
    count = np.empty(index.n_accounts, np.int32)
    _placing.count_inner_pieces(
        index.row_ptr,
        index.row_place,
        index.list_ptr,
        index.list_account,
        index.list_unit,
        np.ascontiguousarray(label),
        count,
    )
    return count


def merge_clusters(index: SharedIndex, label: npt.NDArray[np.int32], *, threshold: float) -> npt.NDArray[np.int32]:
    """Merge clusters whose votes for each other are dense, measured by the votes within the denser of the two.

    The measure is that of relative interconnectivity (Karypis, Han, Kumar 1999, doi:10.1109/2.781637): votes between A
    and B over the votes that B would exchange with A if it were tied to A as A is tied within itself; the larger of
    both expectations counts. Halves of one evenly woven network have 1, whatever its size.

    Args:
        index: from `index_shared`.
        label: int32[n_accounts], -1 = in no cluster; 0..k-1, numbered by their smallest account, none empty.
        threshold: smallest measure at which two clusters merge.

    Returns:
        int32[k], the smallest label that the cluster is merged into.

    Raises:
        KernelError: label has another length than the index or a number without an account.
    """
    member_ptr, member = _members(index, label)
    root = np.empty(len(member_ptr) - 1, np.int32)
    _linkage.merge_clusters(
        index.row_ptr,
        index.row_content,
        index.row_vote,
        index.row_place,
        index.list_ptr,
        index.list_account,
        index.mass,
        np.ascontiguousarray(label),
        member_ptr,
        member,
        threshold,
        root,
    )
    return root


def find_strangers(
    index: SharedIndex,
    label: npt.NDArray[np.int32],
    n_pieces: npt.NDArray[np.int32],
    *,
    level: float = 0.05,
    least: int = 4,
    limit: int = 64,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Find in each cluster two members that share nothing, although both carry much of what the cluster carries.

    If all members drew their pieces from one pool, the chance that two of them have none in common would be
    hypergeometric. It is taken with the pool of what members share and with the pool of all that they carry; the larger
    chance counts. The least likely pair is reported if, of all pairs of the cluster that are no likelier than it to
    miss each other, chance makes fewer do so than `level` times as many as do (Benjamini and Hochberg 1995).

    Args:
        index: from `index_shared`.
        label: int32[n_accounts], -1 = in no cluster; 0..k-1 without a gap.
        n_pieces: int32[n_accounts], pieces of evidence, those that nobody shares included.
        level: accepted share of false finds.
        least: pieces that each of the two must share with other members.
        limit: members of a cluster that are looked at: those with the most pieces.

    Returns:
        Two arrays int32[k] of account numbers, -1 = no such pair.

    Raises:
        KernelError: label has another length than the index or a number without an account.
    """
    member_ptr, member = _members(index, label)
    first, other = np.empty((2, len(member_ptr) - 1), np.int32)
    _placing.find_strangers(
        index.row_ptr,
        index.row_content,
        index.row_place,
        index.list_ptr,
        index.list_account,
        index.list_unit,
        np.ascontiguousarray(label),
        member_ptr,
        member,
        np.ascontiguousarray(n_pieces, np.int32),
        least,
        limit,
        level,
        first,
        other,
    )
    return first, other


def _members(index: SharedIndex, label: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """(int64[k + 1], int32[n_placed]): the members of label j are member[ptr[j]:ptr[j + 1]], ascending."""
    n = index.n_accounts
    placed = np.flatnonzero(label >= 0)
    n_labels = int(label.max(initial=-1)) + 1
    sizes = np.bincount(label[placed], minlength=n_labels)
    if len(label) != n or (n_labels and sizes.min() == 0):
        raise KernelError(
            f"labels must be {n} numbers from -1 on without a gap; found {len(label)}, {n_labels} clusters."
        )
    member_ptr = np.zeros(n_labels + 1, np.int64)
    np.cumsum(sizes, out=member_ptr[1:])
    return member_ptr, placed[np.argsort(label[placed], kind="stable")].astype(np.int32)
