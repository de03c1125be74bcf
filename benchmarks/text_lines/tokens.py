"""Tokens of 30,819 short posts: social/1 beside NLTK's TweetTokenizer and scikit-learn's expression.

CPU seconds, one thread; social/1 gives Arrow lists, the peers Python lists.
"""

from __future__ import annotations

import re

from taking_turns import cpu_seconds
from text_posts import posts

from sm_assets.analysis.tokens import tokenise

TARGETS = {"times_faster_than_tweet_tokenizer": (5, 10)}
POSTS = 30_819


def measure(repeats: int) -> dict[str, float]:
    """Seconds of each, and the ratio."""
    from nltk.tokenize import TweetTokenizer

    texts = posts(POSTS, copies=0)
    plain = texts.to_pylist()
    peer = TweetTokenizer(preserve_case=False, reduce_len=True, strip_handles=False)
    words = re.compile(r"(?u)\b\w\w+\b")
    seconds = cpu_seconds(
        {
            "social/1": lambda: tokenise(texts),
            "TweetTokenizer": lambda: [peer.tokenize(text) for text in plain],
            "scikit-learn": lambda: [words.findall(text.lower()) for text in plain],
        },
        repeats,
    )
    return {
        "times_faster_than_tweet_tokenizer": seconds["TweetTokenizer"] / seconds["social/1"],
        "social_1_s": seconds["social/1"],
        "tweet_tokenizer_s": seconds["TweetTokenizer"],
        "scikit_learn_expression_s": seconds["scikit-learn"],
    }
