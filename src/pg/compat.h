// Where the server's interface differs between its versions.
#pragma once

#include "pg/server.h"

extern "C" {
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/paths.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/regproc.h"
#if PG_VERSION_NUM < 180000
// utils/pg_locale.h has it, and asks for ICU's headers.
extern bool lc_collate_is_c(Oid collation);
#endif
}

namespace pg_tree::pg {

using NodeWalker = bool (*)(Node*, void*);

/// expression_tree_walker() took a callback without a prototype before 16.
inline bool walk_expression(Node* node, NodeWalker walker, void* argument) {
#if PG_VERSION_NUM >= 160000
    return expression_tree_walker(node, walker, argument);
#else
    return expression_tree_walker(node, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker)), argument);
#endif
}

/// planstate_tree_walker() likewise.
using PlanStateWalker = bool (*)(PlanState*, void*);
inline bool walk_plan_state(PlanState* state, PlanStateWalker walker, void* argument) {
#if PG_VERSION_NUM >= 160000
    return planstate_tree_walker(state, walker, argument);
#else
    return planstate_tree_walker(state, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker)), argument);
#endif
}

inline bool owns_relation(Oid relation) {
#if PG_VERSION_NUM >= 160000
    return object_ownercheck(RelationRelationId, relation, GetUserId());
#else
    return pg_class_ownercheck(relation, GetUserId());
#endif
}

inline bool may_use_schema(Oid schema, Oid user) {
#if PG_VERSION_NUM >= 160000
    return object_aclcheck(NamespaceRelationId, schema, user, ACL_USAGE) == ACLCHECK_OK;
#else
    return pg_namespace_aclcheck(schema, user, ACL_USAGE) == ACLCHECK_OK;
#endif
}
inline bool may_use_schema(Oid schema) { return may_use_schema(schema, GetUserId()); }

inline bool may_select(Oid relation, Oid user) { return pg_class_aclcheck(relation, user, ACL_SELECT) == ACLCHECK_OK; }

inline bool may_execute(Oid function) {
#if PG_VERSION_NUM >= 160000
    return object_aclcheck(ProcedureRelationId, function, GetUserId(), ACL_EXECUTE) == ACLCHECK_OK;
#else
    return pg_proc_aclcheck(function, GetUserId(), ACL_EXECUTE) == ACLCHECK_OK;
#endif
}

/// Sorted by the expression, ascending and nulls last, with this `<`; NIL if nobody asks for that.
inline List* sorted_by(PlannerInfo* root, Expr* expression, Oid less_than, Relids relation) {
#if PG_VERSION_NUM >= 160000
    return build_expression_pathkey(root, expression, less_than, relation, false);
#else
    return build_expression_pathkey(root, expression, nullptr, less_than, relation, false);
#endif
}

/// No transaction of this id or a later one has been removed from the commit log.
inline TransactionId oldest_xid() {
#if PG_VERSION_NUM >= 170000
    return TransamVariables->oldestXid;
#else
    return ShmemVariableCache->oldestXid;
#endif
}

/// The file that holds a relation's rows.
inline Oid file_number(Relation relation) {
#if PG_VERSION_NUM >= 160000
    return relation->rd_locator.relNumber;
#else
    return relation->rd_node.relNode;
#endif
}

/// This process's place among ProcGlobal's.
inline uint32 own_proc_number() {
#if PG_VERSION_NUM >= 170000
    return static_cast<uint32>(MyProcNumber);
#else
    return static_cast<uint32>(MyProc->pgprocno);
#endif
}

/// Identifies the transaction that a session is in, whether or not it has an id.
inline LocalTransactionId local_transaction() {
#if PG_VERSION_NUM >= 170000
    return MyProc->vxid.lxid;
#else
    return MyProc->lxid;
#endif
}

/// Text of this collation is known to be ordered by its bytes.
inline bool collation_is_c(Oid collation) {
#if PG_VERSION_NUM >= 180000
    return collation == C_COLLATION_OID;
#else
    return lc_collate_is_c(collation);
#endif
}

inline List* split_qualified_name(const char* text) {
#if PG_VERSION_NUM >= 160000
    return stringToQualifiedNameList(text, nullptr);
#else
    return stringToQualifiedNameList(text);
#endif
}

}  // namespace pg_tree::pg
