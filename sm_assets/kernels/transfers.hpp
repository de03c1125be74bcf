// The cheapest assignment of rows to clusters of bounded sizes, from nearest centres on.
// A flow of least cost: rows move along shortest chains over k + 1 nodes, the clusters and the ground. A cluster below its least size lacks
// rows, one above its largest size has too many; rows that clusters in between can take or spare go over the ground. Every chain is a
// shortest one (Dijkstra over reduced costs), so the assignment is the cheapest of its sizes at every step (successive shortest paths; Ahuja,
// Magnanti, Orlin, Network Flows, 1993, section 9.7).
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

namespace sma {
namespace transfers {

struct Move {
    double extra;  // what it costs more
    int32_t row;
    bool operator>(const Move& other) const { return extra > other.extra || (extra == other.extra && row > other.row); }
};

class Assignment {
   public:
    Assignment(const double* cost, int64_t n, int64_t k, int64_t least, int64_t most, int32_t* label)
        : cost_(cost), n_(n), k_(k), least_(least), most_(most), label_(label), size_(k, 0), excess_(k + 1, 0), flow_(k, 0),
          moves_(k * k), edge_((k + 1) * (k + 1), FAR), potential_(k + 1, 0.0), distance_(k + 1), from_(k + 1), done_(k + 1) {}

    // Returns the number of chains. Feasible bounds are the caller's.
    int64_t run() {
        for (int64_t x = 0; x < n_; ++x) ++size_[label_[x]];
        bool fits = true;
        for (int64_t a = 0; a < k_; ++a) {
            flow_[a] = std::min(std::max(size_[a], least_), most_);
            excess_[a] = size_[a] - flow_[a];
            excess_[k_] -= excess_[a];
            fits = fits && excess_[a] == 0;
        }
        if (fits) return 0;
        for (int64_t a = 0; a < k_; ++a)
            for (int64_t b = 0; b < k_; ++b)
                if (b != a) moves_[a * k_ + b].reserve(size_[a] + 16);
        for (int64_t x = 0; x < n_; ++x) list(static_cast<int32_t>(x), false);
        for (auto& heap : moves_) std::make_heap(heap.begin(), heap.end(), std::greater<Move>());
        for (int64_t a = 0; a < k_; ++a) refresh(a);
        int64_t chains = 0;
        while (chain()) ++chains;
        return chains;
    }

   private:
    static constexpr double FAR = std::numeric_limits<double>::infinity();

    double& edge(int64_t a, int64_t b) { return edge_[a * (k_ + 1) + b]; }

    // The moves of a row out of its cluster.
    void list(int32_t x, bool ordered) {
        const double* cost = cost_ + x * k_;
        const int64_t a = label_[x];
        for (int64_t b = 0; b < k_; ++b) {
            if (b == a) continue;
            auto& heap = moves_[a * k_ + b];
            heap.push_back({cost[b] - cost[a], x});
            if (ordered) std::push_heap(heap.begin(), heap.end(), std::greater<Move>());
        }
    }

    // The cheapest moves out of a cluster, those of rows that have left it dropped; and its edges to and from the ground.
    void refresh(int64_t a) {
        for (int64_t b = 0; b < k_; ++b) {
            if (b == a) continue;
            auto& heap = moves_[a * k_ + b];
            while (!heap.empty() && label_[heap.front().row] != a) {
                std::pop_heap(heap.begin(), heap.end(), std::greater<Move>());
                heap.pop_back();
            }
            edge(a, b) = heap.empty() ? FAR : heap.front().extra;
        }
        edge(a, k_) = flow_[a] < most_ ? 0.0 : FAR;
        edge(k_, a) = flow_[a] > least_ ? 0.0 : FAR;
    }

    // Moves one row too many to where one lacks, the cheapest way; false: nowhere is one too many.
    bool chain() {
        const int64_t nodes = k_ + 1;
        bool any = false;
        for (int64_t a = 0; a < nodes; ++a) {
            const bool source = excess_[a] > 0;
            any = any || source;
            distance_[a] = source ? -potential_[a] : FAR;
            from_[a] = -1;
            done_[a] = false;
        }
        if (!any) return false;
        for (int64_t round = 0; round < nodes; ++round) {
            int64_t a = -1;
            for (int64_t b = 0; b < nodes; ++b)
                if (!done_[b] && distance_[b] < FAR && (a < 0 || distance_[b] < distance_[a])) a = b;
            if (a < 0) break;
            done_[a] = true;
            for (int64_t b = 0; b < nodes; ++b) {
                if (done_[b] || b == a || edge(a, b) == FAR) continue;
                const double reach = distance_[a] + std::max(0.0, edge(a, b) + potential_[a] - potential_[b]);
                if (reach < distance_[b]) {
                    distance_[b] = reach;
                    from_[b] = a;
                }
            }
        }
        int64_t last = -1;
        for (int64_t b = 0; b < nodes; ++b)
            if (excess_[b] < 0 && distance_[b] < FAR &&
                (last < 0 || distance_[b] + potential_[b] < distance_[last] + potential_[last]))
                last = b;
        if (last < 0) return false;
        const double reach = distance_[last] + potential_[last] - sink_;
        for (int64_t b = 0; b < nodes; ++b) potential_[b] += std::min(distance_[b], reach);
        sink_ += reach;
        move(last);
        return true;
    }

    void move(int64_t last) {
        // All rows are chosen before any of them moves.
        path_.clear();
        int64_t b = last;
        for (; from_[b] >= 0; b = from_[b]) {
            const int64_t a = from_[b];
            path_.push_back({a, b, a < k_ && b < k_ ? moves_[a * k_ + b].front().row : -1});
        }
        --excess_[b];
        ++excess_[last];
        for (const Step& step : path_) {
            if (step.row >= 0) label_[step.row] = static_cast<int32_t>(step.to);
            else if (step.to == k_) ++flow_[step.from];
            else --flow_[step.to];
        }
        for (const Step& step : path_)
            if (step.row >= 0) list(step.row, true);
        for (const Step& step : path_) {
            if (step.from < k_) refresh(step.from);
            if (step.to < k_) refresh(step.to);
        }
    }

    struct Step {
        int64_t from, to;
        int32_t row;
    };

    const double* cost_;
    int64_t n_, k_, least_, most_;
    int32_t* label_;
    std::vector<int64_t> size_, excess_, flow_;
    std::vector<std::vector<Move>> moves_;
    std::vector<double> edge_, potential_, distance_;
    std::vector<int64_t> from_;
    std::vector<char> done_;
    std::vector<Step> path_;
    double sink_ = 0.0;
};

}  // namespace transfers
}  // namespace sma
