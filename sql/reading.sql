-- Every reading function, by the contract's table: columns, self, order, unknown node, NULL; in the three overloads.
CREATE SCHEMA reading;
SET search_path = reading, public;
CREATE TABLE place (id int PRIMARY KEY, parent_id int, code text, name text);
INSERT INTO place VALUES
    (1, NULL, 'A', 'World'),
    (2, 1, 'C', 'Europe'), (3, 1, 'B', 'Asia'), (4, 1, NULL, 'Atlantis'),
    (5, 2, 'F', 'Germany'), (6, 2, 'D', 'Austria'), (7, 2, 'D', 'Ostarrichi'),
    (8, 3, 'E', 'Japan'),
    (9, 5, 'G', NULL), (10, 5, 'g', 'Hamburg'),
    (20, NULL, 'M', 'Moon'), (21, 20, 'T', 'Tranquility'),
    (30, 99, 'O', 'orphan'), (31, 30, 'O', 'below it'), (32, 99, 'N', 'orphan too'),
    (40, 40, 'S', 'its own parent'), (41, 40, 'b', 'below it'), (42, 40, 'a', 'below it, too');
ALTER TABLE place ALTER code TYPE text COLLATE "C";
SELECT tree_register('place');

-- tree_build: no self, pre-order, level from 0, siblings by code and key.
SELECT * FROM tree_build(1);
SELECT * FROM tree_build(5);
SELECT * FROM tree_build(9);
SELECT * FROM tree_build(40);
-- Of a key without a row, what is below it; of an unknown one and of NULL, nothing.
SELECT * FROM tree_build(99);
SELECT * FROM tree_build(77);
SELECT * FROM tree_build(NULL);
SELECT * FROM tree_build(NULL::bigint);
-- max_level: the root's children are level 0.
SELECT id, level FROM tree_build(1, max_level => 0);
SELECT id, level FROM tree_build(1, max_level => 1);
SELECT id, level FROM tree_build(1, max_level => -1);
SELECT id, level FROM tree_build(1, max_level => -2147483648);
SELECT count(*) FROM tree_build(1, max_level => 2147483647);
SELECT count(*) FROM tree_build(1, max_level => NULL);
SELECT count(*) FROM tree_build(1, NULL, NULL);

-- tree_rows and tree_forest: every column, typed; rank counts the rows of the call.
SELECT * FROM tree_rows(NULL::place, 2);
SELECT (node).*, level, rank FROM tree_rows(NULL::place, 1, max_level => 0);
SELECT count(*) FROM tree_rows(NULL::place, 1, max_level => -1);
SELECT * FROM tree_rows(NULL::place, 77);
SELECT * FROM tree_rows(NULL::place, NULL);
SELECT pg_typeof(node) FROM tree_rows(NULL::place, 3);
SELECT level, rank, node FROM tree_forest(NULL::place);
SELECT level, rank, (node).id FROM tree_forest(NULL::place, max_level => 0);
SELECT count(*) FROM tree_forest(NULL::place, max_level => -1);
SELECT count(*) FROM tree_forest(NULL::place, 'place', NULL);

-- tree_page: tree_build's rows in pieces.
SELECT * FROM tree_page(1, NULL, page_size => 3);
SELECT * FROM tree_page(1, 6, page_size => 3);
SELECT * FROM tree_page(1, 5, page_size => 3);
SELECT id FROM tree_page(1, 4);
SELECT id FROM tree_page(1, 1, page_size => 2);
SELECT id FROM tree_page(99, 99, page_size => 2);
SELECT id FROM tree_page(40, 40);
SELECT id FROM tree_page(1, NULL);
SELECT id FROM tree_page(NULL, 1);
SELECT id FROM tree_page(77, NULL);
SELECT id FROM tree_page(1, 21);
SELECT id FROM tree_page(2, 1);
SELECT id FROM tree_page(1, 77);
SELECT id FROM tree_page(1, NULL, page_size => 0);
SELECT id FROM tree_page(1, NULL, page_size => -1);

-- tree_walk: depth first or breadth first, with or without the start.
SELECT * FROM tree_walk(1);
SELECT * FROM tree_walk(2);
SELECT * FROM tree_walk(1, search => 'breadth');
SELECT id, distance, rank FROM tree_walk(1, search => 'breadth', include_start => false);
SELECT id, distance, rank FROM tree_walk(2, search => 'depth', include_start => false);
-- max_distance limits the rows, not what is said of them.
SELECT id, depth, distance, rank, children, descendants, is_leaf FROM tree_walk(2, max_distance => 1);
SELECT id, depth, distance, rank, children, descendants, is_leaf FROM tree_walk(1, search => 'breadth', max_distance => 1);
SELECT id, distance, rank FROM tree_walk(2, max_distance => 0);
SELECT id, distance, rank FROM tree_walk(2, max_distance => 0, include_start => false);
SELECT id, distance, rank FROM tree_walk(2, max_distance => -1);
SELECT count(*) FROM tree_walk(1, max_distance => NULL);
-- An orphan and a row that is its own parent are roots.
SELECT * FROM tree_walk(30);
SELECT * FROM tree_walk(40);
SELECT * FROM tree_walk(99);
SELECT * FROM tree_walk(77);
SELECT * FROM tree_walk(NULL);
SELECT * FROM tree_walk(1, search => 'sideways');

-- tree_children, tree_siblings, tree_ancestors, tree_leaves.
SELECT * FROM tree_children(1);
SELECT * FROM tree_children(2);
SELECT * FROM tree_children(9);
SELECT * FROM tree_children(40);
SELECT * FROM tree_children(99);
SELECT * FROM tree_children(77);
SELECT * FROM tree_children(NULL);
SELECT * FROM tree_siblings(5);
SELECT * FROM tree_siblings(6);
SELECT * FROM tree_siblings(8);
SELECT * FROM tree_siblings(1);
SELECT * FROM tree_siblings(30);
SELECT * FROM tree_siblings(40);
SELECT * FROM tree_siblings(41);
SELECT * FROM tree_siblings(99);
SELECT * FROM tree_siblings(77);
SELECT * FROM tree_siblings(NULL);
SELECT * FROM tree_ancestors(10);
SELECT * FROM tree_ancestors(1);
SELECT * FROM tree_ancestors(31);
SELECT * FROM tree_ancestors(41);
SELECT * FROM tree_ancestors(40);
SELECT * FROM tree_ancestors(99);
SELECT * FROM tree_ancestors(77);
SELECT * FROM tree_ancestors(NULL);
SELECT * FROM tree_leaves(1);
SELECT * FROM tree_leaves(5);
SELECT * FROM tree_leaves(9);
SELECT * FROM tree_leaves(40);
SELECT * FROM tree_leaves(99);
SELECT * FROM tree_leaves(77);
SELECT * FROM tree_leaves(NULL);

-- One value about a node.
SELECT node, tree_path(node), tree_path_text(node), tree_depth(node), tree_root(node), tree_descendant_count(node)
FROM unnest(ARRAY[1, 2, 9, 10, 20, 30, 31, 40, 41, 99, 77, NULL]) AS node;
SELECT tree_path_text(9, separator => '/'), tree_path_text(9, separator => ''), tree_path_text(1, separator => '/');
SELECT a, b, tree_is_ancestor(a, b), tree_contains(a, b), tree_lca(a, b)
FROM (VALUES (1, 10), (10, 1), (2, 2), (9, 8), (9, 10), (6, 10), (1, 20), (30, 31), (31, 30), (30, 32), (99, 31), (31, 99), (99, 99), (40, 41), (41, 42), (40, 40),
             (77, 1), (1, 77), (NULL, 1), (1, NULL), (NULL, NULL)) AS pair (a, b);

-- tree_json and tree_draw: self first.
SELECT tree_json(2);
SELECT tree_json(9);
SELECT tree_json(1, max_level => 0);
SELECT tree_json(1, max_level => -1);
SELECT tree_json(2, max_level => NULL)::jsonb = tree_json(2)::jsonb AS same;
SELECT tree_json(40);
SELECT tree_json(99), tree_json(77), tree_json(NULL);
SELECT pg_typeof(tree_json(1));
SELECT tree_draw(1);
SELECT * FROM tree_draw(1, max_level => 0);
SELECT * FROM tree_draw(1, max_level => -1);
SELECT * FROM tree_draw(9);
SELECT * FROM tree_draw(40);
SELECT * FROM tree_draw(99);
SELECT * FROM tree_draw(77);
SELECT * FROM tree_draw(NULL);

-- A lone FROM comes in tree order, in a subquery or a function as well, and WITH ORDINALITY numbers it.
SELECT string_agg(id::text, ' ') FROM tree_build(1);
SELECT id, ordinality FROM tree_build(2) WITH ORDINALITY;
SELECT array(SELECT id FROM tree_build(1)), array(SELECT id FROM tree_page(1, NULL)), array(SELECT (node).id FROM tree_rows(NULL::place, 1)),
       array(SELECT id FROM tree_walk(1, include_start => false)), array(SELECT id FROM tree_leaves(1));
SELECT id FROM tree_build(1) LIMIT 3;
SELECT id FROM tree_build(1) OFFSET 6;
-- In a select list, in a lateral join, several in one statement, in a prepared statement.
SELECT tree_build(5);
SELECT p.id, t.id AS below, t.level FROM place AS p, tree_build(p.id) AS t WHERE p.id IN (3, 5, 20) ORDER BY p.id, t.id;
SELECT a.id, b.level FROM tree_build(2) AS a JOIN tree_build(1) AS b USING (id) ORDER BY 1;
PREPARE below (bigint) AS SELECT id FROM tree_build($1);
EXECUTE below (5);
EXECUTE below (3);
EXECUTE below (NULL);
INSERT INTO place VALUES (11, 5, 'H', 'Hanover');
EXECUTE below (5);
DELETE FROM place WHERE id = 11;
EXECUTE below (5);
DEALLOCATE below;

-- The text overload serves a tree of integers, in their text form.
SELECT * FROM tree_build('5');
SELECT * FROM tree_build(' 5 ');
SELECT pg_typeof(id), pg_typeof(parent_id) FROM tree_build('3');
SELECT tree_path('10'), tree_path_text('10'), tree_depth('10'), tree_root('10'), tree_descendant_count('2'), tree_is_ancestor('2', '10'), tree_contains('2', '2'), tree_lca('9', '6');
SELECT * FROM tree_walk('5');
SELECT id, parent_id FROM tree_page('1', '6', page_size => 2);
SELECT (node).id FROM tree_rows(NULL::place, '5');
SELECT id, depth FROM tree_children('2');
SELECT id, depth FROM tree_siblings('2');
SELECT id, depth FROM tree_ancestors('5');
SELECT id, depth FROM tree_leaves('5');
SELECT tree_json('9');
SELECT tree_draw('5');
SELECT tree_unregister('place');

-- The uuid overload, and text on the same tree.
CREATE TABLE device (id uuid PRIMARY KEY, parent_id uuid, code text, name text);
INSERT INTO device SELECT ('00000000-0000-0000-0000-0000000000' || to_char(id, 'FM00'))::uuid, ('00000000-0000-0000-0000-0000000000' || to_char(parent_id, 'FM00'))::uuid, code, name
FROM place WHERE id < 30;
\set r '''00000000-0000-0000-0000-000000000002'''
\set n '''00000000-0000-0000-0000-000000000010'''
SELECT tree_register('device');
SELECT * FROM tree_build(:r::uuid);
SELECT * FROM tree_build(:r);
SELECT * FROM tree_build('{00000000-0000-0000-0000-000000000005}');
SELECT pg_typeof(id) FROM tree_build(:r::uuid) LIMIT 1;
SELECT * FROM tree_walk(:n::uuid) \gx
SELECT id, depth FROM tree_ancestors(:n::uuid);
SELECT id, depth FROM tree_children(:r::uuid);
SELECT id, depth FROM tree_siblings(:r::uuid);
SELECT id, depth FROM tree_leaves(:r::uuid);
SELECT id FROM tree_page(:r::uuid, NULL, page_size => 1);
SELECT id FROM tree_page(:r::uuid, :r::uuid, page_size => 1);
SELECT (node).name FROM tree_rows(NULL::device, :r::uuid);
SELECT tree_path(:n::uuid), tree_path_text(:n::uuid), tree_depth(:n::uuid), tree_root(:n::uuid), tree_descendant_count(:r::uuid),
       tree_is_ancestor(:r::uuid, :n::uuid), tree_contains(:r::uuid, :r::uuid), tree_lca(:n::uuid, :r::uuid) \gx
SELECT tree_json(:n::uuid);
SELECT tree_draw(:r::uuid);
SELECT * FROM tree_build(NULL::uuid);
SELECT tree_path(gen_random_uuid()), tree_depth(NULL::uuid);
SELECT tree_unregister_all();

-- Keys of other types, written as each row has them.
CREATE TABLE word (id text PRIMARY KEY, parent_id text, name text);
INSERT INTO word VALUES ('root', NULL, 'Root'), ('b', 'root', 'bee'), ('a', 'root', NULL), ('', 'a', 'empty');
SELECT tree_register('word');
SELECT * FROM tree_build('root');
SELECT tree_path_text(''), tree_path('');
SELECT tree_unregister_all();
CREATE TABLE padded (id char(5) PRIMARY KEY, parent_id char(5), code char(4));
INSERT INTO padded VALUES ('r', NULL, 'x'), ('b', 'r', 'y'), ('a', 'r', 'z'), ('c', 'b', 'w');
SELECT tree_register('padded');
SELECT '[' || id || ']' AS id, '[' || code || ']' AS code, '[' || name || ']' AS name, '[' || parent_id || ']' AS parent_id, level FROM tree_build('r');
SELECT '[' || id || ']' AS id FROM tree_build('b    ');
SELECT tree_path('c    '), tree_root('c');
SELECT tree_unregister_all();
CREATE TABLE version (id numeric PRIMARY KEY, parent_id numeric, code text);
INSERT INTO version VALUES (1.0, NULL, 'a'), (2, 1.00, 'b'), (3.50, 2.000, 'c'), (4, 3.5, 'd');
SELECT tree_register('version');
SELECT * FROM tree_build('1');
SELECT * FROM tree_build('1.0000');
SELECT tree_path('4'), tree_root('4.00'), tree_lca('3.5', '4');
SELECT id, parent_id FROM tree_ancestors('4.000');
SELECT id, parent_id, root_id, path FROM tree_walk('2.0');
SELECT tree_json('1', max_level => 0);
SELECT tree_unregister_all();
CREATE EXTENSION citext;
CREATE TABLE handle (id citext PRIMARY KEY, parent_id citext, name text);
INSERT INTO handle VALUES ('Root', NULL, 'r'), ('Kid', 'ROOT', 'k'), ('grandchild', 'KID', 'g');
SELECT tree_register('handle');
SELECT * FROM tree_build('root');
SELECT tree_path('GRANDCHILD'), tree_root('kid'), tree_lca('GRANDCHILD', 'KID'), tree_is_ancestor('ROOT', 'kid');
SELECT id, parent_id FROM tree_ancestors('GRANDCHILD');
SELECT id, parent_id FROM tree_siblings('KID');
SELECT id, parent_id, root_id, path FROM tree_walk('ROOT');
SELECT tree_unregister_all();
CREATE TABLE folder (id bytea PRIMARY KEY, parent_id bytea);
INSERT INTO folder VALUES ('\x00', NULL), ('\xff00', '\x00'), ('\x', '\x00');
SELECT tree_register('folder');
SELECT * FROM tree_build('\x00');
SELECT tree_path('\xFF00');
SELECT tree_unregister_all();
CREATE TYPE kind AS ENUM ('thing', 'animal', 'dog');
CREATE TABLE concept (id kind PRIMARY KEY, parent_id kind);
INSERT INTO concept VALUES ('thing', NULL), ('dog', 'animal'), ('animal', 'thing');
SELECT tree_register('concept');
SELECT * FROM tree_build('thing');
SELECT tree_unregister_all();

-- With a filter: rows that fail it are not in the tree, nor is what is reached only through them.
CREATE TABLE filtered (id int PRIMARY KEY, parent_id int, name text, active bool);
INSERT INTO filtered VALUES
    (1, NULL, 'r', true), (2, 1, 'a', true), (3, 1, 'b', false), (4, 3, 'below b', true), (5, 4, 'deeper', true), (6, 2, 'c', NULL), (7, 2, 'd', true),
    (8, NULL, 'root that fails', false), (9, 8, 'below it', true), (10, 99, 'orphan', true);
SELECT tree_register('filtered', filter => 'active');
SELECT id, level FROM tree_build(1);
SELECT id, level FROM tree_build(3);
SELECT id, level FROM tree_build(8);
SELECT (node).id, level FROM tree_forest(NULL::filtered);
SELECT id, depth FROM tree_children(1);
SELECT id, depth FROM tree_children(3);
SELECT id FROM tree_leaves(1);
SELECT id FROM tree_leaves(3);
SELECT id FROM tree_leaves(5);
SELECT id FROM tree_siblings(2);
SELECT id FROM tree_siblings(3);
SELECT id FROM tree_siblings(9);
SELECT id FROM tree_siblings(1);
SELECT node, tree_path(node), tree_path_text(node), tree_depth(node), tree_root(node), tree_descendant_count(node),
       tree_contains(node, node), tree_lca(node, node), tree_json(node),
       (SELECT count(*) FROM tree_walk(node)) AS walk, (SELECT count(*) FROM tree_ancestors(node)) AS ancestors, (SELECT count(*) FROM tree_draw(node)) AS draw
FROM unnest(ARRAY[2, 3, 4, 5, 6, 8, 9, 10]) AS node;
SELECT children, descendants FROM tree_walk(2, max_distance => 0);
SELECT tree_is_ancestor(3, 4), tree_is_ancestor(3, 5), tree_is_ancestor(1, 4), tree_contains(8, 9), tree_lca(4, 2);
SELECT tree_unregister_all();

-- Sibling order: several columns and directions, nulls as in SQL, ties by key.
CREATE TABLE sorted (id int PRIMARY KEY, parent_id int, a int, b text COLLATE "C", c float8);
INSERT INTO sorted VALUES (1, 0, 1, 'b', 'NaN'), (2, 0, 1, 'a', 1), (3, 0, NULL, 'a', -1), (4, 0, 2, NULL, '-Infinity'), (5, 0, 2, 'B', NULL), (6, 0, NULL, NULL, 1), (7, 0, 1, 'b', 'Infinity');
SELECT tree_register('sorted', order_by => 'a, b');
SELECT array(SELECT id FROM tree_build(0));
SELECT tree_register('sorted', order_by => 'a DESC, b');
SELECT array(SELECT id FROM tree_build(0));
SELECT tree_register('sorted', order_by => 'a NULLS FIRST, b DESC');
SELECT array(SELECT id FROM tree_build(0));
SELECT tree_register('sorted', order_by => 'a DESC NULLS LAST, b DESC NULLS LAST');
SELECT array(SELECT id FROM tree_build(0));
SELECT tree_register('sorted', order_by => 'c');
SELECT array(SELECT id FROM tree_build(0));
SELECT tree_register('sorted', order_by => 'c DESC');
SELECT array(SELECT id FROM tree_build(0));
SELECT tree_register('sorted', order_by => 'lower(b) DESC, a % 2, -id');
SELECT array(SELECT id FROM tree_build(0));
SELECT tree_register('sorted', order_by => 'b IS NULL, b');
SELECT array(SELECT id FROM tree_build(0));
SELECT tree_register('sorted', order_by => 'a > 1');
SELECT array(SELECT id FROM tree_build(0));
SELECT tree_unregister_all();

-- A drawing of what is awkward to draw: long, with line breaks, deeper than a screen is wide.
CREATE TABLE awkward (id int PRIMARY KEY, parent_id int, name text);
INSERT INTO awkward VALUES (1, NULL, E'two\nlines'), (2, 1, E'a\ttab'), (3, 1, ''), (4, 1, 'äöü ☃');
INSERT INTO awkward SELECT i, CASE i WHEN 100 THEN NULL ELSE i - 1 END, 'n' || i FROM generate_series(100, 145) AS i;
SELECT tree_register('awkward');
SELECT tree_draw(1);
SELECT tree_json(1);
SELECT line FROM tree_draw(100) WITH ORDINALITY AS drawing (line, n) WHERE n IN (1, 2, 3, 41, 42, 43, 46);
SELECT tree_unregister_all();

SET client_min_messages = warning;
DROP EXTENSION citext CASCADE;
DROP SCHEMA reading CASCADE;
