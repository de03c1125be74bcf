// Views of Arrow string columns and a builder for new ones. Here: memory layout and UTF-8; no meaning of any text.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace sma {

// A pyarrow string array: 32-bit offsets, bytes, optional validity bitmap, logical offset.
struct StringColumn {
    const int32_t* offsets = nullptr;
    const char* bytes = nullptr;
    const uint8_t* validity = nullptr;
    int64_t first = 0;
    int64_t length = 0;

    bool valid(int64_t i) const {
        if (validity == nullptr) return true;
        const int64_t k = first + i;
        return (validity[k >> 3] >> (k & 7)) & 1;
    }
    std::string_view at(int64_t i) const {
        const int64_t k = first + i;
        return {bytes + offsets[k], static_cast<size_t>(offsets[k + 1] - offsets[k])};
    }
    // The text, or an empty view for null: callers for whom both are "missing".
    std::string_view text(int64_t i) const { return valid(i) ? at(i) : std::string_view(); }
};

struct StringBuilder {
    std::vector<int32_t> offsets{0};
    std::vector<char> bytes;
    std::vector<uint8_t> present;

    void append(std::string_view value) {
        bytes.insert(bytes.end(), value.begin(), value.end());
        close(true);
    }
    void append_null() { close(false); }
    void close(bool is_present) {
        offsets.push_back(static_cast<int32_t>(bytes.size()));
        present.push_back(is_present);
    }
};

inline bool is_ascii(std::string_view text) {
    size_t i = 0;
    for (; i + 8 <= text.size(); i += 8) {
        uint64_t word;
        std::memcpy(&word, text.data() + i, 8);
        if (word & 0x8080808080808080ULL) return false;
    }
    for (; i < text.size(); ++i)
        if (static_cast<unsigned char>(text[i]) & 0x80) return false;
    return true;
}

// Length of the well-formed UTF-8 sequence at p (Unicode 15, table 3-7), or 0; `bad` receives the length of the maximal ill-formed
// subpart, which one U+FFFD replaces.
inline int utf8_sequence(const unsigned char* p, const unsigned char* end, int* bad) {
    const unsigned char lead = p[0];
    *bad = 1;
    if (lead < 0x80) return 1;
    int need;
    unsigned char low = 0x80, high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
        need = 1;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        need = 2;
        if (lead == 0xE0) low = 0xA0;
        if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        need = 3;
        if (lead == 0xF0) low = 0x90;
        if (lead == 0xF4) high = 0x8F;
    } else {
        return 0;
    }
    for (int k = 1; k <= need; ++k) {
        if (p + k >= end || p[k] < low || p[k] > high) {
            *bad = k;
            return 0;
        }
        low = 0x80;
        high = 0xBF;
    }
    return need + 1;
}

inline char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

inline std::string ascii_lower(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) c = ascii_lower(c);
    return lower;
}

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace sma
