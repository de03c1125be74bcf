# CSV bytes to Arrow string columns and rejected stretches (csv_scan.hpp). Checks live in scan.py.
from libc.stdint cimport int32_t, int64_t, uint8_t
from libcpp cimport bool as cbool
from libcpp.vector cimport vector

from sm_assets.kernels._strings cimport StringBuilder, built


cdef extern from "csv_scan.hpp" namespace "sma" nogil:
    cdef enum Damage:
        DAMAGE_REPAIR
        DAMAGE_REJECT

    cdef struct RejectedStretch:
        int64_t line
        int64_t offset
        int64_t length
        int64_t record
        int32_t reason
        int32_t found

    cdef cppclass CsvScanner:
        CsvScanner(char, vector[int32_t], int32_t, int64_t, cbool, Damage)
        int64_t feed(const char*, int64_t, cbool)
        vector[StringBuilder] take_columns()
        void clear_rows()
        int64_t records()
        int64_t line_
        int64_t offset_
        vector[int64_t] rows
        vector[int64_t] lines
        vector[int64_t] starts
        vector[int32_t] lengths
        vector[uint8_t] flags
        vector[RejectedStretch] rejects
        int64_t clean_runs
        int64_t broken_runs
        int64_t clean_records
        int64_t broken_records


cdef class Scanner:
    cdef CsvScanner* scanner

    def __cinit__(self, char delimiter, list targets, int32_t n_columns, int64_t max_record, bint inspect, bint reject_damage,
                  int64_t line, int64_t offset):
        self.scanner = new CsvScanner(
            delimiter, targets, n_columns, max_record, inspect, DAMAGE_REJECT if reject_damage else DAMAGE_REPAIR
        )
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
        cdef vector[StringBuilder] columns = self.scanner.take_columns()
        cdef size_t k
        cdef RejectedStretch r
        made = [built(&columns[k]) for k in range(columns.size())]
        positions = position_bytes(self.scanner)
        rejects = [(r.line, r.offset, r.length, r.record, r.reason, r.found) for r in self.scanner.rejects]
        self.scanner.clear_rows()
        return made, positions, rejects

    @property
    def position(self):
        return self.scanner.line_, self.scanner.offset_

    @property
    def statistics(self):
        return {
            "records": self.scanner.records(),
            "clean_runs": self.scanner.clean_runs,
            "broken_runs": self.scanner.broken_runs,
            "clean_records": self.scanner.clean_records,
            "broken_records": self.scanner.broken_records,
        }


cdef tuple position_bytes(CsvScanner* scanner):
    cdef size_t n = scanner.rows.size()
    if n == 0:
        return b"", b"", b"", b"", b""
    return (
        (<const char*>scanner.rows.data())[: n * 8],
        (<const char*>scanner.lines.data())[: n * 8],
        (<const char*>scanner.starts.data())[: n * 8],
        (<const char*>scanner.lengths.data())[: n * 4],
        (<const char*>scanner.flags.data())[:n],
    )
