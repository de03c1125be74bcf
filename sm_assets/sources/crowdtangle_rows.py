"""Rows of CrowdTangle exports: from delivered texts to accepted records and rejects.

Here: what makes a row unusable (no account, no key, no time) and which fields are repaired. Not here: files,
columns, keys (`crowdtangle_identities`), tables.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.kernels import fields
from sm_assets.kernels.arrow import validity_buffer
from sm_assets.kernels.tags import find_tags
from sm_assets.sources.crowdtangle_columns import COUNT_COLUMNS, RAW_COLUMNS
from sm_assets.sources.crowdtangle_identities import Identities, identify
from sm_assets.sources.crowdtangle_readings import ASSUMED_ZONE, NO_TIME, UNKNOWN_ZONE, UNREADABLE
from sm_assets.sources.crowdtangle_records import RECORD, SOURCE, PostFile, Rows
from sm_assets.sources.crowdtangle_repairs import Warnings
from sm_assets.sources.reading import record_schema

_HOUR = 3_600_000_000
_DAY = 24 * _HOUR
FLOORS = {"facebook": datetime(2004, 2, 4, tzinfo=UTC), "instagram": datetime(2010, 10, 6, tzinfo=UTC)}
SCHEMA = record_schema(SOURCE, RECORD)
_PARSED = SCHEMA.field("parsed").type
_DETAILS = {
    "missing_account": "no id, no owner in the address and no user name; a row must say whose it is",
    "missing_key": "no address and no id; a post is known by one of them",
    "bad_time": "the time of the post is missing, unreadable, from before its platform or later than the export; "
    "expected YYYY-MM-DD HH:MM:SS ZONE",
    "ambiguous_zone": "the zone of the time is ambiguous or unknown; state it with `zone` in a sidecar or setting",
}
Repair = Callable[[str, str, npt.NDArray[np.int64]], None]


def resolve(file: PostFile, rows: Rows) -> pa.RecordBatch:
    """The accepted rows of one stretch of a file; the rejects are in its tally."""
    n = len(rows)
    warnings = Warnings(file.tally)
    parsed: dict[str, pa.Array] = {}
    for name in COUNT_COLUMNS:
        counts = file.readings.counts(rows.column(name))
        parsed[name] = counts.array()
        warnings.repair(name, "bad_number", np.flatnonzero(counts.status == fields.BAD))
        warnings.repair(name, "rounded_count", np.flatnonzero(counts.status == fields.ROUNDED))

    micros, code, zones, zone_index = file.readings.times(rows.column("post_created"))
    known = code <= ASSUMED_ZONE
    parsed["posted_at"] = _timestamps(micros, known)
    warnings.repair("post_created", "assumed_zone", np.flatnonzero(code == ASSUMED_ZONE))
    parsed["page_created_at"] = _page_created(rows, micros, known, warnings.repair)
    parsed["video_seconds"] = _video_seconds(rows, warnings.repair)
    country = rows.column("page_admin_top_country")
    good = pc.match_substring_regex(country, "^[A-Z]{2}$")
    parsed["country_code"] = pc.if_else(good, country, pa.scalar(None, pa.string()))
    warnings.repair("page_admin_top_country", "bad_country", np.flatnonzero(~np.asarray(pc.fill_null(good, True))))

    ids = identify(file, rows)
    warnings.repair("facebook_id", "bad_id", np.flatnonzero(ids.bad_id))
    parsed |= {"platform": ids.platform, "account_id": ids.account, "account_kind": ids.kind, "post_id": ids.post}

    seen, exported_at = _exported_at(file, rows)
    reasons = _reasons(ids, micros, code, seen)
    keep = reasons == ""
    day = np.where(known, micros // _DAY, 0)
    for k in np.flatnonzero(~keep).tolist():
        reason = str(reasons[k])
        event = int(day[k]) if known[k] and reason != "bad_time" else None
        file.reject(rows, k, reason, _DETAILS[reason], event)
    if keep.any():
        file.tally.saw(int(micros[keep].max()))

    zone_names = pa.array([*zones, None], pa.string())
    arrays: dict[str, pa.Array] = {
        **rows.positions(),
        **{name: rows.column(name) for name in RAW_COLUMNS},
        **_tags(rows, ids),
        "extra": rows.extra(),
        "warnings": warnings.lists(n),
        "zone": zone_names.take(pa.array(np.where(zone_index < 0, len(zones), zone_index))),
        "exported_at": exported_at,
        "observed_at": exported_at,
        "day": pa.array(day.astype(np.int32)).cast(pa.date32()),
        "parsed": pa.StructArray.from_arrays([parsed[f.name].cast(f.type) for f in _PARSED], fields=list(_PARSED)),
    }
    records = pa.RecordBatch.from_arrays([arrays[f.name] for f in SCHEMA], schema=SCHEMA)
    return records if keep.all() else records.filter(pa.array(keep))


def _tags(rows: Rows, ids: Identities) -> dict[str, pa.Array]:
    """Hashtags and mentions of the text; a field of hashtags, where there is one, goes before the text's."""
    text = rows.column("message")
    if ids.on_instagram.any():
        caption = pc.if_else(pa.array(ids.on_instagram), rows.column("description"), pa.scalar(None, pa.string()))
        text = pc.coalesce(text, caption)
    hashtags, normalised = find_tags(text, "#", normalise=True)
    given = rows.column("delivered_hashtags")
    if given.null_count < len(given):
        # Whatever divides them (a JSON list, blanks, commas), each of them is a word.
        marked = pc.replace_substring_regex(given, r"#?([\pL\pM\pN_]+)", r" #\1")
        own, own_normalised = find_tags(marked, "#", normalise=True)
        there = pc.is_valid(given)
        hashtags = pc.if_else(there, own, hashtags)
        normalised = pc.if_else(there, own_normalised, normalised)
    return {"hashtags": hashtags, "hashtags_normalised": normalised, "mentions": find_tags(text, "@")[0]}


def _exported_at(file: PostFile, rows: Rows) -> tuple[npt.NDArray[np.int64], pa.Array]:
    """(int64[n] microseconds or -1 where nothing tells, the same as Arrow): the record's own time, else the file's."""
    stated = file.exported_at
    micros = np.full(len(rows), int(stated.timestamp() * 1e6) if stated else -1)
    own = rows.column("updated")
    if own.null_count < len(own):
        times, code, _, _ = file.readings.times(own)
        micros = np.where(code <= ASSUMED_ZONE, times, micros)
    return micros, _timestamps(micros, micros >= 0)


def _reasons(
    ids: Identities, micros: npt.NDArray[np.int64], code: npt.NDArray[np.uint8], exported: npt.NDArray[np.int64]
) -> npt.NDArray[np.str_]:
    facebook, instagram = (int(FLOORS[name].timestamp() * 1e6) for name in ("facebook", "instagram"))
    floor = np.where(ids.on_instagram, instagram, facebook)
    # Without any time of export only what no clock of a platform can say is refused.
    limit = np.where(exported >= 0, exported + _HOUR, time.time_ns() // 1000 + _DAY)
    reasons = np.full(len(micros), "", dtype="U16")
    reasons[code == UNKNOWN_ZONE] = "ambiguous_zone"
    reasons[(code == NO_TIME) | (code == UNREADABLE)] = "bad_time"
    reasons[(code <= ASSUMED_ZONE) & ((micros < floor) | (micros > limit))] = "bad_time"
    reasons[np.asarray(pc.is_null(ids.post))] = "missing_key"
    reasons[np.asarray(pc.is_null(ids.account))] = "missing_account"
    return reasons


def _timestamps(micros: npt.NDArray[np.int64], known: npt.NDArray[np.bool_]) -> pa.Array:
    return pa.Array.from_buffers(
        pa.timestamp("us"), len(micros), [validity_buffer(known), pa.py_buffer(micros.tobytes())]
    )


def _page_created(rows: Rows, posted: npt.NDArray[np.int64], known: npt.NDArray[np.bool_], repair: Repair) -> pa.Array:
    """Page Created has no zone of its own: it is on the clock of the row's Post Created."""
    text = rows.column("page_created")
    if text.null_count == len(text):
        return pa.nulls(len(text), pa.timestamp("us"))
    created, local = fields.parse_times(text), fields.parse_times(rows.column("post_created"))
    repair("page_created", "bad_time", np.flatnonzero(created.zone == fields.UNREADABLE))
    shift = np.where(known, posted - local.local, 0)
    return _timestamps(created.local + shift, (created.zone >= fields.NO_ZONE) & known)


def _video_seconds(rows: Rows, repair: Repair) -> pa.Array:
    text, precise = rows.column("video_length"), rows.column("video_length_ms")
    if precise.null_count < len(precise):
        counts = fields.parse_counts(precise)
        repair("video_length_ms", "bad_number", np.flatnonzero(counts.status == fields.BAD))
        return pc.divide(counts.array().cast(pa.float64()), 1000.0)
    parts = pc.extract_regex(text, pattern=r"^(?P<h>\d{1,3}):(?P<m>[0-5]\d):(?P<s>[0-5]\d)$")
    found = np.asarray(pc.is_valid(parts))
    present = np.asarray(pc.fill_null(pc.not_equal(text, "N/A"), False))
    repair("video_length", "bad_number", np.flatnonzero(present & ~found))
    if not found.any():
        return pa.nulls(len(text), pa.float64())
    pieces = [pc.struct_field(parts, name).cast(pa.float64()) for name in "hms"]
    return pc.add(pc.add(pc.multiply(pieces[0], 3600.0), pc.multiply(pieces[1], 60.0)), pieces[2])
