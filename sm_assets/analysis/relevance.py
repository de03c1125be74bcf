"""Which posts a user's lists of hashtags and creators point out, and by what.

Here: two sets of rules, and what they differ in. The default rules compare normal forms. The seed's rules are those of
the notebooks of github.com/carolinejjung/tiktok-news-exposure: what is written is compared as it is written, so that an
entry with a capital or a blank finds nothing. Not here: reading lists (`user_lists`), where posts come from.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.analysis.user_lists import UserLists, bare
from sm_assets.errors import KernelError

KINDS: Final = ("hashtag", "suggestion", "author")
_SIGN: Final = {"hashtag": "#", "suggestion": "", "author": "@"}
_TAG: Final = re.compile(r"#(\S+)")
_MATCH: Final = pa.schema(
    [
        ("platform", pa.string()),
        ("post_id", pa.string()),
        ("day", pa.date32()),
        ("list_name", pa.string()),
        ("kind", pa.string()),
        ("match", pa.string()),
    ]
)
ROWS: Final = pa.schema(
    [
        ("platform", pa.string()),
        ("post_id", pa.string()),
        ("list_name", pa.string()),
        *((f"by_{kind}", pa.bool_()) for kind in KINDS),
        ("matches", pa.list_(pa.string())),
        ("day", pa.date32()),
    ]
)
"""Columns of `Finder.table`."""

# ------------------------------------------------------------------ the default rules


@dataclass
class Finder:
    """Takes what posts carry, batch by batch, and keeps what the lists find.

    Attributes:
        lists: names differ.
        counts: `<list>: <kind>, <how>`: how many things were found as they are written in the list (`as_written`: the
            seed's rules find them too), and how many only because of how the entry is written (`entry`: capitals,
            blanks), how the thing is written (`value`), both (`both`) or because normal forms agree (`form`: signs,
            blanks inside, other letters of Unicode).
    """

    lists: Sequence[UserLists]
    counts: Counter[str] = field(default_factory=Counter)
    _found: list[pa.Table] = field(default_factory=list)

    def take(self, batch: pa.RecordBatch) -> None:
        """Look through things of posts.

        Args:
            batch: platform, post_id, day, kind (hashtag, suggestion, author), value.
        """
        kinds, values = batch["kind"].dictionary_encode(), batch["value"].dictionary_encode()
        names, words = kinds.dictionary.to_pylist(), values.dictionary.to_pylist()
        pairs = np.stack([_numbers(kinds), _numbers(values)])
        distinct, back = np.unique(pairs, axis=1, return_inverse=True)
        back = back.reshape(-1)
        forms = [bare(word) for word in words]
        for each in self.lists:
            spelled = _Spelled(each)
            hits = np.zeros(distinct.shape[1], bool)
            how: list[str] = [""] * distinct.shape[1]
            for place, (kind, value) in enumerate(distinct.T.tolist()):
                wanted = each.authors if names[kind] == "author" else each.tags
                if forms[value] and forms[value] in wanted:
                    hits[place], how[place] = True, spelled.how(names[kind], words[value])
            rows = np.flatnonzero(hits[back])
            if not len(rows):
                continue
            self.counts.update(f"{each.name}: {names[pairs[0, row]]}, {how[back[row]]}" for row in rows.tolist())
            kept = batch.take(pa.array(rows))
            match = [_SIGN[names[pairs[0, row]]] + forms[pairs[1, row]] for row in rows.tolist()]
            name = pa.array([each.name] * len(rows), pa.string())
            columns = [kept["platform"], kept["post_id"], kept["day"], name, kept["kind"], pa.array(match, pa.string())]
            self._found.append(
                pa.Table.from_arrays(
                    [column.cast(t) for column, t in zip(columns, _MATCH.types, strict=True)], schema=_MATCH
                )
            )

    def table(self) -> pa.Table:
        """One row for each post and list that finds it, in the order of day, platform, post and list; see `ROWS`."""
        found: dict[tuple[object, ...], dict[str, set[str]]] = {}
        for row in pa.concat_tables([_MATCH.empty_table(), *self._found]).to_pylist():
            key = (row["day"], row["platform"], row["post_id"], row["list_name"])
            found.setdefault(key, {}).setdefault(row["kind"], set()).add(row["match"])
        rows = [
            {"platform": platform, "post_id": post_id, "list_name": name, "day": day}
            | {f"by_{kind}": kind in by for kind in KINDS}
            | {"matches": [match for kind in KINDS for match in sorted(by.get(kind, ()))]}
            for (day, platform, post_id, name), by in sorted(found.items(), key=lambda item: tuple(map(str, item[0])))
        ]
        return pa.Table.from_pylist(rows, ROWS)


class _Spelled:
    """How things and entries are written, where their normal forms agree."""

    def __init__(self, lists: UserLists) -> None:
        self._written = {"author": set(lists.creators)}
        self._written["hashtag"] = self._written["suggestion"] = set(lists.hashtags)
        self._tidied = {kind: {_tidied(word) for word in words} for kind, words in self._written.items()}

    def how(self, kind: str, value: str) -> str:
        """Which spelling is in the way of the seed's rules."""
        # The seed reads hashtags in lower case, and nothing else.
        seen = value.lower() if kind == "hashtag" else value
        if seen in self._written[kind]:
            return "as_written"
        if seen in self._tidied[kind]:
            return "entry"
        if _tidied(value) in self._written[kind]:
            return "value"
        return "both" if _tidied(value) in self._tidied[kind] else "form"


def _tidied(word: str) -> str:
    return word.strip().lower()


def _numbers(column: pa.DictionaryArray) -> npt.NDArray[np.int64]:
    if column.null_count:
        raise KernelError(f"kind and value of what posts carry must not be null; found {column.null_count} nulls.")
    return np.asarray(column.indices.to_numpy(zero_copy_only=False), np.int64)


# ------------------------------------------------------------------ the seed's rules


class SeedRelevance(NamedTuple):
    """What the seed's rules say of n rows.

    Attributes:
        by_hashtag, by_suggestion, by_author: bool[n], whatever the country.
        kept: bool[n], rows of the country that are no advertisements and that one of the three finds.
    """

    by_hashtag: npt.NDArray[np.bool_]
    by_suggestion: npt.NDArray[np.bool_]
    by_author: npt.NDArray[np.bool_]
    kept: npt.NDArray[np.bool_]


def seed_relevance(
    captions: Sequence[str | None],
    suggested: Sequence[str | None],
    authors: Sequence[str | None],
    countries: Sequence[str | None],
    ads: Sequence[bool | None],
    *,
    hashtags: Collection[str],
    creators: Collection[str],
    country: str = "US",
    tidy_suggestions: bool = False,
) -> SeedRelevance:
    """The seed's filter over n rows as they were delivered.

    Args:
        captions: text of each video.
        suggested: searches that the platform suggested, joined by commas.
        authors: handles.
        countries: where the video was made.
        ads: whether it is an advertisement; null: it is not.
        hashtags: entries of the list of hashtags as they were written.
        creators: entries of the list of creators as they were written.
        country: the one that counts.
        tidy_suggestions: trim the parts and lower their case before they are compared; the seed does not.

    Raises:
        KernelError: columns of unlike length.
    """
    columns = (captions, suggested, authors, countries, ads)
    if len({len(column) for column in columns}) > 1:
        raise KernelError(f"one cell per row and column; found columns of {[len(column) for column in columns]} cells.")
    tags, names = set(hashtags), set(creators)
    by_hashtag = [not tags.isdisjoint(seed_hashtags(caption)) for caption in captions]
    by_suggestion = [
        not tags.isdisjoint(map(_tidied, words.split(",")) if tidy_suggestions else words.split(","))
        if words
        else False
        for words in suggested
    ]
    by_author = [author in names for author in authors]
    there = [place == country and not ad for place, ad in zip(countries, ads, strict=True)]
    found = [np.array(column, bool).reshape(-1) for column in (by_hashtag, by_suggestion, by_author, there)]
    return SeedRelevance(found[0], found[1], found[2], (found[0] | found[1] | found[2]) & found[3])


def seed_hashtags(caption: str | None) -> list[str]:
    r"""What `#(\S+)` finds in the text in lower case."""
    return _TAG.findall(caption.lower()) if caption else []


def seed_elements(cell: str) -> list[str]:
    """What the seed reads in a list literal: parts between `, ` without apostrophes at their ends, in lower case."""
    parts = [part.strip("'").strip(" ").lower() for part in cell.strip("][").split(", ")]
    return [part for part in parts if part]


# ------------------------------------------------------------------ what reading alone changes


def parse_differences(seed: Iterable[Collection[str]], ours: Iterable[Collection[str]]) -> Counter[str]:
    """How the seed's reading of hashtags or suggested words differs from ours.

    Args:
        seed: n collections of elements as the seed reads them, in lower case.
        ours: n collections of elements as we read them; compared in lower case.

    Returns:
        rows; rows_differ; both: elements that both find; only_seed/<cause> and only_ours/<cause>: elements that one
        finds. Causes: `quotes` (an apostrophe, quotation mark or backslash in it), `glued` (a # inside),
        `punctuation` (ends or begins with neither letter nor digit), `other`.

    Raises:
        KernelError: unlike numbers of rows.
    """
    counts: Counter[str] = Counter()
    pairs = [(Counter(a), Counter(word.lower() for word in b)) for a, b in _rows_of_both(seed, ours)]
    for theirs, own in pairs:
        counts["rows"] += 1
        counts["rows_differ"] += theirs != own
        counts["both"] += (theirs & own).total()
        for side, rest in (("only_seed", theirs - own), ("only_ours", own - theirs)):
            for word, n in rest.items():
                counts[f"{side}/{_cause(word)}"] += n
    return counts


def _rows_of_both(
    seed: Iterable[Collection[str]], ours: Iterable[Collection[str]]
) -> list[tuple[Collection[str], Collection[str]]]:
    first, second = list(seed), list(ours)
    if len(first) != len(second):
        raise KernelError(f"both readings have one row per post; found {len(first)} and {len(second)}.")
    return list(zip(first, second, strict=True))


def _cause(word: str) -> str:
    if any(mark in word for mark in "'\"\\"):
        return "quotes"
    if "#" in word:
        return "glued"
    return "other" if word[:1].isalnum() and word[-1:].isalnum() else "punctuation"
