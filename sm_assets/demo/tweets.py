"""One tweet of the demo world, and its JSON in version 2 and version 1.1 of Twitter's API.

Here: texts as the API shows them (short links, `RT @`, mentions) and where in them things stand. Not here: which
tweets there are and the files they lie in (`twitter`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sm_assets.demo.draws import Draws
from sm_assets.demo.ids import moment
from sm_assets.demo.residents import Resident, Residents, handle
from sm_assets.demo.vocabulary import LOCATIONS, NOWHERE

_EPOCH_MS: Final = 1_288_834_974_657
_CUT: Final = 110
# Of a hundred profiles: with a town, with nothing, with something else as their place.
_LOCATED: Final = (60, 34, 6)


@dataclass(frozen=True, slots=True)
class Tweet:
    """A tweet before it is written down.

    Attributes:
        number: its id, whose upper bits are its time.
        form: own, replied_to, quoted or retweeted; the last three have a target.
        tags: hashtags at the end of the text.
        link: (short address, address); stands behind the text.
        earlier: id of the version that it replaces.
    """

    number: int
    author: Resident
    text: str
    form: str = "own"
    target: Tweet | None = None
    tags: tuple[str, ...] = ()
    mention: Resident | None = None
    link: tuple[str, str] | None = None
    picture: bool = False
    earlier: int | None = None

    @property
    def at(self) -> datetime:
        """The time in its id."""
        return moment(((self.number >> 22) + _EPOCH_MS) * 1_000)

    @property
    def people(self) -> list[Resident]:
        """Whom a reader has to know: its author, whom it names, whom it answers."""
        others = (self.mention, self.target.author if self.target is not None else None)
        return [self.author, *(person for person in others if person is not None)]


class Writer:
    """Writes tweets and users down."""

    def __init__(self, seed: int, residents: Residents) -> None:
        self._seed, self._residents = seed, residents

    def id_of(self, person: Resident) -> str:
        """The account's id."""
        return self._residents.account_id("twitter", person)

    def v2(self, tweet: Tweet) -> dict[str, Any]:
        """The object of version 2."""
        text, entities = self._shown(tweet)
        said: dict[str, Any] = {
            "id": str(tweet.number),
            "text": text,
            "author_id": self.id_of(tweet.author),
            "created_at": f"{tweet.at:%Y-%m-%dT%H:%M:%S}.000Z",
            "conversation_id": str(_root(tweet).number),
            "edit_history_tweet_ids": [str(number) for number in (tweet.earlier, tweet.number) if number is not None],
            "lang": tweet.author.language if len(tweet.text) > 12 else "und",
            "possibly_sensitive": False,
            "public_metrics": self._metrics(tweet),
            "reply_settings": "everyone",
            "source": "Twitter Web App",
        }
        if entities:
            said["entities"] = entities
        if tweet.target is not None:
            said["referenced_tweets"] = [{"type": tweet.form, "id": str(tweet.target.number)}]
            if tweet.form == "replied_to":
                said["in_reply_to_user_id"] = self.id_of(tweet.target.author)
        if tweet.picture:
            said["attachments"] = {"media_keys": [f"3_{tweet.number}"]}
        return said

    def media(self, tweet: Tweet) -> dict[str, Any]:
        """The picture of a tweet."""
        alt = f"{tweet.author.place}: {tweet.text[:40]}"
        return {
            "media_key": f"3_{tweet.number}", "type": "photo", "width": 1200, "height": 900, "alt_text": alt,
            "url": f"https://media.example/{tweet.number}.jpg",
        }  # fmt: skip

    def user(self, person: Resident, seen_at: datetime) -> dict[str, Any]:
        """The profile of an account."""
        facts = self._facts(person)
        return {
            "id": self.id_of(person),
            "username": handle("twitter", person),
            "name": person.title,
            "created_at": f"{facts['born']:%Y-%m-%dT%H:%M:%S}.000Z",
            "description": person.bio,
            "location": facts["location"],
            "protected": False,
            "verified": person.nature == "company",
            "url": f"https://{person.stem}.example/" if person.nature == "company" else "",
            "profile_image_url": f"https://media.example/{person.actor}.png",
            "public_metrics": {
                "followers_count": facts["followers"] + (seen_at - facts["born"]).days % 7,
                "following_count": facts["following"],
                "tweet_count": facts["tweets"],
                "listed_count": facts["followers"] // 100,
            },
        }

    def not_found(self, number: int) -> dict[str, Any]:
        """The error of a look-up that found no tweet."""
        return {
            "resource_id": str(number), "parameter": "referenced_tweets.id", "resource_type": "tweet",
            "title": "Not Found Error", "value": str(number),
            "detail": f"Could not find tweet with referenced_tweets.id: [{number}].",
            "type": "https://api.twitter.com/2/problems/resource-not-found",
        }  # fmt: skip

    def v1(self, tweet: Tweet) -> dict[str, Any]:
        """The object of version 1.1, with the target inside where it is a retweet or a quote."""
        text, found = self._shown(tweet)
        target, metrics = tweet.target, self._metrics(tweet)
        said: dict[str, Any] = {
            "created_at": f"{tweet.at:%a %b %d %H:%M:%S +0000 %Y}",
            "id": tweet.number,
            "id_str": str(tweet.number),
            "full_text": text,
            "truncated": False,
            "entities": {
                "hashtags": [
                    {"text": tag["tag"], "indices": [tag["start"], tag["end"]]} for tag in found.get("hashtags", [])
                ],
                "symbols": [],
                "user_mentions": [
                    {"screen_name": name["username"], "id_str": name["id"], "indices": [name["start"], name["end"]]}
                    for name in found.get("mentions", [])
                ],
                "urls": [
                    {"url": url["url"], "expanded_url": url["expanded_url"], "indices": [url["start"], url["end"]]}
                    for url in found.get("urls", [])
                ],
            },
            "source": '<a href="https://app.example" rel="nofollow">Twitter Web App</a>',
            "in_reply_to_status_id_str": str(target.number)
            if target is not None and tweet.form == "replied_to"
            else None,
            "in_reply_to_user_id_str": self.id_of(target.author)
            if target is not None and tweet.form == "replied_to"
            else None,
            "user": self._user_v1(tweet.author),
            "is_quote_status": tweet.form == "quoted",
            "retweet_count": metrics["retweet_count"],
            "favorite_count": metrics["like_count"],
            "lang": tweet.author.language,
        }
        if target is not None and tweet.form == "retweeted":
            said["retweeted_status"] = self.v1(target)
        elif target is not None and tweet.form == "quoted":
            said["quoted_status_id_str"] = str(target.number)
            if target.form != "quoted":
                said["quoted_status"] = self.v1(target)
        return said

    def _user_v1(self, person: Resident) -> dict[str, Any]:
        facts = self._facts(person)
        return {
            "id": int(self.id_of(person)), "id_str": self.id_of(person), "name": person.title,
            "screen_name": handle("twitter", person), "location": facts["location"],
            "description": person.bio, "protected": False, "verified": person.nature == "company",
            "followers_count": facts["followers"], "friends_count": facts["following"],
            "statuses_count": facts["tweets"], "created_at": f"{facts['born']:%a %b %d %H:%M:%S +0000 %Y}",
        }  # fmt: skip

    def _facts(self, person: Resident) -> dict[str, Any]:
        """What a profile shows, the same whenever it is looked at."""
        draws = Draws(self._seed, "profile", person.actor)
        born = moment((1_230_768_000 + draws.below(410_000_000)) * 1_000_000)
        audience = person.influence * (900 + draws.below(600))
        return {
            "born": born,
            "followers": audience + draws.below(4 if person.nature == "bot" else 400),
            "following": draws.below(40 if person.influence else 900),
            "tweets": 20 + draws.below(9_000),
            "location": _location(draws, person.country),
        }

    def _metrics(self, tweet: Tweet) -> dict[str, int]:
        draws = Draws(self._seed, "metrics", tweet.number)
        reach = 2 + tweet.author.influence * 4
        likes = 0 if tweet.form == "retweeted" else draws.below(reach * 3)
        return {
            "retweet_count": draws.below(reach), "reply_count": draws.below(reach), "like_count": likes,
            "quote_count": draws.below(2),
        }  # fmt: skip

    def _shown(self, tweet: Tweet) -> tuple[str, dict[str, list[dict[str, Any]]]]:
        """The text as the API shows it, and its entities with places counted in characters."""
        target, named = tweet.target, tweet.mention
        if target is not None and tweet.form == "retweeted":
            cut = self._shown(target)[0]
            text = f"RT @{handle('twitter', target.author)}: {cut[:_CUT]}{'…' if len(cut) > _CUT else ''}"
            named = target.author
        elif target is not None and tweet.form == "replied_to":
            text, named = f"@{handle('twitter', target.author)} {tweet.text}", target.author
        else:
            text = f"@{handle('twitter', named)} {tweet.text}" if named is not None else tweet.text
        entities: dict[str, list[dict[str, Any]]] = {}
        if named is not None:
            name = handle("twitter", named)
            start = text.index("@" + name)
            entities["mentions"] = [
                {"start": start, "end": start + len(name) + 1, "username": name, "id": self.id_of(named)}
            ]
        if tweet.form == "retweeted":
            return text, entities
        for tag in tweet.tags:
            start = text.rindex("#" + tag)
            entities.setdefault("hashtags", []).append({"start": start, "end": start + len(tag) + 1, "tag": tag})
        addresses = [tweet.link] if tweet.link is not None else []
        if target is not None and tweet.form == "quoted":
            status = f"https://twitter.com/{handle('twitter', target.author)}/status/{target.number}"
            addresses.append((f"https://t.co/q{target.number % 10**9:09d}", status))
        if tweet.picture:
            photo = f"https://twitter.com/{handle('twitter', tweet.author)}/status/{tweet.number}/photo/1"
            addresses.append((f"https://t.co/p{tweet.number % 10**9:09d}", photo))
        for short, url in addresses:
            text = f"{text} {short}".lstrip()
            entities.setdefault("urls", []).append(
                {"start": len(text) - len(short), "end": len(text), "url": short, "expanded_url": url,
                 "display_url": url.partition("://")[2][:26]}
            )  # fmt: skip
        return text.replace("&", "&amp;").replace("<", "&lt;"), entities


def _location(draws: Draws, country: str) -> str:
    """What stands in the field for a place: mostly a town of the country, often nothing, now and then no place."""
    match draws.weighted(_LOCATED):
        case 0:
            return draws.pick(LOCATIONS[country])
        case 1:
            return ""
        case _:
            return draws.pick(NOWHERE)


def _root(tweet: Tweet) -> Tweet:
    while tweet.form == "replied_to" and tweet.target is not None:
        tweet = tweet.target
    return tweet
