"""The account of a one-shot run: what was read, left out and found.

Here: counts, notices and rejected rows, and how they are told. Not here: who counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

# What the command calls a reject that tables know under a finer name.
COMMAND_REASONS = {
    "missing_columns": "field_count", "extra_columns": "field_count", "unterminated_quote": "open_quote",
    "missing_account": "no_account",
}  # fmt: skip
EXCERPT = 200


@dataclass(slots=True)
class Report:
    """What was read, left out and found: the last lines that the command prints.

    Attributes:
        listener: is told every notice at once.
        rejects: file, line, reason and first characters of every rejected row.
        rejected, warnings, unused, statuses: counts by reason, `column:code`, reason and status.
    """

    files: int = 0
    rows: int = 0
    accepted: int = 0
    accounts: int = 0
    clusters: int = 0
    members: int = 0
    listener: Callable[[str], None] | None = None
    notices: list[str] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    unused: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)

    def lines(self) -> list[str]:
        """The account in sentences."""

        def listed(counts: Counter[str]) -> str:
            return ", ".join(
                f"{n:,} {name}" for name, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if n
            )

        rejected, unused = sum(self.rejected.values()), sum(self.unused.values())
        files = f"{self.files} file{'' if self.files == 1 else 's'}"
        lines = [
            f"{self.rows:,} rows read from {files}: {self.accepted:,} accepted, {rejected:,} rejected"
            + (f" ({listed(self.rejected)})" if rejected else "")
        ]
        if self.warnings:
            lines.append(f"fields repaired or in doubt: {listed(self.warnings)}")
        lines.append(
            f"{self.accepted - unused:,} posts used, {unused:,} unused"
            + (f" ({listed(self.unused)})" if unused else "")
        )
        lines.append(
            f"{self.accounts:,} account{'' if self.accounts == 1 else 's'} with contents"
            + (f": {listed(self.statuses)}" if self.statuses else "")
        )
        lines.append(f"{self.clusters:,} cluster{'' if self.clusters == 1 else 's'} with {self.members:,} accounts")
        return lines

    def notice(self, text: str) -> None:
        """Keep a sentence for the reader, and tell it now."""
        self.notices.append(text)
        if self.listener is not None:
            self.listener(text)

    def reject(self, path: Path, line: int, reason: str, excerpt: str) -> None:
        """Count and keep one rejected row."""
        reason = COMMAND_REASONS.get(reason, reason)
        self.rejected[reason] += 1
        # A file's name may hold bytes that are no text.
        name = str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        self.rejects.append({"file": name, "line": line, "reason": reason, "excerpt": excerpt[:EXCERPT]})

    def warn(self, column: str, code: str, n: int) -> None:
        """Count n fields that were repaired or are in doubt."""
        if n:
            self.warnings[f"{column}:{code}"] += int(n)


def rejects_table(report: Report) -> pa.Table:
    """The rejected rows: file, line, reason, excerpt."""
    return pa.Table.from_pylist(
        report.rejects,
        pa.schema([("file", pa.string()), ("line", pa.int64()), ("reason", pa.string()), ("excerpt", pa.string())]),
    )
