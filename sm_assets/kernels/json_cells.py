"""Cells of feeds that speak JSON, over whole columns: times, whole numbers, identifiers of the AT protocol.

Here: the checking face. Not here: which of several times is believed (`sm_assets.sources.client_times`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.kernels import _json_cells
from sm_assets.kernels.arrow import built_array, string_column

NEVER: Final = int(np.iinfo(np.int64).min)
"""Stands where a text is no time or number."""
_RFC3339, _WHOLE, _TID = range(3)


@dataclass(frozen=True, slots=True)
class AtUris:
    """The parts of `at://authority/collection/rkey`, pa.string() each; null where the text is no such address."""

    authority: pa.StringArray
    collection: pa.StringArray
    rkey: pa.StringArray


def rfc3339_micros(texts: pa.Array) -> npt.NDArray[np.int64]:
    """int64[n]: microseconds of UTC since 1970, or NEVER.

    A zone is required (Z, z, +hh:mm, -hh:mm); of up to nine digits of fraction those below a microsecond are dropped.

    Raises:
        KernelError: the column is not text.
    """
    return _micros(texts, _RFC3339)


def whole_numbers(texts: pa.Array) -> npt.NDArray[np.int64]:
    """int64[n]: the number, or NEVER where the text is not a whole number of at most 18 digits.

    Raises:
        KernelError: the column is not text.
    """
    return _micros(texts, _WHOLE)


def tid_micros(texts: pa.Array) -> npt.NDArray[np.int64]:
    """int64[n]: microseconds of UTC since 1970 in a TID of the AT protocol, or NEVER.

    A TID has 13 characters of `234567a-z`, the first one of `2-7a-j`; its number without the lowest ten bits is the
    time.

    Raises:
        KernelError: the column is not text.
    """
    return _micros(texts, _TID)


def at_uris(texts: pa.Array) -> AtUris:
    """Addresses of records taken apart.

    Raises:
        KernelError: the column is not text.
    """
    return AtUris(*(built_array(part) for part in _json_cells.at_uris(string_column(texts))))


def are_dids(texts: pa.Array) -> npt.NDArray[np.bool_]:
    """bool[n]: the text is `did:<method>:<id>`.

    Raises:
        KernelError: the column is not text.
    """
    out = np.zeros(len(texts), np.uint8)
    if len(texts):
        _json_cells.dids(string_column(texts), out)
    return out.astype(bool)


def _micros(texts: pa.Array, kind: int) -> npt.NDArray[np.int64]:
    out = np.empty(len(texts), np.int64)
    if len(texts):
        _json_cells.micros(string_column(texts), kind, out)
    return out
