"""out_persona_exports and the files it counts: what members of personas wrote and did, as lines for training.

Here: the assets and their parameter. Not here: the files of one day (`defs.persona_export`).
"""

from collections.abc import Iterator
from typing import Any, Literal

import dagster as dg
from pydantic import Field

from sm_assets.defs.assets.declare import common, group, ins, out
from sm_assets.defs.clustering_record import PERSONAS, required_record
from sm_assets.defs.io import Rows
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import days_with_input, input_file, upstreams
from sm_assets.defs.windows import Results, snapshot_refs
from sm_assets.storage import Lake, TableRef

NAME = "out_persona_exports"
FILES = "report_persona_exports"
PROFILES = "out_persona_profiles"
INPUTS = ("chains", "contents", "events", "named", "unlike")
_ABOUT = (
    "Files for training, one folder per as-of day below exports/personas: one line per thread or action of each "
    "persona's members, the personas of accounts, a report, a manifest. Nothing that was withdrawn is in them."
)


class PersonaExportsConfig(dg.Config):
    """Which lines are written."""

    targets: Literal["any", "kept_accounts"] = Field(
        default="any",
        description="Which posts a line may be about. any: every post of the window that counts by the "
        "rules of the personas. kept_accounts: those by members of personas only. Posts from before the window are "
        "unknown.",
    )


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The table and the files as one asset over one lake."""
    upstream = {PERSONAS, PROFILES, *(name for each in INPUTS for name in upstreams(input_file(f"{NAME}_{each}")))}

    @dg.multi_asset(
        name="export_personas",
        outs={
            NAME: out(lake, NAME),
            FILES: dg.AssetOut(
                key=FILES,
                dagster_type=dg.Nothing,
                description=_ABOUT,
                group_name=group(NAME),
                kinds={"python", "json"},
            ),
        },
        ins=ins(lake, NAME, sorted(upstream)),
        **common(lake),
    )
    def persona_exports(
        context: dg.AssetExecutionContext, config: PersonaExportsConfig, **refs: TableRef
    ) -> Iterator[dg.Output[Any]]:
        from sm_assets.defs.persona_export import export_personas, publish_folder  # loads kernels

        days = days_with_input(NAME, [refs[PERSONAS]], partition_days(list(context.partition_keys)))
        with lake.workspace("persona-exports") as folder, lake.connect() as con:
            results = Results(folder)
            for day in days:
                record = required_record(lake, PERSONAS, day)
                staged = folder / str(day)
                staged.mkdir()
                window = snapshot_refs(refs.values(), day, lake.settings.window_days)
                results.add(NAME, export_personas(con, lake, window, day, record, config.targets, staged))
            # Only now: a day that fails leaves the folders of all days as their table has them.
            written = [lake.uri(publish_folder(lake, day, folder / str(day))) for day in days]
            yield dg.Output(Rows(results.relation(con, NAME), days), NAME)
        shown = "\n".join(f"- `{path}`" for path in written) or "no day: no snapshot of personas is there"
        yield dg.Output(None, FILES, metadata={"folders": dg.MetadataValue.md(shown)})

    made: dg.AssetsDefinition = persona_exports
    return made
