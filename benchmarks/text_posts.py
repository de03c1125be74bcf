"""Synthetic short posts to measure text functions on: the demo world's sentences as people post them.

Here: posts in five languages with mentions, hashtags, links, emoji, drawn-out letters and typographic signs, and
biographies. Not here: any claim.
"""

from __future__ import annotations

import pyarrow as pa

from sm_assets.demo.draws import Draws
from sm_assets.demo.phrases import LANGUAGES, TOPICS, Language
from sm_assets.demo.texts import Writer, place_name, site_name

_EMOJI = ("😂", "❤️", "👍🏽", "🔥", "🇫🇷", "👨‍👩‍👧", "🙏", "✨")
_EMPHASIS = ("sooooo good", "yesss", "Noooo!!!", "it’s true…", "#" + "breaking", "$TSLA", "C++", "3.5 %", "co-op")


def posts(n: int, seed: int = 1, *, language: str | None = None, copies: float = 0.1) -> pa.Array:
    """Short posts, about as long as what people write (median some ninety characters).

    Args:
        n: how many.
        seed: of the draws.
        language: code of the one language, None: half of them English, the rest in four others.
        copies: share of posts that repeat an earlier one word for word.

    Returns:
        string[n].
    """
    draws, writer = Draws(seed, "posts"), Writer()
    codes = [language] if language else ["en", "en", "en", "en", *(code for code in LANGUAGES if code != "en")]
    made: list[str] = []
    for _ in range(n):
        if made and draws.chance(copies):
            made.append(draws.pick(made))
        else:
            made.append(_post(draws, writer, LANGUAGES[draws.pick(codes)]))
    return pa.array(made, pa.string())


def _post(draws: Draws, writer: Writer, language: Language) -> str:
    if draws.chance(0.08):
        return draws.pick(language.greetings)
    topic, place = draws.pick(TOPICS), place_name(draws, language)
    long = draws.chance(0.45)
    parts = [writer.message(draws, language, topic, place) if long else writer.headline(draws, language, topic, place)]
    if draws.chance(0.25):
        parts.insert(0, f"@{draws.pick(language.site_words)}.bsky.social")
    if draws.chance(0.3):
        parts.append(draws.pick(_EMPHASIS))
    if draws.chance(0.35):
        parts.append(draws.pick(_EMOJI) * (1 + draws.below(3)))
    if draws.chance(0.2):
        parts.append(f"#{topic} #{place.lower()}")
    if draws.chance(0.12):
        site = site_name(draws, language)
        parts.append(writer.address(draws, site, parts[0][:40], 1 + draws.below(12)))
    return ("\n" if draws.chance(0.1) else " ").join(parts)
