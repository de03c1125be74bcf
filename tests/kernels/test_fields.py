"""Single fields: every spelling of a count, times and zones, post addresses, missing values."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sm_assets.errors import KernelError
from sm_assets.kernels import fields
from sm_assets.kernels.fields import BAD, GROUPED, MISSING, OK, ROUNDED


@pytest.mark.parametrize(
    ("text", "value", "status"),
    [
        ("0", 0, OK),
        ("12", 12, OK),
        (" 12 ", 12, OK),
        ("+12", 12, OK),
        ("1,234", 1234, GROUPED),
        ("407.137", 407137, GROUPED),
        ("1 234", 1234, GROUPED),
        ("1\u00a0234\u00a0567", 1234567, GROUPED),
        ("1\u202f234", 1234, GROUPED),
        ("1'234", 1234, GROUPED),
        ("1.2K", 1200, ROUNDED),
        ("3M", 3_000_000, ROUNDED),
        ("1,5 k", 1500, ROUNDED),
        ("12.0", 12, OK),
        ("", 0, MISSING),
        (" ", 0, MISSING),
        ("1.5", 0, BAD),
        ("-4", 0, BAD),
        ("1,23", 0, BAD),
        ("1,234.567", 0, BAD),
        ("1,2345", 0, BAD),
        ("1234,567", 0, BAD),
        (",123", 0, BAD),
        ("1e5", 0, BAD),
        ("K", 0, BAD),
        ("99999999999999999999", 0, BAD),
        ("x", 0, BAD),
    ],
)
def test_counts(text: str, value: int, status: int) -> None:
    counts = fields.parse_counts(pa.array([text]))
    assert (counts.values.tolist(), counts.status.tolist()) == ([value], [status])
    assert counts.array().to_pylist() == [None if status in (BAD, MISSING) else value]


@given(st.integers(0, 10**15), st.sampled_from([",", ".", "'", " "]))
def test_grouped_counts_read_back(number: int, mark: str) -> None:
    text = f"{number:,}".replace(",", mark)
    counts = fields.parse_counts(pa.array([text]), group=mark)
    assert counts.values.tolist() == [number]
    assert counts.marks.tolist() == [ord(mark) if number >= 1000 else 0]


def test_a_stated_mark_excludes_the_others() -> None:
    counts = fields.parse_counts(pa.array(["1,234", "1.234"]), group=".")
    assert counts.array().to_pylist() == [None, 1234]
    with pytest.raises(KernelError, match="group must be"):
        fields.parse_counts(pa.array(["1"]), group=";")


def test_bare_commas_go_wherever_they_stand() -> None:
    counts = fields.parse_counts(pa.array(['"1,2"', "1,,234", "407.137"]), bare_commas=True)
    assert counts.array().to_pylist() == [12, 1234, 407137]


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)))
def test_times_are_those_of_datetime(when: datetime) -> None:
    parsed = fields.parse_times(pa.array([f"{when:%Y-%m-%d %H:%M:%S} EDT", when.isoformat()]))
    whole = (
        int((when.replace(tzinfo=UTC, microsecond=0) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000
    )
    assert parsed.local.tolist() == [whole, whole + when.microsecond]
    assert parsed.zone.tolist() == [0, fields.NO_ZONE]
    assert parsed.zones == ["EDT"]


@pytest.mark.parametrize(
    "text", ["yesterday", "2021-02-29 10:00:00 EDT", "2021-13-01", "2021-01-01 24:00:00", "2021-01-01 10:00 <b>"]
)
def test_unreadable_times(text: str) -> None:
    assert fields.parse_times(pa.array([text, None, ""])).zone.tolist() == [
        fields.UNREADABLE,
        fields.NO_TIME,
        fields.NO_TIME,
    ]


@pytest.mark.parametrize(
    ("url", "owner", "number", "platform"),
    [
        ("https://www.facebook.com/100050295107499/posts/345428873810280", "100050295107499", "345428873810280", 0),
        ("https://www.facebook.com/Some.Page/posts/a-slug-of-words/123?x=1#y", "some.page", "123", 0),
        ("https://m.facebook.com/story.php?story_fbid=12&id=34", "34", "12", 0),
        ("https://www.facebook.com/permalink.php?story_fbid=pfbid0Ab&id=34", "34", "pfbid0Ab", 0),
        ("https://www.facebook.com/page/videos/99/", "page", "99", 0),
        ("https://www.facebook.com/page/photos/a.1/22/?type=3", "page", "22", 0),
        ("https://www.facebook.com/photo.php?fbid=7&set=a.1", None, "7", 0),
        ("https://www.facebook.com/watch/?v=9", None, "9", 0),
        ("https://www.facebook.com/groups/12/permalink/77/", "12", "77", 0),
        ("https://www.instagram.com/p/AbC_-9/", None, "AbC_-9", 1),
        ("https://www.facebook.com/page", None, None, 0),
        ("https://example.com/page/posts/1", None, None, 0),
        ("https://notfacebook.com/page/posts/1", None, None, 0),
        (None, None, None, 0),
    ],
)  # fmt: skip
def test_post_addresses(url: str | None, owner: str | None, number: str | None, platform: int) -> None:
    found = fields.post_addresses(pa.array([url], pa.string()))
    assert (found.owner.to_pylist(), found.number.to_pylist(), found.platform.tolist()) == (
        [owner],
        [number],
        [platform],
    )


NA_WORDS = [
    "",
    "#N/A",
    "#N/A N/A",
    "#NA",
    "-1.#IND",
    "-1.#QNAN",
    "-NaN",
    "-nan",
    "1.#IND",
    "1.#QNAN",
    "<NA>",
    "N/A",
    "NA",
    "NULL",
    "NaN",
    "n/a",
    "nan",
    "null",
]


def test_words_for_missing() -> None:
    kept = ["None", "Na", "NAN", " NA", "nulls", "0"]
    column = pa.array([None, *NA_WORDS, *kept])
    assert fields.null_na(column).to_pylist() == [None] * (1 + len(NA_WORDS)) + kept
    assert fields.null_na(column.slice(len(NA_WORDS))).to_pylist() == [None, *kept]


def test_all_digits() -> None:
    assert fields.all_digits(pa.array(["12", "", None, "1.0E+14", "٣", "1 "])).tolist() == [
        True,
        False,
        False,
        False,
        False,
        False,
    ]
