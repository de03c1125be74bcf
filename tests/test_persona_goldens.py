"""Conversations and action lines of the synthetic capture, beside what the original made of it.

Here: the figures of expected.json and every stored action line, from staged rows by the original's rules, and the same
capture through core. Not here: personas, words, topics.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from forgetful import forgetful
from staged import make

from sm_assets.analysis.cluster_spec import ClusterSpec
from sm_assets.analysis.conversations import conversations
from sm_assets.analysis.persona_lines import EVENTS, LOSSES, Contents, action_lines, chain_lines, no_counts
from sm_assets.analysis.seed_events import SeedEvents, mean_vectors, seed_events, with_personas
from sm_assets.analysis.text_rules import TextRules
from sm_assets.analysis.vector_clusters import cluster
from sm_assets.contracts import TABLES
from sm_assets.contracts.text_columns import LINE_KINDS
from sm_assets.defs.run import materialise_range
from sm_assets.defs.sql import input_file, open_select, upstreams
from sm_assets.defs.text_rules import register
from sm_assets.settings import Settings
from sm_assets.sources import SOURCES, bluesky_stream, intake
from sm_assets.sources.bluesky_withdrawn import Withdrawn
from sm_assets.sources.publication import raw_rows
from sm_assets.storage import Lake

pytestmark = pytest.mark.shared_data
ENTITIES = ("posts", "interactions", "follows", "tombstones")
N_PERSONAS = 4


@pytest.fixture(scope="module")
def sample(shared_data: Path) -> Path:
    return shared_data / "personas"


@pytest.fixture(scope="module")
def expected(sample: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((sample / "expected.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def persona_of(sample: Path) -> pa.Table:
    stored = json.loads((sample / "out_k4" / "user_clusters.json").read_text(encoding="utf-8"))
    return pa.table({"account_id": [*stored], "persona_id": pa.array(stored.values(), pa.int32())})


def a_lake(root: Path, capture: Path) -> Lake:
    shutil.copytree(capture, root / "landing" / "bluesky", ignore=shutil.ignore_patterns("truth.json"))
    return Lake(Settings(data_root=str(root), profile="tiny", threads=2, start_day=date(2024, 12, 1)))


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> SeedEvents:
    """The capture as the original sees it: staged before purges took out the words of deleted posts."""
    lake = a_lake(tmp_path_factory.mktemp("events"), sample / "in_120")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bluesky_stream, "withdrawn", lambda *_: Withdrawn())
        patch.setattr(intake, "apply_purges", lambda *_: {})
        taken = intake.take_in(lake, "bluesky")
    source = SOURCES["bluesky"]
    days = [date(2024, 12, 16), *(date(2025, 3, n) for n in (1, 2, 3))]
    for record in source.records:
        lake.publish(TABLES[source.raw_table(record)], raw_rows(lake, taken, record, days), days, is_sorted=True)
    staged = {}
    for name in ENTITIES:
        table = f"stg_bluesky__{name}"
        make(lake, table, days)
        with lake.connect() as con:
            staged[name] = lake.register(con, lake.ref(table)).to_arrow_table()
    return seed_events(**staged)


@cache
def stub_token(token: str) -> np.ndarray:
    return np.random.RandomState(zlib.crc32(token.encode())).randn(64)


def stub(text: str | None) -> np.ndarray:
    """The README's embedder."""
    total = np.zeros(64)
    for token in (text or "").lower().split():
        total += stub_token(token)
    norm = np.linalg.norm(total)
    return total / norm if norm else total


def by_kind(counts: np.ndarray, column: str) -> dict[str, int]:
    place = ("n_events", "n_lines", *LOSSES).index(column)
    return {kind: int(n) for kind, n in zip(LINE_KINDS, counts[:, place], strict=True) if n}


def lengths(threads: pa.Table) -> dict[str, int]:
    chain = pc.cumulative_sum(pc.equal(threads["position"], 0).cast(pa.int64())).to_pylist()
    sizes = Counter(Counter(chain).values())
    return {str(n): sizes[n] for n in sorted(sizes)}


@pytest.fixture(scope="module")
def made(seed: SeedEvents, persona_of: pa.Table) -> tuple[pa.Table, pa.Table, Contents]:
    posts, events = with_personas(seed, persona_of)
    contents = Contents(seed.posts, targets="kept_accounts", keeps_deleted=True)
    return conversations(posts).table, events, contents


def test_the_same_accounts_are_kept(seed: SeedEvents, expected: dict[str, Any], persona_of: pa.Table) -> None:
    assert len(seed.accounts) == expected["events"]["accounts_kept"] == 108
    assert set(seed.accounts.to_pylist()) == set(persona_of["account_id"].to_pylist())
    kinds = Counter(seed.posts["post_kind"].to_pylist())
    assert (kinds["post"], kinds["reply"], kinds["quote"]) == (1260, 721, 181)
    kept = seed.posts.filter(seed.posts["is_eligible"])
    kinds = Counter(kept["post_kind"].to_pylist())
    assert kinds == {"post": expected["events"]["kept_posts"], "reply": expected["events"]["kept_replies"]}
    assert sum(not text for text in kept["text"].to_pylist()) == expected["events"]["kept_empty_texts"]


def test_account_vectors_are_the_stored_ones(seed: SeedEvents, sample: Path) -> None:
    stored = np.load(sample / "out_k4" / "user_embeddings.npz", allow_pickle=False)
    kept = seed.posts.filter(seed.posts["is_eligible"])
    vectors = np.array([stub(text) for text in kept["text"].to_pylist()])
    found = mean_vectors(kept, vectors, pa.array(stored["users"].tolist()))
    assert np.abs(found - stored["emb"]).max() <= 1e-12


def test_the_partition_is_the_stored_one(seed: SeedEvents, persona_of: pa.Table) -> None:
    kept = seed.posts.filter(seed.posts["is_eligible"])
    vectors = mean_vectors(kept, np.array([stub(text) for text in kept["text"].to_pylist()]), seed.accounts)
    spec = ClusterSpec(preset="constrained", k=N_PERSONAS, reduce="none", metric="euclidean", size_min=10)
    labels = cluster(vectors, seed.accounts, spec).labels
    stored = persona_of["persona_id"].take(
        pc.index_in(seed.accounts, value_set=persona_of["account_id"].combine_chunks())
    )
    assert len(set(zip(labels.tolist(), stored.to_pylist(), strict=True))) == N_PERSONAS


def test_conversations_have_the_figures(made: tuple[pa.Table, pa.Table, Contents], expected: dict[str, Any]) -> None:
    threads, figures = made[0], expected["events"]["conversations"]
    assert lengths(threads) == figures["by_length"]
    assert len(threads) == figures["messages"]
    lines = [json.loads(line) for line in chain_lines(threads).data.splitlines()]
    assert len(lines) == figures["lines"]
    assert sum(len(line) for line in lines) == figures["messages"]
    assert all(message["unix_epoch"] > 1_740_000_000_000_000 for line in lines for message in line)
    assert max(threads["depth"].to_pylist()) == 3


def test_every_stored_action_line_is_written(
    made: tuple[pa.Table, pa.Table, Contents], expected: dict[str, Any], sample: Path
) -> None:
    _, events, contents = made
    total = no_counts()
    for persona in range(N_PERSONAS):
        own = events.filter(pc.equal(events["persona_id"], persona)).select(EVENTS.names)
        lines = action_lines(own, contents)
        total += lines.counts
        stored = (sample / "out_k4" / f"cluster_{persona}.jsonl").read_text(encoding="utf-8").splitlines()
        actions = Counter(line for line in stored if '"actions"' in line)
        # Byte for byte, in whatever order.
        assert Counter(lines.data.decode("ascii").splitlines()) == actions
    assert by_kind(total, "n_lines") == expected["events"]["action_lines"]
    lost = total[:, 0] - total[:, 1]
    assert {kind: n for kind, n in zip(LINE_KINDS, lost, strict=True) if n} == expected["events"]["not_written"]
    assert by_kind(total, "nothing_before") == {"follow": 10, "block": 2}
    # Of every target it is known why.
    assert by_kind(total, "target_unknown") == by_kind(total, "target_withdrawn") == by_kind(total, "over_cap") == {}
    assert (total[:, 0] == total[:, 1:].sum(axis=1)).all()
    assert int(total[:, 1].sum()) == 1436


def test_each_planted_persona_has_its_figures(
    made: tuple[pa.Table, pa.Table, Contents], expected: dict[str, Any]
) -> None:
    threads, events, contents = made
    truth = [expected["program"]["cluster_to_truth"][str(persona)] for persona in range(N_PERSONAS)]
    figures = expected["by_planted_persona"]
    for persona, planted in enumerate(truth):
        own = threads.filter(pc.equal(threads["persona_id"], persona))
        sizes = lengths(own)
        assert sum(sizes.values()) == figures["conversation_lines"][planted]
        assert sizes["1"] == figures["conversation_lines_of_one"][planted]
        assert len(own) == figures["messages"][planted]
        acts = events.filter(pc.equal(events["persona_id"], persona)).select(EVENTS.names)
        written = by_kind(action_lines(acts, contents).counts, "n_lines")
        assert written == {kind: figures[kind][planted] for kind in written}


def test_the_order_of_rows_has_no_meaning(seed: SeedEvents, persona_of: pa.Table) -> None:
    shuffled = np.random.default_rng(3).permutation(len(seed.posts))
    posts, events = with_personas(seed, persona_of)
    mixed = SeedEvents(seed.posts.take(pa.array(shuffled)), seed.events, seed.accounts)
    others, _ = with_personas(mixed, persona_of)
    assert conversations(others).table.equals(conversations(posts).table)
    own = events.select(EVENTS.names)
    lines = [action_lines(own, Contents(each.posts, keeps_deleted=True)).data for each in (seed, mixed)]
    assert lines[0] == lines[1]


# ------------------------------------------------------------------ through core


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Lake:
    """The capture with true ids and times, landing to core."""
    root = tmp_path_factory.mktemp("core")
    tool = shared_data.parent / "tools" / "gen_jetstream.py"
    world = ("--users", "120", "--personas", "4", "--days", "3", "--seed", "5", "--realistic")
    subprocess.run([sys.executable, str(tool), *world, "--out", str(root / "in")], check=True, capture_output=True)
    lake = a_lake(root / "data", root / "in")
    wanted = ("raw_bluesky", "stg_bluesky", "core_posts", "core_interactions", "core_follows", "core_tombstones")
    assert materialise_range(
        lake.settings,
        date(2025, 3, 1),
        date(2025, 3, 4),
        tables=[name for name in TABLES if name.startswith(wanted)],
        instance=forgetful(),
        raise_on_error=True,
        log_level="ERROR",
    )
    return lake


KEPT = """
    create or replace temp view posts_by_rules as
    select *, coalesce(language_codes = ['en'], false) and post_kind in ('post', 'reply') as is_eligible
    from core_posts;
    create or replace temp view out_personas as
    select platform, account_id, persona_id from eligible_posts inner join persona_of using (account_id)
    group by all having count(*) >= 2
"""


@pytest.fixture(scope="module")
def kept_core(core: Lake, persona_of: pa.Table) -> Iterator[dict[str, pa.Table]]:
    """What the assets' SELECTs give with the original's parameters, for the stored personas."""
    names = ("out_persona_conversations", "out_persona_exports_contents", "out_persona_exports_events")
    with core.connect() as con:
        register(con, TextRules())
        for path in map(input_file, names):
            open_select(con, core, path, [core.ref(name) for name in upstreams(path)], [])
        con.register("persona_of", persona_of)
        con.execute(KEPT)
        yield {name: con.sql(input_file(name).read_text(encoding="utf-8")).to_arrow_table() for name in names}


RECORDS_LEFT = """
    select count(*) from stg_bluesky__follows
    where follow_id not in (select record_id from core_tombstones where entity = 'follow')
"""


def test_core_holds_what_was_not_withdrawn(core: Lake, expected: dict[str, Any]) -> None:
    figures = expected["through_core"]
    with core.connect() as con:
        for name in ("core_posts", "core_interactions", "core_follows", "core_tombstones", "stg_bluesky__follows"):
            core.register(con, core.ref(name))
        kinds = dict(con.sql("select post_kind, count(*) from core_posts group by all").fetchall())
        done = dict(con.sql("select kind, count(*) from core_interactions group by all").fetchall())
        pairs = con.sql("select count(*) from core_follows").fetchall()[0][0]
        edited = con.sql("select count(*) from core_posts where edits_count > 0").fetchall()[0][0]
        english = dict(
            con.sql("select post_kind, count(*) from core_posts where language_codes = ['en'] group by all").fetchall()
        )
        # In core a pair stands once; its records are one level below, those that were taken back among them.
        records = con.sql(RECORDS_LEFT).fetchall()[0][0]
    assert kinds == {"post": figures["posts"], "reply": figures["replies"], "quote": figures["quotes"]}
    assert {kind: done[kind] for kind in figures["interactions_left"]} == figures["interactions_left"]
    assert (pairs, edited) == (figures["follow_pairs_left"], figures["edited_posts_left"])
    assert records == figures["follow_records_left"] == 244
    kinds_of = {"post": "posts", "reply": "replies", "quote": "quotes"}
    assert {kinds_of[kind]: n for kind, n in english.items()} == figures["english"]


def test_through_core_the_figures_are_those_of_what_is_left(
    kept_core: dict[str, pa.Table], expected: dict[str, Any]
) -> None:
    figures = expected["through_core"]
    posts, contents, events = kept_core.values()
    assert len(pc.unique(posts["account_id"])) == figures["accounts_kept"]
    n_replies = len(posts) - figures["kept_posts"]
    assert n_replies == figures["kept_replies"]
    assert sum(not text for text in posts["text"].to_pylist()) == figures["kept_empty_texts"]
    threads = conversations(posts).table
    assert lengths(threads) == figures["conversations"]["by_length"]
    assert len(threads) == figures["conversations"]["messages"]
    in_order = events.select(EVENTS.names).sort_by([("account_id", "ascending"), ("acted_at", "ascending")])
    lines = action_lines(in_order, Contents(contents, targets="kept_accounts"))
    written = by_kind(lines.counts, "n_lines")
    written["follow_pairs"] = written.pop("follow")
    assert written == figures["action_lines"]
    assert (lines.counts[:, 0] == lines.counts[:, 1:].sum(axis=1)).all()


def test_through_core_no_line_shows_what_was_withdrawn(kept_core: dict[str, pa.Table], seed: SeedEvents) -> None:
    _, contents, events = kept_core.values()
    lines = action_lines(events.select(EVENTS.names), Contents(contents, targets="kept_accounts"))
    parsed = [json.loads(line) for line in lines.data.splitlines()]
    texts = {text for line in parsed for message in line if (text := message.get("text"))}
    deleted = seed.events.filter(pc.equal(seed.events["line_kind"], "post_delete"))["object_post_id"]
    place = pc.index_in(deleted, value_set=seed.posts["post_id"].combine_chunks())
    withdrawn = {text for text in seed.posts["text"].take(place).to_pylist() if text}
    assert len(withdrawn) > 50
    # Only short ones may have been written twice.
    assert not {text for text in withdrawn & texts if len(text) > 40}
    chosen: dict[str, list[Any]] = {"post_update": [], "post_delete": []}
    for content, action in parsed:
        for kind, found in chosen.items():
            if action["actions"][kind]:
                found.append((content, action))
    assert len(chosen["post_delete"]) == 68
    assert len(chosen["post_update"]) == 36
    for content, action in chosen["post_delete"] + chosen["post_update"]:
        assert "text" not in content
        assert content["user_id"] == action["user_id"]
    assert all(action["unix_epoch"] - content["unix_epoch"] == 2_000 for content, action in chosen["post_delete"])
    # createdAt counts milliseconds.
    assert all(1_000 <= act["unix_epoch"] - content["unix_epoch"] < 2_000 for content, act in chosen["post_update"])
