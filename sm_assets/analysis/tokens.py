"""Tokens of texts: words, tags, handles, emoji, by named and versioned tokenizers.

Here: `social/1`, the default, and `tweet/1`, NLTK's TweetTokenizer, for parity. Not here: which tokens count
(`stop_words`). A tokenizer whose output changes takes another version.

social/1, after composition (NFC) and the resolution of HTML entities:
- a link is `<url>`, an e-mail address `<email>`; a handle keeps its dots, a tag its `#` or `$`;
- a word is letters, marks and digits with apostrophes, hyphens and decimal points inside, and the plus or hash signs
  behind it (C++, C#); what joins letters invisibly is no part of it;
- an emoji is one grapheme cluster, flags, key caps and families whole, without variation selectors and skin tones;
- scripts without spaces (Han, kana, Thai, Lao, Khmer, Burmese) are pairs of neighbouring grapheme clusters, or the one
  cluster that stands alone;
- case is folded; three or more equal letters are three, but not in handles; what holds no letter, digit or emoji goes.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import regex

from sm_assets.analysis.address_patterns import EMAIL, HANDLE, LINK, replace_addresses
from sm_assets.errors import OptionError
from sm_assets.kernels.arrow import string_column

SOCIAL: Final = "social/1"
TWEET: Final = "tweet/1"
TOKENIZERS: Final = (SOCIAL, TWEET)
DEFAULT_TOKENIZER: Final = SOCIAL
URL_TOKEN: Final = "<url>"  # noqa: S105  # a word of texts
EMAIL_TOKEN: Final = "<email>"  # noqa: S105

_BATCH: Final = 32_768
# In the place of the end of a text, a link and an e-mail address while texts are searched together: control characters
# are part of no token.
_END, _LINK, _EMAIL = "\x00", "\x01", "\x02"

_APOSTROPHES: Final = "'’‘ʼ＇"
_HYPHENS: Final = "-‐‑"
# Soft hyphen, joiners, word joiner: nobody sees them inside a word.
_INVISIBLE: Final = "\u00ad\u200c\u200d\u2060"
_SELECTORS: Final = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_TONES: Final = "\U0001f3fb-\U0001f3ff"
_FLAG_TAGS: Final = "\U000e0020-\U000e007f"

# Letters of scripts without spaces; signs of length and zero that belong to several of them.
_SPACELESS: Final = (
    r"[[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]&&\p{L}]",
    r"\u30fc\uff70\u3007",
)
_RUN: Final = rf"[{_SPACELESS[0]}{_SPACELESS[1]}][{_SPACELESS[0]}{_SPACELESS[1]}\p{{M}}]*+"
_LETTERS: Final = (
    rf"[[\p{{L}}\p{{N}}]--{_SPACELESS[0]}--[{_SPACELESS[1]}]]"
    rf"[[\p{{L}}\p{{M}}\p{{N}}]--{_SPACELESS[0]}--[{_SPACELESS[1]}{_SELECTORS}]]*+"
)
_WORD: Final = (
    rf"{_LETTERS}(?:(?:[{_APOSTROPHES}]|[{_HYPHENS}]|(?<=\p{{N}})\.(?=\p{{N}})|[{_INVISIBLE}]++){_LETTERS})*+"
    r"(?:(?:\+\+?|#)(?![\p{L}\p{N}+#\ufe0f]))?"
)
# The shortest way to most words; what may go on in another way is left to _WORD.
_PLAIN: Final = rf"[A-Za-z]++(?=[ \n.,!?:;){_END}])"
# Not the signs of rights and marks, which are set in text.
_PICTURE: Final = rf"[\p{{Extended_Pictographic}}--[©®™]][\ufe0e\ufe0f{_TONES}{_FLAG_TAGS}]*+"
_EMOJI: Final = rf"[0-9#*]\ufe0f?\u20e3|\p{{Regional_Indicator}}{{2}}|{_PICTURE}(?:\u200d{_PICTURE})*+"
_TAG: Final = r"[#＃][\p{L}\p{N}_][\p{L}\p{M}\p{N}_]*+|\$\p{L}[\p{L}\p{M}\p{N}_]*+"

_IN_WORDS: Final = {
    **{ord(sign): "'" for sign in _APOSTROPHES},
    **{ord(sign): "-" for sign in _HYPHENS},
    **{ord(sign): None for sign in _INVISIBLE},
    **{code: None for first, last in ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF)) for code in range(first, last + 1)},
    ord("＃"): "#",
}
_IN_EMOJI: Final = dict.fromkeys((0xFE0E, 0xFE0F, *range(0x1F3FB, 0x1F400)))
_DRAWN_OUT: Final = re.compile(r"([^\W\d_])\1{2,}")


def tokenise(texts: pa.Array | pa.ChunkedArray, tokenizer: str = DEFAULT_TOKENIZER) -> pa.ListArray:
    """The tokens of each text, in their order.

    Args:
        texts: string[n]; null: no text.
        tokenizer: `social/1` or `tweet/1`.

    Returns:
        list<string>[n] without nulls; empty where there is no token.

    Raises:
        OptionError: no such tokenizer.
        KernelError: the texts are not Arrow strings.
    """
    if tokenizer not in TOKENIZERS:
        raise OptionError(f"tokenizer must be one of {', '.join(TOKENIZERS)}; found {tokenizer!r}.")
    column = pc.fill_null(string_column(texts), "")
    kind = pa.list_(pa.string())
    if tokenizer == TWEET:
        split = _tweet_tokenizer()
        return pa.array([split(text) for text in column.to_pylist()], kind)
    parts = [_social(column.slice(start, _BATCH)) for start in range(0, len(column), _BATCH)]
    return pa.concat_arrays(parts) if parts else pa.array([], kind)


@cache
def _tweet_tokenizer() -> Callable[[str], list[str]]:
    from nltk.tokenize import TweetTokenizer

    split: Callable[[str], list[str]] = TweetTokenizer(
        preserve_case=False, reduce_len=True, strip_handles=False
    ).tokenize
    return split


@cache
def _patterns() -> tuple[regex.Pattern[str], regex.Pattern[str], regex.Pattern[str]]:
    """(a token as it is written, as its one group; a run of a script without spaces; a grapheme cluster)."""
    # What mostly stands between tokens is passed over at once.
    token = rf"[ \n.,!?:;()\"]*+({_PLAIN}|[{_END}{_LINK}{_EMAIL}]|{HANDLE}|{_EMOJI}|{_TAG}|{_RUN}|{_WORD})"
    return regex.compile(token, regex.V1), regex.compile(_RUN, regex.V1), regex.compile(r"\X", regex.V1)


def _social(texts: pa.StringArray) -> pa.ListArray:
    """social/1 on one batch: all texts are searched as one, and each spelling is turned into tokens once."""
    written = _patterns()[0].findall(_END.join([*_readable(texts).to_pylist(), ""]))
    spellings = pa.array(written, pa.string()).dictionary_encode()
    tokens = [_tokens(spelling) for spelling in spellings.dictionary.to_pylist()]
    values = pa.array([token for each in tokens for token in each], pa.string())
    lengths = np.array([len(each) for each in tokens], np.int64)
    first = np.cumsum(lengths) - lengths
    spelling = spellings.indices.to_numpy()
    many = lengths[spelling]
    ends = np.cumsum(many)
    chosen = np.repeat(first[spelling] - (ends - many), many) + np.arange(ends[-1])
    is_end = spelling == spellings.dictionary.index(_END).as_py()
    offsets = np.concatenate(([0], ends[is_end])).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values.take(pa.array(chosen)))


def _readable(texts: pa.StringArray) -> pa.StringArray:
    """Composed texts without entities; a mark in the place of each link and e-mail address."""
    composed = pc.utf8_normalize(texts, form="NFC")
    escaped = pc.match_substring(composed, "&")
    if pc.any(escaped).as_py():
        plain = [unicodedata.normalize("NFC", html.unescape(text)) for text in composed.filter(escaped).to_pylist()]
        composed = pc.replace_with_mask(composed, escaped, pa.array(plain, pa.string()))
    marked = pc.match_substring_regex(composed, r"[\x00-\x02]")
    if pc.any(marked).as_py():
        composed = pc.replace_substring_regex(composed, r"[\x00-\x02]", " ")
    return replace_addresses(composed, ((LINK, f" {_LINK} "), (EMAIL, rf"\1 {_EMAIL} ")))


def _tokens(spelling: str) -> list[str]:
    """What one spelling stands for: one token, several of a run without spaces, none if nothing is left."""
    if spelling in _SPECIAL:
        return _SPECIAL[spelling]
    if spelling[0] in "@#＃$" and not spelling.endswith("\u20e3"):
        if not any(map(str.isalnum, spelling)):
            return []
        folded = _folded(spelling)
        return [folded if spelling[0] == "@" else _DRAWN_OUT.sub(r"\1\1\1", folded)]
    if spelling.isascii():
        return [_DRAWN_OUT.sub(r"\1\1\1", spelling.lower())]
    if not spelling[0].isalnum() or spelling.endswith("\u20e3"):
        return [spelling.translate(_IN_EMOJI)]
    word = _DRAWN_OUT.sub(r"\1\1\1", _folded(spelling)).strip("'")
    _, run, cluster = _patterns()
    if not run.match(word):
        return [word] if word else []
    clusters = cluster.findall(word)
    return [a + b for a, b in pairwise(clusters)] or clusters


_SPECIAL: Final[dict[str, list[str]]] = {_END: [], _LINK: [URL_TOKEN], _EMAIL: [EMAIL_TOKEN]}


def _folded(spelling: str) -> str:
    """Without case, typographic signs and invisible characters, composed; the dotted capital I is an i."""
    return unicodedata.normalize("NFC", spelling.translate(_IN_WORDS).casefold().replace("i\u0307", "i"))
