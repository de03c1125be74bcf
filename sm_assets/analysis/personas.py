"""Personas: who is compared, who belongs where, how near everybody is to what the persona writes.

Here: from accounts and the sums of their vectors to the rows of out_personas, and what each persona's vectors say of
it. Not here: which posts count, how clusters are found (`vector_clusters`), words and topics.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.pair_keys import pair_keys
from sm_assets.analysis.vector_rows import unit_rows
from sm_assets.errors import KernelError

_LEAST_LENGTH: Final = 1e-9

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparable:
    """Accounts of a window, and those that can be compared.

    Attributes:
        accounts: platform, account_id, n_posts, n_replies, n_quotes, n_of_kinds, n_eligible, display_name, handle;
            sorted by platform and account_id, each once.
        n_texts: int64[n], texts that count.
        status: why an account cannot be compared; empty text: it can.
        rows: int64[m], places of those that can.
        vectors: float64[m, d], their mean vectors, of length 1.
    """

    accounts: pa.Table
    n_texts: npt.NDArray[np.int64]
    status: npt.NDArray[np.str_]
    rows: npt.NDArray[np.int64]
    vectors: Floats

    @property
    def keys(self) -> pa.Array:
        """string[m]: platform and account_id of those that can be compared."""
        chosen = self.accounts.take(pa.array(self.rows))
        return pair_keys(chosen["platform"], chosen["account_id"])


def comparable(
    accounts: pa.Table,
    platform: pa.Array,
    account_id: pa.Array,
    n_texts: npt.NDArray[np.int64],
    total: Floats,
    least: int,
) -> Comparable:
    """Say which accounts can be compared, and why others cannot.

    Args:
        accounts: see `Comparable`.
        platform: string[v], with `account_id`, of the accounts that have vectors.
        account_id: string[v].
        n_texts: int64[v].
        total: float64[v, d], sums of their vectors.
        least: texts that an account needs.
    """
    n = len(accounts)
    place = _places(accounts, platform, account_id)
    has = place >= 0
    texts = np.where(has, n_texts[np.where(has, place, 0)] if len(n_texts) else 0, 0).astype(np.int64)
    eligible = accounts["n_eligible"].to_numpy()
    of_kinds = accounts["n_of_kinds"].to_numpy()
    sums = total[place[has]] if total.shape[1] else np.zeros((int(has.sum()), 0))
    length = np.zeros(n)
    length[has] = np.linalg.norm(sums, axis=1) if sums.shape[1] else 0.0
    status = np.full(n, "", dtype="U20")
    status[(texts > 0) & (texts < least)] = "too_few_texts"
    status[(texts >= least) & (length <= _LEAST_LENGTH * np.maximum(texts, 1))] = "no_vector"
    status[texts == 0] = "no_vector"
    status[eligible == 0] = "other_language"
    status[of_kinds == 0] = "too_few_texts"
    rows = np.flatnonzero(status == "")
    chosen = total[place[rows]] if len(rows) else np.zeros((0, total.shape[1]))
    return Comparable(accounts, texts, status, rows, chosen / np.maximum(length[rows, None], np.finfo(float).tiny))


@dataclass(frozen=True, slots=True)
class Nearness:
    """How members lie to the mean vectors of the personas.

    Attributes:
        means: float64[k, d], mean vector of each persona, of length 1.
        similarity: float64[m], cosine to the own mean; NaN: in no persona.
        second: int64[m], the other persona with the nearest mean; -1: there is none.
        second_similarity: float64[m].
        silhouette: float64[m], by cosine distance over all members; NaN: in none, or there is one persona only.
    """

    means: Floats
    similarity: Floats
    second: npt.NDArray[np.int64]
    second_similarity: Floats
    silhouette: Floats


def nearness(vectors: Floats, labels: npt.NDArray[np.int32]) -> Nearness:
    """Cosines of members to personas, and their silhouettes.

    For unit vectors the mean cosine distance of a row to a cluster is 1 minus its product with the cluster's mean row:
    silhouettes are exact for any number of rows, without any pair of rows.

    Args:
        vectors: float64[m, d], of length 1.
        labels: int32[m], 0..k-1 without gap; -1: in none.

    Raises:
        KernelError: unlike lengths.
    """
    if len(vectors) != len(labels):
        raise KernelError(f"one label per vector; found {len(labels)} for {len(vectors)}.")
    m, k = len(labels), int(labels.max(initial=-1)) + 1
    placed = np.flatnonzero(labels >= 0)
    own = labels[placed].astype(np.int64)
    nothing = np.full(m, np.nan)
    if not k:
        return Nearness(np.zeros((0, vectors.shape[1])), nothing, np.full(m, -1), nothing, nothing)
    order = np.argsort(own, kind="stable")
    size = np.bincount(own, minlength=k)
    sums = np.add.reduceat(vectors[placed][order], np.r_[0, np.cumsum(size)[:-1]], axis=0)
    means = unit_rows(sums)

    cosine = vectors[placed] @ means.T
    inside = np.arange(len(placed))
    similarity, second, second_similarity = nothing.copy(), np.full(m, -1), nothing.copy()
    similarity[placed] = np.clip(cosine[inside, own], -1, 1)
    silhouette = nothing.copy()
    if k > 1:
        others = cosine.copy()
        others[inside, own] = -np.inf
        nearest = np.argmax(others, axis=1)
        second[placed] = nearest
        second_similarity[placed] = np.clip(others[inside, nearest], -1, 1)
        product = vectors[placed] @ sums.T
        distance = 1 - product / size
        a = (size[own] - product[inside, own]) / np.maximum(size[own] - 1, 1)
        # A row's distance to itself is not 0 to the last bit.
        a -= (1 - np.einsum("ij,ij->i", vectors[placed], vectors[placed])) / np.maximum(size[own] - 1, 1)
        distance[inside, own] = np.inf
        b = distance.min(axis=1)
        value = (b - a) / np.maximum(np.maximum(a, b), np.finfo(float).tiny)
        silhouette[placed] = np.where(size[own] == 1, 0.0, value)
    return Nearness(means, similarity, second, second_similarity, silhouette)


def geometry(near: Nearness, labels: npt.NDArray[np.int32]) -> dict[str, list[float | None]]:
    """Of each persona the mean silhouette of its members and the persona with the nearest mean; None: it is alone."""
    k = len(near.means)
    if k < 2:
        return {"silhouette": [None] * k, "nearest": [None] * k}
    cosine = near.means @ near.means.T
    np.fill_diagonal(cosine, -np.inf)
    silhouette = [float(near.silhouette[labels == number].mean()) for number in range(k)]
    return {"silhouette": list(silhouette), "nearest": [int(number) for number in cosine.argmax(axis=1)]}


def personas_table(
    found: Comparable, labels: npt.NDArray[np.int32] | None, near: Nearness | None, told: dict[str, str | None]
) -> pa.Table:
    """Rows of out_personas, without day.

    Args:
        found: accounts and who can be compared.
        labels: int32[m]; None: too few could be compared.
        near: of these labels.
        told: embedder_id and params_hash.
    """
    n = len(found.accounts)
    status = found.status.copy()
    numbers, second = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    similarity, second_similarity = np.full(n, np.nan), np.full(n, np.nan)
    if labels is None or near is None:
        status[found.rows] = "too_few_accounts"
    else:
        status[found.rows] = np.where(labels >= 0, "member", "noise")
        numbers[found.rows], second[found.rows] = labels, near.second
        similarity[found.rows], second_similarity[found.rows] = near.similarity, near.second_similarity
    columns: dict[str, Any] = {name: found.accounts[name] for name in ("platform", "account_id")}
    columns["persona_id"] = _or_null(numbers, numbers < 0)
    columns["status"] = pa.array(status.tolist(), pa.string())
    columns["n_texts"] = pa.array(found.n_texts)
    columns |= {name: found.accounts[name] for name in ("n_posts", "n_replies", "n_quotes")}
    columns["similarity"] = _or_null(similarity, np.isnan(similarity))
    columns["second_persona_id"] = _or_null(second, second < 0)
    columns["second_similarity"] = _or_null(second_similarity, np.isnan(second_similarity))
    columns |= {name: found.accounts[name] for name in ("display_name", "handle")}
    columns |= {name: pa.repeat(pa.scalar(value, pa.string()), n) for name, value in told.items()}
    return pa.table(columns)


def counts_by_status(table: pa.Table) -> dict[str, int]:
    """Accounts in, and how many of each status."""
    return {"accounts_in": len(table), **dict(sorted(Counter(table["status"].to_pylist()).items()))}


def _places(accounts: pa.Table, platform: pa.Array, account_id: pa.Array) -> npt.NDArray[np.int64]:
    """Place of each account among those with vectors; -1: it has none."""
    found = pc.index_in(
        pair_keys(accounts["platform"], accounts["account_id"]), value_set=pair_keys(platform, account_id)
    )
    return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), np.int64)


def _or_null(values: npt.NDArray[Any], missing: npt.NDArray[np.bool_]) -> pa.Array:
    return pa.array(values, mask=missing)


def sizes(table: pa.Table) -> tuple[dict[int, int], dict[str, int]]:
    """Members of each persona, and how many accounts are in none, by status."""
    members = Counter(table["persona_id"].drop_null().to_pylist())
    others = Counter(status for status in table["status"].to_pylist() if status != "member")
    return dict(sorted(members.items())), dict(sorted(others.items()))
