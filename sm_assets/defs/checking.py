"""What a check is: what must hold, how grave it is where it does not, what to do then.

Here: `Check`, groups of checks that are judged together, the one step that judges all groups of a table, the days of a
run. Not here: any check (`checks` lists them).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg

from sm_assets.defs.jobs import FIRST_DAY, LAST_DAY
from sm_assets.defs.metadata import counts_table
from sm_assets.defs.partitions import partition_days

_HELD_BACK = " What is made from the table was held back in this run: it is as it was."


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check of one table.

    Attributes:
        table: whose check it is.
        name: of the check.
        holds: what holds where it passes, one sentence.
        what_to_do: where it does not, one sentence for whoever reads the page.
        warns: what it finds may be right: it is told as a warning, not as an error.
        blocks: what is made from the table in the same run is held back; see `checks` for which do.
        reads: other tables that it reads.
    """

    table: str
    name: str
    holds: str
    what_to_do: str
    warns: bool = False
    blocks: bool = False
    reads: tuple[str, ...] = ()

    @property
    def severity(self) -> dg.AssetCheckSeverity:
        """How grave a failure is."""
        return dg.AssetCheckSeverity.WARN if self.warns else dg.AssetCheckSeverity.ERROR

    def spec(self) -> dg.AssetCheckSpec:
        """The check as Dagster knows it."""
        return dg.AssetCheckSpec(
            self.name,
            asset=self.table,
            description=self.holds,
            additional_deps=sorted({*self.reads} - {self.table}),
            blocking=self.blocks,
            metadata={"severity": self.severity.value, "what_to_do": self.what_to_do},
        )

    def warning(self, what_to_do: str, **metadata: Any) -> dg.AssetCheckResult:
        """A failure that is told as a warning, whatever the check is: nothing is held back for it."""
        return dg.AssetCheckResult(
            asset_key=self.table,
            check_name=self.name,
            passed=False,
            severity=dg.AssetCheckSeverity.WARN,
            description=what_to_do,
            metadata={"what_to_do": what_to_do} | metadata,
        )

    def result(self, *, passed: bool, **metadata: Any) -> dg.AssetCheckResult:
        """What was found; a failure says what to do, on the page of the check and in the log of the run."""
        advice = self.what_to_do + (_HELD_BACK if self.blocks else "")
        return dg.AssetCheckResult(
            asset_key=self.table,
            check_name=self.name,
            passed=passed,
            severity=self.severity,
            description=None if passed else advice,
            metadata=metadata if passed else {"what_to_do": advice} | metadata,
        )

    def counted(self, broken: Mapping[str, int], **metadata: Any) -> dg.AssetCheckResult:
        """The result where rows are broken, by what is wrong with them; passed: none is."""
        found = {what: rows for what, rows in broken.items() if rows}
        shown = {"broken": counts_table(found)} if found else {}
        return self.result(passed=not found, **shown, **metadata)


Judge = Callable[[list[date] | None], Iterator[dg.AssetCheckResult]]


@dataclass(frozen=True, slots=True)
class Group:
    """Checks that are judged together.

    Attributes:
        checks: in the order of their results.
        judge: the results over the days of a run; None: over all days.
    """

    checks: tuple[Check, ...]
    judge: Judge


def one_step(name: str, groups: Sequence[Group], *, can_subset: bool = False) -> dg.AssetChecksDefinition:
    """One step that judges all groups: a step costs more than most checks.

    `can_subset`: its checks are of several assets, which may be run without each other.
    """

    @dg.multi_asset_check(
        name=name, specs=[check.spec() for group in groups for check in group.checks], can_subset=can_subset
    )
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        days = run_days(context)
        chosen = {(key.asset_key, key.name) for key in context.selected_asset_check_keys}
        for group in groups:
            for result in group.judge(days):
                if (result.asset_key, result.check_name) in chosen:
                    yield result

    return check


def run_days(context: dg.AssetCheckExecutionContext) -> list[date] | None:
    """Days of the run that the check belongs to; None: all."""
    tags = context.run.tags
    first = tags.get(FIRST_DAY, tags.get("dagster/partition"))
    last = tags.get(LAST_DAY, first)
    if first is None or last is None:
        return None
    start, end = partition_days([first, last])
    return [date.fromordinal(n) for n in range(start.toordinal(), end.toordinal() + 1)]
