"""Tweets of API v2: pages with their `includes`, and flattened tweets that hold everything in place.

Here: which key holds what, the joins inside a page, its `errors`. Not here: what makes a tweet unusable
(`twitter_rows`), what a page's request says about coverage (`twitter_coverage`).
"""

from __future__ import annotations

from collections import deque
from typing import Any

from sm_assets.sources.twitter_fields import (
    Link,
    Medium,
    Page,
    Path,
    Record,
    Tweet,
    Unpacked,
    User,
    Withdrawal,
    first_text,
    is_id,
    items,
    kind_of_key,
    misshapen,
    obj,
    objects,
    placed,
    text,
)

_REFERENCES = {"retweeted": "reposted_id", "replied_to": "parent_id", "quoted": "quoted_id"}
# What only an expanded object has: `{"type": ..., "id": ...}` and `{"username": ..., "id": ...}` are mere references.
_TWEET_KEYS = ("text", "author_id", "author", "created_at")
_USER_KEYS = ("name", "created_at", "public_metrics", "description")
_ABSENT = "Not Found Error"


def unpack_page(page: Record, path: Path = ()) -> Unpacked:
    """All tweets and users of a page: its own, those in `includes`, and what its `errors` tell."""
    found = Unpacked("v2_page", retrieved_at=text(obj(page.get("__twarc")).get("retrieved_at")))
    data, includes, meta = page.get("data"), obj(page.get("includes")), obj(page.get("meta"))
    found.page = Page(
        url=text(obj(page.get("__twarc")).get("url")),
        is_last=text(meta.get("next_token")) is None,
        is_search="matching_rules" in page or bool(meta),
    )
    tweets: list[tuple[Record, Path, bool]] = []
    places = [(value, at, False) for value, at in placed(data, (*path, "data"))]
    for kind in ("tweets", "users"):
        places += [(value, at, True) for value, at in placed(includes.get(kind), (*path, "includes", kind))]
    if page.get("includes") and not includes:
        places.append((page["includes"], (*path, "includes"), True))
    for value, at, context in places:
        if not isinstance(value, dict):
            found.rejects.append((at, "not_an_object", f"an object was expected at {_dotted(at)}"))
        elif "username" in value and not any(key in value for key in ("text", "author_id")):
            found.users.append(_user(value, at, context))
        else:
            tweets.append((value, at, context))
    lookups = _Lookups(includes)
    rules = page.get("matching_rules")
    _collect(found, deque(tweets), lookups, rules)
    _errors(found, page, path)
    return found


def unpack_flat(record: Record, path: Path = ()) -> Unpacked:
    """One flattened tweet with all tweets and users inside it."""
    found = Unpacked("v2_flat", retrieved_at=text(obj(record.get("__twarc")).get("retrieved_at")))
    _collect(found, deque([(record, path, False)]), _Lookups({}), record.get("matching_rules"))
    return found


class _Lookups:
    """Media and places of a page by their keys."""

    def __init__(self, includes: Record) -> None:
        self.media = {text(v.get("media_key")): v for v in objects(includes.get("media"))}
        self.places = {text(v.get("id")): v for v in objects(includes.get("places"))}


def _collect(found: Unpacked, waiting: deque[tuple[Record, Path, bool]], lookups: _Lookups, rules: Any) -> None:
    while waiting:
        value, at, context = waiting.popleft()
        tweet = _tweet(value, at, context, lookups)
        if not context:
            tweet.matching_rules = rules
        found.tweets.append(tweet)
        for key in ("author", "in_reply_to_user"):
            user = obj(value.get(key))
            if user:
                found.users.append(_user(user, (*at, key), True))
        for holder in ("entities", "note_tweet"):
            entities = obj(value.get(holder)) if holder == "entities" else obj(obj(value.get(holder)).get("entities"))
            base = (*at, holder) if holder == "entities" else (*at, holder, "entities")
            for mention, place in placed(entities.get("mentions"), (*base, "mentions")):
                if isinstance(mention, dict) and any(key in mention for key in _USER_KEYS):
                    found.users.append(_user(mention, place, True))
        for reference, place in placed(value.get("referenced_tweets"), (*at, "referenced_tweets")):
            if isinstance(reference, dict) and any(key in reference for key in _TWEET_KEYS):
                waiting.append((reference, place, True))


def _tweet(value: Record, path: Path, context: bool, lookups: _Lookups) -> Tweet:
    metrics, note, attachments = (obj(value.get(key)) for key in ("public_metrics", "note_tweet", "attachments"))
    author, geo = obj(value.get("author")), obj(value.get("geo"))
    whole = text(note.get("text"))
    entities = obj((note if whole and note.get("entities") else value).get("entities"))
    place = lookups.places.get(text(geo.get("place_id")), geo)
    tweet = Tweet(
        path,
        context,
        tweet_id=text(value.get("id")),
        author_id=text(value.get("author_id")) or text(author.get("id")),
        created_at=text(value.get("created_at")),
        text=whole or text(value.get("text")),
        language=text(value.get("lang")),
        conversation_id=text(value.get("conversation_id")),
        parent_account_id=text(value.get("in_reply_to_user_id")),
        history=[str(v) for v in items(value.get("edit_history_tweet_ids")) if isinstance(v, str)],
        client=text(value.get("source")),
        country=text(place.get("country_code")),
        is_sensitive=value.get("possibly_sensitive"),
        shares=metrics.get("retweet_count"),
        likes=metrics.get("like_count"),
        comments=metrics.get("reply_count"),
        quotes=metrics.get("quote_count"),
        views=metrics.get("impression_count"),
        followers=obj(author.get("public_metrics")).get("followers_count"),
        has_poll=bool(attachments.get("poll_ids") or attachments.get("poll")),
        misshapen=[
            *misshapen(
                value,
                texts="created_at text lang",
                objects="entities attachments public_metrics note_tweet author geo",
                lists="referenced_tweets edit_history_tweet_ids",
            ),
            *misshapen(entities, lists="urls hashtags mentions"),
        ],
    )
    for reference in objects(value.get("referenced_tweets")):
        name = _REFERENCES.get(text(reference.get("type")) or "")
        if name:
            setattr(tweet, name, text(reference.get("id")) or ("" if name == "reposted_id" else None))
    for url in objects(entities.get("urls")):
        names = ("url", "expanded_url", "unwound_url", "title", "description", "media_key")
        tweet.links.append(Link(*(text(url.get(name)) for name in names)))
    tweet.hashtags = [tag for tag in (text(h.get("tag")) for h in objects(entities.get("hashtags"))) if tag]
    tweet.mentions = [(text(m.get("id")), text(m.get("username"))) for m in objects(entities.get("mentions"))]
    expanded = lookups.media | {text(v.get("media_key")): v for v in objects(attachments.get("media"))}
    keys = [text(key) for key in items(attachments.get("media_keys"))]
    if not keys:
        keys = [text(v.get("media_key")) for v in objects(attachments.get("media"))]
    media = [expanded.get(key, {"media_key": key}) for key in keys if key]
    for medium in media:
        kind = text(medium.get("type")) or kind_of_key(text(medium.get("media_key")) or "")
        tweet.media.append(Medium(kind, text(medium.get("alt_text")), medium.get("duration_ms")))
    return tweet


def _user(user: Record, path: Path, context: bool) -> User:
    metrics = obj(user.get("public_metrics"))
    links = objects(obj(obj(user.get("entities")).get("url")).get("urls"))
    return User(
        path,
        context,
        user_id=text(user.get("id")),
        handle=text(user.get("username")),
        name=text(user.get("name")),
        description=text(user.get("description")),
        url=(text(links[0].get("expanded_url")) if links else None) or text(user.get("url")),
        location=text(user.get("location")),
        followers=metrics.get("followers_count"),
        following=metrics.get("following_count"),
        posts=metrics.get("tweet_count"),
        is_verified=user.get("verified"),
        is_protected=user.get("protected"),
        created_at=text(user.get("created_at")),
    )


def _errors(found: Unpacked, page: Record, path: Path) -> None:
    """Look-ups that found nothing withdraw what they name by number; failures of the request itself are rejects."""
    for value, at in placed(page.get("errors"), (*path, "errors")):
        error = obj(value)
        named = first_text(error, "resource_id", "value")
        kind = text(error.get("resource_type"))
        if "disconnect_type" in error:
            found.ignored.append("stream_notice")
        elif "resource_type" not in error and "parameter" not in error:
            detail = first_text(error, "detail", "message", "title") or "no detail"
            found.rejects.append((at, "api_error", f"the request failed: {detail}"))
        elif (
            error.get("title") == _ABSENT
            and kind in ("tweet", "user")
            and is_id(named)
            and "username" not in (text(error.get("parameter")) or "")
        ):
            entity = "post" if kind == "tweet" else "account"
            found.withdrawals.append(
                Withdrawal(at, True, entity, named, ("hide", "not_found"), reason=text(error.get("title")))
            )
        else:
            found.ignored.append("no_payload")
    if "errors" not in page and "data" not in page and "title" in page and "detail" in page:
        found.rejects.append((path, "api_error", f"the request failed: {text(page.get('detail'))}"))


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))
