# Single fields of exports (fields.hpp) over whole Arrow columns. Checks live in fields.py.
from libc.stdint cimport int32_t, int64_t, uint8_t
from libcpp cimport bool as cbool
from libcpp.string cimport string
from libcpp.vector cimport vector

from sm_assets.kernels._strings cimport StringBuilder, StringColumn, built, string_view, view


cdef extern from "fields.hpp" namespace "sma" nogil:
    uint8_t parse_count(string_view, char, cbool, int64_t*, char*)
    int32_t parse_time(string_view, int64_t*, string_view*)
    cbool is_na_string(string_view)
    cbool is_digit(char)

    cdef cppclass PostAddress:
        uint8_t platform
        string owner
        string number

    PostAddress post_address(string_view)


def counts(object texts, char group, bint bare_commas, int64_t[::1] values, uint8_t[::1] status, char[::1] marks):
    """values, status, marks # OUT [n]"""
    cdef StringColumn column = view(texts)
    cdef int64_t i
    cdef string_view text
    with nogil:
        for i in range(column.length):
            values[i] = 0
            marks[i] = 0
            text = column.text(i)
            if text.empty():
                status[i] = 1
                continue
            status[i] = parse_count(text, group, bare_commas, &values[i], &marks[i])
            if status[i] == 2:
                values[i] = 0


def times(object texts, int64_t[::1] local, int32_t[::1] zones):
    """local # OUT microseconds, zones # OUT number of the zone text or -1 none, -2 unreadable, -3 missing; returns the zone texts."""
    cdef StringColumn column = view(texts)
    cdef vector[string] known
    cdef int64_t i
    cdef size_t k
    cdef int32_t code
    cdef string_view zone
    cdef size_t last = 0
    with nogil:
        for i in range(column.length):
            local[i] = 0
            code = parse_time(column.text(i), &local[i], &zone)
            if code == 0:
                if last < known.size() and same(known[last], zone):
                    code = <int32_t>last
                else:
                    k = 0
                    while k < known.size() and not same(known[k], zone):
                        k += 1
                    if k == known.size():
                        if k == 1024:
                            zones[i] = -2
                            continue
                        known.push_back(string(zone.data(), zone.size()))
                    last = k
                    code = <int32_t>k
            zones[i] = code
    return [zone_text.decode() for zone_text in known]


cdef inline bint same(const string& a, string_view b) noexcept nogil:
    return a.size() == b.size() and a.compare(0, a.size(), b.data(), b.size()) == 0


def present_unless_na(object texts, uint8_t[::1] present):
    """present # OUT [n]: 0 where the text is null, empty or one of pandas' words for missing."""
    cdef StringColumn column = view(texts)
    cdef int64_t i
    with nogil:
        for i in range(column.length):
            present[i] = not is_na_string(column.text(i))


def all_digits(object texts, uint8_t[::1] flags):
    """flags # OUT [n]: 1 where the text is one or more ASCII digits."""
    cdef StringColumn column = view(texts)
    cdef int64_t i
    cdef size_t k
    cdef string_view text
    with nogil:
        for i in range(column.length):
            text = column.text(i)
            flags[i] = not text.empty()
            for k in range(text.size()):
                if not is_digit(text.data()[k]):
                    flags[i] = 0
                    break


def post_addresses(object urls, uint8_t[::1] platform):
    """platform # OUT [n]: 0 facebook, 1 instagram. Returns (owner, number) as built columns; null where the address does not tell."""
    cdef StringColumn column = view(urls)
    cdef StringBuilder owners
    cdef StringBuilder numbers
    cdef PostAddress got
    cdef int64_t i
    with nogil:
        for i in range(column.length):
            got = post_address(column.text(i))
            platform[i] = got.platform
            if got.owner.empty():
                owners.append_null()
            else:
                owners.append(string_view(got.owner.data(), got.owner.size()))
            if got.number.empty():
                numbers.append_null()
            else:
                numbers.append(string_view(got.number.data(), got.number.size()))
    return built(&owners), built(&numbers)
