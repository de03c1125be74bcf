"""Days whose follow keys or sketches still hold follows that were withdrawn.

Here: finding them. Not here: making them again (job `rebuild_follows`), counting what is pending per account
(`audience_snapshots`).
"""

from __future__ import annotations

from datetime import date

from sm_assets.contracts.sketches import MADE_FROM
from sm_assets.defs.audience_inputs import AUDIENCES, FOLLOWS, KEYS, SKETCHES, TOMBSTONES
from sm_assets.defs.sql import RUN_SETTINGS, input_file, prepare
from sm_assets.storage import DIGEST, Lake, TableRef, select


def days_with_withdrawn_follows(lake: Lake) -> list[date]:
    """Days to make again, ascending.

    Those whose follows hold withdrawn ones, whose keys were made from other follows than are there now, or whose
    sketches were made from other keys.
    """
    keys = lake.days(KEYS)
    return sorted({*_behind(lake, KEYS, FOLLOWS, keys), *_behind(lake, SKETCHES, KEYS, keys), *_standing(lake)})


def _behind(lake: Lake, table: str, source: str, days: list[date]) -> list[date]:
    made, sources = set(lake.days(table)), set(lake.days(source))

    def digest(name: str, key: str, day: date) -> str | None:
        return lake.metadata(name, day).get(key)

    return [
        day
        for day in days
        if day not in made or (day in sources and digest(table, MADE_FROM, day) != digest(source, DIGEST, day))
    ]


def _standing(lake: Lake) -> list[date]:
    """Days of core_follows that hold a follow that is withdrawn."""
    days = lake.days(FOLLOWS)
    if not days or not lake.has_files(TOMBSTONES):
        return []
    with lake.connect() as con:
        path = input_file(f"{AUDIENCES}_withdrawals")
        prepare(con, lake, path, [lake.ref(TOMBSTONES)], days)
        hit = {row[1] for row in con.sql(path.read_text(encoding="utf-8")).fetchall()}
        # A withdrawn account takes its follows of all days along.
        ref = TableRef(FOLLOWS, tuple(days if None in hit else [day for day in days if day in hit]))
        if not ref.days:
            return []
        path = input_file(f"{AUDIENCES}_withdrawn")
        prepare(con, lake, path, [ref], days)
        everybody = f"select distinct platform, followed_account_id as account_id from {FOLLOWS}"
        con.execute(f"create or replace temp view {RUN_SETTINGS} as {everybody}")
        hits = con.sql(path.read_text(encoding="utf-8"))
        return [day for (day,) in select(hits, "hits", "select distinct day from hits order by day").fetchall()]
