"""Arms that are timed in turn, so that a slow minute of the machine hits all of them.

Here: medians of CPU seconds. Not here: what is timed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def cpu_seconds(arms: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median CPU seconds of this process for each arm; one run of each to warm up."""
    spent: dict[str, list[float]] = {name: [] for name in arms}
    for turn in range(repeats + 1):
        for name, run in arms.items():
            start = time.process_time()
            run()
            if turn:
                spent[name].append(time.process_time() - start)
    return {name: statistics.median(times) for name, times in spent.items()}
