"""Columns of the tables of what a conversation looks like as a whole: volumes over time, frequent word sequences.

Here: the part of the registry that `columns` takes in; `<group>.<name>` where the name means something else elsewhere.
Not here: which table has which column.
"""

from __future__ import annotations

from sm_assets.contracts.schema import Column

COLUMNS: tuple[Column, ...] = ()

# Names that mean something else in another table.
HOMONYMS: dict[str, Column] = {}
