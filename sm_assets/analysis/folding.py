"""Texts made comparable: the canonical form under which two copies of a message are one content.

Here: folding of texts, counting of letters, addresses inside running text. Not here: what is made of them (`contents`).

Canonical: NFKC, case folded, NFKC again; format characters (Cf) and variation selectors deleted; addresses cut out;
every run of Unicode white space one blank; trimmed. Emoji, punctuation and mentions stay. Folding twice changes
nothing.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.kernels.texts import HARD, Folder

_ADDRESS = re.compile(r"(?:https?://|\bwww\.)[^\s<>\"]+", re.IGNORECASE)
_CLOSING = ".,;:!?)]}'*"
_HEADS = ("https://", "http://", "www.")
_NOT_LETTERS = re.compile(r"[\W_]+")
_WIDE = re.compile(
    "[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6b\uff01-\uff60\U00016fe0-\U0003fffd]"
)


# The blocks in which Unicode keeps format characters and variation selectors: scanning all of Unicode would take
# longer than many a run.
_FORMAT_BLOCKS = (
    range(0x0900), range(0x1800, 0x2100), range(0xFE00, 0x10000), range(0x11000, 0x11100), range(0x13400, 0x13500),
    range(0x1BC00, 0x1BD00), range(0x1D100, 0x1D200), range(0xE0000, 0xE0200),
)  # fmt: skip


@cache
def _deleted() -> re.Pattern[str]:
    """Format characters and variation selectors of this Python's Unicode version."""
    ranges: list[tuple[int, int]] = []
    start: int | None = None
    last = -2
    selectors = {*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), *range(0x180B, 0x1810)}
    for code in (code for block in _FORMAT_BLOCKS for code in block):
        if code in selectors or unicodedata.category(chr(code)) == "Cf":
            if code != last + 1:
                if start is not None:
                    ranges.append((start, last))
                start = code
            last = code
    if start is not None:
        ranges.append((start, last))
    return re.compile("[" + "".join(f"{chr(a)}-{chr(b)}" for a, b in ranges) + "]")


def addresses_in(text: str) -> list[str]:
    """Web addresses in running text, as written, closing punctuation left outside."""
    return [_trim_address(found.group()) for found in _ADDRESS.finditer(text)]


def _trim_address(found: str) -> str:
    head = next(len(h) for h in _HEADS if found[: len(h)].lower() == h)
    return found[:head] + found[head:].rstrip(_CLOSING)


def _cut(match: re.Match[str]) -> str:
    found = match.group()
    return " " + found[len(_trim_address(found)) :]


def fold_text(text: str) -> str:
    """Canonical form of one text."""
    return " ".join(_ADDRESS.sub(_cut, _fold_characters(text)).split())


def _fold_characters(text: str) -> str:
    if text.isascii():
        return text.lower()
    delete = _deleted()
    # Deleting can bring together what then composes, and folding can make what folds again: until nothing changes.
    for _ in range(8):
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", delete.sub("", text)).casefold())
        if folded == text:
            break
        text = folded
    return text


def _combines(char: str) -> bool:
    """Whether a character can change with its neighbours: marks and Hangul letters."""
    return (
        unicodedata.category(char)[0] == "M"
        or "\u1100" <= char <= "\u11ff"
        or "\ua960" <= char <= "\ua97f"
        or "\ud7b0" <= char <= "\ud7ff"
    )


def _character_rule(char: str) -> tuple[str, list[int]] | None:
    """What folding makes of one character and how each of the result counts, None if its neighbours matter."""
    if char.isspace():
        return " ", [0]
    if _combines(char):
        return None
    folded = _fold_characters(char)
    if any(c.isspace() or _combines(c) or (c != char and _fold_characters(c) != c) for c in folded):
        return None
    return folded, [letters_and_digits(c) for c in folded]


@cache
def _folder() -> Folder:
    return Folder(_character_rule)


def letters_and_digits(folded: str) -> int:
    """Letters and digits of a text; wide East Asian characters count 2."""
    bare = _NOT_LETTERS.sub("", folded)
    return len(bare) + (0 if bare.isascii() else len(_WIDE.findall(bare)))


def fold_column(texts: pa.Array) -> tuple[pa.StringArray, npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Canonical form of a column.

    Returns:
        folded texts (null: nothing left), int64[n] letters and digits, bool[n] the text holds a web address.
    """
    folded, status, letters, addresses = _folder().fold(texts)
    hard = np.flatnonzero(status == HARD)
    if len(hard):
        made: list[str | None] = folded.to_pylist()
        known: dict[str, tuple[str, int, bool]] = {}
        for row, text in zip(hard.tolist(), texts.take(pa.array(hard)).to_pylist(), strict=True):
            found = known.get(text)
            if found is None:
                canonical = fold_text(text)
                found = known[text] = (
                    canonical,
                    letters_and_digits(canonical),
                    _ADDRESS.search(_fold_characters(text)) is not None,
                )
            made[row], letters[row], addresses[row] = found[0] or None, *found[1:]
        folded = pa.array(made, pa.string())
    return folded, letters, addresses
