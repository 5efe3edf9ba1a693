-- Statistics against a workload that is known: what is counted, who sees it, resets, the ring of slow calls.
-- Timing is looked at only where it must hold whatever the machine does.
\ir common.inc
SET compute_query_id = on;

CREATE TABLE branch (id bigint PRIMARY KEY, parent_id bigint, code text, name text);
INSERT INTO branch SELECT i, nullif(i / 3, 0), 'c' || i, 'node ' || i FROM generate_series(1, 1000) i;
CREATE TABLE other (id bigint PRIMARY KEY, parent_id bigint, code text, name text);
INSERT INTO other SELECT i, nullif(i / 2, 0), 'c' || i, 'node ' || i FROM generate_series(1, 100) i;
CREATE TABLE word (id text PRIMARY KEY, parent_id text, name text);
INSERT INTO word VALUES ('a', NULL, 'A'), ('b', 'a', 'B');
CREATE TABLE item (id uuid PRIMARY KEY, parent_id uuid, name text);
INSERT INTO item VALUES ('00112233-4455-6677-8899-aabbccddeeff', NULL, 'A');
SELECT count(tree_register(t)) FROM unnest(ARRAY['branch', 'other', 'word', 'item']::regclass[]) AS t \gset ignored_
CREATE VIEW mine AS SELECT * FROM tree_stat_calls WHERE datname = current_database();

SELECT no_plan();
SELECT is((SELECT preloaded FROM tree_stat_info), true, 'the server has pg_tree preloaded');
SELECT isnt(tree_stat_reset(), NULL, 'begin with nothing');
SELECT is_empty('TABLE mine', 'nothing is counted yet');

-- --- What is counted -----------------------------------------------------------------------------------------------------

SELECT count(*) FROM tree_warm('branch') \gset ignored_
SELECT count(*) AS below FROM tree_build(1, 'branch') \gset
SELECT count(*) FROM tree_build(1, 'branch') \gset ignored_
SELECT results_eq($$SELECT calls, errors, cancels, rows, hits, misses FROM mine WHERE function = 'tree_build'$$,
    format('VALUES (2::bigint, 0::bigint, 0::bigint, %s::bigint, 2::bigint, 0::bigint)', 2 * :below), 'two calls of tree_build, their rows and hits');
SELECT is((SELECT tree FROM mine WHERE function = 'tree_build'), 'public.branch', 'under the tree''s name');
SELECT count(*) FROM (SELECT * FROM tree_build(1, 'branch') LIMIT 3) AS d \gset ignored_
SELECT is((SELECT rows FROM mine WHERE function = 'tree_build'), (2 * :below + CASE WHEN current_setting('pg_tree.enable_scan')::bool THEN 3 ELSE :below END)::bigint, 'a call that nobody reads to its end counts the rows that were taken');
SELECT tree_stat_reset() \gset ignored_
SET pg_tree.enable_scan = off;
SELECT count(*) FROM tree_build(1, 'branch') \gset ignored_
RESET pg_tree.enable_scan;
SELECT results_eq($$SELECT calls, rows FROM mine WHERE function = 'tree_build'$$, format('VALUES (1::bigint, %s::bigint)', :below), 'the plain function counts the same');
SELECT count(*) FROM branch AS b, LATERAL tree_ancestors(b.id, 'branch') WHERE b.id <= 50 \gset ignored_
SELECT is((SELECT calls FROM mine WHERE function = 'tree_ancestors'), 50::bigint, 'LATERAL: one call for each row');
SELECT sum(tree_depth(id, 'branch')) FROM branch \gset ignored_
SELECT results_eq($$SELECT calls, hits, rows FROM mine WHERE function = 'tree_depth'$$, 'VALUES (1000::bigint, 1000::bigint, 0::bigint)', 'a value for each of a thousand rows: a thousand calls');
SELECT count(*) FROM branch WHERE tree_is_ancestor(NULL, id, 'branch') \gset ignored_
SELECT is_empty($$SELECT FROM mine WHERE function = 'tree_is_ancestor'$$, 'null keys ask no tree anything');
EXPLAIN (COSTS OFF) SELECT * FROM tree_walk(1, 'branch');
SELECT is_empty($$SELECT FROM mine WHERE function = 'tree_walk'$$, 'a plan that is only shown is no call');
DO $$
DECLARE r record;
BEGIN
    FOR r IN SELECT format('SELECT %s', c) AS call FROM unnest(ARRAY[
        $c$count(*) FROM tree_page(1, NULL, 'branch')$c$, $c$count(*) FROM tree_rows(NULL::branch, 1)$c$, $c$count(*) FROM tree_forest(NULL::branch)$c$,
        $c$count(*) FROM tree_walk(1, 'branch')$c$, $c$count(*) FROM tree_children(1, 'branch')$c$, $c$count(*) FROM tree_siblings(3, 'branch')$c$,
        $c$count(*) FROM tree_leaves(1, 'branch')$c$, $c$count(*) FROM tree_draw(1, 'branch')$c$, $c$tree_path(3, 'branch')$c$, $c$tree_path_text(3, 'branch')$c$,
        $c$tree_root(3, 'branch')$c$, $c$tree_is_ancestor(1, 3, 'branch')$c$, $c$tree_contains(1, 3, 'branch')$c$, $c$tree_lca(3, 4, 'branch')$c$,
        $c$tree_descendant_count(1, 'branch')$c$, $c$tree_json(1, 'branch')$c$]) AS c
    LOOP
        EXECUTE r.call;
    END LOOP;
END $$;
SELECT set_eq($$SELECT function FROM mine$$,
    $$SELECT proname::text FROM pg_proc AS p JOIN pg_depend AS d ON d.objid = p.oid AND d.deptype = 'e' AND d.classid = 'pg_proc'::regclass
      JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'pg_tree' WHERE p.provolatile = 's' AND p.proargnames && ARRAY['tree']
      AND proname NOT IN ('tree_wrapper_sql', 'tree_registrations')$$, 'every function that reads is counted, and no other');
SELECT is((SELECT sum(hits) FROM mine), (SELECT hits::numeric FROM tree_stat_cache WHERE tree = 'public.branch' AND datname = current_database()), 'as many hits as the cache has');

-- --- Errors and cancels ---------------------------------------------------------------------------------------------------

SELECT tree_stat_reset('branch') \gset ignored_
SELECT is_empty('TABLE mine', 'a tree''s counts can be forgotten');
SELECT throws_ok($$SELECT tree_depth('x'::text, 'branch')$$, '22P02', NULL, 'a key that is none');
SELECT throws_ok($$SELECT * FROM tree_walk(1, 'branch', 'sideways')$$, '22023', NULL, 'an argument that is wrong');
SELECT throws_ok($$SELECT * FROM tree_build(1, 'nowhere')$$, NULL, NULL, 'a tree that is not there');
SELECT results_eq($$SELECT tree, function, calls, errors FROM mine ORDER BY function$$,
    $$VALUES (NULL, 'tree_build', 1::bigint, 1::bigint), ('public.branch', 'tree_depth', 1, 1), ('public.branch', 'tree_walk', 1, 1)$$, 'each is an error of its function, and of its tree where there is one');
SELECT throws_ok($$SELECT 1 / (count(*) - count(*)) FROM tree_children(1, 'branch')$$, '22012', NULL, 'somebody else''s error');
SELECT throws_ok($$SELECT 1 / (1 - c.id) FROM tree_children(1, 'branch') AS c, generate_series(1, 1) WHERE 1 / (c.id - 4) > -10$$, '22012', NULL, 'and one while rows are being taken');
SELECT results_eq($$SELECT calls, errors FROM mine WHERE function = 'tree_children'$$, 'VALUES (2::bigint, 0::bigint)', 'are calls without an error');
DO $$
DECLARE taken CURSOR FOR SELECT * FROM tree_build(1, 'branch');
BEGIN
    OPEN taken;
    MOVE FORWARD 7 FROM taken;
    RAISE 'enough';
EXCEPTION WHEN raise_exception THEN NULL;
END $$;
SELECT results_eq($$SELECT calls, errors, rows FROM mine WHERE function = 'tree_build' AND tree = 'public.branch'$$,
    format('VALUES (1::bigint, 0::bigint, %s::bigint)', CASE WHEN current_setting('pg_tree.enable_scan')::bool THEN 7 ELSE :below END), 'a cursor that an error takes away counts the rows that were taken');
-- Rows that are made once more, and rows that nobody came for.
CREATE FUNCTION rows_after(statements text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    before bigint := coalesce((SELECT rows FROM mine WHERE function = 'tree_build' AND tree = 'public.branch'), 0);
    each text;
BEGIN
    FOREACH each IN ARRAY statements LOOP EXECUTE each; END LOOP;
    RETURN (SELECT rows FROM mine WHERE function = 'tree_build' AND tree = 'public.branch') - before;
END $$;
CREATE FUNCTION run_back() RETURNS void LANGUAGE plpgsql AS $$
DECLARE taken SCROLL CURSOR FOR SELECT * FROM tree_build(1, 'branch');
BEGIN
    OPEN taken;
    MOVE FORWARD 5 FROM taken;
    MOVE BACKWARD 3 FROM taken;
    MOVE FIRST FROM taken;
    MOVE FORWARD 9 FROM taken;
    CLOSE taken;
END $$;
SELECT is(rows_after(ARRAY['SELECT run_back()']), :below::bigint, 'a cursor that goes back has all rows made, once');
SELECT is(rows_after(ARRAY['SET LOCAL enable_material = off', 'SET LOCAL enable_hashjoin = off', 'SET LOCAL enable_mergejoin = off', 'SET LOCAL enable_memoize = off',
    'SELECT count(*) FROM generate_series(1, 100) AS g WHERE EXISTS (SELECT FROM tree_build(1, ''branch'') AS t WHERE t.id + g > 0)']),
    CASE WHEN current_setting('pg_tree.enable_scan')::bool THEN 100 ELSE :below END::bigint, 'a scan that is begun again and again counts what is taken each time');
CREATE FUNCTION tree_debug_arm(kind text, stage text, countdown bigint) RETURNS void AS '$libdir/pg_tree' LANGUAGE C STRICT;
SET pg_tree.enable_cache = off;
SELECT tree_debug_arm('cancel', 'fetch', 1) \gset ignored_
DO $$ BEGIN PERFORM FROM tree_leaves(1, 'branch'); EXCEPTION WHEN query_canceled THEN NULL; END $$;
SELECT tree_debug_arm('bad_alloc', 'assemble', 1) \gset ignored_
SELECT throws_ok($$SELECT * FROM tree_leaves(1, 'branch')$$, '53200', NULL, 'a C++ exception in the middle');
SELECT results_eq($$SELECT calls, errors, cancels, hits, misses FROM mine WHERE function = 'tree_leaves'$$, 'VALUES (2::bigint, 1::bigint, 1::bigint, 0::bigint, 0::bigint)', 'a cancel and an error');
SELECT count(*) FROM tree_leaves(1, 'branch') \gset ignored_
SELECT results_eq($$SELECT calls, hits, misses FROM mine WHERE function = 'tree_leaves'$$, 'VALUES (3::bigint, 0::bigint, 0::bigint)', 'what by-passes the cache is neither hit nor miss');
RESET pg_tree.enable_cache;

-- --- Arithmetic -------------------------------------------------------------------------------------------------------------

SELECT is_empty($$SELECT * FROM mine WHERE NOT (calls >= errors + cancels AND min_ms <= p50_ms AND p50_ms <= p95_ms AND p95_ms <= p99_ms AND p99_ms <= max_ms
    AND abs(mean_ms - total_ms / calls) < 1e-9 AND min_ms <= mean_ms + 1e-9 AND mean_ms <= max_ms + 1e-9 AND total_ms >= max_ms - 1e-9 AND min_ms > 0)$$, 'what has to hold for any durations');
SELECT results_eq($$SELECT tree, function, calls FROM mine ORDER BY 1, 2$$,
    $$SELECT tree, function, count FROM tree_stat_histogram WHERE datname = current_database() AND le = 'Infinity' ORDER BY 1, 2$$, 'a histogram''s last bound has every call');
SELECT is_empty($$SELECT FROM (SELECT count - lag(count, 1, 0::bigint) OVER (PARTITION BY tree, function ORDER BY le) AS more FROM tree_stat_histogram) AS d WHERE more < 0$$, 'counts of a histogram only grow');
SELECT results_eq($$SELECT DISTINCT le FROM tree_stat_histogram ORDER BY le$$,
    $$SELECT unnest(ARRAY[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 'Infinity']::float8[])$$, 'the bounds, in seconds');
SELECT is_empty($$SELECT * FROM tree_stat_calls AS c WHERE datname = current_database() AND EXISTS (SELECT FROM tree_stat_histogram AS h WHERE (h.tree, h.function, h.datname) = (c.tree, c.function, c.datname)
    AND h.le * 1000 < c.max_ms AND h.count = c.calls)$$, 'the slowest call is not below a bound that has every call');

-- --- One tree after another under the same name -------------------------------------------------------------------------------

SELECT tree_stat_reset() \gset ignored_
SELECT count(*) AS below FROM tree_build(1, 'other') \gset
SELECT tree_unregister('other') \gset ignored_
SELECT tree_register('other') \gset ignored_
SELECT count(*) FROM tree_build(1, 'other') \gset ignored_
SELECT results_eq($$SELECT tree, function, calls, rows FROM mine$$, format($$VALUES ('public.other', 'tree_build', 2::bigint, %s::bigint)$$, 2 * :below), 'a tree that is registered anew goes on being counted in one row');
CREATE TABLE kept AS TABLE other;
DROP TABLE other;
CREATE TABLE other (id bigint PRIMARY KEY, parent_id bigint, code text, name text);
INSERT INTO other TABLE kept;
SELECT tree_register('other') \gset ignored_
SELECT count(*) FROM tree_build(1, 'other') \gset ignored_
SELECT count(*) FROM tree_leaves(1, 'other') \gset ignored_
SELECT results_eq($$SELECT tree, function, calls, rows FROM mine WHERE function = 'tree_build'$$, format($$VALUES ('public.other', 'tree_build', 3::bigint, %s::bigint)$$, 3 * :below), 'and so does one whose table is made anew');
SELECT results_eq($$SELECT function, count FROM tree_stat_histogram WHERE datname = current_database() AND tree = 'public.other' AND le = 'Infinity' ORDER BY 1$$,
    $$VALUES ('tree_build', 3::bigint), ('tree_leaves', 1)$$, 'its histogram, too');
SELECT tree_stat_reset('other') \gset ignored_
SELECT is_empty('TABLE mine', 'all of it is forgotten together');

-- --- Slow calls -------------------------------------------------------------------------------------------------------------

SELECT tree_stat_reset() \gset ignored_
SET pg_tree.slow_threshold = 0;
SELECT count(*) FROM tree_build(3, 'branch');
SELECT count(*) FROM tree_build('a', 'word');
SELECT count(*) FROM tree_build('00112233-4455-6677-8899-aabbccddeeff'::uuid, 'item');
SELECT count(*) FROM tree_forest(NULL::word);
SET pg_tree.slow_threshold = -1;
SELECT count(*) FROM tree_build(4, 'branch');
SELECT results_eq($$SELECT tree, function, root, usename = current_user, pid, query FROM tree_stat_slow$$, $$VALUES
    ('public.word', 'tree_forest', NULL, true, pg_backend_pid(), 'SELECT count(*) FROM tree_forest(NULL::word);'),
    ('public.item', 'tree_build', '00112233-4455-6677-8899-aabbccddeeff', true, pg_backend_pid(), 'SELECT count(*) FROM tree_build(''00112233-4455-6677-8899-aabbccddeeff''::uuid, ''item'');'),
    ('public.word', 'tree_build', 'a', true, pg_backend_pid(), 'SELECT count(*) FROM tree_build(''a'', ''word'');'),
    ('public.branch', 'tree_build', '3', true, pg_backend_pid(), 'SELECT count(*) FROM tree_build(3, ''branch'');')$$, 'slow calls, the latest first');
SELECT is((SELECT count(*) FROM tree_stat_slow WHERE queryid IS NOT NULL), 4::bigint, 'each with its query''s id');
SELECT results_eq($$SELECT calls, slow_calls FROM mine WHERE tree = 'public.branch'$$, 'VALUES (2::bigint, 1::bigint)', 'they are counted as slow');
SELECT ok((SELECT bool_and(duration_ms >= 0 AND at <= clock_timestamp() AND cache IN ('hit', 'miss', 'bypass')) FROM tree_stat_slow), 'durations, times and ways');
SET pg_tree.slow_threshold = 0;
SELECT count(tree_depth(i, 'other')) FROM generate_series(1, 300) AS i \gset ignored_
SET pg_tree.slow_threshold = -1;
SELECT is((SELECT count(*) FROM tree_stat_slow), 256::bigint, 'the ring keeps 256');
SELECT ok((SELECT bool_and(function = 'tree_depth') FROM tree_stat_slow), 'of the latest ones');
SELECT is((SELECT dropped_slow FROM tree_stat_info), 0::bigint, 'writing over the oldest drops nothing');
SELECT is(length((SELECT query FROM tree_stat_slow LIMIT 1)) > 10, true, 'with their text');
RESET pg_tree.slow_threshold;
SET pg_tree.slow_threshold = 0;
SELECT count(*) FROM tree_children(1, 'branch') /* ääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää */;
SELECT count(*) FROM tree_build(repeat('x', 3000), 'word');
RESET pg_tree.slow_threshold;
SELECT cmp_ok((SELECT octet_length(query) FROM tree_stat_slow WHERE function = 'tree_children'), '<=', 1023, 'a long text is cut');
SELECT matches((SELECT query FROM tree_stat_slow WHERE function = 'tree_children'), 'ä$', 'between characters');
SELECT is((SELECT root FROM tree_stat_slow WHERE function = 'tree_build' LIMIT 1), repeat('x', 127), 'a long key, too');

-- A key's memory is a row's of another node, which has gone on when the call ends (rescan) or ended before it (the sort).
CREATE TABLE long_word (id text PRIMARY KEY, parent_id text, name text);
INSERT INTO long_word SELECT repeat('a', 150000), NULL, 'r';
INSERT INTO long_word SELECT 'c' || i, repeat('a', 150000), 'r' FROM generate_series(1, 5) AS i;
INSERT INTO word VALUES ('c', 'b', 'C'), ('d', 'c', 'D');
SELECT tree_register('long_word') \gset ignored_
SELECT tree_stat_reset() \gset ignored_
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET pg_tree.slow_threshold = 0;
SELECT count(*) FROM (SELECT id || '' AS k FROM word OFFSET 0) AS o LEFT JOIN LATERAL (SELECT * FROM tree_children(o.k, 'word') LIMIT 1) AS c ON true \gset ignored_
SELECT set_eq($$SELECT root FROM tree_stat_slow WHERE function = 'tree_children'$$, ARRAY['a', 'b', 'c', 'd'], 'each call is noted with its own key');
SELECT count(*) FROM (SELECT id || '' AS k, name FROM long_word WHERE length(id) > 100 ORDER BY length(id) DESC OFFSET 0) AS o
    LEFT JOIN LATERAL (SELECT * FROM tree_children(o.k, 'long_word') LIMIT 1) AS c ON true \gset ignored_
SELECT is((SELECT root FROM tree_stat_slow WHERE tree = 'public.long_word' AND function = 'tree_children'), repeat('a', 127), 'a key that is long is cut');
SELECT count(*) FROM (SELECT id, name FROM item ORDER BY name OFFSET 0) AS o LEFT JOIN LATERAL (SELECT * FROM tree_siblings(o.id, 'item') LIMIT 1) AS c ON true \gset ignored_
SELECT is((SELECT root FROM tree_stat_slow WHERE function = 'tree_siblings'), '00112233-4455-6677-8899-aabbccddeeff', 'a uuid');
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET pg_tree.slow_threshold;

-- --- Who sees what ------------------------------------------------------------------------------------------------------------

CREATE ROLE statistics_reader;
CREATE ROLE statistics_monitor IN ROLE pg_read_all_stats;
GRANT SELECT ON other TO statistics_reader;
GRANT USAGE ON SCHEMA public TO statistics_reader, statistics_monitor;
SELECT tree_stat_reset() \gset ignored_
SET pg_tree.slow_threshold = 0;
SELECT count(*) FROM tree_build(1, 'branch') \gset ignored_
SELECT count(*) FROM tree_build(2, 'other') \gset ignored_
SET ROLE statistics_reader;
SELECT count(*) FROM tree_build(3, 'other') \gset ignored_
SELECT results_eq($$SELECT DISTINCT tree FROM tree_stat_calls$$, $$VALUES ('public.other')$$, 'a user sees the trees that he may read');
SELECT results_eq($$SELECT DISTINCT tree FROM tree_stat_histogram UNION ALL SELECT DISTINCT tree FROM tree_stat_responses$$, $$VALUES ('public.other'), ('public.other')$$, 'in histograms too');
SELECT results_eq($$SELECT usename = 'statistics_reader', root, query IS NOT NULL, queryid IS NOT NULL FROM tree_stat_slow ORDER BY at DESC$$,
    $$VALUES (true, '3', true, true), (false, NULL, false, false)$$, 'others'' keys and queries are hidden');
SELECT throws_ok('SELECT tree_stat_reset()', '42501', NULL, 'and resets nothing');
SELECT lives_ok('SELECT FROM tree_stat_history, tree_slo, tree_alerts, tree_stat_recursive, tree_health(), tree_stat_info', 'what names no tree everybody may read');
-- Whose text it is, whose rights the call had.
RESET ROLE;
CREATE ROLE statistics_definer;
GRANT SELECT ON other TO statistics_definer;
GRANT CREATE ON SCHEMA public TO statistics_definer;
SET ROLE statistics_definer;
CREATE FUNCTION definers(id bigint) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$ SELECT count(*) FROM tree_children(id, 'other') $$;
SET ROLE statistics_reader;
SELECT definers(7), 'my secret' AS secret \gset ignored_
SELECT results_eq($$SELECT usename = 'statistics_reader', root, query ~ 'my secret' FROM tree_stat_slow WHERE function = 'tree_children'$$, 'VALUES (true, NULL::text, true)',
    'the text is that of who sent it, the key nobody''s');
SET ROLE statistics_definer;
SELECT results_eq($$SELECT usename = 'statistics_reader', root, query FROM tree_stat_slow WHERE function = 'tree_children'$$, 'VALUES (true, NULL::text, NULL::text)',
    'the owner of a SECURITY DEFINER function sees neither');
RESET ROLE;
SELECT is((SELECT root FROM tree_stat_slow WHERE function = 'tree_children'), '7', 'the superuser sees both');
DELETE FROM word WHERE id IN ('c', 'd');
SELECT tree_stat_reset('word') \gset ignored_
SET ROLE statistics_monitor;
SELECT results_eq($$SELECT DISTINCT tree FROM tree_stat_calls WHERE datname = current_database() ORDER BY 1$$, $$VALUES ('public.branch'), ('public.other')$$, 'a member of pg_read_all_stats sees all trees');
SELECT results_eq($$SELECT root, query IS NOT NULL FROM tree_stat_slow ORDER BY at DESC$$, $$VALUES ('7', true), ('3', true), ('2', true), ('1', true)$$, 'keys and queries');
RESET ROLE;
RESET pg_tree.slow_threshold;
-- Its rows may be taken, and its call end, after the function has been left.
CREATE FUNCTION definers_rows() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$ SELECT 'row' FROM tree_build((SELECT min(id) + 4 FROM branch), 'branch') $$;
SET pg_tree.slow_threshold = 0;
SET ROLE statistics_reader;
SELECT definers_rows() LIMIT 1;
SELECT results_eq($$SELECT root, query FROM tree_stat_slow LIMIT 1$$, $$VALUES (NULL, 'SELECT definers_rows() LIMIT 1;')$$, 'nor does who calls such a function see its key, whenever it ends');
RESET ROLE;
CREATE FUNCTION definers_cursor() RETURNS refcursor LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE opened refcursor := 'definers';
BEGIN
    OPEN opened FOR SELECT 'row' FROM tree_build((SELECT min(id) + 8 FROM branch), 'branch');
    RETURN opened;
END $$;
SET ROLE statistics_reader;
BEGIN;
SET LOCAL pg_tree.enable_scan = on;
SELECT definers_cursor() \gset ignored_
\set ON_ERROR_STOP off
MOVE 1 FROM definers;
\set ON_ERROR_STOP on
COMMIT;
SELECT is_empty($$SELECT FROM tree_stat_slow WHERE root = '9'$$, 'nor who fetches from its cursor');
RESET ROLE;
BEGIN;
DECLARE opened CURSOR FOR SELECT * FROM tree_build(6, 'branch');
MOVE 1 FROM opened;
CLOSE opened;
COMMIT;
SELECT results_eq($$SELECT query FROM tree_stat_slow WHERE root = '6'$$, format('VALUES (%L::text)', CASE WHEN current_setting('pg_tree.enable_scan')::bool THEN NULL ELSE 'MOVE 1 FROM opened;' END),
    'a cursor''s call is not shown as that of the statement that ends it');
RESET pg_tree.slow_threshold;

-- --- Names, settings --------------------------------------------------------------------------------------------------------

ALTER TABLE branch RENAME TO twig;
SELECT results_eq($$SELECT tree FROM mine WHERE tree LIKE '%.twig' OR tree LIKE '%.branch'$$, $$VALUES ('public.twig')$$, 'a tree that was renamed keeps its counts');
SELECT tree_unregister('twig') \gset ignored_
SELECT isnt_empty($$SELECT FROM mine WHERE tree IN ('public.branch', 'public.twig')$$, 'so does one that is no more');
SELECT tree_stat_reset() \gset ignored_
SET pg_tree.track = off;
SELECT count(*) FROM tree_build(1, 'other') \gset ignored_
SELECT is_empty('TABLE mine', 'pg_tree.track = off: nothing is counted');
SELECT is((SELECT status FROM tree_health() WHERE check_name = 'tracking'), 'warning', 'and tree_health says so');
SET ROLE statistics_reader;
SELECT throws_ok('SET pg_tree.track = on', '42501', NULL, 'for superusers');
RESET ROLE;
RESET pg_tree.track;
SELECT count(*) FROM tree_build(1, 'other') \gset ignored_
SELECT results_eq($$SELECT DISTINCT count FROM tree_stat_responses WHERE tree = 'public.other' AND le = 'Infinity'$$, 'VALUES (1::bigint)', 'a statement that called pg_tree is one response');
SELECT sum(n) FROM generate_series(1, 5) AS g, LATERAL (SELECT count(*) AS n FROM tree_build(g, 'other')) AS d \gset ignored_
SELECT results_eq($$SELECT DISTINCT count FROM tree_stat_responses WHERE tree = 'public.other' AND le = 'Infinity'$$, 'VALUES (2::bigint)', 'however many calls it made');
CREATE FUNCTION by_function() RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; BEGIN SELECT count(*) INTO n FROM tree_build(1, 'other'); SELECT count(*) INTO n FROM tree_build(1, 'other'); RETURN n; END $$;
SELECT by_function() \gset ignored_
SELECT results_eq($$SELECT DISTINCT count FROM tree_stat_responses WHERE tree = 'public.other' AND le = 'Infinity'$$, 'VALUES (3::bigint)', 'also those of functions inside it');
CREATE FUNCTION responses() RETURNS bigint LANGUAGE sql AS $$ SELECT coalesce(max(count), 0) FROM tree_stat_responses WHERE tree = 'public.other' $$;
BEGIN;
DECLARE rows_of_other CURSOR FOR SELECT * FROM tree_build(1, 'other');
SELECT 1 AS one \gset ignored_
FETCH FROM rows_of_other \gset ignored_
FETCH FROM rows_of_other \gset ignored_
COMMIT;
SELECT is(responses(), 4::bigint, 'of a cursor, the first FETCH');
SELECT throws_ok($$SELECT 1 / (count(*) - count(*)) FROM tree_build(1, 'other')$$, '22012');
SELECT is(responses(), 5::bigint, 'a statement that has caught an error is one');
DO $$ BEGIN PERFORM FROM tree_build(1, 'other'); PERFORM FROM tree_build(1, 'other'); END $$;
SELECT is(responses(), 6::bigint, 'of a DO, the first query');
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM tree_build(1, 'other');
SELECT is(responses(), 7::bigint, 'EXPLAIN ANALYZE');
SET pg_tree.slow_threshold = '1h';
SELECT count(*) FROM tree_build(1, 'other'), pg_sleep(0.15) \gset ignored_
SELECT is((SELECT count FROM tree_stat_responses WHERE tree = 'public.other' AND le = 0.1), 7::bigint, 'a response is all of the statement,');
SELECT is((SELECT slow_calls FROM mine WHERE tree = 'public.other' AND function = 'tree_build'), 0::bigint, 'a call is what pg_tree does of it');
SET pg_tree.slow_threshold = '0.25ms';
SELECT is(current_setting('pg_tree.slow_threshold'), '250us', 'less than a millisecond may be slow');
RESET pg_tree.slow_threshold;

SELECT results_eq($$SELECT check_name FROM tree_health()$$, $$VALUES ('preloaded'), ('tracking'), ('worker'), ('cache_memory'), ('cache_evictions'), ('oversized_trees'), ('long_build'),
    ('untracked_trees'), ('p95'), ('response_p95'), ('hit_ratio'), ('error_ratio'), ('dropped_statistics'), ('recursive_queries')$$, 'the checks of tree_health');
SELECT is_empty($$SELECT * FROM tree_health() WHERE status NOT IN ('ok', 'warning', 'critical', 'unknown') OR message IS NULL OR (status IN ('warning', 'critical') AND hint IS NULL)$$, 'each with a status, a message, and a way out');
ALTER TABLE other DISABLE TRIGGER USER;
SELECT is((SELECT status FROM tree_health() WHERE check_name = 'untracked_trees'), 'warning', 'a tree whose changes go by unnoticed is a warning');
SET ROLE statistics_reader;
SELECT matches((SELECT message FROM tree_health() WHERE check_name = 'untracked_trees'), 'public.other', 'which is named to who may read it,');
RESET ROLE;
SELECT tree_register('other'), tree_register('twig', 'hidden') \gset ignored_
ALTER TABLE twig DISABLE TRIGGER USER;
SET ROLE statistics_reader;
SELECT results_eq($$SELECT status, message ~ 'twig|hidden' FROM tree_health() WHERE check_name = 'untracked_trees'$$, $$VALUES ('warning', false)$$, 'and not to others');
RESET ROLE;
ALTER TABLE other ENABLE TRIGGER USER;
SELECT tree_register('other'), tree_register('twig', 'hidden') \gset ignored_
DROP TABLE twig;
CREATE VIEW shown AS TABLE other;
SELECT tree_register('shown', id => 'id', parent => 'parent_id') \gset ignored_
SELECT results_eq($$SELECT DISTINCT tracked FROM tree_registry WHERE tree = 'shown'$$, 'VALUES (false)', 'a view is a tree');
SELECT is((SELECT message FROM tree_health() WHERE check_name = 'untracked_trees'), 'every change of every table in this database that is a tree is noticed', 'of which nobody has to do anything');
SELECT results_eq($$SELECT name, target FROM tree_slo$$, $$VALUES ('p95', 100::float8), ('response_p95', 1000), ('hit_ratio', 0.7), ('error_ratio', 0.01)$$, 'the targets');

DROP OWNED BY statistics_reader, statistics_monitor, statistics_definer;
DROP ROLE statistics_reader, statistics_monitor, statistics_definer;
SELECT * FROM finish();
