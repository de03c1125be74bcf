"""feat_post_relevance: posts that the user's lists of hashtags and creators point out.

Here: the asset and its parameters. Not here: the rules (`sm_assets.analysis.relevance`), reading lists
(`defs.user_lists`).
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import duckdb
from pydantic import Field

from sm_assets.analysis.relevance import Finder, parse_differences, seed_hashtags
from sm_assets.analysis.user_lists import UserLists
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.io import Rows
from sm_assets.defs.metadata import counts_table
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import days_with_input, input_file, open_select, upstreams
from sm_assets.defs.user_lists import digests_by_day, lists_metadata, made_otherwise, read_lists
from sm_assets.storage import ROW_GROUP, Lake, TableRef

NAME = "feat_post_relevance"
_PARSE = f"{NAME}_parse"
_SHOWN = 20


class PostRelevanceConfig(dg.Config):
    """Which lists are looked for."""

    lists: list[str] = Field(
        default=[],
        description="Names of folders below lists/ of the data root, each with hashtags.csv or creators.csv or both; "
        "empty: all of them.",
    )


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The asset over one lake."""
    upstream = sorted({*upstreams(input_file(NAME)), *upstreams(input_file(_PARSE))})

    @dg.asset(ins=ins(lake, NAME, upstream), **one(lake, NAME))
    def feat_post_relevance(
        context: dg.AssetExecutionContext, config: PostRelevanceConfig, **refs: TableRef
    ) -> Iterator[dg.Output[Rows]]:
        days = days_with_input(NAME, [refs["core_posts"]], partition_days(list(context.partition_keys)))
        lists = read_lists(lake, config.lists)
        finder, parse = Finder(lists), Counter[str]()
        with lake.connect() as con:
            # Without a list there is nothing to look for.
            if lists and days:
                for batch in open_select(con, lake, input_file(NAME), refs.values(), days).to_arrow_reader(ROW_GROUP):
                    finder.take(batch)
                parse = _read_both_ways(con, lake, list(refs.values()), days)
            told = _told(lake, lists, finder, parse, days)
            yield dg.Output(Rows(finder.table(), days, metadata=told, file_metadata=lambda _: lists_metadata(lists)))

    made: dg.AssetsDefinition = feat_post_relevance
    return made


def _read_both_ways(con: duckdb.DuckDBPyConnection, lake: Lake, refs: list[TableRef], days: list[date]) -> Counter[str]:
    """What the seed's reading of captions would change: `parse_differences` over all posts with a hashtag.

    Suggested words are not counted: core has them one by one, not the cells that they were read from.
    """
    found = Counter[str]()
    for batch in open_select(con, lake, input_file(_PARSE), refs, days).to_arrow_reader(ROW_GROUP):
        texts, tags = batch["text"].to_pylist(), batch["tags"].to_pylist()
        found += parse_differences(map(seed_hashtags, texts), tags)
    return found


def _told(lake: Lake, lists: list[UserLists], finder: Finder, parse: Counter[str], days: list[date]) -> dict[str, Any]:
    """What the page shows: lists, how posts were found, what other rules would change, days made with other lists."""
    sizes = [
        {"list": each.name, "hashtags": len(each.tags), "creators": len(each.authors), "digest": each.digest}
        for each in lists
    ]
    others = [day for day in lake.days(NAME) if day not in set(days)]
    stale = made_otherwise(digests_by_day(lake, NAME, others), lists)
    told: dict[str, Any] = {
        "lists": dg.MetadataValue.json(sizes),
        "found_how": counts_table(dict(sorted(finder.counts.items())), "list: what was found, and how", "times"),
        "reading_differences": counts_table(dict(sorted(parse.items())), "hashtags of captions, read as the seed does"),
        "stale_days": len(stale),
    }
    if stale:
        shown = ", ".join(map(str, stale[:_SHOWN])) + (
            f" and {len(stale) - _SHOWN} more" if len(stale) > _SHOWN else ""
        )
        told["stale"] = f"Made with other lists; materialise again: {shown}."
    if not lists:
        told["notices"] = f"There is no list below {lake.uri(lake.path('lists'))}: no post can be found."
    return told
