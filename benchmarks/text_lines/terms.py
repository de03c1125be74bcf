"""Terms of 20 clusters of 1,500 posts out of their tokens; TfidfVectorizer over one text per cluster beside it.

CPU seconds, one thread. The peer splits texts too and counts whatever spammers repeat.
"""

from __future__ import annotations

from taking_turns import cpu_seconds
from text_worlds import clusters

from sm_assets.analysis.stop_words import stop_words
from sm_assets.analysis.terms import cluster_terms
from sm_assets.analysis.token_codes import code_tokens
from sm_assets.analysis.tokens import tokenise

TARGETS = {"seconds": (0.45, 0.3)}


def measure(repeats: int) -> dict[str, float]:
    """Seconds of both."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    world = clusters()
    tokens, dropped = tokenise(world.texts), stop_words(["en"]).words
    joined = [" ".join(world.of(number)) for number in range(20)]
    seconds = cpu_seconds(
        {
            "ours": lambda: cluster_terms(code_tokens(tokens, dropped), world.cluster, world.account, world.content),
            "TfidfVectorizer": lambda: TfidfVectorizer(stop_words="english", ngram_range=(1, 2)).fit_transform(joined),
        },
        repeats,
    )
    return {"seconds": seconds["ours"], "tfidf_vectorizer_s": seconds["TfidfVectorizer"]}
