"""Names of classes, which come from people's files, as they may be shown.

Here: words inside Markdown, logs and sentences, and few of many classes. Not here: any figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

SHOWN: Final = 5
"""Classes that a sentence names."""
LONGEST: Final = 40
"""Letters of a class that a sentence names."""


def plain(text: str) -> str:
    """People's words inside Markdown: on one line, without signs that make tables, links or HTML."""
    kept = "".join(letter if letter.isprintable() else " " for letter in text)
    kept = kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return " ".join("".join(f"\\{letter}" if letter in "\\`*[]|!" else letter for letter in kept).split())


def classes_in_words(classes: Sequence[tuple[str, int, Any]]) -> str:
    """At most five classes with their counts, those of most labels first; a class of one account is not named.

    Args:
        classes: name, labels, groups.
    """
    ranked = sorted(classes, key=lambda each: (-each[1], each[0]))
    shown = [each for each in ranked if each[1] > 1][:SHOWN]
    told = [f"{_short(name)}: {n:,} labels in {m:,} groups" for name, n, m in shown]
    rest = len(classes) - len(shown)
    if rest:
        told.append(f"and {rest:,} more" if shown else f"{rest:,} of one label each")
    return "; ".join(told)


def _short(name: str) -> str:
    return plain(name if len(name) <= LONGEST else name[: LONGEST - 1] + "…")
