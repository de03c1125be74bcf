"""Tables materialised through Dagster in processes of their own, with the time of each step.

Here: running and measuring. Not here: any claim, what is run over.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sm_assets.settings import Settings


@dataclass(frozen=True)
class Child:
    """One process: wall and CPU seconds of it and of each step, its peak memory in MiB."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    steps: dict[str, tuple[float, float]]


def materialise(
    settings: Settings, first: date, last: date, tables: Iterable[str], run_config: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Run tables and their checks over a range of days; wall and CPU seconds by step.

    Raises:
        SystemExit: a check failed.
    """
    import dagster as dg
    import pyarrow as pa

    from sm_assets.defs.run import materialise_range

    pa.set_cpu_count(settings.threads)
    began: dict[str, tuple[float, float]] = {}
    steps: dict[str, tuple[float, float]] = {}
    with dg.DagsterInstance.ephemeral() as instance:
        store = instance.handle_new_event

        def timed(event: Any, **arguments: Any) -> None:
            kind = event.dagster_event.event_type_value if event.is_dagster_event else None
            now = (time.perf_counter(), time.process_time())
            if kind == "STEP_START":
                began[event.step_key] = now
            elif kind == "STEP_SUCCESS":
                start = began[event.step_key]
                steps[event.step_key] = (now[0] - start[0], now[1] - start[1])
            store(event, **arguments)

        instance.handle_new_event = timed  # type: ignore[method-assign]
        ok = materialise_range(
            settings,
            first,
            last,
            tables=list(tables),
            run_config=run_config,
            instance=instance,
            raise_on_error=True,
            log_level="ERROR",
        )
    if not ok:
        sys.exit(f"a check of {', '.join(tables)} failed")
    return {"steps": steps}


def child(script: str, task: str, **values: Any) -> tuple[Child, dict[str, Any]]:
    """Run a task of a script (`--task`) in a process of its own.

    Raises:
        SystemExit: it failed.
    """
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen([sys.executable, script, "--task", json.dumps([task, values])], stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{task} {values} failed")
        out.seek(0)
        told = json.loads(out.read().splitlines()[-1])
    steps = {name: (wall, cpu) for name, (wall, cpu) in told.get("steps", {}).items()}
    cpu = usage.ru_utime + usage.ru_stime
    return Child(time.perf_counter() - start, cpu, usage.ru_maxrss / 1024, steps), told


def perform(task: str, tasks: Mapping[str, Callable[..., dict[str, Any]]]) -> None:
    """Inside the process: do the task and print what it tells."""
    name, values = json.loads(task)
    print(json.dumps(tasks[name](**values)))


def median_steps(runs: Iterable[Child]) -> dict[str, float]:
    """Median wall seconds of each step."""
    listed = list(runs)
    return {name: statistics.median(run.steps[name][0] for run in listed) for name in listed[0].steps}


def report(found: Any, path: Path | None) -> None:
    """Print what was measured as JSON, and write it to a path if there is one."""
    text = json.dumps(found, indent=1)
    if path:
        path.write_text(text + "\n", encoding="utf-8")
    print(text)


def tell(*parts: Any) -> None:
    """Say how far it is."""
    print(*parts, file=sys.stderr, flush=True)
