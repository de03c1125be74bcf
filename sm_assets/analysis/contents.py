"""What a post's contents are: the text, the link and the text in the image, each with an id under which copies meet.

Here: content identity in both modes, guards, ids. Not here: who carries what (`evidence`), how rows are read.

Modes. `canonical`: up to three contents a post, folded so that trivial changes do not hide a copy; `compat`: one
content a post, the original program's joined text to the letter. Ids of the two never meet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis import urls
from sm_assets.analysis.folding import addresses_in, fold_column
from sm_assets.errors import OptionError
from sm_assets.kernels.digests import ABSENT, DROPPED, PRESENT, digest_hex, joined_digests
from sm_assets.kernels.fields import null_na
from sm_assets.kernels.texts import join_texts

ContentMode = Literal["canonical", "compat"]
CONTENT_MODES: tuple[ContentMode, ...] = ("canonical", "compat")
CONTENT_VERSION = "1"
MIN_TEXT_CHARS = 20
PREVIEW_CHARS = 200
RESHARE = "This is a re-share of a post"
KINDS = ("text", "link", "image_text")
GUARDS = (None, "too_short", "boilerplate")

CONTENT_SCHEMA = pa.schema(
    [
        ("platform", pa.string()),
        ("account_id", pa.string()),
        ("post_id", pa.string()),
        ("posted_at", pa.timestamp("us")),
        ("content_mode", pa.string()),
        ("content_kind", pa.string()),
        ("content_id", pa.string()),
        ("is_primary", pa.bool_()),
        ("n_chars", pa.int64()),
        ("guard", pa.string()),
        ("content_version", pa.string()),
        ("preview", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Contents:
    """One kind of content over the rows of a batch.

    Attributes:
        kind: text, link, image_text or joined.
        texts: canonical contents, null where the post has none.
        digests: uint64[n, 2], the content ids as numbers.
        present: bool[n], the post has a content of this kind, guarded or not.
        guard: uint8[n], index into GUARDS.
    """

    kind: str
    texts: pa.StringArray | None
    digests: npt.NDArray[np.uint64]
    present: npt.NDArray[np.bool_]
    guard: npt.NDArray[np.uint8]

    @property
    def counts(self) -> npt.NDArray[np.bool_]:
        """bool[n]: the content passes its guard."""
        passes: npt.NDArray[np.bool_] = self.present & (self.guard == 0)
        return passes


def check_mode(mode: str) -> ContentMode:
    """The mode as given.

    Raises:
        OptionError: neither canonical nor compat.
    """
    if mode not in CONTENT_MODES:
        raise OptionError(f"content mode {mode!r} is unknown; expected one of {', '.join(CONTENT_MODES)}.")
    return mode


@cache
def default_boilerplate() -> tuple[str, ...]:
    """The patterns of data/boilerplate.txt."""
    lines = files("sm_assets.analysis").joinpath("data/boilerplate.txt").read_text("utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


@cache
def _boilerplate_pattern(patterns: tuple[str, ...]) -> str:
    parts = ["(?s:.*)".join(re.escape(piece) for piece in pattern.split("*")) for pattern in patterns]
    return "^(?:" + "|".join(parts) + ")$"


def _text_contents(
    kind: str, folded: pa.StringArray, letters: npt.NDArray[np.int64], min_text_chars: int, boilerplate: tuple[str, ...]
) -> Contents:
    digests, state = joined_digests([folded], prefix=kind.encode() + b"\x1f")
    present = state == PRESENT
    guard = np.zeros(len(folded), dtype=np.uint8)
    guard[present & (letters < min_text_chars)] = 1
    if boilerplate and present.any():
        hit = pc.fill_null(pc.match_substring_regex(folded, _boilerplate_pattern(boilerplate)), False)
        guard[np.asarray(hit)] = 2
    return Contents(kind, folded, digests, present, guard)


@dataclass(frozen=True, slots=True)
class PostContents:
    """The contents of a batch of posts, kind by kind in the order in which the first that passes is primary.

    Attributes:
        kinds: one entry per kind.
        bad_urls: int64[k], rows with an address that could not be parsed and was kept as text.
    """

    kinds: list[Contents]
    bad_urls: npt.NDArray[np.int64]

    def filter(self, keep: npt.NDArray[np.bool_]) -> PostContents:
        """The rows where bool[n] keep is set."""
        kinds = [
            Contents(
                kind.kind,
                None if kind.texts is None else kind.texts.filter(pa.array(keep)),
                kind.digests[keep],
                kind.present[keep],
                kind.guard[keep],
            )
            for kind in self.kinds
        ]
        place = np.cumsum(keep) - 1
        return PostContents(kinds, place[self.bad_urls[keep[self.bad_urls]]])

    def primary(self) -> npt.NDArray[np.int8]:
        """int8[n]: index of the kind that is primary, -1 for a post without a content that passes."""
        chosen = np.full(len(self.kinds[0].present), -1, dtype=np.int8)
        for index in range(len(self.kinds) - 1, -1, -1):
            chosen[self.kinds[index].counts] = index
        return chosen


def canonical_contents(
    text: pa.Array,
    image_text: pa.Array,
    final_link: pa.Array,
    link: pa.Array,
    *,
    platform: pa.Array | str = "facebook",
    min_text_chars: int = MIN_TEXT_CHARS,
    boilerplate: Iterable[str] | None = None,
) -> PostContents:
    """Contents in the canonical mode.

    Args:
        text: messages; like the three that follow a text column, null or empty = none.
        image_text: texts found in images.
        final_link: where links led.
        link: links as posted.
        platform: whose posts they are; its own addresses are no links.
        min_text_chars: letters and digits below which a text is `too_short` (wide East Asian characters count 2).
        boilerplate: patterns of texts that platforms write themselves; None: the packaged list.
    """
    patterns = default_boilerplate() if boilerplate is None else tuple(boilerplate)
    folded, letters, addressed = fold_column(text)
    texts = _text_contents("text", folded, letters, min_text_chars, patterns)
    links, bad = _links(text, addressed, final_link, link, platform)
    digests, state = joined_digests([links], prefix=b"link\x1f")
    found = Contents("link", links, digests, state == PRESENT, np.zeros(len(links), dtype=np.uint8))
    image_folded, image_letters, _ = fold_column(image_text)
    images = _text_contents("image_text", image_folded, image_letters, min_text_chars, patterns)
    return PostContents([texts, found, images], np.flatnonzero(bad))


def _links(
    text: pa.Array, addressed: npt.NDArray[np.bool_], final_link: pa.Array, link: pa.Array, platform: pa.Array | str
) -> tuple[pa.StringArray, npt.NDArray[np.bool_]]:
    """(external link of each row or null, bool[n] an address could not be parsed)."""
    if not isinstance(platform, str):
        names = pc.unique(platform).to_pylist()
        if len(names) > 1:
            return _links_by_platform(text, addressed, final_link, link, platform, names)
        platform = names[0] if names else ""
    final, final_external, final_bad = urls.canonical_urls(final_link, platform)
    plain, plain_external, plain_bad = urls.canonical_urls(link, platform)
    chosen = pc.coalesce(final, plain)
    rows = np.flatnonzero(addressed & ~final_external & ~plain_external)
    if len(rows):
        found: list[str | None] = [None] * len(chosen)
        for row, message in zip(rows.tolist(), text.take(pa.array(rows)).to_pylist(), strict=True):
            for address in addresses_in(message):
                url, parsed = urls.canonical_url(address)
                if parsed and not urls.is_internal(url, platform):
                    found[row] = url
                    break
        chosen = pc.coalesce(chosen, pa.array(found, pa.string()))
    return chosen, final_bad | (plain_bad & ~final_external)


def _links_by_platform(
    text: pa.Array,
    addressed: npt.NDArray[np.bool_],
    final_link: pa.Array,
    link: pa.Array,
    platform: pa.Array,
    names: list[str],
) -> tuple[pa.StringArray, npt.NDArray[np.bool_]]:
    bad = np.zeros(len(text), dtype=bool)
    pieces, order = [], []
    for name in names:
        rows = np.flatnonzero(np.asarray(pc.equal(platform, name)))
        take = pa.array(rows)
        made, wrong = _links(text.take(take), addressed[rows], final_link.take(take), link.take(take), name)
        bad[rows] = wrong
        pieces.append(made)
        order.append(rows)
    back = np.argsort(np.concatenate(order), kind="stable")
    return pa.concat_arrays(pieces).take(pa.array(back)), bad


def compat_contents(columns: Sequence[pa.Array], bad_urls: npt.NDArray[np.bool_] | None = None) -> PostContents:
    """Contents in the compat mode: the non-missing texts of each row joined by one blank."""
    digests, state = joined_digests(columns, prefix=b"joined\x1f", dropped=RESHARE.encode())
    guard = np.where(state == DROPPED, 2, 0).astype(np.uint8)
    bad = np.zeros(len(state), dtype=bool) if bad_urls is None else bad_urls
    return PostContents([Contents("joined", None, digests, state != ABSENT, guard)], np.flatnonzero(bad))


def compat_links(final_link: pa.Array, link: pa.Array) -> tuple[pa.StringArray, npt.NDArray[np.bool_]]:
    """(external_link of the original program, bool[n] kept as text because unparsable); NA words are missing."""
    return urls.compat_links(null_na(final_link), null_na(link))


def post_contents(
    posts: pa.RecordBatch,
    *,
    content_mode: ContentMode,
    min_text_chars: int = MIN_TEXT_CHARS,
    boilerplate: Iterable[str] | None = None,
) -> pa.RecordBatch:
    """The contents of posts, one row per post and kind, guarded ones included.

    Args:
        posts: platform, account_id, post_id, posted_at, text, image_text, link_url, final_link_url, link_title;
            `day` is passed on.
        content_mode: canonical or compat.
        min_text_chars: see `canonical_contents`.
        boilerplate: see `canonical_contents`.

    Returns:
        CONTENT_SCHEMA (and `day` where given), ordered by post, then kind. Posts without any content have no row.
    """
    mode = check_mode(content_mode)
    column = {name: posts.column(name) for name in posts.schema.names}
    if mode == "canonical":
        found = canonical_contents(
            column["text"],
            column["image_text"],
            column["final_link_url"],
            column["link_url"],
            platform=column["platform"],
            min_text_chars=min_text_chars,
            boilerplate=boilerplate,
        )
        texts = [kind.texts for kind in found.kinds if kind.texts is not None]
    else:
        links, bad = compat_links(column["final_link_url"], column["link_url"])
        pieces = [null_na(column["text"]), null_na(column["image_text"]), links, null_na(column["link_title"])]
        found = compat_contents(pieces, bad)
        texts = [join_texts(pieces)]
    primary = found.primary()
    names = [*CONTENT_SCHEMA.names, *(["day"] if "day" in column else [])]
    schema = pa.schema([*CONTENT_SCHEMA, *([posts.schema.field("day")] if "day" in column else [])])
    parts = []
    for index, (kind, column_of_kind) in enumerate(zip(found.kinds, texts, strict=True)):
        rows = np.flatnonzero(kind.present)
        take = pa.array(rows)
        content = column_of_kind.take(take)
        made = {
            **{name: column[name].take(take) for name in ("platform", "account_id", "post_id", "posted_at")},
            "content_mode": pa.repeat(pa.scalar(mode), len(rows)),
            "content_kind": pa.repeat(pa.scalar(kind.kind), len(rows)),
            "content_id": digest_hex(kind.digests[rows]),
            "is_primary": pa.array(primary[rows] == index),
            "n_chars": pc.utf8_length(content).cast(pa.int64()),
            "guard": pa.array(GUARDS, pa.string()).take(pa.array(kind.guard[rows])),
            "content_version": pa.repeat(pa.scalar(CONTENT_VERSION), len(rows)),
            "preview": pc.utf8_slice_codeunits(content, 0, PREVIEW_CHARS),
        }
        if "day" in column:
            made["day"] = column["day"].take(take)
        parts.append(
            (rows * len(found.kinds) + index, pa.RecordBatch.from_arrays([made[name] for name in names], schema=schema))
        )
    order = np.argsort(np.concatenate([key for key, _ in parts]), kind="stable")
    if not len(order):
        return pa.RecordBatch.from_pylist([], schema)
    return pa.concat_batches([batch for _, batch in parts]).take(pa.array(order))
