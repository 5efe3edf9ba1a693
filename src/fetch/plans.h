// The queries that read a tree's rows, prepared once per session and tree.
#pragma once

#include "core/node_table.h"
#include "registry/resolve.h"

namespace pg_tree::fetch {

/// What is wanted of each row besides its key and its parent's.
enum class Content {
    keys,   ///< nothing
    nodes,  ///< code and name, and what siblings are sorted by
    rows    ///< the whole row, and what siblings are sorted by
};

/// Which rows.
enum class Access {
    whole,          ///< all that the filter lets through
    whole_flagged,  ///< all, with a flag on those that the filter rejects
    children,       ///< those whose parent is one of $1 (an array of keys), filtered
    parentless,     ///< those whose parent is null, filtered
    lookup,         ///< the one whose key is $1, with the flag
    keys            ///< those whose key is one of $1 (an array of keys), filtered
};
inline constexpr int access_kinds = 6;
inline constexpr int content_kinds = 3;

/// Code, name, sort expressions, and the parent's key as the row writes it.
inline constexpr int max_words = 3 + registry::max_sort_columns;
static_assert(max_words <= static_cast<int>(core::flag::max_words));

/// Where the columns of a query stand in its result. The key is column 0, its parent's key column 1.
struct Layout {
    int columns;
    int rejected;  ///< column of the flag, or -1
    int words;     ///< payload words
    int word_column[max_words];
    int sort_column[registry::max_sort_columns];  ///< column of each sort expression
    int sort_word[registry::max_sort_columns];    ///< payload word of each sort expression
    int parent_word;  ///< payload word of the parent's key as the row writes it, or -1 where equal keys are written alike
};

/// Payload words of Content::nodes and Content::rows. Sort expressions follow.
inline constexpr int code_word = 0;
inline constexpr int name_word = 1;
inline constexpr int row_word = 0;

/// Roots whose descendants were lately found to be too many to be read level by level. It saves trying again each time; now
/// and then the trial is repeated, for the tree may have shrunk. It decides on speed only, so a hash that is the same for two
/// roots does no harm.
class LargeRoots {
public:
    bool expects(uint32 root_hash);
    void remember(uint32 root_hash);

private:
    static constexpr int trust = 30;  ///< uses before the next trial: it then costs less than a hundredth

    struct Entry {
        uint32 root_hash;
        int uses_left;
    };
    Entry entries_[8];
    int next_;
};
LargeRoots& large_roots(const registry::TreeUse& use);

struct Plan {
    SPIPlanPtr plan;
    Layout layout;
    Oid argument;  ///< type of $1, or InvalidOid
};

/// The layout of a content's queries, but for the flag's column: payload words are the same for every access.
const Layout& layout_of(const registry::TreeUse& use, Content content);

/// The prepared plan. Needs SPI; stays valid as long as the definition is in use.
const Plan& prepare(const registry::TreeUse& use, Access access, Content content);

/// What the planner expects of a plan, in its own units. Needs SPI.
struct Estimate {
    double cost;
    double rows;
};
Estimate estimate(const Plan& plan);

}  // namespace pg_tree::fetch
