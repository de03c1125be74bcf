"""Influencer search against a real graph with known groups: who wrote to whom in a research institution.

A person's audience are those who wrote to them; a department is what a search should find from five of its members.
The protocol is that of the published experiment, area under the recall curve; figures to reach are in the specification
of audiences, those of the reference method beside the data.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from sm_assets.analysis.influencer_search import SearchOptions, find_candidates, rank
from sm_assets.contracts.columns import SEARCH_METHODS
from sm_assets.kernels.similarity import intersect, matches32
from sm_assets.kernels.sketch import sketch_csr

pytestmark = pytest.mark.shared_data

RESTARTS = (451235, 35631241, 2315, 346213456, 134)
OPTIONS = SearchOptions(bands=50, rows=2)
K = 100
SHORT = dict(zip(SEARCH_METHODS, ("ms", "ac", "ppr"), strict=True))
REQUIRED = {"ms": 0.315, "ac": 0.295, "ppr": 0.30}


@dataclass(frozen=True)
class Graph:
    """Audiences of 1,005 persons and their departments."""

    keys: npt.NDArray[np.uint64]
    indptr: npt.NDArray[np.int64]
    department: npt.NDArray[np.int64]

    def signatures(self, seed: int) -> npt.NDArray[np.uint32]:
        return np.asarray(sketch_csr(self.keys, self.indptr, K, seed=seed))

    def members(self, department: int) -> npt.NDArray[np.int64]:
        return np.flatnonzero(self.department == department)


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    path = shared_data / "audiences"
    if not path.is_dir():
        pytest.skip(f"the folder {path} is absent")
    return path


@pytest.fixture(scope="module")
def graph(folder: Path) -> Graph:
    edges = np.loadtxt(folder / "email-Eu-core.txt", np.int64)
    labels = np.loadtxt(folder / "email-Eu-core-department-labels.txt", np.int64)
    assert (labels[:, 0] == np.arange(1005)).all()
    follower, followed = edges[:, 0], edges[:, 1]
    order = np.lexsort((follower, followed))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(followed, minlength=1005))]).astype(np.int64)
    return Graph(follower[order].astype(np.uint64), indptr, labels[:, 1])


def area(order: npt.NDArray[np.int64], members: npt.NDArray[np.int64]) -> float:
    """Recall at t = 5, 10, ... additions, by trapezoids over t / max t."""
    t = np.arange(5, len(members) - 5, 5)
    hits = np.concatenate([[0], np.cumsum(np.isin(order, members))])
    recall = hits[np.minimum(t, len(order))] / (len(members) - 5)
    return float(np.sum((recall[1:] + recall[:-1]) / 2 * np.diff(t / t[-1]))) if len(t) else 0.0


def areas(graph: Graph, signatures: npt.NDArray[np.uint32]) -> dict[str, dict[int, float]]:
    """By method and department, averaged over restarts."""
    result: dict[str, dict[int, float]] = {name: {} for name in SHORT.values()}
    numbers, sizes = np.unique(graph.department, return_counts=True)
    for department in numbers[sizes > 10].tolist():
        members = graph.members(department)
        options = replace(OPTIONS, max_members=len(members))  # the curve looks no further
        found: dict[str, list[float]] = {name: [] for name in SHORT.values()}
        for restart in RESTARTS:
            draws = np.random.RandomState(restart)  # the published experiment's
            seeds = np.sort(draws.choice(members, 5, replace=False))
            candidates = find_candidates(signatures, seeds, options)
            for method, name in SHORT.items():
                ranking = rank(method, signatures, seeds, options, candidates=candidates)
                found[name].append(area(ranking.rows, members))
        for name, values in found.items():
            result[name][department] = float(np.mean(values))
    return result


@pytest.fixture(scope="module")
def measured(graph: Graph) -> list[dict[str, dict[int, float]]]:
    return [areas(graph, graph.signatures(seed)) for seed in range(10)]


@pytest.fixture(scope="module")
def large(graph: Graph) -> list[int]:
    """Departments of more than 25 members."""
    numbers, sizes = np.unique(graph.department, return_counts=True)
    return [int(number) for number in numbers[sizes > 25]]


@pytest.mark.parametrize("method", list(REQUIRED))
def test_recall_over_all_large_departments(
    measured: list[dict[str, dict[int, float]]], large: list[int], method: str
) -> None:
    assert len(large) == 15
    by_seed = [np.mean([found[method][number] for number in large]) for found in measured]
    assert np.mean(by_seed) >= REQUIRED[method], by_seed
    assert min(by_seed) >= REQUIRED[method] - 0.01, by_seed


@pytest.mark.parametrize("method", list(REQUIRED))
def test_not_below_the_reference_method(
    measured: list[dict[str, dict[int, float]]], large: list[int], folder: Path, method: str
) -> None:
    given = json.loads((folder / "reference_auc.json").read_text(encoding="utf-8"))["k100"]["auc"]
    assert len(given) == 13
    ours = {number: np.mean([found[method][int(number)] for found in measured]) for number in given}
    for number, values in given.items():
        if values["n"] <= 15:  # a curve of one point
            assert ours[number] == values[method] == 0.0
    both = [(ours[number], given[number][method]) for number in given if int(number) in large]
    assert len(both) == 8
    mine, theirs = np.mean(both, axis=0)
    assert mine >= theirs - 0.01, both
    # Department by department: chance moves one by some hundredths, a wrong method by far more.
    assert all(values[0] >= values[1] - 0.06 for values in both), both


def test_error_of_the_estimate(graph: Graph) -> None:
    i, j = (part.astype(np.int32) for part in np.triu_indices(1005, 1))
    sizes = np.diff(graph.indptr)
    known = (sizes[i] > 0) & (sizes[j] > 0)
    i, j = i[known], j[known]
    shared = intersect(graph.keys, graph.indptr, i, j)
    exact = shared / (sizes[i] + sizes[j] - shared)
    theory = np.sqrt(np.mean(exact * (1 - exact)) / K)
    assert theory == pytest.approx(0.01445, abs=2e-5)
    for seed in range(3):
        error = matches32(graph.signatures(seed), i, j) / K - exact
        assert np.sqrt(np.mean(error**2)) <= 0.0115  # the reference method: .01361


def test_persons_without_followers_are_like_nobody(graph: Graph) -> None:
    signatures = graph.signatures(0)
    nobody = np.flatnonzero(np.diff(graph.indptr) == 0)
    assert len(nobody) == 14
    i, j = np.repeat(nobody, 1005).astype(np.int32), np.tile(np.arange(1005), 14).astype(np.int32)
    assert not matches32(signatures, i[i != j], j[i != j]).any()
    lone = find_candidates(signatures, nobody.astype(np.int64), OPTIONS)
    assert not len(lone.rows)
    everybody = find_candidates(signatures, np.arange(0, 1005, 7), OPTIONS)
    assert not np.isin(nobody, everybody.rows).any()
    for method in SEARCH_METHODS:
        assert not len(rank(method, signatures, nobody[:5], OPTIONS).rows)
