#include "fetch/plans.h"

#include "pg/compat.h"

extern "C" {
#include "nodes/makefuncs.h"
#include "nodes/plannodes.h"
#include "parser/parse_relation.h"
#include "parser/parsetree.h"
#include "utils/plancache.h"
}

namespace pg_tree::fetch {

using registry::Tree;

namespace {

/// What the parser asks for while it analyses one of our queries, now and whenever the plan cache does it again.
struct Names {
    const Tree* tree;
    Oid argument;
};

struct Plans {
    Plan prepared[access_kinds][content_kinds];
    Names names[access_kinds];
    Layout layouts[content_kinds];
    LargeRoots large_roots;
};

void free_plans(void* data) {
    auto* plans = static_cast<Plans*>(data);
    for (auto& contents : plans->prepared) {
        for (Plan& plan : contents) {
            if (plan.plan != nullptr) {
                SPI_freeplan(plan.plan);
            }
        }
    }
    pfree(plans);
}

Plans& plans_of(const registry::TreeUse& use) {
    registry::Attachment& attachment = use.attachment(registry::Room::fetch);
    if (attachment.data == nullptr) {
        attachment.data = MemoryContextAllocZero(use.tree->context, sizeof(Plans));
        attachment.free = free_plans;
    }
    return *static_cast<Plans*>(attachment.data);
}

/// Our queries refer to everything but $1 by numbers that no caller's parameter has: a name could be that of a column.
namespace placeholder {
constexpr int code = 1000;
constexpr int label = 1001;
constexpr int filter = 1002;
constexpr int whole_row = 1003;
constexpr int id = 1004;
constexpr int parent = 1005;
constexpr int first_sort = 2000;
}  // namespace placeholder

/// The columns of an expression that did not come through the parser count as read, for the caller's privileges.
bool mark_columns_read(Node* node, void* parse_state) {
    if (node == nullptr) {
        return false;
    }
    if (IsA(node, Var)) {
        markVarForSelectPriv(static_cast<ParseState*>(parse_state), castNode(Var, node));
        return false;
    }
    return pg::walk_expression(node, mark_columns_read, parse_state);
}

/// The stored expression that a placeholder stands for, or null.
const Node* expression_of(const Tree& tree, int number) {
    switch (number) {
        case placeholder::code:
            return tree.code;
        case placeholder::label:
            return tree.label;
        case placeholder::filter:
            return tree.filter;
        case placeholder::id:
            return tree.id;
        case placeholder::parent:
            return tree.parent;
        default: {
            const int sort = number - placeholder::first_sort;
            return sort >= 0 && sort < tree.sort_columns ? tree.sort[sort].expression : nullptr;
        }
    }
}

Node* make_argument(const Names& names, const ParamRef& reference) {
    Param* parameter = makeNode(Param);
    parameter->paramkind = PARAM_EXTERN;
    parameter->paramid = reference.number;
    parameter->paramtype = names.argument;
    parameter->paramtypmod = -1;
    parameter->paramcollid = get_typcollation(names.argument);
    parameter->location = reference.location;
    return reinterpret_cast<Node*>(parameter);
}

/// Called by the parser, after FROM has been read: our relation is range table entry 1.
Node* resolve_placeholder(ParseState* state, ParamRef* reference) {
    const auto& names = *static_cast<const Names*>(state->p_ref_hook_state);
    Node* node;
    // The relation is locked, its schema's name is not: the query must not read another relation of that name.
    if (rt_fetch(1, state->p_rtable)->relid != names.tree->relation) {
        ereport(ERROR, errcode(ERRCODE_UNDEFINED_TABLE),
                errmsg("%s is not the table of tree %s any more", names.tree->from, names.tree->name),
                errhint("It, or its schema, was renamed at this very moment: try again."));
    }
    if (reference->number == 1) {
        return make_argument(names, *reference);
    }
    if (reference->number == placeholder::whole_row) {
        node = reinterpret_cast<Node*>(makeWholeRowVar(rt_fetch(1, state->p_rtable), 1, 0, true));
    } else {
        node = static_cast<Node*>(copyObjectImpl(expression_of(*names.tree, reference->number)));
    }
    mark_columns_read(node, state);
    return node;
}

void set_up_parser(ParseState* state, void* names) {
    state->p_paramref_hook = resolve_placeholder;
    state->p_ref_hook_state = names;
}

/// A sort expression that is the code itself needs no column of its own.
bool is_the_code(const Tree& tree, const registry::SortColumn& sort) {
    return (sort.type == TEXTOID || sort.type == VARCHAROID) && IsA(sort.expression, Var) &&
           castNode(Var, sort.expression)->varattno == tree.code_column;
}

struct Query {
    StringInfoData sql;
    Layout layout;
};

int add_column(Query& query, int placeholder, const char* suffix = "") {
    appendStringInfo(&query.sql, "%s$%d%s", query.layout.columns > 0 ? ", " : "SELECT ", placeholder, suffix);
    return query.layout.columns++;
}

int add_word(Query& query, int column) {
    query.layout.word_column[query.layout.words] = column;
    return query.layout.words++;
}

void add_condition(Query& query, bool& first, const char* condition) {
    appendStringInfo(&query.sql, " %s %s", first ? "WHERE" : "AND", condition);
    first = false;
}

Query write_query(const Tree& tree, Access access, Content content) {
    Query query = {};
    initStringInfo(&query.sql);
    add_column(query, placeholder::id);
    add_column(query, placeholder::parent);
    const bool flagged = access == Access::whole_flagged || access == Access::lookup;
    query.layout.rejected =
        flagged && tree.filter != nullptr ? add_column(query, placeholder::filter, " IS NOT TRUE") : -1;
    if (content == Content::nodes) {
        add_word(query, add_column(query, placeholder::code));
        add_word(query, add_column(query, placeholder::label));
    } else if (content == Content::rows) {
        add_word(query, add_column(query, placeholder::whole_row));
    }
    for (int i = 0; content != Content::keys && i < tree.sort_columns; ++i) {
        const bool reuse = content == Content::nodes && is_the_code(tree, tree.sort[i]);
        query.layout.sort_column[i] =
            reuse ? query.layout.word_column[code_word] : add_column(query, placeholder::first_sort + i);
        query.layout.sort_word[i] = reuse ? code_word : add_word(query, query.layout.sort_column[i]);
    }
    query.layout.parent_word =
        content == Content::nodes && tree.key.kind == registry::KeyKind::other ? add_word(query, 1) : -1;
    appendStringInfo(&query.sql, " FROM %s", tree.from);
    bool first = true;
    if (access == Access::children) {
        add_condition(query, first, psprintf("$%d %s ANY ($1)", placeholder::parent, tree.key.equal));
    } else if (access == Access::parentless) {
        add_condition(query, first, psprintf("$%d IS NULL", placeholder::parent));
    } else if (access == Access::lookup) {
        add_condition(query, first, psprintf("$%d %s $1", placeholder::id, tree.key.equal));
    }
    if (access == Access::keys) {
        add_condition(query, first, psprintf("$%d %s ANY ($1)", placeholder::id, tree.key.equal));
    }
    if (tree.filter != nullptr && !flagged) {
        add_condition(query, first, psprintf("$%d", placeholder::filter));
    }
    return query;
}

}  // namespace

LargeRoots& large_roots(const registry::TreeUse& use) { return plans_of(use).large_roots; }

bool LargeRoots::expects(uint32 root_hash) {
    for (Entry& entry : entries_) {
        if (entry.uses_left > 0 && entry.root_hash == root_hash) {
            --entry.uses_left;
            return true;
        }
    }
    return false;
}

void LargeRoots::remember(uint32 root_hash) {
    entries_[next_] = {root_hash, trust};
    next_ = (next_ + 1) % static_cast<int>(std::size(entries_));
}

const Layout& layout_of(const registry::TreeUse& use, Content content) {
    Layout& layout = plans_of(use).layouts[static_cast<int>(content)];
    if (layout.columns == 0) {
        layout = write_query(*use.tree, Access::whole, content).layout;
    }
    return layout;
}

const Plan& prepare(const registry::TreeUse& use, Access access, Content content) {
    Plans& plans = plans_of(use);
    Plan& plan = plans.prepared[static_cast<int>(access)][static_cast<int>(content)];
    if (plan.plan == nullptr) {
        const Tree& tree = *use.tree;
        const Query query = write_query(tree, access, content);
        const Oid argument = access == Access::children || access == Access::keys ? tree.key.array_type
                             : access == Access::lookup                           ? tree.key.type
                                                                                  : InvalidOid;
        Names& names = plans.names[static_cast<int>(access)];
        names = {&tree, argument};
        SPIPrepareOptions options = {};
        options.parserSetup = set_up_parser;
        options.parserSetupArg = &names;
        // One plan for all keys: planning anew costs more than a small read.
        options.cursorOptions = CURSOR_OPT_GENERIC_PLAN;
        SPIPlanPtr prepared = SPI_prepare_extended(query.sql.data, &options);
        if (prepared == nullptr) {
            elog(ERROR, "could not prepare \"%s\": %s", query.sql.data, SPI_result_code_string(SPI_result));
        }
        if (SPI_keepplan(prepared) != 0) {
            elog(ERROR, "could not keep the plan of \"%s\"", query.sql.data);
        }
        plan = {prepared, query.layout, argument};
    }
    return plan;
}

Estimate estimate(const Plan& plan) {
    CachedPlan* cached = SPI_plan_get_cached_plan(plan.plan);
    if (cached == nullptr) {
        elog(ERROR, "no plan for a tree's query");
    }
    const auto* statement = linitial_node(PlannedStmt, cached->stmt_list);
    const Estimate expected = {statement->planTree->total_cost, statement->planTree->plan_rows};
    ReleaseCachedPlan(cached, CurrentResourceOwner);
    return expected;
}

}  // namespace pg_tree::fetch
