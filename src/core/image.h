// An image: a whole tree in one block, as of one moment, to be read by many.
//
// Position-independent, immutable once written, trivially copyable. Nodes are numbered by *rank*, their place in the forest's
// pre-order, so that a subtree is the range [rank, rank + size), children are found by hopping over sizes, ancestors by following
// parents, and "is above" is two comparisons.
//
// Ranks below `in_tree` are the forest. Behind them come the nodes that are reached only through a row which the tree's filter rejects:
// they are in nobody's tree, but they are what stands below such a row. Behind the nodes, numbered on from them, come
// the *anchors*: keys that are no node here but that can be asked for.
//
// Bytes a node: 24 for the arrays, 4 to 12 for the index, and the payload, whose layout is the writer's own affair.
#pragma once

#include <span>

#include "core/forest.h"

namespace pg_tree::core {

/// The place of a node in the image's order, or, from `nodes` on, an anchor.
using Rank = std::uint32_t;
inline constexpr Rank no_rank = UINT32_MAX;

enum class AnchorKind : std::uint32_t {
    parentless,  ///< no key: what has a null parent
    missing,     ///< no row has this key, but rows name it as their parent
    rejected,    ///< the row with this key fails the filter
    cyclic       ///< the row is on a cycle or below one: the image does not know more of it
};

struct Anchor {
    AnchorKind kind;
    std::uint32_t first_child;  ///< in anchor_children
    std::uint32_t child_count;
};

/// The head of the block. Offsets are in bytes from its beginning.
struct ImageHeader {
    std::uint64_t bytes;
    std::uint32_t nodes;
    std::uint32_t in_tree;
    std::uint32_t anchors;
    std::uint32_t anchor_children;
    std::uint32_t deepest;  ///< the largest level
    std::uint32_t has_null_keys;
    // Of the nodes in the tree, for averages.
    std::uint32_t roots;
    std::uint32_t leaves;
    std::uint64_t level_sum;
    std::uint64_t leaf_level_sum;
    std::uint64_t index_slots;
    std::uint64_t index_mask;  ///< 0: the index is an array that starts at smallest_key
    Key smallest_key;
    std::uint64_t keys_at;  ///< for every rank and anchor
    std::uint64_t parents_at;
    std::uint64_t sizes_at;
    std::uint64_t levels_at;
    std::uint64_t payloads_at;
    std::uint64_t anchors_at;
    std::uint64_t anchor_children_at;
    std::uint64_t index_at;
    std::uint64_t payload_at;
    std::uint64_t payload_bytes;
};

/// Reads an image. A copy of pointers into it; throws nothing, allocates nothing.
class Image {
public:
    Image() = default;
    explicit Image(const std::byte* block);

    const ImageHeader& header() const { return *header_; }
    Rank nodes() const { return header_->nodes; }
    /// How many nodes stand below a node of the tree on average, which is how many stand above it.
    double average_level() const { return per_node(static_cast<double>(header_->level_sum)); }
    double average_leaves() const {
        return per_node(static_cast<double>(header_->leaf_level_sum) + static_cast<double>(header_->leaves));
    }
    double average_children() const {
        return per_node(static_cast<double>(header_->in_tree) - static_cast<double>(header_->roots));
    }
    /// The rank is that of a node in the tree.
    bool in_tree(Rank rank) const { return rank < header_->in_tree; }
    bool is_node(Rank rank) const { return rank < header_->nodes; }
    const Anchor& anchor(Rank rank) const { return anchors_[rank - header_->nodes]; }

    /// The key, or, where keys are not integers, whatever the writer stored in its place.
    Key key(Rank rank) const { return keys_[rank]; }
    /// A node's parent: a rank, the node itself for one that is its own parent, or an anchor.
    Rank parent(Rank rank) const { return parents_[rank]; }
    bool is_root(Rank rank) const { return parents_[rank] >= header_->nodes || parents_[rank] == rank; }
    Rank root_of(Rank rank) const {
        while (!is_root(rank)) {
            rank = parents_[rank];
        }
        return rank;
    }
    /// Nodes in the subtree, the node itself counted.
    std::uint32_t size(Rank rank) const { return sizes_[rank]; }
    Rank end(Rank rank) const { return rank + sizes_[rank]; }
    /// 0 for roots, and for what stands right below a rejected row.
    std::int32_t level(Rank rank) const { return static_cast<std::int32_t>(levels_[rank]); }
    const std::byte* payload(Rank rank) const { return payload_ + payloads_[rank]; }
    const std::byte* payload_at(std::uint64_t offset) const { return payload_ + offset; }

    /// What stands right below an anchor, in sibling order.
    std::span<const Rank> children_of_anchor(Rank rank) const {
        const Anchor& anchor = this->anchor(rank);
        return {anchor_children_ + anchor.first_child, anchor.child_count};
    }

    /// The node or anchor with this integer key, or no_rank.
    Rank find(Key key) const {
        if (header_->index_mask == 0) {
            const std::uint64_t offset =
                static_cast<std::uint64_t>(key) - static_cast<std::uint64_t>(header_->smallest_key);
            return offset < header_->index_slots ? index_[offset] : no_rank;
        }
        return find_hashed(hash_key(key), [&](Key stored) { return stored == key; });
    }

    /// The node or anchor for which equal(what the writer stored for a key) holds, among those with this hash.
    template <class Equal>
    Rank find_hashed(std::uint64_t hash, Equal&& equal) const {
        for (std::uint64_t slot = hash & header_->index_mask;; slot = (slot + 1) & header_->index_mask) {
            const Rank rank = index_[slot];
            if (rank == no_rank || equal(keys_[rank])) {
                return rank;
            }
        }
    }

    void prefetch(Rank rank) const { __builtin_prefetch(payload_ + payloads_[rank]); }

private:
    double per_node(double sum) const { return header_->in_tree == 0 ? 0 : sum / header_->in_tree; }

    template <class T>
    const T* at(std::uint64_t offset) const {
        return reinterpret_cast<const T*>(reinterpret_cast<const std::byte*>(header_) + offset);
    }

    const ImageHeader* header_ = nullptr;
    const Key* keys_ = nullptr;
    const Rank* parents_ = nullptr;
    const std::uint32_t* sizes_ = nullptr;
    const std::uint32_t* levels_ = nullptr;
    const std::uint32_t* payloads_ = nullptr;
    const Anchor* anchors_ = nullptr;
    const Rank* anchor_children_ = nullptr;
    const Rank* index_ = nullptr;
    const std::byte* payload_ = nullptr;
};

/// What is known of an image before there is memory for it: who stands where. Everything but payload and the stored form of
/// keys.
class ImagePlan {
public:
    explicit ImagePlan(pmr::memory_resource* memory)
        : memory_(memory), order_(memory), anchor_keys_(memory), anchors_(memory), anchor_children_(memory) {}

    /// From a forest that was linked everywhere over all rows, rejected ones included, and sorted with sort_everything().
    void make(const Forest& forest);

    /// Rows in the order of their ranks.
    const Vector<Node>& order() const { return order_; }
    std::size_t anchors() const { return anchors_.size(); }
    /// The key of an anchor. Not for the first one, which is parentless.
    Key anchor_key(std::size_t anchor) const { return anchor_keys_[anchor]; }
    Rank in_tree() const { return in_tree_; }

    /// Lays the block out; from here on bytes() is known. `integer_keys`: keys are stored as themselves, and may be
    /// indexed by an array. `payload_bytes` is at most UINT32_MAX.
    void lay_out(const Forest& forest, bool integer_keys, std::uint64_t payload_bytes);
    std::uint64_t bytes() const { return header_.bytes; }
    const ImageHeader& header() const { return header_; }

    /// Writes everything but the keys, payload offsets and payload into a block of bytes(), aligned to 8.
    void write(const Forest& forest, std::byte* block) const;

private:
    void list(const Forest& forest);
    void collect_anchors(const Forest& forest);

    pmr::memory_resource* memory_;
    Vector<Node> order_;
    Vector<Key> anchor_keys_;
    Vector<Anchor> anchors_;
    Vector<Rank> anchor_children_;
    Rank in_tree_ = 0;
    ImageHeader header_ = {};
};

/// The writable arrays of a block that is being filled.
struct ImageArrays {
    explicit ImageArrays(std::byte* block);
    Key* keys;
    std::uint32_t* payloads;
    Rank* index;
    std::byte* payload;
    const ImageHeader* header;

    /// Enters a rank or anchor into the index, by its integer key or by a hash of it. Keys are distinct.
    void enter_key(Rank rank, Key key);
    void enter_hashed(Rank rank, std::uint64_t hash);
};

}  // namespace pg_tree::core
