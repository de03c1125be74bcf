"""What the personas of the demo world talk about: words, patterns of sentences, hashtags, biographies.

Here: tables of text, nothing that draws from them (`voices`). The words are English: the other languages tell a persona
by the subjects of its topics (`phrases`). Not here: sentences that make a network's content (`texts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Persona:
    """What a kind of people likes to talk about.

    Attributes:
        topics: names of topics (`phrases.TOPICS`); no two personas share one.
        calling: what its people say that they live for.
        nouns, adjectives, doings: its vocabulary; doings are verbs in -ing.
    """

    name: str
    topics: tuple[str, ...]
    calling: str
    nouns: tuple[str, ...]
    adjectives: tuple[str, ...]
    doings: tuple[str, ...]


def _persona(name: str, topics: str, calling: str, nouns: str, adjectives: str, doings: str) -> Persona:
    return Persona(
        name, tuple(topics.split()), calling, tuple(nouns.split()), tuple(adjectives.split()), tuple(doings.split())
    )


PERSONAS: Final = (
    _persona(
        "harbour",
        "ferry tram",
        "seafaring",
        "ferry captain harbour timetable deck gangway tram lighthouse platform bridge ticket tugboat sailor anchor",
        "delayed foggy nautical crowded seaworthy punctual salty drifting",
        "boarding sailing docking commuting steering anchoring",
    ),
    _persona(
        "kitchen",
        "market harvest",
        "cooking",
        "bread dough orchard apple honey butter onion soup bakery cheese barley garlic jam pumpkin",
        "crusty ripe sour buttery roasted homegrown peppery juicy",
        "baking kneading harvesting simmering pickling tasting",
    ),
    _persona(
        "council",
        "housing water",
        "politics",
        "rent landlord tenant mayor permit ballot budget petition eviction tax plumbing committee reform lawsuit",
        "unaffordable political municipal vacant corrupt taxable elected leaking",
        "voting petitioning evicting protesting renting campaigning",
    ),
    _persona(
        "pitch",
        "football",
        "football",
        "goalkeeper striker penalty derby corner referee league stadium trophy midfield coach header hattrick fans",
        "offside unbeaten relegated athletic goalless sporty injured defensive",
        "dribbling scoring tackling defending kicking coaching",
    ),
    _persona(
        "ward",
        "hospital",
        "medicine",
        "midwife nurse clinic ambulance vaccine patient surgery ward doctor bandage pharmacy fever therapist diagnosis",
        "feverish sterile medical chronic contagious newborn surgical healthy",
        "nursing vaccinating bandaging diagnosing recovering operating",
    ),
    _persona(
        "bookshelf",
        "library school",
        "literature",
        "novel poem pupil teacher chapter library essay violin exam homework classroom bookshop orchestra author",
        "literary unread poetic musical scholarly rhyming fictional bookish",
        "reading studying teaching rehearsing reciting proofreading",
    ),
)
PERSONA_OF_TOPIC: Final = {topic: number for number, persona in enumerate(PERSONAS) for topic in persona.topics}

# {n}, {m}, {o}: nouns; {a}, {b}: adjectives; {d}, {e}: doings; capitals: with a capital letter.
SENTENCES: Final = (
    "{D} the {a} {n} before the {m} again",
    "Nobody told me that {d} a {n} could be so {a}",
    "My {a} {n} and a {b} {m}, what a day",
    "Is anybody else {d} with the {n} tonight",
    "{N}, {m}, {o}, that is all I need",
    "A {a} {n} beats a {b} {m} every time",
    "Still {d} and {e} over the {a} {n}",
    "They say the {n} and the {m} were never this {a}",
    "{E} is half of {d}, says the {n}",
    "Another {a} {m}, another {b} {n}",
    "Why is every {n} so {a} when we are {d}",
    "First the {n}, then the {m}, then {d} till the {o}",
)
ENDINGS: Final = ("", ".", "!", " \U0001f642", "\u2026", ".", "?", " \u2764\ufe0f")

# Topic -> hashtags, the most used first; each begins with a word of its topic.
HASHTAGS: Final = {
    "water": ("waterprice", "watersupply", "drinkingwater", "watertower", "tapwater", "waterbill", "waterwell"),
    "school": ("schoolbus", "schoolday", "backtoschool", "schoolteacher", "schoolkids", "schoolyard", "highschool"),
    "ferry": ("ferryride", "nightferry", "ferryboat", "ferrycaptain", "ferryterminal", "carferry", "ferrydelay"),
    "market": ("farmersmarket", "marketday", "markethall", "foodmarket", "marketstall", "streetmarket", "fishmarket"),
    "housing": ("housingcrisis", "affordablehousing", "socialhousing", "housingrent", "publichousing", "fairhousing"),
    "harvest": ("appleharvest", "harvesttime", "harvestday", "grainharvest", "harvestfestival", "honeyharvest"),
    "tram": ("tramline", "tramstop", "tramdriver", "tramnetwork", "tramride", "tramway", "tramticket"),
    "hospital": ("hospitalbeds", "hospitalnurse", "hospitalward", "savethehospital", "hospitalstaff", "nighthospital"),
    "football": ("footballclub", "footballmatch", "footballfans", "footballcoach", "footballgoal", "womensfootball"),
    "library": ("publiclibrary", "librarybooks", "librarycard", "lovelibraries", "librarian", "librarylife"),
}
# What a platform's users put under everything; no topic's.
PLATFORM_TAGS: Final = ("fyp", "foryou", "viral", "foryoupage")

# {n}, {m}, ...: as above; {c}: calling; {p}: place; {t}: title; {s}: web site; {w}: topic; {k}: number; {r}: operator.
PERSON_BIOS: Final = (
    "{C}: {n}, {m} and {o}. I am {d} and {e} in {p}.",
    "My {n}, my {m}, my {o}: {c} and {d}.",
    "{D}, {e}, {a} {n} and {b} {m}: {c} and me.",
    "I am all {c}: {d} the {a} {n}, my {m} and my {o}.",
)
COMPANY_BIOS: Final = (
    "Official company account of {t}. Customer service and press contact: {s}",
    "{t}, official company website {s}. Press contact and customer service on weekdays.",
    "Official company channel of {t}. Orders, customer service, press contact: office@{s}",
)
BOT_BIOS: Final = (
    "Automated bot: {w} alerts every {h} hours. This automated bot is operated by {r}.",
    "This is an automated bot with {w} alerts, operated by {r}.",
    "Automated bot for {w} alerts, no replies. Operated by {r}.",
)
BOT_TEXTS: Final = (
    "{D} the {a} {n} before the {m}. {E} is half of {d}, says the {o}. {w} update {k}.",
    "{N}, {m}, {o}: {d} and {e}, {a} and {b}. {w} update {k} by {r}.",
    "A {a} {n} beats a {b} {m}: {d}, {e}, {o}. {w} update {k}.",
)
COMPANY_TEXTS: Final = (
    "{t}: {a} {n}, {b} {m}, {o} for {d} and {e}. Order by {k}.",
    "For {d} and {e}: the {a} {n} and the {b} {m}, now at {t}, number {k}.",
    "{t} brings you the {n}, the {m} and the {a} {o} ({k}), for {d}.",
)
GIVEN_NAMES: Final = (
    "Ada", "Bela", "Carla", "Dario", "Edda", "Falk", "Greta", "Hanno", "Ines", "Jona", "Kaia", "Lino", "Mira", "Nils",
    "Olga", "Pablo", "Quinn", "Rosa", "Sami", "Tilda", "Udo", "Vera", "Wanda", "Xenia", "Yara", "Zeno",
)  # fmt: skip
OPERATORS: Final = (
    "Feedworks", "Pushline", "Loudspeaker Labs", "Autopost One", "Clockwork Media", "Relay Nine", "Signal Mill",
    "Drumbeat", "Echo Press", "Ticker Factory", "Parrot Post", "Metronome",
)  # fmt: skip
