"""Posts and replies of a group's members as threads in reading order.

Here: which post follows which. Not here: which posts count, and the lines of an export (`persona_lines`).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sm_assets.analysis.post_index import PostIndex
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
        The threads, in the order of persona, platform, chain_id and position.
    """
    keys = posts.select(["persona_id", "platform", "post_id", "parent_post_id", "posted_at"])
    order = pc.sort_indices(
        keys, [(name, "ascending") for name in ("persona_id", "posted_at", "post_id", "platform")]
    ).to_numpy()
    walk = preorder(_parents(keys.take(pa.array(order))))
    place = _by_first_post(posts, order[walk.root])
    node = order[walk.node[place]]
    rows = posts.select([name for name in POSTS.names if name != "parent_post_id"])
    table = rows.take(pa.array(node))
    parent_position = walk.parent_position[place]
    read = {
        "chain_id": posts["post_id"].take(pa.array(order[walk.root[place]])),
        "position": pa.array(walk.position[place]),
        "depth": pa.array(walk.depth[place]),
        "parent_position": pa.array(parent_position, mask=parent_position < 0),
    }
    for name, column in read.items():
        table = table.append_column(name, column)
    return Conversations(table, walk.n_self, walk.n_loops)


def _by_first_post(posts: pa.Table, root: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Places of threads that lie one after the other, in the order of their first posts' persona, platform and id."""
    begins = np.flatnonzero(np.diff(root, prepend=-1))
    firsts = posts.select(["persona_id", "platform", "post_id"]).take(pa.array(root[begins]))
    order = pc.sort_indices(firsts, [(name, "ascending") for name in firsts.column_names]).to_numpy()
    lengths = np.diff(begins, append=len(root))[order]
    moved = begins[order] - np.cumsum(lengths) + lengths
    return np.repeat(moved, lengths) + np.arange(len(root))


def _parents(rows: pa.Table) -> npt.NDArray[np.int64]:
    """Row of the post that each row replies to, -1 where it is no row of the same persona."""
    index = PostIndex(rows["platform"], rows["post_id"])
    parent = index.find(rows["platform"], rows["parent_post_id"])
    persona = rows["persona_id"].to_numpy()
    known = np.flatnonzero(parent >= 0)
    parent[known[persona[known] != persona[parent[known]]]] = -1
    return parent
