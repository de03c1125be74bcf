"""Native exports to Arrow batches and rejects: one file per source, and the registry that names them.

Here: what a delivered file looks like, how it is recognised and read, and its conversion into the lake. Not here: what
the rows mean together (sql/, analysis/).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

from sm_assets.contracts.delivered import DELIVERED


@dataclass(frozen=True, slots=True)
class Source:
    """One deliverer of files.

    Attributes:
        name: folder under landing/ and middle part of raw and staged table names.
        coverage_kind: what a file proves where its reader says nothing else. `observed`: its days without rows had
            none; `scattered`: look-ups by id, which prove nothing.
        platforms: what a sidecar may state as the platform of its files.
        folders_tell: whether the folders that a file lies in say something about it.
        profiles: kinds of records that are observations of a profile too, on their own day.
    """

    name: str
    coverage_kind: str
    platforms: tuple[str, ...]
    folders_tell: bool = False
    profiles: tuple[str, ...] = ()

    @property
    def records(self) -> tuple[str, ...]:
        """Kinds of records that its files hold."""
        return tuple(record.name for record in DELIVERED[self.name].RECORDS)

    def raw_table(self, record: str) -> str:
        """Name of the table of one kind of records."""
        return f"raw_{self.name}__{record}"

    @property
    def raw_tables(self) -> tuple[str, ...]:
        """Names of the tables of its records."""
        return tuple(self.raw_table(record) for record in self.records)

    @property
    def rejects_table(self) -> str:
        """Name of the table of its rejects."""
        return f"raw_{self.name}__rejects"

    def load(self) -> ModuleType:
        """The reader's module `sm_assets.sources.<name>`, imported on first use, because it loads kernels.

        It has `open_file(path, options) -> Reader` and `READER_VERSION` (see `reading`), and may have `REDACTIONS`
        (see `redaction`).
        """
        return import_module(f"sm_assets.sources.{self.name}")


SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source("crowdtangle", "observed", ("facebook", "instagram"), profiles=("posts",)),
        Source("bluesky", "observed", ("bluesky",), folders_tell=True),
        Source("twitter", "scattered", ("twitter",), profiles=("users",)),
        Source("tiktok", "scattered", ("tiktok",)),
        Source(
            "edges",
            "scattered",
            ("facebook", "instagram", "bluesky", "twitter", "tiktok", "other"),
            folders_tell=True,
            profiles=("nodes",),
        ),
    )
}
