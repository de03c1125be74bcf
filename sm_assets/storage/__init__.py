"""The one reader and writer of tables: stage, check the contract, replace atomically.

Here: the lake's folders, references to tables, publishing, the catalogue of views, and the sweeping of what a crash
left. What arrives and leaves is a reference, a DuckDB relation or an Arrow stream, never a whole table. Not here: what
a table promises (`contracts`), how landing files become batches (`sources`).

Layout below the data root: lake/<table>/day=YYYY-MM-DD/part-0.parquet, one file per day under a fixed name. A file is
written and checked in lake/_staging/<workspace>/ and moves in by one rename: readers see the old or the new partition.
Object stores take whole objects only; there the workspace is a local temporary folder and the upload is the rename.
"""

from __future__ import annotations

from sm_assets.storage.buckets import Buckets
from sm_assets.storage.day_router import DayRouter
from sm_assets.storage.day_writer import DIGEST, PART, ROW_GROUP, DayFile, DayWriter
from sm_assets.storage.folders import put_folder
from sm_assets.storage.lake import Data, Lake, Published, TableRef, day_range, sync_folder
from sm_assets.storage.sql_text import literal, parquet_sql, select
from sm_assets.storage.streams import BATCH_ROWS, keys_ascend, overlapping, stream
from sm_assets.storage.unpublished_keys import abandoned_notes, forget_notes, noting_keys
from sm_assets.storage.validation import rule_counts
from sm_assets.storage.vector_cache import VectorCache, drop_vectors, stored_cache
from sm_assets.storage.workspaces import others

__all__ = [
    "BATCH_ROWS",
    "Buckets",
    "overlapping",
    "stream",
    "DIGEST",
    "PART",
    "ROW_GROUP",
    "Data",
    "DayFile",
    "DayRouter",
    "DayWriter",
    "Lake",
    "Published",
    "TableRef",
    "VectorCache",
    "abandoned_notes",
    "day_range",
    "drop_vectors",
    "forget_notes",
    "keys_ascend",
    "literal",
    "noting_keys",
    "others",
    "parquet_sql",
    "put_folder",
    "rule_counts",
    "select",
    "stored_cache",
    "sync_folder",
]
