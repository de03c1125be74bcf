"""A planted secret is nowhere afterwards: not in the instance, the lake, what was printed or an error.

Here: the secrets that the settings and dagster.yaml take from the environment. Not here: what the secret does to keys
(`test_follow_features`).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
import pyarrow.parquet as pq
import pytest
from dagster._core.instance.ref import InstanceRef
from dagster._serdes import serialize_value
from follow_lake import FEATURES
from serving import instance_folder

from sm_assets import serve
from sm_assets.analysis import follow_keys
from sm_assets.contracts import TABLES
from sm_assets.defs.run import materialise_range
from sm_assets.errors import SettingsError
from sm_assets.settings import Settings

SECRET = "Planted-Secret-of-the-keys-4711"  # noqa: S105
PASSWORD = "Planted-Password-of-the-database-4711"  # noqa: S105
# Words that must be found, or the search finds nothing at all.
FOLLOWED, WRONG = "planted_influencer_0815", "Something planted went wrong 0815"
DAY = date(2024, 3, 1)
CHAIN = (*(name for name in TABLES if name.startswith(("raw_edges", "stg_edges"))), "core_follows", *FEATURES)


@dataclass
class Traces:
    """All that a good and a failed run left: bytes by the place where they lie."""

    found: dict[str, bytes] = field(default_factory=dict)

    def add_folder(self, folder: Path) -> None:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            self.found[str(path)] = path.read_bytes()
            if path.suffix == ".parquet":
                # Pages are compressed: the words lie in the rows and in the footer.
                table = pq.read_table(path, partitioning=None)
                self.found[f"{path} rows"] = repr((table.to_pylist(), table.schema.metadata)).encode()
            if path.suffix == ".duckdb":
                with duckdb.connect(str(path), read_only=True) as con:
                    told = con.sql("select view_name, sql, comment from duckdb_views()").fetchall()
                self.found[f"{path} views"] = repr(told).encode()

    def holding(self, word: str) -> list[str]:
        """Places that hold the word: plain, in hex, in base64."""
        plain = word.encode()
        forms = (plain, plain.hex().encode(), base64.b64encode(plain)[:-4])
        return [place for place, data in self.found.items() if any(form in data for form in forms)]


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traces]:
    folder = tmp_path_factory.mktemp("secret")
    export = folder / "data" / "landing" / "edges" / "follows.csv"
    export.parent.mkdir(parents=True)
    export.write_text("follower,influencer\n" + "".join(f"follower_{n},{FOLLOWED}\n" for n in range(150)))
    (export.parent / "follows.csv.meta.json").write_text(
        json.dumps({"platform": "twitter", "exported_at": f"{DAY}T12:00:00Z"})
    )
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        for name, value in {
            "DAGSTER_HOME": str(instance_folder(folder / "home")),
            "SM_ASSETS_DATA_ROOT": str(folder / "data"),
            "SM_ASSETS_PROFILE": "tiny",
            "SM_ASSETS_KEY_RULE": "secret",
            "SM_ASSETS_KEY_SECRET": SECRET,
            "DAGSTER_PG_PASSWORD": PASSWORD,
        }.items():
            patch.setenv(name, value)
        instance = stack.enter_context(dg.DagsterInstance.get())
        settings = Settings.from_env()
        assert settings.key_secret == SECRET

        def run(*tables: str) -> bool:
            return materialise_range(settings, DAY, DAY, tables=tables, instance=instance, log_level="DEBUG")

        assert run(*CHAIN)

        def broken(*_: object, **options: object) -> None:
            assert options["secret"] == SECRET.encode()
            raise RuntimeError(WRONG)

        patch.setattr(follow_keys, "numbered", broken)
        assert not run("feat_follow_keys")
        left = Traces()
        left.add_folder(folder)
        left.found["settings"] = repr(settings).encode()
        left.found["events"] = repr(instance.all_logs(instance.get_runs()[0].run_id)).encode()
        left.found["runs"] = repr([(run.tags, run.run_config) for run in instance.get_runs()]).encode()
        yield left


def test_the_search_finds_what_is_there(traces: Traces) -> None:
    assert [place for place in traces.holding(FOLLOWED) if place.endswith(" rows")]
    assert [place for place in traces.holding(WRONG) if place.endswith((".db", ".db-wal"))]
    assert "events" in traces.holding(WRONG)
    assert [place for place in traces.found if "compute_logs" in place or place.endswith((".err", ".out"))]


@pytest.mark.parametrize("word", [SECRET, PASSWORD])
def test_no_trace_of_a_secret_is_left(traces: Traces, word: str) -> None:
    assert traces.holding(word) == []


def test_a_secret_that_cannot_be_used_is_not_in_the_message() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"SM_ASSETS_KEY_RULE": "secret", "SM_ASSETS_KEY_SECRET": SECRET * 9})
    assert "1 to 64 bytes" in str(caught.value)
    assert SECRET not in repr(caught.value)


@pytest.mark.parametrize(
    "root",
    [
        f"s3://KEY:{SECRET}@bucket/data",
        f"s3://KEY:{SECRET}/with+slash@bucket",
        f"s3://:{SECRET}@bucket",
        f"abfs://container/data?sig={SECRET}",
        f"sftp://me:{SECRET}@host/data",
    ],
)
def test_a_data_root_with_credentials_is_refused_and_not_repeated(
    root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"SM_ASSETS_DATA_ROOT": root})
    assert SECRET not in repr(caught.value)
    assert "environment" in str(caught.value)
    monkeypatch.setenv("SM_ASSETS_DATA_ROOT", root)
    assert serve.main(["--home", str(tmp_path), "--port", "0"]) == 2
    said = "".join(capfd.readouterr())
    assert "credentials" in said
    assert SECRET not in said


@pytest.mark.parametrize(
    "root", ["s3://bucket/data", "abfs://container@account.dfs.core.windows.net/data", "s3://bucket/day=1/me@work"]
)
def test_a_data_root_without_credentials_is_taken(root: str) -> None:
    assert Settings.from_env({"SM_ASSETS_DATA_ROOT": root}).data_root == root


def test_servers_pass_on_the_name_of_a_password_and_not_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # `dagster dev` hands the instance to its children on their command lines, which everybody on the machine may read.
    monkeypatch.setenv("DAGSTER_PG_PASSWORD", PASSWORD)
    (tmp_path / "dagster.yaml").write_text(
        "storage:\n  postgres:\n    postgres_db:\n      hostname: 127.0.0.1\n      db_name: dagster\n"
        "      username: dagster\n      password: {env: DAGSTER_PG_PASSWORD}\n"
    )
    handed_on = serialize_value(InstanceRef.from_dir(str(tmp_path)))
    assert "DAGSTER_PG_PASSWORD" in handed_on
    assert PASSWORD not in handed_on
