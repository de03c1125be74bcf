"""Tweets of API v1.1 and of the enterprise format `original`.

Here: which key holds what. Not here: what makes a tweet unusable (`twitter_rows`).
"""

from __future__ import annotations

from collections import deque

from sm_assets.sources.twitter_fields import (
    Path,
    Record,
    Tweet,
    Unpacked,
    User,
    classic_entities,
    first_text,
    items,
    misshapen,
    obj,
    objects,
    text,
)


def unpack(record: Record, path: Path = ()) -> Unpacked:
    """The tweet with all tweets and users inside it."""
    found = Unpacked("v1")
    waiting: deque[tuple[Record, Path, bool]] = deque([(record, path, False)])
    while waiting:
        status, at, context = waiting.popleft()
        user = obj(status.get("user"))
        if user:
            found.users.append(_user(user, (*at, "user")))
        original, quoted = obj(status.get("retweeted_status")), obj(status.get("quoted_status"))
        tweet = _tweet(status, user, at, context)
        if original:
            tweet.reposted_id = first_text(original, "id_str", "id") or ""
            waiting.append((original, (*at, "retweeted_status"), True))
        # What a retweet quotes is what its original quotes, delivered twice.
        if quoted and not (original and obj(original.get("quoted_status"))):
            waiting.append((quoted, (*at, "quoted_status"), True))
        found.tweets.append(tweet)
    found.outermost = found.tweets[0]
    return found


def _tweet(status: Record, user: Record, path: Path, context: bool) -> Tweet:
    long = obj(status.get("extended_tweet"))
    whole = text(long.get("full_text"))
    holder = long if whole else status
    history = obj(status.get("edit_history"))
    versions = [v for v in items(history.get("edit_tweet_ids")) if isinstance(v, str)]
    first = text(history.get("initial_tweet_id"))
    tweet = Tweet(
        path,
        context,
        tweet_id=first_text(status, "id_str", "id"),
        author_id=first_text(user, "id_str", "id"),
        created_at=text(status.get("created_at")),
        text=whole or first_text(status, "full_text", "text"),
        is_truncated=status.get("truncated") is True and not whole,
        language=text(status.get("lang")),
        parent_id=first_text(status, "in_reply_to_status_id_str", "in_reply_to_status_id"),
        parent_account_id=first_text(status, "in_reply_to_user_id_str", "in_reply_to_user_id"),
        parent_handle=text(status.get("in_reply_to_screen_name")),
        quoted_id=(
            first_text(status, "quoted_status_id_str", "quoted_status_id")
            or first_text(obj(status.get("quoted_status")), "id_str", "id")
        ),
        history=[str(v) for v in ([] if first is None or first in versions else [first]) + versions],
        client=text(status.get("source")),
        country=text(obj(status.get("place")).get("country_code")),
        is_sensitive=status.get("possibly_sensitive"),
        shares=status.get("retweet_count"),
        likes=status.get("favorite_count"),
        comments=status.get("reply_count"),
        quotes=status.get("quote_count"),
        followers=user.get("followers_count"),
        followers_at_posting=not context,
        matching_rules=status.get("matching_rules"),
        misshapen=misshapen(
            status,
            texts="created_at text full_text lang",
            objects="user entities extended_entities extended_tweet edit_history retweeted_status quoted_status place",
        ),
    )
    classic_entities({}, obj(holder.get("entities")), obj(holder.get("extended_entities")), tweet)
    return tweet


def _user(user: Record, path: Path) -> User:
    links = objects(obj(obj(user.get("entities")).get("url")).get("urls"))
    return User(
        path,
        True,
        user_id=first_text(user, "id_str", "id"),
        handle=text(user.get("screen_name")),
        name=text(user.get("name")),
        description=text(user.get("description")),
        url=(text(links[0].get("expanded_url")) if links else None) or text(user.get("url")),
        location=text(user.get("location")),
        followers=user.get("followers_count"),
        following=user.get("friends_count"),
        posts=user.get("statuses_count"),
        is_verified=user.get("verified"),
        is_protected=user.get("protected"),
        created_at=text(user.get("created_at")),
    )
