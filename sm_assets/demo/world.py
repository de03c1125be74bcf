"""The demo world: people, what they published, and the truth about them.

Here: `World`, which plants everything from a seed and writes it under a data root, and `world_of`, which plants as much
as is asked for. Not here: how each part is made (`people`, `residents`, `sharing`) and how a source delivers it
(`crowdtangle`, `bluesky`, ...).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import pyarrow as pa

from sm_assets.demo import crowdtangle, crowdtangle_others, edges, truth
from sm_assets.demo.bluesky import write_bluesky
from sm_assets.demo.crossposts import Crosspost, crossposts
from sm_assets.demo.crowdtangle_others import Group
from sm_assets.demo.edges import write_edges
from sm_assets.demo.files import write_rows, write_table
from sm_assets.demo.people import Account, Actor, Network, make_account, make_actors, make_networks
from sm_assets.demo.residents import Residents
from sm_assets.demo.rhythm import shared_out
from sm_assets.demo.sharing import Content, Post, Sharing
from sm_assets.demo.tiktok import write_tiktok
from sm_assets.demo.twitter import write_twitter
from sm_assets.demo.vocabulary import PERSONAS
from sm_assets.errors import OptionError

FIRST_DAY: Final = date(2024, 2, 12)
DAYS: Final = 35
FEWEST_EVENTS, MOST_EVENTS = 10, 10_000_000
SOURCES: Final = ("crowdtangle", "bluesky", "twitter", "tiktok", "edges")
# People beside those with pages, rows of Bluesky, Twitter and TikTok at scale 1, and all rows together.
_PUBLIC: Final = 2_000
_BLUESKY, _TWITTER, _TIKTOK = 48_000, 9_000, 3_500
_ALL_ROWS: Final = 104_000
# Pages are held in memory: beyond this scale only Bluesky grows, whose events are not.
_LARGEST_SCALE: Final = 8.0
_EVENTS_PER_PERSON, _MOST_PUBLIC = 150, 60_000
# What a very small world has, per hundred rows: pages, groups, Instagram, Bluesky, Twitter, TikTok, edges.
_SMALL: Final = (20, 2, 3, 45, 15, 7, 8)
_LISTED_PERSONA: Final = 2


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows each export has, about."""

    pages: int
    groups: int
    instagram: int
    bluesky: int
    twitter: int
    tiktok: int
    edges: int


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """One world seen through the exports of all platforms; equal arguments give equal worlds and equal bytes.

    Attributes:
        seed: names the world.
        scale: 1 = about 600 pages with 20,000 posts, 2,000 other people, 100,000 rows; all grow in proportion. At
            least 0.02.
        events: rows of all exports together, about, whatever the scale says; None: as many as the scale gives.
        networks: the planted networks, by size.
        actors: who runs the pages; page i belongs to actor i.
        accounts: the pages.
        contents: what was published by more than one page, or could have been.
        posts: of pages, in the order of time.
        residents: everybody, pages or not, with their accounts on the other platforms.
        groups: groups of Facebook, with `group_posts`.
        instagram: what owners of pages show there.
        rows: how many rows each export has.

    Raises:
        OptionError: the scale or the number of events is out of range.
    """

    seed: int = 7
    scale: float = 1.0
    events: int | None = None
    networks: tuple[Network, ...] = field(init=False)
    actors: tuple[Actor, ...] = field(init=False)
    accounts: tuple[Account, ...] = field(init=False)
    contents: tuple[Content, ...] = field(init=False)
    posts: tuple[Post, ...] = field(init=False)
    residents: Residents = field(init=False)
    groups: tuple[Group, ...] = field(init=False)
    group_posts: tuple[Post, ...] = field(init=False)
    instagram: tuple[Crosspost, ...] = field(init=False)
    rows: Rows = field(init=False)

    def __post_init__(self) -> None:
        if not 0.02 <= self.scale <= 50:
            raise OptionError(f"scale must lie between 0.02 (12 accounts) and 50 (30,000); found {self.scale}.")
        if self.events is not None and not FEWEST_EVENTS <= self.events <= MOST_EVENTS:
            raise OptionError(
                f"events must lie between {FEWEST_EVENTS} and {MOST_EVENTS:,}; found {self.events:,}. "
                "For a firehose alone there is sm_assets.demo.bluesky.write_jetstream."
            )
        sized = make_networks(self.seed, self.scale)
        actors = make_actors(self.seed, self.scale, sized)
        accounts = [make_account(self.seed, actor, self.start, DAYS) for actor in actors]
        networks = [network for network, _ in sized]
        sharing = Sharing(self.seed, self.start, DAYS, networks, actors, accounts)
        groups, group_posts = crowdtangle_others.make_groups(
            self.seed, self.start, DAYS, actors, sharing.contents, accounts
        )
        public = max(round(_PUBLIC * self.scale), min(_MOST_PUBLIC, (self.events or 0) // _EVENTS_PER_PERSON))
        residents = Residents(self.seed, actors, public)
        for name, value in (
            ("networks", tuple(networks)), ("actors", tuple(actors)), ("accounts", tuple(accounts)),
            ("contents", tuple(sharing.contents)), ("posts", tuple(sharing.posts)), ("residents", residents),
            ("groups", tuple(groups)), ("group_posts", tuple(group_posts)),
        ):  # fmt: skip
            object.__setattr__(self, name, value)
        pictures = crowdtangle_others.pictures_of(self.seed, self.posts, residents.all)
        object.__setattr__(self, "instagram", tuple(self._in_time([*self.pushed("instagram"), *pictures])))
        object.__setattr__(self, "rows", self._rows())

    def _rows(self) -> Rows:
        natural = Rows(
            pages=crowdtangle.n_rows(self.start, self.posts),
            groups=len(self.group_posts),
            instagram=len(self.instagram),
            bluesky=round(_BLUESKY * self.scale),
            twitter=round(_TWITTER * self.scale),
            tiktok=round(_TIKTOK * self.scale),
            edges=edges.n_edges(self.residents),
        )
        if self.events is None:
            return natural
        others = natural.pages + natural.groups + natural.instagram + natural.twitter + natural.tiktok + natural.edges
        if others <= 0.65 * self.events:
            return Rows(
                natural.pages, natural.groups, natural.instagram, self.events - others, natural.twitter, natural.tiktok,
                natural.edges,
            )  # fmt: skip
        return Rows(*shared_out(self.events, _SMALL))

    @property
    def start(self) -> datetime:
        """The beginning of the first day."""
        return datetime.combine(FIRST_DAY, datetime.min.time(), UTC)

    @property
    def end(self) -> datetime:
        """The end of the last day."""
        return self.start + timedelta(days=DAYS)

    @property
    def first_day(self) -> date:
        """First UTC day with posts."""
        return FIRST_DAY

    @property
    def last_day(self) -> date:
        """Last UTC day with posts."""
        return FIRST_DAY + timedelta(days=DAYS - 1)

    def pushed(self, platform: str) -> list[Crosspost]:
        """What the networks push on that platform, by time."""
        found = crossposts(self.seed, platform, self.networks, self.actors, self.contents, self.residents.all)
        return self._in_time(found)

    def _in_time(self, found: Iterable[Crosspost]) -> list[Crosspost]:
        return sorted((post for post in found if post.at < self.end), key=lambda p: (p.at, p.resident.actor, p.number))

    def write(self, root: Path, sources: tuple[str, ...] = SOURCES) -> list[Path]:
        """Write exports, truth, labels and lists below `root`; each file appears whole or not at all.

        Args:
            root: the data root.
            sources: whose exports are written.

        Returns:
            The files below `landing/`; then tables of the truth as Parquet and CSV (`truth/accounts`, `networks`,
            `communities`, `personas`, `hashtags`), and what a user would bring: `labels/demo.csv`, `lists/demo/*.csv`.
        """
        landing, rows = root / "landing", self.rows
        files: list[Path] = []
        if "crowdtangle" in sources:
            folder = landing / "crowdtangle" / "demo"
            files += crowdtangle.write_pages(
                folder, self.seed, self.start, self.accounts, self.actors, self.posts, rows.pages
            )
            files += crowdtangle_others.write_groups(
                folder, self.seed, self.start, self.groups, self.actors, self.group_posts, rows.groups
            )
            files += crowdtangle_others.write_instagram(folder, self.seed, self.instagram, rows.instagram)
        if "bluesky" in sources:
            files += write_bluesky(
                landing / "bluesky" / "demo",
                self.seed,
                self.start,
                DAYS,
                self.residents,
                self.pushed("bluesky"),
                rows.bluesky,
            )
        if "twitter" in sources:
            files += write_twitter(
                landing / "twitter" / "demo",
                self.seed,
                self.start,
                DAYS,
                self.residents,
                self.pushed("twitter"),
                rows.twitter,
            )
        if "tiktok" in sources:
            files += write_tiktok(landing / "tiktok" / "demo", self.seed, self.start, DAYS, self.residents, rows.tiktok)
        if "edges" in sources:
            files += write_edges(landing / "edges" / "demo", self.seed, self.start, self.residents, rows.edges)
        for name, table in (
            ("accounts", self.truth_accounts()),
            ("networks", self.truth_networks()),
            ("communities", truth.communities_table(self.residents)),
            ("personas", truth.personas_table(self.residents)),
            ("hashtags", truth.hashtags_table()),
        ):
            files += write_table(root / "truth" / name, table)
        lists = root / "lists" / "demo"
        creators = list(truth.listed_creators(self.residents, _LISTED_PERSONA))
        return [
            *files,
            write_rows(root / "labels" / "demo.csv", truth.labels(self.residents)),
            write_rows(lists / "hashtags.csv", truth.listed_hashtags(PERSONAS[_LISTED_PERSONA].topics)),
            # A list without entries is a mistake: a very small world has no creators to list.
            *([write_rows(lists / "creators.csv", iter(creators))] if len(creators) > 1 else []),
        ]

    def truth_accounts(self) -> pa.Table:
        """One row per account [platform, account_id]: who it is and what it belongs to (`truth.accounts_table`)."""
        return truth.accounts_table(self.accounts, self.groups, self.residents)

    def truth_networks(self) -> pa.Table:
        """One row per planted network (`truth.networks_table`)."""
        return truth.networks_table(self.networks, self.actors, self.residents)


def world_of(events: int, seed: int = 7) -> World:
    """The world whose exports together have about so many rows.

    Up to some 800,000 everything grows; beyond, Bluesky's stream alone, which is never held in memory.

    Raises:
        OptionError: fewer than 10 or more than 10,000,000.
    """
    scale = min(_LARGEST_SCALE, max(0.02, events / _ALL_ROWS))
    return World(seed, scale, events)
