"""The landing folder: what is data, what sidecars say, what stops a run."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from sm_assets.errors import LandingError
from sm_assets.sources.landing import discover, fingerprints
from sm_assets.storage import Lake


def put(lake: Lake, path: str, content: str = "x") -> Path:
    target = Path(lake.path("landing", path))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(content, encoding="utf-8")
    return target


def found(lake: Lake) -> list[str]:
    return [delivery.path.removeprefix("landing/crowdtangle/") for delivery in discover(lake, "crowdtangle")]


def test_files_at_any_depth_whatever_their_names(lake: Lake) -> None:
    for name in (
        "b.csv",
        "a",
        "x/y/z.txt",
        "x/.hidden",
        "_skip",
        "x/c.csv.part",
        "d.tmp",
        "e.crdownload",
        "README.md",
        "_d/f.csv",
    ):
        put(lake, f"crowdtangle/{name}")
    put(lake, "crowdtangle/a.meta.json", "{}")
    put(lake, "README.txt")
    assert found(lake) == ["a", "b.csv", "x/y/z.txt"]


def test_no_landing_folder_is_no_file(lake: Lake) -> None:
    assert discover(lake, "crowdtangle") == []


def test_an_unknown_folder_is_an_error_that_lists_the_known(lake: Lake) -> None:
    put(lake, "crowdtangel/a.csv")
    with pytest.raises(LandingError, match="landing/crowdtangel/ is no known source; known are bluesky, crowdtangle"):
        discover(lake, "crowdtangle")


def test_a_file_beside_the_sources_is_an_error(lake: Lake) -> None:
    put(lake, "a.csv")
    with pytest.raises(LandingError, match=r"landing/a\.csv lies outside"):
        discover(lake, "crowdtangle")


def test_the_nearest_sidecar_wins_key_by_key(lake: Lake) -> None:
    put(lake, "crowdtangle/x/y/a.csv")
    put(lake, "crowdtangle/x/y/b.csv")
    put(lake, "crowdtangle/_meta.json", json.dumps({"zone": "UTC", "encoding": "cp1252"}))
    put(lake, "crowdtangle/x/_meta.json", json.dumps({"zone": "EST"}))
    put(
        lake,
        "crowdtangle/x/y/a.csv.meta.json",
        json.dumps(
            {
                "exported_at": "2021-07-06T01:00:00+02:00",
                "coverage": {"from": "2021-07-01", "to": "2021-07-05"},
                "collection": "c",
            }
        ),
    )
    a, b = (delivery.sidecar for delivery in discover(lake, "crowdtangle"))
    assert (a.zone, a.encoding, b.zone) == ("EST", "cp1252", "EST")
    assert a.exported_at == datetime(2021, 7, 5, 23, tzinfo=UTC)
    assert a.coverage == (date(2021, 7, 1), date(2021, 7, 5))
    assert a.collection == "c"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"zones": "UTC"}', "unknown keys zones; known are"),
        ("{", "is no JSON"),
        ("[]", "holds list; expected an object"),
        ('{"exported_at": "2021-07-06T01:00:00"}', "has no zone"),
        ('{"exported_at": "yesterday"}', "expected a time like"),
        ('{"coverage": {"from": "2021-07-05"}}', "expected {from"),
        ('{"coverage": {"from": "2021-07-05", "to": "2021-07-01"}}', "before it begins"),
        ('{"columns": {"a": 1}}', "columns must map"),
        ('{"zone": 3}', "zone is 3"),
    ],
)
def test_a_typo_in_a_sidecar_does_not_pass_as_a_setting(lake: Lake, content: str, message: str) -> None:
    put(lake, "crowdtangle/a.csv")
    put(lake, "crowdtangle/a.csv.meta.json", content)
    with pytest.raises(LandingError, match=message):
        discover(lake, "crowdtangle")


@pytest.mark.parametrize("name", ["_meta.json", "crowdtangle.meta.json"])
def test_a_sidecar_above_the_sources_is_an_error(lake: Lake, name: str) -> None:
    put(lake, "crowdtangle/a.csv")
    put(lake, name, '{"zone": "UTC"}')
    with pytest.raises(LandingError, match=rf"landing/{name} .*move it to landing/<source>/_meta\.json"):
        discover(lake, "crowdtangle")


def test_a_sidecar_of_no_file_is_an_error(lake: Lake) -> None:
    put(lake, "crowdtangle/x/a.csv.part")
    put(lake, "crowdtangle/x/a.csv.meta.json", "{}")
    put(lake, "crowdtangle/_old/b.csv.meta.json", "{}")
    assert found(lake) == [], "a download under way, and a folder that is left alone"
    put(lake, "crowdtangle/x/b.cvs.meta.json", "{}")
    with pytest.raises(LandingError, match=r"crowdtangle/x/b\.cvs\.meta\.json speaks of b\.cvs, .* no such file"):
        discover(lake, "crowdtangle")


def test_unchanged_files_are_not_read_again(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    a = put(lake, "crowdtangle/a.csv", "one")
    put(lake, "crowdtangle/b.csv", "one")
    first = fingerprints(lake, discover(lake, "crowdtangle"))
    assert len(set(first.values())) == 1
    read: list[str] = []
    monkeypatch.setattr("sm_assets.sources.landing._sha256", lambda _, delivery: read.append(delivery.path) or "new")
    assert fingerprints(lake, discover(lake, "crowdtangle")) == first
    assert read == []
    a.write_text("other", encoding="utf-8")
    assert fingerprints(lake, discover(lake, "crowdtangle"))["landing/crowdtangle/a.csv"] == "new"
    assert read == ["landing/crowdtangle/a.csv"]
