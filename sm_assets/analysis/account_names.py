"""Accounts as people name them: by id, or by handle with or without @.

Here: names to ids, by one rule wherever accounts are named. Not here: what is asked about the accounts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import numpy as np
import pyarrow as pa

from sm_assets.errors import OptionError


def names_of(accounts: str | int | Iterable[str | int], what: str = "accounts") -> list[str]:
    """Names as a list of text; a single text or number is one account, not its letters.

    Args:
        accounts: one name, or several.
        what: what the caller calls them, for the message.

    Raises:
        OptionError: something that is neither text nor a whole number.
    """
    names: list[object] = [accounts]
    if isinstance(accounts, Iterable) and not isinstance(accounts, str | bytes):
        names = list(accounts)
    for name in names:
        if isinstance(name, bool) or not isinstance(name, str | int | np.integer):
            raise OptionError(f"{what}: ids or handles are texts or whole numbers; found {name!r}. Leave it out.")
    return [str(name) for name in names]


def handles_of(accounts: pa.Table) -> dict[str, str]:
    """Handle without @ and case -> account_id; of several accounts of one handle the first.

    Args:
        accounts: account_id, handle (may be null).
    """
    handles: dict[str, str] = {}
    for account, handle in zip(accounts["account_id"].to_pylist(), accounts["handle"].to_pylist(), strict=True):
        if handle:
            handles.setdefault(handle.removeprefix("@").casefold(), account)
    return handles


def account_id(name: str, known: Collection[str], handles: Mapping[str, str]) -> str:
    """The id of a named account: the id as given, else the handle, else the id without @.

    Args:
        name: id, or handle with or without @, in any case.
        known: all ids.
        handles: see `handles_of`.

    Returns:
        An id; a name that fits nobody as it is.
    """
    bare = name.removeprefix("@")
    if name in known:
        return name
    return handles.get(bare.casefold()) or (bare if bare in known else name)


def account_ids(accounts: pa.Table, names: Iterable[str]) -> list[str]:
    """Ids of named accounts of one platform, by the rule of `account_id`.

    Args:
        accounts: account_id, handle (may be null).
        names: ids, or handles with or without @.

    Returns:
        One per name; a name that fits nobody stays as it is.
    """
    known, handles = set(accounts["account_id"].to_pylist()), handles_of(accounts)
    return [account_id(name, known, handles) for name in names]
