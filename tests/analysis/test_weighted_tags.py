"""Tags that are clustered by their posts: the objective, the order of the numbers, weights, names, stop tags.

Here: `cluster_tags` and its neighbours on arrays. Not here: tables (`test_hashtag_clusters`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from sm_assets.analysis.cluster_spec import ClusterSpec
from sm_assets.analysis.hashtag_clusters import cluster_tags, tag_labels, tag_terms
from sm_assets.analysis.platform_tags import platform_tags, stop_tags
from sm_assets.errors import KernelError
from sm_assets.kernels.tags import normal_form


@pytest.mark.parametrize("seed", range(5))
def test_weighted_tags_have_the_objective_of_repeated_rows(seed: int) -> None:
    random = np.random.default_rng(seed)
    points = random.normal(size=(60, 8))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    counts = random.integers(1, 9, 60)
    tags, k = pa.array([f"{n:03d}" for n in range(60)]), 5
    spec = ClusterSpec(preset="kmeans", k=k, tol=0.0, max_iter=500, seed=seed)
    found = cluster_tags(tags, counts, points.astype(np.float32), np.ones(60, bool), spec, map_method=None)
    labels = np.array(found.cluster_id.to_pylist())
    repeated, copies = np.repeat(points, counts, axis=0), np.repeat(labels, counts)
    # What it tells is the sum over rows as often as they have posts.
    centres = np.array([repeated[copies == number].mean(axis=0) for number in range(k)])
    whole = float(((repeated - centres[copies]) ** 2).sum())
    assert found.k_table[0]["inertia"] == pytest.approx(whole, rel=1e-5)
    # No row is nearer to the mean of another cluster's rows: k-means of repeated rows would stay.
    distance = ((points[:, None] - centres) ** 2).sum(axis=2)
    assert (distance.argmin(axis=1) == labels).all()


def test_clusters_are_numbered_by_posts_and_named_by_the_most_used_tags() -> None:
    vectors = np.eye(2, 4, dtype=np.float32)[[0, 0, 0, 0, 1]]
    tags = pa.array(["d", "b", "c", "a", "z"])
    n_posts = np.array([1, 2, 2, 1, 50])
    present = np.ones(5, bool)
    found = cluster_tags(tags, n_posts, vectors, present, ClusterSpec(preset="kmeans", k=2))
    assert found.cluster_id.to_pylist() == [1, 1, 1, 1, 0]
    table = pa.table({"cluster_id": found.cluster_id, "tag": tags, "n_posts": n_posts, "n_accounts": [1, 1, 2, 2, 1]})
    assert dict(tag_labels(table)) == {0: "z", 1: "b, c, a"}
    assert dict(tag_labels(table, min_accounts=2)) == {1: "c, a"}
    terms = tag_terms(table, 2).to_pylist()
    assert [(row["cluster_id"], row["rank"], row["term"], row["weight"]) for row in terms] == [
        (0, 1, "z", 50.0), (1, 1, "b", 2.0), (1, 2, "c", 2.0),
    ]  # fmt: skip


def test_weights_decide_what_is_parted() -> None:
    # One subject of two near halves with most posts; two rare subjects that lie between them and each other.
    corners = np.array([[1, 0.5, 0, 0], [1, -0.5, 0, 0], [0, 0, 1, 0], [0, 0, 0.4, 1]], np.float32)
    vectors = np.repeat(corners / np.linalg.norm(corners, axis=1, keepdims=True), 3, axis=0)
    tags, present = pa.array([f"{n:02d}" for n in range(12)]), np.ones(12, bool)
    n_posts = np.repeat([1000, 1000, 1, 1], 3)

    def groups(weights: Any) -> list[int]:
        spec = ClusterSpec(preset="kmeans", k=3)
        found = cluster_tags(tags, n_posts, vectors, present, spec, weights=weights).cluster_id.to_pylist()
        return found[::3]

    heavy, logged, equal = (groups(weights) for weights in ("posts", "log_posts", "equal"))
    assert heavy[0] != heavy[1]
    assert heavy[2] == heavy[3]
    assert equal[0] == equal[1]
    assert equal[2] != equal[3]
    assert logged[0] != logged[2]


def test_density_clusters_are_numbered_by_posts_too() -> None:
    random = np.random.default_rng(0)
    vectors = np.repeat(np.eye(2, 8), [20, 30], axis=0) + random.normal(size=(50, 8)) * 0.05
    n_posts = np.repeat([9, 1], [20, 30])
    spec = ClusterSpec(preset="hdbscan", size_min=5)
    found = cluster_tags(
        pa.array([f"{n:02d}" for n in range(50)]), n_posts, vectors.astype(np.float32), np.ones(50, bool), spec
    )
    assert set(found.cluster_id.to_pylist()[:20]) - {None} == {0}
    assert set(found.cluster_id.to_pylist()[20:]) - {None} == {1}


def test_tags_without_a_vector_are_in_no_cluster_and_unlike_lengths_are_refused() -> None:
    vectors = np.zeros((3, 4), np.float32)
    vectors[:2] = np.eye(2, 4)
    tags, n_posts = pa.array(["a", "b", "\u200b"]), np.array([1, 1, 9])
    found = cluster_tags(tags, n_posts, vectors, np.array([True, True, False]), ClusterSpec(preset="kmeans", k=2))
    assert found.cluster_id.to_pylist() == [0, 1, None]
    assert found.x.null_count == found.y.null_count == 1
    assert found.notices == ["1 tags have no vector: no word of them is left."]
    with pytest.raises(KernelError, match="one count, vector and flag per tag"):
        cluster_tags(tags, n_posts[:2], vectors, np.ones(3, bool), ClusterSpec(preset="kmeans", k=2))


# -------------------------------------------------------------------- stop tags


def test_stop_tags_are_in_normal_form_and_recorded() -> None:
    version, known = platform_tags()
    assert all(normal_form(tag) == tag and not tag.startswith("#") for tag in known)
    assert {"fyp", "foryou", "viral", "fyp\u30b7"} <= known
    assert len(known) >= 30
    found = stop_tags(more=["#Foo", "foo", " "])
    assert found.tags == known | {"foo"}
    assert [(each["name"], each["version"], each["size"]) for each in found.record] == [
        ("platform-tags", version, len(known)),
        ("given", "", 1),
    ]
    assert stop_tags(platforms=False).record == []
    assert found.record[1]["blake2b"] != stop_tags(more=["bar"]).record[1]["blake2b"]
