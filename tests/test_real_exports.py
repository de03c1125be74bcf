"""Real exports, where they lie beside the checkout: through the whole chain, with the counts that are known of them."""

from __future__ import annotations

import shutil
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import catalogue_of
from forgetful import forgetful
from stub_embedder import StubEmbedder

from sm_assets.contracts import TABLES
from sm_assets.defs.run import materialise_range
from sm_assets.settings import Settings
from sm_assets.sources.intake import take_in
from sm_assets.storage import Lake

pytestmark = [pytest.mark.shared_data, pytest.mark.slow, pytest.mark.usefixtures("no_catalogue")]

BRT = "2021-07-05-22-49-20-BRT-search-csv-export.csv"
DB1, DB2 = "db1_rows_with_genocide.csv", "db2_rows_with_genocide.csv"
NOT_OUT = tuple(name for name, table in TABLES.items() if table.layer != "out")
# The files of the exports come from the same step as their table.
OUT = (*(name for name, table in TABLES.items() if table.layer == "out"), "report_persona_exports")
EMBEDDER = StubEmbedder()
TO_POSTS = ("stg_crowdtangle__posts", "core_posts")


def copied(shared_data: Path, root: Path, *names: str) -> None:
    landing = root / "landing" / "crowdtangle"
    landing.mkdir(parents=True)
    for name in names:
        shutil.copy(shared_data / "crowdtangle" / name, landing)


def run(settings: Settings, tables: tuple[str, ...], first: date, last: date) -> bool:
    with forgetful() as instance:
        return materialise_range(
            settings, first, last, tables=tables, instance=instance, raise_on_error=True, embedder=EMBEDDER
        )


def ask(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with catalogue_of(settings) as con:
        return con.sql(sql).fetchall()


def test_a_whole_search_export(shared_data: Path, settings: Settings) -> None:
    copied(shared_data, Path(settings.data_root), BRT)
    day = date(2021, 7, 5)
    assert run(settings, (*TABLES, "report_persona_exports"), day, day)
    manifest = take_in(Lake(settings), "crowdtangle").files[0].manifest
    assert (manifest["rows_in"], manifest["rows_out"], manifest["rejected"]) == (10, 10, {})
    assert (manifest["coverage_from"], manifest["coverage_to"]) == ("2021-07-05", "2021-07-05")
    assert manifest["exported_at"].startswith("2021-07-06T01:49:20")
    assert len(manifest["columns"]) == 41
    assert ask(
        settings, "select posted_at, interactions_count from core_posts order by interactions_count desc limit 1"
    ) == [(datetime(2021, 7, 5, 21, 2, 45), 407_137)]
    off = "interactions_count != reactions_count + comments_count + shares_count"
    assert ask(settings, f"select count(*) filter ({off}), count(*) from core_posts") == [(0, 10)]
    owner = "split_part(url, '/', 4) = account_id and starts_with(post_id, account_id || '_')"
    assert ask(settings, f"select count(*) from core_posts where {owner}") == [(10,)]
    assert ask(settings, "select count(*), count(distinct status) > 0 from out_cosharing_members")[0][0] > 0


def test_two_subsets_with_a_clock_change(shared_data: Path, tmp_path: Path) -> None:
    settings = Settings(data_root=str(tmp_path / "data"), threads=1, start_day=date(2023, 8, 1))
    copied(shared_data, Path(settings.data_root), DB1, DB2)
    first, last = date(2023, 8, 7), date(2024, 7, 8)
    lake = Lake(settings)
    intake = take_in(lake, "crowdtangle")
    assert {file.path.rsplit("/", 1)[-1]: file.manifest["rows_out"] for file in intake.files} == {DB1: 2203, DB2: 382}
    assert intake.totals() == {"rows_in": 2585, "rows_out": 2585}

    assert run(settings, ("raw_crowdtangle__posts", "raw_crowdtangle__rejects", *TO_POSTS), first, last)
    per_file = ask(
        settings,
        "select source_file, count(*), count(distinct account_id), min(day), max(day), count(distinct day), "
        "sum(shares_count) from core_posts group by source_file order by source_file",
    )
    assert per_file == [
        (f"landing/crowdtangle/{DB1}", 2203, 17, first, last, 260, 152_673),
        (f"landing/crowdtangle/{DB2}", 382, 61, date(2023, 10, 12), date(2024, 7, 6), 164, 91_930),
    ]
    zones = (
        "select source_file, right(post_created, 3), count(*) from raw_crowdtangle__posts group by all order by 1, 2"
    )
    assert [row[1:] for row in ask(settings, zones)] == [("EDT", 1302), ("EST", 901), ("EDT", 228), ("EST", 154)]
    other_day = "left(post_created, 10) != cast(day as varchar)"
    moved = f"select count(*) from raw_crowdtangle__posts where {other_day} group by source_file"
    assert sorted(ask(settings, moved)) == [(29,), (53,)]
    shared = (
        "with messages as (select source_file, text from core_posts where text is not null group by all "
        "having count(distinct account_id) > 1) select count(*) from messages group by source_file"
    )
    assert sorted(ask(settings, shared)) == [(8,), (36,)]
    # Days between the first and the last post of a file had no posts: they are covered, and empty.
    assert len(lake.days("core_posts")) == (last - first).days + 1


def test_a_month_of_subsets_to_the_networks(shared_data: Path, tmp_path: Path) -> None:
    settings = Settings(data_root=str(tmp_path / "data"), threads=1, start_day=date(2023, 8, 1))
    copied(shared_data, Path(settings.data_root), DB1, DB2)
    first, last = date(2023, 10, 16), date(2023, 11, 12)
    assert run(settings, NOT_OUT, first, last)
    assert run(settings, OUT, last, last)
    accounts = ask(settings, "select count(distinct account_id) from feat_account_content")
    assert ask(settings, "select count(*) from out_cosharing_members") == accounts
    size, networks = ask(settings, "select sum(cluster_size), count(*) from out_cosharing_clusters")[0]
    assert networks >= 1
    assert ask(settings, "select count(*) from out_cosharing_members where status = 'member'") == [(size,)]
    everything = "select sum(n_posts) from out_cosharing_members"
    carrying = "select count(distinct post_id) from core_post_contents where guard is null"
    assert ask(settings, everything)[0][0] >= ask(settings, carrying)[0][0]
