"""out_account_attributes: what accounts are, as far as it can be told, and why not where it cannot.

Here: the asset and its parameters. Not here: the values of one day (`sm_assets.defs.attribute_values`), training
(`assets.attribute_models`).
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from sm_assets.analysis.attribute_values import ALWAYS, MIN_POSTS
from sm_assets.analysis.grouped_folds import MIN_GROUPS, MIN_LABELS
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.attribute_stored import MODELS, chosen_models
from sm_assets.defs.attribute_training import OF_TRAITS, attribute_names
from sm_assets.defs.io import Rows
from sm_assets.defs.metadata import small_table
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import days_with_input
from sm_assets.defs.windows import Results, Snapshots, chosen_days, snapshots_field
from sm_assets.storage import Lake, TableRef

NAME = "out_account_attributes"
HOW_TO_TRAIN = f"""\
No model is there for: {{names}}. Models are not shipped; they are trained on labels of your own.

1. Put a file below `labels/` of the data root, CSV (UTF-8) or Parquet, with the columns `platform`, `account_id`,
   `attribute`, `value`, and where known `group` (accounts of one hand), `labelled_by`, `labelled_at`:

   ```
   platform,account_id,attribute,value,group
   bluesky,did:plc:example,kind,bot,operator 7
   ```

   Values of `kind` are person, company, bot; of `country` codes like `DE`.
2. Each value needs at least {MIN_LABELS} labels in {MIN_GROUPS} groups, of accounts that wrote in the window,
   better {MIN_POSTS} posts or more.
3. A label is of the day of `labelled_at`, without it of the day on which the file was last changed (today, perhaps):
   those are the days of `feat_account_labels` to materialise. Then materialise `out_account_traits` and
   `out_attribute_models` of the as-of day, with `later_labels: true` for `train_attributes` if labels are of later
   days, and this table again.
"""


class AccountAttributesConfig(dg.Config):
    """Which attributes are told."""

    attributes: list[str] = Field(default=[], description="Further attributes beside kind and country.")
    sensitive_attributes: list[str] = Field(
        default=[],
        description="Attributes that need a reason, as age_band and gender: told only if they are named here, and "
        "trained only with a purpose.",
    )
    snapshots: Snapshots = snapshots_field()


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The asset over one lake."""

    @dg.asset(ins=ins(lake, NAME, sorted([MODELS, OF_TRAITS])), **one(lake, NAME))
    def out_account_attributes(
        context: dg.AssetExecutionContext, config: AccountAttributesConfig, **refs: TableRef
    ) -> Iterator[dg.Output[Rows]]:
        from sm_assets.defs.attribute_values import Models, attributes_of_day, counts_of  # loads places

        sensitive = dict.fromkeys(config.sensitive_attributes, "as its model says")
        names = attribute_names([*ALWAYS, *config.attributes], sensitive)
        asked = partition_days(list(context.partition_keys))
        days = chosen_days(days_with_input(NAME, [refs[OF_TRAITS]], asked), config.snapshots, lake.days(NAME))
        told: dict[str, Any] = {}
        with lake.workspace("attributes") as folder, lake.connect() as con:
            results = Results(folder)
            models = Models(lake, chosen_models(con, lake))
            for day in days:
                pieces = list(attributes_of_day(con, lake, day, names, models, context.log.info))
                for piece in pieces:
                    results.add(NAME, piece)
                counts = counts_of(pieces)
                told = {"as_of": str(day), "accounts": small_table(_by_reason(counts))}
                missing = [name for name in names if models.usable(name, day) is None]
                if missing:
                    told["how_to_train"] = dg.MetadataValue.md(HOW_TO_TRAIN.format(names=", ".join(missing)))
            yield dg.Output(Rows(results.relation(con, NAME), days, metadata=told))

    made: dg.AssetsDefinition = out_account_attributes
    return made


def _by_reason(counts: Any) -> list[dict[str, Any]]:
    return [
        {"attribute": attribute, "what": reason, "accounts": n}
        for attribute, reasons in counts.items()
        for reason, n in sorted(reasons.items())
    ]
