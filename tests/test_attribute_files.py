"""Files of models: what was written is read again, anything else is refused before it is made.

Here: `storage.model_files`. Not here: the tables that name models (`test_attribute_models`).
"""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC, LinearSVC

from sm_assets.analysis.attribute_grids import CANDIDATES, estimator, points, preparation
from sm_assets.errors import ModelFileError
from sm_assets.settings import Settings
from sm_assets.storage import Lake
from sm_assets.storage.model_files import ALLOWED, drop_model, model_bytes, read_model, write_model

ID = "0123456789abcdef"
RANDOM = np.random.default_rng(1)
TRAITS = RANDOM.normal(size=(60, 4))
TRAITS[::9, 1] = np.nan
LABELS = np.array(["bot", "company", "person"])[RANDOM.integers(0, 3, 60)]
FOLDS = [(np.arange(30), np.arange(30, 60)), (np.arange(30, 60), np.arange(30))]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Settings(data_root=str(tmp_path), threads=1))


def fitted(model: Any = None, method: str = "sigmoid") -> Any:
    steps = Pipeline([*preparation(), ("model", LinearSVC(dual=False) if model is None else model)])
    made = CalibratedClassifierCV(steps, method=method, cv=FOLDS, ensemble=False).fit(TRAITS, LABELS)
    made.cv = None
    return made


def stored(lake: Lake, model: Any = None, attribute: str = "kind", model_id: str = ID) -> tuple[str, str]:
    with lake.workspace("test") as folder:
        staged = folder / "model"
        staged.mkdir()
        return write_model(
            lake, staged, attribute, model_id, fitted() if model is None else model, {"classes": ["a"]}, "# Card\n"
        )


def place(lake: Lake, name: str) -> Path:
    return Path(lake.path("models", "kind", ID, name))


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("algorithm", CANDIDATES)
def test_every_kind_of_model_is_read_as_it_was_written(lake: Lake, algorithm: str, method: str) -> None:
    model = fitted(estimator(algorithm, points(algorithm, "full", 4)[0], 1, 5), method)
    sha256, manifest_sha256 = stored(lake, model)
    found = read_model(lake, "kind", ID, sha256=sha256, manifest_sha256=manifest_sha256)
    assert np.array_equal(found.model.predict_proba(TRAITS), model.predict_proba(TRAITS))
    assert found.manifest["sha256"] == sha256
    assert place(lake, "card.md").read_text() == "# Card\n"
    assert sorted(path.name for path in place(lake, "card.md").parent.iterdir()) == [
        "card.md", "manifest.json", "model.skops",
    ]  # fmt: skip


def test_all_that_is_allowed_is_needed() -> None:
    needed = set()
    for model in (LinearSVC(dual=False), SVC(), RandomForestClassifier(3, random_state=1)):
        for method in ("sigmoid", "isotonic"):
            needed |= set(skops.io.get_untrusted_types(data=skops.io.dumps(fitted(model, method))))
    assert needed == set(ALLOWED)


def test_equal_models_have_equal_bytes() -> None:
    first = model_bytes(fitted(RandomForestClassifier(3, random_state=1)))
    kept = [object() for _ in range(999)]
    assert model_bytes(fitted(RandomForestClassifier(3, random_state=1))) == first
    assert kept
    assert model_bytes(fitted(RandomForestClassifier(3, random_state=2))) != first


@pytest.mark.parametrize("at", [0, 100, -1])
def test_one_other_byte_is_refused(lake: Lake, at: int) -> None:
    stored(lake)
    data = bytearray(place(lake, "model.skops").read_bytes())
    data[at] ^= 1
    place(lake, "model.skops").write_bytes(bytes(data))
    with pytest.raises(ModelFileError, match=r"has the SHA-256 .* Nothing of it was read"):
        read_model(lake, "kind", ID)


def test_a_manifest_and_model_that_agree_are_not_enough(lake: Lake) -> None:
    """Whoever changes both is still held to what the table of models says."""
    sha256, manifest_sha256 = stored(lake)
    stored(lake, fitted(SVC()))
    with pytest.raises(ModelFileError, match=r"model.skops .* out_attribute_models names"):
        read_model(lake, "kind", ID, sha256=sha256)
    with pytest.raises(ModelFileError, match=r"manifest.json .* it was changed"):
        read_model(lake, "kind", ID, manifest_sha256=manifest_sha256)


def test_an_edited_threshold_is_refused(lake: Lake) -> None:
    sha256, manifest_sha256 = stored(lake)
    path = place(lake, "manifest.json")
    path.write_text(path.read_text().replace('"a"', '"b"'))
    with pytest.raises(ModelFileError, match="it was changed"):
        read_model(lake, "kind", ID, sha256=sha256, manifest_sha256=manifest_sha256)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("[]", "says {'type': 'list'} of itself"),
        ('{"format": 1, "attribute": "country", "model_id": "0123456789abcdef", "sha256": "x"}', "'country'"),
        ('{"format": 9, "attribute": "kind", "model_id": "0123456789abcdef", "sha256": "x"}', "'format': 9"),
        ('{"format": 1, "attribute": "kind", "model_id": "0123456789abcdef"}', "a sha256"),
    ],
)
def test_a_manifest_of_something_else_is_refused(lake: Lake, text: str, said: str) -> None:
    stored(lake)
    place(lake, "manifest.json").write_text(text)
    with pytest.raises(ModelFileError, match=said.replace("{", r"\{").replace("}", r"\}")):
        read_model(lake, "kind", ID)


@pytest.mark.parametrize("name", ["manifest.json", "model.skops"])
def test_a_missing_file_is_named(lake: Lake, name: str) -> None:
    stored(lake)
    place(lake, name).unlink()
    with pytest.raises(ModelFileError, match=f"{name} is missing"):
        read_model(lake, "kind", ID)


class Evil:
    """Runs when it is unpickled."""

    ran: list[str] = []  # noqa: RUF012  # the one place that tells

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return Evil.ran.append, ("ran",)


def disguised(lake: Lake, data: bytes) -> None:
    """A model's file replaced, its manifest made to fit."""
    stored(lake)
    place(lake, "model.skops").write_bytes(data)
    path = place(lake, "manifest.json")
    told = json.loads(path.read_text()) | {"sha256": hashlib.sha256(data).hexdigest()}
    path.write_text(json.dumps(told))


def test_a_pickle_in_disguise_is_never_run(lake: Lake) -> None:
    disguised(lake, pickle.dumps(Evil()))
    with pytest.raises(ModelFileError, match=r"no model in the format of skops"):
        read_model(lake, "kind", ID)
    assert Evil.ran == []


def test_a_foreign_type_inside_a_true_model_is_never_made(lake: Lake) -> None:
    model = fitted()
    model.extra_ = pytest.approx(1.0)
    disguised(lake, skops.io.dumps(model))
    with pytest.raises(ModelFileError, match=r"ApproxScalar; models of ours hold none of these"):
        read_model(lake, "kind", ID)


def test_a_trusted_object_that_is_no_model_is_refused(lake: Lake) -> None:
    disguised(lake, skops.io.dumps({"no": "model"}))
    with pytest.raises(ModelFileError, match="holds a dict, which gives no probabilities"):
        read_model(lake, "kind", ID)


def test_an_empty_file_and_a_torn_one(lake: Lake) -> None:
    whole = skops.io.dumps(fitted())
    for data in (b"", whole[:200]):
        disguised(lake, data)
        with pytest.raises(ModelFileError, match="no model in the format of skops"):
            read_model(lake, "kind", ID)


def test_a_model_that_could_not_be_read_again_is_not_written(lake: Lake) -> None:
    model = fitted()
    model.extra_ = pytest.approx(1.0)
    with pytest.raises(ModelFileError, match="could not be read again"):
        stored(lake, model)
    assert not Path(lake.path("models", "kind")).exists()


@pytest.mark.parametrize(("attribute", "model_id"), [("../x", ID), ("kind", "../../etc"), ("Kind", ID), ("", ID)])
def test_names_never_lead_out_of_the_folder(lake: Lake, attribute: str, model_id: str) -> None:
    for call in (read_model, drop_model):
        with pytest.raises(ModelFileError, match="There can be no model"):
            call(lake, attribute, model_id)
    with pytest.raises(ModelFileError, match="There can be no model"):
        stored(lake, attribute=attribute, model_id=model_id)


def test_a_dropped_model_is_gone(lake: Lake) -> None:
    stored(lake)
    drop_model(lake, "kind", ID)
    drop_model(lake, "kind", ID)
    assert not place(lake, "card.md").parent.exists()
