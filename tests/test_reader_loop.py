"""A reader of catalog.duckdb while 90 days are replaced again and again: no error, no missing day, no half day."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import cycle
from pathlib import Path

import duckdb
import pytest
from workers import Worker

QUERIES = 1_000
# A BI tool keeps its connection for a while; a script opens one for each question.
PER_CONNECTION = 25
FIRST = date(2024, 1, 1)
DAYS = {FIRST + timedelta(days=n) for n in range(90)}
TABLES = ("core_post_deliveries", "feat_post_language", "feat_audience_sizes")
# Every row says which version of its day it belongs to, and how many rows that day has in this version.
PROGRAM = """
days = day_range(date(2024, 1, 1), date(2024, 3, 30))
assert len(days) == 90
rows = '''
    select 'facebook' as platform, day, 20 + (dayofyear(day) + 7 * {version}) % 11 as planted, {version} as version, i
    from range(31) as t(i), (select date '2024-01-01' + cast(n as integer) as day from range(90) as u(n))
    where i < 20 + (dayofyear(day) + 7 * {version}) % 11
'''
selects = {
    'core_post_deliveries': "platform, 'p' || i as post_id, 'v' || version as delivery, planted as files_count, day",
    'feat_post_language': "platform, 'p' || i as post_id, 'a' || i as account_id, day + interval 1 hour as posted_at, "
        "'v' || version as lang, 0.5::double as lang_prob, 'v' || version as best_lang, 'ok' as reason, "
        "planted as n_letters, 'a model' as model, day",
    'feat_audience_sizes': "platform, 'v' || version || '-' || i as account_id, planted as n_followers, "
        "planted as n_days, day",
}

def backfill(version, days):
    for name, columns in selects.items():
        data = duckdb.sql(f'select {columns} from ({rows.format(version=version)}) '
            f"where day between date '{days[0]}' and date '{days[-1]}'").to_arrow_table()
        lake.publish(TABLES[name], data, days)
"""
WHOLE = """
    select day, count(*) as rows, min({planted}) as least, max({planted}) as most, count(distinct {version}) as versions
    from {table} group by day order by day
"""
QUESTIONS = {
    "core_post_deliveries": WHOLE.format(table="core_post_deliveries", planted="files_count", version="delivery"),
    "feat_post_language": WHOLE.format(table="feat_post_language", planted="n_letters", version="lang"),
    "feat_audience_sizes": WHOLE.format(
        table="feat_audience_sizes", planted="n_followers", version="split_part(account_id, '-', 1)"
    ),
    # Each side of a join is read once, by itself: one day may be new on one side and old on the other, never half.
    "join": """
        select day, count(*), least(any_value(files_count), any_value(n_letters)) as least, least as most, 1 as versions
        from core_post_deliveries inner join feat_post_language using (platform, post_id, day) group by day
    """,
    "strings": """
        select day, count(*) filter (lang like 'v%' and best_lang = lang and model = 'a model'), min(n_letters),
            max(n_letters), count(distinct best_lang) from feat_post_language group by day
    """,
    "latest": """
        select day, count(*), min(n_followers), max(n_days), 1 from feat_audience_sizes_latest group by day
    """,
}


@pytest.mark.slow
def test_a_reader_never_sees_an_error_a_missing_day_or_half_a_day(tmp_path: Path) -> None:
    root = tmp_path / "data"
    stop = tmp_path / "stop"
    seen: dict[str, set[date]] = {name: set() for name in QUESTIONS}
    versions: Counter[int] = Counter()
    with Worker(str(root)) as worker:
        assert worker.run(PROGRAM) == "done"
        assert worker.run("backfill(0, days[:30])") == "done"
        # The rest of the 90 days comes while the reader reads; then all of them are made again, until it has enough.
        worker.start(
            f"""
import itertools, pathlib
backfill(0, days[30:60])
backfill(0, days[60:])
for version in itertools.count(1):
    backfill(version, days)
    if pathlib.Path({str(stop)!r}).exists():
        break
"""
        )
        questions = cycle(QUESTIONS.items())
        asked = 0
        while asked < QUERIES or len(versions) < 4:
            assert worker.is_silent(), f"the writer ended: {worker.hear()}"
            with duckdb.connect(str(root / "catalog.duckdb"), read_only=True) as con:
                con.execute("set threads = 1")
                for _ in range(PER_CONNECTION):
                    name, sql = next(questions)
                    check(name, con.sql(sql).fetchall(), seen[name])
                    asked += 1
                found = con.sql("select distinct delivery from core_post_deliveries").fetchall()
                versions.update(int(text[1:]) for (text,) in found)
        stop.touch()
        assert worker.hear() == "done"
    assert all(days == DAYS for name, days in seen.items() if name != "latest")
    assert seen["latest"] == {max(DAYS)}
    assert asked >= QUERIES


def check(name: str, found: list[tuple[date, int, int, int, int]], seen: set[date]) -> None:
    days = {row[0] for row in found}
    if name == "latest":
        # The newest day that a reader has seen before may be followed by a newer one, not by an older.
        assert len(days) == 1
        assert min(days) >= max(seen, default=FIRST)
        seen.clear()
    else:
        assert seen <= days, f"{name}: {sorted(seen - days)} were there before"
    seen |= days
    for day, rows, least, most, versions in found:
        assert rows == least == most, f"{name}: {rows} rows on {day}, {least} to {most} were published together"
        assert versions == 1, f"{name}: {versions} versions of {day}"
