#include "scan/image_streams.h"

namespace pg_tree::scan {

using cache::ImageReader;
using core::Image;
using core::Rank;

namespace {

/// One level after the other: what comes out of a level are the parents of the next.
class BreadthFirst final : public NodeRows {
public:
    BreadthFirst(const ImageReader& reader, const ImageWalk& walk, const Wanted& wanted)
        : filler_(reader, walk, wanted.places),
          walk_(walk),
          sieve_(walk, wanted.conditions),
          rank_(wanted.conditions.rank) {
        // A level has no more nodes than there are below the start. Memory that is not touched costs nothing.
        const std::size_t most = filler_.image().size(walk.start);
        for (List* list : {&level_, &next_}) {
            list->items = static_cast<Rank*>(MemoryContextAllocHuge(CurrentMemoryContext, most * sizeof(Rank)));
        }
        rewind();
    }

    void rewind() override {
        level_.count = next_.count = parent_ = 0;
        child_ = child_end_ = 0;
        counted_ = 0;
        start_is_next_ = !sieve_.lets_none_pass() && rank_.low <= rank_.high;
        over_ = !start_is_next_;
    }

    int next_rows(Datum* values, bool* nulls, int stride, int most) override {
        return many(*this, filler_, values, nulls, stride, most);
    }
    bool allocates() const override { return filler_.allocates(); }

    bool next(Datum* values, bool* nulls) override {
        Rank node;
        while (advance(node)) {
            const bool counts = node != walk_.start || walk_.include_start;
            counted_ += counts ? 1 : 0;
            if (rank_.contains(counted_) && counts && sieve_.passes(filler_.image(), node)) {
                node_ = node;
                filler_.fill(node, counted_, values, nulls);
                return true;
            }
            if (counted_ > rank_.high) {
                leave_rest(node);
                return false;
            }
            skipped_ += counts ? 1 : 0;
            CHECK_FOR_INTERRUPTS();
        }
        return false;
    }

private:
    struct List {
        Rank* items;
        std::size_t count;
    };

    bool advance(Rank& node) {
        const Image& image = filler_.image();
        if (over_) {
            return false;
        }
        if (start_is_next_) {
            start_is_next_ = false;
            node = walk_.start;
            if (image.level(node) > walk_.last_level) {
                over_ = true;
                return false;
            }
            next_.items[next_.count++] = node;
            return true;
        }
        while (child_ >= child_end_) {
            if (parent_ == level_.count && !begin_level()) {
                return false;
            }
            const Rank parent = level_.items[parent_++];
            child_ = parent + 1;
            child_end_ = image.end(parent);
        }
        node = child_;
        child_ = image.end(child_);
        next_.items[next_.count++] = node;
        return true;
    }

    bool begin_level() {
        std::swap(level_, next_);
        next_.count = 0;
        parent_ = 0;
        if (level_.count == 0) {
            over_ = true;
            return false;
        }
        const std::int64_t level = std::int64_t{filler_.image().level(level_.items[0])} + 1;
        if (level > walk_.last_level) {
            over_ = true;
            return false;
        }
        if (level > sieve_.last_level()) {
            leave_rest(core::no_rank);
            return false;
        }
        return true;
    }

    /// `node`, unless it is no_rank, and everything that would come behind it is left out.
    void leave_rest(Rank node) {
        over_ = true;
        const auto below = static_cast<std::int64_t>(filler_.image().size(walk_.start)) - (walk_.include_start ? 0 : 1);
        skipped_ += static_cast<std::uint64_t>(below - counted_ + (node == core::no_rank ? 0 : 1));
    }

    Filler filler_;
    ImageWalk walk_;
    Sieve sieve_;
    Range rank_;
    List level_ = {};  ///< the parents
    List next_ = {};   ///< their children so far
    std::size_t parent_ = 0;
    Rank child_ = 0;
    Rank child_end_ = 0;
    std::int64_t counted_ = 0;
    bool start_is_next_ = false;
    bool over_ = false;
};

}  // namespace

NodeRows* walk_breadth_first(const ImageReader& reader, const ImageWalk& walk, const Wanted& wanted) {
    return make<BreadthFirst>(reader, walk, wanted);
}

}  // namespace pg_tree::scan
