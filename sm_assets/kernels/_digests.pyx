# Digests of Arrow texts and their interning (blake2b.hpp, digests.hpp). Checks live in digests.py.
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libcpp.vector cimport vector

from sm_assets.kernels._strings cimport StringColumn, string_view, view


cdef extern from "digests.hpp" namespace "sma" nogil:
    cdef struct Digest:
        uint64_t a
        uint64_t b

    cdef cppclass Blake2b16:
        Blake2b16()
        void update(const char*, size_t)
        Digest finish()

    Digest exact_key(const char*, size_t)

    cdef cppclass Interner:
        int32_t intern(const Digest&)
        int64_t size()
        const Digest& at(int64_t)


def joined(list columns, const uint8_t[::1] prefix, const uint8_t[::1] dropped, uint64_t[:, ::1] digests, uint8_t[::1] present):
    """digests # OUT [n, 2], present # OUT [n]: 0 nothing to hash, 1 hashed, 2 equal to `dropped`. Both zeroed by the caller."""
    cdef vector[StringColumn] parts
    cdef int64_t i, n = digests.shape[0]
    cdef size_t k
    cdef string_view piece
    cdef Blake2b16 state
    cdef Digest digest
    cdef Digest left_out
    cdef int found
    for column in columns:
        parts.push_back(view(column))
    state.update(<const char*>&prefix[0], prefix.shape[0])
    state.update(<const char*>&dropped[0], dropped.shape[0])
    left_out = state.finish()
    with nogil:
        for i in range(n):
            state = Blake2b16()
            state.update(<const char*>&prefix[0], prefix.shape[0])
            found = 0
            for k in range(parts.size()):
                piece = parts[k].text(i)
                if piece.empty():
                    continue
                if found:
                    state.update(b" ", 1)
                state.update(piece.data(), piece.size())
                found += 1
            if found == 0:
                continue
            digest = state.finish()
            present[i] = 2 if digest.a == left_out.a and digest.b == left_out.b else 1
            digests[i, 0] = digest.a
            digests[i, 1] = digest.b


def keys(object texts, uint64_t[:, ::1] digests, uint8_t[::1] present):
    """digests # OUT [n, 2], present # OUT [n]: 1 where there is a text. Both zeroed by the caller."""
    cdef StringColumn column = view(texts)
    cdef int64_t i
    cdef string_view text
    cdef Digest key
    with nogil:
        for i in range(column.length):
            text = column.text(i)
            if text.empty():
                continue
            key = exact_key(text.data(), text.size())
            digests[i, 0] = key.a
            digests[i, 1] = key.b
            present[i] = 1


cdef class DigestInterner:
    cdef Interner table

    def intern(self, const uint64_t[:, ::1] digests, const uint8_t[::1] present, int32_t[::1] numbers):
        """numbers # OUT [n]: dense number of each digest, -1 where present is not 1."""
        cdef int64_t i
        cdef Digest digest
        with nogil:
            for i in range(digests.shape[0]):
                if present[i] != 1:
                    numbers[i] = -1
                    continue
                digest.a = digests[i, 0]
                digest.b = digests[i, 1]
                numbers[i] = self.table.intern(digest)

    def keys(self, uint64_t[:, ::1] digests):
        """digests # OUT [size, 2] in the order of their numbers."""
        cdef int64_t i
        for i in range(digests.shape[0]):
            digests[i, 0] = self.table.at(i).a
            digests[i, 1] = self.table.at(i).b

    def digest(self, int64_t number):
        return self.table.at(number).a, self.table.at(number).b

    def __len__(self):
        return self.table.size()
