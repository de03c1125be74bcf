"""Odd input of the one-shot tool: every way to write the same rows, damage, doubt, and orders that must not matter."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from small_exports import FILL, HEADER, PAIR, pair_of, write

from sm_assets import cluster_pages
from sm_assets.errors import InputError
from sm_assets.oneshot import Options, run


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("semicolon", lambda text: text.replace(",", ";").encode()),
        ("tab", lambda text: text.replace(",", "\t").encode()),
        ("gzip", lambda text: gzip.compress(text.encode())),
        ("two gzip members", lambda text: gzip.compress(text[:900].encode()) + gzip.compress(text[900:].encode())),
        ("utf-16", lambda text: text.encode("utf-16")),
        ("utf-16 big end", lambda text: b"\xfe\xff" + text.encode("utf-16-be")),
        ("bom", lambda text: b"\xef\xbb\xbf" + text.encode()),
        ("crlf", lambda text: text.replace("\n", "\r\n").encode()),
        ("blank lines", lambda text: ("\n\n" + text.replace("\n", "\n\n")).encode()),
        ("no last line end", lambda text: text.rstrip("\n").encode()),
    ],
)
def test_other_ways_to_write_the_same(tmp_path: Path, name: str, change: Any) -> None:
    outcome = run([write(tmp_path / f"{name}.csv", change(HEADER + PAIR + FILL))], Options())
    assert pair_of(outcome) == {"a", "b"}
    assert (outcome.report.rows, outcome.report.accepted) == (42, 42)


def test_zstd(tmp_path: Path) -> None:
    with pa.CompressedOutputStream(str(tmp_path / "x.csv.zst"), "zstd") as sink:
        sink.write((HEADER + PAIR + FILL).encode())
    assert pair_of(run([tmp_path / "x.csv.zst"], Options())) == {"a", "b"}


def test_rejects_carry_place_and_reason(tmp_path: Path) -> None:
    broken = (
        b"y,y,15\n"
        b'x,x,14,1,2021-09-01 00:00:00 EDT,1,u,,"never closed\n'
        b"z,z,16,1,2021-09-01 00:00:00 EDT,1,u,,a\0b\n"
        b"w,w,17,1,2021-09-01 00:00:00 EDT,1,u,,\xff\xfe\n"
        b"v,v,18,1,2021-09-01 00:00:00 EDT,1,u,,extra,field\n"
        b"e,e,19,1,2021-09-01 00:00:00 EDT,1,u,,\xc3\xa9\n"
        b"e,e,19,1,2021-09-01 00:00:00 EDT,1,u,,\xc3\xa9\n"
    )
    outcome = run([write(tmp_path / "x.csv", HEADER.encode() + broken + (PAIR + FILL).encode())], Options())
    report = outcome.report
    assert report.rejected == {"open_quote": 1, "field_count": 2, "bad_char": 1, "bad_utf8": 1}
    assert [(r["line"], r["reason"]) for r in report.rejects] == [
        (2, "field_count"), (3, "open_quote"), (4, "bad_char"), (5, "bad_utf8"), (6, "field_count"),
    ]  # fmt: skip
    assert report.rows == report.accepted + sum(report.rejected.values())
    assert pair_of(outcome) == {"a", "b"}


@pytest.mark.parametrize("kind", ["gzip", "zstd", "gzip with a flipped byte"])
def test_a_damaged_compressed_file_keeps_what_was_read(tmp_path: Path, kind: str) -> None:
    text = (HEADER + PAIR + "".join(FILL.replace("line", f"line {k} and") for k in range(400))).encode()
    data = pa.compress(text, codec="zstd", asbytes=True) if kind == "zstd" else gzip.compress(text, compresslevel=1)
    data = data[: len(data) - 40] if "flipped" not in kind else data[:-300] + bytes([data[-300] ^ 255]) + data[-299:]
    outcome = run([write(tmp_path / "x.csv", data)], Options())
    assert outcome.report.rejected["truncated_stream"] == 1
    assert outcome.report.rejects[-1]["line"] > 1
    assert pair_of(outcome) == {"a", "b"}


def test_an_empty_file_does_not_stop_the_others(tmp_path: Path) -> None:
    outcome = run([write(tmp_path / "e.csv", b""), write(tmp_path / "x.csv", HEADER + PAIR + FILL)], Options())
    assert any("empty_file" in notice for notice in outcome.report.notices)
    assert pair_of(outcome) == {"a", "b"}


def test_ids_that_a_spreadsheet_ruined(tmp_path: Path) -> None:
    ruined = (
        PAIR.replace("a,a,11", "a,a,1.00E+14")
        .replace("b,b,12", "b,,1.00E+14")
        .replace("https://www.facebook.com", "https://ex.com")
    )
    outcome = run([write(tmp_path / "x.csv", HEADER + ruined + FILL)], Options())
    assert outcome.report.warnings["facebook_id:bad_id"] == 12
    assert outcome.report.rejected == {"no_account": 6}


def test_the_latest_export_of_a_post_counts(tmp_path: Path) -> None:
    early = write(tmp_path / "2021-09-02-00-00-00-EDT-search-csv-export.csv", HEADER + PAIR + FILL)
    later = write(
        tmp_path / "2021-09-03-00-00-00-EDT-search-csv-export.csv", HEADER + PAIR.replace(",10,http", ",7,http")
    )
    for files in ([early, later], [later, early]):
        outcome = run(files, Options(method="seeded"))
        assert {r["nameid"]: r["total_interactions"] for r in outcome.table.to_pylist()} == {"a": 42, "b": 42}
        assert outcome.report.unused == {"duplicate_post": 12}
    assert {
        r["total_interactions"]
        for r in run([early, later], Options(method="seeded", content_mode="compat")).table.to_pylist()
    } == {102}


def test_a_changed_handle_is_the_same_account(tmp_path: Path) -> None:
    renamed = PAIR.replace("a,a,11,100,2021-09-01 05", "New A,new.a,11,200,2021-09-01 05")
    rows = run([write(tmp_path / "x.csv", HEADER + renamed + FILL)], Options()).table.to_pylist()
    assert {(r["nameid"], r["title"], r["followers"], r["num_posts"]) for r in rows} == {
        ("new.a", "New A", 200, 6),
        ("b", "b", 100, 6),
    }


# What twelve rows with this count sum up to for each of two pages, and how many fields are counted as in doubt.
@pytest.mark.parametrize(
    ("total", "mode", "value", "doubts"),
    [
        ("1.2K", "canonical", 7200, {"rounded_count": 12}),
        ("1.2K", "compat", 7200, {"rounded_count": 12}),
        ("407.137", "canonical", 2442822, {}),
        ("407.137", "compat", 2442822, {}),
        ("1.5", "canonical", 0, {"bad_integer": 12}),
        ("1.5", "compat", 0, {"bad_integer": 12}),
        ("99999999999999999", "canonical", 0, {"bad_integer": 12}),
        # The original takes negative numbers, and deletes commas wherever they stand.
        ("-5", "canonical", 0, {"bad_integer": 12}),
        ("-5", "compat", -30, {}),
        ('"1,23,456"', "canonical", 0, {"bad_integer": 12}),
        ('"1,23,456"', "compat", 740736, {}),
    ],
)
def test_spellings_of_counts(tmp_path: Path, total: str, mode: str, value: int, doubts: dict[str, int]) -> None:
    # One bad count elsewhere must not change how the others are read.
    text = HEADER + PAIR.replace(",10,http", f",{total},http") + FILL.replace(",1,http", ",1.7,http", 1)
    outcome = run([write(tmp_path / "x.csv", text)], Options(method="seeded", content_mode=mode))
    assert {r["total_interactions"] for r in outcome.table.to_pylist()} == {value}
    expected = {"bad_integer": 1} | {code: n + (code == "bad_integer") for code, n in doubts.items()}
    assert {name.partition(":")[2]: n for name, n in outcome.report.warnings.items()} == expected


def test_totals_that_disagree_with_their_parts(tmp_path: Path) -> None:
    header = "User Name,Total Interactions,Likes,Comments,Shares,Message\n"
    rows = "".join(f"a,{20 if k < 2 else 6},1,2,3,A message that is long enough {k}\n" for k in range(20))
    report = run([write(tmp_path / "x.csv", header + rows)], Options()).report
    assert any("totals_disagree" in notice and "2 of 20" in notice for notice in report.notices)


@pytest.mark.parametrize(
    ("created", "code"),
    [("2021-09-01 10:00:00", "assumed_zone"), ("2021-09-01 10:00:00 XYZ", "assumed_zone"), ("soon", "bad_time")],
)
def test_times_in_doubt_are_counted_and_taken(tmp_path: Path, created: str, code: str) -> None:
    text = HEADER + PAIR + FILL.replace("2021-09-01 00:00:00 EDT", created)
    report = run([write(tmp_path / "x.csv", text)], Options()).report
    assert report.warnings[f"post_created:{code}"] == 30
    assert report.accepted == 42
    hinted = write(tmp_path / "2021-09-02-00-00-00-BRT-search-csv-export.csv", text)
    assert run([hinted], Options()).report.warnings["post_created:assumed_zone"] == 0


def test_rows_in_any_order_give_the_same_clusters(tmp_path: Path) -> None:
    lines = (PAIR + FILL).splitlines(keepends=True)
    tables = [
        cluster_pages(write(tmp_path / f"{k}.csv", HEADER + "".join(order)))
        for k, order in enumerate((lines, lines[::-1], lines[1::2] + lines[::2]))
    ]
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])


@pytest.mark.parametrize("column", ["Catégorie", "Ü"])
def test_windows_1252_in_the_header(tmp_path: Path, column: str) -> None:
    lines = (HEADER + PAIR + FILL).splitlines()
    text = "\n".join([f"{lines[0]},{column}", *(f"{line},ö" for line in lines[1:])]) + "\n"
    outcome = run([write(tmp_path / "x.csv", text, "cp1252")], Options())
    assert (outcome.report.rows, outcome.report.accepted) == (42, 42)
    plain = "\n".join([f"{lines[0]},{column}", *(f"{line},o" for line in lines[1:])]) + "\n"
    outcome = run([write(tmp_path / "y.csv", plain, "cp1252")], Options())
    assert (outcome.report.rows, outcome.report.accepted) == (42, 42)


def test_a_very_long_header_is_read_whole(tmp_path: Path) -> None:
    extra = ",".join(f"Column {k}" for k in range(20_000))
    lines = (HEADER + PAIR + FILL).splitlines()
    text = "\n".join([f"{lines[0]},{extra}", *(line + "," * 20_000 for line in lines[1:])]) + "\n"
    assert pair_of(run([write(tmp_path / "x.csv", text)], Options())) == {"a", "b"}


def test_utf_16_without_a_mark_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="UTF-16 or UTF-32 without a byte order mark"):
        cluster_pages(write(tmp_path / "x.csv", HEADER + PAIR, "utf-16-le"))


@pytest.mark.parametrize("created", ["soon", "", "2021-08-01 00:00:00 EDT"])
def test_facts_are_those_of_the_latest_post(tmp_path: Path, created: str) -> None:
    other = f"Old,old.a,11,1,{created},10,https://www.facebook.com/11/posts/99,,Only page a wrote this one line\n"
    for rows in (other + PAIR, PAIR + other):
        table = run([write(tmp_path / "x.csv", HEADER + rows + FILL)], Options()).table.to_pylist()
        assert {(r["nameid"], r["title"], r["followers"]) for r in table} == {("a", "a", 100), ("b", "b", 100)}


def test_the_order_in_which_files_are_named_does_not_matter(tmp_path: Path) -> None:
    one = write(tmp_path / "one.csv", HEADER + PAIR + FILL)
    changed = PAIR.replace("common message", "quite other text", 6).replace("a,a,11,100", "AAA,a2,11,777")
    two = write(tmp_path / "two.csv", HEADER + changed + FILL)
    for method in ("linkage", "seeded"):
        tables = [run(files, Options(method=method)).table for files in ([one, two], [two, one])]
        assert tables[0].equals(tables[1])


def test_rows_of_one_second_may_stand_in_any_order(tmp_path: Path) -> None:
    rows = [
        f"p{page},p{page},{page + 10},1,2021-09-01,1,https://www.facebook.com/{page + 10}/posts/{post},"
        f"https://site.example/{(page * post) % 7},A long enough message number {(page + post) % 9} for all\n"
        for page in range(8)
        for post in range(8)
    ]
    tables = [cluster_pages(write(tmp_path / "x.csv", HEADER + "".join(order))) for order in (rows, rows[::-1])]
    assert tables[0].num_rows
    assert tables[0].equals(tables[1])


def test_a_row_without_names_is_nobodys_where_others_have_names(tmp_path: Path) -> None:
    text = HEADER + PAIR.replace("b,b,12,", "b,,,", 3).replace("facebook.com/12/", "facebook.com/b/") + FILL
    outcome = run([write(tmp_path / "x.csv", text)], Options())
    assert outcome.report.rejected == {"no_account": 3}
    columns = HEADER.replace("User Name,Facebook Id,", "")
    only_urls = "".join(
        line.split(",", 1)[0] + "," + line.split(",", 3)[3] for line in (PAIR + FILL).splitlines(keepends=True)
    )
    assert pair_of(run([write(tmp_path / "y.csv", columns + only_urls)], Options())) == {"11", "12"}


@pytest.mark.parametrize("zone", ["posix/UTC", "right/UTC", "posix/Europe/Berlin", "Factory/x"])
def test_odd_zones_are_assumed(tmp_path: Path, zone: str) -> None:
    text = HEADER + PAIR + FILL.replace("00:00:00 EDT", f"00:00:00 {zone}")
    assert run([write(tmp_path / "x.csv", text)], Options()).report.warnings["post_created:assumed_zone"] == 30


def test_impossible_times_in_file_names_are_no_times(tmp_path: Path) -> None:
    path = write(tmp_path / "9999-12-31-23-59-59-EDT-search-csv-export.csv", HEADER + PAIR + FILL)
    assert pair_of(run([path], Options())) == {"a", "b"}


@pytest.mark.parametrize(
    "addresses",
    [
        [
            f"{start}facebook.com/a/reels/xx{end}"
            for start in ("http://", "https://", "https://www.", "https://m.")
            for end in ("", "/", "?fbclid=1", "?utm_source=x", " ")
        ],
        [
            "https://www.facebook.com/a/posts/5",
            "https://m.facebook.com/story.php?story_fbid=5&id=11",
            "http://facebook.com/11/posts/5/",
        ],
    ],
)
def test_forms_of_one_address_are_one_post(tmp_path: Path, addresses: list[str]) -> None:
    rows = "".join(f"a,a,11,100,2021-09-01 00:00:00 EDT,10,{url},,A long enough common message\n" for url in addresses)
    report = run([write(tmp_path / "x.csv", HEADER + rows)], Options()).report
    assert report.unused == {"duplicate_post": len(addresses) - 1}
