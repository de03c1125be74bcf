# The level of vector instructions of this machine (isa.hpp). The choice lives in isa.py.
cdef extern from "isa.hpp" namespace "sma" nogil:
    int machine_level()


def detected():
    """0 base, 1 avx2 with bmi2 and popcnt, 2 avx512 f, bw, dq and vl."""
    return machine_level()
