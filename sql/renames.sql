-- A registration goes along when its table, its columns or its schema change their names, and when tables change places.
CREATE SCHEMA renames;
SET search_path = renames, public;
CREATE TABLE place (id int PRIMARY KEY, parent_id int, code text, name text, rank int, active bool DEFAULT true, tags text[] DEFAULT '{}');
INSERT INTO place VALUES (1, NULL, 'EU', 'Europe'), (2, 1, 'DE', 'Germany'), (3, 1, 'AT', 'Austria'), (4, 2, 'HH', 'Hamburg');
SELECT tree_register('place', name => 'upper(name) || coalesce(tags[1], '''')', order_by => 'rank NULLS FIRST, length(code), code DESC', filter => 'active AND (place.id) > 0');
CREATE VIEW registered AS SELECT tree, relation, id, parent, code, name, order_by, filter, key_type FROM tree_registry ORDER BY tree COLLATE "C";
SELECT * FROM registered \gx
SELECT * FROM tree_build(1);

-- The table: the tree is called what the table is called.
ALTER TABLE place RENAME TO "Place";
SELECT * FROM tree_build(1, 'place');
SELECT * FROM tree_build(1, '"Place"');

-- The columns, one after the other, wherever they are spoken of; an array's element, a qualified name, a string that reads
-- like a column's name.
ALTER TABLE "Place" RENAME id TO "Key";
ALTER TABLE "Place" RENAME COLUMN parent_id TO above;
ALTER TABLE "Place" RENAME code TO "select";
ALTER TABLE "Place" RENAME name TO id;
ALTER TABLE "Place" RENAME rank TO "O'rder";
ALTER TABLE "Place" RENAME active TO "is \active";
ALTER TABLE "Place" RENAME tags TO name;
SELECT * FROM registered \gx
SELECT * FROM tree_build(1);
-- Two columns change their names crosswise.
ALTER TABLE "Place" RENAME id TO spare;
ALTER TABLE "Place" RENAME "select" TO id;
ALTER TABLE "Place" RENAME spare TO "select";
SELECT * FROM registered \gx
SELECT * FROM tree_build(1);
-- Rolled back, it never happened.
BEGIN;
ALTER TABLE "Place" RENAME "Key" TO k;
SELECT id FROM registered;
SELECT count(*) FROM tree_build(1);
ROLLBACK;
SELECT id FROM registered;
SELECT count(*) FROM tree_build(1);
-- A column that the registration does not speak of.
ALTER TABLE "Place" ADD COLUMN more int;
ALTER TABLE "Place" RENAME more TO less;
SELECT count(*) FROM tree_build(1);
-- The schema.
ALTER SCHEMA renames RENAME TO "Renamed";
SET search_path = "Renamed", public;
SELECT * FROM tree_build(1);
SELECT count(*) FROM tree_build(1, '"Renamed"."Place"');
CREATE SCHEMA renames;
ALTER TABLE "Place" SET SCHEMA renames;
SELECT count(*) FROM tree_build(1, 'renames."Place"');
SELECT count(*) FROM tree_build(1);
SET search_path = renames, "Renamed", public;
SELECT * FROM tree_build(1);
SELECT tree_unregister_all();

-- Columns written with the table's name go along as well.
CREATE TABLE entire (id int PRIMARY KEY, parent_id int, code text);
INSERT INTO entire VALUES (1, NULL, 'a'), (2, 1, 'b'), (3, 2, NULL), (4, 2, 'd'), (5, 2, 'c');
SELECT tree_register('entire', filter => 'entire.code IS NOT NULL AND entire.id <> 4');
ALTER TABLE entire RENAME TO complete;
SELECT * FROM tree_build(1);
ALTER TABLE complete RENAME code TO kode;
SELECT * FROM tree_build(1);
SELECT tree_unregister_all();

-- A name that was given stays; a table can take a name that is in use, and then nobody guesses.
CREATE TABLE one (id int PRIMARY KEY, parent_id int, name text);
CREATE TABLE two (id int PRIMARY KEY, parent_id int, name text);
INSERT INTO one VALUES (1, NULL, 'one'), (2, 1, 'below one');
INSERT INTO two VALUES (1, NULL, 'two'), (2, 1, 'below two');
SELECT tree_register('one', tree => 'given');
ALTER TABLE one RENAME TO uno;
SELECT tree_path_text(2, 'given');
SELECT tree_register('two');
ALTER TABLE two RENAME TO given;
\set VERBOSITY terse
SELECT tree_path_text(2, 'given');
\set VERBOSITY default
ALTER TABLE given RENAME TO two;
ALTER TABLE uno RENAME TO one;
SELECT tree_path_text(2, 'given'), tree_path_text(2, 'two');
SELECT tree_unregister_all();

-- Tables change places, both of them trees.
SELECT tree_register('one');
SELECT tree_register('two');
SELECT tree_path_text(2, 'one');
BEGIN;
ALTER TABLE one RENAME TO three;
ALTER TABLE two RENAME TO one;
SELECT tree_path_text(2, 'one'), tree_path_text(2, 'three');
COMMIT;
SELECT tree_path_text(2, 'one'), tree_path_text(2, 'three');
SELECT tree_unregister_all();
-- A copy takes the table's place: LIKE copies no triggers, so the registration stays with the old table.
ALTER TABLE three RENAME TO live;
SELECT tree_register('live');
CREATE TABLE fresh (LIKE live INCLUDING ALL);
INSERT INTO fresh SELECT id, parent_id, 'new ' || name FROM live;
BEGIN;
ALTER TABLE live RENAME TO old;
ALTER TABLE fresh RENAME TO live;
SELECT tree FROM tree_registry;
SELECT tree_register('live');
COMMIT;
SELECT tree_path_text(2, 'live');
DROP TABLE old;
SELECT tree_path_text(2);
SELECT tree_unregister_all();

-- Partitions and tables that inherit: their columns are renamed with their parent's.
CREATE TABLE region (id int PRIMARY KEY, parent_id int, name text, active bool DEFAULT true) PARTITION BY RANGE (id);
CREATE TABLE region_low PARTITION OF region FOR VALUES FROM (0) TO (10);
SELECT tree_register('region', name => 'lower(name)', order_by => 'name DESC', filter => 'active');
INSERT INTO region VALUES (1, NULL, 'A'), (2, 1, 'B'), (3, 1, 'C');
ALTER TABLE region RENAME active TO alive;
ALTER TABLE region RENAME parent_id TO up;
ALTER TABLE region RENAME name TO label;
SELECT parent, name, order_by, filter FROM registered;
SELECT * FROM tree_build(1);
CREATE TABLE region_high PARTITION OF region FOR VALUES FROM (10) TO (20);
INSERT INTO region VALUES (11, 2, 'D');
SELECT * FROM tree_build(1);
SELECT tree_unregister_all();
CREATE TABLE animal (id int PRIMARY KEY, parent_id int, name text);
CREATE TABLE dog (PRIMARY KEY (id)) INHERITS (animal);
INSERT INTO dog VALUES (1, NULL, 'dog'), (2, 1, 'terrier');
SELECT tree_register('dog', name => 'upper(name)');
ALTER TABLE animal RENAME name TO label;
ALTER TABLE animal RENAME id TO key;
SELECT id, name FROM registered;
SELECT * FROM tree_build(1);
SELECT tree_unregister_all();

-- Columns of a typed table are renamed with the type's attributes.
CREATE TYPE row_of_tree AS (id int, parent_id int, code text);
CREATE TABLE typed OF row_of_tree (PRIMARY KEY (id));
INSERT INTO typed VALUES (1, NULL, 'a'), (2, 1, 'b');
SELECT tree_register('typed');
ALTER TYPE row_of_tree RENAME ATTRIBUTE code TO kode CASCADE;
SELECT code, order_by FROM registered;
SELECT * FROM tree_build(1);
SELECT tree_unregister_all();

-- A user who renames a column of a table of his own, inside a function.
CREATE TABLE mine (id int PRIMARY KEY, parent_id int, name text);
INSERT INTO mine VALUES (1, NULL, 'a'), (2, 1, 'b');
SELECT tree_register('mine');
DO $$ BEGIN ALTER TABLE mine RENAME name TO label; PERFORM tree_build(1); END $$;
SELECT name FROM registered;
-- A registration that is broken already does not stand in the way of a rename.
ALTER TABLE mine RENAME label TO name;
ALTER TABLE mine ADD COLUMN extra text;
SELECT tree_register('mine', filter => 'extra IS NULL');
ALTER TABLE mine DROP COLUMN extra;
SELECT * FROM tree_build(1);
ALTER TABLE mine RENAME name TO label;
SELECT tree_register('mine');
SELECT * FROM tree_build(1);
SELECT tree_unregister_all();

SET client_min_messages = warning;
DROP SCHEMA renames, "Renamed" CASCADE;
