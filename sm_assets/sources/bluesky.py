"""Bluesky: captures of the stream (Jetstream), search exports, repositories of accounts.

Here: which of them a file is, and what a purge takes out of its rows. Not here: how each is read (`bluesky_stream`,
`bluesky_views`, `bluesky_car`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sm_assets.errors import InputError, UnknownVintage
from sm_assets.kernels.json_lines import JsonScanner, parse
from sm_assets.sources.bluesky_car import CarReader, is_car
from sm_assets.sources.bluesky_posts import PURGED_WORDS
from sm_assets.sources.bluesky_stream import StreamReader, recognised
from sm_assets.sources.bluesky_views import ViewReader
from sm_assets.sources.bytestream import Windows, bom_of, compression_of, encoding_of, open_bytes, open_utf8
from sm_assets.sources.reading import Reader, ReadOptions
from sm_assets.sources.redaction import Redaction

READER_VERSION: Final = "2"
_HEAD = 2**20
_POST = "if(parsed.entity = 'post', parsed.record_id, null)"
REDACTIONS: Final = {
    "events": Redaction(
        withdrawn=(
            "select parsed.withdrawn_entity as entity, parsed.record_id as record_id, did as account_id, "
            "rev as revision from records where parsed.action = 'purge'"
        ),
        post=_POST,
        account="did",
        revision="rev",
        columns=PURGED_WORDS,
    ),
    "records": Redaction(withdrawn=None, post=_POST, account="did", revision="rev", columns=PURGED_WORDS),
    "post_views": Redaction(
        withdrawn=None,
        post="uri",
        account="parsed.account_id",
        revision=None,
        columns=("text", "author", "extra"),
    ),
}


def open_file(path: Path, options: ReadOptions) -> Reader:
    """The reader for a file.

    Raises:
        UnknownVintage: it is no capture, no search export and no repository.
        InputError: it cannot be read at all.
    """
    compression = compression_of(path)
    stream = open_bytes(path, compression)
    windows = Windows(stream, _HEAD)
    try:
        head = bytes(next(iter(windows), b""))
    finally:
        stream.close()
    if windows.broken and not head:
        raise InputError(f"{path}: cannot be decompressed ({windows.broken}); fetch the file again.")
    if is_car(head):
        return CarReader(path, options, compression)
    marked, skip = bom_of(head)
    encoding = options.encoding or marked or encoding_of(path, compression)
    text_stream = open_utf8(path, compression, encoding, skip)
    try:
        text = bytes(next(iter(Windows(text_stream, _HEAD)), b""))
    finally:
        text_stream.close()
    first = text.lstrip()[:1]
    vintage = recognised(text if len(text) == _HEAD else text + b"\n")
    if vintage is not None or not first:
        return StreamReader(path, options, vintage or "empty")
    if first in (b"{", b"["):
        raise UnknownVintage(
            f"{path}: no line is an event of the stream. Nearest: jetstream_v1, whose lines have did, time_us, kind. "
            f"Keys found: {', '.join(_keys(text)) or 'none, no line is a whole JSON object'}."
        )
    return ViewReader(path, options)


def _keys(text: bytes) -> list[str]:
    """Keys of the first object."""
    scanner = JsonScanner([])
    scanner.feed(text, final=False)
    scanned = scanner.take()
    if not len(scanned.row):
        return []
    start, length = int(scanned.start[0]), int(scanned.length[0])
    value = parse(text[start : start + length])
    return list(value)[:20] if isinstance(value, dict) else []
