"""The demo world as Twitter's API delivered it: pages of tweets as twarc keeps them, a stream, a compliance file.

Here: who tweets what and when, the files, and what real captures have: tweets seen inside others, edits, failed
look-ups, a stream that breaks off, deletions. Not here: the JSON of one tweet (`tweets`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sm_assets.demo import tweets
from sm_assets.demo.crossposts import Crosspost
from sm_assets.demo.draws import Draws
from sm_assets.demo.files import write_bytes, write_lines
from sm_assets.demo.ids import micros, moment, snowflake
from sm_assets.demo.residents import Resident, Residents
from sm_assets.demo.rhythm import HOURS, MONDAY_TO_SUNDAY, shared_out, thinned
from sm_assets.demo.tweets import Tweet
from sm_assets.demo.voices import bot_text, company_text, post_text

_PAGE: Final = 100
_STREAM_DAY: Final = 22
_IN_STREAM: Final = 40
# What a tweet of a person is: its own, a reply, a quote, a retweet.
_FORMS: Final = (45, 25, 8, 22)
_CROSSPOSTED: Final = 0.6
_HOUR: Final = 3_600_000_000
_SHORT_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def write_twitter(
    folder: Path,
    seed: int,
    start: datetime,
    days: int,
    residents: Residents,
    pushed: Sequence[Crosspost],
    n_tweets: int,
) -> list[Path]:
    """Write `n_tweets` tweets (those that lie only inside others not counted) below `folder`; returns the files."""
    live = _Live(seed, residents)
    end = start + timedelta(days=days)
    pushed = thinned(pushed, int(n_tweets * _CROSSPOSTED))
    sizes = shared_out(
        n_tweets - len(pushed), [MONDAY_TO_SUNDAY[(start + timedelta(days=day)).weekday()] for day in range(days)]
    )
    files: list[Path] = []
    streamed: list[str] = []
    done = 0

    def pages(first: int, behind: int) -> Iterator[str]:
        nonlocal done
        for day in range(first, behind):
            date, begin = start + timedelta(days=day), done
            while done < len(pushed) and pushed[done].at < date + timedelta(days=1):
                done += 1
            told = live.day(date, sizes[day], pushed[begin:done])
            for place in range(0, len(told), _PAGE):
                yield live.page(
                    told[max(0, len(told) - place - _PAGE) : len(told) - place],
                    min(date + timedelta(hours=26), end - timedelta(seconds=1)),
                )
            if day == _STREAM_DAY:
                streamed.extend(live.v1(tweet) for tweet in told[:_IN_STREAM])

    for week in range(0, days, 7):
        name = f"search_{start + timedelta(days=week):%Y-%m-%d}.jsonl"
        files += write_lines(folder / name, pages(week, min(week + 7, days)))
    if len(streamed) > 1:
        # The stream's last line breaks off.
        text = "\n".join(streamed)
        files.append(
            write_bytes(folder / f"stream_{start + timedelta(days=_STREAM_DAY):%Y-%m-%d}.jsonl", text.encode()[:-200])
        )
    if len(live.withdrawn) > 1:
        files += write_lines(folder / f"tweets_compliance_{end:%Y-%m-%d}.jsonl", live.compliance(end))
    return files


def _shortened(draws: Draws) -> str:
    """A short address; each link of each tweet has one of its own."""
    return f"https://t.co/{draws.word(_SHORT_LETTERS, 10)}"


class _Live:
    """The residents on Twitter, day after day."""

    def __init__(self, seed: int, residents: Residents) -> None:
        self._draws = Draws(seed, "twitter")
        self._residents = residents
        cast = residents.on("twitter")
        self._slots = [resident for resident in cast for _ in range(resident.pace)] or cast
        self._bots = [resident for resident in cast if resident.nature == "bot"]
        self._writer = tweets.Writer(seed, residents)
        self._recent: list[Tweet] = []
        self._serial = 0
        self.withdrawn: list[Tweet] = []

    def day(self, date: datetime, n: int, pushed: Sequence[Crosspost]) -> list[Tweet]:
        """The tweets of a day, by id."""
        draws, midnight = self._draws, micros(date)
        told: list[tuple[int, Crosspost | Resident]] = [(micros(crosspost.at), crosspost) for crosspost in pushed]
        told += thinned(self._scheduled(midnight), n // 3)
        while len(told) < n + len(pushed):
            who = draws.pick(self._slots)
            hour = (draws.weighted(HOURS) - who.utc_hours) % 24
            told.append((midnight + hour * _HOUR + draws.below(_HOUR), who))
        found: list[Tweet] = []
        for at, what in sorted(told, key=lambda piece: piece[0]):
            tweet = self._push(at, what) if isinstance(what, Crosspost) else self._own(at, what)
            found.append(tweet)
            if tweet.form != "retweeted":
                self._recent.append(tweet)
        del self._recent[:-300]
        # What comes only from the public may change or go: contents of networks stay as they are.
        public = [tweet for tweet in found if tweet.form == "own" and tweet.author.kind == "organic" and not tweet.link]
        found += [self._edited(tweet) for tweet in public[4::60]]
        # Late in the day: some of those who answer it find it gone.
        self.withdrawn += public[-6:-5] or public[-1:]
        return sorted(found, key=lambda tweet: tweet.number)

    def _scheduled(self, midnight: int) -> list[tuple[int, Crosspost | Resident]]:
        """The bots that the clock calls on this day: each keeps its hours, and the minute is its operator's."""
        first = midnight // _HOUR
        return [
            ((first + hour) * _HOUR + (bot.operator or 0) % 60 * 60_000_000 + bot.actor * 1_000, bot)
            for hour in range(24)
            for bot in self._bots
            if (first + hour) % bot.hours == bot.actor % bot.hours
        ]

    def _number(self, at: int) -> int:
        self._serial += 1
        return snowflake(at, self._serial)

    def _push(self, at: int, crosspost: Crosspost) -> Tweet:
        link = (_shortened(self._draws), crosspost.url) if crosspost.url else None
        text, picture = crosspost.text or crosspost.image_text, crosspost.shape == "photo"
        return Tweet(self._number(at), crosspost.resident, text, link=link, picture=picture)

    def _own(self, at: int, who: Resident) -> Tweet:
        draws = self._draws
        random = draws.uniform
        number = self._number(at)
        if who.nature == "bot":
            text = bot_text(random, who.persona, who.operator or 0, self._serial)
            url = f"https://operator{who.operator}.example/{self._serial}"
            return Tweet(number, who, text, link=(_shortened(draws), url))
        if who.nature == "company":
            text = company_text(random, who.persona, who.language, who.place, who.title, self._serial)
            url = f"https://{who.stem}.example/offers/{self._serial}"
            return Tweet(number, who, text, link=(_shortened(draws), url))
        text, tags = post_text(random, who.persona, who.language, who.place)
        form = ("own", "replied_to", "quoted", "retweeted")[draws.weighted(_FORMS)] if self._recent else "own"
        if form == "own":
            mention = draws.pick(self._slots) if draws.chance(0.05) else None
            return Tweet(number, who, text, tags=tags, mention=mention, picture=draws.chance(0.08))
        near = [tweet for tweet in self._recent[-120:] if tweet.author.persona == who.persona]
        target = draws.pick(near if near and draws.chance(0.8) else self._recent)
        return Tweet(number, who, text, form=form, target=target, tags=tags)

    def _edited(self, tweet: Tweet) -> Tweet:
        """A later version of a tweet; the first id stays its name."""
        at = micros(tweet.at) + 90_000_000
        return Tweet(
            self._number(at), tweet.author, f"{tweet.text} (edited)", tags=tweet.tags, earlier=tweet.number,
            mention=tweet.mention,
        )  # fmt: skip

    def page(self, told: Sequence[Tweet], retrieved_at: datetime) -> str:
        """One answer of the search, newest first, with everything that its tweets refer to."""
        writer, newest = self._writer, list(reversed(told))
        inside = {tweet.target.number: tweet.target for tweet in newest if tweet.target is not None}
        missing = {tweet.number for tweet in self.withdrawn} & set(inside)
        shown = [inside[number] for number in sorted(inside) if number not in missing]
        people = {person.actor: person for tweet in (*newest, *shown) for person in tweet.people}
        page: dict[str, Any] = {
            "data": [writer.v2(tweet) for tweet in newest],
            "includes": {"users": [writer.user(people[actor], retrieved_at) for actor in sorted(people)]},
        }
        if shown:
            page["includes"]["tweets"] = [writer.v2(tweet) for tweet in shown]
        if media := [writer.media(tweet) for tweet in (*newest, *shown) if tweet.picture]:
            page["includes"]["media"] = media
        if missing:
            page["errors"] = [writer.not_found(number) for number in sorted(missing)]
        page["meta"] = {
            "newest_id": str(told[-1].number), "oldest_id": str(told[0].number), "result_count": len(told),
        }  # fmt: skip
        page["__twarc"] = {
            "url": "https://api.twitter.com/2/tweets/search/all?max_results=100&query=demo",
            "version": "2.13.0",
            "retrieved_at": f"{retrieved_at:%Y-%m-%dT%H:%M:%S+00:00}",
        }
        return json.dumps(page, ensure_ascii=False)

    def v1(self, tweet: Tweet) -> str:
        """The tweet as the old streaming API wrote it."""
        return json.dumps(self._writer.v1(tweet), ensure_ascii=False, separators=(",", ":"))

    def compliance(self, asked_at: datetime) -> Iterator[str]:
        """What became of some tweets: the first line is blank and one row comes twice, as in real answers."""
        yield ""
        for tweet, reason in zip(self.withdrawn, ("deleted", "deactivated", "protected", "deleted"), strict=False):
            born = f"{moment(micros(tweet.at) // 1_000 * 1_000):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
            row = {"id": str(tweet.number), "action": "delete", "created_at": born, "reason": reason}
            if reason == "deleted":
                row["redacted_at"] = f"{asked_at - timedelta(hours=5):%Y-%m-%dT%H:%M:%S}.000Z"
            yield json.dumps(row, separators=(",", ":"))
            if tweet is self.withdrawn[0]:
                yield json.dumps(row, separators=(",", ":"))
