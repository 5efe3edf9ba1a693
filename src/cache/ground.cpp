#include "cache/ground.h"

#include "cache/session.h"
#include "pg/compat.h"
#include "pg/debug_break.h"
#include "registry/tracked.h"

extern "C" {
#include "access/genam.h"
#include "catalog/indexing.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "partitioning/partdesc.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
}

namespace pg_tree::cache {

namespace {

constexpr const char* reason_names[] = {"own_write",       "snapshot",  "rls",         "serializable", "standby",
                                        "trigger_missing", "too_large", "unsupported", "disabled",     "not_preloaded"};
static_assert(std::size(reason_names) == bypass_reasons);

/// A row trigger that notes whatever happens: after every kind of change, on every row, without a condition.
bool notes_everything(const FormData_pg_trigger& trigger, bool conditional) {
    constexpr int16 all = TRIGGER_TYPE_ROW | TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE;
    return trigger.tgtype == all && trigger.tgenabled == TRIGGER_FIRES_ALWAYS && !trigger.tgdeferrable &&
           !conditional && trigger.tgattr.dim1 == 0;
}

/// What pg_trigger says of one relation, for a snapshot.
struct Triggers {
    Oid row;        ///< the row trigger looked for, if it notes everything
    bool truncate;  ///< an ALWAYS trigger after TRUNCATE that runs the same function
};

/// `original`: the trigger itself, or, when `copy`, the one that it must be a copy of. In the current context.
Triggers read_triggers(Oid relation, Oid original, bool copy, Snapshot snapshot) {
    Triggers found = {};
    Oid function = InvalidOid;
    Relation triggers = table_open(TriggerRelationId, AccessShareLock);
    for (int pass = 0; pass < 2; ++pass) {  // first the function, then the truncate trigger that runs it
        ScanKeyData key;
        ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
        SysScanDesc scan = systable_beginscan(triggers, TriggerRelidNameIndexId, true, snapshot, 1, &key);
        while (HeapTuple tuple = systable_getnext(scan)) {
            const auto* form = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(tuple));
            if (pass == 0 && (copy ? form->tgparentid : form->oid) == original &&
                notes_everything(*form, !heap_attisnull(tuple, Anum_pg_trigger_tgqual, RelationGetDescr(triggers)))) {
                found.row = form->oid;
                function = form->tgfoid;
            }
            if (pass == 1 && form->tgfoid == function && form->tgenabled == TRIGGER_FIRES_ALWAYS &&
                form->tgtype == TRIGGER_TYPE_TRUNCATE) {
                found.truncate = true;
            }
        }
        systable_endscan(scan);
    }
    table_close(triggers, AccessShareLock);
    return found;
}

/// While the relations below a root are being looked at.
struct Survey {
    const registry::Tree* tree;
    Ground* ground;
    List* relations;  ///< OIDs
    List* triggers;   ///< OIDs
    StringInfoData words;
};

void hinder(Survey& survey, Bypass reason, Relation relation) {
    if (survey.ground->obstacle == Bypass::none) {
        survey.ground->obstacle = reason;
        survey.ground->missing = pstrdup(RelationGetRelationName(relation));
    }
}

/// What can be cached at all.
bool has_rows_of_its_own(Relation relation) {
    return relation->rd_rel->relkind == RELKIND_RELATION && relation->rd_rel->relpersistence != RELPERSISTENCE_TEMP;
}

/// Is every column that the tree's expressions read among those that the trigger compares?
bool compares_enough(const registry::Tree& tree, Relation relation) {
    const Bitmapset* compared =
        registry::tracked_columns(relation, tree.trigger_argument_count, tree.trigger_arguments);
    for (int column = -1; (column = bms_next_member(tree.node_columns, column)) >= 0;) {
        if (!bms_is_member(column + FirstLowInvalidHeapAttributeNumber, compared)) {
            return false;
        }
    }
    return true;
}

bool is_users_function(Oid function, void*) { return function >= FirstNormalObjectId; }

/// A cast to a domain runs its constraints.
bool calls_users_function(Node* node, void* context) {
    return node != nullptr && (check_functions_in_node(node, is_users_function, nullptr) || IsA(node, CoerceToDomain) ||
                               pg::walk_expression(node, calls_users_function, context));
}

/// A range type's functions are its author's, who need not be a superuser; an index on one, or on something that has one inside, may call them.
bool is_users_range_inside(Oid type) {
    type = getBaseType(type);
    if (const Oid element = get_element_type(type); OidIsValid(element)) {
        type = getBaseType(element);
    }
    const char kind = get_typtype(type);
    return type >= FirstNormalObjectId &&
           (kind == TYPTYPE_RANGE || kind == TYPTYPE_MULTIRANGE || kind == TYPTYPE_COMPOSITE);
}

bool indexes_users_range(Oid index) {
    Relation relation = index_open(index, AccessShareLock);
    bool found = false;
    const int keys = IndexRelationGetNumberOfKeyAttributes(relation);
    for (int i = 0; i < keys; ++i) {
        found = found || is_users_range_inside(relation->rd_opcintype[i]) ||
                is_users_range_inside(TupleDescAttr(RelationGetDescr(relation), i)->atttypid);
    }
    // An index of a polymorphic class does not say what it is on: the table's column does.
    for (int i = 0; i < keys && !found; ++i) {
        const AttrNumber column = relation->rd_index->indkey.values[i];
        found = column > 0 && is_users_range_inside(get_atttype(relation->rd_index->indrelid, column));
    }
    index_close(relation, AccessShareLock);
    return found;
}

bool may_look_around(Node* node) { return calls_users_function(node, nullptr) || contain_mutable_functions(node); }

/// An index's expressions as the catalog has them. (What the relation cache has was simplified, and that runs functions.)
Node* stored_expression(HeapTuple index, AttrNumber attribute) {
    bool null;
    const Datum stored = SysCacheGetAttr(INDEXRELID, index, attribute, &null);
    return null ? nullptr : static_cast<Node*>(stringToNode(TextDatumGetCString(stored)));
}

/// Index expressions and predicates, exclusion constraints and triggers' conditions run after a row is in the table and before our AFTER
/// trigger is queued.
bool runs_code_before_notes(Relation relation) {
    bool found = false;
    for (int i = 0; relation->trigdesc != nullptr && i < relation->trigdesc->numtriggers; ++i) {
        const char* condition = relation->trigdesc->triggers[i].tgqual;
        found = found || (condition != nullptr && may_look_around(static_cast<Node*>(stringToNode(condition))));
    }
    List* indexes = RelationGetIndexList(relation);
    ListCell* cell;
    foreach (cell, indexes) {
        HeapTuple index = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));
        if (!HeapTupleIsValid(index)) {
            continue;
        }
        found = found || reinterpret_cast<Form_pg_index>(GETSTRUCT(index))->indisexclusion ||
                indexes_users_range(lfirst_oid(cell)) ||
                may_look_around(stored_expression(index, Anum_pg_index_indexprs)) ||
                may_look_around(stored_expression(index, Anum_pg_index_indpred));
        ReleaseSysCache(index);
    }
    list_free(indexes);
    return found;
}

/// Locks and looks at a relation and everything below it. `trigger`: the one that the relation has, or that its trigger is a copy
/// of.
void survey_relation(Survey& survey, Oid oid, Oid trigger, bool is_root) {
    check_stack_depth();
    CHECK_FOR_INTERRUPTS();
    Relation relation = table_open(oid, AccessShareLock);
    survey.relations = lappend_oid(survey.relations, oid);
    if (relation->rd_rel->relkind == RELKIND_RELATION && runs_code_before_notes(relation)) {
        survey.ground->runs_code_before_notes = true;
    }
    const Triggers triggers = read_triggers(oid, trigger, !is_root, nullptr);
    survey.triggers = lappend_oid(survey.triggers, triggers.row);
    if (!OidIsValid(triggers.row) || (is_root && !triggers.truncate)) {
        hinder(survey, Bypass::trigger_missing, relation);
    }
    const char kind = relation->rd_rel->relkind;
    const uint32 leaf[] = {oid, pg::file_number(relation), static_cast<uint32>(kind)};
    appendBinaryStringInfo(&survey.words, reinterpret_cast<const char*>(leaf), sizeof leaf);
    if (kind == RELKIND_PARTITIONED_TABLE) {
        PartitionDesc partitions = RelationGetPartitionDesc(relation, false);
        if (partitions->detached_exist) {
            hinder(survey, Bypass::unsupported, relation);
        }
        const int count = partitions->nparts;
        auto* children = static_cast<Oid*>(palloc(sizeof(Oid) * static_cast<std::size_t>(std::max(count, 1))));
        memcpy(children, partitions->oids, sizeof(Oid) * static_cast<std::size_t>(count));
        for (int i = 0; i < count; ++i) {
            LockRelationOid(children[i], AccessShareLock);
            survey_relation(survey, children[i], triggers.row, false);
        }
        pfree(children);
    } else if (!has_rows_of_its_own(relation)) {
        hinder(survey, Bypass::unsupported, relation);
    } else if (relation->rd_rel->relhassubclass && find_inheritance_children(oid, NoLock) != NIL) {
        // Row triggers are not copied to tables that inherit in the old way, and nobody can mend that.
        if (survey.ground->obstacle == Bypass::none) {
            survey.ground->obstacle = Bypass::trigger_missing;
        }
    }
    table_close(relation, NoLock);
}

/// A function by what it is now: replacing it (ALTER EXTENSION UPDATE) may change what an expression says of the same row.
bool add_function(Oid function, void* given) {
    auto& survey = *static_cast<Survey*>(given);
    HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (HeapTupleIsValid(tuple)) {
        const uint32 version[] = {function, HeapTupleHeaderGetRawXmin(tuple->t_data),
                                  ItemPointerGetBlockNumberNoCheck(&tuple->t_self),
                                  ItemPointerGetOffsetNumberNoCheck(&tuple->t_self)};
        appendBinaryStringInfo(&survey.words, reinterpret_cast<const char*>(version), sizeof version);
        ReleaseSysCache(tuple);
    }
    return false;
}

bool add_functions(Node* node, void* survey) {
    if (node == nullptr) {
        return false;
    }
    (void)check_functions_in_node(node, add_function, survey);
    return pg::walk_expression(node, add_functions, survey);
}

void survey_functions(Survey& survey) {
    const registry::Tree& tree = *survey.tree;
    add_functions(tree.label, &survey);
    add_functions(tree.filter, &survey);
    for (int i = 0; i < tree.sort_columns; ++i) {
        add_functions(tree.sort[i].expression, &survey);
    }
}

/// What the expressions resolve to: the same words may mean another operator, collation or enum label by now.
void add_meaning(Survey& survey, const void* node) {
    const char* meaning = node == nullptr ? "" : nodeToString(node);
    appendBinaryStringInfo(&survey.words, meaning, static_cast<int>(strlen(meaning)) + 1);
}

void survey_meaning(Survey& survey) {
    const registry::Tree& tree = *survey.tree;
    add_meaning(survey, tree.code);
    add_meaning(survey, tree.label);
    add_meaning(survey, tree.filter);
    for (int i = 0; i < tree.sort_columns; ++i) {
        const registry::SortColumn& sort = tree.sort[i];
        add_meaning(survey, sort.expression);
        const uint32 order[] = {sort.less_than, sort.collation, static_cast<uint32>(sort.descending),
                                static_cast<uint32>(sort.nulls_first)};
        appendBinaryStringInfo(&survey.words, reinterpret_cast<const char*>(order), sizeof order);
    }
}

/// xmlserialize and its kin depend on more settings than one would think, and are not looked at when a function's volatility is. What a text
/// search configuration or dictionary says of a word can be altered; functions that take one count as immutable all the same.
bool depends_on_more(Node* node, void* context) {
    if (node == nullptr) {
        return false;
    }
    const Oid type = IsA(node, Const) ? castNode(Const, node)->consttype : InvalidOid;
    return IsA(node, XmlExpr) || type == REGCONFIGOID || type == REGDICTIONARYOID ||
           pg::walk_expression(node, depends_on_more, context);
}

bool any_depends_on_more(const registry::Tree& tree) {
    bool found = depends_on_more(tree.label, nullptr) || depends_on_more(tree.filter, nullptr);
    for (int i = 0; i < tree.sort_columns; ++i) {
        found = found || depends_on_more(tree.sort[i].expression, nullptr);
    }
    return found;
}

/// May the owner, as whom images are built, read the rows, and all of them?
Bypass obstacle_of_owner(const registry::Tree& tree, Relation root) {
    const Oid owner = root->rd_rel->relowner;
    if (check_enable_rls(tree.relation, owner, true) == RLS_ENABLED) {
        return Bypass::rls;
    }
    return may_select_columns(tree.relation, owner, tree.node_columns) &&
                   pg::may_use_schema(RelationGetNamespace(root), owner)
               ? Bypass::none
               : Bypass::unsupported;
}

void survey_root(Survey& survey) {
    const registry::Tree& tree = *survey.tree;
    Relation root = table_open(tree.relation, AccessShareLock);
    appendBinaryStringInfo(&survey.words, tree.definition, static_cast<int>(strlen(tree.definition)) + 1);
    for (int column = -1; (column = bms_next_member(tree.node_columns, column)) >= 0;) {
        const int number = column + FirstLowInvalidHeapAttributeNumber;
        if (number <= 0) {
            hinder(survey, Bypass::unsupported, root);  // a system column: it changes without a trigger
            continue;
        }
        const FormData_pg_attribute* attribute = TupleDescAttr(RelationGetDescr(root), number - 1);
        if (attribute->attgenerated != '\0' && attribute->attgenerated != ATTRIBUTE_GENERATED_STORED) {
            hinder(survey, Bypass::unsupported, root);  // what it is worked out by can change without a trigger
        }
        const uint32 type[] = {static_cast<uint32>(number), attribute->atttypid,
                               static_cast<uint32>(attribute->atttypmod), attribute->attcollation};
        appendBinaryStringInfo(&survey.words, reinterpret_cast<const char*>(type), sizeof type);
    }
    survey_meaning(survey);
    if (!tree.only_columns) {
        survey_functions(survey);
        if (any_depends_on_more(tree)) {
            hinder(survey, Bypass::unsupported, root);
        }
    }
    const char kind = root->rd_rel->relkind;
    if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE) {
        hinder(survey, Bypass::unsupported, root);
    } else {
        if (!tree.stable_text || !compares_enough(tree, root)) {
            hinder(survey, Bypass::unsupported, root);
        }
        if (const Bypass reason = obstacle_of_owner(tree, root); reason != Bypass::none) {
            hinder(survey, reason, root);
        }
        survey_relation(survey, tree.relation, tree.trigger, true);
    }
    table_close(root, NoLock);
}

/// A ground in memory of its own below the definition's.
Ground* survey(const registry::TreeUse& use) {
    const MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_tree ground", ALLOCSET_SMALL_SIZES);
    const MemoryContext caller = MemoryContextSwitchTo(context);
    auto* ground = static_cast<Ground*>(palloc0(sizeof(Ground)));
    ground->context = context;
    ground->obstacle = Bypass::none;
    Survey survey = {use.tree, ground, NIL, NIL, {}};
    initStringInfo(&survey.words);
    survey_root(survey);
    ground->leaf_count = list_length(survey.relations);
    ground->leaves = static_cast<Oid*>(palloc(sizeof(Oid) * static_cast<std::size_t>(std::max(ground->leaf_count, 1))));
    ground->row_triggers =
        static_cast<Oid*>(palloc(sizeof(Oid) * static_cast<std::size_t>(std::max(ground->leaf_count, 1))));
    for (int i = 0; i < ground->leaf_count; ++i) {
        ground->leaves[i] = list_nth_oid(survey.relations, i);
        ground->row_triggers[i] = list_nth_oid(survey.triggers, i);
    }
    ground->bytes = static_cast<std::size_t>(survey.words.len);
    ground->words = survey.words.data;
    MemoryContextSwitchTo(caller);
    return ground;
}

void relation_changed(Datum, Oid relation) {
    for_each_session_tree(
        [](SessionTree& tree, void* argument) {
            Ground* ground = tree.ground;
            if (ground == nullptr || ground->stale) {
                return;
            }
            const Oid changed = *static_cast<const Oid*>(argument);
            ground->stale = !OidIsValid(changed) || std::find(ground->leaves, ground->leaves + ground->leaf_count,
                                                              changed) != ground->leaves + ground->leaf_count;
        },
        &relation);
}

/// A function changed; which one, the message does not say.
void function_changed(Datum, int, uint32) {
    for_each_session_tree(
        [](SessionTree& tree, void*) {
            if (tree.ground != nullptr) {
                tree.ground->stale = true;
            }
        },
        nullptr);
}

}  // namespace

const char* bypass_name(Bypass reason) { return reason_names[static_cast<int>(reason)]; }

bool may_select_columns(Oid relation, Oid user, const Bitmapset* columns) {
    if (pg::may_select(relation, user)) {
        return true;
    }
    for (int column = -1; (column = bms_next_member(columns, column)) >= 0;) {
        const auto number = static_cast<AttrNumber>(column + FirstLowInvalidHeapAttributeNumber);
        if (number == InvalidAttrNumber || pg_attribute_aclcheck(relation, number, user, ACL_SELECT) != ACLCHECK_OK) {
            return false;
        }
    }
    return true;
}

void forget_locks() {
    for_each_session_tree([](SessionTree& tree, void*) { tree.locked_in = InvalidLocalTransactionId; }, nullptr);
}

const Ground& ground_of(const registry::TreeUse& use) {
    SessionTree& session = session_tree(use);
    // Taking the locks brings the invalidations. The relation itself is locked already, and they were processed after it was.
    const LocalTransactionId transaction = pg::local_transaction();
    if (session.surveyed != use.tree) {
        // Another definition: the same text may have come to mean something else.
        if (session.ground != nullptr) {
            session.ground->stale = true;
        }
        session.surveyed = use.tree;
    }
    if (session.ground != nullptr && session.locked_in != transaction && session.ground->missing == nullptr &&
        session.ground->obstacle == Bypass::trigger_missing) {
        session.ground->stale = true;  // that nobody inherits from it any more is told to no one
    }
    if (session.ground != nullptr && !session.ground->stale && session.locked_in != transaction) {
        for (int i = 0; i < session.ground->leaf_count && !session.ground->stale; ++i) {
            LockRelationOid(session.ground->leaves[i], AccessShareLock);
        }
        session.locked_in = transaction;
    }
    for (int attempt = 0; session.ground == nullptr || session.ground->stale; ++attempt) {
        Ground* fresh = survey(use);
        // What came in while it was made is in it or makes it stale; a server that discards its caches at every turn would
        // never come to an end.
        if (session.ground != nullptr) {
            MemoryContextDelete(session.ground->context);
        }
        MemoryContextSetParent(fresh->context, TopMemoryContext);
        session.ground = fresh;
        session.locked_in = transaction;
        ++session.ground_version;
        AcceptInvalidationMessages();
        if (attempt == 10) {
            break;
        }
    }
    return *session.ground;
}

bool triggers_hold_for(const registry::TreeUse& use, const Ground& ground, Snapshot snapshot) {
    // Which trigger is a copy of which does not change; that it is there, and ALWAYS, is what the snapshot has to say.
    for (int i = 0; i < ground.leaf_count; ++i) {
        const Triggers triggers = read_triggers(ground.leaves[i], ground.row_triggers[i], false, snapshot);
        if (!OidIsValid(triggers.row) || (ground.leaves[i] == use.tree->relation && !triggers.truncate)) {
            return false;
        }
    }
    return true;
}

void watch_grounds() {
    CacheRegisterRelcacheCallback(relation_changed, 0);
    CacheRegisterSyscacheCallback(PROCOID, function_changed, 0);
}

}  // namespace pg_tree::cache
