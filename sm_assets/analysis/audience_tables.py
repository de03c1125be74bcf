"""The tables of audience communities: one row per community, one per influencer.

Here: ids that last, anchors, names, labels, the columns of out_audience_communities and out_audience_members. Not here:
finding communities (`communities`), the words (`community_words`), reading and writing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.communities import STATUSES, Communities
from sm_assets.analysis.community_words import community_words
from sm_assets.contracts import TABLES
from sm_assets.contracts.schema import DAY
from sm_assets.errors import KernelError

N_TOP: Final = 10
_ANCHOR_STABILITY: Final = 0.5
_PROFILE: Final = ("display_name", "description", "category")


@dataclass(frozen=True, slots=True, eq=False)
class CommunityTables:
    """The tables of one snapshot.

    Attributes:
        communities, members: rows of out_audience_communities and out_audience_members, sorted by key.
        counts: influencers by status, communities, stable ones.
    """

    communities: pa.Table
    members: pa.Table
    counts: dict[str, int]


def community_tables(
    audiences: pa.Table, found: Mapping[str, Communities], *, day: date | None = None
) -> CommunityTables:
    """Tell all about the communities of one snapshot.

    Args:
        audiences: one row per influencer, in any order: platform, account_id, n_followers, display_name, handle; of the
            profile also description and category where they are known.
        found: communities by platform; nodes are the platform's influencers in the order of their account_id.
        day: as-of day; None: the tables have no column `day`.

    Returns:
        Tables with the columns of their contracts, in that order. `community_id` is `<platform>:<anchor>`, the anchor
        being the member with the most followers among those of stability 0.5 and more (none: among all), ties by id.

    Raises:
        KernelError: an influencer twice, or communities that are not those of these influencers.
    """
    audiences = audiences.sort_by([("platform", "ascending"), ("account_id", "ascending")]).combine_chunks()
    platforms = audiences["platform"].to_pylist()
    if missing := set(platforms) - set(found):
        raise KernelError(f"communities are needed for each platform; none were given for {sorted(missing)}.")
    told: list[_Platform] = []
    for platform in sorted(set(platforms)):
        rows = audiences.filter(pc.equal(audiences["platform"], platform))
        told.append(_Platform(platform, rows, found[platform]))
    communities = _table("out_audience_communities", [each.community_rows() for each in told], day)
    members = _table("out_audience_members", [each.member_rows() for each in told], day)
    statuses = [each.found.count_by_status() for each in told]
    counts = {
        "influencers": len(members),
        **{f"influencers_{name}": sum(each[name] for each in statuses) for name in STATUSES},
        "communities": len(communities),
        "communities_stable": sum(int(each.found.is_stable.sum()) for each in told),
    }
    return CommunityTables(communities, members, counts)


def kept_id_share(previous_members: pa.Table, members: pa.Table) -> float | None:
    """Share of members that kept their community's id since the previous snapshot.

    Args:
        previous_members: platform, account_id, community_id of the earlier snapshot.
        members: the same of the later one.

    Returns:
        0..1, out of the influencers in both snapshots that were in a community before; None if there are none.
    """
    names = ["platform", "account_id", "community_id"]
    before = previous_members.select(names).filter(pc.is_valid(previous_members["community_id"]))
    both = before.join(members.select(names), ["platform", "account_id"], join_type="inner", right_suffix="_now")
    if not len(both):
        return None
    kept = pc.fill_null(pc.equal(both["community_id"], both["community_id_now"]), False)
    return float(pc.mean(kept.cast(pa.float64())).as_py())


def _table(name: str, parts: list[dict[str, Any]], day: date | None) -> pa.Table:
    """One table of the rows of all platforms, by key, in the types and order of its contract."""
    contract = TABLES[name]
    schema = contract.plain_schema
    whole = pa.schema([field for field in schema if field.name != DAY])
    table = pa.concat_tables([whole.empty_table(), *(pa.table(part).select(whole.names).cast(whole) for part in parts)])
    table = table.sort_by([(key, "ascending") for key in contract.sort_key]).combine_chunks()
    if day is None:
        return table
    return table.append_column(DAY, pa.repeat(pa.scalar(day, pa.date32()), len(table))).select(schema.names)


class _Platform:
    """The influencers of one platform, in the order of their ids, and their communities."""

    def __init__(self, name: str, rows: pa.Table, found: Communities) -> None:
        self.name, self.rows, self.found = name, rows, found
        self.ids: list[str] = rows["account_id"].to_pylist()
        if len(self.ids) != len(found.community):
            raise KernelError(
                f"communities of {name} are of {len(found.community)} influencers; the table has {len(self.ids)}."
            )
        if len(set(self.ids)) != len(self.ids):
            raise KernelError(f"each influencer of {name} has one row; found one twice.")
        self.n_followers = np.asarray(rows["n_followers"].to_numpy(), np.int64)
        # By community, most followers first, ties by id: members of a community lie together.
        members = np.flatnonzero(found.community >= 0)
        order = members[np.lexsort((members, -self.n_followers[members], found.community[members]))]
        bounds = np.searchsorted(found.community[order], np.arange(found.n_communities + 1))
        self.ranked = [order[low:high] for low, high in pairwise(bounds)]
        self.anchor = [self._anchor(of) for of in self.ranked]
        self.community_id = [f"{name}:{self.ids[at]}" for at in self.anchor]

    def _anchor(self, ranked: npt.NDArray[np.int64]) -> int:
        sure = ranked[self.found.stability[ranked] >= _ANCHOR_STABILITY]
        return int(sure[0] if len(sure) else ranked[0])

    def _ids_of(self, community: npt.NDArray[np.int32]) -> pa.Array:
        """Ids of communities; null for -1."""
        ids = pa.array(self.community_id, pa.string())
        return ids.take(pa.array(community, pa.int32(), mask=community < 0))

    def _names(self) -> list[str]:
        """Of each influencer its name, else handle, else id."""
        names, handles = self.rows["display_name"].to_pylist(), self.rows["handle"].to_pylist()
        return [
            next((text for text in (name, handle) if text and text.strip()), account)
            for name, handle, account in zip(names, handles, self.ids, strict=True)
        ]

    def _profiles(self) -> list[str]:
        known = [self.rows[name].to_pylist() for name in _PROFILE if name in self.rows.column_names]
        return ["\n".join(text for text in texts if text) for texts in zip(*known, strict=True)]

    def community_rows(self) -> dict[str, Any]:
        """Columns of out_audience_communities, without day."""
        found, names = self.found, self._names()
        k = found.n_communities
        top = [of[:N_TOP] for of in self.ranked]
        return {
            "platform": pa.array([self.name] * k, pa.string()),
            "community_id": pa.array(self.community_id, pa.string()),
            "n_members": found.size,
            "n_edges": found.n_edges,
            "modularity": np.full(k, found.modularity),
            "modularity_share": found.modularity_share,
            "density": found.density,
            "conductance": found.conductance,
            "stability": found.community_stability,
            "is_stable": pa.array(found.is_stable, pa.bool_()),
            "anchor_account_id": pa.array([self.ids[at] for at in self.anchor], pa.string()),
            "top_member_ids": pa.array([[self.ids[at] for at in of] for of in top], pa.list_(pa.string())),
            "top_member_names": pa.array([[names[at] for at in of] for of in top], pa.list_(pa.string())),
            "label_terms": pa.array(community_words(self._profiles(), found.community, k), pa.list_(pa.string())),
            "resolution": np.full(k, found.resolution),
            "n_runs": np.full(k, found.n_runs, np.int64),
        }

    def member_rows(self) -> dict[str, Any]:
        """Columns of out_audience_members, without day."""
        found = self.found
        return {
            "platform": self.rows["platform"],
            "account_id": self.rows["account_id"],
            "community_id": self._ids_of(found.community),
            "status": pa.array(STATUSES, pa.string()).take(pa.array(found.status)),
            "stability": np.clip(found.stability, 0.0, 1.0),
            "strength": found.strength,
            "n_neighbours": found.n_neighbours,
            "second_community_id": self._ids_of(found.second_community),
            "second_share": pa.array(found.second_share, mask=np.isnan(found.second_share)),
            "n_followers": self.n_followers,
            "display_name": self.rows["display_name"],
            "handle": self.rows["handle"],
        }
