#include "core/key_set.h"

#include <algorithm>

#include "core/key_hash.h"

namespace pg_tree::core {

bool KeySet::insert(Key key) {
    if ((count_ + 1) * 3 > slots_.size() * 2) {
        grow();
    }
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = hash_key(key) & mask;
    while (slots_[slot].used) {
        if (slots_[slot].key == key) {
            return false;
        }
        slot = (slot + 1) & mask;
    }
    slots_[slot] = {key, true};
    ++count_;
    return true;
}

void KeySet::grow() {
    Vector<Slot> old(std::max<std::size_t>(32, slots_.size() * 2), Slot{0, false}, slots_.get_allocator());
    old.swap(slots_);
    const std::size_t mask = slots_.size() - 1;
    for (const Slot& entry : old) {
        if (entry.used) {
            std::size_t slot = hash_key(entry.key) & mask;
            while (slots_[slot].used) {
                slot = (slot + 1) & mask;
            }
            slots_[slot] = entry;
        }
    }
}

}  // namespace pg_tree::core
