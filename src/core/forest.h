// From rows to a tree: who is whose child, in which order, and what comes out when it is walked.
//
// The life of a Forest, in this order:
//   link()            finds each row's parent and groups the rows by parent
//   sort_children()   puts the children of every node that the question reaches into sibling order, as far as the 64-bit
//                     prefixes decide it, and lists the runs that they leave open
//   (the caller)      settles the open runs, in place: only it knows the type's own comparison and collation
//   walk()            lists the reached nodes in pre-order or breadth-first
// Everything is iterative, and linear in the number of rows but for the sort. Cycles need no care: a node has one parent,
// so a walk downwards can meet only its own start again, and that is left out.
#pragma once

#include <span>

#include "core/key_index.h"

namespace pg_tree::core {

/// Where a walk begins.
struct Start {
    enum class Kind {
        key,   ///< the descendants of the node with this key, which need not have a row of its own
        roots  ///< the whole forest: rows without a parent, their own parent, or with a parent that has no row
    };
    Kind kind = Kind::roots;
    Key key = 0;

    static Start below(Key key) { return {Kind::key, key}; }
    static Start everywhere() { return {Kind::roots, 0}; }
};

/// A stretch of Forest::children() that is one group of siblings whose order the prefixes do not settle.
struct OpenRun {
    std::uint32_t begin;
    std::uint32_t end;
};

/// Reached nodes in the order of the walk, with the level of each: 0 for the first generation.
struct Walk {
    explicit Walk(pmr::memory_resource* memory) : nodes(memory), levels(memory) {}
    Vector<Node> nodes;
    Vector<std::int32_t> levels;
};

inline constexpr std::int32_t unlimited = INT32_MAX;

class Forest {
public:
    /// Neither the table nor the interrupts are owned; both must outlive the forest.
    Forest(NodeTable& table, pmr::memory_resource* memory, Interrupts& interrupts);

    /// Finds each row's parent and groups children by parent, in order of arrival. With Start::below, `start_node()` is
    /// the row with that key or, when there is none, a node of its own without a row. Returns a duplicate key if there is
    /// one, and then nothing else may be called.
    KeyIndex::Duplicate link(Start start);

    /// `prefix_decides`: two equal prefixes mean equal sort keys, and ties go by integer key, so that nothing stays open.
    /// Children below `max_level` are left as they are.
    const Vector<OpenRun>& sort_children(bool prefix_decides, std::int32_t max_level);

    /// After link(everywhere): sorts every group of siblings there is, also what stands below rejected rows.
    const Vector<OpenRun>& sort_everything(bool prefix_decides);

    void walk_depth_first(std::int32_t max_level, Walk& walk) const;
    void walk_breadth_first(std::int32_t max_level, Walk& walk) const;

    /// The node that walks start from; for the whole forest the virtual node above all roots.
    Node start_node() const { return start_; }
    bool start_has_row() const { return start_ < table_.size(); }

    /// The row with this key, or no_node.
    Node find(Key key) const { return index_.find(table_.rows, key); }

    /// The row that is found by this row's key: itself, unless it has no key or gives way to another with the same.
    Node find_row(Node node) const { return table_.rows[node].has_key() ? find(table_.rows[node].key) : no_node; }

    /// A node's children, itself and rows outside the tree's filter left out. Siblings in order once they are sorted.
    std::span<const Node> children_of(Node node) const {
        return {children_.data() + first_child_[node], first_child_[node + 1] - first_child_[node]};
    }
    /// All groups of siblings, one after another; open runs are settled here.
    std::span<Node> children() { return {children_.data(), children_.size()}; }

    const NodeTable& table() const { return table_; }
    Poller& poller() const { return poller_; }

private:
    /// What decides between two siblings, gathered so that sorting a large group does not jump about in the table.
    struct SortEntry {
        std::uint64_t prefix;
        Node node;
        std::uint32_t null_order;  ///< 0: nulls first, 1: a value, 2: nulls last
    };

    void sort_group(Node parent, bool prefix_decides);
    /// Inlined by force: GCC takes a function that only prefetches for one without effects and drops calls to it.
    [[gnu::always_inline]] void prefetch_group(const Vector<Node>& parents, std::size_t position) const;

    NodeTable& table_;
    pmr::memory_resource* memory_;
    mutable Poller poller_;
    KeyIndex index_;
    Node start_ = no_node;
    /// Children grouped by parent: those of node v stand at first_child_[v] .. first_child_[v + 1]. One more node than
    /// rows: the virtual start.
    Vector<std::uint32_t> first_child_;
    Vector<Node> children_;
    Vector<OpenRun> open_runs_;
    Vector<SortEntry> group_;  ///< of the group being sorted; kept for its memory
};

}  // namespace pg_tree::core
