"""Overlaps, communities and searches as assets: hand cases, planted truth, what a user may get wrong."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from follow_lake import FEATURES, START, day_number, publish_follows, read, run

from sm_assets.contracts import TABLES
from sm_assets.defs.checks import all_checks
from sm_assets.defs.contract_checks import duplicates
from sm_assets.defs.run import materialise_range
from sm_assets.errors import OptionError, SketchInputError, SketchMismatchError, UnknownAccounts, Unreconciled
from sm_assets.settings import Settings
from sm_assets.storage import Lake

pytestmark = pytest.mark.usefixtures("no_catalogue")

OVERLAP, COMMUNITIES, MEMBERS = "out_audience_overlap", "out_audience_communities", "out_audience_members"
SEARCH = "out_influencer_search"
RAW = ("raw_edges__edges", "raw_edges__nodes", "raw_edges__rejects")
OUTPUTS = (OVERLAP, COMMUNITIES, MEMBERS)
DAY, NEXT = day_number(0), day_number(1)
Edge = tuple[str, str, str]


def open_lake(folder: Path, **changes: Any) -> Lake:
    defaults: dict[str, Any] = {"profile": "tiny", "threads": 1, "memory_limit": "512MB", "start_day": START}
    return Lake(Settings(data_root=str(folder), **(defaults | changes)))


def gathered(lake: Lake, follows: dict[date, Iterable[Edge]], least: int) -> None:
    publish_follows(lake, follows)
    days = sorted(follows)
    assert run(lake, days[0], days[-1], FEATURES, gather_audiences={"min_followers": least})


def planted(seed: int = 1, groups: int = 4, per_group: int = 6, platform: str = "twitter") -> list[Edge]:
    """Influencers of groups; followers mostly follow inside their group."""
    rng = np.random.default_rng(seed)
    edges: set[Edge] = set()
    for follower in range(2000):
        home = follower % groups
        for _ in range(int(rng.integers(3, 9))):
            group = home if rng.random() < 0.9 else int(rng.integers(groups))
            edges.add((platform, str(follower), f"g{group}i{int(rng.integers(per_group))}"))
    return sorted(edges)


def publish_profiles(lake: Lake, rows: list[dict[str, Any]], day: date = DAY) -> None:
    contract = TABLES["core_accounts"]
    fixed = {"roles": ["followed"], "profile_from_later": False, "first_seen_day": day, "day": day}
    full = [{name: (fixed | row).get(name) for name in contract.column_names} for row in rows]
    lake.publish(contract, pa.Table.from_pylist(full, contract.plain_schema), [day])


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = open_lake(tmp_path_factory.mktemp("groups"))
    first, second = planted()[::2], planted()[1::2]
    gathered(lake, {DAY: first, NEXT: second}, 20)
    words = ("cheese", "football", "poetry", "bicycles")
    publish_profiles(
        lake,
        [
            {
                "platform": "twitter", "account_id": f"g{group}i{n}", "handle": f"Name_{group}_{n}",
                "display_name": f"Name {group} {n}", "description": f"all about {words[group]} and more",
            }
            for group in range(4)
            for n in range(6)
        ],
    )  # fmt: skip
    assert run(lake, DAY, NEXT, OUTPUTS, find_audience_communities={"export": True})
    return lake


def rows(lake: Lake, table: str, day: date = DAY) -> list[dict[str, Any]]:
    return read(lake, table, day).to_pylist()


# ------------------------------------------------------------------ truth


def test_planted_groups_are_the_communities(groups: Lake) -> None:
    for day in (DAY, NEXT):
        members = rows(groups, MEMBERS, day)
        assert {row["status"] for row in members} == {"member"}
        found: dict[str, set[str]] = {}
        for row in members:
            found.setdefault(row["community_id"], set()).add(row["account_id"][:2])
        assert sorted(sorted(group) for group in found.values()) == [["g0"], ["g1"], ["g2"], ["g3"]]
        for row in rows(groups, COMMUNITIES, day):
            assert row["n_members"] == 6
            assert row["community_id"] == f"twitter:{row['anchor_account_id']}"
            assert row["n_runs"] >= 20
            assert len(row["top_member_names"]) == 6


def test_community_words_come_from_the_members_profiles(groups: Lake) -> None:
    words = {row["anchor_account_id"][:2]: row["label_terms"] for row in rows(groups, COMMUNITIES)}
    assert {group: terms[0] for group, terms in words.items()} == {
        "g0": "cheese",
        "g1": "football",
        "g2": "poetry",
        "g3": "bicycles",
    }


def test_overlaps_are_exact_counts(groups: Lake) -> None:
    sets: dict[str, set[str]] = {}
    for _, follower, followed in planted():
        sets.setdefault(followed, set()).add(follower)
    found = rows(groups, OVERLAP, NEXT)
    assert len(found) == 24 * 23
    for row in found:
        own, other = sets[row["account_id"]], sets[row["neighbour_account_id"]]
        assert row["n_shared"] == len(own & other)
        assert row["jaccard_exact"] == pytest.approx(len(own & other) / len(own | other))
        assert row["containment"] == pytest.approx(len(own & other) / len(own))
        assert (row["n_followers"], row["neighbour_n_followers"]) == (len(own), len(other))
        assert row["candidate_method"] == "exact"
        assert abs(row["jaccard_estimated"] - row["jaccard_exact"]) < 6 * row["jaccard_se"]
    ranked = sorted((row["neighbour_rank"], row["jaccard_exact"]) for row in found if row["account_id"] == "g0i0")
    assert [rank for rank, _ in ranked] == list(range(1, 24))
    assert [jaccard for _, jaccard in ranked] == sorted((jaccard for _, jaccard in ranked), reverse=True)


@pytest.mark.parametrize("candidates", ["scan", "banding"])
def test_other_candidates_find_the_same_groups(candidates: str, data_root: Path) -> None:
    lake = open_lake(data_root)
    gathered(lake, {DAY: planted()}, 20)
    config = {"candidates": candidates, "jaccard": 0.05, "recall": 0.9}
    assert run(lake, DAY, DAY, OUTPUTS, find_audience_communities=config)
    members = {row["account_id"]: row["community_id"] for row in rows(lake, MEMBERS)}
    assert len({(account[:2], community) for account, community in members.items()}) == 4
    assert {row["candidate_method"] for row in rows(lake, OVERLAP)} == {candidates}


def test_without_exact_counts_the_columns_are_null(data_root: Path) -> None:
    lake = open_lake(data_root)
    gathered(lake, {DAY: planted()}, 20)
    config = {"candidates": "scan", "exact_rerank": "never"}
    assert run(lake, DAY, DAY, OUTPUTS, find_audience_communities=config)
    found = rows(lake, OVERLAP)
    assert found
    assert {(row["n_shared"], row["jaccard_exact"], row["is_exact"]) for row in found} == {(None, None, False)}


def test_hand_case(data_root: Path) -> None:
    lake = open_lake(data_root)
    audiences = {"A": "1234", "B": "345", "C": "9"}
    edges = [("other", follower, name) for name, followers in audiences.items() for follower in followers]
    gathered(lake, {DAY: edges}, 1)
    assert run(lake, DAY, DAY, OUTPUTS)
    (row,) = [row for row in rows(lake, OVERLAP) if row["account_id"] == "A"]
    assert (row["neighbour_account_id"], row["n_shared"], row["jaccard_exact"]) == ("B", 2, 0.4)
    assert row["containment"] == 0.5
    assert row["neighbour_containment"] == pytest.approx(2 / 3)
    assert not [row for row in rows(lake, OVERLAP) if "C" in (row["account_id"], row["neighbour_account_id"])]
    assert {row["account_id"]: row["status"] for row in rows(lake, MEMBERS)} == dict.fromkeys("ABC", "isolated")
    assert rows(lake, COMMUNITIES) == []


def test_everybody_follows_everybody(data_root: Path) -> None:
    lake = open_lake(data_root)
    gathered(lake, {DAY: [("other", str(f), name) for name in "ABCDE" for f in range(150)]}, 100)
    assert run(lake, DAY, DAY, OUTPUTS)
    assert {row["status"] for row in rows(lake, MEMBERS)} == {"isolated"}
    assert not any(row["is_significant"] for row in rows(lake, OVERLAP))


def test_one_influencer_and_none(data_root: Path) -> None:
    lake = open_lake(data_root)
    gathered(lake, {DAY: [("other", "1", "x")], NEXT: [("other", str(n), "y") for n in range(120)]}, 100)
    assert run(lake, DAY, NEXT, [*OUTPUTS, SEARCH])
    assert [len(rows(lake, name)) for name in OUTPUTS] == [0, 0, 0]
    assert [len(rows(lake, name, NEXT)) for name in OUTPUTS] == [0, 0, 1]
    assert rows(lake, MEMBERS, NEXT)[0]["status"] == "isolated"
    assert rows(lake, SEARCH, NEXT) == []


def test_platforms_never_meet(data_root: Path) -> None:
    lake = open_lake(data_root)
    edges = planted() + [("bluesky", follower, followed) for _, follower, followed in planted()]
    gathered(lake, {DAY: edges}, 20)
    assert run(lake, DAY, DAY, OUTPUTS)
    members = rows(lake, MEMBERS)
    assert len(members) == 48
    assert all(row["community_id"].startswith(row["platform"]) for row in members)
    assert len(rows(lake, COMMUNITIES)) == 8


def test_a_second_run_changes_no_byte(groups: Lake) -> None:
    def found() -> dict[str, bytes]:
        return {name: Path(groups.file(name, DAY)).read_bytes() for name in OUTPUTS}

    before = found()
    assert run(groups, DAY, DAY, OUTPUTS)
    assert found() == before


def test_large_follower_sets_go_to_disk(groups: Lake, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Settings, "memory_bytes", 1 << 16)
    lake = open_lake(data_root)
    follows = {DAY: planted()[::2], NEXT: planted()[1::2]}
    gathered(lake, follows, 20)
    config = {"exact_rerank": "always", "candidates": "exact"}
    assert run(lake, NEXT, NEXT, OUTPUTS, find_audience_communities=config)
    keys = ("account_id", "neighbour_account_id", "n_shared", "neighbour_rank")
    wanted = [[row[name] for name in keys] for row in rows(groups, OVERLAP, NEXT)]
    assert [[row[name] for name in keys] for row in rows(lake, OVERLAP, NEXT)] == wanted


# ------------------------------------------------------------------ files for other programs


def test_the_graph_is_exported(groups: Lake) -> None:
    folder = Path(groups.root) / "exports" / "audiences" / "twitter" / f"day={NEXT}"
    nodes, edges = (pq.read_table(folder / f"{name}.parquet") for name in ("nodes", "edges"))
    assert nodes["account_id"].to_pylist() == [row["account_id"] for row in rows(groups, MEMBERS, NEXT)]
    assert nodes["x"].null_count == nodes["y"].null_count == 0
    assert len(edges) > 24
    graph = ET.fromstring((folder / "graph.gexf").read_bytes())  # noqa: S314 - our own file
    colours = [node.attrib for node in graph.iter() if node.tag.endswith("color")]
    assert len(colours) == 24
    assert {frozenset(colour) for colour in colours} == {frozenset("rgb")}


# ------------------------------------------------------------------ searches


def search(lake: Lake, first: date = NEXT, last: date = NEXT, **config: Any) -> bool:
    return run(lake, first, last, [SEARCH], **{SEARCH: config})


def test_searches_rank_the_seeds_own_group_first(groups: Lake) -> None:
    around = {"name": "cheese", "platform": "twitter", "seeds": ["g0i0", "@name_0_1", "nobody"], "max_members": 4}
    other = {"name": "poetry", "platform": "twitter", "seeds": ["g2i3"]}
    assert search(groups, DAY, searches=[around, other])
    found = rows(groups, SEARCH, NEXT)
    for method in ("minhash_similarity", "agglomerative", "personalised_pagerank"):
        ranked = [row for row in found if (row["search_name"], row["method"]) == ("cheese", method)]
        ranked.sort(key=lambda row: row["rank"])
        assert [row["rank"] for row in ranked] == [1, 2, 3, 4]
        assert {row["account_id"][:2] for row in ranked} == {"g0"}
        assert not {"g0i0", "g0i1"} & {row["account_id"] for row in ranked}
        assert {tuple(row["seeds"]) for row in ranked} == {("g0i0", "g0i1")}
        assert {row["n_seeds"] for row in ranked} == {2}
        assert ranked[0]["display_name"].startswith("Name 0")
    assert {row["search_name"] for row in found} == {"cheese", "poetry"}
    assert {row["search_name"] for row in rows(groups, SEARCH, DAY)} == {"cheese", "poetry"}


def test_a_search_whose_seeds_nobody_knows_is_an_error_on_the_last_day_only(data_root: Path) -> None:
    lake = open_lake(data_root)
    late = [("twitter", str(n), "late") for n in range(150)]
    gathered(lake, {DAY: [("twitter", str(n), "early") for n in range(150)], NEXT: late}, 100)
    assert search(lake, DAY, searches=[{"name": "s", "platform": "twitter", "seeds": ["late"]}])
    assert rows(lake, SEARCH, DAY) == []
    with pytest.raises(UnknownAccounts, match="none of the 1 seeds is an influencer on twitter: nobody"):
        search(lake, searches=[{"name": "s", "platform": "twitter", "seeds": ["nobody"]}])


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"searches": [{"name": "a", "platform": "myspace", "seeds": ["x"]}]}, "unknown platform 'myspace'"),
        ({"searches": [{"name": "a", "platform": "twitter", "seeds": []}]}, "a: no seeds"),
        ({"searches": [{"name": "a", "platform": "twitter", "seeds": ["x"]}] * 2}, "'a' is used twice"),
        ({"methods": ["best"]}, "unknown method 'best'"),
        ({"preset": "paper", "searches": [{"name": "a", "platform": "twitter", "seeds": ["g0i0"]}]}, "500 bands of 2"),
    ],
)
def test_searches_that_cannot_be_meant(groups: Lake, config: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        search(groups, **config)


# ------------------------------------------------------------------ what does not fit


def test_a_snapshot_of_another_spec_is_refused(groups: Lake) -> None:
    other = open_lake(Path(groups.root), sketch_k=64)
    with pytest.raises(SketchMismatchError, match="Asked for is fss/1/64/0/xxh64:0"):
        run(other, DAY, DAY, OUTPUTS)


def test_the_checks_see_what_is_broken(data_root: Path) -> None:
    lake = open_lake(data_root)
    gathered(lake, {DAY: planted()}, 20)
    assert run(lake, DAY, DAY, OUTPUTS)
    assert failed(lake) == set()
    for table, change, check in (
        (MEMBERS, {"community_id": None}, "influencers_add_up"),
        (COMMUNITIES, {"n_members": 99}, "members_per_community"),
        (OVERLAP, {"n_shared": 10**6}, "shares_fit_the_audiences"),
        (OVERLAP, {"neighbour_rank": 77}, "shares_fit_the_audiences"),
        ("feat_audiences", {"n_withdrawn_pending": 50}, "few_pending_withdrawals"),
    ):
        whole = read(lake, table, DAY)
        broken = whole.to_pylist()
        broken[0] |= change
        pq.write_table(pa.Table.from_pylist(broken, whole.schema), lake.file(table, DAY))
        assert check in failed(lake), (table, check)
        pq.write_table(whole, lake.file(table, DAY))


def failed(lake: Lake) -> set[str]:
    names = {"check_together_" + name for name in (*OUTPUTS, "feat_audiences")}
    checks = [check for check in all_checks(lake) if check.node_def.name in names]
    assert len(checks) == 4
    job = dg.Definitions(
        asset_checks=checks,
        jobs=[dg.define_asset_job("only_checks", selection=dg.AssetSelection.checks(*checks))],
    ).resolve_job_def("only_checks")
    result = job.execute_in_process(tags={"dagster/partition": str(DAY)})
    return {found.check_name for found in result.get_asset_check_evaluations() if not found.passed}


def dagster_event(record: dg.EventLogRecord) -> dg.DagsterEvent:
    found = record.event_log_entry.dagster_event
    assert found is not None
    return found


def test_a_suspicious_direction_is_named(data_root: Path) -> None:
    lake = open_lake(data_root)
    folder = data_root / "landing" / "edges"
    folder.mkdir(parents=True)
    hub = "\n".join(f"{n % 3},{n}" for n in range(100, 400))
    (folder / "turned.csv").write_text("u,v\n" + hub + "\n")
    stated = "\n".join(f"a{n},b{n % 7}" for n in range(50))
    (folder / "stated.csv").write_text("x,y\n" + stated + "\n")
    (folder / "stated.csv.meta.json").write_text(
        '{"platform": "other", "direction": "first_follows_second", "exported_at": "2024-03-01T00:00:00Z"}'
    )
    opposite = "\n".join(f"b{n % 7},a{n}" for n in range(50))
    (folder / "opposite.csv").write_text("x,y\n" + opposite + "\n")
    (folder / "plain.csv").write_text("x,y\n" + "\n".join(f"p{n},q{n % 9}" for n in range(90)) + "\n")
    for name in ("turned", "opposite", "plain"):
        (folder / f"{name}.csv.meta.json").write_text('{"platform": "other", "exported_at": "2024-03-01T00:00:00Z"}')
    with dg.DagsterInstance.ephemeral() as instance:
        materialise_range(lake.settings, DAY, DAY, tables=RAW, instance=instance)
        events = instance.get_event_records(dg.EventRecordsFilter(dg.DagsterEventType.ASSET_CHECK_EVALUATION))
    told = [dagster_event(record).asset_check_evaluation_data for record in events]
    (check,) = [found for found in told if found is not None and found.check_name == "direction_suspect"]
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.WARN
    named = {record.data["source_file"].rsplit("/", 1)[-1] for record in check.metadata["first"].records}
    assert named == {"turned.csv", "opposite.csv"}


def test_follows_on_two_days_are_told_with_what_to_do(data_root: Path) -> None:
    lake = open_lake(data_root)
    once = planted()
    gathered(lake, {DAY: once[:3000], NEXT: once[2990:]}, 20)
    with pytest.raises(Unreconciled, match=r"^10 follows on twitter lie on more than one day.*core_follows again"):
        run(lake, NEXT, NEXT, OUTPUTS)
    with lake.connect() as con:
        assert duplicates(con, lake, TABLES["core_follows"], None) == (0, {DAY: 10, NEXT: 10})
        assert duplicates(con, lake, TABLES["core_follows"], [NEXT]) == (0, {DAY: 10, NEXT: 10})
        assert duplicates(con, lake, TABLES["core_follows"], [DAY, NEXT]) == (10, {DAY: 10, NEXT: 10})


def test_keys_made_again_after_the_snapshot_are_told(data_root: Path) -> None:
    lake = open_lake(data_root)
    gathered(lake, {DAY: planted()}, 20)
    publish_follows(lake, {DAY: planted()[5:]})
    assert run(lake, DAY, DAY, ["feat_follow_keys", "feat_audience_sketches"])
    for tables in (OUTPUTS, [SEARCH]):
        with pytest.raises(SketchMismatchError, match=f"made from other keys than those of {DAY} now: materialise"):
            run(lake, DAY, DAY, tables)
    assert not lake.days(MEMBERS)


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64()])
def test_keys_of_another_type_are_refused_where_they_are_counted(kind: pa.DataType, data_root: Path) -> None:
    lake = open_lake(data_root)
    gathered(lake, {DAY: planted()}, 20)
    path = lake.file("feat_follow_keys", DAY)
    metadata = pq.read_metadata(path).metadata
    table = pq.read_table(path)
    place = table.schema.get_field_index("follower_key")
    other = table.set_column(place, "follower_key", pa.array(np.arange(len(table))).cast(kind))
    pq.write_table(other.replace_schema_metadata({k: v for k, v in metadata.items() if k != b"ARROW:schema"}), path)
    with pytest.raises(SketchInputError, match="follower_key must be uint64"):
        run(lake, DAY, DAY, OUTPUTS)


def test_a_graph_without_pairs_is_exported_too(data_root: Path) -> None:
    lake = open_lake(data_root)
    gathered(lake, {DAY: [("other", str(f), name) for name in "ABCDE" for f in range(150)]}, 100)
    assert run(lake, DAY, DAY, OUTPUTS, find_audience_communities={"export": True})
    folder = data_root / "exports" / "audiences" / "other" / f"day={DAY}"
    assert len(pq.read_table(folder / "nodes.parquet")) == 5
    assert len(pq.read_table(folder / "edges.parquet")) == 0
