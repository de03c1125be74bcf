"""Posts and replies of a group's members as threads in reading order.

Here: which post follows which. Not here: which posts count, and the lines of an export (`persona_lines`).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.kernels.forest import preorder

POSTS: Final = pa.schema(
    [
        ("persona_id", pa.int32()),
        ("platform", pa.string()),
        ("post_id", pa.string()),
        ("account_id", pa.string()),
        ("parent_post_id", pa.string()),
        ("text", pa.string()),
        ("posted_at", pa.timestamp("us")),
    ]
)
"""Columns that `conversations` reads, one row per post or reply of a member."""


class Conversations(NamedTuple):
    """Threads, and what was broken in them.

    Attributes:
        table: persona_id, chain_id, position, platform, post_id, account_id, depth, parent_position, text, posted_at;
            one row per post, thread by thread in reading order.
        n_self_replies: posts that said they reply to themselves.
        n_loops: longer loops of replies.
    """

    table: pa.Table
    n_self_replies: int
    n_loops: int


def conversations(posts: pa.Table) -> Conversations:
    """Arrange posts and replies as threads: every post stands in exactly one.

    An edge leads from a reply to the post of a member of the same persona that it replies to; each tree of these edges
    is one thread, named for its first post. Within it a post comes before its replies, and those by time, then id.
    A reply to anybody else begins a thread. Loops are cut at their earliest post. Linear but for one sort, whatever the
    depth.

    Args:
        posts: columns of `POSTS`; (platform, post_id) is unique, the order of rows has no meaning.

    Returns:
        The threads: of each persona by the time of their first post.
    """
    order = pc.sort_indices(posts, [(name, "ascending") for name in ("persona_id", "posted_at", "post_id", "platform")])
    rows = posts.select(POSTS.names).cast(POSTS).take(order).combine_chunks()
    walk = preorder(_parents(rows))
    chain_id = rows["post_id"].take(pa.array(walk.root))
    table = rows.drop_columns(["parent_post_id"]).take(pa.array(walk.node))
    read = {
        "chain_id": chain_id,
        "position": pa.array(walk.position),
        "depth": pa.array(walk.depth),
        "parent_position": pa.array(walk.parent_position, mask=walk.parent_position < 0),
    }
    for name, column in read.items():
        table = table.append_column(name, column)
    return Conversations(table, walk.n_self, walk.n_loops)


def _parents(rows: pa.Table) -> npt.NDArray[np.int64]:
    """Row of the post that each row replies to, -1 where it is no row of the same persona."""
    parent = np.full(len(rows), -1, np.int64)
    persona = rows["persona_id"].to_numpy()
    for platform in pc.unique(rows["platform"]):
        own = np.flatnonzero(pc.equal(rows["platform"], platform).to_numpy())
        chosen = rows.select(["post_id", "parent_post_id"]).take(pa.array(own))
        ids = chosen["post_id"].combine_chunks()
        found = pc.index_in(chosen["parent_post_id"], value_set=ids, skip_nulls=True)
        place = found.fill_null(-1).to_numpy()
        known = place >= 0
        parent[own[known]] = own[place[known]]
    known = np.flatnonzero(parent >= 0)
    parent[known[persona[known] != persona[parent[known]]]] = -1
    return parent
