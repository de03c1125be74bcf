# Clustering around seeds: one pass over the accounts with an inverted index from contents to the clusters whose seed carries them.
# Checks live in seeded.py.
from libc.math cimport exp, log2
from libc.stdint cimport int32_t, int64_t, uint64_t
from libcpp.vector cimport vector

cdef enum:
    CACHE = 1 << 14


cdef struct Cached:
    int32_t n_xy
    int32_t n_y
    int32_t n_x
    double score


cdef struct Node:
    int32_t cluster
    int32_t next


cdef double evaluate(int64_t n_xy, int64_t n_y, int64_t n_x, int64_t n) noexcept nogil:
    cdef double coverage = <double>n_xy / <double>n_y
    cdef double npmi = 1.0
    cdef int64_t least = n_x if n_x < n_y else n_y
    if n_xy != n:
        npmi = log2(<double>(n_y * n_x) / <double>n / <double>n) / log2(<double>n_xy / <double>n) - 1
    return coverage * (npmi * (1 - exp(-<double>least / 4)))


def seed(
    const int64_t[::1] account_ptr,
    const int32_t[::1] content,
    const int64_t[::1] order,
    int64_t n_contents,
    int64_t n_background,
    double min_threshold,
    double second_cluster_factor,
    int32_t min_seed_contents,
    int32_t[::1] cluster,
    int32_t[::1] best_cluster,
    int32_t[::1] second_cluster,
    double[::1] best_score,
    double[::1] second_score,
):
    """cluster .. second_score # OUT [n_accounts], filled with -1 / nan by the caller. Returns (seeds, steps)."""
    cdef vector[int32_t] heads
    cdef vector[Node] nodes
    cdef vector[int32_t] seeds
    cdef vector[int32_t] shared
    cdef vector[int32_t] touched
    cdef vector[Cached] cache
    cdef Cached* slot
    cdef Node node
    cdef int64_t k, row, steps = 0
    cdef int32_t y, x, c, link, n_y, n_x, n_xy, matches, best, second
    cdef size_t t
    cdef double score, best_value, second_value
    with nogil:
        heads.assign(n_contents, -1)
        cache.resize(CACHE)
        for k in range(order.shape[0]):
            y = <int32_t>order[k]
            n_y = <int32_t>(account_ptr[y + 1] - account_ptr[y])
            if n_y <= 1:
                continue
            touched.clear()
            for row in range(account_ptr[y], account_ptr[y + 1]):
                link = heads[content[row]]
                while link >= 0:
                    c = nodes[link].cluster
                    if shared[c] == 0:
                        touched.push_back(c)
                    shared[c] += 1
                    link = nodes[link].next
                    steps += 1
            matches = 0
            best = second = -1
            best_value = second_value = -1e300
            for t in range(touched.size()):
                c = touched[t]
                n_xy = shared[c]
                shared[c] = 0
                x = seeds[c]
                n_x = <int32_t>(account_ptr[x + 1] - account_ptr[x])
                slot = &cache[(<uint64_t>n_xy * 2654435761u ^ <uint64_t>n_x * 40503u ^ <uint64_t>n_y) % CACHE]
                if slot.n_xy != n_xy or slot.n_y != n_y or slot.n_x != n_x:
                    slot.n_xy, slot.n_y, slot.n_x = n_xy, n_y, n_x
                    slot.score = evaluate(n_xy, n_y, n_x, n_background)
                score = slot.score
                if score >= min_threshold:
                    matches += 1
                # Equal scores rank by the lower cluster number.
                if score > best_value or (score == best_value and c < best):
                    second, second_value = best, best_value
                    best, best_value = c, score
                elif second < 0 or score > second_value or (score == second_value and c < second):
                    second, second_value = c, score
            if best >= 0:
                best_cluster[y] = best
                best_score[y] = best_value
            if second >= 0:
                second_cluster[y] = second
                second_score[y] = second_value
            if matches == 1 or (matches >= 2 and best_value >= second_value * second_cluster_factor):
                cluster[y] = best
                continue
            if n_y < min_seed_contents:
                continue
            c = <int32_t>seeds.size()
            seeds.push_back(y)
            shared.push_back(0)
            cluster[y] = c
            for row in range(account_ptr[y], account_ptr[y + 1]):
                node.cluster = c
                node.next = heads[content[row]]
                heads[content[row]] = <int32_t>nodes.size()
                nodes.push_back(node)
    return list(seeds), steps
