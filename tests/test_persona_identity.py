"""Personas over four weeks of daily snapshots: who does not change keeps the name of its persona, who does is told.

The world is planted, vectors are sums of numbers drawn from words, windows of a week trail. Everything between vectors
and names is what the chain runs.
"""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from sm_assets.analysis.cluster_identity import Members, cluster_ids, cluster_links
from sm_assets.analysis.cluster_spec import ClusterSpec
from sm_assets.analysis.vector_clusters import cluster
from sm_assets.demo.persona_drift import (
    BORN,
    JOINED,
    JOINS,
    PARTS,
    SPLIT_OFF,
    DriftingPersonas,
    drifting_personas,
    truth_on,
)
from sm_assets.errors import OptionError

WINDOW = 7
DAYS = 28
WIDTH = 32
SPEC = ClusterSpec(preset="kmeans", grid=(4, 5, 6, 7, 8, 9), n_init=5)


@cache
def word(text: str) -> npt.NDArray[np.float64]:
    return np.random.default_rng(zlib.crc32(text.encode())).normal(size=WIDTH)


@dataclass
class Snapshots:
    """What the chain makes of a world, day by day."""

    world: DriftingPersonas
    days: list[date]
    members: dict[date, Members]
    links: dict[date, pa.Table]
    ids: dict[date, pa.Table]

    def name_of(self, day: date) -> dict[str, str]:
        """Name of the persona of each account."""
        names = dict(
            zip(*(self.ids[day][column].to_pylist() for column in ("cluster_id", "persistent_id")), strict=True)
        )
        members = self.members[day]
        return {key: names[number] for key, number in zip(members.keys.to_pylist(), members.cluster, strict=True)}

    def mostly(self, day: date) -> dict[int, int]:
        """What most members of each cluster are in truth."""
        truth, found = truth_on(self.world, day), dict[int, Counter[int]]()
        members = self.members[day]
        for key, number in zip(members.keys.to_pylist(), members.cluster.tolist(), strict=True):
            found.setdefault(number, Counter())[truth[key]] += 1
        return {number: max(counts, key=lambda persona: (counts[persona], persona)) for number, counts in found.items()}

    def events(self, kind: str) -> list[tuple[date, int, dict[str, Any]]]:
        """(day, what its members are in truth, row) of events after the first snapshot."""
        return [
            (day, self.mostly(day)[row["cluster_id"]], row)
            for day in self.days[1:]
            for row in self.ids[day].to_pylist()
            if row["event"] == kind
        ]


def snapshots(seed: int) -> Snapshots:
    world = drifting_personas(seed, days=DAYS + WINDOW - 1)
    names = sorted(set(world.texts["account_id"].to_pylist()))
    place = {name: number for number, name in enumerate(names)}
    daily = {day: np.zeros((len(names), WIDTH)) for day in world.days}
    for row in world.texts.to_pylist():
        vector = np.sum([word(text) for text in row["text"].split()], axis=0)
        daily[row["day"]][place[row["account_id"]]] += vector / np.linalg.norm(vector)
    made = Snapshots(world, world.days[WINDOW - 1 :], {}, {}, {})
    for number, day in enumerate(made.days):
        total = np.sum([daily[each] for each in world.days[number : number + WINDOW]], axis=0)
        rows = np.flatnonzero(total.any(axis=1))
        keys = pa.array([names[row] for row in rows])
        found = cluster(total[rows], keys, SPEC)
        made.members[day] = Members(keys, found.labels)
        if number:
            before = made.days[number - 1]
            made.links[day] = cluster_links(
                made.members[before], made.members[day], previous_day=before, params_changed=False
            )
        made.ids[day] = cluster_ids("personas", day, found.labels.tolist(), made.links.get)
    assert len(made.ids) == DAYS
    return made


@pytest.fixture(scope="module", params=[1, pytest.param(2, marks=pytest.mark.slow)])
def made(request: pytest.FixtureRequest) -> Snapshots:
    return snapshots(request.param)


def test_who_does_not_change_keeps_the_name_of_its_persona(made: Snapshots) -> None:
    names = [made.name_of(day) for day in made.days]
    kept = sum(len({found[account] for found in names if account in found}) == 1 for account in made.world.unchanged)
    assert len(made.world.unchanged) > 200
    assert kept >= 0.95 * len(made.world.unchanged), f"{kept} of {len(made.world.unchanged)}"


def test_other_personas_have_other_names(made: Snapshots) -> None:
    """The last must not be met by one name for all."""
    last = made.days[-1]
    truth, names = truth_on(made.world, last), made.name_of(last)
    pairs = Counter((truth[account], name) for account, name in names.items())
    of_persona = {persona: name for (persona, name), _ in reversed(pairs.most_common())}
    assert len(set(of_persona.values())) == len(of_persona) == 7
    right = sum(counts for (persona, name), counts in pairs.items() if of_persona[persona] == name)
    assert right >= 0.95 * len(names)


def within_a_window(day: date, planted: date) -> bool:
    return planted <= day <= planted + timedelta(days=WINDOW)


def test_a_birth_is_told_once(made: Snapshots) -> None:
    planted = {change.kind: change for change in made.world.changes}["born"].day
    ((day, persona, row),) = made.events("born")
    assert persona == BORN
    assert within_a_window(day, planted)
    assert row["born_on"] == day
    assert row["parent_id"] is None


def test_a_merge_is_told_once_and_the_larger_one_goes_on(made: Snapshots) -> None:
    planted = {change.kind: change for change in made.world.changes}["merged"].day
    ((day, persona, row),) = made.events("merged")
    assert persona == JOINED
    assert within_a_window(day, planted)
    assert row["born_on"] == made.days[0]
    before = made.mostly(day - timedelta(days=1))
    # The day after the change the members of the smaller one are what they were by their texts of the week.
    truth = truth_on(made.world, planted - timedelta(days=1))
    gone = [link for link in made.links[day].to_pylist() if link["relation"] == "merged"]
    assert [link["cluster_id"] for link in gone] == [row["cluster_id"]]
    members = made.members[day - timedelta(days=1)]
    was = Counter(
        truth.get(key)
        for key, number in zip(members.keys.to_pylist(), members.cluster, strict=True)
        if number == gone[0]["previous_cluster_id"]
    )
    assert was.most_common(1)[0][0] == JOINS
    assert len(before) == len(made.mostly(day)) + 1


def test_a_split_is_told_once_and_names_what_it_came_out_of(made: Snapshots) -> None:
    planted = {change.kind: change for change in made.world.changes}["split"].day
    ((day, persona, row),) = made.events("split")
    assert persona == SPLIT_OFF
    assert within_a_window(day, planted)
    assert row["born_on"] == day
    truth, names = truth_on(made.world, day), made.name_of(day)
    stayed = Counter(names[account] for account in names if truth[account] == PARTS)
    assert stayed.most_common(1)[0][0] == row["parent_id"]


def test_names_do_not_depend_on_the_order_in_which_they_are_made(made: Snapshots) -> None:
    for day in reversed(made.days):
        numbers = made.members[day].cluster.tolist()
        assert cluster_ids("personas", day, numbers, made.links.get).equals(made.ids[day])


def test_worlds_are_equal_by_seed_and_say_what_they_need() -> None:
    one, same, other = (drifting_personas(seed, days=14, accounts=10) for seed in (1, 1, 2))
    assert one.texts.equals(same.texts)
    assert one.truth.equals(same.truth)
    assert not one.texts.equals(other.texts)
    with pytest.raises(OptionError, match="14 days"):
        drifting_personas(1, days=13)
