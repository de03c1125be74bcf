"""SIGKILL of a run's process, of the daemon and of the webserver while days are made; then the same days again.

Here: the real servers, killed one after the other over one lake, and what is left. Not here: kills at chosen points of
one process (`test_kills`, `test_crash`).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from conftest import digests, some_posts, write_export
from serving import Server, instance_folder, processes_of, wait_for

from sm_assets.defs.run import materialise_range
from sm_assets.settings import Settings

pytestmark = pytest.mark.e2e

FIRST, LAST = date(2021, 7, 1), date(2021, 7, 4)
TABLES = (
    "raw_crowdtangle__posts", "raw_crowdtangle__rejects", "stg_crowdtangle__posts", "stg_crowdtangle__accounts",
    "stg_crowdtangle__post_links", "stg_crowdtangle__post_hashtags", "stg_crowdtangle__post_mentions",
    "stg_crowdtangle__post_media_text", "core_posts", "core_post_links",
)  # fmt: skip
LAUNCH = """mutation($tables: [AssetKeyInput!], $first: String!, $last: String!) { launchRun(executionParams: {
    selector: {repositoryName: "__repository__", repositoryLocationName: "sm_assets", pipelineName: "whole_chain",
               assetSelection: $tables},
    runConfigData: {}, executionMetadata: {tags: [
      {key: "dagster/asset_partition_range_start", value: $first},
      {key: "dagster/asset_partition_range_end", value: $last}
    ]} }) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
RUN = """query($id: ID!) { runOrError(runId: $id) { ... on Run { status stepStats { stepKey status } } }
    logsForRun(runId: $id) { ... on EventConnection { events { ... on MessageEvent { message } } } } }"""
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}
PID = re.compile(r"process for run \(pid: (\d+)\)")


@pytest.fixture(scope="module")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("killed") / "data"
    write_export(root / "landing" / "crowdtangle" / "export.csv", some_posts(FIRST, 4, pages=6))
    return root


@pytest.fixture(scope="module")
def in_process(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The same days as one run that nobody disturbs makes them."""
    root = tmp_path_factory.mktemp("undisturbed") / "data"
    shutil.copytree(data_root / "landing", root / "landing")
    with dg.DagsterInstance.ephemeral() as instance:
        settings = Settings.from_env({}, data_root=str(root))
        assert materialise_range(settings, FIRST, LAST, tables=TABLES, instance=instance, log_level="ERROR")
    return digests(root)


@pytest.fixture
def server(data_root: Path) -> Iterator[Server]:
    with Server(instance_folder(data_root.parent / "home"), data_root) as served:
        served.wait_until_up()
        yield served


def launched(server: Server) -> str:
    """Id of a run of all tables over all days that has begun its first step."""
    tables = [{"path": [name]} for name in TABLES]
    asked = {"tables": tables, "first": str(FIRST), "last": str(LAST)}
    answer = server.ask(LAUNCH, asked)["data"]["launchRun"]
    assert answer["__typename"] == "LaunchRunSuccess", answer
    run_id: str = answer["run"]["runId"]
    wait_for("its first step", lambda: [step for step in told(server, run_id)["stepStats"] if step["status"]])
    return run_id


def told(server: Server, run_id: str) -> dict[str, Any]:
    answer = server.ask(RUN, {"id": run_id})["data"]
    events = answer["logsForRun"].get("events", [])
    return answer["runOrError"] | {"words": "\n".join(event.get("message") or "" for event in events)}


def killed(server: Server, part: str) -> None:
    """SIGKILL for the processes whose command line holds `part`; `make serve` then ends by itself, all of it."""
    victims = [pid for pid, command in server.processes().items() if part in command]
    assert victims, server.processes()
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    wait_for(f"the end of `make serve` after the death of {part}", lambda: server.process.poll() is not None)
    wait_for("the end of all that it started", lambda: not processes_of(server.home))


def test_the_run_fails_whose_process_was_killed(server: Server) -> None:
    run_id = launched(server)
    found = PID.search(told(server, run_id)["words"])
    assert found, told(server, run_id)["words"]
    os.kill(int(found.group(1)), signal.SIGKILL)
    wait_for("the run is told as failed", lambda: told(server, run_id)["status"] in ENDED)
    assert told(server, run_id)["status"] == "FAILURE"


@pytest.mark.parametrize("part", ["_daemon", "dagster_webserver"])
def test_serving_ends_with_one_of_its_servers(server: Server, part: str) -> None:
    launched(server)
    killed(server, part)


def test_the_same_days_again_are_whole_and_nothing_is_left(
    server: Server, data_root: Path, in_process: dict[str, str]
) -> None:
    run_id = launched(server)
    wait_for("the end of the run", lambda: told(server, run_id)["status"] in ENDED)
    assert told(server, run_id)["status"] == "SUCCESS", told(server, run_id)["words"]
    assert digests(data_root) == in_process
    left = [path.name for path in (data_root / "lake" / "_staging").iterdir()]
    assert not [name for name in left if not name.startswith("duckdb")], "unfinished work of killed processes"
