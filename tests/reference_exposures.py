"""Estimated exposures by the rules as they are written, one member and one post after the other.

Here: the slow answer that the fast one is compared with, from tables like those of core. Not here: any array.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sm_assets.analysis.exposure_rules import ExposureRules
from sm_assets.demo.persona_world import PlantedExposures

Key = tuple[str, str]
LONG_AGO = datetime(1, 1, 1)
ACTIONS = ("like", "repost", "quote", "reply")


class Shown(NamedTuple):
    """How one post came to one member."""

    visible_at: datetime
    session_started_at: datetime
    via: str
    via_account_id: str
    author: str


def candidates(world: PlantedExposures, rules: ExposureRules, as_of: date) -> dict[Key, Shown]:
    """(account, post) -> how it was shown, of all that is a candidate."""
    posts = {row["post_id"]: row for row in world.core_posts.to_pylist() if row["day"] <= as_of}
    interactions = [row for row in world.core_interactions.to_pylist() if row["day"] <= as_of]
    follows = [row for row in world.core_follows.to_pylist() if row["day"] <= as_of]
    countable = {row["post_id"] for row in world.languages.to_pylist() if row["lang"] == "en"}
    countable &= {row["post_id"] for row in world.vectors.to_pylist()}
    found: dict[Key, Shown] = {}
    for account in world.members["account_id"].to_pylist():
        since = {
            row["followed_account_id"]: LONG_AGO if row["is_snapshot"] else row["followed_at"]
            for row in follows
            if row["follower_account_id"] == account
        }
        starts = sessions(_activity(account, posts.values(), interactions, follows), rules)
        taken_back = [row for row in world.core_tombstones.to_pylist() if row["record_day"] <= as_of]
        acted = {
            row["object_post_id"]
            for row in [*interactions, *taken_back]
            if row["account_id"] == account and row.get("kind", row.get("interaction_kind")) in ACTIONS
        }
        blocked = [
            (other, row["interacted_at"])
            for row in interactions
            if row["kind"] == "block"
            for me, other in (
                (row["account_id"], row["object_account_id"]),
                (row["object_account_id"], row["account_id"]),
            )
            if me == account
        ]
        by_session: dict[datetime, list[tuple[str, Shown]]] = defaultdict(list)
        for post_id, ways in _ways(since, posts, interactions).items():
            if post_id in posts and posts[post_id]["post_kind"] == "reply" and not rules.include_replies:
                continue
            visible_at, order, via_account, author = min(ways)
            later = [start for start in starts if start > visible_at]
            if later and later[0] - visible_at <= timedelta(hours=rules.lookback_hours):
                way = Shown(visible_at, later[0], ("follow", "repost")[order], via_account, author)
                by_session[later[0]].append((post_id, way))
        for shown in by_session.values():
            shown.sort(key=lambda each: each[0])
            shown.sort(key=lambda each: each[1].visible_at, reverse=True)
            for post_id, way in shown[: rules.feed_depth]:
                out = (
                    way.author == account
                    or post_id in acted
                    or post_id not in countable
                    or any(other == way.author and at < way.session_started_at for other, at in blocked)
                )
                if not out:
                    found[account, post_id] = way
    return found


def sessions(activity: Iterable[datetime], rules: ExposureRules) -> list[datetime]:
    """Beginnings of sessions, ascending."""
    starts: list[datetime] = []
    last = None
    for at in sorted(activity):
        if last is None or at - last > timedelta(minutes=rules.session_gap_minutes):
            starts.append(at)
        last = at
    return starts


def _activity(account: str, posts: Any, interactions: Any, follows: Any) -> list[datetime]:
    found = [row["posted_at"] for row in posts if row["account_id"] == account]
    found += [row["interacted_at"] for row in interactions if row["account_id"] == account]
    mine = [row["followed_at"] for row in follows if row["follower_account_id"] == account]
    return found + [at for at in mine if at is not None]


def _ways(since: dict[str, datetime], posts: Any, interactions: Any) -> dict[str, list[tuple[datetime, int, str, str]]]:
    """post -> (when, 0 by its author or 1 by a repost, through whom, author)."""
    ways: dict[str, list[tuple[datetime, int, str, str]]] = defaultdict(list)
    for post_id, row in posts.items():
        author = row["account_id"]
        if author in since and since[author] <= row["posted_at"]:
            ways[post_id].append((row["posted_at"], 0, author, author))
    for row in interactions:
        who, at = row["account_id"], row["interacted_at"]
        if row["kind"] == "repost" and who in since and since[who] <= at:
            ways[row["object_post_id"]].append((at, 1, who, row["object_account_id"]))
    return ways
