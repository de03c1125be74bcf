"""What the contents of a post are, in both modes."""

from __future__ import annotations

import hashlib
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pytest

from sm_assets.analysis.contents import CONTENT_SCHEMA, RESHARE, check_mode, post_contents
from sm_assets.errors import OptionError

LONG = "This is a message of more than twenty letters"


def posts(*rows: dict[str, object]) -> pa.RecordBatch:
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("platform", "account_id", "post_id")),
            ("posted_at", pa.timestamp("us")),
            *((name, pa.string()) for name in ("text", "image_text", "link_url", "final_link_url", "link_title")),
            ("day", pa.date32()),
        ]
    )
    base = {"platform": "facebook", "account_id": "1", "posted_at": datetime(2024, 5, 1, 10), "day": date(2024, 5, 1)}
    return pa.RecordBatch.from_pylist([{**base, "post_id": f"1_{k}", **row} for k, row in enumerate(rows)], schema)


def contents(*rows: dict[str, object], mode: str = "canonical", **options: object) -> list[dict[str, object]]:
    return post_contents(posts(*rows), content_mode=mode, **options).to_pylist()  # type: ignore[arg-type]  # passed on


def digest(kind: str, text: str) -> str:
    return hashlib.blake2b(f"{kind}\x1f{text}".encode(), digest_size=16).hexdigest()


def test_a_post_has_up_to_three_contents_and_the_first_that_passes_is_primary() -> None:
    found = contents({"text": LONG, "image_text": LONG + "!", "link_url": "https://ex.com/a?utm_x=1"})
    assert [(c["content_kind"], c["is_primary"], c["guard"]) for c in found] == [
        ("text", True, None), ("link", False, None), ("image_text", False, None),
    ]  # fmt: skip
    assert found[0]["content_id"] == digest("text", LONG.lower())
    assert found[1]["content_id"] == digest("link", "https://ex.com/a")
    assert found[1]["preview"] == "https://ex.com/a"
    assert post_contents(posts({"text": LONG}), content_mode="canonical").schema.names == [*CONTENT_SCHEMA.names, "day"]


def test_guards() -> None:
    found = contents(
        {"text": "short", "link_url": "https://ex.com"},
        {"text": RESHARE},
        {"text": "The Daily Parrot updated their cover photo."},
        {"text": "字" * 10},
        {"text": "字" * 9},
        {"text": "the band was live. It was a splendid night"},
        {},
    )
    by_post = [(c["post_id"], c["content_kind"], c["guard"], c["is_primary"]) for c in found]
    assert by_post == [
        ("1_0", "text", "too_short", False), ("1_0", "link", None, True), ("1_1", "text", "boilerplate", False),
        ("1_2", "text", "boilerplate", False), ("1_3", "text", None, True), ("1_4", "text", "too_short", False),
        ("1_5", "text", None, True),
    ]  # fmt: skip
    assert contents({"text": "m0"}, min_text_chars=0)[0]["guard"] is None
    assert contents({"text": LONG}, boilerplate=["this is *"])[0]["guard"] == "boilerplate"


@pytest.mark.parametrize(
    ("row", "link"),
    [
        ({"final_link_url": "https://ex.com/f", "link_url": "https://ex.com/l"}, "https://ex.com/f"),
        ({"final_link_url": "https://www.facebook.com/f", "link_url": "https://ex.com/l"}, "https://ex.com/l"),
        ({"link_url": "https://fb.watch/x", "text": f"{LONG} https://fb.me/1 www.ex.com/t. more"}, "https://ex.com/t"),
        ({"link_url": "https://www.facebook.com/x"}, None),
        ({"platform": "instagram", "link_url": "https://www.facebook.com/x"}, "https://facebook.com/x"),
        ({"link_url": "http://[bad/x"}, "http://[bad/x"),
    ],
)
def test_which_link_counts(row: dict[str, object], link: str | None) -> None:
    found = [c["preview"] for c in contents(row) if c["content_kind"] == "link"]
    assert found == ([link] if link else [])


def test_copies_meet_in_spite_of_small_changes() -> None:
    one, two = contents(
        {"text": "Breaking NEWS: the river has burst its banks 🌊\ufe0f https://ex.com/1"},
        {"text": "breaking news:  the river has burst its banks 🌊 www.other.example/2?utm=3"},
    )[::2]
    assert one["content_id"] == two["content_id"]


def test_compat_joins_what_is_not_missing() -> None:
    rows = (
        {"text": "Msg", "image_text": "NA", "final_link_url": "https://Ex.com/a?utm=1", "link_title": "T"},
        {"text": "This is a", "image_text": "re-share of a post"},
        {"text": "nan", "link_url": "https://www.facebook.com/x"},
    )
    found = contents(*rows, mode="compat")
    assert [(c["content_kind"], c["preview"], c["guard"], c["is_primary"]) for c in found] == [
        ("joined", "Msg https://ex.com/a? T", None, True), ("joined", RESHARE, "boilerplate", False),
    ]  # fmt: skip
    assert found[0]["content_id"] == digest("joined", "Msg https://ex.com/a? T")


def test_platforms_in_one_batch_keep_their_rows() -> None:
    rows = [
        {"platform": name, "link_url": f"https://www.facebook.com/{k}"}
        for k, name in enumerate(["facebook", "instagram"] * 3)
    ]
    found = contents(*rows)
    assert [(c["post_id"], c["preview"]) for c in found] == [(f"1_{k}", f"https://facebook.com/{k}") for k in (1, 3, 5)]


def test_unknown_modes_are_refused() -> None:
    with pytest.raises(OptionError, match="canonical, compat"):
        check_mode("exact")


def test_an_empty_batch_stays_empty() -> None:
    for mode in ("canonical", "compat"):
        assert post_contents(posts().slice(0, 0), content_mode=mode).num_rows == 0
    assert np.array_equal(posts().to_pylist(), [])
