"""The sketches in plain Python, straight from their definition: the least over ALL rounds, nothing is stopped early."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

WORD = 2**64
LOW = 2**32 - 1
EMPTY = LOW


def mix64(x: int) -> int:
    x ^= x >> 32
    x = x * 0xFF51AFD7ED558CCD % WORD
    x ^= x >> 32
    return x * 0xC4CEB9FE1A85EC53 % WORD


def split_mix_output(number: int) -> int:
    """Output `number` of SplitMix64 started at 0, by running it; number 0 is 0."""
    state = z = 0
    for _ in range(number):
        state = (state + 0x9E3779B97F4A7C15) % WORD
        z = state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % WORD
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % WORD
        z ^= z >> 31
    return z


def fss(keys: Iterable[int], k: int, seed: int = 0) -> list[int]:
    registers = [EMPTY] * k
    start = split_mix_output(seed)
    for key in keys:
        h = mix64(key ^ start)
        b = (((h & LOW) ^ (h >> 32)) * k) >> 32
        registers[b] = min(registers[b], h >> 33)
        for r in range(1, 2 * k):
            g = (h + r * 0x9E3779B97F4A7C15) % WORD
            g ^= g >> 32
            g = g * 0xFF51AFD7ED558CCD % WORD
            b = ((g >> 32) * k) >> 32 if r < k else r - k
            # The last code of k = 2048 gives way to EMPTY, which only the empty set has.
            registers[b] = min(registers[b], 2**31 + r * 2**19 + ((g & LOW) >> 13), EMPTY - 1)
    return registers


def finish32(x: int) -> int:
    x ^= x >> 16
    x = x * 0x85EBCA6B & LOW
    x ^= x >> 13
    x = x * 0xC2B2AE35 & LOW
    return x ^ (x >> 16)


def affine32(elements: Iterable[int], k: int, seed: int = 1) -> list[int]:
    draw = np.random.RandomState(seed)
    a = [2 * int(x) + 1 for x in draw.randint(0, 2**31, k, dtype=np.uint32)]
    b = [int(x) for x in draw.randint(0, 2**32, k, dtype=np.uint32)]
    mixed = [finish32(element) for element in elements]
    return [min(((a[j] * p + b[j]) & LOW for p in mixed), default=EMPTY) for j in range(k)]
