#include "scan/whole_rows.h"

#include "cache/ground.h"
#include "scan/rows_out.h"

extern "C" {
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/rls.h"
}

namespace pg_tree::scan {

using core::Node;
using core::Rank;

namespace {

/// Rows are read in batches, each larger than the one before, so that who wants a few does not wait for all.
constexpr std::size_t first_batch = 32;
constexpr std::size_t last_batch = 2048;  ///< after it, everything that is left

/// What is to come out, in order, and the row of each once it is known.
struct Batch {
    explicit Batch(core::pmr::memory_resource* memory)
        : ranks(memory), levels(memory), places(memory), rows(memory), keys(memory) {}
    core::Vector<Rank> ranks;  ///< ascending
    core::Vector<std::int32_t> levels;
    core::Vector<std::int64_t> places;  ///< in the call
    core::Vector<Node> rows;
    core::Vector<Datum> keys;
};

/// Puts each row where it is wanted; those that are not are left. False: one is missing, which an image that fits cannot bring about.
bool place_rows(Batch& batch, const cache::ImageReader& reader, const fetch::Reading& reading) {
    if (batch.ranks.empty()) {
        return true;
    }
    fetch::KeyEquality equality(reader.tree().key, reading.context);
    // A subtree without a limit is one stretch of ranks: then there is nothing to search.
    const Rank first = batch.ranks.front();
    const bool one_stretch = batch.ranks.back() - first + 1 == batch.ranks.size();
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
                        : static_cast<std::size_t>(std::lower_bound(batch.ranks.begin(), batch.ranks.end(), rank) -
                                                   batch.ranks.begin());
        if (position < batch.ranks.size() && batch.ranks[position] == rank) {
            Node& place = batch.rows[position];
            placed += place == core::no_node ? 1 : 0;
            place = node;
        }
    }
    return placed == batch.ranks.size();
}

class WholeRows final : public Rows {
public:
    WholeRows(const cache::ImageReader& reader, const registry::TreeUse& use, NodeRows* nodes, const Wanted& wanted)
        : reader_(reader), use_(use), nodes_(nodes), places_(wanted.places), context_(CurrentMemoryContext) {
        GetUserIdAndSecContext(&user_, &security_);
        row_security_ = row_security;
        batch_size_ = first_size_ = wanted.most < static_cast<double>(last_batch)
                                        ? static_cast<std::size_t>(std::max(wanted.most, 1.0))
                                        : first_batch;
    }

    /// Reads the next batch of rows, as the user who opened the call, whoever takes its rows. False: one of them is missing.
    bool read_batch() {
        Oid user;
        int security;
        GetUserIdAndSecContext(&user, &security);
        int level = 0;
        if (user != user_ || security != security_ || row_security != row_security_) {
            level = NewGUCNestLevel();
            SetUserIdAndSecContext(user_, security_);
            set_config_option("row_security", row_security_ ? "on" : "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
                              true, 0, false);
        }
        const bool complete = read_next();
        if (level > 0) {
            AtEOXact_GUC(true, level);
            SetUserIdAndSecContext(user, security);
        }
        return complete;
    }

    bool next(Datum* values, bool* nulls) override {
        if (next_ == batch_->ranks.size()) {
            if (next_ == 0) {
                return false;
            }
            if (!read_batch()) {
                ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR),
                        errmsg("tree %s has nodes without a row", use_.tree->name));
            }
            if (batch_->ranks.empty()) {
                return false;
            }
        }
        auto put = [&](Column column, Datum value) {
            if (const int at = places_.of(column); at >= 0) {
                values[at] = value;
                nulls[at] = false;
            }
        };
        prefetch_walk(*reading_->table, batch_->rows, next_);
        const core::Row& row = reading_->table->rows[batch_->rows[next_]];
        put(Column::node, static_cast<Datum>(row.payload[fetch::row_word]));
        put(Column::level, Int32GetDatum(batch_->levels[next_]));
        put(Column::rank, Int64GetDatum(batch_->places[next_]));
        ++next_;
        return true;
    }

    void rewind() override {
        if (batch_size_ == first_size_ * 8) {
            next_ = 0;  // it is still the first batch
            return;
        }
        nodes_->rewind();
        batch_size_ = first_size_;
        if (!read_batch()) {
            ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("tree %s has nodes without a row", use_.tree->name));
        }
    }

private:
    bool read_next() {
        if (reading_ != nullptr) {
            fetch::end_reading(reading_);
        }
        reading_ = fetch::begin_reading(use_, fetch::Content::rows, context_);
        batch_ = pg::make_in_context<Batch>(reading_->context, reading_->memory);
        const MemoryContext caller = MemoryContextSwitchTo(reading_->context);
        while (batch_->ranks.size() < batch_size_) {
            Datum values[2] = {};
            bool nulls[2];
            if (!nodes_->next(values, nulls)) {
                break;
            }
            CHECK_FOR_INTERRUPTS();
            const Rank node = nodes_->node();
            const Datum key = reader_.own_key(node);
            pg::enter([&] {
                batch_->ranks.push_back(node);
                batch_->levels.push_back(DatumGetInt32(values[0]));
                batch_->places.push_back(DatumGetInt64(values[1]));
                batch_->keys.push_back(key);
            });
        }
        skipped_ = nodes_->skipped();
        pg::enter([&] { batch_->rows.resize(batch_->ranks.size(), core::no_node); });
        batch_size_ = batch_size_ >= last_batch ? SIZE_MAX : batch_size_ * 8;
        next_ = 0;
        // Without keys too: that the caller may not read the table is told whether there are rows or not.
        fetch::read_rows_with_keys(*reading_, batch_->keys.data(), batch_->keys.size());
        MemoryContextSwitchTo(caller);
        return place_rows(*batch_, reader_, *reading_);
    }

    cache::ImageReader reader_;
    registry::TreeUse use_;
    NodeRows* nodes_;
    Places places_;
    MemoryContext context_;
    Batch* batch_ = nullptr;
    std::size_t batch_size_;
    std::size_t first_size_;
    std::size_t next_ = 0;
    Oid user_;
    int security_;
    bool row_security_;
};

bool may_read_whole_rows(Oid relation) {
    return pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
           pg_attribute_aclcheck_all(relation, GetUserId(), ACL_SELECT, ACLMASK_ALL) == ACLCHECK_OK;
}

}  // namespace

bool walk_whole_rows(const cache::ImageReader& reader, const registry::TreeUse& use, const ImageWalk& walk,
                     const Wanted& wanted, Rows*& rows) {
    if (reader.image().header().has_null_keys != 0) {
        return false;
    }
    if (!wanted.places.wants(Column::node) && may_read_whole_rows(use.tree->relation)) {
        rows = walk_image(reader, walk, wanted);
        return true;
    }
    Wanted of_nodes = wanted;
    of_nodes.places = Places::in_order({Column::level});
    if (wanted.places.wants(Column::rank)) {
        of_nodes.places.want(Column::rank, 1);
    }
    auto* whole = new (palloc(sizeof(WholeRows))) WholeRows(reader, use, walk_image(reader, walk, of_nodes), wanted);
    const cache::Ground& ground = cache::ground_of(use);
    if (ground.leaf_count > 1) {
        whole->keep_open(ground.leaves, ground.leaf_count);
    }
    if (!whole->read_batch()) {
        whole->close();
        return false;
    }
    rows = whole;
    return true;
}

}  // namespace pg_tree::scan
