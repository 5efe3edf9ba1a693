// name, order_by and filter: expressions over one row, written by the user and kept in a canonical form.
//
// They may use only the row itself and immutable functions that come with the server or an extension. What changes
// without a write to the table cannot be answered exactly, and one user's function must not run with another's rights.
// This is checked when a tree is registered and again whenever a registration is read, for a trigger can be created by
// hand.
#pragma once

#include "pg/server.h"

extern "C" {
#include "nodes/pg_list.h"
}

namespace pg_tree::registry {

/// Which names an expression is read with.
struct Dialect {
    /// Names resolve through pg_catalog only, as in the canonical form; else through the session's search path.
    bool canonical;
    /// The relation's columns under other names (Strings, dropped columns left out), or NIL: how an expression that was
    /// written before a column was renamed is read after it.
    List* column_names;
};

struct Expression {
    const char* sql;  ///< canonical: qualified, quoted, safe to put into a query on this relation alone
    Node* tree;
    Oid type;
    Oid collation;
};

struct SortExpression {
    Expression expression;
    bool descending;
    bool nulls_first;
    Oid less_than;  ///< the operator that sorts it: < or, when descending, >
};

/// `what` names the argument in errors: "filter", "name".
Expression parse_expression(Relation relation, const char* text, const char* what, Dialect dialect, bool boolean);

/// A list of SortExpression*.
List* parse_sort_expressions(Relation relation, const char* text, Dialect dialect);
char* sort_expressions_sql(List* expressions);

/// Within its scope names resolve as in a canonical expression. Ended by leave(); an error ends it too, by the end of the
/// (sub)transaction.
class CanonicalSearchPath {
public:
    CanonicalSearchPath();
    void leave();

private:
    int nest_level_;
};

}  // namespace pg_tree::registry
