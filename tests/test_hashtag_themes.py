"""The packaged text model tells the demo world's hashtag topics apart.

Here: planted topics, with tags used alike and used unequally, and the table of a small demo world made with the demo's
parameters. Not here: what else the table holds (`test_hashtag_clusters`).
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hashtag_lake import FIRST, post, publish_core, rows, run

from sm_assets.analysis.cluster_spec import ClusterSpec
from sm_assets.analysis.encoding import encode_texts
from sm_assets.analysis.hashtag_clusters import Weights, cluster_tags
from sm_assets.analysis.partitions_agreement import adjusted_rand
from sm_assets.analysis.text_models import load_embedder
from sm_assets.demo import World
from sm_assets.demo.vocabulary import HASHTAGS
from sm_assets.demo.voices import post_text
from sm_assets.demo_run import CONFIG as DEMO
from sm_assets.kernels.tags import normal_form
from sm_assets.settings import DEFAULT_EMBEDDER, Settings
from sm_assets.storage import Lake

pytestmark = pytest.mark.usefixtures("no_catalogue")

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


def test_the_table_of_a_demo_world_parts_its_topics(tmp_path: Path) -> None:
    config = DEMO["out_hashtag_clusters"]["config"]
    assert config["scopes"] == ["all"]
    lake = Lake(Settings(data_root=str(tmp_path), threads=1, start_day=FIRST, window_days=3))
    # What the demo's people write, each of them three posts; tags of ten subjects, some far more used than others.
    random, topic_of = Random(7).random, dict(TAGS)
    people = [each for each in World(7, 0.5).residents.all for _ in range(3)]
    said = [post_text(random, each.persona, each.language, each.place)[1] for each in people]
    posts = [post(number, tags, account=f"a{number % 50}") for number, tags in enumerate(said) if tags]
    publish_core(lake, posts)
    embedder = load_embedder(DEFAULT_EMBEDDER)
    run(lake, embedder=embedder, **config | {"units": ["hashtag"], "snapshots": "every_day"})
    found = [row for row in rows(lake) if row["tag"] in topic_of]
    assert len({topic_of[row["tag"]] for row in found}) == len(HASHTAGS)
    planted = np.unique([topic_of[row["tag"]] for row in found], return_inverse=True)[1].astype(np.int32)
    agreement = adjusted_rand(np.array([row["cluster_id"] for row in found], np.int32), planted)
    assert agreement >= 0.9
