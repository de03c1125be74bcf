"""Social media exports in, contract-checked Parquet out.

The flow, one way:

    landing/<source>/**   files as delivered              sources/ reads them
    raw_<source>__*       as delivered, with positions    contracts/raw.py
    stg_<source>__*       renamed and typed               sql/staging/, contracts/staging.py
    core_*                all platforms as one            sql/core/, contracts/core.py
    feat_*                numbers about entities          sql/features/, sql/inputs/, analysis/, contracts/features.py
    out_*                 results for readers             sql/inputs/, analysis/, contracts/{outputs,personas,...}.py

The floors (imports point down only; tests/test_architecture.py holds it):

    definitions, cli, cli_audiences, audience_queries, oneshot, demo_run
      defs                                  the only code that imports Dagster
        sources | analysis | plots | demo   never each other
          kernels | storage                 never each other
            contracts -> settings, errors

To add a platform: sources/<source>.py and its registry line, sql/staging/<source>/, one branch per core file, fixtures.
To add an analysis: a table in contracts/outputs.py, a file in analysis/, an asset in defs/assets/, a test, a plot.
When a change of its Python gives other rows of the same inputs: raise `version` of the table in its contract.
To give its clusters words, topics, medoids, a map and names that last: one line in defs/cluster_analyses.py.

`cluster_pages` and `find_audiences` are the one-shot tools as functions; they need neither Dagster nor a lake.
`open_audiences` answers questions about audiences from a lake, without Dagster.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sm_assets.audience_queries import open_audiences
    from sm_assets.oneshot import cluster_pages
    from sm_assets.oneshot.audiences import find_audiences

__all__ = ["cluster_pages", "find_audiences", "open_audiences"]

_HOMES = {
    "cluster_pages": "sm_assets.oneshot",
    "find_audiences": "sm_assets.oneshot.audiences",
    "open_audiences": "sm_assets.audience_queries",
}


def __getattr__(name: str) -> Any:
    # Loaded on first use: `import sm_assets` itself must cost nothing.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
