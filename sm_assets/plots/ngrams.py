"""Frequent word sequences: for each length a list, with bars for posts."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.plots import audience_look as look
from sm_assets.plots import canvas

TITLE: Final = "Frequent sequences of words"
_COLUMNS: Final = 4
_LINE: Final = 0.17
_TOP, _HEAD, _FOOT = 0.66, 0.36, 0.3
_NAMES: Final = {1: "one word", 2: "two words", 3: "three words", 4: "four words"}


def draw(ngrams: pa.Table, platform: str, lang: str, *, n_shown: int = 15) -> str:
    """Lists of one platform and language, each with bars as long as the posts compared with the list's first.

    Args:
        ngrams: rows of one day of out_ngrams; read: platform, lang, n, ngram, rank, n_posts, n_accounts. Sequences that
            one account alone uses must be left out by the caller.
        platform: whose sequences are drawn.
        lang: in which language; `all`: in every.
        n_shown: sequences of a list.

    Returns:
        Markdown.
    """
    own = ngrams.filter(pc.and_(pc.equal(ngrams["platform"], platform), pc.equal(ngrams["lang"], lang)))
    lists: dict[int, list[dict[str, Any]]] = {}
    for row in own.sort_by([("n", "ascending"), ("rank", "ascending")]).to_pylist():
        lists.setdefault(row["n"], []).append(row)
    if not lists:
        return canvas.statement(TITLE, "no sequence is used by enough accounts in this window.")
    longest = max(len(rows[:n_shown]) for rows in lists.values())
    with canvas.figure(look.WIDTH, _TOP + _HEAD + longest * _LINE + _FOOT) as drawn:
        high = drawn.get_figheight()
        axes = look.sheet(drawn)
        language = "every language" if lang == "all" else f"language {lang}"
        look.headline(
            axes, f"Frequent sequences of words: {look.plain(platform, 30)}, {look.plain(language, 30)}",
            "bars: posts compared with the first of the list; numbers: posts, accounts",
        )  # fmt: skip
        wide = (look.WIDTH - 0.24) / _COLUMNS
        for at, (n, rows) in enumerate(lists.items()):
            left, top = 0.12 + at % _COLUMNS * wide, high - _TOP
            colour = canvas.COLOURS[at % len(canvas.COLOURS)]
            axes.text(left, top - 0.16, _NAMES.get(n, f"{n} words"), fontsize=8.5, fontweight="bold", color=colour)
            for place, row in enumerate(rows[:n_shown]):
                y = top - _HEAD - (place - 0.35) * _LINE
                length = (wide - 0.3) * row["n_posts"] / rows[0]["n_posts"]
                axes.barh([y], [length], left=left, height=_LINE * 0.8, color=colour, alpha=0.22)
                counts = f"{canvas.count_text(row['n_posts'])}, {canvas.count_text(row['n_accounts'])}"
                room = wide - 0.44 - look.text_width(counts, 6.5)
                words = look.fitted(look.plain(row["ngram"], 60), room, 8)
                axes.text(left + 0.05, y, words, fontsize=8, va="center", color=canvas.INK)
                axes.text(left + wide - 0.34, y, counts, fontsize=6.5, va="center", ha="right", color=canvas.FAINT)
        return canvas.markdown(drawn, TITLE)
