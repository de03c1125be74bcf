"""The demo world as CrowdTangle would have delivered it: search exports of Facebook pages.

Here: the files and their quirks: a byte order mark, the dashboard's clock with its zone (and the change to summer
time inside), grouped numbers, two exports that overlap with counts that have grown in between, two forms of one
post's address, and a small damaged file. Not here: who published what (`sharing`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Final

from sm_assets.demo.draws import Draws
from sm_assets.demo.files import write_bytes, write_rows
from sm_assets.demo.people import Account, Actor
from sm_assets.demo.rhythm import thinned
from sm_assets.demo.sharing import Post
from sm_assets.demo.texts import short_link

_WEIGHTS: Final = "(weighted  \u2014  Likes 1x Shares 1x Comments 1x Love 1x Wow 1x Haha 1x Sad 1x Angry 1x Care 1x )"
_COMMON: Final = (
    "Page Name", "User Name", "Facebook Id", "Page Category", "Page Admin Top Country", "Page Description",
    "Page Created", "Likes at Posting", "Followers at Posting", "Post Created", "Post Created Date",
    "Post Created Time", "Type", "Total Interactions", "Likes", "Comments", "Shares", "Love", "Wow", "Haha", "Sad",
    "Angry", "Care", "Video Share Status", "Is Video Owner?", "Post Views", "Total Views",
    "Total Views For All Crossposts", "Video Length", "URL", "Message", "Link", "Final Link", "Image Text",
    "Link Text", "Description", "Sponsor Id", "Sponsor Name", "Sponsor Category",
)  # fmt: skip
COLUMNS_40: Final = (*_COMMON, f"Overperforming Score {_WEIGHTS}")
COLUMNS_41: Final = (*_COMMON, f"Total Interactions {_WEIGHTS}", "Overperforming Score")

# The dashboard's clock: New York; summer time began on this morning.
_SUMMER_TIME: Final = datetime(2024, 3, 10, 7, tzinfo=UTC)
# Likes, comments, shares, love, wow, haha, sad, angry, care: parts per thousand of all interactions, roughly.
_PARTS: Final = (560, 130, 150, 70, 20, 40, 12, 10, 8)
_TYPES: Final = {"link": "Link", "photo": "Photo", "status": "Status", "video": "Native Video"}
# How much of its final interactions a post has after so many hours, per thousand.
_RIPENING: Final = ((1, 250), (6, 550), (24, 820), (72, 930), (240, 980))
# (days from the first day to the first day of the export, and to the one behind its last; time of export)
_EARLIER: Final = (0, 18, datetime(2024, 3, 1, 10, 40, 10, tzinfo=UTC))
_LATER: Final = (12, 35, datetime(2024, 3, 18, 10, 12, 44, tzinfo=UTC))
_DAMAGED_ROWS: Final = 40
_DAMAGED_AT: Final = datetime(2024, 3, 15, 10, 12, 44, tzinfo=UTC)


def write_pages(
    folder: Path,
    seed: int,
    start: datetime,
    accounts: Sequence[Account],
    actors: Sequence[Actor],
    posts: Sequence[Post],
    limit: int | None = None,
) -> list[Path]:
    """Write the exports of pages below `folder`; their rows are newest first, as in the original.

    Returns:
        The files; with a `limit` they have about so many rows together.
    """
    if limit is not None and limit < n_rows(start, posts):
        posts = thinned(posts, limit * 5 // 6 if limit > 5 else limit)
    page = Exporter(seed, start, accounts, actors)
    files = []
    for export, columns in ((_EARLIER, COLUMNS_40), (_LATER, COLUMNS_41)):
        shown = _shown(start, posts, export)
        if shown:
            rows = (page.row(post, export[2], columns) for post in reversed(shown))
            files.append(write_rows(folder / file_name(export[2]), chain([columns], rows), encoding="utf-8-sig"))
    some = [post for post in reversed(posts) if post.at < _DAMAGED_AT][:400:10]
    if len(some) == _DAMAGED_ROWS:
        damaged = _damage([page.row(post, _DAMAGED_AT, COLUMNS_41) for post in some])
        files.append(write_bytes(folder / file_name(_DAMAGED_AT), damaged))
    return files


def n_rows(start: datetime, posts: Sequence[Post]) -> int:
    """Rows of the two large exports."""
    return sum(len(_shown(start, posts, export)) for export in (_EARLIER, _LATER))


def _shown(start: datetime, posts: Sequence[Post], export: tuple[int, int, datetime]) -> list[Post]:
    since, until, exported_at = export
    low, high = start + timedelta(days=since), min(start + timedelta(days=until), exported_at)
    return [post for post in posts if low <= post.at < high]


def local_time(when: datetime) -> tuple[datetime, str]:
    """The dashboard's clock and the name of its zone."""
    return (when - timedelta(hours=4), "EDT") if when >= _SUMMER_TIME else (when - timedelta(hours=5), "EST")


def file_name(exported_at: datetime) -> str:
    """The name of an export of that moment."""
    local, zone = local_time(exported_at)
    return f"{local:%Y-%m-%d-%H-%M-%S}-{zone}-search-csv-export.csv"


def _text(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


class Exporter:
    """Shows a post as the export of some moment shows it."""

    def __init__(self, seed: int, start: datetime, accounts: Sequence[Account], actors: Sequence[Actor]) -> None:
        self._seed, self._start, self._accounts, self._actors = seed, start, accounts, actors

    def row(self, post: Post, exported_at: datetime, columns: tuple[str, ...]) -> list[str]:
        """The fields of one post. What does not change between exports depends on the post alone."""
        draws = Draws(self._seed, "crowdtangle", post.account, post.number)
        account, actor = self._accounts[post.account], self._actors[post.account]
        handle = account.handle_at(post.at)
        post_id = f"{900_000_000_000 + post.account * 1_000_003 + post.number}"
        followers = account.followers + account.growth * (post.at - self._start).days
        full = round(followers * post.reaction / 1_000)
        counts = [
            full * int(part * draws.between(0.6, 1.4)) // 1_000 * ripe(exported_at - post.at) // 1_000
            for part in _PARTS
        ]
        total = sum(counts)
        video = post.shape == "video"
        live = video and draws.chance(0.1)
        path = "videos" if video else "posts"
        owner = handle or account.account_id
        url = f"https://www.facebook.com/{owner}/{path}/{post_id}"
        link, final_link = self._links(draws, post, url, owner)
        if post.number % 9 == 0 and len(columns) == len(COLUMNS_41):
            url = f"https://www.facebook.com/permalink.php?story_fbid={post_id}&id={account.account_id}"
        local, zone = local_time(post.at)
        length = f"00:{draws.below(12):02d}:{draws.below(60):02d}"
        views = total * (4 + draws.below(20))
        seen = (
            [str(views), str(views + views // 8), str(views + views // 8), length] if video else ["0", "0", "0", "N/A"]
        )
        likes = followers - followers // 50
        score = f"{draws.between(-12, 12):.2f}"
        return [
            account.title, handle, account.account_id, account.category, actor.country if draws.chance(0.93) else "",
            account.description[:100], f"{account.created_at:%Y-%m-%d %H:%M:%S}", str(likes), str(followers),
            f"{local:%Y-%m-%d %H:%M:%S} {zone}", f"{local:%Y-%m-%d}", f"{local:%H:%M:%S}",
            "Live Video Complete" if live else _TYPES[post.shape],
            f"{total:,}", *map(str, counts),
            "owned" if video else "", "Yes" if video else "-",
            *seen,
            url, post.text, link, final_link, post.image_text, post.headline, post.summary, "", "", "",
            *([f"{total:,}"] if len(columns) == len(COLUMNS_41) else []), score,
        ]  # fmt: skip

    def _links(self, draws: Draws, post: Post, url: str, owner: str) -> tuple[str, str]:
        """(Link, Final Link): the second only where the first is a short one."""
        if post.shape == "link":
            return (short_link(draws), post.url) if draws.chance(0.25) else (post.url, "")
        if post.shape == "photo":
            return (
                f"https://www.facebook.com/{owner}/photos/a.{draws.below(90_000) + 10_000}/{url.rpartition('/')[2]}",
                "",
            )
        return (url, "") if post.shape == "video" else ("", "")


def ripe(age: timedelta) -> int:
    """Parts per thousand of the final interactions at this age."""
    return next((share for hours, share in _RIPENING if age < timedelta(hours=hours)), 1_000)


def _damage(rows: list[list[str]]) -> bytes:
    """A small file in which things went wrong: rows without owner or time, cut or too long, odd cells."""
    at = {name: place for place, name in enumerate(COLUMNS_41)}
    for place, changes in (
        (3, {"User Name": "", "Facebook Id": "", "URL": ""}),
        (8, {"Post Created": "yesterday", "Post Created Date": "", "Post Created Time": ""}),
        (12, {"Comments": "many"}),
        (15, {"Page Admin Top Country": "Moon"}),
        (18, {"Message": f"{rows[18][at['Message']]}\x00"}),
    ):
        for column, value in changes.items():
            rows[place][at[column]] = value
    rows[22] = rows[22][: at["Message"]]
    rows[26] = [*rows[26], "", "moved by hand"]
    data = _text([COLUMNS_41, *rows]).encode()
    # One line in another encoding, and a last line that breaks off inside a quoted field.
    latin = ["caf\u00e9" if name == "Message" else value for name, value in zip(COLUMNS_41, rows[30], strict=True)]
    torn = _text([rows[31][: at["Message"]]]).removesuffix("\n") + ',"The file ends here'
    return data + _text([latin]).encode("cp1252", "replace") + torn.encode()
