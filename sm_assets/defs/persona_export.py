"""The export of personas: lines for training, one file per persona, with a manifest beside them.

Here: one as-of day as a folder of files and the rows that count its lines. Not here: which event becomes a line
(`sm_assets.analysis.persona_lines`), the asset (`assets.persona_exports`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.numbering import places_of
from sm_assets.analysis.parameters import params_hash
from sm_assets.analysis.persona_lines import (
    ACTION_KINDS,
    CONTENTS,
    EVENTS,
    LOSSES,
    Contents,
    Targets,
    action_lines,
    chain_lines,
    no_counts,
    user_ids,
)
from sm_assets.analysis.persona_report import persona_report
from sm_assets.contracts.text_columns import LINE_KINDS
from sm_assets.defs.clustering_record import PERSONAS, ClusteringRecord
from sm_assets.defs.exposure_record import EXPOSURES, ExposureRecord, exposure_record
from sm_assets.defs.sql import input_file, open_select
from sm_assets.defs.text_rules import register
from sm_assets.errors import UnlikeSnapshots
from sm_assets.storage import Lake, TableRef
from sm_assets.storage.folders import replace_folder

TABLE: Final = "out_persona_exports"
PROFILES: Final = "out_persona_profiles"
FORMAT: Final = 1
"""Version of the folder's layout, in the manifest."""
_CHAIN_ORDER: Final = "persona_id, first_account_id, first_posted_at, chain_id, platform, position"
_EVENT_ORDER: Final = "persona_id, account_id, acted_at, record_id, platform"
_IN_THREADS: Final = pa.array(["post", "reply"])
_BATCH: Final = 32_768
Counts = dict[int, npt.NDArray[np.int64]]


def export_personas(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    window: list[TableRef],
    day: date,
    record: ClusteringRecord,
    targets: Targets,
    folder: Path,
) -> pa.Table:
    """Write the files of one as-of day.

    Args:
        con: an open connection.
        lake: the data root.
        window: references to all that the export reads, cut to the snapshot.
        day: the as-of day.
        record: what stands behind the personas.
        targets: posts that lines may be about.
        folder: an empty folder in a workspace.

    Returns:
        rows of out_persona_exports.

    Raises:
        UnlikeSnapshots: personas were made again, and what is made from them was not.
    """
    register(con, record.rules)
    members = {ref.table: lake.register(con, ref) for ref in window}[PERSONAS].filter("persona_id is not null")
    table = members.select("platform, account_id, persona_id").order("platform, account_id").to_arrow_table()
    prefixed = len(table["platform"].unique()) > 1
    counts: Counts = {number: no_counts() for number in sorted(table["persona_id"].unique().to_pylist())}
    estimated = exposure_record(lake, day)
    _check_alike(con, lake, window, day, counts, estimated)
    files = _Files(folder)
    for number in counts:
        files.append(_file(number), b"", 0)
    files.append("user_clusters.json", _user_clusters(table, prefixed), 1)
    for number, n_left_out in (estimated.over_cap if estimated else {}).items():
        counts[number][LINE_KINDS.index("ignore"), [0, -1]] = n_left_out
    _write_lines(con, lake, window, targets, prefixed, files, counts)
    parameters = {"targets": targets}
    exposures = estimated.made_by() if estimated else None
    made_by = params_hash(parameters | {"of": record.params_hash, "exposures": exposures})
    profiles = lake.register(con, next(ref for ref in window if ref.table == PROFILES)).order("persona_id")
    report = persona_report(profiles.to_arrow_table())
    files.append("report.md", report.encode(), report.count("\n"))
    manifest = {
        "format": FORMAT,
        "as_of": str(day),
        "window_from": str(day - timedelta(days=lake.settings.window_days - 1)),
        "user_id": "platform:account_id" if prefixed else "account_id",
        "params_hash": made_by,
        "parameters": parameters,
        "clustering": {
            "params_hash": record.params_hash,
            "embedder_id": record.embedder_id,
            "rules": record.rules.told(),
            "parameters": record.parameters,
        },
        "exposures": exposures,
        "personas": {str(number): _told(counts[number]) for number in counts},
        "files": files.told(),
    }
    text = json.dumps(manifest, ensure_ascii=True, indent=1, sort_keys=True) + "\n"
    (folder / "manifest.json").write_text(text, encoding="ascii")
    return _rows(counts, made_by, day)


def publish_folder(lake: Lake, day: date, folder: Path) -> str:
    """Put a day's finished files in the place of those that are there; the path of the folder."""
    return replace_folder(lake, folder, "exports", "personas", f"day={day}")


def _check_alike(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    window: list[TableRef],
    day: date,
    counts: Counts,
    estimated: ExposureRecord | None,
) -> None:
    """Refuse to count threads, exposures and profiles of other personas than those that are there."""
    unlike = dict(open_select(con, lake, _input("unlike"), window, []).fetchall())
    if unknown := set(estimated.over_cap if estimated else ()) - set(counts):
        unlike.setdefault(EXPOSURES, len(unknown))
    if unlike:
        names = sorted(unlike)
        found = ", ".join(f"{unlike[name]:,} rows of {name}" for name in names)
        raise UnlikeSnapshots(
            f"{found} on {day} are about other personas than {PERSONAS} holds: it was made again, they were not. "
            f"Materialise {', '.join(names)} for {day} again, then the export."
        )


def _write_lines(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    window: list[TableRef],
    targets: Targets,
    prefixed: bool,
    files: _Files,
    counts: Counts,
) -> None:
    """Threads, then what was done, persona by persona, in batches."""
    chains = open_select(con, lake, _input("chains"), window, [])
    for number, threads in _by_persona(_sorted(chains, _CHAIN_ORDER), whole_threads=True):
        lines = chain_lines(threads, prefixed=prefixed)
        files.append(_file(number), lines.data, lines.n_lines)
        counts[number][0, 1] += lines.counts[0, 1]
    contents = Contents(_named_posts(con, lake, window, counts), targets=targets)
    events = open_select(con, lake, _input("events"), window, [])
    # Section by section, the order of the files: the engine sorts a part at a time.
    for kind in ACTION_KINDS:
        of_kind = events.filter(f"line_kind = '{kind}'")
        for number, of_persona in _by_persona(_sorted(of_kind, _EVENT_ORDER)):
            lines = action_lines(of_persona.select(EVENTS.names), contents, prefixed=prefixed)
            files.append(_file(number), lines.data, lines.n_lines)
            counts[number] += lines.counts


def _named_posts(con: duckdb.DuckDBPyConnection, lake: Lake, window: list[TableRef], counts: Counts) -> pa.Table:
    """Posts that events may be about: those that are named, or written by accounts that are.

    Picked out here, because the engine would hold all texts of the window to look for those it wants. On the way the
    posts and replies are counted that threads must hold.
    """
    named = open_select(con, lake, _input("named"), window, []).to_arrow_table()
    post, account = (np.sort(named[name].drop_null().to_numpy()) for name in ("post_hash", "account_hash"))
    picked = [CONTENTS.empty_table()]
    for batch in open_select(con, lake, _input("contents"), window, []).to_arrow_reader(_BATCH):
        is_named = places_of(batch["post_hash"].to_numpy(), post) >= 0
        wanted = is_named | (places_of(batch["account_hash"].to_numpy(), account) >= 0)
        said = batch.filter(pc.and_(batch["is_eligible"], pc.is_in(batch["post_kind"], _IN_THREADS)))["persona_id"]
        for number, n in enumerate(np.bincount(said.drop_null().to_numpy())):
            if n:
                counts[number][0, 0] += n
        picked.append(pa.Table.from_batches([batch.select(CONTENTS.names).filter(pa.array(wanted))]))
    return pa.concat_tables(picked)


def _sorted(rows: duckdb.DuckDBPyRelation, order: str) -> pa.RecordBatchReader:
    return rows.order(order).to_arrow_reader(_BATCH)


def _by_persona(reader: pa.RecordBatchReader, *, whole_threads: bool = False) -> Iterator[tuple[int, pa.Table]]:
    """Pieces of rows that are sorted by persona: each of one persona, and no thread in two of them."""
    carried: list[pa.RecordBatch] = []
    for batch in reader:
        persona = batch["persona_id"].to_numpy()
        cuts = np.flatnonzero(np.diff(persona, prepend=-1 if not carried else carried[-1]["persona_id"][0].as_py()))
        if whole_threads and len(batch):
            # The last thread may go on in the next batch.
            begins = np.flatnonzero(batch["position"].to_numpy() == 0)
            cuts = np.union1d(cuts, begins[-1:])
        elif not whole_threads:
            cuts = np.append(cuts, len(batch))
        start = 0
        for cut in cuts:
            carried.append(batch.slice(start, cut - start))
            yield from _joined(carried)
            carried, start = [], int(cut)
        if start < len(batch):
            carried.append(batch.slice(start))
    yield from _joined(carried)


def _joined(pieces: list[pa.RecordBatch]) -> Iterator[tuple[int, pa.Table]]:
    filled = [piece for piece in pieces if len(piece)]
    if filled:
        yield filled[0]["persona_id"][0].as_py(), pa.Table.from_batches(filled)


class _Files:
    """Files that grow by pieces, with what the manifest tells of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._digests: dict[str, Any] = {}
        self._sizes: dict[str, list[int]] = {}

    def append(self, name: str, data: bytes, n_lines: int) -> None:
        """Add to a file; the first time it is made."""
        # Opened anew each time: there may be more personas than files that can be open at once.
        with (self._folder / name).open("ab") as sink:
            sink.write(data)
        self._digests.setdefault(name, hashlib.sha256()).update(data)
        size = self._sizes.setdefault(name, [0, 0])
        size[0] += len(data)
        size[1] += n_lines

    def told(self) -> dict[str, dict[str, Any]]:
        """Bytes, lines and SHA-256 of each file."""
        return {
            name: {"bytes": size[0], "lines": size[1], "sha256": self._digests[name].hexdigest()}
            for name, size in self._sizes.items()
        }


def _file(persona_id: int) -> str:
    return f"cluster_{persona_id}.jsonl"


def _input(name: str) -> Path:
    return input_file(f"{TABLE}_{name}")


def _user_clusters(members: pa.Table, prefixed: bool) -> bytes:
    users = user_ids(members["platform"], members["account_id"], prefixed).to_pylist()
    told = dict(zip(users, members["persona_id"].to_pylist(), strict=True))
    return (json.dumps(told, ensure_ascii=True) + "\n").encode("ascii")


def _told(counts: npt.NDArray[np.int64]) -> dict[str, dict[str, int]]:
    """Counts of each kind of line that has any."""
    names = ("n_events", "n_lines", *LOSSES)
    return {
        kind: {name: int(n) for name, n in zip(names, row, strict=True) if n or name in names[:2]}
        for kind, row in zip(LINE_KINDS, counts, strict=True)
        if row.any()
    }


def _rows(counts: Counts, made_by: str, day: date) -> pa.Table:
    """Rows of out_persona_exports."""
    all_counts = np.array([counts[number] for number in counts], np.int64).reshape(-1, 2 + len(LOSSES))
    n = len(all_counts)
    return pa.table(
        {
            "persona_id": pa.array(np.repeat(np.array([*counts], np.int32), len(LINE_KINDS))),
            "line_kind": pa.array([*LINE_KINDS] * len(counts), pa.string()),
            **{name: all_counts[:, k] for k, name in enumerate(("n_events", "n_lines", *LOSSES))},
            "params_hash": pa.repeat(pa.scalar(made_by), n),
            "day": pa.repeat(pa.scalar(day), n),
        }
    )
