"""Edge lists: who follows whom, and labels of nodes, in text, Parquet and NumPy files.

Here: how a file is recognised and opened. Not here: the formats (`edges_text`, `edges_arrays`), what makes an edge
unusable and who follows whom (`edges_rows`).

Names in a header settle which columns are the ends; a file without a header is read by its first two columns. The first
node is always that of the column that stands first, unless a sidecar's `columns` say otherwise. Which end follows the
other is stated in a sidecar, named by the header (follower, followed) or assumed, and the manifest says which.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

from sm_assets.errors import InputError, UnknownVintage
from sm_assets.sources.bytestream import Windows, bom_of, compression_of, open_bytes, open_utf8
from sm_assets.sources.csv_file import CsvFile, column_mapper, fold_name
from sm_assets.sources.edges_arrays import NPY_MAGIC, PARQUET_MAGIC, ArrayEdges, ParquetEdges
from sm_assets.sources.edges_rows import FileFacts
from sm_assets.sources.edges_text import CsvEdges, PlainEdges
from sm_assets.sources.reading import Chunk, ReadOptions, Tally

READER_VERSION = "2"
PAIRS = (
    ("follower", "influencer"),
    ("follower", "followed"),
    ("source", "target"),
    ("src", "dst"),
    ("from", "to"),
    ("u", "v"),
    ("id_1", "id_2"),
)
WEIGHT_NAMES = ("weight", "weights", "w")
NODE_NAMES = ("id", "node", "node_id", "account_id", "user_id")
LABEL_NAMES = ("target", "label", "class", "category", "community")
_HEAD = 1 << 16
_SHOWN = 80
"""Characters of a first line that a sentence shows."""
_SHOWN_NAMES = 500
_DELIMITERS = ",;\t|"
_LINE_END = re.compile(r"\r\n|\n|\r")
_NUMBER = re.compile(r"[ \t]*-?\d+[ \t]*")
_NODE = re.compile(r"[ \t]*[\w@:./%~+-]+[ \t]*")
_DECIMAL = re.compile(r"[ \t]*[-+]?[\d.]+([eE][-+]?\d+)?[ \t]*")
_NUMBERS = re.compile(r"[ \t]*-?\d+[ \t]+-?\d+([ \t]+[-+.\deE]+)?[ \t]*")
_TWO_NUMBERS = re.compile(r"[ \t]*\d+[ \t]+\d+[ \t]*")
_TABBED = re.compile(r"-?\d+\t-?\d+(\t[-+.\deE]+)?")


class _Format(Protocol):
    """One file in its format."""

    @property
    def manifest(self) -> dict[str, Any]: ...

    def chunks(self, tally: Tally) -> Iterator[Chunk]: ...


class EdgeReader:
    """One file: iterate for its chunks, then look at its manifest."""

    def __init__(self, vintage: str, facts: FileFacts, form: _Format | None, tally: Tally, **more: Any) -> None:
        self._vintage = vintage
        self._facts = facts
        self._form = form
        self._tally = tally
        self._more = more
        if vintage != "nodes":
            tally.notices.extend(facts.notices)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing stays open between iterations."""

    def __iter__(self) -> Iterator[Chunk]:
        if self._form is not None:
            yield from self._form.chunks(self._tally)

    @property
    def manifest(self) -> dict[str, Any]:
        """Facts about the file and the counts so far; JSON-ready."""
        own = {} if self._vintage == "nodes" else self._facts.direction_manifest
        form = {} if self._form is None else self._form.manifest
        return {"vintage": self._vintage, **self._facts.manifest, **own, **self._more, **form, **self._tally.facts}


def open_file(path: Path, options: ReadOptions, *, unstated_direction: str | None = None) -> EdgeReader:
    """Recognise and open one file.

    Args:
        path: the file.
        options: what is stated about it.
        unstated_direction: of a file where neither a statement nor the header tells it; None: one is assumed.

    Raises:
        UnknownVintage: no form of edge list fits.
        InputError: the file cannot be read, an option has no meaning, or the header contradicts the stated direction.
    """
    path = Path(path)
    facts = FileFacts.of(path, options, unstated_direction)
    compression = compression_of(path)
    head = _head(path, compression)
    if head.startswith((NPY_MAGIC, PARQUET_MAGIC)):
        return _open_binary(path, options, facts, compression, is_npy=head.startswith(NPY_MAGIC))
    return _open_text(path, options, facts, compression, head)


def _head(path: Path, compression: str | None, encoding: str | None = None, skip: int = 0) -> bytes:
    """The first bytes, decompressed; in UTF-8 where an encoding is named."""
    stream = open_bytes(path, compression) if encoding is None else open_utf8(path, compression, encoding, skip)
    windows = Windows(stream, _HEAD)
    try:
        head = bytes(next(iter(windows), b""))
    finally:
        stream.close()
    if windows.broken and not head:
        raise InputError(f"{path}: cannot be decompressed ({windows.broken}); fetch the file again.")
    return head


def _open_binary(
    path: Path, options: ReadOptions, facts: FileFacts, compression: str | None, *, is_npy: bool
) -> EdgeReader:
    vintage = "npy" if is_npy else "parquet"
    if compression is not None:
        raise InputError(f"{path}: a {vintage} file inside {compression}; it is mapped as it lies, so unpack it first.")

    def columns_of(names: Sequence[str]) -> tuple[dict[str, str], FileFacts]:
        return _named_columns(path, names, options.columns, facts, nodes=not is_npy)

    if is_npy:
        array = ArrayEdges(path, facts, columns_of)
        return EdgeReader(vintage, array.facts, array, Tally())
    table = ParquetEdges(path, columns_of)
    return EdgeReader("nodes" if table.record == "nodes" else vintage, table.facts, table, Tally())


def _named_columns(
    path: Path, names: Sequence[str], stated: Mapping[str, str], facts: FileFacts, *, nodes: bool
) -> tuple[dict[str, str], FileFacts]:
    """Own column -> name in the file; and the facts in view of the names."""
    known = _known(names, stated)
    if known is None or ("node" in known.values() and not nodes):
        raise UnknownVintage(_unknown(path, names))
    column_of = column_mapper(known)
    found: dict[str, str] = {}
    for name in names:
        column = column_of(fold_name(name))
        if column is not None:
            found.setdefault(column, name)
    return found, _of_header(path, facts, known, stated)


def _of_header(path: Path, facts: FileFacts, known: Mapping[str, str], stated: Mapping[str, str]) -> FileFacts:
    """The facts of a file with a header that `_known` knows.

    Raises:
        InputError: it contradicts the stated direction.
    """
    name_of = {cell: fold_name(name).casefold() for name, cell in known.items()}
    if "first_node" not in name_of:
        return facts
    mapped = {column: fold_name(name).casefold() for name, column in stated.items()}
    is_order_stated = any(mapped.get(cell) == name_of[cell] for cell in ("first_node", "second_node"))
    return facts.of_names(path, name_of["first_node"], name_of["second_node"], is_order_stated=is_order_stated)


def _known(names: Sequence[str], stated: Mapping[str, str]) -> dict[str, str] | None:
    """Delivered name -> own column for a header that names ends or labelled nodes; None: it does not."""
    order = [fold_name(name).casefold() for name in names]
    present = set(order)
    own = {fold_name(name).casefold(): column for name, column in stated.items()}
    mapped = {column: name for name, column in own.items() if name in present}
    pair = next((pair for pair in PAIRS if present.issuperset(pair)), None)
    if pair is not None:
        free = sorted(set(pair) - set(mapped.values()) or pair, key=order.index)
        mapped = {"first_node": free[0], "second_node": free[-1]} | mapped
    if {"first_node", "second_node"} <= set(mapped):
        weight = next((name for name in WEIGHT_NAMES if name in present), None)
        found = ({"edge_weight": weight} if weight else {}) | mapped
        cells: tuple[str, ...] = ("first_node", "second_node", "edge_weight")
    else:
        node = next((name for name in NODE_NAMES if name in present), None)
        label = next((name for name in LABEL_NAMES if name in present), None)
        found = ({"node": node} if node else {}) | ({"node_label": label} if label else {}) | mapped
        cells = ("node", "node_label")
        if not set(cells) <= set(found):
            return None
    return {found[cell]: cell for cell in cells if cell in found}


def _unknown(path: Path, names: Sequence[str]) -> str:
    pairs = ", ".join("/".join(pair) for pair in PAIRS)
    return (
        f"{path}: no known edge list has these columns: {_shown(', '.join(names[:50]), _SHOWN_NAMES)}. Nearest: csv or "
        f"parquet, which lacks a pair of ends ({pairs}), or labels of nodes ({NODE_NAMES[0]}/{LABEL_NAMES[0]}). Rename "
        "the columns, or map them to first_node and second_node with `columns` in a sidecar."
    )


def _shown(text: str, most: int = _SHOWN) -> str:
    """A file's own words for a sentence: in one line, no more than that, and what cannot be printed as escapes."""
    text = "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in text[: most + 1])
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _open_text(path: Path, options: ReadOptions, facts: FileFacts, compression: str | None, head: bytes) -> EdgeReader:
    marked, skip = bom_of(head)
    encoding = options.encoding or marked or "utf-8"
    text = _head(path, compression, encoding, skip).decode("utf-8", "replace")
    lines = [line for line in _LINE_END.split(text) if line.strip()]
    if not lines:
        return EdgeReader("empty", facts, None, Tally(), encoding=encoding, compression=compression)
    edge = next((line for line in lines if not line.lstrip().startswith(("#", "%"))), "")
    has_comments = edge != lines[0]
    if has_comments or (_NUMBERS.fullmatch(edge) and not _TABBED.fullmatch(edge)):
        commas = has_comments and "," in edge
        return _open_plain(path, options, facts, commas=commas, may_have_sizes=bool(_TWO_NUMBERS.fullmatch(edge)))
    for delimiter in _DELIMITERS:
        known = _known(next(csv.reader([edge], delimiter=delimiter), []), options.columns)
        if known is not None:
            return _open_csv(path, options, _of_header(path, facts, known, options.columns), delimiter, known)
    words = edge.split()
    known = _known(words, options.columns) or {}
    if [known.get(word.casefold()) for word in words] == ["first_node", "second_node", "edge_weight"][
        : max(2, len(words))
    ]:
        header = text.find("\n", text.index(edge)) + 1
        facts = _of_header(path, facts, known, options.columns)
        return _open_plain(path, options, facts, header=len(text[:header].encode()))
    return _open_headerless(path, options, facts, lines)


def _open_plain(
    path: Path,
    options: ReadOptions,
    facts: FileFacts,
    *,
    commas: bool = False,
    header: int = 0,
    may_have_sizes: bool = False,
) -> EdgeReader:
    form = PlainEdges(
        path, facts, encoding=options.encoding, commas=commas, header=header, may_have_sizes=may_have_sizes
    )
    return EdgeReader("snap", facts, form, Tally())


def _open_csv(
    path: Path,
    options: ReadOptions,
    facts: FileFacts,
    delimiter: str,
    known: Mapping[str, str],
    names: Sequence[str] | None = None,
    notice: str | None = None,
) -> EdgeReader:
    tally = Tally()
    if notice:
        tally.notices.append(notice)
    file = CsvFile(path, tally, column_mapper(known), delimiters=delimiter, encoding=options.encoding, names=names)
    record = "nodes" if "node" in known.values() else "edges"
    vintage = "nodes" if record == "nodes" else "tsv" if delimiter == "\t" else "csv"
    return EdgeReader(vintage, facts, CsvEdges(file, facts, record), tally)


def _open_headerless(path: Path, options: ReadOptions, facts: FileFacts, lines: Sequence[str]) -> EdgeReader:
    delimiter = next((mark for mark in _DELIMITERS if mark in lines[0]), None)
    if delimiter is None:
        raise UnknownVintage(
            f"{path}: no edge list: the first line is '{_shown(lines[0].strip())}'. Nearest: csv without a header, "
            "which lacks a comma, semicolon or tab between two nodes."
        )
    first = next(csv.reader([lines[0]], delimiter=delimiter))
    has_weight = len(first) > 2 and bool(_DECIMAL.fullmatch(first[2]))
    is_text = not any(_NUMBER.fullmatch(cell) for cell in first[:2])
    second = next(csv.reader(lines[1:2], delimiter=delimiter), [])
    has_numbers = len(second) > 1 and all(_NUMBER.fullmatch(cell) for cell in second[:2])
    # Names of any kind may be nodes, but not every line with a comma in it is an edge.
    others = len(first) - 2 - has_weight
    if (is_text and (has_numbers or others)) or not all(_NODE.fullmatch(cell) for cell in first[:2]):
        raise UnknownVintage(_unknown(path, first))
    cells = ["first_node", "second_node", *(["edge_weight"] if has_weight else [])]
    names = [*cells, *(f"column {k + 1}" for k in range(len(cells), len(first)))]
    told = _shown(", ".join(first[:2]))
    notice = f"no known header: the first line ({told}) was read as an edge" if is_text else None
    return _open_csv(path, options, facts, delimiter, {cell: cell for cell in cells}, names, notice)
