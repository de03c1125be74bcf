"""Traits of accounts: the numbers that models of attributes are trained on.

Here: their names, and the table of one window out of its parts; numbers of texts, language, links, network. Not here:
what each trait means (`sm_assets.contracts.attribute_columns`), counting over the window
(sql/inputs/out_account_traits*.sql), profiles (`traits_profile`), the rhythm of posting (`traits_rhythm`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.resources import files
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.analysis.language import UNDETERMINED
from sm_assets.analysis.parameters import params_hash
from sm_assets.analysis.place_lookup import lookup_version
from sm_assets.analysis.trait_words import account_languages, word_shares
from sm_assets.analysis.traits_numbers import Floats, Traits, floats, log10_of, ratio, spread, whole
from sm_assets.contracts import TABLES
from sm_assets.contracts.attribute_columns import TRAIT_COLUMNS

TABLE: Final = "out_account_traits"
RULES: Final = "traits/2"
TRAITS: Final = tuple(column.name for column in TRAIT_COLUMNS)
"""Names of the traits, in the order of the table; all float64, null where they are not known."""
_LANGUAGES: Final = ("en", "de", "es", "fr", "pt", "it", "ja")
_TOP_LEVELS: Final = {
    "us": ("us", "gov", "mil", "edu"),
    "uk": ("uk",),
    "de": ("de",),
    "fr": ("fr",),
    "es": ("es",),
    "br": ("br",),
}
# Of countries by rights, but anybody's by use.
_ANYBODYS: Final = frozenset({"ai", "cc", "co", "eu", "fm", "gg", "gl", "io", "ly", "me", "sh", "to", "tv", "ws"})
_COUNTRY_LETTERS: Final = 2
_LEAST_WORDS: Final = 20


def language_traits(n: int, languages: pa.Table) -> tuple[Traits, list[str | None]]:
    """In which languages the accounts write.

    Args:
        n: accounts.
        languages: number, lang, n_posts; sorted by number and lang, each pair once.

    Returns:
        language_* [n], and the most frequent language of each account; None: none is certain. Ties by code.
    """
    number, posts = whole(languages, "number"), whole(languages, "n_posts").astype(np.float64)
    codes, names = _encoded(languages, "lang")
    certain = codes != names.get(UNDETERMINED, -1)
    every = np.bincount(number, posts, n)
    known = np.bincount(number[certain], posts[certain], n)
    owner, weight, lang = number[certain], posts[certain], codes[certain]
    best = np.zeros(n)
    np.maximum.at(best, owner, weight)
    top: list[str | None] = [None] * n
    written = list(names)
    for place in np.flatnonzero(weight == best[owner])[::-1]:
        top[owner[place]] = written[lang[place]]
    traits = {
        "language_top": ratio(best, known),
        "language_entropy": spread(owner, weight, n),
        "language_unknown": ratio(every - known, every),
    }
    for code in _LANGUAGES:
        chosen = lang == names.get(code, -1)
        traits[f"language_{code}"] = ratio(np.bincount(owner[chosen], weight[chosen], n), known)
    return traits, top


def link_traits(n: int, links: pa.Table) -> Traits:
    """Where the links of the accounts lead to: links_* [n].

    Args:
        n: accounts.
        links: number, n_links, top_level, one row per domain; sorted by number.
    """
    number, count = whole(links, "number"), whole(links, "n_links").astype(np.float64)
    codes, names = _encoded(links, "top_level")
    total = np.bincount(number, count, n)
    most = np.zeros(n)
    np.maximum.at(most, number, count)

    def part(wanted: Iterable[str]) -> Floats:
        chosen = np.isin(codes, [names[end] for end in wanted if end in names])
        return ratio(np.bincount(number[chosen], count[chosen], n), total)

    countries = [end for end in names if len(end) == _COUNTRY_LETTERS and end not in _ANYBODYS]
    traits = {
        "links_entropy": spread(number, count, n),
        "links_top": ratio(most, total),
        "links_country": part(countries),
    }
    return traits | {f"links_{name}": part(wanted) for name, wanted in _TOP_LEVELS.items()}


def text_traits(accounts: pa.Table, contents: pa.Table, words: pa.Table, top: list[str | None]) -> Traits:
    """What the accounts write: text_* [n].

    Args:
        accounts: rows of sql/inputs/out_account_traits.sql, in the order of their numbers.
        contents: number, n_contents, n_coshared, n_distinct_texts, n_posts_with_text.
        words: number, words, n_words, n_distinct: the first words of a sample of the posts.
        top: most frequent language of each account.
    """
    n = len(accounts)
    texts = floats(accounts, "n_texts")
    found = {name: _placed(contents, name, n) for name in contents.column_names if name != "number"}
    n_words, n_distinct = _placed(words, "n_words", n), _placed(words, "n_distinct", n)
    traits = {
        "text_distinct": ratio(found["n_distinct_texts"], found["n_posts_with_text"]),
        "text_coshared": ratio(found["n_coshared"], found["n_contents"]),
        "text_word_chars": ratio(floats(accounts, "n_chars"), floats(accounts, "n_words")),
        "text_type_token": np.where(n_words >= _LEAST_WORDS, ratio(n_distinct, n_words), np.nan),
    }
    per_post = {
        "text_chars": "n_chars",
        "text_words": "n_words",
        "text_links": "n_with_link",
        "text_hashtags": "n_with_hashtag",
        "text_mentions": "n_with_mention",
        "text_media": "n_with_media",
        "text_hashtags_a_post": "n_hashtags",
        "text_emoji_a_post": "n_emoji",
    }
    traits |= {name: ratio(floats(accounts, column), texts) for name, column in per_post.items()}
    number = whole(words, "number")
    languages = account_languages(top)[number]
    for kind in ("first_person", "corporate"):
        share = np.full(n, np.nan)
        share[number] = word_shares(words["words"], languages, kind)
        traits[f"text_{kind}"] = share
    return traits


def network_traits(accounts: pa.Table, network: pa.Table) -> Traits:
    """Whom the accounts turn to: network_* [n].

    Args:
        accounts: rows of sql/inputs/out_account_traits.sql.
        network: counts of sql/inputs/out_account_traits_network.sql, in the same order.
    """
    counted = {name: floats(network, name) for name in network.column_names}
    others = counted["n_replies_known"] - counted["n_self_replies"]
    follows = log10_of(floats(accounts, "n_follows"))
    return {
        "network_mentions_a_post": ratio(floats(accounts, "n_mentions"), floats(accounts, "n_texts")),
        "network_mentioned": ratio(counted["n_mentioned"], counted["n_mentions_known"]),
        "network_replied": ratio(counted["n_replied"], others),
        "network_self_replies": ratio(counted["n_self_replies"], counted["n_replies_known"]),
        "network_reposted": ratio(counted["n_reposted"], counted["n_reposts_known"]),
        "network_follows_made": np.where(floats(accounts, "has_follows") > 0, follows, np.nan),
    }


def traits_table(accounts: pa.Table, traits: Traits, **more: pa.Array) -> pa.Table:
    """Rows of out_account_traits but for the day.

    Args:
        accounts: platform, account_id, n_texts, country_code of each account.
        traits: every trait [n]; nan: not known.
        more: place_country, place_rule, params_hash.
    """
    columns = {
        "platform": accounts["platform"],
        "account_id": accounts["account_id"],
        "n_posts": accounts["n_texts"],
        "country_code": accounts["country_code"],
        **more,
        # Minus nought is nought: files of equal numbers are equal.
        **{name: pa.array(values + 0.0, pa.float64(), mask=~np.isfinite(values)) for name, values in traits.items()},
    }
    names = [name for name in TABLES[TABLE].column_names if name != "day"]
    return pa.table({name: columns[name] for name in names})


def traits_hash() -> str:
    """What the rows are made by: the version of the rules, the lists of words, the lists of places."""
    words = files("sm_assets.analysis").joinpath("data/trait_words.toml").read_bytes()
    digest = hashlib.blake2b(words, digest_size=8).hexdigest()
    return params_hash({"rules": RULES, "words": digest, "places": lookup_version(), "traits": list(TRAITS)})


def _placed(rows: pa.Table, name: str, n: int) -> Floats:
    """A column by the number of its account; nan where an account has no row."""
    placed = np.full(n, np.nan)
    placed[whole(rows, "number")] = floats(rows, name)
    return placed


def _encoded(rows: pa.Table, name: str) -> tuple[npt.NDArray[np.int64], dict[str, int]]:
    """A column of texts as codes [n], and the code of each text, in the order of the rows."""
    encoded = rows[name].combine_chunks().dictionary_encode()
    names = {text: code for code, text in enumerate(encoded.dictionary.to_pylist())}
    return encoded.indices.to_numpy().astype(np.int64), names
