"""What clusters of biographies say: their strongest terms, the typical biographies, a sample of them as a page.

Here: all that is told of clusters that are there. Not here: finding them (`profile_clusters`), weights of terms
(`profile_features`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.analysis.medoids import N_MEDOIDS, Medoids, medoids
from sm_assets.analysis.one_thread_tasks import child_seed
from sm_assets.analysis.parameters import check_whole
from sm_assets.analysis.persona_report import escaped
from sm_assets.analysis.terms import N_TERMS, SCHEMA
from sm_assets.analysis.vector_rows import Matrix
from sm_assets.errors import KernelError

N_SAMPLED: Final = 12
# Below, two sums of the same numbers differ by rounding.
_NOTHING: Final = 1e-12
_PAGE_TERMS: Final = 10

Labels = npt.NDArray[np.integer[Any]]


def bio_terms(
    matrix: Matrix, vocabulary: pa.StringArray, labels: Labels, *, n_terms: int = N_TERMS, min_accounts: int = 1
) -> pa.Table:
    """The terms of every cluster, strongest first.

    Args:
        matrix: float64[m, d], CSR, weights of terms; one row per account.
        vocabulary: string[d], sorted.
        labels: int[m], cluster of each row; below 0: in none, but part of the mean of all.
        n_terms: terms of a cluster at most.
        min_accounts: accounts of the cluster that must use a term; where no term has so many, all are kept.

    Returns:
        cluster_id, rank (from 1), term, weight, n_accounts, n_occurrences (biographies that it is in, which are as many
        as their accounts), by cluster and rank. The weight is the term's mean weight in the cluster less that over all
        rows; only terms above 0 are told, however few they are. Ties by term.

    Raises:
        KernelError: unlike lengths.
        OptionError: a number is out of range.
    """
    check_whole("n_terms", n_terms)
    check_whole("min_accounts", min_accounts)
    n, d = matrix.shape
    if len(labels) != n or len(vocabulary) != d:
        raise KernelError(
            f"one label per row and one term per column; found {len(labels)} labels and {len(vocabulary)} terms for "
            f"{n} rows of {d}."
        )
    found = []
    everywhere = np.asarray(matrix.sum(axis=0)).reshape(-1) / max(n, 1)
    for number in range(int(labels.max(initial=-1)) + 1):
        own = matrix[np.flatnonzero(labels == number)]
        weight = np.asarray(own.sum(axis=0)).reshape(-1) / max(own.shape[0], 1) - everywhere
        using = np.bincount(own.indices, minlength=d)
        strong = np.flatnonzero((weight > _NOTHING) & (using > 0))
        common = strong[using[strong] >= min_accounts]
        chosen = common if len(common) else strong
        # The vocabulary is sorted: of equal weights the first comes first.
        best = chosen[np.argsort(-np.round(weight[chosen], 12), kind="stable")[:n_terms]]
        names = vocabulary.take(pa.array(best)).to_pylist()
        found += [
            (number, rank, name, float(weight[at]), int(using[at]), int(using[at]))
            for rank, (name, at) in enumerate(zip(names, best, strict=True), 1)
        ]
    columns = list(zip(*found, strict=True)) or [()] * len(SCHEMA)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], SCHEMA)


def bio_medoids(matrix: Matrix, bios: Sequence[str | None], labels: Labels, n: int = N_MEDOIDS) -> dict[int, Medoids]:
    """The biographies of each cluster that are nearest to all its others, by the cosine of their terms or vectors.

    Args:
        matrix: float64[m, d], CSR, or float32[m, w]; rows in the order in which ties are decided.
        bios: m biographies; equal ones of a cluster count once, as the first.
        labels: int[m], cluster of each row; below 0: in none.
        n: biographies of a cluster at most.

    Returns:
        By cluster; `row` are rows of the matrix.
    """
    found = {}
    for number in range(int(labels.max(initial=-1)) + 1):
        first = _distinct(bios, labels, number)
        best = medoids(matrix[first], n)
        found[number] = Medoids(first[best.row], best.mean_distance)
    return found


def sampled(
    bios: Sequence[str | None], labels: Labels, typical: Mapping[int, Medoids], *, seed: int, n: int = N_SAMPLED
) -> dict[int, npt.NDArray[np.int64]]:
    """Seeded draws of distinct biographies of each cluster, those that are typical left out; rows, ascending.

    Args:
        bios: m biographies.
        labels: int[m].
        typical: of `bio_medoids`.
        seed: of the draws.
        n: biographies of a cluster at most.
    """
    drawn = {}
    for number, best in typical.items():
        others = np.setdiff1d(_distinct(bios, labels, number), best.row)
        random = np.random.default_rng(child_seed(seed, f"biographies of cluster {number}"))
        drawn[number] = np.sort(random.permutation(others)[:n])
    return drawn


def _distinct(bios: Sequence[str | None], labels: Labels, number: int) -> npt.NDArray[np.int64]:
    """The first row of each biography of a cluster."""
    first: dict[str, int] = {}
    for row in np.flatnonzero(labels == number).tolist():
        first.setdefault(bios[row] or "", row)
    return np.fromiter(first.values(), np.int64, len(first))


def samples_section(
    title: str,
    bios: Sequence[str | None],
    labels: Labels,
    terms: pa.Table,
    typical: Mapping[int, Medoids],
    drawn: Mapping[int, npt.NDArray[np.int64]],
) -> str:
    """Typical and drawn biographies of each cluster of one model, as Markdown that shows them and runs nothing.

    Args:
        title: of the section.
        bios: m biographies.
        labels: int[m].
        terms: of `bio_terms`.
        typical: of `bio_medoids`.
        drawn: of `sampled`.
    """
    words: dict[int, list[str]] = {}
    for number, term in zip(terms["cluster_id"].to_pylist(), terms["term"].to_pylist(), strict=True):
        words.setdefault(number, []).append(escaped(term))
    lines = [f"## {title}", ""]
    if not typical:
        lines += ["No cluster.", ""]
    for number, best in typical.items():
        size = int(np.count_nonzero(labels == number))
        lines += [f"### Cluster {number}: {size} account{'' if size == 1 else 's'}", ""]
        lines += [f"Terms: {', '.join(words.get(number, ['none'])[:_PAGE_TERMS])}", ""]
        for name, rows in (("Most typical", best.row), ("Drawn at random", drawn[number])):
            if len(rows):
                lines += [f"{name}:", ""]
                # Only what is shown is read: a biography can be a megabyte.
                lines += [f"{rank}. {escaped((bios[row] or '')[:1000])}" for rank, row in enumerate(rows.tolist(), 1)]
                lines.append("")
    return "\n".join(lines)
