"""Times, numbers and AT identifiers against slow readings of the same rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sm_assets.errors import KernelError
from sm_assets.kernels.json_cells import NEVER, are_dids, at_uris, rfc3339_micros, tid_micros, whole_numbers

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LETTERS = "234567abcdefghijklmnopqrstuvwxyz"


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def one(text: str | None) -> int:
    return int(rfc3339_micros(pa.array([text], pa.string()))[0])


@given(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),
    st.integers(-1439, 1439),
    st.sampled_from(["Tz", "tZ", "T+"]),
)
def test_times_as_python_reads_them(moment: datetime, offset: int, form: str) -> None:
    zone = timezone(timedelta(minutes=offset)) if form[1] == "+" else UTC
    aware = moment.replace(tzinfo=zone)
    text = aware.isoformat()
    if form[1] != "+":
        text = text.replace("+00:00", form[1])
    assert one(text.replace("T", form[0])) == micros(aware)


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("2024-02-29T12:00:00.1Z", 100_000),
        ("2024-02-29T12:00:00.123456789Z", 123_456),
        ("2024-02-29T12:00:00.000+00:00", 0),
        ("2024-02-29T12:00:00z", 0),
        ("2024-02-29T07:00:00.5-05:00", 500_000),
    ],
)
def test_fractions_and_zones(text: str, second: int) -> None:
    assert one(text) == micros(datetime(2024, 2, 29, 12, tzinfo=UTC)) + second


@pytest.mark.parametrize(
    "text",
    [
        None,
        "", "2024-02-29", "2024-02-29T12:00:00", "2024-02-29 12:00:00Z", "2023-02-29T12:00:00Z",
        "1900-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z",
        "2024-04-31T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:60Z", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00.1234567890Z", "2024-01-01T00:00:00+0000",
        "2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00+00:60", "2024-01-01T00:00:00Z ", "0000-01-01T00:00:00Z",
        "2024-01-01T00:00:00 Z", "2024-1-1T00:00:00.000Z", "x024-01-01T00:00:00Z",
    ],
)  # fmt: skip
def test_what_is_no_time(text: str | None) -> None:
    assert one(text) == NEVER


@given(st.integers(0, 2**54 - 1), st.integers(0, 1023))
def test_tids(time: int, clock: int) -> None:
    number = time << 10 | clock
    text = "".join(LETTERS[number >> 5 * place & 31] for place in range(12, -1, -1))
    assert tid_micros(pa.array([text])).tolist() == [time]


def test_what_is_no_tid() -> None:
    texts = [
        "self",
        "",
        None,
        "3mptbyplj5d2",
        "3mptbyplj5d2aa",
        "kmptbyplj5d2a",
        "zmptbyplj5d2a",
        "3mptbyplj5d21",
        "3MPTBYPLJ5D2A",
    ]
    assert set(tid_micros(pa.array(texts)).tolist()) == {NEVER}
    assert tid_micros(pa.array(["jzzzzzzzzzzzz"])).tolist() == [2**54 - 1]


def test_whole_numbers() -> None:
    texts = [
        "0",
        "1783175888085434",
        "-5",
        "007",
        "999999999999999999",
        "1e3",
        "1.0",
        "",
        None,
        "-",
        "+1",
        "1234567890123456789",
    ]
    assert whole_numbers(pa.array(texts)).tolist() == [0, 1783175888085434, -5, 7, 999999999999999999, *[NEVER] * 7]


def test_addresses_are_taken_apart() -> None:
    texts = pa.array(
        [
            "at://did:plc:a/app.bsky.feed.post/3k", "at://a.example/c/r", None, "", "at://", "at:///c/r", "at://a//r", "at://a/c/",
            "at://a/c", "at://a/c/r/x", "https://a/c/r", "at://a/c/r#x", "at://a/c/r s", '{"uri":1}',
        ]
    )  # fmt: skip
    parts = at_uris(texts)
    assert parts.authority.to_pylist() == ["did:plc:a", "a.example", *[None] * 12]
    assert parts.collection.to_pylist() == ["app.bsky.feed.post", "c", *[None] * 12]
    assert parts.rkey.to_pylist() == ["3k", "r", *[None] * 12]


def test_dids() -> None:
    good = ["did:plc:wq4aajammjtxdomz3e23667t", "did:web:example.com%3A80", "did:plc:x"]
    bad = ["a.example", "did:", "did:plc:", "did::x", "did:PLC:x", "did:plc:a/b", "did:plc:a b", "", None, "did:plc:é"]
    assert are_dids(pa.array(good + bad)).tolist() == [True] * len(good) + [False] * len(bad)


def test_columns_are_text() -> None:
    for function in (rfc3339_micros, tid_micros, whole_numbers, at_uris, are_dids):
        with pytest.raises(KernelError, match="must hold text"):
            function(pa.array([1]))


def test_sliced_columns_are_read_from_their_start() -> None:
    assert whole_numbers(pa.array(["1", "2", "3"])[1:]).tolist() == [2, 3]
