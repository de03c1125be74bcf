// Sums of distances per label: the loop that is worth vector instructions. Included once per level by silhouette_sums.hpp, which says how.
// No guard, no header. All levels add in the same order and give the same bits.

// sums[bins[c][j]][0..n_rows) += weight[j] * distance[j][0..n_rows) for every labelling c and column j.
static void add_columns(const double* __restrict distance, const double* __restrict weight, const int32_t* __restrict bins,
                        int64_t n_columns, int64_t n_rows, int64_t n_labellings, int64_t stride, double* __restrict sums) {
    for (int64_t j = 0; j < n_columns; ++j) {
        const double* __restrict from = distance + j * n_rows;
        const double w = weight[j];
        for (int64_t c = 0; c < n_labellings; ++c) {
            double* __restrict to = sums + static_cast<int64_t>(bins[c * stride + j]) * n_rows;
            for (int64_t i = 0; i < n_rows; ++i) to[i] += w * from[i];
        }
    }
}
