"""Estimated exposures: against the rules taken one by one, their invariants, and the planted truth."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_exposures import ACTIONS, candidates, sessions

from sm_assets.analysis.exposure_rules import ExposureRules
from sm_assets.analysis.exposures import Exposures, estimate_exposures
from sm_assets.analysis.member_feeds import VIA, Feeds, member_feeds
from sm_assets.demo.persona_world import FIRST_DAY, PLATFORM, PlantedExposures, planted_exposures
from sm_assets.errors import KernelError, OptionError

START = datetime.combine(FIRST_DAY, datetime.min.time())


def load_benchmark() -> ModuleType:
    path = Path(__file__).parents[1] / "benchmarks" / "exposure_quality.py"
    spec = importlib.util.spec_from_file_location("exposure_quality", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


quality = load_benchmark()


@pytest.fixture(scope="module")
def world() -> PlantedExposures:
    return planted_exposures(3, personas=2, members=30, sources=8, days=5)


@pytest.fixture(scope="module")
def estimate(world: PlantedExposures) -> Exposures:
    found: Exposures = quality.estimated(world)
    return found


def shown(feeds: Feeds) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Candidates by (account, post), as the reference tells them."""
    account = feeds.accounts.pairs(feeds.member[feeds.candidate])[1].to_pylist()
    posts = feeds.posts.pairs(feeds.post)[1].to_pylist()
    ways = zip(
        pa.array(feeds.visible_at).cast(pa.timestamp("us")).to_pylist(),
        pa.array(feeds.session_at).cast(pa.timestamp("us")).to_pylist(),
        [VIA[number] for number in feeds.via],
        feeds.accounts.pairs(feeds.via_account)[1].to_pylist(),
        feeds.accounts.pairs(feeds.author)[1].to_pylist(),
        strict=True,
    )
    found = dict(zip(zip(account, posts, strict=True), ways, strict=True))
    assert len(found) == len(account), "a post stands twice for one account"
    return found


# ------------------------------------------------------------------- the rules one by one


@pytest.mark.parametrize(
    "rules",
    [
        ExposureRules(),
        ExposureRules(feed_depth=5, session_gap_minutes=5),
        ExposureRules(lookback_hours=2, include_replies=True),
        ExposureRules(feed_depth=1, lookback_hours=168, session_gap_minutes=600),
    ],
)
def test_feeds_equal_the_plain_answer(world: PlantedExposures, rules: ExposureRules) -> None:
    found = shown(member_feeds(quality.feed_inputs(world), rules))
    assert len(found) > 50
    assert found == candidates(world, rules, world.days[-1])


def test_nothing_of_later_days_counts(world: PlantedExposures) -> None:
    as_of = world.days[2]
    found = shown(member_feeds(quality.feed_inputs(world, as_of), ExposureRules()))
    assert found == candidates(world, ExposureRules(), as_of)
    assert {way[1].date() for way in found.values()} == set(world.days[:3])


def test_every_loss_is_counted_once(estimate: Exposures) -> None:
    counts = estimate.counts
    lost = [
        "no_later_session", "too_old", "below_feed_depth", "own", "acted_on", "blocked", "without_vector_or_language",
    ]  # fmt: skip
    assert counts["in_feeds"] == counts["candidates"] + sum(counts[name] for name in lost)
    assert counts["candidates"] == counts["rows_out"] + counts["not_of_interest"] + counts["over_cap"]
    assert counts["rows_out"] == len(estimate.rows) > 100
    assert all(counts[name] > 0 for name in lost if name != "below_feed_depth")


Event = tuple[Any, ...]
MINUTES = st.integers(0, 15).map(lambda n: 20 * n)
ACCOUNT = st.sampled_from("abcde")
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("post"), ACCOUNT, MINUTES, st.sampled_from(["post", "reply", "quote"]), st.booleans()),
        st.tuples(st.sampled_from([*ACTIONS, "repost", "repost"]), ACCOUNT, MINUTES, st.integers(0, 9), st.booleans()),
        st.tuples(st.just("block"), ACCOUNT, MINUTES, ACCOUNT, st.booleans()),
        st.tuples(st.just("follow"), ACCOUNT, MINUTES, ACCOUNT, st.booleans()),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.integers(1, 4), st.booleans(), st.sampled_from([20, 39]))
def test_small_worlds_with_many_equal_times(events: list[Event], depth: int, replies: bool, gap: int) -> None:
    world = told(events)
    rules = ExposureRules(feed_depth=depth, include_replies=replies, session_gap_minutes=gap, lookback_hours=2)
    assert shown(member_feeds(quality.feed_inputs(world), rules)) == candidates(world, rules, FIRST_DAY)


def told(events: list[Event]) -> PlantedExposures:
    """A world of one day out of (what, who, minute, ...); a, b, c are members; action n is on the n-th post."""
    posts: list[Event] = []
    interactions: list[Event] = []
    tombstones: list[Event] = []
    follows: dict[tuple[str, str], tuple[int, bool]] = {}
    for _, who, minute, kind, foreign in (event for event in events if event[0] == "post"):
        posts.append((f"p{len(posts)}", who, minute, kind, foreign))
    for number, (what, who, minute, other, flag) in enumerate(event for event in events if event[0] != "post"):
        if what == "follow":
            follows[who, other] = (minute, flag)
        elif what == "block":
            interactions.append((f"i{number}", what, who, None, other, minute))
        elif other < len(posts) and flag and what in ("like", "repost"):
            tombstones.append((f"i{number}", what, who, f"p{other}"))
        elif other < len(posts):
            interactions.append((f"i{number}", what, who, f"p{other}", posts[other][1], minute))
    return PlantedExposures(
        days=[FIRST_DAY],
        core_posts=rows_of(
            "post_id account_id posted_at post_kind text day language_codes parent_post_id parent_account_id "
            "quoted_post_id",
            [(name, who, at(minute), kind, "", FIRST_DAY, *[None] * 4) for name, who, minute, kind, _ in posts],
        ),
        core_interactions=rows_of(
            "interaction_id kind account_id object_post_id object_account_id interacted_at day",
            [(*row[:5], at(row[5]), FIRST_DAY) for row in interactions],
        ),
        core_follows=rows_of(
            "follower_account_id followed_account_id followed_at is_snapshot day",
            [(*pair, None if listed else at(minute), listed, FIRST_DAY) for pair, (minute, listed) in follows.items()],
        ),
        core_tombstones=rows_of(
            "entity record_id interaction_kind account_id object_post_id record_day day",
            [("interaction", *row, FIRST_DAY, FIRST_DAY) for row in tombstones],
        ),
        languages=rows_of("post_id lang day", [(row[0], "de" if row[4] else "en", FIRST_DAY) for row in posts]),
        vectors=rows_of("post_id embedding day", [(row[0], [1.0, 0.0], FIRST_DAY) for row in posts]),
        members=rows_of("account_id persona_id", [("a", 0), ("b", 0), ("c", 1)]),
        seen=pa.table({}),
    )  # fmt: skip


TYPES = {
    "day": pa.date32(), "record_day": pa.date32(), "posted_at": pa.timestamp("us"), "followed_at": pa.timestamp("us"),
    "interacted_at": pa.timestamp("us"), "is_snapshot": pa.bool_(), "embedding": pa.list_(pa.float32()),
    "language_codes": pa.list_(pa.string()), "persona_id": pa.int64(),
}  # fmt: skip


def rows_of(names: str, rows: list[tuple[Any, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(names.split())
    made = {
        name: pa.array(column, TYPES.get(name, pa.string()))
        for name, column in zip(names.split(), columns, strict=True)
    }
    return pa.table({"platform": pa.array([PLATFORM] * len(rows), pa.string()), **made})


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


# ------------------------------------------------------------------- single rules by hand


def test_a_post_that_comes_with_the_session_or_after_it_is_not_in_it() -> None:
    events: list[Event] = [("follow", "a", 0, "d", True), ("post", "a", 600, "post", False)]
    events += [("post", "d", minute, "post", False) for minute in (599 + 59 / 60, 600, 600 + 1 / 60)]
    found = shown(member_feeds(quality.feed_inputs(told(events)), ExposureRules()))
    assert list(found) == [("a", "p1")]
    assert found["a", "p1"][:2] == (at(599 + 59 / 60), at(600))


def test_a_follow_counts_from_its_time_and_a_list_always() -> None:
    events: list[Event] = [("post", "d", 60, "post", False), ("post", "e", 60, "post", False)]
    events += [("follow", "a", 61, "d", False), ("follow", "a", 61, "e", True), ("post", "a", 120, "post", False)]
    assert list(shown(member_feeds(quality.feed_inputs(told(events)), ExposureRules()))) == [("a", "p1")]
    events[2] = ("follow", "a", 60, "d", False)
    assert len(shown(member_feeds(quality.feed_inputs(told(events)), ExposureRules()))) == 2


def test_what_a_list_tells_counts_always_whatever_time_it_gives() -> None:
    world = told([("follow", "a", 0, "d", True), ("post", "d", 60, "post", False), ("post", "a", 120, "post", False)])
    follows = world.core_follows.drop_columns(["followed_at"]).append_column("followed_at", pa.array([at(90)]))
    found = shown(member_feeds(quality.feed_inputs(world._replace(core_follows=follows)), ExposureRules()))
    assert list(found) == [("a", "p0")]


def test_the_earlier_way_counts_even_if_the_later_one_would_still_be_fresh() -> None:
    """Posted long before the session, reposted shortly before it: it came when it was posted."""
    events: list[Event] = [("follow", "a", 0, "d", True), ("follow", "a", 0, "e", True)]
    events += [("post", "d", 0, "post", False), ("repost", "e", 290, 0, False), ("post", "a", 300, "post", False)]
    inputs = quality.feed_inputs(told(events))
    assert shown(member_feeds(inputs, ExposureRules(lookback_hours=4))) == {}
    assert shown(member_feeds(inputs, ExposureRules(lookback_hours=5)))["a", "p0"][2:4] == ("follow", "d")
    events[0] = ("follow", "a", 1, "d", False)
    inputs = quality.feed_inputs(told(events))
    assert shown(member_feeds(inputs, ExposureRules(lookback_hours=4)))["a", "p0"][2:4] == ("repost", "e")


def test_of_equal_times_the_author_comes_first_then_the_account_that_sorts_first() -> None:
    events: list[Event] = [("follow", "a", 0, other, True) for other in "bde"]
    events += [("post", "d", 60, "post", False), ("post", "c", 50, "post", False), ("post", "a", 120, "post", False)]
    events += [("repost", who, 60, post, False) for who in "eb" for post in (0, 1)]
    found = shown(member_feeds(quality.feed_inputs(told(events)), ExposureRules()))
    assert {post: way[2:4] for (_, post), way in found.items()} == {"p0": ("follow", "d"), "p1": ("repost", "b")}


def test_of_posts_of_one_time_those_that_sort_first_are_the_newest() -> None:
    events: list[Event] = [("follow", "a", 0, "d", True), ("follow", "a", 0, "e", True)]
    events += [("post", who, 60, "post", False) for who in "edde"] + [("post", "a", 120, "post", False)]
    found = shown(member_feeds(quality.feed_inputs(told(events)), ExposureRules(feed_depth=2)))
    assert [post for _, post in found] == ["p0", "p1"]


@pytest.mark.parametrize(("who", "other"), [("a", "d"), ("d", "a")])
@pytest.mark.parametrize(("minute", "left"), [(100, 0), (120, 1), (500, 1)])
def test_blocks_count_either_way_and_from_their_time(who: str, other: str, minute: int, left: int) -> None:
    events: list[Event] = [("follow", "a", 0, "d", True), ("post", "d", 60, "post", False)]
    events += [("post", "a", 120, "post", False), ("block", who, minute, other, False)]
    rules = ExposureRules(session_gap_minutes=1)
    found = shown(member_feeds(quality.feed_inputs(told(events)), rules))
    expected = (
        left if (who, minute) != ("a", 100) else 1
    )  # By blocking at 100 the member was there, before the block held.
    assert len(found) == expected


@pytest.mark.parametrize("kind", ACTIONS)
@pytest.mark.parametrize("taken_back", [False, True])
def test_what_a_member_acted_on_is_never_passed_over(kind: str, taken_back: bool) -> None:
    events: list[Event] = [("follow", "a", 0, "d", True), ("post", "d", 60, "post", False)]
    events += [("post", "a", 120, "post", False), (kind, "a", 1400, 0, taken_back)]
    assert shown(member_feeds(quality.feed_inputs(told(events)), ExposureRules())) == {}
    assert len(shown(member_feeds(quality.feed_inputs(told(events[:3])), ExposureRules()))) == 1


@pytest.mark.parametrize("later", ["core_interactions", "core_tombstones", "core_follows"])
def test_what_a_later_day_tells_is_not_known(later: str) -> None:
    events: list[Event] = [("follow", "a", 0, "d", True), ("post", "d", 60, "post", False)]
    events += [("post", "a", 120, "post", False), ("post", "d", 61, "post", False)]
    if later != "core_follows":
        events.append(("like", "a", 130, 0, later == "core_tombstones"))
    world = told(events)
    before = shown(member_feeds(quality.feed_inputs(world), ExposureRules()))
    table = getattr(world, later)
    tomorrow = pa.array([FIRST_DAY + timedelta(days=1)] * len(table), pa.date32())
    moved = table.drop_columns([name for name in ("day", "record_day") if name in table.column_names])
    moved = moved.append_column("day", tomorrow)
    if later == "core_tombstones":
        moved = moved.append_column("record_day", tomorrow)
    after = shown(member_feeds(quality.feed_inputs(world._replace(**{later: moved}), FIRST_DAY), ExposureRules()))
    assert (len(before), len(after)) == ((2, 0) if later == "core_follows" else (1, 2))


def test_sessions_part_at_gaps_longer_than_asked() -> None:
    times = [at(0), at(30), at(60.1), at(90), at(91)]
    assert sessions(times, ExposureRules()) == [at(0), at(60.1)]
    events: list[Event] = [("follow", "a", 0, "d", True), ("post", "d", 10, "post", False)]
    events += [("post", "a", minute, "post", False) for minute in (0, 30, 60.1)]
    found = shown(member_feeds(quality.feed_inputs(told(events)), ExposureRules()))
    assert found["a", "p0"][1] == at(60.1)


# ------------------------------------------------------------------- invariants


def test_invariants_of_the_rows(world: PlantedExposures, estimate: Exposures) -> None:
    posts = {row["post_id"]: row for row in world.core_posts.to_pylist()}
    follows = {
        (row["follower_account_id"], row["followed_account_id"]): row["followed_at"]
        for row in world.core_follows.to_pylist()
    }
    interactions = world.core_interactions.to_pylist()
    acted = {(row["account_id"], row["object_post_id"]) for row in interactions}
    acted |= {(row["account_id"], row["object_post_id"]) for row in world.core_tombstones.to_pylist()}
    reposts = {
        (row["account_id"], row["object_post_id"], row["interacted_at"])
        for row in interactions
        if row["kind"] == "repost"
    }
    active = {(row["account_id"], row["posted_at"]) for row in posts.values()}
    active |= {(row["account_id"], row["interacted_at"]) for row in interactions}
    active |= {(pair[0], when) for pair, when in follows.items()}
    persona = dict(zip(*(world.members[name].to_pylist() for name in ("account_id", "persona_id")), strict=True))
    vias = Counter[str]()
    for row in estimate.rows.to_pylist():
        who, post = row["account_id"], posts[row["post_id"]]
        vias[row["via"]] += 1
        assert row["persona_id"] == persona[who]
        assert row["author_account_id"] == post["account_id"] != who
        assert (who, row["post_id"]) not in acted
        assert row["visible_at"] < row["session_started_at"] <= row["visible_at"] + timedelta(hours=24)
        assert (who, row["session_started_at"]) in active
        since = follows[who, row["via_account_id"]]
        assert since is None or since <= row["visible_at"]
        if row["via"] == "follow":
            assert (row["via_account_id"], row["visible_at"]) == (post["account_id"], post["posted_at"])
        else:
            assert (row["via_account_id"], row["post_id"], row["visible_at"]) in reposts
        assert -1 <= row["similarity"] <= 1
    assert min(vias["follow"], vias["repost"]) > 10
    keys = estimate.rows.select(["platform", "account_id", "post_id"]).to_pylist()
    assert keys == sorted(keys, key=lambda row: tuple(row.values()))
    assert len({tuple(key.values()) for key in keys}) == len(keys)


def shuffled(table: pa.Table, seed: int) -> pa.Table:
    return table.take(pa.array(np.random.default_rng(seed).permutation(len(table))))


def test_order_of_rows_and_batches_does_not_matter(world: PlantedExposures) -> None:
    rules = ExposureRules(cap=20)
    inputs = quality.feed_inputs(world)
    first = estimate_exposures(member_feeds(inputs, rules), world.vectors.to_batches(), rules)
    mixed = inputs._make(shuffled(table, 5) for table in inputs)
    vectors = shuffled(world.vectors, 6).to_batches(max_chunksize=97)
    again = estimate_exposures(member_feeds(mixed, rules), vectors, rules)
    assert again.rows.equals(first.rows)
    assert again.interests == first.interests
    assert again.counts == first.counts


def test_number_of_threads_does_not_matter(world: PlantedExposures, estimate: Exposures) -> None:
    from threadpoolctl import threadpool_limits

    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            assert quality.estimated(world).rows.equals(estimate.rows)


def test_the_seed_is_of_the_draw(world: PlantedExposures) -> None:
    one, other = (quality.estimated(world, ExposureRules(cap=5, seed=seed)).rows for seed in (1, 2))
    assert not one.equals(other)


def test_the_cap_keeps_the_smallest_digests(world: PlantedExposures, estimate: Exposures) -> None:
    cap = 7
    found = quality.estimated(world, ExposureRules(cap=cap))
    expected = set()
    by_account: dict[str, list[str]] = {}
    for row in estimate.rows.to_pylist():
        by_account.setdefault(row["account_id"], []).append(row["post_id"])
    for account, posts in by_account.items():

        def digest(post: str, account: str = account) -> bytes:
            return hashlib.blake2b(f"42 {account} {post}".encode(), digest_size=16).digest()

        expected |= {(account, post) for post in sorted(posts, key=digest)[:cap]}
    rows = found.rows
    assert set(zip(rows["account_id"].to_pylist(), rows["post_id"].to_pylist(), strict=True)) == expected
    assert found.counts["over_cap"] == len(estimate.rows) - len(expected) > 0
    assert found.over_cap == {
        each["persona_id"]: before["rows"] - each["rows"]
        for each, before in zip(found.told(), estimate.told(), strict=True)
    }


# ------------------------------------------------------------------- interests


def fan(angles: dict[str, float]) -> pa.Table:
    """Vectors in a plane by post, at angles in degrees, of length 3."""
    turned = [(post, np.deg2rad(angle)) for post, angle in angles.items()]
    return rows_of("post_id embedding day", [(p, [3 * np.cos(r), 3 * np.sin(r)], FIRST_DAY) for p, r in turned])


def test_one_centre_is_the_weighted_mean() -> None:
    """p0 is liked by one member and shown to the other; two members follow d, one follows e."""
    events: list[Event] = [("follow", "a", 0, "d", True), ("follow", "b", 0, "d", True), ("follow", "b", 0, "e", True)]
    events += [("post", "d", 60, "post", False), ("post", "d", 61, "post", False), ("post", "e", 62, "post", False)]
    events += [("like", "a", 120, 0, False), ("post", "b", 120, "post", False)]
    world = told(events)._replace(vectors=fan({"p0": 0, "p1": 40, "p2": 90, "p3": 0}))
    rules = ExposureRules(threshold="absolute", absolute=-1)
    found = quality.estimated(world, rules)
    angles, weights = np.deg2rad([0, 40, 90]), np.array([1 + 2 + 0.5 * 2, 1 + 0.5 * 2, 1 + 0.5])
    centre = np.arctan2(weights @ np.sin(angles), weights @ np.cos(angles))
    similar = {row["post_id"]: row["similarity"] for row in found.rows.to_pylist() if row["account_id"] == "b"}
    assert similar == pytest.approx({f"p{n}": np.cos(angles[n] - centre) for n in range(3)}, abs=1e-6)
    told_of = {each.persona_id: each for each in found.interests}
    assert (told_of[0].n_centres, told_of[0].n_acted, told_of[0].n_exposed) == (1, 1, 3)
    assert told_of[1].threshold is None


def test_what_was_taken_back_tells_no_interest() -> None:
    events: list[Event] = [("follow", "a", 0, "d", True)] + [("post", "d", 60, "post", False)] * 2
    events += [("like", "a", 120, 0, True), ("like", "a", 120, 1, False)]
    found = quality.estimated(told(events))
    (mine,) = (each for each in found.interests if each.persona_id == 0)
    assert (mine.n_acted, mine.n_exposed) == (1, 0)


def crowd(n_liked: int, n_shown: int) -> tuple[list[Event], dict[str, float]]:
    """d writes posts; a likes the first ones, and is shown the others in one session."""
    events: list[Event] = [("follow", "a", 0, "d", True)]
    events += [("post", "d", 60 + n / 100, "post", False) for n in range(n_liked + n_shown)]
    events += [("like", "a", 120, n, False) for n in range(n_liked)]
    return events, {f"p{n}": 0.0 for n in range(n_liked + n_shown)}


def test_the_threshold_is_a_percentile_of_what_members_acted_on() -> None:
    """Two far groups; of the near one the liked posts spread, so that their median cosine can be told."""
    events, angles = crowd(21, 10)
    liked = np.linspace(-20, 20, 21)
    angles |= {f"p{n}": angle for n, angle in enumerate(liked)}
    angles |= {f"p{21 + n}": angle for n, angle in enumerate([0, 5, -5, 15, -15, 25, 180, 180, 180, 180])}
    rules = ExposureRules()
    found = quality.estimated(told(events)._replace(vectors=fan(angles)), rules)
    (mine,) = (each for each in found.interests if each.persona_id == 0)
    near = np.deg2rad([*liked, 0, 5, -5, 15, -15, 25])
    weight = np.array([3.5] * 21 + [1.5] * 6)
    centre = np.arctan2(weight @ np.sin(near), weight @ np.cos(near))
    assert (mine.n_centres, mine.rule) == (2, "percentile")
    assert mine.threshold == pytest.approx(np.median(np.cos(np.deg2rad(liked) - centre)), abs=1e-6)
    # The far group has a centre of its own, for the members were shown it.
    assert set(found.rows["post_id"].to_pylist()) == {f"p{n}" for n in (21, 22, 23, 27, 28, 29, 30)}
    high = quality.estimated(told(events)._replace(vectors=fan(angles)), replace(rules, percentile=95))
    assert set(high.rows["post_id"].to_pylist()) < set(found.rows["post_id"].to_pylist())


def test_where_too_little_was_acted_on_the_threshold_is_of_what_was_shown() -> None:
    events, angles = crowd(5, 10)
    angles |= {f"p{5 + n}": 4.0 * n for n in range(10)}
    found = quality.estimated(told(events)._replace(vectors=fan(angles)))
    (mine,) = (each for each in found.interests if each.persona_id == 0)
    assert (mine.rule, mine.n_centres) == ("percentile_of_exposed", 1)
    weight = np.array([3.5] * 5 + [1.5] * 10)
    turned = np.deg2rad([0] * 5 + [4 * n for n in range(10)])
    centre = np.arctan2(weight @ np.sin(turned), weight @ np.cos(turned))
    assert mine.threshold == pytest.approx(np.quantile(np.cos(turned[5:] - centre), 0.9), abs=1e-6)
    assert len(found.rows) == 1


def test_posts_without_a_vector_are_no_candidates() -> None:
    events, angles = crowd(5, 10)
    vectors = fan(dict(list(angles.items())[:-4]))
    inputs = quality.feed_inputs(told(events))
    found = estimate_exposures(
        member_feeds(inputs, ExposureRules()), vectors.to_batches(), ExposureRules(threshold="absolute", absolute=0.5)
    )
    assert (len(found.rows), found.counts["without_vector_or_language"], found.counts["candidates"]) == (6, 4, 6)


def test_equal_vectors_have_one_centre() -> None:
    events, angles = crowd(30, 30)
    found = quality.estimated(told(events)._replace(vectors=fan(angles)))
    (mine,) = (each for each in found.interests if each.persona_id == 0)
    assert mine.n_centres == 1
    assert mine.threshold == pytest.approx(1)
    assert len(found.rows) == 0  # What is as near as the threshold is not above it.


@pytest.mark.parametrize("size", [1, 2])
def test_vectors_of_two_widths_are_refused(size: int) -> None:
    events, _ = crowd(2, 2)
    # Together four numbers: they could pass for two vectors of two.
    vectors = rows_of("post_id embedding day", [("p0", [1.0], FIRST_DAY), ("p1", [1.0, 0.0, 0.0], FIRST_DAY)])
    feeds = member_feeds(quality.feed_inputs(told(events)), ExposureRules())
    with pytest.raises(KernelError, match="one width"):
        estimate_exposures(feeds, vectors.to_batches(max_chunksize=size), ExposureRules())


@pytest.mark.parametrize("events", [[], [("follow", "a", 0, "d", True)], [("post", "a", 0, "post", False)]])
def test_a_world_in_which_nothing_is_shown(events: list[Event]) -> None:
    found = quality.estimated(told(events))
    assert len(found.rows) == found.counts["candidates"] == 0
    assert [each.persona_id for each in found.interests] == [0, 1]
    nobody = told(events)._replace(members=rows_of("account_id persona_id", []))
    assert quality.estimated(nobody).interests == []


def test_members_without_known_follows_are_counted() -> None:
    found = quality.estimated(told([("follow", "a", 0, "d", True), ("post", "c", 0, "post", False)]))
    assert found.counts["members"] == 3
    assert found.counts["members_without_known_follows"] == 2
    assert found.counts["members_without_session"] == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"session_gap_minutes": 0}, {"lookback_hours": 0}, {"feed_depth": 0}, {"cap": 0}, {"percentile": 101},
        {"absolute": 1.5}, {"seed": -1}, {"threshold": "median"}, {"percentile": float("nan")},
    ],
)  # fmt: skip
def test_rules_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=next(iter(wrong))):
        ExposureRules(**wrong)


# ------------------------------------------------------------------- against the truth


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nearer_to_the_truth_than_the_original(seed: int) -> None:
    verdict = quality.compare(seed, members=100, sources=30, days=7)
    ours, original = verdict["ours"], verdict["original"]
    print(verdict)
    assert ours["precision"] > 10 * original["precision"]
    assert ours["recall"] > 10 * original["recall"]
    assert ours["precision"] > 0.25
    assert ours["recall"] > 0.3


def test_interest_is_a_gain_over_all_that_was_shown(world: PlantedExposures, estimate: Exposures) -> None:
    """The threshold must raise precision: what is above it is truer than what was shown at all."""
    true = quality.truth(world)
    everything = quality.estimated(world, ExposureRules(threshold="absolute", absolute=-1)).rows
    shares = []
    for rows in (estimate.rows, everything):
        pairs = set(zip(rows["account_id"].to_pylist(), rows["post_id"].to_pylist(), strict=True))
        shares.append(len(pairs & true) / len(pairs))
    assert shares[0] > shares[1]


def test_worlds_are_equal_by_seed_and_say_what_they_need() -> None:
    one, same, other = (planted_exposures(seed, members=6, sources=2, personas=2, days=2) for seed in (1, 1, 2))
    assert all(a.equals(b) for a, b in zip(one[1:], same[1:], strict=True))
    assert not one.core_posts.equals(other.core_posts)
    with pytest.raises(OptionError, match="as many members as personas"):
        planted_exposures(1, personas=5, members=4)
