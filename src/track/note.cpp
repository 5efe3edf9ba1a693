#include "track/note.h"

#include "pg/debug_break.h"
#include "registry/tracked.h"
#include "track/watch.h"

extern "C" {
#include "access/genam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/objectaccess.h"
#include "catalog/partition.h"
#include "catalog/pg_database.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"
}

namespace pg_tree::track {

namespace {

/// What a query remembers of one trigger from row to row.
struct QueryMemo {
    TreeKey tree;
    FullXid noted;  ///< the transaction noted last
    int count;
    struct Column {
        AttrNumber number;
        int16 length;
        bool by_value;
        Oid type;
        Oid collation;
    } columns[FLEXIBLE_ARRAY_MEMBER];
};

/// The pg_trigger row of a trigger, also of one made or changed by the running command, or null. In the current context.
HeapTuple read_trigger(Oid trigger) {
    Relation triggers = table_open(TriggerRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(trigger));
    SysScanDesc scan = systable_beginscan(triggers, TriggerOidIndexId, true, SnapshotSelf, 1, &key);
    HeapTuple found = systable_getnext(scan);
    if (HeapTupleIsValid(found)) {
        found = heap_copytuple(found);
    }
    systable_endscan(scan);
    table_close(triggers, AccessShareLock);
    return found;
}

/// A partition's trigger is a copy: the tree it works for is known by the original.
TreeKey tree_of(const TriggerData& event) {
    const Trigger& trigger = *event.tg_trigger;
    TreeKey tree = {MyDatabaseId, RelationGetRelid(event.tg_relation), trigger.tgoid};
    while (trigger.tgisclone) {
        const HeapTuple tuple = read_trigger(tree.trigger);
        if (!HeapTupleIsValid(tuple)) {
            break;
        }
        const auto* form = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(tuple));
        tree.relation = form->tgrelid;
        if (!OidIsValid(form->tgparentid)) {
            break;
        }
        tree.trigger = form->tgparentid;
    }
    return tree;
}

/// What the session knows of a trigger, until its table's definition changes.
struct KnownTrigger {
    Oid trigger;  ///< the key
    Oid relation;
    QueryMemo* memo;
};
HTAB* known_triggers = nullptr;

std::size_t memo_bytes(int columns) {
    return offsetof(QueryMemo, columns) + static_cast<std::size_t>(columns) * sizeof(QueryMemo::Column);
}

void relation_changed(Datum, Oid relation) {
    if (known_triggers == nullptr) {
        return;
    }
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, known_triggers);
    while (auto* known = static_cast<KnownTrigger*>(hash_seq_search(&scan))) {
        if (!OidIsValid(relation) || known->relation == relation) {
            pfree(known->memo);
            (void)hash_search(known_triggers, &known->trigger, HASH_REMOVE, nullptr);
        }
    }
}

void remember(const QueryMemo& memo, const TriggerData& event) {
    if (known_triggers == nullptr) {
        HASHCTL control = {};
        control.keysize = sizeof(Oid);
        control.entrysize = sizeof(KnownTrigger);
        known_triggers = hash_create("pg_tree triggers", 16, &control, HASH_ELEM | HASH_BLOBS);
        CacheRegisterRelcacheCallback(relation_changed, 0);
    }
    auto* copy = static_cast<QueryMemo*>(MemoryContextAlloc(TopMemoryContext, memo_bytes(memo.count)));
    memcpy(copy, &memo, memo_bytes(memo.count));
    bool found;
    auto* known = static_cast<KnownTrigger*>(hash_search(known_triggers, &event.tg_trigger->tgoid, HASH_ENTER, &found));
    if (found) {
        pfree(known->memo);
    }
    known->relation = RelationGetRelid(event.tg_relation);
    known->memo = copy;
}

/// A copy for the query, which outlives whatever the session forgets meanwhile.
QueryMemo* recall(FunctionCallInfo fcinfo, const TriggerData& event) {
    const auto* known = known_triggers == nullptr ? nullptr
                                                  : static_cast<const KnownTrigger*>(hash_search(
                                                        known_triggers, &event.tg_trigger->tgoid, HASH_FIND, nullptr));
    if (known == nullptr) {
        return nullptr;
    }
    auto* memo = static_cast<QueryMemo*>(MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, memo_bytes(known->memo->count)));
    memcpy(memo, known->memo, memo_bytes(known->memo->count));
    return memo;
}

QueryMemo& memo_of(FunctionCallInfo fcinfo, const TriggerData& event) {
    if (fcinfo->flinfo->fn_extra == nullptr) {
        fcinfo->flinfo->fn_extra = recall(fcinfo, event);
    }
    if (fcinfo->flinfo->fn_extra != nullptr) {
        return *static_cast<QueryMemo*>(fcinfo->flinfo->fn_extra);
    }
    TupleDesc descriptor = RelationGetDescr(event.tg_relation);
    auto* memo =
        static_cast<QueryMemo*>(MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, memo_bytes(descriptor->natts)));
    memo->tree = tree_of(event);
    Bitmapset* columns =
        registry::tracked_columns(event.tg_relation, event.tg_trigger->tgnargs, event.tg_trigger->tgargs);
    for (int column = -1; (column = bms_next_member(columns, column)) >= 0;) {
        const FormData_pg_attribute* attribute = TupleDescAttr(descriptor, column - 1);
        memo->columns[memo->count++] = {static_cast<AttrNumber>(column), attribute->attlen, attribute->attbyval,
                                        attribute->atttypid, attribute->attcollation};
    }
    bms_free(columns);
    remember(*memo, event);
    fcinfo->flinfo->fn_extra = memo;
    return *memo;
}

bool is_equal(const QueryMemo::Column& column, Datum a, Datum b) {
    if (pg::broken(pg::Rule::type_equality)) {
        const TypeCacheEntry* type = lookup_type_cache(column.type, TYPECACHE_EQ_OPR_FINFO);
        if (OidIsValid(type->eq_opr)) {
            return DatumGetBool(FunctionCall2Coll(const_cast<FmgrInfo*>(&type->eq_opr_finfo), column.collation, a, b));
        }
    }
    return datum_image_eq(a, b, column.by_value, column.length);
}

bool has_changed(const QueryMemo& memo, TupleTableSlot* before, TupleTableSlot* after) {
    for (int i = 0; i < memo.count; ++i) {
        const QueryMemo::Column& column = memo.columns[i];
        bool null_before;
        bool null_after;
        const Datum a = slot_getattr(before, column.number, &null_before);
        const Datum b = slot_getattr(after, column.number, &null_after);
        if (null_before != null_after || (!null_before && !is_equal(column, a, b))) {
            return true;
        }
    }
    return false;
}

/// The caller's transaction as it is to be noted: what others see commit or abort is the top-level one.
FullXid writer() {
    return pg::broken(pg::Rule::note_subxact) ? U64FromFullTransactionId(GetCurrentFullTransactionId())
                                              : U64FromFullTransactionId(GetTopFullTransactionId());
}

// --- DDL ------------------------------------------------------------------------------------------------------------------

object_access_hook_type next_object_access_hook = nullptr;
void (*on_database_dropped)(Oid) = nullptr;
Oid database_to_forget = InvalidOid;  ///< that this transaction drops; the command runs in one of its own

/// DROP DATABASE tells of itself before it has looked whether it may.
void end_drop(XactEvent event, void*) {
    if (event == XACT_EVENT_COMMIT && OidIsValid(database_to_forget)) {
        on_database_dropped(database_to_forget);
    }
    if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT) {
        database_to_forget = InvalidOid;
    }
}

/// Notes the transaction for the trees of a relation, and of those that it is a partition of.
void note_relation(Oid relation) {
    List* relations = list_make1_oid(relation);
    if (get_rel_relispartition(relation)) {
        relations = list_concat(relations, get_partition_ancestors(relation));
    }
    note_writer_of_relations(MyDatabaseId, relations, writer());
    list_free(relations);
}

/// Any trigger of a table with a tree: ENABLE and DISABLE mostly come for all of them.
void note_trigger(Oid trigger) {
    const HeapTuple tuple = read_trigger(trigger);
    if (HeapTupleIsValid(tuple)) {
        note_relation(reinterpret_cast<Form_pg_trigger>(GETSTRUCT(tuple))->tgrelid);
        heap_freetuple(tuple);
    }
}

void see_object_access(ObjectAccessType access, Oid class_id, Oid object, int sub_object, void* argument) {
    if (next_object_access_hook != nullptr) {
        next_object_access_hook(access, class_id, object, sub_object, argument);
    }
    if (!can_watch() || !IsUnderPostmaster || !OidIsValid(MyDatabaseId) || !IsTransactionState() ||
        pg::broken(pg::Rule::ddl)) {
        return;
    }
    if (class_id == DatabaseRelationId && access == OAT_DROP) {
        database_to_forget = object;
    } else if (class_id == TriggerRelationId &&
               (access == OAT_POST_CREATE || access == OAT_POST_ALTER || access == OAT_DROP)) {
        note_trigger(object);
    } else if (class_id == InheritsRelationId && access == OAT_POST_ALTER) {
        // The parent comes along as what the server calls an auxiliary id.
        note_relation(static_cast<ObjectAccessPostAlter*>(argument)->auxiliary_id);
    } else if (class_id == RelationRelationId && access == OAT_TRUNCATE) {
        note_relation(object);
    }
}

}  // namespace

void note_row_change(FunctionCallInfo fcinfo, const TriggerData& event) {
    if (!can_watch()) {
        return;
    }
    QueryMemo& memo = memo_of(fcinfo, event);
    const FullXid self = writer();
    if (memo.noted == self) {
        return;
    }
    if (TRIGGER_FIRED_BY_UPDATE(event.tg_event) && !has_changed(memo, event.tg_trigslot, event.tg_newslot)) {
        return;
    }
    note_writer(memo.tree, self);
    memo.noted = self;
}

void note_truncate(const TriggerData& event) {
    if (can_watch()) {
        note_relation(RelationGetRelid(event.tg_relation));
    }
}

void watch_ddl(void (*database_dropped)(Oid)) {
    on_database_dropped = database_dropped;
    RegisterXactCallback(end_drop, nullptr);
    next_object_access_hook = object_access_hook;
    object_access_hook = see_object_access;
}

}  // namespace pg_tree::track
