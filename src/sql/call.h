// What the SQL functions have in common: their arguments, the tree that is meant, and where the answer comes from.
#pragma once

#include "cache/build.h"
#include "cache/image_reader.h"
#include "fetch/reading.h"
#include "pg/function.h"
#include "scan/source.h"

extern "C" {
#include "portability/instr_time.h"
}

namespace pg_tree::sql {

/// A text argument as a C string; null when it is null.
inline char* text_argument(FunctionCallInfo fcinfo, int position) {
    return PG_ARGISNULL(position) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(position));
}

/// A level limit: null means none.
inline std::int32_t level_argument(FunctionCallInfo fcinfo, int position) {
    return PG_ARGISNULL(position) ? core::unlimited : PG_GETARG_INT32(position);
}

/// A question about a tree: which tree, and in which form the caller writes keys. It lives in the call's memory.
struct Question {
    fetch::KeyForm form;
    registry::TreeUse tree;
};

/// `key` and `tree` are positions of arguments.
inline Question ask(FunctionCallInfo fcinfo, int key, int tree) {
    const fetch::KeyForm form = fetch::form_of_argument(fcinfo, key);
    return {form, registry::use_tree(fcinfo->flinfo->fn_oid, text_argument(fcinfo, tree), CurrentMemoryContext)};
}

/// `leave_undone`: see Reading.
inline fetch::Reading* read(const Question& question, fetch::Content content, bool leave_undone) {
    fetch::Reading* reading = fetch::begin_reading(question.tree, content, CurrentMemoryContext);
    reading->leave_undone = leave_undone;
    return reading;
}

/// The key given as an argument. False: no row of this tree can have it.
inline bool key_argument(FunctionCallInfo fcinfo, int position, const Question& question, fetch::Reading& reading,
                         core::Key& key) {
    return reading.keys->from_caller(PG_GETARG_DATUM(position), question.form, reading.tree(), key);
}

/// The node or anchor with the key given as an argument. False: it is on a cycle or below one, of which an image does not know
/// enough.
inline bool find_argument(FunctionCallInfo fcinfo, int position, const cache::ImageReader& reader, core::Rank& rank) {
    rank = reader.find(PG_GETARG_DATUM(position));
    return rank == core::no_rank || reader.image().is_node(rank) ||
           reader.image().anchor(rank).kind != core::AnchorKind::cyclic;
}

inline bool is_in_tree(const cache::ImageReader& reader, core::Rank rank) {
    return rank != core::no_rank && reader.image().in_tree(rank);
}

/// Answers from the tree's image if there is one that fits, else from the table, and sees to it that there will be one when that pays.
///
///   from_image(reader)        false, before anything came out: the image does not know enough
///   from_table(leave_undone)  false, only when it may be left undone: the whole table would have to be read
template <class FromImage, class FromTable>
void answer(const Question& question, fetch::Content content, FromImage&& from_image, FromTable&& from_table) {
    cache::Lookup lookup = cache::look_up(question.tree, content);
    auto answer_from = [&](const cache::Lookup& found) {
        const cache::ImageReader reader(found.image, *question.tree.tree, question.form);
        return from_image(reader);
    };
    if (lookup.hit()) {
        if (answer_from(lookup)) {
            cache::done(lookup);
            return;
        }
        cache::give_up(question.tree, lookup);
    }
    if (lookup.outcome != cache::Lookup::Outcome::miss) {
        (void)from_table(false);
        return;
    }
    instr_time begin;
    INSTR_TIME_SET_CURRENT(begin);
    if (!from_table(true)) {
        lookup = cache::build_for_call(question.tree);
        if (lookup.hit()) {
            const bool answered = answer_from(lookup);
            cache::done(lookup);
            if (!answered) {
                (void)from_table(false);
            }
            return;  // counted when it was built
        }
        (void)from_table(false);
        if (lookup.outcome == cache::Lookup::Outcome::bypass) {
            return;  // counted as what it is
        }
    }
    instr_time end;
    INSTR_TIME_SET_CURRENT(end);
    INSTR_TIME_SUBTRACT(end, begin);
    cache::count_miss(question.tree, static_cast<double>(INSTR_TIME_GET_MICROSEC(end)));
}

}  // namespace pg_tree::sql
