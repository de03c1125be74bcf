"""Clustering around seeds against a slow, literal telling of the rules."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sm_assets.analysis.clustering import STATUSES
from sm_assets.analysis.evidence import Evidence
from sm_assets.analysis.seeded import seed_clusters, visiting_order


def slow(
    carried: list[set[int]], order: list[int], n: int, threshold: float, factor: float
) -> tuple[list[int], list[int]]:
    """(cluster of each account or -1 with clusters of one kept, seeds)."""
    cluster, seeds = [-1] * len(carried), []
    for y in order:
        n_y = len(carried[y])
        if n_y <= 1:
            continue
        matches = []
        for c, x in enumerate(seeds):
            n_xy, n_x = len(carried[x] & carried[y]), len(carried[x])
            if not n_xy:
                continue
            npmi = 1.0 if n_xy == n else math.log2(n_y * n_x / n / n) / math.log2(n_xy / n) - 1
            score = n_xy / n_y * (npmi * (1 - math.exp(-min(n_x, n_y) / 4)))
            if score >= threshold:
                matches.append((-score, c))
        matches.sort()
        if len(matches) == 1 or (len(matches) > 1 and -matches[0][0] >= -matches[1][0] * factor):
            cluster[y] = matches[0][1]
        elif n_y >= 4:
            cluster[y] = len(seeds)
            seeds.append(y)
    return cluster, seeds


@given(
    st.lists(st.sets(st.integers(0, 25), max_size=9), min_size=1, max_size=14),
    st.sampled_from([0.0, 0.03, 0.1, 0.5]),
    st.sampled_from([0.0, 1.0, 1.5, 2.5]),
    st.randoms(use_true_random=False),
)
def test_against_the_literal_rules(carried: list[set[int]], threshold: float, factor: float, random: object) -> None:
    totals = [random.randrange(5) for _ in carried]  # type: ignore[attr-defined]  # Hypothesis hands over a random.Random
    order = sorted(range(len(carried)), key=lambda y: -totals[y])
    n = len(set().union(*carried))
    rows = [(account, content) for account, contents in enumerate(carried) for content in sorted(contents)]
    evidence = Evidence.from_rows(
        [a for a, _ in rows], [c for _, c in rows], n_accounts=len(carried), n_contents=26, n_background=max(n, 1)
    )
    assert visiting_order(np.array(totals)).tolist() == order
    found, seeds = seed_clusters(evidence, np.array(order), min_threshold=threshold, second_cluster_factor=factor)
    expected, expected_seeds = slow(carried, order, max(n, 1), threshold, factor)
    assert seeds.tolist() == expected_seeds
    sizes = {c: expected.count(c) for c in expected}
    assert found.cluster.tolist() == [c if c >= 0 and sizes[c] > 1 else -1 for c in expected]
    for y, code in enumerate(found.status):
        status = STATUSES[code]
        shared = any(carried[y] & other for z, other in enumerate(carried) if z != y)
        assert (status == "member") == (found.cluster[y] >= 0)
        if status != "member":
            assert (status == "unshared") == (not shared)


def test_one_content_carried_by_many_costs_no_square() -> None:
    n = 20_000
    account = np.concatenate([np.arange(n), np.repeat(np.arange(n), 4)])
    content = np.concatenate([np.zeros(n, int), 1 + np.arange(4 * n)])
    evidence = Evidence.from_rows(account, content, n_accounts=n, n_contents=4 * n + 1)
    found, _ = seed_clusters(evidence, np.arange(n))
    assert found.n_clusters == 1
    assert (found.cluster == 0).all()


def test_answers_name_only_clusters_that_are_there() -> None:
    # 0 seeds a cluster that 1 joins; 2 and 3 seed clusters of their own; 4 has too little and lies between 2 and 3.
    carried = [{0, 1, 2, 3}, {0, 1, 2}, {10, 11, 12, 13}, {20, 21, 22, 23}, {10, 20, 30}]
    rows = [(account, content) for account, contents in enumerate(carried) for content in sorted(contents)]
    evidence = Evidence.from_rows([a for a, _ in rows], [c for _, c in rows], n_accounts=5, n_contents=40)
    found, seeds = seed_clusters(evidence, np.arange(5))
    assert seeds.tolist() == [0, 2, 3]
    assert found.cluster.tolist() == [0, 0, -1, -1, -1]
    assert found.best_cluster.tolist() == [0, 0, -1, -1, -1]
    assert found.second_cluster.tolist() == [-1] * 5
    assert found.best_score[0] == 1 - math.exp(-1)
    assert np.isnan(found.best_score[2:]).all()
    assert [STATUSES[code] for code in found.status] == [
        "member",
        "member",
        "lone_seed",
        "lone_seed",
        "too_few_contents",
    ]
