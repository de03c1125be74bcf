// A CSV reader that loses nothing in silence. Here: bytes to fields, records and rejected stretches, and how to find the way back
// after damage. Not here: what the fields mean.
//
// Grammar: RFC 4180 with one delimiter, `"` doubled inside quotes, records ended by LF, CRLF or CR. A quote inside an unquoted
// field is text. A closing quote must be followed by a delimiter or a record's end.
#pragma once
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "strings.hpp"

namespace sma {

enum RejectReason : int32_t { REJECT_MISSING_COLUMNS = 0, REJECT_EXTRA_COLUMNS = 1, REJECT_UNTERMINATED_QUOTE = 2,
                              REJECT_OVERSIZE = 3, REJECT_BAD_CHAR = 4, REJECT_BAD_UTF8 = 5 };

enum RowFlag : uint8_t { ROW_NUL = 1, ROW_BAD_UTF8 = 2 };

// What to do with NUL and ill-formed UTF-8, which a scanner looks for only where `inspect` is set.
enum Damage : int32_t { DAMAGE_REPAIR = 0, DAMAGE_REJECT = 1 };

struct RejectedStretch {
    int64_t line, offset, length, record;
    int32_t reason, found;
};

class CsvScanner {
public:
    CsvScanner(char delimiter, std::vector<int32_t> targets, int32_t n_columns, int64_t max_record, bool inspect, Damage damage)
        : delimiter_(delimiter), targets_(std::move(targets)), max_record_(max_record), inspect_(inspect), damage_(damage),
          columns(n_columns) {}

    // Scan a window whose first byte is the start of a record. Returns the bytes used; the caller gives the rest again with more
    // behind it, or with final = true when there is no more.
    int64_t feed(const char* data, int64_t length, bool final) {
        base_ = data;
        end_ = data + length;
        const char* p = data;
        while (p < end_) {
            if (*p == '\n') { ++p; ++line_; continue; }
            if (*p == '\r') {
                if (p + 1 == end_ && !final) break;
                ++p;
                if (p == end_ || *p != '\n') ++line_;
                continue;
            }
            const Outcome got = record(p, final, true);
            if (got.kind == NEED_MORE && end_ - p < max_record_) {
                roll_back();
                break;
            }
            const int64_t at = ++records_;
            const int32_t expected = static_cast<int32_t>(targets_.size());
            if (got.kind == COMPLETE && got.fields == expected) {
                accept(p, got, at);
                p = got.next;
                continue;
            }
            roll_back();
            p = reject(p, got, at, expected, final);
        }
        offset_ += p - base_;
        return p - base_;
    }

    std::vector<StringBuilder> take_columns() {
        std::vector<StringBuilder> full(columns.size());
        full.swap(columns);
        return full;
    }
    void clear_rows() {
        rows.clear();
        lines.clear();
        starts.clear();
        lengths.clear();
        flags.clear();
        rejects.clear();
    }

private:
    enum Kind { COMPLETE, NEED_MORE, BAD_QUOTE, OPEN_QUOTE };
    struct Outcome {
        Kind kind;
        const char* next;    // COMPLETE: start of the next record; otherwise where the damage was noticed
        int32_t fields;
        int32_t newlines;    // inside quotes
        const char* body;    // end of the record without its line end
        bool stray;          // a quote inside an unquoted field (looked for only where nothing is kept)
    };

    char delimiter_;
    std::vector<int32_t> targets_;  // output column of each field, or -1
    int64_t max_record_;
    bool inspect_;
    Damage damage_;
    const char* base_ = nullptr;
    const char* end_ = nullptr;

    const char* field_end(const char* p) const {
#if defined(__SSE2__)
        const __m128i d = _mm_set1_epi8(delimiter_), n = _mm_set1_epi8('\n'), r = _mm_set1_epi8('\r');
        while (end_ - p >= 16) {
            const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
            const int hit = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(block, d),
                                              _mm_or_si128(_mm_cmpeq_epi8(block, n), _mm_cmpeq_epi8(block, r))));
            if (hit) return p + __builtin_ctz(static_cast<unsigned>(hit));
            p += 16;
        }
#endif
        while (p < end_ && *p != delimiter_ && *p != '\n' && *p != '\r') ++p;
        return p;
    }

    void put(int32_t target, const char* from, const char* to) {
        if (!inspect_) {
            columns[target].bytes.insert(columns[target].bytes.end(), from, to);
            return;
        }
        auto* q = reinterpret_cast<const unsigned char*>(from);
        auto* stop = reinterpret_cast<const unsigned char*>(to);
        auto& out = columns[target].bytes;
        while (q < stop) {
            int bad = 0;
            const int good = utf8_sequence(q, stop, &bad);
            if (good == 1 && *q == 0) {
                ++q;
            } else if (good) {
                out.insert(out.end(), q, q + good);
                q += good;
            } else {
                out.insert(out.end(), {'\xEF', '\xBF', '\xBD'});
                q += bad;
            }
        }
    }

    Outcome record(const char* p, bool final, bool keep) {
        Outcome got{COMPLETE, p, 0, 0, p, false};
        const int32_t expected = static_cast<int32_t>(targets_.size());
        for (;;) {
            const int32_t target = keep && got.fields < expected ? targets_[got.fields] : -1;
            if (p < end_ && *p == '"') {
                ++p;
                for (;;) {
                    const char* quote = static_cast<const char*>(std::memchr(p, '"', end_ - p));
                    const char* upto = quote ? quote : end_;
                    for (const char* n = p; (n = static_cast<const char*>(std::memchr(n, '\n', upto - n))) != nullptr; ++n)
                        ++got.newlines;
                    if (quote == nullptr) {
                        got.kind = final ? OPEN_QUOTE : NEED_MORE;
                        got.next = end_;
                        return got;
                    }
                    if (target >= 0) put(target, p, quote);
                    if (quote + 1 == end_ && !final) {
                        got.kind = NEED_MORE;
                        return got;
                    }
                    if (quote + 1 < end_ && quote[1] == '"') {
                        if (target >= 0) columns[target].bytes.push_back('"');
                        p = quote + 2;
                        continue;
                    }
                    p = quote + 1;
                    break;
                }
                if (p < end_ && *p != delimiter_ && *p != '\n' && *p != '\r') {
                    got.kind = BAD_QUOTE;
                    got.next = p;
                    return got;
                }
            } else {
                const char* stop = field_end(p);
                if (!keep && std::memchr(p, '"', stop - p)) got.stray = true;
                if (target >= 0) put(target, p, stop);
                p = stop;
            }
            if (target >= 0) columns[target].close(static_cast<int64_t>(columns[target].bytes.size()) > columns[target].offsets.back());
            ++got.fields;
            if (p == end_) {
                got.kind = final ? COMPLETE : NEED_MORE;
                got.next = got.body = p;
                return got;
            }
            if (*p == delimiter_) { ++p; continue; }
            got.body = p;
            if (*p == '\r') {
                if (p + 1 == end_ && !final) { got.kind = NEED_MORE; return got; }
                ++p;
                if (p < end_ && *p == '\n') ++p;
            } else {
                ++p;
            }
            got.next = p;
            return got;
        }
    }

    void accept(const char* p, const Outcome& got, int64_t at) {
        uint8_t flag = 0;
        if (inspect_) flag = inspect(p, got.body);
        if (flag && damage_ == DAMAGE_REJECT) {
            roll_back();
            rejects.push_back({line_, offset_ + (p - base_), got.body - p, at, flag & ROW_NUL ? REJECT_BAD_CHAR : REJECT_BAD_UTF8, 0});
        } else {
            rows.push_back(at);
            lines.push_back(line_);
            starts.push_back(offset_ + (p - base_));
            lengths.push_back(static_cast<int32_t>(got.body - p));
            flags.push_back(flag);
        }
        line_ += got.newlines + (got.next > got.body);
    }

    uint8_t inspect(const char* from, const char* to) {
        uint8_t flag = std::memchr(from, 0, to - from) ? ROW_NUL : 0;
        bool high = false;
        auto* q = reinterpret_cast<const unsigned char*>(from);
        auto* stop = reinterpret_cast<const unsigned char*>(to);
        while (q < stop) {
            for (uint64_t word; stop - q >= 8; q += 8) {
                std::memcpy(&word, q, 8);
                if (word & 0x8080808080808080ULL) break;
            }
            while (q < stop && *q < 0x80) ++q;
            if (q == stop) break;
            high = true;
            bool clean = true;
            while (q < stop && *q >= 0x80) {
                int bad = 0;
                const int good = utf8_sequence(q, stop, &bad);
                clean = clean && good;
                q += good ? good : bad;
            }
            ++(clean ? clean_runs : broken_runs);
            if (!clean) flag |= ROW_BAD_UTF8;
        }
        if (high) ++(flag & ROW_BAD_UTF8 ? broken_records : clean_records);
        return flag;
    }

    void roll_back() {
        for (auto& column : columns) {
            column.offsets.resize(rows.size() + 1);
            column.present.resize(rows.size());
            column.bytes.resize(column.offsets.back());
        }
    }

    static const char* next_line(const char* p, const char* end) {
        const char* n = static_cast<const char*>(std::memchr(p, '\n', end - p));
        return n ? n + 1 : end;
    }

    // Damage: pass over as little as possible. A record of several lines that breaks off is most often one line with a stray quote, so
    // the way goes on at the first following line that is a whole record by itself,
    // without a quote where none belongs.
    const char* reject(const char* p, const Outcome& got, int64_t at, int32_t expected, bool final) {
        const bool several = got.newlines > 0 || got.kind != COMPLETE;
        const char* resume = got.kind == COMPLETE ? got.next : next_line(got.next, end_);
        int32_t reason = got.fields < expected ? REJECT_MISSING_COLUMNS : REJECT_EXTRA_COLUMNS;
        if (got.kind != COMPLETE) reason = got.kind == NEED_MORE && got.newlines == 0 ? REJECT_OVERSIZE : REJECT_UNTERMINATED_QUOTE;
        if (several) {
            int attempts = 0;
            for (const char* line = next_line(p, end_); line < resume && attempts < 4096; line = next_line(line, end_), ++attempts) {
                if (*line == '\n' || *line == '\r') continue;
                const Outcome again = record(line, final, false);
                if (again.stray) continue;
                if ((again.kind == COMPLETE && again.fields == expected) || (again.kind == NEED_MORE && again.newlines == 0 && !final)) {
                    resume = line;
                    reason = REJECT_UNTERMINATED_QUOTE;
                    break;
                }
            }
        }
        const char* body = resume;
        while (body > p && (body[-1] == '\n' || body[-1] == '\r')) --body;
        rejects.push_back({line_, offset_ + (p - base_), body - p, at, reason, got.fields});
        for (const char* q = p; q < resume; ++q) line_ += *q == '\n';
        line_ += resume > p && resume[-1] == '\r';
        return resume;
    }

    int64_t records_ = 0;

public:
    int64_t line_ = 1;
    int64_t offset_ = 0;
    std::vector<StringBuilder> columns;
    std::vector<int64_t> rows, lines, starts;
    std::vector<int32_t> lengths;
    std::vector<uint8_t> flags;
    std::vector<RejectedStretch> rejects;
    int64_t clean_runs = 0, broken_runs = 0, clean_records = 0, broken_records = 0;

    int64_t records() const { return records_; }
};

}  // namespace sma
