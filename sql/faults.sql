-- Errors cross the border between C++ and the server unharmed: at every stage of a read a server error, an exhausted
-- memory, a foreign exception, a standard exception and a cancel come out as what they are, the next query in the same
-- transaction answers as ever, and nothing is left behind in the backend's memory.
--
-- Faults are injected by functions that only a library built with PG_TREE_DEBUG=1 has (src/pg/fault.cpp).

SET client_min_messages = warning;
-- The way through the table is what is tried here.
SET pg_tree.enable_cache = off;
-- Compiled code stays in the process for a while, which memory that is to be flat must not be confused with.
SET jit = off;
CREATE EXTENSION IF NOT EXISTS pg_tree;
CREATE SCHEMA faults;
SET search_path = faults, public;

CREATE FUNCTION tree_debug_arm(kind text, stage text, countdown bigint) RETURNS void
    AS '$libdir/pg_tree' LANGUAGE C STRICT;
CREATE FUNCTION tree_debug_disarm() RETURNS bool AS '$libdir/pg_tree' LANGUAGE C STRICT;
CREATE FUNCTION tree_debug_holdoff() RETURNS int AS '$libdir/pg_tree' LANGUAGE C STRICT;

-- --- The trees, one for each way to keep a key and to sort siblings ---------------------------------------------------

CREATE TABLE numbers (id int PRIMARY KEY, parent_id int REFERENCES numbers, code text COLLATE "C", name text);
INSERT INTO numbers SELECT i, CASE WHEN i > 1 THEN (i + 1) / 3 END, 'c' || lpad((i * 7919 % 1000)::text, 4, '0'), 'node ' || i
FROM generate_series(1, 400) i;
CREATE INDEX ON numbers (parent_id);

CREATE TABLE words (id text PRIMARY KEY, parent_id text REFERENCES words, code text COLLATE "en-x-icu", name text);
INSERT INTO words SELECT 'w' || i, CASE WHEN i > 1 THEN 'w' || (i + 1) / 3 END, 'Straße und Ähre ' || (i * 7919 % 1000), 'wörd ' || i
FROM generate_series(1, 400) i;
CREATE INDEX ON words (parent_id);

CREATE TABLE places (id uuid PRIMARY KEY, parent_id uuid REFERENCES places, code text COLLATE "en_US", name text);
INSERT INTO places SELECT md5(i::text)::uuid, CASE WHEN i > 1 THEN md5(((i + 1) / 3)::text)::uuid END, 'el niño, cote ' || (i * 7919 % 1000), 'place ' || i
FROM generate_series(1, 400) i;
CREATE INDEX ON places (parent_id);

SELECT tree_register('numbers'), tree_register('words'), tree_register('places');
ANALYZE numbers, words, places;

-- Questions with one value for an answer: all rows in their order. Their right answers are kept from before any fault, and
-- those themselves come from the recursive query where there is one.
CREATE TABLE questions (label text PRIMARY KEY, query text, answer text);
INSERT INTO questions (label, query) VALUES
    ('build', $$SELECT md5(string_agg(t::text, E'\n' ORDER BY n)) FROM tree_build(1, 'numbers') WITH ORDINALITY t(id, code, name, parent_id, level, n)$$),
    ('build, text', $$SELECT md5(string_agg(t::text, E'\n' ORDER BY n)) FROM tree_build('w1', 'words') WITH ORDINALITY t(id, code, name, parent_id, level, n)$$),
    ('build, uuid', $$SELECT md5(string_agg(t::text, E'\n' ORDER BY n)) FROM tree_build(md5('1')::uuid, 'places') WITH ORDINALITY t(id, code, name, parent_id, level, n)$$),
    ('forest', $$SELECT md5(string_agg(t::text, E'\n' ORDER BY rank)) FROM tree_forest(NULL::numbers) t$$),
    ('json', $$SELECT md5(tree_json(1, 'numbers')::text)$$),
    ('json, text', $$SELECT md5(tree_json('w2', 'words', 3)::text)$$),
    ('lca', $$SELECT tree_lca(399, 367, 'numbers')::text$$),
    ('path', $$SELECT tree_path(399, 'numbers')::text$$),
    ('path, text', $$SELECT tree_path('w399', 'words')::text$$),
    ('walk', $$SELECT md5(string_agg(t::text, E'\n' ORDER BY rank)) FROM tree_walk(1, 'numbers') t$$),
    ('walk, text', $$SELECT md5(string_agg(t::text, E'\n' ORDER BY rank)) FROM tree_walk('w1', 'words', 'breadth') t$$);
DO $$
DECLARE
    question questions;
    right_answer text;
BEGIN
    FOR question IN SELECT * FROM questions LOOP
        EXECUTE question.query INTO right_answer;
        UPDATE questions SET answer = right_answer WHERE label = question.label;
    END LOOP;
END $$;
SELECT label, answer IS NOT NULL AS answered FROM questions ORDER BY label COLLATE "C";

WITH RECURSIVE t AS (
    SELECT id, code, name, parent_id, 0 AS level FROM words WHERE parent_id = 'w1'
    UNION ALL
    SELECT w.id, w.code, w.name, w.parent_id, t.level + 1 FROM words w JOIN t ON w.parent_id = t.id)
SELECT (SELECT count(*) FROM t) AS rows,
       (SELECT count(*) FROM (TABLE t EXCEPT ALL SELECT * FROM tree_build('w1', 'words')) d) AS missing,
       (SELECT count(*) FROM (SELECT * FROM tree_build('w1', 'words') EXCEPT ALL TABLE t) d) AS extra;

-- --- One fault --------------------------------------------------------------------------------------------------------

CREATE TABLE kinds (kind text PRIMARY KEY, sqlstate text, message text, detail text, hint text);
INSERT INTO kinds VALUES
    ('error', '27000', 'injected error', 'injected detail', 'injected hint'),
    ('bad_alloc', '53200', 'out of memory', '', ''),
    ('foreign', 'XX000', NULL, '', ''),
    ('standard', 'XX000', 'injected exception', '', ''),
    ('cancel', '57014', 'canceling statement due to user request', '', '');

-- Asks with a fault armed, and then asks again. Says whether the fault was met; complains of whatever is not as promised.
CREATE FUNCTION fault_is_met(question questions, wanted kinds, stage text, countdown bigint) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    met bool := false;
    found_state text;
    found_message text;
    found_detail text;
    found_hint text;
BEGIN
    PERFORM tree_debug_arm(wanted.kind, stage, countdown);
    BEGIN
        EXECUTE question.query INTO answer;
        IF NOT tree_debug_disarm() THEN
            RAISE WARNING '% at % (%) in %: the fault was lost', wanted.kind, stage, countdown, question.label;
        END IF;
    EXCEPTION WHEN query_canceled OR OTHERS THEN
        GET STACKED DIAGNOSTICS found_state = RETURNED_SQLSTATE, found_message = MESSAGE_TEXT,
                                found_detail = PG_EXCEPTION_DETAIL, found_hint = PG_EXCEPTION_HINT;
        met := true;
        IF tree_debug_disarm() OR found_state <> wanted.sqlstate OR found_message <> wanted.message OR
           found_detail <> wanted.detail OR found_hint <> wanted.hint THEN
            RAISE WARNING '% at % (%) in %: % "%" (detail "%", hint "%")', wanted.kind, stage, countdown, question.label,
                          found_state, found_message, found_detail, found_hint;
        END IF;
    END;
    IF met THEN
        EXECUTE question.query INTO answer;
    END IF;
    IF answer IS DISTINCT FROM question.answer THEN
        RAISE WARNING '% at % (%) in %: the next answer is %', wanted.kind, stage, countdown, question.label, answer;
    END IF;
    RETURN met;
END $$;

-- All kinds at all stages in all questions, at several countdowns. Returns how many faults were met.
CREATE FUNCTION all_faults(countdowns bigint[]) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FILTER (WHERE fault_is_met(q, k, stage, countdown))
    FROM questions q, kinds k,
         unnest(ARRAY['resolve', 'fetch', 'receive', 'assemble', 'sort', 'walk', 'emit', 'allocation']) stage,
         unnest(countdowns) countdown
$$;

-- Which question comes through which stage. (tree_json makes no rows, and a path needs neither assembling nor walking.)
SELECT stage, string_agg(label, '; ' ORDER BY label COLLATE "C") AS met_in
FROM unnest(ARRAY['resolve', 'fetch', 'receive', 'assemble', 'sort', 'walk', 'emit', 'allocation']) WITH ORDINALITY s(stage, n),
     questions q, kinds k
WHERE k.kind = 'error' AND fault_is_met(q, k, stage, 1)
GROUP BY n, stage ORDER BY n;

-- --- The n-th allocation fails, for every n ---------------------------------------------------------------------------

CREATE FUNCTION allocations_until_success(question questions, wanted kinds) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 1 .. 100000 LOOP
        IF NOT fault_is_met(question, wanted, 'allocation', n) THEN
            RETURN n - 1;
        END IF;
    END LOOP;
    RAISE EXCEPTION 'it never succeeds';
END $$;

-- Each kind meets the same allocations.
SELECT label, count(DISTINCT allocations) AS counts, min(allocations) > 2 AS several
FROM (SELECT label, allocations_until_success(q, k) AS allocations FROM questions q, kinds k) t
GROUP BY label ORDER BY label COLLATE "C";

-- --- Many times over, with memory flat --------------------------------------------------------------------------------

-- What the server counts, and what the process holds: exceptions live outside the server's memory.
CREATE FUNCTION context_bytes() RETURNS bigint LANGUAGE sql AS
    'SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts';
CREATE FUNCTION heap_bytes() RETURNS bigint LANGUAGE sql AS $$
    SELECT 1024 * (regexp_match(pg_read_file('/proc/self/status'), 'VmData:\s+(\d+)'))[1]::bigint $$;

-- Inside one transaction, where a leak into the transaction's memory shows too.
CREATE FUNCTION complain_of_growth(rounds int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    met bigint;
    context_before bigint;
    heap_before bigint;
    context_growth bigint;
    heap_growth bigint;
BEGIN
    FOR round IN -1 .. rounds LOOP
        IF round = 1 THEN
            met := 0;
            context_before := context_bytes();
            heap_before := heap_bytes();
        END IF;
        met := met + all_faults('{1,2,300}');
        context_growth := context_bytes() - context_before;
        heap_growth := heap_bytes() - heap_before;
    END LOOP;
    IF met < 500 * rounds THEN
        RAISE WARNING 'only % faults were met', met;
    END IF;
    IF context_growth > 64 * 1024 THEN
        RAISE WARNING '% bytes more in memory contexts after % faults', context_growth, met;
    END IF;
    -- malloc keeps some of what was freed; what each fault leaked, were it a kilobyte, would be more than this.
    IF heap_growth > 2 * 1024 * 1024 THEN
        RAISE WARNING '% bytes more in the process after % faults', heap_growth, met;
    END IF;
END $$;
SELECT complain_of_growth(5);

-- From transaction to transaction.
SELECT context_bytes() AS context_before, heap_bytes() AS heap_before \gset
SELECT all_faults('{1,2,300}') > 500 AS many;
SELECT all_faults('{1,7,400}') > 500 AS many;
SELECT context_bytes() - :context_before < 64 * 1024 AS contexts_flat, heap_bytes() - :heap_before < 2 * 1024 * 1024 AS heap_flat;

-- Definitions that went stale between faults are freed too.
CREATE FUNCTION faults_between_changes(rounds int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    question questions;
    wanted kinds;
BEGIN
    SELECT * INTO question FROM questions WHERE label = 'build';
    FOR round IN 1 .. rounds LOOP
        FOR wanted IN SELECT * FROM kinds LOOP
            PERFORM fault_is_met(question, wanted, stage, 1) FROM unnest(ARRAY['resolve', 'receive', 'walk', 'emit']) stage;
            ALTER TABLE numbers RENAME COLUMN name TO title;
            PERFORM fault_is_met(question, wanted, stage, 1) FROM unnest(ARRAY['resolve', 'receive', 'walk', 'emit']) stage;
            ALTER TABLE numbers RENAME COLUMN title TO name;
        END LOOP;
    END LOOP;
END $$;
SELECT faults_between_changes(2);
SELECT context_bytes() AS context_before \gset
SELECT faults_between_changes(20);
SELECT context_bytes() - :context_before < 128 * 1024 AS contexts_flat;

-- Hold-offs of interrupts are given back.
SELECT tree_debug_holdoff();

-- --- In savepoints ----------------------------------------------------------------------------------------------------

\set SHOW_CONTEXT never
BEGIN;
SAVEPOINT one;
SELECT tree_debug_arm('error', 'receive', 100);
SELECT count(*) FROM tree_build(1, 'numbers');
ROLLBACK TO one;
SELECT count(*) FROM tree_build(1, 'numbers');
SAVEPOINT two;
UPDATE numbers SET parent_id = 1 WHERE id = 399;
SELECT tree_path(399, 'numbers');
SAVEPOINT three;
SELECT tree_debug_arm('bad_alloc', 'allocation', 3);
SELECT tree_path(399, 'numbers');
ROLLBACK TO three;
SELECT tree_path(399, 'numbers');
SELECT tree_debug_arm('cancel', 'emit', 1);
SELECT count(*) FROM tree_walk('w1', 'words');
ROLLBACK TO two;
SELECT tree_path(399, 'numbers');
SELECT tree_debug_arm('standard', 'sort', 1);
SELECT count(*) FROM tree_build('w1', 'words');
-- Without a savepoint of its own the error ends the transaction, as any error does.
SELECT tree_path(399, 'numbers');
ROLLBACK;
SELECT tree_path(399, 'numbers');

-- Outside a transaction block.
SELECT tree_debug_arm('foreign', 'walk', 1);
SELECT tree_json(1, 'numbers');
SELECT count(*) FROM tree_build(1, 'numbers');

-- --- In cursors -------------------------------------------------------------------------------------------------------

-- One that is open and half read survives what happens to another.
BEGIN;
DECLARE good CURSOR FOR SELECT id FROM tree_build(131, 'numbers');
FETCH 1 FROM good;
SAVEPOINT one;
DECLARE bad CURSOR FOR SELECT id FROM tree_build('w131', 'words');
SELECT tree_debug_arm('error', 'sort', 1);
FETCH ALL FROM bad;
ROLLBACK TO one;
FETCH ALL FROM good;
DECLARE again CURSOR FOR SELECT id FROM tree_build('w131', 'words');
FETCH ALL FROM again;
-- At some row in the middle of a cursor that asks once for each.
SAVEPOINT two;
DECLARE each CURSOR FOR SELECT n, tree_root(n, 'numbers') FROM generate_series(396, 400) n;
FETCH 2 FROM each;
SELECT tree_debug_arm('foreign', 'resolve', 2);
FETCH 2 FROM each;
ROLLBACK TO two;
MOVE BACKWARD ALL IN good;
FETCH ALL FROM good;
COMMIT;

-- Kept beyond its transaction: read to its end at COMMIT, which is where the fault ends it.
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT id, level FROM tree_build(131, 'numbers');
SELECT tree_debug_arm('error', 'walk', 1);
COMMIT;
SELECT count(*) FROM pg_cursors WHERE name = 'held';
SELECT count(*) FROM tree_build(1, 'numbers');

-- --- In functions, theirs and ours ------------------------------------------------------------------------------------

CREATE FUNCTION ids_below(root int) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT id FROM tree_build(root, 'numbers');
END $$;
CREATE FUNCTION ids_below_in_a_loop(root int) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
DECLARE
    node record;
BEGIN
    FOR node IN SELECT id FROM tree_build(root, 'numbers') LOOP
        RETURN NEXT node.id;
        -- The fault ends this one only; the loop's own read goes on.
        BEGIN
            PERFORM tree_debug_arm('bad_alloc', 'allocation', 1 + node.id % 5);
            PERFORM tree_path(node.id, 'numbers');
            PERFORM tree_debug_disarm();
        EXCEPTION WHEN out_of_memory THEN
            NULL;
        END;
    END LOOP;
END $$;
SELECT tree_debug_arm('error', 'receive', 5);
SELECT count(*) FROM ids_below(1);
SELECT count(*) FROM ids_below(1);
SELECT array_agg(id) = (SELECT array_agg(id) FROM tree_build(65, 'numbers')) AS same FROM ids_below_in_a_loop(65) id;
SELECT tree_debug_disarm();

-- A fault of the user's own making, deep in the read: what the name's expression raises comes out as it is.
CREATE TABLE weights (id int PRIMARY KEY, parent_id int, weight int);
INSERT INTO weights SELECT i, nullif(i / 2, 0), i % 100 FROM generate_series(1, 99) i;
SELECT tree_register('weights', name => '(1000 / weight)::text');
UPDATE weights SET weight = 0 WHERE id = 50;
DO $$
DECLARE
    found_state text;
    found_context text;
BEGIN
    FOR i IN 1 .. 1000 LOOP
        BEGIN
            PERFORM count(*) FROM tree_build(1, 'weights');
            RAISE WARNING 'nothing was raised';
        EXCEPTION WHEN division_by_zero THEN
            GET STACKED DIAGNOSTICS found_context = PG_EXCEPTION_CONTEXT;
            IF found_context NOT LIKE '%weights%' THEN
                RAISE WARNING 'context: %', found_context;
            END IF;
        END;
    END LOOP;
END $$;
SELECT tree_path(50, 'weights'), tree_path_text(99, 'weights');
SELECT tree_path_text(50, 'weights');
UPDATE weights SET weight = 50 WHERE id = 50;
SELECT count(*) FROM tree_build(1, 'weights');

-- More than pg_tree.max_build_memory, many times over.
CREATE FUNCTION refused_reads(rounds int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. rounds LOOP
        BEGIN
            SET LOCAL pg_tree.max_build_memory = '64kB';
            PERFORM count(*) FROM tree_build('w1', 'words');
            RAISE WARNING 'nothing was raised';
        EXCEPTION WHEN out_of_memory THEN
            NULL;
        END;
    END LOOP;
END $$;
SELECT refused_reads(10);
SELECT context_bytes() AS context_before \gset
SELECT refused_reads(1000);
SELECT context_bytes() - :context_before < 64 * 1024 AS contexts_flat;
SELECT count(*) FROM tree_build('w1', 'words');

-- Nothing waits any more, and all is as it was.
SELECT tree_debug_disarm();
DO $$
DECLARE
    question questions;
    found_answer text;
BEGIN
    FOR question IN SELECT * FROM questions LOOP
        EXECUTE question.query INTO found_answer;
        IF found_answer IS DISTINCT FROM question.answer THEN
            RAISE WARNING '%: %', question.label, found_answer;
        END IF;
    END LOOP;
END $$;

SELECT tree_unregister('numbers'), tree_unregister('words'), tree_unregister('places'), tree_unregister('weights');
DROP SCHEMA faults CASCADE;
