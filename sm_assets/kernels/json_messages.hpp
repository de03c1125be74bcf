// Lines of a persona export: JSON arrays of messages, in ASCII, spelled as Python's json.dumps spells them by default. Here: the bytes. Not
// here: which message stands in which line.
#pragma once
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "strings.hpp"

namespace sma {

inline void append(std::string& out, std::string_view piece) { out.append(piece.data(), piece.size()); }

inline void append_unit(std::string& out, uint32_t unit) {
    static const char hex[] = "0123456789abcdef";
    const char escape[] = {'\\', 'u', hex[unit >> 12 & 15], hex[unit >> 8 & 15], hex[unit >> 4 & 15], hex[unit & 15]};
    out.append(escape, sizeof escape);
}

// A string literal; an ill-formed part of UTF-8 becomes U+FFFD.
inline void append_literal(std::string& out, std::string_view text) {
    static const char shorts[] = "\"\"\\\\\nn\rr\tt\bb\ff";
    const auto* p = reinterpret_cast<const unsigned char*>(text.data());
    const auto* const end = p + text.size();
    out.push_back('"');
    while (p < end) {
        const auto* const from = p;
        while (p < end && *p >= 0x20 && *p < 0x7F && *p != '"' && *p != '\\') ++p;
        out.append(reinterpret_cast<const char*>(from), static_cast<size_t>(p - from));
        if (p == end) break;
        if (*p < 0x80) {
            const char* pair = shorts;
            while (*pair && *pair != static_cast<char>(*p)) pair += 2;
            if (*pair) {
                out.push_back('\\');
                out.push_back(pair[1]);
            } else {
                append_unit(out, *p);
            }
            ++p;
            continue;
        }
        int bad = 0;
        const int length = utf8_sequence(p, end, &bad);
        if (!length) {
            append_unit(out, 0xFFFD);
            p += bad;
            continue;
        }
        uint32_t code = p[0] & (0xFF >> (length + 1));
        for (int k = 1; k < length; ++k) code = code << 6 | (p[k] & 0x3F);
        if (code >= 0x10000) {
            append_unit(out, 0xD7C0 + (code >> 10));
            append_unit(out, 0xDC00 | (code & 0x3FF));
        } else {
            append_unit(out, code);
        }
        p += length;
    }
    out.push_back('"');
}

inline void append_number(std::string& out, int64_t value) {
    char digits[24];
    out.append(digits, static_cast<size_t>(std::to_chars(digits, digits + sizeof digits, value).ptr - digits));
}

inline void append_text(std::string& out, std::string_view text) {
    if (text.empty()) return;
    append(out, ", \"text\": ");
    append_literal(out, text);
}

// {"user_id": ..., "text": ..., "unix_epoch": ...}
inline void append_message(std::string& out, std::string_view user, std::string_view text, int64_t at) {
    append(out, "{\"user_id\": ");
    append_literal(out, user);
    append_text(out, text);
    append(out, ", \"unix_epoch\": ");
    append_number(out, at);
    out.push_back('}');
}

// The object of actions for each action: all false but one.
inline std::vector<std::string> spelled_actions(const std::vector<std::string>& names) {
    std::vector<std::string> spelled;
    for (size_t chosen = 0; chosen < names.size(); ++chosen) {
        std::string one = "{";
        for (size_t k = 0; k < names.size(); ++k) {
            if (k) append(one, ", ");
            append_literal(one, names[k]);
            append(one, k == chosen ? ": true" : ": false");
        }
        one.push_back('}');
        spelled.push_back(one);
    }
    return spelled;
}

// {"user_id": ..., "actions": ..., "unix_epoch": ..., "text": ...}
inline void append_action(std::string& out, std::string_view user, std::string_view actions, int64_t at, std::string_view text) {
    append(out, "{\"user_id\": ");
    append_literal(out, user);
    append(out, ", \"actions\": ");
    append(out, actions);
    append(out, ", \"unix_epoch\": ");
    append_number(out, at);
    append_text(out, text);
    out.push_back('}');
}

}  // namespace sma
