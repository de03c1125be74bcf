"""Vectors of hashtags: encoded once, kept while anything uses them, gone with the last post that wrote the tag.

Here: the cache of vectors under runs of out_hashtag_clusters. Not here: the rows that are made of them
(`test_hashtag_clusters`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from cluster_lake import publish
from hashtag_lake import FIRST, LAST, MINE, TagEmbedder, empty_lake, post, publish_core, rows, run, themed

from sm_assets.analysis.text_normaliser import text_keys
from sm_assets.defs.assets import hashtag_clusters
from sm_assets.defs.embedding import PostVectors
from sm_assets.defs.text_vectors import drop_stale, keys_of
from sm_assets.errors import KernelError
from sm_assets.storage import Lake, VectorCache, abandoned_notes, noting_keys

pytestmark = pytest.mark.usefixtures("no_catalogue")


@pytest.fixture
def lake(data_root: Path) -> Lake:
    return empty_lake(data_root)


def test_tags_of_withdrawn_posts_leave_the_rows_and_the_cache(lake: Lake) -> None:
    embedder = TagEmbedder()
    publish_core(lake, [post(1, ["stays"], account="a"), post(2, ["secret", "stays"], account="b")])
    run(lake, embedder=embedder)
    cache = VectorCache(lake, embedder.spec.embedder_id, embedder.width, embedder.spec.told())

    def known(*tags: str) -> list[bool]:
        keys = np.array(text_keys(pa.array(tags)).to_pylist(), "S16")
        fresh = VectorCache(lake, embedder.spec.embedder_id, embedder.width, embedder.spec.told())
        return fresh.known(keys).tolist()

    assert cache.width == embedder.width
    assert known("stays", "secret") == [True, True]
    publish_core(lake, [post(1, ["stays"], account="a")])
    run(lake, embedder=embedder)
    assert [row["tag"] for row in rows(lake)] == ["stays"] * 1
    assert known("stays", "secret") == [True, False]
    page = Path(lake.path("exports", "hashtags", f"day={LAST}", "hashtags.html")).read_text(encoding="utf-8")
    assert "secret" not in page


def test_a_vector_that_a_post_or_another_day_uses_stays(lake: Lake) -> None:
    embedder = TagEmbedder()
    publish_core(lake, [post(1, ["both"], day=FIRST), post(2, ["spoken"], day=FIRST), post(3, ["gone"], day=FIRST)])
    run(lake, embedder=embedder, first=FIRST, snapshots="every_day")
    keys = {tag: text_keys(pa.array([tag]))[0].as_py() for tag in ("both", "spoken", "gone")}
    vector = [1.0] + [0.0] * 63
    cells = {"embedding": vector, "embedder_id": "e" * 16, "text_key": keys["spoken"].hex()}
    publish(
        lake,
        "feat_post_embeddings",
        [{"platform": "tiktok", "post_id": "q", "account_id": "a", "day": FIRST} | cells],
        [FIRST],
    )
    days = lake.days(MINE)
    # The first day still names all tags.
    assert drop_stale(lake, MINE, [LAST], keys_of(pa.array(["both"]))) == 0
    assert drop_stale(lake, MINE, days, keys_of(pa.array(["both"]))) == 1
    fresh = VectorCache(lake, embedder.spec.embedder_id, embedder.width, embedder.spec.told())
    assert fresh.known(np.array([keys["both"], keys["spoken"], keys["gone"]], "S16")).tolist() == [True, True, False]


def test_tags_that_a_dead_run_encoded_go_once_they_are_withdrawn(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = TagEmbedder()

    def known(*tags: str) -> list[bool]:
        cache = VectorCache(lake, embedder.spec.embedder_id, embedder.width, embedder.spec.told())
        return cache.known(np.array(text_keys(pa.array(tags)).to_pylist(), "S16")).tolist()

    def die(*_: Any) -> None:
        raise KernelError("died")

    publish_core(lake, [post(1, ["stays"]), post(2, ["secret", "spoken"], account="b")])
    with monkeypatch.context() as patch:
        patch.setattr(hashtag_clusters, "drop_stale", die)
        with pytest.raises(KernelError, match="died"):
            run(lake, embedder=embedder)
    assert known("stays", "secret", "spoken") == [True] * 3
    publish_core(lake, [post(1, ["stays"])])
    key = text_keys(pa.array(["spoken"]))[0].as_py().hex()
    cells = {"embedding": [1.0] + [0.0] * 63, "embedder_id": "e" * 16, "text_key": key}
    spoken = {"platform": "tiktok", "post_id": "q", "account_id": "a", "day": FIRST} | cells
    publish(lake, "feat_post_embeddings", [spoken], [FIRST])
    # What a run of posts left waits for the next run of posts.
    left = np.array(text_keys(pa.array(["stays"])).to_pylist(), "S16")
    with pytest.raises(KernelError, match="died"), noting_keys(lake) as note:
        die(note(left))
    run(lake, embedder=embedder)
    assert known("stays", "secret", "spoken") == [True, False, True]
    assert (len(abandoned_notes(lake, "tags")), len(abandoned_notes(lake))) == (0, 1)


def test_a_withdrawn_post_whose_text_is_a_tag_leaves_the_tag_its_vector(lake: Lake, tmp_path: Path) -> None:
    embedder = TagEmbedder()
    publish_core(lake, [post(1, ["moon"])])
    run(lake, embedder=embedder)
    keys = text_keys(pa.array(["moon", "gone"]))
    cells = {"platform": "tiktok", "account_id": "a", "day": LAST, "embedding": [1.0] + [0.0] * 63}
    told = [
        cells | {"post_id": f"q{n}", "embedder_id": "e" * 16, "text_key": key.hex()}
        for n, key in enumerate(keys.to_pylist())
    ]
    publish(lake, "feat_post_embeddings", told, [LAST])
    cache = VectorCache(lake, embedder.spec.embedder_id, embedder.width, embedder.spec.told())
    names = np.array(keys.to_pylist(), "S16")
    cache.add(names[1:], np.eye(1, 64, dtype=np.float32), np.ones(1, np.int32), np.zeros(1, bool))
    cache.flush()
    PostVectors(lake, embedder, tmp_path).drop_stale([LAST])
    fresh = VectorCache(lake, embedder.spec.embedder_id, embedder.width, embedder.spec.told())
    assert fresh.known(names).tolist() == [True, False]


def test_a_second_run_encodes_nothing_and_writes_the_same_bytes(lake: Lake) -> None:
    posts = themed()
    publish_core(lake, posts)
    first = TagEmbedder()
    run(lake, embedder=first)
    before = Path(lake.file(MINE, LAST)).read_bytes()
    page = Path(lake.path("exports", "hashtags", f"day={LAST}", "hashtags.html")).read_bytes()
    assert first.n_texts > 0
    publish_core(lake, posts[::-1])
    second = TagEmbedder()
    run(lake, embedder=second)
    assert second.n_texts == 0
    assert Path(lake.file(MINE, LAST)).read_bytes() == before
    assert Path(lake.path("exports", "hashtags", f"day={LAST}", "hashtags.html")).read_bytes() == page
