"""Columns of the tables of hashtags and suggested words by theme, and posts that a user's lists point out.

Here: the part of the registry that `columns` takes in; `<group>.<name>` where the name means something else elsewhere.
Not here: which table has which column.
"""

from __future__ import annotations

from sm_assets.contracts.schema import Column

COLUMNS: tuple[Column, ...] = ()

# Names that mean something else in another table.
HOMONYMS: dict[str, Column] = {}
