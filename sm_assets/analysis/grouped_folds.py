"""Who belongs together, and folds that never part them.

Here: groups of accounts of one hand, parts of labelled rows for cross-validation, and how many labels that takes. Not
here: any model.

Accounts of one operator look alike: with some of them among the rows that a model learns from, it knows the others by
heart. Figures measured that way promise what no new operator's accounts will keep.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from sm_assets.analysis.one_thread_tasks import child_seed
from sm_assets.errors import LabelError

MIN_LABELS: Final = 50
"""Labels that each class needs."""
MIN_GROUPS: Final = 10
"""Groups that each class needs."""
MIN_BIO: Final = 12
"""Letters from which on an equal biography says anything: many people write `she/her`."""
MIN_STEM: Final = 4
"""Letters from which on an equal stem of handles says anything."""
_ATTEMPTS: Final = 50
_NO_LETTER: Final = re.compile(r"[\W\d_]+")

Folds = list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]
"""Places of the rows to learn from and of those to test on, for each fold."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """What tells whose hand is behind accounts; sequences of one length, None where nothing is known.

    Attributes:
        key: names of the accounts, each once.
        group: named by whoever labelled the account.
        cluster: its network of co-sharing.
        bio: its biography.
        handle: the name it goes by.
    """

    key: Sequence[str]
    group: Sequence[str | None]
    cluster: Sequence[str | None]
    bio: Sequence[str | None]
    handle: Sequence[str | None]


def account_groups(accounts: Accounts) -> npt.NDArray[np.int64]:
    """Group of each account, int64[n]: numbered by their first account in the order of keys.

    A group that a label names is taken at its word. All others are of one group where they share a network of
    co-sharing, a biography, or a handle but for its digits, directly or through others; else each is its own.
    """
    first: dict[Hashable, int] = {}
    parent = list(range(len(accounts.key)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    order = sorted(range(len(parent)), key=lambda place: accounts.key[place])
    for place in order:
        for tie in _ties(accounts, place):
            other = first.setdefault(tie, place)
            parent[root(place)] = root(other)
    numbers: dict[int, int] = {}
    found = np.empty(len(parent), np.int64)
    for place in order:
        found[place] = numbers.setdefault(root(place), len(numbers))
    return found


def _ties(accounts: Accounts, place: int) -> list[tuple[str, str]]:
    """What an account shares with others of its group."""
    group = accounts.group[place]
    if group:
        return [("group", group)]
    bio = " ".join((accounts.bio[place] or "").casefold().split())
    stem = handle_stem(accounts.handle[place])
    shared = [("cluster", accounts.cluster[place] or ""), ("bio", bio if len(bio) >= MIN_BIO else ""), ("stem", stem)]
    return [(kind, value) for kind, value in shared if value]


def handle_stem(handle: str | None) -> str:
    """A handle up to its first dot, letters only, in small ones; empty where fewer than four are left."""
    stem = _NO_LETTER.sub("", (handle or "").split(".")[0].casefold())
    return stem if len(stem) >= MIN_STEM else ""


def shortage(labels: npt.NDArray[np.str_], groups: npt.NDArray[np.int64]) -> str:
    """Why labels do not suffice for a model, as a sentence with the counts; empty: they do.

    Args:
        labels: text[n].
        groups: int64[n].
    """
    classes = np.unique(labels)
    counts = [
        (str(name), int((labels == name).sum()), len(np.unique(groups[labels == name]))) for name in classes.tolist()
    ]
    told = "; ".join(f"{name}: {n:,} labels in {m:,} groups" for name, n, m in counts)
    if not counts:
        return "There are no labels of accounts that have traits on this day."
    if len(counts) == 1:
        return f"All labels name one class ({told}); a model needs at least two."
    if all(n >= MIN_LABELS and m >= MIN_GROUPS for _, n, m in counts):
        return ""
    return f"Each class needs at least {MIN_LABELS} labels in {MIN_GROUPS} groups; found {told}."


def grouped_folds(
    labels: npt.NDArray[np.int64], groups: npt.NDArray[np.int64], n_folds: int, seed: int, *, part_groups: bool = False
) -> Folds:
    """Folds with about equal shares of each class; rows of one group are all in one of them.

    Args:
        labels: classes as numbers, int64[n].
        groups: int64[n].
        n_folds: 2 or more.
        seed: of what is drawn.
        part_groups: draw without regard to groups, to see what that promises.

    Raises:
        LabelError: however it is drawn, a fold leaves a class without any row to learn from.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    units = np.arange(len(labels)) if part_groups else groups
    n_classes = len(np.unique(labels))
    for attempt in range(_ATTEMPTS):
        drawn = StratifiedGroupKFold(n_folds, shuffle=True, random_state=child_seed(seed, f"folds {attempt}"))
        folds = [
            (train.astype(np.int64), test.astype(np.int64))
            for train, test in drawn.split(np.zeros(len(labels)), labels, units)
        ]
        if all(len(test) and len(np.unique(labels[train])) == n_classes for train, test in folds):
            return folds
    raise LabelError(
        f"{len(labels):,} labels in {len(np.unique(units)):,} groups cannot be split into {n_folds} folds so that each "
        "class remains in what is learned from: too much of a class is of one group. Label accounts of more groups."
    )
