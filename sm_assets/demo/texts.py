"""Sentences, links and their small variations.

Here: how a text or a link is made, and how a copy of it looks (case, white space, look-alike signs, tracking
parameters): the differences that a canonical content does not see. Not here: who writes it (`sharing`), the words
(`phrases`).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from sm_assets.demo.draws import Draws
from sm_assets.demo.phrases import SIGNS, Language
from sm_assets.demo.vocabulary import PERSONA_OF_TOPIC
from sm_assets.demo.voices import remark

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
_CLICK_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_BOLD_CAPITAL_A: Final = 0x1D5D4  # mathematical sans-serif bold capitals: compatibility forms of A..Z
_VARIATION: Final = "\ufe0f"
_ZERO_WIDTH: Final = "\u200b"
_NO_BREAK: Final = "\u00a0"


def place_name(draws: Draws, language: Language) -> str:
    """An invented place."""
    return draws.pick(language.places[0]) + draws.pick(language.places[1])


def slug(text: str, limit: int = 60) -> str:
    """Lower-case ASCII letters and digits joined by hyphens."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    return "-".join(re.findall("[a-z0-9]+", plain))[:limit].strip("-")


class Writer:
    """Writes sentences and addresses that no two contents of a world share by accident."""

    def __init__(self) -> None:
        self._written: set[str] = set()

    def headline(self, draws: Draws, language: Language, topic: str, place: str) -> str:
        """Subject and predicate, without an end mark."""
        rest = draws.pick(language.predicates).format(n=2 + draws.below(96), day=draws.pick(language.days))
        return f"{draws.pick(language.subjects[topic]).format(place=place)} {rest}"

    def message(self, draws: Draws, language: Language, topic: str, place: str) -> str:
        """Up to three sentences that nobody wrote before in this world; in English two of them tell the persona.

        What all personas say alike would stand out more than what each of them says: English texts name their subject
        and go on in words of the persona.
        """
        while True:
            opener = draws.pick(language.openers)
            if language.code == "en":
                persona, subject = PERSONA_OF_TOPIC[topic], draws.pick(language.subjects[topic]).format(place=place)
                text = f"{opener}{subject}. {remark(draws.uniform, persona)}. {remark(draws.uniform, persona)}."
            else:
                text = f"{opener}{self.headline(draws, language, topic, place)}."
                if draws.chance(0.7):
                    text += f" {draws.pick(language.tails)}"
            if draws.chance(0.3):
                text = f"{draws.pick(SIGNS)} {text}"
            if text.casefold() not in self._written:
                self._written.add(text.casefold())
                return text

    def address(self, draws: Draws, site: str, headline: str, month: int) -> str:
        """The plain address of an article: no `www.`, no tracking, parameters in order."""
        while True:
            path = f"{slug(headline)}-{draws.below(90_000) + 10_000}"
            url = f"https://{site}/2024/{month:02d}/{path}"
            if draws.chance(0.2):
                url = f"https://{site}/read.php?article={draws.below(900_000) + 100_000}&part={1 + draws.below(3)}"
            if url not in self._written:
                self._written.add(url)
                return url


def site_name(draws: Draws, language: Language) -> str:
    """An invented host name."""
    return f"{slug(place_name(draws, language))}-{draws.pick(language.site_words)}.example"


def copied_text(draws: Draws, text: str) -> str:
    """The text as somebody else pastes it: the same to a reader, not always the same bytes."""
    match draws.weighted((45, 9, 8, 9, 8, 8, 6, 7)):
        case 1:  # the beginning in capitals
            head, gap, tail = text.partition(". ")
            return head.upper() + gap + tail
        case 2:
            return text.lower()
        case 3:  # sentences on lines of their own
            return text.replace(". ", ".\n\n")
        case 4:  # the phone's keyboard drops the selector
            return text.replace(_VARIATION, "")
        case 5:
            return text.replace(". ", f".{_ZERO_WIDTH} ") + _ZERO_WIDTH
        case 6:
            return f"{text.replace(' ', _NO_BREAK, 1)}  "
        case 7:  # letters that only look bold
            head, gap, tail = text.partition(" ")
            return "".join(_bold(letter) for letter in head.upper()) + gap + tail
        case _:
            return text


def _bold(letter: str) -> str:
    return chr(_BOLD_CAPITAL_A + ord(letter) - ord("A")) if "A" <= letter <= "Z" else letter


def tracked_url(draws: Draws, url: str) -> str:
    """The address as one of many ways of sharing leaves it; all of them lead to the same page."""
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    path, _, query = path.partition("?")
    parameters = query.split("&") if query else []
    if draws.chance(0.15):
        scheme = "http"
    if draws.chance(0.5):
        host = f"www.{host}"
    if draws.chance(0.05):
        host = host.upper()
    if not query and draws.chance(0.2):
        path += "/"
    if len(parameters) > 1 and draws.chance(0.3):
        parameters.reverse()
    match draws.weighted((35, 25, 25, 5, 5, 5)):
        case 1:
            parameters += ["utm_source=facebook", "utm_medium=social", f"utm_campaign=c{draws.below(900)}"]
        case 2:
            parameters.append(f"fbclid=IwAR{draws.word(_CLICK_LETTERS, 24)}")
        case 3:
            parameters.insert(0, f"gclid={draws.word(_CLICK_LETTERS, 16)}")
        case 4:
            parameters.append(f"mc_cid={draws.word('0123456789abcdef', 10)}")
        case 5:
            parameters += ["UTM_Source=newsletter", f"fbclid=IwAR{draws.word(_CLICK_LETTERS, 24)}"]
        case _:
            pass
    fragment = "#comments" if draws.chance(0.05) else ""
    return f"{scheme}://{host}/{path}{'?' if parameters else ''}{'&'.join(parameters)}{fragment}"


def short_link(draws: Draws) -> str:
    """What a link shortener makes of an address; each use of it gives another one."""
    return f"https://shrt.example/{draws.word(_LETTERS, 7)}"
