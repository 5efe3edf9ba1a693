// One read of a tree: from the table's rows to a linked and ordered forest, in one snapshot, as the calling user.
//
// Every function here is a server frame. All memory of a read lives in one memory context and is counted against
// pg_tree.max_build_memory. The active snapshot is used throughout (SPI, read only), so that what is read is what a query in
// the caller's place would see, whether the rows come level by level, one by one or all at once.
#pragma once

#include "core/forest.h"
#include "fetch/keys.h"
#include "fetch/plans.h"
#include "fetch/sibling_order.h"
#include "pg/interrupts.h"

extern "C" {
#include "port/atomics.h"
}

namespace pg_tree::fetch {

/// pg_tree.max_build_memory as it is now, in kB.
int max_build_memory();

/// Defines pg_tree.max_build_memory. Called once from _PG_init.
void define_settings();

/// How far a read of everything has come, for others to look at. Written by one process, read by any.
struct Progress {
    enum Phase : uint32 { none, reading, linking, sorting, writing };
    pg_atomic_uint32 phase;
    pg_atomic_uint64 done;   ///< rows read, or nodes written
    pg_atomic_uint64 total;  ///< rows that the planner expects; then nodes
};

struct Reading {
    registry::TreeUse use;
    Content content;
    MemoryContext context;
    pg::ContextResource* memory;
    pg::ServerInterrupts* interrupts;
    Keys* keys;
    core::NodeTable* table;
    core::Forest* forest;
    SiblingOrder* order;  ///< null with Content::keys
    int parent_word;      ///< see Layout
    /// In: a read that turns out to need the whole table is to be left undone. Out: it was.
    bool leave_undone;
    bool left_undone;
    Progress* progress;  ///< or null

    const registry::Tree& tree() const { return *use.tree; }
};

/// Starts a read. Its memory goes when `parent` does, and with end_reading().
Reading* begin_reading(const registry::TreeUse& use, Content content, MemoryContext parent);

/// Starts another read of the same tree that shares memory context and key numbers with the first.
Reading* begin_reading_beside(const Reading& first, Content content);

/// Frees everything at once, also what was begun beside.
void end_reading(Reading* reading);

/// Reads the descendants of `root` and links them. Reads level by level as long as little of the table is asked for and an
/// index serves it, and otherwise all of it; what is found is the same. Levels below `max_level` may be missing.
void read_below(Reading& reading, core::Key root, std::int32_t max_level);

/// Reads, links and sorts so much of what stands below `root`, down to `max_level`, which is not negative, that the first `most` of the
/// descendants in pre-order are known; what a walk lists behind them means nothing. False: that would be no quicker than reading all, and
/// nothing is read.
bool read_first_below(Reading& reading, core::Key root, std::int32_t max_level, std::size_t most);

/// For read_first_below(): a forest without links, over the same rows; links and sorts what is there.
void renew_forest(Reading& reading);
void order_below(Reading& reading, core::Key root, std::int32_t max_level);

/// Reads and links the whole forest.
void read_forest(Reading& reading);

/// Reads all rows, links the whole forest and sorts all of it, what stands below rejected rows included.
void read_everything(Reading& reading);

/// Reads the rows with these keys (values of the tree's own type), or, where that is cheaper, all rows. Linked to nothing.
void read_rows_with_keys(Reading& reading, const Datum* keys, std::size_t count);

/// Reads the rows whose parent is null, and links them as children of a start without a row.
void read_parentless(Reading& reading);

/// Sorts the siblings that a walk down to `max_level` meets.
void arrange(Reading& reading, std::int32_t max_level);

/// The way up from a node.
struct Chain {
    enum class End {
        unknown,  ///< no row has the key
        outside,  ///< the row, or one above it, fails the tree's filter: it is not in the tree
        root,     ///< the last node is a root
        cycle     ///< the last node's parent is a node of the chain
    };

    explicit Chain(core::pmr::memory_resource* memory) : nodes(memory) {}

    /// From the node itself up to the last one reached.
    core::Vector<core::Node> nodes;
    End end = End::unknown;

    bool in_tree() const { return end == End::root || end == End::cycle; }
    /// The node's depth, a root's being 0; -1 where there is no root above it.
    std::int32_t depth() const { return end == End::root ? static_cast<std::int32_t>(nodes.size()) - 1 : -1; }
};

/// Reads the node with this key and everything above it, row by row through the key's index, or, where the chain turns out
/// to be long for the table, all of it. Nothing is linked.
Chain* read_chain(Reading& reading, core::Key key);

/// Reads the node alone where that is enough to know whether it is in the tree, else its chain. Only nodes[0] and
/// in_tree() mean anything.
Chain* read_node(Reading& reading, core::Key key);

}  // namespace pg_tree::fetch
