"""Contracts of the tables of kinds of accounts by how they describe themselves.

Here: the membership table. Not here: words, medoids, ids and maps of its clusters (`clusters`).
"""

from __future__ import annotations

from sm_assets.contracts.schema import Table

TABLES: tuple[Table, ...] = ()
