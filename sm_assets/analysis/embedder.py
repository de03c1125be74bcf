"""What turns texts into vectors, as far as the rest of the program knows it.

Here: what decides a vector (`EmbedderSpec`), tokens of many texts, and the interface `Embedder`. Not here: models
(`text_models`), the order in which texts are given to them (`encoding`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """All that changes a vector, and nothing else: neither device nor batch size is here.

    Attributes:
        uri: where the model comes from: `packaged:NAME`, `dir:PATH` or `hf:org/name@commit`.
        revision: version of the package or commit; empty: the folder has none.
        weights_sha256: of model.safetensors; of several files: of their names and hashes.
        tokenizer_sha256: of tokenizer.json.
        config_sha256: of config.json, which holds the shape and the activation of the model.
        pooling: `mean` of the vectors of all word pieces, or `cls`, the vector of the first.
        normalise: whether vectors have length 1.
        max_length: most word pieces that are read of a text.
        dtype: precision in which the model computes: `fp32` or `bf16`.
        prefix: what stands before each text.
        normaliser: version of the rules that texts are normalised by.
    """

    uri: str
    revision: str
    weights_sha256: str
    tokenizer_sha256: str
    config_sha256: str
    pooling: str
    normalise: bool
    max_length: int
    dtype: str
    prefix: str = ""
    normaliser: str = "t1"

    def told(self) -> dict[str, Any]:
        """The fields as JSON knows them."""
        return asdict(self)

    @property
    def embedder_id(self) -> str:
        """16 hex digits: BLAKE2b over the sorted JSON of the fields."""
        told = json.dumps(self.told(), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.blake2b(told.encode("ascii")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Tokens:
    """Word pieces of n texts.

    Attributes:
        ids: int64[total], one text after the other.
        offsets: int64[n + 1]: text i is ids[offsets[i]:offsets[i + 1]].
        truncated: bool[n]: the text had more word pieces than the model reads.
    """

    ids: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]
    truncated: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, texts: Sequence[Sequence[int]], truncated: Sequence[bool]) -> Tokens:
        """The word pieces of each text, joined."""
        lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        ids = np.fromiter((number for text in texts for number in text), dtype=np.int64, count=int(offsets[-1]))
        return cls(ids, offsets, np.asarray(truncated, dtype=bool))

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """int64[n]: word pieces of each text."""
        return np.diff(self.offsets)

    def take(self, order: npt.NDArray[np.int64]) -> Tokens:
        """The texts in another order."""
        lengths = self.lengths[order]
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        places = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1][order] - offsets[:-1], lengths)
        return Tokens(self.ids[places], offsets, self.truncated[order])

    def slice(self, start: int, end: int) -> Tokens:
        """The texts from `start` up to `end`."""
        offsets = self.offsets[start : end + 1]
        return Tokens(self.ids[offsets[0] : offsets[-1]], offsets - offsets[0], self.truncated[start:end])

    def __len__(self) -> int:
        return len(self.truncated)


class Embedder(Protocol):
    """Turns texts into vectors. Tests and users of the library may bring their own."""

    @property
    def spec(self) -> EmbedderSpec:
        """All that decides a vector."""

    @property
    def width(self) -> int:
        """Numbers of a vector."""

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639 codes of the languages that the model knows; empty: many, or not known."""

    @property
    def device(self) -> str:
        """Where the model runs."""

    @property
    def token_budget(self) -> int:
        """Word pieces of a batch that suit the device."""

    def tokenise(self, texts: Sequence[str]) -> Tokens:
        """Word pieces of normalised texts, prefix included."""

    def embed(self, tokens: Tokens) -> npt.NDArray[np.float32]:
        """float32[n, width]: the vectors of a batch of texts.

        Raises:
            MemoryError: the batch is too large for the device.
        """
