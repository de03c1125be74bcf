"""The assets: one module per way of making tables.

Here: declarations and bodies of a few lines. `all_assets` gathers them for the definitions.
"""

from __future__ import annotations

import dagster as dg

from sm_assets.analysis.embedder import Embedder
from sm_assets.defs.assets import (
    account_attributes,
    account_embeddings,
    account_labels,
    account_traits,
    attribute_models,
    audience_communities,
    audience_sketches,
    audiences,
    cluster_identity,
    cluster_k,
    cluster_map,
    cluster_summaries,
    contents,
    cosharing,
    estimated_exposures,
    follow_keys,
    hashtag_clusters,
    influencer_search,
    language,
    ngrams,
    persona_conversations,
    persona_exports,
    persona_profiles,
    personas,
    post_embeddings,
    post_relevance,
    post_volumes,
    profile_clusters,
    raw,
    report,
    sql,
)
from sm_assets.storage import Lake


def all_assets(lake: Lake, embedder: Embedder | None = None) -> list[dg.AssetsDefinition]:
    """Every asset over one lake, raw to out; `embedder` takes the place of the configured text model."""
    return [
        *raw.assets(lake),
        *sql.assets(lake),
        contents.asset(lake),
        language.asset(lake),
        post_relevance.asset(lake),
        cosharing.asset(lake),
        follow_keys.asset(lake),
        audience_sketches.asset(lake),
        audiences.asset(lake),
        audience_communities.asset(lake),
        influencer_search.asset(lake),
        post_embeddings.asset(lake, embedder),
        post_volumes.asset(lake),
        ngrams.asset(lake),
        account_embeddings.asset(lake),
        account_labels.asset(lake),
        account_traits.asset(lake),
        personas.asset(lake),
        profile_clusters.asset(lake, embedder),
        hashtag_clusters.asset(lake, embedder),
        cluster_k.asset(lake),
        cluster_identity.asset(lake),
        cluster_summaries.asset(lake),
        cluster_map.asset(lake),
        estimated_exposures.asset(lake),
        persona_conversations.asset(lake),
        persona_profiles.asset(lake),
        persona_exports.asset(lake),
        attribute_models.asset(lake),
        account_attributes.asset(lake),
        report.asset(lake),
    ]
