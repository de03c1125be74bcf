"""Clusters of short posts to measure what is made of clusters on.

Here: posts that talk about the topic of their cluster more often than others do. Not here: any claim.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from text_posts import posts


@dataclass(frozen=True, eq=False)
class Clusters:
    """Posts with the cluster, the account and the content of each.

    Attributes:
        texts: string[n].
        cluster: int64[n].
        account: int64[n], twenty posts each.
        content: int64[n], no two posts are alike.
    """

    texts: pa.Array
    cluster: npt.NDArray[np.int64]
    account: npt.NDArray[np.int64]
    content: npt.NDArray[np.int64]

    def of(self, number: int) -> list[str]:
        """Texts of one cluster."""
        return self.texts.filter(pa.array(self.cluster == number)).to_pylist()


def clusters(n_clusters: int = 20, size: int = 1500) -> Clusters:
    """English posts in clusters of one size; each cluster has thirty words of its own, three in every post."""
    random = np.random.default_rng(1)
    number = np.repeat(np.arange(n_clusters), size)
    letters = np.array(list("bcdfgklmnprst")), np.array(list("aeiou"))
    words = np.array([
        "".join(random.choice(letters[at % 2]) for at in range(6)) for _ in range(30 * n_clusters)
    ]).reshape(n_clusters, 30)  # fmt: skip
    plain = posts(len(number), language="en", copies=0).to_pylist()
    said = [f"{text} {' '.join(random.choice(words[at], 3))}" for text, at in zip(plain, number, strict=True)]
    every = np.arange(len(number))
    return Clusters(pa.array(said), number, every // 20, every)
