#include "registry/register.h"

#include "pg/compat.h"
#include "registry/columns.h"
#include "registry/expression.h"
#include "registry/resolve.h"
#include "registry/tree.h"

extern "C" {
#include "access/relation.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_namespace.h"
#include "commands/defrem.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
}

namespace pg_tree::registry {

namespace {

void run(const char* statement) {
    if (const int result = SPI_execute(statement, false, 0); result < 0) {
        elog(ERROR, "%s failed: %s", statement, SPI_result_code_string(result));
    }
}

void check_owner(Oid relation) {
    if (!pg::owns_relation(relation)) {
        aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relation)), get_rel_name(relation));
    }
}

/// What can carry triggers can be a tree.
void check_kind(Relation relation) {
    const char* name = RelationGetRelationName(relation);
    switch (relation->rd_rel->relkind) {
        case RELKIND_RELATION:
        case RELKIND_PARTITIONED_TABLE:
        case RELKIND_FOREIGN_TABLE:
        case RELKIND_VIEW:
            break;
        case RELKIND_MATVIEW:
            ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("materialized view \"%s\" cannot be registered as a tree", name),
                    errdetail("A registration is carried by triggers, and materialized views have none."),
                    errhint("Create a view on it and register the view."));
            break;
        default:
            ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" cannot be registered as a tree", name),
                    errdetail("It is not a table, partitioned table, foreign table or view."));
    }
    if (IsSystemRelation(relation)) {
        ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                errmsg("system catalog \"%s\" cannot be registered as a tree", name),
                errhint("Create a view on it and register the view."));
    }
}

/// Views and foreign tables have no indexes to prove it; duplicates there are found when they are read.
void check_unique(Relation relation, const char* id) {
    const char kind = relation->rd_rel->relkind;
    if (kind == RELKIND_VIEW || kind == RELKIND_FOREIGN_TABLE) {
        return;
    }
    if (!has_unique_index(relation, get_attnum(RelationGetRelid(relation), id))) {
        ereport(
            ERROR, errcode(ERRCODE_INVALID_TABLE_DEFINITION),
            errmsg("key column \"%s\" of \"%s\" is not unique", id, RelationGetRelationName(relation)),
            errdetail("A tree's key needs a valid unique index on that column alone, without a condition."),
            errhint("CREATE UNIQUE INDEX ON %s (%s);", relation_sql(RelationGetRelid(relation)), quote_identifier(id)));
    }
}

/// A bare column name is taken as it stands, so that "Title" needs no second pair of quotes.
const char* column_or_expression(Relation relation, const char* text) {
    return get_attnum(RelationGetRelid(relation), text) > 0 ? quote_identifier(text) : text;
}

/// The tree's name from the request; null when it is to follow the relation's.
const char* requested_name(Relation relation, const char* tree) {
    if (tree == nullptr) {
        return nullptr;
    }
    const TreeName parsed = parse_tree_name(tree);
    const char* schema = get_namespace_name(RelationGetNamespace(relation));
    if (parsed.schema != nullptr && strcmp(parsed.schema, schema) != 0) {
        ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                errmsg("tree \"%s\" cannot be in another schema than its table", tree),
                errdetail("Table \"%s\" is in schema \"%s\".", RelationGetRelationName(relation), schema));
    }
    return strcmp(parsed.tree, RelationGetRelationName(relation)) == 0 ? nullptr : parsed.tree;
}

Registration complete(Relation relation, const Request& request) {
    Registration wanted = {};
    wanted.relation = RelationGetRelid(relation);
    wanted.schema = RelationGetNamespace(relation);
    wanted.relation_name = pstrdup(RelationGetRelationName(relation));
    const char* name = requested_name(relation, request.tree);
    wanted.follows_relation = name == nullptr;
    wanted.tree = name != nullptr ? name : wanted.relation_name;

    const Columns columns = choose_key_columns(relation, request.id, request.parent);
    wanted.id = columns.id;
    wanted.parent = columns.parent;
    const AttrNumber id = column_number(relation, wanted.id, qualified_tree_name(wanted));
    const FormData_pg_attribute* key = TupleDescAttr(RelationGetDescr(relation), id - 1);
    (void)describe_key_type(key->atttypid, key->attcollation, wanted.id, qualified_tree_name(wanted));
    wanted.code = request.code != nullptr ? request.code : choose_code_column(relation);
    if (wanted.code == nullptr) {
        wanted.code = wanted.id;
    }
    column_number(relation, wanted.code, qualified_tree_name(wanted));

    const Dialect as_written = {false, NIL};
    const char* taken[] = {wanted.id, wanted.parent, wanted.code};
    const char* label =
        request.name != nullptr ? column_or_expression(relation, request.name) : choose_name_column(relation, taken);
    if (label != nullptr && request.name == nullptr) {
        label = quote_identifier(label);
    }
    wanted.name = label != nullptr ? parse_expression(relation, label, "name", as_written, false).sql
                                   : pstrdup(quote_identifier(wanted.id));
    const char* order_by =
        request.order_by != nullptr ? column_or_expression(relation, request.order_by) : quote_identifier(wanted.code);
    wanted.order_by = sort_expressions_sql(parse_sort_expressions(relation, order_by, as_written));
    if (request.filter != nullptr) {
        wanted.filter =
            parse_expression(relation, column_or_expression(relation, request.filter), "filter", as_written, true).sql;
    }
    return wanted;
}

void check_name_is_free(Oid track_function, const Registration& wanted) {
    for (const Registration& other : read_registrations(track_function)) {
        if (other.schema == wanted.schema && other.relation != wanted.relation &&
            strcmp(other.tree, wanted.tree) == 0) {
            ereport(ERROR, errcode(ERRCODE_DUPLICATE_OBJECT),
                    errmsg("tree %s exists already, on table \"%s\"", qualified_tree_name(wanted), other.relation_name),
                    errhint("Choose another name with the argument tree, or tree_unregister() the other first."));
        }
    }
}

const Registration* find_existing(std::span<Registration> existing, const Registration& wanted) {
    for (const Registration& registration : existing) {
        if (strcmp(registration.tree, wanted.tree) == 0) {
            return &registration;
        }
    }
    return nullptr;
}

bool says_the_same(const Registration& a, const Registration& b) {
    return a.follows_relation == b.follows_relation && same_text(a.id, b.id) && same_text(a.parent, b.parent) &&
           same_text(a.code, b.code) && same_text(a.name, b.name) && same_text(a.order_by, b.order_by) &&
           same_text(a.filter, b.filter);
}

/// Needs SPI. The truncate trigger goes with the table's last tree.
void drop_triggers(Oid track_function, const Registration& registration) {
    run(psprintf("DROP TRIGGER %s ON %s", quote_identifier(registration.trigger), relation_sql(registration.relation)));
    CommandCounterIncrement();
    if (read_registrations_of(track_function, registration.relation).empty()) {
        const TruncateTrigger truncate = find_truncate_trigger(track_function, registration.relation);
        if (truncate.name != nullptr) {
            run(psprintf("DROP TRIGGER %s ON %s", quote_identifier(truncate.name),
                         relation_sql(registration.relation)));
        }
    }
}

/// `prefix_name_suffix`, shortened in the middle, with a number behind it if the relation has a trigger of that name.
char* free_trigger_name(Oid relation, const char* prefix, const char* name, const char* suffix) {
    char* trigger = makeObjectName(prefix, name, suffix);
    for (int i = 1; OidIsValid(get_trigger_oid(relation, trigger, true)); ++i) {
        trigger = makeObjectName(prefix, name, suffix == nullptr ? psprintf("%d", i) : psprintf("%s_%d", suffix, i));
    }
    return trigger;
}

/// A partition gets copies of its parent's triggers, and both may be registered, and attached to each other later: their
/// triggers' names must differ, however long the names of tables and schemas, hence the hash.
char* row_trigger_name(const Registration& wanted) {
    const char* name = qualified_tree_name(wanted);
    const uint32 hash = hash_bytes(reinterpret_cast<const unsigned char*>(name), static_cast<int>(strlen(name)));
    return free_trigger_name(wanted.relation, "pg_tree_row", wanted.tree, psprintf("%08x", hash));
}

/// Needs SPI. ALWAYS, because replication and restores turn ordinary triggers off. An earlier trigger of the same tree is
/// replaced, not dropped: that would have to wait for readers.
void create_triggers(Oid track_function, const Registration& wanted, const Registration* earlier, char relation_kind) {
    const char* table = relation_sql(wanted.relation);
    const char* function =
        quote_qualified_identifier(get_namespace_name(get_func_namespace(track_function)), "tree_track");
    const char* trigger = quote_identifier(earlier != nullptr ? earlier->trigger : row_trigger_name(wanted));
    const bool is_view = relation_kind == RELKIND_VIEW;
    run(psprintf(
        "CREATE OR REPLACE TRIGGER %s AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH %s EXECUTE FUNCTION %s(%s)",
        trigger, table, is_view ? "STATEMENT" : "ROW", function, trigger_arguments(wanted)));
    if (!is_view) {
        run(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", table, trigger));
    }
    if (relation_kind != RELKIND_RELATION && relation_kind != RELKIND_PARTITIONED_TABLE) {
        return;  // TRUNCATE does not reach views, nor, before version 16, triggers on foreign tables
    }
    TruncateTrigger truncate = find_truncate_trigger(track_function, wanted.relation);
    if (truncate.name == nullptr) {
        truncate = {free_trigger_name(wanted.relation, "pg_tree_truncate", nullptr, nullptr), false};
        run(psprintf("CREATE TRIGGER %s AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION %s()",
                     quote_identifier(truncate.name), table, function));
    }
    if (!truncate.always) {
        run(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", table, quote_identifier(truncate.name)));
    }
}

/// The name to write in a call: with the schema unless the search path finds it without.
char* callable_name(const Registration& registration) {
    List* path = fetch_search_path(true);
    const bool on_path = list_member_oid(path, registration.schema);
    list_free(path);
    return on_path ? pstrdup(quote_identifier(registration.tree)) : qualified_tree_name(registration);
}

void tell_what_was_chosen(const Registration& wanted) {
    StringInfoData text;
    initStringInfo(&text);
    appendStringInfo(&text, "id %s, parent %s, code %s, name %s, order_by %s", quote_identifier(wanted.id),
                     quote_identifier(wanted.parent), quote_identifier(wanted.code), wanted.name, wanted.order_by);
    if (wanted.filter != nullptr) {
        appendStringInfo(&text, ", filter %s", wanted.filter);
    }
    ereport(NOTICE, errmsg("tree %s: %s", qualified_tree_name(wanted), text.data));
}

/// A second tree takes the default away from calls that name none.
void tell_if_no_longer_alone(Oid track_function, const Registration& wanted) {
    List* path = fetch_search_path(true);
    int others = 0;
    for (const Registration& registration : read_registrations(track_function)) {
        others += registration.schema != wanted.schema || strcmp(registration.tree, wanted.tree) != 0
                      ? list_member_oid(path, registration.schema)
                      : 0;
    }
    if (others == 1 && list_member_oid(path, wanted.schema)) {
        ereport(NOTICE,
                errmsg("a second tree is registered: calls must now name theirs, as in tree_build(1, '%s')",
                       callable_name(wanted)),
                errhint("SET pg_tree.default_tree chooses the one meant when none is named."));
    }
    list_free(path);
}

}  // namespace

char* register_tree(Oid calling_function, const Request& request) {
    const Oid track = track_function(calling_function);
    if (get_rel_name(request.relation) == nullptr) {
        ereport(ERROR, errcode(ERRCODE_UNDEFINED_TABLE), errmsg("there is no table with the OID %u", request.relation));
    }
    check_owner(request.relation);
    Relation relation = relation_open(request.relation, ShareRowExclusiveLock);
    check_owner(request.relation);
    check_kind(relation);
    const char kind = relation->rd_rel->relkind;
    const Registration wanted = complete(relation, request);
    MemoryContextDelete(load_tree(wanted, CurrentMemoryContext)->context);  // checks all that reading will rely on
    check_unique(relation, wanted.id);
    relation_close(relation, NoLock);
    if (const std::size_t size = strlen(trigger_arguments(wanted)); size > max_argument_bytes / 2) {
        ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                errmsg("the registration of tree %s is too long: %zu bytes, at most %zu are possible",
                       qualified_tree_name(wanted), size, max_argument_bytes / 2),
                errhint("Put long expressions into a generated column."));
    }
    // Names are taken one at a time in a schema. The order is table, then schema; CREATE TABLE is not kept waiting.
    LockDatabaseObject(NamespaceRelationId, wanted.schema, 0, ShareUpdateExclusiveLock);
    check_name_is_free(track, wanted);

    const std::span<Registration> existing = read_registrations_of(track, wanted.relation);
    const Registration* same = find_existing(existing, wanted);
    const auto count = std::count_if(existing.begin(), existing.end(), [&](const Registration& registration) {
        return strcmp(registration.tree, wanted.tree) == 0;
    });
    if (same != nullptr && count == 1 && says_the_same(*same, wanted) && (same->tracked || kind == RELKIND_VIEW)) {
        ereport(NOTICE, errmsg("tree %s is registered like this already", qualified_tree_name(wanted)));
        return callable_name(wanted);
    }
    SPI_connect();
    // More than one of the same name can come from a trigger made by hand.
    for (const Registration& registration : existing) {
        if (&registration != same && strcmp(registration.tree, wanted.tree) == 0) {
            run(psprintf("DROP TRIGGER %s ON %s", quote_identifier(registration.trigger),
                         relation_sql(registration.relation)));
        }
    }
    create_triggers(track, wanted, same, kind);
    SPI_finish();
    CommandCounterIncrement();
    tell_what_was_chosen(wanted);
    if (same == nullptr) {
        tell_if_no_longer_alone(track, wanted);
    }
    return callable_name(wanted);
}

void unregister_tree(Oid calling_function, const char* name) {
    if (name == nullptr) {
        ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the tree to unregister must be named"),
                errhint("SELECT tree FROM tree_registry lists them; tree_unregister_all() takes all."));
    }
    // The table is locked before its triggers, as everybody does. Who waits for the lock looks again: the tree may be gone.
    const Oid track = track_function(calling_function);
    for (;;) {
        const Registration registration = copy_registration(find_registration(calling_function, name));
        check_owner(registration.relation);
        LockRelationOid(registration.relation, AccessExclusiveLock);
        const Registration* still = find_existing(read_registrations_of(track, registration.relation), registration);
        if (still != nullptr) {
            SPI_connect();
            drop_triggers(track, *still);
            SPI_finish();
            return;
        }
        UnlockRelationOid(registration.relation, AccessExclusiveLock);
    }
}

int unregister_all_trees(Oid calling_function) {
    const Oid track = track_function(calling_function);
    for (const TriggerName& trigger : read_trigger_names(track)) {
        check_owner(trigger.relation);
        LockRelationOid(trigger.relation, AccessExclusiveLock);
    }
    const int count = static_cast<int>(read_registrations(track).size());
    // All that depends on the extension goes, also triggers that are no registration (any more).
    SPI_connect();
    for (const TriggerName& trigger : read_trigger_names(track)) {
        check_owner(trigger.relation);  // of one that came while we waited, too
        run(psprintf("DROP TRIGGER %s ON %s", quote_identifier(trigger.name), relation_sql(trigger.relation)));
    }
    SPI_finish();
    return count;
}

}  // namespace pg_tree::registry
