// Digests of texts, and dense numbers for digests. Here: hashing and interning; what is hashed is the caller's affair.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "blake2b.hpp"

namespace sma {

// Numbers digests 0, 1, 2, ... in the order in which they are first seen. Keys lie in blocks that never move; the table holds
// numbers only and is rebuilt from the keys, so that growing costs no second copy of them.
class Interner {
public:
    int32_t intern(const Digest& key) {
        if (size_ * 5 >= static_cast<int64_t>(table_.size()) * 4) grow();
        const uint64_t mask = table_.size() - 1;
        for (uint64_t slot = home(key) & mask;; slot = (slot + 1) & mask) {
            const uint32_t found = table_[slot];
            if (found == EMPTY) {
                table_[slot] = static_cast<uint32_t>(size_);
                push(key);
                return static_cast<int32_t>(size_++);
            }
            if (at(found) == key) return static_cast<int32_t>(found);
        }
    }
    int64_t size() const { return size_; }
    const Digest& at(int64_t i) const { return blocks_[i >> BITS][i & ((1 << BITS) - 1)]; }

private:
    static constexpr uint32_t EMPTY = 0xFFFFFFFFu;
    // Short keys are their own text, whose bytes are far from random.
    static uint64_t home(const Digest& key) {
        const uint64_t mixed = (key.a ^ (key.b * 0x9E3779B97F4A7C15ULL)) * 0xD6E8FEB86659FD93ULL;
        return mixed ^ (mixed >> 32);
    }
    static constexpr int BITS = 14;

    void push(const Digest& key) {
        if ((size_ >> BITS) == static_cast<int64_t>(blocks_.size())) blocks_.emplace_back(new Digest[1 << BITS]);
        blocks_[size_ >> BITS][size_ & ((1 << BITS) - 1)] = key;
    }
    void grow() {
        const size_t wanted = table_.empty() ? 1 << 12 : table_.size() * 2;
        std::vector<uint32_t>().swap(table_);
        table_.assign(wanted, EMPTY);
        const uint64_t mask = wanted - 1;
        for (int64_t i = 0; i < size_; ++i) {
            uint64_t slot = home(at(i)) & mask;
            while (table_[slot] != EMPTY) slot = (slot + 1) & mask;
            table_[slot] = static_cast<uint32_t>(i);
        }
    }

    std::vector<uint32_t> table_;
    std::vector<std::unique_ptr<Digest[]>> blocks_;
    int64_t size_ = 0;
};

// An exact key of 16 bytes: a text of up to 15 bytes itself with its length, a longer one its digest.
inline Digest exact_key(const char* data, size_t n) {
    if (n > 15) {
        Blake2b16 state;
        state.update(data, n);
        return state.finish();
    }
    unsigned char bytes[16] = {0};
    std::memcpy(bytes, data, n);
    bytes[15] = static_cast<unsigned char>(n);
    Digest key;
    std::memcpy(&key, bytes, 16);
    return key;
}

}  // namespace sma
