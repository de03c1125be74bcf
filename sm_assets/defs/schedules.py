"""Schedules: what runs by the clock. All are off until somebody switches them on.

Here: cron lines and which days a tick asks for. Not here: what the jobs do (`jobs`), arrivals of files (`sensors`).
"""

from __future__ import annotations

import dagster as dg

from sm_assets.storage import Lake


def all_schedules(lake: Lake) -> list[dg.ScheduleDefinition]:
    """Every schedule over one lake."""
    return []
