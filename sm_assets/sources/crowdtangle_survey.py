"""What only a whole CrowdTangle file can tell: thousands mark, zones.

Here: gathering over one pass and the decisions drawn from it. Not here: rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from sm_assets.kernels import fields
from sm_assets.sources.crowdtangle_columns import COUNT_COLUMNS, PARTS


class Survey:
    """Feeds on the count and time columns of every window of a file."""

    def __init__(self, parts: Sequence[str] = PARTS) -> None:
        """`parts`: what Total Interactions is the sum of; the first ones must be there."""
        self._parts = parts
        self.zones: set[str] = set()
        self.marks: Counter[str] = Counter()
        self.agree: Counter[str | None] = Counter()
        self.rows = 0

    def add(self, texts: Mapping[str, pa.StringArray]) -> None:
        """Take in one window."""
        if "post_created" in texts:
            self.zones.update(fields.parse_times(texts["post_created"]).zones)
        counts = {name: texts[name] for name in COUNT_COLUMNS if name in texts}
        free = {name: fields.parse_counts(text) for name, text in counts.items()}
        for parsed in free.values():
            used, n = np.unique(parsed.marks[parsed.marks != 0], return_counts=True)
            for mark, times in zip(used.tolist(), n.tolist(), strict=True):
                self.marks[chr(mark)] += times
        if "total_interactions" not in free or not all(part in free for part in self._parts[:3]):
            return
        parts = [part for part in self._parts if part in free]
        candidates: list[str | None] = [None, *self.marks] if len(self.marks) > 1 else [None]
        whole = free["total_interactions"].status != fields.MISSING
        for part in parts:
            whole &= free[part].status != fields.MISSING
        self.rows += int(whole.sum())
        for mark in candidates:
            read = (
                free
                if mark is None
                else {n: fields.parse_counts(counts[n], group=mark) for n in ("total_interactions", *parts)}
            )
            known = whole & read["total_interactions"].known
            total = np.zeros(len(whole), dtype=np.int64)
            for part in parts:
                total += read[part].values
                known &= read[part].known
            self.agree[mark] += int((known & (total == read["total_interactions"].values)).sum())

    def number_format(self, stated: str | None) -> tuple[str | None, dict[str, int]]:
        """(thousands mark or None for any, {rows with parts, rows off})."""
        totals = {"rows": self.rows, "off": self.rows - self.agree[None]}
        if stated is not None or len(self.marks) <= 1:
            return stated or next(iter(self.marks), None), totals
        best = max(self.marks, key=lambda mark: (self.agree[mark], self.marks[mark], mark))
        if self.rows and self.agree[best] >= 0.99 * self.rows:
            return best, {"rows": self.rows, "off": self.rows - self.agree[best]}
        return None, totals
