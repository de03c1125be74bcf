"""Windows of vectors: held to the embedder of the clusters that they are laid beside.

Here: the check of stored rows. Not here: the rules that windows of accounts agree in (`account_vectors`), vectors.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Final

import duckdb

from sm_assets.errors import MixedVectors
from sm_assets.storage import Lake, TableRef

VECTORS: Final = {"feat_post_embeddings": "embedding", "feat_account_embeddings": "embedding_sum"}
"""Tables with vectors, and the column that holds them."""
_SHOWN: Final = 20


def check_one_embedder(con: duckdb.DuckDBPyConnection, lake: Lake, ref: TableRef, embedder_id: str) -> None:
    """Hold the rows of a window to one embedder and one width.

    Args:
        con: an open connection; the table is registered on it.
        lake: the data root.
        ref: a table of `VECTORS`, cut to the window.
        embedder_id: that the clusters were made with; empty: there were no vectors, and no clusters.

    Raises:
        MixedVectors: rows of another embedder, or of another width than most; names the days to materialise again.
    """
    if not embedder_id:
        return
    lake.register(con, ref)
    found: list[tuple[date, str, int, int]] = con.sql(
        f"select day, embedder_id, len({VECTORS[ref.table]}), count(*) from {ref.table} group by all order by all"
    ).fetchall()
    widths: Counter[int] = Counter()
    for _, name, width, n in found:
        if name == embedder_id:
            widths[width] += n
    usual = max(widths, key=lambda width: (widths[width], width), default=None)
    strange = sorted({day for day, name, width, _ in found if (name, width) != (embedder_id, usual)})
    if strange:
        kinds = ", ".join(sorted({f"{name} ({width} numbers)" for _, name, width, _ in found}))
        shown = ", ".join(map(str, strange[:_SHOWN])) + (
            f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
        )
        raise MixedVectors(
            f"The window of {min(ref.days)} to {max(ref.days)} holds vectors of {kinds} in {ref.table}; the clusters "
            f"were made with embedder {embedder_id}. Materialise feat_post_embeddings, feat_account_embeddings and the "
            f"clusters again with one config for {shown}."
        )
