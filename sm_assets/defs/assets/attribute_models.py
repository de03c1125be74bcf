"""out_attribute_models, out_attribute_curves: models that tell attributes of accounts, and how good they are.

Here: the asset and its parameters. Not here: training one day (`sm_assets.defs.attribute_training`), using models
(`assets.account_attributes`).
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, Literal

import dagster as dg
from pydantic import Field

from sm_assets.analysis.attribute_grids import CANDIDATES
from sm_assets.analysis.attribute_training import TrainingOptions
from sm_assets.defs.assets.declare import common, ins, out
from sm_assets.defs.attribute_stored import MODELS, STANDING, chosen_models, drop_left, stale_labels
from sm_assets.defs.attribute_training import (
    CURVES,
    LABELS_OF_DAY,
    OF_TRAITS,
    DayOfModels,
    Wanted,
    models_table,
    train_day,
)
from sm_assets.defs.io import Rows
from sm_assets.defs.metadata import counts_table, small_table
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import days_with_input, upstreams
from sm_assets.defs.windows import Results, Snapshots, chosen_days, snapshot_refs, snapshots_field
from sm_assets.errors import OptionError
from sm_assets.storage import Lake, TableRef, others

_SHOWN = ("attribute", "algorithm", "macro_f1", "ece", "coverage", "precision_at_coverage", "chosen")

_NOTICES = 100


class AttributeModelsConfig(dg.Config):
    """Which models are trained, and how."""

    attributes: list[str] = Field(
        default=[], description="Attributes to train; empty: kind and country, where labels exist."
    )
    sensitive_attributes: dict[str, str] = Field(
        default={},
        description="Attributes that need a reason, age_band and gender among them, each with its purpose in a "
        "sentence, which the model's card prints.",
    )
    later_labels: bool = Field(
        default=False, description="Count labels too that were made after the as-of day, as for exports of old times."
    )
    models: list[str] = Field(
        default=list(CANDIDATES),
        description=f"Algorithms to choose from: {', '.join(CANDIDATES)}. Logistic regression and majority are always "
        "measured beside them, as yardsticks.",
    )
    grid: Literal["quick", "full"] = Field(
        default="full",
        description="How many parameters are tried. quick: a few, and forests of 40 trees instead of 300.",
    )
    target_precision: float = Field(
        default=0.9, gt=0, le=1, description="Share of given values that must be right; else nothing is given."
    )
    calibration: Literal["auto", "sigmoid", "isotonic"] = Field(
        default="auto", description="How scores become probabilities. auto: isotonic from 1,000 labels of each class."
    )
    prior_shift: bool = Field(
        default=False,
        description="Make probabilities for the shares of the classes among all accounts of the window, as far as "
        "these can be told, instead of those among the labels.",
    )
    seed: int = Field(default=42, ge=0, le=2**32 - 1, description="Seed of all that is drawn.")
    snapshots: Snapshots = snapshots_field("last_day")


def asset(lake: Lake) -> dg.AssetsDefinition:
    """Both tables as one asset over one lake."""
    reads = sorted({*upstreams(LABELS_OF_DAY), *upstreams(STANDING), OF_TRAITS})

    @dg.multi_asset(
        name="train_attributes",
        outs={name: out(lake, name) for name in (MODELS, CURVES)},
        ins=ins(lake, MODELS, reads),
        **common(lake),
    )
    def train_attributes(
        context: dg.AssetExecutionContext, config: AttributeModelsConfig, **refs: TableRef
    ) -> Iterator[dg.Output[Rows]]:
        wanted, options = _asked(config)
        asked = partition_days(list(context.partition_keys))
        days = chosen_days(days_with_input(MODELS, [refs[OF_TRAITS]], asked), config.snapshots, lake.days(MODELS))
        told: dict[str, Any] = {}
        notices: list[str] = []
        with lake.workspace("attributes") as folder, lake.connect() as con:
            results = Results(folder)
            there = chosen_models(con, lake)
            stale = stale_labels(con, lake, [model for model in there if model.day not in days])
            for day in days:
                window = snapshot_refs(refs.values(), day, lake.settings.window_days)
                found = train_day(con, lake, window, day, wanted, options, folder, context.log.info)
                for name, rows in ((MODELS, found.models), (CURVES, found.curves)):
                    results.add(name, models_table(rows, name))
                told = _told(day, found)
                notices += [f"{day}: {line}" if len(days) > 1 else line for line in found.notices]
            told |= {"notices": _notices(notices)} if notices else {}
            told |= {"stale_labels": counts_table(stale, "model", "accounts that are gone")} if stale else {}
            for name in (MODELS, CURVES):
                yield dg.Output(Rows(results.relation(con, name), days, metadata=told if name == MODELS else {}), name)
            # Both tables are published: what no day names now was replaced, or is of a run that ended too early. But a
            # run that trains at this time has models there that no day names yet; then the next run looks again.
            if not others(folder):
                drop_left(con, lake)

    made: dg.AssetsDefinition = train_attributes
    return made


def _asked(config: AttributeModelsConfig) -> tuple[Wanted, TrainingOptions]:
    """The parameters as training takes them.

    Raises:
        OptionError: an unknown algorithm, none, or what `Wanted.names` refuses.
    """
    unknown = sorted(set(config.models) - set(CANDIDATES))
    if unknown or not config.models:
        raise OptionError(
            f"models: some of {', '.join(CANDIDATES)} are expected; found {', '.join(unknown) or 'none'}."
        )
    wanted = Wanted(config.attributes, config.sensitive_attributes, config.later_labels)
    wanted.names()
    options = TrainingOptions(
        models=tuple(name for name in CANDIDATES if name in config.models),
        grid=config.grid,
        calibration=config.calibration,
        target_precision=config.target_precision,
        seed=config.seed,
        prior_shift=config.prior_shift,
    )
    return wanted, options


def _told(day: date, found: DayOfModels) -> dict[str, Any]:
    """What the page shows of the last day that was made."""
    shown = [{name: _rounded(row[name]) for name in _SHOWN} for row in found.models]
    told: dict[str, Any] = {"as_of": str(day), "models": small_table(shown)}
    if found.cards:
        told["cards"] = dg.MetadataValue.md("\n".join(f"- {name}: `{path}`" for name, path in found.cards.items()))
    return told | {f"figures_{name}": dg.MetadataValue.md(figure) for name, figure in found.figures.items()}


def _notices(lines: list[str]) -> dg.MarkdownMetadataValue:
    """Notices of all days, the last ones where there are very many."""
    more = len(lines) - _NOTICES
    shown = [f"{more:,} earlier ones are left out.", *lines[more:]] if more > 0 else lines
    return dg.MetadataValue.md("\n".join(f"- {line}" for line in shown))


def _rounded(value: Any) -> Any:
    return "" if value is None else round(value, 3) if isinstance(value, float) else value
