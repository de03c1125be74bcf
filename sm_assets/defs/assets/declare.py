"""What all assets have in common, taken from the contracts.

Here: outs, ins and keyword arguments of the asset decorators. Not here: any body.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import dagster as dg

from sm_assets.contracts import TABLES
from sm_assets.defs.code_versions import code_version
from sm_assets.defs.io import MAKES
from sm_assets.defs.metadata import definition_metadata
from sm_assets.defs.partitions import daily, mapping
from sm_assets.storage import Lake

IO_MANAGER = "lake_io"
_GROUPS = {"raw": "raw", "stg": "staging", "core": "core", "feat": "features"}
# Outputs that belong to another's group.
_SAME_RESULT = {
    "account": "attribute",
    "influencer": "audience",
    "personas": "persona",
    "estimated": "persona",
    "map": "cluster",
    "post": "overview",
    "ngrams": "overview",
}


def group(table: str) -> str:
    """Group in the asset graph: the layer; outputs by result, as `cosharing`."""
    layer, rest = table.split("_", 1)
    result = rest.split("_", 1)[0]
    return _GROUPS.get(layer) or _SAME_RESULT.get(result, result)


def common(lake: Lake) -> dict[str, Any]:
    """Arguments of every asset decorator: the shared partitions, one run per range."""
    return {"partitions_def": daily(lake.settings), "backfill_policy": dg.BackfillPolicy.single_run()}


def described(lake: Lake, table_name: str) -> dict[str, Any]:
    """Arguments that the contract of one table gives."""
    table = TABLES[table_name]
    return {
        "key": table.name,
        "description": f"{table.description}\n\nOne row: {table.grain}. Key: {table.key_in_words}.",
        "group_name": group(table.name),
        "kinds": set(table.kinds),
        "owners": list(table.owners),
        "metadata": definition_metadata(table, lake),
        "code_version": code_version(table.name),
    }


def one(lake: Lake, table_name: str) -> dict[str, Any]:
    """Arguments of `dg.asset` for one table."""
    return common(lake) | described(lake, table_name) | {"io_manager_key": IO_MANAGER}


def out(lake: Lake, table_name: str) -> dg.AssetOut:
    """One table of a multi-asset."""
    return dg.AssetOut(**described(lake, table_name), io_manager_key=IO_MANAGER)


def ins(lake: Lake, table_name: str, upstreams: Iterable[str]) -> dict[str, dg.AssetIn]:
    """Inputs by upstream table; each arrives as a `TableRef`."""
    return {
        name: dg.AssetIn(
            key=name, partition_mapping=mapping(lake.settings, table_name, name), metadata={MAKES: table_name}
        )
        for name in upstreams
    }
