"""The truth about the demo world: what was planted, as tables, and the labels and lists that a user would bring.

Here: accounts, networks, communities, personas, hashtags, operators. Not here: what the chain makes of it (`summary`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa

from sm_assets.demo.crowdtangle_others import Group
from sm_assets.demo.people import Account, Actor, Network
from sm_assets.demo.residents import PLATFORMS, Resident, Residents, handle
from sm_assets.demo.vocabulary import HASHTAGS, PERSONA_OF_TOPIC, PERSONAS

_ACCOUNTS: Final = pa.schema(
    [
        ("platform", pa.string()), ("account_id", pa.string()), ("handle", pa.string()),
        ("display_name", pa.string()), ("kind", pa.string()), ("network", pa.int64()), ("language", pa.string()),
        ("country_code", pa.string()), ("actor", pa.int64()), ("account_kind", pa.string()), ("nature", pa.string()),
        ("operator", pa.int64()), ("community", pa.int64()), ("persona", pa.int64()), ("is_influencer", pa.bool_()),
        ("profile", pa.string()),
    ]
)  # fmt: skip
# Who is labelled: those who write so much that one can tell, but for one in ten.
_TALKATIVE: Final = 16
_LEFT_OUT_EVERY: Final = 10
_LABELLED_AT: Final = "2024-02-12"


def accounts_table(pages: Sequence[Account], groups: Sequence[Group], residents: Residents) -> pa.Table:
    """One row per account [platform, account_id]; pages first, by actor.

    kind, network: of the planted networks (network, aggregator, organic); on TikTok nobody pushes anything.
    nature: person, company, bot.
    profile: from which stock its biography comes (a persona's name, company, bot; null: it says nothing).
    """

    def row(platform: str, account_id: str, name: str | None, person: Resident) -> dict[str, Any]:
        pushes = platform != "tiktok"
        stock = person.nature if person.nature != "person" else PERSONAS[person.persona].name
        return {
            "platform": platform, "account_id": account_id, "handle": name or None, "display_name": person.title,
            "kind": person.kind if pushes else "organic", "network": person.network if pushes else None,
            "language": person.language,
            "country_code": person.country, "actor": person.actor, "account_kind": "account", "nature": person.nature,
            "operator": person.operator, "community": person.community, "persona": person.persona,
            "is_influencer": person.influence > 0, "profile": stock if person.bio else None,
        }  # fmt: skip

    def rows() -> Iterator[dict[str, Any]]:
        for page in pages:
            yield row("facebook", page.account_id, page.later_handle, residents.all[page.actor]) | {
                "account_kind": "page"
            }
        for group in groups:
            owner = residents.all[group.account.actor]
            yield row("facebook", group.account.account_id, None, owner) | {
                "display_name": group.account.title, "account_kind": "group", "profile": None,
            }  # fmt: skip
        for platform in PLATFORMS:
            for person in residents.on(platform):
                yield row(platform, residents.account_id(platform, person), handle(platform, person), person)

    return pa.Table.from_pylist(list(rows()), _ACCOUNTS)


def networks_table(networks: Sequence[Network], actors: Sequence[Actor], residents: Residents) -> pa.Table:
    """One row per planted network: pages, accounts elsewhere, language, style, contents."""
    pages, elsewhere = [0] * len(networks), [0] * len(networks)
    for actor in actors:
        if actor.network is not None:
            pages[actor.network] += 1
            elsewhere[actor.network] += len(set(residents.all[actor.number].platforms) - {"tiktok"})
    return pa.table(
        {
            "network": pa.array([network.number for network in networks], pa.int64()),
            "n_accounts": pa.array(pages, pa.int64()),
            "language": [network.language for network in networks],
            "style": [network.style for network in networks],
            "tempo": pa.array([network.tempo for network in networks], pa.float64()),
            "n_contents": pa.array([network.n_contents for network in networks], pa.int64()),
            "persona": pa.array([network.persona for network in networks], pa.int64()),
            "n_accounts_elsewhere": pa.array(elsewhere, pa.int64()),
        }
    )


def communities_table(residents: Residents) -> pa.Table:
    """One row per community of interest: its people, its influencers (actors), the persona that most of them share."""
    people, influencers = [0] * residents.n_communities, [list[int]() for _ in range(residents.n_communities)]
    for person in residents.all:
        if person.community is not None:
            people[person.community] += 1
            if person.influence:
                influencers[person.community].append(person.actor)
    numbers = range(residents.n_communities)
    return pa.table(
        {
            "community": pa.array(numbers, pa.int64()),
            "n_people": pa.array(people, pa.int64()),
            "favourite_persona": pa.array([number % len(PERSONAS) for number in numbers], pa.int64()),
            "influencers": pa.array(influencers, pa.list_(pa.int64())),
        }
    )


def personas_table(residents: Residents) -> pa.Table:
    """One row per persona: topics, themes of its biographies, vocabulary, people."""
    people = [0] * len(PERSONAS)
    for person in residents.all:
        people[person.persona] += 1
    return pa.table(
        {
            "persona": pa.array(range(len(PERSONAS)), pa.int64()),
            "name": [persona.name for persona in PERSONAS],
            "n_people": pa.array(people, pa.int64()),
            "topics": [list(persona.topics) for persona in PERSONAS],
            "themes": [[persona.calling, *persona.themes] for persona in PERSONAS],
            "words": [[*persona.nouns, *persona.adjectives, *persona.doings] for persona in PERSONAS],
        }
    )


def hashtags_table() -> pa.Table:
    """One row per hashtag: its topic, and the persona to which the topic belongs."""
    rows = [(tag.lower(), topic) for topic in HASHTAGS for tag in HASHTAGS[topic]]
    return pa.table(
        {
            "hashtag": [tag for tag, _ in rows],
            "topic": [topic for _, topic in rows],
            "persona": pa.array([PERSONA_OF_TOPIC[topic] for _, topic in rows], pa.int64()),
        }
    )


def labels(residents: Residents) -> Iterator[tuple[str, str, str, str, str, str, str]]:
    """What a person would have labelled: the kind of all bots, kind and country of most others who write a lot.

    On Twitter only bots and members of networks do. Bots have no country: they follow the clock of a machine. Accounts
    of an operator or a person are of one group; who belongs to a network is not known to whoever labels.
    """
    yield ("platform", "account_id", "attribute", "value", "group", "labelled_by", "labelled_at")
    for platform in ("bluesky", "twitter"):
        for person in residents.on(platform):
            if not _is_labelled(platform, person):
                continue
            account_id = residents.account_id(platform, person)
            group = f"operator {person.operator}" if person.operator is not None else f"actor {person.actor}"
            if person.network is not None:
                group = ""
            yield (platform, account_id, "kind", person.nature, group, "demo", _LABELLED_AT)
            if person.nature != "bot":
                yield (platform, account_id, "country", person.country, group, "demo", _LABELLED_AT)


def _is_labelled(platform: str, person: Resident) -> bool:
    if person.nature == "bot":
        return True
    writes = person.network is not None or (platform == "bluesky" and person.pace >= _TALKATIVE)
    return writes and person.actor % _LEFT_OUT_EVERY != 0


def listed_hashtags(topics: Sequence[str]) -> Iterator[tuple[str]]:
    """A list of hashtags, as a user would bring it to filter by."""
    yield ("hashtag",)
    for topic in topics:
        for tag in HASHTAGS[topic]:
            yield (tag.lower(),)


def listed_creators(residents: Residents, persona: int) -> Iterator[tuple[str]]:
    """A list of creators: influencers of a persona on TikTok."""
    yield ("creator",)
    for person in residents.on("tiktok"):
        if person.influence and person.persona == persona:
            yield (handle("tiktok", person),)
