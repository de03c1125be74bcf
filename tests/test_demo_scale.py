"""The demo's size: as many rows as were asked for, from ten on, and a firehose that no memory has to hold."""

from __future__ import annotations

import csv
import gzip
import json
import tracemalloc
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sm_assets.cli import main
from sm_assets.demo import World, world_of, write_jetstream
from sm_assets.demo.firehose import DEMO, HOUR, Firehose
from sm_assets.demo.residents import Residents
from sm_assets.demo.rhythm import shared_out, thinned
from sm_assets.errors import OptionError

POST = "app.bsky.feed.post"


def rows_below(landing: Path) -> Counter[str]:
    """Rows of all exports by source, counted in the files."""
    counts: Counter[str] = Counter()
    for path in landing.rglob("*"):
        source = path.relative_to(landing).parts[0]
        if path.is_dir() or path.name.endswith(".meta.json"):
            continue
        data = path.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode(errors="replace")
        if path.suffix == ".csv":
            counts[source] += sum(1 for _ in csv.reader(text.splitlines(keepends=True))) - 1
        elif path.name.startswith("search_"):
            counts[source] += sum(len(json.loads(line)["data"]) for line in text.splitlines())
        elif path.suffix == ".json":
            counts[source] += len(json.loads(text)["data"]["videos"])
        else:
            counts[source] += sum(bool(line) and not line.startswith("#") for line in text.split("\n"))
    return counts


@pytest.mark.parametrize("events", [10, 11, 60, 400, 2_500, 12_000, 40_000])
def test_a_world_has_about_as_many_rows_as_asked_for(events: int, tmp_path: Path) -> None:
    world_of(events, seed=3).write(tmp_path)
    counts = rows_below(tmp_path / "landing")
    assert 0.8 * events <= counts.total() <= 1.2 * events, counts
    assert set(counts) == {"crowdtangle", "bluesky", "twitter", "tiktok", "edges"}


def test_beyond_some_size_only_bluesky_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sm_assets.demo.world._LARGEST_SCALE", 0.05)
    small, large = world_of(20_000), world_of(25_000)
    assert small.scale == large.scale == 0.05
    assert large.rows.bluesky - small.rows.bluesky > 4_500
    assert (large.rows.pages, large.rows.twitter) == (small.rows.pages, small.rows.twitter)


@pytest.mark.parametrize("events", [-1, 0, 9, 10_000_001])
def test_numbers_of_events_out_of_range_are_refused(events: int) -> None:
    with pytest.raises(OptionError, match="events must lie between 10 and 10,000,000"):
        world_of(events)


def test_the_command_refuses_what_the_world_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--data-root", str(tmp_path), "--events", "3"]) == 2
    assert "events must lie between" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_one_source_alone_can_be_written(tmp_path: Path) -> None:
    files = World(scale=0.02).write(tmp_path, sources=("tiktok",))
    assert {path.name for path in (tmp_path / "landing").iterdir()} == {"tiktok"}
    assert all(path.exists() for path in files)


def firehose(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_firehose_has_the_mix_of_the_network(tmp_path: Path) -> None:
    write_jetstream(tmp_path / "events.jsonl", 20_000, seed=2)
    events = firehose(tmp_path / "events.jsonl")
    assert len(events) == 20_000
    times = [event["time_us"] for event in events]
    assert all(earlier < later for earlier, later in pairwise(times))
    shares: Counter[str] = Counter()
    for event in events:
        commit = event.get("commit")
        if commit is None or commit["collection"].endswith("profile"):
            shares["about accounts"] += 1
        else:
            shares[commit["operation"] if commit["operation"] == "delete" else commit["collection"]] += 1
    wished = {"app.bsky.feed.like": 0.7, "app.bsky.feed.repost": 0.1, "app.bsky.feed.post": 0.1,
              "app.bsky.graph.follow": 0.06, "delete": 0.03, "about accounts": 0.01}  # fmt: skip
    for what, share in wished.items():
        assert shares[what] / 20_000 == pytest.approx(share, rel=0.15, abs=0.002), what
    told = [event["commit"] for event in events if event["kind"] == "commit"]
    posts = [commit["record"] for commit in told if commit["collection"] == POST and "record" in commit]
    assert sum("reply" in post for post in posts) > 0.25 * len(posts)
    assert sum("embed" in post for post in posts) > 0.1 * len(posts)


def test_firehoses_are_equal_where_their_arguments_are(tmp_path: Path) -> None:
    for name, seed in (("one", 5), ("two", 5), ("other", 6)):
        write_jetstream(tmp_path / name, 3_000, seed, days=3)
    one, two, other = ((tmp_path / name).read_bytes() for name in ("one", "two", "other"))
    assert one == two != other
    write_jetstream(tmp_path / "packed.gz", 3_000, 5, days=3)
    assert gzip.decompress((tmp_path / "packed.gz").read_bytes()) == one
    days = {event["time_us"] // (24 * HOUR) for event in firehose(tmp_path / "one")}
    assert len(days) == 3


@pytest.mark.parametrize(("events", "days"), [(0, 1), (10, 0)])
def test_an_empty_firehose_is_refused(events: int, days: int, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="1 event and 1 day"):
        write_jetstream(tmp_path / "events.jsonl", events, days=days)
    assert not any(tmp_path.iterdir())


def peak_of(events: int, residents: Residents) -> int:
    """Bytes that are held at most while so many events go by, the residents' own not counted."""
    tracemalloc.start()
    live = Firehose(1, residents, DEMO, 0, 24 * HOUR)
    for hour, size in enumerate(shared_out(events, [1] * 24)):
        for _ in live.hour(hour * HOUR, size):
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_events() -> None:
    residents = Residents(1, [], 200)
    assert residents.influencers
    residents.follows(residents.all[-1])
    small, large = peak_of(8_000, residents), peak_of(24_000, residents)
    assert large < 1.25 * small + 400_000, (small, large)


def test_a_world_is_written_without_being_held(tmp_path: Path) -> None:
    world = World(1, 0.05, 20_000)
    tracemalloc.start()
    files = world.write(tmp_path, sources=("bluesky",))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    written = sum(path.stat().st_size for path in files)
    assert written > 8_000_000
    assert peak < written / 6, (peak, written)


def test_sharing_out_loses_nothing_and_thinning_keeps_both_ends() -> None:
    assert shared_out(10, (20, 2, 3, 45, 15, 7, 8)) == [2, 0, 0, 5, 1, 1, 1]
    assert sum(shared_out(1_001, (3, 1, 7, 7))) == 1_001
    assert thinned(range(100), 4) == [0, 33, 66, 99]
    assert thinned([1, 2], 5) == [1, 2]
    assert thinned([1, 2, 3], 1) == [1]
