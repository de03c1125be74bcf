"""One snapshot of profile clusters: rows of both models, the records behind them, what the page shows, samples to read.

Here: from published tables to all of it. Not here: the asset and its parameters (`assets.profile_clusters`), the
methods (`sm_assets.analysis`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import dagster as dg
import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.about import holds_any, phrases
from sm_assets.analysis.cluster_spec import AUTO
from sm_assets.analysis.embedder import Embedder
from sm_assets.analysis.language import UNDETERMINED
from sm_assets.analysis.pair_keys import pair_keys
from sm_assets.analysis.parameters import params_hash
from sm_assets.analysis.profile_clusters import (
    MODELS,
    ModelRules,
    Profiles,
    cluster_profiles,
    counts_by_status,
    profiles_table,
    sizes,
)
from sm_assets.analysis.profile_features import FeatureRules
from sm_assets.analysis.profile_words import bio_medoids, bio_terms, sampled, samples_section
from sm_assets.analysis.terms import LABEL_TERMS, shared_terms
from sm_assets.analysis.text_rules import TextRules
from sm_assets.analysis.tokens import tokenise
from sm_assets.defs.clustering_record import ClusteringRecord
from sm_assets.defs.metadata import counts_table
from sm_assets.defs.sql import input_file, open_select
from sm_assets.defs.text_rules import register
from sm_assets.defs.text_vectors import TextVectors
from sm_assets.defs.windows import window_refs, with_constants
from sm_assets.plots import cluster_sizes
from sm_assets.storage import Lake, TableRef
from sm_assets.storage.folders import replace_folder

TABLE: Final = "out_profile_clusters"
SAMPLES: Final = "samples.md"
_BATCH: Final = 32_768
_FOREIGN_SHARE: Final = 0.1
# Parameters by what they decide; those of one model say nothing of the other.
_OF_MODEL: Final = {
    "kmeans": ("auto_clusters", "n_clusters", "k_table", "size_min", "seed"),
    "hdbscan": ("hdbscan_space", "hdbscan_size_min", "seed"),
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Of one as-of day.

    Attributes:
        rows: of out_profile_clusters, both models.
        records: what stands behind each model.
        told: draws the metadata of the page, which shows the latest day only.
        samples: typical and drawn biographies, as Markdown.
    """

    rows: pa.Table
    records: tuple[ClusteringRecord, ...]
    told: Callable[[], dict[str, Any]]
    samples: str


def snapshot(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    refs: list[TableRef],
    day: date,
    config: Any,
    log: Callable[[str], None],
    vectors: TextVectors | None = None,
) -> Snapshot:
    """Profile clusters of one as-of day.

    Args:
        con: an open connection.
        lake: the data root.
        refs: references to all that is read.
        day: the as-of day.
        config: parameters of the asset.
        log: takes sentences about the progress.
        vectors: of biographies; None: they are compared by their terms.
    """
    window = window_refs(refs, day, lake.settings.window_days)
    rules = TextRules(languages=(), platforms=tuple(config.platforms))
    register(con, rules)
    authors = open_select(con, lake, input_file(f"{TABLE}_accounts"), window, []).to_arrow_table()
    accounts = _about(con, lake, window, config.about, authors) if config.about else authors
    features = _feature_rules(config)
    found = cluster_profiles(
        accounts, features, _model_rules(config), encode=vectors.of if vectors else None, log=log,
        threads=lake.settings.threads,
    )  # fmt: skip
    tables, records, sections = [], [], []
    labels: dict[str, dict[int, str]] = {}
    notices = _foreign(found, vectors.embedder) if vectors else []
    for model in MODELS:
        record = _record(model, config, rules, features, found, vectors.embedder_id if vectors else "")
        terms, section = _words(found, model, config.seed)
        labels[model] = {number: ", ".join(words) for number, words in shared_terms(terms, LABEL_TERMS).items()}
        notices += [f"{model}: {notice}" for notice in found.found[model].notices]
        tables.append(with_constants(profiles_table(found, model), params_hash=record.params_hash, day=day))
        records.append(record)
        sections.append(section)

    def told() -> dict[str, Any]:
        shown: dict[str, Any] = {"as_of": str(day), "accounts_not_about": len(authors) - len(accounts)}
        for model, table, record in zip(MODELS, tables, records, strict=True):
            members, others = sizes(table)
            shown |= {
                f"sizes_{model}": dg.MetadataValue.md(cluster_sizes.draw(members, labels[model], others)),
                f"accounts_{model}": counts_table(counts_by_status(table), "status", "accounts"),
                f"clustering_{model}": dg.MetadataValue.json(record.record),
            }
        shown["parameters"] = dg.MetadataValue.json(config.model_dump())
        return shown | ({"notices": "\n".join(notices)} if notices else {})

    return Snapshot(pa.concat_tables(tables), tuple(records), told, _page(day, sections))


def write_samples(day: date, text: str, folder: Path) -> None:
    """Write a day's samples aside, below a folder in a workspace of the lake."""
    staged = folder / f"samples-{day}"
    staged.mkdir()
    (staged / SAMPLES).write_text(text, encoding="utf-8")


def publish_samples(lake: Lake, day: date, folder: Path) -> str:
    """Put them below exports/profiles in the place of those that are there; the address of the file."""
    place = replace_folder(lake, folder / f"samples-{day}", "exports", "profiles", f"day={day}")
    return lake.uri(f"{place}/{SAMPLES}")


def _about(
    con: duckdb.DuckDBPyConnection, lake: Lake, window: list[TableRef], about: list[str], authors: pa.Table
) -> pa.Table:
    """Those of the accounts that wrote about it."""
    wanted = phrases(about)
    writers = [pa.array([], pa.string())]
    for batch in open_select(con, lake, input_file(f"{TABLE}_posts"), window, []).to_arrow_reader(_BATCH):
        hits = batch.filter(pa.array(holds_any(tokenise(batch["text"]), wanted)))
        writers.append(pc.unique(pair_keys(hits["platform"], hits["account_id"])))
    keys = pair_keys(authors["platform"], authors["account_id"])
    return authors.filter(pc.is_in(keys, value_set=pa.concat_arrays(writers)))


def _feature_rules(config: Any) -> FeatureRules:
    return FeatureRules(
        urls=config.url_rule,
        tokenizer=config.tokenizer,
        tokens=config.token_rule,
        stop_word_languages=tuple(config.stop_word_languages),
        stop_words=tuple(config.stop_words) or None,
        bios_per_feature=config.bios_per_feature,
        min_features=config.min_features,
        min_df=config.min_df,
    )


def _model_rules(config: Any) -> ModelRules:
    return ModelRules(
        k=AUTO if config.auto_clusters else config.n_clusters,
        k_table=tuple(config.k_table) or None,
        size_min=config.size_min,
        space=config.hdbscan_space,
        dense_size_min=config.hdbscan_size_min,
        seed=config.seed,
    )


def _foreign(found: Profiles, embedder: Embedder) -> list[str]:
    """A notice where many biographies are in languages that the text model does not know."""
    told = found.described
    langs = told.accounts["bio_lang"].take(pa.array(told.rows))
    known = pc.is_in(langs, value_set=pa.array([*embedder.languages, UNDETERMINED]))
    share = 1 - (pc.mean(known).as_py() or 0.0) if embedder.languages and len(langs) else 0.0
    if share <= _FOREIGN_SHARE:
        return []
    return [
        f"embedder_language: {share:.0%} of the biographies are in languages that {embedder.spec.uri} does not know; "
        f"it knows {', '.join(embedder.languages)}. Take a model of many languages (docs/embeddings.md), or words."
    ]


def _record(
    model: str, config: Any, rules: TextRules, features: FeatureRules, found: Profiles, embedder_id: str
) -> ClusteringRecord:
    values = config.model_dump()
    # The space of hdbscan is one of terms.
    names = [name for name in _OF_MODEL[model] if not embedder_id or name != "hdbscan_space"]
    parameters = {name: values[name] for name in names}
    parameters |= {"features": features.told(), "about": sorted(set(config.about))}
    told = found.described.features.record
    made_by = params_hash(
        parameters
        | {"rules": rules.told(), "languages": told["languages"], "lists": told["stop_words"]}
        | ({"embedder_id": embedder_id} if embedder_id else {})
    )
    clusters = found.found[model]
    return ClusteringRecord(
        f"profiles_{model}",
        made_by,
        embedder_id,
        rules,
        parameters,
        clusters.k_table,
        clusters.record | {"features": told},
    )


def _words(found: Profiles, model: str, seed: int) -> tuple[pa.Table, str]:
    """Terms of the clusters, and their section of the samples."""
    told, labels = found.described, found.found[model].labels
    bios = told.accounts["bio"].take(pa.array(told.rows)).to_pylist()
    terms = bio_terms(told.matrix, told.features.vocabulary, labels, min_accounts=2)
    typical = bio_medoids(told.compared, bios, labels)
    return terms, samples_section(model, bios, labels, terms, typical, sampled(bios, labels, typical, seed=seed))


def _page(day: date, sections: list[str]) -> str:
    head = (
        f"# Biographies by cluster on {day}\n\n"
        "Of each cluster the three biographies nearest to all others, and twelve more by lot; equal ones once.\n\n"
    )
    return head + "\n".join(sections)
