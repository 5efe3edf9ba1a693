-- The TreeScan plan node: where it stands in for the function scan, what it keeps of a query's conditions, what the planner and EXPLAIN
-- say. That its answers are those of the function scan is what test/scan compares at random; here is each situation by itself.

CREATE SCHEMA scan;
SET search_path = scan, public;
SET client_min_messages = warning;
\set VERBOSITY terse
SET pg_tree.enable_scan = on;
SET jit = off;

CREATE TABLE place (id int PRIMARY KEY, parent_id int REFERENCES place, code text, name text, size int);
INSERT INTO place SELECT i, nullif(i / 3, 0), 'c' || i, 'name ' || i, i % 7 FROM generate_series(1, 1000) i;
CREATE INDEX ON place (parent_id);
ANALYZE place;
SELECT tree_register('place', order_by => 'id');
CREATE VIEW answers AS
    WITH RECURSIVE t AS (
        SELECT id, code, name, parent_id, 0 AS level FROM place WHERE parent_id = 1
        UNION ALL
        SELECT p.id, p.code, p.name, p.parent_id, t.level + 1 FROM place p JOIN t ON p.parent_id = t.id)
    SELECT * FROM t;

-- The plan of a query, without what depends on the machine.
CREATE FUNCTION plan(query text, options text DEFAULT 'COSTS OFF') RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format('EXPLAIN (%s) %s', options, query);
END$$;
CREATE FUNCTION run(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT line FROM plan(query, 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF') line WHERE line !~ 'Memory|Buckets';
END$$;
CREATE FUNCTION estimate(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    tree json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO tree;
    RETURN tree -> 0 -> 'Plan' ->> 'Plan Rows';
END$$;

-- Every function that returns rows, before there is an image and after.
SELECT plan('SELECT * FROM tree_build(1)');
SELECT nodes FROM tree_warm();
SELECT f, (SELECT count(*) FROM plan('SELECT * FROM ' || f) line WHERE line ~ '^Custom Scan \(TreeScan\)') AS scans
FROM unnest('{tree_build(1),"tree_build(''1'')","tree_page(1, NULL)","tree_rows(NULL::place, 1)",tree_forest(NULL::place),tree_walk(1),tree_children(1),tree_siblings(2),tree_ancestors(900),tree_leaves(1),tree_draw(300)}'::text[]) f;
-- Not: more than one function, ordinality, rows that are locked, another than pg_tree's, the select list, the setting.
SELECT plan('SELECT * FROM ROWS FROM (tree_build(1), tree_build(2))');
SELECT plan('SELECT * FROM tree_build(1) WITH ORDINALITY');
SELECT plan('SELECT p.id FROM place p JOIN tree_build(300) t USING (id) FOR UPDATE OF p') LIKE '%TreeScan%' AS scan;
SELECT bool_or(line LIKE '%TreeScan%') AS scan FROM plan('UPDATE place SET size = 0 FROM tree_build(300) t WHERE t.id = place.id') line;
SELECT plan('SELECT tree_build(300)');
SET pg_tree.enable_scan = off;
SELECT plan('SELECT * FROM tree_build(1)');
RESET pg_tree.enable_scan;
SET pg_tree.enable_scan = on;
-- A subquery of a query that locks rows has one of its own.
SELECT bool_or(line LIKE '%TreeScan%') AS scan FROM plan('SELECT id FROM place WHERE id IN (SELECT id FROM tree_build(300) OFFSET 0) FOR UPDATE') line;

-- What comes out is the tree, in its order, whichever columns are asked for.
SELECT count(*) FROM (SELECT * FROM tree_build(1) EXCEPT ALL TABLE answers) missing;
SELECT count(*) FROM (TABLE answers EXCEPT ALL SELECT * FROM tree_build(1)) extra;
SELECT count(*) FROM tree_build(1);
SELECT level, name, level FROM tree_build(300);
SELECT t, t.level + 1 AS next, pg_typeof(t) FROM tree_build(300) t;
SELECT row_to_json(t) FROM tree_build(300) AS t(a, b) WHERE b = 'c901';
SELECT (t).node.name, (t).rank FROM tree_rows(NULL::place, 300) t;
SELECT t FROM tree_walk(3, max_distance => 1) t WHERE NOT is_leaf;
SELECT o.id, t FROM (VALUES (900), (77)) o(id) LEFT JOIN tree_build(300) t USING (id);

-- Conditions that the scan keeps.
SELECT run('SELECT * FROM tree_build(1) WHERE level <= 1');
SELECT run('SELECT id FROM tree_walk(1) WHERE 2 >= distance AND depth > 0 AND is_leaf AND rank BETWEEN 10 AND 400');
SELECT run('SELECT id FROM tree_walk(1) WHERE id = ANY (''{900,5,900,77,123456,NULL}'') AND NOT is_leaf');
SELECT run('SELECT id FROM tree_walk(1) WHERE parent_id = 300 AND name <> ''name 900''');
SELECT run('SELECT id, rank FROM tree_walk(1, search => ''breadth'') WHERE rank > 630 ORDER BY distance');
SELECT id, rank FROM tree_walk(1) WHERE id IN (900, 5, 77);
SELECT id, distance FROM tree_walk(1, search => 'breadth') WHERE id IN (900, 5, 78, 10);
SELECT id FROM tree_walk(1) WHERE parent_id = 300 AND rank < 200;
SELECT count(*) FILTER (WHERE is_leaf), count(*) FROM tree_walk(1) WHERE is_leaf IS NOT TRUE;
-- Ranks are those of the call, whatever conditions leave of it, and whatever the call leaves out.
SELECT id, rank FROM tree_walk(1) WHERE depth <= 2 AND rank >= 100;
SELECT id, rank FROM tree_walk(1, max_distance => 2) WHERE rank > 8;
SELECT id, rank FROM tree_walk(1, max_distance => 3) WHERE distance <= 1;
SELECT (node).id, rank FROM tree_rows(NULL::place, 1, max_level => 1) WHERE level = 0;
-- Comparands of every kind; null satisfies nothing.
SELECT count(*) FROM tree_build(1) WHERE level < 2::smallint AND level >= 0::bigint;
SELECT count(*) FROM tree_build(1) WHERE level < NULL::int;
SELECT count(*) FROM tree_build(1) WHERE id = ANY (NULL::int[]) OR level = 0;
SELECT count(*) FROM tree_build(1) WHERE id = ANY (NULL::bigint[]);
SELECT count(*) FROM tree_build(1) WHERE level > 9223372036854775807;
SELECT count(*) FROM tree_build(1) WHERE level > (-9223372036854775808)::bigint AND level < 9223372036854775807;
SELECT count(*) FROM tree_walk(1) WHERE rank > 5 AND rank < 3;
SELECT count(*) FROM tree_walk(1) WHERE is_leaf AND NOT is_leaf;
SELECT id FROM tree_build(1) WHERE id = (SELECT max(id) FROM tree_build(300));
SELECT o.x, t.id FROM (VALUES (0), (1), (NULL)) o(x), LATERAL tree_build(100) t WHERE t.level = o.x AND t.id < 303;
PREPARE below(int, int[]) AS SELECT id FROM tree_build(100) WHERE level <= $1 AND id = ANY ($2);
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE below(0, '{300,301,900}');
EXECUTE below(0, '{300,301,900}');
EXECUTE below(1, '{300,301,900}');
EXECUTE below(NULL, NULL);
RESET plan_cache_mode;
-- Integer keys as text: only as the server writes them is a key equal to a text.
SELECT id FROM tree_build('1') WHERE id = '900';
SELECT count(*) FROM tree_build('1') WHERE id IN ('0900', ' 900', 'x', '', '-0', '99999999999999999999');
SELECT run('SELECT id FROM tree_build(''1'') WHERE id = ''900'' COLLATE "C"');
-- A root that has no row, and one below which nothing is.
SELECT count(*) FROM tree_build(-1) WHERE level <= 3;
SELECT count(*) FROM tree_walk(-1) WHERE id = 5;

-- Clauses of others are looked at before those of whoever asks, unless these tell nobody what they see.
CREATE FUNCTION tell(x anyelement) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS $$BEGIN RAISE NOTICE 'saw %', x; RETURN true; END$$;
CREATE VIEW guarded WITH (security_barrier) AS SELECT * FROM tree_build(300) WHERE name <> 'name 901';
SELECT plan('SELECT * FROM guarded WHERE level = 0 AND tell(code)');
SET client_min_messages = notice;
SELECT id FROM guarded WHERE level = 0 AND id > 900 AND tell(code);
SET client_min_messages = warning;

-- LIMIT: nothing is made for rows that nobody takes.
SELECT run('SELECT * FROM tree_rows(NULL::place, 1) LIMIT 3');
SELECT (node).id FROM tree_rows(NULL::place, 1) OFFSET 40 LIMIT 3;
SELECT (node).id, level FROM tree_rows(NULL::place, 1) WHERE level = 1 LIMIT 3;

-- Without an image, few rows are looked for by index, however many there are.
CREATE TABLE large (id int PRIMARY KEY, parent_id int, code text);
INSERT INTO large SELECT i, nullif(i / 4, 0), 'c' || i FROM generate_series(1, 30000) i;
CREATE INDEX ON large (parent_id);
ANALYZE large;
SELECT tree_register('large');
SET pg_tree.enable_cache = off;
CREATE FUNCTION reads(query text, OUT rows bigint, OUT whole bool) LANGUAGE plpgsql AS $$
DECLARE
    before bigint := (SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relid = 'large'::regclass);
BEGIN
    EXECUTE 'SELECT count(*) FROM (' || query || ') q' INTO rows;
    whole := (SELECT seq_tup_read - before FROM pg_stat_xact_user_tables WHERE relid = 'large'::regclass) > 100;
END$$;
SELECT q, r.* FROM unnest(ARRAY['SELECT id FROM tree_build(1, ''large'') LIMIT 5', 'SELECT id FROM tree_build(1, ''large'')',
    'SELECT id FROM tree_page(1, NULL, ''large'', page_size => 5)', 'SELECT node FROM tree_rows(NULL::large, 1) OFFSET 3 LIMIT 2',
    'SELECT id FROM tree_build(1, ''large'') WHERE code > ''c2'' LIMIT 5']) q, reads(q) r;
DO $$
DECLARE
    n int;
    first text[];
    every text[] := array(SELECT t::text FROM tree_build(1, 'large') t);
    upper text[] := array(SELECT id::text FROM tree_build(1, 'large', max_level => 2));
BEGIN
    FOREACH n IN ARRAY '{1,2,3,4,5,6,7,10,33,100,333,999,1000,1001}'::int[] LOOP
        EXECUTE format('SELECT array(SELECT t::text FROM tree_build(1, ''large'') t LIMIT %s)', n) INTO first;
        IF first IS DISTINCT FROM every[1:n] THEN
            RAISE WARNING 'the first % of tree_build are %', n, first;
        END IF;
        EXECUTE format('SELECT array(SELECT t::text FROM tree_page(1, NULL, ''large'', %s) t)', n) INTO first;
        IF first IS DISTINCT FROM every[1:n] THEN
            RAISE WARNING 'the first % of tree_page are %', n, first;
        END IF;
        EXECUTE format('SELECT array(SELECT (node).id FROM tree_rows(NULL::large, 1, max_level => 2) t LIMIT %s)', n) INTO first;
        IF first IS DISTINCT FROM upper[1:n] THEN
            RAISE WARNING 'the first % of tree_rows are %', n, first;
        END IF;
    END LOOP;
END$$;
RESET pg_tree.enable_cache;
SELECT tree_unregister('large');

-- Sort order: the rows come by rank, and ancestors by depth.
SELECT plan('SELECT * FROM tree_walk(1) ORDER BY rank');
SELECT plan('SELECT * FROM tree_walk(1) ORDER BY rank DESC');
SELECT plan('SELECT id FROM tree_ancestors(900) ORDER BY depth');
SELECT plan('SELECT id FROM tree_build(1) ORDER BY level');
SELECT id FROM tree_ancestors(900) ORDER BY depth;

-- Estimates: exact for a root that is known, an average for one that is not.
SELECT r, estimate(format('SELECT * FROM tree_build(%s)', r)), (SELECT count(*) FROM tree_build(r)) FROM unnest('{1,2,3,100,333}'::int[]) r;
SELECT estimate('SELECT * FROM tree_build(1, max_level => 3)'), (SELECT count(*) FROM tree_build(1, max_level => 3));
SELECT estimate('SELECT * FROM tree_walk(1) WHERE distance BETWEEN 2 AND 3'), (SELECT count(*) FROM tree_walk(1) WHERE distance BETWEEN 2 AND 3);
SELECT estimate('SELECT * FROM tree_walk(1) WHERE is_leaf'), (SELECT count(*) FROM tree_walk(1) WHERE is_leaf);
SELECT estimate('SELECT * FROM tree_walk(1) WHERE rank > 100 AND rank <= 150');
SELECT estimate('SELECT * FROM tree_build(1) WHERE id IN (5, 10, 12345)'), estimate('SELECT * FROM tree_build(1) WHERE parent_id = 10');
SELECT estimate('SELECT * FROM tree_leaves(1)'), (SELECT count(*) FROM tree_leaves(1));
SELECT estimate('SELECT * FROM tree_forest(NULL::place)'), estimate('SELECT * FROM tree_page(1, 900, page_size => 7)'), estimate('SELECT * FROM tree_page(1, 999, page_size => 7)');
SELECT estimate('SELECT * FROM tree_children(1)'), estimate('SELECT * FROM tree_siblings(10)'), estimate('SELECT * FROM tree_ancestors(900)'), estimate('SELECT * FROM tree_draw(300)');
SELECT estimate('SELECT * FROM tree_build(NULL::int)'), estimate('SELECT * FROM tree_build(4711)');
SELECT estimate('SELECT a.id FROM place p, tree_ancestors(p.id) a') BETWEEN 5000 AND 6000 AS average;
-- Keys are distinct: a join with a table by them gives no more rows than the smaller side has.
SELECT estimate('SELECT * FROM tree_build(100) t JOIN place p ON p.id = t.id') = estimate('SELECT * FROM tree_build(100)') AS as_many;
-- What is wrong with a call is said when it runs, not when it is planned.
SELECT plan('SELECT * FROM tree_build(1, ''nowhere'')');
SELECT plan('SELECT * FROM tree_build(1, ''no..name'')');
SELECT plan('SELECT * FROM tree_build(''x'')');
SELECT plan('SELECT * FROM tree_build(gen_random_uuid()::uuid)') LIMIT 1;
SELECT * FROM tree_build(1, 'nowhere');

-- EXPLAIN, as JSON: the same, for programs.
CREATE FUNCTION node(query text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    tree json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON) ' || query INTO tree;
    RETURN tree -> 0 -> 'Plan';
END$$;
SELECT key, value FROM json_each(node('SELECT id FROM tree_walk(1) WHERE distance < 2 AND is_leaf'));
SET pg_tree.enable_cache = off;
SELECT key, value FROM json_each(node('SELECT id FROM tree_build(300)')) WHERE key ~ 'Cache|Bypass';
SELECT run('SELECT id FROM tree_build(300)');
RESET pg_tree.enable_cache;
SELECT run('SELECT a.id FROM place p, LATERAL tree_ancestors(p.id) a WHERE p.id < 5');

-- Runs again: with other arguments, with the same ones, with volatile ones, with none.
SELECT p.id, t.id FROM place p LEFT JOIN LATERAL tree_children(p.id) t ON true WHERE p.id IN (1, 300, 999);
SELECT p.id, (SELECT string_agg(t.id::text, ' ') FROM tree_ancestors(p.id) t) FROM place p WHERE p.id BETWEEN 98 AND 101;
SELECT x, (SELECT count(*) FROM tree_build(x)) FROM unnest('{1,NULL,300}'::int[]) x;
SET enable_material = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
SELECT run('SELECT count(*) FROM (VALUES (1), (2)) o(x), tree_build(300) t WHERE o.x <> t.level');
SELECT o.x, t.id FROM (VALUES (1), (2), (1)) o(x) JOIN tree_build(300) t ON t.id % 2 = o.x % 2 OR o.x = 2;
CREATE SEQUENCE calls;
SELECT count(*), count(DISTINCT t.id) FROM (VALUES (1), (2), (3)) o(x), LATERAL (SELECT id FROM tree_build(nextval('calls') + 299) t WHERE t.level < o.x OFFSET 0) t;
SELECT last_value FROM calls;
RESET enable_material; RESET enable_hashjoin; RESET enable_mergejoin;
-- The tree's name can change from row to row, too.
CREATE TABLE other (id int PRIMARY KEY, parent_id int);
INSERT INTO other VALUES (1, NULL), (300, 1), (301, 300);
SELECT tree_register('other');
SELECT o.tree, t.id FROM (VALUES ('place'), ('other'), ('place')) o(tree), LATERAL tree_build(300, o.tree) t;
SELECT tree_unregister('other');

-- Cursors, in both directions.
BEGIN;
DECLARE c CURSOR FOR SELECT id, level FROM tree_build(100) WHERE id <> 301;
FETCH 3 FROM c;
FETCH BACKWARD 2 FROM c;
FETCH FORWARD 1 FROM c;
FETCH LAST FROM c;
FETCH NEXT FROM c;
FETCH PRIOR FROM c;
FETCH ABSOLUTE 2 FROM c;
FETCH RELATIVE -5 FROM c;
FETCH FIRST FROM c;
MOVE ALL FROM c;
FETCH BACKWARD ALL FROM c;
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM tree_build(900);
FETCH BACKWARD 1 FROM c;
FETCH 1 FROM c;
FETCH BACKWARD 1 FROM c;
COMMIT;

-- A cursor outlives a savepoint, and rows that it reads later are those of its snapshot.
BEGIN;
SAVEPOINT before;
DECLARE c CURSOR FOR SELECT id FROM tree_build(100);
FETCH 2 FROM c;
DELETE FROM place WHERE id = 900;
RELEASE before;
SAVEPOINT after;
FETCH 1 FROM c;
INSERT INTO place VALUES (2000, 302);
ROLLBACK TO after;
FETCH ALL FROM c;
SELECT count(*) FROM tree_build(100);
ROLLBACK;
BEGIN;
SAVEPOINT inside;
DECLARE c CURSOR FOR SELECT id FROM tree_build(100);
FETCH 2 FROM c;
ROLLBACK TO inside;
FETCH 1 FROM c;
ROLLBACK;
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT id FROM tree_build(100);
FETCH 2 FROM c;
DELETE FROM place WHERE id = 900;
COMMIT;
FETCH ALL FROM c;
CLOSE c;
INSERT INTO place VALUES (900, 300, 'c900', 'name 900', 4);
SELECT nodes FROM tree_warm();

-- While it is open the table is in use.
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM tree_build(1);
FETCH 1 FROM c;
SAVEPOINT s;
DROP TABLE place CASCADE;
ROLLBACK TO s;
TRUNCATE place;
ROLLBACK TO s;
ALTER TABLE place ALTER size TYPE bigint;
ROLLBACK TO s;
CLOSE c;
ALTER TABLE place ALTER size TYPE bigint;
SELECT count(*) FROM tree_build(1);
ROLLBACK;

-- An error in the middle, caught or not.
SELECT 1 / (level - 2) FROM tree_build(1);
DO $$
DECLARE
    r record;
    n int := 0;
BEGIN
    FOR i IN 1..3 LOOP
        BEGIN
            FOR r IN SELECT 1 / (level - 2) FROM tree_build(1) LOOP n := n + 1; END LOOP;
        EXCEPTION WHEN division_by_zero THEN
            n := n + 1000;
        END;
    END LOOP;
    RAISE WARNING '%', n;
END$$;
SELECT count(*) FROM tree_build(1);

-- Rights: on the function, when the query starts, explained or run; numbers of a table only to those who may read it.
CREATE ROLE scan_reader;
CREATE ROLE scan_stranger;
GRANT USAGE ON SCHEMA scan TO scan_reader, scan_stranger;
GRANT SELECT ON place TO scan_reader;
REVOKE EXECUTE ON FUNCTION tree_build(bigint, text, int) FROM PUBLIC;
SET ROLE scan_reader;
SELECT count(*) FROM tree_build(1);
EXPLAIN SELECT count(*) FROM tree_build(1);
SELECT count(*) FROM tree_walk(1);
RESET ROLE;
GRANT EXECUTE ON FUNCTION tree_build(bigint, text, int) TO PUBLIC;
SET ROLE scan_reader;
SELECT estimate('SELECT * FROM tree_build(3)');
SET ROLE scan_stranger;
SELECT estimate('SELECT * FROM tree_build(3)');
SELECT plan('SELECT * FROM tree_build(3, ''place'')');
SELECT * FROM tree_build(3, 'place');
RESET ROLE;
ALTER TABLE place ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON place FOR SELECT TO scan_reader USING (id < 5);
SET ROLE scan_reader;
SELECT estimate('SELECT * FROM tree_build(3)') = 1000 AS unknown, (SELECT count(*) FROM tree_build(1));
SELECT run('SELECT * FROM tree_build(1)');
RESET ROLE;
ALTER TABLE place DISABLE ROW LEVEL SECURITY;
DROP OWNED BY scan_reader, scan_stranger;
DROP ROLE scan_reader, scan_stranger;
-- Altered functions are called as they are meant.
ALTER FUNCTION tree_walk(bigint, text, text, bool, int) STRICT;
SELECT count(*) FROM tree_walk(1);
SELECT count(*) FROM tree_walk(1, 'place', max_distance => 3);
ALTER FUNCTION tree_walk(bigint, text, text, bool, int) CALLED ON NULL INPUT;
ALTER FUNCTION tree_walk(bigint, text, text, bool, int) SET search_path = pg_catalog;
SELECT plan('SELECT count(*) FROM tree_walk(1)');
SELECT count(*) FROM tree_walk(1);
ALTER FUNCTION tree_walk(bigint, text, text, bool, int) RESET search_path;
SET track_functions = 'all';
SELECT count(*) FROM tree_walk(1);
SELECT pg_stat_force_next_flush();
SELECT calls FROM pg_stat_user_functions WHERE funcname = 'tree_walk';
RESET track_functions;

-- A function that remembers its image from call to call, called by the statement that changes the tree: the second row sees the first one's change.
CREATE TABLE moved (id int PRIMARY KEY, parent_id int, depth int);
INSERT INTO moved SELECT i, nullif(i / 3, 0) FROM generate_series(1, 1000) i;
SELECT tree_register('moved');
CREATE FUNCTION depth_now(i int) RETURNS int LANGUAGE plpgsql AS $$BEGIN RETURN tree_depth(i, 'moved'); END$$;
SELECT nodes FROM tree_warm('moved');
BEGIN;
INSERT INTO other VALUES (999);
UPDATE moved SET parent_id = 1, depth = depth_now(900) WHERE id IN (100, 300) RETURNING id, depth;
ROLLBACK;
SELECT tree_unregister('moved');

-- Bounds at the ends of bigint, below a node that is deep; a walk whose first level is not in it.
SELECT count(*) FROM tree_build(27) WHERE level >= 9223372036854775807;
SELECT count(*) FROM tree_build(27) WHERE level < 9223372036854775807;
SELECT count(*) FROM tree_walk(27) WHERE distance > 9223372036854775806;
SELECT count(*) FROM tree_walk(27) WHERE distance > -9223372036854775806;
SELECT count(*) FROM tree_walk(27, search => 'breadth') WHERE distance >= 9223372036854775807;
SELECT path FROM tree_walk(27, include_start => false, max_distance => 0);
SELECT id FROM tree_walk(27, search => 'breadth', include_start => false, max_distance => 0);
-- Where there can be no rows a comparand is not looked at.
CREATE TABLE zero AS SELECT 0 AS zero;
SELECT count(*) FROM tree_build(NULL::int) WHERE level < (SELECT 1 / zero FROM zero);
SELECT count(*) FROM tree_build(1) WHERE level < (SELECT 1 / zero FROM zero);
-- A function that is inlined is costed without a query.
CREATE FUNCTION twice(x text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT x || x';
SELECT count(twice) FROM (SELECT twice(tree_draw(300))) q;
SELECT twice(tree_draw(1, 'nowhere'));
-- A registration that does not fit its table any more: planning such a call is no error, running it is.
CREATE TABLE misfit (id int PRIMARY KEY, parent_id int, name text);
SELECT tree_register('misfit');
ALTER TABLE misfit DROP COLUMN name;
SELECT plan('SELECT * FROM tree_build(1, ''misfit'')');
SELECT CASE WHEN size < 0 THEN (SELECT count(*) FROM tree_build(1, 'misfit')) END FROM place WHERE id = 1;
SELECT * FROM tree_build(1, 'misfit');
DROP TABLE misfit;
-- Many children, of which one is wanted.
CREATE TABLE star (id int PRIMARY KEY, parent_id int, name text);
INSERT INTO star SELECT i, CASE WHEN i > 1 THEN 1 END, 'n' || i FROM generate_series(1, 100000) i;
SELECT tree_register('star', order_by => 'id');
SELECT nodes FROM tree_warm('star');
SELECT id FROM tree_build(1, 'star') WHERE parent_id = 1 OFFSET 5 LIMIT 2;
SELECT id, rank FROM tree_walk(1, 'star') WHERE parent_id = 1 AND rank BETWEEN 10 AND 11;
SELECT estimate('SELECT * FROM tree_build(1, ''star'') WHERE parent_id = 1'), estimate('SELECT * FROM tree_walk(1, ''star'') WHERE is_leaf');
DROP TABLE star;
-- Whole rows are read a few at a time, by whoever opened the call, from tables that stay what they were.
CREATE TABLE parted (id int PRIMARY KEY, parent_id int, name text) PARTITION BY RANGE (id);
CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (100);
CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (100) TO (1000);
INSERT INTO parted SELECT i, nullif(i / 2, 0), 'n' || i FROM generate_series(1, 300) i;
SELECT tree_register('parted');
SELECT nodes FROM tree_warm('parted');
CREATE ROLE scan_few;
GRANT USAGE ON SCHEMA scan TO scan_few;
GRANT SELECT (id) ON parted TO scan_few;
ALTER TABLE parted ENABLE ROW LEVEL SECURITY;
BEGIN;
DECLARE c CURSOR FOR SELECT (node).id FROM tree_rows(NULL::parted, 1);
FETCH 1 FROM c;
SAVEPOINT s;
TRUNCATE parted_high;
ROLLBACK TO s;
SET LOCAL ROLE scan_few;
MOVE 100 FROM c;
FETCH 2 FROM c;
SELECT current_user;
RESET ROLE;
MOVE ALL FROM c;
CLOSE c;
TRUNCATE parted_high;
SELECT count(*) FROM tree_rows(NULL::parted, 1);
ROLLBACK;
DROP TABLE parted;
DROP OWNED BY scan_few;
DROP ROLE scan_few;

-- Inlined SQL functions, views, UNION ALL, in plans of all kinds.
CREATE FUNCTION below(root int) RETURNS TABLE (id bigint, level int) LANGUAGE sql STABLE AS $$SELECT id, level FROM tree_build(root)$$;
SELECT plan('SELECT * FROM below(300) WHERE level = 0');
SELECT plan('SELECT id FROM tree_build(300) UNION ALL SELECT id + 1 FROM tree_children(300)');
SELECT id FROM tree_build(300) UNION ALL SELECT id + 1 FROM tree_children(300);
SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SELECT bool_or(line ~ 'Gather') AS parallel, bool_or(line ~ 'TreeScan') AS scan FROM plan('SELECT count(*) FROM place p JOIN tree_build(1) t ON t.id = p.id') line;
SELECT count(*) FROM place p JOIN tree_build(1) t ON t.id = p.id;
RESET max_parallel_workers_per_gather; RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size;
-- A plan that is kept knows nothing of the table: it is asked for anew in each run.
PREPARE kept AS SELECT count(*) FROM tree_build(1);
EXECUTE kept;
INSERT INTO place VALUES (2001, 1);
EXECUTE kept;
SELECT tree_register('place', filter => 'size IS NOT NULL');
EXECUTE kept;
SELECT tree_unregister('place');
EXECUTE kept;

DROP SCHEMA scan CASCADE;
