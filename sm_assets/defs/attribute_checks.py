"""Checks of models of account attributes that no SELECT can make: what their files say.

Here: models that learned from accounts that are gone, or whose files are. Not here: other checks (`checks`).
"""

import dagster as dg

from sm_assets.defs.attribute_stored import MODELS, STANDING, chosen_models, left_models, stale_labels
from sm_assets.defs.metadata import counts_table
from sm_assets.defs.sql import upstreams
from sm_assets.storage import Lake


def stale_check(lake: Lake) -> dg.AssetChecksDefinition:
    """The check over one lake; of all days, as withdrawals reach back."""

    @dg.asset_check(
        asset=MODELS,
        name="no_stale_labels",
        description="No model that is there learned from accounts that are gone, or lacks its files; else materialise "
        "the models of its day again, of any day if it is of none.",
        additional_deps=sorted(upstreams(STANDING)),
    )
    def check() -> dg.AssetCheckResult:
        with lake.connect() as con:
            models = chosen_models(con, lake)
            stale = stale_labels(con, lake, models, left_models(lake, models))
        return dg.AssetCheckResult(
            passed=not stale,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"stale_labels": counts_table(stale, "model", "accounts that are gone; -1: no manifest")}
            if stale
            else {},
        )

    return check
