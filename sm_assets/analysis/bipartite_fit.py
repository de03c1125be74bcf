"""The bipartite configuration model, fitted on degree classes.

Here: P(f follows i) = x_f y_i / (1 + x_f y_i) with every degree met on average (Saracco et al., New J. Phys. 19,
053022, 2017). Followers of one degree share x and influencers of one size share y, so that work and memory follow the
number of distinct degrees times that of distinct sizes. Not here: what is concluded from it (`null_models`).

The fit maximises a concave likelihood in theta = log x and eta = log y by Newton's method. Each step is solved by
conjugate gradients on the follower classes, with the size classes eliminated. Degrees that leave no choice are set
aside first, again and again: who follows nobody (p = 0), who follows everybody that is left (p = 1), and the same for
influencers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from sm_assets.errors import KernelError

_TOLERANCE: Final = 1e-9
"""Largest relative difference between a degree and its expectation that the fit aims at."""
_REQUIRED: Final = 1e-6
"""The same below which a fit counts as one."""
_STEPS: Final = 200
_BLOCK: Final = 1 << 22
"""Probabilities that are held at once: 32 MiB, a few times."""
_SAMPLE: Final = 256
_REST: Final = 1e-11
_SAMPLED_REST: Final = 1e-13

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Aside:
    """Classes whose probabilities are certain, in the order in which they were found; the first word holds."""

    followers: bool
    classes: Ints
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class BipartiteFit:
    """A fitted model.

    Attributes:
        theta: float64[D], log x of each class of followers, where not set aside.
        eta: float64[S], log y of each class of influencers, where not set aside.
        follower_count: int64[D], followers per class.
        metadata: steps, residual, classes, how many accounts were set aside.
    """

    theta: Floats
    eta: Floats
    follower_count: Ints
    metadata: dict[str, int | float]
    _aside: list[_Aside]

    def probabilities(self, sizes: Ints | slice) -> Floats:
        """P(a follower of class d follows an influencer of class s): float64[D, number of sizes asked for]."""
        sizes = np.arange(len(self.eta))[sizes]
        p = _expit(self.theta[:, None] + self.eta[None, sizes])
        for word in reversed(self._aside):
            if word.followers:
                p[word.classes] = word.value
            else:
                p[:, np.isin(sizes, word.classes)] = word.value
        return p

    def shared_by_class(self) -> Floats:
        """Expected shared followers of two influencers, by their size classes: float64[S, S]."""
        n = len(self.eta)
        answer = np.zeros((n, n), np.float64)
        root = np.sqrt(self.follower_count.astype(np.float64))[:, None]
        step = max(1, _BLOCK // max(n, 1))
        for start in range(0, len(self.theta), step):
            rows = slice(start, start + step)
            part = BipartiteFit(self.theta[rows], self.eta, self.follower_count[rows], {}, self._rows_of(rows))
            weighted = part.probabilities(slice(None)) * root[rows]
            answer += weighted.T @ weighted
        return answer

    def factors(self) -> Floats:
        """The same as products: expected shared followers of s and t = factors[s] @ factors[t], float64[S, r].

        The probabilities are smooth in eta, so that few directions hold all of them; directions are taken from a sample
        of the classes until what any class has besides is below 1e-11 of its square.
        """
        n = len(self.eta)
        root = np.sqrt(self.follower_count.astype(np.float64))[:, None]
        least = np.finfo(np.float64).tiny
        sampled = np.zeros(n, np.bool_)
        chosen = np.unique(np.linspace(0, n - 1, min(n, _SAMPLE)).astype(np.int64))
        basis = np.empty((0, len(self.theta)), np.float64)
        step = max(1, _BLOCK // max(len(self.theta), 1))
        while True:
            sampled[chosen] = True
            sample = np.ascontiguousarray((self.probabilities(chosen) * root).T)
            sample /= np.maximum(np.sqrt(_squares(sample)), least)[:, None]
            basis = _with_directions(basis, sample)
            answer = np.empty((n, len(basis)), np.float64)
            rest = np.empty(n, np.float64)
            for start in range(0, n, step):
                part = slice(start, start + step)
                weighted = self.probabilities(part) * root
                answer[part] = weighted.T @ basis.T
                whole = (weighted**2).sum(axis=0)
                rest[part] = (whole - _squares(answer[part])) / np.maximum(whole, least)
            worst = np.flatnonzero((rest > _REST) & ~sampled)
            if not len(worst):
                return answer
            chosen = worst[np.argsort(-rest[worst], kind="stable")[:_SAMPLE]]

    def _rows_of(self, rows: slice) -> list[_Aside]:
        """What is set aside, numbered within a range of the follower classes."""
        start = rows.start
        parts: list[_Aside] = []
        for word in self._aside:
            classes = word.classes
            if word.followers:
                classes = classes[(classes >= start) & (classes < rows.stop)] - start
            parts.append(_Aside(word.followers, classes, word.value))
        return parts


def fit_bipartite(degree: Ints, follower_count: Ints, size: Ints, influencer_count: Ints) -> BipartiteFit:
    """Fit the model.

    Args:
        degree: int64[D], distinct degrees of followers.
        follower_count: int64[D], followers of each degree.
        size: int64[S], distinct sizes of audiences.
        influencer_count: int64[S], influencers of each size.

    Returns:
        Probabilities that meet every degree and size to 1e-6 of itself or better.

    Raises:
        KernelError: the sums of degrees differ, or no probabilities meet them.
    """
    if int((degree * follower_count).sum()) != int((size * influencer_count).sum()):
        raise KernelError("degrees of followers and sizes of audiences must add up to the same number of follows.")
    aside, a, b, free_d, free_s = _set_aside(degree, follower_count, size, influencer_count)
    theta, eta = np.zeros(len(degree), np.float64), np.zeros(len(size), np.float64)
    metadata: dict[str, int | float] = {
        "null_follower_classes": len(degree),
        "null_size_classes": len(size),
        "null_followers_aside": int(follower_count[~free_d].sum()),
        "null_influencers_aside": int(influencer_count[~free_s].sum()),
        "null_steps": 0,
        "null_residual": 0.0,
    }
    if free_d.any() and free_s.any():
        solver = _Newton(a[free_d], follower_count[free_d], b[free_s], influencer_count[free_s])
        steps, residual = solver.solve()
        theta[free_d], eta[free_s] = solver.theta, solver.eta
        metadata |= {"null_steps": steps, "null_residual": residual}
    return BipartiteFit(theta, eta, follower_count, metadata, aside)


def _squares(rows: Floats) -> Floats:
    return np.asarray(np.einsum("nd,nd->n", rows, rows), np.float64)


def _with_directions(basis: Floats, rows: Floats) -> Floats:
    """The orthonormal rows of `basis`, and as many more as hold `rows`, which are of length 1 and are used up.

    Gram and Schmidt's way with the longest rest first. A singular value decomposition would do the same in hundreds of
    small steps, at each of which the threads of a linear algebra library wait for each other.
    """
    for _ in range(2):
        rows -= (rows @ basis.T) @ basis
    found = list(basis)
    while len(found) < rows.shape[1]:
        left = _squares(rows)
        at = int(np.argmax(left))
        if left[at] <= _SAMPLED_REST:
            break
        direction = rows[at] / np.sqrt(left[at])
        for _ in range(2):
            for other in found:
                direction -= np.einsum("d,d->", direction, other) * other
            direction /= np.sqrt(np.einsum("d,d->", direction, direction))
        found.append(direction)
        rows -= np.einsum("nd,d->n", rows, direction)[:, None] * direction
    return np.stack(found) if found else basis


def _expit(z: Floats) -> Floats:
    """1 / (1 + exp(-z)), in place."""
    np.negative(z, out=z)
    np.clip(z, -700.0, 700.0, out=z)
    np.exp(z, out=z)
    z += 1.0
    np.reciprocal(z, out=z)
    return z


def _set_aside(
    degree: Ints, follower_count: Ints, size: Ints, influencer_count: Ints
) -> tuple[list[_Aside], Ints, Ints, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """(set aside, degrees that are left, sizes that are left, classes of followers with a choice, of influencers)."""
    left = (degree.copy(), size.copy())
    count = (follower_count, influencer_count)
    free = (follower_count > 0, influencer_count > 0)
    aside: list[_Aside] = []
    found = True
    while found:
        found = False
        for side in (0, 1):
            n_other = int(count[1 - side][free[1 - side]].sum())
            for full in (False, True):
                classes = np.flatnonzero(free[side] & (left[side] >= n_other if full else left[side] <= 0))
                if not len(classes):
                    continue
                if (left[side][classes] > n_other).any() or (left[side][classes] < 0).any():
                    raise KernelError(
                        "no follows can meet these degrees: somebody would follow, or be followed by, more accounts "
                        "than there are. Count sizes and degrees over the same distinct edges."
                    )
                free[side][classes] = False
                aside.append(_Aside(side == 0, classes, 1.0 if full else 0.0))
                if full:
                    left[1 - side][free[1 - side]] -= int(count[side][classes].sum())
                found = True
    return aside, left[0], left[1], free[0], free[1]


class _Newton:
    """Newton's method on log x and log y; both are known but for one number that may go from one to the other."""

    def __init__(self, a: Ints, n: Ints, b: Ints, c: Ints) -> None:
        self._a, self._n = a.astype(np.float64), n.astype(np.float64)
        self._b, self._c = b.astype(np.float64), c.astype(np.float64)
        edges = float(self._a @ self._n)
        self.theta = np.log(self._a) - 0.5 * np.log(edges)
        self.eta = np.log(self._b) - 0.5 * np.log(edges)
        self._step = max(1, _BLOCK // len(a))
        self._kept: list[Floats] | None = [] if len(a) * len(b) <= 4 * _BLOCK else None

    def solve(self) -> tuple[int, float]:
        """(steps made, largest relative residual)."""
        value, residual = self._evaluate()
        for step in range(_STEPS):
            if residual < _TOLERANCE:
                return step, residual
            d_theta, d_eta = self._direction(residual)
            theta, eta = self.theta, self.eta
            scale = min(1.0, 4.0 / max(np.abs(d_theta).max(), np.abs(d_eta).max(), 1e-300))
            before, best = residual, value
            for _ in range(40):
                self.theta, self.eta = theta + scale * d_theta, eta + scale * d_eta
                value, residual = self._evaluate()
                if value > best or residual < before:
                    break
                scale *= 0.5
            else:
                self.theta, self.eta = theta, eta
                _, residual = self._evaluate()
                break
        if residual > _REQUIRED:
            raise KernelError(
                f"the bipartite configuration model did not meet the degrees: relative residual {residual:.1e} instead "
                "of 1e-6. Count sizes and degrees over the same distinct edges, or take null = chung_lu."
            )
        return _STEPS, residual

    def _blocks(self) -> Iterator[tuple[slice, Floats]]:
        """Products p (1 - p) n of all classes, in blocks of columns."""
        for k, start in enumerate(range(0, len(self.eta), self._step)):
            part = slice(start, start + self._step)
            if self._kept is not None:
                yield part, self._kept[k]
            else:
                p = _expit(self.theta[:, None] + self.eta[None, part])
                p *= 1.0 - p
                p *= self._n[:, None]
                yield part, p

    def _evaluate(self) -> tuple[float, float]:
        """(log likelihood, residual); gradient and diagonal blocks of the curvature are kept."""
        row_sum, row_curve = np.zeros(len(self.theta)), np.zeros(len(self.theta))
        self._g_s, self._d_s = np.empty(len(self.eta)), np.empty(len(self.eta))
        value = float(self._n @ (self._a * self.theta) + self._c @ (self._b * self.eta))
        kept: list[Floats] = []
        for start in range(0, len(self.eta), self._step):
            part = slice(start, start + self._step)
            p = _expit(self.theta[:, None] + self.eta[None, part])
            c = self._c[part]
            row_sum += p @ c
            column = self._n @ p
            self._g_s[part] = self._b[part] - column
            q = 1.0 - p
            value += float(self._n @ (np.log(np.maximum(q, 1e-300)) @ c))
            p *= q
            row_curve += p @ c
            p *= self._n[:, None]
            self._d_s[part] = p.sum(axis=0)
            kept.append(p)
            if self._kept is None:
                kept.clear()
        if self._kept is not None:
            self._kept = kept
        self._g_d = self._n * (self._a - row_sum)
        self._d_d = np.maximum(self._n * row_curve, 1e-300)
        self._d_s = np.maximum(self._d_s, 1e-300)
        residual = max((np.abs(self._a - row_sum) / self._a).max(), np.abs(self._g_s / self._b).max())
        return value, float(residual)

    def _direction(self, residual: float) -> tuple[Floats, Floats]:
        """The Newton step (theta, eta), by conjugate gradients scaled by the diagonal.

        The curvature of one influencer of class s against one follower class is p (1 - p) n; its count c cancels where
        the size classes are eliminated.
        """

        def apply(v: Floats) -> Floats:
            answer = self._d_d * v
            for part, curve in self._blocks():
                answer -= curve @ (self._c[part] * (v @ curve) / self._d_s[part])
            return answer

        right = self._g_d.copy()
        for part, curve in self._blocks():
            right -= curve @ (self._c[part] * self._g_s[part] / self._d_s[part])
        x = np.zeros(len(right))
        r = right
        z = r / self._d_d
        p, rz = z, float(r @ z)
        goal = rz * min(1e-2, residual) ** 2
        for _ in range(100):
            if rz <= goal or rz <= 0:
                break
            ap = apply(p)
            bend = float(p @ ap)
            if bend <= 0:
                break
            x += rz / bend * p
            r = r - rz / bend * ap
            z = r / self._d_d
            rz, last = float(r @ z), rz
            p = z + rz / last * p
        d_eta = np.empty(len(self.eta))
        for part, curve in self._blocks():
            d_eta[part] = (self._g_s[part] - x @ curve) / self._d_s[part]
        return x, d_eta
