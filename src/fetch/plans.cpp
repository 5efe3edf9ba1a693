#include "fetch/plans.h"

extern "C" {
#include "nodes/plannodes.h"
#include "utils/plancache.h"
}

namespace pg_tree::fetch {

using registry::Tree;

namespace {

struct Plans {
    Plan prepared[access_kinds][content_kinds];
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
    if (use.attachment->data == nullptr) {
        use.attachment->data = MemoryContextAllocZero(use.tree->context, sizeof(Plans));
        use.attachment->free = free_plans;
    }
    return *static_cast<Plans*>(use.attachment->data);
}

bool is_plain_text(Oid type) { return type == TEXTOID || type == VARCHAROID; }

/// A sort expression that is the code itself needs no column of its own.
bool is_the_code(const Tree& tree, const registry::SortColumn& sort) {
    return is_plain_text(sort.type) && strcmp(psprintf("(%s)::pg_catalog.text", sort.sql), tree.code) == 0;
}

struct Query {
    StringInfoData sql;
    Layout layout;
};

int add_column(Query& query, const char* expression) {
    appendStringInfo(&query.sql, "%s%s", query.layout.columns > 0 ? ", " : "SELECT ", expression);
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
    add_column(query, tree.id);
    add_column(query, tree.parent);
    const bool flagged = access == Access::whole_flagged || access == Access::lookup;
    query.layout.rejected =
        flagged && tree.filter != nullptr ? add_column(query, psprintf("(%s) IS NOT TRUE", tree.filter)) : -1;
    if (content == Content::nodes) {
        add_word(query, add_column(query, tree.code));
        add_word(query, add_column(query, tree.label));
    } else if (content == Content::rows) {
        add_word(query, add_column(query, "_pg_tree_row"));
    }
    for (int i = 0; content != Content::keys && i < tree.sort_columns; ++i) {
        const bool reuse = content == Content::nodes && is_the_code(tree, tree.sort[i]);
        query.layout.sort_column[i] =
            reuse ? query.layout.word_column[code_word] : add_column(query, psprintf("(%s)", tree.sort[i].sql));
        query.layout.sort_word[i] = reuse ? code_word : add_word(query, query.layout.sort_column[i]);
    }
    appendStringInfo(&query.sql, " FROM %s", tree.from);
    if (content == Content::rows) {
        appendStringInfoString(&query.sql, " AS _pg_tree_row");
    }
    bool first = true;
    if (access == Access::children) {
        add_condition(query, first, psprintf("%s %s ANY ($1)", tree.parent, tree.key.equal));
    } else if (access == Access::parentless) {
        add_condition(query, first, psprintf("%s IS NULL", tree.parent));
    } else if (access == Access::lookup) {
        add_condition(query, first, psprintf("%s %s $1", tree.id, tree.key.equal));
    }
    if (tree.filter != nullptr && !flagged) {
        add_condition(query, first, psprintf("(%s)", tree.filter));
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
    Plan& plan = plans_of(use).prepared[static_cast<int>(access)][static_cast<int>(content)];
    if (plan.plan == nullptr) {
        const Tree& tree = *use.tree;
        const Query query = write_query(tree, access, content);
        Oid argument = access == Access::children ? tree.key.array_type : tree.key.type;
        const int arguments = access == Access::children || access == Access::lookup ? 1 : 0;
        // One plan for all keys: planning anew costs more than a small read.
        SPIPlanPtr prepared = SPI_prepare_cursor(query.sql.data, arguments, &argument, CURSOR_OPT_GENERIC_PLAN);
        if (prepared == nullptr) {
            elog(ERROR, "could not prepare \"%s\": %s", query.sql.data, SPI_result_code_string(SPI_result));
        }
        if (SPI_keepplan(prepared) != 0) {
            elog(ERROR, "could not keep the plan of \"%s\"", query.sql.data);
        }
        plan = {prepared, query.layout};
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
