// Which rows are alike: the best rows for a query, all pairs above a bound, pairs by exact registers or by their keys.
// Here: blocking, threads and order of results. The loops themselves are in similarity_body.hpp, once per level of instructions.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "isa.hpp"

namespace sma {
namespace similarity {

struct Loops {
    bool (*fold_row)(const uint32_t*, int64_t, int64_t, uint8_t*);
    void (*count_rows)(const uint8_t*, const uint8_t*, int64_t, int64_t, uint64_t, uint16_t*);
    int64_t (*at_least)(const uint16_t*, int64_t, uint16_t, uint16_t*);
    uint32_t (*equal_registers)(const uint32_t*, const uint32_t*, int64_t);
    bool (*rises)(const uint64_t*, int64_t);
    int64_t (*common)(const uint64_t*, int64_t, const uint64_t*, int64_t);
};

#define SMA_LEVEL 0
namespace base {
#include "similarity_body.hpp"
}
#undef SMA_LEVEL

#if SMA_X86
#define SMA_LEVEL 1
SMA_BEGIN_AVX2
namespace avx2 {
#include "similarity_body.hpp"
}
SMA_END
#undef SMA_LEVEL

#define SMA_LEVEL 2
SMA_BEGIN_AVX512
namespace avx512 {
#include "similarity_body.hpp"
}
SMA_END
#undef SMA_LEVEL
#endif

inline const Loops& loops(int level) {
#if SMA_X86
    if (level == LEVEL_AVX512) return avx512::LOOPS;
    if (level == LEVEL_AVX2) return avx2::LOOPS;
#endif
    (void)level;
    return base::LOOPS;
}

// Runs work() on up to `threads` threads and joins them; the work takes its tasks from a counter, so that fewer threads do as well. The first
// exception is thrown again here.
template <class Work>
inline void share(int threads, Work&& work) {
    if (threads <= 1) {
        work();
        return;
    }
    std::exception_ptr failure;
    std::mutex guard;
    const auto guarded = [&] {
        try {
            work();
        } catch (...) {
            const std::lock_guard<std::mutex> lock(guard);
            if (!failure) failure = std::current_exception();
        }
    };
    std::vector<std::thread> others;
    others.reserve(static_cast<size_t>(threads - 1));
    try {
        for (int t = 1; t < threads; ++t) others.emplace_back(guarded);
    } catch (const std::system_error&) {
        // The system gives no more threads: those that run, and this one, do the work.
    }
    guarded();
    for (std::thread& other : others) other.join();
    if (failure) std::rethrow_exception(failure);
}

// Folded signatures: n rows of blocks * 64 bytes, k of them registers.
struct Folded {
    const uint8_t* bytes;
    int64_t n;
    int64_t k;

    int64_t blocks() const { return (k + 63) / 64; }
    uint64_t last() const { return k % 64 ? (1ULL << (k % 64)) - 1 : ~0ULL; }
    const uint8_t* row(int64_t i) const { return bytes + i * blocks() * 64; }
    // Rows that stay in the first-level cache while several others meet them.
    int64_t tile() const { return std::max<int64_t>(16, std::min<int64_t>(256, 512 / blocks())); }
};

// bytes # OUT [n, width]; returns the first row with an EMPTY register, or -1.
inline int64_t fold(const uint32_t* registers, int64_t n, int64_t k, int64_t width, uint8_t* bytes, int level) {
    const Loops& f = loops(level);
    int64_t first = -1;
    for (int64_t i = 0; i < n; ++i)
        if (f.fold_row(registers + i * k, k, width, bytes + i * width) && first < 0) first = i;
    return first;
}

// The best rows of one query: a word per row, matches above and the complement of the row below, so that the larger word is the better row.
class Best {
public:
    explicit Best(size_t top) : top_(top), room_(top + std::max<size_t>(top, 1024)) { words_.reserve(room_); }

    // Matches that a row must have to be looked at; rows come in rising order, so an equal one comes too late.
    uint32_t least() const { return least_; }
    void add(int64_t row, uint16_t matches) {
        words_.push_back((static_cast<uint64_t>(matches) << 48) | (ROWS - static_cast<uint64_t>(row)));
        if (words_.size() == room_) squeeze();
    }
    // The best of both; rows of the other may lie anywhere.
    void take(const Best& other) {
        words_.insert(words_.end(), other.words_.begin(), other.words_.end());
        squeeze();
    }
    // rows, matches # OUT [top]
    void write(int64_t* rows, uint16_t* matches) {
        squeeze();
        std::sort(words_.begin(), words_.end(), std::greater<uint64_t>());
        for (size_t r = 0; r < top_; ++r) {
            rows[r] = r < words_.size() ? static_cast<int64_t>(ROWS - (words_[r] & ROWS)) : -1;
            matches[r] = r < words_.size() ? static_cast<uint16_t>(words_[r] >> 48) : 0;
        }
    }

private:
    static constexpr uint64_t ROWS = (1ULL << 48) - 1;

    void squeeze() {
        if (words_.size() < top_) return;
        std::nth_element(words_.begin(), words_.begin() + static_cast<int64_t>(top_ - 1), words_.end(), std::greater<uint64_t>());
        words_.resize(top_);
        least_ = static_cast<uint32_t>(words_[top_ - 1] >> 48) + 1;
    }

    size_t top_, room_;
    uint32_t least_ = 0;
    std::vector<uint64_t> words_;
};

// Feeds rows [from, to) to the queries [first, first + best.size()).
inline void scan(const Loops& f, const Folded& rows, int64_t from, int64_t to, const Folded& queries, int64_t first, const int64_t* exclude,
                 int64_t n_exclude, std::vector<Best>& best) {
    uint16_t counts[256], places[256];
    const int64_t tile = rows.tile();
    for (int64_t start = from; start < to; start += tile) {
        const int64_t n = std::min(tile, to - start);
        for (size_t q = 0; q < best.size(); ++q) {
            if (best[q].least() > static_cast<uint32_t>(rows.k)) continue;
            const int64_t query = first + static_cast<int64_t>(q);
            f.count_rows(queries.row(query), rows.row(start), n, rows.blocks(), rows.last(), counts);
            const int64_t found = f.at_least(counts, n, static_cast<uint16_t>(best[q].least()), places);
            for (int64_t p = 0; p < found; ++p) {
                const int64_t row = start + places[p];
                if (counts[places[p]] < best[q].least()) continue;  // the bound rose inside the tile
                const int64_t *left_out = exclude + query * n_exclude, *end = left_out + n_exclude;
                if (n_exclude && std::find(left_out, end, row) != end) continue;
                best[q].add(row, counts[places[p]]);
            }
        }
    }
}

// out_rows, out_matches # OUT [queries, top] for the queries [from, to). Rows to leave out: [queries, n_exclude].
inline void topk(const Folded& rows, const Folded& queries, int64_t from, int64_t to, int64_t top, const int64_t* exclude, int64_t n_exclude,
                 int64_t* out_rows, uint16_t* out_matches, int threads, int level) {
    constexpr int64_t BATCH = 8;
    const Loops& f = loops(level);
    const int64_t batches = (to - from + BATCH - 1) / BATCH;
    const int64_t parts = batches >= threads ? 1 : std::min<int64_t>(threads, rows.n / 4096 + 1);
    if (parts == 1) {
        std::atomic<int64_t> next{0};
        share(static_cast<int>(std::min<int64_t>(threads, batches)), [&] {
            for (int64_t batch; (batch = next.fetch_add(1)) < batches;) {
                const int64_t first = from + batch * BATCH, n = std::min(BATCH, to - first);
                std::vector<Best> best(static_cast<size_t>(n), Best(static_cast<size_t>(top)));
                scan(f, rows, 0, rows.n, queries, first, exclude, n_exclude, best);
                for (int64_t q = 0; q < n; ++q) best[static_cast<size_t>(q)].write(out_rows + (first + q) * top, out_matches + (first + q) * top);
            }
        });
        return;
    }
    // Few queries: the rows are shared out, and the best of each part put together.
    for (int64_t first = from; first < to; first += BATCH) {
        const size_t n = static_cast<size_t>(std::min(BATCH, to - first));
        std::vector<std::vector<Best>> best(static_cast<size_t>(parts), std::vector<Best>(n, Best(static_cast<size_t>(top))));
        std::atomic<int64_t> next{0};
        share(threads, [&] {
            for (int64_t part; (part = next.fetch_add(1)) < parts;)
                scan(f, rows, rows.n * part / parts, rows.n * (part + 1) / parts, queries, first, exclude, n_exclude, best[static_cast<size_t>(part)]);
        });
        for (size_t q = 0; q < n; ++q) {
            for (size_t part = 1; part < best.size(); ++part) best[0][q].take(best[part][q]);
            const int64_t place = (first + static_cast<int64_t>(q)) * top;
            best[0][q].write(out_rows + place, out_matches + place);
        }
    }
}

// Pairs with at least `least` matches, found row by row: strips of rows meet tiles of later rows.
class Pairs {
public:
    std::vector<uint32_t> i, j;
    std::vector<uint16_t> matches;

    // Rows [from, to) with all later ones, until about `enough` pairs are found or `effort` blocks of 64 bytes are compared; returns the first
    // row that is still to do. The pairs are complete and sorted for all rows before it.
    int64_t run(const Folded& rows, int64_t least, int64_t from, int64_t to, int64_t enough, int64_t effort, int threads, int level) {
        const Loops& f = loops(level);
        i.clear();
        j.clear();
        matches.clear();
        // A strip at its worst, every pair alike, holds 2^23 of them.
        const int64_t height = std::max<int64_t>(1, std::min<int64_t>(64, (1 << 23) / std::max<int64_t>(1, rows.n)));
        const int64_t per_strip = height * (rows.n - from) * rows.blocks();
        const int64_t strips = std::min((to - from + height - 1) / height, std::max<int64_t>(threads, effort / std::max<int64_t>(1, per_strip)));
        std::vector<Strip> done(static_cast<size_t>(strips));
        std::atomic<int64_t> next{0}, found{0};
        // Strips are handed out in order: those that are done are the first ones.
        share(static_cast<int>(std::min<int64_t>(threads, strips)), [&] {
            std::vector<Strip> lines(static_cast<size_t>(height));
            while (found.load() < enough) {
                const int64_t strip = next.fetch_add(1);
                if (strip >= strips) return;
                const int64_t start = from + strip * height;
                found += one(f, rows, least, start, std::min(start + height, to), lines, done[static_cast<size_t>(strip)]);
            }
        });
        const int64_t n = std::min(next.load(), strips);
        size_t total = 0;
        for (int64_t s = 0; s < n; ++s) total += done[static_cast<size_t>(s)].j.size();
        i.reserve(total);
        j.reserve(total);
        matches.reserve(total);
        for (int64_t s = 0; s < n; ++s) {
            Strip& strip = done[static_cast<size_t>(s)];
            i.insert(i.end(), strip.i.begin(), strip.i.end());
            j.insert(j.end(), strip.j.begin(), strip.j.end());
            matches.insert(matches.end(), strip.matches.begin(), strip.matches.end());
            strip = Strip();
        }
        return std::min(to, from + n * height);
    }

private:
    struct Strip {
        std::vector<uint32_t> i, j;
        std::vector<uint16_t> matches;
    };

    static int64_t one(const Loops& f, const Folded& rows, int64_t least, int64_t start, int64_t stop, std::vector<Strip>& lines, Strip& out) {
        uint16_t counts[256], places[256];
        const int64_t tile = rows.tile();
        for (int64_t t = start; t < rows.n; t += tile) {
            const int64_t end = std::min(t + tile, rows.n);
            for (int64_t row = start; row < stop && row + 1 < end; ++row) {
                const int64_t first = std::max(t, row + 1);
                f.count_rows(rows.row(row), rows.row(first), end - first, rows.blocks(), rows.last(), counts);
                const int64_t n = f.at_least(counts, end - first, static_cast<uint16_t>(least), places);
                Strip& line = lines[static_cast<size_t>(row - start)];
                for (int64_t p = 0; p < n; ++p) {
                    line.j.push_back(static_cast<uint32_t>(first + places[p]));
                    line.matches.push_back(counts[places[p]]);
                }
            }
        }
        for (int64_t row = start; row < stop; ++row) {
            Strip& line = lines[static_cast<size_t>(row - start)];
            out.i.insert(out.i.end(), line.j.size(), static_cast<uint32_t>(row));
            out.j.insert(out.j.end(), line.j.begin(), line.j.end());
            out.matches.insert(out.matches.end(), line.matches.begin(), line.matches.end());
            line.j.clear();
            line.matches.clear();
        }
        return static_cast<int64_t>(out.j.size());
    }
};

// matches # OUT [p]: equal registers of row i[p] of `a` and row j[p] of `b`.
inline void registers(const uint32_t* a, const uint32_t* b, int64_t k, const int64_t* i, const int64_t* j, int64_t p, uint16_t* matches, int level) {
    const Loops& f = loops(level);
    for (int64_t q = 0; q < p; ++q) matches[q] = static_cast<uint16_t>(f.equal_registers(a + i[q] * k, b + j[q] * k, k));
}

// Common keys of a short and a long rising row: each key of the short one is looked for by doubling steps from where the last one was.
inline int64_t gallop(const uint64_t* a, int64_t na, const uint64_t* b, int64_t nb) {
    int64_t count = 0, at = 0;
    for (int64_t r = 0; r < na && at < nb; ++r) {
        int64_t step = 1;
        while (at + step < nb && b[at + step] < a[r]) step *= 2;
        // The place lies in [at + step / 2, at + step].
        at = std::lower_bound(b + at + step / 2 * (step > 1), b + std::min(nb, at + step + 1), a[r]) - b;
        count += at < nb && b[at] == a[r];
    }
    return count;
}

inline int64_t intersection(const Loops& f, const uint64_t* a, int64_t na, const uint64_t* b, int64_t nb) {
    if (na > nb) {
        std::swap(a, b);
        std::swap(na, nb);
    }
    if (na == 0 || a[na - 1] < b[0] || b[nb - 1] < a[0]) return 0;
    return nb / na >= 32 ? gallop(a, na, b, nb) : f.common(a, na, b, nb);
}

// The first row in [from, to), of those with asked[row], that does not rise strictly; -1 if all do.
inline int64_t first_unsorted(const uint64_t* keys, const int64_t* indptr, const uint8_t* asked, int64_t from, int64_t to, int level) {
    const Loops& f = loops(level);
    for (int64_t row = from; row < to; ++row)
        if (asked[row] && !f.rises(keys + indptr[row], indptr[row + 1] - indptr[row])) return row;
    return -1;
}

// counts # OUT [from, to)
inline void intersections(const uint64_t* keys, const int64_t* indptr, const int64_t* i, const int64_t* j, int64_t from, int64_t to,
                          int64_t* counts, int threads, int level) {
    constexpr int64_t GRAIN = 16;
    const Loops& f = loops(level);
    std::atomic<int64_t> next{from};
    share(threads, [&] {
        for (int64_t start; (start = next.fetch_add(GRAIN)) < to;)
            for (int64_t q = start; q < std::min(start + GRAIN, to); ++q)
                counts[q] = intersection(f, keys + indptr[i[q]], indptr[i[q] + 1] - indptr[i[q]], keys + indptr[j[q]], indptr[j[q] + 1] - indptr[j[q]]);
    });
}

}  // namespace similarity
}  // namespace sma
