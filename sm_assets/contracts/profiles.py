"""Contracts of the tables of kinds of accounts by how they describe themselves.

Here: the membership table. Not here: words, medoids, ids and maps of its clusters (`clusters`).
"""

from __future__ import annotations

from sm_assets.contracts.columns import pick
from sm_assets.contracts.schema import Table

TABLES = (
    Table(
        name="out_profile_clusters",
        description=(
            "Every account that posted in the window (or posted about something): its cluster by its biography in each "
            "of two models, or why it has none. Clusters are groups of accounts that describe themselves in like words."
        ),
        grain="one account in one model",
        key=("model", "platform", "account_id"),
        partition="as_of",
        columns=pick(
            "profile.model platform account_id profile.status cluster.cluster_id? profile.strength? bio? bio_lang "
            "n_terms display_name? handle? params_hash day",
            cluster_id="Number of the cluster inside its snapshot and model, 0 is the largest; null: in none.",
            day="Last day of the trailing window in UTC; the partition.",
        ),
        kinds=("python", "parquet"),
    ),
)
