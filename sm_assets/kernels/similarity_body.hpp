// Counting equal registers: the loops that are worth vector instructions. Included once per level by similarity_scan.hpp, which says how.
// No guard, no header: SMA_LEVEL is 0 (base), 1 (avx2) or 2 (avx512). All levels give the same numbers.

#define SMA_INLINE static inline __attribute__((always_inline))

// uint32[k] -> k bytes, then zeros up to `width`; returns whether some register is EMPTY.
static bool fold_row(const uint32_t* __restrict row, int64_t k, int64_t width, uint8_t* __restrict bytes) {
    uint32_t empty = 0;
    for (int64_t r = 0; r < k; ++r) {
        empty |= row[r] == 0xFFFFFFFFu;
        bytes[r] = static_cast<uint8_t>((row[r] * 0x9E3779B1u) >> 24);
    }
    for (int64_t r = k; r < width; ++r) bytes[r] = 0;
    return empty != 0;
}

#if SMA_LEVEL == 2

SMA_INLINE uint64_t equal64(__m512i a, const uint8_t* b) { return _mm512_cmpeq_epi8_mask(a, _mm512_loadu_si512(b)); }
SMA_INLINE __m512i load64(const uint8_t* p) { return _mm512_loadu_si512(p); }

SMA_INLINE void count_few(const uint8_t* query, const uint8_t* rows, int64_t n, int blocks, uint64_t last, uint16_t* __restrict counts) {
    const __m512i a = load64(query), b = load64(query + 64 * (blocks - 1));
    for (int64_t r = 0; r < n; ++r, rows += 64 * blocks) {
        uint64_t count = blocks > 1 ? static_cast<uint64_t>(__builtin_popcountll(equal64(a, rows))) : 0;
        count += __builtin_popcountll(equal64(b, rows + 64 * (blocks - 1)) & last);
        counts[r] = static_cast<uint16_t>(count);
    }
}

SMA_INLINE uint64_t count_pair(const uint8_t* a, const uint8_t* b, int64_t blocks, uint64_t last) {
    uint64_t count = 0;
    for (int64_t k = 0; k + 1 < blocks; ++k) count += __builtin_popcountll(equal64(load64(a + 64 * k), b + 64 * k));
    return count + __builtin_popcountll(equal64(load64(a + 64 * (blocks - 1)), b + 64 * (blocks - 1)) & last);
}

// Four rows at once: each block of the query is loaded once for them.
SMA_INLINE void count_four(const uint8_t* query, const uint8_t* rows, int64_t blocks, uint64_t last, uint16_t* __restrict counts) {
    uint64_t found[4] = {};
    for (int64_t k = 0; k < blocks; ++k) {
        const __m512i a = load64(query + 64 * k);
        const uint64_t valid = k + 1 < blocks ? ~0ULL : last;
        for (int r = 0; r < 4; ++r) found[r] += __builtin_popcountll(equal64(a, rows + 64 * (blocks * r + k)) & valid);
    }
    for (int r = 0; r < 4; ++r) counts[r] = static_cast<uint16_t>(found[r]);
}

#elif SMA_LEVEL == 1

struct Half {
    __m256i low, high;
};
SMA_INLINE Half load64(const uint8_t* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)), _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))};
}
SMA_INLINE uint64_t equal64(Half a, const uint8_t* p) {
    const Half b = load64(p);
    const uint64_t low = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(a.low, b.low)));
    const uint64_t high = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(a.high, b.high)));
    return low | (high << 32);
}

SMA_INLINE void count_few(const uint8_t* query, const uint8_t* rows, int64_t n, int blocks, uint64_t last, uint16_t* __restrict counts) {
    const Half a = load64(query), b = load64(query + 64 * (blocks - 1));
    for (int64_t r = 0; r < n; ++r, rows += 64 * blocks) {
        uint64_t count = blocks > 1 ? static_cast<uint64_t>(__builtin_popcountll(equal64(a, rows))) : 0;
        count += __builtin_popcountll(equal64(b, rows + 64 * (blocks - 1)) & last);
        counts[r] = static_cast<uint16_t>(count);
    }
}

// Up to 127 blocks are summed as bytes, two compares each, before they are added up.
SMA_INLINE uint64_t count_pair(const uint8_t* a, const uint8_t* b, int64_t blocks, uint64_t last) {
    uint64_t count = 0;
    for (int64_t k = 0; k + 1 < blocks;) {
        const int64_t stop = blocks - 1 < k + 127 ? blocks - 1 : k + 127;
        __m256i sums = _mm256_setzero_si256();
        for (; k < stop; ++k) {
            const Half x = load64(a + 64 * k), y = load64(b + 64 * k);
            sums = _mm256_sub_epi8(sums, _mm256_cmpeq_epi8(x.low, y.low));
            sums = _mm256_sub_epi8(sums, _mm256_cmpeq_epi8(x.high, y.high));
        }
        sums = _mm256_sad_epu8(sums, _mm256_setzero_si256());
        const __m128i half = _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
        count += static_cast<uint64_t>(_mm_extract_epi64(half, 0) + _mm_extract_epi64(half, 1));
    }
    return count + __builtin_popcountll(equal64(load64(a + 64 * (blocks - 1)), b + 64 * (blocks - 1)) & last);
}

#else

typedef uint8_t Bytes __attribute__((vector_size(16)));
typedef uint64_t Words __attribute__((vector_size(16)));

SMA_INLINE Bytes load16(const uint8_t* p) {
    Bytes bytes;
    __builtin_memcpy(&bytes, p, 16);
    return bytes;
}
#define SMA_SET 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255
static const uint8_t MASK[128] = {SMA_SET, SMA_SET, SMA_SET, SMA_SET};
#undef SMA_SET

// Sum of 16 bytes.
SMA_INLINE uint64_t total(Bytes bytes) {
    const uint64_t even = 0x00FF00FF00FF00FFULL;
    Words words = reinterpret_cast<Words>(bytes);
    words = (words & even) + ((words >> 8) & even);
    return ((words[0] + words[1]) * 0x0001000100010001ULL) >> 48;
}

// Up to 63 blocks are summed as bytes, four compares each, before they are added up.
SMA_INLINE uint64_t count_pair(const uint8_t* a, const uint8_t* b, int64_t blocks, uint64_t last) {
    uint64_t count = 0;
    for (int64_t k = 0; k + 1 < blocks;) {
        const int64_t stop = blocks - 1 < k + 63 ? blocks - 1 : k + 63;
        Bytes sums = {};
        for (; k < stop; ++k)
            for (int part = 0; part < 64; part += 16) sums -= reinterpret_cast<Bytes>(load16(a + 64 * k + part) == load16(b + 64 * k + part));
        count += total(sums);
    }
    // The registers of the last block are the first ones; behind them, zeros of the mask.
    const uint8_t *x = a + 64 * (blocks - 1), *y = b + 64 * (blocks - 1), *mask = MASK + (~last ? 64 - __builtin_ctzll(~last) : 0);
    Bytes sums = {};
    for (int part = 0; part < 64; part += 16) sums -= reinterpret_cast<Bytes>(load16(x + part) == load16(y + part)) & load16(mask + part);
    return count + total(sums);
}

SMA_INLINE void count_few(const uint8_t* query, const uint8_t* rows, int64_t n, int blocks, uint64_t last, uint16_t* __restrict counts) {
    for (int64_t r = 0; r < n; ++r, rows += 64 * blocks) counts[r] = static_cast<uint16_t>(count_pair(query, rows, blocks, last));
}

#endif

// counts # OUT [n]: equal bytes of the query and each of n rows of `blocks` times 64 bytes; of the last block the bytes in `last` only.
static void count_rows(const uint8_t* query, const uint8_t* rows, int64_t n, int64_t blocks, uint64_t last, uint16_t* __restrict counts) {
    if (blocks == 1) {
        count_few(query, rows, n, 1, last, counts);
    } else if (blocks == 2) {
        count_few(query, rows, n, 2, last, counts);
    } else {
        int64_t r = 0;
#if SMA_LEVEL == 2
        for (; r + 4 <= n; r += 4) count_four(query, rows + 64 * blocks * r, blocks, last, counts + r);
#endif
        for (; r < n; ++r) counts[r] = static_cast<uint16_t>(count_pair(query, rows + 64 * blocks * r, blocks, last));
    }
}

// places # OUT: where counts[0..n) is at least `least`; returns how many. n <= 65536.
static int64_t at_least(const uint16_t* counts, int64_t n, uint16_t least, uint16_t* __restrict places) {
    int64_t found = 0, r = 0;
#if SMA_LEVEL == 2
    const __m512i bound = _mm512_set1_epi16(static_cast<short>(least));
    for (; r + 32 <= n; r += 32)
        for (uint32_t hits = _mm512_cmpge_epu16_mask(_mm512_loadu_si512(counts + r), bound); hits; hits &= hits - 1)
            places[found++] = static_cast<uint16_t>(r + __builtin_ctz(hits));
#elif SMA_LEVEL == 1
    const __m256i bound = _mm256_set1_epi16(static_cast<short>(least));
    for (; r + 16 <= n; r += 16) {
        const __m256i here = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(counts + r));
        const __m256i reached = _mm256_cmpeq_epi16(_mm256_max_epu16(here, bound), here);
        for (uint32_t hits = static_cast<uint32_t>(_mm256_movemask_epi8(reached)) & 0x55555555u; hits; hits &= hits - 1)
            places[found++] = static_cast<uint16_t>(r + __builtin_ctz(hits) / 2);
    }
#endif
    for (; r < n; ++r) {
        places[found] = static_cast<uint16_t>(r);
        found += counts[r] >= least;
    }
    return found;
}

// Equal registers of two rows of k registers; EMPTY equals nothing.
static uint32_t equal_registers(const uint32_t* a, const uint32_t* b, int64_t k) {
    uint32_t count = 0;
    for (int64_t r = 0; r < k; ++r) count += (a[r] == b[r]) & (a[r] != 0xFFFFFFFFu);
    return count;
}

// Whether a[0..n) rises strictly.
static bool rises(const uint64_t* a, int64_t n) {
    uint64_t falls = 0;
    for (int64_t r = 1; r < n; ++r) falls |= a[r] <= a[r - 1];
    return !falls;
}

// Common elements of two strictly rising rows: blocks of both are compared all with all, and the one that ends lower moves on.
static int64_t common(const uint64_t* a, int64_t na, const uint64_t* b, int64_t nb) {
    int64_t count = 0, i = 0, j = 0;
#if SMA_LEVEL == 2
    // The eight turns of y are made of turns by 4, 2 and 1; maskz forms, as GCC takes the others for uninitialised.
    const __m512i turn1 = _mm512_setr_epi64(1, 2, 3, 4, 5, 6, 7, 0), turn2 = _mm512_setr_epi64(2, 3, 4, 5, 6, 7, 0, 1),
                  turn4 = _mm512_setr_epi64(4, 5, 6, 7, 0, 1, 2, 3), turn6 = _mm512_setr_epi64(6, 7, 0, 1, 2, 3, 4, 5);
    while (i + 8 <= na && j + 8 <= nb) {
        const __m512i x = _mm512_loadu_si512(a + i), y = _mm512_loadu_si512(b + j);
        const uint64_t last_a = a[i + 7], last_b = b[j + 7];
        const __m512i y2 = _mm512_maskz_permutexvar_epi64(0xFF, turn2, y), y4 = _mm512_maskz_permutexvar_epi64(0xFF, turn4, y),
                      y6 = _mm512_maskz_permutexvar_epi64(0xFF, turn6, y);
        unsigned hits = _mm512_cmpeq_epi64_mask(x, y) | _mm512_cmpeq_epi64_mask(x, y2) | _mm512_cmpeq_epi64_mask(x, y4) |
                        _mm512_cmpeq_epi64_mask(x, y6);
        hits |= _mm512_cmpeq_epi64_mask(x, _mm512_maskz_permutexvar_epi64(0xFF, turn1, y)) |
                _mm512_cmpeq_epi64_mask(x, _mm512_maskz_permutexvar_epi64(0xFF, turn1, y2)) |
                _mm512_cmpeq_epi64_mask(x, _mm512_maskz_permutexvar_epi64(0xFF, turn1, y4)) |
                _mm512_cmpeq_epi64_mask(x, _mm512_maskz_permutexvar_epi64(0xFF, turn1, y6));
        count += __builtin_popcount(hits);
        i += last_a <= last_b ? 8 : 0;
        j += last_b <= last_a ? 8 : 0;
    }
#elif SMA_LEVEL == 1
    while (i + 4 <= na && j + 4 <= nb) {
        const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + i));
        const __m256i y = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + j));
        const uint64_t last_a = a[i + 3], last_b = b[j + 3];
        const __m256i even = _mm256_or_si256(_mm256_cmpeq_epi64(x, y), _mm256_cmpeq_epi64(x, _mm256_permute4x64_epi64(y, 0x4E)));
        const __m256i odd = _mm256_or_si256(
            _mm256_cmpeq_epi64(x, _mm256_permute4x64_epi64(y, 0x39)), _mm256_cmpeq_epi64(x, _mm256_permute4x64_epi64(y, 0x93)));
        count += __builtin_popcount(static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_or_si256(even, odd)))));
        i += last_a <= last_b ? 4 : 0;
        j += last_b <= last_a ? 4 : 0;
    }
#endif
    while (i < na && j < nb) {
        const uint64_t x = a[i], y = b[j];
        count += x == y;
        i += x <= y;
        j += y <= x;
    }
    return count;
}

static const Loops LOOPS = {fold_row, count_rows, at_least, equal_registers, rises, common};

#undef SMA_INLINE
