"""Files that do not tell how they were made: what comes after them is refused, with what to do.

Here: membership tables without the record of their clusters, daily sums without their rules. Not here: windows of
unlike rules (`test_personas`).
"""

from __future__ import annotations

from datetime import date

import pytest

from sm_assets.analysis.text_rules import TextRules
from sm_assets.contracts import TABLES
from sm_assets.defs.account_vectors import TABLE, VectorRules, rules_of
from sm_assets.defs.clustering_record import PERSONAS, ClusteringRecord, required_record
from sm_assets.errors import MissingRecord
from sm_assets.storage import Lake

pytestmark = pytest.mark.usefixtures("no_catalogue")

DAY, NEXT = date(2024, 3, 5), date(2024, 3, 6)
TEXT_RULES = TextRules(("de",), ("post", "reply"))
RECORD = ClusteringRecord("personas", "0123456789abcdef", "fedcba9876543210", TEXT_RULES, {"size_min": 2})
RULES = VectorRules("fedcba9876543210", "0123456789abcdef", TEXT_RULES)


def publish(lake: Lake, table: str, day: date, metadata: dict[str, str]) -> None:
    """A file of no rows."""
    contract = TABLES[table]
    lake.publish(contract, contract.plain_schema.empty_table(), {day}, metadata=lambda _: metadata)


def test_clusters_without_their_record(lake: Lake) -> None:
    publish(lake, PERSONAS, DAY, {})
    with pytest.raises(MissingRecord, match=rf"a file without the record .* materialise {PERSONAS} for {DAY} again\.$"):
        required_record(lake, PERSONAS, DAY)
    with pytest.raises(MissingRecord, match=rf"no file on {NEXT}.* materialise {PERSONAS} for {NEXT} again\.$"):
        required_record(lake, PERSONAS, NEXT)
    publish(lake, PERSONAS, DAY, RECORD.metadata())
    assert required_record(lake, PERSONAS, DAY) == RECORD


def test_sums_without_their_rules(lake: Lake) -> None:
    for day in (DAY, NEXT):
        publish(lake, TABLE, day, {})
    with pytest.raises(MissingRecord, match=rf"{DAY} to {NEXT} .* materialise {TABLE} for these days again\.$"):
        rules_of(lake, [DAY, NEXT])
    # One day that tells is enough.
    publish(lake, TABLE, NEXT, RULES.metadata())
    assert rules_of(lake, [DAY, NEXT]) == RULES
