"""Pages of hashtag clusters: a map by itself for all posts and for each delivery, replaced together.

Here: names of files, what a dot says. Not here: the page (`plots.cluster_map`), places and clusters
(`sm_assets.analysis`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.hashtag_clusters import tag_labels
from sm_assets.analysis.layout import sample
from sm_assets.defs.cluster_maps import said
from sm_assets.defs.hashtag_snapshots import Scope
from sm_assets.storage import Lake
from sm_assets.storage.folders import replace_folder

MAX_POINTS: Final = 5_000
MAX_LABELS: Final = 60
_NOUNS: Final = {"hashtag": "hashtag", "suggestion": "suggested search"}
_PLURALS: Final = {"hashtag": "Hashtags", "suggestion": "Suggested searches"}
_PLAIN: Final = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST: Final = 80


def publish_pages(lake: Lake, day: date, folder: Path) -> str:
    """Put a folder of pages in the place of exports/hashtags/day=.../; its path."""
    return replace_folder(lake, folder, "exports", "hashtags", f"day={day}")


def write_pages(
    scopes: Sequence[Scope], without: Sequence[str], day: date, folder: Path, deliveries: int, seed: int
) -> None:
    """Write the pages and a manifest.json that says which is which, and which scopes have no tag.

    Args:
        scopes: of one as-of day.
        without: scopes without a tag.
        day: the as-of day.
        folder: an empty folder in a workspace of the lake.
        deliveries: pages of deliveries and unit at most; those with the most tagged posts have one.
        seed: of the sample of dots where there are more than 5,000.
    """
    from sm_assets.plots import cluster_map  # loads plotly

    index = {}
    for scope in _shown(scopes, deliveries):
        name = file_name(scope)
        points = dots(scope.rows, seed)
        where = "" if scope.kind == "all" else f" of {scope.name}"
        record = scope.clusters.record["layout"]
        page = cluster_map.page(
            points,
            tag_labels(scope.rows),
            f"{_PLURALS[scope.unit]}{where} on {day}",
            about=said(record | {"n_without_vector": scope.clusters.record["n_without_vector"], "n_shown": len(points)})
            + " The more posts, the larger the dot.",
            noun=_NOUNS[scope.unit],
        )
        (folder / name).write_text(page, encoding="utf-8")
        index[name] = {"unit": scope.unit, "scope_kind": scope.kind, "scope": scope.name, "tags": len(scope.rows)}
    manifest = {"pages": index, "without_tags": list(without)}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _shown(scopes: Sequence[Scope], deliveries: int) -> list[Scope]:
    """Scopes that get a page, in their order."""
    shown = {scope.analysis for scope in scopes if scope.kind == "all"}
    for unit in sorted({scope.unit for scope in scopes}):
        own = [scope for scope in scopes if scope.kind == "delivery" and scope.unit == unit]
        own.sort(key=lambda scope: (-(pc.sum(scope.rows["n_posts"]).as_py() or 0), scope.name))
        shown.update(scope.analysis for scope in own[:deliveries])
    return [scope for scope in scopes if scope.analysis in shown]


def file_name(scope: Scope) -> str:
    """`hashtags.html` of all posts, `hashtags-<delivery>.html`; a digest where a name is not fit for a file."""
    if scope.kind == "all":
        return f"{scope.unit}s.html"
    plain = _PLAIN.sub("-", scope.name)[:_LONGEST]
    if plain != scope.name:
        plain += "-" + hashlib.blake2b(scope.name.encode(), digest_size=4).hexdigest()
    return f"{scope.unit}s-{plain}.html"


def dots(rows: pa.Table, seed: int, max_points: int = MAX_POINTS) -> pa.Table:
    """Rows that have a place, as the page takes them; of many a seeded sample with shares of all clusters.

    The most used tags stand beside their dots.
    """
    placed = rows.filter(rows["x"].is_valid())
    groups = pc.fill_null(placed["cluster_id"], -1).to_numpy()
    shown = placed.take(pa.array(sample(groups, len(placed), max_points, seed)))
    says = [
        f"{posts:,} post{'s' * (posts != 1)}, {accounts:,} account{'s' * (accounts != 1)}"
        for posts, accounts in zip(shown["n_posts"].to_pylist(), shown["n_accounts"].to_pylist(), strict=True)
    ]
    posts = shown["n_posts"].to_numpy()
    order = np.argsort(-posts, kind="stable")[:MAX_LABELS]
    labelled = np.zeros(len(posts), bool)
    labelled[order] = True
    return pa.table(
        {
            "label": pc.if_else(pa.array(labelled), shown["tag"], None),
            "item_id": pa.array(says, pa.string()),
            "text": shown["tag"],
            "cluster_id": shown["cluster_id"],
            "x": shown["x"],
            "y": shown["y"],
            "size": shown["n_posts"],
        }
    )
