"""The demo world through each platform's files: what is planted is really there, in the shape of the source."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest
from test_demo import fold, page_of

from sm_assets.demo import World
from sm_assets.demo.vocabulary import HASHTAGS, PERSONA_OF_TOPIC, PERSONAS

POST, LIKE, FOLLOW = "app.bsky.feed.post", "app.bsky.feed.like", "app.bsky.graph.follow"
TID = "234567abcdefghijklmnopqrstuvwxyz"
ACCOUNTS = tuple[str, str]


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=7, scale=0.5)


@pytest.fixture(scope="module")
def root(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("platforms")
    world.write(root)
    return root


@pytest.fixture(scope="module")
def truth(root: Path) -> dict[ACCOUNTS, dict[str, Any]]:
    rows = pq.read_table(root / "truth" / "accounts.parquet").to_pylist()
    found = {(row["platform"], row["account_id"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def lines_of(path: Path) -> list[bytes]:
    data = path.read_bytes()
    return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).splitlines()


def captures(root: Path) -> list[Path]:
    return sorted(path for path in (root / "landing" / "bluesky").rglob("*") if path.is_file())


def event_of(line: bytes) -> dict[str, Any]:
    """One event whatever the version: did, at (microseconds), kind, and the parts of a commit side by side."""
    told = json.loads(line)
    if "payload" not in told:
        return {"did": told["did"], "at": told["time_us"], "kind": told["kind"], **told.get("commit", told)}
    payload: dict[str, Any] = told["payload"]
    at = datetime.fromisoformat(payload["time"]) - datetime(1970, 1, 1, tzinfo=UTC)
    return payload | {"at": at // timedelta(microseconds=1), "kind": payload["$type"].partition("#")[2]}


@pytest.fixture(scope="module")
def events(root: Path) -> list[dict[str, Any]]:
    """All events of Bluesky in the order of time, repeated deliveries left out."""
    found = {}
    for path in captures(root):
        for line in lines_of(path):
            if line and line.endswith(b"}}"):
                try:
                    event = event_of(line)
                except ValueError:
                    continue
                found[event["at"]] = event
    return [found[at] for at in sorted(found)]


def commits(events: list[dict[str, Any]], collection: str, operation: str = "create") -> Iterator[dict[str, Any]]:
    return (e for e in events if e["kind"] == "commit" and (e["collection"], e["operation"]) == (collection, operation))


def micros_of(tid: str) -> int:
    number = 0
    for letter in tid:
        number = number * 32 + TID.index(letter)
    return number >> 10


# ---- Bluesky ------------------------------------------------------------------------------------------------------


def test_captures_come_in_all_forms_and_one_line_is_broken(root: Path) -> None:
    files = captures(root)
    names = [path.relative_to(root / "landing" / "bluesky" / "demo").as_posix() for path in files]
    assert len([name for name in names if re.fullmatch(r"2024-0[23]-\d\d\.jsonl", name)]) == 33
    assert [name for name in names if name.endswith(".gz")] == ["2024-03-03.jsonl.gz"]
    assert len([name for name in names if re.fullmatch(r"20/\d\d/part-0", name)]) == 24
    broken, blank, again = [], 0, 0
    for path in files:
        lines = lines_of(path)
        again += len(lines) - len(set(lines))
        for line in lines:
            blank += not line
            try:
                json.loads(line or b"{}")
            except ValueError:
                broken.append(path.name)
    assert (broken, blank) == (["2024-02-16.jsonl"], 1)
    assert again > 20
    kinds = {path.name: "payload" in json.loads(lines_of(path)[0]) for path in files}
    assert [name for name, framed in kinds.items() if framed] == ["2024-03-17.jsonl"]


def test_a_file_holds_its_own_day_or_hour_in_the_order_of_time(root: Path) -> None:
    for path in captures(root):
        times = [event_of(line)["at"] for line in dict.fromkeys(lines_of(path)) if line.endswith(b"}}")]
        assert times == sorted(times)
        first, last = (datetime.fromtimestamp(at // 1_000_000, UTC) for at in (times[0], times[-1]))
        if path.name == "part-0":
            assert {(when.day, when.hour) for when in (first, last)} == {(20, int(path.parent.name))}
        else:
            assert {f"{when:%Y-%m-%d}" for when in (first, last)} == {path.name[:10]}


def test_ids_are_those_of_the_time(events: list[dict[str, Any]]) -> None:
    off = 0
    for event in events:
        assert re.fullmatch(r"did:plc:[a-z2-7]{24}", event["did"])
        if event["kind"] != "commit":
            continue
        assert abs(micros_of(event["rev"]) - event["at"]) < 1_000_000
        if event["operation"] == "create" and event["rkey"] != "self":
            assert abs(micros_of(event["rkey"]) - event["at"]) < 1_000_000
            claim = datetime.fromisoformat(event["record"]["createdAt"])
            off += abs(claim.timestamp() * 1e6 - event["at"]) > 60e6
            assert re.fullmatch(r"bafyrei[a-z2-7]{52}", event["cid"])
    assert 0 < off < 0.005 * len(events)
    revisions = defaultdict(list)
    for event in events:
        if event["kind"] == "commit":
            revisions[event["did"]].append(event["rev"])
    assert all(rising == sorted(set(rising)) for rising in revisions.values())


def test_deletes_updates_and_subjects_refer_to_what_was_there_before(events: list[dict[str, Any]]) -> None:
    there: set[tuple[str, str, str]] = set()
    counts: Counter[str] = Counter()

    def known(uri: str) -> bool:
        did, collection, rkey = uri.removeprefix("at://").split("/")
        return collection != POST or (did, collection, rkey) in there

    for event in events:
        if event["kind"] != "commit" or event["collection"] == "app.bsky.feed.threadgate":
            continue
        key = (event["did"], event["collection"], event["rkey"])
        counts[f"{event['operation']} {event['collection']}"] += 1
        if event["operation"] == "create":
            there.add(key)
            record = event["record"]
            if isinstance(record.get("subject"), dict):
                assert known(record["subject"]["uri"])
            if "reply" in record:
                assert known(record["reply"]["parent"]["uri"])
                assert known(record["reply"]["root"]["uri"])
                counts["reply"] += 1
            embed = record.get("embed", {})
            if "record" in embed:
                inner = embed["record"]
                assert known((inner if "uri" in inner else inner["record"])["uri"])
                counts[embed["$type"]] += 1
        elif event["collection"] != "app.bsky.actor.profile":
            assert key in there, event
            if event["operation"] == "delete":
                assert "record" not in event
    embeds = ("app.bsky.embed.record", "app.bsky.embed.recordWithMedia")
    deletes = (f"delete {POST}", f"delete {LIKE}", f"delete {FOLLOW}")
    for what in (*deletes, *embeds, f"update {POST}", "reply", "update app.bsky.actor.profile"):
        assert counts[what] >= 5, what


def test_facets_point_at_bytes(events: list[dict[str, Any]]) -> None:
    kinds: Counter[str] = Counter()
    handles = {event["did"]: event["identity"]["handle"] for event in events if event["kind"] == "identity"}
    for event in commits(events, POST):
        for facet in event["record"].get("facets", []):
            (feature,) = facet["features"]
            begin, end = facet["index"]["byteStart"], facet["index"]["byteEnd"]
            shown = event["record"]["text"].encode()[begin:end].decode()
            kind = feature["$type"].partition("#")[2]
            kinds[kind] += 1
            if kind == "tag":
                assert shown == "#" + feature["tag"]
            elif kind == "link":
                assert feature["uri"] == "https://" + shown
            elif feature["did"] in handles:
                assert shown == "@" + handles[feature["did"]]
    assert set(kinds) == {"tag", "link", "mention"}


def test_accounts_that_leave_are_not_of_a_network(events: list[dict[str, Any]], truth: Any) -> None:
    states = Counter(
        event["account"].get("status")
        for event in events
        if event["kind"] == "account" and not event["account"]["active"]
    )
    assert states == {"deleted": 2, "takendown": 1, "deactivated": 2}
    for event in events:
        if event["kind"] == "account" and not event["account"]["active"]:
            assert truth["bluesky", event["did"]]["kind"] == "organic"


# ---- personas, communities, networks, bots --------------------------------------------------------------------------


def test_personas_show_in_posts_replies_and_hashtags(events: list[dict[str, Any]], truth: Any) -> None:
    words = {word: number for number, p in enumerate(PERSONAS) for word in (*p.nouns, *p.adjectives, *p.doings)}
    topics = {tag.lower(): PERSONA_OF_TOPIC[topic] for topic, tags in HASHTAGS.items() for tag in tags}
    assert len(topics) == sum(map(len, HASHTAGS.values()))
    own: Counter[bool] = Counter()
    tagged: Counter[bool] = Counter()
    replies: Counter[bool] = Counter()
    for event in commits(events, POST):
        account = truth["bluesky", event["did"]]
        record = event["record"]
        for facet in record.get("facets", []):
            if "tag" in facet["features"][0]:
                tagged[topics[facet["features"][0]["tag"].lower()] == account["persona"]] += 1
        if record.get("langs") == ["en"] and account["kind"] == "organic":
            for word in re.findall("[a-z]+", record["text"].lower()):
                if word in words:
                    own[words[word] == account["persona"]] += 1
        if "reply" in record:
            parent = record["reply"]["parent"]["uri"].split("/")[2]
            replies[truth["bluesky", parent]["persona"] == account["persona"]] += 1
    assert own[True] > 20_000
    assert own[False] < 0.05 * own[True]
    assert tagged == {True: tagged[True]}
    assert tagged[True] > 1_000
    assert replies[True] > 3 * replies[False] > 0


def test_people_like_what_their_persona_writes(events: list[dict[str, Any]], truth: Any) -> None:
    alike: Counter[bool] = Counter()
    for event in commits(events, LIKE):
        uri = event["record"]["subject"]["uri"]
        if f"/{POST}/" in uri:
            author = truth["bluesky", uri.split("/")[2]]
            alike[author["persona"] == truth["bluesky", event["did"]]["persona"]] += 1
    assert alike[True] > 3 * alike[False] > 0


def edges_of(root: Path) -> list[tuple[str, str]]:
    with (root / "landing" / "edges" / "demo" / "followers.csv").open(encoding="utf-8") as file:
        return [(row["follower"], row["influencer"]) for row in csv.DictReader(file)]


def test_people_of_a_community_follow_its_influencers_everywhere(
    root: Path, events: list[dict[str, Any]], truth: Any
) -> None:
    followed = [("twitter", *edge) for edge in edges_of(root) if edge[0] != edge[1]]
    followed += [("bluesky", event["did"], event["record"]["subject"]) for event in commits(events, FOLLOW)]
    home: dict[str, Counter[bool]] = {"twitter": Counter(), "bluesky": Counter()}
    sides: dict[int, dict[str, set[int]]] = defaultdict(lambda: {"twitter": set(), "bluesky": set()})
    for platform, follower, other in followed:
        one, two = truth[platform, follower], truth[platform, other]
        if two["is_influencer"]:
            sides[one["actor"]][platform].add(two["actor"])
            if one["community"] is not None and two["community"] is not None:
                home[platform][one["community"] == two["community"]] += 1
    for counts in home.values():
        assert counts[True] > 500
        assert 0.75 < counts[True] / counts.total() < 0.95
    both = [side for side in sides.values() if side["twitter"] and side["bluesky"]]
    assert len(both) > 100
    # Bluesky's window shows a part of what the list of Twitter shows: one person, one set of interests.
    assert all(side["bluesky"] <= side["twitter"] for side in both)


def test_edge_files_tell_one_graph_in_opposite_orders(root: Path) -> None:
    folder = root / "landing" / "edges" / "demo"
    rows = edges_of(root)
    assert len([row for row in rows if row[0] == row[1]]) == 1
    assert len(rows) - len(set(rows)) > 10
    lines = (folder / "following.edgelist").read_text().splitlines()
    assert [line for line in lines if line.startswith("#")] == lines[:2]
    turned = {tuple(reversed(line.split("\t"))) for line in lines[2:]}
    assert len(turned) > 500
    assert turned <= set(rows)
    stated = {path.name: json.loads(path.read_text())["direction"] for path in folder.glob("*.meta.json")}
    assert stated == {
        "followers.csv.meta.json": "first_follows_second",
        "following.edgelist.meta.json": "second_follows_first",
    }


def test_networks_push_their_contents_on_other_platforms_too(
    root: Path, world: World, events: list[dict[str, Any]], truth: Any
) -> None:
    texts: dict[int, set[str]] = defaultdict(set)
    pages: dict[int, set[str]] = defaultdict(set)
    for content in world.contents:
        if content.network is not None:
            (pages if content.url else texts)[content.network].add(
                str(page_of(content.url)) if content.url else fold(content.text)
            )
    carriers: dict[str, dict[int, set[str]]] = {"bluesky": defaultdict(set), "twitter": defaultdict(set)}

    def note(platform: str, account: str, text: str, urls: list[str]) -> None:
        network = truth[platform, account]["network"]
        if network is not None and (
            fold(text) in texts[network] or any(str(page_of(u)) in pages[network] for u in urls)
        ):
            carriers[platform][network].add(account)

    for event in commits(events, POST):
        card = event["record"].get("embed", {}).get("external", {})
        note("bluesky", event["did"], event["record"]["text"], [card["uri"]] if card else [])
    for tweet in tweets_of(root):
        urls = [url["expanded_url"] for url in tweet.get("entities", {}).get("urls", [])]
        note("twitter", tweet["author_id"], re.sub(r" ?https://t\.co/\w+", "", tweet["text"]), urls)
    planted = Counter((row["platform"], row["network"]) for row in truth.values() if row["network"] is not None)
    for platform, found in carriers.items():
        there = [network for network in texts.keys() | pages.keys() if planted[platform, network]]
        assert len(there) >= 0.7 * len(world.networks)
        assert sum(len(found[network]) for network in there) >= 0.9 * sum(planted[platform, n] for n in there)
    rows = [row for row in truth.values() if row["network"] is not None]
    assert {row["platform"] for row in rows} == {"facebook", "bluesky", "twitter", "instagram"}


def test_bots_of_one_operator_keep_one_clock_and_one_biography(events: list[dict[str, Any]], truth: Any) -> None:
    times, bios = defaultdict(list), defaultdict(set)
    for event in events:
        account = truth["bluesky", event["did"]]
        if account["nature"] == "bot" and event["kind"] == "commit":
            if event["collection"] == POST and event["operation"] == "create":
                times[account["operator"], event["did"]].append(event["at"])
            elif event["collection"] == "app.bsky.actor.profile":
                bios[account["operator"]].add(event["record"]["description"])
    assert len(times) >= 20
    for found in times.values():
        gaps = {round((later - earlier) / 3.6e9, 2) for earlier, later in pairwise(found)}
        assert len(gaps) == 1
        assert gaps <= {18, 24, 30, 36}
    assert all(len(texts) == 1 for texts in bios.values())


def test_labels_and_lists_are_enough_to_learn_and_filter() -> None:
    full = World()
    rows = full.truth_accounts().to_pylist()
    bots = {row["actor"]: row["operator"] for row in rows if row["nature"] == "bot"}
    assert len(bots) >= 50
    assert len(set(bots.values())) >= 10
    assert {row["nature"] for row in rows} == {"person", "company", "bot"}


def test_labels_tell_the_truth(root: Path, truth: Any) -> None:
    with (root / "labels" / "demo.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    column = {"kind": "nature", "country": "country_code"}
    assert all(truth[row["platform"], row["account_id"]][column[row["attribute"]]] == row["value"] for row in rows)
    grouped = {row["group"] for row in rows if row["value"] == "bot"}
    assert all(group.startswith("operator ") for group in grouped)
    creators = (root / "lists" / "demo" / "creators.csv").read_text().split()
    assert creators[0] == "creator"
    assert all(truth["tiktok", name]["is_influencer"] for name in creators[1:])


# ---- Twitter ------------------------------------------------------------------------------------------------------


def pages_of(root: Path) -> list[dict[str, Any]]:
    files = sorted((root / "landing" / "twitter" / "demo").glob("search_*.jsonl"))
    return [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]


def tweets_of(root: Path) -> list[dict[str, Any]]:
    return [tweet for page in pages_of(root) for tweet in page["data"]]


def test_pages_hold_all_that_their_tweets_refer_to(root: Path) -> None:
    forms: Counter[str] = Counter()
    lost = 0
    for page in pages_of(root):
        assert len(page["data"]) <= 100
        ids = [int(tweet["id"]) for tweet in page["data"]]
        assert ids == sorted(ids, reverse=True)
        assert page["meta"]["result_count"] == len(ids)
        users = {user["id"]: user for user in page["includes"]["users"]}
        shown = {tweet["id"] for tweet in page["includes"].get("tweets", [])}
        failed = {error["resource_id"] for error in page.get("errors", [])}
        media = {item["media_key"] for item in page["includes"].get("media", [])}
        lost += len(failed)
        for tweet in (*page["data"], *page["includes"].get("tweets", [])):
            assert tweet["author_id"] in users
            assert set(tweet.get("attachments", {}).get("media_keys", [])) <= media
            born = ((int(tweet["id"]) >> 22) + 1_288_834_974_657) // 1_000
            assert datetime.fromisoformat(tweet["created_at"]).timestamp() == born
            for mention in tweet.get("entities", {}).get("mentions", []):
                assert users[mention["id"]]["username"] == mention["username"]
        for tweet in page["data"]:
            for reference in tweet.get("referenced_tweets", []):
                forms[reference["type"]] += 1
                assert reference["id"] in shown | failed
        retrieved = datetime.fromisoformat(page["__twarc"]["retrieved_at"])
        assert retrieved >= datetime.fromisoformat(page["data"][0]["created_at"])
    assert set(forms) == {"replied_to", "quoted", "retweeted"}
    assert lost >= 3


def test_entities_stand_where_they_say(root: Path) -> None:
    seen: Counter[str] = Counter()
    for tweet in tweets_of(root):
        marks = {"hashtags": ("tag", "#"), "mentions": ("username", "@"), "urls": ("url", "")}
        for kind, (name, sign) in marks.items():
            for entity in tweet.get("entities", {}).get(kind, []):
                seen[kind] += 1
                assert tweet["text"][entity["start"] : entity["end"]] == sign + entity[name]
    assert min(seen[kind] for kind in ("hashtags", "mentions", "urls")) > 100


def test_edited_tweets_come_in_both_versions(root: Path) -> None:
    tweets = {tweet["id"]: tweet for tweet in tweets_of(root)}
    edited = [tweet for tweet in tweets.values() if len(tweet["edit_history_tweet_ids"]) > 1]
    assert len(edited) >= 5
    for tweet in edited:
        earlier, later = tweet["edit_history_tweet_ids"]
        assert later == tweet["id"]
        assert tweets[earlier]["author_id"] == tweet["author_id"]


def test_the_stream_repeats_tweets_in_the_old_form_and_breaks_off(root: Path) -> None:
    (path,) = (root / "landing" / "twitter" / "demo").glob("stream_*.jsonl")
    *lines, last = path.read_bytes().split(b"\n")
    known = {tweet["id"]: tweet for tweet in tweets_of(root)}
    assert len(lines) == 39
    for line in lines:
        tweet = json.loads(line)
        assert known[tweet["id_str"]]["author_id"] == tweet["user"]["id_str"]
        assert known[tweet["id_str"]]["text"] == tweet["full_text"]
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(last)


def test_compliance_withdraws_real_tweets(root: Path, truth: Any) -> None:
    (path,) = (root / "landing" / "twitter" / "demo").glob("tweets_compliance_*.jsonl")
    blank, *lines = path.read_text().splitlines()
    assert blank == ""
    known = {tweet["id"]: tweet for tweet in tweets_of(root)}
    assert len(lines) - len(set(lines)) == 1
    rows = [json.loads(line) for line in lines]
    assert {row["reason"] for row in rows} == {"deleted", "deactivated", "protected"}
    for row in rows:
        born = (int(row["id"]) >> 22) + 1_288_834_974_657
        assert round(datetime.fromisoformat(row["created_at"]).timestamp() * 1_000) == born
        assert truth["twitter", known[row["id"]]["author_id"]]["kind"] == "organic"


# ---- TikTok, Instagram, groups ---------------------------------------------------------------------------------------


def test_videos_tell_their_second_and_the_collectors_clock(root: Path, truth: Any) -> None:
    zone, soon, videos = ZoneInfo("America/New_York"), 0, 0
    again: Counter[str] = Counter()
    for path in sorted((root / "landing" / "tiktok" / "demo").glob("results_*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows[0]) == 20
        again.update(row["video_id"] for row in rows)
        for row in rows:
            if not row["author_username"]:
                assert (row["video_timestamp"], row["video_description"]) == ("1969-12-31T19:00:00", "")
                continue
            videos += 1
            local = datetime.fromisoformat(row["video_timestamp"]).replace(tzinfo=zone)
            soon += 0 <= local.timestamp() - (int(row["video_id"]) >> 32) <= 300
            account = truth["tiktok", row["author_username"]]
            assert account["display_name"] == row["author_name"]
            assert row["video_locationcreated"] == (
                "FAKE-AD" if row["video_is_ad"] == "True" else account["country_code"]
            )
    assert soon > 0.95 * videos
    assert soon < videos
    assert max(again.values()) > 1


def test_research_page_is_whole(root: Path, truth: Any) -> None:
    page = json.loads((root / "landing" / "tiktok" / "demo" / "research_api_page.json").read_text())
    assert page["error"]["code"] == "ok"
    assert len(page["data"]["videos"]) == 60
    for video in page["data"]["videos"]:
        assert truth["tiktok", video["username"]]["country_code"] == video["region_code"]
        assert video["hashtag_names"] == re.findall(r"#(\S+)", video["video_description"])


def test_groups_and_instagram_carry_contents_of_networks(root: Path, world: World, truth: Any) -> None:
    folder = root / "landing" / "crowdtangle" / "demo"
    texts = defaultdict(set)
    for content in world.contents:
        texts[content.network].add(content.text)
    with (folder / "2024-03-18-06-20-02-EDT-search-csv-export.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    carried: Counter[int | None] = Counter()
    for row in rows:
        group = truth["facebook", row["Facebook Id"]]
        assert (group["account_kind"], group["display_name"]) == ("group", row["Group Name"])
        assert f"/groups/{row['Facebook Id']}/permalink/" in row["URL"]
        carried[group["network"]] += row["Message"] in texts[group["network"]]
    assert all(carried[network] >= 5 for network in carried if network is not None)
    with (folder / "2024-03-18-06-31-57-EDT-search-csv-export.csv").open(encoding="utf-8-sig", newline="") as file:
        pictures = list(csv.DictReader(file))
    copied = {fold(content.text) for content in world.contents if content.network is not None and content.copies_text}
    assert len(pictures) > 100
    assert sum(fold(row["Description"]) in copied for row in pictures) > 50
    assert len({row["URL"] for row in pictures}) == len(pictures)
    for row in pictures:
        assert truth["instagram", row["User Name"]]["display_name"] == row["Account"]


def test_all_sites_are_invented_but_the_platforms_own(root: Path) -> None:
    hosts: set[str] = set()
    for path in (root / "landing").rglob("*"):
        if path.is_file():
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            hosts.update(host.decode().lower() for host in re.findall(rb"https?://([\w.-]+)", data))
    own = {"www.facebook.com", "www.instagram.com", "twitter.com", "t.co", "api.twitter.com"}
    # The text of a retweet may end within a short address.
    assert {host for host in hosts if not host.endswith(".example")} - {"t", "t.", "t.c"} == own


def test_personas_have_words_of_their_own() -> None:
    words = [word for p in PERSONAS for word in (*p.nouns, *p.adjectives, *p.doings)]
    assert len(words) == 28 * len(PERSONAS)
    assert [word for word, n in Counter(words).items() if n > 1] == []
    assert {topic for p in PERSONAS for topic in p.topics} == set(HASHTAGS)
