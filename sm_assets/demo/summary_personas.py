"""What the chain found out about personas in the demo world, in a few lines for a terminal.

Here: the last snapshot beside the planted truth, read back from the published Parquet. Not here: networks (`summary`),
audiences (`summary_audiences`).
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any, Final

import duckdb

_WIDTH: Final = 100
_STATUSES: Final = "select status, count(*) as n from personas group by status order by n desc, status"
_PROFILES: Final = """
    with named as (
        select members.persona_id, planted.name, count(*) as n
        from personas as members
        inner join accounts using (platform, account_id)
        inner join planted using (persona)
        where members.persona_id is not null
        group by all
    )
    select
        profiles.persona_id,
        profiles.n_accounts,
        profiles.top_terms,
        profiles.platforms,
        arg_max(named.name, named.n) as planted_name,
        max(named.n) / sum(named.n) as purity,
        max(named.n) as n_pure,
        sum(named.n) as n_known
    from profiles inner join named using (persona_id)
    group by all order by persona_id
"""
_EVENTS: Final = """
    select event, count(*) as n from ids where analysis = 'personas' group by event order by n desc, event
"""
_TABLES: Final = {"personas": "out_personas", "profiles": "out_persona_profiles", "ids": "out_cluster_ids"}


def persona_summary(data_root: Path) -> str:
    """Personas of the last published day, and how they meet the truth.

    Args:
        data_root: where lake/ and truth/ lie.

    Returns:
        Lines; a single one where no snapshot of personas is published.
    """
    folders = sorted((data_root / "lake" / "out_personas").glob("day=*/part-0.parquet"))
    if not folders:
        return "No personas: no vectors of texts were published."
    day = folders[-1].parent.name
    with duckdb.connect() as con:
        for name, table in _TABLES.items():
            path = data_root / "lake" / table / day / "part-0.parquet"
            con.read_parquet(str(path), hive_partitioning=False).create_view(name)
        con.read_parquet(str(data_root / "truth" / "accounts.parquet")).create_view("accounts")
        con.read_parquet(str(data_root / "truth" / "personas.parquet")).create_view("planted")
        statuses, profiles, events = (_rows(con, sql) for sql in (_STATUSES, _PROFILES, _EVENTS))
    counted = ", ".join(f"{row['n']:,} {row['status'].replace('_', ' ')}" for row in statuses)
    if not profiles:
        return f"No personas on {day.removeprefix('day=')}; accounts: {counted}."
    lines = [f"{len(profiles)} personas; accounts: {counted}"]
    for row in profiles:
        words = ", ".join(row["top_terms"][:6])
        shown = (
            f"{row['persona_id']}: {row['n_accounts']} accounts on {', '.join(row['platforms'])}: {words} "
            f"({100 * row['purity']:.0f} % planted as {row['planted_name']})"
        )
        lines += textwrap.wrap(shown, _WIDTH, initial_indent="  ", subsequent_indent="      ")
    pure = sum(row["n_pure"] for row in profiles) / sum(row["n_known"] for row in profiles)
    went_on = ", ".join(f"{row['n']} {row['event']}" for row in events)
    lines.append(
        f"Against the planted truth: {100 * pure:.1f} % of the members are with their own kind. Since the snapshot "
        f"before: {went_on}."
    )
    return "\n".join(lines)


def _rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    return list(con.sql(sql).to_arrow_table().to_pylist())
