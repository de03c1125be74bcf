"""A planted world of feeds: who saw which posts, who passed them over, and what of that a platform delivers.

Here: tables like those of core with the truth beside them, of any size, for tests and figures about estimated
exposures. Not here: accounts with names and texts, files of exports (`world`).

Nothing is made by the rules of the estimate. People open the app when they like and stay as long as they like, also
without leaving a trace; the feed is ordered by age, popularity and chance, and what they read of it ends with the time
they have; posts that arrive while they read are seen too; some are found by search, and some follows were taken back
since. Vectors are mixtures of topics with noise: no text model is needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.errors import OptionError

FIRST_DAY: Final = date(2024, 5, 1)
PLATFORM: Final = "bluesky"
_DIMENSIONS: Final = 48
_NOISE: Final = 0.75
_HOUR, _DAY = 3600.0, 86400.0
_TIME: Final = pa.timestamp("us")
# Of follows: to accounts of one's own persona, known from a list only, made within the window, taken back since.
_AT_HOME, _LISTED, _RECENT, _UNDONE = 0.65, 0.3, 0.15, 0.08
_POST_KINDS: Final = ("post", "reply", "quote")
_SEARCHED: Final = 0.2
_ACTS: Final = ("like", "repost", "reply", "quote")
_ACT_ODDS: Final = (0.7, 0.15, 0.1, 0.05)
_ACT_IF_OF_INTEREST, _ACT_ELSE = 0.25, 0.03
_TAKEN_BACK: Final = 0.05


class PlantedExposures(NamedTuple):
    """What a platform delivers of the world, and what it does not.

    Attributes:
        days: the days, ascending.
        core_posts: platform, post_id, account_id, post_kind, parent_post_id, parent_account_id, quoted_post_id, text,
            language_codes, posted_at, day.
        core_interactions: platform, interaction_id, kind, account_id, object_post_id, object_account_id, interacted_at,
            day.
        core_follows: platform, follower_account_id, followed_account_id, followed_at, is_snapshot, day.
        core_tombstones: platform, entity, record_id, interaction_kind, account_id, object_post_id, record_day, day.
        languages: platform, post_id, lang, day.
        vectors: platform, post_id, embedding, day.
        members: platform, account_id, persona_id.
        seen: account_id, post_id, acted, of_interest: posts of others that members saw, each once.
    """

    days: list[date]
    core_posts: pa.Table
    core_interactions: pa.Table
    core_follows: pa.Table
    core_tombstones: pa.Table
    languages: pa.Table
    vectors: pa.Table
    members: pa.Table
    seen: pa.Table


@dataclass(eq=False)
class _Posts:
    """Posts as they come into being, in no order of time."""

    author: list[int] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    topic: list[int] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)
    about: list[int] = field(default_factory=list)

    def add(self, author: int, at: float, topic: int, kind: str, about: int = -1) -> int:
        for name, value in (("author", author), ("at", at), ("topic", topic), ("kind", kind), ("about", about)):
            getattr(self, name).append(value)
        return len(self.author) - 1


class _Follows(NamedTuple):
    """Who follows whom from when to when, in seconds; `listed`: the platform tells no time."""

    follower: npt.NDArray[np.int64]
    followed: npt.NDArray[np.int64]
    since: npt.NDArray[np.float64]
    until: npt.NDArray[np.float64]
    listed: npt.NDArray[np.bool_]


class _People(NamedTuple):
    """Accounts: members of personas first, then sources that are none.

    Attributes:
        topic: what it mostly writes about, also the number of a member's persona.
        side: another topic of interest, -1: none.
        hour: when it is mostly there; pace: sessions a day; popularity: how much it is followed.
    """

    n_members: int
    topic: npt.NDArray[np.int64]
    side: npt.NDArray[np.int64]
    hour: npt.NDArray[np.float64]
    pace: npt.NDArray[np.float64]
    popularity: npt.NDArray[np.float64]


def planted_exposures(
    seed: int, *, personas: int = 4, members: int = 160, sources: int = 40, days: int = 10
) -> PlantedExposures:
    """Draw a world; equal arguments give equal tables.

    Args:
        seed: 0 or more, of numpy's PCG64.
        personas: 1 or more; each has a topic of its own.
        members: accounts of personas, as many as there are personas or more.
        sources: accounts outside personas that post by the clock and are followed by many, 0 or more.
        days: 1 or more.

    Raises:
        OptionError: a parameter is out of range.
    """
    if min(seed, sources) < 0 or min(personas, days) < 1 or members < personas:
        raise OptionError(
            "a planted world needs seed and sources of 0 or more, a persona, a day, and as many members as personas; "
            f"found {seed}, {sources}, {personas}, {days}, {members}."
        )
    draws = np.random.Generator(np.random.PCG64(seed))
    people = _people(draws, personas, members, sources)
    follows = _follows(draws, people, days)
    life = _Life(draws, people, follows, personas, days)
    life.go_on()
    return life.delivered()


def _people(draws: np.random.Generator, personas: int, members: int, sources: int) -> _People:
    n = members + sources
    topic = np.arange(n) % personas
    side = np.where(draws.random(n) < 0.3, draws.integers(0, personas + 2, n), -1)
    popularity = draws.pareto(1.5, n) + 0.3
    popularity[members:] *= 4
    return _People(members, topic, side, draws.uniform(6, 23, n), draws.gamma(3, 0.8, n), popularity)


def _follows(draws: np.random.Generator, people: _People, days: int) -> _Follows:
    pairs: set[tuple[int, int]] = set()
    for account in range(people.n_members):
        for _ in range(int(draws.integers(8, 40))):
            weight = people.popularity.copy()
            if draws.random() < _AT_HOME:
                weight[people.topic != people.topic[account]] = 0
            other = int(draws.choice(len(weight), p=weight / weight.sum()))
            if other != account:
                pairs.add((account, other))
    follower, followed = np.array(sorted(pairs), np.int64).reshape(-1, 2).T
    n = len(follower)
    since = np.where(draws.random(n) < _RECENT, draws.uniform(0, days * _DAY, n), -draws.uniform(1, 300, n) * _DAY)
    undone = draws.random(n) < _UNDONE
    until = np.where(undone, draws.uniform(0.2, 1, n) * days * _DAY, np.inf)
    return _Follows(follower, followed, since, until, (since < 0) & (draws.random(n) < _LISTED))


class _Life:
    """The course of things: sessions of everybody in the order of time."""

    def __init__(
        self, draws: np.random.Generator, people: _People, follows: _Follows, personas: int, days: int
    ) -> None:
        self.draws, self.people, self.follows = draws, people, follows
        self.personas, self.days = personas, days
        self.posts = _Posts()
        self.reposts: list[tuple[int, float, int]] = []
        self.acts: list[tuple[str, int, int, float]] = []
        self.blocks: list[tuple[int, int, float]] = []
        self.stands = np.ones(0, np.bool_)
        self.seen: dict[tuple[int, int], bool] = {}
        self.left_at = np.full(len(people.topic), -2 * _DAY)
        self.following = [np.flatnonzero(follows.follower == account) for account in range(people.n_members)]

    def go_on(self) -> None:
        """All days, session by session."""
        people, draws = self.people, self.draws
        for source in range(people.n_members, len(people.topic)):
            for at in np.sort(draws.uniform(0, self.days * _DAY, draws.poisson(5 * self.days))):
                self.posts.add(source, float(at), self._topic(source), "post")
        sessions = []
        for account in range(people.n_members):
            for day in range(self.days):
                for _ in range(draws.poisson(people.pace[account])):
                    hour = draws.normal(people.hour[account], 3.5) % 24
                    sessions.append((day * _DAY + hour * _HOUR, account))
        for at, account in sorted(sessions):
            self._session(account, at, at + 90 + draws.exponential(12 * 60))
        # Replies and quotes are posts, and stay.
        taken_back = draws.random(len(self.acts)) < _TAKEN_BACK
        self.stands = ~taken_back | np.array([kind in _POST_KINDS for kind, *_ in self.acts], np.bool_)

    def _topic(self, account: int) -> int:
        """What a post of the account is about: mostly its own topic."""
        if self.draws.random() < 0.75:
            return int(self.people.topic[account])
        return int(self.draws.integers(0, self.personas + 3))

    def _session(self, account: int, start: float, end: float) -> None:
        draws = self.draws
        for _ in range(draws.poisson(0.6)):
            self.posts.add(account, draws.uniform(start, end), self._topic(account), "post")
        if draws.random() < 0.01 and len(self.following[account]):
            other = int(self.follows.followed[draws.choice(self.following[account])])
            self.blocks.append((account, other, start))
        now = start
        for post in self._feed(account, start, end):
            now += draws.exponential(14)
            if now > end:
                break
            if self.posts.at[post] < now and draws.random() > 0.15:
                self._see(account, post, now)
        if draws.random() < _SEARCHED:
            self._search(account, start, end)
        self.left_at[account] = end

    def _feed(self, account: int, start: float, end: float) -> list[int]:
        """What the app shows, in its order: new and popular first, and much by chance."""
        mine = self.following[account]
        follows = self.follows
        mine = mine[(follows.since[mine] < start) & (follows.until[mine] > start)]
        blocked = {pair[1] for pair in self.blocks if pair[0] == account}
        carriers = {int(other) for other in follows.followed[mine]} - blocked
        since = max(self.left_at[account] - _HOUR, start - 2 * _DAY)
        at, author = np.array(self.posts.at), np.array(self.posts.author)
        fresh = np.flatnonzero((at > since) & (at < end) & np.isin(author, list(carriers)))
        shown = {int(post): float(at[post]) for post in fresh if self.posts.kind[post] != "reply"}
        for who, when, post in self.reposts:
            if who in carriers and since < when < end and self.posts.author[post] not in blocked | {account}:
                shown.setdefault(post, when)
        age = {post: abs(start - when) / _HOUR for post, when in shown.items()}
        rank = {
            post: age[post] / 5
            - 0.4 * np.log(self.people.popularity[self.posts.author[post]])
            + self.draws.normal(0, 0.8)
            for post in sorted(shown)
        }
        return sorted(rank, key=lambda post: (rank[post], post))

    def _search(self, account: int, start: float, end: float) -> None:
        """Some posts of a topic of interest, whoever wrote them."""
        topic, at = np.array(self.posts.topic), np.array(self.posts.at)
        found = np.flatnonzero((topic == self.people.topic[account]) & (at < start) & (at > start - 2 * _DAY))
        for post in self.draws.permutation(found)[:4].tolist():
            self._see(account, post, self.draws.uniform(start, end))

    def _see(self, account: int, post: int, at: float) -> None:
        """Read a post, and perhaps act on it."""
        if self.posts.author[post] == account or self.seen.get((account, post)):
            return
        self.seen[account, post] = False
        draws = self.draws
        if draws.random() > (_ACT_IF_OF_INTEREST if self._cares(account, post) else _ACT_ELSE):
            return
        self.seen[account, post] = True
        kind = _ACTS[int(draws.choice(len(_ACTS), p=_ACT_ODDS))]
        at += float(draws.uniform(1, 20))
        self.acts.append((kind, account, post, at))
        if kind == "repost":
            self.reposts.append((account, at, post))
        elif kind != "like":
            self.posts.add(account, at, self.posts.topic[post], kind, post)

    def _cares(self, account: int, post: int) -> bool:
        return self.posts.topic[post] in (self.people.topic[account], self.people.side[account])

    # ------------------------------------------------------------- delivery

    def delivered(self) -> PlantedExposures:
        """The tables."""
        posts, draws = self.posts, self.draws
        n = len(posts.author)
        ids = [f"at://{_did(author)}/post/{number:06d}" for number, author in enumerate(posts.author)]
        topics = _unit(draws.normal(size=(self.personas + 3, _DIMENSIONS)))
        noise = draws.normal(size=(n, _DIMENSIONS)) / np.sqrt(_DIMENSIONS)
        vectors = _unit(topics[np.array(posts.topic, np.int64)] + _NOISE * noise)
        foreign = draws.random(n) < 0.08
        silent = draws.random(n) < 0.04
        day = [_day(at) for at in posts.at]
        about = [ids[number] if number >= 0 else None for number in posts.about]
        replies = [about[i] if posts.kind[i] == "reply" else None for i in range(n)]
        core_posts = _table(
            {
                "post_id": ids,
                "account_id": [_did(author) for author in posts.author],
                "post_kind": posts.kind,
                "parent_post_id": pa.array(replies, pa.string()),
                "parent_account_id": pa.array(
                    [_did(posts.author[posts.about[i]]) if replies[i] else None for i in range(n)], pa.string()
                ),
                "quoted_post_id": pa.array(
                    [about[i] if posts.kind[i] == "quote" else None for i in range(n)], pa.string()
                ),
                "text": ["" if silent[i] else f"words {i}" for i in range(n)],
                "language_codes": pa.nulls(n, pa.list_(pa.string())),
                "posted_at": _times(posts.at),
                "day": pa.array(day, pa.date32()),
            }
        )
        spoken = np.flatnonzero(~silent)
        return PlantedExposures(
            days=[FIRST_DAY + timedelta(days=number) for number in range(self.days + 1)],
            core_posts=core_posts,
            core_interactions=self._interactions(ids),
            core_follows=self._delivered_follows(),
            core_tombstones=self._withdrawn(ids),
            languages=_table(
                {
                    "post_id": ids,
                    "lang": ["de" if foreign[i] else "en" for i in range(n)],
                    "day": pa.array(day, pa.date32()),
                }
            ),
            vectors=_table(
                {
                    "post_id": [ids[i] for i in spoken],
                    "embedding": pa.array(list(vectors[spoken].astype(np.float32)), pa.list_(pa.float32())),
                    "day": pa.array([day[i] for i in spoken], pa.date32()),
                }
            ),
            members=_table(
                {
                    "account_id": [_did(account) for account in range(self.people.n_members)],
                    "persona_id": pa.array(self.people.topic[: self.people.n_members]),
                }
            ),
            seen=pa.table(
                {
                    "account_id": [_did(account) for account, _ in self.seen],
                    "post_id": [ids[post] for _, post in self.seen],
                    "acted": list(self.seen.values()),
                    "of_interest": [self._cares(*pair) for pair in self.seen],
                }
            ),
        )

    def _interactions(self, ids: list[str]) -> pa.Table:
        rows: list[dict[str, Any]] = []
        for number in np.flatnonzero(self.stands).tolist():
            kind, account, post, at = self.acts[number]
            author = self.posts.author[post]
            rows.append(_interaction(f"act {number}", kind, account, ids[post], author, at))
        rows += [
            _interaction(f"block {number}", "block", account, None, other, at)
            for number, (account, other, at) in enumerate(self.blocks)
        ]
        schema = pa.schema(
            [
                ("platform", pa.string()), ("interaction_id", pa.string()), ("kind", pa.string()),
                ("account_id", pa.string()), ("object_post_id", pa.string()), ("object_account_id", pa.string()),
                ("interacted_at", _TIME), ("day", pa.date32()),
            ]
        )  # fmt: skip
        return pa.Table.from_pylist(rows, schema)

    def _withdrawn(self, ids: list[str]) -> pa.Table:
        lost = np.flatnonzero(~self.stands).tolist()
        acts = [self.acts[number] for number in lost]
        days = pa.array([_day(at) for *_, at in acts], pa.date32())
        return _table(
            {
                "entity": pa.array(["interaction"] * len(lost), pa.string()),
                "record_id": pa.array([f"act {number}" for number in lost], pa.string()),
                "interaction_kind": pa.array([kind for kind, *_ in acts], pa.string()),
                "account_id": pa.array([_did(account) for _, account, *_ in acts], pa.string()),
                "object_post_id": pa.array([ids[post] for _, _, post, _ in acts], pa.string()),
                "record_day": days,
                "day": days,
            }
        )

    def _delivered_follows(self) -> pa.Table:
        follows = self.follows
        kept = np.flatnonzero(np.isinf(follows.until))
        since = np.where(follows.listed, 0.0, follows.since)[kept]
        return _table(
            {
                "follower_account_id": [_did(account) for account in follows.follower[kept]],
                "followed_account_id": [_did(account) for account in follows.followed[kept]],
                "followed_at": pa.array(
                    [None if listed else _moment(at) for at, listed in zip(since, follows.listed[kept], strict=True)],
                    _TIME,
                ),
                "is_snapshot": pa.array(follows.listed[kept]),
                "day": pa.array([_day(at) for at in since], pa.date32()),
            }
        )


def _interaction(name: str, kind: str, account: int, post: str | None, author: int, at: float) -> dict[str, Any]:
    return {
        "platform": PLATFORM, "interaction_id": name, "kind": kind, "account_id": _did(account), "object_post_id": post,
        "object_account_id": _did(author), "interacted_at": _moment(at), "day": _day(at),
    }  # fmt: skip


def _table(columns: dict[str, Any]) -> pa.Table:
    n = len(next(iter(columns.values())))
    return pa.table({"platform": pa.array([PLATFORM] * n, pa.string()), **columns})


def _did(account: int) -> str:
    return f"did:plc:{int(account):05d}"


def _moment(at: float) -> datetime:
    return datetime.combine(FIRST_DAY, datetime.min.time()) + timedelta(microseconds=int(at * 1e6))


def _day(at: float) -> date:
    return _moment(at).date()


def _times(at: list[float]) -> pa.Array:
    return pa.array([_moment(each) for each in at], _TIME)


def _unit(vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    unit: npt.NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
