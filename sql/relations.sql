-- Which kinds of relation can be trees: tables of every kind, views, foreign tables; and which cannot.
CREATE SCHEMA relations;
SET search_path = relations, public;
CREATE TABLE place (id int PRIMARY KEY, parent_id int, code text, name text, continent text DEFAULT 'EU');
INSERT INTO place VALUES (1, NULL, 'EU', 'Europe'), (2, 1, 'DE', 'Germany'), (3, 1, 'AT', 'Austria'), (4, 2, 'HH', 'Hamburg');

-- Views, of every kind that a query can be.
CREATE VIEW place_view AS SELECT id, parent_id, upper(name) AS name, code FROM place;
SELECT tree_register('place_view');
SELECT * FROM tree_build(1, 'place_view');
SELECT node, level FROM tree_rows(NULL::place_view, 1);
SELECT tree_path_text(4, 'place_view'), tree_depth(4, 'place_view');
SELECT tree, relation, tracked FROM tree_registry;
SELECT tree_register('place_view');
CREATE OR REPLACE VIEW place_view AS SELECT id, parent_id, lower(name) AS name, code FROM place;
SELECT tree_path_text(4, 'place_view');
ALTER VIEW place_view RENAME COLUMN name TO label;
ALTER VIEW place_view RENAME TO view_of_places;
SELECT tree, name FROM tree_registry;
SELECT tree_path_text(4, 'view_of_places');
CREATE VIEW grouped AS SELECT max(id) AS id, parent_id, max(code) AS code FROM place GROUP BY parent_id;
SELECT tree_register('grouped');
SELECT * FROM tree_build(1, 'grouped');
SELECT tree_unregister('grouped');
SELECT tree_unregister('view_of_places');

-- Materialized views have no triggers to carry a registration; sequences, indexes and types are no tables.
CREATE MATERIALIZED VIEW place_copy AS SELECT * FROM place;
CREATE UNIQUE INDEX ON place_copy (id);
SELECT tree_register('place_copy');
CREATE VIEW place_copy_view AS SELECT * FROM place_copy;
SELECT tree_register('place_copy_view');
SELECT id FROM tree_build(1, 'place_copy_view');
SELECT tree_unregister_all();
CREATE SEQUENCE counter;
SELECT tree_register('counter');
SELECT tree_register('place_pkey');
CREATE TYPE shape AS (id int, parent_id int);
SELECT tree_register('shape');

-- System catalogs are refused, views on them are not.
SELECT tree_register('pg_class');
SELECT tree_register('pg_catalog.pg_namespace', id => 'oid', parent => 'nspowner');
CREATE VIEW inheritance AS SELECT inhrelid::int AS id, inhparent::int AS parent_id FROM pg_inherits;
SELECT tree_register('inheritance');
SELECT tree_unregister_all();

-- Partitioned tables, and partitions that come and go after the registration.
CREATE TABLE region (id int, parent_id int, code text, name text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE region_low PARTITION OF region FOR VALUES FROM (0) TO (10);
INSERT INTO region VALUES (1, NULL, 'w', 'World'), (2, 1, 'b', 'two');
SELECT tree_register('region');
SELECT * FROM tree_build(1);
CREATE TABLE region_mid PARTITION OF region FOR VALUES FROM (10) TO (20);
INSERT INTO region VALUES (11, 2, 'c', 'eleven'), (12, 1, 'a', 'twelve');
SELECT * FROM tree_build(1);
CREATE TABLE region_high (name text, code text, junk int, parent_id int, id int NOT NULL PRIMARY KEY);
ALTER TABLE region_high DROP COLUMN junk;
INSERT INTO region_high VALUES ('twenty-one', 'd', 11, 21);
ALTER TABLE region ATTACH PARTITION region_high FOR VALUES FROM (20) TO (30);
SELECT * FROM tree_build(1);
SELECT node, level FROM tree_rows(NULL::region, 1);
SELECT tree_path_text(21);
SELECT tree, relation, tracked FROM tree_registry;
ALTER TABLE region DETACH PARTITION region_mid;
SELECT * FROM tree_build(1);
SELECT tree, relation, tracked FROM tree_registry;
-- A partition can be a tree of its own beside its parent, ...
SELECT tree_register('region_low');
SELECT * FROM tree_build(1, 'region_low');
SELECT tree, relation FROM tree_registry ORDER BY tree COLLATE "C";
SELECT tree_unregister('region_low');
-- ... and a table that is a tree can become a partition of one.
SELECT tree_register('region_mid');
ALTER TABLE region ATTACH PARTITION region_mid FOR VALUES FROM (10) TO (20);
SELECT * FROM tree_build(1, 'region');
SELECT tree, relation FROM tree_registry ORDER BY tree COLLATE "C";
-- Also one that has the same name, in another schema.
CREATE SCHEMA relations_2;
CREATE TABLE relations_2.region (LIKE region INCLUDING ALL);
INSERT INTO relations_2.region VALUES (31, 21, 'e', 'thirty-one');
SELECT tree_register('relations_2.region');
ALTER TABLE region ATTACH PARTITION relations_2.region FOR VALUES FROM (30) TO (40);
SELECT tree_path(31, 'region'), tree_path(31, 'relations_2.region');
SELECT tree_unregister_all();
SELECT count(*) FROM pg_trigger WHERE tgrelid::regclass::text LIKE '%region%' AND NOT tgisinternal;

-- Where the key is unique only together with the partition key, duplicates show when they are read.
CREATE TABLE sharded (id int, parent_id int, code text, shard int, PRIMARY KEY (id, shard)) PARTITION BY LIST (shard);
CREATE TABLE sharded_1 PARTITION OF sharded FOR VALUES IN (1);
CREATE TABLE sharded_2 PARTITION OF sharded FOR VALUES IN (2);
INSERT INTO sharded VALUES (1, NULL, 'r', 1), (2, 1, 'b', 2), (3, 1, 'a', 1), (4, 2, 'c', 1);
SELECT tree_register('sharded');
SELECT * FROM tree_build(1);
INSERT INTO sharded VALUES (4, 3, 'again', 2);
SELECT * FROM tree_build(1);
SELECT tree_path(4);
DELETE FROM sharded WHERE code = 'again';
SELECT tree_path(4);
SELECT tree_unregister_all();

-- Inheritance: the parent is read with its children, whose rows are not covered by its key.
CREATE TABLE animal (id int PRIMARY KEY, parent_id int, name text);
CREATE TABLE dog (breed text) INHERITS (animal);
INSERT INTO animal VALUES (1, NULL, 'animal'), (2, 1, 'cat');
INSERT INTO dog VALUES (3, 1, 'dog', 'terrier');
SELECT tree_register('animal');
SELECT * FROM tree_build(1);
INSERT INTO dog VALUES (2, 1, 'cat again', '?');
SELECT * FROM tree_build(1);
SELECT tree_unregister_all();

-- Temporary and unlogged tables.
SET client_min_messages = warning;  -- the schema's name has a number in it
CREATE TEMP TABLE sketch (id int PRIMARY KEY, parent_id int, name text);
INSERT INTO sketch VALUES (1, NULL, 'a'), (2, 1, 'b');
SELECT tree_register('sketch');
SELECT * FROM tree_build(1, 'pg_temp.sketch');
SELECT * FROM tree_build(1, 'sketch');
DROP TABLE sketch;
BEGIN;
CREATE TEMP TABLE brief (id int PRIMARY KEY, parent_id int) ON COMMIT DROP;
INSERT INTO brief VALUES (1, NULL), (2, 1);
SELECT tree_register('brief');
SELECT id FROM tree_build(1, 'brief');
COMMIT;
SELECT count(*) FROM tree_registry;
RESET client_min_messages;
CREATE UNLOGGED TABLE quick (id int PRIMARY KEY, parent_id int);
INSERT INTO quick VALUES (1, NULL), (2, 1);
SELECT tree_register('quick');
SELECT id FROM tree_build(1);
SELECT tree_unregister_all();

-- Typed tables, generated columns, columns dropped before.
CREATE TYPE row_of_tree AS (id int, parent_id int, code text);
CREATE TABLE typed OF row_of_tree (PRIMARY KEY (id));
INSERT INTO typed VALUES (1, NULL, 'a'), (2, 1, 'b');
SELECT tree_register('typed');
SELECT * FROM tree_build(1);
SELECT node FROM tree_rows(NULL::typed, 1);
SELECT tree_unregister_all();
CREATE TABLE made (junk int, id int PRIMARY KEY, parent_id int, name text, code text GENERATED ALWAYS AS (upper(name)) STORED);
ALTER TABLE made DROP COLUMN junk;
INSERT INTO made VALUES (1, NULL, 'x'), (2, 1, 'y');
ALTER TABLE made ADD COLUMN later int DEFAULT 5;
SELECT tree_register('made');
SELECT * FROM tree_build(1);
SELECT (node).*, level FROM tree_rows(NULL::made, 1);
SELECT tree_unregister_all();

-- Foreign tables.
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE listing (id int, parent_id int, code text, name text)
    SERVER files OPTIONS (program 'printf "1,,r,root\n2,1,b,two\n3,1,a,three\n4,2,c,four\n"', format 'csv');
SELECT tree_register('listing');
SELECT * FROM tree_build(1);
SELECT node, level FROM tree_rows(NULL::listing, 1);
SELECT tree_path_text(4), tree_descendant_count(1);
SELECT tree, relation, tracked FROM tree_registry;
SELECT tree_register('listing');
ALTER FOREIGN TABLE listing RENAME COLUMN name TO label;
ALTER FOREIGN TABLE listing RENAME TO listed;
SELECT tree, name FROM tree_registry;
SELECT tree_path_text(4, 'listed');
ALTER FOREIGN TABLE listed OPTIONS (SET program 'printf "1,,r,root\n2,1,b,two\n2,1,a,again\n"');
SELECT * FROM tree_build(1);
SELECT tree_unregister_all();
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'listed'::regclass;

-- What a foreign table needs is asked of the other server as the user who asks.
CREATE EXTENSION postgres_fdw;
DO $$ BEGIN
    EXECUTE format('CREATE SERVER self FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)',
                   split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database());
END $$;
CREATE USER MAPPING FOR CURRENT_USER SERVER self;
CREATE FOREIGN TABLE far_place (id int, parent_id int, code text, name text) SERVER self OPTIONS (schema_name 'relations', table_name 'place');
SELECT tree_register('far_place');
SELECT * FROM tree_build(1);
INSERT INTO far_place VALUES (5, 4, 'AL', 'Altona');
SELECT tree_path_text(5);
DELETE FROM far_place WHERE id = 5;
SELECT tree_path_text(5);
SELECT tree_unregister_all();

SET client_min_messages = warning;
DROP EXTENSION postgres_fdw, file_fdw CASCADE;
DROP SCHEMA relations, relations_2 CASCADE;
