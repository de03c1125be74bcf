// Canonical form of plain ASCII texts: lower case, addresses cut out, white space folded. Texts with other characters need Unicode
// tables and are handed back.
#pragma once
#include <string>
#include <string_view>

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

inline bool fold_ascii(std::string_view t, Folded& out) {
    if (!is_ascii(t)) return false;
    out.text.clear();
    out.letters_and_digits = 0;
    out.has_address = false;
    bool blank = false;
    for (size_t i = 0; i < t.size();) {
        const char c = t[i];
        if (c == 'h' || c == 'H' || c == 'w' || c == 'W') {
            if (const size_t length = address_length(t, i)) {
                out.has_address = true;
                blank = true;
                i += length;
                continue;
            }
        }
        ++i;
        if (folds_to_blank(c)) {
            blank = true;
            continue;
        }
        if (blank && !out.text.empty()) out.text.push_back(' ');
        blank = false;
        out.text.push_back(ascii_lower(c));
        out.letters_and_digits += is_alnum(c);
    }
    return true;
}

}  // namespace sma
