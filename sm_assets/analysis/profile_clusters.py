"""Profile clusters: which accounts describe themselves alike, by terms or by vectors of a text model, by two models.

Here: from accounts with biographies to the rows of out_profile_clusters. Not here: terms and their weights
(`profile_features`), text models (`text_models`), how clusters are found (`vector_clusters`), what they say
(`profile_words`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.cluster_spec import AUTO, GRID, ClusterSpec, Log
from sm_assets.analysis.language import label_texts
from sm_assets.analysis.pair_keys import pair_keys
from sm_assets.analysis.parameters import check_whole
from sm_assets.analysis.profile_features import FeatureRules, Features, profile_features
from sm_assets.analysis.vector_clusters import Clustering, cluster
from sm_assets.analysis.vector_rows import Matrix, is_sparse
from sm_assets.errors import OptionError

KMEANS: Final = "kmeans"
HDBSCAN: Final = "hdbscan"
MODELS: Final = (KMEANS, HDBSCAN)
DIMENSIONS: Final = 50
LEAST_DENSE: Final = 10
BIOS_PER_DENSE: Final = 300

Ints = npt.NDArray[np.int64]
Encode = Callable[[pa.Array | pa.ChunkedArray], tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]]
"""From string[n] to float32[n, w], zeros where there is no vector, and bool[n]: whether there is one."""


@dataclass(frozen=True, slots=True)
class ModelRules:
    """How the two models find clusters.

    Attributes:
        k: number of k-means clusters, or `auto`.
        k_table: with `auto`: numbers to choose from; else numbers that are told beside k. None: the usual grid, or k
            alone.
        size_min: accounts of the smallest k-means cluster that `auto` prefers.
        space: `svd`: hdbscan on 50 singular vectors. `terms`: on all terms by Euclidean distance, as the tutorial did.
        dense_size_min: accounts of the smallest dense cluster; None: one in 300, and 10 at least.
        wordless: accounts without a term: `apart`: in no cluster. `clustered`: in one, as in the tutorial.
        random_state: k-means draws as scikit-learn does from this state; None: from `seed`.
        seed: of all random numbers.
    """

    k: int | str = AUTO
    k_table: tuple[int, ...] | None = None
    size_min: int = 10
    space: str = "svd"
    dense_size_min: int | None = None
    wordless: str = "apart"
    random_state: int | None = None
    seed: int = 42

    def __post_init__(self) -> None:
        """Check what `ClusterSpec` does not.

        Raises:
            OptionError: names the parameter, with what was found and what is possible.
        """
        for name, allowed in (("space", ("svd", "terms")), ("wordless", ("apart", "clustered"))):
            if getattr(self, name) not in allowed:
                raise OptionError(f"{name} must be one of {', '.join(allowed)}; found {getattr(self, name)!r}.")
        if self.dense_size_min is not None:
            check_whole("dense_size_min", self.dense_size_min, 2)
        self.kmeans(self.k)

    def kmeans(self, k: int | str, preset: str = "kmeans") -> ClusterSpec:
        """What k-means does for one k, or to choose one of the table; of vectors: by the preset reduced_kmeans.

        Raises:
            OptionError: a number is out of range.
        """
        return ClusterSpec(
            preset=preset,
            k=k,
            metric="cosine" if self.random_state is None else "euclidean",
            size_min=self.size_min,
            grid=tuple(sorted(set(self.k_table))) if self.k_table else GRID,
            choose="stable" if self.k == AUTO else "silhouette",
            seed=self.seed,
            random_state=self.random_state,
        )

    def least_dense(self, n: int) -> int:
        """Accounts of the smallest dense cluster among n."""
        return self.dense_size_min or max(LEAST_DENSE, n // BIOS_PER_DENSE)


def compat_models(
    k: int | str, *, k_table: tuple[int, ...] = (2, 50, 200, 500), dense_size_min: int = 100
) -> ModelRules:
    """The choices of the tutorial that this succeeds; of it the number of clusters was chosen by eye."""
    return ModelRules(
        k=k, k_table=k_table, space="terms", dense_size_min=dense_size_min, wordless="clustered", random_state=42
    )


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """Accounts with their terms.

    Attributes:
        accounts: as given, sorted by platform and account_id.
        rows: int64[m], places of those that have a term, or a vector; with `clustered` of all.
        status: str[n], why an account is in no cluster; empty text: it can be in one.
        n_terms: int64[n].
        features: of those with a biography.
        matrix: float64[m, d], CSR, terms of `rows`.
        vectors: float32[m, w] of `rows`; None: accounts are compared by their terms.
    """

    accounts: pa.Table
    rows: Ints
    status: npt.NDArray[np.str_]
    n_terms: Ints
    features: Features
    matrix: Matrix
    vectors: npt.NDArray[np.float32] | None = None

    @property
    def compared(self) -> Matrix:
        """What accounts are compared by."""
        return self.matrix if self.vectors is None else self.vectors


@dataclass(frozen=True, slots=True, eq=False)
class Profiles:
    """Accounts, their terms, and the clusters of both models.

    Attributes:
        described: accounts with their terms.
        found: by model, over `described.rows`.
    """

    described: Described
    found: dict[str, Clustering] = field(default_factory=dict)


def described(
    accounts: pa.Table, rules: FeatureRules, *, wordless: str = "apart", encode: Encode | None = None
) -> Described:
    """Terms of accounts, and vectors if a text model compares them.

    Args:
        accounts: platform, account_id (together each once), bio, bio_lang, in any order.
        rules: which terms count.
        wordless: see `ModelRules`.
        encode: gives biographies their vectors; None: they get none.
    """
    table = accounts.sort_by([("platform", "ascending"), ("account_id", "ascending")])
    n = len(table)
    bios = table["bio"].combine_chunks().cast(pa.string())
    blank = pc.equal(pc.utf8_trim_whitespace(pc.fill_null(bios, "")), "").to_numpy(zero_copy_only=False)
    kept = np.arange(n) if wordless == "clustered" else np.flatnonzero(~blank)
    chosen = table.take(pa.array(kept))
    features = profile_features(chosen["bio"], chosen["bio_lang"], rules)
    n_terms = np.zeros(n, np.int64)
    n_terms[kept] = features.n_terms
    status = np.full(n, "", dtype="U16")
    inside, vectors = np.arange(len(kept)), None
    if encode is not None:
        found, present = encode(chosen["bio"])
        inside = np.flatnonzero(present)
        vectors = found[inside]
    elif wordless == "apart":
        inside = np.flatnonzero(features.n_terms)
    if wordless == "apart":
        status[:] = "no_known_word"
        status[kept[inside]] = ""
        status[blank] = "no_bio"
        # Signs that a model cannot see may be a term.
        n_terms[status != ""] = 0
    return Described(table, kept[inside], status, n_terms, features, features.matrix[inside], vectors)


def with_languages(accounts: pa.Table) -> pa.Table:
    """The accounts with blank biographies as null, and the languages of the others as `bio_lang`."""
    bios = accounts["bio"].combine_chunks().cast(pa.string())
    blank = pc.equal(pc.utf8_trim_whitespace(pc.fill_null(bios, "")), "")
    told = pc.if_else(blank, pa.scalar(None, pa.string()), bios)
    place = accounts.column_names.index("bio")
    return accounts.set_column(place, "bio", told).append_column("bio_lang", label_texts(told)["lang"])


def cluster_profiles(
    accounts: pa.Table,
    rules: FeatureRules,
    models: ModelRules,
    *,
    encode: Encode | None = None,
    log: Log | None = None,
    threads: int = 1,
) -> Profiles:
    """Cluster accounts by their biographies, by both models.

    Args:
        accounts: platform, account_id (together each once), bio (null: none), any other columns; in any order.
        rules: which terms count.
        models: how clusters are found.
        encode: gives biographies the vectors that they are compared by; None: they are compared by their terms. From
            200 accounts on, both models find clusters of vectors in 5 dimensions (UMAP).
        log: takes sentences about the progress.
        threads: tasks at a time; the result is the same with any number.

    Raises:
        OptionError: too few biographies for one term, where the rules ask for none at least; rules that are for terms
            only, with vectors.
    """
    if encode is not None and (models.space, models.wordless, models.random_state) != ("svd", "apart", None):
        raise OptionError(
            "vectors are clustered with the space svd, wordless apart and no random_state; found "
            f"{models.space}, {models.wordless} and {models.random_state}: leave them out, or compare by words."
        )
    told = described(with_languages(accounts), rules, wordless=models.wordless, encode=encode)
    say = log or (lambda _: None)
    kind = "term" if encode is None else "vector"
    n_features = len(told.features.vocabulary)
    say(f"{len(told.rows)} of {len(told.accounts)} accounts have a {kind}; {n_features} terms")
    chosen = told.accounts.take(pa.array(told.rows))
    keys = pair_keys(chosen["platform"], chosen["account_id"])
    matrix = told.compared
    if not matrix.shape[1]:
        from scipy.sparse import csr_array

        matrix = csr_array((len(told.rows), 1))
    found = {KMEANS: _kmeans(matrix, keys, models, say, threads)}
    found[HDBSCAN] = cluster(matrix, keys, _dense(matrix, models), log=log, threads=threads)
    return Profiles(told, found)


def _kmeans(matrix: Matrix, keys: pa.Array, models: ModelRules, log: Log, threads: int) -> Clustering:
    """k-means of one k, with what else was asked for in its table."""
    preset = "kmeans" if is_sparse(matrix) else "reduced_kmeans"
    if models.k == AUTO or not models.k_table:
        return cluster(matrix, keys, models.kmeans(models.k, preset), log=log, threads=threads)
    found = cluster(matrix, keys, models.kmeans(models.k, preset), log=log, threads=threads)
    table, notices = list(found.k_table), found.notices
    asked = sorted(set(models.k_table) - {row["k"] for row in table})
    for place, k in enumerate(asked):
        beside = cluster(matrix, keys, models.kmeans(k, preset), log=log, threads=threads)
        rows = [row for row in beside.k_table if row["k"] == k]
        if not rows:
            # There are fewer distinct rows than k: what was made is another number than what was asked for.
            notices.append(f"Left out of the table: {', '.join(map(str, asked[place:]))}, more than distinct rows.")
            break
        table += [row | {"chosen": False, "reason": "lower_silhouette"} for row in rows]
        notices += [notice for notice in beside.notices if notice not in notices]
    table.sort(key=lambda row: row["k"])
    return replace(found, k_table=table, record=found.record | {"notices": notices})


def _dense(matrix: Matrix, models: ModelRules) -> ClusterSpec:
    """HDBSCAN of terms: on as many numbers as terms, or on 50. Of vectors: as its preset says."""
    size_min = models.least_dense(matrix.shape[0])
    if not is_sparse(matrix):
        return ClusterSpec(preset="hdbscan", size_min=size_min, seed=models.seed)
    whole = models.space == "terms" or min(matrix.shape) <= DIMENSIONS
    return ClusterSpec(
        preset="hdbscan", reduce="none" if whole else "svd", n_components=DIMENSIONS, metric="euclidean",
        size_min=size_min, seed=models.seed,
    )  # fmt: skip


def profiles_table(found: Profiles, model: str) -> pa.Table:
    """Rows of out_profile_clusters of one model, without params_hash and day."""
    told, clusters = found.described, found.found[model]
    n = len(told.accounts)
    status, number, strength = told.status.copy(), np.full(n, -1, np.int64), np.zeros(n)
    status[told.rows] = np.where(clusters.labels >= 0, "member", "noise")
    number[told.rows], strength[told.rows] = clusters.labels, clusters.strength
    none = number < 0
    columns: dict[str, Any] = {
        "model": pa.repeat(pa.scalar(model), n),
        "platform": told.accounts["platform"],
        "account_id": told.accounts["account_id"],
        "status": pa.array(status.tolist(), pa.string()),
        "cluster_id": pa.array(number, mask=none),
        "strength": pa.array(np.clip(strength, 0, 1), mask=none),
        "bio": told.accounts["bio"],
        "bio_lang": told.accounts["bio_lang"],
        "n_terms": pa.array(told.n_terms),
        "display_name": told.accounts["display_name"],
        "handle": told.accounts["handle"],
    }
    return pa.table(columns)


def counts_by_status(table: pa.Table) -> dict[str, int]:
    """Accounts in, and how many of each status."""
    return {"accounts_in": len(table), **dict(sorted(Counter(table["status"].to_pylist()).items()))}


def sizes(table: pa.Table) -> tuple[dict[int, int], dict[str, int]]:
    """Members of each cluster, and how many accounts are in none, by status."""
    members = Counter(table["cluster_id"].drop_null().to_pylist())
    others = Counter(status for status in table["status"].to_pylist() if status != "member")
    return dict(sorted(members.items())), dict(sorted(others.items()))
