"""The demo world as lists of who follows whom: one CSV and one SNAP edge list, both of Twitter accounts.

Here: the files, their sidecars, and what such lists have: repeated edges, an edge of an account to itself, the opposite
order of columns. Not here: who follows whom (`residents`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Final

from sm_assets.demo.draws import Draws
from sm_assets.demo.files import write_lines, write_rows, write_sidecar
from sm_assets.demo.residents import Residents

_LATER_DAY: Final = 28
_IN_SNAP: Final = 5
_TWICE: Final = 0.01


def edges(residents: Residents) -> Iterator[tuple[str, str]]:
    """(follower, influencer) of all who are on Twitter, as Twitter's ids."""
    for resident in residents.on("twitter"):
        follower = residents.account_id("twitter", resident)
        for other in residents.follows(resident):
            yield follower, residents.account_id("twitter", residents.all[other])


def n_edges(residents: Residents) -> int:
    """Rows of both files together, repeated ones not counted."""
    return sum(
        len(residents.follows(resident)) * (1 if resident.actor % _IN_SNAP else 2)
        for resident in residents.on("twitter")
    )


def write_edges(folder: Path, seed: int, start: datetime, residents: Residents, limit: int | None = None) -> list[Path]:
    """Write the files and their sidecars below `folder`, at most about `limit` edges in all; returns them."""
    whole = n_edges(residents)
    limit = whole if limit is None else min(limit, whole)
    n_csv = limit * 5 // 6 if limit < whole else None
    if limit < 1:
        return []
    csv = write_rows(
        folder / "followers.csv",
        chain([("follower", "influencer")], _rows(seed, islice(edges(residents), n_csv or limit))),
    )
    facts = {
        "platform": "twitter", "direction": "first_follows_second",
        "exported_at": f"{start + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
    }  # fmt: skip
    files = [csv, write_sidecar(csv, facts)]
    if limit >= 6:
        snap = folder / "following.edgelist"
        files += write_lines(snap, _snap(residents, limit - n_csv if n_csv is not None else None))
        exported = f"{start + timedelta(days=_LATER_DAY):%Y-%m-%dT%H:%M:%SZ}"
        files.append(
            write_sidecar(snap, {"platform": "twitter", "direction": "second_follows_first", "exported_at": exported})
        )
    return files


def _rows(seed: int, rows: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """With some edges twice and one account that follows itself."""
    draws = Draws(seed, "edges")
    for number, row in enumerate(rows):
        yield row
        if number == 50:
            yield row[0], row[0]
        if draws.chance(_TWICE):
            yield row


def _snap(residents: Residents, limit: int | None) -> Iterator[str]:
    """A fifth of the followers, the influencer first, as SNAP writes graphs."""
    yield "# Directed graph: influencer and follower"
    yield "# FromNodeId\tToNodeId"
    told = 0
    for resident in residents.on("twitter"):
        if resident.actor % _IN_SNAP == 0:
            for other in residents.follows(resident):
                if limit is not None and told >= limit:
                    return
                told += 1
                followed = residents.account_id("twitter", residents.all[other])
                yield f"{followed}\t{residents.account_id('twitter', resident)}"
