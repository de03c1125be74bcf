// Canonical form of texts whose characters fold one by one: folded, addresses cut out, white space folded. Texts with characters that
// depend on their neighbours (combining marks, Hangul letters) are handed back.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "strings.hpp"

namespace sma {

struct Folded {
    std::string text;
    int64_t letters_and_digits = 0;
    bool has_address = false;
};

inline bool folds_to_blank(char c) { return c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F); }
inline bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Characters of an address found in running text, from `at`; 0 if none starts there. Closing punctuation stays outside.
inline size_t address_length(std::string_view t, size_t at) {
    auto match = [&](std::string_view word) {
        if (at + word.size() > t.size()) return false;
        for (size_t i = 0; i < word.size(); ++i)
            if (ascii_lower(t[at + i]) != word[i]) return false;
        return true;
    };
    size_t head = 0;
    if (match("http://")) head = 7;
    else if (match("https://")) head = 8;
    else if (match("www.") && (at == 0 || !(is_alnum(t[at - 1]) || t[at - 1] == '_'))) head = 4;
    if (head == 0) return 0;
    size_t stop = at + head;
    while (stop < t.size() && !folds_to_blank(t[stop]) && t[stop] != '<' && t[stop] != '>' && t[stop] != '"') ++stop;
    if (stop == at + head) return 0;
    while (stop > at + head && std::string_view(".,;:!?)]}'*").find(t[stop - 1]) != std::string_view::npos) --stop;
    return stop - at;
}

// What folding makes of single characters, page by page (256 code points); filled by the caller from its Unicode tables. A rule holds only
// for a character that folds by itself, whatever stands beside it; all others are HARD.
struct FoldRule {
    std::string text;      // in canonical form; empty: the character is deleted
    std::string weights;   // one byte per byte of text: what its character adds to the count of letters and digits
    bool hard = true;
};

class FoldTable {
public:
    static constexpr uint32_t PAGES = 0x1100;
    bool has(uint32_t page) const { return !pages_[page].empty(); }
    void set(uint32_t code, const std::string& text, const std::string& weights) {
        std::vector<FoldRule>& page = pages_[code >> 8];
        if (page.empty()) page.resize(256);
        page[code & 0xFF] = {text, weights, false};
    }
    void touch(uint32_t page) {
        if (pages_[page].empty()) pages_[page].resize(256);
    }
    const FoldRule& at(uint32_t code) const { return pages_[code >> 8][code & 0xFF]; }

private:
    std::vector<std::vector<FoldRule>> pages_ = std::vector<std::vector<FoldRule>>(PAGES);
};

// The code point of the well-formed sequence at *p, which moves behind it.
inline uint32_t next_code(const unsigned char*& p) {
    const unsigned char lead = *p++;
    if (lead < 0x80) return lead;
    uint32_t code = lead < 0xE0 ? lead & 0x1Fu : lead < 0xF0 ? lead & 0x0Fu : lead & 0x07u;
    for (int more = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3; more > 0; --more) code = (code << 6) | (*p++ & 0x3Fu);
    return code;
}

// Addresses out, white space folded, letters and digits counted. `weights` has one byte per byte of t, or is empty for ASCII. False: an
// address begins behind a character whose kind is not known here.
inline bool fold_blanks_and_addresses(std::string_view t, std::string_view weights, Folded& out) {
    out.text.clear();
    out.letters_and_digits = 0;
    out.has_address = false;
    bool blank = false;
    for (size_t i = 0; i < t.size();) {
        const char c = t[i];
        if (c == 'h' || c == 'H' || c == 'w' || c == 'W') {
            if (const size_t length = address_length(t, i)) {
                if ((c == 'w' || c == 'W') && i > 0 && static_cast<unsigned char>(t[i - 1]) >= 0x80) return false;
                out.has_address = true;
                blank = true;
                i += length;
                continue;
            }
        }
        if (folds_to_blank(c)) {
            blank = true;
            ++i;
            continue;
        }
        if (blank && !out.text.empty()) out.text.push_back(' ');
        blank = false;
        out.text.push_back(ascii_lower(c));
        out.letters_and_digits += weights.empty() ? is_alnum(c) : weights[i];
        ++i;
    }
    return true;
}

// False: the text needs the caller's Unicode tables.
inline bool fold_one(std::string_view t, const FoldTable& table, Folded& out) {
    if (is_ascii(t)) return fold_blanks_and_addresses(t, {}, out);
    std::string mapped, weights;
    mapped.reserve(t.size() + 16);
    weights.reserve(t.size() + 16);
    auto* p = reinterpret_cast<const unsigned char*>(t.data());
    auto* end = p + t.size();
    while (p < end) {
        const uint32_t code = next_code(p);
        if (code < 0x80) {
            mapped.push_back(ascii_lower(static_cast<char>(code)));
            weights.push_back(is_alnum(static_cast<char>(code)));
            continue;
        }
        const FoldRule& rule = table.at(code);
        if (rule.hard) return false;
        mapped += rule.text;
        weights += rule.weights;
    }
    return fold_blanks_and_addresses(mapped, weights, out);
}

}  // namespace sma
