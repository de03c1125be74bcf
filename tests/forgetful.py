"""An instance of Dagster that keeps nothing but what the last run told of its tables.

Here: where most runs of tests are recorded. To store events and to ask for those of upstream tables is a third of the
cost of a run over few rows. Not here: runs that are asked for more than `get_latest_materialization_event`; they have
an instance of their own (`DagsterInstance.ephemeral`).
"""

from __future__ import annotations

import atexit
from collections.abc import Sequence
from functools import cache
from typing import Any

import dagster as dg
from dagster._core.instance.types import InstanceType
from dagster._core.launcher.sync_in_memory_run_launcher import SyncInMemoryRunLauncher
from dagster._core.run_coordinator import DefaultRunCoordinator
from dagster._core.storage.event_log import InMemoryEventLogStorage
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from dagster._core.storage.root import TemporaryLocalArtifactStorage
from dagster._core.storage.runs import InMemoryRunStorage


class _NoEvents(InMemoryEventLogStorage):
    """Takes every event and has none, but for the last materialisation of each table."""

    def __init__(self) -> None:
        super().__init__()
        self.latest: dict[dg.AssetKey | None, dg.EventLogEntry] = {}

    def store_event(self, event: dg.EventLogEntry) -> None:
        """Forget all but materialisations."""
        if event.dagster_event is not None and event.dagster_event.is_step_materialization:
            self.latest[event.dagster_event.asset_key] = event

    def get_asset_records(self, asset_keys: Sequence[dg.AssetKey] | None = None) -> list[Any]:  # noqa: ARG002
        """No table was ever made."""
        return []

    def fetch_observations(self, *_: Any, **__: Any) -> dg.EventRecordsResult:
        """Nothing was ever seen."""
        return dg.EventRecordsResult([], "", has_more=False)


class _Forgetful(dg.DagsterInstance):
    """Stays open, whoever leaves it: one serves all runs of a process. Keeps no copy of the jobs."""

    def create_run_for_job(self, job_def: dg.JobDefinition, **named: Any) -> dg.DagsterRun:
        """A run of the job."""
        self._event_storage.latest.clear()
        kept = {name: named[name] for name in ("run_config", "tags", "asset_selection") if named.get(name)}
        return self.run_storage.add_run(dg.DagsterRun(job_def.name, **kept))

    def get_latest_materialization_event(self, asset_key: dg.AssetKey) -> dg.EventLogEntry | None:
        """What the last run told of a table."""
        return self._event_storage.latest.get(asset_key)

    def __exit__(self, *_: object) -> None:
        """Stay."""


@cache
def forgetful() -> dg.DagsterInstance:
    """The instance for runs whose events nobody asks for."""
    made = _Forgetful(
        instance_type=InstanceType.EPHEMERAL,
        local_artifact_storage=TemporaryLocalArtifactStorage(),
        run_storage=InMemoryRunStorage(),
        event_storage=_NoEvents(),
        compute_log_manager=NoOpComputeLogManager(),
        run_coordinator=DefaultRunCoordinator(),
        run_launcher=SyncInMemoryRunLauncher(),
    )
    atexit.register(made.dispose)
    return made
