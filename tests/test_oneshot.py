"""The one-shot tool: equal to the original program in compat mode, and right where that one dies.

The goldens are results of jdallen83/sm_content_clustering on synthetic inputs; they and the small edge cases lie in
the sample data.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from small_exports import FILL, HEADER, PAIR, golden, write

from sm_assets import cluster_pages
from sm_assets.errors import InputError, OptionError
from sm_assets.oneshot import Options, Outcome, run
from sm_assets.oneshot.result_files import csv_text

pytestmark = pytest.mark.filterwarnings("error")

COLUMNS = [
    "cluster_id",
    "cluster_seed",
    "cluster_size",
    "cluster_score",
    "title",
    "nameid",
    "followers",
    "total_interactions",
    "num_posts",
    "coverage_within_cluster",
    "pmi_with_seed",
    "npmi_with_seed",
    "dnpmi_with_seed",
    "dnpmi_cov",
    "country",
    "name",
    "url",
]
EXACT = {"cluster_id", "cluster_size", "followers", "total_interactions", "num_posts"}


def rows_of(table: pa.Table) -> list[list[str]]:
    return list(csv.reader(io.StringIO(csv_text(table))))


def assert_equal_csv(found: list[list[str]], expected: list[list[str]]) -> None:
    """Same columns, rows and order; integers and texts exact, floats to 1e-12."""
    header = expected[0]
    assert found[0] == header
    assert len(found) == len(expected)
    for number, (mine, theirs) in enumerate(zip(found[1:], expected[1:], strict=True)):
        for name, a, b in zip(header, mine, theirs, strict=True):
            same = a == b
            if not same and name not in EXACT and a and b:
                try:
                    same = math.isclose(float(a), float(b), rel_tol=1e-12)
                except ValueError:
                    same = False
            assert same, f"row {number}, {name}: {a!r} is not {b!r}"


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("inputs", "expected", "options"),
    [
        ("in_200", "out_200", {}),
        ("in_1k", "out_1k", {}),
        ("in_1k", "out_1k_t0.1_f1.5", {"min_threshold": 0.1, "second_cluster_factor": 1.5}),
        ("in_200", "out_200_lang", {"add_language": True}),
        ("in_1k", "out_1k_lang", {"add_language": True}),
    ],
)
def test_compat_equals_the_original(shared_data: Path, inputs: str, expected: str, options: dict[str, Any]) -> None:
    folder = shared_data / "cosharing"
    table = cluster_pages(sorted((folder / inputs).glob("ct_*.csv")), method="seeded", content_mode="compat", **options)
    assert_equal_csv(rows_of(table), golden(folder / f"{expected}.csv"))


# ---------------------------------------------------------------------------------------------------------- edge cases


@pytest.fixture
def edge(shared_data: Path) -> Path:
    return shared_data / "cosharing" / "edge"


def seeded(paths: Path | Iterable[Path], mode: str = "compat", **options: Any) -> Outcome:
    return run(
        [paths] if isinstance(paths, Path) else list(paths), Options(method="seeded", content_mode=mode, **options)
    )


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["basic", "bom", "url_norm", "www_fb_link", "order_ok", "aggregator"])
def test_edge_cases_that_the_original_can_do(edge: Path, name: str) -> None:
    assert_equal_csv(rows_of(seeded(edge / f"{name}.csv").table), golden(edge / f"{name}.out.csv"))


@pytest.mark.shared_data
def test_a_file_given_twice(edge: Path) -> None:
    twice = [edge / "basic.csv"] * 2
    assert_equal_csv(rows_of(seeded(twice).table), golden(edge / "dup_file.out.csv"))
    once = seeded(twice, "canonical", min_text_chars=0)
    assert_equal_csv(rows_of(once.table), golden(edge / "basic.out.csv"))
    assert any("duplicate_file" in notice for notice in once.report.notices)


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["no_clusters", "seed_needs_4", "order_dependence", "header_only"])
def test_nothing_found_is_a_header_and_a_notice(edge: Path, name: str) -> None:
    outcome = seeded(edge / f"{name}.csv")
    assert rows_of(outcome.table) == [COLUMNS]
    assert any("no clusters" in notice for notice in outcome.report.notices)


@pytest.mark.shared_data
def test_one_account_has_nothing_to_be_compared_with(edge: Path) -> None:
    for mode in ("compat", "canonical"):
        outcome = seeded(edge / "single_page.csv", mode, min_text_chars=0)
        assert rows_of(outcome.table) == [COLUMNS]
        assert "1 account: nothing to compare" in outcome.report.notices


@pytest.mark.shared_data
def test_everything_shared(edge: Path) -> None:
    outcome = seeded(edge / "all_shared.csv")
    rows = outcome.table.to_pylist()
    assert [
        (r["cluster_id"], r["cluster_seed"], r["nameid"], r["npmi_with_seed"], r["pmi_with_seed"]) for r in rows
    ] == [
        (0, "a", "a", 1.0, 0.0),
        (0, "a", "b", 1.0, 0.0),
    ]
    assert rows[1]["dnpmi_with_seed"] == pytest.approx(0.7768698398515702, rel=1e-12)
    assert any("no_background" in notice for notice in outcome.report.notices)


@pytest.mark.shared_data
def test_case_is_a_difference_in_compat_only(edge: Path) -> None:
    assert seeded(edge / "case.csv").table.num_rows == 0
    for method in ("seeded", "linkage"):
        outcome = run([edge / "case.csv"], Options(method=method, min_text_chars=0))
        assert set(outcome.table.column("nameid").to_pylist()) == {"a", "b"}


@pytest.mark.shared_data
@pytest.mark.parametrize("mode", ["compat", "canonical"])
def test_a_missing_column_is_read_as_empty(edge: Path, mode: str) -> None:
    outcome = seeded(edge / "missing_col.csv", mode, min_text_chars=0)
    assert any("missing columns" in notice and "Image Text" in notice for notice in outcome.report.notices)
    assert outcome.report.accepted == 36


@pytest.mark.shared_data
@pytest.mark.parametrize("mode", ["compat", "canonical"])
def test_fractions_are_no_counts(edge: Path, mode: str) -> None:
    outcome = seeded(edge / "float_int.csv", mode)
    assert outcome.report.warnings["total_interactions:bad_integer"] == 6
    assert outcome.report.accepted == 36


@pytest.mark.shared_data
@pytest.mark.parametrize("mode", ["compat", "canonical"])
def test_addresses_that_cannot_be_parsed_stay_text(edge: Path, mode: str) -> None:
    assert seeded(edge / "bad_ipv6.csv", mode).report.warnings["link:bad_url"] == 6


@pytest.mark.shared_data
@pytest.mark.parametrize("mode", ["compat", "canonical"])
def test_windows_1252(edge: Path, mode: str) -> None:
    outcome = seeded(edge / "latin1.csv", mode, min_text_chars=0)
    assert any("Windows-1252" in notice for notice in outcome.report.notices)
    assert_equal_csv(rows_of(outcome.table), golden(edge / "basic.out.csv"))


@pytest.mark.shared_data
def test_words_for_missing_are_words_in_canonical(edge: Path) -> None:
    assert seeded(edge / "na_strings.csv").report.accounts == 2
    outcome = seeded(edge / "na_strings.csv", "canonical", min_text_chars=0)
    assert outcome.report.accounts == 3
    assert {"a", "nan"} <= set(outcome.unplaced.column("nameid").to_pylist())


@pytest.mark.shared_data
def test_rows_of_nobody(edge: Path) -> None:
    compat = seeded(edge / "empty_user_and_id.csv")
    assert (compat.report.accepted, compat.report.warnings["account:no_account"]) == (42, 6)
    canonical = seeded(edge / "empty_user_and_id.csv", "canonical", min_text_chars=0)
    assert canonical.report.rejected == {"no_account": 6}
    assert (canonical.report.rows, canonical.report.accepted) == (42, 36)
    assert [reject["line"] for reject in canonical.report.rejects] == [2, 3, 4, 5, 6, 7]


@pytest.mark.shared_data
def test_linkage_does_not_depend_on_the_visiting_order(edge: Path) -> None:
    for name in ("order_dependence", "order_ok"):
        table = cluster_pages(edge / f"{name}.csv", content_mode="compat")
        assert set(table.column("nameid").to_pylist()) == {"a", "b"}
        assert set(table.column("cluster_id").to_pylist()) == {0}
    rows = cluster_pages(edge / "aggregator.csv", content_mode="compat").to_pylist()
    place = {row["nameid"]: row["cluster_id"] for row in rows}
    assert place.get("seeda", "x") != place.get("seedb", "y")


# ------------------------------------------------------------------------------------------------- synthetic odd input


def pair_of(outcome: Outcome) -> set[str]:
    return set(outcome.table.column("nameid").to_pylist())


@pytest.mark.parametrize("method", ["linkage", "seeded"])
@pytest.mark.parametrize("mode", ["canonical", "compat"])
def test_a_clear_pair_is_found(tmp_path: Path, method: str, mode: str) -> None:
    outcome = run([write(tmp_path / "x.csv", HEADER + PAIR + FILL)], Options(method=method, content_mode=mode))
    assert pair_of(outcome) == {"a", "b"}
    assert outcome.report.rows == outcome.report.accepted == 42
    appended = ["membership_score", "second_score"] if method == "linkage" else []
    assert outcome.table.column_names == [*COLUMNS, *appended]


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


# ------------------------------------------------------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "magic"}, "expected one of linkage, seeded"),
        ({"content_mode": "exact"}, "canonical, compat"),
        ({"min_threshold": 1.5}, "from 0 to 1"),
        ({"min_threshold": math.nan}, "from 0 to 1"),
        ({"second_cluster_factor": -1}, "at least 0"),
        ({"second_cluster_factor": math.inf}, "at least 0"),
        ({"content_cols": ["Message"]}, "compat only"),
        ({"content_cols": ["Nope"], "content_mode": "compat"}, "unknown columns Nope"),
        ({"ft_model_path": "/nowhere/model.ftz"}, "no such language model"),
        ({"ft_model_path": __file__, "add_language": True}, "is not a fastText model"),
    ],
)
def test_unusable_options(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        cluster_pages(write(tmp_path / "x.csv", HEADER + PAIR), **options)


def test_unusable_inputs(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "none.csv", "no such file"), (tmp_path, "is a folder"),
        (write(tmp_path / "a.csv", "x,y\n1,2\n"), "no account column"),
        (write(tmp_path / "c.csv", "User Name,y\n1,2\n"), "no content column"),
        (write(tmp_path / "z.csv", b"PK\x03\x04rest"), "archive"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=message):
            cluster_pages(path)
    with pytest.raises(InputError, match="no input file"):
        cluster_pages([])
    with pytest.raises(OptionError, match="does not exist"):
        cluster_pages(write(tmp_path / "x.csv", HEADER + PAIR), outfile=tmp_path / "no" / "out.csv")


def test_zero_is_a_value(tmp_path: Path) -> None:
    text = HEADER + PAIR.replace("of both", "of a", 5) + FILL
    one_shared = write(tmp_path / "x.csv", text)
    assert cluster_pages(one_shared, method="seeded", content_mode="compat", min_threshold=0.0).num_rows == 2
    assert cluster_pages(one_shared, method="seeded", content_mode="compat", min_threshold=0.9).num_rows == 0


def test_content_columns_can_be_chosen(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", HEADER + PAIR + FILL)
    whole = cluster_pages(path, method="seeded", content_mode="compat")
    chosen = cluster_pages(path, method="seeded", content_mode="compat", content_cols=["Message"])
    assert whole.equals(chosen)
    assert cluster_pages(path, method="seeded", content_mode="compat", content_cols=["Link"]).num_rows == 0


def test_contents_that_make_the_work_heavy_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "x.csv", HEADER + PAIR + FILL)
    for mode in ("compat", "canonical"):
        quiet = run([path], Options(method="seeded", content_mode=mode))
        assert not any("heavy" in notice for notice in quiet.report.notices)
        monkeypatch.setattr("sm_assets.analysis.seeded.HEAVY_STEPS", 5)
        notices = run([path], Options(method="seeded", content_mode=mode)).report.notices
        (notice,) = (text for text in notices if text.startswith("heavy"))
        assert notice.startswith("heavy: up to 6 comparisons")
        assert notice.count("2 accounts carry 'This is the common message number") == 3
        monkeypatch.undo()


def test_result_files(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", HEADER + PAIR + FILL)
    table = cluster_pages(path, outfile=tmp_path / "out.parquet")
    assert pa.parquet.read_table(tmp_path / "out.parquet").equals(table)
    cluster_pages(path, outfile=tmp_path / "out.csv")
    assert golden(tmp_path / "out.csv") == rows_of(table)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.csv", "out.parquet", "x.csv"]


def test_neither_dagster_nor_a_model_is_loaded(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", HEADER + PAIR + FILL)
    code = (
        "import sys, sm_assets\n"
        f"assert sm_assets.cluster_pages({str(path)!r}).num_rows == 2\n"
        "heavy = 'dagster torch sklearn pandas fasttext duckdb scipy matplotlib'.split()\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "rows", "accounts"),
    [
        ("2021-07-05-22-49-20-BRT-search-csv-export.csv", 10, 10), ("db1_rows_with_genocide.csv", 2203, 17),
        ("db2_rows_with_genocide.csv", 382, 61),
    ],
)  # fmt: skip
def test_real_exports(shared_data: Path, name: str, rows: int, accounts: int) -> None:
    report = run([shared_data / "crowdtangle" / name], Options()).report
    assert (report.rows, report.accepted, report.accounts) == (rows, rows, accounts)
    assert sum(report.statuses.values()) == accounts
