"""Speed and memory of the way from landing to core against DuckDB on the same files, as JSON.

    python benchmarks/bench_ingest.py [--events 1000000] [--pages 60000] [--repeats 5] [--folder DIR] [--only PART ...]

Every figure is the CPU time (user + system) and the peak memory of a whole process, interpreter start included, one
thread, warm file cache; the median of --repeats runs. Parts:

- reading: the source's reader, rejects, checks and rules of time included, drained as Arrow batches, over a bare DuckDB
  read_csv or read_json of the same columns, drained the same way. Bars: 2.0 for CSV, 2.5 for JSON lines.
- converting: landing file to published directory under lake/_ingest over DuckDB's own COPY (bare read) TO Parquet with
  the same writer settings. The same bars.
- rejects: converting a file of which 1 % of the lines are broken over converting the clean one. Bar: 1.5.
- memory: converting one file repeated 1, 10 and 30 times; the peaks may differ by less than 64 MiB.
- chain: all assets from landing to core in one process, in events a minute and core. Bar: 1 million.
- growth: the chain over one fifth of the events and over all of them; linear is 1.
- edges: follower files as npy, Parquet and text over numpy and DuckDB reading the same two columns, ids as text as ours
  are. Bars: 1.5, 1.5, 2.0.
- again: a second run over unchanged files; it converts nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from measure import GENERATOR, Run, export_set, measure

DAYS = 3
_JSON_COLUMNS = {
    "did": "VARCHAR",
    "time_us": "BIGINT",
    "kind": "VARCHAR",
    "commit": (
        "STRUCT(rev VARCHAR, operation VARCHAR, collection VARCHAR, rkey VARCHAR, cid VARCHAR, "
        'record STRUCT("$type" VARCHAR, "createdAt" VARCHAR, text VARCHAR, langs JSON, tags JSON, facets JSON, '
        "embed JSON, labels JSON, reply STRUCT(parent STRUCT(uri VARCHAR), root STRUCT(uri VARCHAR)), subject JSON, "
        '"displayName" VARCHAR, description VARCHAR))'
    ),
    "identity": "STRUCT(did VARCHAR, handle VARCHAR, seq BIGINT, time VARCHAR)",
    "account": "STRUCT(did VARCHAR, active BOOLEAN, status VARCHAR, seq BIGINT, time VARCHAR)",
}
_BARE_JSON = (
    "select * from read_json('{path}', format = 'newline_delimited', columns = "
    + repr(_JSON_COLUMNS).replace("{", "{{").replace("}", "}}")
    + ")"
)
_BARE_CSV = (
    "select * from read_csv('{path}', all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"')"
)
_BARE_EDGES = (
    "select * from read_csv('{path}', header = true, delim = ',', columns = {{'follower': 'VARCHAR', "
    "'influencer': 'VARCHAR'}})"
)
_DRAIN = """
import duckdb
con = duckdb.connect(config={{"threads": 1}})
for batch in con.sql({sql!r}).to_arrow_reader(32768):
    len(batch)
"""
_COPY = """
import duckdb
con = duckdb.connect(config={{"threads": 1}})
con.execute("copy (" + {sql!r} + ") to '{target}' (format parquet, compression zstd, compression_level 1, "
            "row_group_size 32768)")
"""
_READ = """
from pathlib import Path
from sm_assets.sources import SOURCES
from sm_assets.sources.reading import ReadOptions
import pyarrow as pa
pa.set_cpu_count(1)
with SOURCES[{source!r}].load().open_file(Path({path!r}), ReadOptions(place={place!r})) as reader:
    for chunk in reader:
        sum(map(len, chunk.records.values()))
"""
_CONVERT = """
import shutil, tempfile
from pathlib import Path
import pyarrow as pa
pa.set_cpu_count(1)
from sm_assets.settings import Settings
from sm_assets.sources.intake import take_in
from sm_assets.storage import Lake
with tempfile.TemporaryDirectory(dir={folder!r}) as root:
    landing = Path(root) / "landing" / {source!r}
    landing.mkdir(parents=True)
    for path in {paths!r}:
        (landing / Path(path).name).hardlink_to(path)
    lake = Lake(Settings(data_root=root, threads=1))
    found = take_in(lake, {source!r})
    assert found.files and not found.unknown and not found.unusable, (found.unknown, found.unusable)
    if {again!r}:
        assert not take_in(lake, {source!r}).converted
"""
_CHAIN = """
import tempfile, json, time, resource
from datetime import date
from pathlib import Path
import dagster as dg
import pyarrow as pa
pa.set_cpu_count(1)
from sm_assets.contracts import TABLES
from sm_assets.defs.run import materialise_range
from sm_assets.settings import Settings
from sm_assets.sources.intake import manifests
from sm_assets.storage import Lake
with tempfile.TemporaryDirectory(dir={folder!r}) as root:
    landing = Path(root) / "landing" / "bluesky"
    landing.mkdir(parents=True)
    for path in {paths!r}:
        (landing / Path(path).name).hardlink_to(path)
    settings = Settings(data_root=root, threads=1, start_day=date(2020, 1, 1))
    tables = [name for name, table in TABLES.items() if table.layer in ("raw", "stg", "core")]
    with dg.DagsterInstance.ephemeral() as instance:
        assert materialise_range(settings, date({first!r}), date({last!r}), tables=tables, instance=instance,
                                 raise_on_error=True, log_level="ERROR")
"""


def script(template: str, **values: object) -> list[str]:
    """A command that runs a template."""
    return [sys.executable, "-c", template.format(**values)]


def ratio(ours: Run, peer: Run, bar: float) -> dict[str, object]:
    """Both figures and what they say."""
    found = ours.cpu_s / peer.cpu_s
    return {"ours": ours.as_json(), "peer": peer.as_json(), "ratio": round(found, 2), "bar": bar, "met": found <= bar}


class Inputs:
    """Generated files, made once in a folder."""

    def __init__(self, folder: Path, events: int, pages: int) -> None:
        self.folder, self.events, self.pages = folder, events, pages

    def jetstream(self, events: int | None = None) -> Path:
        """A capture of so many events."""
        from sm_assets.demo.bluesky import write_jetstream

        path = self.folder / f"events{events or self.events}.jsonl"
        if not path.exists():
            write_jetstream(path, events or self.events, seed=7, days=DAYS)
        return path

    def broken(self) -> Path:
        """The capture with each hundredth line cut."""
        path = self.folder / f"broken{self.events}.jsonl"
        if not path.exists():
            with self.jetstream().open("rb") as source, path.open("wb") as sink:
                for number, line in enumerate(source):
                    sink.write(line if number % 100 else line[: len(line) // 2] + b"\n")
        return path

    def repeated(self, times: int) -> Path:
        """A tenth of the capture, so many times over."""
        path = self.folder / f"repeated{times}.jsonl"
        if not path.exists():
            data = self.jetstream(self.events // 10).read_bytes()
            with path.open("wb") as sink:
                for _ in range(times):
                    sink.write(data)
        return path

    def export(self) -> Path:
        """One CrowdTangle export of all columns."""
        path = self.folder / f"export{self.pages}.csv"
        if not path.exists():
            parts = sorted(export_set(self.folder, self.pages, 7, generator=GENERATOR).glob("*ct_*.csv"))
            with path.open("wb") as sink:
                for number, part in enumerate(parts):
                    with part.open("rb") as source:
                        head = source.readline()
                        if not number:
                            sink.write(head)
                        while block := source.read(1 << 20):
                            sink.write(block)
        return path

    def edges(self) -> dict[str, Path]:
        """The same follows as npy, Parquet and text."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.csv as pc
        import pyarrow.parquet as pq

        paths = {kind: self.folder / f"edges.{kind}" for kind in ("npy", "parquet", "csv")}
        if not all(path.exists() for path in paths.values()):
            pairs = np.random.default_rng(7).integers(1, 2_000_000, (5 * self.events, 2))
            pairs = pairs[pairs[:, 0] != pairs[:, 1]]
            np.save(paths["npy"], pairs)
            table = pa.table({"follower": pairs[:, 0], "influencer": pairs[:, 1]})
            pq.write_table(table, paths["parquet"])
            pc.write_csv(table, paths["csv"])
        return paths


def reading(inputs: Inputs, repeats: int) -> dict[str, object]:
    """Readers over bare reads."""
    export, events = str(inputs.export()), str(inputs.jetstream())
    return {
        "csv": ratio(
            measure(script(_READ, source="crowdtangle", path=export, place="crowdtangle/x.csv"), repeats),
            measure(script(_DRAIN, sql=_BARE_CSV.format(path=export)), repeats),
            2.0,
        ),
        "json": ratio(
            measure(script(_READ, source="bluesky", path=events, place="bluesky/x.jsonl"), repeats),
            measure(script(_DRAIN, sql=_BARE_JSON.format(path=events)), repeats),
            2.5,
        ),
    }


def converting(inputs: Inputs, repeats: int) -> dict[str, object]:
    """Conversions over COPY."""
    found = {}
    for name, source, path, bare, bar in (
        ("csv", "crowdtangle", inputs.export(), _BARE_CSV, 2.0),
        ("json", "bluesky", inputs.jetstream(), _BARE_JSON, 2.5),
    ):
        target = inputs.folder / "copied.parquet"
        found[name] = ratio(
            measure(
                script(_CONVERT, source=source, paths=[str(path)], folder=str(inputs.folder), again=False), repeats
            ),
            measure(script(_COPY, sql=bare.format(path=path), target=target), repeats),
            bar,
        )
    return found


def _converted(inputs: Inputs, path: Path, repeats: int, *, again: bool = False) -> Run:
    return measure(
        script(_CONVERT, source="bluesky", paths=[str(path)], folder=str(inputs.folder), again=again), repeats
    )


def rejects(inputs: Inputs, repeats: int) -> dict[str, object]:
    """What 1 % of broken lines costs."""
    return ratio(_converted(inputs, inputs.broken(), repeats), _converted(inputs, inputs.jetstream(), repeats), 1.5)


def memory(inputs: Inputs, _: int) -> dict[str, object]:
    """Peaks of conversion by size."""
    peaks = {times: _converted(inputs, inputs.repeated(times), 1).peak_mib for times in (1, 10, 30)}
    spread = max(peaks.values()) - min(peaks.values())
    return {"peak_mib": peaks, "spread_mib": round(spread, 1), "met": spread < 64 and max(peaks.values()) <= 1024}


def _chain(inputs: Inputs, path: Path, repeats: int) -> Run:
    from sm_assets.demo.world import FIRST_DAY

    # Deletes and late receipts may lie a day behind the capture's last.
    ends = (FIRST_DAY - timedelta(days=1), FIRST_DAY + timedelta(days=DAYS))
    first, last = ((day.year, day.month, day.day) for day in ends)
    text = _CHAIN.replace("date({first!r})", f"date(*{first})").replace("date({last!r})", f"date(*{last})")
    return measure(script(text, paths=[str(path)], folder=str(inputs.folder)), repeats)


def chain(inputs: Inputs, repeats: int) -> dict[str, object]:
    """Landing to core."""
    run = _chain(inputs, inputs.jetstream(), min(repeats, 3))
    rate = inputs.events / run.cpu_s * 60
    return {**run.as_json(), "events_a_minute_and_core": round(rate), "met": rate >= 1e6 and run.peak_mib <= 1024}


def growth(inputs: Inputs, _: int) -> dict[str, object]:
    """The exponent of CPU time from one fifth of the events to all."""
    small, large = inputs.events // 5, inputs.events
    runs = {events: _chain(inputs, inputs.jetstream(events), 1) for events in (small, large)}
    exponent = math.log(runs[large].cpu_s / runs[small].cpu_s) / math.log(large / small)
    return {
        "runs": {events: run.as_json() for events, run in runs.items()},
        "exponent": round(exponent, 2),
        "met": exponent <= 1.1,
    }


def edges(inputs: Inputs, repeats: int) -> dict[str, object]:
    """Follower files over their peers."""
    paths = inputs.edges()
    numpy = (
        "import numpy as np\na = np.load({path!r}, mmap_mode='r')\n"
        "for k in range(0, len(a), 65536):\n    a[k : k + 65536].astype(str)"
    )
    peers = {
        "npy": script(numpy, path=str(paths["npy"])),
        "parquet": script(_DRAIN, sql=f"select columns(*)::varchar from '{paths['parquet']}'"),
        "csv": script(_DRAIN, sql=_BARE_EDGES.format(path=paths["csv"])),
    }
    return {
        kind: ratio(
            measure(script(_READ, source="edges", path=str(path), place=f"edges/x.{kind}"), repeats),
            measure(peers[kind], repeats),
            2.0 if kind == "csv" else 1.5,
        )
        for kind, path in paths.items()
    }


def again(inputs: Inputs, _: int) -> dict[str, object]:
    """A second run over unchanged files; the script fails if it converts anything."""
    return {"converted": 0, **_converted(inputs, inputs.jetstream(), 1, again=True).as_json()}


PARTS: dict[str, Callable[[Inputs, int], dict[str, object]]] = {
    "reading": reading,
    "converting": converting,
    "rejects": rejects,
    "memory": memory,
    "chain": chain,
    "growth": growth,
    "edges": edges,
    "again": again,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--pages", type=int, default=60_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        inputs = Inputs(folder, options.events, options.pages)
        found: dict[str, object] = {"events": options.events, "pages": options.pages}
        for name in options.only:
            found[name] = PARTS[name](inputs, options.repeats)
            print(f"{name} done", file=sys.stderr)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
