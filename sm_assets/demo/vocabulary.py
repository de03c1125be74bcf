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
        calling: what its people say that they live for; themes: five things that all of them name when they say who
            they are, in an order of their own.
        nouns, adjectives, doings: its vocabulary; doings are verbs in -ing.
    """

    name: str
    topics: tuple[str, ...]
    calling: str
    themes: tuple[str, ...]
    nouns: tuple[str, ...]
    adjectives: tuple[str, ...]
    doings: tuple[str, ...]


def _persona(name: str, topics: str, calling: str, themes: str, nouns: str, adjectives: str, doings: str) -> Persona:
    words = (tuple(text.split()) for text in (themes, nouns, adjectives, doings))
    return Persona(name, tuple(topics.split()), calling, *words)


PERSONAS: Final = (
    _persona(
        "harbour",
        "ferry tram",
        "seafaring",
        "ships sailors tides boats waves",
        "ferry captain harbour timetable deck gangway tram lighthouse platform bridge ticket tugboat sailor anchor",
        "delayed foggy nautical crowded seaworthy punctual salty drifting",
        "boarding sailing docking commuting steering anchoring",
    ),
    _persona(
        "kitchen",
        "market harvest",
        "cooking",
        "recipes bakeries gardens food kitchens",
        "bread dough orchard apple honey butter onion soup bakery cheese barley garlic jam pumpkin",
        "crusty ripe sour buttery roasted homegrown peppery juicy",
        "baking kneading harvesting simmering pickling tasting",
    ),
    _persona(
        "council",
        "housing water",
        "politics",
        "tenants elections laws citizens councils",
        "rent landlord tenant mayor permit ballot budget petition eviction tax plumbing committee reform lawsuit",
        "unaffordable political municipal vacant corrupt taxable elected leaking",
        "voting petitioning evicting protesting renting campaigning",
    ),
    _persona(
        "pitch",
        "football",
        "football",
        "goals matches teams derbies trophies",
        "goalkeeper striker penalty derby corner referee league stadium trophy midfield coach header hattrick fans",
        "offside unbeaten relegated athletic goalless sporty injured defensive",
        "dribbling scoring tackling defending kicking coaching",
    ),
    _persona(
        "ward",
        "hospital",
        "medicine",
        "patients nurses clinics health ambulances",
        "midwife nurse clinic ambulance vaccine patient surgery ward doctor bandage pharmacy fever therapist diagnosis",
        "feverish sterile medical chronic contagious newborn surgical healthy",
        "nursing vaccinating bandaging diagnosing recovering operating",
    ),
    _persona(
        "bookshelf",
        "library school",
        "literature",
        "books poetry teachers stories libraries",
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

# Topic -> hashtags, the most used first, as somebody spells them who minds the words; each names its topic.
HASHTAGS: Final = {
    "water": (
        "DrinkingWater", "TapWater", "WaterSupply", "WaterPipes", "WaterTower", "WaterBill", "WaterWell", "CleanWater",
    ),
    "school": ("SchoolDay", "SchoolBus", "SchoolTeacher", "SchoolKids", "SchoolYard", "SchoolLife", "HighSchool"),
    "ferry": ("FerryRide", "FerryBoat", "FerryCaptain", "FerryTerminal", "FerryDelay", "FerryPort", "FerryLine"),
    "market": (
        "FarmersMarket", "MarketDay", "MarketHall", "FoodMarket", "MarketStall", "StreetMarket", "FishMarket",
        "MarketPlace",
    ),
    "housing": (
        "HousingCrisis", "SocialHousing", "PublicHousing", "HousingRights", "HousingPolicy", "HousingCosts",
        "HousingForAll",
    ),
    "harvest": (
        "HarvestTime", "HarvestDay", "HarvestFestival", "HarvestMoon", "HarvestSeason", "WheatHarvest", "GrainHarvest",
    ),
    "tram": ("TramLine", "TramStop", "TramDriver", "TramNetwork", "TramRide", "Tramway", "TramTicket"),
    "hospital": (
        "HospitalBeds", "HospitalNurse", "HospitalWard", "HospitalLife", "HospitalStaff", "HospitalCare",
        "HospitalFood",
    ),
    "football": (
        "FootballClub", "FootballMatch", "FootballFans", "FootballCoach", "FootballGoal", "FootballSeason",
        "FootballTeam",
    ),
    "library": (
        "PublicLibrary", "LibraryBooks", "LibraryCard", "LibraryLove", "Librarian", "LibraryLife", "LibraryLovers",
    ),
}  # fmt: skip
# What a platform's users put under everything; no topic's.
PLATFORM_TAGS: Final = ("fyp", "foryou", "viral", "foryoupage")

# {v} ... {z}: themes; {c}: calling; {n}: noun; {p}: place. Beside themes and calling nothing comes twice: what
# somebody is decides how a biography is told from others, not who wrote the pattern.
PERSON_BIOS: Final = (
    "{C}: {v}, {w}, {x}, {y} and {z}. From {p}.",
    "{V} and {w}, {x} and {y}, and {z}: I am all {c}. {p}.",
    "In {p} with my {n}. {C}, {v}, {w}, {x}, {y}, {z}.",
    "My {n} and me: {v}, {w}, {x}, {y}, {z} and more {c}.",
)
# {s}: web site; {t}: title; {w}: topic; {h}, {k}: numbers; {r}: operator.
COMPANY_BIOS: Final = (
    "Official company account https://{s} Customer service, press contact",
    "Press contact and customer service: https://{s} (official company account)",
    "Customer service https://{s} Press contact, official company account",
)
BOT_BIOS: Final = (
    "Automated bot: alerts every {h} hours. Operated by {r}.",
    "I am an automated bot with alerts every {h} hours, operated by {r}.",
    "Every {h} hours alerts by an automated bot. Operated by {r}.",
)
BOT_TEXTS: Final = (
    "{D} the {a} {n} before the {m}. {E} is half of {d}, says the {o}. No {k}.",
    "{N}, {m}, {o}: {d} and {e}, {a} and {b}. Sent by {r}, {k}.",
    "A {a} {n} beats a {b} {m}: {d}, {e}, {o}. Part {k} for the {w}.",
    "Reading of {k}: {a} {n}, {b} {m}, then {d} and {e} at the {o}.",
    "{k} new: the {n}, the {m}, the {a} {o}, all for {d} or {e}.",
    "Today's {a} {n} ({k}). {D}, {e}, {m}, {o}, {b} as ever.",
    "{w} {k}: {d} with a {a} {n}, {e} with a {b} {m} and the {o}.",
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
# Country -> what people there write into the field for their place.
LOCATIONS: Final = {
    "US": ("Chicago, IL", "Denver, Colorado", "Seattle", "Austin, Texas", "Philadelphia, PA", "Brooklyn, NY"),
    "GB": ("Leeds", "Manchester, UK", "Bristol, England", "Glasgow, Scotland", "Sheffield", "London"),
    "MX": ("Guadalajara, México", "Monterrey", "Puebla, Mexico", "Ciudad de México", "Tijuana"),
    "ES": ("Madrid", "Sevilla", "Valencia, España", "Bilbao", "Zaragoza, Spain"),
    "FR": ("Lyon", "Marseille", "Nantes, France", "Lille", "Toulouse"),
    "DE": ("Hamburg", "Köln", "Leipzig, Deutschland", "München", "Bremen, Germany"),
    "BR": ("São Paulo", "Curitiba, Brasil", "Recife \U0001f1e7\U0001f1f7", "Belo Horizonte", "Salvador, Brazil"),
}
NOWHERE: Final = ("the moon", "everywhere and nowhere", "your timeline", "on the sofa", "in my head")
OPERATORS: Final = (
    "Feedworks", "Pushline", "Loudspeaker Labs", "Autopost One", "Clockwork Media", "Relay Nine", "Signal Mill",
    "Drumbeat", "Echo Press", "Ticker Factory", "Parrot Post", "Metronome",
)  # fmt: skip
