"""The real servers for tests: `make serve` on a port of its own, what it says, its processes and ports, its GraphQL.

Here: starting, asking and ending. Not here: what the UI should show (tests/e2e/).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from sm_assets.serve import HOST

ROOT = Path(__file__).parents[1]
# Generous: on a busy machine Dagster takes minutes to come up. Nothing waits that long where all is well.
PATIENCE = 900.0
# What a `make` around the tests would hand on to the one inside them, and settings of the person who runs the tests.
_NOT_OURS = ("MAKE", "MFLAGS", "SM_ASSETS_", "DAGSTER_", "PYTHONDONTWRITEBYTECODE")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(what: str, holds: Callable[[], Any], seconds: float = PATIENCE, *, every: float = 0.2) -> Any:
    until = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < until, f"waited {seconds:.0f} s in vain: {what}"
        time.sleep(every)
    return found


def instance_folder(folder: Path) -> Path:
    """A DAGSTER_HOME of its own with the project's dagster.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "dagster_home" / "dagster.yaml", folder)
    return folder


def make(target: str, *variables: str, venv: str = sys.prefix, **more: Any) -> subprocess.Popen[str]:
    """`make target` in the environment that runs the tests, which is not remade; output is one stream of text."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_OURS)}
    options: dict[str, Any] = {
        "cwd": ROOT,
        "env": environment,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "text": True,
        "start_new_session": True,
    }
    command = ["make", "--no-print-directory", "-o", f"{venv}/.ready", target, f"VENV={venv}", *variables]
    return subprocess.Popen(command, **(options | more))


class Server:
    """A `make serve` of the tests.

    Attributes:
        url: where the UI answers.
        said: the lines that it printed so far.
    """

    def __init__(self, home: Path, data_root: Path, *, target: str = "serve") -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.said: list[str] = []
        self.process = make(target, f"PORT={self.port}", f"DATA_ROOT={data_root}", f"DAGSTER_HOME={home}")
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        self.said.extend(self.process.stdout)

    def wait_until_up(self) -> None:
        wait_for(f"the UI is up; it said {self.said}", lambda: self.process.poll() is not None or self._is_up())
        assert self.process.poll() is None, "".join(self.said)

    def _is_up(self) -> bool:
        return any("is up" in line for line in self.said)

    def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The whole answer of GraphQL, `errors` and all."""
        body = json.dumps({"query": query, "variables": variables or {}}).encode()
        request = Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})  # noqa: S310
        try:
            # No proxy that the environment names knows our own address.
            with build_opener(ProxyHandler({})).open(request, timeout=PATIENCE) as answer:
                found: dict[str, Any] = json.load(answer)
        except HTTPError as error:
            # An answer that is an error comes with another number; what it says stands in the body all the same.
            found = json.load(error)
        return found

    def end(self, number: int = signal.SIGTERM, *, whole_group: bool = False) -> int:
        """Send a signal to `make`, or as Ctrl-C does to its whole group, and wait; the exit code."""
        if self.process.poll() is None:
            (os.killpg if whole_group else os.kill)(self.process.pid, number)
        return self.process.wait(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)

    def processes(self) -> dict[int, str]:
        """Every living process that was started for this instance, by its environment."""
        return processes_of(self.home)

    def listening(self) -> set[str]:
        """`address:port` of every TCP socket on which one of these processes listens, as /proc/net has it."""
        inodes = {inode for pid in self.processes() for inode in _sockets(pid)}
        found = set()
        for table in ("tcp", "tcp6"):
            path = Path("/proc/net") / table
            for line in path.read_text(encoding="ascii").splitlines()[1:] if path.exists() else []:
                fields = line.split()
                if fields[3] == "0A" and fields[9] in inodes:
                    address, port = fields[1].split(":")
                    found.add(f"{_address(address)}:{int(port, 16)}")
        return found


def processes_of(home: Path) -> dict[int, str]:
    """Every living process whose DAGSTER_HOME is `home`, with its command line."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
        if f"DAGSTER_HOME={home}".encode() in variables and command:
            found[int(folder.name)] = command
    return found


def _sockets(pid: int) -> Iterator[str]:
    for handle in Path(f"/proc/{pid}/fd").glob("*"):
        with suppress(FileNotFoundError):
            kind, _, inode = str(handle.readlink()).partition(":")
            if kind == "socket":
                yield inode.strip("[]")


def _address(text: str) -> str:
    if len(text) > 8:
        return f"[{text}]"
    return ".".join(str(part) for part in reversed(bytes.fromhex(text)))
