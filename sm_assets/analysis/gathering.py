"""From batches of posts to who carries what, in one pass and little memory.

Here: numbering accounts, posts and contents as rows stream by, de-duplicating posts, and the arrays at the end. Not
here: reading of files (`sm_assets.sources`), identity of contents (`contents`), clustering.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.account_book import AccountSums, FactBook, lowest, most_frequent
from sm_assets.analysis.contents import GUARDS, PostContents
from sm_assets.analysis.evidence import Evidence
from sm_assets.kernels.digests import PRESENT, DigestInterner, exact_keys

UNKNOWN_TIME = int(np.iinfo(np.int64).min)
_UNUSED = ("", *(str(guard) for guard in GUARDS[1:]), "no_content")
_ROW = ("account", "interactions", "reason", "posted", "exported", "post")


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
        repeats_count: a post given twice counts twice; otherwise the latest export of a post wins. For posts with one
            kind of content: then no row is kept, only who carries what.
        primary_only: a post's primary content is its only evidence.
    """

    def __init__(self, *, latest_facts: bool, repeats_count: bool, primary_only: bool) -> None:
        self._latest = latest_facts
        self._repeats = repeats_count
        self._primary_only = primary_only
        self._accounts, self._posts, self._contents = DigestInterner(), DigestInterner(), DigestInterner()
        self._keys: list[pa.Array] = []
        self._book = FactBook(latest_facts)
        self._rows: dict[str, list[npt.NDArray[Any]]] = {}
        self._labels: dict[str | None, int] = {}
        self._seen_at = np.zeros(0, dtype=np.int64)
        self._sums = AccountSums()
        self._unused: Counter[str] = Counter()
        self._pairs = _Pairs()
        self._n_rows = 0

    def add(self, posts: Posts) -> None:
        """Take in one batch."""
        n = len(posts.account)
        if not n:
            return
        before = len(self._accounts)
        account = self._accounts.intern(*exact_keys(posts.account))
        fresh = _first_rows(account, before)
        if len(fresh):
            self._keys.append(posts.account.take(pa.array(fresh)))
        posted = posts.posted_at if posts.posted_at is not None else np.zeros(n, dtype=np.int64)
        self._book.observe(account, posted, posts.exported_at, posts.facts, posts.followers)
        primary = posts.contents.primary()
        contents = [
            self._contents.intern(digests, np.where(usable, PRESENT, 0).astype(np.uint8))
            for digests, usable in self._evidence_of(posts.contents, primary)
        ]
        reason = _reasons(posts.contents, primary)
        if self._repeats:
            self._count(account, posts.interactions, reason)
            self._pairs.add(account, contents[0])
        else:
            exported = np.full(n, posts.exported_at, dtype=np.int64)
            columns: tuple[npt.NDArray[Any], ...] = (
                account,
                posts.interactions,
                reason,
                posted,
                exported,
                self._number_posts(posts, n),
                *contents,
            )
            for name, values in zip((*_ROW, *(f"content_{k}" for k in range(len(contents)))), columns, strict=True):
                self._store(name, values)
        if posts.languages is not None:
            labels = posts.languages.dictionary_encode()
            codes = np.array(
                [self._labels.setdefault(label, len(self._labels)) for label in labels.dictionary.to_pylist()], np.int32
            )
            self._store("language", codes[np.asarray(labels.indices)])
            self._store("speaker", account)
        position = posts.position if posts.position is not None else np.arange(self._n_rows, self._n_rows + n)
        self._seen_at = lowest(self._seen_at, account, position)
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
        numbers = self._posts.intern(*exact_keys(posts.post))
        return np.where(numbers >= 0, numbers.astype(np.int64), alone)

    def _store(self, name: str, values: npt.NDArray[Any]) -> None:
        self._rows.setdefault(name, []).append(values)

    def _column(self, name: str) -> npt.NDArray[Any]:
        pieces = self._rows.pop(name, [])
        return np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int64)

    def _count(
        self, account: npt.NDArray[np.int32], interactions: npt.NDArray[np.int64], reason: npt.NDArray[np.uint8]
    ) -> None:
        self._sums.add(account, interactions)
        for code, count in zip(*np.unique(reason, return_counts=True), strict=True):
            if code:
                self._unused[_UNUSED[int(code)]] += int(count)

    def finish(self) -> Gathered:
        """Everything that was taken in, as arrays. The gatherer is empty afterwards."""
        if self._repeats:
            # Contents that only nameless rows carry count too.
            return self._arrange(*self._pairs.distinct(), None, len(self._contents))
        account, interactions, reason, posted, exported, post = (self._column(name) for name in _ROW)
        kinds = [
            self._column(f"content_{k}").astype(np.int32, copy=False) for k in range(3) if f"content_{k}" in self._rows
        ]
        losers = _repeated(post, exported, interactions)
        del post, exported
        if losers.any():
            self._unused["duplicate_post"] = int(losers.sum())
            keep = np.flatnonzero(~losers)
            account, interactions, reason, posted = account[keep], interactions[keep], reason[keep], posted[keep]
            kinds = [kind[keep] for kind in kinds]
        self._count(account.astype(np.int32, copy=False), interactions, reason)
        del interactions, reason
        order = None
        if len(kinds) > 1:
            whole = np.where(posted == UNKNOWN_TIME, 0, posted)
            order = np.argsort(whole - whole % 1_000_000 + self._tie(kinds), kind="stable")
        # With several kinds N counts the first contents of pieces.
        n_background = int((np.bincount(kinds[0][kinds[0] >= 0]) > 0).sum()) if len(kinds) == 1 else None
        return self._arrange(*_carried(account, kinds, order, len(self._contents)), n_background)

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
        content: npt.NDArray[np.int32],
        post: npt.NDArray[np.int64] | None,
        n_background: int | None,
    ) -> Gathered:
        """The result from distinct (account, content) rows."""
        n_all, n_contents = len(self._accounts), len(self._contents)
        has_content = np.zeros(n_all, dtype=bool)
        has_content[account] = True
        keys = pa.concat_arrays(self._keys) if self._keys else pa.array([], pa.string())
        ranked = np.asarray(pc.sort_indices(keys)) if n_all else np.zeros(0, np.uint64)
        kept = ranked[has_content[ranked]].astype(np.int64)
        number = np.full(n_all, -1, dtype=np.int32)
        number[kept] = np.arange(len(kept))
        carriers = np.bincount(content, minlength=n_contents)
        heaviest = [(int(carriers[c]), self._contents.digest(c)) for c in _largest(carriers, 3)]
        meetings = int((carriers * (carriers - 1) // 2).sum())
        if not self._primary_only:
            renumbered, n_contents = _renumber(self._contents, carriers, n_contents)
            content = renumbered[content]
        self._contents = DigestInterner()
        del carriers
        evidence = Evidence.from_rows(
            number[account], content, post, n_accounts=len(kept), n_contents=n_contents, n_background=n_background
        )
        facts, followers = self._book.table(n_all)
        n_posts, interactions = self._sums.of(kept)
        labels = None
        if "language" in self._rows:
            speaker, language = self._column("speaker"), self._column("language")
            labels = most_frequent(speaker, language, n_all, list(self._labels)).take(pa.array(kept))
        return Gathered(
            evidence, keys.take(pa.array(kept)), facts.take(pa.array(kept)), followers[kept], interactions, n_posts,
            self._seen_at[kept], labels, dict(self._unused), meetings, heaviest,
        )  # fmt: skip


class _Pairs:
    """Who carries what, eight bytes a pair: the account in the upper half, the content in the lower."""

    def __init__(self) -> None:
        self._keys = np.empty(1 << 12, dtype=np.uint64)
        self._n = 0

    def add(self, account: npt.NDArray[np.int32], content: npt.NDArray[np.int32]) -> None:
        """Take in rows; those without an account or a content carry nothing."""
        rows = (account >= 0) & (content >= 0)
        fresh = np.unique(account[rows].astype(np.uint64) << np.uint64(32) | content[rows].astype(np.uint64))
        need = self._n + len(fresh)
        if need > len(self._keys):
            # Grown in place, by little: a second copy of the pairs would be the largest thing in memory.
            self._keys.resize(need + need // 8, refcheck=False)
        self._keys[self._n : need] = fresh
        self._n = need

    def distinct(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """(account, content) of every pair once, in their order; no pairs are left."""
        self._keys.resize(self._n, refcheck=False)
        keys, self._keys, self._n = self._keys, np.empty(0, dtype=np.uint64), 0
        keys.sort()
        first = np.empty(len(keys), dtype=bool)
        first[:1] = True
        np.not_equal(keys[1:], keys[:-1], out=first[1:])
        content = keys.astype(np.uint32).view(np.int32)[first]
        keys >>= np.uint64(32)
        return keys.astype(np.int32)[first], content


def _largest(values: npt.NDArray[np.int64], n: int) -> list[int]:
    """Positions of the n largest values, the first of equals first."""
    n = min(n, len(values))
    top = np.argpartition(-values, n - 1)[:n] if n else np.zeros(0, np.int64)
    least = values[top].min() if n else 0
    candidates = np.flatnonzero(values >= least)
    chosen: list[int] = candidates[np.argsort(-values[candidates], kind="stable")][:n].tolist()
    return chosen


def _reasons(contents: PostContents, primary: npt.NDArray[np.int8]) -> npt.NDArray[np.uint8]:
    """uint8[n], why a post is unused: index into _UNUSED, 0 for a used one."""
    reason = np.full(len(primary), len(GUARDS), dtype=np.uint8)
    for kind in contents.kinds[::-1]:
        reason[kind.present] = kind.guard[kind.present]
    reason[primary >= 0] = 0
    return reason


def _first_rows(numbers: npt.NDArray[np.int32], before: int) -> npt.NDArray[np.int64]:
    """Rows where a number >= before occurs for the first time, in the order of the numbers."""
    rows = np.flatnonzero(numbers >= before)
    if not len(rows):
        return rows
    _, first = np.unique(numbers[rows], return_index=True)
    return rows[first]


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
    order: npt.NDArray[np.int64] | None,
    n_contents: int,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int64] | None]:
    """Distinct (account, content) pairs and, for several kinds, the first row in `order` that brings each."""
    if not kinds:
        empty = np.zeros(0, np.int32)
        return empty, empty, None
    order = np.arange(len(account)) if order is None else order
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
