"""Labels of accounts: which rows of people's files are labels, what becomes of the others, and of files that go.

Here: judging rows, and both tables over a small lake. Not here: training.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cluster_lake import publish
from hypothesis import given
from hypothesis import strategies as st

from sm_assets.analysis.labels import LABELS, REJECTS, country_codes, judge
from sm_assets.defs.label_files import read_label_files
from sm_assets.defs.run import materialise_range
from sm_assets.errors import InputError, SmAssetsError, VanishedFiles
from sm_assets.storage import Lake

pytestmark = pytest.mark.usefixtures("no_catalogue")

DAY = date(2024, 3, 2)
LATER = date(2024, 3, 5)
KNOWN = {("twitter", str(number)) for number in range(5)}
HEADER = "platform,account_id,attribute,value,group,labelled_by,labelled_at"


def row(number: int = 1, **cells: Any) -> dict[str, Any]:
    return {
        "source_file": "labels/a.csv",
        "source_row": number,
        "file_day": DAY,
        "extra_cells": False,
        "platform": "twitter",
        "account_id": "1",
        "attribute": "kind",
        "value": "bot",
    } | cells


def reasons(*rows: dict[str, Any]) -> list[tuple[int, str, list[str]]]:
    found = judge(rows, KNOWN).rejects.to_pylist()
    return [(reject["source_row"], reject["reason"], reject["columns"]) for reject in found]


# ---------------------------------------------------------------------- rows


@pytest.mark.parametrize(
    ("cells", "reason", "columns"),
    [
        ({"value": None}, "missing_cell", ["value"]),
        ({"account_id": " \t", "attribute": ""}, "missing_cell", ["account_id", "attribute"]),
        ({"labelled_at": "yesterday"}, "bad_date", ["labelled_at"]),
        ({"labelled_at": "2024-02-30"}, "bad_date", ["labelled_at"]),
        ({"labelled_at": "0001-01-01T00:00:00+14:00"}, "bad_date", ["labelled_at"]),
        ({"account_id": "77"}, "unknown_account", ["platform", "account_id"]),
        ({"platform": "bluesky"}, "unknown_account", ["platform", "account_id"]),
        ({"attribute": "topic area"}, "unknown_attribute", ["attribute"]),
        ({"attribute": "../kind"}, "unknown_attribute", ["attribute"]),
        ({"attribute": "\u00e4rger"}, "unknown_attribute", ["attribute"]),
        ({"attribute": "n" * 65}, "unknown_attribute", ["attribute"]),
        ({"attribute": "note", "value": "x" * 101}, "bad_cell", ["value"]),
        ({"attribute": "note", "value": "a\x00b"}, "bad_cell", ["value"]),
        ({"attribute": "note", "value": "two\r\nlines"}, "bad_cell", ["value"]),
        ({"attribute": "note", "value": "two\u2028lines", "group": "a\tb"}, "bad_cell", ["value", "group"]),
        ({"group": "x" * 201}, "bad_cell", ["group"]),
        ({"labelled_by": "x" * 201}, "bad_cell", ["labelled_by"]),
        ({"value": "cyborg"}, "unknown_value", ["value"]),
        ({"attribute": "country", "value": "UK"}, "unknown_value", ["value"]),
        ({"attribute": "country", "value": "Germany"}, "unknown_value", ["value"]),
        ({"extra_cells": True}, "extra_cells", []),
    ],
)
def test_a_row_that_is_no_label_is_listed_with_its_reason(
    cells: dict[str, Any], reason: str, columns: list[str]
) -> None:
    found = judge([row(1, account_id="2"), row(2, **cells)], KNOWN)
    assert [(r["source_row"], r["reason"], r["columns"]) for r in found.rejects.to_pylist()] == [(2, reason, columns)]
    assert found.labels["account_id"].to_pylist() == ["2"]
    assert found.counts_of([DAY]) == {"rows_in": 2, f"rejected/{reason}": 1}


def test_all_rows_of_a_contradiction_are_rejected_and_no_others() -> None:
    rows = [row(1), row(2, value="person"), row(3), row(4, attribute="country", value="DE"), row(5, account_id="2")]
    assert reasons(*rows) == [(n, "contradictory", ["value"]) for n in (1, 2, 3)]
    assert judge(rows, KNOWN).labels.num_rows == 2


def test_a_rejected_row_contradicts_nothing() -> None:
    assert reasons(row(1), row(2, value="cyborg")) == [(2, "unknown_value", ["value"])]


def test_equal_labels_are_one_the_earliest() -> None:
    rows = [
        row(3, labelled_at="2024-03-04"),
        row(1, value="BOT", labelled_at="2024-03-03T23:30:00-01:00", labelled_by="b"),
        row(2, attribute="Kind", group="g", labelled_by="c", labelled_at="2024-03-05"),
    ]
    found = judge(rows, KNOWN)
    row_of_table = {"platform": "twitter", "account_id": "1", "attribute": "kind", "value": "bot"}
    assert found.labels.to_pylist() == [
        row_of_table | {"group": "g", "labelled_by": "b", "labelled_at": datetime(2024, 3, 4), "day": date(2024, 3, 4)}
    ]
    assert found.counts_of([date(2024, 3, 4), date(2024, 3, 5)]) == {"rows_in": 3, "merged/same_label": 2}


def test_values_of_other_attributes_are_free_and_never_evaluated() -> None:
    hostile = ["=1+1", "<script>alert(1)</script>", "x" * 100]
    rows = [row(n, attribute=f"note_{n}", group="x" * 200, value=value) for n, value in enumerate(hostile)]
    assert judge(rows, KNOWN).labels["value"].to_pylist() == hostile


def test_platforms_and_attributes_are_read_in_any_case_and_account_kind_is_kind() -> None:
    rows = [row(1, platform=" Twitter"), row(2, account_id="2", attribute="Account_Kind", value="Bot")]
    found = judge(rows, KNOWN).labels.to_pylist()
    assert [(r["platform"], r["account_id"], r["attribute"], r["value"]) for r in found] == [
        ("twitter", "1", "kind", "bot"),
        ("twitter", "2", "kind", "bot"),
    ]


def test_country_codes_are_those_of_the_standard() -> None:
    codes = country_codes()
    assert len(codes) == 249
    assert {"DE", "GB", "SS", "BQ", "TW"} <= codes
    assert not {"UK", "EU", "XK", "AN", "CS", "SU"} & codes


CELLS = st.fixed_dictionaries(
    {
        "account_id": st.sampled_from(["1", "2", "9", "", None]),
        "attribute": st.sampled_from(["kind", "country", "note"]),
        "value": st.sampled_from(["bot", "person", "DE", "de", "", None]),
        "group": st.sampled_from(["g", "h", None]),
        "labelled_at": st.sampled_from(["2024-03-01", "2024-03-02T10:00", "never", None]),
        "source_file": st.sampled_from(["labels/a.csv", "labels/b.csv"]),
    }
)


@given(st.lists(CELLS, max_size=12), st.randoms())
def test_order_of_rows_does_not_matter_and_every_row_is_accounted_for(cells: list[dict[str, Any]], random: Any) -> None:
    rows = [row(number, **cell) for number, cell in enumerate(cells)]
    found = judge(rows, KNOWN)
    shuffled = list(rows)
    random.shuffle(shuffled)
    again = judge(shuffled, KNOWN)
    assert found.labels.equals(again.labels)
    assert found.rejects.equals(again.rejects)
    assert found.counts == again.counts
    for day in {day for day, _ in found.counts}:
        counts = found.counts_of([day])
        kept = sum(label == day for label in found.labels["day"].to_pylist())
        assert counts.pop("rows_in") - sum(counts.values()) == kept
    values: dict[tuple[Any, Any], set[str]] = {}
    for label in found.labels.to_pylist():
        values.setdefault((label["account_id"], label["attribute"]), set()).add(label["value"])
    assert all(len(value) == 1 for value in values.values())


# --------------------------------------------------------------------- files


def put(lake: Lake, name: str, content: str | bytes, day: date = DAY) -> Path:
    path = Path(lake.settings.data_root) / "labels" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    stamp = datetime.combine(day, time(12), UTC).timestamp()
    os.utime(path, (stamp, stamp))
    return path


def make(lake: Lake, first: date = DAY, last: date = LATER, **config: object) -> bool:
    return materialise_range(
        lake.settings,
        first,
        last,
        tables=[LABELS, REJECTS],
        run_config={"ops": {"take_in_labels": {"config": config}}},
        raise_on_error=True,
        log_level="ERROR",
    )


def rows_of(lake: Lake, name: str) -> list[dict[str, Any]]:
    with lake.connect() as con:
        return lake.register(con, lake.ref(name)).order("day").to_arrow_table().to_pylist()


@pytest.fixture
def known(lake: Lake) -> Lake:
    publish(lake, "core_accounts", [account(number) for number in range(5)], [DAY])
    return lake


def account(number: int) -> Mapping[str, Any]:
    return {"platform": "twitter", "account_id": str(number), "roles": ["author"], "first_seen_day": DAY, "day": DAY}


def test_csv_and_parquet_give_labels_on_their_days(known: Lake) -> None:
    put(
        known,
        "a.csv",
        "\ufeffValue;platform;account_id;attribute;who cares;labelled_at\r\n"
        'bot;twitter;1;kind;"a;b";2024-03-05\r\n'
        "\r\n"
        "=1+1;Twitter;2;note;;\r\n"
        "bot;twitter;3\r\n"
        '"two\r\nlines";twitter;4;note;;\r\n'
        "person;twitter;9;kind;;\r\n",
    )
    table = pa.table(
        {
            "account_id": pa.array([1, 3], pa.int64()),
            "platform": ["twitter"] * 2,
            "attribute": pa.array(["kind", "country"]).dictionary_encode(),
            "value": ["bot", "de"],
            "labelled_at": pa.array([datetime(2024, 3, 5), None], pa.timestamp("ns", "UTC")),
        }
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    put(known, "b.parquet", sink.getvalue().to_pybytes(), LATER)
    put(known, "readme.txt", "about these files")
    put(known, ".hidden.csv", "")
    assert make(known)
    found = [(r["day"], r["account_id"], r["attribute"], r["value"]) for r in rows_of(known, LABELS)]
    assert sorted(found) == [
        (DAY, "2", "note", "=1+1"),
        (LATER, "1", "kind", "bot"),
        (LATER, "3", "country", "DE"),
    ]
    rejects = [(r["source_file"], r["source_row"], r["reason"]) for r in rows_of(known, REJECTS)]
    assert sorted(rejects) == [
        ("labels/a.csv", 3, "extra_cells"),
        ("labels/a.csv", 4, "bad_cell"),
        ("labels/a.csv", 5, "unknown_account"),
    ]
    assert known.days(LABELS) == [DAY, LATER]


SHORT = "platform,account_id,attribute,value,group"
NOT_UTF8 = f"{HEADER}\ntwitter,1,kind,bot,Bär,,"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty; expected are the columns platform, account_id, attribute, value"),
        (b"\n\n", "is empty"),
        (HEADER.encode(), "has no row below its columns"),
        (NOT_UTF8.encode("latin-1"), "is not UTF-8"),
        (NOT_UTF8.encode("utf-16"), "is not UTF-8"),
        (b"platform,id,attribute\ntwitter,1,kind", "lacks account_id, value.*found are the columns platform, id"),
        (f"{HEADER},value\n".encode() + b"a,b,c,d,e,f,g,h", "holds value more than once"),
        (f'{HEADER}\ntwitter,1,kind,"bot\ntwitter,2,kind,bot,,,\n'.encode(), "a quote opens in row 1"),
        (b"\x00" * 100, "lacks platform"),
        (f'{SHORT}\ntwitter,1,a,b,"op\ntwitter,2,kind,bot,op\ntwitter,3,kind,bot,op'.encode(), "quote opens in row 1"),
        (f'{SHORT}\nT,1,a,b,o\ntwitter,2,kind,bot,"op\ntwitter,3,kind,bot,op"'.encode(), "in row 2 and takes"),
        (f'{SHORT}\ntwitter,1,kind,bot,"op\nTwitter,2,kind,bot,"op\n'.encode(), "a quote opens in row 1"),
        (f'"{SHORT}\ntwitter,1,kind,bot,op\n'.encode(), "a quote opens in the header"),
        (f'"{SHORT}'.encode() + b"\ntwitter,1,kind,bot,op" * 10_000, "a quote opens in the header"),
    ],
    ids=[
        *("empty", "blank", "no rows", "latin-1", "utf-16", "columns", "twice", "quote", "nul"),
        *("open quote", "closed below", "opened again", "header", "long header"),
    ],
)
def test_a_csv_file_that_cannot_be_used_is_named_with_what_was_expected(lake: Lake, content: bytes, words: str) -> None:
    put(lake, "x.csv", content)
    with pytest.raises(InputError, match=rf"labels/x.csv.*{words}") as caught:
        read_label_files(lake)
    assert "account_id" in str(caught.value)
    assert isinstance(caught.value, SmAssetsError)


def test_a_parquet_file_that_cannot_be_used_is_named(lake: Lake) -> None:
    put(lake, "x.parquet", b"PAR1 no PAR1")
    with pytest.raises(InputError, match=r"labels/x.parquet cannot be read as Parquet"):
        read_label_files(lake)
    sink = pa.BufferOutputStream()
    columns = {"platform": ["twitter"], "account_id": ["1"], "attribute": ["kind"], "value": [["bot"]]}
    pq.write_table(pa.table(columns), sink)
    put(lake, "x.parquet", sink.getvalue().to_pybytes())
    with pytest.raises(InputError, match=r"labels/x.parquet: column value is of type list.*expected text"):
        read_label_files(lake)


def as_parquet(columns: Mapping[str, Any]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    found: bytes = sink.getvalue().to_pybytes()
    return found


def test_ids_that_are_floats_are_refused_for_they_are_rounded(lake: Lake) -> None:
    columns = {"platform": ["twitter"], "account_id": [1.8e18], "attribute": ["kind"], "value": ["bot"]}
    put(lake, "x.parquet", as_parquet(columns))
    with pytest.raises(InputError, match=r"labels/x.parquet: column account_id is of type double.*store ids as text"):
        read_label_files(lake)


def test_a_parquet_file_with_any_byte_changed_is_read_or_refused_in_a_sentence(lake: Lake) -> None:
    names = ("platform", "account_id", "attribute", "value")
    whole = as_parquet({name: [f"{name}\u00e4 {number}" for number in range(3)] for name in names})
    told = []
    for place in range(4, len(whole), 2):
        put(lake, "x.parquet", whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            read_label_files(lake)
        except InputError as error:
            told.append(str(error))
    assert len(told) > len(whole) // 8
    assert all("labels/x.parquet" in words for words in told)


def test_a_quote_within_a_cell_is_a_sign_like_others(lake: Lake) -> None:
    put(
        lake,
        "x.csv",
        f'{SHORT},note\ntwitter,1,kind,bot,g,6" screen\ntwitter,2,kind,bot,"g ""h""","two\nlines, of words"\n'
        'twitter,3,kind,bot,,""\n',
    )
    found = read_label_files(lake).rows
    assert [(r["account_id"], r["group"], r["extra_cells"]) for r in found] == [
        ("1", "g", False),
        ("2", 'g "h"', False),
        ("3", "", False),
    ]


def test_the_divider_is_the_one_that_parts_the_columns_needed(lake: Lake) -> None:
    put(lake, "x.csv", 'platform;account_id;attribute;value;"a, b, c, d, e, f, g"\ntwitter;1;kind;bot;"x, y"\n')
    (found,) = read_label_files(lake).rows
    assert (found["account_id"], found["value"]) == ("1", "bot")


def test_folders_below_the_label_files_are_told(known: Lake) -> None:
    put(known, "more/a.csv", f"{HEADER}\ntwitter,1,kind,bot,,,\n")
    put(known, "readme.txt", "")
    found = read_label_files(known)
    assert found.rows == []
    assert found.ignored == ("labels/more/", "labels/readme.txt")


def test_without_a_label_file_nothing_is_published_and_nothing_fails(known: Lake) -> None:
    assert make(known)
    assert known.days(LABELS) == []


def test_a_file_that_vanished_empties_no_day_silently(known: Lake) -> None:
    path = put(known, "a.csv", f"{HEADER}\ntwitter,1,kind,bot,,,\n")
    put(known, "b.csv", f"{HEADER}\ntwitter,2,kind,bot,,,2024-03-05\n")
    make(known)
    path.unlink()
    with pytest.raises(VanishedFiles, match=r"labels/a.csv: labels of 2024-03-02 to 2024-03-02 came from there"):
        make(known)
    assert len(rows_of(known, LABELS)) == 2
    # A run over days that the file did not feed is none of its business.
    assert make(known, LATER, LATER)
    assert make(known, accept_vanished=True)
    assert [label["account_id"] for label in rows_of(known, LABELS)] == ["2"]


def test_a_file_under_a_new_name_has_not_vanished(known: Lake) -> None:
    path = put(known, "a.csv", f"{HEADER}\ntwitter,1,kind,bot,,,\n")
    make(known)
    path.rename(path.with_name("c.csv"))
    assert make(known)
    assert len(rows_of(known, LABELS)) == 1


def test_labels_of_an_account_that_is_gone_go_when_their_days_are_made_again(known: Lake) -> None:
    put(known, "a.csv", f"{HEADER}\ntwitter,1,kind,bot,,,\ntwitter,2,kind,bot,,,\n")
    make(known)
    publish(known, "core_accounts", [account(2)], [DAY])
    make(known)
    assert [label["account_id"] for label in rows_of(known, LABELS)] == ["2"]
    (reject,) = rows_of(known, REJECTS)
    assert reject["reason"] == "unknown_account"
    assert "1" not in {value for value in reject.values() if isinstance(value, str)}
