"""Contracts of the tables of hashtags and suggested words by theme, and posts that a user's lists point out.

Here: tables keyed by tag or post. Not here: words and ids of the clusters (`clusters`).
"""

from __future__ import annotations

from sm_assets.contracts.schema import Table

TABLES: tuple[Table, ...] = ()
