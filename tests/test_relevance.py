"""Which posts lists point out: the seed's rules on its own data, the default rules, and lists that cannot be used.

Here: the sample data of TikTok for the seed's figures, small lists for the rest. Not here: parsing of TikTok's files
(`sources/test_tiktok_shared`), clusters of the tags (`test_hashtag_clusters`).
"""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sm_assets.analysis.relevance import (
    KINDS,
    ROWS,
    Finder,
    parse_differences,
    seed_elements,
    seed_hashtags,
    seed_relevance,
)
from sm_assets.analysis.user_lists import UserLists, bare, entries
from sm_assets.contracts import TABLES
from sm_assets.defs.user_lists import digests_by_day, list_names, lists_metadata, made_otherwise, read_lists
from sm_assets.errors import InputError, KernelError, OptionError
from sm_assets.sources.list_literals import read_list
from sm_assets.storage import Lake

pytestmark = pytest.mark.usefixtures("no_catalogue")

DAY = date(2024, 3, 1)
DONORS = {"33534": (70, 72, 77, 76), "48271": (6, 6, 6, 6), "38129": (0, 0, 0, 0)}


def carried(*things: tuple[str, str, str], platform: str = "tiktok", day: date = DAY) -> pa.RecordBatch:
    """Rows of (post, kind, value)."""
    rows = [
        {"platform": platform, "post_id": post, "day": day, "kind": kind, "value": value}
        for post, kind, value in things
    ]
    kinds = [("platform", pa.string()), ("post_id", pa.string()), ("day", pa.date32())]
    return pa.RecordBatch.from_pylist(rows, pa.schema([*kinds, ("kind", pa.string()), ("value", pa.string())]))


# -------------------------------------------------------------------- the seed's data


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def news(shared_data: Path) -> UserLists:
    found = {}
    for kind in ("hashtags", "creators"):
        with (shared_data / "tiktok" / "news_lists" / f"news_{kind}.csv").open(encoding="utf-8", newline="") as file:
            found[kind] = entries(csv.reader(file), kind)
    return UserLists("news", **found)


@pytest.fixture(scope="module")
def raw(shared_data: Path) -> dict[str, list[dict[str, str]]]:
    folder = shared_data / "tiktok" / "raw_metadata"
    return {donor: table(folder / f"results_{donor}.csv") for donor in DONORS}


def by_seed(rows: list[dict[str, str]], lists: UserLists, **options: Any) -> list[int]:
    found = seed_relevance(
        [row["video_description"] for row in rows],
        [row["suggested_words"] for row in rows],
        [row["author_username"] for row in rows],
        [row["video_locationcreated"] for row in rows],
        [row["video_is_ad"] == "True" for row in rows],
        hashtags=lists.hashtags,
        creators=lists.creators,
        **options,
    )
    return [int(place) for place in found.kept.nonzero()[0]]


def by_default(rows: list[dict[str, str]], lists: UserLists) -> tuple[list[int], Counter[str]]:
    """Rows of the country that are no advertisements and that the default rules find."""
    things = []
    for place, row in enumerate(rows):
        if row["video_locationcreated"] == "US" and row["video_is_ad"] != "True":
            things += [(str(place), "hashtag", tag) for tag in seed_hashtags(row["video_description"])]
            things += [(str(place), "suggestion", part.strip()) for part in row["suggested_words"].split(",")]
            things.append((str(place), "author", row["author_username"]))
    finder = Finder([lists])
    if things:
        finder.take(carried(*things))
    return sorted(int(post) for post in finder.table()["post_id"].to_pylist()), finder.counts


@pytest.mark.shared_data
@pytest.mark.parametrize("donor", DONORS)
def test_the_seeds_rules_keep_the_seeds_videos_in_its_order(
    shared_data: Path, raw: dict[str, list[dict[str, str]]], news: UserLists, donor: str
) -> None:
    rows = raw[donor]
    kept = by_seed(rows, news)
    expected = table(shared_data / "tiktok" / "news_relevant" / f"news_relevant_videos_{donor}.csv")
    assert [rows[place]["video_id"] for place in kept] == [row["video_id"] for row in expected]
    assert len(kept) == DONORS[donor][0]
    assert len(by_seed(rows, news, tidy_suggestions=True)) == DONORS[donor][1]


@pytest.mark.shared_data
@pytest.mark.parametrize("donor", DONORS)
def test_the_default_rules_find_what_the_seed_misses(
    raw: dict[str, list[dict[str, str]]], news: UserLists, donor: str
) -> None:
    rows = raw[donor]
    found, _ = by_default(rows, news)
    assert (len(found), len({rows[place]["video_id"] for place in found})) == DONORS[donor][2:]
    assert set(by_seed(rows, news)) <= set(found)


@pytest.mark.shared_data
def test_why_the_default_rules_find_more(raw: dict[str, list[dict[str, str]]], news: UserLists) -> None:
    counts: Counter[str] = Counter()
    for rows in raw.values():
        counts += by_default(rows, news)[1]
    assert counts == {
        "news: hashtag, as_written": 79,
        "news: author, as_written": 36,
        "news: suggestion, as_written": 4,
        # Creators written with capitals or a blank; suggested searches with capitals.
        "news: author, entry": 5,
        "news: suggestion, value": 2,
    }
    # Entries that the seed's rules can never meet: hashtags are compared in lower case.
    assert sum(entry != "".join(entry.split()).lower() for entry in news.hashtags) == 6


@pytest.mark.shared_data
def test_how_reading_alone_differs_on_the_seeds_files(shared_data: Path) -> None:
    counts: dict[str, Counter[str]] = {"hashtags": Counter(), "suggested_words": Counter()}
    for donor in ("26301", *DONORS):
        for row in table(shared_data / "tiktok" / "news_relevant" / f"news_relevant_videos_{donor}.csv"):
            for column in counts:
                own = [part.strip() for part in read_list(row[column]) or [] if part.strip()]
                counts[column] += parse_differences([seed_elements(row[column])], [own])
    assert counts["hashtags"] == {
        "rows": 311, "rows_differ": 1, "both": 2_156, "only_seed/quotes": 1, "only_ours/quotes": 1,
    }  # fmt: skip
    assert counts["suggested_words"]["rows_differ"] == 20
    assert counts["suggested_words"]["both"] + counts["suggested_words"]["only_ours/quotes"] == 1_773 + 466 + 20


# -------------------------------------------------------------------- the default rules


def test_capitals_blanks_and_signs_match_by_default_and_not_by_the_seeds_rules() -> None:
    lists = UserLists("x", (" Us News", "#Climate ", "ＷＡＲ", "plain"), ("@BBC ", "cnn"))
    things = {
        "a": ("hashtag", "usnews"),
        "b": ("hashtag", "CLIMATE"),
        "c": ("hashtag", "war"),
        "d": ("hashtag", "plain"),
        "e": ("suggestion", "us news"),
        "f": ("suggestion", "Plain"),
        "g": ("author", "bbc"),
        "h": ("author", "CNN"),
        "i": ("author", "cnn"),
        "j": ("hashtag", "wars"),
        "k": ("author", "plain"),
        "l": ("hashtag", "cnn"),
        "m": ("suggestion", "plain truth"),
    }
    finder = Finder([lists])
    finder.take(carried(*((post, kind, value) for post, (kind, value) in things.items())))
    rows = finder.table().to_pylist()
    assert {row["post_id"]: row["matches"] for row in rows} == {
        "a": ["#usnews"], "b": ["#climate"], "c": ["#war"], "d": ["#plain"], "e": ["usnews"], "f": ["plain"],
        "g": ["@bbc"], "h": ["@cnn"], "i": ["@cnn"],
    }  # fmt: skip
    assert {row["post_id"]: [kind for kind in KINDS if row[f"by_{kind}"]] for row in rows}["g"] == ["author"]
    assert finder.counts == {
        "x: hashtag, as_written": 1, "x: hashtag, form": 3, "x: suggestion, entry": 1, "x: suggestion, value": 1,
        "x: author, form": 1, "x: author, value": 1, "x: author, as_written": 1,
    }  # fmt: skip
    n = len(things)
    seed = seed_relevance(
        [f"#{value}" if kind == "hashtag" else "" for kind, value in things.values()],
        [value if kind == "suggestion" else None for kind, value in things.values()],
        [value if kind == "author" else None for kind, value in things.values()],
        ["US"] * n,
        [None] * n,
        hashtags=lists.hashtags,
        creators=lists.creators,
    )
    assert [post for post, kept in zip(things, seed.kept, strict=True) if kept] == ["d", "i"]


def test_a_post_that_two_lists_find_has_two_rows_and_every_match_once() -> None:
    finder = Finder([UserLists("b", ("sun",), ("ann",)), UserLists("a", ("sun", "rain"))])
    things = [("p", "hashtag", "sun"), ("p", "hashtag", "SUN"), ("p", "suggestion", "rain"), ("p", "author", "ann")]
    finder.take(carried(*things[:2]))
    finder.take(carried(*things[2:]))
    assert [(row["list_name"], row["matches"]) for row in finder.table().to_pylist()] == [
        ("a", ["#sun", "rain"]),
        ("b", ["#sun", "@ann"]),
    ]


def test_rows_fit_the_contract_and_nothing_gives_no_rows() -> None:
    assert ROWS.names == list(TABLES["feat_post_relevance"].column_names)
    assert Finder([]).table().schema == ROWS
    finder = Finder([UserLists("x", ("sun",))])
    finder.take(carried())
    assert len(finder.table()) == 0


@pytest.mark.parametrize(
    "written",
    ["https://www.tiktok.com/@cnn", "http://tiktok.com/@CNN/", " https://www.tiktok.com/@cnn/video/71?lang=en",
     "www.tiktok.com/@cnn?x=1"],
)  # fmt: skip
def test_addresses_of_profiles_are_their_handles(written: str) -> None:
    lists = UserLists("x", ("https://www.tiktok.com/@bbc",), (written,))
    finder = Finder([lists])
    finder.take(carried(("a", "author", "cnn"), ("b", "author", "www.tiktok.com"), ("c", "hashtag", "bbc")))
    assert [(row["post_id"], row["matches"]) for row in finder.table().to_pylist()] == [("a", ["@cnn"])]
    # The seed's rules take entries as they are written.
    seed = seed_relevance([""], [None], ["cnn"], ["US"], [None], hashtags=[], creators=lists.creators)
    assert not seed.kept.any()


words = st.text(st.sampled_from("aAbB #@\u200bßéＷ'"), max_size=5)


@given(st.lists(words, max_size=6), st.lists(st.tuples(st.sampled_from(KINDS), words), max_size=12), st.integers(0, 9))
def test_the_finder_finds_what_one_by_one_comparison_finds(
    listed: list[str], things: list[tuple[str, str]], seed: int
) -> None:
    lists = UserLists("x", tuple(listed), tuple(reversed(listed[:3])))
    numbered = [(str(place), kind, value) for place, (kind, value) in enumerate(things)]
    forms = {"author": {bare(word) for word in lists.creators} - {""}}
    forms["hashtag"] = forms["suggestion"] = {bare(word) for word in listed} - {""}
    expected = {post for post, kind, value in numbered if bare(value) in forms[kind]}
    finder = Finder([lists])
    random.Random(seed).shuffle(numbered)
    for part in (numbered[::2], numbered[1::2]):
        finder.take(carried(*part))
    assert set(finder.table()["post_id"].to_pylist()) == expected
    # What the seed's rules find, the default rules find too.
    by_rule = [kind for kind, how in (key.split(": ")[1].split(", ") for key in finder.counts) if how == "as_written"]
    assert set(by_rule) <= set(KINDS)


def test_columns_of_unlike_length_are_refused() -> None:
    with pytest.raises(KernelError, match="one cell per row"):
        seed_relevance(["#a"], [], ["x"], ["US"], [False], hashtags=["a"], creators=[])
    with pytest.raises(KernelError, match="one row per post"):
        parse_differences([["a"]], [])


def test_causes_of_readings_that_differ() -> None:
    captions = ["#News, and #a#b #don\u2019t #x", "no tag", "#it's"]
    ours = [["News", "a", "b", "don\u2019t", "x"], ["no"], ["it"]]
    assert parse_differences(map(seed_hashtags, captions), ours) == {
        "rows": 3, "rows_differ": 3, "both": 2, "only_seed/punctuation": 1, "only_seed/glued": 1,
        "only_seed/quotes": 1, "only_ours/other": 5,
    }  # fmt: skip


# -------------------------------------------------------------------- lists as files


def write(lake: Lake, name: str, **files: bytes | str) -> Path:
    folder = Path(lake.path("lists", name))
    folder.mkdir(parents=True, exist_ok=True)
    for kind, data in files.items():
        (folder / f"{kind}.csv").write_bytes(data.encode() if isinstance(data, str) else data)
    return folder


def test_headers_are_optional_and_only_the_first_column_counts(lake: Lake) -> None:
    write(lake, "with", hashtags='\ufeffHashtag name,n\n sun ,3\n,4\n"a, b",5\r\n# ,\n', creators="Username\nann\n")
    write(lake, "without", hashtags="sun\n", creators="ann\r\n\r\nhandle\n")
    found = read_lists(lake)
    assert [(each.name, each.hashtags, each.creators) for each in found] == [
        ("with", (" sun ", "a, b"), ("ann",)),
        ("without", ("sun",), ("ann", "handle")),
    ]
    assert found[0].tags == {"sun", "a,b"}
    # Words that may be entries are no headers.
    write(lake, "without", hashtags="Word\nname\n", creators="account\nname\n")
    assert [(each.hashtags, each.creators) for each in read_lists(lake)[1:]] == [
        (("Word", "name"), ("account", "name"))
    ]
    write(lake, "without", hashtags="sun\n", creators="ann\n")
    assert [each.name for each in read_lists(lake, ["without", "without"])] == ["without"]


def test_no_folder_of_lists_is_no_list(lake: Lake) -> None:
    assert list_names(lake) == read_lists(lake) == []
    write(lake, ".hidden", hashtags="x\n")
    assert list_names(lake) == []
    with pytest.raises(OptionError, match=r"No lists named 'news' below .*lists; there are none\."):
        read_lists(lake, ["news"])


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"hashtags": b""}, r"hashtags\.csv is empty: expected a CSV file in UTF-8 .* found 0 bytes"),
        ({"hashtags": b" \n\n"}, r"hashtags\.csv is empty"),
        ({"hashtags": b"hashtag\n"}, r"hashtags\.csv has no usable entry: expected .*; found no cell"),
        ({"hashtags": b"sun\n", "creators": b"Username\n @ \n\n,x\n"}, r"creators\.csv has no usable entry"),
        ({"hashtags": "caf\xe9\n".encode("latin-1")}, r"hashtags\.csv is not in UTF-8: .* byte 0xe9 at position 3\."),
        ({"hashtags": "sun\n".encode("utf-16")}, r"hashtags\.csv is not in UTF-8: .* byte 0xff at position 0\."),
        (
            {"hashtags": b"hashtag;count\npolitics;12\n"},
            r"hashtags\.csv is not separated by commas: .* a semicolon in the first cell of row 1: 'hashtag;count'",
        ),
        ({"hashtags": b"sun\nrain\t3\n"}, r"hashtags\.csv is not separated by commas: .* a tab in .* of row 2"),
        ({"creators": b"cnn;1\n"}, r"creators\.csv is not separated by commas"),
        ({"creators": b'"ann\nbob\n'}, r"creators\.csv is no table: expected .*; found: unexpected end of data"),
        ({"hashtags": b"x" * 200_000}, r"hashtags\.csv is no table: .* field larger than field limit"),
        ({"other": b"sun\n"}, r"news has neither hashtags\.csv nor creators\.csv: expected .*; found other\.csv\."),
        ({}, r"news has neither hashtags\.csv nor creators\.csv: .* found no file\."),
    ],
)
def test_a_list_that_cannot_be_used_is_named(lake: Lake, files: dict[str, bytes], message: str) -> None:
    write(lake, "news", **files)
    with pytest.raises(InputError, match=message):
        read_lists(lake)


def test_hostile_entries_are_texts(lake: Lake) -> None:
    write(lake, "bad", hashtags='=cmd|"/c calc"!a0\n<script>\nn\0ul\n\u202egnp\n'.encode())
    assert read_lists(lake)[0].tags == {'=cmd|"/ccalc"!a0', "<script>", "nul", "gnp"}


def test_days_made_with_other_lists_are_known(lake: Lake) -> None:
    lists = [UserLists("x", ("sun",)), UserLists("y", ("rain",))]
    contract = TABLES["feat_post_relevance"]
    empty = contract.plain_schema.empty_table()
    versions: Iterable[list[UserLists]] = (lists, [replace(lists[0], hashtags=("Sun ",)), lists[1]], lists[:1], [])
    days = [date(2024, 3, number) for number in range(1, 5)]
    for day, own in zip(days, versions, strict=True):
        metadata: Callable[[date], dict[str, str]] = lambda _, own=own: lists_metadata(own)  # noqa: E731
        lake.publish(contract, empty, [day], metadata=metadata)
    found = digests_by_day(lake, contract.name, days)
    # Another spelling of the same entries is the same list.
    assert made_otherwise(found, lists) == days[2:]
    assert made_otherwise(found, [replace(lists[0], creators=("ann",))]) == days
    assert made_otherwise(found, []) == []
