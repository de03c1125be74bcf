// Sums of distances per label. Here: the choice of instructions; the loop is in silhouette_body.hpp, once per level.
#pragma once
#include <cstdint>

#include "isa.hpp"

namespace sma {
namespace silhouette {

namespace base {
#include "silhouette_body.hpp"
}

#if SMA_X86
SMA_BEGIN_AVX2
namespace avx2 {
#include "silhouette_body.hpp"
}
SMA_END

SMA_BEGIN_AVX512
namespace avx512 {
#include "silhouette_body.hpp"
}
SMA_END
#endif

inline void add_columns(const double* distance, const double* weight, const int32_t* bins, int64_t n_columns, int64_t n_rows,
                        int64_t n_labellings, int64_t stride, double* sums, int level) {
#if SMA_X86
    if (level == LEVEL_AVX512) return avx512::add_columns(distance, weight, bins, n_columns, n_rows, n_labellings, stride, sums);
    if (level == LEVEL_AVX2) return avx2::add_columns(distance, weight, bins, n_columns, n_rows, n_labellings, stride, sums);
#endif
    (void)level;
    base::add_columns(distance, weight, bins, n_columns, n_rows, n_labellings, stride, sums);
}

}  // namespace silhouette
}  // namespace sma
