"""Contracts of the tables of hashtags and suggested words by theme, and posts that a user's lists point out.

Here: tables keyed by tag or post. Not here: words and ids of the clusters (`clusters`).
"""

from __future__ import annotations

from sm_assets.contracts.columns import pick
from sm_assets.contracts.schema import Reference, Table

_POST = ("platform", "post_id")

TABLES: tuple[Table, ...] = (
    Table(
        name="feat_post_relevance",
        description=(
            "Posts that the user's lists of hashtags and creators point out, and what pointed them out. Posts that "
            "no list finds have no row."
        ),
        grain="one post that one pair of lists finds",
        key=(*_POST, "list_name"),
        unique_over_days=True,
        columns=pick(
            "platform post_id list_name by_hashtag by_suggestion by_author relevance.matches day",
            day="Day of the post in UTC; the partition.",
        ),
        references=(Reference(_POST, "core_posts", _POST),),
        kinds=("python", "parquet"),
    ),
    Table(
        name="out_hashtag_clusters",
        description=(
            "Themes that the hashtags (and suggested searches) of the window's posts fall into: every tag with its "
            "cluster and its place on the map, for all posts together, for each delivery, and for accounts of many "
            "tags."
        ),
        grain="one tag of one scope",
        key=("scope_kind", "scope", "unit", "tag"),
        partition="as_of",
        columns=pick(
            "scope_kind scope unit tag cluster.cluster_id? n_posts tag.n_accounts first_at last_at sample_platform "
            "sample_post_id x? y? params_hash day",
            cluster_id="Cluster of the tag inside its scope and unit, 0 has the most posts; null: in none.",
            n_posts="Posts of the scope with the tag in the window.",
            first_at="Earliest of these posts.",
            last_at="Latest of these posts.",
            sample_post_id="Earliest of these posts.",
            x="Place on the map of the scope, from left to right; null: no vector, or the scope is an account.",
            y="Place on the map of the scope, from below to above; null: no vector, or the scope is an account.",
            day="Last day of the trailing window in UTC; the partition.",
        ),
        kinds=("python", "parquet"),
    ),
)
