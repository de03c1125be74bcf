// k-means of sparse rows: nearest centres, sums of members, distances to rows that may become centres.
// Here: the choice of instructions, and loops that gain nothing from them; the others are in sparse_kmeans_body.hpp, once per level.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "isa.hpp"

namespace sma {
namespace sparse_kmeans {

// As many as registers hold the sums of.
constexpr int BLOCK = 16;
constexpr double FARTHEST = 1.7976931348623157e308;
#if SMA_X86
typedef double Four __attribute__((vector_size(32), aligned(8), may_alias));
#endif

#define SMA_LEVEL 0
namespace base {
#include "sparse_kmeans_body.hpp"
}
#undef SMA_LEVEL

#if SMA_X86
#define SMA_LEVEL 1
SMA_BEGIN_AVX2
namespace avx2 {
#include "sparse_kmeans_body.hpp"
}
SMA_END
#undef SMA_LEVEL

#define SMA_LEVEL 2
SMA_BEGIN_AVX512
namespace avx512 {
#include "sparse_kmeans_body.hpp"
}
SMA_END
#undef SMA_LEVEL
#endif

inline void nearest(const int64_t* row_ptr, const int32_t* word, const double* value, int64_t n, const double* centre,
                    const double* squared, int64_t width, double* known, int32_t* known_near, int32_t* near, int level) {
#if SMA_X86
    if (level == LEVEL_AVX512) return avx512::nearest(row_ptr, word, value, n, centre, squared, width, known, known_near, near);
    if (level == LEVEL_AVX2) return avx2::nearest(row_ptr, word, value, n, centre, squared, width, known, known_near, near);
#endif
    (void)level;
    base::nearest(row_ptr, word, value, n, centre, squared, width, known, known_near, near);
}

inline void closer(const double* closest, const double* lengths, double base_length, int64_t n, double* out, int level) {
#if SMA_X86
    if (level == LEVEL_AVX512) return avx512::closer(closest, lengths, base_length, n, out);
    if (level == LEVEL_AVX2) return avx2::closer(closest, lengths, base_length, n, out);
#endif
    (void)level;
    base::closer(closest, lengths, base_length, n, out);
}

// place[t] = the first row up to which the sum of weight times closest is drawn[t] or more, the last row if there is none.
inline void draw(const double* weight, const double* closest, int64_t n, const double* drawn, int64_t n_drawn, int64_t* place) {
    std::vector<double> sum(n);
    double total = 0.0;
    for (int64_t i = 0; i < n; ++i) {
        total += weight[i] * closest[i];
        sum[i] = total;
    }
    for (int64_t t = 0; t < n_drawn; ++t)
        place[t] = std::min<int64_t>(std::lower_bound(sum.begin(), sum.end(), drawn[t]) - sum.begin(), n - 1);
}

// Weighted sums of the members, sums[label[i] * d + t], and their weights, in the order of the rows.
inline void add_members(const int64_t* row_ptr, const int32_t* word, const double* value, const double* weight, const int32_t* label,
                        int64_t n, int64_t d, double* sums, double* mass) {
    for (int64_t i = 0; i < n; ++i) {
        double* to = sums + static_cast<int64_t>(label[i]) * d;
        mass[label[i]] += weight[i];
        for (int64_t at = row_ptr[i]; at < row_ptr[i + 1]; ++at) to[word[at]] += value[at] * weight[i];
    }
}

// far[i] = squared distance of row i to its centre, 0 or more.
inline void to_own(const int64_t* row_ptr, const int32_t* word, const double* value, const int32_t* label, int64_t n, const double* centre,
                   const double* squared, int64_t d, double* far) {
    for (int64_t i = 0; i < n; ++i) {
        const double* own = centre + static_cast<int64_t>(label[i]) * d;
        double sum = 0.0;
        for (int64_t at = row_ptr[i]; at < row_ptr[i + 1]; ++at) {
            const double c = own[word[at]], gap = value[at] - c;
            sum += gap * gap - c * c;
        }
        sum += squared[label[i]];
        far[i] = sum < 0.0 ? 0.0 : sum;
    }
}

// out[i] = the smaller of closest[i] and the squared distance of row i to row `asked`. Columns: which rows have a word, and their values.
// product is zero for all rows, and is so again afterwards.
inline void to_row(const int64_t* row_ptr, const int32_t* word, const double* value, const int64_t* column_ptr, const int32_t* row,
                   const double* of_row, const double* lengths, const double* closest, int64_t n, int64_t asked, double* product,
                   double* out, int level) {
    closer(closest, lengths, lengths[asked], n, out, level);
    for (int64_t at = row_ptr[asked]; at < row_ptr[asked + 1]; ++at)
        for (int64_t c = column_ptr[word[at]]; c < column_ptr[word[at] + 1]; ++c) product[row[c]] += value[at] * of_row[c];
    for (int64_t at = row_ptr[asked]; at < row_ptr[asked + 1]; ++at)
        for (int64_t c = column_ptr[word[at]]; c < column_ptr[word[at] + 1]; ++c) {
            const int32_t i = row[c];
            if (product[i] == 0.0) continue;
            double own = -2.0 * product[i] + lengths[asked] + lengths[i];
            if (own < 0.0) own = 0.0;
            out[i] = own < closest[i] ? own : closest[i];
            product[i] = 0.0;
        }
}

}  // namespace sparse_kmeans
}  // namespace sma
