"""Questions about audiences to a lake, answered in a Python session or at the command line, without Dagster.

Here: one as-of day of feat_audiences held in memory, neighbours of one account, accounts around several, exact overlaps
of named ones. Not here: the ways of ranking (`sm_assets.analysis`), making the tables (`defs`).

    audiences = sm_assets.open_audiences("data")
    audiences.neighbours("@someone", top=20)
    audiences.exact_overlap(["@someone", "17093", "@a_small_one"])
    audiences.around(["@someone", "17093"])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.analysis.account_names import account_id, account_ids, handles_of, names_of
from sm_assets.analysis.audience_index import AudienceIndex, Neighbours
from sm_assets.analysis.audience_runs import key_values
from sm_assets.analysis.influencer_search import SearchOptions, search_rows
from sm_assets.analysis.overlap_pairs import standard_error
from sm_assets.contracts.columns import PLATFORMS, SEARCH_METHODS
from sm_assets.contracts.sketches import KEY, SketchSpec, require_key
from sm_assets.defs.audience_inputs import require_current
from sm_assets.defs.audience_reading import platform_rows, read_signatures
from sm_assets.errors import OptionError, UnknownAccounts
from sm_assets.kernels.similarity import intersect
from sm_assets.settings import Settings
from sm_assets.storage import Lake, TableRef

AUDIENCES, SIZES, KEYS, ACCOUNTS, MEMBERS = (
    "feat_audiences", "feat_audience_sizes", "feat_follow_keys", "core_accounts", "out_audience_members",
)  # fmt: skip
_ACCOUNTS_SQL: Final = Path(__file__).parents[1] / "sql" / "inputs" / "out_audience_accounts.sql"
_SHOWN: Final = 10

Keys = npt.NDArray[np.uint64]


def open_audiences(data_root: str | Path | None = None, day: date | None = None) -> Audiences:
    """Open one snapshot of audiences.

    Args:
        data_root: folder or URL of the lake; None: that of the settings.
        day: as-of day; None: the newest.

    Returns:
        What answers questions. Nothing is loaded before the first one.

    Raises:
        OptionError: there is no snapshot, or none of that day.
        SketchMismatchError: the snapshot was made from other keys than are there now, or has lost its metadata.
    """
    lake = Lake(Settings.from_env() if data_root is None else Settings.from_env(data_root=str(data_root)))
    days = lake.days(AUDIENCES)
    if not days:
        raise OptionError(
            f"{lake.settings.data_root}: no snapshot of audiences. Put edge files below landing/edges and materialise "
            f"{AUDIENCES} with all it is made from (docs/audiences.md), or ask edge files directly with "
            "`sm-assets audiences`."
        )
    if day is not None and day not in days:
        shown = ", ".join(map(str, days[-_SHOWN:]))
        raise OptionError(
            f"{AUDIENCES} has no snapshot of {day}; the newest are of {shown}. Materialise it, or take one."
        )
    return Audiences(lake, day or days[-1])


class Audiences:
    """One snapshot, ready to be asked. Accounts are named by id, or by handle with or without @; an id as given wins.

    Attributes:
        day: as-of day.
        spec: how its sketches were made.
    """

    def __init__(self, lake: Lake, day: date) -> None:
        """Read how the sketches were made.

        Raises:
            SketchMismatchError: it was made from other keys than are there now, or the metadata is lost.
        """
        self._lake, self.day = lake, day
        self.spec = SketchSpec.from_metadata(lake.metadata(AUDIENCES, day), f"{AUDIENCES} day={day}")
        require_current(lake, day)
        self._indices: dict[str, AudienceIndex] = {}
        self._handles: dict[str, dict[str, str]] = {}

    def neighbours(self, account: str, platform: str | None = None, *, top: int = 10, exact: bool = True) -> pa.Table:
        """The influencers whose audiences are most like an influencer's own.

        Args:
            account: its id or handle.
            platform: whose account it is; None: where it is found.
            top: at most so many.
            exact: count the shared followers of the candidates; False: read sketches only, in milliseconds.

        Returns:
            rank, account_id, display_name, handle, n_followers, community_id (null where communities were not made),
            jaccard_estimated, jaccard_se; where counted also n_shared, jaccard_exact, containment (share of the
            account's own followers that follow the neighbour) and neighbour_containment (the other way round).

        Raises:
            UnknownAccounts: nobody of that name has enough followers. OptionError: a parameter is out of range.
        """
        platform, (own,) = self._influencers(names_of([account], "account"), platform)
        index = self._index(platform)
        read: Callable[[Sequence[str]], Sequence[Keys]] | None = None
        if exact:
            read = lambda ids: self._audiences(platform, ids)  # noqa: E731
        found = index.neighbours(own, top, read_audiences=read)
        return self._neighbour_rows(platform, found, index.row_of(own))

    def exact_overlap(self, accounts: str | Iterable[str], platform: str | None = None) -> pa.Table:
        """How many followers each two of the accounts share, however few they have.

        Args:
            accounts: ids or handles, two or more, of one platform.
            platform: whose accounts they are; None: where they are found.

        Returns:
            One row per pair in the order of the accounts: account_id_a, account_id_b, n_followers_a, n_followers_b,
            n_shared, jaccard, containment_a, containment_b (share of a's and of b's followers that are shared).

        Raises:
            UnknownAccounts: one of them is followed by nobody. OptionError: fewer than two accounts.
        """
        platform, named = self._followed(list(dict.fromkeys(names_of(accounts))), platform)
        ids = list(dict.fromkeys(named))
        if len(ids) < 2:
            raise OptionError(f"An overlap is one of two accounts or more; found {', '.join(ids) or 'none'}.")
        sets = self._audiences(platform, ids)
        i, j = (end.astype(np.int32) for end in np.triu_indices(len(ids), 1))
        sizes = np.array([len(keys) for keys in sets], np.int64)
        shared = intersect(np.concatenate(sets), np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), i, j)
        names = pa.array(ids, pa.string())
        return pa.table(
            {
                "account_id_a": names.take(pa.array(i)),
                "account_id_b": names.take(pa.array(j)),
                "n_followers_a": sizes[i],
                "n_followers_b": sizes[j],
                "n_shared": shared,
                "jaccard": shared / np.maximum(sizes[i] + sizes[j] - shared, 1),
                "containment_a": shared / np.maximum(sizes[i], 1),
                "containment_b": shared / np.maximum(sizes[j], 1),
            }
        )

    def around(
        self,
        seeds: str | Iterable[str],
        method: str | None = None,
        platform: str | None = None,
        *,
        max_members: int = 200,
        options: SearchOptions | None = None,
    ) -> pa.Table:
        """Who belongs with a few influencers.

        Args:
            seeds: ids or handles of one platform.
            method: minhash_similarity, agglomerative or personalised_pagerank; None: all three.
            platform: whose accounts they are; None: where they are found.
            max_members: length of a ranking.
            options: how candidates are found and ranked, instead of the defaults and `max_members`.

        Returns:
            method, rank, account_id, score, display_name, handle, n_followers, community_id.

        Raises:
            UnknownAccounts: a seed is no influencer. OptionError: no seed, or a parameter is out of range.
        """
        platform, ids = self._influencers(names_of(seeds, "seeds"), platform)
        rows, _ = search_rows(
            "", platform, self._of(platform), self._signatures[self._rows(platform)], ids,
            day=self.day, methods=SEARCH_METHODS if method is None else [method],
            options=options or SearchOptions(max_members=max_members),
        )  # fmt: skip
        rows = rows.append_column("community_id", self._communities(platform, rows["account_id"]))
        columns = ["method", "rank", "account_id", "score", "display_name", "handle", "n_followers", "community_id"]
        return rows.select(columns)

    @cached_property
    def accounts(self) -> pa.Table:
        """All influencers, by platform and id: platform, account_id, n_followers, display_name, handle and profile."""
        known = tuple(day for day in self._lake.days(ACCOUNTS) if day <= self.day)
        with self._lake.connect() as con:
            self._lake.register(con, TableRef(AUDIENCES, (self.day,)))
            self._lake.register(con, TableRef(ACCOUNTS, known))
            return con.sql(_ACCOUNTS_SQL.read_text(encoding="utf-8")).to_arrow_table().combine_chunks()

    def signatures(self, platform: str) -> tuple[list[str], npt.NDArray[np.uint32]]:
        """Ids of a platform's influencers, and their signatures in that order: uint32[n, k] of `spec`."""
        return list(self._ids(platform)), np.ascontiguousarray(self._signatures[self._rows(platform)])

    @property
    def platforms(self) -> list[str]:
        """Platforms that have an influencer, sorted."""
        return sorted(self.accounts["platform"].unique().to_pylist())

    # ----------------------------------------------------------------- names

    def _influencers(self, names: Sequence[str], platform: str | None) -> tuple[str, list[str]]:
        """The platform and the ids of named influencers.

        Raises:
            OptionError, UnknownAccounts: see `neighbours`.
        """
        if not names:
            raise OptionError("No account is named; name an account by its id or handle.")
        tried = {}
        for name in [platform] if platform else self.platforms or PLATFORMS[-1:]:
            known, handles = self._ids(name), self._by_handle(name)
            ids = [account_id(account, known, handles) for account in names]
            tried[name] = (ids, [shown for shown, account in zip(names, ids, strict=True) if account not in known])
        where = self._one_platform({name: unknown for name, (_, unknown) in tried.items()}, names)
        ids, unknown = tried[where]
        if unknown:
            raise UnknownAccounts(self._why_not(unknown, platform or (where if len(unknown) < len(names) else None)))
        return where, ids

    def _followed(self, names: Sequence[str], platform: str | None) -> tuple[str, list[str]]:
        """The platform and the ids of named accounts that somebody follows.

        Raises:
            UnknownAccounts: one of them is not there.
        """
        sizes = self._sizes(names, platform)
        tried = {}
        for name in (
            [platform] if platform else sorted({where for where, _, _ in sizes}) or self.platforms[:1] or PLATFORMS[-1:]
        ):
            own = pa.Table.from_pylist(
                [{"account_id": account, "handle": handle} for (where, account, handle) in sizes if where == name],
                pa.schema([("account_id", pa.string()), ("handle", pa.string())]),
            )
            ids, known = account_ids(own, names), set(own["account_id"].to_pylist())
            tried[name] = (ids, [shown for shown, account in zip(names, ids, strict=True) if account not in known])
        where = self._one_platform({name: unknown for name, (_, unknown) in tried.items()}, names)
        ids, unknown = tried[where]
        if unknown:
            raise UnknownAccounts(self._why_not(unknown, platform or (where if len(unknown) < len(names) else None)))
        return where, ids

    @staticmethod
    def _one_platform(unknown: dict[str, list[str]], names: Sequence[str]) -> str:
        """The platform that knows most of the names.

        Raises:
            OptionError: several know all of them.
        """
        whole = [name for name, missing in unknown.items() if not missing]
        if len(whole) > 1:
            raise OptionError(f"{', '.join(names[:_SHOWN])}: found on {' and '.join(whole)}; give the platform.")
        return min(unknown, key=lambda name: (len(unknown[name]), name)) if unknown else ""

    def _why_not(self, names: Sequence[str], platform: str | None) -> str:
        """Why each of the names is no influencer, or followed by nobody; platform None: anywhere."""
        sizes, told = self._sizes(names, platform), []
        for name in names[:_SHOWN]:
            bare = name.removeprefix("@")
            found = [
                n
                for (_, own, handle), n in sizes.items()
                if own in (name, bare) or (handle or "").removeprefix("@").casefold() == bare.casefold()
            ]
            if found:
                told.append(
                    f"{name} has {max(found):,} follower{'' if max(found) == 1 else 's'} up to {self.day}, too few for "
                    f"an influencer of {AUDIENCES}; exact_overlap counts such accounts too"
                )
            else:
                told.append(
                    f"{name} is not among the {self._n_followed(platform):,} followed accounts of "
                    f"{platform or ', '.join(self.platforms) or 'any platform'} up to {self.day}"
                )
        told += [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
        return "; ".join(told) + "."

    def _sizes(self, names: Sequence[str], platform: str | None) -> dict[tuple[str, str, str | None], int]:
        """(platform, id, handle) -> followers of all followed accounts that one of the names may mean."""
        wanted = pa.table({"name": pa.array([*names, *(name.removeprefix("@") for name in names)], pa.string())})
        with self._lake.connect() as con:
            self._lake.register(con, TableRef(SIZES, (self.day,)), "sizes")
            self._lake.register(
                con, TableRef(ACCOUNTS, tuple(d for d in self._lake.days(ACCOUNTS) if d <= self.day)), "profiles"
            )
            con.register("wanted", wanted)
            rows = con.sql(
                """
                with bearers as (
                    select distinct platform, account_id from profiles
                    where ltrim(lower(handle), '@') in (select ltrim(lower(name), '@') from wanted)
                ),
                handles as (
                    select platform, account_id, arg_max(handle, day) as handle
                    from profiles semi join bearers using (platform, account_id) group by all
                    having ltrim(lower(arg_max(handle, day)), '@') in (select ltrim(lower(name), '@') from wanted)
                )
                select sizes.platform, sizes.account_id, handles.handle, sizes.n_followers
                from sizes left join handles using (platform, account_id)
                where (sizes.account_id in (select name from wanted) or handles.handle is not null)
                and ($1 is null or sizes.platform = $1)
                order by all
                """,
                params=[platform],
            ).fetchall()
        return {(where, account, handle): n for where, account, handle, n in rows}

    def _n_followed(self, platform: str | None) -> int:
        with self._lake.connect() as con:
            self._lake.register(con, TableRef(SIZES, (self.day,)), "sizes")
            rows = con.execute("select count(*) from sizes where platform = $1 or $1 is null", [platform]).fetchall()
        return int(rows[0][0])

    # ------------------------------------------------------------- snapshots

    def _rows(self, platform: str) -> slice:
        return platform_rows(self.accounts, platform)

    @cached_property
    def _signatures(self) -> npt.NDArray[np.uint32]:
        """uint32[n, k] in the order of the accounts."""
        return read_signatures(self._lake, self.day, len(self.accounts), self.spec)

    @cached_property
    def _by_platform(self) -> dict[str, tuple[pa.Table, dict[str, int]]]:
        found = {}
        for platform in self.platforms:
            rows = self._rows(platform)
            own = self.accounts.slice(rows.start, rows.stop - rows.start).combine_chunks()
            found[platform] = (own, {account: row for row, account in enumerate(own["account_id"].to_pylist())})
        return found

    def _of(self, platform: str) -> pa.Table:
        known = self._by_platform.get(platform)
        return self.accounts.slice(0, 0) if known is None else known[0]

    def _ids(self, platform: str) -> dict[str, int]:
        known = self._by_platform.get(platform)
        return {} if known is None else known[1]

    def _by_handle(self, platform: str) -> dict[str, str]:
        """See `handles_of`."""
        if platform not in self._handles:
            self._handles[platform] = handles_of(self._of(platform))
        return self._handles[platform]

    def _index(self, platform: str) -> AudienceIndex:
        if platform not in self._indices:
            ids, signatures = self.signatures(platform)
            sizes = np.asarray(self._of(platform)["n_followers"].to_numpy(), np.int64)
            self._indices[platform] = AudienceIndex(platform, pa.array(ids, pa.string()), sizes, signatures, self.spec)
        return self._indices[platform]

    @cached_property
    def _members(self) -> dict[tuple[str, str], str | None]:
        """(platform, id) -> community; nobody where communities of the day were not made."""
        if self.day not in self._lake.days(MEMBERS):
            return {}
        with self._lake.connect() as con:
            self._lake.register(con, TableRef(MEMBERS, (self.day,)), "members")
            rows = con.sql("select platform, account_id, community_id from members").fetchall()
        return {(platform, account): community for platform, account, community in rows}

    def _communities(self, platform: str, accounts: Any) -> pa.Array:
        ids = accounts if isinstance(accounts, list) else accounts.to_pylist()
        return pa.array([self._members.get((platform, account)) for account in ids], pa.string())

    @cached_property
    def _key_days(self) -> list[date]:
        """All days of keys up to the snapshot.

        Raises:
            SketchMismatchError: days of another key rule than the snapshot's.
        """
        days = [day for day in self._lake.days(KEYS) if day <= self.day]
        require_key(self.spec.key, {f"{KEYS} day={day}": self._lake.metadata(KEYS, day).get(KEY) for day in days})
        return days

    def _audiences(self, platform: str, ids: Sequence[str]) -> list[Keys]:
        """Follower keys of each account, sorted and unique."""
        numbered = pa.table({"followed_account_id": pa.array(ids, pa.string()), "number": np.arange(len(ids))})
        with self._lake.connect() as con:
            self._lake.register(con, TableRef(KEYS, tuple(self._key_days)), "keys")
            con.register("numbered", numbered)
            low, high = min(ids), max(ids)
            found = con.sql(
                """
                select numbered.number, keys.follower_key from keys inner join numbered using (followed_account_id)
                where keys.platform = $1 and keys.followed_account_id between $2 and $3
                """,
                params=[platform, low, high],
            ).to_arrow_table()
        numbers, keys = found["number"].to_numpy(), key_values(found["follower_key"].combine_chunks())
        order = np.argsort(numbers, kind="stable")
        bounds = np.searchsorted(numbers[order], np.arange(len(ids) + 1))
        keys = keys[order]
        return [np.unique(keys[bounds[k] : bounds[k + 1]]) for k in range(len(ids))]

    def _neighbour_rows(self, platform: str, found: Neighbours, own: int) -> pa.Table:
        accounts, rows = self._of(platform), pa.array(found.rows)
        columns: dict[str, Any] = {
            "rank": np.arange(1, len(found.rows) + 1),
            "account_id": pa.array(found.account_ids, pa.string()),
            "display_name": accounts["display_name"].take(rows),
            "handle": accounts["handle"].take(rows),
            "n_followers": found.n_followers,
            "community_id": self._communities(platform, found.account_ids),
            "jaccard_estimated": found.jaccard_estimated,
            "jaccard_se": standard_error(found.matches, self.spec.k),
        }
        if found.n_shared is not None:
            size = int(accounts["n_followers"].to_numpy()[own])
            columns |= {
                "n_shared": found.n_shared,
                "jaccard_exact": found.jaccard_exact,
                "containment": found.n_shared / max(size, 1),
                "neighbour_containment": found.n_shared / np.maximum(found.n_followers, 1),
            }
        return pa.table(columns)
