"""Short ways to write a column down.

Here: one function per kind of column. Not here: any column.
"""

from __future__ import annotations

from sm_assets.contracts.schema import Column


def text(name: str, description: str, *allowed: str) -> Column:
    """Text, of `allowed` values only if there are any."""
    return Column(name, "text", description, allowed=allowed)


def count(name: str, unit: str, description: str, minimum: float = 0) -> Column:
    """Whole number, not below `minimum`."""
    return Column(name, "int64", description, unit=unit, minimum=minimum)


def time(name: str, description: str) -> Column:
    """Time in UTC, microseconds."""
    return Column(name, "timestamp", description, unit="UTC")


def share(name: str, description: str) -> Column:
    """Number between 0 and 1."""
    return Column(name, "float64", description, unit="share", minimum=0, maximum=1)


def number(
    name: str, unit: str, description: str, minimum: float | None = None, maximum: float | None = None
) -> Column:
    """Number between the bounds."""
    return Column(name, "float64", description, unit=unit, minimum=minimum, maximum=maximum)


def flag(name: str, description: str) -> Column:
    """True or false."""
    return Column(name, "bool", description)
