"""Marks of a day's file of estimated exposures: whether they were estimated, and what was left out at the cap.

Here: writing and reading both. Not here: the asset (`assets.estimated_exposures`), how exposures are estimated
(`sm_assets.analysis.exposures`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Final

from sm_assets.storage import Lake

EXPOSURES: Final = "out_estimated_exposures"
_ESTIMATED: Final = "sm.exposures"
_OVER_CAP: Final = "sm.exposures_over_cap"


def exposure_marks(over_cap: Mapping[int, int] | None) -> dict[str, str]:
    """Metadata of a day's file.

    Args:
        over_cap: persona -> exposures left out at the cap; None: nothing was estimated.
    """
    if over_cap is None:
        return {_ESTIMATED: "false"}
    return {_ESTIMATED: "true", _OVER_CAP: json.dumps(over_cap)}


def were_estimated(lake: Lake, day: date) -> bool:
    """Whether exposures of an as-of day were estimated; not so where there is no file."""
    return _marks(lake, day).get(_ESTIMATED) == "true"


def left_out_at_cap(lake: Lake, day: date) -> dict[int, int]:
    """Persona -> exposures of an as-of day that were left out at the cap; empty where nothing was estimated."""
    return {int(number): n for number, n in json.loads(_marks(lake, day).get(_OVER_CAP, "{}")).items()}


def _marks(lake: Lake, day: date) -> Mapping[str, str]:
    return lake.metadata(EXPOSURES, day) if lake.ref(EXPOSURES, [day]).days else {}
