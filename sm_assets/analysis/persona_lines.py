"""Lines of a persona export: threads, and what members did together with the message it was done to.

Here: which event becomes a line, about which message, and why others do not. Not here: which posts count, how threads
come about (`conversations`), the bytes of a line (`sm_assets.kernels.json_messages`), files.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.numbering import micros, places_of
from sm_assets.analysis.post_index import PostIndex, hashed_pairs
from sm_assets.contracts.text_columns import LINE_KINDS
from sm_assets.errors import OptionError
from sm_assets.kernels import json_messages
from sm_assets.kernels.json_cells import NEVER, tid_micros

Whole = npt.NDArray[np.int64]
Targets = Literal["any", "kept_accounts"]

ACTIONS: Final = (
    "like", "unlike", "repost", "unrepost", "follow", "unfollow", "block", "unblock", "post_update", "post_delete",
    "profile_update", "quote", "ignore",
)  # fmt: skip
"""Names of the actions in the order in which every action line lists them."""
ACTION_KINDS: Final = tuple(kind for kind in LINE_KINDS if kind != "chain")
"""Kinds of events, in the order of their sections in a file; nobody's profile_update is delivered."""
LOSSES: Final = ("target_unknown", "target_not_eligible", "target_withdrawn", "nothing_before", "over_cap")
_DAY: Final = 86_400_000_000
_LINE: Final = -1
_UNKNOWN, _NOT_ELIGIBLE, _WITHDRAWN, _NOTHING_BEFORE = range(4)
_TO_ACCOUNTS: Final = ("follow", "unfollow", "block", "unblock")
_OWN: Final = ("post_update", "post_delete")
_WITH_TEXT: Final = ("post_update", "quote")

CONTENTS: Final = pa.schema(
    [
        ("platform", pa.string()),
        ("post_id", pa.string()),
        ("account_id", pa.string()),
        ("post_kind", pa.string()),
        ("text", pa.string()),
        ("posted_at", pa.timestamp("us")),
        ("is_eligible", pa.bool_()),
        ("is_kept", pa.bool_()),
    ]
)
"""Posts that lines may be about; is_kept: by a member of any persona."""
EVENTS: Final = pa.schema(
    [
        ("line_kind", pa.string()),
        ("platform", pa.string()),
        ("account_id", pa.string()),
        ("record_id", pa.string()),
        ("acted_at", pa.timestamp("us")),
        ("object_post_id", pa.string()),
        ("object_account_id", pa.string()),
        ("object_day", pa.date32()),
        ("object_withdrawn", pa.bool_()),
        ("text", pa.string()),
    ]
)
"""What members did; object_day: on which a deleted post was written, as far as that is known."""


class Lines(NamedTuple):
    """Lines of a file, and what became of the events behind them.

    Attributes:
        data: the lines, each ending in LF.
        n_lines: how many.
        counts: int64[number of line kinds, 2 + losses] by LINE_KINDS: events, lines, then each of LOSSES.
    """

    data: bytes
    n_lines: int
    counts: Whole


def no_counts() -> Whole:
    """Counts of no event."""
    return np.zeros((len(LINE_KINDS), 2 + len(LOSSES)), np.int64)


def user_ids(platform: pa.ChunkedArray | pa.Array, account_id: pa.ChunkedArray | pa.Array, prefixed: bool) -> pa.Array:
    """Names of accounts in an export: their ids, with several platforms `platform:account_id`."""
    if prefixed:
        account_id = pc.binary_join_element_wise(platform.cast(pa.string()), account_id, ":")
    return account_id.combine_chunks() if isinstance(account_id, pa.ChunkedArray) else account_id


def chain_lines(threads: pa.Table, *, prefixed: bool = False) -> Lines:
    """One line per thread: its messages in reading order.

    Args:
        threads: platform, account_id, position, text, posted_at; thread by thread, each whole and by position.
        prefixed: name accounts with their platform.
    """
    begins = threads["position"].to_numpy() == 0
    data = json_messages.chain_lines(
        user_ids(threads["platform"], threads["account_id"], prefixed),
        threads["text"].cast(pa.string()),
        micros(threads["posted_at"]),
        begins,
    )
    counts = no_counts()
    counts[LINE_KINDS.index("chain"), :2] = len(threads)
    return Lines(data, int(np.count_nonzero(begins)), counts)


class Contents:
    """Posts that lines may be about, found by their id or as the latest of an account.

    Args:
        posts: columns of `CONTENTS`; (platform, post_id) is unique, the order of rows has no meaning. Texts of posts
            that are not eligible are not read.
        targets: any: all eligible posts; kept_accounts: those by members only.
        keeps_deleted: as the original: `posts` holds deleted posts too, and first texts of those that were edited, and
            lines about edits and deletes show them. Else these lines show no text, and a deleted post is not looked up.

    Raises:
        OptionError: unknown `targets`.
    """

    def __init__(self, posts: pa.Table, *, targets: Targets = "any", keeps_deleted: bool = False) -> None:
        if targets not in ("any", "kept_accounts"):
            raise OptionError(f"targets must be any or kept_accounts; found {targets!r}.")
        self.keeps_deleted = keeps_deleted
        self._only_kept = targets == "kept_accounts"
        self._posts = PostIndex(posts["platform"], posts["post_id"])
        rows = posts.select(["account_id", "text"]).cast(
            pa.schema([("account_id", pa.large_string()), ("text", pa.large_string())])
        )
        self._account_id, self._text = (rows[name].combine_chunks() for name in ("account_id", "text"))
        self._at = micros(posts["posted_at"])
        kept = posts["is_kept"].to_numpy()
        self._allowed = posts["is_eligible"].to_numpy() & (kept | (not self._only_kept))
        self._index_accounts(posts, kept)

    def _index_accounts(self, posts: pa.Table, kept: npt.NDArray[np.bool_]) -> None:
        """Allowed posts and replies by account, time and id; the accounts of members."""
        account = hashed_pairs(posts["platform"], posts["account_id"])
        self._kept_accounts = np.sort(account[kept]) if self._only_kept else account[:0]
        named = np.flatnonzero(self._allowed & pc.is_in(posts["post_kind"], pa.array(["post", "reply"])).to_numpy())
        self._times, self._accounts = np.sort(self._at[named]), np.sort(account[named])
        code = np.searchsorted(self._accounts, account[named])
        when = code << 32 | np.searchsorted(self._times, self._at[named])
        order = np.argsort(when, kind="stable")
        named, when = named[order], when[order]
        equal = np.flatnonzero(when[1:] == when[:-1])
        for first in equal[np.diff(equal, prepend=-2) > 1]:
            # Several posts of one account in one microsecond.
            tied = named[first : np.searchsorted(when, when[first], "right")]
            ids = posts["post_id"].take(pa.array(tied)).to_pylist()
            named[first : first + len(tied)] = tied[sorted(range(len(tied)), key=ids.__getitem__)]
        self._by_account, self._when = named, when

    def find(self, platform: pa.Array, post_id: pa.Array) -> Whole:
        """int64[n]: row of each post, -1 where it is not here; null ids are nowhere."""
        return self._posts.find(platform, post_id)

    def latest(self, platform: pa.Array, account_id: pa.Array, at: Whole) -> tuple[Whole, npt.NDArray[np.bool_]]:
        """(int64[n]: row of the account's latest post or reply at or before `at`, -1: none; bool[n]: may be shown).

        Args:
            platform: of the accounts.
            account_id: without nulls.
            at: microseconds.
        """
        row = np.full(len(account_id), -1, np.int64)
        account = hashed_pairs(platform, account_id)
        shown = np.full(len(account), not self._only_kept)
        if self._only_kept:
            shown = places_of(account, self._kept_accounts) >= 0
        code = places_of(account, self._accounts)
        rank = np.searchsorted(self._times, at, "right")
        place = np.searchsorted(self._when, code << 32 | rank) - 1
        found = (code >= 0) & (place >= 0)
        found[found] &= self._when[place[found]] >> 32 == code[found]
        row[found] = self._by_account[place[found]]
        return row, shown

    def allowed(self, row: Whole) -> npt.NDArray[np.bool_]:
        """bool[n]: a line may be about the post; false for row -1."""
        allowed: npt.NDArray[np.bool_] = self._allowed[row] & (row >= 0) if len(self._allowed) else row >= 0
        return allowed

    def messages(self, row: Whole) -> tuple[pa.Array, pa.Array, Whole]:
        """(account_id, text, microseconds) of posts; -1 gives null, null, 0."""
        known = row >= 0
        place = pa.array(row, mask=~known)
        at = np.zeros(len(row), np.int64)
        at[known] = self._at[row[known]]
        return self._account_id.take(place).cast(pa.string()), self._text.take(place).cast(pa.string()), at


def action_lines(events: pa.Table, contents: Contents, *, prefixed: bool = False) -> Lines:
    """One line per event whose content can be shown; the others are counted.

    Args:
        events: columns of `EVENTS`, in the order in which they are to be written.
        contents: the posts that lines may be about.
        prefixed: name accounts with their platform.

    Raises:
        OptionError: an event of no known kind.
    """
    events = events.combine_chunks()
    kind = pc.index_in(events["line_kind"], value_set=pa.array(ACTION_KINDS)).fill_null(-1).to_numpy()
    if len(kind) and kind.min() < 0:
        unknown = events["line_kind"][int(np.argmin(kind))]
        raise OptionError(f"line_kind must be one of {', '.join(ACTION_KINDS)}; found {unknown}.")
    row, verdict = _content_rows(events, kind, contents)
    written = np.flatnonzero(verdict == _LINE)
    rows, row, kind_of = events.take(pa.array(written)), row[written], kind[written]
    user, text, at = contents.messages(row)
    own = np.isin(kind_of, _numbers(*_OWN))
    if not contents.keeps_deleted:
        text = pc.if_else(pa.array(own), pa.scalar(None, pa.string()), text)
    # A deleted post is in no table: its author is who deleted it.
    gone = row < 0
    user = pc.if_else(pa.array(gone), rows["account_id"].combine_chunks(), user)
    at[gone] = _written_at(rows.take(pa.array(np.flatnonzero(gone))))
    said = pc.if_else(
        pa.array(np.isin(kind_of, _numbers(*_WITH_TEXT))), rows["text"].combine_chunks(), pa.scalar(None, pa.string())
    )
    data = json_messages.action_lines(
        ACTIONS,
        user_ids(rows["platform"], user, prefixed),
        text,
        at,
        user_ids(rows["platform"], rows["account_id"], prefixed),
        np.array([ACTIONS.index(each) for each in ACTION_KINDS])[kind_of],
        micros(rows["acted_at"]),
        said,
    )
    return Lines(data, len(rows), _counted(kind, verdict))


def _content_rows(events: pa.Table, kind: npt.NDArray[np.int32], contents: Contents) -> tuple[Whole, Whole]:
    """(row of the post that each event is about or -1; what becomes of the event: a line or a loss)."""
    row = np.full(len(events), -1, np.int64)
    verdict = np.full(len(events), _UNKNOWN, np.int64)
    withdrawn = pc.fill_null(events["object_withdrawn"], False).to_numpy()
    to_account = np.isin(kind, _numbers(*_TO_ACCOUNTS))
    absent = (kind == ACTION_KINDS.index("post_delete")) & (not contents.keeps_deleted)
    verdict[absent] = _LINE

    at_post = np.flatnonzero(~to_account & ~absent)
    chosen = events.select(["platform", "object_post_id"]).take(pa.array(at_post)).combine_chunks()
    found = contents.find(_flat(chosen["platform"]), _flat(chosen["object_post_id"]))
    row[at_post] = found
    verdict[at_post] = np.select(
        [contents.allowed(found), found >= 0, withdrawn[at_post]], [_LINE, _NOT_ELIGIBLE, _WITHDRAWN], _UNKNOWN
    )

    named = events["object_account_id"].is_valid().to_numpy()
    at_account = np.flatnonzero(to_account & named)
    chosen = events.select(["platform", "object_account_id", "acted_at"]).take(pa.array(at_account)).combine_chunks()
    found, shown = contents.latest(
        _flat(chosen["platform"]), _flat(chosen["object_account_id"]), micros(chosen["acted_at"])
    )
    row[at_account] = found
    verdict[at_account] = np.select(
        [withdrawn[at_account], ~shown, found < 0], [_WITHDRAWN, _NOT_ELIGIBLE, _NOTHING_BEFORE], _LINE
    )
    return row, verdict


def _written_at(deletes: pa.Table) -> Whole:
    """When deleted posts were written: as their ids tell, else the start of the day, else when they were deleted."""
    told = tid_micros(pc.replace_substring_regex(deletes["object_post_id"], "^.*/", ""))
    day = deletes["object_day"].cast(pa.timestamp("us"))
    start = micros(pc.coalesce(day, deletes["acted_at"]))
    # An id that only looks like a time tells another day.
    fits = (told != NEVER) & (~day.is_valid().to_numpy() | ((told >= start) & (told - start < _DAY)))
    return np.where(fits, told, start)


def _counted(kind: npt.NDArray[np.int32], verdict: Whole) -> Whole:
    counts = no_counts()
    section = np.array([LINE_KINDS.index(each) for each in ACTION_KINDS])[kind]
    np.add.at(counts[:, 0], section, 1)
    np.add.at(counts, (section, verdict + 2), 1)
    return counts


def _numbers(*kinds: str) -> list[int]:
    return [ACTION_KINDS.index(each) for each in kinds]


def _flat(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()
