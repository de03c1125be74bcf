# Sums of distances per label (silhouette_sums.hpp). Checks live in silhouette.py.
from libc.stdint cimport int32_t, int64_t


cdef extern from "silhouette_sums.hpp" namespace "sma::silhouette" nogil:
    void c_add_columns "sma::silhouette::add_columns"(
        const double*, const double*, const int32_t*, int64_t, int64_t, int64_t, int64_t, double*, int
    )


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
