"""What files of follow edges deliver: pairs of nodes, and labels of nodes.

Here: the columns of the raw tables. Not here: how a file is read (`sm_assets.sources.edges`).
"""

from __future__ import annotations

from sm_assets.contracts.delivered.record import Record
from sm_assets.contracts.makers import flag, number, text
from sm_assets.contracts.schema import Column

# Delivered cells: what a sidecar's `columns` may map delivered names to.
CELLS = {
    "first_node": "First end of the edge",
    "second_node": "Second end of the edge",
    "edge_weight": "Weight of the edge",
    "node": "Node that is labelled",
    "node_label": "Label of the node",
}
_EDGE_CELLS = ("first_node", "second_node", "edge_weight")
_NODE_CELLS = ("node", "node_label")

# The reader's own readings of the delivered cells: everything that can reject or repair has happened before staging.
_PARSED_EDGE = Column(
    "parsed",
    "struct",
    "The reader's readings of the edge; staging renames and casts them.",
    fields=(
        text("platform", "Platform whose ids the ends are."),
        text("follower_account_id", "Account that follows, by the file's direction."),
        text("followed_account_id", "Account that is followed."),
        number("weight", "", "Weight of the edge as a number."),
        flag("is_snapshot", "The file is a list of follows as it stood at one time."),
    ),
)
_PARSED_NODE = Column(
    "parsed",
    "struct",
    "The reader's readings of the node; staging renames and casts them.",
    fields=(
        text("platform", "Platform whose id the node is."),
        text("account_id", "Account as keyed."),
    ),
)

COLUMNS: dict[str, Column] = {
    "edges_parsed": _PARSED_EDGE,
    "nodes_parsed": _PARSED_NODE,
    **{name: text(name, f"{what}, as delivered.") for name, what in CELLS.items()},
}
RECORDS = (
    Record(
        name="edges",
        description=(
            "Follows of edge lists as delivered; a line of a mutual list is two rows, source_item 0 for the first end "
            "following the second, 1 for the reverse."
        ),
        grain="one edge of one landing file in one direction",
        columns=f"source_line? {' '.join(f'{name}?' for name in _EDGE_CELLS)} extra? exported_at? edges_parsed",
        day="Day of the export in UTC, else of the first conversion; the partition.",
    ),
    Record(
        name="nodes",
        description="Labels of nodes as delivered.",
        grain="one node of one landing file",
        columns=f"source_line? {' '.join(f'{name}?' for name in _NODE_CELLS)} extra? exported_at? nodes_parsed",
        day="Day of the export in UTC, else of the first conversion; the partition.",
    ),
)
