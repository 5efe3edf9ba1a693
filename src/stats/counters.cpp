#include "stats/counters.h"

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

/// Calls visit(counter, number) for each that only grows.
template <class Counters, class Numbers, class Visit>
void for_each_sum(Counters& counters, Numbers& numbers, Visit&& visit) {
    for (std::size_t i = 0; i < core::duration_buckets; ++i) {
        visit(counters.durations[i], numbers.durations[i]);
    }
    visit(counters.total, numbers.total);
    visit(counters.errors, numbers.errors);
    visit(counters.cancels, numbers.cancels);
    visit(counters.slow, numbers.slow);
    visit(counters.rows, numbers.rows);
    visit(counters.hits, numbers.hits);
    visit(counters.misses, numbers.misses);
    visit(counters.bypasses, numbers.bypasses);
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
    for (pg_atomic_uint64& counter : durations) {
        pg_atomic_init_u64(&counter, 0);
    }
    for (pg_atomic_uint64* counter :
         {&total, &least, &most, &errors, &cancels, &slow, &rows, &hits, &misses, &bypasses}) {
        pg_atomic_init_u64(counter, 0);
    }
    pg_atomic_write_u64(&least, UINT64_MAX);
}

void Counters::count(const Sample& sample) {
    pg_atomic_fetch_add_u64(&durations[core::bucket_of(sample.duration)], static_cast<int64>(sample.calls));
    pg_atomic_fetch_add_u64(&total, static_cast<int64>(sample.duration * sample.calls));
    improve(least, sample.duration, std::less<>{});
    improve(most, sample.duration, std::greater<>{});
    add_to(rows, sample.rows);
    switch (sample.source) {
        case Source::hit:
            add_to(hits, sample.calls);
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
    for_each_sum(*this, numbers,
                 [](const pg_atomic_uint64& counter, std::uint64_t& number) { number = read_one(counter); });
    numbers.least = read_one(least);
    numbers.most = read_one(most);
    return numbers;
}

Numbers Counters::take() {
    Numbers numbers;
    for_each_sum(*this, numbers, [](pg_atomic_uint64& counter, std::uint64_t& number) {
        number = pg_atomic_exchange_u64(&counter, 0);
    });
    numbers.least = pg_atomic_exchange_u64(&least, UINT64_MAX);
    numbers.most = pg_atomic_exchange_u64(&most, 0);
    return numbers;
}

void Counters::put(const Numbers& numbers) {
    for_each_sum(*this, numbers,
                 [](pg_atomic_uint64& counter, std::uint64_t number) { pg_atomic_write_u64(&counter, number); });
    pg_atomic_write_u64(&least, numbers.least);
    pg_atomic_write_u64(&most, numbers.most);
}

}  // namespace pg_tree::stats
