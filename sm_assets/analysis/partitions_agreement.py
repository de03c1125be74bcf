"""How far two partitions of the same nodes agree.

Here: the adjusted Rand index of two partitions and of all pairs out of many, normalised mutual information. Not here:
making partitions (`communities`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from sm_assets.errors import KernelError

Labels: TypeAlias = npt.NDArray[np.integer]


def contingency(a: Labels, b: Labels) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(class of a, class of b, nodes in both), int64 each: the pairs of classes that meet, classes numbered in order.

    Raises:
        KernelError: unlike lengths.
    """
    if len(a) != len(b):
        raise KernelError(f"two partitions of the same nodes are equally long; found {len(a)} and {len(b)}.")
    a_class, b_class = numbered(a), numbered(b)
    width = int(b_class.max(initial=0)) + 1
    key, counts = np.unique(a_class * width + b_class, return_counts=True)
    return key // width, key % width, counts.astype(np.int64)


def numbered(labels: Labels) -> npt.NDArray[np.int64]:
    """The same partition with its classes numbered 0, 1, 2, ... in the order of their labels."""
    return np.unique(labels, return_inverse=True)[1].astype(np.int64).reshape(-1)


def adjusted_rand(a: Labels, b: Labels) -> float:
    """Adjusted Rand index: 1 for equal partitions, 0 on average for independent ones.

    Args:
        a: int[n], label of each node.
        b: int[n], the other partition's labels.

    Returns:
        At most 1; 1 also where both leave no choice (all together, or all alone). Source: Hubert and Arabie, J.
        Classif. 2, 193, 1985.

    Raises:
        KernelError: unlike lengths.
    """
    a_class, b_class, counts = contingency(a, b)
    sizes = [np.bincount(side, weights=counts).astype(np.int64) for side in (a_class, b_class)]
    return _ari(_pairs(counts), _pairs(sizes[0]), _pairs(sizes[1]), len(a))


def normalised_mutual_information(a: Labels, b: Labels) -> float:
    """Mutual information over the mean of both entropies: 1 for equal partitions, 0 for independent ones.

    Raises:
        KernelError: unlike lengths.
    """
    a_class, b_class, counts = contingency(a, b)
    if not len(a):
        return 1.0
    share = counts / len(a)
    p, q = np.bincount(a_class, weights=share), np.bincount(b_class, weights=share)
    entropies = float(-(p * np.log(p)).sum() - (q * np.log(q)).sum())
    if entropies <= 0:
        return 1.0
    mutual = float((share * np.log(share / (p[a_class] * q[b_class]))).sum())
    return min(max(2 * mutual / entropies, 0.0), 1.0)


def mean_pairwise_ari(partitions: Sequence[Labels]) -> float:
    """Mean adjusted Rand index over all pairs of partitions of the same nodes; 1 if there are fewer than two.

    Args:
        partitions: int[n] each.

    Raises:
        KernelError: unlike lengths.
    """
    from scipy.sparse import csr_matrix

    if len(partitions) < 2:
        return 1.0
    if len({len(labels) for labels in partitions}) > 1:
        raise KernelError(f"partitions of the same nodes are equally long; found {[len(p) for p in partitions]}.")
    n = len(partitions[0])
    classes = [numbered(labels) for labels in partitions]
    sizes = [np.bincount(labels) for labels in classes]
    first = np.concatenate([[0], np.cumsum([len(size) for size in sizes])])
    inside = [_pairs(size) for size in sizes]
    columns = np.stack([labels + start for labels, start in zip(classes, first[:-1], strict=True)], axis=1)
    rows = np.arange(0, columns.size + 1, columns.shape[1])
    member = csr_matrix((np.ones(columns.size, np.int64), columns.ravel(), rows), shape=(n, int(first[-1])))
    of_partition = np.repeat(np.arange(len(sizes)), [len(size) for size in sizes])
    total = 0.0
    for k, labels in enumerate(classes):
        own = csr_matrix((np.ones(n, np.int64), labels, np.arange(n + 1)), shape=(n, len(sizes[k])))
        met = (own.T @ member).tocoo()
        together = np.bincount(of_partition[met.col], weights=met.data * (met.data - 1.0) / 2, minlength=len(sizes))
        total += sum(_ari(float(together[other]), inside[k], inside[other], n) for other in range(k))
    return total / (len(sizes) * (len(sizes) - 1) / 2)


def _pairs(counts: npt.NDArray[np.int64]) -> float:
    return float((counts * (counts - 1.0) / 2).sum())


def _ari(together: float, a: float, b: float, n: int) -> float:
    expected = a * b / max(n * (n - 1) / 2, 1.0)
    largest = (a + b) / 2
    return 1.0 if largest == expected else (together - expected) / (largest - expected)
