"""Speed and memory of estimated exposures: 10,000 members, a million candidates, as JSON.

    python benchmarks/bench_exposures.py [--members 10000] [--json PATH]

Arrow tables in (what the SELECTs of the asset give, 28 days), rows out; each arm in a process of its own, planting
outside its seconds and inside its peak memory. The peer is the double loop over members and posts, which stops at the
posts that each member was shown; it is run over 20 members and told for all of them. Bars: 60 s, 2 GiB.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import step_times
from step_times import perform, report

from sm_assets.analysis.exposure_rules import ExposureRules
from sm_assets.analysis.exposures import estimate_exposures
from sm_assets.analysis.interests import wanted_posts
from sm_assets.analysis.member_feeds import FeedInputs, member_feeds

DAYS, WIDTH, PERSONAS = 28, 384, 10
FOLLOWS, POSTS, DOINGS, ACTIONS = 12, 20, 18, 10
SECONDS, MIB = 60, 2048
LOOPED = 20
BATCH = 65_536
DAY = 86_400_000_000

Ints = npt.NDArray[np.int64]


def plant(members: int) -> tuple[FeedInputs, pa.Table]:
    """(tables, platform and post_id of all posts in the order of their numbers)."""
    draws = np.random.default_rng(members)
    accounts = members + members // 5
    follower = np.repeat(np.arange(members), FOLLOWS)
    pair = np.unique(follower * accounts + (accounts * draws.random(len(follower)) ** 1.5).astype(np.int64))
    follower, followed = pair // accounts, pair % accounts
    author = np.repeat(np.arange(accounts), POSTS)
    posted = draws.integers(0, DAYS * DAY, len(author))
    reposter, reposted = draws.integers(0, accounts, len(author) // 5), draws.integers(0, len(author), len(author) // 5)
    actor, acted = np.repeat(np.arange(members), ACTIONS), draws.integers(0, len(author), members * ACTIONS)
    doing = np.repeat(np.arange(members), DOINGS)
    at = np.concatenate([posted, posted[reposted] + draws.integers(0, DAY, len(reposted))])
    feed = {
        "via_account_id": ids("account", np.concatenate([author, reposter])),
        "via": pa.array(["follow", "repost"]).take(pa.array(np.repeat([0, 1], [len(author), len(reposter)]))),
        "brought_at": pa.array(at).cast(pa.timestamp("us")),
        "post_id": ids("post", np.concatenate([np.arange(len(author)), reposted])),
        "author_account_id": ids("account", np.concatenate([author, author[reposted]])),
        "is_reply": pa.array(np.zeros(len(at), np.bool_)),
        "is_eligible": pa.array(np.ones(len(at), np.bool_)),
    }
    inputs = FeedInputs(
        members=table(
            account_id=ids("account", np.arange(members)), persona_id=pa.array(np.arange(members) % PERSONAS)
        ),
        activity=table(
            account_id=ids("account", doing),
            happened_at=pa.array(draws.integers(0, DAYS * DAY, len(doing))).cast(pa.timestamp("us")),
        ),
        follows=table(
            account_id=ids("account", follower),
            via_account_id=ids("account", followed),
            followed_at=pa.nulls(len(pair), pa.timestamp("us")),
        ),
        feed=table(**feed),
        actions=table(
            account_id=ids("account", actor),
            post_id=ids("post", acted),
            author_account_id=ids("account", author[acted]),
            stands=pa.array(np.ones(len(actor), np.bool_)),
            is_eligible=pa.array(np.ones(len(actor), np.bool_)),
        ),
        blocks=table(
            account_id=ids("account", np.arange(100)),
            other_account_id=ids("account", np.arange(100, 200)),
            blocked_at=pa.array(np.zeros(100, np.int64)).cast(pa.timestamp("us")),
        ),
    )
    return inputs, table(post_id=ids("post", np.arange(len(author))))


def ids(what: str, numbers: Ints) -> pa.Array:
    """Names as long as those of Bluesky."""
    prefix = "did:plc:" if what == "account" else "at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.post/3k"
    distinct, places = np.unique(numbers, return_inverse=True)
    return pa.array([f"{prefix}{number:012d}" for number in distinct]).take(pa.array(places))


def table(**columns: pa.Array) -> pa.Table:
    """With a platform."""
    n = len(next(iter(columns.values())))
    return pa.table({"platform": pa.repeat(pa.scalar("bluesky"), n), **columns})


def vectors(posts: pa.Table, wanted: Ints) -> Iterator[pa.RecordBatch]:
    """Vectors of the wanted posts about ten topics, batch by batch, as a reader gives them."""
    draws = np.random.default_rng(1)
    topics = draws.normal(size=(PERSONAS, WIDTH)).astype(np.float32)
    for start in range(0, len(wanted), BATCH):
        rows = wanted[start : start + BATCH]
        block = topics[rows % PERSONAS] + draws.normal(size=(len(rows), WIDTH)).astype(np.float32)
        offsets = pa.array(np.arange(len(rows) + 1) * WIDTH, pa.int32())
        listed = pa.ListArray.from_arrays(offsets, pa.array(block.ravel()))
        yield posts.take(pa.array(rows)).append_column("embedding", listed).combine_chunks().to_batches()[0]


def ours(members: int) -> dict[str, Any]:
    """The estimate."""
    inputs, posts = plant(members)
    rules = ExposureRules()
    start, cpu = time.perf_counter(), time.process_time()
    feeds = member_feeds(inputs, rules)
    shown = time.perf_counter() - start
    found = estimate_exposures(feeds, vectors(posts, wanted_posts(feeds)), rules)
    return {
        "wall_s": round(time.perf_counter() - start, 2),
        "wall_s_of_feeds": round(shown, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
        "posts": len(posts),
        "counts": found.counts,
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def loop(members: int) -> dict[str, Any]:
    """The double loop over some members and all posts, up to what each was shown."""
    inputs, _ = plant(members)
    follows: dict[str, set[str]] = {}
    for row in inputs.follows.to_pylist():
        follows.setdefault(row["account_id"], set()).add(row["via_account_id"])
    doings: dict[str, list[Any]] = {}
    for row in inputs.activity.to_pylist():
        doings.setdefault(row["account_id"], []).append(row["happened_at"])
    feed = [(row["via_account_id"], row["brought_at"], row["post_id"]) for row in inputs.feed.to_pylist()]
    start = time.perf_counter()
    shown = 0
    for account in inputs.members["account_id"].to_pylist()[:LOOPED]:
        mine, times = follows.get(account, set()), sorted(doings[account])
        visible: dict[str, Any] = {}
        for via, at, post in feed:
            if via in mine and at < visible.get(post, times[-1]):
                visible[post] = at
        shown += len(visible)
    spent = time.perf_counter() - start
    return {"wall_s_of_all_members": round(spent * members / LOOPED, 1), "members_run": LOOPED, "shown": shown}


TASKS = {"ours": ours, "loop": loop}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        perform(options.task, TASKS)
        return
    _, mine = step_times.child(__file__, "ours", members=options.members)
    _, peer = step_times.child(__file__, "loop", members=options.members)
    found = {
        "members": options.members,
        "ours": mine,
        "double_loop": peer,
        "times_faster": round(peer["wall_s_of_all_members"] / mine["wall_s"], 1),
        "bars": {"wall_s": SECONDS, "peak_mib": MIB},
        "met": mine["wall_s"] <= SECONDS and mine["peak_mib"] <= MIB,
    }
    report(found, options.json)


if __name__ == "__main__":
    main()
