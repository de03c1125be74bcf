"""Volumes and frequent word sequences of windows, through the assets over a small lake, against counts by hand.

Here: what the tables hold, what the pages show of them. Not here: counting one batch (`analysis/test_ngrams`).
"""

from __future__ import annotations

import base64
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import dagster as dg
import numpy as np
import pyarrow as pa
import pytest
from cluster_lake import publish
from conftest import digests
from follow_lake import read
from forgetful import forgetful

from sm_assets.analysis.ngrams import NgramRules
from sm_assets.analysis.stop_words import stop_words
from sm_assets.analysis.tokens import tokenise
from sm_assets.contracts import TABLES
from sm_assets.defs.assets import ngrams, post_volumes, sql
from sm_assets.defs.assets.declare import IO_MANAGER
from sm_assets.defs.io import LakeIOManager
from sm_assets.defs.ngram_counts import frequent_ngrams
from sm_assets.defs.partitions import daily
from sm_assets.defs.sql import check_files, open_select, upstreams
from sm_assets.errors import OptionError
from sm_assets.settings import Settings
from sm_assets.storage import Lake

pytestmark = pytest.mark.usefixtures("no_catalogue")

FIRST = date(2024, 3, 1)
WINDOW = 3
OVERVIEW = ("feat_post_volumes", "out_post_volumes", "out_ngrams")
WORDS = ["the", "moon", "is", "a", "goal", "of", "mine", "and", "orbit", "#space", "party", "vote", "for", "me", "🚀"]
HOSTILE = (
    "<script>alert(1)</script>",
    '=HYPERLINK("http://x.example")',
    "rocket\x00 orbit\u202egnp.exe \ufffd",
    "orbit party " * 60_000,
    " \t\n",
    "",
    "]]>&lt;b&gt;",
)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def posts_of(*numbers: int, seed: int = 1, n: int = 60) -> list[dict[str, Any]]:
    """Posts of some days: two platforms, five accounts, three languages, a text each, none or a few words."""
    draw = np.random.default_rng(seed)
    rows = []
    for number in range(n):
        when = datetime.combine(day(int(draw.choice(numbers))), time()) + timedelta(
            hours=int(draw.integers(24)), minutes=int(draw.integers(3)), seconds=int(draw.integers(60))
        )
        rows.append(
            {
                "platform": ("bluesky", "bluesky", "twitter")[draw.integers(3)],
                "post_id": f"p{number}",
                "account_id": f"a{draw.integers(5)}",
                "posted_at": when,
                "post_kind": "post",
                "text": None if number % 11 == 0 else " ".join(draw.choice(WORDS, draw.integers(1, 9))),
                "lang": ("en", "en", "en", "de", "und")[draw.integers(5)],
                "day": when.date(),
            }
        )
    return rows


def fill(lake: Lake, rows: Iterable[Mapping[str, Any]], numbers: Iterable[int]) -> None:
    """Core posts and their languages on days, those without a post empty."""
    days = [day(number) for number in numbers]
    for table in ("core_posts", "feat_post_language"):
        own = [{name: value for name, value in row.items() if name in TABLES[table].by_name} for row in rows]
        publish(lake, table, own, days)


def broken_rows(lake: Lake, tables: Iterable[str]) -> dict[str, list[Any]]:
    """Rows that the checks of the tables find, by check."""
    found = {}
    for path in (path for path in check_files() if path.parent.name in tables):
        with lake.connect() as con:
            rows = open_select(con, lake, path, [lake.ref(name) for name in upstreams(path)], []).fetchall()
        if rows:
            found[path.stem] = rows
    return found


def materialise(
    lake: Lake, first: int, last: int, *, tables: Iterable[str] = OVERVIEW, **config: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Run the assets for as-of days; metadata by table. No check may find a row."""
    made = {"out_post_volumes": post_volumes, "out_ngrams": ngrams}
    chosen = {table: {"snapshots": "every_day", **config.get(table, {})} for table in made if table in tables}
    inputs = [
        dg.AssetSpec(name, partitions_def=daily(lake.settings)).with_io_manager_key(IO_MANAGER)
        for name in ("core_posts", "feat_post_language", "feat_post_volumes")
        if name not in tables
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        assets = [each for each in sql.assets(lake) if each.key.path[-1] in tables]
        assets += [made[table].asset(lake) for table in tables if table in made]
    result = dg.materialize(
        [*inputs, *assets],
        resources={IO_MANAGER: LakeIOManager(lake)},
        run_config={"ops": {step: {"config": dict(values)} for step, values in (config | chosen).items()}}
        | {"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
        tags={f"dagster/asset_partition_range_{end}": str(day(at)) for end, at in (("start", first), ("end", last))},
        instance=forgetful(),
    )
    assert broken_rows(lake, tables) == {}
    return {
        event.asset_key.path[-1]: {name: value.value for name, value in event.materialization.metadata.items()}
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }


@pytest.fixture
def lake(data_root: Path) -> Lake:
    """A lake whose windows have three days."""
    return Lake(Settings(data_root=str(data_root), profile="tiny", threads=1, start_day=FIRST, window_days=WINDOW))


def rows_of(lake: Lake, table: str, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(lake, table, day(number)).to_pylist()
    return found


# ---------------------------------------------------------------------- volumes


def volumes_by_hand(posts: list[dict[str, Any]], known: list[int]) -> dict[tuple[str, str, datetime], tuple[int, int]]:
    inside = [row for row in posts if row["day"] in {day(number) for number in known}]
    found: dict[tuple[str, str, datetime], tuple[int, int]] = {}
    for platform in {row["platform"] for row in inside}:
        for number in known:
            start = datetime.combine(day(number), time())
            spans = [("hour", start + timedelta(hours=hour), timedelta(hours=1)) for hour in range(24)]
            for resolution, begins, length in [*spans, ("day", start, timedelta(days=1))]:
                own = [
                    row["account_id"]
                    for row in inside
                    if row["platform"] == platform and begins <= row["posted_at"] < begins + length
                ]
                found[resolution, platform, begins] = (len(own), len(set(own)))
    return found


def test_hours_and_days_are_those_by_hand_and_unknown_days_have_no_row(lake: Lake) -> None:
    # Day 1 is known and empty, nothing speaks of day 3.
    posts = posts_of(0, 2, 4)
    posts[0] |= {"posted_at": datetime.combine(day(4), time(23, 59, 59, 999_999)), "day": day(4), "platform": "tiktok"}
    fill(lake, posts, [0, 1, 2, 4])
    materialise(lake, 0, 5)
    for as_of, known in ((0, [0]), (1, [0, 1]), (2, [0, 1, 2]), (3, [1, 2]), (4, [2, 4])):
        rows = rows_of(lake, "out_post_volumes", as_of)
        found = {
            (row["resolution"], row["platform"], row["bucket_at"]): (row["n_posts"], row["n_accounts"]) for row in rows
        }
        assert found == volumes_by_hand(posts, known)
        assert len(found) == len(rows)
    assert not lake.ref("out_post_volumes", [day(5)]).days
    minutes = Counter((row["platform"], row["posted_at"].replace(second=0, microsecond=0)) for row in posts)
    found_minutes = [row for number in (0, 2, 4) for row in rows_of(lake, "feat_post_volumes", number)]
    assert {(row["platform"], row["minute_at"]): row["n_posts"] for row in found_minutes} == minutes
    accounts = defaultdict(set)
    for row in posts:
        accounts[row["platform"], row["posted_at"].replace(second=0, microsecond=0)].add(row["account_id"])
    assert {(row["platform"], row["minute_at"]): row["n_accounts"] for row in found_minutes} == {
        key: len(own) for key, own in accounts.items()
    }


def test_snapshots_are_made_as_asked(lake: Lake) -> None:
    fill(lake, posts_of(0, 1, 2, 3), range(4))
    chosen = {name: {"snapshots": "last_day"} for name in ("out_post_volumes", "out_ngrams")}
    told = materialise(lake, 0, 3, **chosen)
    for table in chosen:
        assert lake.days(table) == [day(3)]
        # These days had input.
        left_out = told[table]["days_not_published"]
        assert left_out.startswith("3 of 4 days")
        assert "left out by snapshots: last_day" in left_out


# ---------------------------------------------------------------------- n-grams


def is_word(token: str) -> bool:
    return not (token.startswith(("@", "<")) or (any(map(str.isdigit, token)) and not any(map(str.isalpha, token))))


def ngrams_by_hand(
    posts: list[dict[str, Any]], listed: Mapping[str, set[str]], n_top: int, min_accounts: int
) -> list[tuple[Any, ...]]:
    """(platform, lang, n, ngram, rank, posts, accounts, occurrences)."""
    every = stop_words(sorted(set().union(*listed.values()))).words
    seen: dict[tuple[Any, ...], list[tuple[str, str]]] = defaultdict(list)
    for row in posts:
        tokens = tokenise(pa.array([row["text"]], pa.string())).to_pylist()[0]
        own = row["lang"] in listed[row["platform"]]
        stop = stop_words([row["lang"]]).words if own else every
        for n in range(1, 5):
            for first in range(len(tokens) - n + 1):
                words = tokens[first : first + n]
                if all(map(is_word, words)) and words[0] not in stop and words[-1] not in stop:
                    for scope in [row["lang"], "all"] if own else ["all"]:
                        seen[row["platform"], scope, n, " ".join(words)].append((row["post_id"], row["account_id"]))
    lists = defaultdict(list)
    for (platform, scope, n, ngram), uses in seen.items():
        accounts = len({account for _, account in uses})
        if accounts >= min_accounts:
            lists[platform, scope, n].append((-len({post for post, _ in uses}), -accounts, ngram, len(uses)))
    return sorted(
        (*key, ngram, rank, -posts, -accounts, times)
        for key, rows in lists.items()
        for rank, (posts, accounts, ngram, times) in enumerate(sorted(rows)[:n_top], 1)
    )


def found_ngrams(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    names = ("platform", "lang", "n", "ngram", "rank", "n_posts", "n_accounts", "n_occurrences")
    return sorted(tuple(row[name] for name in names) for row in rows)


@pytest.mark.parametrize(("n_top", "min_accounts"), [(50, 2), (3, 1)])
def test_ngrams_are_those_by_hand(lake: Lake, n_top: int, min_accounts: int) -> None:
    posts = posts_of(0, 1, 2, 3, n=150)
    fill(lake, posts, range(4))
    config = {"n_top": n_top, "min_accounts": min_accounts, "min_language_share": 0.3}
    told = materialise(lake, 3, 3, out_ngrams=config)["out_ngrams"]
    inside = [row for row in posts if row["day"] > day(0)]
    listed = {}
    for platform in ("bluesky", "twitter"):
        langs = Counter(row["lang"] for row in inside if row["platform"] == platform)
        listed[platform] = {lang for lang, n in langs.items() if lang != "und" and n >= 0.3 * langs.total()}
    assert {platform: set(langs) for platform, langs in told["languages"].items()} == listed
    assert listed == {"bluesky": {"en"}, "twitter": {"en"}}
    assert found_ngrams(rows_of(lake, "out_ngrams", 3)) == ngrams_by_hand(inside, listed, n_top, min_accounts)


@pytest.mark.parametrize("batch_posts", [1, 2, 7, 1000])
def test_batches_of_any_size_give_the_same_even_inside_an_account(
    lake: Lake, data_root: Path, batch_posts: int
) -> None:
    posts = sorted(posts_of(0, n=80), key=lambda row: (row["platform"], row["account_id"]))
    posts = [row for row in posts if row["text"] is not None]
    listed = {"bluesky": {"en", "de"}, "twitter": {"en"}}
    rules = NgramRules(stop_words={lang: stop_words([lang]).words for lang in ("de", "en")})
    rules = replace(rules, other_stop_words=stop_words(["de", "en"]).words)
    table = pa.table(
        {name: [row[name] for row in posts] for name in ("platform", "account_id", "lang", "text")}
        | {"is_cut": [False] * len(posts)}
    )
    # Batches as small as can be: what is read at once must not matter either.
    batches = pa.Table.from_batches([batch for row in range(len(posts)) for batch in table.slice(row, 1).to_batches()])
    with lake.connect() as con:
        found = frequent_ngrams(
            con, _Relation(batches), {name: sorted(langs) for name, langs in listed.items()}, rules, data_root,
            n_top=1000, min_accounts=1, every="all", batch_posts=batch_posts,
        )  # fmt: skip
    assert found_ngrams(found.table.to_pylist()) == ngrams_by_hand(posts, listed, 1000, 1)
    assert found.counts["counted"] == len(posts)


class _Relation:
    """A table that is read row by row."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def to_arrow_reader(self, _: int) -> pa.RecordBatchReader:
        return self._table.to_reader()


def test_no_order_of_rows_changes_a_byte(lake: Lake) -> None:
    posts = posts_of(0, 1, n=100)
    fill(lake, posts, [0, 1])
    materialise(lake, 0, 1)
    before = {
        path: each for path, each in digests(Path(lake.settings.data_root)).items() if path.split("/")[1] in OVERVIEW
    }
    assert len(before) == 6
    fill(lake, posts[::-1], [0, 1])
    materialise(lake, 0, 1)
    after = digests(Path(lake.settings.data_root))
    assert {path: after[path] for path in before} == before


# ------------------------------------------------------------- what people wrote


def texts_in(value: Any) -> str:
    """All that a page would show, figures read."""
    told = str(value)
    return told + "".join(base64.b64decode(found).decode() for found in re.findall(r"base64,([A-Za-z0-9+/=]+)", told))


def test_words_of_one_account_stand_in_the_table_only_and_go_with_its_posts(lake: Lake) -> None:
    posts = posts_of(0, 1, n=100)
    secret = [
        posts[0] | {"post_id": f"s{number}", "text": "zeppelin quodlibet moon", "lang": "en"} for number in range(50)
    ]
    fill(lake, [*posts, *secret], [0, 1])
    told = materialise(lake, 0, 1, out_ngrams={"min_accounts": 1})
    assert "zeppelin quodlibet" in {row["ngram"] for row in rows_of(lake, "out_ngrams", 1)}
    assert "moon" in texts_in(told)
    assert "zeppelin" not in texts_in(told)
    fill(lake, posts, [0, 1])
    materialise(lake, 0, 1, out_ngrams={"min_accounts": 1, "snapshots": "weekly"})
    for number in (0, 1):
        assert not [row for row in rows_of(lake, "out_ngrams", number) if "zeppelin" in row["ngram"]]


def test_hostile_texts_do_no_harm(lake: Lake) -> None:
    posts = [
        {
            "platform": "bluesky",
            "post_id": f"h{number}{account}",
            "account_id": f"a{account}",
            "posted_at": datetime.combine(FIRST, time(number, account)),
            "text": text,
            "lang": "en",
            "day": FIRST,
        }
        for number, text in enumerate(HOSTILE)
        for account in range(3)
    ]
    fill(lake, posts, [0])
    told = materialise(lake, 0, 0)
    words = {row["ngram"] for row in rows_of(lake, "out_ngrams", 0)}
    assert {"script", "alert", "hyperlink", "orbit party"} <= words
    for table, name in (
        ("out_ngrams", "frequent_words"),
        ("out_post_volumes", "posts_by_hour"),
        ("out_post_volumes", "busiest_day"),
    ):
        svg = base64.b64decode(told[table][name].split("base64,")[1].rstrip(")"))
        assert "script" not in {node.tag.split("}")[1] for node in ET.fromstring(svg).iter()}  # noqa: S314  # our own
    counts = {row.data["what"]: row.data["posts"] for row in told["out_ngrams"]["posts"].records}
    assert counts == {"posts": 21, "without_text": 0, "posts_with_text": 21, "cut": 3, "not_about": 0, "counted": 21}


def test_nothing_to_count_is_no_error(lake: Lake) -> None:
    posts = posts_of(0)
    fill(lake, [], [0])
    told = materialise(lake, 0, 0)
    assert "no posts in this window" in told["out_post_volumes"]["posts_by_hour"]
    assert rows_of(lake, "out_ngrams", 0) == rows_of(lake, "out_post_volumes", 0) == []
    fill(lake, posts, [0])
    told = materialise(lake, 0, 0, out_ngrams={"about": ["#unheard"]})
    assert rows_of(lake, "out_ngrams", 0) == []
    assert "no sequence is used" in told["out_ngrams"]["frequent_words"]


def test_about_narrows_the_posts_and_its_nonsense_is_refused(lake: Lake) -> None:
    fill(lake, posts_of(0, n=200), [0])
    materialise(lake, 0, 0, out_ngrams={"min_accounts": 1, "n_top": 100_000})
    every = {row["ngram"]: row["n_posts"] for row in rows_of(lake, "out_ngrams", 0) if row["lang"] == "all"}
    materialise(lake, 0, 0, out_ngrams={"about": ["#SPACE"], "min_accounts": 1, "n_top": 100_000})
    rows = [row for row in rows_of(lake, "out_ngrams", 0) if row["lang"] == "all" and row["platform"] == "bluesky"]
    narrow = {row["ngram"]: row["n_posts"] for row in rows}
    assert max(narrow.values()) == narrow["#space"] > 1
    assert set(narrow) < set(every)
    with pytest.raises(OptionError, match="which holds no word"):
        materialise(lake, 0, 0, out_ngrams={"about": ["..."]})
