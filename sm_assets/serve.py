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
from pathlib import Path
from types import FrameType
from urllib.error import URLError
from urllib.request import urlopen

from sm_assets.errors import OptionError, SettingsError
from sm_assets.settings import Settings

HOST = "127.0.0.1"
PROGRAM = Path(sys.executable).parent
# Seconds for an orderly end of the servers, for what they started to end by itself, and after an interrupt or a kill.
_ORDERLY, _LEFT_ALONE, _INTERRUPTED = 20.0, 1.0, 15.0
_POLL = 0.1
# Runs write each step to their standard error too: dozens of lines a table, all of which the UI shows as well.
_STEP = re.compile(rb" - dagster - (DEBUG|INFO) - ")


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
        with contextlib.nullcontext() if options.read_only else _only_daemon(home):
            return _serve(options.port, home, root, read_only=options.read_only)
    except (SettingsError, OptionError) as error:
        print(error, file=sys.stderr)
        return 2


def _serve(port: int, home: Path, root: str, *, read_only: bool) -> int:
    # The children read these; we do not.
    os.putenv("DAGSTER_HOME", str(home))
    os.putenv("PYTHONWARNINGS", "ignore:Function `dev_command`")
    stopped_by: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        stopped_by.append(number)

    # Set even where SIGINT came ignored (started from a script with `&`), or nothing would end the children.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    url = f"http://{HOST}:{port}"
    print("Starting the web UI; it takes about fifteen seconds ...", flush=True)
    # A group of its own: Ctrl-C reaches us alone, and we end the others in order.
    server = subprocess.Popen(  # noqa: S603
        _command(port, read_only=read_only),
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    # What the servers say is passed on, save their complaints about being ended.
    passing_on = threading.Thread(target=_pass_on, args=(server, stopped_by), daemon=True)
    passing_on.start()
    greeted = False
    while server.poll() is None and not stopped_by:
        if not greeted and _answers(url):
            print("\n".join(greeting(url, root, read_only=read_only)), flush=True)
            greeted = True
        time.sleep(_POLL)
    if stopped_by:
        print("\nStopping; a run in progress is interrupted. Whole days stay: run its range again.", flush=True)
    _end(server)
    if stopped_by:
        return 0
    passing_on.join(_INTERRUPTED)
    print(f"The web UI ended by itself with exit code {server.returncode}; the lines above say why.", file=sys.stderr)
    return 1


def _pass_on(server: subprocess.Popen[bytes], stopped_by: list[int]) -> None:
    assert server.stdout is not None
    for line in server.stdout:
        if not stopped_by and not _STEP.search(line):
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
def _only_daemon(home: Path) -> Iterator[None]:
    """Hold the instance: two daemons on one would launch everything twice. The lock ends with this process."""
    folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OptionError(
            f"Another `make serve` works with {home}. End it first; to look beside it: make serve-readonly."
        ) from error
    else:
        yield
    finally:
        os.close(folder)


def _answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/server_info", timeout=2):  # noqa: S310  # our own address
            return True
    except (URLError, OSError):
        return False


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the servers in their own order, then what they leave behind: runs, which end by an interrupt."""
    if server.poll() is None:
        server.send_signal(signal.SIGINT)
    _wait_until(lambda: server.poll() is not None, _ORDERLY)
    if _wait_until(lambda: _gone(server), _LEFT_ALONE):
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
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
    """Whether nothing is left of the group that the server leads."""
    server.poll()
    try:
        os.killpg(server.pid, 0)
    except ProcessLookupError:
        return True
    return False


if __name__ == "__main__":
    sys.exit(main())
