"""Events of Bluesky's stream: which carry something, when it happened, what it is about.

Here: the decisions over columns of one window, the same for both versions of Jetstream and for repositories. Not here:
files (`bluesky_stream`, `bluesky_car`), the parts of posts (`bluesky_posts`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.kernels.json_cells import are_dids, at_uris, rfc3339_micros
from sm_assets.sources.bluesky_posts import EMBED_PARTS, MISSHAPEN, TYPES, PostReader
from sm_assets.sources.client_times import NEVER, TIME_SOURCES, decide, latest_possible, tid_micros
from sm_assets.sources.reading import Bounds, Tally, record_schema

DAY_US: Final = 86_400_000_000
HOUR_US: Final = DAY_US // 24
FLOOR_US: Final = int(datetime(2022, 11, 1, tzinfo=UTC).timestamp()) * 1_000_000
POST: Final = "app.bsky.feed.post"
COLLECTIONS: Final = (
    POST, "app.bsky.feed.like", "app.bsky.feed.repost", "app.bsky.graph.follow", "app.bsky.graph.block",
    "app.bsky.actor.profile",
)  # fmt: skip
_POST, _LIKE, _REPOST, _FOLLOW, _BLOCK, _PROFILE = range(6)
KINDS: Final = ("commit", "identity", "account")
_COMMIT, _IDENTITY, _ACCOUNT = range(3)
NOTICE, ERROR, NO_KIND = 3, 4, -1
_OPERATIONS = ("create", "update", "delete")
_DELETE = 2
_ENTITIES = ("post", "interaction", "interaction", "follow", "interaction", "account", "tombstone")
_TOMBSTONE = 6
_INTERACTIONS = (None, "like", "repost", None, "block", None)
_WITHDRAWN = ("post", "interaction", "interaction", "follow", "interaction", None)
# What an account event says: status of an inactive account, or that it is active.
_VERDICTS = {
    "deactivated": ("hide", "deactivated"), "suspended": ("hide", "suspended"), "takendown": ("hide", "takendown"),
    "deleted": ("purge", "deleted"), "active": ("restore", "reactivated"),
}  # fmt: skip
_STATUSES = tuple(_VERDICTS)

# Cells of a record, below commit.record, payload.record or record.
RECORD_CELLS: Final = {
    "created_at": ("createdAt",),
    "text": ("text",),
    "langs": ("langs",),
    "reply_parent_uri": ("reply.parent.uri",),
    "reply_root_uri": ("reply.root.uri",),
    "quoted_uri": ("embed.record.uri", "embed.record.record.uri"),
    "subject": ("subject.uri", "subject"),
    "embed": ("embed",),
    "facets": ("facets",),
    "tags": ("tags",),
    "labels": ("labels",),
    "display_name": ("displayName",),
    "profile_description": ("description",),
    "record_type": ("$type",),
}
EVENT_CELLS: Final = (
    "did", "kind", "rev", "operation", "collection", "rkey", "cid", *RECORD_CELLS, "handle", "active", "status",
)  # fmt: skip

# What becomes of an event: (disposition, reason, detail).
_KEEP = 0
_FATES: Final = (
    ("kept", "", ""),
    ("ignored", "error_frame", ""),
    ("ignored", "stream_notice", ""),
    ("ignored", "unknown_collection", ""),
    ("ignored", "no_payload", ""),
    ("ignored", "non_post_subject", ""),
    ("rejected", "missing_key", "neither kind nor $type says what the event is"),
    ("rejected", "missing_account", "did is no DID"),
    ("rejected", "missing_key", "a commit without operation, collection or rkey"),
    ("rejected", "bad_key", "an operation other than create, update, delete"),
    ("rejected", "missing_key", "the subject is no address of a record"),
    ("rejected", "missing_account", "the subject is no DID"),
    ("rejected", "bad_time", "no readable time of receipt, or one before Bluesky began, after the export or ahead"),
)
(
    _ERROR_FRAME, _NOTICE, _COLLECTION, _NO_PAYLOAD, _SUBJECT, _NO_KIND, _NO_DID, _NO_KEY, _BAD_OPERATION, _NO_SUBJECT,
    _NO_OBJECT, _BAD_TIME,
) = range(1, len(_FATES))  # fmt: skip
_KNOWN_COLLECTIONS = 1000
_LONGEST_PART = 512

Micros = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Refuse = Callable[[int, str, str, int | None], None]
"""(place of the event, reason, detail, day since 1970) of a reject."""


@dataclass(frozen=True, slots=True)
class Events:
    """Events of one window.

    Attributes:
        columns: EVENT_CELLS and the parts of embeds, pa.string() each; MISSHAPEN where there are any, names of cells
            with blanks between.
        kinds: int[n], index into KINDS, NOTICE, ERROR or NO_KIND.
        received: int64[n], microseconds; NEVER: not readable.
        positions: source_row and the like.
    """

    columns: Mapping[str, pa.StringArray]
    kinds: npt.NDArray[np.int64]
    received: Micros
    positions: Mapping[str, pa.Array]

    def __len__(self) -> int:
        return len(self.received)

    def filter(self, mask: Mask) -> Events:
        """Those where the mask is true."""
        chosen = pa.array(mask)
        return Events(
            {name: column.filter(chosen) for name, column in self.columns.items()},
            self.kinds[mask],
            self.received[mask],
            {name: column.filter(chosen) for name, column in self.positions.items()},
        )


@dataclass
class EventReader:
    """Decides events window by window.

    Attributes:
        record: `events` or `records`.
        tally: counts what becomes of them; the caller counts rows in.
        bounds: how far client clocks are believed.
        exported_at: when the file was exported, if that is known.
        collections: ignored events by collection.
        reached: days of records that withdrawals reach; None among them: any day.
        profiled: days on which profiles were observed.
    """

    record: str
    tally: Tally
    bounds: Bounds
    exported_at: datetime | None = None
    collections: Counter[str] = field(default_factory=Counter)
    reached: set[int | None] = field(default_factory=set)
    profiled: set[int] = field(default_factory=set)
    _posts: PostReader = field(default_factory=PostReader)

    def __post_init__(self) -> None:
        self.schema = record_schema("bluesky", self.record)
        self._struct = self.schema.field("parsed").type

    def read(self, events: Events, refuse: Refuse) -> pa.RecordBatch:
        """The accepted events as rows; all others are ignored or refused, and counted."""
        collection = codes(events.columns["collection"], COLLECTIONS)
        operation = codes(events.columns["operation"], _OPERATIONS)
        fate = self._fates(events, collection, operation)
        self._count(events, fate, refuse)
        kept = fate == _KEEP
        if not kept.all():
            events, collection, operation = events.filter(kept), collection[kept], operation[kept]
        if len(events):
            self.tally.saw(int(events.received.min()), int(events.received.max()))
        return self._rows(events, collection, operation)

    # ------------------------------------------------------------------ what is kept

    def _fates(
        self, events: Events, collection: npt.NDArray[np.int64], operation: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int8]:
        cells, kinds = events.columns, events.kinds
        fate = np.zeros(len(events), np.int8)

        def settle(mask: Mask, outcome: int) -> None:
            fate[mask & (fate == _KEEP)] = outcome

        commit = kinds == _COMMIT
        made = commit & (operation != _DELETE)
        settle(kinds == ERROR, _ERROR_FRAME)
        settle(kinds == NOTICE, _NOTICE)
        settle(kinds == NO_KIND, _NO_KIND)
        settle(commit & (collection < 0) & present(cells["collection"]), _COLLECTION)
        settle((kinds == _IDENTITY) & ~present(cells["handle"]), _NO_PAYLOAD)
        settle((kinds == _ACCOUNT) & (_statuses(cells) < 0), _NO_PAYLOAD)
        # A deleted profile is not a deleted account.
        settle(commit & (collection == _PROFILE) & (operation == _DELETE), _NO_PAYLOAD)
        settle(~are_dids(cells["did"]), _NO_DID)
        keyed = present(cells["rkey"]) & present(cells["operation"]) & (collection >= 0)
        settle(commit & ~keyed, _NO_KEY)
        settle(commit & (operation < 0), _BAD_OPERATION)
        settle(made & ~_any_present(cells, RECORD_CELLS), _NO_PAYLOAD)
        about_post = made & ((collection == _LIKE) | (collection == _REPOST))
        if about_post.any():
            subject = at_uris(cells["subject"]).collection
            settle(about_post & ~present(subject), _NO_SUBJECT)
            settle(about_post & ~true(pc.equal(subject, POST)), _SUBJECT)
        about_account = made & ((collection == _FOLLOW) | (collection == _BLOCK))
        if about_account.any():
            settle(about_account & ~are_dids(cells["subject"]), _NO_OBJECT)
        settle((events.received < FLOOR_US) | (events.received > latest_possible(self.exported_at)), _BAD_TIME)
        return fate

    def _count(self, events: Events, fate: npt.NDArray[np.int8], refuse: Refuse) -> None:
        found = np.bincount(fate, minlength=len(_FATES))
        for outcome, (disposition, reason, _) in enumerate(_FATES):
            if disposition == "ignored":
                self.tally.ignore(reason, int(found[outcome]))
        if found[_COLLECTION]:
            names = events.columns["collection"].filter(pa.array(fate == _COLLECTION))
            for item in pc.value_counts(names).to_pylist():
                known = item["values"] in self.collections or len(self.collections) < _KNOWN_COLLECTIONS
                self.collections[item["values"] if known else "(more)"] += item["counts"]
        for k in np.flatnonzero(fate >= _NO_KIND).tolist():
            _, reason, detail = _FATES[fate[k]]
            detail += _named(events.columns, k)
            day = int(events.received[k] // DAY_US) if fate[k] != _BAD_TIME and events.received[k] >= FLOOR_US else None
            refuse(k, reason, detail, day)

    # ------------------------------------------------------------------ what it says

    def _rows(
        self, events: Events, collection: npt.NDArray[np.int64], operation: npt.NDArray[np.int64]
    ) -> pa.RecordBatch:
        cells, n = events.columns, len(events)
        commit = events.kinds == _COMMIT
        deleted = commit & (operation == _DELETE)
        account = events.kinds == _ACCOUNT
        withdrawal = deleted | account
        posts = commit & (collection == _POST) & ~deleted
        warnings: list[list[str] | None] = [None] * n

        key = tid_micros(cells["rkey"])
        claim = rfc3339_micros(cells["created_at"])
        event, source = decide(claim, key, events.received, FLOOR_US, self.bounds)
        # Withdrawals and profiles happen when they are observed.
        observed = withdrawal | (events.kinds == _IDENTITY) | (collection == _PROFILE)
        event = np.where(observed, events.received, event)
        entity = np.where(withdrawal, _TOMBSTONE, np.where(commit, collection, _PROFILE))
        self.profiled.update(np.unique(event[entity == _PROFILE] // DAY_US).tolist())
        unread = present(cells["created_at"]) & (claim == NEVER) & commit
        self._warn(warnings, unread, "created_at:bad_time")
        self._warn_of_misshapen(warnings, cells)

        parsed: dict[str, pa.Array] = {
            "entity": chosen(_ENTITIES, entity),
            "record_id": pc.if_else(
                pa.array(commit),
                pc.binary_join_element_wise("at:/", cells["did"], cells["collection"], cells["rkey"], "/"),
                cells["did"],
            ),
            "event_at": timestamps(event),
            "time_source": chosen(TIME_SOURCES, np.where(observed, -1, source)),
            "claimed_at": timestamps(np.where(observed, NEVER, claim)),
            "interaction_kind": chosen(_INTERACTIONS, np.where(commit, collection, -1)),
        }
        parsed |= self._references(cells, posts, commit & ~deleted, collection, warnings)
        parsed |= self._withdrawals(cells, deleted, account, collection, key, event)
        profile = commit & (collection == _PROFILE)
        possible = profile & (claim >= FLOOR_US) & (claim <= events.received + self.bounds.client_ahead // _MICROSECOND)
        parsed["account_created_at"] = timestamps(np.where(possible, claim, NEVER))
        self._warn(warnings, profile & (claim != NEVER) & ~possible, "created_at:bad_time")

        found = self._post_parts(cells, posts, warnings)
        parsed |= {name: found.pop(name) for name in ("media_kind", "is_sensitive")}
        made = {
            **events.positions, **{name: cells[name] for name in EVENT_CELLS if name in self.schema.names}, **found,
            "warnings": pa.array(warnings, pa.list_(pa.string())),
            "parsed": pa.StructArray.from_arrays(
                [parsed[item.name].cast(item.type) for item in self._struct], fields=list(self._struct)
            ),
            "observed_at": timestamps(events.received),
            "day": pa.array((event // DAY_US).astype(np.int32), pa.int32()).cast(pa.date32()),
        }  # fmt: skip
        return pa.RecordBatch.from_arrays([made[name] for name in self.schema.names], schema=self.schema)

    def _references(
        self, cells: Mapping[str, pa.StringArray], posts: Mask, made: Mask, collection: npt.NDArray[np.int64],
        warnings: list[list[str] | None],
    ) -> dict[str, pa.Array]:  # fmt: skip
        """Posts and accounts that a post or an interaction refers to."""
        found: dict[str, pa.Array] = {}
        for column, name in (("reply_parent_uri", "parent"), ("reply_root_uri", "root"), ("quoted_uri", "quoted")):
            uris = cells[column]
            if uris.null_count == len(uris):
                found[f"{name}_post_id"] = found[f"{name}_account_id"] = pa.nulls(len(uris), pa.string())
                continue
            parts = at_uris(uris)
            is_post = posts & true(pc.equal(parts.collection, POST))
            found[f"{name}_post_id"] = only(uris, is_post)
            found[f"{name}_account_id"] = only(parts.authority, is_post & are_dids(parts.authority))
            # What else is quoted (feeds, lists) is no post and no damage.
            bad = posts & present(uris) & (~present(parts.collection) if name == "quoted" else ~is_post)
            self._warn(warnings, bad, f"{column}:bad_url")
        found.pop("root_account_id")
        subject = at_uris(cells["subject"])
        about_post = made & ((collection == _LIKE) | (collection == _REPOST))
        about_account = made & ((collection == _FOLLOW) | (collection == _BLOCK))
        found["object_post_id"] = only(cells["subject"], about_post)
        found["object_account_id"] = pc.coalesce(
            only(cells["subject"], about_account), only(subject.authority, about_post & are_dids(subject.authority))
        )
        return found

    def _withdrawals(
        self, cells: Mapping[str, pa.StringArray], deleted: Mask, account: Mask, collection: npt.NDArray[np.int64],
        key: Micros, event: Micros,
    ) -> dict[str, pa.Array]:  # fmt: skip
        latest = event + self.bounds.client_ahead // _MICROSECOND
        dated = deleted & (key >= FLOOR_US) & (key <= latest)
        status = np.where(account, _statuses(cells), -1)
        actions, reasons = zip(*_VERDICTS.values(), strict=True)
        ending = len(_STATUSES)
        verdict = np.where(deleted, ending, status)
        self._reach(key, deleted, dated, account)
        days = pa.array(np.where(dated, key // DAY_US, 0).astype(np.int32), pa.int32(), mask=~dated)
        return {
            "withdrawn_entity": chosen(
                (*_WITHDRAWN, "account"), np.where(deleted, collection, np.where(account, 6, -1))
            ),
            "action": chosen((*actions, "purge"), verdict),
            "reason": chosen((*reasons, "deleted"), verdict),
            "record_day": days.cast(pa.date32()),
        }

    def _reach(self, key: Micros, deleted: Mask, dated: Mask, account: Mask) -> None:
        """Days on which the withdrawn records may lie: a believed claim may differ from the key."""
        if account.any() or (deleted & ~dated).any():
            self.reached.add(None)
        if dated.any():
            first = (key[dated] - self.bounds.client_behind // _MICROSECOND) // DAY_US
            last = (key[dated] + max(self.bounds.key_agreement, self.bounds.client_ahead) // _MICROSECOND) // DAY_US
            for low, high in np.unique(np.stack([first, last], axis=1), axis=0).tolist():
                self.reached.update(range(low, high + 1))

    def _post_parts(
        self, cells: Mapping[str, pa.StringArray], posts: Mask, warnings: list[list[str] | None]
    ) -> dict[str, pa.Array]:
        """Hashtags and the like of the posts among the rows; null in all others."""
        places = np.flatnonzero(posts)
        if not len(places):
            return {name: pa.nulls(len(posts), kind) for name, kind in TYPES.items() if name != "warnings"}
        chosen_rows = pa.array(places)
        parts = self._posts.read({name: cells[name].take(chosen_rows) for name in (*RECORD_CELLS, *EMBED_PARTS)})
        for place, found in zip(places.tolist(), parts.pop("warnings").to_pylist(), strict=True):
            if found:
                warnings[place] = [*(warnings[place] or []), *found]
                for warning in found:
                    column, reason = warning.split(":")
                    self.tally.repair(column, reason)
        back = np.full(len(posts), -1, np.int64)
        back[places] = np.arange(len(places))
        index = pa.array(back, mask=~posts)
        return {name: part.take(index) for name, part in parts.items()}

    def _warn(self, warnings: list[list[str] | None], mask: Mask, warning: str) -> None:
        places = np.flatnonzero(mask).tolist()
        for place in places:
            warnings[place] = [*(warnings[place] or []), warning]
        column, reason = warning.split(":")
        self.tally.repair(column, reason, len(places))

    def _warn_of_misshapen(self, warnings: list[list[str] | None], cells: Mapping[str, pa.StringArray]) -> None:
        if MISSHAPEN not in cells:
            return
        for place, names in enumerate(cells[MISSHAPEN].to_pylist()):
            for name in dict.fromkeys("embed" if name in EMBED_PARTS else name for name in (names or "").split()):
                self.tally.repair(name, "bad_list")
                warnings[place] = [*(warnings[place] or []), f"{name}:bad_list"]

    @property
    def facts(self) -> dict[str, Any]:
        """What the manifest says of withdrawals and of what was ignored."""
        days: list[str | None] = [str(date.fromordinal(_EPOCH + day)) for day in sorted(self.reached - {None})]  # type: ignore[type-var, operator]  # None is out
        return {
            "touched_days": [*days, *([None] if None in self.reached else [])],
            "profile_days": [str(date.fromordinal(_EPOCH + day)) for day in sorted(self.profiled)],
            "collections_ignored": dict(sorted(self.collections.items())),
        }


_EPOCH = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)


def codes(texts: pa.Array, known: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """int64[n]: index into `known`, -1 for any other text and null."""
    found: npt.NDArray[np.int64] = pc.fill_null(pc.index_in(texts, pa.array(known)), -1).to_numpy().astype(np.int64)
    return found


def present(texts: pa.Array) -> Mask:
    """bool[n]: not null."""
    return true(pc.is_valid(texts))


def true(flags: pa.Array) -> Mask:
    """bool[n]: true, and neither false nor null."""
    mask: Mask = pc.fill_null(flags, False).to_numpy(zero_copy_only=False)
    return mask


def only(texts: pa.Array, mask: Mask) -> pa.Array:
    """The texts where the mask is true, else null."""
    return pc.if_else(pa.array(mask), texts, pa.scalar(None, pa.string()))


def chosen(words: tuple[str | None, ...], index: npt.NDArray[np.integer[Any]]) -> pa.StringArray:
    """The word of each index, null for -1."""
    return pa.array(words, pa.string()).take(pa.array(index, pa.int64(), mask=index < 0))


def timestamps(micros: Micros) -> pa.Array:
    """Timestamps, null for NEVER."""
    return pa.array(micros, pa.int64(), mask=micros == NEVER).cast(pa.timestamp("us"))


def _statuses(cells: Mapping[str, pa.StringArray]) -> npt.NDArray[np.int64]:
    """Index into _STATUSES: `active` where the account is, else why it is not; -1: unknown."""
    active = true(pc.equal(cells["active"], "true"))
    inactive = true(pc.equal(cells["active"], "false"))
    status = codes(cells["status"], _STATUSES[:-1])
    return np.where(active, len(_STATUSES) - 1, np.where(inactive, status, -1))


def _named(cells: Mapping[str, pa.StringArray], k: int) -> str:
    """Whose record it is: a later purge has to find the reject by it, and excerpts end before many a key."""
    parts = [cells[name][k].as_py() for name in ("did", "collection", "rkey")]
    known = [part for part in parts if part and len(part) <= _LONGEST_PART]
    return f" (at://{'/'.join(known)})" if known else ""


def _any_present(cells: Mapping[str, pa.StringArray], names: Mapping[str, object]) -> Mask:
    mask = np.zeros(len(cells["did"]), bool)
    for name in names:
        if cells[name].null_count < len(cells[name]):
            mask |= present(cells[name])
    return mask
