"""Speed and memory of `sm-assets cluster-pages`: whole processes against a bare DuckDB scan of the same files, as JSON.

    python benchmarks/bench_cosharing.py [--pages 10000,30000,100000] [--once 300000] [--repeats 3] [--folder DIR]

Every figure is the CPU time (user + system) and the peak memory of a whole process, interpreter start included; the
median of --repeats runs. `ratio_to_scan` is the CPU time over that of DuckDB reading the 14 columns of the same
files, measured in the same run; `exponent` the growth of CPU time between the smallest and the largest set. `crowd`
adds one content that 10,000 accounts carry, each with 4 contents of its own, to the smallest set and gives what that
costs. `original_ratio` compares with the 26 to 29 CPU seconds that the program which this replaces took for 10,000
pages on a 2-core machine (27.5 is used).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from pathlib import Path

from measure import GENERATOR, Run, export_set, measure

METHODS = {"compat_seeded": ("seeded", "compat"), "canonical_linkage": ("linkage", "canonical")}
COLUMNS = (
    "Page Name",
    "User Name",
    "Facebook Id",
    "Page Admin Top Country",
    "Followers at Posting",
    "Post Created",
    "Total Interactions",
    "URL",
    "Link",
    "Message",
    "Final Link",
    "Image Text",
    "Link Text",
    "Description",
)
# The whole scan, as plain as it can be written: every value is read and nothing is kept.
SCAN = """
import duckdb, sys
con = duckdb.connect()
con.execute("set threads = 1")
lengths = ", ".join(f'sum(length("{{name}}"))' for name in {columns!r})
source = "read_csv(?, all_varchar = true, header = true, delim = ',', quote = '\\"', escape = '\\"')"
con.execute(f"select count(*), {{lengths}} from {{source}}", [sys.argv[1:]]).fetchall()
"""
READ = """
import sys
from pathlib import Path
from sm_assets.oneshot.options import READ_COLUMNS
from sm_assets.sources.crowdtangle import PostReader
from sm_assets.sources.crowdtangle_records import ReadOptions
for name in sys.argv[1:]:
    for chunk in PostReader(Path(name), ReadOptions(policy="command", wanted=READ_COLUMNS)).raw_chunks():
        len(chunk)
"""
ORIGINAL_CPU_S = 27.5


def files_of(folder: Path) -> list[str]:
    """The exports of a set, without its truth."""
    return [str(path) for path in sorted(folder.glob("*.csv")) if path.name != "truth.csv"]


def clustering(files: list[str], method: str, mode: str, repeats: int) -> Run:
    """The command over files."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "out.csv")
        command = [sys.executable, "-m", "sm_assets.cli", "cluster-pages", "--method", method, "--content-mode", mode]
        return measure([*command, "--output-path", out, *files], repeats)


def crowd(folder: Path, members: int = 10_000) -> str:
    """An export in which `members` accounts carry one common content and four of their own each."""
    path = folder / f"crowd{members}.csv"
    if not path.exists():
        with path.open("w", encoding="utf-8") as file:
            file.write("Page Name,User Name,Facebook Id,Post Created,Total Interactions,URL,Message\n")
            for k in range(members):
                for post in range(5):
                    text = (
                        "Everybody carries this very same message today"
                        if post == 0
                        else f"Account {k} alone wrote line {post} of this"
                    )
                    url = f"https://www.facebook.com/{9 * 10**14 + k}/posts/{post}"
                    file.write(f"Crowd {k},crowd.{k},{9 * 10**14 + k},2021-09-01 0{post}:00:00 EDT,1,{url},{text}\n")
    return str(path)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    # The demo world, which serves where the generator is missing, has at most 30,000 pages.
    sizes_by_default = "10000,30000,100000" if GENERATOR.is_file() else "10000,30000"
    parser.add_argument("--pages", default=sizes_by_default, help="sizes of the sets (default: %(default)s)")
    parser.add_argument("--once", default="", help="further sizes, measured once each, e.g. 300000")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()) / "sm_assets_bench",
        help="keeps the sets (default: %(default)s)",
    )
    arguments = parser.parse_args()
    sizes = [(int(n), arguments.repeats) for n in arguments.pages.split(",") if n] + [
        (int(n), 1) for n in arguments.once.split(",") if n
    ]
    result: dict[str, object] = {"sets": {}}
    cpu: dict[str, list[tuple[int, float]]] = {name: [] for name in METHODS}
    smallest: dict[str, Run] = {}
    for pages, repeats in sizes:
        files = files_of(export_set(arguments.folder, pages, arguments.seed))
        scan = measure([sys.executable, "-c", SCAN.format(columns=COLUMNS), *files], repeats)
        reading = measure([sys.executable, "-c", READ, *files], repeats)
        row: dict[str, object] = {
            "mb": round(sum(Path(name).stat().st_size for name in files) / 1e6, 1),
            "duckdb_scan": scan.as_json(),
            "reading": {**reading.as_json(), "ratio_to_scan": round(reading.cpu_s / scan.cpu_s, 2)},
        }
        for name, (method, mode) in METHODS.items():
            run = clustering(files, method, mode, repeats)
            smallest.setdefault(name, run)
            cpu[name].append((pages, run.cpu_s))
            row[name] = {**run.as_json(), "ratio_to_scan": round(run.cpu_s / scan.cpu_s, 2)}
            if pages == 10_000:
                row[name]["original_ratio"] = round(ORIGINAL_CPU_S / run.cpu_s, 1)  # type: ignore[index]  # a dict, made above
        result["sets"][str(pages)] = row  # type: ignore[index]  # a dict, made above
        print(f"{pages} pages done", file=sys.stderr)
    result["exponent"] = {
        name: round(math.log(points[-1][1] / points[0][1]) / math.log(points[-1][0] / points[0][0]), 3)
        for name, points in cpu.items()
        if len(points) > 1
    }
    files = [*files_of(export_set(arguments.folder, sizes[0][0], arguments.seed)), crowd(arguments.folder)]
    result["crowd"] = {
        name: {
            "extra_cpu_s": round(
                (run := clustering(files, method, mode, arguments.repeats)).cpu_s - smallest[name].cpu_s, 3
            ),
            "extra_mib": round(run.peak_mib - smallest[name].peak_mib, 1),
        }
        for name, (method, mode) in METHODS.items()
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
