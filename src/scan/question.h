// What the functions that read have in common: their arguments, the tree that is meant, and where the answer comes from.
#pragma once

#include "cache/build.h"
#include "cache/image_reader.h"
#include "fetch/reading.h"
#include "pg/function.h"
#include "scan/rows.h"
#include "stats/call.h"

extern "C" {
#include "portability/instr_time.h"
}

namespace pg_tree::scan {

/// A text argument as a C string; null when it is null.
inline char* text_argument(FunctionCallInfo fcinfo, int position) {
    return PG_ARGISNULL(position) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(position));
}

/// A level limit: null means none.
inline std::int32_t level_argument(FunctionCallInfo fcinfo, int position) {
    return PG_ARGISNULL(position) ? core::unlimited : PG_GETARG_INT32(position);
}

/// What one call remembers for the next one of the same expression.
struct CallMemo;

/// A question about a tree: which tree, and in which form the caller writes keys. It lives as long as the expression, or until it is
/// asked again.
struct Question {
    fetch::KeyForm form;
    registry::TreeUse tree;
    CallMemo* memo = nullptr;
    bool stands = false;  ///< all is as it was when the memo's hit was found
};

struct CallMemo {
    MemoryContext context;  ///< of the definition's use, and of the strings
    bool valid;
    const text* tree;  ///< the name, or null
    registry::NameMemo names;
    cache::HitMemo hit;
    Question question;
    // Calls that were not timed: see counted().
    stats::Function function;
    stats::SlotRef slot;
    std::uint64_t duration;  ///< of the latest one that was timed
    int timed;               ///< hits so far
    int untimed;             ///< hits since, which are not counted yet
    MemoryContextCallback count_untimed;
};

/// `key` and `tree` are positions of arguments.
Question ask(FunctionCallInfo fcinfo, int key, int tree);

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

/// cache::look_up(), by way of the memo.
inline cache::Lookup look_up(const Question& question, fetch::Content content) {
    if (question.stands) {
        const cache::Lookup again = cache::look_up_again(question.tree, question.memo->hit);
        if (again.hit()) {
            return again;
        }
    }
    const cache::Lookup lookup = cache::look_up(question.tree, content);
    if (question.memo != nullptr) {
        cache::remember_hit(lookup, question.memo->hit);
    }
    return lookup;
}

/// Answers from the tree's image if there is one that fits, else from the table, and sees to it that there will be one when that pays.
///
///   from_image(reader)        false, before anything came out: the image does not know enough
///   from_table(leave_undone)  false, only when it may be left undone: the whole table would have to be read
///
/// Where the image answered, it is still pinned: the lookup that comes back is to be given to done().
template <class FromImage, class FromTable>
[[nodiscard]] cache::Lookup find_answer(const Question& question, fetch::Content content, FromImage&& from_image,
                                        FromTable&& from_table, Origin& origin) {
    cache::Lookup lookup = look_up(question, content);
    auto answer_from = [&](const cache::Lookup& found) {
        const cache::ImageReader reader(found.image, *question.tree.tree, question.form);
        return from_image(reader);
    };
    if (lookup.hit()) {
        if (answer_from(lookup)) {
            origin = {Origin::Kind::hit, cache::Bypass::none};
            return lookup;
        }
        cache::give_up(question.tree, lookup);
    }
    if (lookup.outcome != cache::Lookup::Outcome::miss) {
        origin = {Origin::Kind::bypass, lookup.reason};
        (void)from_table(false);
        return lookup;
    }
    origin = {Origin::Kind::miss, cache::Bypass::none};
    instr_time begin;
    INSTR_TIME_SET_CURRENT(begin);
    if (!from_table(true)) {
        lookup = cache::build_for_call(question.tree);  // counts the miss if it builds
        if (lookup.hit()) {
            if (answer_from(lookup)) {
                return lookup;
            }
            cache::done(lookup);
            (void)from_table(false);
            return lookup;
        }
        (void)from_table(false);
        if (lookup.outcome == cache::Lookup::Outcome::bypass) {
            origin = {Origin::Kind::bypass, lookup.reason};
            return lookup;  // counted as what it is
        }
    }
    instr_time end;
    INSTR_TIME_SET_CURRENT(end);
    INSTR_TIME_SUBTRACT(end, begin);
    cache::count_miss(question.tree, static_cast<double>(INSTR_TIME_GET_MICROSEC(end)));
    return lookup;
}

/// The same, and the statistics hear of it.
template <class FromImage, class FromTable>
[[nodiscard]] cache::Lookup answer_and_keep(const Question& question, fetch::Content content, FromImage&& from_image,
                                            FromTable&& from_table, Origin& origin) {
    const cache::Lookup lookup = find_answer(question, content, from_image, from_table, origin);
    stats::name_source(origin.kind);
    return lookup;
}

/// The same for an answer that is complete when from_image() comes back.
template <class FromImage, class FromTable>
void answer(const Question& question, fetch::Content content, FromImage&& from_image, FromTable&& from_table) {
    Origin origin;
    cache::Lookup lookup = answer_and_keep(question, content, from_image, from_table, origin);
    cache::done(lookup);
}

/// The same for a stream of rows: from_image(reader, rows) and from_table(leave_undone, rows, reading) say where they come from. `rows` stays
/// null where there are none; `reading` is what they stand in, and is ended with them, or here.
template <class FromImage, class FromTable>
OpenCall open_rows(const Question& question, fetch::Content content, FromImage&& from_image, FromTable&& from_table) {
    OpenCall call;
    call.tree = question.tree;
    fetch::Reading* reading = nullptr;
    cache::Lookup lookup = answer_and_keep(
        question, content, [&](const cache::ImageReader& reader) { return from_image(reader, call.rows); },
        [&](bool leave_undone) {
            reading = read(question, content, leave_undone);
            if (from_table(*reading, call.rows)) {
                return true;
            }
            fetch::end_reading(reading);
            reading = nullptr;
            call.rows = nullptr;
            return false;
        },
        call.origin);
    if (call.rows != nullptr) {
        call.rows->hold(lookup, reading);
        return call;
    }
    cache::done(lookup);
    if (reading != nullptr) {
        fetch::end_reading(reading);
    }
    return call;
}

}  // namespace pg_tree::scan
