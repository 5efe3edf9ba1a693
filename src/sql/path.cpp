// tree_path, tree_path_text, tree_depth, tree_root, tree_is_ancestor, tree_contains, tree_lca, tree_descendant_count: one value
// about a node, mostly from the way up to its root.

#include "sql/call.h"

extern "C" {
#include "utils/datum.h"
}

namespace pg_tree::sql {

using core::Key;
using fetch::Chain;
using fetch::Content;
using fetch::Reading;

namespace {

/// Reads the chain of argument 0 and hands it to `answer`, a function of (question, reading, chain) that returns a Datum or
/// sets `is_null`. NULL for a null key and for one that is not in the tree.
template <class Answer>
Datum about_chain(FunctionCallInfo fcinfo, Content content, Answer&& answer) {
    if (PG_ARGISNULL(0)) {
        PG_RETURN_NULL();
    }
    const Question question = ask(fcinfo, 0, 1);
    Reading* reading = read(question, content);
    Datum result = 0;
    bool is_null = true;
    if (Key node; key_argument(fcinfo, 0, question, *reading, node)) {
        const Chain* chain = fetch::read_chain(*reading, node);
        if (chain->in_tree()) {
            is_null = false;
            result = answer(question, *reading, *chain, is_null);
        }
    }
    fetch::end_reading(reading);
    fcinfo->isnull = is_null;
    return is_null ? Datum{0} : result;
}

const core::Row& row_of(const Reading& reading, const Chain& chain, std::size_t position) {
    return reading.table->rows[chain.nodes[position]];
}

/// Position of the key in the chain from `first` on, or the chain's length.
std::size_t find_key(const Reading& reading, const Chain& chain, Key key, std::size_t first) {
    for (std::size_t i = first; i < chain.nodes.size(); ++i) {
        if (row_of(reading, chain, i).key == key) {
            return i;
        }
    }
    return chain.nodes.size();
}

/// Is the key of argument 0 among those of argument 1's chain, from position `first` on?
Datum is_above(FunctionCallInfo fcinfo, std::size_t first) {
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) {
        PG_RETURN_NULL();
    }
    const Question question = ask(fcinfo, 0, 2);
    Reading* reading = read(question, Content::keys);
    bool found = false;
    Key above;
    Key node;
    if (key_argument(fcinfo, 0, question, *reading, above) && key_argument(fcinfo, 1, question, *reading, node)) {
        const Chain* chain = fetch::read_chain(*reading, node);
        found = chain->in_tree() && find_key(*reading, *chain, above, first) < chain->nodes.size();
    }
    fetch::end_reading(reading);
    PG_RETURN_BOOL(found);
}

/// The lowest node that contains both; where two nodes of a cycle contain each other, the first argument.
bool lowest_common(const Reading& a, const Chain& of_a, const Reading& b, const Chain& of_b, Key& common) {
    const Key first = row_of(a, of_a, 0).key;
    if (find_key(b, of_b, first, 0) < of_b.nodes.size()) {
        common = first;
        return true;
    }
    core::Poller poller(*a.interrupts);
    return pg::enter([&] {
        core::Vector<Key> sorted(a.memory);
        for (std::size_t i = 0; i < of_b.nodes.size(); ++i) {
            sorted.push_back(row_of(b, of_b, i).key);
        }
        std::sort(sorted.begin(), sorted.end());
        for (std::size_t i = 1; i < of_a.nodes.size(); ++i) {
            poller.step();
            if (std::binary_search(sorted.begin(), sorted.end(), row_of(a, of_a, i).key)) {
                common = row_of(a, of_a, i).key;
                return true;
            }
        }
        return false;
    });
}

}  // namespace

PG_TREE_FUNCTION(tree_path) {
    const MemoryContext result_context = CurrentMemoryContext;
    return about_chain(
        fcinfo, Content::keys, [&](const Question& question, const Reading& reading, const Chain& chain, bool&) {
            const MemoryContext caller = MemoryContextSwitchTo(reading.context);
            const std::size_t length = chain.nodes.size();
            auto* keys = static_cast<Key*>(MemoryContextAllocHuge(reading.context, length * sizeof(Key)));
            for (std::size_t i = 0; i < length; ++i) {
                keys[i] = row_of(reading, chain, length - 1 - i).key;
            }
            MemoryContextSwitchTo(result_context);
            const Datum path = scan::key_array(*reading.keys, {keys, length}, question.form);
            MemoryContextSwitchTo(caller);
            return path;
        });
}

PG_TREE_FUNCTION(tree_path_text) {
    if (PG_ARGISNULL(2)) {
        PG_RETURN_NULL();
    }
    const text* separator = PG_GETARG_TEXT_PP(2);
    return about_chain(fcinfo, Content::nodes, [&](const Question&, const Reading& reading, const Chain& chain, bool&) {
        StringInfoData path;
        initStringInfo(&path);
        for (std::size_t i = chain.nodes.size(); i-- > 0;) {
            CHECK_FOR_INTERRUPTS();
            char* label = scan::label(reading, row_of(reading, chain, i));
            appendStringInfoString(&path, label);
            pfree(label);
            if (i > 0) {
                appendBinaryStringInfo(&path, VARDATA_ANY(separator), static_cast<int>(VARSIZE_ANY_EXHDR(separator)));
            }
        }
        return PointerGetDatum(cstring_to_text_with_len(path.data, path.len));
    });
}

PG_TREE_FUNCTION(tree_depth) {
    return about_chain(fcinfo, Content::keys, [](const Question&, const Reading&, const Chain& chain, bool& is_null) {
        is_null = chain.end != Chain::End::root;
        return Int32GetDatum(chain.depth());
    });
}

PG_TREE_FUNCTION(tree_root) {
    return about_chain(
        fcinfo, Content::keys, [](const Question& question, const Reading& reading, const Chain& chain, bool& is_null) {
            is_null = chain.end != Chain::End::root;
            const Datum root =
                reading.keys->to_caller(row_of(reading, chain, chain.nodes.size() - 1).key, question.form);
            // It may live in the read's memory, which goes before the caller looks at it.
            const Oid type = fetch::type_of(question.form);
            return datumCopy(root, get_typbyval(type), get_typlen(type));
        });
}

PG_TREE_FUNCTION(tree_is_ancestor) { return is_above(fcinfo, 1); }
PG_TREE_FUNCTION(tree_contains) { return is_above(fcinfo, 0); }

PG_TREE_FUNCTION(tree_lca) {
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) {
        PG_RETURN_NULL();
    }
    const Question question = ask(fcinfo, 0, 2);
    Reading* reading = read(question, Content::keys);
    Reading* other = fetch::begin_reading_beside(*reading, Content::keys);
    Datum result = 0;
    bool found = false;
    Key a;
    Key b;
    if (key_argument(fcinfo, 0, question, *reading, a) && key_argument(fcinfo, 1, question, *reading, b)) {
        const Chain* of_a = fetch::read_chain(*reading, a);
        const Chain* of_b = fetch::read_chain(*other, b);
        Key common = 0;
        if (of_a->in_tree() && of_b->in_tree() && lowest_common(*reading, *of_a, *other, *of_b, common)) {
            found = true;
            const Oid type = fetch::type_of(question.form);
            result = datumCopy(reading->keys->to_caller(common, question.form), get_typbyval(type), get_typlen(type));
        }
    }
    fetch::end_reading(reading);
    if (!found) {
        PG_RETURN_NULL();
    }
    return result;
}

PG_TREE_FUNCTION(tree_descendant_count) {
    if (PG_ARGISNULL(0)) {
        PG_RETURN_NULL();
    }
    const Question question = ask(fcinfo, 0, 1);
    Reading* reading = read(question, Content::keys);
    int64 count = -1;
    if (Key node; key_argument(fcinfo, 0, question, *reading, node) &&
                  fetch::read_node(*fetch::begin_reading_beside(*reading, Content::keys), node)->in_tree()) {
        fetch::read_below(*reading, node, core::unlimited);
        count = static_cast<int64>(scan::walk_breadth_first(*reading, core::unlimited)->nodes.size());
    }
    fetch::end_reading(reading);
    if (count < 0) {
        PG_RETURN_NULL();
    }
    PG_RETURN_INT64(count);
}

}  // namespace pg_tree::sql
