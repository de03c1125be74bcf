"""From features to out_cosharing_*: windows, versions of contents, checks that hold the tables together."""

from __future__ import annotations

import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import contents, digests, post, write_export
from forgetful import forgetful
from stub_embedder import StubEmbedder

from sm_assets.contracts import TABLES
from sm_assets.defs.checks import all_checks
from sm_assets.defs.run import materialise_range
from sm_assets.defs.windows import check_one_version, window_refs
from sm_assets.defs.wiring import build_defs
from sm_assets.errors import MixedContents
from sm_assets.settings import Settings
from sm_assets.storage import Lake, TableRef, day_range

FIRST, LAST = date(2021, 7, 1), date(2021, 7, 6)
# The files of the exports come from the same step as their table.
OUT = (*(name for name, table in TABLES.items() if table.layer == "out"), "report_persona_exports")
FEATURES = ("core_post_contents", "feat_account_content")


def two_networks() -> list[dict[str, object]]:
    """Pages 1 to 3 and 11 to 13 share among themselves, page 21 keeps to itself; all within six days."""
    rows = []
    for day in range(6):
        noon = datetime(2021, 7, 1 + day, 12)
        for network, pages in (("north", (1, 2, 3)), ("south", (11, 12, 13))):
            text = f"The {network} side must hear about this on day {day}, tell everybody you know!"
            rows += [post(page, 100 + day, noon + timedelta(minutes=page), text, shares=page) for page in pages]
        rows.append(post(21, 200 + day, noon))
    return rows


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """All tables of six days, with a window of four."""
    root = tmp_path_factory.mktemp("networks")
    settings = Settings(data_root=str(root), threads=1, start_day=date(2021, 6, 1), window_days=4)
    write_export(root / "landing" / "crowdtangle" / "2021-07-10-10-00-00-UTC-x.csv", two_networks())
    with forgetful() as instance:
        assert materialise_range(settings, FIRST, LAST, instance=instance, raise_on_error=True, embedder=StubEmbedder())
    return Lake(settings)


def copied(lake: Lake, tmp_path: Path) -> Lake:
    root = tmp_path / "copy"
    shutil.copytree(lake.root, root)
    made = Lake(Settings(data_root=str(root), threads=1, start_day=date(2021, 6, 1), window_days=4))
    (root / "catalog.duckdb").unlink()
    made.publish(TABLES["raw_crowdtangle__rejects"], TABLES["raw_crowdtangle__rejects"].schema.empty_table(), [FIRST])
    return made


def ask(lake: Lake, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(lake.path("catalog.duckdb"), read_only=True) as con:
        return con.sql(sql).fetchall()


def run(lake: Lake, tables: tuple[str, ...], first: date = FIRST, last: date = LAST, **options: Any) -> bool:
    with forgetful() as instance:
        return materialise_range(
            lake.settings, first, last, tables=tables, instance=instance, raise_on_error=True, **options
        )


def test_both_networks_are_found_on_every_day_that_shows_them(lake: Lake) -> None:
    assert lake.days("out_cosharing_clusters") == day_range(FIRST, LAST)
    found = ask(
        lake,
        "select day, list(account_id[-2:] order by account_id) from out_cosharing_members where status = 'member' "
        "group by day, cluster_id order by day, 2",
    )
    assert [row for row in found if row[0] == LAST] == [(LAST, ["01", "02", "03"]), (LAST, ["11", "12", "13"])]
    alone = (
        f"select status, language, n_contents from out_cosharing_members where account_id like '%21' and day = '{LAST}'"
    )
    assert ask(lake, alone) == [("unshared", "en", 4)]


def test_snapshots_look_back_over_the_window_only(lake: Lake) -> None:
    posts = "select day, min(n_posts), max(n_posts) from out_cosharing_members group by day order by day"
    assert [row[1:] for row in ask(lake, posts)] == [(1, 1), (2, 2), (3, 3), (4, 4), (4, 4), (4, 4)]
    first = ask(lake, f"select min(first_shared_at) from out_cosharing_clusters where day = '{LAST}'")
    assert first[0][0].date() == date(2021, 7, 3)


def test_no_snapshot_is_made_of_days_to_come(lake: Lake, tmp_path: Path) -> None:
    other = copied(lake, tmp_path)
    run(other, OUT, LAST, LAST + timedelta(days=3))
    assert other.days("out_cosharing_clusters") == day_range(FIRST, LAST)
    before = digests(Path(other.root))
    run(other, OUT, LAST + timedelta(days=1), LAST + timedelta(days=2))
    assert digests(Path(other.root)) == before


def test_outputs_are_a_function_of_their_inputs(lake: Lake) -> None:
    before = digests(Path(lake.root))
    run(lake, OUT, date(2021, 7, 5), LAST)
    assert digests(Path(lake.root)) == before


def test_a_window_of_mixed_contents_fails_and_names_the_days(lake: Lake, tmp_path: Path) -> None:
    other = copied(lake, tmp_path)
    compat = {"ops": {"core_post_contents": {"config": {"content_mode": "compat"}}}}
    run(other, FEATURES, date(2021, 7, 2), date(2021, 7, 3), run_config=compat)
    with pytest.raises(MixedContents, match=r"up to 2021-07-04 holds contents of .* again for 2021-07-02, 2021-07-03"):
        run(other, OUT, date(2021, 7, 4), date(2021, 7, 4))
    run(other, FEATURES, date(2021, 7, 2), date(2021, 7, 3))
    run(other, OUT)
    assert contents(Path(other.root)) == contents(Path(lake.root))


def test_versions_of_contents_may_not_mix() -> None:
    rows = [{"day": day, "content_mode": "canonical", "content_version": "2"} for day in day_range(FIRST, LAST)]
    check_one_version(rows, LAST, "canonical")
    rows[1] = rows[1] | {"content_version": "1"}
    with pytest.raises(MixedContents, match="again for 2021-07-02"):
        check_one_version(rows, LAST, "canonical")
    with pytest.raises(MixedContents, match="asked for is compat"):
        check_one_version(rows, LAST, "compat")


def test_windows_are_cut_at_both_ends() -> None:
    ref = TableRef("core_posts", tuple(day_range(FIRST, LAST)))
    assert window_refs([ref], date(2021, 7, 5), 3) == [
        TableRef("core_posts", tuple(day_range(date(2021, 7, 3), date(2021, 7, 5))))
    ]


def test_seeded_and_parameters_reach_the_tables(lake: Lake, tmp_path: Path) -> None:
    other = copied(lake, tmp_path)
    config = {"ops": {"find_networks": {"config": {"method": "seeded", "min_threshold": 0.0}}}}
    run(other, OUT, LAST, LAST, run_config=config)
    assert ask(other, f"select distinct method from out_cosharing_clusters where day = '{LAST}'") == [("seeded",)]


def test_the_asset_page_shows_counts_and_figures(lake: Lake) -> None:
    with forgetful() as instance:
        materialise_range(lake.settings, LAST, LAST, tables=OUT, instance=instance, raise_on_error=True)
        found = {}
        for name in OUT:
            event = instance.get_latest_materialization_event(dg.AssetKey(name))
            assert event is not None
            assert event.asset_materialization is not None
            found[name] = event.asset_materialization.metadata
    assert found["out_cosharing_clusters"]["network_sizes"].value.startswith("![")
    assert "data:image/svg+xml;base64," in found["out_cosharing_clusters"]["shares_over_time"].value
    assert "data:image/svg+xml;base64," in found["out_cosharing_members"]["network_graph"].value
    counts = {
        record.data["what"]: record.data["number"]
        for record in found["out_cosharing_members"]["accounts_and_contents"].records
    }
    assert counts["accounts"] == 7 == sum(n for what, n in counts.items() if what.startswith("accounts_"))


# ------------------------------------------------------------------------ checks


def evaluate(lake: Lake, first: date = FIRST, last: date = LAST) -> dict[str, bool]:
    """Every check over the range, without materialising anything."""
    definitions = build_defs(settings=lake.settings)
    checks = all_checks(lake)
    job = dg.Definitions(
        assets=definitions.assets,
        asset_checks=checks,
        resources=definitions.resources,
        jobs=[dg.define_asset_job("checks", selection=dg.AssetSelection.checks(*checks))],
        executor=dg.in_process_executor,
    ).resolve_job_def("checks")
    with forgetful() as instance:
        result = job.execute_in_process(
            tags={"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(last)},
            instance=instance,
            raise_on_error=False,
        )
    return {f"{c.asset_key.to_user_string()}: {c.check_name}": c.passed for c in result.get_asset_check_evaluations()}


def damage(lake: Lake, table: str, change: str, day: date = LAST) -> None:
    """Change a published file behind the back of storage."""
    path = lake.file(table, day)
    rows = pq.ParquetFile(path).read()
    with duckdb.connect() as con:
        con.register("published", rows)
        changed: pa.Table = con.sql(f"select * replace ({change}) from published").to_arrow_table()
    pq.write_table(changed, path)


@pytest.mark.slow
def test_checks_pass_on_what_was_published_and_find_what_was_damaged(lake: Lake, tmp_path: Path) -> None:
    other = copied(lake, tmp_path)
    fine = evaluate(other)
    assert len(fine) > 50
    assert [name for name, passed in fine.items() if not passed] == []
    damage(other, "out_cosharing_clusters", "cluster_size + 1 as cluster_size")
    damage(other, "out_cosharing_evidence", "'nobody' as account_id_b")
    damage(other, "core_posts", "'p' as post_id")
    damage(other, "feat_post_language", "cast(null as varchar) as lang")
    damage(other, "stg_crowdtangle__posts", "'myspace' as platform")
    failed = {name for name, passed in evaluate(other).items() if not passed}
    assert failed >= {
        "out_cosharing_clusters: members_per_cluster",
        "out_cosharing_evidence: platform_b_and_account_id_b_and_cluster_id_in_out_cosharing_members",
        "core_posts: key_unique",
        "core_post_contents: platform_and_post_id_in_core_posts",
        "feat_post_language: not_null",
        "stg_crowdtangle__posts: values_allowed",
    }
    assert "out_cosharing_members: members_have_status_member" not in failed
