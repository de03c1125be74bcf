"""Checking face of the kernel that groups rows of accounts and contents.

Here: numbers in, grouped numbers out. Not here: what accounts, contents and pieces of evidence are
(`sm_assets.analysis.evidence`).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from sm_assets.errors import KernelError
from sm_assets.kernels import _evidence


class GroupedRows(Protocol):
    """Rows of accounts and contents in the order that `group_rows` gives them."""

    @property
    def account_ptr(self) -> npt.NDArray[np.int64]:
        """int64[n_accounts + 1]: rows of account a are account_ptr[a]:account_ptr[a + 1]."""

    @property
    def content(self) -> npt.NDArray[np.int32]:
        """int32[n_rows]."""

    @property
    def unit(self) -> npt.NDArray[np.int32]:
        """int32[n_rows]: number of the piece of evidence inside its account."""

    @property
    def n_contents(self) -> int:
        """Number of contents."""

    @property
    def n_accounts(self) -> int:
        """Number of accounts."""


def group_rows(
    account: npt.ArrayLike,
    content: npt.ArrayLike,
    post: npt.ArrayLike | None,
    *,
    n_accounts: int,
    n_contents: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int32], int]:
    """Group rows by account, inside an account by post, inside a post by content.

    Args:
        account: int[n_rows].
        content: int[n_rows].
        post: int[n_rows]; None: every row is a post of its own, in the order of the contents.
        n_accounts: number of accounts.
        n_contents: number of contents.

    Returns:
        account_ptr int64[n_accounts + 1], content int32[n_rows], unit int32[n_rows] (number of the post inside its
        account), and the number of contents that come first in some unit.

    Raises:
        KernelError: numbers out of range, arrays of different lengths, or an (account, content) that occurs twice.
    """
    accounts = np.ascontiguousarray(account, dtype=np.int32)
    contents = np.ascontiguousarray(content, dtype=np.int32)
    posts = np.ascontiguousarray([] if post is None else post, dtype=np.int64)
    n = len(accounts)
    if len(contents) != n or (post is not None and len(posts) != n):
        raise KernelError(
            f"account has {n} rows, content {len(contents)}, post {len(posts)}; they must be equally long."
        )
    for name, values, limit in (("account", accounts, n_accounts), ("content", contents, n_contents)):
        if n and (values.min() < 0 or values.max() >= limit):
            raise KernelError(f"{name} numbers must lie in 0..{limit - 1}; found {values.min()}..{values.max()}.")
    account_ptr = np.zeros(n_accounts + 1, dtype=np.int64)
    grouped, unit = np.empty((2, n), dtype=np.int32)
    is_first = np.zeros(n_contents, dtype=np.uint8)
    repeats = _evidence.group_rows(accounts, contents, posts, n_contents, account_ptr, grouped, unit, is_first)
    if repeats:
        raise KernelError(f"{repeats} rows repeat an (account, content); give each once, with its earliest post.")
    return account_ptr, grouped, unit, int(np.count_nonzero(is_first))
