"""`make serve` before it starts anything: what it says in each state of the data, and why it does not start.

Here: the greeting and the refusals. Not here: the servers themselves (tests/e2e/).
"""

from __future__ import annotations

import os
import re
import signal
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from serving import PATIENCE, ROOT, free_port, instance_folder, make, processes_of, wait_for

from sm_assets import serve

URL = "http://127.0.0.1:3000"


def said(*arguments: str, **variables: str) -> tuple[int, str]:
    """Exit code and words of the program that `make serve` runs."""
    done = subprocess.run(
        [sys.executable, "-m", "sm_assets.serve", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    return done.returncode, done.stdout + done.stderr


def test_without_data_the_greeting_says_where_data_goes_and_names_the_demo(tmp_path: Path) -> None:
    told = "\n".join(serve.greeting(URL, str(tmp_path), read_only=False))
    assert told.startswith(f"The web UI is up: {URL}")
    assert "there is no data yet" in told
    assert f"{tmp_path}/landing/<source>/" in told
    assert "make demo" in told


def test_with_files_and_no_tables_it_says_how_to_make_them(tmp_path: Path) -> None:
    (tmp_path / "landing" / "edges").mkdir(parents=True)
    assert "there is no data yet" in "\n".join(serve.greeting(URL, str(tmp_path), read_only=False))
    (tmp_path / "landing" / "edges" / "follows.csv").write_text("follower,influencer\n")
    told = "\n".join(serve.greeting(URL, str(tmp_path), read_only=False))
    assert "no table is made yet" in told
    assert f"{URL}/asset-groups" in told
    assert "Show all partitions" in told


@pytest.mark.parametrize("root", ["", "s3://bucket/data"])
def test_with_tables_it_names_the_page_to_open_first(tmp_path: Path, root: str) -> None:
    (tmp_path / "catalog.duckdb").touch()
    told = serve.greeting(URL, root or str(tmp_path), read_only=False)
    assert told[1].endswith(f"{URL}/locations/sm_assets/asset-groups/cosharing/lineage")
    assert f"{root or tmp_path}/landing/<source>/" in "\n".join(told)


def test_the_read_only_one_tells_nobody_to_launch(tmp_path: Path) -> None:
    told = "\n".join(serve.greeting(URL, str(tmp_path), read_only=True))
    assert "launches nothing" in told
    assert "Materialize" not in told


def test_a_port_that_is_taken_ends_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind((serve.HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        code, told = said("--home", str(tmp_path), "--port", str(port))
    assert code == 2
    assert told.startswith(f"Port {port} is not free on 127.0.0.1")
    assert told.endswith(f"Choose another: PORT={port + 1}.\n")
    assert told.count("\n") == 1


@pytest.mark.parametrize("port", ["70000", "-1"])
def test_a_number_that_is_no_port_ends_in_one_sentence(tmp_path: Path, port: str) -> None:
    code, told = said("--home", str(tmp_path), "--port", port)
    assert code == 2
    assert told == f"{port} is no port; give one from 1 to 65535, like PORT=3000.\n"


def test_a_bad_setting_ends_in_one_sentence(tmp_path: Path) -> None:
    code, told = said("--home", str(tmp_path), SM_ASSETS_WINDOW_DAYS="0")
    assert (code, told) == (2, "window_days is 0; expected 1 to 400.\n")


def test_a_missing_instance_folder_ends_in_one_sentence(tmp_path: Path) -> None:
    code, told = said("--home", str(tmp_path / "absent"), "--port", str(free_port()))
    assert code == 2
    assert told.startswith(f"{tmp_path / 'absent'} has no dagster.yaml")
    assert told.count("\n") == 1


def broken_checkout(folder: Path) -> Path:
    """A checkout of the Makefile alone, whose .venv is ready and has lost its Python."""
    (folder / ".venv" / "bin").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "setup.py"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    (folder / "dagster_home").mkdir()
    (folder / "dagster_home" / "dagster.yaml").touch()
    for name in (".made", ".deps", ".ready"):
        (folder / ".venv" / name).touch()
    (folder / ".venv" / "bin" / "python").symlink_to(folder / "gone")
    return folder


def test_an_environment_that_lost_its_python_says_so(tmp_path: Path) -> None:
    folder = broken_checkout(tmp_path)
    told = make("serve", cwd=folder, venv=str(folder / ".venv")).communicate(timeout=PATIENCE)[0]
    assert "does not start any more" in told
    assert "make clean" in told
    assert "Error 127" not in told


def test_without_an_environment_one_is_made_first(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "setup.py"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    steps = subprocess.run(
        ["make", "-n", "serve"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=PATIENCE,
        env={"PATH": os.environ["PATH"]},
    ).stdout  # fmt: skip
    assert 0 < steps.index("-m venv --clear") < steps.index("pip install") < steps.index("sm_assets.serve")


@contextmanager
def starting(home: Path, before: str = "pass") -> Iterator[subprocess.Popen[str]]:
    """`make serve` while its servers start; what is left of them afterwards is killed."""
    program = (
        f"import signal, sys; {before}; from sm_assets import serve; "
        # Stands for the servers: as stubborn as a run in the middle of its work, with a child of its own.
        "serve._command = lambda *_, **__: ['bash', '-c', 'trap \"\" INT; sleep 1000 & wait']; "
        "serve._ORDERLY = serve._LEFT_ALONE = 0.5; sys.exit(serve.main(sys.argv[1:]))"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", program, "--home", str(home), "--port", str(free_port())],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DAGSTER_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for("bash and sleep", lambda: len(processes_of(home)) == 3 or running.poll() is not None)
        assert running.poll() is None
        yield running
    finally:
        for pid in processes_of(home):
            os.kill(pid, signal.SIGKILL)
        running.wait(PATIENCE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("ignored", [False, True], ids=["from a terminal", "from a script with &"])
def test_a_signal_while_it_starts_leaves_nothing(tmp_path: Path, number: signal.Signals, ignored: bool) -> None:
    home = instance_folder(tmp_path / "home")
    with starting(home, "signal.signal(signal.SIGINT, signal.SIG_IGN)" if ignored else "pass") as running:
        running.send_signal(number)
        told, _ = running.communicate(timeout=PATIENCE)
        assert running.returncode == 0
        assert "Stopping" in told
        assert processes_of(home) == {}
        assert not (home / ".serving").exists()


def test_a_terminal_that_is_closed_leaves_nothing(tmp_path: Path) -> None:
    home = instance_folder(tmp_path / "home")
    # Whoever started the tests may be under nohup.
    with starting(home, "signal.signal(signal.SIGHUP, signal.SIG_DFL)") as running:
        assert running.stdout is not None
        # Nobody is left to be told anything.
        running.stdout.close()
        running.send_signal(signal.SIGHUP)
        assert running.wait(PATIENCE) == 0
        assert processes_of(home) == {}


def test_with_nohup_it_outlives_the_terminal(tmp_path: Path) -> None:
    home = instance_folder(tmp_path / "home")
    with starting(home, "signal.signal(signal.SIGHUP, signal.SIG_IGN)") as running:
        status = Path(f"/proc/{running.pid}/status").read_text(encoding="ascii")
        ignored = re.search(r"SigIgn:\s*(\w+)", status)
        assert ignored is not None
        assert int(ignored[1], 16) & (1 << (signal.SIGHUP - 1))
        running.send_signal(signal.SIGTERM)
        assert running.wait(PATIENCE) == 0


def test_servers_that_outlive_it_keep_the_instance_and_are_named(tmp_path: Path) -> None:
    home = instance_folder(tmp_path / "home")
    with starting(home) as running:
        running.kill()
        running.wait(PATIENCE)
        code, told = said("--home", str(home), "--port", str(free_port()))
        assert code == 2
        assert told.startswith(f"Another `make serve` works with {home}. End it first (if it was killed")
        assert told.count("\n") == 1
        group = re.search(r"kill -- -(\d+)", told)
        assert group is not None
        assert int(group[1]) in processes_of(home)
        os.killpg(int(group[1]), signal.SIGTERM)
        wait_for("the servers are gone", lambda: not processes_of(home))
        with serve._only_daemon(home):
            pass


def test_servers_go_on_where_their_log_cannot_be_written(tmp_path: Path) -> None:
    home = instance_folder(tmp_path / "home")
    # More than a pipe holds: it ends only if somebody reads all of it.
    talk = "for n in {1..3000}; do echo a line of forty letters, again and again; done"
    program = (
        f"import sys; from sm_assets import serve; serve._command = lambda *_, **__: ['bash', '-c', {talk!r}]; "
        "sys.exit(serve.main(sys.argv[1:]))"
    )
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program, "--home", str(home), "--port", str(free_port())],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "DAGSTER_HOME": str(home)},
            stdout=full,
            stderr=full,
            check=False,
            timeout=PATIENCE,
        )
    assert done.returncode == 1


@pytest.mark.parametrize("proxy", ["", "http://127.0.0.1:9"])
@pytest.mark.parametrize("answer", [b"HTTP/1.0 200 OK\r\n\r\n{}", b"no HTTP\r\n\r\n"])
def test_only_a_web_server_answers_and_no_proxy_is_asked(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, proxy: str
) -> None:
    monkeypatch.setenv("http_proxy", proxy)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1000)
            self.request.sendall(answer)

    with socketserver.TCPServer((serve.HOST, 0), Handler) as server:
        answering = threading.Thread(target=server.handle_request)
        answering.start()
        assert serve._answers(f"http://{serve.HOST}:{server.server_address[1]}") == answer.startswith(b"HTTP")
        answering.join(PATIENCE)
    assert not serve._answers(f"http://{serve.HOST}:{free_port()}")


def test_servers_that_end_by_themselves_are_reported(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    home = instance_folder(tmp_path / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serve, "_command", lambda *_, **__: ["bash", "-c", "echo why it ended; exit 3"])
        patch.setattr(serve.signal, "signal", lambda *_: None)
        patch.setattr(serve.os, "putenv", lambda *_: None)
        assert serve.main(["--home", str(home), "--port", str(free_port())]) == 1
    told = capfd.readouterr().err
    assert "why it ended" in told
    assert "ended by itself with exit code 3" in told
