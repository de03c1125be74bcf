"""What members of personas were probably shown: sessions, feeds, and what of them is no candidate for being ignored.

Here: from follows, posts and reposts to the posts that came into each member's feed and were among the newest when it
was active next. Not here: what the member cared about (`interests`).

An estimate throughout: platforms deliver no views. A session is only known by what an account did in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.exposure_rules import ExposureRules
from sm_assets.analysis.numbering import Numbering, micros, places_of

VIA: Final = ("follow", "repost")
LOSSES: Final = (
    "no_later_session", "too_old", "below_feed_depth", "own", "acted_on", "blocked", "without_vector_or_language",
)  # fmt: skip
_BLOCK: Final = 4_000_000
_MINUTE, _HOUR = 60_000_000, 3_600_000_000

Ints = npt.NDArray[np.int64]


class FeedInputs(NamedTuple):
    """Tables of one window; rows in any order.

    Attributes:
        members: platform, account_id, persona_id; each account once.
        activity: platform, account_id, happened_at: when members posted, interacted, followed.
        follows: platform, account_id, via_account_id, followed_at (null: known from a list, counts always): whom
            members follow; each pair once.
        feed: platform, via_account_id, via (follow: its own post; repost), brought_at, post_id, author_account_id
            (null: unknown), is_reply, is_eligible (has a vector and a language that counts): what accounts that members
            follow brought.
        actions: platform, account_id, post_id, author_account_id (null: unknown), stands (false: taken back),
            is_eligible: posts that members liked, reposted, quoted, replied to.
        blocks: platform, account_id, other_account_id, blocked_at: members and whom they blocked or who blocked them.
    """

    members: pa.Table
    activity: pa.Table
    follows: pa.Table
    feed: pa.Table
    actions: pa.Table
    blocks: pa.Table


@dataclass(frozen=True, slots=True, eq=False)
class Feeds:
    """Candidates: posts that members were probably shown and did not act on.

    Attributes:
        accounts, posts: what the numbers below stand for.
        member: int64[m], number of each member's account, ascending; persona: int64[m], its persona.
        candidate: int64[n], place of the member among the members, ascending.
        post, author, via_account: int64[n], numbers of the post, its author, and through whom it came.
        via: int8[n], place in `VIA`.
        visible_at, session_at: int64[n], microseconds.
        acted_persona, acted_post, acted_author: int64[a], posts with a vector that members of a persona acted on, each
            once per persona; author -1: unknown.
        followed_persona, followed_account, n_followers: int64[f], how many members of a persona follow an account.
        counts: members, what came into their feeds, and how much of it was lost by each rule.
    """

    accounts: Numbering
    posts: Numbering
    member: Ints
    persona: Ints
    candidate: Ints
    post: Ints
    author: Ints
    via_account: Ints
    via: npt.NDArray[np.int8]
    visible_at: Ints
    session_at: Ints
    acted_persona: Ints
    acted_post: Ints
    acted_author: Ints
    followed_persona: Ints
    followed_account: Ints
    n_followers: Ints
    counts: dict[str, int]


class _Items(NamedTuple):
    """What may come into a feed, by carrier and time.

    Attributes:
        first: int64[accounts + 1], where the items of each account begin.
        at, post, author, carrier, via: per item; number -1: unknown.
        turn: place in the order in which items make a post visible: by time, an own post before a repost, by carrier.
        repeated: whether other items hold the same post.
        eligible: whether the post has a vector and a language that counts.
    """

    first: Ints
    at: Ints
    post: Ints
    author: Ints
    carrier: Ints
    via: npt.NDArray[np.int8]
    turn: Ints
    repeated: npt.NDArray[np.bool_]
    eligible: npt.NDArray[np.bool_]


class _Sessions(NamedTuple):
    """Sessions of members, by member and time: place of the member, beginning in microseconds."""

    member: Ints
    start: Ints


def member_feeds(inputs: FeedInputs, rules: ExposureRules) -> Feeds:
    """What members were probably shown and did not act on.

    Times are compared as they are: a post becomes visible when its author posts it, if the member follows the author by
    then, or when an account that the member follows by then reposts it; the earlier counts. It is shown in the first
    session that begins later, at most `lookback_hours` later, if it is among the newest `feed_depth` posts of those
    that fall to this session; of posts of one time the one whose id sorts first.

    Args:
        inputs: tables of the window; equal rows in another order give an equal result.
        rules: by which exposures are estimated.
    """
    accounts = Numbering(
        [
            (inputs.members["platform"], inputs.members["account_id"]),
            (inputs.follows["platform"], inputs.follows["via_account_id"]),
            (inputs.feed["platform"], inputs.feed["via_account_id"]),
            (inputs.feed["platform"], inputs.feed["author_account_id"]),
            (inputs.actions["platform"], inputs.actions["author_account_id"]),
        ]
    )
    posts = Numbering((table["platform"], table["post_id"]) for table in (inputs.feed, inputs.actions))
    number = accounts.of(inputs.members["platform"], inputs.members["account_id"])
    order = np.argsort(number)
    member, persona = number[order], _whole(inputs.members["persona_id"])[order]
    place = np.full(len(accounts), -1, np.int64)
    place[member] = np.arange(len(member))

    follower = _placed(accounts, place, inputs.follows)
    followed = accounts.of(inputs.follows["platform"], inputs.follows["via_account_id"])
    since = micros(inputs.follows["followed_at"])
    known = follower >= 0
    follower, followed, since = follower[known], followed[known], since[known]
    actor = _placed(accounts, place, inputs.actions)
    object_post = posts.of(inputs.actions["platform"], inputs.actions["post_id"])
    acted = np.unique(actor[actor >= 0] * len(posts) + object_post[actor >= 0])

    items = _items(inputs.feed, accounts, posts, rules.include_replies)
    sessions = _sessions(_placed(accounts, place, inputs.activity), micros(inputs.activity["happened_at"]), rules)
    shown, counts = _shown(follower, followed, since, items, sessions, rules, len(posts))
    who, item, start = shown
    author = items.author[item]
    out = {
        "own": author == member[who],
        "acted_on": places_of(who * len(posts) + items.post[item], acted) >= 0,
        "blocked": _blocked(who, author, start, accounts, place, inputs.blocks),
        "without_vector_or_language": ~items.eligible[item],
    }
    kept = np.ones(len(who), np.bool_)
    for reason, lost in out.items():
        counts[reason] = int(np.count_nonzero(kept & lost))
        kept &= ~lost
    who, item, start = who[kept], item[kept], start[kept]

    usable = (actor >= 0) & _flags(inputs.actions["stands"]) & _flags(inputs.actions["is_eligible"])
    of_persona = persona[actor[usable]] * len(posts) + object_post[usable]
    liked, row = np.unique(of_persona, return_index=True)
    pairs, n_followers = np.unique(persona[follower] * len(accounts) + followed, return_counts=True)
    told = {
        "members": len(member),
        "members_without_known_follows": len(member) - len(np.unique(follower)),
        "members_without_session": len(member) - len(np.unique(sessions.member)),
    }
    return Feeds(
        accounts,
        posts,
        member,
        persona,
        candidate=who,
        post=items.post[item],
        author=items.author[item],
        via_account=items.carrier[item],
        via=items.via[item],
        visible_at=items.at[item],
        session_at=start,
        acted_persona=liked // max(len(posts), 1),
        acted_post=liked % max(len(posts), 1),
        acted_author=accounts.of(inputs.actions["platform"], inputs.actions["author_account_id"])[usable][row],
        followed_persona=pairs // max(len(accounts), 1),
        followed_account=pairs % max(len(accounts), 1),
        n_followers=n_followers,
        counts=told | counts | {"candidates": len(who)},
    )


def _items(feed: pa.Table, accounts: Numbering, posts: Numbering, include_replies: bool) -> _Items:
    if not include_replies:
        feed = feed.filter(pc.invert(feed["is_reply"]))
    carrier = accounts.of(feed["platform"], feed["via_account_id"])
    post, at = posts.of(feed["platform"], feed["post_id"]), micros(feed["brought_at"])
    via: npt.NDArray[np.int8] = pc.index_in(feed["via"], value_set=pa.array(VIA)).to_numpy().astype(np.int8)
    author = accounts.of(feed["platform"], feed["author_account_id"])
    order = np.lexsort((via, post, at, carrier))
    carrier, post, at, author = (each[order] for each in (carrier, post, at, author))
    via = via[order]
    turn = np.empty(len(post), np.int64)
    turn[np.lexsort((carrier, via, at))] = np.arange(len(post))
    return _Items(
        first=np.searchsorted(carrier, np.arange(len(accounts) + 1)),
        at=at,
        post=post,
        author=author,
        carrier=carrier,
        via=via,
        turn=turn,
        repeated=np.bincount(post, minlength=len(posts))[post] > 1,
        eligible=_flags(feed["is_eligible"])[order],
    )


def _sessions(member: Ints, at: Ints, rules: ExposureRules) -> _Sessions:
    """Beginnings of runs of activity without a gap longer than the session's."""
    known = member >= 0
    member, at = member[known], at[known]
    order = np.lexsort((at, member))
    member, at = member[order], at[order]
    gap = np.diff(at, prepend=at[:1]) > rules.session_gap_minutes * _MINUTE
    first = gap | (np.diff(member, prepend=-1) != 0)
    return _Sessions(member[first], at[first])


def _shown(
    follower: Ints, followed: Ints, since: Ints, items: _Items, sessions: _Sessions, rules: ExposureRules, n_posts: int
) -> tuple[tuple[Ints, Ints, Ints], dict[str, int]]:
    """((place of the member, item, beginning of the session) of all that was shown, by member; counts).

    Members are taken in blocks, so that memory holds some millions of pairs of follows and items, not all of them.
    """
    order = np.lexsort((followed, follower))
    follower, followed, since = follower[order], followed[order], since[order]
    size = items.first[followed + 1] - items.first[followed]
    # Times as ranks, so that a member and a time fit into one number.
    moments = np.unique(np.concatenate([items.at, sessions.start]))
    rank, base = np.searchsorted(moments, items.at), len(moments) + 1
    session_key = sessions.member * base + np.searchsorted(moments, sessions.start)

    begins = np.flatnonzero(np.diff(follower, prepend=-1) != 0)
    before = (np.cumsum(size) - size)[begins] // _BLOCK
    edges = [*begins[np.diff(before, prepend=-1) != 0].tolist(), len(follower)]

    counts = dict.fromkeys(("in_feeds", "no_later_session", "too_old", "below_feed_depth"), 0)
    parts: list[tuple[Ints, Ints, Ints]] = []
    for low, high in pairwise(edges):
        block = size[low:high]
        edge = np.repeat(np.arange(low, high), block)
        skipped = np.cumsum(block) - block
        item = np.arange(len(edge)) + np.repeat(items.first[followed[low:high]] - skipped, block)
        then = items.at[item] >= since[edge]
        who, item = follower[edge[then]], item[then]
        who, item = _earliest(who, item, items, n_posts)
        counts["in_feeds"] += len(who)

        session = np.searchsorted(session_key, who * base + rank[item], side="right")
        inside = session < len(session_key)
        inside[inside] = sessions.member[session[inside]] == who[inside]
        counts["no_later_session"] += len(who) - int(np.count_nonzero(inside))
        who, item, session = who[inside], item[inside], session[inside]
        recent = sessions.start[session] - items.at[item] <= rules.lookback_hours * _HOUR
        counts["too_old"] += len(who) - int(np.count_nonzero(recent))
        who, item, session = who[recent], item[recent], session[recent]

        newest = np.lexsort((items.post[item], -items.at[item], session))
        who, item, session = who[newest], item[newest], session[newest]
        leads = np.flatnonzero(np.diff(session, prepend=-1) != 0)
        depth = np.arange(len(session)) - np.repeat(leads, np.diff(leads, append=len(session)))
        seen = depth < rules.feed_depth
        counts["below_feed_depth"] += len(who) - int(np.count_nonzero(seen))
        parts.append((who[seen], item[seen], sessions.start[session[seen]]))
    who, item, start = (np.concatenate([np.zeros(0, np.int64), *(part[n] for part in parts)]) for n in range(3))
    return (who, item, start), counts


def _earliest(who: Ints, item: Ints, items: _Items, n_posts: int) -> tuple[Ints, Ints]:
    """Of several items that bring a member one post, the earliest."""
    several = np.flatnonzero(items.repeated[item])
    pair = who[several] * n_posts + items.post[item[several]]
    order = np.lexsort((items.turn[item[several]], pair))
    again = several[order[1:][np.diff(pair[order]) == 0]]
    kept = np.ones(len(who), np.bool_)
    kept[again] = False
    return who[kept], item[kept]


def _blocked(
    who: Ints, author: Ints, start: Ints, accounts: Numbering, place: Ints, blocks: pa.Table
) -> npt.NDArray[np.bool_]:
    """Whether author and member had blocked each other, either way, before the session."""
    member = _placed(accounts, place, blocks)
    other = accounts.of(blocks["platform"], blocks["other_account_id"])
    known = (member >= 0) & (other >= 0)
    key, at = (member * len(accounts) + other)[known], micros(blocks["blocked_at"])[known]
    order = np.lexsort((at, key))
    key, at = key[order], at[order]
    first = np.diff(key, prepend=-1) != 0
    key, at = key[first], at[first]
    asked = np.where(author >= 0, who * len(accounts) + author, -1)
    found = places_of(asked, key)
    hit = found >= 0
    hit[hit] = at[found[hit]] < start[hit]
    return hit


def _placed(accounts: Numbering, place: Ints, table: pa.Table) -> Ints:
    """Place of each row's account among the members; -1: no member."""
    number = accounts.of(table["platform"], table["account_id"])
    return np.where(number >= 0, place[number] if len(place) else -1, -1)


def _whole(column: pa.ChunkedArray) -> Ints:
    values: Ints = column.cast(pa.int64()).to_numpy()
    return values


def _flags(column: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    values: npt.NDArray[np.bool_] = column.to_numpy().astype(np.bool_)
    return values
