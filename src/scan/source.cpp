#include "scan/source.h"

namespace pg_tree::scan {

using core::Rank;

bool TableSource::is_last_sibling() const {
    const core::Forest& forest = *below_->forest;
    const core::Node node = walk_->nodes[next_ - 1];
    std::span<const core::Node> siblings = forest.children_of(row().parent_node);
    if (siblings.back() == forest.start_node()) {  // a cycle through the start: it does not come again
        siblings = siblings.first(siblings.size() - 1);
    }
    return siblings.back() == node;
}

ImageSource::ImageSource(const cache::ImageReader& reader, Rank start, std::int32_t max_level)
    : reader_(reader),
      start_(start),
      max_level_(max_level),
      base_level_(reader.image().level(start) + 1),
      next_(start + 1),
      end_(max_level < 0 ? start + 1 : reader.image().end(start)) {}

bool ImageSource::next() {
    const core::Image& image = reader_.image();
    if (current_ != core::no_rank) {
        next_ = level() >= max_level_ ? image.end(current_) : current_ + 1;
    }
    if (next_ >= end_) {
        return false;
    }
    current_ = next_;
    return true;
}

bool ImageSource::is_last_sibling() const {
    const core::Image& image = reader_.image();
    return image.end(current_) == image.end(image.parent(current_));
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
