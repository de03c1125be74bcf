"""Which days a run may publish, and which rejects it shows.

Here: covered days, files that no longer feed what they fed, files of rejects only. Not here: conversion and rows
(`intake`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sm_assets.errors import UncoveredDays, VanishedFiles
from sm_assets.sources.taken import Converted, Intake, spans
from sm_assets.storage import PART, Lake, parquet_sql, select

_NAMED = 5


def days_to_publish(lake: Lake, intake: Intake, days: list[date], *, accept_vanished: bool = False) -> list[date]:
    """Those of `days` whose raw partition may be replaced: covered by a file, or emptied on purpose.

    Raises:
        VanishedFiles: a file that fed one of the days is gone, set aside, replaced by bytes that do not cover the day,
            or read with another outcome, and `accept_vanished` is false.
        UncoveredDays: no file speaks of any of the days.
    """
    lost = lost_days(lake, intake, days)
    if lost and not accept_vanished:
        named = "; ".join(f"{path} fed {spans(fed)}: {why}" for (path, why), fed in sorted(lost.items()))
        raise VanishedFiles(
            f"Files no longer bring what they fed. {named}. Nothing was replaced. Put them back as they were, or set "
            "accept_vanished to drop their rows of these days on purpose."
        )
    covered = intake.covered.union(*lost.values())
    chosen = [day for day in days if day in covered]
    if not chosen:
        known = f"{min(covered)} to {max(covered)}" if covered else "no day"
        raise UncoveredDays(
            f"No file under landing/{intake.source.name}/ speaks of {spans(days)}; they cover {known}. Nothing was "
            f"replaced.{_rejected_whole(lake, intake)}"
        )
    return chosen


def lost_days(lake: Lake, intake: Intake, days: list[date]) -> dict[tuple[str, str], list[date]]:
    """(file, what became of it) -> those of `days` that it fed, by the raw tables, and no longer does."""
    fed = sorted({row for name in intake.source.raw_tables for row in _fed(lake, name, days)})
    same_bytes = {file.sha256: file for file in intake.files}
    same_path = {file.path: file for file in intake.files}
    same_path |= {path: same_path[first] for path, first in intake.same_as.items()}
    with_rows = {file.sha256: set(file.rows_by_day) for file in intake.files}
    covered = {file.sha256: set(file.covered) for file in intake.files}
    lost: dict[tuple[str, str], list[date]] = {}
    for path, sha256, day in fed:
        if sha256 in same_bytes:
            # Other settings or another version of the reader: the bytes have not changed, so neither should the days.
            if day not in with_rows[sha256]:
                why = f"read anew, it has no row there{_but(same_bytes[sha256])}"
                lost.setdefault((path, why), []).append(day)
        elif path in same_path:
            # Other bytes under the same path are a new delivery, as far as they reach.
            now = same_path[path]
            if day not in covered[now.sha256]:
                reach = spans(now.covered) or "no day"
                lost.setdefault((path, f"it now has other bytes, which cover {reach}{_but(now)}"), []).append(day)
        else:
            aside = intake.unknown.get(path) or intake.unusable.get(path)
            why = f"it was set aside ({aside.rstrip('.')})" if aside else "it is gone"
            lost.setdefault((path, why), []).append(day)
    return lost


def _fed(lake: Lake, table: str, days: list[date]) -> list[tuple[str, str, date]]:
    """(file, fingerprint, day) of what a raw table holds."""
    ref = lake.ref(table, days)
    if not ref.days:
        return []
    with lake.connect() as con:
        sql = "select distinct source_file, source_sha256, day from fed order by all"
        return select(lake.register(con, ref), "fed", sql).fetchall()


def _but(file: Converted) -> str:
    return f"; {_share(file)} ({_counts(file)})" if file.rejected else ""


def _share(file: Converted) -> str:
    return f"{sum(file.rejected.values())} of {file.manifest['rows_in']} rows are rejected"


def _counts(file: Converted) -> str:
    return ", ".join(f"{rows} {reason}" for reason, rows in sorted(file.rejected.items()))


def files_of_rejects(intake: Intake) -> list[Converted]:
    """Files of which every row was rejected: no day knows of them."""
    return [file for file in intake.files if file.rejected and not file.manifest["rows_out"]]


def describe_rejects(lake: Lake, file: Converted) -> str:
    """The file, its rejects by reason, and what the reader says of each reason."""
    path = lake.uri(file.place("reject", PART))
    with lake.connect() as con:
        rejects = con.sql(parquet_sql(path, day_from_folder=False))
        sql = "select reason, count(*), min(detail) from rejects group by reason order by count(*) desc, reason"
        found = select(rejects, "rejects", sql).fetchall()
    reasons = "; ".join(
        f"{rows} {reason}: {detail}" if detail else f"{rows} {reason}" for reason, rows, detail in found
    )
    return f"{file.path}: {_share(file)} ({reasons})"


def _rejected_whole(lake: Lake, intake: Intake) -> str:
    files = files_of_rejects(intake)
    if not files:
        return ""
    named = ". ".join(describe_rejects(lake, file) for file in files[:_NAMED])
    more = f" {len(files) - _NAMED} more files are like that." if len(files) > _NAMED else ""
    return f" Files without one usable row cover no day. {named}.{more} See {intake.source.rejects_table}."


def reject_days(lake: Lake, intake: Intake, days: Iterable[date]) -> list[date]:
    """Days whose rejects a run over `days` shows.

    Those of `days` that have rejects, and all days with rejects that no file covers: such rows have no readable time,
    or lie where no post does, and nobody would ask for their day. Among the latter are days that had rejects of this
    kind before and have none now.
    """
    found = {date.fromisoformat(day) for file in intake.files for day in file.manifest["rejects_by_day"]}
    # A day of posts always has both partitions.
    alone = set(lake.days(intake.source.rejects_table)).difference(*map(lake.days, intake.source.raw_tables))
    return sorted((found & set(days)) | ((found | alone) - intake.covered))
