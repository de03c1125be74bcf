// Sums of distances per label, of rows of which most pairs have no word in common: what the pairs that have one add to the sums of all pairs.
#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

namespace sma {
namespace silhouette {

struct Near {
    const int64_t* row_ptr;
    const int32_t* word;
    const double* value;
    const int64_t* column_ptr;
    const int32_t* row;
    const double* of_row;
    const double* lengths;
    const int32_t* group;
    const double* weight;
    const int32_t* bins;
    int64_t n, n_labellings;
};

// For the rows first..stop: sums[i - first][bins[y][c]] += weight[y] * (distance of i and y - base[i - first][group[y]]) for every row y
// that has a word of i and every labelling c; in the order in which the rows of i's words come.
inline void add_near(const Near& of, int64_t first, int64_t stop, const double* base, int64_t n_groups, double* sums, int64_t n_bins,
                     bool cosine) {
    std::vector<double> product(of.n);
    std::vector<int64_t> seen(of.n, -1);
    std::vector<int32_t> touched;
    for (int64_t i = first; i < stop; ++i) {
        touched.clear();
        for (int64_t at = of.row_ptr[i]; at < of.row_ptr[i + 1]; ++at) {
            const double x = of.value[at];
            for (int64_t c = of.column_ptr[of.word[at]]; c < of.column_ptr[of.word[at] + 1]; ++c) {
                const int32_t y = of.row[c];
                if (seen[y] != i) {
                    seen[y] = i;
                    product[y] = 0.0;
                    touched.push_back(y);
                }
                product[y] += x * of.of_row[c];
            }
        }
        double* to = sums + (i - first) * n_bins;
        const double* far = base + (i - first) * n_groups;
        for (const int32_t y : touched) {
            double distance = 0.0;
            if (y != i) {
                if (cosine) {
                    distance = 1.0 - product[y];
                    distance = distance < 0.0 ? 0.0 : distance > 2.0 ? 2.0 : distance;
                } else {
                    const double squared = of.lengths[i] + of.lengths[y] - 2.0 * product[y];
                    distance = squared > 0.0 ? std::sqrt(squared) : 0.0;
                }
            }
            const double more = of.weight[y] * (distance - far[of.group[y]]);
            const int32_t* own = of.bins + static_cast<int64_t>(y) * of.n_labellings;
            for (int64_t c = 0; c < of.n_labellings; ++c) to[own[c]] += more;
        }
    }
}

}  // namespace silhouette
}  // namespace sma
