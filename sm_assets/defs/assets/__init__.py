"""The assets: one module per way of making tables.

Here: declarations and bodies of a few lines. `all_assets` gathers them for the definitions.
"""

from __future__ import annotations

import dagster as dg

from sm_assets.defs.assets import (
    audience_communities,
    audience_sketches,
    audiences,
    contents,
    cosharing,
    follow_keys,
    influencer_search,
    language,
    raw,
    report,
    sql,
)
from sm_assets.storage import Lake


def all_assets(lake: Lake) -> list[dg.AssetsDefinition]:
    """Every asset over one lake, raw to out."""
    return [
        *raw.assets(lake),
        *sql.assets(lake),
        contents.asset(lake),
        language.asset(lake),
        cosharing.asset(lake),
        follow_keys.asset(lake),
        audience_sketches.asset(lake),
        audiences.asset(lake),
        audience_communities.asset(lake),
        influencer_search.asset(lake),
        report.asset(lake),
    ]
