// What the sketch kernels do in vectors, for AVX-512 f, bw, dq, vl. Included by sketch_body.hpp alone.

struct Hash8 {
    __m512i fold, first, second;
    explicit Hash8(uint64_t seed)
        : fold(_mm512_set1_epi64((long long)(seed ^ (seed >> 32)))),
          first(_mm512_set1_epi64((long long)MIX_1)),
          second(_mm512_set1_epi64((long long)MIX_2)) {}
    // mix64 of key ^ seed; the seed is folded into the first shift and xor.
    __m512i operator()(__m512i key) const {
        __m512i x = _mm512_ternarylogic_epi64(key, _mm512_srli_epi64(key, 32), fold, 0x96);
        x = _mm512_mullo_epi64(x, first);
        return _mm512_mullo_epi64(_mm512_xor_si512(x, _mm512_srli_epi64(x, 32)), second);
    }
};

static inline __mmask8 head8(int64_t n) { return n >= 8 ? (__mmask8)0xFF : (__mmask8)((1u << n) - 1); }

static inline __mmask16 head16(int64_t n) { return n >= 16 ? (__mmask16)0xFFFF : (__mmask16)((1u << n) - 1); }

static uint32_t largest(const uint32_t* reg, uint32_t k) {
    __m512i top = _mm512_setzero_si512(), other = top;
    uint32_t b = 0;
    for (; b + 32 <= k; b += 32) {
        top = _mm512_max_epu32(top, _mm512_loadu_si512(reg + b));
        other = _mm512_max_epu32(other, _mm512_loadu_si512(reg + b + 16));
    }
    for (; b < k; b += 16) top = _mm512_max_epu32(top, _mm512_maskz_loadu_epi32(head16(k - b), reg + b));
    return _mm512_reduce_max_epu32(_mm512_max_epu32(top, other));
}

static void hash_all(const uint64_t* keys, int64_t n, uint64_t seed, uint64_t* h) {
    const Hash8 hash(seed);
    for (int64_t i = 0; i < n; i += 8) {
        const __mmask8 here = head8(n - i);
        fetch_ahead(keys + i);
        _mm512_mask_storeu_epi64(h + i, here, hash(_mm512_maskz_loadu_epi64(here, keys + i)));
    }
}

// The hashes whose round 0 code is below `top`, in order; returns how many. h holds up to 8 more than n.
static int64_t hash_below(const uint64_t* keys, int64_t n, uint64_t seed, uint32_t top, uint64_t* h) {
    const Hash8 hash(seed);
    const __m512i limit = _mm512_set1_epi64((long long)((uint64_t)top << 33));
    int64_t i = 0, found = 0;
    if (top < SPARSE) {
        for (; i + 32 <= n; i += 32) {
            for (int j = 0; j < 32; j += 8) fetch_ahead(keys + i + j);
            const __m512i a = hash(_mm512_loadu_si512(keys + i)), b = hash(_mm512_loadu_si512(keys + i + 8));
            const __m512i c = hash(_mm512_loadu_si512(keys + i + 16)), d = hash(_mm512_loadu_si512(keys + i + 24));
            const __m512i ab = _mm512_min_epu64(a, b), cd = _mm512_min_epu64(c, d);
            if (!_mm512_cmplt_epu64_mask(_mm512_min_epu64(ab, cd), limit)) continue;
            const __m512i all[4] = {a, b, c, d};
            for (int j = 0; j < 4; j++) {
                const __mmask8 pass = _mm512_cmplt_epu64_mask(all[j], limit);
                _mm512_storeu_si512(h + found, _mm512_maskz_compress_epi64(pass, all[j]));
                found += __builtin_popcount(pass);
            }
        }
    }
    for (; i < n; i += 8) {
        const __mmask8 here = head8(n - i);
        fetch_ahead(keys + i);
        const __m512i x = hash(_mm512_maskz_loadu_epi64(here, keys + i));
        const __mmask8 pass = _mm512_mask_cmplt_epu64_mask(here, x, limit);
        _mm512_storeu_si512(h + found, _mm512_maskz_compress_epi64(pass, x));
        found += __builtin_popcount(pass);
    }
    return found;
}

// Bins and codes of round 0. With a filter only those that lower their register now; returns how many.
template <bool FILTER>
static int64_t places(const uint64_t* h, int64_t n, uint32_t k, const uint32_t* reg, uint32_t* bins, uint32_t* codes) {
    const __m512i size = _mm512_set1_epi64(k);
    const __m512i odd = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
    int64_t found = 0;
    for (int64_t i = 0; i < n; i += 16) {
        const int64_t left = n - i;
        const __m512i a = _mm512_maskz_loadu_epi64(head8(left), h + i);
        const __m512i b = left > 8 ? _mm512_maskz_loadu_epi64(head8(left - 8), h + i + 8) : _mm512_setzero_si512();
        const __m512i pa = _mm512_mul_epu32(_mm512_xor_si512(a, _mm512_srli_epi64(a, 32)), size);
        const __m512i pb = _mm512_mul_epu32(_mm512_xor_si512(b, _mm512_srli_epi64(b, 32)), size);
        const __m512i bin = _mm512_permutex2var_epi32(pa, odd, pb);
        const __m512i code = _mm512_srli_epi32(_mm512_permutex2var_epi32(a, odd, b), 1);
        if (FILTER) {
            const __m512i held = _mm512_i32gather_epi32(bin, reg, 4);
            const __mmask16 pass = _mm512_mask_cmplt_epu32_mask(head16(left), code, held);
            _mm512_storeu_si512(bins + found, _mm512_maskz_compress_epi32(pass, bin));
            _mm512_storeu_si512(codes + found, _mm512_maskz_compress_epi32(pass, code));
            found += __builtin_popcount(pass);
        } else {
            _mm512_storeu_si512(bins + i, bin);
            _mm512_storeu_si512(codes + i, code);
        }
    }
    return FILTER ? found : n;
}

// Bit b: register b holds no code of a round before that of `base`.
static uint64_t open_bits(const uint32_t* reg, uint32_t k, uint32_t base, uint64_t* bits) {
    const __m512i limit = _mm512_set1_epi32((int)base);
    uint64_t any = 0;
    uint32_t b = 0;
    for (; b + 64 <= k; b += 64) {
        const uint64_t m0 = _mm512_cmpge_epu32_mask(_mm512_loadu_si512(reg + b), limit);
        const uint64_t m1 = _mm512_cmpge_epu32_mask(_mm512_loadu_si512(reg + b + 16), limit);
        const uint64_t m2 = _mm512_cmpge_epu32_mask(_mm512_loadu_si512(reg + b + 32), limit);
        const uint64_t m3 = _mm512_cmpge_epu32_mask(_mm512_loadu_si512(reg + b + 48), limit);
        bits[b / 64] = m0 | m1 << 16 | m2 << 32 | m3 << 48;
        any |= bits[b / 64];
    }
    if (b == k) return any;
    uint64_t word = 0;
    for (uint32_t at = b; at < k; at += 16) {
        const __mmask16 here = head16(k - at);
        const uint64_t open =
            _mm512_mask_cmpge_epu32_mask(here, _mm512_maskz_loadu_epi32(here, reg + at), limit);
        word |= open << (at - b);
    }
    bits[b / 64] = word;
    return any | word;
}

// TABLES vectors of 512 bits hold the open bits.
template <int TABLES>
static int64_t late_hits(const uint64_t* h, int64_t n, uint64_t shift, uint32_t k, uint32_t base, const uint64_t* bits,
                         uint32_t* bins, uint32_t* codes) {
    const __m512i step = _mm512_set1_epi64((long long)shift), mix = _mm512_set1_epi64((long long)MIX_1);
    const __m512i size = _mm512_set1_epi64(k), one = _mm512_set1_epi32(1), first = _mm512_set1_epi32((int)base);
    const __m512i odd = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
    const __m512i even = _mm512_sub_epi32(odd, one), half = _mm512_set1_epi32(1024);
    const __m512i t0 = _mm512_loadu_si512(bits), t1 = _mm512_loadu_si512(bits + 8);
    const __m512i t2 = _mm512_loadu_si512(bits + 16), t3 = _mm512_loadu_si512(bits + 24);
    int64_t found = 0;
    // At the end hashes beyond n are loaded too; `here` leaves them out.
    __mmask16 here = 0xFFFF;
    for (int64_t i = 0; i < n; i += 16) {
        if (n - i < 16) here = head16(n - i);
        __m512i a = _mm512_add_epi64(_mm512_loadu_si512(h + i), step);
        __m512i b = _mm512_add_epi64(_mm512_loadu_si512(h + i + 8), step);
        a = _mm512_mullo_epi64(_mm512_xor_si512(a, _mm512_srli_epi64(a, 32)), mix);
        b = _mm512_mullo_epi64(_mm512_xor_si512(b, _mm512_srli_epi64(b, 32)), mix);
        const __m512i pa = _mm512_mul_epu32(_mm512_shuffle_epi32(a, (_MM_PERM_ENUM)0xF5), size);
        const __m512i pb = _mm512_mul_epu32(_mm512_shuffle_epi32(b, (_MM_PERM_ENUM)0xF5), size);
        const __m512i bin = _mm512_permutex2var_epi32(pa, odd, pb), word = _mm512_srli_epi32(bin, 5);
        __m512i table;
        if (TABLES == 1) {
            table = _mm512_permutexvar_epi32(word, t0);
        } else {
            table = _mm512_permutex2var_epi32(t0, word, t1);
            if (TABLES == 4)
                table = _mm512_mask_mov_epi32(table, _mm512_test_epi32_mask(bin, half),
                                              _mm512_permutex2var_epi32(t2, word, t3));
        }
        const __mmask16 pass = _mm512_mask_test_epi32_mask(here, _mm512_rorv_epi32(table, bin), one);
        const __m512i low = _mm512_permutex2var_epi32(a, even, b);
        const __m512i code = _mm512_add_epi32(_mm512_srli_epi32(low, 13), first);
        _mm512_storeu_si512(bins + found, _mm512_maskz_compress_epi32(pass, bin));
        _mm512_storeu_si512(codes + found, _mm512_maskz_compress_epi32(pass, code));
        found += __builtin_popcount(pass);
    }
    return found;
}

static int64_t late_scan(const uint64_t* h, int64_t n, uint64_t shift, uint32_t k, uint32_t base, const uint32_t*,
                         const uint64_t* bits, uint32_t* bins, uint32_t* codes) {
    if (k <= 512) return late_hits<1>(h, n, shift, k, base, bits, bins, codes);
    if (k <= 1024) return late_hits<2>(h, n, shift, k, base, bits, bins, codes);
    return late_hits<4>(h, n, shift, k, base, bits, bins, codes);
}

typedef __m512i Lanes;
enum { WIDTH = 16, BLOCK_VECTORS = 8 };
static inline Lanes lanes(const uint32_t* at) { return _mm512_loadu_si512(at); }
static inline void put(uint32_t* at, Lanes x) { _mm512_storeu_si512(at, x); }
static inline Lanes same(uint32_t x) { return _mm512_set1_epi32((int)x); }
static inline Lanes lower(Lanes low, Lanes a, Lanes p, Lanes b) {
    return _mm512_min_epu32(low, _mm512_add_epi32(_mm512_mullo_epi32(a, p), b));
}
