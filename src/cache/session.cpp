#include "cache/session.h"

#include "pg/debug_break.h"

namespace pg_tree::cache {

namespace {

SessionTree* first_tree = nullptr;

/// What the session has said, and what it has counted, it remembers; the rest is found out again.
void forget_definition(void* data) {
    auto* gone = static_cast<SessionTree*>(data);
    gone->surveyed = nullptr;
    if (--gone->definitions > 0) {
        return;
    }
    if (gone->ground != nullptr) {
        MemoryContextDelete(gone->ground->context);
        gone->ground = nullptr;
    }
    if (gone->warned || gone->calls_without_preload > 0) {
        return;
    }
    for (SessionTree** link = &first_tree; *link != nullptr; link = &(*link)->next) {
        if (*link == gone) {
            *link = gone->next;
            pfree(gone);
            return;
        }
    }
}

SessionTree* find_tree(const track::TreeKey& key) {
    for (SessionTree* tree = first_tree; tree != nullptr; tree = tree->next) {
        if (tree->key == key) {
            return tree;
        }
    }
    auto* tree = static_cast<SessionTree*>(MemoryContextAllocZero(TopMemoryContext, sizeof(SessionTree)));
    tree->key = key;
    tree->place = track::no_watch;
    tree->next = first_tree;
    first_tree = tree;
    return tree;
}

}  // namespace

bool SnapshotMemo::is(Snapshot snapshot, track::FullXid own_transaction) const {
    if (pg::broken(pg::Rule::memo_pointer)) {
        return valid && address == snapshot;
    }
    return valid && xmin == snapshot->xmin && xmax == snapshot->xmax && count == snapshot->xcnt &&
           command == snapshot->curcid && own == own_transaction &&
           memcmp(running, snapshot->xip, count * sizeof(TransactionId)) == 0;
}

void SnapshotMemo::remember(Snapshot snapshot, track::FullXid own_transaction) {
    valid = snapshot->xcnt <= most_running;
    address = snapshot;
    if (valid) {
        xmin = snapshot->xmin;
        xmax = snapshot->xmax;
        count = snapshot->xcnt;
        command = snapshot->curcid;
        own = own_transaction;
        memcpy(running, snapshot->xip, count * sizeof(TransactionId));
    }
}

SessionTree& session_tree(const registry::TreeUse& use) {
    registry::Attachment& attachment = use.attachment(registry::Room::cache);
    if (attachment.data == nullptr) {
        SessionTree* tree = find_tree({MyDatabaseId, use.tree->relation, use.tree->trigger});
        ++tree->definitions;
        attachment.data = tree;
        attachment.free = forget_definition;
    }
    return *static_cast<SessionTree*>(attachment.data);
}

void for_each_session_tree(void (*visit)(SessionTree&, void*), void* argument) {
    for (SessionTree* tree = first_tree; tree != nullptr; tree = tree->next) {
        visit(*tree, argument);
    }
}

}  // namespace pg_tree::cache
