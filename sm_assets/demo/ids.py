"""Identifiers as the platforms make them, from times and numbers of the demo world.

Here: DIDs, TIDs and CIDs of Bluesky, ids of Twitter and TikTok, all of them reproducible on every machine. Not here:
who has them (`residents`).
"""

from __future__ import annotations

from base64 import b32encode
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TID: Final = "234567abcdefghijklmnopqrstuvwxyz"
_PAIRS: Final = [high + low for high in _TID for low in _TID]
# CIDv1, DAG-CBOR, SHA-256 of 32 bytes: what every record's CID begins with.
_CID_HEAD: Final = b"\x01\x71\x12\x20"
_SNOWFLAKE_EPOCH_MS: Final = 1_288_834_974_657
_CODE_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"


def micros(when: datetime) -> int:
    """Microseconds since 1970."""
    return (when - EPOCH) // timedelta(microseconds=1)


def moment(micros: int) -> datetime:
    """The time in UTC."""
    return EPOCH + timedelta(microseconds=micros)


def did(seed: int, actor: int) -> str:
    """`did:plc:` and 24 letters."""
    return "did:plc:" + b32encode(_digest(seed, "did", actor, 15)).decode().lower()


def tid(micros: int, clock: int) -> str:
    """The timestamp identifier of atproto: 53 bits of microseconds, 10 bits that name the writer."""
    number = micros << 10 | clock & 1023
    pairs = _PAIRS
    return (
        _TID[number >> 60]
        + pairs[number >> 50 & 1023]
        + pairs[number >> 40 & 1023]
        + pairs[number >> 30 & 1023]
        + pairs[number >> 20 & 1023]
        + pairs[number >> 10 & 1023]
        + pairs[number & 1023]
    )


def cid(key: bytes) -> str:
    """The content identifier of a record; `key` stands for its bytes."""
    return "b" + b32encode(_CID_HEAD + blake2b(key, digest_size=32).digest())[:58].decode().lower()


def snowflake(micros: int, serial: int) -> int:
    """The id of a tweet of that millisecond."""
    return (micros // 1_000 - _SNOWFLAKE_EPOCH_MS) << 22 | serial & 0x3FFFFF


def twitter_id(seed: int, actor: int) -> str:
    """The numeric id of an account; beyond 2^53, and no two alike."""
    return str(1_100_000_000_000_000_000 + actor * 1_000_000_007 + _number(seed, "twitter", actor) % 1_000_000_000)


def tiktok_id(second: int, serial: int) -> int:
    """The id of a video: its upper half is the second of the upload."""
    return second << 32 | (serial * 40_503 + 7_919) & 0xFFFFFFFF


def short_code(seed: int, actor: int, number: int) -> str:
    """The code in the address of an Instagram post."""
    value = actor << 24 | number << 6 | _number(seed, "code", actor) & 63
    letters = "C"
    for place in range(9, -1, -1):
        letters += _CODE_LETTERS[value >> 6 * place & 63]
    return letters


def facebook_group_id(seed: int, number: int) -> str:
    """15 digits, apart from those of pages."""
    return str(700_000_000_000_000 + number * 1_000_003 + _number(seed, "group", number) % 900_000)


def _digest(seed: int, purpose: str, number: int, size: int) -> bytes:
    return blake2b(f"{seed}/{purpose}/{number}".encode(), digest_size=size).digest()


def _number(seed: int, purpose: str, number: int) -> int:
    return int.from_bytes(_digest(seed, purpose, number, 8), "big")
