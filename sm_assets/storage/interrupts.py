"""Ctrl-C and the end of a run, where DuckDB was asked something meanwhile.

Here: errors of interrupted queries made interrupts again. Not here: what is left of a publication then (`workspaces`,
`lake`).
"""

from __future__ import annotations

import re
from types import TracebackType

import duckdb

# A signal during a query; one during Python code that a query takes rows from, with the class in a line of its own.
_INTERRUPTED = re.compile(r"\AQuery interrupted\Z|\AINTERRUPT Error|^(?:\w+\.)*\w*Interrupt\w*\s*$", re.MULTILINE)


class Interrupts:
    """Lets an interrupt through as one.

    A signal raises in its handler; DuckDB takes that in and raises an error of its own, or what is closed on the way
    out complains. The step would fail for it, and the run go on to the next step, although it was told to end.

    Raises:
        KeyboardInterrupt: on leaving, for an error that stands for an interrupt.
    """

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        """End."""
        if isinstance(error, Exception) and (_is_interrupt(error) or _follows_an_interrupt(error)):
            raise KeyboardInterrupt from error


def _is_interrupt(error: Exception) -> bool:
    return isinstance(error, RuntimeError | duckdb.Error) and _INTERRUPTED.search(str(error)) is not None


def _follows_an_interrupt(error: Exception) -> bool:
    before = error.__context__
    while isinstance(before, Exception):
        before = before.__context__
    # Others that are no Exception end a generator, a task or the program on purpose.
    return before is not None and "Interrupt" in type(before).__name__
