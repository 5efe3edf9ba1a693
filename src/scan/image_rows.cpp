#include "scan/image_rows.h"

#include "scan/rows_out.h"

namespace pg_tree::scan {

using cache::ImageReader;
using core::Image;
using core::Rank;

namespace {

std::int32_t count_children(const Image& image, Rank node) {
    std::int32_t count = 0;
    for (Rank child = node + 1; child < image.end(node); child = image.end(child)) {
        ++count;
    }
    return count;
}

/// The keys from the root down to the node; in the current context.
Datum path_to(const ImageReader& reader, Rank node) {
    const auto count = static_cast<std::size_t>(reader.image().level(node)) + 1;
    auto* keys = static_cast<Datum*>(MemoryContextAllocHuge(CurrentMemoryContext, count * sizeof(Datum)));
    for (std::size_t i = count; i-- > 0; node = reader.image().parent(node)) {
        bool null;
        reader.key(node, keys[i], null);
    }
    const Datum array = array_of_keys(keys, count, reader.form());
    pfree(keys);
    return array;
}

/// Writes the wanted columns of a node.
class Filler {
public:
    Filler(const ImageReader& reader, const ImageWalk& walk, const Places& places)
        : reader_(reader),
          places_(places),
          level_base_(walk.level_base),
          distance_base_(walk.distance_base),
          has_depth_(walk.has_depth),
          root_(walk.root) {
        for (const Column column : {Column::children, Column::descendants, Column::is_leaf, Column::is_cycle,
                                    Column::root_id, Column::path, Column::depth, Column::distance, Column::rank}) {
            says_more_ = says_more_ || places.wants(column);
        }
        const bool wants_key =
            places.wants(Column::id) || places.wants(Column::parent_id) || places.wants(Column::root_id);
        allocates_ = makes_large_values() || (wants_key && !reader.keys_stand_in_place());
    }

    bool allocates() const { return allocates_; }
    /// A path may be so long that one is enough to hold at a time.
    bool makes_large_values() const { return places_.wants(Column::path); }
    const Image& image() const { return reader_.image(); }

    [[gnu::always_inline]] void fill(Rank node, std::int64_t rank, Datum* values, bool* nulls) const {
        if (const int at = places_.of(Column::id); at >= 0) {
            reader_.key(node, values[at], nulls[at]);
        }
        const int code = places_.of(Column::code);
        const int name = places_.of(Column::name);
        if (code >= 0 || name >= 0) {
            reader_.texts(node, code >= 0 ? &values[code] : nullptr, code >= 0 ? &nulls[code] : nullptr,
                          name >= 0 ? &values[name] : nullptr, name >= 0 ? &nulls[name] : nullptr);
        }
        if (const int at = places_.of(Column::parent_id); at >= 0) {
            reader_.parent_key(node, values[at], nulls[at]);
        }
        if (const int at = places_.of(Column::level); at >= 0) {
            put(values, nulls, at, Int32GetDatum(image().level(node) - level_base_));
        }
        if (says_more_) {
            fill_more(node, rank, values, nulls);
        }
    }

private:
    static void put(Datum* values, bool* nulls, int at, Datum value) {
        values[at] = value;
        nulls[at] = false;
    }

    [[gnu::noinline]] void fill_more(Rank node, std::int64_t rank, Datum* values, bool* nulls) const {
        const std::int32_t level = image().level(node);
        if (const int at = places_.of(Column::depth); at >= 0) {
            put(values, nulls, at, Int32GetDatum(level));
            nulls[at] = !has_depth_;
        }
        if (const int at = places_.of(Column::distance); at >= 0) {
            put(values, nulls, at, Int32GetDatum(level - distance_base_));
        }
        if (const int at = places_.of(Column::rank); at >= 0) {
            put(values, nulls, at, Int64GetDatum(rank));
        }
        if (const int at = places_.of(Column::children); at >= 0) {
            put(values, nulls, at, Int32GetDatum(count_children(image(), node)));
        }
        if (const int at = places_.of(Column::descendants); at >= 0) {
            put(values, nulls, at, Int64GetDatum(static_cast<int64>(image().size(node)) - 1));
        }
        if (const int at = places_.of(Column::is_leaf); at >= 0) {
            put(values, nulls, at, BoolGetDatum(image().size(node) == 1));
        }
        if (const int at = places_.of(Column::is_cycle); at >= 0) {
            put(values, nulls, at, BoolGetDatum(false));
        }
        if (const int at = places_.of(Column::root_id); at >= 0) {
            reader_.key(root_, values[at], nulls[at]);
        }
        if (const int at = places_.of(Column::path); at >= 0) {
            nulls[at] = !reader_.has_key(node);
            values[at] = nulls[at] ? 0 : path_to(reader_, node);
        }
    }

    ImageReader reader_;
    Places places_;
    std::int32_t level_base_;
    std::int32_t distance_base_;
    bool has_depth_;
    bool says_more_ = false;
    bool allocates_ = false;
    Rank root_;
};

/// Rows::next_rows() of those that make nothing but what a Filler does.
template <class Stream>
int many(Stream& stream, const Filler& filler, Datum* values, bool* nulls, int stride, int most) {
    int count = 0;
    for (most = filler.makes_large_values() ? 1 : most; count < most && stream.Stream::next(values, nulls); ++count) {
        values += stride;
        nulls += stride;
    }
    return count;
}

/// What a node has to be like to come out, in the image's own terms. The rank in the call is looked at apart.
class Sieve {
public:
    Sieve(const ImageWalk& walk, const Conditions& conditions) : never_(conditions.never), except_(walk.except) {
        level_ = conditions.level;
        shift(level_, walk.level_base);
        Range distance = conditions.distance;
        shift(distance, walk.distance_base);
        level_.intersect(distance);
        level_.intersect(conditions.depth);
        never_ = never_ || (conditions.depth.limits() && !walk.has_depth) || level_.low > level_.high;
        leaf_ = conditions.leaf;
        if (walk.only_leaves) {
            never_ = never_ || leaf_ == Conditions::Leaf::no;
            leaf_ = Conditions::Leaf::yes;
        }
        lets_all_pass_ = !never_ && !level_.limits() && leaf_ == Conditions::Leaf::any && except_ == core::no_rank;
    }

    bool lets_all_pass() const { return lets_all_pass_; }
    bool lets_none_pass() const { return never_; }
    /// No node of a deeper level passes.
    std::int64_t last_level() const { return level_.high; }

    bool passes(const Image& image, Rank node) const {
        return !never_ && level_.contains(image.level(node)) && node != except_ &&
               (leaf_ == Conditions::Leaf::any || (image.size(node) == 1) == (leaf_ == Conditions::Leaf::yes));
    }

private:
    /// Every level is a number of 32 bits; bounds beyond that say what those at its ends say.
    static void shift(Range& range, std::int32_t base) {
        constexpr std::int64_t beyond = std::int64_t{1} << 40;
        range.low = range.low < -beyond ? INT64_MIN : std::min(range.low, beyond) + base;
        range.high = range.high > beyond ? INT64_MAX : std::max(range.high, -beyond) + base;
    }

    Range level_;
    Conditions::Leaf leaf_ = Conditions::Leaf::any;
    bool never_;
    bool lets_all_pass_ = false;
    Rank except_;
};

/// The level of what comes first.
std::int32_t first_level(const Image& image, const ImageWalk& walk) {
    return walk.start == core::no_rank || !image.is_node(walk.start)
               ? 0
               : image.level(walk.start) + (walk.include_start ? 0 : 1);
}

/// Does the rank in the call have to be known?
bool asks_for_rank(const Wanted& wanted) {
    return wanted.places.wants(Column::rank) || wanted.conditions.rank.limits();
}

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

/// A few nodes that are known beforehand.
class Listed final : public NodeRows {
public:
    struct Item {
        Rank node;
        std::int64_t rank;
    };

    Listed(const ImageReader& reader, const ImageWalk& walk, const Wanted& wanted, Item* items, std::size_t count)
        : filler_(reader, walk, wanted.places), items_(items), count_(count) {}

    void rewind() override { next_ = 0; }
    int next_rows(Datum* values, bool* nulls, int stride, int most) override {
        return many(*this, filler_, values, nulls, stride, most);
    }
    bool allocates() const override { return filler_.allocates(); }

    bool next(Datum* values, bool* nulls) override {
        if (next_ == count_) {
            return false;
        }
        const Item item = items_[next_++];
        node_ = item.node;
        filler_.fill(item.node, item.rank, values, nulls);
        return true;
    }
    void count_skipped(std::uint64_t skipped) { skipped_ = skipped; }

private:
    Filler filler_;
    Item* items_;
    std::size_t count_;
    std::size_t next_ = 0;
};

/// The children of a node of the call, whose parent_id is asked for.
class Children final : public NodeRows {
public:
    /// `before`: the node's own place in the call's pre-order.
    Children(const ImageReader& reader, const ImageWalk& walk, const Wanted& wanted, Rank parent, std::int64_t before,
             std::uint64_t nodes)
        : filler_(reader, walk, wanted.places),
          sieve_(walk, wanted.conditions),
          rank_(wanted.conditions.rank),
          parent_(parent),
          before_(before),
          deep_enough_(reader.image().level(parent) < walk.last_level),
          nodes_(nodes) {
        rewind();
    }

    void rewind() override {
        next_ = deep_enough_ ? parent_ + 1 : filler_.image().end(parent_);
        given_ = 0;
        over_ = false;
    }

    int next_rows(Datum* values, bool* nulls, int stride, int most) override {
        return many(*this, filler_, values, nulls, stride, most);
    }
    bool allocates() const override { return filler_.allocates(); }

    bool next(Datum* values, bool* nulls) override {
        const Image& image = filler_.image();
        while (next_ < image.end(parent_)) {
            node_ = next_;
            next_ = image.end(node_);
            const std::int64_t rank = before_ + (node_ - parent_);
            if (sieve_.passes(image, node_) && rank_.contains(rank)) {
                filler_.fill(node_, rank, values, nulls);
                ++given_;
                return true;
            }
            CHECK_FOR_INTERRUPTS();
        }
        // What is left out is known only here: it is everything else.
        skipped_ += over_ ? 0 : nodes_ - given_;
        over_ = true;
        return false;
    }

    /// How many there are, from the first ones if there are many.
    double estimate(std::uint64_t to_look_at) {
        std::uint64_t count = 0;
        const Rank end = filler_.image().end(parent_);
        while (next(nullptr, nullptr)) {
            if (++count == to_look_at) {
                return static_cast<double>(count) * (end - parent_ - 1) / std::max<double>(next_ - parent_ - 1, 1);
            }
        }
        return static_cast<double>(count);
    }

private:
    Filler filler_;
    Sieve sieve_;
    Range rank_;
    Rank parent_;
    Rank next_ = 0;
    std::int64_t before_;
    bool deep_enough_;
    std::uint64_t nodes_;  ///< of the call
    std::uint64_t given_ = 0;
    bool over_ = false;
};

template <class T, class... Arguments>
T* make(Arguments&&... arguments) {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (palloc(sizeof(T))) T(std::forward<Arguments>(arguments)...);
}

/// Ranks in the current context.
struct Candidates {
    Rank* items = nullptr;
    std::size_t count = 0;
    std::size_t room = 0;

    void add(Rank rank) {
        if (count == room) {
            room = std::max<std::size_t>(2 * room, 16);
            items = static_cast<Rank*>(items == nullptr ? palloc(room * sizeof(Rank))
                                                        : repalloc_huge(items, room * sizeof(Rank)));
        }
        items[count++] = rank;
    }
};

/// Every node that can satisfy the condition on a key, and maybe others. False: it cannot be told.
bool collect_candidates(const ImageReader& reader, const Conditions& conditions, Candidates& candidates) {
    const Image& image = reader.image();
    for (int i = 0; i < conditions.id_count; ++i) {
        Rank rank;
        if (!reader.find_quietly(conditions.ids[i], rank)) {
            return false;
        }
        if (rank != core::no_rank && image.is_node(rank)) {
            candidates.add(rank);
        }
    }
    if (conditions.id_count >= 0) {
        return true;
    }
    Rank parent;
    if (!reader.find_quietly(conditions.parent, parent)) {
        return false;
    }
    if (parent == core::no_rank) {
        return true;
    }
    if (!image.is_node(parent)) {
        if (image.anchor(parent).kind == core::AnchorKind::cyclic) {
            return true;  // what stands below it is in no answer of an image
        }
        for (const Rank child : image.children_of_anchor(parent)) {
            CHECK_FOR_INTERRUPTS();
            candidates.add(child);
        }
        return true;
    }
    if (image.parent(parent) == parent) {
        candidates.add(parent);
    }
    for (Rank child = parent + 1; child < image.end(parent); child = image.end(child)) {
        CHECK_FOR_INTERRUPTS();
        candidates.add(child);
    }
    return true;
}

/// Place of a node in the call's pre-order, of which every level comes out.
std::int64_t rank_in_call(const Image& image, const ImageWalk& walk, Rank node) {
    if (walk.start == core::no_rank) {
        return std::int64_t{node} + 1;
    }
    if (image.is_node(walk.start)) {
        return std::int64_t{node} - walk.start + (walk.include_start ? 1 : 0);
    }
    std::int64_t before = 0;
    for (const Rank child : image.children_of_anchor(walk.start)) {
        if (node < image.end(child)) {
            return before + (node - child) + 1;
        }
        before += image.size(child);
    }
    return 0;
}

bool is_in_call(const Image& image, const ImageWalk& walk, Rank node) {
    if (image.level(node) > walk.last_level) {
        return false;
    }
    return walk.start == core::no_rank
               ? image.in_tree(node)
               : is_below(image, walk.start, node) || (walk.include_start && node == walk.start);
}

std::uint64_t nodes_of_call(const Image& image, const ImageWalk& walk) {
    if (walk.start == core::no_rank) {
        return image.header().in_tree;
    }
    if (image.is_node(walk.start)) {
        return std::uint64_t{image.size(walk.start)} - (walk.include_start ? 0 : 1);
    }
    std::uint64_t nodes = 0;
    for (const Rank child : image.children_of_anchor(walk.start)) {
        nodes += image.size(child);
    }
    return nodes;
}

/// The children of the node whose key parent_id is compared with, if it is a node of the call, or the one that the call is about, and not its
/// own parent. Null: it has to be done otherwise.
Children* children_in_call(const ImageReader& reader, const ImageWalk& walk, const Wanted& wanted) {
    const Image& image = reader.image();
    Rank parent;
    if (wanted.conditions.id_count >= 0 || !wanted.conditions.of_parent || walk.most != SIZE_MAX ||
        (asks_for_rank(wanted) && (walk.breadth_first || walk.last_level < image.header().deepest)) ||
        !reader.find_quietly(wanted.conditions.parent, parent) || parent == core::no_rank || !image.is_node(parent) ||
        image.parent(parent) == parent) {
        return nullptr;
    }
    const bool in_call = walk.start == core::no_rank ? image.in_tree(parent)
                                                     : parent == walk.start || is_below(image, walk.start, parent);
    return in_call ? make<Children>(reader, walk, wanted, parent, rank_in_call(image, walk, parent),
                                    nodes_of_call(image, walk))
                   : nullptr;
}

/// The nodes with the keys that the conditions ask for, without a walk. Null: it has to be walked.
NodeRows* pick(const ImageReader& reader, const ImageWalk& walk, const Wanted& wanted) {
    const Conditions& conditions = wanted.conditions;
    const Image& image = reader.image();
    const bool needs_rank = asks_for_rank(wanted);
    if ((conditions.id_count < 0 && !conditions.of_parent) || walk.most != SIZE_MAX ||
        (needs_rank && (walk.breadth_first || walk.last_level < image.header().deepest))) {
        return nullptr;
    }
    if (Children* children = children_in_call(reader, walk, wanted)) {
        return children;
    }
    const Sieve sieve(walk, conditions);
    Candidates candidates;
    if (!sieve.lets_none_pass() && !collect_candidates(reader, conditions, candidates)) {
        return nullptr;
    }
    auto* items = static_cast<Listed::Item*>(
        MemoryContextAllocHuge(CurrentMemoryContext, (candidates.count + 1) * sizeof(Listed::Item)));
    std::size_t count = 0;
    for (std::size_t i = 0; i < candidates.count; ++i) {
        const Rank node = candidates.items[i];
        if (is_in_call(image, walk, node) && sieve.passes(image, node)) {
            const std::int64_t rank = needs_rank ? rank_in_call(image, walk, node) : 0;
            if (!needs_rank || conditions.rank.contains(rank)) {
                items[count++] = {node, rank};
            }
        }
    }
    // Siblings stand in the same order in both kinds of walk, and so does all of a level.
    auto comes_before = [&](const Listed::Item& a, const Listed::Item& b) {
        if (walk.breadth_first && image.level(a.node) != image.level(b.node)) {
            return image.level(a.node) < image.level(b.node);
        }
        return a.node < b.node;
    };
    std::sort(items, items + count, comes_before);
    count = static_cast<std::size_t>(
        std::unique(items, items + count, [](const auto& a, const auto& b) { return a.node == b.node; }) - items);
    auto* rows = make<Listed>(reader, walk, wanted, items, count);
    rows->count_skipped(nodes_of_call(image, walk) - count);
    return rows;
}

}  // namespace

std::int64_t last_level_below(const Image& image, Rank start, std::int32_t max_level) {
    return max_level < 0                                     ? -1
           : start == core::no_rank || !image.is_node(start) ? max_level
                                                             : std::int64_t{image.level(start)} + 1 + max_level;
}

NodeRows* walk_image(const ImageReader& reader, const ImageWalk& walk, const Wanted& wanted) {
    if (NodeRows* rows = pick(reader, walk, wanted)) {
        return rows;
    }
    if (walk.breadth_first) {
        return make<BreadthFirst>(reader, walk, wanted);
    }
    return make<PreOrder>(reader, walk, wanted);
}

namespace {

constexpr std::uint64_t nodes_to_look_at = 65536;
constexpr std::uint64_t sample_stretches = 64;

/// By walking, unless that takes too long: then a negative number.
double count_by_walking(const ImageReader& reader, const ImageWalk& walk, const Wanted& wanted) {
    PreOrder rows(reader, walk, wanted);
    std::uint64_t count = 0;
    while (rows.next(nullptr, nullptr)) {
        if (++count > nodes_to_look_at) {
            return -1;
        }
    }
    return static_cast<double>(count);
}

/// Stretches of nodes at even distances.
double count_in_sample(const Image& image, const ImageWalk& walk, const Sieve& sieve) {
    Rank first = 0;
    Rank end = image.header().in_tree;
    if (walk.start != core::no_rank && image.is_node(walk.start)) {
        first = walk.start;
        end = image.end(walk.start);
    } else if (walk.start != core::no_rank) {
        const std::span<const Rank> children = image.children_of_anchor(walk.start);
        first = children.empty() ? 0 : children.front();
        end = children.empty() ? 0 : image.end(children.back());
    }
    const std::uint64_t nodes = end - first;
    const std::uint64_t stretches = nodes <= nodes_to_look_at ? 1 : sample_stretches;
    const std::uint64_t length = std::min(nodes, nodes_to_look_at) / stretches;
    std::uint64_t seen = 0;
    std::uint64_t found = 0;
    for (std::uint64_t i = 0; i < stretches; ++i) {
        const std::uint64_t begin = first + nodes * i / stretches;
        for (std::uint64_t at = begin; at < std::min<std::uint64_t>(begin + length, end); ++at) {
            const auto node = static_cast<Rank>(at);
            ++seen;
            found += is_in_call(image, walk, node) && sieve.passes(image, node) ? 1 : 0;
        }
    }
    return seen == 0 ? 0 : static_cast<double>(found) * static_cast<double>(nodes) / static_cast<double>(seen);
}

}  // namespace

double count_image(const ImageReader& reader, const ImageWalk& walk, const Conditions& conditions) {
    const Image& image = reader.image();
    const Sieve sieve(walk, conditions);
    const auto nodes = static_cast<double>(nodes_of_call(image, walk));
    if (sieve.lets_none_pass() || walk.last_level < first_level(image, walk) ||
        conditions.rank.low > conditions.rank.high) {
        return 0;
    }
    Wanted wanted;
    wanted.conditions = conditions;
    double count = nodes;
    if (conditions.id_count >= 0 || conditions.of_parent) {
        wanted.conditions.rank = {};
        if (Children* children = children_in_call(reader, walk, wanted)) {
            const double last = std::min(static_cast<double>(conditions.rank.high), nodes);
            const double first = std::max(static_cast<double>(conditions.rank.low), 1.0);
            return std::min(children->estimate(nodes_to_look_at), std::max(last - first + 1, 0.0));
        }
        if (NodeRows* rows = pick(reader, walk, wanted)) {
            for (count = 0; rows->next(nullptr, nullptr); ++count) {
            }
            return count;
        }
    }
    const bool limited = walk.last_level < image.header().deepest || sieve.last_level() < image.header().deepest;
    if (limited || !sieve.lets_all_pass()) {
        wanted.conditions.rank = {};
        // Cut off early, a walk meets few nodes besides those that come out.
        count = limited && !walk.only_leaves && conditions.leaf == Conditions::Leaf::any
                    ? count_by_walking(reader, walk, wanted)
                    : -1;
        count = count < 0 ? count_in_sample(image, walk, sieve) : count;
    }
    // Ranks are those of the call, whatever other conditions leave of it.
    if (conditions.rank.limits() && nodes > 0) {
        const double first = std::max<double>(static_cast<double>(conditions.rank.low), 1);
        const double last = std::min(static_cast<double>(conditions.rank.high), nodes);
        count = std::min(count, count / nodes * std::max(last - first + 1, 0.0));
    }
    return std::min(count, static_cast<double>(walk.most));
}

NodeRows* climb_image(const ImageReader& reader, Rank node, const Wanted& wanted) {
    const Image& image = reader.image();
    const auto above = static_cast<std::size_t>(image.level(node));
    const ImageWalk walk;
    const Sieve sieve(walk, wanted.conditions);
    auto* items =
        static_cast<Listed::Item*>(MemoryContextAllocHuge(CurrentMemoryContext, (above + 1) * sizeof(Listed::Item)));
    std::size_t first = above;
    for (std::size_t i = 0; i < above; ++i) {
        node = image.parent(node);
        if (sieve.lets_all_pass() || sieve.passes(image, node)) {
            items[--first] = {node, 0};
        }
    }
    auto* rows = make<Listed>(reader, walk, wanted, items + first, above - first);
    rows->count_skipped(first);
    return rows;
}

bool is_below(const Image& image, Rank above, Rank node) {
    if (image.is_node(above)) {
        return node > above && node < image.end(above);
    }
    const std::span<const Rank> children = image.children_of_anchor(above);
    const auto behind = std::upper_bound(children.begin(), children.end(), node);
    return behind != children.begin() && node < image.end(*(behind - 1));
}

}  // namespace pg_tree::scan
