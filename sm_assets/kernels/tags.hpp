// Words behind a mark (# or @) in running text. Here: finding them. Not here: what counts as a word character beyond ASCII, which the
// caller's table says, and the normal form of what is not ASCII.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "strings.hpp"

namespace sma {

enum WordClass : uint8_t { WORD_NOT = 0, WORD_PART = 1, WORD_BEGIN = 2 };

inline uint32_t code_at(const unsigned char* p, int* length) {
    const unsigned char lead = p[0];
    if (lead < 0x80) { *length = 1; return lead; }
    *length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    uint32_t code = lead < 0xE0 ? lead & 0x1Fu : lead < 0xF0 ? lead & 0x0Fu : lead & 0x07u;
    for (int k = 1; k < *length; ++k) code = (code << 6) | (p[k] & 0x3Fu);
    return code;
}

// All words in `text` that follow `mark`, where no word character and no `&` stands before the mark. `classes` has a WordClass for every code
// point; `text` is well-formed UTF-8.
template <class Take>
inline void find_tags(std::string_view text, char mark, const uint8_t* classes, Take take) {
    auto* base = reinterpret_cast<const unsigned char*>(text.data());
    auto* end = base + text.size();
    auto* p = base;
    while (p < end && (p = static_cast<const unsigned char*>(std::memchr(p, mark, end - p))) != nullptr) {
        auto* start = p + 1;
        int length = 0;
        bool free = true;
        if (p > base) {
            auto* before = p - 1;
            while (before > base && (*before & 0xC0) == 0x80) --before;
            free = *before != '&' && classes[code_at(before, &length)] == WORD_NOT;
        }
        auto* q = start;
        if (free && q < end && classes[code_at(q, &length)] == WORD_BEGIN) {
            do q += length;
            while (q < end && classes[code_at(q, &length)] != WORD_NOT);
            take(std::string_view(reinterpret_cast<const char*>(start), q - start));
        }
        p = q > start ? q : start;
    }
}

}  // namespace sma
