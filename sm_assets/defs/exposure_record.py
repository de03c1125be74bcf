"""What stands behind a day's estimated exposures, kept in the footer of its file.

Here: writing and reading the record. Not here: the asset (`assets.estimated_exposures`), how exposures are estimated
(`sm_assets.analysis.exposures`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Final

from sm_assets.storage import Lake

EXPOSURES: Final = "out_estimated_exposures"
_RECORD: Final = "sm.exposures_record"


@dataclass(frozen=True, slots=True)
class ExposureRecord:
    """How the exposures of one as-of day were estimated.

    Attributes:
        params_hash: over the rules and the snapshot of personas.
        rules: by which they were estimated.
        over_cap: persona -> exposures left out at the cap.
    """

    params_hash: str
    rules: dict[str, Any]
    over_cap: dict[int, int] = field(default_factory=dict)

    def made_by(self) -> dict[str, Any]:
        """What decides the rows beside the tables."""
        return {"params_hash": self.params_hash, "rules": self.rules}


def exposure_metadata(record: ExposureRecord | None) -> dict[str, str]:
    """Metadata of a day's file; None: nothing was estimated."""
    return {_RECORD: json.dumps(record and asdict(record), sort_keys=True)}


def exposure_record(lake: Lake, day: date) -> ExposureRecord | None:
    """The record of an as-of day; None where nothing was estimated or no file is there."""
    if not lake.ref(EXPOSURES, [day]).days:
        return None
    told = json.loads(lake.metadata(EXPOSURES, day).get(_RECORD, "null"))
    if told is None:
        return None
    return ExposureRecord(**told | {"over_cap": {int(number): n for number, n in told["over_cap"].items()}})
