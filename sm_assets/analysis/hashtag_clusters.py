"""Themes of hashtags: clusters of their vectors, each tag weighted by its posts, and what the clusters are called.

Here: from distinct tags to clusters, places on a map, terms. Not here: which tags there are and their vectors.

The seed clusters a tag as often as it is written. A tag of weight n adds to the sum of squared distances what n equal
rows add, so distinct tags with weights `posts` have the same objective, at the price of the distinct ones. Where few
tags have most of the posts, that objective parts them finely and leaves rare subjects together; the other weights
treat subjects more alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.cluster_spec import ClusterSpec, Log
from sm_assets.analysis.layout import Method, layout
from sm_assets.analysis.vector_clusters import cluster
from sm_assets.errors import KernelError

Weights = Literal["posts", "log_posts", "equal"]
LABEL_TAGS: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class TagClusters:
    """Clusters of n tags.

    Attributes:
        cluster_id: int64[n]; null: noise, or without a vector.
        x, y: float64[n]; null: no place.
        k_table: rows of out_cluster_k without analysis, params_hash and day.
        record: of the clusters (see `vector_clusters.Clustering`) and, under `layout`, of the map, if there is one;
            n_without_vector.
        notices: sentences.
    """

    cluster_id: pa.Array
    x: pa.Array
    y: pa.Array
    k_table: list[dict[str, Any]]
    record: dict[str, Any]
    notices: list[str]


def cluster_tags(
    tags: pa.Array | pa.ChunkedArray,
    n_posts: npt.NDArray[np.int64],
    vectors: npt.NDArray[np.float32],
    present: npt.NDArray[np.bool_],
    spec: ClusterSpec,
    *,
    weights: Weights = "posts",
    map_method: Method | None = "tsne",
    log: Log | None = None,
    threads: int = 1,
) -> TagClusters:
    """Cluster distinct tags and lay them out.

    Args:
        tags: string[n], distinct; their order does not matter.
        n_posts: int64[n], at least 1.
        vectors: float32[n, d].
        present: bool[n]: whether the tag has a vector.
        spec: how.
        weights: how heavy a tag is: its posts, 1 and their natural logarithm, or 1; hdbscan knows no weights.
        map_method: see `layout`; None: no tag gets a place, which saves most of the time of a small clustering.
        log: takes sentences about the progress.
        threads: tasks at a time; the result is the same with any number.

    Raises:
        KernelError: unlike lengths, repeated tags, vectors that are not finite.
    """
    n = len(tags)
    if not len(n_posts) == len(vectors) == len(present) == n:
        told = f"{len(n_posts)} counts, {len(vectors)} vectors and {len(present)} flags"
        raise KernelError(f"one count, vector and flag per tag; found {told} for {n} tags.")
    rows = np.flatnonzero(present)
    keys = tags.take(pa.array(rows))
    keys = keys.combine_chunks() if isinstance(keys, pa.ChunkedArray) else keys
    weight = None if spec.preset == "hdbscan" else _weight(n_posts[rows], weights)
    found = cluster(vectors[rows], keys, spec, sample_weight=weight, log=log, threads=threads)
    labels = np.full(n, -1, np.int64)
    labels[rows] = _by_posts(found.labels, n_posts[rows], keys)
    x, y = np.full(n, np.nan), np.full(n, np.nan)
    record = found.record | {"n_without_vector": n - len(rows)}
    if map_method is not None:
        places = layout(
            vectors[rows], keys.to_pylist(), method=map_method, groups=labels[rows], seed=spec.seed, threads=threads
        )
        x[rows[places.row]], y[rows[places.row]] = places.x, places.y
        record["layout"] = places.record
    missing = n - len(rows)
    notices = found.notices + ([f"{missing} tags have no vector: no word of them is left."] if missing else [])
    return TagClusters(
        pa.array(labels, mask=labels < 0),
        pa.array(x, mask=np.isnan(x)),
        pa.array(y, mask=np.isnan(y)),
        found.k_table,
        record,
        notices,
    )


def _weight(n_posts: npt.NDArray[np.int64], weights: Weights) -> npt.NDArray[np.float64]:
    posts = n_posts.astype(np.float64)
    return {"posts": posts, "log_posts": 1 + np.log(posts), "equal": np.ones(len(posts))}[weights]


def _by_posts(labels: npt.NDArray[np.int32], n_posts: npt.NDArray[np.int64], keys: pa.Array) -> npt.NDArray[np.int64]:
    """Labels by posts descending, then by the first tag; where density finds clusters they are numbered by tags."""
    k = int(labels.max(initial=-1)) + 1
    placed = np.flatnonzero(labels >= 0)
    place = np.empty(len(keys), np.int64)
    place[pc.sort_indices(keys).to_numpy()] = np.arange(len(keys))
    posts, first = np.zeros(k, np.int64), np.full(k, len(keys))
    np.add.at(posts, labels[placed], n_posts[placed])
    np.minimum.at(first, labels[placed], place[placed])
    new = np.full(k + 1, -1, np.int64)
    new[np.lexsort((first, -posts))] = np.arange(k)
    # -1 is the last one's place.
    return new[labels]


def tag_terms(members: pa.Table, n_terms: int) -> pa.Table:
    """The most used tags of each cluster.

    Args:
        members: cluster_id, tag, n_posts, n_accounts of the tags of one clustering; tags in no cluster do not count.
        n_terms: tags of a cluster at most.

    Returns:
        cluster_id, rank, term, weight (posts), n_accounts, n_occurrences (posts); ties by tag.
    """
    by_use = members.sort_by([("cluster_id", "ascending"), ("n_posts", "descending"), ("tag", "ascending")])
    rows: list[dict[str, Any]] = []
    ranks: dict[int, int] = {}
    for row in by_use.to_pylist():
        number = row["cluster_id"]
        if number is None or ranks.get(number, 0) == n_terms:
            continue
        ranks[number] = ranks.get(number, 0) + 1
        rows.append(
            {
                "cluster_id": number,
                "rank": ranks[number],
                "term": row["tag"],
                "weight": float(row["n_posts"]),
                "n_accounts": row["n_accounts"],
                "n_occurrences": row["n_posts"],
            }
        )
    return pa.Table.from_pylist(rows, _TERMS)


_TERMS: Final = pa.schema(
    [
        ("cluster_id", pa.int64()),
        ("rank", pa.int64()),
        ("term", pa.string()),
        ("weight", pa.float64()),
        ("n_accounts", pa.int64()),
        ("n_occurrences", pa.int64()),
    ]
)


def tag_labels(members: pa.Table, *, min_accounts: int = 1) -> Mapping[int, str]:
    """Names of the clusters: the three most used tags of each.

    Args:
        members: as for `tag_terms`.
        min_accounts: accounts that must use a tag for it to be part of a name.
    """
    known = members.filter(pc.greater_equal(members["n_accounts"], min_accounts))
    found: dict[int, list[str]] = {}
    for row in tag_terms(known, LABEL_TAGS).to_pylist():
        found.setdefault(row["cluster_id"], []).append(row["term"])
    return {number: ", ".join(tags) for number, tags in found.items()}
