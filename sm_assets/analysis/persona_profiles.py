"""What each persona is, in one row: size, deeds, words, topics, typical texts.

Here: putting together what other tables tell of it. Not here: counting, words, topics, medoids themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

import pyarrow as pa

from sm_assets.analysis.language import UNDETERMINED
from sm_assets.analysis.topics import TOO_FEW_TEXTS

N_TERMS: Final = 10
N_MEDOIDS: Final = 3
N_LABEL: Final = 3
EVENTS: Final = (
    "n_likes", "n_unlikes", "n_reposts", "n_unreposts", "n_follows", "n_unfollows", "n_blocks", "n_unblocks",
    "n_post_updates", "n_post_deletes", "n_ignored",
)  # fmt: skip


def persona_profiles(
    personas: pa.Table,
    events: pa.Table,
    languages: pa.Table,
    terms: pa.Table,
    topics: pa.Table,
    medoids: pa.Table,
    *,
    topics_status: Mapping[int, str],
    geometry: Mapping[str, list[float | None]],
    estimated: bool,
    params_hash: str,
    schema: pa.Schema,
) -> pa.Table:
    """Rows of out_persona_profiles, without day.

    Args:
        personas: rows of out_personas of one as-of day.
        events: persona_id, event (a name of `EVENTS`), n_events; what is not there is null in the profile.
        languages: persona_id, lang, n_texts.
        terms: cluster_id, rank, term.
        topics: cluster_id, topic, rank, word.
        medoids: cluster_id, rank, text.
        topics_status: of each persona that has a text.
        geometry: by name, one value per persona: silhouette, nearest.
        estimated: whether exposures were estimated: personas without any then ignored 0 posts.
        params_hash: of the snapshot.
        schema: of the rows.
    """
    members = personas.filter(personas["persona_id"].is_valid())
    grouped = members.group_by("persona_id").aggregate(
        [
            ("account_id", "count"), ("platform", "distinct"), ("n_posts", "sum"), ("n_replies", "sum"),
            ("n_quotes", "sum"), ("similarity", "mean"),
        ]
    ).sort_by("persona_id")  # fmt: skip
    deeds: dict[int, dict[str, int]] = defaultdict(dict)
    if estimated:
        deeds |= {number: {"n_ignored": 0} for number in grouped["persona_id"].to_pylist()}
    for row in events.to_pylist():
        deeds[row["persona_id"]][row["event"]] = row["n_events"]
    words, texts = _ranked(terms, "term"), _ranked(medoids, "text")
    subjects = _topics(topics)
    tongues = _main_languages(languages.to_pylist())
    rows: list[dict[str, Any]] = []
    for row in grouped.to_pylist():
        number = row["persona_id"]
        said = words.get(number, [])
        rows.append(
            {
                "persona_id": number,
                "n_accounts": row["account_id_count"],
                "share": row["account_id_count"] / len(members),
                "platforms": sorted(row["platform_distinct"]),
                "top_language": tongues.get(number),
                "label": ", ".join(said[:N_LABEL]) or f"persona {number}",
                "n_posts": row["n_posts_sum"],
                "n_replies": row["n_replies_sum"],
                "n_quotes": row["n_quotes_sum"],
                **{name: deeds[number].get(name) for name in EVENTS},
                "mean_similarity": row["similarity_mean"],
                "silhouette": geometry["silhouette"][number],
                "nearest_persona_id": geometry["nearest"][number],
                "top_terms": said[:N_TERMS],
                "medoid_texts": texts.get(number, [])[:N_MEDOIDS],
                "topics": subjects.get(number, []),
                "topics_status": topics_status.get(number, TOO_FEW_TEXTS),
                "params_hash": params_hash,
            }
        )
    return pa.Table.from_pylist(rows, schema)


def _ranked(table: pa.Table, column: str) -> dict[int, list[str]]:
    """Values of a column by cluster, by rank."""
    found: dict[int, list[str]] = defaultdict(list)
    for row in table.select(["cluster_id", "rank", column]).sort_by("rank").to_pylist():
        found[row["cluster_id"]].append(row[column])
    return dict(found)


def _topics(table: pa.Table) -> dict[int, list[list[str]]]:
    found: dict[int, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in table.select(["cluster_id", "topic", "rank", "word"]).sort_by("rank").to_pylist():
        found[row["cluster_id"]][row["topic"]].append(row["word"])
    return {cluster: [words[topic] for topic in sorted(words)] for cluster, words in found.items()}


def _main_languages(rows: Iterable[dict[str, Any]]) -> dict[int, str]:
    """The language of most texts, `und` only if there is no other; ties by code."""
    best: dict[int, tuple[bool, int, str]] = {}
    for row in rows:
        place = (row["lang"] == UNDETERMINED, -row["n_texts"], row["lang"])
        best[row["persona_id"]] = min(best.get(row["persona_id"], place), place)
    return {number: place[2] for number, place in best.items()}
