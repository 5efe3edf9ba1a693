#include "fetch/reading.h"

#include "core/key_set.h"
#include "fetch/receiver.h"
#include "pg/fault.h"

extern "C" {
#include "utils/array.h"
#include "utils/guc.h"
}

namespace pg_tree::fetch {

using core::Key;
using core::Node;

namespace {

int max_build_memory_kb = 256 * 1024;

/// A look-up by index costs about as much as eight rows of a whole read that are fetched and linked, and starting a query as
/// much as eight look-ups (measured with everything in shared buffers). How much is still below is not known until it
/// is read, so a read by level may spend an eighth of what the whole would cost; then it is given up.
constexpr double lookups_per_query = 8;
constexpr double rows_per_lookup = 8;
constexpr double share_of_whole = 1.0 / 8;
constexpr double always_allowed_lookups = 1000;

double affordable_lookups(double rows_in_table) {
    return std::max(always_allowed_lookups, share_of_whole * rows_in_table / rows_per_lookup);
}

Datum key_array(const Reading& reading, const core::Vector<Key>& keys) {
    const registry::KeyType& type = reading.keys->type();
    auto* values = static_cast<Datum*>(palloc(keys.size() * sizeof(Datum)));
    for (std::size_t i = 0; i < keys.size(); ++i) {
        values[i] = reading.keys->value(keys[i]);
    }
    return PointerGetDatum(
        construct_array(values, static_cast<int>(keys.size()), type.type, type.length, type.by_value, type.alignment));
}

[[noreturn]] void refuse_duplicate(const Reading& reading, Key key) {
    const Datum value = reading.keys->to_caller(key, KeyForm::text);
    ereport(ERROR, errcode(ERRCODE_CARDINALITY_VIOLATION),
            errmsg("tree %s has more than one row with the key %s", reading.tree().name, TextDatumGetCString(value)),
            errdetail("Key column \"%s\" must be unique.", reading.tree().id_column),
            errhint("Remove the duplicate, or register with another key column or a filter."));
    pg_unreachable();
}

/// Room for as many rows as the planner expects, unless that alone would be half of what may be used: it may be wrong.
void reserve(Reading& reading, double rows) {
    const double bytes = rows * (sizeof(core::Row) + sizeof(uint64));
    if (rows >= 1000 && bytes < static_cast<double>(max_build_memory_kb) * 1024 / 2) {
        pg::enter([&] {
            const auto count = static_cast<std::size_t>(rows * 1.02);
            reading.table->rows.reserve(count);
            if (reading.order != nullptr) {
                reading.table->prefixes.reserve(count);
            }
        });
    }
}

void fetch_whole(Reading& reading, Access access) {
    const Plan& plan = prepare(reading.use, access, reading.content);
    const double expected = estimate(plan).rows;
    reserve(reading, expected);
    if (reading.progress != nullptr) {
        pg_atomic_write_u64(&reading.progress->total, static_cast<uint64>(expected));
    }
    fetch_rows(reading, plan);
}

void link(Reading& reading, core::Start start) {
    pg::server_fault_point(pg::Fault::assemble);
    const core::KeyIndex::Duplicate duplicate = pg::enter([&] { return reading.forest->link(start); });
    if (duplicate.second != core::no_node) {
        refuse_duplicate(reading, reading.table->rows[duplicate.first].key);
    }
}

/// Sorts by prefixes, and settles what they leave open.
template <class Sort>
void settle(Reading& reading, Sort&& sort) {
    struct Runs {
        const core::OpenRun* first;
        std::size_t count;
    };
    const Runs runs = pg::enter([&]() -> Runs {
        const auto* open = sort();
        return {open->data(), open->size()};
    });
    reading.order->settle(*reading.table, *reading.keys, reading.forest->children(), runs.first, runs.count);
}

void report(const Reading& reading, Progress::Phase phase) {
    if (reading.progress != nullptr) {
        pg_atomic_write_u64(&reading.progress->done, reading.table->rows.size());
        pg_atomic_write_u32(&reading.progress->phase, phase);
    }
}

/// What is to be asked for next while reading level by level.
struct Frontier {
    explicit Frontier(core::pmr::memory_resource* memory) : keys(memory), seen(memory) {}
    core::Vector<Key> keys;
    core::KeySet seen;
};

/// The keys of the rows from `first` on become the frontier. A duplicate ends the read: no_node means there is none.
Node advance(Reading& reading, Frontier& frontier, Key root, std::size_t first) {
    frontier.keys.clear();
    const auto& rows = reading.table->rows;
    for (std::size_t i = first; i < rows.size(); ++i) {
        if (rows[i].has_key() && rows[i].key != root) {
            if (!frontier.seen.insert(rows[i].key)) {
                return static_cast<Node>(i);
            }
            frontier.keys.push_back(rows[i].key);
        }
    }
    return core::no_node;
}

/// False: the whole table had better be read; the reading's table may hold rows already.
bool fetch_levels(Reading& reading, Key root, std::int32_t max_level) {
    const Plan& plan = prepare(reading.use, Access::children, reading.content);
    const Estimate whole = estimate(prepare(reading.use, Access::whole, reading.content));
    // Where no index serves it, a level costs as much as the whole table; one level then still needs no more memory than
    // its own rows.
    if (max_level > 0 && estimate(plan).cost > whole.cost / 2) {
        return false;
    }
    LargeRoots& large = large_roots(reading.use);
    const uint32 root_hash = reading.keys->hash(root);
    if (max_level == core::unlimited && large.expects(root_hash)) {
        return false;
    }
    const double affordable = affordable_lookups(whole.rows);
    auto* frontier = pg::make_in_context<Frontier>(reading.context, reading.memory);
    pg::enter([&] { frontier->keys.push_back(root); });
    double spent = 0;
    for (std::int32_t level = 0;; ++level) {
        const std::size_t first = reading.table->rows.size();
        const Datum keys = key_array(reading, frontier->keys);
        fetch_rows(reading, plan, keys);
        pfree(DatumGetPointer(keys));
        if (level == max_level) {
            return true;
        }
        const Node duplicate = pg::enter([&] { return advance(reading, *frontier, root, first); });
        if (duplicate != core::no_node) {
            refuse_duplicate(reading, reading.table->rows[duplicate].key);
        }
        if (frontier->keys.empty()) {
            return true;
        }
        spent += static_cast<double>(frontier->keys.size()) + lookups_per_query;
        if (spent > affordable) {
            if (max_level == core::unlimited) {
                large.remember(root_hash);
            }
            return false;
        }
    }
}

/// What walking up from a row comes to.
enum class Step { on, stop };

Step climb(Chain& chain, const core::NodeTable& table, core::KeySet& seen, Node node) {
    const core::Row& row = table.rows[node];
    if (row.rejected()) {
        chain.end = Chain::End::outside;
        return Step::stop;
    }
    if (!seen.insert(row.key)) {
        chain.end = Chain::End::cycle;
        return Step::stop;
    }
    chain.nodes.push_back(node);
    if (!row.has_parent() || row.is_its_own_parent()) {
        chain.end = Chain::End::root;
        return Step::stop;
    }
    return Step::on;
}

/// The next key upwards has no row: the last node is an orphan, hence a root; with no node at all, the key is unknown.
void stop_at_missing(Chain& chain) { chain.end = chain.nodes.empty() ? Chain::End::unknown : Chain::End::root; }

struct Climb {
    explicit Climb(core::pmr::memory_resource* memory) : seen(memory), index(memory) {}
    core::KeySet seen;
    core::KeyIndex index;
};

/// The row that a look-up found among those from `first` on: the one inside the tree's filter if there is one. no_node: none.
Node found_row(const Reading& reading, std::size_t first, Key key) {
    const auto& rows = reading.table->rows;
    Node found = core::no_node;
    for (std::size_t i = first; i < rows.size(); ++i) {
        if (found == core::no_node || rows[found].rejected()) {
            found = static_cast<Node>(i);
        } else if (!rows[i].rejected()) {
            refuse_duplicate(reading, key);
        }
    }
    return found;
}

/// False: the chain is too long for the table to be read row by row.
bool climb_by_lookup(Reading& reading, Chain& chain, Key key) {
    const Plan& plan = prepare(reading.use, Access::lookup, reading.content);
    const Estimate whole = estimate(prepare(reading.use, Access::whole_flagged, reading.content));
    const double lookup_cost = std::max(estimate(plan).cost, 1e-6);
    // A scan for each step (no index): stop when that costs more than reading everything.
    const double affordable =
        lookup_cost > whole.cost / 2 ? whole.cost / lookup_cost : affordable_lookups(whole.rows) / lookups_per_query;
    auto* climbing = pg::make_in_context<Climb>(reading.context, reading.memory);
    for (double steps = 0;; ++steps) {
        if (steps > affordable) {
            return false;
        }
        const std::size_t first = reading.table->rows.size();
        fetch_rows(reading, plan, reading.keys->value(key));
        const Node node = found_row(reading, first, key);
        if (node == core::no_node) {
            stop_at_missing(chain);
            return true;
        }
        if (pg::enter([&] { return climb(chain, *reading.table, climbing->seen, node); }) == Step::stop) {
            return true;
        }
        key = reading.table->rows[node].parent;
    }
}

void climb_in_memory(Reading& reading, Chain& chain, Key key) {
    auto* climbing = pg::make_in_context<Climb>(reading.context, reading.memory);
    core::Poller poller(*reading.interrupts);
    const core::KeyIndex::Duplicate duplicate =
        pg::enter([&] { return climbing->index.build(reading.table->rows, poller); });
    if (duplicate.second != core::no_node) {
        refuse_duplicate(reading, reading.table->rows[duplicate.first].key);
    }
    pg::enter([&] {
        const core::NodeTable& table = *reading.table;
        for (Key next = key;; next = table.rows[chain.nodes.back()].parent) {
            poller.step();
            const Node node = climbing->index.find(table.rows, next);
            if (node == core::no_node) {
                stop_at_missing(chain);
                return;
            }
            if (climb(chain, table, climbing->seen, node) == Step::stop) {
                return;
            }
        }
    });
}

Reading* make_reading(const registry::TreeUse& use, Content content, MemoryContext context) {
    MemoryContext caller = MemoryContextSwitchTo(context);
    auto* reading = static_cast<Reading*>(palloc0(sizeof(Reading)));
    reading->use = use;
    reading->content = content;
    reading->context = context;
    MemoryContextSwitchTo(caller);
    return reading;
}

/// The parts that a read beside another has for itself.
void make_own_parts(Reading& reading) {
    reading.table = pg::make_in_context<core::NodeTable>(reading.context, reading.memory);
    reading.forest =
        pg::make_in_context<core::Forest>(reading.context, *reading.table, reading.memory, *reading.interrupts);
    const Layout& layout = layout_of(reading.use, reading.content);
    reading.parent_word = layout.parent_word;
    if (reading.content != Content::keys) {
        MemoryContext caller = MemoryContextSwitchTo(reading.context);
        reading.order = new (palloc(sizeof(SiblingOrder))) SiblingOrder(reading.tree(), layout, reading.context);
        MemoryContextSwitchTo(caller);
    }
}

}  // namespace

int max_build_memory() { return max_build_memory_kb; }

void define_settings() {
    DefineCustomIntVariable("pg_tree.max_build_memory", "The most memory that reading one tree may take.",
                            "A tree that needs more is refused with an error.", &max_build_memory_kb, 256 * 1024, 64,
                            MAX_KILOBYTES, PGC_SUSET, GUC_UNIT_KB, nullptr, nullptr, nullptr);
}

Reading* begin_reading(const registry::TreeUse& use, Content content, MemoryContext parent) {
    MemoryContext context = AllocSetContextCreate(parent, "pg_tree read", ALLOCSET_DEFAULT_SIZES);
    Reading* reading = make_reading(use, content, context);
    reading->memory = pg::make_in_context<pg::ContextResource>(context, context, reading->tree().name,
                                                               static_cast<std::size_t>(max_build_memory_kb) * 1024);
    reading->interrupts = pg::make_in_context<pg::ServerInterrupts>(context);
    reading->keys = pg::make_in_context<Keys>(context, reading->tree().key, context, reading->memory);
    make_own_parts(*reading);
    return reading;
}

Reading* begin_reading_beside(const Reading& first, Content content) {
    Reading* reading = make_reading(first.use, content, first.context);
    reading->leave_undone = first.leave_undone;
    reading->memory = first.memory;
    reading->interrupts = first.interrupts;
    reading->keys = first.keys;
    make_own_parts(*reading);
    return reading;
}

void end_reading(Reading* reading) { MemoryContextDelete(reading->context); }

void read_below(Reading& reading, Key root, std::int32_t max_level) {
    SPI_connect();
    if (max_level < 0) {
        // Nothing is wanted, but who may not read the table is to be told so all the same.
        fetch_rows(reading, prepare(reading.use, Access::children, reading.content),
                   PointerGetDatum(construct_empty_array(reading.keys->type().type)));
    } else if (!fetch_levels(reading, root, max_level)) {
        pg::enter([&] { reading.table->clear(); });
        if (reading.leave_undone) {
            reading.left_undone = true;
            SPI_finish();
            return;
        }
        fetch_whole(reading, Access::whole);
    }
    SPI_finish();
    link(reading, core::Start::below(root));
}

void renew_forest(Reading& reading) {
    reading.forest =
        pg::make_in_context<core::Forest>(reading.context, *reading.table, reading.memory, *reading.interrupts);
}

void order_below(Reading& reading, Key root, std::int32_t max_level) {
    renew_forest(reading);
    link(reading, core::Start::below(root));
    arrange(reading, max_level);
}

void read_forest(Reading& reading) {
    if (reading.leave_undone) {
        reading.left_undone = true;
        return;
    }
    SPI_connect();
    // With a filter, rows outside the tree must be known too: their children are not orphans.
    fetch_whole(reading, Access::whole_flagged);
    SPI_finish();
    link(reading, core::Start::everywhere());
}

void read_everything(Reading& reading) {
    report(reading, Progress::reading);
    SPI_connect();
    fetch_whole(reading, Access::whole_flagged);
    SPI_finish();
    report(reading, Progress::linking);
    link(reading, core::Start::everywhere());
    report(reading, Progress::sorting);
    settle(reading, [&] { return &reading.forest->sort_everything(reading.order->prefix_decides()); });
}

void read_rows_with_keys(Reading& reading, const Datum* keys, std::size_t count) {
    SPI_connect();
    const Estimate whole = estimate(prepare(reading.use, Access::whole, reading.content));
    if (static_cast<double>(count) * rows_per_lookup > whole.rows) {
        fetch_whole(reading, Access::whole);
    } else {
        const registry::KeyType& type = reading.keys->type();
        constexpr std::size_t at_once = 10000;
        for (std::size_t first = 0; first < count; first += at_once) {
            ArrayType* some =
                construct_array(const_cast<Datum*>(keys + first), static_cast<int>(std::min(at_once, count - first)),
                                type.type, type.length, type.by_value, type.alignment);
            fetch_rows(reading, prepare(reading.use, Access::keys, reading.content), PointerGetDatum(some));
            pfree(some);
        }
        if (count == 0) {  // who may not read the table is to be told so all the same
            fetch_rows(reading, prepare(reading.use, Access::keys, reading.content),
                       PointerGetDatum(construct_empty_array(type.type)));
        }
    }
    SPI_finish();
}

void read_parentless(Reading& reading) {
    SPI_connect();
    fetch_rows(reading, prepare(reading.use, Access::parentless, reading.content));
    SPI_finish();
    link(reading, core::Start::everywhere());
}

void arrange(Reading& reading, std::int32_t max_level) {
    if (reading.order == nullptr) {
        return;
    }
    settle(reading, [&] { return &reading.forest->sort_children(reading.order->prefix_decides(), max_level); });
}

Chain* read_node(Reading& reading, Key key) {
    if (reading.tree().filter != nullptr) {
        return read_chain(reading, key);
    }
    auto* chain = pg::make_in_context<Chain>(reading.context, reading.memory);
    auto* climbing = pg::make_in_context<Climb>(reading.context, reading.memory);
    SPI_connect();
    fetch_rows(reading, prepare(reading.use, Access::lookup, reading.content), reading.keys->value(key));
    SPI_finish();
    if (const Node node = found_row(reading, 0, key); node != core::no_node) {
        pg::enter([&] { climb(*chain, *reading.table, climbing->seen, node); });
        chain->end = Chain::End::root;
    }
    return chain;
}

Chain* read_chain(Reading& reading, Key key) {
    auto* chain = pg::make_in_context<Chain>(reading.context, reading.memory);
    SPI_connect();
    if (!climb_by_lookup(reading, *chain, key)) {
        pg::enter([&] {
            reading.table->clear();
            chain->nodes.clear();
        });
        if (reading.leave_undone) {
            reading.left_undone = true;
            SPI_finish();
            return chain;
        }
        fetch_whole(reading, Access::whole_flagged);
        SPI_finish();
        climb_in_memory(reading, *chain, key);
        return chain;
    }
    SPI_finish();
    return chain;
}

}  // namespace pg_tree::fetch
