"""The demo world: people, what they published, and the truth about them.

Here: `World`, which plants everything from a seed and writes it under a data root. Not here: how each part is made
(`people`, `sharing`) and how a source delivers it (`crowdtangle`).
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from sm_assets.demo import crowdtangle
from sm_assets.demo.people import Account, Actor, Network, make_account, make_actors, make_networks
from sm_assets.demo.sharing import Content, Post, Sharing
from sm_assets.errors import OptionError

FIRST_DAY: Final = date(2024, 2, 12)
DAYS: Final = 35


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A world of accounts with planted networks; equal arguments give equal worlds and equal bytes.

    Attributes:
        seed: names the world.
        scale: 1 = about 600 accounts and 20,000 posts; both grow in proportion. At least 0.02.
        networks: the planted networks, by size.
        actors: who runs the accounts; account i belongs to actor i.
        contents: what was published by more than one account, or could have been.
        posts: in the order of time.

    Raises:
        OptionError: the scale is out of range.
    """

    seed: int = 7
    scale: float = 1.0
    networks: tuple[Network, ...] = field(init=False)
    actors: tuple[Actor, ...] = field(init=False)
    accounts: tuple[Account, ...] = field(init=False)
    contents: tuple[Content, ...] = field(init=False)
    posts: tuple[Post, ...] = field(init=False)

    def __post_init__(self) -> None:
        if not 0.02 <= self.scale <= 50:
            raise OptionError(f"scale must lie between 0.02 (12 accounts) and 50 (30,000); found {self.scale}.")
        start = datetime.combine(FIRST_DAY, datetime.min.time(), UTC)
        sized = make_networks(self.seed, self.scale)
        actors = make_actors(self.seed, self.scale, sized)
        accounts = [make_account(self.seed, actor, start, DAYS) for actor in actors]
        networks = [network for network, _ in sized]
        sharing = Sharing(self.seed, start, DAYS, networks, actors, accounts)
        for name, value in (
            ("networks", networks), ("actors", actors), ("accounts", accounts),
            ("contents", sharing.contents), ("posts", sharing.posts),
        ):  # fmt: skip
            object.__setattr__(self, name, tuple(value))

    @property
    def first_day(self) -> date:
        """First UTC day with posts."""
        return FIRST_DAY

    @property
    def last_day(self) -> date:
        """Last UTC day with posts."""
        return FIRST_DAY + timedelta(days=DAYS - 1)

    def write(self, root: Path) -> list[Path]:
        """Write exports and truth below `root`; each file appears whole or not at all.

        Returns:
            The landing files; then `truth/accounts.{parquet,csv}` (one row per account: kind, network) and
            `truth/networks.{parquet,csv}` (one row per planted network).
        """
        files: dict[Path, bytes] = {
            root / "landing" / "crowdtangle" / "demo" / name: data
            for name, data in crowdtangle.exports(self.seed, FIRST_DAY, self.accounts, self.actors, self.posts).items()
        }
        for name, table in (("accounts", self.truth_accounts()), ("networks", self.truth_networks())):
            files[root / "truth" / f"{name}.parquet"] = _parquet(table)
            files[root / "truth" / f"{name}.csv"] = _csv(table)
        for path, data in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            aside = path.with_name(f".{path.name}.tmp")
            aside.write_bytes(data)
            aside.replace(path)
        return list(files)

    def truth_accounts(self) -> pa.Table:
        """One row per account [platform, account_id]: handle (the latest), kind, network (null for others)."""
        actors = [self.actors[account.actor] for account in self.accounts]
        return pa.table(
            {
                "platform": [account.platform for account in self.accounts],
                "account_id": [account.account_id for account in self.accounts],
                "handle": [account.later_handle or None for account in self.accounts],
                "display_name": [account.title for account in self.accounts],
                "kind": [actor.kind for actor in actors],
                "network": pa.array([actor.network for actor in actors], pa.int64()),
                "language": [actor.language for actor in actors],
                "country_code": [actor.country for actor in actors],
            }
        )

    def truth_networks(self) -> pa.Table:
        """One row per planted network: size, language, style, contents."""
        sizes = [sum(actor.network == network.number for actor in self.actors) for network in self.networks]
        return pa.table(
            {
                "network": pa.array([network.number for network in self.networks], pa.int64()),
                "n_accounts": pa.array(sizes, pa.int64()),
                "language": [network.language for network in self.networks],
                "style": [network.style for network in self.networks],
                "tempo": pa.array([network.tempo for network in self.networks], pa.float64()),
                "n_contents": pa.array([network.n_contents for network in self.networks], pa.int64()),
            }
        )


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def _csv(table: pa.Table) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows(zip(*table.to_pydict().values(), strict=True))
    return text.getvalue().encode()
