"""A lake with personas, their posts and vectors, as if they had been made; nothing before or behind them.

Here: a small world of three groups, published table by table. Not here: any fact about what is made of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.analysis.text_rules import TextRules
from sm_assets.contracts import TABLES
from sm_assets.defs.clustering_record import ClusteringRecord
from sm_assets.storage import Lake

DAY = date(2024, 3, 2)
THEMES = (
    "moon orbit probe nasa lander star comet launch",
    "soup bread onion garlic oven bake butter sauce",
    "goal match keeper corner coach fans league striker",
)
_DEFAULTS: dict[str, Any] = {
    "text": "x",
    "int64": 0,
    "int32": 0,
    "float64": 0.0,
    "bool": False,
    "timestamp": datetime.combine(DAY, time(9)),
}


def publish(
    lake: Lake,
    table: str,
    rows: Iterable[Mapping[str, Any]],
    days: Iterable[date],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Publish rows; columns that must not be null and are not given get any value that is allowed."""
    contract = TABLES[table]
    empty = {
        column.name: column.allowed[0]
        if column.allowed
        else max(_DEFAULTS[column.type], column.minimum or 0)
        if column.minimum is not None
        else _DEFAULTS[column.type]
        for column in contract.columns
        if not column.nullable and column.type in _DEFAULTS
    }
    full = [dict.fromkeys(contract.column_names) | empty | dict(row) for row in rows]
    data = pa.Table.from_pylist(full, contract.plain_schema)
    lake.publish(contract, data, list(days), metadata=lambda _: dict(metadata or {}))


@dataclass
class World:
    """Accounts of three themes, six posts each, over two days.

    Attributes:
        n_accounts: per theme.
        extra: more posts: (account number, text, day).
        names: display names by account number.
    """

    n_accounts: int = 8
    seed: int = 1
    extra: list[tuple[int, str, date]] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)

    def posts(self) -> list[dict[str, Any]]:
        """Rows of core_posts, with the theme and vector of each."""
        random = np.random.default_rng(self.seed)
        centres = np.eye(3, 16)
        said: list[tuple[int, str, date]] = []
        for account in range(3 * self.n_accounts):
            for number in range(6):
                words = random.choice(THEMES[account % 3].split(), 6)
                said.append((account, f"The {' '.join(words)} today!", DAY - timedelta(days=number % 2)))
        rows = []
        for number, (account, text, day) in enumerate([*said, *self.extra]):
            vector = centres[account % 3] + random.normal(size=16) * 0.1
            rows.append(
                {
                    "platform": "bluesky",
                    "post_id": f"post {number:04d}",
                    "account_id": f"did:plc:{account:03d}",
                    "posted_at": datetime.combine(day, time(10)) + timedelta(seconds=number),
                    "post_kind": "post",
                    "text": text,
                    "lang": "en",
                    "day": day,
                    "theme": account % 3,
                    "vector": (vector / np.linalg.norm(vector)).astype(np.float32),
                }
            )
        return rows

    def publish(self, lake: Lake) -> None:
        """All tables that summaries and maps read, for one as-of day."""
        posts = self.posts()
        days = sorted({row["day"] for row in posts})
        plain = [{name: value for name, value in row.items() if name in TABLES["core_posts"].by_name} for row in posts]
        publish(lake, "core_posts", plain, days)
        publish(lake, "feat_post_language", [_only(row, "feat_post_language") for row in posts], days)
        vectors = [
            _only(row, "feat_post_embeddings")
            | {"embedding": row["vector"].tolist(), "text_key": text_key(row["text"]), "embedder_id": "e" * 16}
            for row in posts
        ]
        publish(lake, "feat_post_embeddings", vectors, days)
        sums: dict[tuple[str, date], npt.NDArray[np.float64]] = {}
        for row in posts:
            sums[row["account_id"], row["day"]] = (
                sums.get((row["account_id"], row["day"]), np.zeros(16)) + row["vector"]
            )
        daily = [
            {
                "platform": "bluesky",
                "account_id": account,
                "embedding_sum": total.tolist(),
                "embedder_id": "e" * 16,
                "day": day,
            }
            for (account, day), total in sums.items()
        ]
        publish(lake, "feat_account_embeddings", daily, days)
        self.publish_personas(lake)

    def publish_personas(self, lake: Lake, *, members: bool = True) -> None:
        """out_personas of the as-of day, with its record."""
        rows = [
            {
                "platform": "bluesky",
                "account_id": f"did:plc:{account:03d}",
                "persona_id": account % 3 if members else None,
                "status": "member" if members else "too_few_accounts",
                "similarity": 0.9 if members else None,
                "display_name": self.names.get(account, f"Account {account}"),
                "params_hash": "a" * 16,
                "day": DAY,
            }
            for account in range(3 * self.n_accounts)
        ]
        geometry = {"personas": {"silhouette": [None] * 3, "nearest": [None] * 3}}
        record = ClusteringRecord("personas", "a" * 16, "e" * 16, TextRules(), record=geometry)
        publish(lake, "out_personas", rows, [DAY], record.metadata())


def text_key(text: str) -> str:
    """As posts' texts are keyed, but for normalising."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _only(row: Mapping[str, Any], table: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in TABLES[table].by_name}
