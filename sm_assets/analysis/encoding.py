"""From many texts to vectors, batch by batch.

Here: the order of texts, the size of batches, what happens when a batch does not fit, progress. Not here: models
(`text_models`), where vectors are kept (`storage.vector_cache`).

Texts of a window are sorted by length, so that those of a batch are of like length and little or nothing is padded;
inside a length by key, so that equal windows give equal batches and equal batches equal bits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.analysis.embedder import Embedder, Tokens
from sm_assets.analysis.parameters import check_whole
from sm_assets.analysis.text_normaliser import MAX_CHARS, key_bytes, normalise_texts, text_digests
from sm_assets.errors import EmbedderError
from sm_assets.kernels.digests import PRESENT, DigestInterner

WINDOW = 50_000
_EVERY = 5.0
_SHOWN = 3
_LENGTH_TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an encoding is.

    Attributes:
        done: texts encoded.
        total: texts to encode.
        hits: texts whose vectors were known before.
        tokens_per_second: word pieces encoded per second so far.
        seconds_left: estimate of the time left.
    """

    done: int
    total: int
    hits: int
    tokens_per_second: float
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Encoded:
    """Vectors of some texts of a window.

    Attributes:
        rows: int64[n]: places of the texts in the window.
        vectors: float32[n, width].
        n_tokens: int32[n]: word pieces that the model read.
        truncated: bool[n]: the text was longer.
    """

    rows: npt.NDArray[np.int64]
    vectors: npt.NDArray[np.float32]
    n_tokens: npt.NDArray[np.int32]
    truncated: npt.NDArray[np.bool_]


class Encoder:
    """Encodes windows of distinct texts; keeps its budget and its clock over all of them.

    Args:
        embedder: turns batches into vectors.
        budget: most word pieces of a batch, padding included; None: what suits the device.

    Attributes:
        budget: the one in force; it is halved where a batch does not fit into memory.
        done: texts encoded so far.
        tokens: their word pieces.
        seconds: time that it took.

    Raises:
        OptionError: a budget below 1.
    """

    def __init__(self, embedder: Embedder, *, budget: int | None = None) -> None:
        self.budget = embedder.token_budget if budget is None else budget
        check_whole("token_budget", self.budget)
        self.done = self.tokens = 0
        self.seconds = 0.0
        self._embedder = embedder
        self.expect(0, 0, None)

    def expect(self, total: int, hits: int, progress: Callable[[Progress], None] | None) -> None:
        """Tell of the progress every five seconds.

        Args:
            total: texts that will come.
            hits: texts whose vectors were known before.
            progress: is told.
        """
        self._total, self._hits, self._progress = total, hits, progress
        self._told = time.monotonic()

    def encode(self, texts: Sequence[str], keys: npt.NDArray[np.bytes_]) -> Iterator[Encoded]:
        """Vectors of distinct texts, in batches as they come.

        Args:
            texts: n normalised texts; of more than 50,000 one window after the other.
            keys: S16[n], their keys.

        Raises:
            EmbedderError: a vector that is not finite, or not of length 1 where it should be, or a text that alone does
                not fit into memory; names the key.
        """
        for start in range(0, len(texts), WINDOW):
            window = slice(start, start + WINDOW)
            for found in self._window(texts[window], keys[window]):
                yield Encoded(found.rows + start, found.vectors, found.n_tokens, found.truncated)

    def _window(self, texts: Sequence[str], keys: npt.NDArray[np.bytes_]) -> Iterator[Encoded]:
        begun = time.monotonic()
        tokens = self._embedder.tokenise(texts)
        order = np.lexsort((keys, -tokens.lengths))
        tokens = tokens.take(order)
        cut = tokens.truncated | np.fromiter((len(texts[row]) >= MAX_CHARS for row in order), bool, len(order))
        lengths = tokens.lengths
        start = 0
        while start < len(order):
            end = min(len(order), start + max(1, self.budget // int(lengths[start])))
            vectors = self._embed(tokens.slice(start, end), keys[order[start]])
            if vectors is None:
                continue
            self._check(vectors, keys[order[start:end]])
            self.seconds += time.monotonic() - begun
            self.done += end - start
            self.tokens += int(lengths[start:end].sum())
            yield Encoded(order[start:end], vectors, lengths[start:end].astype(np.int32), cut[start:end])
            begun, start = time.monotonic(), end
            self._tell()

    def _embed(self, batch: Tokens, key: bytes) -> npt.NDArray[np.float32] | None:
        """Vectors of a batch; None: it was too large, and the budget is smaller now."""
        try:
            return self._embedder.embed(batch)
        except MemoryError as error:
            if len(batch) == 1:
                raise EmbedderError(
                    f"The text with the key {_hex(key)} has {len(batch.ids)} word pieces and alone does not fit into "
                    f"the memory of {self._embedder.device}. Free memory there, take device `cpu` or a smaller model."
                ) from error
            # Of the batch, not of the budget: a batch may be the rest of a window.
            self.budget = max(1, min(self.budget, int(batch.lengths[0]) * len(batch)) // 2)
            return None

    def _check(self, vectors: npt.NDArray[np.float32], keys: npt.NDArray[np.bytes_]) -> None:
        finite = np.isfinite(vectors).all(axis=1)
        if vectors.shape != (len(keys), self._embedder.width):
            raise EmbedderError(
                f"The model gave an array of the shape {vectors.shape} for {len(keys)} texts; expected "
                f"({len(keys)}, {self._embedder.width})."
            )
        if not finite.all():
            bad = [_hex(key) for key in keys[~finite]]
            raise EmbedderError(
                f"The model gave vectors that are not finite for {len(bad)} texts, with the keys "
                f"{', '.join(bad[:_SHOWN])}; none of them was kept. Try dtype fp32, or another model."
            )
        lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        wrong = np.abs(lengths - 1) > _LENGTH_TOLERANCE
        if self._embedder.spec.normalise and wrong.any():
            raise EmbedderError(
                f"The model gives vectors of length 1, but that of the text with the key {_hex(keys[wrong][0])} has "
                f"the length {lengths[wrong][0]:g}; none was kept. Take another model."
            )

    def _tell(self) -> None:
        now = time.monotonic()
        if self._progress is None or now - self._told < _EVERY:
            return
        self._told = now
        left = self.seconds / self.done * max(0, self._total - self.done)
        self._progress(Progress(self.done, self._total, self._hits, self.tokens / max(self.seconds, 1e-9), left))


def encode_texts(
    embedder: Embedder, texts: pa.Array | pa.ChunkedArray, *, budget: int | None = None
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Vectors of texts, without a cache; equal texts are encoded once.

    Args:
        embedder: turns batches into vectors.
        texts: string[n], not yet normalised.
        budget: most word pieces of a batch; None: what suits the device.

    Returns:
        float32[n, width], rows of zeros where there is no text, and bool[n]: whether there is one.

    Raises:
        EmbedderError: as `Encoder.encode`.
    """
    normal = normalise_texts(texts, embedder.spec.normaliser)
    digests, present = text_digests(normal)
    interner = DigestInterner()
    numbers = interner.intern(digests, present)
    _, first = np.unique(numbers[present == PRESENT], return_index=True)
    places = np.flatnonzero(present == PRESENT)[first]
    distinct = np.zeros((len(places), embedder.width), dtype=np.float32)
    for found in Encoder(embedder, budget=budget).encode(
        normal.take(pa.array(places)).to_pylist(), key_bytes(interner.digests())
    ):
        distinct[found.rows] = found.vectors
    vectors = np.zeros((len(normal), embedder.width), dtype=np.float32)
    vectors[numbers >= 0] = distinct[numbers[numbers >= 0]]
    return vectors, numbers >= 0


def _hex(key: bytes) -> str:
    return bytes(key).ljust(16, b"\0").hex()
