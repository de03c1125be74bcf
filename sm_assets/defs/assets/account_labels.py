"""feat_account_labels, feat_account_label_rejects: what people say of accounts, from the files below labels/.

Here: the assets and their parameter. Not here: reading files (`sm_assets.defs.label_files`), judging rows
(`sm_assets.analysis.labels`).
"""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import partial
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from sm_assets.analysis.labels import LABELS, REJECTS, Judged, account_of, judge
from sm_assets.defs.assets.declare import common, ins, out
from sm_assets.defs.io import Rows
from sm_assets.defs.label_files import LabelFiles, read_label_files, refuse_vanished
from sm_assets.defs.metadata import small_table
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import RUN_SETTINGS, input_file, open_select, upstreams
from sm_assets.storage import Lake, TableRef

_INPUT = input_file(LABELS)


class LabelsConfig(dg.Config):
    """What a run may do with the label files."""

    accept_vanished: bool = Field(
        default=False, description="Drop labels whose file is gone. Off: fail and name the file."
    )


def asset(lake: Lake) -> dg.AssetsDefinition:
    """Both tables over one lake."""

    @dg.multi_asset(
        name="take_in_labels",
        ins=ins(lake, LABELS, upstreams(_INPUT)),
        outs={name: out(lake, name) for name in (LABELS, REJECTS)},
        **common(lake),
    )
    def take_in_labels(
        context: dg.AssetExecutionContext, config: LabelsConfig, **refs: TableRef
    ) -> Iterator[dg.Output[Rows]]:
        asked = partition_days(list(context.partition_keys))
        files = read_label_files(lake)
        if not config.accept_vanished:
            refuse_vanished(lake, files, asked)
        judged = judge(files.rows, _known(lake, files, list(refs.values())))
        told = _told(files, judged, asked)
        tables = {LABELS: judged.labels, REJECTS: judged.rejects}
        # Days made before are made again: an account that is gone takes its labels along.
        spoken = {day for name, rows in tables.items() for day in (*rows["day"].to_pylist(), *lake.days(name))}
        days = sorted(spoken.intersection(asked))
        for name, rows in tables.items():
            of_days = rows.filter(pc.is_in(rows["day"], pa.array(days, pa.date32())))
            counts = judged.counts_of(days) if name == LABELS else {}
            feeds = {day: files.told(judged.fed.get(day, ())) for day in days} if name == LABELS else {}
            yield dg.Output(
                Rows(of_days, days, counts, bool(counts), metadata=told, file_metadata=partial(_fed, feeds)), name
            )

    return take_in_labels


def _fed(feeds: Mapping[date, Mapping[str, str]], day: date) -> Mapping[str, str]:
    return feeds.get(day, {})


def _known(lake: Lake, files: LabelFiles, refs: list[TableRef]) -> set[tuple[str, str]]:
    named = sorted({account_of(row) for row in files.rows})
    with lake.connect() as con:
        columns = [pa.array([pair[n] for pair in named], pa.string()) for n in range(2)]
        con.register(RUN_SETTINGS, pa.table(columns, ["platform", "account_id"]))
        return set(open_select(con, lake, _INPUT, refs, []).fetchall())


def _told(files: LabelFiles, judged: Judged, asked: list[date]) -> dict[str, Any]:
    """Of all files, whatever days were asked for: names of files and attributes, never what a cell holds."""
    outside = sum(day < asked[0] or day > asked[-1] for day in judged.labels["day"].to_pylist())
    told: dict[str, Any] = {"files": len(files.sha256), "labels_of_other_days": outside}
    if judged.labels.num_rows:
        told["labels"] = small_table(judged.by_attribute())
    if judged.rejects.num_rows:
        told["rejected"] = small_table(judged.by_reason())
    if files.ignored:
        told["files_ignored"] = ", ".join(files.ignored)
    return told
