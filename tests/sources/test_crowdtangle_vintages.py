"""Every vintage of CrowdTangle exports and of the Meta Content Library, from a synthetic file to staged rows."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sm_assets.contracts import TABLES
from sm_assets.contracts.staging import DELIVERS
from sm_assets.errors import UnknownVintage
from sm_assets.sources.crowdtangle import Reader, open_file
from sm_assets.sources.crowdtangle_columns import VINTAGES, mcl_platform, vintage_of
from sm_assets.sources.csv_file import Header
from sm_assets.sources.reading import ReadOptions

SQL = Path(__file__).parents[2] / "sql" / "staging" / "crowdtangle"
ENTITIES = DELIVERS["crowdtangle"].split()
CAPTURED = datetime(2024, 9, 1, tzinfo=UTC)
PAGE = "100000000000001"
FACEBOOK = {
    "Page Name": "A Page", "User Name": "a.page", "Facebook Id": PAGE, "Likes at Posting": "90",
    "Followers at Posting": "120", "Post Created": "2020-03-01 09:30:00 EST", "Post Created Date": "2020-03-01",
    "Type": "Link", "Total Interactions": "10", "Likes": "1", "Comments": "2", "Shares": "3", "Love": "0", "Wow": "0",
    "Haha": "4", "Sad": "0", "Angry": "0", "Care": "0", "Post Views": "77", "URL": f"https://www.facebook.com/{PAGE}/posts/7",
    "Message": "Read #This and @that", "Link": "https://short.example/x", "Final Link": "https://news.example/story",
    "Link Text": "Headline", "Description": "What it says", "Image Text": "WORDS",
    "Total Interactions (weighted  —  Likes 1x )": "99",
}  # fmt: skip
PLACE = ("source", "platform", "source_file", "source_sha256", "source_row", "source_item", "observed_at", "is_context")


def write_csv(path: Path, *rows: Mapping[str, str], columns: Sequence[str] | None = None) -> Path:
    with path.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.DictWriter(sink, columns or list(rows[0]), restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def drain(path: Path, **options: object) -> tuple[pa.Table, list[dict[str, Any]], Reader]:
    """(raw rows, rejects, reader) of one file; rows in are rows out, rejected and ignored."""
    stated = {"exported_at": CAPTURED} | options
    with open_file(path, ReadOptions(**stated)) as reader:  # type: ignore[arg-type]  # passed on
        chunks = list(reader)
    rejects = [row for chunk in chunks for row in chunk.rejects.to_pylist()]
    batches = [chunk.records["posts"] for chunk in chunks if chunk.records]
    schema = TABLES["raw_crowdtangle__posts"].plain_schema
    table = pa.Table.from_batches(batches) if batches else None
    manifest = reader.manifest
    n = table.num_rows if table is not None else 0
    assert manifest["rows_out"] == n
    assert manifest["rows_in"] == n + len(rejects) + sum(manifest["ignored"].values())
    if table is None:
        table = pa.Table.from_pylist([], schema)
    for name, value in (("source_file", "landing/crowdtangle/x"), ("source_sha256", "ab"), ("vintage", reader.vintage),
                        ("delivery", "x")):  # fmt: skip
        if name not in table.schema.names:
            table = table.append_column(name, pa.repeat(pa.scalar(value), table.num_rows))
    return table.select(schema.names).cast(schema), rejects, reader


def stage(raw: pa.Table, entity: str) -> list[dict[str, Any]]:
    """The staged rows of raw rows, checked against the contract."""
    contract = TABLES[f"stg_crowdtangle__{entity}"]
    with duckdb.connect() as con:
        con.register("raw_crowdtangle__posts", raw)
        rows = con.sql((SQL / f"{contract.name}.sql").read_text(encoding="utf-8")).to_arrow_table()
    assert rows.schema.names == contract.plain_schema.names
    rows = rows.cast(contract.plain_schema)  # not null, types
    keys = list(zip(*(rows.column(name).to_pylist() for name in contract.key), strict=True))
    assert len(set(keys)) == len(keys)
    found: list[dict[str, Any]] = rows.to_pylist()
    return found


def staged(path: Path, entity: str, **options: object) -> list[dict[str, Any]]:
    raw, rejects, _ = drain(path, **options)
    assert rejects == []
    return stage(raw, entity)


def told(row: Mapping[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


# ------------------------------------------------------------------------------------------------------------- headers


OLD = {"Page Likes at Posting": "90", "Created": FACEBOOK["Post Created"]}
NOT_OLD = ("Likes at Posting", "Post Created", "Post Created Date", "Care")
GROUP = {"Group Name": "A Group"} | {name: text for name, text in FACEBOOK.items() if name != "Page Name"}
NEW = FACEBOOK | {
    "Page Category": "NEWS", "Page Admin Top Country": "US", "Page Description": "Cut",
    "Page Created": "2019-01-01 00:00:00",
}  # fmt: skip
INSTAGRAM = {
    "Account": "An Account", "User Name": "An.Account", "Followers at Posting": "500",
    "Post Created": "2020-03-01 09:30:00 EST", "Type": "Album", "Total Interactions": "1.010", "Likes": "1.000",
    "Comments": "10", "Views": "3.000",
    "URL": "https://www.instagram.com/p/CaSe_-x1/", "Link": "https://www.instagram.com/p/CaSe_-x1/", "Photo": "https://cdn.example/p.jpg",
    "Title": "A Title", "Description": "Caption #Tag", "Image Text": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("vintage", "row"),
    [
        ("fb_2021", NEW),
        ("fb_2020", FACEBOOK),
        ("fb_old", {name: text for name, text in (FACEBOOK | OLD).items() if name not in NOT_OLD}),
        ("fb_old", {name: text for name, text in (FACEBOOK | {"Page Likes at Posting": "9"}).items()
                    if name not in ("Post Created", "Likes at Posting")} | {"Created": "2020-03-01 09:30:00 EST"}),
        ("fb_group", GROUP),
        ("fb_group", {"Group Name" if n == "Page Name" else n: t for n, t in NEW.items()}),
        ("instagram", INSTAGRAM),
        ("fb_subset", {name: FACEBOOK[name] for name in ("Page Name", "Post Created", "URL")}),
        ("fb_subset", {"Group Name": "G", "Created": OLD["Created"], "URL": FACEBOOK["URL"]}),
    ],
)  # fmt: skip
def test_each_export_is_recognised_and_read(tmp_path: Path, vintage: str, row: dict[str, str]) -> None:
    raw, rejects, reader = drain(write_csv(tmp_path / "x.csv", row))
    assert (reader.vintage, raw.num_rows, rejects) == (vintage, 1, [])
    (post,) = stage(raw, "posts")
    assert post["posted_at"] == datetime(2020, 3, 1, 14, 30)
    assert post["delivery"] == "x"
    for entity in ENTITIES:
        stage(raw, entity)


def test_what_is_missing_is_listed(tmp_path: Path) -> None:
    columns = VINTAGES["fb_2020"].columns
    assert len(columns) == 37  # the 36 of the vintage, and the second score column
    _, _, reader = drain(
        write_csv(tmp_path / "x.csv", {name: FACEBOOK[name] for name in ("Page Name", "Post Created", "URL")})
    )
    missing = reader.manifest["columns_missing"]
    assert len(missing) == 38
    assert "Facebook Id" in missing
    _, _, reader = drain(write_csv(tmp_path / "x.csv", FACEBOOK))
    assert "Page Category" not in reader.manifest["columns_missing"]
    assert "Sponsor Id" in reader.manifest["columns_missing"]


@pytest.mark.parametrize(
    ("columns", "nearest", "lacks"),
    [
        (["Account", "User Name", "URL", "Description"], "instagram", "Post Created"),
        (["Page Name", "Facebook Id", "Post Created", "Message"], "fb_2020", "URL"),
        (["platformId", "date", "message", "likes"], "api_flat", "account_platformId or account_id"),
        (["id", "creation_time", "text"], "mcl", "post_owner.id"),
    ],
)  # fmt: skip
def test_the_nearest_vintage_is_named(tmp_path: Path, columns: list[str], nearest: str, lacks: str) -> None:
    with pytest.raises(UnknownVintage) as caught:
        drain(write_csv(tmp_path / "x.csv", {}, columns=columns))
    assert f"Nearest: {nearest}, which also needs {lacks}." in str(caught.value)
    assert ", ".join(columns) in str(caught.value)


def test_history_exports_are_no_posts(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("Timestep,Score Date (GMT),Likes\n0,2020-01-01 00:00:00,1\n1,2020\n\n2,2020-01-02 00:00:00,3,4,5\n")
    raw, rejects, reader = drain(path)
    assert (raw.num_rows, rejects, reader.vintage) == (0, [], "history")
    assert reader.manifest["ignored"] == {"history_export": 3}
    assert (
        vintage_of(Header(("TIMESTEP", "Score Date (GMT)", "Page Name"), {}, {}), VINTAGES["mcl"].family) == "history"
    )


# ------------------------------------------------------------------------------------------------------------ Facebook


def test_a_post_of_a_page(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "x.csv", NEW)
    (post,) = staged(path, "posts")
    assert told(post, *PLACE[:2], "account_id", "post_id", "operation", "time_source", "post_kind") == (
        "crowdtangle", "facebook", PAGE, f"{PAGE}_7", "observe", "platform", "post",
    )  # fmt: skip
    counts = ("likes_count", "reactions_count", "comments_count", "shares_count", "views_count", "interactions_count")
    assert told(post, *counts) == (1, 5, 2, 3, 77, 10)
    assert told(post, "account_followers_count", "media_kind", "text") == (120, "link", "Read #This and @that")
    assert post["observed_at"] == CAPTURED.replace(tzinfo=None)
    assert post["revision"] == "2024-09-01T00:00:00.000000Z"
    (account,) = staged(path, "accounts")
    assert told(account, "account_kind", "handle", "display_name", "category", "country_code") == (
        "page", "a.page", "A Page", "NEWS", "US",
    )  # fmt: skip
    assert told(account, "followers_count", "account_likes_count", "account_created_at", "day") == (
        120, 90, datetime(2019, 1, 1, 5), date(2020, 3, 1),
    )  # fmt: skip
    (link,) = staged(path, "post_links")
    assert told(link, "url", "final_url", "title", "description", "link_role", "ordinal") == (
        "https://short.example/x", "https://news.example/story", "Headline", "What it says", "external", 0,
    )  # fmt: skip
    assert [told(row, "hashtag", "hashtag_normalised") for row in staged(path, "post_hashtags")] == [("This", "this")]
    assert [told(row, "mentioned_account_id", "mentioned_handle") for row in staged(path, "post_mentions")] == [
        (None, "that")
    ]
    assert [told(row, "media_text_kind", "text", "ordinal") for row in staged(path, "post_media_text")] == [
        ("image_text", "WORDS", 0)
    ]


def test_a_bad_country_becomes_null_and_is_counted(tmp_path: Path) -> None:
    raw, _, reader = drain(write_csv(tmp_path / "x.csv", NEW | {"Page Admin Top Country": "Brazil"}))
    assert stage(raw, "accounts")[0]["country_code"] is None
    assert reader.manifest["repairs"] == {"page_admin_top_country/bad_country": 1}


def test_groups_are_the_accounts_of_their_posts(tmp_path: Path) -> None:
    url = "https://www.facebook.com/groups/some.group/permalink/9"
    for row in (GROUP | {"URL": url}, {"Group Name": "G", "Post Created": FACEBOOK["Post Created"], "URL": url}):
        (account,) = staged(write_csv(tmp_path / "x.csv", row), "accounts")
        assert account["account_kind"] == "group"
        assert account["account_id"] == row.get("Facebook Id", "some.group")
    (post,) = staged(write_csv(tmp_path / "x.csv", GROUP | {"URL": url, "Message": ""}), "posts")
    assert told(post, "post_id", "text") == (f"{PAGE}_9", None)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        (f"https://www.facebook.com/{PAGE}/posts/7", f"{PAGE}_7"),
        ("https://www.facebook.com/a.page/posts/7", f"{PAGE}_7"),
        ("https://m.facebook.com/a.page/posts/some-words-of-it/7/?ref=x#here", f"{PAGE}_7"),
        ("https://www.facebook.com/a.page/videos/8/", f"{PAGE}_8"),
        ("https://www.facebook.com/a.page/videos/vb.123/8/?type=3", f"{PAGE}_8"),
        ("https://www.facebook.com/a.page/photos/a.1.2.3/9/?type=3", f"{PAGE}_9"),
        ("https://www.facebook.com/permalink.php?story_fbid=10&id=5", f"{PAGE}_10"),
        ("https://m.facebook.com/story.php?id=5&story_fbid=10", f"{PAGE}_10"),
        ("https://www.facebook.com/photo.php?fbid=11&set=a.1", f"{PAGE}_11"),
        ("https://www.facebook.com/photo/?fbid=11&set=a.1", f"{PAGE}_11"),
        ("https://www.facebook.com/watch/?v=12", f"{PAGE}_12"),
        ("https://www.facebook.com/groups/4/permalink/13/", f"{PAGE}_13"),
        ("https://www.facebook.com/groups/4/posts/13", f"{PAGE}_13"),
        ("https://www.facebook.com/a.page/posts/pfbid02AbCx", f"{PAGE}_pfbid02AbCx"),
        ("http://www.facebook.com/somewhere/else/?b=2&a=1&fbclid=z#x", "url:facebook.com/somewhere/else?a=1&b=2"),
        ("https://fb.watch/aBc/", "url:fb.watch/aBc"),
    ],
)  # fmt: skip
def test_every_form_of_address(tmp_path: Path, url: str, key: str) -> None:
    (post,) = staged(write_csv(tmp_path / "x.csv", FACEBOOK | {"URL": url}), "posts")
    assert told(post, "post_id", "account_id", "url") == (key, PAGE, url)


def test_the_owner_in_the_address_serves_where_no_id_is_delivered(tmp_path: Path) -> None:
    row = {name: FACEBOOK[name] for name in ("Page Name", "Post Created")}
    for url, account, key in (
        ("https://www.facebook.com/A.Page/posts/7", "a.page", "a.page_7"),
        ("https://www.facebook.com/story.php?story_fbid=10&id=5", "5", "5_10"),
    ):
        (post,) = staged(write_csv(tmp_path / "x.csv", row | {"URL": url}), "posts")
        assert told(post, "account_id", "post_id") == (account, key)


@pytest.mark.parametrize(
    ("changes", "role", "url"),
    [
        ({"Link": "https://www.facebook.com/other/posts/1", "Final Link": ""}, "self", "https://www.facebook.com/other/posts/1"),
        ({"Link": "", "Final Link": "http://l.fb.com/x"}, "self", "http://l.fb.com/x"),
        ({"Link": "https://fb.watch/1/", "Final Link": ""}, "self", "https://fb.watch/1/"),
        ({"Link": "instagram.com/p/x", "Final Link": ""}, "self", "instagram.com/p/x"),
        ({"Link": "https://notfacebook.com/x", "Final Link": ""}, "external", "https://notfacebook.com/x"),
        ({"Link": "https://news.example/?u=facebook.com", "Final Link": ""}, "external", "https://news.example/?u=facebook.com"),
    ],
)  # fmt: skip
def test_links_to_the_platform_itself(tmp_path: Path, changes: dict[str, str], role: str, url: str) -> None:
    (link,) = staged(write_csv(tmp_path / "x.csv", FACEBOOK | changes), "post_links")
    assert told(link, "link_role", "url") == (role, url)


def test_the_words_pandas_takes_for_missing_and_the_reshare_line_are_texts(tmp_path: Path) -> None:
    rows = [FACEBOOK | {"Message": text, "Page Name": text, "URL": f"https://www.facebook.com/{PAGE}/posts/{k}"}
            for k, text in enumerate(("NA", "null", "None", "nan", "This is a re-share of a post"))]  # fmt: skip
    path = write_csv(tmp_path / "x.csv", *rows)
    assert [row["text"] for row in staged(path, "posts")] == [row["Message"] for row in rows]
    assert [row["display_name"] for row in staged(path, "accounts")] == [row["Page Name"] for row in rows]


def test_tags_of_texts_in_many_scripts(tmp_path: Path) -> None:
    text = "#One and#no &#39; ##Two #Straße #हिन्दी #ﬁn @a.b x@y.z #️⃣ #One\n#Ⅳ"
    raw, _, _ = drain(write_csv(tmp_path / "x.csv", FACEBOOK | {"Message": text}, FACEBOOK | {"Message": ""}))
    rows = stage(raw, "post_hashtags")
    assert [told(row, "ordinal", "hashtag", "hashtag_normalised") for row in rows] == [
        (0, "One", "one"), (1, "Two", "two"), (2, "Straße", "strasse"), (3, "हिन्दी", "हिन्दी"), (4, "ﬁn", "fin"),
        (5, "One", "one"), (6, "Ⅳ", "iv"),
    ]  # fmt: skip
    assert [told(row, "source_row", "ordinal", "mentioned_handle") for row in stage(raw, "post_mentions")] == [
        (1, 0, "a")
    ]


def test_times_below_the_floor_and_behind_the_export(tmp_path: Path) -> None:
    early = FACEBOOK | {"Post Created": "2004-02-03 23:59:59 UTC"}
    late = FACEBOOK | {"Post Created": "2024-09-01 01:00:01 UTC"}
    just = FACEBOOK | {"Post Created": "2024-09-01 01:00:00 UTC"}
    raw, rejects, _ = drain(write_csv(tmp_path / "x.csv", early, late, just, FACEBOOK))
    assert ([row["reason"] for row in rejects], [row["record"] for row in rejects]) == (
        ["bad_time", "bad_time"],
        [1, 2],
    )
    assert raw.num_rows == 2
    before_instagram = INSTAGRAM | {"Post Created": "2010-10-05 23:59:59 UTC"}
    _, rejects, _ = drain(write_csv(tmp_path / "x.csv", before_instagram))
    assert [row["reason"] for row in rejects] == ["bad_time"]


def test_compressed_in_two_frames_and_utf16_are_the_same_rows(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "x.csv", FACEBOOK, FACEBOOK | {"Message": "Zwölf"})
    plain, _, _ = drain(path)
    data = path.read_bytes()
    (tmp_path / "y").write_bytes(gzip.compress(data[:300]) + gzip.compress(data[300:]))
    (tmp_path / "z").write_bytes(data.decode().encode("utf-16"))
    for name in ("y", "z"):
        again, _, _ = drain(tmp_path / name)
        assert again.equals(plain)


# ----------------------------------------------------------------------------------------------------------- Instagram


def test_a_post_on_instagram(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "x.csv", INSTAGRAM)
    raw, _, reader = drain(path)
    assert (reader.manifest["platform"], reader.manifest["number_format"]) == ("instagram", ".")
    (post,) = stage(raw, "posts")
    assert told(post, "platform", "account_id", "post_id", "text", "media_kind") == (
        "instagram", "an.account", "CaSe_-x1", "Caption #Tag", "album",
    )  # fmt: skip
    counts = ("likes_count", "views_count", "interactions_count", "account_followers_count", "shares_count")
    assert told(post, *counts) == (1000, 3000, 1010, 500, None)
    (account,) = stage(raw, "accounts")
    assert told(account, "account_kind", "handle", "display_name") == ("account", "An.Account", "An Account")
    (link,) = stage(raw, "post_links")
    assert told(link, "link_role", "description") == ("self", None)
    assert [row["hashtag"] for row in stage(raw, "post_hashtags")] == ["Tag"]
    assert [told(row, "media_text_kind", "text") for row in stage(raw, "post_media_text")] == [("title", "A Title")]
    both = staged(write_csv(path, INSTAGRAM | {"Image Text": "WORDS"}), "post_media_text")
    assert [told(row, "ordinal", "media_text_kind") for row in both] == [(0, "image_text"), (1, "title")]


@pytest.mark.parametrize("form", ["p/CaSe_-x1", "reel/CaSe_-x1/", "tv/CaSe_-x1?x=1", "an.account/p/CaSe_-x1/"])
def test_addresses_on_instagram(tmp_path: Path, form: str) -> None:
    row = INSTAGRAM | {"URL": f"https://www.instagram.com/{form}"}
    (post,) = staged(write_csv(tmp_path / "x.csv", row), "posts")
    assert post["post_id"] == "CaSe_-x1"


def test_the_host_of_the_address_tells_the_platform(tmp_path: Path) -> None:
    row = {
        "Page Name": "X",
        "User Name": "X.Y",
        "Post Created": "2020-03-01 09:30:00 EST",
        "URL": "https://instagram.com/p/Q/",
    }
    (post,) = staged(write_csv(tmp_path / "x.csv", row), "posts")
    assert told(post, "platform", "account_id", "post_id") == ("instagram", "x.y", "Q")


# ----------------------------------------------------------------------------------------------------------------- API

API = {
    "platformId": f"{PAGE}_7", "platform": "Facebook", "date": "2020-03-01 14:30:00", "updated": "2020-04-01 00:00:00",
    "type": "native_video", "message": "Read #This", "link": "https://short.example/x", "title": "Headline",
    "expandedLinks": [{"original": "https://short.example/x", "expanded": "https://news.example/story"}],
    "postUrl": f"https://www.facebook.com/{PAGE}/posts/7", "languageCode": "en", "videoLengthMS": 90500,
    "subscriberCount": 5000,
    "account": {"id": 17, "platformId": PAGE, "name": "A Page", "handle": "a.page", "accountType": "facebook_page",
                "pageAdminTopCountry": "US", "pageCreatedDate": "2019-01-01 05:00:00"},
    "statistics": {"actual": {"likeCount": 1, "shareCount": 3, "commentCount": 2, "loveCount": 0, "hahaCount": 4}},
}  # fmt: skip


def flat(value: Mapping[str, Any], join: str, head: str = "") -> dict[str, Any]:
    """The same object with nested names joined."""
    out: dict[str, Any] = {}
    for name, inner in value.items():
        out |= flat(inner, join, f"{head}{name}{join}") if isinstance(inner, dict) else {f"{head}{name}": inner}
    return out


def cells(value: Mapping[str, Any]) -> dict[str, str]:
    return {name: json.dumps(cell) if isinstance(cell, list) else str(cell) for name, cell in value.items()}


def test_posts_of_the_api_are_the_same_in_every_form(tmp_path: Path) -> None:
    nested, _, reader = drain(write_lines(tmp_path / "nested.jsonl", API), zone="Asia/Tokyo")
    assert (reader.vintage, reader.manifest["zone"], reader.manifest["zone_origin"]) == ("api_flat", "UTC", "format")
    assert (reader.manifest["exported_at"], reader.manifest["exported_at_origin"]) == (
        "2020-04-01T00:00:00+00:00",
        "record",
    )
    (post,) = stage(nested, "posts")
    assert told(post, "platform", "account_id", "post_id", "posted_at", "text", "media_kind") == (
        "facebook", PAGE, f"{PAGE}_7", datetime(2020, 3, 1, 14, 30), "Read #This", "video",
    )  # fmt: skip
    assert told(post, "reactions_count", "shares_count", "interactions_count", "views_count") == (5, 3, None, None)
    assert told(post, "observed_at", "video_duration_seconds", "language_codes", "account_followers_count") == (
        datetime(2020, 4, 1), 90.5, ["en"], None,
    )  # fmt: skip
    (account,) = stage(nested, "accounts")
    assert told(account, "account_kind", "handle", "country_code", "account_created_at") == (
        "page", "a.page", "US", datetime(2019, 1, 1, 5),
    )  # fmt: skip
    (link,) = stage(nested, "post_links")
    assert told(link, "url", "final_url", "title") == (
        "https://short.example/x",
        "https://news.example/story",
        "Headline",
    )
    forms = [
        write_lines(tmp_path / "dots.jsonl", flat(API, ".")),
        write_lines(tmp_path / "flat.jsonl", flat(API, "_")),
        write_csv(tmp_path / "flat.csv", cells(flat(API, "_"))),
        write_csv(tmp_path / "dots.csv", cells(flat(API, "."))),
    ]
    (tmp_path / "array.json").write_text(json.dumps([API], indent=1))
    for path in (*forms, tmp_path / "array.json"):
        again, rejects, _ = drain(path, zone="Asia/Tokyo")
        assert rejects == []
        for entity in ENTITIES:
            assert [{n: v for n, v in row.items() if n not in PLACE} for row in stage(again, entity)] == [
                {n: v for n, v in row.items() if n not in PLACE} for row in stage(nested, entity)
            ], path.name


def test_whose_post_it_is_without_an_id_of_the_platform(tmp_path: Path) -> None:
    base = {"platformId": "x", "account_id": 17, "date": "2020-03-01 14:30:00", "message": "m"}
    shown = base | {"platform": "Instagram", "postUrl": "https://www.instagram.com/p/Q/", "account_handle": "Me"}
    rows = [base | {"platformId": f"{PAGE}_8"}, base, shown]
    posts = staged(write_lines(tmp_path / "x.jsonl", *rows), "posts")
    assert [told(post, "platform", "account_id", "post_id") for post in posts] == [
        ("facebook", PAGE, f"{PAGE}_8"), ("facebook", "ct:17", "x"), ("instagram", "me", "Q"),
    ]  # fmt: skip


@pytest.mark.parametrize("indent", [None, 1])
def test_the_posts_of_a_page_are_the_records(tmp_path: Path, indent: int | None) -> None:
    """The API answers with `result.posts`, the Meta Content Library with `data`."""
    other = API | {"platformId": f"{PAGE}_8", "postUrl": f"https://www.facebook.com/{PAGE}/posts/8"}
    plain, _, reader = drain(write_lines(tmp_path / "lines.jsonl", API, other))
    for page in ({"status": 200, "result": {"posts": [API, other], "pagination": {}}}, {"data": [API, other]}):
        (tmp_path / "page.json").write_text(json.dumps(page, indent=indent))
        raw, rejects, found = drain(tmp_path / "page.json")
        assert (found.vintage, rejects) == (reader.vintage, [])
        place = ["source_row", "source_item", "source_line"]
        assert raw.drop_columns(place).equals(plain.drop_columns(place))
        assert raw.select(place[:2]).to_pydict() == {"source_row": [1, 1], "source_item": [0, 1]}


def test_pages_on_one_line_and_what_is_no_post_in_them(tmp_path: Path) -> None:
    late = API | {"date": "never", "platformId": "1_3"}
    pages = [{"result": {"posts": [API, 5, late]}}, {"result": {"posts": []}}, {"result": {"posts": [API]}}]
    path = tmp_path / "pages.json"
    path.write_text("".join(map(json.dumps, pages)) + "\n" + json.dumps(API))
    raw, rejects, reader = drain(path)
    assert (reader.manifest["rows_in"], raw.num_rows) == (5, 3)
    places = raw.select(["source_row", "source_item"]).to_pylist()
    assert [tuple(place.values()) for place in places] == [(1, 0), (1, 3), (2, 0)]
    assert [(row["reason"], row["line"], row["record"]) for row in rejects] == [
        ("not_an_object", 1, 1),
        ("bad_time", 1, 1),
    ]
    data = path.read_bytes()
    pieces = [data[row["byte_offset"] : row["byte_offset"] + row["byte_length"]] for row in rejects]
    assert (pieces[0], json.loads(pieces[1])) == (b"5", late)
    assert rejects[1]["raw_excerpt"] == pieces[1][:512].decode()


def test_what_is_no_record_of_a_json_file_is_a_reject(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "x.jsonl", API, {"message": "no more"}, 7, API | {"date": "never"})
    with path.open("a") as sink:
        sink.write('{"platformId": "1_2", "mess')
    raw, rejects, _ = drain(path)
    assert raw.num_rows == 1
    assert [(row["reason"], row["line"], row["record"]) for row in rejects] == [
        ("missing_account", 2, 2), ("not_an_object", 3, 3), ("bad_time", 4, 4), ("truncated_record", 5, 5),
    ]  # fmt: skip
    assert str(rejects[2]["raw_excerpt"]).startswith('{"platformId"')


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_damaged_json_reconciles_and_never_raises(tmp_path: Path, data: st.DataObject) -> None:
    path = write_lines(
        tmp_path / "x.jsonl", *(API | {"message": f"Line {k} é 😀 \ud83d", "score": k} for k in range(5))
    )
    content = bytearray(path.read_bytes())
    start = content.index(b"\n") + 1
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(start, len(content) - 1))
        kind = data.draw(st.sampled_from(["flip", "cut", "quote", "nul", "line end", "drop", "brace"]))
        if kind == "flip":
            content[at] ^= data.draw(st.integers(1, 255))
        elif kind == "cut":
            del content[at:]
        elif kind == "drop":
            del content[at : at + data.draw(st.integers(1, 30))]
        else:
            content[at:at] = {"quote": b'"', "nul": b"\0", "line end": b"\n", "brace": b"}{"}[kind]
        if len(content) <= start:
            break
    path.write_bytes(bytes(content))
    raw, _, reader = drain(path)
    assert raw.num_rows >= 1
    assert reader.manifest["repairs"]["record/lone_surrogate"] >= 1


def test_a_cut_stream_of_either_form_keeps_what_came_before(tmp_path: Path) -> None:
    rows = [FACEBOOK | {"URL": f"https://www.facebook.com/{PAGE}/posts/{k * 7919}"} for k in range(3000)]
    posts = [API | {"platformId": f"{PAGE}_{k * 7919}"} for k in range(3000)]
    for path in (write_csv(tmp_path / "x.csv", *rows), write_lines(tmp_path / "x.jsonl", *posts)):
        whole = gzip.compress(path.read_bytes())
        path.write_bytes(whole[: len(whole) // 2])
        raw, rejects, _ = drain(path)
        assert 100 < raw.num_rows < 3000
        assert rejects[-1]["reason"] == "truncated_stream"
        ids = raw.column("parsed").combine_chunks().field("post_id").to_pylist()
        assert ids == [f"{PAGE}_{k * 7919}" for k in range(raw.num_rows)]


def test_unknown_json(tmp_path: Path) -> None:
    with pytest.raises(UnknownVintage, match=r"a, b\.c\. Nearest: "):
        drain(write_lines(tmp_path / "x.jsonl", {"a": 1, "b": {"c": 2}}))
    raw, rejects, reader = drain(write_lines(tmp_path / "x.jsonl"))
    assert (raw.num_rows, rejects, reader.vintage) == (0, [], "empty")


# ------------------------------------------------------------------------------------------------ Meta Content Library

MCL = {
    "id": 900719925474099312, "creation_time": "2024-03-01T14:30:00+0000", "text": "Words #Tag @who", "lang": "pt",
    "content_type": "photos", "mcl_url": "https://library.example/900", "match_type": ["text"],
    "post_owner": {"id": "55", "name": "An Owner", "username": "owner", "type": "page"},
    "surface": {"id": "66", "name": "A Group", "type": "group"},
    "link_attachment": {"link": "https://news.example/story", "name": "Headline", "description": "Says",
                        "caption": "news.example"},
    "statistics": {"reaction_count": 12, "like_count": 10, "love_count": 2, "comment_count": 3, "share_count": 4,
                   "views": 1200},
}  # fmt: skip


def test_posts_of_the_content_library_never_join_with_facebook_ids(tmp_path: Path) -> None:
    nested, _, reader = drain(write_lines(tmp_path / "x.jsonl", MCL))
    assert (reader.vintage, reader.manifest["platform"]) == ("mcl", "facebook")
    (post,) = stage(nested, "posts")
    assert told(post, "platform", "account_id", "post_id", "posted_at", "text") == (
        "facebook", "mcl:55", "mcl:900719925474099312", datetime(2024, 3, 1, 14, 30), "Words #Tag @who",
    )  # fmt: skip
    assert told(post, "reactions_count", "likes_count", "views_count", "media_kind", "language_codes") == (
        12, 10, 1200, "photo", ["pt"],
    )  # fmt: skip
    assert stage(nested, "accounts")[0]["account_kind"] == "page"
    assert [row["hashtag"] for row in stage(nested, "post_hashtags")] == ["Tag"]
    (link,) = stage(nested, "post_links")
    assert told(link, "url", "title", "description", "link_role") == (
        "https://news.example/story",
        "Headline",
        "Says",
        "external",
    )
    assert json.loads(nested.column("extra")[0].as_py()) == {"match_type": '["text"]'}
    for path in (
        write_csv(tmp_path / "x.csv", cells(flat(MCL, "."))),
        write_lines(tmp_path / "dots.jsonl", flat(MCL, ".")),
    ):
        again, _, _ = drain(path)
        assert again.drop(["source_line"]).equals(nested.drop(["source_line"]))


def test_the_content_library_on_instagram(tmp_path: Path) -> None:
    row = {"id": "1", "creation_time": "2024-03-01T14:30:00Z", "text": "Caption", "hashtags": ["Ein", "zwei_3"],
           "post_owner": {"id": "2", "type": "creator"},
           "statistics": {"like_count": 1, "comment_count": 2, "views": 3}}  # fmt: skip
    raw, _, reader = drain(
        write_lines(tmp_path / "x.jsonl", row, row | {"id": "3", "hashtags": None, "text": "own #Tag"})
    )
    assert reader.manifest["platform"] == "instagram"
    assert {told(post, "platform", "account_id") for post in stage(raw, "posts")} == {("instagram", "mcl:2")}
    assert [told(r, "source_row", "ordinal", "hashtag", "hashtag_normalised") for r in stage(raw, "post_hashtags")] == [
        (1, 0, "Ein", "ein"), (1, 1, "zwei_3", "zwei_3"), (2, 0, "Tag", "tag"),
    ]  # fmt: skip
    assert mcl_platform(dict.fromkeys(("delivered_hashtags", "shares"))) == "facebook"
    (post, _) = stage(drain(tmp_path / "x.jsonl", platform="facebook")[0], "posts")
    assert post["platform"] == "facebook"


def test_a_map_of_the_user_goes_before_the_default(tmp_path: Path) -> None:
    row = {"pid": "1", "born": "2024-03-01 14:30:00", "who": "2", "text": "no", "body": "yes"}
    names = {"pid": "mcl_post_id", "born": "post_created", "who": "mcl_owner_id", "body": "message", "text": "title"}
    for path in (write_lines(tmp_path / "x.jsonl", row), write_csv(tmp_path / "x.csv", row)):
        raw, _, reader = drain(path, columns=names)
        assert reader.vintage == "mcl"
        (post,) = stage(raw, "posts")
        assert told(post, "post_id", "account_id", "text") == ("mcl:1", "mcl:2", "yes")


def test_a_map_of_the_user_makes_an_export_known(tmp_path: Path) -> None:
    row = {"Seite": "A", "Nummer": PAGE, "Zeit": "2020-03-01 09:30:00 EST", "Adresse": FACEBOOK["URL"]}
    names = {"Seite": "page_name", "Nummer": "facebook_id", "Zeit": "post_created", "Adresse": "url"}
    raw, _, reader = drain(write_csv(tmp_path / "x.csv", row), columns=names)
    assert (reader.vintage, stage(raw, "posts")[0]["post_id"]) == ("fb_2020", f"{PAGE}_7")
