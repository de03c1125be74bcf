"""Conversions in lake/_ingest/ whose landing file is gone: replaced by other bytes, or taken away.

Here: which of them nobody needs any more, and their removal. Not here: conversion (`convert`), taking in (`intake`).

A conversion stays as long as its bytes lie under landing/, were set aside there, or feed a published day: what then
happens is up to whoever runs that day (`VanishedFiles`). What goes is the rows; the manifest stays with the day of
the first conversion, on which rows without a time of their own lie, so that the same bytes give the same rows should
they come back. Such a manifest fits no reader: the bytes are then converted again, and meet all purges again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sm_assets.errors import LandingError
from sm_assets.sources import SOURCES, Source
from sm_assets.sources.landing import discover
from sm_assets.storage import Lake, literal, select
from sm_assets.storage.retention import Removed, folder_bytes, remove_folder

MANIFEST = "manifest.json"
_KEPT = ("source", "sha256", "paths", "bytes", "first_converted", "vintage")
_WHAT = "conversion"
_GONE = "gone.json"
_REMOVED = {"rows": "removed"}


def drop_leftovers(lake: Lake, keep_days: int, *, dry_run: bool, now: datetime | None = None) -> Iterator[Removed]:
    """Remove the rows of conversions that nobody needs.

    Args:
        lake: where they lie.
        keep_days: conversions whose file was first seen gone (by this function) within so many days stay: a file that
            was moved may come back. So none goes when its file is first seen gone.
        dry_run: only tell.
        now: None: the time of the call.
    """
    root = lake.path("lake", "_ingest")
    if not lake.fs.isdir(root):
        return
    moment = now or datetime.now(UTC)
    edge = moment - timedelta(days=keep_days)
    with lake.locked("ingest"):
        found: dict[str, list[tuple[str, dict[str, Any]]]] = {name: [] for name in SOURCES}
        for path in sorted(str(each).rstrip("/") for each in lake.fs.ls(root, detail=False, refresh=True)):
            name = path.rsplit("/", 1)[-1]
            manifest = None if name.endswith(".json") else lake.read_json("lake", "_ingest", name, MANIFEST)
            if manifest is not None and manifest["source"] in found:
                found[manifest["source"]].append((name, manifest))
        for source_name, conversions in found.items():
            yield from _of_source(lake, SOURCES[source_name], conversions, edge, moment, dry_run=dry_run)


def _of_source(
    lake: Lake,
    source: Source,
    conversions: list[tuple[str, dict[str, Any]]],
    edge: datetime,
    now: datetime,
    *,
    dry_run: bool,
) -> Iterator[Removed]:
    present = _present(lake, source)
    if isinstance(present, str):
        if conversions:
            yield Removed(_WHAT, source.name, 0, 0, present)
        return
    left = [(name, told) for name, told in conversions if told["sha256"] not in present]
    gone = _gone(lake, source.name, [name for name, _ in left], now, dry_run=dry_run)
    left = [(name, told) for name, told in left if _is_due(lake, name, told, edge, gone.get(name))]
    feeding = _feeding(lake, source, [told["sha256"] for _, told in left])
    items = taken = 0
    for name, told in left:
        if told["sha256"] in feeding:
            continue
        items, taken = items + 1, taken + folder_bytes(lake, lake.path("lake", "_ingest", name))
        if not dry_run:
            _drop_rows(lake, name, told)
    if items:
        yield Removed(_WHAT, source.name, items, taken, "bytes that lie under landing/ no more and feed no day")
    if feeding:
        why = f"{len(feeding)} files are gone from landing/, but published days hold their rows; they stay"
        yield Removed(_WHAT, source.name, 0, 0, why)


def _present(lake: Lake, source: Source) -> set[str] | str:
    """Fingerprints of what lies under landing/ and was taken in; or why that is not known."""
    state = lake.read_json("lake", "_ingest", f"{source.name}.json")
    if state is None:
        return "no list of files taken in; nothing was removed"
    known = lake.read_json("lake", "_ingest", "fingerprints.json") or {}
    try:
        deliveries = discover(lake, source.name)
    except LandingError as error:
        return f"nothing was removed: {error}"
    for each in deliveries:
        if known.get(each.path, [])[:2] != [each.size, each.mtime]:
            return f"{each.path} was not taken in yet; nothing was removed"
    return {known[each.path][2] for each in deliveries} | set(state["files"].values())


def _gone(lake: Lake, source_name: str, left: list[str], now: datetime, *, dry_run: bool) -> dict[str, datetime]:
    """When the landing files of conversions were first seen gone, this look included; it is noted in gone.json."""
    noted = lake.read_json("lake", "_ingest", _GONE) or {}
    before = noted.get(source_name, {})
    found = {name: before.get(name, now.isoformat()) for name in sorted(left)}
    if found != before and not dry_run:
        lake.write_json(noted | {source_name: found}, "lake", "_ingest", _GONE)
    return {name: datetime.fromisoformat(moment) for name, moment in found.items()}


def _is_due(lake: Lake, name: str, manifest: dict[str, Any], edge: datetime, gone: datetime | None) -> bool:
    """Whether it has rows and its file went long enough ago; what an interruption left is due at once."""
    if len(lake.fs.ls(lake.path("lake", "_ingest", name), detail=False, refresh=True)) <= 1:
        return False
    return manifest["made_by"] == _REMOVED or (gone is not None and gone <= edge)


def _feeding(lake: Lake, source: Source, hashes: list[str]) -> set[str]:
    """Those of the fingerprints whose rows or rejects are published."""
    found: set[str] = set()
    for table in (*source.raw_tables, source.rejects_table) if hashes else ():
        ref = lake.ref(table)
        if not ref.days:
            continue
        listed = ", ".join(f"'{literal(each)}'" for each in hashes)
        with lake.connect() as con:
            sql = f"select distinct source_sha256 from fed where source_sha256 in ({listed})"
            found.update(sha256 for (sha256,) in select(lake.register(con, ref), "fed", sql).fetchall())
    return found


def _drop_rows(lake: Lake, name: str, manifest: dict[str, Any]) -> None:
    """First the manifest says that the rows are gone, then they go: an interruption is finished by the next run."""
    folder = lake.path("lake", "_ingest", name)
    told = {key: manifest[key] for key in _KEPT if key in manifest}
    nothing: dict[str, Any] = {key: {} for key in ("rows_by_day", "own_rows_by_day", "rejects_by_day", "rejected")}
    nothing |= {"rows_in": 0, "rows_out": 0, "purges": 0, "repairs": {}, "ignored": {}, "complete": None}
    lake.write_json(told | nothing | {"made_by": _REMOVED}, "lake", "_ingest", name, MANIFEST)
    for path in lake.fs.ls(folder, detail=False, refresh=True):
        part = str(path).rstrip("/")
        if part.rsplit("/", 1)[-1] == MANIFEST:
            continue
        if lake.fs.isdir(part):
            remove_folder(lake, part)
        else:
            lake.fs.rm_file(part)
