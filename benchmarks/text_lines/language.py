"""Languages of 30,819 short posts, Arrow in, Arrow out; the model alone beside it.

Texts a second of CPU, one thread. No post is a copy of another: equal texts would be labelled once.
"""

from __future__ import annotations

import pyarrow.compute as pc
from taking_turns import cpu_seconds
from text_posts import posts

from sm_assets.analysis.language import detect_languages, label_texts, prepare_texts

TARGETS = {"texts_per_s": (15_000, 25_000)}
POSTS = 30_819


def measure(repeats: int) -> dict[str, float]:
    """Texts a second, and the share that preparation costs."""
    texts = posts(POSTS, copies=0)
    prepared = prepare_texts(texts)
    again = posts(POSTS, copies=0.3)
    seconds = cpu_seconds(
        {
            "labelled": lambda: label_texts(texts),
            "prepared": lambda: prepare_texts(texts),
            "model alone": lambda: detect_languages(prepared),
            "a third copies": lambda: label_texts(again),
        },
        repeats,
    )
    lengths = pc.utf8_length(texts)
    return {
        "texts_per_s": POSTS / seconds["labelled"],
        "model_alone_texts_per_s": POSTS / seconds["model alone"],
        "a_third_copies_texts_per_s": POSTS / seconds["a third copies"],
        "share_of_preparation": seconds["prepared"] / seconds["labelled"],
        "median_characters": pc.approximate_median(lengths).as_py(),
    }
