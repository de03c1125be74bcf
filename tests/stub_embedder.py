"""An embedder that costs nothing: seeded vectors of words, added up.

Here: vectors by the recipe of the sample data's README (in float64), and an `Embedder` around it for tests of tables.
Not here: any model.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from sm_assets.analysis.embedder import EmbedderSpec, Tokens

WIDTH = 64


@lru_cache(maxsize=100_000)
def word_vector(code: int) -> np.ndarray:
    """float64[64] of the CRC-32 of a word."""
    return np.random.RandomState(code).randn(WIDTH)


def text_vector(text: str) -> np.ndarray:
    """float64[64]: sum of the vectors of the words, of length 1; zeros where there is no word."""
    words = text.lower().split()
    total = np.zeros(WIDTH)
    for word in words:
        total += word_vector(zlib.crc32(word.encode()))
    return total / np.linalg.norm(total) if words else total


class StubEmbedder:
    """Words instead of word pieces, their seeded vectors instead of a model. Counts what it is asked to do."""

    def __init__(self, *, prefix: str = "", max_length: int = 256, fail_above: int | None = None) -> None:
        self.spec = EmbedderSpec(
            uri="dir:stub",
            revision="1",
            weights_sha256="0" * 64,
            tokenizer_sha256="0" * 64,
            config_sha256="0" * 64,
            pooling="mean",
            normalise=True,
            max_length=max_length,
            dtype="fp32",
            prefix=prefix,
        )
        self.width, self.device, self.token_budget = WIDTH, "cpu", 1_024
        self.languages: tuple[str, ...] = ()
        self.fail_above = fail_above
        self.n_texts = 0
        self.batches: list[int] = []

    def tokenise(self, texts: Sequence[str]) -> Tokens:
        """One number per word."""
        words = [[zlib.crc32(word.encode()) for word in (self.spec.prefix + text).lower().split()] for text in texts]
        limit = self.spec.max_length
        return Tokens.of([text[:limit] for text in words], [len(text) > limit for text in words])

    def embed(self, tokens: Tokens) -> np.ndarray:
        """float32[n, 64]."""
        if self.fail_above is not None and len(tokens.ids) > self.fail_above:
            raise MemoryError
        self.n_texts += len(tokens)
        self.batches.append(len(tokens.ids))
        sums = [
            sum(word_vector(int(code)) for code in tokens.ids[start:end])
            for start, end in zip(tokens.offsets[:-1], tokens.offsets[1:], strict=True)
        ]
        vectors = np.array(sums)
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
