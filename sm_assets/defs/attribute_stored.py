"""Models of account attributes that are there: which ones are in use, which are outdated, which are nobody's any more.

Here: out_attribute_models beside the folders below models/. Not here: making models (`attribute_training`), reading
one to use it (`attribute_values`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

import duckdb
import pyarrow as pa

from sm_assets.defs.sql import input_file, open_select
from sm_assets.errors import ModelFileError
from sm_assets.storage import Lake
from sm_assets.storage.model_files import drop_model, read_manifest, stored_models

MODELS: Final = "out_attribute_models"
STANDING: Final = input_file(f"{MODELS}_standing")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model that out_attribute_models names.

    Attributes:
        day: as-of day that it was trained on.
    """

    attribute: str
    model_id: str
    day: date
    sha256: str
    manifest_sha256: str


def chosen_models(con: duckdb.DuckDBPyConnection, lake: Lake) -> list[Chosen]:
    """The chosen models of all days, by attribute and day."""
    rows = lake.register(con, lake.ref(MODELS)).filter("chosen").order("attribute, day, model_id")
    return [Chosen(*row) for row in rows.select("attribute", "model_id", "day", "sha256", "manifest_sha256").fetchall()]


def model_for(models: Iterable[Chosen], attribute: str, day: date) -> Chosen | None:
    """The newest model trained on or before a day, else the earliest of those trained later."""
    own = sorted((model for model in models if model.attribute == attribute), key=lambda model: model.day)
    before = [model for model in own if model.day <= day]
    return before[-1] if before else own[0] if own else None


def account_keys(rows: pa.Table) -> list[str]:
    """One name for each account, of platform and account_id."""
    return [f"{a}:{b}" for a, b in zip(rows["platform"].to_pylist(), rows["account_id"].to_pylist(), strict=True)]


def account_digest(key: str) -> str:
    """16 hexadecimal digits in the place of an account, by which a manifest can tell that it learned from it."""
    return hashlib.blake2b(key.encode(), digest_size=8).hexdigest()


def stale_labels(
    con: duckdb.DuckDBPyConnection, lake: Lake, models: Iterable[Chosen], left: Iterable[tuple[str, str]] = ()
) -> dict[str, int]:
    """How many accounts each model learned from that are gone, or that nobody labels any more.

    Models without any are left out; one whose manifest is missing or was changed counts as -1.

    Args:
        con: an open connection.
        lake: the data root.
        models: those that days name.
        left: attribute and id of folders that no day names, see `left_models`.
    """
    listed = [
        *((each.attribute, each.model_id, each.manifest_sha256, f"of {each.day}") for each in models),
        *((attribute, model_id, None, "of no day") for attribute, model_id in left),
    ]
    if not listed:
        return {}
    rows = open_select(con, lake, STANDING, [], []).to_arrow_table()
    standing = {account_digest(key) for key in account_keys(rows)}
    found = {}
    for attribute, model_id, manifest_sha256, where in listed:
        name = f"{attribute}/{model_id} {where}"
        try:
            told = read_manifest(lake, attribute, model_id, manifest_sha256=manifest_sha256)
        except ModelFileError:
            found[name] = -1
            continue
        n_gone = len(set(told.get("account_digests", ())) - standing)
        if n_gone:
            found[name] = n_gone
    return found


def left_models(lake: Lake, models: Iterable[Chosen]) -> list[tuple[str, str]]:
    """Attribute and id of the folders that none of these models has, sorted.

    Args:
        lake: the data root.
        models: those that the days name, of all days.
    """
    return sorted(set(stored_models(lake)) - {(model.attribute, model.model_id) for model in models})


def drop_left(con: duckdb.DuckDBPyConnection, lake: Lake) -> list[str]:
    """Remove the folders of models that no day names, however they came to be left; their names."""
    gone = left_models(lake, chosen_models(con, lake))
    for attribute, model_id in gone:
        drop_model(lake, attribute, model_id)
    return [f"{attribute}/{model_id}" for attribute, model_id in gone]
