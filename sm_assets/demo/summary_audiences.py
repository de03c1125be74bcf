"""What the chain found out about audiences in the demo world, in a few lines for a terminal.

Here: communities of influencers and one search, read back from the published Parquet. Not here: networks (`summary`).
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any, Final

import duckdb

_WIDTH: Final = 100
_COMMUNITIES: Final = """
    select platform, n_members, stability, label_terms, top_member_names, conductance
    from communities order by platform, n_members desc, community_id
"""
_COUNTS: Final = """
    select
        platform,
        count(*) as influencers,
        count(community_id) as placed,
        count(distinct community_id) as communities
    from members group by platform order by platform
"""
_AGAINST_TRUTH: Final = """
    with placed as (
        select members.platform, members.community_id as found, accounts.community as planted
        from members inner join accounts using (platform, account_id)
        where accounts.community is not null
    ),
    planted_pairs as (
        select sum(n * (n - 1) / 2) as n from (select count(*) as n from placed group by platform, planted)
    ),
    found_pairs as (
        select sum(n * (n - 1) / 2) as n
        from (select count(*) as n from placed where found is not null group by platform, found)
    ),
    both_pairs as (
        select sum(n * (n - 1) / 2) as n
        from (select count(*) as n from placed where found is not null group by platform, found, planted)
    )
    select both_pairs.n / planted_pairs.n as recall, both_pairs.n / found_pairs.n as precision
    from both_pairs, planted_pairs, found_pairs
"""
_SEARCH: Final = """
    select search_name, method, list(coalesce(display_name, handle, account_id) order by rank) as names
    from search group by search_name, method order by search_name, method
"""


def audience_summary(data_root: Path) -> str:
    """Communities of influencers of the last published day, how they meet the truth, and the searches.

    Args:
        data_root: where lake/ and truth/ lie.

    Returns:
        Lines; a single one where no snapshot of audiences is published.
    """
    folders = sorted((data_root / "lake" / "out_audience_members").glob("day=*/part-0.parquet"))
    if not folders:
        return "No audiences: no follows were published."
    day = folders[-1].parent.name
    with duckdb.connect() as con:
        for name, table in (
            ("members", "out_audience_members"),
            ("communities", "out_audience_communities"),
            ("search", "out_influencer_search"),
        ):
            path = data_root / "lake" / table / day / "part-0.parquet"
            con.read_parquet(str(path), hive_partitioning=False).create_view(name)
        con.read_parquet(str(data_root / "truth" / "accounts.parquet")).create_view("accounts")
        counts, communities, searches = (_rows(con, sql) for sql in (_COUNTS, _COMMUNITIES, _SEARCH))
        (truth,) = _rows(con, _AGAINST_TRUTH)
    lines = []
    for row in counts:
        lines.append(
            f"{row['communities']} communities among {row['influencers']} influencers on {row['platform']} "
            f"({row['placed']} in communities)"
        )
        lines += [line for c in communities if c["platform"] == row["platform"] for line in _community(c)]
        lines.append("")
    lines.append(_truth(truth))
    for row in searches:
        shown = f"{row['search_name']}, by {row['method']}: {', '.join(row['names'][:5])}"
        lines += textwrap.wrap(shown, _WIDTH, initial_indent="  ", subsequent_indent="    ")
    return "\n".join(lines)


def _rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    return list(con.sql(sql).to_arrow_table().to_pylist())


def _community(community: dict[str, Any]) -> list[str]:
    names = ", ".join(community["top_member_names"][:4])
    words = ", ".join(community["label_terms"][:5]) or "no words in common"
    text = f"{community['n_members']} influencers, stability {community['stability']:.2f}: {words} ({names}, ...)"
    return textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="      ")


def _truth(truth: dict[str, Any]) -> str:
    if truth["recall"] is None or truth["precision"] is None:
        return "No two influencers of a planted community came together."
    return (
        f"Against the planted truth: {100 * truth['recall']:.0f} % of the pairs of one community are found, "
        f"{100 * truth['precision']:.0f} % of the\nfound pairs are of one community."
    )
