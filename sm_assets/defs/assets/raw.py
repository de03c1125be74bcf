"""raw_<source>__*: landing files converted, then published for the days of the run.

Here: one multi-asset per source. Not here: reading and converting (`sm_assets.sources`).
"""

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any

import dagster as dg
import duckdb

from sm_assets.defs.assets.declare import common, out
from sm_assets.defs.io import Rows
from sm_assets.defs.made_from import landing_footer
from sm_assets.defs.metadata import counts_table
from sm_assets.defs.partitions import first_and_last_day, partition_days
from sm_assets.errors import UncoveredDays
from sm_assets.sources import SOURCES
from sm_assets.sources.coverage import days_to_publish, describe_rejects, files_of_rejects, reject_days
from sm_assets.sources.feeds import feeds_of
from sm_assets.sources.intake import take_in
from sm_assets.sources.landing import discover
from sm_assets.sources.pending import take_away
from sm_assets.sources.publication import raw_rows, reject_rows
from sm_assets.sources.taken import Intake, spans
from sm_assets.storage import Lake

_NAMED = 5
_CORE = dg.AssetKey("core_accounts")


class IngestConfig(dg.Config):
    """What a run may do with the landing folder."""

    accept_vanished: bool = False
    """Drop the rows of files that fed a partition and no longer do. Default: fail and name them."""


def assets(lake: Lake) -> list[dg.AssetsDefinition]:
    """The raw tables of every source."""
    return [_source_assets(lake, name) for name in SOURCES]


def _source_assets(lake: Lake, name: str) -> dg.AssetsDefinition:
    source = SOURCES[name]

    @dg.multi_asset(
        name=f"ingest_{name}",
        outs={table: out(lake, table) for table in (*source.raw_tables, source.rejects_table)},
        **common(lake),
    )
    def ingest(context: dg.AssetExecutionContext, config: IngestConfig) -> Iterator[dg.Output[Rows]]:
        asked = partition_days(list(context.partition_keys))
        intake = take_in(lake, name, context.log.info)
        for warning in _warnings(lake, intake):
            context.log.warning(warning)
        with lake.connect() as con:
            with_rejects = reject_days(lake, intake, asked)
            try:
                days = days_to_publish(lake, intake, asked, accept_vanished=config.accept_vanished)
            except UncoveredDays as error:
                delivered = intake.files or intake.unknown or intake.unusable
                if delivered and not _others_deliver(lake, name):
                    # Perhaps because every row was rejected; then people find out why before the run fails.
                    if with_rejects:
                        yield _rejects(con, lake, intake, with_rejects)
                    raise
                # Whoever holds exports of one platform must not need files of the others.
                (context.log.warning if delivered else context.log.info)(str(error))
                days = []
            if days and len(days) < len(asked):
                left = len(asked) - len(days)
                context.log.warning("%d of %d days are in no %s file; they stay", left, len(asked), name)
            metadata = _metadata(lake, intake)
            feeds = feeds_of(intake)
            for record in source.records:
                footer = partial(landing_footer, feeds, source.raw_table(record))
                data = raw_rows(lake, intake, record, days)
                rows = Rows(data, days, metadata=metadata, is_sorted=True, file_metadata=footer)
                yield dg.Output(rows, source.raw_table(record))
            yield _rejects(con, lake, intake, sorted({*days, *with_rejects}))
        # Only now is everything published; a run that ends before leaves its days waiting. So does one that goes no
        # further than raw or staging: core does not know of them yet.
        if _goes_on_to(context, _CORE):
            take_away(lake, source, asked, intake.number)

    return ingest


def _goes_on_to(context: dg.AssetExecutionContext, key: dg.AssetKey) -> bool:
    """Whether the run makes this table too."""
    return key in (context.run.asset_selection or context.job_def.asset_layer.executable_asset_keys)


def _others_deliver(lake: Lake, name: str) -> bool:
    """Whether another source has a file under landing/."""
    return any(other != name and discover(lake, other) for other in SOURCES)


def _rejects(con: duckdb.DuckDBPyConnection, lake: Lake, intake: Intake, days: list[date]) -> dg.Output[Rows]:
    table = intake.source.rejects_table
    footer = partial(landing_footer, feeds_of(intake), table)
    return dg.Output(Rows(reject_rows(con, lake, intake, days), days, file_metadata=footer), table)


def _outside(lake: Lake, intake: Intake) -> dict[str, int]:
    return intake.outside(*first_and_last_day(lake.settings))


def _warnings(lake: Lake, intake: Intake) -> Iterator[str]:
    outside = _outside(lake, intake)
    if outside:
        named = ", ".join(list(outside)[:_NAMED]) + (f" and {len(outside) - _NAMED} more" * (len(outside) > _NAMED))
        yield (
            f"{sum(outside.values())} rows lie on days without a partition and are in no table: {named}. Partitions "
            f"begin on SM_ASSETS_START_DAY ({lake.settings.start_day}) and end today; set it earlier to take them in."
        )
    for file in files_of_rejects(intake):
        yield describe_rejects(lake, file)


def _metadata(lake: Lake, intake: Intake) -> dict[str, Any]:
    """Counts over all files of the source: conversion goes by file, not by day."""
    covered = sorted(intake.covered)
    entries: dict[str, Any] = {f"landing/{entry}": rows for entry, rows in intake.totals().items()}
    entries |= {
        "files_converted": len(intake.converted),
        "files_reused": len(intake.files) - len(intake.converted),
        "files_unknown": len(intake.unknown) + len(intake.unusable),
        "cell_repairs": counts_table(intake.repairs(), "column/reason", "cells"),
        "files": counts_table({file.path: file.manifest["rows_out"] for file in intake.files}, "file"),
        "affected_days": spans(intake.affected, most=50) or "none",
    }
    if covered:
        entries |= {"coverage_from": str(covered[0]), "coverage_to": str(covered[-1])}
    outside = _outside(lake, intake)
    if outside:
        entries["rows_outside_partitions"] = sum(outside.values())
        entries["outside_partitions"] = counts_table(outside, "file (days)")
    if intake.purged:
        entries["purged_rows"] = sum(intake.purged.values())
    if intake.held:
        entries["landing_holds_purged"] = counts_table(intake.held, "file that still holds withdrawn words")
    if intake.same_as:
        listed = (f"- `{path}`: the bytes of `{first}`" for path, first in intake.same_as.items())
        entries["files_same"] = dg.MetadataValue.md("\n".join(listed))
    if intake.unknown or intake.unusable:
        named = {**intake.unknown, **intake.unusable}
        entries["set_aside"] = dg.MetadataValue.md("\n".join(f"- `{path}`: {why}" for path, why in named.items()))
    return entries
