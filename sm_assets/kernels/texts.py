"""Folding of texts and rewriting of addresses over whole columns, as far as single characters and plain addresses go.

Here: the checking face. A row that needs more (marks that combine, a full address parser) comes back as HARD, and
the caller settles it by the same rules (`sm_assets.analysis.folding`, `sm_assets.analysis.urls`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.errors import KernelError
from sm_assets.kernels import _texts
from sm_assets.kernels.arrow import built_array, string_column

NONE, DONE, HARD, INTERNAL = range(4)
HARD_LINK = 3


class Folder:
    """Folds texts whose characters fold one by one.

    Args:
        rule: what folding makes of one character: (text, letters and digits that each of its characters counts), or
            None if that depends on what stands beside it. Asked once per character, by pages of 256.
    """

    def __init__(self, rule: Callable[[str], tuple[str, Sequence[int]] | None]) -> None:
        self._rule = rule
        self._folder = _texts.Folder()

    def _fill(self, page: int) -> None:
        rules = []
        for code in range(page << 8, (page + 1) << 8):
            found = self._rule(chr(code)) if not 0xD800 <= code < 0xE000 else None
            if found is not None:
                text, weights = found
                encoded = [char.encode() for char in text]
                # The weight stands at a character's first byte.
                spread = b"".join(
                    bytes([weight]) + bytes(len(char) - 1) for char, weight in zip(encoded, weights, strict=True)
                )
                rules.append((code, b"".join(encoded), spread))
        self._folder.fill(page, rules)

    def fold(
        self, texts: pa.Array
    ) -> tuple[pa.StringArray, npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Fold a column.

        Returns:
            folded texts (null where not DONE or nothing is left), uint8[n] NONE | DONE | HARD, int64[n] letters and
            digits, bool[n] holds an address.
        """
        column = string_column(texts)
        n = len(column)
        status, letters, addresses = np.zeros(n, np.uint8), np.zeros(n, np.int64), np.zeros(n, np.uint8)
        if not n:
            return column, status, letters, addresses.astype(bool)
        for page in self._folder.missing_pages(column):
            self._fill(page)
        folded = self._folder.fold(column, status, letters, addresses)
        return built_array(folded), status, letters, addresses.astype(bool)


def join_texts(columns: Sequence[pa.Array]) -> pa.StringArray:
    """The non-empty texts of each row joined by one blank, null where there is none.

    (Arrow's own element-wise join with null_handling="skip" leaves rows out where all texts are null.)

    Raises:
        KernelError: no column, or columns of unequal length.
    """
    arrays = [string_column(column) for column in columns]
    if len({len(array) for array in arrays}) != 1:
        raise KernelError(
            f"one or more columns of equal length are needed; found lengths {[len(array) for array in arrays]}."
        )
    n = len(arrays[0])
    return built_array(_texts.joined(arrays, n)) if n else pa.array([], pa.string())


def compat_links(final_links: pa.Array, links: pa.Array) -> tuple[pa.StringArray, npt.NDArray[np.uint8]]:
    """The one external link of each row by the original program's rules.

    Returns:
        links (null where not DONE) and uint8[n]: NONE, DONE, HARD (the final link decides, by Unicode rules) or
        HARD_LINK.

    Raises:
        KernelError: columns of unequal length.
    """
    first, second = string_column(final_links), string_column(links)
    if len(first) != len(second):
        raise KernelError(f"final_links and links must be equally long; found {len(first)} and {len(second)}.")
    status = np.zeros(len(first), np.uint8)
    if not len(first):
        return first, status
    made = _texts.compat_links(first, second, status)
    return built_array(made), status


class AddressRules:
    """Rules for canonical addresses.

    Args:
        internal: domains of the post's own platform.
        renamed: (host, main host) pairs, without `www.`.
        dropped: (domain or "" for all, exact parameter names, parameter name beginnings), in lower case.
        hard: hosts that need the full rules.
    """

    def __init__(
        self,
        internal: Sequence[str],
        renamed: Sequence[tuple[str, str]],
        dropped: Sequence[tuple[str, Sequence[str], Sequence[str]]],
        hard: Sequence[str],
    ) -> None:
        def encode(words: Sequence[str]) -> list[bytes]:
            return [word.encode() for word in words]

        self._rules = _texts.AddressRules(
            encode(internal),
            [(old.encode(), new.encode()) for old, new in renamed],
            [(domain.encode(), encode(exact), encode(heads)) for domain, exact, heads in dropped],
            encode(hard),
        )

    def rewrite(self, urls: pa.Array) -> tuple[pa.StringArray, npt.NDArray[np.uint8]]:
        """(canonical addresses, null where not DONE; uint8[n]: NONE, DONE, HARD or INTERNAL)."""
        column = string_column(urls)
        status = np.zeros(len(column), np.uint8)
        if not len(column):
            return column, status
        made = self._rules.rewrite(column, status)
        return built_array(made), status
