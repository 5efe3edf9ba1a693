-- What sqlsmith queries. It never puts a function in FROM by itself, so each call stands in a view, and nearly every relation that it
-- finds is one.
CREATE EXTENSION pg_tree;
CREATE SCHEMA smith;
SET search_path = smith, public;
SELECT setseed(0.5);

CREATE TABLE node (id int PRIMARY KEY, parent_id int, code text, name text, weight int, active bool);
INSERT INTO node
SELECT i, CASE WHEN i > 3 THEN 1 + floor(random() * (i - 1))::int END, CASE WHEN i % 9 > 0 THEN chr(97 + i % 20) || i % 10 END,
       CASE WHEN i % 7 > 0 THEN 'node ' || i END, i % 5, i % 11 > 0
FROM generate_series(1, 120) i;
-- Texts, of which some are stored out of line; cycles, orphans and rows that the filter rejects.
CREATE TABLE word (id text PRIMARY KEY, parent_id text, code text, name text, active bool);
ALTER TABLE word ALTER name SET STORAGE EXTERNAL;
INSERT INTO word
SELECT 'w' || i, 'w' || CASE WHEN i % 17 = 0 THEN i WHEN i % 13 = 0 THEN i + 1000 WHEN i % 19 = 0 THEN i + 1 ELSE 1 + floor(random() * i)::int END,
       CASE WHEN i % 9 > 0 THEN chr(97 + i % 20) END, CASE WHEN i % 20 = 0 THEN repeat('long ' || i, 400) ELSE 'word ' || i END, i % 8 > 0
FROM generate_series(1, 80) i;
CREATE TABLE uuids (id uuid PRIMARY KEY, parent_id uuid, code text, name text);
INSERT INTO uuids SELECT md5(i::text)::uuid, CASE WHEN i > 1 THEN md5((1 + floor(random() * (i - 1))::int)::text)::uuid END, 'c' || i % 9, 'n' || i FROM generate_series(1, 60) i;
SELECT tree_register('node');
SELECT tree_register('word', filter => 'active', order_by => 'name COLLATE "C"');
SELECT tree_register('uuids');
CREATE INDEX ON node (parent_id);
ANALYZE;

CREATE VIEW build AS SELECT * FROM tree_build(1, 'node');
CREATE VIEW build_two_levels AS SELECT * FROM tree_build(1, 'node', max_level => 1);
CREATE VIEW build_words AS SELECT * FROM tree_build('w1'::text, 'word');
CREATE VIEW build_uuids AS SELECT * FROM tree_build(md5('1')::uuid, 'uuids');
CREATE VIEW build_by_text AS SELECT * FROM tree_build('2'::text, 'node');
CREATE VIEW page AS SELECT * FROM tree_page(1, NULL, 'node', page_size => 20);
CREATE VIEW walk AS SELECT * FROM tree_walk(1, 'node');
CREATE VIEW walk_breadth AS SELECT * FROM tree_walk(2, 'node', search => 'breadth', include_start => false);
CREATE VIEW walk_words AS SELECT * FROM tree_walk('w1'::text, 'word');
CREATE VIEW walk_leaves AS SELECT id, rank, depth, path FROM tree_walk(1, 'node') WHERE is_leaf AND depth > 2;
CREATE VIEW walk_in_order AS SELECT id, rank, level FROM (SELECT *, distance AS level FROM tree_walk(1, 'node')) AS w ORDER BY rank LIMIT 30;
CREATE VIEW rows_of_node AS SELECT * FROM tree_rows(NULL::node, 1);
CREATE VIEW columns_of_node AS SELECT (t.node).*, t.level, t.rank FROM tree_rows(NULL::node, 1) AS t;
CREATE VIEW forest AS SELECT * FROM tree_forest(NULL::node);
CREATE VIEW forest_of_words AS SELECT (t.node).id, (t.node).name, t.level, t.rank FROM tree_forest(NULL::word) AS t WHERE t.level < 3;
CREATE VIEW children AS SELECT * FROM tree_children(1, 'node');
CREATE VIEW siblings AS SELECT * FROM tree_siblings(5, 'node');
CREATE VIEW ancestors AS SELECT * FROM tree_ancestors(117, 'node');
CREATE VIEW leaves AS SELECT * FROM tree_leaves(1, 'node');
CREATE VIEW drawing AS SELECT * FROM tree_draw(1, 'node') AS t(line);
-- Calls whose arguments come from other rows.
CREATE VIEW children_of_each AS SELECT n.id AS node, n.weight, c.* FROM node AS n, tree_children(n.id, 'node') AS c;
CREATE VIEW ancestors_of_each AS SELECT n.id AS node, a.id, a.depth FROM node AS n LEFT JOIN tree_ancestors(n.id, 'node') AS a ON a.depth < n.weight;
CREATE VIEW walk_of_each AS SELECT n.id AS node, w.id, w.distance, w.is_leaf FROM uuids AS n, tree_walk(n.id, 'uuids') AS w WHERE n.code > 'c6';
CREATE VIEW counts_of_each AS SELECT n.id, (SELECT count(*) FROM tree_build(n.id, 'node') AS t WHERE t.level <= n.weight) AS near FROM node AS n;
CREATE VIEW barrier WITH (security_barrier) AS SELECT * FROM tree_walk(1, 'node') WHERE depth <> 2;

-- sqlsmith does not know that operators of pseudo-types take no null of that very type; most of its statements would fail on them.
SET allow_system_table_mods = on;
DELETE FROM pg_operator WHERE oprleft::regtype::text ~ '^any(range|multirange|enum)' OR oprright::regtype::text ~ '^any(range|multirange|enum)';
RESET allow_system_table_mods;

-- Whoever runs it can read these and nothing else that sqlsmith would find, and cannot stop itself or wait.
CREATE TABLE number (n int, t text);
INSERT INTO number SELECT i, 'w' || i FROM generate_series(-1, 8) i;
REVOKE SELECT ON ALL TABLES IN SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA smith TO smith;
GRANT SELECT ON ALL TABLES IN SCHEMA smith TO smith;
DO $$
DECLARE
    function regprocedure;
BEGIN
    FOR function IN
        SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
            AND (proname IN ('pg_terminate_backend', 'pg_cancel_backend', 'set_config', 'pg_notify') OR proname ~ '^(pg_sleep|pg_(try_)?advisory_|lo_|query_to_|table_to_|schema_to_|database_to_|cursor_to_|pg_log_)')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', function);
    END LOOP;
END $$;
SELECT tree_warm(tree) FROM tree_registry;
