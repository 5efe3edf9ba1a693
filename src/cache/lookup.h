// May a call be answered from the tree's image? The whole rule of exactness, and who may see what, in one place.
#pragma once

#include "cache/area.h"
#include "cache/ground.h"
#include "core/image.h"
#include "fetch/plans.h"

namespace pg_tree::cache {

/// Defines pg_tree.enable_cache. Called once from _PG_init.
void define_lookup_settings();

/// The answer to that question. After a hit the image is pinned until done() or the end of the resource owner.
struct Lookup {
    enum class Outcome {
        hit,
        miss,    ///< there is no image that fits, but one could be built
        bypass,  ///< the table has to be read; the reason is counted
        refused  ///< the caller may not read the table, which reading it will say
    };
    Outcome outcome;
    Bypass reason;  ///< of a bypass
    core::Image image;
    Ticket ticket;
    ResourceOwner owner;

    bool hit() const { return outcome == Outcome::hit; }
};

/// Looks the tree's image up for the active snapshot and the current user, who wants to read `content`. Counts a hit or a bypass; a miss is
/// counted when its cost is known (unless `counted` is false). A server frame.
Lookup look_up(const registry::TreeUse& use, fetch::Content content, bool counted = true);

/// What a hit was found under, for the next call of the same expression. For the same snapshot, user and settings, with the relations
/// still locked, no invalidation processed since and no change of this transaction's own that is still to be noted, it would be found again.
struct HitMemo {
    Ticket ticket = 0;  ///< 0: there was none
    Oid user = InvalidOid;
    bool row_security = false;
};
void remember_hit(const Lookup& lookup, HitMemo& memo);

/// Is everything as it was? Costs next to nothing.
bool still_stands(const registry::TreeUse& use, const HitMemo& memo);

/// The hit again, counted as one; a miss when its image has gone. Only while it still stands.
Lookup look_up_again(const registry::TreeUse& use, const HitMemo& memo);

/// Unpins the image of a hit.
void done(Lookup& lookup);

/// A hit that turned out not to know enough for this question (a key on a cycle): unpins, and counts it as a bypass instead.
void give_up(const registry::TreeUse& use, Lookup& lookup);

/// May the current user read these columns of the tree's table?
bool may_read(const registry::Tree& tree, fetch::Content content);

/// Condition 5 for a snapshot: `none` when it holds.
Bypass obstacle_for(Snapshot snapshot);
/// Condition 3, second half: may this transaction have changed rows whose triggers have not fired yet?
bool may_have_unnoted_changes(const Ground& ground);

}  // namespace pg_tree::cache
