#include "core/key_index.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace pg_tree::core {

KeyIndex::Duplicate KeyIndex::build(const Vector<Row>& rows, Poller& poller) {
    Key smallest = std::numeric_limits<Key>::max();
    Key largest = std::numeric_limits<Key>::min();
    for (const Row& row : rows) {
        poller.step();
        if (row.has_key()) {
            smallest = std::min(smallest, row.key);
            largest = std::max(largest, row.key);
        }
    }
    slots_.clear();
    if (smallest > largest) {  // no keys at all
        dense_ = true;
        return {};
    }

    // An array costs 4 bytes for each number in the range, the hash table 8 for each row.
    const std::uint64_t span = static_cast<std::uint64_t>(largest) - static_cast<std::uint64_t>(smallest);
    dense_ = span < std::uint64_t{2} * rows.size() + 64;
    smallest_ = smallest;
    if (dense_) {
        slots_.resize(span + 1, no_node);
    } else {
        slots_.resize(std::bit_ceil(rows.size() + rows.size() / 2 + 2), no_node);
        mask_ = slots_.size() - 1;
    }

    for (Node node = 0; node < rows.size(); ++node) {
        poller.step();
        if (!rows[node].has_key()) {
            continue;
        }
        const Key key = rows[node].key;
        std::size_t slot;
        if (dense_) {
            slot = static_cast<std::uint64_t>(key) - static_cast<std::uint64_t>(smallest_);
        } else {
            slot = hash_key(key) & mask_;
            while (slots_[slot] != no_node && rows[slots_[slot]].key != key) {
                slot = (slot + 1) & mask_;
            }
        }
        // A row outside the tree gives way to the one inside: where a filter is what makes keys unique, it is no duplicate.
        if (slots_[slot] == no_node || rows[slots_[slot]].rejected()) {
            slots_[slot] = node;
        } else if (!rows[node].rejected()) {
            return {slots_[slot], node};
        }
    }
    return {};
}

}  // namespace pg_tree::core
