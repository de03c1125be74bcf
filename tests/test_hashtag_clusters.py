"""Hashtag clusters from core to pages: scopes, lists, stop tags, what nothing is made of.

Here: posts of two planted themes with a stub of a text model. Not here: how well the real model tells themes apart
(`test_hashtag_themes`), which posts lists find (`test_relevance`), vectors of tags (`test_hashtag_vectors`), the
clustering of weighted tags (`test_weighted_tags`).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import hashtag_lake
import numpy as np
import pyarrow as pa
import pytest
from hashtag_lake import (
    FIRST,
    FOOD,
    LAST,
    LISTED,
    MINE,
    SHARED,
    SPACE,
    empty_lake,
    post,
    publish_core,
    rows,
    run,
    themed,
)
from stub_embedder import StubEmbedder

from sm_assets.defs import cluster_files, hashtag_summaries
from sm_assets.defs.assets import hashtag_clusters
from sm_assets.defs.clustering_record import clustering_records
from sm_assets.defs.hashtag_pages import dots
from sm_assets.errors import OptionError
from sm_assets.kernels.tags import normal_form
from sm_assets.settings import Settings
from sm_assets.storage import Lake

pytestmark = pytest.mark.usefixtures("no_catalogue")

HOSTILE = (
    "<script>alert(1)</script>",
    "</script>",
    '"onmouseover="alert(1)',
    "\u202egpj.exe",
    "=cmd|'/c calc'!a0",
    "it's",
    "%{customdata[0]}",
    "x" * 100_000,
    "\u200b",
    "a|b",
)


@pytest.fixture
def lake(data_root: Path) -> Lake:
    return empty_lake(data_root)


# -------------------------------------------------------------------- planted themes


def test_two_themes_are_two_clusters_in_every_scope_that_has_both(lake: Lake) -> None:
    publish_core(lake, themed())
    run(lake, MINE, *SHARED, n_clusters=2)
    own = rows(lake, "unit = 'hashtag' and scope_kind = 'all'")
    assert {row["tag"] for row in own} == {*SPACE, *FOOD}
    assert {(row["cluster_id"], row["tag"][:4]) for row in own} in (
        {(0, "moon"), (1, "soup")},
        {(1, "moon"), (0, "soup")},
    )
    assert all(row["x"] is not None and row["y"] is not None for row in own)
    # Both days are in the window; every tag stands in four posts.
    assert {row["n_posts"] for row in own} == {4}
    assert {row["first_at"].date() for row in own} == {FIRST}
    by_scope = rows(lake, "true", "distinct scope_kind, scope, unit")
    assert [(row["scope_kind"], row["scope"], row["unit"]) for row in by_scope] == [
        ("all", "all", "hashtag"), ("all", "all", "suggestion"),
        ("delivery", "food donor", "hashtag"), ("delivery", "food donor", "suggestion"),
        ("delivery", "space donor", "hashtag"), ("delivery", "space donor", "suggestion"),
    ]  # fmt: skip
    records = clustering_records(lake, MINE, LAST)
    assert sorted(records) == [
        "hashtags:all", "hashtags:delivery:food donor", "hashtags:delivery:space donor",
        "suggestions:all", "suggestions:delivery:food donor", "suggestions:delivery:space donor",
    ]  # fmt: skip
    terms = rows(
        lake, "analysis = 'hashtags:all' and rank = 1", "cluster_id, term, weight, n_accounts", "out_cluster_terms"
    )
    assert [(row["cluster_id"], row["weight"]) for row in terms] == [(0, 4.0), (1, 4.0)]
    chosen = rows(lake, "chosen", "analysis, k", "out_cluster_k")
    assert {"analysis": "hashtags:all", "k": 2} in chosen
    assert len(chosen) == len(records)


def test_pages_show_the_tags_and_a_delivery_without_tags_is_listed(lake: Lake) -> None:
    publish_core(lake, themed())
    # Fewer than asked for: deliveries have notices.
    told = run(lake, n_clusters=9)
    assert "2 clusterings of hashtags:delivery have notices" in told["notices"]
    told = run(lake, n_clusters=2)
    folder = Path(lake.path("exports", "hashtags", f"day={LAST}"))
    manifest = json.loads((folder / "manifest.json").read_text())
    index = manifest["pages"]
    assert manifest["without_tags"] == ["hashtags:delivery:silent", "suggestions:delivery:silent"]
    assert (told["clusterings_of_deliveries"], told["scopes_without_tags"]) == (4, 2)
    # Metadata stay for good; a delivery may be a donor.
    assert not [name for name in ("food donor", "space donor", "silent") if name in str(told)]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*index, "manifest.json"])
    assert sorted((each["unit"], each["scope"]) for each in index.values()) == [
        ("hashtag", "all"), ("hashtag", "food donor"), ("hashtag", "space donor"),
        ("suggestion", "all"), ("suggestion", "food donor"), ("suggestion", "space donor"),
    ]  # fmt: skip
    text = (folder / "hashtags.html").read_text(encoding="utf-8")
    assert "16 hashtags in 2 clusters" in text
    figure = json.loads(re.search(r'id="figure">(.*?)</script>', text, re.DOTALL)[1])  # type: ignore[index]
    assert {label for trace in figure["data"] for label in trace["text"]} == {*SPACE, *FOOD}
    assert {says[0] for trace in figure["data"] for says in trace["customdata"]} <= {
        f"4 posts, {n} account{'s' * (n > 1)}" for n in range(1, 5)
    }
    assert {wide for trace in figure["data"] for wide in trace["marker"]["size"]} == {30.0}


def test_a_page_names_its_most_used_tags_only() -> None:
    n = 200
    table = pa.table(
        {
            "cluster_id": pa.array([0] * n), "tag": [f"t{number:03d}" for number in range(n)],
            "n_posts": [1] * 150 + [2] * 50, "n_accounts": [1] * n, "x": pa.array([0.0] * (n - 1) + [None]),
            "y": pa.array([0.0] * (n - 1) + [None]),
        }
    )  # fmt: skip
    found = dots(table, 42)
    assert len(found) == n - 1
    labels = found["label"].drop_null().to_pylist()
    assert len(labels) == 60
    assert set(labels) >= {f"t{number:03d}" for number in range(150, n - 1)}
    assert len(dots(table, 42, max_points=50)) == 50


def test_suggestions_of_one_spelling_are_one_row(lake: Lake) -> None:
    posts = [
        post(1, suggestions=["US  News ", "us news"], account="a"),
        post(2, suggestions=["us news", "#US NEWS"], account="b"),
        post(3, suggestions=["ＵＳ news"], account="b"),
    ]
    publish_core(lake, posts)
    run(lake, scopes=["all"])
    assert [(row["tag"], row["n_posts"], row["n_accounts"], row["sample_post_id"]) for row in rows(lake)] == [
        ("us news", 3, 2, "p0001")
    ]


def test_accounts_need_many_tags_and_ids_of_two_platforms_stay_apart(lake: Lake) -> None:
    posts = [post(n, [f"t_{n}"], account="x", platform=("tiktok", "twitter")[n % 2]) for n in range(11)]
    posts.append(post(20, ["t_0"], account="x"))
    publish_core(lake, posts)
    run(lake, min_tags=6, scopes=["account"])
    assert {row["scope"] for row in rows(lake)} == {"tiktok/x"}
    # Maps are for pages, and accounts have none.
    assert {(row["x"], row["y"]) for row in rows(lake)} == {(None, None)}
    assert sorted(row["n_posts"] for row in rows(lake)) == [1, 1, 1, 1, 1, 2]
    assert sorted(clustering_records(lake, MINE, LAST)) == ["hashtags:account:tiktok/x"]
    run(lake, min_tags=6)
    assert {row["scope_kind"] for row in rows(lake)} == {"all"}


def test_files_of_many_clusterings_are_read_once_a_day(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    tags = [*SPACE, *FOOD]
    posts = [
        post(n * 20 + m, [tags[(n + m) % 16]], account=f"a{n}", day=(FIRST, LAST)[m % 2])
        for n in range(6)
        for m in range(12)
    ]
    publish_core(lake, posts)
    read: Counter[tuple[str, str]] = Counter()
    for module in (cluster_files, hashtag_summaries):
        select = module.open_select

        def counted(con: Any, lake: Lake, path: Path, refs: Any, days: list[date], select: Any = select) -> Any:
            read[path.stem, str(days[0])] += 1
            return select(con, lake, path, refs, days)

        monkeypatch.setattr(module, "open_select", counted)
    run(lake, MINE, *SHARED, first=FIRST, scopes=["account"], units=["hashtag"], min_tags=6, n_clusters=2)
    names = sorted(f"hashtags:account:tiktok/a{n}" for n in range(6))
    assert sorted(clustering_records(lake, MINE, LAST)) == names
    days = [str(day) for day in lake.days(MINE)]
    assert read == {(f"hashtags_{what}", day): 1 for what in ("members", "tags") for day in days}
    # Every clustering got its own tags.
    said: dict[str, set[str]] = {}
    for row in rows(lake, f"day = '{LAST}'", "analysis, term", "out_cluster_terms"):
        said.setdefault(row["analysis"], set()).add(row["term"])
    assert said == {name: {tags[(n + m) % 16] for m in range(12)} for n, name in enumerate(names)}
    numbered = rows(lake, f"day = '{LAST}'", "distinct analysis, cluster_id", "out_cluster_ids")
    assert numbered == [{"analysis": name, "cluster_id": number} for name in names for number in (0, 1)]


def test_counts_of_all_scopes_are_those_of_a_plain_count(lake: Lake) -> None:
    random = np.random.default_rng(5)
    posts = []
    for number in range(300):
        tags = [f"t{random.integers(12)}" for _ in range(random.integers(5))]
        searches = [f"s {random.integers(6)}" for _ in range(random.integers(3))]
        names = sorted({f"d{random.integers(4)}" for _ in range(random.integers(3))})
        platform, day = ("tiktok", "twitter")[number % 2], (FIRST, LAST)[number % 3 % 2]
        account = f"a{random.integers(6)}"
        posts.append(
            post(number, tags, account=account, platform=platform, day=day, suggestions=searches, deliveries=names)
        )
    publish_core(lake, posts)
    run(lake, min_posts=2, min_tags=9, scopes=["all", "delivery", "account"])

    found: dict[tuple[str, str, str, str], list[dict[str, Any]]] = {}
    for each in posts:
        scopes = [("all", "all"), ("account", f"{each['platform']}/{each['account_id']}")]
        for kind, scope in scopes + [("delivery", name) for name in each["deliveries"]]:
            for unit, words in (("hashtag", each["tags"]), ("suggestion", each["suggestions"])):
                for tag in set(words):
                    found.setdefault((kind, scope, unit, tag), []).append(each)
    frequent = {key: own for key, own in found.items() if len(own) >= 2}
    sizes = Counter(key[:3] for key in frequent)
    expected = {key: own for key, own in frequent.items() if key[0] != "account" or sizes[key[:3]] >= 9}
    assert {key[0] for key in expected} == {"all", "delivery", "account"}
    made = {(row["scope_kind"], row["scope"], row["unit"], row["tag"]): row for row in rows(lake)}
    assert set(made) == set(expected)
    for key, own in expected.items():
        first = min(own, key=lambda each: (each["posted_at"], each["platform"], each["post_id"]))
        row = made[key]
        assert row["n_posts"] == len(own)
        assert row["n_accounts"] == len({(each["platform"], each["account_id"]) for each in own})
        assert (row["sample_platform"], row["sample_post_id"]) == (first["platform"], first["post_id"])
        assert (row["first_at"], row["last_at"]) == (first["posted_at"], max(each["posted_at"] for each in own))


# -------------------------------------------------------------------- which posts count


def test_countries_ads_stop_tags_and_rare_tags_do_not_count(lake: Lake) -> None:
    posts = [
        post(1, ["kept", "FYP", "Mine"], country_code="US"),
        post(2, ["kept", "rare"], country_code="US", is_ad=False),
        post(3, ["kept", "ad"], country_code="US", is_ad=True),
        post(4, ["kept", "abroad"], country_code="CA"),
        post(5, ["kept", "nowhere"]),
    ]
    publish_core(lake, posts)

    def counted(**config: Any) -> dict[str, int]:
        run(lake, scopes=["all"], **config)
        return {row["tag"]: row["n_posts"] for row in rows(lake)}

    assert counted() == {"kept": 4, "mine": 1, "rare": 1, "abroad": 1, "nowhere": 1}
    assert counted(countries=["us"], stop_tags=["#MINE"], min_posts=2) == {"kept": 2}
    assert counted(countries=["US"], keep_ads=True, platform_tags=False) == {
        "kept": 3, "mine": 1, "fyp": 1, "rare": 1, "ad": 1,
    }  # fmt: skip


def test_lists_choose_posts_and_an_unknown_list_is_named(lake: Lake) -> None:
    publish_core(
        lake, [post(1, ["War", "mud"], day=FIRST), post(2, ["peace", "sun"]), post(3, ["rain"], account="Bob")]
    )
    folder = Path(lake.path("lists", "topics"))
    folder.mkdir(parents=True)
    (folder / "hashtags.csv").write_text("hashtag\n #WAR \n", encoding="utf-8")
    (folder / "creators.csv").write_text("@bob\n", encoding="utf-8")
    told = run(lake, LISTED, first=FIRST)
    assert told["stale_days"] == 0
    assert "notices" not in told
    found = rows(lake, "true", "post_id, by_hashtag, by_author, matches", LISTED)
    assert [tuple(row.values()) for row in found] == [
        ("p0001", True, False, ["#war"]),
        ("p0003", False, True, ["@bob"]),
    ]
    run(lake, list_name="topics", scopes=["all"])
    assert [row["tag"] for row in rows(lake)] == ["mud", "rain", "war"]
    with pytest.raises(OptionError, match=r"list_name is 'other'.*made with topics"):
        run(lake, list_name="other")
    # What was published before stays.
    assert [row["tag"] for row in rows(lake)] == ["mud", "rain", "war"]
    # Another list: the first day, which was made with the old one, is stale, and a window of both says so.
    (folder / "hashtags.csv").write_text("peace\n", encoding="utf-8")
    told = run(lake, LISTED, first=LAST)
    assert (told["stale_days"], told["stale"]) == (1, f"Made with other lists; materialise again: {FIRST}.")
    told = run(lake, list_name="topics", scopes=["all"])
    assert [row["tag"] for row in rows(lake)] == ["mud", "peace", "rain", "sun", "war"]
    assert "2 versions of the list topics" in told["notices"]


# -------------------------------------------------------------------- bad input


def test_no_hashtag_gives_no_rows_and_an_empty_folder_of_pages(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Settings) -> StubEmbedder:
        raise AssertionError("a model is loaded for no tag")

    publish_core(lake, [post(1)])
    monkeypatch.setattr(hashtag_clusters, "configured", refuse)
    monkeypatch.setattr(hashtag_lake, "TagEmbedder", lambda: None)
    run(lake, MINE, *SHARED)
    assert rows(lake) == []
    assert lake.days(MINE) == [LAST]
    assert clustering_records(lake, MINE, LAST) == {}


def test_one_hashtag_is_one_cluster(lake: Lake) -> None:
    publish_core(lake, [post(1, ["lonely"])])
    run(lake, MINE, *SHARED, scopes=["all"])
    assert [(row["tag"], row["cluster_id"]) for row in rows(lake)] == [("lonely", 0)]
    notices = clustering_records(lake, MINE, LAST)["hashtags:all"].record["notices"]
    assert notices == ["k is lowered from 10 to 1, the number of distinct rows."]


@pytest.mark.parametrize("method", ["kmeans", "reduced_kmeans", "hdbscan"])
def test_hostile_tags_do_no_harm(lake: Lake, method: str) -> None:
    publish_core(lake, [post(n, [tag, f"tame_{n}"], suggestions=[tag]) for n, tag in enumerate(HOSTILE)])
    run(lake, MINE, *(SHARED if method == "kmeans" else ()), method=method)
    own = rows(lake, "scope_kind = 'all' and unit = 'hashtag'")
    assert len(own) == len({normal_form(tag) for tag in HOSTILE} | {f"tame_{n}" for n in range(len(HOSTILE))})
    # Nothing of an invisible tag is left for the model.
    assert [row["tag"] for row in own if row["x"] is None] == ["\u200b"]
    for page in Path(lake.path("exports", "hashtags", f"day={LAST}")).glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "<script>alert" not in text
        assert text.count("</script>") == 3
        assert "\u202e" not in text


def test_only_the_largest_deliveries_get_pages(lake: Lake) -> None:
    posts = [post(n, ["t", f"t{n}"], deliveries=[("large", "middle", "small")[min(n // 3, 2)]]) for n in range(7)]
    publish_core(lake, [*posts, post(8, ["t"], deliveries=["large"])])
    run(lake, scopes=["delivery"], units=["hashtag"], delivery_pages=2)
    index = json.loads(Path(lake.path("exports", "hashtags", f"day={LAST}", "manifest.json")).read_text())["pages"]
    assert [each["scope"] for each in index.values()] == ["large", "middle"]
    assert {row["scope"] for row in rows(lake)} == {"large", "middle", "small"}


def test_deliveries_with_names_that_are_no_file_names_get_pages_of_their_own(lake: Lake) -> None:
    names = ["../../evil", "a b", "a/b", "ü" * 300]
    publish_core(lake, [post(n, [f"t{n}"], deliveries=[name]) for n, name in enumerate(names)])
    run(lake, scopes=["delivery"], units=["hashtag"])
    folder = Path(lake.path("exports", "hashtags", f"day={LAST}"))
    index = json.loads((folder / "manifest.json").read_text())["pages"]
    assert sorted(each["scope"] for each in index.values()) == sorted(names)
    assert all((folder / name).is_file() and "/" not in name for name in index)


@pytest.mark.parametrize(("config", "message"), [({"units": ["word"]}, "units"), ({"scopes": []}, "scopes")])
def test_unknown_units_and_scopes_are_refused(lake: Lake, config: dict[str, Any], message: str) -> None:
    publish_core(lake, [post(1, ["x"])])
    with pytest.raises(OptionError, match=message):
        run(lake, **config)


def test_the_number_of_clusters_is_chosen_where_it_is_asked_for(lake: Lake) -> None:
    # A number of clusters is tried where every cluster could have ten tags.
    themes = [[f"{name}_{number}" for number in range(11)] for name in ("moon", "soup", "goal")]
    posts = [post(n, [own[n % 11] for own in themes], account=f"a{n % 5}", day=(FIRST, LAST)[n % 2]) for n in range(22)]
    publish_core(lake, posts)
    run(lake, MINE, *SHARED, auto_clusters=True, scopes=["all"], units=["hashtag"], size_min=3)
    groups: dict[int, set[str]] = {}
    for row in rows(lake):
        groups.setdefault(row["cluster_id"], set()).add(row["tag"])
    assert sorted(map(sorted, groups.values())) == sorted(map(sorted, themes))
    tried = rows(lake, "true", "k, chosen", "out_cluster_k")
    assert len(tried) > 1
    assert [row["k"] for row in tried if row["chosen"]] == [3]
