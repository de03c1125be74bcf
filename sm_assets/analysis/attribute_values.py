"""What accounts are, by a model that was trained, or why it is not said.

Here: probabilities and traits of accounts to values and reasons. Not here: training, reading models and tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.analysis.abstention import is_given
from sm_assets.analysis.attribute_grids import compressed
from sm_assets.analysis.calibration import with_priors
from sm_assets.errors import ModelFileError

MIN_POSTS: Final = 10
"""Posts in the window below which nothing is said."""
MAX_UNLIKE: Final = 0.2
"""Share of traits outside the training's range above which nothing is said."""
ALWAYS: Final = ("kind", "country")
"""Attributes that every account has a row for."""
SENSITIVE: Final = ("age_band", "gender")
"""Attributes that are off unless somebody says what for."""
COLUMNS: Final = pa.schema(
    [
        ("value", pa.string()), ("probability", pa.float64()), ("second_value", pa.string()),
        ("second_probability", pa.float64()), ("abstained", pa.bool_()), ("reason", pa.string()),
    ]
)  # fmt: skip

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a model says of itself, beside the fitted pipeline.

    Attributes:
        classes: names, in the order of the probabilities.
        thresholds: by class; None: never given.
        priors: shares of the classes among the labels.
        window_priors: the shares that probabilities are made for instead; None: the same.
        traits: names of the columns, in order.
        low, high: bounds of each trait in the training; None: it was never known.
    """

    classes: Sequence[str]
    thresholds: list[float | None]
    priors: Sequence[float]
    window_priors: Sequence[float] | None
    traits: Sequence[str]
    low: Sequence[float | None]
    high: Sequence[float | None]

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Rules:
        """The rules as a manifest tells them.

        Raises:
            ModelFileError: one of them is missing.
        """
        lacking = [name for name in cls.__slots__ if name not in manifest]
        if lacking:
            raise ModelFileError(
                f"The manifest of model {manifest.get('model_id')} lacks {', '.join(lacking)}; it is of another "
                "version. Materialise out_attribute_models again."
            )
        return cls(**{name: manifest[name] for name in cls.__slots__})

    def told(self) -> dict[str, Any]:
        """The rules as a manifest tells them."""
        return {name: getattr(self, name) for name in self.__slots__}


def unlike_training(traits: Numbers, rules: Rules) -> Numbers:
    """Share of the known traits of each row that lie outside the training's range, float64[n]."""
    low, high = (np.array([np.nan if each is None else each for each in side]) for side in (rules.low, rules.high))
    known = ~np.isnan(traits) & ~np.isnan(low)
    outside = known & ((traits < low) | (traits > high))
    return np.asarray(outside.sum(axis=1) / np.maximum(known.sum(axis=1), 1))


def told_by_model(model: Any, rules: Rules, traits: Numbers, n_posts: npt.NDArray[np.int64]) -> pa.Table:
    """Values of one attribute, in the rows' order, with the columns of `COLUMNS`.

    Args:
        model: a fitted pipeline.
        rules: what belongs to it.
        traits: float64[n, t], nan: not known.
        n_posts: posts of each account in the window, int64[n].
    """
    n = len(traits)
    if not n:
        return COLUMNS.empty_table()
    found = np.asarray(model.predict_proba(compressed(traits)), np.float64)
    if rules.window_priors is not None:
        found = with_priors(found, np.array(rules.priors), np.array(rules.window_priors))
    order = np.argsort(-found, axis=1, kind="stable")[:, :2]
    first, second = np.take_along_axis(found, order, axis=1).T
    few = n_posts < MIN_POSTS
    unlike = ~few & (unlike_training(traits, rules) > MAX_UNLIKE)
    unsure = ~few & ~unlike & ~is_given(found, rules.thresholds)
    reason = np.select([few, unlike, unsure], ["too_few_posts", "unlike_training", "low_confidence"], "")
    none, guessed = reason != "", ~(few | unlike)
    names = np.array(list(rules.classes), dtype=object)
    return pa.table(
        [
            pa.array(names[order[:, 0]], pa.string(), mask=none),
            pa.array(first.clip(0, 1), mask=~guessed),
            pa.array(names[order[:, 1]], pa.string(), mask=none),
            pa.array(second.clip(0, 1), mask=~guessed),
            pa.array(none),
            pa.array(reason.astype(object), pa.string(), mask=~none),
        ],
        schema=COLUMNS,
    )


def without_model(n: int) -> pa.Table:
    """Rows of an attribute that no model tells."""
    nothing = {name: pa.nulls(n, COLUMNS.field(name).type) for name in COLUMNS.names}
    told = {"abstained": pa.repeat(pa.scalar(True), n), "reason": pa.repeat(pa.scalar("no_model"), n)}
    return pa.table(nothing | told, schema=COLUMNS)


def by_place(rows: pa.Table, countries: pa.ChunkedArray) -> tuple[pa.Table, npt.NDArray[np.bool_]]:
    """Rows of the attribute country, those replaced whose profile states a place; and which ones these are, bool[n].

    Args:
        rows: with the columns of `COLUMNS`.
        countries: country of the place, null where none is known.
    """
    import pyarrow.compute as pc

    here = pc.is_valid(countries)
    fixed: dict[str, Any] = {
        "value": countries,
        "abstained": pa.scalar(False),
        "reason": pa.scalar("by_place", pa.string()),
    }
    columns = [
        pc.if_else(here, fixed.get(name, pa.scalar(None, COLUMNS.field(name).type)), rows[name])
        for name in COLUMNS.names
    ]
    return pa.table(columns, schema=COLUMNS), np.asarray(here.to_numpy(), bool)
