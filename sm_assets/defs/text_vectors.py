"""Vectors of tags and biographies, and their end: what no row of a table uses any more leaves the cache.

Here: looking up, encoding, dropping, whatever the texts are. Not here: the cache itself (`storage.vector_cache`),
vectors of posts (`embedding`), which come in streams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.embedder import Embedder
from sm_assets.analysis.encoding import Encoder, Progress
from sm_assets.analysis.text_normaliser import NORMALISERS, key_bytes, normalise_texts, text_digests
from sm_assets.errors import VectorCacheError
from sm_assets.kernels.digests import PRESENT
from sm_assets.settings import Settings
from sm_assets.storage import Lake, VectorCache, abandoned_notes, drop_vectors, forget_notes, stored_cache, stream
from sm_assets.storage.vector_rows import Keys

POSTS: Final = "feat_post_embeddings"
TEXTS: Final = {"out_hashtag_clusters": "tag", "out_profile_clusters": "bio"}
"""Tables whose texts have vectors, and the column that holds them; that of posts holds keys."""
NOTES: Final = {"out_hashtag_clusters": "tags", "out_profile_clusters": "bios"}
"""Kinds of the notes of vectors that no row of a table uses yet."""

_NO_KEYS: Final[Keys] = np.empty(0, "S16")

Vectors = tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]


def configured(settings: Settings) -> Embedder:
    """The text model of the settings, loaded."""
    from sm_assets.analysis.text_models import load_embedder

    return load_embedder(
        settings.embedder,
        prefix=settings.embedder_prefix,
        pooling=settings.embedder_pooling,
        device=settings.device,
        dtype=settings.dtype,
        normaliser="t1",
        threads=settings.threads,
    )


class TextVectors:
    """Vectors of texts by one embedder; what was encoded once is never encoded again.

    Args:
        lake: where the cache lies.
        load: gives what turns texts into vectors; called once there is something to look up.
        note: takes the keys of all texts that were or will be encoded, before the first of them is.
        log: is told every five seconds of an encoding how far it is.
    """

    def __init__(
        self, lake: Lake, load: Callable[[], Embedder], note: Callable[[Keys], None], log: Callable[[str], None]
    ) -> None:
        self._lake, self._load, self._note, self._log = lake, load, note, log
        self._unique = 0
        self._noted = _NO_KEYS

    @cached_property
    def embedder(self) -> Embedder:
        """What turns texts into vectors; loads it."""
        return self._load()

    @cached_property
    def _cache(self) -> VectorCache:
        spec = self.embedder.spec
        return VectorCache(self._lake, spec.embedder_id, self.embedder.width, spec.told())

    @cached_property
    def _encoder(self) -> Encoder:
        return Encoder(self.embedder)

    @property
    def embedder_id(self) -> str:
        """Of the embedder."""
        return self.embedder.spec.embedder_id

    def of(self, texts: pa.Array | pa.ChunkedArray) -> Vectors:
        """float32[n, width], zeros where there is none, and bool[n]: whether there is one.

        Args:
            texts: string[n]; equal ones are encoded once.

        Raises:
            EmbedderError: a text cannot be encoded, or the cache cannot be written.
        """
        normal = normalise_texts(texts, self.embedder.spec.normaliser)
        keys, present = _found(normal)
        # Two texts may become one.
        distinct, first = np.unique(keys[present], return_index=True)
        places = np.flatnonzero(present)[first]
        new = ~self._cache.known(distinct)
        self._unique += len(distinct)
        wanted = distinct[new]
        if len(wanted):
            # A note takes the place of the one before: days of a run share one.
            self._noted = np.concatenate([self._noted, wanted])
            self._note(self._noted)
        self._encoder.expect(self._encoder.done + len(wanted), self._unique - len(wanted), self._say)
        for found in self._encoder.encode(normal.take(pa.array(places[new])).to_pylist(), wanted):
            self._cache.add(wanted[found.rows], found.vectors, found.n_tokens, found.truncated)
        self._cache.flush()
        return _spread(self._cache, distinct, keys, present)

    def told(self) -> dict[str, Any]:
        """What people see of the vectors on the page of the table; nothing where there was no text."""
        if not self._unique:
            return {}
        spec = self.embedder.spec
        return {
            "texts_encoded": self._encoder.done,
            "seconds_encoding": round(self._encoder.seconds, 3),
            "device": self.embedder.device,
            "embedder": spec.uri,
            "embedder_id": spec.embedder_id,
        }

    def _say(self, progress: Progress) -> None:
        self._log(f"{progress.done} of {progress.total} texts encoded")


def stored_vectors(lake: Lake, embedder_id: str, remedy: str) -> Callable[[pa.Array | pa.ChunkedArray], Vectors]:
    """As `TextVectors.of`, without a model: the vectors that a table was made with.

    Args:
        lake: where the cache lies.
        embedder_id: of the vectors.
        remedy: what brings them back.

    Returns:
        The function. It raises VectorCacheError where a text has no vector in the cache.
    """

    def of(texts: pa.Array | pa.ChunkedArray) -> Vectors:
        cache = stored_cache(lake, embedder_id)
        keys, present = _found(normalise_texts(texts, cache.about["normaliser"] if cache else NORMALISERS[0]))
        distinct = np.unique(keys[present])
        missing = len(distinct) - (int(cache.known(distinct).sum()) if cache else 0)
        if missing:
            raise VectorCacheError(
                f"{missing} of {len(distinct)} texts have no vector of the embedder {embedder_id} in the cache, which "
                f"was emptied since; expected all of them. {remedy}"
            )
        return _spread(cache, distinct, keys, present) if cache else (np.zeros((len(texts), 1), np.float32), present)

    return of


def _found(normal: pa.Array) -> tuple[Keys, npt.NDArray[np.bool_]]:
    """S16[n] keys of normalised texts, bool[n] whether there is a text."""
    digests, flags = text_digests(normal)
    return key_bytes(digests), flags == PRESENT


def _spread(cache: VectorCache, distinct: Keys, keys: Keys, present: npt.NDArray[np.bool_]) -> Vectors:
    """Vectors of sorted distinct keys, at the places of their texts."""
    own = np.zeros((len(distinct), cache.width), np.float32)
    cache.fetch(distinct, own)
    vectors = np.zeros((len(keys), cache.width), np.float32)
    vectors[present] = own[np.searchsorted(distinct, keys[present])]
    return vectors, present


def drop_stale(lake: Lake, table: str, days: Sequence[date], used: Keys) -> int:
    """Drop from all caches the vectors of texts that only the rows about to be replaced hold; how many went.

    Such texts were withdrawn or fell out of the window. What runs of this table that died have stored goes, too, unless
    rows hold it by now. It is done before the days are published: after a crash in between the old rows still tell what
    must go.

    Args:
        lake: the data root.
        table: of `TEXTS`.
        days: days that will be replaced.
        used: S16[n], `keys_of` the texts of the rows that will be there instead.
    """
    notes = abandoned_notes(lake, NOTES[table])
    stale = np.concatenate([*_stored_keys(lake, table, lake.ref(table, days).days), *notes.values(), _NO_KEYS])
    # Texts that stay may read as the same text.
    stale = np.setdiff1d(stale, used)
    others = [day for day in lake.days(table) if day not in set(days)]
    dropped = drop_vectors(lake, unused(lake, _without(lake, stale, table, others), table))
    forget_notes(lake, notes)
    return dropped


def unused(lake: Lake, keys: Keys, table: str) -> Keys:
    """Those of S16[n] distinct keys that no row of any other table than this one has a vector by."""
    if len(keys) and table != POSTS:
        names = pa.array([bytes(key).ljust(16, b"\0").hex() for key in keys])
        kept = np.zeros(len(keys), bool)
        for _, batch in stream(lake, POSTS, lake.days(POSTS), ["text_key"]):
            kept |= pc.is_in(names, value_set=batch["text_key"]).to_numpy(zero_copy_only=False)
        keys = keys[~kept]
    for name in TEXTS:
        if name != table:
            keys = _without(lake, keys, name, lake.days(name))
    return keys


def keys_of(texts: pa.Array | pa.ChunkedArray) -> Keys:
    """S16[m] distinct keys of texts by whichever rules they may have been normalised."""
    found = [_found(normalise_texts(texts, version)) for version in NORMALISERS]
    return np.unique(np.concatenate([keys[present] for keys, present in found]))


def _without(lake: Lake, keys: Keys, table: str, days: Iterable[date]) -> Keys:
    """Those of S16[n] distinct keys that no text of some days has."""
    for found in _stored_keys(lake, table, days) if len(keys) else ():
        keys = np.setdiff1d(keys, found)
    return keys


def _stored_keys(lake: Lake, table: str, days: Iterable[date]) -> Iterator[Keys]:
    """Keys of the texts of some days, a part at a time."""
    column = TEXTS[table]
    for _, batch in stream(lake, table, days, [column]):
        yield keys_of(pc.unique(batch[column]))
