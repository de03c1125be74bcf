"""Topics of 20 clusters of 1,500 posts; scikit-learn's counts and online LDA of each cluster beside it.

CPU seconds, tokens included on both sides, one thread; wall seconds of ours with two threads besides.
"""

from __future__ import annotations

import time

from taking_turns import cpu_seconds
from text_worlds import clusters

from sm_assets.analysis.stop_words import stop_words
from sm_assets.analysis.token_codes import code_tokens
from sm_assets.analysis.tokens import tokenise
from sm_assets.analysis.topics import cluster_topics, topics_compat

TARGETS = {"cpu_s": (18, 9), "times_faster": (1.3, 5)}


def measure(repeats: int) -> dict[str, float]:
    """Seconds of both, and of the fit without the tokens."""
    world = clusters()
    dropped = stop_words(["en"]).words
    words = code_tokens(tokenise(world.texts), dropped)
    peer = cpu_seconds({"peer": lambda: [topics_compat(world.of(number)) for number in range(20)]}, 1)["peer"]
    seconds = cpu_seconds(
        {
            "whole": lambda: cluster_topics(
                code_tokens(tokenise(world.texts), dropped), world.cluster, world.content
            ),
            "fit": lambda: cluster_topics(words, world.cluster, world.content),
        },
        repeats,
    )  # fmt: skip
    start = time.perf_counter()
    cluster_topics(words, world.cluster, world.content, threads=2)
    return {
        "cpu_s": seconds["whole"],
        "fit_cpu_s": seconds["fit"],
        "fit_wall_s_two_threads": time.perf_counter() - start,
        "scikit_learn_cpu_s": peer,
        "times_faster": peer / seconds["whole"],
    }
