"""The four co-sharing tables of a window: pairs, clusters, members, evidence.

Here: from feat_account_content and account facts to the columns of out_cosharing_*. Not here: the methods (`linkage`,
`seeded`), the measures (`cosharing`, `pairs`), the choice of evidence (`cosharing_evidence`), reading and writing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.clustering import Clustering
from sm_assets.analysis.cosharing import Members, Method, loudest_members, rank_members
from sm_assets.analysis.cosharing_evidence import Ties, evidence_table, find_ties, owners, timestamps
from sm_assets.analysis.cosharing_window import Window, number_window
from sm_assets.analysis.defaults import METHOD_DEFAULTS, VIRAL_ACCOUNTS
from sm_assets.analysis.linkage import link_accounts
from sm_assets.analysis.pairs import KINDS, Pairs, find_pairs
from sm_assets.analysis.seeded import seed_clusters, visiting_order
from sm_assets.analysis.status_reasons import status_reasons

_PREVIEW_ORDER = np.array([KINDS.index(kind) for kind in ("joined", "text", "image_text", "link")]).argsort()
"""Rank of each kind where one content stands for a network: words say more than addresses."""


@dataclass(frozen=True, slots=True, eq=False)
class CosharingTables:
    """The tables of one window, and what was counted on the way.

    Attributes:
        pairs, clusters, members, evidence: rows of out_cosharing_*.
        counts: rows and accounts in, used and left out by reason.
    """

    pairs: pa.Table
    clusters: pa.Table
    members: pa.Table
    evidence: pa.Table
    counts: dict[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What the method answered, with the measures of members by account."""

    clustering: Clustering
    members: Members
    score: npt.NDArray[np.float64]


def cosharing_tables(
    contents: pa.Table,
    accounts: pa.Table,
    previews: pa.Table,
    *,
    day: date | None = None,
    method: Method = "linkage",
    content_mode: str = "canonical",
    min_threshold: float | None = None,
    second_cluster_factor: float | None = None,
    viral_accounts: int = VIRAL_ACCOUNTS,
    across_platforms: bool = True,
) -> CosharingTables:
    """Find networks in a window and tell all about them.

    Args:
        contents: rows of feat_account_content of one day or of many: platform, account_id, content_id, content_kind,
            is_primary, n_posts, first_at, last_at, sample_post_id, sample_url.
        accounts: one row per account: platform, account_id, display_name, handle, url, country_code, language,
            followers, total_interactions, n_posts.
        previews: content_id, preview, domain (host of a link, else null), one row per content.
        day: as-of day; None: the tables have no column `day`.
        method: linkage or seeded; seeded looks at primary contents only.
        content_mode: written into the clusters.
        min_threshold: None: the method's default.
        second_cluster_factor: None: the method's default.
        viral_accounts: see `link_accounts` and `find_pairs`.
        across_platforms: a content on two platforms is one content.

    Returns:
        Tables with the columns of their contracts.

    Raises:
        OptionError: a parameter is out of range.
    """
    threshold, factor = METHOD_DEFAULTS[method]
    threshold = threshold if min_threshold is None else min_threshold
    factor = factor if second_cluster_factor is None else second_cluster_factor
    window = number_window(contents, accounts, primary_only=method == "seeded", across_platforms=across_platforms)
    found = _cluster(window, method, threshold, factor, viral_accounts)
    pairs, dropped = find_pairs(
        window.evidence, window.kind, window.first_at, window.last_at, viral_accounts=viral_accounts
    )
    ties = find_ties(window, found.clustering.cluster)
    evidence, left_out = evidence_table(window, ties, previews)
    tables = {
        "pairs": _pair_table(window, pairs),
        "clusters": _cluster_table(window, found, ties, previews, method, content_mode),
        "members": _member_table(window, found),
        "evidence": evidence,
    }
    if day is not None:
        tables = {
            name: table.append_column("day", pa.repeat(pa.scalar(day, pa.date32()), len(table)))
            for name, table in tables.items()
        }
    carriers = np.bincount(window.evidence.content, minlength=window.evidence.n_contents)
    counts = {
        **window.counts,
        "accounts": window.evidence.n_accounts,
        **{f"accounts_{name}": n for name, n in found.clustering.count_by_status().items()},
        "contents": window.evidence.n_contents,
        "contents_shared": int(np.count_nonzero(carriers > 1)),
        "contents_viral": int(np.count_nonzero(carriers > viral_accounts)),
        "clusters": len(tables["clusters"]),
        "pairs": len(pairs),
        **{f"pairs_{reason}": n for reason, n in dropped.items()},
        "evidence_rows": len(evidence),
        **left_out,
    }
    return CosharingTables(**tables, counts=counts)


def _cluster(window: Window, method: Method, threshold: float, factor: float, viral_accounts: int) -> _Found:
    totals = _ints(window.facts, "total_interactions")
    if method == "seeded":
        clustering, first = seed_clusters(
            window.evidence, visiting_order(totals), min_threshold=threshold, second_cluster_factor=factor
        )
        seeds = first.astype(np.int64)
    else:
        clustering = link_accounts(
            window.evidence,
            min_threshold=threshold,
            second_cluster_factor=factor,
            viral_accounts=viral_accounts,
        )
        seeds = loudest_members(clustering, totals)
    members = rank_members(
        window.evidence,
        clustering,
        seeds,
        method=method,
        followers=_ints(window.facts, "followers"),
        total_interactions=totals,
    )
    return _Found(clustering, members, np.where(clustering.cluster >= 0, clustering.best_score, np.nan))


def _ints(facts: pa.Table, name: str) -> npt.NDArray[np.int64]:
    """int64[n_accounts], unknown = 0."""
    return np.asarray(pc.fill_null(facts[name].combine_chunks(), 0).to_numpy(zero_copy_only=False), np.int64)


def _nullable(values: npt.NDArray[np.float64]) -> pa.Array:
    """Doubles with nan as null."""
    return pa.array(values, mask=np.isnan(values))


def _pair_table(window: Window, pairs: Pairs) -> pa.Table:
    columns: dict[str, pa.Array] = {}
    for side, account in (("a", pairs.a), ("b", pairs.b)):
        columns[f"platform_{side}"] = window.platform.take(pa.array(account))
        columns[f"account_id_{side}"] = window.account_id.take(pa.array(account))
    kinds = {f"n_shared_{kind}": pairs.by_kind[:, KINDS.index(kind)] for kind in ("text", "link", "image_text")}
    counts = {"n_contents_a": pairs.n_a, "n_contents_b": pairs.n_b, "n_shared": pairs.n_shared, **kinds}
    columns |= {name: pa.array(values.astype(np.int64)) for name, values in counts.items()}
    columns |= {
        "coverage_a": pa.array(pairs.coverage_a),
        "coverage_b": pa.array(pairs.coverage_b),
        "npmi": pa.array(pairs.npmi),
        "damped_npmi": pa.array(pairs.damped_npmi),
        "p_value": pa.array(pairs.p_value),
        "median_gap_s": pa.array(pairs.median_gap / 1e6),
        "first_shared_at": timestamps(pairs.first_shared),
        "last_shared_at": timestamps(pairs.last_shared),
    }
    return pa.table(columns)


def _member_table(window: Window, found: _Found) -> pa.Table:
    clustering, members = found.clustering, found.members
    n = window.evidence.n_accounts
    pieces = window.evidence.n_units
    status, reason = status_reasons(clustering, pieces, np.arange(n))
    is_seed = np.zeros(n, np.bool_)
    is_seed[members.seed] = True

    def measured(values: npt.NDArray[np.float64]) -> pa.Array:
        column = np.full(n, np.nan)
        column[members.account] = values
        return _nullable(column)

    def numbered(values: npt.NDArray[np.int32]) -> pa.Array:
        return pa.array(values.astype(np.int64), mask=values < 0)

    facts = window.facts
    return pa.table(
        {
            "platform": window.platform,
            "account_id": window.account_id,
            "cluster_id": numbered(clustering.cluster),
            "status": status,
            "status_reason": reason,
            "is_seed": pa.array(is_seed),
            **{name: facts[name] for name in ("display_name", "handle", "url", "country_code", "language")},
            **{name: facts[name].cast(pa.int64()) for name in ("followers", "total_interactions", "n_posts")},
            "n_contents": pa.array(pieces.astype(np.int64)),
            "n_shared_contents": pa.array(clustering.n_shared.astype(np.int64)),
            "membership_score": _nullable(found.score),
            "coverage_within_cluster": measured(members.coverage),
            "pmi_with_seed": measured(members.pmi),
            "npmi_with_seed": measured(members.npmi),
            "dnpmi_with_seed": measured(members.damped_npmi),
            "second_cluster_id": numbered(clustering.second_cluster),
            "second_score": _nullable(clustering.second_score),
        }
    )


def _cluster_table(
    window: Window, found: _Found, ties: Ties, previews: pa.Table, method: Method, content_mode: str
) -> pa.Table:
    members = found.members
    shown, first = np.unique(members.cluster, return_index=True)
    n = int(members.cluster.max(initial=-1)) + 1
    seed, size = members.seed[first], members.cluster_size[first]

    def summed(values: npt.NDArray[np.float64] | npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        sums = np.bincount(members.cluster, weights=values[members.account], minlength=n)
        return sums[shown].astype(np.float64)

    platforms, codes = np.unique(window.platform.to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    met = np.zeros((n, len(platforms)), np.bool_)
    met[members.cluster, codes[members.account]] = True
    shared = _shared_contents(window, found.clustering.cluster, n)
    language = window.facts["language"].combine_chunks()
    linked = np.bincount(ties.cluster, minlength=n)[shown]
    return pa.table(
        {
            "cluster_id": pa.array(shown.astype(np.int64)),
            "method": pa.array([method] * len(shown), pa.string()),
            "content_mode": pa.array([content_mode] * len(shown), pa.string()),
            "seed_platform": window.platform.take(pa.array(seed)),
            "seed_account_id": window.account_id.take(pa.array(seed)),
            "cluster_size": pa.array(size.astype(np.int64)),
            "n_platforms": pa.array(met[shown].sum(axis=1).astype(np.int64)),
            "n_contents": pa.array(shared.n_contents[shown]),
            "n_posts": pa.array(summed(_ints(window.facts, "n_posts")).astype(np.int64)),
            "total_interactions": pa.array(summed(_ints(window.facts, "total_interactions")).astype(np.int64)),
            "cluster_score": pa.array(members.cluster_score[first]),
            "density": pa.array(linked / np.maximum(size * (size - 1) / 2, 1)),
            "mean_membership_score": pa.array(summed(found.score) / np.maximum(size, 1)),
            "cluster_lang": _most_frequent(members, language, shown),
            "top_domain": _top_domain(shared, window, previews, shown),
            "top_preview": _of_content(previews, "preview", window, shared.top_content[shown]),
            "first_shared_at": timestamps(shared.first_at[shown]),
            "last_shared_at": timestamps(shared.last_at[shown]),
        }
    )


@dataclass(frozen=True, slots=True, eq=False)
class _SharedContents:
    """Contents that at least two members of a cluster carry: one row per (cluster, content), and by cluster.

    Attributes:
        cluster, content: int64[k].
        n_contents, top_content, first_at, last_at: int64[n_clusters].
    """

    cluster: npt.NDArray[np.int64]
    content: npt.NDArray[np.int64]
    n_contents: npt.NDArray[np.int64]
    top_content: npt.NDArray[np.int64]
    first_at: npt.NDArray[np.int64]
    last_at: npt.NDArray[np.int64]


def _shared_contents(window: Window, cluster: npt.NDArray[np.int32], n: int) -> _SharedContents:
    evidence = window.evidence
    of_row = cluster[owners(evidence)]
    rows = np.flatnonzero(of_row >= 0)
    key = of_row[rows].astype(np.int64) * evidence.n_contents + evidence.content[rows]
    distinct, first, inverse, carriers = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    shared = carriers > 1
    of_cluster, content = (
        distinct[shared] // max(evidence.n_contents, 1),
        distinct[shared] % max(evidence.n_contents, 1),
    )
    rows_shared = rows[shared[inverse]]
    first_at = np.full(n, np.iinfo(np.int64).max)
    last_at = np.full(n, np.iinfo(np.int64).min)
    np.minimum.at(first_at, of_row[rows_shared], window.first_at[rows_shared])
    np.maximum.at(last_at, of_row[rows_shared], window.last_at[rows_shared])
    # The content that most members carry; of several the one in words, then the one posted most, then the smaller id.
    posts = np.bincount(inverse, weights=window.n_posts[rows], minlength=len(distinct))[shared]
    rank = _PREVIEW_ORDER[window.kind[rows[first[shared]]]]
    ids = window.content_id.take(pa.array(content))
    by_id = np.empty(len(content), np.int64)
    by_id[pc.sort_indices(ids).to_numpy(zero_copy_only=False).astype(np.int64)] = np.arange(len(content))
    order = np.lexsort((by_id, -posts, rank, -carriers[shared], of_cluster))
    lead = order[np.diff(of_cluster[order], prepend=-1) != 0]
    top = np.full(n, -1, np.int64)
    top[of_cluster[lead]] = content[lead]
    return _SharedContents(of_cluster, content, np.bincount(of_cluster, minlength=n), top, first_at, last_at)


def _of_content(previews: pa.Table, column: str, window: Window, content: npt.NDArray[np.int64]) -> pa.Array:
    """A column of the previews for each content; null for content -1."""
    ids = window.content_id.take(pa.array(content, mask=content < 0))
    found = pc.index_in(ids, value_set=previews["content_id"].combine_chunks())
    return previews[column].combine_chunks().take(found)


def _top_domain(shared: _SharedContents, window: Window, previews: pa.Table, shown: npt.NDArray[np.int32]) -> pa.Array:
    """The host that most shared contents of a cluster link to; ties to the first in the alphabet."""
    host = _of_content(previews, "domain", window, shared.content)
    known = np.flatnonzero(host.is_valid().to_numpy(zero_copy_only=False))
    encoded = host.take(pa.array(known)).dictionary_encode()
    names = encoded.dictionary
    alphabet = np.empty(len(names), np.int64)
    alphabet[pc.sort_indices(names).to_numpy(zero_copy_only=False).astype(np.int64)] = np.arange(len(names))
    codes = alphabet[encoded.indices.to_numpy(zero_copy_only=False)]
    top = _mode(shared.cluster[known], codes, np.arange(len(codes)) * 0, shown, len(names))
    return names.take(pc.sort_indices(names)).take(top)


def _most_frequent(members: Members, language: pa.Array, shown: npt.NDArray[np.int32]) -> pa.Array:
    """The language of most members; ties to the one shown first. Members without a known language do not vote."""
    spoken = language.take(pa.array(members.account))
    known = np.flatnonzero(spoken.is_valid().to_numpy(zero_copy_only=False))
    encoded = spoken.take(pa.array(known)).dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return encoded.dictionary.take(
        _mode(members.cluster[known].astype(np.int64), codes, known, shown, len(encoded.dictionary))
    )


def _mode(
    cluster: npt.NDArray[np.int64],
    code: npt.NDArray[np.int64],
    place: npt.NDArray[np.int64],
    shown: npt.NDArray[np.int32],
    n_codes: int,
) -> pa.Array:
    """Most frequent code of each shown cluster, null if it has none; ties to the smallest place, then code."""
    key = cluster * max(n_codes, 1) + code
    distinct, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
    earliest = np.full(len(distinct), np.iinfo(np.int64).max)
    np.minimum.at(earliest, inverse, place)
    of = distinct // max(n_codes, 1)
    order = np.lexsort((distinct, earliest, -counts, of))
    lead = order[np.diff(of[order], prepend=-1) != 0]
    top = np.full(int(shown.max(initial=-1)) + 1, -1, np.int64)
    top[of[lead]] = distinct[lead] % max(n_codes, 1)
    return pa.array(top[shown], mask=top[shown] < 0)
