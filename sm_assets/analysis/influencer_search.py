"""Who belongs with a few given accounts: three rankings of influencers by the likeness of their audiences.

Here: candidates around the seeds by bands of their signatures, the three methods of Chamberlain et al. (PLoS ONE 13(1)
e0188702, 2018), and the rows of out_influencer_search. Not here: making signatures (`sm_assets.kernels.sketch`), one
account's neighbours (`audience_index`), reading and writing.

An influencer is a candidate if `rows` neighbouring registers in one of `bands` places equal those of a seed. Likeness
is J-hat, the share of equal registers; that of an empty signature with anything, another empty one too, is 0: two
unknown audiences are not alike. Ties go by row number. They are seen as ties: whole numbers decide where they can, and
PageRanks are rounded beyond what summing in another order would change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, inf, log
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.parameters import check_real, check_whole
from sm_assets.contracts import TABLES
from sm_assets.contracts.columns import SEARCH_METHODS
from sm_assets.errors import OptionError, SketchInputError, UnknownAccounts
from sm_assets.kernels.similarity import EMPTY, matches32

_BLOCK: Final = 1 << 22
"""Registers that are compared at once."""

Signatures = npt.NDArray[np.uint32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How candidates are found and ranked.

    Attributes:
        bands: places at which signatures are compared; None: as many as fit.
        rows: registers of a place that must all be equal.
        max_candidates: at most so many are ranked, those most like the seeds.
        max_members: length of a ranking.
        damping: share of personalised PageRank that flows on in a step; the rest returns to the seeds.
        steps: steps of personalised PageRank; None: until nothing changes.
        tolerance: L1 change of a step at which nothing changes.
    """

    bands: int | None = None
    rows: int = 2
    max_candidates: int = 5000
    max_members: int = 200
    damping: float = 0.5
    steps: int | None = None
    tolerance: float = 1e-9

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            OptionError: a value is out of range.
        """
        whole = {"rows": self.rows, "max_candidates": self.max_candidates, "max_members": self.max_members}
        whole |= {name: value for name, value in (("bands", self.bands), ("steps", self.steps)) if value is not None}
        for name, value in whole.items():
            check_whole(name, value)
        if not 0 < check_real("damping", self.damping) < 1:
            raise OptionError(f"damping must lie between 0 and 1; found {self.damping}.")
        if not 0 < check_real("tolerance", self.tolerance) < inf:
            raise OptionError(f"tolerance must be above 0 and finite; found {self.tolerance}.")

    def bands_of(self, k: int) -> int:
        """Bands of signatures with k registers.

        Raises:
            OptionError: they do not fit.
        """
        bands = k // self.rows if self.bands is None else self.bands
        if bands < 1 or bands * self.rows > k:
            least = max(bands, 1)
            shape = f"{least} band{'s' if least > 1 else ''} of {self.rows} register{'s' if self.rows > 1 else ''}"
            raise OptionError(
                f"{shape} need{'' if least > 1 else 's'} signatures of {least * self.rows}; found {k}. Take "
                f"{'fewer bands' if least > 1 else 'fewer rows'} or longer signatures."
            )
        return bands


PAPER: Final = SearchOptions(bands=500, rows=2, damping=0.9, steps=3)
"""The parameters of the published method; for signatures of 1000 registers."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Influencers around seeds.

    Attributes:
        rows: int64[c], ascending, no seed among them.
        matches: int64[c], equal registers with each seed, summed over the seeds.
        n_cut: candidates beyond `max_candidates` that were left out.
    """

    rows: Rows
    matches: npt.NDArray[np.int64]
    n_cut: int


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Influencers in order.

    Attributes:
        rows: int64[m], best first, no seed among them.
        scores: float64[m]: mean J-hat to the seeds; to the cluster so far; or the PageRank.
        n_candidates: influencers that could have been ranked.
        n_cut: candidates that were left out before.
    """

    rows: Rows
    scores: npt.NDArray[np.float64]
    n_candidates: int
    n_cut: int


def find_candidates(signatures: Signatures, seeds: Rows, options: SearchOptions | None = None) -> Candidates:
    """All that share a band with a seed.

    Args:
        signatures: uint32[n, k], rows by account id.
        seeds: int64[s], different row numbers.
        options: None: the defaults.

    Raises:
        OptionError: the bands do not fit, or no seed is given.
        SketchInputError: signatures or seeds are not what is said above.
    """
    options = options or SearchOptions()
    _check(signatures, seeds)
    n, k = signatures.shape
    bands = options.bands_of(k)
    matches, is_candidate = np.zeros(n, np.int64), np.zeros(n, np.bool_)
    known = [seed for seed in seeds.tolist() if not (signatures[seed] == EMPTY).any()]
    step = max(_BLOCK // k, 1)
    for first in range(0, n, step):
        block = signatures[first : first + step]
        for seed in known:
            equal = block == signatures[seed]
            matches[first : first + step] += np.count_nonzero(equal, axis=1)
            is_candidate[first : first + step] |= _meet_in_a_band(equal, bands, options.rows)
    is_candidate[seeds] = False
    rows = np.flatnonzero(is_candidate)
    n_cut = max(len(rows) - options.max_candidates, 0)
    if n_cut:
        rows = np.sort(rows[np.argsort(-matches[rows], kind="stable")[: options.max_candidates]])
    return Candidates(rows, matches[rows], n_cut)


def _meet_in_a_band(equal: npt.NDArray[np.bool_], bands: int, rows: int) -> npt.NDArray[np.bool_]:
    """Rows of bool[n, k] in which all registers of a band are set."""
    met = equal[:, 0 : bands * rows : rows].copy()
    for register in range(1, rows):
        met &= equal[:, register : bands * rows : rows]
    return np.asarray(met.any(axis=1))


def _check(signatures: Signatures, seeds: Rows) -> None:
    if signatures.dtype != np.uint32 or signatures.ndim != 2 or not signatures.flags.c_contiguous:
        raise SketchInputError(
            f"Signatures must be a C-contiguous uint32[n, k]; found {signatures.dtype}{list(signatures.shape)}. Use "
            "numpy.ascontiguousarray on registers of one scheme."
        )
    if not len(seeds):
        raise OptionError("A search needs at least one seed that is an influencer; found none. Name other accounts.")
    if seeds.dtype != np.int64 or seeds.ndim != 1 or seeds.min() < 0 or seeds.max() >= len(signatures):
        raise SketchInputError(f"Seeds must be int64 row numbers in 0..{len(signatures) - 1}; found {seeds[:5]}.")
    if len(np.unique(seeds)) != len(seeds):
        raise SketchInputError("Seeds must be different rows; found one of them twice. Drop repeats.")


def rank(
    method: str,
    signatures: Signatures,
    seeds: Rows,
    options: SearchOptions | None = None,
    *,
    candidates: Candidates | None = None,
) -> Ranking:
    """Rank influencers by how well they belong with the seeds.

    Args:
        method: minhash_similarity, agglomerative or personalised_pagerank.
        signatures: uint32[n, k], rows by account id.
        seeds: int64[s], different row numbers.
        options: None: the defaults.
        candidates: of the same seeds and options, where several methods share them; None: they are found first.

    Raises:
        OptionError: an unknown method, or bands that do not fit.
        SketchInputError: signatures or seeds are not what is said above.
    """
    options = options or SearchOptions()
    if method not in SEARCH_METHODS:
        raise OptionError(f"method must be one of {', '.join(SEARCH_METHODS)}; found {method}.")
    found = find_candidates(signatures, seeds, options) if candidates is None else candidates
    if method == "minhash_similarity":
        rows, scores = _by_similarity(found, len(seeds) * signatures.shape[1])
    elif method == "agglomerative":
        rows, scores = _by_growing(signatures, found, len(seeds), options.max_members)
    else:
        rows, scores = _by_pagerank(signatures, found, seeds, options)
    return Ranking(rows[: options.max_members], scores[: options.max_members], len(found.rows), found.n_cut)


def _by_similarity(found: Candidates, registers: int) -> tuple[Rows, npt.NDArray[np.float64]]:
    order = np.argsort(-found.matches, kind="stable")
    return found.rows[order], found.matches[order] / registers


def _by_growing(
    signatures: Signatures, found: Candidates, n_seeds: int, max_members: int
) -> tuple[Rows, npt.NDArray[np.float64]]:
    """Add the best, weigh all others against the cluster with it, and again."""
    block = np.ascontiguousarray(signatures[found.rows])
    everyone = np.arange(len(block))
    total = found.matches.copy()  # equal registers with all members so far; below 0: is a member
    n = min(max_members, len(total))
    order, scores = np.empty(n, np.int64), np.empty(n, np.float64)
    for place in range(n):
        new = int(np.argmax(total))
        order[place] = new
        scores[place] = total[new] / ((n_seeds + place) * signatures.shape[1])
        total += matches32(block, everyone, np.full(len(block), new))
        total[new] = np.iinfo(np.int64).min // 2
    return found.rows[order], scores


def _by_pagerank(
    signatures: Signatures, found: Candidates, seeds: Rows, options: SearchOptions
) -> tuple[Rows, npt.NDArray[np.float64]]:
    """Random walk over candidates and seeds by J-hat that returns to the seeds."""
    nodes = np.concatenate([seeds, found.rows])
    likeness = _likeness(signatures, nodes)
    outflow = likeness.sum(axis=0)
    start = np.zeros(len(nodes))
    start[: len(seeds)] = 1 / len(seeds)
    # A step brings any two weights together by the damping at least, so this many steps reach the tolerance.
    most = max(ceil(log(options.tolerance / 2) / log(options.damping)), 1) + 1
    weight = start
    for _ in range(options.steps or most):
        moved = options.damping * (likeness @ (weight / outflow))
        after = moved + (1 - moved.sum()) * start
        change = float(np.abs(after - weight).sum())
        weight = after
        if options.steps is None and change < options.tolerance:
            break
    score = np.round(weight[len(seeds) :], 12)
    order = np.argsort(-score, kind="stable")
    return found.rows[order], score[order]


def _likeness(signatures: Signatures, nodes: Rows) -> npt.NDArray[np.float64]:
    """float64[c, c]: J-hat of each two, 1 with itself."""
    n, k = len(nodes), signatures.shape[1]
    block = np.ascontiguousarray(signatures[nodes])
    result = np.empty((n, n))
    step = max(_BLOCK // max(n, 1), 1)
    for first in range(0, n, step):
        last = min(first + step, n)
        rest = np.arange(first, n)
        i, j = np.repeat(rest[: last - first], len(rest)), np.tile(rest, last - first)
        shared = (matches32(block, i, j) / k).reshape(last - first, len(rest))
        result[first:last, first:] = shared
        result[first:, first:last] = shared.T
    np.fill_diagonal(result, 1.0)
    return result


def search_rows(
    search_name: str,
    platform: str,
    audiences: pa.Table,
    signatures: Signatures,
    seed_ids: Sequence[str],
    *,
    day: date,
    methods: Sequence[str] = SEARCH_METHODS,
    options: SearchOptions | None = None,
) -> tuple[pa.Table, dict[str, object]]:
    """Run one search and tell it as a table.

    Args:
        search_name: name of the search.
        platform: whose ids these are.
        audiences: influencers of that platform by ascending account_id: account_id, n_followers, display_name, handle.
        signatures: uint32[n, k], in the order of `audiences`.
        seed_ids: accounts to start from; repeats count once.
        day: as-of day.
        methods: ways of ranking.
        options: None: the defaults.

    Returns:
        Rows of out_influencer_search by method and rank; and what was counted: seeds found, seeds missing by name,
        candidates, candidates cut.

    Raises:
        UnknownAccounts: no seed is an influencer.
        OptionError: a parameter is out of range.
        SketchInputError: signatures do not fit the accounts.
    """
    if len(signatures) != len(audiences):
        raise SketchInputError(f"One signature per account is expected: {len(audiences)}; found {len(signatures)}.")
    wanted = list(dict.fromkeys(seed_ids))
    ids = audiences["account_id"].combine_chunks()
    places = pc.index_in(pa.array(wanted, pa.string()), value_set=ids).to_pylist()
    missing = [seed for seed, place in zip(wanted, places, strict=True) if place is None]
    seeds = np.array(sorted(place for place in places if place is not None), np.int64)
    if not len(seeds):
        raise UnknownAccounts(
            f"Search {search_name}: none of the {len(wanted)} seeds is an influencer on {platform}: "
            f"{', '.join(wanted[:10]) or 'no seed given'}. Name accounts of feat_audiences."
        )
    options = options or SearchOptions()
    found = find_candidates(signatures, seeds, options)
    contract = TABLES["out_influencer_search"]
    schema = pa.schema([pa.field(column.name, column.arrow_type) for column in contract.columns])
    named = ids.take(pa.array(seeds)).to_pylist()
    parts = [schema.empty_table()]
    for method in methods:
        ranking = rank(method, signatures, seeds, options, candidates=found)
        n, rows = len(ranking.rows), pa.array(ranking.rows)
        values = {
            "search_name": pa.repeat(search_name, n),
            "platform": pa.repeat(platform, n),
            "method": pa.repeat(method, n),
            "account_id": ids.take(rows),
            "rank": pa.array(np.arange(1, n + 1)),
            "score": pa.array(ranking.scores),
            **{name: audiences[name].combine_chunks().take(rows) for name in ("n_followers", "display_name", "handle")},
            "n_seeds": pa.repeat(len(seeds), n),
            "seeds": pa.array([named] * n, pa.list_(pa.string())),
            "n_candidates": pa.repeat(len(found.rows), n),
            "day": pa.repeat(pa.scalar(day, pa.date32()), n),
        }
        parts.append(pa.table({name: values[name] for name in schema.names}).cast(schema))
    counts: dict[str, object] = {
        "seeds_found": len(seeds),
        "seeds_missing": missing,
        "seeds_without_followers": int((signatures[seeds] == EMPTY).any(axis=1).sum()),
        "candidates": len(found.rows),
        "candidates_cut": found.n_cut,
    }
    return pa.concat_tables(parts), counts
