# Sketches of sets (sketch_threads.hpp, sketch_levels.hpp). Checks live in sketch.py.
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.memory cimport unique_ptr

from cpython.exc cimport PyErr_CheckSignals

cdef extern from "sketch_threads.hpp" namespace "sma" nogil:
    cdef cppclass Sketcher:
        Sketcher(int, cbool, uint32_t, uint64_t, cbool, const uint32_t*, const uint32_t*, int) except +
        void reserve(uint64_t*, int64_t, int64_t) except +
        void sets(const uint64_t*, const int64_t*, int64_t, int64_t, int64_t, uint32_t*, cbool) noexcept
        void clear_empty(const int64_t*, int64_t, uint32_t*) noexcept
        void edges(const uint64_t*, const uint32_t*, int64_t, int64_t, uint32_t*) noexcept
        cbool wide()

    ctypedef void (*HashFunction)(const uint64_t*, int64_t, uint64_t, uint64_t*) noexcept
    HashFunction hash_function(int)
    int bad_indptr(const int64_t*, int64_t, int64_t, int64_t&)

cdef enum:
    # Between two of these a run can be interrupted.
    BLOCK_KEYS = 1 << 24


def indptr_fault(const int64_t[::1] indptr, int64_t n):
    """(0 sound, 1 does not start at 0, 2 falls, 3 does not end at n; where)."""
    cdef int64_t at = 0
    cdef int fault
    with nogil:
        fault = bad_indptr(&indptr[0], indptr.shape[0] - 1, n, at)
    return fault, at


def mixed(const uint64_t[::1] keys, uint64_t[::1] out, int level):
    """out # OUT [n]: mix64 of each key."""
    cdef HashFunction function = hash_function(level)
    if keys.shape[0]:
        with nogil:
            function(&keys[0], keys.shape[0], 0, &out[0])


cdef Sketcher* make(int level, uint32_t k, uint64_t seed, cbool high, const uint32_t[:, ::1] factors, int threads) except NULL:
    cdef cbool affine = factors is not None
    cdef const uint32_t* a = NULL
    cdef const uint32_t* b = NULL
    if affine:
        a = &factors[0, 0]
        b = &factors[1, 0]
    return new Sketcher(level, affine, k, seed, high, a, b, threads)


def sketch_sets(const uint64_t[::1] keys, const int64_t[::1] indptr, uint32_t[:, ::1] out, cbool fresh, int level, uint64_t seed, cbool high, const uint32_t[:, ::1] factors, int threads):
    """out # INOUT [m, k], lowered by the sets of keys; with `fresh` # OUT, whatever it held.

    factors: a and b of affine32, None for fss.

    Returns whether a key of affine32 did not fit 32 bits; out is then worth nothing.
    """
    cdef int64_t n = keys.shape[0], rows = out.shape[0], lo = 0, hi
    cdef const uint64_t* first = &keys[0] if n else NULL
    if rows == 0:
        return False
    cdef unique_ptr[Sketcher] sketcher
    sketcher.reset(make(level, out.shape[1], seed, high, factors, threads))
    if fresh:
        with nogil:
            sketcher.get().clear_empty(&indptr[0], rows, &out[0, 0])
    while lo < n:
        hi = min(n, lo + BLOCK_KEYS)
        with nogil:
            sketcher.get().sets(first, &indptr[0], rows, lo, hi, &out[0, 0], fresh)
        lo = hi
        PyErr_CheckSignals()
    return sketcher.get().wide()


def sketch_edges(const uint64_t[::1] keys, const uint32_t[::1] rows, uint64_t[::1] chunk, uint32_t[:, ::1] out, int level, uint64_t seed, cbool high, const uint32_t[:, ::1] factors, int threads):
    """out # INOUT [n_rows, k], lowered by the key of each edge in the row of each edge. Else as sketch_sets.

    chunk # SCRATCH: as many edges are grouped at once. Not empty.
    """
    cdef int64_t n = keys.shape[0], n_rows = out.shape[0], lo = 0, hi
    if n == 0:
        return False
    cdef unique_ptr[Sketcher] sketcher
    sketcher.reset(make(level, out.shape[1], seed, high, factors, threads))
    sketcher.get().reserve(&chunk[0], chunk.shape[0], n_rows)
    while lo < n:
        hi = min(n, lo + chunk.shape[0])
        with nogil:
            sketcher.get().edges(&keys[lo], &rows[lo], hi - lo, n_rows, &out[0, 0])
        lo = hi
        PyErr_CheckSignals()
    return sketcher.get().wide()
