"""out_cosharing_*: networks of accounts that push the same content, per as-of day.

Here: the asset and its parameters. Not here: the methods and the tables they become (`sm_assets.analysis`), figures (`plots`).
"""

import dagster as dg

from sm_assets.storage import Lake


def asset(lake: Lake) -> dg.AssetsDefinition | None:
    return None
