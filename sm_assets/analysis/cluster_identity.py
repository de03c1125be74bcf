"""How clusters go on from snapshot to snapshot, and the names that stay with them.

Here: links between two snapshots, names by walking links back. Not here: clusters, which snapshots there are.
Links are a pure function of two memberships. Names are read out of the links of all days up to theirs and of no other
name: they may be made in any order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.errors import KernelError

REACH_DAYS: Final = 7
"""Days back at most to the snapshot that a snapshot is linked with."""

_LISTED_FROM: Final = 0.25
_LEAST_COMMON: Final = 2
_CONTINUED_FROM: Final = 0.3
_MOST_OF: Final = 0.5

_SCHEMA: Final = pa.schema(
    {
        "cluster_id": pa.int64(),
        "previous_cluster_id": pa.int64(),
        "n_common": pa.int64(),
        "share_previous": pa.float64(),
        "share_current": pa.float64(),
        "jaccard": pa.float64(),
        "relation": pa.string(),
    }
)
_IDS: Final = pa.schema(
    {
        "cluster_id": pa.int64(),
        "persistent_id": pa.string(),
        "born_on": pa.date32(),
        "parent_id": pa.string(),
        "event": pa.string(),
    }
)

Ints = npt.NDArray[np.int64]


class Members(NamedTuple):
    """Who is in which cluster of one snapshot.

    Attributes:
        keys: string[n], distinct.
        cluster: int[n], 0 or more; -1 = in none, which is like being absent.
    """

    keys: pa.Array
    cluster: npt.NDArray[np.integer[Any]]


def cluster_links(previous: Members, current: Members, *, previous_day: date, params_changed: bool) -> pa.Table:
    """What became of the clusters of the snapshot before. Only members of both snapshots count.

    Args:
        previous: the snapshot before.
        current: this snapshot.
        previous_day: day of the one before.
        params_changed: whether the two were made with other parameters.

    Returns:
        Columns of out_cluster_links but for analysis, params_hash and day; sorted by cluster and previous cluster, the
        ended ones last. A pair is listed if it has at least two common members and a share of at least a quarter:
        `continued`: each is the other's largest partner (ties: lower number) and the Jaccard index is at least .3;
        else `split`: at least half of the cluster came from the previous one; `merged`: at least half of the previous
        one went into it; `overlap`. A cluster that is neither continued nor split is `born`, a previous one neither
        continued nor merged has `ended`.

    Raises:
        KernelError: keys that repeat, unlike lengths.
    """
    before, now = _placed(previous), _placed(current)
    met = pc.index_in(now.keys, value_set=before.keys)
    both = np.flatnonzero(met.is_valid().to_numpy(zero_copy_only=False))
    a = before.cluster[met.take(pa.array(both)).to_numpy(zero_copy_only=False)].astype(np.int64)
    b = now.cluster[both].astype(np.int64)
    (first, second), common = _pairs(a, b)
    of_first, of_second = _sums(first, common), _sums(second, common)
    share_previous, share_current = common / of_first[first], common / of_second[second]
    jaccard = common / (of_first[first] + of_second[second] - common)
    mutual = _largest(first, second, common) & _largest(second, first, common)
    relation = np.select(
        [mutual & (jaccard >= _CONTINUED_FROM), share_current >= _MOST_OF, share_previous >= _MOST_OF],
        ["continued", "split", "merged"],
        "overlap",
    )
    listed = (common >= _LEAST_COMMON) & (np.maximum(share_previous, share_current) >= _LISTED_FROM)
    rows: list[tuple[Any, ...]] = list(
        zip(
            *(values[listed].tolist() for values in (second, first, common, share_previous, share_current, jaccard)),
            relation[listed].tolist(),
            strict=True,
        )
    )
    going_on, gone_into = _ends(rows, 0, {"continued", "split"}), _ends(rows, 1, {"continued", "merged"})
    alone = (0, None, None, None)
    rows += [(number, None, *alone, "born") for number in _numbers(now) if number not in going_on]
    rows += [(None, number, *alone, "ended") for number in _numbers(before) if number not in gone_into]
    rows.sort(key=lambda row: (_last(row[0]), _last(row[1])))
    found = pa.table([list(column) for column in zip(*rows, strict=True)] if rows else [[]] * 7, schema=_SCHEMA)
    n = len(rows)
    found = found.add_column(0, "link", pa.array(range(n), pa.int64()))
    found = found.add_column(2, "previous_day", pa.repeat(pa.scalar(previous_day, pa.date32()), n))
    return found.append_column("params_changed", pa.repeat(pa.scalar(params_changed), n))


def _placed(members: Members) -> Members:
    if len(members.keys) != len(members.cluster):
        raise KernelError(f"one cluster per key; found {len(members.cluster)} for {len(members.keys)}.")
    kept = members.cluster >= 0
    keys = members.keys.filter(pa.array(kept))
    if len(pc.unique(keys)) != len(keys):
        raise KernelError(f"a member is in one cluster: found {len(pc.unique(keys))} kinds in {len(keys)} keys.")
    return Members(keys, members.cluster[kept])


def _pairs(a: Ints, b: Ints) -> tuple[tuple[Ints, Ints], Ints]:
    width = int(b.max(initial=0)) + 1
    key, counts = np.unique(a * width + b, return_counts=True)
    return (key // width, key % width), counts.astype(np.int64)


def _sums(number: Ints, counts: Ints) -> Ints:
    total = np.zeros(int(number.max(initial=-1)) + 1, np.int64)
    np.add.at(total, number, counts)
    return total


def _largest(own: Ints, other: Ints, counts: Ints) -> npt.NDArray[np.bool_]:
    """Which pairs are with the largest partner of `own`, ties to the lower number."""
    order = np.lexsort((other, -counts, own))
    found = np.zeros(len(own), np.bool_)
    found[order[np.diff(own[order], prepend=-1) != 0]] = True
    return found


def _ends(rows: Iterable[tuple[Any, ...]], place: int, relations: set[str]) -> set[int]:
    return {row[place] for row in rows if row[-1] in relations}


def _numbers(members: Members) -> list[int]:
    return [int(number) for number in np.unique(members.cluster)]


def _last(number: int | None) -> tuple[bool, int]:
    return (number is None, number or 0)


class _Origin(NamedTuple):
    """Where a cluster came from: `continued` or `split` from a previous one, or `born`."""

    relation: str
    previous: int | None
    merged: bool


def cluster_ids(
    analysis: str, day: date, clusters: Iterable[int], links: Callable[[date], pa.Table | None]
) -> pa.Table:
    """Names of the clusters of a snapshot, by walking links back.

    Args:
        analysis: its name.
        day: of the snapshot.
        clusters: its numbers.
        links: rows of out_cluster_links of one day; None or no row: nothing before.

    Returns:
        Columns of out_cluster_ids but for analysis, params_hash and day, sorted by cluster. `persistent_id` is
        `<analysis>-<yyyymmdd>-<cluster_id>` of the first snapshot that it goes back to over `continued`; a cluster that
        split begins anew, and `parent_id` names what it came out of (of two halves the one of the lower number).
        `merged`: it goes on, and another went into it.
    """
    numbers = sorted(set(clusters))
    steps: list[tuple[date, dict[int, _Origin]]] = []
    wanted, at = set(numbers), day
    while wanted:
        table = links(at)
        known = _origins(table) if table is not None else {}
        steps.append((at, {number: known.get(number, _Origin("born", None, merged=False)) for number in wanted}))
        wanted = {origin.previous for _, origin in steps[-1][1].items() if origin.previous is not None}
        if wanted:
            assert table is not None
            at = table["previous_day"][0].as_py()
    names: dict[int, tuple[str, date, str | None]] = {}
    for at, origins in reversed(steps):
        before, names = names, {}
        for number, origin in origins.items():
            if origin.relation == "continued":
                assert origin.previous is not None
                names[number] = before[origin.previous]
            else:
                parent = None if origin.previous is None else before[origin.previous][0]
                names[number] = (f"{analysis}-{at:%Y%m%d}-{number}", at, parent)
    last = steps[0][1] if steps else {}
    rows = [(number, *names[number], "merged" if last[number].merged else last[number].relation) for number in numbers]
    return pa.table([list(column) for column in zip(*rows, strict=True)] if rows else [[]] * 5, schema=_IDS)


def _origins(table: pa.Table) -> dict[int, _Origin]:
    rows_of: dict[int, list[dict[str, Any]]] = defaultdict(list)
    columns = ["cluster_id", "previous_cluster_id", "relation"]
    for row in table.select(columns).to_pylist():
        if row["cluster_id"] is not None:
            rows_of[row["cluster_id"]].append(row)
    return {number: _origin(rows) for number, rows in rows_of.items()}


def _origin(rows: list[dict[str, Any]]) -> _Origin:
    for relation in ("continued", "split"):
        found = [row for row in rows if row["relation"] == relation]
        if found:
            merged = relation == "continued" and any(row["relation"] == "merged" for row in rows)
            # Of two that each gave half, the lower number.
            return _Origin(relation, min(row["previous_cluster_id"] for row in found), merged)
    return _Origin("born", None, merged=False)
