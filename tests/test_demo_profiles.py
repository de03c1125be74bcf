"""What the demo plants for biographies, hashtags and attributes, and its summary on a lake counted by hand."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sm_assets.analysis.partitions_agreement import adjusted_rand
from sm_assets.analysis.profile_clusters import HDBSCAN, KMEANS, ModelRules, cluster_profiles
from sm_assets.analysis.profile_features import FeatureRules
from sm_assets.demo import World
from sm_assets.demo.residents import PLATFORMS
from sm_assets.demo.summary_profiles import profile_summary
from sm_assets.demo.truth import labels
from sm_assets.demo.vocabulary import HASHTAGS, LOCATIONS, PERSONAS

DAY = "day=2024-03-17"


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.mark.slow
def test_biographies_fall_into_the_planted_kinds() -> None:
    """By the default rules, on all platforms, the number of kinds chosen too; a quarter of the world, for its time."""
    residents = World(scale=0.25).residents
    people = [(platform, person) for platform in PLATFORMS for person in residents.on(platform)]
    stock = [person.nature if person.nature != "person" else PERSONAS[person.persona].name for _, person in people]
    accounts = pa.table(
        {
            "platform": [platform for platform, _ in people],
            "account_id": [residents.account_id(platform, person) for platform, person in people],
            "bio": pa.array([person.bio or None for _, person in people], pa.string()),
            "stock": stock,
        }
    )
    found = cluster_profiles(accounts, FeatureRules(), ModelRules())
    told = found.described
    kinds = told.accounts["stock"].take(pa.array(told.rows))
    assert set(kinds.to_pylist()) == {"company", "bot", *(persona.name for persona in PERSONAS)}
    # Only those without a biography are left out.
    assert len(told.rows) == sum(person.bio is not None and person.bio != "" for _, person in people)
    truth = kinds.combine_chunks().dictionary_encode().indices.to_numpy()
    kmeans, hdbscan = (found.found[model].labels for model in (KMEANS, HDBSCAN))
    # Seen: 0.942 by both; hdbscan may leave some out, and is judged with them as a kind of their own.
    assert (kmeans >= 0).all()
    assert adjusted_rand(kmeans, truth) >= 0.9
    assert adjusted_rand(hdbscan, truth) >= 0.85


def test_hashtags_of_a_topic_name_it() -> None:
    tags = [tag.lower() for each in HASHTAGS.values() for tag in each]
    assert len(set(tags)) == len(tags)
    for topic, each in HASHTAGS.items():
        assert all(topic[:6] in tag.lower() for tag in each), topic


def test_labels_are_enough_for_each_class_and_of_those_who_write(world: World, tmp_path: Path) -> None:
    header, *rows = labels(world.residents)
    assert header[:5] == ("platform", "account_id", "attribute", "value", "group")
    assert len({row[:3] for row in rows}) == len(rows)
    groups: dict[tuple[str, str], set[str]] = defaultdict(set)
    counts = Counter((row[2], row[3]) for row in rows)
    for row in rows:
        groups[row[2], row[3]].add(row[4])
    assert set(counts) == {("kind", "person"), ("kind", "company"), ("kind", "bot")} | {
        ("country", code) for code in LOCATIONS
    }
    assert min(counts.values()) >= 50
    assert min(len(each) for each in groups.values()) >= 10
    # Bots of an operator are one group; no bot has a country.
    natures = {(row["platform"], row["account_id"]): row["nature"] for row in world.truth_accounts().to_pylist()}
    assert not [row for row in rows if row[2] == "country" and natures[row[0], row[1]] == "bot"]
    world.write(tmp_path, sources=("twitter",))
    written = posts_of_twitter(tmp_path)
    labelled = {row[1] for row in rows if row[0] == "twitter"}
    assert sum(written[account] >= 10 for account in labelled) >= 0.8 * len(labelled)
    profiles = profiles_of_twitter(tmp_path)
    located = [location for location in profiles.values() if location]
    assert 0.55 <= len(located) / len(profiles) <= 0.75
    truth = {row["account_id"]: row["country_code"] for row in world.truth_accounts().to_pylist()}
    towns = sum(location in LOCATIONS[truth[account]] for account, location in profiles.items())
    assert 0.85 * len(located) <= towns < len(located)


def pages_of_twitter(root: Path) -> list[dict[str, Any]]:
    files = sorted((root / "landing" / "twitter" / "demo").glob("search_*.jsonl"))
    return [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]


def posts_of_twitter(root: Path) -> Counter[str]:
    """Tweets of each account in the last 28 days, retweets not among them."""
    since = datetime(2024, 2, 19, tzinfo=UTC)
    return Counter(
        tweet["author_id"]
        for page in pages_of_twitter(root)
        for tweet in page["data"]
        if datetime.fromisoformat(tweet["created_at"]) >= since
        and not any(other["type"] == "retweeted" for other in tweet.get("referenced_tweets", []))
    )


def profiles_of_twitter(root: Path) -> dict[str, str]:
    return {user["id"]: user["location"] for page in pages_of_twitter(root) for user in page["includes"]["users"]}


def test_suggestions_of_tiktok_stay_with_one_topic(tmp_path: Path) -> None:
    World(3, 0.2).write(tmp_path, sources=("tiktok",))
    topics = {tag.lower(): topic for topic, tags in HASHTAGS.items() for tag in tags}
    seen: set[str] = set()
    for path in (tmp_path / "landing" / "tiktok" / "demo").glob("results_*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["suggested_words"]:
                    words = row["suggested_words"].split(", ")
                    named = {topics.get(word, word.rpartition(" ")[2]) for word in words}
                    assert len(named) == 1, words
                    seen |= named
    assert seen == set(HASHTAGS)


# ---- summary --------------------------------------------------------------------------------------------------------


def publish(root: Path, table: str, rows: list[dict[str, Any]]) -> None:
    folder = root / "lake" / table / DAY
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "part-0.parquet")


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "truth").mkdir()
    accounts = [
        {"platform": "x", "account_id": str(n), "profile": kind, "nature": nature, "country_code": "GB"}
        for n, (kind, nature) in enumerate(
            [("ward", "person"), ("ward", "person"), ("company", "company"), ("company", "company"), (None, "bot")]
        )
    ]
    pq.write_table(pa.Table.from_pylist(accounts), tmp_path / "truth" / "accounts.parquet")
    topics = [{"hashtag": tag, "topic": topic} for tag, topic in (("a", "tram"), ("b", "tram"), ("c", "ferry"))]
    pq.write_table(pa.Table.from_pylist(topics), tmp_path / "truth" / "hashtags.parquet")
    return tmp_path


def test_nothing_published_is_a_sentence(lake: Path) -> None:
    assert profile_summary(lake).startswith("No kinds of biographies")


def test_summary_says_what_meets_the_truth(lake: Path) -> None:
    placed = [(0, 0, "member"), (1, 0, "member"), (2, 1, "member"), (3, 1, "member"), (4, None, "no_bio")]
    # The second model puts one account of four with the others: adjusted Rand index 0 against two kinds of two.
    other = [(0, 0, "member"), (1, 0, "member"), (2, 0, "member"), (3, 1, "member"), (4, None, "no_bio")]
    publish(
        lake,
        "out_profile_clusters",
        [
            {"model": model, "platform": "x", "account_id": str(n), "cluster_id": number, "status": status}
            for model, rows in (("kmeans", placed), ("hdbscan", other))
            for n, number, status in rows
        ],
    )
    publish(
        lake,
        "out_cluster_terms",
        [{"analysis": "profiles_kmeans", "cluster_id": n, "rank": 1, "term": f"word{n}"} for n in (0, 1)],
    )
    publish(
        lake,
        "out_hashtag_clusters",
        [
            {"scope_kind": kind, "scope": "", "unit": "hashtag", "tag": tag, "cluster_id": number, "n_posts": 3}
            for kind, tag, number in (("all", "a", 0), ("all", "b", 0), ("all", "c", 1), ("delivery", "c", 0))
        ],
    )
    publish(
        lake,
        "out_account_attributes",
        [
            {"platform": "x", "account_id": str(n), "attribute": "kind", "value": value, "reason": reason}
            for n, value, reason in (
                (0, "person", None), (1, "company", None), (2, "company", None), (3, None, "too_few_posts"),
            )
        ],
    )  # fmt: skip
    told = profile_summary(lake)
    assert "2 kinds of biographies; accounts: 4 member, 1 no bio" in told
    assert "0: 2 accounts: word0 (100 % planted as ward)" in told
    assert "adjusted Rand index 1.000 (kmeans), 0.000 (hdbscan)" in told
    assert "2 themes of 3 hashtags" in told
    assert "0: 2 tags in 6 posts:  (100 % planted as tram)" in told
    assert "kind: no model was trained" in told
    assert "of 4 accounts 3 have a value, 66.7 % of them as planted; 1 wrote too little" in told
    chosen = {
        "attribute": "kind", "algorithm": "linear_svm", "n_labels": 1_200, "n_groups": 300, "macro_f1": 0.971,
        "macro_f1_low": 0.95, "macro_f1_high": 0.98, "majority_macro_f1": 0.2, "ece": 0.031, "coverage": 0.75,
    }  # fmt: skip
    publish(lake, "out_attribute_models", [chosen | {"chosen": True}, chosen | {"chosen": False, "n_labels": 7}])
    told = " ".join(profile_summary(lake).split())
    assert "kind: linear svm from 1,200 labels in 300 groups; on groups it has not seen: macro F1 0.97" in told
    assert "(0.95 to 0.98; always the most frequent: 0.20), expected calibration error 0.031, a value for 75 %" in told
    assert "7 labels" not in told
