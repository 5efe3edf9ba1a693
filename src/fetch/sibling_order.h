// Sibling order is the sort columns' own, in their collations: what SQL's ORDER BY would give.
//
// Core sorts by a 64-bit prefix of the first sort column; what that leaves open is settled here with the server's own
// comparison functions. For integers, dates and timestamps the prefix is the whole value; for text in the C collation its
// first eight bytes; for text in ICU collations and other types whatever the type's own abbreviation gives.
#pragma once

#include "core/forest.h"
#include "fetch/plans.h"

extern "C" {
#include "utils/sortsupport.h"
}

namespace pg_tree::fetch {

class Keys;

/// Trivially destructible; made in the memory context of a read.
class SiblingOrder {
public:
    /// A server frame. `layout` says in which payload word each sort expression stands.
    SiblingOrder(const registry::Tree& tree, const Layout& layout, MemoryContext context);

    /// The prefix of a value of the first sort column: unsigned order is sibling order. A server frame.
    uint64 prefix(Datum value);

    /// flag::nulls_first or flag::nulls_last, for a row whose first sort column is null.
    std::uint32_t null_flag() const {
        return sorts_[0].ssup_nulls_first ? core::flag::nulls_first : core::flag::nulls_last;
    }

    /// Nothing but the prefix, and the key after it, decides between siblings: so far true of all values seen.
    bool prefix_decides() const { return prefix_decides_; }

    /// Puts open runs into order, in place. A server frame; can be cancelled.
    void settle(const core::NodeTable& table, const Keys& keys, std::span<core::Node> children,
                const core::OpenRun* runs, std::size_t count);

private:
    enum class Prefix { none, signed64, signed32, signed16, unsigned32, c_text, abbreviated };

    static int compare(const void* a, const void* b, void* argument);

    Prefix choose_prefix(const registry::SortColumn& column, MemoryContext context);

    SortSupportData sorts_[registry::max_sort_columns];
    SortSupportData abbreviation_;
    SortSupportData key_sort_;
    int sort_words_[registry::max_sort_columns];
    int count_;
    Prefix prefix_;
    bool prefix_decides_;
    bool integer_keys_;
    const core::NodeTable* table_;  ///< while settling
    const Keys* keys_;
    uint64 comparisons_;
};

}  // namespace pg_tree::fetch
