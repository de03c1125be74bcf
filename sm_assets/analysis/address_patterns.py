"""Addresses inside texts: links, e-mail addresses, handles.

Here: their patterns (RE2, so that no text takes more than linear time) and the search for rows that may hold one. Not
here: what takes their place (`language`, `tokens`), and what a link points to (`urls`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

# A link ends where white space, quotes or a script begins that is written on without spaces.
_IN_LINK: Final = r"[^\s\pZ\x00<>\"“”„«»\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}]"
# `scheme://...`, `www....`, or a host with a path, which is how platforms shorten links.
LINK: Final = rf"(?i)(?:(?:[a-z][a-z0-9+.-]{{1,11}}://|www\.){_IN_LINK}+|(?:[a-z0-9-]+\.)+[a-z]{{2,}}/{_IN_LINK}*)"
# Group 1 is what stands before: `@user@host.org` is a handle, `.@user.org` too.
EMAIL: Final = r"(^|[^A-Za-z0-9._%+@-])[A-Za-z0-9](?:[A-Za-z0-9._%+-]*[A-Za-z0-9_+-])?@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}"
# With inner dots and hosts; a full stop behind belongs to the sentence.
HANDLE: Final = r"@[A-Za-z0-9_](?:[A-Za-z0-9_.@-]*[A-Za-z0-9_])?"
_SIGNS: Final = r"@|/|(?i:www\.)"


def replace_addresses(texts: pa.StringArray, replacements: Sequence[tuple[str, str]]) -> pa.StringArray:
    """Put something else in the place of addresses.

    Args:
        texts: string[n] without nulls.
        replacements: (pattern of this module, what takes its place), one after the other.

    Returns:
        string[n].
    """
    may_hold = pc.match_substring_regex(texts, _SIGNS)
    found = texts.filter(may_hold)
    if not len(found):
        return texts
    for pattern, replacement in replacements:
        found = pc.replace_substring_regex(found, pattern, replacement)
    return pc.replace_with_mask(texts, may_hold, found)
