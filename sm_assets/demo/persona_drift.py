"""A planted world of personas over days: one is born, two become one, one parts in two, the others go on.

Here: texts by account and day with the truth beside them, for tests of the identity of clusters. Not here: exports
(`world`), feeds (`persona_world`).

A persona is a vocabulary. Whoever changes takes another vocabulary from one day to the next; a trailing window sees
that as a drift of some days, as it would with people.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.errors import OptionError

FIRST_DAY: Final = date(2024, 6, 3)
# Personas by number: two that only go on, one that parts (7 comes out of it), one that another joins (4 joins 3), one
# more that goes on, one that is born.
PARTS, JOINED, JOINS, BORN, SPLIT_OFF = 2, 3, 4, 6, 7
_SIZES: Final = (1.0, 0.9, 1.2, 1.1, 0.7, 0.8, 0.9)
_WORDS, _COMMON_WORDS = 30, 60
_OWN, _TEXTS, _ABSENT = 0.75, 2.0, 0.1
_LEAVERS: Final = 0.4
_FEWEST: Final = 10
_LETTERS: Final = "bcdfghklmnprstvw"


class Change(NamedTuple):
    """What happened on a day: `born`, `merged` (the first persona into the second), `split` (off the first)."""

    day: date
    kind: str
    personas: tuple[int, ...]


class DriftingPersonas(NamedTuple):
    """What accounts wrote, and what they were.

    Attributes:
        days: the days, ascending.
        texts: account_id, day, text; several a day.
        truth: account_id, day, persona: what each account was on each day from its first.
        unchanged: accounts that stay what they are, ascending.
        changes: by day.
    """

    days: list[date]
    texts: pa.Table
    truth: pa.Table
    unchanged: list[str]
    changes: list[Change]


def drifting_personas(seed: int, *, days: int = 28, accounts: int = 40) -> DriftingPersonas:
    """Draw a world; equal arguments give equal tables.

    A persona is born on day 8 of 28, one joins another on day 13, four tenths of one part from it on day 18; with other
    numbers of days in proportion.

    Args:
        seed: 0 or more, of numpy's PCG64.
        days: 14 or more.
        accounts: of a persona of usual size, 10 or more.

    Raises:
        OptionError: a parameter is out of range.
    """
    if seed < 0 or days < 14 or accounts < _FEWEST:
        raise OptionError(
            f"a drifting world needs a seed of 0 or more, 14 days and {_FEWEST} accounts a persona; found {seed}, "
            f"{days}, {accounts}."
        )
    draws = np.random.Generator(np.random.PCG64(seed))
    born, merged, split = (days * part // 28 for part in (8, 13, 18))
    at_first = np.repeat(np.arange(len(_SIZES)), [round(accounts * size) for size in _SIZES])
    n = len(at_first)
    first_day = np.where(at_first == BORN, born, 0)
    parting = np.flatnonzero(at_first == PARTS)
    leaves = draws.choice(parting, round(_LEAVERS * len(parting)), replace=False)
    persona = np.tile(at_first, (days, 1))
    persona[merged:, at_first == JOINS] = JOINED
    persona[split:, leaves] = SPLIT_OFF
    listed = [FIRST_DAY + timedelta(days=number) for number in range(days)]
    names = [f"did:plc:{number:05d}" for number in draws.permutation(n)]
    vocabulary, common = _vocabulary(draws)

    wrote: list[tuple[str, date, str]] = []
    for number, day in enumerate(listed):
        for account in np.flatnonzero(first_day <= number).tolist():
            if draws.random() >= _ABSENT:
                own = vocabulary[persona[number, account]]
                wrote += [(names[account], day, _text(draws, own, common)) for _ in range(1 + draws.poisson(_TEXTS))]
    was = [(names[a], day, int(persona[d, a])) for d, day in enumerate(listed) for a in range(n) if first_day[a] <= d]
    return DriftingPersonas(
        days=listed,
        texts=_table({"account_id": pa.string(), "day": pa.date32(), "text": pa.string()}, wrote),
        truth=_table({"account_id": pa.string(), "day": pa.date32(), "persona": pa.int64()}, was),
        unchanged=sorted(names[account] for account in np.flatnonzero((persona == persona[0]).all(axis=0))),
        changes=[
            Change(listed[born], "born", (BORN,)),
            Change(listed[merged], "merged", (JOINS, JOINED)),
            Change(listed[split], "split", (PARTS, SPLIT_OFF)),
        ],
    )


def _vocabulary(draws: np.random.Generator) -> tuple[list[list[str]], list[str]]:
    """(words of each persona, words that all use); no word twice."""
    n_personas = SPLIT_OFF + 1
    words: dict[str, None] = {}
    while len(words) < n_personas * _WORDS + _COMMON_WORDS:
        words["".join(_LETTERS[draws.integers(len(_LETTERS))] + "aeiou"[draws.integers(5)] for _ in range(3))] = None
    listed = list(words)
    own = [listed[number * _WORDS : (number + 1) * _WORDS] for number in range(n_personas)]
    return own, listed[n_personas * _WORDS :]


def _text(draws: np.random.Generator, own: list[str], common: list[str]) -> str:
    """Some words of one's own, the first of the list more often, and some that all use."""
    chosen: list[str] = []
    for mine in draws.random(int(draws.integers(5, 13))) < _OWN:
        words = own if mine else common
        chosen.append(words[int(len(words) * draws.random() ** 1.5)])
    return " ".join(chosen)


def _table(types: dict[str, pa.DataType], rows: Sequence[tuple[object, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True)
    return pa.table({name: pa.array(column, kind) for (name, kind), column in zip(types.items(), columns, strict=True)})


def truth_on(world: DriftingPersonas, day: date) -> dict[str, int]:
    """What each account was on a day."""
    rows = world.truth.filter(pc.equal(world.truth["day"], day))
    return dict(zip(rows["account_id"].to_pylist(), rows["persona"].to_pylist(), strict=True))
