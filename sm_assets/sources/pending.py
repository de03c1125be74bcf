"""Days that landing files changed and that no run has published since; they stand on disk until one has.

Here: what an intake writes down, what a publication takes away, and all of it read back. Not here: which days a file
affects (`intake`), who asks for runs over them (`defs.landing_sensor`).

In lake/_ingest/<source>.json, beside what else an intake leaves there:

    intakes     how many intakes found something else than the one before
    pending     day -> the last intake that affected it
    vanished    day -> file -> why it no longer brings what it fed; a run over the day fails until somebody decides
    covered     first and last day of each stretch of days that files speak of
    listing     digest of what lay under landing/<source>/
    reading     digest of how it was read: versions of reader and converter, settings
    lake        drawn by lot at the first intake: a lake that was made anew is another
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sm_assets.sources import SOURCES, Source
from sm_assets.sources.arrivals import Listing
from sm_assets.sources.convert import reading
from sm_assets.sources.coverage import lost_days
from sm_assets.sources.taken import Intake, spans, stretches
from sm_assets.storage import Lake, day_range

_ASIDE = ("unknown", "unusable")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a run, over all sources.

    Attributes:
        days: day -> source -> the last intake that affected it, ascending; only days that a run can publish.
        vanished: source -> day -> file -> why it no longer brings what it fed.
        covered: days that at least one file speaks of.
        set_aside: file -> why it could not be used.
        listings: source -> digest of what was taken in.
        readings: source -> digest of how it was read.
        known: source -> files that were looked at.
        intakes: source -> lake and number of its last intake; where they are as they were, nothing came since.
    """

    days: Mapping[date, Mapping[str, int]]
    vanished: Mapping[str, Mapping[date, Mapping[str, str]]]
    covered: frozenset[date]
    set_aside: Mapping[str, str]
    listings: Mapping[str, str]
    readings: Mapping[str, str]
    known: Mapping[str, frozenset[str]]
    intakes: Mapping[str, str]

    def later_than(self, intakes: Mapping[str, str]) -> list[date]:
        """Days that an intake after these affected."""
        known = {name: int(mark.split("-")[1]) for name, mark in intakes.items() if self._is_of_lake(name, mark)}
        return [day for day, numbers in self.days.items() if any(n > known.get(name, 0) for name, n in numbers.items())]

    def _is_of_lake(self, source_name: str, mark: str) -> bool:
        return str(mark).split("-")[0] == self.intakes.get(source_name, "").split("-")[0]

    def is_news(self, lake: Lake, source_name: str, there: Listing) -> bool:
        """Whether an intake would find something else than the last: other files, or they are read otherwise."""
        taken = self.listings.get(source_name)
        if taken is None or taken != there.digest:
            return taken is not None or bool(there.paths)
        return bool(there.paths) and self.readings[source_name] != reading(lake, SOURCES[source_name])

    def missing(self, listings: Mapping[str, Listing]) -> str:
        """What seems not to be mounted, in a sentence; empty if nothing does."""
        gone = [name for name, there in listings.items() if self.known.get(name) and not there.is_there]
        files = sum(map(len, self.known.values()))
        if files and not any(there.paths for there in listings.values()):
            place = "landing/ holds no file"
        elif gone:
            files = sum(len(self.known[name]) for name in gone)
            place = f"landing/{gone[0]}/{f' and {len(gone) - 1} more' * (len(gone) > 1)} is not there"
        else:
            return ""
        return (
            f"{place}, yet {files} files of it were taken in: is it mounted? Nothing is taken in until it is back. If "
            "they are to be gone, start the job take_in_landing by hand."
        )

    @property
    def vanished_days(self) -> set[date]:
        """Days over which a run fails."""
        return {day for days in self.vanished.values() for day in days}

    def vanished_in_words(self, most: int = 3) -> list[str]:
        """A sentence for each file that no longer brings what it fed, without its full stop; of very many `most`."""
        fed: dict[tuple[str, str, str], list[date]] = {}
        for source, days in self.vanished.items():
            for day, files in days.items():
                for path, why in files.items():
                    fed.setdefault((path, why, source), []).append(day)
        said = [
            f"{path} fed {spans(days)}: {why}. Put it back as it was, or run refresh_days over these days with "
            f"accept_vanished: true for ingest_{source}, which drops its rows"
            for (path, why, source), days in sorted(fed.items())[:most]
        ]
        if len(fed) > most:
            said.append(f"And {len(fed) - most} more files like that, over all {spans(self.vanished_days)}")
        return said


def noted(lake: Lake, intake: Intake, last: Mapping[str, Any], suspects: Iterable[date]) -> dict[str, Any]:
    """What stands in the state of a source after an intake, without the number of the intake.

    Args:
        lake: where the raw tables lie.
        intake: with the number of this intake.
        last: state before; {} if there is none.
        suspects: days of files that are gone or are read otherwise.
    """
    affected = set(intake.affected)
    if "pending" not in last:
        # A state of an earlier version, or none: what is published tells what was not.
        published = set.intersection(*(set(lake.days(name)) for name in intake.source.raw_tables))
        affected |= intake.covered - published
    pending = dict(last.get("pending", {})) | {str(day): intake.number for day in affected}
    doubtful = {*suspects, *map(date.fromisoformat, last.get("vanished", ()))}
    vanished: dict[str, dict[str, str]] = {}
    for (path, why), days in lost_days(lake, intake, sorted(doubtful)).items() if doubtful else ():
        for day in days:
            vanished.setdefault(str(day), {})[path] = why
    covered = [[str(stretch[0]), str(stretch[-1])] for stretch in stretches(intake.covered)]
    return {"pending": pending, "vanished": vanished, "covered": covered}


def take_away(lake: Lake, source: Source, days: Iterable[date], number: int) -> None:
    """Publication of `days` as intake `number` left them: what later intakes affected goes on waiting."""
    done = {str(day) for day in days}
    with lake.locked("ingest"):
        state = read_state(lake, source.name)
        pending = {day: n for day, n in state.get("pending", {}).items() if day not in done or n > number}
        vanished = state.get("vanished", {})
        if state.get("intakes") == number:
            vanished = {day: files for day, files in vanished.items() if day not in done}
        after = state | {"pending": pending, "vanished": vanished}
        if after != state:
            write_state(lake, source.name, after)


def waiting(lake: Lake, first: date, last: date) -> Waiting:
    """What waits for a run over days from `first` to `last`."""
    states = {name: read_state(lake, name) for name in SOURCES}
    covered = frozenset(day for state in states.values() for day in _covered(state))
    vanished = {
        name: {date.fromisoformat(day): files for day, files in sorted(state["vanished"].items())}
        for name, state in states.items()
        if state.get("vanished")
    }
    kept_apart = {day for days in vanished.values() for day in days}
    days: dict[date, dict[str, int]] = {}
    for name, state in states.items():
        for text, number in state.get("pending", {}).items():
            day = date.fromisoformat(text)
            # A run over days that no file speaks of has nothing to publish.
            if first <= day <= last and day in covered and day not in kept_apart:
                days.setdefault(day, {})[name] = number
    return Waiting(
        days=dict(sorted(days.items())),
        vanished=vanished,
        covered=covered,
        set_aside={path: why for state in states.values() for kind in _ASIDE for path, why in state[kind].items()},
        listings={name: state["listing"] for name, state in states.items() if "listing" in state},
        readings={name: state.get("reading", "") for name, state in states.items()},
        known={
            name: frozenset(path for kind in ("files", "same_as", *_ASIDE) for path in state[kind])
            for name, state in states.items()
        },
        intakes={
            name: f"{state.get('lake', 'old')}-{state['intakes']}"
            for name, state in states.items()
            if "intakes" in state
        },
    )


def _covered(state: Mapping[str, Any]) -> Iterable[date]:
    for first, last in state.get("covered", ()):
        yield from day_range(date.fromisoformat(first), date.fromisoformat(last))


def read_state(lake: Lake, source_name: str) -> dict[str, Any]:
    """What the last intake of a source left; empty where there was none."""
    found = lake.read_json("lake", "_ingest", f"{source_name}.json") or {}
    return {"files": {}, "same_as": {}, "unknown": {}, "unusable": {}} | found


def write_state(lake: Lake, source_name: str, state: Mapping[str, Any]) -> None:
    """Leave it for the next."""
    lake.write_json(state, "lake", "_ingest", f"{source_name}.json")
