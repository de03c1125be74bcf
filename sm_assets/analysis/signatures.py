"""Signatures between numpy and Arrow, and sketching by a spec.

Here: the one place that turns a `SketchSpec` into arguments of the kernels. Not here: the kernels.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.contracts.sketches import SketchSpec
from sm_assets.kernels.sketch import EMPTY, sketch_csr, sketch_edges

_BLOCK_BYTES: Final = 16 * 2**20


def block_rows(k: int) -> int:
    """Signatures of k registers that are held at once on their way: as many as fill 16 MiB."""
    return max(1, _BLOCK_BYTES // (4 * k))


def empty_signatures(n: int, spec: SketchSpec) -> npt.NDArray[np.uint32]:
    """uint32[n, k] of empty sets."""
    return np.full((n, spec.k), EMPTY, dtype=np.uint32)


def sketch_runs(
    spec: SketchSpec, keys: npt.NDArray[np.uint64], indptr: npt.NDArray[np.int64], *, threads: int = 1
) -> npt.NDArray[np.uint32]:
    """uint32[m, k] of the sets keys[indptr[i]:indptr[i + 1]]."""
    return sketch_csr(keys, indptr, spec.k, **_arguments(spec), threads=threads)


def sketch_into(
    spec: SketchSpec,
    out: npt.NDArray[np.uint32],
    keys: npt.NDArray[np.uint64],
    rows: npt.NDArray[np.uint32],
    *,
    threads: int = 1,
) -> None:
    """Add (row, key) edges in any order to the signatures `out`, uint32[m, k], in place."""
    sketch_edges(keys, rows, len(out), spec.k, **_arguments(spec), out=out, threads=threads)


def _arguments(spec: SketchSpec) -> dict[str, Any]:
    element = {} if spec.element == "key" else {"element": spec.element}
    return {"scheme": spec.scheme, "seed": spec.seed, **element}


def signature_column(signatures: npt.NDArray[np.uint32]) -> pa.FixedSizeListArray:
    """uint32[n, k] as lists of k; neither lists nor registers may be null."""
    values = pa.array(np.ascontiguousarray(signatures).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(values, type=signature_type(signatures.shape[1]))


def signature_type(k: int) -> pa.DataType:
    """Arrow type of a signature of k registers."""
    return pa.list_(pa.field("register", pa.uint32(), nullable=False), k)


def signature_values(column: pa.Array, k: int) -> npt.NDArray[np.uint32]:
    """Lists of k back to uint32[n, k], without a copy."""
    registers: npt.NDArray[np.uint32] = column.flatten().to_numpy(zero_copy_only=True).reshape(-1, k)
    return registers
