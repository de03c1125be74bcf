"""Export files to what the gatherer takes, in both content modes, with every row accounted for.

Here: which columns make up a post. Not here: how files are read (`sm_assets.sources`), what contents are
(`sm_assets.analysis.contents`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis import contents as content_rules
from sm_assets.analysis.gathering import UNKNOWN_TIME, Gatherer, Posts
from sm_assets.errors import InputError
from sm_assets.kernels import fields
from sm_assets.kernels.fields import null_na
from sm_assets.kernels.texts import join_texts
from sm_assets.oneshot.options import READ_COLUMNS, Options, content_columns
from sm_assets.oneshot.report import Report
from sm_assets.sources.crowdtangle_columns import RAW_COLUMNS, delivered_name
from sm_assets.sources.crowdtangle_csv import PostReader
from sm_assets.sources.crowdtangle_identities import identities
from sm_assets.sources.crowdtangle_records import ReadOptions
from sm_assets.sources.csv_file import CsvRows

COMPAT_CONTENT = ("message", "image_text", "external_link", "link_text")
CONTENT_COLUMNS = ("message", "image_text", "final_link", "link", "link_text")
LANGUAGE_TEXT = ("message", "link_text", "description")


def _read_options(options: Options) -> ReadOptions:
    compat = options.content_mode == "compat"
    wanted = {
        "page_name", "user_name", "facebook_id", "page_admin_top_country", "followers_at_posting", "total_interactions",
        "message", "link", "final_link", "image_text",
    }  # fmt: skip
    wanted |= {"link_text"} if compat else {"post_created", "url"}
    wanted |= set(content_columns(options.content_cols)) if options.content_cols else set()
    if options.add_language:
        wanted |= set(LANGUAGE_TEXT)
    return ReadOptions(zone=options.zone, policy="command", wanted=tuple(sorted(wanted & set(RAW_COLUMNS))))


def read_file(
    path: Path,
    options: Options,
    gatherer: Gatherer,
    report: Report,
    progress: Callable[[int], None] | None,
    place: int = 0,
) -> None:
    """Give all posts of one file, the place-th that was named, to the gatherer.

    Raises:
        InputError: the file has no column that names an account or none that holds contents, or cannot be read at all.
    """
    compat = options.content_mode == "compat"
    reader = PostReader(path, _read_options(options))
    report.files += 1
    if reader.empty:
        report.notice(f"empty_file: {path} holds no header and no rows")
        return
    _check_columns(reader, compat, options, report)
    for notice in reader.notices:
        report.notice(f"{path.name}: {notice}")
    done = 0
    take = _compat_posts if compat else _canonical_posts
    for chunk in reader.raw_chunks():
        report.rows += len(chunk) + len(chunk.scanned.rejects)
        for reject in chunk.scanned.rejects:
            report.reject(path, reject.line, reject.reason, chunk.excerpt(reject.offset, reject.length))
        if len(chunk):
            posts = take(reader, chunk, options, report, place)
            report.accepted += len(posts.account)
            gatherer.add(posts)
        if progress is not None:
            at = chunk.window_offset + len(chunk.window)
            progress(at - done)
            done = at
    if reader.broken:
        report.rows += 1
        report.reject(
            path, reader.end[0], "truncated_stream", f"behind byte {reader.end[1]:,} of the decompressed file"
        )
        report.notice(
            f"{path.name}: the compressed file ends early ({reader.broken}); the rows before the damage were read"
        )


def _check_columns(reader: PostReader, compat: bool, options: Options, report: Report) -> None:
    have = reader.header.positions
    accounts = ("user_name", "facebook_id") if compat else ("facebook_id", "user_name", "url")
    contents = ("message", "image_text", "link", "final_link", *(("link_text",) if compat else ()))
    if options.content_cols:
        contents = tuple(
            c
            for name in content_columns(options.content_cols)
            for c in (("link", "final_link") if name == "external_link" else (name,))
        )
    for what, columns in (("account", accounts), ("content", contents)):
        if not any(column in have for column in columns):
            raise InputError(
                f"{reader.path}: no {what} column. Expected at least one of {', '.join(map(delivered_name, columns))}; "
                f"found {', '.join(reader.header.names[:60]) or 'nothing'}. Is this a CrowdTangle export of posts?"
            )
    wanted = reader.options.wanted or ()
    missing = [delivered_name(c) for c in READ_COLUMNS if c in wanted and c not in have]
    if missing:
        report.notice(f"{reader.path.name}: missing columns, read as empty: {', '.join(missing)}")


def _count_column(
    reader: PostReader, chunk: CsvRows, name: str, report: Report, *, compat: bool
) -> npt.NDArray[np.int64]:
    texts = chunk.column(name)
    if compat:
        counts = fields.parse_counts(null_na(texts), bare_commas=True)
        bad = np.flatnonzero(counts.status == fields.BAD)
        if len(bad):
            # What the original dies of is read as elsewhere.
            again = fields.parse_counts(null_na(texts).take(pa.array(bad)))
            counts.values[bad], counts.status[bad] = again.values, again.status
    else:
        counts = reader.parse_counts(texts)
    report.warn(name, "bad_integer", int((counts.status == fields.BAD).sum()))
    report.warn(name, "rounded_count", int((counts.status == fields.ROUNDED).sum()))
    return counts.values


def _languages(chunk: CsvRows, options: Options, *, compat: bool) -> pa.Array | None:
    if not options.add_language:
        return None
    from sm_assets.analysis.language import detect_languages

    columns = [null_na(chunk.column(name)) if compat else chunk.column(name) for name in LANGUAGE_TEXT]
    text = join_texts(columns)
    labels, _ = detect_languages(text, options.ft_model_path)
    return labels


def _compat_posts(reader: PostReader, chunk: CsvRows, options: Options, report: Report, place: int = 0) -> Posts:
    del place  # rows keep the order of the files
    text = {name: null_na(chunk.column(name)) for name in chunk.columns}
    nothing = pa.nulls(len(chunk), pa.string())
    links, bad = content_rules.compat_links(text.get("final_link", nothing), text.get("link", nothing))
    columns = content_columns(options.content_cols) if options.content_cols else COMPAT_CONTENT
    found = content_rules.compat_contents(
        [links if name == "external_link" else text.get(name, nothing) for name in columns], bad
    )
    report.warn("link", "bad_url", len(found.bad_urls))
    handle, identifier = text.get("user_name", nothing), text.get("facebook_id", nothing)
    account = pc.coalesce(handle, identifier)
    report.warn("account", "no_account", account.null_count)
    return Posts(
        account=account,
        contents=found,
        facts={"title": text.get("page_name", nothing), "handle": handle, "fallback_id": identifier,
               "country": text.get("page_admin_top_country", nothing)},
        followers=_count_column(reader, chunk, "followers_at_posting", report, compat=True),
        interactions=_count_column(reader, chunk, "total_interactions", report, compat=True),
        languages=_languages(chunk, options, compat=True),
    )  # fmt: skip


def _canonical_posts(reader: PostReader, chunk: CsvRows, options: Options, report: Report, place: int = 0) -> Posts:
    handle = chunk.column("user_name")
    # Only an export without any name of accounts is asked for the owners in its addresses: one kind of key per file.
    named = {"facebook_id", "user_name"} & set(reader.header.positions)
    account, post, platform, bad_id = identities(
        chunk.column("facebook_id"),
        handle,
        chunk.column("url"),
        account_from=("id", "name") if named else ("address",),
    )
    report.warn("facebook_id", "bad_id", int(bad_id.sum()))
    micros, code, _, _ = reader.parse_times(chunk.column("post_created"))
    report.warn("post_created", "assumed_zone", int((code == 1).sum()))
    report.warn("post_created", "bad_time", int((code == 3).sum()))
    found = content_rules.canonical_contents(
        chunk.column("message"), chunk.column("image_text"), chunk.column("final_link"), chunk.column("link"),
        platform=platform, min_text_chars=options.min_text_chars,
    )  # fmt: skip
    report.warn("link", "bad_url", len(found.bad_urls))
    posts = Posts(
        account=account,
        contents=found,
        facts={"title": chunk.column("page_name"), "handle": handle, "fallback_id": fallback_ids(account),
               "country": chunk.column("page_admin_top_country")},
        followers=_count_column(reader, chunk, "followers_at_posting", report, compat=False),
        interactions=_count_column(reader, chunk, "total_interactions", report, compat=False),
        post=post,
        posted_at=np.where(code <= 1, micros, UNKNOWN_TIME),
        exported_at=int(reader.exported_at.timestamp() * 1e6) if reader.exported_at else 0,
        languages=_languages(chunk, options, compat=False),
        position=chunk.scanned.line + (place << 40),
    )  # fmt: skip
    nameless = np.flatnonzero(np.asarray(pc.is_null(account)))
    if not len(nameless):
        return posts
    for row in nameless.tolist():
        start, length = int(chunk.scanned.start[row]), int(chunk.scanned.length[row])
        report.reject(reader.path, int(chunk.scanned.line[row]), "no_account", chunk.excerpt(start, length))
    return posts.filter(~np.asarray(pc.is_null(account)))


def fallback_ids(account: pa.Array) -> pa.Array:
    """What stands for a page without a handle: its account key without the mark of a name."""
    return pc.replace_substring_regex(account, "^name:", "")


def find_contents(
    paths: Sequence[Path], options: Options, digests: Sequence[tuple[int, int]], length: int = 80
) -> dict[tuple[int, int], str]:
    """The beginnings of the contents with these digests, read from the files once more."""
    found: dict[tuple[int, int], str] = {}
    take = _compat_posts if options.content_mode == "compat" else _canonical_posts
    for path in paths:
        reader = PostReader(path, _read_options(options))
        for chunk in reader.raw_chunks():
            if len(found) == len(set(digests)):
                return found
            for kind in take(reader, chunk, options, Report()).contents.kinds:
                for digest in set(digests) - set(found):
                    rows = np.flatnonzero((kind.digests == np.array(digest, dtype=np.uint64)).all(axis=1))
                    if len(rows):
                        texts = [chunk.column(name)[int(rows[0])].as_py() for name in CONTENT_COLUMNS]
                        found[digest] = " ".join(text for text in texts if text)[:length]
    return found
