"""The landing sensor: files that came become one run that takes them in, and days that they changed become range runs.

Here: when it asks for a run, and what it says when it does not. Not here: what lies under landing/
(`sources.arrivals`), which days wait (`sources.pending`), the runs (`jobs`, `take_in_landing`).

What waits stands in the lake, which runs there were in Dagster's own records: a tick needs no memory but when a folder
came to rest. So a restart at any point neither loses a day nor asks for it twice.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg
from dagster import DagsterInstance, DagsterRunStatus

from sm_assets.defs.day_ranges import day_ranges
from sm_assets.defs.jobs import (
    ASKED_BY,
    FIRST_DAY,
    INTAKES,
    LAST_DAY,
    REFRESH_DAYS,
    WHOLE_CHAIN,
    range_tags,
    refresh_days,
)
from sm_assets.defs.partitions import daily, partition_days
from sm_assets.defs.take_in_landing import TAKE_IN_FILES, TAKE_IN_LANDING, take_in_job
from sm_assets.errors import LandingError
from sm_assets.sources import SOURCES
from sm_assets.sources.arrivals import Listing, listing
from sm_assets.sources.landing import check_root
from sm_assets.sources.pending import Waiting, waiting
from sm_assets.sources.taken import spans
from sm_assets.storage import Lake, day_range

NAME = "landing"
SECONDS = 30
# A folder rests if nothing in it changed for so long, nor since the last tick.
QUIET = 10
# A folder that never rests is taken in as it stands, once in so many seconds.
PATIENCE = 3600
_UNFINISHED = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
_FAILED = (DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)
_CORE = dg.AssetKey("core_accounts")
_LOOKED_AT = 50
_NAMED = 3


def landing_sensor(lake: Lake, clock: Callable[[], float] = time.time) -> dg.SensorDefinition:
    """The sensor over one lake; `clock` tells seconds since 1970."""

    @dg.sensor(
        name=NAME,
        jobs=[take_in_job(lake), refresh_days],
        minimum_interval_seconds=SECONDS,
        description="Takes in what is new under landing/ once it has come to rest, then refreshes the days that it "
        "changed: a run each, however many files came together.",
    )
    def landing(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        partitions = partition_days(list(daily(lake.settings).get_partition_keys()))
        now = clock()
        waits = waiting(lake, partitions[0], partitions[-1])
        folders = _folders(lake, waits, json.loads(context.cursor or "{}"), now)
        cursor = json.dumps({name: folder.memory for name, folder in folders.items()}, sort_keys=True)
        decided = _decide(lake, context.instance, waits, folders)
        if isinstance(decided, str):
            return dg.SensorResult(skip_reason=decided, cursor=cursor)
        for request in decided:
            context.log.info("asks for %s", request.run_key)
            for name in json.loads(request.tags.get(_TAKEN, "[]")):
                folders[name].memory["asked_at"] = now
        cursor = json.dumps({name: folder.memory for name, folder in folders.items()}, sort_keys=True)
        return dg.SensorResult(run_requests=decided, cursor=cursor)

    return landing


_TAKEN = "sm_assets/sources"


@dataclass(frozen=True, slots=True)
class _Folder:
    """landing/<source>/ at this tick.

    Attributes:
        is_news: whether it differs from what was taken in.
        moves: why it is not at rest; empty where it is.
        is_overdue: whether it is not waited for any longer.
        memory: for the next tick.
    """

    listing: Listing
    is_news: bool
    moves: str
    is_overdue: bool
    memory: dict[str, Any]

    @property
    def is_waited_for(self) -> bool:
        return bool(self.moves) and not self.is_overdue


def _folders(lake: Lake, waits: Waiting, before: Mapping[str, Any], now: float) -> dict[str, _Folder]:
    found = {}
    for name in SOURCES:
        there = listing(lake, name, now)
        taken = waits.listings.get(name)
        is_news = there.digest != taken and (taken is not None or bool(there.paths))
        known = before.get(name, {})
        moves = ""
        if is_news and now - there.changed_at < QUIET:
            moves = f"{there.last_changed} changed {max(0, int(now - there.changed_at))} seconds ago"
        elif is_news and known.get("seen") != there.digest:
            moves = f"landing/{name}/ is not as it was at the last tick"
        memory = {"seen": there.digest} | {key: known[key] for key in ("asked_at", "moving_since") if key in known}
        if moves:
            memory.setdefault("moving_since", now)
        else:
            memory.pop("moving_since", None)
        waited = now - max(memory.get("moving_since", now), memory.get("asked_at", 0))
        found[name] = _Folder(there, is_news, moves, is_overdue=waited >= PATIENCE, memory=memory)
    return found


def _decide(
    lake: Lake, instance: DagsterInstance, waits: Waiting, folders: Mapping[str, _Folder]
) -> list[dg.RunRequest] | str:
    """Runs to ask for, or why none is."""
    try:
        check_root(lake)
    except LandingError as error:
        return f"{error} Until then no run would succeed."
    for job in (TAKE_IN_LANDING, REFRESH_DAYS, WHOLE_CHAIN):
        for run in instance.get_runs(filters=dg.RunsFilter(job_name=job, statuses=_UNFINISHED), limit=1):
            return f"Run {run.run_id} of {job} is under way; what waits is asked for when it has ended."
    ready = {name: folder for name, folder in folders.items() if folder.is_news and not folder.is_waited_for}
    if ready:
        return _take_in(instance, waits, ready)
    moving = [folder.moves for folder in folders.values() if folder.is_waited_for]
    if moving:
        waited_for = f"; then days that wait are refreshed: {spans(waits.days)}" if waits.days else ""
        return f"{moving[0]}; it is taken in when it has come to rest{waited_for}."
    return _refresh(lake, instance, waits)


def _take_in(instance: DagsterInstance, waits: Waiting, ready: Mapping[str, _Folder]) -> list[dg.RunRequest] | str:
    digests = {name: folder.listing.digest for name, folder in ready.items()}
    # What lies there may become again what it was: the intakes since tell the one time from the other.
    key = f"{TAKE_IN_LANDING} {_digest([digests, sum(waits.intakes.values())])}"
    for run in instance.get_runs(
        filters=dg.RunsFilter(job_name=TAKE_IN_LANDING, tags={"dagster/run_key": key}), limit=1
    ):
        if run.status in _FAILED:
            return (
                f"Run {run.run_id} could not take in {_changes(waits, ready)}: its page says why. Nothing is refreshed "
                "until it can, for that run would fail too. Mend what it names under landing/, and it is tried again; "
                "or re-execute the run."
            )
    return [
        dg.RunRequest(
            run_key=key,
            job_name=TAKE_IN_LANDING,
            run_config={"ops": {TAKE_IN_FILES: {"config": {"sources": sorted(ready)}}}},
            tags={ASKED_BY: NAME, _TAKEN: json.dumps(sorted(ready))},
        )
    ]


def _changes(waits: Waiting, ready: Mapping[str, _Folder]) -> str:
    """What is new under landing/, in words."""
    parts = []
    for name, folder in ready.items():
        known = waits.known.get(name, frozenset())
        new, gone = sorted(folder.listing.paths - known), sorted(known - folder.listing.paths)
        for files, word in ((new, "new"), (gone, "gone")):
            if files:
                parts.append(f"{len(files)} {word} ({', '.join(files[:_NAMED])}{', ...' * (len(files) > _NAMED)})")
        if not new and not gone:
            parts.append(f"changes in landing/{name}/")
    return ", ".join(parts)


# ------------------------------------------------------------------------------------------------------- refreshing


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A run over days that the sensor asked for and that did not succeed, nor did another since."""

    run_id: str
    how: str
    first: date
    last: date
    intakes: Mapping[str, int]

    def had(self, day: date, numbers: Mapping[str, int]) -> bool:
        """Whether what waits for a day waited for it already when this run was asked for."""
        return self.first <= day <= self.last and all(n <= self.intakes.get(name, 0) for name, n in numbers.items())

    @property
    def days(self) -> list[date]:
        return day_range(self.first, self.last)


def _refresh(lake: Lake, instance: DagsterInstance, waits: Waiting) -> list[dg.RunRequest] | str:
    failed = _failed_attempts(instance)
    fresh = {day for day, numbers in waits.days.items() if not any(a.had(day, numbers) for a in failed)}
    if not fresh:
        return _why_nothing(waits, failed)
    # What failed is tried again beside what is new, in runs of its own: it must not take the new days down with it.
    joined = [a for a in failed if any(a.first <= day <= a.last for day in fresh)]
    alone = [a for a in failed if a not in joined]
    vanished = waits.vanished_days
    new = fresh.union(*(waits.covered.intersection(a.days) for a in joined))
    barred = vanished.union(*(a.days for a in alone)) - new
    ranges = [(*each, joined) for each in day_ranges(new, lake.settings.window_days, barred | vanished)]
    for attempt in alone:
        days = waits.covered.intersection(attempt.days)
        ranges += [(*each, [attempt]) for each in day_ranges(days, len(attempt.days) + 1, vanished)]
    return [_request(waits, *each) for each in sorted(ranges, key=lambda each: each[:2])]


def _request(waits: Waiting, first: date, last: date, retried: Sequence[_Attempt]) -> dg.RunRequest:
    items = [[str(day), numbers] for day, numbers in waits.days.items() if first <= day <= last]
    ids = sorted(attempt.run_id for attempt in retried)
    return dg.RunRequest(
        run_key=f"{REFRESH_DAYS} {first} to {last} {_digest([items, ids])}",
        job_name=REFRESH_DAYS,
        tags=range_tags(first, last, NAME, waits.intakes),
    )


def _failed_attempts(instance: DagsterInstance) -> list[_Attempt]:
    """Runs of this sensor over days that did not succeed, without those whose days a later run has covered."""
    asked = instance.get_run_records(dg.RunsFilter(job_name=REFRESH_DAYS, tags={ASKED_BY: NAME}), limit=_LOOKED_AT)
    failed = [record for record in asked if record.dagster_run.status in _FAILED]
    if not failed:
        return []
    done = instance.get_run_records(
        dg.RunsFilter(statuses=[DagsterRunStatus.SUCCESS], created_after=failed[-1].create_timestamp), limit=1000
    )
    # By their place in the records: two of one tick may have the same time.
    later = [(r.storage_id, *_days(r.dagster_run.tags)) for r in (*asked, *done) if _makes_core(r.dagster_run)]
    found = []
    for record in failed:
        run = record.dagster_run
        first, last = _days(run.tags)
        if any(place > record.storage_id and begins <= first and last <= ends for place, begins, ends in later):
            continue
        how = "was cancelled" if run.status is DagsterRunStatus.CANCELED else "failed"
        found.append(_Attempt(run.run_id, how, first, last, json.loads(run.tags.get(INTAKES, "{}"))))
    return found


def _makes_core(run: dg.DagsterRun) -> bool:
    """Whether a run over days goes as far as ours do, be it ours, made again, or somebody's."""
    if FIRST_DAY not in run.tags and "dagster/partition" not in run.tags:
        return False
    if run.job_name == REFRESH_DAYS and run.tags.get(ASKED_BY) == NAME:
        return True
    if run.asset_selection is not None:
        return _CORE in run.asset_selection
    return run.job_name in (REFRESH_DAYS, WHOLE_CHAIN)


def _days(tags: Mapping[str, str]) -> tuple[date, date]:
    only = tags.get("dagster/partition", "")
    return date.fromisoformat(tags.get(FIRST_DAY, only)), date.fromisoformat(tags.get(LAST_DAY, only))


def _why_nothing(waits: Waiting, failed: Iterable[_Attempt]) -> str:
    said = [
        f"Run {a.run_id} over {spans(a.days)} {a.how}: mend what its page names and re-execute it there, or "
        "materialise these days; otherwise it is tried again when other files come."
        for a in failed
    ]
    said += [f"{text}." for text in waits.vanished_in_words()]
    if not said:
        said.append("Nothing under landing/ has changed since it was taken in, and no day waits.")
    if waits.set_aside:
        path, why = next(iter(sorted(waits.set_aside.items())))
        others = f" and {len(waits.set_aside) - 1} more" if len(waits.set_aside) > 1 else ""
        said.append(f"Set aside: {path}{others} ({why.rstrip('.')}).")
    return " ".join(said)


def _digest(value: Any) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=8).hexdigest()
