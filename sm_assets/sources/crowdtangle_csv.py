"""CSV exports of CrowdTangle: from a path to rows as delivered, for the tables and for the one-shot command.

Here: how one file is recognised and surveyed. Not here: what a row is worth (`crowdtangle_rows`).

A file is read twice: a survey settles what only the whole file can tell (encoding, thousands mark, zones), then the
rows are streamed. Memory is bounded by the window and the largest record.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.kernels import fields
from sm_assets.sources.crowdtangle_columns import (
    API,
    COUNT_COLUMNS,
    EXPORTS,
    MCL,
    PARTS,
    RAW_COLUMNS,
    Family,
    is_group,
    mcl_platform,
    unknown_vintage,
    vintage_of,
)
from sm_assets.sources.crowdtangle_readings import Readings
from sm_assets.sources.crowdtangle_records import ReadOptions
from sm_assets.sources.crowdtangle_survey import Survey
from sm_assets.sources.csv_file import CsvFile, CsvRows, Header
from sm_assets.sources.file_names import exported_at_of
from sm_assets.sources.reading import Tally
from sm_assets.sources.zones import ZoneRules, check_zone

# Their times are in UTC whether they say so or not.
IN_UTC = ("api_flat", "mcl")


class PostReader:
    """One export file: known facts at once, rows by iteration.

    Attributes:
        path, options: as given.
        tally: counts what becomes of the rows.
        vintage: name of the vintage: `empty` without a header, `unnamed` under the command's policy if none fits.
        platform: platform of all rows; None: each row's address tells.
        groups: the accounts are groups.
        exported_at, exported_origin: when the export was made and who says so.
        readings: how its counts and times are read.
        totals: rows whose Total Interactions have parts, and how many of them are off.

    Raises:
        InputError: the file cannot be read at all, or (policy `tables`) has no known vintage.
    """

    def __init__(self, path: Path, options: ReadOptions | None = None, tally: Tally | None = None) -> None:
        self.path = Path(path)
        self.options = options or ReadOptions()
        self.tally = tally or Tally()
        if self.options.zone:
            check_zone(self.options.zone)
        self.vintage = self._open()
        named_at, named_zone = exported_at_of(self.path)
        self.exported_at = self.options.exported_at or named_at
        self.exported_origin = "stated" if self.options.exported_at else "file_name" if named_at else None
        self.platform = self.options.platform
        if self.vintage in ("instagram", "mcl"):
            own = "instagram" if self.vintage == "instagram" else mcl_platform(self.header.positions)
            self.platform = self.platform or own
        self.groups = is_group(self.header)
        self.totals = {"rows": 0, "off": 0}
        if self.vintage in IN_UTC:
            self._rules, origin = ZoneRules("UTC"), "format"
        else:
            self._rules, origin = (
                ZoneRules(self.options.zone, named_zone, lenient=self._is_command, default=self.options.default_zone),
                None,
            )
        self.readings = Readings(self._rules, self.options.number_format, origin)
        if not self.empty and self.vintage != "history":
            self._survey(origin)

    @property
    def _is_command(self) -> bool:
        return self.options.policy == "command"

    def _open(self) -> str:
        """Open the file by the names of the family that knows it; the command knows exports only."""
        headers: list[tuple[Family, Header]] = []
        for family in (EXPORTS,) if self._is_command else (EXPORTS, API, MCL):
            self._file = CsvFile(
                self.path, self.tally, family.mapper(self.options.columns), encoding=self.options.encoding,
                surveyed=True, reject_damage=self._is_command,
            )  # fmt: skip
            if self.empty:
                return "empty"
            vintage = vintage_of(self.header, family)
            if vintage or self._is_command:
                return vintage or "unnamed"
            headers.append((family, self.header))
        raise unknown_vintage(self.path, headers)

    def _survey(self, zone_origin: str | None) -> None:
        """One pass for what only the whole file tells: encoding, thousands mark, zones."""
        names = [name for name in (*COUNT_COLUMNS, "post_created") if name in self.header.positions]
        if self.options.wanted is not None:
            keep = {*self.options.wanted, *PARTS}
            names = [name for name in names if name in keep]
        while True:
            seen = Survey(PARTS[:2] if self.vintage == "instagram" else PARTS)
            for rows in self._file.survey(names):
                seen.add(rows.columns)
            if not self._file.survey_again():
                break
        group, self.totals = seen.number_format(self.options.number_format)
        if self.totals["rows"] and self.totals["off"] > 0.05 * self.totals["rows"]:
            self.tally.notices.append(
                f"totals_disagree: in {self.totals['off']:,} of {self.totals['rows']:,} rows "
                "Total Interactions is not the sum of its parts"
            )
        seen_zones = frozenset(zone.upper() for zone in seen.zones)
        rules = ZoneRules(
            self._rules.stated, self._rules.hint, seen_zones, self._rules.lenient, self._rules.default
        )  # fmt: skip
        self.readings = Readings(rules, group, zone_origin)

    # ------------------------------------------------------------------ rows

    def raw_chunks(self) -> Iterator[CsvRows]:
        """Windows of rows as delivered; NUL and ill-formed UTF-8 are repaired (tables) or rejected (command).

        The tally counts rows and rejects for the tables only: the command does so itself.
        """
        wanted = self.options.wanted
        if wanted is not None:
            names = [name for name in RAW_COLUMNS if name in wanted]
            yield from self._file.scan(names)
        elif self._is_command:
            yield from self._file.scan(RAW_COLUMNS, list(self.header.unknown))
        else:
            yield from self._file.rows(RAW_COLUMNS, list(self.header.unknown))

    def count_all(self) -> int:
        """How many records the file has, of whatever form."""
        return sum(len(rows) + len(rows.scanned.rejects) for rows in self._file.scan(()))

    def reject(self, rows: Any, k: int, reason: str, detail: str, day: int | None) -> None:
        """The k-th of these rows cannot be used."""
        self._file.reject(rows, k, reason, detail, day)

    def parse_counts(self, texts: pa.Array) -> fields.Counts:
        """Whole numbers with the file's thousands mark."""
        return self.readings.counts(texts)

    def parse_times(
        self, texts: pa.Array
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8], list[str], npt.NDArray[np.int32]]:
        """Times of posts in UTC; see `Readings.times`."""
        return self.readings.times(texts)

    @property
    def empty(self) -> bool:
        """It has neither header nor rows."""
        return self._file.empty

    @property
    def header(self) -> Header:
        """The columns."""
        return self._file.header

    @property
    def broken(self) -> str | None:
        """Why a compressed file ended early, None if it did not; known once the rows were iterated."""
        return self._file.broken

    @property
    def end(self) -> tuple[int, int]:
        """(line, byte offset) where reading ended."""
        return self._file.end

    @property
    def notices(self) -> list[str]:
        """Sentences about the file as a whole."""
        return list(self.tally.notices)

    @property
    def facts(self) -> dict[str, Any]:
        """What a manifest says of the file."""
        return self._file.facts
