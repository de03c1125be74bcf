# Clusters of the carriers of each content: shared by the kernels of linkage. Not here: anything that decides.

from libc.stdint cimport int32_t, int64_t
from libcpp.algorithm cimport sort
from libcpp.pair cimport pair
from libcpp.vector cimport vector

ctypedef pair[int32_t, int32_t] ids_t


cdef inline int64_t one_vote() noexcept nogil:
    """One vote in fixed point. Sums of integers do not depend on their order, sums of doubles do."""
    return <int64_t>1 << 36


cdef inline int64_t max_runs() noexcept nogil:
    """A content that lies in more clusters than this lets its largest ones vote only."""
    return 64


cdef inline void count_clusters(
    const int64_t[::1] list_ptr,
    const int32_t[::1] list_account,
    const int32_t[::1] label,
    vector[int64_t]& run_ptr,
    vector[ids_t]& runs,
    vector[int32_t]& own,
) noexcept nogil:
    """Per content its clusters as (label, accounts), the largest only; per row the others of its own cluster."""
    cdef int64_t n = list_ptr.shape[0] - 1
    cdef int64_t c, k, begin, i, j
    cdef vector[ids_t] carriers, order
    run_ptr.resize(n + 1)
    own.assign(list_account.shape[0], 0)
    for c in range(n):
        run_ptr[c] = runs.size()
        begin = list_ptr[c]
        carriers.clear()
        for k in range(begin, list_ptr[c + 1]):
            if label[list_account[k]] >= 0:
                carriers.push_back(ids_t(label[list_account[k]], k - begin))
        sort(carriers.begin(), carriers.end())
        order.clear()
        i = 0
        while i < <int64_t>carriers.size():
            j = i
            while j < <int64_t>carriers.size() and carriers[j].first == carriers[i].first:
                j += 1
            order.push_back(ids_t(i - j, carriers[i].first))
            for k in range(i, j):
                own[begin + carriers[k].second] = j - i - 1
            i = j
        if <int64_t>order.size() > max_runs():
            sort(order.begin(), order.end())
            order.resize(max_runs())
        for k in range(<int64_t>order.size()):
            runs.push_back(ids_t(order[k].second, -order[k].first))
    run_ptr[n] = runs.size()
