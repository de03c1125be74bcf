"""Columns of the tables of what a conversation looks like as a whole: volumes over time, frequent word sequences.

Here: the part of the registry that `columns` takes in; `<group>.<name>` where the name means something else elsewhere.
Not here: which table has which column.
"""

from __future__ import annotations

from sm_assets.contracts.makers import count, text, time
from sm_assets.contracts.schema import Column

RESOLUTIONS = ("hour", "day")
ALL_LANGUAGES = "all"
_ADDS_UP = "adds up over days"


def _adding(name: str, unit: str, description: str) -> Column:
    return count(name, unit, f"{description}; {_ADDS_UP}.")


def _histogram(name: str, unit: str, description: str) -> Column:
    return Column(name, "list<int64>", f"{description}; place by place it {_ADDS_UP}.", unit=unit)


COLUMNS: tuple[Column, ...] = (
    # ---- volumes
    time("minute_at", "Beginning of the minute."),
    time("bucket_at", "Beginning of the hour or day."),
    # ---- n-grams
    count("n", "words", "Neighbouring words of the sequence.", 1),
    text("ngram", "The words, one blank between them."),
    # ---- activity of accounts
    _adding("n_with_link", "posts", "Posts, replies and quotes with a link that leads out of the platform"),
    _adding("n_with_hashtag", "posts", "Posts, replies and quotes with a hashtag"),
    _adding("n_with_mention", "posts", "Posts, replies and quotes that name an account"),
    _adding("n_with_media", "posts", "Posts, replies and quotes whose main medium is a photo, album, video or live"),
    _adding("n_words", "words", "Words of the texts as blanks divide them: of scripts without blanks too few"),
    _adding("n_emoji", "emoji", "Emoji in the texts; flags and joined ones count once"),
    _adding("n_links", "links", "Links that lead out of the platform, in posts, replies and quotes"),
    _adding("n_hashtags", "hashtags", "Hashtags of posts, replies and quotes"),
    _adding("n_mentions", "mentions", "Accounts named in posts, replies and quotes, each time"),
    _histogram("hours", "posts", "24 numbers: posts, replies and quotes in each hour of the day in UTC, from 0"),
    _histogram(
        "gaps",
        "gaps",
        "18 numbers: gaps between consecutive posts, replies and quotes of the account inside the day. Number b counts "
        "gaps of 2^b seconds and more, but less than 2^(b+1); number 0 those under a second too",
    ),
    _histogram("seconds", "posts", "60 numbers: posts, replies and quotes in each second of the minute, from 0"),
    Column(
        "domains",
        "list<text>",
        "Hosts that links out of the platform lead to, without www., sorted; of what the platform resolved the last.",
    ),
    Column(
        "domain_counts",
        "list<int64>",
        f"Links to each of `domains`; host by host it {_ADDS_UP}.",
        unit="links",
    ),
)

# Names that mean something else in another table.
HOMONYMS: dict[str, Column] = {
    "volume.resolution": text("resolution", "How long the stretches of time are.", *RESOLUTIONS),
    "volume.n_accounts": count("n_accounts", "accounts", "Accounts with a post in it, each once."),
    "ngram.n_accounts": count("n_accounts", "accounts", "Accounts that use it, each once.", 1),
    "ngram.n_posts": count("n_posts", "posts", "Posts that it stands in, each once.", 1),
    "ngram.n_occurrences": count("n_occurrences", "occurrences", "Times that it stands in posts.", 1),
    "ngram.lang": text("lang", "ISO 639 code of the posts' language by the model; `all`: every post."),
    "activity.n_likes": _adding("n_likes", "likes", "Likes given; 0 also where the platform delivers none"),
    "activity.n_reposts": _adding("n_reposts", "reposts", "Reposts made; 0 also where the platform delivers none"),
    "activity.n_follows": _adding(
        "n_follows",
        "follows",
        "Accounts that the account began to follow; those known from lists alone have no time and do not count",
    ),
}
