"""DAG-CBOR and CAR version 1, as far as repositories of the AT protocol need them.

Here: blocks out of a byte stream, values out of blocks. Not here: what a repository is (`bluesky_car`).
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

MAX_DEPTH: Final = 128
MAX_BLOCK: Final = 64 * 2**20
_LINK_TAG = 42


class BadBlock(ValueError):
    """The bytes are no DAG-CBOR, or the file is no CAR from here on."""


class Link(str):
    """A CID in its usual text form, base32."""

    __slots__ = ()


def link_of(cid: bytes) -> Link:
    """Text form of a binary CID."""
    return Link("b" + base64.b32encode(cid).decode("ascii").rstrip("=").lower())


def decode(data: bytes) -> Any:
    """One DAG-CBOR value: None, bool, int, float, str, bytes, list, dict or Link; NUL is removed from texts.

    Raises:
        BadBlock: anything else, or bytes behind it.
    """
    try:
        value, end = _value(data, 0, 0)
    except (IndexError, struct.error) as problem:
        raise BadBlock("a value is cut") from problem
    if end != len(data):
        raise BadBlock(f"{len(data) - end} bytes behind the value")
    return value


def _value(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    if depth > MAX_DEPTH:
        raise BadBlock(f"nested more than {MAX_DEPTH} deep")
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    if major == 7:
        return _simple(data, at, info)
    if info < 24:
        number = info
    elif info < 28:
        size = 1 << info - 24
        number = int.from_bytes(_piece(data, at, size), "big")
        at += size
    else:
        raise BadBlock("a length is not definite")
    if major < 2:
        return (number if major == 0 else -1 - number), at
    if major < 4:
        piece = _piece(data, at, number)
        return (piece if major == 2 else piece.decode("utf-8", "replace").replace("\0", "")), at + number
    if major == 4:
        items = []
        for _ in range(number):
            item, at = _value(data, at, depth + 1)
            items.append(item)
        return items, at
    if major == 5:
        members: dict[str, Any] = {}
        for _ in range(number):
            key, at = _value(data, at, depth + 1)
            value, at = _value(data, at, depth + 1)
            if not isinstance(key, str):
                raise BadBlock("a key is no text")
            members.setdefault(key, value)
        return members, at
    inner, at = _value(data, at, depth + 1)
    if number != _LINK_TAG or not isinstance(inner, bytes) or inner[:1] != b"\0":
        raise BadBlock(f"tag {number} is no link")
    return link_of(inner[1:]), at


def _simple(data: bytes, at: int, info: int) -> tuple[Any, int]:
    if info in (20, 21):
        return info == 21, at
    if info == 22:
        return None, at
    if info == 27:
        return struct.unpack(">d", _piece(data, at, 8))[0], at + 8
    raise BadBlock(f"simple value {info} does not belong to DAG-CBOR")


def _piece(data: bytes, at: int, size: int) -> bytes:
    piece = data[at : at + size]
    if len(piece) < size:
        raise BadBlock("a value is cut")
    return piece


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a CAR file: its CID, its bytes, where it starts and how long it is with its frame."""

    cid: Link
    data: bytes
    offset: int
    length: int


class Blocks:
    """The blocks of a CAR file, front to back; `roots` is known once iteration has begun.

    Args:
        read: gives up to so many bytes, none at the end.
    """

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._held = b""
        self.offset = 0
        self.roots: list[Link] = []

    def __iter__(self) -> Iterator[Block]:
        """All blocks.

        Raises:
            BadBlock: the file is cut or no CAR; `offset` is where the last whole block ended.
        """
        header, length = self._section()
        self.roots = roots_of(header)
        self.offset = length
        while self._fill(1):
            section, length = self._section()
            size = _cid_size(section)
            yield Block(link_of(section[:size]), section[size:], self.offset, length)
            self.offset += length

    def _section(self) -> tuple[bytes, int]:
        size, shift, used = 0, 0, 0
        while True:
            if not self._fill(used + 1) or shift > 56:
                raise BadBlock("the file ends inside a length" if shift <= 56 else "a length is no number")
            byte = self._held[used]
            used += 1
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        if not 0 < size <= MAX_BLOCK:
            raise BadBlock(f"a block of {size} bytes")
        if not self._fill(used + size):
            raise BadBlock("the file ends inside a block")
        section = self._held[used : used + size]
        self._held = self._held[used + size :]
        return section, used + size

    def _fill(self, size: int) -> bool:
        pieces, n = [self._held], len(self._held)
        while n < size:
            piece = bytes(self._read(max(size - n, 2**16)))
            if not piece:
                break
            pieces.append(piece)
            n += len(piece)
        if len(pieces) > 1:
            self._held = b"".join(pieces)
        return n >= size


def roots_of(header: bytes) -> list[Link]:
    """The roots in the header of a CAR file.

    Raises:
        BadBlock: it is no header of version 1.
    """
    value = decode(header)
    roots = value.get("roots") if isinstance(value, dict) and value.get("version") == 1 else None
    if not isinstance(roots, list) or not all(isinstance(root, Link) for root in roots):
        raise BadBlock("no header of CAR version 1")
    return roots


def _cid_size(section: bytes) -> int:
    """Length of the CID in front: version 1, one-byte codec and hash, then the length of the hash."""
    if len(section) < 4 or section[0] != 1 or section[1] > 127 or section[2] > 127 or section[3] > 127:
        raise BadBlock("a block without a CID of version 1")
    size = 4 + section[3]
    if len(section) < size:
        raise BadBlock("a block ends inside its CID")
    return size
