// tree_path, tree_path_text, tree_depth, tree_root, tree_is_ancestor, tree_contains, tree_lca, tree_descendant_count: one value
// about a node, mostly from the way up to its root.

#include "scan/counted.h"
#include "scan/image_rows.h"
#include "scan/question.h"
#include "scan/source.h"

extern "C" {
#include "utils/datum.h"
}

namespace pg_tree::sql {

using cache::ImageReader;
using core::Key;
using core::Rank;
using fetch::Chain;
using fetch::Content;
using fetch::Reading;
using scan::answer;
using scan::ask;
using scan::find_argument;
using scan::is_in_tree;
using scan::key_argument;
using scan::Question;
using scan::read;

namespace {

/// About one node, argument 0: from an image by `from_image`, a function of (reader, rank, is_null), or from its chain by `from_chain`, one of
/// (question, reading, chain, is_null). Both return a Datum, allocated in the current context. NULL for a null key and for one that is not in
/// the tree.
template <class FromImage, class FromChain>
Datum about_node(FunctionCallInfo fcinfo, Content content, FromImage&& from_image, FromChain&& from_chain) {
    if (PG_ARGISNULL(0)) {
        PG_RETURN_NULL();
    }
    const Question question = ask(fcinfo, 0, 1);
    Datum result = 0;
    bool is_null = true;
    answer(
        question, content,
        [&](const ImageReader& reader) {
            Rank node;
            if (!find_argument(fcinfo, 0, reader, node)) {
                return false;
            }
            if (is_in_tree(reader, node)) {
                is_null = false;
                result = from_image(reader, node, is_null);
            }
            return true;
        },
        [&](bool leave_undone) {
            Reading* reading = read(question, content, leave_undone);
            if (Key node; key_argument(fcinfo, 0, question, *reading, node)) {
                const Chain* chain = fetch::read_chain(*reading, node);
                if (!reading->left_undone && chain->in_tree()) {
                    is_null = false;
                    result = from_chain(question, *reading, *chain, is_null);
                }
            }
            const bool done = !reading->left_undone;
            fetch::end_reading(reading);
            return done;
        });
    fcinfo->isnull = is_null;
    return is_null ? Datum{0} : result;
}

/// A key that may stand in an image or in a read's memory, both of which go before the caller looks at it.
Datum own_copy(Datum key, fetch::KeyForm form) {
    const Oid type = fetch::type_of(form);
    return datumCopy(key, get_typbyval(type), get_typlen(type));
}

/// The node and everything above it, root first. Returns how many.
std::size_t ranks_from_root(const core::Image& image, Rank node, Rank** ranks) {
    const auto count = static_cast<std::size_t>(image.level(node)) + 1;
    *ranks = static_cast<Rank*>(MemoryContextAllocHuge(CurrentMemoryContext, count * sizeof(Rank)));
    for (std::size_t i = count; i-- > 0; node = image.parent(node)) {
        (*ranks)[i] = node;
    }
    return count;
}

bool contains(const core::Image& image, Rank root, Rank node) { return root <= node && node < image.end(root); }

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

/// Is argument 0 above argument 1, or, unless `strictly`, the same?
Datum is_above(FunctionCallInfo fcinfo, bool strictly) {
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) {
        PG_RETURN_NULL();
    }
    const Question question = ask(fcinfo, 0, 2);
    bool found = false;
    answer(
        question, Content::keys,
        [&](const ImageReader& reader) {
            Rank above;
            Rank node;
            if (!find_argument(fcinfo, 0, reader, above) || !find_argument(fcinfo, 1, reader, node)) {
                return false;
            }
            found = is_in_tree(reader, node) && is_in_tree(reader, above) && contains(reader.image(), above, node) &&
                    !(strictly && above == node);
            return true;
        },
        [&](bool leave_undone) {
            Reading* reading = read(question, Content::keys, leave_undone);
            Key above;
            Key node;
            if (key_argument(fcinfo, 0, question, *reading, above) &&
                key_argument(fcinfo, 1, question, *reading, node)) {
                const Chain* chain = fetch::read_chain(*reading, node);
                found = !reading->left_undone && chain->in_tree() &&
                        find_key(*reading, *chain, above, strictly ? 1 : 0) < chain->nodes.size();
            }
            const bool done = !reading->left_undone;
            fetch::end_reading(reading);
            return done;
        });
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

PG_TREE_COUNTED_FUNCTION(tree_path, path, each) {
    const MemoryContext result_context = CurrentMemoryContext;
    return about_node(
        fcinfo, Content::keys, [](const ImageReader& reader, Rank node, bool&) { return scan::path_to(reader, node); },
        [&](const Question& question, const Reading& reading, const Chain& chain, bool&) {
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

namespace {

/// Names joined by a separator. fill(i, values, nulls) gives the nodes, root first.
template <class Fill>
Datum join_names(std::size_t count, const text* separator, fetch::KeyForm form, Fill&& fill) {
    StringInfoData path;
    initStringInfo(&path);
    for (std::size_t i = 0; i < count; ++i) {
        CHECK_FOR_INTERRUPTS();
        if (i > 0) {
            appendBinaryStringInfo(&path, VARDATA_ANY(separator), static_cast<int>(VARSIZE_ANY_EXHDR(separator)));
        }
        Datum values[4];
        bool nulls[4];
        fill(i, values, nulls);
        char* label = scan::label_of(values, nulls, form);
        appendStringInfoString(&path, label);
        pfree(label);
    }
    return PointerGetDatum(cstring_to_text_with_len(path.data, path.len));
}

}  // namespace

PG_TREE_COUNTED_FUNCTION(tree_path_text, path_text, each) {
    if (PG_ARGISNULL(2)) {
        PG_RETURN_NULL();
    }
    const text* separator = PG_GETARG_TEXT_PP(2);
    return about_node(
        fcinfo, Content::nodes,
        [&](const ImageReader& reader, Rank node, bool&) {
            Rank* ranks;
            const std::size_t count = ranks_from_root(reader.image(), node, &ranks);
            return join_names(count, separator, reader.form(), [&](std::size_t i, Datum* values, bool* nulls) {
                reader.fill_node(ranks[i], values, nulls);
            });
        },
        [&](const Question& question, const Reading& reading, const Chain& chain, bool&) {
            const std::size_t count = chain.nodes.size();
            return join_names(count, separator, question.form, [&](std::size_t i, Datum* values, bool* nulls) {
                scan::fill_node(reading, row_of(reading, chain, count - 1 - i), question.form, values, nulls);
            });
        });
}

PG_TREE_COUNTED_FUNCTION(tree_depth, depth, some) {
    return about_node(
        fcinfo, Content::keys,
        [](const ImageReader& reader, Rank node, bool&) { return Int32GetDatum(reader.image().level(node)); },
        [](const Question&, const Reading&, const Chain& chain, bool& is_null) {
            is_null = chain.end != Chain::End::root;
            return Int32GetDatum(chain.depth());
        });
}

PG_TREE_COUNTED_FUNCTION(tree_root, root, each) {
    return about_node(
        fcinfo, Content::keys,
        [](const ImageReader& reader, Rank node, bool& is_null) {
            Datum key;
            reader.key(reader.image().root_of(node), key, is_null);
            return own_copy(key, reader.form());
        },
        [](const Question& question, const Reading& reading, const Chain& chain, bool& is_null) {
            is_null = chain.end != Chain::End::root;
            return own_copy(reading.keys->to_caller(row_of(reading, chain, chain.nodes.size() - 1).key, question.form),
                            question.form);
        });
}

PG_TREE_COUNTED_FUNCTION(tree_is_ancestor, is_ancestor, some) { return is_above(fcinfo, true); }
PG_TREE_COUNTED_FUNCTION(tree_contains, contains, some) { return is_above(fcinfo, false); }

namespace {

/// The lowest node of an image that contains both, or no_rank.
Rank lowest_common(const core::Image& image, Rank a, Rank b) {
    while (!contains(image, a, b)) {
        if (image.is_root(a)) {
            return core::no_rank;
        }
        a = image.parent(a);
    }
    return a;
}

/// From the two nodes' chains. False: the table would have to be read whole.
bool read_lowest_common(FunctionCallInfo fcinfo, const Question& question, bool leave_undone, bool& found,
                        Datum& result) {
    Reading* reading = read(question, Content::keys, leave_undone);
    Reading* other = fetch::begin_reading_beside(*reading, Content::keys);
    Key a;
    Key b;
    if (key_argument(fcinfo, 0, question, *reading, a) && key_argument(fcinfo, 1, question, *reading, b)) {
        const Chain* of_a = fetch::read_chain(*reading, a);
        const Chain* of_b = reading->left_undone ? nullptr : fetch::read_chain(*other, b);
        Key common = 0;
        if (!reading->left_undone && !other->left_undone && of_a->in_tree() && of_b->in_tree() &&
            lowest_common(*reading, *of_a, *other, *of_b, common)) {
            found = true;
            result = own_copy(reading->keys->to_caller(common, question.form), question.form);
        }
    }
    const bool done = !reading->left_undone && !other->left_undone;
    fetch::end_reading(reading);
    return done;
}

}  // namespace

PG_TREE_COUNTED_FUNCTION(tree_lca, lca, each) {
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) {
        PG_RETURN_NULL();
    }
    const Question question = ask(fcinfo, 0, 2);
    Datum result = 0;
    bool found = false;
    answer(
        question, Content::keys,
        [&](const ImageReader& reader) {
            Rank a;
            Rank b;
            if (!find_argument(fcinfo, 0, reader, a) || !find_argument(fcinfo, 1, reader, b)) {
                return false;
            }
            const Rank common =
                is_in_tree(reader, a) && is_in_tree(reader, b) ? lowest_common(reader.image(), a, b) : core::no_rank;
            if (common != core::no_rank) {
                bool null;
                reader.key(common, result, null);
                result = own_copy(result, question.form);
                found = true;
            }
            return true;
        },
        [&](bool leave_undone) { return read_lowest_common(fcinfo, question, leave_undone, found, result); });
    if (!found) {
        PG_RETURN_NULL();
    }
    return result;
}

PG_TREE_COUNTED_FUNCTION(tree_descendant_count, descendant_count, some) {
    if (PG_ARGISNULL(0)) {
        PG_RETURN_NULL();
    }
    const Question question = ask(fcinfo, 0, 1);
    int64 count = -1;
    answer(
        question, Content::keys,
        [&](const ImageReader& reader) {
            Rank node;
            if (!find_argument(fcinfo, 0, reader, node)) {
                return false;
            }
            count = is_in_tree(reader, node) ? static_cast<int64>(reader.image().size(node)) - 1 : -1;
            return true;
        },
        [&](bool leave_undone) {
            Reading* reading = read(question, Content::keys, leave_undone);
            Reading* above = fetch::begin_reading_beside(*reading, Content::keys);
            if (Key node; key_argument(fcinfo, 0, question, *reading, node) &&
                          fetch::read_node(*above, node)->in_tree() && !above->left_undone) {
                fetch::read_below(*reading, node, core::unlimited);
                if (!reading->left_undone) {
                    count = static_cast<int64>(scan::walk_breadth_first(*reading, core::unlimited)->nodes.size());
                }
            }
            const bool done = !reading->left_undone && !above->left_undone;
            fetch::end_reading(reading);
            return done;
        });
    if (count < 0) {
        PG_RETURN_NULL();
    }
    PG_RETURN_INT64(count);
}

}  // namespace pg_tree::sql
