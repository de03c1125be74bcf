"""From batches of posts to who carries what, in one pass and little memory.

Here: numbering accounts, posts and contents as rows stream by, de-duplicating posts, and the arrays at the end. Not
here: reading of files (`sm_assets.sources`), identity of contents (`contents`), clustering.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.contents import GUARDS, PostContents
from sm_assets.analysis.evidence import Evidence
from sm_assets.kernels.digests import PRESENT, DigestInterner, joined_digests

UNKNOWN_TIME = int(np.iinfo(np.int64).min)
FACTS = ("title", "handle", "fallback_id", "country")


@dataclass(frozen=True, slots=True, eq=False)
class Posts:
    """One batch of rows that have been accepted.

    Attributes:
        account: account keys, null = nameless.
        post: post keys, null = every row is a post of its own; None: so for all rows.
        contents: contents of the rows.
        facts: FACTS of the row's account, text columns.
        followers, interactions: int64[n].
        posted_at: int64[n], microseconds; where unknown, the smallest int64.
        exported_at: int64[n], microseconds; larger = later export of the same post.
        languages: label of each row, or None.
        position: int64[n], place of the row in the input as it was named; None: rows come in that order.
    """

    account: pa.Array
    contents: PostContents
    facts: dict[str, pa.Array]
    followers: npt.NDArray[np.int64]
    interactions: npt.NDArray[np.int64]
    post: pa.Array | None = None
    posted_at: npt.NDArray[np.int64] | None = None
    exported_at: int = 0
    languages: pa.Array | None = None
    position: npt.NDArray[np.int64] | None = None

    def filter(self, keep: npt.NDArray[np.bool_]) -> Posts:
        """The rows where bool[n] keep is set."""
        mask = pa.array(keep)
        return replace(
            self,
            account=self.account.filter(mask),
            contents=self.contents.filter(keep),
            facts={name: column.filter(mask) for name, column in self.facts.items()},
            followers=self.followers[keep],
            interactions=self.interactions[keep],
            post=None if self.post is None else self.post.filter(mask),
            posted_at=None if self.posted_at is None else self.posted_at[keep],
            languages=None if self.languages is None else self.languages.filter(mask),
            position=None if self.position is None else self.position[keep],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """All accounts with at least one content, in the order of their keys, and what they carry.

    Attributes:
        evidence: pieces of evidence; its account numbers index everything here.
        keys: account keys.
        facts: FACTS as a table.
        followers, total_interactions, n_posts: int64[n].
        first_seen: int64[n], where each account appears first in the input; larger = later.
        languages: most frequent label of each account's rows, or None.
        unused: posts without a usable content by reason, and repeated posts.
        meetings: pairs of carriers over all contents, the most steps that comparing each with each can take.
        heaviest: (carriers, digest) of the three most carried contents.
    """

    evidence: Evidence
    keys: pa.StringArray
    facts: pa.Table
    followers: npt.NDArray[np.int64]
    total_interactions: npt.NDArray[np.int64]
    n_posts: npt.NDArray[np.int64]
    first_seen: npt.NDArray[np.int64]
    languages: pa.Array | None
    unused: dict[str, int]
    meetings: int
    heaviest: list[tuple[int, tuple[int, int]]]


class Gatherer:
    """Takes batches of posts, gives `Gathered`.

    Args:
        latest_facts: an account's facts come from its latest post; otherwise from its first row.
        repeats_count: a post given twice counts twice; otherwise the latest export of a post wins.
        primary_only: a post's primary content is its only evidence.
    """

    def __init__(self, *, latest_facts: bool, repeats_count: bool, primary_only: bool) -> None:
        self._latest = latest_facts
        self._repeats = repeats_count
        self._primary_only = primary_only
        self._accounts, self._posts, self._contents = DigestInterner(), DigestInterner(), DigestInterner()
        self._keys: list[pa.Array] = []
        self._book = _FactBook(latest_facts)
        self._rows: dict[str, list[npt.NDArray[np.generic]]] = {}
        self._labels: dict[str | None, int] = {}
        self._seen_at = np.zeros(0, dtype=np.int64)
        self._n_rows = 0

    def add(self, posts: Posts) -> None:
        """Take in one batch."""
        n = len(posts.account)
        if not n:
            return
        before = len(self._accounts)
        account = self._accounts.intern(*joined_digests([posts.account]))
        fresh = _first_rows(account, before)
        if len(fresh):
            self._keys.append(posts.account.take(pa.array(fresh)))
        posted = posts.posted_at if posts.posted_at is not None else np.zeros(n, dtype=np.int64)
        self._book.observe(account, posted, posts.exported_at, posts.facts, posts.followers)
        self._store("account", account)
        self._store("interactions", posts.interactions)
        if not self._repeats:
            self._store("posted", posted)
            self._store("exported", np.full(n, posts.exported_at, dtype=np.int64))
            self._store("post", self._number_posts(posts, n))
        primary = posts.contents.primary()
        for index, (digests, usable) in enumerate(self._evidence_of(posts.contents, primary)):
            self._store(
                f"content_{index}", self._contents.intern(digests, np.where(usable, PRESENT, 0).astype(np.uint8))
            )
        reason = np.full(n, len(GUARDS), dtype=np.uint8)
        for kind in posts.contents.kinds[::-1]:
            reason[kind.present] = kind.guard[kind.present]
        reason[primary >= 0] = 0
        self._store("unused", reason)
        if posts.languages is not None:
            labels = posts.languages.dictionary_encode()
            codes = np.array(
                [self._labels.setdefault(label, len(self._labels)) for label in labels.dictionary.to_pylist()], np.int32
            )
            self._store("language", codes[np.asarray(labels.indices)])
        position = posts.position if posts.position is not None else np.arange(self._n_rows, self._n_rows + n)
        self._seen_at = _lowest(self._seen_at, account, position)
        self._n_rows += n

    def _evidence_of(
        self, contents: PostContents, primary: npt.NDArray[np.int8]
    ) -> list[tuple[npt.NDArray[np.uint64], npt.NDArray[np.bool_]]]:
        """(digests, rows that have one): one pair per kind, or the primary contents alone."""
        if not self._primary_only or len(contents.kinds) == 1:
            return [(kind.digests, kind.counts) for kind in contents.kinds]
        chosen = np.zeros((len(primary), 2), dtype=np.uint64)
        for index, kind in enumerate(contents.kinds):
            chosen[primary == index] = kind.digests[primary == index]
        return [(chosen, primary >= 0)]

    def _number_posts(self, posts: Posts, n: int) -> npt.NDArray[np.int64]:
        """int64[n] post numbers; rows without a post key get negative numbers of their own."""
        alone = -1 - np.arange(self._n_rows, self._n_rows + n, dtype=np.int64)
        if posts.post is None:
            return alone
        numbers = self._posts.intern(*joined_digests([posts.post]))
        return np.where(numbers >= 0, numbers.astype(np.int64), alone)

    def _store(self, name: str, values: npt.NDArray[np.generic]) -> None:
        self._rows.setdefault(name, []).append(values)

    def _column(self, name: str) -> npt.NDArray[np.generic]:
        pieces = self._rows.pop(name, [])
        return np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int64)

    def finish(self) -> Gathered:
        """Everything that was taken in, as arrays. The gatherer is empty afterwards."""
        account = self._column("account").astype(np.int32, copy=False)
        interactions = self._column("interactions").astype(np.int64, copy=False)
        reason = self._column("unused")
        kinds = [
            self._column(f"content_{k}").astype(np.int32, copy=False) for k in range(3) if f"content_{k}" in self._rows
        ]
        language = self._column("language") if "language" in self._rows else None
        unused: Counter[str] = Counter()
        keep: slice | npt.NDArray[np.int64] = slice(None)
        posted = self._column("posted").astype(np.int64, copy=False)
        post = self._column("post").astype(np.int64, copy=False)
        exported = self._column("exported").astype(np.int64, copy=False)
        if not self._repeats and len(self._posts):
            losers = _repeated(post, exported, interactions)
            if losers.any():
                unused["duplicate_post"] = int(losers.sum())
                keep = np.flatnonzero(~losers)
        account, interactions, reason = account[keep], interactions[keep], reason[keep]
        kinds = [kind[keep] for kind in kinds]
        names = (*GUARDS, "no_content")
        for code, count in zip(*np.unique(reason, return_counts=True), strict=True):
            if code:
                unused[str(names[int(code)])] += int(count)
        order = None if self._repeats else posted[keep]
        return self._arrange(
            account, interactions, kinds, order, None if language is None else language[keep], dict(unused)
        )

    def _tie(self, kinds: list[npt.NDArray[np.int32]]) -> npt.NDArray[np.int64]:
        """int64[n] below one second: tells posts of one second apart by what they bring, not by where they stand."""
        words = self._contents.digests()[:, 0]
        mixed = np.zeros(len(kinds[0]), dtype=np.uint64)
        for kind in kinds:
            mixed += np.where(kind >= 0, words[kind], 0) if len(words) else 0
        return (mixed % 1_000_000).astype(np.int64)

    def _arrange(
        self,
        account: npt.NDArray[np.int32],
        interactions: npt.NDArray[np.int64],
        kinds: list[npt.NDArray[np.int32]],
        posted: npt.NDArray[np.int64] | None,
        language: npt.NDArray[np.generic] | None,
        unused: dict[str, int],
    ) -> Gathered:
        n_all, n_contents = len(self._accounts), len(self._contents)
        if posted is not None and len(kinds) > 1:
            whole = np.where(posted == UNKNOWN_TIME, 0, posted)
            posted = whole - whole % 1_000_000 + self._tie(kinds)
        pair_account, pair_content, pair_post = _carried(account, kinds, posted, n_contents)
        has_content = np.zeros(n_all, dtype=bool)
        has_content[pair_account] = True
        keys = pa.concat_arrays(self._keys) if self._keys else pa.array([], pa.string())
        ranked = np.asarray(pc.sort_indices(keys)) if n_all else np.zeros(0, np.uint64)
        kept = ranked[has_content[ranked]].astype(np.int64)
        number = np.full(n_all, -1, dtype=np.int64)
        number[kept] = np.arange(len(kept))
        named = account >= 0
        totals = np.zeros(n_all, dtype=np.int64)
        np.add.at(totals, account[named], interactions[named])
        n_posts = np.bincount(account[named], minlength=n_all)
        carriers = np.bincount(pair_content, minlength=n_contents)
        renumbered, n_kept = _renumber(self._contents, carriers, n_contents)
        # With one kind, contents that only nameless rows carry count too; with several, N counts the first contents
        # of pieces.
        n_background = int((np.bincount(kinds[0][kinds[0] >= 0]) > 0).sum()) if len(kinds) == 1 else None
        evidence = Evidence.from_rows(
            number[pair_account],
            renumbered[pair_content],
            pair_post,
            n_accounts=len(kept),
            n_contents=n_kept,
            n_background=n_background,
        )
        facts, followers = self._book.table(n_all)
        labels = None
        if language is not None:
            labels = most_frequent(account, language, n_all, list(self._labels)).take(pa.array(kept))
        take = pa.array(kept)
        return Gathered(
            evidence,
            keys.take(take),
            facts.take(take),
            followers[kept],
            totals[kept],
            n_posts[kept],
            self._seen_at[kept],
            labels,
            unused,
            int((carriers * (carriers - 1) // 2).sum()),
            [(int(carriers[c]), self._contents.digest(c)) for c in np.argsort(-carriers, kind="stable")[:3].tolist()],
        )


def _first_rows(numbers: npt.NDArray[np.int32], before: int) -> npt.NDArray[np.int64]:
    """Rows where a number >= before occurs for the first time, in the order of the numbers."""
    rows = np.flatnonzero(numbers >= before)
    if not len(rows):
        return rows
    _, first = np.unique(numbers[rows], return_index=True)
    return rows[first]


def _lowest(
    known: npt.NDArray[np.int64], account: npt.NDArray[np.int32], position: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """`known` with the lowest position of every account, grown where accounts are new."""
    size = int(account.max(initial=-1)) + 1
    if size > len(known):
        missing = max(size, 2 * len(known)) - len(known)
        known = np.concatenate([known, np.full(missing, np.iinfo(np.int64).max)])
    named = account >= 0
    np.minimum.at(known, account[named], position[named])
    return known


def _repeated(
    post: npt.NDArray[np.int64], exported: npt.NDArray[np.int64], interactions: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """bool[n]: rows beaten by another row of their post: later export, then more interactions, then earlier row."""
    known = post >= 0
    counts = np.bincount(post[known]) if known.any() else np.zeros(0, np.int64)
    losers = np.zeros(len(post), dtype=bool)
    rows = np.flatnonzero(known & (counts[np.where(known, post, 0)] > 1)) if len(counts) else np.zeros(0, np.int64)
    if len(rows):
        order = rows[np.lexsort((rows, -interactions[rows], -exported[rows], post[rows]))]
        losers[order[np.flatnonzero(np.diff(post[order], prepend=-1) == 0)]] = True
    return losers


def _carried(
    account: npt.NDArray[np.int32],
    kinds: list[npt.NDArray[np.int32]],
    posted: npt.NDArray[np.int64] | None,
    n_contents: int,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int64] | None]:
    """Distinct (account, content) pairs and, for several kinds, the row of the earliest post that brings each."""
    if not kinds:
        empty = np.zeros(0, np.int32)
        return empty, empty, None
    order = np.arange(len(account)) if posted is None or len(kinds) == 1 else np.argsort(posted, kind="stable")
    pieces, posts = [], []
    for kind in kinds:
        rows = order[(kind[order] >= 0) & (account[order] >= 0)]
        pieces.append(account[rows].astype(np.int64) * n_contents + kind[rows])
        posts.append(rows)
    keys, rows = np.concatenate(pieces), np.concatenate(posts)
    if len(kinds) == 1:
        distinct = np.unique(keys)
        return (distinct // max(n_contents, 1)).astype(np.int32), (distinct % max(n_contents, 1)).astype(np.int32), None
    # A content has one kind, so the first occurrence in `keys` is the earliest post.
    distinct, first = np.unique(keys, return_index=True)
    return (
        (distinct // n_contents).astype(np.int32),
        (distinct % n_contents).astype(np.int32),
        rows[first].astype(np.int64),
    )


def _renumber(
    interner: DigestInterner, carriers: npt.NDArray[np.int64], n_contents: int
) -> tuple[npt.NDArray[np.int32], int]:
    """(int32[n_contents] new numbers, their count): shared contents first, by digest, whatever the input's order."""
    renumbered = np.full(n_contents, -1, dtype=np.int32)
    shared = np.flatnonzero(carriers > 1)
    if len(shared):
        digests = interner.digests()[shared]
        renumbered[shared[np.lexsort((digests[:, 1], digests[:, 0]))]] = np.arange(len(shared))
    single = np.flatnonzero(carriers == 1)
    renumbered[single] = np.arange(len(shared), len(shared) + len(single))
    return renumbered, len(shared) + len(single)


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


class _FactBook:
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
        if size > len(self._at):
            grown = max(size, 2 * len(self._at))
            low = np.iinfo(np.int64).min
            self._at = np.concatenate([self._at, np.full(grown - len(self._at), -1, np.int64)])
            self._posted = np.concatenate([self._posted, np.full(grown - len(self._posted), low, np.int64)])
            self._exported = np.concatenate([self._exported, np.full(grown - len(self._exported), low, np.int64)])
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
