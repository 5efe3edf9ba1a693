// Where the server's interface differs between its versions.
#pragma once

#include "pg/server.h"

extern "C" {
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/pg_locale.h"
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

inline bool owns_relation(Oid relation) {
#if PG_VERSION_NUM >= 160000
    return object_ownercheck(RelationRelationId, relation, GetUserId());
#else
    return pg_class_ownercheck(relation, GetUserId());
#endif
}

inline bool may_use_schema(Oid schema) {
#if PG_VERSION_NUM >= 160000
    return object_aclcheck(NamespaceRelationId, schema, GetUserId(), ACL_USAGE) == ACLCHECK_OK;
#else
    return pg_namespace_aclcheck(schema, GetUserId(), ACL_USAGE) == ACLCHECK_OK;
#endif
}

/// Text of this collation is ordered by its bytes.
inline bool collation_is_c(Oid collation) {
#if PG_VERSION_NUM >= 180000
    return pg_newlocale_from_collation(collation)->collate_is_c;
#else
    return lc_collate_is_c(collation);
#endif
}

}  // namespace pg_tree::pg
