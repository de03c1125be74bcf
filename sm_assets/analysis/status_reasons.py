"""Why an account is where it is, in one plain sentence.

Here: words for the codes of `Clustering`. Not here: the decisions.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.analysis import clustering as codes
from sm_assets.analysis.clustering import STATUSES, Clustering


def status_reasons(
    clustering: Clustering, n_contents: npt.NDArray[np.int32], accounts: npt.NDArray[np.int64]
) -> tuple[pa.StringArray, pa.StringArray]:
    """(status, sentence) of the accounts given by number."""
    status = pa.array(STATUSES).take(pa.array(clustering.status[accounts]))
    sentences = [
        _sentence(clustering, int(account), int(n)) for account, n in zip(accounts, n_contents[accounts], strict=True)
    ]
    return status, pa.array(sentences, pa.string())


def _sentence(clustering: Clustering, account: int, n: int) -> str:
    code = int(clustering.status[account])
    shared = int(clustering.n_shared[account])
    best, second = int(clustering.best_cluster[account]), int(clustering.second_cluster[account])
    score, runner_up = float(clustering.best_score[account]), float(clustering.second_score[account])
    of_contents = f"{shared:,} of its {n:,} content{'' if n == 1 else 's'}"
    if code == codes.MEMBER:
        text = f"Shares {of_contents} with other accounts and fits cluster {best} best (score {score:.2f}"
        return text + (f"; next is cluster {second} with {runner_up:.2f})." if second >= 0 else ").")
    if code == codes.NEAR_TIE:
        return (
            f"Clusters {best} and {second} fit it about equally well (scores {score:.2f} and {runner_up:.2f}), "
            "so it is put in neither."
        )
    if code == codes.AGGREGATOR:
        return (
            f"Shares {of_contents}, but spread over several clusters (the best, {best}, scores {score:.2f}): "
            "it collects from many."
        )
    if code == codes.WEAK:
        where = f"; the nearest, cluster {best}, scores only {score:.2f}" if best >= 0 else ""
        return f"Shares {of_contents} with other accounts, too little to belong to a cluster{where}."
    if code == codes.VIRAL_ONLY:
        return f"All it has in common with others ({of_contents}) went viral and says nothing about a network."
    if code == codes.UNSHARED:
        return f"None of its {n:,} content{'' if n == 1 else 's'} is carried by another account."
    if code == codes.LONE_SEED:
        return (
            f"Stands for a cluster of its own that no other account joined, though {of_contents} are carried by others."
        )
    return f"Has {n:,} content{'' if n == 1 else 's'}, too few to start a cluster, and matches none clearly."
