#include "registry/register.h"
#include "registry/resolve.h"
#include "registry/tree.h"

extern "C" {
#include "commands/defrem.h"
}

namespace pg_tree::registry {

char* wrapper_sql(Oid calling_function, const char* name) {
    const Registration registration = copy_registration(find_registration(calling_function, name));
    const Tree* tree = load_tree(registration, CurrentMemoryContext);
    const char* extension = quote_identifier(get_namespace_name(get_func_namespace(calling_function)));
    const char* cast_to = is_integer(tree->key.kind) ? "bigint" : tree->key.kind == KeyKind::uuid ? "uuid" : "text";
    const char* table = relation_sql(registration.relation);
    const char* body = psprintf("  SELECT (node).* FROM %s.tree_rows(NULL::%s, root::%s, %s, max_level)", extension,
                                table, cast_to, quote_literal_cstr(tree->name));
    const char* quote = "$pg_tree$";  // anything may stand in a name, this too
    for (int i = 1; strstr(body, quote) != nullptr; ++i) {
        quote = psprintf("$pg_tree_%d$", i);
    }
    return psprintf(
        "CREATE FUNCTION %s(root %s, max_level integer DEFAULT NULL)\n"
        "RETURNS SETOF %s LANGUAGE sql STABLE AS %s\n%s\n%s;",
        quote_qualified_identifier(get_namespace_name(registration.schema),
                                   makeObjectName(registration.tree, nullptr, "tree")),
        format_type_be_qualified(tree->key.declared), table, quote, body, quote);
}

}  // namespace pg_tree::registry
