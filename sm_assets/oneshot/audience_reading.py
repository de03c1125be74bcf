"""Edge files to follows in memory: each follow once, followers as keys, by followed account.

Here: what a file's sidecars state about it, reading, duplicates, files that look the wrong way round; every row
accounted for. Not here: the formats (`sm_assets.sources.edges`), what is found among the accounts (`audiences`).

Memory grows with the follows: 8 bytes for a follower's key and 4 for the followed account, about three times that
while they are sorted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from fsspec.implementations.local import LocalFileSystem

from sm_assets.kernels.account_keys import hash_ids
from sm_assets.kernels.sketch import mixed
from sm_assets.oneshot.audience_report import AudienceReport
from sm_assets.sources import SOURCES, edges
from sm_assets.sources.edges_rows import DIRECTIONS
from sm_assets.sources.reading import ReadOptions
from sm_assets.sources.sidecars import Sidecar, check_values, stated

SUSPECT_RATIO: Final = 10
"""Times as many followed accounts as followers in a file make its direction doubtful."""
_LANDING: Final = ("landing", "edges")

Keys = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Follows:
    """The follows of one platform.

    Attributes:
        account_ids: text[n], all followed accounts, ascending.
        keys: uint64[E], follower keys, sorted and unique within an account.
        indptr: int64[n + 1], where accounts begin in `keys`.
        labels: label of an account where a file of labels tells one.
        n_duplicates: follows that came more than once, without their first time.
    """

    account_ids: pa.Array
    keys: Keys
    indptr: Ints
    labels: dict[str, str]
    n_duplicates: int

    @property
    def sizes(self) -> Ints:
        """int64[n]: followers of each account."""
        return np.diff(self.indptr)

    def of_at_least(self, n_followers: int) -> tuple[pa.Array, Keys, Ints]:
        """Ids, keys and indptr of the accounts with so many followers."""
        sizes = self.sizes
        wanted = sizes >= n_followers
        indptr = np.concatenate([[0], np.cumsum(sizes[wanted])]).astype(np.int64)
        return self.account_ids.filter(pa.array(wanted)), self.keys[np.repeat(wanted, sizes)], indptr


@dataclass(slots=True)
class _Gathered:
    """Follows of one platform as they come; one entry per chunk, and where the files begin."""

    followers: list[Keys] = field(default_factory=list)
    followed: list[pa.DictionaryArray] = field(default_factory=list)
    files: list[tuple[Path, str | None, int]] = field(default_factory=list)  # path, direction assumed, first chunk
    labels: dict[str, str] = field(default_factory=dict)
    labelled: set[str] = field(default_factory=set)


def read_follows(
    paths: Sequence[Path],
    report: AudienceReport,
    *,
    platform: str = "other",
    direction: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Follows]:
    """Read edge files and files of labels.

    A sidecar beside a file (`FILE.meta.json`) or in its folder (`_meta.json`) is honoured and wins over the arguments;
    below landing/edges/ so are the folders, as in the lake.

    Args:
        paths: the files, in any order: what is told does not depend on it.
        report: where every row is accounted for.
        platform: whose accounts a file holds that does not state it.
        direction: who follows whom in a file where neither a sidecar states it nor the header names it; None: the first
            node follows the second.
        progress: called with a sentence now and then.

    Returns:
        Follows by platform, in the order of their names.

    Raises:
        InputError: a file that is no edge list or cannot be read, or a sidecar that states what cannot be used or what
            the header contradicts.
        LandingError: a sidecar of another form.
    """
    gathered: dict[str, _Gathered] = {}
    for path in paths:
        _read_file(path, gathered, report, platform, direction, progress or (lambda _: None))
    report.labelled = sum(len(each.labelled) for each in gathered.values())
    follows = {name: _sorted(name, gathered.pop(name), report) for name in sorted(gathered)}
    report.follows = sum(len(each.keys) for each in follows.values())
    report.duplicates = sum(each.n_duplicates for each in follows.values())
    return follows


def _read_file(
    path: Path,
    gathered: dict[str, _Gathered],
    report: AudienceReport,
    platform: str,
    direction: str | None,
    progress: Callable[[str], None],
) -> None:
    sidecar, place = _stated(path)
    if direction and sidecar.direction and direction != sidecar.direction:
        report.notice(f"{path}: its sidecar states the direction {sidecar.direction}, which holds over {direction}")
    folders = place.split("/")[1:-1]
    placed = folders[0] if folders and folders[0] in SOURCES["edges"].platforms else None
    options = ReadOptions(
        place=place,
        encoding=sidecar.encoding,
        columns=dict(sidecar.columns),
        platform=sidecar.platform or placed or platform,
        direction=sidecar.direction,
    )
    own = gathered.setdefault(options.platform or platform, _Gathered())
    with edges.open_file(path, options, unstated_direction=direction) as reader:
        told = reader.manifest
        assumed = told["direction"] if told.get("direction_origin") == "assumed" else None
        own.files.append((path, assumed, len(own.followers)))
        for chunk in reader:
            for row in chunk.rejects.select(["line", "reason", "raw_excerpt"]).to_pylist():
                report.reject(path, row["line"], row["reason"], row["raw_excerpt"] or "")
            if "edges" in chunk.records and len(chunk.records["edges"]):
                parsed = chunk.records["edges"].column("parsed")
                followers, followed = (parsed.field(f"{end}_account_id") for end in ("follower", "followed"))
                own.followers.append(hash_ids(options.platform or platform, followers))
                own.followed.append(followed.dictionary_encode())
                report.read += len(followers)
                progress(f"{report.read:,} follows read")
            if "nodes" in chunk.records:
                nodes = chunk.records["nodes"]
                ids = nodes.column("parsed").field("account_id").to_pylist()
                report.labels += len(ids)
                own.labelled.update(ids)
                own.labels |= {
                    account: label
                    for account, label in zip(ids, nodes.column("node_label").to_pylist(), strict=True)
                    if label
                }
        facts = reader.manifest
    report.files += 1
    report.rows += facts["rows_in"]
    report.accepted += facts["rows_out"]
    report.ignored.update(facts["ignored"])
    for notice in facts["notices"]:
        report.notice(f"{path}: {notice}")
    if not facts["rows_in"]:
        report.notice(f"{path}: holds no rows")


class _Disk:
    """What reading a sidecar asks of a lake."""

    fs = LocalFileSystem()


def _stated(path: Path) -> tuple[Sidecar, str]:
    """What the sidecars of a file state, and its place below a landing folder (else: in no folder).

    Raises:
        InputError, LandingError: a sidecar that cannot be used.
    """
    path = path.absolute()
    folders, place = [path.parent], f"edges/{path.name}"
    for folder in path.parents:
        if (folder.parent.name, folder.name) == _LANDING:
            inside = path.relative_to(folder)
            place = f"edges/{inside.as_posix()}"
            folders = [folder / part for part in inside.parents]
            break
    candidates = [*(folder / "_meta.json" for folder in folders), path.with_name(f"{path.name}.meta.json")]
    there = {str(name): str(name) for name in candidates if name.is_file()}
    sidecar = stated(cast(Any, _Disk()), str(path), there)
    check_values(SOURCES["edges"], sidecar)
    return sidecar, place


def _sorted(platform: str, gathered: _Gathered, report: AudienceReport) -> Follows:
    """Each follow once."""
    if not gathered.followers:
        return Follows(pa.array([], pa.string()), np.zeros(0, np.uint64), np.zeros(1, np.int64), gathered.labels, 0)
    unified = pa.chunked_array(gathered.followed).unify_dictionaries()
    ids = unified.chunk(unified.num_chunks - 1).dictionary.cast(pa.string())
    order = pc.sort_indices(ids).to_numpy()
    number = np.empty(len(ids), np.int32)
    number[order] = np.arange(len(ids), dtype=np.int32)
    accounts = np.concatenate([number[chunk.indices.to_numpy()] for chunk in unified.chunks])
    starts = np.concatenate([[0], np.cumsum([len(keys) for keys in gathered.followers])])
    gathered.followed.clear()
    keys = np.concatenate(gathered.followers)
    gathered.followers.clear()
    ids = ids.take(pa.array(order))
    _doubt_directions(platform, ids, accounts, keys, [(p, s, int(starts[at])) for p, s, at in gathered.files], report)

    by = np.lexsort((keys, accounts))
    accounts, keys = accounts[by], keys[by]
    del by
    new = np.ones(len(keys), np.bool_)
    np.logical_or(keys[1:] != keys[:-1], accounts[1:] != accounts[:-1], out=new[1:])
    n_duplicates = len(keys) - int(np.count_nonzero(new))
    if n_duplicates:
        accounts, keys = accounts[new], keys[new]
    sizes = np.bincount(accounts, minlength=len(ids))
    indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return Follows(ids, keys, indptr, gathered.labels, n_duplicates)


def _doubt_directions(
    platform: str,
    ids: pa.Array,
    accounts: npt.NDArray[np.int32],
    keys: Keys,
    files: list[tuple[Path, str | None, int]],
    report: AudienceReport,
) -> None:
    """Name the files whose direction was assumed and that look as if they had the other one."""
    ends = [*(start for _, _, start in files[1:]), len(keys)]
    slices = [slice(start, end) for (_, _, start), end in zip(files, ends, strict=True)]
    sure = [part for (_, assumed, _), part in zip(files, slices, strict=True) if assumed is None]
    own = hash_ids(platform, ids) if sure else keys[:0]

    def pairs(part: slice, *, turned: bool) -> Keys:
        one, other = keys[part], own[accounts[part]]
        return mixed(other) + one if turned else mixed(one) + other

    known = np.unique(np.concatenate([pairs(part, turned=False) for part in sure])) if sure else own
    for (path, assumed, _), part in zip(files, slices, strict=True):
        n = part.stop - part.start
        if assumed is None or not n:
            continue
        n_followers, n_followed = len(np.unique(keys[part])), len(np.unique(accounts[part]))
        reversed_here = int(np.isin(pairs(part, turned=True), known).sum()) if sure else 0
        if n_followed > SUSPECT_RATIO * n_followers:
            why = f"{n_followers:,} accounts follow {n_followed:,}"
        elif 2 * reversed_here > n:
            why = f"{reversed_here:,} of its {n:,} edges stand the other way round in files whose direction is told"
        else:
            continue
        is_usual = assumed == DIRECTIONS[0]
        first, second = ("first", "second") if is_usual else ("second", "first")
        report.notice(
            f"direction_suspect: {path}: {why}. It was read as 'the {first} column follows the {second}'; if the "
            f"{second} follows the {first}, say --direction {DIRECTIONS[is_usual]} or state it in a sidecar"
        )
