"""out_influencer_search: who belongs with a few given accounts.

Here: the asset and the searches that are its config. Not here: ranking (`sm_assets.analysis.influencer_search`).
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, Literal

import dagster as dg
import pyarrow as pa
from pydantic import Field

from sm_assets.contracts.columns import PLATFORMS, SEARCH_METHODS
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.audience_inputs import AUDIENCES
from sm_assets.defs.io import Rows
from sm_assets.defs.metadata import small_table
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import days_with_input
from sm_assets.defs.windows import Results
from sm_assets.errors import OptionError, UnknownAccounts
from sm_assets.storage import Lake, TableRef

NAME = "out_influencer_search"


class Search(dg.Config):
    """One question: who belongs with these accounts?"""

    name: str = Field(description="Name of the search, unique among them.")
    platform: str = Field(description=f"Whose accounts: {', '.join(PLATFORMS)}.")
    seeds: list[str] = Field(description="Accounts to start from: ids, or handles with or without @.")
    max_members: int = Field(default=200, ge=1, le=100_000, description="Length of each ranking.")


class SearchConfig(dg.Config):
    """The searches, and how they rank."""

    searches: list[Search] = Field(default=[], description="The searches; none: the table is empty.")
    methods: list[str] = Field(
        default=list(SEARCH_METHODS), description=f"Ways of ranking: {', '.join(SEARCH_METHODS)}."
    )
    preset: Literal["default", "paper"] = Field(
        default="default",
        description="paper: 500 bands of 2 registers (1000 registers needed), PageRank of 3 steps at damping 0.9.",
    )
    max_candidates: int = Field(default=5000, ge=10, le=50_000, description="Most influencers ranked per search.")
    damping: float = Field(default=0.5, gt=0, lt=1, description="Share of the PageRank that flows on in a step.")


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The asset over one lake."""

    @dg.asset(ins=ins(lake, NAME, (AUDIENCES, "core_accounts")), **one(lake, NAME))
    def out_influencer_search(
        context: dg.AssetExecutionContext, config: SearchConfig, **refs: TableRef
    ) -> Iterator[dg.Output[Rows]]:
        from sm_assets.defs.audience_reading import AudienceSnapshot  # loads kernels

        _check(config)
        days = days_with_input(NAME, [refs[AUDIENCES]], sorted(partition_days(list(context.partition_keys))))
        with lake.workspace("search") as folder, lake.connect() as con:
            kept, told = Results(folder), [dict[str, Any]()]
            for day in days:
                snapshot = AudienceSnapshot(lake, con, day, folder)
                told = []
                for search in config.searches:
                    rows, counts = _found(snapshot, search, config, day, must_find=day == days[-1])
                    kept.add(NAME, rows)
                    told.append({"search": search.name, **{name: str(value) for name, value in counts.items()}})
            note = "No search is configured: add `searches` with name, platform and seeds to the run's config."
            shown = small_table(told) if config.searches and days else note
            yield dg.Output(Rows(kept.relation(con, NAME), days, metadata={"searches": shown}))

    made: dg.AssetsDefinition = out_influencer_search
    return made


def _check(config: SearchConfig) -> None:
    """Refuse searches that cannot be meant.

    Raises:
        OptionError: names that repeat, unknown platforms or methods, searches without seeds.
    """
    names = [search.name for search in config.searches]
    problems = [f"the name {name!r} is used twice" for name in sorted({n for n in names if names.count(n) > 1})]
    problems += [f"{s.name}: unknown platform {s.platform!r}" for s in config.searches if s.platform not in PLATFORMS]
    problems += [f"{search.name}: no seeds" for search in config.searches if not search.seeds]
    problems += [f"unknown method {name!r}" for name in config.methods if name not in SEARCH_METHODS]
    if problems or not config.methods:
        raise OptionError(
            f"Searches: {'; '.join(problems) or 'no method'}. Known are the platforms {', '.join(PLATFORMS)} and the "
            f"methods {', '.join(SEARCH_METHODS)}."
        )


def _found(
    snapshot: Any, search: Search, config: SearchConfig, day: date, *, must_find: bool
) -> tuple[pa.Table, dict[str, Any]]:
    """Rows of one search on one day, and what was counted.

    Raises:
        UnknownAccounts: no seed is an influencer, and `must_find`.
    """
    from sm_assets.analysis.account_names import account_ids
    from sm_assets.analysis.influencer_search import PAPER, SearchOptions, search_rows
    from sm_assets.contracts import TABLES

    changes: dict[str, Any] = {"max_candidates": config.max_candidates, "max_members": search.max_members}
    if config.preset == "paper":
        changes |= {"bands": PAPER.bands, "rows": PAPER.rows, "damping": PAPER.damping, "steps": PAPER.steps}
    else:
        changes["damping"] = config.damping
    accounts = snapshot.of(search.platform)
    try:
        return search_rows(
            search.name,
            search.platform,
            accounts,
            snapshot.signatures[snapshot.rows(search.platform)],
            account_ids(accounts, search.seeds),
            day=day,
            methods=config.methods,
            options=SearchOptions(**changes),
        )
    except UnknownAccounts:
        if must_find:
            raise
        return TABLES[NAME].plain_schema.empty_table(), {"seeds_found": 0}
