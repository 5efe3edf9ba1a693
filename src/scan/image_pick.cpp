// Nodes that are found without a walk: those with certain keys, the children of a certain one, the ones above a node.

#include "scan/image_streams.h"

namespace pg_tree::scan {

using cache::ImageReader;
using core::Image;
using core::Rank;

namespace {

/// A few nodes that are known beforehand.
class Listed final : public NodeRows {
public:
    struct Item {
        Rank node;
        std::int64_t rank;
    };

    Listed(const ImageReader& reader, const ImageWalk& walk, const Wanted& wanted, Item* items, std::size_t count)
        : filler_(reader, walk, wanted.places), items_(items), count_(count) {}

    void rewind() override { next_ = 0; }
    int next_rows(Datum* values, bool* nulls, int stride, int most) override {
        return many(*this, filler_, values, nulls, stride, most);
    }
    bool allocates() const override { return filler_.allocates(); }

    bool next(Datum* values, bool* nulls) override {
        if (next_ == count_) {
            return false;
        }
        const Item item = items_[next_++];
        node_ = item.node;
        filler_.fill(item.node, item.rank, values, nulls);
        return true;
    }
    void count_skipped(std::uint64_t skipped) { skipped_ = skipped; }

private:
    Filler filler_;
    Item* items_;
    std::size_t count_;
    std::size_t next_ = 0;
};

/// The children of a node of the call, whose parent_id is asked for.
class Children final : public NodeRows {
public:
    /// `before`: the node's own place in the call's pre-order.
    Children(const ImageReader& reader, const ImageWalk& walk, const Wanted& wanted, Rank parent, std::int64_t before,
             std::uint64_t nodes)
        : filler_(reader, walk, wanted.places),
          sieve_(walk, wanted.conditions),
          rank_(wanted.conditions.rank),
          parent_(parent),
          before_(before),
          deep_enough_(reader.image().level(parent) < walk.last_level),
          nodes_(nodes) {
        rewind();
    }

    void rewind() override {
        next_ = deep_enough_ ? parent_ + 1 : filler_.image().end(parent_);
        given_ = 0;
        over_ = false;
    }

    int next_rows(Datum* values, bool* nulls, int stride, int most) override {
        return many(*this, filler_, values, nulls, stride, most);
    }
    bool allocates() const override { return filler_.allocates(); }

    bool next(Datum* values, bool* nulls) override {
        const Image& image = filler_.image();
        while (next_ < image.end(parent_)) {
            node_ = next_;
            next_ = image.end(node_);
            const std::int64_t rank = before_ + (node_ - parent_);
            if (sieve_.passes(image, node_) && rank_.contains(rank)) {
                filler_.fill(node_, rank, values, nulls);
                ++given_;
                return true;
            }
            CHECK_FOR_INTERRUPTS();
        }
        // What is left out is known only here: it is everything else.
        skipped_ += over_ ? 0 : nodes_ - given_;
        over_ = true;
        return false;
    }

    /// How many there are, from the first ones if there are many.
    double estimate(std::uint64_t to_look_at) {
        std::uint64_t count = 0;
        const Rank end = filler_.image().end(parent_);
        while (next(nullptr, nullptr)) {
            if (++count == to_look_at) {
                return static_cast<double>(count) * (end - parent_ - 1) / std::max<double>(next_ - parent_ - 1, 1);
            }
        }
        return static_cast<double>(count);
    }

private:
    Filler filler_;
    Sieve sieve_;
    Range rank_;
    Rank parent_;
    Rank next_ = 0;
    std::int64_t before_;
    bool deep_enough_;
    std::uint64_t nodes_;  ///< of the call
    std::uint64_t given_ = 0;
    bool over_ = false;
};

/// Ranks in the current context.
struct Candidates {
    Rank* items = nullptr;
    std::size_t count = 0;
    std::size_t room = 0;

    void add(Rank rank) {
        if (count == room) {
            room = std::max<std::size_t>(2 * room, 16);
            items = static_cast<Rank*>(items == nullptr ? palloc(room * sizeof(Rank))
                                                        : repalloc_huge(items, room * sizeof(Rank)));
        }
        items[count++] = rank;
    }
};

/// Every node that can satisfy the condition on a key, and maybe others. False: it cannot be told.
bool collect_candidates(const ImageReader& reader, const Conditions& conditions, Candidates& candidates) {
    const Image& image = reader.image();
    for (int i = 0; i < conditions.id_count; ++i) {
        Rank rank;
        if (!reader.find_quietly(conditions.ids[i], rank)) {
            return false;
        }
        if (rank != core::no_rank && image.is_node(rank)) {
            candidates.add(rank);
        }
    }
    if (conditions.id_count >= 0) {
        return true;
    }
    Rank parent;
    if (!reader.find_quietly(conditions.parent, parent)) {
        return false;
    }
    if (parent == core::no_rank) {
        return true;
    }
    if (!image.is_node(parent)) {
        if (image.anchor(parent).kind == core::AnchorKind::cyclic) {
            return true;  // what stands below it is in no answer of an image
        }
        for (const Rank child : image.children_of_anchor(parent)) {
            CHECK_FOR_INTERRUPTS();
            candidates.add(child);
        }
        return true;
    }
    if (image.parent(parent) == parent) {
        candidates.add(parent);
    }
    for (Rank child = parent + 1; child < image.end(parent); child = image.end(child)) {
        CHECK_FOR_INTERRUPTS();
        candidates.add(child);
    }
    return true;
}

/// The children of the node whose key parent_id is compared with, if it is a node of the call, or the one that the call is about, and not its
/// own parent. Null: it has to be done otherwise.
Children* children_in_call(const ImageReader& reader, const ImageWalk& walk, const Wanted& wanted) {
    const Image& image = reader.image();
    Rank parent;
    if (wanted.conditions.id_count >= 0 || !wanted.conditions.of_parent || walk.most != SIZE_MAX ||
        (asks_for_rank(wanted) && (walk.breadth_first || walk.last_level < image.header().deepest)) ||
        !reader.find_quietly(wanted.conditions.parent, parent) || parent == core::no_rank || !image.is_node(parent) ||
        image.parent(parent) == parent) {
        return nullptr;
    }
    const bool in_call = walk.start == core::no_rank ? image.in_tree(parent)
                                                     : parent == walk.start || is_below(image, walk.start, parent);
    return in_call ? make<Children>(reader, walk, wanted, parent, rank_in_call(image, walk, parent),
                                    nodes_of_call(image, walk))
                   : nullptr;
}

}  // namespace

NodeRows* pick(const ImageReader& reader, const ImageWalk& walk, const Wanted& wanted) {
    const Conditions& conditions = wanted.conditions;
    const Image& image = reader.image();
    const bool needs_rank = asks_for_rank(wanted);
    if ((conditions.id_count < 0 && !conditions.of_parent) || walk.most != SIZE_MAX ||
        (needs_rank && (walk.breadth_first || walk.last_level < image.header().deepest))) {
        return nullptr;
    }
    if (Children* children = children_in_call(reader, walk, wanted)) {
        return children;
    }
    const Sieve sieve(walk, conditions);
    Candidates candidates;
    if (!sieve.lets_none_pass() && !collect_candidates(reader, conditions, candidates)) {
        return nullptr;
    }
    auto* items = static_cast<Listed::Item*>(
        MemoryContextAllocHuge(CurrentMemoryContext, (candidates.count + 1) * sizeof(Listed::Item)));
    std::size_t count = 0;
    for (std::size_t i = 0; i < candidates.count; ++i) {
        const Rank node = candidates.items[i];
        if (is_in_call(image, walk, node) && sieve.passes(image, node)) {
            const std::int64_t rank = needs_rank ? rank_in_call(image, walk, node) : 0;
            if (!needs_rank || conditions.rank.contains(rank)) {
                items[count++] = {node, rank};
            }
        }
    }
    // Siblings stand in the same order in both kinds of walk, and so does all of a level.
    auto comes_before = [&](const Listed::Item& a, const Listed::Item& b) {
        if (walk.breadth_first && image.level(a.node) != image.level(b.node)) {
            return image.level(a.node) < image.level(b.node);
        }
        return a.node < b.node;
    };
    std::sort(items, items + count, comes_before);
    count = static_cast<std::size_t>(
        std::unique(items, items + count, [](const auto& a, const auto& b) { return a.node == b.node; }) - items);
    auto* rows = make<Listed>(reader, walk, wanted, items, count);
    rows->count_skipped(nodes_of_call(image, walk) - count);
    return rows;
}

double count_picked(const ImageReader& reader, const ImageWalk& walk, const Wanted& wanted,
                    std::uint64_t nodes_to_look_at) {
    if (Children* children = children_in_call(reader, walk, wanted)) {
        return children->estimate(nodes_to_look_at);
    }
    NodeRows* rows = pick(reader, walk, wanted);
    if (rows == nullptr) {
        return -1;
    }
    double count = 0;
    for (; rows->next(nullptr, nullptr); ++count) {
    }
    return count;
}

NodeRows* climb_image(const ImageReader& reader, Rank node, const Wanted& wanted) {
    const Image& image = reader.image();
    const auto above = static_cast<std::size_t>(image.level(node));
    const ImageWalk walk;
    const Sieve sieve(walk, wanted.conditions);
    auto* items =
        static_cast<Listed::Item*>(MemoryContextAllocHuge(CurrentMemoryContext, (above + 1) * sizeof(Listed::Item)));
    std::size_t first = above;
    for (std::size_t i = 0; i < above; ++i) {
        node = image.parent(node);
        if (sieve.lets_all_pass() || sieve.passes(image, node)) {
            items[--first] = {node, 0};
        }
    }
    auto* rows = make<Listed>(reader, walk, wanted, items + first, above - first);
    rows->count_skipped(first);
    return rows;
}

}  // namespace pg_tree::scan
