"""The lines of a Jetstream capture: events of Bluesky's firehose as version 1 and as version 2 tell them.

Here: the JSON of events and records, written by hand because a firehose has millions of them. Not here: who does what
(`firehose`), which file it lands in (`bluesky`).
"""

from __future__ import annotations

from json import JSONEncoder
from typing import Final

from sm_assets.demo.ids import moment, tid

POST: Final = "app.bsky.feed.post"
LIKE: Final = "app.bsky.feed.like"
REPOST: Final = "app.bsky.feed.repost"
FOLLOW: Final = "app.bsky.graph.follow"
BLOCK: Final = "app.bsky.graph.block"
PROFILE: Final = "app.bsky.actor.profile"
GATE: Final = "app.bsky.feed.threadgate"

_SECOND: Final = 1_000_000
# The server writes a commit down this long before the stream passes it on.
_COMMITTED_BEFORE: Final = 120_000

quoted: Final = JSONEncoder(ensure_ascii=False).encode
"""A text as a JSON string."""


class Clock:
    """Times as texts; seconds are written once each, since events of a second come together."""

    def __init__(self) -> None:
        self._second, self._text = -1, ""

    def __call__(self, micros: int) -> str:
        """RFC 3339 with milliseconds and Z, as clients write createdAt."""
        return f"{self._to_second(micros)}.{micros % _SECOND // 1_000:03d}Z"

    def precise(self, micros: int) -> str:
        """The same with microseconds."""
        return f"{self._to_second(micros)}.{micros % _SECOND:06d}Z"

    def _to_second(self, micros: int) -> str:
        second = micros // _SECOND
        if second != self._second:
            self._second, self._text = second, f"{moment(second * _SECOND):%Y-%m-%dT%H:%M:%S}"
        return self._text


class LinesV1:
    """Events as Jetstream wrote them from 2024 on: did, time_us, kind."""

    def commit(
        self, did: str, at: int, operation: str, collection: str, rkey: str, clock: int, record: str, cid: str
    ) -> str:
        """A record created or updated."""
        return (
            f'{{"did":"{did}","time_us":{at},"kind":"commit","commit":{{"rev":"{tid(at - _COMMITTED_BEFORE, clock)}",'
            f'"operation":"{operation}","collection":"{collection}","rkey":"{rkey}","record":{record},"cid":"{cid}"}}}}'
        )

    def delete(self, did: str, at: int, collection: str, rkey: str, clock: int) -> str:
        """A record deleted: neither record nor CID."""
        return (
            f'{{"did":"{did}","time_us":{at},"kind":"commit","commit":{{"rev":"{tid(at - _COMMITTED_BEFORE, clock)}",'
            f'"operation":"delete","collection":"{collection}","rkey":"{rkey}"}}}}'
        )

    def other(self, did: str, at: int, kind: str, body: str) -> str:
        """An identity or account event."""
        return f'{{"did":"{did}","time_us":{at},"kind":"{kind}","{kind}":{body}}}'


class LinesV2:
    """Events as frames of version 2: an envelope, flat commits, a sequence number, a time in RFC 3339."""

    def __init__(self, first: int = 1) -> None:
        self._sequence = first
        self._clock = Clock()

    def _frame(self, kind: str, did: str, at: int, rest: str) -> str:
        self._sequence += 1
        return (
            f'{{"$type":"message","payload":{{"$type":"network.bsky.jetstream.subscribeEvents#{kind}",'
            f'"seq":{self._sequence},"did":"{did}","time":"{self._clock.precise(at)}",{rest}}}}}'
        )

    def commit(
        self, did: str, at: int, operation: str, collection: str, rkey: str, clock: int, record: str, cid: str
    ) -> str:
        """A record created or updated."""
        return self._frame(
            "commit", did, at,
            f'"rev":"{tid(at - _COMMITTED_BEFORE, clock)}","operation":"{operation}","collection":"{collection}",'
            f'"rkey":"{rkey}","record":{record},"cid":"{cid}"',
        )  # fmt: skip

    def delete(self, did: str, at: int, collection: str, rkey: str, clock: int) -> str:
        """A record deleted: neither record nor CID."""
        return self._frame(
            "commit", did, at,
            f'"rev":"{tid(at - _COMMITTED_BEFORE, clock)}","operation":"delete","collection":"{collection}",'
            f'"rkey":"{rkey}"',
        )  # fmt: skip

    def other(self, did: str, at: int, kind: str, body: str) -> str:
        """An identity or account event; the upstream event is inside."""
        return self._frame(kind, did, at, f'"{kind}":{body}')


Lines = LinesV1 | LinesV2


def facets(text: str, tags: tuple[str, ...], mention: tuple[str, str] | None, link: tuple[str, str] | None) -> str:
    """The JSON array that says where in the text hashtags, a mention and a link stand, in BYTES of its UTF-8.

    Args:
        text: the post's.
        tags: its hashtags, at the end, in order.
        mention: (handle with @, DID); the handle stands in the text.
        link: (as shown in the text, address).
    """
    pieces = []
    if mention is not None:
        pieces.append(_facet(text, mention[0], f'{{"$type":"app.bsky.richtext.facet#mention","did":"{mention[1]}"}}'))
    if link is not None:
        pieces.append(_facet(text, link[0], f'{{"$type":"app.bsky.richtext.facet#link","uri":{quoted(link[1])}}}'))
    pieces += [
        _facet(text, f"#{tag}", f'{{"$type":"app.bsky.richtext.facet#tag","tag":{quoted(tag)}}}') for tag in tags
    ]
    return f"[{','.join(pieces)}]"


def _facet(text: str, shown: str, feature: str) -> str:
    begin = len(text[: text.rindex(shown)].encode())
    end = begin + len(shown.encode())
    return f'{{"features":[{feature}],"index":{{"byteEnd":{end},"byteStart":{begin}}}}}'


def external(url: str, title: str, description: str) -> str:
    """The card of a link."""
    return (
        '{"$type":"app.bsky.embed.external","external":{'
        f'"description":{quoted(description)},"title":{quoted(title)},"uri":{quoted(url)}}}}}'
    )


def images(alt: str, cid: str) -> str:
    """One picture with its description."""
    return (
        f'{{"$type":"app.bsky.embed.images","images":[{{"alt":{quoted(alt)},"aspectRatio":{{"height":900,"width":1200}},'
        f'"image":{{"$type":"blob","ref":{{"$link":"{cid}"}},"mimeType":"image/jpeg","size":31415}}}}]}}'
    )
