"""Rows of out_audience_overlap: the neighbours of every influencer in the columns that readers see; significant pairs.

Here: from arrays to the columns of the contract. Not here: finding and testing pairs (`overlap_pairs`).
"""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sm_assets.analysis.overlap_types import Overlaps, Significant
from sm_assets.contracts import TABLES
from sm_assets.errors import SketchInputError

PAIRS: Final = pa.schema(
    [
        ("platform", pa.string()),
        ("account_id_a", pa.string()),
        ("account_id_b", pa.string()),
        ("jaccard", pa.float64()),
        ("n_shared", pa.int64()),
    ]
)
"""Significant pairs as figures and other programs take them."""


def pair_table(platform: str, account_ids: pa.Array, edges: Significant) -> pa.Table:
    """Rows of `PAIRS` of one platform, in the order of `edges`; account_ids: text[n], the rows of `edges`."""
    columns = [
        pa.repeat(pa.scalar(platform, pa.string()), len(edges.i)),
        account_ids.take(pa.array(edges.i)),
        account_ids.take(pa.array(edges.j)),
        pa.array(edges.weight),
        pa.array(np.rint(edges.n_shared).astype(np.int64)),
    ]
    return pa.table(columns, schema=PAIRS)


def overlap_table(
    platform: str, account_ids: pa.Array, n_followers: npt.NDArray[np.int64], overlaps: Overlaps, day: date
) -> pa.Table:
    """Tell the neighbours of one platform's influencers.

    Args:
        platform: whose ids these are.
        account_ids: text[n], ascending: the rows of `overlaps`.
        n_followers: int64[n], the sizes that overlaps were found with.
        overlaps: what was found.
        day: as-of day.

    Returns:
        Rows by account_id and rank with the columns of the contract, in its order.

    Raises:
        SketchInputError: ids and sizes are not equally many.
    """
    if len(account_ids) != len(n_followers):
        raise SketchInputError(
            f"One size per account is expected: {len(account_ids)}; found {len(n_followers)}. Read both from one table."
        )
    rows, exact = overlaps.neighbours, overlaps.is_exact
    n = len(rows.rank)
    own, other = n_followers[rows.account], n_followers[rows.neighbour]
    unknown = np.full(n, not exact)
    values: dict[str, pa.Array] = {
        "platform": pa.repeat(platform, n),
        "account_id": account_ids.take(pa.array(rows.account)),
        "neighbour_account_id": account_ids.take(pa.array(rows.neighbour)),
        "neighbour_rank": pa.array(rows.rank),
        "n_followers": pa.array(own),
        "neighbour_n_followers": pa.array(other),
        "matches": pa.array(rows.matches),
        "jaccard_estimated": pa.array(rows.jaccard_estimated),
        "jaccard_se": pa.array(rows.jaccard_se),
        "n_shared": pa.array(np.rint(rows.n_shared).astype(np.int64), mask=unknown),
        "jaccard_exact": pa.array(rows.jaccard, mask=unknown),
        "is_exact": pa.repeat(exact, n),
        "containment": pa.array(rows.n_shared / own),
        "neighbour_containment": pa.array(rows.n_shared / other),
        "expected_shared": pa.array(rows.expected),
        "lift": pa.array(rows.lift),
        "q_value": pa.array(rows.q_value),
        "is_significant": pa.array(rows.is_significant),
        "candidate_method": pa.repeat(overlaps.method, n),
        "day": pa.repeat(pa.scalar(day, pa.date32()), n),
    }
    schema = pa.schema([pa.field(column.name, column.arrow_type) for column in TABLES["out_audience_overlap"].columns])
    return pa.table({name: values[name] for name in schema.names}).cast(schema)
