"""What twitter files deliver.

Here: the columns of the raw tables. Not here: how a file is read (`sm_assets.sources.twitter`).
"""

from __future__ import annotations

from sm_assets.contracts.delivered.record import Record
from sm_assets.contracts.schema import Column

COLUMNS: dict[str, Column] = {}
RECORDS = (
    Record(
        name="tweets",
        description="Tweets as delivered.",
        grain="one record of one landing file",
        columns="source_line warnings? exported_at? is_context",
        day="Day of the record in UTC; the partition.",
    ),
    Record(
        name="users",
        description="Users as delivered.",
        grain="one record of one landing file",
        columns="source_line warnings? exported_at? is_context",
        day="Day of the record in UTC; the partition.",
    ),
    Record(
        name="compliance",
        description="Compliance as delivered.",
        grain="one record of one landing file",
        columns="source_line warnings? exported_at? is_context",
        day="Day of the record in UTC; the partition.",
    ),
)
