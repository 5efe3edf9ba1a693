// Where nodes come from: rows that were just read, or an image. What writes them out is written once, for both.
//
// A source is stood on one node after another by next(), in pre-order. fill() gives id, code, name, parent_id in the caller's form at
// [0..3]; fill_start() the same for the node that the walk began at, where there is one.
#pragma once

#include "cache/image_reader.h"
#include "pg/fault.h"
#include "scan/rows_out.h"

namespace pg_tree::scan {

/// A walk over a finished reading, or a stretch of one.
class TableSource {
public:
    TableSource(const fetch::Reading& below, const core::Walk& walk, fetch::KeyForm form, std::size_t first = 0,
                std::size_t count = SIZE_MAX)
        : below_(below),
          walk_(walk),
          form_(form),
          next_(first),
          end_(first + std::min(count, walk.nodes.size() - first)) {}

    /// The start's own row, read with Content::nodes.
    void set_start(const fetch::Reading& above, const core::Row& self) {
        above_ = &above;
        self_ = &self;
    }

    fetch::KeyForm form() const { return form_; }
    bool next() {
        if (next_ == end_) {
            return false;
        }
        prefetch_walk(*below_.table, walk_, next_);
        ++next_;
        return true;
    }
    std::int32_t level() const { return walk_.levels[next_ - 1]; }
    void fill(Datum* values, bool* nulls) const { fill_node(below_, row(), form_, values, nulls); }
    void fill_start(Datum* values, bool* nulls) const { fill_node(*above_, *self_, form_, values, nulls); }
    bool is_last_sibling() const;

private:
    const core::Row& row() const { return below_.table->rows[walk_.nodes[next_ - 1]]; }

    const fetch::Reading& below_;
    const core::Walk& walk_;
    fetch::KeyForm form_;
    std::size_t next_;
    std::size_t end_;
    const fetch::Reading* above_ = nullptr;
    const core::Row* self_ = nullptr;
};

/// The descendants of a node or anchor of an image, down to a level.
class ImageSource {
public:
    /// `start` may be no_rank: then there are none. `after`: begin behind this descendant instead of at the first.
    ImageSource(const cache::ImageReader& reader, core::Rank start, std::int32_t max_level,
                core::Rank after = core::no_rank);

    /// The whole forest, roots at level 0.
    static ImageSource forest(const cache::ImageReader& reader, std::int32_t max_level);

    fetch::KeyForm form() const { return reader_.form(); }
    bool next();
    core::Rank rank() const { return current_; }
    std::int32_t level() const { return reader_.image().level(current_) - base_level_; }
    void fill(Datum* values, bool* nulls) const { reader_.fill_node(current_, values, nulls); }
    void fill_start(Datum* values, bool* nulls) const { reader_.fill_node(start_, values, nulls); }
    bool is_last_sibling() const;

private:
    const cache::ImageReader& reader_;
    core::Rank start_;
    std::int32_t max_level_;
    std::int32_t base_level_ = 0;
    core::Rank next_ = 0;
    core::Rank end_ = 0;
    core::Rank current_ = core::no_rank;
    std::span<const core::Rank> further_;  ///< an anchor's children after the one being walked
};

/// Every node of a source as id, code, name, parent_id, level. `most`: rows.
template <class Source>
void put_source(RowsOut& out, Source& source, std::size_t most = SIZE_MAX) {
    pg::server_fault_point(pg::Fault::emit);
    const MemoryContext caller = MemoryContextSwitchTo(out.row_memory());
    Datum values[5];
    bool nulls[5];
    for (; most > 0 && source.next(); --most) {
        source.fill(values, nulls);
        values[4] = Int32GetDatum(source.level());
        nulls[4] = false;
        out.put(values, nulls);
    }
    MemoryContextSwitchTo(caller);
}

/// One node as id, code, name, parent_id, depth. depth below 0 is null.
void put_image_node(RowsOut& out, const cache::ImageReader& reader, core::Rank rank, std::int32_t depth);

/// What a person reads for a node: its name or, when that is null, its key. `values` as fill() gives them.
char* label_of(const Datum* values, const bool* nulls, fetch::KeyForm form);
/// A key as text, from the caller's form.
char* key_text(Datum key, fetch::KeyForm form);

}  // namespace pg_tree::scan
