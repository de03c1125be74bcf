"""Account ids to 64-bit keys: what the follower sketches are made of.

Here: the three rules and the checking face over Arrow buffers; no Python object is made per id. Not here: which rule a
table uses (`sm_assets.contracts.sketches`, settings).
Sources: XXH64 (public specification of xxHash, 0.1.1); keyed BLAKE2b (RFC 7693), equal to
`hashlib.blake2b(data, digest_size=8, key=secret)` read little-endian.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.errors import SketchInputError
from sm_assets.kernels import _account_keys

SEPARATOR: Final = "\x1f"
RULES: Final = ("xxh64", "native", "secret")
MAX_SECRET: Final = 64


def hash_ids(
    platform: str,
    ids: pa.Array | pa.ChunkedArray,
    *,
    rule: str = "xxh64",
    seed: int = 0,
    secret: bytes | None = None,
) -> npt.NDArray[np.uint64]:
    """Keys of the accounts of one platform.

    `xxh64` and `secret` hash the UTF-8 of platform, byte 0x1F, id: one id has different keys on two platforms.
    `native` takes the number that the id is, so keys of two platforms must not share a matrix. Expected pairs of
    accounts with one key under a hash: n (n - 1) / 2^65.

    Args:
        platform: of all ids.
        ids: n texts without nulls: string, large_string or a dictionary of these.
        rule: `xxh64`, `native` (every id a canonical decimal below 2^64) or `secret` (keyed BLAKE2b: a plain hash of a
            public id can be looked up by anyone).
        seed: of xxh64, 0..2^64-1; the other rules take 0 only.
        secret: key of the rule `secret`, 1 to 64 bytes; None for the others.

    Returns:
        uint64[n].

    Raises:
        SketchInputError: ids with nulls or of another type, an id that is no such number under `native` (the first
            three are named), or options that do not fit the rule.
    """
    _check_options(platform, rule, seed, secret)
    chunks = ids.chunks if isinstance(ids, pa.ChunkedArray) else [ids]
    for chunk in chunks:
        _check_type(chunk)
    if not any(len(chunk) for chunk in chunks):
        return np.zeros(0, dtype=np.uint64)
    prefix = (platform + SEPARATOR).encode()
    parts = [_chunk_keys(chunk, prefix, rule, seed, secret) for chunk in chunks if len(chunk)]
    if rule == "native":
        _refuse_offenders(parts, [chunk for chunk in chunks if len(chunk)])
    return parts[0][0] if len(parts) == 1 else np.concatenate([keys for keys, _ in parts])


def _check_options(platform: str, rule: str, seed: int, secret: bytes | None) -> None:
    if not platform or SEPARATOR in platform:
        raise SketchInputError(f"platform must be a name without the byte 0x1F; found {platform!r}.")
    if rule not in RULES:
        raise SketchInputError(f"rule must be one of {', '.join(RULES)}; found {rule!r}.")
    if rule == "xxh64" and not 0 <= seed < 2**64:
        raise SketchInputError(f"seed must be a whole number in 0..2^64-1; found {seed}.")
    if rule != "xxh64" and seed != 0:
        raise SketchInputError(f"The rule {rule} has no seed; found seed {seed}. Leave it at 0 or use xxh64.")
    if rule == "secret" and (secret is None or not 1 <= len(secret) <= MAX_SECRET):
        found = "none" if secret is None else f"one of {len(secret)} bytes"
        raise SketchInputError(f"The rule secret needs a key of 1 to {MAX_SECRET} bytes; found {found}.")
    if rule != "secret" and secret is not None:
        raise SketchInputError(
            f"The rule {rule} has no secret, but one was given. Use the rule secret or leave it out."
        )


def _is_text(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))


def _check_type(ids: pa.Array) -> None:
    dictionary = isinstance(ids, pa.DictionaryArray)
    if not _is_text(ids.type.value_type if dictionary else ids.type) and not pa.types.is_null(ids.type):
        raise SketchInputError(
            f"ids must be string, large_string or a dictionary of these; found {ids.type}. Cast them."
        )
    missing = ids.null_count
    if dictionary and ids.dictionary.null_count:
        missing = ids.dictionary_decode().null_count
    if missing:
        raise SketchInputError(f"ids must not be null; found {missing} nulls in {len(ids)}. Leave these rows out.")


def _chunk_keys(
    ids: pa.Array, prefix: bytes, rule: str, seed: int, secret: bytes | None
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint8] | None]:
    """Keys of n > 0 ids, and under `native` uint8[n]: 1 where the id is no number."""
    if isinstance(ids, pa.DictionaryArray):
        if len(ids.dictionary) > len(ids):  # a slice of something larger
            return _chunk_keys(ids.dictionary_decode(), prefix, rule, seed, secret)
        keys, bad = _chunk_keys(ids.dictionary, prefix, rule, seed, secret)
        places = ids.indices.to_numpy(zero_copy_only=False)
        return keys[places], None if bad is None else bad[places]
    keys = np.empty(len(ids), dtype=np.uint64)
    large = pa.types.is_large_string(ids.type)
    if rule == "native":
        bad = np.empty(len(ids), dtype=np.uint8)
        _account_keys.native(ids, large, keys, bad)
        return keys, bad
    if rule == "secret":
        _account_keys.secret(ids, large, prefix, secret, keys)
    else:
        _account_keys.xxh64(ids, large, prefix, seed, keys)
    return keys, None


def _refuse_offenders(
    parts: list[tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint8] | None]], chunks: list[pa.Array]
) -> None:
    offenders: list[str] = []
    total = 0
    for (_, bad), chunk in zip(parts, chunks, strict=True):
        assert bad is not None
        places = np.flatnonzero(bad)
        total += len(places)
        offenders += [repr(chunk[int(place)].as_py()) for place in places[: 3 - len(offenders)]]
    if total:
        raise SketchInputError(
            f"The rule native takes ids that are numbers below 2^64, without sign or leading zero; found {total} that "
            f"are not: {', '.join(offenders)}{', ...' if total > 3 else ''}. Use the rule xxh64 for this platform."
        )
