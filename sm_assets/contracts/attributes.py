"""Contracts of the tables of what accounts are: labels, traits, models, attributes with probabilities.

Here: tables keyed by account, and those about models. Not here: how anything comes about.
"""

from __future__ import annotations

from sm_assets.contracts.schema import Table

TABLES: tuple[Table, ...] = ()
