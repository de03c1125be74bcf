"""Who belongs together, and folds that never part them.

Here: groups of accounts of one hand, parts of labelled rows for cross-validation, and how many labels that takes. Not
here: any model.

Accounts of one operator look alike: with some of them among the rows that a model learns from, it knows the others by
heart. Figures measured that way promise what no new operator's accounts will keep.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from sm_assets.analysis.class_names import classes_in_words
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
DOMAINS: Final = "bluesky"
"""Platform whose handles are domains."""
_ATTEMPTS: Final = 50
_NO_LETTER: Final = re.compile(r"[\W\d_]+")

Folds = list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]
"""Places of the rows to learn from and of those to test on, for each fold."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """What tells whose hand is behind accounts; sequences of one length, None where nothing is known.

    Attributes:
        key: names of the accounts, each once.
        platform: where each is.
        group: named by whoever labelled the account.
        cluster: its network of co-sharing.
        bio: its biography.
        handle: the name it goes by.
    """

    key: Sequence[str]
    platform: Sequence[str]
    group: Sequence[str | None]
    cluster: Sequence[str | None]
    bio: Sequence[str | None]
    handle: Sequence[str | None]


def account_groups(accounts: Accounts) -> npt.NDArray[np.int64]:
    """Group of each account, int64[n]: numbered by their first account in the order of keys.

    Accounts that no label puts into a group belong together where they share a network of co-sharing, a biography, or
    a handle but for digits and punctuation, directly or through others; else each is its own. A group that a label
    names is taken at its word: it never becomes one with another named group. Those tied to its accounts join it; tied
    to several, they join all together the one that most of them are tied to, of equal ones the first by name.
    """
    order = sorted(range(len(accounts.key)), key=lambda place: accounts.key[place])
    ties = [_ties(accounts, place) for place in range(len(order))]
    parent = list(range(len(order)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    first: dict[tuple[str, str], int] = {}
    named: dict[tuple[str, str], set[str]] = {}
    for place in order:
        group = accounts.group[place]
        for tie in [("group", group)] if group else ties[place]:
            parent[root(place)] = root(first.setdefault(tie, place))
        if group:
            for tie in ties[place]:
                named.setdefault(tie, set()).add(group)
    tied: dict[int, Counter[str]] = {}
    for place in order:
        if not accounts.group[place]:
            tied.setdefault(root(place), Counter()).update({name for tie in ties[place] for name in named.get(tie, ())})
    for place, counts in tied.items():
        if counts:
            parent[place] = root(first["group", min(counts, key=lambda name: (-counts[name], name))])
    numbers: dict[int, int] = {}
    found = np.empty(len(parent), np.int64)
    for place in order:
        found[place] = numbers.setdefault(root(place), len(numbers))
    return found


def _ties(accounts: Accounts, place: int) -> list[tuple[str, str]]:
    """What an account may share with others of its group."""
    bio = " ".join((accounts.bio[place] or "").casefold().split())
    stem = handle_stem(accounts.handle[place], accounts.platform[place])
    shared = [("cluster", accounts.cluster[place] or ""), ("bio", bio if len(bio) >= MIN_BIO else ""), ("stem", stem)]
    return [(kind, value) for kind, value in shared if value]


def handle_stem(handle: str | None, platform: str) -> str:
    """A handle, letters only, in small ones; empty where fewer than four are left.

    On Bluesky handles are domains: what follows the first dot says where an account is, not what it is called.
    Elsewhere dots stand inside names.
    """
    named = (handle or "").split(".")[0] if platform == DOMAINS else handle or ""
    stem = _NO_LETTER.sub("", named.casefold())
    return stem if len(stem) >= MIN_STEM else ""


def shortage(classes: Sequence[str], labels: npt.NDArray[np.int64], groups: npt.NDArray[np.int64]) -> str:
    """Why labels do not suffice for a model, as a sentence with the counts; empty: they do.

    Args:
        classes: names of the classes.
        labels: class of each label as a place among these, int64[n].
        groups: int64[n].
    """
    n_labels = np.bincount(labels, minlength=len(classes))
    pairs = np.unique(np.column_stack([labels, groups]), axis=0)
    n_groups = np.bincount(pairs[:, 0], minlength=len(classes))
    counts = [(name, int(n), int(m)) for name, n, m in zip(classes, n_labels, n_groups, strict=True) if n]
    told = classes_in_words(counts)
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
