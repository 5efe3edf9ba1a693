// The first few descendants of a node, for who wants no more of them: a LIMIT, a page.
//
// The children of the root are read, then those of whoever stands among the first in what is known so far, and so on until everybody among
// the first has been asked for its children. Each round reads one more level of the nodes in front, in one query, and orders what is there
// anew.

#include "core/key_set.h"
#include "fetch/reading.h"
#include "fetch/receiver.h"
#include "pg/fault.h"

extern "C" {
#include "utils/array.h"
}

namespace pg_tree::fetch {

using core::Key;
using core::Node;

namespace {

/// In rows of a whole read, as in reading.cpp: a look-up is worth eight, starting a query eight look-ups, and ordering a row again one.
constexpr double rows_per_lookup = 8;
constexpr double lookups_per_query = 8;
constexpr double share_of_whole = 1.0 / 8;
constexpr double always_allowed = 8000;

struct Rounds {
    explicit Rounds(core::pmr::memory_resource* memory) : wanted(memory), asked(memory) {}
    core::Vector<Key> wanted;  ///< whose children are to be read next
    core::KeySet asked;
};

void fetch_children(Reading& reading, const Plan& plan, const core::Vector<Key>& parents) {
    const registry::KeyType& type = reading.keys->type();
    auto* values = static_cast<Datum*>(palloc(parents.size() * sizeof(Datum)));
    for (std::size_t i = 0; i < parents.size(); ++i) {
        values[i] = reading.keys->value(parents[i]);
    }
    ArrayType* array = construct_array(values, static_cast<int>(parents.size()), type.type, type.length, type.by_value,
                                       type.alignment);
    fetch_rows(reading, plan, PointerGetDatum(array));
    pfree(array);
    pfree(values);
}

/// Who among the first has not been asked for its children.
void choose(const Reading& reading, Rounds& rounds, const core::Walk& walk, Key root, std::int32_t max_level,
            std::size_t most) {
    rounds.wanted.clear();
    for (std::size_t i = 0; i < std::min(most, walk.nodes.size()); ++i) {
        const core::Row& row = reading.table->rows[walk.nodes[i]];
        if (row.has_key() && row.key != root && walk.levels[i] < max_level && rounds.asked.insert(row.key)) {
            rounds.wanted.push_back(row.key);
        }
    }
}

bool fetch_first(Reading& reading, Key root, std::int32_t max_level, std::size_t most) {
    const Plan& plan = prepare(reading.use, Access::children, reading.content);
    const Estimate whole = estimate(prepare(reading.use, Access::whole, reading.content));
    if (estimate(plan).cost > whole.cost / 2) {
        return false;  // no index serves it
    }
    const double affordable = std::max(always_allowed, share_of_whole * whole.rows);
    auto* rounds = pg::make_in_context<Rounds>(reading.context, reading.memory);
    pg::enter([&] { rounds->wanted.push_back(root); });
    for (double spent = 0; !rounds->wanted.empty();) {
        CHECK_FOR_INTERRUPTS();
        spent += (static_cast<double>(rounds->wanted.size()) + lookups_per_query) * rows_per_lookup;
        fetch_children(reading, plan, rounds->wanted);
        spent += static_cast<double>(reading.table->rows.size());
        if (spent > affordable) {
            return false;
        }
        order_below(reading, root, max_level);
        auto* walk = pg::make_in_context<core::Walk>(reading.context, reading.memory);
        pg::enter([&] {
            reading.forest->walk_depth_first(max_level, *walk);
            choose(reading, *rounds, *walk, root, max_level, most);
        });
    }
    return true;
}

}  // namespace

bool read_first_below(Reading& reading, Key root, std::int32_t max_level, std::size_t most) {
    SPI_connect();
    const bool enough = fetch_first(reading, root, max_level, most);
    SPI_finish();
    if (!enough) {
        pg::enter([&] { reading.table->clear(); });
        renew_forest(reading);
    }
    return enough;
}

}  // namespace pg_tree::fetch
