"""Sketches to and from the library datasketch, and its index of bands where one must live on and grow.

Here: `affine32` signatures as `datasketch.MinHash` and back, and `datasketch.MinHashLSH` over either scheme. Not here:
searching without an index (`audience_index`), candidate pairs by sorting (`banding`).

The library is an extra: pip install "sm-assets[lsh]". Pickles are not read; an index is built again from the table of
audiences when its sketch_id differs.
Source: https://github.com/ekzhu/datasketch, version 2 (MIT).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module, metadata
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sm_assets.contracts.sketches import SketchSpec
from sm_assets.errors import OptionError, SketchInputError, SketchMismatchError
from sm_assets.kernels.sketch import EMPTY, affine_factors, mixed

Signatures = npt.NDArray[np.uint32]
AFFINE: Final = "affine32"
EXTERNAL_KEY: Final = "external/0"
"""Key rule of sketches made elsewhere: what they hash is not known here."""


def to_datasketch(
    spec: SketchSpec, signatures: Signatures, rows: Iterable[int] | npt.NDArray[np.integer] | None = None
) -> list[Any]:
    """Signatures as `datasketch.MinHash` objects with the same registers, seed and permutations.

    Their hashfunc takes account keys (`hash_ids`) and applies the spec's element rule, so that `update` adds accounts.

    Args:
        spec: of the signatures; scheme affine32.
        signatures: uint32[m, k].
        rows: which rows, in this order; None for all.

    Returns:
        A list of datasketch.MinHash, each with registers of its own.

    Raises:
        SketchMismatchError: the scheme is not affine32: fss is no datasketch.MinHash and never becomes one.
        SketchInputError: signatures that do not fit the spec, or rows out of range.
        OptionError: datasketch is missing or older than 2.0.
    """
    if spec.scheme != AFFINE:
        raise SketchMismatchError(
            f"datasketch.MinHash holds affine32 registers; found {spec.sketch_id}. Sketch with scheme affine32 for "
            "exchange, or use build_lsh_index, which takes both."
        )
    library = _datasketch()
    _check_signatures(spec, signatures)
    chosen = np.arange(len(signatures)) if rows is None else np.asarray(list(rows), dtype=np.int64)
    if len(chosen) and not (int(chosen.min()) >= 0 and int(chosen.max()) < len(signatures)):
        raise SketchInputError(f"rows must be in 0..{len(signatures) - 1}; found {chosen.min()}..{chosen.max()}.")
    permutations = affine_factors(spec.k, spec.seed)
    hashfunc = _high32 if spec.element == "high32" else _identity
    return [
        library.MinHash(
            seed=spec.seed,
            hashfunc=hashfunc,
            hashvalues=signatures[row].copy(),
            permutations=permutations,
            scheme=AFFINE,
        )
        for row in chosen
    ]


def from_datasketch(minhashes: Iterable[Any], *, key: str = EXTERNAL_KEY) -> tuple[SketchSpec, Signatures]:
    """Registers of datasketch.MinHash or LeanMinHash objects.

    Args:
        minhashes: at least one; all of scheme affine32, one seed and one number of permutations.
        key: rule by which what they hash was made, as the caller knows it; the objects do not tell.

    Returns:
        The spec, with element `high32` where the objects hash by `to_datasketch`'s function of that rule, else
        `identity`; and uint32[m, k].

    Raises:
        SketchMismatchError: scheme legacy or affine64 (or another), unlike seeds or sizes among the objects, or
            permutations that are not those of their seed.
        SketchInputError: no object.
    """
    found = list(minhashes)
    if not found:
        raise SketchInputError(
            "from_datasketch needs at least one MinHash, as k and seed are read from it; found none."
        )
    spec = _spec_of(found[0], key)
    checked: set[int] = set()
    expected = affine_factors(spec.k, spec.seed)
    for number, one in enumerate(found):
        other = _spec_of(one, key)
        if other != spec:
            raise SketchMismatchError(
                f"MinHash 0 is {spec.sketch_id}, but MinHash {number} is {other.sketch_id}. Convert unlike ones apart."
            )
        permutations = getattr(one, "permutations", None)  # LeanMinHash has none
        if permutations is None or id(permutations) in checked:
            continue
        if not np.array_equal(np.asarray(permutations), expected):
            raise SketchMismatchError(
                f"MinHash {number} has permutations of its own, not those of its seed {spec.seed}; sketches made here "
                "could not meet it. Make it again without the argument permutations."
            )
        checked.add(id(permutations))
    return spec, np.ascontiguousarray([one.hashvalues for one in found], dtype=np.uint32)


@dataclass(frozen=True, slots=True, eq=False)
class LshItem:
    """A signature in the form in which datasketch.MinHashLSH takes it, to insert or to query.

    Attributes:
        hashvalues: uint32[k].
        scheme: what the index compares: `affine32`, as datasketch calls it, or the sketch_id of any other scheme.
    """

    hashvalues: npt.NDArray[np.uint32]
    scheme: str

    def __len__(self) -> int:
        return len(self.hashvalues)


def lsh_item(spec: SketchSpec, signature: npt.NDArray[np.uint32]) -> LshItem:
    """One signature for `insert` and `query` of an index.

    Args:
        spec: of the signature.
        signature: uint32[k], not EMPTY.

    Raises:
        SketchInputError: it does not fit the spec, or is EMPTY.
    """
    rows = signature[None, :]
    _check_signatures(spec, rows)
    _refuse_empty(rows)
    return LshItem(signature, AFFINE if spec.scheme == AFFINE else spec.sketch_id)


def build_lsh_index(
    spec: SketchSpec,
    signatures: Signatures,
    ids: Sequence[Hashable],
    *,
    bands: int,
    rows_per_band: int,
    storage_config: Mapping[str, Any] | None = None,
) -> Any:
    """A `datasketch.MinHashLSH` over signatures of either scheme, to be changed by its own insert and remove.

    Insert and query with `lsh_item`; an affine32 index takes datasketch.MinHash objects too (of the same seed: the
    index compares the scheme only). The index itself refuses, by ValueError, whatever has another scheme. Attached to
    storage that already holds keys, it learns the scheme by the first insert.

    Args:
        spec: of the signatures.
        signatures: uint32[m, k], without EMPTY rows.
        ids: m names, each once.
        bands: at least 2.
        rows_per_band: registers per band; bands * rows_per_band <= k (see `banding.choose_bands`).
        storage_config: of datasketch; None keeps the index in memory.

    Returns:
        datasketch.MinHashLSH.

    Raises:
        SketchInputError: signatures that do not fit the spec, an EMPTY row, ids that are not m or not unique.
        OptionError: bands that do not fit into k; datasketch is missing or older than 2.0.
    """
    if bands < 2 or rows_per_band < 1 or bands * rows_per_band > spec.k:
        raise OptionError(
            f"An index needs 2 bands or more, of 1 register or more, within k={spec.k}; "
            f"found {bands} of {rows_per_band}."
        )
    library = _datasketch()
    _check_signatures(spec, signatures)
    _refuse_empty(signatures)
    if len(ids) != len(signatures) or len(set(ids)) != len(ids):
        raise SketchInputError(
            f"ids must be {len(signatures)} names, each once; found {len(ids)}, {len(set(ids))} of them unlike."
        )
    config = None if storage_config is None else dict(storage_config)
    index = library.MinHashLSH(num_perm=spec.k, params=(bands, rows_per_band), storage_config=config)
    scheme = AFFINE if spec.scheme == AFFINE else spec.sketch_id
    in_memory = config is None or config.get("type") == "dict"
    with index.insertion_session() as session:
        for name, signature in zip(ids, signatures, strict=True):
            session.insert(name, LshItem(signature, scheme), check_duplication=not in_memory)
    return index


def _datasketch() -> Any:
    try:
        library = import_module("datasketch")
        version = metadata.version("datasketch")
    except ImportError as error:
        raise OptionError(
            'The library datasketch is not installed. Install it: pip install "sm-assets[lsh]".'
        ) from error
    if int(version.split(".")[0]) < 2:
        raise OptionError(
            f"datasketch 2.0 or newer is needed, as older ones have no affine32; found {version}. "
            'Install it: pip install --upgrade "sm-assets[lsh]".'
        )
    return library


def _identity(key: int) -> int:
    """The key itself; datasketch refuses one from 2^32 on."""
    return int(key)


def _high32(key: int) -> int:
    """The high half of the mixed key."""
    return int(mixed(np.array([key], dtype=np.uint64))[0]) >> 32


def _spec_of(minhash: Any, key: str) -> SketchSpec:
    scheme = getattr(minhash, "scheme", "legacy")  # datasketch before 2.0 knew no other
    if scheme != AFFINE:
        raise SketchMismatchError(
            f"Only datasketch's scheme affine32 can be taken over; found {scheme}. Make the MinHash again with "
            'scheme="affine32": registers of one scheme cannot be turned into those of another.'
        )
    element = "high32" if getattr(minhash, "hashfunc", None) is _high32 else "identity"
    return SketchSpec(scheme=AFFINE, k=len(minhash.hashvalues), seed=int(minhash.seed), element=element, key=key)


def _check_signatures(spec: SketchSpec, signatures: Signatures) -> None:
    if signatures.dtype != np.uint32 or signatures.ndim != 2 or signatures.shape[1] != spec.k:
        found = f"{signatures.dtype}{list(signatures.shape)}"
        raise SketchInputError(f"Signatures of {spec.sketch_id} must be uint32[m, {spec.k}]; found {found}.")


def _refuse_empty(signatures: Signatures) -> None:
    empty = np.flatnonzero((signatures == EMPTY).any(axis=1))
    if len(empty):
        raise SketchInputError(
            f"Row {empty[0]} is EMPTY, a sketch of no key; it would be alike to every other such row. Leave it out."
        )
