"""Forests given as one parent per node: broken ones mended, and read in preorder.

Here: the checking face. Not here: what the nodes are (`sm_assets.analysis.conversations`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sm_assets.errors import KernelError
from sm_assets.kernels import _forest

Numbers = npt.NDArray[np.int32]


class Preorder(NamedTuple):
    """A forest as it is read; the arrays lie in the order of reading.

    Attributes:
        node: int32[n], which node.
        root: int32[n], root of its tree.
        position: int32[n], place in its tree, from 0.
        depth: int32[n], edges between it and its root.
        parent_position: int32[n], place of its parent, -1 for roots.
        n_self: nodes that were their own parent.
        n_loops: longer loops that were cut.
    """

    node: Numbers
    root: Numbers
    position: Numbers
    depth: Numbers
    parent_position: Numbers
    n_self: int
    n_loops: int


def preorder(parent: npt.NDArray[np.integer]) -> Preorder:
    """Read a forest: each node before its children, roots and siblings by number; linear in n, of any depth.

    A node that is its own parent becomes a root, and so does the node of the least number in each longer loop.

    Args:
        parent: int[n], number of each node's parent, -1: none.

    Raises:
        KernelError: a parent is no node, or there are 2^31 nodes or more.
    """
    n = len(parent)
    if n >= 2**31:
        raise KernelError(f"a forest may have 2,147,483,647 nodes; found {n}.")
    if n and (int(parent.min()) < -1 or int(parent.max()) >= n):
        raise KernelError(f"parents must lie in -1..{n - 1}; found {parent.min()}..{parent.max()}.")
    own = np.array(parent, np.int32)
    n_self, n_loops = _forest.cut_loops(own)
    made = np.empty((5, n), np.int32)
    _forest.preorder(own, *made)
    return Preorder(made[0], made[1], made[2], made[3], made[4], n_self, n_loops)
