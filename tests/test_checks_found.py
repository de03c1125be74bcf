"""What the checks of published tables find: planted breaks, near misses, and what a failure tells whoever reads it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from cluster_lake import publish
from conftest import digests, some_posts, write_export

from sm_assets.contracts import TABLES, Table
from sm_assets.defs import sql_checks
from sm_assets.defs.checking import Check, Group
from sm_assets.defs.cluster_checks import size_groups
from sm_assets.defs.landing_checks import landing_checks
from sm_assets.defs.run import materialise_range
from sm_assets.defs.sql_checks import blocking_group
from sm_assets.defs.usual_checks import language_groups, over, rows_group
from sm_assets.settings import Settings
from sm_assets.storage import Lake, Published

DAY = date(2024, 3, 20)


def days_to(last: date, n: int) -> list[date]:
    return [last - timedelta(days=k) for k in reversed(range(n))]


def judged(group: Group, days: list[date] | None, name: str = "") -> dg.AssetCheckResult:
    """The one result of a group, or the named one."""
    found = [result for result in group.judge(days) if name in ("", result.check_name)]
    assert len(found) == 1
    return found[0]


def shown(result: dg.AssetCheckResult, entry: str) -> list[dict[str, Any]]:
    """Rows of a metadata table, whichever way it is kept."""
    value = (result.metadata or {})[entry]
    if isinstance(value, dg.TableMetadataValue):
        return [dict(record.data) for record in value.records]
    assert isinstance(value, dg.MarkdownMetadataValue)
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in str(value.value).splitlines()]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[2:]]


def tells_what_to_do(result: dg.AssetCheckResult) -> bool:
    metadata = result.metadata or {}
    return not result.passed and str(metadata["what_to_do"].value) == result.description != ""


# ------------------------------------------------------------------------- rows


def with_rows(lake: Lake, table: str, rows: Mapping[date, int], **more: Any) -> None:
    columns = TABLES[table].by_name
    names = [name for name in TABLES[table].sort_key if columns[name].type == "text" and not columns[name].allowed]
    many = [
        dict.fromkeys(names, f"{day} {n}") | {"platform": "bluesky", "day": day} | more
        for day, count in rows.items()
        for n in range(count)
    ]
    publish(lake, table, many, rows)


def test_a_drop_and_a_file_taken_in_fivefold_are_told(lake: Lake) -> None:
    days = days_to(DAY, 12)
    with_rows(lake, "core_tombstones", dict.fromkeys(days, 60) | {days[-4]: 0, days[-2]: 300})
    result = judged(rows_group(lake, TABLES["core_tombstones"]), days)
    assert tells_what_to_do(result)
    assert result.severity == dg.AssetCheckSeverity.WARN
    found = shown(result, "days")
    assert [row["day"] for row in found if row["is"] == "off"] == [str(days[-4]), str(days[-2])]
    assert {row["day"]: (int(row["rows"]), row["usual"], row["ratio"]) for row in found}[str(days[-2])] == (
        300,
        "60",
        "5.00",
    )
    assert found[-1]["compared with"] == "11 days before"
    # A run of another day does not repeat it.
    assert judged(rows_group(lake, TABLES["core_tombstones"]), days[-1:]).passed
    assert not judged(rows_group(lake, TABLES["core_tombstones"]), None).passed


def test_ordinary_days_pass(lake: Lake) -> None:
    days = days_to(DAY, 5)
    with_rows(lake, "core_tombstones", dict(zip(days, (60, 5, 100, 20, 150), strict=True)))
    result = judged(rows_group(lake, TABLES["core_tombstones"]), days)
    assert (result.passed, result.description) == (True, None)
    assert result.metadata is not None
    assert result.metadata["days_without_history"].value == 3
    assert judged(rows_group(lake, TABLES["core_posts"]), days).passed, "nothing is published"


def test_a_day_that_is_not_over_is_not_judged(lake: Lake) -> None:
    today = datetime.now(UTC).date()
    group = rows_group(lake, TABLES["core_posts"])
    before = days_to(today - timedelta(days=1), 10)
    with_rows(lake, "core_posts", dict.fromkeys(before, 400) | {today: 3, today + timedelta(days=1): 3})
    result = judged(group, None)
    assert result.passed
    assert "not over" in str((result.metadata or {})["not_judged"].value)
    assert str(today) in str((result.metadata or {})["not_judged"].value)
    # The same rows on a day that is over are told.
    with_rows(lake, "core_posts", dict.fromkeys(before[:-1], 400) | {before[-1]: 3})
    result = judged(group, [before[-1]])
    assert not result.passed
    assert "not_judged" not in (result.metadata or {})
    assert over([today, before[-1]], before[-1]) == ([], [before[-1], today])


def test_snapshots_are_compared_with_the_one_before(lake: Lake) -> None:
    week = timedelta(days=7)
    with_rows(lake, "out_personas", {DAY - 2 * week: 100, DAY - week: 200, DAY: 20}, status="too_few_texts")
    group = rows_group(lake, TABLES["out_personas"])
    assert judged(group, [DAY - 2 * week, DAY - week]).passed
    result = judged(group, [DAY])
    assert not result.passed
    assert shown(result, "days")[0]["compared with"] == f"snapshot of {DAY - week}"


# -------------------------------------------------------------------- languages


def with_languages(lake: Lake, days: Iterable[date], **counts: int) -> None:
    publish(
        lake,
        "feat_post_language",
        [
            {
                "platform": "bluesky",
                "post_id": f"{day} {kind} {n}",
                "lang": "und" if kind == "no_text" else kind,
                "reason": "no_text" if kind == "no_text" else "low_prob" if kind == "und" else "ok",
                "day": day,
            }
            for day in days
            for kind, count in counts.items()
            for n in range(count)
        ],
        days,
    )


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({"en": 150, "de": 40, "und": 10}, ""),
        ({"en": 130, "de": 60, "und": 10}, ""),
        ({"en": 30, "de": 160, "und": 10}, "are of other kinds than usual"),
        ({"en": 90, "de": 30, "und": 80}, "und rose from 5% to 40%"),
        ({"no_text": 200}, "no_text rose from 0% to 100%"),
        ({"de": 40}, ""),
    ],
)
def test_another_mix_of_languages_is_told(lake: Lake, counts: dict[str, int], told: str) -> None:
    days = days_to(DAY, 4)
    with_languages(lake, days[:-1], en=150, de=40, und=10)
    with_languages(lake, days[-1:], **counts)
    (group,) = language_groups(lake, TABLES["feat_post_language"])
    result = judged(group, days)
    assert result.passed == (told == "")
    mix = {row["language"]: row for row in shown(result, "mix")}
    if told:
        assert tells_what_to_do(result)
        assert told in shown(result, "days_off")[0]["found"]
        assert mix["en"]["usual"] == "75.0%"
        assert mix["en"][f"on {DAY}"] == f"{counts.get('en', 0) / 2:.1f}%"


# --------------------------------------------------------------------- clusters


def clustered(lake: Lake, table: str, column: str, sizes: Iterable[Any], in_none: int, **none: Any) -> None:
    rows = [
        {"platform": "bluesky", "account_id": f"{number} {n}", column: f"c{number}" if text else number}
        | {"status": "member"}
        for text in [TABLES[table].by_name[column].type == "text"]
        for number, size in enumerate(sizes)
        for n in range(size)
    ]
    rows += [{"platform": "bluesky", "account_id": f"none {n}", "status": "noise"} | none for n in range(in_none)]
    if "model" in TABLES[table].by_name:
        rows = [row | {"model": "kmeans"} for row in rows]
    publish(lake, table, [row | {"day": DAY} for row in rows], [DAY])


@pytest.mark.parametrize(
    ("table", "column", "none"),
    [
        ("out_personas", "persona_id", {}),
        ("out_profile_clusters", "cluster_id", {}),
        ("out_cosharing_members", "cluster_id", {"status": "weak"}),
        ("out_audience_members", "community_id", {"status": "isolated"}),
    ],
)
def test_clusters_that_set_nobody_apart_are_told(lake: Lake, table: str, column: str, none: dict[str, str]) -> None:
    (group,) = size_groups(lake, TABLES[table])
    for sizes, in_none, told in [
        ((20, 20, 20), 30, ""),
        ((90, 5), 0, "one cluster holds 94.7%"),
        ((3, 3), 94, "94.0% are in no cluster"),
        ((1,) * 60, 0, "most hold one"),
        ((20,), 20, ""),
    ]:
        clustered(lake, table, column, sizes, in_none, **none)
        result = judged(group, [DAY])
        (row,) = shown(result, "clusterings")
        assert (int(row["clusters"]), int(row["items"])) == (len(sizes), sum(sizes) + in_none)
        assert (result.passed, told in row["found"]) == (told == "", True)
        assert result.passed or (tells_what_to_do(result) and result.severity == dg.AssetCheckSeverity.WARN)


def test_accounts_that_share_nothing_are_not_left_out_of_networks(lake: Lake) -> None:
    clustered(lake, "out_cosharing_members", "cluster_id", (10, 10), 900, status="unshared")
    (group,) = size_groups(lake, TABLES["out_cosharing_members"])
    assert judged(group, [DAY]).passed


def test_each_clustering_of_hashtags_is_judged_for_itself(lake: Lake) -> None:
    tags = [
        {"scope_kind": kind, "scope": scope, "unit": "hashtag", "tag": f"t{n}", "cluster_id": cluster, "day": DAY}
        for kind, scope, n_clusters in (("all", "all", 3), ("delivery", "donor 1", 1))
        for n in range(60)
        for cluster in [n % n_clusters]
    ]
    publish(lake, "out_hashtag_clusters", tags, [DAY])
    (group,) = size_groups(lake, TABLES["out_hashtag_clusters"])
    (row,) = shown(judged(group, [DAY]), "clusterings")
    assert row["clustering"] == "hashtags:delivery:donor 1"
    assert "one and the same" in row["found"]


# --------------------------------------------------------- withdrawn, blocking


def test_a_withdrawn_member_of_a_snapshot_blocks(lake: Lake) -> None:
    clustered(lake, "out_personas", "persona_id", (3, 2), 0)
    group = blocking_group(lake, TABLES["out_personas"])
    assert judged(group, [DAY]).passed
    gone = {"platform": "bluesky", "record_id": "1 0", "entity": "account", "action": "purge", "day": DAY}
    publish(lake, "core_tombstones", [gone], [DAY])
    result = judged(group, [DAY])
    assert tells_what_to_do(result)
    # What Dagster keeps is reached by no purge.
    assert shown(result, "first") == [{"day": str(DAY), "rows": "1"}]
    assert "held back in this run" in str(result.description)
    # Days of other runs are told by the check of all days, and hold nothing back.
    assert judged(group, [DAY - timedelta(days=1)]).passed


def test_what_is_told_of_broken_rows_holds_no_words() -> None:
    def told(table: str, name: str, *rows: dict[str, Any]) -> str:
        check = Check(table=table, name=name, holds="It holds.", what_to_do="Mend it.")
        result = sql_checks._broken_rows(check, pa.Table.from_pylist(list(rows)))
        assert not result.passed
        return str(shown(result, "first"))

    row = {"platform": "bluesky", "ngram": "wombat", "text": "wombat", "texts": ["wombat"], "n": 2, "day": DAY}
    found = told("out_ngrams", "ranks_dense", row | {"n_posts": 41})
    assert "wombat" not in found
    assert "41" in found
    gone = {"table_name": "core_posts", "platform": "bluesky", "record_id": "did:gone", "account_id": "did:gone"}
    found = told("core_tombstones", "no_withdrawn_rows", gone | {"day": DAY}, gone | {"day": DAY})
    assert "did:gone" not in found
    assert found == str([{"table_name": "core_posts", "day": str(DAY), "rows": "2"}])


FIRST, SECOND = date(2021, 7, 1), date(2021, 7, 2)
POSTS = ("core_posts", "core_post_links", "core_post_hashtags")


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two days of one source, raw to core."""
    root = tmp_path_factory.mktemp("chain")
    write_export(root / "landing" / "crowdtangle" / "a.csv", some_posts(FIRST, 2))
    settings = Settings(data_root=str(root), profile="tiny", threads=1, start_day=date(2021, 6, 1))
    raw = ("raw_crowdtangle__posts", "raw_crowdtangle__rejects")
    staged = tuple(name for name in TABLES if name.startswith("stg_crowdtangle__"))
    with dg.DagsterInstance.ephemeral() as instance:
        assert materialise_range(
            settings, FIRST, SECOND, tables=(*raw, *staged, *POSTS), instance=instance, raise_on_error=True
        )
    return Lake(settings)


def evaluations(instance: dg.DagsterInstance) -> tuple[dict[str, dg.AssetCheckEvaluation], set[str], str]:
    """Checks that did not pass, steps that started, and what the log says of `key_unique`; of the one run."""
    (run,) = instance.get_runs()
    events = [event for record in instance.all_logs(run.run_id) if (event := record.dagster_event) is not None]
    checks = [e.asset_check_evaluation_data for e in events if e.event_type_value == "ASSET_CHECK_EVALUATION"]
    return (
        {check.check_name: check for check in checks if not check.passed},
        {str(event.step_key) for event in events if event.is_step_start},
        " ".join(event.message for event in events if event.message and "key_unique" in event.message),
    )


def test_what_is_made_from_a_broken_core_table_is_held_back(chain: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    # The first day gets the second day's posts in the very run that made both.
    first, second = (Path(chain.file("core_posts", day)) for day in (FIRST, SECOND))
    kept, publish_all = first.read_bytes(), Lake.publish

    def publish_and_break(self: Lake, table: Table, *args: Any, **more: Any) -> Published:
        published = publish_all(self, table, *args, **more)
        if table.name == "core_posts":
            first.write_bytes(second.read_bytes())
        return published

    monkeypatch.setattr(Lake, "publish", publish_and_break)
    before = digests(Path(chain.root))
    try:
        with dg.DagsterInstance.ephemeral() as instance:
            assert not materialise_range(
                chain.settings, FIRST, SECOND, tables=POSTS, instance=instance, log_level="CRITICAL"
            )
            failed, started, said = evaluations(instance)
    finally:
        first.write_bytes(kept)
    assert digests(Path(chain.root)) == before
    assert started == {"core_posts", "check_core_posts"}
    # The other checks of the step were told all the same.
    assert list(failed) == ["key_unique"]
    found = failed["key_unique"]
    assert found.severity == dg.AssetCheckSeverity.ERROR
    assert found.asset_key == dg.AssetKey("core_posts")
    named = " ".join(row["what"] for row in shown_of(found, "broken"))
    assert str(FIRST) in named
    assert str(SECOND) in named
    # The log of the run, which most look at first, says it too.
    assert "for all of them in one range again" in said


def test_rows_that_other_days_hold_too_are_a_warning_and_hold_nothing_back(chain: Lake) -> None:
    # As runs over single days leave them: the first day was made before the second day's files came.
    first, second = (Path(chain.file("core_posts", day)) for day in (FIRST, SECOND))
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    try:
        with dg.DagsterInstance.ephemeral() as instance:
            assert materialise_range(chain.settings, SECOND, SECOND, tables=POSTS, instance=instance)
            failed, started, said = evaluations(instance)
    finally:
        first.write_bytes(kept)
    assert started >= set(POSTS)
    assert {check.severity for check in failed.values()} == {dg.AssetCheckSeverity.WARN}
    again = f"[{FIRST}...{SECOND}]"
    assert failed["key_unique"].metadata["materialise"].value == again
    assert f"materialise {again} of core_posts again" in said
    assert "held back in this run" not in said


def test_the_run_that_mends_it_passes(chain: Lake) -> None:
    first = Path(chain.file("core_posts", FIRST))
    first.write_bytes(Path(chain.file("core_posts", SECOND)).read_bytes())
    with dg.DagsterInstance.ephemeral() as instance:
        assert materialise_range(chain.settings, FIRST, SECOND, tables=POSTS[:2], instance=instance)
        assert instance.get_latest_materialization_event(dg.AssetKey("core_post_links"))


# ---------------------------------------------------------------------- landing


def landing_results(lake: Lake, name: str, days: list[date]) -> dict[str, dg.AssetCheckEvaluation]:
    """Results of the landing checks of a source in a run over the days."""
    check = landing_checks(lake, name)
    job = dg.Definitions(
        asset_checks=[check], jobs=[dg.define_asset_job("only", selection=dg.AssetSelection.checks(check))]
    ).resolve_job_def("only")
    tags = {"dagster/asset_partition_range_start": str(days[0]), "dagster/asset_partition_range_end": str(days[-1])}
    found = job.execute_in_process(tags=tags, run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}})
    return {each.check_name: each for each in found.get_asset_check_evaluations()}


def with_files(lake: Lake, files: Mapping[str, Mapping[str, Any]]) -> None:
    """Conversions of files as if they had been taken in."""
    base = {"rejected": {}, "ignored": {}, "zone_origin": "none", "source": "crowdtangle", "rejects_by_day": {}}
    for sha, manifest in files.items():
        lake.write_json(base | {"sha256": sha} | dict(manifest), "lake", "_ingest", sha, "manifest.json")
    lake.write_json(
        {"unknown": {}, "unusable": {}, "files": {f"crowdtangle/{sha}.csv": sha for sha in files}},
        *("lake", "_ingest", "crowdtangle.json"),
    )


def test_a_day_of_rejects_inside_a_good_file_is_told(lake: Lake) -> None:
    days = days_to(DAY, 20)
    accepted = {str(day): 1000 for day in days}
    rejects = {str(days[15]): 150}
    whole = {
        "rows_in": 20_150,
        "rows_out": 20_000,
        "rejected": {"bad_time": 150},
        "rows_by_day": {"posts": accepted},
        "rejects_by_day": rejects,
    }
    with_files(lake, {"a": whole})
    found = landing_results(lake, "crowdtangle", days)
    assert {name for name, check in found.items() if not check.passed} == {"rejects_as_usual"}
    odd = found["rejects_as_usual"]
    assert odd.severity == dg.AssetCheckSeverity.WARN
    (row,) = [record for record in shown_of(odd, "days") if record["is"]]
    assert (row["day"], row["rejected"], row["usual"]) == (str(days[15]), "13.04%", "0.00%")
    assert "raw_crowdtangle__rejects" in str(odd.description)
    assert all(check.passed for check in landing_results(lake, "crowdtangle", days[16:]).values())


def shown_of(check: dg.AssetCheckEvaluation, entry: str) -> list[dict[str, Any]]:
    return shown(
        dg.AssetCheckResult(asset_key="any", check_name="any", passed=check.passed, metadata=check.metadata), entry
    )


def test_each_other_finding_about_files_says_what_to_do(lake: Lake) -> None:
    days = {"posts": {str(DAY): 90}}

    def rejecting(rejected: int, rows_in: int, reason: str) -> dict[str, Any]:
        return {
            "rows_in": rows_in,
            "rows_out": rows_in - rejected,
            "rejected": {reason: rejected},
            "rows_by_day": days,
            "rejects_by_day": {str(DAY): rejected},
        }

    with_files(
        lake,
        {
            "lost": {"rows_in": 100, "rows_out": 90, "rows_by_day": days},
            "many": rejecting(10, 100, "bad_time"),
            "cut": rejecting(1, 1000, "unterminated_quote"),
            "list": rejecting(1, 1000, "unterminated_last_line"),
            "one": rejecting(1, 1000, "bad_time"),
            "zone": {"rows_in": 90, "rows_out": 90, "rows_by_day": days, "zone_origin": "assumed"},
        },
    )
    state = lake.read_json("lake", "_ingest", "crowdtangle.json")
    lake.write_json(state | {"unknown": {"crowdtangle/x.png": "no text"}}, "lake", "_ingest", "crowdtangle.json")
    found = landing_results(lake, "crowdtangle", [DAY])
    assert {name: check.passed for name, check in found.items()} == {
        "no_unknown_files": False,
        "rows_reconcile": False,
        "few_rejects": False,
        "rejects_as_usual": False,
        "nothing_assumed": False,
    }
    assert all(str(check.metadata["what_to_do"].value).endswith(".") for check in found.values())
    assert "lake/_ingest/lost" in json.dumps(shown_of(found["rows_reconcile"], "broken"))
    many = [row["what"] for row in shown_of(found["few_rejects"], "broken")]
    assert many == ["crowdtangle/cut.csv", "crowdtangle/list.csv", "crowdtangle/many.csv"]
