"""Checks of models of account attributes that no SELECT can make: what their files say.

Here: models that learned from accounts that are gone, or whose files are. Not here: other checks (`checks`).
"""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from sm_assets.defs.attribute_stored import MODELS, STANDING, chosen_models, left_models, stale_labels
from sm_assets.defs.checking import Check, Group
from sm_assets.defs.metadata import counts_table
from sm_assets.defs.sql import upstreams
from sm_assets.storage import Lake


def stale_labels_group(lake: Lake) -> Group:
    """The check over one lake; of all days, as withdrawals reach back."""
    check = Check(
        table=MODELS,
        name="no_stale_labels",
        holds="No model that is there learned from accounts that are gone, or lacks its files.",
        what_to_do=f"Materialise {MODELS} again for the days of the models named here; for any day if one is of none.",
        warns=True,
        reads=upstreams(STANDING),
    )

    def judge(_: list[date] | None) -> Iterator[dg.AssetCheckResult]:
        with lake.connect() as con:
            models = chosen_models(con, lake)
            stale = stale_labels(con, lake, models, left_models(lake, models))
        told = (
            {"stale_labels": counts_table(stale, "model", "accounts that are gone; -1: no manifest")} if stale else {}
        )
        yield check.result(passed=not stale, **told)

    return Group((check,), judge)
