"""Purges: what people withdrew for good leaves the converted files too.

Here: which converted rows hold words of a purged post or account, and their rewriting without these words; key, time
and the rest stay. Not here: which rows of core a withdrawal removes (sql/core/), the landing files, which are never
written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from sm_assets.contracts.schema import DAY, quoted
from sm_assets.sources import Source
from sm_assets.sources.reading import INGESTED_REJECTS, ingest_schema
from sm_assets.sources.redaction import Redaction
from sm_assets.storage import PART, ROW_GROUP, DayFile, Lake, parquet_sql

if TYPE_CHECKING:
    from sm_assets.sources.taken import Converted

PURGES = "purges.parquet"
_HIT_REJECTS = """
with words as (
    select line, byte_offset, concat(detail, ' ', raw_excerpt) as said from ({}) where raw_excerpt is not null
),
named as (
    select distinct
        line, byte_offset, said, unnest(regexp_extract_all(said, '[A-Za-z0-9_:~-]+(?:[.][A-Za-z0-9_:~-]+)*')) as id
    from words
)
select distinct named.line, named.byte_offset
from named
inner join purges on named.id = split_part(purges.purged_id, '/', -1)
where purges.purged_account is null or contains(named.said, purges.purged_account)
"""
_SCHEMA = pa.schema([(name, pa.string()) for name in ("entity", "record_id", "account_id", "revision")])
_PURGES = """
create or replace temp table purges as
with stated as (
    select
        entity as purged_entity, record_id as purged_id, any_value(account_id) as purged_account,
        if(bool_or(revision is null), null, max(revision)) as purged_revision
    from ({}) group by entity, record_id
), others as (
    select distinct stated.* replace (every.version_id as purged_id)
    from stated
    inner join versions as named on stated.purged_id = named.version_id
    inner join versions as every on named.first_id = every.first_id
    where stated.purged_entity = 'post'
)
select * from stated union all select * from others
"""


def redactions(source: Source) -> dict[str, Redaction]:
    """The source's rules by kind of record; empty where its files withdraw nothing."""
    found: dict[str, Redaction] = getattr(source.load(), "REDACTIONS", {})
    return found


def collect(lake: Lake, source: Source, folder: Path, days: dict[str, Iterable[str]]) -> int:
    """Write the purges of words that a file in conversion states to `folder`/purges.parquet; how many there are.

    Args:
        lake: for its engine.
        source: who delivered the file.
        folder: the directory in the making.
        days: kind of record -> days with rows.
    """
    selects = []
    with lake.connect() as con:
        for record, rule in redactions(source).items():
            paths = [str(folder / record / f"{DAY}={day}" / PART) for day in days.get(record, ())]
            if rule.withdrawn is None or not paths:
                continue
            con.execute(f"create or replace temp view records as {parquet_sql(paths)}")
            selects.append(
                con.sql(
                    f"select {', '.join(_SCHEMA.names)} from ({rule.withdrawn}) where entity in ('post', 'account')"
                ).to_arrow_table()
            )
    found = pa.concat_tables([part.cast(_SCHEMA) for part in selects]) if selects else _SCHEMA.empty_table()
    if found.num_rows:
        file = DayFile(folder / PURGES, _SCHEMA)
        for batch in found.combine_chunks().to_batches():
            file.add(batch)
        file.close()
    return int(found.num_rows)


def apply(
    lake: Lake, source: Source, files: list[Converted], fresh: set[str], replaced: Iterable[Converted] = ()
) -> dict[str, int]:
    """Take the words of purged records out of the converted files.

    Args:
        lake: where they lie.
        source: whose files they are.
        files: all converted files of the source.
        fresh: fingerprints of those converted since purges were last applied: they meet all purges, the others only
            those that fresh files state.
        replaced: conversions whose bytes are no longer under landing/; they meet the purges of fresh files too.

    Returns:
        Path of the landing file -> rows whose words were taken out now.
    """
    if not fresh or not any(file.manifest.get("purges") for file in files):
        return {}
    new = [file for file in files if file.sha256 in fresh]
    old = [file for file in files if file.sha256 not in fresh]
    gone = list(replaced)
    done: dict[str, int] = {}
    with lake.connect() as con:
        _find_versions(con, lake, source, files, fresh)
        # Versions that become known now may be those that an earlier purge meant.
        learnt = con.sql("select 1 from versions where is_fresh limit 1").fetchall()
        for targets, stating in (([*files, *gone], files),) if learnt else ((new, files), ([*old, *gone], new)):
            purges = [lake.uri(file.place(PURGES)) for file in stating if file.manifest.get("purges")]
            if not purges or not targets:
                continue
            con.execute(_PURGES.format(parquet_sql(purges, day_from_folder=False)))
            for file in targets:
                alone = _is_done(file, [other for other in stating if other.manifest.get("purges")])
                hits = () if alone else _hit(con, lake, source, file)
                rows = sum(_redact(lake, con, file, *item) for item in hits)
                rows += _redact_rejects(lake, con, file)
                if rows and file.path:
                    done[file.path] = done.get(file.path, 0) + rows
    return done


def _is_done(file: Converted, stating: list[Converted]) -> bool:
    """Whether a file's reader has already left out all words that the stated purges reach."""
    known = file.manifest.get("purges_applied")
    return known == file.manifest.get("purges") and all(other is file for other in stating)


def _find_versions(
    con: duckdb.DuckDBPyConnection, lake: Lake, source: Source, files: list[Converted], fresh: set[str]
) -> None:
    """Table `versions`: id of a version of a post, id of the first one, whether a fresh file tells so."""
    con.execute("create or replace temp table versions (version_id varchar, first_id varchar, is_fresh boolean)")
    for record, rule in redactions(source).items():
        for is_fresh in (False, True) if rule.versions else ():
            paths = [
                lake.uri(file.place(record, f"{DAY}={day}", PART))
                for file in files
                if (file.sha256 in fresh) is is_fresh
                for day in file.manifest["rows_by_day"].get(record, ())
            ]
            if paths:
                con.execute(
                    "insert into versions select distinct unnest(ids), ids[1], ? from "
                    f"(select {rule.versions} as ids from ({parquet_sql(paths)})) where ids is not null",
                    [is_fresh],
                )


def _condition(rule: Redaction) -> str:
    """SQL that is true for a row that holds words of a purged record."""
    newer = f" and (p.purged_revision is null or {rule.revision} is null or {rule.revision} <= p.purged_revision)"
    tests = []
    if rule.post:
        tests.append(
            f"exists (select 1 from purges as p where p.purged_entity = 'post' and p.purged_id = {rule.post}"
            f"{newer if rule.revision else ''})"
        )
    if rule.account:
        tests.append(
            f"exists (select 1 from purges as p where p.purged_entity = 'account' and p.purged_id = {rule.account})"
        )
    words = " or ".join(f"{quoted(name)} is not null" for name in rule.columns)
    return f"({words}) and ({' or '.join(tests)})"


def _hit(
    con: duckdb.DuckDBPyConnection, lake: Lake, source: Source, file: Converted
) -> Iterator[tuple[str, str, Redaction]]:
    """(kind of record, day, rule) of the parts that hold words of purged records."""
    for record, rule in redactions(source).items():
        days = file.manifest["rows_by_day"].get(record, {})
        if not days or not (rule.post or rule.account):
            continue
        paths = [lake.uri(file.place(record, f"{DAY}={day}", PART)) for day in days]
        sql = f"select distinct day from ({parquet_sql(paths)}) where {_condition(rule)} order by day"
        for (day,) in con.sql(sql).fetchall():
            yield record, str(day), rule


def _redact(lake: Lake, con: duckdb.DuckDBPyConnection, file: Converted, record: str, day: str, rule: Redaction) -> int:
    place = file.place(record, f"{DAY}={day}", PART)
    source = parquet_sql(lake.uri(place), day_from_folder=False)
    hit = _condition(rule)
    rows: int = con.sql(f"select count(*) from ({source}) where {hit}").fetchall()[0][0]
    emptied = ", ".join(f"if(words_of_purged, null, {quoted(name)}) as {quoted(name)}" for name in rule.columns)
    sql = (
        f"select * exclude (words_of_purged) replace ({emptied}) "
        f"from (select *, {hit} as words_of_purged from ({source}))"
    )
    schema = ingest_schema(file.table(record))
    with lake.workspace("purge") as workspace:
        target = DayFile(workspace / PART, schema)
        for batch in con.sql(f"{sql} order by source_row, source_item").to_arrow_reader(ROW_GROUP):
            target.add(pa.RecordBatch.from_arrays(batch.select(schema.names).columns, names=schema.names))
        target.close()
        lake.replace(workspace / PART, place)
    return rows


def _redact_rejects(lake: Lake, con: duckdb.DuckDBPyConnection, file: Converted) -> int:
    """Excerpts of rejects that name a purged record lose their text; how many did."""
    if not file.rejected:
        return 0
    place = file.place("reject", PART)
    source = parquet_sql(lake.uri(place), day_from_folder=False)
    # By the ids that an excerpt names, not by looking for each purge in each excerpt.
    con.execute(f"create or replace temp table hit_rejects as {_HIT_REJECTS.format(source)}")
    hit = "(line, byte_offset) in (select (line, byte_offset) from hit_rejects)"
    emptied: int = con.sql(f"select count(*) from ({source}) where {hit}").fetchall()[0][0]
    if not emptied:
        return 0
    rows = con.sql(
        f"select * replace (if({hit}, null, raw_excerpt) as raw_excerpt) from ({source}) "
        "order by line, byte_offset, record"
    ).to_arrow_table()
    with lake.workspace("purge") as workspace:
        target = DayFile(workspace / PART, INGESTED_REJECTS)
        for batch in rows.combine_chunks().to_batches():
            target.add(batch.select(INGESTED_REJECTS.names))
        target.close()
        lake.replace(workspace / PART, place)
    return emptied
