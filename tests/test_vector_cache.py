"""The cache of vectors: what went in comes out, whoever writes, whatever breaks."""

from __future__ import annotations

import errno
import json
import multiprocessing
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sm_assets.errors import VectorCacheError
from sm_assets.settings import Settings
from sm_assets.storage import Lake, VectorCache, drop_vectors, vector_cache
from sm_assets.storage.vector_rows import vector_schema

WIDTH = 6
ABOUT = {"uri": "dir:test"}
ID = "0123456789abcdef"


def keys_of(numbers: Any) -> np.ndarray:
    """S16 keys that are spread like digests; number 0 has a key of zeros at its end."""
    found = [np.random.default_rng(int(n)).bytes(16) if n else b"\x01" * 12 + b"\0" * 4 for n in numbers]
    return np.array(found, dtype="S16").reshape(len(found))


def vectors_of(numbers: Any, shift: float = 0.0) -> np.ndarray:
    return (
        np.asarray(list(numbers), dtype=np.float32)[:, None] + np.arange(WIDTH, dtype=np.float32) / 8 + shift
    ).astype(np.float32)


def opened(lake: Lake, **changes: Any) -> VectorCache:
    return VectorCache(lake, **({"embedder_id": ID, "width": WIDTH, "about": ABOUT} | changes))


def put(cache: VectorCache, numbers: Any, shift: float = 0.0) -> None:
    numbers = np.asarray(list(numbers))
    tokens, cut = (numbers % 7 + 1).astype(np.int32), numbers % 3 == 0
    cache.add(keys_of(numbers), vectors_of(numbers, shift), tokens, cut)
    cache.flush()


def get(cache: VectorCache, numbers: Any) -> np.ndarray:
    numbers = np.asarray(list(numbers))
    out = np.full((len(numbers), WIDTH), np.nan, dtype=np.float32)
    n_tokens, truncated = cache.fetch(keys_of(numbers), out)
    assert n_tokens.tolist() == (numbers % 7 + 1).tolist()
    assert truncated.tolist() == (numbers % 3 == 0).tolist()
    return out


def files(lake: Lake, pattern: str = "*.parquet") -> list[Path]:
    return sorted(Path(lake.path("lake", "_embeddings", ID)).rglob(pattern))


# ------------------------------------------------------------------ in and out


def test_what_went_in_comes_out_in_any_order(lake: Lake) -> None:
    cache = opened(lake)
    put(cache, range(3000))
    put(cache, range(2500, 4000), shift=0.5)
    numbers = np.random.default_rng(1).permutation(5000)
    for reader in (cache, opened(lake)):
        known = reader.known(keys_of(numbers))
        assert np.array_equal(known, numbers < 4000)
        there = numbers[known]
        # The vector that came first stays.
        assert np.array_equal(get(reader, there), vectors_of(there) + np.where(there < 3000, 0, 0.5)[:, None])
    assert len(list(Path(cache.path).glob("[0-9a-f]"))) == 16


def test_nothing_is_known_and_nothing_written_before_something_is_added(lake: Lake) -> None:
    cache = opened(lake)
    assert not cache.known(keys_of(range(5))).any()
    assert cache.known(keys_of([])).shape == (0,)
    cache.flush()
    assert not Path(cache.path).exists()
    with pytest.raises(VectorCacheError, match=r"lacks [1-5] vectors"):
        get(cache, range(5))


def test_keys_that_end_in_zeros_are_keys(lake: Lake) -> None:
    cache = opened(lake)
    put(cache, [0, 1, 2])
    assert np.array_equal(get(opened(lake), [2, 0]), vectors_of([2, 0]))


@hypothesis_settings(max_examples=8, deadline=None)
@given(st.lists(st.lists(st.integers(0, 60), max_size=30), max_size=8))
def test_the_first_flush_wins_however_they_follow(flushes: list[list[int]]) -> None:
    folder = Path(pytest.importorskip("tempfile").mkdtemp())
    try:
        lake = Lake(Settings(data_root=str(folder), profile="tiny"))
        expected: dict[int, float] = {}
        for shift, numbers in enumerate(flushes):
            put(opened(lake), numbers, shift=shift)
            expected = {number: float(shift) for number in numbers} | expected
        cache = opened(lake)
        assert np.array_equal(cache.known(keys_of(range(61))), [number in expected for number in range(61)])
        listed = list(expected)
        assert np.array_equal(get(cache, listed), vectors_of(listed) + np.array(list(expected.values()))[:, None]) or (
            not listed
        )
    finally:
        shutil.rmtree(folder)


def test_memory_mapped_targets_are_written(lake: Lake, tmp_path: Path) -> None:
    put(opened(lake), range(100))
    out = np.memmap(tmp_path / "vectors", dtype=np.float32, mode="w+", shape=(100, WIDTH))
    opened(lake).fetch(keys_of(range(100)), out)
    assert np.array_equal(out, vectors_of(range(100)))


def test_look_up_reads_hit_row_groups_only(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    put(opened(lake), range(40_000))
    cache = opened(lake)
    groups = sum(pq.read_metadata(path).num_row_groups for path in files(lake))
    assert groups >= 32
    read: list[int] = []
    real = pq.ParquetFile.read_row_group

    def counted(self: Any, group: int, **more: Any) -> pa.Table:
        read.append(group)
        return real(self, group, **more)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", counted)
    get(cache, [17, 4711])
    assert len(read) <= 2


def test_object_stores_hold_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(Settings(data_root="memory://vectors", profile="tiny"))
    monkeypatch.setattr(vector_cache, "MAX_FILES", 2)
    for shift in range(4):
        put(opened(lake), range(shift * 50, shift * 50 + 100), shift=shift)
    expected = vectors_of(range(250)) + np.maximum(0, np.arange(250) // 50 - 1)[:, None].astype(np.float32)
    assert np.array_equal(get(opened(lake), range(250)), expected)
    path = lake.fs.glob(f"{opened(lake).path}/*/*.parquet")[0]
    lake.fs.pipe_file(path, b"broken")
    cache = opened(lake)
    assert 0 < (~cache.known(keys_of(range(250)))).sum() < 100
    assert cache.bad_files == 1
    assert drop_vectors(lake, keys_of(range(250))) > 150
    assert not opened(lake).known(keys_of(range(250))).any()


# ------------------------------------------------------------------ flushing


def test_flushes_by_number_and_by_time(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(vector_cache.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(vector_cache, "FLUSH_TEXTS", 100)
    cache = opened(lake)

    def add(numbers: range) -> None:
        n = len(numbers)
        cache.add(keys_of(numbers), vectors_of(numbers), np.ones(n, dtype=np.int32), np.zeros(n, dtype=bool))

    add(range(99))
    assert not files(lake)
    add(range(99, 100))
    assert opened(lake).known(keys_of(range(100))).all()
    clock[0] = 59.0
    add(range(100, 101))
    assert not opened(lake).known(keys_of([100])).any()
    clock[0] = 60.0
    add(range(101, 102))
    assert opened(lake).known(keys_of([100, 101])).all()


def test_equal_flushes_give_equal_files(tmp_path: Path) -> None:
    found = []
    for order in (1, -1):
        lake = Lake(Settings(data_root=str(tmp_path / str(order)), profile="tiny"))
        put(opened(lake), list(range(500))[::order])
        found.append({path.name: path.read_bytes() for path in files(lake)})
    assert found[0] == found[1]
    assert len(found[0]) == 16


# ------------------------------------------------------------------ joining files


def test_many_files_become_one_and_the_first_still_wins(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_cache, "MAX_FILES", 4)
    monkeypatch.setattr(vector_cache, "_AT_ONCE", 50)
    expected = np.zeros(3000)
    for flush in range(8):
        numbers = np.random.default_rng(flush).integers(0, 3000, 400)
        put(opened(lake), numbers, shift=flush + 1)
        new = np.unique(numbers)
        expected[new] = np.where(expected[new] == 0, flush + 1, expected[new])
    per_shard = [len(list(folder.glob("*.parquet"))) for folder in Path(opened(lake).path).glob("[0-9a-f]")]
    assert max(per_shard) <= 4
    there = np.flatnonzero(expected)
    assert np.array_equal(get(opened(lake), there), vectors_of(there) + expected[there][:, None].astype(np.float32))


def test_a_reader_whose_files_were_joined_finds_them_again(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for start in range(0, 300, 100):
        put(opened(lake), range(start, start + 100))
    reader = opened(lake)
    assert reader.known(keys_of(range(300))).all()
    monkeypatch.setattr(vector_cache, "MAX_FILES", 1)
    put(opened(lake), range(300, 400))
    assert np.array_equal(get(reader, range(300)), vectors_of(range(300)))


def test_a_crash_between_joining_and_removing_changes_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for shift in range(3):
        put(opened(lake), range(shift * 50, shift * 50 + 200), shift=shift)
    numbers = range(300)
    before = get(opened(lake), numbers)
    monkeypatch.setattr(vector_cache, "MAX_FILES", 1)

    def crash(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(lake.fs, "rm", crash)
    with pytest.raises(KeyboardInterrupt):
        put(opened(lake), range(400, 600))
    monkeypatch.undo()
    assert np.array_equal(get(opened(lake), numbers), before)
    put(opened(lake), range(400, 600))
    assert np.array_equal(get(opened(lake), [*numbers, *range(400, 600)])[:300], before)


# ------------------------------------------------------------------ several writers


def write(root: str, shift: float) -> None:
    lake = Lake(Settings(data_root=root, profile="tiny"))
    for start in range(0, 200, 50):
        put(opened(lake), range(start, start + 100), shift=shift)


def test_two_writers_agree_on_one_vector_per_key(
    lake: Lake, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_cache, "MAX_FILES", 3)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write, args=(settings.data_root, shift)) for shift in (0.25, 0.75)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    found = get(opened(lake), range(250)) - vectors_of(range(250))
    assert set(np.unique(found)) <= {0.25, 0.75}
    assert (found == found[:, :1]).all()
    # And for good.
    put(opened(lake), range(250), shift=9)
    assert np.array_equal(get(opened(lake), range(250)) - vectors_of(range(250)), found)


def test_numbers_of_files_only_grow(lake: Lake) -> None:
    threads = [threading.Thread(target=put, args=(opened(lake), range(n * 100, n * 100 + 200))) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for folder in Path(opened(lake).path).glob("[0-9a-f]"):
        numbers = [int(path.name.split("-")[0]) for path in folder.glob("*.parquet")]
        assert sorted(numbers) == list(range(1, len(numbers) + 1))
    assert np.array_equal(get(opened(lake), range(700)), vectors_of(range(700)))


# ------------------------------------------------------------------ what breaks


@pytest.mark.parametrize("damage", ["footer", "empty", "width", "text"])
def test_a_bad_file_is_set_aside_and_its_texts_are_unknown(lake: Lake, damage: str) -> None:
    put(opened(lake), range(1000))
    put(opened(lake), range(1000, 1100))
    path = files(lake)[0]
    lost = {bytes(key.as_py()) for key in pq.read_table(path)["key"]}
    if damage == "width":
        pq.write_table(vector_schema(WIDTH + 1).empty_table(), path)
    else:
        path.write_bytes({"footer": path.read_bytes()[:-6], "empty": b"", "text": b"no parquet " * 50}[damage])
    cache = opened(lake)
    known = cache.known(keys_of(range(1100)))
    assert [key.ljust(16, b"\0") in lost for key in keys_of(range(1100))] == (~known).tolist()
    assert 0 < (~known).sum() < 100
    assert cache.bad_files == 1
    assert [bad.name for bad in files(lake, "*.bad")] == [path.with_suffix(".bad").name]
    put(cache, np.flatnonzero(~known))
    assert np.array_equal(get(opened(lake), range(1100)), vectors_of(range(1100)))
    assert opened(lake).bad_files == 0


def test_a_file_that_breaks_inside_is_set_aside_when_it_is_read(lake: Lake) -> None:
    put(opened(lake), range(1000))
    path = files(lake)[0]
    cache = opened(lake)
    assert cache.known(keys_of(range(1000))).all()
    path.write_bytes(b"PAR1" + b"\xff" * 400 + path.read_bytes()[404:])
    with pytest.raises(VectorCacheError, match="Materialise again"):
        get(cache, range(1000))
    again = opened(lake)
    put(again, np.flatnonzero(~again.known(keys_of(range(1000)))))
    assert np.array_equal(get(again, range(1000)), vectors_of(range(1000)))


def test_a_folder_of_another_width_or_embedder_is_refused(lake: Lake) -> None:
    put(opened(lake), range(10))
    for changes in ({"width": WIDTH + 1}, {"about": {"uri": "dir:other"}}):
        with pytest.raises(VectorCacheError, match=f"{ID} holds vectors of .*Move the folder away"):
            opened(lake, **changes)
    told = json.loads((Path(opened(lake).path) / "manifest.json").read_text())
    assert told["embedder"] == ABOUT


def test_what_is_there_is_read_where_nothing_can_be_written(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    put(opened(lake), range(100))
    before = {path: path.read_bytes() for path in files(lake)}

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(vector_cache.os, "open", refuse)
    monkeypatch.setattr(lake, "replace", refuse)
    cache = opened(lake)
    assert np.array_equal(get(cache, range(100)), vectors_of(range(100)))
    with pytest.raises(VectorCacheError, match=f"{ID} cannot be written: .*Read-only file system"):
        put(cache, range(100, 110))
    with pytest.raises(VectorCacheError, match="withdrawn texts must leave it"):
        cache.drop(keys_of(range(5)))
    assert {path: path.read_bytes() for path in files(lake)} == before


def test_a_full_disk_loses_nothing_that_was_flushed(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    put(opened(lake), range(100))
    real = vector_cache.os.fsync

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    cache = opened(lake)
    monkeypatch.setattr(vector_cache.os, "fsync", full)
    with pytest.raises(VectorCacheError, match="No space left"):
        put(cache, range(100, 200))
    monkeypatch.setattr(vector_cache.os, "fsync", real)
    assert opened(lake).known(keys_of(range(100))).all()
    # The same object goes on where it stopped.
    cache.flush()
    assert np.array_equal(get(opened(lake), range(200)), vectors_of(range(200)))


# ------------------------------------------------------------------ dropping


def test_dropped_keys_are_in_no_file_of_any_embedder(lake: Lake) -> None:
    for other in (ID, "f" * 16):
        cache = opened(lake, embedder_id=other)
        put(cache, range(2000))
        put(cache, range(1000, 2500), shift=1)
    gone = np.array([5, 1200, 2400, 77777])
    shard = Path(opened(lake).path) / bytes(keys_of([5])[0]).hex()[0]
    (shard / "00000009-dead.bad").write_bytes(keys_of([5])[0])
    reader = opened(lake)
    assert reader.known(keys_of(range(2500))).all()
    assert drop_vectors(lake, keys_of(gone)) == 2 * 3
    for path in Path(lake.root).rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [number for number in gone if bytes(keys_of([number])[0]) in content], path
    rest = np.setdiff1d(np.arange(2500), gone)
    expected = vectors_of(rest) + (rest >= 2000)[:, None].astype(np.float32)
    for other in (ID, "f" * 16):
        assert np.array_equal(get(opened(lake, embedder_id=other), rest), expected)
    # One who looked before does not mistake other rows for those that moved.
    assert np.array_equal(get(reader, rest), expected)
    with pytest.raises(VectorCacheError, match="lacks 1 vectors"):
        get(reader, [5])
    assert drop_vectors(lake, keys_of(gone)) == 0


def test_a_whole_shard_can_go(lake: Lake) -> None:
    put(opened(lake), range(20))
    assert opened(lake).drop(keys_of(range(20))) == 20
    assert not files(lake)
    put(opened(lake), range(20), shift=2)
    assert np.array_equal(get(opened(lake), range(20)), vectors_of(range(20), 2))
