"""Ctrl-C and the end of a run, where DuckDB was asked something meanwhile.

Here: DuckDB's errors of interrupted queries made interrupts again. Not here: what is left of a publication then
(`workspaces`, `lake`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

# A signal during a query; one during Python code that a query takes rows from, with the class in a line of its own.
_INTERRUPTED = re.compile(r"\AQuery interrupted\Z|\AINTERRUPT Error|^(?:\w+\.)*\w*Interrupt\w*\s*$", re.MULTILINE)


@contextmanager
def interrupts() -> Iterator[None]:
    """Let an interrupt through as one.

    A signal raises in its handler, DuckDB takes that in and raises an error of its own: the step would fail for it, and
    the run go on to the next step, although it was told to end.

    Raises:
        KeyboardInterrupt: a query was interrupted.
    """
    try:
        yield
    except (RuntimeError, duckdb.Error) as error:
        if _INTERRUPTED.search(str(error)):
            raise KeyboardInterrupt from error
        raise
