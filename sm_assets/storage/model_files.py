"""Models of account attributes as files: `<data_root>/models/<attribute>/<model_id>/`.

Here: writing model.skops, manifest.json and card.md as one folder, and reading a model that is known to be ours. Not
here: training (`sm_assets.analysis`), what the card says.

Reading never runs what a file says: its SHA-256 is compared before anything of it is read, and skops, which stores
objects as descriptions, is allowed to make a handful of types beyond those it trusts itself. None of the files
can run code, and none is ever fetched from anywhere.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sm_assets.contracts.attribute_columns import ATTRIBUTE_NAME
from sm_assets.errors import ModelFileError
from sm_assets.storage.folders import replace_folder
from sm_assets.storage.lake import Lake

FOLDER: Final = "models"
MODEL, MANIFEST, CARD = "model.skops", "manifest.json", "card.md"
FORMAT: Final = 1
"""Version of the manifest's layout."""
ALLOWED: Final = (
    # The type of numbers in arrays.
    "numpy.dtype",
    # A calibrated pipeline holds its calibrated classifier, and that the sigmoid it was fitted with. (Isotonic
    # regressions skops trusts itself.)
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    # The nodes of a random forest's tree: arrays, behind a type of scikit-learn's own.
    "sklearn.tree._tree.Tree",
)
"""All types that a model may hold beyond those that skops trusts; nobody can add to them by configuration."""
_NAME: Final = re.compile(ATTRIBUTE_NAME)
_ID: Final = re.compile(r"[0-9a-f]{16}")
_ADDRESS: Final = re.compile(r'("__id__": |"file": ")(\d+)')
_SCHEMA: Final = "schema.json"
_AT: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model that was read.

    Attributes:
        model: the fitted pipeline.
        manifest: what it was made from, in words.
    """

    model: Any
    manifest: dict[str, Any]


def is_attribute_name(name: str) -> bool:
    """Whether an attribute can be the name of a folder: small letters, digits, underscores, 64 at most."""
    return _NAME.fullmatch(name) is not None


def write_model(
    lake: Lake, folder: Path, attribute: str, model_id: str, model: Any, manifest: dict[str, Any], card: str
) -> tuple[str, str]:
    """Write the three files aside, then put their folder in its place; SHA-256 of model and manifest.

    Args:
        lake: the data root.
        folder: an empty folder in a workspace of the lake.
        attribute: what the model tells.
        model_id: 16 hexadecimal digits.
        model: a fitted estimator.
        manifest: values that JSON knows; format, attribute, model_id and SHA-256 are added.
        card: Markdown.

    Raises:
        ModelFileError: names that no folder may have, or a model that holds what could not be read again.
    """
    _check_names(attribute, model_id)
    data = model_bytes(model)
    foreign = _foreign(data)
    if foreign:
        raise ModelFileError(f"The model of {attribute} holds {', '.join(foreign)}, which could not be read again.")
    told = {"format": FORMAT, "attribute": attribute, "model_id": model_id, "sha256": _sha256(data)} | manifest
    text = (json.dumps(told, ensure_ascii=True, indent=1, sort_keys=True) + "\n").encode("ascii")
    (folder / MODEL).write_bytes(data)
    (folder / MANIFEST).write_bytes(text)
    (folder / CARD).write_text(card, encoding="utf-8")
    replace_folder(lake, folder, FOLDER, attribute, model_id)
    return _sha256(data), _sha256(text)


def read_model(
    lake: Lake,
    attribute: str,
    model_id: str,
    *,
    sha256: str | None = None,
    manifest_sha256: str | None = None,
    versions: Mapping[str, str] | None = None,
) -> StoredModel:
    """A stored model, if it is what its manifest, and the table of models, say.

    Args:
        lake: the data root.
        attribute: what the model tells.
        model_id: 16 hexadecimal digits.
        sha256: of the model as the table of models has it; None: the manifest's is all there is.
        manifest_sha256: of the manifest, likewise.
        versions: what is installed, by name; a model of another version is not read. None: not compared.

    Raises:
        ModelFileError: a file is missing, is not what was published, is of another version, or holds another type
            than ours.
    """
    told = read_manifest(lake, attribute, model_id, manifest_sha256=manifest_sha256)
    _check_versions(told, attribute, model_id, versions or {})
    place = lake.path(FOLDER, attribute, model_id, MODEL)
    data = _read(lake, place, attribute)
    found, named = _sha256(data), told["sha256"]
    for expected, by in ((named, MANIFEST), (sha256 or named, "out_attribute_models")):
        if found != expected:
            raise ModelFileError(
                f"{place} has the SHA-256 {found[:16]}..., but {by} names {str(expected)[:16]}...: the file is not "
                "the one that was written. Nothing of it was read; materialise out_attribute_models again."
            )
    return StoredModel(_loaded(data, place), told)


def read_manifest(lake: Lake, attribute: str, model_id: str, *, manifest_sha256: str | None = None) -> dict[str, Any]:
    """The manifest of a stored model.

    Raises:
        ModelFileError: it is missing, is not what was published, or is no manifest of this model.
    """
    _check_names(attribute, model_id)
    place = lake.path(FOLDER, attribute, model_id, MANIFEST)
    text = _read(lake, place, attribute)
    if manifest_sha256 is not None and _sha256(text) != manifest_sha256:
        raise ModelFileError(
            f"{place} has the SHA-256 {_sha256(text)[:16]}..., but out_attribute_models names "
            f"{manifest_sha256[:16]}...: it was changed. Materialise out_attribute_models again."
        )
    try:
        told = json.loads(text)
    except ValueError as error:
        raise ModelFileError(f"{place} is no JSON ({error}); materialise out_attribute_models again.") from error
    expected = {"format": FORMAT, "attribute": attribute, "model_id": model_id}
    found = {name: told.get(name) for name in expected} if isinstance(told, dict) else {"type": type(told).__name__}
    if found != expected or not isinstance(told.get("sha256"), str):
        raise ModelFileError(
            f"{place} says {found} of itself; expected are {expected} and a sha256. Materialise out_attribute_models "
            "again."
        )
    return dict(told)


def stored_models(lake: Lake) -> list[tuple[str, str]]:
    """Attribute and id of every model whose folder is there, sorted; what else lies below models/ is left out."""
    return sorted(
        (attribute, model_id)
        for attribute in _names(lake, FOLDER)
        if is_attribute_name(attribute)
        for model_id in _names(lake, FOLDER, attribute)
        if _ID.fullmatch(model_id)
    )


def _names(lake: Lake, *folder: str) -> list[str]:
    """What lies in a folder; nothing where there is none."""
    place = lake.path(*folder)
    found = lake.fs.ls(place, detail=False) if lake.fs.exists(place) else []
    return [str(each).rstrip("/").rsplit("/", 1)[-1] for each in found]


def drop_model(lake: Lake, attribute: str, model_id: str) -> None:
    """Remove a model's folder, if it is there.

    Raises:
        ModelFileError: names that no folder may have.
    """
    _check_names(attribute, model_id)
    place = lake.path(FOLDER, attribute, model_id)
    with lake.locked("folders"):
        if lake.fs.exists(place):
            lake.fs.rm(place, recursive=True)


def model_bytes(model: Any) -> bytes:
    """A model in the format of skops; equal models give equal bytes.

    skops names the parts by their addresses in memory and notes the time. Here they are numbered as they come.
    """
    import skops.io

    numbers: dict[str, int] = {}
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(model))) as made, zipfile.ZipFile(out, "w") as put:
        schema = _ADDRESS.sub(
            lambda found: found[1] + str(numbers.setdefault(found[2], len(numbers))), made.read(_SCHEMA).decode()
        )
        parts = {}
        for name in made.namelist():
            stem, _, ending = name.partition(".")
            if name != _SCHEMA:
                parts[f"{numbers[stem]:08d}", f"{numbers[stem]}.{ending}"] = made.read(name)
        for (_, name), part in sorted(parts.items()):
            put.writestr(zipfile.ZipInfo(name, _AT), part, zipfile.ZIP_DEFLATED)
        put.writestr(zipfile.ZipInfo(_SCHEMA, _AT), schema, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _loaded(data: bytes, place: str) -> Any:
    import skops.io

    foreign = _foreign(data, place)
    if foreign:
        raise ModelFileError(
            f"{place} holds {', '.join(foreign)}; models of ours hold none of these. Nothing of it was made."
        )
    model = skops.io.loads(data, trusted=list(ALLOWED))
    if not hasattr(model, "predict_proba"):
        raise ModelFileError(f"{place} holds a {type(model).__name__}, which gives no probabilities.")
    return model


def _foreign(data: bytes, place: str = "The model") -> list[str]:
    """Types that neither skops nor we trust."""
    import skops.io

    try:
        asked = skops.io.get_untrusted_types(data=data)
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError, ImportError) as error:
        raise ModelFileError(f"{place} is no model in the format of skops: {error}. Nothing of it was made.") from error
    return sorted(set(asked) - set(ALLOWED))


def _read(lake: Lake, place: str, attribute: str) -> bytes:
    try:
        return bytes(lake.fs.cat_file(place))
    except FileNotFoundError as error:
        raise ModelFileError(
            f"{place} is missing, but out_attribute_models names a model of {attribute} there. Materialise "
            "out_attribute_models again, or bring the folder back."
        ) from error


def _check_names(attribute: str, model_id: str) -> None:
    if not is_attribute_name(attribute) or _ID.fullmatch(model_id) is None:
        raise ModelFileError(
            f"There can be no model {model_id!r} of the attribute {attribute!r}: an attribute is named by small "
            "letters, digits and underscores, a model by 16 hexadecimal digits."
        )


def _check_versions(manifest: Mapping[str, Any], attribute: str, model_id: str, versions: Mapping[str, str]) -> None:
    """Refuse a model that another version of what reads it made: it may load and give other values all the same."""
    made = manifest.get("versions")
    had = made if isinstance(made, dict) else {}
    other = [name for name, version in versions.items() if had.get(name) != version]
    if other:
        told = "; ".join(f"{name} {had.get(name, 'of no version')}, here is {versions[name]}" for name in other)
        raise ModelFileError(
            f"The model {model_id} of {attribute} was made with {told}. Nothing of it was read: materialise "
            "out_attribute_models again, or install the versions that it was made with."
        )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
