"""What people with a page publish on their other accounts too: the same contents, minutes later.

Here: which post goes where, and when. This is what makes a network of pages a network across platforms. Not here: how
a platform shows it (`bluesky`, `twitter`, `crowdtangle_others`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sm_assets.demo.draws import Draws
from sm_assets.demo.people import Kind
from sm_assets.demo.phrases import PLATFORM_NOTICES
from sm_assets.demo.residents import Resident
from sm_assets.demo.sharing import Post

_SHARE: Final[dict[Kind, float]] = {"network": 0.6, "aggregator": 0.5, "organic": 0.35}
_LAG_MINUTES: Final = (1, 2, 4, 8, 15, 40)
_NOTICES: Final = tuple(notice.rpartition("}")[2] for notice in PLATFORM_NOTICES)


@dataclass(frozen=True, slots=True)
class Crosspost:
    """A post of a page, once more on another account of its owner."""

    at: datetime
    resident: Resident
    post: Post


def crossposts(
    seed: int, platform: str, posts: Sequence[Post], residents: Sequence[Resident], end: datetime
) -> Iterator[Crosspost]:
    """Those of the posts that appear on `platform` too before `end`, in the order of the posts.

    `residents` begin with the owners of the pages, in the order of the pages.
    """
    draws = Draws(seed, "crossposts", platform)
    there = [platform in resident.platforms for resident in residents]
    for post in posts:
        if not there[post.account] or not (post.text or post.image_text) or post.text.endswith(_NOTICES):
            continue
        resident = residents[post.account]
        if platform == "instagram" and post.shape not in ("photo", "video"):
            continue
        if draws.chance(_SHARE[resident.kind]):
            at = post.at + timedelta(
                seconds=int(draws.quantile(_LAG_MINUTES) * 60), microseconds=draws.below(1_000_000)
            )
            if at < end:
                yield Crosspost(at, resident, post)
