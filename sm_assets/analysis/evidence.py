"""Who carries what: the one shape in which accounts and their contents reach every co-sharing method.

Here: the `Evidence` arrays and the two ways to build them. Not here: what a content is (`contents`), what the evidence
says (`seeded`, `linkage`, `pairs`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sm_assets.kernels.evidence import group_rows


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Accounts x contents in rows, grouped by account and, inside an account, by piece of evidence.

    A *piece of evidence* (unit) is what one post brings: its text, its link and the text in its image tie it to other
    accounts once, not three times. An account's content belongs to the piece of its earliest post that carries it, so
    every (account, content) occurs in exactly one row.

    Attributes:
        account_ptr: int64[n_accounts + 1]; rows of account a are account_ptr[a]:account_ptr[a + 1]. Accounts are
            numbered in the order of their key, so that a smaller number breaks every tie.
        content: int32[n_rows], 0 <= content < n_contents; ascending inside a unit.
        unit: int32[n_rows], number of the piece inside its account: 0, 0, 1, 2, 2, ... (non-decreasing, no gaps).
        n_contents: number of distinct contents.
        n_background: N, the number of distinct contents that are first in some unit (carriers without an account
        included).
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
            post: int[n_rows], any number that rows of one account share exactly if one post brought them; None: every
                content is a piece of its own.
            n_accounts: number of accounts.
            n_contents: number of contents.
            n_background: N; None: counted from the first contents of the units.

        Raises:
            KernelError: numbers out of range, or an (account, content) that occurs twice.
        """
        account_ptr, grouped, unit, n_first = group_rows(
            account, content, post, n_accounts=n_accounts, n_contents=n_contents
        )
        return cls(account_ptr, grouped, unit, n_contents, n_first if n_background is None else n_background)
