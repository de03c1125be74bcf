"""The rules by which posts count, where SQL can read them.

Here: the one-row table `text_rules`. Not here: the rules (`sm_assets.analysis.text_rules`).
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from sm_assets.analysis.text_rules import TextRules
from sm_assets.defs.sql import TEXT_RULES


def register(con: duckdb.DuckDBPyConnection, rules: TextRules) -> None:
    """Make the rules readable as `text_rules`: languages, kinds, platforms; one list each."""
    told = rules.told()
    con.register(TEXT_RULES, pa.table({name: pa.array([told[name]], pa.list_(pa.string())) for name in told}))
