"""Contracts of the tables of what a conversation looks like as a whole: volumes over time, frequent word sequences.

Here: tables keyed by time or by word sequence, and what single accounts did on a day. Not here: clusters, what kind of
account one is.
"""

from __future__ import annotations

from sm_assets.contracts.columns import pick
from sm_assets.contracts.schema import Table

_AS_OF = "Last day of the trailing window in UTC; the partition."

TABLES: tuple[Table, ...] = (
    Table(
        name="feat_post_volumes",
        description="How many posts each minute saw, replies and quotes included. A minute without a post has no row.",
        grain="one minute of one platform",
        key=("platform", "minute_at"),
        unique_over_days=True,
        columns=pick(
            "platform minute_at n_posts volume.n_accounts day",
            n_posts="Posts, replies and quotes published in the minute.",
            n_accounts="Accounts that published them, each once; over minutes it does not add up.",
        ),
    ),
    Table(
        name="feat_account_activity",
        description=(
            "What each account did on a day, in numbers that add up: the activity of an account over any days is the "
            "sum of its rows, place by place where a column is a list; first_at is their minimum, last_at their "
            "maximum. An account has a row on each day on which it posted, liked, reposted or began to follow."
        ),
        grain="one account on one day",
        key=("platform", "account_id"),
        columns=pick(
            "platform account_id n_posts n_replies n_quotes activity.n_reposts activity.n_likes activity.n_follows "
            "hours n_with_link n_with_hashtag n_with_mention n_with_media n_chars n_words n_emoji n_links n_hashtags "
            "n_mentions gaps seconds domains domain_counts first_at? last_at? day",
            n_posts="Posts, replies and quotes apart; adds up over days.",
            n_replies="Replies; adds up over days.",
            n_quotes="Quotes; adds up over days.",
            n_chars="Characters of the texts of posts, replies and quotes; adds up over days.",
            first_at="First post, reply or quote of the day; null: none. Over days the minimum.",
            last_at="Last post, reply or quote of the day; null: none. Over days the maximum.",
        ),
    ),
    Table(
        name="out_post_volumes",
        description=(
            "Posts of the trailing window by hour and by day, for each platform that has a post in it. Hours and days "
            "without a post stand here with 0; a day that no file speaks of is unknown and has no row. Minutes: "
            "feat_post_volumes."
        ),
        grain="one hour or day of one platform",
        key=("resolution", "platform", "bucket_at"),
        partition="as_of",
        columns=pick(
            "volume.resolution platform bucket_at n_posts volume.n_accounts day",
            n_posts="Posts, replies and quotes published in it.",
            n_accounts="Accounts that published them, each once; hours of a day do not add up.",
            day=_AS_OF,
        ),
        kinds=("python", "parquet"),
    ),
    Table(
        name="out_ngrams",
        description=(
            "The most frequent sequences of one to four words in the posts of the trailing window, by platform and "
            "language. `all` holds every post, those of the languages listed beside it included: never add it to "
            "them. Sequences never reach from one post into the next, nor across a link, a mention or a number, and "
            "neither begin nor end with a stop word."
        ),
        grain="one sequence of words in one language of one platform",
        key=("platform", "lang", "n", "ngram"),
        partition="as_of",
        columns=pick(
            "platform ngram.lang n ngram rank ngram.n_posts ngram.n_accounts ngram.n_occurrences params_hash day",
            rank="Place by posts, then accounts, then the words themselves; 1 first.",
            day=_AS_OF,
        ),
        kinds=("python", "parquet"),
    ),
)
