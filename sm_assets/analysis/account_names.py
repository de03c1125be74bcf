"""Accounts as people name them: by id, or by handle.

Here: names to ids. Not here: what is asked about the accounts.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa


def account_ids(accounts: pa.Table, names: Iterable[str]) -> list[str]:
    """Ids of named accounts of one platform.

    Args:
        accounts: account_id, handle (may be null).
        names: ids, or handles with or without @, in any case. An id wins over a handle; of several accounts of one
            handle the first.

    Returns:
        One per name; a name that fits nobody stays as it is.
    """
    ids = accounts["account_id"].to_pylist()
    known = set(ids)
    handles: dict[str, str] = {}
    for account, handle in zip(ids, accounts["handle"].to_pylist(), strict=True):
        if handle:
            handles.setdefault(handle.casefold(), account)
    return [name if name in known else handles.get(name.removeprefix("@").casefold(), name) for name in names]
