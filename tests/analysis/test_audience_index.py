"""The index over a small planted world: exact answers, recall, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from sm_assets.analysis.audience_index import AudienceIndex
from sm_assets.contracts.sketches import SketchSpec
from sm_assets.errors import OptionError, SketchInputError, SketchMismatchError
from sm_assets.kernels.sketch import sketch_csr

EMPTY = 0xFFFFFFFF
SPEC = SketchSpec()


@dataclass(frozen=True)
class World:
    """Eight topics of 150 influencers each: audiences from a window of their topic's users, some from everywhere."""

    audiences: list[npt.NDArray[np.uint64]]
    jaccard: npt.NDArray[np.float64]
    signatures: npt.NDArray[np.uint32]
    index: AudienceIndex

    def read(self, ids: Sequence[str]) -> list[npt.NDArray[np.uint64]]:
        return [self.audiences[int(name)] for name in ids]


def ids_of(n: int) -> pa.Array:
    return pa.array([f"{row:04d}" for row in range(n)])


@pytest.fixture(scope="module")
def world() -> World:
    from scipy.sparse import csr_array

    rng = np.random.default_rng(12)
    n_users = 24_000
    ids = np.sort(rng.integers(0, 2**64, n_users, np.uint64))
    chosen = []
    for row in range(1200):
        size = int(150 * rng.pareto(1.5)) % 1500 + 150
        near = int(size * rng.uniform(0.5, 0.95))
        window = int(size * rng.uniform(1.2, 3))
        start = (row % 8) * 3000 + int(rng.integers(0, 300))
        users = (start + rng.permutation(window)[:near]) % n_users
        chosen.append(np.unique(np.concatenate([users, rng.integers(0, n_users, size - near)])))
    indptr = np.concatenate([[0], np.cumsum([len(users) for users in chosen])]).astype(np.int64)
    users = np.concatenate(chosen)
    matrix = csr_array((np.ones(len(users), np.int32), users, indptr), shape=(1200, n_users))
    shared = (matrix @ matrix.T).toarray()
    sizes = np.diff(indptr)
    jaccard = shared / (sizes[:, None] + sizes[None, :] - shared)
    np.fill_diagonal(jaccard, -1)
    signatures = np.asarray(sketch_csr(ids[users], indptr, 128))
    index = AudienceIndex("x", ids_of(1200), sizes, signatures, SPEC)
    return World([ids[users] for users in chosen], jaccard, signatures, index)


def test_recall_of_the_best_ten_after_counting_exactly(world: World) -> None:
    hits = 0
    for row in range(0, 1200, 3):
        found = world.index.neighbours(f"{row:04d}", 10, read_audiences=world.read)
        exact = np.lexsort((np.arange(1200), -world.jaccard[row]))[:10]
        # An account as like as the tenth is as good as the tenth.
        hits += int(np.count_nonzero(world.jaccard[row][found.rows] >= world.jaccard[row][exact[-1]]))
        assert found.jaccard_exact is not None
        assert found.n_shared is not None
        assert found.jaccard_exact == pytest.approx(world.jaccard[row][found.rows])
        assert list(zip(-found.jaccard_exact, found.rows, strict=True)) == sorted(
            zip(-found.jaccard_exact, found.rows, strict=True)
        )
    assert hits / 4000 >= 0.99


def test_estimates_are_counted_on_whole_registers(world: World) -> None:
    for row in (0, 17, 1199):
        found = world.index.neighbours(f"{row:04d}", 25)
        matches = np.count_nonzero(world.signatures == world.signatures[row], axis=1)
        candidates = world.index.candidates(f"{row:04d}", 250)
        assert len(set(candidates.tolist())) == 250
        assert row not in candidates
        order = sorted(candidates.tolist(), key=lambda other: (-matches[other], other))[:25]
        assert found.rows.tolist() == order
        assert found.account_ids == [f"{other:04d}" for other in order]
        assert found.matches.tolist() == matches[order].tolist()
        assert found.jaccard_estimated.tolist() == (matches[order] / 128).tolist()
        assert found.n_followers.tolist() == [len(world.audiences[other]) for other in order]
        assert found.n_shared is None
        assert found.jaccard_exact is None


def test_least_likeness(world: World) -> None:
    every = world.index.neighbours("0003", 50)
    some = world.index.neighbours("0003", 50, min_jaccard=0.15)
    assert 0 < len(some.rows) < len(every.rows)
    assert some.rows.tolist() == every.rows[every.jaccard_estimated >= 0.15].tolist()
    counted = world.index.neighbours("0003", 50, min_jaccard=0.15, read_audiences=world.read)
    assert counted.jaccard_exact is not None
    assert (counted.jaccard_exact >= 0.15).all()


def test_a_signature_from_outside(world: World) -> None:
    both = np.minimum(world.signatures[5], world.signatures[13])
    found = world.index.neighbours_of(both, SPEC, 5)
    assert {5, 13} <= set(found.rows.tolist())
    itself = world.index.neighbours_of(world.signatures[5], SPEC, 1)
    assert itself.rows.tolist() == [5]
    assert itself.jaccard_estimated.tolist() == [1.0]
    with pytest.raises(SketchMismatchError, match="fss/1/128/7"):
        world.index.neighbours_of(both, SketchSpec(seed=7))
    for wrong in (both[:64], both.astype(np.int64)):
        with pytest.raises(SketchInputError, match=r"uint32\[128\]"):
            world.index.neighbours_of(wrong, SPEC)


def test_unknown_audiences_are_nobodys_neighbours() -> None:
    rng = np.random.default_rng(2)
    signatures = rng.integers(0, 3, (30, 128)).astype(np.uint32)
    signatures[[0, 4, 29]] = EMPTY
    index = AudienceIndex("x", ids_of(30), np.arange(30), signatures, SPEC)
    assert index.n_unknown == 3
    assert len(index) == 30
    for row in range(30):
        found = index.neighbours(f"{row:04d}", 40).rows.tolist()
        expected = [] if row in {0, 4, 29} else sorted(set(range(30)) - {0, 4, 29, row})
        assert sorted(found) == expected
    assert not len(index.neighbours_of(signatures[4], SPEC).rows)


def test_nobody_and_one() -> None:
    none = AudienceIndex("x", ids_of(0), np.zeros(0, np.int64), np.zeros((0, 128), np.uint32), SPEC)
    assert not len(none.neighbours_of(np.ones(128, np.uint32), SPEC).rows)
    one = AudienceIndex("x", ids_of(1), np.ones(1, np.int64), np.ones((1, 128), np.uint32), SPEC)
    assert not len(one.neighbours("0000").rows)
    assert not len(one.neighbours("0000", read_audiences=lambda ids: [np.ones(1, np.uint64) for _ in ids]).rows)
    assert not len(one.candidates("0000", 5))


def test_ties_go_by_row() -> None:
    index = AudienceIndex("x", ids_of(300), np.ones(300, np.int64), np.ones((300, 128), np.uint32), SPEC)
    assert index.neighbours("0002", 4).rows.tolist() == [0, 1, 3, 4]
    same = index.neighbours("0002", 4, read_audiences=lambda ids: [np.array([9], np.uint64) for _ in ids])
    assert same.rows.tolist() == [0, 1, 3, 4]


def table_of(world: World, **columns: object) -> pa.Table:
    width = pa.list_(pa.field("register", pa.uint32(), nullable=False), 128)
    values = pa.FixedSizeListArray.from_arrays(pa.array(world.signatures.ravel()), type=width)
    n = len(world.signatures)
    table = {
        "platform": ["x"] * n,
        "account_id": ids_of(n),
        "n_followers": [len(audience) for audience in world.audiences],
        "sketch_id": [SPEC.sketch_id] * n,
        "signature": values,
        **columns,
    }
    return pa.table(table)


def test_from_rows_of_feat_audiences(world: World) -> None:
    index = AudienceIndex.from_table(table_of(world), SPEC)
    assert index.platform == "x"
    assert index.neighbours("0100", 7).rows.tolist() == world.index.neighbours("0100", 7).rows.tolist()
    # A slice starts in the middle of the registers.
    sliced = AudienceIndex.from_table(table_of(world).slice(100, 300), SPEC)
    alone = AudienceIndex("x", ids_of(400)[100:], np.ones(300, np.int64), world.signatures[100:400].copy(), SPEC)
    assert sliced.neighbours("0200", 7).account_ids == alone.neighbours("0200", 7).account_ids
    assert len(AudienceIndex.from_table(table_of(world).slice(0, 0), SPEC)) == 0


def test_rows_that_do_not_belong_together(world: World) -> None:
    with pytest.raises(SketchInputError, match="one platform"):
        AudienceIndex.from_table(table_of(world, platform=["x", "y"] * 600), SPEC)
    foreign = SketchSpec(scheme="affine32", seed=1, element="high32")
    for other in (foreign.sketch_id, SketchSpec(seed=3).sketch_id, "gone"):
        mixed = table_of(world, sketch_id=[SPEC.sketch_id] * 1199 + [other])
        with pytest.raises(SketchMismatchError, match="Asked for is fss/1/128/0/xxh64:0"):
            AudienceIndex.from_table(mixed, SPEC)


def test_what_is_refused(world: World) -> None:
    with pytest.raises(OptionError, match="nobody is not among the 1200 influencers of x"):
        world.index.neighbours("nobody")
    with pytest.raises(OptionError, match="top"):
        world.index.neighbours("0000", 0)
    with pytest.raises(OptionError, match="min_jaccard"):
        world.index.neighbours("0000", 1, 1.5)
    with pytest.raises(OptionError, match="candidate"):
        world.index.candidates("0000", 0)
    with pytest.raises(SketchInputError, match="101; found 4"):
        world.index.neighbours("0000", read_audiences=lambda _: world.audiences[:4])
    with pytest.raises(SketchInputError):
        world.index.neighbours("0000", read_audiences=lambda ids: [keys[::-1] for keys in world.read(ids)])
    sizes, good = np.ones(4, np.int64), world.signatures[:4]
    wrong: list[tuple[pa.Array, npt.NDArray[np.int64], npt.NDArray[np.uint32]]] = [
        (ids_of(3), sizes, good),
        (ids_of(4), sizes[:3], good),
        (pa.array(["a", "b", "c", "a"]), sizes, good),
        (pa.array(["a", "b", "c", None]), sizes, good),
        (ids_of(4), sizes, good[:, :64]),
        (ids_of(4), sizes, good.astype(np.int64)),
        (ids_of(4), sizes, np.asfortranarray(good)),
    ]
    for ids, followers, signatures in wrong:
        with pytest.raises(SketchInputError):
            AudienceIndex("x", ids, followers, signatures, SPEC)
