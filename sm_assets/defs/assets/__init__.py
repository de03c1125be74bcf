"""The assets: one module per way of making tables.

Here: declarations and bodies of a few lines. `all_assets` gathers them for the definitions.
"""

from __future__ import annotations

import dagster as dg

from sm_assets.defs.assets import contents, cosharing, language, raw, report, sql
from sm_assets.storage import Lake


def all_assets(lake: Lake) -> list[dg.AssetsDefinition]:
    """Every asset over one lake, raw to out."""
    return [
        *raw.assets(lake),
        *sql.assets(lake),
        contents.asset(lake),
        language.asset(lake),
        cosharing.asset(lake),
        report.asset(lake),
    ]
