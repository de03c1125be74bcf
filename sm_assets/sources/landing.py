"""The landing folder: which files there are, what their sidecars say, what their bytes are.

Here: discovery, fingerprints. Not here: what a sidecar may say (`sidecars`), what is inside a file (the source's
module) and its conversion (`convert`). Nothing under landing/ is ever written, moved or deleted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sm_assets.errors import LandingError
from sm_assets.sources import SOURCES
from sm_assets.sources.sidecars import Sidecar, stated
from sm_assets.storage import Lake

_IGNORED_PREFIXES = (".", "_", "README")
_IGNORED_SUFFIXES = (".tmp", ".part", ".crdownload", ".meta.json")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Delivery:
    """One file under landing/.

    Attributes:
        source: name of its source.
        path: path below the data root, with `/`.
        size: bytes.
        mtime: time of the last change as the file system writes it; tells whether a file changed, nothing else.
    """

    source: str
    path: str
    size: int
    mtime: str
    sidecar: Sidecar


def discover(lake: Lake, source: str) -> list[Delivery]:
    """All files delivered by `source`, by path.

    Raises:
        LandingError: a folder under landing/ that is no known source, a file outside the sources' folders, or a
            sidecar that is beside no file, has an unknown key or is not of the right form.
    """
    if not check_root(lake):
        return []
    found = lake.fs.find(lake.path("landing", source), detail=True)
    if lake.is_local:
        _no_link_out(Path(lake.path("landing", source)), found)
    sidecars = {_below(lake, path): path for path in found if is_sidecar(path.rsplit("/", 1)[-1])}
    _no_sidecar_without_file(sidecars, {_below(lake, path) for path in found})
    deliveries = []
    for path, entry in sorted(found.items()):
        below = _below(lake, path)
        if any(is_ignored(part) for part in below.split("/")[2:]):
            continue
        deliveries.append(Delivery(source, below, int(entry["size"]), stamp(entry), stated(lake, below, sidecars)))
    return deliveries


def _no_link_out(root: Path, found: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse links by which files from elsewhere would get into tables; the source's folder itself may be one.

    Raises:
        LandingError: a link to a file or folder outside, or to a folder within.
    """
    real = root.resolve()
    for place in sorted({str(Path(path).parent) for path in found} | {p for p, e in found.items() if e.get("islink")}):
        if not Path(place).resolve().is_relative_to(real):
            raise LandingError(
                f"{place} is a link out of landing/{root.name}/, to {Path(place).resolve()}; put the file itself there "
                "(a hard link will do), or mount its folder there."
            )
    for path in sorted(path for path, entry in found.items() if entry.get("islink") and Path(path).is_dir()):
        raise LandingError(f"{path} is a link to a folder; put the folder itself there, or remove the link.")


def check_root(lake: Lake) -> bool:
    """Hold landing/ itself to the folders of sources; whether it is there.

    Raises:
        LandingError: a folder that is no known source, a file outside the sources' folders, or a sidecar among them.
    """
    root = lake.path("landing")
    if not lake.fs.isdir(root):
        return False
    lake.fs.invalidate_cache()
    for entry in lake.fs.ls(root, detail=True):
        name = str(entry["name"]).rstrip("/").rsplit("/", 1)[-1]
        if entry["type"] == "directory" and not is_ignored(name) and name not in SOURCES:
            raise LandingError(f"landing/{name}/ is no known source; known are {', '.join(sorted(SOURCES))}.")
        if entry["type"] == "file" and is_sidecar(name):
            raise LandingError(
                f"landing/{name} speaks of no file; move it to landing/<source>/_meta.json, or name it "
                "landing/<source>/<file>.meta.json."
            )
        if entry["type"] == "file" and not is_ignored(name):
            raise LandingError(f"landing/{name} lies outside a source's folder; move it to landing/<source>/.")
    return True


def _no_sidecar_without_file(sidecars: Mapping[str, str], files: set[str]) -> None:
    for sidecar in sidecars:
        folder, _, name = sidecar.rpartition("/")
        if name == "_meta.json" or any(part.startswith(_IGNORED_PREFIXES) for part in sidecar.split("/")[2:]):
            continue
        file = sidecar.removesuffix(".meta.json")
        # The file may still be on its way, under the name of a download.
        if not files & {file, *(f"{file}{suffix}" for suffix in _IGNORED_SUFFIXES if suffix != ".meta.json")}:
            raise LandingError(
                f"{sidecar} speaks of {name.removesuffix('.meta.json')}, but {folder}/ has no such file; rename the "
                "sidecar, put the file beside it, or remove it."
            )


def _below(lake: Lake, path: str) -> str:
    return path[len(lake.path("")) :]


def is_sidecar(name: str) -> bool:
    """Whether a file of this name states something of others."""
    return name == "_meta.json" or name.endswith(".meta.json")


def is_ignored(name: str) -> bool:
    """Whether a file or folder of this name is no delivery."""
    return name.startswith(_IGNORED_PREFIXES) or name.endswith(_IGNORED_SUFFIXES)


def stamp(entry: Mapping[str, Any]) -> str:
    """When an entry of a file system last changed, as that writes it; of a store that knows no times, its tag."""
    return str(entry.get("mtime", entry.get("LastModified", entry.get("ETag", ""))))


@contextmanager
def local_copy(lake: Lake, delivery: Delivery, folder: Path) -> Any:
    """The file as a local path: itself, or a copy in `folder` when the data root is an object store."""
    if lake.is_local:
        yield Path(lake.path(delivery.path))
        return
    target = folder / "delivered" / Path(delivery.path).name
    target.parent.mkdir(parents=True, exist_ok=True)
    lake.fs.get_file(lake.path(delivery.path), str(target))
    yield target


def changed(lake: Lake, delivery: Delivery) -> bool:
    """Whether the file is no longer as it was discovered."""
    path = lake.path(delivery.path)
    lake.fs.invalidate_cache()
    if not lake.fs.exists(path):
        return True
    entry = lake.fs.info(path)
    return (int(entry["size"]), stamp(entry)) != (delivery.size, delivery.mtime)


def fingerprints(lake: Lake, deliveries: list[Delivery]) -> dict[str, str]:
    """SHA-256 of each file's bytes by path; files of unchanged size and time are not read again."""
    known = lake.read_json("lake", "_ingest", "fingerprints.json") or {}
    result = {}
    for delivery in deliveries:
        stamp = [delivery.size, delivery.mtime]
        entry = known.get(delivery.path)
        if entry is None or entry[:2] != stamp:
            known[delivery.path] = entry = [*stamp, _sha256(lake, delivery)]
        result[delivery.path] = entry[2]
    kept = {path: known[path] for path in sorted(known) if path in result or not path.startswith(_prefix(deliveries))}
    if kept != lake.read_json("lake", "_ingest", "fingerprints.json"):
        lake.write_json(kept, "lake", "_ingest", "fingerprints.json")
    return result


def _prefix(deliveries: list[Delivery]) -> str:
    return f"landing/{deliveries[0].source}/" if deliveries else "\0"


def _sha256(lake: Lake, delivery: Delivery) -> str:
    digest = hashlib.sha256()
    with lake.fs.open(lake.path(delivery.path), "rb") as source:
        while block := source.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()
