"""`make serve`: starts the web UI and the daemon, greets, and ends both and all that they started.

Here: what a person is told at the start, the port, one daemon per instance, signals. Not here: anything of Dagster; it
runs in processes of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from types import FrameType
from typing import TextIO
from urllib.request import ProxyHandler, build_opener

from sm_assets.errors import OptionError, SettingsError
from sm_assets.settings import Settings

HOST = "127.0.0.1"
PROGRAM = Path(sys.executable).parent
# Seconds for an orderly end of the servers, for what they started to end by itself, and after an interrupt or a kill.
_ORDERLY, _LEFT_ALONE, _INTERRUPTED = 20.0, 1.0, 15.0
_POLL = 0.1
# Runs write each step to their standard error too: dozens of lines a table, all of which the UI shows as well.
_STEP = re.compile(rb" - dagster - (DEBUG|INFO) - ")
# In the instance's folder: the process group of the servers, for whoever finds them left behind.
_GROUP = ".serving"
# We ask this machine alone, whatever proxy the environment names.
_DIRECT = build_opener(ProxyHandler({}))


def main(argv: list[str] | None = None) -> int:
    """Serve until a signal comes.

    Returns:
        0 after SIGINT or SIGTERM, 1 where the servers ended by themselves, 2 where they cannot be started.
    """
    parser = argparse.ArgumentParser(prog="python -m sm_assets.serve", description="The web UI on this machine.")
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--home", type=Path, required=True, help="folder of dagster.yaml and of the run history")
    parser.add_argument("--read-only", action="store_true", help="a UI that launches nothing; starts no daemon")
    options = parser.parse_args(argv)
    home = options.home.absolute()
    try:
        root = Settings.from_env().data_root
        _check_port(options.port)
        _check_home(home)
        with contextlib.nullcontext() if options.read_only else _only_daemon(home) as lock:
            return _serve(options.port, home, root, lock)
    except (SettingsError, OptionError) as error:
        print(error, file=sys.stderr)
        return 2


def _serve(port: int, home: Path, root: str, lock: int | None) -> int:
    read_only = lock is None
    # The children read these; we do not.
    os.putenv("DAGSTER_HOME", str(home))
    os.putenv("PYTHONWARNINGS", "ignore:Function `dev_command`")
    stopped_by: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        stopped_by.append(number)

    # Set even where SIGINT came ignored (started from a script with `&`), or nothing would end the children.
    # Who ignores SIGHUP (nohup) wants to outlive the terminal.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop)
    url = f"http://{HOST}:{port}"
    _say("Starting the web UI; it takes about fifteen seconds ...")
    # A group of its own: Ctrl-C reaches us alone, and we end the others in order.
    server = subprocess.Popen(  # noqa: S603
        _command(port, read_only=read_only),
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=() if lock is None else (lock,),
    )
    # Whatever happens to us from here on, also that nobody can be told: the servers end with us.
    try:
        if lock is not None:
            with contextlib.suppress(OSError):
                (home / _GROUP).write_text(str(server.pid), encoding="ascii")
        # What the servers say is passed on, save their complaints about being ended.
        passing_on = threading.Thread(target=_pass_on, args=(server, stopped_by), daemon=True)
        passing_on.start()
        greeted = False
        while server.poll() is None and not stopped_by:
            if not greeted and _answers(url):
                _say("\n".join(greeting(url, root, read_only=read_only)))
                greeted = True
            time.sleep(_POLL)
        if stopped_by:
            _say("\nStopping; a run in progress is interrupted. Whole days stay: run its range again.")
    finally:
        _end(server)
        if lock is not None:
            (home / _GROUP).unlink(missing_ok=True)
    if stopped_by:
        return 0
    passing_on.join(_INTERRUPTED)
    _say(f"The web UI ended by itself with exit code {server.returncode}; the lines above say why.", sys.stderr)
    return 1


def _say(text: str, sink: TextIO | None = None) -> None:
    """Print, if anybody is left to read it: the terminal may be closed, the disk of the log full."""
    sink = sink or sys.stdout
    try:
        print(text, file=sink, flush=True)
    except OSError:
        # What was not written would be tried again when the program ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sink.fileno())
        os.close(nowhere)


def _pass_on(server: subprocess.Popen[bytes], stopped_by: list[int]) -> None:
    assert server.stdout is not None
    for line in server.stdout:
        if not stopped_by and not _STEP.search(line):
            # A line that cannot be written is lost; servers that nobody reads from would stand still.
            with contextlib.suppress(OSError):
                sys.stderr.buffer.write(line)
                sys.stderr.flush()


def _command(port: int, *, read_only: bool) -> list[str]:
    here = ["-w", "workspace.yaml", "-h", HOST, "-p", str(port)]
    if read_only:
        quiet = ["--log-level", "warning", "--dagster-log-level", "warning", "--code-server-log-level", "warning"]
        return [str(PROGRAM / "dagster-webserver"), *here, "--read-only", *quiet]
    return [str(PROGRAM / "dagster"), "dev", *here, "--log-level", "warning"]


def greeting(url: str, root: str, *, read_only: bool) -> list[str]:
    """What a person is told once the UI answers: where it is, where data goes, what to do first."""
    lines = [f"The web UI is up: {url} (on this machine only; Ctrl-C ends it)."]
    first = f"  First:  open  {url}/locations/sm_assets/asset-groups/cosharing/lineage"
    choose = "          choose an asset to see its columns, counts and figures."
    if read_only:
        return [*lines, "  It shows everything and launches nothing.", first, choose]
    landing = f"{root}/landing/<source>/"
    run = [
        f"          open  {url}/asset-groups  and press Materialize all. For days more than 90 days back press",
        "          Show all partitions. Give the range, like [2024-02-12...2024-03-17], and Launch backfill.",
    ]
    if "://" in root or (Path(root) / "catalog.duckdb").exists():
        return [*lines, first, choose, f"  New files:  put them into  {landing}  ,", *run]
    if any(path.is_file() for path in (Path(root) / "landing").rglob("*")):
        return [*lines, f"  First:  files lie in {root}/landing, but no table is made yet:", *run]
    return [
        *lines,
        f"  First:  there is no data yet. Put your files into  {landing}  (docs/platforms.md says which), then",
        *run,
        "          To see what comes out before: end this, `make demo`, `make serve`.",
    ]


def _check_home(home: Path) -> None:
    if not (home / "dagster.yaml").exists():
        raise OptionError(f"{home} has no dagster.yaml; give the folder that has it, like DAGSTER_HOME=dagster_home.")


def _check_port(port: int) -> None:
    if not 0 < port < 2**16:
        raise OptionError(f"{port} is no port; give one from 1 to 65535, like PORT=3000.")
    with socket.socket() as probe:
        # A server that has just ended leaves connections behind that keep nobody from listening.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise OptionError(
                f"Port {port} is not free on {HOST} ({error.strerror}). Choose another: PORT={port + 1}."
            ) from error


@contextlib.contextmanager
def _only_daemon(home: Path) -> Iterator[int]:
    """Hold the instance: two daemons on one would launch everything twice.

    Yields:
        The descriptor of the lock. The servers are given it too: if we are killed, the lock ends with them.
    """
    folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OptionError(
            f"Another `make serve` works with {home}. End it first{_left_behind(home)}; to look beside it: "
            "make serve-readonly."
        ) from error
    else:
        yield folder
    finally:
        os.close(folder)


def _left_behind(home: Path) -> str:
    """How to end servers whose `make serve` was killed, in words; empty where nothing tells their group."""
    try:
        group = int((home / _GROUP).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return ""
    return f" (if it was killed and its servers are left: kill -- -{group})"


def _answers(url: str) -> bool:
    try:
        with _DIRECT.open(f"{url}/server_info", timeout=2):
            return True
    except (OSError, HTTPException):
        return False


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the servers in their own order, then what they leave behind: runs, which end by an interrupt."""
    if server.poll() is None:
        server.send_signal(signal.SIGINT)
    _wait_until(lambda: server.poll() is not None, _ORDERLY)
    if _wait_until(lambda: _gone(server), _LEFT_ALONE):
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(server.pid, number)
        if _wait_until(lambda: _gone(server), _INTERRUPTED):
            return


def _wait_until(holds: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(_POLL)
    return True


def _gone(server: subprocess.Popen[bytes]) -> bool:
    """Whether nothing that can be ended is left of the group that the server leads.

    Our own children refuse no signal; macOS refuses it where only ended ones are left.
    """
    server.poll()
    try:
        os.killpg(server.pid, 0)
    except (ProcessLookupError, PermissionError):
        return True
    return False


if __name__ == "__main__":
    sys.exit(main())
