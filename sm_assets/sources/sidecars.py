"""Sidecars: what the user states about delivered files.

Here: reading them, and what their values may be. Not here: which files there are (`landing`), what becomes of the
values (the source's module, `convert`). A sidecar of another form stops the run: a typo must not pass as a setting. A
value that cannot be used sets aside the files it speaks of.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from sm_assets.contracts.delivered import DELIVERED
from sm_assets.errors import InputError, LandingError, SettingsError
from sm_assets.settings import NUMBER_FORMATS
from sm_assets.sources import Source
from sm_assets.sources.zones import check_zone
from sm_assets.storage import Lake

DIRECTIONS = ("first_follows_second", "second_follows_first", "mutual")
_SIDECAR_KEYS = frozenset(
    {
        "platform",
        "exported_at",
        "coverage",
        "zone",
        "number_format",
        "encoding",
        "columns",
        "direction",
        "snapshot",
        "collection",
    }
)


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What the user states about a file; every part may be missing.

    Attributes:
        exported_at: UTC.
        coverage: first and last day that the file speaks of.
        columns: delivered column name -> known column name.
        direction: who follows whom in a file of edges.
        snapshot: whether a file of follows is a list as it stood at one time.
        collection: name of the collection that the file belongs to: a donor, a query, a list.
        origins: key -> path of the sidecar that states it.
    """

    platform: str | None = None
    exported_at: datetime | None = None
    coverage: tuple[date, date] | None = None
    zone: str | None = None
    number_format: str | None = None
    encoding: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    direction: str | None = None
    snapshot: bool | None = None
    collection: str | None = None
    origins: Mapping[str, str] = field(default_factory=dict)


def stated(lake: Lake, path: str, sidecars: Mapping[str, str]) -> Sidecar:
    """What the sidecars say about the file at `path`, the nearest first.

    Args:
        lake: where they lie.
        path: of the file, below the data root.
        sidecars: all sidecars of the source: path below the data root -> path in the file system.

    Raises:
        LandingError: a sidecar that is no JSON object, has an unknown key or a value of another form.
    """
    folders = path.split("/")[:-1]
    names = ["/".join((*folders[: depth + 1], "_meta.json")) for depth in range(1, len(folders))]
    found: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name in (*names, f"{path}.meta.json"):
        if name in sidecars:
            said = _read_sidecar(lake, name, sidecars[name])
            found |= said
            origins |= dict.fromkeys(said, name)
    return Sidecar(**found, origins=origins)


def check_values(source: Source, sidecar: Sidecar) -> None:
    """Hold what a sidecar states to what can be used.

    Raises:
        InputError: a value that nothing can be done with; names the sidecar, the value and what was expected.
    """
    origin = sidecar.origins
    if sidecar.platform is not None and sidecar.platform not in source.platforms:
        allowed = ", ".join(map(repr, source.platforms))
        raise InputError(
            f"{origin['platform']}: platform is {sidecar.platform!r}; expected {allowed}: exports of {source.name} "
            "from elsewhere are not read."
        )
    if sidecar.encoding is not None and not _is_text_encoding(sidecar.encoding):
        raise InputError(
            f"{origin['encoding']}: encoding is {sidecar.encoding!r}; expected the name of a text encoding like utf-8 "
            "or cp1252."
        )
    if sidecar.number_format is not None and sidecar.number_format not in NUMBER_FORMATS:
        raise InputError(
            f"{origin['number_format']}: number_format is {sidecar.number_format!r}; expected one of "
            f"{' '.join(map(repr, NUMBER_FORMATS))}, the mark between thousands."
        )
    if sidecar.zone is not None:
        try:
            check_zone(sidecar.zone)
        except SettingsError as error:
            raise InputError(f"{origin['zone']}: {error}") from error
    cells = getattr(DELIVERED[source.name], "CELLS", {})
    for delivered, column in sidecar.columns.items():
        if column not in cells:
            known = f"known are {', '.join(cells)}" if cells else f"files of {source.name} have no columns to map"
            raise InputError(
                f"{origin['columns']}: columns maps {delivered!r} to {column!r}, which is no raw column; {known}."
            )
    if sidecar.direction is not None and sidecar.direction not in DIRECTIONS:
        raise InputError(
            f"{origin['direction']}: direction is {sidecar.direction!r}; expected one of "
            f"{', '.join(map(repr, DIRECTIONS))}."
        )


def _is_text_encoding(name: str) -> bool:
    try:
        # No byte would not be decoded at all.
        b"a".decode(name, "replace")
    except (LookupError, ValueError):
        return False
    return True


def _read_sidecar(lake: Lake, name: str, path: str) -> dict[str, Any]:
    try:
        value = json.loads(lake.fs.cat_file(path))
    except ValueError as error:
        raise LandingError(f"{name} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise LandingError(f"{name} holds {type(value).__name__}; expected an object with keys like zone, exported_at.")
    unknown = sorted(set(value) - _SIDECAR_KEYS)
    if unknown:
        raise LandingError(
            f"{name} has unknown keys {', '.join(unknown)}; known are {', '.join(sorted(_SIDECAR_KEYS))}."
        )
    if "exported_at" in value:
        value["exported_at"] = _moment(name, value["exported_at"])
    if "coverage" in value:
        value["coverage"] = _coverage(name, value["coverage"])
    if "columns" in value and not _is_text_map(value["columns"]):
        raise LandingError(f"{name}: columns must map delivered names to known names.")
    for key in ("platform", "zone", "number_format", "encoding", "direction", "collection"):
        if not isinstance(value.get(key, ""), str):
            raise LandingError(f"{name}: {key} is {value[key]!r}; expected a text.")
    if not isinstance(value.get("snapshot", True), bool):
        raise LandingError(f"{name}: snapshot is {value['snapshot']!r}; expected true or false.")
    return value


def _is_text_map(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(v, str) for v in value.values())


def _moment(name: str, value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise LandingError(f"{name}: exported_at is {value!r}; expected a time like 2021-07-06T01:49:20Z.") from error
    if moment.tzinfo is None:
        raise LandingError(f"{name}: exported_at {value!r} has no zone; add Z or an offset like -03:00.")
    return moment.astimezone(UTC)


def _coverage(name: str, value: Any) -> tuple[date, date]:
    try:
        first, last = date.fromisoformat(value["from"]), date.fromisoformat(value["to"])
    except (TypeError, KeyError, ValueError) as error:
        raise LandingError(f"{name}: coverage is {value!r}; expected {{from: YYYY-MM-DD, to: YYYY-MM-DD}}.") from error
    if last < first:
        raise LandingError(f"{name}: coverage ends on {last}, before it begins on {first}.")
    return first, last
