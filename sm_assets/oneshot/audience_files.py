"""Result files of a one-shot search for audiences: tables as CSV or Parquet, the graph as GEXF.

Here: which files, checked before the work. Not here: writing a table in one step (`result_files`), the document
(`sm_assets.analysis.gexf`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.errors import OptionError
from sm_assets.oneshot.audiences import AudienceOptions, FoundAudiences
from sm_assets.oneshot.result_files import check_targets, write_table

FORMATS: Final = ("csv", "parquet")
GEXF_NAME: Final = "graph.gexf"
_MAX_MAPPED: Final = 20_000
_NAMES: Final = ("communities", "members", "overlap", "search")


def graph(found: FoundAudiences) -> bytes:
    """All influencers and significant pairs as GEXF for Gephi; with coordinates up to 20,000 influencers."""
    from sm_assets.analysis.gexf import gexf
    from sm_assets.analysis.graph_layout import layout

    members, places = found.members, []
    for platform in members["platform"].unique().to_pylist():
        own = members.filter(pc.equal(members["platform"], platform))
        edges = found.pairs.filter(pc.equal(found.pairs["platform"], platform))
        ids = own["account_id"].combine_chunks()
        ends = [pc.index_in(edges[name], value_set=ids).to_numpy() for name in ("account_id_a", "account_id_b")]
        homes = own["community_id"].combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy()
        if len(own) > _MAX_MAPPED:
            places.append(np.full((len(own), 2), np.nan))
        else:
            places.append(layout(len(own), ends[0], ends[1], edges["jaccard"].to_numpy(), homes))
    spots = np.concatenate(places) if places else np.zeros((0, 2))
    for at, name in enumerate("xy"):
        members = members.append_column(name, pa.array(spots[:, at], pa.float64(), from_pandas=True))
    return gexf(members, found.pairs)


def output_paths(
    folder: Path, inputs: Sequence[Path], options: AudienceOptions, form: str, *, gexf: bool
) -> list[Path]:
    """The files that will be written into a folder.

    Raises:
        OptionError: they could not be.
    """
    names = [f"{name}.{form}" for name in _NAMES if options.seeds or name != "search"] + [GEXF_NAME] * gexf
    targets = [folder / name for name in names]
    if folder.is_dir():
        check_targets(targets, inputs)
    elif folder.exists():
        raise OptionError(f"{folder}: is no folder; give the name of one, or --output-path for a single file.")
    else:
        above = folder.absolute().parent
        if not above.is_dir() or not os.access(above, os.W_OK):
            raise OptionError(f"{folder}: cannot be made, {above} does not exist or may not be written to.")
    return targets


def write_tables(found: FoundAudiences, targets: Sequence[Path]) -> None:
    """Write what `output_paths` listed, each file replaced only when it is whole.

    Raises:
        OptionError: a file could not be written.
    """
    for target in targets:
        target.parent.mkdir(exist_ok=True)
        if target.name == GEXF_NAME:
            part = target.with_name(f".{target.name}.tmp")
            part.write_bytes(graph(found))
            part.replace(target)
        else:
            write_result(getattr(found, target.stem), target)


def write_result(table: pa.Table, path: Path) -> None:
    """Write one table; in CSV, lists become JSON arrays: names may hold any mark that could divide them.

    Raises:
        OptionError: the file could not be written.
    """
    if path.suffix != ".parquet":
        for at, column in enumerate(table.schema):
            if pa.types.is_list(column.type):
                lists = table[column.name].to_pylist()
                texts = [None if parts is None else json.dumps(parts, ensure_ascii=False) for parts in lists]
                table = table.set_column(at, column.name, pa.array(texts, pa.string()))
    write_table(table, path)
