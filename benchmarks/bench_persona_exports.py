"""Speed and memory of conversations and exports of personas, as JSON.

    python benchmarks/bench_persona_exports.py [--posts 250000,1000000] [--threads 2] [--memory 600MB] [--folder DIR]
        [--json PATH]

Published Parquet in (core, languages, personas; 28 days; twice as many interactions as posts), the tables
out_persona_conversations and out_persona_exports and the folder of the last day out: two runs through Dagster in
processes of their own, checks included. Bars at the largest size: 100,000 lines a CPU second of the two steps, 1 GiB at
the peak of either process, an exponent of 1.2 between the sizes. Lines: threads and actions, each once.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import step_times
from step_times import Child, perform, report, tell

from sm_assets.analysis.text_rules import TextRules
from sm_assets.contracts import TABLES
from sm_assets.defs.clustering_record import ClusteringRecord
from sm_assets.defs.sql import input_file, open_select, upstreams
from sm_assets.defs.windows import snapshot_refs
from sm_assets.settings import Settings
from sm_assets.storage import Lake, day_range

START = date(2024, 1, 1)
DAYS = 28
LAST = START + timedelta(days=DAYS - 1)
LINES_PER_SECOND, PEAK_MIB, EXPONENT = 100_000, 1024, 1.2
THREADS = ("out_persona_conversations",)
FILES = ("out_persona_exports", "report_persona_exports")
_RECORD = ClusteringRecord("personas", "0123456789abcdef", "fedcba9876543210", TextRules())
_COMMON = """
    'bluesky' as source, 'bluesky' as platform, 'landing/bluesky/planted.jsonl' as source_file,
    repeat('f', 64) as source_sha256, n + 1 as source_row, 0 as source_item, false as is_context, 'key' as time_source,
    '3k' as revision, moment as observed_at, moment::date as day
"""
# One row per thing: its number, its time, whose it is, a number that is drawn for it.
_DRAWN = """
    from (
        select
            range as n, hash(range, {salt}) % {accounts} as account, (hash(range, {salt} + 1) // 2)::bigint as draw,
            timestamp '{start}' + to_microseconds(
                (range * ({days} * 86400000000.0 / {n}))::bigint + (hash(range, {salt} + 2) % 1000)::bigint
            ) as moment
        from range({n})
    )
"""
_NAME = "'did:plc:' || lpad(({})::varchar, 24, '0')"
_POST = "'at://' || {} || '/app.bsky.feed.post/' || lpad(({})::varchar, 13, '0')"


def _sql(select: str, n: int, accounts: int, salt: int) -> str:
    return select + _DRAWN.format(n=n, accounts=accounts, salt=salt, days=DAYS, start=START)


def _author(number: str, accounts: int) -> str:
    return _NAME.format(f"hash({number}, 1) % {accounts}")


def plant(root: str, posts: int) -> dict[str, Any]:
    """Publish what the two steps start from: a tenth as many accounts as posts, six personas."""
    lake = Lake(Settings(data_root=root, start_day=START))
    accounts = posts // 10
    words = "['comet', 'recipe', 'derby', 'kernel', 'canvas', 'ballot', 'the', 'about', 'new', 'very', 'né', '🙂']"
    # A reply or quote goes to one of the thousand posts before it.
    other = "greatest(n - 1 - (draw % 1000)::bigint, 0)"
    other_post = _POST.format(_author(other, accounts), other)
    tables = {
        "core_posts": (
            f"""select {_COMMON}, {_POST.format(_author("n", accounts), "n")} as post_id,
            {_author("n", accounts)} as account_id, 'create' as operation, moment as posted_at,
            case when n > 0 and draw % 10 < 3 then 'reply' when n > 0 and draw % 100 < 36 then 'quote' else 'post' end
            as post_kind, if(post_kind = 'reply', {other_post}, null) as parent_post_id,
            if(post_kind = 'quote', {other_post}, null) as quoted_post_id,
            list_reduce(
                list_transform(range(3 + (draw % 16)::bigint), lambda k: {words}[1 + (hash(n, k) % 12)::bigint]),
                lambda a, b: a || ' ' || b
            ) as text,
            false as text_is_truncated, ['en'] as language_codes, 'none' as media_kind, 1 as files_count,
            (draw % 50 = 7)::bigint as edits_count, if(draw % 50 = 7, moment + interval 1 second, null) as edited_at""",
            posts,
            1,
        ),
        "core_interactions": (
            f"""select {_COMMON}, 'i' || n as interaction_id, ['like', 'repost', 'like', 'like'][1 + draw % 4] as kind,
            {_NAME.format("account")} as account_id,
            {
                _POST.format(
                    _author("greatest(n // 2 - (draw % 5000)::bigint, 0)", accounts),
                    "greatest(n // 2 - (draw % 5000)::bigint, 0)",
                )
            } as object_post_id, moment as interacted_at""",
            2 * posts,
            11,
        ),
        "core_follows": (
            f"""select {_COMMON}, 'f' || n as follow_id, {_NAME.format("account")} as follower_account_id,
            {_NAME.format(f"n % {accounts}")} as followed_account_id, moment as followed_at, false as is_snapshot""",
            accounts,
            21,
        ),
        "core_tombstones": (
            f"""select {_COMMON}, 'interaction' as entity, 'u' || n as record_id,
            {_NAME.format("account")} as account_id,
            'like' as interaction_kind, moment as deleted_at, 'purge' as action, 'deleted' as reason,
            {_POST.format(_author(f"draw % {posts}", accounts), f"draw % {posts}")} as object_post_id""",
            posts // 10,
            31,
        ),
        "feat_post_language": (
            f"""select 'bluesky' as platform, {_POST.format(_author("n", accounts), "n")} as post_id,
            {_author("n", accounts)} as account_id, moment as posted_at, if(draw % 10 = 9, 'de', 'en') as lang,
            0.9::double as lang_prob, 'en' as best_lang, 'ok' as reason, 50 as n_letters, 'planted' as model,
            moment::date as day""",
            posts,
            1,
        ),
    }
    with lake.connect() as con:
        for name, (select, n, salt) in tables.items():
            drawn = con.sql(_sql(select, n, accounts, salt))
            missing = ", ".join(f"null as {c}" for c in TABLES[name].column_names if c not in drawn.columns)
            full = drawn.select(f"*{', ' + missing if missing else ''}").select(", ".join(TABLES[name].column_names))
            lake.publish(TABLES[name], full, day_range(START, LAST))
        personas = con.sql(
            f"""select 'bluesky' as platform, {_NAME.format("range")} as account_id, (range % 6)::integer as persona_id,
            'member' as status, 9::bigint as n_texts, 6::bigint as n_posts, 3::bigint as n_replies,
            1::bigint as n_quotes, 0.5::double as similarity, 1::integer as second_persona_id,
            0.1::double as second_similarity, null as display_name, null as handle, 'e' as embedder_id,
            'p' as params_hash, date '{LAST}' as day
            from range({accounts}) where range % 5 > 0"""
        )
        metadata = _RECORD.metadata()
        lake.publish(TABLES["out_personas"], personas, [LAST], metadata=lambda _: metadata)
        name = "out_estimated_exposures"
        lake.publish(TABLES[name], con.sql(TABLES[name].empty_sql()), [LAST])
        lake.publish(TABLES["out_persona_profiles"], _profiles(con, lake), [LAST])
    return {}


def _profiles(con: duckdb.DuckDBPyConnection, lake: Lake) -> pa.Table:
    """Profiles with the counts that the export is held to, all else empty."""
    path = input_file("out_persona_profiles_counts")
    refs = snapshot_refs([lake.ref(name) for name in upstreams(path)], LAST, DAYS)
    rows: dict[int, dict[str, Any]] = {number: {} for number in range(6)}
    for number, event, n in open_select(con, lake, path, refs, []).fetchall():
        rows[number][event] = n
    quotes = con.sql(
        "select persona_id, count(*) from core_posts inner join out_personas using (platform, account_id) "
        "where post_kind = 'quote' and persona_id is not null group by all"
    )
    for number, n in quotes.fetchall():
        rows[number]["n_quotes"] = n
    plain = {"text": "", "int64": 0, "int32": 0, "float64": 0.0, "list<text>": [], "list<list<text>>": []}
    table = TABLES["out_persona_profiles"]
    fixed: dict[str, Any] = {
        column.name: plain[column.type] for column in table.columns if not column.nullable and column.name != "day"
    }
    fixed |= {"day": LAST, "topics_status": "ok", "n_accounts": 1}
    full = [fixed | row | {"persona_id": number} for number, row in rows.items()]
    names = table.column_names
    return pa.Table.from_pylist([{name: row.get(name) for name in names} for row in full], table.plain_schema)


def materialise(root: str, *, files: bool, threads: int, memory: str) -> dict[str, Any]:
    """The threads, or the files."""
    settings = Settings(data_root=root, threads=threads, memory_limit=memory, start_day=START)
    return step_times.materialise(settings, LAST, LAST, FILES if files else THREADS)


TASKS = {"plant": plant, "materialise": materialise}


def measured(root: Path, threads: int, memory: str) -> dict[str, Any]:
    """Both steps over one lake."""
    runs: list[Child] = []
    for files in (False, True):
        run, _ = step_times.child(__file__, "materialise", root=str(root), files=files, threads=threads, memory=memory)
        runs.append(run)
    folder = root / "exports" / "personas" / f"day={LAST}"
    manifest = json.loads((folder / "manifest.json").read_text(encoding="ascii"))
    lines = sum(told["lines"] for name, told in manifest["files"].items() if name.startswith("cluster_"))
    size = sum(told["bytes"] for told in manifest["files"].values())
    steps = {name: spent for run in runs for name, spent in run.steps.items()}
    wall, cpu = (sum(spent[k] for name, spent in steps.items() if not name.startswith("check_")) for k in (0, 1))
    return {
        "lines": lines,
        "mib_written": round(size / 2**20),
        "wall_s": round(wall, 2),
        "cpu_s": round(cpu, 2),
        "lines_per_s": round(lines / wall),
        "lines_per_cpu_s": round(lines / cpu),
        "cpu_s_of_both_processes": round(sum(run.cpu_s for run in runs), 1),
        "peak_mib": round(max(run.peak_mib for run in runs)),
        "wall_and_cpu_s_by_step": {name: [round(part, 2) for part in spent] for name, spent in steps.items()},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--posts", type=lambda text: [int(part) for part in text.split(",")], default=[250_000, 1_000_000]
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="600MB")
    parser.add_argument("--folder", type=Path, help="where to make the lakes; kept if it is given")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        perform(options.task, TASKS)
        return
    found: dict[str, Any] = {"load_before": os.getloadavg()}
    with tempfile.TemporaryDirectory() as made:
        for posts in sorted(options.posts):
            root = (options.folder or Path(made)) / f"posts{posts}"
            if not root.exists():
                step_times.child(__file__, "plant", root=str(root), posts=posts)
            found[f"posts {posts}"] = measured(root, options.threads, options.memory)
            tell(posts, json.dumps(found[f"posts {posts}"]))
    small, large = min(options.posts), max(options.posts)
    last = found[f"posts {large}"]
    bars = {
        "lines_per_cpu_s": (last["lines_per_cpu_s"], LINES_PER_SECOND, last["lines_per_cpu_s"] >= LINES_PER_SECOND),
        "peak_mib": (last["peak_mib"], PEAK_MIB, last["peak_mib"] <= PEAK_MIB),
    }
    if small != large:
        ratio = last["cpu_s"] / found[f"posts {small}"]["cpu_s"]
        exponent = math.log(ratio) / math.log(large / small)
        bars["exponent"] = (round(exponent, 2), EXPONENT, exponent <= EXPONENT)
    found["bars"] = {name: {"value": value, "bar": bar, "met": met} for name, (value, bar, met) in bars.items()}
    report(found, options.json)


if __name__ == "__main__":
    main()
