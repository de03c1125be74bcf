"""feat_account_embeddings: what each account wrote on a day, as a sum of vectors.

Here: the asset and its rules. Not here: vectors of posts (`post_embeddings`), sums over a window
(`defs.account_vectors`).
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date

import dagster as dg
import duckdb
import pyarrow as pa
from pydantic import Field

from sm_assets.analysis.account_sums import AccountSums
from sm_assets.analysis.parameters import params_hash
from sm_assets.analysis.text_rules import POST_KINDS, TextRules
from sm_assets.contracts import TABLES
from sm_assets.defs.account_vectors import MADE_BY, TABLE, VectorRules
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.io import Rows
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import days_with_input, input_file, open_select, upstreams
from sm_assets.defs.text_rules import register
from sm_assets.storage import Lake, TableRef, stream

VECTORS = "feat_post_embeddings"
LANGUAGES = "feat_post_language"
_BATCH = 16_384
_RULE = "sum of unit vectors, each content of an account once a day"


class AccountEmbeddingsConfig(dg.Config):
    """Which posts count for the vector of an account; all days of a window must be made by the same rules."""

    languages: list[str] = Field(
        default=["en"],
        description="ISO 639 codes: posts that the language model finds in one of them, or that declare one of them "
        "where it is not certain. Empty: posts in every language.",
    )
    kinds: list[str] = Field(default=list(POST_KINDS), description="Kinds of posts that count: post, reply, quote.")


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The asset over one lake."""
    path = input_file(TABLE)

    @dg.asset(ins=ins(lake, TABLE, upstreams(path)), **one(lake, TABLE))
    def feat_account_embeddings(
        context: dg.AssetExecutionContext, config: AccountEmbeddingsConfig, **refs: TableRef
    ) -> Iterator[dg.Output[Rows]]:
        days = days_with_input(TABLE, [refs[VECTORS]], partition_days(list(context.partition_keys)))
        rules = TextRules(tuple(config.languages), tuple(config.kinds))
        made_by = {day: params_hash({"rules": rules.told(), "sum": _RULE} | _inputs(lake, day)) for day in days}
        counts: Counter[str] = Counter()
        embedders: dict[date, str] = {}

        def rows(con: duckdb.DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
            for day in days:
                judged = _judged(con, lake, refs, day, rules, counts)
                sums = AccountSums(judged)
                for _, batch in stream(lake, VECTORS, [day], ["platform", "post_id", "embedding"], batch_rows=_BATCH):
                    sums.add(batch)
                embedders[day] = sums.embedder_id
                counts["merged/same_account"] += sums.n_posts - sums.n_accounts
                yield from sums.batches(day, made_by[day], TABLES[TABLE].plain_schema)

        with lake.connect() as con:
            stream_ = pa.RecordBatchReader.from_batches(TABLES[TABLE].plain_schema, rows(con))
            yield dg.Output(
                Rows(
                    stream_,
                    days,
                    counts,
                    reconcile=True,
                    is_sorted=True,
                    metadata={"languages": ", ".join(rules.languages) or "all", "kinds": ", ".join(rules.kinds)},
                    file_metadata=lambda day: VectorRules(embedders.get(day, ""), made_by[day], rules).metadata(),
                )
            )

    made: dg.AssetsDefinition = feat_account_embeddings
    return made


def _inputs(lake: Lake, day: date) -> dict[str, str | None]:
    """How the languages and vectors of a day were made."""
    tables = [name for name in (LANGUAGES, VECTORS) if lake.ref(name, [day]).days]
    return {name: lake.metadata(name, day).get(MADE_BY) for name in tables}


def _judged(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    refs: dict[str, TableRef],
    day: date,
    rules: TextRules,
    counts: Counter[str],
) -> pa.Table:
    """platform, post_id, account_id, embedder_id of the posts that count; the others are counted."""
    register(con, rules)
    of_day = [TableRef(ref.table, tuple(each for each in ref.days if each == day)) for ref in refs.values()]
    verdicts = open_select(con, lake, input_file(TABLE), of_day, [day]).to_arrow_table()
    lost = verdicts["verdict"].drop_null()
    counts["rows_in"] += len(verdicts)
    counts.update(Counter(lost.to_pylist()))
    return verdicts.filter(verdicts["verdict"].is_null()).drop_columns(["verdict", "day"])
