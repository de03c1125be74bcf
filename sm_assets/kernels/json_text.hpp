// Texts of JSON values: unescaped or spelled anew, with what is damaged in them repaired. Here: what becomes of checked text. Not here:
// the check (json_values.hpp).
//
// Repairs: NUL (raw or \u0000) is removed, a lone surrogate escape and each maximal ill-formed part of UTF-8 become U+FFFD.
#pragma once
#include <cstdint>
#include <vector>

#include "strings.hpp"

namespace sma {

// The inside of a string literal, or a whole object or array.
struct JsonText {
    static constexpr uint8_t ESCAPED = 1, DAMAGED = 2, FRAGMENT = 4;
    const char* from = nullptr;
    const char* to = nullptr;
    uint8_t bits = 0;
};

inline bool json_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

inline int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

inline bool is_lead(int unit) { return unit >= 0xD800 && unit < 0xDC00; }
inline bool is_trail(int unit) { return unit >= 0xDC00 && unit < 0xE000; }

// The code unit of a checked \uXXXX escape at p, or -1 where none stands.
inline int escaped_unit(const char* p, const char* to) {
    if (to - p < 6 || p[0] != '\\' || p[1] != 'u') return -1;
    int unit = 0;
    for (int k = 2; k < 6; ++k) {
        const int digit = hex_digit(p[k]);
        if (digit < 0) return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

inline void append_code_point(std::vector<char>& out, uint32_t code) {
    if (code < 0x80) {
        out.push_back(static_cast<char>(code));
    } else if (code < 0x800) {
        out.push_back(static_cast<char>(0xC0 | code >> 6));
        out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
    } else if (code < 0x10000) {
        out.push_back(static_cast<char>(0xE0 | code >> 12));
        out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
        out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
    } else {
        out.push_back(static_cast<char>(0xF0 | code >> 18));
        out.push_back(static_cast<char>(0x80 | (code >> 12 & 0x3F)));
        out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
        out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
    }
}

// Bytes behind p that need no thought: up to the next quote or backslash, and with damage also up to NUL or a non-ASCII byte.
inline const char* plain_end(const char* p, const char* to, bool damaged) {
    if (damaged) {
        while (p < to && *p > 0 && *p != '\\' && *p != '"') ++p;
    } else {
        while (p < to && *p != '\\' && *p != '"') ++p;
    }
    return p;
}

// The character of the checked escape at p, and how many bytes it takes; NUL stands for none.
inline uint32_t unescaped(const char* p, const char* to, int* length) {
    *length = 2;
    switch (p[1]) {
        case 'b': return '\b';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        case 'u': break;
        default: return static_cast<unsigned char>(p[1]);
    }
    *length = 6;
    const int unit = escaped_unit(p, to);
    if (is_lead(unit)) {
        const int second = escaped_unit(p + 6, to);
        if (!is_trail(second)) return 0xFFFD;
        *length = 12;
        return 0x10000u + (static_cast<uint32_t>(unit - 0xD800) << 10) + static_cast<uint32_t>(second - 0xDC00);
    }
    return is_trail(unit) ? 0xFFFDu : static_cast<uint32_t>(unit);
}

inline void append_escaped(std::vector<char>& out, uint32_t code) {
    static const char hex[] = "0123456789abcdef";
    static const char shorts[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    for (const char* pair = shorts; *pair; pair += 2) {
        if (static_cast<uint32_t>(pair[0]) != code) continue;
        out.push_back('\\');
        out.push_back(pair[1]);
        return;
    }
    if (code >= 0x20) {
        append_code_point(out, code);
        return;
    }
    for (char c : {'\\', 'u', '0', '0', hex[code >> 4], hex[code & 15]}) out.push_back(c);
}

// How escapes are written: as the characters they stand for (text); as JSON needs them and no others (shortest); as they came.
enum JsonSpelling : int32_t { SPELL_TEXT, SPELL_SHORTEST, SPELL_AS_DELIVERED };

// The inside of a string up to its closing quote or the end, repaired; returns where that is.
inline const char* append_string(std::vector<char>& out, const char* p, const char* to, bool damaged, JsonSpelling spelling) {
    static const char replacement[] = "\xEF\xBF\xBD", escape[] = "\\ufffd";
    while (p < to && *p != '"') {
        const char* stop = plain_end(p, to, damaged);
        out.insert(out.end(), p, stop);
        p = stop;
        if (p == to || *p == '"') break;
        if (*p == 0) {
            ++p;
        } else if (*p == '\\') {
            int length;
            const uint32_t code = unescaped(p, to, &length);
            if (code == 0) {
                // removed
            } else if (spelling == SPELL_TEXT) {
                append_code_point(out, code);
            } else if (spelling == SPELL_SHORTEST) {
                append_escaped(out, code);
            } else if (code == 0xFFFD) {
                out.insert(out.end(), escape, escape + 6);
            } else {
                out.insert(out.end(), p, p + length);
            }
            p += length;
        } else {
            int bad = 0;
            const int good = utf8_sequence(reinterpret_cast<const unsigned char*>(p), reinterpret_cast<const unsigned char*>(to), &bad);
            if (good) out.insert(out.end(), p, p + good);
            else out.insert(out.end(), replacement, replacement + 3);
            p += good ? good : bad;
        }
    }
    return p;
}

// A checked object or array, repaired.
inline void append_fragment(std::vector<char>& out, const char* p, const char* to, bool damaged, JsonSpelling spelling) {
    while (p < to) {
        if (spelling == SPELL_SHORTEST && json_space(*p)) {
            ++p;
            continue;
        }
        out.push_back(*p);
        if (*p++ != '"') continue;
        p = append_string(out, p, to, damaged, spelling);
        if (p < to) out.push_back(*p++);
    }
}

// Append a checked text with all damage repaired: strings unescaped, objects and arrays as they came.
inline void append_text(std::vector<char>& out, const JsonText& text) {
    const bool damaged = text.bits & JsonText::DAMAGED, fragment = text.bits & JsonText::FRAGMENT;
    if (text.bits == 0 || (fragment && !damaged)) {
        out.insert(out.end(), text.from, text.to);
    } else if (fragment) {
        append_fragment(out, text.from, text.to, true, SPELL_AS_DELIVERED);
    } else {
        append_string(out, text.from, text.to, damaged, SPELL_TEXT);
    }
}

}  // namespace sma
