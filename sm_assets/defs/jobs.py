"""Jobs: what people start by name.

Here: selections. Not here: schedules.
"""

from __future__ import annotations

import dagster as dg

WHOLE_CHAIN = "whole_chain"


def all_jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """Every job."""
    return [
        dg.define_asset_job(
            WHOLE_CHAIN,
            selection=dg.AssetSelection.all(),
            description="Every table for a range of days: from landing files to networks, communities, personas.",
        )
    ]
