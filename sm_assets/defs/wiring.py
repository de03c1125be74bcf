"""All definitions over one data root.

Here: assets, checks, jobs, schedules, sensors, IO put together. Not here: the code location's entry point
(`sm_assets.definitions`).
"""

from __future__ import annotations

import warnings
from typing import Any

import dagster as dg
from dagster import BetaWarning

from sm_assets.analysis.embedder import Embedder
from sm_assets.defs.assets import all_assets
from sm_assets.defs.assets.declare import IO_MANAGER
from sm_assets.defs.checks import all_checks
from sm_assets.defs.housekeeping import housekeeping_job, housekeeping_schedule
from sm_assets.defs.io import LakeIOManager
from sm_assets.defs.jobs import all_jobs
from sm_assets.defs.schedules import all_schedules
from sm_assets.defs.sensors import all_sensors
from sm_assets.settings import Settings
from sm_assets.storage import Lake


def build_defs(
    settings: Settings | None = None, *, embedder: Embedder | None = None, **overrides: Any
) -> dg.Definitions:
    """All definitions over one data root.

    Args:
        settings: None: from the environment.
        embedder: takes the place of the configured text model. Tests and users of the library bring their own.
        overrides: fields of the settings that win over the environment.
    """
    lake = Lake(settings or Settings.from_env(**overrides))
    with warnings.catch_warnings():
        # Backfill policies have been called beta in every release since 2023; each asset would print the warning.
        warnings.simplefilter("ignore", BetaWarning)
        assets = all_assets(lake, embedder)
    cleaning = housekeeping_job(lake)
    return dg.Definitions(
        assets=assets,
        asset_checks=all_checks(lake),
        jobs=[*all_jobs(lake), cleaning],
        schedules=[*all_schedules(lake), housekeeping_schedule(cleaning)],
        sensors=all_sensors(lake),
        resources={IO_MANAGER: LakeIOManager(lake)},
        # Steps are short and bring their own threads: a process for each would cost more than it runs.
        executor=dg.in_process_executor,
    )
