"""feat_post_language: the language of each post.

Here: the asset and its parameter. Not here: the model (`sm_assets.analysis.language`).
"""

import json
from collections import Counter
from collections.abc import Iterator

import dagster as dg
import pyarrow as pa
from pydantic import Field

from sm_assets.contracts import TABLES
from sm_assets.defs.account_vectors import MADE_BY
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.io import Rows
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import days_with_input, input_file, open_select, upstreams
from sm_assets.storage import ROW_GROUP, Lake, TableRef

NAME = "feat_post_language"


class LanguageConfig(dg.Config):
    """When the model's label counts."""

    min_lang_prob: float = Field(
        default=0.5, ge=0, le=1, description="Least probability of a label; a post with less is `und`, undetermined."
    )


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The asset over one lake."""
    path = input_file(NAME)

    @dg.asset(ins=ins(lake, NAME, upstreams(path)), **one(lake, NAME))
    def feat_post_language(
        context: dg.AssetExecutionContext, config: LanguageConfig, **refs: TableRef
    ) -> Iterator[dg.Output[Rows]]:
        from sm_assets.analysis.language import label_texts  # loads a model on first use

        days = days_with_input(NAME, [refs["core_posts"]], partition_days(list(context.partition_keys)))
        seen: Counter[str] = Counter()
        languages: Counter[str] = Counter()

        def labelled(batch: pa.RecordBatch) -> pa.RecordBatch:
            labels = label_texts(batch["text"], config.min_lang_prob)
            seen.update(rows_in=batch.num_rows)
            seen.update(f"reason/{reason}" for reason in labels["reason"].to_pylist())
            languages.update(labels["lang"].to_pylist())
            rows = batch.drop_columns(["text"])
            for name in labels.schema.names:
                rows = rows.append_column(name, labels[name])
            return rows.select(TABLES[NAME].column_names)

        with lake.connect() as con:
            posts = open_select(con, lake, path, refs.values(), days).to_arrow_reader(ROW_GROUP)
            stream = pa.RecordBatchReader.from_batches(TABLES[NAME].plain_schema, map(labelled, posts))
            metadata = {"min_lang_prob": config.min_lang_prob}
            told = {MADE_BY: json.dumps(metadata)}
            yield dg.Output(Rows(stream, days, seen, metadata=metadata, file_metadata=lambda _: told))
        context.log.info("languages: %s", languages.most_common(10))

    made: dg.AssetsDefinition = feat_post_language
    return made
