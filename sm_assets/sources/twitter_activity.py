"""Tweets of the enterprise format `activity streams`.

Here: which key holds what. Not here: what makes a tweet unusable (`twitter_rows`).
"""

from __future__ import annotations

import re
from collections import deque

from sm_assets.sources.twitter_fields import (
    Path,
    Record,
    Tweet,
    Unpacked,
    User,
    Withdrawal,
    classic_entities,
    items,
    micros_of,
    micros_of_stamp,
    misshapen,
    names_own_status,
    obj,
    objects,
    tail,
    text,
)

_REPLY = re.compile(r"^(?:https?://)?(?:[\w-]+\.)*(?:twitter|x)\.com/([^/]+)/status(?:es)?/(\d+)", re.IGNORECASE)


def unpack(record: Record, path: Path = ()) -> Unpacked:
    """The activity with all activities and actors inside it."""
    found = Unpacked("activity")
    verb = (text(record.get("verb")) or "post").lower()
    if verb == "delete":
        found.withdrawals.append(_deletion(record, path))
    elif verb not in ("post", "share"):
        found.ignored.append("no_payload")
    if verb not in ("post", "share"):
        return found
    # Links of embedded activities are unwound in the outermost one only.
    unwound: Record = {
        text(url.get("url")) or "": (
            text(url.get("expanded_url")),
            text(url.get("expanded_url_title")),
            text(url.get("expanded_url_description")),
        )
        for url in objects(obj(record.get("gnip")).get("urls"))
    }
    waiting: deque[tuple[Record, Path, bool, str | None]] = deque([(record, path, False, None)])
    while waiting:
        activity, at, context, quoted_id = waiting.popleft()
        actor = obj(activity.get("actor"))
        if actor:
            found.users.append(_user(actor, (*at, "actor")))
        quoted = obj(activity.get("twitter_quoted_status"))
        tweet = _tweet(activity, at, context, unwound)
        tweet.quoted_id = tail(quoted.get("id")) or quoted_id
        if (text(activity.get("verb")) or "").lower() == "share":
            original = obj(activity.get("object"))
            tweet.reposted_id = tail(original.get("id")) or ""
            if original:
                waiting.append((original, (*at, "object"), True, tweet.quoted_id))
            # What a retweet quotes is what its original quotes, delivered twice.
            if obj(original.get("twitter_quoted_status")):
                quoted = {}
        if quoted:
            waiting.append((quoted, (*at, "twitter_quoted_status"), True, None))
        found.tweets.append(tweet)
    found.outermost = found.tweets[0]
    return found


def _deletion(record: Record, path: Path) -> Withdrawal:
    stamp = text(record.get("timestamp_ms"))
    return Withdrawal(
        path,
        False,
        "post",
        tail(obj(record.get("object")).get("id")) or tail(record.get("id")),
        ("purge", "deleted"),
        account_id=tail(obj(record.get("actor")).get("id")),
        action="delete",
        redacted_at=stamp or text(record.get("postedTime")),
        deleted_us=micros_of_stamp(stamp) if stamp else micros_of(text(record.get("postedTime"))),
    )


def _tweet(activity: Record, path: Path, context: bool, unwound: Record) -> Tweet:
    actor, long = obj(activity.get("actor")), obj(activity.get("long_object"))
    whole = text(long.get("body"))
    holder = long if whole else activity
    gnip = obj(activity.get("gnip"))
    reply = _REPLY.match(text(obj(activity.get("inReplyTo")).get("link")) or "")
    tweet = Tweet(
        path,
        context,
        tweet_id=tail(activity.get("id")),
        author_id=tail(actor.get("id")),
        created_at=text(activity.get("postedTime")),
        text=whole or text(activity.get("body")),
        language=text(activity.get("twitter_lang")) or text(obj(gnip.get("language")).get("value")),
        parent_id=reply.group(2) if reply else None,
        parent_handle=reply.group(1) if reply else None,
        history=[str(v) for v in items(obj(activity.get("edit_history")).get("edit_tweet_ids")) if isinstance(v, str)],
        client=text(obj(activity.get("generator")).get("displayName")),
        country=text(obj(activity.get("location")).get("twitter_country_code")),
        is_sensitive=activity.get("possibly_sensitive"),
        shares=activity.get("retweetCount"),
        likes=activity.get("favoritesCount"),
        followers=actor.get("followersCount"),
        followers_at_posting=not context,
        matching_rules=gnip.get("matching_rules"),
        misshapen=misshapen(
            activity,
            texts="postedTime body twitter_lang",
            objects="actor long_object gnip twitter_entities twitter_extended_entities edit_history "
            "twitter_quoted_status inReplyTo",
        ),
    )
    extended = obj(holder.get("twitter_extended_entities"))
    classic_entities(unwound, obj(holder.get("twitter_entities")), extended, tweet)
    tweet.is_truncated = not whole and "…" in (tweet.text or "") and names_own_status(tweet.links, tweet.tweet_id)
    return tweet


def _user(actor: Record, path: Path) -> User:
    links = objects(actor.get("links"))
    return User(
        path,
        True,
        user_id=tail(actor.get("id")),
        handle=text(actor.get("preferredUsername")),
        name=text(actor.get("displayName")),
        description=text(actor.get("summary")),
        url=text(links[0].get("href")) if links else None,
        location=text(obj(actor.get("location")).get("displayName")),
        followers=actor.get("followersCount"),
        following=actor.get("friendsCount"),
        posts=actor.get("statusesCount"),
        is_verified=actor.get("verified"),
        is_protected=actor.get("protected"),
        created_at=text(actor.get("postedTime")),
    )
