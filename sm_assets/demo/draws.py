"""Random draws that give the same values on every machine, Python version and hash seed.

Here: the few draws that the demo world needs, built on `random.Random.random()` alone (the only method whose sequence
Python promises to keep) and on +, -, * and /, which every machine rounds alike. No logarithm, no exponential: heavy
tails come from tables of quantiles.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

T = TypeVar("T")


class Draws:
    """One independent stream of draws, named by the seed and a purpose."""

    def __init__(self, seed: int, *purpose: str | int) -> None:
        # A text seeds by SHA-512, which no hash seed touches.
        self._random = random.Random("/".join(map(str, (seed, *purpose))))

    def uniform(self) -> float:
        """In [0, 1): for callers that need many of them fast."""
        return self._random.random()

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._random.random() < probability

    def below(self, limit: int) -> int:
        """0 <= integer < limit."""
        return int(self._random.random() * limit)

    def between(self, low: float, high: float) -> float:
        """Uniform in [low, high)."""
        return low + (high - low) * self._random.random()

    def pick(self, options: Sequence[T]) -> T:
        """One of them, each equally likely."""
        return options[self.below(len(options))]

    def weighted(self, weights: Sequence[int]) -> int:
        """A position, each as likely as its weight says."""
        bounds = list(accumulate(weights))
        return bisect_right(bounds, self.below(bounds[-1]))

    def sample(self, options: Sequence[T], size: int) -> list[T]:
        """`size` different ones, in random order."""
        rest = list(options)
        for position in range(size):
            other = position + self.below(len(rest) - position)
            rest[position], rest[other] = rest[other], rest[position]
        return rest[:size]

    def quantile(self, table: Sequence[float]) -> float:
        """A value whose equally spaced quantiles are `table`; straight lines between them."""
        place = self._random.random() * (len(table) - 1)
        left = int(place)
        return table[left] + (table[left + 1] - table[left]) * (place - left)

    def word(self, alphabet: str, length: int) -> str:
        """Letters of the alphabet."""
        return "".join(self.pick(alphabet) for _ in range(length))
