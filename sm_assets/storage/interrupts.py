"""Ctrl-C and the end of a run, where DuckDB was asked something meanwhile.

Here: DuckDB's error of an interrupted query made an interrupt again. Not here: what is left of a publication then
(`workspaces`, `lake`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interrupts() -> Iterator[None]:
    """Let an interrupt through as one.

    A signal that comes during a query raises in its handler, DuckDB takes that in and raises an error of its own: the
    step would fail for it, and the run go on to the next step, although it was told to end.

    Raises:
        KeyboardInterrupt: a query was interrupted.
    """
    try:
        yield
    except RuntimeError as error:
        if str(error) == "Query interrupted":
            raise KeyboardInterrupt from error
        raise
