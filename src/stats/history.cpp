#include "stats/history.h"

#include "pg/lock.h"

extern "C" {
#include "utils/timestamp.h"
}

namespace pg_tree::stats {

namespace {

constexpr std::int64_t slice_us = std::int64_t{slice_seconds} * USECS_PER_SEC;
constexpr std::int64_t minute_us = USECS_PER_MINUTE;

struct History {
    /// Protects all of it. Taken before the trees' lock.
    LWLock lock;
    bool running;        ///< the minute that is open was seen from its beginning, or from the server's start
    std::int64_t slice;  ///< that is open: slices since the epoch
    std::int64_t minute;
    Totals at_slice;  ///< when it was opened
    Totals at_minute;
    Totals carried;           ///< what else is to be counted in the open minute
    std::int64_t slices_end;  ///< how many have ever been closed
    std::int64_t minutes_end;
    Totals slices[slices_kept];
    Minute minutes[minutes_kept];
};
History* history = nullptr;

Totals since(const Totals& now, const Totals& then) {
    return {now.calls.since(then.calls), now.responses.since(then.responses)};
}

std::int64_t floor_to(TimestampTz time, std::int64_t unit) { return time / unit - (time % unit < 0 ? 1 : 0); }

void add_slice(const Totals& counted) { history->slices[history->slices_end++ % slices_kept] = counted; }

Minute& minute_at(std::int64_t number) { return history->minutes[number % minutes_kept]; }

void add_minute(std::int64_t minute, const Totals& counted, std::uint64_t cache_bytes) {
    minute_at(history->minutes_end++) = {minute * minute_us, counted, cache_bytes};
}

void add(Totals& to, const Totals& more) {
    to.calls.add(more.calls);
    to.responses.add(more.responses);
}

void close_minute(const Totals& totals, std::uint64_t cache_bytes) {
    Totals counted = since(totals, history->at_minute);
    add(counted, history->carried);
    add_minute(history->minute, counted, cache_bytes);
    history->at_minute = totals;
    history->carried = {};
}

/// The clock was put back: what was counted in minutes that are yet to come is counted in the one that is open.
void take_back_minutes(std::int64_t minute) {
    while (history->minutes_end > 0 && minute_at(history->minutes_end - 1).begin >= minute * minute_us) {
        // Of those that the ring has lost there is nothing left to be taken back.
        add(history->carried, minute_at(--history->minutes_end).counted);
        minute_at(history->minutes_end) = {};
    }
    history->minute = minute;
}

/// What is saved: what is open, and the minutes from the oldest on.
struct SavedHead {
    std::int64_t minute;
    Totals at_minute;
    Totals carried;
    std::uint64_t count;
};

}  // namespace

std::size_t history_bytes() { return sizeof(History); }

void attach_history(void* place, bool initialize) {
    history = static_cast<History*>(place);
    if (!initialize) {
        return;
    }
    memset(static_cast<void*>(place), 0, sizeof(History));
    pg::create_lock(history->lock, "PgTreeHistory");
}

bool close_slices(TimestampTz now, std::uint64_t cache_bytes) {
    LWLockAcquire(&history->lock, LW_EXCLUSIVE);
    const std::int64_t slice = floor_to(now, slice_us);
    const std::int64_t minute = floor_to(now, minute_us);
    const bool first = !history->running;
    const bool is_over = first || slice != history->slice;
    if (is_over) {
        const Totals totals = read_totals(now);
        if (first) {
            history->slice = slice;
            history->at_slice = totals;
            if (history->minute == 0) {  // there was no earlier server that left one open
                history->minute = minute;
                history->at_minute = totals;
            }
            history->running = true;
        }
        if (slice > history->slice) {
            add_slice(since(totals, history->at_slice));
            for (std::int64_t i = std::max(history->slice + 1, slice - slices_kept); i < slice; ++i) {
                add_slice({});
            }
            history->at_slice = totals;
        }
        history->slice = slice;  // which is longer than others when the clock was put back
        if (minute < history->minute) {
            take_back_minutes(minute);
        }
        if (minute > history->minute) {
            close_minute(totals, cache_bytes);
            // While no server ran there are no minutes.
            for (std::int64_t i = std::max(history->minute + 1, minute - minutes_kept); !first && i < minute; ++i) {
                add_minute(i, {}, cache_bytes);
            }
            history->minute = minute;
        }
    }
    LWLockRelease(&history->lock);
    return is_over;
}

Totals counted_lately(int seconds, TimestampTz now) {
    LWLockAcquire(&history->lock, LW_SHARED);
    Totals sum = {};
    if (history->running) {
        sum = since(read_totals(now), history->at_slice);
        const std::int64_t wanted = (seconds + slice_seconds - 1) / slice_seconds;
        const std::int64_t first =
            std::max<std::int64_t>(history->slices_end - std::min<std::int64_t>(wanted, slices_kept), 0);
        for (std::int64_t i = first; i < history->slices_end; ++i) {
            add(sum, history->slices[i % slices_kept]);
        }
    }
    LWLockRelease(&history->lock);
    return sum;
}

std::span<const Minute> read_minutes() {
    if (history == nullptr) {
        return {};
    }
    auto* found = static_cast<Minute*>(palloc(sizeof history->minutes));
    LWLockAcquire(&history->lock, LW_SHARED);
    const std::int64_t count = std::min<std::int64_t>(history->minutes_end, minutes_kept);
    for (std::int64_t i = 0; i < count; ++i) {
        found[i] = minute_at(history->minutes_end - 1 - i);
    }
    LWLockRelease(&history->lock);
    return {found, static_cast<std::size_t>(count)};
}

void forget_history() {
    LWLockAcquire(&history->lock, LW_EXCLUSIVE);
    history->slices_end = history->minutes_end = 0;
    if (history->running) {
        history->at_slice = history->at_minute = read_totals(GetCurrentTimestamp());
        history->carried = {};
    }
    LWLockRelease(&history->lock);
}

void save_history(StringInfo out) {
    enlargeStringInfo(out, static_cast<int>(sizeof(SavedHead) + minutes_kept * sizeof(Minute)));
    pg::lock_for_saving(history->lock);
    const std::int64_t count = std::min<std::int64_t>(history->minutes_end, minutes_kept);
    const SavedHead head = {history->minute, history->at_minute, history->carried, static_cast<std::uint64_t>(count)};
    appendBinaryStringInfo(out, reinterpret_cast<const char*>(&head), sizeof head);
    for (std::int64_t i = history->minutes_end - count; i < history->minutes_end; ++i) {
        appendBinaryStringInfo(out, reinterpret_cast<const char*>(&history->minutes[i % minutes_kept]), sizeof(Minute));
    }
    pg::unlock_for_saving(history->lock);
}

bool restore_history(const char* data, std::size_t size) {
    SavedHead head;
    if (size < sizeof head) {
        return false;
    }
    memcpy(&head, data, sizeof head);
    if (head.count > minutes_kept || size != sizeof head + head.count * sizeof(Minute)) {
        return false;
    }
    history->minute = head.minute;
    history->at_minute = head.at_minute;
    history->carried = head.carried;
    history->minutes_end = static_cast<std::int64_t>(head.count);
    memcpy(static_cast<void*>(history->minutes), data + sizeof head, head.count * sizeof(Minute));
    return true;
}

}  // namespace pg_tree::stats
