// JSON values by the strict grammar (RFC 8259). Here: strings and what is damaged in them, numbers, and the one pass that
// checks a value while it notes where the wanted parts lie. Not here: where records begin and end (json_scan.hpp), what becomes of a
// text (json_text.hpp).
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "json_text.hpp"
#include "strings.hpp"

namespace sma {

enum JsonFlag : uint8_t { JSON_NUL = 1, JSON_BAD_UTF8 = 2, JSON_LONE_SURROGATE = 4 };

enum JsonGot : int32_t { JSON_COMPLETE = 0, JSON_MORE = 1, JSON_BAD = 2 };

constexpr int JSON_MAX_DEPTH = 512;

// The single tokens. `limit` is where the record must have ended, `readable` how far memory may be looked at, `closed` whether a number
// at the limit is known to end there.
class JsonTokens {
public:
    const char* limit = nullptr;
    const char* readable = nullptr;
    bool closed = true;
    uint8_t flags = 0;
    int64_t damages = 0, clean_runs = 0, broken_runs = 0;
    const char* fault = nullptr;  // BAD: the first byte that does not fit

    void bounds(const char* new_limit, const char* new_readable, bool new_closed) {
        limit = new_limit;
        readable = new_readable;
        closed = new_closed;
    }
    void forget() {
        flags = 0;
        clean_runs = broken_runs = 0;
    }
    const char* space(const char* p) const {
        while (p < limit && json_space(*p)) ++p;
        return p;
    }

    // p stands behind the opening quote; the text ends before the closing one.
    JsonGot text(const char* p, JsonText& got) {
        got.from = p;
        got.bits = 0;
        int high = 0;
        for (;;) {
            p = special(p, high);
            if (p >= limit) return JSON_MORE;
            const char c = *p;
            if (c == '"') {
                got.to = p;
                if (high) inspect(got);
                damages += (got.bits & JsonText::DAMAGED) != 0;
                return JSON_COMPLETE;
            }
            if (c == '\\') {
                got.bits |= JsonText::ESCAPED;
                const JsonGot done = escape(p, got);
                if (done != JSON_COMPLETE) return done;
            } else if (c == 0) {
                got.bits |= JsonText::DAMAGED;
                flags |= JSON_NUL;
                ++p;
            } else {
                fault = p;
                return JSON_BAD;
            }
        }
    }

    JsonGot number(const char*& p) {
        if (*p == '-') ++p;
        if (p >= limit) return JSON_MORE;
        if (*p == '0') {
            ++p;
        } else if (!digits(p)) {
            return missing(p);
        }
        if (p < limit && *p == '.') {
            ++p;
            if (!digits(p)) return missing(p);
        }
        if (p < limit && (*p == 'e' || *p == 'E')) {
            ++p;
            if (p < limit && (*p == '+' || *p == '-')) ++p;
            if (!digits(p)) return missing(p);
        }
        return JSON_COMPLETE;
    }

    JsonGot literal(const char*& p, const char* word) {
        for (; *word; ++word, ++p)
            if (p >= limit || *p != *word) return missing(p);
        return JSON_COMPLETE;
    }

    JsonGot missing(const char* p) {
        fault = p;
        return p >= limit ? JSON_MORE : JSON_BAD;
    }

private:
    // The next quote, backslash or control character; `high` gathers whether non-ASCII bytes were passed.
    const char* special(const char* p, int& high) const {
#if defined(__SSE2__)
        const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1F);
        while (readable - p >= 16) {
            const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
            const __m128i hits = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(block, control), block),
                                              _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)));
            const unsigned hit = static_cast<unsigned>(_mm_movemask_epi8(hits));
            const unsigned above = static_cast<unsigned>(_mm_movemask_epi8(block));
            if (hit) {
                const int at = __builtin_ctz(hit);
                high |= static_cast<int>(above & ((1u << at) - 1));
                return p + at;
            }
            high |= static_cast<int>(above);
            p += 16;
        }
#endif
        while (p < limit && *p != '"' && *p != '\\' && static_cast<unsigned char>(*p) >= 0x20) high |= *p++ & 0x80;
        return p;
    }

    bool digits(const char*& p) const {
        const char* from = p;
        while (p < limit && is_digit(*p)) ++p;
        return p > from;
    }

    JsonGot unit(const char* p, int& code) {
        code = 0;
        for (int k = 0; k < 4; ++k) {
            const int digit = p + k < limit ? hex_digit(p[k]) : -1;
            if (digit < 0) return missing(p + k);
            code = code << 4 | digit;
        }
        return JSON_COMPLETE;
    }

    JsonGot escape(const char*& p, JsonText& got) {
        if (p + 1 >= limit) return JSON_MORE;
        switch (p[1]) {
            case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
                p += 2;
                return JSON_COMPLETE;
            case 'u':
                break;
            default:
                return missing(p + 1);
        }
        int code = 0;
        const JsonGot done = unit(p + 2, code);
        if (done != JSON_COMPLETE) return done;
        int length = 6;
        if (code == 0) {
            flags |= JSON_NUL;
            got.bits |= JsonText::DAMAGED;
        } else if (is_lead(code) && is_trail(escaped_unit(p + 6, limit))) {
            length = 12;
        } else if (is_lead(code) || is_trail(code)) {
            flags |= JSON_LONE_SURROGATE;
            got.bits |= JsonText::DAMAGED;
        }
        p += length;
        return JSON_COMPLETE;
    }

    void inspect(JsonText& got) {
        auto* q = reinterpret_cast<const unsigned char*>(got.from);
        auto* stop = reinterpret_cast<const unsigned char*>(got.to);
        while (q < stop) {
            while (q < stop && *q < 0x80) ++q;
            if (q == stop) return;
            bool clean = true;
            while (q < stop && *q >= 0x80) {
                int bad = 0;
                const int good = utf8_sequence(q, stop, &bad);
                clean = clean && good;
                q += good ? good : bad;
            }
            ++(clean ? clean_runs : broken_runs);
            if (!clean) {
                flags |= JSON_BAD_UTF8;
                got.bits |= JsonText::DAMAGED;
            }
        }
    }
};

// One pass over a value: it is checked to the last byte, and each path that occurs is noted in its slot.
class JsonValues : public JsonTokens {
public:
    static constexpr int32_t NOTHING = -1, IN_ARRAY = -2;

    // Slot k belongs to paths[k]; the paths are distinct.
    explicit JsonValues(const std::vector<std::vector<std::string>>& paths) : slots_(paths.size()) {
        std::vector<std::map<std::string, int32_t>> children(1);
        nodes_.resize(1);
        for (size_t k = 0; k < paths.size(); ++k) {
            int32_t at = 0;
            for (const std::string& key : paths[k]) {
                auto found = children[at].find(key);
                if (found == children[at].end()) {
                    found = children[at].emplace(key, static_cast<int32_t>(nodes_.size())).first;
                    nodes_.emplace_back();
                    children.emplace_back();
                }
                at = found->second;
            }
            nodes_[at].slot = static_cast<int32_t>(k);
        }
        for (size_t n = 0; n < nodes_.size(); ++n) {
            nodes_[n].first = static_cast<int32_t>(edges_.size());
            for (const auto& [key, child] : children[n]) {
                edges_.push_back({head(key.data(), key.size()), key, child});
                nodes_[n].lengths |= length_bit(key.size());
            }
            nodes_[n].last = static_cast<int32_t>(edges_.size());
        }
    }

    // The value at p, which is no white space. COMPLETE: `next` stands behind it. root: 0 to look for the paths, NOTHING to check only.
    JsonGot value(const char* p, const char*& next, int32_t root) {
        ++round_;
        forget();
        int depth = 0;
        int32_t node = root;
        JsonText found;
        JsonGot got;
    value:
        p = space(p);
        if (p >= limit) return JSON_MORE;
        switch (*p) {
            case '"':
                got = text(p + 1, found);
                if (got != JSON_COMPLETE) return got;
                if (node >= 0 && nodes_[node].slot >= 0) fill(nodes_[node].slot, found);
                p = found.to + 1;
                goto after;
            case '{':
                if (depth == JSON_MAX_DEPTH) return missing(p);
                open(depth++, node, node, p);
                p = space(p + 1);
                if (p >= limit) return JSON_MORE;
                if (*p == '}') goto close;
                goto key;
            case '[':
                if (depth == JSON_MAX_DEPTH) return missing(p);
                open(depth++, IN_ARRAY, node, p);
                p = space(p + 1);
                if (p >= limit) return JSON_MORE;
                if (*p == ']') goto close;
                node = NOTHING;
                goto value;
            case 't': case 'f': case 'n': case '-':
            case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9': {
                found.from = p;
                found.bits = 0;
                got = *p == 't' ? literal(p, "true") : *p == 'f' ? literal(p, "false") : *p == 'n' ? literal(p, "null") : number(p);
                if (got != JSON_COMPLETE) return got;
                found.to = p;
                if (depth == 0 && p == limit && !closed) return JSON_MORE;
                if (node >= 0 && nodes_[node].slot >= 0 && *found.from != 'n') fill(nodes_[node].slot, found);
                goto after;
            }
            default:
                return missing(p);
        }
    key:
        if (*p != '"') return missing(p);
        got = text(p + 1, found);
        if (got != JSON_COMPLETE) return got;
        p = space(found.to + 1);
        if (p >= limit) return JSON_MORE;
        if (*p != ':') return missing(p);
        ++p;
        node = frames_[depth - 1].node;
        if (node >= 0) node = child(node, found);
        goto value;
    after:
        if (depth == 0) {
            next = p;
            return JSON_COMPLETE;
        }
        p = space(p);
        if (p >= limit) return JSON_MORE;
        if (frames_[depth - 1].node == IN_ARRAY) {
            if (*p == ']') goto close;
            if (*p != ',') return missing(p);
            ++p;
            node = NOTHING;
            goto value;
        }
        if (*p == '}') goto close;
        if (*p != ',') return missing(p);
        p = space(p + 1);
        if (p >= limit) return JSON_MORE;
        goto key;
    close:
        ++p;
        --depth;
        if (frames_[depth].slot >= 0) {
            Slot& slot = slots_[frames_[depth].slot];
            slot.text.to = p;
            if (damages != slot.damages) slot.text.bits |= JsonText::DAMAGED;
        }
        goto after;
    }

    // What the last complete value held at a path, or null.
    const JsonText* at(int32_t slot) const { return slots_[slot].round == round_ ? &slots_[slot].text : nullptr; }

private:
    struct Node {
        int32_t slot = NOTHING, first = 0, last = 0;
        uint64_t lengths = 0;  // bit min(length, 63) is set where a child has such a key
        uint64_t round = 0;    // when it was met last: of repeated keys the first wins
    };
    struct Edge {
        uint64_t head;
        std::string key;
        int32_t child;
    };
    struct Slot {
        JsonText text;
        uint64_t round = 0;
        int64_t damages = 0;
    };
    struct Frame {
        int32_t node, slot;
    };

    static uint64_t length_bit(size_t length) { return uint64_t{1} << std::min<size_t>(length, 63); }
    static uint64_t head(const char* key, size_t length) {
        uint64_t first = 0;
        std::memcpy(&first, key, std::min<size_t>(length, 8));
        return first;
    }

    int32_t child(int32_t at, const JsonText& key) {
        const char* from = key.from;
        size_t length = static_cast<size_t>(key.to - key.from);
        if (key.bits) {
            key_.clear();
            append_text(key_, key);
            from = key_.data();
            length = key_.size();
        }
        Node& parent = nodes_[at];
        if (!(parent.lengths & length_bit(length))) return NOTHING;
        const uint64_t first = head(from, length);
        for (int32_t e = parent.first; e < parent.last; ++e) {
            const Edge& edge = edges_[e];
            if (edge.head != first || edge.key.size() != length || (length > 8 && std::memcmp(edge.key.data() + 8, from + 8, length - 8)))
                continue;
            Node& met = nodes_[edge.child];
            if (met.round == round_) return NOTHING;
            met.round = round_;
            return edge.child;
        }
        return NOTHING;
    }

    void open(int depth, int32_t node, int32_t holder, const char* p) {
        const int32_t slot = holder >= 0 ? nodes_[holder].slot : NOTHING;
        frames_[depth] = {node, slot};
        if (slot < 0) return;
        slots_[slot] = {{p, p, JsonText::FRAGMENT}, round_, damages};
    }

    void fill(int32_t slot, const JsonText& text) {
        slots_[slot].text = text;
        slots_[slot].round = round_;
    }

    std::vector<Node> nodes_;
    std::vector<Edge> edges_;
    std::vector<Slot> slots_;
    std::vector<char> key_;
    Frame frames_[JSON_MAX_DEPTH];
    uint64_t round_ = 0;
};

// Append the shortest spelling of a text that is one object or array; any other text as it is.
inline void append_shortest(std::vector<char>& out, const char* from, const char* to, JsonValues& values) {
    const char* next = nullptr;
    values.bounds(to, to, true);
    const bool whole = from < to && (*from == '{' || *from == '[') && values.value(from, next, JsonValues::NOTHING) == JSON_COMPLETE;
    if (whole && next == to) append_fragment(out, from, to, values.flags != 0, SPELL_SHORTEST);
    else out.insert(out.end(), from, to);
}

}  // namespace sma
