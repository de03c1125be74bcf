"""Parameters that people give: numbers in their range, or a sentence that says what is wrong.

Here: checks of single numbers, and the name of a set of parameters. Not here: which parameters there are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from sm_assets.errors import OptionError


def check_whole(name: str, value: object, least: int = 1, most: int | None = None) -> None:
    """Refuse what is no whole number from `least` to `most` (None: without end).

    Raises:
        OptionError: names the parameter, the one thing that is wrong and the value.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise OptionError(f"{name} must be a whole number; found {value!r}.")
    number = int(value)
    if most is not None and not least <= number <= most:
        raise OptionError(f"{name} must lie between {least:,} and {most:,}; found {number}.")
    if number < least:
        raise OptionError(f"{name} must be at least {least:,}; found {number}.")


def check_real(name: str, value: object) -> float:
    """The value, where it is a number; that may be infinite or nan, which lies in no range.

    Raises:
        OptionError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise OptionError(f"{name} must be a number; found {value!r}.")
    return float(value)


def params_hash(parameters: Mapping[str, Any]) -> str:
    """16 hex digits over parameters; equal parameters in whatever order give equal digits.

    Args:
        parameters: values that JSON knows.
    """
    told = json.dumps(parameters, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.blake2b(told.encode("ascii"), digest_size=8).hexdigest()
