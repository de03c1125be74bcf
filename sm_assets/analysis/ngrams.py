"""N-grams: sequences of neighbouring words, counted by posts, accounts and occurrences.

Here: the counts of one batch of posts. A batch holds whole accounts, so that counts of batches add up. Not here:
reading posts, adding batches up, choosing the most frequent (`defs.ngram_counts`).

A sequence stays inside a post and does not reach across what is no word: links, e-mail addresses, mentions, numbers
without a letter. It neither begins nor ends with a stop word of the post's language.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.about import Phrase, holds_any
from sm_assets.analysis.token_codes import TokenCodes, code_tokens
from sm_assets.analysis.tokens import DEFAULT_TOKENIZER, tokenise
from sm_assets.kernels.arrow import string_column

COUNTS: Final = pa.schema(
    {
        "platform": pa.string(),
        "lang": pa.string(),
        "n": pa.int64(),
        "ngram": pa.string(),
        "n_posts": pa.int64(),
        "n_accounts": pa.int64(),
        "n_first": pa.int64(),
        "n_occurrences": pa.int64(),
    }
)
_Numbers = npt.NDArray[np.int64]
_Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class NgramRules:
    """What counts.

    Attributes:
        longest: words of the longest sequence.
        tokenizer: takes texts apart.
        stop_words: tokens that no sequence begins or ends with, by language of the post.
        other_stop_words: the same for posts of all other languages.
        about: phrases one of which a post must hold; none: every post counts.
    """

    longest: int = 4
    tokenizer: str = DEFAULT_TOKENIZER
    stop_words: Mapping[str, frozenset[str]] = field(default_factory=dict)
    other_stop_words: frozenset[str] = frozenset()
    about: Sequence[Phrase] = ()


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """Of one batch of posts.

    Attributes:
        table: columns of `COUNTS`, one row per platform, language and sequence, sorted by n. lang is null where it was.
            n_accounts: accounts that use it in the language. n_first: those of them whose first language it is among
            those that they use it in, so that the sum over languages counts each account once.
        n_counted: posts that were counted.
    """

    table: pa.Table
    n_counted: int


def count_ngrams(posts: pa.Table, rules: NgramRules) -> BatchCounts:
    """Count every sequence of a batch.

    Args:
        posts: platform, account_id, lang (null: one that is not listed by itself), text; in any order, and all that an
            account has.
        rules: what counts.
    """
    posts = posts.sort_by([(name, "ascending") for name in ("platform", "account_id", "lang")])
    tokens = tokenise(string_column(posts["text"]), rules.tokenizer)
    wanted = holds_any(tokens, rules.about)
    if not wanted.all():
        posts, tokens = posts.filter(pa.array(wanted)), tokens.filter(pa.array(wanted))
    words = code_tokens(tokens)
    account = _runs(posts, ("platform", "account_id"))
    platform, lang = (
        string_column(posts["platform"]).dictionary_encode(),
        string_column(posts["lang"]).dictionary_encode(),
    )
    # 0: of no language.
    n_langs = len(lang.dictionary) + 1
    scope = _codes(platform) * n_langs + _codes(lang) + 1
    n_scopes = len(platform.dictionary) * n_langs
    is_stop = _stop_words(words, posts["lang"], rules)
    parts = []
    for n, start, gram, first in _sequences(words, is_stop, rules.longest):
        places, counts = _counted(gram, words.text[start], account, scope, n_scopes)
        grams, at = np.divmod(places, max(n_scopes, 1))
        spelled = [words.vocabulary.take(pa.array(words.word[first[grams] + step])) for step in range(n)]
        in_lang = pa.array(at % n_langs - 1, mask=at % n_langs == 0)
        own = {
            "platform": platform.dictionary.take(pa.array(at // n_langs)),
            "lang": lang.dictionary.take(in_lang),
            "n": pa.repeat(pa.scalar(n, pa.int64()), len(places)),
            "ngram": spelled[0] if n == 1 else pc.binary_join_element_wise(*spelled, " "),
        }
        parts.append(pa.table(own | counts).select(COUNTS.names))
    return BatchCounts(pa.concat_tables([COUNTS.empty_table(), *parts]), len(posts))


def _codes(column: pa.DictionaryArray) -> _Numbers:
    """int64[n], -1 for null."""
    codes: _Numbers = pc.fill_null(column.indices, -1).to_numpy().astype(np.int64)
    return codes


def _runs(posts: pa.Table, names: Sequence[str]) -> _Numbers:
    """int64[n], number of the run of rows that agree in columns without nulls."""
    if len(posts) == 0:
        return np.zeros(0, np.int64)
    starts = np.zeros(len(posts), np.bool_)
    for name in names:
        column = string_column(posts[name])
        starts[1:] |= pc.not_equal(column.slice(1), column.slice(0, len(column) - 1)).to_numpy(zero_copy_only=False)
    return np.cumsum(starts)


def _stop_words(words: TokenCodes, langs: pa.ChunkedArray, rules: NgramRules) -> _Flags:
    """bool[m], whether each word is a stop word of its post's language."""
    lists = [rules.other_stop_words, *rules.stop_words.values()]
    names = pa.array(list(rules.stop_words), pa.string())
    listed = np.zeros((len(lists), len(words.vocabulary)), np.bool_)
    for place, each in enumerate(lists):
        found = pc.is_in(words.vocabulary, value_set=pa.array(sorted(each), pa.string()))
        listed[place] = found.to_numpy(zero_copy_only=False)
    which = pc.fill_null(pc.index_in(string_column(langs), value_set=names), -1).to_numpy() + 1
    flags: _Flags = listed[which[words.text], words.word]
    return flags


def _sequences(words: TokenCodes, is_stop: _Flags, longest: int) -> Iterator[tuple[int, _Numbers, _Numbers, _Numbers]]:
    """(n, where each sequence that counts begins, its number, where the sequence of a number begins first)."""
    start = np.flatnonzero(~is_stop)
    gram = words.word[start]
    n_words = len(words.vocabulary)
    for n in range(1, longest + 1):
        if n > 1:
            end = start + n - 1
            inside = end < len(words.word)
            start, gram, end = start[inside], gram[inside], end[inside]
            # Neighbours have neighbouring places, but so have the ends of two texts.
            joined = (words.place[end] - words.place[start] == n - 1) & (words.text[end] == words.text[start])
            start, gram, end = start[joined], gram[joined], end[joined]
            gram = gram * n_words + words.word[end]
        _, first, gram = np.unique(gram, return_index=True, return_inverse=True)
        first = start[first]
        counts = ~is_stop[start + n - 1]
        yield n, start[counts], gram[counts], first


def _counted(
    gram: _Numbers, post: _Numbers, account: _Numbers, scope: _Numbers, n_scopes: int
) -> tuple[_Numbers, dict[str, _Numbers]]:
    """(gram * n_scopes + scope of each that occurs, ascending; counts).

    Args:
        gram: int64[m], sequences as they occur.
        post: int64[m], row of the post.
        account: int64[p], account of each row, ascending.
        scope: int64[p], platform and language of each row; of one account its rows lie together.
        n_scopes: no scope has this number or a higher one.
    """
    n_posts = max(len(account), 1)
    pairs, occurrences = np.unique(gram * n_posts + post, return_counts=True)
    grams, rows = np.divmod(pairs, n_posts)
    accounts, scopes = account[rows], scope[rows]
    # Posts are in the order of accounts, then languages: what is the same lies together.
    is_first = np.ones(len(pairs), np.bool_)
    is_first[1:] = (grams[1:] != grams[:-1]) | (accounts[1:] != accounts[:-1])
    is_own = is_first.copy()
    is_own[1:] |= scopes[1:] != scopes[:-1]
    places, at = np.unique(grams * max(n_scopes, 1) + scopes, return_inverse=True)

    def summed(weights: npt.NDArray[np.generic] | None = None) -> _Numbers:
        return np.bincount(at, weights, len(places)).astype(np.int64)

    return places, {
        "n_posts": summed(),
        "n_accounts": summed(is_own),
        "n_first": summed(is_first),
        "n_occurrences": summed(occurrences),
    }
