"""The CSV scanner against Python's csv module, and its way back after damage."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sm_assets.errors import KernelError
from sm_assets.kernels import scan


def read(
    data: bytes, n_fields: int, *, window: int = 1 << 20, delimiter: str = ",", **options: object
) -> tuple[list[tuple[str | None, ...]], list[scan.Rejected], list[int]]:
    """All rows, rejects and lines of `data`, fed in windows of `window` bytes."""
    scanner = scan.CsvScanner(n_fields, range(n_fields), delimiter=delimiter, **options)  # type: ignore[arg-type]  # passed on
    rows: list[tuple[str | None, ...]] = []
    rejects: list[scan.Rejected] = []
    lines: list[int] = []
    rest, at = b"", 0
    while True:
        fresh = data[at : at + window]
        at += len(fresh)
        final = at >= len(data)
        used = scanner.feed(rest + fresh, final=final)
        rest = (rest + fresh)[used:]
        taken = scanner.take()
        rows += list(zip(*(column.to_pylist() for column in taken.columns), strict=True))
        rejects += taken.rejects
        lines += taken.line.tolist()
        if final:
            return rows, rejects, lines


FIELD = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | st.sampled_from(
    ['"', '""', ",", "\n", "\r\n", "\r", 'a "quoted" word', "two\nlines", ";", " "]
)


@given(st.lists(st.tuples(FIELD, FIELD, FIELD), max_size=12), st.integers(1, 40), st.booleans())
def test_clean_files_read_as_they_were_written(
    records: list[tuple[str, str, str]], window: int, quote_all: bool
) -> None:
    text = io.StringIO(newline="")
    # With LF alone the csv module leaves a bare CR unquoted, and then it ends a record.
    line_end, quoting = ("\n", csv.QUOTE_ALL) if quote_all else ("\r\n", csv.QUOTE_MINIMAL)
    writer = csv.writer(text, lineterminator=line_end, quoting=quoting)
    writer.writerows(records)
    rows, rejects, _ = read(text.getvalue().encode(), 3, window=window)
    assert rows == [tuple(field or None for field in record) for record in records]
    assert rejects == []


@given(st.binary(max_size=200), st.integers(1, 64))
def test_windows_do_not_matter_and_nothing_is_lost(data: bytes, window: int) -> None:
    whole = read(data, 2, inspect=True)
    parts = read(data, 2, window=window, inspect=True)
    assert whole[0] == parts[0]
    assert [(r.offset, r.length, r.reason) for r in whole[1]] == [(r.offset, r.length, r.reason) for r in parts[1]]
    # Rows and rejects together cover every byte that is no line end.
    covered = sum(r.length for r in whole[1])
    assert covered <= len(data)
    if not whole[0] and not whole[1]:
        assert data.strip(b"\r\n") == b""


def test_an_open_quote_costs_its_own_line_only() -> None:
    data = b'a,b\n1,"open\n2,x\n3,"closed, with comma"\n4,y\n'
    rows, rejects, lines = read(data, 2)
    assert rows == [("a", "b"), ("2", "x"), ("3", "closed, with comma"), ("4", "y")]
    assert [(r.line, r.reason, r.offset, r.length) for r in rejects] == [(2, "unterminated_quote", 4, 7)]
    assert lines == [1, 3, 4, 5]


def test_an_open_quote_at_the_end_costs_its_own_line_only() -> None:
    rows, rejects, _ = read(b'1,a\n2,"open\n3,b\n4,c\n', 2)
    assert rows == [("1", "a"), ("3", "b"), ("4", "c")]
    assert [(r.line, r.reason) for r in rejects] == [(2, "unterminated_quote")]


def test_an_endless_quote_is_given_up_at_the_largest_record() -> None:
    filler = b"x,y\n" * 4096
    rows, rejects, _ = read(b'1,"open\n' + filler, 2, window=256, max_record=1024)
    assert len(rows) == 4096
    assert [(r.line, r.reason) for r in rejects] == [(1, "unterminated_quote")]


def test_a_record_without_end_is_given_up() -> None:
    rows, rejects, _ = read(b"1,a\n" + b"z" * 5000 + b"\n2,b\n", 2, window=256, max_record=1024)
    assert rows == [("1", "a"), ("2", "b")]
    assert {r.reason for r in rejects} <= {"oversize_record", "missing_columns"}
    assert sum(r.length for r in rejects) == 5000


def test_field_counts() -> None:
    rows, rejects, lines = read(b'1,a\n2\n3,b,c\n"4\nlines",d\n5,"e\nf",g\n6,h\n', 2)
    assert rows == [("1", "a"), ("4\nlines", "d"), ("6", "h")]
    assert [(r.line, r.record, r.reason, r.found) for r in rejects] == [
        (2, 2, "missing_columns", 1),
        (3, 3, "extra_columns", 3),
        (6, 5, "extra_columns", 3),
    ]
    assert lines == [1, 4, 8]


def test_damage_is_repaired_or_rejected() -> None:
    data = b"1,a\0b\n2,\xff\xfe\n3,\xc3\xa9\n4,\xe2\x82\n"
    rows, rejects, _ = read(data, 2, inspect=True)
    assert rows == [("1", "ab"), ("2", "��"), ("3", "é"), ("4", "�")]
    assert rejects == []
    rows, rejects, _ = read(data, 2, inspect=True, reject_damage=True)
    assert rows == [("3", "é")]
    assert [(r.record, r.reason) for r in rejects] == [(1, "bad_char"), (2, "bad_utf8"), (4, "bad_utf8")]


@given(st.binary(max_size=60))
def test_repair_replaces_as_python_does(data: bytes) -> None:
    data = data.translate(None, b'\0"\r\n,')
    rows, _, _ = read(b"x," + data + b"\n", 2, inspect=True)
    assert rows == [("x", data.decode("utf-8", "replace") or None)]


def test_positions_and_statistics() -> None:
    scanner = scan.CsvScanner(1, [0], inspect=True, line=2, offset=100)
    scanner.feed(b"a\n\n\xc3\xa9\n\xff\n", final=True)
    taken = scanner.take()
    assert taken.row.tolist() == [1, 2, 3]
    assert taken.line.tolist() == [2, 4, 5]
    assert taken.start.tolist() == [100, 103, 106]
    assert taken.length.tolist() == [1, 2, 1]
    assert taken.flags.tolist() == [0, 0, scan.BAD_UTF8]
    assert scanner.position == (6, 108)
    assert scanner.statistics == {
        "records": 3,
        "clean_runs": 1,
        "broken_runs": 1,
        "clean_records": 1,
        "broken_records": 1,
    }


@pytest.mark.parametrize("delimiter", ["", ",,", "é", '"', "\n"])
def test_impossible_delimiters_are_refused(delimiter: str) -> None:
    with pytest.raises(KernelError, match="one ASCII character"):
        scan.CsvScanner(1, [0], delimiter=delimiter)


@pytest.mark.parametrize("wanted", [[0, 0], [2], [-1]])
def test_impossible_positions_are_refused(wanted: list[int]) -> None:
    with pytest.raises(KernelError, match="distinct"):
        scan.CsvScanner(2, wanted)
