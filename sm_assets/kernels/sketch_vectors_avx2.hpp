// What the sketch kernels do in vectors, for AVX2. Included by sketch_body.hpp alone.

// x * c modulo 2^64 for four lanes, as three products of halves; `high` is x >> 32.
struct Factor4 {
    __m256i low, high;
    explicit Factor4(uint64_t c)
        : low(_mm256_set1_epi64x((long long)(c & 0xFFFFFFFFu))), high(_mm256_set1_epi64x((long long)(c >> 32))) {}
    __m256i across(__m256i x, __m256i x_high) const {
        return _mm256_add_epi64(_mm256_mul_epu32(x, high), _mm256_mul_epu32(x_high, low));
    }
    __m256i times(__m256i x, __m256i x_high) const {
        return _mm256_add_epi64(_mm256_mul_epu32(x, low), _mm256_slli_epi64(across(x, x_high), 32));
    }
};

struct Hash4 {
    __m256i seed;
    Factor4 first, second;
    explicit Hash4(uint64_t s) : seed(_mm256_set1_epi64x((long long)s)), first(MIX_1), second(MIX_2) {}
    // What is multiplied last, and its high half.
    __m256i half_way(__m256i key, __m256i& x_high) const {
        __m256i x = _mm256_xor_si256(key, seed);
        x_high = _mm256_srli_epi64(x, 32);
        x = first.times(_mm256_xor_si256(x, x_high), x_high);
        x_high = _mm256_srli_epi64(x, 32);
        return _mm256_xor_si256(x, x_high);
    }
    __m256i operator()(__m256i key) const {
        __m256i x_high;
        const __m256i x = half_way(key, x_high);
        return second.times(x, x_high);
    }
};

static inline __m256i load4(const uint64_t* at) { return _mm256_loadu_si256((const __m256i*)at); }
static inline void store4(uint64_t* at, __m256i x) { _mm256_storeu_si256((__m256i*)at, x); }
static inline __m256i odd_of(__m256i a, __m256i b) {
    return _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0xDD));
}
static inline __m256i even_of(__m256i a, __m256i b) {
    return _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88));
}

// Stores the lanes named by `mask`, those first; returns how many.
static inline int64_t keep8(int mask, __m256i bin, __m256i code, uint32_t* bins, uint32_t* codes) {
    const __m256i order = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)PACK8.at[mask]));
    _mm256_storeu_si256((__m256i*)bins, _mm256_permutevar8x32_epi32(bin, order));
    _mm256_storeu_si256((__m256i*)codes, _mm256_permutevar8x32_epi32(code, order));
    return __builtin_popcount((unsigned)mask);
}

static uint32_t largest(const uint32_t* reg, uint32_t k) {
    __m256i top = _mm256_setzero_si256(), other = top;
    uint32_t b = 0, best = 0;
    for (; b + 16 <= k; b += 16) {
        top = _mm256_max_epu32(top, _mm256_loadu_si256((const __m256i*)(reg + b)));
        other = _mm256_max_epu32(other, _mm256_loadu_si256((const __m256i*)(reg + b + 8)));
    }
    uint32_t lane[8];
    _mm256_storeu_si256((__m256i*)lane, _mm256_max_epu32(top, other));
    for (int j = 0; j < 8; j++) best = lane[j] > best ? lane[j] : best;
    for (; b < k; b++) best = reg[b] > best ? reg[b] : best;
    return best;
}

static void hash_all(const uint64_t* keys, int64_t n, uint64_t seed, uint64_t* h) {
    const Hash4 hash(seed);
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        fetch_ahead(keys + i);
        store4(h + i, hash(load4(keys + i)));
        store4(h + i + 4, hash(load4(keys + i + 4)));
    }
    for (; i < n; i++) h[i] = mix64(keys[i] ^ seed);
}

static int64_t hash_below(const uint64_t* keys, int64_t n, uint64_t seed, uint32_t top, uint64_t* h) {
    const Hash4 hash(seed);
    const __m256i sign = _mm256_set1_epi32((int)0x80000000u);
    // Codes are below 2^31, so that twice `top` fits: high half < 2 * top.
    const __m256i limit = _mm256_set1_epi32((int)((top << 1) ^ 0x80000000u));
    int64_t i = 0, found = 0;
    for (; i + 8 <= n; i += 8) {
        fetch_ahead(keys + i);
        __m256i a_high, b_high;
        const __m256i a = hash.half_way(load4(keys + i), a_high), b = hash.half_way(load4(keys + i + 4), b_high);
        const __m256i la = _mm256_mul_epu32(a, hash.second.low), lb = _mm256_mul_epu32(b, hash.second.low);
        const __m256i ca = hash.second.across(a, a_high), cb = hash.second.across(b, b_high);
        const __m256i high = _mm256_add_epi32(odd_of(la, lb), even_of(ca, cb));
        const __m256i pass = _mm256_cmpgt_epi32(limit, _mm256_xor_si256(high, sign));
        const int mask = _mm256_movemask_ps(_mm256_castsi256_ps(pass));
        if (mask == 0) continue;
        // Lanes of `high`: a0 a1 b0 b1 a2 a3 b2 b3.
        const int ma = (mask & 3) | ((mask >> 2) & 12), mb = ((mask >> 2) & 3) | ((mask >> 4) & 12);
        const __m256i ha = _mm256_add_epi64(la, _mm256_slli_epi64(ca, 32));
        const __m256i hb = _mm256_add_epi64(lb, _mm256_slli_epi64(cb, 32));
        store4(h + found, _mm256_permutevar8x32_epi32(ha, _mm256_load_si256((const __m256i*)PACK4.at[ma])));
        found += PACK4.count[ma];
        store4(h + found, _mm256_permutevar8x32_epi32(hb, _mm256_load_si256((const __m256i*)PACK4.at[mb])));
        found += PACK4.count[mb];
    }
    for (; i < n; i++) {
        h[found] = mix64(keys[i] ^ seed);
        found += (uint32_t)(h[found] >> 33) < top;
    }
    return found;
}

template <bool FILTER>
static int64_t places(const uint64_t* h, int64_t n, uint32_t k, const uint32_t* reg, uint32_t* bins, uint32_t* codes) {
    const __m256i size = _mm256_set1_epi64x(k), sign = _mm256_set1_epi32((int)0x80000000u);
    int64_t i = 0, found = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256i a = load4(h + i), b = load4(h + i + 4);
        const __m256i pa = _mm256_mul_epu32(_mm256_xor_si256(a, _mm256_srli_epi64(a, 32)), size);
        const __m256i pb = _mm256_mul_epu32(_mm256_xor_si256(b, _mm256_srli_epi64(b, 32)), size);
        const __m256i bin = odd_of(pa, pb), code = _mm256_srli_epi32(odd_of(a, b), 1);
        if (FILTER) {
            const __m256i held = _mm256_i32gather_epi32((const int*)reg, bin, 4);
            const __m256i pass = _mm256_cmpgt_epi32(_mm256_xor_si256(held, sign), _mm256_xor_si256(code, sign));
            found += keep8(_mm256_movemask_ps(_mm256_castsi256_ps(pass)), bin, code, bins + found, codes + found);
        } else {
            _mm256_storeu_si256((__m256i*)(bins + found), bin);
            _mm256_storeu_si256((__m256i*)(codes + found), code);
            found += 8;
        }
    }
    for (; i < n; i++, found++) {
        bins[found] = first_bin(h[i], k);
        codes[found] = (uint32_t)(h[i] >> 33);
    }
    return found;
}

static uint64_t open_bits(const uint32_t* reg, uint32_t k, uint32_t base, uint64_t* bits) {
    const __m256i sign = _mm256_set1_epi32((int)0x80000000u);
    const __m256i limit = _mm256_set1_epi32((int)((base - 1) ^ 0x80000000u));
    uint64_t any = 0;
    for (uint32_t w = 0; w * 64 < k; w++) {
        uint64_t word = 0;
        uint32_t b = w * 64;
        const uint32_t end = k < b + 64 ? k : b + 64;
        for (; b + 8 <= end; b += 8) {
            const __m256i held = _mm256_xor_si256(_mm256_loadu_si256((const __m256i*)(reg + b)), sign);
            const int open = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(held, limit)));
            word |= (uint64_t)(unsigned)open << (b & 63);
        }
        for (; b < end; b++) word |= (uint64_t)(reg[b] >= base) << (b & 63);
        bits[w] = word;
        any |= word;
    }
    return any;
}

// Up to 256 registers their bits fit one vector; above, the registers themselves are gathered.
template <bool SMALL>
static int64_t late_hits(const uint64_t* h, int64_t n, uint64_t shift, uint32_t k, uint32_t base, const uint32_t* reg,
                         const uint64_t* bits, uint32_t* bins, uint32_t* codes) {
    const __m256i step = _mm256_set1_epi64x((long long)shift), size = _mm256_set1_epi64x(k);
    const __m256i sign = _mm256_set1_epi32((int)0x80000000u), first = _mm256_set1_epi32((int)base);
    const __m256i limit = _mm256_set1_epi32((int)((base - 1) ^ 0x80000000u));
    const __m256i table = load4(bits), last = _mm256_set1_epi32(31);
    const Factor4 mix(MIX_1);
    int64_t i = 0, found = 0;
    for (; i + 8 <= n; i += 8) {
        __m256i a = _mm256_add_epi64(load4(h + i), step), b = _mm256_add_epi64(load4(h + i + 4), step);
        const __m256i a_high = _mm256_srli_epi64(a, 32), b_high = _mm256_srli_epi64(b, 32);
        a = mix.times(_mm256_xor_si256(a, a_high), a_high);
        b = mix.times(_mm256_xor_si256(b, b_high), b_high);
        const __m256i pa = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), size);
        const __m256i pb = _mm256_mul_epu32(_mm256_srli_epi64(b, 32), size);
        const __m256i bin = odd_of(pa, pb);
        __m256i open;
        if (SMALL) {
            const __m256i word = _mm256_permutevar8x32_epi32(table, _mm256_srli_epi32(bin, 5));
            open = _mm256_sllv_epi32(word, _mm256_andnot_si256(bin, last));
        } else {
            const __m256i held = _mm256_i32gather_epi32((const int*)reg, bin, 4);
            open = _mm256_cmpgt_epi32(_mm256_xor_si256(held, sign), limit);
        }
        const __m256i code = _mm256_add_epi32(_mm256_srli_epi32(even_of(a, b), 13), first);
        found += keep8(_mm256_movemask_ps(_mm256_castsi256_ps(open)), bin, code, bins + found, codes + found);
    }
    for (; i < n; i++) {
        late_place(h[i] + shift, k, base, bins[found], codes[found]);
        found += reg[bins[found]] >= base;
    }
    return found;
}

static int64_t late_scan(const uint64_t* h, int64_t n, uint64_t shift, uint32_t k, uint32_t base, const uint32_t* reg,
                         const uint64_t* bits, uint32_t* bins, uint32_t* codes) {
    return k <= 256 ? late_hits<true>(h, n, shift, k, base, reg, bits, bins, codes)
                    : late_hits<false>(h, n, shift, k, base, reg, bits, bins, codes);
}

typedef __m256i Lanes;
enum { WIDTH = 8, BLOCK_VECTORS = 8 };
static inline Lanes lanes(const uint32_t* at) { return _mm256_loadu_si256((const __m256i*)at); }
static inline void put(uint32_t* at, Lanes x) { _mm256_storeu_si256((__m256i*)at, x); }
static inline Lanes same(uint32_t x) { return _mm256_set1_epi32((int)x); }
static inline Lanes lower(Lanes low, Lanes a, Lanes p, Lanes b) {
    return _mm256_min_epu32(low, _mm256_add_epi32(_mm256_mullo_epi32(a, p), b));
}
