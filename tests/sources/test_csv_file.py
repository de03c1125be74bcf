"""CSV files of any source: header, delimiter, encoding, positions, rejects, broken streams."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from sm_assets.errors import InputError
from sm_assets.sources.csv_file import CsvFile, Header, column_mapper
from sm_assets.sources.reading import REJECT_SCHEMA, Tally

COLUMN_OF = column_mapper({"Id": "id", "Text": "text", "": "row"}, None, {"Score (": "score"})


def write(path: Path, text: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def read(path: Path, **options: object) -> tuple[CsvFile, list[tuple[str | None, ...]], list[dict[str, object]]]:
    """(file, its rows as (id, text), rejects)."""
    file = CsvFile(path, Tally(), COLUMN_OF, **options)  # type: ignore[arg-type]  # passed on
    found: list[tuple[str | None, ...]] = []
    for rows in file.rows(["id", "text"]):
        found += zip(rows.column("id").to_pylist(), rows.column("text").to_pylist(), strict=True)
    rejects = file.tally.chunk({}).rejects
    assert rejects.schema.equals(REJECT_SCHEMA)
    assert file.tally.rows_in == len(found) + rejects.num_rows
    return file, found, rejects.to_pylist()


def test_the_delimiter_is_that_with_the_most_known_columns(tmp_path: Path) -> None:
    for delimiter in ",;\t":
        text = 'id,"Score (a, b; c)", TEXT \r\n1,2,é\r\n'
        if delimiter == "\t":
            text = "id\tScore (a, b; c)\t TEXT \n1\t2\té"
        if delimiter == ";":
            text = 'id;"Score (a, b; c)"; TEXT \n1;2;é\n'
        path = write(tmp_path / "x.csv", text)
        file, rows, _ = read(path)
        assert (file.delimiter, rows) == (delimiter, [("1", "é")])
        assert file.header.positions == {"id": 0, "score": 1, "text": 2}


def test_a_header_is_folded_and_nothing_of_it_is_lost() -> None:
    header = Header.of(["\ufeffId", "Id", "Te\u00a0xt", "", "", "Mine", "Mine"], COLUMN_OF)
    assert header.names == ("Id", "Id", "Te xt", "", "", "Mine", "Mine")
    assert header.positions == {"id": 0, "row": 3}
    assert header.unknown == {"Id": 1, "Te xt": 2, "column 5": 4, "Mine": 5, "Mine (2)": 6}


def test_what_the_user_states_of_columns_goes_first() -> None:
    column_of = column_mapper({"Id": "id", "Name": "name"}, {"name": "id"})
    assert (column_of("NAME"), column_of("id"), column_of("x")) == ("id", "id", None)


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16"])
def test_byte_order_marks(tmp_path: Path, mark: str) -> None:
    file, rows, _ = read(write(tmp_path / "x.csv", "id,text\n1,é\n", mark))
    assert (file.header.names, rows) == (("id", "text"), [("1", "é")])


def test_cp1252_only_where_no_run_is_valid(tmp_path: Path) -> None:
    file, rows, _ = read(write(tmp_path / "x.csv", b"id,text\n1,caf\xe9\n2,\x93q\x94\n"))
    assert (file.encoding, rows) == ("cp1252", [("1", "café"), ("2", "\u201cq\u201d")])
    assert file.tally.notices == ["not UTF-8: read as Windows-1252"]
    file, rows, _ = read(write(tmp_path / "x.csv", b"id,text\n1,caf\xe9\n2,\xc3\xa9\0\n"))
    assert (file.encoding, rows) == ("utf-8", [("1", "caf\ufffd"), ("2", "é")])
    assert file.tally.repairs == {"record/invalid_utf8": 1, "record/nul": 1}


def test_a_survey_finds_the_encoding_on_the_way(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", b"id;t\xe9xt;text\n1;;caf\xe9\n")
    file = CsvFile(path, Tally(), COLUMN_OF, surveyed=True)
    assert [len(rows) for rows in file.survey(["id"])] == [1]
    assert file.survey_again()
    assert [len(rows) for rows in file.survey(["id"])] == [1]
    assert not file.survey_again()
    assert (file.encoding, file.header.names[1]) == ("cp1252", "téxt")
    (rows,) = file.rows(["text"], ["téxt"])
    assert rows.column("text").to_pylist() == ["café"]


def test_every_record_is_a_row_or_a_reject_with_its_place(tmp_path: Path) -> None:
    data = b'id,text\n1,"a\n\nb"\r\n\n2\n3,c,d\n4,"open\n5,e\n'
    file, rows, rejects = read(write(tmp_path / "x.csv", data))
    assert rows == [("1", "a\n\nb"), ("5", "e")]
    assert [(r["reason"], r["line"], r["record"]) for r in rejects] == [
        ("missing_columns", 6, 2), ("extra_columns", 7, 3), ("unterminated_quote", 8, 4),
    ]  # fmt: skip
    for reject in rejects:
        start, length = int(str(reject["byte_offset"])), int(str(reject["byte_length"]))
        assert data[start : start + length].decode().startswith(str(reject["raw_excerpt"]).rstrip("\n"))
    assert rejects[1]["detail"] == "3 fields, the header has 2"
    assert file.tally.rejected == {"missing_columns": 1, "extra_columns": 1, "unterminated_quote": 1}


def test_a_row_that_the_reader_rejects(tmp_path: Path) -> None:
    file = CsvFile(write(tmp_path / "x.csv", "id,text,Mine\n1,a,\n2,b,c\n"), Tally(), COLUMN_OF)
    for rows in file.rows(["id"], list(file.header.unknown)):
        assert rows.positions()["source_line"].to_pylist() == [2, 3]
        assert rows.positions()["source_row"].to_pylist() == [1, 2]
        assert [text and json.loads(text) for text in rows.extra().to_pylist()] == [None, {"Mine": "c"}]
        file.reject(rows, 1, "bad_time", "no time", day=3)
    (reject,) = file.tally.chunk({}).rejects.to_pylist()
    assert (reject["line"], reject["byte_offset"], reject["byte_length"], reject["raw_excerpt"]) == (3, 18, 5, "2,b,c")


def test_files_without_rows(tmp_path: Path) -> None:
    for text in ("", "\n\n", "\ufeff"):
        file, rows, _ = read(write(tmp_path / "x.csv", text))
        assert (file.empty, rows) == (True, [])
    file, rows, _ = read(write(tmp_path / "x.csv", "id,text"))
    assert (file.empty, rows, file.header.positions) == (False, [], {"id": 0, "text": 1})


def test_a_file_without_a_header(tmp_path: Path) -> None:
    file, rows, _ = read(write(tmp_path / "x.csv", "1\ta\n2\tb\n"), names=["id", "text"], delimiters="\t")
    assert rows == [("1", "a"), ("2", "b")]
    assert file.end == (3, 8)


def test_a_cut_stream_keeps_the_rows_before(tmp_path: Path) -> None:
    body = "id,text\n" + "".join(f"{k},line {k * 7919}\n" for k in range(20_000))
    whole = gzip.compress(body.encode())
    file, rows, rejects = read(write(tmp_path / "x.csv.gz", whole[: len(whole) // 2]))
    assert file.broken
    assert rejects[-1]["reason"] == "truncated_stream"
    assert 1000 < len(rows) < 20_000
    assert rows == [(str(k), f"line {k * 7919}") for k in range(len(rows))]
    assert f"{len(rows)},line {len(rows) * 7919}".startswith(str(rejects[-1]["raw_excerpt"]))
    assert rejects[-1]["byte_offset"] == len("".join(body.splitlines(keepends=True)[: len(rows) + 1]))
    with pytest.raises(InputError, match="cannot be decompressed"):
        read(write(tmp_path / "y.csv.gz", whole[:5]))
