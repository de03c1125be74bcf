"""Planted lakes for benchmarks of personas: core tables, languages and vectors, published as the chain publishes them.

Here: accounts that write by persona, and what they do to each other's posts. Not here: any claim.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sm_assets.contracts import TABLES
from sm_assets.demo.vocabulary import PERSONAS
from sm_assets.demo.voices import post_text
from sm_assets.settings import Settings
from sm_assets.storage import Lake

START = date(2024, 1, 1)
WIDTH = 384
_SPREAD = 1.0
_REPLIES, _QUOTES = 0.3, 0.06
_FIXED: dict[str, Any] = {
    "source": "bluesky", "platform": "bluesky", "source_file": "landing/bluesky/planted.jsonl",
    "source_sha256": "f" * 64, "source_item": 0, "is_context": False, "time_source": "key",
    "revision": "3k", "operation": "create", "text_is_truncated": False, "media_kind": "none", "edits_count": 0,
    "files_count": 1, "is_snapshot": False,
}  # fmt: skip


def plant_personas(root: Path, n_accounts: int, n_posts: int, n_interactions: int, days: int = 28) -> None:
    """Publish core_posts, _interactions, _follows, _tombstones, _accounts, feat_post_language, feat_post_embeddings."""
    lake = Lake(Settings(data_root=str(root), start_day=START))
    draws = np.random.default_rng(n_accounts)
    persona = draws.integers(0, len(PERSONAS), n_accounts)
    centres = draws.normal(size=(len(PERSONAS), WIDTH))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    names = [f"did:plc:{number:08d}" for number in range(n_accounts)]
    moment = np.sort(draws.integers(0, days * 86_400_000_000, n_posts))
    author = draws.integers(0, n_accounts, n_posts)
    kind = np.where(draws.random(n_posts) < _REPLIES, 1, np.where(draws.random(n_posts) < _QUOTES, 2, 0))
    parent = (np.arange(n_posts) * (1 - draws.random(n_posts) ** 2 / 50)).astype(np.int64)
    kind[parent == np.arange(n_posts)] = 0
    liked = np.sort(draws.integers(0, days * 86_400_000_000, n_interactions))
    target = (np.searchsorted(moment, liked) * draws.random(n_interactions)).astype(np.int64)
    actor, deed = draws.integers(0, n_accounts, n_interactions), draws.random(n_interactions)
    chance = random.Random(n_accounts)
    midnight = datetime.combine(START, datetime.min.time())
    for turn in range(days):
        day = START + timedelta(days=turn)
        rows = np.flatnonzero(moment // 86_400_000_000 == turn)
        posts = list(_posts(rows, moment, author, persona, kind, parent, names, midnight, chance))
        _publish(lake, "core_posts", posts, day)
        spoken = {
            "lang": "en",
            "lang_prob": 0.9,
            "best_lang": "en",
            "reason": "ok",
            "n_letters": 50,
            "model": "planted",
        }
        _publish(lake, "feat_post_language", [post | spoken for post in posts], day)
        _publish_vectors(lake, posts, centres[persona[author[rows]]], draws, day)
        done = np.flatnonzero(liked // 86_400_000_000 == turn)
        _publish(
            lake, "core_interactions", list(_deeds(done, liked, actor, target, deed, author, names, midnight)), day
        )
        pairs = {(int(a), int(b)) for a, b in draws.integers(0, n_accounts, (n_accounts // 4, 2)) if a % days == turn}
        _publish(lake, "core_follows", list(_follows(sorted(pairs), names, midnight + timedelta(days=turn))), day)
        _publish(lake, "core_tombstones", [], day)
        _publish(lake, "core_accounts", [_account(name, day) for name in sorted({p["account_id"] for p in posts})], day)


def _publish(lake: Lake, name: str, rows: list[dict[str, Any]], day: date) -> None:
    table = TABLES[name]
    full = [{column: (_FIXED | row | {"day": day}).get(column) for column in table.column_names} for row in rows]
    lake.publish(table, pa.Table.from_pylist(full, table.plain_schema), [day])


def _post_id(number: int, owner: str) -> str:
    return f"at://{owner}/app.bsky.feed.post/{number:013d}"


def _posts(
    rows: np.ndarray, moment: np.ndarray, author: np.ndarray, persona: np.ndarray, kind: np.ndarray, parent: np.ndarray,
    names: list[str], midnight: datetime, chance: random.Random,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    for row in rows.tolist():
        owner, other = names[author[row]], names[author[parent[row]]]
        text, _ = post_text(chance.random, int(persona[author[row]]), "en", "Arnhaven")
        answered = _post_id(int(parent[row]), other) if kind[row] else None
        yield {
            "post_id": _post_id(row, owner),
            "account_id": owner,
            "posted_at": midnight + timedelta(microseconds=int(moment[row])),
            "observed_at": midnight + timedelta(microseconds=int(moment[row])),
            "post_kind": ("post", "reply", "quote")[kind[row]],
            "parent_post_id": answered if kind[row] == 1 else None,
            "parent_account_id": other if kind[row] == 1 else None,
            "quoted_post_id": answered if kind[row] == 2 else None,
            "quoted_account_id": other if kind[row] == 2 else None,
            "text": text,
            "language_codes": ["en"],
            "source_row": row + 1,
        }


def _publish_vectors(
    lake: Lake, posts: list[dict[str, Any]], centre: np.ndarray, draws: np.random.Generator, day: date
) -> None:
    table = TABLES["feat_post_embeddings"]
    vectors = centre + _SPREAD / np.sqrt(WIDTH) * draws.normal(size=(len(posts), WIDTH))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    n = len(posts)
    columns = {
        "platform": ["bluesky"] * n,
        "post_id": [post["post_id"] for post in posts],
        "account_id": [post["account_id"] for post in posts],
        "text_key": [blake2b(post["text"].encode(), digest_size=16).hexdigest() for post in posts],
        "embedder_id": ["0123456789abcdef"] * n,
        "n_tokens": [20] * n,
        "truncated": [False] * n,
        "embedding": pa.ListArray.from_arrays(pa.array(np.arange(n + 1, dtype=np.int32) * WIDTH), vectors.ravel()),
        "day": [day] * n,
    }
    lake.publish(table, pa.table(columns, schema=table.plain_schema), [day])


def _deeds(
    rows: np.ndarray, liked: np.ndarray, actor: np.ndarray, target: np.ndarray, deed: np.ndarray, author: np.ndarray,
    names: list[str], midnight: datetime,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    for row in rows.tolist():
        kind = "like" if deed[row] < 0.85 else "repost"
        owner, other = names[actor[row]], names[author[target[row]]]
        yield {
            "interaction_id": f"at://{owner}/app.bsky.feed.{kind}/{row:013d}",
            "kind": kind,
            "account_id": owner,
            "object_post_id": _post_id(int(target[row]), other),
            "object_account_id": other,
            "interacted_at": midnight + timedelta(microseconds=int(liked[row])),
            "observed_at": midnight + timedelta(microseconds=int(liked[row])),
            "source_row": row + 1,
        }


def _follows(pairs: list[tuple[int, int]], names: list[str], when: datetime) -> Iterator[dict[str, Any]]:
    for row, (follower, followed) in enumerate(pairs):
        if follower != followed:
            yield {
                "follow_id": f"at://{names[follower]}/app.bsky.graph.follow/{followed:013d}",
                "follower_account_id": names[follower],
                "followed_account_id": names[followed],
                "followed_at": when,
                "observed_at": when,
                "source_row": row + 1,
            }


def _account(name: str, day: date) -> dict[str, Any]:
    return {
        "account_id": name, "roles": ["author"], "display_name": f"Account {name[-8:]}",
        "handle": f"{name[-8:]}.example", "profile_from_later": False, "first_seen_day": day,
    }  # fmt: skip
