"""What became of the rows of each landing file on the way to raw, as rows of a table.

Here: manifests turned into counts. Not here: what became of them in core (sql/), the table (`defs.assets.report`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from sm_assets.contracts import TABLES
from sm_assets.storage import Lake

NONE = "-"


def landing_counts(lake: Lake, source: str, files: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row per file and disposition; the facts about the file on each.

    Args:
        lake: for the files that were set aside and those of equal bytes.
        source: its name.
        files: path -> manifest.
    """
    rows: list[dict[str, Any]] = []
    for path, manifest in files.items():
        facts = file_facts(source, path, manifest)
        rows += [facts | row for row in _counts(manifest)]
    state = lake.read_json("lake", "_ingest", f"{source}.json") or {}
    for path, first in state.get("same_as", {}).items():
        if first in files:
            same = files[first]["rows_in"]
            facts = file_facts(source, path, files[first])
            rows += [facts | _row("in", NONE, same), facts | _row("duplicate", "same_file", same)]
    return rows


def file_facts(source: str, path: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What the report says of a file on each of its rows."""
    exported = manifest.get("exported_at")
    first, last = manifest["coverage_from"], manifest["coverage_to"]
    return {
        "source": source,
        "source_file": path,
        "source_sha256": manifest["sha256"],
        "vintage": manifest["vintage"],
        "coverage_kind": manifest["coverage_kind"],
        "coverage_from": date.fromisoformat(first) if first else None,
        "coverage_to": date.fromisoformat(last) if last else None,
        "exported_at": _moment(exported) if exported else None,
        "zone": manifest.get("zone"),
        "number_format": manifest.get("number_format"),
    }


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return (moment.astimezone(UTC) if moment.tzinfo else moment).replace(tzinfo=None)


def _row(disposition: str, reason: str, rows: int, column: str = NONE) -> dict[str, Any]:
    return {
        "stage": "landing",
        "entity": "records",
        "disposition": disposition,
        "reason": reason,
        "column_name": column,
        "rows": rows,
    }


def _counts(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield _row("in", NONE, manifest["rows_in"])
    for record, days in manifest["rows_by_day"].items():
        yield _row("out", record, sum(days.values()))
    for disposition in ("rejected", "ignored"):
        for reason, rows in manifest[disposition].items():
            yield _row(disposition, reason, rows)
    for name, cells in manifest["repairs"].items():
        column, _, reason = name.rpartition("/")
        yield _row("repaired", reason, cells, column)


def in_window(facts: Mapping[str, Any], first: date, last: date) -> bool:
    """Whether a file's days meet the window, or it covers no day at all."""
    start, end = facts["coverage_from"], facts["coverage_to"]
    return start is None or end is None or (start <= last and end >= first)


def summed(rows: Iterable[Mapping[str, Any]], day: date) -> list[dict[str, Any]]:
    """The rows of one as-of day, one for each key, with all columns of the table."""
    table = TABLES["out_ingest_report"]
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        key = tuple(row[name] for name in table.key)
        if key in found:
            found[key]["rows"] += row["rows"]
        else:
            found[key] = {name: row.get(name) for name in table.column_names} | {"day": day}
    return list(found.values())
