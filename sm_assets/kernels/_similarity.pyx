# Which sketches are alike (similarity_scan.hpp, similarity_body.hpp). Checks live in similarity.py.
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy
from libcpp.vector cimport vector

cdef int64_t EFFORT = 1 << 30  # blocks of 64 bytes, or keys, between two looks at Ctrl-C: up to a second


cdef extern from "similarity_scan.hpp" namespace "sma::similarity" nogil:
    cdef struct Folded:
        const uint8_t* bytes
        int64_t n
        int64_t k

    cdef cppclass PairsFound "sma::similarity::Pairs":
        PairsFound()
        vector[uint32_t] i
        vector[uint32_t] j
        vector[uint16_t] matches
        int64_t run(const Folded&, int64_t, int64_t, int64_t, int64_t, int64_t, int, int) except +

    int64_t c_fold "sma::similarity::fold"(const uint32_t*, int64_t, int64_t, int64_t, uint8_t*, int)
    void c_topk "sma::similarity::topk"(
        const Folded&, const Folded&, int64_t, int64_t, int64_t, const int64_t*, int64_t, int64_t*, uint16_t*, int, int
    ) except +
    void c_registers "sma::similarity::registers"(
        const uint32_t*, const uint32_t*, int64_t, const int64_t*, const int64_t*, int64_t, uint16_t*, int
    )
    int64_t c_unsorted "sma::similarity::first_unsorted"(
        const uint64_t*, const int64_t*, const uint8_t*, int64_t, int64_t, int
    )
    void c_intersections "sma::similarity::intersections"(
        const uint64_t*, const int64_t*, const int64_t*, const int64_t*, int64_t, int64_t, int64_t*, int, int
    ) except +


def fold(const uint32_t[:, ::1] registers, uint8_t[:, ::1] folded, int level):
    """folded # OUT [n, w], n > 0; returns the first row with an EMPTY register, or -1."""
    cdef int64_t row
    with nogil:
        row = c_fold(&registers[0, 0], registers.shape[0], registers.shape[1], folded.shape[1], &folded[0, 0], level)
    return row


def topk(
    const uint8_t[:, ::1] folded,
    int64_t k,
    const uint8_t[:, ::1] queries,
    const int64_t[:, ::1] exclude,
    int64_t[:, ::1] rows,
    uint16_t[:, ::1] matches,
    int threads,
    int level,
):
    """rows, matches # OUT [q, top], q and top > 0; exclude [q, e]."""
    cdef Folded index
    cdef Folded asked
    cdef const int64_t* left_out = NULL
    cdef int64_t n_exclude = exclude.shape[1], start, stop, n = queries.shape[0], top = rows.shape[1]
    cdef int64_t step = max(8 * threads, EFFORT // max(1, folded.shape[0] * folded.shape[1] // 64))
    index.bytes = &folded[0, 0] if folded.shape[0] else NULL
    index.n = folded.shape[0]
    index.k = k
    asked.bytes = &queries[0, 0]
    asked.n = n
    asked.k = k
    if n_exclude:
        left_out = &exclude[0, 0]
    for start in range(0, n, step):
        stop = min(start + step, n)
        with nogil:
            c_topk(index, asked, start, stop, top, left_out, n_exclude, &rows[0, 0], &matches[0, 0], threads, level)
        PyErr_CheckSignals()


cdef class Pairs:
    """Pairs of rows with enough matches, found row by row."""
    cdef PairsFound found

    def run(self, const uint8_t[:, ::1] folded, int64_t k, int64_t least, int64_t start, int64_t stop, int64_t enough, int threads, int level):
        """(next row to do, pairs found); `take` them before the next call. The matrix is not empty, start < stop."""
        cdef Folded rows
        cdef int64_t following
        rows.bytes = &folded[0, 0]
        rows.n = folded.shape[0]
        rows.k = k
        with nogil:
            following = self.found.run(rows, least, start, stop, enough, EFFORT, threads, level)
        return following, self.found.i.size()

    def take(self, uint32_t[::1] i, uint32_t[::1] j, uint16_t[::1] matches):
        """i, j, matches # OUT [pairs found], more than none."""
        memcpy(&i[0], self.found.i.data(), self.found.i.size() * sizeof(uint32_t))
        memcpy(&j[0], self.found.j.data(), self.found.j.size() * sizeof(uint32_t))
        memcpy(&matches[0], self.found.matches.data(), self.found.matches.size() * sizeof(uint16_t))


def registers(
    const uint32_t[:, ::1] a, const uint32_t[:, ::1] b, const int64_t[::1] i, const int64_t[::1] j, uint16_t[::1] matches, int level
):
    """matches # OUT [p], p > 0."""
    cdef int64_t start, n, k = a.shape[1], step = max(1, EFFORT // k)
    for start in range(0, i.shape[0], step):
        n = min(step, i.shape[0] - start)
        with nogil:
            c_registers(&a[0, 0], &b[0, 0], k, &i[start], &j[start], n, &matches[start], level)
        PyErr_CheckSignals()


def unsorted(const uint64_t[::1] keys, const int64_t[::1] indptr, const uint8_t[::1] asked, int level):
    """First row with asked[row] that does not rise strictly, or -1; there are keys and rows."""
    cdef int64_t found = -1, start = 0, stop, m = asked.shape[0]
    while start < m and found < 0:
        stop = start + 1
        while stop < m and indptr[stop + 1] - indptr[start] < EFFORT:
            stop += 1
        with nogil:
            found = c_unsorted(&keys[0], &indptr[0], &asked[0], start, stop, level)
        PyErr_CheckSignals()
        start = stop
    return found


def intersect(
    const uint64_t[::1] keys,
    const int64_t[::1] indptr,
    const int64_t[::1] i,
    const int64_t[::1] j,
    int64_t[::1] counts,
    int threads,
    int level,
):
    """counts # OUT [p], p > 0; there are keys."""
    cdef int64_t start = 0, stop, work, p = i.shape[0]
    while start < p:
        work = 0
        stop = start
        while stop < p and work < EFFORT:
            work += indptr[i[stop] + 1] - indptr[i[stop]] + indptr[j[stop] + 1] - indptr[j[stop]] + 64
            stop += 1
        with nogil:
            c_intersections(&keys[0], &indptr[0], &i[0], &j[0], start, stop, &counts[0], threads, level)
        PyErr_CheckSignals()
        start = stop
