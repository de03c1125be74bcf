"""Which relations the SELECTs of sql/ name: `python -m sm_assets.defs.sql_names` writes sql/relation_names.json.

Here: the names, as DuckDB's parser finds them, kept by the digest of the text so that loading the definitions parses
only files that were changed since. Not here: what a name stands for (`sql`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import duckdb

SQL_ROOT = Path(__file__).parents[2] / "sql"
FILE = SQL_ROOT / "relation_names.json"


def relation_names(path: Path) -> frozenset[str]:
    """Names of the relations that a SELECT reads, its own common table expressions left out."""
    text = path.read_text(encoding="utf-8")
    kept = _kept().get(_digest(text))
    return frozenset(duckdb.get_table_names(text) if kept is None else kept)


@cache
def _kept() -> Mapping[str, list[str]]:
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def render() -> str:
    """The names in all SQL files, by the digest of their text, as JSON."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(SQL_ROOT.rglob("*.sql"))]
    return json.dumps({_digest(text): sorted(duckdb.get_table_names(text)) for text in texts}, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
