"""out_profile_clusters: into which kinds the accounts of a window fall, by how they describe themselves.

Here: the asset and its parameters. Not here: the steps of a snapshot (`defs.profile_snapshots`), the methods
(`sm_assets.analysis`), vectors (`defs.text_vectors`).
"""

from collections.abc import Iterator
from datetime import date
from typing import Literal

import dagster as dg
import numpy as np
import pyarrow as pa
from pydantic import Field

from sm_assets.analysis.embedder import Embedder
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.clustering_record import records_metadata
from sm_assets.defs.io import Rows
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import input_file, upstreams
from sm_assets.defs.text_vectors import NOTES, TextVectors, configured, drop_stale, keys_of
from sm_assets.defs.windows import Results, Snapshots, chosen_days, snapshots_field, window_days_of
from sm_assets.storage import Lake, TableRef, noting_keys

NAME = "out_profile_clusters"
POSTS = "core_posts"


class ProfileClustersConfig(dg.Config):
    """Whose biographies are compared, by what, and how clusters are found; the text model is that of the settings."""

    platforms: list[str] = Field(default=[], description="Platforms whose accounts are clustered together; empty: all.")
    about: list[str] = Field(
        default=[],
        description="Words, phrases or hashtags (#cannes) of which a post of the account in the window must hold one; "
        "empty: every account that posted.",
    )
    features: Literal["words", "embedding"] = Field(
        default="words",
        description="What biographies are compared by. words: the weights of their terms. embedding: their vectors by "
        "the text model; terms are told of the clusters all the same.",
    )
    url_rule: Literal["links", "dotted"] = Field(
        default="links",
        description="links: addresses as the tokenizer knows them. dotted: whatever is like word.word is the one word "
        "<-URL->, as in the tutorial.",
    )
    tokenizer: Literal["social/1", "tweet/1"] = Field(
        default="social/1", description="How biographies are taken apart. social/1: made for posts; tweet/1: NLTK's."
    )
    token_rule: Literal["words", "all"] = Field(
        default="words",
        description="words: no mentions, addresses or bare numbers. all: all but short runs of punctuation, as in the "
        "tutorial.",
    )
    stop_word_languages: list[str] = Field(
        default=[],
        description="Languages (ISO 639-1) whose stop words do not count; empty: each that 1 % of the biographies are "
        "in.",
    )
    stop_words: list[str] = Field(
        default=[], description="Tokens that do not count, instead of all lists of languages; empty: those lists."
    )
    bios_per_feature: int = Field(
        default=100, ge=1, le=1_000_000, description="There is one term to so many biographies, the most frequent ones."
    )
    min_features: int = Field(
        default=50,
        ge=0,
        le=100_000,
        description="But so many terms at least. 0, as in the tutorial: fewer biographies than bios_per_feature are an "
        "error.",
    )
    min_df: int = Field(default=2, ge=1, le=1_000_000, description="Biographies that a term must be in.")
    auto_clusters: bool = Field(
        default=True, description="kmeans: choose the number of clusters by silhouette among those that are stable."
    )
    n_clusters: int = Field(
        default=10, ge=1, le=10_000, description="kmeans: number of clusters where auto_clusters is off."
    )
    k_table: list[int] = Field(
        default=[],
        description="kmeans: with auto_clusters, numbers of clusters to choose from (empty: 2 to 50); else numbers "
        "that are measured beside n_clusters, like the tutorial's 2, 50, 200, 500.",
    )
    size_min: int = Field(
        default=10,
        ge=1,
        le=1_000_000,
        description="kmeans: least accounts of a cluster, preferred where the number is chosen.",
    )
    hdbscan_space: Literal["svd", "terms"] = Field(
        default="svd",
        description="hdbscan: svd: dense groups in 50 dimensions. terms: by Euclidean distance over all terms, as in "
        "the tutorial; takes many times as long. With features embedding only svd, and not used: dense groups in 5 "
        "dimensions (UMAP).",
    )
    hdbscan_size_min: int | None = Field(
        default=None, ge=2, description="hdbscan: least accounts of a cluster; null: one in 300, and 10 at least."
    )
    seed: int = Field(default=42, ge=0, le=2**32 - 1, description="Seed of all that is drawn.")
    snapshots: Snapshots = snapshots_field()


def asset(lake: Lake, embedder: Embedder | None = None) -> dg.AssetsDefinition:
    """The asset over one lake.

    Args:
        lake: where its tables lie.
        embedder: takes the place of the configured model.
    """
    upstream = {name for each in ("accounts", "posts") for name in upstreams(input_file(f"{NAME}_{each}"))}

    # A pool is chosen before the config is known.
    @dg.asset(pool="gpu", ins=ins(lake, NAME, sorted(upstream)), **one(lake, NAME))
    def out_profile_clusters(
        context: dg.AssetExecutionContext, config: ProfileClustersConfig, **refs: TableRef
    ) -> Iterator[dg.Output[Rows]]:
        from sm_assets.defs.profile_snapshots import publish_samples, snapshot, write_samples  # draws with matplotlib

        asked = partition_days(list(context.partition_keys))
        days = chosen_days(window_days_of(lake, POSTS, asked), config.snapshots, lake.days(NAME))
        footers: dict[date, dict[str, str]] = {}
        found = None
        by_meaning = config.features == "embedding"
        with lake.workspace("profiles") as folder, lake.connect() as con, noting_keys(lake, NOTES[NAME]) as note:
            results, used = Results(folder), keys_of(pa.array([], pa.string()))
            vectors = TextVectors(lake, lambda: embedder or configured(lake.settings), note, context.log.info)
            for day in days:
                context.log.info("Profiles of %s", day)
                found = snapshot(
                    con, lake, list(refs.values()), day, config, context.log.info, vectors if by_meaning else None
                )
                results.add(NAME, found.rows)
                used = np.union1d(used, keys_of(found.rows["bio"]))
                write_samples(day, found.samples, folder)
                # Of each day this only: biographies lie on disk.
                footers[day] = records_metadata(found.records)
            # Vectors of biographies may be there even if they are compared by words today.
            dropped = drop_stale(lake, NAME, days, used)
            # Only now: a day that fails leaves the samples of all days as their table has them.
            paths = [publish_samples(lake, day, folder) for day in days]
            told = {} if found is None else found.told()
            told |= {"samples": dg.MetadataValue.path(paths[-1])} if days else {}
            if days and by_meaning:
                told["vectors"] = dg.MetadataValue.json(vectors.told() | {"dropped_from_cache": dropped})
            rows = results.relation(con, NAME)
            yield dg.Output(Rows(rows, days, metadata=told, file_metadata=footers.__getitem__))

    declared: dg.AssetsDefinition = out_profile_clusters
    return declared
