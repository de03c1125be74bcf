"""Which vector instructions the kernels use: the best this machine has, or a lower level on request.

Here: the one choice for the process. Each call of a kernel takes `level()` along, so no two extensions can disagree.
Not here: settings; whoever reads them calls `set_isa`. All levels give the same bits.
"""

from __future__ import annotations

from typing import Final

from sm_assets.errors import KernelError
from sm_assets.kernels import _isa

LEVELS: Final = ("base", "avx2", "avx512")


class _Choice:
    """Levels as indices of LEVELS; the machine is asked once, at import."""

    best: Final[int] = int(_isa.detected())
    level: int = best


def isa() -> str:
    """The level in use: `avx512` (f, bw, dq, vl), `avx2` (with bmi2 and popcnt) or `base`."""
    return LEVELS[_Choice.level]


def level() -> int:
    """The level in use as a number, for kernels: 0 base, 1 avx2, 2 avx512."""
    return _Choice.level


def set_isa(name: str | None) -> None:
    """Use this level from now on, in the whole process.

    Args:
        name: `base`, `avx2` or `avx512`; None for the best that the machine has.

    Raises:
        KernelError: no such level, or more than the machine has. The level stays as it was.
    """
    if name is None:
        _Choice.level = _Choice.best
        return
    if name not in LEVELS:
        raise KernelError(f"Found isa {name!r}; expected one of {', '.join(LEVELS)}, or None for the best there is.")
    wanted = LEVELS.index(name)
    if wanted > _Choice.best:
        raise KernelError(
            f"Found isa {name!r}, but this machine has {LEVELS[_Choice.best]} at most; "
            "ask for that, or for None to let the kernels choose."
        )
    _Choice.level = wanted
