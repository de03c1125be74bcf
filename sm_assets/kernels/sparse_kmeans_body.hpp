// The nearest centre of sparse rows: the loops that are worth vector instructions. Included once per level by sparse_kmeans.hpp, which says how.
// No guard, no header. All levels multiply and add in the same order and give the same bits.

// The number of the centre of least squared[j] - 2 row.centre[j], ties to the lower. Centres by column: centre[t * width + j]; width is a
// multiple of BLOCK, and squared is infinite where there is no centre.
static int32_t nearest_one(const int32_t* __restrict word, const double* __restrict value, int64_t n_words,
                           const double* __restrict centre, const double* __restrict squared, int64_t width) {
#if SMA_LEVEL > 0
    Four least[BLOCK / 4], where[BLOCK / 4];
    for (int l = 0; l < BLOCK / 4; ++l) {
        least[l] = Four{FARTHEST, FARTHEST, FARTHEST, FARTHEST};
        where[l] = Four{0.0, 0.0, 0.0, 0.0};
    }
    for (int64_t first = 0; first < width; first += BLOCK) {
        Four score[BLOCK / 4] = {};
        for (int64_t at = 0; at < n_words; ++at) {
            const Four* from = reinterpret_cast<const Four*>(centre + static_cast<int64_t>(word[at]) * width + first);
            const double x = value[at];
            for (int l = 0; l < BLOCK / 4; ++l) score[l] += from[l] * x;
        }
        const Four* own_squared = reinterpret_cast<const Four*>(squared + first);
        const double at = static_cast<double>(first);
        const Four here = {at, at, at, at};
        for (int l = 0; l < BLOCK / 4; ++l) {
            const Four own = own_squared[l] + -2.0 * score[l];
            where[l] = own < least[l] ? here : where[l];
            least[l] = own < least[l] ? own : least[l];
        }
    }
    double best = least[0][0], found = where[0][0];
    for (int l = 1; l < BLOCK; ++l) {
        const double own = least[l / 4][l % 4], j = where[l / 4][l % 4] + l;
        if (own < best || (own == best && j < found)) {
            best = own;
            found = j;
        }
    }
    return static_cast<int32_t>(found);
#else
    double best = FARTHEST;
    int64_t found = 0;
    for (int64_t first = 0; first < width; first += BLOCK) {
        double score[BLOCK] = {};
        for (int64_t at = 0; at < n_words; ++at) {
            const double* __restrict from = centre + static_cast<int64_t>(word[at]) * width + first;
            const double x = value[at];
            for (int l = 0; l < BLOCK; ++l) score[l] += from[l] * x;
        }
        for (int l = 0; l < BLOCK; ++l) {
            const double own = squared[first + l] + -2.0 * score[l];
            if (own < best) {
                best = own;
                found = first + l;
            }
        }
    }
    return static_cast<int32_t>(found);
#endif
}

// near[i] of every row. Rows of one word that follow others of that word and value, and rows of none, cost nothing: known[t] is such a
// value of word t, and its centre.
static void nearest(const int64_t* __restrict row_ptr, const int32_t* __restrict word, const double* __restrict value, int64_t n,
                    const double* __restrict centre, const double* __restrict squared, int64_t width, double* __restrict known,
                    int32_t* __restrict known_near, int32_t* __restrict near) {
    int32_t none = -1;
    for (int64_t i = 0; i < n; ++i) {
        const int64_t at = row_ptr[i], n_words = row_ptr[i + 1] - at;
        if (n_words == 1 && known[word[at]] == value[at]) {
            near[i] = known_near[word[at]];
            continue;
        }
        if (n_words == 0 && none >= 0) {
            near[i] = none;
            continue;
        }
        near[i] = nearest_one(word + at, value + at, n_words, centre, squared, width);
        if (n_words == 0) none = near[i];
        if (n_words == 1) {
            known[word[at]] = value[at];
            known_near[word[at]] = near[i];
        }
    }
}

// out[i] = the smaller of closest[i] and base + lengths[i].
static void closer(const double* __restrict closest, const double* __restrict lengths, double base, int64_t n, double* __restrict out) {
    for (int64_t i = 0; i < n; ++i) {
        const double own = base + lengths[i];
        out[i] = own < closest[i] ? own : closest[i];
    }
}
