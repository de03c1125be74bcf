"""Schedules: what runs by the clock. All are off until somebody switches them on.

Here: cron lines and which days a tick asks for. Not here: what the jobs do (`jobs`), arrivals of files
(`landing_sensor`).
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from sm_assets.contracts import TABLES
from sm_assets.defs.day_ranges import day_ranges
from sm_assets.defs.jobs import ASKED_BY, make_snapshots, range_tags, rebuild_follows, refresh_days
from sm_assets.defs.partitions import first_and_last_day
from sm_assets.defs.take_in_landing import TAKE_IN_FILES, take_in_job
from sm_assets.defs.withdrawn_follows import days_with_withdrawn_follows
from sm_assets.errors import LandingError, SettingsError
from sm_assets.sources import SOURCES
from sm_assets.sources.arrivals import listing
from sm_assets.sources.landing import check_root
from sm_assets.sources.pending import waiting
from sm_assets.sources.taken import spans
from sm_assets.storage import Lake, day_range

MOST_MISSED_DAYS = 31
MOST_MISSED_WEEKS = 4
_DAY = timedelta(days=1)
_WHOLE = "core_accounts"


def _utc_now() -> datetime:
    return datetime.now(UTC)


def all_schedules(lake: Lake, clock: Callable[[], datetime] = _utc_now) -> list[dg.ScheduleDefinition]:
    """Every schedule over one lake; `clock` tells the time of a tick's evaluation, which may be long after its hour."""
    return [
        _daily_intake(lake, clock),
        _daily_refresh(lake, clock),
        _weekly_snapshot(lake, clock),
        _rebuild_withdrawn_follows(lake, clock),
    ]


def _daily_intake(lake: Lake, clock: Callable[[], datetime]) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="daily_intake",
        job=take_in_job(lake),
        cron_schedule="30 2 * * *",
        execution_timezone="UTC",
        description="Takes in what is new under landing/, so that daily_refresh knows its days.",
    )
    def daily_intake(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        tick = context.scheduled_execution_time
        late = _is_superseded(tick, clock(), _DAY)
        if late:
            return late
        try:
            check_root(lake)
            waits = waiting(lake, *first_and_last_day(lake.settings))
            listings = {name: listing(lake, name) for name in SOURCES}
        except (LandingError, SettingsError) as error:
            return dg.SkipReason(str(error))
        missing = waits.missing(listings)
        if missing:
            return dg.SkipReason(missing)
        news = [name for name, there in listings.items() if waits.is_news(lake, name, there)]
        if not news:
            return dg.SkipReason("Nothing under landing/ has changed since it was taken in.")
        return dg.RunRequest(
            run_key=f"daily_intake {tick:%Y-%m-%d}",
            run_config={"ops": {TAKE_IN_FILES: {"config": {"sources": sorted(news)}}}},
            tags={ASKED_BY: "daily_intake"},
        )

    return daily_intake


def _daily_refresh(lake: Lake, clock: Callable[[], datetime]) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="daily_refresh",
        job=refresh_days,
        cron_schedule="30 3 * * *",
        execution_timezone="UTC",
        description=f"Yesterday, those of the {MOST_MISSED_DAYS} days up to it that were missed, and all that wait.",
    )
    def daily_refresh(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        tick = context.scheduled_execution_time
        late = _is_superseded(tick, clock(), _DAY)
        if late:
            return late
        yesterday = tick.astimezone(UTC).date() - _DAY
        oldest = yesterday - (MOST_MISSED_DAYS - 1) * _DAY
        try:
            first, last = first_and_last_day(lake.settings)
            waits = waiting(lake, first, last)
            listings = {name: listing(lake, name) for name in SOURCES}
        except (LandingError, SettingsError) as error:
            return dg.SkipReason(str(error))
        missing = waits.missing(listings)
        if missing:
            return dg.SkipReason(missing)
        untaken = [name for name, there in listings.items() if waits.is_news(lake, name, there)]
        published = set(lake.days(_WHOLE))
        # A day that was missed may lie before one that was made.
        wanted = {*day_range(max(oldest, first), yesterday)} - published | {yesterday}
        # A run over days that no file speaks of has nothing to publish.
        days = (wanted & waits.covered) | waits.days.keys()
        ranges = day_ranges(days, MOST_MISSED_DAYS, waits.vanished_days)
        if not ranges:
            said = [f"No file that was taken in brings anything for {spans(wanted)}, and no day waits."]
            if untaken:
                places = ", ".join(f"landing/{name}/" for name in untaken)
                said.append(
                    f"What is new under {places} was not taken in yet: switch on the schedule daily_intake or "
                    "the sensor landing, or start the job take_in_landing."
                )
            if waits.vanished_days & wanted:
                said += [f"{text}." for text in waits.vanished_in_words()]
            return dg.SkipReason(" ".join(said))
        return [
            dg.RunRequest(
                run_key=f"daily_refresh {tick:%Y-%m-%d} {begins} to {ends}",
                tags=range_tags(begins, ends, "daily_refresh", waits.intakes),
            )
            for begins, ends in ranges
        ]

    return daily_refresh


def _weekly_snapshot(lake: Lake, clock: Callable[[], datetime]) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="weekly_snapshot",
        job=make_snapshots,
        cron_schedule="0 5 * * 1",
        execution_timezone="UTC",
        description="A snapshot as of Sunday, and as of the Sundays before it that have data and no snapshot "
        f"({MOST_MISSED_WEEKS} in all).",
    )
    def weekly_snapshot(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        tick = context.scheduled_execution_time
        late = _is_superseded(tick, clock(), 7 * _DAY)
        if late:
            return late
        today = tick.astimezone(UTC).date()
        sunday = today - timedelta(days=today.isoweekday())
        published, made = lake.days(_WHOLE), _snapshots_made(lake)
        asked = []
        for week in reversed(range(MOST_MISSED_WEEKS)):
            as_of = sunday - 7 * week * _DAY
            opens = as_of - (lake.settings.window_days - 1) * _DAY
            # Of a day after the newest there is no snapshot: its window would have its end missing.
            has_data = any(opens <= day <= as_of for day in published) and published[-1] >= as_of
            if has_data and as_of >= lake.settings.start_day and (as_of == sunday or as_of not in made):
                asked.append(as_of)
        if not asked:
            known = f"core tables end on {published[-1]}" if published else "core tables have no day yet"
            return dg.SkipReason(
                f"Nothing to make as of {sunday}: {known}. Refresh its days first (job refresh_days, schedule "
                "daily_refresh or sensor landing)."
            )
        return [
            dg.RunRequest(
                run_key=f"weekly_snapshot {tick:%Y-%m-%d} {as_of}",
                tags=range_tags(as_of, as_of, "weekly_snapshot"),
            )
            for as_of in asked
        ]

    return weekly_snapshot


def _rebuild_withdrawn_follows(lake: Lake, clock: Callable[[], datetime]) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="rebuild_withdrawn_follows",
        job=rebuild_follows,
        cron_schedule="0 3 * * 0",
        execution_timezone="UTC",
        description="Days whose follow keys or sketches still hold follows that were withdrawn.",
    )
    def rebuild_withdrawn_follows(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        tick = context.scheduled_execution_time
        late = _is_superseded(tick, clock(), 7 * _DAY)
        if late:
            return late
        days = days_with_withdrawn_follows(lake)
        if not days:
            return dg.SkipReason("No follow that was withdrawn stands in keys or sketches.")
        return [
            dg.RunRequest(
                run_key=f"rebuild_withdrawn_follows {tick:%Y-%m-%d} {first} to {last}",
                tags=range_tags(first, last, "rebuild_withdrawn_follows"),
            )
            for first, last in day_ranges(days, lake.settings.window_days)
        ]

    return rebuild_withdrawn_follows


def _is_superseded(tick: datetime, now: datetime, rhythm: timedelta) -> dg.SkipReason | None:
    """After a pause the daemon makes up for ticks; the last of them asks for all that the others would."""
    if now - tick < rhythm:
        return None
    return dg.SkipReason(f"The tick of {tick:%Y-%m-%d %H:%M} UTC comes late; a later one asks for its days too.")


def _snapshots_made(lake: Lake) -> set[date]:
    """As-of days that every snapshot table has, those left out that have none at all: half a snapshot is none."""
    tables = [set(lake.days(table.name)) for table in TABLES.values() if table.partition == "as_of"]
    return set.intersection(*(days for days in tables if days)) if any(tables) else set()
