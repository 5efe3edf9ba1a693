// Which keys have been seen.
#pragma once

#include "core/node_table.h"

namespace pg_tree::core {

/// A growing set of keys, for reads that meet rows one level at a time and must notice a key that comes twice.
class KeySet {
public:
    explicit KeySet(pmr::memory_resource* memory) : slots_(memory) {}

    /// False: the key was there already.
    bool insert(Key key);

private:
    struct Slot {
        Key key;
        bool used;
    };

    void grow();

    Vector<Slot> slots_;  ///< open addressing, a power of two, at most 2/3 full
    std::size_t count_ = 0;
};

}  // namespace pg_tree::core
