"""Storage: what breaks its contract is refused before anything is replaced; equal rows give equal bytes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from conftest import digests

from sm_assets.contracts import TABLES
from sm_assets.errors import ContractError, Unreconciled
from sm_assets.settings import Settings
from sm_assets.storage import DayFile, Lake, TableRef, day_range, day_writer

TABLE = TABLES["feat_post_language"]
DAYS = day_range(date(2021, 7, 1), date(2021, 7, 5))
ROWS = """
    select
        'facebook' as platform, 'p' || i as post_id, 'a' || (i % 7) as account_id,
        timestamp '2021-07-01 12:00:00' + to_days(cast(i % 4 as integer)) as posted_at, 'en' as lang,
        (i % 10) / 10::double as lang_prob, 'en' as best_lang, 'ok' as reason, i as n_letters, 'a model' as model,
        cast(timestamp '2021-07-01' + to_days(cast(i % 4 as integer)) as date) as day
    from range(1000) as t(i)
"""


def rows(change: str = "*") -> pa.Table:
    return duckdb.sql(f"select {change} from ({ROWS})").to_arrow_table()


def root(lake: Lake) -> Path:
    return Path(lake.root)


def unfinished(lake: Lake) -> list[str]:
    """What lies in the workspaces, the engine's own place to spill left out."""
    names = sorted(path.name for path in (root(lake) / "lake" / "_staging").iterdir())
    return [name for name in names if not name.startswith("duckdb-")]


@pytest.fixture
def filled(lake: Lake) -> Lake:
    lake.publish(TABLE, rows(), DAYS)
    return lake


def test_one_file_per_day_and_an_empty_one_for_a_day_without_rows(filled: Lake) -> None:
    assert sorted(digests(root(filled))) == [f"lake/{TABLE.name}/day={day}/part-0.parquet" for day in DAYS]
    assert filled.days(TABLE.name) == DAYS
    last = pq.ParquetFile(filled.file(TABLE.name, DAYS[4]))
    assert last.metadata.num_rows == 0
    assert last.schema_arrow.equals(TABLE.file_schema, check_metadata=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("* replace (case when post_id != 'p7' then post_id end as post_id)", "1 nulls in post_id"),
        ("* replace ('p1' as post_id)", r"4 keys \(platform, post_id\) occur more than once"),
        ("* replace ('myspace' as platform)", "1000 rows break platform/allowed"),
        ("* replace (lang_prob + 0.5 as lang_prob)", "rows break lang_prob/allowed"),
        ("* replace (cast(null as date) as day)", "1000 rows without a day"),
        ("* replace (cast(posted_at as varchar) as posted_at)", "has posted_at as VARCHAR, not TIMESTAMP"),
        ("* exclude (lang)", "the data lacks lang"),
        ("*, 1 as likes", "has likes, which the contract does not know"),
        ("* replace (day - 1 as day)", "rows lie on 2021-06-30, outside"),
    ],
)
def test_a_breach_is_refused_before_anything_is_replaced(filled: Lake, change: str, message: str) -> None:
    before = digests(root(filled))
    with pytest.raises(ContractError, match=message):
        filled.publish(TABLE, rows(change), DAYS)
    assert digests(root(filled)) == before
    assert not unfinished(filled)


def test_rows_that_do_not_add_up_are_refused(filled: Lake) -> None:
    before = digests(root(filled))
    with pytest.raises(Unreconciled, match=r"1000 rows, but the counts .* leave 999"):
        filled.publish(TABLE, rows(), DAYS, expected_rows=999)
    assert digests(root(filled)) == before


def test_equal_rows_give_equal_bytes_whatever_their_order_and_batches(
    filled: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digests(root(filled))
    filled.publish(TABLE, duckdb.sql(f"select * from ({ROWS}) order by random()").to_arrow_table(), DAYS)
    assert digests(root(filled)) == before
    cut = rows("lang, * exclude (lang)").to_reader(max_chunksize=7)
    filled.publish(TABLE, cut, DAYS)
    assert digests(root(filled)) == before
    monkeypatch.setattr(day_writer, "ROW_GROUP", 64)
    filled.publish(TABLE, rows(), DAYS)
    small = digests(root(filled))
    filled.publish(TABLE, rows().to_reader(max_chunksize=11), DAYS)
    assert digests(root(filled)) == small


def test_a_relation_streams_through(filled: Lake) -> None:
    before = digests(root(filled))
    with filled.connect() as con:
        published = filled.publish(TABLE, filled.register(con, filled.ref(TABLE.name)), DAYS)
    assert published.total == 1000
    assert dict(published.rows) == {day: 250 if day != DAYS[4] else 0 for day in DAYS}
    assert digests(root(filled)) == before


def test_days_outside_the_run_stay_as_they_are(filled: Lake) -> None:
    before = digests(root(filled))
    filled.publish(TABLE, rows().slice(0, 0), DAYS[:1])
    after = digests(root(filled))
    assert {path for path in before if before[path] != after[path]} == {
        f"lake/{TABLE.name}/day={DAYS[0]}/part-0.parquet"
    }


def test_references_name_published_days_only(filled: Lake) -> None:
    assert filled.ref(TABLE.name, day_range(date(2021, 6, 1), date(2021, 7, 2))) == TableRef(
        TABLE.name, tuple(DAYS[:2])
    )
    with filled.connect() as con:
        none = filled.register(con, filled.ref(TABLE.name, []))
        assert none.columns == list(TABLE.column_names)
        assert none.fetchall() == []


def test_no_more_than_a_row_group_is_held(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(day_writer, "ROW_GROUP", 100)
    held: list[int] = []
    flush = DayFile.flush

    def watched(file: DayFile) -> None:
        held.append(sum(batch.num_rows for batch in file._pending))
        flush(file)

    monkeypatch.setattr(DayFile, "flush", watched)
    lake.publish(TABLE, rows(), DAYS)
    assert max(held) == 100
    assert pq.ParquetFile(lake.file(TABLE.name, DAYS[0])).num_row_groups == 3


def test_other_readers_find_day_in_the_folder(filled: Lake) -> None:
    folder = filled.path("lake", TABLE.name)
    assert pq.read_table(folder).num_rows == 1000
    assert "day" in ds.dataset(folder, partitioning="hive").schema.names
    assert duckdb.sql(f"select distinct day from read_parquet('{folder}/*/*.parquet') order by 1").fetchall() == [
        (day,) for day in DAYS[:4]
    ]


def test_the_catalogue_holds_described_views_and_follows_new_tables(filled: Lake) -> None:
    path = filled.path("catalog.duckdb")
    with duckdb.connect(path, read_only=True) as con:
        assert con.sql(f"select count(*), min(day) from {TABLE.name}").fetchall() == [(1000, DAYS[0])]
        about = con.sql("select view_name, comment from duckdb_views() where not internal").fetchall()
        assert about == [(TABLE.name, f"{TABLE.description} One row: {TABLE.grain}.")]
    stamp = Path(path).stat().st_ino
    filled.publish(TABLE, rows(), DAYS)
    assert Path(path).stat().st_ino == stamp, "nothing new: not rebuilt"
    filled.publish(
        TABLES["raw_crowdtangle__rejects"], TABLES["raw_crowdtangle__rejects"].schema.empty_table(), DAYS[:1]
    )
    with duckdb.connect(path, read_only=True) as con:
        assert len(con.sql("select 1 from duckdb_views() where not internal").fetchall()) == 2


def test_workspaces_of_the_living_stay_and_of_the_dead_go(lake: Lake) -> None:
    code = (
        "import os, sys\nfrom sm_assets.settings import Settings\nfrom sm_assets.storage import Lake\n"
        "with Lake(Settings(data_root=sys.argv[1])).workspace('doomed') as folder:\n"
        "    (folder / 'half.parquet').write_bytes(b'half')\n    print(folder, flush=True)\n    sys.stdin.read()\n    "
        "os.abort()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, lake.root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        folder = Path(child.stdout.readline().strip())
        assert lake.sweep() == []
        assert (folder / "half.parquet").exists()
        child.kill()
    assert lake.sweep() == [folder.name]
    assert list(folder.parent.iterdir()) == []


@pytest.fixture
def remote() -> Iterator[Lake]:
    lake = Lake(Settings(data_root="memory://bucket/lake-root", threads=1))
    yield lake
    lake.fs.rm("/bucket", recursive=True)


def test_an_object_store_takes_the_same_path(remote: Lake) -> None:
    published = remote.publish(TABLE, rows(), DAYS)
    assert published.total == 1000
    assert remote.days(TABLE.name) == DAYS
    with remote.connect() as con:
        assert remote.register(con, remote.ref(TABLE.name)).aggregate("count(*), max(day)").fetchall() == [
            (1000, DAYS[3])
        ]
    with pytest.raises(ContractError):
        remote.publish(TABLE, rows("* replace ('x' as platform)"), DAYS)
