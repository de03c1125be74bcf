// Cells of feeds that speak JSON. Here: RFC 3339 times, whole numbers of microseconds, the identifiers of the AT protocol (TID,
// AT-URI). Not here: which of several times is believed.
#pragma once
#include <cstdint>
#include <limits>
#include <string_view>

#include "strings.hpp"

namespace sma {

constexpr int64_t NEVER = std::numeric_limits<int64_t>::min();

// Days from 1970-01-01 of a date of the Gregorian calendar (H. Hinnant, "chrono-compatible low-level date algorithms").
inline int64_t civil_days(int64_t year, int month, int day) {
    year -= month <= 2;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const int64_t of_era = year - era * 400;
    const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

inline int days_in_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

inline int fixed_digits(std::string_view text, size_t at, int n) {
    int value = 0;
    for (int k = 0; k < n; ++k) {
        if (at + k >= text.size() || !is_digit(text[at + k])) return -1;
        value = value * 10 + (text[at + k] - '0');
    }
    return value;
}

// Microseconds since 1970 of `YYYY-MM-DDTHH:MM:SS[.1-9 digits](Z|+hh:mm|-hh:mm)`, finer digits dropped; else NEVER.
inline int64_t rfc3339_micros(std::string_view text) {
    if (text.size() < 20 || text[4] != '-' || text[7] != '-' || (text[10] | 0x20) != 't' || text[13] != ':' || text[16] != ':')
        return NEVER;
    const int year = fixed_digits(text, 0, 4), month = fixed_digits(text, 5, 2), day = fixed_digits(text, 8, 2);
    const int hour = fixed_digits(text, 11, 2), minute = fixed_digits(text, 14, 2), second = fixed_digits(text, 17, 2);
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) return NEVER;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return NEVER;
    size_t at = 19;
    int64_t micros = 0;
    if (text[at] == '.') {
        int digits = 0;
        for (++at; at < text.size() && is_digit(text[at]); ++at, ++digits)
            if (digits < 6) micros = micros * 10 + (text[at] - '0');
        if (digits < 1 || digits > 9) return NEVER;
        for (; digits < 6; ++digits) micros *= 10;
    }
    int64_t offset = 0;
    if (at + 1 == text.size() && (text[at] | 0x20) == 'z') {
        // UTC
    } else if (at + 6 == text.size() && (text[at] == '+' || text[at] == '-') && text[at + 3] == ':') {
        const int hours = fixed_digits(text, at + 1, 2), minutes = fixed_digits(text, at + 4, 2);
        if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return NEVER;
        offset = (text[at] == '+' ? 1 : -1) * (hours * 60 + minutes);
    } else {
        return NEVER;
    }
    return ((civil_days(year, month, day) * 1440 + hour * 60 + minute - offset) * 60 + second) * 1000000 + micros;
}

// A whole number of at most 18 digits, else NEVER.
inline int64_t whole_number(std::string_view text) {
    const bool negative = !text.empty() && text[0] == '-';
    if (negative) text.remove_prefix(1);
    if (text.empty() || text.size() > 18) return NEVER;
    int64_t value = 0;
    for (char c : text) {
        if (!is_digit(c)) return NEVER;
        value = value * 10 + (c - '0');
    }
    return negative ? -value : value;
}

// Microseconds in a TID: 13 characters of base32-sortable, the first below 16, the low 10 bits a clock's number; else NEVER.
inline int64_t tid_micros(std::string_view text) {
    if (text.size() != 13) return NEVER;
    uint64_t value = 0;
    for (char c : text) {
        int digit;
        if (c >= '2' && c <= '7') {
            digit = c - '2';
        } else if (c >= 'a' && c <= 'z') {
            digit = c - 'a' + 6;
        } else {
            return NEVER;
        }
        value = value << 5 | static_cast<uint64_t>(digit);
    }
    if (!((text[0] >= '2' && text[0] <= '7') || (text[0] >= 'a' && text[0] <= 'j'))) return NEVER;
    return static_cast<int64_t>(value >> 10);
}

struct AtUri {
    std::string_view authority, collection, rkey;
};

// The parts of `at://authority/collection/rkey`; all empty where the text is none.
inline AtUri at_uri(std::string_view text) {
    if (text.substr(0, 5) != "at://") return {};
    for (char c : text)
        if (static_cast<unsigned char>(c) <= ' ' || c == '#' || c == '?') return {};
    text.remove_prefix(5);
    const size_t first = text.find('/');
    if (first == std::string_view::npos || first == 0) return {};
    const size_t second = text.find('/', first + 1);
    if (second == std::string_view::npos || second == first + 1 || second + 1 == text.size()) return {};
    if (text.find('/', second + 1) != std::string_view::npos) return {};
    return {text.substr(0, first), text.substr(first + 1, second - first - 1), text.substr(second + 1)};
}

// did:<method>:<rest>, without blanks and slashes.
inline bool is_did(std::string_view text) {
    if (text.size() < 7 || text.substr(0, 4) != "did:") return false;
    size_t colon = 4;
    while (colon < text.size() && text[colon] >= 'a' && text[colon] <= 'z') ++colon;
    if (colon == 4 || colon + 1 >= text.size() || text[colon] != ':') return false;
    for (char c : text.substr(colon + 1)) {
        const bool word = is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!word && c != '.' && c != '_' && c != ':' && c != '%' && c != '-') return false;
    }
    return true;
}

}  // namespace sma
