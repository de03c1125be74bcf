"""What must hold before a time of a sketch is worth printing.

Here: the gates, for our kernels and for the peers. Not here: timing.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from sketch_worlds import World, alike, split_mix

from sm_assets.kernels.isa import LEVELS, set_isa
from sm_assets.kernels.sketch import EMPTY, isa, merge, sketch_csr, sketch_edges

SIZES, PAIRS = (100, 1_000, 20_000), 400
# RMSE over that of K permutations, sqrt(J(1 - J) / K), that is let pass.
MOST_ERROR = 1.15


def error(signatures: npt.NDArray[np.uint32], truth: npt.NDArray[np.float64]) -> list[float]:
    """RMSE over theory for each size of sets in `alike`."""
    difference = (signatures[::2] == signatures[1::2]).mean(axis=1) - truth
    theory = truth * (1 - truth) / signatures.shape[1]
    found = (difference.reshape(len(SIZES), -1) ** 2).mean(axis=1) / theory.reshape(len(SIZES), -1).mean(axis=1)
    return [round(float(x), 3) for x in np.sqrt(found)]


def ours(ks: list[int], schemes: list[str], seed: int) -> dict[str, object]:
    """Each gate: true, or what is wrong."""
    sets, truth = alike(SIZES, PAIRS, seed)
    report: dict[str, object] = {}
    for scheme in schemes:
        for k in ks:
            made = sketch_csr(sets.keys, sets.indptr, k, scheme=scheme)
            ratios = error(made, truth)
            report[f"{scheme} K={k} RMSE / theory at n={SIZES}"] = ratios
            report[f"{scheme} K={k} error"] = max(ratios) <= MOST_ERROR
            report[f"{scheme} K={k} merge is exact"] = merged_is_whole(sets, k, scheme, made)
            report[f"{scheme} K={k} all instructions give the same bits"] = bodies_agree(sets, k, scheme, made)
    if "affine32" in schemes:
        report["affine32 is datasketch"] = same_as_datasketch(sets, max(ks))
    return report


def merged_is_whole(sets: World, k: int, scheme: str, made: npt.NDArray[np.uint32]) -> bool:
    """Two halves cut anywhere, merged, and all edges shuffled: equal to one pass."""
    cut = len(sets.keys) // 2
    halves = [
        sketch_csr(part, np.clip(sets.indptr - start, 0, len(part)), k, scheme=scheme)
        for start, part in ((0, sets.keys[:cut]), (cut, sets.keys[cut:]))
    ]
    order = np.random.default_rng(0).permutation(len(sets.keys))
    edges = sketch_edges(sets.keys[order], sets.rows[order], len(made), k, scheme=scheme)
    return bool((merge(*halves) == made).all() and (edges == made).all())


def bodies_agree(sets: World, k: int, scheme: str, made: npt.NDArray[np.uint32]) -> bool:
    """All levels up to the one in use."""
    best = isa()
    few = sets.indptr[: 2 * PAIRS + 41]  # all of the first size, some of the second
    agree = True
    for name in LEVELS[: LEVELS.index(best)]:
        set_isa(name)
        agree &= bool((sketch_csr(sets.keys[: few[-1]], few, k, scheme=scheme) == made[: len(few) - 1]).all())
    set_isa(best)
    return agree


def same_as_datasketch(sets: World, k: int) -> bool:
    """Bits of 100 sets."""
    from datasketch import MinHash

    few = sets.indptr[:101]
    mine = sketch_csr(sets.keys[: few[-1]], few, k, scheme="affine32")
    lists = [sets.keys[a:b].tolist() for a, b in pairwise(few)]
    theirs = MinHash.bulk(lists, num_perm=k, seed=1, scheme="affine32", hashfunc=int)
    return bool((mine == np.array([minhash.hashvalues for minhash in theirs])).all()) and bool((mine != EMPTY).all())


def rensa_errors(ks: list[int], seed: int) -> dict[str, object]:
    """The error gate for both digests of rensa: a verdict and RMSE over theory for each K."""
    import rensa

    sets, truth = alike(SIZES, PAIRS, seed)
    offsets = sets.indptr.astype(np.uint64)
    report: dict[str, object] = {}
    for name in ("digest_matrix_from_flat_token_hashes", "digest_matrix_from_flat_token_hashes_rho"):
        ratios = {}
        for k in ks:
            made = getattr(rensa.RMinHash, name)(spread(sets.keys), offsets, k, 1)
            ratios[k] = error(np.array(made.to_rows(), dtype=np.uint32), truth)
        verdict = "passes" if max(map(max, ratios.values())) <= MOST_ERROR else "wrong"
        report[name] = {"verdict": verdict, f"RMSE / theory at n={SIZES} by K": ratios}
    return report


def spread(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Hashes of tokens, as rensa takes them: 64 mixed bits."""
    return split_mix(keys)
