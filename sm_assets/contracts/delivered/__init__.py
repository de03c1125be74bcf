"""What the sources' files deliver: one module per source, with its own columns and its kinds of records.

Here: `DELIVERED`, the list of them. Not here: any column that several sources share (`sm_assets.contracts.columns`).
"""

from __future__ import annotations

from types import ModuleType

from sm_assets.contracts.delivered import bluesky, crowdtangle, edges, tiktok, twitter
from sm_assets.contracts.schema import Column

DELIVERED: dict[str, ModuleType] = {
    "crowdtangle": crowdtangle,
    "bluesky": bluesky,
    "twitter": twitter,
    "tiktok": tiktok,
    "edges": edges,
}
COLUMNS: dict[str, Column] = {
    f"{source}.{name}": column for source, module in DELIVERED.items() for name, column in module.COLUMNS.items()
}
