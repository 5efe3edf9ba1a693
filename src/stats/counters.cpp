#include "stats/counters.h"

#include "pg/compat.h"

namespace pg_tree::stats {

namespace {

constexpr const char* names[] = {
    "tree_build",    "tree_page",      "tree_rows",        "tree_forest",   "tree_walk", "tree_children",
    "tree_siblings", "tree_ancestors", "tree_leaves",      "tree_draw",     "tree_path", "tree_path_text",
    "tree_depth",    "tree_root",      "tree_is_ancestor", "tree_contains", "tree_lca",  "tree_descendant_count",
    "tree_json"};
static_assert(std::size(names) == function_count);

uint64 read_one(const pg_atomic_uint64& counter) { return pg_atomic_read_u64(const_cast<pg_atomic_uint64*>(&counter)); }

void add_to(pg_atomic_uint64& counter, std::uint64_t value) {
    if (value > 0) {
        pg_atomic_fetch_add_u64(&counter, static_cast<int64>(value));
    }
}

template <class Better>
void improve(pg_atomic_uint64& extreme, std::uint64_t value, Better&& better) {
    uint64 known = pg_atomic_read_u64(&extreme);
    while (better(value, known) && !pg_atomic_compare_exchange_u64(&extreme, &known, value)) {
    }
}

/// Calls visit(one, other) for each number that only grows.
template <class One, class Other, class Visit>
void for_each_sum(One& one, Other& other, Visit&& visit) {
    for (std::size_t i = 0; i < core::duration_buckets; ++i) {
        visit(one.durations[i], other.durations[i]);
    }
    visit(one.total, other.total);
    visit(one.errors, other.errors);
    visit(one.cancels, other.cancels);
    visit(one.slow, other.slow);
    visit(one.rows, other.rows);
    visit(one.hits, other.hits);
    visit(one.misses, other.misses);
    visit(one.bypasses, other.bypasses);
}

/// Calls visit(counter, number) for each counter, and the number that it is a part of.
template <class Counters, class Numbers, class Visit>
void for_each_counter(Counters& counters, Numbers& numbers, Visit&& visit) {
    for (auto& stripe : counters.fast) {
        visit(stripe.total, numbers.total);
        visit(stripe.rows, numbers.rows);
        visit(stripe.hits, numbers.hits);
        for (std::size_t i = 0; i < Counters::fast_buckets; ++i) {
            visit(stripe.durations[i], numbers.durations[i]);
        }
    }
    for (std::size_t i = Counters::fast_buckets; i < core::duration_buckets; ++i) {
        visit(counters.slow_durations[i - Counters::fast_buckets], numbers.durations[i]);
    }
    visit(counters.misses, numbers.misses);
    visit(counters.bypasses, numbers.bypasses);
    visit(counters.errors, numbers.errors);
    visit(counters.cancels, numbers.cancels);
    visit(counters.slow, numbers.slow);
}

}  // namespace

const char* name_of(Function function) { return names[static_cast<int>(function)]; }

void Numbers::add(const Numbers& other) {
    for_each_sum(*this, other, [](std::uint64_t& to, std::uint64_t from) { to += from; });
    least = std::min(least, other.least);
    most = std::max(most, other.most);
}

Numbers Numbers::since(const Numbers& earlier) const {
    Numbers difference = *this;
    // Counters are read one after the other and reset one after the other: what seems to have shrunk has not grown.
    for_each_sum(difference, earlier,
                 [](std::uint64_t& now, std::uint64_t then) { now = now > then ? now - then : 0; });
    difference.least = 0;
    difference.most = core::duration_bounds.back();
    return difference;
}

double Numbers::percentile_ms(double quantile) const {
    const double nanoseconds = core::percentile(durations, quantile, std::min(least, most), most);
    return nanoseconds < 0 ? nanoseconds : nanoseconds / 1e6;
}

void Counters::initialize() {
    Numbers none;
    for_each_counter(*this, none, [](pg_atomic_uint64& counter, std::uint64_t) { pg_atomic_init_u64(&counter, 0); });
    pg_atomic_init_u64(&least, UINT64_MAX);
    pg_atomic_init_u64(&most, 0);
}

void Counters::count(const Sample& sample) {
    const int bucket = core::bucket_of(sample.duration);
    Stripe& mine = fast[pg::own_proc_number() % stripes];
    add_to(bucket < fast_buckets ? mine.durations[bucket] : slow_durations[bucket - fast_buckets], sample.calls);
    add_to(mine.total, sample.duration * sample.calls);
    improve(least, sample.duration, std::less<>{});
    improve(most, sample.duration, std::greater<>{});
    add_to(mine.rows, sample.rows);
    switch (sample.source) {
        case Source::hit:
            add_to(mine.hits, sample.calls);
            break;
        case Source::miss:
            add_to(misses, sample.calls);
            break;
        case Source::bypass:
            add_to(bypasses, sample.calls);
            break;
        case Source::none:
            break;
    }
    if (sample.outcome != Outcome::success) {
        add_to(sample.outcome == Outcome::cancel ? cancels : errors, sample.calls);
    }
    if (sample.slow) {
        add_to(slow, sample.calls);
    }
}

Numbers Counters::read() const {
    Numbers numbers;
    for_each_counter(*this, numbers,
                     [](const pg_atomic_uint64& counter, std::uint64_t& number) { number += read_one(counter); });
    numbers.least = read_one(least);
    numbers.most = read_one(most);
    return numbers;
}

Numbers Counters::take() {
    Numbers numbers;
    for_each_counter(*this, numbers, [](pg_atomic_uint64& counter, std::uint64_t& number) {
        number += pg_atomic_exchange_u64(&counter, 0);
    });
    numbers.least = pg_atomic_exchange_u64(&least, UINT64_MAX);
    numbers.most = pg_atomic_exchange_u64(&most, 0);
    return numbers;
}

void Counters::put(const Numbers& numbers) {
    // Its first stripe gets all.
    Numbers left = numbers;
    for_each_counter(*this, left, [](pg_atomic_uint64& counter, std::uint64_t& number) {
        pg_atomic_write_u64(&counter, std::exchange(number, 0));
    });
    pg_atomic_write_u64(&least, numbers.least);
    pg_atomic_write_u64(&most, numbers.most);
}

}  // namespace pg_tree::stats
