"""Edges and labelled nodes of one stretch of a file: from ends and labels to the rows of the raw tables.

Here: what makes an edge unusable, its direction, the columns of its row, what the file says as a whole. Not here:
formats (`edges_text`, `edges_arrays`), recognising them (`edges`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.errors import InputError
from sm_assets.kernels import edges as kernel
from sm_assets.sources.file_names import exported_at_of
from sm_assets.sources.reading import Chunk, ReadOptions, Tally, record_schema

DIRECTIONS = ("first_follows_second", "second_follows_first", "mutual")
PLATFORMS = ("facebook", "instagram", "bluesky", "twitter", "tiktok", "other")
SCHEMAS = {record: record_schema("edges", record) for record in ("edges", "nodes")}
CHUNK_ROWS = 1 << 16
# (index of the row, reason, detail)
Refuse = Callable[[int, str, str], None]
# Names of an end that say who follows whom; `source`, `from` and the like only say which end is meant to come first.
FOLLOWER_NAMES = ("follower",)
FOLLOWED_NAMES = ("followed", "influencer")
_LEADING_NAMES = (*FOLLOWER_NAMES, "source", "src", "from", "u", "id_1")
_FAULTS = {kernel.ID_EMPTY: "is empty", kernel.ID_NEGATIVE: "is a negative number"}


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What holds for all rows of a file.

    Attributes:
        direction: of the first and the second column as delivered, or of those that `columns` of a sidecar calls so.
        direction_origin: `stated` (sidecar), `named` (by the header), `given` (by the caller for files that tell
            nothing) or `assumed`.
        notices: sentences about the direction.
    """

    platform: str
    direction: str
    direction_origin: str
    is_snapshot: bool
    exported_at: datetime | None
    exported_at_origin: str | None
    notices: tuple[str, ...] = ()

    @classmethod
    def of(cls, path: Path, options: ReadOptions, unstated: str | None = None) -> FileFacts:
        """From what is stated, else from the file's place and name.

        Args:
            path: the file.
            options: what is stated.
            unstated: direction of a file that tells nothing; None: the first follows the second.

        Raises:
            InputError: an unknown direction or platform.
        """
        for direction in (options.direction, unstated):
            if direction is not None and direction not in DIRECTIONS:
                raise InputError(f"{path}: direction is {direction!r}; expected one of {', '.join(DIRECTIONS)}.")
        if options.platform is not None and options.platform not in PLATFORMS:
            raise InputError(f"{path}: platform is {options.platform!r}; expected one of {', '.join(PLATFORMS)}.")
        folders = options.place.split("/")[1:-1]
        placed = folders[0] if folders and folders[0] in PLATFORMS else "other"
        named_at, _ = exported_at_of(path)
        return cls(
            platform=options.platform or placed,
            direction=options.direction or unstated or DIRECTIONS[0],
            direction_origin="stated" if options.direction else "given" if unstated else "assumed",
            is_snapshot=options.is_snapshot is not False,
            exported_at=options.exported_at or named_at,
            exported_at_origin="stated" if options.exported_at else "file_name" if named_at else None,
        )

    def of_names(self, path: Path, first: str, second: str, *, is_order_stated: bool) -> FileFacts:
        """The facts of a file whose header names the ends: names and statement must not contradict each other.

        Args:
            path: the file.
            first: name of the first node's column, folded.
            second: name of the second node's.
            is_order_stated: a sidecar says which is the first: then only names that say who follows whom count.

        Raises:
            InputError: the names say one thing, the stated direction the other.
        """
        by_first, by_second = (
            0 if name in FOLLOWER_NAMES else 1 if name in FOLLOWED_NAMES else None for name in (first, second)
        )
        turned = by_first if by_first is not None else None if by_second is None else 1 - by_second
        if turned is None:
            if is_order_stated or second not in _LEADING_NAMES:
                return self
            if self.direction_origin == "assumed":
                return replace(self, direction=DIRECTIONS[1])
            if self.direction == "mutual":
                return self
            notice = f"the direction {self.direction} speaks of columns as they stand: {first} first, {second} second"
            return replace(self, notices=(*self.notices, notice))
        named = DIRECTIONS[turned]
        if self.direction_origin == "stated":
            if self.direction not in (named, "mutual"):
                raise InputError(
                    f"{path}: its header names the ends {first}, {second}, which is {named}, but the direction stated "
                    f"is {self.direction}. A direction speaks of the first and the second column: state {named} or "
                    "nothing, or rename the columns if their names are wrong."
                )
            return self
        notices = self.notices
        if self.direction_origin == "given" and self.direction != named:
            notice = f"the header names who follows whom ({first}, {second}), which holds over {self.direction}"
            notices = (*notices, notice)
        return replace(self, direction=named, direction_origin="named", notices=notices)

    @property
    def manifest(self) -> dict[str, Any]:
        """The same, JSON-ready."""
        return {
            "platform": self.platform,
            "exported_at": self.exported_at.isoformat() if self.exported_at else None,
            "exported_at_origin": self.exported_at_origin,
            "coverage_kind": "scattered",
        }

    @property
    def direction_manifest(self) -> dict[str, Any]:
        """What concerns edges only."""
        return {
            "direction": self.direction,
            "direction_origin": self.direction_origin,
            "is_snapshot": self.is_snapshot,
        }

    def constants(self, n: int) -> dict[str, pa.Array]:
        """exported_at, observed_at and day of n rows: null where the conversion decides."""
        if self.exported_at is None:
            moment, day = None, None
        else:
            moment = self.exported_at.astimezone(UTC).replace(tzinfo=None)
            day = moment.date()
        times = _repeated(moment, pa.timestamp("us"), n)
        return {"exported_at": times, "observed_at": times, "day": _repeated(day, pa.date32(), n)}


@dataclass(frozen=True, slots=True)
class Ends:
    """One column of nodes: as delivered, as ids, and kind uint8[n] of `kernels.edges.ID_*`."""

    delivered: pa.Array
    ids: pa.Array
    kind: npt.NDArray[np.uint8]

    @classmethod
    def of_texts(cls, texts: pa.Array) -> Ends:
        """From delivered texts."""
        ids = kernel.canonical_ids(texts)
        return cls(texts, ids.texts, ids.kind)


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights as delivered and as numbers, null where none can be read."""

    delivered: pa.Array
    numbers: pa.Array

    @classmethod
    def of_texts(cls, texts: pa.Array) -> Weights:
        """From delivered texts: finite decimal numbers."""
        bare = pc.ascii_trim_whitespace(texts)
        shape = r"^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$"
        readable = pc.fill_null(pc.match_substring_regex(bare, shape), False)
        numbers = pc.if_else(readable, bare, pa.scalar(None, pa.string())).cast(pa.float64())
        finite = pc.fill_null(pc.is_finite(numbers), False)
        return cls(texts, pc.if_else(finite, numbers, pa.scalar(None, pa.float64())))

    @classmethod
    def none(cls, n: int) -> Weights:
        """No weights for n edges."""
        return cls(pa.nulls(n, pa.string()), pa.nulls(n, pa.float64()))


@dataclass(frozen=True, slots=True)
class Edges:
    """Edges of one stretch. `line` and `extra` are None where the format has no such thing."""

    first: Ends
    second: Ends
    weights: Weights
    row: npt.NDArray[np.int64]
    line: npt.NDArray[np.int64] | None = None
    extra: pa.Array | None = None


@dataclass(frozen=True, slots=True)
class Nodes:
    """Labelled nodes of one stretch."""

    node: Ends
    label: pa.Array
    row: npt.NDArray[np.int64]
    line: npt.NDArray[np.int64] | None = None
    extra: pa.Array | None = None


def edge_batch(facts: FileFacts, tally: Tally, edges: Edges, refuse: Refuse) -> pa.RecordBatch:
    """Rows of raw_edges__edges; unusable edges are refused, self-loops ignored.

    A line of a mutual list becomes two rows, and counts as two rows in.
    """
    usable = _usable({"first": edges.first, "second": edges.second}, refuse)
    loops = _true(pc.equal(edges.first.ids, edges.second.ids)) & usable
    tally.ignore("self_loop", int(loops.sum()))
    kept = usable & ~loops
    n = int(kept.sum())
    columns = {
        "source_row": pa.array(edges.row),
        "source_item": _repeated(0, pa.int32(), len(kept)),
        "source_line": _or_null(edges.line, len(kept)),
        "first_node": edges.first.delivered,
        "second_node": edges.second.delivered,
        "edge_weight": edges.weights.delivered,
        "extra": edges.extra if edges.extra is not None else pa.nulls(len(kept), pa.string()),
        "follower": edges.first.ids,
        "followed": edges.second.ids,
        "weight": edges.weights.numbers,
    }
    if n < len(kept):
        mask = pa.array(kept)
        columns = {name: column.filter(mask) for name, column in columns.items()}
    tally.repair("edge_weight", "bad_number", columns["weight"].null_count - columns["edge_weight"].null_count)
    if facts.direction == "second_follows_first":
        columns["follower"], columns["followed"] = columns["followed"], columns["follower"]
    elif facts.direction == "mutual":
        tally.rows_in += n
        columns, n = _both_ways(columns, n), 2 * n
    parsed = {
        "platform": _repeated(facts.platform, pa.string(), n),
        "follower_account_id": columns.pop("follower"),
        "followed_account_id": columns.pop("followed"),
        "weight": columns.pop("weight"),
        "is_snapshot": _repeated(facts.is_snapshot, pa.bool_(), n),
    }
    return _batch("edges", facts, columns, parsed, n)


def _both_ways(columns: dict[str, pa.Array], n: int) -> dict[str, pa.Array]:
    twice = pa.array(np.repeat(np.arange(n), 2))
    ends = pa.concat_arrays([columns["follower"], columns["followed"]])
    forth = np.arange(n)
    doubled = {name: column.take(twice) for name, column in columns.items() if name not in ("follower", "followed")}
    doubled["follower"] = ends.take(pa.array(np.stack([forth, forth + n], axis=1).ravel()))
    doubled["followed"] = ends.take(pa.array(np.stack([forth + n, forth], axis=1).ravel()))
    doubled["source_item"] = pa.array(np.tile(np.array([0, 1], dtype=np.int32), n))
    return doubled


def node_batch(facts: FileFacts, nodes: Nodes, refuse: Refuse) -> pa.RecordBatch:
    """Rows of raw_edges__nodes; nodes without an id are refused."""
    kept = _usable({"node": nodes.node}, refuse)
    n = int(kept.sum())
    columns = {
        "source_row": pa.array(nodes.row),
        "source_item": _repeated(0, pa.int32(), len(kept)),
        "source_line": _or_null(nodes.line, len(kept)),
        "node": nodes.node.delivered,
        "node_label": nodes.label,
        "extra": nodes.extra if nodes.extra is not None else pa.nulls(len(kept), pa.string()),
        "account_id": nodes.node.ids,
    }
    if n < len(kept):
        mask = pa.array(kept)
        columns = {name: column.filter(mask) for name, column in columns.items()}
    parsed = {"platform": _repeated(facts.platform, pa.string(), n), "account_id": columns.pop("account_id")}
    return _batch("nodes", facts, columns, parsed, n)


def chunks_of(tally: Tally, record: str, batch: pa.RecordBatch) -> Iterator[Chunk]:
    """The rows in chunks of bounded size; the first also takes the rejects."""
    for at in range(0, max(len(batch), 1), CHUNK_ROWS):
        yield tally.chunk({record: batch.slice(at, CHUNK_ROWS)})


def _batch(
    record: str, facts: FileFacts, columns: dict[str, pa.Array], parsed: dict[str, pa.Array], n: int
) -> pa.RecordBatch:
    schema = SCHEMAS[record]
    struct = schema.field("parsed").type
    made = columns | facts.constants(n)
    made["parsed"] = pa.StructArray.from_arrays([parsed[item.name] for item in struct], fields=list(struct))
    return pa.RecordBatch.from_arrays([made[name] for name in schema.names], schema=schema)


def _usable(ends: dict[str, Ends], refuse: Refuse) -> npt.NDArray[np.bool_]:
    bad: npt.NDArray[np.bool_] = np.logical_or.reduce([column.kind >= kernel.ID_EMPTY for column in ends.values()])
    for k in np.flatnonzero(bad).tolist():
        faults = {name: int(column.kind[k]) for name, column in ends.items() if int(column.kind[k]) in _FAULTS}
        reason = "bad_key" if kernel.ID_NEGATIVE in faults.values() else "missing_key"
        refuse(
            k,
            "bad_edge" if len(ends) > 1 else reason,
            " and ".join(f"the {name} node {_FAULTS[kind]}" for name, kind in faults.items()),
        )
    return ~bad


@lru_cache(maxsize=32)
def _repeated(value: Any, kind: pa.DataType, n: int) -> pa.Array:
    """The same value n times; most chunks of a file have the same n."""
    return pa.repeat(pa.scalar(value, kind), n)


def _true(flags: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.fill_null(flags, False), dtype=np.bool_)


def _or_null(numbers: npt.NDArray[np.int64] | None, n: int) -> pa.Array:
    return pa.nulls(n, pa.int64()) if numbers is None else pa.array(numbers)
