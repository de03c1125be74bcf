"""Vectors of tags, and their end: what no row of the table names any more leaves the cache.

Here: looking up, encoding, dropping. Not here: the cache itself (`storage.vector_cache`), vectors of posts
(`embedding`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.embedder import Embedder
from sm_assets.analysis.encoding import Encoder, Progress
from sm_assets.analysis.text_normaliser import key_bytes, normalise_texts, text_digests, text_keys
from sm_assets.kernels.digests import PRESENT
from sm_assets.storage import Lake, VectorCache, abandoned_notes, drop_vectors, stream
from sm_assets.storage.vector_rows import Keys

TABLE: Final = "out_hashtag_clusters"
NORMALISER: Final = "t1"
"""Version of the rules that tags are normalised by."""
NOTES: Final = "tags"
"""Kind of the notes of vectors that no row uses yet."""
_POSTS: Final = "feat_post_embeddings"


class TagVectors:
    """Vectors of tags by one embedder; what was encoded once is never encoded again.

    Args:
        lake: where the cache lies.
        load: gives what turns texts into vectors, normalised by `NORMALISER`; called once there is a tag.
        note: takes the keys of tags before they are encoded (`storage.noting_keys`).
        progress: is told every five seconds of an encoding.
    """

    def __init__(
        self,
        lake: Lake,
        load: Callable[[], Embedder],
        note: Callable[[Keys], None],
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._lake, self._load, self._note, self._progress = lake, load, note, progress
        self._noted = np.empty(0, "S16")
        self._unique = 0

    @cached_property
    def _embedder(self) -> Embedder:
        return self._load()

    @cached_property
    def _cache(self) -> VectorCache:
        spec = self._embedder.spec
        return VectorCache(self._lake, spec.embedder_id, self._embedder.width, spec.told())

    @cached_property
    def _encoder(self) -> Encoder:
        return Encoder(self._embedder)

    @property
    def embedder_id(self) -> str:
        """Of the embedder."""
        return self._embedder.spec.embedder_id

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
        if len(wanted):
            # A note takes the place of the one before: days of a run share one.
            self._noted = np.concatenate([self._noted, wanted])
            self._note(self._noted)
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
        """What people see of the vectors on the page of the table; nothing where no model was needed."""
        if not self._unique:
            return {}
        spec = self._embedder.spec
        return {
            "tags_encoded": self._encoder.done,
            "seconds_encoding": round(self._encoder.seconds, 3),
            "device": self._embedder.device,
            "embedder": spec.uri,
            "embedder_id": spec.embedder_id,
        }


def drop_stale(lake: Lake, days: Sequence[date], tags: pa.Array) -> int:
    """Drop from all caches the vectors of tags that only the rows about to be replaced name; how many went.

    Such tags were withdrawn with their posts or fell out of the window. What runs of tags that died have stored goes,
    too, unless rows name it by now. Texts of posts keep their vectors. It is done before the days are published: after
    a crash in between the old rows still tell what must go.

    Args:
        lake: the data root.
        days: days that will be replaced.
        tags: of the rows that will be there instead.
    """
    others = [day for day in lake.days(TABLE) if day not in set(days)]
    notes = abandoned_notes(lake, NOTES)
    stale = np.unique(np.concatenate([tag_keys(lake, lake.ref(TABLE, days).days), *notes.values()]))
    stale = np.setdiff1d(stale, _keys(tags))
    if len(stale):
        stale = np.setdiff1d(stale, tag_keys(lake, others))
    dropped = 0
    if len(stale):
        names = pa.array([bytes(key).ljust(16, b"\0").hex() for key in stale])
        kept = np.zeros(len(stale), bool)
        for _, batch in stream(lake, _POSTS, lake.days(_POSTS), ["text_key"]):
            kept |= pc.is_in(names, value_set=batch["text_key"]).to_numpy(zero_copy_only=False)
        dropped = drop_vectors(lake, stale[~kept])
    for path in notes:
        lake.fs.rm(path)
    return dropped


def tag_keys(lake: Lake, days: Iterable[date]) -> Keys:
    """S16[n] keys of the texts of all tags of some days."""
    return _keys(_tags(lake, days))


def _keys(tags: pa.Array) -> Keys:
    keys = text_keys(normalise_texts(tags, NORMALISER)).drop_null()
    return np.unique(np.array(keys.to_pylist(), dtype="S16"))


def _tags(lake: Lake, days: Iterable[date]) -> pa.Array:
    parts = [pc.unique(batch["tag"]) for _, batch in stream(lake, TABLE, days, ["tag"])]
    return pc.unique(pa.concat_arrays([pa.array([], pa.string()), *parts]))
