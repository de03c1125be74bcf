"""out_estimated_exposures: posts that members of personas probably saw and passed over, per as-of day.

Here: the asset and its parameters. Not here: how it is estimated (`sm_assets.analysis.exposures`). Off until it is
switched on: then nothing is read, and each day has a partition of no rows.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

import dagster as dg
import duckdb
import pyarrow as pa
from pydantic import Field

from sm_assets.analysis.exposure_rules import ExposureRules
from sm_assets.analysis.parameters import params_hash
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.clustering_record import PERSONAS, required_record
from sm_assets.defs.exposure_record import EXPOSURES, ExposureRecord, exposure_metadata
from sm_assets.defs.io import Rows
from sm_assets.defs.metadata import counts_table, small_table
from sm_assets.defs.one_embedder import check_one_embedder
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import WANTED_POSTS, days_with_input, input_file, open_select, upstreams
from sm_assets.defs.text_rules import register
from sm_assets.defs.windows import Results, snapshot_refs, with_constants
from sm_assets.storage import Lake, TableRef

NAME: Final = EXPOSURES
VECTORS: Final = "feat_post_embeddings"
INPUTS: Final = ("members", "activity", "follows", "feed", "actions", "blocks")
_DEFAULTS: Final = ExposureRules()
_BATCH: Final = 65_536
_OFF: Final = "off: set `enabled` to true in this step's config to estimate exposures"


class ExposuresConfig(dg.Config):
    """Whether and how exposures are estimated."""

    enabled: bool = Field(default=False, description="Estimate exposures; otherwise the table has no rows.")
    session_gap_minutes: int = Field(
        default=_DEFAULTS.session_gap_minutes,
        ge=1,
        le=1440,
        description="An account's session ends where it does nothing for longer than this.",
    )
    lookback_hours: int = Field(
        default=_DEFAULTS.lookback_hours,
        ge=1,
        le=168,
        description="A post that came longer than this before a session is not seen in it.",
    )
    feed_depth: int = Field(
        default=_DEFAULTS.feed_depth,
        ge=1,
        le=1_000_000,
        description="Posts seen in a session: the newest of those that came since the session before.",
    )
    include_replies: bool = Field(
        default=_DEFAULTS.include_replies, description="Whether replies of others come into feeds."
    )
    threshold: Literal["percentile", "absolute"] = Field(
        default="percentile", description="Which of the two next parameters says what was of interest."
    )
    percentile: float = Field(
        default=_DEFAULTS.percentile,
        ge=0,
        le=100,
        description="Of interest is what is more similar than this percentile of the posts that members acted on.",
    )
    absolute: float = Field(
        default=_DEFAULTS.absolute,
        ge=-1,
        le=1,
        description="Of interest is what is more similar than this cosine; only with threshold "
        "absolute. What is much depends on the embedder.",
    )
    cap: int = Field(
        default=_DEFAULTS.cap, ge=1, le=1_000_000, description="Most rows of one member; `seed` decides which are kept."
    )
    seed: int = Field(
        default=_DEFAULTS.seed,
        ge=0,
        le=2**32 - 1,
        description="Seed of the centres of interest and of the draw at the cap.",
    )

    def rules(self) -> ExposureRules:
        """The parameters as the analysis takes them."""
        return ExposureRules(**{name: getattr(self, name) for name in ExposureRules.__slots__})


def upstream_tables() -> list[str]:
    """Every table that the inputs read."""
    return sorted({name for each in (*INPUTS, "vectors") for name in upstreams(_input(each))})


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The asset over one lake."""

    @dg.asset(ins=ins(lake, NAME, upstream_tables()), **one(lake, NAME))
    def out_estimated_exposures(
        context: dg.AssetExecutionContext, config: ExposuresConfig, **refs: TableRef
    ) -> Iterator[dg.Output[Rows]]:
        days = days_with_input(NAME, [refs[PERSONAS]], partition_days(list(context.partition_keys)))
        told: dict[str, Any] = {"status": "on: no day has personas" if config.enabled else _OFF}
        with lake.workspace("exposures") as folder, lake.connect() as con:
            results = Results(folder)
            records: dict[date, ExposureRecord] = {}
            for day in days if config.enabled else ():
                rows, told, records[day] = _snapshot(con, lake, list(refs.values()), day, config.rules())
                results.add(NAME, rows)
            yield dg.Output(
                Rows(
                    results.relation(con, NAME),
                    days,
                    metadata=told,
                    file_metadata=lambda day: exposure_metadata(records.get(day)),
                )
            )

    made: dg.AssetsDefinition = out_estimated_exposures
    return made


def _snapshot(
    con: duckdb.DuckDBPyConnection, lake: Lake, refs: list[TableRef], day: date, rules: ExposureRules
) -> tuple[pa.Table, dict[str, Any], ExposureRecord]:
    """Rows of one as-of day, what the page shows of them, and the record behind them."""
    from sm_assets.analysis.exposures import estimate_exposures  # loads kernels
    from sm_assets.analysis.interests import wanted_posts
    from sm_assets.analysis.member_feeds import FeedInputs, member_feeds

    record = required_record(lake, PERSONAS, day)
    register(con, record.rules)
    window = snapshot_refs(refs, day, lake.settings.window_days)
    check_one_embedder(con, lake, next(ref for ref in window if ref.table == VECTORS), record.embedder_id)
    tables = {name: open_select(con, lake, _input(name), window, [day]).to_arrow_table() for name in INPUTS}
    feeds = member_feeds(FeedInputs(**tables), rules)
    platform, post_id = feeds.posts.pairs(wanted_posts(feeds))
    con.register(WANTED_POSTS, pa.table({"platform": platform, "post_id": post_id}))
    vectors = open_select(con, lake, _input("vectors"), window, [day]).to_arrow_reader(_BATCH)
    found = estimate_exposures(feeds, vectors, rules)
    made_by = params_hash(rules.told() | {"of": record.params_hash})
    rows = with_constants(found.rows, params_hash=made_by, day=day)
    shown = {
        "status": "on",
        "as_of": str(day),
        "interests": small_table(found.told()),
        "members_and_posts": counts_table(found.counts, "what", "number"),
    }
    return rows, shown, ExposureRecord(made_by, rules.told(), dict(found.over_cap))


def _input(name: str) -> Path:
    return input_file(f"{NAME}_{name}")
