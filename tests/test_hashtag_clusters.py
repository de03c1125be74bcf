"""Hashtag clusters from core to pages: scopes, lists, stop tags, what is withdrawn, what nothing is made of.

Here: posts of two planted themes with a stub of a text model. Not here: how well the real model tells themes apart
(`test_hashtag_themes`), which posts lists find (`test_relevance`).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pytest
from cluster_lake import publish
from stub_embedder import StubEmbedder

from sm_assets.analysis.cluster_spec import ClusterSpec
from sm_assets.analysis.hashtag_clusters import cluster_tags, tag_labels, tag_terms
from sm_assets.analysis.platform_tags import platform_tags, stop_tags
from sm_assets.analysis.text_normaliser import text_keys
from sm_assets.defs import cluster_files, hashtag_summaries
from sm_assets.defs.assets import cluster_identity, cluster_k, cluster_summaries, hashtag_clusters, post_relevance
from sm_assets.defs.assets.declare import IO_MANAGER
from sm_assets.defs.clustering_record import clustering_records
from sm_assets.defs.embedding import PostVectors
from sm_assets.defs.hashtag_pages import dots
from sm_assets.defs.io import LakeIOManager
from sm_assets.defs.partitions import daily
from sm_assets.defs.text_vectors import drop_stale, keys_of
from sm_assets.errors import KernelError, OptionError
from sm_assets.kernels.tags import normal_form
from sm_assets.settings import Settings
from sm_assets.storage import Lake, VectorCache, abandoned_notes, noting_keys

FIRST, LAST = date(2024, 3, 1), date(2024, 3, 3)
CORE = ("core_posts", "core_post_hashtags", "core_post_media_text", "core_post_deliveries", "core_accounts")
SHARED = (
    "out_cluster_k",
    "out_cluster_terms",
    "out_cluster_topics",
    "out_cluster_medoids",
    "out_cluster_links",
    "out_cluster_ids",
)
MINE, LISTED = "out_hashtag_clusters", "feat_post_relevance"
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


class TagEmbedder(StubEmbedder):
    """A tag's words stand between underscores, as `moon_orbit`."""

    def tokenise(self, texts: Sequence[str]) -> Any:
        return super().tokenise([text.replace("_", " ") for text in texts])


def post(
    number: int,
    tags: Iterable[str] = (),
    *,
    account: str = "ann",
    day: date = LAST,
    platform: str = "tiktok",
    suggestions: Iterable[str] = (),
    deliveries: Iterable[str] = (),
    **cells: Any,
) -> dict[str, Any]:
    return {
        "platform": platform, "post_id": f"p{number:04d}", "account_id": account, "day": day,
        "posted_at": datetime(day.year, day.month, day.day, 9) + timedelta(seconds=number),
        "tags": list(tags), "suggestions": list(suggestions), "deliveries": list(deliveries), **cells,
    }  # fmt: skip


def publish_core(lake: Lake, posts: Iterable[dict[str, Any]], days: Iterable[date] = (FIRST, LAST)) -> None:
    """Tables of core that hold these posts and nothing else."""
    listed = list(posts)
    shared = ("platform", "post_id", "account_id", "posted_at", "day")
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in CORE}
    for each in listed:
        key = {name: each[name] for name in shared}
        cells = {name: value for name, value in each.items() if name not in ("tags", "suggestions", "deliveries")}
        rows["core_posts"].append({"post_kind": "post", "text": "x"} | cells)
        rows["core_post_hashtags"] += [
            key | {"ordinal": place, "hashtag": tag, "hashtag_normalised": normal_form(tag)}
            for place, tag in enumerate(each["tags"])
        ]
        rows["core_post_media_text"] += [
            key | {"ordinal": place, "media_text_kind": "platform_suggestion", "text": text}
            for place, text in enumerate(each["suggestions"])
        ]
        rows["core_post_deliveries"] += [
            {name: key[name] for name in ("platform", "post_id", "day")} | {"delivery": name}
            for name in each["deliveries"]
        ]
    seen = {(each["platform"], each["account_id"], each["day"]) for each in listed}
    rows["core_accounts"] = [
        {"platform": platform, "account_id": account, "day": day, "roles": ["author"], "first_seen_day": day}
        for platform, account, day in sorted(seen)
    ]
    for name in CORE:
        publish(lake, name, rows[name], days)


def run(
    lake: Lake, *tables: str, embedder: StubEmbedder | None = None, first: date = LAST, **config: Any
) -> dict[str, Any]:
    """Materialise tables for `first` to the last day, without checks; config of the clusters. Metadata of the first."""
    asked = list(tables) or [MINE]
    made = {MINE: hashtag_clusters.asset(lake, embedder or TagEmbedder()), LISTED: post_relevance.asset(lake)}
    if len(asked) > 1:
        made |= {
            "k": cluster_k.asset(lake),
            "links": cluster_identity.asset(lake),
            "says": cluster_summaries.asset(lake),
        }
    assets = [asset for name, asset in made.items() if name in asked or len(asked) > 1]
    inside = {key for asset in assets for key in asset.keys}
    outside = {key for asset in assets for key in asset.dependency_keys} - inside
    specs = [dg.AssetSpec(key, partitions_def=daily(lake.settings)).with_io_manager_key(IO_MANAGER) for key in outside]
    ops = {MINE: {"config": config}} if config else {}
    definitions = dg.Definitions(
        assets=[*assets, *specs],
        jobs=[dg.define_asset_job("job", dg.AssetSelection.assets(*inside), executor_def=dg.in_process_executor)],
        resources={IO_MANAGER: LakeIOManager(lake)},
    )
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def("job").execute_in_process(
            run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}, "ops": ops},
            tags={"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(LAST)},
            instance=instance,
        )
    made_by_key = {
        event.asset_key: event.materialization.metadata for event in result.get_asset_materialization_events()
    }
    return {name: value.value for name, value in made_by_key[dg.AssetKey(asked[0])].items()}


def rows(lake: Lake, where: str = "true", columns: str = "*", table: str = MINE) -> list[dict[str, Any]]:
    with lake.connect() as con:
        lake.register(con, lake.ref(table))
        return con.sql(f"select {columns} from {table} where {where} order by all").to_arrow_table().to_pylist()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Settings(data_root=str(tmp_path / "data"), threads=1, start_day=FIRST, window_days=3))


SPACE = [f"moon_{word}" for word in ("orbit", "lander", "probe", "rover", "crew", "rock", "dust", "base")]
FOOD = [f"soup_{word}" for word in ("onion", "garlic", "bread", "bowl", "spoon", "pot", "chef", "stock")]


def themed() -> list[dict[str, Any]]:
    """Two themes, each in a delivery of its own; a third delivery has no tag."""
    found = []
    for number in range(32):
        own, name = ((SPACE, "space"), (FOOD, "food"))[number % 2]
        tags = [own[number // 2 % 8], own[(number // 2 + 3) % 8], "FYP"]
        found.append(
            post(
                number, tags, account=f"a{number % 5}", day=(FIRST, LAST)[number // 2 % 2],
                deliveries=[f"{name} donor"], suggestions=[f"{own[0][:4]} videos {number % 3}"],
            )
        )  # fmt: skip
    found.append(post(99, deliveries=["silent"], account="mute"))
    return found


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
    monkeypatch.setitem(globals(), "TagEmbedder", lambda: None)
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


# -------------------------------------------------------------------- withdrawals


def test_tags_of_withdrawn_posts_leave_the_rows_and_the_cache(lake: Lake) -> None:
    embedder = TagEmbedder()
    publish_core(lake, [post(1, ["stays"], account="a"), post(2, ["secret", "stays"], account="b")])
    run(lake, embedder=embedder)
    cache = VectorCache(lake, embedder.spec.embedder_id, embedder.width, embedder.spec.told())

    def known(*tags: str) -> list[bool]:
        keys = np.array(text_keys(pa.array(tags)).to_pylist(), "S16")
        fresh = VectorCache(lake, embedder.spec.embedder_id, embedder.width, embedder.spec.told())
        return fresh.known(keys).tolist()

    assert cache.width == embedder.width
    assert known("stays", "secret") == [True, True]
    publish_core(lake, [post(1, ["stays"], account="a")])
    run(lake, embedder=embedder)
    assert [row["tag"] for row in rows(lake)] == ["stays"] * 1
    assert known("stays", "secret") == [True, False]
    page = Path(lake.path("exports", "hashtags", f"day={LAST}", "hashtags.html")).read_text(encoding="utf-8")
    assert "secret" not in page


def test_a_vector_that_a_post_or_another_day_uses_stays(lake: Lake) -> None:
    embedder = TagEmbedder()
    publish_core(lake, [post(1, ["both"], day=FIRST), post(2, ["spoken"], day=FIRST), post(3, ["gone"], day=FIRST)])
    run(lake, embedder=embedder, first=FIRST)
    keys = {tag: text_keys(pa.array([tag]))[0].as_py() for tag in ("both", "spoken", "gone")}
    vector = [1.0] + [0.0] * 63
    cells = {"embedding": vector, "embedder_id": "e" * 16, "text_key": keys["spoken"].hex()}
    publish(
        lake,
        "feat_post_embeddings",
        [{"platform": "tiktok", "post_id": "q", "account_id": "a", "day": FIRST} | cells],
        [FIRST],
    )
    days = lake.days(MINE)
    # The first day still names all tags.
    assert drop_stale(lake, MINE, [LAST], keys_of(pa.array(["both"]))) == 0
    assert drop_stale(lake, MINE, days, keys_of(pa.array(["both"]))) == 1
    fresh = VectorCache(lake, embedder.spec.embedder_id, embedder.width, embedder.spec.told())
    assert fresh.known(np.array([keys["both"], keys["spoken"], keys["gone"]], "S16")).tolist() == [True, True, False]


def test_tags_that_a_dead_run_encoded_go_once_they_are_withdrawn(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = TagEmbedder()

    def known(*tags: str) -> list[bool]:
        cache = VectorCache(lake, embedder.spec.embedder_id, embedder.width, embedder.spec.told())
        return cache.known(np.array(text_keys(pa.array(tags)).to_pylist(), "S16")).tolist()

    def die(*_: Any) -> None:
        raise KernelError("died")

    publish_core(lake, [post(1, ["stays"]), post(2, ["secret", "spoken"], account="b")])
    with monkeypatch.context() as patch:
        patch.setattr(hashtag_clusters, "drop_stale", die)
        with pytest.raises(KernelError, match="died"):
            run(lake, embedder=embedder)
    assert known("stays", "secret", "spoken") == [True] * 3
    publish_core(lake, [post(1, ["stays"])])
    key = text_keys(pa.array(["spoken"]))[0].as_py().hex()
    cells = {"embedding": [1.0] + [0.0] * 63, "embedder_id": "e" * 16, "text_key": key}
    spoken = {"platform": "tiktok", "post_id": "q", "account_id": "a", "day": FIRST} | cells
    publish(lake, "feat_post_embeddings", [spoken], [FIRST])
    # What a run of posts left waits for the next run of posts.
    left = np.array(text_keys(pa.array(["stays"])).to_pylist(), "S16")
    with pytest.raises(KernelError, match="died"), noting_keys(lake) as note:
        die(note(left))
    run(lake, embedder=embedder)
    assert known("stays", "secret", "spoken") == [True, False, True]
    assert (len(abandoned_notes(lake, "tags")), len(abandoned_notes(lake))) == (0, 1)


def test_a_withdrawn_post_whose_text_is_a_tag_leaves_the_tag_its_vector(lake: Lake, tmp_path: Path) -> None:
    embedder = TagEmbedder()
    publish_core(lake, [post(1, ["moon"])])
    run(lake, embedder=embedder)
    keys = text_keys(pa.array(["moon", "gone"]))
    cells = {"platform": "tiktok", "account_id": "a", "day": LAST, "embedding": [1.0] + [0.0] * 63}
    told = [
        cells | {"post_id": f"q{n}", "embedder_id": "e" * 16, "text_key": key.hex()}
        for n, key in enumerate(keys.to_pylist())
    ]
    publish(lake, "feat_post_embeddings", told, [LAST])
    cache = VectorCache(lake, embedder.spec.embedder_id, embedder.width, embedder.spec.told())
    names = np.array(keys.to_pylist(), "S16")
    cache.add(names[1:], np.eye(1, 64, dtype=np.float32), np.ones(1, np.int32), np.zeros(1, bool))
    cache.flush()
    PostVectors(lake, embedder, tmp_path).drop_stale([LAST])
    fresh = VectorCache(lake, embedder.spec.embedder_id, embedder.width, embedder.spec.told())
    assert fresh.known(names).tolist() == [True, False]


def test_a_second_run_encodes_nothing_and_writes_the_same_bytes(lake: Lake) -> None:
    posts = themed()
    publish_core(lake, posts)
    first = TagEmbedder()
    run(lake, embedder=first)
    before = Path(lake.file(MINE, LAST)).read_bytes()
    page = Path(lake.path("exports", "hashtags", f"day={LAST}", "hashtags.html")).read_bytes()
    assert first.n_texts > 0
    publish_core(lake, posts[::-1])
    second = TagEmbedder()
    run(lake, embedder=second)
    assert second.n_texts == 0
    assert Path(lake.file(MINE, LAST)).read_bytes() == before
    assert Path(lake.path("exports", "hashtags", f"day={LAST}", "hashtags.html")).read_bytes() == page


# -------------------------------------------------------------------- the seed's objective


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
