// Where nodes come from: rows that were just read, or an image. What writes them out is written once, for both.
//
// A source is stood on one node after another by next(), in pre-order. fill() gives id, code, name, parent_id in the caller's form at
// [0..3]; fill_start() the same for the node that the walk began at, where there is one.
#pragma once

#include "cache/image_reader.h"
#include "scan/rows_out.h"

namespace pg_tree::scan {

/// A walk over a finished reading, or a stretch of one.
class TableSource {
public:
    TableSource(const fetch::Reading& below, const core::Walk& walk, fetch::KeyForm form)
        : below_(&below), walk_(&walk), form_(form), end_(walk.nodes.size()) {}

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
        prefetch_walk(*below_->table, walk_->nodes, next_);
        ++next_;
        return true;
    }
    std::int32_t level() const { return walk_->levels[next_ - 1]; }
    void fill(Datum* values, bool* nulls) const { fill_node(*below_, row(), form_, values, nulls); }
    void fill_start(Datum* values, bool* nulls) const { fill_node(*above_, *self_, form_, values, nulls); }
    bool is_last_sibling() const;

private:
    const core::Row& row() const { return below_->table->rows[walk_->nodes[next_ - 1]]; }

    const fetch::Reading* below_;
    const core::Walk* walk_;
    fetch::KeyForm form_;
    std::size_t next_ = 0;
    std::size_t end_;
    const fetch::Reading* above_ = nullptr;
    const core::Row* self_ = nullptr;
};

/// The descendants of a node of an image, down to a level.
class ImageSource {
public:
    ImageSource(const cache::ImageReader& reader, core::Rank start, std::int32_t max_level);

    fetch::KeyForm form() const { return reader_.form(); }
    bool next();
    std::int32_t level() const { return reader_.image().level(current_) - base_level_; }
    void fill(Datum* values, bool* nulls) const { reader_.fill_node(current_, values, nulls); }
    void fill_start(Datum* values, bool* nulls) const { reader_.fill_node(start_, values, nulls); }
    bool is_last_sibling() const;

private:
    cache::ImageReader reader_;
    core::Rank start_;
    std::int32_t max_level_;
    std::int32_t base_level_ = 0;
    core::Rank next_ = 0;
    core::Rank end_ = 0;
    core::Rank current_ = core::no_rank;
};

/// What a person reads for a node: its name or, when that is null, its key. `values` as fill() gives them.
char* label_of(const Datum* values, const bool* nulls, fetch::KeyForm form);
/// A key as text, from the caller's form.
char* key_text(Datum key, fetch::KeyForm form);

}  // namespace pg_tree::scan
