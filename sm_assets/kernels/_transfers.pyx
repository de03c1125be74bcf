# The cheapest assignment to clusters of bounded sizes (transfers.hpp). Checks live in transfers.py.
from libc.stdint cimport int32_t, int64_t


cdef extern from "transfers.hpp" namespace "sma::transfers" nogil:
    cdef cppclass Assignment:
        Assignment(const double*, int64_t, int64_t, int64_t, int64_t, int32_t*) except +
        int64_t run() except +


def assign(const double[:, ::1] cost, int64_t least, int64_t most, int32_t[::1] label):
    """label # IN nearest, OUT [n], n > 0; returns the number of chains."""
    cdef Assignment* found
    cdef int64_t chains
    with nogil:
        found = new Assignment(&cost[0, 0], cost.shape[0], cost.shape[1], least, most, &label[0])
        try:
            chains = found.run()
        finally:
            del found
    return chains
