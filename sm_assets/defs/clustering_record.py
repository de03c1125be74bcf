"""What stands behind a membership table: how its clusters were made, kept in the footer of its files.

Here: writing and reading the records, one for each analysis of the file. What comes after the clusters reads from them
by which rules texts count, and which parameters the snapshot names. Not here: making clusters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from sm_assets.analysis.text_rules import TextRules
from sm_assets.errors import MissingRecord
from sm_assets.storage import DIGEST, Lake

PERSONAS: Final = "out_personas"
"""The membership table of personas."""
RECORD: Final = "sm.clustering"
MEMBERS: Final = "sm.members"
"""In files of summaries: digests of the membership files that they are of."""


@dataclass(frozen=True, slots=True)
class ClusteringRecord:
    """How the clusters of one snapshot of one analysis were made.

    Attributes:
        analysis: its name, as the shared tables call it.
        params_hash: over rules, parameters and embedder.
        embedder_id: of the vectors; empty: none were there, or none are needed.
        rules: by which posts count.
        parameters: as they were asked for.
        k_table: rows of out_cluster_k without analysis, params_hash and day.
        record: what the clustering tells of itself.
    """

    analysis: str
    params_hash: str
    embedder_id: str
    rules: TextRules
    parameters: dict[str, Any] = field(default_factory=dict)
    k_table: list[dict[str, Any]] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)

    def metadata(self) -> dict[str, str]:
        """The record as metadata of a file."""
        return records_metadata([self])

    def told(self) -> dict[str, Any]:
        """The record in words that JSON knows."""
        return {name: getattr(self, name) for name in self.__slots__} | {"rules": self.rules.told()}


def records_metadata(records: Iterable[ClusteringRecord]) -> dict[str, str]:
    """Records of all analyses of a file as its metadata."""
    return {RECORD: json.dumps({record.analysis: record.told() for record in records}, sort_keys=True)}


def members_digest(lake: Lake, table: str, day: date) -> str:
    """Digest of the rows of a membership file; empty: it has none, or is not there."""
    return lake.metadata(table, day).get(DIGEST, "") if lake.ref(table, [day]).days else ""


def members_metadata(digests: Mapping[str, str]) -> dict[str, str]:
    """Digests of membership files, by table, as metadata of a file."""
    return {MEMBERS: json.dumps(digests, sort_keys=True)}


def are_of_members(lake: Lake, summaries: str, table: str, day: date) -> bool:
    """Whether a file of summaries is of the membership file as it is now: else its numbers are other clusters'."""
    if not lake.ref(summaries, [day]).days:
        return False
    told: dict[str, str] = json.loads(lake.metadata(summaries, day).get(MEMBERS, "{}"))
    return bool(told.get(table)) and told[table] == members_digest(lake, table, day)


def clustering_records(lake: Lake, table: str, day: date) -> dict[str, ClusteringRecord]:
    """The records of a snapshot by analysis; empty where the file has none or is not there."""
    if not lake.ref(table, [day]).days:
        return {}
    told: dict[str, Any] = json.loads(lake.metadata(table, day).get(RECORD, "{}"))
    return {name: ClusteringRecord(**each | {"rules": TextRules.of(each["rules"])}) for name, each in told.items()}


def required_record(lake: Lake, table: str, day: date, analysis: str = "personas") -> ClusteringRecord:
    """The record of a snapshot that must have one.

    Raises:
        MissingRecord: the file has none, or is not there.
    """
    record = clustering_records(lake, table, day).get(analysis)
    if record is None:
        found = f"a file without the record of {analysis}" if lake.ref(table, [day]).days else "no file"
        raise MissingRecord(
            f"{table} has {found} on {day}; what comes after the clusters reads its rules there: materialise {table} "
            f"for {day} again."
        )
    return record
