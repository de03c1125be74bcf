"""Who carries what: the one shape in which accounts and their contents reach every co-sharing method.

Here: the `Evidence` arrays and the two ways to build them. Not here: what a content is (`contents`), what the evidence
says (`seeded`, `linkage`, `pairs`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sm_assets.errors import KernelError


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Accounts x contents in rows, grouped by account and, inside an account, by piece of evidence.

    A *piece of evidence* (unit) is what one post brings: its text, its link and the text in its image tie it to other accounts
    once, not three times. An account's content belongs to the piece of its earliest post that carries it, so every
    (account, content) occurs in exactly one row.

    Attributes:
        account_ptr: int64[n_accounts + 1]; rows of account a are account_ptr[a]:account_ptr[a + 1]. Accounts are numbered in
            the order of their key, so that a smaller number breaks every tie.
        content: int32[n_rows], 0 <= content < n_contents; ascending inside a unit.
        unit: int32[n_rows], number of the piece inside its account: 0, 0, 1, 2, 2, ... (non-decreasing, no gaps).
        n_contents: number of distinct contents.
        n_background: N, the number of distinct contents that are first in some unit (carriers without an account included).
    """

    account_ptr: npt.NDArray[np.int64]
    content: npt.NDArray[np.int32]
    unit: npt.NDArray[np.int32]
    n_contents: int
    n_background: int

    @property
    def n_accounts(self) -> int:
        """Number of accounts, those without a row included."""
        return len(self.account_ptr) - 1

    @property
    def n_units(self) -> npt.NDArray[np.int32]:
        """int32[n_accounts]: pieces of evidence of each account."""
        last = self.account_ptr[1:] - 1
        filled = last >= self.account_ptr[:-1]
        counts = np.zeros(self.n_accounts, dtype=np.int32)
        counts[filled] = self.unit[last[filled]] + 1
        return counts

    @classmethod
    def from_rows(
        cls,
        account: npt.ArrayLike,
        content: npt.ArrayLike,
        post: npt.ArrayLike | None = None,
        *,
        n_accounts: int,
        n_contents: int,
        n_background: int | None = None,
    ) -> Evidence:
        """Build from unordered rows (account, content, post), each (account, content) at most once.

        Args:
            account: int[n_rows], number of the account in key order.
            content: int[n_rows].
            post: int[n_rows], any number that rows of one account share exactly if one post brought them; None: every content
                is a piece of its own.
            n_accounts: number of accounts.
            n_contents: number of contents.
            n_background: N; None: counted from the first contents of the units.

        Raises:
            KernelError: numbers out of range, or an (account, content) that occurs twice.
        """
        account = np.asarray(account, dtype=np.int32)
        content = np.asarray(content, dtype=np.int32)
        for name, values, limit in (("account", account, n_accounts), ("content", content, n_contents)):
            if len(values) and (values.min() < 0 or values.max() >= limit):
                raise KernelError(f"{name} numbers must lie in 0..{limit - 1}; found {values.min()}..{values.max()}.")
        if len(content) != len(account):
            raise KernelError(f"account has {len(account)} rows, content {len(content)}; they must be equally long.")
        posts = np.arange(len(account), dtype=np.int64) if post is None else np.asarray(post, dtype=np.int64)
        order = np.lexsort((content, account)) if post is None else np.lexsort((content, posts, account))
        account, content, posts = account[order], content[order], posts[order]
        new_account = np.diff(account, prepend=-1) != 0
        new_unit = new_account | (np.diff(posts, prepend=-1) != 0) if len(account) else new_account
        running = np.cumsum(new_unit) - 1
        first_of_account = running[new_account]
        unit = (running - np.repeat(first_of_account, np.diff(np.append(np.flatnonzero(new_account), len(account))))).astype(
            np.int32
        )
        ptr = np.zeros(n_accounts + 1, dtype=np.int64)
        np.cumsum(np.bincount(account, minlength=n_accounts), out=ptr[1:])
        pair = np.sort(account.astype(np.int64) * n_contents + content)
        if len(pair) and (np.diff(pair) == 0).any():
            raise KernelError("an (account, content) occurs in two rows; give each once, with its earliest post.")
        if n_background is None:
            n_background = len(np.unique(content[new_unit]))
        return cls(ptr, content, unit, n_contents, n_background)
