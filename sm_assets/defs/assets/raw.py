"""raw_<source>__*: landing files converted, then published for the days of the run.

Here: one multi-asset per source. Not here: reading and converting (`sm_assets.sources`).
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from sm_assets.defs.assets.declare import common, out
from sm_assets.defs.io import Rows
from sm_assets.defs.metadata import counts_table
from sm_assets.defs.partitions import partition_days
from sm_assets.sources import SOURCES
from sm_assets.sources.intake import Intake, days_to_publish, raw_rows, reject_days, reject_rows, take_in
from sm_assets.storage import Lake


class IngestConfig(dg.Config):
    """What a run may do with the landing folder."""

    accept_vanished: bool = False
    """Drop the rows of files that fed a partition and are gone. Default: fail and name them."""


def assets(lake: Lake) -> list[dg.AssetsDefinition]:
    """The raw tables of every source."""
    return [_source_assets(lake, name) for name in SOURCES]


def _source_assets(lake: Lake, name: str) -> dg.AssetsDefinition:
    source = SOURCES[name]

    @dg.multi_asset(
        name=f"ingest_{name}",
        outs={source.raw_table: out(lake, source.raw_table), source.rejects_table: out(lake, source.rejects_table)},
        **common(lake),
    )
    def ingest(context: dg.AssetExecutionContext, config: IngestConfig) -> Iterator[dg.Output[Rows]]:
        asked = partition_days(list(context.partition_keys))
        intake = take_in(lake, name, context.log.info)
        days = days_to_publish(lake, intake, asked, accept_vanished=config.accept_vanished)
        if len(days) < len(asked):
            context.log.warning("%d of %d days are in no %s file; they stay", len(asked) - len(days), len(asked), name)
        with lake.connect() as con:
            rows = Rows(raw_rows(con, lake, intake, days), days, metadata=_metadata(intake))
            yield dg.Output(rows, source.raw_table)
            with_rejects = sorted({*days, *reject_days(intake, asked)})
            yield dg.Output(Rows(reject_rows(con, lake, intake, with_rejects), with_rejects), source.rejects_table)

    return ingest


def _metadata(intake: Intake) -> dict[str, Any]:
    """Counts over all files of the source: conversion goes by file, not by day."""
    covered = sorted(intake.covered)
    entries: dict[str, Any] = {f"landing/{entry}": rows for entry, rows in intake.totals().items()}
    entries |= {
        "files_converted": len(intake.converted),
        "files_reused": len(intake.files) - len(intake.converted),
        "files_unknown": len(intake.unknown) + len(intake.unusable),
        "cell_repairs": counts_table(intake.repairs(), "column/reason", "cells"),
        "files": counts_table({file.path: file.manifest["rows_out"] for file in intake.files}, "file"),
        "affected_days": f"{intake.affected[0]} to {intake.affected[-1]}" if intake.affected else "none",
    }
    if covered:
        entries |= {"coverage_from": str(covered[0]), "coverage_to": str(covered[-1])}
    if intake.unknown or intake.unusable:
        named = {**intake.unknown, **intake.unusable}
        entries["set_aside"] = dg.MetadataValue.md("\n".join(f"- `{path}`: {why}" for path, why in named.items()))
    return entries
