"""Jobs: what people start by name.

Here: selections. Not here: schedules.
"""

from __future__ import annotations

import dagster as dg

COSHARING = "cosharing"


def all_jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """Every job."""
    return [
        dg.define_asset_job(
            COSHARING,
            selection=dg.AssetSelection.all(),
            description="The whole chain for a range of days: from landing files to networks of accounts.",
        )
    ]
