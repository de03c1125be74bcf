"""Figures of volumes and word sequences: readable XML, stable bytes, small whatever the window, honest when empty."""

from __future__ import annotations

import base64
import re
from datetime import date, datetime, timedelta
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow as pa
import pytest

from sm_assets.analysis.post_volumes import busiest_day, window_volumes
from sm_assets.contracts.columns import PLATFORMS
from sm_assets.plots import busiest_day as by_minute
from sm_assets.plots import canvas, ngrams
from sm_assets.plots import post_volumes as by_hour

FIRST = date(2024, 3, 1)
COUNTED = pa.schema(
    {
        "resolution": pa.string(),
        "platform": pa.string(),
        "bucket_at": pa.timestamp("us"),
        "n_posts": pa.int64(),
        "n_accounts": pa.int64(),
        "day": pa.date32(),
    }
)


def svg_of(markdown: str) -> tuple[str, list[str]]:
    """The picture and the texts in it."""
    svg = base64.b64decode(markdown.split("base64,")[1].rstrip(")"))
    assert len(svg) <= canvas.MAX_SVG_BYTES
    root = ET.fromstring(svg)  # noqa: S314  our own figure
    return svg.decode(), ["".join(node.itertext()) for node in root.iter() if node.tag.endswith("}text")]


def volumes(platforms: tuple[str, ...], days: list[date]) -> pa.Table:
    """A busy window."""
    draw = np.random.default_rng(1)
    rows = []
    for platform in platforms:
        for day in days:
            hours = draw.integers(0, 1000, 24).tolist()
            start = datetime.combine(day, datetime.min.time())
            common = {"platform": platform, "day": day, "n_accounts": 1}
            rows += [
                common | {"resolution": "hour", "bucket_at": start + timedelta(hours=hour), "n_posts": n}
                for hour, n in enumerate(hours)
            ]
            rows.append(common | {"resolution": "day", "bucket_at": start, "n_posts": sum(hours)})
    return window_volumes(pa.Table.from_pylist(rows, COUNTED), days)


@pytest.mark.parametrize(
    ("n_platforms", "n_days", "unit"), [(1, 1, "hour"), (3, 27, "hour"), (6, 28, "3 h"), (6, 90, "12 h")]
)
def test_hours_are_small_and_say_what_they_show(n_platforms: int, n_days: int, unit: str) -> None:
    days = [FIRST + timedelta(days=number) for number in range(n_days)]
    window = (FIRST - timedelta(days=1), days[-1])
    made = by_hour.draw(volumes(PLATFORMS[:n_platforms], days), window)
    _, texts = svg_of(made)
    assert made == by_hour.draw(volumes(PLATFORMS[:n_platforms], days), window)
    assert len([text for text in texts if re.fullmatch(rf"posts (an|in) {unit}", text)]) == n_platforms
    assert {"time in UTC", "nothing known"} <= set(texts)
    for platform in PLATFORMS[:n_platforms]:
        assert [text for text in texts if text.startswith(f"{platform}: ")]


def test_known_windows_have_no_mark_of_the_unknown() -> None:
    _, texts = svg_of(by_hour.draw(volumes(("bluesky",), [FIRST]), (FIRST, FIRST)))
    assert "nothing known" not in texts


def test_the_busiest_day_is_the_earlier_of_two_and_its_minutes_are_small() -> None:
    starts = [datetime.combine(FIRST, datetime.min.time()) + timedelta(days=number) for number in range(3)]
    rows = [
        {
            "resolution": "day",
            "platform": platform,
            "bucket_at": start,
            "n_posts": n,
            "n_accounts": 1,
            "day": start.date(),
        }
        for platform, counts in (("bluesky", (1, 7, 2)), ("twitter", (4, 0, 5)))
        for start, n in zip(starts, counts, strict=True)
    ]
    made = pa.Table.from_pylist(rows[::-1], COUNTED)
    assert busiest_day(made) == FIRST + timedelta(days=1)
    assert busiest_day(made.slice(0, 0)) is None
    draw = np.random.default_rng(1)
    start = datetime.combine(FIRST, datetime.min.time())
    rows = [
        {
            "platform": platform,
            "minute_at": start + timedelta(minutes=minute),
            "n_posts": int(n),
            "n_accounts": int(n) // 2,
        }
        for platform in PLATFORMS
        for minute, n in enumerate(draw.integers(1, 1000, 1440))
    ]
    minutes = pa.Table.from_pylist(
        rows,
        pa.schema(
            {"platform": pa.string(), "minute_at": pa.timestamp("us"), "n_posts": pa.int64(), "n_accounts": pa.int64()}
        ),
    )
    _, texts = svg_of(by_minute.draw(minutes, FIRST))
    assert {"posts", "accounts that wrote them", "time in UTC"} <= set(texts)
    assert by_minute.draw(minutes, FIRST) == by_minute.draw(minutes.take(pa.array(range(len(minutes))[::-1])), FIRST)


def test_sequences_are_text_and_of_one_language() -> None:
    hostile = ("<script>alert(1)</script>", "a\x00b", "turned \u202egnp", "x" * 5000, "$1^2$", "&amp; ]]>")
    rows = [
        {
            "platform": "bluesky",
            "lang": lang,
            "n": n,
            "ngram": f"{text}{lang}",
            "rank": rank,
            "n_posts": 10,
            "n_accounts": 3,
        }
        for lang in ("en", "all")
        for n in range(1, 5)
        for rank, text in enumerate(hostile, 1)
    ]
    svg, texts = svg_of(ngrams.draw(pa.Table.from_pylist(rows), "bluesky", "en"))
    assert "<script" not in svg
    assert "\u202e" not in svg
    assert "$1^2$en" in texts
    assert not [text for text in texts if text.endswith("$all")]


def test_nothing_is_said_in_words() -> None:
    nothing = window_volumes(COUNTED.empty_table(), [FIRST])
    assert "no posts in this window" in by_hour.draw(nothing, (FIRST, FIRST))
    schema = pa.schema(
        {"platform": pa.string(), "minute_at": pa.timestamp("us"), "n_posts": pa.int64(), "n_accounts": pa.int64()}
    )
    assert "no posts on" in by_minute.draw(schema.empty_table(), FIRST)
    empty = pa.table(
        {name: pa.array([], pa.string()) for name in ("platform", "lang", "ngram")}
        | {name: pa.array([], pa.int64()) for name in ("n", "rank", "n_posts", "n_accounts")}
    )
    assert "no sequence" in ngrams.draw(empty, "", "all")
