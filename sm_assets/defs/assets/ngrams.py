"""out_ngrams: the most frequent sequences of words in the posts of a window.

Here: the asset and its parameters. Not here: the steps (`defs.ngram_counts`), counting (`sm_assets.analysis.ngrams`).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import dagster as dg
import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from sm_assets.analysis.about import phrases
from sm_assets.analysis.ngrams import NgramRules
from sm_assets.analysis.parameters import params_hash
from sm_assets.contracts.overview_columns import ALL_LANGUAGES
from sm_assets.defs.assets.declare import ins, one
from sm_assets.defs.io import Rows
from sm_assets.defs.metadata import counts_table
from sm_assets.defs.ngram_counts import frequent_ngrams
from sm_assets.defs.partitions import partition_days
from sm_assets.defs.sql import input_file, open_select, upstreams
from sm_assets.defs.windows import (
    Results,
    Snapshots,
    chosen_days,
    snapshots_field,
    window_days_of,
    window_refs,
    with_constants,
)
from sm_assets.storage import Lake, TableRef

NAME = "out_ngrams"
POSTS = "core_posts"


class NgramsConfig(dg.Config):
    """Which sequences are counted and kept."""

    n_max: int = Field(default=4, ge=1, le=4, description="Words of the longest sequence.")
    n_top: int = Field(
        default=50, ge=1, le=100_000, description="Sequences kept of each platform, language and length."
    )
    min_accounts: int = Field(default=2, ge=1, le=1_000_000, description="Accounts that must use a sequence.")
    min_language_share: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="A language has sequences of its own from this share of its platform's posts on; `all` has every "
        "post in any case.",
    )
    about: list[str] = Field(
        default=[],
        description="Words, #hashtags or phrases one of which a post must hold to be counted; empty: every post. A "
        "word is found as its hashtag, too.",
    )
    tokenizer: Literal["social/1", "tweet/1"] = Field(
        default="social/1", description="How texts are taken apart. social/1: made for posts; tweet/1: NLTK's."
    )
    stop_word_languages: list[str] = Field(
        default=[],
        description="Languages (ISO 639-1) whose stop words end no sequence of any post; empty: those of the post's "
        "own language, and of posts of other languages those of all listed ones.",
    )
    snapshots: Snapshots = snapshots_field()


def asset(lake: Lake) -> dg.AssetsDefinition:
    """The asset over one lake."""
    upstream = sorted({*upstreams(input_file(NAME)), *upstreams(input_file(f"{NAME}_languages"))})

    @dg.asset(ins=ins(lake, NAME, upstream), **one(lake, NAME))
    def out_ngrams(
        context: dg.AssetExecutionContext, config: NgramsConfig, **refs: TableRef
    ) -> Iterator[dg.Output[Rows]]:
        asked = partition_days(list(context.partition_keys))
        days = chosen_days(window_days_of(lake, POSTS, asked), config.snapshots, lake.days(NAME))
        told: dict[str, Any] = {}
        with lake.workspace("ngrams") as folder, lake.connect() as con:
            results = Results(folder)
            for day in days:
                context.log.info("Sequences of words of %s", day)
                window = window_refs(refs.values(), day, lake.settings.window_days)
                rows, told = _snapshot(con, lake, window, config, folder)
                results.add(NAME, with_constants(rows, day=day))
                told = {"as_of": str(day)} | told
            yield dg.Output(Rows(results.relation(con, NAME), days, metadata=told))

    made: dg.AssetsDefinition = out_ngrams
    return made


def _snapshot(
    con: duckdb.DuckDBPyConnection, lake: Lake, window: list[TableRef], config: Any, folder: Path
) -> tuple[pa.Table, dict[str, Any]]:
    """Rows of one as-of day but for the day, and what the page shows of them."""
    from sm_assets.plots import ngrams  # draws with matplotlib

    written = open_select(con, lake, input_file(f"{NAME}_languages"), window, []).to_arrow_table()
    platforms = sorted(set(written["platform"].to_pylist()))
    listed = {name: _listed(written, name, config.min_language_share) for name in platforms}
    rules, lists = _rules(config, sorted({lang for langs in listed.values() for lang in langs}))
    found = frequent_ngrams(
        con,
        open_select(con, lake, input_file(NAME), window, []),
        listed,
        rules,
        folder,
        n_top=config.n_top,
        min_accounts=config.min_accounts,
        every=ALL_LANGUAGES,
    )
    parameters = {name: value for name, value in config.model_dump().items() if name != "snapshots"}
    rows = with_constants(found.table, params_hash=params_hash(parameters | {"stop_words": lists}))
    n_posts = sum(written["n_posts"].to_pylist())
    counts = {"posts": n_posts, "without_text": n_posts - found.counts["posts_with_text"]} | found.counts
    # Metadata stays for good: what one account alone says has no place in it.
    shown = rows.filter(pc.greater(rows["n_accounts"], 1))
    return rows, {
        "frequent_words": dg.MetadataValue.md(ngrams.draw(shown, *_largest(written, listed))),
        "posts": counts_table(counts, "what", "posts"),
        "languages": dg.MetadataValue.json(listed),
        "parameters": dg.MetadataValue.json(parameters),
        "stop_words": dg.MetadataValue.json(lists),
    }


def _listed(written: pa.Table, platform: str, least_share: float) -> list[str]:
    """Languages of a platform with sequences of their own, the most frequent first."""
    from sm_assets.analysis.language import UNDETERMINED

    rows = [row for row in written.to_pylist() if row["platform"] == platform]
    least = least_share * sum(row["n_posts"] for row in rows)
    ranked = sorted(rows, key=lambda row: (-row["n_posts"], row["lang"] or ""))
    return [row["lang"] for row in ranked if row["lang"] not in (None, UNDETERMINED) and row["n_posts"] >= least]


def _rules(config: Any, languages: list[str]) -> tuple[NgramRules, dict[str, Any]]:
    """What counts, and which lists of stop words are in use."""
    from sm_assets.analysis.stop_words import stop_words

    used = sorted(set(config.stop_word_languages)) or languages
    every = stop_words(used, config.tokenizer)
    own = {} if config.stop_word_languages else {lang: stop_words([lang], config.tokenizer).words for lang in used}
    wanted = phrases(config.about, config.tokenizer)
    return NgramRules(config.n_max, config.tokenizer, own, every.words, wanted), every.record


def _largest(written: pa.Table, listed: dict[str, list[str]]) -> tuple[str, str]:
    """The platform with most posts, and its most frequent language."""
    totals = written.group_by("platform").aggregate([("n_posts", "sum")])
    ranked = totals.sort_by([("n_posts_sum", "descending"), ("platform", "ascending")])["platform"].to_pylist()
    return (ranked[0], [*listed[ranked[0]], ALL_LANGUAGES][0]) if ranked else ("", ALL_LANGUAGES)
