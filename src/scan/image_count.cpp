// How many rows a walk over an image would give, for the planner.

#include "scan/image_streams.h"

namespace pg_tree::scan {

using cache::ImageReader;
using core::Image;
using core::Rank;

namespace {

constexpr std::uint64_t nodes_to_look_at = 65536;
constexpr std::uint64_t sample_stretches = 64;

/// By walking, unless that takes too long: then a negative number.
double count_by_walking(const ImageReader& reader, const ImageWalk& walk, const Wanted& wanted) {
    NodeRows* rows = walk_in_pre_order(reader, walk, wanted);
    std::uint64_t count = 0;
    while (rows->next(nullptr, nullptr)) {
        if (++count > nodes_to_look_at) {
            return -1;
        }
    }
    return static_cast<double>(count);
}

/// Stretches of nodes at even distances.
double count_in_sample(const Image& image, const ImageWalk& walk, const Sieve& sieve) {
    Rank first = 0;
    Rank end = image.header().in_tree;
    if (walk.start != core::no_rank && image.is_node(walk.start)) {
        first = walk.start;
        end = image.end(walk.start);
    } else if (walk.start != core::no_rank) {
        const std::span<const Rank> children = image.children_of_anchor(walk.start);
        first = children.empty() ? 0 : children.front();
        end = children.empty() ? 0 : image.end(children.back());
    }
    const std::uint64_t nodes = end - first;
    const std::uint64_t stretches = nodes <= nodes_to_look_at ? 1 : sample_stretches;
    const std::uint64_t length = std::min(nodes, nodes_to_look_at) / stretches;
    std::uint64_t seen = 0;
    std::uint64_t found = 0;
    for (std::uint64_t i = 0; i < stretches; ++i) {
        const std::uint64_t begin = first + nodes * i / stretches;
        for (std::uint64_t at = begin; at < std::min<std::uint64_t>(begin + length, end); ++at) {
            const auto node = static_cast<Rank>(at);
            ++seen;
            found += is_in_call(image, walk, node) && sieve.passes(image, node) ? 1 : 0;
        }
    }
    return seen == 0 ? 0 : static_cast<double>(found) * static_cast<double>(nodes) / static_cast<double>(seen);
}

}  // namespace
double count_image(const ImageReader& reader, const ImageWalk& walk, const Conditions& conditions) {
    const Image& image = reader.image();
    const Sieve sieve(walk, conditions);
    const auto nodes = static_cast<double>(nodes_of_call(image, walk));
    if (sieve.lets_none_pass() || walk.last_level < first_level(image, walk) ||
        conditions.rank.low > conditions.rank.high) {
        return 0;
    }
    Wanted wanted;
    wanted.conditions = conditions;
    double count = nodes;
    if (conditions.id_count >= 0 || conditions.of_parent) {
        wanted.conditions.rank = {};
        if (const double picked = count_picked(reader, walk, wanted, nodes_to_look_at); picked >= 0) {
            const double last = std::min(static_cast<double>(conditions.rank.high), nodes);
            const double first = std::max(static_cast<double>(conditions.rank.low), 1.0);
            return std::min(picked, std::max(last - first + 1, 0.0));
        }
    }
    const bool limited = walk.last_level < image.header().deepest || sieve.last_level() < image.header().deepest;
    if (limited || !sieve.lets_all_pass()) {
        wanted.conditions.rank = {};
        // Cut off early, a walk meets few nodes besides those that come out.
        count = limited && !walk.only_leaves && conditions.leaf == Conditions::Leaf::any
                    ? count_by_walking(reader, walk, wanted)
                    : -1;
        count = count < 0 ? count_in_sample(image, walk, sieve) : count;
    }
    // Ranks are those of the call, whatever other conditions leave of it.
    if (conditions.rank.limits() && nodes > 0) {
        const double first = std::max<double>(static_cast<double>(conditions.rank.low), 1);
        const double last = std::min(static_cast<double>(conditions.rank.high), nodes);
        count = std::min(count, count / nodes * std::max(last - first + 1, 0.0));
    }
    return std::min(count, static_cast<double>(walk.most));
}

}  // namespace pg_tree::scan
