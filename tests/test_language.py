"""Languages: labels, empty texts, models that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from sm_assets.analysis.language import NO_TEXT, detect_languages
from sm_assets.errors import OptionError


def test_labels_and_probabilities() -> None:
    texts = pa.array(
        [
            "The weather is nice today",
            "Das Wetter ist heute\nsehr schön",
            "Il fait très beau aujourd'hui",
            "",
            None,
            " \n",
        ]
    )
    labels, probabilities = detect_languages(texts)
    assert labels.to_pylist() == ["en", "de", "fr", NO_TEXT, NO_TEXT, NO_TEXT]
    assert all(0.5 < p <= 1 for p in probabilities.to_pylist()[:3])
    assert probabilities.to_pylist()[3:] == [0.0, 0.0, 0.0]
    assert (labels.type, probabilities.type) == (pa.string(), pa.float64())


def test_chunks_and_long_inputs_keep_their_order() -> None:
    texts = pa.chunked_array([["Guten Morgen, wie geht es Ihnen?"] * 3000, ["Good morning, how are you?"] * 3000])
    labels, _ = detect_languages(texts)
    assert labels.to_pylist() == ["de"] * 3000 + ["en"] * 3000


def test_a_model_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no language model at"):
        detect_languages(pa.array(["x"]), tmp_path / "none.ftz")
    (tmp_path / "bad.ftz").write_bytes(b"not a model at all, only text")
    with pytest.raises(OptionError, match="not a fastText model"):
        detect_languages(pa.array(["x"]), tmp_path / "bad.ftz")
