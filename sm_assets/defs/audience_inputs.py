"""What a snapshot of audiences is made from: days of keys and sketches, and the earlier snapshot it may go on from.

Here: reading what the files say of themselves, refusing what does not fit together. Not here: any rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sm_assets.contracts.sketches import INPUTS, KEY, MADE_FROM, SketchSpec, require_key, require_same
from sm_assets.errors import SketchMismatchError
from sm_assets.storage import DIGEST, Lake

KEYS, SKETCHES, SIZES, AUDIENCES = "feat_follow_keys", "feat_audience_sketches", "feat_audience_sizes", "feat_audiences"
FOLLOWS, TOMBSTONES = "core_follows", "core_tombstones"
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Inputs:
    """The days that snapshots are made of.

    Attributes:
        days: days that have keys, ascending.
        rows: number of keys by day.
        digests: digest of the keys by day.
        stale: days whose follows were made again after their keys, with the digest of the follows.
        tombstones: digest of the withdrawals by day.
    """

    days: tuple[date, ...]
    rows: dict[date, int]
    digests: dict[date, str]
    stale: dict[date, str]
    tombstones: dict[date, str]

    def text(self, as_of: date) -> str:
        """What a snapshot is made from, as it stands in its metadata."""
        merged = {str(day): [self.rows[day], self.digests[day]] for day in self.days if day <= as_of}
        known = hashlib.blake2b(digest_size=8)
        for day, digest in sorted(self.tombstones.items()):
            if day <= as_of:
                known.update(f"{day} {digest}\n".encode())
        found: dict[str, Any] = {"days": merged, "withdrawals": known.hexdigest()}
        stale = {str(day): digest for day, digest in self.stale.items() if day <= as_of}
        if stale:
            found["stale"] = stale
        return json.dumps(found, separators=(",", ":"))


def read_inputs(lake: Lake, spec: SketchSpec, last: date) -> Inputs:
    """All days up to `last`, held to one spec.

    Raises:
        SketchMismatchError: days of another spec or key rule, of lost metadata, or sketches made from other keys than
            are there now.
    """
    days = [day for day in lake.days(KEYS) if day <= last]
    keys = {day: lake.metadata(KEYS, day) for day in days}
    require_key(spec.key, {f"{KEYS} day={day}": found.get(KEY) for day, found in keys.items()})
    sketched = set(lake.days(SKETCHES))
    missing = [day for day in days if day not in sketched]
    sketches = {day: lake.metadata(SKETCHES, day) for day in days if day in sketched}
    where = {day: f"{SKETCHES} day={day}" for day in sketches}
    require_same(spec, {where[day]: SketchSpec.from_metadata(found, where[day]) for day, found in sketches.items()})
    other = [day for day, found in sketches.items() if found.get(MADE_FROM) != keys[day].get(DIGEST)]
    if missing or other:
        raise SketchMismatchError(
            f"{SKETCHES} of {_days(sorted({*missing, *other}))} {'lack' if missing else 'were made from other keys'}: "
            f"materialise {SKETCHES} again for these days."
        )
    follows = {day: digest_of(lake, FOLLOWS, day) for day in lake.days(FOLLOWS) if day <= last}
    return Inputs(
        days=tuple(days),
        rows={day: int(found["rows"]) for day, found in keys.items()},
        digests={day: _digest(found, KEYS, day) for day, found in keys.items()},
        stale={day: follows.get(day, "-") for day in days if keys[day].get(MADE_FROM) != follows.get(day)},
        tombstones={day: digest_of(lake, TOMBSTONES, day) for day in lake.days(TOMBSTONES) if day <= last},
    )


def digest_of(lake: Lake, table: str, day: date) -> str:
    """Digest of the rows of one partition.

    Raises:
        SketchMismatchError: the file has lost it, because another program wrote it.
    """
    return _digest(lake.metadata(table, day), table, day)


def _digest(metadata: Mapping[str, str], table: str, day: date) -> str:
    if DIGEST not in metadata:
        raise SketchMismatchError(f"No {DIGEST} metadata in {table} day={day}; materialise it again.")
    return metadata[DIGEST]


def require_current(lake: Lake, day: date) -> None:
    """Hold the snapshot of a day to the keys that are there now.

    Raises:
        SketchMismatchError: it was made from other keys, or its metadata are lost.
    """
    text = lake.metadata(AUDIENCES, day).get(INPUTS)
    if text is None:
        raise SketchMismatchError(f"No {INPUTS} metadata in {AUDIENCES} day={day}; materialise it again.")
    made_from = {name: digest for name, (_, digest) in json.loads(text)["days"].items()}
    there = {str(known): digest_of(lake, KEYS, known) for known in lake.days(KEYS) if known <= day}
    if made_from != there:
        changed = sorted(name for name in {*made_from, *there} if made_from.get(name) != there.get(name))
        raise SketchMismatchError(
            f"{AUDIENCES} day={day} was made from other keys than those of {', '.join(changed[:_SHOWN])} now: "
            f"materialise {SKETCHES} of these days, then {SIZES} and {AUDIENCES} of {day} again."
        )


def newest_valid(lake: Lake, inputs: Inputs, spec: SketchSpec, before: date) -> date | None:
    """The newest snapshot before a day that is made from what is there now; None: there is none."""
    sizes = set(lake.days(SIZES))
    for day in reversed([day for day in lake.days(AUDIENCES) if day < before and day in sizes]):
        wanted = inputs.text(day)
        found = lake.metadata(AUDIENCES, day)
        same_spec = all(found.get(name) == value for name, value in spec.metadata.items())
        if same_spec and found.get(INPUTS) == wanted and lake.metadata(SIZES, day).get(INPUTS) == wanted:
            return day
    return None


def usable_days(keys: Iterable[date], asked: Iterable[date]) -> list[date]:
    """As-of days with at least one day of keys up to them, and none later than the newest of these days."""
    known = sorted(keys)
    return [day for day in asked if known and known[0] <= day <= known[-1]]


def _days(days: list[date]) -> str:
    shown = ", ".join(map(str, days[:_SHOWN]))
    return shown + (f" and {len(days) - _SHOWN} more" if len(days) > _SHOWN else "")
