"""The crossing between pyarrow and the kernels: check a string column on the way in, build one on the way out.

Here: types, nulls and buffers. Not here: any meaning of a text.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pyarrow as pa

from sm_assets.errors import KernelError

Built: TypeAlias = tuple[bytes, bytes, bytes]


def string_column(values: pa.Array | pa.ChunkedArray, name: str = "column") -> pa.StringArray:
    """One contiguous pa.string() array of `values`.

    Raises:
        KernelError: the values are not text.
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_null(values.type) or pa.types.is_large_string(values.type) or pa.types.is_dictionary(values.type):
        values = values.cast(pa.string())
    if not pa.types.is_string(values.type):
        raise KernelError(f"{name} must hold text (Arrow string); found {values.type}.")
    return values


def validity_buffer(present: np.ndarray) -> pa.Buffer | None:
    """Arrow bitmap of bool/uint8[n] flags, None where all are set."""
    return None if present.all() else pa.py_buffer(np.packbits(present, bitorder="little").tobytes())


def built_array(built: Built) -> pa.StringArray:
    """The array of a kernel's (offsets, bytes, present)."""
    offsets, data, present = built
    flags = np.frombuffer(present, dtype=np.uint8)
    return pa.StringArray.from_buffers(len(flags), pa.py_buffer(offsets), pa.py_buffer(data), validity_buffer(flags))
