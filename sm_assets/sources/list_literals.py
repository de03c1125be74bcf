r"""Lists of texts as programs print them: `['a', "it's"]`, read by a grammar and never by running them.

Here: Python's list literals and JSON arrays of strings. Not here: which columns hold lists.

    list    = "[" [ string { "," string } [ "," ] ] "]"        blanks and line ends between tokens
    string  = "'" { char | escape } "'" | '"' { char | escape } '"'
    escape  = \ followed by ' " \ / a b f n r t v, a line end, xHH, uHHHH or UHHHHHHHH
"""

from __future__ import annotations

import re

_ELEMENT = re.compile(
    r"""\s*(?:'(?P<single>[^'\\]*(?:\\.[^'\\]*)*)'|"(?P<double>[^"\\]*(?:\\.[^"\\]*)*)")\s*(?P<end>,\s*\]?|\])""",
    re.DOTALL,
)
_EMPTY = re.compile(r"\s*\[\s*\]\s*")
_OPENING = re.compile(r"\s*\[")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_PLAIN = {
    "'": "'", '"': '"', "\\": "\\", "/": "/", "\n": "",
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
}  # fmt: skip


def read_list(text: str) -> list[str] | None:
    '''The elements as they stand, None if the text is no such list.

    >>> read_list("""["israel's", 'b']""")
    ["israel's", 'b']
    >>> read_list("[israel]") is None
    True
    '''
    if _EMPTY.fullmatch(text):
        return []
    opening = _OPENING.match(text)
    if opening is None:
        return None
    elements: list[str] = []
    at = opening.end()
    while True:
        match = _ELEMENT.match(text, at)
        if match is None:
            return None
        element = _unescaped(match["single"] if match["single"] is not None else match["double"])
        if element is None:
            return None
        elements.append(element)
        at = match.end()
        if match["end"].endswith("]"):
            return elements if not text[at:].strip() else None


def _unescaped(text: str) -> str | None:
    """The text that an escaped one stands for, None at an escape that does not exist."""
    if "\\" not in text:
        return text
    broken = False

    def character(match: re.Match[str]) -> str:
        nonlocal broken
        digits = match[1] or match[2] or match[3]
        if digits:
            code = int(digits, 16)
            broken |= code > 0x10FFFF
            return chr(code) if code <= 0x10FFFF else ""
        broken |= match[4] not in _PLAIN
        return _PLAIN.get(match[4], "")

    read = _ESCAPE.sub(character, text)
    # JSON writes what lies beyond U+FFFF as two halves; a half alone is no character.
    joined = read.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return None if broken else joined.replace("\0", "")
