// Which columns a tree is made of: a change of any other is no change of the tree.
#pragma once

#include "registry/registration.h"

extern "C" {
#include "nodes/bitmapset.h"
}

namespace pg_tree::registry {

/// Calls visit(key, value, argument) for each 'key=value' among a trigger's arguments.
void for_each_trigger_argument(int count, char** arguments,
                               void (*visit)(std::string_view key, const char* value, void* argument), void* argument);

/// The columns (by attribute number) that a registration with these trigger arguments speaks of, in a relation that has it or is a
/// partition of one that has. A column that an expression mentions is found by its name in the text, without parsing it: a
/// trigger calls this, and must not fail because an expression does. So it may name columns too many, never too few;
/// whoever has the parsed expressions can hold them against it. Allocates in the current context.
Bitmapset* tracked_columns(Relation relation, int count, char** arguments);

}  // namespace pg_tree::registry
