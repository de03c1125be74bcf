"""The demo world: the same bytes everywhere, the planted structure really there, exports in the shape of the source."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import subprocess
import sys
import unicodedata
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from sm_assets.demo import World
from sm_assets.demo.crowdtangle import COLUMNS_40, COLUMNS_41
from sm_assets.demo.draws import Draws
from sm_assets.demo.texts import copied_text, tracked_url
from sm_assets.errors import OptionError

HASH_PROGRAM = """
import hashlib, sys
from pathlib import Path
from sm_assets.demo import World
files = World(seed=11, scale=0.1).write(Path(sys.argv[1]))
print([(str(path), hashlib.sha256(path.read_bytes()).hexdigest()) for path in sorted(files)])
"""


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def root(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("world")
    world.write(root)
    return root


def landing(root: Path) -> dict[str, Path]:
    """The exports of pages; those of groups and of Instagram have tests of their own."""
    files = (root / "landing" / "crowdtangle").rglob("*.csv")
    return {path.name: path for path in files if b"Page Name" in path.read_bytes()[:14]}


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def fold(text: str) -> str:
    """The canonical folding, told again: compatibility forms, case, format signs, white space."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    kept = (sign for sign in text if unicodedata.category(sign) != "Cf" and not "\ufe00" <= sign <= "\ufe0f")
    return " ".join("".join(kept).split())


def page_of(url: str) -> tuple[str, str, list[str]]:
    """Where an address leads: host without www, path without final slash, parameters that are not tracking."""
    parts = urlsplit(url)
    tracking = ("utm", "fbclid", "gclid", "mc_cid")
    kept = sorted(piece for piece in parts.query.split("&") if piece and not piece.lower().startswith(tracking))
    return parts.netloc.lower().removeprefix("www."), parts.path.rstrip("/"), kept


def test_same_bytes_for_every_hash_seed_and_process(tmp_path: Path) -> None:
    outputs = set()
    for hash_seed in ("0", "1", "4294967295"):
        folder = tmp_path / hash_seed
        folder.mkdir()
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path(__file__).parents[1])}
        done = subprocess.run(
            [sys.executable, "-c", HASH_PROGRAM, "world"],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1


def test_exports_keep_their_bytes(tmp_path: Path) -> None:
    """A change of the demo's data is a decision: look at the new world, then write the new digest here."""
    World(seed=11, scale=0.05).write(tmp_path)
    digest = hashlib.sha256()
    for path in sorted((tmp_path / "landing").rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(tmp_path).as_posix().encode() + path.read_bytes())
    assert digest.hexdigest() == "47ad8c45d1d9a648be2409379195745b2179c30d1bf85ab41547ed8d67ace21b"


def test_seeds_and_scales_make_other_worlds(world: World) -> None:
    other = World(seed=8, scale=0.5)
    assert len(other.accounts) == 300
    assert [account.title for account in other.accounts] != [account.title for account in world.accounts[:300]]


@pytest.mark.parametrize("scale", [0, 0.01, 51, float("nan")])
def test_scale_out_of_range_is_refused(scale: float) -> None:
    with pytest.raises(OptionError, match="scale must lie between"):
        World(scale=scale)


def test_counts(world: World) -> None:
    kinds = Counter(actor.kind for actor in world.actors)
    assert kinds == {"network": 240, "aggregator": 18, "organic": 342}
    assert 19_000 <= len(world.posts) <= 22_500
    days = {post.at.date() for post in world.posts}
    assert (min(days), max(days), len(days)) == (world.first_day, world.last_day, 35)
    assert len({account.account_id for account in world.accounts}) == 600


def test_every_member_shares_with_a_fellow(world: World) -> None:
    carriers = defaultdict(set)
    for post in world.posts:
        if post.content is not None and world.contents[post.content].network == world.actors[post.account].network:
            carriers[post.content].add(post.account)
    shared = Counter(account for group in carriers.values() if len(group) > 1 for account in group)
    members = [actor.number for actor in world.actors if actor.kind == "network"]
    assert all(shared[member] >= 2 for member in members)
    assert sum(shared[member] >= 8 for member in members) >= 0.9 * len(members)


def test_bursts_start_with_one_page_and_others_follow_within_hours(world: World) -> None:
    posts = defaultdict(list)
    for post in world.posts:
        if post.content is not None and world.contents[post.content].network is not None:
            posts[post.content].append(post)
    lags = []
    for content, carried in posts.items():
        first = min(carried, key=lambda post: post.at)
        assert first.at == world.contents[content].launched_at
        own = [post for post in carried if world.actors[post.account].kind == "network"]
        lags += [post.at - first.at for post in own if post is not first]
    within_hours = sum(lag <= timedelta(hours=6) for lag in lags) / len(lags)
    assert 0.75 <= within_hours < 1
    assert sum(lag <= timedelta(minutes=30) for lag in lags) >= 0.3 * len(lags)


def test_aggregators_carry_several_networks_and_organic_pages_none(world: World) -> None:
    networks = defaultdict(set)
    for post in world.posts:
        if post.content is not None and (number := world.contents[post.content].network) is not None:
            networks[post.account].add(number)
    for actor in world.actors:
        if actor.kind == "aggregator":
            assert len(networks[actor.number]) >= 3
        elif actor.kind == "organic":
            assert not networks[actor.number]


def test_one_content_is_viral_and_reaches_all_kinds(world: World) -> None:
    carriers = defaultdict(set)
    for post in world.posts:
        if post.content is not None:
            carriers[post.content].add(post.account)
    widest = max(carriers, key=lambda content: len(carriers[content]))
    assert len(carriers[widest]) > 200
    assert {world.actors[account].kind for account in carriers[widest]} == {"network", "aggregator", "organic"}


def test_days_and_nights_workdays_and_weekends(world: World) -> None:
    hours = Counter((post.at + timedelta(hours=world.actors[post.account].utc_hours)).hour for post in world.posts)
    assert sum(hours[hour] for hour in range(1, 5)) < 0.4 * sum(hours[hour] for hour in range(18, 22))
    weekdays = Counter(post.at.weekday() for post in world.posts)
    assert weekdays[5] + weekdays[6] < 0.75 * (weekdays[1] + weekdays[2])


def test_some_networks_speak_one_language_each(world: World) -> None:
    for actor in world.actors:
        if actor.network is not None:
            assert actor.language == world.networks[actor.network].language
    assert {network.language for network in world.networks} == {"en", "es", "fr", "de", "pt"}


@pytest.mark.parametrize("number", range(40))
def test_copies_look_different_and_fold_to_one(number: int) -> None:
    text = "\u26a0\ufe0f Eilmeldung: Die Stra\u00dfe nach Grünmoor wartet seit 12 Jahren. Fragt euren Stadtrat, warum."
    copies = {copied_text(Draws(1, "copy", number, n), text) for n in range(30)}
    assert len(copies) > 4
    assert {fold(copy) for copy in copies} == {fold(text)}


def test_tracked_addresses_lead_to_one_page() -> None:
    url = "https://grainmere-daily.example/read.php?article=4711&part=2"
    shared = {tracked_url(Draws(1, "url", n), url) for n in range(60)}
    assert len(shared) > 20
    assert {page_of(variant)[0] for variant in shared} == {"grainmere-daily.example"}
    assert {tuple(page_of(variant)[2]) for variant in shared} == {("article=4711", "part=2")}


def test_exports_have_the_columns_and_order_of_the_source(root: Path) -> None:
    files = landing(root)
    assert sorted(files) == [
        "2024-03-01-05-40-10-EST-search-csv-export.csv",
        "2024-03-15-06-12-44-EDT-search-csv-export.csv",
        "2024-03-18-06-12-44-EDT-search-csv-export.csv",
    ]
    earlier, later = (rows_of(path) for name, path in sorted(files.items()) if "-15-" not in name)
    assert (tuple(earlier[0]), tuple(later[0])) == (COLUMNS_40, COLUMNS_41)
    for rows in (earlier, later):
        created = [row["Post Created"] for row in rows]
        assert created[0] > created[-1]
        for row in rows[::50]:
            parts = ("Likes", "Comments", "Shares", "Love", "Wow", "Haha", "Sad", "Angry", "Care")
            assert int(row["Total Interactions"].replace(",", "")) == sum(int(row[part]) for part in parts)
            assert "\x00" not in "".join(row.values())
    assert {row["Post Created"][-3:] for row in earlier} == {"EST"}
    assert {row["Post Created"][-3:] for row in later} == {"EST", "EDT"}


def test_exports_overlap_and_the_later_one_has_grown(root: Path) -> None:
    files = landing(root)
    earlier, later = (rows_of(path) for name, path in sorted(files.items()) if "-15-" not in name)

    def by_post(rows: list[dict[str, str]]) -> dict[tuple[str, str, str], int]:
        return {
            (row["Facebook Id"], row["Post Created"], row["Message"]): int(row["Total Interactions"].replace(",", ""))
            for row in rows
        }

    before, after = by_post(earlier), by_post(later)
    both = before.keys() & after.keys()
    assert len(both) > 2_000
    assert all(after[post] >= before[post] for post in both)
    assert sum(after[post] > before[post] for post in both) > 100


def test_some_posts_come_with_two_addresses_and_some_pages_change_their_handle(root: Path) -> None:
    files = landing(root)
    urls, handles = defaultdict(set), defaultdict(set)
    for name, path in files.items():
        if "-15-" not in name:
            for row in rows_of(path):
                urls[row["Facebook Id"], row["Post Created"], row["Message"], row["Link"]].add(row["URL"])
                handles[row["Facebook Id"]].add(row["User Name"])
    assert sum(len(forms) > 1 for forms in urls.values()) > 100
    assert sum(len(names) > 1 for names in handles.values()) >= 10
    assert sum("" in names for names in handles.values()) >= 30


def test_damaged_file_holds_each_kind_of_damage(root: Path) -> None:
    data = landing(root)["2024-03-15-06-12-44-EDT-search-csv-export.csv"].read_bytes()
    assert data.count(b"\x00") == 1
    with pytest.raises(UnicodeDecodeError):
        data.decode()
    assert data.endswith(b',"The file ends here')
    lengths = Counter(len(row) for row in csv.reader(io.StringIO(data.decode(errors="replace"), newline="")))
    assert lengths[len(COLUMNS_41)] >= 38
    assert sum(lengths.values()) - lengths[len(COLUMNS_41)] == 3


def test_no_real_site_is_named(root: Path) -> None:
    for name, path in landing(root).items():
        if "-15-" in name:
            continue
        for row in rows_of(path):
            for column in ("URL", "Link", "Final Link"):
                host = urlsplit(row[column]).netloc.lower()
                assert host in ("", "www.facebook.com") or host.endswith(".example")


def test_truth_lies_beside_the_landing_folder(root: Path) -> None:
    accounts = pq.read_table(root / "truth" / "accounts.parquet")
    accounts = accounts.filter(pc.field("account_kind") == "page")
    assert accounts.num_rows == 600
    assert accounts.group_by("kind").aggregate([([], "count_all")]).num_rows == 3
    networks = pq.read_table(root / "truth" / "networks.parquet").to_pylist()
    sizes = Counter(number for number in accounts["network"].to_pylist() if number is not None)
    assert {row["network"]: row["n_accounts"] for row in networks} == dict(sizes)
    with (root / "truth" / "accounts.csv").open(encoding="utf-8") as file:
        assert list(csv.DictReader(file))[599]["account_id"] == accounts["account_id"][599].as_py()
    assert not [path for path in root.rglob("*") if path.name.endswith(".tmp")]
