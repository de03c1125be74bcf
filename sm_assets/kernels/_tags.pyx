# Words behind a mark in texts (tags.hpp) over an Arrow column. Checks live in tags.py.
from libc.stdint cimport int32_t, int64_t, uint8_t
from libcpp.vector cimport vector

from sm_assets.kernels._strings cimport StringBuilder, StringColumn, built, string_view, view


cdef extern from *:
    """
    #include "tags.hpp"
    namespace sma {
    inline int64_t collect_tags(std::string_view text, char mark, const uint8_t* classes, StringBuilder& words, std::vector<uint8_t>& plain) {
        int64_t n = 0;
        find_tags(text, mark, classes, [&](std::string_view word) {
            words.append(word);
            plain.push_back(is_ascii(word));
            ++n;
        });
        return n;
    }
    inline void lower_ascii(StringBuilder& words) {
        for (char& c : words.bytes) c = ascii_lower(c);
    }
    }
    """
    int64_t collect_tags "sma::collect_tags"(string_view, char, const uint8_t*, StringBuilder&, vector[uint8_t]&) nogil
    void lower_ascii "sma::lower_ascii"(StringBuilder&) nogil


def tags(object texts, char mark, const uint8_t[::1] classes, int32_t[::1] offsets, bint lowered):
    """offsets # OUT [n + 1]. Returns (words, the same with A-Z in lower case or None, uint8 per word: is ASCII), built."""
    cdef StringColumn column = view(texts)
    cdef StringBuilder words
    cdef vector[uint8_t] plain
    cdef int64_t i
    cdef int64_t total = 0
    with nogil:
        offsets[0] = 0
        for i in range(column.length):
            total += collect_tags(column.text(i), mark, &classes[0], words, plain)
            offsets[i + 1] = <int32_t>total
    as_delivered = built(&words)
    lower = None
    if lowered:
        with nogil:
            lower_ascii(words)
        lower = built(&words)
    return as_delivered, lower, (<const char*>plain.data())[: plain.size()] if plain.size() else b""
