"""Attributes of accounts for one as-of day: by the models that are there, or why there is none.

Here: reading models and traits, one table of values. Not here: the asset (`assets.account_attributes`), turning
probabilities into values (`sm_assets.analysis.attribute_values`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa

from sm_assets.analysis.attribute_training import reading_versions
from sm_assets.analysis.attribute_values import Rules, by_place, told_by_model, without_model
from sm_assets.analysis.parameters import params_hash
from sm_assets.analysis.place_lookup import lookup_version
from sm_assets.contracts import TABLES
from sm_assets.defs.attribute_stored import Chosen, model_for
from sm_assets.defs.attribute_training import OF_TRAITS, traits_matrix
from sm_assets.defs.windows import with_constants
from sm_assets.errors import ModelFileError
from sm_assets.storage import Lake
from sm_assets.storage.model_files import read_model

ATTRIBUTES: Final = "out_account_attributes"
BY_PLACE: Final = "place-lookup/"
COUNTRY: Final = "country"
_AT_ONCE: Final = 20_000


@dataclass(slots=True)
class Models:
    """Models in use, each read once.

    Attributes:
        chosen: what out_attribute_models names.
    """

    lake: Lake
    chosen: list[Chosen]
    _read: dict[tuple[str, str], tuple[Any, Rules]] = field(default_factory=dict)

    def usable(self, attribute: str, day: date) -> tuple[Chosen, Any, Rules] | None:
        """The model for an attribute on a day, if there is one.

        Raises:
            ModelFileError: its files are not what was published, another version made it, or it was trained on traits
                that are no more.
        """
        model = model_for(self.chosen, attribute, day)
        if model is None:
            return None
        place = (model.attribute, model.model_id)
        if place not in self._read:
            stored = read_model(
                self.lake, *place, sha256=model.sha256, manifest_sha256=model.manifest_sha256,
                versions=reading_versions(),
            )  # fmt: skip
            rules = Rules.of(stored.manifest)
            lost = sorted(set(rules.traits) - set(TABLES[OF_TRAITS].column_names))
            if lost:
                raise ModelFileError(
                    f"The model {model.model_id} of {attribute} was trained on traits that {OF_TRAITS} has not: "
                    f"{', '.join(lost)}. Materialise out_attribute_models again."
                )
            self._read[place] = stored.model, rules
        return model, *self._read[place]


def attributes_of_day(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    day: date,
    attributes: Sequence[str],
    models: Models,
    log: Callable[[str], object],
) -> Iterator[pa.Table]:
    """Rows of out_account_attributes, in pieces.

    Args:
        con: an open connection.
        lake: the data root.
        day: the as-of day; out_account_traits must have it.
        attributes: which ones; country is looked up by place where that is known.
        models: those that are there.
        log: takes lines of progress.
    """
    found = {attribute: models.usable(attribute, day) for attribute in attributes}
    for attribute, used in found.items():
        log(f"{attribute} on {day}: {f'model {used[0].model_id} of {used[0].day}' if used else 'no model'}")
    rows = lake.register(con, lake.ref(OF_TRAITS, [day])).order("platform, account_id")
    # One number per account at least: a piece is some 20 MB.
    for batch in rows.to_arrow_reader(_AT_ONCE):
        accounts = pa.Table.from_batches([batch])
        for attribute, used in found.items():
            yield _attribute(accounts, attribute, used, day)


def _attribute(accounts: pa.Table, attribute: str, used: tuple[Chosen, Any, Rules] | None, day: date) -> pa.Table:
    """Values of one attribute of some accounts."""
    n = len(accounts)
    model_id: Any = pa.nulls(n, pa.string())
    trained_on: Any = pa.nulls(n, pa.date32())
    if used is None:
        values = without_model(n)
    else:
        chosen, model, rules = used
        values = told_by_model(
            model, rules, traits_matrix(accounts, rules.traits), accounts["n_posts"].to_numpy().astype(np.int64)
        )
        model_id, trained_on = pa.repeat(pa.scalar(chosen.model_id), n), pa.repeat(pa.scalar(chosen.day), n)
    places = BY_PLACE + lookup_version().removeprefix("places/") if attribute == COUNTRY else ""
    if places:
        values, here = by_place(values, accounts["place_country"])
        model_id = pa.array(np.where(here, places, model_id.to_numpy(zero_copy_only=False)), pa.string())
        trained_on = pa.array(
            [None if place else trained for place, trained in zip(here, trained_on.to_pylist(), strict=True)],
            pa.date32(),
        )
    told = accounts.select(["platform", "account_id"])
    for name in values.column_names:
        told = told.append_column(name, values[name])
    told = told.append_column("model_id", model_id).append_column("trained_on", trained_on)
    of_model = used[0].model_id if used else ""
    made_by = params_hash({"attribute": attribute, "model": of_model, "places": places})
    return with_constants(told, attribute=attribute, params_hash=made_by, day=day).select(
        TABLES[ATTRIBUTES].column_names
    )


def counts_of(pieces: Iterable[pa.Table]) -> dict[str, Counter[str]]:
    """Accounts by what is said of them, for each attribute: `given`, or the reason why not."""
    counts: dict[str, Counter[str]] = {}
    for piece in pieces:
        for attribute, reason in zip(piece["attribute"].to_pylist(), piece["reason"].to_pylist(), strict=True):
            counts.setdefault(attribute, Counter())[reason or "given"] += 1
    return counts
