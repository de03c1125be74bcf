"""Options of the one-shot tool and their check before anything is read.

Here: what can be chosen and what cannot work. Not here: what the choices do.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sm_assets.analysis.contents import MIN_TEXT_CHARS, check_mode
from sm_assets.analysis.cosharing import check_method
from sm_assets.analysis.defaults import VIRAL_ACCOUNTS
from sm_assets.errors import InputError, OptionError
from sm_assets.sources.crowdtangle_columns import delivered_name
from sm_assets.sources.zones import check_zone

MOST_ACCOUNTS = 1_000_000_000

READ_COLUMNS = (
    "page_name", "user_name", "facebook_id", "page_admin_top_country", "followers_at_posting", "post_created",
    "total_interactions", "url", "link", "message", "final_link", "image_text", "link_text", "description",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Options:
    """Everything that can be chosen; None: the method's own default."""

    method: str = "linkage"
    content_mode: str = "canonical"
    content_cols: tuple[str, ...] | None = None
    min_threshold: float | None = None
    second_cluster_factor: float | None = None
    min_text_chars: int = MIN_TEXT_CHARS
    viral_accounts: int = VIRAL_ACCOUNTS
    add_language: bool = False
    ft_model_path: Path | None = None
    zone: str | None = None


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
    if options.min_text_chars < 0:
        raise OptionError(f"min_text_chars must be at least 0; found {options.min_text_chars}.")
    if not 1 <= options.viral_accounts <= MOST_ACCOUNTS:
        raise OptionError(f"viral_accounts must lie between 1 and {MOST_ACCOUNTS:,}; found {options.viral_accounts}.")
    if options.zone is not None:
        check_zone(options.zone)
    if options.content_cols is not None:
        if options.content_mode != "compat":
            raise OptionError("content_cols is for content_mode compat only; canonical contents have fixed kinds.")
        content_columns(options.content_cols)
    if options.ft_model_path is not None and not options.ft_model_path.is_file():
        raise OptionError(
            f"{options.ft_model_path}: no such language model; give the path of a fastText .ftz or .bin file."
        )
    check_inputs(paths)


def check_inputs(paths: Sequence[Path]) -> None:
    """Refuse inputs that cannot be read.

    Raises:
        InputError: no file, or one that is missing, no regular file or unreadable.
    """
    if not paths:
        raise InputError("no input file; give one or more CrowdTangle CSV exports.")
    for path in paths:
        try:
            mode = path.stat().st_mode
        except OSError as problem:
            raise InputError(f"{path}: no such file ({problem.strerror}).") from problem
        if stat.S_ISDIR(mode):
            raise InputError(f"{path}: is a folder; give the files inside.")
        if not stat.S_ISREG(mode):
            raise InputError(
                f"{path}: is not a regular file; exports are read twice, so save the stream to a file first."
            )
        if not os.access(path, os.R_OK):
            raise InputError(f"{path}: may not be read; check its permissions.")


def content_columns(names: Sequence[str]) -> list[str]:
    """Raw columns (or `external_link`) of the names given, delivered or raw.

    Raises:
        OptionError: a name that is neither, or none at all.
    """
    known = {name.casefold(): raw for raw in READ_COLUMNS for name in (raw, delivered_name(raw))} | {
        "external_link": "external_link"
    }
    unknown = [name for name in names if name.casefold() not in known]
    if unknown or not names:
        raise OptionError(
            f"content_cols: unknown columns {', '.join(unknown) or '(none given)'}; expected any of "
            f"{', '.join(delivered_name(raw) for raw in READ_COLUMNS)}, external_link."
        )
    return [known[name.casefold()] for name in names]
