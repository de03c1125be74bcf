// k-means of sparse rows: nearest centres, sums of members, distances to rows that may become centres.
// Here: the choice of instructions, and loops that gain nothing from them; the others are in sparse_kmeans_body.hpp, once per level.
#pragma once
#include <cstdint>

#include "isa.hpp"

namespace sma {
namespace sparse_kmeans {

constexpr int LANES = 8;
constexpr int64_t BLOCK = 32;

namespace base {
#include "sparse_kmeans_body.hpp"
}

#if SMA_X86
SMA_BEGIN_AVX2
namespace avx2 {
#include "sparse_kmeans_body.hpp"
}
SMA_END

SMA_BEGIN_AVX512
namespace avx512 {
#include "sparse_kmeans_body.hpp"
}
SMA_END
#endif

inline void nearest(const int64_t* row_ptr, const int32_t* word, const double* value, int64_t n, const double* centre,
                    const double* squared, int64_t width, double* score, int32_t* near, int level) {
#if SMA_X86
    if (level == LEVEL_AVX512) return avx512::nearest(row_ptr, word, value, n, centre, squared, width, score, near);
    if (level == LEVEL_AVX2) return avx2::nearest(row_ptr, word, value, n, centre, squared, width, score, near);
#endif
    (void)level;
    base::nearest(row_ptr, word, value, n, centre, squared, width, score, near);
}

inline void closer(const double* closest, const double* lengths, double base_length, int64_t n, double* out, int level) {
#if SMA_X86
    if (level == LEVEL_AVX512) return avx512::closer(closest, lengths, base_length, n, out);
    if (level == LEVEL_AVX2) return avx2::closer(closest, lengths, base_length, n, out);
#endif
    (void)level;
    base::closer(closest, lengths, base_length, n, out);
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
