// What the sketch kernels do in vectors elsewhere, for any machine. Included by sketch_body.hpp alone.

static uint32_t largest(const uint32_t* reg, uint32_t k) {
    uint32_t best = 0;
    for (uint32_t b = 0; b < k; b++) best = reg[b] > best ? reg[b] : best;
    return best;
}

static void hash_all(const uint64_t* keys, int64_t n, uint64_t seed, uint64_t* h) {
    for (int64_t i = 0; i < n; i++) {
        if (i % 8 == 0) fetch_ahead(keys + i);
        h[i] = mix64(keys[i] ^ seed);
    }
}

static int64_t hash_below(const uint64_t* keys, int64_t n, uint64_t seed, uint32_t top, uint64_t* h) {
    int64_t found = 0;
    for (int64_t i = 0; i < n; i++) {
        if (i % 8 == 0) fetch_ahead(keys + i);
        const uint64_t x = mix64(keys[i] ^ seed);
        h[found] = x;
        found += (uint32_t)(x >> 33) < top;
    }
    return found;
}

template <bool FILTER>
static int64_t places(const uint64_t* h, int64_t n, uint32_t k, const uint32_t*, uint32_t* bins, uint32_t* codes) {
    for (int64_t i = 0; i < n; i++) {
        bins[i] = first_bin(h[i], k);
        codes[i] = (uint32_t)(h[i] >> 33);
    }
    return n;
}

static uint64_t open_bits(const uint32_t* reg, uint32_t k, uint32_t base, uint64_t* bits) {
    uint64_t any = 0;
    for (uint32_t w = 0; w * 64 < k; w++) {
        uint64_t word = 0;
        for (uint32_t b = w * 64; b < k && b < w * 64 + 64; b++) word |= (uint64_t)(reg[b] >= base) << (b & 63);
        bits[w] = word;
        any |= word;
    }
    return any;
}

static int64_t late_scan(const uint64_t* h, int64_t n, uint64_t shift, uint32_t k, uint32_t base, const uint32_t*,
                         const uint64_t* bits, uint32_t* bins, uint32_t* codes) {
    int64_t found = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t bin, code;
        late_place(h[i] + shift, k, base, bin, code);
        bins[found] = bin;
        codes[found] = code;
        found += (bits[bin >> 6] >> (bin & 63)) & 1;
    }
    return found;
}

typedef uint32_t Lanes __attribute__((vector_size(16)));
enum { WIDTH = 4, BLOCK_VECTORS = 4 };
static inline Lanes lanes(const uint32_t* at) { return Lanes{at[0], at[1], at[2], at[3]}; }
static inline void put(uint32_t* at, Lanes x) {
    for (int j = 0; j < 4; j++) at[j] = x[j];
}
static inline Lanes same(uint32_t x) { return Lanes{x, x, x, x}; }
static inline Lanes lower(Lanes low, Lanes a, Lanes p, Lanes b) {
    const Lanes x = a * p + b;
    return x < low ? x : low;
}
