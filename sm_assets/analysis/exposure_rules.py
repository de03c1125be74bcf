"""Rules by which exposures are estimated.

Here: the rules as a value with their ranges, and their defaults. Not here: applying them (`member_feeds`, `interests`,
`exposures`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from sm_assets.analysis.parameters import check_real, check_whole
from sm_assets.errors import OptionError

PERCENTILE: Final = "percentile"
ABSOLUTE: Final = "absolute"


@dataclass(frozen=True, slots=True)
class ExposureRules:
    """Rules by which exposures are estimated.

    Attributes:
        session_gap_minutes: a session ends where an account does nothing for longer.
        lookback_hours: a post older than this when a session begins is not seen in it.
        feed_depth: so many posts are seen in a session, the newest of those that came since the session before.
        include_replies: whether replies come into feeds.
        threshold: percentile or absolute.
        percentile: of the similarities of posts that members acted on; what is above was of interest.
        absolute: with an absolute threshold, the similarity above which a post was of interest.
        cap: most posts of one account.
        seed: of the centres of interest, and of the draw where an account has more posts than the cap.

    Raises:
        OptionError: a value is out of its range.
    """

    session_gap_minutes: int = 30
    lookback_hours: int = 24
    feed_depth: int = 100
    include_replies: bool = False
    threshold: str = PERCENTILE
    percentile: float = 50.0
    absolute: float = 0.7
    cap: int = 1000
    seed: int = 42

    def __post_init__(self) -> None:
        check_whole("session_gap_minutes", self.session_gap_minutes, 1, 24 * 60)
        check_whole("lookback_hours", self.lookback_hours, 1, 24 * 7)
        check_whole("feed_depth", self.feed_depth, 1, 1_000_000)
        check_whole("cap", self.cap, 1, 1_000_000)
        check_whole("seed", self.seed, 0, 2**32 - 1)
        if self.threshold not in (PERCENTILE, ABSOLUTE):
            raise OptionError(f"threshold must be {PERCENTILE} or {ABSOLUTE}; found {self.threshold!r}.")
        for name, low, high in (("percentile", 0, 100), ("absolute", -1, 1)):
            value = check_real(name, getattr(self, name))
            if not low <= value <= high:
                raise OptionError(f"{name} must lie between {low} and {high}; found {value}.")

    def told(self) -> dict[str, Any]:
        """The rules as JSON knows them, without what the kind of threshold does not use."""
        unused = ABSOLUTE if self.threshold == PERCENTILE else PERCENTILE
        return {name: value for name, value in asdict(self).items() if name != unused}
