"""Vectors of texts by the texts' keys, kept for good: what was encoded once is never encoded again.

Here: looking up, adding, joining small files, dropping keys. Not here: how a vector is made (`sm_assets.analysis`).

Layout: lake/_embeddings/<embedder_id>/manifest.json (what decides a vector, in words), and a folder for each first
hexadecimal digit of a key with Parquet files <number>-<digest>.parquet, sorted by key. A file is written aside, brought
to disk and renamed, and never changes. Numbers only grow, so that of two files that hold a key the first by name is the
one that came first: its vector is the vector, for good. A file that cannot be read, or is of another width, is renamed
to *.bad, and its texts are encoded again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from sm_assets.errors import StorageError, VectorCacheError
from sm_assets.storage.lake import Lake
from sm_assets.storage.vector_rows import Keys, Shard, VectorRows, file_digest, key_column, places_of, vector_schema

FOLDER: Final = ("lake", "_embeddings")
FLUSH_TEXTS, FLUSH_SECONDS = 20_000, 60.0
MAX_FILES = 64
_SHARDS: Final = "0123456789abcdef"
_ROW_GROUP: Final = 1_024
_AT_ONCE: Final = 32_768
_ATTEMPTS: Final = 3


class VectorCache:
    """The vectors of one embedder. Several processes may use it at once.

    Args:
        lake: where it lies.
        embedder_id: name of its folder.
        width: numbers of a vector.
        about: what decides a vector, for the manifest.

    Raises:
        VectorCacheError: the folder holds vectors of another width or embedder.

    Attributes:
        bad_files: files that could not be read and were set aside.
        about: what decides a vector.
    """

    def __init__(self, lake: Lake, embedder_id: str, width: int, about: Mapping[str, Any]) -> None:
        self.bad_files = 0
        self.width, self.about = width, dict(about)
        self._lake, self._parts = lake, (*FOLDER, embedder_id)
        self.path = lake.path(*self._parts)
        self._shards: dict[str, Shard] = {}
        self._pending: list[VectorRows] = []
        self._flushed = time.monotonic()
        self._about = {"width": width, "key": "BLAKE2b-128 of the normalised text", "embedder": self.about}
        told = lake.read_json(*self._parts, "manifest.json")
        if told is not None and told != self._about:
            raise VectorCacheError(
                f"{self.path} holds vectors of {told}; expected {self._about}. Move the folder away: its "
                "texts are then encoded again."
            )
        self._is_new = told is None

    # --------------------------------------------------------------- looking up

    def known(self, keys: Keys) -> npt.NDArray[np.bool_]:
        """bool[n]: which of S16[n] keys have a vector that is on disk."""
        found = np.zeros(len(keys), dtype=bool)
        for shard, places in self._by_shard(keys):
            found[places] = places_of(self._shard(shard).keys, keys[places])[1]
        return found

    def fetch(self, keys: Keys, out: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """Copy the vectors of keys, which are flushed.

        Args:
            keys: S16[n].
            out: float32[n, width], in memory or mapped; written.

        Returns:
            int32[n] word pieces read, bool[n] truncated.

        Raises:
            VectorCacheError: a key is not there.
        """
        n_tokens = np.zeros(len(keys), dtype=np.int32)
        truncated = np.zeros(len(keys), dtype=bool)
        for shard, places in self._by_shard(keys):
            for at, rows in self._read(shard, keys[places]):
                to = places[at]
                out[to], n_tokens[to], truncated[to] = rows.vectors, rows.n_tokens, rows.truncated
        return n_tokens, truncated

    def _by_shard(self, keys: Keys) -> Iterator[tuple[str, npt.NDArray[np.intp]]]:
        digits = (
            np.ascontiguousarray(keys).view(np.uint8).reshape(-1, 16)[:, 0] >> 4
            if len(keys)
            else np.empty(0, dtype=np.uint8)
        )
        order = np.argsort(digits, kind="stable")
        ends = np.cumsum(np.bincount(digits, minlength=16))
        for shard, start, end in zip(_SHARDS, [0, *ends], ends, strict=False):
            if end > start:
                yield shard, order[start:end]

    def _read(self, name: str, keys: Keys) -> Iterator[tuple[npt.NDArray[np.intp], VectorRows]]:
        """(places in `keys`, their rows), a row group at a time."""
        left = np.arange(len(keys))
        for _ in range(_ATTEMPTS):
            shard = self._shard(name)
            at, there = places_of(shard.keys, keys[left])
            if not there.all():
                break
            got = np.zeros(len(left), dtype=bool)
            for number in np.unique(shard.file[at]):
                of_file = np.flatnonzero(shard.file[at] == number)
                for rows, found in self._read_file(name, shard, int(number), shard.row[at[of_file]]):
                    got[of_file[rows]] = True
                    yield left[of_file[rows]], found
            left = left[~got]
            if not len(left):
                return
            # Another process joined files or dropped keys since the shard was looked at: its files are gone.
            self._shards.pop(name, None)
        raise VectorCacheError(
            f"{self._folder(name)} lacks {len(left)} vectors, or they were removed while they were read. Materialise "
            "again: their texts are encoded again."
        )

    def _read_file(
        self, name: str, shard: Shard, number: int, rows: npt.NDArray[np.int32]
    ) -> Iterator[tuple[npt.NDArray[np.intp], VectorRows]]:
        """(places in `rows`, what stands there), a row group at a time; nothing where the file is gone or broken."""
        path, starts = f"{self._folder(name)}/{shard.files[number]}", shard.starts[number]
        groups = np.searchsorted(starts, rows, side="right") - 1
        try:
            with self._opened(path) as file:
                for group in np.unique(groups):
                    mine = np.flatnonzero(groups == group)
                    found = VectorRows.of(file.read_row_group(int(group), use_threads=False))
                    yield mine, found.take((rows[mine] - starts[group]).astype(np.intp))
        except FileNotFoundError:
            return
        except (pa.ArrowException, OSError) as error:
            self._set_aside(path, error)

    # --------------------------------------------------------------- adding

    def add(
        self,
        keys: Keys,
        vectors: npt.NDArray[np.float32],
        n_tokens: npt.NDArray[np.int32],
        truncated: npt.NDArray[np.bool_],
    ) -> None:
        """Keep vectors: S16[n], float32[n, width], int32[n], bool[n]. On disk after 20,000 texts or a minute at most.

        Raises:
            VectorCacheError: the folder cannot be written.
        """
        self._pending.append(VectorRows(keys, n_tokens, truncated, vectors))
        waiting = sum(len(rows.keys) for rows in self._pending)
        if waiting >= FLUSH_TEXTS or time.monotonic() - self._flushed >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Bring all that was added to disk.

        Raises:
            VectorCacheError: the folder cannot be written.
        """
        self._flushed = time.monotonic()
        if not self._pending:
            return
        held = self._pending
        rows = VectorRows(
            np.concatenate([part.keys for part in held]),
            np.concatenate([part.n_tokens for part in held]),
            np.concatenate([part.truncated for part in held]),
            np.concatenate([part.vectors for part in held]),
        )
        with self._writing("Make room or give this user the right to write there; what was flushed stays.") as folder:
            if self._is_new:
                self._lake.write_json(self._about, *self._parts, "manifest.json")
                self._is_new = False
            for name, places in self._by_shard(rows.keys):
                part = rows.take(places)
                _, first = np.unique(part.keys, return_index=True)
                files = self._files(name)
                number = 1 + max((int(file.split("-")[0]) for file in files), default=0)
                self._write(folder, name, number, iter([part.take(first)]))
                if len(files) >= MAX_FILES:
                    self._compact(folder, name)
                self._shards.pop(name, None)
        self._pending = []

    def _write(self, folder: Path, name: str, number: int, parts: Iterator[VectorRows]) -> str:
        """A new file of sorted rows, staged in `folder`; its name."""
        staged = folder / "part.parquet"
        with staged.open("wb") as sink:
            # Keys and vectors do not get smaller: nothing is compressed, nothing gets a dictionary.
            with pq.ParquetWriter(
                sink, vector_schema(self.width), compression="none", use_dictionary=False, write_statistics=["key"]
            ) as writer:
                for rows in parts:
                    writer.write_table(rows.table(), row_group_size=_ROW_GROUP)
            sink.flush()
            os.fsync(sink.fileno())
        file = f"{number:08d}-{file_digest(staged)}.parquet"
        self._lake.replace(staged, f"{self._folder(name)}/{file}")
        return file

    def _compact(self, folder: Path, name: str) -> None:
        """Join the files of a shard into one, under the number of the first: it wins, as they did."""
        self._shards.pop(name, None)
        shard = self._shard(name)
        self._rewrite(folder, name, shard.files, shard.keys)
        self._shards.pop(name, None)

    def _rewrite(self, folder: Path, name: str, files: list[str], keys: Keys) -> None:
        """One file of `keys`, which are sorted, instead of `files`."""

        def parts() -> Iterator[VectorRows]:
            for start in range(0, len(keys), _AT_ONCE):
                wanted = keys[start : start + _AT_ONCE]
                rows = VectorRows(
                    wanted,
                    np.empty(len(wanted), dtype=np.int32),
                    np.empty(len(wanted), dtype=bool),
                    np.empty((len(wanted), self.width), dtype=np.float32),
                )
                for places, found in self._read(name, wanted):
                    rows.n_tokens[places], rows.truncated[places] = found.n_tokens, found.truncated
                    rows.vectors[places] = found.vectors
                yield rows

        made = self._write(folder, name, int(files[0].split("-")[0]), parts()) if len(keys) else None
        for file in files:
            if file != made:
                self._lake.fs.rm(f"{self._folder(name)}/{file}")

    # --------------------------------------------------------------- dropping

    def drop(self, keys: Keys) -> int:
        """Remove keys for good, from every file; how many were there. Files that were set aside go, too.

        Raises:
            VectorCacheError: the folder cannot be written.
        """
        dropped = 0
        wanted = np.unique(keys)
        with self._writing("Vectors of withdrawn texts must leave it: give this user the right to write.") as folder:
            for name, places in self._by_shard(wanted):
                self._shards.pop(name, None)
                shard = self._shard(name)
                stays = ~places_of(wanted[places], shard.keys)[1]
                # All files become one: a key may lie in several.
                if not stays.all():
                    self._rewrite(folder, name, shard.files, shard.keys[stays])
                for path in self._listed(name, ".bad"):
                    self._lake.fs.rm(f"{self._folder(name)}/{path}")
                self._shards.pop(name, None)
                dropped += int((~stays).sum())
        return dropped

    # --------------------------------------------------------------- files

    def _folder(self, shard: str) -> str:
        return f"{self.path}/{shard}"

    def _listed(self, shard: str, ending: str) -> list[str]:
        folder = self._folder(shard)
        if not self._lake.fs.isdir(folder):
            return []
        paths = self._lake.fs.ls(folder, detail=False, refresh=True)
        return sorted(name for path in paths if (name := str(path).rsplit("/", 1)[-1]).endswith(ending))

    def _files(self, shard: str) -> list[str]:
        return self._listed(shard, ".parquet")

    def _shard(self, name: str) -> Shard:
        """What a shard holds, read once until it is written to."""
        if name not in self._shards:
            files, starts, keys = [], [], []
            for file in self._files(name):
                found = self._key_column(f"{self._folder(name)}/{file}")
                if found is not None:
                    files.append(file)
                    starts.append(found[0])
                    keys.append(found[1])
            joined = np.concatenate([np.empty(0, dtype="S16"), *keys])
            # The first of equal keys is the one in the first file.
            distinct, first = np.unique(joined, return_index=True)
            lengths = [len(part) for part in keys]
            numbers = np.repeat(np.arange(len(keys), dtype=np.int32), lengths)
            rows = np.concatenate([np.empty(0, np.int32), *(np.arange(n, dtype=np.int32) for n in lengths)])
            self._shards[name] = Shard(files, starts, distinct, numbers[first], rows[first])
        return self._shards[name]

    def _key_column(self, path: str) -> tuple[npt.NDArray[np.int64], Keys] | None:
        """(first rows of the row groups, keys) of a file; None: it is gone, or was set aside."""
        try:
            with self._opened(path) as file:
                if not file.schema_arrow.equals(vector_schema(self.width)):
                    found = ", ".join(f"{item.name} {item.type}" for item in file.schema_arrow)
                    self._set_aside(path, VectorCacheError(f"it has {found}"))
                    return None
                sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
                return np.cumsum([0, *sizes])[:-1], key_column(file.read(columns=["key"], use_threads=False)["key"])
        except FileNotFoundError:
            return None
        except (pa.ArrowException, OSError) as error:
            self._set_aside(path, error)
            return None

    def _set_aside(self, path: str, error: Exception) -> None:
        self.bad_files += 1
        try:
            self._lake.fs.mv(path, path.removesuffix(".parquet") + ".bad")
        except FileNotFoundError:
            return
        except OSError as refused:
            raise VectorCacheError(
                f"{path} cannot be used ({error}) and cannot be set aside ({refused}). Move it away by hand."
            ) from error

    @contextmanager
    def _opened(self, path: str) -> Iterator[pq.ParquetFile]:
        # A path is read without Python in between.
        with (
            nullcontext(path) if self._lake.is_local else self._lake.fs.open(path, "rb") as source,
            pq.ParquetFile(source) as file,
        ):
            yield file

    @contextmanager
    def _writing(self, remedy: str) -> Iterator[Path]:
        """One process at a time writes; a folder for what is not finished.

        Object stores have no such lock: there names differ by their digests.
        """
        try:
            with self._lake.locked(f"vectors-{self._parts[-1]}"), self._lake.workspace("vectors") as folder:
                yield folder
        except (OSError, StorageError) as error:
            raise VectorCacheError(f"{self.path} cannot be written: {error.__cause__ or error}. {remedy}") from error


def stored_cache(lake: Lake, embedder_id: str) -> VectorCache | None:
    """The cache of an embedder that need not be loaded; None: it has none."""
    told = lake.read_json(*FOLDER, embedder_id, "manifest.json")
    return None if told is None else VectorCache(lake, embedder_id, told["width"], told["embedder"])


def drop_vectors(lake: Lake, keys: Keys) -> int:
    """Remove the keys of texts that are gone from the caches of all embedders; how many vectors went.

    Raises:
        VectorCacheError: a cache cannot be written.
    """
    root = lake.path(*FOLDER)
    dropped = 0
    for path in sorted(lake.fs.ls(root, detail=False, refresh=True)) if len(keys) and lake.fs.isdir(root) else ():
        cache = stored_cache(lake, str(path).rstrip("/").rsplit("/", 1)[-1])
        if cache is not None:
            dropped += cache.drop(keys)
    return dropped
