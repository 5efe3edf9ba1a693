#include "cache/build.h"

#include "cache/block.h"
#include "cache/entries.h"
#include "cache/image_writer.h"
#include "cache/session.h"
#include "cache/worker.h"
#include "pg/debug_break.h"
#include "registry/expression.h"

extern "C" {
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_trigger.h"
#include "common/hashfn.h"
#include "portability/instr_time.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
}

namespace pg_tree::cache {

using Outcome = Lookup::Outcome;

namespace {

constexpr Lookup missed = {Outcome::miss, Bypass::none, {}, 0, nullptr};

/// A tree whose image costs less than this is built by the call that finds it worth while, for starting a worker costs as much.
constexpr double small_build_us = 10000;
/// Reading, sorting and writing one row, before anything was measured; and the least that a build is expected to cost.
constexpr double guessed_us_per_row = 1.0;
constexpr double least_build_us = 1000;
/// Bytes of an image for each row, before anything was measured: the arrays and next to no strings.
constexpr double least_bytes_per_row = 30;

/// The one builder of a tree. `wait`: until the other has finished.
bool take_builder_lock(const track::TreeKey& key, bool wait, LOCKTAG& tag) {
    // Nobody else locks a trigger with this sub-object number.
    SET_LOCKTAG_OBJECT(tag, key.database, TriggerRelationId, key.trigger, 0x7074);
    return LockAcquire(&tag, ExclusiveLock, false, !wait) != LOCKACQUIRE_NOT_AVAIL;
}

uint64 ground_hash(const Ground& ground, uint64 seed) {
    return hash_bytes_extended(reinterpret_cast<const unsigned char*>(ground.words), static_cast<int>(ground.bytes),
                               seed);
}

/// One attempt to build.
struct Build {
    const registry::TreeUse* use;
    SessionTree* session;
    Entry* entry;
    const Ground* ground;
    ResourceOwner owner;  ///< of the pin on the new image
    track::WatchView watch;
    track::SnapshotList s0;
    // What comes of it:
    Ticket ticket;
    const std::byte* block;
    Ticket replaced;
    std::uint64_t nodes;
    bool published;
    bool too_large;   ///< it does not fit into memory, or not beside what others are reading
    bool never_fits;  ///< also when nothing else is there
};

/// Begins a watch anew: everything in progress now counts as a writer, everything before is seen by every later snapshot. False: the
/// triggers are not what they have to be.
bool seal(Build& build) {
    SessionTree& session = *build.session;
    const std::uint64_t begun = track::begin_seal(session.place, session.key);
    if (begun == 0) {
        return false;
    }
    // Under a watch that begins, no image holds.
    drop_image(session.place, pg_atomic_read_u64(&build.entry->image), Reason::out_of_date);
    pg::wait_point(pg::WaitPoint::seal);
    const Snapshot z = RegisterSnapshot(GetLatestSnapshot());
    const track::FullXid next = U64FromFullTransactionId(ReadNextFullTransactionId());
    const bool watched = pg::broken(pg::Rule::triggers) || triggers_hold_for(*build.use, *build.ground, z);
    const track::SnapshotList list = track::list_of(z, track::own_transaction());
    UnregisterSnapshot(z);
    if (!watched || !track::finish_seal(session.place, session.key, begun, list, next)) {
        return false;
    }
    pg_atomic_write_u64(&build.entry->sealed_ground[0], begun);
    pg_atomic_write_u64(&build.entry->sealed_ground[1], ground_hash(*build.ground, 1));
    pg_atomic_write_u64(&build.entry->sealed_ground[2], ground_hash(*build.ground, 2));
    return true;
}

/// Is the watch there, and for the ground as it is now?
bool is_watched(const Build& build) {
    return build.watch.seal != 0 && pg_atomic_read_u64(&build.entry->sealed_ground[0]) == build.watch.seal &&
           pg_atomic_read_u64(&build.entry->sealed_ground[1]) == ground_hash(*build.ground, 1) &&
           pg_atomic_read_u64(&build.entry->sealed_ground[2]) == ground_hash(*build.ground, 2);
}

/// Sees to it that the tree is watched, for the ground as it is. A watch whose list of writers has grown long begins anew: that is how
/// writers are forgotten.
bool watch(Build& build) {
    if (!track::view_watch(build.session->place, build.session->key, build.watch)) {
        return false;
    }
    if (is_watched(build) && build.watch.writer_count <= track::max_writers / 2) {
        return true;
    }
    return seal(build) && track::view_watch(build.session->place, build.session->key, build.watch) && is_watched(build);
}

/// May an image be built with this snapshot, as far as the rule goes? Fills in build.s0.
bool may_build_with(Build& build, Snapshot snapshot) {
    const track::FullXid own = track::own_transaction();
    // No snapshot lists its own transaction, and its changes may be there before anything tells of them: what has an id does not build.
    if (own != 0 && !pg::broken(pg::Rule::own_xid)) {
        return false;
    }
    build.s0 = track::list_of(snapshot, 0);
    return track::known_to(build.watch, build.s0) && !track::misses_a_commit(build.watch, build.s0) &&
           !may_have_unnoted_changes(*build.ground) &&
           (pg::broken(pg::Rule::triggers) || triggers_hold_for(*build.use, *build.ground, snapshot));
}

std::size_t align(std::size_t offset) { return (offset + 63) & ~std::size_t{63}; }

/// Room for the image and what goes with it; others make way for it.
void allocate(Build& build, std::uint64_t image_bytes) {
    BlockHead head = {};
    head.seal = build.watch.seal;
    head.xmin = build.s0.xmin;
    head.xmax = build.s0.xmax;
    head.running = build.s0.count;
    head.ground_bytes = static_cast<std::uint32_t>(build.ground->bytes);
    head.running_at = sizeof head;
    head.ground_at = head.running_at + build.s0.count * sizeof(track::FullXid);
    head.image_at = align(head.ground_at + head.ground_bytes);
    const std::size_t bytes = head.image_at + image_bytes;
    if (bytes > bytes_limit()) {
        build.too_large = build.never_fits = true;
        return;
    }
    std::byte* block;
    // Its own predecessor goes last: it may still answer for others.
    while ((block = allocate_block(bytes, build.owner, build.ticket)) == nullptr) {
        CHECK_FOR_INTERRUPTS();
        if (!evict_one(build.session->place)) {
            drop_image(build.session->place, pg_atomic_read_u64(&build.entry->image), Reason::replaced);
            block = allocate_block(bytes, build.owner, build.ticket);
            break;
        }
    }
    if (block == nullptr) {
        // Images that others have pinned are in the way, or there is no stretch long enough.
        build.too_large = bytes > bytes_limit() / 2;
        return;
    }
    memcpy(block, &head, sizeof head);
    memcpy(block + head.running_at, build.s0.running, build.s0.count * sizeof(track::FullXid));
    memcpy(block + head.ground_at, build.ground->words, head.ground_bytes);
    build.block = block;
}

/// Reads the rows and writes the image, in the active snapshot. Leaves build.block null when it does not fit.
void read_and_write(void* argument) {
    auto& build = *static_cast<Build*>(argument);
    pg::wait_point(pg::WaitPoint::build_read);
    Relation relation = table_open(build.use->tree->relation, AccessShareLock);
    registry::CanonicalSettings settings(relation);
    fetch::Reading* reading = fetch::begin_reading(*build.use, fetch::Content::nodes, CurrentMemoryContext);
    reading->progress = &build.entry->progress;
    fetch::read_everything(*reading);
    auto* writer = pg::make_in_context<ImageWriter>(reading->context, *reading);
    if (pg::enter([&] { return writer->measure(); })) {
        pg_atomic_write_u64(&build.entry->progress.total, writer->nodes());
        pg_atomic_write_u32(&build.entry->progress.phase, fetch::Progress::writing);
        allocate(build, writer->bytes());
        if (build.block != nullptr) {
            pg::enter([&] { writer->write(const_cast<std::byte*>(build.block) + Block(build.block).head().image_at); });
            build.nodes = writer->nodes();
        }
    } else {
        build.too_large = build.never_fits = true;
    }
    fetch::end_reading(reading);
    settings.leave();
    table_close(relation, NoLock);
    pg::wait_point(pg::WaitPoint::build_publish);
}

/// The entry that this process is building for, while it does.
Entry* building = nullptr;

void begin_building(Entry& entry) {
    pg_atomic_write_u64(&entry.progress.done, 0);
    pg_atomic_write_u64(&entry.progress.total, 0);
    pg_atomic_write_u64(&entry.build_began, static_cast<uint64>(GetCurrentTimestamp()));
    pg_atomic_write_u32(&entry.builder, static_cast<uint32>(MyProcPid));
    building = &entry;
}

void end_building() {
    if (building != nullptr) {
        pg_atomic_write_u32(&building->progress.phase, fetch::Progress::none);
        pg_atomic_write_u32(&building->builder, 0);
        building = nullptr;
    }
}

/// An error that is passed on ends the transaction or a subtransaction, and the build with it.
void transaction_ended(XactEvent event, void*) {
    if (event == XACT_EVENT_ABORT) {
        end_building();
    }
}
void subtransaction_ended(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
    if (event == SUBXACT_EVENT_ABORT_SUB) {
        end_building();
        forget_locks();
    }
}

void publish(Build& build) {
    SessionTree& session = *build.session;
    build.published = track::publish_under(
        session.place, session.key, build.watch.seal,
        [](void* argument) {
            auto& fresh = *static_cast<Build*>(argument);
            auto* head = reinterpret_cast<BlockHead*>(const_cast<std::byte*>(fresh.block));
            head->published = track::change_count(fresh.session->place) + 1;
            link_block(fresh.ticket);
            fresh.replaced = pg_atomic_exchange_u64(&fresh.entry->image, fresh.ticket);
        },
        &build);
    unlink_block(build.replaced);
}

/// How many rows the leaves have, as the planner would guess: at the density that was found last, in as many pages as there are now.
double expected_rows(const SessionTree& session) {
    constexpr double rows_a_page = 80;  // of a table that was never looked at
    double rows = 0;
    for (int i = 0; session.ground != nullptr && i < session.ground->leaf_count; ++i) {
        Relation leaf = table_open(session.ground->leaves[i], AccessShareLock);
        if (leaf->rd_rel->relkind == RELKIND_RELATION) {
            const double density = leaf->rd_rel->relpages > 0 && leaf->rd_rel->reltuples >= 0
                                       ? leaf->rd_rel->reltuples / leaf->rd_rel->relpages
                                       : rows_a_page;
            rows += density * RelationGetNumberOfBlocks(leaf);
        }
        table_close(leaf, AccessShareLock);
    }
    return rows;
}

/// Builds in the active snapshot and publishes. False: an error, whose message is in `message`, or no room, or not the time.
bool build_in_snapshot(Build& build, char (&message)[256]) {
    instr_time begin;
    INSTR_TIME_SET_CURRENT(begin);
    bool out_of_memory = false;
    begin_building(*build.entry);
    const bool succeeded = pg::succeeds_in_subtransaction(read_and_write, &build, message, &out_of_memory);
    end_building();
    instr_time end;
    INSTR_TIME_SET_CURRENT(end);
    INSTR_TIME_SUBTRACT(end, begin);
    if (!(track::watched_tree(build.session->place) == build.session->key)) {
        // The place went to another tree meanwhile, and is not to be written in. The image serves this call.
        if (succeeded && build.block != nullptr) {
            return true;
        }
        if (build.ticket != 0) {
            unpin_block(build.ticket, build.owner);
        }
        return false;
    }
    pg_atomic_write_u64(&build.entry->miss_cost_us, 0);
    if (!succeeded || build.block == nullptr) {
        if (build.ticket != 0) {
            unpin_block(build.ticket, build.owner);
        }
        build.never_fits = build.never_fits || out_of_memory;
        build.too_large = build.too_large || out_of_memory;
        // That there was no room among others' images may be otherwise the next time.
        if (!succeeded || build.never_fits) {
            pg_atomic_write_u64(&build.entry->failed_at, track::change_count(build.session->place));
        }
        pg_atomic_write_u64(&build.entry->too_many_rows,
                            build.never_fits ? static_cast<uint64>(std::max(1.0, expected_rows(*build.session))) : 0);
        pg_atomic_write_u64(&build.entry->too_little_memory, static_cast<uint64>(fetch::max_build_memory()));
        return false;
    }
    // What was noted since the watch was looked at may keep readers away, but the image is what S0 saw all the same.
    publish(build);
    if (build.published) {
        if (build.replaced != 0) {
            count(build.entry->invalidations);
        }
        pg_atomic_write_u64(&build.entry->nodes, build.nodes);
        count(build.entry->builds);
        pg_atomic_write_u64(&build.entry->build_us, static_cast<uint64>(INSTR_TIME_GET_MICROSEC(end)));
        pg_atomic_write_u64(&build.entry->last_build, static_cast<uint64>(GetCurrentTimestamp()));
    }
    return true;
}

bool start(Build& build, const registry::TreeUse& use) {
    build = {};
    build.use = &use;
    build.session = &session_tree(use);
    build.owner = CurrentResourceOwner;
    if (!track::can_watch() || build.session->place == track::no_watch || RecoveryInProgress() || IsInParallelMode()) {
        return false;
    }
    build.entry = &entry_at(build.session->place);
    return true;
}

/// Without the builder's lock: is it worth taking?
bool is_hopeless(const Build& build) {
    return pg_atomic_read_u64(&build.entry->failed_at) == track::change_count(build.session->place);
}

/// Would building only find out that it does not fit? Until the table has a fifth fewer rows than when it did not, or there is more memory.
bool is_too_large(const Build& build) {
    const double rows = expected_rows(*build.session);
    const auto too_many = static_cast<double>(pg_atomic_read_u64(&build.entry->too_many_rows));
    return rows * least_bytes_per_row > static_cast<double>(bytes_limit()) ||
           (too_many > 0 && rows >= 0.8 * too_many &&
            static_cast<uint64>(fetch::max_build_memory()) <= pg_atomic_read_u64(&build.entry->too_little_memory));
}

Lookup too_large(const Build& build) {
    count(build.entry->bypasses[static_cast<int>(Bypass::too_large)]);
    return {Outcome::bypass, Bypass::too_large, {}, 0, nullptr};
}

double expected_cost_us(const Build& build) {
    const uint64 measured = pg_atomic_read_u64(&build.entry->build_us);
    return measured > 0 ? std::max(least_build_us, static_cast<double>(measured))
                        : std::max(least_build_us, expected_rows(*build.session) * guessed_us_per_row);
}

}  // namespace

Lookup build_for_call(const registry::TreeUse& use) {
    Build build;
    if (!start(build, use)) {
        return missed;
    }
    if (is_too_large(build)) {
        return too_large(build);
    }
    if (is_hopeless(build)) {
        return missed;
    }
    LOCKTAG tag;
    if (!take_builder_lock(build.session->key, false, tag)) {
        return missed;
    }
    build.ground = &ground_of(use);
    Lookup lookup = missed;
    char message[256];
    const Snapshot snapshot = GetActiveSnapshot();
    if (build.ground->obstacle == Bypass::none && watch(build) && may_build_with(build, snapshot) &&
        build_in_snapshot(build, message)) {
        lookup = {Outcome::hit, Bypass::none, Block(build.block).image(), build.ticket, build.owner};
        build.session->checked = 0;
    } else if (build.too_large) {
        lookup = too_large(build);
    }
    LockRelease(&tag, ExclusiveLock, false);
    if (lookup.hit()) {
        count(build.entry->misses);
    }
    return lookup;
}

BuildResult build_now(const registry::TreeUse& use) {
    BuildResult result = {};
    result.obstacle = Bypass::none;
    // Shared memory knows the tree from the first look-up on.
    PushActiveSnapshot(GetLatestSnapshot());
    Lookup lookup = look_up(use, fetch::Content::nodes, false);
    PopActiveSnapshot();
    Build build;
    const bool possible = start(build, use);
    if (lookup.outcome == Outcome::miss && possible) {
        LOCKTAG tag;
        take_builder_lock(build.session->key, true, tag);
        build.ground = &ground_of(use);
        char message[256] = "";
        // Perhaps the one that was waited for has built it.
        PushActiveSnapshot(GetLatestSnapshot());
        lookup = look_up(use, fetch::Content::nodes, false);
        PopActiveSnapshot();
        if (lookup.outcome == Outcome::miss && watch(build)) {
            PushActiveSnapshot(GetLatestSnapshot());
            if (may_build_with(build, GetActiveSnapshot()) && build_in_snapshot(build, message)) {
                lookup = {Outcome::hit, Bypass::none, Block(build.block).image(), build.ticket, build.owner};
                build.session->checked = 0;
                result.milliseconds = static_cast<double>(pg_atomic_read_u64(&build.entry->build_us)) / 1000;
            } else if (track::own_transaction() != 0) {
                result.obstacle = Bypass::own_write;
            }
            PopActiveSnapshot();
        } else if (lookup.outcome == Outcome::bypass) {
            result.obstacle = lookup.reason;
        }
        LockRelease(&tag, ExclusiveLock, false);
        result.error = message[0] != '\0' ? pstrdup(message) : nullptr;
        if (build.too_large) {
            result.obstacle = Bypass::too_large;
        }
    } else if (lookup.outcome == Outcome::bypass) {
        result.obstacle = lookup.reason;
    }
    if (lookup.hit()) {
        result.built = build.published || build.ticket == 0;  // not if a writer's note came in between
        result.nodes = lookup.image.nodes();
        result.bytes = block_bytes(lookup.ticket);
        done(lookup);
    }
    return result;
}

void count_miss(const registry::TreeUse& use, double cost_us) {
    const SessionTree& session = session_tree(use);
    if (!track::can_watch() || session.place == track::no_watch) {
        return;
    }
    count(entry_at(session.place).misses);
    Build build;
    if (!start(build, use)) {
        return;
    }
    const double cost = cost_us + static_cast<double>(pg_atomic_fetch_add_u64(
                                      &build.entry->miss_cost_us, static_cast<int64>(std::max(cost_us, 1.0))));
    if (cost < least_build_us) {
        return;
    }
    const double expected = expected_cost_us(build);
    if (cost < expected || is_hopeless(build) || is_too_large(build)) {
        return;
    }
    if (expected <= small_build_us) {
        Lookup lookup = build_for_call(use);
        if (lookup.hit()) {
            pg_atomic_fetch_sub_u64(&build.entry->misses, 1);
            done(lookup);
        }
    } else if (pg_atomic_exchange_u32(&build.entry->wanted, 1) == 0) {
        wake_worker();
    }
}

void watch_transactions() {
    RegisterXactCallback(transaction_ended, nullptr);
    RegisterSubXactCallback(subtransaction_ended, nullptr);
}

bool invalidate(const registry::TreeUse& use) {
    Build build;
    if (!start(build, use)) {
        return false;
    }
    const Ticket ticket = pg_atomic_read_u64(&build.entry->image);
    drop_image(build.session->place, ticket, Reason::invalidated);
    track::count_change(build.session->place);
    return ticket != 0;
}

}  // namespace pg_tree::cache
