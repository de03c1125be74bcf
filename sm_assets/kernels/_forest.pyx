# distutils: language = c++
"""Forests given as parents: cycles cut, then every node in preorder. The face is `forest`."""

from libc.stdint cimport int32_t, int64_t
from libcpp.vector cimport vector


def cut_loops(int32_t[::1] parent):
    """Make the earliest node of each loop a root. Returns (loops of one node, longer loops)."""
    cdef int64_t n = parent.shape[0]
    cdef int64_t start
    cdef int32_t at, least
    cdef int64_t n_self = 0, n_longer = 0
    cdef vector[int32_t] seen_from
    with nogil:
        seen_from.assign(n, -1)
        for start in range(n):
            if parent[start] == start:
                parent[start] = -1
                n_self += 1
            at = <int32_t>start
            while at >= 0 and seen_from[at] < 0:
                seen_from[at] = <int32_t>start
                at = -1 if parent[at] == at else parent[at]
            if at < 0 or seen_from[at] != start:
                continue
            least = at
            while True:
                at = parent[at]
                if at < least:
                    least = at
                if seen_from[at] == n:
                    break
                seen_from[at] = <int32_t>n
            parent[least] = -1
            n_longer += 1
    return n_self, n_longer


def preorder(
    const int32_t[::1] parent,
    int32_t[::1] order,
    int32_t[::1] root,
    int32_t[::1] position,
    int32_t[::1] depth,
    int32_t[::1] parent_position,
):
    """Walk a forest without loops; everything but `parent` is filled, in the order of the walk. No recursion, no stack."""
    cdef int64_t n = parent.shape[0]
    cdef int64_t i, k = 0, begin
    cdef int32_t at, level
    cdef vector[int32_t] first_child, next_sibling, place
    with nogil:
        first_child.assign(n, -1)
        next_sibling.assign(n, -1)
        place.assign(n, -1)
        for i in range(n - 1, -1, -1):
            at = parent[i]
            if at >= 0:
                next_sibling[i] = first_child[at]
                first_child[at] = <int32_t>i
        for i in range(n):
            if parent[i] >= 0:
                continue
            begin = k
            at = <int32_t>i
            level = 0
            while at >= 0:
                place[at] = <int32_t>(k - begin)
                order[k] = at
                root[k] = <int32_t>i
                position[k] = place[at]
                depth[k] = level
                parent_position[k] = place[parent[at]] if level else -1
                k += 1
                if first_child[at] >= 0:
                    at = first_child[at]
                    level += 1
                    continue
                while level and next_sibling[at] < 0:
                    at = parent[at]
                    level -= 1
                at = next_sibling[at] if level else -1
    return k
