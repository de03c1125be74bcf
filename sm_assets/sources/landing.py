"""The landing folder: which files there are, what their sidecars say, what their bytes are.

Here: discovery, sidecars, fingerprints. Not here: what is inside a file (the source's module) and its conversion
(`convert`). Nothing under landing/ is ever written, moved or deleted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sm_assets.errors import LandingError
from sm_assets.sources import SOURCES
from sm_assets.storage import Lake

_IGNORED_PREFIXES = (".", "_", "README")
_IGNORED_SUFFIXES = (".tmp", ".part", ".crdownload", ".meta.json")
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
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What the user states about a file; every part may be missing.

    Attributes:
        exported_at: UTC.
        coverage: first and last day that the file speaks of.
        columns: delivered column name -> known column name.
        others: keys that this source has no use for.
    """

    platform: str | None = None
    exported_at: datetime | None = None
    coverage: tuple[date, date] | None = None
    zone: str | None = None
    number_format: str | None = None
    encoding: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One file under landing/.

    Attributes:
        source: name of its source.
        path: path below the data root, with `/`.
        size: bytes.
        mtime: time of the last change as the file system writes it; tells whether a file changed, nothing else.
    """

    source: str
    path: str
    size: int
    mtime: str
    sidecar: Sidecar


def discover(lake: Lake, source: str) -> list[Delivery]:
    """All files delivered by `source`, by path.

    Raises:
        LandingError: a folder under landing/ that is no known source, a file outside the sources' folders, or a
        sidecar with
            an unknown key or an unreadable value.
    """
    root = lake.path("landing")
    if not lake.fs.isdir(root):
        return []
    lake.fs.invalidate_cache()
    for entry in lake.fs.ls(root, detail=True):
        name = str(entry["name"]).rstrip("/").rsplit("/", 1)[-1]
        if entry["type"] == "directory" and not _ignored(name) and name not in SOURCES:
            raise LandingError(f"landing/{name}/ is no known source; known are {', '.join(sorted(SOURCES))}.")
        if entry["type"] == "file" and not _ignored(name):
            raise LandingError(f"landing/{name} lies outside a source's folder; move it to landing/<source>/.")
    found = lake.fs.find(lake.path("landing", source), detail=True)
    sidecars = {_below(lake, path): path for path in found if path.endswith((".meta.json", "/_meta.json"))}
    deliveries = []
    for path, entry in sorted(found.items()):
        below = _below(lake, path)
        if any(_ignored(part) for part in below.split("/")[2:]):
            continue
        mtime = str(entry.get("mtime", entry.get("LastModified", entry.get("ETag", ""))))
        deliveries.append(Delivery(source, below, int(entry["size"]), mtime, _sidecar(lake, below, sidecars)))
    return deliveries


def _below(lake: Lake, path: str) -> str:
    return path[len(lake.path("")) :]


def _ignored(name: str) -> bool:
    return name.startswith(_IGNORED_PREFIXES) or name.endswith(_IGNORED_SUFFIXES)


def _sidecar(lake: Lake, path: str, sidecars: Mapping[str, str]) -> Sidecar:
    folders = path.split("/")[:-1]
    names = ["/".join((*folders[: depth + 1], "_meta.json")) for depth in range(1, len(folders))]
    stated: dict[str, Any] = {}
    for name in (*names, f"{path}.meta.json"):
        if name in sidecars:
            stated |= _read_sidecar(lake, name, sidecars[name])
    known = {key: stated.pop(key) for key in list(stated) if key not in ("direction", "snapshot", "collection")}
    return Sidecar(**known, others=stated)


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
    for key in ("platform", "zone", "number_format", "encoding"):
        if not isinstance(value.get(key, ""), str):
            raise LandingError(f"{name}: {key} is {value[key]!r}; expected a text.")
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


@contextmanager
def local_copy(lake: Lake, delivery: Delivery, folder: Path) -> Any:
    """The file as a local path: itself, or a copy in `folder` when the data root is an object store."""
    if lake.is_local:
        yield Path(lake.path(delivery.path))
        return
    target = folder / "delivered" / Path(delivery.path).name
    target.parent.mkdir(parents=True, exist_ok=True)
    lake.fs.get_file(lake.path(delivery.path), str(target))
    yield target


def changed(lake: Lake, delivery: Delivery) -> bool:
    """Whether the file is no longer as it was discovered."""
    path = lake.path(delivery.path)
    lake.fs.invalidate_cache()
    if not lake.fs.exists(path):
        return True
    entry = lake.fs.info(path)
    mtime = str(entry.get("mtime", entry.get("LastModified", entry.get("ETag", ""))))
    return (int(entry["size"]), mtime) != (delivery.size, delivery.mtime)


def fingerprints(lake: Lake, deliveries: list[Delivery]) -> dict[str, str]:
    """SHA-256 of each file's bytes by path; files of unchanged size and time are not read again."""
    known = lake.read_json("lake", "_ingest", "fingerprints.json") or {}
    result = {}
    for delivery in deliveries:
        stamp = [delivery.size, delivery.mtime]
        entry = known.get(delivery.path)
        if entry is None or entry[:2] != stamp:
            known[delivery.path] = entry = [*stamp, _sha256(lake, delivery)]
        result[delivery.path] = entry[2]
    kept = {path: known[path] for path in sorted(known) if path in result or not path.startswith(_prefix(deliveries))}
    if kept != lake.read_json("lake", "_ingest", "fingerprints.json"):
        lake.write_json(kept, "lake", "_ingest", "fingerprints.json")
    return result


def _prefix(deliveries: list[Delivery]) -> str:
    return f"landing/{deliveries[0].source}/" if deliveries else "\0"


def _sha256(lake: Lake, delivery: Delivery) -> str:
    digest = hashlib.sha256()
    with lake.fs.open(lake.path(delivery.path), "rb") as source:
        while block := source.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()
