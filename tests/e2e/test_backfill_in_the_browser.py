"""One `make serve` from first to last: what it says, its port, a backfill through the UI, the lake, Ctrl-C.

Here: the way of a person through the UI, and the same days in process beside it. Not here: what tables hold.
"""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from browser import chromium, visit
from conftest import digests, some_posts, write_export
from playwright.sync_api import expect
from serving import PATIENCE, Server, instance_folder, make, wait_for

from sm_assets.defs.run import materialise_range
from sm_assets.settings import Settings

pytestmark = pytest.mark.e2e

FIRST, LAST = date(2021, 7, 1), date(2021, 7, 8)
GROUP = "cosharing"
BACKFILLS = """{ partitionBackfillsOrError(limit: 5) { ... on PartitionBackfills { results {
    id status assetSelection { path } runs(limit: 20) { id status stats { ... on RunStatsSnapshot { stepsFailed } } }
} } } }"""

LAUNCH = """mutation($first: String!, $last: String!) { launchRun(executionParams: {
    selector: {repositoryName: "__repository__", repositoryLocationName: "sm_assets", pipelineName: "whole_chain"},
    runConfigData: {}, executionMetadata: {tags: [
      {key: "dagster/asset_partition_range_start", value: $first},
      {key: "dagster/asset_partition_range_end", value: $last}
    ]} }) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
STEPS = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status stepStats { stepKey status } } } }"


@pytest.fixture(scope="module")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("served") / "data"
    rows = some_posts(FIRST, (LAST - FIRST).days + 1, pages=6)
    write_export(root / "landing" / "crowdtangle" / "export.csv", rows)
    return root


@pytest.fixture(scope="module")
def server(data_root: Path) -> Iterator[Server]:
    chromium()
    with Server(instance_folder(data_root.parent / "home"), data_root) as served:
        served.wait_until_up()
        yield served


def test_the_greeting_says_where_it_is_and_what_to_do_first(server: Server, data_root: Path) -> None:
    said = "".join(server.said)
    assert said.startswith("Starting the web UI")
    assert f"The web UI is up: {server.url} (on this machine only; Ctrl-C ends it)." in said
    assert f"files lie in {data_root}/landing, but no table is made yet" in said
    assert "Warning" not in said
    assert "data" in server.ask("{ version }")


def test_no_port_is_open_but_one_on_this_machine(server: Server) -> None:
    assert len(server.processes()) >= 4, "the UI, the daemon, the code server and its child"
    assert server.listening() == {f"127.0.0.1:{server.port}"}


def test_a_second_one_is_refused(server: Server, data_root: Path) -> None:
    second = make("serve", f"PORT={server.port}", f"DATA_ROOT={data_root}", f"DAGSTER_HOME={server.home}")
    said, _ = second.communicate(timeout=PATIENCE)
    assert second.returncode
    assert f"Port {server.port} is not free on 127.0.0.1" in said
    assert f"PORT={server.port + 1}" in said
    beside = make("serve", f"PORT={server.port + 1}", f"DATA_ROOT={data_root}", f"DAGSTER_HOME={server.home}")
    said, _ = beside.communicate(timeout=PATIENCE)
    assert beside.returncode
    assert f"Another `make serve` works with {server.home}" in said


def backfill(server: Server) -> dict[str, Any]:
    found: list[dict[str, Any]] = server.ask(BACKFILLS)["data"]["partitionBackfillsOrError"]["results"]
    return found[0] if found else {}


def test_a_range_of_days_through_the_ui_is_what_it_is_in_process(
    server: Server, data_root: Path, tmp_path: Path
) -> None:
    with visit(server.url) as here:
        page = here.page
        here.look("start")
        page.locator('a[href="/asset-groups"]').first.click()
        expect(page.get_by_text(GROUP, exact=True).first).to_be_visible()
        here.look("all-groups")

        # The group with all that it is made from.
        page.locator(".CodeMirror").first.click()
        page.keyboard.type(f'+group:"{GROUP}"')
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("group"))
        expect(page.get_by_text("audience", exact=True)).to_have_count(0)
        here.look("group-and-upstream")

        page.get_by_role("button", name="Materialize all").first.click()
        confirm = page.get_by_role("button", name="Confirm")
        dialog = page.get_by_role("dialog").filter(has_text="Launch runs to materialize")
        expect(confirm.or_(dialog).first).to_be_visible()
        if confirm.is_visible():
            here.look("additional-assets")
            confirm.click()
        dialog.get_by_text("Show all partitions").click()
        days = dialog.locator("input[type=text]").first
        days.fill(f"[{FIRST}...{LAST}]")
        days.press("Enter")
        expect(dialog.get_by_text("8 partitions", exact=True)).to_be_visible()
        here.look("range-of-days")
        dialog.get_by_role("button", name="Launch backfill").click()
        made = wait_for("a backfill", lambda: backfill(server))
        here.look("launched")

        page.goto(f"{server.url}/runs/b/{made['id']}")
        wait_for("its first run", lambda: backfill(server)["runs"])
        here.look("in-progress")
        ended = wait_for("the end of the backfill", lambda: finished(server), 3600, every=3)
        expect(page.get_by_text("Completed").first).to_be_visible()
        here.look("completed")
        page.goto(f"{server.url}/runs")
        here.look("runs")
        page.goto(f"{server.url}/locations/sm_assets/asset-groups/{GROUP}/lineage")
        here.look("group-afterwards")
        page.goto(f"{server.url}/assets/out_cosharing_clusters")
        here.look("asset")
        page.goto(f"{server.url}/assets/out_cosharing_clusters?view=checks")
        here.look("checks")

    assert ended["status"] == "COMPLETED_SUCCESS", ended
    assert {run["status"] for run in ended["runs"]} == {"SUCCESS"}
    assert len(ended["runs"]) == 2, "events, then snapshots"
    assert all(run["stats"]["stepsFailed"] == 0 for run in ended["runs"])

    beside = tmp_path / "data"
    shutil.copytree(data_root / "landing", beside / "landing")
    tables = [key["path"][-1] for key in ended["assetSelection"]]
    settings = Settings.from_env({}, data_root=str(beside))
    with dg.DagsterInstance.ephemeral() as instance:
        assert materialise_range(settings, FIRST, LAST, tables=tables, instance=instance, log_level="ERROR")
    through_the_ui = digests(data_root)
    assert any("out_cosharing_clusters" in name for name in through_the_ui)
    assert through_the_ui == digests(beside)
    assert rows_of_all_views(data_root) == rows_of_all_views(beside)


def finished(server: Server) -> dict[str, Any]:
    found = backfill(server)
    return found if found["status"] not in {"REQUESTED", "CANCELING"} else {}


def rows_of_all_views(data_root: Path) -> dict[str, list[tuple[Any, ...]]]:
    with duckdb.connect(str(data_root / "catalog.duckdb"), read_only=True) as con:
        names = [name for (name,) in con.sql("select view_name from duckdb_views() where not internal").fetchall()]
        found = {name: con.sql(f'select * from "{name}" order by all').fetchall() for name in names}
    assert found["out_cosharing_members"]
    return found


def test_ctrl_c_in_the_middle_of_a_run_ends_everything_and_keeps_whole_days(
    server: Server, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digests(data_root)
    launched = server.ask(LAUNCH, {"first": str(FIRST), "last": str(LAST)})["data"]["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run_id = launched["run"]["runId"]

    def steps() -> list[dict[str, Any]]:
        run = server.ask(STEPS, {"id": run_id})["data"]["runOrError"]
        return [step for step in run["stepStats"] if step["status"]]

    wait_for("its first step", steps)
    assert server.end(signal.SIGINT, whole_group=True) in {0, 2, -signal.SIGINT}
    assert server.processes() == {}
    said = "".join(server.said)
    assert "Stopping" in said
    assert "Traceback" not in said
    monkeypatch.setenv("DAGSTER_HOME", str(server.home))
    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status in {dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}
    assert before.items() <= digests(data_root).items()
