"""Models of the BERT family without padding.

Here: the forward pass over joined texts, pooling included. Not here: loading (`text_models`), batching (`encoding`).
Linear layers and norms run over the word pieces of all texts in one matrix; attention runs per run of texts of equal
length, which needs no mask. Source of the architecture: Devlin et al. 2018, https://arxiv.org/abs/1810.04805.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from sm_assets.analysis.embedder import Tokens

# Same layers; the numbers of positions begin at 0, or behind the number of the padding token.
FAMILY: Final = ("bert", "roberta", "xlm-roberta")
# Rows that the layout of weights is chosen for; it serves any number.
_USUAL_ROWS: Final = 1_024
Weights: TypeAlias = tuple[Any, Any]
Linear: TypeAlias = Callable[[Any, Weights], Any]


def can_pack(config: Any) -> bool:
    """Whether a model's configuration describes layers as they are computed here."""
    return (
        config.model_type in FAMILY
        and config.hidden_act == "gelu"
        and getattr(config, "position_embedding_type", None) in (None, "absolute")
        and not getattr(config, "is_decoder", False)
    )


class PackedBert:
    """The weights of a BERT-like model, in the form that the packed forward pass reads.

    Args:
        model: a transformers model whose configuration `can_pack`, on its device and in its precision.
        pooling: `mean` or `cls`.
    """

    def __init__(self, model: Any, pooling: str) -> None:
        import torch

        embeddings, config = model.embeddings, model.config
        self._pooling = pooling
        self._heads = config.num_attention_heads
        self._eps = config.layer_norm_eps
        self._words = embeddings.word_embeddings.weight
        # Every text is a first segment.
        self._positions = embeddings.position_embeddings.weight + embeddings.token_type_embeddings.weight[0]
        self._first_position = 0 if config.model_type == "bert" else config.pad_token_id + 1
        self._norm = _weights(embeddings.LayerNorm)
        prepared, self._linear, self._linear_gelu = _linears(self._words)
        self._layers = []
        for layer in model.encoder.layer:
            inner, output = layer.attention.self, layer.attention.output
            parts = [_weights(part) for part in (inner.query, inner.key, inner.value)]
            joined = (torch.cat([weight for weight, _ in parts]), torch.cat([bias for _, bias in parts]))
            dense = [_weights(part) for part in (output.dense, layer.intermediate.dense, layer.output.dense)]
            norms = (_weights(output.LayerNorm), _weights(layer.output.LayerNorm))
            self._layers.append((*map(prepared, (joined, *dense)), *norms))

    def __call__(self, tokens: Tokens) -> Any:
        """float32[n, hidden]: pooled vectors of a batch; texts of equal length stand together."""
        import torch

        layer_norm = torch.nn.functional.layer_norm
        device, hidden = self._words.device, (self._words.shape[1],)
        runs = _runs(tokens)
        positions = np.arange(len(tokens.ids)) - np.repeat(tokens.offsets[:-1], tokens.lengths) + self._first_position
        x = self._words[torch.from_numpy(tokens.ids).to(device)]
        x = layer_norm(x + self._positions[torch.from_numpy(positions).to(device)], hidden, *self._norm, self._eps)
        for joined, attended, widened, narrowed, norm_1, norm_2 in self._layers:
            y = self._linear(self._attend(self._linear(x, joined), runs), attended)
            x = layer_norm(y.add_(x), hidden, *norm_1, self._eps)
            y = self._linear(self._linear_gelu(x, widened), narrowed)
            x = layer_norm(y.add_(x), hidden, *norm_2, self._eps)
        return torch.cat([self._pool(x[start:end].view(n, -1, *hidden)) for start, end, n in runs])

    def _attend(self, joined: Any, runs: list[tuple[int, int, int]]) -> Any:
        """Attention inside each text. `joined`[total, 3 * hidden]: queries, keys, values."""
        import torch

        width = joined.shape[1] // 3
        found = torch.empty_like(joined[:, :width])
        for start, end, n in runs:
            shape = (n, (end - start) // n, 3, self._heads, width // self._heads)
            q, k, v = joined[start:end].view(shape).permute(2, 0, 3, 1, 4)
            attended = torch.nn.functional.scaled_dot_product_attention(q, k, v)
            found[start:end].view(shape[:2] + shape[3:]).copy_(attended.transpose(1, 2))
        return found

    def _pool(self, x: Any) -> Any:
        return x[:, 0].float() if self._pooling == "cls" else x.float().mean(1)


def _weights(layer: Any) -> Weights:
    return layer.weight.detach(), layer.bias.detach()


def _linears(like: Any) -> tuple[Callable[[Weights], Weights], Linear, Linear]:
    """How weights are laid out, a linear layer, and one with GELU behind it.

    Where the CPU's library can, weights are laid out once as it multiplies them, and GELU costs no pass over memory.
    """
    import torch

    library = torch.ops.mkldnn
    able = like.device.type == "cpu" and hasattr(library, "_linear_pointwise")
    if able and (like.dtype == torch.float32 or library._is_mkldnn_bf16_supported()):  # noqa: SLF001 - see below
        fused, laid_out = library._linear_pointwise, library._reorder_linear_weight  # noqa: SLF001 - as torch.compile does
        return (
            lambda weights: (laid_out(weights[0], _USUAL_ROWS), weights[1]),
            lambda x, weights: fused(x, *weights, "none", [], ""),
            lambda x, weights: fused(x, *weights, "gelu", [], "none"),
        )
    linear, gelu = torch.nn.functional.linear, torch.nn.functional.gelu
    return lambda weights: weights, lambda x, weights: linear(x, *weights), lambda x, weights: gelu(linear(x, *weights))


def _runs(tokens: Tokens) -> list[tuple[int, int, int]]:
    """(first word piece, end, texts) of each run of texts of equal length."""
    lengths: npt.NDArray[np.int64] = tokens.lengths
    cuts = [0, *(np.flatnonzero(np.diff(lengths)) + 1).tolist(), len(lengths)]
    return [(int(tokens.offsets[a]), int(tokens.offsets[b]), b - a) for a, b in pairwise(cuts)]
