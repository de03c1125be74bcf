"""The version of the code that makes a table: one short text, another when other rows may come of the same inputs.

Here: the text, as Dagster shows it and as each published file keeps it. Where a SELECT makes the table it follows from
the SELECT, its judgement and the shared SELECTs they read, whatever their comments and white space; where Python does,
from `version` in the contract, which a developer raises; of raw tables also from `READER_VERSION` of their reader.
Columns and key are part of all. Not here: which days were
made by which version (`made_from`).
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Final

from sm_assets import sources
from sm_assets.contracts import TABLES
from sm_assets.defs.made_from import source_of
from sm_assets.defs.sql import judgement_file, shared_files, table_files

_READER_VERSION: Final = re.compile(r'^READER_VERSION\b[^=\n]*= "([^"\n]*)"', re.MULTILINE)
_TOKEN: Final = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\w+|[^\w\s]", re.DOTALL)


@cache
def code_version(table: str) -> str:
    """Version of the code that makes a table, like `1.5f0c2a9e1b7d`."""
    contract = TABLES[table]
    known = hashlib.blake2b(digest_size=6)
    columns = ", ".join(f"{column.name} {column.duckdb_type}" for column in contract.columns)
    known.update(f"{columns}\n{', '.join(contract.key)}\n".encode())
    if contract.layer == "raw":
        known.update(f"{reader_version(source_of(table))}\n".encode())
    if table in table_files():
        judgement = judgement_file(table)
        for path in (table_files()[table], *([judgement] if judgement else [])):
            for each in (path, *shared_files(path)):
                known.update(f"{each.stem}\n{normalised(each)}\n".encode())
    return f"{contract.version}.{known.hexdigest()}"


def reader_version(source_name: str) -> str:
    """`READER_VERSION` of a reader, out of its text: to import readers loads kernels."""
    text = Path(sources.__file__).with_name(f"{source_name}.py").read_text(encoding="utf-8")
    found = _READER_VERSION.search(text)
    # As `sources.convert` has it where a reader says nothing.
    return found[1] if found else "1"


def normalised(path: Path) -> str:
    """The SELECT of a file as its tokens: without comments, whatever the white space, small letters outside quotes."""
    tokens = (token for token in _TOKEN.findall(path.read_text(encoding="utf-8")) if token[:2] not in ("--", "/*"))
    return " ".join(token if token[0] in "'\"" else token.lower() for token in tokens)
