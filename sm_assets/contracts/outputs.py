"""Contracts of the output tables: what readers and BI tools open.

Here: snapshots over a trailing window or, for follows, over all days; `day` is the last day. Not here: the analyses
(`sm_assets.analysis`).
"""

from __future__ import annotations

from sm_assets.contracts.columns import pick
from sm_assets.contracts.schema import Reference, Table

_AS_OF = "Last day of the trailing window in UTC; the partition."
_FOLLOWS_AS_OF = "Last day of the follows in UTC; the partition."
_CAUTION = (
    "Lists cut at the newest n followers bias every overlap; a sample of followers by a hash of their ids does not. "
    "A small audience inside a large one has a Jaccard index of at most n_small / n_large, which a sketch of K "
    "registers cannot see below about 3 / K; `exact_overlap` counts it for accounts that are named. Overlap is not "
    "influence."
)
_PAIR = ("platform_a", "account_id_a", "platform_b", "account_id_b")
_MEMBER = ("platform", "account_id")
_TO_CLUSTER = Reference(("cluster_id",), "out_cosharing_clusters", ("cluster_id",))

TABLES = (
    Table(
        name="out_cosharing_pairs",
        description="Pairs of accounts that pushed the same contents in the window more often than chance explains.",
        grain="one pair of accounts",
        key=_PAIR,
        partition="as_of",
        columns=pick(
            "platform_a account_id_a platform_b account_id_b n_contents_a n_contents_b n_shared n_shared_text "
            "n_shared_link n_shared_image_text coverage_a coverage_b npmi damped_npmi p_value? median_gap_s "
            "first_shared_at last_shared_at day",
            day=_AS_OF,
        ),
        references=(
            Reference(_PAIR[:2], "out_cosharing_members", _MEMBER),
            Reference(_PAIR[2:], "out_cosharing_members", _MEMBER),
        ),
        kinds=("python", "parquet"),
    ),
    Table(
        name="out_cosharing_clusters",
        description="Networks of accounts that pushed the same contents in the window.",
        grain="one network",
        key=("cluster_id",),
        partition="as_of",
        columns=pick(
            "cluster_id method content_mode seed_platform seed_account_id cluster_size n_platforms n_contents n_posts "
            "total_interactions cluster_score density mean_membership_score cluster_lang? top_domain? top_preview? "
            "first_shared_at last_shared_at day",
            n_contents="Distinct contents that at least two members carry.",
            n_posts="Posts of the members in the window.",
            total_interactions="Interactions of the members' posts in the window.",
            day=_AS_OF,
        ),
        references=(Reference(("seed_platform", "seed_account_id"), "out_cosharing_members", _MEMBER),),
        kinds=("python", "parquet"),
    ),
    Table(
        name="out_cosharing_members",
        description="Every account with a content in the window: its network, or why it has none.",
        grain="one account",
        key=_MEMBER,
        partition="as_of",
        columns=pick(
            "platform account_id cluster_id? status status_reason is_seed display_name? handle? url? country_code? "
            "language? followers? total_interactions n_posts n_contents n_shared_contents membership_score? "
            "coverage_within_cluster? pmi_with_seed? npmi_with_seed? dnpmi_with_seed? second_cluster_id? second_score? "
            "day",
            n_contents="Pieces of evidence in the window: a post's text, link and image text count once together.",
            n_posts="Posts of the account in the window.",
            language="Most frequent language of the account's posts in the window.",
            url="Address of the account.",
            day=_AS_OF,
        ),
        references=(_TO_CLUSTER,),
        kinds=("python", "parquet"),
    ),
    Table(
        name="out_cosharing_evidence",
        description=(
            "Which contents tie which members together: of each member the 10 strongest partners, of each pair the 20 "
            "rarest contents."
        ),
        grain="one content that two members of one network carry",
        key=("cluster_id", *_PAIR, "content_id"),
        partition="as_of",
        columns=pick(
            "cluster_id platform_a account_id_a platform_b account_id_b content_id content_kind preview? n_posts_a "
            "n_posts_b first_at_a last_at_a first_at_b last_at_b gap_s sample_post_id_a sample_url_a? "
            "sample_post_id_b sample_url_b? n_accounts day",
            day=_AS_OF,
        ),
        references=(
            _TO_CLUSTER,
            Reference((*_PAIR[:2], "cluster_id"), "out_cosharing_members", (*_MEMBER, "cluster_id")),
            Reference((*_PAIR[2:], "cluster_id"), "out_cosharing_members", (*_MEMBER, "cluster_id")),
        ),
        kinds=("python", "parquet"),
    ),
    Table(
        name="out_ingest_report",
        description=(
            "What became of every row of every file: from landing to raw, and from staging to core. Files whose days "
            "meet the window, and all files that cover no day. Rows in are rows out, duplicates, rejects, ignored and "
            "withdrawn rows together; repairs are counted in cells beside."
        ),
        grain="one count of one file",
        key=("source_file", "stage", "entity", "disposition", "reason", "column_name"),
        partition="as_of",
        columns=pick(
            "source source_file source_sha256 vintage? stage report.entity disposition report.reason column_name rows "
            "coverage_kind? coverage_from? coverage_to? exported_at? zone? number_format? day",
            day=_AS_OF,
        ),
        kinds=("python", "parquet"),
    ),
    Table(
        name="out_audience_overlap",
        description=f"The influencers whose audiences are most like an influencer's own. {_CAUTION}",
        grain="one influencer and one of its nearest neighbours",
        key=("platform", "account_id", "neighbour_account_id"),
        partition="as_of",
        reach="all_days",
        columns=pick(
            "platform account_id neighbour_account_id neighbour_rank n_followers neighbour_n_followers matches "
            "jaccard_estimated jaccard_se audience.n_shared? jaccard_exact? is_exact containment neighbour_containment "
            "expected_shared lift q_value is_significant candidate_method day",
            day=_FOLLOWS_AS_OF,
        ),
        references=(
            Reference(("platform", "account_id"), "out_audience_members", _MEMBER),
            Reference(("platform", "neighbour_account_id"), "out_audience_members", _MEMBER),
        ),
        kinds=("python", "parquet"),
    ),
    Table(
        name="out_audience_communities",
        description=f"Communities of influencers that share more of their audiences than chance explains. {_CAUTION}",
        grain="one community",
        key=("platform", "community_id"),
        partition="as_of",
        reach="all_days",
        columns=pick(
            "platform community_id n_members n_edges modularity modularity_share audience.density conductance "
            "stability is_stable anchor_account_id top_member_ids top_member_names label_terms resolution n_runs day",
            day=_FOLLOWS_AS_OF,
        ),
        references=(Reference(("platform", "anchor_account_id"), "out_audience_members", _MEMBER),),
        kinds=("python", "parquet"),
    ),
    Table(
        name="out_audience_members",
        description=f"Every influencer: its community, or why it has none. {_CAUTION}",
        grain="one influencer",
        key=_MEMBER,
        partition="as_of",
        reach="all_days",
        columns=pick(
            "platform account_id community_id? audience.status stability strength n_neighbours second_community_id? "
            "second_share? n_followers display_name? handle? day",
            day=_FOLLOWS_AS_OF,
        ),
        references=(
            Reference(("platform", "community_id"), "out_audience_communities", ("platform", "community_id")),
            Reference(_MEMBER, "feat_audiences", _MEMBER),
        ),
        kinds=("python", "parquet"),
    ),
    Table(
        name="out_influencer_search",
        description=f"Who belongs with a few given accounts, by three ways of ranking. {_CAUTION}",
        grain="one influencer in the ranking of one search by one method",
        key=("search_name", "platform", "method", "account_id"),
        partition="as_of",
        reach="all_days",
        columns=pick(
            "search_name platform audience.method account_id rank score n_followers display_name? handle? n_seeds "
            "seeds n_candidates day",
            day=_FOLLOWS_AS_OF,
        ),
        references=(Reference(_MEMBER, "feat_audiences", _MEMBER),),
        kinds=("python", "parquet"),
    ),
)
