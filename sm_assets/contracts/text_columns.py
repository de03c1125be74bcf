"""Columns of what is made from text: languages, vectors, clusters, personas.

Here: the part of the registry that `columns` takes in; `<group>.<name>` where the name means something else elsewhere.
Not here: which table has which column.
"""

from __future__ import annotations

from sm_assets.contracts.makers import count, flag, number, share, text, time
from sm_assets.contracts.schema import Column

LANGUAGE_REASONS = ("ok", "no_text", "low_prob")
PERSONA_STATUSES = ("member", "noise", "too_few_texts", "other_language", "no_vector", "too_few_accounts")
K_REASONS = (
    "given",
    "best_silhouette",
    "no_stable_k",
    "lower_silhouette",
    "unstable",
    "small_cluster",
    "found",
    "one_cluster",
)
RELATIONS = ("continued", "split", "merged", "overlap", "born", "ended")
ID_EVENTS = ("born", "continued", "merged", "split")
TOPICS_STATUSES = ("ok", "too_few_texts", "no_terms")
LINE_KINDS = (
    "chain",
    "like",
    "unlike",
    "repost",
    "unrepost",
    "follow",
    "unfollow",
    "block",
    "unblock",
    "post_update",
    "post_delete",
    "quote",
    "ignore",
)


def _events(name: str, what: str) -> Column:
    return count(
        name,
        "events",
        f"{what} by members in the window; null: no platform of the members delivers them on any day of the lake.",
    )


COLUMNS = (
    # ---- language
    text("lang", "ISO 639 code of the language of the text by the model; `und`: not certain enough."),
    share("lang_prob", "Probability that the model gives its first label."),
    text("best_lang", "The model's first label, however uncertain; null: nothing to read."),
    count("n_letters", "letters", "Letters of the text without addresses and handles."),
    text("model", "Model that gave the label."),
    # ---- vectors
    text("text_key", "32 hex digits of BLAKE2b over the normalised text."),
    text("embedder_id", "16 hex digits over everything that decides a vector: model, weights, pooling, precision."),
    count("n_tokens", "word pieces", "Word pieces that the model read.", 1),
    flag("truncated", "The text was longer than the model reads."),
    Column("embedding", "list<float32>", "Vector of the text."),
    Column("embedding_sum", "list<float64>", "Sum of the vectors of the texts; over days it adds up."),
    count("n_texts", "texts", "Texts that count for the account: each content once a day."),
    text("params_hash", "16 hex digits over the parameters that the rows were made with."),
    # ---- clusters
    text("analysis", "Which analysis the cluster belongs to."),
    count("k", "clusters", "Number of clusters.", 1),
    number("inertia", "", "Sum of squared distances to the centres.", 0),
    number("silhouette", "", "Mean silhouette; null: it needs two clusters.", -1, 1),
    count("silhouette_rows", "rows", "Rows that the silhouette was computed on."),
    count("smallest_size", "rows", "Rows of the smallest cluster."),
    flag("eligible", "Stable, and no cluster is too small."),
    flag("chosen", "The number of clusters in use."),
    text("term", "Word or two words."),
    count("n_occurrences", "contents", "Contents of the cluster's accounts that it is in.", 1),
    count("topic", "", "Number of the topic inside the cluster, 0 is the most frequent."),
    text("word", "Word of the topic."),
    share("topic_share", "Share of the cluster's texts whose first topic it is."),
    number("coherence", "nats / nats", "Mean NPMI of the topic's words; null: not defined.", -1.000001, 1.000001),
    number("mean_distance", "", "Mean cosine distance to all texts of the cluster.", 0, 2.000001),
    count("link", "", "Number of the link inside its snapshot."),
    Column("previous_day", "date", "The snapshot before, at most 7 days earlier.", unit="UTC day"),
    count("previous_cluster_id", "", "Cluster of that snapshot."),
    count("n_common", "members", "Members of both clusters, of those in both snapshots."),
    share("share_previous", "Part of the previous cluster's present members that are in this one now."),
    share("share_current", "Part of this cluster's present members that came from the previous one."),
    share("jaccard", "Common members out of the present members of either."),
    text("relation", "What the two clusters are to each other.", *RELATIONS),
    flag("params_changed", "The two snapshots were made with other parameters."),
    text("persistent_id", "`<analysis>-<day of birth>-<number then>`: stays while the cluster goes on."),
    Column("born_on", "date", "Day of the first snapshot with this id.", unit="UTC day"),
    text("parent_id", "Id of the cluster that this one split from; null: it did not."),
    text("event", "What happened to the cluster since the snapshot before.", *ID_EVENTS),
    text("item_id", "What the point is: an account."),
    number("x", "", "Place on the map, from left to right."),
    number("y", "", "Place on the map, from below to above."),
    # ---- personas
    count("persona_id", "", "Number of the persona inside its snapshot, 0 is the largest."),
    number(
        "similarity", "", "Cosine between the account's vector and the mean vector of its persona.", -1.000001, 1.000001
    ),
    count("second_persona_id", "", "Persona with the next nearest mean vector."),
    number("second_similarity", "", "Cosine to that mean vector.", -1.000001, 1.000001),
    share("share", "Members out of all members of personas."),
    Column("platforms", "list<text>", "Platforms of the members, sorted."),
    text("top_language", "Most frequent language of the members' texts."),
    text("label", "The first three terms."),
    count("n_replies", "posts", "Replies."),
    count("n_quotes", "posts", "Quotes."),
    _events("n_likes", "Likes"),
    _events("n_unlikes", "Likes taken back"),
    _events("n_reposts", "Reposts"),
    _events("n_unreposts", "Reposts taken back"),
    _events("n_unfollows", "Follows taken back"),
    _events("n_blocks", "Blocks"),
    _events("n_unblocks", "Blocks taken back"),
    _events("n_post_updates", "Edited posts"),
    _events("n_post_deletes", "Posts deleted"),
    count("n_ignored", "posts", "Posts that members probably saw and passed over; null: not estimated."),
    number("mean_similarity", "", "Mean cosine of the members to the persona's mean vector.", -1.000001, 1.000001),
    count("nearest_persona_id", "", "Persona with the nearest mean vector."),
    Column("top_terms", "list<text>", "Terms that mark the persona off, strongest first."),
    Column("medoid_texts", "list<text>", "The texts nearest to all others of the persona."),
    Column("topics", "list<list<text>>", "Words of each topic of the persona's texts."),
    text("topics_status", "ok, or why there are no topics.", *TOPICS_STATUSES),
    # ---- conversations, exports, exposures
    text("chain_id", "Post that the chain begins with."),
    Column("position", "int32", "Place in the chain in reading order, from 0.", minimum=0),
    Column("depth", "int32", "Replies between the post and the chain's first, 0: it is the first.", minimum=0),
    Column("parent_position", "int32", "Place of the post that this one replies to; null: the first.", minimum=0),
    text("line_kind", "What a line of the export tells.", *LINE_KINDS),
    count("n_events", "events", "Events of the members in the window; of chains: their posts and replies."),
    count("n_lines", "lines", "Lines written; of chains: posts and replies that stand in them."),
    count("target_unknown", "events", "Not written: the post is not in the tables of the window."),
    count("target_not_eligible", "events", "Not written: the post is of another kind, language or account."),
    count("target_withdrawn", "events", "Not written: the post was withdrawn."),
    count("nothing_before", "events", "Not written: the other account had written nothing before."),
    count("over_cap", "events", "Not written: beyond the cap for each account."),
    text("author_account_id", "Account that wrote the post."),
    time("visible_at", "When the post came into the member's feed, as far as follows and reposts tell."),
    time("session_started_at", "Beginning of the member's session in which it was probably seen."),
    text("via", "How it came into the feed.", "follow", "repost"),
    text("via_account_id", "Account through which it came: the author, or who reposted it."),
)

# Names that mean something else in another table.
HOMONYMS = {
    "language.reason": text("reason", "ok, or why there is no certain label.", *LANGUAGE_REASONS),
    "k.stability": number(
        "stability", "", "Mean adjusted Rand index of models fitted on halves; null: not measured.", -1, 1
    ),
    "k.reason": text("reason", "Why this number was chosen or was not.", *K_REASONS),
    "cluster.cluster_id": count("cluster_id", "", "Number of the cluster inside its snapshot, 0 is the largest."),
    "term.weight": number(
        "weight",
        "",
        "How much the term marks the cluster off. Posts: class-based TF-IDF; biographies: weight in the centre above "
        "the mean of all; hashtags: posts with the tag.",
        0,
    ),
    "term.n_accounts": count("n_accounts", "accounts", "Accounts of the cluster that use it.", 1),
    "word.weight": number("weight", "", "Weight of the word in the topic.", 0),
    "persona.status": text("status", "member, or why the account has no persona.", *PERSONA_STATUSES),
    "persona.n_accounts": count("n_accounts", "accounts", "Members of the persona.", 1),
    "exposure.similarity": number(
        "similarity", "", "Highest cosine to what the persona cares about.", -1.000001, 1.000001
    ),
    "persona.n_follows": _events("n_follows", "Follows"),
}
