"""Where a part of a JSON record lies in its bytes.

Here: positions of nested values, for the few of them that are rejected. Not here: parsing (`kernels.json_lines`), by
which the bytes are known to be JSON.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]


_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],]|[^\s{}\[\],:"]+', re.DOTALL)


def spans(data: bytes, wanted: Collection[Path]) -> dict[Path, tuple[int, int]]:
    """(start, length) of the values at the wanted paths; of repeated keys the first counts."""
    missing, found = set(wanted), {}
    keys: list[str | int] = []  # path of the value that comes next, one entry per open container
    opened: list[tuple[bool, int]] = []  # (is an object, start) of the open containers
    expects_key = False

    def note(start: int, end: int) -> None:
        path = tuple(keys)
        if path in missing:
            missing.remove(path)
            found[path] = (start, end - start)

    for token in _TOKEN.finditer(data):
        mark = token.group()[:1]
        if mark in b"{[":
            opened.append((mark == b"{", token.start()))
            keys.append("" if mark == b"{" else 0)
            expects_key = mark == b"{"
        elif mark in b"}]":
            keys.pop()
            note(opened.pop()[1], token.end())
            expects_key = False
        elif mark == b",":
            expects_key = opened[-1][0]
            if not expects_key:
                keys[-1] = int(keys[-1]) + 1
        elif expects_key:
            keys[-1] = token.group()[1:-1].decode("utf-8", "replace")
            expects_key = False
        else:
            note(token.start(), token.end())
        if not missing:
            break
    return found
