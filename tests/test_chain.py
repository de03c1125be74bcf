"""The chain from landing files to features: which row wins, what a late or missing file changes, what adds up."""

from __future__ import annotations

import shutil
from datetime import date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from conftest import catalogue_of, digests, post, some_posts, write_export
from forgetful import forgetful
from stub_embedder import StubEmbedder

from sm_assets.contracts import TABLES
from sm_assets.defs.run import materialise_range
from sm_assets.errors import UncoveredDays, VanishedFiles
from sm_assets.settings import Settings
from sm_assets.storage import Lake

pytestmark = pytest.mark.usefixtures("no_catalogue")

FIRST, LAST = date(2021, 7, 1), date(2021, 7, 4)
TO_CORE = (
    *(name for name in TABLES if name.startswith(("raw_crowdtangle", "stg_crowdtangle"))),
    "core_posts",
    "core_post_links",
    "core_post_hashtags",
    "core_post_mentions",
    "core_post_media_text",
    "core_post_deliveries",
    "core_account_history",
    "core_accounts",
)
# What pages of one source lead to; the tables of the others get no partition.
FED = {
    *TO_CORE,
    "core_post_contents",
    "feat_account_content",
    "feat_post_language",
    "feat_account_language",
    "feat_post_embeddings",
    "feat_account_embeddings",
    "feat_account_activity",
    "feat_post_volumes",
    "feat_post_relevance",
}
OF_PAGES = tuple(name for name in TABLES if name in FED)
EMBEDDER = StubEmbedder()
NOT_OUT = tuple(name for name, table in TABLES.items() if table.layer != "out")


def run(
    settings: Settings, tables: tuple[str, ...] = TO_CORE, first: date = FIRST, last: date = LAST, **options: Any
) -> bool:
    return materialise_range(
        settings,
        first,
        last,
        tables=tables,
        instance=forgetful(),
        raise_on_error=True,
        embedder=EMBEDDER,
        **options,
    )


def ask(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with catalogue_of(settings) as con:
        return con.sql(sql).fetchall()


def landing(settings: Settings, name: str) -> Path:
    return Path(settings.data_root) / "landing" / "crowdtangle" / name


def three_exports(folder: Path) -> list[Path]:
    """Three overlapping exports of four days, each with other counts and one with other texts."""
    days = some_posts(FIRST, 4)
    early = [row for row in days if str(row["Post Created"]) < "2021-07-03"]
    middle = some_posts(FIRST, 3, shares=5)
    late = [
        row | {"Shares": "", "Total Interactions": "", "Likes": 9}
        for row in days
        if str(row["Post Created"]) > "2021-07-02"
    ]
    late[0] = late[0] | {"Message": "The author has changed this text since, and here is the new one."}
    return [
        write_export(folder / "2021-07-05-10-00-00-UTC-early.csv", early),
        write_export(folder / "2021-07-06-10-00-00-UTC-middle.csv", middle),
        write_export(folder / "2021-07-07-10-00-00-UTC-late.csv", late),
    ]


@pytest.mark.slow
def test_every_order_of_arrival_gives_the_same_core(settings: Settings, tmp_path: Path) -> None:
    early, middle, late = three_exports(tmp_path / "files")
    results = []
    # Each once comes first, second and last, each two of them come in both orders.
    for order in ((early, middle, late), (late, early, middle), (middle, late, early)):
        shutil.rmtree(settings.data_root, ignore_errors=True)
        for file in order:
            target = landing(settings, file.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
            run(settings, TO_CORE if file == order[-1] else TO_CORE[:2])
        results.append(digests(Path(settings.data_root)))
    assert all(result == results[0] for result in results)
    assert any("core_accounts" in path for path in results[0])


def test_the_latest_export_wins_and_counts_each_keep_their_latest(settings: Settings) -> None:
    three_exports(landing(settings, ""))
    run(settings)
    changed = "The author has changed this text since, and here is the new one."
    rows = ask(
        settings,
        "select text, shares_count, likes_count, files_count, edits_count, observed_at, metrics_observed_at "
        f"from core_posts where text = '{changed}'",
    )
    seen = datetime(2021, 7, 7, 10)
    # The last export left shares out: they stay as the one before had them.
    assert rows == [(changed, 5, 9, 3, 0, seen, seen)]
    assert ask(settings, "select count(*), count(distinct (platform, post_id)) from core_posts") == [(32, 32)]
    assert ask(settings, "select count(*) from core_post_links") == [(0,)]


def test_counts_reconcile_from_landing_to_core(settings: Settings) -> None:
    three_exports(landing(settings, ""))
    with forgetful() as instance:
        assert materialise_range(settings, FIRST, LAST, tables=TO_CORE, instance=instance, raise_on_error=True)
        metadata = {}
        for name in TO_CORE:
            event = instance.get_latest_materialization_event(dg.AssetKey(name))
            assert event is not None
            assert event.asset_materialization is not None
            metadata[name] = {key: value.value for key, value in event.asset_materialization.metadata.items()}
    raw = metadata["raw_crowdtangle__posts"]
    assert raw["landing/rows_in"] == raw["landing/rows_out"] == raw["rows_out"] == 16 + 24 + 24
    assert metadata["stg_crowdtangle__posts"]["rows_in"] == metadata["stg_crowdtangle__posts"]["rows_out"] == 64
    core = metadata["core_posts"]
    assert (core["rows_in"], core["rows_out"]) == (64, 32)
    assert core["duplicate/superseded"] == 32
    assert raw["affected_days"] == "2021-07-01 to 2021-07-04"
    assert core["dagster/row_count"] == 32


def test_a_record_delivered_twice_in_one_state_is_the_same_record(settings: Settings) -> None:
    rows = some_posts(FIRST, 1)
    write_export(landing(settings, "a/2021-07-05-10-00-00-UTC-x.csv"), rows)
    write_export(landing(settings, "b/2021-07-05-10-00-00-UTC-y.csv"), [*rows[:4], rows[5] | {"Likes": 3}])
    with forgetful() as instance:
        materialise_range(settings, FIRST, FIRST, tables=TO_CORE, instance=instance, raise_on_error=True)
        event = instance.get_latest_materialization_event(dg.AssetKey("core_posts"))
    assert event is not None
    assert event.asset_materialization is not None
    found = {key: value.value for key, value in event.asset_materialization.metadata.items()}
    assert (found["rows_in"], found["rows_out"], found["duplicate/same_record"], found["duplicate/superseded"]) == (
        13,
        8,
        4,
        1,
    )


def test_a_second_run_changes_no_byte_and_converts_nothing(settings: Settings) -> None:
    three_exports(landing(settings, ""))
    run(settings, NOT_OUT)
    before = digests(Path(settings.data_root))
    assert {path.split("/")[1] for path in before} == FED
    run(settings, NOT_OUT)
    assert digests(Path(settings.data_root)) == before


def test_a_late_file_changes_exactly_its_days(settings: Settings) -> None:
    write_export(landing(settings, "2021-07-05-10-00-00-UTC-a.csv"), some_posts(FIRST, 4))
    run(settings, OF_PAGES)
    before = digests(Path(settings.data_root))
    late = some_posts(date(2021, 7, 3), 1, pages=2, start=900_000)
    write_export(landing(settings, "2021-07-09-10-00-00-UTC-late.csv"), late)
    run(settings, OF_PAGES)
    after = digests(Path(settings.data_root))
    changed = {path for path in after if after[path] != before[path]}
    assert {path.split("/")[2] for path in changed if "core_accounts" not in path} == {"day=2021-07-03"}
    # A profile observed later is carried into the days behind it, and only there.
    assert {path.split("/")[2] for path in changed} <= {"day=2021-07-03", "day=2021-07-04"}


def test_runs_over_parts_of_a_range_equal_one_run(settings: Settings, tmp_path: Path) -> None:
    three_exports(landing(settings, ""))
    run(settings, OF_PAGES)
    other = Settings(data_root=str(tmp_path / "other"), profile="tiny", start_day=date(2021, 1, 1))
    three_exports(landing(other, ""))
    for first, last in ((date(2021, 7, 3), LAST), (FIRST, date(2021, 7, 2))):
        run(other, OF_PAGES, first, last)
    # Profiles look over all days: the days run first did not know the others yet, nor did what is made from them.
    run(other, ("core_accounts", "feat_post_relevance"))
    assert digests(Path(other.data_root)) == digests(Path(settings.data_root))


def test_missing_files_never_empty_a_table(settings: Settings) -> None:
    file = write_export(landing(settings, "2021-07-05-10-00-00-UTC-a.csv"), some_posts(FIRST, 4))
    run(settings)
    before = digests(Path(settings.data_root))
    hidden = file.rename(Path(settings.data_root) / "elsewhere.csv")
    with pytest.raises(VanishedFiles, match=r"UTC-a\.csv"):
        run(settings)
    assert digests(Path(settings.data_root)) == before
    config = {"ops": {"ingest_crowdtangle": {"config": {"accept_vanished": True}}}}
    run(settings, run_config=config)
    assert ask(settings, "select count(*) from core_posts") == [(0,)]
    hidden.rename(file)
    run(settings)
    assert digests(Path(settings.data_root)) == before


def test_days_that_no_file_speaks_of_stay_away(settings: Settings) -> None:
    write_export(landing(settings, "a.csv"), some_posts(FIRST, 1))
    run(settings, first=date(2021, 6, 25), last=date(2021, 7, 9))
    lake = Lake(settings)
    assert {name: lake.days(name) for name in TO_CORE} == {name: [FIRST] for name in TO_CORE}
    with pytest.raises(UncoveredDays, match="speaks of 2021-08-01"):
        run(settings, first=date(2021, 8, 1), last=date(2021, 8, 1))
    before = digests(Path(settings.data_root))
    assert run(settings, ("core_posts",), first=date(2021, 8, 1), last=date(2021, 8, 1))
    assert digests(Path(settings.data_root)) == before
    with pytest.raises(UncoveredDays, match="no file under landing/ speaks of these days"):
        run(settings, ("core_accounts",), first=date(2021, 8, 1), last=date(2021, 8, 1))


def test_a_file_of_rejects_only_shows_in_the_catalogue(settings: Settings) -> None:
    rows = some_posts(FIRST, 1)
    zoneless = [row | {"Post Created": str(row["Post Created"]).replace("UTC", "CST")} for row in rows]
    write_export(landing(settings, "a.csv"), zoneless)
    with pytest.raises(UncoveredDays, match=r"a\.csv: 8 of 8 rows are rejected \(8 ambiguous_zone"):
        run(settings)
    assert ask(settings, "select reason, count(*) from raw_crowdtangle__rejects group by all") == [
        ("ambiguous_zone", 8)
    ]
    write_export(landing(settings, "b.csv"), some_posts(FIRST, 1, start=300_000))
    run(settings)
    assert ask(settings, "select count(*) from raw_crowdtangle__rejects") == [(8,)]
    assert ask(settings, "select count(*) from core_posts") == [(8,)]


def test_the_page_of_the_raw_table_names_what_it_left_out(settings: Settings) -> None:
    a = write_export(landing(settings, "a.csv"), [*some_posts(FIRST, 1), *some_posts(date(2020, 12, 31), 1)])
    shutil.copy(a, landing(settings, "again.csv"))
    landing(settings, "image.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(1, 256)) * 40)
    with dg.DagsterInstance.ephemeral() as instance:
        assert not materialise_range(settings, FIRST, FIRST, tables=TO_CORE[:2], instance=instance)
        event = instance.get_latest_materialization_event(dg.AssetKey("raw_crowdtangle__posts"))
        assert event is not None
        assert event.asset_materialization is not None
        found = {key: value.value for key, value in event.asset_materialization.metadata.items()}
        key = dg.AssetCheckKey(dg.AssetKey("raw_crowdtangle__posts"), "no_unknown_files")
        record = instance.get_latest_asset_check_evaluation_record(key)
        assert record is not None
        assert record.event is not None
        evaluation = record.event.get_dagster_event().asset_check_evaluation_data
    assert found["rows_outside_partitions"] == 8
    assert found["files_same"] == "- `landing/crowdtangle/again.csv`: the bytes of `landing/crowdtangle/a.csv`"
    assert found["landing/duplicate/same_file"] == 16
    aside = str(evaluation.metadata["files"].value)
    assert aside.startswith("- `landing/crowdtangle/image.png`: ")
    assert aside.isprintable()
    assert settings.data_root not in aside


def test_profiles_are_carried_forward_and_backward(settings: Settings) -> None:
    def page(day: int, **facts: object) -> dict[str, object]:
        return post(1, day, datetime(2021, 7, day, 12)) | facts

    rows = [
        page(1) | {"Page Category": "", "Page Admin Top Country": ""},
        page(2, **{"Page Category": "ACTOR"}) | {"Page Admin Top Country": ""},
        page(3) | {"Page Category": ""},
    ]
    write_export(landing(settings, "a.csv"), rows)
    run(settings)
    found = ask(
        settings,
        "select day, category, country_code, profile_from_later, roles, first_seen_day from core_accounts order by day",
    )
    roles = ["author", "profile"]
    assert found == [
        (date(2021, 7, 1), "ACTOR", "US", True, roles, FIRST),
        (date(2021, 7, 2), "ACTOR", "US", True, roles, FIRST),
        (date(2021, 7, 3), "ACTOR", "US", False, roles, FIRST),
    ]
    assert ask(settings, "select count(*) from core_account_history where category is null") == [(2,)]


def test_children_are_those_of_the_winning_delivery(settings: Settings) -> None:
    one = post(
        1, 1, datetime(2021, 7, 1, 12), Link="https://old.example/a", **{"Link Text": "Old", "Image Text": "old words"}
    )
    two = one | {
        "Link": "https://new.example/b",
        "Final Link": "https://www.facebook.com/x",
        "Link Text": "New",
        "Image Text": "",
    }
    write_export(landing(settings, "2021-07-05-10-00-00-UTC-a.csv"), [one])
    write_export(landing(settings, "2021-07-06-10-00-00-UTC-b.csv"), [two])
    run(settings)
    links = ask(settings, "select url, final_url, title, link_role, ordinal from core_post_links")
    assert links == [("https://new.example/b", "https://www.facebook.com/x", "New", "self", 0)]
    assert ask(settings, "select count(*) from core_post_media_text") == [(0,)]
    assert ask(settings, "select count(*) from stg_crowdtangle__post_media_text") == [(1,)]


def test_contents_and_languages_add_up_per_account(settings: Settings) -> None:
    write_export(landing(settings, "a.csv"), some_posts(FIRST, 2))
    run(settings, NOT_OUT)
    shared = ask(
        settings,
        "with counted as (select day, content_id, count(*) as n from feat_account_content group by all) "
        "select n, count(*) from counted group by n order by n",
    )
    assert shared == [(1, 8), (4, 2)], "on each day one content of all four pages and four of one page each"
    assert ask(settings, "select sum(n_posts), min(lang), max(lang) from feat_account_language") == [(16, "en", "en")]
    assert ask(settings, "select count(*) from feat_account_content where sample_url is null") == [(0,)]
