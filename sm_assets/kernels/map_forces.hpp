// Forces of t-SNE: what draws a row to its neighbours, and charges of rows on a grid and back, from which what drives all rows apart is made.
#pragma once
#include <cstdint>

namespace sma {
namespace map_forces {

// Rows lie in squares of a grid; each square has 3 x 3 nodes, at 1/6, 1/2 and 5/6 of its side, and all nodes together are evenly spaced.
// The quadratic through the three, at t of 0..1.
inline void at_nodes(double t, double* w) {
    w[0] = (t - 1.0 / 2) * (t - 5.0 / 6) * 4.5;
    w[1] = (t - 1.0 / 6) * (t - 5.0 / 6) * -9.0;
    w[2] = (t - 1.0 / 6) * (t - 1.0 / 2) * 4.5;
}

// The first node of the square of a place, and the weights of its nodes.
inline int64_t square(double place, double origin, double side, int64_t nodes, double* w) {
    const double at = (place - origin) / side;
    int64_t box = static_cast<int64_t>(at);
    if (box > nodes / 3 - 1) box = nodes / 3 - 1;
    if (box < 0) box = 0;
    at_nodes(at - static_cast<double>(box), w);
    return 3 * box;
}

// grid[c][x][y] += charges 1, x, y of every row.
inline void spread(const double* place, int64_t n, double origin_x, double origin_y, double side, int64_t nodes, double* grid) {
    const int64_t plane = nodes * nodes;
    double wx[3], wy[3];
    for (int64_t i = 0; i < n; ++i) {
        const double x = place[2 * i], y = place[2 * i + 1];
        double* first = grid + square(x, origin_x, side, nodes, wx) * nodes;
        first += square(y, origin_y, side, nodes, wy);
        for (int a = 0; a < 3; ++a)
            for (int b = 0; b < 3; ++b) {
                const double w = wx[a] * wy[b];
                double* to = first + a * nodes + b;
                to[0] += w;
                to[plane] += w * x;
                to[2 * plane] += w * y;
            }
    }
}

// sums[i][c] = what the n_planes planes say at the place of row i.
inline void gather(const double* place, int64_t n, double origin_x, double origin_y, double side, int64_t nodes, const double* grid,
                   int64_t n_planes, double* sums) {
    const int64_t plane = nodes * nodes;
    double wx[3], wy[3];
    for (int64_t i = 0; i < n; ++i) {
        const double* first = grid + square(place[2 * i], origin_x, side, nodes, wx) * nodes;
        first += square(place[2 * i + 1], origin_y, side, nodes, wy);
        for (int64_t c = 0; c < n_planes; ++c) {
            double sum = 0.0;
            for (int a = 0; a < 3; ++a)
                for (int b = 0; b < 3; ++b) sum += wx[a] * wy[b] * first[c * plane + a * nodes + b];
            sums[i * n_planes + c] = sum;
        }
    }
}

// force[i] = sum over the neighbours j of row i of share / (1 + squared distance) * (place i - place j).
inline void attract(const double* place, int64_t n, const int32_t* row_ptr, const int32_t* neighbour, const double* share, double* force) {
    for (int64_t i = 0; i < n; ++i) {
        const double x = place[2 * i], y = place[2 * i + 1];
        double fx = 0.0, fy = 0.0;
        for (int32_t at = row_ptr[i]; at < row_ptr[i + 1]; ++at) {
            const double dx = x - place[2 * neighbour[at]], dy = y - place[2 * neighbour[at] + 1];
            const double pull = share[at] / (1.0 + dx * dx + dy * dy);
            fx += pull * dx;
            fy += pull * dy;
        }
        force[2 * i] = fx;
        force[2 * i + 1] = fy;
    }
}

}  // namespace map_forces
}  // namespace sma
