"""Runs whose process is gone are told as failed by the daemon; those of living processes are left alone."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster._daemon.monitoring import concurrency
from dagster._daemon.monitoring.run_monitoring import execute_run_monitoring_iteration
from serving import instance_folder

from sm_assets.defs import worker_health
from sm_assets.defs.worker_health import GONE


@dg.job
def nothing() -> None:
    """A job without steps."""


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    home = instance_folder(tmp_path_factory.mktemp("health") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home))
        with dg.DagsterInstance.from_config(str(home)) as made:
            yield made


@pytest.fixture
def ended() -> int:
    """The id of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def started(instance: dg.DagsterInstance, *pids: int) -> str:
    """A run under way in these processes."""
    run = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED)
    for pid in pids:
        instance.report_engine_event("Started process for run.", run, EngineEventData.in_process(pid))
    return run.run_id


def look(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    """The status of a run after the daemon has looked at all."""
    with WorkspaceProcessContext(instance, EmptyWorkspaceTarget()) as workspace:
        assert not any(execute_run_monitoring_iteration(workspace, logging.getLogger("test")))
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_a_run_whose_process_is_gone_fails_and_says_what_to_do(instance: dg.DagsterInstance, ended: int) -> None:
    run_id = started(instance, ended)
    assert look(instance, run_id) == dg.DagsterRunStatus.FAILURE
    told = [event.message for event in instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE)]
    assert any(GONE in message for message in told)


def test_a_run_of_a_living_process_is_left_alone(instance: dg.DagsterInstance, ended: int) -> None:
    # As `dg launch` and `sm-assets demo` do it, beside the servers.
    assert look(instance, started(instance, os.getpid())) == dg.DagsterRunStatus.STARTED
    assert look(instance, started(instance, os.getpid(), ended)) == dg.DagsterRunStatus.STARTED


def test_a_run_that_names_no_process_yet_is_left_alone(instance: dg.DagsterInstance) -> None:
    assert look(instance, started(instance)) == dg.DagsterRunStatus.STARTED


def test_a_run_in_process_names_its_process(instance: dg.DagsterInstance) -> None:
    run_id = nothing.execute_in_process(instance=instance).run_id
    events = instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    assert os.getpid() in {worker_health._pid(event) for event in events}


def test_the_places_in_pools_of_such_a_run_are_free_again(
    instance: dg.DagsterInstance, ended: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = started(instance, ended)
    slots = instance.event_log_storage
    slots.initialize_concurrency_limit_to_default("gpu")
    slots.claim_concurrency_slot("gpu", run_id, "a_step")
    assert slots.get_concurrency_run_ids() == {run_id}
    assert look(instance, run_id) == dg.DagsterRunStatus.FAILURE
    now = datetime.now(UTC)
    monkeypatch.setattr(concurrency, "get_current_datetime", lambda: now + timedelta(hours=1))
    with WorkspaceProcessContext(instance, EmptyWorkspaceTarget()) as workspace:
        assert not any(concurrency.execute_concurrency_slots_iteration(workspace, logging.getLogger("test")))
    assert slots.get_concurrency_run_ids() == set()


def test_another_process_with_the_same_id_is_another() -> None:
    assert worker_health._lives(os.getpid(), time.time())
    began = worker_health._began(os.getpid())
    if began is not None:
        assert began < time.time()
        assert not worker_health._lives(os.getpid(), began - 3600)
