#include "scan/whole_rows.h"

namespace pg_tree::scan {

using core::Node;
using core::Rank;

namespace {

/// What is to come out, in order, and the row of each once it is known.
struct Wanted {
    explicit Wanted(core::pmr::memory_resource* memory) : ranks(memory), levels(memory), rows(memory), keys(memory) {}
    core::Vector<Rank> ranks;  ///< ascending
    core::Vector<std::int32_t> levels;
    core::Vector<Node> rows;
    core::Vector<Datum> keys;
};

void list(Wanted& wanted, const cache::ImageReader& reader, ImageSource& source, core::Poller poller) {
    while (source.next()) {
        poller.step();
        wanted.ranks.push_back(source.rank());
        wanted.levels.push_back(source.level());
        wanted.keys.push_back(reader.own_key(source.rank()));
    }
    wanted.rows.resize(wanted.ranks.size(), core::no_node);
}

/// Puts each row where it is wanted; those that are not are left. False: one is missing, which an image that fits cannot bring about.
bool place_rows(Wanted& wanted, const cache::ImageReader& reader, const fetch::Reading& reading) {
    if (wanted.ranks.empty()) {
        return true;
    }
    fetch::KeyEquality equality(reader.tree().key, reading.context);
    // A subtree without a limit is one stretch of ranks: then there is nothing to search.
    const Rank first = wanted.ranks.front();
    const bool one_stretch = wanted.ranks.back() - first + 1 == wanted.ranks.size();
    const core::Vector<core::Row>& rows = reading.table->rows;
    std::size_t placed = 0;
    for (Node node = 0; node < rows.size(); ++node) {
        CHECK_FOR_INTERRUPTS();
        if (!rows[node].has_key()) {
            continue;
        }
        const Rank rank = reader.find_value(reading.keys->value(rows[node].key), equality);
        const std::size_t position =
            one_stretch ? std::size_t{rank} - first  // huge for a rank before it
                        : static_cast<std::size_t>(std::lower_bound(wanted.ranks.begin(), wanted.ranks.end(), rank) -
                                                   wanted.ranks.begin());
        if (position < wanted.ranks.size() && wanted.ranks[position] == rank) {
            Node& place = wanted.rows[position];
            placed += place == core::no_node ? 1 : 0;
            place = node;
        }
    }
    return placed == wanted.ranks.size();
}

}  // namespace

bool put_rows_of(RowsOut& out, const registry::TreeUse& use, const cache::ImageReader& reader, ImageSource& source) {
    if (reader.image().header().has_null_keys != 0) {
        return false;
    }
    fetch::Reading* reading = fetch::begin_reading(use, fetch::Content::rows, CurrentMemoryContext);
    auto* wanted = pg::make_in_context<Wanted>(reading->context, reading->memory);
    pg::enter([&] { list(*wanted, reader, source, core::Poller(*reading->interrupts)); });
    fetch::read_rows_with_keys(*reading, wanted->keys.data(), wanted->keys.size());
    const bool complete = place_rows(*wanted, reader, *reading);
    Datum values[3];
    bool nulls[3] = {};
    for (std::size_t i = 0; complete && i < wanted->ranks.size(); ++i) {
        const core::Row& row = reading->table->rows[wanted->rows[i]];
        values[0] = static_cast<Datum>(row.payload[fetch::row_word]);
        values[1] = Int32GetDatum(wanted->levels[i]);
        values[2] = Int64GetDatum(static_cast<int64>(i) + 1);
        out.put(values, nulls);
    }
    fetch::end_reading(reading);
    return complete;
}

}  // namespace pg_tree::scan
