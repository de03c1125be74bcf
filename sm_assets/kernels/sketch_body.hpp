// The sketch kernels for one level of instructions: sketch_levels.hpp includes this file once per level, in a namespace
// and under a target of its own. No header of a library may be included here and no library called: see isa.hpp.
//
// A row is the registers of one set. Registers only fall, so a row may be fed in any number of pieces.

// Beyond the end of the keys nothing is fetched, and no harm done.
static inline void fetch_ahead(const uint64_t* at) {
    __builtin_prefetch((const char*)at + AHEAD * (int64_t)sizeof(uint64_t), 0, 2);
}

#if SMA_LEVEL == 2
#include "sketch_vectors_avx512.hpp"
#elif SMA_LEVEL == 1
#include "sketch_vectors_avx2.hpp"
#else
#include "sketch_vectors_base.hpp"
#endif

// ---- fss ----

static inline void lower_all(const uint32_t* bins, const uint32_t* codes, int64_t n, uint32_t* reg) {
    for (int64_t i = 0; i < n; i++) {
        const uint32_t held = reg[bins[i]], code = codes[i];
        reg[bins[i]] = code < held ? code : held;
    }
}

// Drops hashes that were seen shortly before: a set of few distinct keys, each given many times, has open registers
// however long it is.
static int64_t drop_repeats(uint64_t* h, int64_t n, uint64_t* table) {
    for (int64_t i = 0; i < BLOCK; i++) table[i] = 0;
    table[0] = ~(uint64_t)0;  // belongs elsewhere, so that a hash of 0 is not taken for seen
    int64_t kept = 0;
    for (int64_t i = 0; i < n; i++) {
        const uint64_t x = h[i];
        uint64_t& seen = table[x >> (64 - BLOCK_BITS)];
        h[kept] = x;
        kept += seen != x;
        seen = x;
    }
    return kept;
}

static void late_rounds(int64_t n, uint32_t k, uint32_t* reg, Scratch& s) {
    if (n >= 8 * (int64_t)k) n = drop_repeats(s.h, n, s.seen);
    uint64_t any = open_bits(reg, k, LATE + (1u << 19), s.bits);
    for (uint32_t r = 1; r < k; r++) {
        if (!any) return;
        const uint32_t base = LATE + (r << 19);
        const int64_t hits = late_scan(s.h, n, r * ROUND_STEP, k, base, reg, s.bits, s.bins, s.codes);
        lower_all(s.bins, s.codes, hits, reg);
        if (hits * 16 > k || (r & 7) == 0) {
            any = open_bits(reg, k, base + (1u << 19), s.bits);
            continue;
        }
        // Few: clear their bits alone. A bit that stays set too long costs time, it never changes the result.
        for (int64_t i = 0; i < hits; i++) s.bits[s.bins[i] >> 6] &= ~((uint64_t)1 << (s.bins[i] & 63));
        any = 0;
        for (uint32_t w = 0; w * 64 < k; w++) any |= s.bits[w];
    }
    // The last k rounds visit one register each.
    for (uint32_t b = 0; b < k; b++) {
        const uint32_t r = k + b, base = LATE + (r << 19);
        if (reg[b] < base) continue;
        uint32_t least = ~0u;
        for (int64_t i = 0; i < n; i++) {
            const uint32_t fraction = (uint32_t)late_mix(s.h[i] + r * ROUND_STEP) >> 13;
            least = fraction < least ? fraction : least;
        }
        // The very last code of k = 2048 would be EMPTY, which only the empty set may have.
        const uint32_t code = base + least < EMPTY ? base + least : EMPTY - 1;
        reg[b] = code < reg[b] ? code : reg[b];
    }
}

static void fss_row(const Job& job, const uint64_t* keys, int64_t n, uint32_t* reg, Scratch& s) {
    const uint32_t k = job.k;
    uint32_t top = reg[0] == EMPTY ? EMPTY : largest(reg, k);
    int64_t i = 0;
    // While a register has no code of round 0, no key can be skipped, and all later rounds may be needed.
    while (i < n && top >= LATE) {
        const int64_t m = n - i < BLOCK ? n - i : BLOCK;
        int64_t done = 0;
        while (done < m && top >= LATE) {
            const int64_t step = m - done < FIRST_STEP ? m - done : FIRST_STEP;
            hash_all(keys + i + done, step, job.seed, s.h + done);
            const int64_t found = places<false>(s.h + done, step, k, reg, s.bins, s.codes);
            lower_all(s.bins, s.codes, found, reg);
            done += step;
            top = largest(reg, k);
        }
        if (top >= LATE) {
            late_rounds(done, k, reg, s);
            top = largest(reg, k);
        }
        i += done;
    }
    while (i < n) {
        // As many keys as will bring some hundred below the threshold.
        const int64_t wanted = (int64_t)(((uint64_t)PER_STEP << 31) / (top | 1));
        int64_t step = wanted < BLOCK ? wanted : BLOCK;
        step = n - i < step ? n - i : step;
        const int64_t below = hash_below(keys + i, step, job.seed, top, s.h);
        i += step;
        if (!below) continue;
        const int64_t found = places<true>(s.h, below, k, reg, s.bins, s.codes);
        lower_all(s.bins, s.codes, found, reg);
        top = largest(reg, k);
    }
}

// ---- affine32 ----

// Lowers WIDTH * VECTORS registers by n mixed elements; fetches the keys from `next` on meanwhile.
template <int VECTORS>
static void affine_block(const uint32_t* p, int64_t n, const uint32_t* a, const uint32_t* b, uint32_t* low,
                         const uint64_t* next) {
    Lanes held[VECTORS];
    for (int v = 0; v < VECTORS; v++) held[v] = lanes(low + v * WIDTH);
    for (int64_t i = 0; i < n; i++) {
        __builtin_prefetch(next + i, 0, 2);
        const Lanes x = same(p[i]);
        for (int v = 0; v < VECTORS; v++) held[v] = lower(held[v], lanes(a + v * WIDTH), x, lanes(b + v * WIDTH));
    }
    for (int v = 0; v < VECTORS; v++) put(low + v * WIDTH, held[v]);
}

static void affine_row(const Job& job, const uint64_t* keys, int64_t n, uint32_t* reg, Scratch& s) {
    __builtin_memcpy(s.low, reg, job.k * sizeof(uint32_t));
    for (int64_t i = 0; i < n; i += AFFINE_STEP) {
        const int64_t m = n - i < AFFINE_STEP ? n - i : AFFINE_STEP;
        if (job.high) {
            for (int64_t j = 0; j < m; j++) s.bins[j] = finish32((uint32_t)(mix64(keys[i + j]) >> 32));
        } else {
            uint64_t wide = 0;
            for (int64_t j = 0; j < m; j++) {
                wide |= keys[i + j];
                s.bins[j] = finish32((uint32_t)keys[i + j]);
            }
            s.wide |= wide >> 32;
        }
        const uint64_t* next = keys + i + AFFINE_STEP;
        uint32_t b = 0;
        for (; b + WIDTH * BLOCK_VECTORS <= job.padded; b += WIDTH * BLOCK_VECTORS)
            affine_block<BLOCK_VECTORS>(s.bins, m, job.a + b, job.b + b, s.low + b, next);
        for (; b < job.k; b += WIDTH) affine_block<1>(s.bins, m, job.a + b, job.b + b, s.low + b, next);
    }
    __builtin_memcpy(reg, s.low, job.k * sizeof(uint32_t));
}
