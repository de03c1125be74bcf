"""Traits of profiles: how accounts describe and name themselves, and what the platform says of them.

Here: bio_*, handle_*, name_*, account_*. Not here: counting signs in texts (sql/inputs/out_account_traits.sql).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.trait_words import KINDS, account_languages, word_shares
from sm_assets.analysis.traits_numbers import Floats, Traits, floats, log10_of, ratio, spread

_NO_SIGN: Final = re.compile(r"[\W_]+")
_SIGN_BITS: Final = 21
_DAY = timedelta(days=1) / timedelta(microseconds=1)


def profile_traits(accounts: pa.Table, top: list[str | None], as_of: date) -> Traits:
    """What the profiles say.

    Args:
        accounts: rows of sql/inputs/out_account_traits.sql.
        top: most frequent language of each account: in it, or in English, its biography is read.
        as_of: last day of the window.

    Returns:
        bio_*, handle_*, name_*, account_* [n]; nan where the profile does not tell.
    """
    return _bios(accounts, top) | _names(accounts) | _accounts(accounts, as_of)


def _bios(accounts: pa.Table, top: list[str | None]) -> Traits:
    letters, digits = floats(accounts, "bio_letters"), floats(accounts, "bio_digits")
    words = accounts["bio_words"]
    traits = {
        name: floats(accounts, name) for name in ("bio_chars", "bio_urls", "bio_emoji", "bio_hashtags", "bio_mentions")
    }
    traits["bio_words"] = np.asarray(
        pc.list_value_length(words).cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64
    )
    traits["bio_capitals"] = ratio(floats(accounts, "bio_capitals"), letters)
    traits["bio_digits"] = ratio(digits, letters + digits)
    filled = pc.fill_null(words, pa.scalar([], words.type))
    for kind in KINDS:
        traits[f"bio_{kind}"] = word_shares(filled, account_languages(top), kind, also_english=True)
    return traits


def _names(accounts: pa.Table) -> Traits:
    stems, names = accounts["stem"].to_pylist(), accounts["display_name"].to_pylist()
    return {
        "handle_chars": floats(accounts, "handle_chars"),
        "handle_digits": ratio(floats(accounts, "handle_digits"), floats(accounts, "handle_signs")),
        "handle_last_digits": floats(accounts, "handle_last_digits"),
        "handle_entropy": _sign_entropy(stems),
        "name_chars": floats(accounts, "name_chars"),
        "name_emoji": floats(accounts, "name_emoji"),
        "name_capitals": ratio(floats(accounts, "name_capitals"), floats(accounts, "name_letters")),
        "name_in_handle": np.fromiter(map(_likeness, names, stems), np.float64, len(stems)),
    }


def _sign_entropy(stems: Sequence[str | None]) -> Floats:
    """Entropy in bits of the signs of each handle; nan where there is none."""
    lengths = np.fromiter((len(stem or "") for stem in stems), np.int64, len(stems))
    signs = np.frombuffer("".join(stem or "" for stem in stems).encode("utf-32-le", "surrogatepass"), "<u4")
    owner = np.repeat(np.arange(len(stems)), lengths)
    pairs, counts = np.unique(owner << _SIGN_BITS | signs, return_counts=True)
    # Sorted by count: the sum does not depend on which sign is which.
    owner = pairs >> _SIGN_BITS
    order = np.lexsort((counts, owner))
    return spread(owner[order], counts[order].astype(np.float64), len(stems))


def _likeness(name: str | None, stem: str | None) -> float:
    """Jaccard index of the pairs of neighbouring letters and digits of a name and a handle."""
    if not name or not stem:
        return math.nan
    first, second = _pairs(name), _pairs(stem)
    return len(first & second) / len(first | second) if first and second else math.nan


def _pairs(text: str) -> set[tuple[str, str]]:
    signs = _NO_SIGN.sub("", text.casefold())
    return set(pairwise(signs))


def _accounts(accounts: pa.Table, as_of: date) -> Traits:
    end = datetime.combine(as_of + timedelta(days=1), time())
    age = _days_until(accounts["account_created_at"], end)
    followers, following = log10_of(floats(accounts, "followers_count")), log10_of(floats(accounts, "following_count"))
    posts = floats(accounts, "posts_count")
    return {
        "account_verified": floats(accounts, "is_verified"),
        "account_age": age,
        "account_followers": followers,
        "account_following": following,
        "account_follow_ratio": followers - following,
        "account_posts_ever": log10_of(posts),
        "account_posts_a_day": log10_of(posts / np.maximum(age, 1)),
    }


def _days_until(times: pa.ChunkedArray, end: datetime) -> Floats:
    """Days from each time to `end`; nan where the time is not known or later."""
    passed = pc.subtract(pa.scalar(end, pa.timestamp("us")), times.cast(pa.timestamp("us"))).cast(pa.int64())
    days = np.asarray(passed.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64) / _DAY
    return np.asarray(np.where(days >= 0, days, np.nan))
