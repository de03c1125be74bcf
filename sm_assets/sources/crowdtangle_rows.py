"""Rows of CrowdTangle page exports: from delivered texts to accepted records and rejects.

Here: what makes a row unusable (no account, no key, no time) and which fields are repaired. Not here: files,
columns, tables.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.kernels import fields
from sm_assets.kernels.arrow import validity_buffer
from sm_assets.sources.crowdtangle_columns import COUNT_COLUMNS, RAW_COLUMNS
from sm_assets.sources.crowdtangle_records import FLOOR, PARSED, RECORD_SCHEMA, REJECT_SCHEMA, RawChunk

if TYPE_CHECKING:
    from sm_assets.sources.crowdtangle import PostReader

_HOUR = 3_600_000_000
_DAY = 24 * _HOUR
PLATFORMS = ("facebook", "instagram")
_OWN_HOSTS = re.compile(r"^(?:www|m|web|mbasic)\.(?=(?:facebook|fb|instagram)\.com$)")
_TRACKING = re.compile(r"(?:utm|fbclid=|__tn__|__cft__|__xts__|mibextid=|ref=|igsh)")


def resolve(reader: PostReader, chunk: RawChunk) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """(accepted rows, rejects) of one window, under the policy `tables`."""
    n = len(chunk)
    warnings: dict[int, list[str]] = {}

    def repair(column: str, reason: str, rows: npt.NDArray[np.int64]) -> None:
        reader.count("repairs", f"{column}/{reason}", len(rows))
        for row in rows.tolist():
            warnings.setdefault(row, []).append(f"{column}:{reason}")

    parsed: dict[str, pa.Array] = {}
    for name in COUNT_COLUMNS:
        counts = reader.parse_counts(chunk.column(name))
        parsed[name] = counts.array()
        repair(name, "bad_number", np.flatnonzero(counts.status == fields.BAD))
        repair(name, "rounded_count", np.flatnonzero(counts.status == fields.ROUNDED))

    micros, code, zones, zone_index = reader.parse_times(chunk.column("post_created"))
    parsed["posted_at"] = _timestamps(micros, code <= 1)
    repair("post_created", "assumed_zone", np.flatnonzero(code == 1))
    parsed["page_created_at"] = _page_created(chunk, micros, repair)
    parsed["video_seconds"] = _video_seconds(chunk.column("video_length"), repair)
    country = chunk.column("page_admin_top_country")
    bad_country = np.asarray(pc.invert(pc.fill_null(pc.match_substring_regex(country, "^[A-Z]{2}$"), True)))
    repair("page_admin_top_country", "bad_country", np.flatnonzero(bad_country))

    account, key, platform, bad_id = identities(
        chunk.column("facebook_id"), chunk.column("user_name"), chunk.column("url")
    )
    repair("facebook_id", "bad_id", np.flatnonzero(bad_id))
    parsed["platform"], parsed["account_id"], parsed["post_id"] = platform, account, key

    reasons = _reasons(reader, account, key, micros, code)
    keep = reasons == ""
    day = np.where(code <= 1, micros // _DAY, 0)
    rejects = _rejects(reader, chunk, reasons, day, code)
    if keep.any():
        latest = int(micros[keep].max())
        reader.last_event_us = max(latest, reader.last_event_us if reader.last_event_us is not None else latest)

    zone_names = pa.array([*zones, None], pa.string())
    exported = reader.exported_at
    exported_at = pa.array([exported.replace(tzinfo=None) if exported else None] * n, pa.timestamp("us"))
    arrays: dict[str, pa.Array] = {
        "source_row": pa.array(chunk.scanned.row),
        "source_item": pa.array(np.zeros(n, dtype=np.int32)),
        "source_line": pa.array(chunk.scanned.line),
        **{name: chunk.column(name) for name in RAW_COLUMNS},
        "extra": _extra(chunk),
        "warnings": _warning_lists(warnings, n),
        "zone": zone_names.take(pa.array(np.where(zone_index < 0, len(zones), zone_index))),
        "exported_at": exported_at,
        "observed_at": exported_at,
        "day": pa.array(day.astype(np.int32)).cast(pa.date32()),
        "parsed": pa.StructArray.from_arrays(
            [parsed[field.name].cast(field.type) for field in PARSED], fields=list(PARSED)
        ),
    }
    records = pa.RecordBatch.from_arrays([arrays[f.name] for f in RECORD_SCHEMA], schema=RECORD_SCHEMA)
    return (records if keep.all() else records.filter(pa.array(keep))), rejects


def identities(
    facebook_id: pa.Array,
    user_name: pa.Array,
    url: pa.Array,
    *,
    account_from: Sequence[str] = ("id", "address", "name"),
) -> tuple[pa.Array, pa.Array, pa.Array, npt.NDArray[np.bool_]]:
    """(account_id, post_id, platform, bool[n] unusable Facebook Id) of each row; null where a row does not tell.

    Account: the first that is known of Facebook Id (`id`), owner in the post's address (`address`), `name:` and the
    user name in lower case (`name`). Post: owner and number in the address, else the address itself.
    """
    address = fields.post_addresses(url)
    digits = fields.all_digits(facebook_id)
    if not digits.all():
        # As a spreadsheet or a data frame may have written them: blanks around, a decimal nought.
        facebook_id = pc.replace_substring_regex(pc.utf8_trim_whitespace(facebook_id), r"\.0+$", "")
        digits = fields.all_digits(facebook_id)
    given = np.asarray(pc.is_valid(facebook_id))
    usable = pc.if_else(pa.array(digits), facebook_id, pa.scalar(None, pa.string()))
    named = pc.binary_join_element_wise("name", pc.utf8_lower(user_name), ":")
    known = {"id": usable, "address": address.owner, "name": named}
    account = pc.coalesce(*(known[source] for source in account_from))
    owner = pc.coalesce(usable, address.owner)
    numbered = pc.binary_join_element_wise(owner, address.number, "_")
    key = numbered
    if key.null_count:
        loose = np.flatnonzero(np.asarray(pc.is_null(key)) & np.asarray(pc.is_valid(url)))
        if len(loose):
            texts: list[str | None] = [None] * len(key)
            for row, text in zip(loose.tolist(), url.take(pa.array(loose)).to_pylist(), strict=True):
                texts[row] = address_key(text)
            key = pc.coalesce(key, pa.array(texts, pa.string()))
    platform = pa.array(PLATFORMS).take(pa.array(address.platform))
    return account, key, platform, given & ~digits


def address_key(url: str) -> str | None:
    """`url:` and the address without scheme, fragment, order of its query, tracking parameters and final slash.

    None if nothing is left. The site's own mobile hosts count as the site.
    """
    bare, _, query = url.strip().partition("#")[0].partition("?")
    _, mark, rest = bare.partition("://")
    host, slash, path = (rest if mark else bare).partition("/")
    text = f"{_OWN_HOSTS.sub('', host.lower())}{slash}{path}".rstrip("/")
    pieces = sorted(piece for piece in query.split("&") if piece and not _TRACKING.match(piece))
    if pieces:
        text += "?" + "&".join(pieces)
    return f"url:{text}" if text else None


def _reasons(
    reader: PostReader, account: pa.Array, key: pa.Array, micros: npt.NDArray[np.int64], code: npt.NDArray[np.uint8]
) -> npt.NDArray[np.str_]:
    floor = int(FLOOR.timestamp() * 1e6)
    limit = int(reader.exported_at.timestamp() * 1e6) + _HOUR if reader.exported_at else time.time_ns() // 1000 + _DAY
    reasons = np.full(len(micros), "", dtype="U16")
    reasons[code == 4] = "ambiguous_zone"
    reasons[(code == 2) | (code == 3) | ((code <= 1) & ((micros < floor) | (micros > limit)))] = "bad_time"
    reasons[np.asarray(pc.is_null(key))] = "missing_key"
    reasons[np.asarray(pc.is_null(account))] = "missing_account"
    return reasons


_DETAILS = {
    "missing_account": "no Facebook Id, no owner in URL and no User Name; a row must say whose it is",
    "missing_key": "no URL; a post is known by its address",
    "bad_time": "Post Created is missing, unreadable, before 2004 or in the future; expected YYYY-MM-DD HH:MM:SS ZONE",
    "ambiguous_zone": "the zone in Post Created is ambiguous or unknown; state it with `zone` in a sidecar or setting",
    "missing_columns": "fewer fields than the header has",
    "extra_columns": "more fields than the header has",
    "unterminated_quote": "a quote opens and does not close where a field ends",
    "oversize_record": "one record of more than 64 MiB",
    "bad_char": "a NUL character",
    "bad_utf8": "bytes that are not UTF-8 in a UTF-8 file",
}


def _rejects(
    reader: PostReader,
    chunk: RawChunk,
    reasons: npt.NDArray[np.str_],
    day: npt.NDArray[np.int64],
    code: npt.NDArray[np.uint8],
) -> pa.RecordBatch:
    rows: list[dict[str, Any]] = []
    width = len(reader.header.names)
    for reject in chunk.scanned.rejects:
        detail = _DETAILS[reject.reason]
        if reject.reason in ("missing_columns", "extra_columns"):
            detail = f"{reject.found} fields, the header has {width}"
        rows.append(
            {
                "line": reject.line,
                "byte_offset": reject.offset,
                "byte_length": reject.length,
                "record": reject.record,
                "reason": reject.reason,
                "detail": detail,
                "raw_excerpt": chunk.excerpt(reject.offset, reject.length),
                "day": None,
            }
        )
    for k in np.flatnonzero(reasons != "").tolist():
        reason = str(reasons[k])
        reader.count("rejected", reason)
        start, length = int(chunk.scanned.start[k]), int(chunk.scanned.length[k])
        rows.append(
            {
                "line": int(chunk.scanned.line[k]),
                "byte_offset": start,
                "byte_length": length,
                "record": int(chunk.scanned.row[k]),
                "reason": reason,
                "detail": _DETAILS[reason],
                "raw_excerpt": chunk.excerpt(start, length),
                "day": int(day[k]) if code[k] <= 1 and reason != "bad_time" else None,
            }
        )
    rows.sort(key=lambda row: row["byte_offset"])
    return pa.RecordBatch.from_pylist(rows, REJECT_SCHEMA)


def _timestamps(micros: npt.NDArray[np.int64], known: npt.NDArray[np.bool_]) -> pa.Array:
    return pa.Array.from_buffers(
        pa.timestamp("us"), len(micros), [validity_buffer(known), pa.py_buffer(micros.tobytes())]
    )


def _page_created(chunk: RawChunk, posted: npt.NDArray[np.int64], repair: Any) -> pa.Array:
    """Page Created has no zone of its own: it is on the clock of the row's Post Created."""
    text = chunk.column("page_created")
    created, local = fields.parse_times(text), fields.parse_times(chunk.column("post_created"))
    known = created.zone >= fields.NO_ZONE
    repair("page_created", "bad_time", np.flatnonzero(created.zone == fields.UNREADABLE))
    shift = np.where(local.zone >= fields.NO_ZONE, posted - local.local, 0)
    return _timestamps(created.local + shift, known)


def _video_seconds(text: pa.Array, repair: Any) -> pa.Array:
    shape = r"^(?P<h>\d{1,3}):(?P<m>[0-5]\d):(?P<s>[0-5]\d)$"
    parts = pc.extract_regex(text, pattern=shape)
    known = np.asarray(pc.is_valid(parts))
    present = np.asarray(pc.fill_null(pc.not_equal(text, "N/A"), False))
    repair("video_length", "bad_number", np.flatnonzero(present & ~known))
    if not known.any():
        return pa.nulls(len(text), pa.float64())
    pieces = [pc.struct_field(parts, name).cast(pa.float64()) for name in "hms"]
    return pc.add(pc.add(pc.multiply(pieces[0], 3600.0), pc.multiply(pieces[1], 60.0)), pieces[2])


def _extra(chunk: RawChunk) -> pa.Array:
    if not chunk.unknown:
        return pa.nulls(len(chunk), pa.string())
    texts: list[str | None] = []
    for values in zip(*(column.to_pylist() for column in chunk.unknown.values()), strict=True):
        found = {name: value for name, value in zip(chunk.unknown, values, strict=True) if value is not None}
        texts.append(json.dumps(found, ensure_ascii=False) if found else None)
    return pa.array(texts, pa.string())


def _warning_lists(warnings: dict[int, list[str]], n: int) -> pa.Array:
    if not warnings:
        return pa.ListArray.from_arrays(np.zeros(n + 1, dtype=np.int32), pa.array([], pa.string()))
    return pa.array([warnings.get(row, []) for row in range(n)], pa.list_(pa.string()))
