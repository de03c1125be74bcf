# What accounts have in common: counts of pieces of evidence. Checks live in overlap.py.
from libc.stdint cimport int32_t, int64_t
from libcpp.vector cimport vector


def shared_with(
    const int64_t[::1] account_ptr, const int32_t[::1] content, const int32_t[::1] unit, int64_t n_contents,
    const int32_t[::1] of, const int32_t[::1] partner, const int64_t[::1] order, int32_t[::1] shared,
):
    """shared # OUT [k]: units of of[i] that hold a content of partner[i]. `order` sorts by partner, so that each is marked once."""
    cdef vector[int32_t] mark
    cdef int64_t k, i, row
    cdef int32_t x, y, stamp = 0, last = -1, unit_seen, count
    with nogil:
        mark.assign(n_contents, 0)
        for k in range(order.shape[0]):
            i = order[k]
            x, y = partner[i], of[i]
            if x != last:
                last = x
                stamp += 1
                for row in range(account_ptr[x], account_ptr[x + 1]):
                    mark[content[row]] = stamp
            count = 0
            unit_seen = -1
            for row in range(account_ptr[y], account_ptr[y + 1]):
                if unit[row] != unit_seen and mark[content[row]] == stamp:
                    unit_seen = unit[row]
                    count += 1
            shared[i] = count


def covered(
    const int64_t[::1] account_ptr, const int32_t[::1] content, const int32_t[::1] unit, int64_t n_contents,
    const int64_t[::1] members, const int32_t[::1] cluster, int32_t[::1] count,
):
    """count # OUT [n_accounts]: units of each member that hold a content of another member. `members` is grouped by cluster."""
    cdef vector[int32_t] carriers
    cdef int64_t k, first = 0, stop, row, n = members.shape[0]
    cdef int32_t y, unit_seen
    with nogil:
        carriers.assign(n_contents, 0)
        while first < n:
            stop = first
            while stop < n and cluster[members[stop]] == cluster[members[first]]:
                y = <int32_t>members[stop]
                for row in range(account_ptr[y], account_ptr[y + 1]):
                    carriers[content[row]] += 1
                stop += 1
            for k in range(first, stop):
                y = <int32_t>members[k]
                unit_seen = -1
                for row in range(account_ptr[y], account_ptr[y + 1]):
                    if unit[row] != unit_seen and carriers[content[row]] > 1:
                        unit_seen = unit[row]
                        count[y] += 1
            for k in range(first, stop):
                y = <int32_t>members[k]
                for row in range(account_ptr[y], account_ptr[y + 1]):
                    carriers[content[row]] = 0
            first = stop
