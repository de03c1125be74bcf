"""Tasks that each run on one thread, some of them at a time, and the seeds of named steps.

Here: what makes a computation give the same bits with one thread or many. Not here: any computation.

Libraries that share a sum among threads add it up in the order in which the threads finish. Here every task adds alone,
and the threads share the tasks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def child_seed(seed: int, step: str) -> int:
    """The seed of a step, 0..2^32-1, by its name.

    Args:
        seed: of the whole, 0 or more.
        step: its name.
    """
    name = int.from_bytes(hashlib.blake2b(step.encode(), digest_size=8).digest(), "little")
    return int(np.random.SeedSequence([seed, name]).generate_state(1)[0])


@contextmanager
def one_thread() -> Iterator[None]:
    """Libraries of linear algebra and loops compiled for threads run on one, inside the block.

    Only a library that is loaded can be held: import others than scikit-learn's before.
    """
    import sklearn.cluster  # noqa: F401  # loads OpenMP
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


def run_all(tasks: Sequence[Callable[[], T]], threads: int) -> list[T]:
    """Results of the tasks, in their order.

    Args:
        tasks: each independent of the others.
        threads: tasks at a time, 1 or more.
    """
    with one_thread():
        if threads < 2 or len(tasks) < 2:
            return [task() for task in tasks]
        with ThreadPoolExecutor(min(threads, len(tasks)), initializer=_alone) as pool:
            return list(pool.map(lambda task: task(), tasks))


def _alone() -> None:
    """The thread that calls opens no further threads: this setting of OpenMP belongs to each thread."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="openmp")
