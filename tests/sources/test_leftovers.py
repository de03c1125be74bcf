"""Conversions of landing files that are gone: when they go, what stays, what happens when the bytes come back."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import test_purges as purged
from conftest import digests, some_posts, write_export

from sm_assets.contracts import TABLES
from sm_assets.settings import Settings
from sm_assets.sources import leftovers
from sm_assets.sources.intake import take_in
from sm_assets.sources.leftovers import drop_leftovers
from sm_assets.sources.publication import raw_rows
from sm_assets.storage import Lake

FIRST = date(2021, 7, 1)
LATER = datetime.now(UTC) + timedelta(days=1000)


def conversions(lake: Lake) -> dict[str, int]:
    """Converted directory -> Parquet files in it."""
    folders = [path for path in Path(lake.path("lake", "_ingest")).iterdir() if path.is_dir()]
    return {path.name: len(list(path.rglob("*.parquet"))) for path in folders}


def drop(lake: Lake) -> int:
    """Remove what nobody needs and was seen gone long ago; how many conversions went."""
    looks = (LATER - timedelta(days=31), LATER)
    return sum(each.items for now in looks for each in drop_leftovers(lake, 30, dry_run=False, now=now))


def export(settings: Settings, shares: int = 1, name: str = "posts.csv") -> Path:
    path = Path(settings.data_root) / "landing" / "crowdtangle" / name
    return write_export(path, some_posts(FIRST, 2, pages=1, shares=shares))


def test_a_conversion_goes_when_its_bytes_are_gone_and_feed_no_day(lake: Lake, settings: Settings) -> None:
    export(settings)
    intake = take_in(lake, "crowdtangle")
    old = intake.files[0].sha256
    table = TABLES["raw_crowdtangle__posts"]
    days = [FIRST, FIRST + timedelta(days=1)]
    lake.publish(table, raw_rows(lake, intake, "posts", days), days, is_sorted=True)
    rows = conversions(lake)
    assert drop(lake) == 0, "it lies under landing/"

    export(settings, shares=2)
    told = list(drop_leftovers(lake, 30, dry_run=False, now=LATER))
    assert "was not taken in yet" in told[0].why
    intake = take_in(lake, "crowdtangle")
    assert drop(lake) == 0, "it feeds published days"

    lake.publish(table, raw_rows(lake, intake, "posts", days), days, is_sorted=True)
    seen = LATER - timedelta(days=40)
    assert not list(drop_leftovers(lake, 30, dry_run=True, now=seen)), "a dry run notes nothing"
    assert not list(drop_leftovers(lake, 30, dry_run=False, now=seen)), "it was never seen gone before"
    assert not list(drop_leftovers(lake, 30, dry_run=False, now=seen + timedelta(days=29))), "it went 29 days ago"
    assert sum(each.items for each in drop_leftovers(lake, 30, dry_run=True, now=LATER)) == 1
    assert conversions(lake)[old] == rows[old]
    assert drop(lake) == 1
    assert conversions(lake)[old] == 0
    assert conversions(lake)[intake.files[0].sha256] == rows[old]
    assert take_in(lake, "crowdtangle").converted == ()
    assert drop(lake) == 0


def test_bytes_that_come_back_give_the_same_rows(lake: Lake, settings: Settings) -> None:
    path = export(settings)
    first = take_in(lake, "crowdtangle")
    manifest = Path(first.files[0].place("manifest.json"))
    # As if converted long ago: rows without a time lie on that day.
    told = json.loads(manifest.read_text(encoding="utf-8")) | {"first_converted": "2020-02-02"}
    manifest.write_text(json.dumps(told), encoding="utf-8")
    before = digests(Path(first.files[0].folder), below="")
    path.rename(path.with_name("_posts.csv"))
    take_in(lake, "crowdtangle")
    assert drop(lake) == 1
    path.with_name("_posts.csv").rename(path)
    again = take_in(lake, "crowdtangle")
    assert again.converted == ("landing/crowdtangle/posts.csv",)
    assert again.files[0].manifest["first_converted"] == "2020-02-02"
    assert digests(Path(again.files[0].folder), below="") == before


def test_what_was_set_aside_stays(lake: Lake, settings: Settings) -> None:
    path = export(settings)
    take_in(lake, "crowdtangle")
    path.with_name("posts.csv.meta.json").write_text('{"encoding": "klingon"}', encoding="utf-8")
    assert take_in(lake, "crowdtangle").unusable
    assert drop(lake) == 0


def test_an_interrupted_removal_is_finished_and_never_read(
    lake: Lake, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = export(settings)
    old = take_in(lake, "crowdtangle").files[0]
    path.unlink()
    take_in(lake, "crowdtangle")

    def dies(_lake: Lake, _folder: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(leftovers, "remove_folder", dies)
        with pytest.raises(KeyboardInterrupt):
            drop(lake)
    assert conversions(lake)[old.sha256]
    assert drop(lake) == 1
    assert not conversions(lake)[old.sha256]
    export(settings)
    assert take_in(lake, "crowdtangle").converted == ("landing/crowdtangle/posts.csv",)


def test_purged_words_do_not_come_back(lake: Lake, settings: Settings) -> None:
    records = purged.gone_of_bluesky()
    for name, lines in records.items():
        purged.land(settings, "bluesky", f"{name}.jsonl", lines)
    take_in(lake, "bluesky")
    assert not purged.holding(settings)
    # The captures leave landing/ and come back later; the withdrawals have been there all the time.
    landing = Path(settings.data_root) / "landing" / "bluesky"
    for name in "ab":
        (landing / f"{name}.jsonl").rename(landing / f"_{name}.jsonl")
    take_in(lake, "bluesky")
    assert drop(lake) == 2
    for name in "ab":
        (landing / f"_{name}.jsonl").rename(landing / f"{name}.jsonl")
    take_in(lake, "bluesky")
    assert not purged.holding(settings)


def test_without_a_list_of_what_was_taken_in_nothing_goes(lake: Lake, settings: Settings) -> None:
    export(settings)
    take_in(lake, "crowdtangle")
    Path(lake.path("lake", "_ingest", "crowdtangle.json")).unlink()
    told = list(drop_leftovers(lake, 30, dry_run=False, now=LATER))
    assert [(each.name, each.items) for each in told] == [("crowdtangle", 0)]
    assert all(conversions(lake).values())
