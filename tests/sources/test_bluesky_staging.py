"""Bluesky files through reader and staging SQL, held to the contracts of raw and staged tables.

Here: how the other tests of this source make and read files, and the contract itself. Not here: facts about any format.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from sm_assets.contracts import TABLES
from sm_assets.contracts.staging import DELIVERS
from sm_assets.sources.bluesky import open_file
from sm_assets.sources.reading import REJECT_SCHEMA, ReadOptions, record_schema

SQL = Path(__file__).parents[2] / "sql"
KINDS = ("events", "post_views", "records")
ENTITIES = DELIVERS["bluesky"].split()
Rows = list[dict[str, Any]]
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
ANN, BOB, CAT = "did:plc:annannannannannannannann", "did:plc:bobbobbobbobbobbobbobbob", "did:web:cat.example"
POST, LIKE, REPOST = "app.bsky.feed.post", "app.bsky.feed.like", "app.bsky.feed.repost"
FOLLOW, BLOCK, PROFILE = "app.bsky.graph.follow", "app.bsky.graph.block", "app.bsky.actor.profile"
LETTERS = "234567abcdefghijklmnopqrstuvwxyz"
PLACE = ("source_file", "source_sha256", "source_row", "source_item", "source_line", "vintage", "delivery")


@dataclass
class Read:
    """What files gave: raw rows by kind, rejects, manifests by file name, staged rows by entity."""

    raw: dict[str, pa.Table] = field(default_factory=dict)
    rejects: Rows = field(default_factory=list)
    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)
    staged: dict[str, Rows] = field(default_factory=dict)

    @property
    def manifest(self) -> dict[str, Any]:
        (manifest,) = self.manifests.values()
        return manifest

    @property
    def reasons(self) -> list[str]:
        return [reject["reason"] for reject in self.rejects]

    def rows(self, kind: str = "events", *, placed: bool = True) -> Rows:
        names = [name for name in self.raw[kind].column_names if placed or name not in PLACE]
        rows: Rows = self.raw[kind].select(names).to_pylist()
        return rows


def read(*paths: Path, **options: object) -> Read:
    """Read files, check raw rows, stage them, check the staged rows."""
    result = Read()
    batches: dict[str, list[pa.Table]] = {kind: [] for kind in KINDS}
    for path in paths:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        parts: list[tuple[str, pa.RecordBatch]] = []
        rejects: Rows = []
        with open_file(path, ReadOptions(**options)) as reader:  # type: ignore[arg-type]  # passed on
            for chunk in reader:
                assert chunk.rejects.schema.equals(REJECT_SCHEMA)
                rejects += chunk.rejects.to_pylist()
                for kind, batch in chunk.records.items():
                    assert batch.schema.equals(record_schema("bluesky", kind))
                    batch.validate(full=True)
                    parts.append((kind, batch))
            manifest = reader.manifest
        json.dumps(manifest)
        places = [(reject["line"], reject["byte_offset"]) for reject in rejects]
        assert len(places) == len(set(places))
        assert manifest["rows_in"] == manifest["rows_out"] + len(rejects) + sum(manifest["ignored"].values())
        assert manifest["rows_out"] == sum(len(batch) for _, batch in parts)
        for kind, batch in parts:
            batches[kind].append(_placed(batch, path, sha256, manifest))
        result.rejects += rejects
        result.manifests[path.name] = manifest
    _stage(result, batches)
    return result


def _stage(result: Read, batches: dict[str, list[pa.Table]]) -> None:
    con = duckdb.connect()
    seen: set[str] = {day for manifest in result.manifests.values() for day in manifest.get("also_days", ())}
    for kind in KINDS:
        table = TABLES[f"raw_bluesky__{kind}"]
        empty = table.plain_schema.empty_table()
        result.raw[kind] = pa.concat_tables([empty, *(part.select(table.column_names) for part in batches[kind])])
        seen |= {str(day) for day in result.raw[kind]["day"].to_pylist()}
        con.register(table.name, result.raw[kind])
        con.register(f"{table.name}__all_days", result.raw[kind])
        _hold(con, table.name, table.name)
    con.execute("create table requested_days as select cast(unnest(?) as date) as day", [sorted(seen)])
    for entity in ENTITIES:
        name = f"stg_bluesky__{entity}"
        sql = (SQL / "staging" / "bluesky" / f"{name}.sql").read_text(encoding="utf-8")
        con.execute(f"create table {name} as {sql}")
        _hold(con, name, name)
        result.staged[entity] = con.table(name).to_arrow_table().to_pylist()
        counts = SQL / "counts" / f"{name}.sql"
        if counts.exists():
            expected = con.execute(counts.read_text(encoding="utf-8")).fetchall()
            assert expected == [("rows_in", len(result.staged[entity]))]
    # Every raw row feeds at least one staged entity.
    fed = {(r["source_sha256"], r["source_row"], r["source_item"]) for rows in result.staged.values() for r in rows}
    for kind in KINDS:
        for row in result.raw[kind].select(["source_sha256", "source_row", "source_item"]).to_pylist():
            assert tuple(row.values()) in fed


def _placed(batch: pa.RecordBatch, path: Path, sha256: str, manifest: dict[str, Any]) -> pa.Table:
    table = pa.Table.from_batches([batch])
    for name, value in (
        ("source_file", f"landing/bluesky/{path.name}"), ("source_sha256", sha256), ("vintage", manifest["vintage"]),
        ("delivery", path.stem),
    ):  # fmt: skip
        table = table.append_column(name, pa.array([value] * len(table), pa.string()))
    # As publication does: what has no time of its own was observed when the file was exported.
    default = datetime.fromisoformat(manifest["exported_at"] or manifest["last_event_at"] or str(NOON))
    filled = table["observed_at"].fill_null(pa.scalar(default.astimezone(UTC).replace(tzinfo=None), pa.timestamp("us")))
    return table.set_column(table.column_names.index("observed_at"), "observed_at", filled)


def _hold(con: duckdb.DuckDBPyConnection, contract: str, relation: str) -> None:
    table = TABLES[contract]
    found = [row[0] for row in con.execute(f"describe {relation}").fetchall()]
    assert table.missing_from(found) == ([], [])
    con.execute(table.cast_sql(relation)).fetchall()
    cursor = con.execute(table.rule_counts_sql(relation))
    broken = dict(zip([column[0] for column in cursor.description], cursor.fetchall()[0], strict=True))
    assert not any(broken.values()), {rule: rows for rule, rows in broken.items() if rows}
    assert con.execute(table.duplicates_sql(relation)).fetchall() == [(0,)], f"{relation}: keys repeat"


# Files


def micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def tid(moment: datetime, clock: int = 0) -> str:
    """Key of a record made at a moment."""
    number = micros(moment) << 10 | clock
    return "".join(LETTERS[number >> 5 * place & 31] for place in range(12, -1, -1))


def claim(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def uri(did: str, collection: str, rkey: str) -> str:
    return f"at://{did}/{collection}/{rkey}"


def commit(
    did: str, collection: str, record: dict[str, Any] | None, at: datetime = NOON, *, operation: str = "create",
    rkey: str | None = None, received: datetime | None = None, clock: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """A commit as Jetstream version 1 delivers it; `record` None: a delete's."""
    body: dict[str, Any] = {
        "rev": tid(received or at, clock),
        "operation": operation,
        "collection": collection,
        "rkey": rkey or tid(at, clock),
    }
    if record is not None:
        body["record"] = {"$type": collection, "createdAt": claim(at), **record}
        body["cid"] = "bafyreiabc"
    return {"did": did, "time_us": micros(received or at), "kind": "commit", "commit": body}


def other(did: str, kind: str, at: datetime = NOON, **body: Any) -> dict[str, Any]:
    """An identity or account event."""
    return {"did": did, "time_us": micros(at), "kind": kind, kind: {"did": did, "seq": 1, "time": claim(at), **body}}


def as_v2(event: dict[str, Any], *, bare: bool = False) -> dict[str, Any]:
    """The same event as a frame of version 2."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=event["time_us"])
    kind = event["kind"]
    flat = {k: v for k, v in event[kind].items() if k not in ("seq", "time", "did")}
    payload = {
        "$type": f"network.bsky.jetstream.subscribeEvents#{kind}",
        "seq": 7,
        "did": event["did"],
        "time": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}Z",
        **flat,
    }
    return payload if bare else {"$type": "message", "payload": payload}


def write(path: Path, *events: object) -> Path:
    """One JSON value per line; strings and bytes as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        event if isinstance(event, bytes) else (event if isinstance(event, str) else _compact(event)).encode()
        for event in events
    ]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def _compact(event: object) -> str:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def the_post(found: Read) -> dict[str, Any]:
    (post,) = found.staged["posts"]
    return post
