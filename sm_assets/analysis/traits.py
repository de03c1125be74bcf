"""Traits of accounts: the numbers that models of attributes are trained on.

Here: their names, and putting the parts of a window together. Not here: what each trait means
(`sm_assets.contracts.attribute_columns`), counting over the window (sql/inputs/out_account_traits*.sql).
"""

from __future__ import annotations

from typing import Final

from sm_assets.contracts.attribute_columns import TRAIT_COLUMNS

TRAITS: Final = tuple(column.name for column in TRAIT_COLUMNS)
"""Names of the traits, in the order of the table; all float64, null where they are not known."""
