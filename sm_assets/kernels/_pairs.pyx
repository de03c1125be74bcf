# distutils: language = c++
"""Loops over pairs of accounts that share contents. The face is `pairs`."""

from libc.math cimport exp, lgamma
from libc.stdint cimport int32_t, int64_t, uint8_t
from libcpp.algorithm cimport nth_element, sort
from libcpp.vector cimport vector

cdef int64_t SIDE = 8


cdef class PairList:
    """Pairs of accounts, a < b, ascending."""

    cdef vector[int32_t] a
    cdef vector[int32_t] b

    def __len__(self):
        return self.a.size()

    def fill(self, int32_t[::1] a, int32_t[::1] b):
        """Copy the pairs into arrays of the list's length."""
        cdef int64_t i
        with nogil:
            for i in range(<int64_t>self.a.size()):
                a[i] = self.a[i]
                b[i] = self.b[i]


def list_pairs(
    const int64_t[::1] row_ptr,
    const int32_t[::1] row_content,
    const int64_t[::1] row_place,
    const int64_t[::1] list_ptr,
    const int32_t[::1] list_account,
    int64_t limit,
):
    """Pairs that share a content; a content with more carriers than the limit ties each to its next SIDE on either side."""
    cdef int64_t n = row_ptr.shape[0] - 1
    cdef int64_t x, y, i, j, k, m, c, begin, step
    cdef vector[int32_t] last, touched
    cdef PairList found = PairList()
    with nogil:
        last.assign(n, -1)
        for x in range(n):
            touched.clear()
            for i in range(row_ptr[x], row_ptr[x + 1]):
                c = row_content[i]
                begin = list_ptr[c]
                m = list_ptr[c + 1] - begin
                if m <= limit or m <= 2 * SIDE + 1:
                    for j in range(begin, begin + m):
                        y = list_account[j]
                        if y > x and last[y] != x:
                            last[y] = x
                            touched.push_back(y)
                else:
                    for step in range(1, 2 * SIDE + 1):
                        k = step if step <= SIDE else SIDE - step
                        y = list_account[begin + (row_place[i] - begin + k + m) % m]
                        if y > x and last[y] != x:
                            last[y] = x
                            touched.push_back(y)
            sort(touched.begin(), touched.end())
            for k in range(<int64_t>touched.size()):
                found.a.push_back(x)
                found.b.push_back(touched[k])
    return found


def measure_pairs(
    const int64_t[::1] account_ptr,
    const int32_t[::1] content,
    const int32_t[::1] unit,
    const uint8_t[::1] kind,             # IN, per row: 0..3
    const int64_t[::1] first_at,         # IN, per row
    const int64_t[::1] last_at,          # IN, per row
    int64_t n_contents,
    const int32_t[::1] a,                # IN, ascending
    const int32_t[::1] b,                # IN
    int32_t[::1] n_shared,               # OUT, pieces: the smaller of both accounts' counts
    int32_t[:, ::1] by_kind,             # OUT, contents
    double[::1] median_gap,              # OUT, in the unit of the times
    int64_t[::1] first_shared,           # OUT
    int64_t[::1] last_shared,            # OUT
):
    """What each pair has in common."""
    cdef int64_t i, k, row, own, half
    cdef int32_t x = -1, seen_b, pieces_a, pieces_b
    cdef int64_t gap, low
    cdef vector[int64_t] mark, gaps
    cdef vector[int32_t] unit_mark
    with nogil:
        mark.assign(n_contents, -1)
        for i in range(a.shape[0]):
            if a[i] != x:
                x = a[i]
                for row in range(account_ptr[x], account_ptr[x + 1]):
                    mark[content[row]] = row
            if account_ptr[x + 1] > account_ptr[x]:
                unit_mark.assign(unit[account_ptr[x + 1] - 1] + 1, 0)
            pieces_a = 0
            pieces_b = 0
            seen_b = -1
            gaps.clear()
            for k in range(4):
                by_kind[i, k] = 0
            for row in range(account_ptr[b[i]], account_ptr[b[i] + 1]):
                own = mark[content[row]]
                if own < account_ptr[x] or own >= account_ptr[x + 1]:
                    continue
                by_kind[i, kind[row]] += 1
                if unit[row] != seen_b:
                    seen_b = unit[row]
                    pieces_b += 1
                if unit_mark[unit[own]] == 0:
                    unit_mark[unit[own]] = 1
                    pieces_a += 1
                gap = first_at[row] - first_at[own]
                gaps.push_back(gap if gap >= 0 else -gap)
                if gaps.size() == 1:
                    first_shared[i] = min(first_at[row], first_at[own])
                    last_shared[i] = max(last_at[row], last_at[own])
                else:
                    first_shared[i] = min(first_shared[i], min(first_at[row], first_at[own]))
                    last_shared[i] = max(last_shared[i], max(last_at[row], last_at[own]))
            n_shared[i] = min(pieces_a, pieces_b)
            median_gap[i] = 0
            if gaps.empty():
                first_shared[i] = 0
                last_shared[i] = 0
                continue
            half = gaps.size() // 2
            nth_element(gaps.begin(), gaps.begin() + half, gaps.end())
            median_gap[i] = <double>gaps[half]
            if gaps.size() % 2 == 0:
                low = gaps[0]
                for k in range(1, half):
                    low = max(low, gaps[k])
                median_gap[i] = (<double>low + median_gap[i]) / 2


def hypergeometric_tail(
    const int32_t[::1] k,
    const int32_t[::1] x,
    const int32_t[::1] y,
    double n,
    double[::1] p,                       # OUT
):
    """Chance that x and y draws out of n have k or more in common."""
    cdef int64_t i
    cdef double j, term, total, most, a, b
    with nogil:
        for i in range(k.shape[0]):
            j = max(<double>k[i], 0.0)
            a = x[i]
            b = y[i]
            most = min(a, b)
            if j <= max(0.0, a + b - n):
                p[i] = 1
                continue
            if j > most:
                p[i] = 0
                continue
            term = exp(
                lgamma(a + 1) - lgamma(j + 1) - lgamma(a - j + 1)
                + lgamma(n - a + 1) - lgamma(b - j + 1) - lgamma(n - a - b + j + 1)
                - lgamma(n + 1) + lgamma(b + 1) + lgamma(n - b + 1)
            )
            total = 0
            while term > total * 1e-17:
                total += term
                term *= (a - j) * (b - j) / ((j + 1) * (n - a - b + j + 1))
                j += 1
                if j > most:
                    break
            p[i] = min(total, 1.0)


cdef class RowList:
    """Rows that pairs have in common."""

    cdef vector[int32_t] pair
    cdef vector[int64_t] row_a
    cdef vector[int64_t] row_b

    def __len__(self):
        return self.pair.size()

    def fill(self, int32_t[::1] pair, int64_t[::1] row_a, int64_t[::1] row_b):
        """Copy the rows into arrays of the list's length."""
        cdef int64_t i
        with nogil:
            for i in range(<int64_t>self.pair.size()):
                pair[i] = self.pair[i]
                row_a[i] = self.row_a[i]
                row_b[i] = self.row_b[i]


def list_shared_rows(
    const int64_t[::1] account_ptr,
    const int32_t[::1] content,
    int64_t n_contents,
    const int32_t[::1] a,                # IN, ascending
    const int32_t[::1] b,
):
    """Rows of the evidence that hold the same content, for each pair."""
    cdef int64_t i, row, own
    cdef int32_t x = -1
    cdef vector[int64_t] mark
    cdef RowList found = RowList()
    with nogil:
        mark.assign(n_contents, -1)
        for i in range(a.shape[0]):
            if a[i] != x:
                x = a[i]
                for row in range(account_ptr[x], account_ptr[x + 1]):
                    mark[content[row]] = row
            for row in range(account_ptr[b[i]], account_ptr[b[i] + 1]):
                own = mark[content[row]]
                if own < account_ptr[x] or own >= account_ptr[x + 1]:
                    continue
                found.pair.push_back(i)
                found.row_a.push_back(own)
                found.row_b.push_back(row)
    return found
