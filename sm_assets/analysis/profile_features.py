"""Terms of biographies: which words count, and how much each weighs in each biography (TF-IDF).

Here: rules, vocabulary and matrix. Not here: taking texts apart (`tokens`), lists of stop words (`stop_words`),
clusters (`profile_clusters`).
"""

from __future__ import annotations

import hashlib
import string
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.parameters import check_whole
from sm_assets.analysis.stop_words import StopWords, languages_in_use, stop_words
from sm_assets.analysis.text_normaliser import MAX_CHARS
from sm_assets.analysis.token_codes import code_tokens
from sm_assets.analysis.tokens import DEFAULT_TOKENIZER, TOKENIZERS, TWEET, tokenise
from sm_assets.analysis.vector_rows import Matrix
from sm_assets.errors import KernelError, OptionError
from sm_assets.kernels.arrow import string_column

URL_RULES: Final = ("links", "dotted")
TOKEN_RULES: Final = ("words", "all")
DOTTED: Final = "<-URL->"
# Words with a dot between them or before them, a scheme before and a path or query behind if there are any. RE2 takes
# linear time for it, however long a word is.
_WORD: Final = r"[\p{L}\p{N}_]"
_DOTTED: Final = rf"(?:https?://)?(?:{_WORD}*\.{_WORD}+)+(?:[/?=&]+{_WORD}+)*"
_SIGNS: Final = rf"^[{''.join(chr(92) + sign for sign in string.punctuation)}]{{1,4}}$"


@dataclass(frozen=True, slots=True)
class FeatureRules:
    """Which terms biographies are compared by.

    Attributes:
        urls: `links`: as the tokenizer knows them. `dotted`: whatever is like word.word (addresses, decimal numbers,
            two sentences without a space between them) is the one word `<-URL->`.
        tokenizer: takes biographies apart.
        tokens: `words`: no mentions, addresses or bare numbers. `all`: all but up to four signs of ASCII punctuation.
        stop_word_languages: languages whose stop words do not count; none: every language that at least 1 % of the
            biographies are in.
        stop_words: tokens that do not count instead of those lists; None: the lists.
        bios_per_feature: there is one term to so many biographies,
        min_features: but so many terms at least; 0: too few biographies for one term are refused.
        min_df: biographies that a term must be in.
    """

    urls: str = "links"
    tokenizer: str = DEFAULT_TOKENIZER
    tokens: str = "words"
    stop_word_languages: tuple[str, ...] = ()
    stop_words: tuple[str, ...] | None = None
    bios_per_feature: int = 100
    min_features: int = 50
    min_df: int = 2

    def __post_init__(self) -> None:
        """Check every parameter.

        Raises:
            OptionError: names it, with what was found and what is possible.
        """
        for name, allowed in (("urls", URL_RULES), ("tokenizer", TOKENIZERS), ("tokens", TOKEN_RULES)):
            if getattr(self, name) not in allowed:
                raise OptionError(f"{name} must be one of {', '.join(allowed)}; found {getattr(self, name)!r}.")
        check_whole("bios_per_feature", self.bios_per_feature)
        check_whole("min_features", self.min_features, 0)
        check_whole("min_df", self.min_df)

    def told(self) -> dict[str, Any]:
        """The rules as JSON knows them, order and repeats of words and languages without meaning."""
        given = None if self.stop_words is None else sorted(set(self.stop_words))
        return asdict(self) | {"stop_word_languages": sorted(set(self.stop_word_languages)), "stop_words": given}

    @classmethod
    def of(cls, told: dict[str, Any]) -> FeatureRules:
        """The rules that `told` gave."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in told.items()
        }
        return cls(**values)


COMPAT: Final = FeatureRules(urls="dotted", tokenizer=TWEET, tokens="all", min_features=0, min_df=1)
"""The choices of the tutorial that this succeeds, but for its stop words, which are the caller's."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Weights of terms.

    Attributes:
        matrix: float64[n, d], CSR with rising places in each row; rows of length 1, or of zeros where no term counts.
        vocabulary: string[d], the terms, sorted.
        n_terms: int64[n], different terms in each biography.
        record: languages and lists of stop words in use, number of terms.
    """

    matrix: Matrix
    vocabulary: pa.StringArray
    n_terms: npt.NDArray[np.int64]
    record: dict[str, Any]


def profile_features(
    bios: pa.Array | pa.ChunkedArray, langs: pa.Array | pa.ChunkedArray, rules: FeatureRules
) -> Features:
    """Weigh the terms of biographies.

    Args:
        bios: string[n]; null: none. Of each the first 8,000 characters are read.
        langs: string[n], their languages; `und` and null are none.
        rules: which terms count.

    Returns:
        The weight of a term is how often the biography holds it, times ln((1 + n) / (1 + df)) + 1, where df is the
        number of biographies that hold it; rows are then brought to length 1. More terms than the rules allow: the most
        frequent ones stay, of equals the first in alphabetical order.

    Raises:
        OptionError: too few biographies for one term, and the rules ask for none at least.
        KernelError: unlike lengths.
    """
    from scipy.sparse import csr_array

    n = len(bios)
    if len(langs) != n:
        raise KernelError(f"one language per biography; found {len(langs)} for {n}.")
    most = max(rules.min_features, n // rules.bios_per_feature)
    if not most:
        raise OptionError(
            f"{n} biographies give no term: there is one to {rules.bios_per_feature}. Take more accounts, a smaller "
            "bios_per_feature, or a min_features of at least 1."
        )
    dropped, languages = _stop_words(langs, rules)
    spelled, text, word = _coded(_tokens(bios, rules), dropped.words, rules)
    counts = csr_array((np.ones(len(text)), (text, word)), shape=(n, len(spelled)))
    counts.sum_duplicates()
    in_texts = np.bincount(counts.indices, minlength=len(spelled))
    often = np.bincount(counts.indices, counts.data, len(spelled))
    enough = np.flatnonzero(in_texts >= rules.min_df)
    # Terms are sorted: a stable order by frequency leaves equals in the order of the alphabet.
    kept = np.sort(enough[np.argsort(-often[enough], kind="stable")[:most]])
    matrix = _narrow(counts[:, kept])
    matrix.data *= (np.log((1 + n) / (1 + in_texts[kept])) + 1)[matrix.indices]
    row = np.repeat(np.arange(n), np.diff(matrix.indptr))
    matrix.data /= np.sqrt(np.bincount(row, matrix.data**2, n))[row]
    record = {"languages": list(languages), "stop_words": dropped.record, "n_features": len(kept), "n_bios": n}
    return Features(matrix, spelled.take(pa.array(kept)), np.diff(matrix.indptr).astype(np.int64), record)


def _narrow(matrix: Matrix) -> Matrix:
    """With places of 32 bits, which is what clustering takes, rising in each row."""
    matrix.sort_indices()
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return matrix


def _stop_words(langs: pa.Array | pa.ChunkedArray, rules: FeatureRules) -> tuple[StopWords, tuple[str, ...]]:
    """Words that do not count, and the languages whose lists these are."""
    if rules.stop_words is not None:
        given = sorted(set(rules.stop_words))
        digest = hashlib.blake2b("\n".join(given).encode(), digest_size=16).hexdigest()
        return StopWords(frozenset(given), {"given": {"size": len(given), "blake2b": digest}}), ()
    languages = tuple(sorted(set(rules.stop_word_languages))) or languages_in_use(langs)
    return stop_words(languages, rules.tokenizer), languages


def _tokens(bios: pa.Array | pa.ChunkedArray, rules: FeatureRules) -> pa.ListArray:
    texts = pc.utf8_slice_codeunits(pc.fill_null(string_column(bios), ""), 0, MAX_CHARS)
    if rules.urls == "dotted":
        texts = pc.replace_substring_regex(texts, _DOTTED, DOTTED)
    return tokenise(texts, rules.tokenizer)


def _coded(
    tokens: pa.ListArray, dropped: frozenset[str], rules: FeatureRules
) -> tuple[pa.StringArray, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(terms, sorted; text and term of every occurrence)."""
    if rules.tokens == "words":
        coded = code_tokens(tokens, dropped)
        return coded.vocabulary, coded.text, coded.word
    spelled = pc.dictionary_encode(tokens.flatten())
    names = spelled.dictionary
    signs = pc.match_substring_regex(names, _SIGNS)
    gone = pc.or_(signs, pc.is_in(names, value_set=pa.array(sorted(dropped), pa.string())))
    kept = np.flatnonzero(~gone.to_numpy(zero_copy_only=False))
    kept = kept[pc.sort_indices(names.take(pa.array(kept))).to_numpy()]
    number = np.full(len(names), -1, np.int64)
    number[kept] = np.arange(len(kept))
    word = number[spelled.indices.to_numpy(zero_copy_only=False)]
    text = np.repeat(np.arange(len(tokens)), tokens.value_lengths().to_numpy(zero_copy_only=False))
    place = np.flatnonzero(word >= 0)
    return names.take(pa.array(kept)), text[place], word[place]
