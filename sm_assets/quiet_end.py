"""The end of a process without DuckDB's forty lines on what is still alive while Python takes itself apart.

Here: this one thing, for the command line and for all that loads the code location (servers, workers). Not here: what
a process says before it ends.
"""

from __future__ import annotations

import atexit
import os


def end_quietly() -> None:
    """Let what Python prints after all exit handlers go nowhere; called early, as handlers run last in, first out."""
    atexit.register(lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), 2))
