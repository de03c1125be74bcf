"""What the people publish, and when: contents and the posts that carry them.

Here: campaigns of networks (one page first, the others within minutes to hours), what aggregators copy, what goes
viral, what everybody writes alone, the rhythm of day and week. Not here: how a platform would show it
(`crowdtangle`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from sm_assets.demo.draws import Draws
from sm_assets.demo.people import Account, Actor, Network
from sm_assets.demo.phrases import LANGUAGES, PLATFORM_NOTICES, TOPICS
from sm_assets.demo.rhythm import HOURS, MONDAY_TO_SUNDAY
from sm_assets.demo.texts import Writer, copied_text, place_name, site_name, tracked_url
from sm_assets.demo.vocabulary import PERSONAS

Shape = Literal["link", "photo", "status", "video"]

# Minutes from the first post of a content to a follower's, by quantile, at tempo 1; the last reach into the next day.
LAG_MINUTES: Final = (1, 4, 9, 16, 28, 50, 100, 260, 1_500)
_AGGREGATOR_LAG_MINUTES: Final = (40, 150, 400, 900, 2_400)
# The first content is carried by more than a third of all accounts, most of the others by a handful.
_VIRAL_REACH: Final = (0.42, 0.2, 0.12, 0.08, 0.06, 0.05, 0.05, 0.04, 0.04, 0.04, 0.03, 0.03)
_VIRAL_LAG_MINUTES: Final = (3, 90, 240, 500, 900, 1_500, 2_400, 4_800, 9_000)
# How often people stay with the topics of their persona.
_FAITH: Final = 0.9
_REACTION_PER_MILLE: Final = (0.3, 1, 2, 4, 7, 13, 26, 80)


@dataclass(frozen=True, slots=True)
class Content:
    """Something that can be published more than once.

    Attributes:
        number: its place among the contents of the world.
        network: the network that launches it; None: anybody's.
        url: the plain address of a link, else empty.
        copies_text: False: everybody puts words of their own above the link or the picture.
        launched_at: when the first post appears (UTC).
    """

    number: int
    network: int | None
    language: str
    topic: str
    place: str
    shape: Shape
    text: str
    url: str
    headline: str
    summary: str
    image_text: str
    copies_text: bool
    launched_at: datetime


@dataclass(frozen=True, slots=True)
class Post:
    """One post of one account.

    Attributes:
        account: position of the account.
        number: the post's number at the account, counted in the order of time.
        at: UTC.
        content: the content that it carries; None: its own words.
        url: the address as shared, tracking included.
        reaction: interactions per thousand followers in the end.
    """

    account: int
    number: int
    at: datetime
    content: int | None
    shape: Shape
    text: str
    url: str
    headline: str
    summary: str
    image_text: str
    reaction: float


class Sharing:
    """Lets the people publish for some days; `contents` and `posts` (in the order of time) hold the outcome."""

    def __init__(
        self,
        seed: int,
        start: datetime,
        days: int,
        networks: Sequence[Network],
        actors: Sequence[Actor],
        accounts: Sequence[Account],
    ) -> None:
        self._seed, self._start, self._end = seed, start, start + timedelta(days=days)
        self._days, self._networks, self._actors, self._accounts = days, networks, actors, accounts
        self._writer = Writer()
        self._by_network: dict[int, list[Content]] = {network.number: [] for network in networks}
        self.contents: list[Content] = []
        posts: list[Post] = []
        for network in networks:
            posts += self._campaigns(network)
        posts += self._aggregators()
        posts += self._viral()
        posts += self._chance_meetings()
        for actor in actors:
            posts += self._own(actor)
        posts = sorted(
            (post for post in posts if post.at < self._end),
            key=lambda post: (post.at, post.account, post.text, post.url),
        )
        counts = [0] * len(accounts)
        self.posts: list[Post] = []
        for post in posts:
            self.posts.append(replace(post, number=counts[post.account]))
            counts[post.account] += 1

    def _moment(self, draws: Draws, utc_hours: int, last_day: int | None = None) -> datetime:
        """A moment of the world's time when somebody with this clock would post."""
        weights = [
            MONDAY_TO_SUNDAY[(self._start + timedelta(days=day)).weekday()] for day in range(last_day or self._days)
        ]
        local = self._start + timedelta(
            days=draws.weighted(weights), hours=draws.weighted(HOURS), minutes=draws.below(60), seconds=draws.below(60)
        )
        moment = local - timedelta(hours=utc_hours)
        if moment < self._start:
            return moment + timedelta(days=1)
        return moment - timedelta(days=1) if moment >= self._end else moment

    def _content(
        self,
        draws: Draws,
        network: Network | None,
        language: str,
        place: str,
        site: str,
        shape: Shape,
        at: datetime,
        *,
        copies: bool,
    ) -> Content:
        words = LANGUAGES[language]
        topic = draws.pick(network.topics if network is not None else TOPICS)
        headline = self._writer.headline(draws, words, topic, place)
        content = Content(
            number=len(self.contents),
            network=network.number if network is not None else None,
            language=language,
            topic=topic,
            place=place,
            shape=shape,
            text=self._writer.message(draws, words, topic, place),
            url=self._writer.address(draws, site, headline, at.month) if shape == "link" else "",
            headline=headline if shape == "link" else "",
            summary=f"{headline}. {draws.pick(words.tails)}" if shape == "link" and draws.chance(0.8) else "",
            image_text=self._writer.message(draws, words, topic, place).upper()
            if shape == "photo" and (draws.chance(0.6) or not copies)
            else "",
            copies_text=copies,
            launched_at=at,
        )
        self.contents.append(content)
        return content

    def _carry(self, draws: Draws, content: Content, account: int, at: datetime, *, exactly: bool = False) -> Post:
        """The content as this account publishes it."""
        text = content.text
        if not content.copies_text and not exactly:
            text = self._writer.message(draws, LANGUAGES[content.language], content.topic, content.place)
        elif not exactly:
            text = copied_text(draws, text)
        return Post(
            account=account,
            number=0,
            at=at,
            content=content.number,
            shape=content.shape,
            text=text,
            url=tracked_url(draws, content.url) if content.url else "",
            headline=content.headline,
            summary=content.summary,
            image_text=content.image_text,
            reaction=draws.quantile(_REACTION_PER_MILLE),
        )

    def _campaigns(self, network: Network) -> list[Post]:
        """All contents of a network: a leader first, those who carry it after it, some once more days later."""
        draws = Draws(self._seed, "campaigns", network.number)
        members = [actor for actor in self._actors if actor.network == network.number]
        leaders = draws.sample(members, min(len(members), 1 + len(members) // 8))
        posts: list[Post] = []
        for _ in range(network.n_contents):
            leader = draws.pick(leaders)
            copies = network.style == "copies_texts" or (network.style == "mixed" and draws.chance(0.5))
            shapes: tuple[Shape, ...] = (
                ("status", "photo", "link", "video") if copies else ("link", "link", "link", "photo")
            )
            # Contents that all named one place would be about the place first.
            place = place_name(draws, LANGUAGES[network.language])
            content = self._content(
                draws, network, network.language, place, draws.pick(network.sites), draws.pick(shapes),
                self._moment(draws, leader.utc_hours), copies=copies,
            )  # fmt: skip
            self._by_network[network.number].append(content)
            posts.append(self._carry(draws, content, leader.number, content.launched_at, exactly=True))
            zeal = draws.between(0.6, 1.15)
            followers = [actor for actor in members if actor is not leader and draws.chance(actor.loyalty * zeal)]
            if not followers:
                followers = [draws.pick([actor for actor in members if actor is not leader])]
            for follower in followers:
                lag = draws.quantile(LAG_MINUTES) * network.tempo
                at = content.launched_at + timedelta(seconds=int(lag * 60))
                posts.append(self._carry(draws, content, follower.number, at))
                if draws.chance(0.05):
                    posts.append(
                        self._carry(
                            draws,
                            content,
                            follower.number,
                            at + timedelta(hours=30 + draws.below(90), seconds=draws.below(3_600)),
                        )
                    )
        return posts

    def _aggregators(self) -> list[Post]:
        """They copy from several networks, hours later, and belong to none."""
        posts = []
        for actor in self._actors:
            draws = Draws(self._seed, "aggregator", actor.number)
            for source in actor.sources:
                contents = self._by_network[source]
                for content in draws.sample(contents, min(len(contents), 8 + draws.below(10))):
                    lag = timedelta(seconds=int(draws.quantile(_AGGREGATOR_LAG_MINUTES) * 60))
                    posts.append(self._carry(draws, content, actor.number, content.launched_at + lag))
        return posts

    def _viral(self) -> list[Post]:
        """What anybody may share, networks or not."""
        draws = Draws(self._seed, "viral")
        posts = []
        for reach in _VIRAL_REACH:
            place = f"{draws.pick(LANGUAGES['en'].places[0])}ton"
            shape: Shape = "link" if draws.chance(0.6) else "video"
            site = site_name(draws, LANGUAGES["en"])
            at = self._moment(draws, -5, self._days - 6)
            content = self._content(
                draws, None, "en", place, site, shape, at, copies=draws.chance(0.7) or shape != "link"
            )
            for actor in self._actors:
                if draws.chance(reach * (1.0 if actor.language == "en" else 0.7)):
                    lag = timedelta(seconds=int(draws.quantile(_VIRAL_LAG_MINUTES) * 60))
                    posts.append(self._carry(draws, content, actor.number, at + lag))
        return posts

    def _chance_meetings(self) -> list[Post]:
        """Popular articles: organic accounts that share one have nothing else to do with each other."""
        draws = Draws(self._seed, "chance")
        organic = [actor for actor in self._actors if actor.kind == "organic"]
        posts = []
        for _ in range(len(organic) // 3):
            first = draws.pick(organic)
            readers = [actor for actor in organic if actor.language == first.language]
            at = self._moment(draws, first.utc_hours)
            site = site_name(draws, LANGUAGES[first.language])
            content = self._content(draws, None, first.language, first.place, site, "link", at, copies=False)
            for reader in draws.sample(readers, min(len(readers), 2 + draws.below(4))):
                lag = timedelta(seconds=int(draws.quantile(_VIRAL_LAG_MINUTES) * 60))
                posts.append(self._carry(draws, content, reader.number, at + lag))
        return posts

    def _own(self, actor: Actor) -> list[Post]:
        """What the actor writes alone: sentences, greetings, pictures without a word, notices of the platform."""
        draws = Draws(self._seed, "own", actor.number)
        words = LANGUAGES[actor.language]
        title = self._accounts[actor.number].title
        sites = [site_name(draws, words) for _ in range(2)]
        posts = []
        for _ in range(actor.n_own):
            at = self._moment(draws, actor.utc_hours)
            topic = draws.pick(PERSONAS[actor.persona].topics if draws.chance(_FAITH) else TOPICS)
            shape: Shape = ("status", "photo", "link", "video")[draws.weighted((35, 30, 25, 10))]
            text, url, headline, image_text = "", "", "", ""
            match draws.weighted((88, 4, 4, 4)):
                case 1:
                    shape, text = "photo", draws.pick(words.greetings)
                case 2:
                    shape = "photo"
                case 3:
                    shape, text = "status", draws.pick(PLATFORM_NOTICES).format(title=title)
                case _:
                    text = self._writer.message(draws, words, topic, actor.place)
                    if shape == "link":
                        headline = self._writer.headline(draws, words, topic, actor.place)
                        url = tracked_url(draws, self._writer.address(draws, draws.pick(sites), headline, at.month))
                    elif shape == "photo" and draws.chance(0.3):
                        image_text = self._writer.message(draws, words, topic, actor.place).upper()
            reaction = draws.quantile(_REACTION_PER_MILLE)
            posts.append(Post(actor.number, 0, at, None, shape, text, url, headline, "", image_text, reaction))
        return posts
