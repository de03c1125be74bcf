// BLAKE2b with a 16-byte digest, or a shorter and keyed one (RFC 7693). Here: the hash and nothing else.
#pragma once
#include <cstdint>
#include <cstring>

namespace sma {

struct Digest {
    uint64_t a, b;
    bool operator==(const Digest& o) const { return a == o.a && b == o.b; }
    bool operator!=(const Digest& o) const { return !(*this == o); }
};

class Blake2b16 {
public:
    Blake2b16() {
        std::memcpy(h_, IV, sizeof h_);
        h_[0] ^= 0x01010000ULL ^ 16;
    }
    // `size` <= 16 bytes of digest are asked for: the first of those finish() returns. The key has 1 to 64 bytes.
    Blake2b16(size_t size, const char* key, size_t key_size) {
        std::memcpy(h_, IV, sizeof h_);
        h_[0] ^= 0x01010000ULL ^ (static_cast<uint64_t>(key_size) << 8) ^ size;
        std::memset(block_, 0, sizeof block_);
        std::memcpy(block_, key, key_size);
        used_ = sizeof block_;
    }

    void update(const char* data, size_t n) {
        while (n) {
            if (used_ == 128) {
                total_ += 128;
                compress(false);
                used_ = 0;
            }
            const size_t take = n < 128 - used_ ? n : 128 - used_;
            std::memcpy(block_ + used_, data, take);
            used_ += take;
            data += take;
            n -= take;
        }
    }

    Digest finish() {
        total_ += used_;
        std::memset(block_ + used_, 0, 128 - used_);
        compress(true);
        return {h_[0], h_[1]};
    }

private:
    static constexpr uint64_t IV[8] = {0x6a09e667f3bcc908ULL, 0xbb67ae8584caa73bULL, 0x3c6ef372fe94f82bULL, 0xa54ff53a5f1d36f1ULL,
                                       0x510e527fade682d1ULL, 0x9b05688c2b3e6c1fULL, 0x1f83d9abfb41bd6bULL, 0x5be0cd19137e2179ULL};
    static constexpr uint8_t SIGMA[10][16] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
        {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
        {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
        {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
        {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

    static uint64_t rotate(uint64_t x, int n) { return (x >> n) | (x << (64 - n)); }

    static inline void mix(uint64_t& a, uint64_t& b, uint64_t& c, uint64_t& d, uint64_t x, uint64_t y) {
        a += b + x;
        d = rotate(d ^ a, 32);
        c += d;
        b = rotate(b ^ c, 24);
        a += b + y;
        d = rotate(d ^ a, 16);
        c += d;
        b = rotate(b ^ c, 63);
    }

    void compress(bool last) {
        uint64_t v[16], m[16];
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        std::memcpy(m, block_, sizeof m);
#else
        for (int i = 0; i < 16; ++i) {
            m[i] = 0;
            for (int k = 7; k >= 0; --k) m[i] = (m[i] << 8) | block_[8 * i + k];
        }
#endif
        for (int i = 0; i < 8; ++i) {
            v[i] = h_[i];
            v[i + 8] = IV[i];
        }
        v[12] ^= total_;
        if (last) v[14] = ~v[14];
        for (int round = 0; round < 12; ++round) {
            const uint8_t* s = SIGMA[round % 10];
            mix(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
            mix(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
            mix(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
            mix(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
            mix(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
            mix(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
            mix(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
            mix(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
        }
        for (int i = 0; i < 8; ++i) h_[i] ^= v[i] ^ v[i + 8];
    }

    uint64_t h_[8];
    uint8_t block_[128];
    uint64_t total_ = 0;
    size_t used_ = 0;
};

}  // namespace sma
