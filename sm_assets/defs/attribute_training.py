"""Training models of account attributes for one as-of day: from tables to models with their cards.

Here: fetching labels and traits, one training per attribute, storing what is chosen. Not here: the asset and its
parameters (`assets.attribute_models`), what training does (`sm_assets.analysis`), models that are there
(`attribute_stored`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.attribute_card import NAMES, card
from sm_assets.analysis.attribute_training import Labelled, Training, TrainingOptions, train, versions
from sm_assets.analysis.attribute_values import ALWAYS, SENSITIVE, Rules
from sm_assets.analysis.grouped_folds import Accounts, account_groups, shortage
from sm_assets.analysis.traits import TRAITS
from sm_assets.contracts import TABLES
from sm_assets.defs.attribute_stored import MODELS, account_digest, account_keys
from sm_assets.defs.sql import input_file, open_select
from sm_assets.errors import LabelError, OptionError
from sm_assets.storage import Lake, TableRef
from sm_assets.storage.model_files import CARD, FOLDER, is_attribute_name, write_model

CURVES: Final = "out_attribute_curves"
OF_TRAITS: Final = "out_account_traits"
LABELS_OF_DAY: Final = input_file(f"{MODELS}_labels")
_NO_LABELS: Final = "There are no labels of it."


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which attributes are trained.

    Attributes:
        attributes: names; empty: kind and country.
        sensitive: names with what they are for.
        later_labels: whether labels made after the as-of day count.
    """

    attributes: Sequence[str] = ()
    sensitive: Mapping[str, str] = field(default_factory=dict)
    later_labels: bool = False

    def names(self) -> list[str]:
        """All of them, checked.

        Raises:
            OptionError: a sensitive one without a purpose, or a name that no folder may have.
        """
        return attribute_names(self.attributes, self.sensitive)


def attribute_names(attributes: Sequence[str], sensitive: Mapping[str, str]) -> list[str]:
    """The attributes asked for, kind and country where none is, then the sensitive ones.

    Raises:
        OptionError: a sensitive one without a purpose, or a name that no folder may have.
    """
    for name in attributes:
        if name in SENSITIVE and name not in sensitive:
            raise OptionError(
                f"{name} is sensitive: it is trained only if sensitive_attributes names it with a purpose, which its "
                "card prints."
            )
    for name, purpose in sensitive.items():
        if not purpose.strip():
            raise OptionError(f"sensitive_attributes: {name} needs a purpose: one sentence for its card; found none.")
    names = list(dict.fromkeys([*(attributes or ALWAYS), *sensitive]))
    for name in names:
        if not is_attribute_name(name):
            raise OptionError(
                f"An attribute is named by small letters, digits and underscores, 64 at most; found {name!r}."
            )
    return names


@dataclass(slots=True)
class DayOfModels:
    """What one as-of day gave.

    Attributes:
        models, curves: rows of the two tables.
        notices: sentences, one per attribute that has no model, and others.
        figures: Markdown by attribute.
        cards: where the cards of the chosen models lie, by attribute.
    """

    models: list[dict[str, Any]] = field(default_factory=list)
    curves: list[dict[str, Any]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    figures: dict[str, str] = field(default_factory=dict)
    cards: dict[str, str] = field(default_factory=dict)


def traits_matrix(rows: pa.Table, names: Sequence[str] = TRAITS) -> npt.NDArray[np.float64]:
    """The traits as float64[n, t], nan where they are not known."""
    columns = [rows[name].cast(pa.float64()).to_numpy(zero_copy_only=False) for name in names]
    return np.column_stack(columns) if columns else np.empty((len(rows), 0))


def train_day(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    refs: list[TableRef],
    day: date,
    wanted: Wanted,
    options: TrainingOptions,
    folder: Path,
    log: Callable[[str], object],
) -> DayOfModels:
    """Train all attributes of one as-of day; the models' folders are put in their places at once.

    Args:
        con: an open connection.
        lake: the data root.
        refs: references to all that is read, cut to the snapshot.
        day: the as-of day.
        wanted: which attributes.
        options: how.
        folder: an empty folder in a workspace.
        log: takes lines of progress.
    """
    found = DayOfModels()
    labels = open_select(con, lake, LABELS_OF_DAY, refs, [day]).order("platform, account_id").to_arrow_table()
    ref = next(ref for ref in refs if ref.table == OF_TRAITS)
    traits = lake.register(con, ref).select("platform", "account_id", *TRAITS).order("platform, account_id")
    all_traits = traits.to_arrow_table()
    for attribute in wanted.names():
        of_it = labels.filter(pc.equal(labels["attribute"], attribute))
        later = pc.sum(of_it["is_later"]).as_py() or 0
        if later and not wanted.later_labels:
            found.notices.append(
                f"{attribute}: {later:,} labels were made after {day} and do not count; later_labels lets them."
            )
            of_it = of_it.filter(pc.invert(of_it["is_later"]))
        usable = of_it.filter(of_it["has_traits"])
        about = {
            "as-of day": str(day),
            "window from": str(day - timedelta(days=lake.settings.window_days - 1)),
            "labels": len(of_it),
            "labels of accounts without traits on this day": len(of_it) - len(usable),
            **versions(),
        }
        lacking = _lacking(usable) if len(of_it) else _NO_LABELS
        if lacking:
            found.notices.append(f"{attribute}: no model. {lacking}")
            continue
        labelled = labelled_accounts(usable, all_traits)
        log(f"{attribute}: {len(usable):,} labels of {day}")
        try:
            training = train(
                labelled, options, window=traits_matrix(all_traits) if options.prior_shift else None,
                about={"attribute": attribute, "day": str(day), "purpose": wanted.sensitive.get(attribute, "")},
                threads=lake.settings.threads, log=log,
            )  # fmt: skip
        except LabelError as error:
            found.notices.append(f"{attribute}: no model. {error}")
            continue
        found.notices += [f"{attribute}: {line}" for line in training.notices]
        _keep(lake, folder, found, attribute, training, options, wanted.sensitive.get(attribute, ""), about, day,
              labelled.keys)  # fmt: skip
    return found


def _lacking(labels: pa.Table) -> str:
    """Why labels do not suffice, whatever their groups turn out to be; empty: they may."""
    # Numbers for the values: as text of one width they would all be as wide as the longest.
    values = labels["value"].combine_chunks().dictionary_encode()
    places = values.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return shortage(values.dictionary.to_pylist(), places, _groups(labels))


def _groups(labels: pa.Table) -> npt.NDArray[np.int64]:
    told = [labels[name].to_pylist() for name in ("platform", "label_group", "network", "bio", "handle")]
    return account_groups(Accounts(account_keys(labels), *told))


def labelled_accounts(labels: pa.Table, traits: pa.Table) -> Labelled:
    """Labels with the traits of their accounts."""
    keys = account_keys(labels)
    places = pc.index_in(pa.array(keys), value_set=pa.array(account_keys(traits)))
    return Labelled(
        keys=keys,
        traits=traits_matrix(traits.take(places)),
        names=TRAITS,
        labels=np.array(labels["value"].to_pylist(), dtype=np.str_),
        groups=_groups(labels),
        languages=np.array(labels["lang"].to_pylist(), dtype=np.str_),
    )


def _keep(
    lake: Lake,
    folder: Path,
    found: DayOfModels,
    attribute: str,
    training: Training,
    options: TrainingOptions,
    purpose: str,
    about: dict[str, Any],
    day: date,
    keys: Sequence[str],
) -> None:
    """Store the chosen model, and note the rows and figures of all."""
    chosen = training.chosen
    figures = _draw(attribute, training, options)
    asked = {name: getattr(options, name) for name in options.__slots__}
    manifest = {
        "algorithm": chosen.algorithm,
        "parameters": chosen.parameters,
        "calibration": training.calibration,
        "options": asked | {"models": list(options.models)},
        "trained_on": str(day),
        "window_days": lake.settings.window_days,
        "purpose": purpose,
        "data_sha256": training.data_digest,
        "versions": versions(),
        "n_labels": training.n_labels,
        "n_groups": training.n_groups,
        "scores": chosen.scores.told(),
        "account_digests": sorted(account_digest(key) for key in keys),
        **Rules(
            training.classes, training.thresholds, training.priors, training.window_priors, list(TRAITS), training.low,
            training.high,
        ).told(),
    }  # fmt: skip
    staged = folder / f"{attribute}-{day}"
    staged.mkdir()
    text = card(attribute, training, options, purpose=purpose, about=about, figures=list(figures.values()))
    digests = write_model(lake, staged, attribute, chosen.model_id, training.model, manifest, text)
    for judged in training.judged:
        own = judged is chosen
        found.models.append(
            {
                "attribute": attribute,
                "model_id": judged.model_id,
                "algorithm": judged.algorithm,
                "parameters": json.dumps(judged.parameters, sort_keys=True),
                "calibration": training.calibration if judged.parameters else "none",
                "n_labels": training.n_labels,
                "n_groups": training.n_groups,
                "search_score": judged.search_score,
                **judged.scores.told(),
                "chosen": own,
                "sha256": digests[0] if own else None,
                "manifest_sha256": digests[1] if own else None,
                "day": day,
            }
        )
        found.curves += [
            row | {"attribute": attribute, "model_id": judged.model_id, "day": day} for row in judged.curves
        ]
    # The page shows two; Dagster stores what it shows with each day of the run.
    found.figures[attribute] = "\n\n".join(figures[name] for name in ("learning", "risk_coverage"))
    found.cards[attribute] = lake.uri(lake.path(FOLDER, attribute, chosen.model_id, CARD))


def _draw(attribute: str, training: Training, options: TrainingOptions) -> dict[str, str]:
    """Figures of the chosen model by name, as Markdown."""
    from sm_assets.plots import calibration, learning_curve, risk_coverage, validation_curve  # draw with matplotlib

    rows = pa.Table.from_pylist(training.chosen.curves)
    name = f"{attribute}, {NAMES[training.chosen.algorithm]}"
    return {
        "validation": validation_curve.draw(rows, name),
        "learning": learning_curve.draw(rows, name),
        "calibration": calibration.draw(rows, name),
        "risk_coverage": risk_coverage.draw(rows, name, options.target_precision),
    }


def models_table(rows: list[dict[str, Any]], name: str) -> pa.Table:
    """Rows of one of the two tables."""
    return pa.Table.from_pylist(rows, TABLES[name].plain_schema)
