# distutils: language = c++
"""Loops of the linkage method that judge clusters: scores, strangers among members. The face is `linkage`."""

from libc.math cimport exp, lgamma
from libc.stdint cimport int32_t, int64_t
from libcpp.algorithm cimport sort
from libcpp.vector cimport vector

from sm_assets.kernels._cluster_counts cimport count_clusters, ids_t, one_vote

cdef int64_t VOTE = one_vote()


def score_accounts(
    const int64_t[::1] row_ptr,
    const int32_t[::1] row_content,
    const int64_t[::1] row_vote,
    const int64_t[::1] row_place,
    const int64_t[::1] list_ptr,
    const int32_t[::1] list_account,
    const int64_t[::1] mass,
    const int32_t[::1] label,            # IN, per account: 0 <= label < n_accounts, -1 = none
    const int32_t[::1] population,       # IN, per label: accounts
    const double[::1] doubt,             # IN, per account: votes
    int32_t[::1] best,                   # OUT, label, -1 = none
    int32_t[::1] second,                 # OUT
    double[::1] best_score,              # OUT
    double[::1] second_score,            # OUT
    double[::1] placed,                  # OUT, share of the account's votes that reach any cluster
    double[::1] top_two,                 # OUT, share of its votes that reach the best and the second
):
    """Votes of every account for every cluster, itself left out; the two best."""
    cdef int64_t n = row_ptr.shape[0] - 1
    cdef int64_t x, i, k, c, mine, total
    cdef int32_t q
    cdef double v, chance, whole, others = n - 1 if n > 1 else 1
    cdef vector[int64_t] run_ptr, votes
    cdef vector[ids_t] runs
    cdef vector[int32_t] own, touched
    with nogil:
        count_clusters(list_ptr, list_account, label, run_ptr, runs, own)
        votes.assign(n, 0)
        for x in range(n):
            best[x] = -1
            second[x] = -1
            best_score[x] = 0
            second_score[x] = 0
            placed[x] = 0
            top_two[x] = 0
            if mass[x] == 0:
                continue
            touched.clear()
            mine = label[x]
            for i in range(row_ptr[x], row_ptr[x + 1]):
                c = row_content[i]
                if mine >= 0 and own[row_place[i]] > 0:
                    if votes[mine] == 0:
                        touched.push_back(mine)
                    votes[mine] += row_vote[i] * own[row_place[i]]
                for k in range(run_ptr[c], run_ptr[c + 1]):
                    q = runs[k].first
                    if q == mine or row_vote[i] == 0:
                        continue
                    if votes[q] == 0:
                        touched.push_back(q)
                    votes[q] += row_vote[i] * runs[k].second
            whole = <double>mass[x]
            total = 0
            for k in range(<int64_t>touched.size()):
                q = touched[k]
                total += votes[q]
                # Beyond chance: what an account that picks among all others would give this cluster is taken off.
                chance = (population[q] - (q == mine)) / others
                v = (votes[q] - chance * whole) / (1 - chance) if chance < 1 else votes[q]
                v = v / (whole + doubt[x] * VOTE)
                if v <= 0:
                    continue
                if best[x] < 0 or v > best_score[x] or (v == best_score[x] and q < best[x]):
                    second[x] = best[x]
                    second_score[x] = best_score[x]
                    best[x] = q
                    best_score[x] = v
                elif second[x] < 0 or v > second_score[x] or (v == second_score[x] and q < second[x]):
                    second[x] = q
                    second_score[x] = v
            placed[x] = total / whole
            if best[x] >= 0:
                top_two[x] = votes[best[x]] / whole
            if second[x] >= 0:
                top_two[x] += votes[second[x]] / whole
            for k in range(<int64_t>touched.size()):
                votes[touched[k]] = 0


def count_inner_pieces(
    const int64_t[::1] row_ptr,
    const int64_t[::1] row_place,
    const int64_t[::1] list_ptr,
    const int32_t[::1] list_account,
    const int32_t[::1] list_unit,
    const int32_t[::1] label,            # IN, per account
    int32_t[::1] count,                  # OUT, per account
):
    """Pieces of evidence of each account that another account of its cluster carries."""
    cdef int64_t x, i, place
    cdef int32_t last
    cdef vector[int64_t] run_ptr
    cdef vector[ids_t] runs
    cdef vector[int32_t] own
    with nogil:
        count_clusters(list_ptr, list_account, label, run_ptr, runs, own)
        for x in range(row_ptr.shape[0] - 1):
            count[x] = 0
            last = -1
            for i in range(row_ptr[x], row_ptr[x + 1]):
                place = row_place[i]
                if own[place] > 0 and list_unit[place] != last:
                    count[x] += 1
                    last = list_unit[place]


cdef inline double chance_of_none(double pool, double a, double b) noexcept nogil:
    """Chance that draws of a and of b different pieces out of a pool have none in common."""
    if a + b > pool:
        return 0
    return exp(lgamma(pool - a + 1) + lgamma(pool - b + 1) - lgamma(pool + 1) - lgamma(pool - a - b + 1))


def find_strangers(
    const int64_t[::1] row_ptr,
    const int32_t[::1] row_content,
    const int64_t[::1] row_place,
    const int64_t[::1] list_ptr,
    const int32_t[::1] list_account,
    const int32_t[::1] list_unit,
    const int32_t[::1] label,            # IN, per account
    const int64_t[::1] member_ptr,       # IN, members of a label
    const int32_t[::1] member,           # IN
    const int32_t[::1] n_pieces,         # IN, per account: pieces of evidence, those that nobody shares included
    int64_t least,                       # IN, pieces that a stranger must share with other members
    int64_t limit,                       # IN, members that are looked at, those with the most pieces
    double level,                        # IN
    int32_t[::1] first,                  # OUT, per label: an account, -1 = none
    int32_t[::1] other,                  # OUT, per label: another that shares nothing with it, against all odds
):
    """Pairs of members that have nothing in common although both carry much of what their cluster carries."""
    cdef int64_t n_labels = member_ptr.shape[0] - 1
    cdef int64_t k, m, i, j, c, n, x, p, q, width, met
    cdef int32_t last
    cdef double n_common, n_rows, pool, alone, chance, lowest, expected
    cdef vector[int64_t] run_ptr
    cdef vector[ids_t] runs
    cdef vector[int32_t] own, pieces, place_of, shared, seen
    cdef vector[ids_t] order
    cdef vector[double] chances
    with nogil:
        count_clusters(list_ptr, list_account, label, run_ptr, runs, own)
        place_of.assign(label.shape[0], -1)
        seen.assign(list_ptr.shape[0], -1)
        for k in range(n_labels):
            first[k] = -1
            other[k] = -1
            n = member_ptr[k + 1] - member_ptr[k]
            if n < 3:
                continue
            order.clear()
            n_common = 0
            n_rows = 0
            pool = 0
            alone = 0
            for m in range(member_ptr[k], member_ptr[k + 1]):
                x = member[m]
                order.push_back(ids_t(-n_pieces[x], x))
                alone += n_pieces[x]
                last = -1
                for i in range(row_ptr[x], row_ptr[x + 1]):
                    if own[row_place[i]] == 0:
                        continue
                    n_rows += 1
                    if list_unit[row_place[i]] != last:
                        n_common += 1
                    last = list_unit[row_place[i]]
                    c = row_content[i]
                    if seen[c] != k:
                        seen[c] = k
                        pool += 1
            if n_rows == 0:
                continue
            # A piece is often a text and a link: the shared contents are as many pieces as they make up on average.
            pool = pool * n_common / n_rows
            alone -= n_common
            sort(order.begin(), order.end())
            width = min(n, limit)
            pieces.assign(width, 0)
            shared.assign(width * width, 0)
            for i in range(width):
                place_of[order[i].second] = i
            for p in range(width):
                x = order[p].second
                last = -1
                for i in range(row_ptr[x], row_ptr[x + 1]):
                    if own[row_place[i]] == 0:
                        continue
                    if list_unit[row_place[i]] != last:
                        pieces[p] += 1
                    last = list_unit[row_place[i]]
                    c = row_content[i]
                    for j in range(list_ptr[c], list_ptr[c + 1]):
                        q = place_of[list_account[j]]
                        if q >= 0:
                            shared[p * width + q] += 1
            for i in range(width):
                place_of[order[i].second] = -1
            lowest = 2
            chances.assign(width * width, 2)
            for p in range(width):
                for q in range(p + 1, width):
                    if pieces[p] < least or pieces[q] < least:
                        continue
                    # Out of what members share, and out of all that they carry: the likelier of the two.
                    chance = chance_of_none(pool, pieces[p], pieces[q])
                    chance = max(
                        chance,
                        chance_of_none(pool + alone, n_pieces[order[p].second], n_pieces[order[q].second]),
                    )
                    chances[p * width + q] = chance
                    if shared[p * width + q] == 0 and chance < lowest:
                        lowest = chance
                        first[k] = order[p].second
                        other[k] = order[q].second
            if first[k] < 0:
                continue
            # Among many pairs some are bound to miss each other: how many of those as unlikely, by how many there are?
            expected = 0
            met = 0
            for i in range(width * width):
                if chances[i] <= lowest:
                    expected += chances[i]
                    met += shared[i] == 0
            if expected >= level * met:
                first[k] = -1
                other[k] = -1
