// What the streams over an image have in common: which nodes pass, and how a node becomes a row.
#pragma once

#include "scan/image_rows.h"

namespace pg_tree::scan {

std::int32_t count_children(const core::Image& image, core::Rank node);

/// Writes the wanted columns of a node.
class Filler {
public:
    Filler(const cache::ImageReader& reader, const ImageWalk& walk, const Places& places)
        : reader_(reader),
          places_(places),
          level_base_(walk.level_base),
          distance_base_(walk.distance_base),
          has_depth_(walk.has_depth),
          root_(walk.root) {
        for (const Column column : {Column::children, Column::descendants, Column::is_leaf, Column::is_cycle,
                                    Column::root_id, Column::path, Column::depth, Column::distance, Column::rank}) {
            says_more_ = says_more_ || places.wants(column);
        }
        const bool wants_key =
            places.wants(Column::id) || places.wants(Column::parent_id) || places.wants(Column::root_id);
        allocates_ = makes_large_values() || (wants_key && !reader.keys_stand_in_place());
    }

    bool allocates() const { return allocates_; }
    /// A path may be so long that one is enough to hold at a time.
    bool makes_large_values() const { return places_.wants(Column::path); }
    const core::Image& image() const { return reader_.image(); }

    [[gnu::always_inline]] void fill(core::Rank node, std::int64_t rank, Datum* values, bool* nulls) const {
        if (const int at = places_.of(Column::id); at >= 0) {
            reader_.key(node, values[at], nulls[at]);
        }
        const int code = places_.of(Column::code);
        const int name = places_.of(Column::name);
        if (code >= 0 || name >= 0) {
            reader_.texts(node, code >= 0 ? &values[code] : nullptr, code >= 0 ? &nulls[code] : nullptr,
                          name >= 0 ? &values[name] : nullptr, name >= 0 ? &nulls[name] : nullptr);
        }
        if (const int at = places_.of(Column::parent_id); at >= 0) {
            reader_.parent_key(node, values[at], nulls[at]);
        }
        if (const int at = places_.of(Column::level); at >= 0) {
            put(values, nulls, at, Int32GetDatum(image().level(node) - level_base_));
        }
        if (says_more_) {
            fill_more(node, rank, values, nulls);
        }
    }

private:
    static void put(Datum* values, bool* nulls, int at, Datum value) {
        values[at] = value;
        nulls[at] = false;
    }

    [[gnu::noinline]] void fill_more(core::Rank node, std::int64_t rank, Datum* values, bool* nulls) const {
        const std::int32_t level = image().level(node);
        if (const int at = places_.of(Column::depth); at >= 0) {
            put(values, nulls, at, Int32GetDatum(level));
            nulls[at] = !has_depth_;
        }
        if (const int at = places_.of(Column::distance); at >= 0) {
            put(values, nulls, at, Int32GetDatum(level - distance_base_));
        }
        if (const int at = places_.of(Column::rank); at >= 0) {
            put(values, nulls, at, Int64GetDatum(rank));
        }
        if (const int at = places_.of(Column::children); at >= 0) {
            put(values, nulls, at, Int32GetDatum(count_children(image(), node)));
        }
        if (const int at = places_.of(Column::descendants); at >= 0) {
            put(values, nulls, at, Int64GetDatum(static_cast<int64>(image().size(node)) - 1));
        }
        if (const int at = places_.of(Column::is_leaf); at >= 0) {
            put(values, nulls, at, BoolGetDatum(image().size(node) == 1));
        }
        if (const int at = places_.of(Column::is_cycle); at >= 0) {
            put(values, nulls, at, BoolGetDatum(false));
        }
        if (const int at = places_.of(Column::root_id); at >= 0) {
            reader_.key(root_, values[at], nulls[at]);
        }
        if (const int at = places_.of(Column::path); at >= 0) {
            nulls[at] = !reader_.has_key(node);
            values[at] = nulls[at] ? 0 : path_to(reader_, node);
        }
    }

    cache::ImageReader reader_;
    Places places_;
    std::int32_t level_base_;
    std::int32_t distance_base_;
    bool has_depth_;
    bool says_more_ = false;
    bool allocates_ = false;
    core::Rank root_;
};

/// Rows::next_rows() of those that make nothing but what a Filler does.
template <class Stream>
int many(Stream& stream, const Filler& filler, Datum* values, bool* nulls, int stride, int most) {
    int count = 0;
    for (most = filler.makes_large_values() ? 1 : most; count < most && stream.Stream::next(values, nulls); ++count) {
        values += stride;
        nulls += stride;
    }
    return count;
}

/// What a node has to be like to come out, in the image's own terms. The rank in the call is looked at apart.
class Sieve {
public:
    Sieve(const ImageWalk& walk, const Conditions& conditions) : never_(conditions.never), except_(walk.except) {
        level_ = conditions.level;
        shift(level_, walk.level_base);
        Range distance = conditions.distance;
        shift(distance, walk.distance_base);
        level_.intersect(distance);
        level_.intersect(conditions.depth);
        never_ = never_ || (conditions.depth.limits() && !walk.has_depth) || level_.low > level_.high;
        leaf_ = conditions.leaf;
        if (walk.only_leaves) {
            never_ = never_ || leaf_ == Conditions::Leaf::no;
            leaf_ = Conditions::Leaf::yes;
        }
        lets_all_pass_ = !never_ && !level_.limits() && leaf_ == Conditions::Leaf::any && except_ == core::no_rank;
    }

    bool lets_all_pass() const { return lets_all_pass_; }
    bool lets_none_pass() const { return never_; }
    /// No node of a deeper level passes.
    std::int64_t last_level() const { return level_.high; }

    bool passes(const core::Image& image, core::Rank node) const {
        return !never_ && level_.contains(image.level(node)) && node != except_ &&
               (leaf_ == Conditions::Leaf::any || (image.size(node) == 1) == (leaf_ == Conditions::Leaf::yes));
    }

private:
    /// Every level is a number of 32 bits; bounds beyond that say what those at its ends say.
    static void shift(Range& range, std::int32_t base) {
        constexpr std::int64_t beyond = std::int64_t{1} << 40;
        range.low = range.low < -beyond ? INT64_MIN : std::min(range.low, beyond) + base;
        range.high = range.high > beyond ? INT64_MAX : std::max(range.high, -beyond) + base;
    }

    Range level_;
    Conditions::Leaf leaf_ = Conditions::Leaf::any;
    bool never_;
    bool lets_all_pass_ = false;
    core::Rank except_;
};

/// The level of what comes first.
inline std::int32_t first_level(const core::Image& image, const ImageWalk& walk) {
    return walk.start == core::no_rank || !image.is_node(walk.start)
               ? 0
               : image.level(walk.start) + (walk.include_start ? 0 : 1);
}

/// Does the rank in the call have to be known?
inline bool asks_for_rank(const Wanted& wanted) {
    return wanted.places.wants(Column::rank) || wanted.conditions.rank.limits();
}

template <class T, class... Arguments>
T* make(Arguments&&... arguments) {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (palloc(sizeof(T))) T(std::forward<Arguments>(arguments)...);
}

// Of a call as a whole.

/// Place of a node in the call's pre-order, of which every level comes out.
std::int64_t rank_in_call(const core::Image& image, const ImageWalk& walk, core::Rank node);
bool is_in_call(const core::Image& image, const ImageWalk& walk, core::Rank node);
/// Down to all levels.
std::uint64_t nodes_of_call(const core::Image& image, const ImageWalk& walk);

// The streams, each in a file of its own.

NodeRows* walk_in_pre_order(const cache::ImageReader& reader, const ImageWalk& walk, const Wanted& wanted);
NodeRows* walk_breadth_first(const cache::ImageReader& reader, const ImageWalk& walk, const Wanted& wanted);
/// The nodes with the keys that the conditions ask for, without a walk. Null: it has to be walked.
NodeRows* pick(const cache::ImageReader& reader, const ImageWalk& walk, const Wanted& wanted);
/// How many of them there are; negative: that is not known without a walk.
double count_picked(const cache::ImageReader& reader, const ImageWalk& walk, const Wanted& wanted,
                    std::uint64_t nodes_to_look_at);

}  // namespace pg_tree::scan
