#include "core/interner.h"

#include <algorithm>
#include <new>

namespace pg_tree::core {

Key Interner::add(std::uint32_t hash, Word word) {
    if ((entries_.size() + 1) * 3 > slots_.size() * 2) {
        grow();
    }
    entries_.push_back({word, hash});
    const auto number = static_cast<Node>(entries_.size() - 1);
    place(number);
    return number;
}

void Interner::place(Node number) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = entries_[number].hash & mask;
    while (slots_[slot] != no_node) {
        slot = (slot + 1) & mask;
    }
    slots_[slot] = number;
}

void Interner::grow() {
    // Hashes have 32 bits; beyond that many slots they would not spread.
    const std::size_t size = std::max<std::size_t>(64, slots_.size() * 2);
    if (size > std::size_t{1} << 32) {
        throw std::bad_alloc();
    }
    Vector<Node>(size, no_node, slots_.get_allocator()).swap(slots_);
    for (Node number = 0; number < entries_.size(); ++number) {
        place(number);
    }
}

}  // namespace pg_tree::core
