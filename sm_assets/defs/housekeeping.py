"""Housekeeping: what has served its time goes, and the run tells what went.

Here: the job, its limits, and which tables keep all their days. Not here: removing runs (`run_history`), snapshots
and exports (`storage.retention`), conversions (`sources.leftovers`); landing files, labels, lists and models, which
are never removed.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import dagster as dg
from pydantic import Field

from sm_assets.contracts import TABLES
from sm_assets.defs.attribute_stored import MODELS
from sm_assets.defs.cluster_analyses import membership_tables
from sm_assets.defs.cluster_sources import IDS, LINKS
from sm_assets.defs.metadata import small_table
from sm_assets.errors import OptionError
from sm_assets.sources.leftovers import drop_leftovers
from sm_assets.storage import Lake
from sm_assets.storage.catalog import refresh_catalog
from sm_assets.storage.retention import (
    Removed,
    days_to_drop,
    drop_exports,
    drop_snapshots,
    empty_day_folders,
    export_days,
    folder_bytes,
    remove_folder,
)
from sm_assets.storage.vector_cache import FOLDER

HOUSEKEEPING: Final = "housekeeping"
_VECTORS: Final = "feat_post_embeddings"
# Names of clusters go back over all earlier snapshots.
_ALWAYS_KEPT: Final = (*membership_tables(), LINKS, IDS)


class HousekeepingConfig(dg.Config):
    """What may go. By default: history of runs and conversions that nobody needs; never a snapshot."""

    dry_run: bool = Field(default=False, description="Only tell what would go.")
    keep_runs_days: int = Field(
        default=90,
        ge=1,
        le=36_500,
        description="Finished runs that ended longer ago go, unless they are the newest of a partition or check.",
    )
    keep_snapshots_days: int = Field(
        default=0,
        ge=0,
        le=36_500,
        description="Snapshots and exports this many days before the newest one, and younger, stay. 0: all stay.",
    )
    keep_weekly: bool = Field(
        default=True, description="Of the days before these the last snapshot of each week (Monday to Sunday) stays."
    )
    keep_conversions_days: int = Field(
        default=30,
        ge=1,
        le=36_500,
        description="Conversions of bytes that lie under landing/ no more, and feed no published day, go after that.",
    )
    forget_embedders: list[str] = Field(
        default=[],
        description="Folders of lake/_embeddings to remove, by name. Their texts are encoded again if need be.",
    )


def housekeeping_job(lake: Lake) -> dg.JobDefinition:
    """The job over one lake and the instance that runs it."""

    @dg.op(out=dg.Out(dg.Nothing))
    def clean_up(context: dg.OpExecutionContext, config: HousekeepingConfig) -> None:
        found: list[Removed] = []
        for each in _all_parts(lake, context.instance, config):
            context.log.info(_sentence(each, dry_run=config.dry_run))
            found.append(each)
        context.add_output_metadata(
            {
                "dry_run": config.dry_run,
                "removed": small_table([_row(each) for each in found if each.items]),
                "bytes": sum(each.bytes for each in found),
                "stays": small_table([{"what": e.what, "name": e.name, "why": e.why} for e in found if not e.items]),
            }
        )

    @dg.job(
        name=HOUSEKEEPING,
        executor_def=dg.in_process_executor,
        description="Removes old runs, conversions of files that are gone and, if told to, old snapshots and exports; "
        "tells what went. See docs/operate.md.",
    )
    def housekeeping() -> None:
        clean_up()

    return housekeeping


def housekeeping_schedule(job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """Once a week, at a time at which few read and nothing else is due."""
    return dg.ScheduleDefinition(
        name=HOUSEKEEPING,
        job=job,
        cron_schedule="0 1 * * 6",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Saturdays at 01:00 UTC: removes old runs and conversions that nobody needs; no snapshot.",
    )


def _all_parts(lake: Lake, instance: dg.DagsterInstance, config: HousekeepingConfig) -> Iterator[Removed]:
    dry_run = config.dry_run
    unfinished = [] if dry_run else lake.sweep()
    if unfinished:
        yield Removed("unfinished work", "lake/_staging", len(unfinished), 0)
    yield from drop_leftovers(lake, config.keep_conversions_days, dry_run=dry_run)
    yield from empty_day_folders(lake, TABLES, dry_run=dry_run)
    yield from _snapshots(lake, config)
    yield from _embedders(lake, config.forget_embedders, dry_run=dry_run)
    if not dry_run:
        with lake.locked("catalog"):
            refresh_catalog(lake)
    before = datetime.now(UTC) - timedelta(days=config.keep_runs_days)
    from sm_assets.defs.run_history import compact, drop_runs  # loads Dagster's storage: half a second

    yield from drop_runs(instance, before, dry_run=dry_run)
    yield from compact(instance, dry_run=dry_run)


def snapshot_tables() -> list[str]:
    """Tables of snapshots whose old days may go."""
    return [table.name for table in TABLES.values() if table.partition == "as_of" and table.name not in _ALWAYS_KEPT]


def _snapshots(lake: Lake, config: HousekeepingConfig) -> Iterator[Removed]:
    """Days of all tables and exports are judged together: what was made from each other goes together."""
    days = {table.name: lake.days(table.name) for table in TABLES.values() if table.partition == "as_of"}
    exports = export_days(lake)
    # A model tells values of later days, and what it learned from must stay beside it.
    models = [day for day in days[MODELS] if lake.metadata(MODELS, day)["rows"] != "0"]
    gone = days_to_drop(days | exports, config.keep_snapshots_days, keep_weekly=config.keep_weekly, always=models)
    yield from drop_snapshots(lake, snapshot_tables(), gone, dry_run=config.dry_run)
    yield from drop_exports(lake, exports, gone, dry_run=config.dry_run)


def _embedders(lake: Lake, named: list[str], *, dry_run: bool) -> Iterator[Removed]:
    root = lake.path(*FOLDER)
    listed = sorted(lake.fs.ls(root, detail=False, refresh=True)) if lake.fs.isdir(root) else []
    present = {str(path).rstrip("/").rsplit("/", 1)[-1]: str(path) for path in listed if lake.fs.isdir(path)}
    unknown = sorted(set(named) - set(present))
    if unknown:
        raise OptionError(
            f"forget_embedders names {', '.join(unknown)}; lake/_embeddings holds {', '.join(present) or 'nothing'}."
        )
    used = _used_embedders(lake) if present else set()
    for name, path in present.items():
        size = folder_bytes(lake, path)
        if name in used and name in named:
            raise OptionError(f"forget_embedders names {name}, but {_VECTORS} has days made with it; leave it out.")
        if name in named:
            if not dry_run:
                with lake.locked(f"vectors-{name}"):
                    remove_folder(lake, path)
            yield Removed("embedder", name, 1, size)
        elif name not in used:
            why = f"{size:,} bytes of vectors that no published day uses; name it in forget_embedders to remove them"
            yield Removed("embedder", name, 0, 0, why)


def _used_embedders(lake: Lake) -> set[str]:
    ref = lake.ref(_VECTORS)
    if not ref.days:
        return set()
    with lake.connect() as con:
        return {name for (name,) in lake.register(con, ref).project("embedder_id").distinct().fetchall()}


def _row(each: Removed) -> dict[str, str | int]:
    return {"what": each.what, "name": each.name, "items": each.items, "bytes": each.bytes}


def _sentence(each: Removed, *, dry_run: bool) -> str:
    if not each.items:
        return f"{each.what} {each.name}: {each.why}"
    words = "would go" if dry_run else "went"
    return f"{each.what} {each.name}: {each.items:,} {words}, {each.bytes:,} bytes"
