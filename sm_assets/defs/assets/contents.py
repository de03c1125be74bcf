"""core_post_contents: what each post pushes.

Here: the asset. Not here: what a content is (`sm_assets.analysis.contents`).
"""

from collections import Counter
from collections.abc import Iterator
from typing import Literal

import dagster as dg
import pyarrow as pa
from pydantic import Field

from sm_assets.contracts import TABLES
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.io import Rows
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import days_with_input, input_file, open_select, upstreams
from sm_assets.storage import ROW_GROUP, Lake, TableRef

NAME = "core_post_contents"


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The asset over one lake."""
    path = input_file(NAME)
    settings = lake.settings

    class ContentConfig(dg.Config):
        """By which rules contents are told apart; all days of a window must be made by the same."""

        content_mode: Literal["canonical", "compat"] = Field(
            default=settings.content_mode,  # type: ignore[arg-type]  # Settings has checked the value
            description="canonical: up to three folded contents per post. compat: the original's one joined text.",
        )
        min_text_chars: int = Field(
            default=settings.min_text_chars,
            ge=0,
            le=10_000,
            description="Letters and digits that a text needs to be compared; wide East Asian characters count twice.",
        )

    @dg.asset(ins=ins(lake, NAME, upstreams(path)), **one(lake, NAME))
    def core_post_contents(
        context: dg.AssetExecutionContext, config: ContentConfig, **refs: TableRef
    ) -> Iterator[dg.Output[Rows]]:
        from sm_assets.analysis.contents import post_contents  # loads kernels

        days = days_with_input(NAME, [refs["core_posts"]], partition_days(list(context.partition_keys)))
        seen: Counter[str] = Counter()

        def contents(batch: pa.RecordBatch) -> pa.RecordBatch:
            found = post_contents(batch, content_mode=config.content_mode, min_text_chars=config.min_text_chars)
            seen.update(posts_in=batch.num_rows, posts_with_content=len(found["post_id"].unique()))
            seen.update(f"guarded/{reason}" for reason in found["guard"].drop_null().to_pylist())
            return found.select(TABLES[NAME].column_names)

        with lake.connect() as con:
            posts = open_select(con, lake, path, refs.values(), days).to_arrow_reader(ROW_GROUP)
            stream = pa.RecordBatchReader.from_batches(TABLES[NAME].plain_schema, map(contents, posts))
            yield dg.Output(Rows(stream, days, seen))

    made: dg.AssetsDefinition = core_post_contents
    return made
