"""Topics inside clusters: latent Dirichlet allocation over the texts of each cluster by itself.

Here: counts, the fit, the order and the coherence of topics; the original program's way beside it. Not here: which
tokens are words (`token_codes`), the loop over documents (`kernels.topics`).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.analysis.parameters import check_whole
from sm_assets.analysis.token_codes import TokenCodes
from sm_assets.errors import KernelError
from sm_assets.kernels.topics import infer_mixtures

OK: Final = "ok"
TOO_FEW_TEXTS: Final = "too_few_texts"
NO_TERMS: Final = "no_terms"

LEAST_TEXTS: Final = 20
MOST_TOPICS: Final = 5
TEXTS_PER_TOPIC: Final = 5
N_WORDS: Final = 10
MIN_TEXTS_OF_WORD: Final = 2
MAX_SHARE_OF_WORD: Final = 0.95
SEED: Final = 42
_ROUNDS: Final = 10
_GAMMA: Final = (100.0, 0.01)

SCHEMA: Final = pa.schema(
    [
        ("cluster_id", pa.int64()),
        ("topic", pa.int64()),
        ("rank", pa.int64()),
        ("word", pa.string()),
        ("weight", pa.float64()),
        ("topic_share", pa.float64()),
        ("coherence", pa.float64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Topics:
    """Topics of clusters.

    Attributes:
        table: cluster_id, topic (0 is the most frequent), rank (from 1), word, weight, topic_share, coherence.
        status: ok, too_few_texts or no_terms for each cluster.
    """

    table: pa.Table
    status: dict[int, str]


class Counts(NamedTuple):
    """How often which text has which word: rows of a sparse matrix."""

    row_ptr: npt.NDArray[np.int64]
    word: npt.NDArray[np.int32]
    times: npt.NDArray[np.float64]
    n_words: int


def cluster_topics(
    words: TokenCodes,
    cluster: npt.NDArray[np.int64],
    content: npt.NDArray[np.int64],
    *,
    n_words: int = N_WORDS,
    seed: int = SEED,
    threads: int = 1,
) -> Topics:
    """The topics of every cluster.

    Args:
        words: of n texts.
        cluster: int64[n], cluster of each text, 0 or more.
        content: int64[n], number of its content in the order of the keys of contents. Of a content that a cluster has
            several times the first row is read.
        n_words: words of a topic at most.
        seed: of the fit.
        threads: clusters that are worked on at once; the result is the same.

    Returns:
        Topics by cluster: min(5, n // 5) of them over its n distinct contents, from 20 contents on. A word counts if at
        least two of these and at most 95 % have it. `weight` is the word's probability in the topic, `topic_share` the
        share of the contents that it is the first topic of, `coherence` the mean NPMI of its words over pairs (null:
        fewer than two words). Topics are in the order of their share.

    Raises:
        KernelError: unlike lengths.
        OptionError: a number is out of range.

    Source: Blei, Ng and Jordan 2003; batch variational Bayes as in Hoffman, Blei and Bach 2010. NPMI: Bouma 2009.
    """
    check_whole("n_words", n_words)
    check_whole("threads", threads)
    if not len(cluster) == len(content) == words.n_texts:
        raise KernelError(
            f"one cluster and content per text; found {len(cluster)} and {len(content)} for {words.n_texts} texts."
        )
    order = np.lexsort((content, cluster))
    pair = np.stack([cluster[order], content[order]])
    order = order[np.diff(pair, prepend=-1).any(axis=0)]
    every = _counts_of(words, order)
    numbers, first = np.unique(cluster[order], return_index=True)
    bounds = [*first.tolist(), len(order)]
    spelled = np.array(words.vocabulary.to_pylist(), object)

    def work(at: int) -> tuple[str, list[dict[str, Any]]]:
        return _topics_of(_rows(every, bounds[at], bounds[at + 1]), spelled, n_words, seed)

    with ThreadPoolExecutor(threads) as pool:
        done = list(pool.map(work, range(len(numbers))))
    rows = [
        {"cluster_id": int(number)} | row for number, (_, found) in zip(numbers, done, strict=True) for row in found
    ]
    return Topics(
        pa.Table.from_pylist(rows, SCHEMA),
        {int(number): status for number, (status, _) in zip(numbers, done, strict=True)},
    )


def topics_compat(texts: Sequence[str], *, n_words: int = N_WORDS, seed: int = SEED) -> list[list[str]]:
    """Words of the topics of one cluster as the original program finds them.

    Args:
        texts: of the cluster, in the order of its lines, without empty ones.
        n_words: words of a topic.
        seed: of the fit.

    Returns:
        min(5, n // 5) lists from 20 texts on, in the order of the fit; none where no word is left. Words are those of
        scikit-learn's CountVectorizer without English stop words; the fit is scikit-learn's, online.
    """
    from sklearn.decomposition import LatentDirichletAllocation
    from sklearn.feature_extraction.text import CountVectorizer

    if len(texts) < LEAST_TEXTS:
        return []
    vectoriser = CountVectorizer(stop_words="english")
    try:
        counts = vectoriser.fit_transform(texts)
    except ValueError:  # the vocabulary is empty
        return []
    fit = LatentDirichletAllocation(_n_topics(len(texts)), learning_method="online", random_state=seed).fit(counts)
    spelled = vectoriser.get_feature_names_out()
    return [[str(spelled[at]) for at in weights.argsort()[::-1][:n_words]] for weights in fit.components_]


def fit_topics(counts: Counts, k: int, seed: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Latent Dirichlet allocation by batch variational Bayes.

    Args:
        counts: n texts; each word in at least one.
        k: topics.
        seed: of the first guess.

    Returns:
        float64[k, n_words], Dirichlet parameters of words by topic, and float64[n, k], share of each topic in a text:
        equal to components_ and transform() of scikit-learn's LatentDirichletAllocation(k, learning_method="batch",
        random_state=seed), whose priors (1 / k), rounds (10) and random numbers these are.
    """
    from scipy.special import psi

    random = np.random.RandomState(seed)  # scikit-learn's numbers
    n, prior = len(counts.row_ptr) - 1, 1.0 / k
    topic_word = random.gamma(*_GAMMA, (k, counts.n_words))

    def expected_words() -> npt.NDArray[np.float64]:
        """Exp of E[log p(word | topic)], float64[n_words, k]."""
        log = psi(topic_word) - psi(topic_word.sum(axis=1, keepdims=True))
        return np.ascontiguousarray(np.exp(log).T)

    matrix = (counts.row_ptr, counts.word, counts.times)
    for _ in range(_ROUNDS):
        _, expected = infer_mixtures(*matrix, expected_words(), random.gamma(*_GAMMA, (n, k)), prior=prior)
        assert expected is not None
        topic_word = prior + expected.T
    mixture, _ = infer_mixtures(*matrix, expected_words(), np.ones((n, k)), prior=prior, expect=False)
    return topic_word, mixture / mixture.sum(axis=1, keepdims=True)


def coherence(counts: Counts, words: Sequence[int]) -> float | None:
    """Mean normalised pointwise mutual information of the pairs of some words over texts.

    Args:
        counts: of n texts.
        words: numbers of words, each in at least one text.

    Returns:
        -1 (no two of them in one text) to 1 (always together); None for fewer than two words.

    Source: Bouma, Normalized (pointwise) mutual information in collocation extraction, 2009.
    """
    if len(words) < 2:
        return None
    n = len(counts.row_ptr) - 1
    text = np.repeat(np.arange(n), np.diff(counts.row_ptr))
    held = np.zeros((len(words), n), np.bool_)
    for at, number in enumerate(words):
        held[at, text[counts.word == number]] = True
    # Whole numbers: exact in any order.
    together = held.astype(np.int64) @ held.T.astype(np.int64)
    values = []
    for a, b in combinations(range(len(words)), 2):
        both = together[a, b] / n
        if both in {0.0, 1.0}:
            values.append(2 * both - 1)
        else:
            values.append(float(np.log(both * n * n / (together[a, a] * together[b, b])) / -np.log(both)))
    return float(np.mean(values))


def _n_topics(n_texts: int) -> int:
    return min(MOST_TOPICS, n_texts // TEXTS_PER_TOPIC)


def _topics_of(
    every: Counts, spelled: npt.NDArray[np.object_], n_words: int, seed: int
) -> tuple[str, list[dict[str, Any]]]:
    """Status and rows of one cluster."""
    n = len(every.row_ptr) - 1
    if n < LEAST_TEXTS:
        return TOO_FEW_TEXTS, []
    frequency = np.bincount(every.word, minlength=every.n_words)
    kept = np.flatnonzero((frequency >= MIN_TEXTS_OF_WORD) & (frequency <= MAX_SHARE_OF_WORD * n))
    if not len(kept):
        return NO_TERMS, []
    counts = _only(every, kept)
    topic_word, mixture = fit_topics(counts, _n_topics(n), seed)
    told = np.flatnonzero(np.diff(counts.row_ptr))
    share = np.bincount(mixture[told].argmax(axis=1), minlength=len(topic_word)) / n
    rows = []
    for topic, at in enumerate(np.argsort(-share, kind="stable")):
        weight = topic_word[at] / topic_word[at].sum()
        # Numbers are in the order of the words: equal weights keep it.
        best = np.argsort(-weight, kind="stable")[:n_words]
        common = {"topic": topic, "topic_share": float(share[at]), "coherence": coherence(counts, best.tolist())}
        rows += [
            common | {"rank": rank, "word": spelled[kept[word]], "weight": float(weight[word])}
            for rank, word in enumerate(best, 1)
        ]
    return OK, rows


def _counts_of(words: TokenCodes, order: npt.NDArray[np.int64]) -> Counts:
    """Counts of the texts in `order`; words of a text ascending."""
    n, v = len(order), max(len(words.vocabulary), 1)
    row = np.full(words.n_texts, -1, np.int64)
    row[order] = np.arange(n)
    rows = row[words.text]
    read = rows >= 0
    cell, count = np.unique(rows[read] * v + words.word[read], return_counts=True)
    row_ptr = np.searchsorted(cell // v, np.arange(n + 1))
    return Counts(row_ptr.astype(np.int64), (cell % v).astype(np.int32), count.astype(np.float64), v)


def _rows(counts: Counts, begin: int, end: int) -> Counts:
    low, high = int(counts.row_ptr[begin]), int(counts.row_ptr[end])
    return Counts(counts.row_ptr[begin : end + 1] - low, counts.word[low:high], counts.times[low:high], counts.n_words)


def _only(counts: Counts, kept: npt.NDArray[np.int64]) -> Counts:
    """Some words only, numbered anew in their order."""
    number = np.full(counts.n_words, -1, np.int64)
    number[kept] = np.arange(len(kept))
    fresh = number[counts.word]
    before = np.concatenate([[0], np.cumsum(fresh >= 0)])
    stays = fresh >= 0
    return Counts(before[counts.row_ptr], fresh[stays].astype(np.int32), counts.times[stays], len(kept))
