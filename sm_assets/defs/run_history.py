"""Old runs of the Dagster instance: which may go, and their removal.

Here: what the instance keeps of runs (events, logs, tags), and the size of its SQLite files. Not here: data.

The newest event of each kind for an asset and partition is what the UI shows as its status, and the newest outcome of
a check is the check's: a run that holds one of them stays, however old. Runs under way and those of a backfill under
way stay too. Dagster itself has no retention for runs.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import dagster as dg
from dagster._core.execution.backfill import BULK_ACTION_TERMINAL_STATUSES, BulkActionsFilter, BulkActionStatus
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._core.storage.runs import SqlRunStorage

from sm_assets.storage.retention import Removed

_FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_AT_ONCE = 500
_PATIENCE_S = 30
_BACKFILL = "dagster/backfill"


def drop_runs(instance: dg.DagsterInstance, before: datetime, *, dry_run: bool) -> Iterator[Removed]:
    """Remove finished runs that last changed before a moment and are nobody's status."""
    events, runs = instance.event_log_storage, instance.run_storage
    if not isinstance(events, SqlEventLogStorage) or not isinstance(runs, SqlRunStorage):
        yield Removed(
            "run", "", 0, 0, f"runs are kept in {type(events).__name__}, which cannot be asked; none was removed"
        )
        return
    old = list(_old_runs(instance, before))
    needed = status_runs(events)
    gone = [run_id for run_id in old if run_id not in needed]
    taken = 0
    for run_id in gone:
        taken += _bytes(instance, events, run_id)
        if not dry_run:
            _drop(instance, events, runs, run_id)
    yield Removed("run", f"older than {before:%Y-%m-%d}", len(gone), taken)
    if len(old) > len(gone):
        why = f"{len(old) - len(gone)} older runs are the newest of a partition or check and stay"
        yield Removed("run", "", 0, 0, why)


def status_runs(events: SqlEventLogStorage) -> set[str]:
    """Runs that hold the newest event of a kind of an asset and partition, or the newest outcome of a check."""
    import sqlalchemy as sa
    from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable

    event, check = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c
    newest = (
        sa.select(sa.func.max(event.id))
        .where(event.asset_key.is_not(None))
        .group_by(event.asset_key, event.partition, event.dagster_event_type)
    )
    latest = sa.select(sa.func.max(check.id)).group_by(check.asset_key, check.check_name, check.partition)
    with events.index_connection() as con:
        found = {run for (run,) in con.execute(sa.select(event.run_id).where(event.id.in_(newest)).distinct())}
        found |= {run for (run,) in con.execute(sa.select(check.run_id).where(check.id.in_(latest)).distinct())}
    return found


def _old_runs(instance: dg.DagsterInstance, before: datetime) -> Iterator[str]:
    under_way = [status for status in BulkActionStatus if status not in BULK_ACTION_TERMINAL_STATUSES]
    backfills = {each.backfill_id for each in instance.get_backfills(filters=BulkActionsFilter(statuses=under_way))}
    cursor = None
    while True:
        filters = dg.RunsFilter(statuses=_FINISHED, updated_before=before)
        page = instance.get_run_records(filters, limit=_AT_ONCE, cursor=cursor)
        for record in page:
            if record.dagster_run.tags.get(_BACKFILL) not in backfills:
                yield record.dagster_run.run_id
        if len(page) < _AT_ONCE:
            return
        cursor = page[-1].dagster_run.run_id


def _drop(instance: dg.DagsterInstance, events: SqlEventLogStorage, runs: SqlRunStorage, run_id: str) -> None:
    """The run itself goes last: what an interruption leaves is found again."""
    from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
    from dagster._core.storage.runs.schema import RunTagsTable

    instance.compute_log_manager.delete_logs(prefix=[run_id])
    events.delete_events(run_id)
    with events.index_connection() as con:
        # Dagster leaves the outcomes of checks behind; the newest of each is of a run that stays.
        con.execute(AssetCheckExecutionsTable.delete().where(AssetCheckExecutionsTable.c.run_id == run_id))
    for path in _shard(events, run_id):
        path.unlink(missing_ok=True)
    with runs.connect() as con:
        # SQLite leaves them behind: Dagster does not ask it to keep foreign keys.
        con.execute(RunTagsTable.delete().where(RunTagsTable.c.run_id == run_id))
    runs.delete_run(run_id)


def _shard(events: SqlEventLogStorage, run_id: str) -> list[Path]:
    """The SQLite file of one run and what SQLite keeps beside it; elsewhere all runs share their tables."""
    if not isinstance(events, SqliteEventLogStorage):
        return []
    return [Path(events.path_for_shard(run_id) + ending) for ending in ("", "-wal", "-shm")]


def _bytes(instance: dg.DagsterInstance, events: SqlEventLogStorage, run_id: str) -> int:
    files = [path for path in _shard(events, run_id) if path.exists()]
    logs = Path(instance.storage_directory()) / run_id
    files += [path for path in logs.rglob("*") if path.is_file()] if logs.is_dir() else []
    return sum(path.stat().st_size for path in files)


def compact(instance: dg.DagsterInstance, *, dry_run: bool) -> Iterator[Removed]:
    """Give back the room that removed rows left in SQLite's files; other databases do that by themselves."""
    events = instance.event_log_storage
    if not isinstance(events, SqliteEventLogStorage):
        return
    index = Path(events.path_for_shard("index"))
    home = index.parents[2]
    for path in (index, home / "history" / "runs.db", home / "schedules" / "schedules.db"):
        if not path.exists():
            continue
        before = path.stat().st_size
        if dry_run:
            yield Removed("database", path.name, 0, 0, f"{before:,} bytes now")
            continue
        refused = _vacuum(path, before)
        after = path.stat().st_size
        yield Removed("database", path.name, 0, before - after, refused or f"{before:,} bytes before, {after:,} after")


def _vacuum(path: Path, size: int) -> str:
    """Rewrite a SQLite file without its holes; why that was not done, if it was not."""
    if shutil.disk_usage(path.parent).free < 2 * size:
        return f"not made smaller: that needs {2 * size:,} bytes free on the disk"
    con = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None)
    try:
        con.execute("vacuum")
        con.execute("pragma wal_checkpoint(truncate)")
    except sqlite3.OperationalError as error:
        return f"not made smaller this time: {error}"
    finally:
        con.close()
    return ""
