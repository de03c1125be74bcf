"""Vectors for the posts of a run: which texts there are, which of them must be encoded, and the rows they become.

Here: texts on their way to the model and vectors on their way to the table, in bounded memory. Not here: the model and
the order of texts (`sm_assets.analysis`), the cache (`storage.vector_cache`), the asset (`assets.post_embeddings`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sm_assets.analysis.embedder import Embedder
from sm_assets.analysis.encoding import WINDOW, Encoder, Progress
from sm_assets.analysis.language import UNDETERMINED
from sm_assets.analysis.text_normaliser import KEY, key_bytes, normalise_texts, text_digests
from sm_assets.contracts import TABLES
from sm_assets.defs.text_vectors import POSTS, unused
from sm_assets.kernels.digests import ABSENT, DigestInterner, digest_hex
from sm_assets.storage import DayFile, Lake, VectorCache, abandoned_notes, drop_vectors, forget_notes, stream
from sm_assets.storage.vector_rows import Keys, key_column

TABLE: Final = POSTS
_TEXTS: Final = pa.schema([("text", pa.string()), ("key", KEY)])
_POSTS: Final = pa.schema(
    [
        ("platform", pa.string()),
        ("post_id", pa.string()),
        ("account_id", pa.string()),
        ("number", pa.int32()),
        ("day", pa.date32()),
    ]
)
# Rows wait on disk in groups; vectors of 32 groups, a million, are laid out together: the cache is read once for them.
_ROW_GROUP, _GROUPS, _BATCH = 32_768, 32, 16_384
_FOREIGN_SHARE: Final = 0.1


class PostVectors:
    """The vectors of a run: `collect` all posts, then `encode`, then `batches`.

    Args:
        lake: where the cache lies.
        embedder: turns texts into vectors.
        folder: private to the run.
        token_budget: most word pieces of a batch; None: what suits the device.
    """

    def __init__(self, lake: Lake, embedder: Embedder, folder: Path, token_budget: int | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self._lake, self._embedder, self._folder = lake, embedder, folder
        self._cache = VectorCache(lake, embedder.spec.embedder_id, embedder.width, embedder.spec.told())
        self._encoder = Encoder(embedder, budget=token_budget)
        self._interner = DigestInterner()
        self._texts = DayFile(folder / "texts.parquet", _TEXTS, use_dictionary=False, row_group=WINDOW)
        self._posts = DayFile(folder / "posts.parquet", _POSTS, use_dictionary=["platform"], row_group=_ROW_GROUP)
        self._foreign = self._cut = 0
        self.told: dict[str, Any] = {}
        """What people see of the run on the page of the table; complete when the rows have been read."""

    def collect(self, posts: pa.RecordBatch) -> None:
        """Take posts: platform, post_id, account_id, text, lang, day, is_wanted; in the order of the table."""
        wanted = posts["is_wanted"]
        texts = normalise_texts(pc.if_else(wanted, posts["text"], None), self._embedder.spec.normaliser)
        digests, present = text_digests(texts)
        size = len(self._interner)
        numbers = self._interner.intern(digests, present)
        there = present != ABSENT
        other = posts.num_rows - (wanted.true_count or 0)
        self.counts["rows_in"] += posts.num_rows
        self.counts["dropped/other_language"] += other
        self.counts["dropped/no_text"] += posts.num_rows - other - int(there.sum())
        if self._embedder.languages:
            known = pc.is_in(posts["lang"], value_set=pa.array([*self._embedder.languages, UNDETERMINED]))
            self._foreign += int((there & ~known.to_numpy(zero_copy_only=False)).sum())
        first = _first_of_each(numbers, size)
        keys = key_bytes(digests[first])
        new = first[~self._cache.known(keys)]
        fixed = pa.FixedSizeBinaryArray.from_buffers(KEY, len(new), [None, pa.py_buffer(digests[new].tobytes())])
        self._texts.add(pa.RecordBatch.from_arrays([texts.take(pa.array(new)), fixed], schema=_TEXTS))
        columns = [*(posts[name] for name in _POSTS.names[:3]), pa.array(numbers), posts["day"]]
        self._posts.add(pa.RecordBatch.from_arrays(columns, schema=_POSTS).filter(pa.array(there)))

    def encode(self, note: Callable[[Keys], None], progress: Callable[[Progress], None] | None = None) -> None:
        """Encode the texts that have no vector yet; those that are done stay done if the run is killed.

        Args:
            note: takes the keys of these texts before the first is encoded.
            progress: takes how far it is.

        Raises:
            EmbedderError: a text cannot be encoded, or the cache cannot be written.
        """
        self._texts.close()
        self._posts.close()
        note(_keys_in(self._folder / "texts.parquet"))
        self._encoder.expect(self._texts.rows, len(self._interner) - self._texts.rows, progress)
        with pq.ParquetFile(self._folder / "texts.parquet") as file:
            for group in range(file.num_row_groups):
                window = file.read_row_group(group, use_threads=False).combine_chunks()
                keys = np.array(window["key"].to_pylist(), dtype="S16")
                for found in self._encoder.encode(window["text"].to_pylist(), keys):
                    self._cache.add(keys[found.rows], found.vectors, found.n_tokens, found.truncated)
        self._cache.flush()
        self._tell()

    def drop_stale(self, days: Sequence[date]) -> None:
        """Drop from all caches what only the rows that are about to be replaced used.

        Such texts were withdrawn or edited; one that a tag or a biography reads as keeps its vector. It is done before
        the days are published: after a crash in between the old rows still tell what must go. What runs that died have
        stored goes, too, unless rows use it by now.

        Args:
            days: days that will be replaced.
        """
        used = _texts_of(digest_hex(self._interner.digests()))
        notes = abandoned_notes(self._lake)
        left = [_hex(keys) for keys in notes.values()]
        stale = np.setdiff1d(np.concatenate([_text_keys(self._lake, self._lake.ref(TABLE, days).days), *left]), used)
        if len(stale):
            others = [day for day in self._lake.days(TABLE) if day not in set(days)]
            for _, batch in stream(self._lake, TABLE, others, ["text_key"]):
                stale = np.setdiff1d(stale, _texts_of(batch["text_key"]))
        keys: Keys = np.frombuffer(bytes.fromhex(stale.tobytes().decode()), dtype="S16")
        dropped = drop_vectors(self._lake, unused(self._lake, keys, TABLE))
        forget_notes(self._lake, notes)
        if dropped:
            self.told["dropped_from_cache"] = dropped

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows of the table, in its order."""
        with pq.ParquetFile(self._folder / "posts.parquet") as file:
            for number in range(0, file.num_row_groups, _GROUPS):
                groups = list(range(number, min(number + _GROUPS, file.num_row_groups)))
                places = file.read_row_groups(groups, columns=["number"])["number"].to_numpy()
                distinct = np.unique(places)
                path = self._folder / f"vectors-{number}"
                vectors: npt.NDArray[np.float32] = np.memmap(
                    path, dtype=np.float32, mode="w+", shape=(len(distinct), self._embedder.width)
                )
                digests = self._interner.digests()[distinct]
                told = self._cache.fetch(key_bytes(digests), vectors)
                for group in groups:
                    posts = file.read_row_group(group).combine_chunks()
                    for rows in posts.to_batches(_BATCH):
                        at = np.searchsorted(distinct, rows["number"].to_numpy())
                        self._cut += int(told[1][at].sum())
                        yield self._rows(rows, digests[at], told[0][at], told[1][at], vectors[at])
                del vectors
                path.unlink()
        self.told["truncated_share"] = self._cut / max(1, self._posts.rows)

    def _rows(
        self,
        posts: pa.RecordBatch,
        digests: npt.NDArray[np.uint64],
        n_tokens: npt.NDArray[np.int32],
        truncated: npt.NDArray[np.bool_],
        vectors: npt.NDArray[np.float32],
    ) -> pa.RecordBatch:
        offsets = np.arange(len(vectors) + 1, dtype=np.int32) * self._embedder.width
        embedder_id = pa.repeat(self._embedder.spec.embedder_id, len(vectors))
        columns = {
            **{name: posts[name] for name in ("platform", "post_id", "account_id", "day")},
            "text_key": digest_hex(digests),
            "embedder_id": embedder_id,
            "n_tokens": pa.array(n_tokens, pa.int64()),
            "truncated": pa.array(truncated),
            "embedding": pa.ListArray.from_arrays(pa.array(offsets), pa.array(vectors.reshape(-1))),
        }
        schema = TABLES[TABLE].plain_schema
        return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)

    def _tell(self) -> None:
        encoder, spec = self._encoder, self._embedder.spec
        texts, unique = self._posts.rows, len(self._interner)
        self.told |= {
            "texts": texts,
            "unique": unique,
            "hits": unique - self._texts.rows,
            "encoded": encoder.done,
            "no_text": self.counts["dropped/no_text"],
            "seconds": round(encoder.seconds, 3),
            "texts_per_second": round(encoder.done / max(encoder.seconds, 1e-9), 1),
            "device": self._embedder.device,
            "dtype": spec.dtype,
            "token_budget": encoder.budget,
            "embedder": spec.uri,
            "embedder_id": spec.embedder_id,
        }
        if self._cache.bad_files:
            self.told["bad_cache_files"] = self._cache.bad_files
        if self._foreign > _FOREIGN_SHARE * max(1, texts):
            self.told["notices"] = (
                f"embedder_language: {self._foreign / texts:.0%} of the texts are in languages that {spec.uri} does "
                f"not know; it knows {', '.join(self._embedder.languages)}. Leave them out (config `languages`) or "
                "take a model of many languages (docs/embeddings.md)."
            )


def _first_of_each(numbers: npt.NDArray[np.int32], size: int) -> npt.NDArray[np.intp]:
    """Places at which numbers from `size` on occur first."""
    found = np.flatnonzero(numbers >= size)
    _, first = np.unique(numbers[found], return_index=True)
    return found[first]


def _keys_in(path: Path) -> Keys:
    """S16[n] keys of a file of texts."""
    return key_column(pq.read_table(path, columns=["key"], use_threads=False)["key"])


def _hex(keys: Keys) -> npt.NDArray[np.bytes_]:
    """S32[n] hexadecimal digits of S16[n] keys."""
    return _texts_of(digest_hex(np.ascontiguousarray(keys).view(np.uint64).reshape(-1, 2)))


def _text_keys(lake: Lake, days: Iterable[date]) -> npt.NDArray[np.bytes_]:
    """S32[n] hexadecimal keys of all rows of some days."""
    parts = [_texts_of(batch["text_key"]) for _, batch in stream(lake, TABLE, days, ["text_key"])]
    return np.unique(np.concatenate([np.empty(0, dtype="S32"), *parts]))


def _texts_of(column: pa.Array) -> npt.NDArray[np.bytes_]:
    """S32[n] of texts of 32 digits."""
    if not len(column):
        return np.empty(0, dtype="S32")
    _, offsets, digits = column.buffers()
    start = int(np.frombuffer(offsets, dtype=np.int32)[column.offset])
    return np.frombuffer(digits, dtype="S32", count=len(column), offset=start)
