"""The demo's summary, on a lake of five accounts counted by hand."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sm_assets.demo.summary import summary
from sm_assets.errors import UncoveredDays

DAY = "day=2024-03-17"


def publish(root: Path, table: str, rows: list[dict[str, Any]], schema: dict[str, pa.DataType]) -> None:
    folder = root / table
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, pa.schema(schema)), folder / "part-0.parquet")


def member(number: int, name: str | None, followers: int | None, cluster_id: int | None, status: str) -> dict[str, Any]:
    return {
        "platform": "facebook", "account_id": str(number), "display_name": name, "handle": None, "followers": followers,
        "cluster_id": cluster_id, "status": status,
    }  # fmt: skip


def pair(post_a: str, post_b: str) -> dict[str, Any]:
    """Two posts, the second of which came first."""
    return {
        "platform_a": "facebook", "sample_post_id_a": post_a, "first_at_a": datetime(2024, 3, 1, 12),
        "platform_b": "facebook", "sample_post_id_b": post_b, "first_at_b": datetime(2024, 3, 1, 11),
    }  # fmt: skip


def planted(number: int, network: int | None, kind: str) -> dict[str, Any]:
    return {"platform": "facebook", "account_id": str(number), "actor": number, "network": network, "kind": kind}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    text, number, time = pa.string(), pa.int64(), pa.timestamp("us")
    publish(
        tmp_path, f"lake/out_cosharing_clusters/{DAY}",
        [{"cluster_id": 0, "cluster_size": 3, "n_contents": 7, "cluster_lang": "de", "top_preview": "x",
          "first_shared_at": datetime(2024, 2, 20), "last_shared_at": datetime(2024, 3, 16)}],
        {"cluster_id": number, "cluster_size": number, "n_contents": number, "cluster_lang": text, "top_preview": text,
         "first_shared_at": time, "last_shared_at": time},
    )  # fmt: skip
    publish(
        tmp_path, f"lake/out_cosharing_members/{DAY}",
        [member(1, "Grün", 9, 0, "member"), member(2, None, 5, 0, "member"), member(3, "Rot", None, 0, "member"),
         member(4, "Beides", 5, None, "aggregator"), member(5, "Allein", 5, None, "unshared")],
        {"platform": text, "account_id": text, "display_name": text, "handle": text, "followers": number,
         "cluster_id": number, "status": text},
    )  # fmt: skip
    link = {"cluster_id": 0, "content_kind": "link", "content_id": "b", "n_accounts": 3, "preview": "site.example"}
    said = {"cluster_id": 0, "content_kind": "text", "content_id": "a", "n_accounts": 2, "preview": "die fähre fährt"}
    viral = {"cluster_id": 0, "content_kind": "text", "content_id": "v", "n_accounts": 300, "preview": "viral"}
    publish(
        tmp_path, f"lake/out_cosharing_evidence/{DAY}",
        [said | pair("2_20", "1_10"), link | pair("1_11", "3_30"), viral | pair("1_12", "2_21"),
         viral | pair("1_12", "3_31")],
        {"cluster_id": number, "content_kind": text, "content_id": text, "n_accounts": number, "preview": text,
         "platform_a": text, "sample_post_id_a": text, "first_at_a": time,
         "platform_b": text, "sample_post_id_b": text, "first_at_b": time},
    )  # fmt: skip
    posts = {"1_10": "Die Fähre\nfährt wieder!", "1_11": "x", "1_12": "viral", "2_20": "DIE FÄHRE fährt wieder!"}
    publish(
        tmp_path, "lake/core_posts/day=2024-03-01",
        [{"platform": "facebook", "post_id": post_id, "text": words} for post_id, words in posts.items()],
        {"platform": text, "post_id": text, "text": text},
    )  # fmt: skip
    # Planted: {1, 2} and {3, 6}; 6 does not post in the window.
    publish(
        tmp_path, "truth",
        [planted(1, 0, "network"), planted(2, 0, "network"), planted(3, 1, "network"), planted(6, 1, "network"),
         planted(4, None, "aggregator"), planted(5, None, "organic")],
        {"platform": text, "account_id": text, "actor": number, "network": number, "kind": text},
    )  # fmt: skip
    (tmp_path / "truth" / "part-0.parquet").rename(tmp_path / "truth" / "accounts.parquet")
    return tmp_path


def test_summary_names_pages_a_message_and_the_truth(lake: Path) -> None:
    assert summary(lake).splitlines() == [
        "1 network among 5 accounts that posted in the window ending 2024-03-17",
        "(3 accounts in networks, 1 left between networks on purpose).",
        "",
        "network 0: 3 accounts (facebook), de, 7 shared contents, 20 Feb to 16 Mar",
        "  names    Grün, 2, Rot",
        "  message  “Die Fähre fährt wieder!”",
        "",
        # planted pairs {1,2} {3,6}, found pairs {1,2} {1,3} {2,3}
        "Against the planted truth: 50 % of the pairs of one network are found, 33 % of the found",
        "pairs are of one network or one owner; 1 of 1 aggregators are kept out.",
    ]


def test_summary_without_tables_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UncoveredDays, match="make demo"):
        summary(tmp_path)
