"""Contracts of the tables of what a conversation looks like as a whole: volumes over time, frequent word sequences.

Here: tables keyed by time or by word sequence. Not here: clusters, accounts.
"""

from __future__ import annotations

from sm_assets.contracts.schema import Table

TABLES: tuple[Table, ...] = ()
