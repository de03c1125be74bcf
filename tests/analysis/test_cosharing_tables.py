"""The four co-sharing tables: contracts, sums, bounds, and a tiny world by hand."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from sm_assets.analysis.cosharing_tables import CosharingTables, cosharing_tables
from sm_assets.contracts import TABLES

NAMES = ("pairs", "clusters", "members", "evidence")
START = datetime(2021, 9, 1, tzinfo=UTC).replace(tzinfo=None)
Row = dict[str, object]


def carried(account: str, content: str, hours: float, **more: object) -> Row:
    """An account's content on the day of its post."""
    at = START + timedelta(hours=hours)
    kind = {"t": "text", "l": "link", "i": "image_text"}[content[0]]
    row = {
        "platform": "facebook", "account_id": account, "content_id": content, "content_kind": kind,
        "is_primary": kind == "text", "n_posts": 1, "first_at": at, "last_at": at,
        "sample_post_id": f"{account}_{hours}", "sample_url": f"https://facebook.com/{account}/posts/{hours}",
    }  # fmt: skip
    return row | more


def contents_of(rows: list[Row]) -> pa.Table:
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("platform", "account_id", "content_id", "content_kind")),
            ("is_primary", pa.bool_()), ("n_posts", pa.int64()), ("first_at", pa.timestamp("us")),
            ("last_at", pa.timestamp("us")), ("sample_post_id", pa.string()), ("sample_url", pa.string()),
        ]
    )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=schema)


def accounts_of(rows: list[Row], **languages: str) -> pa.Table:
    keys = sorted({(str(row["platform"]), str(row["account_id"])) for row in rows})
    texts = ("platform", "account_id", "display_name", "handle", "url", "country_code", "language")
    counts = ("followers", "total_interactions", "n_posts")
    schema = pa.schema([*((name, pa.string()) for name in texts), *((name, pa.int64()) for name in counts)])
    return pa.Table.from_pylist(
        [
            {
                "platform": platform, "account_id": account, "display_name": f"Page {account}", "handle": account,
                "url": None, "country_code": "US", "language": languages.get(account),
                "followers": None if account.startswith("z") else 99, "total_interactions": 1000 - i, "n_posts": 7,
            }
            for i, (platform, account) in enumerate(keys)
        ],
        schema=schema,
    )  # fmt: skip


def previews_of(rows: list[Row]) -> pa.Table:
    ids = sorted({str(row["content_id"]) for row in rows})
    return pa.table(
        {
            "content_id": pa.array(ids, pa.string()),
            "preview": pa.array([f"preview of {content}" for content in ids], pa.string()),
            "domain": pa.array(
                [f"site{content[1]}.example" if content[0] == "l" else None for content in ids], pa.string()
            ),
        }
    )


def tables_of(rows: list[Row], *, languages: dict[str, str] | None = None, **options: object) -> CosharingTables:
    made = cosharing_tables(
        contents_of(rows), accounts_of(rows, **(languages or {})), previews_of(rows), day=date(2021, 9, 28), **options
    )  # type: ignore[arg-type]  # options are the test's
    hold_contracts(made)
    hold_sums(made, rows)
    return made


def hold_contracts(made: CosharingTables) -> None:
    for name in NAMES:
        contract, table = TABLES[f"out_cosharing_{name}"], getattr(made, name)
        assert sorted(table.column_names) == sorted(contract.column_names), name
        table = table.select(contract.column_names)
        keys = table.select(list(contract.key)).to_pylist()
        assert len({tuple(key.values()) for key in keys}) == len(keys), name
        for column in contract.columns:
            values = table[column.name]
            assert values.type == column.arrow_type, (name, column.name)
            assert column.nullable or not values.null_count, (name, column.name)
            if column.minimum is not None and values.null_count < len(values):
                assert pc.min(values).as_py() >= column.minimum, (name, column.name)
            if column.maximum is not None and values.null_count < len(values):
                assert pc.max(values).as_py() <= column.maximum, (name, column.name)
            if column.allowed:
                assert set(values.to_pylist()) <= {*column.allowed, None}, (name, column.name)


def hold_sums(made: CosharingTables, rows: list[Row]) -> None:
    members, clusters = made.members.to_pylist(), made.clusters.to_pylist()
    cluster_of = {(m["platform"], m["account_id"]): m["cluster_id"] for m in members}
    assert set(cluster_of) == {(row["platform"], row["account_id"]) for row in rows}
    assert Counter(k for k in cluster_of.values() if k is not None) == {
        c["cluster_id"]: c["cluster_size"] for c in clusters
    }
    assert sum(n for name, n in made.counts.items() if name.startswith("accounts_")) == len(members)
    shown = set()
    for row in made.evidence.to_pylist():
        a, b = ((row[f"platform_{s}"], row[f"account_id_{s}"]) for s in "ab")
        assert a < b
        assert cluster_of[a] == cluster_of[b] == row["cluster_id"]
        shown |= {a, b}
    assert shown == {key for key, k in cluster_of.items() if k is not None}
    seeds = [m for m in members if m["is_seed"]]
    assert sorted(m["cluster_id"] for m in seeds) == [c["cluster_id"] for c in clusters]
    for member in members:
        assert (
            (member["status"] == "member")
            == (member["cluster_id"] is not None)
            == (member["membership_score"] is not None)
        )


def network(names: list[str], contents: range, hours: float = 0) -> list[Row]:
    return [carried(name, f"t{c:03}", hours + 24 * c + i / 10) for i, name in enumerate(names) for c in contents]


def loners(n: int) -> list[Row]:
    return [carried(f"y{i:03}", f"t9{i:03}", 3 * i) for i in range(n)]


def world(seed: int = 1) -> list[Row]:
    """Networks that share texts and links of the same posts, loners, and rows of several days for one content."""
    rnd = random.Random(seed)
    rows: list[Row] = []
    for k, size in enumerate((2, 3, 5, 9, 30)):
        for i in range(size):
            for c in sorted(rnd.sample(range(12), 6)):
                hours = 24.0 * c + rnd.random() * 20
                rows.append(carried(f"n{k}_{i:02}", f"t{k}{c:02}", hours))
                rows.append(carried(f"n{k}_{i:02}", f"l{k}{c:02}", hours))
                if rnd.random() < 0.3:
                    rows.append(carried(f"n{k}_{i:02}", f"t{k}{c:02}", hours + 48, n_posts=2))
    return rows + loners(60)


def test_tiny_world_by_hand() -> None:
    rows = [carried("a", f"{kind}0{c}", 24 * c) for c in range(3) for kind in "tl"]
    rows += [carried("b", f"{kind}0{c}", 24 * c + 2) for c in range(3) for kind in "tl"]
    rows += [carried("a", "t77", 5), *loners(20)]
    made = tables_of(rows, languages={"a": "en", "b": "en"})
    (cluster,) = made.clusters.to_pylist()
    assert cluster["cluster_size"] == 2
    assert (cluster["seed_platform"], cluster["seed_account_id"]) == ("facebook", "a")
    assert cluster["n_contents"] == 6
    assert cluster["n_posts"] == 14
    assert cluster["total_interactions"] == 1999
    assert cluster["cluster_score"] == pytest.approx(4.0)
    assert cluster["density"] == 1.0
    assert cluster["cluster_lang"] == "en"
    assert cluster["top_domain"] == "site0.example"
    assert cluster["top_preview"] == "preview of t00"
    assert (cluster["method"], cluster["content_mode"], cluster["n_platforms"]) == ("linkage", "canonical", 1)
    assert (cluster["first_shared_at"], cluster["last_shared_at"]) == (START, START + timedelta(hours=50))
    (pair,) = made.pairs.to_pylist()
    assert (pair["n_contents_a"], pair["n_contents_b"], pair["n_shared"]) == (4, 3, 3)
    assert (pair["n_shared_text"], pair["n_shared_link"], pair["n_shared_image_text"]) == (3, 3, 0)
    assert (pair["coverage_a"], pair["coverage_b"], pair["median_gap_s"]) == (0.75, 1.0, 7200.0)
    # N: three pieces of both, one more of a, twenty of loners; 3 of 24 drawn twice, once with one more.
    assert pair["p_value"] == pytest.approx(4 / 2024)
    assert len(made.evidence) == 6
    row = made.evidence.to_pylist()[0]
    assert (row["content_id"], row["content_kind"], row["gap_s"], row["n_accounts"]) == ("l00", "link", 7200.0, 2)
    assert (row["sample_post_id_a"], row["sample_post_id_b"]) == ("a_0", "b_2")
    a, b = made.members.to_pylist()[:2]
    assert (a["n_contents"], a["n_shared_contents"], b["n_contents"], b["n_shared_contents"]) == (4, 3, 3, 3)
    assert (a["coverage_within_cluster"], b["coverage_within_cluster"]) == (0.75, 1.0)
    assert made.counts["accounts_unshared"] == 20
    assert made.counts["contents_shared"] == 6


@pytest.mark.parametrize("method", ["linkage", "seeded"])
def test_days_and_rows_in_any_order_give_the_same_tables(method: str) -> None:
    rows = world()
    made = tables_of(rows, method=method)
    assert len(made.clusters) >= 4
    random.Random(3).shuffle(rows)
    again = tables_of(rows, method=method)
    for name in NAMES:
        assert getattr(made, name).equals(getattr(again, name)), name
    assert made.counts == again.counts


def test_merged_days_equal_separate_days() -> None:
    rows = world()
    merged: dict[tuple[str, str], Row] = {}
    for row in sorted(rows, key=lambda row: row["first_at"]):  # type: ignore[arg-type,return-value]  # times
        key = (str(row["account_id"]), str(row["content_id"]))
        if key in merged:
            old = merged[key]
            merged[key] = old | {"n_posts": old["n_posts"] + row["n_posts"], "last_at": row["last_at"]}  # type: ignore[operator]  # numbers
        else:
            merged[key] = row
    made, again = tables_of(rows), tables_of(list(merged.values()))
    for name in NAMES:
        assert getattr(made, name).equals(getattr(again, name)), name


def test_evidence_is_bounded_and_what_is_left_out_is_counted() -> None:
    names = [f"n{i:02}" for i in range(25)]
    made = tables_of([*network(names, range(30)), *loners(80)])
    contents: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in made.evidence.to_pylist():
        contents[row["account_id_a"], row["account_id_b"]].add(row["content_id"])
    assert max(len(found) for found in contents.values()) == 20
    assert len(contents) <= 25 * 10
    partners = Counter(name for pair in contents for name in pair)
    assert min(partners.values()) >= 10
    assert made.counts["evidence_pairs_left_out"] == 25 * 24 // 2 - len(contents)
    assert made.counts["evidence_contents_left_out"] == 10 * len(contents)
    (cluster,) = made.clusters.to_pylist()
    assert (cluster["cluster_size"], cluster["density"]) == (25, 1.0)


def test_rarest_contents_come_first() -> None:
    # Content 0 is carried by many others too: of 21 shared contents it is the one left out.
    rows = [*network(["a", "b"], range(21)), *(carried(f"x{i}", "t000", i) for i in range(9)), *loners(80)]
    made = tables_of(rows)
    assert len(made.evidence) == 20
    assert "t000" not in made.evidence["content_id"].to_pylist()


def test_across_platforms() -> None:
    rows = [
        *network(["a"], range(4)),
        *(row | {"platform": "instagram"} for row in network(["b"], range(4))),
        *loners(30),
    ]
    (cluster,) = tables_of(rows).clusters.to_pylist()
    assert cluster["n_platforms"] == 2
    apart = tables_of(rows, across_platforms=False)
    assert len(apart.clusters) == 0
    assert apart.counts["contents"] == 8 + 30


def test_same_account_id_on_two_platforms_is_two_accounts() -> None:
    rows = [
        *network(["a", "b"], range(4)),
        *(row | {"platform": "other"} for row in network(["a"], range(4))),
        *loners(30),
    ]
    (cluster,) = tables_of(rows).clusters.to_pylist()
    assert cluster["cluster_size"] == 3


def test_seeded_takes_primary_contents_only() -> None:
    rows = [carried(name, f"{kind}0{c}", 24 * c) for name in "ab" for c in range(5) for kind in "tl"]
    made = tables_of([*rows, *loners(30)], method="seeded", content_mode="canonical")
    assert made.counts["not_primary"] == 10
    (cluster,) = made.clusters.to_pylist()
    assert (cluster["method"], cluster["n_contents"]) == ("seeded", 5)


def test_unknown_facts_stay_unknown() -> None:
    made = tables_of([*network(["za", "zb"], range(4)), *loners(30)])
    (cluster,) = made.clusters.to_pylist()
    assert cluster["cluster_score"] == 0
    assert cluster["cluster_lang"] is None
    assert cluster["top_domain"] is None
    assert {m["followers"] for m in made.members.to_pylist() if m["account_id"][0] == "z"} == {None}


def test_empty_window() -> None:
    made = tables_of([])
    assert [len(getattr(made, name)) for name in NAMES] == [0, 0, 0, 0]
    assert made.counts["accounts"] == 0


def test_one_account() -> None:
    made = tables_of(loners(1))
    assert made.members["status"].to_pylist() == ["unshared"]
    assert len(made.clusters) == 0
