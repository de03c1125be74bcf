# Plain edge lists to Arrow columns, and ids in one form (edge_scan.hpp). Checks live in edges.py.
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.vector cimport vector

from sm_assets.kernels._strings cimport StringBuilder, StringColumn, built, string_view, view


cdef extern from "edge_scan.hpp" namespace "sma" nogil:
    cdef struct RejectedLine:
        int64_t line
        int64_t offset
        int64_t length
        int64_t record
        int32_t reason

    cdef cppclass EdgeScanner:
        EdgeScanner(cbool, int64_t)
        int64_t feed(const char*, int64_t, cbool)
        void clear_rows()
        int64_t records()
        int64_t line_
        int64_t offset_
        StringBuilder first
        StringBuilder second
        StringBuilder weight_text
        vector[int64_t] rows
        vector[int64_t] lines
        vector[int64_t] starts
        vector[int64_t] lengths
        vector[double] weights
        vector[uint8_t] weight_kinds
        vector[RejectedLine] rejects
        cbool padded

    int64_t decimal_texts[Number](const Number*, int64_t, int32_t*, char*)
    uint8_t id_kind(string_view)
    string_view canonical_id(string_view)


def signed_texts(const int64_t[::1] numbers, int32_t[::1] offsets, char[::1] out):
    """offsets # OUT [n + 1], out # OUT [20 n]; returns the bytes written."""
    cdef int64_t used = 0
    if numbers.shape[0]:
        with nogil:
            used = decimal_texts(&numbers[0], numbers.shape[0], &offsets[0], &out[0])
    return used


def unsigned_texts(const uint64_t[::1] numbers, int32_t[::1] offsets, char[::1] out):
    """offsets # OUT [n + 1], out # OUT [20 n]; returns the bytes written."""
    cdef int64_t used = 0
    if numbers.shape[0]:
        with nogil:
            used = decimal_texts(&numbers[0], numbers.shape[0], &offsets[0], &out[0])
    return used


def kinds(object texts, uint8_t[::1] kind):
    """kind # OUT [n]: 0 is its own id, 1 its id is written otherwise, 2 empty, 3 a negative number"""
    cdef StringColumn column = view(texts)
    cdef int64_t i
    with nogil:
        for i in range(column.length):
            kind[i] = id_kind(column.text(i))


def canonical(object texts):
    """(offsets, bytes, present) of the ids; null where there is none."""
    cdef StringColumn column = view(texts)
    cdef StringBuilder ids
    cdef string_view found
    cdef int64_t i
    with nogil:
        for i in range(column.length):
            found = canonical_id(column.text(i))
            if found.empty():
                ids.append_null()
            else:
                ids.append(found)
    return built(&ids)


cdef class Scanner:
    cdef EdgeScanner* scanner

    def __cinit__(self, bint commas, int64_t max_record, int64_t line, int64_t offset):
        self.scanner = new EdgeScanner(commas, max_record)
        self.scanner.line_ = line
        self.scanner.offset_ = offset

    def __dealloc__(self):
        del self.scanner

    def feed(self, const uint8_t[::1] window, bint final):
        cdef int64_t used = 0
        cdef int64_t length = window.shape[0]
        cdef const char* start = <const char*>&window[0] if length else NULL
        if length:
            with nogil:
                used = self.scanner.feed(start, length, final)
        return used

    def take(self):
        cdef RejectedLine r
        cdef size_t n = self.scanner.rows.size()
        texts = (built(&self.scanner.first), built(&self.scanner.second), built(&self.scanner.weight_text))
        numbers = (b"",) * 6
        if n:
            numbers = (
                (<const char*>self.scanner.rows.data())[: n * 8],
                (<const char*>self.scanner.lines.data())[: n * 8],
                (<const char*>self.scanner.starts.data())[: n * 8],
                (<const char*>self.scanner.lengths.data())[: n * 8],
                (<const char*>self.scanner.weights.data())[: n * 8],
                (<const char*>self.scanner.weight_kinds.data())[:n],
            )
        rejects = [(r.line, r.offset, r.length, r.record, r.reason) for r in self.scanner.rejects]
        padded = self.scanner.padded
        self.scanner.clear_rows()
        return texts, numbers, rejects, padded

    @property
    def position(self):
        return self.scanner.line_, self.scanner.offset_

    @property
    def records(self):
        return self.scanner.records()
