"""The one-shot tool: export files in, page networks out, without Dagster and without a lake.

Here: the order of the work. Beside it:

    options       what can be chosen, checked before anything is read
    reading       files to posts
    rows          the result's columns
    report        what was read, left out and found
    result_files  CSV and Parquet, written beside their target and renamed

Not here: the command line (`sm_assets.cli`), rules of any kind (`sm_assets.sources`, `sm_assets.analysis`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from sm_assets.analysis import seeded
from sm_assets.analysis.clustering import Clustering
from sm_assets.analysis.cosharing import Members, check_method, loudest_members, rank_members
from sm_assets.analysis.defaults import METHOD_DEFAULTS
from sm_assets.analysis.gathering import Gathered, Gatherer
from sm_assets.oneshot.options import Options, check_options
from sm_assets.oneshot.reading import find_contents, read_file
from sm_assets.oneshot.report import Report
from sm_assets.oneshot.result_files import check_targets, write_table
from sm_assets.oneshot.rows import member_rows, unplaced_rows

__all__ = ["Options", "Outcome", "Report", "cluster_pages", "run"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result's rows and the account of the run; `unplaced` makes the rows of the accounts outside of clusters."""

    table: pa.Table
    report: Report
    _gathered: Gathered
    _clustering: Clustering

    @property
    def unplaced(self) -> pa.Table:
        """One row per account outside of clusters, made when asked for: each has a sentence of its own."""
        return unplaced_rows(self._gathered, self._clustering)


def cluster_pages(
    infiles: str | Path | Iterable[str | Path],
    content_cols: Sequence[str] | None = None,
    add_language: bool = False,
    ft_model_path: str | Path | None = None,
    outfile: str | Path | None = None,
    update_every: int | None = None,
    min_threshold: float | None = None,
    second_cluster_factor: float | None = None,
    method: str = "linkage",
    content_mode: str = "canonical",
) -> pa.Table:
    """Find networks of pages that push the same content in CrowdTangle exports.

    Args:
        infiles: one path or several; in `compat` their order breaks ties.
        content_cols: columns that make up a content; `compat` only. Any of the 14 columns read, or `external_link`.
        add_language: add page_lang and cluster_lang.
        ft_model_path: fastText model for languages; None: the packaged lid.176.
        outfile: also write the rows there: Parquet if it ends in .parquet, else CSV.
        update_every: accepted for old callers and without effect.
        min_threshold: score from which an account belongs to a cluster, 0..1; None: the method's default.
        second_cluster_factor: how many times the best score must be the second's; None: the method's default.
        method: `linkage`, or `seeded` as the original program.
        content_mode: `canonical`, or `compat` as the original program.

    Returns:
        One row per member of a cluster of two or more; no rows if there is none.

    Raises:
        OptionError: an option cannot be used. InputError: a file cannot be used.
    """
    del update_every
    options = Options(
        method=method, content_mode=content_mode,
        content_cols=tuple(content_cols) if content_cols is not None else None,
        min_threshold=min_threshold, second_cluster_factor=second_cluster_factor, add_language=add_language,
        ft_model_path=Path(ft_model_path) if ft_model_path is not None else None,
    )  # fmt: skip
    paths = [Path(infiles)] if isinstance(infiles, str | Path) else [Path(path) for path in infiles]
    if outfile is not None:
        check_targets([Path(outfile)], paths)
    outcome = run(paths, options)
    if outfile is not None:
        write_table(outcome.table, Path(outfile))
    return outcome.table


def run(
    paths: Sequence[Path],
    options: Options,
    progress: Callable[[int], None] | None = None,
    listener: Callable[[str], None] | None = None,
) -> Outcome:
    """Read, cluster, and make the rows.

    Args:
        paths: input files, in order.
        options: what to do.
        progress: called with the number of bytes of input just done.
        listener: called with every notice as it comes up.

    Raises:
        OptionError, InputError: see `check_options`.
    """
    check_options(paths, options)
    report = Report(listener=listener)
    if options.add_language:
        from sm_assets.analysis.language import detect_languages

        # A model that cannot be used is found out before the files are read.
        detect_languages(pa.array(["a word"]), options.ft_model_path)
    compat = options.content_mode == "compat"
    gatherer = Gatherer(latest_facts=not compat, repeats_count=compat, primary_only=options.method == "seeded")
    # Which of two rows of one post wins, and all that follows, must not depend on the order in which files are named.
    for place, path in enumerate(paths) if compat else _by_bytes(paths, report):
        read_file(path, options, gatherer, report, progress, place)
    gathered = gatherer.finish()
    if options.method == "seeded" and gathered.meetings > seeded.HEAVY_STEPS:
        report.notice(_heavy(paths, options, gathered))
    report.unused.update(gathered.unused)
    report.accounts = len(gathered.keys)
    members, clustering = _cluster(gathered, options)
    report.statuses.update(clustering.count_by_status())
    report.clusters, report.members = clustering.n_clusters, len(members.account)
    if report.accounts == 1:
        report.notice("1 account: nothing to compare")
    elif not report.clusters:
        report.notice(f"no clusters among {report.accounts:,} accounts")
    if (
        report.clusters
        and bool((members.pmi == 0).any())
        and gathered.evidence.n_background == int(members.n_contents.max())
    ):
        report.notice("no_background: some accounts share every content there is; pmi is 0 and npmi 1 for them")
    return Outcome(member_rows(gathered, members, clustering, options), report, gathered, clustering)


def _by_bytes(paths: Sequence[Path], report: Report) -> list[tuple[int, Path]]:
    """(place, path) in the order of the files' digests, without those that hold the bytes of an earlier one."""
    if len(paths) == 1:
        return [(0, paths[0])]
    seen: dict[bytes, tuple[int, Path]] = {}
    for place, path in enumerate(paths):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        if digest in seen:
            report.notice(f"duplicate_file: {path} has the same bytes as {seen[digest][1]} and is read once")
            continue
        seen[digest] = (place, path)
    return [seen[digest] for digest in sorted(seen)]


def _cluster(gathered: Gathered, options: Options) -> tuple[Members, Clustering]:
    method = check_method(options.method)
    threshold, factor = METHOD_DEFAULTS[method]
    threshold = threshold if options.min_threshold is None else options.min_threshold
    factor = factor if options.second_cluster_factor is None else options.second_cluster_factor
    evidence, totals = gathered.evidence, gathered.total_interactions
    joined = None
    if method == "seeded":
        order = seeded.visiting_order(totals, gathered.first_seen)
        joined = np.empty_like(order)
        joined[order] = np.arange(len(order))
        clustering, seeds = seeded.seed_clusters(evidence, order, min_threshold=threshold, second_cluster_factor=factor)
    else:
        from sm_assets.analysis.linkage import link_accounts

        clustering = link_accounts(
            evidence, min_threshold=threshold, second_cluster_factor=factor, viral_accounts=options.viral_accounts
        )
        seeds = loudest_members(clustering, totals)
    members = rank_members(
        evidence,
        clustering,
        seeds,
        method=method,
        followers=gathered.followers,
        total_interactions=totals,
        joined=joined,
    )
    return members, clustering


def _heavy(paths: Sequence[Path], options: Options, gathered: Gathered) -> str:
    """A warning that names the contents which so many accounts carry; their texts are looked up in the files."""
    texts = find_contents(paths, options, [digest for _, digest in gathered.heaviest])
    named = "; ".join(
        f"{carriers:,} accounts carry {texts.get(digest, '?')!r}"
        for carriers, digest in gathered.heaviest
        if carriers > 1
    )
    return f"heavy: up to {gathered.meetings:,} comparisons, this may take long. {named}"
