"""The account of a one-shot search for audiences: what was read and left out, and what was found, for a terminal.

Here: sentences and small tables of text. Not here: who counts, result files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.oneshot.report import Report

_SHOWN = 10
_WIDTH = 28


@dataclass(slots=True)
class AudienceReport(Report):
    """What was read, left out and found.

    Attributes:
        read: follows in the files, with repeats.
        follows: different ones.
        duplicates: repeats.
        followed: accounts that somebody follows.
        min_followers: followers of an influencer.
        labels: rows of files of labels. labelled: accounts that they speak of.
        ignored: rows that say nothing, by reason.
    """

    read: int = 0
    follows: int = 0
    duplicates: int = 0
    followed: int = 0
    labels: int = 0
    labelled: int = 0
    min_followers: int = 0
    ignored: Counter[str] = field(default_factory=Counter)

    def lines(self) -> list[str]:
        """The account in sentences."""
        rejected, ignored = sum(self.rejected.values()), sum(self.ignored.values())
        labels = f"{_plural(self.labels, 'label')} of {_plural(self.labelled, 'account')}"
        first = (
            f"{_plural(self.rows, 'row')} read from {_plural(self.files, 'file')}: {self.accepted:,} accepted, "
            f"{rejected:,} rejected{_listed(self.rejected)}"
        )
        return [
            first + (f", {ignored:,} ignored{_listed(self.ignored)}" if ignored else ""),
            f"{_plural(self.follows, 'follow')} of {_plural(self.followed, 'account')}; {self.duplicates:,} more were "
            "duplicates" + (f"; {labels}" if self.labels else ""),
            f"{_plural(self.accounts, 'influencer')} with at least {_plural(self.min_followers, 'follower')}"
            f"{_listed(self.statuses)}",
            f"{self.clusters:,} {'community' if self.clusters == 1 else 'communities'} with "
            f"{_plural(self.members, 'account')}",
        ]


def _plural(n: int, word: str) -> str:
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def _listed(counts: Counter[str]) -> str:
    found = [f"{n:,} {name}" for name, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if n]
    return f" ({', '.join(found)})" if found else ""


def text_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows under their names in even columns, numbers to the right; what a terminal could obey is not let through.

    Args:
        columns: names.
        rows: one value per column; whole numbers get marks of thousands, others four digits, None is a dash.
    """
    texts = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *texts, strict=True)]
    right = [any(isinstance(row[at], int | float) for row in rows) for at in range(len(columns))]

    def line(cells: Sequence[str]) -> str:
        return "  ".join(
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(cells, widths, right, strict=True)
        ).rstrip()

    return "\n".join([line(list(columns)), line(["-" * width for width in widths]), *map(line, texts)])


def shown(table: pa.Table, columns: Sequence[str] | None = None, most: int | None = None) -> str:
    """Rows of a table as text.

    Args:
        table: the rows.
        columns: these columns only; None: all.
        most: this many rows at most; None: all.
    """
    names = list(columns or table.column_names)
    rows = table.select(names).slice(0, most).to_pylist()
    return text_table(names, [[row[name] for name in names] for row in rows])


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 1000 else f"{value:,.1f}"
    return printable(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def printable(text: str) -> str:
    """The text without marks that a terminal could obey: ids and names come from anybody."""
    return "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in text)


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."


def summary(communities: pa.Table, search: pa.Table, seeds_in: Sequence[tuple[str, str | None]]) -> str:
    """What was found, for a person: the first ten of every ranking side by side, and the communities.

    Args:
        communities: rows of communities.
        search: rows of the rankings, with community_id; none: the communities alone.
        seeds_in: the seeds that were found, each with its community.
    """
    parts = []
    if seeds_in:
        parts.append(_rankings(search, seeds_in))
    if len(communities):
        parts.append(_communities(communities, search))
    return "\n\n".join(parts)


def _rankings(search: pa.Table, seeds_in: Sequence[tuple[str, str | None]]) -> str:
    named = [
        f"{_short(name)} ({'in ' + community if community else 'in no community'})" for name, community in seeds_in
    ]
    told = "Around " + "; ".join(_cell(name) for name in named[:_SHOWN])
    told += f" and {len(named) - _SHOWN} more seeds" if len(named) > _SHOWN else ""
    if not len(search):
        return f"{told}: nobody shares enough followers with them to be seen."
    several = len(search["platform"].unique()) > 1
    columns: dict[str, list[str]] = {}
    for row in search.select(["platform", "method", "account_id", "rank", "score"]).to_pylist():
        title = f"{row['method']} on {row['platform']}" if several else row["method"]
        columns.setdefault(title, []).append(f"{_short(row['account_id'])} {row['score']:.4f}")
    length = min(_SHOWN, max(map(len, columns.values())))
    rows = [[n + 1, *(c[n] if n < len(c) else "" for c in columns.values())] for n in range(length)]
    return f"{told}:\n\n{text_table(['rank', *columns], rows)}"


def _communities(communities: pa.Table, search: pa.Table) -> str:
    """The largest ones; around seeds those of the ranked accounts, by how many of them they hold."""
    largest = communities.sort_by([("n_members", "descending"), ("community_id", "ascending")])
    title = f"The largest of {len(communities):,} communities"
    if len(search):
        ranked = search.select(["community_id", "account_id"]).group_by(["community_id", "account_id"]).aggregate([])
        held = Counter(ranked["community_id"].drop_null().to_pylist())
        counts = pa.array([held.get(name, 0) for name in largest["community_id"].to_pylist()], pa.int64())
        largest = largest.append_column("n_ranked", counts).filter(pc.greater(counts, 0))
        largest = largest.sort_by([("n_ranked", "descending"), ("community_id", "ascending")])
        title = "Communities of the ranked accounts"
    if not len(largest):
        return "None of the ranked accounts is in a community."
    ranked_too = ["n_ranked"] if len(search) else []
    columns = ["community_id", "n_members", *ranked_too, "stability", "is_stable"]
    rows = []
    for row in largest.slice(0, _SHOWN).to_pylist():
        top = ", ".join(map(_short, row["top_member_names"][:4]))
        rows.append([_short(row["community_id"]), *(row[name] for name in columns[1:]), top])
    return f"{title}:\n\n{text_table([*columns, 'top members'], rows)}"
