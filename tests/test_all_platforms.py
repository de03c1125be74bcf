"""All platforms at once, from landing to features: one run, a second one, one over other days, a late file."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from conftest import catalogue_of, contents, digests
from forgetful import forgetful
from stub_embedder import StubEmbedder

from sm_assets.contracts import TABLES
from sm_assets.defs.run import materialise_range
from sm_assets.demo import World
from sm_assets.errors import UncoveredDays
from sm_assets.settings import Settings

pytestmark = pytest.mark.usefixtures("no_catalogue")

TO_FEATURES = (*(name for name, table in TABLES.items() if table.layer != "out"), "out_ingest_report")
EMBEDDER = StubEmbedder()
NEVER = {"raw_bluesky__post_views", "raw_bluesky__records", "raw_edges__nodes"}  # the world has no such files


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    root = tmp_path_factory.mktemp("platforms")
    World(7, 0.05).write(root)
    return Settings(data_root=str(root), profile="tiny", start_day=date(2024, 1, 1))


@pytest.fixture(scope="module")
def days() -> tuple[date, date]:
    world = World(7, 0.02)
    return world.first_day, world.first_day + timedelta(days=3)


@pytest.fixture(scope="module")
def first(settings: Settings, days: tuple[date, date]) -> dict[str, int]:
    """Materialisations by table after the first run."""
    with dg.DagsterInstance.ephemeral() as instance:
        assert materialise_range(
            settings,
            *days,
            tables=TO_FEATURES,
            instance=instance,
            raise_on_error=True,
            log_level="ERROR",
            embedder=EMBEDDER,
        )
        assert instance.get_runs_count() == 1
        return {name: len(instance.get_materialized_partitions(dg.AssetKey(name))) for name in TO_FEATURES}


@pytest.mark.slow
def test_one_run_makes_every_table_for_every_day(
    first: dict[str, int], settings: Settings, days: tuple[date, date]
) -> None:
    assert set(first.values()) == {4}
    with catalogue_of(settings) as con:
        for source in ("crowdtangle", "bluesky", "twitter", "tiktok"):
            found = con.sql(f"select count(*) from core_posts where source = '{source}'").fetchall()
            assert found[0][0] > 0, source
        follows = con.sql("select distinct source from core_follows order by 1").fetchall()
        assert follows == [("bluesky",), ("edges",)]
        views = {name for (name,) in con.sql("select view_name from duckdb_views() where not internal").fetchall()}
        # Beside them stand views of newest snapshots and of words.
        assert views & set(TABLES) == set(TO_FEATURES)
        posts = con.sql("select count(*), count(distinct (platform, post_id)) from core_posts").fetchall()[0]
        assert posts[0] == posts[1]
        outside = con.sql(f"select count(*) from core_accounts where day not between '{days[0]}' and '{days[1]}'")
        assert outside.fetchall() == [(0,)]


@pytest.mark.slow
@pytest.mark.usefixtures("first")
def test_the_report_accounts_for_every_row(settings: Settings, days: tuple[date, date]) -> None:
    with catalogue_of(settings) as con:
        con.execute(f"create temp table report as select * from out_ingest_report where day = '{days[1]}'")
        open_sums = con.sql(
            "select source_file, stage, entity from report group by all having "
            "coalesce(sum(rows) filter (where disposition = 'in'), 0) != "
            "coalesce(sum(rows) filter (where disposition not in ('in', 'repaired')), 0)"
        ).fetchall()
        assert open_sums == []
        landed = sorted(path for (path,) in con.sql("select distinct source_file from report").fetchall())
        assert {path.split("/")[1] for path in landed} == {"crowdtangle", "bluesky", "twitter", "tiktok", "edges"}
        # What went out into core is what core holds.
        for entity in ("posts", "interactions", "follows", "tombstones"):
            out = con.sql(
                f"select coalesce(sum(rows), 0) from report where entity = '{entity}' and disposition = 'out'"
            ).fetchall()[0][0]
            held = con.sql(f"select count(*) from core_{entity}").fetchall()[0][0]
            assert out == held > 0, entity
        withdrawn = con.sql("select sum(rows) from report where disposition = 'withdrawn'").fetchall()[0][0]
        assert withdrawn > 0


@pytest.mark.slow
@pytest.mark.usefixtures("first")
def test_a_second_run_changes_no_byte_and_other_days_nothing(settings: Settings, days: tuple[date, date]) -> None:
    before = digests(Path(settings.data_root))
    with forgetful() as instance:
        assert materialise_range(
            settings,
            *days,
            tables=TO_FEATURES,
            instance=instance,
            raise_on_error=True,
            log_level="ERROR",
            embedder=EMBEDDER,
        )
        event = instance.get_latest_materialization_event(dg.AssetKey("raw_bluesky__events"))
        assert event is not None
        assert event.asset_materialization is not None
        facts = event.asset_materialization.metadata
        assert facts["files_converted"].value == 0
        assert facts["affected_days"].value == "none"
    assert digests(Path(settings.data_root)) == before
    with pytest.raises(UncoveredDays, match="Nothing was replaced"), forgetful() as instance:
        materialise_range(
            settings, date(2024, 1, 2), date(2024, 1, 3), tables=TO_FEATURES, instance=instance, raise_on_error=True,
            log_level="CRITICAL",
        )  # fmt: skip
    assert digests(Path(settings.data_root)) == before


@pytest.mark.slow
@pytest.mark.usefixtures("first")
def test_a_late_file_changes_exactly_its_days(settings: Settings, days: tuple[date, date]) -> None:
    root = Path(settings.data_root)
    before = contents(root)
    day = days[0] + timedelta(days=1)
    micros = int(datetime(day.year, day.month, day.day, 11, tzinfo=UTC).timestamp() * 1e6)
    lines = [
        {
            "did": "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", "time_us": micros + n, "kind": "commit",
            "commit": {"rev": f"3kl{n:010d}".replace("0", "2").replace("1", "3"), "operation": "create",
                       "collection": "app.bsky.feed.post", "rkey": f"late{n}", "cid": "bafy",
                       "record": {"text": f"A late post, number {n}, about #ferries.", "langs": ["en"],
                                  "createdAt": f"{day}T11:00:00.{n:06d}Z"}},
        }
        for n in range(5)
    ]  # fmt: skip
    late = root / "landing" / "bluesky" / "late.jsonl"
    late.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    with forgetful() as instance:
        assert materialise_range(
            settings,
            *days,
            tables=TO_FEATURES,
            instance=instance,
            raise_on_error=True,
            log_level="ERROR",
            embedder=EMBEDDER,
        )
        event = instance.get_latest_materialization_event(dg.AssetKey("raw_bluesky__events"))
        assert event is not None
        assert event.asset_materialization is not None
        assert event.asset_materialization.metadata["affected_days"].value == str(day)
    after = contents(root)
    changed = {path for path in after if after[path] != before.get(path)}
    assert {path.split("/")[2] for path in changed if "out_" not in path} == {f"day={day}"}
    assert {path.split("/")[1] for path in changed if "out_" not in path} >= {
        "raw_bluesky__events", "stg_bluesky__posts", "core_posts", "core_post_deliveries", "core_accounts",
        "core_post_contents", "feat_post_language",
    }  # fmt: skip
    with catalogue_of(settings) as con:
        found = con.sql("select count(*) from core_posts where source_file = 'landing/bluesky/late.jsonl'").fetchall()
    assert found == [(5,)]
