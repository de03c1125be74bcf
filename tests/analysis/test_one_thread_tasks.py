"""Tasks on one thread each: order of results, seeds by name, and libraries that are held in a process just begun."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import pytest

from sm_assets.analysis.one_thread_tasks import child_seed, run_all

FRESH = """
from sm_assets.analysis.one_thread_tasks import run_all


def held() -> set[int]:
    import sklearn.cluster
    from threadpoolctl import threadpool_info

    return {{library["num_threads"] for library in threadpool_info()}}


print(run_all([held, held], {threads}))
"""


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_tasks(threads: int) -> None:
    assert run_all([partial(int, number) for number in range(20)], threads) == list(range(20))
    assert run_all([], threads) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_libraries_that_a_task_loads_first_are_held_too(threads: int) -> None:
    code = [sys.executable, "-c", FRESH.format(threads=threads)]
    done = subprocess.run(code, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[{1}, {1}]"


def test_a_step_has_a_seed_of_its_own() -> None:
    seeds = {child_seed(seed, step) for seed in range(5) for step in ("umap", "start 0 of 4 clusters", "")}
    assert len(seeds) == 15
    assert all(0 <= seed < 2**32 for seed in seeds)
    # Published clusters hang on it.
    assert child_seed(42, "umap") == 3202069326
