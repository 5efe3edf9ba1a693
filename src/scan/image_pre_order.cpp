#include "scan/image_streams.h"

namespace pg_tree::scan {

using cache::ImageReader;
using core::Image;
using core::Rank;

namespace {

/// Payloads are read one after the other; asking for them this far ahead hides what is left of the wait.
constexpr Rank nodes_ahead = 32;

/// In pre-order: by stretches of ranks, of which there is one below a node, and one for each child of an anchor.
class PreOrder final : public NodeRows {
public:
    PreOrder(const ImageReader& reader, const ImageWalk& walk, const Wanted& wanted)
        : filler_(reader, walk, wanted.places),
          walk_(walk),
          sieve_(walk, wanted.conditions),
          rank_(wanted.conditions.rank) {
        const Image& image = reader.image();
        last_node_ = image.nodes() == 0 ? 0 : image.nodes() - 1;
        const std::int64_t deepest = image.header().deepest;
        const bool all_levels = walk.last_level >= deepest;
        // The rank in the call is the place in the stretch, unless levels are left out that the call does not have.
        counts_ = !all_levels && asks_for_rank(wanted);
        last_level_ =
            counts_ || walk.most != SIZE_MAX ? walk.last_level : std::min(walk.last_level, sieve_.last_level());
        hops_ = last_level_ < deepest;
        counts_skipped_ = last_level_ < walk.last_level;
        filters_ = counts_ || !sieve_.lets_all_pass() || rank_.limits() || walk.most != SIZE_MAX;
        rewind();
    }

    void rewind() override {
        const Image& image = filler_.image();
        node_ = core::no_rank;
        begin_ = next_ = end_ = 0;
        before_ = counted_ = 0;
        left_ = walk_.most;
        further_ = {};
        if (sieve_.lets_none_pass() || rank_.low > rank_.high || walk_.last_level < first_level(image, walk_)) {
            return;
        }
        if (walk_.start == core::no_rank) {
            end_ = image.header().in_tree;
        } else if (image.is_node(walk_.start)) {
            begin_ = walk_.start + (walk_.include_start ? 0 : 1);
            end_ = image.end(walk_.start);
        } else {
            further_ = image.children_of_anchor(walk_.start);
        }
        next_ = begin_;
        if (walk_.after != core::no_rank) {
            begin_behind(walk_.after);
        }
        if (!counts_ && rank_.low > 1) {
            begin_at(rank_.low);
        }
    }

    int next_rows(Datum* values, bool* nulls, int stride, int most) override {
        if (filters_ || hops_) {
            return many(*this, filler_, values, nulls, stride, most);
        }
        if (next_ >= end_ && !begin_stretch()) {
            return 0;
        }
        // Every node of the stretch, one after the other. What is looked at for each is copied: writing values could else change it, as far
        // as the compiler can tell.
        const Filler filler = filler_;
        const Rank last_node = last_node_;
        const Rank first = next_;
        const Rank count = std::min<Rank>(filler.makes_large_values() ? 1 : static_cast<Rank>(most), end_ - first);
        const std::int64_t rank = before_ + (first - begin_) + 1;
        for (Rank i = 0; i < count; ++i) {
            filler.image().prefetch(std::min(first + i + nodes_ahead, last_node));
            filler.fill(first + i, rank + i, values, nulls);
            values += stride;
            nulls += stride;
        }
        next_ = first + count;
        node_ = next_ - 1;
        return static_cast<int>(count);
    }
    bool allocates() const override { return filler_.allocates(); }

    bool next(Datum* values, bool* nulls) override {
        if (!(filters_ ? advance_filtered() : advance())) {
            return false;
        }
        filler_.image().prefetch(std::min(node_ + nodes_ahead, last_node_));
        filler_.fill(node_, rank_here(), values, nulls);
        return true;
    }

private:
    std::int64_t rank_here() const {
        return counts_ ? counted_ : before_ + static_cast<std::int64_t>(node_ - begin_) + 1;
    }

    [[gnu::always_inline]] bool advance() {
        const Image& image = filler_.image();
        if (hops_ && node_ != core::no_rank && image.level(node_) >= last_level_) {
            next_ = image.end(node_);
            if (counts_skipped_) {
                skipped_ += image.size(node_) - 1;
            }
        }
        if (next_ >= end_ && !begin_stretch()) {
            node_ = core::no_rank;  // what it cuts off has been counted
            return false;
        }
        node_ = next_++;
        return true;
    }

    [[gnu::noinline]] bool begin_stretch() {
        while (next_ >= end_) {
            if (further_.empty()) {
                return false;
            }
            before_ += end_ - begin_;
            begin_ = next_ = further_.front();
            end_ = filler_.image().end(next_);
            further_ = further_.subspan(1);
        }
        return true;
    }

    [[gnu::noinline]] bool advance_filtered() {
        const Image& image = filler_.image();
        while (left_ > 0 && advance()) {
            --left_;
            ++counted_;
            const std::int64_t rank = rank_here();
            if (rank > rank_.high) {
                finish();
                return false;
            }
            if (image.level(node_) <= last_level_ && rank >= rank_.low && sieve_.passes(image, node_)) {
                return true;
            }
            skipped_ += node_ == walk_.except || walk_.only_leaves ? 0 : 1;
            CHECK_FOR_INTERRUPTS();
        }
        return false;
    }

    /// Everything from here on is left out.
    void finish() {
        skipped_ += end_ - node_;  // this node among them
        for (const Rank child : further_) {
            skipped_ += filler_.image().size(child);
        }
        end_ = next_ = node_;
        further_ = {};
        left_ = 0;
    }

    void begin_behind(Rank after) {
        const Image& image = filler_.image();
        next_ = after + 1;
        if (!image.is_node(walk_.start)) {
            // The child below which `after` stands is the last one that does not come behind it.
            const auto behind = std::upper_bound(further_.begin(), further_.end(), after);
            begin_ = behind == further_.begin() ? next_ : *(behind - 1);
            end_ = behind == further_.begin() ? next_ : image.end(begin_);
            further_ = further_.subspan(static_cast<std::size_t>(behind - further_.begin()));
        }
    }

    /// Goes on to the row of this rank in the call, of which every level comes out.
    void begin_at(std::int64_t rank) {
        const Image& image = filler_.image();
        for (;;) {
            const auto here = static_cast<std::int64_t>(end_ - begin_);
            if (rank <= before_ + here) {
                next_ = begin_ + static_cast<Rank>(rank - 1 - before_);
                break;
            }
            next_ = end_;
            if (further_.empty()) {
                break;
            }
            before_ += here;
            begin_ = next_ = further_.front();
            end_ = image.end(begin_);
            further_ = further_.subspan(1);
        }
        skipped_ += static_cast<std::uint64_t>(before_) + (next_ - begin_);
    }

    Filler filler_;
    ImageWalk walk_;
    Sieve sieve_;
    Range rank_;
    Rank last_node_;  ///< of the image
    std::int64_t last_level_;
    bool hops_;
    bool counts_;          ///< ranks in the call are counted as rows go by
    bool counts_skipped_;  ///< what is cut off is not the call's own limit
    bool filters_;

    Rank next_ = 0;
    Rank begin_ = 0;  ///< of the stretch
    Rank end_ = 0;
    std::int64_t before_ = 0;  ///< rows of the call before the stretch
    std::int64_t counted_ = 0;
    std::size_t left_ = 0;
    std::span<const Rank> further_;  ///< children of an anchor behind the stretch
};

}  // namespace

NodeRows* walk_in_pre_order(const ImageReader& reader, const ImageWalk& walk, const Wanted& wanted) {
    return make<PreOrder>(reader, walk, wanted);
}

}  // namespace pg_tree::scan
