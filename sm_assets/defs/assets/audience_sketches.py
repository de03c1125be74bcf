"""feat_audience_sketches: signatures of the audiences won on a day.

Here: the asset. Not here: sketching (`sm_assets.analysis.daily_sketches`).
"""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

import dagster as dg
import pyarrow as pa
from pydantic import Field

from sm_assets.analysis.defaults import MIN_DAY_FOLLOWS
from sm_assets.contracts.sketches import KEY, MADE_FROM, key_id, require_key, spec_of
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.audience_inputs import digest_of
from sm_assets.defs.io import Rows
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import days_with_input
from sm_assets.storage import Lake, TableRef, stream

NAME, SOURCE = "feat_audience_sketches", "feat_follow_keys"
COLUMNS = ("platform", "followed_account_id", "follower_key")


class SketchConfig(dg.Config):
    """Which accounts get a row."""

    min_day_follows: int = Field(
        default=MIN_DAY_FOLLOWS,
        ge=1,
        le=1_000_000,
        description="Least follows of a day for a signature; of smaller audiences the keys are used. No result depends "
        "on it.",
    )


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The asset over one lake."""
    settings = lake.settings

    @dg.asset(ins=ins(lake, NAME, [SOURCE]), **one(lake, NAME))
    def feat_audience_sketches(
        context: dg.AssetExecutionContext, config: SketchConfig, **refs: TableRef
    ) -> Iterator[dg.Output[Rows]]:
        from sm_assets.analysis.daily_sketches import sketch_day, sketch_schema  # loads kernels
        from sm_assets.kernels.isa import set_isa

        set_isa(settings.isa)
        spec = spec_of(settings)
        days = days_with_input(NAME, refs.values(), partition_days(list(context.partition_keys)))
        sources = {day: lake.metadata(SOURCE, day) for day in days}
        require_key(key_id(settings), {f"{SOURCE} day={day}": found.get(KEY) for day, found in sources.items()})
        seen: Counter[str] = Counter()

        def rows() -> Iterator[pa.RecordBatch]:
            keys = stream(lake, SOURCE, days, COLUMNS, as_dictionary=COLUMNS[:2])
            for day, batches in groupby(keys, key=lambda item: item[0]):
                found = (batch for _, batch in batches)
                yield from sketch_day(
                    found, day, spec, seen, min_follows=config.min_day_follows, threads=settings.threads
                )

        reader = pa.RecordBatchReader.from_batches(sketch_schema(spec.k), rows())
        yield dg.Output(
            Rows(
                reader,
                days,
                seen,
                is_sorted=True,
                metadata={"sketch_id": spec.sketch_id},
                file_metadata=lambda day: spec.metadata | {MADE_FROM: digest_of(lake, SOURCE, day)},
            )
        )

    made: dg.AssetsDefinition = feat_audience_sketches
    return made
