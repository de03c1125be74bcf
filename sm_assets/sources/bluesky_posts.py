"""What hangs on a Bluesky post: languages, hashtags, mentions, links, alt texts, its main medium.

Here: the JSON parts of a post record, read with distrust, because any client may write anything. Not here: whose
clock is believed, whose post it is (`bluesky_events`).
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.errors import KernelError
from sm_assets.kernels.json_lines import Number, parse

# Read for what follows from them, not kept as columns of their own: `embed` holds them.
EMBED_PARTS: Final = {
    "embed_type": ("embed.$type",),
    "media_type": ("embed.media.$type",),
    "card_uri": ("embed.external.uri", "embed.media.external.uri"),
    "card_title": ("embed.external.title", "embed.media.external.title"),
    "card_description": ("embed.external.description", "embed.media.external.description"),
    "images": ("embed.images", "embed.media.images"),
    "video_alt": ("embed.alt", "embed.media.alt"),
}
# Cells that only a text can fill; MISSHAPEN names those of a row that held an object or a list.
WORDS: Final = (
    "text", "display_name", "profile_description", "handle", "card_uri", "card_title", "card_description", "video_alt",
)  # fmt: skip
MISSHAPEN: Final = "misshapen"
# Columns of rows that hold what people wrote: a purge empties them.
PURGED_WORDS: Final = (
    "text", "langs", "embed", "facets", "tags", "labels", "display_name", "profile_description", "handle",
    "language_codes", "hashtags", "hashtags_normalised", "mentions", "alt_texts", "links",
)  # fmt: skip

_LISTS = ("language_codes", "hashtags", "hashtags_normalised", "mentions", "alt_texts", "warnings")
_TEXT_LIST = pa.list_(pa.string())
TYPES: Final = dict.fromkeys(_LISTS, _TEXT_LIST) | {
    "links": pa.string(),
    "media_kind": pa.string(),
    "is_sensitive": pa.bool_(),
}
_FROM_PARTS = tuple(name for name in TYPES if name != "language_codes")
_INPUT = ("langs", "facets", "tags", "labels", *EMBED_PARTS)
_SELF = re.compile(r"^(?:https?://)?(?:[^/?#]*\.)?bsky\.app(?::\d+)?(?:[/?#]|$)", re.IGNORECASE)
_DID = re.compile(r"^did:[a-z]+:[a-zA-Z0-9._:%-]+$")
_MEDIA = {
    "app.bsky.embed.video": "video",
    "app.bsky.embed.external": "link",
    "app.bsky.embed.images": "photo",
    "app.bsky.embed.record": "none",
}
_WITH_MEDIA = "app.bsky.embed.recordWithMedia"
_KNOWN_LANGS = 4096
_KNOWN_TAGS = 16_384
# What makes a post more than a text in some languages.
_BUSY = tuple(name for name in _INPUT if name not in ("langs", "media_type", "card_title", "card_description"))


def holds_text(record: Any, paths: tuple[str, ...]) -> bool:
    """Whether the first of the paths that holds something holds neither an object nor a list."""
    for path in paths:
        value = record
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None and value != "":
            return not isinstance(value, dict | list)
    return True


@lru_cache(_KNOWN_TAGS)
def normalised(hashtag: str) -> str:
    """Unicode form NFKC, case-folded, without blanks around."""
    return unicodedata.normalize("NFKC", hashtag).casefold().strip()


class PostReader:
    """Reads the parts of posts; languages are remembered, since few lists of them occur."""

    def __init__(self) -> None:
        self._langs: dict[str, tuple[list[str] | None, bool]] = {}

    def read(self, columns: Mapping[str, pa.StringArray]) -> dict[str, pa.Array]:
        """The readings of posts, one row each: see TYPES. `warnings` names the cells that could not be read whole."""
        languages, whole = self._languages_of(columns["langs"])
        busy = ~whole
        for name in _BUSY:
            busy |= pc.is_valid(columns[name]).to_numpy(zero_copy_only=False)
        chosen = pa.array(np.flatnonzero(busy))
        rows = zip(*(columns[name].take(chosen).to_pylist() for name in _INPUT[1:]), whole[busy].tolist(), strict=True)
        found = [self._post(*row) for row in rows]
        # Most posts have nothing of all this: their rows are null.
        places = np.cumsum(busy) - 1
        spread = pa.array(places, mask=~busy)
        read = {
            name: pa.array([row[k] for row in found], TYPES[name]).take(spread) for k, name in enumerate(_FROM_PARTS)
        }
        read["media_kind"] = read["media_kind"].fill_null("none")
        read["is_sensitive"] = read["is_sensitive"].fill_null(False)
        return {name: languages if name == "language_codes" else read[name] for name in TYPES}

    def _post(
        self, facets: str | None, tags: str | None, labels: str | None, embed_type: str | None,
        media_type: str | None, card_uri: str | None, card_title: str | None, card_description: str | None,
        images: str | None, video_alt: str | None, whole_langs: bool,
    ) -> tuple[Any, ...]:  # fmt: skip
        post = _Post()
        if not whole_langs:
            post.warn("langs:bad_list")
        if facets is not None:
            post.read_facets(facets)
        if tags is not None:
            post.read_tags(tags)
        if card_uri is not None:
            post.link("embed", card_uri, card_title, card_description)
        n_images = post.read_images(images) if images is not None else 0
        if video_alt is not None:
            post.alt_texts.append(video_alt)
        sensitive = labels is not None and post.read_labels(labels)
        return (
            post.hashtags or None,
            post.normal_hashtags or None,
            post.mentions or None,
            post.alt_texts or None,
            post.warnings or None,
            json.dumps(post.links, ensure_ascii=False, separators=(",", ":")) if post.links else None,
            _medium(embed_type, media_type, n_images),
            sensitive,
        )

    def _languages_of(self, langs: pa.StringArray) -> tuple[pa.ListArray, npt.NDArray[np.bool_]]:
        """(list<text>[n], bool[n] whether the list could be read whole); few different lists occur."""
        encoded = langs.dictionary_encode()
        read = [self._languages(text) for text in encoded.dictionary.to_pylist()]
        lists = pa.array([languages for languages, _ in read], _TEXT_LIST).take(encoded.indices)
        whole = pa.array([whole for _, whole in read], pa.bool_()).take(encoded.indices).fill_null(True)
        return lists, whole.to_numpy(zero_copy_only=False)

    def _languages(self, text: str) -> tuple[list[str] | None, bool]:
        known = self._langs.get(text)
        if known is None:
            listed = _json(text)
            texts = [code for code in listed if _is_text(code)] if isinstance(listed, list) else []
            known = texts or None, isinstance(listed, list) and len(texts) == len(listed)
            if len(self._langs) < _KNOWN_LANGS:
                self._langs[text] = known
        return known


class _Post:
    """What has been found in one post."""

    def __init__(self) -> None:
        self.hashtags: list[str] = []
        self.normal_hashtags: list[str] = []
        self.mentions: list[str] = []
        self.links: list[dict[str, str]] = []
        self.alt_texts: list[str] = []
        self.warnings: list[str] = []

    def warn(self, warning: str) -> None:
        if warning not in self.warnings:
            self.warnings.append(warning)

    def read_facets(self, text: str) -> None:
        facets = _json(text)
        if not isinstance(facets, list):
            self.warn("facets:bad_list")
            return
        for facet in facets:
            features = facet.get("features") if type(facet) is dict else None
            if type(features) is not list:
                self.warn("facets:bad_list")
                continue
            for feature in features:
                kind = feature.get("$type") if type(feature) is dict else None
                if kind == "app.bsky.richtext.facet#tag":
                    self._tag("facets", feature.get("tag"))
                elif kind == "app.bsky.richtext.facet#link":
                    self.link("facets", feature.get("uri"), None, None)
                elif kind == "app.bsky.richtext.facet#mention":
                    did = feature.get("did")
                    if type(did) is str and _DID.match(did):
                        self.mentions.append(did)
                    else:
                        self.warn("facets:bad_list")
                elif type(kind) is not str:
                    self.warn("facets:bad_list")

    def read_tags(self, text: str) -> None:
        tags = _json(text)
        if not isinstance(tags, list):
            self.warn("tags:bad_list")
            return
        for tag in tags:
            self._tag("tags", tag)

    def _tag(self, column: str, tag: Any) -> None:
        name = tag.removeprefix("#").removeprefix("\uff03") if type(tag) is str else ""
        normal = normalised(name)
        if normal:
            self.hashtags.append(name)
            self.normal_hashtags.append(normal)
        else:
            self.warn(f"{column}:bad_list")

    def link(self, column: str, url: Any, title: str | None, description: str | None) -> None:
        if not _is_text(url) or not url.strip():
            self.warn(f"{column}:bad_url")
            return
        link = {"url": url, "title": title, "description": description}
        link["role"] = "self" if _SELF.match(url) else "external"
        self.links.append({name: value for name, value in link.items() if value is not None})

    def read_images(self, text: str) -> int:
        images = _json(text)
        if not isinstance(images, list):
            self.warn("embed:bad_list")
            return 0
        for image in images:
            alt = image.get("alt") if isinstance(image, dict) else None
            if _is_text(alt) and alt:
                self.alt_texts.append(alt)
        return len(images)

    def read_labels(self, text: str) -> bool:
        """Whether the author marked the post; labels that begin with ! are orders to the network."""
        labels = _json(text)
        values = labels.get("values") if isinstance(labels, dict) else None
        if not isinstance(values, list):
            self.warn("labels:bad_list")
            return False
        names = [value.get("val") if isinstance(value, dict) else None for value in values]
        return any(_is_text(name) and name and not name.startswith("!") for name in names)


def _medium(embed_type: str | None, media_type: str | None, n_images: int) -> str:
    kind = media_type if embed_type == _WITH_MEDIA else embed_type
    if kind is None:
        return "none" if embed_type is None else "other"
    medium = _MEDIA.get(kind, "other")
    if medium == "photo":
        return "none" if not n_images else "photo" if n_images == 1 else "album"
    return medium


def _json(text: str) -> Any:
    try:
        return parse(text.encode())
    except KernelError:
        return None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not isinstance(value, Number)
