"""Edges in binary files: NumPy arrays through a memory map, Parquet batch by batch.

Here: the binary formats. Not here: recognising them (`edges`), what makes an edge unusable (`edges_rows`). Such files
have no lines: rejects name the row instead.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import numpy.lib.format as npy
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sm_assets.errors import InputError, UnknownVintage
from sm_assets.kernels import edges as kernel
from sm_assets.sources.edges_rows import (
    CHUNK_ROWS,
    Edges,
    Ends,
    FileFacts,
    Nodes,
    Weights,
    chunks_of,
    edge_batch,
    node_batch,
)
from sm_assets.sources.reading import Chunk, Tally

NPY_MAGIC = b"\x93NUMPY"
PARQUET_MAGIC = b"PAR1"
_EXACT = 2.0**53  # from here on not every whole number is a float64
# Names of a file's columns -> own column -> name of the file's column, and the facts in view of the names; raises
# UnknownVintage, and InputError where the names contradict the stated direction.
ColumnsOf = Callable[[Sequence[str]], tuple[dict[str, str], FileFacts]]


class ArrayEdges:
    """Edges of a .npy file: integers of shape (n, 2) or (n, 3) with weights, or a structured array.

    Attributes:
        compression: None: the file is mapped into memory.
        facts: in view of the names of its columns.
    """

    compression = None

    def __init__(self, path: Path, facts: FileFacts, columns_of: ColumnsOf) -> None:
        """Read the header.

        Raises:
            InputError: the header is damaged or contradicts the stated direction.
            UnknownVintage: an array of another shape or type.
        """
        self._path = path
        self.facts = facts
        self.shape, self.is_fortran, self.dtype, self._start = _npy_header(path)
        self.is_pickled = self.dtype.hasobject
        self._fields: tuple[Any, ...] = ()
        if self.is_pickled:
            return
        if self.dtype.names is not None and len(self.shape) == 1:
            found, self.facts = columns_of(self.dtype.names)
            self._fields = tuple(found.get(name) for name in ("first_node", "second_node", "edge_weight"))
            for name in found.values():
                _check_type(path, name, self.dtype[name].kind)
        elif self.dtype.names is None and len(self.shape) == 2 and self.shape[1] in (2, 3):
            self._fields = (0, 1, 2 if self.shape[1] == 3 else None)
            _check_type(path, "array", self.dtype.kind)
        if not self._fields or not self.dtype.itemsize:
            raise UnknownVintage(
                f"{path}: a NumPy array of shape {self.shape} and type {self.dtype}; nearest: npy, which needs "
                "integers of shape (n, 2), or (n, 3) with weights, or a structured array with named ends. Save it so."
            )

    @property
    def manifest(self) -> dict[str, Any]:
        """What the file's form tells."""
        return {
            "shape": list(self.shape),
            "dtype": str(self.dtype),
            "order": "F" if self.is_fortran else "C",
            "columns": list(self.dtype.names or ()),
        }

    def chunks(self, tally: Tally) -> Iterator[Chunk]:
        """All whole rows."""
        size = self._path.stat().st_size
        if self.is_pickled:
            _reject_file(
                tally,
                "pickle_refused",
                "an array of Python objects is never unpickled; save integers",
                self._start,
                size,
            )
            yield tally.chunk({})
            return
        width = 1 if self.dtype.names is not None else int(self.shape[1])
        row_bytes = self.dtype.itemsize * width
        rows = self._whole_rows(max(0, size - self._start) // self.dtype.itemsize, width)
        for at in range(0, rows, CHUNK_ROWS):
            n = min(CHUNK_ROWS, rows - at)
            first, second, weight = self._columns(at, n, width)
            assert first is not None
            assert second is not None
            edges = Edges(
                _ends(first), _ends(second), _weights(weight, n), np.arange(at + 1, at + n + 1, dtype=np.int64)
            )
            tally.rows_in += n
            refuse = _refuse(tally, at, first, second, lambda row: self._start + (row - 1) * row_bytes, row_bytes)
            yield from chunks_of(tally, "edges", edge_batch(self.facts, tally, edges, refuse))
        if rows < self.shape[0]:
            held = 0 if self.is_fortran else rows * row_bytes
            detail = f"the header states {self.shape[0]} rows, {rows} are whole; fetch the file again"
            _reject_file(tally, "truncated_array", detail, self._start + held, size, row=rows + 1)
        yield tally.chunk({})

    def _whole_rows(self, held: int, width: int) -> int:
        """Rows of which every column is among the first `held` items."""
        n = int(self.shape[0])
        # Column after column: what is missing is the end of the last one.
        return max(0, min(n, held - (width - 1) * n if self.is_fortran else held // width))

    def _columns(self, at: int, n: int, width: int) -> list[npt.NDArray[Any] | None]:
        """First, second and weight column of n rows. Mapped anew each time: pages once touched count as memory."""
        if self.dtype.names is not None:
            table = self._mapped(at, n)
            return [None if name is None else table[name] for name in self._fields]
        if self.is_fortran:
            return [None if k is None else self._mapped(k * int(self.shape[0]) + at, n) for k in self._fields]
        table = self._mapped(at * width, n * width).reshape(n, width)
        return [None if k is None else table[:, k] for k in self._fields]

    def _mapped(self, item: int, n: int) -> npt.NDArray[Any]:
        offset = self._start + item * self.dtype.itemsize
        return np.asarray(np.memmap(self._path, dtype=self.dtype, mode="r", offset=offset, shape=(n,)))


class ParquetEdges:
    """Edges or labelled nodes of a Parquet file with known column names.

    Attributes:
        facts: in view of these names.
    """

    compression = None

    def __init__(self, path: Path, columns_of: ColumnsOf) -> None:
        """Read the footer.

        Raises:
            InputError: no readable footer, or names that contradict the stated direction.
            UnknownVintage: no known names, or ends that are neither whole numbers nor text.
        """
        self._path = path
        try:
            # Otherwise whole columns of a row group would be read at once.
            self._file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
        except (pa.ArrowException, OSError) as problem:
            raise InputError(f"{path}: not a whole Parquet file ({problem}); fetch it again.") from problem
        schema = self._file.schema_arrow
        self._names, self.facts = columns_of(schema.names)
        self.record = "edges" if "first_node" in self._names else "nodes"
        for name in self._names.values():
            if schema.names.count(name) > 1:
                raise UnknownVintage(f"{path}: more than one column {name}; nearest: parquet. Rename one of them.")
            _check_type(path, name, _kind(schema.field(name).type))

    @property
    def manifest(self) -> dict[str, Any]:
        """What the file's form tells."""
        return {"columns": list(self._file.schema_arrow.names)}

    def chunks(self, tally: Tally) -> Iterator[Chunk]:
        """All rows."""
        at = 0
        batches = self._file.iter_batches(CHUNK_ROWS, columns=list(self._names.values()), use_threads=False)
        try:
            for batch in batches:
                n = len(batch)
                columns = {own: batch.column(name) for own, name in self._names.items()}
                row = np.arange(at + 1, at + n + 1, dtype=np.int64)
                tally.rows_in += n
                yield from chunks_of(tally, self.record, self._batch(tally, columns, row, at))
                at += n
        except (pa.ArrowException, OSError) as problem:
            # Each chunk has been counted by now; what lies behind the damage cannot be.
            tally.notices.append(f"row {at + 1} and those after it cannot be read ({problem})")
            detail = f"of {self._file.metadata.num_rows} rows {at} can be read; fetch the file again"
            _reject_file(tally, "truncated_array", detail, 0, self._path.stat().st_size, row=at + 1)
        yield tally.chunk({})

    def _batch(self, tally: Tally, columns: dict[str, pa.Array], row: npt.NDArray[np.int64], at: int) -> pa.RecordBatch:
        n = len(row)
        if self.record == "nodes":
            label = columns["node_label"].cast(pa.string())
            refuse = _refuse(tally, at, columns["node"], None, lambda _row: 0, 0)
            return node_batch(self.facts, Nodes(_ends(columns["node"]), label, row), refuse)
        first, second = columns["first_node"], columns["second_node"]
        refuse = _refuse(tally, at, first, second, lambda _row: 0, 0)
        edges = Edges(_ends(first), _ends(second), _weights(columns.get("edge_weight"), n), row)
        return edge_batch(self.facts, tally, edges, refuse)


def _npy_header(path: Path) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """(shape, whether it is stored column by column, type, where the data begin); no object is unpickled."""
    with path.open("rb") as file:
        try:
            version = npy.read_magic(file)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that a header of Python 2 is read more slowly
                shape, is_fortran, dtype = read(file)
        except (ValueError, TypeError, SyntaxError, TokenError, RecursionError, MemoryError) as problem:
            raise InputError(
                f"{path}: the header of the NumPy file cannot be read ({problem}); save it anew."
            ) from problem
        if min(shape, default=0) < 0:
            raise InputError(f"{path}: the header of the NumPy file states a shape of {shape}; save it anew.")
        return shape, is_fortran, dtype, file.tell()


def _kind(kind: pa.DataType) -> str:
    """The NumPy letter of an Arrow type; the values of a dictionary count."""
    if pa.types.is_dictionary(kind):
        return _kind(kind.value_type)
    if pa.types.is_integer(kind):
        return "i"
    if pa.types.is_floating(kind):
        return "f"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "U"
    return "other"


def _check_type(path: Path, name: str, kind: str) -> None:
    if kind not in "iufU":
        raise UnknownVintage(
            f"{path}: column {name} holds neither whole numbers nor text; nearest: parquet or npy, which need one of "
            "them. Convert the column."
        )


def _arrow(values: Any) -> pa.Array:
    if isinstance(values, np.ndarray):
        return pa.array(np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("=")))
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def _ends(values: Any) -> Ends:
    """Nodes of integers (any byte order), whole floats or texts."""
    values = _arrow(values)
    if _kind(values.type) == "U":
        return Ends.of_texts(values.cast(pa.string()))
    if pa.types.is_floating(values.type):
        values = values.cast(pa.float64())
        whole = pc.and_(pc.equal(values, pc.floor(values)), pc.less(pc.abs(values), _EXACT))
        whole = pc.fill_null(whole, False)
        # What is no whole number is no id: it is shown as delivered and refused.
        numbers = pc.if_else(whole, values, pa.scalar(None, values.type)).cast(pa.int64())
        delivered = pc.if_else(whole, numbers.cast(pa.string()), values.cast(pa.string()))
        return Ends(delivered, numbers.cast(pa.string()), _kinds(numbers))
    if values.null_count:
        texts = values.cast(pa.string())
    else:
        wide = pa.uint64() if pa.types.is_unsigned_integer(values.type) else pa.int64()
        texts = kernel.decimal_texts(values.cast(wide).to_numpy())
    return Ends(texts, texts, _kinds(values))


def _kinds(numbers: pa.Array) -> npt.NDArray[np.uint8]:
    kind = np.zeros(len(numbers), dtype=np.uint8)
    if numbers.null_count:
        kind[np.asarray(numbers.is_null())] = kernel.ID_EMPTY
    if pa.types.is_signed_integer(numbers.type) and len(numbers) and (pc.min(numbers).as_py() or 0) < 0:
        kind[np.asarray(pc.fill_null(pc.less(numbers, 0), False))] = kernel.ID_NEGATIVE
    return kind


def _weights(values: Any, n: int) -> Weights:
    if values is None:
        return Weights.none(n)
    values = _arrow(values)
    if _kind(values.type) == "U":
        return Weights.of_texts(values.cast(pa.string()))
    numbers = values.cast(pa.float64(), safe=False)
    finite = pc.fill_null(pc.is_finite(numbers), False)
    return Weights(values.cast(pa.string()), pc.if_else(finite, numbers, pa.scalar(None, pa.float64())))


def _refuse(
    tally: Tally, at: int, first: Any, second: Any, offset_of: Callable[[int], int], length: int
) -> Callable[[int, str, str], None]:
    def refuse(k: int, reason: str, detail: str) -> None:
        row = at + k + 1
        found = " ".join(str(column[k]) for column in (first, second) if column is not None)
        tally.reject(reason, detail, line=row, offset=offset_of(row), length=length, record=row, excerpt=found)

    return refuse


def _reject_file(tally: Tally, reason: str, detail: str, offset: int, size: int, row: int | None = None) -> None:
    tally.rows_in += 1
    tally.reject(reason, detail, line=row or 1, offset=offset, length=max(0, size - offset), record=row, excerpt="")
