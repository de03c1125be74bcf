"""Exact keys for texts: 16-byte BLAKE2b digests of Arrow columns, and dense numbers for them.

Here: the checking face of hashing and interning. Not here: which texts make a content (`sm_assets.analysis.contents`).
Source: RFC 7693; equal to `hashlib.blake2b(data, digest_size=16)`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.errors import KernelError
from sm_assets.kernels import _digests
from sm_assets.kernels.arrow import string_column

ABSENT, PRESENT, DROPPED = 0, 1, 2


def joined_digests(
    columns: Sequence[pa.Array], *, prefix: bytes = b"", dropped: bytes = b""
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint8]]:
    """Digest of prefix + the non-empty texts of each row joined by one space.

    Args:
        columns: texts of equal length; null and empty are left out.
        prefix: bytes hashed before the text.
        dropped: a joined text that is no content.

    Returns:
        uint64[n, 2] digests (their little-endian bytes are the digest) and uint8[n]: PRESENT, ABSENT (no text) or
        DROPPED.

    Raises:
        KernelError: no column, columns of unequal length or not text.
    """
    if not columns:
        raise KernelError("at least one column is needed to make a digest; found none.")
    arrays = [string_column(column) for column in columns]
    if len({len(array) for array in arrays}) != 1:
        raise KernelError(f"columns must be equally long; found {[len(array) for array in arrays]}.")
    n = len(arrays[0])
    digests = np.zeros((n, 2), dtype=np.uint64)
    present = np.zeros(n, dtype=np.uint8)
    if n:
        _digests.joined(arrays, prefix, dropped, digests, present)
    return digests, present


def exact_keys(texts: pa.Array) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint8]]:
    """Keys for interning a column: as `joined_digests`, but short texts stand for themselves and cost no hashing.

    Raises:
        KernelError: the column is not text.
    """
    column = string_column(texts)
    keys = np.zeros((len(column), 2), dtype=np.uint64)
    present = np.zeros(len(column), dtype=np.uint8)
    if len(column):
        _digests.keys(column, keys, present)
    return keys, present


def digest_hex(digests: npt.NDArray[np.uint64]) -> pa.StringArray:
    """uint64[n, 2] digests as 32 lower-case hexadecimal digits."""
    text = np.ascontiguousarray(digests, dtype="<u8").tobytes().hex()
    offsets = np.arange(0, len(text) + 1, 32, dtype=np.int32)
    return pa.StringArray.from_buffers(len(digests), pa.py_buffer(offsets.tobytes()), pa.py_buffer(text.encode()))


class DigestInterner:
    """Numbers digests 0, 1, 2, ... in the order in which they are first seen; exact, 16 bytes + about 7 per digest."""

    def __init__(self) -> None:
        self._table = _digests.DigestInterner()

    def intern(self, digests: npt.NDArray[np.uint64], present: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
        """int32[n] numbers of uint64[n, 2] digests; -1 where uint8[n] present is not PRESENT."""
        if digests.shape != (len(present), 2):
            raise KernelError(f"digests must have the shape ({len(present)}, 2); found {digests.shape}.")
        numbers = np.empty(len(present), dtype=np.int32)
        self._table.intern(np.ascontiguousarray(digests), np.ascontiguousarray(present), numbers)
        return numbers

    def digests(self) -> npt.NDArray[np.uint64]:
        """uint64[size, 2]: the digests in the order of their numbers."""
        keys = np.empty((len(self._table), 2), dtype=np.uint64)
        self._table.keys(keys)
        return keys

    def digest(self, number: int) -> tuple[int, int]:
        """The digest of one number, as two words.

        Raises:
            KernelError: no digest has this number.
        """
        if not 0 <= number < len(self):
            raise KernelError(f"digests are numbered 0..{len(self) - 1}; found {number}.")
        words: tuple[int, int] = self._table.digest(number)
        return words

    def __len__(self) -> int:
        return len(self._table)
