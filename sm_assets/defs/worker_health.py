"""Whether the process that works on a run still lives: what dagster_home/dagster.yaml has the daemon ask.

Here: the launcher of runs that knows. Not here: how runs are launched (Dagster's own launcher), what follows (its
monitoring marks a run whose process is gone as failed; one that is starting or being cancelled, after its time limit).

The code server tells at once when one of its workers dies. What it cannot tell is its own end, by a kill or with the
machine: such a run would count as under way for ever, and hold the place of another.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus

# Seconds by which two looks at the clock may differ.
_SLACK: Final = 10.0
_PROC: Final = Path("/proc")
GONE: Final = "its process is gone, with the server or the machine; run the same days again"


class HealthTellingLauncher(DefaultRunLauncher):
    """Dagster's launcher, which also knows whether the process of a run lives.

    Whoever works on a run (a worker of the code server, `dg launch`, `sm-assets demo`) writes its process id into the
    log of the run. A run is given up only where it names processes and all of them are gone: none has that id, or only
    one that began later than the line was written. A run that names none yet counts as alive. All runs of an instance
    are on one machine (docs/operate.md); ids of another would say nothing here.
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Whether the daemon may ask."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether a process of a run lives."""
        events = self._instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
        told = [(pid, event.timestamp) for event in events if (pid := _pid(event)) is not None]
        if not told or any(_lives(pid, at) for pid, at in told):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, GONE)


def _pid(event: dg.EventLogEntry) -> int | None:
    found = event.get_dagster_event().engine_event_data.metadata.get("pid")
    return int(found.value) if isinstance(found, dg.TextMetadataValue) and found.value else None


def _lives(pid: int, at: float) -> bool:
    """Whether the process lives that had this id at a time."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    began = _began(pid)
    return began is None or began <= at + _SLACK


def _began(pid: int) -> float | None:
    """When a process began, in seconds since 1970; None: the system does not tell, or it has just ended."""
    try:
        # The name of the program, in brackets, may hold blanks; the 20th word after it counts from the start of the
        # machine.
        words = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        lines = (_PROC / "stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    if words[0] == "Z":
        # It has ended; only its parent has not looked yet.
        return float("inf")
    started = next(int(line.split()[1]) for line in lines if line.startswith("btime "))
    return started + int(words[19]) / os.sysconf("SC_CLK_TCK")
