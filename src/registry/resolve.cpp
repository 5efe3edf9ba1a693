// The session's memory of which trees there are and what they look like.
//
// Two levels. The list of registrations is read again after any relation changed its definition; a tree's definition only
// after its own relation did. Both live in memory of their own below CacheMemoryContext. A definition that went stale
// while in use is freed by a later call, never under its user.

#include "registry/resolve.h"

#include "pg/compat.h"
#include "pg/error.h"
#include "pg/fault.h"

extern "C" {
#include "access/xact.h"
#include "catalog/namespace.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
#include "utils/varlena.h"
}

namespace pg_tree::registry {

namespace {

char* default_tree = nullptr;

struct Definition {
    Definition* next;
    Tree* tree;
    Oid relation;
    char name[NAMEDATALEN];
    int uses;
    bool stale;
    Attachment attachments[static_cast<int>(Room::count)];
};

struct Session {
    MemoryContext names_context;
    std::span<Registration> names;
    Oid track_function;
    Oid extension_schema;
    bool names_known;
    uint64 invalidations;
    Definition* definitions;
};
Session session = {};

void relation_changed(Datum, Oid relation) {
    session.names_known = false;
    ++session.invalidations;
    for (Definition* definition = session.definitions; definition != nullptr; definition = definition->next) {
        if (!OidIsValid(relation) || definition->relation == relation) {
            definition->stale = true;
        }
    }
}

/// A function, operator or schema changed: definitions hold names and identities of those.
void object_changed(Datum, int, uint32) { relation_changed(0, InvalidOid); }

/// A type, a cast, a collation or an enum's label: expressions may hold those. They change often (each table has a type), so definitions
/// without expressions are spared.
void expression_object_changed(Datum, int, uint32) {
    ++session.invalidations;
    for (Definition* definition = session.definitions; definition != nullptr; definition = definition->next) {
        definition->stale = definition->stale || !definition->tree->only_columns;
    }
}

/// The names known now; reads them again if anything changed.
std::span<Registration> names(Oid calling_function) {
    const Oid schema = get_func_namespace(calling_function);
    if (session.names_known && session.extension_schema == schema) {
        return session.names;
    }
    if (session.names_context == nullptr) {
        session.names_context = AllocSetContextCreate(CacheMemoryContext, "pg_tree names", ALLOCSET_SMALL_SIZES);
    }
    // From here on an error leaves names_known false, and the next call starts over.
    session.names_known = false;
    session.names = {};
    MemoryContextReset(session.names_context);
    MemoryContext caller = MemoryContextSwitchTo(session.names_context);
    const uint64 before = session.invalidations;
    session.track_function = track_function(calling_function);
    session.names = read_registrations(session.track_function);
    session.extension_schema = schema;
    session.names_known = before == session.invalidations;
    MemoryContextSwitchTo(caller);
    return session.names;
}

bool may_read(Oid relation) {
    if (!pg::may_use_schema(get_rel_namespace(relation))) {
        return false;
    }
    return pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
           pg_attribute_aclcheck_all(relation, GetUserId(), ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK;
}

/// `a, b, c` of those that pass, at most ten.
template <class Pass>
char* list_names(std::span<Registration> registrations, Pass&& pass) {
    StringInfoData list;
    initStringInfo(&list);
    int count = 0;
    for (const Registration& registration : registrations) {
        if (!pass(registration)) {
            continue;
        }
        if (++count > 10) {
            appendStringInfoString(&list, ", ...");
            break;
        }
        appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", qualified_tree_name(registration));
    }
    return list.data;
}

char* readable_names(std::span<Registration> registrations) {
    return list_names(registrations, [](const Registration& registration) { return may_read(registration.relation); });
}

[[noreturn]] void refuse_unknown(std::span<Registration> registrations, const char* name, const TreeName& parsed) {
    const char* known = readable_names(registrations);
    const char* folded_away = nullptr;
    for (const Registration& registration : registrations) {
        if (strcmp(registration.tree, name) == 0 && strcmp(parsed.tree, name) != 0 && may_read(registration.relation)) {
            folded_away = qualified_tree_name(registration);
        }
    }
    RangeVar* range = makeRangeVar(const_cast<char*>(parsed.schema), const_cast<char*>(parsed.tree), -1);
    const Oid relation = RangeVarGetRelid(range, NoLock, true);
    ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("tree \"%s\" does not exist", name),
            known[0] != '\0' ? errdetail("Registered trees: %s.", known) : 0,
            folded_away != nullptr ? errhint("Names are folded to lower case unless quoted: write '%s'.", folded_away)
            : OidIsValid(relation) ? errhint("The table exists: register it with SELECT tree_register('%s').", name)
            : known[0] == '\0'     ? errhint("Register a table with SELECT tree_register('table').")
                               : errhint("Trees are found along search_path; name another schema's as schema.tree."));
    pg_unreachable();
}

const Registration* find_in_schema(std::span<Registration> registrations, Oid schema, const char* tree) {
    const Registration* found = nullptr;
    for (const Registration& registration : registrations) {
        if (registration.schema != schema || strcmp(registration.tree, tree) != 0) {
            continue;
        }
        if (found != nullptr) {
            ereport(ERROR, errcode(ERRCODE_DUPLICATE_OBJECT),
                    errmsg("two tables carry a tree called %s", qualified_tree_name(registration)),
                    errdetail("\"%s\" and \"%s\".", found->relation_name, registration.relation_name),
                    errhint("Register one of them again under another name, after dropping its trigger \"%s\".",
                            registration.trigger));
        }
        found = &registration;
    }
    return found;
}

const Registration& find_named(std::span<Registration> registrations, const char* name) {
    const TreeName parsed = parse_tree_name(name);
    const Registration* found = nullptr;
    if (parsed.schema != nullptr) {
        found = find_in_schema(registrations, LookupExplicitNamespace(parsed.schema, false), parsed.tree);
    } else {
        List* path = fetch_search_path(true);
        ListCell* cell;
        foreach (cell, path) {
            found = find_in_schema(registrations, lfirst_oid(cell), parsed.tree);
            if (found != nullptr) {
                break;
            }
        }
        list_free(path);
    }
    if (found == nullptr) {
        refuse_unknown(registrations, name, parsed);
    }
    return *found;
}

const Registration& find_only(std::span<Registration> registrations) {
    List* path = fetch_search_path(true);
    auto is_candidate = [path](const Registration& registration) {
        return list_member_oid(path, registration.schema) && may_read(registration.relation);
    };
    const Registration* found = nullptr;
    for (const Registration& registration : registrations) {
        if (!is_candidate(registration)) {
            continue;
        }
        if (found != nullptr) {
            ereport(ERROR, errcode(ERRCODE_AMBIGUOUS_PARAMETER),
                    errmsg("several trees are registered, and none is named in this call"),
                    errdetail("Candidates: %s.", list_names(registrations, is_candidate)),
                    errhint("Name one, as in tree_build(1, 'tree'), or SET pg_tree.default_tree."));
        }
        found = &registration;
    }
    if (found == nullptr) {
        const char* known = readable_names(registrations);
        if (known[0] == '\0') {
            ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("no tree is registered"),
                    errhint("Register a table with SELECT tree_register('table')."));
        }
        ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("no tree is registered on the search path"),
                errdetail("Registered trees: %s.", known),
                errhint("Name one, as in tree_build(1, 'schema.tree'), or change search_path."));
    }
    list_free(path);
    return *found;
}

const Registration& find_of_row_type(std::span<Registration> registrations, Oid row_type, const char* name) {
    const Oid relation = get_typ_typrelid(row_type);
    const Registration* found = nullptr;
    if (name != nullptr) {
        found = &find_named(registrations, name);
        if (found->relation != relation) {
            ereport(ERROR, errcode(ERRCODE_DATATYPE_MISMATCH),
                    errmsg("tree %s is not on %s", qualified_tree_name(*found), format_type_be(row_type)),
                    errhint("Write NULL::%s as the first argument.",
                            quote_qualified_identifier(get_namespace_name(found->schema), found->relation_name)));
        }
        return *found;
    }
    for (const Registration& registration : registrations) {
        if (registration.relation != relation || !OidIsValid(relation)) {
            continue;
        }
        if (found != nullptr) {
            ereport(
                ERROR, errcode(ERRCODE_AMBIGUOUS_PARAMETER),
                errmsg("%s carries several trees, and none is named in this call", format_type_be(row_type)),
                errdetail("Candidates: %s.",
                          list_names(registrations, [&](const Registration& one) { return one.relation == relation; })),
                errhint("Name one with the argument tree."));
        }
        found = &registration;
    }
    if (found == nullptr) {
        ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
                errmsg("%s is not the row type of a tree", format_type_be(row_type)),
                errhint("The first argument is NULL::table, with the name of a registered table."));
    }
    return *found;
}

Definition* known_definition(const Registration& registration) {
    for (Definition* definition = session.definitions; definition != nullptr; definition = definition->next) {
        if (!definition->stale && definition->relation == registration.relation &&
            strcmp(definition->name, registration.tree) == 0) {
            return definition;
        }
    }
    return nullptr;
}

void free_stale_definitions() {
    for (Definition** link = &session.definitions; *link != nullptr;) {
        Definition* definition = *link;
        if (definition->stale && definition->uses == 0) {
            *link = definition->next;
            for (Attachment& attachment : definition->attachments) {
                if (attachment.data != nullptr) {
                    attachment.free(attachment.data);
                }
            }
            MemoryContextDelete(definition->tree->context);
            pfree(definition);
        } else {
            link = &definition->next;
        }
    }
}

Definition* load_definition(const Registration& known) {
    free_stale_definitions();
    // What is loaded may evaluate literals, and that may look names up again.
    const Registration registration = copy_registration(known);
    // Built where an error frees it, then moved to where the session keeps it.
    Tree* tree = load_tree(registration, CurrentMemoryContext);
    auto* definition = static_cast<Definition*>(MemoryContextAllocZero(CacheMemoryContext, sizeof(Definition)));
    MemoryContextSetParent(tree->context, CacheMemoryContext);
    definition->tree = tree;
    definition->relation = registration.relation;
    strlcpy(definition->name, registration.tree, sizeof definition->name);
    definition->next = session.definitions;
    session.definitions = definition;
    return definition;
}

TreeUse use(Definition* definition, MemoryContext context) {
    auto* callback = static_cast<MemoryContextCallback*>(MemoryContextAlloc(context, sizeof(MemoryContextCallback)));
    callback->func = [](void* argument) { --static_cast<Definition*>(argument)->uses; };
    callback->arg = definition;
    ++definition->uses;
    MemoryContextRegisterResetCallback(context, callback);
    return {definition->tree, definition->attachments};
}

/// Looks a registration up, locks its relation, and looks again if anything changed before the lock was there.
template <class Find>
TreeUse find_and_use(MemoryContext context, Find&& find) {
    pg::server_fault_point(pg::Fault::resolve);
    // Taking a lock does this only if the transaction does not hold the lock yet, and registering anew conflicts with no
    // reader's lock.
    AcceptInvalidationMessages();
    // Bounded, for a server that discards its caches at every turn (debug_discard_caches) never stands still. With the lock
    // held no column can change, so what was loaded last is right in any case.
    for (int attempt = 1;; ++attempt) {
        const Registration* registration = &find();
        const Oid relation = registration->relation;
        const uint64 before = session.invalidations;
        LockRelationOid(relation, AccessShareLock);
        const bool last_attempt = attempt == 10;
        if (!pg::may_use_schema(registration->schema)) {
            aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_SCHEMA, get_namespace_name(registration->schema));
        }
        if (before == session.invalidations || last_attempt) {
            Definition* definition = known_definition(*registration);
            if (definition == nullptr) {
                // Reading the definition can itself bring invalidations; then it was made for nothing, and once more.
                definition = load_definition(*registration);
                definition->stale = before != session.invalidations;
            }
            if (!definition->stale || last_attempt) {
                return use(definition, context);
            }
        }
        UnlockRelationOid(relation, AccessShareLock);
        CHECK_FOR_INTERRUPTS();
    }
}

}  // namespace

TreeName parse_tree_name(const char* text) {
    List* parts = pg::split_qualified_name(text);
    switch (list_length(parts)) {
        case 1:
            return {nullptr, strVal(linitial(parts))};
        case 2:
            return {strVal(linitial(parts)), strVal(lsecond(parts))};
        default:
            ereport(ERROR, errcode(ERRCODE_INVALID_NAME), errmsg("\"%s\" is not the name of a tree", text),
                    errhint("Write tree or schema.tree; put names that are not plain lower case in double quotes."));
            pg_unreachable();
    }
}

const Registration& find_registration(Oid calling_function, const char* name) {
    const std::span<Registration> known = names(calling_function);
    if (name == nullptr && default_tree != nullptr && default_tree[0] != '\0') {
        name = default_tree;
    }
    return name != nullptr ? find_named(known, name) : find_only(known);
}

TreeUse use_tree(Oid calling_function, const char* name, MemoryContext context) {
    return find_and_use(context, [&]() -> const Registration& { return find_registration(calling_function, name); });
}

TreeUse use_tree_of_row_type(Oid calling_function, Oid row_type, const char* name, MemoryContext context) {
    return find_and_use(
        context, [&]() -> const Registration& { return find_of_row_type(names(calling_function), row_type, name); });
}

TreeUse use_tree_of_trigger(Oid calling_function, Oid trigger, MemoryContext context) {
    return find_and_use(context, [&]() -> const Registration& {
        for (const Registration& registration : names(calling_function)) {
            if (registration.trigger_oid == trigger) {
                return registration;
            }
        }
        ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("no trigger with the OID %u carries a tree", trigger));
        pg_unreachable();
    });
}

void remember_names(NameMemo& memo, MemoryContext context) {
    memo = {session.invalidations, GetUserId(), MemoryContextStrdup(context, namespace_search_path),
            MemoryContextStrdup(context, default_tree)};
}

bool names_still_mean(const NameMemo& memo) {
    return memo.invalidations == session.invalidations && memo.user == GetUserId() &&
           strcmp(memo.search_path, namespace_search_path) == 0 && strcmp(memo.default_tree, default_tree) == 0;
}

namespace {

/// Splits a name that may be none. False: it is not one that is worth a look.
bool split_quietly(const char* text, TreeName& name) {
    List* parts;
    if (!SplitIdentifierString(pstrdup(text), '.', &parts) || parts == NIL || list_length(parts) > 2) {
        return false;
    }
    name.schema = list_length(parts) == 2 ? static_cast<const char*>(linitial(parts)) : nullptr;
    name.tree = static_cast<const char*>(llast(parts));
    return true;
}

/// A registration may speak of columns that are no more; whoever asks for the tree is told.
bool can_be_loaded(const Registration& registration) {
    if (known_definition(registration) != nullptr) {
        return true;
    }
    if (IsInParallelMode()) {
        return false;
    }
    Registration copy = copy_registration(registration);
    char message[256];
    return pg::succeeds_in_subtransaction(
        [](void* argument) {
            const auto& registration = *static_cast<Registration*>(argument);
            LockRelationOid(registration.relation, AccessShareLock);
            if (known_definition(registration) == nullptr) {
                load_definition(registration);
            }
        },
        &copy, message);
}

}  // namespace

bool knows_tree(Oid calling_function, Oid row_type, const char* text) {
    const std::span<Registration> known = names(calling_function);
    if (text == nullptr && !OidIsValid(row_type) && default_tree != nullptr && default_tree[0] != '\0') {
        text = default_tree;
    }
    TreeName name = {nullptr, nullptr};
    Oid schema = InvalidOid;
    if (text != nullptr) {
        if (!split_quietly(text, name)) {
            return false;
        }
        if (name.schema != nullptr) {
            schema = get_namespace_oid(name.schema, true);
            if (!OidIsValid(schema)) {
                return false;
            }
        }
    }
    const Oid relation = OidIsValid(row_type) ? get_typ_typrelid(row_type) : InvalidOid;
    List* path = fetch_search_path(true);
    // The first schema on the path that has the name; without a name the tree has to be the only one.
    int found = 0;
    int found_at = INT32_MAX;
    bool readable = false;
    const Registration* meant = nullptr;
    for (const Registration& registration : known) {
        if (text != nullptr && strcmp(registration.tree, name.tree) != 0) {
            continue;
        }
        int at = 0;
        if (OidIsValid(schema)) {
            if (registration.schema != schema) {
                continue;
            }
        } else if (text == nullptr && OidIsValid(row_type)) {
            if (registration.relation != relation) {
                continue;
            }
        } else {
            at = 0;
            ListCell* cell;
            foreach (cell, path) {
                if (lfirst_oid(cell) == registration.schema) {
                    break;
                }
                ++at;
            }
            if (cell == nullptr || (text == nullptr && !may_read(registration.relation))) {
                continue;
            }
        }
        if (text == nullptr) {
            at = 0;
        }
        if (at < found_at) {
            found_at = at;
            found = 0;
            meant = &registration;
            readable = may_read(registration.relation) && (!OidIsValid(row_type) || registration.relation == relation);
        }
        found += at == found_at ? 1 : 0;
    }
    list_free(path);
    return found == 1 && readable && can_be_loaded(*meant);
}

void start() {
    DefineCustomStringVariable("pg_tree.default_tree", "The tree meant by calls that name none.",
                               "Empty: the only tree on the search path.", &default_tree, "", PGC_USERSET, 0, nullptr,
                               nullptr, nullptr);
    CacheRegisterRelcacheCallback(relation_changed, 0);
    for (const int cache : {PROCOID, OPEROID, NAMESPACEOID}) {
        CacheRegisterSyscacheCallback(cache, object_changed, 0);
    }
    for (const int cache : {TYPEOID, CASTSOURCETARGET, COLLOID, ENUMOID}) {
        CacheRegisterSyscacheCallback(cache, expression_object_changed, 0);
    }
}

}  // namespace pg_tree::registry
