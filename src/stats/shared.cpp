// The file is a head and one part for each kind of statistics, in the order below. It is for the server that wrote it: one that does not fit
// in every detail is put aside.

#include "stats/shared.h"

#include "stats/clock.h"
#include "stats/recursive.h"
#include "stats/slow.h"

extern "C" {
#include "access/xlog.h"
#include "port/pg_crc32c.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "utils/timestamp.h"
}

namespace pg_tree::stats {

namespace {

constexpr const char* file_name = "pg_stat/pg_tree.stats";
constexpr const char* new_file_name = "pg_stat/pg_tree.stats.new";
/// Where one goes that cannot be read.
constexpr const char* bad_file_name = "pg_stat/pg_tree.stats.bad";
constexpr std::uint64_t magic = 0x7067'7472'6565'0001;
/// No file of ours is as large.
constexpr std::size_t max_file_bytes = 64 * 1024 * 1024;

struct Saved {
    pg_atomic_uint64 at;
};
Saved* saved = nullptr;

struct Part {
    std::size_t (*bytes)();
    void (*attach)(void* place, bool initialize);
    void (*save)(StringInfo out);
    bool (*restore)(const char* data, std::size_t size);
};
constexpr Part parts[] = {
    {trees_bytes, attach_trees, save_trees, restore_trees},
    {slow_bytes, attach_slow, save_slow, restore_slow},
    {history_bytes, attach_history, save_history, restore_history},
    {alerts_bytes, attach_alerts, save_alerts, restore_alerts},
    {recursive_bytes, attach_recursive, save_recursive, restore_recursive},
    {clock_bytes, attach_clock, save_clock, restore_clock},
};
Elsewhere elsewhere = {};
/// The last part of the file is what is elsewhere.
constexpr std::size_t part_count = std::size(parts) + 1;

struct Head {
    std::uint64_t magic;
    std::uint64_t sizes[part_count];
    pg_crc32c checksum;  ///< of all that follows
};

std::size_t align(std::size_t bytes) { return TYPEALIGN(PG_CACHE_LINE_SIZE, bytes); }

pg_crc32c checksum_of(const char* data, std::size_t size) {
    pg_crc32c checksum;
    INIT_CRC32C(checksum);
    COMP_CRC32C(checksum, data, size);
    FIN_CRC32C(checksum);
    return checksum;
}

bool write_file(const StringInfoData& text) {
    FILE* file = AllocateFile(new_file_name, PG_BINARY_W);
    if (file == nullptr) {
        return false;
    }
    const bool written =
        fwrite(text.data, 1, static_cast<std::size_t>(text.len), file) == static_cast<std::size_t>(text.len);
    // Not forced to disc: a checksum tells a file that a power cut has left half written.
    return FreeFile(file) == 0 && written && rename(new_file_name, file_name) == 0;
}

/// Before the next save takes its place.
void put_file_aside() {
    if (rename(file_name, bad_file_name) == 0) {
        ereport(LOG, errmsg("the file was renamed to \"%s\"", bad_file_name));
    }
}

/// The file's text, or false when there is none.
bool read_file(StringInfoData& text) {
    FILE* file = AllocateFile(file_name, PG_BINARY_R);
    if (file == nullptr) {
        if (errno != ENOENT) {
            ereport(LOG, errcode_for_file_access(),
                    errmsg("could not read statistics of pg_tree from \"%s\": %m", file_name));
            put_file_aside();
        }
        return false;
    }
    char block[8192];
    std::size_t got;
    while ((got = fread(block, 1, sizeof block, file)) > 0 && static_cast<std::size_t>(text.len) < max_file_bytes) {
        appendBinaryStringInfo(&text, block, static_cast<int>(got));
    }
    FreeFile(file);
    return true;
}

bool restore_from(const StringInfoData& text) {
    Head head;
    if (static_cast<std::size_t>(text.len) < sizeof head) {
        return false;
    }
    memcpy(&head, text.data, sizeof head);
    const char* data = text.data + sizeof head;
    const std::size_t size = static_cast<std::size_t>(text.len) - sizeof head;
    std::uint64_t sum = 0;
    for (const std::uint64_t part : head.sizes) {
        if (part > max_file_bytes) {
            return false;
        }
        sum += part;
    }
    if (head.magic != magic || sum != size || head.checksum != checksum_of(data, size)) {
        return false;
    }
    for (std::size_t i = 0; i < std::size(parts); ++i) {
        if (!parts[i].restore(data, head.sizes[i])) {
            return false;
        }
        data += head.sizes[i];
    }
    return elsewhere.restore(data, head.sizes[part_count - 1]);
}

void attach_parts(char* place, bool initialize) {
    for (const Part& part : parts) {
        part.attach(place, initialize);
        place += align(part.bytes());
    }
}

void restore(char* place) {
    if (access(BACKUP_LABEL_FILE, F_OK) == 0) {
        return;  // what a base backup brought along was counted by another server
    }
    StringInfoData text;
    initStringInfo(&text);
    if (read_file(text) && !restore_from(text)) {
        ereport(LOG, errmsg("statistics of pg_tree in \"%s\" are of another version or damaged, and are not read",
                            file_name));
        put_file_aside();
        // A part may have been read. What is elsewhere is the last, and takes nothing of what does not fit.
        attach_parts(place, true);
    }
    pfree(text.data);
}

/// In the postmaster, when every other process has ended. After an immediate shutdown somebody may have been in the middle of something; counters are
/// single words, and the rest is checked when it is read.
void save_at_shutdown(int code, Datum) {
    if (code == 0) {
        save();
    }
}

}  // namespace

std::size_t shared_bytes() {
    std::size_t bytes = align(sizeof(Saved));
    for (const Part& part : parts) {
        bytes += align(part.bytes());
    }
    return bytes;
}

void attach_shared(void* place, bool initialize, Elsewhere cache) {
    elsewhere = cache;
    saved = static_cast<Saved*>(place);
    char* first = static_cast<char*>(place) + align(sizeof(Saved));
    if (initialize) {
        pg_atomic_init_u64(&saved->at, 0);
    }
    attach_parts(first, initialize);
    if (initialize) {
        restore(first);
    }
    if (!IsUnderPostmaster) {
        on_shmem_exit(save_at_shutdown, Datum{0});
    }
}

void save() {
    StringInfoData text;
    initStringInfo(&text);
    Head head = {};
    head.magic = magic;
    appendBinaryStringInfo(&text, reinterpret_cast<const char*>(&head), sizeof head);
    for (std::size_t i = 0; i < part_count; ++i) {
        const int before = text.len;
        (i < std::size(parts) ? parts[i].save : elsewhere.save)(&text);
        head.sizes[i] = static_cast<std::uint64_t>(text.len - before);
    }
    head.checksum = checksum_of(text.data + sizeof head, static_cast<std::size_t>(text.len) - sizeof head);
    memcpy(text.data, &head, sizeof head);
    if (write_file(text)) {
        pg_atomic_write_u64(&saved->at, static_cast<uint64>(now()));
    } else {
        ereport(LOG, errcode_for_file_access(),
                errmsg("could not save statistics of pg_tree to \"%s\": %m", file_name));
        unlink(new_file_name);
    }
    pfree(text.data);
}

TimestampTz last_saved() { return saved == nullptr ? 0 : static_cast<TimestampTz>(pg_atomic_read_u64(&saved->at)); }

int tick(std::uint64_t cache_bytes, Change (&changes)[target_count]) {
    // Whoever calls may live for years in the memory it is in.
    const MemoryContext context =
        AllocSetContextCreate(CurrentMemoryContext, "pg_tree statistics", ALLOCSET_DEFAULT_SIZES);
    const MemoryContext caller = MemoryContextSwitchTo(context);
    const TimestampTz at = now();
    const int changed = close_slices(at, cache_bytes) ? look_at_targets(at, changes) : 0;
    // A minute at most is lost with a process that is killed.
    // Also when the clock was put back.
    if (changed > 0 || at < last_saved() || TimestampDifferenceExceeds(last_saved(), at, 50 * 1000)) {
        save();
    }
    MemoryContextSwitchTo(caller);
    MemoryContextDelete(context);
    return changed;
}

long until_next_tick() {
    const std::int64_t slice_ms = std::int64_t{slice_seconds} * 1000;
    const std::int64_t into_slice = now() / 1000 % slice_ms;
    return static_cast<long>(slice_ms - (into_slice < 0 ? into_slice + slice_ms : into_slice));
}

void forget_database(Oid database) {
    if (can_count()) {
        forget_trees_of(database);
        forget_recursive_of(database);
        forget_slow_of(database);
    }
}

TimestampTz reset_all() {
    const TimestampTz at = GetCurrentTimestamp();
    reset_trees(InvalidOid, at);
    forget_slow();
    forget_history();
    forget_alerts();
    forget_recursive();
    return at;
}

TimestampTz reset_tree(Oid trigger) {
    const TimestampTz at = GetCurrentTimestamp();
    reset_trees(trigger, at);
    return at;
}

}  // namespace pg_tree::stats
