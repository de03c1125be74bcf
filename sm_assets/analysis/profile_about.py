"""Which posts are about something: words, phrases and hashtags that a post must hold.

Here: reading what is asked for, and looking for it in texts. Not here: which accounts wrote the posts.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.tokens import tokenise
from sm_assets.errors import OptionError


class Wanted:
    """Words, phrases and hashtags, any of which makes a post count.

    A word is found as a word and as a hashtag, a hashtag as a hashtag only; a phrase is words side by side. Case and
    typographic signs make no difference: what is asked for and the texts pass through one tokenizer, `social/1`.

    Args:
        about: words (`cannes`), phrases (`film festival`) or hashtags (`#cannes2024`).
    """

    def __init__(self, about: Sequence[str]) -> None:
        """Read what is asked for.

        Raises:
            OptionError: names an entry without a word in it.
        """
        asked = tokenise(pa.array(about, pa.string())).to_pylist()
        empty = [text for text, tokens in zip(about, asked, strict=True) if not tokens]
        if empty:
            raise OptionError(f"about: {empty[0]!r} holds no word; give words, phrases or hashtags, like #cannes.")
        words = {tokens[0] for tokens in asked if len(tokens) == 1 and tokens[0][0].isalnum()}
        self._sought = sorted({*(" ".join(tokens) for tokens in asked), *(f"#{word}" for word in words)})

    def held_by(self, texts: pa.Array | pa.ChunkedArray) -> pa.BooleanArray:
        """bool[n]: whether any of it is in the text.

        Args:
            texts: string[n]; null: no text.
        """
        # No token holds a blank: between blanks they stand apart.
        tokens = pc.binary_join(tokenise(texts), " ")
        lines = pc.binary_join_element_wise(pa.scalar(" "), tokens, pa.scalar(" "), "")
        found = pa.repeat(pa.scalar(False), len(texts))
        for words in self._sought:
            found = pc.or_(found, pc.match_substring(lines, f" {words} "))
        return found
