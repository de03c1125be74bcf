"""Columns that people read are added, never removed or retyped, under one version of the schema (docs/bi.md).

To renew the snapshot after adding columns or tables: python tests/test_schema_policy.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from sm_assets.contracts import SCHEMA_VERSION, TABLES

GOLDEN = Path(__file__).parent / "golden" / "schema.json"
PROMISED = ("core", "feat", "out")


def current() -> dict[str, Any]:
    """Key and types of all tables whose columns are promised."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tables": {
            name: {
                "key": list(table.key),
                "columns": {c.name: c.type + (" or null" if c.nullable else "") for c in table.columns},
                "fields": {f"{c.name}.{f.name}": f.type for c in table.columns for f in c.fields},
            }
            for name, table in sorted(TABLES.items())
            if table.layer in PROMISED
        },
    }


def broken(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What of `old` a reader would miss in `new`."""
    found = []
    for name, was in old["tables"].items():
        now = new["tables"].get(name)
        if now is None:
            found.append(f"{name} is gone")
            continue
        if now["key"] != was["key"]:
            found.append(f"{name}: the key is {', '.join(now['key'])}, it was {', '.join(was['key'])}")
        for part in ("columns", "fields"):
            for column, kind in was[part].items():
                is_now = now[part].get(column)
                if is_now is None:
                    found.append(f"{name}.{column} is gone")
                elif is_now not in (kind, kind.removesuffix(" or null")):
                    found.append(f"{name}.{column} is {is_now}, it was {kind}")
    return found


def complaint(old: dict[str, Any], new: dict[str, Any]) -> str:
    """One text that says what broke and what to do; empty: nothing did, or under a new version."""
    problems = broken(old, new)
    if not problems or new["schema_version"] > old["schema_version"]:
        return ""
    return (
        f"{'; '.join(problems)}. People read these under schema version {old['schema_version']}: bring them back, or "
        "raise SCHEMA_VERSION in sm_assets/contracts/__init__.py, tell readers in CHANGELOG.md and run "
        "python tests/test_schema_policy.py."
    )


def test_nothing_that_is_promised_went() -> None:
    assert not complaint(json.loads(GOLDEN.read_text(encoding="utf-8")), current())


def test_the_snapshot_knows_what_was_added() -> None:
    assert current() == json.loads(GOLDEN.read_text(encoding="utf-8")), "run python tests/test_schema_policy.py"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("core_posts"), "core_posts is gone"),
        (lambda t: t["core_posts"]["columns"].pop("text"), "core_posts.text is gone"),
        (lambda t: t["core_posts"]["columns"].update(likes_count="text or null"), "is text or null, it was int64 or"),
        (
            lambda t: t["core_posts"]["columns"].update(day="date or null"),
            "core_posts.day is date or null, it was date",
        ),
        (lambda t: t["core_posts"]["key"].append("text"), "the key is platform, post_id, text, it was"),
        (lambda t: t["core_posts"]["columns"].update(text="text"), ""),
        (lambda t: t["core_posts"]["columns"].update(newer="text"), ""),
        (lambda t: t.update(core_newer={"key": [], "columns": {}, "fields": {}}), ""),
    ],
)
def test_what_breaks_readers_is_told(change: Any, message: str) -> None:
    old, new = current(), current()
    change(new["tables"])
    assert message in complaint(old, new)
    assert bool(message) == bool(complaint(old, new))
    assert not complaint(old, new | {"schema_version": SCHEMA_VERSION + 1})


if __name__ == "__main__":
    told = complaint(json.loads(GOLDEN.read_text(encoding="utf-8")), current()) if GOLDEN.exists() else ""
    if told:
        sys.exit(told)
    GOLDEN.write_text(json.dumps(current(), indent=1) + "\n", encoding="utf-8")
