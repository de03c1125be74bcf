"""Terms of clusters: the words that mark each cluster off from the others.

Here: class-based TF-IDF over words and pairs of neighbouring words. Not here: which tokens are words (`token_codes`).

A pair is two words that stand side by side in a text: none reaches over a stop word, an address or a mention. One
account is one voice for a content, however often it repeats it and the words in it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.parameters import check_whole
from sm_assets.analysis.token_codes import TokenCodes
from sm_assets.errors import KernelError

N_TERMS: Final = 15
LABEL_TERMS: Final = 3
"""Terms that a cluster is called by."""
SCHEMA: Final = pa.schema(
    [
        ("cluster_id", pa.int64()),
        ("rank", pa.int64()),
        ("term", pa.string()),
        ("weight", pa.float64()),
        ("n_accounts", pa.int64()),
        ("n_occurrences", pa.int64()),
    ]
)


def cluster_terms(
    words: TokenCodes,
    cluster: npt.NDArray[np.int64],
    account: npt.NDArray[np.int64],
    content: npt.NDArray[np.int64],
    *,
    n_terms: int = N_TERMS,
    min_accounts: int = 2,
) -> pa.Table:
    """The terms of every cluster, strongest first.

    Args:
        words: of n texts.
        cluster: int64[n], cluster of each text, 0 or more.
        account: int64[n], number of the account that wrote it.
        content: int64[n], number of its content.
        n_terms: terms of a cluster at most.
        min_accounts: accounts of the cluster that must use a term; where no term has so many, all are kept.

    Returns:
        cluster_id, rank (from 1), term, weight, n_accounts (of the cluster, that use it), n_occurrences (pairs of
        account and content that it is in), by cluster and rank. The weight of term t in cluster c is
        tf(t, c) ln(1 + A / f(t)): tf its share of the cluster's occurrences, f its occurrences in all clusters, A the
        mean number of occurrences of a cluster. Ties by term. A cluster without a word has no rows.

    Raises:
        KernelError: unlike lengths.
        OptionError: a number is out of range.

    Source: Grootendorst, BERTopic: Neural topic modeling with a class-based TF-IDF procedure, 2022, equation 2.
    """
    check_whole("n_terms", n_terms)
    check_whole("min_accounts", min_accounts)
    if not len(cluster) == len(account) == len(content) == words.n_texts:
        raise KernelError(
            f"one cluster, account and content per text; found {len(cluster)}, {len(account)} and {len(content)} for "
            f"{words.n_texts} texts."
        )
    n_clusters = int(np.count_nonzero(np.bincount(cluster)))
    text, term, pairs = _terms_of(words)
    n_all = max(len(words.vocabulary) + len(pairs), 1)
    teller = _numbers(cluster, account)
    voice = _numbers(teller, content)
    key, n_occurrences = _counts_by_cluster(voice, cluster, text, term, n_all)
    n_accounts = _counts_by_cluster(teller, cluster, text, term, n_all)[1]

    c, t = key // n_all, key % n_all
    frequency = np.bincount(t, n_occurrences, n_all)
    total = np.bincount(c, n_occurrences)
    weight = n_occurrences / total[c] * np.log1p(n_occurrences.sum() / max(n_clusters, 1) / frequency[t])

    fit = n_accounts >= min_accounts
    fit |= ~np.isin(c, c[fit])
    found = []
    for number in np.unique(c):
        rows = np.flatnonzero(fit & (c == number))
        least = np.partition(weight[rows], -n_terms)[-n_terms] if len(rows) > n_terms else 0.0
        rows = rows[weight[rows] >= least]
        ranked = sorted(zip(-weight[rows], _spell(words, pairs, t[rows]), rows, strict=True))[:n_terms]
        found += [
            (int(number), rank, name, -float(negative), int(n_accounts[row]), int(n_occurrences[row]))
            for rank, (negative, name, row) in enumerate(ranked, 1)
        ]
    columns = list(zip(*found, strict=True)) or [()] * len(SCHEMA)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], SCHEMA)


def _terms_of(
    words: TokenCodes,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(text and term of every occurrence, pairs): terms are the words, then the pairs first * v + second."""
    v = max(len(words.vocabulary), 1)
    near = np.flatnonzero((np.diff(words.place) == 1) & (np.diff(words.text) == 0))
    pairs, number = np.unique(words.word[near] * v + words.word[near + 1], return_inverse=True)
    return (
        np.concatenate([words.text, words.text[near]]),
        np.concatenate([words.word, len(words.vocabulary) + number]),
        pairs,
    )


def _counts_by_cluster(
    who: npt.NDArray[np.int64],
    cluster: npt.NDArray[np.int64],
    text: npt.NDArray[np.int64],
    term: npt.NDArray[np.int64],
    n_terms: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(cluster * n_terms + term, ascending; how many different `who` of the cluster use the term)."""
    home = np.zeros(int(who.max(initial=-1)) + 1, np.int64)
    home[who] = cluster
    # `np.unique` without counts takes ten times as long.
    said = np.unique(who[text] * n_terms + term, return_counts=True)[0]
    return np.unique(home[said // n_terms] * n_terms + said % n_terms, return_counts=True)


def _numbers(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """One number, from 0 without gaps, for each pair of numbers."""
    first, second = (np.unique(each, return_inverse=True)[1] for each in (a, b))
    number: npt.NDArray[np.int64] = np.unique(first * (int(second.max(initial=0)) + 1) + second, return_inverse=True)[1]
    return number


def _spell(words: TokenCodes, pairs: npt.NDArray[np.int64], terms: npt.NDArray[np.int64]) -> list[str]:
    v = len(words.vocabulary)
    pair = pairs[np.maximum(terms - v, 0)] if len(pairs) else np.zeros(len(terms), np.int64)
    first = np.where(terms < v, terms, pair // max(v, 1))
    firsts, seconds = (words.vocabulary.take(pa.array(each)).to_pylist() for each in (first, pair % max(v, 1)))
    return [a if term < v else f"{a} {b}" for a, b, term in zip(firsts, seconds, terms, strict=True)]


def shared_terms(terms: pa.Table, n: int | None = None) -> dict[int, list[str]]:
    """The terms of each cluster that more than one account uses, for what is kept for good, like figures.

    Args:
        terms: cluster_id, rank, term, n_accounts.
        n: terms of a cluster at most; None: all.

    Returns:
        By cluster, in the order of ranks; a cluster without such a term has no entry.
    """
    rows = terms.select(["cluster_id", "rank", "term", "n_accounts"])
    rows = rows.filter(pc.greater(rows["n_accounts"], 1)).sort_by([("cluster_id", "ascending"), ("rank", "ascending")])
    found: dict[int, list[str]] = {}
    for number, term in zip(rows["cluster_id"].to_pylist(), rows["term"].to_pylist(), strict=True):
        found.setdefault(number, []).append(term)
    return {number: words[:n] for number, words in found.items()}
