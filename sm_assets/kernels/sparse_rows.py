"""Sparse rows as the kernels take them: by row and by column, checked once.

Here: the form. Not here: what is computed from it (`sparse_kmeans`, `silhouette`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sm_assets.errors import KernelError


class SparseRows(NamedTuple):
    """Rows of which most values are 0.

    Attributes:
        row_ptr: int64[n + 1], values of row i are row_ptr[i] .. row_ptr[i + 1].
        word: int32[m], their columns, ascending in each row.
        value: float64[m], none of them 0.
        column_ptr: int64[d + 1], likewise by column.
        row: int32[m], the rows of a column, ascending.
        of_row: float64[m].
        lengths: float64[n], sums of squares of the rows.
    """

    row_ptr: npt.NDArray[np.int64]
    word: npt.NDArray[np.int32]
    value: npt.NDArray[np.float64]
    column_ptr: npt.NDArray[np.int64]
    row: npt.NDArray[np.int32]
    of_row: npt.NDArray[np.float64]
    lengths: npt.NDArray[np.float64]

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.row_ptr) - 1

    @property
    def d(self) -> int:
        """Number of columns."""
        return len(self.column_ptr) - 1


def sparse_rows(matrix: Any) -> SparseRows:
    """The rows of a matrix of SciPy.

    Args:
        matrix: [n, d], any of scipy.sparse's with `tocsr`; finite values.

    Raises:
        KernelError: values that are no finite numbers, more rows or columns than 2^31 - 1.
    """
    by_row = matrix.tocsr().astype(np.float64)
    by_row.sum_duplicates()
    by_row.eliminate_zeros()
    if not np.isfinite(by_row.data).all() or max(by_row.shape) >= 2**31:
        raise KernelError(f"sparse rows must be finite numbers, in fewer than 2^31 rows and columns: {by_row.shape}.")
    by_column = by_row.tocsc()
    place = np.repeat(np.arange(by_row.shape[0]), np.diff(by_row.indptr))
    return SparseRows(
        by_row.indptr.astype(np.int64),
        by_row.indices.astype(np.int32),
        by_row.data,
        by_column.indptr.astype(np.int64),
        by_column.indices.astype(np.int32),
        by_column.data,
        # One after the other, as all sums here.
        np.bincount(place, by_row.data * by_row.data, by_row.shape[0]).astype(np.float64),
    )
