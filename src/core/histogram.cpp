#include "core/histogram.h"

#include <algorithm>

namespace pg_tree::core {

std::uint64_t total(const DurationCounts& counts) {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : counts) {
        sum += count;
    }
    return sum;
}

double percentile(const DurationCounts& counts, double quantile, std::uint64_t least, std::uint64_t most) {
    const std::uint64_t all = total(counts);
    if (all == 0) {
        return -1;
    }
    const double wanted = std::clamp(quantile, 0.0, 1.0) * static_cast<double>(all);
    double below = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        const auto here = static_cast<double>(counts[i]);
        if (here > 0 && below + here >= wanted) {
            const std::uint64_t from = std::max(i == 0 ? 0 : duration_bounds[i - 1], least);
            const std::uint64_t to =
                std::max(from, i < duration_bounds.size() ? std::min(duration_bounds[i], most) : most);
            return static_cast<double>(from) + static_cast<double>(to - from) * (wanted - below) / here;
        }
        below += here;
    }
    return static_cast<double>(most);
}

bool is_above_bounds(const DurationCounts& counts, double quantile) {
    const auto all = static_cast<double>(total(counts));
    const double below = all - static_cast<double>(counts.back());
    return counts.back() > 0 && below < std::clamp(quantile, 0.0, 1.0) * all;
}

double percentile(const DurationCounts& counts, double quantile) {
    return percentile(counts, quantile, 0, duration_bounds.back());
}

}  // namespace pg_tree::core
