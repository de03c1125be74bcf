# k-means of sparse rows (sparse_kmeans.hpp). Checks live in sparse_kmeans.py.
from libc.stdint cimport int32_t, int64_t
from libcpp.vector cimport vector


cdef extern from "sparse_kmeans.hpp" namespace "sma::sparse_kmeans" nogil:
    void c_nearest "sma::sparse_kmeans::nearest"(
        const int64_t*, const int32_t*, const double*, int64_t, const double*, const double*, int64_t, double*, int32_t*,
        int32_t*, int
    )
    void c_draw "sma::sparse_kmeans::draw"(
        const double*, const double*, int64_t, const double*, int64_t, int64_t*
    ) except +
    void c_add_members "sma::sparse_kmeans::add_members"(
        const int64_t*, const int32_t*, const double*, const double*, const int32_t*, int64_t, int64_t, double*, double*
    )
    void c_to_own "sma::sparse_kmeans::to_own"(
        const int64_t*, const int32_t*, const double*, const int32_t*, int64_t, const double*, const double*, int64_t,
        double*
    )
    void c_to_row "sma::sparse_kmeans::to_row"(
        const int64_t*, const int32_t*, const double*, const int64_t*, const int32_t*, const double*, const double*,
        const double*, int64_t, int64_t, double*, double*, int
    )


def nearest(
    const int64_t[::1] row_ptr, const int32_t[::1] word, const double[::1] value, const double[:, ::1] centre,
    const double[::1] squared, int32_t[::1] near, int level,
):
    """near # OUT; centre [columns, padded number of centres], squared infinite in the padding. No row stores a 0."""
    cdef vector[double] known
    cdef vector[int32_t] known_near
    known.resize(centre.shape[0])
    known_near.resize(centre.shape[0])
    with nogil:
        c_nearest(
            &row_ptr[0], &word[0], &value[0], near.shape[0], &centre[0, 0], &squared[0], centre.shape[1], known.data(),
            known_near.data(), &near[0], level,
        )


def draw(const double[::1] weight, const double[::1] closest, const double[::1] drawn, int64_t[::1] place):
    """place # OUT."""
    with nogil:
        c_draw(&weight[0], &closest[0], weight.shape[0], &drawn[0], drawn.shape[0], &place[0])


def add_members(
    const int64_t[::1] row_ptr, const int32_t[::1] word, const double[::1] value, const double[::1] weight,
    const int32_t[::1] label, double[:, ::1] sums, double[::1] mass,
):
    """sums, mass # IN, OUT."""
    with nogil:
        c_add_members(
            &row_ptr[0], &word[0], &value[0], &weight[0], &label[0], label.shape[0], sums.shape[1], &sums[0, 0], &mass[0]
        )


def to_own(
    const int64_t[::1] row_ptr, const int32_t[::1] word, const double[::1] value, const int32_t[::1] label,
    const double[:, ::1] centre, const double[::1] squared, double[::1] far,
):
    """far # OUT."""
    with nogil:
        c_to_own(
            &row_ptr[0], &word[0], &value[0], &label[0], label.shape[0], &centre[0, 0], &squared[0], centre.shape[1],
            &far[0],
        )


def to_rows(
    const int64_t[::1] row_ptr, const int32_t[::1] word, const double[::1] value, const int64_t[::1] column_ptr,
    const int32_t[::1] row, const double[::1] of_row, const double[::1] lengths, const double[::1] closest,
    const int64_t[::1] asked, double[:, ::1] out, int level,
):
    """out # OUT [asked, rows]."""
    cdef vector[double] product
    cdef int64_t at
    product.resize(closest.shape[0])
    with nogil:
        for at in range(asked.shape[0]):
            c_to_row(
                &row_ptr[0], &word[0], &value[0], &column_ptr[0], &row[0], &of_row[0], &lengths[0], &closest[0],
                closest.shape[0], asked[at], product.data(), &out[at, 0], level,
            )
