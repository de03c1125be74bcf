"""The checks `no_withdrawn_rows`: whatever table still names a withdrawn record is found.

Here: the checks over every table of core, of the features and of the outputs. Not here: which rows core withdraws
(`test_core_rules`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import duckdb
import pytest
from staged import DAY

from sm_assets.contracts import TABLES
from sm_assets.contracts.schema import quoted
from sm_assets.defs.sql import ALL_DAYS, SQL_ROOT, prepare, upstreams
from sm_assets.storage import Lake

CHECKS = tuple(sorted((SQL_ROOT / "checks").rglob("no_withdrawn_rows.sql")))
# Names of whoever acts or is; an account that is only spoken of (parent_, mentioned_) may be withdrawn.
ACTS = re.compile(r"(seed_|follower_|followed_|anchor_|neighbour_|author_|via_)?account_id(_[ab])?")
PLACED = ("out_map_points", "item_id")
IS = re.compile(r"(sample_)?post_id(_[ab])?")
LAYERS = ("core", "feat", "out")
# Of clusters as a whole; what they say goes when the members' rows are made again.
NAMELESS = (
    "feat_account_label_rejects",
    "out_attribute_models",
    "out_attribute_curves",
    "feat_post_volumes",
    "out_post_volumes",
    "out_ngrams",
    "out_cluster_k",
    "out_cluster_terms",
    "out_cluster_topics",
    "out_cluster_links",
    "out_cluster_ids",
    "out_persona_profiles",
    "out_persona_exports",
)
# Shared tables of clusters, whose clusterings may be named for accounts.
CLUSTERINGS = tuple(name for name, table in TABLES.items() if "analysis" in table.column_names)
NAMED = [
    (entity, table.name, column)
    for table in TABLES.values()
    for column in table.column_names
    for entity, pattern in (("account", ACTS), ("post", IS))
    if table.layer in LAYERS and table.name != "core_tombstones" and pattern.fullmatch(column)
] + [("account", *PLACED)]


def test_there_is_a_check_on_core_and_one_on_each_group_of_outputs() -> None:
    assert [path.parent.name for path in CHECKS] == [
        "core_tombstones",
        "out_account_traits",
        "out_audience_members",
        "out_cosharing_members",
        "out_hashtag_clusters",
        "out_personas",
        "out_profile_clusters",
    ]
    assert {name for _, name, _ in NAMED} == {
        name
        for name, table in TABLES.items()
        if table.layer in LAYERS and name not in ("core_tombstones", "out_ingest_report", *NAMELESS)
    }


def fill(con: duckdb.DuckDBPyConnection, table: str, *rows: Mapping[str, str]) -> None:
    """Rows of a table, all other cells null."""
    columns = [", ".join(f"'{value}' as {quoted(name)}" for name, value in cells.items()) for cells in rows]
    con.execute(
        f"create or replace temp table filled_{table} as ({TABLES[table].empty_sql()}) "
        + " ".join(f"union all by name select {cells}, date '{DAY}' as day" for cells in columns)
    )
    for view in (table, f"{table}{ALL_DAYS}"):
        con.execute(f"create or replace temp view {view} as from filled_{table}")


def left(lake: Lake, tombstone: dict[str, str], *filled: tuple[str, dict[str, str]]) -> list[tuple[str, str]]:
    """(table, record) of every row that the checks find; a check that reads none of the filled tables finds nothing."""
    found: list[tuple[str, str]] = []
    for path in CHECKS:
        if {table for table, _ in filled}.isdisjoint(upstreams(path)):
            continue
        with lake.connect() as con:
            prepare(con, lake, path, [], [DAY])
            fill(con, "core_tombstones", {"platform": "bluesky", "action": "purge", **tombstone})
            for table in {table for table, _ in filled}:
                fill(con, table, *(cells for name, cells in filled if name == table))
            found += [(row[0], row[2]) for row in con.sql(path.read_text(encoding="utf-8")).fetchall()]
    return sorted(found)


@pytest.mark.parametrize(("entity", "table", "column"), NAMED)
def test_every_table_that_names_a_withdrawn_record_is_found(lake: Lake, entity: str, table: str, column: str) -> None:
    platform = next(
        name
        for name in (f"platform_{column[-1]}", "seed_platform", "sample_platform", "platform")
        if name in TABLES[table].column_names
    )
    tombstone = {"entity": entity, "record_id": "x", "revision": "3r5"}
    revision = {"revision": "3r1"} if "revision" in TABLES[table].column_names else {}
    filled = [
        (table, {platform: there, column: key, **revision})
        for there, key in (("bluesky", "x"), ("bluesky", "y"), ("tiktok", "x"))
    ]
    assert left(lake, tombstone, *filled) == [(table, "x")]


@pytest.mark.parametrize("table", CLUSTERINGS)
def test_clusterings_named_for_a_withdrawn_account_are_found(lake: Lake, table: str) -> None:
    gone = {"entity": "account", "record_id": "a/x:y", "revision": "3r5"}
    platform = {"platform": "twitter"} if "platform" in TABLES[table].column_names else {}
    for name, expected in (
        ("hashtags:account:bluesky/a/x:y", [(table, "a/x:y")]),
        ("suggestions:account:bluesky/a/x:y", [(table, "a/x:y")]),
        ("hashtags:account:tiktok/a/x:y", []),
        ("hashtags:delivery:bluesky/a/x:y", []),
    ):
        assert left(lake, gone, (table, {"analysis": name, **platform})) == expected


def test_a_record_newer_than_its_delete_is_not_withdrawn(lake: Lake) -> None:
    gone = {"entity": "post", "record_id": "x", "revision": "3r5"}
    link = ("core_post_links", {"platform": "bluesky", "post_id": "x"})
    for revision, expected in (("3r6", []), ("3r5", [("core_post_links", "x"), ("core_posts", "x")])):
        post = ("core_posts", {"platform": "bluesky", "post_id": "x", "revision": revision})
        assert left(lake, gone, post, link) == expected


@pytest.mark.parametrize(
    ("entity", "record", "table", "cells"),
    [
        ("post", "x", "core_interactions", {"interaction_id": "x#reply", "revision": "3r1"}),
        ("interaction", "x", "core_interactions", {"interaction_id": "x", "revision": "3r1"}),
        # No notice says whether what was deleted is a post or a repost.
        ("post", "x", "core_interactions", {"interaction_id": "x", "revision": "3r1"}),
        ("follow", "x", "core_follows", {"follow_id": "x", "revision": "3r1"}),
    ],
)
def test_interactions_and_follows_are_found_by_their_own_ids(
    lake: Lake, entity: str, record: str, table: str, cells: dict[str, str]
) -> None:
    tombstone = {"entity": entity, "record_id": record, "revision": "3r5"}
    assert left(lake, tombstone, (table, {"platform": "bluesky", **cells})) == [(table, record)]
    assert left(lake, tombstone, (table, {"platform": "bluesky", **cells, "revision": "3r6"})) == []
