"""Which contents tie which members of a network together: a bounded choice for people to read.

Here: pairs inside clusters, each member's strongest partners, each pair's rarest contents. Not here: clusters, the test
of pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.cosharing_window import Window
from sm_assets.analysis.evidence import Evidence
from sm_assets.analysis.pairs import KINDS
from sm_assets.kernels.linkage import index_shared
from sm_assets.kernels.pairs import list_pairs, list_shared_rows, measure_pairs

PARTNERS: Final = 10
"""Strongest partners of each member that are shown."""

CONTENTS: Final = 20
"""Rarest contents of each pair that are shown."""

ALL_PAIRS: Final = 1024
"""Members up to which a content ties all of them to each other; beyond, it ties each to 16 others."""


@dataclass(frozen=True, slots=True, eq=False)
class Ties:
    """Pairs of members of one cluster that share a content; ascending by (a, b), a < b.

    Attributes:
        a, b: int32[n_pairs], account numbers.
        cluster: int32[n_pairs].
        n_shared: int32[n_pairs], pieces of evidence.
    """

    a: npt.NDArray[np.int32]
    b: npt.NDArray[np.int32]
    cluster: npt.NDArray[np.int32]
    n_shared: npt.NDArray[np.int32]


def find_ties(window: Window, cluster: npt.NDArray[np.int32]) -> Ties:
    """All pairs inside clusters that share a content.

    Args:
        window: accounts and contents.
        cluster: int32[n_accounts], -1 = none.
    """
    evidence = window.evidence
    owner = owners(evidence)
    rows = np.flatnonzero(cluster[owner] >= 0)
    # A content that two clusters carry is two contents here, so that it ties nobody across clusters.
    key = cluster[owner[rows]].astype(np.int64) * evidence.n_contents + evidence.content[rows]
    distinct, content = np.unique(key, return_inverse=True)
    inside = Evidence.from_rows(
        owner[rows],
        content,
        evidence.unit[rows],
        n_accounts=evidence.n_accounts,
        n_contents=len(distinct),
    )
    a, b = list_pairs(index_shared(inside, ALL_PAIRS), ALL_PAIRS)
    shares = measure_pairs(evidence, window.kind, window.first_at, window.last_at, a, b)
    return Ties(a, b, cluster[a], shares.n_shared)


def owners(evidence: Evidence) -> npt.NDArray[np.int64]:
    """int64[n_rows]: the account of each row."""
    return np.repeat(np.arange(evidence.n_accounts), np.diff(evidence.account_ptr))


def evidence_table(window: Window, ties: Ties, previews: pa.Table) -> tuple[pa.Table, dict[str, int]]:
    """Rows of out_cosharing_evidence without `day`, and how much was left out.

    Args:
        window: accounts and contents.
        ties: pairs inside clusters.
        previews: content_id, preview.
    """
    chosen = np.flatnonzero(_strongest(ties))
    a, b, cluster = ties.a[chosen], ties.b[chosen], ties.cluster[chosen]
    evidence = window.evidence
    pair, row_a, row_b = list_shared_rows(evidence, a, b)
    content = evidence.content[row_a]
    carriers = np.bincount(evidence.content, minlength=evidence.n_contents)
    distinct, position = np.unique(content, return_inverse=True)
    ids = window.content_id.take(pa.array(distinct))
    rank = np.empty(len(distinct), np.int64)
    rank[pc.sort_indices(ids).to_numpy(zero_copy_only=False).astype(np.int64)] = np.arange(len(distinct))
    order = np.lexsort((rank[position], carriers[content], pair))
    keep = order[_rank_inside(pair[order]) < CONTENTS]
    # Shown in the order of the key.
    keep = keep[np.lexsort((rank[position[keep]], pair[keep], cluster[pair[keep]]))]
    pair, row_a, row_b, content = pair[keep], row_a[keep], row_b[keep], content[keep]
    text = previews["preview"].combine_chunks()
    found = pc.index_in(ids, value_set=previews["content_id"].combine_chunks())
    columns: dict[str, pa.Array] = {"cluster_id": pa.array(cluster[pair].astype(np.int64))}
    for side, account in (("a", a[pair]), ("b", b[pair])):
        columns[f"platform_{side}"] = window.platform.take(pa.array(account))
        columns[f"account_id_{side}"] = window.account_id.take(pa.array(account))
    columns["content_id"] = ids.take(pa.array(position[keep]))
    columns["content_kind"] = pa.array(KINDS).take(pa.array(window.kind[row_a]))
    columns["preview"] = text.take(found).take(pa.array(position[keep]))
    for side, row in (("a", row_a), ("b", row_b)):
        columns[f"n_posts_{side}"] = pa.array(window.n_posts[row])
    for side, row in (("a", row_a), ("b", row_b)):
        columns[f"first_at_{side}"] = timestamps(window.first_at[row])
        columns[f"last_at_{side}"] = timestamps(window.last_at[row])
    columns["gap_s"] = pa.array(np.abs(window.first_at[row_a] - window.first_at[row_b]) / 1e6)
    for side, row in (("a", row_a), ("b", row_b)):
        columns[f"sample_post_id_{side}"] = window.sample_post_id.take(pa.array(row))
        columns[f"sample_url_{side}"] = window.sample_url.take(pa.array(row))
    columns["n_accounts"] = pa.array(carriers[content])
    left_out = {
        "evidence_pairs_left_out": len(ties.a) - len(chosen),
        "evidence_contents_left_out": len(order) - len(keep),
    }
    return pa.table(columns), left_out


def timestamps(micros: npt.NDArray[np.int64]) -> pa.Array:
    """Microseconds since 1970 as timestamps."""
    return pa.array(micros).cast(pa.timestamp("us"))


def _strongest(ties: Ties) -> npt.NDArray[np.bool_]:
    """bool[n_pairs]: pairs that are among the strongest of either member; ties go to the smaller account."""
    member = np.concatenate([ties.a, ties.b])
    partner = np.concatenate([ties.b, ties.a])
    order = np.lexsort((partner, -np.tile(ties.n_shared, 2), member))
    top = order[_rank_inside(member[order]) < PARTNERS]
    chosen = np.zeros(len(ties.a), np.bool_)
    chosen[top % max(len(ties.a), 1)] = True
    return chosen


def _rank_inside(groups: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Position of each row inside its run of equal values."""
    starts = np.flatnonzero(np.diff(groups, prepend=-1) != 0)
    return np.arange(len(groups)) - np.repeat(starts, np.diff(np.append(starts, len(groups))))
