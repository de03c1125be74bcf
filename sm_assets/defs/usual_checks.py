"""Checks of what is usual: rows of each day, languages of posts. They warn: an unusual day may be a true one.

Here: counting days cheaply and showing them beside what is usual. Not here: what is unusual (`analysis.usual`), shares
of rejected rows (`landing_checks`), sizes of clusters (`cluster_checks`).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

import dagster as dg

from sm_assets.analysis.usual import (
    FEWEST_DAYS,
    SMALL,
    Judged,
    Mix,
    days_before,
    judged_mix,
    judged_rows,
    judged_snapshot,
)
from sm_assets.contracts import Table
from sm_assets.defs.checking import Check, Group
from sm_assets.defs.footers import footer
from sm_assets.defs.metadata import small_table
from sm_assets.sources.taken import spans
from sm_assets.storage import Lake

NOT_OVER: Final = "Days that are not over (UTC) are not judged."
_SHOWN: Final = 28
_SHOWN_OF_USUAL: Final = 7
_KINDS: Final = 10
_UNREADABLE: Final = ("und", "no_text")
# Kinds of the rows of a table, as SQL: a post without text is no post in an unknown language.
_KIND: Final = {
    "feat_post_language": "if(reason = 'no_text', 'no_text', lang)",
    "feat_account_language": "lang",
}


def rows_group(lake: Lake, table: Table) -> Group:
    """Rows of each day against what is usual; counts come from the footers of the files."""
    usual = (
        "the median of the same weekday, or of all days where there are fewer than three such, on up to 28 days before"
        if table.partition == "event"
        else "the snapshot before"
    )
    check = Check(
        table=table.name,
        name="rows_as_usual",
        holds=f"Each day has a quarter to four times the rows of {usual}; fewer than {SMALL} rows are not judged, "
        f"and below {SMALL} usual ones the limit is that of {SMALL}. {NOT_OVER}",
        what_to_do="See out_ingest_report and the files under landing/ for a file that is missing, cut short, "
        "delivered twice or of another form, put it right and materialise the days marked here again from raw on; if "
        "the number is true, nothing is to be done, and the days that follow will be compared with it.",
        warns=True,
    )

    def judge(days: list[date] | None) -> Iterator[dg.AssetCheckResult]:
        published = lake.days(table.name)
        chosen, begun = over(published if days is None else sorted(set(published) & set(days)))
        is_event = table.partition == "event"
        rows = row_counts(lake, table.name, needed_days(published, chosen, only_newest=not is_event))
        judged = [(judged_rows if is_event else judged_snapshot)(day, rows) for day in chosen if day in rows]
        yield told(check, judged, begun=begun)

    return Group((check,), judge)


def needed_days(published: Sequence[date], chosen: Iterable[date], *, only_newest: bool = False) -> list[date]:
    """`chosen` and the published days that say what is usual for them, ascending."""
    needed: set[date] = set()
    for day in chosen:
        before = [other for other in published if other < day][-1:] if only_newest else days_before(day, published)
        needed.update(before, [day])
    return sorted(needed)


def row_counts(lake: Lake, table: str, days: Iterable[date]) -> dict[date, int]:
    """Rows of each of the days whose files can be read; of others the check of the contract speaks."""
    found = ((day, footer(lake, table, day)) for day in days)
    return {day: said.rows for day, said in found if said is not None and said.rows is not None}


def over(days: Iterable[date], today: date | None = None) -> tuple[list[date], list[date]]:
    """Days that are over, and those that are not: a day that has only begun has fewer rows than usual.

    `today` (UTC) None: by the clock.
    """
    now = today or datetime.now(UTC).date()
    listed = sorted(days)
    return [day for day in listed if day < now], [day for day in listed if day >= now]


def not_judged(begun: Sequence[date]) -> dict[str, Any]:
    """Metadata that says which days are not over."""
    return {"not_judged": f"{spans(begun)}: not over yet (UTC)"} if begun else {}


def told(check: Check, judged: Sequence[Judged], unit: str = "rows", begun: Sequence[date] = ()) -> dg.AssetCheckResult:
    """The result of days beside what is usual: those that are off first, then the newest; `begun`: not judged."""
    odd = [each for each in judged if each.is_odd]
    others = [each for each in judged if not each.is_odd]
    shown = [*odd[:_SHOWN], *others[-_SHOWN_OF_USUAL:]]
    metadata: dict[str, Any] = {"days_judged": len(judged)} | not_judged(begun)
    if odd:
        metadata["days_off"] = len(odd)
    new = sum(each.usual is None for each in judged)
    if new:
        metadata["days_without_history"] = new
    metadata["days"] = small_table([_row(each, unit) for each in shown])
    return check.result(passed=not odd, **metadata)


def _row(judged: Judged, unit: str) -> dict[str, str | int]:
    ratio = judged.ratio
    return {
        "day": str(judged.day),
        unit: _number(judged.found),
        "usual": "" if judged.usual is None else _number(judged.usual),
        "ratio": "" if ratio is None else f"{ratio:.2f}",
        "compared with": judged.against,
        "is": "off" if judged.is_odd else "",
    }


def _number(value: float) -> str | int:
    if isinstance(value, int):
        return value
    return f"{value:.2%}" if value < 1 else f"{value:g}"


# -------------------------------------------------------------------- languages


def language_groups(lake: Lake, table: Table) -> list[Group]:
    """The mix of languages of each day against what is usual, of tables of languages."""
    if table.name not in _KIND:
        return []
    check = Check(
        table=table.name,
        name="languages_as_usual",
        holds="The mix of languages of each day is that of up to 28 days before: fewer than one in five would have to "
        "be of another, and und and no_text rise by less than one in ten; chance is allowed for. "
        f"{NOT_OVER}",
        what_to_do="See whether a source is new, gone or delivers its texts in another column, form or encoding (the "
        "metadata of its raw table, out_ingest_report); put it right and materialise the days marked here again from "
        "raw on; if people did change their language, nothing is to be done.",
        warns=True,
    )

    def judge(days: list[date] | None) -> Iterator[dg.AssetCheckResult]:
        published = lake.days(table.name)
        chosen, begun = over(published if days is None else sorted(set(published) & set(days)))
        counts = _kinds_by_day(lake, table.name, needed_days(published, chosen))
        mixes = [judged_mix(day, counts, _UNREADABLE) for day in chosen if counts[day]]
        odd = [mix for mix in mixes if mix.odd]
        metadata: dict[str, Any] = {"days_judged": len(mixes)} | not_judged(begun)
        if odd:
            metadata["days_off"] = small_table(
                [
                    {"day": str(mix.day), "distance": f"{mix.distance:.2f}", "found": "; ".join(mix.odd)}
                    for mix in odd[:_SHOWN]
                ]
            )
        for mix in (odd or mixes)[-1:]:
            metadata["mix"] = _mix_table(mix)
        yield check.result(passed=not odd, **metadata)

    return [Group((check,), judge)]


def _kinds_by_day(lake: Lake, table: str, days: Sequence[date]) -> dict[date, dict[str, int]]:
    counts: dict[date, dict[str, int]] = {day: {} for day in days}
    with lake.connect() as con:
        found = lake.register(con, lake.ref(table, days)).aggregate(f"day, {_KIND[table]} as kind, count(*) as n")
        for day, kind, n in found.fetchall():
            counts[day][kind] = n
    return counts


def _mix_table(mix: Mix) -> dg.MetadataValue:
    kinds = sorted({*mix.shares, *mix.usual}, key=lambda kind: (-max(_both(mix, kind)), kind))
    return small_table(
        [
            {
                "language": kind,
                f"on {mix.day}": f"{mix.shares.get(kind, 0):.1%}",
                "usual": f"{mix.usual.get(kind, 0):.1%}" if mix.usual else f"fewer than {FEWEST_DAYS} days before",
            }
            for kind in kinds[:_KINDS]
        ]
    )


def _both(mix: Mix, kind: str) -> tuple[float, float]:
    return mix.shares.get(kind, 0), mix.usual.get(kind, 0)
