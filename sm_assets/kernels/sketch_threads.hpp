// Sketches of many sets over threads: rows balanced by keys, edges in any order grouped first.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include "sketch_levels.hpp"

namespace sma {

// Everything that can fail for want of memory happens in the constructor and in `reserve`; the rest does not throw.
class Sketcher {
public:
    Sketcher(int level, bool affine, uint32_t k, uint64_t seed, bool high, const uint32_t* a, const uint32_t* b,
             int threads)
        : row_(row_function(level, affine)), job_{k, (k + 15) / 16 * 16, seed, nullptr, nullptr, high} {
        factors_.assign(affine ? 2 * (size_t)job_.padded : 0, 0);
        if (affine) {
            std::copy(a, a + k, factors_.begin());
            std::copy(b, b + k, factors_.begin() + job_.padded);
            job_.a = factors_.data();
            job_.b = factors_.data() + job_.padded;
        }
        registers_.assign(2 * (size_t)job_.padded * threads, 0);
        cuts_.resize(threads + 1);
        workers_.reserve(threads);
        for (int t = 0; t < threads; t++) {
            scratch_.emplace_back(new Scratch);
            scratch_[t]->low = registers_.data() + 2 * (size_t)job_.padded * t;
            scratch_[t]->own = scratch_[t]->low + job_.padded;
            scratch_[t]->wide = 0;
        }
    }

    // Room for grouping up to `edges` edges at once, in memory of the caller.
    void reserve(uint64_t* grouped, int64_t edges, int64_t n_rows) {
        grouped_ = grouped;
        counters_ = (int)std::min<int64_t>(threads(), std::max<int64_t>(1, edges / std::max<int64_t>(n_rows, 1)));
        counts_.resize((size_t)counters_ * n_rows);
        starts_.resize(n_rows + 1);
    }

    int threads() const { return (int)scratch_.size(); }

    bool wide() const {
        for (const auto& s : scratch_)
            if (s->wide) return true;
        return false;
    }

    // Lowers the registers [rows, k] by the keys lo..hi-1, whose sets are cut by indptr. `fresh`: the registers hold
    // nothing yet and are set to EMPTY where their row begins; rows without keys are left to the caller.
    void sets(const uint64_t* keys, const int64_t* indptr, int64_t rows, int64_t lo, int64_t hi, uint32_t* out,
              bool fresh) noexcept {
        const int64_t share = (hi - lo + threads() - 1) / threads();
        for (int t = 0; t <= threads(); t++) {
            int64_t cut = std::min(lo + share * t, hi);
            if (t > 0 && cut < hi) {
                // Only a row that is long for one thread is cut; another goes to one of them.
                const int64_t row = std::upper_bound(indptr, indptr + rows + 1, cut) - indptr - 1;
                const int64_t from = std::max(lo, indptr[row]), to = std::min(hi, indptr[row + 1]);
                if (to - from <= share / 4) cut = from;
            }
            cuts_[t] = cut;
        }
        together(threads(), [=](int t) {
            Scratch& s = *scratch_[t];
            s.own_row = -1;
            int64_t at = cuts_[t];
            const int64_t end = cuts_[t + 1];
            if (at >= end) return;
            int64_t row = std::upper_bound(indptr, indptr + rows + 1, at) - indptr - 1;
            if (at > std::max(lo, indptr[row])) {
                s.own_row = row;
                std::fill(s.own, s.own + job_.k, EMPTY);
            }
            for (; at < end; row++) {
                const int64_t to = std::min(end, indptr[row + 1]);
                if (to == at) continue;
                uint32_t* reg = row == s.own_row ? s.own : out + row * job_.k;
                if (fresh && at == indptr[row]) std::fill(reg, reg + job_.k, EMPTY);
                row_(job_, keys + at, to - at, reg, s);
                at = to;
            }
        });
        for (const auto& s : scratch_) {
            if (s->own_row < 0) continue;
            uint32_t* reg = out + s->own_row * job_.k;
            for (uint32_t b = 0; b < job_.k; b++) reg[b] = std::min(reg[b], s->own[b]);
        }
    }

    // The same for n edges in any order, grouped by row first; `reserve` has been called.
    void edges(const uint64_t* keys, const uint32_t* of, int64_t n, int64_t rows, uint32_t* out) noexcept {
        const int64_t share = (n + counters_ - 1) / counters_;
        together(counters_, [=](int t) {
            uint32_t* count = counts_.data() + (size_t)t * rows;
            std::memset(count, 0, (size_t)rows * sizeof(uint32_t));
            for (int64_t i = std::min(n, share * t), end = std::min(n, share * (t + 1)); i < end; i++) count[of[i]]++;
        });
        int64_t total = 0;
        for (int64_t row = 0; row < rows; row++) {
            starts_[row] = total;
            for (int t = 0; t < counters_; t++) {
                uint32_t& count = counts_[(size_t)t * rows + row];
                const uint32_t before = (uint32_t)total;
                total += count;
                count = before;
            }
        }
        starts_[rows] = total;
        together(counters_, [=](int t) {
            uint32_t* next = counts_.data() + (size_t)t * rows;
            int64_t i = std::min(n, share * t);
            const int64_t end = std::min(n, share * (t + 1));
            // Rows come in any order: each store would wait for memory.
            for (; i + FETCH < end; i++) {
                __builtin_prefetch(grouped_ + next[of[i + FETCH]], 1);
                grouped_[next[of[i]]++] = keys[i];
            }
            for (; i < end; i++) grouped_[next[of[i]]++] = keys[i];
        });
        sets(grouped_, starts_.data(), rows, 0, n, out, false);
    }

    // The registers of sets without keys.
    void clear_empty(const int64_t* indptr, int64_t rows, uint32_t* out) noexcept {
        for (int64_t row = 0; row < rows; row++) {
            uint32_t* reg = out + row * job_.k;
            if (indptr[row] == indptr[row + 1]) std::fill(reg, reg + job_.k, EMPTY);
        }
    }

private:
    static constexpr int64_t FETCH = 32;

    // work(0) .. work(parts - 1), each in a thread of its own, all joined. No thread to be had: done here.
    template <class Work>
    void together(int parts, Work work) noexcept {
        for (int t = 1; t < parts; t++) {
            try {
                workers_.emplace_back(work, t);
            } catch (const std::exception&) {
                work(t);
            }
        }
        work(0);
        for (auto& worker : workers_) worker.join();
        workers_.clear();
    }

    RowFunction row_;
    Job job_;
    std::vector<uint32_t> factors_, registers_, counts_;
    std::vector<std::unique_ptr<Scratch>> scratch_;
    std::vector<int64_t> cuts_, starts_;
    std::vector<std::thread> workers_;
    uint64_t* grouped_ = nullptr;
    int counters_ = 1;
};

// 0 sound; 1 does not start at 0; 2 falls; 3 does not end at n. `at` is the first bad place.
inline int bad_indptr(const int64_t* indptr, int64_t rows, int64_t n, int64_t& at) {
    at = 0;
    if (indptr[0] != 0) return 1;
    for (at = 1; at <= rows; at++)
        if (indptr[at] < indptr[at - 1]) return 2;
    at = rows;
    return indptr[rows] == n ? 0 : 3;
}

}  // namespace sma
