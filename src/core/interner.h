// Numbers for keys that are not integers.
//
// Equal keys get the same number, 0, 1, 2 ... in order of arrival, so that everything else in core deals with integers.
// What equality and hashing mean is the caller's: it brings both.
#pragma once

#include "core/node_table.h"

namespace pg_tree::core {

class Interner {
public:
    explicit Interner(pmr::memory_resource* memory) : arena_(memory), slots_(memory), entries_(memory) {}

    static constexpr Key absent = -1;

    /// The number of the key with this hash for which equal(word) holds, or `absent`. Throws nothing by itself, so that a
    /// caller may use an `equal` that leaves by other means than an exception.
    template <class Equal>
    Key find(std::uint32_t hash, Equal&& equal) const {
        if (slots_.empty()) {
            return absent;
        }
        const std::size_t mask = slots_.size() - 1;
        for (std::size_t slot = hash & mask; slots_[slot] != no_node; slot = (slot + 1) & mask) {
            const Entry& entry = entries_[slots_[slot]];
            if (entry.hash == hash && equal(entry.word)) {
                return static_cast<Key>(slots_[slot]);
            }
        }
        return absent;
    }

    /// Numbers a key that find() did not know. `word` is what to remember of it.
    Key add(std::uint32_t hash, Word word);

    /// Another word for a key, equal to the first.
    void set_word(Key number, Word word) { entries_[static_cast<std::size_t>(number)].word = word; }

    Word word(Key number) const { return entries_[static_cast<std::size_t>(number)].word; }
    std::uint32_t hash(Key number) const { return entries_[static_cast<std::size_t>(number)].hash; }
    std::size_t size() const { return entries_.size(); }

    /// Where callers may keep what their words point to.
    Arena& arena() { return arena_; }

private:
    struct Entry {
        Word word;
        std::uint32_t hash;
    };

    void grow();
    void place(Node number);

    Arena arena_;
    Vector<Node> slots_;  ///< open addressing, a power of two, at most 2/3 full
    Vector<Entry> entries_;
};

}  // namespace pg_tree::core
