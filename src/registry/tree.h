// A tree's definition: its registration, checked against the table as it is now.
#pragma once

#include "registry/registration.h"

extern "C" {
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
}

namespace pg_tree::registry {

/// How keys are told apart.
enum class KeyKind {
    smallint,  ///< by value
    integer,
    bigint,
    uuid,    ///< 16 bytes
    bytes,   ///< text, varchar, bytea: equal when their bytes are
    padded,  ///< char(n): equal when their bytes are, trailing blanks aside
    other    ///< by the type's own = and hash function
};

inline bool is_integer(KeyKind kind) { return kind <= KeyKind::bigint; }

struct KeyType {
    KeyKind kind;
    Oid type;      ///< base type: a domain's is looked through
    Oid declared;  ///< as the column has it
    Oid array_type;
    Oid collation;
    int16 length;
    bool by_value;
    char alignment;
    Oid less_than;      ///< for ties between siblings
    const char* equal;  ///< OPERATOR(schema.=)
    Oid input_function;
    Oid input_parameter;
    Oid output_function;
};

struct SortColumn {
    Node* expression;
    Oid type;
    Oid collation;
    Oid less_than;
    bool descending;
    bool nulls_first;
};

inline constexpr int max_sort_columns = 16;

/// Everything a read needs to know. Immutable once made; lives in `context` together with all it points to.
struct Tree {
    MemoryContext context;
    Oid relation;
    const char* name;       ///< schema.tree, quoted where needed
    const char* id_column;  ///< column names, as they are, for messages
    const char* parent_column;
    const char* from;  ///< schema.relation, quoted
    // Expressions are kept as the server's parser made them, over the columns of range table entry 1: put into a query as
    // they are, they mean the same under any search path and settings.
    Node* id;
    Node* parent;
    Node* code;    ///< as text
    Node* label;   ///< the name, as text
    Node* filter;  ///< or null
    AttrNumber code_column;
    KeyType key;
    int sort_columns;
    SortColumn sort[max_sort_columns];
    Oid trigger;             ///< the row trigger that carries the registration
    const char* definition;  ///< what the registration says, as one text: the same text, the same tree
    int trigger_argument_count;
    char** trigger_arguments;  ///< 'key=value', as the trigger has them
    /// The columns that a query has to be allowed to read, as offsets from FirstLowInvalidHeapAttributeNumber: of the key, its
    /// parent and the filter; and those with code, name and order as well.
    Bitmapset* key_columns;
    Bitmapset* node_columns;
    /// Code and name are of types whose text is the same under any settings.
    bool stable_text;
    /// Code, name, order and filter are nothing but columns, or constants.
    bool only_columns;
};

/// Describes the key type of a column, or raises an error that names it. `tree` is for the message.
KeyType describe_key_type(Oid type, Oid collation, const char* column, const char* tree);

/// Makes the definition in a new context below `parent`. The caller holds a lock on the relation. Raises an error that
/// names what is missing if the table no longer has what the registration speaks of.
Tree* load_tree(const Registration& registration, MemoryContext parent);

/// Is there a valid unique index that makes `column` a key: on it alone or, on a partitioned table, on it and columns of
/// the partition key?
bool has_unique_index(Relation relation, AttrNumber column);

/// The column's number; an error when there is none of that name.
AttrNumber column_number(Relation relation, const char* column, const char* tree);

}  // namespace pg_tree::registry
