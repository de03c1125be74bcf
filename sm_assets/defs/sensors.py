"""Sensors: what runs when something changed. All are off until somebody switches them on.

Here: which there are. Not here: how each decides (`landing_sensor`, `stale_sensor`).
"""

from __future__ import annotations

import dagster as dg

from sm_assets.defs.landing_sensor import landing_sensor
from sm_assets.defs.stale_sensor import stale_sensor
from sm_assets.storage import Lake


def all_sensors(lake: Lake) -> list[dg.SensorDefinition]:
    """Every sensor over one lake."""
    return [
        landing_sensor(lake),
        stale_sensor(lake),
    ]
