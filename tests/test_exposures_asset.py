"""out_estimated_exposures through Dagster: what the asset reads, publishes and tells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from cluster_lake import publish
from forgetful import forgetful
from pydantic import ValidationError
from test_exposures import quality

from sm_assets.analysis.exposure_rules import ExposureRules
from sm_assets.analysis.exposures import COLUMNS, estimate_exposures
from sm_assets.analysis.member_feeds import member_feeds
from sm_assets.analysis.parameters import params_hash
from sm_assets.analysis.text_rules import TextRules
from sm_assets.contracts import TABLES
from sm_assets.defs.assets.estimated_exposures import NAME, upstream_tables
from sm_assets.defs.clustering_record import ClusteringRecord
from sm_assets.defs.exposure_record import exposure_record
from sm_assets.defs.run import materialise_range
from sm_assets.defs.sql import SQL_ROOT, open_select
from sm_assets.demo.persona_world import FIRST_DAY, PlantedExposures, planted_exposures
from sm_assets.errors import MixedVectors
from sm_assets.storage import Lake

pytestmark = pytest.mark.usefixtures("no_catalogue")

RECORD = ClusteringRecord("personas", "0123456789abcdef", "e" * 16, TextRules())
DAYS = 4
CHECK = SQL_ROOT / "checks" / NAME / "passed_over_by_members.sql"


@pytest.fixture(scope="module")
def world() -> PlantedExposures:
    return planted_exposures(9, personas=2, members=24, sources=6, days=DAYS)


@pytest.fixture
def full_lake(lake: Lake, world: PlantedExposures) -> Lake:
    """Upstreams of the asset; personas on the last two days with posts."""
    tables = {
        "core_posts": world.core_posts,
        "core_interactions": world.core_interactions,
        "core_follows": world.core_follows,
        "core_tombstones": world.core_tombstones,
        "feat_post_language": world.languages,
        "feat_post_embeddings": world.vectors,
    }
    early = FIRST_DAY - timedelta(days=1)
    for name, table in tables.items():
        rows = [row | {"day": max(row["day"], early)} for row in table.to_pylist()]
        if name == "feat_post_embeddings":
            rows = [row | {"embedder_id": RECORD.embedder_id} for row in rows]
        publish(lake, name, rows, sorted({row["day"] for row in rows}))
    for day in snapshots(world):
        members = [row | {"day": day, "status": "member"} for row in members_on(world, day).to_pylist()]
        publish(lake, "out_personas", members, [day], RECORD.metadata())
    return lake


def members_on(world: PlantedExposures, day: date) -> pa.Table:
    """Each snapshot has its own members: on the first day some are in none yet."""
    return world.members.slice(0, 20) if day == snapshots(world)[0] else world.members


def snapshots(world: PlantedExposures) -> list[date]:
    return world.days[-3:-1]


def run(lake: Lake, first: date, last: date, **config: Any) -> Mapping[str, Any]:
    """Materialise; what the page tells of the last day."""
    with forgetful() as instance:
        ops = {"ops": {NAME: {"config": config}}} if config else {}
        assert materialise_range(
            lake.settings, first, last, tables=[NAME], run_config=ops, instance=instance, raise_on_error=True,
            log_level="ERROR",
        )  # fmt: skip
        event = instance.get_latest_materialization_event(dg.AssetKey(NAME))
        assert event is not None
        assert event.asset_materialization is not None
        return {name: value.value for name, value in event.asset_materialization.metadata.items()}


def read(lake: Lake, day: date) -> pa.Table:
    return pq.read_table(lake.fs.open(lake.file(NAME, day), "rb"))


def test_rows_are_those_of_the_analysis(full_lake: Lake, world: PlantedExposures) -> None:
    first, last = snapshots(world)
    told = run(full_lake, first, last, enabled=True, cap=50, percentile=40.0)
    rules = ExposureRules(cap=50, percentile=40.0)
    for day in (first, last):
        inputs = quality.feed_inputs(world._replace(members=members_on(world, day)), day)
        vectors = world.vectors.filter(pc.less_equal(world.vectors["day"], day))
        expected = estimate_exposures(member_feeds(inputs, rules), vectors.to_batches(), rules).rows
        found = read(full_lake, day).sort_by([(name, "ascending") for name in ("platform", "account_id", "post_id")])
        for name in COLUMNS:
            assert found[name].to_pylist() == expected[name].to_pylist(), name
        assert len(found) > 50
        assert set(found["params_hash"].to_pylist()) == {params_hash(rules.told() | {"of": RECORD.params_hash})}
        record = exposure_record(full_lake, day)
        assert record is not None
        assert (record.params_hash, record.rules) == (found["params_hash"][0].as_py(), rules.told())
    assert told["status"] == "on"
    assert told["as_of"] == str(last)
    assert told["dagster/row_count"] > 100


def test_vectors_of_another_embedder_are_refused(full_lake: Lake, world: PlantedExposures) -> None:
    first, last = snapshots(world)
    other = [row for row in world.vectors.to_pylist() if row["day"] == first]
    publish(full_lake, "feat_post_embeddings", [row | {"embedder_id": "f" * 16} for row in other], [first])
    with pytest.raises(MixedVectors, match=f"ffff .*feat_post_embeddings.* for {first}"):
        run(full_lake, last, last, enabled=True)


def test_off_until_switched_on(full_lake: Lake, world: PlantedExposures) -> None:
    first, last = snapshots(world)
    run(full_lake, first, last, enabled=True)
    assert len(read(full_lake, last)) > 0
    told = run(full_lake, FIRST_DAY, last)
    assert "`enabled`" in told["status"]
    assert full_lake.days(NAME) == [first, last]
    for day in (first, last):
        assert len(read(full_lake, day)) == 0
        assert exposure_record(full_lake, day) is None


def test_switched_on_without_a_day_of_personas_it_is_on(full_lake: Lake) -> None:
    told = run(full_lake, FIRST_DAY, FIRST_DAY, enabled=True)
    assert told["status"].startswith("on: ")
    assert full_lake.days(NAME) == []


def test_nothing_is_read_while_it_is_off(full_lake: Lake, world: PlantedExposures) -> None:
    """Broken upstream files do not matter."""
    last = snapshots(world)[-1]
    for name in ("core_posts", "core_follows", "feat_post_embeddings"):
        for day in full_lake.days(name):
            with full_lake.fs.open(full_lake.file(name, day), "wb") as broken:
                broken.write(b"no Parquet")
    run(full_lake, last, last)
    assert len(read(full_lake, last)) == 0


def broken_rows(lake: Lake, day: date) -> int:
    """Rows that the table's check finds."""
    with lake.connect() as con:
        refs = [lake.ref(name, [day]) for name in (NAME, "out_personas")]
        return len(open_select(con, lake, CHECK, refs, [day]).fetchall())


def test_the_check_finds_rows_that_cannot_be(full_lake: Lake, world: PlantedExposures) -> None:
    last = snapshots(world)[-1]
    run(full_lake, last, last, enabled=True)
    rows = [row | {"day": last} for row in read(full_lake, last).to_pylist()]
    assert broken_rows(full_lake, last) == 0
    who = rows[0]["account_id"]
    acted = next(
        row["object_post_id"]
        for row in world.core_interactions.to_pylist()
        if row["account_id"] == who and row["kind"] == "like" and row["day"] <= last
    )
    for wrong in (
        {"author_account_id": who},
        {"visible_at": rows[0]["session_started_at"]},
        {"persona_id": rows[0]["persona_id"] + 1},
        {"post_id": acted},
    ):
        publish(full_lake, NAME, [rows[0] | wrong, *rows[1:]], [last])
        assert broken_rows(full_lake, last) == 1, wrong


def test_every_parameter_says_default_range_and_meaning() -> None:
    from sm_assets.defs.assets.estimated_exposures import ExposuresConfig

    fields = ExposuresConfig.model_fields
    assert set(fields) == {"enabled", *ExposureRules.__slots__}
    assert all(field.description and field.description.endswith(".") for field in fields.values())
    assert ExposuresConfig().rules() == ExposureRules()
    assert not ExposuresConfig().enabled


@pytest.mark.parametrize("wrong", [{"percentile": 101.0}, {"cap": 0}, {"threshold": "median"}])
def test_parameters_out_of_range_are_refused(full_lake: Lake, world: PlantedExposures, wrong: dict[str, Any]) -> None:
    last = snapshots(world)[-1]
    with pytest.raises((dg.DagsterInvalidConfigError, ValidationError)):
        run(full_lake, last, last, enabled=True, **wrong)


def test_upstreams_are_tables_below() -> None:
    assert set(upstream_tables()) == {
        "core_follows", "core_interactions", "core_posts", "core_tombstones", "feat_post_embeddings",
        "feat_post_language", "out_personas",
    }  # fmt: skip
    assert TABLES[NAME].partition == "as_of"
