// Edge lists in plain text (SNAP): lines of two numbers and an optional weight. Here: bytes to ids, and which lines are none. Not
// here: what an edge means.
//
// Fields are divided by blanks, tabs and, where asked for, commas; blanks around them do not count. Lines that are blank or begin
// with # or % are no records. A last line without line end is refused: half a number is still a number.
#pragma once
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "strings.hpp"

namespace sma {

enum EdgeReason : int32_t { EDGE_MISSING = 0, EDGE_NOT_A_NUMBER = 1, EDGE_NEGATIVE = 2, EDGE_TOO_LARGE = 3, EDGE_EXTRA = 4,
                            EDGE_UNTERMINATED = 5, EDGE_OVERSIZE = 6 };

enum IdKind : uint8_t { ID_PLAIN = 0, ID_CHANGES = 1, ID_EMPTY = 2, ID_NEGATIVE = 3 };

inline bool is_blank(char c) { return c == ' ' || c == '\t'; }

inline std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

inline bool digits_only(std::string_view text) {
    for (char c : text)
        if (!is_digit(c)) return false;
    return !text.empty();
}

// Without leading zeros; only for digits.
inline std::string_view significant(std::string_view digits) {
    while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
    return digits;
}

inline bool fits_64_bits(std::string_view digits) {
    constexpr std::string_view largest = "18446744073709551615";
    return digits.size() < largest.size() || (digits.size() == largest.size() && digits <= largest);
}

// The id that a delivered text stands for: numbers up to 2^64-1 without leading zeros, any other text without blanks around it.
inline std::string_view canonical_id(std::string_view text) {
    const std::string_view bare = trimmed(text);
    if (!digits_only(bare)) return bare;
    const std::string_view number = significant(bare);
    return fits_64_bits(number) ? number : bare;
}

inline IdKind id_kind(std::string_view text) {
    const std::string_view id = canonical_id(text);
    if (id.empty()) return ID_EMPTY;
    if (id.front() == '-' && digits_only(id.substr(1))) return ID_NEGATIVE;
    return id.size() == text.size() ? ID_PLAIN : ID_CHANGES;
}

// Decimal texts of n numbers, one behind the other; `out` has room for 20 bytes each. Returns the bytes written.
template <typename Number>
int64_t decimal_texts(const Number* numbers, int64_t n, int32_t* offsets, char* out) {
    char* p = out;
    offsets[0] = 0;
    for (int64_t i = 0; i < n; ++i) {
        p = std::to_chars(p, p + 20, numbers[i]).ptr;
        offsets[i + 1] = static_cast<int32_t>(p - out);
    }
    return p - out;
}

struct RejectedLine {
    int64_t line, offset, length, record;
    int32_t reason;
};

class EdgeScanner {
public:
    EdgeScanner(bool commas, int64_t max_record) : commas_(commas), max_record_(max_record) {}

    // Scan a window whose first byte is the start of a line (or goes on inside one that was given up); returns the bytes used, the
    // rest comes again with more behind it. While a line is open, at least one byte is left: a last window is sure to come.
    int64_t feed(const char* data, int64_t length, bool final) {
        const char* p = data;
        const char* end = data + length;
        while (p < end) {
            const char* stop = static_cast<const char*>(std::memchr(p, '\n', end - p));
            if (stop == nullptr && !final) {
                if (!given_up_ && end - p < max_record_) break;
                if (!given_up_) given_up_line_ = {line_, offset_ + (p - data), 0, ++records_, EDGE_OVERSIZE};
                given_up_ = true;
                given_up_line_.length += end - 1 - p;
                p = end - 1;
                break;
            }
            const char* body = stop ? stop : end;
            if (given_up_) {
                given_up_line_.length += body - p;
                rejects.push_back(given_up_line_);
                given_up_ = false;
            } else {
                take_line(p, body > p && body[-1] == '\r' ? body - 1 : body, offset_ + (p - data), stop == nullptr);
            }
            line_ += stop != nullptr;
            p = stop ? stop + 1 : end;
        }
        offset_ += p - data;
        return p - data;
    }

    void clear_rows() {
        first = second = weight_text = StringBuilder();
        rows.clear();
        lines.clear();
        starts.clear();
        lengths.clear();
        weights.clear();
        weight_kinds.clear();
        rejects.clear();
        padded = false;
    }

private:
    bool commas_;
    int64_t max_record_;
    bool given_up_ = false;  // inside a line that is too long
    RejectedLine given_up_line_{};

    bool divides(char c) const { return is_blank(c) || (commas_ && c == ','); }

    void take_line(const char* p, const char* end, int64_t at, bool unterminated) {
        const char* start = p;
        while (p < end && is_blank(*p)) ++p;
        if (p == end || *p == '#' || *p == '%') return;
        const int64_t record = ++records_;
        std::string_view fields[3];
        int32_t found = 0;
        while (p < end) {
            const char* from = p;
            while (p < end && !divides(*p)) ++p;
            if (found < 3) fields[found] = {from, static_cast<size_t>(p - from)};
            ++found;
            while (p < end && is_blank(*p)) ++p;
            if (commas_ && p < end && *p == ',') {
                ++p;
                while (p < end && is_blank(*p)) ++p;
            }
        }
        const int32_t reason = unterminated ? EDGE_UNTERMINATED : fault(fields, found);
        if (reason >= 0) {
            rejects.push_back({line_, at, end - start, record, reason});
            return;
        }
        padded = padded || (fields[0].size() > 1 && fields[0].front() == '0') || (fields[1].size() > 1 && fields[1].front() == '0');
        first.append(fields[0]);
        second.append(fields[1]);
        rows.push_back(record);
        lines.push_back(line_);
        starts.push_back(at);
        lengths.push_back(end - start);
        take_weight(fields[2]);
    }

    static int32_t fault(const std::string_view* fields, int32_t found) {
        if (found < 2 || fields[0].empty() || fields[1].empty()) return EDGE_MISSING;
        if (found > 3) return EDGE_EXTRA;
        for (int k = 0; k < 2; ++k) {
            if (id_kind(fields[k]) == ID_NEGATIVE) return EDGE_NEGATIVE;
            if (!digits_only(fields[k])) return EDGE_NOT_A_NUMBER;
            if (!fits_64_bits(significant(fields[k]))) return EDGE_TOO_LARGE;
        }
        return -1;
    }

    void take_weight(std::string_view text) {
        double value = 0;
        const auto got = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool fine = !text.empty() && got.ec == std::errc() && got.ptr == text.data() + text.size() && std::isfinite(value);
        weights.push_back(fine ? value : 0);
        weight_kinds.push_back(text.empty() ? 0 : fine ? 1 : 2);
        // Bytes that no number has are shown as U+FFFD: the column must be text.
        for (char c : text) {
            if (static_cast<unsigned char>(c) >= 0x80 || c == 0) {
                weight_text.bytes.insert(weight_text.bytes.end(), {'\xEF', '\xBF', '\xBD'});
            } else {
                weight_text.bytes.push_back(c);
            }
        }
        weight_text.close(!text.empty());
    }

    int64_t records_ = 0;

public:
    int64_t line_ = 1;
    int64_t offset_ = 0;
    StringBuilder first, second, weight_text;
    std::vector<int64_t> rows, lines, starts, lengths;
    std::vector<double> weights;
    std::vector<uint8_t> weight_kinds;  // 0 none, 1 a number, 2 none can be read
    std::vector<RejectedLine> rejects;
    bool padded = false;                // some id has leading zeros

    int64_t records() const { return records_; }
};

}  // namespace sma
