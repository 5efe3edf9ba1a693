#include "cache/entries.h"

#include "pg/lock.h"
#include "registry/registration.h"
#include "stats/shared.h"

extern "C" {
#include "utils/syscache.h"
#include "utils/timestamp.h"
}

namespace pg_tree::cache {

namespace {

struct Entries {
    pg_atomic_uint64 clock;
    pg_atomic_uint64 dropped;
    LWLock giving_places;  ///< taken before the directory's; held while a place changes hands
    Entry items[track::max_watches];
};
Entries* entries = nullptr;

void clear(Entry& entry) {
    for (pg_atomic_uint64* counter : {&entry.image, &entry.failed_at, &entry.too_many_rows, &entry.too_little_memory,
                                      &entry.hits, &entry.misses, &entry.miss_cost_us, &entry.last_asked, &entry.builds,
                                      &entry.build_us, &entry.evictions, &entry.invalidations, &entry.last_build,
                                      &entry.build_began, &entry.nodes, &entry.progress.done, &entry.progress.total}) {
        pg_atomic_write_u64(counter, 0);
    }
    for (pg_atomic_uint64& counter : entry.bypasses) {
        pg_atomic_write_u64(&counter, 0);
    }
    for (pg_atomic_uint64& word : entry.sealed_ground) {
        pg_atomic_write_u64(&word, 0);
    }
    pg_atomic_write_u32(&entry.wanted, 0);
    pg_atomic_write_u32(&entry.builder, 0);
    pg_atomic_write_u32(&entry.progress.phase, fetch::Progress::none);
}

/// Which tree has a place: names are written before anybody knows of it.
void name_entry(Entry& entry, const track::TreeKey& key, const char* tree, const char* relation) {
    entry.database = key.database;
    entry.relation = key.relation;
    strlcpy(entry.tree, tree, sizeof entry.tree);
    strlcpy(entry.relation_name, relation, sizeof entry.relation_name);
}

/// What is saved: how many places have changed hands, and one of these for each tree.
struct SavedTree {
    track::TreeKey key;
    std::uint32_t unused;
    char tree[name_bytes];
    char relation_name[name_bytes];
    std::uint64_t counters[7 + bypass_reasons];
};
static_assert(std::is_trivially_copyable_v<SavedTree> && std::has_unique_object_representations_v<SavedTree>);

/// In the order in which they are saved.
template <class Visit>
void for_each_counter(Entry& entry, Visit&& visit) {
    int number = 0;
    for (pg_atomic_uint64* counter : {&entry.hits, &entry.misses, &entry.builds, &entry.build_us, &entry.evictions,
                                      &entry.invalidations, &entry.last_build}) {
        visit(number++, *counter);
    }
    for (pg_atomic_uint64& counter : entry.bypasses) {
        visit(number++, counter);
    }
}

/// Makes a place free: of the trees that have no image, the one that was met first; else the one whose image was used least. Not one
/// that is being built.
bool free_a_place() {
    int oldest = track::no_watch;
    uint64 oldest_asked = 0;
    for (int place = 0; place < track::max_watches; ++place) {
        Entry& entry = entries->items[place];
        const Ticket image = pg_atomic_read_u64(&entry.image);
        // Sessions know the places of the trees that they ask about, so only the first look of each says when.
        const uint64 asked = image == 0 ? pg_atomic_read_u64(&entry.last_asked) : (uint64{1} << 32) + block_uses(image);
        if (pg_atomic_read_u32(&entry.builder) == 0 && (oldest == track::no_watch || asked < oldest_asked)) {
            oldest = place;
            oldest_asked = asked;
        }
    }
    if (oldest == track::no_watch) {
        return false;
    }
    const track::TreeKey key = track::watched_tree(oldest);
    track::remove_watch(oldest, key);
    drop_image(oldest, pg_atomic_read_u64(&entries->items[oldest].image), Reason::evicted);
    count(entries->dropped);
    return true;
}

}  // namespace

std::size_t entries_bytes() { return sizeof(Entries); }

void attach_entries(void* place, bool initialize) {
    entries = static_cast<Entries*>(place);
    if (!initialize) {
        return;
    }
    memset(place, 0, sizeof(Entries));
    pg::create_lock(entries->giving_places, "PgTreePlaces");
    pg_atomic_init_u64(&entries->clock, 0);
    pg_atomic_init_u64(&entries->dropped, 0);
    for (Entry& entry : entries->items) {
        clear(entry);
    }
}

Entry& entry_at(int place) { return entries->items[place]; }

int obtain_place(const track::TreeKey& key, const registry::Tree& tree) {
    int place = track::find_watch(key);
    if (place == track::no_watch) {
        const char* relation = registry::relation_sql(key.relation);
        LWLockAcquire(&entries->giving_places, LW_EXCLUSIVE);
        place = track::find_watch(key);
        if (place == track::no_watch) {
            place = track::free_place();
            if (place == track::no_watch && free_a_place()) {
                place = track::free_place();
            }
            if (place != track::no_watch) {
                Entry& entry = entries->items[place];
                clear(entry);
                name_entry(entry, key, tree.name, relation);
                place = track::add_watch(key);  // the same place: only we give them away
            }
        }
        LWLockRelease(&entries->giving_places);
    }
    if (place != track::no_watch) {
        pg_atomic_write_u64(&entries->items[place].last_asked, pg_atomic_add_fetch_u64(&entries->clock, 1));
    }
    return place;
}

void drop_image(int place, Ticket ticket, Reason reason) {
    Entry& entry = entries->items[place];
    uint64 expected = ticket;
    if (ticket == 0 || !pg_atomic_compare_exchange_u64(&entry.image, &expected, 0)) {
        return;
    }
    if (reason == Reason::evicted) {
        count(entry.evictions);
    } else if (reason == Reason::out_of_date) {
        count(entry.invalidations);
    }
    unlink_block(ticket);
}

bool evict_one(int except) {
    // Worth: what it would cost to have it again, for each byte, times how often it was used lately.
    int victim = track::no_watch;
    double least = 0;
    for (int place = 0; place < track::max_watches; ++place) {
        const Entry& entry = entries->items[place];
        const Ticket ticket = pg_atomic_read_u64(const_cast<pg_atomic_uint64*>(&entry.image));
        const std::size_t bytes = block_bytes(ticket);
        if (place == except || bytes == 0) {
            continue;
        }
        const double cost = static_cast<double>(pg_atomic_read_u64(const_cast<pg_atomic_uint64*>(&entry.build_us))) + 1;
        const double worth = (static_cast<double>(block_uses(ticket)) + 1) * cost / static_cast<double>(bytes);
        if (victim == track::no_watch || worth < least) {
            victim = place;
            least = worth;
        }
    }
    if (victim == track::no_watch) {
        return false;
    }
    drop_image(victim, pg_atomic_read_u64(&entries->items[victim].image), Reason::evicted);
    halve_block_uses();
    return true;
}

void reset_counters(int place) {
    Entry& entry = entries->items[place];
    for (pg_atomic_uint64* counter :
         {&entry.hits, &entry.misses, &entry.builds, &entry.evictions, &entry.invalidations}) {
        pg_atomic_write_u64(counter, 0);
    }
    for (pg_atomic_uint64& counter : entry.bypasses) {
        pg_atomic_write_u64(&counter, 0);
    }
}

void forget_dropped_trees() {
    for (int place = 0; place < track::max_watches; ++place) {
        const track::TreeKey key = track::watched_tree(place);
        if (!OidIsValid(key.trigger) || pg_atomic_read_u32(&entries->items[place].builder) != 0) {
            continue;
        }
        // A tree that only an open transaction sees loses its place here too, and gets another when it is asked about.
        const bool exists = key.database == MyDatabaseId
                                ? registry::trigger_exists(key.trigger)
                                : SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(key.database));
        if (exists) {
            continue;
        }
        LWLockAcquire(&entries->giving_places, LW_EXCLUSIVE);
        if (track::watched_tree(place) == key) {
            track::remove_watch(place, key);
            drop_image(place, pg_atomic_read_u64(&entries->items[place].image), Reason::invalidated);
        }
        LWLockRelease(&entries->giving_places);
    }
}

void forget_database(Oid database) {
    stats::forget_database(database);
    if (entries == nullptr) {
        return;
    }
    LWLockAcquire(&entries->giving_places, LW_EXCLUSIVE);
    for (int place = 0; place < track::max_watches; ++place) {
        const track::TreeKey key = track::watched_tree(place);
        if (OidIsValid(key.trigger) && key.database == database) {
            track::remove_watch(place, key);
            drop_image(place, pg_atomic_read_u64(&entries->items[place].image), Reason::invalidated);
        }
    }
    LWLockRelease(&entries->giving_places);
}

void save_counters(StringInfo out) {
    const uint64 dropped = dropped_trees();
    appendBinaryStringInfo(out, reinterpret_cast<const char*>(&dropped), sizeof dropped);
    SavedTree saved;
    for (int place = 0; place < track::max_watches; ++place) {
        memset(&saved, 0, sizeof saved);
        saved.key = track::watched_tree(place);
        if (!OidIsValid(saved.key.trigger)) {
            continue;
        }
        Entry& entry = entries->items[place];
        strlcpy(saved.tree, entry.tree, sizeof saved.tree);
        strlcpy(saved.relation_name, entry.relation_name, sizeof saved.relation_name);
        for_each_counter(entry, [&](int number, pg_atomic_uint64& counter) {
            saved.counters[number] = pg_atomic_read_u64(&counter);
        });
        appendBinaryStringInfo(out, reinterpret_cast<const char*>(&saved), sizeof saved);
    }
}

bool restore_counters(const char* data, std::size_t size) {
    uint64 dropped;
    if (size < sizeof dropped || (size - sizeof dropped) % sizeof(SavedTree) != 0 ||
        size / sizeof(SavedTree) > track::max_watches) {
        return false;
    }
    memcpy(&dropped, data, sizeof dropped);
    pg_atomic_write_u64(&entries->dropped, dropped);
    SavedTree saved;
    for (std::size_t at = sizeof dropped; at < size; at += sizeof saved) {
        memcpy(&saved, data + at, sizeof saved);
        saved.tree[name_bytes - 1] = saved.relation_name[name_bytes - 1] = '\0';
        const int place = OidIsValid(saved.key.trigger) ? track::add_watch(saved.key) : track::no_watch;
        if (place == track::no_watch) {
            continue;
        }
        Entry& entry = entries->items[place];
        name_entry(entry, saved.key, saved.tree, saved.relation_name);
        for_each_counter(entry, [&](int number, pg_atomic_uint64& counter) {
            pg_atomic_write_u64(&counter, saved.counters[number]);
        });
    }
    return true;
}

uint64 dropped_trees() { return entries == nullptr ? 0 : pg_atomic_read_u64(&entries->dropped); }

}  // namespace pg_tree::cache
