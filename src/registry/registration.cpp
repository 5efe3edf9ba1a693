#include "registry/registration.h"

extern "C" {
#include "access/detoast.h"
#include "access/genam.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/extension.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/syscache.h"
}

namespace pg_tree::registry {

namespace {

struct Field {
    const char* key;
    const char* Registration::*value;
};
constexpr Field fields[] = {
    {"id", &Registration::id},     {"parent", &Registration::parent},     {"code", &Registration::code},
    {"name", &Registration::name}, {"order_by", &Registration::order_by}, {"filter", &Registration::filter},
};

/// Calls visit(key, value) for each argument that is present.
template <class Visit>
void for_each_argument(const Registration& registration, Visit&& visit) {
    if (!registration.follows_relation) {
        visit("tree", registration.tree);
    }
    for (const Field& field : fields) {
        if (const char* value = registration.*field.value; value != nullptr) {
            visit(field.key, value);
        }
    }
}

bool is_name(const char* text) { return text[0] != '\0' && strlen(text) < NAMEDATALEN; }

bool is_truncate_trigger(int16 type) { return (type & TRIGGER_TYPE_TRUNCATE) != 0; }

/// Fills in what the trigger's arguments say. False: not a registration.
bool read_arguments(HeapTuple tuple, TupleDesc descriptor, Registration& registration) {
    const auto* form = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(tuple));
    if (form->tgnargs == 0) {
        return false;
    }
    bool is_null;
    const Datum stored = heap_getattr(tuple, Anum_pg_trigger_tgargs, descriptor, &is_null);
    if (is_null) {
        return false;
    }
    // A trigger can be made by hand, on anybody's own table, and every session keeps the list of trees.
    if (toast_raw_datum_size(stored) > max_argument_bytes) {
        return false;
    }
    varlena* arguments = pg_detoast_datum_packed(reinterpret_cast<varlena*>(DatumGetPointer(stored)));
    const char* argument = VARDATA_ANY(arguments);
    registration.follows_relation = true;
    for (int i = 0; i < form->tgnargs; ++i, argument += strlen(argument) + 1) {
        const char* equals = strchr(argument, '=');
        if (equals == nullptr) {
            continue;
        }
        const std::string_view key(argument, static_cast<std::size_t>(equals - argument));
        if (key == "tree") {
            registration.tree = pstrdup(equals + 1);
            registration.follows_relation = false;
        }
        for (const Field& field : fields) {
            if (key == field.key) {
                registration.*field.value = pstrdup(equals + 1);
            }
        }
    }
    if (reinterpret_cast<Pointer>(arguments) != DatumGetPointer(stored)) {
        pfree(arguments);
    }
    return registration.id != nullptr && registration.parent != nullptr &&
           (registration.follows_relation || is_name(registration.tree));
}

/// A partition's copy of a trigger.
struct Copy {
    Oid trigger;
    Oid parent;
    bool always;
};

/// What one look at pg_trigger found.
struct Found {
    List* registrations;     ///< Registration*
    List* truncate_tracked;  ///< relations that have an ALWAYS truncate trigger
    List* copies;            ///< Copy*
};

void add_trigger(Found& found, HeapTuple tuple, TupleDesc descriptor) {
    const auto* form = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(tuple));
    const bool always = form->tgenabled == TRIGGER_FIRES_ALWAYS;
    if (OidIsValid(form->tgparentid)) {
        auto* copy = static_cast<Copy*>(palloc(sizeof(Copy)));
        *copy = {form->oid, form->tgparentid, always};
        found.copies = lappend(found.copies, copy);
        return;
    }
    if (is_truncate_trigger(form->tgtype)) {
        if (always) {
            found.truncate_tracked = lappend_oid(found.truncate_tracked, form->tgrelid);
        }
        return;
    }
    Registration registration = {};
    registration.relation_name = get_rel_name(form->tgrelid);
    if (registration.relation_name == nullptr || !read_arguments(tuple, descriptor, registration)) {
        return;  // dropped at this very moment, or not a registration
    }
    registration.relation = form->tgrelid;
    registration.schema = get_rel_namespace(form->tgrelid);
    if (registration.follows_relation) {
        registration.tree = registration.relation_name;
    }
    registration.trigger = pstrdup(NameStr(form->tgname));
    registration.trigger_oid = form->oid;
    registration.tracked = always;
    auto* item = static_cast<Registration*>(palloc(sizeof(Registration)));
    *item = registration;
    found.registrations = lappend(found.registrations, item);
}

/// The trigger that `trigger` is a copy of, through as many levels of partitions as there are.
Oid original_of(const Found& found, Oid trigger) {
    for (;;) {
        const Oid before = trigger;
        ListCell* cell;
        foreach (cell, found.copies) {
            if (const auto* copy = static_cast<const Copy*>(lfirst(cell)); copy->trigger == before) {
                trigger = copy->parent;
                break;
            }
        }
        if (trigger == before) {
            return trigger;
        }
    }
}

/// Is every trigger in place that notices a change of the table? Statement triggers of views notice none.
bool is_tracked(const Found& found, const Registration& registration) {
    const char kind = get_rel_relkind(registration.relation);
    if (kind == RELKIND_VIEW) {
        return false;
    }
    // Foreign tables cannot have TRUNCATE triggers before version 16.
    if (kind != RELKIND_FOREIGN_TABLE && !list_member_oid(found.truncate_tracked, registration.relation)) {
        return false;
    }
    ListCell* cell;
    foreach (cell, found.copies) {
        const auto* copy = static_cast<const Copy*>(lfirst(cell));
        if (!copy->always && original_of(found, copy->trigger) == registration.trigger_oid) {
            return false;
        }
    }
    return registration.tracked;
}

/// The registrations found, ordered by table and name.
std::span<Registration> finish(const Found& found) {
    const auto count = static_cast<std::size_t>(list_length(found.registrations));
    auto* items = static_cast<Registration*>(palloc(std::max<std::size_t>(count, 1) * sizeof(Registration)));
    std::size_t i = 0;
    ListCell* cell;
    foreach (cell, found.registrations) {
        items[i] = *static_cast<const Registration*>(lfirst(cell));
        items[i].tracked = is_tracked(found, items[i]);
        ++i;
    }
    std::sort(items, items + count, [](const Registration& a, const Registration& b) {
        return a.relation != b.relation ? a.relation < b.relation : strcmp(a.tree, b.tree) < 0;
    });
    return {items, count};
}

/// The arguments as pg_trigger.tgargs keeps them: each followed by a zero byte.
bytea* argument_bytes(const Registration& registration, int16* count) {
    StringInfoData bytes;
    initStringInfo(&bytes);
    *count = 0;
    for_each_argument(registration, [&](const char* key, const char* value) {
        appendStringInfo(&bytes, "%s=%s", key, value);
        appendStringInfoChar(&bytes, '\0');
        ++*count;
    });
    auto* result = static_cast<bytea*>(palloc(VARHDRSZ + bytes.len));
    SET_VARSIZE(result, VARHDRSZ + bytes.len);
    memcpy(VARDATA(result), bytes.data, bytes.len);
    return result;
}

/// Calls visit(tuple) for each trigger of the relation that runs tree_track.
template <class Visit>
void for_each_trigger(Relation triggers, Oid track_function, Oid relation, Visit&& visit) {
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
    SysScanDesc scan = systable_beginscan(triggers, TriggerRelidNameIndexId, true, nullptr, 1, &key);
    while (HeapTuple trigger = systable_getnext(scan)) {
        if (reinterpret_cast<Form_pg_trigger>(GETSTRUCT(trigger))->tgfoid == track_function) {
            visit(trigger);
        }
    }
    systable_endscan(scan);
}

/// Calls visit(tuple, descriptor) for every trigger that runs tree_track. pg_trigger has no index on the function, but every
/// trigger depends on its function.
template <class Visit>
void for_each_dependent_trigger(Oid track_function, Visit&& visit) {
    Relation depend = table_open(DependRelationId, AccessShareLock);
    Relation triggers = table_open(TriggerRelationId, AccessShareLock);
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(ProcedureRelationId));
    ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(track_function));
    SysScanDesc dependents = systable_beginscan(depend, DependReferenceIndexId, true, nullptr, 2, keys);
    while (HeapTuple dependent = systable_getnext(dependents)) {
        const auto* form = reinterpret_cast<Form_pg_depend>(GETSTRUCT(dependent));
        if (form->classid != TriggerRelationId) {
            continue;
        }
        ScanKeyData key;
        ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(form->objid));
        SysScanDesc scan = systable_beginscan(triggers, TriggerOidIndexId, true, nullptr, 1, &key);
        if (HeapTuple trigger = systable_getnext(scan); HeapTupleIsValid(trigger)) {
            visit(trigger, RelationGetDescr(triggers));
        }
        systable_endscan(scan);
    }
    systable_endscan(dependents);
    table_close(triggers, AccessShareLock);
    table_close(depend, AccessShareLock);
}

}  // namespace

Oid track_function(Oid calling_function) {
    const Oid schema = get_func_namespace(calling_function);
    oidvector* no_arguments = buildoidvector(nullptr, 0);
    const Oid function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum("tree_track"),
                                         PointerGetDatum(no_arguments), ObjectIdGetDatum(schema));
    if (!OidIsValid(function)) {
        ereport(ERROR, errcode(ERRCODE_UNDEFINED_FUNCTION), errmsg("the trigger function tree_track is missing"),
                errhint("Run DROP EXTENSION pg_tree and CREATE EXTENSION pg_tree."));
    }
    return function;
}

bool trigger_exists(Oid trigger) {
    Relation triggers = table_open(TriggerRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(trigger));
    SysScanDesc scan = systable_beginscan(triggers, TriggerOidIndexId, true, nullptr, 1, &key);
    const bool exists = HeapTupleIsValid(systable_getnext(scan));
    systable_endscan(scan);
    table_close(triggers, AccessShareLock);
    return exists;
}

Oid installed_track_function() {
    const Oid extension = get_extension_oid("pg_tree", true);
    if (!OidIsValid(extension)) {
        return InvalidOid;
    }
    Oid schema = InvalidOid;
    Relation extensions = table_open(ExtensionRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(extension));
    SysScanDesc scan = systable_beginscan(extensions, ExtensionOidIndexId, true, nullptr, 1, &key);
    if (HeapTuple tuple = systable_getnext(scan); HeapTupleIsValid(tuple)) {
        schema = reinterpret_cast<Form_pg_extension>(GETSTRUCT(tuple))->extnamespace;
    }
    systable_endscan(scan);
    table_close(extensions, AccessShareLock);
    oidvector* no_arguments = buildoidvector(nullptr, 0);
    return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum("tree_track"),
                           PointerGetDatum(no_arguments), ObjectIdGetDatum(schema));
}

std::span<Registration> read_registrations(Oid track_function) {
    Found found = {};
    for_each_dependent_trigger(
        track_function, [&](HeapTuple trigger, TupleDesc descriptor) { add_trigger(found, trigger, descriptor); });
    return finish(found);
}

std::span<TriggerName> read_trigger_names(Oid track_function) {
    List* names = NIL;
    for_each_dependent_trigger(track_function, [&](HeapTuple trigger, TupleDesc) {
        const auto* form = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(trigger));
        if (!OidIsValid(form->tgparentid)) {
            auto* name = static_cast<TriggerName*>(palloc(sizeof(TriggerName)));
            *name = {form->tgrelid, pstrdup(NameStr(form->tgname))};
            names = lappend(names, name);
        }
    });
    const auto count = static_cast<std::size_t>(list_length(names));
    auto* items = static_cast<TriggerName*>(palloc(std::max<std::size_t>(count, 1) * sizeof(TriggerName)));
    for (std::size_t i = 0; i < count; ++i) {
        items[i] = *static_cast<const TriggerName*>(list_nth(names, static_cast<int>(i)));
    }
    std::sort(items, items + count, [](const TriggerName& a, const TriggerName& b) { return a.relation < b.relation; });
    return {items, count};
}

std::span<Registration> read_registrations_of(Oid track_function, Oid relation) {
    const std::span<Registration> all = read_registrations(track_function);
    std::size_t first = 0;
    while (first < all.size() && all[first].relation != relation) {
        ++first;
    }
    std::size_t end = first;
    while (end < all.size() && all[end].relation == relation) {
        ++end;
    }
    return all.subspan(first, end - first);
}

TruncateTrigger find_truncate_trigger(Oid track_function, Oid relation) {
    TruncateTrigger found = {nullptr, false};
    Relation triggers = table_open(TriggerRelationId, AccessShareLock);
    for_each_trigger(triggers, track_function, relation, [&](HeapTuple trigger) {
        const auto* form = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(trigger));
        if (is_truncate_trigger(form->tgtype)) {
            found = {pstrdup(NameStr(form->tgname)), form->tgenabled == TRIGGER_FIRES_ALWAYS};
        }
    });
    table_close(triggers, AccessShareLock);
    return found;
}

void rewrite_registrations(Oid track_function, Oid relation, bool (*change)(Registration&, void*), void* argument) {
    Relation triggers = table_open(TriggerRelationId, RowExclusiveLock);
    TupleDesc descriptor = RelationGetDescr(triggers);
    bool rewritten = false;
    for_each_trigger(triggers, track_function, relation, [&](HeapTuple trigger) {
        Registration registration = {};
        if (!read_arguments(trigger, descriptor, registration)) {
            return;
        }
        registration.relation = relation;
        if (!change(registration, argument)) {
            return;
        }
        Datum values[Natts_pg_trigger] = {};
        bool nulls[Natts_pg_trigger] = {};
        bool replaces[Natts_pg_trigger] = {};
        int16 count;
        values[Anum_pg_trigger_tgargs - 1] = PointerGetDatum(argument_bytes(registration, &count));
        values[Anum_pg_trigger_tgnargs - 1] = Int16GetDatum(count);
        replaces[Anum_pg_trigger_tgargs - 1] = replaces[Anum_pg_trigger_tgnargs - 1] = true;
        HeapTuple changed = heap_modify_tuple(trigger, descriptor, values, nulls, replaces);
        CatalogTupleUpdate(triggers, &changed->t_self, changed);
        rewritten = true;
    });
    table_close(triggers, RowExclusiveLock);
    if (rewritten) {
        CacheInvalidateRelcacheByRelid(relation);
    }
}

char* trigger_arguments(const Registration& registration) {
    StringInfoData list;
    initStringInfo(&list);
    for_each_argument(registration, [&](const char* key, const char* value) {
        appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", quote_literal_cstr(psprintf("%s=%s", key, value)));
    });
    return list.data;
}

int list_arguments(const Registration& registration, char*** arguments) {
    *arguments = static_cast<char**>(palloc(sizeof(char*) * (std::size(fields) + 1)));
    int count = 0;
    for_each_argument(registration, [&](const char* key, const char* value) {
        (*arguments)[count++] = psprintf("%s=%s", key, value);
    });
    return count;
}

Registration copy_registration(const Registration& registration) {
    Registration copy = registration;
    for (const char* Registration::*text : {&Registration::relation_name, &Registration::tree, &Registration::trigger,
                                            &Registration::id, &Registration::parent, &Registration::code,
                                            &Registration::name, &Registration::order_by, &Registration::filter}) {
        if (copy.*text != nullptr) {
            copy.*text = pstrdup(copy.*text);
        }
    }
    return copy;
}

char* qualified_tree_name(const Registration& registration) {
    return quote_qualified_identifier(get_namespace_name(registration.schema), registration.tree);
}

char* relation_sql(Oid relation) {
    return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), get_rel_name(relation));
}

}  // namespace pg_tree::registry
