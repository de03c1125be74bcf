"""feat_account_activity against a count by hand: every number of every account and day, and that days add up.

Here: random days of posts, likes, follows, and texts and links one by one. Not here: which rows core holds.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import pairwise
from math import floor, log2
from typing import Any

import pytest
from cluster_lake import publish
from staged import make, rows

from sm_assets.contracts import TABLES
from sm_assets.storage import Lake

pytestmark = pytest.mark.usefixtures("no_catalogue")

NAME = "feat_account_activity"
DAYS = [date(2024, 3, 1), date(2024, 3, 2)]
COLUMNS = TABLES[NAME].column_names
URLS = {
    "https://www.Example.com/a?b=@c": "example.com",
    "http://user:secret@news.example.org:8080/x": "news.example.org",
    "example.net/path": "example.net",
    "//cdn.example.com/": "cdn.example.com",
    "nonsense": None,
}
TEXTS = {
    None: (0, 0, 0),
    "": (0, 0, 0),
    "two words": (9, 2, 0),
    "caf\u00e9 \u00a9 \u2122": (8, 3, 0),
    "hi \U0001f600\U0001f600": (5, 2, 2),
    "\U0001f1e9\U0001f1ea \U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f \U0001f44d\U0001f3fd 1\ufe0f\u20e3": (
        18,
        5,
        5,
    ),
}


def core(lake: Lake, **tables: Iterable[Mapping[str, Any]]) -> None:
    """Publish core tables of both days, empty where nothing is given."""
    for name in ("posts", "post_links", "post_hashtags", "post_mentions", "interactions", "follows"):
        publish(lake, f"core_{name}", tables.get(name, ()), DAYS)


def by_account(lake: Lake) -> dict[tuple[str, str, date], dict[str, Any]]:
    """Rows as they were published, by key and day."""
    made = (dict(zip(COLUMNS, row, strict=True)) for row in rows(lake, NAME, ", ".join(COLUMNS)))
    return {(row["platform"], row["account_id"], row["day"]): row for row in made}


def post(number: int, account: str, when: datetime, **more: Any) -> dict[str, Any]:
    return {
        "platform": "bluesky",
        "post_id": f"p{number}",
        "account_id": account,
        "posted_at": when,
        "post_kind": "post",
        "media_kind": "none",
        "text": None,
        "day": when.date(),
    } | more


def world(seed: int) -> dict[str, list[dict[str, Any]]]:
    """Two days of five accounts on two platforms; some never post, one bursts."""
    draw = random.Random(seed)
    tables: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for number in range(120):
        start = datetime.combine(draw.choice(DAYS), datetime.min.time())
        who = f"a{draw.randrange(4)}"
        micros = draw.choice([draw.randrange(86_400_000_000), draw.randrange(3_000_000), 86_399_999_999])
        made = post(
            number,
            who,
            start + timedelta(microseconds=micros),
            platform=draw.choice(["bluesky", "twitter"]),
            post_kind=draw.choice(["post", "reply", "quote"]),
            media_kind=draw.choice(["none", "photo", "video", "live", "album", "link", "poll", "other"]),
            text=draw.choice(list(TEXTS)),
        )
        tables["posts"].append(made)
        child = {name: made[name] for name in ("platform", "post_id", "account_id", "posted_at", "day")}
        for ordinal in range(draw.randrange(3)):
            url = draw.choice(list(URLS))
            more = {"url": url, "link_role": draw.choice(["external", "external", "quote", "self", "media"])}
            if draw.random() < 0.3:
                more |= {"url": "https://short.example/1", draw.choice(["expanded_url", "final_url"]): url}
            tables["post_links"].append(child | {"ordinal": ordinal} | more)
        for name in ("post_hashtags", "post_mentions"):
            for ordinal in range(draw.randrange(3)):
                tables[name].append(child | {"ordinal": ordinal})
    for number in range(60):
        moment = datetime.combine(draw.choice(DAYS), datetime.min.time()) + timedelta(hours=draw.randrange(24))
        row = {"platform": "bluesky", "interacted_at": moment, "day": moment.date(), "interaction_id": f"i{number}"}
        kind = draw.choice(["like", "repost", "reply", "quote", "block"])
        tables["interactions"].append(row | {"account_id": f"a{draw.randrange(5)}", "kind": kind})
        pair = {"follower_account_id": f"a{draw.randrange(7)}", "followed_account_id": f"b{number}"}
        tables["follows"].append(
            pair
            | {"platform": "bluesky", "is_snapshot": draw.random() < 0.5, "day": moment.date(), "followed_at": moment}
        )
    return tables


def by_hand(tables: Mapping[str, list[dict[str, Any]]]) -> dict[tuple[str, str, date], dict[str, Any]]:
    """What the table has to hold."""
    found: dict[tuple[str, str, date], dict[str, Any]] = {}

    def of(row: Mapping[str, Any], account: str = "account_id") -> dict[str, Any]:
        key = (row["platform"], row[account], row["day"])
        zeros: dict[str, Any] = {name: 0 for name in COLUMNS if name.startswith("n_")}
        lists = {"hours": [0] * 24, "gaps": [0] * 18, "seconds": [0] * 60, "hosts": Counter(), "times": []}
        return found.setdefault(key, dict(zip(("platform", "account_id", "day"), key, strict=True)) | zeros | lists)

    for row in tables["posts"]:
        account = of(row)
        account[{"post": "n_posts", "reply": "n_replies", "quote": "n_quotes"}[row["post_kind"]]] += 1
        account["n_with_media"] += row["media_kind"] in ("photo", "album", "video", "live")
        for name, value in zip(("n_chars", "n_words", "n_emoji"), TEXTS[row["text"]], strict=True):
            account[name] += value
        account["hours"][row["posted_at"].hour] += 1
        account["seconds"][row["posted_at"].second] += 1
        account["times"].append(row["posted_at"])
        for name, kind in (("post_hashtags", "hashtag"), ("post_mentions", "mention"), ("post_links", "link")):
            own = [
                child
                for child in tables[name]
                if (child["platform"], child["post_id"]) == (row["platform"], row["post_id"])
                and child.get("link_role", "external") == "external"
            ]
            account[f"n_with_{kind}"] += bool(own)
            account[f"n_{kind}s"] += len(own)
            if kind == "link":
                urls = [child.get("final_url") or child.get("expanded_url") or child["url"] for child in own]
                account["hosts"].update(host for host in map(URLS.get, urls) if host)
    for row in tables["interactions"]:
        if row["kind"] in ("like", "repost"):
            of(row)[f"n_{row['kind']}s"] += 1
    for row in tables["follows"]:
        if not row["is_snapshot"]:
            of(row, "follower_account_id")["n_follows"] += 1
    for account in found.values():
        times = sorted(account.pop("times"))
        for before, after in pairwise(times):
            account["gaps"][floor(log2(max(1, (after - before) // timedelta(seconds=1))))] += 1
        hosts = account.pop("hosts")
        account |= {"domains": sorted(hosts), "domain_counts": [hosts[host] for host in sorted(hosts)]}
        account |= {"first_at": times[0] if times else None, "last_at": times[-1] if times else None}
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_every_number_of_every_account_and_day(lake: Lake, seed: int) -> None:
    tables = world(seed)
    core(lake, **tables)
    make(lake, NAME, DAYS)
    assert by_account(lake) == by_hand(tables)


def test_no_order_of_rows_changes_a_byte(lake: Lake) -> None:
    tables = world(3)
    core(lake, **tables)
    make(lake, NAME, DAYS)
    before = by_account(lake)
    core(lake, **{name: made[::-1] for name, made in tables.items()})
    make(lake, NAME, DAYS)
    assert by_account(lake) == before


@pytest.mark.parametrize(
    ("gap", "place"), [(0.0, 0), (0.999, 0), (1, 0), (1.999, 0), (2, 1), (3.999, 1), (4, 2), (65_536, 16), (86_399, 16)]
)
def test_a_gap_lies_in_the_place_of_its_power_of_two(lake: Lake, gap: float, place: int) -> None:
    start = datetime.combine(DAYS[0], datetime.min.time())
    # Whole seconds that pass count, not those that the clock begins.
    offset = timedelta(microseconds=999_999 if gap < 86_000 else 0)
    second = start + timedelta(seconds=gap) + offset
    core(lake, posts=[post(0, "a", start + offset), post(1, "a", second)])
    make(lake, NAME, DAYS)
    (row,) = by_account(lake).values()
    assert [number for number, n in enumerate(row["gaps"]) if n] == [place]


@pytest.mark.parametrize("text", ["\x00a\x00", "=1+1", "<script>", "\ufffd" * 10, "x" * 1_000_000, " \n\t "])
def test_texts_of_any_kind_are_counted(lake: Lake, text: str) -> None:
    core(lake, posts=[post(0, "a", datetime.combine(DAYS[0], datetime.min.time()), text=text)])
    make(lake, NAME, DAYS)
    (row,) = by_account(lake).values()
    assert (row["n_chars"], row["n_words"], row["n_emoji"]) == (len(text), len(text.split()), 0)


def test_days_without_anybody_are_empty(lake: Lake) -> None:
    core(lake)
    published, _ = make(lake, NAME, DAYS)
    assert published.rows == dict.fromkeys(DAYS, 0)
