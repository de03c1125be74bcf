"""Edges and node labels in text files: CSV with a known header or none, and plain lists as SNAP gives them.

Here: the text formats. Not here: recognising them (`edges`), what makes an edge unusable (`edges_rows`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.kernels import edges as kernel
from sm_assets.sources.bytestream import Windows, bom_of, compression_of, open_bytes, open_utf8
from sm_assets.sources.csv_file import CsvFile, CsvRows
from sm_assets.sources.edges_rows import Edges, Ends, FileFacts, Nodes, Weights, chunks_of, edge_batch, node_batch
from sm_assets.sources.reading import Chunk, Tally, excerpt

_REASONS = {
    kernel.MISSING: ("bad_edge", "the line has fewer than two nodes"),
    kernel.NOT_A_NUMBER: ("bad_edge", "a node is no whole number"),
    kernel.NEGATIVE: ("bad_edge", "a node is a negative number"),
    kernel.TOO_LARGE: ("bad_edge", "a node is a number beyond 2^64-1"),
    kernel.EXTRA: ("extra_columns", "the line has more than two nodes and a weight"),
    kernel.UNTERMINATED: ("unterminated_last_line", "the last line has no line end: its last number may be cut"),
    kernel.OVERSIZE: ("oversize_record", "one line of more than 64 MiB"),
}


class CsvEdges:
    """Edges or node labels of a CSV file."""

    def __init__(self, file: CsvFile, facts: FileFacts, record: str) -> None:
        """`record`: `edges` or `nodes`."""
        self._file = file
        self._facts = facts
        self._record = record

    @property
    def manifest(self) -> dict[str, Any]:
        """What the file's form tells."""
        return self._file.facts

    def chunks(self, tally: Tally) -> Iterator[Chunk]:
        """All rows."""
        cells = ("first_node", "second_node", "edge_weight") if self._record == "edges" else ("node", "node_label")
        for rows in self._file.rows(cells, list(self._file.header.unknown)):
            yield from chunks_of(tally, self._record, self._batch(tally, rows))
        yield tally.chunk({})

    def _batch(self, tally: Tally, rows: CsvRows) -> pa.RecordBatch:
        n = len(rows)
        scanned = rows.scanned
        # Only the last line of a file can reach the end of a window without a line end.
        cut = bool(n) and scanned.start[-1] + scanned.length[-1] == rows.window_offset + len(rows.window)
        if cut:
            self._file.reject(rows, n - 1, *_REASONS[kernel.UNTERMINATED])
        kept = n - cut
        columns = {name: column.slice(0, kept) for name, column in rows.columns.items()}
        row, line, extra = scanned.row[:kept], scanned.line[:kept], rows.extra().slice(0, kept)

        def refuse(k: int, reason: str, detail: str) -> None:
            self._file.reject(rows, k, reason, detail)

        if self._record == "nodes":
            label = columns.get("node_label", pa.nulls(kept, pa.string()))
            nodes = Nodes(Ends.of_texts(columns["node"]), label, row, line, extra)
            return node_batch(self._facts, nodes, refuse)
        weight = columns.get("edge_weight")
        edges = Edges(
            Ends.of_texts(columns["first_node"]),
            Ends.of_texts(columns["second_node"]),
            Weights.none(kept) if weight is None else Weights.of_texts(weight),
            row,
            line,
            extra,
        )
        return edge_batch(self._facts, tally, edges, refuse)


class PlainEdges:
    """Edges of a plain list: two numbers and perhaps a weight on each line, comments, perhaps a line of sizes."""

    def __init__(
        self, path: Path, facts: FileFacts, *, encoding: str | None, commas: bool, header: int, may_have_sizes: bool
    ) -> None:
        """Look at the whole file if its first line may state its sizes.

        Args:
            path: where it lies.
            facts: what holds for all rows.
            encoding: as the user states it.
            commas: commas divide fields too.
            header: bytes (in UTF-8) of lines with names in front of the edges.
            may_have_sizes: the first line is two numbers.
        """
        self.compression = compression_of(path)
        self._path = path
        self._facts = facts
        self._commas = commas
        head = open_bytes(path, self.compression)
        try:
            marked, self._skip = bom_of(bytes(next(iter(Windows(head, 16)), b"")))
        finally:
            head.close()
        self.encoding = encoding or marked or "utf-8"
        self._header = header
        self._broken: str | None = None
        self._end = (0, 0)
        self._rest = b""
        self._sizes = self._stated_sizes() if may_have_sizes else None

    @property
    def manifest(self) -> dict[str, Any]:
        """What the file's form tells."""
        return {"encoding": self.encoding, "compression": self.compression}

    def _scan(self) -> Iterator[tuple[kernel.ScannedEdges, memoryview, int]]:
        """Scanned windows with their bytes and offset; afterwards `_broken`, `_end` and `_rest` tell how it ended."""
        stream = open_utf8(self._path, self.compression, self.encoding, self._skip)
        windows = Windows(stream)
        scanner = kernel.EdgeScanner(commas=self._commas, line=1 + bool(self._header), offset=self._skip + self._header)
        skipped = 0
        try:
            for window in windows:
                ahead = min(max(0, self._header - skipped), len(window))
                body = window[ahead:]
                if windows.broken:
                    # Half a number is still a number: the line that the damage cuts is no edge.
                    whole = 1 + bytes(body).rfind(b"\n")
                    self._rest, body = bytes(body[whole:]), body[:whole]
                used = ahead + scanner.feed(body, final=windows.final)
                windows.used(used)
                skipped += used
                yield scanner.take(), window, windows.offset + self._skip
        finally:
            stream.close()
        self._broken, self._end = windows.broken, scanner.position

    def _stated_sizes(self) -> tuple[int, int] | None:
        """(nodes, edges) where the first line states them: as many edges follow and no id is beyond the nodes."""
        sizes: tuple[int, int] | None = None
        records = 0
        for scanned, _window, _offset in self._scan():
            records += len(scanned.row) + len(scanned.rejects)
            first, second = scanned.first, scanned.second
            if sizes is None and len(first):
                if int(scanned.row[0]) != 1 or scanned.weight_text[0].is_valid:
                    return None
                sizes = int(first[0].as_py()), int(second[0].as_py())
                first, second = first.slice(1), second.slice(1)
            if sizes is not None and (records - 1 > sizes[1] or max(_largest(first), _largest(second)) > sizes[0]):
                return None
        return sizes if sizes is not None and sizes[1] and records - 1 == sizes[1] else None

    def chunks(self, tally: Tally) -> Iterator[Chunk]:
        """All rows."""
        if self._sizes is not None:
            tally.notices.append(
                f"the first line states sizes ({self._sizes[0]} nodes, {self._sizes[1]} edges) and is no edge"
            )
        ahead = 1 if self._sizes is not None else 0
        for scanned, window, offset in self._scan():
            tally.rows_in += len(scanned.row) + len(scanned.rejects)
            for reject in scanned.rejects:
                reason, detail = _REASONS[reject.reason]
                tally.reject(
                    reason, detail, line=reject.line, offset=reject.offset, length=reject.length,
                    record=reject.record - ahead,
                    excerpt=excerpt(window, max(reject.offset - offset, 0), reject.length),
                )  # fmt: skip
            skip = int(bool(ahead) and len(scanned.row) > 0 and int(scanned.row[0]) == 1)
            tally.rows_in -= skip
            yield from chunks_of(tally, "edges", self._batch(tally, scanned, skip, ahead))
        if self._broken:
            tally.rows_in += 1
            tally.notices.append(
                f"the compressed file ends early ({self._broken}); the rows before the damage were read"
            )
            tally.reject(
                "truncated_stream", f"the compressed file ends early ({self._broken}); fetch it again",
                line=self._end[0], offset=self._end[1], length=len(self._rest), record=None,
                excerpt=excerpt(self._rest, 0, len(self._rest)),
            )  # fmt: skip
        yield tally.chunk({})

    def _batch(self, tally: Tally, scanned: kernel.ScannedEdges, skip: int, ahead: int) -> pa.RecordBatch:
        numbers = pa.array(scanned.weight[skip:], mask=scanned.weight_kind[skip:] != kernel.WEIGHT)
        edges = Edges(
            _ends(scanned.first.slice(skip), padded=scanned.padded),
            _ends(scanned.second.slice(skip), padded=scanned.padded),
            Weights(scanned.weight_text.slice(skip), numbers),
            scanned.row[skip:] - ahead,
            scanned.line[skip:],
        )

        def refuse(_k: int, reason: str, detail: str) -> None:
            raise AssertionError(f"{reason}: {detail}")  # the kernel has refused all that can be

        return edge_batch(self._facts, tally, edges, refuse)


def _ends(texts: pa.StringArray, *, padded: bool) -> Ends:
    return Ends.of_texts(texts) if padded else Ends(texts, texts, np.zeros(len(texts), dtype=np.uint8))


def _largest(ids: pa.StringArray) -> int:
    """The largest of texts of digits, 0 where there is none."""
    bare = pc.utf8_ltrim(ids, "0")
    lengths = pc.binary_length(bare)
    longest = bare.filter(pc.equal(lengths, pc.max(lengths)))
    return int(pc.max(longest).as_py() or 0)
