"""Which errors stand for an interrupt, and which do not. Signals in real queries: `test_kills`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator

import duckdb
import pytest

from sm_assets.storage.interrupts import Interrupts

STREAM = "Invalid Input Error: reading the Arrow source failed: Unknown error: . Detail: Python exception: Traceback\n"


class RunInterruptedError(BaseException):
    """As frameworks have it."""


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Query interrupted"),
        duckdb.InterruptException("INTERRUPT Error: Interrupted!"),
        duckdb.InvalidInputException(f'{STREAM}  File "a.py", line 8, in rows\nKeyboardInterrupt\n'),
        duckdb.InvalidInputException(f'{STREAM}  File "a.py", line 8, in rows\nrun.RunInterruptedError\n'),
    ],
)
def test_what_duckdb_makes_of_an_interrupt_is_one(error: Exception) -> None:
    with pytest.raises(KeyboardInterrupt) as caught, Interrupts():
        raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("out of memory"),
        ValueError("Query interrupted"),
        duckdb.ConversionException("Conversion Error: Could not convert string 'Interrupted' to INT32"),
        duckdb.InvalidInputException(f"{STREAM}ValueError: KeyboardInterrupt is no number\n"),
    ],
)
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, Interrupts():
        raise error
    assert caught.value is error


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, RunInterruptedError])
def test_what_complains_on_the_way_out_hides_no_interrupt(interrupt: type[BaseException]) -> None:
    def broken() -> None:
        try:
            raise interrupt
        finally:
            try:
                raise OSError("the connection has an open result")
            finally:
                raise ValueError("closed twice")

    with pytest.raises(KeyboardInterrupt), Interrupts():
        broken()


def test_interrupts_and_the_end_of_a_generator_pass() -> None:
    with pytest.raises(RunInterruptedError), Interrupts():
        raise RunInterruptedError

    def rows() -> Generator[int, None, None]:
        with Interrupts():
            try:
                yield 1
            except GeneratorExit:
                raise ValueError("closed") from None

    started = rows()
    assert next(started) == 1
    with pytest.raises(ValueError, match="closed"):
        started.close()


def test_an_interrupt_in_the_end_of_an_object_is_heard_afterwards() -> None:
    code = (
        "import signal, time; from sm_assets.lost_interrupts import hear_again; hear_again()\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Tidied:\n"
        "    def __del__(self): signal.raise_signal(signal.SIGINT); time.sleep(0.01)\n"
        "try:\n"
        "    Tidied(); print('goes on', flush=True); time.sleep(60); print('was never told')\n"
        "except KeyboardInterrupt: print('ends')\n"
        "class Broken:\n"
        "    def __del__(self): raise ValueError('as ever')\n"
        "Broken()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split("\n") == ["goes on", "ends", ""]
    assert "KeyboardInterrupt" not in done.stderr
    assert "ValueError: as ever" in done.stderr
