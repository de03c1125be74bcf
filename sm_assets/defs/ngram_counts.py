"""Frequent word sequences of a window: batches of posts are counted, counts added up, the most frequent kept.

Here: bounded memory, whatever the number of posts. Not here: the asset (`assets.ngrams`), counting a batch
(`sm_assets.analysis.ngrams`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sm_assets.analysis.ngrams import COUNTS, NgramRules, count_ngrams
from sm_assets.storage import parquet_sql

_POSTS: Final = 8_192
_BYTES: Final = 4 * 2**20
_READ: Final = 4_096
_OF_ACCOUNTS: Final = COUNTS.append(pa.field("account_id", pa.string()))
# Of an account that no batch could hold whole: one row per sequence and language, the first language marked.
_OF_LARGE: Final = """
    select platform, lang, n, ngram, sum(n_posts) as n_posts, 1 as n_accounts,
        (row_number() over (partition by platform, account_id, ngram order by lang nulls last) = 1)::bigint as n_first,
        sum(n_occurrences) as n_occurrences
    from large
    group by platform, account_id, lang, n, ngram
"""
_FREQUENT: Final = """
    with scopes as (
        select platform, lang, n, ngram, sum(n_posts)::bigint as n_posts, sum(n_accounts)::bigint as n_accounts,
            sum(n_occurrences)::bigint as n_occurrences
        from counted
        where lang is not null
        group by platform, lang, n, ngram
        having sum(n_accounts) >= $min_accounts
        union all
        select platform, $every as lang, n, ngram, sum(n_posts)::bigint as n_posts, sum(n_first)::bigint as n_accounts,
            sum(n_occurrences)::bigint as n_occurrences
        from counted
        group by platform, n, ngram
        having sum(n_first) >= $min_accounts
    )
    select platform, lang, n, ngram,
        row_number() over (
            partition by platform, lang, n order by n_posts desc, n_accounts desc, ngram
        ) as rank,
        n_posts, n_accounts, n_occurrences
    from scopes
    qualify rank <= $n_top
    order by platform, lang, n, rank
"""


@dataclass(frozen=True, slots=True)
class FrequentNgrams:
    """Of one window.

    Attributes:
        table: platform, lang, n, ngram, rank, n_posts, n_accounts, n_occurrences.
        counts: posts with a text: in, cut because they are very long, not about what is asked for, counted.
    """

    table: pa.Table
    counts: Counter[str]


def frequent_ngrams(
    con: duckdb.DuckDBPyConnection,
    posts: duckdb.DuckDBPyRelation,
    listed: Mapping[str, Sequence[str]],
    rules: NgramRules,
    folder: Path,
    *,
    n_top: int,
    min_accounts: int,
    every: str,
    batch_posts: int = _POSTS,
) -> FrequentNgrams:
    """The most frequent sequences of each platform, language and length.

    Args:
        con: the connection of `posts`.
        posts: platform, account_id, lang, text, is_cut; rows of an account lie together.
        listed: languages of each platform that have sequences of their own.
        rules: what counts.
        folder: an empty folder in a workspace; counts of batches lie there until they are added up.
        n_top: sequences kept of each.
        min_accounts: accounts that must use one.
        every: name of the language that stands for all posts.
        batch_posts: posts that are counted at once.
    """
    counts: Counter[str] = Counter(posts_with_text=0, cut=0, not_about=0, counted=0)
    lengths = range(1, rules.longest + 1)
    with ExitStack() as files:
        whole = {n: files.enter_context(_writer(folder / f"whole-{n}.parquet", COUNTS)) for n in lengths}
        large = {n: files.enter_context(_writer(folder / f"large-{n}.parquet", _OF_ACCOUNTS)) for n in lengths}
        for rows, is_part in _batches(posts.to_arrow_reader(_READ), batch_posts):
            found = count_ngrams(_with_listed(rows, listed), rules)
            counts.update(
                posts_with_text=len(rows),
                cut=pc.sum(rows["is_cut"]).as_py() or 0,
                not_about=len(rows) - found.n_counted,
                counted=found.n_counted,
            )
            for n in lengths:
                part = found.table.filter(pc.equal(found.table["n"], n))
                if is_part:
                    part = part.append_column("account_id", pa.repeat(rows["account_id"][0], len(part)))
                (large if is_part else whole)[n].write_table(part)
    # What batches took is DuckDB's now.
    pa.default_memory_pool().release_unused()
    parts = []
    for n in lengths:
        for name in ("whole", "large"):
            source = parquet_sql([str(folder / f"{name}-{n}.parquet")], day_from_folder=False)
            con.execute(f"create or replace temp view {name} as {source}")
        con.execute(f"create or replace temp view counted as from whole union all by name {_OF_LARGE}")
        chosen = {"n_top": n_top, "min_accounts": min_accounts, "every": every}
        parts.append(con.sql(_FREQUENT, params=chosen).to_arrow_table())
        for name in ("whole", "large"):
            (folder / f"{name}-{n}.parquet").unlink()
    return FrequentNgrams(pa.concat_tables(parts), counts)


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, schema, use_dictionary=["platform", "lang", "account_id"])


def _with_listed(rows: pa.Table, listed: Mapping[str, Sequence[str]]) -> pa.Table:
    """The rows; their language is null where their platform does not list it."""
    pairs = pa.array([f"{platform} {lang}" for platform, langs in listed.items() for lang in langs], pa.string())
    own = pc.binary_join_element_wise(rows["platform"], rows["lang"], " ")
    langs = pc.if_else(pc.is_in(own, value_set=pairs), rows["lang"], pa.scalar(None, pa.string()))
    return rows.set_column(rows.schema.get_field_index("lang"), "lang", langs)


def _batches(reader: Iterable[pa.RecordBatch], limit: int) -> Iterator[tuple[pa.Table, bool]]:
    """(rows, whether they are but a part of one account); else all rows of the accounts in them."""
    waiting: list[pa.RecordBatch] = []
    cut: tuple[str, str] | None = None
    for batch in reader:
        waiting.append(batch)
        if sum(map(len, waiting)) < limit and sum(each.nbytes for each in waiting) < _BYTES:
            continue
        rows = pa.Table.from_batches(waiting)
        last = _first_of(rows, len(rows) - 1)
        parts, cut = _parts(rows.slice(0, last), cut)
        yield from parts
        rest = rows.slice(last)
        waiting = rest.to_batches()
        if len(rest) >= limit or rest.nbytes >= _BYTES:
            yield rest, True
            waiting, cut = [], _account(rest, 0)
    if waiting:
        yield from _parts(pa.Table.from_batches(waiting), cut)[0]


def _parts(rows: pa.Table, cut: tuple[str, str] | None) -> tuple[list[tuple[pa.Table, bool]], tuple[str, str] | None]:
    """The rows, those of an account apart that was cut before; and that account, if it may go on."""
    if len(rows) == 0:
        return [], cut
    if cut is None or _account(rows, 0) != cut:
        return [(rows, False)], None
    end = int(np.argmin(_is_account(rows, cut))) or len(rows)
    return [(part, is_part) for part, is_part in ((rows.slice(0, end), True), (rows.slice(end), False)) if len(part)], (
        cut if end == len(rows) else None
    )


def _account(rows: pa.Table, place: int) -> tuple[str, str]:
    return rows["platform"][place].as_py(), rows["account_id"][place].as_py()


def _is_account(rows: pa.Table, account: tuple[str, str]) -> npt.NDArray[np.bool_]:
    same = pc.and_(pc.equal(rows["platform"], account[0]), pc.equal(rows["account_id"], account[1]))
    flags: npt.NDArray[np.bool_] = same.to_numpy()
    return flags


def _first_of(rows: pa.Table, place: int) -> int:
    """The first row of the account of a row."""
    return int(np.argmax(_is_account(rows, _account(rows, place))))
