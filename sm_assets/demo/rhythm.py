"""The rhythm of day and week in the demo world.

Here: how much goes on in which hour, and how a number of events is spread over hours. Not here: who acts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")

MONDAY_TO_SUNDAY: Final = (11, 12, 12, 12, 11, 7, 8)
HOURS: Final = (2, 1, 1, 1, 1, 2, 5, 9, 11, 11, 10, 10, 11, 10, 9, 9, 10, 12, 14, 15, 14, 11, 7, 4)


def shared_out(total: int, weights: Sequence[int]) -> list[int]:
    """Whole numbers that add up to `total`, in proportion to the weights."""
    whole, so_far, given, parts = sum(weights), 0, 0, []
    for weight in weights:
        so_far += weight
        parts.append(total * so_far // whole - given)
        given += parts[-1]
    return parts


def thinned(items: Sequence[T], size: int) -> list[T]:
    """`size` of the items at equal distances, the first and the last among them; all where there are not more."""
    if len(items) <= size:
        return list(items)
    if size == 1:
        return [items[0]]
    return [items[place * (len(items) - 1) // (size - 1)] for place in range(size)]
