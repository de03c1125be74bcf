"""Whole processes measured from outside: CPU seconds (user + system) and peak memory, interpreter start included.

Here: measuring and the inputs to measure on. Not here: any claim.
"""

from __future__ import annotations

import csv
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# A generator of CrowdTangle exports with planted networks, where one lies beside the checkout; elsewhere the demo
# world serves.
GENERATOR = ROOT.parent / "shared" / "tools" / "gen_crowdtangle.py"


# The generator holds all rows of a set in memory: larger sets are made of parts.
PART = 100_000


@dataclass(frozen=True)
class Run:
    """Median CPU seconds and the largest peak memory of some runs of one command."""

    cpu_s: float
    peak_mib: float
    cpu_all: tuple[float, ...]

    def as_json(self) -> dict[str, object]:
        """For printing."""
        return {
            "cpu_s": round(self.cpu_s, 3),
            "peak_mib": round(self.peak_mib, 1),
            "runs": [round(t, 3) for t in self.cpu_all],
        }


def once(command: Sequence[str]) -> tuple[float, float]:
    """(CPU seconds, peak MiB) of one process; its output is thrown away.

    Raises:
        SystemExit: the command failed.
    """
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=ROOT, env=environment)
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{errors.decode()}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measure(command: Sequence[str], repeats: int) -> Run:
    """Run a command once to warm up and `repeats` times for the figures."""
    if repeats > 1:
        once(command)
    runs = [once(command) for _ in range(repeats)]
    return Run(statistics.median(cpu for cpu, _ in runs), max(peak for _, peak in runs), tuple(cpu for cpu, _ in runs))


def export_set(
    folder: Path, pages: int, seed: int, *, mean_posts: float = 20, files: int = 4, generator: Path = GENERATOR
) -> Path:
    """A folder with `*.csv` exports and truth.csv (nameid, network), made if it is not there.

    network: number of the planted network, -1 organic, -2 aggregator.
    """
    target = folder / f"pages{pages}_seed{seed}_posts{mean_posts:g}"
    if (target / "truth.csv").exists():
        return target
    target.mkdir(parents=True, exist_ok=True)
    if generator.is_file() and pages > PART:
        join_parts(folder, target, pages, seed, mean_posts, generator)
        return target
    if generator.is_file():
        subprocess.run(
            [
                sys.executable,
                generator,
                "--pages",
                str(pages),
                "--seed",
                str(seed),
                "--files",
                str(files),
                "--mean-posts",
                str(mean_posts),
                "--out",
                target,
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return target
    plant_demo_world(target, pages, seed)
    return target


def join_parts(folder: Path, target: Path, pages: int, seed: int, mean_posts: float, generator: Path) -> None:
    """A large set out of several; the pages and networks of each part get names and numbers of their own."""
    networks = 0
    truth: list[tuple[str, int]] = []
    for part, start in enumerate(range(0, pages, PART)):
        source = export_set(folder, min(PART, pages - start), seed + part, mean_posts=mean_posts, generator=generator)

        def own(text: str, part: int = part) -> str:
            text = re.sub(r"\bpage\.(\d{6})", rf"page{part}.\1", text)
            return re.sub(r"\b1000(\d{11})\b", rf"1{part}00\1", text)

        for path in sorted(source.glob("ct_*.csv")):
            with (
                path.open(encoding="utf-8", newline="") as old,
                (target / f"part{part}_{path.name}").open("w", encoding="utf-8", newline="") as new,
            ):
                for line in old:
                    new.write(own(line))
        with (source / "truth.csv").open(encoding="utf-8", newline="") as file:
            rows = [(own(name), int(network)) for name, network in list(csv.reader(file))[1:]]
        truth += [(name, network + networks if network >= 0 else network) for name, network in rows]
        networks += max(network for _, network in rows) + 1
    with (target / "truth.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("nameid", "network"), *truth])


def plant_demo_world(target: Path, pages: int, seed: int) -> None:
    """The demo world's exports and its truth in the generator's form."""
    from sm_assets.demo import World

    world = World(seed, pages / 600)
    with tempfile.TemporaryDirectory(dir=target) as folder:
        for path in world.write(Path(folder), sources=("crowdtangle",)):
            # Exports of pages only: the clustering is about them.
            if "landing" in path.parts and b"Page Name" in path.read_bytes()[:200]:
                path.rename(target / path.name)
    kinds = {"organic": -1, "aggregator": -2}
    with (target / "truth.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("nameid", "network"))
        for row in world.truth_accounts().to_pylist():
            if row["account_kind"] == "page":
                network = kinds.get(row["kind"], -1) if row["network"] is None else row["network"]
                writer.writerow((row["handle"] or row["account_id"], network))
