// The rows of an adjacency list as they arrived, before anything is known about the tree they make.
//
// Memory: everything comes from the given resource and goes back with the table. 32 bytes a row, 8 more for the sort
// prefix, and per row one word for each payload column plus the bytes of its strings.
#pragma once

#include <boost/container/pmr/memory_resource.hpp>
#include <boost/container/pmr/polymorphic_allocator.hpp>
#include <boost/container/vector.hpp>
#include <cstddef>
#include <cstdint>

#include "core/arena.h"

namespace pg_tree::core {

namespace pmr = boost::container::pmr;

/// Grows by 1.6, not 2: at a million rows the slack of a vector is most of what a build wastes.
template <class T>
using Vector = boost::container::vector<
    T, pmr::polymorphic_allocator<T>,
    boost::container::vector_options_t<boost::container::growth_factor<boost::container::growth_factor_60>>>;

/// A key. Integer keys are themselves; keys of any other type are numbered by an interner first, so that core compares
/// and hashes one machine word whatever the key's type. The number says nothing about the order of such keys.
using Key = std::int64_t;

/// The position of a row in its table.
using Node = std::uint32_t;
inline constexpr Node no_node = UINT32_MAX;

/// A payload word: a value or the address of one, meaningful to whoever filled it in.
using Word = std::uintptr_t;

/// Facts about a row.
namespace flag {
inline constexpr std::uint32_t has_key = 1;     ///< the key is not null
inline constexpr std::uint32_t has_parent = 2;  ///< the parent's key is not null
inline constexpr std::uint32_t rejected = 4;  ///< the tree's filter does not hold: the row exists, but not in the tree
/// Where the row's first sort column stands among its siblings when it is null.
inline constexpr std::uint32_t nulls_first = 8;
inline constexpr std::uint32_t nulls_last = 16;
/// Payload word i is null. 24 words at most.
inline constexpr std::uint32_t null_word(unsigned word) { return 256U << word; }
inline constexpr unsigned max_words = 24;
}  // namespace flag

struct Row {
    Key key;              ///< 0 without has_key
    Key parent;           ///< 0 without has_parent
    const Word* payload;  ///< the payload words, in the order in which the columns were asked for
    std::uint32_t flags;
    Node parent_node;  ///< filled in when the rows are linked

    bool has_key() const { return (flags & flag::has_key) != 0; }
    bool has_parent() const { return (flags & flag::has_parent) != 0; }
    bool rejected() const { return (flags & flag::rejected) != 0; }
    bool word_is_null(unsigned word) const { return (flags & flag::null_word(word)) != 0; }
    bool is_its_own_parent() const { return has_key() && has_parent() && key == parent; }
};
static_assert(sizeof(Row) == 32, "two rows to a cache line");

class NodeTable {
public:
    explicit NodeTable(pmr::memory_resource* memory) : rows(memory), prefixes(memory), arena(memory) {}

    std::size_t size() const { return rows.size(); }

    /// Forgets all rows and gives their memory back.
    void clear() {
        Vector<Row>(rows.get_allocator()).swap(rows);
        Vector<std::uint64_t>(prefixes.get_allocator()).swap(prefixes);
        null_sort_keys = false;
        arena.clear();
    }

    Vector<Row> rows;
    /// The leading 64 bits of each row's sort key: unsigned order is sibling order. Empty when nobody asked for order.
    Vector<std::uint64_t> prefixes;
    /// Some row has nulls_first or nulls_last.
    bool null_sort_keys = false;
    /// Payload words and the strings that they point to.
    Arena arena;
};

}  // namespace pg_tree::core
