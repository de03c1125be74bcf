"""Where the dots of a graph lie: members of a community together, communities apart, loose nodes around them.

Here: coordinates of nodes in the plane. Not here: finding communities (`communities`), drawing (`sm_assets.plots`).

Every community gets a circle of its own whose area follows its number of members, and no two circles meet.

1. Inside a circle, members are pushed apart and linked ones drawn together (Fruchterman and Reingold, Software:
   Practice and Experience 21, 1129, 1991), from a start where everyone lies near its neighbours. In a large community
   the push comes from a density on a mesh. Then the circle is filled evenly and dots that touch are moved apart.
2. The circles are laid out by the weight between communities, pulled to the middle and moved apart until none meet.
3. Nodes without a community lie on rings around all that; those with pairs among themselves lie side by side.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from sm_assets.errors import KernelError, OptionError

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

NODE_AREA: Final = 2.3
"""Area per member in its community's circle."""

_GAP: Final = 2.0
"""Free space between the circles of two communities."""

_APART: Final = 1.3
"""Distance that dots of a community keep; an evenly filled circle has room for 1.6."""

_RING: Final = 1.3
"""Distance between nodes on a ring, and between rings."""

_SMALLEST_FORCED: Final = 7
"""Communities with fewer members are drawn as a ring."""

_LARGEST_DENSE: Final = 500
"""Up to so many nodes each pair pushes each other; above, nodes are pushed by a density on a mesh."""

_LARGEST_ARRANGED: Final = 700
"""Communities that are laid out by their ties; the smaller ones beyond lie on rings around."""

_STEPS: Final = 90


def layout(
    n: int,
    i: npt.ArrayLike,
    j: npt.ArrayLike,
    weight: npt.ArrayLike,
    community: npt.ArrayLike,
    *,
    seed: int = 0,
) -> Floats:
    """Coordinates for every node; the same graph gives the same ones, in whatever order its edges come.

    Args:
        n: nodes, 0 or more.
        i: int[e], one end of each edge, 0..n-1.
        j: int[e], the other end; loops have no effect, edges that stand twice are added up.
        weight: float[e], finite, 0 or more; edges of weight 0 have no effect.
        community: int[n], number of the node's community, -1: none. Which number a community has, has no effect.
        seed: 0 or more; another seed gives another picture of the same graph.

    Returns:
        float64[n, 2], around 0; no two nodes are nearer to each other than about 1.

    Raises:
        KernelError: arrays that do not fit together, ends out of range, weights that are negative or not finite.
        OptionError: a negative seed.
    """
    homes = _checked_homes(n, community)
    a, b, strength = _checked_edges(n, i, j, weight)
    if seed < 0:
        raise OptionError(f"the seed of a layout is 0 or more; found {seed}.")
    groups = _groups(homes)
    place = np.zeros((n, 2))
    if groups:
        # Edges within a community, in the order of communities, with the members' numbers inside theirs.
        group_of = np.full(n, -1, np.int64)
        inside = np.zeros(n, np.int64)
        for number, members in enumerate(groups):
            group_of[members] = number
            inside[members] = np.arange(len(members))
        within = (group_of[a] == group_of[b]) & (group_of[a] >= 0)
        ea, eb, ew = a[within], b[within], strength[within]
        order = np.argsort(group_of[ea], kind="stable")
        ea, eb, ew = ea[order], eb[order], ew[order]
        bounds = np.searchsorted(group_of[ea], np.arange(len(groups) + 1))
        radii = np.array([_radius(len(members)) for members in groups])
        between = (group_of[a] != group_of[b]) & (group_of[a] >= 0) & (group_of[b] >= 0)
        centres = _arrange(radii, group_of[a[between]], group_of[b[between]], strength[between], seed)
        for number, members in enumerate(groups):
            part = slice(bounds[number], bounds[number + 1])
            rng = np.random.default_rng((seed, number, len(members)))
            flat = _within(len(members), inside[ea[part]], inside[eb[part]], ew[part], radii[number], rng)
            place[members] = centres[number] + flat
    loose = np.flatnonzero(homes < 0)
    if len(loose):
        start = float(np.hypot(*place[homes >= 0].T).max()) + _GAP + _RING if groups else 0.0
        place[_side_by_side(n, loose, a, b)] = _rings(len(loose), start, _RING)
    return place


def _checked_homes(n: int, community: npt.ArrayLike) -> Ints:
    homes = np.asarray(community)
    if n < 0 or homes.shape != (n,):
        raise KernelError(f"a layout of {n} nodes needs one community number per node; found shape {homes.shape}.")
    if n and not np.issubdtype(homes.dtype, np.integer):
        raise KernelError(f"numbers of communities are integers; found {homes.dtype}.")
    if n and int(homes.min()) < -1:
        raise KernelError(f"numbers of communities are 0 or more, or -1 for none; found {int(homes.min())}.")
    return homes.astype(np.int64)


def _checked_edges(n: int, i: npt.ArrayLike, j: npt.ArrayLike, weight: npt.ArrayLike) -> tuple[Ints, Ints, Floats]:
    """Each edge once, smaller end first, sorted; no loops, no weights of 0."""
    first, second, weights = np.asarray(i), np.asarray(j), np.asarray(weight, np.float64)
    if first.ndim != 1 or first.shape != second.shape or first.shape != weights.shape:
        raise KernelError(
            f"edges are three arrays of one length; found shapes {first.shape}, {second.shape}, {weights.shape}."
        )
    nothing = np.zeros(0, np.int64)
    if not len(first):
        return nothing, nothing, np.zeros(0)
    if not (np.issubdtype(first.dtype, np.integer) and np.issubdtype(second.dtype, np.integer)):
        raise KernelError(f"ends of edges are integers; found {first.dtype} and {second.dtype}.")
    low = np.minimum(first, second).astype(np.int64)
    high = np.maximum(first, second).astype(np.int64)
    if int(low.min()) < 0 or int(high.max()) >= n:
        raise KernelError(f"ends of edges are 0 to {n - 1}; found {int(low.min())} to {int(high.max())}.")
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise KernelError("weights of edges are finite and 0 or more; found another one.")
    kept = (low < high) & (weights > 0)
    low, high, weights = low[kept], high[kept], weights[kept]
    order = np.lexsort((weights, high, low))
    low, high, weights = low[order], high[order], weights[order]
    if not len(low):
        return nothing, nothing, np.zeros(0)
    fresh = np.flatnonzero(np.r_[True, (low[1:] != low[:-1]) | (high[1:] != high[:-1])])
    return low[fresh], high[fresh], np.add.reduceat(weights, fresh)


def _groups(homes: Ints) -> list[Ints]:
    """Members of each community, the largest first, then by smallest member."""
    order = np.argsort(homes, kind="stable")
    order = order[homes[order] >= 0]
    if not len(order):
        return []
    cuts = np.flatnonzero(np.diff(homes[order])) + 1
    return sorted(np.split(order, cuts), key=lambda members: (-len(members), int(members[0])))


def _radius(n_members: int) -> float:
    """Radius of a community's circle."""
    return float(np.sqrt(NODE_AREA * n_members / np.pi)) + 0.35


def _within(n: int, a: Ints, b: Ints, weight: Floats, radius: float, rng: np.random.Generator) -> Floats:
    """float64[n, 2] around 0, none farther out than the radius."""
    if n == 1:
        return np.zeros((1, 2))
    if n < _SMALLEST_FORCED:
        angle = np.pi / 2 + 2 * np.pi * np.arange(n) / n
        return np.column_stack([np.cos(angle), np.sin(angle)]) * max(0.6, 0.55 / float(np.sin(np.pi / n)))
    place = _forced(n, a, b, weight, rng)
    place -= place.mean(axis=0)
    # Forces leave a knot in the middle and stragglers far out: spread the distances as in an evenly filled circle.
    distance = np.hypot(place[:, 0], place[:, 1])
    rank = np.empty(n)
    rank[np.argsort(distance, kind="stable")] = np.arange(n)
    even = np.sqrt((rank + 0.5) / n)
    wanted = 0.25 * distance / (distance.max() or 1.0) + 0.75 * even
    place *= (radius * wanted / np.where(distance > 0, distance, 1.0))[:, None]
    return _apart(_even(place, radius), radius)


def _even(place: Floats, radius: float) -> Floats:
    """Let crowds flow to where the circle is empty.

    Dots push each other and an evenly filled circle of the opposite charge holds them: at rest they fill it evenly.
    """
    n = len(place)
    push = _push_dense if n <= _LARGEST_DENSE else _push_mesh
    for _ in range(40):
        move = 0.06 * (push(place) - place * (n / radius**2))
        length = np.hypot(move[:, 0], move[:, 1])
        place = _held(place + move * np.minimum(1.0, 1.0 / np.maximum(length, 1e-9))[:, None], radius)
    return place


def _forced(n: int, a: Ints, b: Ints, weight: Floats, rng: np.random.Generator) -> Floats:
    """A force layout of one connected or unconnected graph; about 1 wide."""
    pull = weight / weight.mean() if len(weight) else weight
    # A few heavy edges would swallow all others.
    pull = np.minimum(np.sqrt(pull), 3.0)
    place = _smoothed(n, a, b, pull, rng)
    k = 1.0 / np.sqrt(n)
    mean_degree = max(1.0, 2 * len(a) / n)
    push = _push_dense if n <= _LARGEST_DENSE else _push_mesh
    for step in range(_STEPS):
        move = push(place) * k * k
        if len(a):
            along = place[b] - place[a]
            along *= (pull * np.hypot(along[:, 0], along[:, 1]) / k)[:, None] / mean_degree * 3
            move += _sums(n, a, along) - _sums(n, b, along)
        move -= place * 0.6 * k
        length = np.hypot(move[:, 0], move[:, 1])
        most = 0.12 * (1 - step / _STEPS) ** 1.5 + 0.0015
        move *= (np.minimum(length, most) / np.where(length > 0, length, 1.0))[:, None]
        place += move
    return place


def _sums(n: int, where: Ints, what: Floats) -> Floats:
    """Sum of the rows of `what` per node."""
    return np.column_stack([np.bincount(where, what[:, axis], minlength=n) for axis in (0, 1)])


def _smoothed(n: int, a: Ints, b: Ints, weight: Floats, rng: np.random.Generator) -> Floats:
    """A start: chance positions, again and again replaced by those of the neighbours, kept apart by two rules.

    The rules are those of power iteration: each axis stays free of the constant and of the other axis, so that the axes
    near the two slowest modes of the graph.
    """
    place = rng.standard_normal((n, 2))
    degree = np.bincount(a, weight, minlength=n) + np.bincount(b, weight, minlength=n)
    mass = np.maximum(degree, 1e-12) if len(a) else np.ones(n)
    mass = mass / mass.sum()
    for step in range(60 if len(a) else 1):
        if step:
            near = _sums(n, a, place[b] * weight[:, None]) + _sums(n, b, place[a] * weight[:, None])
            near /= np.where(degree > 0, degree, 1.0)[:, None]
            place = np.where(degree[:, None] > 0, 0.5 * (place + near), place)
        place -= (mass[:, None] * place).sum(axis=0)
        x, y = place[:, 0], place[:, 1]
        x /= np.sqrt((mass * x * x).sum()) or 1.0
        y -= (mass * x * y).sum() * x
        y /= np.sqrt((mass * y * y).sum()) or 1.0
    # Modes of a few loose ends reach far out.
    place = np.clip(place, -2.5, 2.5) * 0.25
    return place + rng.standard_normal((n, 2)) * 0.02


def _push_dense(place: Floats) -> Floats:
    """Sum over all others of the direction away from them, divided by the distance."""
    away_x = place[:, 0][:, None] - place[:, 0]
    away_y = place[:, 1][:, None] - place[:, 1]
    share = 1.0 / (away_x * away_x + away_y * away_y + 1e-7)
    return np.column_stack([(away_x * share).sum(axis=1), (away_y * share).sum(axis=1)])


def _push_mesh(place: Floats) -> Floats:
    """The same from a density on a mesh: one Fourier transform instead of all pairs."""
    from scipy.fft import irfft2, rfft2

    side = 128 if len(place) < 4_000 else 256
    low = place.min(axis=0)
    cell = float((place.max(axis=0) - low).max()) / (side - 3) or 1.0
    spot = (place - low) / cell + 1
    whole = np.minimum(spot.astype(np.int64), side - 2)
    part = spot - whole
    corners = [
        ((whole[:, 0] + right) * side + whole[:, 1] + up,
         np.abs(1 - right - part[:, 0]) * np.abs(1 - up - part[:, 1]))
        for right in (0, 1)
        for up in (0, 1)
    ]  # fmt: skip
    density = np.zeros(side * side)
    for index, share in corners:
        density += np.bincount(index, share, minlength=side * side)
    steps = np.r_[0:side, -side:0] * cell
    square = steps[:, None] ** 2 + steps**2 + (0.7 * cell) ** 2
    spread = rfft2(density.reshape(side, side), s=(2 * side, 2 * side))
    pushed = np.empty_like(place)
    for axis, lever in enumerate((steps[:, None] / square, steps / square)):
        field = irfft2(spread * rfft2(lever), s=(2 * side, 2 * side))[:side, :side].ravel()
        pushed[:, axis] = sum(field[index] * share for index, share in corners)
    return pushed


def _apart(place: Floats, radius: float) -> Floats:
    """Move dots that are too near away from each other, none farther out than the radius."""
    from scipy.spatial import cKDTree

    n = len(place)
    for _ in range(150):
        pairs = cKDTree(place).query_pairs(_APART, output_type="ndarray")
        if not len(pairs):
            break
        pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
        a, b = pairs[:, 0], pairs[:, 1]
        away = place[a] - place[b]
        distance = np.hypot(away[:, 0], away[:, 1])
        same = distance < 1e-9
        # Dots on one spot leave it in directions of their own.
        away[same] = np.column_stack([np.cos(2.4 * a[same]), np.sin(2.4 * a[same])])
        away *= (0.4 * (_APART - distance) / np.where(same, 1.0, distance))[:, None]
        place = place + _sums(n, a, away) - _sums(n, b, away)
        place = _held(place, radius)
    return _held(place, radius)


def _held(place: Floats, radius: float) -> Floats:
    """Dots beyond the radius go back to it."""
    out = np.hypot(place[:, 0], place[:, 1])
    return place * np.minimum(1.0, radius / np.where(out > 0, out, 1.0))[:, None]


def _arrange(radii: Floats, a: Ints, b: Ints, weight: Floats, seed: int) -> Floats:
    """Centres of the communities' circles, float64[c, 2], so that no two circles meet."""
    count = min(len(radii), _LARGEST_ARRANGED)
    centres = np.zeros((len(radii), 2))
    if count > 1:
        kept = (a < count) & (b < count)
        centres[:count] = _circles(radii[:count], *_tied(a[kept], b[kept], weight[kept], count), seed)
    if len(radii) > count:
        reach = float((np.hypot(*centres[:count].T) + radii[:count]).max())
        size = 2 * float(radii[count:].max()) + _GAP
        centres[count:] = _rings(len(radii) - count, reach + size, size)
    return centres


def _tied(a: Ints, b: Ints, weight: Floats, count: int) -> tuple[Ints, Ints, Floats]:
    """Edges between nodes added up to ties between communities."""
    found, inverse = np.unique(np.minimum(a, b) * count + np.maximum(a, b), return_inverse=True)
    pair = found.astype(np.int64)
    total: Floats = np.bincount(inverse, weight, minlength=len(pair)).astype(np.float64)
    return pair // count, pair % count, total


def _circles(radii: Floats, a: Ints, b: Ints, weight: Floats, seed: int) -> Floats:
    count = len(radii)
    # Between two large communities there is much weight because they are large.
    tie = weight / (radii[a] * radii[b])
    rng = np.random.default_rng((seed, count))
    place = _forced(count, a, b, tie, rng) if count > 2 else np.array([[-1.0, 0.0], [1.0, 0.0]])
    place = place - place.mean(axis=0)
    reach = radii + _GAP / 2
    place *= 1.2 * np.sqrt((reach**2).sum()) / (np.hypot(place[:, 0], place[:, 1]).max() or 1.0)
    room = reach[:, None] + reach
    mass = reach**2
    yields = mass / (mass[:, None] + mass)  # the smaller of two gives way
    for step in range(260):
        if step < 200:
            place = place * (1 - 0.02 * (1 - step / 200))
        away = place[:, None, :] - place
        distance = np.sqrt((away**2).sum(axis=2)) + np.eye(count)
        overlap = np.maximum(0.0, room - distance)
        np.fill_diagonal(overlap, 0.0)
        if step >= 200 and not overlap.any():
            break
        share = overlap * yields / np.maximum(distance, 1e-9)
        place = place + 0.8 * (away * share[:, :, None]).sum(axis=1)
    away = place[:, None, :] - place
    distance = np.sqrt((away**2).sum(axis=2))
    np.fill_diagonal(distance, np.inf)
    # What still meets is parted by enlarging the whole.
    place = place * max(1.0, float((room / np.maximum(distance, 1e-6)).max()))
    centred: Floats = place - (mass[:, None] * place).sum(axis=0) / mass.sum()
    return centred


def _rings(count: int, start: float, spacing: float) -> Floats:
    """float64[count, 2]: places on rings around 0, from the radius `start` on, in order along each ring."""
    place = np.empty((count, 2))
    done, radius = 0, start
    while done < count:
        room = max(1, int(2 * np.pi * radius / spacing)) if radius > 0 else 1
        here = min(room, count - done)
        # The last ring is spread over the full turn too.
        angle = np.pi / 2 - 2 * np.pi * np.arange(here) / here
        place[done : done + here] = radius * np.column_stack([np.cos(angle), np.sin(angle)])
        done, radius = done + here, radius + spacing
    return place


def _side_by_side(n: int, loose: Ints, a: Ints, b: Ints) -> Ints:
    """The loose nodes, those that have pairs with each other next to each other, the most connected first."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    number = np.full(n, -1, np.int64)
    number[loose] = np.arange(len(loose))
    kept = (number[a] >= 0) & (number[b] >= 0)
    shape = (len(loose), len(loose))
    graph = coo_array((np.ones(int(kept.sum())), (number[a[kept]], number[b[kept]])), shape=shape)
    _, part = connected_components(graph, directed=False)
    size = np.bincount(part)[part]
    first = np.full(len(loose), len(loose))
    np.minimum.at(first, part, np.arange(len(loose)))
    return loose[np.lexsort((np.arange(len(loose)), first[part], -size))]
