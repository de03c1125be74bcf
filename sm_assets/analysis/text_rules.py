"""Which posts count for what accounts write about.

Here: the rules as a value, told as JSON beside what was made by them. Not here: applying them (sql/shared/).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from sm_assets.contracts.columns import PLATFORMS
from sm_assets.errors import OptionError

_CODE: Final = re.compile("[a-z]{2,3}")
POST_KINDS: Final = ("post", "reply", "quote")


@dataclass(frozen=True, slots=True)
class TextRules:
    """Rules by which posts count.

    Attributes:
        languages: ISO 639 codes. A post counts if the model says one of them, or if the model is not certain and the
            post declares one of them. Empty: every post counts.
        kinds: of post, reply, quote.
        platforms: empty: all.
    """

    languages: tuple[str, ...] = ("en",)
    kinds: tuple[str, ...] = POST_KINDS
    platforms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no post can meet.

        Raises:
            OptionError: names the rule, what was found and what is expected.
        """
        _known("kinds", self.kinds, POST_KINDS)
        _known("platforms", self.platforms, PLATFORMS)
        if not self.kinds:
            raise OptionError(f"kinds is empty: no post would count; give some of {', '.join(POST_KINDS)}.")
        for code in self.languages:
            if not _CODE.fullmatch(code):
                raise OptionError(
                    f"languages: {code!r} is no ISO 639 code; expected two or three small letters, like en."
                )

    def told(self) -> dict[str, list[str]]:
        """The rules as JSON knows them, order and repeats without meaning."""
        return {name: sorted(set(values)) for name, values in asdict(self).items()}

    @classmethod
    def of(cls, told: dict[str, Any]) -> TextRules:
        """The rules that `told` gave."""
        return cls(**{name: tuple(values) for name, values in told.items()})


def _known(name: str, values: Iterable[str], allowed: tuple[str, ...]) -> None:
    unknown = sorted(set(values) - set(allowed))
    if unknown:
        raise OptionError(f"{name}: unknown {', '.join(map(repr, unknown))}; known are {', '.join(allowed)}.")
