"""How assets hand tables on: rows go into the lake, references come out.

Here: the IO manager over `storage`, and `Rows`, what an asset returns. Not here: checking or writing files (`storage`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import dagster as dg

from sm_assets.contracts import TABLES
from sm_assets.defs.code_versions import code_version
from sm_assets.defs.made_from import WhatWasRead
from sm_assets.defs.metadata import published_metadata
from sm_assets.defs.partitions import partition_days
from sm_assets.storage import Data, Lake, TableRef

MAKES: Final = "makes"
"""Metadata of an input: the table that is made of it."""
# Steps whose inputs are remembered: a run has one at a time, a process rarely more than a few.
_STEPS: Final = 64


@dataclass(frozen=True, slots=True)
class Rows:
    """What an asset returns: data to publish, and the days it vouches for.

    Attributes:
        data: the table's rows; a relation's connection must stay open until the output is handled: yield inside its
        block.
        days: days to replace; those without rows become empty.
        counts: rows by disposition for the metadata. With `rows_in` among them and `reconcile`, the table must have
            rows_in minus all other counts.
        is_sorted: the data is a reader of rows in the order of day and key, in the contract's types.
        reconcile: hold the table to the counts before it is published.
        metadata: further metadata of the materialisation, e.g. figures.
        file_metadata: further metadata of each day's file.
    """

    data: Data
    days: Sequence[date]
    counts: Mapping[str, int] = field(default_factory=dict)
    reconcile: bool = False
    is_sorted: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    file_metadata: Callable[[date], Mapping[str, str]] | None = None

    def expected(self) -> int | None:
        """Rows that the counts leave over; None where they do not tell."""
        if not self.reconcile or "rows_in" not in self.counts:
            return None
        return 2 * self.counts["rows_in"] - sum(self.counts.values())


def _or_not_chosen(context: dg.OutputContext) -> str:
    """Where an asset makes some of the days only (`windows.chosen_days`): which, and how to have all."""
    config = context.step_context.op_config
    chosen = config.get("snapshots", "every_day") if isinstance(config, dict) else "every_day"
    return "" if chosen == "every_day" else f", or left out by snapshots: {chosen} (snapshots: every_day makes all)"


class LakeIOManager(dg.IOManager):
    """Publishes `Rows` through the lake and loads inputs as `TableRef`; no rows pass through Dagster.

    What each published file was made from is noted when the references are handed out, so before a row is read: where
    another run replaces an input meanwhile, the footer names the earlier one, and the day shows as stale.
    """

    def __init__(self, lake: Lake) -> None:
        """Serve one lake."""
        self._lake = lake
        self._read: dict[tuple[str, str], WhatWasRead] = {}

    def handle_output(self, context: dg.OutputContext, obj: Rows) -> None:
        """Check and publish, then tell what was published."""
        table = TABLES[context.asset_key.path[-1]]
        read = self._read.get((context.run_id, context.step_key)) or WhatWasRead(self._lake)
        made = read.footers(obj.days, code_version(table.name))
        own = obj.file_metadata
        published = self._lake.publish(
            table,
            obj.data,
            obj.days,
            expected_rows=obj.expected,
            is_sorted=obj.is_sorted,
            metadata=lambda day: {**made.get(day, {}), **(own(day) if own else {})},
        )
        entries = published_metadata(self._lake, table, published, obj.counts)
        asked = partition_days(list(context.asset_partition_keys)) if context.has_asset_partitions else []
        skipped = sorted(set(asked) - set(obj.days))
        if skipped:
            why = "no input" + _or_not_chosen(context)
            entries["days_not_published"] = (
                f"{len(skipped)} of {len(asked)} days ({skipped[0]} ... {skipped[-1]}): {why}; they stay as they are"
            )
            if len(skipped) == len(asked):
                context.log.info("%s: nothing was replaced; %s for these days", table.name, why)
        # The page shows entries in this order: what an asset says of itself comes first, long tables last.
        context.add_output_metadata(dict(obj.metadata) | entries)

    def load_input(self, context: dg.InputContext) -> TableRef:
        """Reference to the upstream days that are published."""
        days = partition_days(list(context.asset_partition_keys)) if context.has_asset_partitions else None
        ref = self._lake.ref(context.asset_key.path[-1], days)
        makes = (context.definition_metadata or {}).get(MAKES)
        if makes is not None:
            self._of_step(context).note(makes, ref.table, ref.days if days is None else days)
        return ref

    def _of_step(self, context: dg.InputContext) -> WhatWasRead:
        step = context.step_context.run_id, context.step_context.step.key
        while len(self._read) > _STEPS:
            del self._read[next(iter(self._read))]
        return self._read.setdefault(step, WhatWasRead(self._lake))
