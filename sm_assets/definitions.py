"""The code location: what `workspace.yaml` names.

Here: one `Definitions` object over the settings of the environment. Not here: anything that computes or declares.
"""

from __future__ import annotations

import gc

# All that loading makes stays for good: to look for garbage in it again and again costs a tenth of the loading.
gc.disable()
try:
    from sm_assets.defs.wiring import build_defs
    from sm_assets.lost_interrupts import hear_again
    from sm_assets.quiet_end import end_quietly

    end_quietly()
    hear_again()

    defs = build_defs()
finally:
    gc.enable()

__all__ = ["build_defs", "defs"]
