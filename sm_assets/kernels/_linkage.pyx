# distutils: language = c++
"""Loops of the linkage method that make clusters: votes, cores, mergers. The face is `linkage`."""

from libc.math cimport sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libcpp.algorithm cimport sort
from libcpp.pair cimport pair
from libcpp.queue cimport priority_queue
from libcpp.vector cimport vector

from sm_assets.kernels._cluster_counts cimport count_clusters, ids_t, one_vote

ctypedef pair[int32_t, int64_t] edge_t
ctypedef pair[double, pair[ids_t, ids_t]] candidate_t

cdef int64_t VOTE = one_vote()
ONE_VOTE = VOTE
# Carriers up to which a content ties all of them to each other when cores are sought; beyond, it ties each to the next
# SIDE on either side, in the order of a hash.
cdef int64_t ALL_PAIRS = 64
cdef int64_t SIDE = 8
# Pairs whose similarity is below this part of the threshold count as having none.
cdef double NEGLIGIBLE = 0.25


cdef inline uint64_t scramble(uint64_t x) noexcept nogil:
    """A fixed bijection of 64-bit integers (splitmix64, Steele et al. 2014, doi:10.1145/2660193.2660195)."""
    x += <uint64_t>0x9E3779B97F4A7C15
    x = (x ^ (x >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
    x = (x ^ (x >> 27)) * <uint64_t>0x94D049BB133111EB
    return x ^ (x >> 31)


def index_shared(
    const int64_t[::1] account_ptr,      # IN
    const int32_t[::1] content,          # IN
    const int32_t[::1] unit,             # IN
    const int32_t[::1] carriers,         # IN, per content
    int32_t[::1] shared_id,              # OUT, per content: number among the shared ones, -1 = carried by one account
    int64_t viral,                       # IN
    int64_t[::1] row_ptr,                # OUT, rows of an account
    int32_t[::1] row_content,            # OUT
    int64_t[::1] row_vote,               # OUT, vote of a row for each one of the other carriers
    int64_t[::1] row_place,              # OUT, where the row lies in the lists of carriers
    int64_t[::1] list_ptr,               # OUT, carriers of a shared content
    int32_t[::1] list_account,           # OUT
    int32_t[::1] list_unit,              # OUT
    int64_t[::1] list_vote,              # OUT
    int64_t[::1] mass,                   # OUT, votes of an account
    int32_t[::1] n_shared,               # OUT, pieces that another account carries
    int32_t[::1] n_common,               # OUT, of these: pieces that no more accounts than the limit carry
):
    """Keep the rows whose content another account carries, by account and by content, and weigh them."""
    cdef int64_t n_accounts = account_ptr.shape[0] - 1
    cdef int64_t n_lists = list_ptr.shape[0] - 1
    cdef int64_t a, i, j, k, c, n, kinds, begin, out = 0, where, found = 0
    cdef bint common
    cdef int64_t weight
    cdef vector[int64_t] fill
    cdef vector[pair[uint64_t, int64_t]] order
    cdef vector[int32_t] moved_account, moved_unit
    cdef vector[int64_t] moved_vote, new_place
    with nogil:
        # Numbered as they appear, so that what an account carries lies close together.
        for c in range(shared_id.shape[0]):
            shared_id[c] = -1
        for i in range(content.shape[0]):
            n = carriers[content[i]]
            if n > 1 and shared_id[content[i]] < 0:
                shared_id[content[i]] = found
                list_ptr[found + 1] = n
                found += 1
        for c in range(n_lists):
            list_ptr[c + 1] += list_ptr[c]
        fill.resize(n_lists)
        for c in range(n_lists):
            fill[c] = list_ptr[c]
        for a in range(n_accounts):
            row_ptr[a] = out
            i = account_ptr[a]
            while i < account_ptr[a + 1]:
                j = i
                kinds = 0
                while j < account_ptr[a + 1] and unit[j] == unit[i]:
                    kinds += shared_id[content[j]] >= 0
                    j += 1
                common = False
                for k in range(i, j):
                    c = shared_id[content[k]]
                    if c < 0:
                        continue
                    n = carriers[content[k]]
                    # The more carry a content, the less it says: down to half a vote, and less beyond the limit.
                    weight = <int64_t>(VOTE * (0.5 + 0.5 * sqrt(2.0 / <double>n))) // kinds
                    if n > viral:
                        weight = weight * viral // n
                    else:
                        common = True
                    where = fill[c]
                    fill[c] += 1
                    row_content[out] = c
                    row_vote[out] = weight // (n - 1)
                    row_place[out] = where
                    list_account[where] = a
                    list_unit[where] = unit[i]
                    list_vote[where] = row_vote[out]
                    mass[a] += weight
                    out += 1
                n_shared[a] += kinds > 0
                n_common[a] += common
                i = j
        row_ptr[n_accounts] = out
        # Long lists are put in the order of a hash of the account, the same in every list, so that two accounts that
        # share many such contents are neighbours in many of them.
        new_place.resize(0)
        for c in range(n_lists):
            n = list_ptr[c + 1] - list_ptr[c]
            if n <= ALL_PAIRS:
                continue
            begin = list_ptr[c]
            order.clear()
            moved_account.clear()
            moved_unit.clear()
            moved_vote.clear()
            for k in range(begin, begin + n):
                order.push_back(pair[uint64_t, int64_t](scramble(list_account[k]), k))
                moved_account.push_back(list_account[k])
                moved_unit.push_back(list_unit[k])
                moved_vote.push_back(list_vote[k])
            sort(order.begin(), order.end())
            if new_place.empty():
                new_place.resize(out)
                for k in range(out):
                    new_place[k] = k
            for k in range(n):
                j = order[k].second - begin
                list_account[begin + k] = moved_account[j]
                list_unit[begin + k] = moved_unit[j]
                list_vote[begin + k] = moved_vote[j]
                new_place[begin + j] = begin + k
        if not new_place.empty():
            for k in range(out):
                row_place[k] = new_place[row_place[k]]


cdef inline double similarity(
    int mode, int64_t w, double size_a, double size_b, double inner_a, double inner_b, double mass_a, double mass_b
) noexcept nogil:
    """Mode 0: mean of the pairs. Mode 1: votes between the two over what the denser of them would lead to expect."""
    cdef double expected_a, expected_b
    if mode == 0:
        return <double>w / (size_a * size_b)
    expected_a = inner_a * size_a / (size_a - 1) * mass_b / mass_a
    expected_b = inner_b * size_b / (size_b - 1) * mass_a / mass_b
    if expected_b > expected_a:
        expected_a = expected_b
    return <double>w / expected_a if expected_a > 0 else 0


cdef int32_t find(vector[int32_t]& parent, int32_t x) noexcept nogil:
    cdef int32_t top = x, up
    while parent[top] != top:
        top = parent[top]
    while parent[x] != top:
        up = parent[x]
        parent[x] = top
        x = up
    return top


cdef void agglomerate(
    vector[vector[edge_t]]& near,
    vector[double]& size,
    vector[double]& inner,
    vector[double]& mass,
    int mode,
    double threshold,
    int32_t[::1] root,
) noexcept nogil:
    """Merge the two most similar items until none reaches the threshold; ties go to the smallest numbers.

    Every merger makes a new item, so an entry of the heap is current exactly if both its items are still alive, and the
    lists of neighbours need no repair: they are put in order when their owner merges.
    """
    cdef int32_t n = near.size()
    cdef int32_t a, b, y, top = n
    cdef int64_t w, i
    cdef double s
    cdef candidate_t best
    cdef priority_queue[candidate_t] heap
    cdef vector[edge_t] merged
    cdef vector[int32_t] parent, first
    parent.resize(2 * n + 1)
    first.resize(2 * n + 1)
    for a in range(2 * n + 1):
        parent[a] = a
        first[a] = a
    near.resize(2 * n + 1)
    size.resize(2 * n + 1)
    inner.resize(2 * n + 1)
    mass.resize(2 * n + 1)
    for a in range(n):
        for i in range(<int64_t>near[a].size()):
            b = near[a][i].first
            if a < b:
                s = similarity(mode, near[a][i].second, size[a], size[b], inner[a], inner[b], mass[a], mass[b])
                if s >= threshold:
                    heap.push(candidate_t(s, pair[ids_t, ids_t](ids_t(-a, -b), ids_t(a, b))))
    while not heap.empty():
        best = heap.top()
        heap.pop()
        a = best.second.second.first
        b = best.second.second.second
        if parent[a] != a or parent[b] != b:
            continue
        w = 0
        merged.clear()
        for i in range(<int64_t>near[a].size()):
            y = find(parent, near[a][i].first)
            if y == b:
                w += near[a][i].second
            elif y != a:
                merged.push_back(edge_t(y, near[a][i].second))
        for i in range(<int64_t>near[b].size()):
            y = find(parent, near[b][i].first)
            if y != a and y != b:
                merged.push_back(edge_t(y, near[b][i].second))
        near[a].clear()
        near[a].shrink_to_fit()
        near[b].clear()
        near[b].shrink_to_fit()
        sort(merged.begin(), merged.end())
        parent[a] = top
        parent[b] = top
        first[top] = min(first[a], first[b])
        size[top] = size[a] + size[b]
        inner[top] = inner[a] + inner[b] + <double>w
        mass[top] = mass[a] + mass[b]
        i = 0
        while i < <int64_t>merged.size():
            y = merged[i].first
            w = 0
            while i < <int64_t>merged.size() and merged[i].first == y:
                w += merged[i].second
                i += 1
            near[top].push_back(edge_t(y, w))
            s = similarity(mode, w, size[top], size[y], inner[top], inner[y], mass[top], mass[y])
            if s >= threshold:
                a = min(first[top], first[y])
                b = max(first[top], first[y])
                heap.push(candidate_t(s, pair[ids_t, ids_t](ids_t(-a, -b), ids_t(top, y))))
        top += 1
    for a in range(n):
        root[a] = first[find(parent, a)]


def find_cores(
    const int64_t[::1] row_ptr,
    const int32_t[::1] row_content,
    const int64_t[::1] row_vote,
    const int64_t[::1] row_place,
    const int64_t[::1] list_ptr,
    const int32_t[::1] list_account,
    const int32_t[::1] list_unit,
    const int64_t[::1] list_vote,
    const int64_t[::1] mass,
    const uint8_t[::1] candidate,        # IN, per account: 1 = takes part
    int64_t min_pieces,                  # IN, pieces that a pair must share
    double shrink,                       # IN, votes
    double threshold,                    # IN, mean similarity of a core's pairs
    int32_t[::1] root,                   # OUT, smallest account of the core
):
    """Average linkage over the pairs of accounts that share contents."""
    cdef int64_t n = row_ptr.shape[0] - 1
    cdef int64_t x, y, i, j, k, c, m, begin, place, step, w
    cdef int32_t unit_x
    cdef double s
    cdef vector[vector[edge_t]] near
    cdef vector[double] size, none, other
    cdef vector[int64_t] votes
    cdef vector[int32_t] pieces, last_x, last_y, touched
    with nogil:
        near.resize(n)
        size.assign(n, 1.0)
        none.assign(n, 0.0)
        other.assign(n, 0.0)
        votes.assign(n, 0)
        pieces.assign(n, 0)
        last_x.assign(n, -1)
        last_y.assign(n, -1)
        for x in range(n):
            if not candidate[x]:
                continue
            touched.clear()
            for i in range(row_ptr[x], row_ptr[x + 1]):
                c = row_content[i]
                begin = list_ptr[c]
                m = list_ptr[c + 1] - begin
                place = row_place[i]
                unit_x = list_unit[place]
                if m <= ALL_PAIRS:
                    for j in range(begin, begin + m):
                        y = list_account[j]
                        if y <= x or not candidate[y]:
                            continue
                        if votes[y] == 0:
                            touched.push_back(y)
                            pieces[y] = 0
                            last_x[y] = -1
                            last_y[y] = -1
                        votes[y] += row_vote[i] + list_vote[j]
                        if last_x[y] != unit_x and last_y[y] != list_unit[j]:
                            pieces[y] += 1
                        last_x[y] = unit_x
                        last_y[y] = list_unit[j]
                else:
                    for step in range(1, 2 * SIDE + 1):
                        k = step if step <= SIDE else SIDE - step
                        j = begin + (place - begin + k + m) % m
                        y = list_account[j]
                        if y <= x or not candidate[y]:
                            continue
                        if votes[y] == 0:
                            touched.push_back(y)
                            pieces[y] = 0
                            last_x[y] = -1
                            last_y[y] = -1
                        # The vote that is due to all other carriers goes to the sampled ones.
                        votes[y] += (row_vote[i] + list_vote[j]) * (m - 1) // (2 * SIDE)
                        if last_x[y] != unit_x and last_y[y] != list_unit[j]:
                            pieces[y] += 1
                        last_x[y] = unit_x
                        last_y[y] = list_unit[j]
            for k in range(<int64_t>touched.size()):
                y = touched[k]
                w = votes[y]
                votes[y] = 0
                if pieces[y] < min_pieces:
                    continue
                s = <double>w / (2 * (sqrt(<double>mass[x] * <double>mass[y]) / VOTE + shrink))
                if s < NEGLIGIBLE * threshold * VOTE:
                    continue
                near[x].push_back(edge_t(y, <int64_t>s))
                near[y].push_back(edge_t(x, <int64_t>s))
        agglomerate(near, size, none, other, 0, threshold * VOTE, root)


def merge_clusters(
    const int64_t[::1] row_ptr,
    const int32_t[::1] row_content,
    const int64_t[::1] row_vote,
    const int64_t[::1] row_place,
    const int64_t[::1] list_ptr,
    const int32_t[::1] list_account,
    const int64_t[::1] mass,
    const int32_t[::1] label,            # IN, per account: < n_labels, -1 = none; numbered by smallest account
    const int64_t[::1] member_ptr,       # IN, members of a label
    const int32_t[::1] member,           # IN
    double threshold,                    # IN
    int32_t[::1] root,                   # OUT, per label: the smallest label that it merges with
):
    """Merge clusters that are tied to each other nearly as densely as they are within themselves."""
    cdef int64_t n_labels = member_ptr.shape[0] - 1
    cdef int64_t a, i, k, c, m, x
    cdef int32_t q
    cdef vector[int64_t] run_ptr, votes
    cdef vector[ids_t] runs
    cdef vector[int32_t] own, touched
    cdef vector[vector[edge_t]] near
    cdef vector[double] size, inner, weight
    with nogil:
        count_clusters(list_ptr, list_account, label, run_ptr, runs, own)
        votes.assign(n_labels, 0)
        near.resize(n_labels)
        size.assign(n_labels, 0)
        inner.assign(n_labels, 0)
        weight.assign(n_labels, 0)
        for a in range(n_labels):
            touched.clear()
            size[a] = member_ptr[a + 1] - member_ptr[a]
            for m in range(member_ptr[a], member_ptr[a + 1]):
                x = member[m]
                weight[a] += <double>mass[x]
                for i in range(row_ptr[x], row_ptr[x + 1]):
                    c = row_content[i]
                    inner[a] += <double>(row_vote[i] * own[row_place[i]])
                    for k in range(run_ptr[c], run_ptr[c + 1]):
                        q = runs[k].first
                        if q == a or row_vote[i] == 0:
                            continue
                        if votes[q] == 0:
                            touched.push_back(q)
                        votes[q] += row_vote[i] * runs[k].second
            for k in range(<int64_t>touched.size()):
                q = touched[k]
                near[a].push_back(edge_t(q, votes[q]))
                near[q].push_back(edge_t(a, votes[q]))
                votes[q] = 0
        # Both directions are in both lists; sums of their halves.
        for a in range(n_labels):
            sort(near[a].begin(), near[a].end())
            m = 0
            i = 0
            while i < <int64_t>near[a].size():
                k = near[a][i].second
                q = near[a][i].first
                i += 1
                while i < <int64_t>near[a].size() and near[a][i].first == q:
                    k += near[a][i].second
                    i += 1
                near[a][m] = edge_t(q, k)
                m += 1
            near[a].resize(m)
        agglomerate(near, size, inner, weight, 1, threshold * 2, root)
