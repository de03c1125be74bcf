"""Personas from landing to exports: nothing is harmed, nothing withdrawn is left, nothing changes twice.

Here: one small capture with three kinds of people and hostile texts, through all tables with a stub of a text model.
Not here: how well a real model finds personas (`test_planted_personas`), the single steps.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from forgetful import forgetful
from stub_embedder import StubEmbedder

from sm_assets.contracts import TABLES
from sm_assets.defs.run import materialise_range
from sm_assets.demo.ids import tid
from sm_assets.errors import MixedVectors
from sm_assets.settings import Settings
from sm_assets.storage import Lake

FIRST, LAST = date(2024, 3, 1), date(2024, 3, 3)
VOCABULARY = (
    ["rocket", "orbit", "moon", "lander", "telescope", "galaxy", "launch", "star", "planet", "comet"],
    ["recipe", "oven", "garlic", "butter", "bread", "sauce", "onion", "pasta", "soup", "flour"],
    ["goal", "striker", "match", "league", "penalty", "keeper", "derby", "coach", "corner", "pitch"],
)
SCRIPT = "<script>alert('persona')</script> </script> \" onmouseover=\"alert(1)"
HOSTILE = {
    "script": SCRIPT,
    "formula": '=HYPERLINK("http://x.example") | +1 | @sum | -2',
    "bidi": "\u202egnp.exe rocket orbit moon\u2066",
    "nul": "rocket\x00 orbit moon \x07 bell",
    "surrogate": "rocket \ud83d orbit moon",
    "huge": "rocket orbit moon " * 60_000,
    "blank": " \t\n\u200b ",
    "empty": "",
    "link": "https://example.com/a?b=1",
    "markdown": "| rocket | `orbit` **moon** \n\n# launch [x](javascript:alert(1))",
}
PHRASE = "aardvark zeppelin quodlibet"
TO_CORE = [name for name, table in TABLES.items() if table.layer in ("raw", "stg", "core")]
TEXT = ["feat_post_language", "feat_post_embeddings", "feat_account_embeddings"]
OUT = [
    "out_personas",
    "out_cluster_k",
    "out_cluster_terms",
    "out_cluster_topics",
    "out_cluster_medoids",
    "out_cluster_links",
    "out_cluster_ids",
    "out_map_points",
    "out_estimated_exposures",
    "out_persona_conversations",
    "out_persona_profiles",
    "out_persona_exports",
    "report_persona_exports",
]
CONFIG = {
    "feat_account_embeddings": {"config": {"languages": []}},
    "out_personas": {"config": {"size_min": 5, "snapshots": "every_day"}},
    "out_estimated_exposures": {"config": {"enabled": True}},
}


def did(number: int) -> str:
    return f"did:plc:{number:024d}".replace("0", "a").replace("1", "b").replace("8", "c").replace("9", "d")


class Capture:
    """Lines of a stream, one second apart."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.at = int(datetime(2024, 3, 1, 9, tzinfo=UTC).timestamp() * 1e6)

    def commit(self, who: int, collection: str, record: dict[str, Any] | None, rkey: str | None = None) -> str:
        self.at += 60_000_000
        key = rkey or tid(self.at, who)
        commit: dict[str, Any] = {
            "rev": tid(self.at, who),
            "operation": "create" if record is not None else "delete",
            "collection": collection,
            "rkey": key,
        }
        if record is not None:
            moment = datetime.fromtimestamp(self.at / 1e6, UTC).isoformat().replace("+00:00", "Z")
            commit |= {"record": {"$type": collection, "createdAt": moment} | record, "cid": f"bafy{self.at}"}
        self.lines.append(json.dumps({"did": did(who), "time_us": self.at, "kind": "commit", "commit": commit}))
        return f"at://{did(who)}/{collection}/{key}"

    def post(self, who: int, text: str, parent: str | None = None) -> str:
        record: dict[str, Any] = {"text": text, "langs": ["en"]}
        if parent:
            record["reply"] = {"parent": {"uri": parent, "cid": "b"}, "root": {"uri": parent, "cid": "b"}}
        return self.commit(who, "app.bsky.feed.post", record)

    def like(self, who: int, uri: str) -> str:
        return self.commit(who, "app.bsky.feed.like", {"subject": {"uri": uri, "cid": "b"}})

    def follow(self, who: int, other: int) -> str:
        return self.commit(who, "app.bsky.graph.follow", {"subject": did(other)})


def write_capture(root: Path) -> None:
    """Three kinds of twelve people, two days of posts; hostile texts by the first ones, a secret of person 5."""
    capture = Capture()
    posts: list[str] = []
    for who in range(36):
        capture.follow(who, (who + 3) % 36)
    for turn in range(8):
        if turn in (3, 6):
            capture.at += 24 * 3_600_000_000
        for who in range(36):
            words = VOCABULARY[who % 3]
            text = " ".join(words[(turn * 3 + who + n * (1 + who % 4)) % len(words)] for n in range(7))
            parent = posts[-3] if turn == 4 else None
            posts.append(capture.post(who, text if (who, turn) != (6, 2) else f"{PHRASE} {text}", parent))
    for number, text in enumerate(HOSTILE.values()):
        posts.append(capture.post(3 * (number % 4), text))
    for who in range(36):
        capture.like(who, posts[who * 5 % len(posts)])
    own = f"at://{did(9)}/app.bsky.feed.post/{tid(capture.at + 60_000_000, 9)}"
    assert capture.post(9, "rocket answers itself", own) == own
    # A like taken back, a deleted post.
    capture.commit(1, "app.bsky.feed.like", None, capture.like(1, posts[0]).rsplit("/", 1)[1])
    capture.commit(2, "app.bsky.feed.post", None, posts[2].rsplit("/", 1)[1])
    folder = root / "landing" / "bluesky"
    folder.mkdir(parents=True)
    (folder / "capture.jsonl").write_text("\n".join(capture.lines) + "\n", encoding="utf-8")


def run(root: Path, tables: list[str], embedder: StubEmbedder | None = None, **changed: dict[str, Any]) -> bool:
    config = CONFIG | {name: {"config": CONFIG.get(name, {}).get("config", {}) | own} for name, own in changed.items()}
    settings = Settings(data_root=str(root), threads=1, start_day=FIRST, window_days=3)
    steps = {name: config[name] for name in config if name in tables}
    with forgetful() as instance:
        return materialise_range(
            settings, FIRST, LAST, tables=tables, run_config={"ops": steps}, instance=instance, raise_on_error=True,
            log_level="ERROR", embedder=embedder or StubEmbedder(),
        )  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("personas")
    write_capture(folder)
    assert run(folder, TO_CORE + TEXT + OUT)
    return folder


def ask(root: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(root / "catalog.duckdb"), read_only=True) as con:
        return con.sql(sql).fetchall()


def files(root: Path) -> Iterator[Path]:
    """What the tables and exports consist of."""
    for folder in ("lake/feat_post_embeddings", "lake/feat_account_embeddings", *(f"lake/{name}" for name in OUT)):
        yield from (root / folder).rglob("*.parquet")
    yield from (path for path in (root / "exports").rglob("*") if path.is_file())


def digests(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files(root)}


def test_the_three_kinds_come_out_and_everybody_has_a_status(root: Path) -> None:
    rows = ask(root, f"select account_id, persona_id, status from out_personas where day = '{LAST}'")
    assert len(rows) == 36
    kinds = {did(who): who % 3 for who in range(36)}
    found = Counter((persona, kinds[account]) for account, persona, status in rows if status == "member")
    assert sorted(found.values()) == [12, 12, 12]
    assert len({persona for persona, _ in found}) == 3
    (sums,) = ask(
        root, f"select sum(n_accounts), sum(n_unlikes), count(*) from out_persona_profiles where day = '{LAST}'"
    )
    # A post that is deleted twice over counts once; the withdrawn like is one.
    assert sums == (36, 1, 3)


def test_clusters_go_on_under_their_names(root: Path) -> None:
    rows = ask(root, "select day, cluster_id, persistent_id, event from out_cluster_ids order by all")
    assert {day for day, *_ in rows} == {FIRST, LAST - timedelta(days=1), LAST}
    assert {event for day, _, _, event in rows if day == LAST} == {"continued"}
    assert len({name for _, _, name, _ in rows}) == 3


def test_every_kept_post_stands_in_one_conversation_as_it_was_written(root: Path) -> None:
    kept = ask(
        root,
        f"select count(*), count(distinct post_id) from out_persona_conversations where day = '{LAST}'",
    )
    posts = ask(root, "select count(*) from core_posts where post_kind in ('post', 'reply')")
    assert kept == [(posts[0][0], posts[0][0])]
    texts = {row[0] for row in ask(root, f"select text from out_persona_conversations where day = '{LAST}'")}
    assert {SCRIPT, HOSTILE["formula"], HOSTILE["bidi"], HOSTILE["markdown"], HOSTILE["huge"]} <= texts


def test_exports_hold_what_was_written_as_json_and_nothing_runs_anywhere(root: Path) -> None:
    folder = root / "exports" / "personas" / f"day={LAST}"
    said = set()
    for path in sorted(folder.glob("cluster_*.jsonl")):
        for line in path.read_text(encoding="ascii").splitlines():
            said |= {message.get("text") for message in json.loads(line)}
    assert {SCRIPT, HOSTILE["formula"], HOSTILE["huge"]} <= said
    assert len(json.loads((folder / "user_clusters.json").read_text())) == 36
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, told in manifest["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == told["sha256"]
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert "<script" not in report
    assert "\u202e" not in report
    for path in (root / "exports" / "maps").rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        assert "alert('persona')" not in page
        assert "\u202e" not in page


def test_exposures_are_of_others_posts_that_came_before(root: Path) -> None:
    rows = ask(root, f"select * from out_estimated_exposures where day = '{LAST}'")
    assert rows
    wrong = ask(
        root,
        "select count(*) from out_estimated_exposures e join core_posts p using (platform, post_id) "
        "where e.account_id = p.account_id or e.visible_at >= e.session_started_at "
        "or p.posted_at >= e.session_started_at",
    )
    assert wrong == [(0,)]


def test_the_same_again_gives_the_same_bytes(root: Path) -> None:
    before = digests(root)
    embedder = StubEmbedder()
    assert run(root, TEXT + OUT, embedder)
    assert embedder.n_texts == 0
    assert digests(root) == before


def test_a_window_of_two_embedders_is_refused_with_the_days_named(root: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    settings = Settings(data_root=str(copy), threads=1, start_day=FIRST, window_days=3)
    with forgetful() as instance:
        materialise_range(
            settings, FIRST, FIRST, tables=TEXT, run_config={"ops": {TEXT[2]: CONFIG[TEXT[2]]}}, instance=instance,
            log_level="CRITICAL", embedder=StubEmbedder(prefix="query: "),
        )  # fmt: skip
    before = digests(copy)
    with pytest.raises(MixedVectors, match=str(FIRST)):
        run(copy, ["out_personas"])
    assert digests(copy) == before


def test_too_few_accounts_is_a_status_and_all_that_follows_is_empty(root: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    assert run(copy, OUT, out_personas={"size_min": 1000})
    assert ask(copy, f"select distinct status, persona_id from out_personas where day = '{LAST}'") == [
        ("too_few_accounts", None)
    ]
    for name in OUT[1:-1]:
        assert Lake(Settings(data_root=str(copy))).metadata(name, LAST)["rows"] == "0", name


def test_whoever_leaves_is_gone_everywhere_after_the_days_are_made_again(root: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    leaver = did(6).encode()
    lake = Lake(Settings(data_root=str(copy)))
    assert any(leaver in content for content in _contents(copy))
    moment = int(datetime(2024, 3, 3, 20, tzinfo=UTC).timestamp() * 1e6)
    line = {
        "did": did(6),
        "time_us": moment,
        "kind": "account",
        "account": {"active": False, "did": did(6), "status": "deleted"},
    }
    (copy / "landing" / "bluesky" / "later.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    keys = len(_cached(lake))
    assert run(copy, TO_CORE + TEXT + OUT)
    for content in _contents(copy):
        assert leaver not in content
        assert PHRASE.encode() not in content
    assert len(_cached(lake)) < keys


def _contents(root: Path) -> Iterator[bytes]:
    """Every table as text and every export."""
    for path in files(root):
        if path.suffix == ".parquet":
            with duckdb.connect() as con:
                yield repr(con.sql(f"from read_parquet('{path}', hive_partitioning=false)").fetchall()).encode()
        else:
            yield path.read_bytes()


def _cached(lake: Lake) -> list[bytes]:
    with duckdb.connect() as con:
        paths = f"{lake.path('lake', '_embeddings')}/**/*.parquet"
        return [row[0] for row in con.sql(f"select key from read_parquet('{paths}')").fetchall()]
