"""What is known of accounts while rows stream by: facts, sums, first appearances, frequent labels.

Here: one number or row per account, kept in little memory. Not here: contents (`gathering`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

FACTS = ("title", "handle", "fallback_id", "country")


def grown(values: npt.NDArray[np.int64], size: int, fill: int) -> npt.NDArray[np.int64]:
    """`values` with at least `size` entries, the new ones `fill`; grows by doubling."""
    if size <= len(values):
        return values
    return np.concatenate([values, np.full(max(size, 2 * len(values)) - len(values), fill, dtype=np.int64)])


class AccountSums:
    """Posts, interactions and first position of each account."""

    def __init__(self) -> None:
        self.n_posts = np.zeros(0, dtype=np.int64)
        self.interactions = np.zeros(0, dtype=np.int64)

    def add(self, account: npt.NDArray[np.int32], interactions: npt.NDArray[np.int64]) -> None:
        """Take in posts: account numbers (negative = nameless) and their interactions."""
        size = int(account.max(initial=-1)) + 1
        self.n_posts, self.interactions = grown(self.n_posts, size, 0), grown(self.interactions, size, 0)
        named = account >= 0
        np.add.at(self.n_posts, account[named], 1)
        np.add.at(self.interactions, account[named], interactions[named])

    def of(self, accounts: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """(posts, interactions) of accounts."""
        size = int(accounts.max(initial=-1)) + 1
        return grown(self.n_posts, size, 0)[accounts], grown(self.interactions, size, 0)[accounts]


def lowest(
    known: npt.NDArray[np.int64], account: npt.NDArray[np.int32], position: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """`known` with the lowest position of every account, grown where accounts are new."""
    known = grown(known, int(account.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    named = account >= 0
    np.minimum.at(known, account[named], position[named])
    return known


def most_frequent(
    account: npt.NDArray[np.int32], label: npt.NDArray[np.generic], n_accounts: int, names: list[str | None]
) -> pa.StringArray:
    """Most frequent label of each account's rows, ties to the label seen first; null for an account without rows."""
    rows = np.flatnonzero(account >= 0)
    pairs = account[rows].astype(np.int64) * max(len(names), 1) + label[rows].astype(np.int64)
    distinct, first, counts = np.unique(pairs, return_index=True, return_counts=True)
    owner = distinct // max(len(names), 1)
    order = np.lexsort((first, -counts, owner))
    lead = order[np.diff(owner[order], prepend=-1) != 0]
    chosen = np.full(n_accounts, len(names), dtype=np.int64)
    chosen[owner[lead]] = distinct[lead] % max(len(names), 1)
    return pa.array([*names, None], pa.string()).take(pa.array(chosen))


class FactBook:
    """Facts of each account from its first row or its latest post; superseded rows are dropped from time to time."""

    def __init__(self, latest: bool) -> None:
        self._latest = latest
        self._at = np.zeros(0, dtype=np.int64)
        self._posted = np.zeros(0, dtype=np.int64)
        self._exported = np.zeros(0, dtype=np.int64)
        self._pieces: list[pa.Table] = []
        self._stored = 0

    def observe(
        self,
        account: npt.NDArray[np.int32],
        posted: npt.NDArray[np.int64],
        exported: int,
        facts: dict[str, pa.Array],
        followers: npt.NDArray[np.int64],
    ) -> None:
        """Take in the facts of a batch of rows."""
        size = int(account.max(initial=-1)) + 1
        self._at = grown(self._at, size, -1)
        self._posted = grown(self._posted, size, np.iinfo(np.int64).min)
        self._exported = grown(self._exported, size, np.iinfo(np.int64).min)
        rows = np.flatnonzero(account >= 0)
        if self._latest:
            # Latest first; the unknown time is the smallest number, so it may not be negated.
            rows = rows[np.lexsort((-rows, posted[rows], account[rows]))[::-1]]
        else:
            rows = rows[self._at[account[rows]] < 0]
            rows = rows[np.argsort(account[rows], kind="stable")]
        rows = rows[np.diff(account[rows], prepend=-1) != 0]
        if self._latest and len(rows):
            own = account[rows]
            better = (self._at[own] < 0) | (posted[rows] > self._posted[own])
            better |= (posted[rows] == self._posted[own]) & (exported > self._exported[own])
            rows = rows[better]
        if not len(rows):
            return
        own = account[rows]
        self._at[own] = np.arange(self._stored, self._stored + len(rows))
        self._posted[own], self._exported[own] = posted[rows], exported
        take = pa.array(rows)
        self._pieces.append(
            pa.table({**{name: facts[name].take(take) for name in FACTS}, "followers": pa.array(followers[rows])})
        )
        self._stored += len(rows)
        known = int((self._at >= 0).sum()) if self._latest and len(self._pieces) % 64 == 0 else 0
        if known and self._stored > 2 * known + 100_000:
            self._compact()

    def _compact(self) -> None:
        live = np.flatnonzero(self._at >= 0)
        self._pieces = [pa.concat_tables(self._pieces).take(pa.array(self._at[live])).combine_chunks()]
        self._at[live] = np.arange(len(live))
        self._stored = len(live)

    def table(self, n: int) -> tuple[pa.Table, npt.NDArray[np.int64]]:
        """(FACTS of accounts 0..n-1, followers int64[n])."""
        if not n:
            return pa.table({name: pa.array([], pa.string()) for name in FACTS}), np.zeros(0, np.int64)
        found = pa.concat_tables(self._pieces).take(pa.array(self._at[:n])).combine_chunks()
        return found.select(FACTS), np.asarray(found.column("followers"))
