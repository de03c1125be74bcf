"""Worlds of influencers and followers to time sketches on.

Here: planted audiences of the size and overlap of real ones, pairs of sets of known similarity, and the other orders
edges may come in. Not here: timing. Sizes fall as rank^-0.9; an audience is drawn with repeats, most of it from a
window of users at the place of its community, the rest from everybody; repeats are dropped.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.uint32]

USERS = 4_000_000
COMMUNITIES = 200
LEAST = 20
# Draws per follower wanted, of which some repeat.
DRAWS = 1.22
# An audience that loses more to repeats is drawn again from a wider window.
LEAST_KEPT = 0.83
INFLUENCERS = {"w1": 20_000, "w2": 2_000}
# Least, median, mean and largest audience at 20 million edges.
SHAPES = {"w1": (128, 306, 1_056, 1_130_000), "w2": (1_531, 3_553, 10_300, 1_340_000)}
SHAPE_EDGES = 20_000_000


@dataclass(frozen=True)
class World:
    """Sets one after the other: uint64[n] keys, int64[m + 1] indptr."""

    keys: Keys
    indptr: npt.NDArray[np.int64]

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """int64[m] sizes of the sets."""
        return np.diff(self.indptr)

    @property
    def rows(self) -> Rows:
        """uint32[n] set of each key."""
        return np.repeat(np.arange(len(self.indptr) - 1, dtype=np.uint32), self.sizes)


def split_mix(users: Keys) -> Keys:
    """SplitMix64 of each number."""
    z = users + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def plant(name: str, edges: int, seed: int) -> World:
    """World w1 or w2 with about as many edges, ids in random order inside each set.

    Raises:
        SystemExit: the shape of the world is off by more than 5 percent.
    """
    rng = np.random.default_rng(seed)
    m = INFLUENCERS[name]
    weight = np.arange(1, m + 1, dtype=np.float64) ** -0.9
    sizes = np.clip(weight / weight.sum() * edges, LEAST, USERS / 3)
    place = rng.integers(0, USERS, COMMUNITIES)[rng.integers(0, COMMUNITIES, m)]
    inside = rng.uniform(0.5, 0.95, m)
    width = rng.uniform(1.2, 3, m)
    # The largest and the least audience decide the shape: they are not left to chance.
    inside[[0, -1]], width[[0, -1]] = (0.7, 0.93), (2.4, 1.3)
    parts = []
    for size, start, share, narrowest in zip(sizes, place, inside, width, strict=True):
        near = round(size * DRAWS * share)
        wide, users = narrowest, np.empty(0, dtype=np.int64)
        while len(users) < LEAST_KEPT * size:
            own = (start + rng.integers(0, max(round(size * wide), 1), near)) % USERS
            users = np.unique(np.concatenate([own, rng.integers(0, USERS, round(size * DRAWS) - near)]))
            wide *= 1.05
        parts.append(rng.permutation(users))
    counts = np.array([len(part) for part in parts])
    shape = (counts.min(), np.median(counts), counts.mean(), counts.max())
    if edges == SHAPE_EDGES:
        for found, wanted in zip(shape, SHAPES[name], strict=True):
            if abs(found / wanted - 1) > 0.05:
                sys.exit(f"The world {name} has the shape {shape}; expected about {SHAPES[name]}.")
    keys = split_mix(np.concatenate(parts).astype(np.uint64)) >> np.uint64(1)
    return World(keys, np.concatenate([[0], np.cumsum(counts)]))


def uniform(edges: int, seed: int, size: int = 1_000_000) -> World:
    """Sets of a million random ids."""
    m = max(edges // size, 1)
    keys = np.random.default_rng(seed).integers(0, 2**63, m * size, dtype=np.uint64)
    return World(keys, np.arange(m + 1, dtype=np.int64) * size)


def in_order(world: World, order: str, seed: int) -> tuple[Keys, Rows]:
    """The edges `random` or sorted `by-follower`: keys and rows."""
    if order == "random":
        places = np.random.default_rng(seed).permutation(len(world.keys))
    else:
        places = np.argsort(world.keys, kind="stable")
    return world.keys[places], world.rows[places]


def alike(sizes: tuple[int, ...], pairs: int, seed: int) -> tuple[World, npt.NDArray[np.float64]]:
    """Sets 2p and 2p + 1 of 32-bit ids with planted similarity: the sets, and float64[pairs] for each size."""
    rng = np.random.default_rng(seed)
    parts, truth = [], []
    for size in sizes:
        wanted = rng.uniform(0.02, 0.9, pairs)
        for shared in np.round(2 * size * wanted / (1 + wanted)).astype(int):
            ids = rng.permutation(np.unique(rng.integers(0, 2**32, 2 * size + 99, dtype=np.uint64)))[
                : 2 * size - shared
            ]
            parts += [ids[:size], ids[size - shared :]]
            truth.append(shared / (2 * size - shared))
    counts = [len(part) for part in parts]
    return World(np.concatenate(parts), np.concatenate([[0], np.cumsum(counts)])), np.array(truth)
