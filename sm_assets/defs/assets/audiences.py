"""feat_audience_sizes and feat_audiences: snapshots of all audiences up to a day.

Here: the asset and its parameters. Not here: making the snapshots (`defs.audience_snapshots`).
"""

from collections.abc import Iterator
from datetime import date

import dagster as dg
from pydantic import Field

from sm_assets.analysis.defaults import MIN_FOLLOWERS
from sm_assets.contracts.sketches import INPUTS, spec_of
from sm_assets.defs.assets.declare import common, ins, out
from sm_assets.defs.audience_inputs import (
    AUDIENCES,
    FOLLOWS,
    KEYS,
    SIZES,
    SKETCHES,
    TOMBSTONES,
    newest_valid,
    read_inputs,
    usable_days,
)
from sm_assets.defs.io import Rows
from sm_assets.defs.partitions import partition_days
from sm_assets.storage import Lake, TableRef

HIGH32_LIMIT = 10_000_000
UPSTREAMS = (KEYS, SKETCHES, FOLLOWS, TOMBSTONES)


class AudiencesConfig(dg.Config):
    """Who is an influencer."""

    min_followers: int = Field(
        default=MIN_FOLLOWERS,
        ge=1,
        le=1_000_000_000,
        description="Least known followers of an influencer, up to the as-of day.",
    )


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The two tables as one asset over one lake."""
    settings = lake.settings

    @dg.multi_asset(
        name="gather_audiences",
        outs={name: out(lake, name) for name in (SIZES, AUDIENCES)},
        ins=ins(lake, AUDIENCES, UPSTREAMS),
        **common(lake),
    )
    def gather_audiences(
        context: dg.AssetExecutionContext, config: AudiencesConfig, **_refs: TableRef
    ) -> Iterator[dg.Output[Rows]]:
        from sm_assets.defs.audience_snapshots import Snapshots  # loads kernels
        from sm_assets.kernels.isa import set_isa

        set_isa(settings.isa)
        spec = spec_of(settings)
        days = usable_days(lake.days(KEYS), sorted(partition_days(list(context.partition_keys))))
        with lake.workspace("audiences") as folder, lake.connect() as con:
            inputs = read_inputs(lake, spec, days[-1] if days else date.min)
            base = newest_valid(lake, inputs, spec, days[0]) if days else None
            made = Snapshots(lake, con, folder, spec, inputs, days, base, config.min_followers, context.log.info)
            made.make()
            if spec.element == "high32" and made.counts["largest_audience"] > HIGH32_LIMIT:
                context.log.warning(
                    "The largest audience has %d followers: 32-bit elements collide above some %d and draw its "
                    "similarities up. Use the scheme fss.",
                    made.counts["largest_audience"],
                    HIGH32_LIMIT,
                )
            told = {"sketch_id": spec.sketch_id, "goes_on_from": str(base or "the first day"), **made.counts}
            for name, rows in ((SIZES, made.sizes()), (AUDIENCES, made.audiences())):
                yield dg.Output(
                    Rows(
                        rows,
                        days,
                        is_sorted=True,
                        metadata=told,
                        file_metadata=lambda day: spec.metadata | {INPUTS: inputs.text(day)},
                    ),
                    name,
                )

    made: dg.AssetsDefinition = gather_audiences
    return made
