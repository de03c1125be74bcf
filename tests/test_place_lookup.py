"""Countries of location texts: the certain ones are found; what several share or nobody means is not guessed."""

from __future__ import annotations

import time

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sm_assets.analysis import place_lookup
from sm_assets.analysis.labels import country_codes
from sm_assets.analysis.place_lookup import countries_of, country_of, folded
from sm_assets.contracts.attribute_columns import PLACE_RULES

CERTAIN = {
    # Names of countries in many languages.
    "Germany": "DE", "deutschland": "DE", "Allemagne": "DE", "Alemania": "DE", "日本": "JP", "Россия": "RU",
    "Türkiye": "TR", "Nederland": "NL", "Côte d’Ivoire": "CI", "ivory coast": "CI", "UK": "GB", "u.k.": "GB",
    "U.S.A.": "US", "England": "GB", "Hong Kong": "HK", "Mexico": "MX", "Niger": "NE", "Nigeria": "NG",
    "somewhere in Germany": "DE",
    # Flags, alone or beside a name that they settle.
    "🇩🇪": "DE", "🇧🇷🇧🇷": "BR", "Valencia 🇪🇸": "ES", "Georgia 🇬🇪": "GE",
    "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f": "GB",
    # A flag of another country is sympathy.
    "Paris 🇺🇦": "FR", "Lyon, France 🇺🇦": "FR",
    # Regions.
    "Texas": "US", "Bay Area, California": "US", "Bavaria": "DE", "Québec": "CA", "New Mexico": "US", "New York": "US",
    # Cities, in their own spelling, in others, by their size.
    "Berlin": "DE", "München": "DE", "Muenchen": "DE", "Munich": "DE", "Köln": "DE", "Wien": "AT", "東京都": "JP",
    "Москва": "RU", "São Paulo": "BR", "sao paulo": "BR", "İstanbul": "TR", "London": "GB", "Paris": "FR", "NYC": "US",
    "CDMX": "MX", "Berlin, Hamburg": "DE",
    # A country, region or its letters settle what the size does not, or overrule it.
    "Paris, TX": "US", "Paris, Texas": "US", "London, Ontario": "CA", "London, ON": "CA", "Birmingham, AL": "US",
    "Birmingham, UK": "GB", "Cambridge, MA": "US", "Valencia, España": "ES", "Valencia, Venezuela": "VE",
    "San José, Costa Rica": "CR", "San Jose, CA": "US", "Los Angeles, CA": "US", "Toronto, CA": "CA",
    "Berlin, DE": "DE", "Buenos Aires, AR": "AR", "Little Rock, AR": "US", "Denver, CO": "US", "Bogotá, CO": "CO",
    "Georgia, USA": "US", "Tbilisi, Georgia": "GE", "Atlanta, Georgia": "US", "Athens, Georgia": "US",
    "Washington, D.C.": "US", "Granada, España": "ES", "Nice, France": "FR", "Paradise, NV": "US",
    "Moscow, Idaho": "US", "Deutschland, Berlin": "DE", "Berlin (Germany)": "DE", "Paris / France": "FR",
    # Joined places, where each of them is one; words that join within a name.
    "Berlin and Hamburg": "DE", "From Berlin to Hamburg": "DE", "Berlin, Germany & Hamburg, Germany": "DE",
    "Trinidad and Tobago": "TT", "Bosnia & Herzegovina": "BA", "Newfoundland and Labrador": "CA",
    "Bali": "ID", "Ubud, Bali, Indonesia": "ID", "Bali, West Bengal": "IN", "Victoria, BC": "CA", "Naples": "IT",
    "Congo-Kinshasa": "CD", "Manchester, Jamaica": "JM", "Berlin | he/him": "DE", "Лондон": "GB",
    # Without a mark between them.
    "London UK": "GB", "Austin TX": "US", "austin, tx": "US", "日本 東京": "JP",
}  # fmt: skip
UNCERTAIN = (
    # Nobody means a place.
    "", " ", "everywhere", "Everywhere & nowhere", "the moon", "The Moon 🌙", "planet earth", "Mars", "in your head",
    "Hogwarts", "Narnia", "Gotham City", "Atlantis", "Batman", "she/her", "127.0.0.1", "12.34,56.78", "🌍", "🏳️‍🌈",
    "Bank of America", "not Germany", "Nice", "Reading", "Paradise", "home", "online", "Island",
    "<script>alert(1)</script>", "=1+1",
    # Letters behind what is no city of theirs are words.
    "Hmm, OK", "Nope, NO", "Hell, ME", "LA", "de", "in", "IN",
    # Several countries share the name.
    "Georgia", "Valencia", "Granada", "Manchester", "Cambridge", "San José", "Hyderabad", "Newcastle", "Ontario",
    "Victoria", "victoria", "Bethlehem", "Islamabad", "Odessa", "Congo", "Kongo", "University", "Liberty",
    # Words around a country, which is not where the account is.
    "Never been to Germany", "Moving to Japan", "Get me to Greece", "Freedom and Iran", "Down with Russia & China",
    "Glory to Ukraine", "freedom AND Iran", "Peace+Iran", "death to Israel", "Peace, love & Jamaica",
    # A country with a city of another behind it: Jamaica is a part of Queens too.
    "Jamaica, Queens", "Germany, Lyon",
    # Several places.
    "London and Paris", "London + Paris", "London, UK and Paris, France",
    "London / Paris", "London & New York", "Berlin, Paris", "Los Angeles → Tokyo", "France and Germany", "🇺🇸🇬🇧",
    "Berlin, Germany / Paris, France", "Springfield / London", "London / Paris 🇩🇪",
)  # fmt: skip


@pytest.mark.parametrize(("text", "code"), CERTAIN.items())
def test_a_place_that_is_certain_is_found(text: str, code: str) -> None:
    place = country_of(text)
    assert place is not None, text
    assert place.country == code
    assert place.rule in PLACE_RULES


@pytest.mark.parametrize("text", UNCERTAIN)
def test_what_is_not_certain_is_not_guessed(text: str) -> None:
    assert country_of(text) is None


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("🇩🇪", "flag"),
        ("Germany", "country"),
        ("Texas", "region"),
        ("Paris, Texas", "city_and_country"),
        ("Berlin", "city"),
    ],
)
def test_the_rule_is_told(text: str, rule: str) -> None:
    place = country_of(text)
    assert place is not None
    assert place.rule == rule


def test_a_city_needs_five_times_the_people_of_the_next_country(monkeypatch: pytest.MonkeyPatch) -> None:
    names = place_lookup._names()  # the boundary lies between numbers of people
    for people, expected in ((500_000, "GB"), (499_999, None)):
        cities = {"anytown": {"GB": people, "US": 100_000}}
        changed = place_lookup._Names(
            names.strong, cities, names.codes, names.not_places, names.around, names.word_codes
        )
        monkeypatch.setattr(place_lookup, "_names", lambda changed=changed: changed)
        place = country_of("Anytown")
        assert (place and place.country) == expected
        beside = country_of("Anytown, United States")
        assert beside is not None
        assert beside.country == "US"


def test_texts_are_answered_in_their_places() -> None:
    texts = pa.chunked_array([["Berlin", None, "the moon"], ["Paris, TX", "Berlin"]])
    codes, rules = countries_of(texts)
    assert codes.to_pylist() == ["DE", None, None, "US", "DE"]
    assert rules.to_pylist() == ["city", None, None, "city_and_country", "city"]
    assert countries_of(pa.array([None, None], pa.string()))[0].to_pylist() == [None, None]
    assert len(countries_of(pa.array([], pa.string()))[0]) == 0


@given(st.text(max_size=60))
def test_any_text_is_read_without_error(text: str) -> None:
    place = country_of(text)
    assert place is None or place.country in country_codes()
    assert folded(folded(text)) == folded(text) or not text.isascii()


def test_a_long_text_costs_no_more_than_its_beginning() -> None:
    country_of("Berlin")
    before = time.process_time()
    for text in ("Berlin, " * 100_000, "a " * 500_000, "🇩🇪" * 300_000):
        country_of(text)
    assert time.process_time() - before < 2
