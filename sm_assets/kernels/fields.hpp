// Reading single fields of exports: whole numbers in several spellings, local times, the ids inside post addresses, missing values.
// Here: one text in, one value out. Not here: which column is which, and what a file as a whole decides.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "strings.hpp"

namespace sma {

// More is no count of anything on a platform, and sums of many would not fit.
constexpr int64_t LARGEST_COUNT = 1000000000000000;

enum CountStatus : uint8_t { COUNT_OK = 0, COUNT_MISSING = 1, COUNT_BAD = 2, COUNT_ROUNDED = 3, COUNT_GROUPED = 4 };

// A whole number with thousands in groups of three after one kind of mark (, . ' or a space). `group` = 0 takes any mark. With
// `bare_commas` commas and quotes are deleted first, wherever they stand. *mark receives the mark that was used.
inline CountStatus parse_count(std::string_view text, char group, bool bare_commas, int64_t* value, char* mark) {
    char token[48];
    size_t n = 0;
    *mark = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        const auto u = static_cast<unsigned char>(c);
        if (u == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) == 0xA0) {
            c = ' ';
            i += 1;
        } else if (u == 0xE2 && i + 2 < text.size() && static_cast<unsigned char>(text[i + 1]) == 0x80 &&
                   (static_cast<unsigned char>(text[i + 2]) == 0xAF || static_cast<unsigned char>(text[i + 2]) == 0x99)) {
            c = static_cast<unsigned char>(text[i + 2]) == 0xAF ? ' ' : '\'';
            i += 2;
        }
        if (c == '"' || (bare_commas && c == ',')) continue;
        if (n == sizeof token) return COUNT_BAD;
        token[n++] = c;
    }
    size_t from = 0;
    bool negative = false;
    while (from < n && (token[from] == ' ' || token[from] == '\t')) ++from;
    while (n > from && (token[n - 1] == ' ' || token[n - 1] == '\t' || token[n - 1] == '\n' || token[n - 1] == '\r')) --n;
    if (from < n && token[from] == '+') ++from;
    else if (bare_commas && from < n && token[from] == '-') { negative = true; ++from; }
    if (from == n) return COUNT_MISSING;

    int64_t scale = 1;
    switch (token[n - 1]) {
        case 'K': case 'k': scale = 1000; break;
        case 'M': case 'm': scale = 1000000; break;
        case 'B': case 'b': scale = 1000000000; break;
        default: break;
    }
    if (scale > 1) {
        --n;
        while (n > from && token[n - 1] == ' ') --n;
        double number = 0, unit = 0;
        bool digits = false;
        // Three digits behind the mark are thousands, as everywhere: 1,234K.
        const bool grouped = n - from > 4 && (token[n - 4] == ',' || token[n - 4] == '.');
        for (size_t i = from; i < n; ++i) {
            if (is_digit(token[i])) {
                digits = true;
                if (unit > 0) { number += (token[i] - '0') * unit; unit /= 10; }
                else number = number * 10 + (token[i] - '0');
            } else if ((token[i] == '.' || token[i] == ',') && unit == 0 && digits) {
                if (!grouped) unit = 0.1;
            } else {
                return COUNT_BAD;
            }
        }
        if (!digits || number * static_cast<double>(scale) > static_cast<double>(LARGEST_COUNT)) return COUNT_BAD;
        *value = static_cast<int64_t>(number * static_cast<double>(scale) + 0.5);
        return COUNT_ROUNDED;
    }

    int64_t number = 0;
    size_t run = 0;
    for (size_t i = from; i < n; ++i) {
        const char c = token[i];
        if (is_digit(c)) {
            number = number * 10 + (c - '0');
            if (number > LARGEST_COUNT) return COUNT_BAD;
            ++run;
        } else if (c == ',' || c == '.' || c == '\'' || c == ' ') {
            const bool opening = *mark == 0;
            // A whole number that a spreadsheet wrote with decimals: 12.0, 12,00.
            if ((c == '.' || c == ',') && c != *mark && (opening ? run > 0 : run == 3) && n - i <= 3 && n - i >= 2) {
                bool zeros = true;
                for (size_t k = i + 1; k < n; ++k) zeros = zeros && token[k] == '0';
                if (!zeros) return COUNT_BAD;
                *value = negative ? -number : number;
                return *mark ? COUNT_GROUPED : COUNT_OK;
            }
            if (run == 0 || (opening ? run > 3 : (run != 3 || c != *mark)) || (group && c != group)) return COUNT_BAD;
            *mark = c;
            run = 0;
        } else {
            return COUNT_BAD;
        }
    }
    if (*mark && run != 3) return COUNT_BAD;
    *value = negative ? -number : number;
    return *mark ? COUNT_GROUPED : COUNT_OK;
}

enum TimeCode : int32_t { TIME_NO_ZONE = -1, TIME_UNREADABLE = -2, TIME_MISSING = -3 };

inline int64_t days_from_civil(int64_t y, int64_t m, int64_t d) {
    y -= m <= 2;
    const int64_t era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
    const int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1, doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

inline bool two_digits(std::string_view t, size_t at, int* value) {
    if (at + 2 > t.size() || !is_digit(t[at]) || !is_digit(t[at + 1])) return false;
    *value = (t[at] - '0') * 10 + (t[at + 1] - '0');
    return true;
}

// `YYYY-MM-DD[ T]HH:MM[:SS[.f]]` and what follows it, the zone. *local receives microseconds since 1970 on that zone's clock.
inline TimeCode parse_time(std::string_view t, int64_t* local, std::string_view* zone) {
    while (!t.empty() && t.front() == ' ') t.remove_prefix(1);
    while (!t.empty() && (t.back() == ' ' || t.back() == '\n' || t.back() == '\r')) t.remove_suffix(1);
    if (t.empty()) return TIME_MISSING;
    int century, year, month, day, hour = 0, minute = 0, second = 0;
    if (!two_digits(t, 0, &century) || !two_digits(t, 2, &year) || t.size() < 10 || t[4] != '-' || !two_digits(t, 5, &month) ||
        t[7] != '-' || !two_digits(t, 8, &day))
        return TIME_UNREADABLE;
    year += century * 100;
    static const int LENGTHS[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month < 1 || month > 12 || day < 1 || day > LENGTHS[month - 1] + (month == 2 && leap)) return TIME_UNREADABLE;
    size_t at = 10;
    int64_t micros = 0;
    if (at < t.size() && (t[at] == ' ' || t[at] == 'T') && two_digits(t, at + 1, &hour)) {
        if (at + 3 >= t.size() || t[at + 3] != ':' || !two_digits(t, at + 4, &minute)) return TIME_UNREADABLE;
        at += 6;
        if (at < t.size() && t[at] == ':') {
            if (!two_digits(t, at + 1, &second)) return TIME_UNREADABLE;
            at += 3;
            if (at < t.size() && t[at] == '.') {
                int64_t unit = 100000;
                for (++at; at < t.size() && is_digit(t[at]); ++at, unit /= 10) micros += (t[at] - '0') * unit;
            }
        }
        if (hour > 23 || minute > 59 || second > 59) return TIME_UNREADABLE;
    }
    *local = ((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60000000LL + second * 1000000LL + micros;
    while (at < t.size() && t[at] == ' ') ++at;
    *zone = t.substr(at);
    if (zone->empty()) return TIME_NO_ZONE;
    if (zone->size() > 32) return TIME_UNREADABLE;
    for (char c : *zone)
        if (!(is_digit(c) || c == '+' || c == '-' || c == ':' || c == '/' || c == '_' || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z')))
            return TIME_UNREADABLE;
    return static_cast<TimeCode>(0);
}

// The fields that pandas' readers take for missing, by default.
inline bool is_na_string(std::string_view t) {
    static const std::string_view WORDS[] = {"#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
                                             "<NA>", "N/A", "NA", "NULL", "NaN", "n/a", "nan", "null"};
    if (t.empty()) return true;
    if (t.size() > 8 || t.size() < 2) return false;
    for (const auto& word : WORDS)
        if (t == word) return true;
    return false;
}

enum Platform : uint8_t { FACEBOOK = 0, INSTAGRAM = 1 };

struct PostAddress {
    Platform platform = FACEBOOK;
    std::string owner;   // lower case; empty: the address does not tell
    std::string number;  // empty: the address has none of the known forms
};

inline std::string_view query_value(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        const size_t cut = query.find('&');
        const std::string_view piece = query.substr(0, cut);
        if (piece.size() > name.size() && piece[name.size()] == '=' && piece.substr(0, name.size()) == name)
            return piece.substr(name.size() + 1);
        if (cut == std::string_view::npos) break;
        query.remove_prefix(cut + 1);
    }
    return {};
}

inline bool is_word(std::string_view t) {
    for (char c : t)
        if (!(is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '_' || c == '-')) return false;
    return !t.empty();
}

inline bool host_is(std::string_view host, std::string_view domain) {
    return host == domain || (host.size() > domain.size() && host.substr(host.size() - domain.size()) == domain &&
                              host[host.size() - domain.size() - 1] == '.');
}

inline PostAddress post_address(std::string_view url) {
    PostAddress got;
    const size_t scheme = url.find("://");
    if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
    url = url.substr(0, url.find('#'));
    std::string_view query;
    if (const size_t q = url.find('?'); q != std::string_view::npos) {
        query = url.substr(q + 1);
        url = url.substr(0, q);
    }
    const size_t slash = url.find('/');
    const std::string host = ascii_lower(url.substr(0, slash));
    std::vector<std::string_view> parts;
    if (slash != std::string_view::npos) {
        std::string_view path = url.substr(slash + 1);
        while (!path.empty()) {
            const size_t cut = path.find('/');
            if (cut != 0) parts.push_back(path.substr(0, cut));
            if (cut == std::string_view::npos) break;
            path.remove_prefix(cut + 1);
        }
    }
    const size_t n = parts.size();
    auto take = [&](std::string_view owner, std::string_view number) {
        if (!is_word(number)) return;
        got.owner = ascii_lower(owner);
        got.number = std::string(number);
    };
    if (host_is(host, "instagram.com")) {
        got.platform = INSTAGRAM;
        for (size_t i = 0; i + 1 < n && i < 2; ++i)
            if (parts[i] == "p" || parts[i] == "reel" || parts[i] == "tv") {
                take(i ? parts[0] : std::string_view(), parts[i + 1]);
                break;
            }
        return got;
    }
    if (!(host_is(host, "facebook.com") || host_is(host, "fb.com")) || n == 0) return got;
    if (parts[0] == "permalink.php" || parts[0] == "story.php") take(query_value(query, "id"), query_value(query, "story_fbid"));
    else if (parts[0] == "photo.php" || parts[0] == "photo") take(query_value(query, "id"), query_value(query, "fbid"));
    else if (parts[0] == "watch") take({}, query_value(query, "v"));
    else if (parts[0] == "reel" && n == 2) take({}, parts[1]);
    else if (parts[0] == "groups" && n == 4 && (parts[2] == "permalink" || parts[2] == "posts")) take(parts[1], parts[3]);
    else if (n >= 3 && (parts[1] == "posts" || parts[1] == "videos" || parts[1] == "photos")) take(parts[0], parts[n - 1]);
    return got;
}


}  // namespace sma
