#include "stats/trees.h"

#include "pg/lock.h"

#include "stats/clock.h"

extern "C" {
#include "access/xact.h"
#include "utils/timestamp.h"
}

namespace pg_tree::stats {

namespace {

struct Slot {
    pg_atomic_uint64 generation;  ///< 0: free
    Oid database;
    Oid relation;
    Oid trigger;
    char tree[tree_name_bytes];
    pg_atomic_uint64 since;
    // Noted whenever totals are read.
    TimestampTz last_in_use;
    std::uint64_t calls_then;
    Counters functions[function_count];
    Counters responses;
};

struct Trees {
    /// Taken exclusively while a slot changes hands or is reset, shared to read totals or find a tree. The last of pg_tree's locks: no other
    /// is taken under it.
    LWLock lock;
    std::uint64_t generations;
    std::uint64_t dropped;
    TimestampTz since;
    Totals past;  ///< of slots that were reset or given away
    Slot slots[slot_count];
};
Trees* trees = nullptr;

/// Where the trees are counted that found no slot. It is never given away.
constexpr int others = max_trees;
constexpr std::uint64_t generation_of_others = 1;

/// For how long a tree has to be idle before it gives its slot up, and how long a session waits until it looks for one again.
constexpr TimestampTz idle_time = USECS_PER_MINUTE;
constexpr TimestampTz retry_time = 10 * USECS_PER_SEC;

/// What a definition in use remembers, and a session of calls that name no tree.
struct Remembered {
    SlotRef slot;
    TimestampTz retry_at;  ///< where it is with the others
};

Slot* slot_at(SlotRef ref) {
    if (trees == nullptr || ref.slot < 0) {
        return nullptr;
    }
    Slot& slot = trees->slots[ref.slot];
    return pg_atomic_read_u64(&slot.generation) == ref.generation ? &slot : nullptr;
}

void retire_numbers(Slot& slot) {
    for (Counters& counters : slot.functions) {
        trees->past.calls.add(counters.take());
    }
    trees->past.responses.add(slot.responses.take());
}

/// Under the lock.
void free_slot(Slot& slot) {
    pg_atomic_write_u64(&slot.generation, 0);
    retire_numbers(slot);
}

/// Under the lock, shared or not.
int find_slot(Oid database, Oid trigger) {
    for (int i = 0; i < max_trees; ++i) {
        Slot& slot = trees->slots[i];
        if (pg_atomic_read_u64(&slot.generation) != 0 && slot.database == database && slot.trigger == trigger) {
            return i;
        }
    }
    return -1;
}

/// Under the lock: one that is free, or that of the tree that was idle longest. Negative: there is neither.
int take_slot(TimestampTz at) {
    int oldest = 0;
    for (int i = 0; i < max_trees; ++i) {
        if (pg_atomic_read_u64(&trees->slots[i].generation) == 0) {
            return i;
        }
        oldest = trees->slots[i].last_in_use < trees->slots[oldest].last_in_use ? i : oldest;
    }
    ++trees->dropped;
    if (trees->slots[oldest].last_in_use + idle_time > at) {
        return -1;
    }
    free_slot(trees->slots[oldest]);
    return oldest;
}

SlotRef obtain_slot(Oid relation, Oid trigger, const char* name) {
    LWLockAcquire(&trees->lock, LW_SHARED);
    int place = find_slot(MyDatabaseId, trigger);
    SlotRef ref = {place, place < 0 ? 0 : pg_atomic_read_u64(&trees->slots[place].generation)};
    LWLockRelease(&trees->lock);
    if (place >= 0) {
        return ref;
    }
    const TimestampTz at = now();
    LWLockAcquire(&trees->lock, LW_EXCLUSIVE);
    place = find_slot(MyDatabaseId, trigger);
    if (place < 0) {
        place = take_slot(at);
        if (place < 0) {
            LWLockRelease(&trees->lock);
            return {others, generation_of_others};
        }
        Slot& slot = trees->slots[place];
        slot.database = MyDatabaseId;
        slot.relation = relation;
        slot.trigger = trigger;
        strlcpy(slot.tree, name, sizeof slot.tree);
        slot.last_in_use = at;
        slot.calls_then = 0;
        pg_atomic_write_u64(&slot.since, static_cast<uint64>(GetCurrentTimestamp()));
        pg_write_barrier();
        pg_atomic_write_u64(&slot.generation, ++trees->generations);
    }
    ref = {place, pg_atomic_read_u64(&trees->slots[place].generation)};
    LWLockRelease(&trees->lock);
    return ref;
}

/// The slot that is remembered, if it is still the tree's own and not time to look for a better one.
SlotRef recall(Remembered& remembered, Oid relation, Oid trigger, const char* name) {
    if (slot_at(remembered.slot) == nullptr ||
        (remembered.slot.slot == others && GetCurrentStatementStartTimestamp() >= remembered.retry_at)) {
        remembered.slot = obtain_slot(relation, trigger, name);
        remembered.retry_at = GetCurrentStatementStartTimestamp() + retry_time;
    }
    return remembered.slot;
}

void initialize(Slot& slot) {
    pg_atomic_init_u64(&slot.generation, 0);
    pg_atomic_init_u64(&slot.since, 0);
    for (Counters& counters : slot.functions) {
        counters.initialize();
    }
    slot.responses.initialize();
}

void copy_out(Slot& slot, TreeNumbers& numbers) {
    numbers.database = slot.database;
    numbers.relation = slot.relation;
    numbers.trigger = slot.trigger;
    memcpy(numbers.tree, slot.tree, sizeof numbers.tree);
    numbers.since = static_cast<TimestampTz>(pg_atomic_read_u64(&slot.since));
    for (int i = 0; i < function_count; ++i) {
        numbers.functions[i] = slot.functions[i].read();
    }
    numbers.responses = slot.responses.read();
}

/// Before the trees in the file.
struct SavedHead {
    std::uint64_t dropped;
    TimestampTz since;
    Totals past;
    std::uint64_t count;
};
static_assert(std::is_trivially_copyable_v<SavedHead> && std::is_trivially_copyable_v<TreeNumbers>);

}  // namespace

void TreeNumbers::add(const TreeNumbers& other) {
    since = std::min(since, other.since);
    for (int i = 0; i < function_count; ++i) {
        functions[i].add(other.functions[i]);
    }
    responses.add(other.responses);
}

std::size_t trees_bytes() { return sizeof(Trees); }

void attach_trees(void* place, bool initialize_it) {
    trees = static_cast<Trees*>(place);
    if (!initialize_it) {
        return;
    }
    memset(place, 0, sizeof(Trees));
    pg::create_lock(trees->lock, "PgTreeStatistics");
    trees->since = GetCurrentTimestamp();
    trees->past = {};
    for (Slot& slot : trees->slots) {
        initialize(slot);
    }
    trees->generations = generation_of_others;
    pg_atomic_write_u64(&trees->slots[others].generation, generation_of_others);
    pg_atomic_write_u64(&trees->slots[others].since, static_cast<uint64>(trees->since));
}

bool can_count() { return trees != nullptr; }

SlotRef slot_of(const registry::TreeUse& use) {
    registry::Attachment& attachment = use.attachment(registry::Room::stats);
    if (attachment.data == nullptr) {
        attachment.data = MemoryContextAllocZero(use.tree->context, sizeof(Remembered));
        attachment.free = [](void*) {};  // it goes with the definition's memory
        *static_cast<Remembered*>(attachment.data) = {};
    }
    return recall(*static_cast<Remembered*>(attachment.data), use.tree->relation, use.tree->trigger, use.tree->name);
}

SlotRef slot_of_no_tree() {
    static Remembered remembered = {};
    return recall(remembered, InvalidOid, InvalidOid, "");
}

void count_call(SlotRef ref, Function function, const Sample& sample) {
    if (Slot* slot = slot_at(ref); slot != nullptr) {
        slot->functions[static_cast<int>(function)].count(sample);
    }
}

void count_response(SlotRef ref, const Sample& sample) {
    if (Slot* slot = slot_at(ref); slot != nullptr) {
        slot->responses.count(sample);
    }
}

void copy_name(SlotRef ref, char (&name)[tree_name_bytes], Oid& relation) {
    name[0] = '\0';
    relation = InvalidOid;
    if (const Slot* slot = slot_at(ref); slot != nullptr) {
        memcpy(name, slot->tree, sizeof name);
        name[sizeof name - 1] = '\0';
        relation = slot->relation;
    }
}

bool read_tree(int place, TreeNumbers& numbers) {
    LWLockAcquire(&trees->lock, LW_SHARED);
    Slot& slot = trees->slots[place];
    const bool taken = pg_atomic_read_u64(&slot.generation) != 0;
    if (taken) {
        copy_out(slot, numbers);
    }
    LWLockRelease(&trees->lock);
    return taken;
}

Totals read_totals(TimestampTz now) {
    LWLockAcquire(&trees->lock, LW_SHARED);
    Totals totals = trees->past;
    for (Slot& slot : trees->slots) {
        if (pg_atomic_read_u64(&slot.generation) == 0) {
            continue;
        }
        Numbers all;
        for (const Counters& counters : slot.functions) {
            all.add(counters.read());
        }
        // Two readers may both write here; either's word is good.
        if (const std::uint64_t calls = all.calls(); calls != slot.calls_then) {
            slot.calls_then = calls;
            slot.last_in_use = now;
        }
        totals.calls.add(all);
        totals.responses.add(slot.responses.read());
    }
    LWLockRelease(&trees->lock);
    return totals;
}

void reset_trees(Oid trigger, TimestampTz now) {
    const bool all = !OidIsValid(trigger);
    LWLockAcquire(&trees->lock, LW_EXCLUSIVE);
    for (int place = 0; place < slot_count; ++place) {
        Slot& slot = trees->slots[place];
        if (all && place != others) {
            free_slot(slot);
        } else if (all || (pg_atomic_read_u64(&slot.generation) != 0 && slot.database == MyDatabaseId &&
                           slot.trigger == trigger)) {
            retire_numbers(slot);
            pg_atomic_write_u64(&slot.since, static_cast<uint64>(now));
        }
    }
    if (all) {
        trees->since = now;
        trees->dropped = 0;
    }
    LWLockRelease(&trees->lock);
}

void forget_trees_of(Oid database) {
    if (trees == nullptr) {
        return;
    }
    LWLockAcquire(&trees->lock, LW_EXCLUSIVE);
    for (Slot& slot : trees->slots) {
        if (pg_atomic_read_u64(&slot.generation) != 0 && slot.database == database) {
            free_slot(slot);
        }
    }
    LWLockRelease(&trees->lock);
}

TimestampTz counting_since() { return trees == nullptr ? 0 : trees->since; }

std::uint64_t dropped_trees() { return trees == nullptr ? 0 : trees->dropped; }

void save_trees(StringInfo out) {
    enlargeStringInfo(out, static_cast<int>(sizeof(SavedHead) + slot_count * sizeof(TreeNumbers)));
    pg::lock_for_saving(trees->lock);
    SavedHead head = {trees->dropped, trees->since, trees->past, 0};
    const int head_at = out->len;
    appendBinaryStringInfo(out, reinterpret_cast<const char*>(&head), sizeof head);
    for (Slot& slot : trees->slots) {
        if (pg_atomic_read_u64(&slot.generation) != 0) {
            TreeNumbers numbers = {};
            copy_out(slot, numbers);
            appendBinaryStringInfo(out, reinterpret_cast<const char*>(&numbers), sizeof numbers);
            ++head.count;
        }
    }
    memcpy(out->data + head_at, &head, sizeof head);
    pg::unlock_for_saving(trees->lock);
}

bool restore_trees(const char* data, std::size_t size) {
    SavedHead head;
    if (size < sizeof head) {
        return false;
    }
    memcpy(&head, data, sizeof head);
    if (head.count > slot_count || size != sizeof head + head.count * sizeof(TreeNumbers)) {
        return false;
    }
    trees->dropped = head.dropped;
    trees->since = head.since;
    trees->past = head.past;
    for (std::uint64_t i = 0; i < head.count; ++i) {
        TreeNumbers numbers;
        memcpy(&numbers, data + sizeof head + i * sizeof numbers, sizeof numbers);
        const std::uint64_t place = OidIsValid(numbers.database) ? i : std::uint64_t{others};
        if (i == others && place != others) {
            return false;
        }
        Slot& slot = trees->slots[place];
        slot.database = numbers.database;
        slot.relation = numbers.relation;
        slot.trigger = numbers.trigger;
        memcpy(slot.tree, numbers.tree, sizeof slot.tree);
        slot.tree[sizeof slot.tree - 1] = '\0';
        pg_atomic_write_u64(&slot.since, static_cast<uint64>(numbers.since));
        for (int f = 0; f < function_count; ++f) {
            slot.functions[f].put(numbers.functions[f]);
        }
        slot.responses.put(numbers.responses);
        slot.last_in_use = GetCurrentTimestamp();  // nobody knows
        if (place != others) {
            pg_atomic_write_u64(&slot.generation, ++trees->generations);
        }
    }
    return true;
}

}  // namespace pg_tree::stats
