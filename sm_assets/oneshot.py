"""The one-shot tool: export files in, page networks out, without Dagster and without a lake.

Here: options, reading, the result's columns, output files, the account of what was read and left out. Not here: the command line
(`cli`), rules of any kind (`sources`, `analysis`).
"""

from __future__ import annotations

import hashlib
import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis import contents as content_rules
from sm_assets.analysis import seeded
from sm_assets.analysis.clustering import Clustering
from sm_assets.analysis.contents import PostContents, check_mode
from sm_assets.analysis.cosharing import Members, Method, check_method, loudest_members, rank_members
from sm_assets.analysis.defaults import METHOD_DEFAULTS, VIRAL_ACCOUNTS
from sm_assets.analysis.gathering import Gathered, Gatherer, Posts
from sm_assets.errors import InputError, OptionError
from sm_assets.kernels import fields
from sm_assets.kernels.fields import null_na
from sm_assets.kernels.texts import join_texts
from sm_assets.result_files import check_target, write_table
from sm_assets.sources.crowdtangle import PostReader, RawChunk, ReadOptions
from sm_assets.sources.crowdtangle_columns import RAW_COLUMNS, delivered_name
from sm_assets.sources.crowdtangle_rows import identities

COMPAT_CONTENT = ("message", "image_text", "external_link", "link_text")
LANGUAGE_TEXT = ("message", "link_text", "description")
READ_COLUMNS = (
    "page_name", "user_name", "facebook_id", "page_admin_top_country", "followers_at_posting", "post_created",
    "total_interactions", "url", "link", "message", "final_link", "image_text", "link_text", "description",
)  # fmt: skip
# What the command calls a reject that tables know under a finer name.
COMMAND_REASONS = {
    "missing_columns": "field_count", "extra_columns": "field_count", "unterminated_quote": "open_quote",
    "missing_account": "no_account",
}  # fmt: skip
EXCERPT = 200
_UNKNOWN_TIME = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Options:
    """Everything that can be chosen; None: the method's own default."""

    method: str = "linkage"
    content_mode: str = "canonical"
    content_cols: tuple[str, ...] | None = None
    min_threshold: float | None = None
    second_cluster_factor: float | None = None
    min_text_chars: int = content_rules.MIN_TEXT_CHARS
    viral_accounts: int = VIRAL_ACCOUNTS
    add_language: bool = False
    ft_model_path: Path | None = None
    zone: str | None = None


@dataclass(slots=True)
class Report:
    """What was read, left out and found: the last lines that the command prints.

    Attributes:
        rejects: file, line, reason and first characters of every rejected row.
        rejected, warnings, unused, statuses: counts by reason, `column:code`, reason and status.
    """

    files: int = 0
    rows: int = 0
    accepted: int = 0
    accounts: int = 0
    clusters: int = 0
    members: int = 0
    notices: list[str] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    unused: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)

    def lines(self) -> list[str]:
        """The account in sentences."""

        def listed(counts: Counter[str]) -> str:
            return ", ".join(f"{n:,} {name}" for name, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if n)

        rejected, unused = sum(self.rejected.values()), sum(self.unused.values())
        lines = [f"{self.rows:,} rows read from {self.files} file{'' if self.files == 1 else 's'}: {self.accepted:,} accepted, "
                 f"{rejected:,} rejected" + (f" ({listed(self.rejected)})" if rejected else "")]  # fmt: skip
        if self.warnings:
            lines.append(f"fields repaired or in doubt: {listed(self.warnings)}")
        lines.append(
            f"{self.accepted - unused:,} posts used, {unused:,} unused" + (f" ({listed(self.unused)})" if unused else "")
        )
        lines.append(f"{self.accounts:,} accounts with contents" + (f": {listed(self.statuses)}" if self.statuses else ""))
        lines.append(f"{self.clusters:,} clusters with {self.members:,} accounts")
        return lines


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result's rows, the accounts outside of clusters, and the account of the run."""

    table: pa.Table
    unplaced: pa.Table
    report: Report


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
        infiles: one path or several, read in this order.
        content_cols: columns that make up a content; `compat` only. Any of the 14 columns read, or `external_link`.
        add_language: add page_lang and cluster_lang.
        ft_model_path: fastText model for languages; None: the packaged lid.176.
        outfile: also write the rows there: Parquet if it ends in .parquet, else CSV.
        update_every: accepted for old callers and without effect.
        min_threshold: score from which an account belongs to a cluster, 0..1; None: the method's default.
        second_cluster_factor: how many times the best score must be the second; None: the method's default.
        method: `linkage`, or `seeded` as the original program.
        content_mode: `canonical`, or `compat` as the original program.

    Returns:
        One row per member of a cluster of two or more; no rows if there is none.

    Raises:
        OptionError: an option cannot be used. InputError: a file cannot be used.
    """
    del update_every
    options = Options(
        method=method, content_mode=content_mode, content_cols=tuple(content_cols) if content_cols is not None else None,
        min_threshold=min_threshold, second_cluster_factor=second_cluster_factor, add_language=add_language,
        ft_model_path=Path(ft_model_path) if ft_model_path is not None else None,
    )  # fmt: skip
    paths = [Path(infiles)] if isinstance(infiles, str | Path) else [Path(path) for path in infiles]
    if outfile is not None:
        check_target(Path(outfile))
    outcome = run(paths, options)
    if outfile is not None:
        write_table(outcome.table, Path(outfile))
    return outcome.table


def check_options(paths: Sequence[Path], options: Options) -> None:
    """Refuse what cannot work before anything is read.

    Raises:
        OptionError, InputError: the first thing that cannot be used.
    """
    check_method(options.method)
    check_mode(options.content_mode)
    threshold, factor = options.min_threshold, options.second_cluster_factor
    if threshold is not None and not (math.isfinite(threshold) and 0 <= threshold <= 1):
        raise OptionError(f"min_threshold must be a number from 0 to 1; found {threshold}.")
    if factor is not None and not (math.isfinite(factor) and factor >= 0):
        raise OptionError(f"second_cluster_factor must be a number of at least 0; found {factor}.")
    if options.content_cols is not None:
        if options.content_mode != "compat":
            raise OptionError("content_cols is for content_mode compat only; canonical contents have fixed kinds.")
        _content_columns(options.content_cols)
    if options.ft_model_path is not None and not options.ft_model_path.is_file():
        raise OptionError(f"{options.ft_model_path}: no such language model; give the path of a fastText .ftz or .bin file.")
    if not paths:
        raise InputError("no input file; give one or more CrowdTangle CSV exports.")
    for path in paths:
        if path.is_dir():
            raise InputError(f"{path}: is a folder; give the files inside.")
        if not path.exists():
            raise InputError(f"{path}: no such file.")
        if not path.is_file():
            raise InputError(f"{path}: is not a regular file; exports are read twice, so save the stream to a file first.")
        if not os.access(path, os.R_OK):
            raise InputError(f"{path}: may not be read; check its permissions.")


def _content_columns(names: Sequence[str]) -> list[str]:
    known = {name.casefold(): raw for raw in READ_COLUMNS for name in (raw, delivered_name(raw))} | {"external_link": "external_link"}
    unknown = [name for name in names if name.casefold() not in known]
    if unknown or not names:
        raise OptionError(
            f"content_cols: unknown columns {', '.join(unknown) or '(none given)'}; expected any of "
            f"{', '.join(delivered_name(raw) for raw in READ_COLUMNS)}, external_link."
        )
    return [known[name.casefold()] for name in names]


def run(paths: Sequence[Path], options: Options, progress: Callable[[int], None] | None = None) -> Outcome:
    """Read, cluster, and make the rows.

    Args:
        paths: input files, in order.
        options: what to do.
        progress: called with the number of bytes of input just done.

    Raises:
        OptionError, InputError: see `check_options`.
    """
    check_options(paths, options)
    report = Report()
    compat = options.content_mode == "compat"
    gatherer = Gatherer(latest_facts=not compat, repeats_count=compat, primary_only=options.method == "seeded")
    for path in paths if compat else _distinct(paths, report):
        _read(path, options, gatherer, report, progress)
    gathered = gatherer.finish()
    report.unused.update(gathered.unused)
    report.accounts = len(gathered.keys)
    members, clustering = _cluster(gathered, options)
    report.statuses.update(clustering.count_by_status())
    report.clusters, report.members = clustering.n_clusters, len(members.account)
    if report.accounts == 1:
        report.notices.append("1 account: nothing to compare")
    elif not report.clusters:
        report.notices.append(f"no clusters among {report.accounts:,} accounts")
    if report.clusters and bool((members.pmi == 0).any()) and gathered.evidence.n_background == int(members.n_contents.max()):
        report.notices.append("no_background: some accounts share every content there is; pmi is 0 and npmi 1 for them")
    return Outcome(_table(gathered, members, clustering, options), _unplaced(gathered, clustering), report)


def _distinct(paths: Sequence[Path], report: Report) -> list[Path]:
    """Paths without those that hold the bytes of an earlier one."""
    sizes = Counter(path.stat().st_size for path in paths)
    seen: dict[bytes, Path] = {}
    kept = []
    for path in paths:
        if sizes[path.stat().st_size] > 1:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
            if digest in seen:
                report.notices.append(f"duplicate_file: {path} has the same bytes as {seen[digest]} and is read once")
                continue
            seen[digest] = path
        kept.append(path)
    return kept


# ------------------------------------------------------------------------------------------------------------------ reading


def _read(path: Path, options: Options, gatherer: Gatherer, report: Report, progress: Callable[[int], None] | None) -> None:
    compat = options.content_mode == "compat"
    wanted = {"page_name", "user_name", "facebook_id", "page_admin_top_country", "followers_at_posting", "total_interactions",
              "message", "link", "final_link", "image_text"}  # fmt: skip
    wanted |= {"link_text", *(_content_columns(options.content_cols or ()) if options.content_cols else ())} if compat else {"post_created", "url"}
    if options.add_language:
        wanted |= set(LANGUAGE_TEXT)
    reader = PostReader(path, ReadOptions(zone=options.zone, policy="command", wanted=tuple(wanted & set(RAW_COLUMNS))))
    report.files += 1
    if reader.empty:
        report.notices.append(f"empty_file: {path} holds no header and no rows")
        return
    _check_columns(reader, compat, options, report)
    report.notices.extend(f"{path.name}: {notice}" for notice in reader.notices)
    done = 0
    take = _compat_posts if compat else _canonical_posts
    for chunk in reader.raw_chunks():
        report.rows += len(chunk) + len(chunk.scanned.rejects)
        for reject in chunk.scanned.rejects:
            _reject(report, path, reject.line, reject.reason, chunk.excerpt(reject.offset, reject.length))
        if len(chunk):
            posts = take(reader, chunk, options, report)
            report.accepted += len(posts.account)
            gatherer.add(posts)
        if progress is not None:
            at = chunk.window_offset + len(chunk.window)
            progress(at - done)
            done = at
    if reader.broken:
        report.rows += 1
        _reject(report, path, 0, "truncated_stream", "")
        report.notices.append(f"{path.name}: the compressed file ends early ({reader.broken}); the rows before the damage were read")


def _reject(report: Report, path: Path, line: int, reason: str, excerpt: str) -> None:
    reason = COMMAND_REASONS.get(reason, reason)
    report.rejected[reason] += 1
    report.rejects.append({"file": str(path), "line": line, "reason": reason, "excerpt": excerpt[:EXCERPT]})


def _check_columns(reader: PostReader, compat: bool, options: Options, report: Report) -> None:
    have = reader.header.positions
    accounts = ("user_name", "facebook_id") if compat else ("facebook_id", "user_name", "url")
    contents = ("message", "image_text", "link", "final_link", *(("link_text",) if compat else ()))
    if options.content_cols:
        contents = tuple(c for name in _content_columns(options.content_cols) for c in (("link", "final_link") if name == "external_link" else (name,)))
    for what, columns in (("account", accounts), ("content", contents)):
        if not any(column in have for column in columns):
            raise InputError(
                f"{reader.path}: no {what} column. Expected at least one of {', '.join(map(delivered_name, columns))}; "
                f"found {', '.join(reader.header.names[:60]) or 'nothing'}. Is this a CrowdTangle export of posts?"
            )
    missing = [delivered_name(c) for c in READ_COLUMNS if c in reader.options.wanted and c not in have]  # type: ignore[operator]
    if missing:
        report.notices.append(f"{reader.path.name}: missing columns, read as empty: {', '.join(missing)}")


def _warn(report: Report, column: str, code: str, n: int) -> None:
    if n:
        report.warnings[f"{column}:{code}"] += int(n)


def _count_column(reader: PostReader, chunk: RawChunk, name: str, report: Report, *, compat: bool) -> npt.NDArray[np.int64]:
    texts = chunk.column(name)
    if compat:
        counts = fields.parse_counts(null_na(texts), bare_commas=True)
        if (counts.status == fields.BAD).any():
            counts = fields.parse_counts(null_na(texts))
    else:
        counts = reader.parse_counts(texts)
    _warn(report, name, "bad_integer", int((counts.status == fields.BAD).sum()))
    _warn(report, name, "rounded_count", int((counts.status == fields.ROUNDED).sum()))
    return counts.values


def _languages(chunk: RawChunk, options: Options, *, compat: bool) -> pa.Array | None:
    if not options.add_language:
        return None
    from sm_assets.analysis.language import detect_languages

    columns = [null_na(chunk.column(name)) if compat else chunk.column(name) for name in LANGUAGE_TEXT]
    text = join_texts(columns)
    labels, _ = detect_languages(text, options.ft_model_path)
    return labels


def _compat_posts(reader: PostReader, chunk: RawChunk, options: Options, report: Report) -> Posts:
    text = {name: null_na(chunk.column(name)) for name in chunk.columns}
    nothing = pa.nulls(len(chunk), pa.string())
    links, bad = content_rules.compat_links(text.get("final_link", nothing), text.get("link", nothing))
    columns = _content_columns(options.content_cols) if options.content_cols else COMPAT_CONTENT
    found = content_rules.compat_contents([links if name == "external_link" else text.get(name, nothing) for name in columns], bad)
    _warn(report, "link", "bad_url", len(found.bad_urls))
    handle, identifier = text.get("user_name", nothing), text.get("facebook_id", nothing)
    account = pc.coalesce(handle, identifier)
    _warn(report, "account", "no_account", account.null_count)
    return Posts(
        account=account,
        contents=found,
        facts={"title": text.get("page_name", nothing), "handle": handle, "fallback_id": identifier,
               "country": text.get("page_admin_top_country", nothing)},
        followers=_count_column(reader, chunk, "followers_at_posting", report, compat=True),
        interactions=_count_column(reader, chunk, "total_interactions", report, compat=True),
        languages=_languages(chunk, options, compat=True),
    )  # fmt: skip


def _canonical_posts(reader: PostReader, chunk: RawChunk, options: Options, report: Report) -> Posts:
    handle = chunk.column("user_name")
    account, post, platform, bad_id = identities(chunk.column("facebook_id"), handle, chunk.column("url"), prefer_handle=True)
    _warn(report, "facebook_id", "bad_id", int(bad_id.sum()))
    micros, code, _, _ = reader.parse_times(chunk.column("post_created"))
    _warn(report, "post_created", "assumed_zone", int((code == 1).sum()))
    _warn(report, "post_created", "bad_time", int((code == 3).sum()))
    found = content_rules.canonical_contents(
        chunk.column("message"), chunk.column("image_text"), chunk.column("final_link"), chunk.column("link"),
        platform=platform, min_text_chars=options.min_text_chars,
    )  # fmt: skip
    _warn(report, "link", "bad_url", len(found.bad_urls))
    posts = Posts(
        account=account,
        contents=found,
        facts={"title": chunk.column("page_name"), "handle": handle, "fallback_id": fallback_ids(account),
               "country": chunk.column("page_admin_top_country")},
        followers=_count_column(reader, chunk, "followers_at_posting", report, compat=False),
        interactions=_count_column(reader, chunk, "total_interactions", report, compat=False),
        post=post,
        posted_at=np.where(code <= 1, micros, _UNKNOWN_TIME),
        exported_at=int(reader.exported_at.timestamp() * 1e6) if reader.exported_at else 0,
        languages=_languages(chunk, options, compat=False),
    )  # fmt: skip
    nameless = np.flatnonzero(np.asarray(pc.is_null(account)))
    if not len(nameless):
        return posts
    for row in nameless.tolist():
        start, length = int(chunk.scanned.start[row]), int(chunk.scanned.length[row])
        _reject(report, reader.path, int(chunk.scanned.line[row]), "no_account", chunk.excerpt(start, length))
    return posts.filter(~np.asarray(pc.is_null(account)))


def fallback_ids(account: pa.Array) -> pa.Array:
    """What stands for a page without a handle: its account key without the mark of a name."""
    return pc.replace_substring_regex(account, "^name:", "")


# ------------------------------------------------------------------------------------------------------------------ clustering


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
        seeds = loudest_members(clustering, totals).astype(np.int32)
    members = rank_members(
        evidence, clustering, seeds, method=method, followers=gathered.followers, total_interactions=totals, joined=joined
    )
    return members, clustering


def _nameid(facts: pa.Table) -> pa.ChunkedArray:
    return pc.coalesce(facts.column("handle"), facts.column("fallback_id"))


def _table(gathered: Gathered, members: Members, clustering: Clustering, options: Options) -> pa.Table:
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
    from sm_assets.analysis.gathering import most_frequent

    encoded = page.dictionary_encode()
    names = encoded.dictionary.to_pylist()
    n = int(cluster.max(initial=-1)) + 1
    return most_frequent(cluster, np.asarray(encoded.indices), n, names).take(pa.array(cluster))


def _unplaced(gathered: Gathered, clustering: Clustering) -> pa.Table:
    from sm_assets.analysis.status_reasons import status_reasons

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
            "best_cluster_id": pa.array(clustering.best_cluster[rows].astype(np.int64), mask=clustering.best_cluster[rows] < 0),
            "best_score": pa.array(score, mask=np.isnan(score)),
            "second_cluster_id": pa.array(clustering.second_cluster[rows].astype(np.int64), mask=clustering.second_cluster[rows] < 0),
            "second_score": pa.array(second, mask=np.isnan(second)),
        }
    )


def rejects_table(report: Report) -> pa.Table:
    """The rejected rows: file, line, reason, excerpt."""
    return pa.Table.from_pylist(
        report.rejects, pa.schema([("file", pa.string()), ("line", pa.int64()), ("reason", pa.string()), ("excerpt", pa.string())])
    )
