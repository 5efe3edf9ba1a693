#include "stats/tree_like.h"

#include "registry/registration.h"

extern "C" {
#include "access/genam.h"
#include "access/relation.h"
#include "access/transam.h"
#include "catalog/indexing.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/syscache.h"
}

namespace pg_tree::stats {

namespace {

/// More than a session asks about, but for one that makes tables and drops them all day long.
constexpr long max_known = 1024;

HTAB* known_relations = nullptr;  ///< of KnownRelation
uint64 invalidations = 0;

void forget_relation(Datum, Oid relation) {
    ++invalidations;
    if (known_relations == nullptr) {
        return;
    }
    if (OidIsValid(relation)) {
        (void)hash_search(known_relations, &relation, HASH_REMOVE, nullptr);
        return;
    }
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, known_relations);
    while (auto* known = static_cast<KnownRelation*>(hash_seq_search(&scan))) {
        (void)hash_search(known_relations, &known->relation, HASH_REMOVE, nullptr);
    }
}

void remember(const KnownRelation& known) {
    if (known_relations == nullptr) {
        HASHCTL control = {};
        control.keysize = sizeof(Oid);
        control.entrysize = sizeof(KnownRelation);
        known_relations = hash_create("pg_tree relations", 64, &control, HASH_ELEM | HASH_BLOBS);
    }
    if (hash_get_num_entries(known_relations) >= max_known) {
        forget_relation(0, InvalidOid);
    }
    *static_cast<KnownRelation*>(hash_search(known_relations, &known.relation, HASH_ENTER, nullptr)) = known;
}

Oid parent_of(Oid relation) {
    Oid parent = InvalidOid;
    Relation inherits = table_open(InheritsRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
    SysScanDesc scan = systable_beginscan(inherits, InheritsRelidSeqnoIndexId, true, nullptr, 1, &key);
    if (HeapTuple tuple = systable_getnext(scan); HeapTupleIsValid(tuple)) {
        parent = reinterpret_cast<Form_pg_inherits>(GETSTRUCT(tuple))->inhparent;
    }
    systable_endscan(scan);
    table_close(inherits, AccessShareLock);
    return parent;
}

bool is_registered(Relation relation) {
    if (relation->trigdesc == nullptr) {
        return false;
    }
    const Oid track_function = registry::installed_track_function();
    const TriggerDesc* triggers = relation->trigdesc;  // not before: looking things up may have made another of it
    for (int i = 0; OidIsValid(track_function) && triggers != nullptr && i < triggers->numtriggers; ++i) {
        if (triggers->triggers[i].tgfoid == track_function && TRIGGER_FOR_ROW(triggers->triggers[i].tgtype)) {
            return true;
        }
    }
    return false;
}

bool refers_to_itself(Relation relation) {
    ListCell* cell;
    foreach (cell, RelationGetFKeyList(relation)) {
        const auto* foreign_key = lfirst_node(ForeignKeyCacheInfo, cell);
        if (foreign_key->confrelid == RelationGetRelid(relation) && foreign_key->nkeys == 1 &&
            foreign_key->conkey[0] != foreign_key->confkey[0]) {
            return true;
        }
    }
    return false;
}

/// Is the column called after a relative: parent, parent_id, category_parent_id, id_parent, "parentId"?
bool is_called(const char* column, const char* relative) {
    constexpr const char* forms[] = {"%s", "%s_id", "%sid", "%s_fk", "%s_key", "%s_code", "%s_uuid", "id_%s"};
    const std::size_t length = strlen(column);
    for (const char* form : forms) {
        char name[32];
        const auto name_length = static_cast<std::size_t>(snprintf(name, sizeof name, form, relative));
        if (length >= name_length && pg_strcasecmp(column + length - name_length, name) == 0 &&
            (length == name_length || column[length - name_length - 1] == '_')) {
            return true;
        }
    }
    return false;
}

bool has_column_called(Relation relation, const char* relative) {
    TupleDesc columns = RelationGetDescr(relation);
    for (int i = 0; i < columns->natts; ++i) {
        const FormData_pg_attribute* column = TupleDescAttr(columns, i);
        if (!column->attisdropped && is_called(NameStr(column->attname), relative)) {
            return true;
        }
    }
    return false;
}

/// The column that an index keeps unique by itself, 0 if it keeps none so.
AttrNumber unique_column(Oid index) {
    AttrNumber column = 0;
    HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
    if (HeapTupleIsValid(tuple)) {
        const auto* form = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
        if (form->indisunique && form->indisvalid && form->indnkeyatts == 1 &&
            heap_attisnull(tuple, Anum_pg_index_indpred, nullptr)) {
            column = form->indkey.values[0];  // of an expression it is 0
        }
        ReleaseSysCache(tuple);
    }
    return column > 0 ? column : 0;
}

/// Is there another column that could name the parent by this key?
bool is_key_of_parent(TupleDesc columns, const FormData_pg_attribute* key) {
    for (int i = 0; i < columns->natts; ++i) {
        const FormData_pg_attribute* column = TupleDescAttr(columns, i);
        if (!column->attisdropped && column->attnum != key->attnum && column->atttypid == key->atttypid &&
            is_called(NameStr(column->attname), "parent")) {
            return true;
        }
    }
    return false;
}

bool is_named_like_a_tree(Relation relation) {
    if (!has_column_called(relation, "parent")) {
        return false;
    }
    const bool names_children = has_column_called(relation, "child");
    bool found = false;
    List* indexes = RelationGetIndexList(relation);
    ListCell* cell;
    foreach (cell, indexes) {
        const AttrNumber number = unique_column(lfirst_oid(cell));
        if (number == 0) {
            continue;
        }
        const FormData_pg_attribute* key = TupleDescAttr(RelationGetDescr(relation), number - 1);
        found = found || (is_key_of_parent(RelationGetDescr(relation), key) &&
                          (!names_children || is_called(NameStr(key->attname), "child")));
    }
    list_free(indexes);
    return found;
}

bool is_tree_like(Relation relation) {
    const char kind = relation->rd_rel->relkind;
    if (RelationGetRelid(relation) < FirstNormalObjectId || relation->rd_rel->relpersistence == RELPERSISTENCE_TEMP ||
        (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_FOREIGN_TABLE &&
         kind != RELKIND_MATVIEW)) {
        return false;
    }
    return is_registered(relation) || refers_to_itself(relation) || is_named_like_a_tree(relation);
}

}  // namespace

KnownRelation know_relation(Oid oid) {
    if (known_relations != nullptr) {
        const void* known = hash_search(known_relations, &oid, HASH_FIND, nullptr);
        if (known != nullptr) {
            return *static_cast<const KnownRelation*>(known);
        }
    }
    KnownRelation known = {oid, InvalidOid, false};
    const uint64 before = invalidations;
    Relation relation = try_relation_open(oid, AccessShareLock);
    if (relation == nullptr) {
        return known;
    }
    known.parent = parent_of(oid);
    known.tree_like = is_tree_like(relation);
    relation_close(relation, NoLock);
    if (before == invalidations) {
        remember(known);
    }
    return known;
}

void watch_relations() { CacheRegisterRelcacheCallback(forget_relation, 0); }

}  // namespace pg_tree::stats
