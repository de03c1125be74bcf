"""Single fields of exports over whole columns: counts, local times, ids in post addresses, missing values.

Here: the checking face. Not here: which column is which, what a file as a whole decides (`sm_assets.sources`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.errors import KernelError
from sm_assets.kernels import _fields
from sm_assets.kernels.arrow import built_array, string_column, validity_buffer

OK, MISSING, BAD, ROUNDED, GROUPED = range(5)
NO_ZONE, UNREADABLE, NO_TIME = -1, -2, -3
GROUP_MARKS = (",", ".", "'", " ")


@dataclass(frozen=True, slots=True)
class Counts:
    """Whole numbers read from texts.

    Attributes:
        values: int64[n], 0 where there is none.
        status: uint8[n]: OK, GROUPED (thousands were marked), ROUNDED (1.2K, 3M), MISSING or BAD.
        marks: uint8[n], character code of the thousands mark used, 0 if none.
    """

    values: npt.NDArray[np.int64]
    status: npt.NDArray[np.uint8]
    marks: npt.NDArray[np.int8]

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """bool[n]: a number was read."""
        return (self.status != MISSING) & (self.status != BAD)

    def array(self) -> pa.Int64Array:
        """The numbers as Arrow, null where there is none."""
        return pa.Array.from_buffers(
            pa.int64(), len(self.values), [validity_buffer(self.known), pa.py_buffer(self.values.tobytes())]
        )


def parse_counts(texts: pa.Array, *, group: str | None = None, bare_commas: bool = False) -> Counts:
    """Whole numbers with thousands in groups of three after one kind of mark; negative numbers and fractions are BAD.

    Args:
        texts: text column.
        group: the only mark allowed, one of GROUP_MARKS; None: any of them (no-break spaces count as a space).
        bare_commas: delete commas and quotes first, wherever they stand.

    Raises:
        KernelError: an unknown mark, or the column is not text.
    """
    if group is not None and group not in GROUP_MARKS:
        raise KernelError(f"group must be one of {GROUP_MARKS}; found {group!r}.")
    column = string_column(texts)
    n = len(column)
    values, status, marks = np.empty(n, np.int64), np.empty(n, np.uint8), np.empty(n, np.int8)
    if n:
        _fields.counts(column, ord(group) if group else 0, bare_commas, values, status, marks)
    return Counts(values, status, marks)


@dataclass(frozen=True, slots=True)
class LocalTimes:
    """Times on their own zone's clock.

    Attributes:
        local: int64[n], microseconds since 1970-01-01T00:00 on the zone's clock.
        zone: int32[n], index into `zones`, or NO_ZONE, UNREADABLE, NO_TIME.
        zones: distinct zone texts, in order of appearance.
    """

    local: npt.NDArray[np.int64]
    zone: npt.NDArray[np.int32]
    zones: list[str]


def parse_times(texts: pa.Array) -> LocalTimes:
    """`YYYY-MM-DD HH:MM[:SS[.f]] [ZONE]` (T for the blank is fine; a bare date is midnight)."""
    column = string_column(texts)
    local, zone = np.empty(len(column), np.int64), np.empty(len(column), np.int32)
    zones: list[str] = _fields.times(column, local, zone) if len(column) else []
    return LocalTimes(local, zone, zones)


def null_na(texts: pa.Array) -> pa.StringArray:
    """The same texts, null where they are empty or one of the 17 words that pandas 1.5 reads as missing."""
    column = string_column(texts)
    present = np.ones(len(column), dtype=np.uint8)
    if not len(column):
        return column
    _fields.present_unless_na(column, present)
    offsets = np.frombuffer(column.buffers()[1], dtype=np.int32)[column.offset : column.offset + len(column) + 1]
    return pa.StringArray.from_buffers(
        len(column), pa.py_buffer(offsets), column.buffers()[2], validity_buffer(present)
    )


def all_digits(texts: pa.Array) -> npt.NDArray[np.bool_]:
    """bool[n]: the text is one or more ASCII digits."""
    column = string_column(texts)
    flags = np.zeros(len(column), dtype=np.uint8)
    if len(column):
        _fields.all_digits(column, flags)
    return flags.astype(bool)


@dataclass(frozen=True, slots=True)
class PostAddresses:
    """What post addresses tell: platform uint8[n] (0 facebook, 1 instagram), owner and number, null where unknown."""

    platform: npt.NDArray[np.uint8]
    owner: pa.StringArray
    number: pa.StringArray


def post_addresses(urls: pa.Array) -> PostAddresses:
    """Owner and number of Facebook and Instagram posts in any of their address forms; owners in lower case."""
    column = string_column(urls)
    platform = np.zeros(len(column), dtype=np.uint8)
    if not len(column):
        return PostAddresses(platform, pa.array([], pa.string()), pa.array([], pa.string()))
    owner, number = _fields.post_addresses(column, platform)
    return PostAddresses(platform, built_array(owner), built_array(number))
