"""The demo world's groups and Instagram accounts, as CrowdTangle would have delivered them.

Here: which posts of pages lie in groups and on Instagram too, and the two exports. Not here: exports of pages
(`crowdtangle`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Final

from sm_assets.demo import ids
from sm_assets.demo.crossposts import Crosspost
from sm_assets.demo.crowdtangle import COLUMNS_41, Exporter, file_name, local_time, ripe
from sm_assets.demo.draws import Draws
from sm_assets.demo.files import write_rows
from sm_assets.demo.people import Account, Actor
from sm_assets.demo.residents import Resident, handle
from sm_assets.demo.rhythm import thinned
from sm_assets.demo.sharing import Content, Post
from sm_assets.demo.voices import post_text

GROUP_COLUMNS: Final = ("Group Name", *COLUMNS_41[1:])
INSTAGRAM_COLUMNS: Final = (
    "Account", "User Name", "Followers at Posting", "Post Created", "Post Created Date", "Post Created Time", "Type",
    "Total Interactions", "Likes", "Comments", "Views", "URL", "Link", "Photo", "Title", "Description", "Image Text",
    "Sponsor Id", "Sponsor Name", "Overperforming Score (weighted  \u2014  Likes 1x Comments 1x )",
)  # fmt: skip
_NETWORK_GROUPS: Final = 6
_QUIET_GROUPS: Final = 4
_IN_GROUP: Final = 0.45
_QUIET_POSTS: Final = 30
_PICTURED: Final = 0.35
_OWN_PICTURES: Final = 100_000
_LAG_MINUTES: Final = (2, 10, 30, 90, 600)
_GROUPS_AT: Final = datetime(2024, 3, 18, 10, 20, 2, tzinfo=UTC)
_INSTAGRAM_AT: Final = datetime(2024, 3, 18, 10, 31, 57, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Group:
    """A group of Facebook, where somebody (an export does not say who) posts.

    Attributes:
        network: whose contents fill it; None: people talk to each other.
    """

    account: Account
    network: int | None


def make_groups(
    seed: int,
    start: datetime,
    days: int,
    actors: Sequence[Actor],
    contents: Sequence[Content],
    pages: Sequence[Account],
) -> tuple[list[Group], list[Post]]:
    """Groups of the largest networks and some that belong to none, and their posts by time.

    A post's `account` is the place of its group.
    """
    members: dict[int, Actor] = {}
    for actor in actors:
        if actor.network is not None:
            members.setdefault(actor.network, actor)
    owners: list[Actor] = [members[network] for network in sorted(members)[:_NETWORK_GROUPS]]
    owners += [actor for actor in actors if actor.kind == "organic" and actor.language == "en"][:_QUIET_GROUPS]
    groups, posts = [], []
    end = start + timedelta(days=days)
    for number, owner in enumerate(owners):
        draws = Draws(seed, "group", number)
        title = f"{owner.place} {('friends', 'forum', 'exchange')[number % 3]}"
        account = replace(
            pages[owner.number], account_id=ids.facebook_group_id(seed, number), title=title, handle="",
            later_handle="", handle_change=None, followers=200 + draws.below(9_000),
            description=f"Everything about {owner.place}",
        )  # fmt: skip
        groups.append(Group(account, owner.network))
        found: list[Post] = []
        for content in contents if owner.network is not None else ():
            if content.network == owner.network and draws.chance(_IN_GROUP):
                at = content.launched_at + timedelta(seconds=int(draws.quantile(_LAG_MINUTES) * 60))
                found.append(
                    Post(
                        number, 0, at, content.number, content.shape, content.text, content.url, content.headline,
                        content.summary, content.image_text, 5.0,
                    )
                )  # fmt: skip
        for _ in range(_QUIET_POSTS if owner.network is None else 5):
            at = start + timedelta(seconds=draws.below(days * 86_400))
            text = post_text(draws.uniform, owner.persona, owner.language, owner.place)[0]
            found.append(Post(number, 0, at, None, "status", text, "", "", "", "", 3.0))
        found = sorted((post for post in found if post.at < end), key=lambda post: (post.at, post.text))
        posts += [replace(post, number=place) for place, post in enumerate(found)]
    return groups, sorted(posts, key=lambda post: (post.at, post.account))


def write_groups(
    folder: Path,
    seed: int,
    start: datetime,
    groups: Sequence[Group],
    actors: Sequence[Actor],
    posts: Sequence[Post],
    limit: int | None = None,
) -> list[Path]:
    """Write the export of groups, of at most `limit` posts; returns the file, or nothing."""
    shown = thinned(posts, len(posts) if limit is None else limit)
    if not shown:
        return []
    accounts = [group.account for group in groups]
    exporter = Exporter(seed, start, accounts, [actors[account.actor] for account in accounts])
    at = COLUMNS_41.index("URL")

    def row(post: Post) -> list[str]:
        fields = exporter.row(post, _GROUPS_AT, COLUMNS_41)
        number = f"{800_000_000_000 + post.account * 1_000_003 + post.number}"
        fields[at] = f"https://www.facebook.com/groups/{accounts[post.account].account_id}/permalink/{number}"
        return fields

    rows = (row(post) for post in reversed(shown))
    return [write_rows(folder / file_name(_GROUPS_AT), chain([GROUP_COLUMNS], rows), encoding="utf-8-sig")]


def pictures_of(seed: int, posts: Sequence[Post], residents: Sequence[Resident]) -> list[Crosspost]:
    """What owners of organic pages show on Instagram on the days on which they show pictures on their page."""
    draws = Draws(seed, "pictures")
    found = []
    for post in posts:
        resident = residents[post.account]
        own = resident.kind == "organic" and post.content is None and post.shape in ("photo", "video")
        if own and "instagram" in resident.platforms and draws.chance(_PICTURED):
            text = post_text(draws.uniform, resident.persona, resident.language, resident.place)[0]
            at = post.at + timedelta(seconds=draws.below(3_600))
            found.append(Crosspost(at, resident, _OWN_PICTURES + post.number, post.shape, text, "", "", "", ""))
    return found


def write_instagram(folder: Path, seed: int, shown: Sequence[Crosspost], limit: int | None = None) -> list[Path]:
    """Write the export of Instagram accounts, of at most `limit` posts; returns the file, or nothing."""
    shown = thinned(shown, len(shown) if limit is None else limit)
    if not shown:
        return []
    rows = (_instagram_row(seed, crosspost) for crosspost in reversed(shown))
    return [write_rows(folder / file_name(_INSTAGRAM_AT), chain([INSTAGRAM_COLUMNS], rows), encoding="utf-8-sig")]


def _instagram_row(seed: int, crosspost: Crosspost) -> list[str]:
    resident = crosspost.resident
    draws = Draws(seed, "instagram", resident.actor, crosspost.number)
    local, zone = local_time(crosspost.at)
    followers = 50 + draws.below(20_000)
    likes = followers * (10 + draws.below(80)) // 1_000 * ripe(_INSTAGRAM_AT - crosspost.at) // 1_000
    comments = likes // (20 + draws.below(40))
    video = crosspost.shape == "video"
    code = ids.short_code(seed, resident.actor, crosspost.number)
    url = f"https://www.instagram.com/{'reel' if video else 'p'}/{code}/"
    return [
        resident.title, handle("instagram", resident), str(followers), f"{local:%Y-%m-%d %H:%M:%S} {zone}",
        f"{local:%Y-%m-%d}", f"{local:%H:%M:%S}", "Video" if video else "Photo", f"{likes + comments:,}", str(likes),
        str(comments), str(likes * 9) if video else "0", url, url, f"https://media.example/{code}.jpg",
        crosspost.title, crosspost.text, crosspost.image_text, "", "", f"{draws.between(-9, 9):.2f}",
    ]  # fmt: skip
