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

/// A list of SortExpression*. Their `sql` is null when they were read in the canonical form: the text is that already.
List* parse_sort_expressions(Relation relation, const char* text, Dialect dialect);
char* sort_expressions_sql(List* expressions);

/// The same value as text, as ::text gives it, but by the type's output function where the cast is a user's own.
Node* as_text(Node* expression);

/// Is the type a domain that belongs to no extension, or made of one (an array, a composite, a range of it)? To read a value of
/// such a type is to run the domain's constraints, which may call anything.
bool contains_user_domain(Oid type);

/// While it lasts, names resolve through pg_catalog only, literals are written and read in one way whatever the session's
/// settings, and what is evaluated (an input function) runs as the relation's owner in a security-restricted operation: who
/// wrote an expression may not run anything as whoever reads it. Ended by leave(); an error ends it too, with the
/// (sub)transaction.
class CanonicalSettings {
public:
    explicit CanonicalSettings(Relation relation);
    void leave();

private:
    int nest_level_;
    Oid user_;
    int security_context_;
};

}  // namespace pg_tree::registry
