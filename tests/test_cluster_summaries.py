"""Words, topics and typical texts of clusters, and their maps, through the assets over a lake of personas."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest
from cluster_lake import DAY, THEMES, World, publish, text_key
from conftest import digests
from follow_lake import read
from forgetful import forgetful

from sm_assets.defs.assets.cluster_summaries import _counted
from sm_assets.defs.cluster_summaries import Summaries, topics_status
from sm_assets.defs.one_embedder import VECTORS
from sm_assets.defs.run import whole_chain
from sm_assets.errors import MixedVectors
from sm_assets.settings import Settings
from sm_assets.storage import Lake

pytestmark = pytest.mark.usefixtures("no_catalogue")

TABLES = ("out_cluster_terms", "out_cluster_topics", "out_cluster_medoids", "out_map_points")


def materialise(
    lake: Lake, *, tables: Iterable[str] = TABLES, **config: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Run both assets, or those of other tables, for the as-of day; metadata by table."""
    job = whole_chain(lake.settings)
    result = job.execute_in_process(
        run_config={"ops": {step: {"config": dict(values)} for step, values in config.items()}}
        | {"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
        tags={f"dagster/asset_partition_range_{end}": str(DAY) for end in ("start", "end")},
        asset_selection=[dg.AssetKey(table) for table in tables],
        instance=forgetful(),
    )
    return {
        event.asset_key.path[-1]: {name: value.value for name, value in event.materialization.metadata.items()}
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }


@pytest.fixture(scope="module")
def world() -> World:
    """Three themes; one account says one thing of its own very often; what is hostile is somebody's name."""
    spam = [(0, "Only cheap watches here and nowhere else", DAY)] * 30
    return World(extra=spam, names={3: '</script><script>alert("x")</script>'})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, world: World) -> tuple[Lake, dict[str, dict[str, Any]]]:
    lake = Lake(
        Settings(
            data_root=str(tmp_path_factory.mktemp("clusters")), profile="tiny", threads=1, start_day=DAY - timedelta(9)
        )
    )
    world.publish(lake)
    return lake, materialise(lake)


def rows(lake: Lake, table: str) -> list[dict[str, Any]]:
    found = read(lake, table, DAY).to_pylist()
    assert {row["analysis"] for row in found} == {"personas"}
    assert len({row["params_hash"] for row in found}) == 1
    return found


def test_each_persona_is_told_by_its_theme(made: tuple[Lake, dict[str, dict[str, Any]]]) -> None:
    terms = rows(made[0], "out_cluster_terms")
    for number, theme in enumerate(THEMES):
        own = [row for row in terms if row["cluster_id"] == number]
        assert [row["rank"] for row in own] == list(range(1, 16))
        assert {row["term"] for row in own[:6]} <= set(theme.split())
        assert all(row["n_accounts"] >= 2 for row in own)
    assert not any("watches" in row["term"] or row["term"] == "the" for row in terms)


def test_topics_are_of_distinct_texts_and_their_status_stands_in_the_footer(
    made: tuple[Lake, dict[str, dict[str, Any]]],
) -> None:
    topics = rows(made[0], "out_cluster_topics")
    assert topics_status(made[0], "personas", DAY) == {0: "ok", 1: "ok", 2: "ok"}
    assert topics_status(made[0], "personas", DAY - timedelta(1)) == {}
    assert topics_status(made[0], "another", DAY) == {}
    for number, theme in enumerate(THEMES):
        words = {row["word"] for row in topics if row["cluster_id"] == number}
        # Today is in more than 95 % of the texts of each.
        assert words == set(theme.split())


def test_medoids_are_the_nearest_of_all_pairs(made: tuple[Lake, dict[str, dict[str, Any]]], world: World) -> None:
    found = rows(made[0], "out_cluster_medoids")
    posts = world.posts()
    for number in range(3):
        first: dict[str, dict[str, Any]] = {}
        for post in posts:
            if post["theme"] == number:
                first.setdefault(text_key(post["text"]), post)
        vectors = np.stack([post["vector"].astype(np.float64) for post in first.values()])
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        mean = (1 - unit @ unit.T).mean(axis=1)
        best = np.argsort(mean)[:3]
        own = [row for row in found if row["cluster_id"] == number]
        assert [row["rank"] for row in own] == [1, 2, 3]
        assert [row["post_id"] for row in own] == [[*first.values()][at]["post_id"] for at in best]
        assert [row["text"] for row in own] == [[*first.values()][at]["text"] for at in best]
        np.testing.assert_allclose([row["mean_distance"] for row in own], mean[best], atol=1e-8)


def test_a_content_is_typical_once_by_its_earliest_post(lake: Lake) -> None:
    said = {"moon soup": (DAY, DAY - timedelta(1)), "goal bread": (DAY - timedelta(1), DAY)}
    world = World(extra=[(3 * n, text, day) for text, days in said.items() for n, day in enumerate(days)])
    world.publish(lake)
    materialise(lake, summarise_clusters={"n_medoids": 1000})
    found = rows(lake, "out_cluster_medoids")
    own = {row["text"]: row["account_id"] for row in found if row["cluster_id"] == 0}
    assert (own["moon soup"], own["goal bread"]) == ("did:plc:003", "did:plc:000")
    texts = {(post["theme"], post["text"]) for post in world.posts()}
    assert len(found) == len(texts)
    assert {(row["cluster_id"], row["text"]) for row in found} == texts


def test_how_summaries_were_made_stands_in_the_footers_and_on_the_page(
    made: tuple[Lake, dict[str, dict[str, Any]]],
) -> None:
    lake, told = made
    for table in TABLES[:3]:
        found = json.loads(lake.metadata(table, DAY)["sm.summaries"])["personas"]
        assert found == told[table]["made_by_personas"]
        assert found["of"] == "a" * 16
        assert found["languages"] == ["en"]
        assert (found["tokenizer"], found["n_terms"], found["seed"]) == ("social/1", 15, 42)
        (words,) = found["stop_words"]["lists"]
        assert (words["name"], words["size"], len(words["blake2b"])) == ("sklearn-en-318", 318, 32)
        assert words["version"]


@pytest.mark.parametrize("table", ["feat_post_embeddings", "feat_account_embeddings"])
@pytest.mark.parametrize("strange", [{"embedder_id": "f" * 16}, {"width": 8}])
def test_vectors_that_are_not_those_of_the_clusters_are_refused(
    lake: Lake, table: str, strange: Mapping[str, Any]
) -> None:
    world = World()
    world.publish(lake)
    column, before = VECTORS[table], DAY - timedelta(1)
    changed = [
        row | {"embedder_id": strange.get("embedder_id", "e" * 16)} for row in read(lake, table, before).to_pylist()
    ]
    changed[0] |= {column: changed[0][column][: strange.get("width")], "day": before}
    publish(lake, table, [row | {"day": before} for row in changed], [before])
    with pytest.raises(MixedVectors, match=rf"in {table}.*eeee\. Materialise .* for {before}\."):
        materialise(lake, tables=TABLES[:3] if table == "feat_post_embeddings" else TABLES[3:])


def test_the_page_of_profiles_holds_no_word_of_one_account(lake: Lake) -> None:
    World(extra=[(0, f"watches {n}", DAY) for n in range(90)]).publish(lake)
    told = materialise(
        lake, tables=[*TABLES[:3], "out_persona_profiles"], summarise_clusters={"min_accounts": 1, "n_terms": 1000}
    )
    profiles = read(lake, "out_persona_profiles", DAY).to_pylist()
    assert any("watches" in term for term in profiles[0]["top_terms"])
    report = told["out_persona_profiles"]["report"]
    assert "| 1 | " in report
    assert set(THEMES[1].split()) & set(re.findall(r"\w+", report))
    assert "watches" not in report


def test_every_member_is_on_the_map_near_its_like(made: tuple[Lake, dict[str, dict[str, Any]]], world: World) -> None:
    points = rows(made[0], "out_map_points")
    assert len(points) == 3 * world.n_accounts
    assert next(row["text"] for row in points if row["item_id"] == "did:plc:003") == world.names[3]
    places = np.array([(row["x"], row["y"]) for row in points])
    persona = np.array([row["cluster_id"] for row in points])
    far = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(far, np.inf)
    assert (persona[far.argmin(axis=1)] == persona).all()


def test_the_page_lies_beside_the_lake(made: tuple[Lake, dict[str, dict[str, Any]]]) -> None:
    lake, told = made
    path = told["out_map_points"]["page_personas"]
    assert "notices" not in told["out_map_points"]
    assert path == lake.path("exports", "maps", "personas", f"day={DAY}", "map.html")
    with lake.fs.open(path, "r", encoding="utf-8") as source:
        text = source.read()
    assert "24 accounts in 3 clusters" in text
    assert '<script>alert("x")' not in text
    assert "alert(" in text  # the name is there, as text
    assert told["out_map_points"]["layout_personas"] == {
        "method": "tsne", "n_not_drawn": 0, "n_placed": 24, "n_distinct": 24, "n_rows": 24, "n_shown": 24,
        "n_without_direction": 0, "n_without_vector": 0, "perplexity": 7, "seed": 42,
    }  # fmt: skip


def test_metadata_holds_no_text_that_people_wrote(made: tuple[Lake, dict[str, dict[str, Any]]], world: World) -> None:
    told = str(made[1])
    told += "".join(base64.b64decode(found).decode() for found in re.findall(r"base64,([\w+/=]+)", told))
    assert "Terms of 3 clusters" in told
    texts = {post["text"] for post in world.posts()}
    assert len(texts) > 100
    assert not [text for text in texts if text in told]
    assert "Account 7" not in told


def test_the_same_posts_with_two_threads_give_the_same_bytes(
    made: tuple[Lake, dict[str, dict[str, Any]]], world: World, settings: Settings
) -> None:
    lake = Lake(replace(settings, threads=2))
    world.publish(lake)
    materialise(lake)

    def only(root: str) -> dict[str, str]:
        found = digests(Path(root))
        return {name: value for name, value in found.items() if any(f"/{table}/" in name for table in TABLES)}

    assert len(only(made[0].settings.data_root)) == 4
    assert only(lake.settings.data_root) == only(made[0].settings.data_root)


def test_parameters_change_their_hash_and_the_rows(made: tuple[Lake, dict[str, dict[str, Any]]], lake: Lake) -> None:
    World().publish(lake)
    told = materialise(
        lake,
        summarise_clusters={"n_terms": 30, "n_medoids": 1, "n_topic_words": 3, "stop_word_languages": ["de"]},
        out_map_points={"seed": 7, "max_points": 5},
    )
    for table in TABLES:
        assert rows(lake, table)[0]["params_hash"] != rows(made[0], table)[0]["params_hash"]
    assert "the" in {row["term"] for row in rows(lake, "out_cluster_terms")}
    assert len(rows(lake, "out_cluster_terms")) == 90
    assert len(rows(lake, "out_cluster_medoids")) == 3
    # The table has all points, the page a sample.
    assert len(rows(lake, "out_map_points")) == 24
    with lake.fs.open(told["out_map_points"]["page_personas"], "r", encoding="utf-8") as source:
        page = source.read()
    assert "5 accounts in 3 clusters" in page
    assert "Placed by t-SNE. Shown: a sample of 5 out of 24." in page


def test_a_snapshot_without_members_succeeds_and_replaces_the_page(lake: Lake) -> None:
    world = World()
    world.publish(lake)
    materialise(lake)
    world.publish_personas(lake, members=False)
    told = materialise(lake)
    for table in TABLES:
        assert read(lake, table, DAY).num_rows == 0
    with lake.fs.open(told["out_map_points"]["page_personas"], "r", encoding="utf-8") as source:
        text = source.read()
    assert "0 accounts in 0 clusters" in text
    assert "did:plc" not in text
    assert "nothing has a place" in told["out_map_points"]["map_personas"]
    assert "no cluster has terms" in told["out_cluster_terms"]["terms_personas"]


def test_a_map_of_other_clusters_than_those_of_the_terms_has_no_words(lake: Lake) -> None:
    world = World()
    world.publish(lake)
    told = materialise(lake)["out_map_points"]
    assert "notices" not in told
    words = {number: word for number, theme in enumerate(THEMES) for word in theme.split()}
    assert any(word in page(lake, told) for word in words.values())
    # The same accounts, each in another cluster.
    changed = [
        row | {"persona_id": (row["persona_id"] + 1) % 3, "day": DAY}
        for row in read(lake, "out_personas", DAY).to_pylist()
    ]
    publish(lake, "out_personas", changed, [DAY], lake.metadata("out_personas", DAY))
    told = materialise(lake, tables=["out_map_points"])["out_map_points"]
    assert not any(word in page(lake, told) for word in words.values())
    assert f"out_cluster_terms is not of the clusters of out_personas on {DAY}" in told["notices"]
    told = materialise(lake)["out_map_points"]
    assert any(word in page(lake, told) for word in words.values())
    assert "notices" not in told


def page(lake: Lake, told: Mapping[str, Any]) -> str:
    """The figure on the page and the picture in the metadata."""
    with lake.fs.open(told["page_personas"], "r", encoding="utf-8") as source:
        text = re.search(r'<script type="application/json" id="figure">(.*?)</script>', source.read(), re.DOTALL)
    assert text is not None
    return text[1] + base64.b64decode(told["map_personas"].split("base64,")[1].removesuffix(")")).decode()


def test_a_day_that_fails_leaves_all_pages_and_a_clustering_that_is_gone_loses_its_own(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    World().publish(lake)
    told = materialise(lake)["out_map_points"]
    old = page(lake, told)
    for name in ("gone", "personas"):
        for day in (DAY, DAY - timedelta(1)):
            other = Path(lake.path("exports", "maps", name, f"day={day}", "map.html"))
            other.parent.mkdir(parents=True, exist_ok=True)
            other.write_text("old", encoding="utf-8") if name == "gone" else None
    with monkeypatch.context() as patch:
        # All pages are written aside by then.
        patch.setattr("sm_assets.defs.assets.cluster_map.publish_pages", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            materialise(lake, tables=["out_map_points"], out_map_points={"seed": 3})
    assert page(lake, told) == old
    materialise(lake, tables=["out_map_points"], out_map_points={"seed": 3})
    assert page(lake, told) != old
    pages = sorted(
        str(path.parent.relative_to(lake.path("exports", "maps")))
        for path in Path(lake.path("exports", "maps")).rglob("map.html")
    )
    assert pages == [f"gone/day={DAY - timedelta(1)}", f"personas/day={DAY}"]


def test_counts_name_no_account() -> None:
    found = Summaries({}, {}, {0: "ok", 1: "ok", 2: "no_terms"}, {"posts": 7})
    assert _counted("hashtags:account:tiktok/4711", found) == {
        "hashtags: other clusterings: posts": 7,
        "hashtags: other clusterings: topics ok": 2,
        "hashtags: other clusterings: topics no_terms": 1,
    }
    assert _counted("hashtags:all", found)["hashtags:all: posts"] == 7


def test_days_without_a_snapshot_are_left_alone(lake: Lake) -> None:
    materialise(lake)
    for table in TABLES:
        assert lake.days(table) == []
