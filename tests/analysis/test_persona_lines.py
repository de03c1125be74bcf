"""Lines of a persona export, beside a plain reading of the definition and Python's own JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.analysis.persona_lines import (
    ACTION_KINDS,
    ACTIONS,
    CONTENTS,
    EVENTS,
    LOSSES,
    Contents,
    Lines,
    Targets,
    action_lines,
    chain_lines,
)
from sm_assets.contracts.text_columns import LINE_KINDS
from sm_assets.errors import KernelError, OptionError
from sm_assets.kernels import json_messages

START = datetime(2024, 3, 1)
EPOCH = datetime(1970, 1, 1)
Row = dict[str, Any]
TID = "3kmnyuhbpsk2a"  # 2024-03-01


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def post(name: str, account: str, second: int = 0, **more: object) -> Row:
    return {
        "platform": "bluesky",
        "post_id": name,
        "account_id": account,
        "post_kind": "post",
        "text": f"text of {name}",
        "posted_at": START + timedelta(seconds=second),
        "is_eligible": True,
        "is_kept": True,
        **more,
    }


def event(kind: str, account: str = "a", *, post: str | None = None, to: str | None = None, **more: object) -> Row:
    return {
        "line_kind": kind,
        "platform": "bluesky",
        "account_id": account,
        "record_id": "r",
        "acted_at": START + timedelta(seconds=100),
        "object_post_id": post,
        "object_account_id": to,
        "object_withdrawn": False,
        **more,
    }


def contents(rows: Iterable[Row], *, targets: Targets = "any", keeps_deleted: bool = False) -> Contents:
    return Contents(pa.Table.from_pylist(list(rows), CONTENTS), targets=targets, keeps_deleted=keeps_deleted)


def lines(events: Iterable[Row], about: Contents, **more: bool) -> Lines:
    return action_lines(pa.Table.from_pylist(list(events), EVENTS), about, **more)


def parsed(found: Lines) -> list[Any]:
    assert found.data == b"" or found.data.endswith(b"\n")
    return [json.loads(line) for line in found.data.split(b"\n")[:-1]]


def losses(found: Lines) -> Counter[tuple[str, str]]:
    """(kind, reason) -> events."""
    counted: Counter[tuple[str, str]] = Counter()
    for kind, row in zip(LINE_KINDS, found.counts, strict=True):
        assert row[0] == row[1:].sum()
        counted.update({(kind, why): int(n) for why, n in zip(LOSSES, row[2:], strict=True) if n})
    return counted


# ------------------------------------------------------------------------ bytes

TEXTS = st.one_of(st.none(), st.text(st.characters(exclude_categories=("Cs",)), max_size=12))


@given(st.lists(st.tuples(TEXTS, TEXTS, st.integers(-(2**62), 2**62), st.booleans()), min_size=1, max_size=6))
@settings(max_examples=200, deadline=None)
def test_chain_lines_are_what_json_writes(rows: list[tuple[str | None, str | None, int, bool]]) -> None:
    begins = [True, *(row[3] for row in rows[1:])]
    expected: list[list[Row]] = []
    for (user, text, at, _), begin in zip(rows, begins, strict=True):
        if begin:
            expected.append([])
        expected[-1].append({"user_id": user or ""} | ({"text": text} if text else {}) | {"unix_epoch": at})
    found = json_messages.chain_lines(
        pa.array([row[0] or "" for row in rows]),
        pa.array([row[1] for row in rows], pa.string()),
        np.array([row[2] for row in rows]),
        np.array(begins),
    )
    assert found == "".join(json.dumps(line) + "\n" for line in expected).encode("ascii")


@given(TEXTS, TEXTS, st.sampled_from(ACTION_KINDS), st.integers(0, 2**52))
@settings(max_examples=200, deadline=None)
def test_action_lines_are_what_json_writes(text: str | None, said: str | None, kind: str, at: int) -> None:
    found = json_messages.action_lines(
        ACTIONS, pa.array(["b"]), pa.array([text], pa.string()), np.array([at]), pa.array(["ä"]),
        np.array([ACTIONS.index(kind)]), np.array([at + 1]), pa.array([said], pa.string()),
    )  # fmt: skip
    actions = {name: name == kind for name in ACTIONS}
    line = [
        {"user_id": "b"} | ({"text": text} if text else {}) | {"unix_epoch": at},
        {"user_id": "ä", "actions": actions, "unix_epoch": at + 1} | ({"text": said} if said else {}),
    ]
    assert found == (json.dumps(line) + "\n").encode("ascii")


def test_every_code_point_is_spelled_as_json_spells_it() -> None:
    text = "".join(chr(code) for code in (*range(0xD800), *range(0xE000, 0x110000, 7), 0x10FFFF))
    found = json_messages.chain_lines(pa.array(["u"]), pa.array([text]), np.array([0]), np.array([True]))
    assert found == (json.dumps([{"user_id": "u", "text": text, "unix_epoch": 0}]) + "\n").encode("ascii")


def test_broken_utf8_becomes_replacement_characters() -> None:
    data = b"a\xff\xe2\x82b\xed\xa0\x80\xf0\x9f\x99\x82"
    text = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(np.array([0, len(data)], np.int32)), pa.py_buffer(data)]
    )
    found = json_messages.chain_lines(pa.array(["u"]), text, np.array([0]), np.array([True]))
    assert json.loads(found)[0]["text"] == data.decode("utf-8", "replace")


def test_columns_that_do_not_fit_are_refused() -> None:
    one, none = pa.array(["u"]), pa.array([None], pa.string())
    at = np.array([1])
    with pytest.raises(KernelError, match="equally long"):
        json_messages.chain_lines(one, pa.array(["a", "b"]), at, np.array([True]))
    with pytest.raises(KernelError, match="users must not be null"):
        json_messages.chain_lines(none, none, at, np.array([True]))
    with pytest.raises(KernelError, match="must begin a chain"):
        json_messages.chain_lines(one, none, at, np.array([False]))
    with pytest.raises(KernelError, match=r"actions must lie in 0\.\.12"):
        json_messages.action_lines(ACTIONS, one, none, at, one, np.array([13]), at, none)


# ------------------------------------------------------------------------ rules


def test_thirteen_kinds_of_lines_and_thirteen_actions() -> None:
    assert len(LINE_KINDS) == len(ACTIONS) == 13
    assert set(ACTIONS) - set(ACTION_KINDS) == {"profile_update"}
    assert ("chain", *ACTION_KINDS) == LINE_KINDS


def test_a_line_per_kind() -> None:
    about = contents([post("p", "b", 10), post("own", "a", 20, post_kind="reply"), post("late", "b", 101)])
    events = [
        event("like", post="p"),
        event("unrepost", post="p"),
        event("follow", to="b"),
        event("unblock", to="a"),
        event("post_update", post="own", text="new"),
        event("post_delete", post=f"at://a/post/{TID}", object_day=date(2024, 3, 1), object_withdrawn=True),
        event("quote", post="p", text="see this"),
        event("ignore", post="p", text="never told"),
    ]
    found = lines(events, about)
    assert [[name for name, is_it in line[1]["actions"].items() if is_it] for line in parsed(found)] == [
        [each["line_kind"]] for each in events
    ]
    assert not losses(found)
    p = {"user_id": "b", "text": "text of p", "unix_epoch": micros(START) + 10_000_000}
    own = {"user_id": "a", "text": "text of own", "unix_epoch": micros(START) + 20_000_000}
    without_text = {name: value for name, value in own.items() if name != "text"}
    shown = [line[0] for line in parsed(found)]
    assert shown[:5] == [p, p, p, own, without_text]
    assert shown[5]["user_id"] == "a"
    assert "text" not in shown[5]
    assert date(2024, 3, 1) == (EPOCH + timedelta(microseconds=shown[5]["unix_epoch"])).date()
    assert shown[6:] == [p, p]
    assert [line[1].get("text") for line in parsed(found)] == [None] * 4 + ["new", None, "see this", None]
    assert {line[1]["unix_epoch"] for line in parsed(found)} == {micros(START) + 100_000_000}
    assert list(parsed(found)[6][1]) == ["user_id", "actions", "unix_epoch", "text"]


def test_why_events_are_no_lines() -> None:
    posts = [
        post("p", "b"),
        post("other", "b", is_eligible=False, text=None),
        post("stranger", "s", is_kept=False),
        post("later", "c", 500),
        post("quote", "d", post_kind="quote"),
    ]
    events = [
        event("like", post="nowhere"),
        event("like"),
        event("repost", post="other"),
        event("unlike", post="gone", object_withdrawn=True),
        event("quote", post="stranger"),
        event("follow", to="s"),
        event("unfollow"),
        event("block", to="c"),
        event("block", to="d"),
        event("follow", to="nobody"),
        event("unblock", to="gone", object_withdrawn=True),
        event("post_update", post="other"),
    ]
    always = Counter(
        {
            ("like", "target_unknown"): 2,
            ("repost", "target_not_eligible"): 1,
            ("unlike", "target_withdrawn"): 1,
            ("unfollow", "target_unknown"): 1,
            ("block", "nothing_before"): 2,
            ("unblock", "target_withdrawn"): 1,
            ("post_update", "target_not_eligible"): 1,
        }
    )
    found = lines(events, contents(posts))
    assert losses(found) == always + Counter({("follow", "nothing_before"): 1})
    assert len(parsed(found)) == 2
    found = lines(events, contents(posts, targets="kept_accounts"))
    assert losses(found) == always + Counter(
        {("follow", "target_not_eligible"): 2, ("quote", "target_not_eligible"): 1}
    )
    assert not parsed(found)


def test_the_original_shows_texts_of_edited_and_deleted_posts() -> None:
    posts = [post("own", "a", 3), post("not", "a", is_eligible=False)]
    events = [
        event("post_update", post="own", text="new"),
        event("post_delete", post="own"),
        event("post_delete", post="not"),
    ]
    found = lines(events, contents(posts, keeps_deleted=True))
    assert [line[0]["text"] for line in parsed(found)] == ["text of own"] * 2
    assert losses(found) == Counter({("post_delete", "target_not_eligible"): 1})


@pytest.mark.parametrize(
    ("key", "day", "expected"),
    [
        (TID, date(2024, 3, 1), None),
        (TID, date(2024, 3, 2), datetime(2024, 3, 2)),  # an id that looks like another time
        ("12345", date(2024, 2, 27), datetime(2024, 2, 27)),
        ("12345", None, START + timedelta(seconds=100)),
        (TID, None, None),
    ],
)
def test_when_a_deleted_post_was_written(key: str, day: date | None, expected: datetime | None) -> None:
    told = parsed(lines([event("post_delete", post=f"at://a/app/{key}", object_day=day)], contents([])))[0][0]
    if expected is None:
        letters = "234567abcdefghijklmnopqrstuvwxyz"
        number = 0
        for letter in TID:
            number = number << 5 | letters.index(letter)
        assert told["unix_epoch"] == number >> 10
    else:
        assert told["unix_epoch"] == micros(expected)


def test_equal_times_are_decided_by_id() -> None:
    rows = [post(name, "b", 5) for name in "cadb"] + [post("first", "b", 4)]
    found = [lines([event("follow", to="b")], contents(order)) for order in (rows, rows[::-1])]
    assert [parsed(each)[0][0]["text"] for each in found] == ["text of d"] * 2


def test_platforms_do_not_mix_and_are_named_where_there_are_several() -> None:
    posts = [post("p", "b"), post("p", "t", platform="twitter"), post("q", "x", platform="twitter")]
    events = [
        event("like", post="p"),
        event("like", post="p", platform="twitter"),
        event("follow", to="b", platform="twitter"),
    ]
    found = lines(events, contents(posts), prefixed=True)
    assert [(line[0]["user_id"], line[1]["user_id"]) for line in parsed(found)] == [
        ("bluesky:b", "bluesky:a"),
        ("twitter:t", "twitter:a"),
    ]
    assert losses(found) == Counter({("follow", "nothing_before"): 1})


def test_nothing_gives_nothing() -> None:
    found = lines([], contents([post("p", "b")]))
    assert found.data == b""
    assert not found.counts.any()
    assert losses(lines([event("like", post="p"), event("follow", to="b")], contents([]))) == Counter(
        {("like", "target_unknown"): 1, ("follow", "nothing_before"): 1}
    )


def test_unknown_words_are_refused() -> None:
    with pytest.raises(OptionError, match="found poke"):
        lines([event("like", post="p"), event("poke")], contents([]))
    with pytest.raises(OptionError, match="found 'all'"):
        contents([], targets="all")  # type: ignore[arg-type]


def test_chain_lines_count_their_messages() -> None:
    table = pa.table(
        {
            "platform": ["bluesky"] * 3,
            "account_id": ["a", "b", "c"],
            "text": pa.array(["one", None, ""]),
            "posted_at": pa.array([START] * 3, pa.timestamp("us")),
            "position": pa.array([0, 1, 0], pa.int32()),
        }
    )
    found = chain_lines(table)
    at = micros(START)
    assert parsed(found) == [
        [{"user_id": "a", "text": "one", "unix_epoch": at}, {"user_id": "b", "unix_epoch": at}],
        [{"user_id": "c", "unix_epoch": at}],
    ]
    assert found.counts[0].tolist() == [3, 3, 0, 0, 0, 0, 0]


# ------------------------------------------------------------------ a plain oracle

NAMES = "abcd"
WORLDS = st.tuples(
    st.lists(
        st.tuples(
            st.sampled_from(NAMES), st.integers(0, 6), st.sampled_from(["post", "reply", "quote"]), st.booleans(),
            st.booleans(),
        ),
        max_size=8,
    ),
    st.lists(
        st.tuples(
            st.sampled_from([kind for kind in ACTION_KINDS if kind != "post_delete"]),
            st.one_of(st.none(), st.integers(0, 9)), st.one_of(st.none(), st.sampled_from(NAMES)), st.integers(0, 6),
            st.booleans(),
        ),
        max_size=8,
    ),
)  # fmt: skip


@given(WORLDS, st.sampled_from(["any", "kept_accounts"]), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_contents_are_those_of_the_definition(world: Any, targets: Targets, random: Any) -> None:
    rows = [
        post(f"p{k}", account, second, post_kind=kind, is_eligible=eligible, is_kept=kept and account != "d")
        for k, (account, second, kind, eligible, kept) in enumerate(world[0])
    ]
    events = [
        event(
            kind,
            post=None if k is None else f"p{k}",
            to=to,
            acted_at=START + timedelta(seconds=second),
            object_withdrawn=gone,
        )
        for kind, k, to, second, gone in world[1]
    ]
    kept = {row["account_id"] for row in rows if row["is_kept"]}
    expected = []
    for each in events:
        if each["line_kind"] in ("follow", "unfollow", "block", "unblock"):
            by = each["object_account_id"]
            if by is None or each["object_withdrawn"] or (targets != "any" and by not in kept):
                continue
            able = [row for row in rows if row["account_id"] == by and row["post_kind"] != "quote"]
            able = [row for row in able if row["posted_at"] <= each["acted_at"]]
        else:
            able = [row for row in rows if row["post_id"] == each["object_post_id"]]
        able = [row for row in able if row["is_eligible"] and (targets == "any" or row["is_kept"])]
        if able:
            best = max(able, key=lambda row: (row["posted_at"], row["post_id"]))
            expected.append((best["account_id"], micros(best["posted_at"]), each["line_kind"]))
    mixed = random.sample(rows, len(rows))
    found = lines(events, contents(mixed, targets=targets))
    told = [
        (line[0]["user_id"], line[0]["unix_epoch"], next(name for name, is_it in line[1]["actions"].items() if is_it))
        for line in parsed(found)
    ]
    assert told == expected
    assert found.counts[:, 0].sum() == len(events) == len(expected) + sum(losses(found).values())
