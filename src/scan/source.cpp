#include "scan/source.h"

namespace pg_tree::scan {

using core::Rank;

bool TableSource::is_last_sibling() const {
    const core::Forest& forest = *below_.forest;
    const core::Node node = walk_.nodes[next_ - 1];
    std::span<const core::Node> siblings = forest.children_of(row().parent_node);
    if (siblings.back() == forest.start_node()) {  // a cycle through the start: it does not come again
        siblings = siblings.first(siblings.size() - 1);
    }
    return siblings.back() == node;
}

ImageSource::ImageSource(const cache::ImageReader& reader, Rank start, std::int32_t max_level, Rank after)
    : reader_(reader), start_(start), max_level_(max_level) {
    const core::Image& image = reader.image();
    if (start == core::no_rank || max_level < 0) {
        return;
    }
    if (image.is_node(start)) {
        base_level_ = image.level(start) + 1;
        next_ = after == core::no_rank ? start + 1 : after + 1;
        end_ = image.end(start);
        return;
    }
    further_ = image.children_of_anchor(start);
    if (after != core::no_rank) {
        // The child below which `after` stands is the last one that does not come behind it.
        const auto behind = std::upper_bound(further_.begin(), further_.end(), after);
        next_ = after + 1;
        end_ = behind == further_.begin() ? next_ : image.end(*(behind - 1));
        further_ = further_.subspan(static_cast<std::size_t>(behind - further_.begin()));
    }
}

ImageSource ImageSource::forest(const cache::ImageReader& reader, std::int32_t max_level) {
    ImageSource source(reader, core::no_rank, max_level);
    source.end_ = max_level < 0 ? 0 : reader.image().header().in_tree;
    return source;
}

bool ImageSource::next() {
    const core::Image& image = reader_.image();
    if (current_ != core::no_rank) {
        next_ = level() >= max_level_ ? image.end(current_) : current_ + 1;
    }
    if (next_ >= end_) {
        if (further_.empty()) {
            return false;
        }
        next_ = further_.front();
        end_ = image.end(next_);
        further_ = further_.subspan(1);
    }
    current_ = next_;
    return true;
}

bool ImageSource::is_last_sibling() const {
    const core::Image& image = reader_.image();
    const Rank parent = image.parent(current_);
    return image.is_node(parent) && parent != current_ ? image.end(current_) == image.end(parent)
                                                       : further_.empty() && image.end(current_) == end_;
}

void put_image_node(RowsOut& out, const cache::ImageReader& reader, Rank rank, std::int32_t depth) {
    const MemoryContext caller = MemoryContextSwitchTo(out.row_memory());
    Datum values[5];
    bool nulls[5];
    reader.fill_node(rank, values, nulls);
    nulls[4] = depth < 0;
    values[4] = Int32GetDatum(depth);
    out.put(values, nulls);
    MemoryContextSwitchTo(caller);
}

char* key_text(Datum key, fetch::KeyForm form) {
    if (form == fetch::KeyForm::text) {
        return TextDatumGetCString(key);
    }
    Oid output;
    bool varlena;
    getTypeOutputInfo(fetch::type_of(form), &output, &varlena);
    return OidOutputFunctionCall(output, key);
}

char* label_of(const Datum* values, const bool* nulls, fetch::KeyForm form) {
    if (!nulls[2]) {
        return TextDatumGetCString(values[2]);
    }
    return nulls[0] ? pstrdup("") : key_text(values[0], form);
}

}  // namespace pg_tree::scan
