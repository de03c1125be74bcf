"""Speed and memory of what accounts are: traits of a window, training on labels, as JSON.

    python benchmarks/bench_attributes.py [--only traits|training] [--accounts 100000] [--labels 5000] [--grid full]
        [--threads 2] [--folder DIR] [--json PATH]

traits: published Parquet in (daily activity of every account on each of 28 days, languages, contents, profiles, two
million posts and their mentions), out_account_traits of the last day out: one run through Dagster in a process of its
own, checks included. Bar: 30 s for 100,000 accounts.

training: labelled traits of three classes in memory, as many as the table has, in groups of four; all candidates and
yardsticks, nested cross-validation, calibration, curves, the kept model. Bar: 10 min for 5,000 labels, full grid.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import step_times
from step_times import Child, perform, report, tell

from sm_assets.analysis.attribute_training import Labelled, TrainingOptions, train
from sm_assets.analysis.traits import TRAITS as TRAIT_NAMES
from sm_assets.contracts import TABLES, Column
from sm_assets.contracts.schema import quoted
from sm_assets.settings import Settings
from sm_assets.storage import Lake

START = date(2024, 3, 1)
DAYS = 28
TRAITS = "out_account_traits"
BAR_S = 30
BAR_ACCOUNTS = 100_000
PARTS = ("traits", "training")
BAR_TRAINING_S = 600

# What an account does on a day, out of its number and the day's; every account writes on every day.
_PLANTED = {
    "feat_account_activity": """
        select
            'twitter' as platform, 'account ' || lpad(a::text, 7, '0') as account_id, 1 as n_posts, a % 3 as n_replies,
            a % 2 as n_quotes, a % 4 as n_reposts, {d} % 5 as n_likes, 0 as n_follows, hours, 1 as n_with_link,
            a % 2 as n_with_hashtag, a % 2 as n_with_mention, 1 as n_with_media, 80 + a % 200 as n_chars,
            12 + a % 30 as n_words, a % 3 as n_emoji, 1 as n_links, a % 2 as n_hashtags, a % 2 as n_mentions, gaps,
            seconds, ['site' || (a % 5000) || '.example', 'www' || ((a + {d}) % 40) || '.de'] as domains,
            [1::bigint, 1::bigint] as domain_counts
        from (
            select a,
                list_transform(range(24), lambda h: ((h + a) % 24 < 3 and (h + a) % 24 < 1 + a % 3 + a % 2)::bigint)
                    as hours,
                list_transform(range(18), lambda g: (g = (a + {d}) % 18)::bigint) as gaps,
                list_transform(range(60), lambda s: (s = (a * 7 + {d}) % 60)::bigint * (1 + a % 3 + a % 2)) as seconds
            from range({n}) as t(a)
        )""",
    "feat_account_language": """
        select 'twitter' as platform, 'account ' || lpad(a::text, 7, '0') as account_id,
            (['en', 'de', 'es', 'und'])[1 + (a + ({d} = 3)::int) % 4] as lang, 2 as n_posts,
            0.9::double as mean_probability,
            timestamp '2024-03-01' as first_at
        from range({n}) as t(a)""",
    "feat_account_content": """
        select 'twitter' as platform, 'account ' || lpad(a::text, 7, '0') as account_id, 'canonical' as content_mode,
            md5(if(c = 0, 'l' || (a % 9000 + {d}), 't' || (a * 100 + {d}))) as content_id,
            (['link', 'text'])[1 + c] as content_kind,
            true as is_primary, 1 as n_posts, timestamp '2024-03-01' as first_at, timestamp '2024-03-01' as last_at,
            'x' as sample_post_id, 'v' as content_version
        from range({n}) as t(a), range(2) as u(c)""",
    "core_posts": """
        select 'twitter' as platform, 'post ' || a || '-' || {d} as post_id,
            'account ' || lpad(a::text, 7, '0') as account_id,
            timestamp '2024-03-01' + interval ({d}) day + interval (a % 86400) second as posted_at,
            (['post', 'reply', 'quote'])[1 + (a + {d}) % 3] as post_kind,
            if((a + {d}) % 3 = 1, 'account ' || lpad((a // 2)::text, 7, '0'), null) as parent_account_id,
            'A day like ' || {d} || ' in the garden of ' || md5((a + {d})::text) || ', and more words follow' as text
        from range({n}) as t(a) where (a + {d}) % 4 != 0""",
    "core_post_mentions": """
        select 'twitter' as platform, 'post ' || a || '-' || {d} as post_id, 0 as ordinal,
            'account ' || lpad(a::text, 7, '0') as account_id, timestamp '2024-03-01' as posted_at, 'r' as revision,
            (a % 100 + {d} % 3)::text as mentioned_account_id
        from range({n}) as t(a) where a % 2 = 1""",
    "core_interactions": """
        select 'twitter' as platform, 'repost ' || a || '-' || {d} as interaction_id, 'repost' as kind,
            'account ' || lpad(a::text, 7, '0') as account_id, (a % 70)::text as object_account_id,
            timestamp '2024-03-01' as interacted_at
        from range({n}) as t(a) where a % 4 > 0""",
    "core_accounts": """
        select 'twitter' as platform, 'account ' || lpad(a::text, 7, '0') as account_id, ['author'] as roles,
            'person' || a as handle, 'Person ' || md5(a::text) as display_name,
            'I write about my garden in ' || md5(a::text) || ' and bots; see www.site' || a || '.example #garden'
                as description,
            (['Berlin', 'London, UK', 'Springfield, IL', 'in ' || md5(a::text), null])[1 + a % 5] as location,
            a as followers_count, a % 999 as following_count, a * 3 as posts_count, false as is_verified,
            timestamp '2015-01-01' as account_created_at, date '2024-03-01' as first_seen_day
        from range({n}) as t(a) where {d} % 7 = 6""",
}
_ANY = {"int64": "0", "int32": "0", "float64": "0.0", "bool": "false", "timestamp": "timestamp '2024-03-01'"}


def plant(root: str, accounts: int) -> dict[str, Any]:
    """Publish what traits are made of."""
    lake = Lake(Settings(data_root=root, threads=2, memory_limit="4GB", start_day=START))
    for name, text in _PLANTED.items():
        table = TABLES[name]
        for number in range(DAYS):
            day = START + timedelta(days=number)
            select = text.format(d=number, n=accounts)
            with lake.connect() as con:
                given = {*con.sql(select).columns, "day"}
                # What must not be null and does not matter here.
                filled = "".join(
                    f", {_any(column)} as {quoted(column.name)}" for column in table.columns if column.name not in given
                )
                lake.publish(table, con.sql(f"select *{filled}, date '{day}' as day from ({select})"), [day])
    return {}


def _any(column: Column) -> str:
    if column.nullable:
        return f"cast(null as {column.duckdb_type})"
    if column.allowed:
        return f"'{column.allowed[0]}'"
    if column.minimum:
        return str(int(column.minimum))
    return _ANY.get(column.type, "'x'")


def materialise(root: str, *, threads: int) -> dict[str, Any]:
    """Traits of the last day."""
    last = START + timedelta(days=DAYS - 1)
    settings = Settings(data_root=root, threads=threads, memory_limit="4GB", start_day=START)
    return step_times.materialise(settings, last, last, [TRAITS])


def fit(labels: int, grid: str, *, threads: int) -> dict[str, Any]:
    """Models of synthetic labels."""
    random = np.random.default_rng(7)
    group = np.arange(labels) // 4
    classes, names = group % 3, TRAIT_NAMES
    middle = np.where(np.arange(len(names)) % 3 == np.arange(3)[:, None], 0.6, 0.0)
    shared = random.normal(size=(group.max() + 1, len(names))) * 0.7
    values = middle[classes] + shared[group] + random.normal(size=(labels, len(names)))
    # A third of the traits is not known of every tenth account.
    values[:, ::3][random.random((labels, len(range(0, len(names), 3)))) < 0.1] = np.nan
    labelled = Labelled(
        [f"{n:06d}" for n in range(labels)], values, names, np.array(["bot", "company", "person"])[classes], group,
        np.repeat("en", labels),
    )  # fmt: skip
    found = train(labelled, TrainingOptions(grid="full" if grid == "full" else "quick"), threads=threads, log=tell)
    return {"chosen": found.chosen.algorithm, "macro_f1": round(found.chosen.scores.macro_f1, 4)}


TASKS = {"plant": plant, "materialise": materialise, "fit": fit}


def traits(folder: Path, accounts: int, threads: int) -> dict[str, Any]:
    """Plant a window if it is not there, and measure."""
    root = folder / f"traits{accounts}"
    if not root.exists():
        planted, _ = step_times.child(__file__, "plant", root=str(root), accounts=accounts)
        tell(f"{accounts:,} accounts on {DAYS} days planted in {planted.wall_s:.0f} s")
    run, _ = step_times.child(__file__, "materialise", root=str(root), threads=threads)
    wall, cpu = run.steps[TRAITS]
    checks = {name: round(both[0], 2) for name, both in run.steps.items() if name.startswith("check_")}
    bar = BAR_S * accounts / BAR_ACCOUNTS
    return {
        "accounts": accounts, "wall_s": round(wall, 2), "cpu_s": round(cpu, 2), "checks_wall_s": checks,
        "process": told(run), "bar_s": bar, "met": wall <= bar,
    }  # fmt: skip


def training(labels: int, grid: str, threads: int) -> dict[str, Any]:
    """Train once, in a process of its own."""
    run, found = step_times.child(__file__, "fit", labels=labels, grid=grid, threads=threads)
    bar = BAR_TRAINING_S * labels / 5_000
    return {"labels": labels, "grid": grid, **found, **told(run), "bar_s": bar, "met": run.wall_s <= bar}


def told(run: Child) -> dict[str, Any]:
    """One process in numbers, start included."""
    return {"wall_s": round(run.wall_s, 1), "cpu_s": round(run.cpu_s, 1), "peak_mib": round(run.peak_mib)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--accounts", type=int, default=BAR_ACCOUNTS)
    parser.add_argument("--labels", type=int, default=5_000)
    parser.add_argument("--grid", choices=("quick", "full"), default="full")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where to make the lakes; kept if it is given")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        perform(options.task, TASKS)
        return
    found: dict[str, Any] = {"load_before": os.getloadavg()}
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or Path(made)
        if options.only in (None, "traits"):
            found["traits"] = traits(folder, options.accounts, options.threads)
            tell(json.dumps(found["traits"]))
    if options.only in (None, "training"):
        found["training"] = training(options.labels, options.grid, options.threads)
        tell(json.dumps(found["training"]))
    report(found, options.json)


if __name__ == "__main__":
    main()
