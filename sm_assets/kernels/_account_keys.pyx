# Keys of account ids (account_keys.hpp). Checks live in account_keys.py.
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t, uintptr_t

cdef int64_t BLOCK = 1 << 22  # ids between two looks at Ctrl-C


cdef extern from "account_keys.hpp" namespace "sma" nogil:
    cdef cppclass IdColumn[Offset]:
        const Offset* offsets
        const char* bytes
        int64_t length

    cdef cppclass Blake2b16:
        Blake2b16(size_t, const char*, size_t)
        void update(const char*, size_t)

    cdef cppclass PrefixedXxh64:
        PrefixedXxh64(const char*, size_t, uint64_t)

    void xxh64_keys[Offset](const PrefixedXxh64&, const IdColumn[Offset]&, int64_t, int64_t, uint64_t*)
    void secret_keys[Offset](const Blake2b16&, const IdColumn[Offset]&, int64_t, int64_t, uint64_t*)
    void native_keys[Offset](const IdColumn[Offset]&, int64_t, int64_t, uint64_t*, uint8_t*)


cdef IdColumn[int32_t] narrow(object array):
    """The memory of a pyarrow string array without nulls; the caller keeps the array alive."""
    cdef IdColumn[int32_t] column
    buffers = array.buffers()
    column.length = len(array)
    column.offsets = <const int32_t*><uintptr_t>buffers[1].address + <int64_t>array.offset
    if buffers[2] is not None:
        column.bytes = <const char*><uintptr_t>buffers[2].address
    return column


cdef IdColumn[int64_t] wide(object array):
    """The same for a large_string array."""
    cdef IdColumn[int64_t] column
    buffers = array.buffers()
    column.length = len(array)
    column.offsets = <const int64_t*><uintptr_t>buffers[1].address + <int64_t>array.offset
    if buffers[2] is not None:
        column.bytes = <const char*><uintptr_t>buffers[2].address
    return column


def xxh64(object ids, bint large, const uint8_t[::1] prefix, uint64_t seed, uint64_t[::1] keys):
    """keys # OUT [n], n > 0; the ids hold no null, the prefix is not empty."""
    cdef PrefixedXxh64* hash = new PrefixedXxh64(<const char*>&prefix[0], prefix.shape[0], seed)
    cdef IdColumn[int32_t] small
    cdef IdColumn[int64_t] big
    cdef int64_t start, stop, n = keys.shape[0]
    if large:
        big = wide(ids)
    else:
        small = narrow(ids)
    try:
        for start in range(0, n, BLOCK):
            stop = min(start + BLOCK, n)
            with nogil:
                if large:
                    xxh64_keys(hash[0], big, start, stop, &keys[start])
                else:
                    xxh64_keys(hash[0], small, start, stop, &keys[start])
            PyErr_CheckSignals()
    finally:
        del hash


def secret(object ids, bint large, const uint8_t[::1] prefix, const uint8_t[::1] key, uint64_t[::1] keys):
    """keys # OUT [n], n > 0; the key has 1 to 64 bytes, the ids hold no null, the prefix is not empty."""
    cdef Blake2b16* started = new Blake2b16(8, <const char*>&key[0], key.shape[0])
    cdef IdColumn[int32_t] small
    cdef IdColumn[int64_t] big
    cdef int64_t start, stop, n = keys.shape[0]
    if large:
        big = wide(ids)
    else:
        small = narrow(ids)
    try:
        started.update(<const char*>&prefix[0], prefix.shape[0])
        for start in range(0, n, BLOCK):
            stop = min(start + BLOCK, n)
            with nogil:
                if large:
                    secret_keys(started[0], big, start, stop, &keys[start])
                else:
                    secret_keys(started[0], small, start, stop, &keys[start])
            PyErr_CheckSignals()
    finally:
        del started


def native(object ids, bint large, uint64_t[::1] keys, uint8_t[::1] bad):
    """keys # OUT [n], bad # OUT [n], n > 0: 1 where the id is no canonical decimal below 2^64."""
    cdef IdColumn[int32_t] small
    cdef IdColumn[int64_t] big
    cdef int64_t start, stop, n = keys.shape[0]
    if large:
        big = wide(ids)
    else:
        small = narrow(ids)
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        with nogil:
            if large:
                native_keys(big, start, stop, &keys[start], &bad[start])
            else:
                native_keys(small, start, stop, &keys[start], &bad[start])
        PyErr_CheckSignals()
