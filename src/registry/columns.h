// Which columns make the tree, when the user does not say.
#pragma once

#include "pg/server.h"

namespace pg_tree::registry {

struct Columns {
    const char* id;
    const char* parent;
};

/// The key and the parent column: those given; else those of the self-referencing foreign key; else "id" and "parent_id".
/// An error when that names no column, or more than one foreign key fits.
Columns choose_key_columns(Relation relation, const char* id, const char* parent);

/// A column called code or slug; else null, which means the key.
const char* choose_code_column(Relation relation);

/// A column called name, title, label, display_name, subject or description; else the first column of a string type that is not
/// one of `taken`; else null, which means the key.
const char* choose_name_column(Relation relation, std::span<const char* const> taken);

}  // namespace pg_tree::registry
