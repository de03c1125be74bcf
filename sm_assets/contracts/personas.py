"""Contracts of the persona tables: kinds of accounts of a window, what each kind does, says, passes over.

Here: tables keyed by account, persona or post. Not here: words, topics, medoids and ids over days (`clusters`).
"""

from __future__ import annotations

from sm_assets.contracts.columns import pick
from sm_assets.contracts.schema import Reference, Table

_AS_OF = "Last day of the trailing window in UTC; the partition."
_ACCOUNT = ("platform", "account_id")
_TO_PERSONA = Reference(("persona_id",), "out_persona_profiles", ("persona_id",))
_TO_ACCOUNT = Reference(_ACCOUNT, "out_personas", _ACCOUNT)
_ESTIMATE = (
    "An estimate: the platforms deliver no views. It is made from follows, reposts and the times at which members were "
    "active, and leaves out whatever those do not tell."
)

TABLES = (
    Table(
        name="out_personas",
        description=(
            "Every account that wrote in the window: its persona, or why it has none. Personas are groups of accounts "
            "that write about alike things."
        ),
        grain="one account",
        key=_ACCOUNT,
        partition="as_of",
        columns=pick(
            "platform account_id persona_id? persona.status n_texts n_posts n_replies n_quotes similarity? "
            "second_persona_id? second_similarity? display_name? handle? embedder_id? params_hash day",
            n_texts="Texts that count for the account's vector: each content once a day.",
            n_posts="Posts of the account in the window, replies and quotes apart.",
            n_replies="Replies of the account in the window.",
            n_quotes="Quotes of the account in the window.",
            day=_AS_OF,
        ),
        kinds=("python", "parquet"),
    ),
    Table(
        name="out_persona_profiles",
        description="What each persona is: size, words, topics, typical posts, and what its members did in the window.",
        grain="one persona",
        key=("persona_id",),
        partition="as_of",
        columns=pick(
            "persona_id persona.n_accounts share platforms top_language? label n_posts n_replies n_quotes n_likes? "
            "n_unlikes? n_reposts? n_unreposts? persona.n_follows? n_unfollows? n_blocks? n_unblocks? n_post_updates? "
            "n_post_deletes? n_ignored? mean_similarity silhouette? nearest_persona_id? top_terms medoid_texts topics "
            "topics_status params_hash day",
            n_posts="Posts of the members in the window, replies and quotes apart.",
            n_replies="Replies of the members in the window.",
            n_quotes="Quotes of the members in the window.",
            silhouette="Mean silhouette of the members; null: there is one persona only.",
            day=_AS_OF,
        ),
        kinds=("python", "parquet"),
    ),
    Table(
        name="out_persona_conversations",
        description=(
            "Posts and replies of each persona's members as threads in reading order. A reply to anybody else begins a "
            "thread of its own."
        ),
        grain="one post or reply of a member",
        key=("persona_id", "platform", "chain_id", "position"),
        partition="as_of",
        columns=pick(
            "persona_id chain_id position platform post_id account_id depth parent_position? text? posted_at "
            "params_hash day",
            text="The text as it was written.",
            day=_AS_OF,
        ),
        references=(_TO_ACCOUNT,),
        kinds=("python", "parquet"),
    ),
    Table(
        name="out_persona_exports",
        description="How many events of each persona became lines of its export, and why the others did not.",
        grain="one kind of line of one persona",
        key=("persona_id", "line_kind"),
        partition="as_of",
        columns=pick(
            "persona_id line_kind n_events n_lines target_unknown target_not_eligible target_withdrawn nothing_before "
            "over_cap params_hash day",
            day=_AS_OF,
        ),
        references=(_TO_PERSONA,),
        kinds=("python", "parquet"),
    ),
    Table(
        name="out_estimated_exposures",
        description=f"Posts that members of a persona probably saw and passed over. {_ESTIMATE}",
        grain="one post that one member probably saw and passed over",
        key=(*_ACCOUNT, "post_id"),
        partition="as_of",
        columns=pick(
            "platform account_id post_id persona_id author_account_id visible_at session_started_at via via_account_id "
            "exposure.similarity params_hash day",
            day=_AS_OF,
        ),
        references=(_TO_ACCOUNT,),
        kinds=("python", "parquet"),
    ),
)
