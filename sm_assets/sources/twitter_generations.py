"""Which generation of the format a record has: chosen record by record, because a file may mix them.

Here: recognising, and taking apart what holds records of several kinds. Not here: any generation's keys below the
first level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sm_assets.sources import twitter_activity, twitter_v1
from sm_assets.sources.twitter_compliance import NOTICES, unpack_notice, unpack_row
from sm_assets.sources.twitter_fields import Path, Record, Unpacked, text
from sm_assets.sources.twitter_v2 import unpack_flat, unpack_page

# Generation -> the keys by which people know it, for messages.
TYPICAL = {
    "v1": ("id_str", "user", "created_at"),
    "activity": ("id", "verb", "postedTime", "actor"),
    "v2_page": ("data", "includes", "meta"),
    "v2_flat": ("id", "author_id", "author"),
    "compliance": ("id", "action", "created_at", "reason"),
}
_UNPACK: dict[str, Callable[[Record, Path], Unpacked]] = {
    "v1": twitter_v1.unpack,
    "activity": twitter_activity.unpack,
    "v2_page": unpack_page,
    "v2_flat": unpack_flat,
    "compliance": unpack_row,
    "notice": unpack_notice,
}
_PAGE = ("data", "includes", "errors", "meta", "__twarc")
_V2 = ("author_id", "author", "edit_history_tweet_ids", "public_metrics")
# Search results of v1.1 and of the enterprise APIs: a list of records in either of their formats.
_RESULTS = ("statuses", "results")


def generation_of(record: Record) -> str | None:
    """The generation, None if the record is of no known one."""
    keys = record.keys()
    if "verb" in keys and ("actor" in keys or "postedTime" in keys):
        return "activity"
    if "id" not in keys and "id_str" not in keys:
        if any(key in keys for key in _PAGE) or {"title", "detail", "type"} <= keys:
            return "v2_page"
        return "notice" if any(key in keys for key in NOTICES) else None
    if "id_str" in keys or "user" in keys:
        return "v1"
    if "action" in keys and ("reason" in keys or "created_at" in keys):
        return "compliance"
    if any(key in keys for key in _V2):
        return "v2_flat"
    return "v1" if "created_at" in keys and ("text" in keys or "full_text" in keys) else None


def results_of(record: Record) -> tuple[str, list[object]] | None:
    """(key, elements) of a page of search results of the older APIs, None for anything else."""
    if "id" in record or "data" in record:
        return None
    for key in _RESULTS:
        found = record.get(key)
        if isinstance(found, list):
            return key, found
    return None


def unpack(record: Record) -> list[Unpacked]:
    """What a record holds, the parts of a container one by one; records of no known generation come as rejects."""
    container = results_of(record)
    if container is None:
        return [_unpack(record, ())]
    key, elements = container
    return [_unpack(element, (key, k)) for k, element in enumerate(elements)]


def _unpack(record: object, path: Path) -> Unpacked:
    if not isinstance(record, dict):
        return Unpacked("v1", rejects=[(path, "not_an_object", "an object was expected")])
    generation = generation_of(record)
    if generation is not None:
        return _UNPACK[generation](record, path)
    return Unpacked("v1", rejects=[(path, "missing_key", f"no known form of a tweet; {_found(record)}")])


def unknown(records: Iterable[Record]) -> str:
    """Sentence about records of no known generation: the nearest one, what it lacks, the keys found."""
    keys = list(dict.fromkeys(key for record in records for key in record))
    nearest = max(TYPICAL, key=lambda name: sum(key in keys for key in TYPICAL[name]) / len(TYPICAL[name]))
    lacking = [key for key in TYPICAL[nearest] if key not in keys]
    found = ", ".join(keys[:20]) or "none"
    return f"nearest is {nearest}, which needs {', '.join(lacking)} besides; keys found: {found}"


def _found(record: Record) -> str:
    keys = ", ".join(str(text(key)) for key in list(record)[:12])
    return f"its keys are {keys or 'none'}"
