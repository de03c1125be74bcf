"""out_audience_overlap, _communities, _members: who shares an audience with whom, per as-of day.

Here: the asset and its parameters. Not here: the steps (`defs.audience_results`), the analyses.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, Literal

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from sm_assets.defs.assets.declare import common, ins, out
from sm_assets.defs.audience_inputs import AUDIENCES, KEYS
from sm_assets.defs.io import Rows
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import days_with_input
from sm_assets.defs.windows import Results
from sm_assets.storage import Lake, TableRef

TABLES = ("out_audience_overlap", "out_audience_communities", "out_audience_members")
MEMBERS = TABLES[-1]


class CommunitiesConfig(dg.Config):
    """How shared audiences are found, tested and grouped."""

    candidates: Literal["auto", "exact", "scan", "banding"] = Field(
        default="auto",
        description="Which pairs are looked at. exact: all that share a follower; scan: all pairs of sketches; "
        "banding: pairs alike in a band of registers; auto: by the size of the work, which the log tells first.",
    )
    exact_rerank: Literal["auto", "always", "never"] = Field(
        default="auto", description="Whether candidates are counted through their followers; auto: up to 2e9 follows."
    )
    top: int = Field(default=50, ge=1, le=10_000, description="Neighbours per influencer in out_audience_overlap.")
    recall: float = Field(
        default=0.9, gt=0, lt=1, description="Share of the pairs of the Jaccard index below that banding must find."
    )
    jaccard: float = Field(
        default=0.2, gt=0, lt=1, description="Jaccard index for which scan and banding are laid out."
    )
    max_bucket: int = Field(
        default=1000, ge=2, le=1_000_000, description="Influencers alike in a band beyond which they are scanned."
    )
    null: Literal["bicm", "chung_lu", "hypergeometric"] = Field(
        default="bicm", description="What chance is: bicm holds the sizes of audiences and what followers follow."
    )
    alpha: float = Field(default=0.01, gt=0, lt=0.5, description="False discovery rate of significant pairs.")
    min_shared: int = Field(default=3, ge=1, le=1_000_000, description="Shared followers of a significant pair.")
    resolution: float = Field(
        default=1.0, gt=0, le=1000, description="Higher: more and smaller communities. None is best for all data."
    )
    n_runs: int = Field(
        default=20,
        ge=1,
        le=1000,
        description="Runs with different seeds that the consensus is of. From 20 on the least number: while the two "
        "halves of them disagree it is doubled, up to 80 and as far as the graph's size allows. Below 20 just so many.",
    )
    min_community_size: int = Field(default=3, ge=1, le=1_000_000, description="Least members of a community.")
    export: bool = Field(
        default=False,
        description="Write the graph of the last as-of day with coordinates below exports/audiences: GEXF and Parquet.",
    )


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The three tables as one asset over one lake."""

    @dg.multi_asset(
        name="find_audience_communities",
        outs={name: out(lake, name) for name in TABLES},
        ins=ins(lake, TABLES[0], (AUDIENCES, KEYS, "core_accounts")),
        **common(lake),
    )
    def audience_communities(
        context: dg.AssetExecutionContext, config: CommunitiesConfig, **refs: TableRef
    ) -> Iterator[dg.Output[Rows]]:
        from sm_assets.defs import audience_results as results  # loads kernels
        from sm_assets.defs.audience_reading import AudienceSnapshot

        days = days_with_input(TABLES[0], [refs[AUDIENCES]], sorted(partition_days(list(context.partition_keys))))
        shared: dict[str, Any] = {"as_of": str(days[-1]) if days else "no day: no snapshot of audiences is there"}
        pictures: dict[str, dict[str, Any]] = {}
        with lake.workspace("communities") as folder, lake.connect() as con:
            kept, before = Results(folder), _members_before(lake, days)
            for day in days:
                last = day == days[-1]
                snapshot = AudienceSnapshot(lake, con, day, folder)
                found = results.find(
                    snapshot, _options(config, lake), sweep=last, log=context.log.info, **_search(config)
                )
                for name, rows in found.tables.items():
                    kept.add(name, rows)
                if last:
                    spots = results.places(found)
                    pictures = results.figures(found, spots)
                    for name, told in results.metadata(found, results.kept_share(before, found)).items():
                        pictures[name] |= told
                    if config.export:
                        shared["exported"] = "\n".join(results.export(lake, found, spots, day, folder))
                before = found.tables[MEMBERS]
            for name in TABLES:
                yield dg.Output(Rows(kept.relation(con, name), days, metadata=pictures.get(name, {}) | shared), name)

    made: dg.AssetsDefinition = audience_communities
    return made


def _members_before(lake: Lake, days: list[date]) -> pa.Table | None:
    """Members of the newest snapshot before the first of the days."""
    earlier = [day for day in lake.days(MEMBERS) if days and day < days[0]]
    if not earlier:
        return None
    with lake.fs.open(lake.file(MEMBERS, earlier[-1]), "rb") as source:
        return pq.read_table(source)


def _options(config: CommunitiesConfig, lake: Lake) -> Any:
    from sm_assets.analysis.overlap_pairs import OverlapOptions

    names = ("candidates", "exact_rerank", "top", "recall", "jaccard", "max_bucket", "null", "alpha", "min_shared")
    settings = lake.settings
    return OverlapOptions(
        **{name: getattr(config, name) for name in names},
        threads=settings.threads,
        memory_limit=max(settings.memory_bytes // 4, 1 << 20),
    )


def _search(config: CommunitiesConfig) -> dict[str, Any]:
    return {name: getattr(config, name) for name in ("resolution", "n_runs", "min_community_size")}
