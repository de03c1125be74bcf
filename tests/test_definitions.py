"""Definitions: a snapshot of assets, their upstreams, checks and jobs, and the rules that all assets keep.

To renew the snapshot on purpose: python tests/test_definitions.py
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from sm_assets.contracts import TABLES
from sm_assets.defs.wiring import build_defs
from sm_assets.settings import Settings

GOLDEN = Path(__file__).parent / "golden" / "definitions.json"


@cache
def definitions() -> dg.Definitions:
    return build_defs(settings=Settings(data_root="/nowhere"))


def snapshot() -> dict[str, Any]:
    graph = definitions().resolve_asset_graph()
    keys = sorted(graph.get_all_asset_keys())
    jobs = definitions().resolve_job_def("whole_chain")
    return {
        "assets": {
            key.to_user_string(): sorted(up.to_user_string() for up in graph.get(key).parent_keys) for key in keys
        },
        "groups": {key.to_user_string(): graph.get(key).group_name for key in keys},
        "checks": sorted(f"{check.asset_key.to_user_string()}: {check.name}" for check in graph.asset_check_keys),
        "jobs": {jobs.name: sorted(key.to_user_string() for key in jobs.asset_layer.executable_asset_keys)},
    }


def test_snapshot() -> None:
    assert snapshot() == json.loads(GOLDEN.read_text(encoding="utf-8")), "on purpose? python tests/test_definitions.py"


def test_the_code_server_can_load_them() -> None:
    # Resolving one job does not notice two things of one name.
    dg.Definitions.validate_loadable(definitions())


def test_every_table_has_its_asset_and_every_asset_its_table() -> None:
    # Reports are files, not tables.
    assert {name for name in snapshot()["assets"] if not name.startswith("report_")} == set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_assets_carry_their_contract(name: str) -> None:
    table = TABLES[name]
    node = definitions().resolve_asset_graph().get(dg.AssetKey(name))
    assert table.description in (node.description or "")
    assert table.grain in (node.description or "")
    assert set(node.kinds) == set(table.kinds)
    assert list(node.owners) == list(table.owners)
    schema = node.metadata["dagster/column_schema"]
    columns = schema.schema.columns if isinstance(schema, dg.TableSchemaMetadataValue) else schema.columns
    assert [column.name for column in columns] == list(table.column_names)
    assert all(column.description for column in columns)


def test_one_partition_definition_and_one_run_per_range() -> None:
    graph = definitions().resolve_asset_graph()
    nodes = [graph.get(key) for key in graph.get_all_asset_keys()]
    assert len({node.partitions_def for node in nodes}) == 1
    assert isinstance(nodes[0].partitions_def, dg.DailyPartitionsDefinition)
    assert {node.backfill_policy for node in nodes} == {dg.BackfillPolicy.single_run()}


def test_outputs_look_back_over_the_window() -> None:
    graph = build_defs(settings=Settings(data_root="/nowhere", window_days=7)).resolve_asset_graph()
    node = graph.get(dg.AssetKey("out_cosharing_members"))
    for upstream in node.parent_keys:
        assert node.partition_mappings[upstream] == dg.TimeWindowPartitionMapping(start_offset=-6, end_offset=0)


def test_every_contract_is_checked_in_the_ui() -> None:
    checks = snapshot()["checks"]
    for name, table in TABLES.items():
        assert f"{name}: key_unique" in checks
        assert f"{name}: not_null" in checks
        assert sum(check.startswith(f"{name}: ") for check in checks) >= 2 + len(table.references)


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(snapshot(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
