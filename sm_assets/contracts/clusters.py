"""Contracts of the tables that all analyses of vectors and words share: what a cluster says, how it goes on over days.

Here: tables keyed by analysis and cluster. Not here: who is a member (`personas` and others).
"""

from __future__ import annotations

from sm_assets.contracts.columns import pick
from sm_assets.contracts.schema import Table

_AS_OF = "Last day of the trailing window in UTC; the partition."
_CLUSTER = ("analysis", "cluster_id")


def _table(name: str, what: str, grain: str, key: tuple[str, ...], columns: str, **words: str) -> Table:
    return Table(
        name=name,
        description=what,
        grain=grain,
        key=key,
        partition="as_of",
        columns=pick(f"{columns} params_hash day", day=_AS_OF, **words),
        kinds=("python", "parquet"),
    )


TABLES = (
    _table(
        "out_cluster_k",
        "Every number of clusters that an analysis tried, with what speaks for it and which one was chosen.",
        "one number of clusters of one analysis",
        ("analysis", "k"),
        "analysis k inertia? silhouette? silhouette_rows k.stability? smallest_size eligible chosen k.reason",
    ),
    _table(
        "out_cluster_terms",
        "Words that mark each cluster off from the others. One account is one voice for a content, however often it "
        "repeats it; of clusters of hashtags: the tags themselves.",
        "one term of one cluster",
        (*_CLUSTER, "rank"),
        "analysis cluster.cluster_id rank term term.weight term.n_accounts n_occurrences",
    ),
    _table(
        "out_cluster_topics",
        "Topics inside each cluster's texts (latent Dirichlet allocation), by their words.",
        "one word of one topic of one cluster",
        (*_CLUSTER, "topic", "rank"),
        "analysis cluster.cluster_id topic rank word word.weight topic_share coherence?",
    ),
    _table(
        "out_cluster_medoids",
        "The texts of each cluster that are nearest to all its others.",
        "one text of one cluster",
        (*_CLUSTER, "rank"),
        "analysis cluster.cluster_id rank platform post_id? account_id text mean_distance",
        text="The text as it was written: of a post, or a biography.",
        post_id="Post that the text is of; null: it is a biography.",
    ),
    _table(
        "out_cluster_links",
        "What became of the clusters of the snapshot before: which go on, split, merge, begin, end.",
        "one pair of a cluster and one of the snapshot before, or one of them alone",
        ("analysis", "link"),
        "analysis link cluster.cluster_id? previous_day previous_cluster_id? n_common share_previous? share_current? "
        "jaccard? relation params_changed",
    ),
    _table(
        "out_cluster_ids",
        "A name for each cluster that stays the same as long as the cluster goes on from snapshot to snapshot.",
        "one cluster",
        _CLUSTER,
        "analysis cluster.cluster_id persistent_id born_on parent_id? event",
    ),
    _table(
        "out_map_points",
        "Places on a map where alike are near. The map is to look at; no cluster is made from it.",
        "one account of one analysis",
        ("analysis", "platform", "item_id"),
        "analysis platform item_id cluster.cluster_id? x y text?",
        text="What is shown beside the point.",
        cluster_id="Number of the cluster inside its snapshot; null: in none.",
    ),
)
