// A JSON reader that loses nothing in silence. Here: from windows of bytes to records and rejected stretches, for JSON lines and for
// documents, and the way on after damage. Not here: the grammar of a value (json_values.hpp), what the fields mean.
//
// A file is a document where its first value goes on past its line; else each line stands for itself. Nothing depends on where the
// windows are cut: what is decided by looking ahead looks ahead max_record bytes at most, and waits until it has them.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "json_values.hpp"
#include "strings.hpp"

namespace sma {

enum JsonReason : int32_t { JSON_MALFORMED = 0, JSON_NOT_AN_OBJECT = 1, JSON_TRUNCATED = 2, JSON_OVERSIZE = 3 };

struct JsonReject {
    int64_t line, offset, length, record;
    int32_t reason;
};

class JsonScanner {
public:
    // Column c takes the first of its `slots[c]` that holds something; slot k is paths[k].
    JsonScanner(const std::vector<std::vector<std::string>>& paths, std::vector<std::vector<int32_t>> slots, int64_t max_record)
        : values_(paths), slots_(std::move(slots)), max_record_(max_record), columns(slots_.size()) {}

    // Scan a window whose first byte is the next to be scanned. Returns the bytes used. Where something is still open at the window's
    // end at least one byte is left, so that a last window with final = true is sure to come.
    int64_t feed(const char* data, int64_t length, bool final) {
        base_ = p_ = data;
        end_ = data + length;
        final_ = final;
        while (p_ < end_ && step()) {}
        if (final) finish();
        offset_ += p_ - base_;
        return p_ - base_;
    }

    std::vector<StringBuilder> take_columns() {
        std::vector<StringBuilder> full(columns.size());
        full.swap(columns);
        return full;
    }
    void clear_rows() {
        rows.clear();
        items.clear();
        lines.clear();
        starts.clear();
        lengths.clear();
        flags.clear();
        rejects.clear();
    }

private:
    enum State { START, LINES, DOCUMENT, ARRAY, SKIP };
    enum Expected { FIRST, ELEMENT, SEPARATOR };

    JsonValues values_;
    std::vector<std::vector<int32_t>> slots_;
    int64_t max_record_;
    State state_ = START;
    const char* base_ = nullptr;
    const char* end_ = nullptr;
    const char* p_ = nullptr;
    bool final_ = false;

    int64_t records_ = 0;
    int64_t item_ = 0;
    Expected expected_ = FIRST;    // ARRAY
    int64_t array_line_ = 0, array_at_ = 0;
    int64_t line_start_ = 0;       // offset of the current line
    bool fresh_ = true;            // nothing but white space on it so far
    JsonReject open_{};            // SKIP: the stretch that is passed over; its length grows
    State after_ = LINES;          // SKIP: where the way goes on
    int64_t indent_ = 0;           // SKIP: the column at which a next value must start, -1 where none is known
    int64_t skipped_lines_ = 0;
    bool line_begins_ = false;
    int64_t column_ = 0;

    int64_t at(const char* p) const { return offset_ + (p - base_); }
    bool closed(const char* limit) const { return final_ && limit == end_; }
    const char* longest(const char* p) const { return end_ - p > max_record_ ? p + max_record_ : end_; }
    static const char* trimmed(const char* p, const char* to) {
        while (to > p && json_space(to[-1])) --to;
        return to;
    }
    static const char* newline(const char* p, const char* to) { return static_cast<const char*>(std::memchr(p, '\n', to - p)); }
    static bool separated(const char* p, const char* to) {
        return p >= to || json_space(*p) || *p == '{' || *p == '[' || *p == '"';
    }

    bool step() {
        switch (state_) {
            case START: return start();
            case LINES: return line();
            case DOCUMENT: return document();
            case ARRAY: return element();
            default: return skip();
        }
    }

    // White space up to `to`, lines counted.
    void pass_space(const char* to) {
        for (; p_ < to && json_space(*p_); ++p_) {
            if (*p_ != '\n') continue;
            ++line_;
            line_start_ = at(p_) + 1;
            fresh_ = true;
        }
    }

    // Lines or a document: decided by the first value. What is found out here is read again by the state that follows.
    bool start() {
        pass_space(end_);
        if (p_ == end_) return true;
        const char* stop = newline(p_, end_);
        const char* line_end = stop ? stop : end_;
        const bool is_array = *p_ == '[';
        state_ = LINES;
        if (line_end - p_ > max_record_) {
            if (is_array) state_ = DOCUMENT;
            return true;
        }
        if (!stop && !final_) {
            state_ = START;
            return false;
        }
        const char* next = nullptr;
        values_.bounds(line_end, end_, true);
        if (values_.value(p_, next, JsonValues::NOTHING) != JSON_MORE) return true;
        if (is_array) {
            state_ = DOCUMENT;
            return true;
        }
        if (*p_ != '{' || !stop) return true;
        const char* limit = longest(p_);
        values_.bounds(limit, end_, closed(limit));
        const JsonGot got = values_.value(p_, next, JsonValues::NOTHING);
        if (got == JSON_COMPLETE) {
            state_ = DOCUMENT;
        } else if (got == JSON_MORE && limit < end_) {
            ++records_;
            begin_skip(JSON_OVERSIZE, LINES, limit);
        } else if (got == JSON_MORE && !final_) {
            state_ = START;
            return false;
        }
        return true;
    }

    bool line() {
        pass_space(end_);
        if (p_ == end_) return true;
        const char* stop = newline(p_, end_);
        const char* line_end = stop ? stop : end_;
        if (line_end - p_ > max_record_) {
            ++records_;
            begin_skip(JSON_OVERSIZE, LINES, p_);
            return true;
        }
        if (!stop && !final_) return false;
        ++records_;
        const int64_t rows_before = static_cast<int64_t>(rows.size());
        const size_t rejects_before = rejects.size();
        const JsonGot got = line_values(line_end);
        if (got != JSON_COMPLETE) {
            roll_back(rows_before, rejects_before);
            reject(got == JSON_MORE && !stop ? JSON_TRUNCATED : JSON_MALFORMED, p_, trimmed(p_, line_end));
        }
        p_ = line_end;
        return true;
    }

    JsonGot line_values(const char* stop) {
        values_.bounds(stop, end_, true);
        item_ = 0;
        const char* q = p_;
        const char* next = nullptr;
        for (; (q = values_.space(q)) < stop; q = next) {
            if (*q != '[') {
                const JsonGot got = values_.value(q, next, 0);
                if (got != JSON_COMPLETE) return got;
                if (next[-1] != '}' && next[-1] != '"' && !separated(next, stop)) return JSON_BAD;
                accept(q, next);
                continue;
            }
            q = values_.space(q + 1);
            if (q < stop && *q == ']') {
                next = q + 1;
                continue;
            }
            for (;; ++q) {
                q = values_.space(q);
                if (q >= stop) return JSON_MORE;
                const JsonGot got = values_.value(q, next, 0);
                if (got != JSON_COMPLETE) return got;
                accept(q, next);
                q = values_.space(next);
                if (q >= stop) return JSON_MORE;
                if (*q == ']') break;
                if (*q != ',') return JSON_BAD;
            }
            next = q + 1;
        }
        return JSON_COMPLETE;
    }

    bool document() {
        pass_space(end_);
        if (p_ == end_) return true;
        if (*p_ == '[') {
            if (p_ + 1 == end_ && !final_) return false;
            ++records_;
            item_ = 0;
            expected_ = FIRST;
            state_ = ARRAY;
            array_line_ = line_;
            array_at_ = at(p_);
            fresh_ = false;
            ++p_;
            return true;
        }
        const char* limit = longest(p_);
        const char* next = nullptr;
        values_.bounds(limit, end_, closed(limit));
        JsonGot got = values_.value(p_, next, 0);
        if (got == JSON_COMPLETE && next[-1] != '}' && next[-1] != '"' && !separated(next, end_)) {
            got = JSON_BAD;
            values_.fault = next;
        }
        if (got == JSON_MORE && limit == end_ && !final_) return false;
        ++records_;
        item_ = 0;
        if (got == JSON_COMPLETE) {
            accept(p_, next);
            move_to(next);
        } else {
            indent_ = 0;
            give_up(got, limit, DOCUMENT);
        }
        return true;
    }

    // Inside a top-level array: the next separator or element. The last byte is left for a window that knows whether more follows.
    bool element() {
        const char* soft = final_ ? end_ : end_ - 1;
        pass_space(soft);
        if (p_ >= soft) return final_;
        if (*p_ == ']' && expected_ != ELEMENT) {
            state_ = DOCUMENT;
            move_to(p_ + 1);
            return true;
        }
        indent_ = fresh_ ? at(p_) - line_start_ : -1;
        if (expected_ == SEPARATOR) {
            if (*p_ != ',') {
                begin_skip(JSON_MALFORMED, ARRAY, p_);
                return true;
            }
            expected_ = ELEMENT;
            move_to(p_ + 1);
            return true;
        }
        const char* limit = longest(p_);
        const char* next = nullptr;
        values_.bounds(limit, end_, closed(limit));
        const JsonGot got = values_.value(p_, next, 0);
        if (!final_ && ((got == JSON_MORE && limit == end_) || (got == JSON_COMPLETE && next == end_))) return false;
        if (got == JSON_COMPLETE) {
            accept(p_, next);
            expected_ = SEPARATOR;
            move_to(next);
        } else {
            give_up(got, limit, ARRAY);
        }
        return true;
    }

    void give_up(JsonGot got, const char* limit, State after) {
        if (got == JSON_BAD) {
            begin_skip(JSON_MALFORMED, after, values_.fault);
        } else if (limit < end_) {
            begin_skip(JSON_OVERSIZE, after, limit);
        } else {
            reject(JSON_TRUNCATED, p_, trimmed(p_, end_));
            move_to(end_);
            state_ = DOCUMENT;
        }
    }

    void begin_skip(JsonReason reason, State after, const char* from) {
        open_ = {line_, at(p_), trimmed(p_, from) - p_, records_, reason};
        ++item_;
        after_ = after;
        state_ = SKIP;
        skipped_lines_ = 0;
        line_begins_ = false;
        move_to(from);
    }

    // Pass over damage up to where the way goes on: the next line; in a document the next line that starts a value as far to the right
    // as the broken one stood. Where that place is not known, only the very next line counts.
    bool skip() {
        const char* soft = final_ ? end_ : end_ - 1;
        if (after_ == LINES) {
            const char* stop = newline(p_, soft);
            const char* body = trimmed(p_, stop ? stop : soft);
            if (body > p_) open_.length = at(body) - open_.offset;
            p_ = stop ? stop : soft;
            if (stop) end_skip();
            return stop || final_;
        }
        for (; p_ < soft; ++p_) {
            const char c = *p_;
            if (c == '\n') {
                ++line_;
                ++skipped_lines_;
                line_begins_ = true;
                column_ = 0;
            } else if (json_space(c)) {
                ++column_;
            } else {
                const bool here = indent_ < 0 ? skipped_lines_ == 1 : column_ == indent_;
                if (line_begins_ && here && (c == '{' || (c == '[' && after_ == DOCUMENT))) {
                    line_start_ = at(p_) - column_;
                    fresh_ = true;
                    expected_ = ELEMENT;
                    end_skip();
                    return true;
                }
                line_begins_ = false;
                open_.length = at(p_) + 1 - open_.offset;
            }
        }
        return final_;
    }

    void end_skip() {
        rejects.push_back(open_);
        state_ = after_;
    }

    void finish() {
        if (state_ == SKIP) {
            end_skip();
        } else if (state_ == ARRAY) {
            // Nothing is left that could be shown; the reject stands where the array begins.
            rejects.push_back({array_line_, array_at_, 0, records_, JSON_TRUNCATED});
        }
        state_ = state_ == ARRAY ? DOCUMENT : state_;
    }

    void move_to(const char* next) {
        for (const char* n = p_; (n = newline(n, next)) != nullptr; ++n) ++line_;
        p_ = next;
        fresh_ = false;
    }

    void accept(const char* from, const char* to) {
        const int64_t item = item_++;
        if (*from != '{') {
            reject(JSON_NOT_AN_OBJECT, from, to);
            return;
        }
        for (size_t c = 0; c < columns.size(); ++c) {
            StringBuilder& out = columns[c];
            const size_t before = out.bytes.size();
            for (const int32_t slot : slots_[c]) {
                const JsonText* text = values_.at(slot);
                if (text == nullptr) continue;
                append_text(out.bytes, *text);
                if (out.bytes.size() > before) break;
            }
            out.close(out.bytes.size() > before);
        }
        rows.push_back(records_);
        items.push_back(static_cast<int32_t>(item));
        lines.push_back(line_);
        starts.push_back(at(from));
        lengths.push_back(to - from);
        flags.push_back(values_.flags);
        clean_runs += values_.clean_runs;
        broken_runs += values_.broken_runs;
    }

    void reject(JsonReason reason, const char* from, const char* to) {
        rejects.push_back({line_, at(from), to - from, records_, reason});
    }

    void roll_back(int64_t n_rows, size_t n_rejects) {
        for (auto& column : columns) {
            column.offsets.resize(n_rows + 1);
            column.present.resize(n_rows);
            column.bytes.resize(column.offsets.back());
        }
        rows.resize(n_rows);
        items.resize(n_rows);
        lines.resize(n_rows);
        starts.resize(n_rows);
        lengths.resize(n_rows);
        flags.resize(n_rows);
        rejects.resize(n_rejects);
    }

public:
    int64_t line_ = 1;
    int64_t offset_ = 0;
    std::vector<StringBuilder> columns;
    std::vector<int64_t> rows, lines, starts, lengths;
    std::vector<int32_t> items;
    std::vector<uint8_t> flags;
    std::vector<JsonReject> rejects;
    int64_t clean_runs = 0, broken_runs = 0;

    int64_t records() const { return records_; }
    bool is_document() const { return state_ != START && (state_ == DOCUMENT || state_ == ARRAY || (state_ == SKIP && after_ != LINES)); }
};

}  // namespace sma
