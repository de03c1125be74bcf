"""The one-shot tool: equal to the original program in compat mode, and right where that one dies.

The goldens are results of jdallen83/sm_content_clustering on synthetic inputs; they and the small edge cases lie in
the sample data.
"""

from __future__ import annotations

import csv
import io
import math
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from small_exports import FILL, HEADER, PAIR, golden, pair_of, write

from sm_assets import cluster_pages
from sm_assets.errors import InputError, OptionError
from sm_assets.oneshot import Options, Outcome, run
from sm_assets.oneshot.result_files import csv_text

pytestmark = pytest.mark.filterwarnings("error")

COLUMNS = [
    "cluster_id",
    "cluster_seed",
    "cluster_size",
    "cluster_score",
    "title",
    "nameid",
    "followers",
    "total_interactions",
    "num_posts",
    "coverage_within_cluster",
    "pmi_with_seed",
    "npmi_with_seed",
    "dnpmi_with_seed",
    "dnpmi_cov",
    "country",
    "name",
    "url",
]
EXACT = {"cluster_id", "cluster_size", "followers", "total_interactions", "num_posts"}


def rows_of(table: pa.Table) -> list[list[str]]:
    return list(csv.reader(io.StringIO(csv_text(table))))


def assert_equal_csv(found: list[list[str]], expected: list[list[str]]) -> None:
    """Same columns, rows and order; integers and texts exact, floats to 1e-12."""
    header = expected[0]
    assert found[0] == header
    assert len(found) == len(expected)
    for number, (mine, theirs) in enumerate(zip(found[1:], expected[1:], strict=True)):
        for name, a, b in zip(header, mine, theirs, strict=True):
            same = a == b
            if not same and name not in EXACT and a and b:
                try:
                    same = math.isclose(float(a), float(b), rel_tol=1e-12)
                except ValueError:
                    same = False
            assert same, f"row {number}, {name}: {a!r} is not {b!r}"


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("inputs", "expected", "options"),
    [
        ("in_200", "out_200", {}),
        ("in_1k", "out_1k", {}),
        ("in_1k", "out_1k_t0.1_f1.5", {"min_threshold": 0.1, "second_cluster_factor": 1.5}),
        ("in_200", "out_200_lang", {"add_language": True}),
        ("in_1k", "out_1k_lang", {"add_language": True}),
    ],
)
def test_compat_equals_the_original(shared_data: Path, inputs: str, expected: str, options: dict[str, Any]) -> None:
    folder = shared_data / "cosharing"
    table = cluster_pages(sorted((folder / inputs).glob("ct_*.csv")), method="seeded", content_mode="compat", **options)
    assert_equal_csv(rows_of(table), golden(folder / f"{expected}.csv"))


# ---------------------------------------------------------------------------------------------------------- edge cases


@pytest.fixture
def edge(shared_data: Path) -> Path:
    return shared_data / "cosharing" / "edge"


def seeded(paths: Path | Iterable[Path], mode: str = "compat", **options: Any) -> Outcome:
    return run(
        [paths] if isinstance(paths, Path) else list(paths), Options(method="seeded", content_mode=mode, **options)
    )


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["basic", "bom", "url_norm", "www_fb_link", "order_ok", "aggregator"])
def test_edge_cases_that_the_original_can_do(edge: Path, name: str) -> None:
    assert_equal_csv(rows_of(seeded(edge / f"{name}.csv").table), golden(edge / f"{name}.out.csv"))


@pytest.mark.shared_data
def test_a_file_given_twice(edge: Path) -> None:
    twice = [edge / "basic.csv"] * 2
    assert_equal_csv(rows_of(seeded(twice).table), golden(edge / "dup_file.out.csv"))
    once = seeded(twice, "canonical", min_text_chars=0)
    assert_equal_csv(rows_of(once.table), golden(edge / "basic.out.csv"))
    assert any("duplicate_file" in notice for notice in once.report.notices)


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["no_clusters", "seed_needs_4", "order_dependence", "header_only"])
def test_nothing_found_is_a_header_and_a_notice(edge: Path, name: str) -> None:
    outcome = seeded(edge / f"{name}.csv")
    assert rows_of(outcome.table) == [COLUMNS]
    assert any("no clusters" in notice for notice in outcome.report.notices)


@pytest.mark.shared_data
def test_one_account_has_nothing_to_be_compared_with(edge: Path) -> None:
    for mode in ("compat", "canonical"):
        outcome = seeded(edge / "single_page.csv", mode, min_text_chars=0)
        assert rows_of(outcome.table) == [COLUMNS]
        assert "1 account: nothing to compare" in outcome.report.notices


@pytest.mark.shared_data
def test_everything_shared(edge: Path) -> None:
    outcome = seeded(edge / "all_shared.csv")
    rows = outcome.table.to_pylist()
    assert [
        (r["cluster_id"], r["cluster_seed"], r["nameid"], r["npmi_with_seed"], r["pmi_with_seed"]) for r in rows
    ] == [
        (0, "a", "a", 1.0, 0.0),
        (0, "a", "b", 1.0, 0.0),
    ]
    assert rows[1]["dnpmi_with_seed"] == pytest.approx(0.7768698398515702, rel=1e-12)
    assert any("no_background" in notice for notice in outcome.report.notices)


@pytest.mark.shared_data
def test_case_is_a_difference_in_compat_only(edge: Path) -> None:
    assert seeded(edge / "case.csv").table.num_rows == 0
    for method in ("seeded", "linkage"):
        outcome = run([edge / "case.csv"], Options(method=method, min_text_chars=0))
        assert set(outcome.table.column("nameid").to_pylist()) == {"a", "b"}


@pytest.mark.shared_data
@pytest.mark.parametrize("mode", ["compat", "canonical"])
def test_a_missing_column_is_read_as_empty(edge: Path, mode: str) -> None:
    outcome = seeded(edge / "missing_col.csv", mode, min_text_chars=0)
    assert any("missing columns" in notice and "Image Text" in notice for notice in outcome.report.notices)
    assert outcome.report.accepted == 36


@pytest.mark.shared_data
@pytest.mark.parametrize("mode", ["compat", "canonical"])
def test_fractions_are_no_counts(edge: Path, mode: str) -> None:
    outcome = seeded(edge / "float_int.csv", mode)
    assert outcome.report.warnings["total_interactions:bad_integer"] == 6
    assert outcome.report.accepted == 36


@pytest.mark.shared_data
@pytest.mark.parametrize("mode", ["compat", "canonical"])
def test_addresses_that_cannot_be_parsed_stay_text(edge: Path, mode: str) -> None:
    assert seeded(edge / "bad_ipv6.csv", mode).report.warnings["link:bad_url"] == 6


@pytest.mark.shared_data
@pytest.mark.parametrize("mode", ["compat", "canonical"])
def test_windows_1252(edge: Path, mode: str) -> None:
    outcome = seeded(edge / "latin1.csv", mode, min_text_chars=0)
    assert any("Windows-1252" in notice for notice in outcome.report.notices)
    assert_equal_csv(rows_of(outcome.table), golden(edge / "basic.out.csv"))


@pytest.mark.shared_data
def test_words_for_missing_are_words_in_canonical(edge: Path) -> None:
    assert seeded(edge / "na_strings.csv").report.accounts == 2
    outcome = seeded(edge / "na_strings.csv", "canonical", min_text_chars=0)
    assert outcome.report.accounts == 3
    assert {"a", "nan"} <= set(outcome.unplaced.column("nameid").to_pylist())


@pytest.mark.shared_data
def test_rows_of_nobody(edge: Path) -> None:
    compat = seeded(edge / "empty_user_and_id.csv")
    assert (compat.report.accepted, compat.report.warnings["account:no_account"]) == (42, 6)
    canonical = seeded(edge / "empty_user_and_id.csv", "canonical", min_text_chars=0)
    assert canonical.report.rejected == {"no_account": 6}
    assert (canonical.report.rows, canonical.report.accepted) == (42, 36)
    assert [reject["line"] for reject in canonical.report.rejects] == [2, 3, 4, 5, 6, 7]


@pytest.mark.shared_data
def test_linkage_does_not_depend_on_the_visiting_order(edge: Path) -> None:
    for name in ("order_dependence", "order_ok"):
        table = cluster_pages(edge / f"{name}.csv", content_mode="compat")
        assert set(table.column("nameid").to_pylist()) == {"a", "b"}
        assert set(table.column("cluster_id").to_pylist()) == {0}
    rows = cluster_pages(edge / "aggregator.csv", content_mode="compat").to_pylist()
    place = {row["nameid"]: row["cluster_id"] for row in rows}
    assert place.get("seeda", "x") != place.get("seedb", "y")


# ------------------------------------------------------------------------------------------------------------- options


@pytest.mark.parametrize("method", ["linkage", "seeded"])
@pytest.mark.parametrize("mode", ["canonical", "compat"])
def test_a_clear_pair_is_found(tmp_path: Path, method: str, mode: str) -> None:
    outcome = run([write(tmp_path / "x.csv", HEADER + PAIR + FILL)], Options(method=method, content_mode=mode))
    assert pair_of(outcome) == {"a", "b"}
    assert outcome.report.rows == outcome.report.accepted == 42
    appended = ["membership_score", "second_score"] if method == "linkage" else []
    assert outcome.table.column_names == [*COLUMNS, *appended]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "magic"}, "expected one of linkage, seeded"),
        ({"content_mode": "exact"}, "canonical, compat"),
        ({"min_threshold": 1.5}, "from 0 to 1"),
        ({"min_threshold": math.nan}, "from 0 to 1"),
        ({"second_cluster_factor": -1}, "at least 0"),
        ({"second_cluster_factor": math.inf}, "at least 0"),
        ({"content_cols": ["Message"]}, "compat only"),
        ({"content_cols": ["Nope"], "content_mode": "compat"}, "unknown columns Nope"),
        ({"ft_model_path": "/nowhere/model.ftz"}, "no such language model"),
        ({"ft_model_path": __file__, "add_language": True}, "is not a fastText model"),
    ],
)
def test_unusable_options(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        cluster_pages(write(tmp_path / "x.csv", HEADER + PAIR), **options)


def test_unusable_inputs(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "none.csv", "no such file"), (tmp_path, "is a folder"),
        (write(tmp_path / "a.csv", "x,y\n1,2\n"), "no account column"),
        (write(tmp_path / "c.csv", "User Name,y\n1,2\n"), "no content column"),
        (write(tmp_path / "z.csv", b"PK\x03\x04rest"), "archive"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=message):
            cluster_pages(path)
    with pytest.raises(InputError, match="no input file"):
        cluster_pages([])
    with pytest.raises(OptionError, match="does not exist"):
        cluster_pages(write(tmp_path / "x.csv", HEADER + PAIR), outfile=tmp_path / "no" / "out.csv")


def test_zero_is_a_value(tmp_path: Path) -> None:
    text = HEADER + PAIR.replace("of both", "of a", 5) + FILL
    one_shared = write(tmp_path / "x.csv", text)
    assert cluster_pages(one_shared, method="seeded", content_mode="compat", min_threshold=0.0).num_rows == 2
    assert cluster_pages(one_shared, method="seeded", content_mode="compat", min_threshold=0.9).num_rows == 0


def test_content_columns_can_be_chosen(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", HEADER + PAIR + FILL)
    whole = cluster_pages(path, method="seeded", content_mode="compat")
    chosen = cluster_pages(path, method="seeded", content_mode="compat", content_cols=["Message"])
    assert whole.equals(chosen)
    assert cluster_pages(path, method="seeded", content_mode="compat", content_cols=["Link"]).num_rows == 0


def test_contents_that_make_the_work_heavy_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "x.csv", HEADER + PAIR + FILL)
    for mode in ("compat", "canonical"):
        quiet = run([path], Options(method="seeded", content_mode=mode))
        assert not any("heavy" in notice for notice in quiet.report.notices)
        monkeypatch.setattr("sm_assets.analysis.seeded.HEAVY_STEPS", 5)
        notices = run([path], Options(method="seeded", content_mode=mode)).report.notices
        (notice,) = (text for text in notices if text.startswith("heavy"))
        assert notice.startswith("heavy: up to 6 comparisons")
        assert notice.count("2 accounts carry 'This is the common message number") == 3
        monkeypatch.undo()


def test_result_files(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", HEADER + PAIR + FILL)
    table = cluster_pages(path, outfile=tmp_path / "out.parquet")
    assert pa.parquet.read_table(tmp_path / "out.parquet").equals(table)
    cluster_pages(path, outfile=tmp_path / "out.csv")
    assert golden(tmp_path / "out.csv") == rows_of(table)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.csv", "out.parquet", "x.csv"]


def test_neither_dagster_nor_a_model_is_loaded(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", HEADER + PAIR + FILL)
    code = (
        "import sys, sm_assets\n"
        f"assert sm_assets.cluster_pages({str(path)!r}).num_rows == 2\n"
        "heavy = 'dagster torch sklearn pandas fasttext duckdb scipy matplotlib'.split()\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "rows", "accounts"),
    [
        ("2021-07-05-22-49-20-BRT-search-csv-export.csv", 10, 10), ("db1_rows_with_genocide.csv", 2203, 17),
        ("db2_rows_with_genocide.csv", 382, 61),
    ],
)  # fmt: skip
def test_real_exports(shared_data: Path, name: str, rows: int, accounts: int) -> None:
    report = run([shared_data / "crowdtangle" / name], Options()).report
    assert (report.rows, report.accepted, report.accounts) == (rows, rows, accounts)
    assert sum(report.statuses.values()) == accounts
