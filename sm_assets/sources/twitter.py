"""Twitter files of every generation: JSON lines and documents to raw rows and rejects.

Here: one file: its records in turn, batches, its manifest, what purges empty. Not here: which generation a record has
(`twitter_generations`), any generation's keys (`twitter_v1`, `twitter_activity`, `twitter_v2`, `twitter_compliance`),
what makes a row (`twitter_rows`), where files lie, conversion.

A file is read once. Only where records tell no time of retrieval and neither sidecar nor file name does is it read
once more, for the time of its last event. Memory is bounded by the window and the largest record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from sm_assets.errors import UnknownVintage
from sm_assets.kernels.json_lines import parse
from sm_assets.sources.file_names import exported_at_of
from sm_assets.sources.json_file import JsonFile, Records
from sm_assets.sources.reading import Chunk, ReadOptions, Tally, record_schema
from sm_assets.sources.redaction import Redaction
from sm_assets.sources.twitter_cells import last_event_of, retrieved_by
from sm_assets.sources.twitter_coverage import Coverage
from sm_assets.sources.twitter_fields import SECOND, Record
from sm_assets.sources.twitter_generations import generation_of, results_of, unknown, unpack
from sm_assets.sources.twitter_rows import Place, RowBuilder

READER_VERSION = "2"
CHUNK_ROWS = 32_768
_SNIFFED = 20
_KINDS = ("tweets", "users", "compliance")

REDACTIONS = {
    # A retweet holds a copy of its original's text: these are the original author's words. A purge may name any version
    # of a tweet.
    "tweets": Redaction(
        withdrawn=None,
        post="any(list_append(coalesce(parsed.alias_ids, []), coalesce(parsed.reposted_post_id, parsed.post_id)))",
        account="if(parsed.entity = 'repost', parsed.reposted_account_id, parsed.account_id)",
        revision=None,
        columns=("text", "links", "hashtags", "mentions", "media"),
        versions="parsed.alias_ids",
    ),
    "users": Redaction(
        withdrawn=None,
        post=None,
        account="parsed.account_id",
        revision=None,
        columns=("handle", "name", "description", "url", "location"),
    ),
    "compliance": Redaction(
        withdrawn=(
            "select parsed.entity as entity, parsed.record_id as record_id, parsed.account_id as account_id, "
            "cast(null as varchar) as revision from records where parsed.action = 'purge'"
        ),
        post=None,
        account=None,
        revision=None,
        columns=(),
    ),
}


def open_file(path: Path, options: ReadOptions) -> TwitterReader:
    """Open one file.

    Raises:
        InputError: the file cannot be opened or is an archive.
        UnknownVintage: its first records are of no known generation.
    """
    return TwitterReader(Path(path), options)


class TwitterReader:
    """One file: iterate for its chunks, then look at its manifest."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self.path = path
        self._options = options
        self._tally = Tally()
        self._file = JsonFile(path, self._tally, options.encoding)
        self._generations: Counter[str] = Counter()
        self._coverage = Coverage()
        self._retrieved: int | None = None
        self._last_event: tuple[int | None] | None = None
        name = options.place.rsplit("/", 1)[-1] or path.name
        named = exported_at_of(Path(name))[0]
        self._exported = options.exported_at or named
        self._exported_origin = "stated" if options.exported_at else "file_name" if named else None
        self._builder = RowBuilder(self._tally, _micros(self._exported), name, self._last_event_us)
        self._check_vintage()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing stays open between iterations."""

    def __iter__(self) -> Iterator[Chunk]:
        for records in self._file.records([]):
            for k in range(len(records)):
                self._take(records, k)
                if max(len(rows) for rows in self._builder.rows.values()) >= CHUNK_ROWS:
                    yield self._chunk()
            chunk = self._chunk()
            if chunk.rejects.num_rows or any(batch.num_rows for batch in chunk.records.values()):
                yield chunk
        # A stream that ends early is noticed only now.
        rest = self._tally.chunk({})
        if rest.rejects.num_rows:
            yield rest

    @property
    def manifest(self) -> dict[str, Any]:
        """Facts about the file and the counts so far; JSON-ready."""
        exported, origin = _micros(self._exported), self._exported_origin
        if self._retrieved is not None:
            exported, origin = self._retrieved, "record"
        return {
            "vintage": "+".join(sorted(self._generations)) or "empty",
            "encoding": self._file.encoding,
            "compression": self._file.compression,
            "platform": "twitter",
            "exported_at": None if exported is None else datetime.fromtimestamp(exported / SECOND, tz=UTC).isoformat(),
            "exported_at_origin": origin,
            "generations": dict(sorted(self._generations.items())),
            "coverage_kind": self._coverage.kind,
            "coverage": self._coverage.days,
            "touched_days": sorted(self._builder.touched, key=lambda day: day or ""),
            **self._tally.facts,
        }

    def _take(self, records: Records, k: int) -> None:
        parts = unpack(_parsed(records, k))
        for part in parts:
            self._generations[part.generation] += 1
            retrieved = retrieved_by(part)
            if retrieved is not None:
                self._retrieved = max(retrieved, self._retrieved or retrieved)
            if part.tweets or part.page is not None:
                self._coverage.add(part, retrieved)
        scanned = records.scanned
        place = Place(
            int(scanned.row[k]), int(scanned.line[k]), int(scanned.start[k]), lambda: bytes(records.record(k))
        )
        self._builder.add(parts, place)

    def _chunk(self) -> Chunk:
        batches = {}
        for kind in _KINDS:
            rows = self._builder.rows[kind]
            self._builder.rows[kind] = []
            batches[kind] = pa.RecordBatch.from_pylist(rows, record_schema("twitter", kind))
        return self._tally.chunk(batches)

    def _check_vintage(self) -> None:
        """Look at the first records: what none of them fits is not one of ours."""
        strangers: list[Record] = []
        scanned = JsonFile(self.path, Tally(), self._options.encoding).records([])
        try:
            for records in scanned:
                for k in range(min(len(records), _SNIFFED)):
                    record = _parsed(records, k)
                    if generation_of(record) or results_of(record):
                        return
                    strangers.append(record)
                if strangers:
                    break
                if records.scanned.rejects and not bytes(records.window[:64]).lstrip().startswith((b"{", b"[")):
                    raise UnknownVintage(
                        f"{self.path}: is not JSON; Twitter data comes as JSON, one tweet, page or notice per line. "
                        "Put files of other forms into the folder of their source."
                    )
        finally:
            scanned.close()  # type: ignore[attr-defined]  # a generator
        if strangers:
            raise UnknownVintage(f"{self.path}: no known form of Twitter data; {unknown(strangers)}.")

    def _last_event_us(self) -> int | None:
        if self._last_event is None:
            scratch = JsonFile(self.path, Tally(), self._options.encoding)
            times: Iterator[int | None] = (
                last_event_of(part)
                for records in scratch.records([])
                for k in range(len(records))
                for part in unpack(_parsed(records, k))
            )
            self._last_event = (max((time for time in times if time is not None), default=None),)
        return self._last_event[0]


def _parsed(records: Records, k: int) -> Record:
    value = parse(records.record(k))
    # The scanner has rejected everything that is no object.
    assert isinstance(value, dict)
    return value


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * SECOND)
