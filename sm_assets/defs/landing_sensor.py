"""The landing sensor: files that came become one run that takes them in, and days that they changed become range runs.

Here: when it asks for a run, and what it says when it does not. Not here: what lies under landing/
(`sources.arrivals`), which days wait (`sources.pending`), the runs (`jobs`, `take_in_landing`).

What waits stands in the lake, which runs there were in Dagster's own records: a tick needs no memory but when a folder
came to rest. So a restart at any point neither loses a day nor asks for it twice.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg
from dagster import DagsterInstance, DagsterRunStatus

from sm_assets.defs.attempts import FAILED, Attempt, failed_attempts, has_failed_step, why
from sm_assets.defs.day_ranges import day_ranges
from sm_assets.defs.jobs import ASKED_BY, REFRESH_DAYS, WHOLE_CHAIN, range_tags, refresh_days
from sm_assets.defs.partitions import first_and_last_day
from sm_assets.defs.take_in_landing import TAKE_IN_FILES, TAKE_IN_LANDING, take_in_job
from sm_assets.errors import LandingError, SettingsError
from sm_assets.sources import SOURCES
from sm_assets.sources.arrivals import Listing, listing
from sm_assets.sources.convert import reading
from sm_assets.sources.landing import check_root
from sm_assets.sources.pending import Waiting, waiting
from sm_assets.sources.taken import spans
from sm_assets.storage import Lake

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
_NAMED = 3
_TRIES = 3
_KILLED = "it was ended twice before it was done."


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
        now = clock()
        try:
            check_root(lake)
            waits = waiting(lake, *first_and_last_day(lake.settings))
            folders = _folders(lake, waits, _remembered(context.cursor), now)
        except (LandingError, SettingsError) as error:
            return dg.SensorResult(skip_reason=f"{error} Until then no run would succeed.", cursor=context.cursor)
        cursor = json.dumps({name: folder.memory for name, folder in folders.items()}, sort_keys=True)
        decided = _decide(lake, context.instance, waits, folders, now)
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
        """Whether it is not taken in yet."""
        return bool(self.moves) and not self.is_overdue

    def holds_back(self, now: float) -> bool:
        """Whether other runs wait for it too; for one that never rests they do not."""
        return self.is_waited_for and now - self.memory["moving_since"] < PATIENCE


def _remembered(cursor: str | None) -> dict[str, dict[str, Any]]:
    """What the last tick left; nothing where somebody wrote something else into it."""
    try:
        found = json.loads(cursor or "{}")
    except ValueError:
        return {}
    folders = found.items() if isinstance(found, dict) else ()
    return {
        name: memory
        for name, memory in folders
        if isinstance(memory, dict)
        and all(isinstance(memory.get(key, 0), int | float) for key in ("asked_at", "moving_since"))
    }


def _folders(lake: Lake, waits: Waiting, before: Mapping[str, Any], now: float) -> dict[str, _Folder]:
    found = {}
    for name in SOURCES:
        there = listing(lake, name, now)
        is_news = waits.is_news(lake, name, there)
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
    lake: Lake, instance: DagsterInstance, waits: Waiting, folders: Mapping[str, _Folder], now: float
) -> list[dg.RunRequest] | str:
    """Runs to ask for, or why none is."""
    missing = waits.missing({name: folder.listing for name, folder in folders.items()})
    if missing:
        return missing
    for job in (TAKE_IN_LANDING, REFRESH_DAYS, WHOLE_CHAIN):
        for run in instance.get_runs(filters=dg.RunsFilter(job_name=job, statuses=_UNFINISHED), limit=1):
            return f"Run {run.run_id} of {job} is under way; what waits is asked for when it has ended."
    ready = {name: folder for name, folder in folders.items() if folder.is_news and not folder.is_waited_for}
    if ready:
        return _take_in(lake, instance, waits, ready)
    moving = [folder.moves for folder in folders.values() if folder.holds_back(now)]
    if moving:
        waited_for = f"; then days that wait are refreshed: {spans(waits.days)}" if waits.days else ""
        return f"{moving[0]}; it is taken in when it has come to rest{waited_for}."
    return _refresh(lake, instance, waits, folders, now)


def _stopped_by_itself(instance: DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether a step failed, rather than that somebody or something ended the run."""
    return run.status is DagsterRunStatus.FAILURE and has_failed_step(instance, run.run_id)


def _take_in(
    lake: Lake, instance: DagsterInstance, waits: Waiting, ready: Mapping[str, _Folder]
) -> list[dg.RunRequest] | str:
    digests = {name: [folder.listing.digest, reading(lake, SOURCES[name])] for name, folder in ready.items()}
    # What lies there may become again what it was: the intakes since tell the one time from the other.
    key = f"{TAKE_IN_LANDING} {_digest([digests, waits.intakes])}"
    for tries in range(_TRIES + 1):
        found = instance.get_runs(dg.RunsFilter(job_name=TAKE_IN_LANDING, tags={"dagster/run_key": key}), limit=1)
        if not found:
            break
        run = found[0]
        went_well = run.status not in FAILED
        if went_well and tries == _TRIES:
            return (
                f"Run {run.run_id} took files in, yet {_changes(waits, ready)} are still news: does it see another "
                "landing folder or lake than this process? Start the job take_in_landing by hand to try again."
            )
        if not went_well and (tries or _stopped_by_itself(instance, run)):
            return (
                f"Run {run.run_id} could not take in {_changes(waits, ready)}: {why(instance, run.run_id) or _KILLED} "
                "Nothing is refreshed until it can, for that run would fail too. Mend what it names, and it is tried "
                "again when something under landing/ changes; or re-execute the run."
            )
        # It was killed; or the lake was lost since, or all became again what it was: once more.
        key = f"{key.split(' after ', maxsplit=1)[0]} after {run.run_id}"
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


def _refresh(
    lake: Lake, instance: DagsterInstance, waits: Waiting, folders: Mapping[str, _Folder], now: float
) -> list[dg.RunRequest] | str:
    vanished = waits.vanished_days
    failed = failed_attempts(instance, waits.covered - vanished)
    is_restless = any(folder.moves for folder in folders.values())

    def is_tried(attempt: Attempt) -> bool:
        """Whether nothing came since; of a folder that never rests something always does."""
        return attempt.intakes == waits.intakes or (is_restless and now - attempt.created_at < PATIENCE)

    tried = [attempt for attempt in failed if is_tried(attempt)]
    fresh = set(waits.days).difference(*(attempt.days for attempt in tried))
    # What failed is tried again beside what is new, in runs of its own: it must not take the new days down with it.
    again = [attempt for attempt in failed if attempt not in tried]
    if not fresh and not again:
        return _why_nothing(waits, failed)
    joined = [a for a in again if any(a.first <= day <= a.last for day in waits.later_than(a.intakes))]
    alone = [a for a in again if a not in joined]
    new = fresh.difference(*(a.days for a in alone)).union(*(a.days for a in joined))
    barred = vanished.union(*(a.days for a in (*alone, *tried))) - new
    ranges = [(*each, joined) for each in day_ranges(new, lake.settings.window_days, barred)]
    for attempt in alone:
        longest = (attempt.last - attempt.first).days + 1
        ranges += [(*each, [attempt]) for each in day_ranges(attempt.days - new, longest, vanished | new)]
    return [_request(waits, *each) for each in sorted(ranges, key=lambda each: each[:2])]


def _request(waits: Waiting, first: date, last: date, retried: Sequence[Attempt]) -> dg.RunRequest:
    items = [[str(day), numbers] for day, numbers in waits.days.items() if first <= day <= last]
    ids = sorted(attempt.run_id for attempt in retried)
    lakes = sorted({mark.split("-")[0] for mark in waits.intakes.values()})
    return dg.RunRequest(
        run_key=f"{REFRESH_DAYS} {first} to {last} {_digest([lakes, items, ids])}",
        job_name=REFRESH_DAYS,
        tags=range_tags(first, last, NAME, waits.intakes),
    )


def _why_nothing(waits: Waiting, failed: Sequence[Attempt]) -> str:
    said = [
        f"{attempt.in_words()}: mend what its page names and re-execute it there, or materialise these days; otherwise "
        "it is tried again when other files come."
        for attempt in failed[:_NAMED]
    ]
    if len(failed) > _NAMED:
        said.append(f"So did {len(failed) - _NAMED} more runs.")
    said += [f"{text}." for text in waits.vanished_in_words(_NAMED)]
    if not said:
        said.append("Nothing under landing/ has changed since it was taken in, and no day waits.")
    if waits.set_aside:
        path, why_not = next(iter(sorted(waits.set_aside.items())))
        others = f" and {len(waits.set_aside) - 1} more" if len(waits.set_aside) > 1 else ""
        said.append(f"Set aside: {path}{others} ({why_not.rstrip('.')}).")
    return " ".join(said)


def _digest(value: Any) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=8).hexdigest()
