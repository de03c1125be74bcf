"""The JSON scanner against Python's json module, its framing of lines and documents, and its way on after damage."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.errors import KernelError
from sm_assets.kernels import json_lines
from sm_assets.kernels.json_lines import BAD_UTF8, LONE_SURROGATE, NUL, Number

Path = str | tuple[str, ...]


class Row(NamedTuple):
    row: int
    item: int
    line: int
    start: int
    length: int
    flags: int
    values: tuple[str | None, ...]


def read(
    data: bytes, *paths: Path, window: int = 1 << 20, max_record: int = json_lines.MAX_RECORD
) -> tuple[list[Row], list[json_lines.Rejected]]:
    """All rows and rejects of `data`, fed in windows that grow only where nothing could be used."""
    scanner = json_lines.JsonScanner(paths, max_record=max_record)
    rows: list[Row] = []
    rejects: list[json_lines.Rejected] = []
    at, size = 0, window
    while at < len(data):
        final = at + size > len(data)  # as a stream: the end is known only after a read that brings nothing
        used = scanner.feed(data[at : at + size], final=final)
        assert scanner.position[1] == at + used
        assert size <= 2 * max_record + 2 * window, "a window grew beyond what a record may need"
        at += used
        size = window if used else 2 * size
        taken = scanner.take()
        values = list(zip(*(column.to_pylist() for column in taken.columns), strict=True)) or [()] * len(taken.row)
        positions = (taken.row, taken.item, taken.line, taken.start, taken.length, taken.flags)
        for place, held in zip(zip(*(p.tolist() for p in positions), strict=True), values, strict=True):
            rows.append(Row._make((*place, held)))
        rejects += taken.rejects
        if final:
            assert used == size or at == len(data)
            break
    return rows, rejects


def column(data: bytes, path: Path = "a") -> str | None:
    """The one value of the one row of `data`."""
    rows, rejects = read(data, path)
    assert rejects == []
    assert len(rows) == 1
    return rows[0].values[0]


def brief(rejects: list[json_lines.Rejected]) -> list[tuple[int, str]]:
    return [(reject.line, reject.reason) for reject in rejects]


# Values

TEXT = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
KEYS = st.sampled_from(["a", "b", "$type", "commit", "a key of many letters", "a key of many lettres", "é", ""]) | TEXT
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        made.setdefault(key, value)
    return made


def loads(text: str) -> Any:
    """Python's reading by our rules: numbers stay text, of repeated keys the first wins, no NaN."""

    def refuse(word: str) -> Any:
        raise ValueError(word)

    return json.loads(
        text, parse_int=Number, parse_float=Number, parse_constant=refuse, object_pairs_hook=first_wins, strict=True
    )


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_parse_reads_what_python_reads(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert json_lines.parse(text.encode()) == loads(text)


def members(value: Any) -> st.SearchStrategy[str]:
    """JSON texts of objects in which keys repeat."""
    return st.lists(st.tuples(st.sampled_from("abc"), value), max_size=5).map(
        lambda pairs: "{" + ",".join(f"{json.dumps(key)}:{text}" for key, text in pairs) + "}"
    )


NESTED = st.recursive(
    VALUES.map(json.dumps) | st.just("null"),
    lambda inner: members(inner) | st.lists(inner, max_size=3).map(lambda parts: "[" + ", ".join(parts) + "]"),
    max_leaves=20,
)


def repaired(value: Any) -> Any:
    """A value of Python's with our repairs of its texts."""
    if isinstance(value, dict):
        return first_wins([(repaired(key), repaired(inner)) for key, inner in value.items()])
    if isinstance(value, list):
        return [repaired(inner) for inner in value]
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", "\ufffd", value.replace("\0", ""))
    return value


def found(value: Any, path: str) -> Any:
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def as_cell(value: Any) -> Any:
    """What a column holds: text as it is, empty as null, true and false as their words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str) and value else None if value in ("", None) else value


@given(members(NESTED))
def test_columns_hold_what_python_finds(text: str) -> None:
    paths = ["a", "b", "a.a", "a.b", "a.a.b", "b.c", "c.b.a"]
    value = loads(text)
    ((*_, held),), rejects = read(text.encode(), *paths, ("c", "b.a", "a"))
    assert rejects == []
    assert json_lines.parse(text.encode()) == value
    for path, cell in zip(paths, held, strict=False):
        expected = as_cell(found(value, path))
        assert (loads(cell) if isinstance(expected, dict | list) and cell else cell) == expected
    first = next((got for got in (as_cell(found(value, path)) for path in ("c", "b.a", "a")) if got is not None), None)
    assert (loads(held[-1]) if isinstance(first, dict | list) and held[-1] else held[-1]) == first


def test_of_repeated_keys_the_first_wins_at_every_level() -> None:
    data = b'{"a":{"b":1},"a":{"b":2,"c":3},"d":null,"d":4,"\\u0065":5,"e":6}'
    rows, _ = read(data, "a.b", "a.c", "d", "e", "a")
    assert rows[0].values == ("1", None, None, "5", '{"b":1}')
    assert json_lines.parse(data) == {"a": {"b": "1"}, "d": None, "e": "5"}


def test_numbers_stay_as_they_were_written() -> None:
    assert column(b'{"a":12345678901234567890123}') == "12345678901234567890123"
    value = json_lines.parse(b"[1.50, -0, 1E+2]")
    assert value == ["1.50", "-0", "1E+2"]
    assert isinstance(value, list)
    assert all(isinstance(number, Number) for number in value)


@pytest.mark.parametrize(
    ("inside", "text", "flags"),
    [
        (b"x\\u0000y", "xy", NUL),
        (b"x\0y", "xy", NUL),
        (b"\\u0000", None, NUL),
        (b"\\ud83d\\ude00", "😀", 0),
        (b"\\uD83D\\uDE00", "😀", 0),
        (b"\\ud83d", "\ufffd", LONE_SURROGATE),
        (b"\\ude00\\ud83d!", "\ufffd\ufffd!", LONE_SURROGATE),
        (b"\\ud83d\\ud83d\\ude00", "\ufffd😀", LONE_SURROGATE),
        (b"\\ud83d\\u0041", "\ufffdA", LONE_SURROGATE),
        (b"\\ud83d\\u0000\\ude00", "\ufffd\ufffd", LONE_SURROGATE | NUL),
        (b"\xff\xfe\xe2\x82!", "\ufffd\ufffd\ufffd!", BAD_UTF8),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd", BAD_UTF8),
        (b'\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9', '"\\/\b\f\n\r\té', 0),
        ("é\u2028\x7f😀".encode(), "é\u2028\x7f😀", 0),
    ],
)
def test_text_is_repaired_and_flagged(inside: bytes, text: str | None, flags: int) -> None:
    data = b'{"z":"some filler before it","a":"' + inside + b'"}'
    (row,), rejects = read(data, "a")
    assert (row.values[0], row.flags, rejects) == (text, flags, [])
    value, seen = json_lines.parse_flagged(b'"' + inside + b'"')
    assert (value or None, seen) == (text, flags)


def test_flags_speak_of_the_whole_record_and_of_no_other() -> None:
    rows, _ = read(b'{"a":1,"b":{"\\ud800":["\xff"]}}\n{"a":2}\n', "a")
    assert [(row.values[0], row.flags) for row in rows] == [("1", LONE_SURROGATE | BAD_UTF8), ("2", 0)]


def test_fragments_stay_as_they_came_and_are_made_safe() -> None:
    assert column(b'{"a": {"b": [1, "x\\n\\u00e9\\ud83d\\ude00"]} }') == '{"b": [1, "x\\n\\u00e9\\ud83d\\ude00"]}'
    broken = column(b'{"a":["\\ud800\\u0000x\0\\\\u0000\xff\\ud83d\\ude00\\u0041" ]}')
    assert broken == '["\\ufffdx\\\\u0000\ufffd\\ud83d\\ude00\\u0041" ]'
    rows, _ = read(b'{"a":{"b":"\\ud800","c":["ok"]}}', "a", "a.b", "a.c")
    assert rows[0].values == ('{"b":"\\ufffd"' + ',"c":["ok"]}', "\ufffd", '["ok"]')


def test_equal_values_have_one_shortest_spelling() -> None:
    spellings = [
        '{"k": [1.0, "a \\u0026 b\\/c", "\\u00e9 \\" \\\\ \\n\\u001f\\u000a "] , "k2":{}}',
        '{"k":[1.0,"a & b/c","é \\" \\\\ \\n\\u001F\\n "],"k2":{ }}',
        '{\t"\\u006b":[ 1.0 ,"a & b\\u002fc","é \\u0022 \\u005C \\n\\u001f\\u000A "],"k2":{}}',
    ]
    made = json_lines.shortest(pa.array([*spellings, None, ""], pa.string())).to_pylist()
    assert made == ['{"k":[1.0,"a & b/c","é \\" \\\\ \\n\\u001f\\n "],"k2":{}}'] * 3 + [None, ""]
    others = ["en us", '["', '["\\', '["\\u12', "[1, 2] ", "[1, 2", '{"a" 1}', "12 ", '"a b"', "é é"]
    assert json_lines.shortest(pa.array(others)).to_pylist() == others


@given(VALUES.filter(lambda value: isinstance(value, dict | list)), st.booleans())
def test_the_shortest_spelling_is_pythons(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    expected = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert json_lines.shortest(pa.array([text], pa.string())).to_pylist() == [expected]


def test_scalars_nulls_and_what_is_not_there() -> None:
    paths: list[Path] = ["a", "b", "c", "d", "e.f", ("b", "d", "a"), "g", "h"]
    rows, _ = read(b'{"a":true,"b":null,"c":"","e":"text","g":[],"h":{}}', *paths)
    assert rows[0].values == ("true", None, None, None, None, "true", "[]", "{}")


def test_alternatives_are_taken_in_their_order() -> None:
    path = ("x.y", "a", "b")
    assert column(b'{"b":1,"a":2}', path) == "2"
    assert column(b'{"b":1,"a":"","x":{"y":null}}', path) == "1"
    assert column(b'{"a":2,"x":{"y":3}}', path) == "3"


BROKEN = [
    b'{"a":01}', b'{"a":1.}', b'{"a":.5}', b'{"a":+1}', b'{"a":1e}', b'{"a":-}', b'{"a":0x1}', b'{"a":NaN}',
    b'{"a":tru}', b'{"a":nulll}', b'{"a":"x\ty"}', b'{"a":"\\x"}', b'{"a":"\\u12g4"}', b"{'a':1}", b'{"a" 1}',
    b'{"a":1,}', b'{,}', b'{"a":[1,]}', b'{"a":[1 2]}', b'{"a":1]', b'{"a":1}}', b'{"a":1} x', b'{"a"}', b'{1:2}',
    b'{"a":1}, {"a":2}', b'{"a":1}\0', b"\xff", b'\xc2\xa0{"a":1}', b"01", b"truefalse", b"1-2", b"[1}", b"]", b",",
]  # fmt: skip


@pytest.mark.parametrize("line", BROKEN)
def test_what_is_no_json_is_one_reject_of_its_line(line: bytes) -> None:
    data = b'{"a":"before"}\n  ' + line + b' \r\n{"a":"behind"}\n'
    rows, rejects = read(data, "a")
    assert [row.values[0] for row in rows] == ["before", "behind"]
    assert [row.row for row in rows] == [1, 3]
    assert rejects == [json_lines.Rejected(2, 17, len(line), 2, "malformed_json")]
    with pytest.raises(KernelError, match="does not fit"):
        json_lines.parse(line)


def test_depth_has_a_limit() -> None:
    for depth, good in ((512, True), (513, False), (100_000, False)):
        data = b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
        rows, rejects = read(data, "a")
        assert (len(rows), brief(rejects)) == ((1, []) if good else (0, [(1, "malformed_json")]))
        if good:
            assert json_lines.parse(data)
        else:
            with pytest.raises(KernelError):
                json_lines.parse(data)


# Lines


def test_lines_and_their_positions() -> None:
    data = b'\n  \t\r\n{"a":1}\r\n\n {"a":2} {"a":3}{"a":4}\n[{"a":5}, {"a":6}]\n{"a":7}'
    rows, rejects = read(data, "a")
    assert rejects == []
    assert [(row.row, row.item, row.line, row.values[0]) for row in rows] == [
        (1, 0, 3, "1"),
        (2, 0, 5, "2"),
        (2, 1, 5, "3"),
        (2, 2, 5, "4"),
        (3, 0, 6, "5"),
        (3, 1, 6, "6"),
        (4, 0, 7, "7"),
    ]
    for row in rows:
        assert data[row.start : row.start + row.length] == b'{"a":%d}' % int(row.values[0] or 0)


def test_a_broken_piece_takes_its_line_with_it() -> None:
    rows, rejects = read(b'{"a":1}{"a":2}{"a":\n{"a":3}\n[{"a":4},5,{]\n{"a":6}', "a")
    assert [(row.row, row.item, row.values[0]) for row in rows] == [(2, 0, "3"), (4, 0, "6")]
    assert brief(rejects) == [(1, "malformed_json"), (3, "malformed_json")]


def test_values_that_are_no_objects() -> None:
    rows, rejects = read(b'"text"\n12\n{"a":1} null {"a":2}\n[{"a":3},[{"a":0}],4,{"a":5}]\n[]\n{"a":6}', "a")
    assert [(row.row, row.item, row.values[0]) for row in rows] == [
        (3, 0, "1"),
        (3, 2, "2"),
        (4, 0, "3"),
        (4, 3, "5"),
        (6, 0, "6"),
    ]
    assert {reject.reason for reject in rejects} == {"not_an_object"}
    assert [(reject.line, reject.record, reject.length) for reject in rejects] == [
        (1, 1, 6),
        (2, 2, 2),
        (3, 3, 4),
        (4, 4, 9),
        (4, 4, 1),
    ]


@pytest.mark.parametrize("cut", range(1, 21))
def test_a_cut_last_line(cut: int) -> None:
    last = b'{"a":"x\\u00e9","b":[1.5,true]}'
    data = b'{"a":1}\n' + last[: 9 + cut]
    rows, rejects = read(data, "a")
    assert [row.values[0] for row in rows] == ["1"]
    assert rejects == [json_lines.Rejected(2, 8, 9 + cut, 2, "truncated_record")]
    rows, rejects = read(b'{"a":1}\n' + last, "a")
    assert ([row.values[0] for row in rows], rejects) == (["1", "xé"], [])


def test_a_last_line_that_is_wrong_and_not_only_cut() -> None:
    assert brief(read(b'{"a":1}\n{"a":x', "a")[1]) == [(2, "malformed_json")]


def test_without_paths_only_positions_come_back() -> None:
    rows, rejects = read(b'{"a":1}\n{"a"\n[{},{}]')
    assert [(row.row, row.item, row.start, row.length) for row in rows] == [(1, 0, 0, 7), (3, 0, 14, 2), (3, 1, 17, 2)]
    assert brief(rejects) == [(2, "malformed_json")]


@pytest.mark.parametrize("window", [1, 7, 64, 4096])
def test_a_line_without_end_is_given_up(window: int) -> None:
    data = b'{"a":1}\n{"a":"' + b"x" * 5000 + b'"}  \n{"a":2}\n'
    rows, rejects = read(data, "a", window=window, max_record=100)
    assert [(row.row, row.line, row.values[0]) for row in rows] == [(1, 1, "1"), (3, 3, "2")]
    assert rejects == [json_lines.Rejected(2, 8, 5008, 2, "oversize_record")]


# Documents


def test_a_document_of_one_object() -> None:
    data = b'\n{\n  "a": {\n    "b": 1\n  }\r\n}\n'
    rows, rejects = read(data, "a.b")
    assert (rows, rejects) == ([Row(1, 0, 2, 1, len(data) - 2, 0, ("1",))], [])


def test_a_document_of_several_objects() -> None:
    rows, rejects = read(b'{\n"a": 1\n}\n{"a": 2} {\n"a": 3}\n7\n{"a": 4}', "a")
    assert [(row.row, row.item, row.line, row.values[0]) for row in rows] == [
        (1, 0, 1, "1"),
        (2, 0, 4, "2"),
        (3, 0, 4, "3"),
        (5, 0, 7, "4"),
    ]
    assert [(reject.line, reject.record, reject.reason) for reject in rejects] == [(6, 4, "not_an_object")]


@pytest.mark.parametrize("indent", [None, 0, 2])
@pytest.mark.parametrize("window", [1, 50, 1 << 20])
def test_an_array_is_read_element_by_element(indent: int | None, window: int) -> None:
    elements = [{"a": k, "inner": [{"a": -k}]} for k in range(50)]
    data = json.dumps(elements, indent=indent).encode()
    rows, rejects = read(data, "a", window=window, max_record=200)
    assert rejects == []
    assert [(row.row, row.item, row.values[0]) for row in rows] == [(1, k, str(k)) for k in range(50)]
    assert [json.loads(data[row.start : row.start + row.length]) for row in rows] == elements


def test_a_broken_first_line_makes_no_document() -> None:
    rows, rejects = read(b'{"kind": "commit", broken\n{"a":1}\n', "a")
    assert ([row.values[0] for row in rows], brief(rejects)) == (["1"], [(1, "malformed_json")])
    rows, rejects = read(b'{"kind": "commit",\n{"a":1}\n', "a")
    assert ([row.values[0] for row in rows], brief(rejects)) == (["1"], [(1, "malformed_json")])
    rows, rejects = read(b'{"kind":\n{"a":1}\n', "a")
    assert ([row.values[0] for row in rows], brief(rejects)) == (["1"], [(1, "malformed_json")])


def test_a_bad_element_costs_itself() -> None:
    rows, rejects = read(b'[\n{"a":1},\n{"a" 2},\n{"a":3},\n4,\n{"a":5}\n]\n', "a")
    assert [(row.item, row.line, row.values[0]) for row in rows] == [(0, 2, "1"), (2, 4, "3"), (4, 6, "5")]
    assert brief(rejects) == [(3, "malformed_json"), (5, "not_an_object")]


def test_a_bad_element_of_many_lines_costs_itself() -> None:
    elements = [{"a": k, "inner": [{"a": 0}]} for k in range(4)]
    data = json.dumps(elements, indent=2).replace('"a": 2,', '"a" 2,').encode()
    rows, rejects = read(data, "a")
    assert [row.values[0] for row in rows] == ["0", "1", "3"]
    assert brief(rejects) == [(18, "malformed_json")]


def test_a_broken_array_keeps_what_came_before() -> None:
    rows, rejects = read(b'[{"a":1},\n{"a":2} oops\n more\n', "a")
    assert [row.values[0] for row in rows] == ["1", "2"]
    assert rejects == [json_lines.Rejected(2, 18, 10, 1, "malformed_json")]


@pytest.mark.parametrize("rest", [b"", b",", b',\n{"a":3', b'\n,{"a":3,"b":"x', b"\n"])
@pytest.mark.parametrize("window", [1, 5, 1 << 20])
def test_a_cut_array_keeps_what_came_before(rest: bytes, window: int) -> None:
    data = b'[{"a":1},\n{"a":2}' + rest
    rows, rejects = read(data, "a", window=window)
    assert [row.values[0] for row in rows] == ["1", "2"]
    assert [reject.reason for reject in rejects] == ["truncated_record"]
    # What is cut inside an element is that element; else the array itself, of which nothing is left to show.
    start = data.find(b"{", 18)
    expected = (start, len(data) - start) if start > 0 else (0, 0)
    assert (rejects[0].offset, rejects[0].length) == expected


@pytest.mark.parametrize("window", [1, 64, 1 << 20])
def test_an_element_without_end_is_given_up(window: int) -> None:
    long = b'{"a":"' + b"x" * 900 + b'"}'
    data = b'[\n{"a":1},\n' + long + b',\n{"a":3}\n]'
    rows, rejects = read(data, "a", window=window, max_record=100)
    assert [(row.item, row.values[0]) for row in rows] == [(0, "1"), (2, "3")]
    assert rejects == [json_lines.Rejected(3, 11, len(long) + 1, 1, "oversize_record")]


# Whatever comes

SEEDS = [
    b'{"a":1,"b":"x\\u00e9\\ud83d\\ude00"}\n{"a":[1,2,{"c":null}]}\n\n[{"a":true},{"a":"\xc3\xa9"}]\n{"a":-1.5e3}',
    b'{\n "a": {\n  "b": "x"\n }\n}\n{"a": 2}\n',
    b'[\n {"a": 1},\n {"a": "two", "b": [{}]},\n {"a": 3}\n]\n{"a": 4}\n',
    b'[{"a":1},{"a":2}]\n{"a":3}\n',
]
SIGNS = [b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"\n", b"\r\n", b" ", b"\0", b"\xff"]
PIECES = st.sampled_from([*SIGNS, b"\\u", b"d800", b"1", b"e", b'{"a":1}', b"null"])


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(PIECES | st.just(b"")) + data[at + draw(st.integers(0, 5)) :]
    return data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data


ANY_BYTES = mutated() | st.lists(PIECES, max_size=30).map(b"".join) | st.binary(max_size=80)


@given(ANY_BYTES, st.integers(1, 40), st.sampled_from([8, 20, 1000]))
@settings(max_examples=400)
def test_windows_do_not_matter(data: bytes, window: int, max_record: int) -> None:
    paths: list[Path] = ["a", ("b", "a.b"), "a.c"]
    assert read(data, *paths, window=window, max_record=max_record) == read(data, *paths, max_record=max_record)


@given(ANY_BYTES, st.sampled_from([8, 1000]))
@settings(max_examples=400)
def test_every_byte_is_accounted_for(data: bytes, max_record: int) -> None:
    rows, rejects = read(data, "a", max_record=max_record)
    covered = bytearray(len(data))
    places = [(row.start, row.length, row.line) for row in rows]
    places += [(reject.offset, reject.length, reject.line) for reject in rejects]
    for start, length, line in places:
        assert not any(covered[start : start + length]), "a byte was used twice"
        assert line == data.count(b"\n", 0, start) + 1
        covered[start : start + length] = b"\1" * length
    left = bytes(byte for byte, used in zip(data, covered, strict=True) if not used)
    assert re.fullmatch(rb"[\s,\[\]]*", left), "bytes belong to no row and no reject"


@given(ANY_BYTES)
def test_scanner_and_parser_agree(data: bytes) -> None:
    one_line = b'{"a":' + data.replace(b"\n", b" ") + b"}"
    rows, rejects = read(one_line, "a")
    try:
        value = json_lines.parse(one_line)
    except KernelError:
        value = None
    if value is None:
        # Several values may stand on a line; parse takes one.
        assert rejects or len(rows) > 1
    else:
        assert len(rows) == 1
        assert rejects == []
        cell = rows[0].values[0]
        expected = as_cell(value["a"]) if isinstance(value, dict) else None
        assert (json_lines.parse(cell.encode()) if isinstance(expected, dict | list) and cell else cell) == expected


@given(st.binary(max_size=30) | st.lists(PIECES, max_size=8).map(b"".join))
def test_python_agrees_on_what_is_json(inside: bytes) -> None:
    text = inside.decode("utf-8", "replace").replace("\0", "")
    try:
        expected = loads(text)
    except ValueError:
        with pytest.raises(KernelError):
            json_lines.parse(text.encode())
        return
    assert json_lines.parse(text.encode()) == repaired(expected)


def test_faces_check_their_arguments() -> None:
    for path in ("", "a.", ".a", "a..b"):
        with pytest.raises(KernelError, match="joined by single dots"):
            json_lines.JsonScanner([path])
    with pytest.raises(KernelError, match="joined by single dots"):
        json_lines.JsonScanner([()])
    with pytest.raises(KernelError, match="max_record"):
        json_lines.JsonScanner(["a"], max_record=0)


def test_statistics() -> None:
    scanner = json_lines.JsonScanner(["a"])
    scanner.feed('{"a":"é ü"}\n{"b":"'.encode() + b'\xff"}\n', final=True)
    assert scanner.statistics == {"records": 2, "is_document": 0, "clean_runs": 2, "broken_runs": 1}
    scanner = json_lines.JsonScanner(["a"])
    scanner.feed(b'{\n"a":1}', final=True)
    assert scanner.statistics["is_document"] == 1
