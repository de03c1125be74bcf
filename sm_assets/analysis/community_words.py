"""Words that mark a community off: what its members' profiles say and others' do not.

Here: words of profiles, their score, the choice. Not here: any other text; a label never holds what is in no profile.

No list of common words is needed: a word that all use is as frequent outside as inside, and scores nothing.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import filterfalse
from typing import Final

import numpy as np
import numpy.typing as npt

from sm_assets.errors import KernelError

N_WORDS: Final = 6
_LEAST_MEMBERS: Final = 2
_LEAST_SHARE: Final = 0.1
_LEAST_TIMES: Final = 2

# Names of hosts with a familiar ending.
_HOST: Final = re.compile(r"\w\.(?:app|be|co|com|gg|info|io|ly|me|net|org|social|tv)\b")
_IDEOGRAPHS: Final = "\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_IDEOGRAPH: Final = re.compile(f"[{_IDEOGRAPHS}]")
_HANGUL: Final = re.compile("[\uac00-\ud7a3]")


@cache
def _pieces() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """(a run of letters with their marks, a run of ideographs inside it or of other letters)."""
    ranges: list[list[int]] = []
    for code in range(0x300, min(sys.maxunicode, 0x1FFFF)):
        if unicodedata.category(chr(code))[0] == "M":
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    marks = "".join(f"{chr(low)}-{chr(high)}" for low, high in ranges)
    return re.compile(rf"[^\W\d_]+(?:[{marks}]+[^\W\d_]*)*"), re.compile(rf"[{_IDEOGRAPHS}]+|[^{_IDEOGRAPHS}]+")


def _is_address(token: str) -> bool:
    """An address or a mention, maybe in brackets or with a comma behind."""
    return "@" in token or "://" in token or ("." in token and bool("www." in token or _HOST.search(token)))


def words_of(text: str) -> set[str]:
    """The words of a profile.

    Args:
        text: any text.

    Returns:
        Words of three letters or more in any script, case folded and in compatible composition (so that ornamental
        letters are plain ones), two syllables for Hangul; of Chinese and Japanese, which leave no space between words,
        all neighbouring pairs of characters. Addresses and mentions are left out.
    """
    run, part = _pieces()
    # Composed again: folding may take letters apart.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    found: set[str] = set()
    kept = " ".join(filterfalse(_is_address, folded.split()))
    for letters in set(run.findall(kept)):
        if letters.isascii():
            if len(letters) >= 3:
                found.add(letters)
            continue
        for piece in part.findall(letters):
            if _IDEOGRAPH.match(piece):
                found.update(piece[k : k + 2] for k in range(len(piece) - 1))
            elif len(piece) >= (2 if _HANGUL.match(piece) else 3):
                found.add(piece)
    return found


def community_words(profiles: Sequence[str], community: npt.NDArray[np.int32], n_communities: int) -> list[list[str]]:
    """The words that mark each community off.

    Args:
        profiles: text of each account's profile, empty = none.
        community: int32[n], -1 = in none.
        n_communities: communities are numbered 0..n_communities - 1.

    Returns:
        For each community at most six words that at least two members and a tenth of those with a profile use, by
        p_in log(p_in / p_out) descending, p the share of profiles that use the word, inside and outside (there with one
        more profile that is like all of them); ties by the word. Only words at least twice as frequent inside.

    Raises:
        KernelError: unlike lengths.
    """
    if len(profiles) != len(community):
        raise KernelError(f"one community number per profile; found {len(community)} for {len(profiles)}.")
    vocabulary: dict[str, int] = {}
    account: list[int] = []
    word: list[int] = []
    for number, text in enumerate(profiles):
        said = words_of(text)
        account.extend([number] * len(said))
        word.extend(vocabulary.setdefault(each, len(vocabulary)) for each in said)
    told = np.array([bool(text.strip()) for text in profiles], np.bool_)
    own = community[told & (community >= 0)]
    n_in = np.bincount(own, minlength=n_communities)[:n_communities]
    n_told = int(np.count_nonzero(told))

    words, of_account = np.array(word, np.int64), np.array(account, np.int64)
    everywhere = np.bincount(words, minlength=len(vocabulary))
    placed = community[of_account] >= 0
    key, used = np.unique(
        community[of_account[placed]].astype(np.int64) * max(len(vocabulary), 1) + words[placed], return_counts=True
    )
    c, w = key // max(len(vocabulary), 1), key % max(len(vocabulary), 1)
    p_in = used / np.maximum(n_in[c], 1)
    rest, n_out = everywhere[w] - used, n_told - n_in[c]
    p_out = (rest + everywhere[w] / max(n_told, 1)) / (n_out + 1.0)
    score = p_in * np.log(p_in / p_out)
    # Without anybody outside there is nothing to mark a community off from.
    fit = (used >= _LEAST_MEMBERS) & (p_in >= _LEAST_SHARE) & (n_out > 0) & (p_in * n_out >= _LEAST_TIMES * rest)
    spelled = list(vocabulary)
    chosen: list[list[tuple[float, str]]] = [[] for _ in range(n_communities)]
    for at in np.flatnonzero(fit):
        chosen[int(c[at])].append((-float(score[at]), spelled[int(w[at])]))
    return [[text for _, text in sorted(each)[:N_WORDS]] for each in chosen]
