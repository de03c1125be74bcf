"""Synthetic biographies of the shape of a known set, to measure on.

Here: the texts, and the check of their shape. Not here: any claim.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

N: Final = 30_819
WORDS: Final = 308
VALUES: Final = 56_373
# Some people say nothing that others say too, a few say much.
EMPTY: Final = (0.25, 0.40)
SHORT: Final = (0.45, 0.65)
"""Share of rows of 1 to 3 words."""
_THEMES: Final = 24
_BOOST: Final = 3.0
_MOST: Final = 24
_SPREAD: Final = 1.2


class Biographies(NamedTuple):
    """Texts, and what TF-IDF makes of them.

    Attributes:
        texts: of each account; empty for many.
        rows: CSR float64[n, words], of length 1 or 0.
        shape: rows, columns, values, share of empty rows, share of rows of 1 to 3 words, distinct rows.
    """

    texts: list[str]
    rows: Any
    shape: dict[str, float]


def biographies(n: int = N, seed: int = 5) -> Biographies:
    """Biographies of n accounts: each of a theme whose words it prefers, common words in many of them.

    Args:
        n: accounts; 30,819 have the shape of the known set: 308 words, 56,373 values.
        seed: of all draws.

    Raises:
        SystemExit: the shape is not what is stated.
    """
    random = np.random.default_rng(seed)
    values = round(VALUES * n / N)
    size = _sizes(n, values, random)
    theme = random.integers(_THEMES, size=n)
    share = np.log(1 / np.arange(3, WORDS + 3))
    words = np.arange(WORDS)
    texts = list[str]()
    for at in range(n):
        keen = share + _BOOST * (words % _THEMES == theme[at]) + random.gumbel(size=WORDS)
        texts.append(" ".join(f"word{each:03d}" for each in np.argsort(-keen, kind="stable")[: size[at]]))
    rows = tfidf(texts)
    return Biographies(texts, rows, _shape(rows, n, values))


def tfidf(texts: list[str]) -> Any:
    """Scikit-learn's TF-IDF as it comes."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(max_features=WORDS).fit_transform(texts)


def _sizes(n: int, values: int, random: np.random.Generator) -> Any:
    """Words of each account: overdispersed, bounded, `values` in all."""
    keen = random.gamma(_SPREAD, size=n)
    size = np.minimum(random.poisson(keen * values / keen.sum()), _MOST)
    while size.sum() != values:
        gap = values - int(size.sum())
        able = np.flatnonzero((size > 0) & (size < _MOST)) if gap > 0 else np.flatnonzero(size > 1)
        size[random.choice(able, min(abs(gap), len(able)), replace=False)] += np.sign(gap)
    return size


def _shape(rows: Any, n: int, values: int) -> dict[str, float]:
    size = np.diff(rows.indptr)
    ends = zip(rows.indptr[:-1], rows.indptr[1:], strict=True)
    distinct = {(rows.indices[a:b].tobytes(), rows.data[a:b].tobytes()) for a, b in ends}
    found = {
        "rows": rows.shape[0],
        "columns": rows.shape[1],
        "values": rows.nnz,
        "empty_share": float((size == 0).mean()),
        "short_share": float(((size > 0) & (size <= 3)).mean()),
        "distinct_rows": len(distinct),
    }
    fits = (
        (rows.shape[0], rows.nnz) == (n, values)
        # Fewer rows may miss a rare word.
        and (rows.shape[1] == WORDS or n < N)
        and EMPTY[0] <= found["empty_share"] <= EMPTY[1]
        and SHORT[0] <= found["short_share"] <= SHORT[1]
    )
    if not fits:
        raise SystemExit(
            f"expected {n} rows of {WORDS} words with {values} values, empty {EMPTY}, short {SHORT}; found {found}"
        )
    return found
