"""Where Dagster keeps what it knows of runs: what dagster_home/dagster.yaml names as its storage.

Here: Dagster's own SQLite files, read and written through connections that stay open, and whole batches of events in
one transaction. Not here: what is kept, and how long (`run_history`); an instance on Postgres has Dagster's storage
(docs/operate.md).

A range of days is one run, which says for each table and day that it will be made and that it was: tens of thousands of
events. Dagster's storage opens the database and commits anew for each of them; half of the time of a run went there.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, BATCH_WRITABLE_EVENTS
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, Insert, create_engine
from sqlalchemy.pool import StaticPool

_BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE"
_AT_ONCE = "1000"


class BatchingEventLog(SqliteEventLogStorage):
    """Dagster's event log in SQLite: the same files and rows, written many at a time."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._open: dict[str, Engine] = {}
        # Transactions that the thread in possession of the lock has begun.
        self._begun: dict[str, Connection] = {}
        super().__init__(base_dir, inst_data)
        self._db_lock = threading.RLock()  # type: ignore[assignment]  # its owner may take it again
        # Dagster hands over batches only where this is set.
        os.environ.setdefault(_BATCH_SIZE, _AT_ONCE)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        """A transaction on a shard; inside another one on the same shard, that one."""
        with self._db_lock:
            if shard in self._begun:
                yield self._begun[shard]
                return
            with self._engine(shard).connect() as con, con.begin():
                self._begun[shard] = con
                try:
                    yield con
                finally:
                    del self._begun[shard]

    def _engine(self, shard: str) -> Engine:
        """The open database of a shard: the index and the run that was asked for last stay open."""
        if shard not in self._open:
            for other in self._open.keys() - {INDEX_SHARD_NAME, shard} - self._begun.keys():
                self._open.pop(other).dispose()
            # One connection for all threads: a lock lets one at a time use it.
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            self._open[shard] = engine
        return self._open[shard]

    def store_event(self, event: dg.EventLogEntry) -> None:
        """Store one event."""
        super().store_event(event)
        self._tell(event.run_id)

    def _tell(self, run_id: str) -> None:
        """Who watches a run waits for its database to change; commits go to the file beside it while it is open."""
        with suppress(OSError):
            os.utime(self.path_for_shard(run_id))

    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        """Store events of runs: all or none of those of one run.

        Dagster stores a batch that failed once more, event by event: nothing of it must be there then.
        """
        if not {event.dagster_event_type for event in events} <= BATCH_WRITABLE_EVENTS:
            super().store_event_batch(events)
            return
        for run_id in dict.fromkeys(event.run_id for event in events):
            self._store_batch(run_id, [event for event in events if event.run_id == run_id])
            self._tell(run_id)

    def _store_batch(self, run_id: str, events: Sequence[dg.EventLogEntry]) -> None:
        # Both are written before the first is committed: the run's, then what looks across runs.
        with self.index_connection() as index, self.run_connection(run_id) as run:
            run.execute(SqlEventLogStorageTable.insert(), [self._event_to_row(event) for event in events])
            stored = [(event, _inserted(index, self.prepare_insert_event(event))) for event in events]
            self._store_assets(index, [each for each in stored if each[0].dagster_event_type in ASSET_EVENTS])
            for event, event_id in stored:
                if event.dagster_event_type in ASSET_CHECK_EVENTS:
                    self.store_asset_check_event(event, event_id)

    def _store_assets(self, con: Connection, stored: Sequence[tuple[dg.EventLogEntry, int]]) -> None:
        if not stored:
            return
        self._store_asset_event_tags(con, *zip(*stored, strict=True))
        # An asset keeps the last event of each kind.
        last = {(event.get_dagster_event().asset_key, event.dagster_event_type): (event, i) for event, i in stored}
        for event, event_id in last.values():
            self._store_asset_event(con, event, event_id)

    def dispose(self) -> None:
        """Close what is open."""
        with self._db_lock:
            for shard in [*self._open]:
                self._open.pop(shard).dispose()
        super().dispose()


def _inserted(con: Connection, statement: Insert) -> int:
    key = con.execute(statement).inserted_primary_key
    assert key is not None, "an insert of one row has a key"
    return int(key[0])


class BatchingStorage(DagsterSqliteStorage):
    """Dagster's storage in SQLite with an event log that takes batches."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = BatchingEventLog(str(Path(base_dir, "history", "runs")))

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> BatchingStorage:
        """As dagster.yaml has it: `base_dir` is the folder of the instance."""
        return cls.from_local(inst_data=inst_data, **config_value)
