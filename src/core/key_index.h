// From a key to the row that has it.
#pragma once

#include "core/interrupts.h"
#include "core/key_hash.h"
#include "core/node_table.h"

namespace pg_tree::core {

/// Built once over a table and then only asked. Keys that lie densely (serial numbers, interned keys) are looked up in an
/// array, 4 bytes for each number in their range; others in an open-addressing table of row numbers, 8 bytes a row.
class KeyIndex {
public:
    explicit KeyIndex(pmr::memory_resource* memory) : slots_(memory) {}

    /// Two rows with the same key, or no_node twice.
    struct Duplicate {
        Node first = no_node;
        Node second = no_node;
    };

    /// Indexes every row that has a key. Of rows with the same key, the one inside the tree's filter is found; two inside
    /// are a duplicate, and then the index is not to be used.
    Duplicate build(const Vector<Row>& rows, Poller& poller);

    Node find(const Vector<Row>& rows, Key key) const {
        if (dense_) {
            const std::uint64_t offset = static_cast<std::uint64_t>(key) - static_cast<std::uint64_t>(smallest_);
            return offset < slots_.size() ? slots_[offset] : no_node;
        }
        for (std::size_t slot = hash_key(key) & mask_;; slot = (slot + 1) & mask_) {
            const Node node = slots_[slot];
            if (node == no_node || rows[node].key == key) {
                return node;
            }
        }
    }

private:
    Vector<Node> slots_;
    Key smallest_ = 0;
    std::uint64_t mask_ = 0;
    bool dense_ = true;
};

}  // namespace pg_tree::core
