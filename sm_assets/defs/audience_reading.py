"""One snapshot of audiences as the analyses take it: accounts, signatures, follower sets, degrees.

Here: reading, each platform by itself. Not here: what is found in them (`sm_assets.analysis`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.audience_runs import key_values
from sm_assets.analysis.null_models import DegreeClasses
from sm_assets.analysis.overlap_types import Audiences
from sm_assets.analysis.signatures import block_rows, empty_signatures, signature_values
from sm_assets.contracts.sketches import KEY, SketchSpec, key_id, require_key, require_same, spec_of
from sm_assets.defs.audience_inputs import AUDIENCES, KEYS, require_current
from sm_assets.defs.sql import RUN_SETTINGS, input_file, prepare
from sm_assets.errors import Unreconciled
from sm_assets.storage import Lake, TableRef, stream

ACCOUNTS = "core_accounts"
_BLOCK = 65_536


def platform_rows(accounts: pa.Table, platform: str) -> slice:
    """The rows of a platform among accounts that lie in its order."""
    here = np.flatnonzero(pc.equal(accounts.column("platform"), platform).to_numpy(zero_copy_only=False))
    return slice(int(here[0]), int(here[-1]) + 1) if len(here) else slice(0, 0)


def read_signatures(lake: Lake, day: date, n: int, spec: SketchSpec) -> npt.NDArray[np.uint32]:
    """uint32[n, k] of the n influencers of a snapshot, in the order of the table."""
    registers, place = empty_signatures(n, spec), 0
    for _, batch in stream(lake, AUDIENCES, [day], ["signature"], batch_rows=block_rows(spec.k)):
        registers[place : place + batch.num_rows] = signature_values(batch.column("signature"), spec.k)
        place += batch.num_rows
    return registers


@dataclass
class AudienceSnapshot:
    """The influencers of one as-of day.

    Args:
        lake: where the tables lie.
        con: an open connection.
        day: as-of day.
        folder: for follower sets that are too large for memory.
    """

    lake: Lake
    con: duckdb.DuckDBPyConnection
    day: date
    folder: Path
    spec: SketchSpec = field(init=False)

    def __post_init__(self) -> None:
        """Hold the snapshot to the settings.

        Raises:
            SketchMismatchError: it was made by another spec or from other keys than are there now, or its metadata are
                lost.
        """
        where = f"{AUDIENCES} day={self.day}"
        self.spec = spec_of(self.lake.settings)
        require_same(
            self.spec, {where: SketchSpec.from_metadata(self.lake.metadata(AUDIENCES, self.day), f"day={self.day}")}
        )
        require_current(self.lake, self.day)

    @cached_property
    def accounts(self) -> pa.Table:
        """platform, account_id, n_followers, display_name, handle, description, category, in the order of both ids."""
        known = [day for day in self.lake.days(ACCOUNTS) if day <= self.day]
        return self._table("accounts", [TableRef(AUDIENCES, (self.day,)), TableRef(ACCOUNTS, tuple(known))])

    @property
    def platforms(self) -> list[str]:
        """Platforms that have an influencer, sorted."""
        return sorted(pc.unique(self.accounts.column("platform")).to_pylist())

    def rows(self, platform: str) -> slice:
        """The rows of a platform among the accounts."""
        return platform_rows(self.accounts, platform)

    def of(self, platform: str) -> pa.Table:
        """The accounts of one platform."""
        rows = self.rows(platform)
        return self.accounts.slice(rows.start, rows.stop - rows.start).combine_chunks()

    @cached_property
    def signatures(self) -> npt.NDArray[np.uint32]:
        """uint32[n, k] in the order of the accounts."""
        return read_signatures(self.lake, self.day, len(self.accounts), self.spec)

    @cached_property
    def keys(self) -> TableRef:
        """All days of keys up to the snapshot.

        Raises:
            SketchMismatchError: days of another key rule.
        """
        days = [day for day in self.lake.days(KEYS) if day <= self.day]
        found = {f"{KEYS} day={day}": self.lake.metadata(KEYS, day).get(KEY) for day in days}
        require_key(key_id(self.lake.settings), found)
        return TableRef(KEYS, tuple(days))

    @cached_property
    def degrees(self) -> dict[str, DegreeClasses]:
        """By platform, how many followers follow how many of its influencers."""
        rows = self._table("degrees", [TableRef(AUDIENCES, (self.day,)), self.keys])
        found = {}
        for platform in self.platforms:
            own = rows.filter(pc.equal(rows.column("platform"), platform))
            found[platform] = DegreeClasses(own.column("degree").to_numpy(), own.column("n").to_numpy())
        return found

    def audiences(self, platform: str, *, with_sets: bool) -> Audiences:
        """One platform's influencers as the analyses of overlaps take them.

        Args:
            platform: which.
            with_sets: with the follower sets.

        Raises:
            Unreconciled: follows lie on two days.
        """
        accounts, rows, classes = self.of(platform), self.rows(platform), self.degrees[platform]
        sizes = accounts.column("n_followers").to_numpy().astype(np.int64)
        keys, indptr = self._sets(platform, sizes) if with_sets else (None, None)
        if indptr is not None and indptr[-1] != sizes.sum():
            raise Unreconciled(
                f"{sizes.sum() - indptr[-1]:,} follows on {platform} lie on more than one day: their days were made in "
                "another order than their files tell. The check key_unique of core_follows names the days: materialise "
                f"core_follows again for all of them together, then {KEYS}, feat_audience_sketches and {AUDIENCES}."
            )
        return Audiences(
            sizes=sizes,
            signatures=self.signatures[rows],
            classes=classes,
            n_followers_total=classes.n_followers,
            keys=keys,
            indptr=indptr,
        )

    def _sets(
        self, platform: str, sizes: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
        """Keys sorted and unique within each influencer, on disk where they are many; and where each begins."""
        total = int(sizes.sum())
        if total * 8 > self.lake.settings.memory_bytes // 8:
            path = self.folder / f"keys-{self.day}-{platform}.bin"
            keys: npt.NDArray[np.uint64] = np.memmap(path, np.uint64, "w+", shape=(total,))
        else:
            keys = np.empty(total, dtype=np.uint64)
        counts = np.zeros(len(sizes), dtype=np.int64)
        place = 0
        for numbers, found in self._sorted_keys(platform):
            keys[place : place + len(found)] = found
            counts += np.bincount(numbers, minlength=len(sizes))
            place += len(found)
        return keys[:place], np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    def _sorted_keys(self, platform: str) -> Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.uint64]]]:
        """(number, key) without repeats: two followers with one key on two days are one here."""
        self.con.register(RUN_SETTINGS, pa.table({"platform": [platform]}))
        path = input_file("out_audience_sets")
        prepare(self.con, self.lake, path, [TableRef(AUDIENCES, (self.day,)), self.keys], [self.day])
        last = (-1, 0)
        for batch in self.con.sql(path.read_text(encoding="utf-8")).to_arrow_reader(_BLOCK):
            if not batch.num_rows:
                continue
            numbers, keys = batch.column(0).to_numpy(), key_values(batch.column(1))
            new = np.empty(len(keys), dtype=bool)
            new[0] = (int(numbers[0]), int(keys[0])) != last
            np.logical_or(keys[1:] != keys[:-1], numbers[1:] != numbers[:-1], out=new[1:])
            last = (int(numbers[-1]), int(keys[-1]))
            yield numbers[new], keys[new]

    def _table(self, name: str, refs: list[TableRef]) -> pa.Table:
        path = input_file(f"out_audience_{name}")
        prepare(self.con, self.lake, path, refs, [self.day])
        return self.con.sql(path.read_text(encoding="utf-8")).to_arrow_table()
