# JSON bytes to Arrow string columns and rejected stretches (json_scan.hpp), and single values to Python. Checks live in json_lines.py.
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int32_t, int64_t, uint8_t
from libcpp cimport bool as cbool
from libcpp.string cimport string
from libcpp.vector cimport vector

from sm_assets.kernels._strings cimport StringBuilder, StringColumn, built, string_view, view


cdef extern from "json_scan.hpp" namespace "sma" nogil:
    const int JSON_MAX_DEPTH

    cdef enum JsonGot:
        JSON_COMPLETE
        JSON_MORE
        JSON_BAD

    cdef struct JsonReject:
        int64_t line
        int64_t offset
        int64_t length
        int64_t record
        int32_t reason

    cdef cppclass JsonText:
        const char* source "from"
        const char* to
        uint8_t bits

    void append_text(vector[char]&, const JsonText&)

    cdef cppclass JsonValues:
        JsonValues(const vector[vector[string]]&) except +

    void append_shortest(vector[char]&, const char*, const char*, JsonValues&)

    cdef cppclass JsonTokens:
        const char* limit
        const char* fault
        uint8_t flags
        void bounds(const char*, const char*, cbool)
        const char* space(const char*)
        JsonGot text(const char*, JsonText&)
        JsonGot number(const char*&)
        JsonGot literal(const char*&, const char*)
        JsonGot missing(const char*)

    cdef cppclass JsonScanner:
        JsonScanner(vector[vector[string]], vector[vector[int32_t]], int64_t)
        int64_t feed(const char*, int64_t, cbool)
        vector[StringBuilder] take_columns()
        void clear_rows()
        int64_t records()
        cbool is_document()
        int64_t line_
        int64_t offset_
        vector[int64_t] rows
        vector[int32_t] items
        vector[int64_t] lines
        vector[int64_t] starts
        vector[int64_t] lengths
        vector[uint8_t] flags
        vector[JsonReject] rejects
        int64_t clean_runs
        int64_t broken_runs

cdef const char* NOTHING = ""


cdef class Scanner:
    cdef JsonScanner* scanner

    def __cinit__(self, list paths, list slots, int64_t max_record, int64_t line, int64_t offset):
        self.scanner = new JsonScanner(paths, slots, max_record)
        self.scanner.line_ = line
        self.scanner.offset_ = offset

    def __dealloc__(self):
        del self.scanner

    def feed(self, const uint8_t[::1] window, bint final):
        cdef int64_t used
        cdef int64_t length = window.shape[0]
        cdef const char* start = <const char*>&window[0] if length else NOTHING
        with nogil:
            used = self.scanner.feed(start, length, final)
        return used

    def take(self):
        cdef vector[StringBuilder] columns = self.scanner.take_columns()
        cdef size_t k
        cdef JsonReject r
        made = [built(&columns[k]) for k in range(columns.size())]
        positions = position_bytes(self.scanner)
        rejects = [(r.line, r.offset, r.length, r.record, r.reason) for r in self.scanner.rejects]
        self.scanner.clear_rows()
        return made, positions, rejects

    @property
    def position(self):
        return self.scanner.line_, self.scanner.offset_

    @property
    def statistics(self):
        return {
            "records": self.scanner.records(),
            "is_document": int(self.scanner.is_document()),
            "clean_runs": self.scanner.clean_runs,
            "broken_runs": self.scanner.broken_runs,
        }


cdef tuple position_bytes(JsonScanner* scanner):
    cdef size_t n = scanner.rows.size()
    if n == 0:
        return b"", b"", b"", b"", b"", b""
    return (
        (<const char*>scanner.rows.data())[: n * 8],
        (<const char*>scanner.items.data())[: n * 4],
        (<const char*>scanner.lines.data())[: n * 8],
        (<const char*>scanner.starts.data())[: n * 8],
        (<const char*>scanner.lengths.data())[: n * 8],
        (<const char*>scanner.flags.data())[:n],
    )


cdef class Walk:
    """One walk over the bytes of a value; `at` moves on, `problem` is the offset at which they broke."""

    cdef JsonTokens tokens
    cdef const char* start
    cdef const char* at
    cdef vector[char] scratch
    cdef object number

    cdef int check(self, JsonGot got) except -1:
        if got != JSON_COMPLETE:
            raise ValueError((self.tokens.limit if got == JSON_MORE else self.tokens.fault) - self.start)
        return 0

    cdef int space(self) except -1:
        self.at = self.tokens.space(self.at)
        return self.check(JSON_MORE if self.at >= self.tokens.limit else JSON_COMPLETE)

    cdef str text(self):
        cdef JsonText text
        self.check(self.tokens.text(self.at + 1, text))
        self.at = text.to + 1
        if text.bits == 0:
            return PyUnicode_DecodeUTF8(text.source, text.to - text.source, NULL)
        self.scratch.clear()
        append_text(self.scratch, text)
        return PyUnicode_DecodeUTF8(self.scratch.data(), self.scratch.size(), NULL) if self.scratch.size() else ""

    cdef dict members(self, int depth):
        cdef dict made = {}
        self.at += 1
        self.space()
        if self.at[0] == b"}":
            self.at += 1
            return made
        while True:
            if self.at[0] != b'"':
                self.check(self.tokens.missing(self.at))
            key = self.text()
            self.space()
            if self.at[0] != b":":
                self.check(self.tokens.missing(self.at))
            self.at += 1
            value = self.value(depth)
            if key not in made:
                made[key] = value
            self.space()
            if self.at[0] == b"}":
                self.at += 1
                return made
            if self.at[0] != b",":
                self.check(self.tokens.missing(self.at))
            self.at += 1
            self.space()

    cdef list elements(self, int depth):
        cdef list made = []
        self.at += 1
        self.space()
        if self.at[0] == b"]":
            self.at += 1
            return made
        while True:
            made.append(self.value(depth))
            self.space()
            if self.at[0] == b"]":
                self.at += 1
                return made
            if self.at[0] != b",":
                self.check(self.tokens.missing(self.at))
            self.at += 1

    cdef object value(self, int depth):
        cdef const char* start
        cdef char c
        self.space()
        c = self.at[0]
        if c == b'"':
            return self.text()
        if c == b"{" or c == b"[":
            if depth == JSON_MAX_DEPTH:
                self.check(self.tokens.missing(self.at))
            return self.members(depth + 1) if c == b"{" else self.elements(depth + 1)
        if c == b"t":
            self.check(self.tokens.literal(self.at, b"true"))
            return True
        if c == b"f":
            self.check(self.tokens.literal(self.at, b"false"))
            return False
        if c == b"n":
            self.check(self.tokens.literal(self.at, b"null"))
            return None
        if c == b"-" or b"0" <= c <= b"9":
            start = self.at
            self.check(self.tokens.number(self.at))
            return self.number(PyUnicode_DecodeUTF8(start, self.at - start, NULL))
        self.check(self.tokens.missing(self.at))


def parse(const uint8_t[::1] data, object number):
    """(value, flags); numbers are number(literal). ValueError(offset) where the bytes are not one value."""
    cdef Walk walk = Walk()
    cdef int64_t length = data.shape[0]
    walk.start = <const char*>&data[0] if length else NOTHING
    walk.at = walk.start
    walk.number = number
    walk.tokens.bounds(walk.start + length, walk.start + length, True)
    made = walk.value(0)
    walk.at = walk.tokens.space(walk.at)
    if walk.at < walk.tokens.limit:
        walk.check(walk.tokens.missing(walk.at))
    return made, walk.tokens.flags


def shortest(object texts):
    """Objects and arrays spelled anew, other texts as they are, as a built column."""
    cdef StringColumn column = view(texts)
    cdef StringBuilder made
    cdef vector[vector[string]] no_paths
    cdef JsonValues* values = new JsonValues(no_paths)
    cdef int64_t i
    cdef string_view text
    with nogil:
        for i in range(column.length):
            text = column.text(i)
            append_shortest(made.bytes, text.data(), text.data() + text.size(), values[0])
            made.close(column.valid(i))
    del values
    return built(&made)
