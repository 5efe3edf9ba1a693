#include "stats/recursive.h"

#include "pg/lock.h"

extern "C" {
#include "port/atomics.h"
}

namespace pg_tree::stats {

namespace {

struct Key {
    Oid database;
    Oid relation;  ///< invalid: the place is free
    uint64 query_id;

    bool operator==(const Key&) const = default;
};

struct Record {
    pg_atomic_uint64 calls;
    pg_atomic_uint64 total;  ///< nanoseconds, as everything here
    pg_atomic_uint64 least;
    pg_atomic_uint64 most;
    pg_atomic_uint64 last_use;  ///< of the clock
    pg_atomic_uint64 buckets[core::duration_buckets];
};

struct Recursive {
    /// Shared to look at keys and to count in the record of one; exclusive to change keys. Who makes a record counts the first use of it
    /// under the same lock, so that nobody sees an empty one.
    LWLock lock;
    pg_atomic_uint64 clock;  ///< goes on with each use
    pg_atomic_uint64 dropped;
    Key keys[max_recursive];  ///< together, for they are searched one after the other
    Record records[max_recursive];
};
Recursive* recursive = nullptr;

/// On disc.
struct SavedHead {
    uint64 count;
    uint64 dropped;
};
struct SavedRecord {
    Key key;
    uint64 calls;
    uint64 total;
    uint64 least;
    uint64 most;
    uint64 last_use;
    core::DurationCounts buckets;
};
static_assert(std::is_trivially_copyable_v<SavedRecord> && std::has_unique_object_representations_v<SavedRecord>);

constexpr std::size_t nowhere = max_recursive;

std::size_t find(const Key& key) {
    return static_cast<std::size_t>(std::find(std::begin(recursive->keys), std::end(recursive->keys), key) -
                                    recursive->keys);
}

void clear(Record& record) {
    for (pg_atomic_uint64* counter : {&record.calls, &record.total, &record.most, &record.last_use}) {
        pg_atomic_write_u64(counter, 0);
    }
    pg_atomic_write_u64(&record.least, PG_UINT64_MAX);
    for (pg_atomic_uint64& bucket : record.buckets) {
        pg_atomic_write_u64(&bucket, 0);
    }
}

void forget_all() {
    memset(recursive->keys, 0, sizeof recursive->keys);
    for (Record& record : recursive->records) {
        clear(record);
    }
    pg_atomic_write_u64(&recursive->clock, 0);
    pg_atomic_write_u64(&recursive->dropped, 0);
}

/// Under the exclusive lock.
std::size_t find_or_add(const Key& key) {
    std::size_t place = find(key);
    if (place != nowhere) {
        return place;
    }
    place = find(Key{});
    if (place == nowhere) {
        const Record* oldest =
            std::min_element(std::begin(recursive->records), std::end(recursive->records), [](auto& a, auto& b) {
                return pg_atomic_read_u64(const_cast<pg_atomic_uint64*>(&a.last_use)) <
                       pg_atomic_read_u64(const_cast<pg_atomic_uint64*>(&b.last_use));
            });
        place = static_cast<std::size_t>(oldest - recursive->records);
        pg_atomic_fetch_add_u64(&recursive->dropped, 1);
    }
    clear(recursive->records[place]);
    recursive->keys[place] = key;
    return place;
}

void keep_least(pg_atomic_uint64& least, uint64 value) {
    uint64 known = pg_atomic_read_u64(&least);
    while (value < known && !pg_atomic_compare_exchange_u64(&least, &known, value)) {
    }
}

void keep_most(pg_atomic_uint64& most, uint64 value) {
    uint64 known = pg_atomic_read_u64(&most);
    while (value > known && !pg_atomic_compare_exchange_u64(&most, &known, value)) {
    }
}

core::DurationCounts read_buckets(Record& record) {
    core::DurationCounts counts;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        counts[i] = pg_atomic_read_u64(&record.buckets[i]);
    }
    return counts;
}

bool is_sound(const SavedRecord& saved) {
    return OidIsValid(saved.key.database) && OidIsValid(saved.key.relation) && saved.calls > 0 &&
           saved.calls <= PG_INT64_MAX && saved.least <= saved.most && saved.last_use <= PG_INT64_MAX;
}

}  // namespace

std::size_t recursive_bytes() { return sizeof(Recursive); }

void attach_recursive(void* place, bool initialize) {
    recursive = static_cast<Recursive*>(place);
    if (!initialize) {
        return;
    }
    memset(place, 0, sizeof(Recursive));
    pg::create_lock(recursive->lock, "PgTreeRecursive");
    pg_atomic_init_u64(&recursive->clock, 0);
    pg_atomic_init_u64(&recursive->dropped, 0);
    for (Record& record : recursive->records) {
        for (pg_atomic_uint64* counter :
             {&record.calls, &record.total, &record.least, &record.most, &record.last_use}) {
            pg_atomic_init_u64(counter, 0);
        }
        for (pg_atomic_uint64& bucket : record.buckets) {
            pg_atomic_init_u64(&bucket, 0);
        }
    }
}

bool can_count_recursive() { return recursive != nullptr; }

void count_recursive(Oid relation, uint64 query_id, uint64 nanoseconds) {
    const Key key = {MyDatabaseId, relation, query_id};
    LWLockAcquire(&recursive->lock, LW_SHARED);
    std::size_t place = find(key);
    if (place == nowhere) {
        LWLockRelease(&recursive->lock);
        LWLockAcquire(&recursive->lock, LW_EXCLUSIVE);
        place = find_or_add(key);
    }
    Record& record = recursive->records[place];
    pg_atomic_fetch_add_u64(&record.calls, 1);
    pg_atomic_fetch_add_u64(&record.total, static_cast<int64>(nanoseconds));
    pg_atomic_fetch_add_u64(&record.buckets[core::bucket_of(nanoseconds)], 1);
    keep_least(record.least, nanoseconds);
    keep_most(record.most, nanoseconds);
    pg_atomic_write_u64(&record.last_use, pg_atomic_add_fetch_u64(&recursive->clock, 1));
    LWLockRelease(&recursive->lock);
}

std::size_t read_recursive(RecursiveStatistics* found) {
    if (recursive == nullptr) {
        return 0;
    }
    std::size_t count = 0;
    LWLockAcquire(&recursive->lock, LW_SHARED);
    for (std::size_t place = 0; place < max_recursive; ++place) {
        const Key& key = recursive->keys[place];
        if (!OidIsValid(key.relation) || key.database != MyDatabaseId) {
            continue;
        }
        Record& record = recursive->records[place];
        found[count++] = {key.relation, key.query_id, pg_atomic_read_u64(&record.calls),
                          pg_atomic_read_u64(&record.total),
                          core::percentile(read_buckets(record), 0.95, pg_atomic_read_u64(&record.least),
                                           pg_atomic_read_u64(&record.most))};
    }
    LWLockRelease(&recursive->lock);
    return count;
}

uint64 recursive_calls_here() {
    uint64 calls = 0;
    if (recursive == nullptr) {
        return calls;
    }
    LWLockAcquire(&recursive->lock, LW_SHARED);
    for (std::size_t place = 0; place < max_recursive; ++place) {
        const Key& key = recursive->keys[place];
        if (OidIsValid(key.relation) && key.database == MyDatabaseId) {
            calls += pg_atomic_read_u64(&recursive->records[place].calls);
        }
    }
    LWLockRelease(&recursive->lock);
    return calls;
}

uint64 dropped_recursive() { return recursive == nullptr ? 0 : pg_atomic_read_u64(&recursive->dropped); }

void forget_recursive() {
    if (recursive == nullptr) {
        return;
    }
    LWLockAcquire(&recursive->lock, LW_EXCLUSIVE);
    forget_all();
    LWLockRelease(&recursive->lock);
}

void forget_recursive_of(Oid database) {
    if (recursive == nullptr) {
        return;
    }
    LWLockAcquire(&recursive->lock, LW_EXCLUSIVE);
    for (Key& key : recursive->keys) {
        if (key.database == database) {
            key = {};
        }
    }
    LWLockRelease(&recursive->lock);
}

void save_recursive(StringInfo out) {
    // All the room there can be need of, before the lock is taken.
    enlargeStringInfo(out, static_cast<int>(sizeof(SavedHead) + max_recursive * sizeof(SavedRecord)));
    SavedHead head = {0, dropped_recursive()};
    const int head_at = out->len;
    appendBinaryStringInfo(out, reinterpret_cast<const char*>(&head), sizeof head);
    if (recursive == nullptr) {
        return;
    }
    pg::lock_for_saving(recursive->lock);
    for (std::size_t place = 0; place < max_recursive; ++place) {
        if (!OidIsValid(recursive->keys[place].relation)) {
            continue;
        }
        Record& record = recursive->records[place];
        SavedRecord saved = {recursive->keys[place],
                             pg_atomic_read_u64(&record.calls),
                             pg_atomic_read_u64(&record.total),
                             pg_atomic_read_u64(&record.least),
                             pg_atomic_read_u64(&record.most),
                             pg_atomic_read_u64(&record.last_use),
                             read_buckets(record)};
        appendBinaryStringInfo(out, reinterpret_cast<const char*>(&saved), sizeof saved);
        ++head.count;
    }
    pg::unlock_for_saving(recursive->lock);
    memcpy(out->data + head_at, &head, sizeof head);
}

bool restore_recursive(const char* data, std::size_t size) {
    SavedHead head;
    if (recursive == nullptr || size < sizeof head) {
        return false;
    }
    memcpy(&head, data, sizeof head);
    if (head.count > max_recursive || size != sizeof head + head.count * sizeof(SavedRecord)) {
        return false;
    }
    // Looked at first, for it is taken as a whole or not at all.
    const char* const first = data + sizeof head;
    SavedRecord saved;
    for (std::size_t i = 0; i < head.count; ++i) {
        memcpy(&saved, first + i * sizeof saved, sizeof saved);
        if (!is_sound(saved)) {
            return false;
        }
    }
    forget_all();
    pg_atomic_write_u64(&recursive->dropped, head.dropped);
    for (std::size_t i = 0; i < head.count; ++i) {
        memcpy(&saved, first + i * sizeof saved, sizeof saved);
        const std::size_t place = find_or_add(saved.key);
        Record& record = recursive->records[place];
        pg_atomic_write_u64(&record.calls, saved.calls);
        pg_atomic_write_u64(&record.total, saved.total);
        pg_atomic_write_u64(&record.least, saved.least);
        pg_atomic_write_u64(&record.most, saved.most);
        pg_atomic_write_u64(&record.last_use, saved.last_use);
        for (std::size_t bucket = 0; bucket < saved.buckets.size(); ++bucket) {
            pg_atomic_write_u64(&record.buckets[bucket], saved.buckets[bucket]);
        }
        pg_atomic_write_u64(&recursive->clock, std::max(pg_atomic_read_u64(&recursive->clock), saved.last_use));
    }
    return true;
}

}  // namespace pg_tree::stats
