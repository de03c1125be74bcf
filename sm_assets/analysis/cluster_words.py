"""What the texts of clusters say: terms and topics out of one count of words.

Here: from texts to both. Not here: counting (`terms`, `topics`), taking texts apart (`tokens`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.pair_keys import pair_keys
from sm_assets.analysis.stop_words import languages_in_use, stop_words
from sm_assets.analysis.terms import N_TERMS, cluster_terms
from sm_assets.analysis.token_codes import code_tokens
from sm_assets.analysis.tokens import DEFAULT_TOKENIZER, tokenise
from sm_assets.analysis.topics import N_WORDS, SEED, cluster_topics
from sm_assets.kernels.arrow import string_column

_TIME_ORDER: Final = [("posted_at", "ascending"), ("platform", "ascending"), ("post_id", "ascending")]


@dataclass(frozen=True, slots=True)
class ClusterWords:
    """Words of clusters.

    Attributes:
        languages: whose stop words do not count.
        terms: as `cluster_terms` gives them.
        topics: as `cluster_topics` gives them.
        topics_status: ok, too_few_texts or no_terms for each cluster that has a text.
        stop_words: which lists were in use.
        counts: texts, contents (distinct inside their cluster), clusters_without_terms.
    """

    languages: tuple[str, ...]
    terms: pa.Table
    topics: pa.Table
    topics_status: dict[int, str]
    stop_words: dict[str, Any]
    counts: dict[str, int]


def cluster_words(
    texts: pa.Table,
    *,
    languages: Sequence[str] = (),
    tokenizer: str = DEFAULT_TOKENIZER,
    n_terms: int = N_TERMS,
    min_accounts: int = 2,
    n_topic_words: int = N_WORDS,
    seed: int = SEED,
    threads: int = 1,
) -> ClusterWords:
    """Terms and topics of the clusters that texts belong to.

    Args:
        texts: one row per post, in any order: platform, post_id, account_id, cluster_id, text, text_key, posted_at,
            lang.
        languages: whose stop words do not count; none: every language that at least 1 % of the texts are in.
        tokenizer: takes texts apart.
        n_terms: terms of a cluster at most.
        min_accounts: accounts of the cluster that must use a term, unless no term has so many.
        n_topic_words: words of a topic at most.
        seed: of topics.
        threads: clusters whose topics are sought at once.
    """
    rows = texts.sort_by(_TIME_ORDER)
    cluster = rows["cluster_id"].to_numpy().astype(np.int64)
    # Numbers in the order of keys, so that no order of rows or names of accounts matters.
    content = _ranks(rows["text_key"])
    used = tuple(sorted(set(languages))) or languages_in_use(rows["lang"])
    dropped = stop_words(used, tokenizer)
    words = code_tokens(tokenise(string_column(rows["text"]), tokenizer), dropped.words)
    account = _ranks(pair_keys(rows["platform"], rows["account_id"]))
    terms = cluster_terms(words, cluster, account, content, n_terms=n_terms, min_accounts=min_accounts)
    topics = cluster_topics(words, cluster, content, n_words=n_topic_words, seed=seed, threads=threads)
    counts = {
        "texts": len(rows),
        "contents": len(np.unique(cluster * (len(rows) + 1) + content)),
        "clusters_without_terms": len(topics.status) - len(pc.unique(terms["cluster_id"])),
    }
    return ClusterWords(used, terms, topics.table, topics.status, dropped.record, counts)


def _ranks(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int64]:
    ranks: npt.NDArray[np.int64] = pc.rank(column, tiebreaker="dense").to_numpy().astype(np.int64) - 1
    return ranks
