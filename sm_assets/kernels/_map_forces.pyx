# Forces of t-SNE (map_forces.hpp). Checks live in map_forces.py.
from libc.stdint cimport int32_t, int64_t


cdef extern from "map_forces.hpp" namespace "sma::map_forces" nogil:
    void c_spread "sma::map_forces::spread"(const double*, int64_t, double, double, double, int64_t, double*)
    void c_gather "sma::map_forces::gather"(
        const double*, int64_t, double, double, double, int64_t, const double*, int64_t, double*
    )
    void c_attract "sma::map_forces::attract"(
        const double*, int64_t, const int32_t*, const int32_t*, const double*, double*
    )


def spread(const double[:, ::1] place, double x, double y, double side, double[:, :, ::1] grid):
    """grid # IN, OUT [3, nodes, nodes]."""
    with nogil:
        c_spread(&place[0, 0], place.shape[0], x, y, side, grid.shape[1], &grid[0, 0, 0])


def gather(
    const double[:, ::1] place, double x, double y, double side, const double[:, :, ::1] grid, double[:, ::1] sums
):
    """sums # OUT [rows, planes]."""
    with nogil:
        c_gather(
            &place[0, 0], place.shape[0], x, y, side, grid.shape[1], &grid[0, 0, 0], grid.shape[0], &sums[0, 0]
        )


def attract(
    const double[:, ::1] place, const int32_t[::1] row_ptr, const int32_t[::1] neighbour, const double[::1] share,
    double[:, ::1] force,
):
    """force # OUT."""
    with nogil:
        c_attract(&place[0, 0], place.shape[0], &row_ptr[0], &neighbour[0], &share[0], &force[0, 0])
