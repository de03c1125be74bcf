"""Withdrawals: rows of compliance files, and notices that streams put between tweets.

Here: what is withdrawn, whether for good, and when. Not here: withdrawals by failed look-ups (`twitter_v2`).
"""

from __future__ import annotations

import re

from sm_assets.sources.twitter_fields import (
    Path,
    Record,
    Unpacked,
    Withdrawal,
    first_text,
    id_micros,
    is_id,
    micros_of,
    micros_of_stamp,
    obj,
    text,
)

# Reason of a compliance row -> (action, reason) as staged.
_REASONS = {
    "deleted": ("purge", "deleted"),
    "protected": ("hide", "protected"),
    "deactivated": ("hide", "deactivated"),
    "suspended": ("hide", "suspended"),
}
_NAMES = {"tweet": "post", "user": "account"}
# Why it was withdrawn is not known, so it must be possible to take it back.
_UNKNOWN = ("hide", "takendown")
_USER_NOTICES = {
    "user_delete": ("hide", "deactivated"),
    "user_undelete": ("restore", "reactivated"),
    "user_protect": ("hide", "protected"),
    "user_unprotect": ("restore", "reactivated"),
    "user_suspend": ("hide", "suspended"),
    "user_unsuspend": ("restore", "reactivated"),
}
IGNORED_NOTICES = frozenset(
    {
        "limit",
        "warning",
        "disconnect",
        "scrub_geo",
        "info",
        "status_withheld",
        "user_withheld",
        "friends",
        "friends_str",
        "event",
    }
)
NOTICES = IGNORED_NOTICES | {"delete"} | set(_USER_NOTICES)


def unpack_row(record: Record, path: Path = ()) -> Unpacked:
    """One row of a compliance file: `id, action, created_at, reason`."""
    found = Unpacked("compliance")
    reason = text(record.get("reason"))
    if reason == "scrub_geo" or record.get("action") == "scrub_geo":
        found.ignored.append("stream_notice")
        return found
    redacted = text(record.get("redacted_at"))
    found.withdrawals.append(
        Withdrawal(
            path,
            False,
            None,
            text(record.get("id")),
            _REASONS.get(reason or "", _UNKNOWN),
            action=text(record.get("action")),
            reason=reason,
            created_at=text(record.get("created_at")),
            redacted_at=redacted,
            deleted_us=micros_of(redacted),
        )
    )
    return found


def unpack_notice(record: Record, path: Path = ()) -> Unpacked:
    """One notice of a stream."""
    found = Unpacked("notice")
    notice = next((name for name in record if name in NOTICES), "")
    body, at = obj(record.get(notice)), (*path, notice)
    stamp = first_text(body, "timestamp_ms")
    deleted = micros_of_stamp(stamp)
    if notice == "delete" and "status" in body:
        status = obj(body.get("status"))
        found.withdrawals.append(
            Withdrawal(
                at,
                False,
                "post",
                first_text(status, "id_str", "id"),
                ("purge", "deleted"),
                account_id=first_text(status, "user_id_str", "user_id"),
                action=notice,
                redacted_at=stamp,
                deleted_us=deleted,
            )
        )
    elif notice in _USER_NOTICES:
        user = first_text(body, "id_str", "id")
        found.withdrawals.append(
            Withdrawal(
                at,
                False,
                "account",
                user,
                _USER_NOTICES[notice],
                action=notice,
                redacted_at=stamp,
                deleted_us=deleted,
            )
        )
    else:
        found.ignored.append("stream_notice")
    return found


def entity_of(row: Withdrawal, file_name: str) -> str | None:
    """Whether a compliance row is about a tweet or a user; None: nothing tells.

    The file's name tells if it names one of them: `tweets_2022`, not `retweeters`, which are users. Else it is a tweet
    if the time in its id is the time of its creation to the millisecond.
    """
    name = file_name.lower()
    named = [word for word in _NAMES if word in name]
    if len(named) == 1 and re.search(rf"(?<![a-z]){named[0]}", name):
        return _NAMES[named[0]]
    created = micros_of(row.created_at)
    if created is not None and is_id(row.record_id) and id_micros(str(row.record_id)) == created:
        return "post"
    return None
