"""The analyses whose clusters share tables of numbers, words, topics, medoids, ids and maps.

Here: their names, and where members, words and places come from. To add one: its membership table with records in its
footer, its SELECT of members, what its clusters say, its map, one line here. Not here: how members come about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sm_assets.defs.clustering_record import PERSONAS
from sm_assets.defs.sql import input_file, upstreams
from sm_assets.storage import Lake

if TYPE_CHECKING:
    from sm_assets.defs.cluster_maps import ClusterMap
    from sm_assets.defs.cluster_summaries import Summaries


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analysis: a membership table that holds one or more clusterings, each with a record in its footer.

    Attributes:
        name: what its SELECTs begin with.
        table: its membership table.
        summarise: what the clusters of one record say; see `cluster_summaries.summarise` for the arguments.
        summary_reads: tables that this needs.
        place: maps by name of the clustering; see `account_maps.place_accounts` for the arguments. None: it has no
            map here.
        map_reads: tables that this needs.
    """

    name: str
    table: str
    summarise: Callable[..., Summaries]
    summary_reads: tuple[str, ...]
    place: Callable[..., dict[str, ClusterMap]] | None = None
    map_reads: tuple[str, ...] = ()

    @property
    def members(self) -> Path:
        """SELECT of analysis, platform, item_id, cluster_id over one as-of day of the membership table.

        analysis: as the record calls it; cluster_id null: in none.
        """
        return input_file(f"{self.name}_members")

    @property
    def sizes(self) -> Path:
        """SELECT of day, clustering, cluster_id, n_items over days of the membership table.

        cluster_id null: what could be in a cluster and is in none.
        """
        return input_file(f"{self.name}_sizes")


def _persona_summaries(*given: Any) -> Summaries:
    from sm_assets.defs.cluster_summaries import summarise_posts  # loads kernels

    return summarise_posts(*given, texts=input_file("personas_texts"))


def _persona_maps(*given: Any) -> dict[str, ClusterMap]:
    from sm_assets.defs.account_maps import place_accounts

    return place_accounts(*given, names=input_file("personas_names"))


def _hashtag_summaries(*given: Any) -> Summaries:
    from sm_assets.defs.hashtag_summaries import summarise_tags  # loads kernels

    return summarise_tags(*given, tags=input_file("hashtags_tags"))


def _profile_summaries(*given: Any) -> Summaries:
    from sm_assets.defs.profile_summaries import summarise_bios  # loads kernels

    return summarise_bios(*given)


def _profile_maps(*given: Any) -> dict[str, ClusterMap]:
    from sm_assets.defs.profile_summaries import place_bios

    return place_bios(*given)


ANALYSES: Final = (
    Analysis(
        "personas",
        PERSONAS,
        _persona_summaries,
        upstreams(input_file("personas_texts")),
        _persona_maps,
        (*upstreams(input_file("personas_names")), "feat_account_embeddings"),
    ),
    Analysis("hashtags", "out_hashtag_clusters", _hashtag_summaries, upstreams(input_file("hashtags_tags"))),
    Analysis(
        "profiles",
        "out_profile_clusters",
        _profile_summaries,
        upstreams(input_file("profiles_bios")),
        _profile_maps,
        upstreams(input_file("profiles_names")),
    ),
)


def is_pictured(clustering: str) -> bool:
    """Whether asset pages show pictures of a clustering: of `<analysis>` and `<analysis>:all`, not of others."""
    return clustering.count(":") < 2


def membership_tables() -> list[str]:
    """The tables that SELECTs of members read."""
    return sorted({name for each in ANALYSES for name in upstreams(each.members)})


def snapshot_days(lake: Lake, asked: Iterable[date]) -> list[date]:
    """Those of the days on which at least one analysis has a snapshot."""
    present = {day for each in ANALYSES for day in lake.days(each.table)}
    return sorted(set(asked) & present)
