"""Neighbours of one influencer by the likeness of their audiences, in milliseconds.

Here: an index in memory over the signatures of one platform: a scan of folded registers for candidates, then the whole
registers, then, where asked for, the audiences themselves. Not here: all pairs (`overlap_pairs`), rankings around many
seeds (`influencer_search`), reading the audiences.

A folded register is one byte: a scan of 100,000 influencers at 128 registers takes less than a millisecond. Bytes agree
by chance once in 256, so the scan only proposes; what is told is counted on 32 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.analysis.parameters import check_real, check_whole
from sm_assets.contracts.sketches import SketchSpec, require_same
from sm_assets.errors import OptionError, SketchInputError
from sm_assets.kernels.similarity import EMPTY, fold8, intersect, topk

Signatures = npt.NDArray[np.uint32]
ReadAudiences = Callable[[Sequence[str]], Sequence[npt.NDArray[np.uint64]]]
"""Account ids in -> the follower keys of each, sorted and unique."""


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """Accounts like one account, best first; ties by the order of the index.

    Attributes:
        rows: int64[m], rows of the index.
        account_ids: their ids.
        n_followers: int64[m].
        matches: int64[m], equal registers.
        jaccard_estimated: float64[m], equal registers out of all.
        n_shared: int64[m], followers of both; None: not counted.
        jaccard_exact: float64[m], by which they are ordered then; None: not counted.
    """

    rows: npt.NDArray[np.int64]
    account_ids: list[str]
    n_followers: npt.NDArray[np.int64]
    matches: npt.NDArray[np.int64]
    jaccard_estimated: npt.NDArray[np.float64]
    n_shared: npt.NDArray[np.int64] | None = None
    jaccard_exact: npt.NDArray[np.float64] | None = None


class AudienceIndex:
    """All influencers of one platform, ready to be asked.

    Memory beside the signatures, which are not copied: one byte per register.

    Attributes:
        platform: whose ids these are.
        spec: how the signatures were made.
        n_unknown: accounts with an empty signature: like nobody, never a neighbour.
    """

    def __init__(
        self,
        platform: str,
        account_ids: pa.Array,
        n_followers: npt.NDArray[np.int64],
        signatures: Signatures,
        spec: SketchSpec,
    ) -> None:
        """Fold the signatures.

        Args:
            platform: whose ids these are.
            account_ids: text[n], all different, ascending where ties shall go by id.
            n_followers: int64[n].
            signatures: uint32[n, k], C-contiguous; kept, not copied.
            spec: how they were made.

        Raises:
            SketchInputError: the arrays do not fit together, or an id occurs twice.
        """
        _check_registers(signatures, spec)
        n = len(signatures)
        if len(account_ids) != n or len(n_followers) != n:
            raise SketchInputError(
                f"One id and one size per signature are expected, {n}; found {len(account_ids)} and {len(n_followers)}."
            )
        ids = account_ids.cast(pa.string())
        if len(ids.unique()) != n or ids.null_count:
            raise SketchInputError("Account ids must be known and all different; found a null or a repeat. Drop it.")
        self.platform, self.spec = platform, spec
        self._ids, self._n_followers, self._signatures = ids, n_followers, signatures
        is_known = ~(signatures == EMPTY).any(axis=1)
        self.n_unknown = n - int(np.count_nonzero(is_known))
        # Rows of the scan and rows of the index are the same unless some audience is unknown.
        self._known = np.flatnonzero(is_known) if self.n_unknown else None
        self._folded = fold8(signatures if self._known is None else np.ascontiguousarray(signatures[self._known]))
        self._place: dict[str, int] = {}

    @classmethod
    def from_table(cls, audiences: pa.Table, spec: SketchSpec) -> AudienceIndex:
        """Index rows of feat_audiences.

        Args:
            audiences: platform, account_id, n_followers, sketch_id, signature.
            spec: how the signatures were made, as the file's metadata say.

        Raises:
            SketchInputError: several platforms in one index: one number may be a different person on each.
            SketchMismatchError: a row was made in another way.
        """
        platforms = audiences["platform"].unique().to_pylist()
        if len(platforms) > 1:
            raise SketchInputError(
                f"Audiences of one platform are expected; found {', '.join(sorted(platforms))}. Filter by platform."
            )
        unlike = [name for name in audiences["sketch_id"].unique().to_pylist() if name != spec.sketch_id]
        for name in unlike:
            require_same(spec, {"feat_audiences": _spec_of(name)})
        registers = audiences["signature"].combine_chunks()
        values = np.asarray(registers.flatten().to_numpy(zero_copy_only=False), np.uint32)
        return cls(
            platforms[0] if platforms else "",
            audiences["account_id"].combine_chunks(),
            np.asarray(audiences["n_followers"].to_numpy(), np.int64),
            np.ascontiguousarray(values.reshape(len(audiences), -1) if len(audiences) else values.reshape(0, spec.k)),
            spec,
        )

    def __len__(self) -> int:
        return len(self._ids)

    def row_of(self, account_id: str) -> int:
        """Row of an account.

        Raises:
            OptionError: it is no influencer.
        """
        if not self._place:
            self._place = {name: row for row, name in enumerate(self._ids.to_pylist())}
        row = self._place.get(account_id)
        if row is None:
            raise OptionError(
                f"{account_id} is not among the {len(self)} influencers of {self.platform}; name an account_id of "
                "feat_audiences."
            )
        return row

    def candidates(self, account_id: str, count: int) -> npt.NDArray[np.int64]:
        """int64[<= count]: rows most like the account by folded registers, best first, itself left out.

        Raises:
            OptionError: it is no influencer, or count is below 1.
        """
        row = self.row_of(account_id)
        return self._scan(self._signatures[row], count, row)

    def neighbours(
        self, account_id: str, top: int = 10, min_jaccard: float = 0.0, *, read_audiences: ReadAudiences | None = None
    ) -> Neighbours:
        """The accounts whose audiences are most like this one's.

        Args:
            account_id: an influencer.
            top: at most so many.
            min_jaccard: 0..1, none less like it (counted exactly where audiences are read).
            read_audiences: gives follower keys of accounts; then the candidates are counted exactly; None: estimates.

        Raises:
            OptionError: it is no influencer, or a parameter is out of range.
            SketchInputError: what `read_audiences` gave is not sorted or not uint64.
        """
        row = self.row_of(account_id)
        rows = self._scan(self._signatures[row], _candidates_for(top, min_jaccard), row)
        if read_audiences is None:
            return self._by_registers(rows, self._signatures[row], top, min_jaccard)
        ids = self._ids.take(pa.array(rows)).to_pylist()
        own, *others = read_audiences([account_id, *ids])
        return self._by_followers(rows, self._signatures[row], (own, others), top, min_jaccard)

    def neighbours_of(
        self, signature: npt.NDArray[np.uint32], spec: SketchSpec, top: int = 10, min_jaccard: float = 0.0
    ) -> Neighbours:
        """The accounts whose audiences are most like a set that is not in the index, as a merged or uploaded one.

        Args:
            signature: uint32[k].
            spec: how it was made.
            top: at most so many.
            min_jaccard: 0..1, none less like it.

        Raises:
            SketchMismatchError: it was made in another way than the index.
            SketchInputError: it is no uint32[k].
            OptionError: a parameter is out of range.
        """
        require_same(self.spec, {"the signature": spec})
        if signature.dtype != np.uint32 or signature.shape != (self.spec.k,):
            raise SketchInputError(
                f"A signature of the index is uint32[{self.spec.k}]; found {signature.dtype}{list(signature.shape)}."
            )
        signature = np.ascontiguousarray(signature)
        rows = self._scan(signature, _candidates_for(top, min_jaccard), -1)
        return self._by_registers(rows, signature, top, min_jaccard)

    def _scan(self, signature: npt.NDArray[np.uint32], count: int, left_out: int) -> npt.NDArray[np.int64]:
        """Rows by matching bytes, best first."""
        if count < 1:
            raise OptionError(f"At least 1 candidate can be asked for; found {count}.")
        if not len(self._folded) or (signature == EMPTY).any():
            return np.zeros(0, np.int64)
        exclude = left_out if self._known is None else int(np.searchsorted(self._known, left_out))
        found, _ = topk(
            self._folded,
            self.spec.k,
            fold8(signature[None, :]),
            min(count, len(self._folded)),
            exclude=None if left_out < 0 else np.array([exclude], np.int64),
        )
        rows: npt.NDArray[np.int64] = found[0][found[0] >= 0]
        return rows if self._known is None else self._known[rows]

    def _by_registers(
        self, rows: npt.NDArray[np.int64], signature: npt.NDArray[np.uint32], top: int, min_jaccard: float
    ) -> Neighbours:
        matches = np.count_nonzero(self._signatures[rows] == signature, axis=1)
        order = np.lexsort((rows, -matches))
        order = order[(matches[order] > 0) & (matches[order] / self.spec.k >= min_jaccard)][:top]
        return self._told(rows[order], matches[order])

    def _by_followers(
        self,
        rows: npt.NDArray[np.int64],
        signature: npt.NDArray[np.uint32],
        audiences: tuple[npt.NDArray[np.uint64], Sequence[npt.NDArray[np.uint64]]],
        top: int,
        min_jaccard: float,
    ) -> Neighbours:
        own, others = audiences
        if len(others) != len(rows):
            raise SketchInputError(f"One audience per account is expected, {len(rows) + 1}; found {len(others) + 1}.")
        sizes = np.array([len(keys) for keys in (own, *others)], np.int64)
        indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        n = len(rows)
        shared = intersect(
            np.concatenate([own, *others]), indptr, np.zeros(n, np.int32), np.arange(1, n + 1, dtype=np.int32)
        )
        exact = shared / np.maximum(sizes[0] + sizes[1:] - shared, 1)
        order = np.lexsort((rows, -exact))
        order = order[(shared[order] > 0) & (exact[order] >= min_jaccard)][:top]
        matches = np.count_nonzero(self._signatures[rows[order]] == signature, axis=1)
        return self._told(rows[order], matches, shared[order], exact[order])

    def _told(
        self,
        rows: npt.NDArray[np.int64],
        matches: npt.NDArray[np.integer],
        shared: npt.NDArray[np.int64] | None = None,
        exact: npt.NDArray[np.float64] | None = None,
    ) -> Neighbours:
        return Neighbours(
            rows=rows,
            account_ids=self._ids.take(pa.array(rows)).to_pylist(),
            n_followers=self._n_followers[rows],
            matches=matches.astype(np.int64),
            jaccard_estimated=matches / self.spec.k,
            n_shared=shared,
            jaccard_exact=exact,
        )


def _candidates_for(top: int, min_jaccard: float) -> int:
    """Enough that the best ten are among the candidates in 99.6 of 100 cases."""
    check_whole("top", top)
    if not 0 <= check_real("min_jaccard", min_jaccard) <= 1:
        raise OptionError(f"min_jaccard must lie in 0..1; found {min_jaccard}.")
    return max(10 * top, 100)


def _check_registers(signatures: Signatures, spec: SketchSpec) -> None:
    if signatures.dtype != np.uint32 or signatures.ndim != 2 or signatures.shape[1] != spec.k:
        raise SketchInputError(
            f"Signatures of {spec.sketch_id} are uint32[n, {spec.k}]; found {signatures.dtype}"
            f"{list(signatures.shape)}. Read them with the metadata of their file."
        )
    if not signatures.flags.c_contiguous:
        raise SketchInputError("Signatures must be C-contiguous; found strides. Use numpy.ascontiguousarray.")


def _spec_of(sketch_id: str) -> SketchSpec:
    """The spec that a sketch_id names."""
    parts = sketch_id.split("/")
    scheme, version, k, seed, *element, key = parts if len(parts) >= 5 else ("?", "0", "0", "0", sketch_id)
    return SketchSpec(scheme, int(version), int(k), int(seed), element[0] if element else "key", key.replace(":", "/"))
