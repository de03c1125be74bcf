"""Exchange with datasketch, tested against datasketch itself."""

from __future__ import annotations

import importlib

import numpy as np
import numpy.typing as npt
import pytest

from sm_assets.analysis import exchange
from sm_assets.analysis.banding import band_pairs
from sm_assets.analysis.exchange import build_lsh_index, from_datasketch, lsh_item, to_datasketch
from sm_assets.contracts.sketches import SketchSpec
from sm_assets.errors import OptionError, SketchInputError, SketchMismatchError
from sm_assets.kernels.sketch import EMPTY, sketch_csr

datasketch = pytest.importorskip("datasketch", "2.0", reason="the extra lsh (datasketch 2.0) is not installed")

AFFINE = SketchSpec(scheme="affine32", k=128, seed=1, element="identity", key="native/0")
FSS = SketchSpec(k=128)


def audiences(seed: int, m: int, *, below: int = 2**32) -> list[npt.NDArray[np.uint64]]:
    """m sets; each two neighbours 2i, 2i + 1 share most of their members."""
    rng = np.random.default_rng(seed)
    sets = []
    for _ in range(m // 2):
        common = rng.integers(0, below, 200, dtype=np.uint64)
        sets += [np.unique(np.concatenate([common, rng.integers(0, below, 50, dtype=np.uint64)])) for _ in range(2)]
    return sets


def sketched(spec: SketchSpec, sets: list[npt.NDArray[np.uint64]]) -> npt.NDArray[np.uint32]:
    indptr = np.cumsum([0, *map(len, sets)]).astype(np.int64)
    element = spec.element if spec.scheme == "affine32" else "identity"
    keys = np.concatenate(sets) if sets else np.zeros(0, dtype=np.uint64)
    return sketch_csr(keys, indptr, spec.k, scheme=spec.scheme, seed=spec.seed, element=element)


@pytest.mark.parametrize(("k", "seed"), [(1, 1), (16, 1), (128, 7), (300, 123456)])
def test_our_sketches_are_those_of_datasketch(k: int, seed: int) -> None:
    spec = SketchSpec(scheme="affine32", k=k, seed=seed, element="identity", key="native/0")
    sets = audiences(1, 10)
    for ours, members in zip(to_datasketch(spec, sketched(spec, sets)), sets, strict=True):
        theirs = datasketch.MinHash(num_perm=k, seed=seed, hashfunc=int, scheme="affine32")
        theirs.update_batch(members.tolist())
        assert ours == theirs
        assert ours.jaccard(theirs) == 1.0
        assert ours.hashvalues.dtype == np.uint32


def test_round_trip() -> None:
    for element, below in (("identity", 2**32), ("high32", 2**64 - 1)):
        spec = SketchSpec(scheme="affine32", k=64, seed=3, element=element, key="xxh64/0")
        signatures = sketched(spec, audiences(2, 8, below=below))
        made = to_datasketch(spec, signatures)
        back, registers = from_datasketch(made, key=spec.key)
        assert back == spec
        assert np.array_equal(registers, signatures)
        some = to_datasketch(spec, signatures, rows=[5, 0])
        assert np.array_equal(from_datasketch(some)[1], signatures[[5, 0]])
        assert from_datasketch(some)[0].key == "external/0"
        lean = [datasketch.LeanMinHash(one) for one in made]
        assert np.array_equal(from_datasketch(lean)[1], signatures)


@pytest.mark.parametrize(("element", "below"), [("identity", 2**32), ("high32", 2**64 - 1)])
def test_a_sketch_that_went_over_can_grow_and_come_back(element: str, below: int) -> None:
    spec = SketchSpec(scheme="affine32", k=32, seed=1, element=element, key="native/0")
    members = np.random.default_rng(4).integers(0, below, 30, dtype=np.uint64)
    half = sketched(spec, [members[:15]])
    whole = sketched(spec, [members])
    (grown,) = to_datasketch(spec, half)
    grown.update_batch(members[15:].tolist())
    assert not np.array_equal(half, whole)
    assert np.array_equal(from_datasketch([grown])[1], whole)
    assert np.array_equal(half, sketched(spec, [members[:15]])), "the given matrix must not change"


def test_an_empty_audience_goes_over_as_an_empty_minhash() -> None:
    (made,) = to_datasketch(AFFINE, np.full((1, 128), EMPTY, dtype=np.uint32))
    assert made.is_empty()


def test_fss_never_becomes_a_minhash() -> None:
    with pytest.raises(SketchMismatchError, match="fss/1/128/0"):
        to_datasketch(FSS, sketched(FSS, audiences(1, 2)))


@pytest.mark.parametrize("scheme", ["legacy", "affine64"])
def test_other_schemes_of_datasketch_are_refused_by_name(scheme: str) -> None:
    foreign = datasketch.MinHash(num_perm=128, scheme=scheme)
    with pytest.raises(SketchMismatchError, match=scheme):
        from_datasketch([foreign])
    with pytest.raises(SketchMismatchError, match=scheme):
        from_datasketch([datasketch.MinHash(num_perm=128), foreign])


def test_unlike_minhashes_are_refused() -> None:
    one = datasketch.MinHash(num_perm=16, seed=1)
    for other in (datasketch.MinHash(num_perm=16, seed=2), datasketch.MinHash(num_perm=32, seed=1)):
        with pytest.raises(SketchMismatchError, match="MinHash 1 is affine32"):
            from_datasketch([one, other])
    permutations = one.permutations.copy()
    permutations[1, 3] += 1
    own = datasketch.MinHash(num_perm=16, seed=1, permutations=permutations, scheme="affine32")
    with pytest.raises(SketchMismatchError, match="MinHash 1 has permutations of its own"):
        from_datasketch([one, own])
    with pytest.raises(SketchInputError):
        from_datasketch([])


@pytest.mark.parametrize("spec", [AFFINE, FSS], ids=["affine32", "fss"])
def test_the_index_finds_the_pairs_that_sorting_finds(spec: SketchSpec) -> None:
    signatures = sketched(spec, audiences(5, 60))
    index = build_lsh_index(spec, signatures, [f"a{row}" for row in range(60)], bands=32, rows_per_band=4)
    i, j, _ = band_pairs(signatures, 32, 4)
    expected = {row: {f"a{row}"} for row in range(60)}
    for first, second in zip(i.tolist(), j.tolist(), strict=True):
        expected[first].add(f"a{second}")
        expected[second].add(f"a{first}")
    for row in range(60):
        assert set(index.query(lsh_item(spec, signatures[row]))) == expected[row]
        assert f"a{row ^ 1}" in expected[row]


@pytest.mark.parametrize("spec", [AFFINE, FSS], ids=["affine32", "fss"])
def test_the_index_grows_and_shrinks(spec: SketchSpec) -> None:
    signatures = sketched(spec, audiences(6, 6))
    index = build_lsh_index(spec, signatures[:4], list("abcd"), bands=64, rows_per_band=2)
    index.insert("e", lsh_item(spec, signatures[4]))
    assert "e" in index.query(lsh_item(spec, signatures[5]))
    index.remove("e")
    assert "e" not in index.query(lsh_item(spec, signatures[5]))
    assert "e" not in index
    with pytest.raises(ValueError, match="already exists"):
        index.insert("a", lsh_item(spec, signatures[0]))


def test_an_affine32_index_takes_queries_of_datasketch() -> None:
    sets = audiences(7, 20)
    index = build_lsh_index(AFFINE, sketched(AFFINE, sets), list(range(20)), bands=42, rows_per_band=3)
    theirs = datasketch.MinHashLSH(num_perm=128, params=(42, 3))
    queries = []
    for number, members in enumerate(sets):
        query = datasketch.MinHash(num_perm=128, seed=1, hashfunc=int)
        query.update_batch(members.tolist())
        theirs.insert(number, query)
        queries.append(query)
    for query in queries:
        assert sorted(index.query(query)) == sorted(theirs.query(query))
        assert len(index.query(query)) >= 2


def test_an_index_refuses_what_has_another_scheme() -> None:
    sets = audiences(8, 4)
    of_fss = build_lsh_index(FSS, sketched(FSS, sets), list(range(4)), bands=64, rows_per_band=2)
    of_affine = build_lsh_index(AFFINE, sketched(AFFINE, sets), list(range(4)), bands=64, rows_per_band=2)
    other_seed = SketchSpec(k=128, seed=9)
    for index, foreign in (
        (of_fss, datasketch.MinHash(num_perm=128)),
        (of_fss, datasketch.MinHash(num_perm=128, scheme="legacy")),
        (of_fss, lsh_item(AFFINE, sketched(AFFINE, sets)[0])),
        (of_fss, lsh_item(other_seed, sketched(other_seed, sets)[0])),
        (of_affine, lsh_item(FSS, sketched(FSS, sets)[0])),
        (of_affine, datasketch.MinHash(num_perm=128, scheme="legacy")),
    ):
        with pytest.raises(ValueError, match="does not match scheme"):
            index.query(foreign)
        with pytest.raises(ValueError, match="does not match scheme"):
            index.insert("new", foreign)
        assert "new" not in index


def test_storage_of_datasketch_is_passed_on() -> None:
    signatures = sketched(FSS, audiences(9, 4))
    index = build_lsh_index(
        FSS, signatures, list("abcd"), bands=64, rows_per_band=2, storage_config={"type": "dict", "basename": b"ours"}
    )
    assert set(index.query(lsh_item(FSS, signatures[0]))) == {"a", "b"}
    with pytest.raises(ValueError, match="storage"):
        build_lsh_index(FSS, signatures, list("abcd"), bands=64, rows_per_band=2, storage_config={"type": "none such"})


def test_an_index_of_nobody() -> None:
    index = build_lsh_index(FSS, np.zeros((0, 128), dtype=np.uint32), [], bands=64, rows_per_band=2)
    signature = sketched(FSS, audiences(9, 2))[0]
    assert index.query(lsh_item(FSS, signature)) == []
    index.insert("a", lsh_item(FSS, signature))
    assert index.query(lsh_item(FSS, signature)) == ["a"]


def test_what_does_not_fit_is_refused() -> None:
    signatures = sketched(FSS, audiences(1, 4))
    empty = signatures.copy()
    empty[2] = EMPTY
    for ids, matrix, message in (
        (list("abc"), signatures, "4 names"),
        (list("abca"), signatures, "3 of them unlike"),
        (list("abcd"), empty, "Row 2 is EMPTY"),
        (list("abcd"), signatures[:, :64], r"must be uint32\[m, 128\]"),
        (list("abcd"), signatures.astype(np.int64), r"found int64"),
    ):
        with pytest.raises(SketchInputError, match=message):
            build_lsh_index(FSS, matrix, ids, bands=64, rows_per_band=2)
    for bands, rows in ((1, 2), (64, 0), (65, 2)):
        with pytest.raises(OptionError):
            build_lsh_index(FSS, signatures, list("abcd"), bands=bands, rows_per_band=rows)
    with pytest.raises(SketchInputError, match="Row 0 is EMPTY"):
        lsh_item(FSS, empty[2])
    for rows_asked in ([4], [-1]):
        with pytest.raises(SketchInputError, match="rows must be"):
            to_datasketch(AFFINE, signatures, rows=rows_asked)


def test_without_datasketch_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    signatures = sketched(AFFINE, audiences(1, 2))
    monkeypatch.setattr(exchange.metadata, "version", lambda _: "1.6.5")
    with pytest.raises(OptionError, match=r"found 1\.6\.5"):
        to_datasketch(AFFINE, signatures)

    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(exchange, "import_module", missing)
    with pytest.raises(OptionError, match=r'pip install "sm-assets\[lsh\]"'):
        to_datasketch(AFFINE, signatures)
    assert importlib.import_module("datasketch") is datasketch
