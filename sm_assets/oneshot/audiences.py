"""Edge files in, audiences out: who shares followers with whom, communities, and the accounts around a few seeds.

Here: the order of the work, its options, the tables. Not here: reading (`audience_reading`), files of results
(`audience_files`), the analyses (`sm_assets.analysis`), the command line (`sm_assets.cli_audiences`). The lake makes
the same tables day by day by the same analyses; there each row has a `day`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.account_names import account_id, names_of
from sm_assets.analysis.audience_tables import community_tables
from sm_assets.analysis.communities import Communities, find_communities
from sm_assets.analysis.defaults import MIN_FOLLOWERS
from sm_assets.analysis.influencer_search import SearchOptions, search_rows
from sm_assets.analysis.null_models import DegreeClasses
from sm_assets.analysis.overlap_pairs import Audiences, find_overlaps
from sm_assets.analysis.overlap_tables import PAIRS, overlap_table, pair_table
from sm_assets.analysis.parameters import check_real, check_whole
from sm_assets.contracts import TABLES
from sm_assets.contracts.columns import PLATFORMS, SEARCH_METHODS
from sm_assets.contracts.schema import DAY
from sm_assets.errors import OptionError, UnknownAccounts
from sm_assets.kernels.sketch import MAX_FSS_K, sketch_csr
from sm_assets.oneshot.audience_reading import Follows, read_follows
from sm_assets.oneshot.audience_report import AudienceReport, summary
from sm_assets.oneshot.options import check_inputs
from sm_assets.sources.edges_rows import DIRECTIONS

_NO_DAY: Final = date(1970, 1, 1)  # rows are made with a day, which is taken off again


@dataclass(frozen=True, slots=True)
class AudienceOptions:
    """Everything that can be chosen.

    Attributes:
        seeds: accounts to look around; none: communities only.
        min_followers: known followers of an influencer; all others are counted and left out.
        methods: ways of ranking around the seeds.
        max_members: length of a ranking.
        resolution: of communities; higher: more and smaller ones.
        n_runs: runs that the communities are a consensus of; from 20 on the least number (see `find_communities`).
        platform: whose accounts a file holds that does not state it.
        direction: who follows whom in a file that neither states nor names it; None: the first node follows the second.
        registers: of a sketch, from which the rankings are read; more: finer and slower. With seeds at least 2.
    """

    seeds: tuple[str, ...] = ()
    min_followers: int = MIN_FOLLOWERS
    methods: tuple[str, ...] = SEARCH_METHODS
    max_members: int = 200
    resolution: float = 1.0
    n_runs: int = 20
    platform: str = "other"
    direction: str | None = None
    registers: int = 128

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            OptionError: the first value that cannot be used.
        """
        for name, value, allowed in (
            *(("method", method, SEARCH_METHODS) for method in self.methods),
            ("platform", self.platform, PLATFORMS),
            ("direction", self.direction or DIRECTIONS[0], DIRECTIONS),
        ):
            if value not in allowed:
                raise OptionError(f"{name} must be one of {', '.join(allowed)}; found {value!r}.")
        for name, number, most in (
            ("min_followers", self.min_followers, 10**12),
            ("max_members", self.max_members, 100_000),
            ("n_runs", self.n_runs, 1000),
            ("registers", self.registers, MAX_FSS_K),
        ):
            check_whole(name, number, 1, most)
        if not self.methods:
            raise OptionError(f"no method; name one or more of {', '.join(SEARCH_METHODS)}.")
        if not 0 < check_real("resolution", self.resolution) <= 1000:
            raise OptionError(f"resolution must lie above 0 and be at most 1000; found {self.resolution}.")
        if any(not seed.strip() for seed in self.seeds):
            raise OptionError("a seed is empty; name accounts by their ids in the edge files.")
        least = SearchOptions().rows
        if self.seeds and self.registers < least:
            raise OptionError(
                f"registers must be at least {least} where seeds are given: those around them are found by "
                f"{least} neighbouring registers; found {self.registers}. Leave --registers out (128), or the seeds."
            )


@dataclass(frozen=True, slots=True, eq=False)
class FoundAudiences:
    """What was found. Columns as in docs/tables.md under `out_audience_...` and `out_influencer_search`, without `day`.

    Attributes:
        communities: one row per community.
        members: one row per influencer, with its community or why it has none.
        overlap: the nearest 50 neighbours of each influencer.
        search: the rankings around the seeds, without search_name and with community_id and status of each account;
            no rows without seeds.
        pairs: all pairs that share more than chance explains: platform, account_id_a, account_id_b, jaccard, n_shared.
        seeds: platform and account_id of the seeds that were found, and their community_id and status.
        report: what was read and left out.
    """

    communities: pa.Table
    members: pa.Table
    overlap: pa.Table
    search: pa.Table
    pairs: pa.Table
    seeds: pa.Table
    report: AudienceReport

    @property
    def main(self) -> pa.Table:
        """What was asked for: the rankings if there were seeds, else the communities."""
        return self.search if len(self.seeds) else self.communities

    @property
    def summary(self) -> str:
        """The first of everything, for a person to read."""
        seeds_in = [(row["account_id"], row["community_id"]) for row in self.seeds.to_pylist()]
        return summary(self.communities, self.search, seeds_in)


def find_audiences(
    paths: str | Path | Iterable[str | Path],
    seeds: str | int | Iterable[str | int] = (),
    *,
    min_followers: int = MIN_FOLLOWERS,
    methods: str | Sequence[str] = SEARCH_METHODS,
    max_members: int = 200,
    resolution: float = 1.0,
    n_runs: int = 20,
    platform: str = "other",
    direction: str | None = None,
    registers: int = 128,
) -> FoundAudiences:
    """Find who shares followers with whom in edge files, communities, and the accounts around a few seeds.

    Args:
        paths: edge files in any form that the source `edges` reads: CSV, TSV, SNAP lists, Parquet, npy; files of labels
            too. Sidecars are honoured.
        seeds: accounts to look around, or one; none: communities only.
        min_followers: known followers of an influencer.
        methods: ways of ranking: minhash_similarity, agglomerative, personalised_pagerank.
        max_members: length of a ranking.
        resolution: of communities; higher: more and smaller ones.
        n_runs: runs that the communities are a consensus of; from 20 on at least so many: while one half of them and
            the other disagree they are doubled, up to 80. Below 20 just so many.
        platform: whose accounts a file holds that does not state it.
        direction: first_follows_second (assumed), second_follows_first or mutual, of files where neither a sidecar
            states it nor a header like follower,followed names it.
        registers: of a sketch, 1..2048; with seeds at least 2.

    Raises:
        OptionError: an option cannot be used; UnknownAccounts: no seed is an influencer.
        InputError: a file cannot be used.
    """
    options = AudienceOptions(
        seeds=tuple(names_of(seeds, "seeds")), min_followers=min_followers,
        methods=(methods,) if isinstance(methods, str) else tuple(methods or ()), max_members=max_members,
        resolution=resolution, n_runs=n_runs, platform=platform, direction=direction, registers=registers,
    )  # fmt: skip
    return run([Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths], options)


def run(
    paths: Sequence[Path],
    options: AudienceOptions,
    progress: Callable[[str], None] | None = None,
    listener: Callable[[str], None] | None = None,
) -> FoundAudiences:
    """Read, compare, group, rank.

    Args:
        paths: input files, in any order.
        options: what to do.
        progress: called with what is being done.
        listener: called with every notice as it comes up.

    Raises:
        OptionError, InputError, UnknownAccounts: see `find_audiences`.
    """
    if not paths:
        raise OptionError("no input file; give one or more edge files.")
    check_inputs(paths)
    tell = progress or (lambda _: None)
    report = AudienceReport(listener=listener, min_followers=options.min_followers)
    follows = read_follows(paths, report, platform=options.platform, direction=options.direction, progress=tell)
    report.followed = sum(len(each.account_ids) for each in follows.values())
    parts = [_Platform(name, each, options, tell) for name, each in follows.items()]
    report.accounts = sum(len(part.accounts) for part in parts)
    if not report.accounts:
        report.notice(_nobody(follows, options))
    # Whoever named nobody that is there should not have to wait for the communities to learn it.
    searches, seeds = _searches(parts, follows, options, report)
    for part in parts:
        part.group(options, tell)

    accounts = pa.concat_tables([part.accounts for part in parts]) if parts else _accounts("other", pa.array([]), None)
    told = community_tables(accounts, {part.name: part.communities for part in parts})
    report.clusters, report.members = len(told.communities), told.counts["influencers_member"]
    report.statuses.update({name: told.counts[f"influencers_{name}"] for name in ("member", "isolated", "small")})
    if report.accounts and not report.clusters:
        report.notice("no communities: no three influencers share more followers than chance explains")
    return FoundAudiences(
        communities=told.communities,
        members=told.members,
        overlap=pa.concat_tables([_empty("out_audience_overlap"), *(part.overlap for part in parts)]),
        search=_with_homes(pa.concat_tables([_empty("out_influencer_search"), *searches]), told.members),
        pairs=pa.concat_tables([PAIRS.empty_table(), *(part.pairs for part in parts)]),
        seeds=_with_homes(_seed_rows(seeds), told.members),
        report=report,
    )


class _Platform:
    """The influencers of one platform, and step by step what is found among them."""

    accounts: pa.Table
    communities: Communities
    overlap: pa.Table
    pairs: pa.Table

    def __init__(self, name: str, follows: Follows, options: AudienceOptions, tell: Callable[[str], None]) -> None:
        self.name = name
        self._ids, self._keys, self._indptr = follows.of_at_least(options.min_followers)
        tell(f"sketching {len(self._ids):,} audiences")
        self.signatures = sketch_csr(self._keys, self._indptr, options.registers)
        labels = pa.array([follows.labels.get(name) for name in self._ids.to_pylist()], pa.string())
        self.accounts = _accounts(name, self._ids, np.diff(self._indptr), labels)

    def group(self, options: AudienceOptions, tell: Callable[[str], None]) -> None:
        """Overlaps and communities."""
        degrees = DegreeClasses.of(np.unique(self._keys, return_counts=True)[1])
        sizes = np.diff(self._indptr)
        audiences = Audiences(sizes, self.signatures, degrees, degrees.n_followers, self._keys, self._indptr)
        found = find_overlaps(audiences, report=tell)
        edges = found.significant

        def share(done: float) -> None:
            tell(f"looking for communities among {len(edges.i):,} pairs: {100 * done:.0f} %")

        self.communities = find_communities(
            len(sizes), edges.i, edges.j, edges.weight,
            resolution=options.resolution, n_runs=options.n_runs, sweep=(), progress=share,
        )  # fmt: skip
        self.overlap = overlap_table(self.name, self._ids, sizes, found, _NO_DAY).drop_columns([DAY])
        self.pairs = pair_table(self.name, self._ids, found.significant)


def _accounts(platform: str, ids: pa.Array, sizes: Any, labels: pa.Array | None = None) -> pa.Table:
    """Influencers as the analyses take them; edge files know no names."""
    n, text = len(ids), pa.string()
    return pa.table(
        {
            "platform": pa.repeat(pa.scalar(platform, text), n),
            "account_id": ids.cast(text),
            "n_followers": pa.array(sizes if n else [], pa.int64()),
            "display_name": pa.nulls(n, text),
            "handle": pa.nulls(n, text),
            "category": labels if labels is not None else pa.nulls(n, text),
        }
    )


def _empty(table: str) -> pa.Table:
    """No rows of a table, without day."""
    schema = pa.schema([column for column in TABLES[table].plain_schema if column.name not in (DAY, "search_name")])
    return pa.schema([pa.field(column.name, column.type) for column in schema]).empty_table()


def _searches(
    parts: Sequence[_Platform], follows: dict[str, Follows], options: AudienceOptions, report: AudienceReport
) -> tuple[list[pa.Table], list[tuple[str, str]]]:
    """Rankings of every platform that has a seed, and the seeds: platform, account_id.

    Raises:
        UnknownAccounts: no platform has one.
    """
    wanted, found = [seed.strip() for seed in options.seeds], set[str]()
    rankings, seeds = list[pa.Table](), list[tuple[str, str]]()
    for part in parts if wanted else ():
        ids = set(part.accounts["account_id"].to_pylist())
        known = {seed: account_id(seed, ids, {}) for seed in wanted}
        here = {seed: account for seed, account in known.items() if account in ids}
        if not here:
            continue
        found |= set(here)
        rows, counts = search_rows(
            "seeds", part.name, part.accounts, part.signatures, list(here.values()),
            day=_NO_DAY, methods=options.methods, options=SearchOptions(max_members=options.max_members),
        )  # fmt: skip
        rankings.append(rows.drop_columns([DAY, "search_name"]))
        seeds += [(part.name, account) for account in dict.fromkeys(here.values())]
        if counts["candidates_cut"]:
            report.notice(f"{part.name}: {counts['candidates_cut']:,} accounts least like the seeds were not ranked")
    missing = [seed for seed in dict.fromkeys(wanted) if seed not in found]
    told = "; ".join(_why_not(seed, follows, options) for seed in missing[:10])
    told += f"; and {len(missing) - 10:,} more" if len(missing) > 10 else ""
    if missing and not found:
        raise UnknownAccounts(f"None of the {len(missing)} seeds is an influencer: {told}.")
    if missing:
        report.notice(f"{len(missing)} of {len(found) + len(missing)} seeds left out: {told}")
    return rankings, seeds


def _why_not(seed: str, follows: dict[str, Follows], options: AudienceOptions) -> str:
    """Why a seed is no influencer."""
    sizes = []
    for each in follows.values():
        for name in dict.fromkeys((seed, seed.removeprefix("@"))):
            at = pc.index(each.account_ids, pa.scalar(name, pa.string())).as_py()
            if at >= 0:
                sizes.append(int(each.sizes[at]))
    if not sizes:
        return f"{seed} is not among the {sum(len(each.account_ids) for each in follows.values()):,} followed accounts"
    return f"{seed} has {max(sizes):,} followers, fewer than min_followers = {options.min_followers:,}"


def _nobody(follows: dict[str, Follows], options: AudienceOptions) -> str:
    n = sum(len(each.account_ids) for each in follows.values())
    if not n and any(each.labels for each in follows.values()):
        return (
            "no influencer: no follow was read, only labels of accounts; where the columns are follower and followed, "
            "name them so"
        )
    if not n:
        return "no influencer: no follow was read"
    most = max((int(each.sizes.max(initial=0)) for each in follows.values()), default=0)
    return (
        f"no influencer: of {n:,} followed accounts none has {options.min_followers:,} followers, the largest has "
        f"{most:,}; lower min_followers if that is meant, or state the direction if the files say it the "
        "other way round"
    )


def _seed_rows(seeds: Sequence[tuple[str, str]]) -> pa.Table:
    """platform, account_id of the seeds."""
    columns = [pa.array(list(values), pa.string()) for values in zip(*seeds, strict=True)] or [
        pa.array([], pa.string())
    ] * 2
    return pa.table(columns, ["platform", "account_id"])


def _with_homes(rows: pa.Table, members: pa.Table) -> pa.Table:
    """Rows of accounts with community_id and status, in their order."""
    homes = {
        (row["platform"], row["account_id"]): (row["community_id"], row["status"])
        for row in members.select(["platform", "account_id", "community_id", "status"]).to_pylist()
    }
    keys = zip(rows["platform"].to_pylist(), rows["account_id"].to_pylist(), strict=True)
    found = [homes[key] for key in keys]
    for at, name in enumerate(("community_id", "status")):
        rows = rows.append_column(name, pa.array([home[at] for home in found], pa.string()))
    return rows
