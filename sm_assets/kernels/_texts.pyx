# Folding of texts and rewriting of addresses over Arrow columns (folding.hpp, urls.hpp). Checks live in texts.py.
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libcpp cimport bool as cbool
from libcpp.pair cimport pair
from libcpp.string cimport string
from libcpp.vector cimport vector

from sm_assets.kernels._strings cimport StringBuilder, StringColumn, built, string_view, view


cdef extern from "folding.hpp" namespace "sma" nogil:
    cdef cppclass Folded:
        string text
        int64_t letters_and_digits
        cbool has_address

    cdef cppclass FoldTable:
        cbool has(uint32_t)
        void set(uint32_t, const string&, const string&)
        void touch(uint32_t)

    uint32_t next_code(const unsigned char*&)
    cbool fold_one(string_view, const FoldTable&, Folded&)


cdef extern from "urls.hpp" namespace "sma" nogil:
    cdef cppclass DroppedParameters:
        vector[string] exact
        vector[string] prefix

    cdef cppclass HostRules:
        vector[string] internal
        vector[pair[string, string]] renamed
        vector[pair[string, DroppedParameters]] dropped
        vector[string] hard

    uint8_t compat_url(string_view, string&)
    cbool mentions_facebook(string_view)
    uint8_t canonical_url(string_view, const HostRules&, string&)


cdef class Folder:
    cdef FoldTable table

    def missing_pages(self, object texts):
        """Numbers of the pages that the texts need and that are not filled."""
        cdef StringColumn column = view(texts)
        cdef vector[uint8_t] wanted
        cdef int64_t i
        cdef string_view text
        cdef const unsigned char* p
        cdef const unsigned char* end
        cdef uint32_t page
        with nogil:
            wanted.assign(0x1100, 0)
            for i in range(column.length):
                text = column.text(i)
                p = <const unsigned char*>text.data()
                end = p + text.size()
                while p < end:
                    if p[0] < 0x80:
                        p += 1
                    else:
                        wanted[next_code(p) >> 8] = 1
        return [page for page in range(0x1100) if wanted[page] and not self.table.has(page)]

    def fill(self, uint32_t page, list rules):
        """rules: (code, text, weights) of the page's characters that fold by themselves."""
        self.table.touch(page)
        for code, text, weights in rules:
            self.table.set(code, text, weights)

    def fold(self, object texts, uint8_t[::1] status, int64_t[::1] letters, uint8_t[::1] addresses):
        """status # OUT 0 null or empty, 1 folded, 2 hard; letters, addresses # OUT. Returns the folded texts, null where not folded or nothing is left."""
        cdef StringColumn column = view(texts)
        cdef StringBuilder folded
        cdef Folded one
        cdef int64_t i
        cdef string_view text
        with nogil:
            for i in range(column.length):
                status[i] = 0
                letters[i] = 0
                addresses[i] = 0
                text = column.text(i)
                if text.empty():
                    folded.append_null()
                elif fold_one(text, self.table, one):
                    status[i] = 1
                    letters[i] = one.letters_and_digits
                    addresses[i] = one.has_address
                    if one.text.empty():
                        folded.append_null()
                    else:
                        folded.append(string_view(one.text.data(), one.text.size()))
                else:
                    status[i] = 2
                    folded.append_null()
        return built(&folded)


def joined(list columns, int64_t n):
    """The non-empty texts of each row joined by one blank, null where there is none."""
    cdef vector[StringColumn] parts
    cdef StringBuilder made
    cdef int64_t i
    cdef size_t k
    cdef string_view piece
    cdef string row
    for column in columns:
        parts.push_back(view(column))
    with nogil:
        for i in range(n):
            row.clear()
            for k in range(parts.size()):
                piece = parts[k].text(i)
                if piece.empty():
                    continue
                if not row.empty():
                    row.append(b" ")
                row.append(piece.data(), piece.size())
            if row.empty():
                made.append_null()
            else:
                made.append(string_view(row.data(), row.size()))
    return built(&made)


def compat_links(object final_links, object links, uint8_t[::1] status):
    """status # OUT 0 no link, 1 done, 2 hard final link, 3 hard link. Returns the links, null where not done."""
    cdef StringColumn final_column = view(final_links)
    cdef StringColumn column = view(links)
    cdef StringBuilder made
    cdef string out
    cdef int64_t i
    cdef uint8_t got
    cdef string_view text
    with nogil:
        for i in range(column.length):
            status[i] = 0
            text = final_column.text(i)
            if text.empty():
                text = column.text(i)
                if text.empty() or mentions_facebook(text):
                    made.append_null()
                    continue
                got = compat_url(text, out)
                status[i] = 1 if got == 1 else 3
            else:
                got = compat_url(text, out)
                status[i] = got
            if got == 1:
                made.append(string_view(out.data(), out.size()))
            else:
                made.append_null()
    return built(&made)


cdef class AddressRules:
    cdef HostRules rules

    def __init__(self, list internal, list renamed, list dropped, list hard):
        cdef DroppedParameters parameters
        cdef pair[string, DroppedParameters] entry
        self.rules.internal = internal
        self.rules.renamed = renamed
        self.rules.hard = hard
        for domain, exact, prefix in dropped:
            parameters.exact = exact
            parameters.prefix = prefix
            entry.first = domain
            entry.second = parameters
            self.rules.dropped.push_back(entry)

    def rewrite(self, object urls, uint8_t[::1] status):
        """status # OUT 0 none, 1 done, 2 hard, 3 internal. Returns the addresses, null where not done."""
        cdef StringColumn column = view(urls)
        cdef StringBuilder made
        cdef string out
        cdef int64_t i
        cdef string_view text
        with nogil:
            for i in range(column.length):
                text = column.text(i)
                status[i] = 0 if text.empty() else canonical_url(text, self.rules, out)
                if status[i] == 1:
                    made.append(string_view(out.data(), out.size()))
                else:
                    made.append_null()
        return built(&made)
