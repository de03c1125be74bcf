"""Texts as models of meaning read them, and the keys that equal texts share.

Here: normalising and keys, over whole columns. Not here: splitting into words (`tokens`), folding of contents
(`folding`).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.errors import OptionError
from sm_assets.kernels.digests import ABSENT, joined_digests

NORMALISERS: Final = ("t1", "t0")
MAX_CHARS: Final = 8_000
KEY: Final = pa.binary(16)
# Control characters but white space; format characters but the zero-width joiner of emoji. Variation selectors are
# neither.
_INVISIBLE = r"[^\P{Cc}\t\n\v\f\r\x{85}]|[^\P{Cf}\x{200D}]"
_SPACE = r"[\t\n\v\f\r\x{85}\p{Z}]+"
# An address ends where white space or a script begins that is written without spaces; its host begins and ends with a
# letter or digit.
_HOST = r"[\pL\pN](?:[\pL\pN._-]*[\pL\pN])?"
_REST = r"[!-~\p{Latin}\p{Cyrillic}\p{Greek}]*"
_ADDRESS = rf"(?i)\b(?:https?://(?:[^\s/?#@]*@)?(?:www\.)?|www\.)({_HOST}){_REST}"


def normalise_texts(texts: pa.Array | pa.ChunkedArray, version: str = "t1") -> pa.Array:
    """Texts as they are given to a model.

    Args:
        texts: string[n].
        version: `t1`: without control and format characters (the zero-width joiner stays), NFC, addresses as their host
            without www, runs of white space as one space, trimmed, at most 8,000 characters. `t0`: unchanged.

    Returns:
        string[n]; null where nothing but white space is left.

    Raises:
        OptionError: an unknown version.
    """
    if version not in NORMALISERS:
        raise OptionError(f"The normaliser is {version!r}; expected one of {', '.join(NORMALISERS)}.")
    column = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    found = column.cast(pa.string())
    if version == "t1":
        found = pc.replace_substring_regex(found, _INVISIBLE, "")
        found = pc.utf8_normalize(found, "NFC")
        found = pc.replace_substring_regex(found, _ADDRESS, r"\1")
        found = pc.utf8_trim(pc.replace_substring_regex(found, _SPACE, " "), " ")
        found = pc.utf8_rtrim(pc.utf8_slice_codeunits(found, 0, MAX_CHARS), " ")
    blank = pc.equal(pc.utf8_trim_whitespace(found), "")
    return pc.if_else(blank, pa.scalar(None, pa.string()), found)


def text_digests(texts: pa.Array) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint8]]:
    """Keys of normalised texts as numbers.

    Args:
        texts: string[n], as `normalise_texts` returns them.

    Returns:
        uint64[n, 2]: the bytes of BLAKE2b with 16 bytes over the text in UTF-8 (RFC 7693), zeros where there is none;
        uint8[n]: 1 where there is a text.
    """
    return joined_digests([texts])


def text_keys(texts: pa.Array) -> pa.FixedSizeBinaryArray:
    """Keys of normalised texts: equal texts have equal keys.

    Args:
        texts: string[n], as `normalise_texts` returns them.

    Returns:
        fixed_size_binary[16][n]: BLAKE2b over the text in UTF-8 (RFC 7693); null where there is no text.
    """
    digests, present = text_digests(texts)
    valid = pa.array(present != ABSENT).buffers()[1]
    return pa.FixedSizeBinaryArray.from_buffers(KEY, len(digests), [valid, pa.py_buffer(key_bytes(digests).tobytes())])


def key_bytes(digests: npt.NDArray[np.uint64]) -> npt.NDArray[np.bytes_]:
    """uint64[n, 2] digests as S16[n], which sort as their hexadecimal digits do."""
    return np.ascontiguousarray(digests, dtype="<u8").view("S16").reshape(-1)
