# Arrow string columns and builders for the kernels: declarations and the two crossings between Python and C++.
from libc.stdint cimport int32_t, int64_t, uint8_t, uintptr_t
from libcpp cimport bool as cbool
from libcpp.string cimport string
from libcpp.vector cimport vector


cdef extern from "<string_view>" namespace "std" nogil:
    cdef cppclass string_view:
        string_view()
        string_view(const char*, size_t)
        const char* data()
        size_t size()
        cbool empty()


cdef extern from "strings.hpp" namespace "sma" nogil:
    cdef cppclass StringColumn:
        const int32_t* offsets
        const char* bytes
        const uint8_t* validity
        int64_t first
        int64_t length
        cbool valid(int64_t)
        string_view at(int64_t)
        string_view text(int64_t)

    cdef cppclass StringBuilder:
        vector[int32_t] offsets
        vector[char] bytes
        vector[uint8_t] present
        void append(string_view)
        void append_null()
        void close(cbool)


cdef inline StringColumn view(object array):
    """The memory of a pyarrow string array; the caller keeps the array alive."""
    cdef StringColumn column
    buffers = array.buffers()
    column.first = array.offset
    column.length = len(array)
    if buffers[0] is not None:
        column.validity = <const uint8_t*><uintptr_t>buffers[0].address
    if buffers[1] is not None:
        column.offsets = <const int32_t*><uintptr_t>buffers[1].address
    if buffers[2] is not None:
        column.bytes = <const char*><uintptr_t>buffers[2].address
    return column


cdef inline tuple built(StringBuilder* builder):
    """(offsets, bytes, present) as bytes objects, for the face to make an Arrow array of."""
    return (
        (<const char*>builder.offsets.data())[: builder.offsets.size() * sizeof(int32_t)],
        builder.bytes.data()[: builder.bytes.size()] if builder.bytes.size() else b"",
        (<const char*>builder.present.data())[: builder.present.size()] if builder.present.size() else b"",
    )
