"""Lines of a persona export: JSON arrays of messages out of Arrow columns.

Here: the checking face. The bytes are those of Python's `json.dumps` with its defaults: keys in a fixed order, `, ` and
`: ` between, everything outside printable ASCII as an escape. Not here: which messages make a line
(`sm_assets.analysis.persona_lines`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.errors import KernelError
from sm_assets.kernels import _json_messages
from sm_assets.kernels.arrow import string_column


def chain_lines(users: pa.Array, texts: pa.Array, at: npt.NDArray[np.int64], begins: npt.NDArray[np.bool_]) -> bytes:
    """One line per chain of messages.

    Args:
        users: string[n], no nulls.
        texts: string[n]; null or empty: the message has no text.
        at: int64[n], microseconds since 1970 in UTC.
        begins: bool[n], a chain begins with this message.

    Raises:
        KernelError: columns of unequal length, users with nulls, or a first message that begins nothing.
    """
    user, text = _users(users), string_column(texts, "texts")
    _check_lengths(user, text, at, begins)
    if not len(at):
        return b""
    if not begins[0]:
        raise KernelError("the first message must begin a chain; start each call at the beginning of one.")
    made: bytes = _json_messages.chain_lines(user, text, _whole(at), np.ascontiguousarray(begins, np.uint8))
    return made


def action_lines(
    names: Sequence[str],
    content_users: pa.Array,
    content_texts: pa.Array,
    content_at: npt.NDArray[np.int64],
    users: pa.Array,
    actions: npt.NDArray[np.integer],
    at: npt.NDArray[np.int64],
    texts: pa.Array,
) -> bytes:
    """One line per action: the message that it is about, then what was done.

    Args:
        names: of the actions, in the order in which each line lists them.
        content_users: string[n], who wrote the message; no nulls.
        content_texts: string[n]; null or empty: it has no text.
        content_at: int64[n], its time in microseconds since 1970 in UTC.
        users: string[n], who acted; no nulls.
        actions: int[n], which of `names`.
        at: int64[n], when.
        texts: string[n], text of the action; null or empty: none.

    Raises:
        KernelError: columns of unequal length, users with nulls, or actions outside `names`.
    """
    content_user, content_text = _users(content_users), string_column(content_texts, "content_texts")
    user, text = _users(users), string_column(texts, "texts")
    _check_lengths(content_user, content_text, content_at, user, actions, at, text)
    if not len(at):
        return b""
    if not (int(actions.min()) >= 0 and int(actions.max()) < len(names)):
        raise KernelError(f"actions must lie in 0..{len(names) - 1}; found {actions.min()}..{actions.max()}.")
    made: bytes = _json_messages.action_lines(
        [name.encode() for name in names],
        content_user,
        content_text,
        _whole(content_at),
        user,
        np.ascontiguousarray(actions, np.uint8),
        _whole(at),
        text,
    )
    return made


def _users(users: pa.Array) -> pa.StringArray:
    column = string_column(users, "users")
    if column.null_count:
        raise KernelError(f"users must not be null; found {column.null_count} nulls in {len(column)}.")
    return column


def _whole(at: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.ascontiguousarray(at, np.int64)


def _check_lengths(*columns: pa.Array | npt.NDArray[np.generic]) -> None:
    if len({len(column) for column in columns}) > 1:
        raise KernelError(f"all columns must be equally long; found lengths {[len(column) for column in columns]}.")
