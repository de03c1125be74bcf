"""What Dagster costs besides the assets' own work, and how long the code location takes to load, as JSON.

    python benchmarks/bench_orchestration.py [--scale 0.1] [--repeats 5] [--only steps,load,webserver] [--json PATH]

steps: the whole graph of the demo, one run in process over all days, recorded in an instance on disk as `make demo`
does it. Own work is what passes inside the bodies of assets and checks and inside the IO manager (writing, checking,
metadata); the rest of the run, divided by its steps, is Dagster's. Loading the definitions is no part of it.
load: a fresh interpreter imports `sm_assets.definitions`, bytecode present, and ends at once: a server that loads the
code location goes on, it does not tear everything down again.
webserver: from the start of the webserver over workspace.yaml to the first answer that knows the assets.

Both wall and CPU seconds are given. The bars are on wall seconds, or on CPU seconds where the machine was busy with
other things (its load when it started was above one a core): there wall seconds say nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench_text import judged, machine
from measure import ROOT
from step_times import child, perform, report, tell

PARTS = ("steps", "load", "webserver")
TARGETS = {"step_overhead_s": (0.3, 0.15), "load_s": (3.0, 2.0)}
_PATIENCE_S = 180
_ASK = json.dumps({"query": "{ assetNodes { id } }"}).encode()


class Clock:
    """Wall and CPU seconds inside marked stretches; one inside another counts once."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0
        self.stretches = self._depth = 0

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Count what passes in the block."""
        self._depth += 1
        start = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                self.wall += time.perf_counter() - start[0]
                self.cpu += time.process_time() - start[1]

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, counted; of a generator that it returns each step is counted."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.stretches += 1
            with self.running():
                result = function(*args, **kwargs)
            return self._each(result) if hasattr(result, "__next__") else result

        return counted

    def _each(self, made: Iterator[Any]) -> Iterator[Any]:
        while True:
            with self.running():
                try:
                    item = next(made)
                except StopIteration:
                    return
            yield item


def demo_run(scale: float) -> dict[str, Any]:
    """The demo in an instance and a data root of its own; what its one run cost."""
    import dagster as dg

    from sm_assets.defs.io import LakeIOManager
    from sm_assets.demo_run import run_demo

    steps = importlib.import_module("dagster._core.execution.plan.compute_generator")
    bodies, own, storing, whole = Clock(), Clock(), Clock(), Clock()

    def timed(owner: Any, name: str, *clocks: Clock) -> None:
        function = getattr(owner, name)
        for clock in clocks:
            function = clock.around(function)
        setattr(owner, name, function)

    # Every body of an asset or a check is called through this one function.
    timed(steps, "invoke_compute_fn", own, bodies)
    timed(LakeIOManager, "handle_output", own)
    timed(LakeIOManager, "load_input", own)
    timed(dg.DagsterInstance, "handle_new_event", storing)
    timed(dg.JobDefinition, "execute_in_process", whole)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        shutil.copy(ROOT / "dagster_home" / "dagster.yaml", home)
        os.environ["DAGSTER_HOME"] = str(home)
        words = io.StringIO()
        with contextlib.redirect_stdout(words):
            code = run_demo(Path(folder) / "data", scale=scale)
        if code:
            sys.exit(f"the demo failed:\n{words.getvalue()}")
        size = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    return {
        "steps_run": bodies.stretches,
        "events": storing.stretches,
        "run_s": whole.wall,
        "own_s": own.wall,
        "overhead_s": whole.wall - own.wall,
        "overhead_cpu_s": whole.cpu - own.cpu,
        "storing_events_s": storing.wall,
        "storing_events_cpu_s": storing.cpu,
        "instance_mb": size / 1e6,
    }


def load_times(repeats: int) -> dict[str, float]:
    """Wall and CPU seconds of a process that imports the definitions; medians."""
    with tempfile.TemporaryDirectory() as folder:
        environment = _environment(Path(folder))
        found = []
        for _ in range(repeats + 1):
            start = time.perf_counter()
            process = subprocess.Popen(
                [sys.executable, "-c", "import os, sm_assets.definitions; os._exit(0)"], cwd=ROOT, env=environment
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                sys.exit("sm_assets.definitions cannot be imported")
            found.append((time.perf_counter() - start, usage.ru_utime + usage.ru_stime))
    # The first one may have compiled bytecode.
    return {
        "load_wall_s": statistics.median(wall for wall, _ in found[1:]),
        "load_cpu_s": statistics.median(cpu for _, cpu in found[1:]),
    }


def webserver_time() -> dict[str, float]:
    """Seconds from the start of the webserver to the first answer that lists the assets."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["dagster-webserver", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port), "--log-level", "error"]
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        server = subprocess.Popen(
            [str(Path(sys.executable).with_name(command[0])), *command[1:]],
            cwd=ROOT,
            env=_environment(Path(folder)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while not _knows_assets(port):
                if server.poll() is not None or time.perf_counter() - start > _PATIENCE_S:
                    sys.exit("the webserver gives no answer")
                time.sleep(0.05)
            return {"webserver_s": time.perf_counter() - start}
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()


def _knows_assets(port: int) -> bool:
    address = f"http://127.0.0.1:{port}/graphql"
    asked = urllib.request.Request(address, data=_ASK, headers={"Content-Type": "application/json"})
    try:
        # No proxy that the environment names knows our own address.
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(asked, timeout=30) as answer:
            return bool(json.load(answer)["data"]["assetNodes"])
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _environment(folder: Path) -> dict[str, str]:
    shutil.copy(ROOT / "dagster_home" / "dagster.yaml", folder)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"DAGSTER_HOME": str(folder), "SM_ASSETS_DATA_ROOT": str(folder / "data")}


TASKS: dict[str, Callable[..., dict[str, Any]]] = {"steps": demo_run}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What Dagster costs besides the assets' own work.")
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(PARTS), help=", ".join(PARTS))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--task")
    args = parser.parse_args()
    if args.task:
        perform(args.task, TASKS)
        return
    unknown = sorted(set(args.only) - set(PARTS))
    if unknown:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    figures: dict[str, float] = {}
    disturbed = os.getloadavg()[0] > (os.cpu_count() or 1)
    if "load" in args.only:
        tell("loading the code location ...")
        found = load_times(args.repeats)
        figures |= {"load_s": found["load_cpu_s" if disturbed else "load_wall_s"]} | found
    if "webserver" in args.only:
        tell("starting the webserver ...")
        figures |= webserver_time()
    if "steps" in args.only:
        tell(f"the demo at scale {args.scale:g} ...")
        _, run = child(__file__, "steps", scale=args.scale)
        overhead = run["overhead_cpu_s" if disturbed else "overhead_s"] / run["steps_run"]
        figures |= {"step_overhead_s": overhead} | run
    report({"machine": machine(), "disturbed": disturbed, **judged(figures, TARGETS)}, args.json)


if __name__ == "__main__":
    main()
