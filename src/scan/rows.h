// The rows of a set-returning function, one after the other.
//
// Both ways out take the same stream: the TreeScan plan node hands its rows to the executor as they come, the plain function
// puts them all into a tuplestore. A stream says what it is asked for only: columns that nobody wants are not computed, and rows that
// fail the conditions are left out, mostly without being visited.
#pragma once

#include "cache/image_reader.h"
#include "cache/lookup.h"
#include "fetch/reading.h"
#include "stats/call.h"

namespace pg_tree::scan {

/// Everything that a set-returning function can say of a node.
enum class Column : int {
    id,
    code,
    name,
    parent_id,
    level,     ///< 0 for the first generation that the call puts out
    depth,     ///< 0 for roots; null for a node without a root above it
    distance,  ///< from the node that the call starts at
    rank,      ///< 1..n in the order of the call's output, whatever conditions leave of it
    children,
    descendants,
    is_leaf,
    is_cycle,
    root_id,
    path,
    node,  ///< the table's row
    line,  ///< of a drawing
    count
};
inline constexpr int column_kinds = static_cast<int>(Column::count);
/// No function has more columns.
inline constexpr int max_columns = 13;

/// Which columns are wanted, and where each goes in a row of values.
class Places {
public:
    constexpr Places() {
        for (std::int8_t& place : place_) {
            place = -1;
        }
    }
    /// These columns, at 0 and so on.
    static constexpr Places in_order(std::initializer_list<Column> columns) {
        Places places;
        int place = 0;
        for (const Column column : columns) {
            places.want(column, place++);
        }
        return places;
    }

    constexpr void want(Column column, int place) {
        place_[static_cast<int>(column)] = static_cast<std::int8_t>(place);
    }
    bool wants(Column column) const { return place_[static_cast<int>(column)] >= 0; }
    /// Not negative only for a column that is wanted.
    int of(Column column) const { return place_[static_cast<int>(column)]; }

private:
    std::int8_t place_[column_kinds] = {};
};

/// Both ends included.
struct Range {
    std::int64_t low = INT64_MIN;
    std::int64_t high = INT64_MAX;

    bool contains(std::int64_t value) const { return low <= value && value <= high; }
    bool limits() const { return low != INT64_MIN || high != INT64_MAX; }
    void intersect(Range other) {
        low = std::max(low, other.low);
        high = std::min(high, other.high);
    }
};

/// Which of the call's rows are wanted. Ranges, `leaf` and `never` are kept by every stream. Keys may be: whoever gives them looks
/// at the rows again.
struct Conditions {
    Range level;
    Range depth;
    Range distance;
    Range rank;
    enum class Leaf { any, yes, no } leaf = Leaf::any;
    bool never = false;
    int id_count = -1;           ///< -1: any id
    const Datum* ids = nullptr;  ///< in the form that the function gives keys
    bool of_parent = false;
    Datum parent = 0;

    bool limits() const {
        return level.limits() || depth.limits() || distance.limits() || rank.limits() || leaf != Leaf::any || never ||
               id_count >= 0 || of_parent;
    }
};

struct Wanted {
    Places places;
    Conditions conditions;
    /// Nobody will ask for more rows than this.
    double most = 1e300;
};

/// Where a call's rows come from.
struct Origin {
    using Kind = stats::Source;
    Kind kind = Kind::none;
    cache::Bypass reason = cache::Bypass::none;  ///< of a bypass
};

/// An open call. Lives in the memory context that was current when it was opened; functions are server frames. Objects are
/// trivially destructible: close() is called once, unless an error comes first; pins then go with their resource owner.
class Rows {
public:
    /// Fills the wanted columns of the next row; false: there is none. What is not by value stays valid until the next call, or is
    /// allocated in the current context.
    virtual bool next(Datum* values, bool* nulls) = 0;
    /// The same for at least one and at most `most` rows, one after the other with `stride` columns each; returns how many. They are valid
    /// together.
    virtual int next_rows(Datum* values, bool* nulls, int, int) { return next(values, nulls) ? 1 : 0; }
    /// May next() allocate?
    virtual bool allocates() const { return true; }
    /// Begins again with the first row.
    virtual void rewind() = 0;

    /// Takes over what the rows stand in: a pinned image, if the lookup is a hit, or a finished reading.
    void hold(const cache::Lookup& lookup, fetch::Reading* reading) {
        image_ = lookup;
        reading_ = reading != nullptr ? reading : reading_;
    }
    /// Gives back what the stream holds.
    void close();

    /// Keeps relations open until close(), for streams that read again: DDL in the same session is refused meanwhile.
    void keep_open(const Oid* relations, int count);

    /// Nodes that the conditions left out so far, or cut off with what is above them.
    std::uint64_t skipped() const { return skipped_; }

protected:
    ~Rows() = default;
    std::uint64_t skipped_ = 0;
    fetch::Reading* reading_ = nullptr;  ///< ended by close()

private:
    List* open_ = NIL;  ///< relations
    ResourceOwner owner_ = nullptr;
    cache::Lookup image_ = {cache::Lookup::Outcome::miss, cache::Bypass::none, {}, 0, nullptr};
};

/// A call that has begun. The definition may be looked at as long as the memory lives that the call was opened in.
struct OpenCall {
    Rows* rows = nullptr;  ///< null: there are none
    registry::TreeUse tree = {nullptr, nullptr};
    Origin origin;
};

/// What the planner knows of an argument.
struct PlannedArgument {
    bool known = false;
    bool null = false;
    Datum value = 0;
};
inline constexpr int max_arguments = 5;

/// An argument that limits levels or rows: null means none, and so does one that is not known.
inline std::int32_t limit_of(const PlannedArgument& argument) {
    return argument.known && !argument.null ? DatumGetInt32(argument.value) : core::unlimited;
}

/// A set-returning function.
struct SetFunction {
    const char* symbol;  ///< the C function's name, which is the SQL function's
    stats::Function counted;
    /// Begins a call with the arguments in fcinfo. Allocates in the current context.
    OpenCall (*open)(FunctionCallInfo fcinfo, const Wanted& wanted);
    int columns;
    Column column[max_columns];
    int key_argument;   ///< of the node that the call is about; -1: the whole forest
    int tree_argument;  ///< the tree's name
    bool row_type;      ///< argument 0 is of the table's row type
    /// How many rows a call will give. `node` is the node or anchor that it is about: no_rank when there is none in the image, or for the
    /// whole forest. Negative: it cannot be told.
    double (*estimate)(const cache::ImageReader& reader, core::Rank node, const PlannedArgument* arguments,
                       const Conditions& conditions);
    /// The same for a node that is not known yet.
    double (*average)(const core::Image& image);
    /// The column that the rows come sorted by; Column::count: none.
    Column sorted_by;
};

extern const SetFunction tree_build, tree_page, tree_rows, tree_forest;              // open_below.cpp
extern const SetFunction tree_children, tree_siblings, tree_ancestors, tree_leaves;  // open_kin.cpp
extern const SetFunction tree_walk;                                                  // open_walk.cpp
extern const SetFunction tree_draw;                                                  // drawing.cpp

/// The key that a call is about.
stats::RootKey root_key(const SetFunction& function, FunctionCallInfo fcinfo);

/// The plain function: every row of a call into a tuplestore.
Datum put_every_row(FunctionCallInfo fcinfo, const SetFunction& function);

}  // namespace pg_tree::scan
