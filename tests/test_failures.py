"""What people see when a run fails: our sentence, not a page of traceback; and one table of several made together."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import dagster as dg
import pytest
from conftest import some_posts, write_export
from dagster._core.errors import DagsterInvalidSubsetError
from dagster._core.execution.plan.objects import ErrorSource

from sm_assets.defs.run import materialise_range
from sm_assets.defs.wiring import build_defs
from sm_assets.settings import Settings
from sm_assets.storage import Lake

FIRST = date(2021, 7, 1)
DAYS = {"dagster/asset_partition_range_start": "2021-07-01", "dagster/asset_partition_range_end": "2021-07-02"}
NETWORKS = {f"out_cosharing_{name}" for name in ("clusters", "members", "pairs", "evidence")}


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    root = tmp_path_factory.mktemp("failing") / "data"
    Path(root, "landing", "nosuch").mkdir(parents=True)
    return build_defs(Settings(data_root=str(root), profile="tiny", threads=1, start_day=date(2021, 6, 1)))


def test_tables_that_are_made_together_are_told_to_the_ui_which_adds_them(defs: dg.Definitions) -> None:
    node = defs.resolve_asset_graph().get(dg.AssetKey("out_cosharing_clusters"))
    assert {key.to_user_string() for key in node.execution_set_asset_keys} == NETWORKS


def test_one_table_alone_of_several_made_together_is_refused_with_the_others_named(defs: dg.Definitions) -> None:
    # They are of one snapshot: a table that is newer than the others would not fit them.
    job = defs.resolve_job_def("whole_chain")
    with pytest.raises(DagsterInvalidSubsetError, match=r"find_networks.*out_cosharing_members.*select all asset"):
        job.execute_in_process(tags=DAYS, asset_selection=[dg.AssetKey("out_cosharing_clusters")])


def test_a_failed_step_shows_our_sentence_first(defs: dg.Definitions) -> None:
    raw = [dg.AssetKey(f"raw_crowdtangle__{name}") for name in ("posts", "rejects")]
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def("whole_chain").execute_in_process(
            tags=DAYS, asset_selection=raw, instance=instance, raise_on_error=False
        )
        failed = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert len(failed) == 1
    error = failed[0].error
    # Of an error of ours the UI leaves Dagster's own around it out, and begins with what caused that.
    assert failed[0].error_source == ErrorSource.USER_CODE_ERROR
    assert error is not None
    assert error.cause is not None
    assert error.cause.message.startswith(
        "sm_assets.errors.LandingError: landing/nosuch/ is no known source; known are "
    )


def test_a_step_does_not_fail_for_want_of_somebody_who_listens(settings: Settings) -> None:
    write_export(Path(settings.data_root) / "landing" / "crowdtangle" / "export.csv", some_posts(FIRST, 1))
    told: list[str] = []

    def on_step(name: str, _ended: int, _steps: int) -> None:
        told.append(name)
        raise BrokenPipeError

    tables = ("raw_crowdtangle__posts", "raw_crowdtangle__rejects", "stg_crowdtangle__posts")
    with dg.DagsterInstance.ephemeral() as instance:
        assert materialise_range(settings, FIRST, FIRST, tables=tables, instance=instance, on_step=on_step)
    assert len(told) > 2
    assert Lake(settings).days("stg_crowdtangle__posts") == [FIRST]
