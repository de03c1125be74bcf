"""Checking face of the topic kernel: which topics the words of each document come from.

Here: the variational inference of one round of latent Dirichlet allocation, over all documents. Not here: the rounds,
and what a topic says (`sm_assets.analysis.topics`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sm_assets.errors import KernelError
from sm_assets.kernels import _topics


def infer_mixtures(
    row_ptr: npt.NDArray[np.int64],
    word: npt.NDArray[np.int32],
    count: npt.NDArray[np.float64],
    word_topic: npt.NDArray[np.float64],
    start: npt.NDArray[np.float64],
    *,
    prior: float,
    max_rounds: int = 100,
    tolerance: float = 1e-3,
    expect: bool = True,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64] | None]:
    """The topics of each document by coordinate ascent; other threads go on meanwhile.

    Args:
        row_ptr: int64[n + 1], words of a document are row_ptr[d] .. row_ptr[d + 1].
        word: int32[m], numbers of words.
        count: float64[m], how often the document has the word.
        word_topic: float64[n_words, k], exp of the expected log probability of a word in a topic.
        start: float64[n, k], Dirichlet parameters to begin with, above 0.
        prior: Dirichlet parameter of the topics of a document.
        max_rounds: rounds of a document at most.
        tolerance: a document is done when its parameters change by less than this on average.
        expect: count words by topics too.

    Returns:
        float64[n, k], Dirichlet parameters of the topics of each document, and float64[n_words, k], expected counts of
        words by topic (None unless asked for).

    Raises:
        KernelError: arrays that do not fit together.

    Source: Hoffman, Blei and Bach, Online learning for latent Dirichlet allocation, 2010, the E step.
    """
    n_words, k = word_topic.shape
    fits = len(row_ptr) >= 1 and row_ptr[0] == 0 and row_ptr[-1] == len(word) == len(count)
    if not fits or np.any(np.diff(row_ptr) < 0) or start.shape != (len(row_ptr) - 1, k):
        raise KernelError(
            f"row_ptr must rise from 0 to the number of words and counts, and `start` have a row per document and "
            f"{k} columns; found {len(row_ptr)} pointers, {len(word)} words, {len(count)} counts, start {start.shape}."
        )
    if len(word) and not (int(word.min()) >= 0 and int(word.max()) < n_words):
        raise KernelError(f"words must lie between 0 and {n_words - 1}; found {word.min()} to {word.max()}.")
    mixture = np.array(start, np.float64, order="C")
    expected = np.zeros((n_words if expect else 0, k))
    _topics.infer(
        np.ascontiguousarray(row_ptr, np.int64),
        np.ascontiguousarray(word, np.int32),
        np.ascontiguousarray(count, np.float64),
        np.ascontiguousarray(word_topic, np.float64),
        prior,
        mixture,
        expected,
        max_rounds,
        tolerance,
    )
    return mixture, expected if expect else None
