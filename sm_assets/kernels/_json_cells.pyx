# Cells of JSON feeds (json_cells.hpp) over whole Arrow columns. Checks live in json_cells.py.
from libc.stdint cimport int64_t, uint8_t
from libcpp cimport bool as cbool

from sm_assets.kernels._strings cimport StringBuilder, StringColumn, built, string_view, view


cdef extern from "json_cells.hpp" namespace "sma" nogil:
    cdef cppclass AtUri:
        string_view authority
        string_view collection
        string_view rkey

    int64_t rfc3339_micros(string_view)
    int64_t whole_number(string_view)
    int64_t tid_micros(string_view)
    AtUri at_uri(string_view)
    cbool is_did(string_view)


def micros(object texts, int kind, int64_t[::1] out):
    """out # OUT [n]; kind 0: RFC 3339, 1: whole numbers, 2: TIDs"""
    cdef StringColumn column = view(texts)
    cdef int64_t i
    cdef string_view text
    with nogil:
        for i in range(column.length):
            text = column.text(i)
            if kind == 0:
                out[i] = rfc3339_micros(text)
            elif kind == 1:
                out[i] = whole_number(text)
            else:
                out[i] = tid_micros(text)


def at_uris(object texts):
    """(authority, collection, rkey) as built columns."""
    cdef StringColumn column = view(texts)
    cdef StringBuilder authority, collection, rkey
    cdef int64_t i
    cdef AtUri uri
    with nogil:
        for i in range(column.length):
            uri = at_uri(column.text(i))
            if uri.authority.empty():
                authority.append_null()
                collection.append_null()
                rkey.append_null()
            else:
                authority.append(uri.authority)
                collection.append(uri.collection)
                rkey.append(uri.rkey)
    return built(&authority), built(&collection), built(&rkey)


def dids(object texts, uint8_t[::1] out):
    """out # OUT [n]"""
    cdef StringColumn column = view(texts)
    cdef int64_t i
    with nogil:
        for i in range(column.length):
            out[i] = is_did(column.text(i))
