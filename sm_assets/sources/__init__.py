"""Native exports to Arrow batches and rejects: one file per source, and the registry that names them.

Here: what a delivered file looks like, how it is recognised and read, and its conversion into the lake. Not here: what
the rows mean together (sql/, analysis/).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType


@dataclass(frozen=True, slots=True)
class Source:
    """One deliverer of files.

    Attributes:
        name: folder under landing/ and middle part of raw and staged table names.
        record: kind of record its files hold; the raw table is `raw_<name>__<record>`.
        module: module with `read_posts` and `ReadOptions`; imported on first use, because it loads kernels.
        coverage_kind: `observed`: a file's days without rows had none; `scattered`: look-ups by id, which prove
        nothing.
        platforms: what a sidecar may state as the platform of its files.
    """

    name: str
    record: str
    module: str
    coverage_kind: str = "observed"
    platforms: tuple[str, ...] = ("facebook",)

    @property
    def raw_table(self) -> str:
        """Name of the table of its records."""
        return f"raw_{self.name}__{self.record}"

    @property
    def rejects_table(self) -> str:
        """Name of the table of its rejects."""
        return f"raw_{self.name}__rejects"

    def load(self) -> ModuleType:
        """The reader's module."""
        return import_module(self.module)


SOURCES: dict[str, Source] = {
    source.name: source for source in (Source("crowdtangle", "posts", "sm_assets.sources.crowdtangle"),)
}
