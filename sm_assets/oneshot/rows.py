"""The rows of a one-shot result: members of clusters, and the accounts outside of them.

Here: columns and their order. Not here: measures (`sm_assets.analysis.cosharing`), files (`result_files`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.account_book import most_frequent
from sm_assets.analysis.clustering import Clustering
from sm_assets.analysis.cosharing import Members
from sm_assets.analysis.gathering import Gathered
from sm_assets.analysis.status_reasons import status_reasons
from sm_assets.oneshot.options import Options


def _nameid(facts: pa.Table) -> pa.ChunkedArray:
    return pc.coalesce(facts.column("handle"), facts.column("fallback_id"))


def member_rows(gathered: Gathered, members: Members, clustering: Clustering, options: Options) -> pa.Table:
    """One row per member, in the order of `members`: the original program's columns, and those of the method."""
    facts = gathered.facts.take(pa.array(members.account))
    nameid, seed_name = _nameid(facts), _nameid(gathered.facts.take(pa.array(members.seed)))
    undefined = np.isnan(members.pmi)
    columns: dict[str, Any] = {
        "cluster_id": pa.array(members.cluster.astype(np.int64)),
        "cluster_seed": seed_name,
        "cluster_size": pa.array(members.cluster_size),
        "cluster_score": pa.array(members.cluster_score),
        "title": facts.column("title"),
        "nameid": nameid,
        "followers": pa.array(gathered.followers[members.account]),
        "total_interactions": pa.array(gathered.total_interactions[members.account]),
        "num_posts": pa.array(members.n_contents.astype(np.int64)),
        "coverage_within_cluster": pa.array(members.coverage),
        "pmi_with_seed": pa.array(members.pmi, mask=undefined),
        "npmi_with_seed": pa.array(members.npmi),
        "dnpmi_with_seed": pa.array(members.damped_npmi),
        "dnpmi_cov": pa.array(members.damped_npmi * members.coverage),
        "country": facts.column("country"),
        "name": facts.column("handle"),
        "url": pc.binary_join_element_wise("https://facebook.com/", nameid, ""),
    }
    if options.add_language and gathered.languages is not None:
        page = gathered.languages.take(pa.array(members.account))
        columns["cluster_lang"] = _cluster_languages(page, members.cluster)
        columns["page_lang"] = page
    if options.method == "linkage":
        for name, scores in (("membership_score", clustering.best_score), ("second_score", clustering.second_score)):
            values = scores[members.account]
            columns[name] = pa.array(values, mask=np.isnan(values))
    return pa.table(columns)


def _cluster_languages(page: pa.Array, cluster: npt.NDArray[np.int32]) -> pa.Array:
    """Most frequent page language of each row's cluster, ties to the one first in output order."""
    encoded = page.dictionary_encode()
    names = encoded.dictionary.to_pylist()
    n = int(cluster.max(initial=-1)) + 1
    return most_frequent(cluster, np.asarray(encoded.indices), n, names).take(pa.array(cluster))


def unplaced_rows(gathered: Gathered, clustering: Clustering) -> pa.Table:
    """One row per account outside of clusters: status, the reason in a sentence, the nearest clusters."""
    rows = np.flatnonzero(clustering.cluster < 0)
    take = pa.array(rows)
    facts = gathered.facts.take(take)
    status, reason = status_reasons(clustering, gathered.evidence.n_units, rows)
    score, second = clustering.best_score[rows], clustering.second_score[rows]
    return pa.table(
        {
            "nameid": _nameid(facts),
            "title": facts.column("title"),
            "status": status,
            "status_reason": reason,
            "num_posts": pa.array(gathered.evidence.n_units[rows].astype(np.int64)),
            "n_shared_contents": pa.array(clustering.n_shared[rows].astype(np.int64)),
            "best_cluster_id": pa.array(
                clustering.best_cluster[rows].astype(np.int64), mask=clustering.best_cluster[rows] < 0
            ),
            "best_score": pa.array(score, mask=np.isnan(score)),
            "second_cluster_id": pa.array(
                clustering.second_cluster[rows].astype(np.int64), mask=clustering.second_cluster[rows] < 0
            ),
            "second_score": pa.array(second, mask=np.isnan(second)),
        }
    )
