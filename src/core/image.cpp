#include "core/image.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace pg_tree::core {

namespace {

std::uint64_t align(std::uint64_t offset) { return (offset + 7) & ~std::uint64_t{7}; }

/// Parents that are anchors while their number is not known yet: counted down from the end.
constexpr Rank parentless_mark = UINT32_MAX - 1;

/// Rows are visited in the order of the walk, which memory does not have.
[[gnu::always_inline]] inline void prefetch_row(const Vector<Row>& rows, const Vector<Node>& order, std::size_t rank) {
    if (rank + 32 < order.size()) {
        __builtin_prefetch(&rows[order[rank + 32]]);
    }
}

}  // namespace

Image::Image(const std::byte* block) : header_(reinterpret_cast<const ImageHeader*>(block)) {
    keys_ = at<Key>(header_->keys_at);
    parents_ = at<Rank>(header_->parents_at);
    sizes_ = at<std::uint32_t>(header_->sizes_at);
    levels_ = at<std::uint32_t>(header_->levels_at);
    payloads_ = at<std::uint32_t>(header_->payloads_at);
    anchors_ = at<Anchor>(header_->anchors_at);
    anchor_children_ = at<Rank>(header_->anchor_children_at);
    index_ = at<Rank>(header_->index_at);
    payload_ = at<std::byte>(header_->payload_at);
}

ImageArrays::ImageArrays(std::byte* block)
    : keys(nullptr),
      payloads(nullptr),
      index(nullptr),
      payload(nullptr),
      header(reinterpret_cast<const ImageHeader*>(block)) {
    keys = reinterpret_cast<Key*>(block + header->keys_at);
    payloads = reinterpret_cast<std::uint32_t*>(block + header->payloads_at);
    index = reinterpret_cast<Rank*>(block + header->index_at);
    payload = block + header->payload_at;
}

void ImageArrays::enter_key(Rank rank, Key key) {
    if (header->index_mask == 0) {
        index[static_cast<std::uint64_t>(key) - static_cast<std::uint64_t>(header->smallest_key)] = rank;
    } else {
        enter_hashed(rank, hash_key(key));
    }
}

void ImageArrays::enter_hashed(Rank rank, std::uint64_t hash) {
    std::uint64_t slot = hash & header->index_mask;
    while (index[slot] != no_rank) {
        slot = (slot + 1) & header->index_mask;
    }
    index[slot] = rank;
}

void ImagePlan::make(const Forest& forest) {
    list(forest);
    collect_anchors(forest);
}

void ImagePlan::list(const Forest& forest) {
    Walk walk(memory_);
    forest.walk_depth_first(unlimited, walk);
    in_tree_ = static_cast<Rank>(walk.nodes.size());
    order_.swap(walk.nodes);
    const Vector<Row>& rows = forest.table().rows;
    Vector<std::uint32_t> open(memory_);  // what is still to be visited, children from last to first
    for (Node top = 0; top < rows.size(); ++top) {
        forest.poller().step();
        if (!rows[top].rejected() || forest.find_row(top) != top) {
            continue;
        }
        auto push_children = [&](Node parent) {
            const std::span<const Node> children = forest.children_of(parent);
            for (std::size_t i = children.size(); i-- > 0;) {
                open.push_back(children[i]);
            }
        };
        push_children(top);
        while (!open.empty()) {
            forest.poller().step();
            const Node node = open.back();
            open.pop_back();
            order_.push_back(node);
            push_children(node);
        }
    }
}

void ImagePlan::collect_anchors(const Forest& forest) {
    const Vector<Row>& rows = forest.table().rows;
    // The parentless come first and are always there.
    anchors_.push_back({AnchorKind::parentless, 0, 0});
    anchor_keys_.push_back(0);
    struct Orphan {
        Key parent;
        Rank rank;
        bool below_rejected;
    };
    Vector<Orphan> orphans(memory_);
    Vector<bool> reached(memory_);
    reached.resize(rows.size(), false);
    for (Rank rank = 0; rank < order_.size(); ++rank) {
        forest.poller().step();
        prefetch_row(rows, order_, rank);
        const Node node = order_[rank];
        const Row& row = rows[node];
        reached[node] = true;
        if (!row.has_parent()) {
            anchor_children_.push_back(rank);
            ++anchors_[0].child_count;
        } else if (!row.is_its_own_parent() &&
                   (row.parent_node == forest.start_node() || rows[row.parent_node].rejected())) {
            orphans.push_back({row.parent, rank, row.parent_node != forest.start_node()});
        }
    }
    std::sort(orphans.begin(), orphans.end(), [&](const Orphan& a, const Orphan& b) {
        forest.poller().step();
        return a.parent != b.parent ? a.parent < b.parent : a.rank < b.rank;
    });
    for (std::size_t i = 0; i < orphans.size(); ++i) {
        forest.poller().step();
        if (i == 0 || orphans[i].parent != orphans[i - 1].parent) {
            anchors_.push_back({orphans[i].below_rejected ? AnchorKind::rejected : AnchorKind::missing,
                                static_cast<std::uint32_t>(anchor_children_.size()), 0});
            anchor_keys_.push_back(orphans[i].parent);
        }
        anchor_children_.push_back(orphans[i].rank);
        ++anchors_.back().child_count;
    }
    for (Node node = 0; node < rows.size(); ++node) {
        forest.poller().step();
        if (!reached[node] && !rows[node].rejected() && rows[node].has_key()) {
            anchors_.push_back({AnchorKind::cyclic, 0, 0});
            anchor_keys_.push_back(rows[node].key);
        }
    }
}

void ImagePlan::lay_out(const Forest& forest, bool integer_keys, std::uint64_t payload_bytes) {
    const Vector<Row>& rows = forest.table().rows;
    const std::uint64_t nodes = order_.size();
    const std::uint64_t entries = nodes + anchors_.size();
    Key smallest = std::numeric_limits<Key>::max();
    Key largest = std::numeric_limits<Key>::min();
    std::uint64_t keyed = 0;
    auto see = [&](Key key) {
        smallest = std::min(smallest, key);
        largest = std::max(largest, key);
        ++keyed;
    };
    header_ = {};
    for (std::size_t rank = 0; rank < order_.size(); ++rank) {
        forest.poller().step();
        prefetch_row(rows, order_, rank);
        if (const Node node = order_[rank]; rows[node].has_key()) {
            see(rows[node].key);
        } else {
            header_.has_null_keys = 1;
        }
    }
    for (std::size_t i = 1; i < anchor_keys_.size(); ++i) {
        see(anchor_keys_[i]);
    }
    const std::uint64_t span =
        keyed == 0 ? 0 : static_cast<std::uint64_t>(largest) - static_cast<std::uint64_t>(smallest);
    if (integer_keys && span < 2 * keyed + 64) {
        header_.index_slots = keyed == 0 ? 0 : span + 1;
        header_.smallest_key = smallest;
    } else {
        header_.index_slots = std::bit_ceil(keyed + keyed / 2 + 2);
        header_.index_mask = header_.index_slots - 1;
    }
    header_.nodes = static_cast<std::uint32_t>(nodes);
    header_.in_tree = in_tree_;
    header_.anchors = static_cast<std::uint32_t>(anchors_.size());
    header_.anchor_children = static_cast<std::uint32_t>(anchor_children_.size());
    std::uint64_t offset = sizeof(ImageHeader);
    auto take = [&](std::uint64_t count, std::uint64_t size) {
        const std::uint64_t here = offset;
        offset = align(offset + count * size);
        return here;
    };
    header_.keys_at = take(entries, sizeof(Key));
    header_.parents_at = take(nodes, sizeof(Rank));
    header_.sizes_at = take(nodes, sizeof(std::uint32_t));
    header_.levels_at = take(nodes, sizeof(std::uint32_t));
    header_.payloads_at = take(nodes, sizeof(std::uint32_t));
    header_.anchors_at = take(anchors_.size(), sizeof(Anchor));
    header_.anchor_children_at = take(anchor_children_.size(), sizeof(Rank));
    header_.index_at = take(header_.index_slots, sizeof(Rank));
    header_.payload_at = take(payload_bytes, 1);
    header_.payload_bytes = payload_bytes;
    header_.bytes = offset;
}

void ImagePlan::write(const Forest& forest, std::byte* block) const {
    const Vector<Row>& rows = forest.table().rows;
    auto* header = reinterpret_cast<ImageHeader*>(block);
    *header = header_;
    auto* parents = reinterpret_cast<Rank*>(block + header_.parents_at);
    auto* sizes = reinterpret_cast<std::uint32_t*>(block + header_.sizes_at);
    auto* levels = reinterpret_cast<std::uint32_t*>(block + header_.levels_at);
    if (!anchors_.empty()) {
        std::memcpy(block + header_.anchors_at, anchors_.data(), anchors_.size() * sizeof(Anchor));
    }
    if (!anchor_children_.empty()) {
        std::memcpy(block + header_.anchor_children_at, anchor_children_.data(),
                    anchor_children_.size() * sizeof(Rank));
    }
    std::memset(block + header_.index_at, 0xff, header_.index_slots * sizeof(Rank));

    // From pre-order alone: the parent of the next node is the last one met that is its parent_node, which is on the stack of
    // open nodes. Sizes follow in one sweep backwards.
    const auto nodes = static_cast<Rank>(order_.size());
    Vector<Rank> open(memory_);
    for (Rank rank = 0; rank < nodes; ++rank) {
        forest.poller().step();
        prefetch_row(rows, order_, rank);
        const Node parent = rows[order_[rank]].parent_node;
        while (!open.empty() && order_[open.back()] != parent) {
            open.pop_back();
        }
        parents[rank] = open.empty() ? parentless_mark : open.back();
        levels[rank] = static_cast<std::uint32_t>(open.size());
        header->deepest = std::max(header->deepest, levels[rank]);
        if (rank < in_tree_) {
            header->roots += levels[rank] == 0 ? 1 : 0;
            header->level_sum += levels[rank];
        }
        sizes[rank] = 1;
        open.push_back(rank);
    }
    for (Rank rank = nodes; rank-- > 0;) {
        forest.poller().step();
        if (rank < in_tree_ && sizes[rank] == 1) {
            ++header->leaves;
            header->leaf_level_sum += levels[rank];
        }
        if (parents[rank] < nodes) {
            sizes[parents[rank]] += sizes[rank];
        } else {
            parents[rank] = rank;  // its own parent, unless an anchor claims it
        }
    }
    for (std::size_t i = 0; i < anchors_.size(); ++i) {
        forest.poller().step();
        for (std::uint32_t child = 0; child < anchors_[i].child_count; ++child) {
            parents[anchor_children_[anchors_[i].first_child + child]] = nodes + static_cast<Rank>(i);
        }
    }
}

}  // namespace pg_tree::core
