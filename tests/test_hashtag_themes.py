"""The packaged text model tells the demo world's hashtag topics apart.

Here: planted topics, with tags used alike and used unequally. Not here: the table (`test_hashtag_clusters`).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from sm_assets.analysis.cluster_spec import ClusterSpec
from sm_assets.analysis.encoding import encode_texts
from sm_assets.analysis.hashtag_clusters import Weights, cluster_tags
from sm_assets.analysis.partitions_agreement import adjusted_rand
from sm_assets.analysis.text_models import load_embedder
from sm_assets.demo.vocabulary import HASHTAGS
from sm_assets.kernels.tags import normal_form
from sm_assets.settings import DEFAULT_EMBEDDER

TAGS = [(normal_form(tag), topic) for topic in sorted(HASHTAGS) for tag in HASHTAGS[topic]]
TOPICS = np.unique([topic for _, topic in TAGS], return_inverse=True)[1].astype(np.int32)


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return encode_texts(load_embedder(DEFAULT_EMBEDDER), pa.array([tag for tag, _ in TAGS]))[0]


@pytest.mark.parametrize(("weights", "spread"), [("equal", 1), ("posts", 1), ("posts", 3), ("log_posts", 30)])
@pytest.mark.parametrize("seed", [42, 7])
def test_topics_of_the_demo_world_are_recovered(vectors: np.ndarray, weights: Weights, spread: int, seed: int) -> None:
    # Tags of a topic are used less and less, and some topics up to `spread` times as much as others.
    places = np.concatenate([np.arange(len(HASHTAGS[topic])) for topic in sorted(HASHTAGS)])
    busy = np.geomspace(1, spread, len(HASHTAGS))[np.random.default_rng(seed).permutation(len(HASHTAGS))]
    n_posts = np.ceil(20 * busy[TOPICS] / (1 + places) ** (spread > 1)).astype(np.int64)
    found = cluster_tags(
        pa.array([tag for tag, _ in TAGS]),
        n_posts,
        vectors,
        np.ones(len(TAGS), bool),
        ClusterSpec(preset="kmeans", k=len(HASHTAGS), seed=seed),
        weights=weights,
    )
    assert found.notices == []
    assert adjusted_rand(np.array(found.cluster_id.to_pylist(), np.int32), TOPICS) >= 0.9
