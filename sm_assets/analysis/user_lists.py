"""Lists of hashtags and creators that a user brings, and the form in which their entries are compared.

Here: rows of a file to entries, entries to normal forms, what decides a pair of lists. Not here: files
(`sm_assets.defs.user_lists`), what the lists find (`relevance`).
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from sm_assets.kernels.tags import normal_form

# A first row is a header if its first cell is one of these, in normal form without blanks; a word that may well be an
# entry (name, word, account) is none.
HEADERS: Final = {
    "hashtags": frozenset({"hashtag", "hashtags", "hashtagname", "hashtagnames", "hashtag_name", "tag", "tags"}),
    "creators": frozenset(
        {"creator", "creators", "username", "usernames", "user_name", "author", "authors", "author_username",
         "handle", "handles", "account_id", "author_id"}
    ),
}  # fmt: skip
# The handle in the address of a profile, or of a post below it.
_ADDRESS: Final = re.compile(r"(?:https?://)?(?:www\.|m\.)?tiktok\.com/@([^/?#\s]+)(?:[/?#].*)?", re.IGNORECASE)
_MARKS: Final = "#@"


@dataclass(frozen=True)
class UserLists:
    """One pair of lists.

    Attributes:
        name: of the pair.
        hashtags: entries as they were written; compared with hashtags and suggested searches.
        creators: entries as they were written; compared with authors.
    """

    name: str
    hashtags: tuple[str, ...] = ()
    creators: tuple[str, ...] = ()

    @cached_property
    def tags(self) -> frozenset[str]:
        """Normal forms of the hashtags."""
        return _forms(self.hashtags)

    @cached_property
    def authors(self) -> frozenset[str]:
        """Normal forms of the creators; of the address of a TikTok profile, of its handle."""
        return _forms(map(handle, self.creators))

    @property
    def digest(self) -> str:
        """16 hex digits over the normal forms: equal lists find equal posts."""
        told = json.dumps([sorted(self.tags), sorted(self.authors)], ensure_ascii=True)
        return hashlib.blake2b(told.encode("ascii"), digest_size=8).hexdigest()


def entries(rows: Iterable[Sequence[str]], kind: str) -> tuple[str, ...]:
    """First cells of the rows as they were written, without those that nothing is left of in normal form.

    Args:
        rows: of a table; the first is left out if it is a header.
        kind: `hashtags` or `creators`.
    """
    found = [row[0] for row in rows if row and bare(row[0])]
    if found and normal_form(found[0]).replace(" ", "") in HEADERS[kind]:
        found = found[1:]
    return tuple(found)


def handle(creator: str) -> str:
    """The handle in the address of a TikTok profile; what is no such address stays as it is.

    >>> handle("https://www.tiktok.com/@cnn?lang=en")
    'cnn'
    """
    found = _ADDRESS.fullmatch(creator.strip())
    return found[1] if found else creator


def bare(word: str) -> str:
    """The form in which words are compared: NFKC, case-folded, without blanks, invisible characters, leading # or @.

    >>> bare(" #US Politics ")
    'uspolitics'
    """
    if word.isascii() and word.isprintable():
        return word.replace(" ", "").lower().lstrip(_MARKS)
    kept = "".join(letter for letter in normal_form(word) if not _is_nothing(letter))
    return kept.lstrip(_MARKS)


def _is_nothing(letter: str) -> bool:
    """Whether a character is a blank, a control or a format character."""
    return letter.isspace() or unicodedata.category(letter) in ("Cc", "Cf")


def _forms(words: Iterable[str]) -> frozenset[str]:
    return frozenset(form for word in words if (form := bare(word)))
