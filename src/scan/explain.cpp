#include "pg/compat.h"
#include "scan/functions.h"
#include "scan/question.h"
#include "scan/tree_scan.h"

extern "C" {
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#endif
#include "executor/executor.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"
}

namespace pg_tree::scan {

namespace {

char* written(TreeScanState& state, List* ancestors, ExplainState* output, Node* expression) {
    List* context = set_deparse_context_plan(output->deparse_cxt, state.node.ss.ps.plan, ancestors);
    return deparse_expression(expression, context, list_length(output->rtable) > 1 || output->verbose, false);
}

const char* column_of(const TreeScanState& state, const PushedCondition& condition) {
    return quote_identifier(strVal(list_nth(state.plan.column_names, condition.attribute - 1)));
}

/// `(level <= 2) AND (id = ANY ('{1,2}'::bigint[]))`
char* written_conditions(TreeScanState& state, List* ancestors, ExplainState* output) {
    const auto& scan = *reinterpret_cast<CustomScan*>(state.node.ss.ps.plan);
    StringInfoData text;
    initStringInfo(&text);
    for (int i = 0; i < state.plan.condition_count; ++i) {
        const PushedCondition& condition = state.plan.conditions[i];
        const char* column = column_of(state, condition);
        appendStringInfoString(&text, i > 0 ? " AND " : "");
        if (state.plan.comparands[i] == 0) {
            appendStringInfo(&text, condition.kind == PushedCondition::Kind::yes ? "%s" : "(NOT %s)", column);
            continue;
        }
        char* comparand = written(state, ancestors, output,
                                  static_cast<Node*>(list_nth(scan.custom_exprs, state.plan.comparands[i])));
        appendStringInfo(&text, condition.kind == PushedCondition::Kind::any ? "(%s = ANY (%s))" : "(%s %s %s)", column,
                         condition.kind == PushedCondition::Kind::any ? comparand : operator_of(condition.kind),
                         comparand);
    }
    return text.data;
}

const char* origin_name(Origin::Kind kind) {
    switch (kind) {
        case Origin::Kind::hit:
            return "hit";
        case Origin::Kind::miss:
            return "miss";
        case Origin::Kind::bypass:
            return "bypass";
        default:
            return "not asked";
    }
}

/// What the call would find, without making it. The tree's name is null if it cannot be told.
struct Prospect {
    const char* tree;
    Origin origin;
};

Prospect look_ahead(const TreeScanState& state) {
    Prospect prospect = {nullptr, {}};
    const SetFunction& function = *state.plan.function;
    if (list_length(state.call->args) <= function.tree_argument || !ActiveSnapshotSet() ||
        !pg::may_execute(state.call->funcid)) {
        return prospect;
    }
    auto* tree = static_cast<Node*>(list_nth(state.call->args, function.tree_argument));
    if (!IsA(tree, Const)) {
        return prospect;
    }
    const auto* constant = reinterpret_cast<Const*>(tree);
    const char* name = constant->constisnull ? nullptr : TextDatumGetCString(constant->constvalue);
    registry::TreeUse use;
    if (!find_tree_quietly(function, *state.call, name, CurrentMemoryContext, use)) {
        return prospect;
    }
    prospect.tree = use.tree->name;
    cache::Lookup lookup = cache::look_up(use, content_of(function), false);
    if (lookup.outcome != cache::Lookup::Outcome::refused) {
        prospect.origin = {lookup.hit()                                       ? Origin::Kind::hit
                           : lookup.outcome == cache::Lookup::Outcome::bypass ? Origin::Kind::bypass
                                                                              : Origin::Kind::miss,
                           lookup.reason};
    }
    cache::done(lookup);
    return prospect;
}

void explain_cache(const Origin& origin, ExplainState* output) {
    if (origin.kind == Origin::Kind::none) {
        return;
    }
    const bool has_reason = origin.kind == Origin::Kind::bypass && origin.reason != cache::Bypass::none;
    if (output->format == EXPLAIN_FORMAT_TEXT && has_reason) {
        ExplainPropertyText("Cache", psprintf("bypass (%s)", cache::bypass_name(origin.reason)), output);
        return;
    }
    ExplainPropertyText("Cache", origin_name(origin.kind), output);
    if (has_reason) {
        ExplainPropertyText("Bypass Reason", cache::bypass_name(origin.reason), output);
    }
}

/// How many calls there were, if there were several: the node was run again with other arguments.
void explain_calls(const TreeScanState& state, ExplainState* output) {
    if (output->format != EXPLAIN_FORMAT_TEXT) {
        ExplainPropertyInteger("Cache Hits", nullptr, state.hits, output);
        ExplainPropertyInteger("Cache Misses", nullptr, state.misses, output);
        ExplainPropertyInteger("Cache Bypasses", nullptr, state.bypasses, output);
    } else if (state.hits + state.misses + state.bypasses > 1) {
        ExplainPropertyText("Calls",
                            psprintf("hits=" INT64_FORMAT " misses=" INT64_FORMAT " bypasses=" INT64_FORMAT, state.hits,
                                     state.misses, state.bypasses),
                            output);
    }
}

}  // namespace

void explain(TreeScanState& state, List* ancestors, ExplainState* output) {
    const SetFunction& function = *state.plan.function;
    ExplainPropertyText("Function", function.symbol, output);
    const bool was_run = output->analyze && state.tree_name != nullptr;
    const Prospect prospect = was_run ? Prospect{state.tree_name, state.origin} : look_ahead(state);
    if (prospect.tree != nullptr) {
        ExplainPropertyText("Tree", prospect.tree, output);
    }
    if (function.key_argument >= 0) {
        auto* root = static_cast<Node*>(list_nth(state.call->args, function.key_argument));
        ExplainPropertyText("Root", written(state, ancestors, output, root), output);
    }
    if (state.plan.condition_count > 0) {
        ExplainPropertyText("Tree Cond", written_conditions(state, ancestors, output), output);
        if (output->analyze && state.node.ss.ps.instrument != nullptr) {
            const double skipped =
                static_cast<double>(state.skipped + (state.rows == nullptr ? 0 : state.rows->skipped()));
            const double loops = state.node.ss.ps.instrument->nloops;
            ExplainPropertyFloat("Rows Skipped", nullptr, loops > 0 ? skipped / loops : 0, 0, output);
        }
    }
    explain_cache(prospect.origin, output);
    if (was_run) {
        explain_calls(state, output);
    }
}

}  // namespace pg_tree::scan
