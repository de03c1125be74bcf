"""The read-only UI answers questions, refuses every mutation that its schema has, and changes not a byte.

Here: all mutations, as the schema names them. Not here: what people see in it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from serving import Server, instance_folder

pytestmark = pytest.mark.e2e

TYPE = "kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } }"
SCHEMA = f"""{{ __schema {{
  mutationType {{ fields {{ name type {{ {TYPE} }} args {{ name type {{ {TYPE} }} }} }} }}
  types {{
    kind name possibleTypes {{ name }} enumValues {{ name }}
    fields {{ name type {{ {TYPE} }} }} inputFields {{ name type {{ {TYPE} }} }}
  }}
}} }}"""
QUESTIONS = "{ permissions { permission value } runsOrError { ... on Runs { results { status } } } }"
# They change no data: a line for telemetry, which is off, and a mark that a dialog was seen.
HARMLESS = {"logTelemetry", "setNuxSeen"}
MARK = ".nux"
# Arguments that exclude each other, or that mean something else there.
_BY_ORIGIN: dict[str, Any] = {"id": None}
OWN: dict[str, dict[str, Any]] = {
    "launchRunReexecution": {"reexecutionParams": None},
    "launchPipelineReexecution": {"reexecutionParams": None},
    "reexecutePartitionBackfill": {"reexecutionParams": {"parentRunId": "ended", "strategy": "ALL_STEPS"}},
    "stopRunningSchedule": _BY_ORIGIN,
    "stopSensor": _BY_ORIGIN,
    "logTelemetry": {"clientTime": "1", "metadata": "{}"},
}
MANY = {"launchMultipleRunsResult", "terminateRunResults"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance with a run, a materialised day and a backfill in progress: things to destroy."""
    folder = instance_folder(tmp_path_factory.mktemp("read_only") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(folder))
        with dg.DagsterInstance.get() as instance:
            dg.materialize([thing], instance=instance)
            instance.report_runless_asset_event(dg.AssetMaterialization("core_posts", partition="2021-07-01"))
            for name, status in (("planted", "REQUESTED"), ("ended", "COMPLETED_FAILED")):
                instance.add_backfill(
                    PartitionBackfill(
                        backfill_id=name,
                        status=BulkActionStatus[status],
                        from_failure=False,
                        tags={},
                        backfill_timestamp=datetime.now(UTC).timestamp(),
                        partition_names=["2021-07-01"],
                    )
                )
    return folder


@dg.asset
def thing() -> None:
    """Something that was made."""


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with Server(home, home.parent / "data", target="serve-readonly") as served:
        served.wait_until_up()
        yield served


def state(home: Path) -> dict[str, str]:
    """What the instance holds: every row of every database, every other file."""
    found = {}
    for path in sorted(path for path in home.rglob("*") if path.is_file() and MARK not in path.parts):
        if path.suffix == ".db":
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as con:
                found[str(path)] = "\n".join(con.iterdump())
        elif not path.name.endswith(("-wal", "-shm")):
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


class Plausible:
    """Arguments for every mutation: real names where they name a thing that is there, else a value of the type."""

    def __init__(self, types: list[dict[str, Any]], known: Mapping[str, Any]) -> None:
        self.types = {made["name"]: made for made in types}
        self.known = known

    def asked(self, kind: dict[str, Any]) -> str:
        """What to ask of an answer of this type: nothing of a scalar, else its name and its message."""
        while kind["ofType"]:
            kind = kind["ofType"]
        made = self.types[kind["name"]]
        if made["kind"] not in {"UNION", "OBJECT", "INTERFACE"}:
            return ""
        asked = ["__typename"]
        for name in [possible["name"] for possible in made["possibleTypes"] or []] or [kind["name"]]:
            fields = {field["name"]: field["type"] for field in self.types[name]["fields"]}
            # Answers to many requests hold a list of answers.
            asked += [f"... on {name} {{ said_{name}: message }}"] if "message" in fields else []
            asked += [f"... on {name} {{ {many} {self.asked(fields[many])} }}" for many in MANY & set(fields)]
        return f"{{ {' '.join(asked)} }}"

    def value(self, name: str, kind: dict[str, Any]) -> Any:
        if name == "selector":
            # Of a run, a schedule or a sensor: the fields are those of its type.
            name = ""
        if name in self.known:
            return self.known[name]
        match kind["kind"]:
            case "NON_NULL":
                return self.value(name, kind["ofType"])
            case "LIST":
                return [self.value("", kind["ofType"])]
            case "ENUM":
                return self.types[kind["name"]]["enumValues"][0]["name"]
            case "INPUT_OBJECT":
                fields = self.types[kind["name"]]["inputFields"]
                wanted = [f for f in fields if f["type"]["kind"] == "NON_NULL" or f["name"] in self.known]
                return {f["name"]: self.value(f["name"], f["type"]) for f in wanted}
        scalars = {"Int": 1, "Float": 1.0, "Boolean": False, "RunConfigData": {}}
        return scalars.get(kind["name"], "planted")


def spelled(kind: dict[str, Any]) -> str:
    """A type as a query writes it."""
    match kind["kind"]:
        case "NON_NULL":
            return f"{spelled(kind['ofType'])}!"
        case "LIST":
            return f"[{spelled(kind['ofType'])}]"
    return str(kind["name"])


def known(home: Path) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home))
        with dg.DagsterInstance.get() as instance:
            run_id = instance.get_runs()[0].run_id
    place = {"repositoryName": "__repository__", "repositoryLocationName": "sm_assets"}
    posts = {"path": ["core_posts"]}
    days = {"assetKey": posts, "partitions": {"range": {"start": "2021-07-01", "end": "2021-07-01"}}}
    return {
        **place,
        "runId": run_id,
        "runIds": [run_id],
        "parentRunId": run_id,
        "backfillId": "planted",
        "jobName": "whole_chain",
        "pipelineName": "whole_chain",
        "repositorySelector": place,
        "assetKey": posts,
        "assetKeys": [posts],
        "assetSelection": [posts],
        "assetPartitionRanges": [days],
        "partitionNames": ["2021-07-01"],
        "partitionKeys": ["2021-07-01"],
    }  # fmt: skip


def answer_to(server: Server, mutation: dict[str, Any], plausible: Plausible) -> str:
    """How one mutation is answered: the type of the answer, or what GraphQL says."""
    arguments = mutation["args"]
    values = {arg["name"]: plausible.value(arg["name"], arg["type"]) for arg in arguments} | OWN.get(
        mutation["name"], {}
    )
    declared = ", ".join(f"${arg['name']}: {spelled(arg['type'])}" for arg in arguments)
    given = ", ".join(f"{arg['name']}: ${arg['name']}" for arg in arguments)
    named = f"{mutation['name']}({given})" if given else mutation["name"]
    query = f"{{ {named} {plausible.asked(mutation['type'])} }}"
    found = server.ask(f"mutation({declared}) {query}" if declared else f"mutation {query}", values)
    return f"{found.get('data')} {[error['message'] for error in found.get('errors', [])]}"


def test_every_mutation_is_refused_and_nothing_changes(server: Server, home: Path) -> None:
    assert "launches nothing" in "".join(server.said)
    schema = server.ask(SCHEMA)["data"]["__schema"]
    mutations = schema["mutationType"]["fields"]
    assert len(mutations) > 30
    plausible = Plausible(schema["types"], known(home))
    before = state(home)
    answers = {mutation["name"]: answer_to(server, mutation, plausible) for mutation in mutations}
    taken = {name: said for name, said in answers.items() if "Unauthorized" not in said and "permission" not in said}
    assert set(taken) == HARMLESS, taken
    assert state(home) == before


def test_it_still_answers_questions_and_says_what_nobody_may_do(server: Server) -> None:
    found = server.ask("{ permissions { permission value } runsOrError { ... on Runs { results { status } } } }")[
        "data"
    ]
    assert [run["status"] for run in found["runsOrError"]["results"]] == ["SUCCESS"]
    assert len(found["permissions"]) > 20
    assert not any(permission["value"] for permission in found["permissions"])


def test_it_listens_on_this_machine_only(server: Server) -> None:
    assert server.listening() == {f"127.0.0.1:{server.port}"}


def test_it_ends_with_all_that_it_started(server: Server) -> None:
    assert server.processes()
    server.end()
    assert server.processes() == {}
