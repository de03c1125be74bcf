"""Bluesky's firehose: what the residents do there from hour to hour, and a capture of it as large as is asked for.

Here: who acts, on what, and what is planned beside (`Planned`). Memory grows with the residents, not with the events.
Not here: how a line looks (`jetstream`), the demo's own files (`bluesky`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Literal

from sm_assets.demo.draws import Draws
from sm_assets.demo.ids import cid, tid
from sm_assets.demo.jetstream import (
    BLOCK,
    FOLLOW,
    GATE,
    LIKE,
    POST,
    PROFILE,
    REPOST,
    Clock,
    Lines,
    LinesV1,
    external,
    facets,
    images,
    quoted,
)
from sm_assets.demo.residents import Residents, handle
from sm_assets.demo.rhythm import HOURS
from sm_assets.demo.vocabulary import PERSONAS
from sm_assets.demo.voices import bot_text, company_text, post_text

SECOND: Final = 1_000_000
HOUR: Final = 3_600 * SECOND
_SLICE: Final = 20_000
_AMONG_LIKES: Final = 0.8
_RECENT: Final = 250
_UNDOABLE: Final = 2_000

What = Literal["push", "bot", "profile", "identity", "account"]
# Events of a kind per thousand, in a firehose and in the demo world (which lives more by what is said than by likes).
FIREHOSE: Final = {
    "like": 696, "repost": 100, "post": 52, "reply": 38, "quote": 10, "follow": 60, "delete": 30, "block": 2,
    "profile": 6, "identity": 2, "account": 2, "update": 1, "other": 1,
}  # fmt: skip
DEMO: Final = {
    "like": 390, "repost": 90, "post": 190, "reply": 105, "quote": 35, "follow": 135, "delete": 38, "block": 8,
    "profile": 0, "identity": 1, "account": 1, "update": 4, "other": 3,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Planned:
    """Something that happens at a given moment, whatever else goes on.

    Attributes:
        at: microseconds since 1970.
        who: actor.
        what: a content of a network pushed here too, a bot's message, a profile, an identity or account event.
        text: of a push; of an account event the status ("" = active again).
        url, title, summary: of a pushed link; alt: of a pushed picture.
    """

    at: int
    who: int
    what: What
    text: str = ""
    url: str = ""
    title: str = ""
    summary: str = ""
    alt: str = ""


class Firehose:
    """The residents at work on Bluesky; `hour` after `hour`, in order.

    Args:
        seed: of the world.
        residents: everybody; only those with an account here act.
        mix: events of a kind per thousand.
        start, end: microseconds since 1970; what is written in this time claims to be of it.
    """

    def __init__(self, seed: int, residents: Residents, mix: dict[str, int], start: int, end: int) -> None:
        self._start, self._end = start, end
        self._random = Draws(seed, "firehose").uniform
        self._residents = residents
        self._cast = residents.on("bluesky")
        self._dids = [residents.account_id("bluesky", resident) for resident in self._cast]
        self._place = {resident.actor: place for place, resident in enumerate(self._cast)}
        zones = sorted({resident.utc_hours for resident in self._cast})
        self._slots = [
            (zone, [place for place, r in enumerate(self._cast) if r.utc_hours == zone for _ in range(r.pace)])
            for zone in zones
        ]
        self._nearby: list[list[int]] = [[] for _ in range(residents.n_communities)]
        for place, resident in enumerate(self._cast):
            if resident.community is not None and not resident.influence:
                self._nearby[resident.community].append(place)
        self._bounds = list(accumulate(mix.values()))
        self._acts = [getattr(self, f"_{name}") for name in mix]
        self._followed = [0] * len(self._cast)
        self._recent: list[list[tuple[str, str]]] = [[] for _ in PERSONAS]
        self._turns = [0] * len(PERSONAS)
        self._undoable: list[tuple[int, str, str]] = []
        self._editable: list[tuple[int, str, str]] = []
        self._key = f"{seed}/record/".encode()
        self._serial = 0
        self._last = 0
        self._clock = Clock()
        self.lines: Lines = LinesV1()

    def weight(self, hour_of_day: int) -> int:
        """How much goes on in this hour (UTC) in comparison with others."""
        return sum(len(slots) * HOURS[(hour_of_day + zone) % 24] for zone, slots in self._slots)

    def hour(self, start: int, n: int, planned: Sequence[Planned] = ()) -> Iterator[str]:
        """The lines of one hour, in the order of time: what is planned in it, and `n` other events."""
        random, bounds, acts = self._random, self._bounds, self._acts
        groups = [(slots, len(slots) * HOURS[(start // HOUR + zone) % 24]) for zone, slots in self._slots if slots]
        heavy = list(accumulate(weight for _, weight in groups))
        plan = iter(planned)
        upcoming = next(plan, None)
        slices = 1 + n // _SLICE
        width = HOUR // slices
        for part in range(slices if groups else 0):
            size = n * (part + 1) // slices - n * part // slices
            low = start + part * width
            for moment in sorted([low + int(random() * width) for _ in range(size)]):
                while upcoming is not None and upcoming.at <= moment:
                    yield self._perform(upcoming)
                    upcoming = next(plan, None)
                slots = groups[bisect_right(heavy, random() * heavy[-1])][0]
                who = slots[int(random() * len(slots))]
                self._last = at = max(moment, self._last + 1)
                yield acts[bisect_right(bounds, random() * bounds[-1])](who, at)
        while upcoming is not None:
            yield self._perform(upcoming)
            upcoming = next(plan, None)

    # ---- one event each -------------------------------------------------------------------------------------------

    def _create(self, who: int, at: int, collection: str, rkey: str, record: str) -> tuple[str, str]:
        """(line, CID) of a new record."""
        self._serial += 1
        name = cid(self._key + b"%d" % self._serial)
        return self.lines.commit(self._dids[who], at, "create", collection, rkey, who, record, name), name

    def _rkey(self, who: int, at: int) -> str:
        return tid(at - 200_000, who)

    def _created_at(self, at: int) -> str:
        """The client's clock: a little before the server's; now and then wrong by seconds, seldom by years."""
        draw = self._random()
        if draw >= 0.999:
            return self._clock(at - 1_900 * 24 * HOUR)
        wrong = int((self._random() - 0.6) * 60 * SECOND) if draw > 0.975 else -300_000 - int(draw * 2_500_000)
        return self._clock(min(max(at + wrong, self._start), self._end - 1))

    def _undo_later(self, who: int, collection: str, rkey: str) -> None:
        if len(self._undoable) < _UNDOABLE:
            self._undoable.append((who, collection, rkey))
        else:
            self._undoable[int(self._random() * _UNDOABLE)] = (who, collection, rkey)

    def _target(self, who: int) -> tuple[str, str] | None:
        """(reference, reference of the root) of a recent post, four times in five one of the persona's own."""
        random = self._random
        own = self._cast[who].persona
        recent = self._recent[own if random() < _AMONG_LIKES else int(random() * len(PERSONAS))] or self._recent[own]
        return recent[int(random() * len(recent))] if recent else None

    def _subject(self, who: int, at: int, collection: str) -> str:
        target = self._target(who)
        if target is None:
            return self._post(who, at)
        rkey = self._rkey(who, at)
        record = f'{{"$type":"{collection}","createdAt":"{self._created_at(at)}","subject":{target[0]}}}'
        line, _ = self._create(who, at, collection, rkey, record)
        if self._random() < 0.1:
            self._undo_later(who, collection, rkey)
        return line

    def _like(self, who: int, at: int) -> str:
        return self._subject(who, at, LIKE)

    def _repost(self, who: int, at: int) -> str:
        return self._subject(who, at, REPOST)

    def _post(self, who: int, at: int) -> str:
        random, resident = self._random, self._cast[who]
        if resident.nature == "company":
            text = company_text(
                random, resident.persona, resident.language, resident.place, resident.title, self._serial
            )
            if random() < 0.5:
                url = f"https://{resident.stem}.example/offers/{self._serial}"
                return self._say(who, at, text, embed=external(url, resident.title, text[:60]))
            return self._say(who, at, text)
        if random() < 0.02:
            return self._say(who, at, "")
        text, tags = post_text(random, resident.persona, resident.language, resident.place)
        mention, embed, draw = None, "", random()
        if draw < 0.05:
            other = int(random() * len(self._cast))
            mention = ("@" + handle("bluesky", self._cast[other]), self._dids[other])
            text = f"{mention[0]} {text}"
        elif draw < 0.12:
            embed = images(f"{resident.place}: {text[:40]}", cid(self._key + b"blob/%d" % self._serial))
        return self._say(who, at, text, tags=tags, mention=mention, embed=embed)

    def _reply(self, who: int, at: int) -> str:
        target = self._target(who)
        if target is None:
            return self._post(who, at)
        resident = self._cast[who]
        text, tags = post_text(self._random, resident.persona, resident.language, resident.place)
        reply = f',"reply":{{"parent":{target[0]},"root":{target[1]}}}'
        return self._say(who, at, text, tags=tags, reply=reply, root=target[1])

    def _quote(self, who: int, at: int) -> str:
        target = self._target(who)
        if target is None:
            return self._post(who, at)
        resident = self._cast[who]
        text, tags = post_text(self._random, resident.persona, resident.language, resident.place)
        embed = f'{{"$type":"app.bsky.embed.record","record":{target[0]}}}'
        if self._random() < 0.2:
            media = images(f"{resident.place}: {text[:30]}", cid(self._key + b"media/%d" % self._serial))
            embed = f'{{"$type":"app.bsky.embed.recordWithMedia","media":{media},"record":{embed}}}'
        return self._say(who, at, text, tags=tags, embed=embed)

    def _say(
        self,
        who: int,
        at: int,
        text: str,
        *,
        tags: tuple[str, ...] = (),
        mention: tuple[str, str] | None = None,
        link: tuple[str, str] | None = None,
        embed: str = "",
        reply: str = "",
        root: str = "",
        lasting: bool = False,
    ) -> str:
        random, resident = self._random, self._cast[who]
        draw = random()
        langs = f',"langs":["{resident.language}"]'
        if draw < 0.05:
            langs = f',"langs":["{resident.language}","{"es" if resident.language == "en" else "en"}"]'
        elif draw > 0.98:
            langs = ""
        marked = tags or mention or link
        head = f'{{"$type":"{POST}","createdAt":"{self._created_at(at)}"'
        if embed:
            head += f',"embed":{embed}'
        if marked:
            head += f',"facets":{facets(text, tags, mention, link)}'
        head += langs + reply
        rkey = self._rkey(who, at)
        line, name = self._create(who, at, POST, rkey, f'{head},"text":{quoted(text)}}}')
        reference = f'{{"cid":"{name}","uri":"at://{self._dids[who]}/{POST}/{rkey}"}}'
        recent, entry = self._recent[resident.persona], (reference, root or reference)
        if len(recent) < _RECENT:
            recent.append(entry)
        else:
            turn = self._turns[resident.persona]
            recent[turn], self._turns[resident.persona] = entry, (turn + 1) % _RECENT
        if not lasting:
            if random() < 0.1:
                self._undo_later(who, POST, rkey)
            elif not marked and resident.nature == "person" and random() < 0.2:
                self._editable.append((who, rkey, head))
                del self._editable[:-20]
        return line

    def _follow(self, who: int, at: int) -> str:
        follows = self._residents.follows(self._cast[who])
        turn = self._followed[who]
        self._followed[who] += 1
        # Whoever follows all it wants to goes on with somebody of its own community, or with anybody.
        nearby = self._nearby[self._cast[who].community or 0] or range(len(self._cast))
        other = self._place[follows[turn]] if turn < len(follows) else nearby[int(self._random() * len(nearby))]
        if other == who:
            return self._like(who, at)
        rkey = self._rkey(who, at)
        record = f'{{"$type":"{FOLLOW}","createdAt":"{self._created_at(at)}","subject":"{self._dids[other]}"}}'
        if self._random() < 0.05:
            self._undo_later(who, FOLLOW, rkey)
        return self._create(who, at, FOLLOW, rkey, record)[0]

    def _block(self, who: int, at: int) -> str:
        other = (who + 1 + int(self._random() * (len(self._cast) - 1))) % len(self._cast)
        rkey = self._rkey(who, at)
        record = f'{{"$type":"{BLOCK}","createdAt":"{self._created_at(at)}","subject":"{self._dids[other]}"}}'
        if self._random() < 0.2:
            self._undo_later(who, BLOCK, rkey)
        return self._create(who, at, BLOCK, rkey, record)[0]

    def _delete(self, who: int, at: int) -> str:
        if not self._undoable:
            return self._like(who, at)
        place = int(self._random() * len(self._undoable))
        self._undoable[place], self._undoable[-1] = self._undoable[-1], self._undoable[place]
        who, collection, rkey = self._undoable.pop()
        return self.lines.delete(self._dids[who], at, collection, rkey, who)

    def _update(self, who: int, at: int) -> str:
        if not self._editable:
            return self._post(who, at)
        who, rkey, head = self._editable.pop(0)
        resident = self._cast[who]
        text = post_text(self._random, resident.persona, resident.language, resident.place)[0].partition(" #")[0]
        self._serial += 1
        record = f'{head},"text":{quoted("Edit: " + text)}}}'
        name = cid(self._key + b"%d" % self._serial)
        return self.lines.commit(self._dids[who], at, "update", POST, rkey, who, record, name)

    def _profile(self, who: int, at: int) -> str:
        resident = self._cast[who]
        record = (
            f'{{"$type":"{PROFILE}","createdAt":"{self._clock(at - SECOND)}","description":{quoted(resident.bio)},'
            f'"displayName":{quoted(resident.title)}}}'
        )
        self._serial += 1
        name = cid(self._key + b"%d" % self._serial)
        return self.lines.commit(self._dids[who], at, "update", PROFILE, "self", who, record, name)

    def _identity(self, who: int, at: int) -> str:
        self._serial += 1
        body = (
            f'{{"did":"{self._dids[who]}","handle":"{handle("bluesky", self._cast[who])}","seq":{self._serial},'
            f'"time":"{self._clock(at - SECOND)}"}}'
        )
        return self.lines.other(self._dids[who], at, "identity", body)

    def _account(self, who: int, at: int, status: str = "") -> str:
        self._serial += 1
        body = (
            f'{{"active":{"false" if status else "true"},"did":"{self._dids[who]}","seq":{self._serial},'
            + (f'"status":"{status}",' if status else "")
            + f'"time":"{self._clock(at - SECOND)}"}}'
        )
        return self.lines.other(self._dids[who], at, "account", body)

    def _other(self, who: int, at: int) -> str:
        """What the tables do not keep: another collection, the like of a feed."""
        created, rkey = self._created_at(at), self._rkey(who, at)
        if self._random() < 0.5:
            record = f'{{"$type":"{GATE}","allow":[],"createdAt":"{created}","post":"at://{self._dids[who]}/{POST}/x"}}'
            return self._create(who, at, GATE, rkey, record)[0]
        feed = f'{{"cid":"{cid(b"feed")}","uri":"at://{self._dids[who]}/app.bsky.feed.generator/news"}}'
        record = f'{{"$type":"{LIKE}","createdAt":"{created}","subject":{feed}}}'
        return self._create(who, at, LIKE, rkey, record)[0]

    def _perform(self, planned: Planned) -> str:
        who = self._place[planned.who]
        self._last = at = max(planned.at, self._last + 1)
        resident = self._cast[who]
        match planned.what:
            case "push":
                embed = external(planned.url, planned.title, planned.summary) if planned.url else ""
                if planned.alt:
                    embed = images(planned.alt, cid(self._key + b"push/%d" % self._serial))
                return self._say(who, at, planned.text, embed=embed, lasting=True)
            case "bot":
                text = bot_text(self._random, resident.persona, resident.operator or 0, self._serial)
                url = f"https://operator{resident.operator}.example/{self._serial}"
                return self._say(who, at, f"{text} {url[8:]}", link=(url[8:], url))
            case "profile":
                return self._profile(who, at)
            case "identity":
                return self._identity(who, at)
            case _:
                return self._account(who, at, planned.text)
