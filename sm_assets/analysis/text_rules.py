"""Which posts count for what accounts write about.

Here: the rules as a value, told as JSON beside what was made by them. Not here: applying them (sql/shared/).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

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

    def told(self) -> dict[str, list[str]]:
        """The rules as JSON knows them, order and repeats without meaning."""
        return {name: sorted(set(values)) for name, values in asdict(self).items()}

    @classmethod
    def of(cls, told: dict[str, Any]) -> TextRules:
        """The rules that `told` gave."""
        return cls(**{name: tuple(values) for name, values in told.items()})
