"""What the chain found out about biographies, hashtags and attributes of accounts in the demo world.

Here: the last snapshots beside the planted truth, read back from the published Parquet, in a few lines for a terminal.
What is not published is left out. Not here: networks (`summary`), audiences and personas (`summary_audiences`,
`summary_personas`).
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any, Final

import duckdb

_WIDTH: Final = 100
_PLANTED_PROFILES: Final = """
    create view planted as
    select
        profiles.model as clustering,
        profiles.cluster_id,
        accounts.profile as kind
    from profiles inner join accounts using (platform, account_id)
    where profiles.cluster_id is not null and accounts.profile is not null
"""
_PLANTED_TAGS: Final = """
    create view planted as
    select
        'kmeans' as clustering,
        tags.cluster_id,
        topics.topic as kind
    from tags inner join topics on tags.tag = topics.hashtag
    where tags.scope_kind = 'all' and tags.unit = 'hashtag' and tags.cluster_id is not null
"""
_AGREEMENT: Final = """
    with cells as (
        select clustering, cluster_id, kind, count(*) as n from planted group by all
    ),
    both_pairs as (
        select clustering, sum(n * (n - 1) / 2) as n, sum(n) as size from cells group by clustering
    ),
    found_pairs as (
        select clustering, sum(n * (n - 1) / 2) as n
        from (select clustering, cluster_id, sum(n) as n from cells group by all) group by clustering
    ),
    kind_pairs as (
        select clustering, sum(n * (n - 1) / 2) as n
        from (select clustering, kind, sum(n) as n from cells group by all) group by clustering
    ),
    expected_pairs as (
        select
            clustering,
            both_pairs.n as in_both,
            (found_pairs.n + kind_pairs.n) / 2 as mean,
            found_pairs.n * kind_pairs.n / (both_pairs.size * (both_pairs.size - 1) / 2) as by_chance
        from both_pairs inner join found_pairs using (clustering) inner join kind_pairs using (clustering)
    )
    select clustering, coalesce((in_both - by_chance) / nullif(mean - by_chance, 0), 1) as agreement
    from expected_pairs order by clustering desc
"""
_PURE: Final = """
    select cluster_id, arg_max(kind, n) as kind, max(n) / sum(n) as share
    from (select cluster_id, kind, count(*) as n from planted where clustering = 'kmeans' group by all)
    group by cluster_id order by cluster_id
"""
_STATUSES: Final = """
    select status, count(*) as n from profiles where model = 'kmeans' group by status order by n desc, status
"""
_WORDS: Final = """
    select cluster_id, list(term order by rank) as words from terms where analysis = ? group by cluster_id
"""
_PROFILE_SIZES: Final = "select cluster_id, count(*) as n from profiles where model = 'kmeans' group by cluster_id"
_TAG_SIZES: Final = """
    select cluster_id, count(*) as n, sum(n_posts) as n_posts
    from tags where scope_kind = 'all' and unit = 'hashtag' and cluster_id is not null group by cluster_id
"""
_MODELS: Final = """
    select * from models where chosen order by attribute
"""
_VALUES: Final = """
    with judged as (
        select
            told.attribute,
            told.value,
            told.reason,
            case told.attribute when 'kind' then accounts.nature when 'country' then accounts.country_code end as truth
        from told inner join accounts using (platform, account_id)
    )
    select
        attribute,
        count(*) as n_accounts,
        count(value) as n_given,
        count(*) filter (where value = truth) as n_right,
        count(*) filter (where reason = 'too_few_posts') as n_silent
    from judged group by attribute order by attribute
"""


def profile_summary(data_root: Path) -> str:
    """Kinds of biographies, themes of hashtags, attributes of accounts, each as far as it is published.

    Args:
        data_root: where lake/ and truth/ lie.

    Returns:
        Lines; a single one where nothing of it is published.
    """
    parts = [part for part in (_biographies(data_root), _hashtags(data_root), _attributes(data_root)) if part]
    return "\n\n".join(parts) or "No kinds of biographies, themes of hashtags or attributes were published."


def _connected(data_root: Path, **tables: str) -> duckdb.DuckDBPyConnection | None:
    """Views of the last day of the first table, and of the truth; None where that has no day."""
    folders = sorted((data_root / "lake" / next(iter(tables.values()))).glob("day=*/part-0.parquet"))
    if not folders:
        return None
    con = duckdb.connect()
    for name, table in tables.items():
        path = data_root / "lake" / table / folders[-1].parent.name / "part-0.parquet"
        if path.exists():
            con.read_parquet(str(path), hive_partitioning=False).create_view(name)
    con.read_parquet(str(data_root / "truth" / "accounts.parquet")).create_view("accounts")
    con.read_parquet(str(data_root / "truth" / "hashtags.parquet")).create_view("topics")
    return con


def _biographies(data_root: Path) -> str:
    con = _connected(data_root, profiles="out_profile_clusters", terms="out_cluster_terms")
    if con is None:
        return ""
    with con:
        con.execute(_PLANTED_PROFILES)
        sizes = {row["cluster_id"]: row["n"] for row in _rows(con, _PROFILE_SIZES) if row["cluster_id"] is not None}
        statuses = ", ".join(f"{row['n']:,} {row['status'].replace('_', ' ')}" for row in _rows(con, _STATUSES))
        words, pure, agreement = _words(con, "profiles_kmeans"), _pure(con), _agreement(con)
    lines = [f"{len(sizes)} kinds of biographies; accounts: {statuses}"]
    for number in sorted(sizes):
        lines += _wrapped(f"{number}: {sizes[number]:,} accounts: {words.get(number, '')}{pure.get(number, '')}")
    return "\n".join([*lines, agreement])


def _hashtags(data_root: Path) -> str:
    con = _connected(data_root, tags="out_hashtag_clusters", terms="out_cluster_terms")
    if con is None:
        return ""
    with con:
        con.execute(_PLANTED_TAGS)
        sizes = sorted(_rows(con, _TAG_SIZES), key=lambda row: int(row["cluster_id"]))
        words, pure, agreement = _words(con, "hashtags:all"), _pure(con), _agreement(con)
    lines = [f"{len(sizes)} themes of {sum(row['n'] for row in sizes)} hashtags"]
    for row in sizes:
        number = row["cluster_id"]
        shown = f"{number}: {row['n']} tags in {row['n_posts']:,} posts: {words.get(number, '')}{pure.get(number, '')}"
        lines += _wrapped(shown)
    return "\n".join([*lines, agreement])


def _attributes(data_root: Path) -> str:
    con = _connected(data_root, told="out_account_attributes", models="out_attribute_models")
    if con is None:
        return ""
    with con:
        values = _rows(con, _VALUES)
        known = {name for (name,) in con.execute("select view_name from duckdb_views() where not internal").fetchall()}
        models = {row["attribute"]: row for row in _rows(con, _MODELS)} if "models" in known else {}
    lines = ["Attributes of accounts, learnt from labels/demo.csv:"]
    for row in values:
        name, model = row["attribute"], models.get(row["attribute"])
        if model is None:
            lines += _wrapped(f"{name}: no model was trained")
        else:
            lines += _wrapped(
                f"{name}: {model['algorithm'].replace('_', ' ')} from {model['n_labels']:,} labels in "
                f"{model['n_groups']:,} groups; on groups it has not seen: macro F1 {model['macro_f1']:.2f} "
                f"({model['macro_f1_low']:.2f} to {model['macro_f1_high']:.2f}; always the most frequent: "
                f"{model['majority_macro_f1']:.2f}), expected calibration error {model['ece']:.3f}, "
                f"a value for {100 * model['coverage']:.0f} %"
            )
        right = f", {100 * row['n_right'] / row['n_given']:.1f} % of them as planted" if row["n_given"] else ""
        lines += _wrapped(
            f"    of {row['n_accounts']:,} accounts {row['n_given']:,} have a value{right}; {row['n_silent']:,} wrote "
            "too little"
        )
    return "\n".join(lines)


def _rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    return list(con.sql(sql).to_arrow_table().to_pylist())


def _words(con: duckdb.DuckDBPyConnection, analysis: str) -> dict[int, str]:
    """The first words of each cluster."""
    if not con.execute("select count(*) from duckdb_views() where view_name = 'terms'").fetchall()[0][0]:
        return {}
    return {number: ", ".join(words[:6]) for number, words in con.execute(_WORDS, [analysis]).fetchall()}


def _pure(con: duckdb.DuckDBPyConnection) -> dict[int, str]:
    return {row["cluster_id"]: f" ({100 * row['share']:.0f} % planted as {row['kind']})" for row in _rows(con, _PURE)}


def _agreement(con: duckdb.DuckDBPyConnection) -> str:
    told = [f"{row['agreement']:.3f} ({row['clustering']})" for row in _rows(con, _AGREEMENT)]
    return f"Against the planted truth: adjusted Rand index {', '.join(told) or 'unknown'}."


def _wrapped(text: str) -> list[str]:
    indent = "  " + " " * (len(text) - len(text.lstrip()))
    return textwrap.wrap(text.strip(), _WIDTH, initial_indent=indent, subsequent_indent="      ")
