"""What the chain found in the demo world, in a few lines for a terminal.

Here: reading the published Parquet back through DuckDB, as any reader would, and wording it. Not here: making it
(`defs`).
"""

from __future__ import annotations

import textwrap
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb

from sm_assets.errors import UncoveredDays

_WIDTH: Final = 100

_NETWORKS: Final = """
    with networks as (
        select * from clusters order by cluster_size desc, cluster_id limit $limit
    ),
    named as (
        select
            cluster_id,
            list(coalesce(display_name, handle, account_id) order by followers desc nulls last, account_id) as names,
            list_sort(list(distinct platform)) as platforms
        from members where cluster_id is not null group by cluster_id
    ),
    carried as (
        select
            cluster_id, content_id, content_kind, n_accounts, preview,
            unnest([
                {'platform': platform_a, 'post_id': sample_post_id_a, 'at': first_at_a},
                {'platform': platform_b, 'post_id': sample_post_id_b, 'at': first_at_b}
            ]) as post
        from evidence
    ),
    weighed as (
        -- Best is what many of the members carry and few others do, rather a text than a link.
        select
            cluster_id, content_id, any_value(content_kind) as content_kind, any_value(preview) as preview,
            arg_min(post, post.at) as post,
            count(distinct post) ** 2 / any_value(n_accounts) * if(any_value(content_kind) = 'link', 1, 2) as weight
        from carried group by cluster_id, content_id
    ),
    chosen as (
        select
            cluster_id,
            arg_max({'kind': content_kind, 'preview': preview, 'post': post}, (weight, content_id)) as best
        from weighed group by cluster_id
    ),
    messages as (
        select cluster_id, any_value(if(best.kind = 'text', coalesce(text, best.preview), best.preview)) as message
        from chosen left join posts on posts.platform = best.post.platform and posts.post_id = best.post.post_id
        group by cluster_id
    )
    select
        cluster_id, cluster_size, n_contents, cluster_lang, names, platforms, coalesce(message, top_preview) as message,
        first_shared_at, last_shared_at
    from networks join named using (cluster_id) left join messages using (cluster_id)
    order by cluster_size desc, cluster_id
"""

_COUNTS: Final = """
    select
        count(*) as accounts,
        count(cluster_id) as placed,
        count(distinct cluster_id) as networks,
        count(*) filter (status in ('aggregator', 'near_tie')) as in_between
    from members
"""

_AGAINST_TRUTH: Final = """
    with facts as (
        select
            coalesce(members.cluster_id, -1) as found, accounts.network, accounts.kind,
            -- Accounts of one owner share what it says: they belong together, network or not.
            coalesce(accounts.network, -1 - accounts.actor) as planted_group
        from accounts left join members using (platform, account_id)
        where accounts.platform in (select platform from members)
    ),
    planted as (
        select sum(n * (n - 1) / 2) as pairs
        from (select count(*) as n from facts where network is not null group by network)
    ),
    joined as (
        select sum(n * (n - 1) / 2) as pairs from (select count(*) as n from facts where found >= 0 group by found)
    ),
    confirmed as (
        select
            coalesce(sum(n * (n - 1) / 2), 0) as pairs,
            coalesce(sum(n * (n - 1) / 2) filter (planted_group >= 0), 0) as pairs_of_networks
        from (select planted_group, count(*) as n from facts where found >= 0 group by found, planted_group)
    )
    select
        confirmed.pairs_of_networks / planted.pairs as recall,
        confirmed.pairs / joined.pairs as precision,
        (select count(*) from facts where kind = 'aggregator' and found < 0) as aggregators_out,
        (select count(*) from facts where kind = 'aggregator') as aggregators
    from planted, joined, confirmed
"""


def summary(data_root: Path, *, limit: int = 6) -> str:
    """The largest networks of the last published day, their accounts and a shared message, and how they meet the truth.

    Args:
        data_root: where lake/ and truth/ lie.
        limit: networks described.

    Raises:
        UncoveredDays: no networks table has been published below `data_root`.
    """
    day = _last_day(data_root)
    with duckdb.connect() as con:
        for name in ("clusters", "members", "evidence"):
            _view(con, name, data_root / "lake" / f"out_cosharing_{name}" / f"day={day}" / "part-0.parquet")
        posts = data_root / "lake" / "core_posts" / "day=*" / "part-0.parquet"
        con.read_parquet(str(posts), hive_partitioning=True).create_view("posts")
        _view(con, "accounts", data_root / "truth" / "accounts.parquet")
        networks = _rows(con, _NETWORKS, {"limit": limit})
        (counts,) = _rows(con, _COUNTS)
        (truth,) = _rows(con, _AGAINST_TRUTH)
    plural = "" if counts["networks"] == 1 else "s"
    heading = f"{counts['networks']} network{plural} among {counts['accounts']:,} accounts"
    lines = [
        f"{heading} that posted in the window ending {day}",
        f"({counts['placed']:,} accounts in networks, {counts['in_between']:,} left between networks on purpose).",
        "",
    ]
    for network in networks:
        lines += [*_network(network), ""]
    if counts["networks"] > len(networks):
        lines += [f"... and {counts['networks'] - len(networks)} smaller networks.", ""]
    return "\n".join([*lines, _truth(truth)])


def _last_day(data_root: Path) -> date:
    days = sorted(
        folder.name.removeprefix("day=")
        for folder in (data_root / "lake" / "out_cosharing_clusters").glob("day=*")
        if (folder / "part-0.parquet").exists()
    )
    if not days:
        lake = data_root / "lake"
        raise UncoveredDays(f"No partition of out_cosharing_clusters below {lake}; run the chain first (make demo).")
    return date.fromisoformat(days[-1])


def _view(con: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    con.read_parquet(str(path), hive_partitioning=False).create_view(name)


def _rows(con: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    return list(con.sql(sql, params=parameters or {}).to_arrow_table().to_pylist())


def _network(network: dict[str, Any]) -> list[str]:
    language = network["cluster_lang"] or "no language"
    # An owner has one name on all its accounts.
    names = list(dict.fromkeys(network["names"]))
    shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    message = " ".join((network["message"] or "(links and pictures only)").split())
    head = (
        f"network {network['cluster_id']}: {network['cluster_size']} accounts ({', '.join(network['platforms'])}), "
        f"{language}, {network['n_contents']} shared contents, "
        f"{network['first_shared_at']:%d %b} to {network['last_shared_at']:%d %b}"
    )
    return [
        head,
        *_wrapped("names    ", shown),
        *_wrapped("message  ", f"\u201c{message}\u201d"),
    ]


def _wrapped(label: str, text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=f"  {label}", subsequent_indent="  " + " " * len(label))


def _truth(truth: dict[str, Any]) -> str:
    if truth["recall"] is None or truth["precision"] is None:
        return "No two accounts of a planted network met in the window."
    return (
        f"Against the planted truth: {100 * truth['recall']:.0f} % of the pairs of one network are found, "
        f"{100 * truth['precision']:.0f} % of the found\npairs are of one network or one owner; "
        f"{truth['aggregators_out']} of {truth['aggregators']} aggregators are kept out."
    )
