# Sums of distances per label (silhouette_sums.hpp, silhouette_near.hpp). Checks live in silhouette.py.
from libc.stdint cimport int32_t, int64_t
from libcpp cimport bool as cbool


cdef extern from "silhouette_sums.hpp" namespace "sma::silhouette" nogil:
    void c_add_columns "sma::silhouette::add_columns"(
        const double*, const double*, const int32_t*, int64_t, int64_t, int64_t, int64_t, double*, int
    )


cdef extern from "silhouette_near.hpp" namespace "sma::silhouette" nogil:
    cdef struct Near:
        const int64_t* row_ptr
        const int32_t* word
        const double* value
        const int64_t* column_ptr
        const int32_t* row
        const double* of_row
        const double* lengths
        const int32_t* group
        const double* weight
        const int32_t* bins
        int64_t n
        int64_t n_labellings
    void c_add_near "sma::silhouette::add_near"(
        const Near&, int64_t, int64_t, const double*, int64_t, double*, int64_t, cbool
    ) except +


def add_columns(
    const double[:, ::1] distance, const double[::1] weight, const int32_t[:, ::1] bins, int64_t first,
    double[:, ::1] sums, int level,
):
    """sums # IN, OUT [bins, rows]; distance [columns, rows], of the columns from `first` on; none of them empty."""
    with nogil:
        c_add_columns(
            &distance[0, 0], &weight[first], &bins[0, first], distance.shape[0], distance.shape[1], bins.shape[0],
            bins.shape[1], &sums[0, 0], level,
        )


def add_near(
    const int64_t[::1] row_ptr, const int32_t[::1] word, const double[::1] value, const int64_t[::1] column_ptr,
    const int32_t[::1] row, const double[::1] of_row, const double[::1] lengths, const int32_t[::1] group,
    const double[::1] weight, const int32_t[:, ::1] bins, int64_t first, const double[:, ::1] base,
    double[:, ::1] sums, bint cosine,
):
    """sums # IN, OUT [rows, bins], of the rows from `first` on; none of the arrays empty."""
    cdef Near of
    of.row_ptr, of.word, of.value = &row_ptr[0], &word[0], &value[0]
    of.column_ptr, of.row, of.of_row = &column_ptr[0], &row[0], &of_row[0]
    of.lengths, of.group, of.weight, of.bins = &lengths[0], &group[0], &weight[0], &bins[0, 0]
    of.n, of.n_labellings = bins.shape[0], bins.shape[1]
    with nogil:
        c_add_near(of, first, first + sums.shape[0], &base[0, 0], base.shape[1], &sums[0, 0], sums.shape[1], cosine)
