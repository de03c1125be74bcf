"""feat_post_language: the language of each post.

Here: the asset. Not here: the model (`sm_assets.analysis.language`).
"""

from collections import Counter
from collections.abc import Iterator

import dagster as dg
import pyarrow as pa

from sm_assets.contracts import TABLES
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.io import Rows
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import days_with_input, input_file, open_select, upstreams
from sm_assets.storage import ROW_GROUP, Lake, TableRef

NAME = "feat_post_language"


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The asset over one lake."""
    path = input_file(NAME)

    @dg.asset(ins=ins(lake, NAME, upstreams(path)), **one(lake, NAME))
    def feat_post_language(context: dg.AssetExecutionContext, **refs: TableRef) -> Iterator[dg.Output[Rows]]:
        from sm_assets.analysis.language import NO_TEXT, detect_languages  # loads a model on first use

        days = days_with_input(NAME, [refs["core_posts"]], partition_days(list(context.partition_keys)))
        seen: Counter[str] = Counter()

        def labelled(batch: pa.RecordBatch) -> pa.RecordBatch:
            labels, probabilities = detect_languages(batch["text"])
            seen.update(rows_in=batch.num_rows)
            languages.update(labels.to_pylist())
            rows = batch.drop_columns(["text"]).append_column("language", labels)
            return rows.append_column("language_probability", probabilities).select(TABLES[NAME].column_names)

        languages: Counter[str] = Counter()
        with lake.connect() as con:
            posts = open_select(con, lake, path, refs.values(), days).to_arrow_reader(ROW_GROUP)
            stream = pa.RecordBatchReader.from_batches(TABLES[NAME].plain_schema, map(labelled, posts))
            yield dg.Output(Rows(stream, days, seen))
        context.log.info("%d posts without text; languages %s", languages[NO_TEXT], languages.most_common(10))

    made: dg.AssetsDefinition = feat_post_language
    return made
