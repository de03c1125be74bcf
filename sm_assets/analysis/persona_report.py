"""The statistics of personas as a Markdown page.

Here: tables of counts, top words, typical posts, topics, and the escaping of what people wrote. Not here: the numbers
themselves (`persona_profiles`).
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

COUNTS: Final = (
    ("Posts", "n_posts"), ("Replies", "n_replies"), ("Likes", "n_likes"), ("Unlikes", "n_unlikes"),
    ("Reposts", "n_reposts"), ("Unreposts", "n_unreposts"), ("Follows", "n_follows"), ("Unfollows", "n_unfollows"),
    ("Blocks", "n_blocks"), ("Unblocks", "n_unblocks"), ("Post updates", "n_post_updates"),
    ("Post deletes", "n_post_deletes"), ("Quotes", "n_quotes"), ("Ignored", "n_ignored"),
)  # fmt: skip
MOST_COLUMNS: Final = 6
LONGEST_TEXT: Final = 280
_UNKNOWN: Final = "-"
_MARKDOWN: Final = re.compile(r"([\\`*_\[\]|~#!])")


def persona_report(profiles: pa.Table, *, shared_terms: Mapping[int, Collection[str]] | None = None) -> str:
    """What each persona is and did, as Markdown.

    Users and Total come first, then the counts; Total is the sum of those that are known. Above six personas only the
    first and the last three are shown; Average and Total are always over all. `-`: not delivered or not estimated.

    Args:
        profiles: rows of out_persona_profiles, by persona_id.
        shared_terms: of each persona the terms that at least two accounts use: then only words among these are shown,
            and neither typical posts nor topics. None: everything is shown, as people wrote it.
    """
    rows = sorted(profiles.to_pylist(), key=lambda row: row["persona_id"])
    if not rows:
        return "No personas.\n"
    if shared_terms is None:
        return "\n".join([_statistics(rows), _words(rows), _typical_posts(rows), _topics(rows)])
    for row in rows:
        shared = shared_terms.get(row["persona_id"], ())
        row["top_terms"] = [term for term in row["top_terms"] if term in shared]
    return "\n".join([_statistics(rows), _words(rows)])


def escaped(text: str) -> str:
    """A text that Markdown and HTML show as it is, on one line, at most 280 characters of it."""
    plain = "".join(" " if char.isspace() else char for char in text if _is_shown(char))[:LONGEST_TEXT]
    cut = "…" if len(text) > LONGEST_TEXT and len(plain) == LONGEST_TEXT else ""
    return _MARKDOWN.sub(r"\\\1", html.escape(plain + cut, quote=False))


def _is_shown(char: str) -> bool:
    """Not a control or format character, such as those that turn the direction of text; joiners of emoji stay."""
    return char.isspace() or char == "\u200d" or unicodedata.category(char) not in ("Cc", "Cf", "Cs")


def _statistics(rows: Sequence[dict[str, Any]]) -> str:
    measures = [("Users", [row["n_accounts"] for row in rows]), ("Total", [_sum(_all_counts(row)) for row in rows])]
    measures += [(name, [row[column] for row in rows]) for name, column in COUNTS]
    heads = _shown([f"Persona {row['persona_id']}" for row in rows])
    lines = ["## Persona statistics", "", _line("Statistic", *heads, "Average", "Total")]
    lines.append("|" + "---|" * (len(heads) + 3))
    for name, values in measures:
        known = [value for value in values if value is not None]
        cells = _shown([_UNKNOWN if value is None else str(value) for value in values])
        average = f"{sum(known) / len(known):.2f}" if known else _UNKNOWN
        lines.append(_line(name, *cells, average, str(sum(known)) if known else _UNKNOWN))
    return "\n".join(lines) + "\n"


def _words(rows: Sequence[dict[str, Any]]) -> str:
    lines = ["## Top words", "", _line("Persona", "Top words"), "|---|---|"]
    lines += [_line(str(row["persona_id"]), ", ".join(map(escaped, row["top_terms"])) or _UNKNOWN) for row in rows]
    return "\n".join(lines) + "\n"


def _typical_posts(rows: Sequence[dict[str, Any]]) -> str:
    lines = ["## Typical posts", ""]
    for row in rows:
        lines += [f"### Persona {row['persona_id']}", ""]
        lines += [f"{rank}. {escaped(text)}" for rank, text in enumerate(row["medoid_texts"], 1)] or ["none"]
        lines.append("")
    return "\n".join(lines)


def _topics(rows: Sequence[dict[str, Any]]) -> str:
    lines = ["## Topics", ""]
    for row in rows:
        lines += [f"### Persona {row['persona_id']}", ""]
        lines += [f"{rank}. {', '.join(map(escaped, words))}" for rank, words in enumerate(row["topics"], 1)] or [
            f"none: {row['topics_status']}"
        ]
        lines.append("")
    return "\n".join(lines)


def _all_counts(row: dict[str, Any]) -> list[int | None]:
    return [row[column] for _, column in COUNTS]


def _sum(values: Sequence[int | None]) -> int:
    return sum(value for value in values if value is not None)


def _shown(cells: list[str]) -> list[str]:
    """All cells, or the first and the last three of many."""
    return cells if len(cells) <= MOST_COLUMNS else [*cells[:3], "...", *cells[-3:]]


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
