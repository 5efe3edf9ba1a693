/*
 * The rule of exactness as a model for spin. test/model/check runs it; test/model/README.md says how to read what comes out.
 *
 * What is asserted: whenever a reader takes an image, the transactions whose changes are in the image are those whose changes
 * the reader's own snapshot shows. An image may be refused for any reason; it may never be wrong.
 *
 * Who takes part: four transactions, that is three writers and the builder's own; two readers, one with a snapshot of now and
 * one with an old one; a builder; and a keeper, which begins watches, seals them anew, drops them and evicts images, whenever and
 * as often as it likes. Between two steps of one of them all others may take theirs. A step (d_step) is what a lock of the
 * server or of the watch makes indivisible, or what nobody else can see in parts.
 *
 * A condition is left out by defining WITHOUT_<condition>; spin must then find a counterexample. REACH_<situation> turns the
 * question round: spin must then find a reader that takes an image in that situation, for otherwise the rule might hold only
 * because nobody is ever served.
 */

/* --- Sets of transactions -------------------------------------------------------------------------------------------------
 *
 * A set is a mask. Ids are given out in the order 1, 2, 4, 8: all transactions run the same program, so which of them
 * comes first is a matter of names only.
 */
#ifndef TRANSACTIONS
#define TRANSACTIONS 4
#endif
#define ALL 15

#define has(set, x)     (((set) & (x)) != 0)
#define without(set, x) ((set) & ~(x))
/* Every id up to the highest one of the set. */
#define up_to(set)      ((set) | ((set) >> 1) | ((set) >> 2) | ((set) >> 3))

/* For whoever reads a counterexample: transactions by number, 0 for a session without an id; and a set, as in "12-4". */
#define number(x)        ((x) - ((x) > 2 -> 1 : 0) - ((x) > 4 -> 3 : 0))
#define digit(set, x, c) (has(set, x) -> c : '-')
#define print(set) \
    printf("%c%c%c%c", digit(set, 1, '1'), digit(set, 2, '2'), digit(set, 4, '3'), digit(set, 8, '4'))

/* --- The server ----------------------------------------------------------------------------------------------------------- */

byte assigned;         /* have an id: the first so many. The next id (nextXid) is the one after them */
byte finished;         /* have left the ProcArray */
byte committed;        /* as the commit log has it */
byte changed;          /* have changed rows of the tree. Who aborts is taken out, for nobody can see the rows any more */
byte pending;          /* have changed rows whose AFTER trigger has not fired yet (AfterTriggerPendingOnRel) */
byte writing;          /* hold the table's RowExclusiveLock */
byte altering;         /* holds its ShareRowExclusiveLock, which excludes the former; 0: nobody */
byte switched_off;     /* has disabled the row trigger and not enabled it again itself; 0: nobody */
byte switched_on;      /* has enabled it after that one; 0: nobody */

#define is_running(x) (has(assigned, x) && !has(finished, x))

/*
 * A snapshot is the set of the transactions that it shows finished. The server keeps xmax, one more than the latest finished
 * id, and xip, the unfinished ids below xmax. The set says the same: its highest id is the one before xmax, what is missing below
 * that is xip, and whatever comes from xmax on is unfinished. A transaction's own id is never in its xip, so a snapshot as its
 * taker has it shows that id finished if it lies below xmax.
 */
#define xip(snapshot)              (up_to(snapshot) & ~(snapshot))
#define as_taken_by(own, snapshot) ((snapshot) | ((own) & up_to(snapshot)))

/*
 * Every snapshot that anybody can be holding: what was finished when the first n transactions were. Holding one changes nothing,
 * so a session that does needs no state of its own. One that took its snapshot long ago (REPEATABLE READ, a cursor, a slow
 * statement) picks an earlier moment, one that takes it now the last.
 */
byte moments;
byte moment[5];

/*
 * What a snapshot shows of the tree: what others committed and it shows finished, and all own changes. (A cursor opened before an own
 * change does not show that; but then the reader has an own change, which keeps it from the image anyway.)
 */
#define visible(own, snapshot) (changed & ((committed & (snapshot)) | (own)))

/* What a snapshot shows in pg_trigger: is the trigger ALWAYS? */
#define is_on_for(snapshot) (!has(switched_off, committed & (snapshot)) || has(switched_on, committed & (snapshot)))

/* Does the trigger fire for what x changes? Its relation cache is right, for it got its lock after whoever altered the table. */
#define fires_for(x) (switched_off != (x) && (switched_on == (x) || is_on_for(finished)))

/* --- Shared memory -------------------------------------------------------------------------------------------------------- */

mtype = { none, starting, sealed };

mtype watch = none;    /* `sealed` is active, which means something else to spin. What is void notes and serves as little as none */
byte noted;            /* the writers noted since the seal began */
byte z;                /* the seal's snapshot Z */
byte below_n;          /* the ids below N */

bit published;         /* there is an image */
byte s0;               /* its snapshot S0, as it is stored */
byte contents;         /* whose changes are in it */

bit building;          /* the builder is past its checks; what it is about to publish: */
byte builder_id;       /* whose session that is; 0: one without an id */
byte new_s0;
byte new_contents;

#ifdef WITHOUT_statement_count
bit unchanged;         /* no note was made since the image was published */
#endif

/* --- The rule -------------------------------------------------------------------------------------------------------------
 *
 * The noted writers are those of the list, and what was in progress in Z and has an id below N.
 */
#if defined(WITHOUT_seal_running)
#define writers noted
#elif defined(WITHOUT_next_xid)
#define writers (noted | xip(z))
#else
#define writers (noted | without(below_n, z))
#endif

/* Condition 1: of every noted writer both snapshots show the same, or it did not commit. */
#if defined(WITHOUT_same_writers)
#define same_writers(snapshot) true
#elif defined(WITHOUT_statement_count)
#define same_writers(snapshot) unchanged
#else
#define same_writers(snapshot) !has(writers, ((snapshot) ^ s0) & committed)
#endif

/*
 * Condition 2: Z.xmax <= xmax, and what is in progress below Z.xmax was so in Z. For S0 that is looked at when the build begins;
 * it stays true, for the image is only published and only taken under the same seal.
 */
#define at_or_after_z(snapshot) \
    (without(up_to(z), up_to(snapshot)) == 0 && without(xip(snapshot) & up_to(z), xip(z)) == 0)
#if defined(WITHOUT_known_to_watch) || defined(WITHOUT_reader_known)
#define reader_known(snapshot) true
#else
#define reader_known(snapshot) at_or_after_z(snapshot)
#endif
#if defined(WITHOUT_known_to_watch) || defined(WITHOUT_image_known)
#define image_known(snapshot) true
#else
#define image_known(snapshot) at_or_after_z(snapshot)
#endif

/* Condition 3: no own change. */
#ifdef WITHOUT_own_change
#define is_noted(own) false
#else
#define is_noted(own) has(writers, own)
#endif
#ifdef WITHOUT_pending
#define is_pending(own) false
#else
#define is_pending(own) has(pending, own)
#endif

/*
 * Condition 4, as far as triggers go: by the relation cache the trigger is ALWAYS. How late that cache may be is left open altogether:
 * commits are visible before their invalidation messages come, and who holds AccessShareLock already need not look for any.
 * Only who has written himself knows for certain, by the stronger lock that this took.
 */
#ifdef WITHOUT_triggers
#define trigger_in_cache(own) true
#else
#define trigger_in_cache(own) (!has(writing, own) || fires_for(own))
#endif

/* An image is built only with a snapshot that shows the trigger ALWAYS itself. */
#ifdef WITHOUT_s0_triggers
#define trigger_for_s0(snapshot) true
#else
#define trigger_for_s0(snapshot) is_on_for(snapshot)
#endif

/*
 * Is it needed to read pg_trigger with S0? Where that is left out, all that could stand in for it is granted: a relation cache that is
 * late only between a commit and its messages, which come before the locks are released; a Z that shows the trigger ALWAYS;
 * and publishing only if S0 shows finished every noted writer that has committed.
 */
#ifdef WITHOUT_s0_triggers
bit cached_off;        /* the trigger, as the messages have told it */
#define cache_allows               (!cached_off || is_on_for(finished))
#define may_replace                (!has(writers & committed, ALL & ~new_s0))
#else
#define cache_allows               true
#define may_replace                true
#endif

/* --- Situations to be reached ---------------------------------------------------------------------------------------------
 *
 * Each is one in which a reader takes an image. For some of them something is remembered that the protocol forgets.
 */
#if defined(REACH_new_reader)           /* with a snapshot of now, and there are changes to see */
#define REACHED (reader_s == finished && contents != 0)
#elif defined(REACH_old_reader)         /* with a snapshot that is too old for what has been committed */
#define REACHED (own == 0 && has(changed & committed, ALL & ~reader_s))
#elif defined(REACH_aborted_writer)     /* the two snapshots differ about a writer, which has aborted */
#define REACHED (has(noted & without(finished, committed), reader_s ^ s0) && contents != 0)
#elif defined(REACH_reader_with_id)     /* in a transaction that has an id, but no change of the tree */
#define REACHED (own != 0 && contents != 0)
#elif defined(REACH_writer_noted)       /* a writer that has been noted is still running */
#define REACHED (has(noted & changed & ~finished, ALL) && contents != 0)
#elif defined(REACH_writer_pending)     /* a writer has changed a row, and its trigger has not fired */
#define REACHED (pending != 0 && contents != 0)
#elif defined(REACH_running_in_z)       /* the image shows changes of what was in progress in Z */
#define REACHED has(contents, without(below_n, z))
#elif defined(REACH_above_z)            /* the same, of what had an id from Z.xmax on */
#define REACHED has(contents, without(below_n, up_to(z)))
#elif defined(REACH_forgotten_writer)   /* the image shows a writer that was noted once and is forgotten */
byte ever_noted;
#define REACHED has(contents, ever_noted & z)
#elif defined(REACH_builder_with_id)    /* the builder's transaction has changed the tree since */
byte built_by;
#define REACHED (has(changed & noted & ~finished, built_by) && contents != 0)
#elif defined(REACH_builder_committed)  /* the same, and has committed */
byte built_by;
#define REACHED (has(changed & committed, built_by) && contents != 0)
#elif defined(REACH_unnoted_rows)       /* the image shows rows changed while the trigger was off */
#define REACHED has(contents, ALL & ~(noted | below_n))
#endif

#ifdef REACH_forgotten_writer
#define remember_note(x) ever_noted = ever_noted | (x);
#else
#define remember_note(x)
#endif
#if defined(REACH_builder_with_id) || defined(REACH_builder_committed)
#define remember_builder() built_by = builder_id;
#else
#define remember_builder()
#endif

/* --- Transactions ---------------------------------------------------------------------------------------------------------
 *
 * Any of them may write, have no part in the tree at all, alter the trigger, read (the readers choose whose session they are) and
 * build. They may begin before a watch does, and end or fail at any moment.
 */

/*
 * What the trigger does, and object_access_hook. Not shown is a list that overflows: the watch is void from then on, which is what
 * the keeper may make it at any moment anyhow. Nor is a second change by the same transaction: it is not noted again, for its id is in
 * the list still, or was in progress in a Z since then.
 */
inline note(x) {
    if
#ifdef WITHOUT_starting
    :: watch == sealed
#else
    :: watch != none
#endif
        -> noted = noted | x;
        remember_note(x)
#ifdef WITHOUT_statement_count
        unchanged = 0
#endif
    :: else
    fi
}

inline note_ddl(x) {
#ifdef WITHOUT_ddl
    skip
#else
    note(x)
#endif
}

/*
 * The end, as snapshots see it. The commit log is written a little earlier, but nobody asks it about who is in the ProcArray still.
 * Locks go later, which to those who wait for one is a matter of time only.
 */
inline finish(x) {
    finished = finished | x;
    moments++;
    moment[moments] = finished;
    writing = without(writing, x);
#ifndef WITHOUT_s0_triggers
    altering = (altering == x -> 0 : altering);
#endif
}

#ifdef WITHOUT_note_before_commit
#define may_note(x)   has(finished, x)
#define may_commit(x) true
#else
#define may_note(x)   true
#define may_commit(x) !has(pending, x)
#endif

/*
 * Who has done nothing here always aborts: a commit would differ in nothing but that more images are refused because of it. That
 * spares two states of three; BYSTANDERS_COMMIT goes through them all the same.
 */
#ifdef BYSTANDERS_COMMIT
#define has_something_to_commit(x) true
#else
#define has_something_to_commit(x) (has(changed, x) || switched_off == x || switched_on == x)
#endif

/* A session that builds does nothing else meanwhile. */
#define may_act(x) (is_running(x) && builder_id != (x))

proctype Transaction(byte x) {
    d_step {
        assigned == x - 1 ->
        assigned = assigned | x;
        printf("transaction %d gets its id\n", number(x))
    }
    do
    /* A row. The rows that it changes while the trigger is off are not noted by anybody. */
    :: d_step {
        may_act(x) && !has(changed, x) && (altering == 0 || altering == x) ->
        changed = changed | x;
        writing = writing | x;
        pending = (fires_for(x) -> pending | x : pending);
        printf("transaction %d changes a row; trigger pending: %d\n", number(x), has(pending, x))
    }
    :: d_step {
        has(pending, x) && may_note(x) && builder_id != x ->
        note(x);
        pending = without(pending, x);
        printf("transaction %d: the trigger fires; noted: ", number(x));
        print(noted); printf("\n")
    }
    /* ALTER TABLE ... DISABLE TRIGGER; the server refuses it while trigger events are pending. */
    :: d_step {
        may_act(x) && altering == 0 && without(writing, x) == 0 && !has(pending, x) && switched_off == 0 ->
        altering = x;
        switched_off = x;
        note_ddl(x);
        printf("transaction %d disables the trigger; noted: ", number(x));
        print(noted); printf("\n")
    }
    /* ... ENABLE ALWAYS TRIGGER, in the same transaction or, when that has committed, in another. */
    :: d_step {
        may_act(x) && !has(pending, x) &&
            (switched_off == x ||
             (altering == 0 && without(writing, x) == 0 && has(committed, switched_off) && switched_on == 0)) ->
        altering = x;
        if
        :: switched_off == x -> switched_off = 0
        :: else -> switched_on = x
        fi;
        note_ddl(x);
        printf("transaction %d enables the trigger; noted: ", number(x));
        print(noted); printf("\n")
    }
    /* The end. */
    :: d_step {
        may_act(x) && may_commit(x) && has_something_to_commit(x) ->
        committed = committed | x;
        finish(x);
        printf("transaction %d commits\n", number(x))
    }
    :: d_step {
        may_act(x) ->
        changed = without(changed, x);
        pending = without(pending, x);
        switched_off = (switched_off == x -> 0 : switched_off);
        switched_on = (switched_on == x -> 0 : switched_on);
        finish(x);
        printf("transaction %d aborts\n", number(x))
    }
#ifdef WITHOUT_s0_triggers
    :: d_step {
        altering == x && has(finished, x) ->
        altering = 0;
        cached_off = !is_on_for(finished);
        printf("transaction %d: invalidation messages are sent and locks released\n", number(x))
    }
#endif
    od
}

/* --- The keeper -----------------------------------------------------------------------------------------------------------
 *
 * Whoever seals does it alone (the builder's lock), but for others who evict or drop. A session that fails in the middle leaves
 * the watch starting, and the next begins again.
 */
mtype = { idle, begun, z_taken, n_read };

#if defined(WITHOUT_still_starting)
#define still_starting true
#elif defined(WITHOUT_s0_triggers)
#define still_starting (watch == starting && is_on_for(z))
#else
#define still_starting (watch == starting)
#endif

inline take_image_away() {
    published = 0;
    s0 = 0;
    contents = 0
}

inline give_up_build() {
    building = 0;
    builder_id = 0;
    new_s0 = 0;
    new_contents = 0
}

/*
 * An image is of no use under another seal than that which it was published under. What was begun under a seal that has gone is not
 * published any more, so it is as good as given up.
 */
inline end_seal() {
    noted = 0;
#ifndef WITHOUT_image_seal
    take_image_away();
#endif
#ifndef WITHOUT_same_seal
    give_up_build()
#endif
}

/*
 * Z as its taker has it, which may have an id itself. Adding that id to Z's xip, which makes Z what a session without an id would have
 * taken, keeps images from being refused until the taker ends; for exactness it is not needed. Only where S0 is stored
 * without the builder's own id is Z always taken with it, so that a counterexample does not rest on both.
 */
#define take_z(own) \
    :: d_step { \
        step == begun && (own == 0 || is_running(own)) -> \
        z = as_taken_by(own, finished); \
        step = z_taken; \
        printf("keeper: transaction %d takes Z; it shows finished: ", number(own)); \
        print(z); printf("\n") \
    }

active proctype Keeper() {
    mtype step = idle;
    do
    :: d_step {
        watch = starting;
        end_seal();
        z = 0;
        below_n = 0;
        step = begun;
        printf("keeper: a seal begins\n")
    }
    take_z(0)
#ifndef WITHOUT_own_xid
    take_z(1)
    take_z(2)
    take_z(4)
    take_z(8)
#endif
    :: d_step {
        step == z_taken ->
        below_n = assigned;
        step = n_read;
        printf("keeper: reads N; ids below: ");
        print(below_n); printf("\n")
    }
    :: d_step {
        step == n_read ->
        step = idle;
        if
        :: still_starting ->
            watch = sealed;
            printf("keeper: the watch is active\n")
        :: else ->
            z = 0;
            below_n = 0;
            printf("keeper: the seal comes to nothing\n")
        fi
    }
    :: d_step {
        watch != none ->
        watch = none;
        end_seal();
        z = (step == idle -> 0 : z);
        below_n = (step == idle -> 0 : below_n);
        printf("keeper: the watch is dropped\n")
    }
    :: d_step {
        published ->
        take_image_away();
        printf("keeper: the image is evicted\n")
    }
    od
}

/* --- The builder ----------------------------------------------------------------------------------------------------------
 *
 * It may be a session without an id or any of the transactions. What it reads is given by its snapshot and its own changes, of
 * which there are none, so when it reads does not matter.
 *
 * Nothing here keeps an old snapshot's image from replacing a newer one: that is a matter of use, not of exactness.
 */
#ifdef WITHOUT_builder_own_change
#define builder_may(own)           true
#else
#define builder_may(own)           (!is_noted(own) && !is_pending(own))
#endif

/* S0 as its taker has it shows the own id finished if it lies below xmax; with the id added to its xip it is what others see. */
#ifdef WITHOUT_own_xid
#define stored_s0(own, snapshot)   as_taken_by(own, snapshot)
#else
#define stored_s0(own, snapshot)   (snapshot)
#endif

#ifdef WITHOUT_read_write
#define contents_of(own, snapshot) visible(own, finished)
#else
#define contents_of(own, snapshot) visible(own, snapshot)
#endif

#define build(own, n) \
    :: d_step { \
        !building && watch == sealed && n <= moments && (own == 0 || is_running(own)) && \
            image_known(stored_s0(own, moment[n])) && builder_may(own) && \
            trigger_in_cache(own) && cache_allows && trigger_for_s0(moment[n]) -> \
        building = 1; \
        builder_id = own; \
        new_s0 = stored_s0(own, moment[n]); \
        new_contents = contents_of(own, moment[n]); \
        printf("builder: transaction %d builds; S0 shows finished: ", number(own)); \
        print(new_s0); printf(", the image has rows of: "); print(new_contents); printf("\n") \
    }
#define build_in_any_snapshot(own) build(own, 0) build(own, 1) build(own, 2) build(own, 3) build(own, 4)

active proctype Builder() {
    do
    build_in_any_snapshot(0)
    build_in_any_snapshot(1)
    build_in_any_snapshot(2)
    build_in_any_snapshot(4)
    build_in_any_snapshot(8)
    :: d_step {
        building && watch == sealed && may_replace ->
        published = 1;
        s0 = new_s0;
        contents = new_contents;
        remember_builder()
        give_up_build();
#ifdef WITHOUT_statement_count
        unchanged = 1;
#endif
        printf("builder: publishes\n")
    }
    :: d_step {
        building ->
        give_up_build();
        printf("builder: fails\n")
    }
    od
}

/* --- The readers ----------------------------------------------------------------------------------------------------------
 *
 * Readers change nothing, so each looks at all it could do in one step: with every snapshot of its kind, in a session without an
 * id and as each of the running transactions.
 */
#define may_take \
    (same_writers(reader_s) && reader_known(reader_s) && !is_noted(own) && !is_pending(own) && trigger_in_cache(own))

#ifdef REACHED
#define judge() assert(!(REACHED))
#else
#define judge() assert(contents == visible(own, reader_s))
#endif

inline read(first, last) {
    d_step {
        published && watch == sealed && cache_allows ->
        n = first;
        do
        :: n <= last ->
            own = 0;
            do
            :: own <= ALL ->
                reader_s = as_taken_by(own, moment[n]);
                if
                :: (own == 0 || is_running(own)) && may_take ->
                    printf("reader: transaction %d may take the image; its snapshot shows finished: ", number(own));
                    print(reader_s); printf(", and rows of: "); print(visible(own, reader_s)); printf("\n");
                    judge()
                :: else
                fi;
                own = (own == 0 -> 1 : own << 1)
            :: else -> break
            od;
            n++
        :: else -> break
        od;
        n = 0;
        own = 0;
        reader_s = 0
    }
}

active proctype ReaderNow() {
    byte n, own, reader_s;
    do
    :: read(moments, moments)
    od
}

active proctype ReaderLongAgo() {
    byte n, own, reader_s;
    do
    :: read(0, moments - 1)
    od
}

init {
    atomic {
        run Transaction(1);
        run Transaction(2);
        run Transaction(4);
#if TRANSACTIONS > 3
        run Transaction(8)
#endif
    }
}
