"""How well co-sharing finds planted networks: precision and recall on generated exports, as JSON.

    python benchmarks/cosharing_quality.py                                  the named sets
    python benchmarks/cosharing_quality.py --seeds 31 32 --pages 2000       other seeds
    python benchmarks/cosharing_quality.py --method seeded                  the original's method

Over pairs of accounts in one cluster: precision = pairs of one planted network / all pairs; recall = those / all
planted pairs; reachable = recall of an oracle that joins, inside each planted network, the accounts that shared
contents connect. Of aggregators that carry contents of two or more networks, and of organic accounts: how many were
placed. The oracle reads contents with rules of its own, simpler than the package's.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from sm_assets import cluster_pages

GENERATOR = Path(__file__).resolve().parents[2] / "shared" / "tools" / "gen_crowdtangle.py"
SAME_EVERYWHERE = {"this is a re-share of a post"}
AGGREGATOR, ORGANIC = -2, -1


@dataclass(frozen=True)
class Planted:
    """What is known of an export: the network of each page (-1 organic, -2 aggregator), and what each page carries."""

    network: dict[str, int]
    contents: dict[str, set[str]]


@dataclass(frozen=True)
class Verdict:
    """How clusters compare with planted networks; see the module."""

    precision: float
    recall: float
    reachable: float
    aggregators: int
    aggregators_placed: int
    organic: int
    organic_placed: int


@dataclass(frozen=True)
class Export:
    """One generated export and what is required of its verdict."""

    name: str
    arguments: tuple[str, ...]
    precision: float = 0.96
    recall: float = 0.0
    recall_of_reachable: float = 0.92

    @classmethod
    def of(cls, pages: int, seed: int, *more: str) -> Export:
        """The export with the requirement for its kind."""
        name = " ".join((f"{pages} pages, seed {seed}", *more))
        arguments = ("--pages", str(pages), "--seed", str(seed), *more)
        if "--mean-posts" in more and float(more[more.index("--mean-posts") + 1]) >= 40:
            return cls(name, arguments, precision=0.98, recall=0.94, recall_of_reachable=0.0)
        return cls(name, arguments)

    def met_by(self, verdict: Verdict) -> bool:
        """Whether the verdict is good enough."""
        recall = max(self.recall, self.recall_of_reachable * verdict.reachable)
        return verdict.precision >= self.precision and verdict.recall >= recall


NAMED = (
    Export.of(1000, 7, "--edge-cases"),
    Export.of(3000, 11),
    Export.of(10000, 13),
    *(Export.of(2000, seed) for seed in (21, 22, 23)),
    *(Export.of(2000, seed, "--mean-posts", "40") for seed in (21, 22, 23)),
)


def read_planted(files: Iterable[Path], truth: Path) -> Planted:
    """Networks and contents by page: handle, or else Facebook Id."""
    contents: dict[str, set[str]] = defaultdict(set)
    for file in files:
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as source:
            for row in csv.DictReader(source):
                whole = {name: row[name] or "" for name in row if name}
                contents[whole["User Name"] or whole["Facebook Id"]] |= _contents(whole)
    with truth.open(encoding="utf-8", newline="") as source:
        network = {row["nameid"]: int(row["network"]) for row in csv.DictReader(source)}
    return Planted(network, contents)


def _contents(row: dict[str, str]) -> set[str]:
    found = {
        f"text:{_folded(row['Message'])}",
        f"image:{_folded(row['Image Text'])}",
        f"link:{_link(row['Final Link']) or _link(row['Link'])}",
    }
    return {content for content in found if not content.endswith(":")}


def _folded(text: str) -> str:
    text = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return "" if text in SAME_EVERYWHERE or len(re.findall(r"[^\W_]", text)) < 20 else text


def _link(url: str) -> str:
    parts = urlsplit(url.strip())
    host = parts.netloc.lower().removeprefix("www.")
    if not host or host.endswith("facebook.com"):
        return ""
    query = sorted((k, v) for k, v in parse_qsl(parts.query) if not k.startswith("utm") and k != "fbclid")
    return f"{host}{parts.path.rstrip('/')}?{query}"


def judge(planted: Planted, cluster: dict[str, int]) -> Verdict:
    """Compare the clusters found (page -> number) with the networks planted."""
    network = planted.network
    placed = {page: number for page, number in cluster.items() if page in network}
    together = _pairs(placed.values())
    right = _pairs((number, network[page]) for page, number in placed.items() if network[page] >= 0)
    all_planted = _pairs(number for number in network.values() if number >= 0)
    aggregators = {page for page, number in network.items() if number == AGGREGATOR} & _of_many_networks(planted)
    organic = {page for page, number in network.items() if number == ORGANIC}
    return Verdict(
        precision=right / together if together else 1.0,
        recall=right / all_planted if all_planted else 1.0,
        reachable=_pairs(_joined(planted)) / all_planted if all_planted else 1.0,
        aggregators=len(aggregators),
        aggregators_placed=len(aggregators & placed.keys()),
        organic=len(organic),
        organic_placed=len(organic & placed.keys()),
    )


def _pairs(groups: Iterable[object]) -> int:
    """Pairs that are in one group."""
    return sum(n * (n - 1) // 2 for n in Counter(groups).values())


def _of_many_networks(planted: Planted) -> set[str]:
    """Pages that carry contents of members of two or more networks."""
    networks: dict[str, set[int]] = defaultdict(set)
    for page, carried in planted.contents.items():
        if planted.network.get(page, ORGANIC) >= 0:
            for content in carried:
                networks[content].add(planted.network[page])
    return {
        page
        for page, carried in planted.contents.items()
        if len(set().union(*(networks[content] for content in carried & networks.keys()))) > 1
    }


def _joined(planted: Planted) -> Iterable[str]:
    """For each page of a network the page that stands for all whom shared contents connect with it there."""
    parent = {page: page for page, number in planted.network.items() if number >= 0}

    def root(page: str) -> str:
        while parent[page] != page:
            parent[page] = page = parent[parent[page]]
        return page

    carriers: dict[tuple[int, str], list[str]] = defaultdict(list)
    for page in parent.keys() & planted.contents.keys():
        for content in planted.contents[page]:
            carriers[planted.network[page], content].append(page)
    for pages in carriers.values():
        for one, other in pairwise(pages):
            parent[root(one)] = root(other)
    return [root(page) for page in parent]


def plant(export: Export, generator: Path, folder: Path) -> None:
    """Write the export and its truth.csv: by the generator, or from the demo world where there is none."""
    if generator.is_file():
        command = [sys.executable, str(generator), *export.arguments, "--files", "2", "--out", str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return
    from measure import plant_demo_world  # beside this script

    pages, seed = (int(export.arguments[export.arguments.index(name) + 1]) for name in ("--pages", "--seed"))
    plant_demo_world(folder, pages, seed)


def measure(export: Export, generator: Path, method: str) -> tuple[Verdict, float]:
    """Generate an export, cluster it with the defaults of the method, judge; also the CPU seconds of clustering."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plant(export, generator, folder)
        files = sorted(path for path in folder.glob("*.csv") if path.name != "truth.csv")
        start = time.process_time()
        rows = cluster_pages(files, method=method)
        seconds = time.process_time() - start
        cluster = dict(zip(rows["nameid"].to_pylist(), rows["cluster_id"].to_pylist(), strict=True))
        return judge(read_planted(files, folder / "truth.csv"), cluster), seconds


def summary(exports: Iterable[Export], verdicts: list[Verdict]) -> dict[str, object]:
    """Means over the exports, shares of accounts that should have stayed outside, and whether all of it is met."""
    n = len(verdicts)
    precision = sum(verdict.precision for verdict in verdicts) / n
    recall = sum(verdict.recall / verdict.reachable for verdict in verdicts) / n
    aggregators = sum(v.aggregators_placed for v in verdicts) / max(sum(v.aggregators for v in verdicts), 1)
    organic = sum(v.organic_placed for v in verdicts) / max(sum(v.organic for v in verdicts), 1)
    each = all(export.met_by(verdict) for export, verdict in zip(exports, verdicts, strict=True))
    return {
        "mean_precision": precision,
        "mean_recall_of_reachable": recall,
        "aggregators_placed": aggregators,
        "organic_placed": organic,
        "met": each and precision >= 0.97 and recall >= 0.95 and aggregators <= 0.08 and organic <= 0.003,
    }


def main() -> int:
    """Print the figures; 1 if a requirement is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--generator",
        type=Path,
        default=GENERATOR,
        help="script that writes exports; where it is missing, the demo world",
    )
    parser.add_argument("--seeds", type=int, nargs="+", help="other seeds than those of the named sets")
    parser.add_argument("--pages", type=int, default=2000, help="pages of each export, with --seeds")
    parser.add_argument("--mean-posts", type=float, help="mean posts per page, with --seeds")
    parser.add_argument("--method", choices=("linkage", "seeded"), default="linkage")
    asked = parser.parse_args()
    if not asked.generator.is_file() and asked.generator != GENERATOR:
        parser.error(f"{asked.generator}: no such generator.")
    more = () if asked.mean_posts is None else ("--mean-posts", f"{asked.mean_posts:g}")
    exports = NAMED if asked.seeds is None else tuple(Export.of(asked.pages, seed, *more) for seed in asked.seeds)
    verdicts, rows = [], []
    for export in exports:
        verdict, seconds = measure(export, asked.generator, asked.method)
        verdicts.append(verdict)
        rows.append({"set": export.name, **vars(verdict), "met": export.met_by(verdict), "cpu_seconds": seconds})
        print(f"{export.name}: done", file=sys.stderr)
    outcome = summary(exports, verdicts)
    world = "generator" if asked.generator.is_file() else "demo world"
    print(json.dumps({"method": asked.method, "world": world, "sets": rows, "together": outcome}, indent=2))
    return 0 if outcome["met"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
