"""The demo world as TikTok's data comes to researchers: pyktok tables and one page of the Research API.

Here: videos, and the quirks of the tables: local times without a zone, rounded counts as decimals, failed look-ups at
epoch 0, rows looked up twice, captions of several lines. Not here: who the people are (`residents`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sm_assets.demo.draws import Draws
from sm_assets.demo.files import write_bytes, write_rows
from sm_assets.demo.ids import micros, tiktok_id
from sm_assets.demo.residents import Resident, Residents, handle
from sm_assets.demo.rhythm import HOURS, MONDAY_TO_SUNDAY, shared_out
from sm_assets.demo.vocabulary import HASHTAGS, PERSONAS, PLATFORM_TAGS
from sm_assets.demo.voices import bot_text, company_text, post_text, tagged

COLUMNS: Final = (
    "video_id", "video_timestamp", "video_duration", "video_locationcreated", "suggested_words", "video_diggcount",
    "video_sharecount", "video_commentcount", "video_playcount", "video_description", "video_is_ad", "video_stickers",
    "author_username", "author_name", "author_followercount", "author_followingcount", "author_heartcount",
    "author_videocount", "author_diggcount", "author_verified",
)  # fmt: skip
# Donors whose watched videos were looked up; the collector's clock is New York's.
DONORS: Final = ("11873", "20416", "35002")
_SUMMER_TIME: Final = datetime(2024, 3, 10, 7, tzinfo=UTC)
_NEVER: Final = "1969-12-31T19:00:00"
_ALSO_SEEN: Final = 0.06
_AGAIN: Final = 0.02
_PAGE: Final = 60
# Seconds from upload to publication; the last ones were scheduled.
_DELAYS: Final = (0, 1, 2, 3, 5, 8, 14, 40, 220)
_PLAYS: Final = (30, 300, 900, 2_500, 9_000, 40_000, 260_000, 3_900_000)


@dataclass(frozen=True, slots=True)
class Video:
    """One video.

    Attributes:
        uploaded: second of the upload; the id says it. posted: second of the publication.
        plays: how often it was played when first looked up.
    """

    number: int
    author: Resident
    uploaded: int
    posted: int
    text: str
    tags: tuple[str, ...]
    is_ad: bool
    duration: int
    suggested: str
    plays: int
    serial: int


def write_tiktok(folder: Path, seed: int, start: datetime, days: int, residents: Residents, n_rows: int) -> list[Path]:
    """Write about `n_rows` rows below `folder`; returns the files."""
    cast = [person for person in residents.on("tiktok") if person.pace]
    if not cast or n_rows < 1:
        return []
    exported = start + timedelta(days=days, hours=9)
    files = []
    in_page = min(_PAGE, n_rows // 10)
    sizes = shared_out(n_rows - in_page, (6, 3, 1))
    for turn, (donor, size) in enumerate(zip(DONORS, sizes, strict=True)):
        if size:
            table = _Table(seed, start, days, cast, turn)
            files.append(write_rows(folder / f"results_{donor}.csv", table.rows(size)))
    if in_page:
        videos = [_video(seed, start, days, cast, number) for number in range(in_page)]
        page = {
            "data": {
                "videos": [_research(seed, video) for video in videos],
                "cursor": in_page,
                "has_more": False,
                "search_id": "7336100000000000001",
            },
            "error": {"code": "ok", "message": "", "log_id": f"{exported:%Y%m%d%H%M%S}0A1B2C"},
        }
        files.append(write_bytes(folder / "research_api_page.json", json.dumps(page, indent=1).encode() + b"\n"))
    return files


class _Table:
    """The rows of one donor's table."""

    def __init__(self, seed: int, start: datetime, days: int, cast: list[Resident], donor: int) -> None:
        self._where = (seed, start, days, cast)
        self._seed, self._donor = seed, donor
        self._draws = Draws(seed, "donor", donor)

    def rows(self, size: int) -> Iterator[tuple[object, ...]]:
        """The header and `size` rows: the donor's videos, some that the first donor has too, some looked up again."""
        yield COLUMNS
        draws = self._draws
        video: Video | None = None
        for place in range(size):
            if place % 150 == 70:
                # The look-up found nothing: epoch 0 on the collector's clock, and nothing else.
                lost = tiktok_id(micros(self._where[1]) // 1_000_000 + place, 9_000_000 + self._donor * 100_000 + place)
                yield (lost, _NEVER, *[""] * 18)
            elif video is not None and draws.chance(_AGAIN):
                yield _row(self._seed, video, video.plays + draws.below(1 + video.plays // 5))
            else:
                shared = self._donor > 0 and draws.chance(_ALSO_SEEN)
                number = draws.below(200) if shared else (self._donor + 1) * 1_000_000 + place
                video = _video(*self._where, number)
                yield _row(self._seed, video, video.plays)


def _video(seed: int, start: datetime, days: int, cast: list[Resident], number: int) -> Video:
    """The video of that number, whoever looks at it."""
    draws = Draws(seed, "video", number)
    random = draws.uniform
    author = draws.pick(cast)
    day = draws.weighted([MONDAY_TO_SUNDAY[(start + timedelta(days=day)).weekday()] for day in range(days)])
    local = draws.weighted(HOURS)
    second = micros(start) // 1_000_000 + day * 86_400 + (local - author.utc_hours) % 24 * 3_600 + draws.below(3_600)
    delay = int(draws.quantile(_DELAYS)) if draws.chance(0.97) else 86_400 * (1 + draws.below(3)) // 2
    is_ad = author.nature == "company" and draws.chance(0.2)
    if author.nature == "company":
        text, tags = tagged(
            random,
            author.persona,
            company_text(random, author.persona, author.language, author.place, author.title, number),
        )
    elif author.nature == "bot":
        text, tags = bot_text(random, author.persona, author.operator or 0, number), ()
    else:
        text, tags = post_text(random, author.persona, author.language, author.place)
        if not tags and draws.chance(0.8):
            text, tags = tagged(random, author.persona, text)
    if draws.chance(0.08):
        text = text.replace(". ", ".\n", 1)
    if draws.chance(0.5):
        extra = draws.sample(PLATFORM_TAGS, 1 + draws.below(2))
        text, tags = f"{text} {' '.join('#' + tag for tag in extra)} ", (*tags, *extra)
    suggested = ""
    if draws.chance(0.55):
        persona = PERSONAS[author.persona]
        topic = draws.pick(persona.topics)
        words = [word.lower() for word in draws.sample(HASHTAGS[topic], 3)]
        suggested = ", ".join([*words, f"{draws.pick(persona.adjectives)} {topic}", f"{author.place}'s {topic}"])
    return Video(
        number=tiktok_id(second, number),
        author=author,
        uploaded=second,
        posted=min(second + delay, micros(start + timedelta(days=days)) // 1_000_000 - 1)
        if delay > 300
        else second + delay,
        text=text,
        tags=tags,
        is_ad=is_ad,
        duration=draws.below(180),
        suggested=suggested,
        plays=int(draws.quantile(_PLAYS)),
        serial=number,
    )


def _local(second: int) -> str:
    """The collector's clock, without a zone."""
    when = datetime.fromtimestamp(second, UTC)
    return f"{when - timedelta(hours=4 if when >= _SUMMER_TIME else 5):%Y-%m-%dT%H:%M:%S}"


def _count(number: int) -> str:
    """As the platform shows and pandas writes it: above 10,000 in tenths of thousands or millions, always a decimal."""
    unit = 100_000 if number >= 1_000_000 else 100 if number >= 10_000 else 1
    return f"{number // unit * unit}.0"


def _row(seed: int, video: Video, plays: int) -> tuple[object, ...]:
    draws, author = Draws(seed, "counts", video.serial), video.author
    likes = plays * (20 + draws.below(120)) // 1_000
    known = draws.chance(0.4)
    audience = author.influence * 3_000 + draws.below(5_000)
    return (
        video.number,
        _local(video.posted),
        f"{video.duration}.0",
        "FAKE-AD" if video.is_ad else author.country,
        video.suggested,
        _count(likes),
        _count(likes // 20),
        str(likes // 40) if draws.chance(0.2) else _count(likes // 40),
        _count(plays),
        video.text,
        str(video.is_ad),
        "",
        handle("tiktok", author),
        author.title,
        *((_count(audience), "120.0", _count(audience * 8), "64.0", "") if known else [""] * 5),
        str(author.nature == "company"),
    )


def _research(seed: int, video: Video) -> dict[str, Any]:
    """The object of the Research API; times are UTC."""
    draws = Draws(seed, "counts", video.serial)
    likes = video.plays * (20 + draws.below(120)) // 1_000
    return {
        "id": video.number, "create_time": video.posted, "username": handle("tiktok", video.author),
        "region_code": video.author.country, "video_description": video.text, "music_id": 7_300_000_000_000_000_000,
        "like_count": likes, "comment_count": likes // 40, "share_count": likes // 20, "view_count": video.plays,
        "hashtag_names": list(video.tags), "voice_to_text": "", "video_duration": video.duration,
    }  # fmt: skip
