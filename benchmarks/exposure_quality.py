"""How well ignored posts are estimated: precision and recall on planted worlds, beside the original's rule, as JSON.

    python benchmarks/exposure_quality.py [--seeds 1 2 3]

Truth: posts of interest that a member saw and did not act on. Precision = estimated pairs of member and post that are
true / all estimated; recall = those / all true ones. Both get the same personas and vectors. The original's rule lets
every post of the kept accounts that is near to what a cluster likes count as ignored and gives each to one member
drawn at random; it is told here by its own description, with a seed.
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.exposure_rules import ExposureRules
from sm_assets.analysis.exposures import Exposures, estimate_exposures
from sm_assets.analysis.member_feeds import FeedInputs, member_feeds
from sm_assets.defs.sql import SQL_ROOT, input_file, named_in
from sm_assets.demo.persona_world import PlantedExposures, planted_exposures

INPUTS = FeedInputs._fields

Pairs = set[tuple[str, str]]


@cache
def engine() -> duckdb.DuckDBPyConnection:
    """One engine for all worlds."""
    con = duckdb.connect(config={"threads": 1})
    con.execute("set global timezone = 'UTC'")
    return con


def feed_inputs(world: PlantedExposures, as_of: date | None = None) -> FeedInputs:
    """What the SELECTs of the asset give of a planted world; the window is all days up to `as_of` (None: the last)."""
    last = as_of or world.days[-1]
    with engine().cursor() as con:
        core = {
            "core_posts": world.core_posts,
            "core_interactions": world.core_interactions,
            "core_follows": world.core_follows,
            "core_tombstones": world.core_tombstones,
            "feat_post_language": world.languages,
            "feat_post_embeddings": world.vectors,
            "out_personas": world.members,
        }
        for name, table in core.items():
            con.register(
                name, table.filter(pc.less_equal(table["day"], last)) if "day" in table.column_names else table
            )
            con.register(f"{name}__all_days", table)
        con.register("requested_days", pa.table({"day": pa.array([last], pa.date32())}))
        rules = "['en'] as languages, ['post', 'reply', 'quote'] as kinds, []::text[] as platforms"
        con.execute(f"create or replace temp table text_rules as select {rules}")
        return FeedInputs(**{name: selected(con, input_file(f"out_estimated_exposures_{name}")) for name in INPUTS})


def selected(con: duckdb.DuckDBPyConnection, path: Path) -> pa.Table:
    """Rows of a SELECT and of the shared ones that it reads."""
    share(con, path)
    return con.sql(path.read_text(encoding="utf-8")).to_arrow_table()


def share(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Make the shared SELECTs that a file reads."""
    for name in sorted(named_in(path)):
        shared = SQL_ROOT / "shared" / f"{name}.sql"
        if shared.exists():
            share(con, shared)
            con.execute(f"create or replace temp view {name} as {shared.read_text(encoding='utf-8')}")


def estimated(world: PlantedExposures, rules: ExposureRules | None = None) -> Exposures:
    """Our estimate."""
    chosen = rules or ExposureRules()
    return estimate_exposures(member_feeds(feed_inputs(world), chosen), world.vectors.to_batches(), chosen)


def ignored_by_the_original(world: PlantedExposures, seed: int, threshold: float = 0.7, cap: int = 1000) -> Pairs:
    """Pairs of member and post by the original's rule.

    Per cluster of five accounts or more: seen are liked and reposted posts (weight 3) and posts, not replies, of
    followed kept accounts (weight 1 + 0.5 per follower in the cluster). Of these max(1, min(10, n // 20 + 1)) groups by
    k-means, with weighted means as centres. Every kept post or reply that no member liked or reposted and whose cosine
    to a centre is above the threshold is ignored; above cap x members a random draw; each goes to a random member.
    """
    from sklearn.cluster import KMeans

    draws = np.random.default_rng(seed)
    persona = dict(zip(world.members["account_id"].to_pylist(), world.members["persona_id"].to_pylist(), strict=True))
    embedding: dict[str, npt.NDArray[np.float64]] = {
        post: np.array(vector)
        for post, vector in zip(
            world.vectors["post_id"].to_pylist(), world.vectors["embedding"].to_pylist(), strict=True
        )
    }
    posts = [
        row
        for row in world.core_posts.select(["post_id", "account_id", "post_kind"]).to_pylist()
        if row["account_id"] in persona and row["post_kind"] != "quote" and row["post_id"] in embedding
    ]
    kept = {row["post_id"]: row for row in posts}
    interactions, follows = world.core_interactions.to_pylist(), world.core_follows.to_pylist()
    found: Pairs = set()
    for number in sorted(set(persona.values())):
        members = [account for account, mine in persona.items() if mine == number]
        if len(members) < 5:
            continue
        inside = set(members)
        liked = {
            row["object_post_id"]
            for row in interactions
            if row["kind"] in ("like", "repost") and row["account_id"] in inside and row["object_post_id"] in kept
        }
        followers: dict[str, int] = {}
        for row in follows:
            if row["follower_account_id"] in inside:
                followers[row["followed_account_id"]] = followers.get(row["followed_account_id"], 0) + 1
        weight = {
            row["post_id"]: 1 + 0.5 * followers[row["account_id"]]
            for row in posts
            if row["post_kind"] == "post" and row["account_id"] in followers
        } | dict.fromkeys(liked, 3.0)
        seen = sorted(weight)
        if not seen:
            continue
        matrix, weights = np.array([embedding[post] for post in seen]), np.array([weight[post] for post in seen])
        k = max(1, min(10, len(seen) // 20 + 1))
        labels = KMeans(k, random_state=seed).fit_predict(matrix)
        centres = np.array([np.average(matrix[labels == n], axis=0, weights=weights[labels == n]) for n in range(k)])
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
        passed = [post for post in sorted(kept) if post not in liked]
        near = (np.array([embedding[post] for post in passed]) @ centres.T).max(axis=1)
        chosen = [post for post, cosine in zip(passed, near, strict=True) if cosine > threshold]
        if len(chosen) > cap * len(members):
            chosen = [chosen[place] for place in draws.permutation(len(chosen))[: cap * len(members)]]
        found |= {(members[int(draws.integers(len(members)))], post) for post in chosen}
    return found


def truth(world: PlantedExposures) -> Pairs:
    """Posts of interest that a member saw and did not act on."""
    return {
        (row["account_id"], row["post_id"]) for row in world.seen.to_pylist() if row["of_interest"] and not row["acted"]
    }


def judge(found: Pairs, true: Pairs, seen: Pairs) -> dict[str, float]:
    """Precision and recall, and the share of pairs that the member saw at all."""
    right = len(found & true)
    return {
        "pairs": len(found),
        "seen": round(len(found & seen) / max(len(found), 1), 4),
        "precision": round(right / max(len(found), 1), 4),
        "recall": round(right / max(len(true), 1), 4),
    }


def compare(seed: int, **size: int) -> dict[str, Any]:
    """Both rules on one world; `size` as `planted_exposures` takes it."""
    world = planted_exposures(seed, **size)
    true = truth(world)
    seen = set(zip(world.seen["account_id"].to_pylist(), world.seen["post_id"].to_pylist(), strict=True))
    rows = estimated(world).rows
    ours = set(zip(rows["account_id"].to_pylist(), rows["post_id"].to_pylist(), strict=True))
    return {
        "seed": seed,
        "true_pairs": len(true),
        "ours": judge(ours, true, seen),
        "original": judge(ignored_by_the_original(world, seed), true, seen),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    print(json.dumps([compare(seed) for seed in parser.parse_args().seeds], indent=1))


if __name__ == "__main__":
    main()
