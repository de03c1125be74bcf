"""Materialising a range of days in this process, for the command line and the tests.

Here: one run of a job through Dagster, recorded in its instance so that the UI shows it. Not here: what the job does.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext, suppress
from datetime import date
from functools import lru_cache
from typing import Any, Final

import dagster as dg
from dagster._core.errors import DagsterHomeNotSetError

from sm_assets.analysis.embedder import Embedder
from sm_assets.defs.jobs import WHOLE_CHAIN
from sm_assets.defs.wiring import build_defs
from sm_assets.settings import Settings

_PLANNED: Final = {
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
}
_ENDED: Final = {
    dg.DagsterEventType.STEP_SUCCESS,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.STEP_SKIPPED,
}


@lru_cache(maxsize=2)
def whole_chain(settings: Settings, embedder: Embedder | None = None) -> dg.JobDefinition:
    """The job over all tables of one data root; it takes as long as a short run to build, and is kept for the next."""
    return build_defs(settings=settings, embedder=embedder).resolve_job_def(WHOLE_CHAIN)


def materialise_range(
    settings: Settings,
    first_day: date,
    last_day: date,
    *,
    tables: Iterable[str] | None = None,
    run_config: Mapping[str, Any] | None = None,
    instance: dg.DagsterInstance | None = None,
    raise_on_error: bool = False,
    log_level: str = "WARNING",
    embedder: Embedder | None = None,
    on_step: Callable[[str, int, int], None] | None = None,
) -> bool:
    """Materialise the chain from `first_day` to `last_day` as one run.

    Args:
        settings: data root, window and limits.
        first_day: first day of the range, UTC.
        last_day: last day, included.
        tables: only these; None: all.
        run_config: config of single steps, as Dagster takes it.
        instance: where the run is recorded; None: the instance of DAGSTER_HOME, or one that is forgotten afterwards
            where that is not set.
        log_level: what the run prints: DEBUG, INFO, WARNING, ERROR.
        embedder: takes the place of the configured text model.
        raise_on_error: let the error of a failed step through instead of returning false.
        on_step: called when a step begins, with its name, how many ended before it and how many there are.

    Returns:
        Whether all steps and all error-level checks succeeded.
    """
    resolved = whole_chain(settings, embedder)  # type: ignore[arg-type]  # embedders hash by identity
    with nullcontext(instance) if instance is not None else _instance() as used:
        run_id = str(uuid.uuid4())
        if on_step is not None:
            used.add_event_listener(run_id, _counting(on_step))
        result = resolved.execute_in_process(
            run_id=run_id,
            run_config={"loggers": {"console": {"config": {"log_level": log_level}}}} | dict(run_config or {}),
            tags={
                "dagster/asset_partition_range_start": str(first_day),
                "dagster/asset_partition_range_end": str(last_day),
            },
            asset_selection=None if tables is None else [dg.AssetKey(name) for name in tables],
            instance=used,
            raise_on_error=raise_on_error,
        )
        return result.success and not failed_checks(result)


def _counting(on_step: Callable[[str, int, int], None]) -> Callable[[dg.EventLogEntry], None]:
    """A listener of a run's events: all its steps are announced before the first one begins."""
    planned: set[str] = set()
    ended: set[str] = set()

    def heard(event: dg.EventLogEntry) -> None:
        step, kind = event.step_key, event.dagster_event_type
        if step is None:
            return
        if kind in _PLANNED:
            planned.add(step)
        elif kind == dg.DagsterEventType.STEP_START:
            # Nobody reads on, or the disk is full that it is written to: no reason for a step to fail.
            with suppress(OSError):
                on_step(step, len(ended), len(planned))
        elif kind in _ENDED:
            ended.add(step)

    return heard


def failed_checks(result: dg.ExecuteInProcessResult) -> list[str]:
    """`table: check` of every check that failed as an error."""
    return [
        f"{check.asset_key.to_user_string()}: {check.check_name}"
        for check in result.get_asset_check_evaluations()
        if not check.passed and check.severity == dg.AssetCheckSeverity.ERROR
    ]


def _instance() -> dg.DagsterInstance:
    try:
        return dg.DagsterInstance.get()
    except DagsterHomeNotSetError:
        return dg.DagsterInstance.ephemeral()
