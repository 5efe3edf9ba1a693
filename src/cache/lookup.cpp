#include "cache/lookup.h"

#include "cache/block.h"
#include "cache/entries.h"
#include "cache/session.h"
#include "pg/compat.h"
#include "pg/debug_break.h"

extern "C" {
#include "access/xact.h"
#include "access/xlog.h"
#include "commands/trigger.h"
#include "storage/predicate.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
}

namespace pg_tree::cache {

using Outcome = Lookup::Outcome;

namespace {

bool enable_cache = true;

/// The settings under which images are built, as far as the text of an immutable expression can depend on them.
bool settings_are_canonical() {
    return extra_float_digits > 0 && IntervalStyle == INTSTYLE_POSTGRES && DateStyle == USE_ISO_DATES &&
           bytea_output == BYTEA_OUTPUT_HEX && !quote_all_identifiers;
}

/// A WARNING once a session.
void warn_of_trigger(SessionTree& session, const registry::Tree& tree, const Ground& ground) {
    if (session.warned || ground.obstacle != Bypass::trigger_missing || ground.missing == nullptr) {
        return;
    }
    session.warned = true;
    ereport(WARNING, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
            errmsg("tree %s is not cached: not every change of \"%s\" is noticed", tree.name, ground.missing),
            errdetail("A trigger of the registration is missing there, or does not fire ALWAYS."),
            errhint("Run tree_register('%s') again.", tree.from));
}

/// Row-level security would filter the rows for this user.
bool is_row_secured(Oid relation) { return check_enable_rls(relation, InvalidOid, true) == RLS_ENABLED; }

/// What keeps this tree, as it is defined and stands, from being answered from an image for this user.
Bypass obstacle_of_tree(const registry::TreeUse& use, SessionTree& session, const Ground*& ground) {
    const registry::Tree& tree = *use.tree;
    ground = &ground_of(use);
    if (ground->obstacle != Bypass::none &&
        !(pg::broken(pg::Rule::triggers) && ground->obstacle == Bypass::trigger_missing)) {
        warn_of_trigger(session, tree, *ground);
        return ground->obstacle;
    }
    if (!tree.only_columns && !settings_are_canonical()) {
        return Bypass::unsupported;
    }
    return is_row_secured(tree.relation) ? Bypass::rls : Bypass::none;
}

/// Has the image become known to hold for every snapshot that sees all noted writers finished? Then there is no more to look at than
/// two numbers.
bool is_settled_for(const SessionTree& session, Ticket ticket, Snapshot snapshot, track::FullXid own) {
    return session.settled_bound != 0 && session.checked == ticket &&
           track::change_count(session.place) == session.settled_change &&
           !TransactionIdPrecedes(snapshot->xmin, static_cast<TransactionId>(session.settled_bound)) &&
           (own == 0 || own >= session.settled_bound);
}

enum class Verdict { holds, own_write, too_old, out_of_date };

/// The first three conditions, but for pending triggers.
Verdict judge(SessionTree& session, const Block& block, Snapshot snapshot, track::FullXid own) {
    track::WatchView watch;
    if (!track::view_watch(session.place, session.key, watch) || watch.seal == 0 || watch.seal != block.head().seal) {
        return Verdict::out_of_date;
    }
    if (track::is_writer(watch, own) && !pg::broken(pg::Rule::own_change)) {
        return Verdict::own_write;
    }
    const track::SnapshotList s = track::list_of(snapshot, 0);
    const track::SnapshotList s0 = block.snapshot();
    if (!track::known_to(watch, s)) {
        return Verdict::too_old;
    }
    if (pg::broken(pg::Rule::statement_count)) {
        return watch.change == block.head().published ? Verdict::holds : Verdict::out_of_date;
    }
    if (!track::see_the_same(watch, s0, s)) {
        return track::misses_a_commit(watch, s) ? Verdict::too_old : Verdict::out_of_date;
    }
    session.settled_bound = 0;
    if (const track::FullXid bound = track::above_all_writers(watch); s0.xmin >= bound && s.xmin >= bound) {
        session.settled_bound = bound;
        session.settled_change = watch.change;
    }
    return Verdict::holds;
}

/// The whole rule for a pinned image, but for what obstacle_of_tree() and obstacle_for() look at.
Verdict check(SessionTree& session, const Ground& ground, Ticket ticket, const Block& block, Snapshot snapshot) {
    const track::FullXid own = track::own_transaction();
    const bool same_ground = session.checked == ticket && session.checked_ground == session.ground_version;
    if (!same_ground && !pg::broken(pg::Rule::ground) &&
        block.ground() != std::string_view(ground.words, ground.bytes)) {
        return Verdict::out_of_date;
    }
    if (same_ground && !pg::broken(pg::Rule::statement_count)) {
        if (session.snapshot.is(snapshot, own)) {
            return Verdict::holds;
        }
        if (is_settled_for(session, ticket, snapshot, own)) {
            session.snapshot.remember(snapshot, own);
            return Verdict::holds;
        }
    }
    if (session.checked != ticket) {
        session.checked = 0;
        session.settled_bound = 0;
    }
    const Verdict verdict = judge(session, block, snapshot, own);
    if (verdict == Verdict::holds) {
        session.checked = ticket;
        session.checked_ground = session.ground_version;
        session.snapshot.remember(snapshot, own);
    } else if (session.checked == ticket) {
        session.snapshot.valid = false;
    }
    return verdict;
}

Lookup bypass(int place, Bypass reason, bool counted = true) {
    if (place != track::no_watch && counted) {
        count(entry_at(place).bypasses[static_cast<int>(reason)]);
    }
    return {Outcome::bypass, reason, {}, 0, nullptr};
}

constexpr Lookup missed = {Outcome::miss, Bypass::none, {}, 0, nullptr};

/// The place in shared memory; the tree gets one when it is first asked about.
int place_of(SessionTree& session, const registry::Tree& tree) {
    if (session.place != track::no_watch) {
        const uint64 change = track::change_count(session.place);
        if (change == session.place_change) {
            return session.place;
        }
        session.place_change = change;
        if (track::watched_tree(session.place) == session.key) {
            return session.place;
        }
    }
    session.place_change = 0;
    session.place = obtain_place(session.key, tree);
    session.checked = 0;
    session.settled_bound = 0;
    return session.place;
}

}  // namespace

void define_lookup_settings() {
    DefineCustomBoolVariable("pg_tree.enable_cache", "Answers from the shared cache.",
                             "Off: every call reads the table. The answers are the same.", &enable_cache, true,
                             PGC_USERSET, 0, nullptr, nullptr, nullptr);
}

bool may_read(const registry::Tree& tree, fetch::Content content) {
    return may_select_columns(tree.relation, GetUserId(),
                              content == fetch::Content::keys ? tree.key_columns : tree.node_columns);
}

Bypass obstacle_for(Snapshot snapshot) {
    if (pg::broken(pg::Rule::recovery)) {
        return Bypass::none;
    }
    if (snapshot->snapshot_type != SNAPSHOT_MVCC) {
        return Bypass::snapshot;
    }
    if (snapshot->takenDuringRecovery || RecoveryInProgress()) {
        return Bypass::standby;
    }
    return IsolationIsSerializable() ? Bypass::serializable : Bypass::none;
}

bool may_have_unnoted_changes(const Ground& ground) {
    if (pg::broken(pg::Rule::pending)) {
        return false;
    }
    // A function that an index or another trigger's condition calls sees a row for which nothing is queued yet. Its transaction has an id by then.
    if (ground.runs_code_before_notes && track::own_transaction() != 0) {
        return true;
    }
    for (int i = 0; i < ground.leaf_count; ++i) {
        if (AfterTriggerPendingOnRel(ground.leaves[i])) {
            return true;
        }
    }
    return false;
}

Lookup look_up(const registry::TreeUse& use, fetch::Content content, bool counted) {
    SessionTree& session = session_tree(use);
    if (!track::can_watch()) {
        session.calls_without_preload += counted ? 1 : 0;
        return bypass(track::no_watch, Bypass::not_preloaded);
    }
    const int place = place_of(session, *use.tree);
    if (place == track::no_watch) {
        return bypass(place, Bypass::too_large, counted);
    }
    if (!enable_cache) {
        return bypass(place, Bypass::disabled, counted);
    }
    const Snapshot snapshot = GetActiveSnapshot();
    if (const Bypass reason = obstacle_for(snapshot); reason != Bypass::none) {
        return bypass(place, reason, counted);
    }
    if (!may_read(*use.tree, content)) {
        return {Outcome::refused, Bypass::none, {}, 0, nullptr};
    }
    const Ground* ground;
    if (const Bypass reason = obstacle_of_tree(use, session, ground); reason != Bypass::none) {
        return bypass(place, reason, counted);
    }
    if (may_have_unnoted_changes(*ground)) {
        return bypass(place, Bypass::own_write, counted);
    }
    Entry& entry = entry_at(place);
    const Ticket ticket = pg_atomic_read_u64(&entry.image);
    const ResourceOwner owner = CurrentResourceOwner;
    const std::byte* bytes = pin_block(ticket, owner);
    if (bytes == nullptr) {
        return missed;
    }
    const Block block(bytes);
    switch (check(session, *ground, ticket, block, snapshot)) {
        case Verdict::holds:
            if (counted) {
                count(entry.hits);
                pg::wait_point(pg::WaitPoint::serve);
            }
            return {Outcome::hit, Bypass::none, block.image(), ticket, owner};
        case Verdict::own_write:
            unpin_block(ticket, owner);
            return bypass(place, Bypass::own_write, counted);
        case Verdict::too_old:
            unpin_block(ticket, owner);
            return bypass(place, Bypass::snapshot, counted);
        case Verdict::out_of_date:
            break;
    }
    unpin_block(ticket, owner);
    return missed;
}

void remember_hit(const Lookup& lookup, HitMemo& memo) {
    memo = {lookup.hit() ? lookup.ticket : 0, GetUserId(), row_security};
}

bool still_stands(const registry::TreeUse& use, const HitMemo& memo) {
    const SessionTree& session = session_tree(use);
    if (memo.ticket == 0 || session.checked != memo.ticket || session.checked_ground != session.ground_version ||
        session.ground == nullptr || session.ground->stale || session.surveyed != use.tree ||
        session.locked_in != pg::local_transaction() || memo.user != GetUserId() || memo.row_security != row_security ||
        !enable_cache || (!use.tree->only_columns && !settings_are_canonical())) {
        return false;
    }
    // A statement that calls functions may go on changing rows which a later command's snapshot, the same one again, then sees.
    const track::FullXid own = track::own_transaction();
    const Snapshot snapshot = GetActiveSnapshot();
    return obstacle_for(snapshot) == Bypass::none && session.snapshot.is(snapshot, own) &&
           (own == 0 || !may_have_unnoted_changes(*session.ground));
}

Lookup look_up_again(const registry::TreeUse& use, const HitMemo& memo) {
    const ResourceOwner owner = CurrentResourceOwner;
    const std::byte* bytes = pin_block(memo.ticket, owner);
    if (bytes == nullptr) {
        return missed;
    }
    count(entry_at(session_tree(use).place).hits);
    pg::wait_point(pg::WaitPoint::serve);
    return {Outcome::hit, Bypass::none, Block(bytes).image(), memo.ticket, owner};
}

void done(Lookup& lookup) {
    if (lookup.hit()) {
        unpin_block(lookup.ticket, lookup.owner);
        lookup.outcome = Outcome::miss;
    }
}

void give_up(const registry::TreeUse& use, Lookup& lookup) {
    done(lookup);
    SessionTree& session = session_tree(use);
    pg_atomic_fetch_sub_u64(&entry_at(session.place).hits, 1);
    lookup = bypass(session.place, Bypass::unsupported);
}

}  // namespace pg_tree::cache
