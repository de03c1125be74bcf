"""Tables of audience communities: contracts, ids that last, anchors, names and words of profiles."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.analysis.audience_tables import CommunityTables, community_tables, kept_id_share
from sm_assets.analysis.communities import Communities, find_communities
from sm_assets.analysis.community_words import community_words, words_of
from sm_assets.contracts import TABLES
from sm_assets.errors import KernelError

DAY = date(2024, 3, 10)
TEXTS = ("platform", "account_id", "display_name", "handle", "description", "category")
SCHEMA = pa.schema([*((name, pa.string()) for name in TEXTS), ("n_followers", pa.int64())])


def audience(account: str, n_followers: int, platform: str = "twitter", **profile: str) -> dict[str, object]:
    return {"platform": platform, "account_id": account, "n_followers": n_followers, **profile}


def audiences_of(rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def cliques(n: int, *groups: range) -> Communities:
    ends = [(a, b) for group in groups for a in group for b in group if a < b]
    i, j = np.array(ends, np.int32).reshape(-1, 2).T
    return find_communities(n, i, j, np.full(len(i), 0.25), n_runs=3, sweep=())


def hold_contracts(made: CommunityTables) -> None:
    for name, table in (("communities", made.communities), ("members", made.members)):
        contract = TABLES[f"out_audience_{name}"]
        assert table.schema.equals(contract.plain_schema), name
        for column in contract.columns:
            assert column.nullable or table[column.name].null_count == 0, column.name
        keys = [tuple(row.values()) for row in table.select(list(contract.key)).to_pylist()]
        assert keys == sorted(set(keys))
    per_community = dict.fromkeys(made.communities["community_id"].to_pylist(), 0)
    for row in made.members.to_pylist():
        assert (row["community_id"] is not None) == (row["status"] == "member")
        if row["community_id"]:
            per_community[row["community_id"]] += 1
    assert list(per_community.values()) == made.communities["n_members"].to_pylist()
    assert made.counts["influencers"] == len(made.members)
    assert sum(made.counts[f"influencers_{name}"] for name in ("member", "isolated", "small")) == len(made.members)


def test_two_platforms_two_communities_each() -> None:
    rows = [audience(f"a{k}", 100 + k) for k in range(9)] + [audience(f"a{k}", 500 - k, "bluesky") for k in range(4)]
    found = {"twitter": cliques(9, range(4), range(4, 7)), "bluesky": cliques(4, range(1, 4))}
    made = community_tables(audiences_of(rows[::-1]), found, day=DAY)
    hold_contracts(made)
    told = {row["community_id"]: row for row in made.communities.to_pylist()}
    assert list(told) == ["bluesky:a1", "twitter:a3", "twitter:a6"]
    assert told["twitter:a3"]["top_member_ids"] == ["a3", "a2", "a1", "a0"]
    assert told["bluesky:a1"]["top_member_ids"] == ["a1", "a2", "a3"]
    assert told["twitter:a3"]["modularity"] == told["twitter:a6"]["modularity"]
    assert told["twitter:a3"]["modularity_share"] + told["twitter:a6"]["modularity_share"] == pytest.approx(
        told["twitter:a3"]["modularity"]
    )
    status = {(row["platform"], row["account_id"]): row["status"] for row in made.members.to_pylist()}
    assert [key for key, value in status.items() if value == "isolated"] == [
        ("bluesky", "a0"), ("twitter", "a7"), ("twitter", "a8"),
    ]  # fmt: skip
    assert made.counts["communities"] == made.counts["communities_stable"] == 3
    assert "day" not in community_tables(audiences_of(rows), found).members.column_names


def with_stability(found: Communities, stability: list[float]) -> Communities:
    values = {name: getattr(found, name) for name in Communities.__slots__} | {"stability": np.array(stability)}
    return Communities(**values)


def test_anchor_is_the_largest_sure_member() -> None:
    rows = audiences_of([audience(name, n) for name, n in (("a", 10), ("b", 90), ("c", 50), ("d", 50))])
    found = cliques(4, range(4))
    for stability, anchor in (
        ([1, 1, 1, 1], "b"),
        ([1, 0.49, 0.5, 0.9], "c"),  # c before d: ties by id
        ([1, 0.4, 0.4, 0.6], "d"),
        ([0.1, 0.2, 0.3, 0.4], "b"),  # nobody is sure: the largest of all
    ):
        made = community_tables(rows, {"twitter": with_stability(found, stability)}, day=DAY)
        hold_contracts(made)
        assert made.communities["anchor_account_id"].to_pylist() == [anchor]
        assert made.communities["community_id"].to_pylist() == [f"twitter:{anchor}"]
        # The list of top members does not ask for stability.
        assert made.communities["top_member_ids"].to_pylist() == [["b", "c", "d", "a"]]


def test_ten_top_members_by_name_handle_or_id() -> None:
    names: list[dict[str, str]] = [
        {"display_name": "Ann", "handle": "ann"},
        {"handle": "bo"},
        {},
        {"display_name": " "},
    ]
    rows = [audience(f"a{k:02}", 100, **(names[k] if k < 4 else {})) for k in range(12)]
    made = community_tables(audiences_of(rows), {"twitter": cliques(12, range(12))}, day=DAY)
    assert made.communities["top_member_ids"].to_pylist() == [[f"a{k:02}" for k in range(10)]]
    assert made.communities["top_member_names"].to_pylist() == [["Ann", "bo", *(f"a{k:02}" for k in range(2, 10))]]
    first = made.members.to_pylist()[0]
    assert (first["display_name"], first["handle"], first["n_followers"]) == ("Ann", "ann", 100)


def test_small_communities_and_seconds() -> None:
    rows = audiences_of([audience(f"a{k}", k + 1) for k in range(6)])
    i, j, weight = np.array([0, 0, 1, 3, 2]), np.array([1, 2, 2, 4, 3]), np.array([1, 1, 1, 0.5, 0.01])
    made = community_tables(rows, {"twitter": find_communities(6, i, j, weight, n_runs=3)}, day=DAY)
    hold_contracts(made)
    members = made.members.to_pylist()
    assert [row["status"] for row in members] == ["member"] * 3 + ["small", "small", "isolated"]
    assert [row["second_community_id"] for row in members] == [None, None, None, "twitter:a2", None, None]
    assert members[3]["second_share"] == pytest.approx(0.01 / 0.51)
    assert members[4]["second_share"] is None
    assert members[5]["n_neighbours"] == 0


def test_no_influencer_and_one() -> None:
    empty = community_tables(audiences_of([]), {}, day=DAY)
    hold_contracts(empty)
    assert len(empty.communities) == len(empty.members) == 0
    nobody = np.zeros(0, np.int32)
    one = community_tables(
        audiences_of([audience("x", 7)]), {"twitter": find_communities(1, nobody, nobody, np.zeros(0))}, day=DAY
    )
    hold_contracts(one)
    assert [(row["status"], row["community_id"]) for row in one.members.to_pylist()] == [("isolated", None)]


def test_hand_case_of_three_audiences() -> None:
    # A = {1,2,3,4} and B = {3,4,5} share two, C = {9} nothing: A and B are two, so too few for a community.
    audiences = audiences_of([audience(name, n) for name, n in (("A", 4), ("B", 3), ("C", 1))])
    found = find_communities(3, np.array([0]), np.array([1]), np.array([0.4]))
    made = community_tables(audiences, {"twitter": found}, day=DAY)
    hold_contracts(made)
    assert [row["status"] for row in made.members.to_pylist()] == ["small", "small", "isolated"]
    assert made.members["strength"].to_pylist() == [0.4, 0.4, 0.0]


def test_what_does_not_fit_is_refused() -> None:
    rows = [audience("a", 1), audience("b", 2)]
    nobody = np.zeros(0, np.int32)
    with pytest.raises(KernelError, match="for each platform"):
        community_tables(audiences_of(rows), {"bluesky": find_communities(2, nobody, nobody, np.zeros(0))})
    with pytest.raises(KernelError, match="of 3 influencers"):
        community_tables(audiences_of(rows), {"twitter": find_communities(3, nobody, nobody, np.zeros(0))})
    with pytest.raises(KernelError, match="twice"):
        community_tables(audiences_of([*rows, rows[0]]), {"twitter": find_communities(3, nobody, nobody, np.zeros(0))})


def members_of(ids: dict[str, str | None]) -> pa.Table:
    return pa.table(
        {
            "platform": pa.array(["twitter"] * len(ids), pa.string()),
            "account_id": pa.array(list(ids), pa.string()),
            "community_id": pa.array(list(ids.values()), pa.string()),
        }
    )


def test_share_of_members_that_kept_their_id() -> None:
    before = members_of({"a": "t:a", "b": "t:a", "c": "t:a", "d": None, "gone": "t:x", "e": "t:e"})
    now = members_of({"a": "t:a", "b": "t:b", "c": None, "d": "t:a", "new": "t:a", "e": "t:e"})
    # Of a, b, c and e two kept it; d was in none before, gone and new are in one snapshot only.
    assert kept_id_share(before, now) == 0.5
    assert kept_id_share(before, before) == 1.0
    assert kept_id_share(members_of({"d": None}), now) is None
    assert kept_id_share(members_of({}), now) is None


def test_words_of_many_scripts() -> None:
    assert words_of("Hello WORLD @me (https://x.com/a) foo.bsky.social a@b.de #climate 2024 it is Stra\u00dfe") == {
        "hello", "world", "climate", "strasse",
    }  # fmt: skip
    assert words_of("writer.mother,friend") == {"writer", "mother", "friend"}
    assert words_of("\u5317\u4eac\u65e5\u62a5 \ub274\uc2a4 \u043c\u0438\u0440 \u0434\u0430") == {
        "\u5317\u4eac", "\u4eac\u65e5", "\u65e5\u62a5", "\ub274\uc2a4", "\u043c\u0438\u0440",
    }  # fmt: skip
    # Vowel signs are part of a word; letters composed and apart are one; ornamental letters are plain ones.
    assert words_of("\u0939\u093f\u0928\u094d\u0926\u0940") == {"\u0939\u093f\u0928\u094d\u0926\u0940"}
    assert words_of("e\u0301cole") == words_of("\u00e9cole") == {"\u00e9cole"}
    assert words_of("\U0001d4d1\U0001d4f8\U0001d4f5\U0001d4ed") == {"bold"}
    assert words_of(" \u00b5 www.news.example/x 12 __ !") == set()


def test_labels_are_words_that_others_do_not_use() -> None:
    profiles = ["news about gardens", "gardens and roses, news", "roses gardens", "news chess", "news chess open", ""]
    community = np.array([0, 0, 0, 1, 1, 1], np.int32)
    # All say news, or nearly; "open" and "about" are said once.
    assert community_words(profiles, community, 2) == [["gardens", "roses"], ["chess"]]
    assert community_words(profiles, np.full(6, -1, np.int32), 0) == []
    # Nobody outside: nothing to mark off from.
    assert community_words(["one two", "one two"], np.zeros(2, np.int32), 1) == [[]]


def test_words_that_all_use_mark_nobody_off() -> None:
    profiles = [f"official account of {kind}" for kind in ("music", "sports", "politics", "gaming") for _ in range(5)]
    community = np.repeat(np.arange(4, dtype=np.int32), 5)
    assert community_words(profiles, community, 4) == [["music"], ["sports"], ["politics"], ["gaming"]]


def test_words_of_less_than_a_tenth_and_ties() -> None:
    inside = [f"all {'rare' if k < 2 else ''} {'often' if k < 3 else ''}" for k in range(30)]
    outside = ["other"] * 30
    community = np.array([0] * 30 + [-1] * 30, np.int32)
    assert community_words(inside + outside, community, 1) == [["all", "often"]]
    many = ["zeta eta theta iota kappa lambda beta alpha"] * 3 + outside
    assert community_words(many, np.array([0] * 3 + [-1] * 30, np.int32), 1) == [
        ["alpha", "beta", "eta", "iota", "kappa", "lambda"]
    ]
    with pytest.raises(KernelError, match="per profile"):
        community_words(["one"], community, 1)


PROFILES = st.lists(
    st.tuples(st.text(alphabet="ab\u4e2d\u6587 \u00e9\u093f.@#", max_size=12), st.integers(-1, 2)), max_size=25
)


@given(PROFILES)
@settings(max_examples=80, deadline=None)
def test_labels_are_those_of_counting_by_hand(rows: list[tuple[str, int]]) -> None:
    profiles, community = [text for text, _ in rows], np.array([number for _, number in rows], np.int32)
    said = [words_of(text) for text in profiles]
    told = [bool(text.strip()) for text in profiles]
    expected = []
    for c in range(3):
        inside = [k for k in range(len(rows)) if community[k] == c and told[k]]
        outside = [k for k in range(len(rows)) if community[k] != c and told[k]]
        scored = []
        for word in set().union(*(said[k] for k in inside)):
            used = sum(word in said[k] for k in inside)
            rest = sum(word in said[k] for k in outside)
            p_in, p_out = used / len(inside), (rest + (used + rest) / sum(told)) / (len(outside) + 1)
            if used >= 2 and p_in >= 0.1 and outside and p_in * len(outside) >= 2 * rest:
                scored.append((-float(p_in * np.log(p_in / p_out)), word))
        expected.append([word for _, word in sorted(scored)[:6]])
    assert community_words(profiles, community, 3) == expected


def test_labels_reach_the_table_from_all_parts_of_a_profile() -> None:
    rows = [
        audience(f"a{k}", 9, display_name="Rose Club", description="we grow them", category="Garden") for k in range(3)
    ]
    rows += [audience(f"b{k}", 9, display_name="Chess") for k in range(3)]
    made = community_tables(audiences_of(rows), {"twitter": cliques(6, range(3), range(3, 6))}, day=DAY)
    terms = made.communities["label_terms"].to_pylist()
    assert terms == [["club", "garden", "grow", "rose", "them"], ["chess"]]
    bare = audiences_of(rows).drop_columns(["description", "category"])
    made = community_tables(bare, {"twitter": cliques(6, range(3), range(3, 6))}, day=DAY)
    assert made.communities["label_terms"].to_pylist() == [["club", "rose"], ["chess"]]
