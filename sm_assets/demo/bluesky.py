"""The demo world as captures of Bluesky's Jetstream would have it, and captures of any size for benchmarks.

Here: the files (a file a day, one day in folders of hours, one compressed, the last in frames of version 2) and what
goes wrong in captures: events delivered twice, a broken line, a blank one. Not here: what happens (`firehose`).
"""

from __future__ import annotations

import gzip
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Final

from sm_assets.demo.crossposts import Crosspost
from sm_assets.demo.draws import Draws
from sm_assets.demo.files import whole, write_lines
from sm_assets.demo.firehose import DEMO, FIREHOSE, HOUR, SECOND, Firehose, Planned
from sm_assets.demo.ids import micros
from sm_assets.demo.jetstream import LinesV2
from sm_assets.demo.residents import Residents
from sm_assets.demo.rhythm import MONDAY_TO_SUNDAY, shared_out, thinned
from sm_assets.errors import OptionError

_BROKEN_DAY: Final = 4
_FOLDER_DAY: Final = 8
_PACKED_DAY: Final = 20
_TWICE: Final = 0.003
_FIRST_DAY: Final = datetime(2024, 2, 12, tzinfo=UTC)
# Profiles and handles are seen when they change; a capture that begins sees most of them early.
_INTRODUCED_WITHIN_HOURS: Final = (1, 4, 10, 20, 34, 60, 120, 600)


def write_bluesky(
    folder: Path, seed: int, start: datetime, days: int, residents: Residents, pushed: Sequence[Crosspost], events: int
) -> list[Path]:
    """Write the capture of all days below `folder`, about `events` lines in all; returns the files.

    As many as half of the events are planned ones: profiles, bots, and what networks push here.
    """
    plan = thinned(_plan(seed, start, days, residents, pushed), max(1, events // 2)) if events else []
    low = micros(start)
    live = Firehose(seed, residents, DEMO, low, low + 24 * days * HOUR)
    weights = [
        MONDAY_TO_SUNDAY[(start + timedelta(hours=hour)).weekday()] * live.weight(hour % 24)
        for hour in range(24 * days)
    ]
    sizes = shared_out(events - len(plan), weights)
    bounds = [bisect_left(plan, low + hour * HOUR, key=lambda planned: planned.at) for hour in range(24 * days + 1)]
    draws = Draws(seed, "capture")

    def lines(hour: int) -> Iterator[str]:
        told = _delivered(draws, live.hour(low + hour * HOUR, sizes[hour], plan[bounds[hour] : bounds[hour + 1]]))
        return _damaged(told) if hour == 24 * _BROKEN_DAY + 11 else told

    files: list[Path] = []
    for day in range(days):
        date = start + timedelta(days=day)
        hours = range(24 * day, 24 * (day + 1))
        if day == days - 1:
            live.lines = LinesV2(first=9_000_000)
        if day == _FOLDER_DAY:
            for hour in hours:
                files += write_lines(folder / f"{date:%d}" / f"{hour % 24:02d}" / "part-0", lines(hour))
            continue
        name = f"{date:%Y-%m-%d}.jsonl"
        told = chain.from_iterable(map(lines, hours))
        packed = day == _PACKED_DAY
        files += write_lines(folder / (f"{name}.gz" if packed else name), told, packed=packed)
    return files


def write_jetstream(path: Path, events: int, seed: int = 7, *, days: int = 1) -> None:
    """Write a firehose of exactly `events` events in version 1, in the order of time, and nothing else.

    About 70 % likes, 10 % reposts, 10 % posts (replies and quotes among them), 6 % follows, 3 % deletes, 1 % profiles,
    identities and accounts, by one account for every 40 events (40 to 60,000). Nothing is damaged and nothing twice.

    Args:
        path: the file; with `.gz` at its end it is compressed.
        events: 1 or more.
        seed: names the firehose.
        days: over which it is spread, from 2024-02-12 on.

    Raises:
        OptionError: no events or no days.
    """
    if events < 1 or days < 1:
        raise OptionError(f"a firehose needs 1 event and 1 day at least; found {events} and {days}.")
    residents = Residents(seed, [], min(60_000, max(40, events // 40)))
    start = micros(_FIRST_DAY)
    live = Firehose(seed, residents, FIREHOSE, start, start + 24 * days * HOUR)
    sizes = shared_out(events, [live.weight(hour) for _ in range(days) for hour in range(24)])
    with whole(path) as aside:
        packed = path.suffix == ".gz"
        with gzip.GzipFile(aside, "wb", 6, mtime=0) if packed else aside.open("wb", 1 << 20) as file:
            for hour, size in enumerate(sizes):
                for line in live.hour(start + hour * HOUR, size):
                    file.write(line.encode() + b"\n")


def _plan(seed: int, start: datetime, days: int, residents: Residents, pushed: Sequence[Crosspost]) -> list[Planned]:
    """What happens at a given moment, by time."""
    low, end = micros(start), micros(start + timedelta(days=days))
    plan: list[Planned] = []
    cast = residents.on("bluesky")
    for resident in cast:
        draws = Draws(seed, "introduced", resident.actor)
        at = low + int(draws.quantile(_INTRODUCED_WITHIN_HOURS) * HOUR)
        plan.append(Planned(at, resident.actor, "profile"))
        if draws.chance(0.7):
            plan.append(Planned(at + draws.below(HOUR), resident.actor, "identity"))
        if resident.nature == "bot":
            # The second within the hour is the operator's: its bots keep one schedule, in turns.
            first = low + draws.below(resident.hours) * HOUR + (resident.operator or 0) % 60 * 60 * SECOND
            plan += [
                Planned(first + number * resident.hours * HOUR + draws.below(2 * SECOND), resident.actor, "bot")
                for number in range((days * 24 - 1) // resident.hours)
            ]
    plan += [
        Planned(
            micros(push.at), push.resident.actor, "push", push.text, push.url, push.title, push.summary, push.image_text
        )
        for push in pushed
    ]
    # Three leave in the last minute; two are away for a day.
    readers = [r for r in cast if r.nature == "person" and r.kind == "organic" and not r.influence][-5:]
    for turn, resident in enumerate(readers if len(cast) > 50 else []):
        if turn < 3:
            plan.append(
                Planned(end - 60 * SECOND + turn, resident.actor, "account", ("deleted", "takendown")[turn // 2])
            )
        else:
            away = low + (12 + turn) * 24 * HOUR
            plan.append(Planned(away, resident.actor, "account", "deactivated"))
            plan.append(Planned(away + 24 * HOUR, resident.actor, "account"))
    return sorted((planned for planned in plan if planned.at < end), key=lambda p: (p.at, p.who, p.what))


def _delivered(draws: Draws, lines: Iterable[str]) -> Iterator[str]:
    """Delivery is at least once: some lines come again, after the next one."""
    again = ""
    for line in lines:
        yield line
        if again:
            yield again
        again = line if draws.chance(_TWICE) else ""
    if again:
        yield again


def _damaged(lines: Iterable[str]) -> Iterator[str]:
    """In the middle of a file a line that breaks off, and a blank one."""
    for number, line in enumerate(lines):
        yield line
        if number == 0:
            yield line[: len(line) * 2 // 3]
            yield ""
