"""One as-of day of hashtag clusters: tags of all scopes, their clusters, records, pages.

Here: from the window's posts to rows, and what stands in the file's footer. Not here: the asset
(`assets.hashtag_clusters`), vectors (`text_vectors`), pages (`hashtag_pages`), the methods (`sm_assets.analysis`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.cluster_spec import AUTO, ClusterSpec
from sm_assets.analysis.hashtag_clusters import TagClusters, Weights, cluster_tags
from sm_assets.analysis.layout import Method
from sm_assets.analysis.parameters import params_hash
from sm_assets.analysis.platform_tags import StopTags
from sm_assets.analysis.text_rules import TextRules
from sm_assets.contracts import TABLES
from sm_assets.contracts.hashtag_columns import SCOPE_KINDS, TAG_UNITS
from sm_assets.defs.clustering_record import ClusteringRecord
from sm_assets.defs.sql import HASHTAG_RULES, SUGGESTION_FORMS, input_file, open_select
from sm_assets.defs.text_vectors import TextVectors
from sm_assets.defs.user_lists import digests_by_day
from sm_assets.defs.windows import with_constants
from sm_assets.errors import OptionError
from sm_assets.kernels.tags import normal_form
from sm_assets.storage import Lake, TableRef

TABLE: Final = "out_hashtag_clusters"
INPUTS: Final = (TABLE, f"{TABLE}_suggestions", f"{TABLE}_deliveries")
RELEVANCE: Final = "feat_post_relevance"
_TEXTS: Final = pa.list_(pa.string())


@dataclass(frozen=True, slots=True)
class HashtagOptions:
    """Which posts count, and how their tags are clustered.

    Attributes:
        list_name: posts that this pair of lists finds; empty: all.
        countries: codes; empty: all.
        keep_ads: whether advertisements count.
        units: of hashtag, suggestion.
        scopes: of all, delivery, account.
        min_tags: distinct tags that an account needs for clusters of its own.
        min_posts: posts that a tag needs in its scope.
        stop: tags that do not count.
        spec: how tags are clustered.
        weights: how heavy a tag is.
        map_method: how they are laid out.

    Raises:
        OptionError: an unknown unit or scope, or none.
    """

    list_name: str
    countries: tuple[str, ...]
    keep_ads: bool
    units: tuple[str, ...]
    scopes: tuple[str, ...]
    min_tags: int
    min_posts: int
    stop: StopTags
    spec: ClusterSpec
    weights: Weights
    map_method: Method

    def __post_init__(self) -> None:
        """Refuse what nothing can meet."""
        for name, allowed in (("units", TAG_UNITS), ("scopes", SCOPE_KINDS)):
            given = getattr(self, name)
            unknown = sorted(set(given) - set(allowed))
            if unknown or not given:
                raise OptionError(
                    f"{name} must be some of {', '.join(allowed)}; found {', '.join(map(repr, unknown)) or 'none'}."
                )

    def told(self) -> dict[str, Any]:
        """The options as JSON knows them, order and repeats without meaning."""
        return {
            "list_name": self.list_name,
            "countries": sorted({code.upper() for code in self.countries}),
            "keep_ads": self.keep_ads,
            "min_tags": self.min_tags,
            "min_posts": self.min_posts,
            "stop_tags": self.stop.record,
            "spec": self.spec.told(),
            "weights": self.weights,
            "map_method": self.map_method,
        }

    def rules(self) -> pa.Table:
        """The one row that SQL reads the options from."""
        told = self.told()
        return pa.table(
            {
                **{name: [told[name]] for name in ("list_name", "keep_ads", "min_tags", "min_posts")},
                "countries": pa.array([told["countries"]], _TEXTS),
                "units": pa.array([list(self.units)], _TEXTS),
                "scopes": pa.array([list(self.scopes)], _TEXTS),
                "stop_tags": pa.array([sorted(self.stop.tags)], _TEXTS),
            }
        )


class Scope(NamedTuple):
    """One clustering of a snapshot.

    Attributes:
        kind, name, unit: as the table has them.
        rows: of the table.
        clusters: of these.
    """

    kind: str
    name: str
    unit: str
    rows: pa.Table
    clusters: TagClusters

    @property
    def analysis(self) -> str:
        """As the shared tables call it."""
        return analysis_name(self.unit, self.kind, self.name)


@dataclass
class Snapshot:
    """One as-of day.

    Attributes:
        rows: of the table.
        records: what stands behind the clusterings.
        scopes: clusterings that pages show: of all posts and of deliveries.
        without: deliveries and kinds of scopes without a tag, `<unit>s of <scope>`.
        notices: sentences.
    """

    rows: pa.Table
    records: list[ClusteringRecord] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def analysis_name(unit: str, kind: str, scope: str) -> str:
    """`hashtags:all`, `hashtags:delivery:<delivery>`, `suggestions:account:<platform>/<account>`."""
    return f"{unit}s:all" if kind == "all" else f"{unit}s:{kind}:{scope}"


def snapshot(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    window: list[TableRef],
    day: date,
    options: HashtagOptions,
    vectors: TextVectors,
    log: Callable[[str], None],
) -> Snapshot:
    """Rows, records and clusterings of one as-of day.

    Args:
        con: an open connection.
        lake: the data root.
        window: references cut to the window.
        day: the as-of day.
        options: parameters.
        vectors: of tags.
        log: takes sentences about the progress.

    Raises:
        OptionError: no day of the window knows the list.
    """
    made = Snapshot(TABLES[TABLE].plain_schema.empty_table())
    made.notices += _list_notices(lake, window, options.list_name)
    tags = _read(con, lake, window, options)
    if not len(tags):
        # Without a tag no model is loaded.
        made.without = _without_tags(con, lake, window, options, set())
        return made
    distinct = pc.unique(tags["tag"])
    found, present = vectors.of(distinct)
    told = options.told() | {"embedder_id": vectors.embedder_id}
    made_by, parts, noticed = params_hash(told), [], Counter[str]()
    for kind, name, unit, own in _scopes(tags):
        at = pc.index_in(own["tag"], value_set=distinct).to_numpy()
        n_posts = own["n_posts"].to_numpy()
        clusters = cluster_tags(
            own["tag"], n_posts, found[at], present[at], options.spec, weights=options.weights,
            map_method=None if kind == "account" else options.map_method, log=log, threads=lake.settings.threads,
        )  # fmt: skip
        analysis = analysis_name(unit, kind, name)
        rows = _rows(own, clusters, made_by, day)
        parts.append(rows)
        made.records.append(
            ClusteringRecord(
                analysis, made_by, vectors.embedder_id, TextRules(), told, clusters.k_table, clusters.record
            )
        )
        if kind != "account":
            made.scopes.append(Scope(kind, name, unit, rows, clusters))
        # Notices are kept for good, names of deliveries, which may be donors, and accounts are not.
        if kind == "all":
            made.notices += [f"{analysis}: {notice}" for notice in clusters.notices]
        elif clusters.notices:
            noticed[f"{unit}s:{kind}"] += 1
    made.notices += [
        f"{n} clusterings of {kind} have notices, which stand in the footer of the table."
        for kind, n in noticed.items()
    ]
    made.rows = pa.concat_tables([made.rows, *parts])
    made.without = _without_tags(con, lake, window, options, {scope.analysis for scope in made.scopes})
    return made


def _rows(own: pa.Table, clusters: TagClusters, made_by: str, day: date) -> pa.Table:
    """Rows of the table: tags of one clustering with their clusters and places."""
    for name, values in (("cluster_id", clusters.cluster_id), ("x", clusters.x), ("y", clusters.y)):
        own = own.append_column(name, values)
    rows = with_constants(own, params_hash=made_by, day=day).select(TABLES[TABLE].column_names)
    return rows.cast(TABLES[TABLE].plain_schema)


def _read(con: duckdb.DuckDBPyConnection, lake: Lake, window: list[TableRef], options: HashtagOptions) -> pa.Table:
    """Tags of all scopes in the order of the key."""
    con.register(HASHTAG_RULES, options.rules())
    suggested = open_select(con, lake, input_file(INPUTS[1]), window, []).to_arrow_table()["text"]
    forms = [" ".join(normal_form(text).lstrip("#").split()) for text in suggested.to_pylist()]
    con.register(SUGGESTION_FORMS, pa.table({"text": suggested.cast(pa.string()), "tag": pa.array(forms, pa.string())}))
    return open_select(con, lake, input_file(TABLE), window, []).to_arrow_table().combine_chunks()


def _scopes(tags: pa.Table) -> Iterator[tuple[str, str, str, pa.Table]]:
    """(kind, scope, unit, tags) of rows that are sorted by these."""
    if not len(tags):
        return
    names = [tags[name].combine_chunks().dictionary_encode() for name in ("scope_kind", "scope", "unit")]
    codes = np.stack([column.indices.to_numpy() for column in names])
    starts = np.flatnonzero(np.concatenate([[True], (codes[:, 1:] != codes[:, :-1]).any(axis=0)]))
    for start, end in zip(starts, [*starts[1:], len(tags)], strict=True):
        kind, name, unit = (column[int(start)].as_py() for column in names)
        yield kind, name, unit, tags.slice(start, end - start)


def _without_tags(
    con: duckdb.DuckDBPyConnection, lake: Lake, window: list[TableRef], options: HashtagOptions, found: set[str]
) -> list[str]:
    """Scopes that were asked for and have no tag; of accounts nobody can tell which."""
    asked = [("all", "all")] if "all" in options.scopes else []
    if "delivery" in options.scopes:
        known = open_select(con, lake, input_file(INPUTS[2]), window, []).to_arrow_table()["delivery"].to_pylist()
        asked += [("delivery", name) for name in known]
    names = [analysis_name(unit, kind, name) for unit in sorted(set(options.units)) for kind, name in asked]
    return [name for name in names if name not in found]


def _list_notices(lake: Lake, window: list[TableRef], list_name: str) -> list[str]:
    """What a reader should know of the list on the days of the window."""
    if not list_name:
        return []
    posts = next(ref for ref in window if ref.table == "core_posts").days
    found = digests_by_day(lake, RELEVANCE, next(ref for ref in window if ref.table == RELEVANCE).days)
    known = sorted({name for digests in found.values() for name in digests})
    if list_name not in known:
        raise OptionError(
            f"list_name is {list_name!r}, but {RELEVANCE} of the window was made with {', '.join(known) or 'no list'}. "
            f"Write lists/{list_name}/hashtags.csv or creators.csv and materialise {RELEVANCE}, or name another list."
        )
    versions = {digests[list_name] for digests in found.values() if list_name in digests}
    lacking = sorted(day for day in posts if list_name not in found.get(day, {}))
    told = []
    if lacking:
        told.append(
            f"{len(lacking)} of {len(posts)} days of the window ({lacking[0]} ... {lacking[-1]}) were not compared "
            f"with the list {list_name}; none of their posts count. Materialise {RELEVANCE} for them."
        )
    if len(versions) > 1:
        told.append(
            f"The days of the window were compared with {len(versions)} versions of the list {list_name}. Materialise "
            f"{RELEVANCE} again for all of them."
        )
    return told


def spec_of(method: str, k: int | None, size_min: int, seed: int) -> ClusterSpec:
    """Parameters of clusters of tags; k None: chosen."""
    return ClusterSpec(preset=method, k=AUTO if k is None else k, size_min=size_min, seed=seed)
