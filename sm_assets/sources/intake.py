"""All landing files of a source taken into the lake.

Here: conversion of what is new, reuse of the rest, what became stale. Not here: finding files (`landing`), converting
one of them (`convert`), the rows of the raw tables (`publication`), which days a run may publish (`coverage`), which
wait for one (`pending`).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import PurePosixPath
from typing import Any

from sm_assets.errors import InputError, UnknownVintage
from sm_assets.sources import SOURCES, Source
from sm_assets.sources.arrivals import listing
from sm_assets.sources.convert import convert, made_by, reading
from sm_assets.sources.landing import discover, fingerprints
from sm_assets.sources.pending import noted, read_state, write_state
from sm_assets.sources.purges import apply as apply_purges
from sm_assets.sources.sidecars import check_values
from sm_assets.sources.taken import Converted, Intake
from sm_assets.storage import Lake

# What is said of a file: its beginning tells what was found, its end what was expected and what to do.
_HEAD, _TAIL = 400, 300


def take_in(lake: Lake, source_name: str, log: Callable[[str], None] = lambda _: None) -> Intake:
    """Convert what is new under landing/<source_name>/ and reuse the rest.

    Files that cannot be used are set aside and named in the result; the others go on.

    Raises:
        LandingError: the folder itself is not in order.
        Unreconciled: rows in and out of a file differ.
    """
    with lake.locked("ingest", lambda: log("another run takes files in; this one waits for it")):
        return _take_in(lake, source_name, log)


def _take_in(lake: Lake, source_name: str, log: Callable[[str], None]) -> Intake:
    source = SOURCES[source_name]
    # Seen before it is read: what comes meanwhile is news to the next one.
    seen = listing(lake, source_name)
    deliveries = discover(lake, source_name)
    hashes = fingerprints(lake, deliveries)
    last = read_state(lake, source_name)
    before, named = set(last["files"].values()), last.get("collections", {})
    files: dict[str, Converted] = {}
    same_as: dict[str, str] = {}
    unknown: dict[str, str] = {}
    unusable: dict[str, str] = {}
    converted: list[str] = []
    changed: list[Converted] = []
    earlier_files: list[Converted] = []
    for number, delivery in enumerate(deliveries, 1):
        sha256 = hashes[delivery.path]
        try:
            check_values(source, delivery.sidecar)
            if sha256 in files:
                same_as[delivery.path] = files[sha256].path
                continue
            name = _folder(lake, source, sha256)
            earlier = manifest = _manifest(lake, name)
            if manifest is None or manifest["made_by"] != made_by(lake, source, delivery):
                log(f"converting {delivery.path} ({number} of {len(deliveries)} files)")
                manifest = convert(lake, source, delivery, sha256, name, previous=earlier)
                converted.append(delivery.path)
        except UnknownVintage as error:
            unknown[delivery.path] = _readable(delivery.path, error)
            continue
        except InputError as error:
            unusable[delivery.path] = _readable(delivery.path, error)
            continue
        files[sha256] = _converted(lake, delivery.path, sha256, name, manifest, delivery.sidecar.collection)
        collection = files[sha256].delivery
        is_named_anew = last["files"].get(delivery.path) != sha256 or named.get(delivery.path, collection) != collection
        if is_named_anew or manifest is not earlier:
            changed.append(files[sha256])
            if sha256 in before and earlier is not None:
                earlier_files.append(_converted(lake, delivery.path, sha256, name, earlier))
    kept = tuple(files.values())
    fresh = {file.sha256 for file in kept if file.path in converted or file.sha256 not in before}
    replaced = _left_behind(lake, source, kept) if fresh and any(f.manifest.get("purges") for f in kept) else []
    purged = apply_purges(lake, source, list(kept), fresh, replaced)
    for sha256 in before - set(files):
        name = _folder(lake, source, sha256)
        gone = _manifest(lake, name)
        if gone:
            earlier_files.append(_converted(lake, "", sha256, name, gone))
    affected = _affected(kept, [*changed, *earlier_files], purged)
    emptied, held = _emptied(kept, same_as, hashes, purged, set(converted), last.get("purged", {}))
    number = last.get("intakes", 0) + 1
    intake = Intake(source, kept, same_as, unknown, unusable, tuple(converted), affected, purged, held, number)
    state = {
        "unknown": unknown,
        "unusable": unusable,
        "files": {f.path: f.sha256 for f in kept},
        "collections": {f.path: f.delivery for f in kept},
        "same_as": same_as,
        "purged": emptied,
        "listing": seen.digest,
        "reading": reading(lake, source),
        "lake": last.get("lake") or secrets.token_hex(4),
    }
    state |= noted(lake, intake, last, (day for file in earlier_files for day in file.rows_by_day))
    if state == {name: value for name, value in last.items() if name != "intakes"}:
        return replace(intake, number=number - 1)
    write_state(lake, source_name, state | {"intakes": number})
    return intake


def _emptied(
    kept: Iterable[Converted],
    same_as: Mapping[str, str],
    hashes: Mapping[str, str],
    purged: Mapping[str, int],
    converted: set[str],
    before: Mapping[str, int],
) -> tuple[dict[str, int], dict[str, int]]:
    """Rows whose words were taken out because they were purged: by fingerprint, and by file that holds them still."""
    files = list(kept)
    emptied = {
        file.sha256: rows
        for file in files
        if (rows := (0 if file.path in converted else before.get(file.sha256, 0)) + purged.get(file.path, 0))
    }
    rows_held = {file.sha256: emptied.get(file.sha256, 0) + file.manifest.get("rows_withheld", 0) for file in files}
    places = sorted({*(file.path for file in files), *same_as})
    return emptied, {path: rows for path in places if (rows := rows_held[hashes[path]])}


def manifests(lake: Lake, source_name: str) -> dict[str, dict[str, Any]]:
    """Manifest of each landing file of a source as the last run left it, by path."""
    state = read_state(lake, source_name)
    source = SOURCES[source_name]
    found = {path: _manifest(lake, _folder(lake, source, sha256)) for path, sha256 in state["files"].items()}
    return {path: manifest for path, manifest in found.items() if manifest is not None}


def _folder(lake: Lake, source: Source, sha256: str) -> str:
    """Name of the converted directory: the fingerprint, unless another source has a file of the same bytes."""
    found = _manifest(lake, sha256)
    return sha256 if found is None or found["source"] == source.name else f"{sha256}-{source.name}"


def _converted(
    lake: Lake, path: str, sha256: str, name: str, manifest: dict[str, Any], collection: str | None = None
) -> Converted:
    return Converted(path, sha256, manifest, lake.path("lake", "_ingest", name), collection or _stem(path))


def _stem(path: str) -> str:
    """A file's name without its extension and without that of its compression."""
    return PurePosixPath(re.sub(r"\.(gz|gzip|zst|zstd)$", "", path, flags=re.IGNORECASE)).stem


def _left_behind(lake: Lake, source: Source, kept: Iterable[Converted]) -> list[Converted]:
    """Conversions of bytes that lie under landing/ no more: replaced or taken away, they hold words all the same."""
    names = {file.folder.rsplit("/", 1)[-1] for file in kept}
    found = []
    for folder in sorted(str(path).rstrip("/") for path in lake.fs.ls(lake.path("lake", "_ingest"), detail=False)):
        name = folder.rsplit("/", 1)[-1]
        if name not in names and not name.endswith(".json"):
            manifest = _manifest(lake, name)
            if manifest is not None and manifest["source"] == source.name:
                found.append(_converted(lake, "", manifest["sha256"], name, manifest))
    return found


def _affected(kept: Iterable[Converted], changed: list[Converted], purged: dict[str, int]) -> tuple[date, ...]:
    """Days whose tables are stale: covered by changed files, or reached by their withdrawals or snapshots."""
    files = list(kept)
    days = {day for file in changed for day in file.covered}
    touched = {day for file in changed for day in file.touched}
    if None in touched:
        touched |= {day for file in files for day in file.covered}
    days |= {day for day in touched if day is not None}
    for file in files:
        if file.path in purged:
            days.update(file.rows_by_day, map(date.fromisoformat, file.manifest["rejects_by_day"]))
    # A pair that is known from lists lies on the day of its first list: an earlier one takes it from the later. And a
    # profile is what its account is known by on all later days.
    onwards = [day for file in changed if file.manifest.get("is_snapshot") for day in file.covered]
    onwards += [day for file in changed for day in file.profile_days]
    if onwards:
        days |= {day for file in files for day in file.covered if day >= min(onwards)}
    return tuple(sorted(days))


def _manifest(lake: Lake, name: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = lake.read_json("lake", "_ingest", name, "manifest.json")
    return found


def _readable(path: str, error: InputError) -> str:
    """An error's words on one line, for lists that name the file: no binary bytes, no endless header."""
    text = str(error).removeprefix(f"{path}: ")
    text = "".join(char if char.isprintable() else " " if char.isspace() else "\ufffd" for char in text)
    # A word with several unreadable signs is no word.
    words = (word if word.count("\ufffd") < 3 else "\ufffd" + word[-1:].strip("\ufffd") for word in text.split())
    text = re.sub("\ufffd[\ufffd ]*\ufffd", "\ufffd", " ".join(words))
    return text if len(text) <= _HEAD + _TAIL + 3 else f"{text[:_HEAD]} … {text[-_TAIL:]}"
