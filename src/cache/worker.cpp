#include "cache/worker.h"

#include "cache/build.h"
#include "cache/entries.h"
#include "pg/compat.h"
#include "pg/error.h"
#include "registry/registration.h"
#include "stats/shared.h"

extern "C" {
#include "access/xact.h"
#include "access/xlog.h"
#include "commands/async.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procsignal.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/varlena.h"
}

#pragma GCC visibility push(default)
extern "C" {
[[noreturn]] void tree_worker_main(Datum argument);
void tree_builder_main(Datum argument);
}
#pragma GCC visibility pop

namespace pg_tree::cache {

namespace {

char* prewarm = nullptr;
char* alert_channel = nullptr;

struct Worker {
    pg_atomic_uint32 pid;
    pg_atomic_uint32 proc;  ///< number of its PGPROC and 1, or 0
};
Worker* worker = nullptr;

/// What a process with a database is to do there.
struct Order {
    enum class Task { build, prewarm, notify } task;
    Oid database;  ///< of a build
    union {
        char name[NAMEDATALEN];  ///< of the database to prewarm
        stats::Change change;    ///< to notify of
    };
};
static_assert(sizeof(Order) <= BGW_EXTRALEN);

void worker_gone(int, Datum) {
    pg_atomic_write_u32(&worker->proc, 0);
    pg_atomic_write_u32(&worker->pid, 0);
}

// --- The launcher ------------------------------------------------------------------------------------------------------------

Order order_for(Order::Task task, Oid database = InvalidOid) {
    Order order;
    memset(static_cast<void*>(&order), 0, sizeof order);
    order.task = task;
    order.database = database;
    return order;
}

bool run_builder(const Order& order);

/// The database and the channel of pg_tree.alert_channel, at its last colon; false: there is none, or it does not make sense.
bool split_alert_channel(char* setting, const char*& database, const char*& channel) {
    char* colon = strrchr(setting, ':');
    if (colon == nullptr || colon == setting || colon - setting >= NAMEDATALEN || colon[1] == '\0' ||
        strlen(colon + 1) >= NAMEDATALEN) {
        return false;
    }
    *colon = '\0';
    database = setting;
    channel = colon + 1;
    return true;
}

/// False: no worker was free.
bool notify_of(const stats::Change& change) {
    if (alert_channel[0] == '\0' || RecoveryInProgress()) {
        return true;
    }
    Order order = order_for(Order::Task::notify);
    order.change = change;
    return run_builder(order);
}

void reload_settings() {
    if (ConfigReloadPending) {
        ConfigReloadPending = false;
        ProcessConfigFile(PGC_SIGHUP);
    }
}

/// What has to be done on time, whatever else goes on. With `notify` the process may start another one and wait for it.
void keep_statistics(bool notify) {
    static List* pending = NIL;  // changes that nobody was notified of yet
    reload_settings();
    stats::Change changes[stats::target_count];
    const int count = stats::tick(bytes_in_use(), changes);
    for (int i = 0; i < count; ++i) {
        auto* change = static_cast<stats::Change*>(palloc(sizeof(stats::Change)));
        *change = changes[i];
        pending = lappend(pending, change);
    }
    static bool told = false;
    while (notify && pending != NIL) {
        auto* change = static_cast<stats::Change*>(linitial(pending));
        if (!notify_of(*change)) {
            if (!std::exchange(told, true)) {
                ereport(LOG, errmsg("pg_tree.alert_channel: no background worker is free to notify of an alert"),
                        errhint("Raise max_worker_processes. Until then it is tried again every ten seconds."));
            }
            break;
        }
        told = false;
        pending = list_delete_first(pending);
        pfree(change);
    }
}

/// Starts a process and waits until it is done; statistics go on meanwhile. False: there was no room for another worker.
bool run_builder(const Order& order) {
    BackgroundWorker builder = {};
    builder.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    builder.bgw_start_time = BgWorkerStart_RecoveryFinished;
    builder.bgw_restart_time = BGW_NEVER_RESTART;
    strlcpy(builder.bgw_library_name, "pg_tree", sizeof builder.bgw_library_name);
    strlcpy(builder.bgw_function_name, "tree_builder_main", sizeof builder.bgw_function_name);
    strlcpy(builder.bgw_name, "pg_tree builder", sizeof builder.bgw_name);
    strlcpy(builder.bgw_type, "pg_tree builder", sizeof builder.bgw_type);
    memcpy(builder.bgw_extra, &order, sizeof order);
    builder.bgw_notify_pid = MyProcPid;
    BackgroundWorkerHandle* handle;
    if (!RegisterDynamicBackgroundWorker(&builder, &handle)) {
        return false;
    }
    for (;;) {
        pid_t pid;
        const BgwHandleStatus status = GetBackgroundWorkerPid(handle, &pid);
        if (status == BGWH_STOPPED) {
            break;
        }
        (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | WL_TIMEOUT, stats::until_next_tick() + 1,
                        PG_WAIT_EXTENSION);
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
        keep_statistics(false);
    }
    pfree(handle);
    return true;
}

/// The database of some tree that is wanted, each in its turn, or InvalidOid.
Oid wanted_database() {
    static int last = 0;
    for (int i = 1; i <= track::max_watches; ++i) {
        const int place = (last + i) % track::max_watches;
        if (pg_atomic_read_u32(&entry_at(place).wanted) != 0) {
            last = place;
            return entry_at(place).database;
        }
    }
    return InvalidOid;
}

/// Whatever the builder did not get to (it could not connect) is not asked for again by itself.
void forget_wanted(Oid database) {
    for (int place = 0; place < track::max_watches; ++place) {
        if (entry_at(place).database == database) {
            pg_atomic_write_u32(&entry_at(place).wanted, 0);
        }
    }
}

/// `db.tree` or `db.schema.tree` is split at its first dot outside double quotes. Calls visit(database, tree).
template <class Visit>
void for_each_prewarm(const char* setting, Visit&& visit) {
    char* copy = pstrdup(setting);
    for (char* item = copy; item != nullptr && *item != '\0';) {
        char* end = item;
        char* dot = nullptr;
        bool quoted = false;
        for (; *end != '\0' && (quoted || *end != ','); ++end) {
            quoted = quoted != (*end == '"');
            if (*end == '.' && !quoted && dot == nullptr) {
                dot = end;
            }
        }
        char* next = *end == ',' ? end + 1 : nullptr;
        *end = '\0';
        while (*item == ' ') {
            ++item;
        }
        if (dot != nullptr) {
            *dot = '\0';
            List* name = NIL;
            char* database = pstrdup(item);
            if (SplitIdentifierString(database, '.', &name) && list_length(name) == 1) {
                visit(static_cast<const char*>(linitial(name)), static_cast<const char*>(dot + 1));
            } else {
                ereport(LOG, errmsg("pg_tree.prewarm: \"%s\" is not the name of a database", item));
            }
        } else if (*item != '\0') {
            ereport(LOG, errmsg("pg_tree.prewarm: \"%s\" names no tree", item),
                    errhint("Write database.tree or database.schema.tree, separated by commas."));
        }
        item = next;
    }
    pfree(copy);
}

void prewarm_databases() {
    List* done = NIL;
    for_each_prewarm(prewarm, [&](const char* database, const char*) {
        ListCell* cell;
        foreach (cell, done) {
            if (strcmp(static_cast<const char*>(lfirst(cell)), database) == 0) {
                return;
            }
        }
        done = lappend(done, pstrdup(database));
        Order order = order_for(Order::Task::prewarm);
        strlcpy(order.name, database, sizeof order.name);
        if (!run_builder(order)) {
            ereport(LOG, errmsg("pg_tree.prewarm: no background worker was free for database \"%s\"", database),
                    errhint("Raise max_worker_processes."));
        }
    });
}

/// Builds what is wanted, a database after the other. False: no worker was free.
bool build_wanted() {
    static bool told = false;
    for (Oid database = wanted_database(); OidIsValid(database); database = wanted_database()) {
        if (!run_builder(order_for(Order::Task::build, database))) {
            if (!std::exchange(told, true)) {
                ereport(LOG, errmsg("pg_tree: no background worker is free to build trees"),
                        errhint("Raise max_worker_processes. Until then it is tried again every second."));
            }
            return false;
        }
        told = false;
        forget_wanted(database);
        CHECK_FOR_INTERRUPTS();
    }
    return true;
}

// --- The builder -------------------------------------------------------------------------------------------------------------

struct Job {
    Oid trigger;       ///< the tree, or
    const char* name;  ///< its name
};

void build_one(void* argument) {
    const Job& job = *static_cast<Job*>(argument);
    const Oid function = registry::installed_track_function();
    if (!OidIsValid(function)) {
        return;
    }
    const registry::TreeUse use = job.name != nullptr
                                      ? registry::use_tree(function, job.name, CurrentMemoryContext)
                                      : registry::use_tree_of_trigger(function, job.trigger, CurrentMemoryContext);
    pgstat_report_activity(STATE_RUNNING, psprintf("building tree %s", use.tree->name));
    const BuildResult result = build_now(use);
    if (!result.built && (result.error != nullptr || result.obstacle != Bypass::none)) {
        ereport(LOG, errmsg("tree %s was not built: %s", use.tree->name,
                            result.error != nullptr ? result.error : bypass_name(result.obstacle)));
    }
}

void send_notification(void* argument) {
    const Order& order = *static_cast<Order*>(argument);
    const char* database;
    const char* channel;
    if (split_alert_channel(pstrdup(alert_channel), database, channel)) {
        Async_Notify(channel, stats::describe(order.change));
    }
}

/// In a transaction of its own; an error is logged and ends nothing but that.
void run_alone(void (*work)(void*), void* argument) {
    SetCurrentStatementStartTimestamp();
    StartTransactionCommand();
    PushActiveSnapshot(GetTransactionSnapshot());
    if (pg::runs_without_error(work, argument)) {
        PopActiveSnapshot();
        CommitTransactionCommand();
    } else {
        HOLD_INTERRUPTS();
        EmitErrorReport();
        FlushErrorState();
        AbortCurrentTransaction();
        RESUME_INTERRUPTS();
    }
    pgstat_report_activity(STATE_IDLE, nullptr);
}

void run_job(Job job) { run_alone(build_one, &job); }

void run_builder_process(Order& order) {
    if (order.task == Order::Task::notify) {
        run_alone(send_notification, &order);
        return;
    }
    if (order.task == Order::Task::prewarm) {
        for_each_prewarm(prewarm, [&](const char* database, const char* tree) {
            if (strcmp(database, order.name) == 0) {
                const MemoryContext context =
                    AllocSetContextCreate(TopMemoryContext, "pg_tree prewarm", ALLOCSET_SMALL_SIZES);
                run_job({InvalidOid, MemoryContextStrdup(context, tree)});
            }
        });
        return;
    }
    for (int place = 0; place < track::max_watches; ++place) {
        Entry& entry = entry_at(place);
        if (entry.database == MyDatabaseId && pg_atomic_exchange_u32(&entry.wanted, 0) != 0) {
            run_job({track::watched_tree(place).trigger, nullptr});
            CHECK_FOR_INTERRUPTS();
        }
    }
}

}  // namespace

void wake_worker() {
    const uint32 proc = pg_atomic_read_u32(&worker->proc);
    if (proc != 0) {
        SetLatch(&ProcGlobal->allProcs[proc - 1].procLatch);
    }
}

int worker_pid() { return worker == nullptr ? 0 : static_cast<int>(pg_atomic_read_u32(&worker->pid)); }

std::size_t worker_bytes() { return sizeof(Worker); }

void attach_worker(void* place, bool initialize) {
    worker = static_cast<Worker*>(place);
    if (initialize) {
        pg_atomic_init_u32(&worker->pid, 0);
        pg_atomic_init_u32(&worker->proc, 0);
    }
}

namespace {

bool check_alert_channel(char** value, void**, GucSource) {
    char copy[4 * NAMEDATALEN];
    const char* database;
    const char* channel;
    if (**value == '\0') {
        return true;
    }
    if (strlcpy(copy, *value, sizeof copy) >= sizeof copy || !split_alert_channel(copy, database, channel)) {
        GUC_check_errdetail("\"%s\" is not of the form database:channel, with names of at most 63 bytes.", *value);
        return false;
    }
    return true;
}

}  // namespace

void define_worker_settings() {
    DefineCustomStringVariable("pg_tree.prewarm", "Trees to build when the server starts: db.tree, db.schema.tree.",
                               nullptr, &prewarm, "", PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
    DefineCustomStringVariable("pg_tree.alert_channel", "Where to NOTIFY of alerts: database:channel.",
                               "The payload is JSON. Empty: nowhere.", &alert_channel, "", PGC_SIGHUP, 0,
                               check_alert_channel, nullptr, nullptr);
}

void register_worker() {
    BackgroundWorker launcher = {};
    launcher.bgw_flags = BGWORKER_SHMEM_ACCESS;
    launcher.bgw_start_time = BgWorkerStart_ConsistentState;  // statistics are kept on a standby too
    launcher.bgw_restart_time = 5;
    strlcpy(launcher.bgw_library_name, "pg_tree", sizeof launcher.bgw_library_name);
    strlcpy(launcher.bgw_function_name, "tree_worker_main", sizeof launcher.bgw_function_name);
    strlcpy(launcher.bgw_name, "pg_tree worker", sizeof launcher.bgw_name);
    strlcpy(launcher.bgw_type, "pg_tree worker", sizeof launcher.bgw_type);
    RegisterBackgroundWorker(&launcher);
}

}  // namespace pg_tree::cache

void tree_worker_main(Datum) {
    using namespace pg_tree::cache;
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    pqsignal(SIGTERM, die);
    // The postmaster's word that a builder has ended comes by this signal, which workers without a database ignore by default.
    pqsignal(SIGUSR1, procsignal_sigusr1_handler);
    BackgroundWorkerUnblockSignals();
    on_shmem_exit(worker_gone, 0);
    pg_atomic_write_u32(&worker->proc, pg_tree::pg::own_proc_number() + 1);
    pg_atomic_write_u32(&worker->pid, static_cast<uint32>(MyProcPid));
    bool prewarmed = false;
    for (;;) {
        keep_statistics(true);
        bool all_done = true;
        // On a standby nothing is built, and no other process could start.
        if (!RecoveryInProgress()) {
            if (!std::exchange(prewarmed, true)) {
                prewarm_databases();
            }
            all_done = build_wanted();
        }
        // Where no worker was free, it is tried again after a while.
        const long until_tick = pg_tree::stats::until_next_tick() + 1;
        (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | WL_TIMEOUT,
                        all_done ? until_tick : std::min(until_tick, 1000L), PG_WAIT_EXTENSION);
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
    }
}

void tree_builder_main(Datum) {
    using namespace pg_tree::cache;
    Order order;
    memcpy(&order, MyBgworkerEntry->bgw_extra, sizeof order);
    pqsignal(SIGTERM, die);
    BackgroundWorkerUnblockSignals();
    if (order.task == Order::Task::notify) {
        const char* database;
        const char* channel;
        char* setting = pstrdup(alert_channel);
        if (!split_alert_channel(setting, database, channel)) {
            return;
        }
        BackgroundWorkerInitializeConnection(database, nullptr, 0);
    } else if (order.task == Order::Task::prewarm) {
        BackgroundWorkerInitializeConnection(order.name, nullptr, 0);
    } else {
        BackgroundWorkerInitializeConnectionByOid(order.database, InvalidOid, 0);
    }
    // Somebody who keeps a table locked must not keep the others' trees from being built.
    SetConfigOption("lock_timeout", "1s", PGC_SUSET, PGC_S_OVERRIDE);
    run_builder_process(order);
}
