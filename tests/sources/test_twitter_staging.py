"""Twitter files through reader and staging SQL, held to the contracts of raw and staged tables.

Here: how the other tests of this source read a file, and the contract itself. Not here: facts about any format.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from sm_assets.contracts import TABLES
from sm_assets.contracts.staging import DELIVERS
from sm_assets.sources.reading import REJECT_SCHEMA, ReadOptions, record_schema
from sm_assets.sources.twitter import open_file
from sm_assets.sources.twitter_fields import SNOWFLAKE_EPOCH_MS

SQL = Path(__file__).parents[2] / "sql"
KINDS = ("tweets", "users", "compliance")
ENTITIES = DELIVERS["twitter"].split()
Rows = list[dict[str, Any]]
NOON = datetime(2021, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
ANN, BOB, CAT = "1000000000000000001", "1000000000000000002", "1000000000000000003"
SEEN = "2021-03-02T08:00:00+00:00"
SEARCH = "https://api.twitter.com/2/tweets/search/all?query=x"
LOOK_UP = "https://api.twitter.com/2/tweets?ids=1,2"


@dataclass
class Read:
    """What files gave: raw rows by kind, rejects, manifests by file name, staged rows by entity."""

    raw: dict[str, pa.Table] = field(default_factory=dict)
    rejects: Rows = field(default_factory=list)
    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)
    staged: dict[str, Rows] = field(default_factory=dict)

    @property
    def manifest(self) -> dict[str, Any]:
        (manifest,) = self.manifests.values()
        return manifest

    def rows(self, kind: str) -> Rows:
        return self.raw[kind].to_pylist()

    def winners(self, entity: str, *key: str) -> dict[Any, dict[str, Any]]:
        """The row that core keeps of each key (formats 4.2), versions of posts taken together."""
        alias = {alias: post["post_id"] for post in self.staged["posts"] for alias in post["alias_ids"] or ()}
        best: dict[Any, dict[str, Any]] = {}
        for staged in self.staged[entity]:
            row = staged | {n: alias.get(v, v) for n, v in staged.items() if n in ("object_post_id", "quoted_post_id")}
            whole, own = not row.get("text_is_truncated"), not row["is_context"]
            place = (row["source_file"], row["source_row"], row["source_item"])
            row["_order"] = (row.get("revision", ""), whole, own, row["observed_at"], *place)
            name = tuple(row[part] for part in key)
            if name not in best or row["_order"] > best[name]["_order"]:
                best[name] = row
        return best

    def children(self, entity: str) -> Rows:
        """Children of the posts that core keeps."""
        kept = {
            (post["source_sha256"], post["source_row"], post["source_item"])
            for post in self.winners("posts", "post_id").values()
        }
        return [r for r in self.staged[entity] if (r["source_sha256"], r["source_row"], r["source_item"]) in kept]

    def accounts_seen(self) -> set[str]:
        """Accounts in any role (formats 4.5)."""
        seen = {row["account_id"] for name in ("posts", "accounts", "interactions") for row in self.staged[name]}
        seen |= {row["object_account_id"] for row in self.staged["interactions"]}
        seen |= {row["mentioned_account_id"] for row in self.staged["post_mentions"]}
        return seen - {None}


def read(*paths: Path, **options: object) -> Read:
    """Read files, check raw rows, stage them, check the staged rows."""
    result = Read()
    batches: dict[str, list[pa.Table]] = {kind: [] for kind in KINDS}
    for path in paths:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        with open_file(path, ReadOptions(**options)) as reader:  # type: ignore[arg-type]  # passed on
            rejects: Rows = []
            for chunk in reader:
                assert chunk.rejects.schema.equals(REJECT_SCHEMA)
                rejects += chunk.rejects.to_pylist()
                for kind, batch in chunk.records.items():
                    assert batch.schema.equals(record_schema("twitter", kind))
                    batches[kind].append(_with_place(batch, path, sha256, reader.manifest["vintage"]))
            manifest = reader.manifest
        json.dumps(manifest)
        places = [(reject["line"], reject["byte_offset"]) for reject in rejects]
        assert len(places) == len(set(places))
        out = manifest["rows_out"]
        assert manifest["rows_in"] == out + len(rejects) + sum(manifest["ignored"].values())
        assert len(rejects) == sum(manifest["rejected"].values())
        result.rejects += rejects
        result.manifests[path.name] = manifest
    con = duckdb.connect()
    for kind in KINDS:
        table = TABLES[f"raw_twitter__{kind}"]
        empty = table.plain_schema.empty_table()
        result.raw[kind] = pa.concat_tables([empty, *(part.select(table.column_names) for part in batches[kind])])
        con.register(table.name, result.raw[kind])
        _hold(con, table.name, table.name)
    for entity in ENTITIES:
        name = f"stg_twitter__{entity}"
        con.execute(
            f"create table {name} as {(SQL / 'staging' / 'twitter' / f'{name}.sql').read_text(encoding='utf-8')}"
        )
        _hold(con, name, name)
        result.staged[entity] = con.table(name).to_arrow_table().to_pylist()
        counts = SQL / "counts" / f"{name}.sql"
        if counts.exists():
            expected = con.execute(counts.read_text(encoding="utf-8")).fetchall()
            assert expected == [("rows_in", len(result.staged[entity]))]
    return result


def _with_place(batch: pa.RecordBatch, path: Path, sha256: str, vintage: str) -> pa.Table:
    table = pa.Table.from_batches([batch])
    for name, value in (
        ("source_file", f"landing/twitter/{path.name}"), ("source_sha256", sha256), ("vintage", vintage),
        ("delivery", path.stem),
    ):  # fmt: skip
        table = table.append_column(name, pa.array([value] * len(table), pa.string()))
    return table


def _hold(con: duckdb.DuckDBPyConnection, contract: str, relation: str) -> None:
    table = TABLES[contract]
    found = [row[0] for row in con.execute(f"describe {relation}").fetchall()]
    assert table.missing_from(found) == ([], [])
    con.execute(table.cast_sql(relation)).fetchall()
    cursor = con.execute(table.rule_counts_sql(relation))
    broken = dict(zip([column[0] for column in cursor.description], cursor.fetchall()[0], strict=True))
    assert not any(broken.values()), {rule: rows for rule, rows in broken.items() if rows}
    assert con.execute(table.duplicates_sql(relation)).fetchall() == [(0,)], f"{relation}: keys repeat"


def write(path: Path, *records: object) -> Path:
    """One JSON value per line."""
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return path


def without(row: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The row without some columns."""
    return {name: value for name, value in row.items() if name not in set(names)}


def reasons(found: Read) -> list[str]:
    """Reasons of the rejects, in order."""
    return [reject["reason"] for reject in found.rejects]


def an_id(seconds: float = 0, number: int = 0, when: datetime = NOON) -> str:
    """Id of a tweet made `seconds` after noon."""
    ms = round((when + timedelta(seconds=seconds)).timestamp() * 1000)
    return str(((ms - SNOWFLAKE_EPOCH_MS) << 22) + number)


def moment(tweet_id: str) -> datetime:
    return datetime.fromtimestamp(((int(tweet_id) >> 22) + SNOWFLAKE_EPOCH_MS) / 1000, tz=UTC)


def v1(tweet_id: str, by: str = ANN, text: str = "hello", **more: Any) -> dict[str, Any]:
    return {
        "id": int(tweet_id) // 1000 * 1000,  # rounded by some tool
        "id_str": tweet_id,
        "created_at": f"{moment(tweet_id):%a %b %d %H:%M:%S +0000 %Y}",
        "text": text,
        "lang": "en",
        "user": {"id_str": by, "screen_name": f"Name{by[-1]}", "name": "N", "followers_count": 7},
        "retweet_count": 1,
        "favorite_count": 2,
        **more,
    }


def activity(tweet_id: str, by: str = ANN, text: str = "hello", **more: Any) -> dict[str, Any]:
    return {
        "id": f"tag:search.twitter.com,2005:{tweet_id}",
        "verb": "post",
        "postedTime": f"{moment(tweet_id):%Y-%m-%dT%H:%M:%S.000Z}",
        "body": text,
        "twitter_lang": "en",
        "actor": {
            "id": f"id:twitter.com:{by}",
            "preferredUsername": f"Name{by[-1]}",
            "displayName": "N",
            "followersCount": 7,
        },
        "retweetCount": 1,
        "favoritesCount": 2,
        "object": {"id": f"object:search.twitter.com,2005:{tweet_id}", "objectType": "note"},
        **more,
    }


def v2(tweet_id: str, by: str = ANN, text: str = "hello", **more: Any) -> dict[str, Any]:
    return {
        "id": tweet_id,
        "author_id": by,
        "created_at": f"{moment(tweet_id):%Y-%m-%dT%H:%M:%S.000Z}",
        "text": text,
        "lang": "en",
        "public_metrics": {
            "retweet_count": 1,
            "like_count": 2,
            "reply_count": 3,
            "quote_count": 4,
            "impression_count": 5,
        },
        **more,
    }


def v2_user(user: str = ANN, **more: Any) -> dict[str, Any]:
    return {"id": user, "username": f"Name{user[-1]}", "name": "N", "public_metrics": {"followers_count": 7}, **more}


def page(*tweets: Any, url: str = LOOK_UP, **more: Any) -> dict[str, Any]:
    return {"data": list(tweets), "__twarc": {"url": url, "retrieved_at": SEEN}, **more}


def test_what_is_staged_is_what_the_contract_lists() -> None:
    files = {path.stem.removeprefix("stg_twitter__") for path in (SQL / "staging" / "twitter").glob("*.sql")}
    assert files == set(ENTITIES)
    counted = {path.stem.removeprefix("stg_twitter__") for path in (SQL / "counts").glob("stg_twitter__*.sql")}
    assert counted == {"posts", "accounts", "interactions", "tombstones"}
