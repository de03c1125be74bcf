"""The scanner of plain edge lists against a slow reading, however the bytes are cut into windows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sm_assets.errors import KernelError
from sm_assets.kernels import edges as kernel

FIELDS = st.sampled_from(["0", "7", "007", str(2**64 - 1), str(2**64), "-3", "x", "0.5", "é", "1e400", ""])
LINES = st.lists(
    st.tuples(st.lists(FIELDS, max_size=4), st.sampled_from([" ", "\t", "  ", " ,"]), st.sampled_from(["", " ", "\r"]))
)
Rows = list[tuple[int, int, str, str]]


def slow(content: bytes, *, commas: bool) -> tuple[Rows, list[tuple[int, int]]]:
    """Rows (record, line, first, second) and rejects (record, line)."""
    rows: Rows = []
    rejects: list[tuple[int, int]] = []
    record = 0
    lines = content.decode().split("\n")
    for number, line in enumerate(lines, 1):
        bare = (line.removesuffix("\r") if number < len(lines) or line.endswith("\r") else line).strip(" \t")
        if not bare or bare[0] in "#%":
            continue
        record += 1
        if commas:
            parts = [part for piece in bare.split(",") for part in (piece.split() or [""])]
            parts = parts[:-1] if bare.endswith(",") else parts
        else:
            parts = bare.split()
        fine = number < len(lines) and 2 <= len(parts) <= 3
        fine = fine and all(p.isascii() and p.isdigit() and int(p) < 2**64 for p in parts[:2])
        if fine:
            rows.append((record, number, parts[0], parts[1]))
        else:
            rejects.append((record, number))
    return rows, rejects


def scan(
    content: bytes, cuts: list[int], *, commas: bool = False, max_record: int = 1 << 20
) -> tuple[Rows, list[kernel.RejectedLine]]:
    scanner = kernel.EdgeScanner(commas=commas, max_record=max_record)
    rows: Rows = []
    rejects: list[kernel.RejectedLine] = []
    used = 0
    for cut in [*sorted(cut % (len(content) + 1) for cut in cuts), len(content)]:
        used += scanner.feed(content[used:cut], final=cut == len(content))
        taken = scanner.take()
        rows += zip(
            taken.row.tolist(), taken.line.tolist(), taken.first.to_pylist(), taken.second.to_pylist(), strict=True
        )
        rejects += taken.rejects
    assert scanner.records == len(rows) + len(rejects)
    return rows, rejects


@given(LINES, st.lists(st.integers(0, 10_000), max_size=4), st.booleans())
def test_equals_a_slow_reading_whatever_the_windows(
    lines: list[tuple[list[str], str, str]], cuts: list[int], ends: bool
) -> None:
    content = "\n".join(
        mark.strip().join(fields) if mark == " ," else mark.join(fields) + tail for fields, mark, tail in lines
    )
    data = (content + "\n" * ends).encode()
    for commas in (False, True):
        rows, rejects = scan(data, cuts, commas=commas)
        assert (rows, [(reject.record, reject.line) for reject in rejects]) == slow(data, commas=commas)
        assert [data[r.offset : r.offset + r.length].count(b"\n") for r in rejects] == [0] * len(rejects)


def test_a_line_without_end_is_given_up() -> None:
    data = b"1 2\n" + b"3" * 100 + b" 4\n5 6\n"
    rows, rejects = scan(data, list(range(4, 100, 7)), max_record=30)
    assert [row[2:] for row in rows] == [("1", "2"), ("5", "6")]
    assert [(r.reason, r.offset, r.length, r.line) for r in rejects] == [(kernel.OVERSIZE, 4, 102, 2)]
    with pytest.raises(KernelError, match="max_record"):
        kernel.EdgeScanner(max_record=1)


@given(st.lists(st.one_of(st.none(), FIELDS, st.text(max_size=5))))
def test_ids_in_one_form(texts: list[str | None]) -> None:
    ids = kernel.canonical_ids(pa.array(texts, pa.string()))
    for found, kind, delivered in zip(ids.texts.to_pylist(), ids.kind.tolist(), texts, strict=True):
        bare = (delivered or "").strip(" \t")
        if bare.isascii() and bare.isdigit() and int(bare) < 2**64:
            bare = str(int(bare))
        assert (found or "") == bare
        negative = bare[:1] == "-" and bare[1:].isascii() and bare[1:].isdigit()
        assert kind == (kernel.ID_EMPTY if not bare else kernel.ID_NEGATIVE if negative else int(bare != delivered))
    with pytest.raises(KernelError, match="must hold text"):
        kernel.canonical_ids(pa.array([1]))


@given(st.lists(st.integers(-(2**63), 2**63 - 1)), st.lists(st.integers(0, 2**64 - 1)))
def test_decimal_texts(signed: list[int], unsigned: list[int]) -> None:
    assert kernel.decimal_texts(np.array(signed, dtype=np.int64)).to_pylist() == list(map(str, signed))
    assert kernel.decimal_texts(np.array(unsigned, dtype=np.uint64)).to_pylist() == list(map(str, unsigned))
    with pytest.raises(KernelError, match="found float64"):
        kernel.decimal_texts(np.zeros(1))  # type: ignore[arg-type]  # that is the point
