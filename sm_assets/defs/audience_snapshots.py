"""Snapshots of audiences: the newest valid one plus the days since, in one pass over the days.

Here: sizes, signatures and pending withdrawals of every as-of day of a run, kept on disk until they are published. Not
here: the arithmetic (`sm_assets.analysis.audiences`), which inputs fit together (`audience_inputs`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sm_assets.analysis.audiences import AudienceBuilder
from sm_assets.analysis.signatures import block_rows, signature_column
from sm_assets.contracts import TABLES
from sm_assets.contracts.schema import DAY
from sm_assets.contracts.sketches import SketchSpec
from sm_assets.defs.audience_inputs import AUDIENCES, FOLLOWS, KEYS, SIZES, SKETCHES, TOMBSTONES, Inputs
from sm_assets.defs.sql import RUN_SETTINGS, input_file, prepare
from sm_assets.storage import Lake, TableRef, literal, overlapping, parquet_sql, stream

_KEY_COLUMNS = ("platform", "followed_account_id", "follower_key")
_SIZES_BLOCK = 65_536
LEAST_RANGE = 1024


_PENDING = pa.schema(
    [("platform", pa.string()), ("account_id", pa.string()), ("pending_from", pa.date32()), ("n", pa.int64())]
)


@dataclass(slots=True)
class Snapshots:
    """All snapshots of a run.

    Args:
        lake: where the tables lie.
        con: an open connection.
        folder: for what waits to be published.
        spec: of the sketches.
        inputs: the days there are.
        as_of: as-of days, ascending.
        base: snapshot to go on from; None: from the first day on.
        min_followers: least followers of an influencer.
        log: told how far it is.
    """

    lake: Lake
    con: duckdb.DuckDBPyConnection
    folder: Path
    spec: SketchSpec
    inputs: Inputs
    as_of: Sequence[date]
    base: date | None
    min_followers: int
    log: Callable[[str], None]
    counts: Counter[str] = field(default_factory=Counter)
    _pieces: dict[date, list[Path]] = field(default_factory=dict)

    def make(self) -> None:
        """Compute all snapshots."""
        if not self.as_of:
            return
        self._make_sizes()
        influencers = self._influencers(self.as_of[-1])
        self.counts["largest_audience"] = pc.max(influencers.column("n_followers")).as_py() or 0
        tracked = influencers.select(["platform", "account_id"])
        step = max(LEAST_RANGE, self.lake.settings.memory_bytes // 4 // (4 * self.spec.k))
        for first in range(0, max(len(tracked), 1), step):
            self._make_range(tracked.slice(first, step), first // step)
        last = self.as_of[-1]
        self.counts["accounts_in"] = pq.read_metadata(self._sizes_file(last)).num_rows
        self.counts["influencers"] = len(tracked)
        self.counts["accounts_with_too_few_followers"] = self.counts["accounts_in"] - len(tracked)

    # ------------------------------------------------------------------ sizes

    def _sizes_file(self, day: date) -> Path:
        return self.folder / f"sizes-{day}.parquet"

    def _make_sizes(self) -> None:
        """Sizes of every as-of day, each from the one before."""
        known, after = self.base, self.base
        path: Path | None = None
        for day in self.as_of:
            won = TableRef(KEYS, tuple(d for d in self.inputs.days if d <= day and (after is None or d > after)))
            prepare(
                self.con, self.lake, input_file(SIZES), [won, self.lake.ref(SIZES, [known] if known else [])], [day]
            )
            if path is not None:
                self._view(SIZES, path)
            target = self._sizes_file(day)
            select = input_file(SIZES).read_text(encoding="utf-8")
            self.con.execute(f"copy ({select}) to '{literal(str(target))}' (format parquet)")
            path, after, known = target, day, None
        self.log(f"sizes of {len(self.as_of)} snapshots counted")

    def _view(self, name: str, path: Path) -> None:
        source = parquet_sql(str(path), day_from_folder=False)
        self.con.execute(f'create or replace temp view "{name}" as {source}')

    def _influencers(self, day: date) -> pa.Table:
        """platform, account_id, n_followers of the influencers of one as-of day, in their order."""
        self._view(SIZES, self._sizes_file(day))
        self.con.register(RUN_SETTINGS, pa.table({"min_followers": pa.array([self.min_followers], pa.int64())}))
        path = input_file(f"{AUDIENCES}_influencers")
        return self.con.sql(path.read_text(encoding="utf-8")).to_arrow_table()

    # ------------------------------------------------------------- signatures

    def _make_range(self, accounts: pa.Table, number: int) -> None:
        """Signatures of some influencers at every as-of day."""
        builder = AudienceBuilder(self.spec, accounts, threads=self.lake.settings.threads)
        carried = np.zeros(len(accounts), dtype=np.int64)
        known = np.full(len(accounts), self.base is None)
        if self.base is not None:
            for rows, batch in self._add_base(builder):
                known[rows] = True
                carried[rows] = batch
            fresh = np.flatnonzero(~known)
            if len(fresh):
                # A builder of their own: looking up few accounts is cheap, and this reads all days there are.
                newcomers = accounts.take(pa.array(fresh))
                late = AudienceBuilder(self.spec, newcomers, threads=self.lake.settings.threads)
                earlier = [day for day in self.inputs.days if day <= self.base]
                self._add_days(late, newcomers, earlier)
                builder.signatures[fresh] = late.signatures
                self.counts["influencers_new"] += len(fresh)
        # Of those in the base what was pending then is known; of newcomers nothing is.
        pending = [self._pending(accounts.filter(pa.array(known)), self.base)]
        if self.base is not None:
            pending.append(self._pending(accounts.filter(pa.array(~known)), None))
        waiting = pa.concat_tables(pending)
        done = self.base
        for day in self.as_of:
            since = [d for d in self.inputs.days if d <= day and (done is None or d > done)]
            self._add_days(builder, accounts, since)
            done = day
            self._keep(builder, accounts, day, number, carried, waiting)
            self.log(f"snapshot of {day}: {len(accounts):,} influencers followed through {len(since)} more days")

    def _add_base(self, builder: AudienceBuilder) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """Signatures of the snapshot that is gone on from: the rows, and their withdrawals that were pending then."""
        assert self.base is not None
        columns = ("platform", "account_id", "n_withdrawn_pending", "signature")
        for _, batch in stream(self.lake, AUDIENCES, [self.base], columns, batch_rows=block_rows(self.spec.k)):
            rows = builder.rows(batch.column("platform"), batch.column("account_id"))
            builder.add_sketches(batch)
            yield rows[rows >= 0], batch.column("n_withdrawn_pending").to_numpy()[rows >= 0]

    def _add_days(self, builder: AudienceBuilder, accounts: pa.Table, days: list[date]) -> None:
        """Add sketches and keys of some days to the accounts of a builder."""
        if not days or not len(accounts):
            return
        columns = ("platform", "account_id", "signature")
        bounds = pc.min_max(accounts.column("account_id")).as_py()
        keys = stream(
            self.lake,
            KEYS,
            days,
            _KEY_COLUMNS,
            as_dictionary=_KEY_COLUMNS[:2],
            row_groups=overlapping("followed_account_id", bounds["min"], bounds["max"]),
        )
        batches = groupby(keys, key=lambda item: item[0])
        upcoming = next(batches, None)
        for day in days:
            open_rows = np.ones(len(accounts), dtype=bool)
            for _, batch in stream(self.lake, SKETCHES, [day], columns, batch_rows=block_rows(self.spec.k)):
                open_rows[builder.add_sketches(batch)] = False
            # Days whose keys are all passed over send no batch.
            if upcoming is not None and upcoming[0] == day:
                for _, batch in upcoming[1]:
                    self.counts["keys_sketched"] += builder.add_keys(batch, open_rows)
                upcoming = next(batches, None)

    def _keep(
        self,
        builder: AudienceBuilder,
        accounts: pa.Table,
        day: date,
        number: int,
        carried: npt.NDArray[np.int64],
        pending: pa.Table,
    ) -> None:
        """Write the rows of a snapshot that fall into the range."""
        found = self._influencers(day)
        rows = builder.rows(found.column("platform").combine_chunks(), found.column("account_id").combine_chunks())
        found, rows = found.filter(pa.array(rows >= 0)), rows[rows >= 0]
        withdrawn = carried + self._withdrawn(builder, pending, day, len(accounts))
        schema = TABLES[AUDIENCES].plain_schema_of(self.spec.k)
        path = self.folder / f"audiences-{day}-{number}.parquet"
        with pq.ParquetWriter(path, schema, compression="none", use_dictionary=False) as writer:
            step = block_rows(self.spec.k)
            for first in range(0, len(rows), step):
                block = rows[first : first + step]
                part = found.slice(first, len(block))
                columns = {
                    "platform": part.column("platform").combine_chunks(),
                    "account_id": part.column("account_id").combine_chunks(),
                    "n_followers": part.column("n_followers").combine_chunks(),
                    "n_withdrawn_pending": pa.array(withdrawn[block]),
                    "sketch_id": pa.array([self.spec.sketch_id] * len(block), pa.string()),
                    "signature": signature_column(builder.signatures[block]),
                    DAY: pa.array([day] * len(block), pa.date32()),
                }
                writer.write_batch(pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema))
        self._pieces.setdefault(day, []).append(path)

    # ------------------------------------------------------------ withdrawals

    def _pending(self, accounts: pa.Table, since: date | None) -> pa.Table:
        """platform, account_id, pending_from, n: follows of some accounts that are withdrawn but sketched.

        Args:
            accounts: platform, account_id.
            since: only what is pending from later days; None: all.
        """
        parts = [_PENDING.empty_table()]
        if len(accounts) and self.inputs.stale:
            days = tuple(sorted(self.inputs.stale))
            parts.append(self._table("stale_keys", [TableRef(KEYS, days), self.lake.ref(FOLLOWS, days)], accounts))
        if len(accounts) and (hit := self._days_hit(since)):
            parts.append(self._table("withdrawn", [self.lake.ref(FOLLOWS, hit)], accounts))
        found = pa.concat_tables(part.select(_PENDING.names).cast(_PENDING) for part in parts)
        return found if since is None else found.filter(pc.greater(found.column("pending_from"), pa.scalar(since)))

    def _days_hit(self, since: date | None) -> list[date]:
        """Days of follows that withdrawals after a day may have hit; all where a withdrawal does not tell."""
        if not self.inputs.tombstones:
            return []
        rows = self._table("withdrawals", [self.lake.ref(TOMBSTONES)], None).to_pylist()
        new = [row for row in rows if since is None or row["withdrawn_day"] > since]
        recent = {day for day in self.inputs.days if since is not None and day > since and rows}
        if any(row["follow_day"] is None for row in new):
            return list(self.inputs.days)
        return sorted((recent | {row["follow_day"] for row in new}) & set(self.inputs.days))

    def _table(self, name: str, refs: list[TableRef], accounts: pa.Table | None) -> pa.Table:
        path = input_file(f"{AUDIENCES}_{name}")
        if accounts is not None:
            self.con.register(RUN_SETTINGS, accounts.select(["platform", "account_id"]))
        prepare(self.con, self.lake, path, refs, self.as_of)
        return self.con.sql(path.read_text(encoding="utf-8")).to_arrow_table()

    def _withdrawn(self, builder: AudienceBuilder, pending: pa.Table, day: date, n: int) -> npt.NDArray[np.int64]:
        """int64[n]: pending withdrawals of each account at one as-of day."""
        known = pending.filter(pc.less_equal(pending.column("pending_from"), pa.scalar(day)))
        rows = builder.rows(known.column("platform").combine_chunks(), known.column("account_id").combine_chunks())
        total = np.zeros(n, dtype=np.int64)
        np.add.at(total, rows[rows >= 0], known.column("n").to_numpy()[rows >= 0])
        return total

    # ---------------------------------------------------------------- results

    def sizes(self) -> pa.RecordBatchReader:
        """Rows of feat_audience_sizes, in the order of day and key."""
        schema = TABLES[SIZES].plain_schema
        return pa.RecordBatchReader.from_batches(
            schema, self._read(schema, _SIZES_BLOCK, lambda day: [self._sizes_file(day)])
        )

    def audiences(self) -> pa.RecordBatchReader:
        """Rows of feat_audiences, in the order of day and key."""
        schema = TABLES[AUDIENCES].plain_schema_of(self.spec.k)
        rows = self._read(schema, block_rows(self.spec.k), lambda day: self._pieces.get(day, []))
        return pa.RecordBatchReader.from_batches(schema, rows)

    def _read(self, schema: pa.Schema, rows: int, files: Callable[[date], list[Path]]) -> Iterator[pa.RecordBatch]:
        for day in self.as_of:
            for path in files(day):
                with pq.ParquetFile(path) as file:
                    for batch in file.iter_batches(rows):
                        columns = {name: batch.column(name) for name in batch.schema.names}
                        columns[DAY] = pa.array([day] * batch.num_rows, pa.date32())
                        arrays = [columns[f.name].cast(f.type) for f in schema]
                        yield pa.RecordBatch.from_arrays(arrays, schema=schema)
