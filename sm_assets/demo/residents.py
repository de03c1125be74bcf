"""Everybody in the demo world and their accounts on all platforms: those with pages, the public, its influencers, bots.

Here: who is a person, a company or a bot, who belongs to which community of interest and persona, who follows whom,
and under which ids and handles they appear. Not here: pages of Facebook (`people`), what anybody does (`firehose`,
`twitter`, `tiktok`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from sm_assets.demo import ids
from sm_assets.demo.draws import Draws
from sm_assets.demo.people import Actor, Kind, Nature, home
from sm_assets.demo.phrases import LANGUAGES
from sm_assets.demo.texts import place_name, site_name, slug
from sm_assets.demo.vocabulary import GIVEN_NAMES, PERSONAS
from sm_assets.demo.voices import bot_bio, company_bio, person_bio

PLATFORMS: Final = ("bluesky", "twitter", "tiktok", "instagram")
# The share of pages, of the public and of bots that has an account there.
_PRESENCE: Final = {
    "page": (0.55, 0.5, 0.25, 0.3),
    "public": (0.75, 0.7, 0.08, 0.0),
    "influencer": (1.0, 1.0, 0.6, 0.5),
    "bot": (0.9, 0.8, 0.0, 0.0),
}
_LANGUAGES: Final = (("en", 54), ("es", 13), ("fr", 11), ("de", 11), ("pt", 11))
_POPULARITY: Final = (10, 8, 7, 6, 5, 5, 4, 4, 3, 3, 2, 2)
_FOLLOWS: Final = (1, 3, 5, 7, 9, 12, 15, 20, 34)
_AT_HOME: Final = 0.8
_FAVOURITE: Final = 0.75
# Most people say little; about one in five talks all the time, and so do companies and influencers.
_PACES: Final = (1, 1, 1, 1, 2, 3, 10, 20, 32)
_COMPANY_PACE: Final = 24
_INFLUENCER_PACE: Final = 24
BOTS_PER_OPERATOR: Final = 4


@dataclass(frozen=True, slots=True)
class Resident:
    """An actor with everything that its accounts on all platforms have in common.

    Attributes:
        actor: its number; those with a page come first, in the order of the pages.
        kind, network: as in `Actor`; the public is organic.
        community: whose influencers it mostly follows; None: nobody's in particular.
        influence: weight with which it is followed; 0: it has no audience.
        operator: of a bot; bots of one operator write and look alike.
        hours: a bot's hours between two posts, else 0.
        stem: what its handles begin with; no two are alike.
        pace: how often it acts; a bot's is 0: it follows the clock.
        platforms: where it has accounts beside Facebook.
    """

    actor: int
    nature: Nature
    kind: Kind
    network: int | None
    persona: int
    community: int | None
    influence: int
    operator: int | None
    hours: int
    language: str
    country: str
    utc_hours: int
    place: str
    title: str
    stem: str
    bio: str
    pace: int
    platforms: tuple[str, ...]


class Residents:
    """All residents of a world, and who follows whom among them.

    Args:
        seed: of the world.
        actors: those with pages.
        n_public: how many others there are, influencers and bots included.
    """

    def __init__(self, seed: int, actors: Sequence[Actor], n_public: int) -> None:
        self._seed = seed
        sizes = ((150, 2), (600, 3), (1_200, 4), (6_000, 6), (20_000, 10))
        self.n_communities: int = next((n for limit, n in sizes if n_public < limit), 16)
        per_community = max(1, min(len(_POPULARITY), n_public // (12 * self.n_communities)))
        self._n_mega = 2 if n_public >= 600 else 0
        n_influencers = self.n_communities * per_community
        n_operators = n_public // 110 if n_public >= 40 else 0
        first, bots_from = len(actors), n_public - n_operators * BOTS_PER_OPERATOR
        self.all: list[Resident] = [_of_page(seed, actor, self.n_communities) for actor in actors]
        for number in range(n_public):
            draws, actor = Draws(seed, "public", number), first + number
            if number < n_influencers:
                community, rank = number % self.n_communities, number // self.n_communities
                self.all.append(_person(draws, actor, community, _POPULARITY[rank]))
            elif number < n_influencers + self._n_mega:
                self.all.append(_person(draws, actor, None, 3 * _POPULARITY[0]))
            elif number >= bots_from:
                self.all.append(_bot(seed, draws, actor, (number - bots_from) // BOTS_PER_OPERATOR))
            else:
                self.all.append(_person(draws, actor, draws.below(self.n_communities), 0))

    @cached_property
    def influencers(self) -> list[Resident]:
        """Those with audiences, in the order of their numbers."""
        return [resident for resident in self.all if resident.influence]

    def on(self, platform: str) -> list[Resident]:
        """Those who have an account there (other than Facebook)."""
        return [resident for resident in self.all if platform in resident.platforms]

    @cached_property
    def _tickets(self) -> tuple[list[list[int]], list[int]]:
        """Influencers by community, and all of them, each as often as it weighs."""
        everywhere = [resident.actor for resident in self.influencers for _ in range(resident.influence)]
        home: list[list[int]] = [[] for _ in range(self.n_communities)]
        for resident in self.influencers:
            if resident.community is not None:
                home[resident.community] += [resident.actor] * resident.influence
        return home, everywhere

    def follows(self, resident: Resident) -> list[int]:
        """Actors whom it follows, in the order in which it began to; the same on every platform."""
        draws = Draws(self._seed, "follows", resident.actor)
        home, everywhere = self._tickets
        chosen: dict[int, None] = {}
        for _ in range(int(draws.quantile(_FOLLOWS))):
            own = resident.community is not None and draws.chance(_AT_HOME)
            tickets = home[resident.community] if own and resident.community is not None else everywhere
            other = draws.pick(tickets) if tickets else resident.actor
            if other != resident.actor:
                chosen[other] = None
        return list(chosen)

    def account_id(self, platform: str, resident: Resident) -> str:
        """The id in the platform's id space."""
        match platform:
            case "bluesky":
                return ids.did(self._seed, resident.actor)
            case "twitter":
                return ids.twitter_id(self._seed, resident.actor)
            case _:
                return handle(platform, resident)


def handle(platform: str, resident: Resident) -> str:
    """The name that it goes by."""
    match platform:
        case "bluesky":
            return f"{resident.stem}.pds.example"
        case "twitter":
            return resident.stem[:9] + "_" + str(resident.actor)
        case "tiktok":
            return f"{resident.stem}.tt"
        case _:
            return f"{resident.stem}_pics"


def _presence(draws: Draws, role: str) -> tuple[str, ...]:
    there = tuple(platform for platform, share in zip(PLATFORMS, _PRESENCE[role], strict=True) if draws.chance(share))
    # Without a page, somebody with no account anywhere would not be there at all.
    return there if there or role == "page" else PLATFORMS[:1]


def _of_page(seed: int, actor: Actor, n_communities: int) -> Resident:
    draws = Draws(seed, "resident", actor.number)
    return Resident(
        actor=actor.number,
        nature=actor.nature,
        kind=actor.kind,
        network=actor.network,
        persona=actor.persona,
        community=draws.below(n_communities),
        influence=0,
        operator=None,
        hours=0,
        language=actor.language,
        country=actor.country,
        utc_hours=actor.utc_hours,
        place=actor.place,
        title=actor.title,
        stem=f"{slug(actor.title).replace('-', '')[:16]}{actor.number}",
        bio=actor.bio,
        pace=int(draws.quantile(_PACES)),
        platforms=_presence(draws, "page"),
    )


def _person(draws: Draws, actor: int, community: int | None, influence: int) -> Resident:
    """A person or a company of the public."""
    code = _LANGUAGES[draws.weighted([weight for _, weight in _LANGUAGES])][0]
    language = LANGUAGES[code]
    country, utc_hours = home(draws, language)
    favourite = community is not None and (influence > 0 or draws.chance(_FAVOURITE))
    persona = community % len(PERSONAS) if favourite and community is not None else draws.below(len(PERSONAS))
    company = draws.chance(0.12)
    place = place_name(draws, language)
    title = draws.pick(language.titles).format(place=place) if company else f"{draws.pick(GIVEN_NAMES)} {place}"
    site = site_name(draws, language)
    bio = company_bio(draws.uniform, site) if company else person_bio(draws.uniform, persona, place)
    return Resident(
        actor=actor,
        nature="company" if company else "person",
        kind="organic",
        network=None,
        persona=persona,
        community=community,
        influence=influence,
        operator=None,
        hours=0,
        language=code,
        country=country,
        utc_hours=utc_hours,
        place=place,
        title=title,
        stem=f"{slug(title).replace('-', '')[:16]}{actor}",
        bio=bio if draws.chance(0.85) else "",
        pace=_COMPANY_PACE if company else _INFLUENCER_PACE if influence else int(draws.quantile(_PACES)),
        platforms=_presence(draws, "influencer" if influence else "public"),
    )


def _bot(seed: int, draws: Draws, actor: int, operator: int) -> Resident:
    shared = Draws(seed, "operator", operator)
    country, utc_hours = home(shared, LANGUAGES["en"])
    persona, hours = shared.below(len(PERSONAS)), 6 * (3 + shared.below(4))
    topic = PERSONAS[persona].topics[0]
    place = place_name(shared, LANGUAGES["en"])
    return Resident(
        actor=actor,
        nature="bot",
        kind="organic",
        network=None,
        persona=persona,
        community=None,
        influence=0,
        operator=operator,
        hours=hours,
        language="en",
        country=country,
        utc_hours=utc_hours,
        place=place,
        title=f"{place} {topic} bot",
        stem=f"{topic}bot{draws.below(90_000) + 10_000}{actor}",
        bio=bot_bio(operator, hours),
        pace=0,
        platforms=_presence(draws, "bot"),
    )
