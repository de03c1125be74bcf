"""A planted world of audiences: communities of influencers, their followers, and a few whom everybody follows.

Here: arrays of follows with the truth beside them, of any size, for tests and benchmarks of all that is told about
audiences. Not here: accounts with names, files (`edges` writes those of the demo).

Each follower has a home community and follows a lognormal number of influencers, most of them at home, the popular ones
first. The mega influencers have no community: their audiences overlap with all others by size alone, and whoever takes
that for a tie will see it here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from sm_assets.errors import OptionError

N_MEGA: Final = 10
"""Influencers without a community: the first ones."""
_MEGA_SHARE: Final = 0.02
_PARETO: Final = 1.2
_LEAST_POPULARITY: Final = 0.05
_DEGREE: Final = (1.5, 1.0)
_MOST_FOLLOWED: Final = 250


class PlantedAudiences(NamedTuple):
    """Follows, each once, sorted by follower and influencer, and who belongs together.

    Attributes:
        follower: int64[E], 0..n_followers-1.
        influencer: int64[E], 0..n_influencers-1.
        community: int64[n_influencers], 0..n_communities-1; -1 for the mega influencers, which come first.
    """

    follower: npt.NDArray[np.int64]
    influencer: npt.NDArray[np.int64]
    community: npt.NDArray[np.int64]


def planted_bipartite(
    seed: int,
    *,
    n_influencers: int = 1000,
    n_communities: int = 20,
    n_followers: int = 40_000,
    at_home: float = 0.7,
) -> PlantedAudiences:
    """Draw a world; equal arguments give equal arrays.

    Popularity is Pareto(1.2) + 0.05, and 2 % of all popularity for each of the ten mega influencers. A follower draws
    lognormal(1.5, 1) follows, rounded and held to 1..250: each from the home community with probability `at_home`, else
    from all influencers, always in proportion to popularity. What is drawn twice is followed once.

    Args:
        seed: 0 or more, of numpy's PCG64.
        n_influencers: more than ten.
        n_communities: at least 1; sizes are as chance will have them.
        n_followers: 0 or more.
        at_home: 0..1.

    Raises:
        OptionError: a parameter is out of range.
    """
    if not (seed >= 0 and n_influencers > N_MEGA and n_communities >= 1 and n_followers >= 0 and 0 <= at_home <= 1):
        raise OptionError(
            f"a planted world needs more than {N_MEGA} influencers, a community, seed and followers of 0 or more and "
            f"at_home in 0..1; found {n_influencers}, {n_communities}, {seed}, {n_followers}, {at_home}."
        )
    draws = np.random.Generator(np.random.PCG64(seed))
    community = draws.integers(0, n_communities, n_influencers)
    community[:N_MEGA] = -1
    popularity = draws.pareto(_PARETO, n_influencers) + _LEAST_POPULARITY
    popularity[:N_MEGA] = popularity[N_MEGA:].sum() * _MEGA_SHARE / (1 - _MEGA_SHARE * N_MEGA)

    degree = np.rint(draws.lognormal(*_DEGREE, n_followers)).clip(1, _MOST_FOLLOWED).astype(np.int64)
    home = draws.integers(0, n_communities, n_followers)
    follower = np.repeat(np.arange(n_followers), degree)
    inside = draws.random(len(follower)) < at_home
    # A draw at home: a place on the line of all popularity of the home community, laid end to end.
    order = np.argsort(community, kind="stable")
    ends = np.cumsum(popularity[order])
    first = np.searchsorted(community[order], np.arange(n_communities + 1))
    bounds = np.concatenate([[0.0], ends])[first]
    low = np.where(inside, bounds[:-1][home[follower]], 0.0)
    high = np.where(inside, bounds[1:][home[follower]], ends[-1])
    # A community nobody belongs to has nobody to follow.
    low, high = np.where(low < high, low, 0.0), np.where(low < high, high, ends[-1])
    place = np.searchsorted(ends, low + (high - low) * draws.random(len(follower)), side="right")
    influencer = order[np.minimum(place, n_influencers - 1)]
    edges = np.unique(follower * n_influencers + influencer)
    return PlantedAudiences(edges // n_influencers, edges % n_influencers, community)
