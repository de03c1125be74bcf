"""A window of feat_account_content as numbered accounts, contents and pieces of evidence.

Here: merging days, numbering, the arrays behind every co-sharing table. Not here: methods and tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.evidence import Evidence
from sm_assets.analysis.numbering import micros
from sm_assets.analysis.pair_keys import pair_keys, split_keys
from sm_assets.analysis.pairs import KINDS

_SAMPLES: Final = ("sample_post_id", "sample_url")


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Accounts of a window and what they carry.

    Attributes:
        evidence: accounts numbered by (platform, account_id).
        platform, account_id: string[n_accounts].
        facts: one row per account: display_name, handle, url, country_code, language, followers, total_interactions,
        n_posts.
        content_id: string[n_contents].
        kind: uint8[n_rows], position in `KINDS`, for each row of the evidence.
        first_at, last_at: int64[n_rows], microseconds.
        n_posts: int64[n_rows], posts of the content by the account.
        sample_post_id, sample_url: string[n_rows].
        counts: rows in, used and left out by reason.
    """

    evidence: Evidence
    platform: pa.Array
    account_id: pa.Array
    facts: pa.Table
    content_id: pa.Array
    kind: npt.NDArray[np.uint8]
    first_at: npt.NDArray[np.int64]
    last_at: npt.NDArray[np.int64]
    n_posts: npt.NDArray[np.int64]
    sample_post_id: pa.Array
    sample_url: pa.Array
    counts: dict[str, int]


def number_window(contents: pa.Table, accounts: pa.Table, *, primary_only: bool, across_platforms: bool) -> Window:
    """Number what a window holds.

    Args:
        contents: rows of feat_account_content, of one day or of many: platform, account_id, content_id, content_kind,
            is_primary, n_posts, first_at, last_at, sample_post_id, sample_url.
        accounts: one row per account: platform, account_id and the columns of `Window.facts`.
        primary_only: only the primary contents of posts are evidence.
        across_platforms: a content on two platforms is one content.
    """
    counts = {"rows_in": len(contents)}
    merged = _merge_days(contents.combine_chunks())
    counts["contents_of_accounts"] = len(merged)
    if primary_only:
        merged = merged.filter(pc.equal(merged["is_primary"], True))
        counts["not_primary"] = counts["contents_of_accounts"] - len(merged)
    accounts_of_rows, keys = _numbered(pair_keys(merged["platform"], merged["account_id"]), ordered=True)
    content_key = merged["content_id"] if across_platforms else pair_keys(merged["platform"], merged["content_id"])
    contents_of_rows, distinct = _numbered(content_key, ordered=False)
    posts_of_rows, _ = _numbered(pc.coalesce(merged["sample_post_id"], content_key), ordered=False)
    order = np.lexsort((contents_of_rows, posts_of_rows, accounts_of_rows))
    evidence = Evidence.from_rows(
        accounts_of_rows[order],
        contents_of_rows[order],
        posts_of_rows[order],
        n_accounts=len(keys),
        n_contents=len(distinct),
    )
    rows = merged.take(pa.array(order)).combine_chunks()
    platform, account_id = split_keys(keys)
    return Window(
        evidence=evidence,
        platform=platform,
        account_id=account_id,
        facts=_facts(accounts, keys),
        content_id=distinct if across_platforms else split_keys(distinct)[1],
        kind=_codes(rows["content_kind"]),
        first_at=micros(rows["first_at"]),
        last_at=micros(rows["last_at"]),
        n_posts=rows["n_posts"].to_numpy().astype(np.int64),
        sample_post_id=_flat(rows["sample_post_id"]),
        sample_url=_flat(rows["sample_url"]),
        counts=counts,
    )


def _merge_days(rows: pa.Table) -> pa.Table:
    """One row per account and content; the sample is that of the earliest day."""
    keys = ["platform", "account_id", "content_id"]
    if len(rows) == len(rows.group_by(keys).aggregate([])):
        return rows
    ranked = rows.sort_by([("first_at", "ascending"), ("sample_post_id", "ascending")])
    merged = ranked.group_by(keys, use_threads=False).aggregate(
        [
            ("content_kind", "first"),
            ("is_primary", "any"),
            ("n_posts", "sum"),
            ("first_at", "min"),
            ("last_at", "max"),
            *((name, "first") for name in _SAMPLES),
        ]
    )
    return merged.rename_columns([name.removesuffix(suffix) for name, suffix in _aggregated(merged.column_names)])


def _aggregated(names: list[str]) -> list[tuple[str, str]]:
    """(name, suffix that the aggregation gave it)."""
    suffixes = ("_first", "_any", "_sum", "_min", "_max")
    return [(name, next((s for s in suffixes if name.endswith(s)), "")) for name in names]


def _flat(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _numbered(values: pa.ChunkedArray | pa.Array, *, ordered: bool) -> tuple[npt.NDArray[np.int64], pa.Array]:
    """(number of each value, distinct values); numbers follow the order of the values if `ordered`."""
    encoded = _flat(values).dictionary_encode()
    numbers = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    distinct = encoded.dictionary
    if not ordered:
        return numbers, distinct
    order = pc.sort_indices(distinct)
    rank = np.empty(len(distinct), np.int64)
    rank[order.to_numpy(zero_copy_only=False)] = np.arange(len(distinct))
    return rank[numbers], distinct.take(order)


def _facts(accounts: pa.Table, keys: pa.Array) -> pa.Table:
    """The facts of the accounts in the order of `keys`; counts that are unknown are 0."""
    known = pair_keys(accounts["platform"], accounts["account_id"])
    found = accounts.take(pc.index_in(keys, value_set=known)).combine_chunks()
    columns = {
        name: _flat(found[name]) for name in ("display_name", "handle", "url", "country_code", "language", "followers")
    }
    columns |= {name: pc.fill_null(_flat(found[name]), 0) for name in ("total_interactions", "n_posts")}
    return pa.table(columns)


def _codes(kinds: pa.ChunkedArray) -> npt.NDArray[np.uint8]:
    found = pc.index_in(_flat(kinds), value_set=pa.array(KINDS))
    codes: npt.NDArray[np.uint8] = found.to_numpy(zero_copy_only=False).astype(np.uint8)
    return codes
