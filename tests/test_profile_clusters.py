"""Profile clusters through the assets: from published accounts and posts to rows, words, maps and samples.

Here: a small lake of three kinds of biographies, hostile ones among them. Not here: how well clusters are found, terms
and their weights (`analysis/test_profile_clusters`, `analysis/test_profile_features`).
"""

from __future__ import annotations

import base64
import gc
import html
import re
import weakref
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest
from cluster_lake import DAY, publish
from conftest import contents
from follow_lake import read
from forgetful import forgetful

from sm_assets.defs import profile_snapshots
from sm_assets.defs.clustering_record import clustering_records
from sm_assets.defs.run import whole_chain
from sm_assets.defs.sql import SQL_ROOT, open_select
from sm_assets.errors import OptionError
from sm_assets.settings import Settings
from sm_assets.storage import Lake

pytestmark = pytest.mark.usefixtures("no_catalogue")

OWN = "out_profile_clusters"
SUMMARIES = ("out_cluster_terms", "out_cluster_topics", "out_cluster_medoids", "out_map_points")
SHARED = (*SUMMARIES, "out_cluster_k", "out_cluster_links", "out_cluster_ids")
EARLIER = DAY - timedelta(1)
THEMES = (
    ["rocket", "orbit", "lander", "telescope", "galaxy", "launch"],
    ["recipe", "oven", "garlic", "butter", "bread", "sauce"],
    ["goal", "striker", "league", "penalty", "keeper", "derby"],
)
N = 60
HOSTILE = {
    "script": "rocket orbit </script><script>alert('bio')</script> \" onmouseover=\"alert(1) lander",
    "nul": "oven\x00 garlic butter \x07 bread",
    "bidi": "\u202egoal striker\u2066 league",
    "huge": "rocket orbit lander " * 50_000,
    "markdown": "garlic | butter `oven` **bread** [x](javascript:alert(1)) # recipe",
    "formula": '=HYPERLINK("http://x.example") goal keeper',
}
BLANK = (None, "", " \t\n ")
WORDLESS = ("the of and", "https://only.example/x", "@somebody", "\u0645\u0631\u062d\u0628\u0627", "12 34")
OWN_WORDS = "Quodlibet Aardvark"


def bios() -> dict[str, str | None]:
    """By account id: sixty of three themes, hostile ones, some without anything to compare."""
    random = np.random.default_rng(5)
    told: dict[str, str | None] = {}
    for number in range(N):
        words = random.choice(THEMES[number % 3], 4, replace=False)
        told[f"a{number:03d}"] = f"I love {' '.join(words)}"
    told["a000"] = f"{OWN_WORDS} {told['a000']}"
    for place, text in enumerate(HOSTILE.values()):
        told[f"h{place}"] = text
    for place, blank in enumerate([*BLANK, *WORDLESS]):
        told[f"z{place}"] = blank
    return told


def publish_world(lake: Lake, told: Mapping[str, str | None], *, days: Iterable[date] = (EARLIER, DAY)) -> None:
    """Accounts with their biographies, and a post each; half of the posts are about a festival."""
    days = list(days)
    posts = [
        {
            "platform": "bluesky", "post_id": f"p {account} {day}", "account_id": account, "post_kind": "post",
            "posted_at": datetime.combine(day, time(9)), "day": day,
            "text": f"See you at the Film Festival {number}" if number % 2 else None,
        }
        for day in days
        for number, account in enumerate(told)
    ]  # fmt: skip
    tags = [
        {
            "platform": "bluesky", "post_id": f"p {account} {days[0]}", "account_id": account, "hashtag": "Cannes24",
            "posted_at": datetime.combine(days[0], time(9)), "hashtag_normalised": "cannes24", "day": days[0],
        }
        for account in list(told)[:2]
    ]  # fmt: skip
    accounts = [
        {
            "platform": "bluesky", "account_id": account, "description": bio, "display_name": f"Name of {account}",
            "roles": ["author"], "first_seen_day": day, "day": day,
        }
        for day in days
        for account, bio in told.items()
    ]  # fmt: skip
    publish(lake, "core_posts", posts, days)
    publish(lake, "core_post_hashtags", tags, days)
    publish(lake, "core_accounts", accounts, days)


def materialise(
    lake: Lake, tables: Iterable[str] = (OWN,), *, days: tuple[date, date] = (DAY, DAY), **config: Any
) -> dict[str, dict[str, Any]]:
    """Run the assets; metadata by table."""
    job = whole_chain(lake.settings)
    result = job.execute_in_process(
        run_config={
            "ops": {OWN: {"config": {"auto_clusters": False, "n_clusters": 3, "snapshots": "every_day", **config}}}
        }
        | {"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
        tags={
            f"dagster/asset_partition_range_{end}": str(day) for end, day in zip(("start", "end"), days, strict=True)
        },
        asset_selection=[dg.AssetKey(table) for table in tables],
        instance=forgetful(),
    )
    return {
        event.asset_key.path[-1]: {name: value.value for name, value in event.materialization.metadata.items()}
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }


def of_model(lake: Lake, model: str, day: date = DAY) -> dict[str, dict[str, Any]]:
    return {row["account_id"]: row for row in read(lake, OWN, day).to_pylist() if row["model"] == model}


def samples(lake: Lake, day: date = DAY) -> str:
    with lake.fs.open(lake.path("exports", "profiles", f"day={day}", "samples.md"), "r", encoding="utf-8") as source:
        return str(source.read())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, dict[str, dict[str, Any]]]:
    lake = Lake(
        Settings(
            data_root=str(tmp_path_factory.mktemp("profiles")), profile="tiny", threads=1, start_day=DAY - timedelta(9)
        )
    )
    publish_world(lake, bios())
    return lake, materialise(lake, (OWN, *SHARED), days=(EARLIER, DAY))


def test_every_account_has_a_status_in_both_models(made: tuple[Lake, dict[str, dict[str, Any]]]) -> None:
    said = bios()
    for model in ("kmeans", "hdbscan"):
        rows = of_model(made[0], model)
        assert set(rows) == set(said)
        assert {rows[f"z{place}"]["status"] for place in range(len(BLANK))} == {"no_bio"}
        assert {rows[f"z{place}"]["status"] for place in range(len(BLANK), len(BLANK + WORDLESS))} == {"no_known_word"}
        by_theme = [{rows[f"a{number:03d}"]["cluster_id"] for number in range(theme, N, 3)} for theme in range(3)]
        assert [len(numbers) for numbers in by_theme] == [1, 1, 1]
        assert set.union(*by_theme) == {0, 1, 2}
        assert all(row["bio"] == said[account] for account, row in rows.items() if row["status"] != "no_bio")
        assert rows["h3"]["cluster_id"] == rows["a000"]["cluster_id"]  # a megabyte
        assert (rows["a001"]["display_name"], rows["a001"]["bio_lang"]) == ("Name of a001", "en")
    assert len({row["params_hash"] for row in read(made[0], OWN, DAY).to_pylist()}) == 2


def test_clusters_are_told_by_terms_and_biographies(made: tuple[Lake, dict[str, dict[str, Any]]]) -> None:
    lake = made[0]
    for analysis, model in (("profiles_kmeans", "kmeans"), ("profiles_hdbscan", "hdbscan")):
        rows = of_model(lake, model)
        theme_of = {rows[f"a{theme:03d}"]["cluster_id"]: set(THEMES[theme]) for theme in range(3)}
        terms = [row for row in read(lake, "out_cluster_terms", DAY).to_pylist() if row["analysis"] == analysis]
        for number, theme in theme_of.items():
            own = [row for row in terms if row["cluster_id"] == number]
            assert [row["rank"] for row in own] == list(range(1, len(own) + 1))
            assert {row["term"] for row in own[:6]} == theme
            assert all(row["weight"] > 0 and row["n_accounts"] > 1 for row in own)
            members = [row["bio"] for row in rows.values() if row["cluster_id"] == number]
            assert own[0]["n_accounts"] == sum(own[0]["term"] in re.split(r"\W+", bio) for bio in members)
        for row in read(lake, "out_cluster_medoids", DAY).to_pylist():
            if row["analysis"] == analysis:
                assert row["post_id"] is None
                assert rows[row["account_id"]]["bio"] == row["text"]
                assert rows[row["account_id"]]["cluster_id"] == row["cluster_id"]
    assert not len(read(lake, "out_cluster_topics", DAY))
    numbers = Counter(row["analysis"] for row in read(lake, "out_cluster_k", DAY).to_pylist())
    assert numbers == {"profiles_kmeans": 1, "profiles_hdbscan": 1}
    lives = {row["event"] for row in read(lake, "out_cluster_ids", DAY).to_pylist()}
    assert lives == {"continued"}


def test_both_models_share_the_places_of_the_map(made: tuple[Lake, dict[str, dict[str, Any]]]) -> None:
    lake, told = made
    points = read(lake, "out_map_points", DAY).to_pylist()
    places: dict[str, dict[str, tuple[float, float]]] = {}
    for point in points:
        places.setdefault(point["analysis"], {})[point["item_id"]] = (point["x"], point["y"])
    assert places["profiles_kmeans"] == places["profiles_hdbscan"]
    placed = {account for account in bios() if not account.startswith("z")}
    assert set(places["profiles_kmeans"]) == placed
    assert max(len(point["text"]) for point in points) < 500
    with lake.fs.open(told["out_map_points"]["page_profiles_kmeans"], "r", encoding="utf-8") as source:
        page = source.read()
    assert "<script>alert('bio')" not in page
    assert "alert(" in page


def test_samples_lie_in_a_file_and_run_nothing(made: tuple[Lake, dict[str, dict[str, Any]]]) -> None:
    lake, told = made
    text = samples(lake)
    assert told[OWN]["samples"] == lake.path("exports", "profiles", f"day={DAY}", "samples.md")
    for section in text.split("\n## ")[1:]:
        listed = re.findall(r"^\d+\. (.*)$", section, re.MULTILINE)
        assert len(listed) == len(set(listed)) == 3 * (3 + 12)
    assert "<script" not in text
    assert "\u202e" not in text
    assert "\x00" not in text
    assert "**bread**" not in text
    assert max(map(len, text.splitlines())) < 400
    assert OWN_WORDS in text


def test_metadata_holds_nothing_that_people_say_of_themselves(made: tuple[Lake, dict[str, dict[str, Any]]]) -> None:
    told = str(made[1])
    told += "".join(base64.b64decode(found).decode() for found in re.findall(r"base64,([\w+/=]+)", told))
    assert "Sizes of clusters" in told
    assert "no_known_word" in told
    told = html.unescape(told)
    assert not [bio for bio in bios().values() if bio and len(bio) > 12 and bio[:60] in told]
    for word in (*OWN_WORDS.split(), "Name of", "HYPERLINK"):
        assert word not in told


def test_what_is_purged_is_gone_after_its_days_are_made_again(lake: Lake) -> None:
    said = bios()
    publish_world(lake, said, days=[DAY])
    materialise(lake, (OWN, *SUMMARIES))
    # That it can be found where it is: files are compressed.
    assert holding(lake, OWN_WORDS) >= {"out_profile_clusters", "out_map_points", "exports"}
    del said["a000"]
    publish_world(lake, said, days=[DAY])
    materialise(lake, (OWN, *SUMMARIES))
    assert holding(lake, OWN_WORDS) == set()


def holding(lake: Lake, text: str) -> set[str]:
    """Tables and folders of files that hold a text."""
    found = {
        table for table in (OWN, *SHARED) for day in lake.days(table) if text in str(read(lake, table, day).to_pylist())
    }
    files = [path for path in Path(lake.settings.data_root, "exports").rglob("*") if path.is_file()]
    return found | {"exports" for path in files if text in path.read_text(encoding="utf-8")}


def test_two_threads_give_the_same_rows(made: tuple[Lake, dict[str, dict[str, Any]]], settings: Settings) -> None:
    lake = Lake(replace(settings, threads=2, start_day=made[0].settings.start_day))
    publish_world(lake, dict(reversed(bios().items())), days=(EARLIER, DAY))
    materialise(lake, (OWN,), days=(DAY, DAY))

    def only(root: str) -> dict[str, dict[bytes, bytes]]:
        return {name: value for name, value in contents(Path(root)).items() if f"{OWN}/day={DAY}" in name}

    assert len(only(lake.settings.data_root)) == 1
    assert only(lake.settings.data_root) == only(made[0].settings.data_root)


def test_one_snapshot_is_in_memory_at_a_time(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    alive: list[weakref.ref[Any]] = []

    class Watched(profile_snapshots.Snapshot):
        """The same, but it can be watched."""

    def watched(*given: Any) -> Watched:
        gc.collect()
        assert len([each for each in alive if each() is not None]) <= 1
        found = snapshot(*given)
        made = Watched(found.rows, found.records, found.told, found.samples)
        alive.append(weakref.ref(made))
        return made

    snapshot = profile_snapshots.snapshot
    monkeypatch.setattr(profile_snapshots, "snapshot", watched)
    days = [DAY - timedelta(number) for number in (3, 2, 1, 0)]
    publish_world(lake, dict(list(bios().items())[:30]), days=days)
    materialise(lake, days=(days[0], DAY))
    assert len(alive) == len(days)
    for day in days:
        assert f"by cluster on {day}" in samples(lake, day)


def test_about_keeps_accounts_that_posted_about_it(lake: Lake) -> None:
    said = bios()
    publish_world(lake, said)
    told = materialise(lake, about=["film festival", "#Cannes24"])
    wanted = {account for number, account in enumerate(said) if number % 2} | set(list(said)[:2])
    assert set(of_model(lake, "kmeans")) == wanted
    assert told[OWN]["accounts_not_about"] == len(said) - len(wanted)
    records = clustering_records(lake, OWN, DAY)
    assert {record.parameters["about"] == ["#Cannes24", "film festival"] for record in records.values()} == {True}


def test_the_choices_of_the_tutorial_are_parameters(lake: Lake) -> None:
    publish_world(lake, bios(), days=[DAY])
    choices = {
        "url_rule": "dotted", "tokenizer": "tweet/1", "token_rule": "all", "stop_word_languages": ["en", "fr"],
        "min_features": 0, "bios_per_feature": 4, "min_df": 1, "k_table": [2, 4], "hdbscan_space": "terms",
        "hdbscan_size_min": 10,
    }  # fmt: skip
    materialise(lake, **choices)
    records = clustering_records(lake, OWN, DAY)
    assert records["profiles_hdbscan"].record["spec"]["reduce"] == "none"
    assert records["profiles_hdbscan"].parameters["hdbscan_space"] == "terms"
    assert records["profiles_kmeans"].record["features"]["n_features"] == (N + len(HOSTILE) + len(WORDLESS)) // 4
    assert records["profiles_kmeans"].record["features"]["languages"] == ["en", "fr"]
    table = records["profiles_kmeans"].k_table
    assert [(row["k"], row["chosen"]) for row in table] == [(2, False), (3, True), (4, False)]


def test_too_few_biographies_for_the_tutorials_rule_are_refused(lake: Lake) -> None:
    publish_world(lake, bios(), days=[DAY])
    with pytest.raises(OptionError, match="71 biographies give no term: there is one to 100"):
        materialise(lake, min_features=0)


def test_a_day_without_biographies_has_statuses_and_no_cluster(lake: Lake) -> None:
    publish_world(lake, {f"a{number}": None for number in range(3)}, days=[DAY])
    told = materialise(lake, (OWN, *SUMMARIES), auto_clusters=True)
    assert {row["status"] for row in of_model(lake, "kmeans").values()} == {"no_bio"}
    assert samples(lake).count("No cluster.") == 2
    assert told["out_map_points"]["rows_out"] == 0


BROKEN = {
    "members_have_a_cluster": [{"cluster_id": None}, {"strength": None}, {"status": "no_bio"}],
    "accounts_in_both_models": [{"account_id": "b"}, {"bio": "other"}, {"status": "no_bio"}],
    "numbers_by_size": [{"cluster_id": 1}],
}


@pytest.mark.parametrize("name", BROKEN)
def test_checks_find_what_is_broken(made: tuple[Lake, dict[str, dict[str, Any]]], lake: Lake, name: str) -> None:
    path = SQL_ROOT / "checks" / OWN / f"{name}.sql"

    def broken(of: Lake) -> int:
        with of.connect() as con:
            return len(open_select(con, of, path, [of.ref(OWN, [DAY])], [DAY]).to_arrow_table())

    assert broken(made[0]) == 0
    row = {
        "platform": "bluesky", "account_id": "a", "status": "member", "cluster_id": 0, "strength": 1.0, "bio": "moon",
        "bio_lang": "en", "n_terms": 1, "params_hash": "a" * 16, "day": DAY,
    }  # fmt: skip
    for change in BROKEN[name]:
        publish(lake, OWN, [row | {"model": "kmeans"}, row | {"model": "hdbscan"} | change], [DAY])
        assert broken(lake) >= 1
