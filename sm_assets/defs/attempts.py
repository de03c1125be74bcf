"""Runs over days that did not succeed, as the records of runs tell it.

Here: which failed or cancelled refreshes still matter, and over which days; why a run failed. Not here: what is done
about them (`landing_sensor`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import dagster as dg
from dagster import DagsterEventType, DagsterInstance, DagsterRunStatus

from sm_assets.contracts import TABLES
from sm_assets.defs.jobs import FIRST_DAY, INTAKES, LAST_DAY, REFRESH_DAYS, WHOLE_CHAIN
from sm_assets.sources.taken import spans
from sm_assets.storage import day_range

FAILED = (DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)
_LOOKED_AT = 50
_LONGEST = 500
# What a refresh makes: a run over fewer tables leaves days half made.
_ALL = frozenset(dg.AssetKey(table.name) for table in TABLES.values() if table.partition == "event")


@dataclass(frozen=True, slots=True)
class Attempt:
    """A run over days that the sensor or a schedule asked for and that did not succeed.

    Attributes:
        days: those that files still speak of and that no later run was over.
        intakes: lake and number of the last intake of each source, when it was asked for.
        created_at: seconds since 1970.
    """

    run_id: str
    was_cancelled: bool
    first: date
    last: date
    days: frozenset[date]
    intakes: Mapping[str, str]
    created_at: float

    def in_words(self) -> str:
        """What became of it."""
        return f"Run {self.run_id} over {spans(self.days)} {'was cancelled' if self.was_cancelled else 'failed'}"


def failed_attempts(instance: DagsterInstance, can_run: Collection[date]) -> list[Attempt]:
    """Runs over days that failed, newest first, without those whose days that `can_run` later runs were over.

    A person who starts a run sees what becomes of it; only runs that were asked for by themselves count.
    """
    asked = instance.get_run_records(dg.RunsFilter(job_name=REFRESH_DAYS), limit=_LOOKED_AT)
    failed = [r for r in asked if r.dagster_run.status in FAILED and INTAKES in r.dagster_run.tags]
    if not failed:
        return []
    done = instance.get_run_records(
        dg.RunsFilter(statuses=[DagsterRunStatus.SUCCESS], created_after=failed[-1].create_timestamp), limit=1000
    )
    # By their place in the records: two of one tick may have the same time.
    later = [(r.storage_id, days_of(r.dagster_run)) for r in (*failed, *done) if _goes_as_far(r.dagster_run)]
    found = []
    for record in failed:
        run = record.dagster_run
        days = days_of(run).intersection(can_run)
        days = days.difference(*(others for place, others in later if place > record.storage_id))
        if days:
            first, last = date.fromisoformat(run.tags[FIRST_DAY]), date.fromisoformat(run.tags[LAST_DAY])
            cancelled, intakes = run.status is DagsterRunStatus.CANCELED, json.loads(run.tags[INTAKES])
            created = record.create_timestamp.timestamp()
            found.append(Attempt(run.run_id, cancelled, first, last, days, intakes, created))
    return found


def days_of(run: dg.DagsterRun) -> frozenset[date]:
    """Days that a run is over; empty where it is over none."""
    only = run.tags.get("dagster/partition", "")
    try:
        first, last = (date.fromisoformat(run.tags.get(tag, only)) for tag in (FIRST_DAY, LAST_DAY))
    except ValueError:
        return frozenset()
    return frozenset(day_range(first, last))


def _goes_as_far(run: dg.DagsterRun) -> bool:
    """Whether a run over days makes all that a refresh makes, be it ours, made again, or somebody's."""
    if run.asset_selection:
        return run.asset_selection >= _ALL
    return run.job_name in (REFRESH_DAYS, WHOLE_CHAIN)


def has_failed_step(instance: DagsterInstance, run_id: str) -> bool:
    """Whether a step failed by itself, rather than that the run was killed around it."""
    return bool(instance.all_logs(run_id, of_type=DagsterEventType.STEP_FAILURE))


def why(instance: DagsterInstance, run_id: str) -> str:
    """The error of the first step that failed, one line with a full stop; empty if none is known."""
    for message in _errors(instance, run_id):
        text = " ".join(message.split())
        text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
        return text if text.endswith(".") else f"{text}."
    return ""


def _errors(instance: DagsterInstance, run_id: str) -> Iterator[str]:
    for entry in instance.all_logs(run_id, of_type=DagsterEventType.STEP_FAILURE):
        event = entry.dagster_event
        error = event.step_failure_data.error if event else None
        while error and error.cause:
            error = error.cause
        if error:
            # Dagster writes the class in front.
            head, _, rest = error.message.partition(": ")
            yield rest if rest and " " not in head else error.message
