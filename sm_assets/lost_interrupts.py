"""Interrupts that come while Python tidies up, and would be lost.

Here: this one thing, for the command line and for all that loads the code location (servers, workers). Not here:
interrupts of queries (`storage.interrupts`).
"""

from __future__ import annotations

import os
import signal
import sys
import threading

# Seconds until the signal comes again: by then the tidying is over.
_LATER = 0.1


def hear_again() -> None:
    """Send an interrupt again whose exception Python had to ignore, as it came in the end of an object.

    A signal raises wherever the program is. In `__del__` or in what follows a weak reference nothing can be raised:
    Python prints the exception, and the program goes on that was told to end.
    """
    told = sys.unraisablehook

    def hook(ignored: sys.UnraisableHookArgs) -> None:
        kind = ignored.exc_type
        if issubclass(kind, Exception) or "Interrupt" not in kind.__name__ or sys.is_finalizing():
            told(ignored)
            return
        again = threading.Timer(_LATER, os.kill, (os.getpid(), signal.SIGINT))
        again.daemon = True
        again.start()

    sys.unraisablehook = hook
