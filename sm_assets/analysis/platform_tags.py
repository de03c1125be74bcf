"""Hashtags that say where a post was put, not what it is about: fyp, viral, instagood.

Here: the list, its version and digest, and what a user adds to it. Not here: counting hashtags.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from sm_assets.kernels.tags import normal_form

NAME: Final = "platform-tags"


@dataclass(frozen=True, slots=True)
class StopTags:
    """Tags that do not count.

    Attributes:
        tags: in normal form.
        record: what decides them, for `params_hash`: lists with name, version, size and blake2b of the sorted tags.
    """

    tags: frozenset[str]
    record: list[dict[str, Any]]


@cache
def platform_tags() -> tuple[str, frozenset[str]]:
    """(version, tags) of data/platform_tags.toml."""
    data = tomllib.loads(files("sm_assets.analysis").joinpath("data/platform_tags.toml").read_text("utf-8"))
    version = str(data.pop("version"))
    return version, frozenset(normal_form(tag) for tags in data.values() for tag in tags.split())


def stop_tags(*, platforms: bool = True, more: Iterable[str] = ()) -> StopTags:
    """Tags that do not count.

    Args:
        platforms: those of the platforms.
        more: further ones, as people write them, with or without #.
    """
    own = frozenset(form for tag in more if (form := normal_form(tag).lstrip("#")))
    version, known = platform_tags()
    record = [_told(NAME, version, known)] if platforms else []
    record += [_told("given", "", own)] if own else []
    return StopTags((known if platforms else frozenset()) | own, record)


def _told(name: str, version: str, tags: frozenset[str]) -> dict[str, Any]:
    digest = hashlib.blake2b("\n".join(sorted(tags)).encode(), digest_size=16).hexdigest()
    return {"name": name, "version": version, "size": len(tags), "blake2b": digest}
