"""How the people of the demo world talk: sentences, posts and biographies in the words of their persona.

Here: texts out of the words (`vocabulary`, `phrases`), quick enough for millions of them. Not here: contents that
networks push (`texts`, `sharing`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sm_assets.demo.phrases import LANGUAGES
from sm_assets.demo.vocabulary import (
    BOT_BIOS,
    BOT_TEXTS,
    COMPANY_BIOS,
    COMPANY_TEXTS,
    ENDINGS,
    HASHTAGS,
    OPERATORS,
    PERSON_BIOS,
    PERSONAS,
    SENTENCES,
)

_TAGGED: Final = 0.35
# How often somebody writes a hashtag with the capitals of its words.
_CAPITALS: Final = 0.2

Random = Callable[[], float]


def pick(random: Random, options: Sequence[str]) -> str:
    """One of them, each equally likely."""
    return options[int(random() * len(options))]


def sentence(random: Random, persona: int, pattern: str) -> str:
    """The pattern filled with words of the persona."""
    words = PERSONAS[persona]
    n, m, o = pick(random, words.nouns), pick(random, words.nouns), pick(random, words.nouns)
    d, e = pick(random, words.doings), pick(random, words.doings)
    a, b = pick(random, words.adjectives), pick(random, words.adjectives)
    return pattern.format(
        n=n,
        m=m,
        o=o,
        N=n.capitalize(),
        d=d,
        e=e,
        D=d.capitalize(),
        E=e.capitalize(),
        a=a,
        b=b,
        A=a.capitalize(),
        c=words.calling,
        C=words.calling.capitalize(),
    )


def remark(random: Random, persona: int) -> str:
    """One sentence without an end mark."""
    return sentence(random, persona, pick(random, SENTENCES))


def post_text(random: Random, persona: int, language: str, place: str) -> tuple[str, tuple[str, ...]]:
    """A post of a person and the hashtags that end it."""
    if language == "en":
        text = f"{remark(random, persona)}. {remark(random, persona)}{pick(random, ENDINGS)}"
    else:
        words = LANGUAGES[language]
        topic = pick(random, PERSONAS[persona].topics)
        subject = pick(random, words.subjects[topic]).format(place=place)
        rest = pick(random, words.predicates).format(n=2 + int(random() * 96), day=pick(random, words.days))
        text = f"{pick(random, words.openers)}{subject} {rest}. {pick(random, words.tails)}"
    return tagged(random, persona, text) if random() < _TAGGED else (text, ())


def tagged(random: Random, persona: int, text: str) -> tuple[str, tuple[str, ...]]:
    """The text with one to three hashtags of one topic at its end; the first of a topic are the most used."""
    options = HASHTAGS[pick(random, PERSONAS[persona].topics)]
    first = int(random() * random() * len(options))
    step = 1 + int(random() * 2)
    tags = tuple(options[(first + step * turn) % len(options)] for turn in range(1 + int(random() * 3)))
    if random() >= _CAPITALS:
        tags = tuple(tag.lower() for tag in tags)
    return f"{text} {' '.join('#' + tag for tag in tags)}", tags


def company_text(random: Random, persona: int, language: str, place: str, title: str, number: int) -> str:
    """What a company tells its customers; with a number in it, so that no two say the same."""
    if language != "en":
        return f"{post_text(random, persona, language, place)[0].partition(' #')[0]} {title}, {number}."
    return sentence(random, persona, pick(random, COMPANY_TEXTS).replace("{t}", title).replace("{k}", str(number)))


def bot_text(random: Random, persona: int, operator: int, number: int) -> str:
    """One of the messages that all bots of an operator write alike."""
    pattern = BOT_TEXTS[operator % len(BOT_TEXTS)]
    topic = pick(random, PERSONAS[persona].topics)
    facts = {"{w}": topic, "{k}": str(number), "{r}": OPERATORS[operator % len(OPERATORS)]}
    return sentence(random, persona, _told(pattern, facts))


def person_bio(random: Random, persona: int, place: str) -> str:
    """What a person says about itself, in English whatever it writes: its persona's themes in an order of its own."""
    rest, words = list(PERSONAS[persona].themes), []
    while rest:
        words.append(rest.pop(int(random() * len(rest))))
    facts = {f"{{{mark}}}": word for mark, word in zip("vwxyz", words, strict=True)}
    facts |= {"{V}": words[0].capitalize(), "{p}": place}
    return sentence(random, persona, _told(pick(random, PERSON_BIOS), facts))


def company_bio(random: Random, site: str) -> str:
    """What a company says about itself, in English."""
    return _told(pick(random, COMPANY_BIOS), {"{s}": site})


def bot_bio(operator: int, hours: int) -> str:
    """What a bot says about itself; bots of one operator say the same."""
    facts = {"{h}": str(hours), "{r}": OPERATORS[operator % len(OPERATORS)]}
    return _told(BOT_BIOS[operator % len(BOT_BIOS)], facts)


def _told(pattern: str, facts: dict[str, str]) -> str:
    for mark, value in facts.items():
        pattern = pattern.replace(mark, value)
    return pattern
