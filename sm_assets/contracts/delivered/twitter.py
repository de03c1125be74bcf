"""What Twitter files deliver: the columns of raw_twitter__tweets, raw_twitter__users and raw_twitter__compliance.

Here: every column of every generation of the format under one name. Not here: how a file is read
(`sm_assets.sources.twitter`).
"""

from __future__ import annotations

from sm_assets.contracts.delivered.record import Record
from sm_assets.contracts.makers import count, flag, number, text, time
from sm_assets.contracts.schema import Column

GENERATIONS = ("v1", "activity", "v2_page", "v2_flat", "compliance", "notice")

# What people wrote stands beside, not in here: a purge empties it.
_TWEETS_PARSED = Column(
    "parsed",
    "struct",
    "The reader's readings of the delivered cells; staging renames and casts them.",
    fields=(
        text("entity", "A retweet is a repost of another's post and no post of its own.", "post", "repost"),
        text("post_id", "First id of the tweet's versions."),
        text("account_id", "Author."),
        text("revision", "The version's own id in 20 digits."),
        text("operation", "Whether the version is the first one.", "create", "update"),
        time("posted_at", "When the first version was published."),
        text("time_source", "Whose clock the time comes from.", "platform", "key"),
        text("parent_post_id", "Tweet that this one replies to."),
        text("parent_account_id", "Author of the tweet that this one replies to."),
        text("root_post_id", "First tweet of the conversation, where this one is a reply."),
        text("quoted_post_id", "Tweet that this one quotes."),
        text("quoted_account_id", "Author of the quoted tweet."),
        text("reposted_post_id", "Tweet that a retweet passes on."),
        text("reposted_account_id", "Author of the tweet that is passed on."),
        flag("text_is_truncated", "The text was cut on its way."),
        Column("alias_ids", "list<text>", "Ids of all versions, when there is more than one."),
        Column("language_codes", "list<text>", "Language as the platform found it."),
        text("country_code", "Country of the place that the tweet names."),
        text("media_kind", "Main medium.", "none", "photo", "video", "album", "poll", "link", "other"),
        count("likes_count", "likes", "Likes."),
        count("comments_count", "comments", "Replies."),
        count("shares_count", "shares", "Retweets."),
        count("quotes_count", "posts", "Quotes."),
        count("views_count", "views", "Impressions."),
        count("account_followers_count", "accounts", "Followers of the author when the tweet was published."),
        number("video_duration_seconds", "seconds", "Length of the video.", 0),
        flag("is_sensitive", "Marked as sensitive."),
    ),
)
_USERS_PARSED = Column(
    "parsed",
    "struct",
    "The reader's readings of the delivered cells; staging renames and casts them.",
    fields=(
        text("account_id", "Account."),
        count("followers_count", "accounts", "Followers."),
        count("following_count", "accounts", "Accounts that it follows."),
        count("posts_count", "posts", "Tweets."),
        flag("is_verified", "Verified."),
        flag("is_protected", "Readable for approved followers only."),
        time("account_created_at", "When the account was created, whole seconds: what every generation tells."),
    ),
)
_COMPLIANCE_PARSED = Column(
    "parsed",
    "struct",
    "The reader's readings of the delivered cells; staging renames and casts them.",
    fields=(
        text("entity", "What was withdrawn.", "post", "account"),
        text("record_id", "Id of what was withdrawn."),
        text("account_id", "Account whose record it is, where the notice tells."),
        time("deleted_at", "When it was withdrawn, else when that was learnt."),
        Column("record_day", "date", "Day of the withdrawn tweet; null for accounts.", unit="UTC day"),
        text("action", "For good, or until it is taken back.", "purge", "hide", "restore"),
        text(
            "reason", "Why.", "deleted", "deactivated", "protected", "suspended", "takendown", "not_found",
            "reactivated",
        ),
    ),
)  # fmt: skip

_TEXTS = {
    "tweet_id": "Id of this version of the tweet",
    "author_id": "Id of the author",
    "created_at": "When the record was created",
    "text": "Text: the long form where there is one",
    "language": "Language as the platform found it",
    "conversation_id": "First tweet of the conversation",
    "in_reply_to_tweet_id": "Tweet that this one replies to",
    "in_reply_to_user_id": "User that this one replies to",
    "quoted_tweet_id": "Tweet that this one quotes",
    "retweeted_tweet_id": "Tweet that this one passes on",
    "client": "Program that the tweet was written with",
    "place_country": "Country of the place that the tweet names",
    "possibly_sensitive": "Marked as sensitive",
    "retweet_count": "Retweets",
    "like_count": "Likes",
    "reply_count": "Replies",
    "quote_count": "Quotes",
    "impression_count": "Impressions",
    "author_followers_count": "Followers of the author as the record tells them",
    "user_id": "Id of the user",
    "handle": "Name in the user's address",
    "name": "Name shown to readers",
    "description": "The user's own description",
    "url": "The user's own link, expanded where that is delivered",
    "location": "Place as the user states it",
    "followers_count": "Followers",
    "following_count": "Accounts that the user follows",
    "tweet_count": "Tweets of the user",
    "verified": "Verified",
    "protected": "Readable for approved followers only",
    "record_id": "Id of what was withdrawn",
    "record_author_id": "User whose record was withdrawn",
    "action": "What was done",
    "redacted_at": "When it was withdrawn",
    "reason": "Why",
}
_JSON = {
    "links": "Links in the text: url, expanded_url, final_url, title, description and the role that the reader found",
    "hashtags": "Hashtags in the text as delivered and normalised",
    "mentions": "Users named in the text: id (by the record's users where none is delivered) and handle",
    "media": "Attached media: type, alt_text and duration_ms",
    "matching_rules": "Rules of the stream that let the tweet through",
}
COLUMNS: dict[str, Column] = {
    "generation": text("generation", "Which generation of the format the record has.", *GENERATIONS),
    "edit_history": Column("edit_history", "list<text>", "Ids of all versions of the tweet, the first one first."),
    **{name: text(name, f"{what}, as delivered.") for name, what in _TEXTS.items()},
    **{name: text(name, f"{what}, as JSON.") for name, what in _JSON.items()},
    "tweets_parsed": _TWEETS_PARSED,
    "users_parsed": _USERS_PARSED,
    "compliance_parsed": _COMPLIANCE_PARSED,
}
RECORDS = (
    Record(
        name="tweets",
        description="Tweets and retweets as delivered, those inside others too, in every generation of the format.",
        grain="one tweet object of one landing file",
        columns=(
            "source_line generation tweet_id author_id created_at? text? language? conversation_id? "
            "in_reply_to_tweet_id? in_reply_to_user_id? quoted_tweet_id? retweeted_tweet_id? edit_history? client? "
            "place_country? possibly_sensitive? retweet_count? like_count? reply_count? quote_count? "
            "impression_count? author_followers_count? links? hashtags? mentions? media? matching_rules? warnings? "
            "is_context tweets_parsed"
        ),
        day="Day of the tweet (of its first version) in UTC; the partition.",
    ),
    Record(
        name="users",
        description="Profiles as delivered, inside tweets, beside them or on their own.",
        grain="one user object of one landing file",
        columns=(
            "source_line generation user_id handle? name? description? url? location? followers_count? "
            "following_count? tweet_count? verified? protected? created_at? warnings? is_context users_parsed"
        ),
        day="Day on which the profile was as the row tells, in UTC; the partition.",
    ),
    Record(
        name="compliance",
        description="Withdrawals of tweets and users: compliance rows, delete notices, look-ups that found nothing.",
        grain="one withdrawal of one landing file",
        columns=(
            "source_line generation record_id record_author_id? action? created_at? redacted_at? reason? warnings? "
            "is_context compliance_parsed"
        ),
        day="Day of the withdrawal in UTC; the partition.",
    ),
)
