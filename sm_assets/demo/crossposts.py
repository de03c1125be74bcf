"""What networks push on the other accounts of their members: the same contents, on their own schedule.

Here: which account carries which content, and when. This is what makes a network of pages a network across platforms:
an account is as loyal as its owner's page, but does not simply repeat it. Not here: how a platform shows it
(`bluesky`, `twitter`, `crowdtangle_others`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sm_assets.demo.draws import Draws
from sm_assets.demo.people import Actor, Network
from sm_assets.demo.phrases import LANGUAGES
from sm_assets.demo.residents import Resident
from sm_assets.demo.sharing import LAG_MINUTES, Content, Shape
from sm_assets.demo.texts import Writer, copied_text, tracked_url

_ZEAL: Final = (0.6, 1.1)


@dataclass(frozen=True, slots=True)
class Crosspost:
    """A content on an account that is no page.

    Attributes:
        number: the content's.
        text: exactly or nearly the content's, or words of its own above a link or picture.
        url: the address as shared; title, summary: of its card. image_text: words in the picture.
    """

    at: datetime
    resident: Resident
    number: int
    shape: Shape
    text: str
    url: str
    title: str
    summary: str
    image_text: str


def crossposts(
    seed: int,
    platform: str,
    networks: Sequence[Network],
    actors: Sequence[Actor],
    contents: Sequence[Content],
    residents: Sequence[Resident],
) -> Iterator[Crosspost]:
    """What members of networks push on a platform, by content.

    `residents` begin with the owners of the pages, in the order of the pages.
    """
    draws, writer = Draws(seed, "crossposts", platform), Writer()
    members: list[list[Actor]] = [[] for _ in networks]
    for actor in actors:
        if actor.network is not None and platform in residents[actor.number].platforms:
            members[actor.network].append(actor)
    for content in contents:
        if content.network is None or (platform == "instagram" and content.shape not in ("photo", "video")):
            continue
        zeal = draws.between(*_ZEAL)
        for actor in members[content.network]:
            if draws.chance(actor.loyalty * zeal):
                lag = int(draws.quantile(LAG_MINUTES) * networks[content.network].tempo * 60)
                at = content.launched_at + timedelta(seconds=lag, microseconds=draws.below(1_000_000))
                yield _carried(draws, writer, content, residents[actor.number], at)


def _carried(draws: Draws, writer: Writer, content: Content, resident: Resident, at: datetime) -> Crosspost:
    if content.copies_text:
        text = copied_text(draws, content.text)
    else:
        text = writer.message(draws, LANGUAGES[content.language], content.topic, content.place)
    return Crosspost(
        at=at,
        resident=resident,
        number=content.number,
        shape=content.shape,
        text=text,
        url=tracked_url(draws, content.url) if content.url else "",
        title=content.headline,
        summary=content.summary,
        image_text=content.image_text,
    )
