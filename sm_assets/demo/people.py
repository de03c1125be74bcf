"""Who is there: networks, the actors behind the accounts, and their accounts.

Here: who exists and what they are like, before anybody has written a word. Not here: what they publish (`sharing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sm_assets.demo.draws import Draws
from sm_assets.demo.phrases import LANGUAGES, Language
from sm_assets.demo.texts import place_name, site_name, slug
from sm_assets.demo.vocabulary import PERSONAS
from sm_assets.demo.voices import company_bio, person_bio

Kind = Literal["network", "aggregator", "organic"]
Nature = Literal["person", "company", "bot"]
Style = Literal["copies_texts", "shares_links", "mixed"]

ACTORS_AT_SCALE_1: Final = 600
_NETWORK_SHARE: Final = 0.4
_AGGREGATOR_SHARE: Final = 0.03
# Sizes of networks, over and over until their share of the actors is used up: a few large ones, many small ones.
_SIZES: Final = (38, 27, 22, 18, 16, 14, 12, 11, 10, 9, 8, 8, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2)
_LANGUAGE_WEIGHTS: Final = {"en": 50, "es": 17, "fr": 11, "de": 11, "pt": 11}
_FOLLOWERS: Final = (40, 300, 900, 2_400, 6_500, 19_000, 55_000, 220_000, 1_400_000)
_CATEGORIES: Final = (
    "NEWS_SITE",
    "MEDIA_NEWS_COMPANY",
    "COMMUNITY",
    "PERSON",
    "BROADCASTING_MEDIA_PRODUCTION",
    "TOPIC_JUST_FOR_FUN",
)
_TEMPI: Final = (0.4, 0.8, 1.0, 1.5, 3.0, 6.0)
_COMPANY_SHARE: Final = 0.3
_COUNTRY_ODDS: Final = (5, 4)


@dataclass(frozen=True, slots=True)
class Network:
    """Actors who publish the same contents on purpose.

    Attributes:
        number: 0, 1, 2, ... by size.
        language: of its contents; all its members write it, and live in its country.
        persona: number of the persona (`vocabulary.PERSONAS`) whose topics and words its members use.
        style: whether its members copy texts, share links with words of their own, or both.
        tempo: factor on the time that members need to follow; 1 = most of them within about half an hour.
        n_contents: contents that it launches in the world's time.
        sites: the hosts that its links lead to.
    """

    number: int
    language: str
    country: str
    utc_hours: int
    persona: int
    topics: tuple[str, ...]
    style: Style
    tempo: float
    n_contents: int
    sites: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who runs accounts.

    Attributes:
        network: its number; None for aggregators and organic actors.
        nature: whether a person or a company stands behind it.
        persona: number of the persona; members of a network share it.
        bio: what it says about itself on every platform; often nothing.
        utc_hours: hours that its clock is ahead of UTC.
        loyalty: probability that it carries a content of its network.
        sources: networks from which an aggregator copies.
        n_own: posts of its own in the world's time.
    """

    number: int
    kind: Kind
    network: int | None
    nature: Nature
    persona: int
    language: str
    country: str
    utc_hours: int
    place: str
    title: str
    bio: str
    loyalty: float
    sources: tuple[int, ...]
    n_own: int


@dataclass(frozen=True, slots=True)
class Account:
    """An actor on one platform.

    Attributes:
        handle: empty where the account has only its id; `later_handle` replaces it from `handle_change` (UTC) on.
        growth: followers gained a day.
    """

    platform: str
    account_id: str
    actor: int
    title: str
    handle: str
    later_handle: str
    handle_change: datetime | None
    category: str
    description: str
    created_at: datetime
    followers: int
    growth: int

    def handle_at(self, when: datetime) -> str:
        """The handle that the account had at that time."""
        return self.later_handle if self.handle_change is not None and when >= self.handle_change else self.handle


def make_networks(seed: int, scale: float) -> list[tuple[Network, int]]:
    """Networks with their sizes, the largest first."""
    wanted = round(ACTORS_AT_SCALE_1 * scale * _NETWORK_SHARE)
    limit = max(3, wanted // 6)
    sizes: list[int] = []
    while (rest := wanted - sum(sizes)) >= 2:
        sizes.append(min(_SIZES[len(sizes) % len(_SIZES)], limit, rest))
    networks = []
    for number, size in enumerate(sorted(sizes, reverse=True)):
        draws = Draws(seed, "network", number)
        language = LANGUAGES[list(_LANGUAGE_WEIGHTS)[draws.weighted(list(_LANGUAGE_WEIGHTS.values()))]]
        persona = draws.below(len(PERSONAS))
        country, utc_hours = home(draws, language)
        network = Network(
            number=number,
            language=language.code,
            country=country,
            utc_hours=utc_hours,
            persona=persona,
            topics=PERSONAS[persona].topics,
            style=("copies_texts", "shares_links", "mixed")[draws.weighted((3, 3, 4))],
            tempo=draws.pick(_TEMPI),
            n_contents=42 + draws.below(46),
            sites=tuple(site_name(draws, language) for _ in range(1 + draws.below(3))),
        )
        networks.append((network, size))
    return networks


def home(draws: Draws, language: Language) -> tuple[str, int]:
    """A country of the language, and the hours that its clocks are ahead of UTC."""
    return language.countries[draws.weighted(_COUNTRY_ODDS[: len(language.countries)])]


def make_actors(seed: int, scale: float, networks: list[tuple[Network, int]]) -> list[Actor]:
    """All actors in an order that says nothing about their network."""
    total = round(ACTORS_AT_SCALE_1 * scale)
    roles: list[tuple[Kind, Network | None]] = [("network", network) for network, size in networks for _ in range(size)]
    roles += [("aggregator", None)] * (round(total * _AGGREGATOR_SHARE) if len(networks) > 1 else 0)
    roles += [("organic", None)] * (total - len(roles))
    roles = Draws(seed, "roles").sample(roles, len(roles))
    return [_make_actor(seed, number, kind, network, len(networks)) for number, (kind, network) in enumerate(roles)]


def _make_actor(seed: int, number: int, kind: Kind, network: Network | None, n_networks: int) -> Actor:
    draws = Draws(seed, "actor", number)
    code = list(_LANGUAGE_WEIGHTS)[draws.weighted(list(_LANGUAGE_WEIGHTS.values()))]
    language = LANGUAGES[network.language if network is not None else code]
    country, utc_hours = home(draws, language) if network is None else (network.country, network.utc_hours)
    sources: tuple[int, ...] = ()
    if kind == "aggregator":
        sources = tuple(draws.sample(range(n_networks), min(n_networks, 3 + draws.below(4))))
    persona = network.persona if network is not None else draws.below(len(PERSONAS))
    nature: Nature = "company" if draws.chance(_COMPANY_SHARE) else "person"
    place = place_name(draws, language)
    title = draws.pick(language.titles).format(place=place)
    bio = ""
    if draws.chance(0.7):
        site = site_name(draws, language)
        bio = company_bio(draws.uniform, site) if nature == "company" else person_bio(draws.uniform, persona, place)
    own = {"network": (2, 4, 7, 12, 22), "aggregator": (6, 12, 18, 26, 40), "organic": (1, 3, 9, 17, 25, 41, 110)}[kind]
    return Actor(
        number=number,
        kind=kind,
        network=network.number if network is not None else None,
        nature=nature,
        persona=persona,
        language=language.code,
        country=country,
        utc_hours=utc_hours,
        place=place,
        title=title,
        bio=bio,
        loyalty=draws.quantile((0.18, 0.4, 0.55, 0.7, 0.95)),
        sources=sources,
        n_own=round(draws.quantile(own)),
    )


def make_account(seed: int, actor: Actor, start: datetime, days: int) -> Account:
    """The actor's Facebook page."""
    draws = Draws(seed, "account", actor.number)
    title = actor.title
    handle = slug(title).replace("-", "") + str(100 + actor.number) if draws.chance(0.87) else ""
    changes = bool(handle) and draws.chance(0.06)
    description = actor.bio
    if description and draws.chance(0.3):
        description += f"\n{title}, {actor.place}"
    followers = int(draws.quantile(_FOLLOWERS))
    return Account(
        platform="facebook",
        account_id=str(100_000_000_000_000 + actor.number * 1_000_003 + draws.below(900_000)),
        actor=actor.number,
        title=title,
        handle=handle,
        later_handle=f"{handle}.official" if changes else handle,
        handle_change=start + timedelta(days=draws.below(days)) if changes else None,
        category=draws.pick(_CATEGORIES),
        description=description,
        created_at=start - timedelta(days=60 + draws.below(4_000), seconds=draws.below(86_400)),
        followers=followers,
        growth=draws.below(max(2, followers // 1_500)),
    )
