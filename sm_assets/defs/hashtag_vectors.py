"""Vectors of tags, and their end: what no row of the table names any more leaves the cache.

Here: looking up, encoding, dropping. Not here: the cache itself (`storage.vector_cache`), vectors of posts
(`embedding`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.embedder import Embedder
from sm_assets.analysis.encoding import Encoder, Progress
from sm_assets.analysis.text_normaliser import key_bytes, normalise_texts, text_digests, text_keys
from sm_assets.kernels.digests import PRESENT
from sm_assets.storage import Lake, VectorCache, drop_vectors, stream

TABLE: Final = "out_hashtag_clusters"
_POSTS: Final = "feat_post_embeddings"


class TagVectors:
    """Vectors of tags by one embedder; what was encoded once is never encoded again.

    Args:
        lake: where the cache lies.
        embedder: turns texts into vectors.
        progress: is told every five seconds of an encoding.
    """

    def __init__(self, lake: Lake, embedder: Embedder, progress: Callable[[Progress], None] | None = None) -> None:
        self._lake, self._embedder, self._progress = lake, embedder, progress
        self._cache = VectorCache(lake, embedder.spec.embedder_id, embedder.width, embedder.spec.told())
        self._encoder = Encoder(embedder)
        self._unique = 0

    @property
    def embedder_id(self) -> str:
        """Of the embedder."""
        return self._embedder.spec.embedder_id

    @property
    def normaliser(self) -> str:
        """Version of the rules that tags are normalised by."""
        return self._embedder.spec.normaliser

    def of(self, tags: pa.Array) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """float32[n, width], zeros where there is none, and bool[n]: whether there is one.

        Args:
            tags: string[n], distinct; the model reads them without #.

        Raises:
            EmbedderError: a tag cannot be encoded, or the cache cannot be written.
        """
        texts = normalise_texts(tags, self._embedder.spec.normaliser)
        digests, flags = text_digests(texts)
        present = flags == PRESENT
        keys = key_bytes(digests)
        # Two tags may become one text.
        distinct, first = np.unique(keys[present], return_index=True)
        places = np.flatnonzero(present)[first]
        new = ~self._cache.known(distinct)
        self._unique += len(distinct)
        wanted = distinct[new]
        self._encoder.expect(self._encoder.done + len(wanted), self._unique - len(wanted), self._progress)
        for found in self._encoder.encode(texts.take(pa.array(places[new])).to_pylist(), wanted):
            self._cache.add(wanted[found.rows], found.vectors, found.n_tokens, found.truncated)
        self._cache.flush()
        own = np.zeros((len(distinct), self._embedder.width), np.float32)
        self._cache.fetch(distinct, own)
        vectors = np.zeros((len(tags), self._embedder.width), np.float32)
        vectors[present] = own[np.searchsorted(distinct, keys[present])]
        return vectors, present

    def told(self) -> dict[str, Any]:
        """What people see of the vectors on the page of the table."""
        spec = self._embedder.spec
        return {
            "tags_encoded": self._encoder.done,
            "seconds_encoding": round(self._encoder.seconds, 3),
            "device": self._embedder.device,
            "embedder": spec.uri,
            "embedder_id": spec.embedder_id,
        }


def drop_stale(lake: Lake, days: Sequence[date], tags: pa.Array, normaliser: str) -> int:
    """Drop from all caches the vectors of tags that only the rows about to be replaced name; how many went.

    Such tags were withdrawn with their posts or fell out of the window. Texts of posts keep their vectors. It is done
    before the days are published: after a crash in between the old rows still tell what must go.

    Args:
        lake: the data root.
        days: days that will be replaced.
        tags: of the rows that will be there instead.
        normaliser: version of the rules that tags were normalised by.
    """
    gone = _without(_tags(lake, lake.ref(TABLE, days).days), tags)
    if len(gone):
        gone = _without(gone, _tags(lake, [day for day in lake.days(TABLE) if day not in set(days)]))
    keys = text_keys(normalise_texts(gone, normaliser)).drop_null()
    stale = np.unique(np.array(keys.to_pylist(), dtype="S16"))
    # Tags that stay may read as the same text.
    stale = np.setdiff1d(stale, np.array(text_keys(normalise_texts(tags, normaliser)).drop_null().to_pylist(), "S16"))
    if not len(stale):
        return 0
    names = pa.array([bytes(key).ljust(16, b"\0").hex() for key in stale])
    kept = np.zeros(len(stale), bool)
    for _, batch in stream(lake, _POSTS, lake.days(_POSTS), ["text_key"]):
        kept |= pc.is_in(names, value_set=batch["text_key"]).to_numpy(zero_copy_only=False)
    return drop_vectors(lake, stale[~kept])


def _tags(lake: Lake, days: Iterable[date]) -> pa.Array:
    parts = [pc.unique(batch["tag"]) for _, batch in stream(lake, TABLE, days, ["tag"])]
    return pc.unique(pa.concat_arrays([pa.array([], pa.string()), *parts]))


def _without(tags: pa.Array, others: pa.Array) -> pa.Array:
    return tags.filter(pc.invert(pc.is_in(tags, value_set=others)))
