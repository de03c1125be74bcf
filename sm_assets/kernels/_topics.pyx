# distutils: language = c++
"""The loop over documents of latent Dirichlet allocation. The face is `topics`."""

from libc.math cimport exp, fabs, log
from libc.stdint cimport int32_t, int64_t
from libcpp.vector cimport vector

cdef double TINY = 2.220446049250313e-16


cdef inline double digamma(double x) noexcept nogil:
    """Bernardo's algorithm (Applied Statistics 103): recurrence up to 6, then the asymptotic series."""
    cdef double total = 0.0
    cdef double r
    if x <= 1e-6:
        return -0.5772156649015329 - 1.0 / x
    while x < 6.0:
        total -= 1.0 / x
        x += 1.0
    r = 1.0 / x
    total += log(x) - 0.5 * r
    r *= r
    return total - r * (1.0 / 12.0 - r * (1.0 / 120.0 - r * (1.0 / 252.0)))


def infer(
    const int64_t[::1] row_ptr,
    const int32_t[::1] word,
    const double[::1] count,
    const double[:, ::1] word_topic,
    double prior,
    double[:, ::1] mixture,
    double[:, ::1] expected,
    int32_t max_rounds,
    double tolerance,
):
    """Coordinate ascent for each document; `mixture` is where it starts and what it ends with."""
    cdef int64_t n = row_ptr.shape[0] - 1
    cdef int64_t k = word_topic.shape[1]
    cdef bint counting = expected.shape[0] > 0
    cdef vector[double] weight, fresh
    cdef int64_t d, i, t, begin, end
    cdef int32_t round_
    cdef double total, norm, psi_total, change
    weight.resize(k)
    fresh.resize(k)
    with nogil:
        for d in range(n):
            begin = row_ptr[d]
            end = row_ptr[d + 1]
            total = 0.0
            for t in range(k):
                total += mixture[d, t]
            psi_total = digamma(total)
            for t in range(k):
                weight[t] = exp(digamma(mixture[d, t]) - psi_total)
            for round_ in range(max_rounds):
                for t in range(k):
                    fresh[t] = 0.0
                for i in range(begin, end):
                    norm = TINY
                    for t in range(k):
                        norm += weight[t] * word_topic[word[i], t]
                    norm = count[i] / norm
                    for t in range(k):
                        fresh[t] += norm * word_topic[word[i], t]
                total = 0.0
                change = 0.0
                for t in range(k):
                    fresh[t] = prior + weight[t] * fresh[t]
                    total += fresh[t]
                    change += fabs(fresh[t] - mixture[d, t])
                    mixture[d, t] = fresh[t]
                psi_total = digamma(total)
                for t in range(k):
                    weight[t] = exp(digamma(fresh[t]) - psi_total)
                if change < tolerance * k:
                    break
            if counting:
                for i in range(begin, end):
                    norm = TINY
                    for t in range(k):
                        norm += weight[t] * word_topic[word[i], t]
                    norm = count[i] / norm
                    for t in range(k):
                        expected[word[i], t] += norm * weight[t] * word_topic[word[i], t]
