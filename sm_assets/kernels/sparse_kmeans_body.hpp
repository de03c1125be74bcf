// The nearest centre of sparse rows: the loops that are worth vector instructions. Included once per level by sparse_kmeans.hpp, which says how.
// No guard, no header. All levels multiply and add in the same order and give the same bits.

// near[i] = the number of the centre of least half[j] - 2 row.centre[j], ties to the lower. Centres by column: centre[t * width + j];
// width is a multiple of BLOCK, and half is infinite where there is no centre. score has room for width.
static void nearest(const int64_t* __restrict row_ptr, const int32_t* __restrict word, const double* __restrict value, int64_t n,
                    const double* __restrict centre, const double* __restrict squared, int64_t width, double* __restrict score,
                    int32_t* __restrict near) {
    for (int64_t i = 0; i < n; ++i) {
        for (int64_t j = 0; j < width; ++j) score[j] = 0.0;
        for (int64_t at = row_ptr[i]; at < row_ptr[i + 1]; ++at) {
            const double* __restrict from = centre + static_cast<int64_t>(word[at]) * width;
            const double x = value[at];
            for (int64_t j = 0; j < width; ++j) score[j] += from[j] * x;
        }
        double least = 0.0;
        int64_t block = -1;
        for (int64_t first = 0; first < width; first += BLOCK) {
            double lane[LANES];
            for (int l = 0; l < LANES; ++l) lane[l] = squared[first + l] + -2.0 * score[first + l];
            for (int l = 0; l < LANES; ++l) score[first + l] = lane[l];
            for (int64_t j = first + LANES; j < first + BLOCK; j += LANES)
                for (int l = 0; l < LANES; ++l) {
                    const double own = squared[j + l] + -2.0 * score[j + l];
                    score[j + l] = own;
                    lane[l] = own < lane[l] ? own : lane[l];
                }
            for (int l = 1; l < LANES; ++l) lane[0] = lane[l] < lane[0] ? lane[l] : lane[0];
            if (block < 0 || lane[0] < least) {
                least = lane[0];
                block = first;
            }
        }
        while (score[block] != least) ++block;
        near[i] = static_cast<int32_t>(block);
    }
}

// out[i] = the smaller of closest[i] and base + lengths[i].
static void closer(const double* __restrict closest, const double* __restrict lengths, double base, int64_t n, double* __restrict out) {
    for (int64_t i = 0; i < n; ++i) {
        const double own = base + lengths[i];
        out[i] = own < closest[i] ? own : closest[i];
    }
}
