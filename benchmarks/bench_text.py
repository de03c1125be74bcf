"""Speed of what is made from text, each line beside its peer in the same run, as JSON.

    python benchmarks/bench_text.py [--only language,tokens] [--repeats 3] [--json PATH]

Here: the frame. A line is a module of `text_lines`: `measure(repeats)` gives its figures, TARGETS what is required and
aimed at for some of them; where the aim is the smaller number, less is better. Threads are held to one unless a line
says otherwise. Not here: the lines, and personas as a whole (`bench_personas`).
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

LINES = sorted(path.stem for path in (Path(__file__).parent / "text_lines").glob("[a-z]*.py"))


def judged(figures: dict[str, float], targets: dict[str, tuple[float, float]]) -> dict[str, Any]:
    """Each figure, with what is required of it."""
    report: dict[str, Any] = {}
    for name, value in figures.items():
        report[name] = float(f"{value:.4g}")
        if name in targets:
            required, aim = targets[name]
            met = [value <= bar if aim < required else value >= bar for bar in (required, aim)]
            report[name] = {"value": report[name], "required": required, "aim": aim, "met": met[0], "aim_met": met[1]}
    return report


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = ("numpy", "pyarrow", "scikit-learn", "torch", "nltk", "regex")
    return {
        "cpu": next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown"),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "versions": {name: version(name) for name in names},
    }


def main() -> None:
    """Measure the lines asked for."""
    parser = argparse.ArgumentParser(description="Speed of what is made from text.")
    parser.add_argument("--only", type=lambda text: text.split(","), default=LINES, help=", ".join(LINES))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    unknown = sorted(set(args.only) - set(LINES))
    if unknown:
        parser.error(f"no line {', '.join(unknown)}; there are {', '.join(LINES)}")
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    report: dict[str, Any] = {"machine": machine(), "repeats": args.repeats}
    for name in args.only:
        line = importlib.import_module(f"text_lines.{name}")
        report[name] = {
            "what": (line.__doc__ or "").splitlines()[0],
            **judged(line.measure(args.repeats), line.TARGETS),
        }
    told = json.dumps(report, indent=2, ensure_ascii=False)
    if args.json:
        args.json.write_text(told + "\n", encoding="utf-8")
    print(told)


if __name__ == "__main__":
    main()
