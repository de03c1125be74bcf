"""What tiktok files deliver.

Here: the columns of the raw tables. Not here: how a file is read (`sm_assets.sources.tiktok`).
"""

from __future__ import annotations

from sm_assets.contracts.delivered.record import Record
from sm_assets.contracts.schema import Column

COLUMNS: dict[str, Column] = {}
RECORDS = (
    Record(
        name="videos",
        description="Videos as delivered.",
        grain="one record of one landing file",
        columns="source_line warnings? exported_at?",
        day="Day of the record in UTC; the partition.",
    ),
)
