// From account ids to 64-bit keys. Here: XXH64 of a fixed prefix and one id (the algorithm's public specification, version 0.1.1), keyed
// BLAKE2b of the same bytes, and canonical decimal ids. Not here: Arrow arrays and their errors.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "blake2b.hpp"

namespace sma {

// Ids as Arrow lays them out: offsets[i] .. offsets[i + 1] of bytes. There may be nothing readable behind `end`.
template <class Offset>
struct IdColumn {
    const Offset* offsets = nullptr;
    const char* bytes = nullptr;
    int64_t length = 0;

    const char* at(int64_t i) const { return bytes + offsets[i]; }
    size_t size(int64_t i) const { return static_cast<size_t>(offsets[i + 1] - offsets[i]); }
    const char* end() const { return bytes + offsets[length]; }
};

inline uint64_t little64(const char* p) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    uint64_t word = 0;
    for (int i = 7; i >= 0; --i) word = (word << 8) | static_cast<unsigned char>(p[i]);
#else
    uint64_t word;
    std::memcpy(&word, p, 8);
#endif
    return word;
}

// The n < 8 bytes at p, the rest zero.
inline uint64_t little_part(const char* p, size_t n) {
    char part[8] = {};
    for (size_t i = 0; i < n; ++i) part[i] = p[i];
    return little64(part);
}

// XXH64 over prefix + id. The 8-byte lanes of the message are read where they lie: from the prefix (known beforehand), across the seam, or
// from the id; nothing is copied together.
class PrefixedXxh64 {
public:
    PrefixedXxh64(const char* prefix, size_t n, uint64_t seed) : size_(n), seed_(seed), seam_(n % 8), whole_(n / 8) {
        for (size_t i = 0; i < whole_; ++i) lanes_.push_back(little64(prefix + 8 * i));
        rest_ = little_part(prefix + 8 * whole_, seam_);
    }

    // `readable` bytes may be read at id; at least n.
    uint64_t operator()(const char* id, size_t n, size_t readable) const {
        const size_t total = size_ + n;
        const size_t n_lanes = total / 8;
        // Lane number `whole_` lies across the seam; a short read at the very end of the buffer is assembled byte by byte.
        const uint64_t head = readable >= 8 ? little64(id) : little_part(id, n < 8 ? n : 7);
        const uint64_t seam = rest_ | (head << (8 * seam_));
        size_t lane = 0;
        uint64_t h;
        if (total >= 32) {
            uint64_t a = seed_ + P1 + P2, b = seed_ + P2, c = seed_, d = seed_ - P1;
            for (; lane + 4 <= n_lanes; lane += 4) {
                a = round(a, read(lane, id, seam));
                b = round(b, read(lane + 1, id, seam));
                c = round(c, read(lane + 2, id, seam));
                d = round(d, read(lane + 3, id, seam));
            }
            h = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
            h = merge(merge(merge(merge(h, a), b), c), d);
        } else {
            h = seed_ + P5;
        }
        h += total;
        for (; lane < n_lanes; ++lane) h = rotate(h ^ round(0, read(lane, id, seam)), 27) * P1 + P4;
        size_t left = total % 8;
        if (left) {
            uint64_t tail;
            if (n_lanes > whole_ && n >= 8) tail = little64(id + n - 8) >> (64 - 8 * left);
            else if (n_lanes > whole_) tail = little_part(id + n - left, left);
            else tail = seam & ((1ULL << (8 * left)) - 1);
            if (left >= 4) {
                h = rotate(h ^ ((tail & 0xFFFFFFFFULL) * P1), 23) * P2 + P3;
                tail >>= 32;
                left -= 4;
            }
            for (; left; --left, tail >>= 8) h = rotate(h ^ ((tail & 0xFF) * P5), 11) * P1;
        }
        h = (h ^ (h >> 33)) * P2;
        h = (h ^ (h >> 29)) * P3;
        return h ^ (h >> 32);
    }

private:
    static constexpr uint64_t P1 = 0x9E3779B185EBCA87ULL, P2 = 0xC2B2AE3D27D4EB4FULL, P3 = 0x165667B19E3779F9ULL,
                              P4 = 0x85EBCA77C2B2AE63ULL, P5 = 0x27D4EB2F165667C5ULL;

    static uint64_t rotate(uint64_t x, int n) { return (x << n) | (x >> (64 - n)); }
    static uint64_t round(uint64_t acc, uint64_t lane) { return rotate(acc + lane * P2, 31) * P1; }
    static uint64_t merge(uint64_t h, uint64_t acc) { return (h ^ round(0, acc)) * P1 + P4; }

    uint64_t read(size_t lane, const char* id, uint64_t seam) const {
        if (lane > whole_) return little64(id + (8 * lane - size_));
        return lane == whole_ ? seam : lanes_[lane];
    }

    size_t size_;
    uint64_t seed_;
    size_t seam_, whole_;
    uint64_t rest_;
    std::vector<uint64_t> lanes_;
};

// keys # OUT [to - from]
template <class Offset>
inline void xxh64_keys(const PrefixedXxh64& hash, const IdColumn<Offset>& ids, int64_t from, int64_t to, uint64_t* keys) {
    const char* end = ids.end();
    for (int64_t i = from; i < to; ++i) {
        const char* id = ids.at(i);
        *keys++ = hash(id, ids.size(i), static_cast<size_t>(end - id));
    }
}

// keys # OUT [to - from]: `started` has the key and the prefix behind it, so that each id costs one compression if it is short.
template <class Offset>
inline void secret_keys(const Blake2b16& started, const IdColumn<Offset>& ids, int64_t from, int64_t to, uint64_t* keys) {
    for (int64_t i = from; i < to; ++i) {
        Blake2b16 state = started;
        state.update(ids.at(i), ids.size(i));
        *keys++ = state.finish().a;
    }
}

// True where the id is the canonical decimal form of a number below 2^64: digits only, no leading zero.
inline bool canonical_decimal(const char* id, size_t n, uint64_t* value) {
    if (n == 0 || n > 20 || (n > 1 && id[0] == '0')) return false;
    uint64_t number = 0;
    for (size_t i = 0; i < n; ++i) {
        const unsigned digit = static_cast<unsigned>(static_cast<unsigned char>(id[i])) - '0';
        if (digit > 9) return false;
        if (i == 19 && (number > UINT64_MAX / 10 || (number == UINT64_MAX / 10 && digit > UINT64_MAX % 10))) return false;
        number = number * 10 + digit;
    }
    *value = number;
    return true;
}

// keys # OUT, bad # OUT [to - from]: 1 where the id is no such number; its key is 0.
template <class Offset>
inline void native_keys(const IdColumn<Offset>& ids, int64_t from, int64_t to, uint64_t* keys, uint8_t* bad) {
    for (int64_t i = from; i < to; ++i, ++keys, ++bad) {
        *keys = 0;
        *bad = !canonical_decimal(ids.at(i), ids.size(i), keys);
    }
}

}  // namespace sma
