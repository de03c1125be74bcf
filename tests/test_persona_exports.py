"""Conversations and exports of personas as assets, over tables of core written by hand.

Here: what stands in the folder of an as-of day, and that its files, rows and checks agree. Not here: which event
becomes which line (`analysis/test_persona_lines`).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import fsspec
import pyarrow as pa
import pytest
from conftest import digests
from follow_lake import read
from forgetful import forgetful

from sm_assets.analysis.persona_lines import ACTIONS, Targets
from sm_assets.analysis.persona_report import escaped, persona_report
from sm_assets.analysis.text_rules import TextRules
from sm_assets.contracts import TABLES
from sm_assets.contracts.schema import Column
from sm_assets.contracts.text_columns import LINE_KINDS
from sm_assets.defs import persona_export
from sm_assets.defs.assets import persona_conversations
from sm_assets.defs.clustering_record import ClusteringRecord
from sm_assets.defs.exposure_record import ExposureRecord, exposure_metadata
from sm_assets.defs.persona_export import export_personas, publish_folder
from sm_assets.defs.run import materialise_range
from sm_assets.defs.sql import check_files
from sm_assets.defs.windows import snapshot_refs
from sm_assets.errors import MissingRecord, UnlikeSnapshots
from sm_assets.settings import Settings
from sm_assets.storage import Lake, TableRef
from sm_assets.storage.folders import replace_folder

pytestmark = pytest.mark.usefixtures("no_catalogue")

DAY = date(2024, 3, 5)
BEFORE = date(2024, 3, 4)
UPSTREAM = (
    "core_posts", "core_interactions", "core_follows", "core_tombstones", "feat_post_language", "out_personas",
    "out_persona_profiles", "out_estimated_exposures", "out_persona_conversations",
)  # fmt: skip
MADE = ("out_persona_conversations", "out_persona_exports", "report_persona_exports")
RECORD = ClusteringRecord("personas", "0123456789abcdef", "fedcba9876543210", TextRules(), {"size_min": 2})
ESTIMATED = ExposureRecord("89abcdef01234567", {"cap": 9}, {0: 5})
HOSTILE = '"quoted" \\ line\nbreak\u2028 <script>alert(1)</script> | \u202e né 🙂'
_BY_TYPE: dict[str, Any] = {
    "text": "x", "int64": 1, "int32": 0, "float64": 0.5, "bool": False, "date": DAY, "list<text>": [],
    "list<list<text>>": [],
}  # fmt: skip
_FIXED: dict[str, Any] = {
    "source": "bluesky", "platform": "bluesky", "source_sha256": "f" * 64, "edits_count": 0, "lang": "en",
    "params_hash": RECORD.params_hash,
}  # fmt: skip


def at(day: date, second: int) -> datetime:
    return datetime(day.year, day.month, day.day, 12) + timedelta(seconds=second)


def _plain(column: Column) -> Any:
    if column.name in _FIXED:
        return _FIXED[column.name]
    if column.allowed:
        return column.allowed[0]
    return at(DAY, 0) if column.type == "timestamp" else _BY_TYPE[column.type]


def publish(
    lake: Lake,
    table: str,
    rows: Iterable[Mapping[str, Any]],
    days: Iterable[date] = (DAY,),
    estimated: ExposureRecord | None = None,
) -> None:
    """Rows of a table; what they leave out is null or a plain value."""
    contract = TABLES[table]
    plain = {column.name: _plain(column) for column in contract.columns if not column.nullable}
    full = [{name: (plain | dict(row)).get(name) for name in contract.column_names} for row in rows]
    metadata = RECORD.metadata() if table == "out_personas" else exposure_metadata(estimated)
    data = pa.Table.from_pylist(full, contract.plain_schema)
    lake.publish(contract, data, {*days, *(row["day"] for row in full)}, metadata=lambda _: metadata)


def post(name: str, account: str, second: int = 0, **more: Any) -> dict[str, Any]:
    day = more.get("day", DAY)
    row = {"post_id": f"at://{account}/app.bsky.feed.post/{name}", "account_id": account, "posted_at": at(day, second)}
    return row | {"text": f"text of {name}", "language_codes": ["en"]} | more


def uri(account: str, name: str) -> str:
    return f"at://{account}/app.bsky.feed.post/{name}"


def reply(name: str, account: str, second: int, to: str, **more: Any) -> dict[str, Any]:
    return post(name, account, second, post_kind="reply", parent_post_id=to, **more)


POSTS = [
    post("one", "anna", 1),
    post("two", "bert", 2, text=HOSTILE),
    reply("three", "anna", 9, uri("bert", "two")),
    reply("four", "cleo", 5, uri("bert", "two")),
    reply("five", "anna", 11, uri("dora", "d"), text=None),
    post("d", "dora", 3),
    post("old", "bert", 3, day=BEFORE, edits_count=1, edited_at=at(DAY, 50)),
    post("quoting", "cleo", 20, post_kind="quote", quoted_post_id=uri("anna", "one")),
    post("fremd", "anna", 30, text="auf Deutsch"),
    post("s", "stranger", 4),
]
INTERACTIONS = [
    {"interaction_id": "i1", "account_id": "anna", "object_post_id": uri("bert", "two")},
    {"interaction_id": "i2", "account_id": "anna", "object_post_id": uri("stranger", "s"), "kind": "repost"},
    {"interaction_id": "i3", "account_id": "dora", "object_post_id": uri("anna", "fremd")},
    {"interaction_id": "i4", "account_id": "stranger", "object_post_id": uri("anna", "one")},
    {"interaction_id": "i5", "account_id": "bert", "object_account_id": "anna", "kind": "block"},
    {"interaction_id": "i6", "account_id": "cleo", "object_post_id": uri("bert", "gone")},
]
TOMBSTONES = [
    {"entity": "interaction", "record_id": "u1", "account_id": "anna", "interaction_kind": "repost",
     "object_post_id": uri("anna", "one")},
    {"entity": "follow", "record_id": "u2", "account_id": "anna", "object_account_id": "bert"},
    {"entity": "post", "record_id": uri("bert", "gone"), "account_id": "bert", "record_day": DAY},
]  # fmt: skip
FOLLOWS = [
    {"follower_account_id": "cleo", "followed_account_id": "anna", "follow_id": "f1", "followed_at": at(DAY, 10)}
]
IGNORED = [
    {"account_id": "bert", "post_id": uri("anna", "one"), "persona_id": 0, "author_account_id": "anna",
     "via_account_id": "anna", "session_started_at": at(DAY, 40)},
]  # fmt: skip
PERSONAS = {"anna": 0, "bert": 0, "cleo": 1, "dora": 1}


def members(personas: Mapping[str, int], **more: Any) -> list[dict[str, Any]]:
    rows = [{"account_id": name, "persona_id": number} | more for name, number in personas.items()]
    return [*rows, {"account_id": "stranger", "status": "too_few_texts"} | more]


def profiles(personas: Mapping[str, int]) -> list[dict[str, Any]]:
    """Counts as `events_as_in_profiles` wants them for this world."""
    told: dict[int, dict[str, Any]] = {
        0: {"n_likes": 1, "n_reposts": 1, "n_unreposts": 1, "n_unfollows": 1, "n_blocks": 1, "n_post_updates": 1,
            "n_post_deletes": 1, "n_ignored": 1, "n_quotes": 0, "medoid_texts": [HOSTILE]},
        1: {"n_likes": 2, "n_follows": 1, "n_quotes": 1},
    }  # fmt: skip
    sizes = Counter(personas.values())
    return [told[number] | {"persona_id": number, "n_accounts": sizes[number]} for number in sorted(sizes)]


def languages(posts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    told = ("platform", "post_id", "account_id", "day")
    return [
        {name: row[name] for name in told if name in row} | {"lang": "de" if row["text"] == "auf Deutsch" else "en"}
        for row in posts
    ]


def fill(lake: Lake, personas: Mapping[str, int] = PERSONAS, posts: Iterable[dict[str, Any]] = POSTS) -> None:
    days = (BEFORE, DAY)
    listed = list(posts)
    publish(lake, "core_posts", listed, days)
    publish(lake, "feat_post_language", languages(listed), days)
    publish(lake, "core_interactions", [{"interacted_at": at(DAY, 60)} | row for row in INTERACTIONS], days)
    publish(lake, "core_follows", FOLLOWS, days)
    publish(lake, "core_tombstones", [{"deleted_at": at(DAY, 70)} | row for row in TOMBSTONES], days)
    publish(lake, "out_personas", members(personas))
    publish(lake, "out_persona_profiles", profiles(personas))
    publish(lake, "out_estimated_exposures", IGNORED if personas else [], estimated=ESTIMATED if personas else None)


def run(lake: Lake, first: date = DAY, last: date = DAY, tables: Sequence[str] = MADE) -> bool:
    """The assets and their checks, as a run of Dagster."""
    return materialise_range(
        lake.settings,
        first,
        last,
        tables=list(tables),
        instance=forgetful(),
        raise_on_error=True,
        log_level="ERROR",
    )


def export(lake: Lake, targets: Targets = "any") -> None:
    """The same steps without Dagster, which takes seconds to start."""
    with lake.workspace("test") as space, lake.connect() as con:

        def window() -> list[TableRef]:
            return snapshot_refs([lake.ref(name) for name in UPSTREAM], DAY, lake.settings.window_days)

        threads = persona_conversations.snapshot(con, lake, window(), DAY, Counter(), Counter())
        lake.publish(TABLES[MADE[0]], threads, [DAY])
        (space / "made").mkdir()
        rows = export_personas(con, lake, window(), DAY, RECORD, targets, space / "made")
        publish_folder(lake, DAY, space / "made")
        lake.publish(TABLES[MADE[1]], rows.select(TABLES[MADE[1]].column_names), [DAY])


def settings_of(root: Path, threads: int = 2) -> Settings:
    return Settings(data_root=str(root), profile="tiny", threads=threads, start_day=date(2024, 3, 1), window_days=2)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path / "data")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with the export of one day, made by a run over three."""
    lake = Lake(settings_of(tmp_path_factory.mktemp("exported")))
    fill(lake)
    assert run(lake, DAY, DAY + timedelta(days=2))
    return lake


def folder(lake: Lake, day: date = DAY) -> Path:
    return Path(lake.path("exports", "personas", f"day={day}"))


def lines(lake: Lake, persona: int) -> list[list[dict[str, Any]]]:
    text = (folder(lake) / f"cluster_{persona}.jsonl").read_text(encoding="ascii")
    return [json.loads(line) for line in text.splitlines()]


def deeds(lake: Lake, persona: int) -> list[tuple[str, str, str, str | None]]:
    """(kind, by whom, of whom, text of the message)."""
    found = []
    for line in lines(lake, persona):
        if "actions" in line[-1]:
            content, action = line
            (kind,) = [name for name in ACTIONS if action["actions"][name]]
            found.append((kind, action["user_id"], content["user_id"], content.get("text")))
    return found


def test_an_export_holds_threads_then_actions_in_order(exported: Lake) -> None:
    first = lines(exported, 0)
    said = [
        [(message["user_id"], message.get("text")) for message in line] for line in first if "actions" not in line[-1]
    ]
    assert said == [
        [("anna", "text of one")],
        [("anna", None)],
        [("bert", "text of old")],
        [("bert", HOSTILE), ("anna", "text of three")],
    ]
    assert deeds(exported, 0) == [
        ("like", "anna", "bert", HOSTILE),
        ("repost", "anna", "stranger", "text of s"),
        ("unrepost", "anna", "anna", "text of one"),
        ("unfollow", "anna", "bert", HOSTILE),
        ("block", "bert", "anna", None),
        ("post_update", "bert", "bert", None),
        ("post_delete", "bert", "bert", None),
        ("ignore", "bert", "anna", "text of one"),
    ]
    update = first[-3]
    assert update[1]["text"] == "text of old"
    assert deeds(exported, 1) == [("follow", "cleo", "anna", "text of three"), ("quote", "cleo", "anna", "text of one")]
    assert lines(exported, 1)[-1][1]["text"] == "text of quoting"
    assert [[message["user_id"] for message in line] for line in lines(exported, 1)[:2]] == [["cleo"], ["dora"]]


def test_rows_count_what_the_files_hold(exported: Lake) -> None:
    rows = {
        (row["persona_id"], row["line_kind"]): row for row in read(exported, "out_persona_exports", DAY).to_pylist()
    }
    assert set(rows) == {(persona, kind) for persona in (0, 1) for kind in LINE_KINDS}
    assert rows[0, "chain"]["n_events"] == rows[0, "chain"]["n_lines"] == 5
    assert rows[1, "like"]["n_events"] == 2
    assert (rows[1, "like"]["target_not_eligible"], rows[1, "like"]["target_withdrawn"]) == (1, 1)
    for persona in (0, 1):
        n_actions = sum(row["n_lines"] for (number, kind), row in rows.items() if number == persona and kind != "chain")
        assert n_actions == len(deeds(exported, persona))
    messages = read(exported, "out_persona_conversations", DAY)
    assert len(messages) == 7
    ignored = rows[0, "ignore"]
    assert (ignored["n_events"], ignored["n_lines"], ignored["over_cap"]) == (6, 1, 5)


def test_the_manifest_tells_of_every_file(exported: Lake) -> None:
    manifest = json.loads((folder(exported) / "manifest.json").read_text(encoding="ascii"))
    names = {path.name for path in folder(exported).iterdir()}
    assert names == {"manifest.json", *manifest["files"]}
    assert names == {"manifest.json", "cluster_0.jsonl", "cluster_1.jsonl", "user_clusters.json", "report.md"}
    for name, told in manifest["files"].items():
        data = (folder(exported) / name).read_bytes()
        assert told == {"bytes": len(data), "lines": data.count(b"\n"), "sha256": hashlib.sha256(data).hexdigest()}
        assert b"\r" not in data
    assert (manifest["as_of"], manifest["window_from"]) == ("2024-03-05", "2024-03-04")
    assert manifest["parameters"] == {"targets": "any"}
    assert manifest["clustering"]["rules"] == TextRules().told()
    assert manifest["personas"]["0"]["chain"] == {"n_events": 5, "n_lines": 5}
    clusters = (folder(exported) / "user_clusters.json").read_text(encoding="ascii")
    assert clusters == json.dumps(PERSONAS) + "\n"
    assert manifest["params_hash"] == read(exported, "out_persona_exports", DAY)["params_hash"][0].as_py()
    assert manifest["params_hash"] != RECORD.params_hash
    assert manifest["exposures"] == {"params_hash": ESTIMATED.params_hash, "rules": ESTIMATED.rules}


def test_each_line_is_what_json_writes(exported: Lake) -> None:
    for persona in (0, 1):
        for line in (folder(exported) / f"cluster_{persona}.jsonl").read_bytes().splitlines():
            assert json.dumps(json.loads(line)).encode("ascii") == line


def test_targets_of_members_only(lake: Lake) -> None:
    fill(lake)
    export(lake, targets="kept_accounts")
    assert ("repost", "anna", "stranger", "text of s") not in deeds(lake, 0)
    rows = {(row["persona_id"], row["line_kind"]): row for row in read(lake, "out_persona_exports", DAY).to_pylist()}
    assert rows[0, "repost"]["target_not_eligible"] == 1


def test_the_hash_is_over_all_that_decides_the_lines(lake: Lake) -> None:
    fill(lake)
    told = []
    for estimated, targets in (
        (ESTIMATED, "any"),
        (ESTIMATED, "kept_accounts"),
        (replace(ESTIMATED, params_hash="0" * 16), "any"),
        (replace(ESTIMATED, rules={"cap": 8}), "any"),
        (None, "any"),
    ):
        publish(lake, "out_estimated_exposures", IGNORED, estimated=estimated)
        export(lake, targets)
        manifest = json.loads((folder(lake) / "manifest.json").read_text(encoding="ascii"))
        told.append(manifest["params_hash"])
    assert manifest["exposures"] is None
    assert len(set(told)) == len(told)
    publish(lake, "out_estimated_exposures", IGNORED, estimated=replace(ESTIMATED, over_cap={0: 6}))
    export(lake)
    assert read(lake, "out_persona_exports", DAY)["params_hash"][0].as_py() == told[0]


def test_a_day_that_fails_leaves_the_files_of_all_days(lake: Lake) -> None:
    fill(lake)
    export(lake)
    before = {path.name: path.read_bytes() for path in folder(lake).iterdir()}
    fill(lake, posts=[row | {"text": "changed"} for row in POSTS])
    after = DAY + timedelta(days=1)
    # Without the record of its personas.
    lake.publish(TABLES["out_personas"], TABLES["out_personas"].plain_schema.empty_table(), [after])
    with pytest.raises(MissingRecord, match=str(after)):
        run(lake, DAY, after, MADE[1:])
    assert {path.name: path.read_bytes() for path in folder(lake).iterdir()} == before


@pytest.mark.parametrize(
    ("personas", "stale"),
    [
        # One persona fewer: lines of the other had no file to go to.
        (dict.fromkeys(PERSONAS, 1), ["out_estimated_exposures", "out_persona_conversations", "out_persona_profiles"]),
        # The same sizes, other members.
        ({"anna": 1, "bert": 0, "cleo": 0, "dora": 1}, ["out_persona_conversations"]),
        # Nobody is in a persona any more.
        ({}, ["out_estimated_exposures", "out_persona_conversations", "out_persona_profiles"]),
    ],
)
def test_personas_made_again_want_what_is_made_from_them(
    lake: Lake, personas: dict[str, int], stale: list[str]
) -> None:
    fill(lake)
    export(lake)
    before = {path.name: path.read_bytes() for path in folder(lake).iterdir()}
    publish(lake, "out_personas", members(personas))
    with pytest.raises(UnlikeSnapshots, match=f"Materialise {', '.join(stale)} for {DAY} again"):
        run(lake, tables=MADE[1:])
    assert {path.name: path.read_bytes() for path in folder(lake).iterdir()} == before


def test_other_rules_of_personas_are_seen_though_members_are_the_same(lake: Lake) -> None:
    fill(lake)
    export(lake)
    publish(lake, "out_personas", members(PERSONAS, params_hash="f" * 16))
    with pytest.raises(UnlikeSnapshots, match="7 rows of out_persona_conversations, 2 rows of out_persona_profiles"):
        run(lake, tables=MADE[1:])


def test_exposures_left_out_at_the_cap_are_of_personas_that_are_there(lake: Lake) -> None:
    fill(lake)
    publish(lake, "out_estimated_exposures", [], estimated=replace(ESTIMATED, over_cap={7: 3}))
    with pytest.raises(UnlikeSnapshots, match=f"Materialise out_estimated_exposures for {DAY} again"):
        export(lake)


def test_a_purged_account_is_gone_when_the_day_is_made_again(lake: Lake) -> None:
    fill(lake)
    export(lake)
    assert any(b"bert" in path.read_bytes() for path in folder(lake).iterdir())
    left = {"anna": 0, "cleo": 1, "dora": 1}
    fill(lake, left, [row for row in POSTS if row["account_id"] != "bert"])
    publish(lake, "core_follows", [], [BEFORE, DAY])
    publish(
        lake,
        "core_interactions",
        [row | {"interacted_at": at(DAY, 60)} for row in INTERACTIONS if row["account_id"] == "cleo"],
        [DAY],
    )
    account = {"entity": "account", "record_id": "bert", "account_id": "bert", "deleted_at": at(DAY, 80)}
    publish(lake, "core_tombstones", [account], [BEFORE, DAY])
    publish(lake, "out_estimated_exposures", [])
    publish(
        lake,
        "out_persona_profiles",
        [
            {"persona_id": 0, "n_accounts": 1, "n_quotes": 0},
            {"persona_id": 1, "n_accounts": 2, "n_likes": 1, "n_quotes": 1},
        ],
    )
    export(lake)
    for path in folder(lake).iterdir():
        data = path.read_bytes()
        assert b"bert" not in data
        assert b"quoted" not in data, path.name
    assert "bert" not in json.dumps(read(lake, "out_persona_conversations", DAY).to_pylist(), default=str)
    # What was liked was withdrawn with its author.
    rows = {(row["persona_id"], row["line_kind"]): row for row in read(lake, "out_persona_exports", DAY).to_pylist()}
    assert rows[1, "like"]["n_lines"] == 0


def test_a_day_without_personas_is_an_export_without_lines(lake: Lake) -> None:
    fill(lake)
    export(lake)
    fill(lake, {})
    export(lake)
    assert sorted(path.name for path in folder(lake).iterdir()) == ["manifest.json", "report.md", "user_clusters.json"]
    assert (folder(lake) / "user_clusters.json").read_text(encoding="ascii") == "{}\n"
    assert json.loads((folder(lake) / "manifest.json").read_text(encoding="ascii"))["personas"] == {}
    assert len(read(lake, "out_persona_exports", DAY)) == len(read(lake, "out_persona_conversations", DAY)) == 0


def test_a_day_without_a_snapshot_is_left_alone(exported: Lake) -> None:
    assert exported.days("out_persona_exports") == [DAY]
    assert [path.name for path in folder(exported).parent.iterdir()] == [f"day={DAY}"]


@pytest.mark.parametrize(
    ("table", "change", "found"),
    [
        ("out_persona_exports", {"n_lines": 77}, {"events_add_up", "threads_hold_every_post"}),
        (
            "out_persona_exports",
            {"n_events": 77},
            {"events_add_up", "threads_hold_every_post", "events_as_in_profiles"},
        ),
        ("out_persona_conversations", {"depth": 3}, {"threads_are_read_in_order"}),
        ("out_persona_conversations", {"persona_id": 1}, {"every_post_in_one_thread"}),
        ("out_persona_conversations", {"position": 9}, {"threads_are_read_in_order"}),
    ],
)
def test_checks_find_what_does_not_add_up(exported: Lake, table: str, change: dict[str, int], found: set[str]) -> None:
    def broken(con: duckdb.DuckDBPyConnection) -> set[str]:
        paths = [path for path in check_files() if path.parent.name in MADE]
        return {path.stem for path in paths if con.sql(path.read_text(encoding="utf-8")).limit(1).fetchall()}

    with exported.connect() as con:
        for name in (*MADE[:2], "out_personas", "out_persona_profiles"):
            exported.register(con, exported.ref(name))
        assert broken(con) == set()
        rows = con.table(table).to_arrow_table()
        for name, value in change.items():
            place = rows.column_names.index(name)
            rows = rows.set_column(place, name, pa.repeat(pa.scalar(value, rows.schema.field(name).type), len(rows)))
        con.register("changed", rows)
        con.execute(f"create or replace temp view {table} as from changed")
        assert found <= broken(con)


def test_another_order_or_number_of_threads_writes_the_same_bytes(lake: Lake, tmp_path: Path) -> None:
    fill(lake)
    export(lake)
    other = Lake(settings_of(tmp_path / "other", threads=1))
    fill(other, dict(reversed(PERSONAS.items())), POSTS[::-1])
    export(other)
    for path in folder(lake).iterdir():
        assert path.read_bytes() == (folder(other) / path.name).read_bytes(), path.name
    tables = [digests(Path(each.root), ignore=lambda path: "out_persona_" not in str(path)) for each in (lake, other)]
    assert tables[0] == tables[1]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_how_rows_arrive_has_no_meaning(exported: Lake, lake: Lake, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persona_export, "_BATCH", size)
    fill(lake)
    export(lake)
    for path in folder(exported).iterdir():
        assert path.read_bytes() == (folder(lake) / path.name).read_bytes(), path.name


def test_with_several_platforms_accounts_are_named_with_theirs(lake: Lake) -> None:
    fill(lake)
    twin = post("t", "anna", 4) | {"platform": "twitter", "post_id": uri("anna", "one")}
    publish(lake, "core_posts", [*POSTS, twin], [BEFORE, DAY])
    publish(lake, "feat_post_language", languages([*POSTS, twin]), [BEFORE, DAY])
    publish(lake, "out_personas", [*members(PERSONAS), {"platform": "twitter", "account_id": "anna", "persona_id": 0}])
    publish(lake, "out_persona_profiles", profiles(PERSONAS | {"anna of twitter": 0}))
    export(lake)
    clusters = json.loads((folder(lake) / "user_clusters.json").read_text(encoding="ascii"))
    assert clusters == {f"bluesky:{name}": number for name, number in PERSONAS.items()} | {"twitter:anna": 0}
    users = {message["user_id"] for persona in (0, 1) for line in lines(lake, persona) for message in line}
    assert users <= {*clusters, "bluesky:stranger"}
    assert "twitter:anna" in users
    threads = read(lake, "out_persona_conversations", DAY).to_pylist()
    assert sum(row["chain_id"] == uri("anna", "one") for row in threads) == 2


# ----------------------------------------------------------------------- report


def profile(number: int, **more: Any) -> dict[str, Any]:
    columns = {
        column.name: None if column.nullable else _BY_TYPE.get(column.type)
        for column in TABLES["out_persona_profiles"].columns
    }
    return (
        columns
        | {"persona_id": number, "n_accounts": 10 + number, "n_posts": 100, "n_replies": 7, "n_quotes": 3}
        | more
    )


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, TABLES["out_persona_profiles"].plain_schema)


def test_the_report_adds_up_and_says_what_is_not_known() -> None:
    told = persona_report(table([profile(1, n_likes=4), profile(0, n_likes=5, n_ignored=0)]))
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in told.splitlines() if line.startswith("| ")}
    assert rows["Statistic"] == "| Statistic | Persona 0 | Persona 1 | Average | Total |"
    assert rows["Users"] == "| Users | 10 | 11 | 10.50 | 21 |"
    assert rows["Total"] == "| Total | 115 | 114 | 114.50 | 229 |"
    assert rows["Likes"] == "| Likes | 5 | 4 | 4.50 | 9 |"
    assert rows["Ignored"] == "| Ignored | 0 | - | 0.00 | 0 |"
    assert rows["Unlikes"] == "| Unlikes | - | - | - | - |"
    assert [line.split(" | ")[0] for line in told.splitlines() if line.startswith("| ")][1:3] == ["| Users", "| Total"]


@pytest.mark.parametrize("n", [1, 6, 7, 12])
def test_the_report_never_shows_a_persona_twice(n: int) -> None:
    told = persona_report(table([profile(number) for number in range(n)]))
    heads = told.splitlines()[2].strip("| ").split(" | ")
    shown = [f"Persona {number}" for number in range(n)]
    assert heads[1:-2] == (shown if n <= 6 else [*shown[:3], "...", *shown[-3:]])
    assert told.splitlines()[4].endswith(f" | {sum(10 + number for number in range(n))} |")


def test_what_people_wrote_cannot_change_the_page() -> None:
    nasty = "a | b\n# <script>alert(1)</script>\u202e[x](javascript:1)`*\0" + "z" * 1000
    told = persona_report(table([profile(0, top_terms=[nasty], medoid_texts=[nasty, HOSTILE], topics=[[nasty]])]))
    assert "<script>" not in told
    assert not {"\u202e", "\0", "\u2028"} & set(told)
    assert len(told.splitlines()) == len(
        persona_report(table([profile(0, top_terms=["a"], medoid_texts=["b", "c"], topics=[["d"]])])).splitlines()
    )
    assert escaped("a|b_c") == "a\\|b\\_c"
    assert len(escaped("z" * 1000)) == 281


def test_a_report_of_shared_terms_holds_no_other_word() -> None:
    rows = [
        profile(0, top_terms=["moon", "secret", "star"], medoid_texts=["secret"], topics=[["secret", "moon"]]),
        profile(1, top_terms=["secret"], label="secret", topics=[["secret"]]),
    ]
    told = persona_report(table(rows), shared_terms={0: ["star", "moon"]})
    assert "| 0 | moon, star |\n| 1 | - |\n" in told
    assert "secret" not in told
    assert persona_report(table(rows)).count("secret") == 5


def test_no_persona_is_a_sentence() -> None:
    assert persona_report(table([])) == "No personas.\n"


# ---------------------------------------------------------------------- folders


def test_a_folder_is_replaced_as_a_whole(lake: Lake) -> None:
    for names in (("a", "b"), ("b", "c")):
        with lake.workspace("test") as space:
            staged = space / "made"
            staged.mkdir()
            for name in names:
                (staged / name).write_text(f"{name} of {names}", encoding="utf-8")
            target = Path(replace_folder(lake, staged, "exports", "somewhere"))
        assert {path.name for path in target.iterdir()} == set(names)
        assert (target / "b").read_text(encoding="utf-8") == f"b of {names}"
    assert [path.name for path in target.parent.iterdir()] == ["somewhere"]


def test_a_folder_in_an_object_store_loses_what_is_no_longer_in_it(tmp_path: Path) -> None:
    lake = Lake(Settings(data_root="memory://bucket/data", profile="tiny", threads=1))
    for names in (("a", "b"), ("b", "c")):
        staged = tmp_path / "-".join(names)
        staged.mkdir()
        for name in names:
            (staged / name).write_bytes(name.encode())
        target = replace_folder(lake, staged, "exports", "x")
        found = fsspec.filesystem("memory").ls(target, detail=False)
        assert sorted(path.rsplit("/", 1)[-1] for path in found) == list(names)
