"""Contracts of the feature tables: numbers about entities, per day, that add up over a window.

Here: contents, languages and vectors of posts and accounts, audiences as keys and sketches. Not here: what a window
makes of them (`outputs`, `personas`, `clusters`).
"""

from __future__ import annotations

from sm_assets.contracts.columns import pick
from sm_assets.contracts.schema import Reference, Table

_POST = ("platform", "post_id")

TABLES = (
    Table(
        name="feat_account_content",
        description="Which account carried which content on which day; nothing that a guard stopped.",
        grain="one content of one account on one day",
        key=("platform", "account_id", "content_mode", "content_id"),
        columns=pick(
            "platform account_id content_mode content_id content_kind is_primary n_posts first_at last_at "
            "sample_post_id sample_url? content_version day",
            is_primary="Primary content of at least one of these posts.",
            n_posts="Posts of the account that carry the content on the day.",
        ),
        references=(Reference(("platform", "sample_post_id"), "core_posts", ("platform", "post_id")),),
    ),
    Table(
        name="feat_post_language",
        description=(
            "Language of each post: the model's first label for its text, or for headline and description of its links "
            "where it has none; `und` where the model is not certain enough. What the post declares is another column, "
            "of core_posts."
        ),
        grain="one post",
        key=_POST,
        unique_over_days=True,
        columns=pick(
            "platform post_id account_id posted_at lang lang_prob best_lang? language.reason n_letters model day"
        ),
        references=(Reference(_POST, "core_posts", _POST),),
        kinds=("python", "parquet"),
    ),
    Table(
        name="feat_account_language",
        description=(
            "How many posts of an account are in which language, per day. The language of an account in a window is "
            "the most frequent one over its posts, `und` only if there is no other, ties by code."
        ),
        grain="one language of one account on one day",
        key=("platform", "account_id", "lang"),
        columns=pick(
            "platform account_id lang n_posts mean_probability first_at day",
            n_posts="Posts of the account in the language on the day.",
        ),
    ),
    Table(
        name="feat_post_embeddings",
        description="Vector of the text of each post that has one. A window holds vectors of one embedder only.",
        grain="one post with text",
        key=_POST,
        unique_over_days=True,
        columns=pick("platform post_id account_id text_key embedder_id n_tokens truncated embedding day"),
        references=(Reference(_POST, "core_posts", _POST),),
        row_group=16_384,
        plain=("embedding",),
        kinds=("pytorch", "parquet"),
    ),
    Table(
        name="feat_account_embeddings",
        description=(
            "What each account wrote on a day, as a sum of vectors of its eligible texts. The mean vector of an "
            "account over any days is the sum of the sums, divided by its length."
        ),
        grain="one account on one day",
        key=("platform", "account_id"),
        columns=pick("platform account_id n_texts embedding_sum embedder_id params_hash day"),
        row_group=16_384,
        plain=("embedding_sum",),
        kinds=("python", "parquet"),
    ),
    Table(
        name="feat_follow_keys",
        description="Follows as numbers: the twin of core_follows in which each follower is a 64-bit key, hashed once.",
        grain="one follower of one account",
        key=("platform", "followed_account_id", "follower_key"),
        columns=pick(
            "platform followed_account_id follower_key day",
            day="Day on which the follow was made, else first observed, in UTC; the partition.",
        ),
        row_group=1_048_576,
        plain=("follower_key",),
        kinds=("python", "parquet"),
    ),
    Table(
        name="feat_audience_sketches",
        description=(
            "Signatures of the audiences that accounts won on a day, of accounts with enough follows on it; of all "
            "others the keys are smaller and lose nothing. The minimum over days is the signature of all days."
        ),
        grain="one account that won many followers on one day",
        key=("platform", "account_id"),
        columns=pick(
            "platform account_id n_follows sketch_id signature day",
            day="Day of the follows in UTC; the partition.",
        ),
        plain=("signature",),
        kinds=("cython", "parquet"),
    ),
    Table(
        name="feat_audience_sizes",
        description="How many known followers each followed account has, over all days up to the snapshot.",
        grain="one followed account",
        key=("platform", "account_id"),
        partition="as_of",
        reach="all_days",
        columns=pick("platform account_id n_followers n_days day", day="Last day that is counted, in UTC."),
    ),
    Table(
        name="feat_audiences",
        description=(
            "One signature per influencer: an account with enough known followers, over all days up to the snapshot. "
            "What similarity search loads."
        ),
        grain="one influencer",
        key=("platform", "account_id"),
        partition="as_of",
        reach="all_days",
        columns=pick(
            "platform account_id n_followers n_withdrawn_pending sketch_id signature day",
            day="Last day of the follows, in UTC.",
        ),
        references=(Reference(("platform", "account_id"), "feat_audience_sizes", ("platform", "account_id")),),
        plain=("signature",),
        kinds=("cython", "parquet"),
    ),
)
