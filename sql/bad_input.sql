-- What users get wrong, and what data get wrong: a clear error, or the answer the recursive query would give if it came to
-- an end. Messages come with their SQLSTATE.
CREATE SCHEMA bad_input;
SET search_path = bad_input, public;
CREATE FUNCTION try(statement text) RETURNS TABLE (state text, message text, detail text, hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN QUERY VALUES ('00000', 'no error', NULL, NULL);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    detail := nullif(detail, '');
    hint := nullif(hint, '');
    RETURN NEXT;
END $$;
\pset expanded on
\pset null (none)

-- No tree is registered.
SELECT * FROM try('SELECT * FROM tree_build(1)');
SELECT * FROM try('SELECT tree_path(1)');
SELECT * FROM try('SELECT tree_wrapper_sql()');
CREATE TABLE t (id int PRIMARY KEY, parent_id int, code text, name text, active bool, note varchar(5), "Mixed" text);
INSERT INTO t VALUES (1, NULL, 'a', 'A', true), (2, 1, 'b', 'B', true), (3, 2, 'c', 'C', true);
SELECT * FROM try('SELECT * FROM tree_build(1, ''t'')');
SELECT * FROM try('SELECT * FROM tree_rows(NULL::t, 1)');
SELECT * FROM try('SELECT * FROM tree_rows(NULL::int, 1)');
SELECT * FROM try('SELECT * FROM tree_forest(NULL::text)');
SELECT * FROM try('SELECT * FROM tree_rows(NULL, 1)');

-- Registering what cannot be registered.
SELECT * FROM try('SELECT tree_register(NULL)');
SELECT * FROM try('SELECT tree_register(''nothing'')');
SELECT state FROM try('SELECT tree_register(0)');
SELECT state FROM try('SELECT tree_register(4294967295::oid)');
SELECT * FROM try('SELECT tree_register(''t'', id => ''nothing'')');
SELECT * FROM try('SELECT tree_register(''t'', parent => ''nothing'')');
SELECT * FROM try('SELECT tree_register(''t'', code => ''nothing'')');
SELECT * FROM try('SELECT tree_register(''t'', name => ''nothing'')');
SELECT * FROM try('SELECT tree_register(''t'', order_by => ''nothing'')');
SELECT * FROM try('SELECT tree_register(''t'', filter => ''nothing'')');
SELECT * FROM try('SELECT tree_register(''t'', id => ''mixed'')');
SELECT * FROM try('SELECT tree_register(''t'', id => ''ctid'')');
SELECT * FROM try('SELECT tree_register(''t'', id => ''id'', parent => ''id'')');
CREATE TABLE without (key int PRIMARY KEY, up int);
SELECT * FROM try('SELECT tree_register(''without'')');
SELECT * FROM try('SELECT tree_register(''without'', id => ''key'')');
-- Key and parent of different types, or collations.
SELECT * FROM try('SELECT tree_register(''t'', parent => ''code'')');
CREATE TABLE mixed (id int PRIMARY KEY, parent_id bigint, t text COLLATE "C" UNIQUE, u text COLLATE "POSIX", v varchar(3) COLLATE "C");
SELECT * FROM try('SELECT tree_register(''mixed'')');
SELECT * FROM try('SELECT tree_register(''mixed'', id => ''t'', parent => ''u'')');
SELECT * FROM try('SELECT tree_register(''mixed'', id => ''t'', parent => ''v'')');
-- The key is not unique: no index, one with a condition, on more columns, on an expression, invalid.
CREATE TABLE loose (id int, parent_id int, shard int, name text);
SELECT * FROM try('SELECT tree_register(''loose'')');
CREATE INDEX ON loose (id);
CREATE UNIQUE INDEX ON loose (id) WHERE id > 0;
CREATE UNIQUE INDEX ON loose (id, shard);
CREATE UNIQUE INDEX ON loose ((id + 0));
SELECT * FROM try('SELECT tree_register(''loose'')');
CREATE UNIQUE INDEX loose_id ON loose (id) INCLUDE (name);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'loose_id'::regclass;
SELECT * FROM try('SELECT tree_register(''loose'')');
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'loose_id'::regclass;
SELECT * FROM try('SELECT tree_register(''loose'')');
DROP TABLE loose;
-- A key's type must be one that can be looked up.
CREATE TABLE odd (id point, parent_id point, j json, j_parent json);
SELECT * FROM try('SELECT tree_register(''odd'')');
SELECT * FROM try('SELECT tree_register(''odd'', id => ''j'', parent => ''j_parent'')');

-- Expressions: not boolean, not an expression, not only about the row.
CREATE FUNCTION own(t) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION own_text(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE DOMAIN checked AS text CHECK (own_text(VALUE) IS NOT NULL);
CREATE FUNCTION own_less(text, text) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR <<< (LEFTARG = text, RIGHTARG = text, FUNCTION = own_less);
CREATE TYPE own_type AS (a text);
CREATE FUNCTION own_cast(text) RETURNS own_type LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1)::bad_input.own_type';
CREATE CAST (text AS own_type) WITH FUNCTION own_cast (text);
CREATE AGGREGATE own_sum (int) (SFUNC = int4pl, STYPE = int);
\pset expanded off
\pset format unaligned
SELECT filter, state, message
FROM unnest(ARRAY[
    'code', 'id', '1', 'NULL::int', 'name || code', '',  ' ', '--', '/*', ';', 'active; DROP TABLE t', 'active, active', 'active AS a', 'DISTINCT active',
    'active and', '(active', 'active)', '''', '"', '$$', '$1', ':x', '?', '*', 't.*', 'other.active', 'active FROM t', 'active INTO x', 'active WHERE true', 'active LIMIT 1',
    'active ORDER BY 1', 'active FOR UPDATE', 'active GROUP BY 1', 'true UNION SELECT true', 'true) UNION SELECT (true', 'true) UNION SELECT true --',
    'true)); DROP TABLE t; --', 'VALUES (true)', 'active OFFSET 0', 'active HAVING true', 'active WINDOW w AS ()',
    'random() < 0.5', 'now() > ''2000-01-01''', 'clock_timestamp() IS NULL', 'current_user = ''x''', 'current_setting(''x'') = ''x''', 'code = current_date::text', 'to_char(now(), ''D'') = ''1''',
    'code::timestamptz IS NULL', 'nextval(''s'') > 0', 'pg_sleep(0) IS NULL', 'txid_current() > 0',
    'EXISTS (SELECT 1)', '(SELECT true)', 'id IN (SELECT id FROM t)', 'id = ANY (ARRAY(SELECT 1))',
    'count(*) > 0', 'sum(id) > 0', 'own_sum(id) > 0', 'row_number() OVER () = 1', 'generate_series(1, 2) = 1', 'unnest(ARRAY[true])',
    'own(t)', 't.own', 'own_text(code) = ''x''', 'code = own_text(''x'')', 'code <<< ''x''', 'code OPERATOR(bad_input.<<<) ''x''', 'code::checked IS NULL', '(code::own_type).a IS NULL', 'coalesce(code, own_text(name)) IS NULL',
    'CASE WHEN active THEN own_text(code) END IS NULL', 'ctid IS NULL', 'tableoid = 0', 'xmin IS NULL', 't.ctid IS NULL', 'nothing(code)', 'code + 1 = 2', '1/0 = 1', 'active COLLATE "C"', 'GROUPING(active) = 1', 'DEFAULT', 'CURRENT OF c', 'MERGE_ACTION() = ''x'''
]) AS filter, try(format('SELECT tree_register(''t'', filter => %L)', filter));
SELECT name, state, message
FROM unnest(ARRAY['', '*', 'name, code', 'name AS x', 'random()', 'own_text(name)', '(SELECT ''x'')', 'max(name)', 'name)::text FROM t --', 'upper(name', 'generate_series(1, 3)', 'name, (SELECT 1)',
                  'jsonb_each(NULL)', 'ctid', 'other.name', 'now()', 'session_user', 'name UNION SELECT ''x''']) AS name,
     try(format('SELECT tree_register(''t'', name => %L)', name));
SELECT order_by, state, message
FROM unnest(ARRAY['', '*', '1', '-1', '''x''', 'NULL', 'code,', ',code', 'code DESC ASC', 'code USING <', 'code USING >', 'random()', 'own_text(code)', '(SELECT 1)', 'count(*)', 'code LIMIT 1', 'code FOR UPDATE',
                  'code; DROP TABLE t', 'code) --', 'code NULLS', 'code COLLATE nothing', 'id COLLATE "C"', 'ctid', 'point(1, 2)', 'generate_series(1, 3)',
                  'code OFFSET 1', 'now()', 'row_number() OVER ()']) AS order_by,
     try(format('SELECT tree_register(''t'', order_by => %L)', order_by));
-- No more than sixteen columns to sort by.
SELECT state, message FROM try(format('SELECT tree_register(''t'', order_by => %L)', (SELECT string_agg('id + ' || i, ', ') FROM generate_series(1, 17) AS i)));
\pset format aligned
\pset expanded on
-- Nothing of all this stayed behind.
SELECT count(*) FROM t;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 't'::regclass;

-- Names of trees.
SELECT tree_register('t');
CREATE TABLE u (id int PRIMARY KEY, parent_id int);
SELECT tree_register('u');
SELECT * FROM try('SELECT * FROM tree_build(1)');
SELECT * FROM try('SELECT tree_lca(1, 2)');
SELECT * FROM try('SELECT * FROM tree_build(1, ''v'')');
SELECT * FROM try('SELECT * FROM tree_build(1, ''T'')');
SELECT * FROM try('SELECT * FROM tree_build(1, ''"T"'')');
SELECT * FROM try('SELECT * FROM tree_build(1, ''nowhere.t'')');
SELECT * FROM try('SELECT * FROM tree_build(1, ''public.t'')');
SELECT * FROM try('SELECT * FROM tree_build(1, ''a.b.t'')');
SELECT * FROM try('SELECT * FROM tree_build(1, '''')');
SELECT * FROM try('SELECT * FROM tree_build(1, ''t; DROP TABLE t'')');
SELECT * FROM try('SELECT * FROM tree_build(1, ''"'')');
SELECT * FROM try('SELECT * FROM tree_build(1, ''t'''''')');
SELECT * FROM try('SELECT * FROM tree_rows(NULL::t, 1, ''u'')');
SELECT * FROM try('SELECT tree_unregister(''v'')');
CREATE TABLE "Big" (id int PRIMARY KEY, parent_id int);
SELECT tree_register('"Big"');
SELECT * FROM try('SELECT * FROM tree_build(1, ''Big'')');
DROP TABLE u, "Big";

-- Keys that are none, and keys at and beyond the ends of their type.
SELECT * FROM try('SELECT * FROM tree_build(''x'')');
SELECT * FROM try('SELECT tree_path('''')');
SELECT * FROM try('SELECT * FROM tree_build(gen_random_uuid())');
SELECT * FROM try('SELECT * FROM tree_build(''99999999999'')');
SELECT * FROM try('SELECT * FROM tree_build(1.5)');
SELECT * FROM try('SELECT * FROM tree_build(true)');
\pset expanded off
SELECT count(*) FROM tree_build(2147483648);
SELECT count(*) FROM tree_build(-9223372036854775808);
SELECT count(*) FROM tree_build(4294967297);  -- 1, were it cut to 32 bits
SELECT tree_path(4294967297), tree_depth(4294967298), tree_descendant_count(4294967297), tree_contains(1, 4294967298), tree_contains(4294967297, 2), tree_lca(4294967298, 2), tree_json(4294967297);
SELECT count(*) FROM tree_walk(4294967297);
SELECT count(*) FROM tree_children(4294967297);
SELECT count(*) FROM tree_siblings(4294967298);
SELECT count(*) FROM tree_leaves(4294967297);
SELECT count(*) FROM tree_draw(4294967297);
SELECT count(*) FROM tree_rows(NULL::t, 4294967297);
SELECT tree_unregister('t');
CREATE TABLE small (id smallint PRIMARY KEY, parent_id smallint);
INSERT INTO small VALUES (-32768, NULL), (32767, -32768), (0, 32767), (-1, 0);
SELECT tree_register('small');
SELECT * FROM tree_build(-32768);
SELECT tree_path(-1), tree_path(32767), tree_root(0);
SELECT count(*) FROM tree_build(32768);
SELECT count(*) FROM tree_build(65535);
SELECT tree_depth(65536), tree_depth(-32769);
DROP TABLE small;
CREATE TABLE medium (id int PRIMARY KEY, parent_id int);
INSERT INTO medium VALUES (-2147483648, NULL), (2147483647, -2147483648), (0, 2147483647);
SELECT tree_register('medium');
SELECT * FROM tree_build(-2147483648);
SELECT tree_path(0), tree_path('2147483647');
DROP TABLE medium;
CREATE TABLE large (id bigint PRIMARY KEY, parent_id bigint);
INSERT INTO large VALUES (-9223372036854775808, NULL), (9223372036854775807, -9223372036854775808), (0, 9223372036854775807), (-1, 0);
SELECT tree_register('large');
SELECT * FROM tree_build(-9223372036854775808);
SELECT tree_path(-1), tree_root(9223372036854775807), tree_lca(-1, 9223372036854775807);
SELECT state, message FROM try('SELECT * FROM tree_build(''x'')');
SELECT state, message FROM try('SELECT * FROM tree_build(''9223372036854775808'')');
DROP TABLE large;

-- NULL keys, roots that are their own parents, sentinels without a row.
CREATE TABLE holes (id int UNIQUE, parent_id int, name text);
INSERT INTO holes VALUES (1, 1, 'own parent'), (2, 1, 'a'), (NULL, 1, 'no key'), (NULL, 1, 'no key either'), (3, 2, 'b'), (NULL, NULL, 'nothing'),
    (10, -1, 'under -1'), (11, 10, 'c'), (20, 0, 'under 0'), (21, 20, 'd'), (NULL, 21, 'no key below');
SELECT tree_register('holes');
SELECT * FROM tree_build(1);
SELECT * FROM tree_build(-1);
SELECT * FROM tree_build(0);
SELECT * FROM tree_build(NULL);
SELECT level, rank, node FROM tree_forest(NULL::holes);
SELECT id, name, distance, children, descendants, is_leaf, is_cycle, root_id FROM tree_walk(1);
SELECT id, name, depth FROM tree_children(1);
SELECT id, name, depth FROM tree_siblings(2);
SELECT id, name, depth FROM tree_leaves(0);
SELECT tree_json(20);
SELECT tree_draw(20);
SELECT tree_path(-1), tree_depth(10), tree_depth(20), tree_root(21), tree_path_text(21), tree_is_ancestor(-1, 10), tree_descendant_count(0);
DROP TABLE holes;

-- Cycles: of one row, which is a root; of two; with a tail; beside a tree. Nothing runs for ever, nothing comes twice.
CREATE TABLE cycle (id int PRIMARY KEY, parent_id int, name text);
INSERT INTO cycle VALUES (1, 1, 'one'), (10, 11, 'ten'), (11, 10, 'eleven'), (12, 11, 'twelve'), (13, 12, 'thirteen'), (14, 10, 'fourteen'), (20, NULL, 'tree'), (21, 20, 'below');
SELECT tree_register('cycle');
SELECT * FROM tree_build(1);
SELECT * FROM tree_build(10);
SELECT * FROM tree_build(11);
SELECT * FROM tree_build(12);
SELECT id, level FROM tree_build(10, max_level => 0);
SELECT id, level FROM tree_build(10, max_level => 1);
SELECT id, depth, distance, rank, children, descendants, is_leaf, is_cycle, root_id, path FROM tree_walk(10);
SELECT id, depth, distance, rank, children, descendants, is_leaf, is_cycle, root_id, path FROM tree_walk(11, search => 'breadth');
SELECT id, depth, distance, rank, children, descendants, is_leaf, is_cycle, root_id, path FROM tree_walk(12);
SELECT id, depth, distance, rank, children, descendants, is_leaf, is_cycle, root_id, path FROM tree_walk(1);
SELECT node, tree_path(node), tree_path_text(node), tree_depth(node), tree_root(node), tree_descendant_count(node),
       array(SELECT id FROM tree_ancestors(node)) AS ancestors, array(SELECT depth FROM tree_ancestors(node)) AS depths, array(SELECT id FROM tree_siblings(node)) AS siblings,
       array(SELECT id FROM tree_children(node)) AS children, array(SELECT id FROM tree_leaves(node)) AS leaves
FROM unnest(ARRAY[1, 10, 11, 12, 13, 14]) AS node;
SELECT a, b, tree_is_ancestor(a, b), tree_contains(a, b), tree_lca(a, b)
FROM (VALUES (10, 10), (10, 11), (11, 10), (10, 13), (12, 13), (10, 20), (1, 1), (1, 10)) AS pair (a, b);
SELECT tree_json(10);
SELECT tree_draw(10);
SELECT tree_draw(12);
SELECT (node).id, level FROM tree_forest(NULL::cycle);
SELECT array(SELECT id FROM tree_page(10, 11)), array(SELECT id FROM tree_page(10, NULL, page_size => 2)), array(SELECT id FROM tree_page(10, 10));
-- Of ten thousand rows, asked from outside, from inside, from a tail that hangs from it.
TRUNCATE cycle;
INSERT INTO cycle SELECT i, CASE i WHEN 1 THEN 10000 ELSE i - 1 END, 'n' FROM generate_series(1, 10000) AS i;
INSERT INTO cycle VALUES (10001, 5000, 'tail'), (10002, 10001, 'tail'), (0, NULL, 'tree');
SELECT count(*), count(DISTINCT id), max(level), bool_or(id = 5000) FROM tree_build(5000);
SELECT count(*) FROM tree_build(10001);
SELECT count(*) FROM tree_build(0);
SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE is_cycle) AS on_cycle, count(depth), count(root_id), min(cardinality(path)), max(cardinality(path)), min(descendants) FILTER (WHERE is_cycle), max(descendants) FROM tree_walk(1, max_distance => 20);
SELECT count(*), count(DISTINCT id), count(depth) FROM tree_ancestors(10002);
SELECT cardinality(tree_path(10002)), cardinality(tree_path(1)), tree_depth(10002), tree_depth(7), tree_root(7), tree_descendant_count(7), tree_descendant_count(10001), length(tree_path_text(7, separator => ''));
SELECT tree_is_ancestor(9999, 2), tree_is_ancestor(2, 2), tree_contains(2, 2), tree_is_ancestor(10001, 2), tree_lca(10002, 7), tree_lca(0, 7);
SELECT (node).id FROM tree_forest(NULL::cycle);
SELECT count(*) FROM tree_draw(5000);
SELECT count(*) FROM tree_leaves(5000);
-- A chain of as many, for which nothing recurses.
UPDATE cycle SET parent_id = NULL WHERE id = 1;
SELECT count(*), max(level) FROM tree_build(1);
SELECT tree_depth(10000), cardinality(tree_path(10000)), json_typeof(tree_json(9000));
DROP TABLE cycle;

-- Duplicates in a view.
CREATE TABLE behind (id int, parent_id int, code text);
INSERT INTO behind VALUES (1, NULL, 'r'), (2, 1, 'a'), (3, 1, 'b'), (4, 2, 'c'), (4, 3, 'd'), (5, 3, 'e');
CREATE VIEW doubled AS SELECT * FROM behind;
SELECT tree_register('doubled');
\pset expanded on
SELECT * FROM try('SELECT * FROM tree_build(1)');
SELECT * FROM try('SELECT tree_path(4)');
SELECT * FROM try('SELECT * FROM tree_walk(1)');
SELECT * FROM try('SELECT tree_descendant_count(1)');
SELECT * FROM try('SELECT tree_json(1)');
SELECT * FROM try('SELECT * FROM tree_forest(NULL::doubled)');
\pset expanded off
-- Once they are gone, all is well.
DELETE FROM behind WHERE code = 'd';
SELECT * FROM tree_build(1);
DROP VIEW doubled;
DROP TABLE behind;

-- Text keys of any bytes.
CREATE TABLE anything (id text PRIMARY KEY, parent_id text, name text);
INSERT INTO anything VALUES ('', NULL, 'empty'), ('''', '', 'quote'), ('"', '''', 'double'), ('\', '"', 'backslash'), (E'\n', '\', 'newline'), (E'\r\t\b\x01', E'\n', 'controls'),
    ('äöü ☃ 🌲', E'\r\t\b\x01', 'multi-byte'), ('{a,"b"}', 'äöü ☃ 🌲', 'array'), ('NULL', '{a,"b"}', 'word'), (' ', 'NULL', 'blank'), ('  ', ' ', 'blanks'), ('$1', '  ', 'parameter'), ('%s', '$1', 'format'),
    ('''; DROP TABLE anything; --', '%s', 'injection'), (repeat('long ', 2000), '''; DROP TABLE anything; --', repeat('name ', 2000)), ('end', repeat('long ', 2000), 'end'), ('END', 'end', 'case');
SELECT tree_register('anything');
SELECT left(name, 10) AS name, level, parent_id = lag(id, 1, '') OVER (ORDER BY level) AS below_the_last, length(id) AS length FROM tree_build('') ORDER BY level;
SELECT array_to_string(tree_path('END'), '|') = (SELECT string_agg(id, '|' ORDER BY ord) FROM (SELECT id, 0 AS ord FROM anything WHERE id = '' UNION ALL SELECT id, level + 1 FROM tree_build('')) AS x) AS same_path;
SELECT a.name, (SELECT count(*) FROM tree_build(a.id)) AS below, tree_depth(a.id), tree_root(a.id) = '' AS root FROM anything AS a WHERE length(a.id) < 20 ORDER BY 3;
SELECT length(id), length(parent_id), length(code), length(name) FROM tree_children('''; DROP TABLE anything; --');
SELECT name FROM tree_ancestors('$1');
SELECT (node).name FROM tree_rows(NULL::anything, '$1', max_level => 0);
SELECT tree_json('NULL', max_level => 1);
SELECT tree_json('', max_level => 4)::jsonb #>> '{children,0,children,0,children,0,children,0,children,0,id}' = E'\r\t\b\x01' AS controls;
SELECT tree_depth('end'), tree_depth('END'), tree_depth('End');
DROP TABLE anything;
-- Of any length, where no index limits them.
CREATE TABLE lengthy (id text, parent_id text);
ALTER TABLE lengthy ALTER id SET STORAGE EXTERNAL, ALTER parent_id SET STORAGE EXTERNAL;
INSERT INTO lengthy VALUES (repeat('a', 20000), NULL), (repeat('b', 300000), repeat('a', 20000)), (repeat('c', 9000), repeat('b', 300000)), (repeat('c', 9000) || 'd', repeat('c', 9000));
CREATE VIEW lengthy_view AS SELECT * FROM lengthy;
SELECT tree_register('lengthy_view');
SELECT left(id, 1), length(id), left(parent_id, 1), length(parent_id), level FROM tree_build(repeat('a', 20000));
SELECT array(SELECT length(key) FROM unnest(tree_path(repeat('c', 9000) || 'd')) AS key);
SELECT count(*) FROM tree_build(repeat('a', 19999));
DROP VIEW lengthy_view;
DROP TABLE lengthy;

-- A table altered between two calls of a session.
CREATE TABLE altered (id int PRIMARY KEY, parent_id int, code text, name text, extra text);
INSERT INTO altered VALUES (1, NULL, 'a', 'A', 'x'), (2, 1, 'b', 'B', 'y'), (3, 1, 'c', 'C', 'z');
SELECT tree_register('altered', order_by => 'extra DESC');
PREPARE p AS SELECT * FROM tree_build(1);
PREPARE r AS SELECT node FROM tree_rows(NULL::altered, 1);
EXECUTE p;
EXECUTE r;
ALTER TABLE altered ADD COLUMN more int DEFAULT 7;
EXECUTE p;
EXECUTE r;
ALTER TABLE altered DROP COLUMN more;
EXECUTE r;
ALTER TABLE altered RENAME name TO label;
EXECUTE p;
ALTER TABLE altered ALTER code TYPE int USING length(code);
EXECUTE p;
EXECUTE r;
ALTER TABLE altered ALTER id TYPE bigint, ALTER parent_id TYPE bigint;
EXECUTE p;
EXECUTE r;
INSERT INTO altered VALUES (9223372036854775807, 3, 4, 'D', 'w');
EXECUTE p;
SELECT tree_path(9223372036854775807);
DELETE FROM altered WHERE id > 3;
ALTER TABLE altered ALTER id TYPE text, ALTER parent_id TYPE text;
\pset expanded on
SELECT * FROM try('EXECUTE p');
SELECT * FROM try('SELECT * FROM tree_build(1)');
\pset expanded off
SELECT * FROM tree_build('1');
SELECT key_type FROM tree_registry;
\pset expanded on
ALTER TABLE altered ALTER parent_id TYPE int USING parent_id::int;
SELECT * FROM try('SELECT * FROM tree_build(''1'')');
ALTER TABLE altered ALTER id TYPE int USING id::int;
\pset expanded off
EXECUTE p;
\pset expanded on
ALTER TABLE altered DROP COLUMN extra;
SELECT * FROM try('EXECUTE p');
SELECT tree_register('altered');
ALTER TABLE altered DROP COLUMN code;
SELECT * FROM try('EXECUTE p');
SELECT tree_register('altered');
ALTER TABLE altered DROP COLUMN parent_id;
SELECT * FROM try('EXECUTE p');
SELECT * FROM try('SELECT tree_path(1)');
SELECT tree, parent, key_type FROM tree_registry;
ALTER TABLE altered DROP COLUMN id;
SELECT * FROM try('EXECUTE p');
SELECT tree, id, key_type FROM tree_registry;
DROP TABLE altered;
SELECT * FROM try('EXECUTE p');
\pset expanded off
DEALLOCATE ALL;
-- The index goes: slower, and no longer sure of the key, but right.
CREATE TABLE unsure (id int PRIMARY KEY, parent_id int);
INSERT INTO unsure VALUES (1, NULL), (2, 1);
SELECT tree_register('unsure');
ALTER TABLE unsure DROP CONSTRAINT unsure_pkey, ALTER id DROP NOT NULL;
SELECT id FROM tree_build(1);
SELECT tree_path(2);
INSERT INTO unsure VALUES (2, 1);
SELECT state, message FROM try('SELECT * FROM tree_build(1)');
SELECT state, message FROM try('SELECT tree_path(2)');
DROP TABLE unsure;

-- Too large, and too long: an error, and the next query works.
CREATE TABLE big (id int PRIMARY KEY, parent_id int, code text);
INSERT INTO big SELECT i, CASE WHEN i > 1 THEN i / 2 END, 'n' || i FROM generate_series(1, 300000) AS i;
CREATE INDEX ON big (parent_id);
ANALYZE big;
SELECT tree_register('big');
SET pg_tree.max_build_memory = '1MB';
\pset expanded on
SELECT * FROM try('SELECT * FROM tree_build(1)');
\pset expanded off
SELECT state FROM try('SELECT * FROM tree_walk(1)');
SELECT state FROM try('SELECT tree_descendant_count(1)');
SELECT state FROM try('SELECT * FROM tree_forest(NULL::big)');
SELECT state FROM try('SELECT tree_json(1)');
SELECT state FROM try('SELECT * FROM tree_draw(1)');
SELECT state FROM try('SELECT * FROM tree_leaves(1)');
SELECT state FROM try('SELECT * FROM tree_rows(NULL::big, 1)');
-- What is small is answered.
SELECT count(*) FROM tree_build(50000);
SELECT tree_depth(300000);
SELECT id FROM tree_build(1, max_level => 0);
RESET pg_tree.max_build_memory;
SELECT count(*) FROM tree_build(1);
SELECT state, message FROM try('SET pg_tree.max_build_memory = 0');
SELECT state, message FROM try('SET pg_tree.max_build_memory = ''nonsense''');
CREATE ROLE bad_input_user;
SET ROLE bad_input_user;
SET pg_tree.max_build_memory = '1GB';
RESET ROLE;
DROP ROLE bad_input_user;
-- One of a thousand builds is under way when the time is over.
\set SHOW_CONTEXT never
SET statement_timeout = '50ms';
SELECT count(tree_descendant_count(1 + i % 2)) FROM generate_series(1, 1000) AS i;
SELECT count(t.id) FROM generate_series(1, 1000) AS i, tree_build(1 + i % 2) AS t;
SELECT sum(length(tree_json(1 + i % 2)::text)) FROM generate_series(1, 1000) AS i;
RESET statement_timeout;
SELECT tree_descendant_count(1);
SELECT count(*) FROM tree_build(1);

SET client_min_messages = warning;
DROP SCHEMA bad_input CASCADE;
