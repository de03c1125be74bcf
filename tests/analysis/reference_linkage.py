"""The linkage method once more, in plain Python over dicts and sets: slow, readable, the oracle of the kernels.

Written from the description, not from the kernels; the constants are those of the method. Contents with more than 64
carriers are beyond it: there the method samples.
"""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import combinations

VOTE = 2**36
WOVEN = 0.15
Labels = dict[int, int]


class Reference:
    """Accounts, their pieces of evidence (sets of contents), and all steps of the method."""

    def __init__(self, pieces: list[list[set[int]]], viral: int = 200) -> None:
        self.n = len(pieces)
        self.pieces = pieces
        self.viral = viral
        self.carriers: dict[int, set[int]] = defaultdict(set)
        for account, own in enumerate(pieces):
            for piece in own:
                for content in piece:
                    self.carriers[content].add(account)
        self.part: dict[tuple[int, int], int] = {}  # (account, content): vote for each other carrier
        self.mass = [0] * self.n
        self.n_shared = [0] * self.n
        self.n_common = [0] * self.n
        for account, own in enumerate(pieces):
            for piece in own:
                shared = [content for content in piece if len(self.carriers[content]) > 1]
                for content in shared:
                    many = len(self.carriers[content])
                    vote = int(VOTE * (0.5 + 0.5 * math.sqrt(2 / many))) // len(shared)
                    if many > viral:
                        vote = vote * viral // many
                    self.part[account, content] = vote // (many - 1)
                    self.mass[account] += vote
                self.n_shared[account] += bool(shared)
                self.n_common[account] += any(len(self.carriers[content]) <= viral for content in shared)

    # -------------------------------------------------------------------------------------------------- cores

    def votes(self, x: int, y: int) -> int:
        """Votes of x for y."""
        return sum(vote for (who, content), vote in self.part.items() if who == x and y in self.carriers[content])

    def pieces_shared(self, x: int, y: int) -> int:
        """Pieces that x and y share, walking through x's and skipping a piece of y that was met just before."""
        count, last = 0, None
        for piece in self.pieces[x]:
            for content in sorted(piece):
                where = next((k for k, other in enumerate(self.pieces[y]) if content in other), None)
                if where is None:
                    continue
                if last is None or (last[0] is not piece and last[1] != where):
                    count += 1
                last = (piece, where)
        return count

    def cores(self, candidates: set[int], min_pieces: int, threshold: float) -> Labels:
        similar: dict[tuple[int, int], int] = {}
        for x, y in combinations(sorted(candidates), 2):
            both = self.votes(x, y) + self.votes(y, x)
            if not both or self.pieces_shared(x, y) < min_pieces:
                continue
            value = both / (2 * (math.sqrt(self.mass[x] * self.mass[y]) / VOTE + 2.0))
            if value >= 0.25 * (threshold * VOTE):
                similar[x, y] = int(value)

        def mean(a: frozenset[int], b: frozenset[int]) -> float:
            return sum(similar.get((min(x, y), max(x, y)), 0) for x in a for y in b) / (len(a) * len(b))

        groups = merged([frozenset({x}) for x in range(self.n)], mean, threshold * VOTE)
        return labelled(groups)

    def grounded(self, label: Labels) -> Labels:
        """Only clusters in which somebody shares two pieces with others."""

        def inner(x: int) -> int:
            return sum(
                any(label.get(y) == label[x] for content in piece for y in self.carriers[content] - {x})
                for piece in self.pieces[x]
            )

        firm = {label[x] for x in label if inner(x) >= 2}
        return numbered({x: k for x, k in label.items() if k in firm})

    # -------------------------------------------------------------------------------------------------- growth

    def scores(self, label: Labels, doubt: float | None = None) -> list[tuple[list[tuple[float, int]], float, float]]:
        """Per account: (score, label) best first, share of votes placed, share of the best two.

        doubt None: one vote, and a fiftieth for every piece that nobody else carries.
        """
        sizes: dict[int, int] = defaultdict(int)
        for number in label.values():
            sizes[number] += 1
        result = []
        for x in range(self.n):
            got: dict[int, int] = defaultdict(int)
            for piece in self.pieces[x]:
                for content in piece:
                    for y in self.carriers[content] - {x}:
                        if y in label:
                            got[label[y]] += self.part[x, content]
            ranked = []
            for number, votes in got.items():
                chance = (sizes[number] - (label.get(x) == number)) / max(self.n - 1, 1)
                beyond = (votes - chance * self.mass[x]) / (1 - chance) if chance < 1 else float(votes)
                mine = 1 + 0.02 * (len(self.pieces[x]) - self.n_shared[x]) if doubt is None else doubt
                score = beyond / (self.mass[x] + mine * VOTE)
                if score > 0:
                    ranked.append((score, number))
            ranked.sort(key=lambda item: (-item[0], item[1]))
            whole = self.mass[x] or 1
            result.append((ranked, sum(got.values()) / whole, sum(got[number] for _, number in ranked[:2]) / whole))
        return result

    def attach(
        self, label: Labels, candidates: set[int], share: float, factor: float, doubt: float | None = None
    ) -> Labels:
        scores = self.scores(label, doubt)
        return numbered(
            {
                x: ranked[0][1]
                for x, (ranked, _, _) in enumerate(scores)
                if x in candidates and fits(ranked, share, factor)
            }
        )

    def merge(self, label: Labels) -> Labels:
        groups = [frozenset(members) for _, members in sorted(by_label(label).items())]

        def inner(group: frozenset[int]) -> int:
            return sum(self.votes(x, y) for x in group for y in group if x != y)

        def woven(a: frozenset[int], b: frozenset[int]) -> float:
            both = sum(self.votes(x, y) + self.votes(y, x) for x in a for y in b)
            mass_a, mass_b = (float(sum(self.mass[x] for x in group)) for group in (a, b))
            expected = max(
                float(inner(a)) * len(a) / (len(a) - 1) * mass_b / mass_a,
                float(inner(b)) * len(b) / (len(b) - 1) * mass_a / mass_b,
            )
            return both / expected if expected > 0 else 0.0

        return labelled(merged(groups, woven, WOVEN * 2))

    def settle(self, label: Labels, threshold: float, factor: float, candidates: set[int] | None = None) -> Labels:
        before = label
        for _ in range(10):
            moved = self.attach(label, candidates if candidates is not None else set(range(self.n)), threshold, factor)
            done = moved in (label, before)
            before, label = label, moved
            if done:
                break
        while True:
            label = self.grounded(label)
            scores = self.scores(label)
            stays = {
                x: k for x, k in label.items() if fits(scores[x][0], threshold, factor) and scores[x][0][0][1] == k
            }
            if len(stays) == len(label):
                return label
            label = numbered(stays)

    # -------------------------------------------------------------------------------------------------- all of it

    def cluster(self, threshold: float = 0.32, factor: float = 2.5) -> Labels:
        """Steps 1 to 3 of the method: without the parting of bridged clusters."""
        everyone = set(range(self.n))
        label = self.grounded(self.cores({x for x in everyone if self.mass[x]}, 1, 0.03))
        label = self.attach(label, everyone, 0.2, 1.5, 0.0)
        label = self.settle(self.merge(label), threshold, factor)
        scores = self.scores(label)
        left = {x for x in everyone if x not in label and self.n_shared[x] >= 3 and scores[x][1] <= 0.25}
        late = self.merge(self.grounded(self.cores(left, 2, 0.002)))
        for _ in range(2):
            late = self.merge(self.attach(late, left, 0.0, 1.5, 0.0))
        offset = max(label.values(), default=-1) + 1
        label = numbered(label | {x: k + offset for x, k in late.items()})
        label = self.settle(label, threshold, factor)
        return self.settle(self.merge(label), threshold, factor)


def fits(ranked: list[tuple[float, int]], share: float, factor: float) -> bool:
    return bool(ranked) and ranked[0][0] >= share and ranked[0][0] >= factor * (ranked[1][0] if ranked[1:] else 0)


def by_label(label: Labels) -> dict[int, set[int]]:
    groups: dict[int, set[int]] = defaultdict(set)
    for x, number in label.items():
        groups[number].add(x)
    return groups


def labelled(groups: list[frozenset[int]]) -> Labels:
    return numbered({x: k for k, group in enumerate(groups) for x in group})


def numbered(label: Labels) -> Labels:
    """Without clusters of one, numbered by the smallest account."""
    groups = sorted((group for group in by_label(label).values() if len(group) > 1), key=min)
    return {x: k for k, group in enumerate(groups) for x in group}


def merged(groups: list[frozenset[int]], similarity, threshold: float) -> list[frozenset[int]]:
    """Merge the two most similar groups while they reach the threshold; ties go to the smallest members."""
    groups = list(groups)
    known: dict[tuple[frozenset[int], frozenset[int]], float] = {}
    while True:
        best = None
        for a, b in combinations(sorted(groups, key=min), 2):
            if (a, b) not in known:
                known[a, b] = similarity(a, b)
            value = known[a, b]
            if value >= threshold and value > 0 and (best is None or value > best[0]):
                best = (value, a, b)
        if best is None:
            return groups
        _, a, b = best
        groups = [group for group in groups if group not in {a, b}] + [a | b]
