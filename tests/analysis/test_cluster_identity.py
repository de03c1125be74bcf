"""Clusters over days: links against plain sets; planted renames, drifts, mergers, splits; names walked back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_assets.analysis.cluster_identity import Members, cluster_ids, cluster_links
from sm_assets.errors import KernelError

DAY = date(2024, 3, 1)
Snapshot = Mapping[str, int]


def members(snapshot: Snapshot) -> Members:
    return Members(pa.array(list(snapshot), pa.string()), np.array(list(snapshot.values()), np.int32))


def linked(previous: Snapshot, current: Snapshot) -> list[dict[str, Any]]:
    return cluster_links(members(previous), members(current), previous_day=DAY, params_changed=False).to_pylist()


def relations(previous: Snapshot, current: Snapshot) -> set[tuple[int | None, int | None, str]]:
    return {(row["previous_cluster_id"], row["cluster_id"], row["relation"]) for row in linked(previous, current)}


def groups(**of: int | tuple[int, int]) -> dict[str, int]:
    """Members by name: groups(a=(10, 0)) are a0..a9 in cluster 0."""
    return {f"{name}{i}": value[1] for name, value in of.items() if isinstance(value, tuple) for i in range(value[0])}


def by_hand(previous: Snapshot, current: Snapshot) -> list[tuple[Any, ...]]:
    """Links by sets, straight from the definition."""
    both = {key for key in previous if key in current and previous[key] >= 0 and current[key] >= 0}
    a_sets = {a: {key for key in both if previous[key] == a} for a in set(previous.values()) if a >= 0}
    b_sets = {b: {key for key in both if current[key] == b} for b in set(current.values()) if b >= 0}

    def largest(own: set[str], others: Mapping[int, set[str]]) -> int | None:
        found = [number for number in sorted(others) if own & others[number]]
        return max(found, key=lambda number: (len(own & others[number]), -number), default=None)

    rows: list[tuple[Any, ...]] = []
    for b in sorted(b_sets):
        for a in sorted(a_sets):
            common = len(a_sets[a] & b_sets[b])
            if common < 2:
                continue
            of_a, of_b = common / len(a_sets[a]), common / len(b_sets[b])
            jaccard = common / len(a_sets[a] | b_sets[b])
            if max(of_a, of_b) < 0.25:
                continue
            if largest(a_sets[a], b_sets) == b and largest(b_sets[b], a_sets) == a and jaccard >= 0.3:
                relation = "continued"
            elif of_b >= 0.5:
                relation = "split"
            else:
                relation = "merged" if of_a >= 0.5 else "overlap"
            rows.append((b, a, common, of_a, of_b, jaccard, relation))
    going_on = {row[0] for row in rows if row[-1] in {"continued", "split"}}
    gone = {row[1] for row in rows if row[-1] in {"continued", "merged"}}
    rows += [(b, None, 0, None, None, None, "born") for b in b_sets if b not in going_on]
    rows += [(None, a, 0, None, None, None, "ended") for a in a_sets if a not in gone]
    return rows


snapshots = st.dictionaries(st.sampled_from([f"m{i}" for i in range(30)]), st.integers(-1, 4), max_size=30)


@settings(max_examples=300, deadline=None)
@given(snapshots, snapshots, st.randoms(use_true_random=False))
def test_links_are_what_sets_say_in_any_order_of_members(previous: Snapshot, current: Snapshot, random: Any) -> None:
    rows = linked(previous, current)
    names = ("cluster_id", "previous_cluster_id", "n_common", "share_previous", "share_current", "jaccard", "relation")
    found = [tuple(row[name] for name in names) for row in rows]
    assert sorted(found, key=str) == sorted(by_hand(previous, current), key=str)
    assert [row["link"] for row in rows] == list(range(len(rows)))
    assert {row["previous_day"] for row in rows} <= {DAY}
    mixed_before, mixed_now = list(previous.items()), list(current.items())
    random.shuffle(mixed_before)
    random.shuffle(mixed_now)
    assert linked(dict(mixed_before), dict(mixed_now)) == rows


def test_a_new_number_alone_changes_nothing() -> None:
    before, after = groups(a=(10, 0), b=(8, 1)), groups(a=(10, 1), b=(8, 0))
    assert relations(before, after) == {(0, 1, "continued"), (1, 0, "continued")}
    assert {row["jaccard"] for row in linked(before, after)} == {1.0}


def test_whoever_comes_or_goes_does_not_count() -> None:
    before, after = groups(a=(4, 0), gone=(50, 0)), groups(a=(4, 3), new=(70, 3))
    (row,) = linked(before, after)
    assert (row["relation"], row["n_common"], row["share_previous"], row["jaccard"]) == ("continued", 4, 1, 1)
    assert relations(groups(a=(4, 0)) | groups(b=(9, -1)), groups(a=(4, 0), b=(9, 0))) == {(0, 0, "continued")}


def test_merger_split_birth_and_end() -> None:
    before = groups(a=(20, 0), b=(12, 1), c=(15, 2), d=(5, 2), e=(3, 3))
    after = groups(a=(20, 0), b=(12, 0), c=(15, 1), d=(5, 2), n=(6, 4))
    assert relations(before, after) == {
        (0, 0, "continued"), (1, 0, "merged"), (2, 1, "continued"), (2, 2, "split"), (None, 4, "born"),
        (3, None, "ended"),
    }  # fmt: skip


def test_ties_go_to_the_lower_number() -> None:
    halves = {f"m{i}": i % 2 for i in range(8)}
    assert relations(dict.fromkeys(halves, 0), halves) == {(0, 0, "continued"), (0, 1, "split")}
    # Exactly half of the one cluster came out of the other, whose name ends.
    assert relations(halves, dict.fromkeys(halves, 0)) == {(0, 0, "continued"), (1, 0, "split"), (1, None, "ended")}


def scattered(common: int, *, more_before: int, more_now: int) -> list[dict[str, Any]]:
    """Links of the clusters 0, which have `common` members in common; the others come from everywhere."""
    before, now = {f"c{i}": 0 for i in range(common)}, {f"c{i}": 0 for i in range(common)}
    for i in range(more_before):
        before[f"b{i}"], now[f"b{i}"] = 0, 10 + i
    for i in range(more_now):
        before[f"n{i}"], now[f"n{i}"] = 10 + i, 0
    return [row for row in linked(before, now) if row["n_common"]]


def test_bounds_are_part_of_what_they_bound() -> None:
    (row,) = scattered(3, more_before=3, more_now=4)
    assert (row["jaccard"], row["relation"]) == (0.3, "continued")
    (row,) = scattered(3, more_before=3, more_now=5)
    assert (row["share_previous"], row["relation"]) == (0.5, "merged")
    (row,) = scattered(4, more_before=7, more_now=4)
    assert (row["share_current"], row["relation"]) == (0.5, "split")
    (row,) = scattered(2, more_before=6, more_now=6)
    assert (row["share_previous"], row["share_current"], row["relation"]) == (0.25, 0.25, "overlap")
    assert scattered(2, more_before=7, more_now=7) == []
    assert scattered(1, more_before=0, more_now=0) == []


def test_other_parameters_are_told() -> None:
    one = members(groups(a=(3, 0)))
    assert cluster_links(one, one, previous_day=DAY, params_changed=True)["params_changed"].to_pylist() == [True]


def test_a_member_is_in_one_cluster() -> None:
    twice = Members(pa.array(["a", "a"]), np.array([0, 1]))
    with pytest.raises(KernelError, match="1 kinds in 2 keys"):
        cluster_links(twice, members({}), previous_day=DAY, params_changed=False)
    with pytest.raises(KernelError, match="one cluster per key"):
        cluster_links(Members(pa.array(["a"]), np.array([0, 1])), members({}), previous_day=DAY, params_changed=False)


class World:
    """Snapshots by day number, and all links between neighbours."""

    def __init__(self, snapshots: Mapping[int, Snapshot]) -> None:
        self.snapshots = snapshots

    def links(self, day: date) -> pa.Table | None:
        at = (day - DAY).days
        earlier = [other for other in self.snapshots if other < at]
        if not earlier:
            return None
        before = max(earlier)
        return cluster_links(
            members(self.snapshots[before]), members(self.snapshots[at]), previous_day=DAY + timedelta(before),
            params_changed=False,
        )  # fmt: skip

    def ids(self, at: int) -> dict[int, dict[str, Any]]:
        numbers = {number for number in self.snapshots[at].values() if number >= 0}
        found = cluster_ids("personas", DAY + timedelta(at), numbers, self.links)
        assert found["cluster_id"].to_pylist() == sorted(numbers)
        return {row["cluster_id"]: row for row in found.to_pylist()}


def test_the_first_snapshot_is_where_all_are_born() -> None:
    found = World({0: groups(a=(5, 0), b=(4, 1), x=(3, -1))}).ids(0)
    assert {number: row["persistent_id"] for number, row in found.items()} == {
        0: "personas-20240301-0", 1: "personas-20240301-1",
    }  # fmt: skip
    assert {row["event"] for row in found.values()} == {"born"}
    assert {(row["born_on"], row["parent_id"]) for row in found.values()} == {(DAY, None)}


def test_names_stay_over_new_numbers_gaps_and_a_drift_that_replaces_everybody() -> None:
    world = World(
        {day: {f"a{i}": day % 2 for i in range(3 * day, 3 * day + 20)} | groups(b=(9, 1 - day % 2))
         for day in (0, 1, 2, 5, 6, 7, 8)}
    )  # fmt: skip
    found = world.ids(8)
    assert not set(world.snapshots[0]) & {key for key in world.snapshots[8] if key[0] == "a"}
    assert found[0]["persistent_id"] == "personas-20240301-0"
    assert found[1]["persistent_id"] == "personas-20240301-1"
    assert {row["event"] for row in found.values()} == {"continued"}
    assert {row["born_on"] for row in found.values()} == {DAY}


def test_a_split_takes_a_new_name_and_says_from_whom_also_later() -> None:
    world = World({0: groups(a=(20, 0), b=(8, 0)), 1: groups(a=(20, 1), b=(8, 2)), 2: groups(a=(20, 0), b=(8, 1))})
    first, later = world.ids(1), world.ids(2)
    assert (first[1]["persistent_id"], first[1]["event"]) == ("personas-20240301-0", "continued")
    assert (first[2]["persistent_id"], first[2]["event"]) == ("personas-20240302-2", "split")
    assert first[2]["parent_id"] == "personas-20240301-0"
    assert later[1] == first[2] | {"cluster_id": 1, "event": "continued"}


def test_a_merger_keeps_the_name_of_the_one_that_goes_on() -> None:
    world = World({0: groups(a=(20, 0), b=(12, 1)), 1: groups(a=(20, 0), b=(12, 0)), 2: groups(a=(20, 0), b=(12, 0))})
    assert (world.ids(1)[0]["persistent_id"], world.ids(1)[0]["event"]) == ("personas-20240301-0", "merged")
    assert world.ids(2)[0]["event"] == "continued"


def test_whoever_comes_back_after_an_end_is_someone_new() -> None:
    world = World({0: groups(a=(9, 0), b=(9, 1)), 1: groups(b=(9, 0)), 2: groups(a=(9, 0), b=(9, 1))})
    found = world.ids(2)
    assert (found[0]["persistent_id"], found[0]["event"]) == ("personas-20240303-0", "born")
    assert found[1]["persistent_id"] == "personas-20240301-1"


def test_what_two_gave_half_of_each_is_split_from_the_lower_number() -> None:
    before = groups(a=(30, 0), b=(10, 0), c=(30, 1), d=(10, 1))
    after = groups(a=(30, 0), b=(10, 2), c=(30, 1), d=(10, 2))
    found = World({0: before, 1: after}).ids(1)
    assert (found[2]["event"], found[2]["parent_id"]) == ("split", "personas-20240301-0")


def test_no_cluster_has_no_name() -> None:
    assert World({0: groups(x=(3, -1))}).ids(0) == {}
