// The two sketch schemes, one row at a time, at three levels of instructions.
//
// `fss` is Fast Similarity Sketching (Dahlgaard, Knudsen, Thorup, FOCS 2017) with 32-bit codes; `affine32` is K
// permutations a * p + b modulo 2^32 of a pre-mixed 32-bit element. What a register means is in sketch.py.
#pragma once

#include <cstdint>

#include "isa.hpp"

namespace sma {

constexpr uint64_t MIX_1 = 0xff51afd7ed558ccdu;
constexpr uint64_t MIX_2 = 0xc4ceb9fe1a85ec53u;
constexpr uint64_t ROUND_STEP = 0x9E3779B97F4A7C15u;

constexpr uint32_t EMPTY = 0xFFFFFFFFu;
constexpr uint32_t LATE = 0x80000000u;   // codes of rounds after the first
constexpr uint32_t SPARSE = LATE / 128;  // a threshold that lets so few keys pass that they are sought 32 at a time
constexpr uint32_t MAX_K = 2048;

constexpr int BLOCK_BITS = 14;
constexpr int64_t BLOCK = 1 << BLOCK_BITS;  // hashes kept for the late rounds
constexpr int64_t FIRST_STEP = 512;         // keys between two looks at whether a register is still late
constexpr int64_t PER_STEP = 128;           // keys expected below the threshold between two looks at it
constexpr int64_t AFFINE_STEP = 2048;       // elements per pass over the registers
constexpr int64_t SLACK = 16;               // vectors are stored whole, beyond what counts
constexpr int64_t AHEAD = 1024;             // keys fetched ahead: a core's own fetching does not keep up

// A bijection of 64-bit words without the usual last shift: its place is taken by `first_bin`.
inline uint64_t mix64(uint64_t x) {
    x ^= x >> 32;
    x *= MIX_1;
    x ^= x >> 32;
    return x * MIX_2;
}

inline uint32_t first_bin(uint64_t h, uint32_t k) {
    return (uint32_t)(((uint64_t)((uint32_t)h ^ (uint32_t)(h >> 32)) * k) >> 32);
}

inline uint64_t late_mix(uint64_t g) {
    g ^= g >> 32;
    return g * MIX_1;
}

inline void late_place(uint64_t g, uint32_t k, uint32_t base, uint32_t& bin, uint32_t& code) {
    g = late_mix(g);
    bin = (uint32_t)(((g >> 32) * k) >> 32);
    code = base + ((uint32_t)g >> 13);
}

// The 32-bit MurmurHash3 finaliser.
inline uint32_t finish32(uint32_t x) {
    x ^= x >> 16;
    x *= 0x85EBCA6Bu;
    x ^= x >> 13;
    x *= 0xC2B2AE35u;
    return x ^ (x >> 16);
}

struct Job {
    uint32_t k;
    uint32_t padded;    // affine32: k rounded up to a whole vector
    uint64_t seed;      // fss: what is xored to each key
    const uint32_t* a;  // affine32: [padded]
    const uint32_t* b;
    bool high;          // affine32: elements are the high halves of mixed keys, not the keys
};

// What one thread works in.
struct alignas(64) Scratch {
    uint64_t h[BLOCK + SLACK];
    uint64_t seen[BLOCK];
    uint32_t bins[BLOCK + SLACK];
    uint32_t codes[BLOCK + SLACK];
    alignas(64) uint64_t bits[MAX_K / 64];
    uint32_t* low;   // affine32: [padded] registers at work
    uint32_t* own;   // [padded] registers of the part of a row whose beginning another thread has
    uint64_t wide;   // affine32: not 0 once an element did not fit 32 bits
    int64_t own_row;
};

typedef void (*RowFunction)(const Job&, const uint64_t* keys, int64_t n, uint32_t* reg, Scratch&);
typedef void (*HashFunction)(const uint64_t* keys, int64_t n, uint64_t seed, uint64_t* h);

#if SMA_X86
// Orders that move the lanes named by a mask to the front: of 4 words of 64 bits, of 8 words of 32 bits.
struct Pack4 {
    alignas(32) uint32_t at[16][8];
    uint8_t count[16];
    constexpr Pack4() : at(), count() {
        for (int mask = 0; mask < 16; mask++) {
            int kept = 0;
            for (int lane = 0; lane < 4; lane++) {
                if (!(mask >> lane & 1)) continue;
                at[mask][2 * kept] = 2 * lane;
                at[mask][2 * kept + 1] = 2 * lane + 1;
                kept++;
            }
            count[mask] = kept;
        }
    }
};
struct Pack8 {
    uint8_t at[256][8];
    constexpr Pack8() : at() {
        for (int mask = 0; mask < 256; mask++) {
            int kept = 0;
            for (int lane = 0; lane < 8; lane++)
                if (mask >> lane & 1) at[mask][kept++] = lane;
        }
    }
};
static constexpr Pack4 PACK4;
static constexpr Pack8 PACK8;
#endif

#define SMA_LEVEL 0
namespace sketch_base {
#include "sketch_body.hpp"
}
#undef SMA_LEVEL

#if SMA_X86
#define SMA_LEVEL 1
SMA_BEGIN_AVX2
namespace sketch_avx2 {
#include "sketch_body.hpp"
}
SMA_END
#undef SMA_LEVEL

#define SMA_LEVEL 2
SMA_BEGIN_AVX512
namespace sketch_avx512 {
#include "sketch_body.hpp"
}
SMA_END
#undef SMA_LEVEL
#endif

inline RowFunction row_function(int level, bool affine) {
#if SMA_X86
    if (level == LEVEL_AVX512) return affine ? sketch_avx512::affine_row : sketch_avx512::fss_row;
    if (level == LEVEL_AVX2) return affine ? sketch_avx2::affine_row : sketch_avx2::fss_row;
#endif
    (void)level;
    return affine ? sketch_base::affine_row : sketch_base::fss_row;
}

inline HashFunction hash_function(int level) {
#if SMA_X86
    if (level == LEVEL_AVX512) return sketch_avx512::hash_all;
    if (level == LEVEL_AVX2) return sketch_avx2::hash_all;
#endif
    (void)level;
    return sketch_base::hash_all;
}

}  // namespace sma
