"""Checks of clusters that no SELECT of broken rows makes: their sizes, and what their files say of themselves.

Here: whether a clustering sets anybody apart, whether links and names are current, whether sizes are as promised. Not
here: which sizes are odd (`analysis.cluster_shape`), checks of rows (`sql/checks/`).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import dagster as dg

from sm_assets.analysis.cluster_shape import FEWEST, IN_NONE, LARGEST, Shape, shape
from sm_assets.contracts import Table
from sm_assets.defs.checking import Check, Group
from sm_assets.defs.cluster_analyses import ANALYSES, membership_tables
from sm_assets.defs.cluster_sources import IDS, LINKS, cluster_sources, stale_days
from sm_assets.defs.clustering_record import PERSONAS, clustering_records
from sm_assets.defs.metadata import small_table
from sm_assets.defs.sql import input_file, open_select
from sm_assets.storage import Lake

_SHOWN: Final = 20
_OTHERS: Final[Mapping[str, str]] = {"out_cosharing_members": "cosharing", "out_audience_members": "audiences"}
"""Membership tables whose clusters are in none of the shared tables, and what their SELECT is called."""


def sized_tables() -> dict[str, Path]:
    """SELECT of the sizes of clusters of each membership table, with the columns of `Analysis.sizes`."""
    return {each.table: each.sizes for each in ANALYSES} | {
        table: input_file(f"{name}_sizes") for table, name in _OTHERS.items()
    }


def size_groups(lake: Lake, table: Table) -> list[Group]:
    """Whether the clusters of a membership table set anybody apart."""
    path = sized_tables().get(table.name)
    if path is None:
        return []
    check = Check(
        table=table.name,
        name="sizes_sane",
        holds=f"Of {FEWEST} and more that could be in a cluster, no cluster holds more than {LARGEST:.0%} of those in "
        f"one, at most {IN_NONE:.0%} are in none, and most clusters have more than one member.",
        what_to_do="Look at the table and map of the clusters: where they say nothing, change the config of the asset "
        "(thresholds and resolution up for one giant, down for too many left out) or the rows that it is made from, "
        "and materialise the day again; where they are right, nothing is to be done.",
        warns=True,
    )

    def judge(days: list[date] | None) -> Iterator[dg.AssetCheckResult]:
        shapes = _shapes(lake, table.name, path, days)
        odd = {key: found for key, found in shapes.items() if found.odd}
        shown = list((odd or shapes).items())[-_SHOWN:]
        metadata: dict[str, Any] = {"clusterings": small_table([_row(*key, found) for key, found in shown])}
        if len(odd) > _SHOWN:
            metadata["clusterings_off"] = len(odd)
        yield check.result(passed=not odd, **metadata)

    return [Group((check,), judge)]


def _shapes(lake: Lake, table: str, path: Path, days: list[date] | None) -> dict[tuple[date, str], Shape]:
    sizes: dict[tuple[date, str], list[int]] = defaultdict(list)
    in_none: dict[tuple[date, str], int] = {}
    ref = lake.ref(table, days)
    with lake.connect() as con:
        for day, clustering, cluster, n in open_select(con, lake, path, [ref], ref.days).fetchall():
            if cluster is None:
                in_none[day, clustering] = n
            else:
                sizes[day, clustering].append(n)
    return {key: shape(sizes.get(key, []), in_none.get(key, 0)) for key in sorted({*sizes, *in_none})}


def _row(day: date, clustering: str, found: Shape) -> dict[str, str | int]:
    return {
        "day": str(day),
        "clustering": clustering,
        "clusters": found.n_clusters,
        "items": found.n_items,
        "largest": f"{found.largest:.1%}",
        "in none": f"{found.in_none:.1%}",
        "found": "; ".join(found.odd),
    }


def current_links_group(lake: Lake) -> Group:
    """What files say of themselves, which no SELECT can read; of all days, as one day made again changes others."""
    check = Check(
        table=LINKS,
        name="links_are_current",
        holds="Links and names of every day were made from the snapshots that are there now.",
        what_to_do=f"Materialise {LINKS} and {IDS} again for the days listed here, in any order.",
        warns=True,
        reads=(IDS, *membership_tables()),
    )

    def judge(_: list[date] | None) -> Iterator[dg.AssetCheckResult]:
        with lake.connect() as con:
            days = stale_days(lake, cluster_sources(lake, con))
        yield check.counted({f"{day}, to be materialised again": 1 for day in days})

    return Group((check,), judge)


def persona_sizes_group(lake: Lake) -> Group:
    """How personas were made stands beside the rows, where no SELECT can read it."""
    check = Check(
        table=PERSONAS,
        name="sizes_as_promised",
        holds="Personas of the method constrained have at least size_min members.",
        what_to_do=f"The file is not what its record says: materialise {PERSONAS} for the days listed here again.",
    )

    def judge(days: list[date] | None) -> Iterator[dg.AssetCheckResult]:
        small = {}
        with lake.connect() as con:
            for day in lake.ref(PERSONAS, days).days:
                record = clustering_records(lake, PERSONAS, day).get("personas")
                if record is None or record.parameters.get("method") != "constrained":
                    continue
                rows = lake.register(con, lake.ref(PERSONAS, [day])).filter("persona_id is not null")
                for number, n in rows.aggregate("persona_id, count(*)").order("persona_id").fetchall():
                    if n < record.parameters["size_min"]:
                        small[f"members of persona {number} on {day}"] = n
        yield check.counted(small)

    return Group((check,), judge)
