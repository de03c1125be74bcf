"""The code location: what `workspace.yaml` names.

Here: one `Definitions` object over the settings of the environment. Not here: anything that computes or declares.
"""

from __future__ import annotations

from sm_assets.defs.wiring import build_defs

__all__ = ["build_defs", "defs"]

defs = build_defs()
