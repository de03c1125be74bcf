"""What each published table promises: columns, types, key, grain.

Here: `TABLES`, the registry, and its parts. From it are generated the Parquet schemas, the column schemas in the UI,
the asset checks and docs/tables.md. Not here: anything that reads or writes a table.
"""

from __future__ import annotations

from sm_assets.contracts import (
    attributes,
    clusters,
    core,
    features,
    hashtags,
    outputs,
    overview,
    personas,
    profiles,
    raw,
    staging,
)
from sm_assets.contracts.schema import Column, Reference, Table

TABLES: dict[str, Table] = {
    table.name: table
    for part in (raw, staging, core, features, overview, hashtags, attributes, outputs, clusters, personas, profiles)
    for table in part.TABLES
}

# Of core, feat and out tables: columns are added under one number, and go or change type under the next (docs/bi.md).
SCHEMA_VERSION = 1

__all__ = ["SCHEMA_VERSION", "TABLES", "Column", "Reference", "Table"]
