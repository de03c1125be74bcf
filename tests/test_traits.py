"""Traits of accounts: equal to what a slow count over the single posts gives, unknown where nothing is known.

Here: the table over a small lake, and single functions against brute force. Not here: places (`test_place_lookup`).
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import mean
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pytest
from cluster_lake import publish
from forgetful import forgetful
from hypothesis import given
from hypothesis import strategies as st

from sm_assets.analysis.trait_words import KINDS, LANGUAGES, account_languages, trait_words, word_shares
from sm_assets.analysis.traits import TRAITS
from sm_assets.analysis.traits_numbers import entropy, spread
from sm_assets.analysis.traits_rhythm import quiet_hours
from sm_assets.contracts import TABLES
from sm_assets.defs.run import materialise_range
from sm_assets.settings import Settings
from sm_assets.storage import DIGEST, Lake

pytestmark = pytest.mark.usefixtures("no_catalogue")

LAST = date(2021, 3, 14)  # a Sunday
DAYS = [LAST - timedelta(days=n) for n in range(6, -1, -1)]
WORDS = ["I", "like", "my", "garden", "and", "the", "birds", "in", "it", "every", "day", "of", "the", "week"]


def make_posts(seed: int = 3) -> list[dict[str, Any]]:
    """Posts of five accounts; account 9 writes the same each day at one second of one hour."""
    random = np.random.default_rng(seed)
    rows = []
    for account in (5, 6, 7, 8):
        for number in range(40 if account == 7 else 6):
            at = datetime.combine(DAYS[random.integers(7)], datetime.min.time())
            at += timedelta(seconds=int(random.integers(8 * 3600, 20 * 3600)))
            rows.append(row(account, number, at, " ".join(random.choice(WORDS, 8)), random))
    for number, day in enumerate(DAYS[1:5]):
        rows.append(row(9, number, datetime.combine(day, datetime.min.time()) + timedelta(hours=3), "Same again", None))
    return rows


def row(account: int, number: int, at: datetime, text: str, random: Any) -> dict[str, Any]:
    kind = "post" if random is None else ("post", "reply", "quote")[random.integers(3)]
    parent = str(random.integers(5, 9)) if kind == "reply" else None
    return {
        "platform": "twitter",
        "post_id": f"{account}-{number:03d}",
        "account_id": str(account),
        "posted_at": at,
        "post_kind": kind,
        "parent_account_id": parent,
        "text": text,
        "media_kind": "photo" if number % 4 == 0 else "none",
        "day": at.date(),
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, dict[str, str]]:
    """The lake with traits of the last day, and what the page of the asset says."""
    lake = Lake(Settings(data_root=str(tmp_path_factory.mktemp("traits")), profile="tiny", start_day=DAYS[0]))
    fill(lake, make_posts())
    make(lake, {"snapshots": "last_day"})
    event = forgetful().get_latest_materialization_event(dg.AssetKey("out_account_traits"))
    assert event is not None
    materialisation = event.asset_materialization
    assert materialisation is not None
    return lake, {name: str(entry.value) for name, entry in materialisation.metadata.items()}


@pytest.fixture
def traits_lake(made: tuple[Lake, dict[str, str]]) -> Lake:
    return made[0]


def fill(lake: Lake, posts: list[dict[str, Any]]) -> None:
    publish(lake, "core_posts", posts, DAYS)
    mine = [p for p in posts if p["account_id"] == "7"]
    links = [child(p, url=f"https://{host}/x", link_role="external") for p, host in zip(mine, HOSTS, strict=False)]
    publish(lake, "core_post_links", links, DAYS)
    mentions = [child(p, mentioned_account_id=str(n % 3)) for n, p in enumerate(mine[:7])]
    publish(lake, "core_post_mentions", mentions, DAYS)
    publish(lake, "core_post_hashtags", [child(p, hashtag="a", hashtag_normalised="a") for p in mine[:4]], DAYS)
    reposts = [
        {"platform": "twitter", "interaction_id": f"r{n}", "kind": "repost", "account_id": "7", "day": DAYS[n],
         "object_account_id": str(n // 2)} for n in range(5)
    ]  # fmt: skip
    publish(lake, "core_interactions", reposts, DAYS)
    publish(lake, "core_follows", [], DAYS)
    languages = Counter((p["account_id"], LANGUAGES_OF[len(p["post_id"] + p["text"]) % 3], p["day"]) for p in posts)
    publish(
        lake,
        "feat_account_language",
        [
            {"platform": "twitter", "account_id": account, "lang": lang, "n_posts": n, "day": day}
            for (account, lang, day), n in languages.items()
        ],
        DAYS,
    )
    contents = Counter((p["account_id"], p["text"], p["day"]) for p in posts)
    contents[("5", "carried by two", LAST)] = contents[("7", "carried by two", LAST)] = 1
    publish(
        lake,
        "feat_account_content",
        [
            {
                "platform": "twitter",
                "account_id": account,
                "content_id": text,
                "content_kind": "link" if text == "carried by two" else "text",
                "content_mode": "canonical",
                "n_posts": n,
                "day": day,
            }
            for (account, text, day), n in contents.items()
        ],
        DAYS,
    )
    known = {
        "platform": "twitter",
        "account_id": "7",
        "roles": ["author"],
        "first_seen_day": DAYS[0],
        "handle": "bird.fan77",
        "display_name": "Bird Fan 🐦",
        "description": "I love my Birds 🐦🐦, see www.birds.example or a@b.example #birds @other 24",
        "location": "London / everywhere",
        "followers_count": 99,
        "following_count": 9,
        "posts_count": 999,
        "is_verified": True,
        "account_created_at": datetime(2021, 3, 5),
        "day": DAYS[0],
    }
    unknown = known | dict.fromkeys(PROFILE)
    empty = unknown | {"description": "", "handle": "", "display_name": ""}
    profiles = [
        # An earlier row says something else.
        unknown | {"day": DAYS[0]},
        known | {"day": DAYS[4]},
        *(unknown | {"account_id": str(number)} for number in (5, 9)),
        empty | {"account_id": "6"},
        unknown | HOSTILE | {"account_id": "8"},
    ]
    publish(lake, "core_accounts", profiles, DAYS)


LANGUAGES_OF = ("en", "de", "und")
HOSTILE = {
    "description": "<script>alert('Zanzibarian')</script>\x00=1+1 " + "ẞ" * 1_000_000,
    "display_name": "\u202e$$$ Zanzibarian \x00",
    "handle": "zanzibarian\x00'\"; drop table",
    "location": "Zanzibarian " * 1000,
    "followers_count": 2**62,
    "account_created_at": datetime(2999, 1, 1),
}
HOSTS = ["a.de", "a.de", "www.a.de", "b.co.uk", "youtu.be", "c.io", "d.gov"]
PROFILE = (
    "handle", "display_name", "description", "location", "followers_count", "following_count", "posts_count",
    "is_verified", "account_created_at",
)  # fmt: skip


def child(post: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {name: post[name] for name in ("platform", "post_id", "account_id", "posted_at", "day")} | more


def make(lake: Lake, config: dict[str, Any]) -> None:
    assert materialise_range(
        lake.settings,
        DAYS[0],
        LAST,
        tables=["feat_account_activity", "out_account_traits"],
        run_config={"ops": {"out_account_traits": {"config": config}}},
        raise_on_error=True,
        log_level="ERROR",
        instance=forgetful(),
    )


def rows_of(lake: Lake, day: date = LAST) -> dict[str, dict[str, Any]]:
    with lake.connect() as con:
        found = lake.register(con, lake.ref("out_account_traits", [day])).to_arrow_table().to_pylist()
    return {found_row["account_id"]: found_row for found_row in found}


def bits(counts: Any) -> float:
    total = sum(counts)
    return -sum(n / total * math.log2(n / total) for n in counts if n)


def expected(posts: list[dict[str, Any]], account: str) -> dict[str, float | None]:
    """Rhythm and text of an account, counted post by post."""
    mine = sorted((p for p in posts if p["account_id"] == account), key=lambda p: (p["posted_at"], p["post_id"]))
    n = len(mine)
    days = Counter(p["day"] for p in mine)
    hours = Counter(p["posted_at"].hour for p in mine)
    gaps = [
        math.floor(math.log2(max(1, (b["posted_at"] - a["posted_at"]).total_seconds())))
        for a, b in pairwise(mine)
        if a["day"] == b["day"]
    ]
    by_day = {day: np.bincount([p["posted_at"].hour for p in mine if p["day"] == day], minlength=24) for day in days}
    replies = [p for p in mine if p["post_kind"] == "reply"]
    to_others = [p["parent_account_id"] for p in replies if p["parent_account_id"] != account]
    angle = [2 * math.pi * (p["posted_at"].hour + 0.5) / 24 for p in mine]
    kinds = Counter(p["post_kind"] for p in mine)
    several = len(days) > 1
    return {
        "rhythm_posts": math.log10(n + 1),
        "rhythm_active_days": len(days),
        "rhythm_posts_a_day": n / len(days),
        "rhythm_replies": kinds["reply"] / n,
        "rhythm_quotes": kinds["quote"] / n,
        "rhythm_weekend": sum(p["day"].weekday() >= 5 for p in mine) / n,
        "rhythm_busiest_day": max(days.values()) / n if several else None,
        "rhythm_longest_pause": max([0, *((b - a).days - 1 for a, b in pairwise(sorted(days)))]),
        "rhythm_regularity": np.linalg.norm(sum(by_day.values())) / sum(map(np.linalg.norm, by_day.values()))
        if several
        else None,
        "rhythm_gap_spread": float(np.std(gaps)) if len(gaps) > 1 else None,
        "rhythm_gap_peak": max(Counter(gaps).values()) / len(gaps) if gaps else None,
        "rhythm_gap_short": sum(gap < 6 for gap in gaps) / len(gaps) if gaps else None,
        "rhythm_hour_entropy": bits(hours.values()),
        "rhythm_hour_peak": max(hours.values()) / n,
        "rhythm_second_entropy": bits(Counter(p["posted_at"].second for p in mine).values()),
        "rhythm_second_peak": max(Counter(p["posted_at"].second for p in mine).values()) / n,
        "hours_mean_sin": mean(map(math.sin, angle)),
        "hours_mean_cos": mean(map(math.cos, angle)),
        "hours_06_11": sum(6 <= p["posted_at"].hour < 12 for p in mine) / n,
        "hours_18_23": sum(p["posted_at"].hour >= 18 for p in mine) / n,
        "text_distinct": len({p["text"] for p in mine}) / n,
        "text_chars": mean(len(p["text"]) for p in mine),
        "text_words": mean(len(p["text"].split()) for p in mine),
        "text_media": sum(p["media_kind"] == "photo" for p in mine) / n,
        "network_self_replies": (len(replies) - len(to_others)) / len(replies) if replies else None,
        "network_replied": len(set(to_others)) / len(to_others) if to_others else None,
    }


def test_rhythm_and_text_are_what_a_count_of_posts_gives(traits_lake: Lake) -> None:
    posts = make_posts()
    found = rows_of(traits_lake)
    assert set(found) == {"5", "6", "7", "8", "9"}
    for account, traits in found.items():
        assert traits["n_posts"] == sum(p["account_id"] == account for p in posts)
        for name, value in expected(posts, account).items():
            assert traits[name] == (value if value is None else pytest.approx(value, abs=1e-12)), (account, name)


def test_profile_network_and_links_are_as_planted(traits_lake: Lake) -> None:
    mine = rows_of(traits_lake)["7"]
    planted = {
        "bio_chars": 73, "bio_words": 15, "bio_urls": 2, "bio_emoji": 2, "bio_hashtags": 1, "bio_mentions": 1,
        "bio_first_person": 2 / 15, "bio_corporate": 0, "bio_automation": 0,
        "handle_chars": 10, "handle_digits": 2 / 9, "handle_last_digits": 2,
        "handle_entropy": bits(Counter("bird.fan77").values()), "name_chars": 10, "name_emoji": 1,
        "name_capitals": 2 / 7, "name_in_handle": 6 / 8,
        "account_verified": 1, "account_age": 10, "account_followers": 2, "account_following": 1,
        "account_follow_ratio": 1, "account_posts_ever": 3, "account_posts_a_day": math.log10(1 + 99.9),
        "rhythm_reposts": 5 / 45, "network_reposted": 3 / 5, "network_mentioned": 3 / 7,
        "network_mentions_a_post": 7 / 40, "text_hashtags": 4 / 40, "text_links": 7 / 40, "text_mentions": 7 / 40,
        "links_entropy": bits([3, 1, 1, 1, 1]), "links_top": 3 / 7, "links_country": 4 / 7, "links_de": 3 / 7,
        "links_uk": 1 / 7, "links_us": 1 / 7, "links_fr": 0,
    }  # fmt: skip
    for name, value in planted.items():
        assert mine[name] == pytest.approx(value, abs=1e-12), name
    assert mine["text_coshared"] == pytest.approx(
        1 / (len({p["text"] for p in make_posts() if p["account_id"] == "7"}) + 1)
    )
    languages = [mine[f"language_{code}"] for code in ("en", "de", "fr")]
    assert sum(languages) == pytest.approx(1)
    assert mine["language_entropy"] == pytest.approx(bits(languages[:2]))
    assert (mine["place_country"], mine["place_rule"]) == ("GB", "city")


def test_what_is_not_known_is_null_and_never_nought(traits_lake: Lake) -> None:
    found = rows_of(traits_lake)
    for account in ("5", "9"):
        for name in TRAITS:
            if name.startswith(("bio_", "handle_", "name_", "account_", "links_")):
                assert found[account][name] is None, name
    # Nobody's likes and follows are delivered, but reposts of one account are: the others have none.
    assert {row["rhythm_likes"] for row in found.values()} == {None}
    assert {row["network_follows_made"] for row in found.values()} == {None}
    assert found["5"]["rhythm_reposts"] == 0
    assert found["9"]["network_replied"] is None
    assert found["9"]["rhythm_gap_median"] is None
    assert found["9"]["text_type_token"] is None
    # It writes at one second of one hour.
    assert (found["9"]["rhythm_quiet_hours"], found["9"]["rhythm_second_peak"]) == (23, 1)
    assert found["9"]["rhythm_regularity"] == pytest.approx(1)
    assert found["9"]["text_distinct"] == 1 / 4


def test_an_empty_biography_is_known_to_be_empty(traits_lake: Lake) -> None:
    mine = rows_of(traits_lake)["6"]
    assert (mine["bio_chars"], mine["bio_words"], mine["bio_urls"], mine["name_chars"]) == (0, 0, 0, 0)
    assert mine["bio_capitals"] is mine["bio_first_person"] is mine["handle_entropy"] is mine["name_in_handle"] is None


def test_hostile_profiles_are_text_and_nothing_of_them_is_told(made: tuple[Lake, dict[str, str]]) -> None:
    lake, told = made
    assert told["accounts"]
    assert not [name for name, value in told.items() if "anzibarian" in value or "bird" in value.lower()]
    mine = rows_of(lake)["8"]
    assert mine["bio_chars"] > 1_000_000
    assert mine["account_followers"] == pytest.approx(math.log10(2**62))
    assert mine["account_age"] is None
    assert mine["place_country"] is None


def test_rows_in_another_order_and_other_days_of_the_run_give_the_same_rows(traits_lake: Lake, tmp_path: Any) -> None:
    other = Lake(replace(traits_lake.settings, data_root=str(tmp_path), threads=2))
    fill(other, make_posts()[::-1])
    make(other, {"snapshots": "every_day"})
    assert other.days("out_account_traits") == DAYS
    assert traits_lake.days("out_account_traits") == [LAST]
    # Mentions are then of other posts, as the footers say; the rows are the same.
    one, two = (lake.metadata("out_account_traits", LAST) for lake in (traits_lake, other))
    assert one[DIGEST] == two[DIGEST]
    for day in DAYS[2:]:
        seen = Counter(p["account_id"] for p in make_posts() if p["day"] <= day)
        assert {account: row["n_posts"] for account, row in rows_of(other, day).items()} == seen


# ----------------------------------------------------------- single functions


@given(st.lists(st.integers(0, 2), min_size=24, max_size=24))
def test_quiet_hours_are_the_longest_run_around_the_clock(hours: list[int]) -> None:
    length, middle = quiet_hours(np.array([hours], np.float64))
    runs = [
        (next((n for n in range(24) if hours[(start + n) % 24]), 24), start) for start in range(24) if not hours[start]
    ]
    longest = max((n for n, _ in runs), default=0)
    assert length[0] == longest
    if 0 < longest < 24:
        middles = [(start + longest / 2) % 24 for n, start in runs if n == longest]
        assert middle[0] in middles
    else:
        assert math.isnan(middle[0])


@given(st.lists(st.lists(st.integers(0, 9), min_size=4, max_size=4), min_size=1, max_size=5))
def test_entropies_are_those_of_the_definition(counts: list[list[int]]) -> None:
    matrix = np.array(counts, np.float64)
    owner, thing = np.nonzero(matrix)
    for found in (entropy(matrix), spread(owner, matrix[owner, thing], len(matrix))):
        for value, each in zip(found, counts, strict=True):
            assert math.isnan(value) if not sum(each) else value == pytest.approx(bits(each), abs=1e-12)


def test_words_count_in_their_language_only() -> None:
    texts = pa.chunked_array([pa.array([["ich", "mag", "i", "tee"]] * 3 + [[], ["mi", "casa"]], pa.list_(pa.string()))])
    languages = account_languages(["de", "en", "ja", "de", "es"])
    assert word_shares(texts, languages, "first_person").tolist()[:2] == [1 / 4, 1 / 4]
    assert word_shares(texts, languages, "first_person", also_english=True)[0] == 2 / 4
    shares = word_shares(texts, languages, "first_person")
    assert np.isnan(shares).tolist() == [False, False, True, True, False]
    assert shares[4] == 1 / 2


def test_lists_of_words_are_in_order() -> None:
    for language in LANGUAGES:
        lists = [trait_words(kind, language) for kind in KINDS]
        assert all(word == word.lower() and word.isprintable() for words in lists for word in words)
        assert not lists[0] & lists[1]
        assert not lists[0] & lists[2]


def test_every_trait_is_described_with_unit_and_range() -> None:
    table = TABLES["out_account_traits"]
    assert len(set(TRAITS)) == len(TRAITS) >= 80
    for name in TRAITS:
        column = table.by_name[name]
        assert column.nullable
        assert column.type == "float64"
        assert column.minimum is not None or name in {"account_follow_ratio", "rhythm_likes"}, name
