-- tree_register and what belongs to it: what is chosen, what is told, what is refused.
CREATE SCHEMA registration;
SET search_path = registration, public;

-- Defaults: the columns id, parent_id, code, name, and the table's name.
CREATE TABLE place (id int PRIMARY KEY, parent_id int, code text, name text);
INSERT INTO place VALUES (1, NULL, 'EU', 'Europe'), (2, 1, 'DE', 'Germany'), (3, 1, 'AT', 'Austria'), (4, 2, 'HH', 'Hamburg');
SELECT tree_register('place');
SELECT * FROM tree_build(1);
SELECT * FROM tree_registry;

-- The same again does nothing.
SELECT oid AS before FROM pg_trigger WHERE tgrelid = 'place'::regclass AND tgname LIKE 'pg\_tree\_row%' \gset
SELECT tree_register('place');
SELECT tree_register('place', 'place', 'id', 'parent_id', 'code', 'name', 'code');
SELECT oid = :before AS untouched FROM pg_trigger WHERE tgrelid = 'place'::regclass AND tgname LIKE 'pg\_tree\_row%';

-- Registering again replaces.
SELECT tree_register('place', order_by => 'name DESC');
SELECT * FROM tree_build(1);
SELECT tree, order_by FROM tree_registry;

-- Registering again repairs.
ALTER TABLE place DISABLE TRIGGER ALL;
SELECT tree, tracked FROM tree_registry;
SELECT tree_register('place', order_by => 'name DESC');
SELECT tree, tracked FROM tree_registry;
DO $$ BEGIN EXECUTE (SELECT format('DROP TRIGGER %I ON place', tgname) FROM pg_trigger WHERE tgrelid = 'place'::regclass AND tgname LIKE 'pg\_tree\_truncate%'); END $$;
SELECT tree, tracked FROM tree_registry;
SELECT tree_register('place', order_by => 'name DESC');
SELECT tree, tracked FROM tree_registry;
DO $$ BEGIN EXECUTE (SELECT format('ALTER TABLE place ENABLE TRIGGER %I', tgname) FROM pg_trigger WHERE tgrelid = 'place'::regclass AND tgname LIKE 'pg\_tree\_row%'); END $$;
SELECT tree, tracked FROM tree_registry;
SELECT tree_register('place', order_by => 'name DESC');
SELECT tree, tracked FROM tree_registry;

-- A second tree is told of, a third is not.
SELECT tree_register('place', 'by_code');
SELECT tree_register('place', 'by_key', order_by => 'id');
SELECT * FROM tree_build(1);
SELECT * FROM tree_build(1, 'by_code');
SET pg_tree.default_tree = 'by_key';
SELECT * FROM tree_build(1);
SET pg_tree.default_tree = 'nowhere';
SELECT * FROM tree_build(1);
RESET pg_tree.default_tree;
SELECT tree, order_by FROM tree_registry ORDER BY tree COLLATE "C";

-- Unregistering: one tree, the rest, none.
SELECT tree_unregister('by_code');
SELECT tree FROM tree_registry ORDER BY tree COLLATE "C";
SELECT tree_unregister('by_code');
SELECT tree_unregister(NULL);
SELECT tree_unregister_all();
SELECT tree_unregister_all();
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'place'::regclass AND NOT tgisinternal;
SELECT * FROM tree_build(1);

-- A self-referencing foreign key decides, whatever its columns are called.
CREATE TABLE staff (badge int PRIMARY KEY, id int, parent_id int, boss int REFERENCES staff, slug text, title text);
SELECT tree_register('staff');
-- What is given counts more; and a foreign key that fits it decides the rest.
CREATE TABLE part (a int PRIMARY KEY, b int UNIQUE, above_a int REFERENCES part (a), above_b int REFERENCES part (b), label text);
SELECT tree_register('part');
SELECT tree_register('part', 'by_a', parent => 'above_a');
SELECT tree_register('part', 'by_b', id => 'b');
-- Of several, one called parent_id is meant.
CREATE TABLE post (id int PRIMARY KEY, parent_id int REFERENCES post, quotes int REFERENCES post, subject text);
SELECT tree_register('post');
-- A foreign key of two columns is no help, one to another table neither.
CREATE TABLE pair (id int UNIQUE, parent_id int, region int, above int REFERENCES place, PRIMARY KEY (region, id),
                   FOREIGN KEY (region, above) REFERENCES pair (region, id));
SELECT tree_register('pair');
-- The first sensible column is the name: name, title, label ... else the first string, else the key.
CREATE TABLE note (id int PRIMARY KEY, parent_id int, n int, remark varchar(10), other text);
SELECT tree_register('note');
SELECT tree_unregister_all();

-- name, order_by and filter are expressions over the row.
CREATE TABLE item (id int PRIMARY KEY, parent_id int, names jsonb, position int, price numeric, active bool NOT NULL DEFAULT true);
INSERT INTO item VALUES
    (1, NULL, '{"en": "all"}', 1, 0, true),
    (2, 1, '{"en": "chair", "de": "Stuhl"}', 2, 10, true),
    (3, 1, '{"en": "table", "de": "Tisch"}', 1, 20, true),
    (4, 1, '{"en": "bed"}', NULL, 30, true),
    (5, 1, '{"en": "lamp", "de": "Lampe"}', 2, 5, true),
    (6, 1, NULL, 3, 7, false),
    (7, 6, '{"en": "below what is not active"}', 1, 7, true);
SELECT tree_register('item', name => 'names->>''de''', order_by => 'position DESC NULLS LAST, lower(names->>''en'')', filter => 'active');
SELECT * FROM tree_build(1);
SELECT tree_register('item', code => 'position', name => 'coalesce(names->>''de'', names->>''en'', ''?'')', order_by => 'price * 2',
                     filter => 'active AND price BETWEEN 1 AND 25');
SELECT * FROM tree_build(1);
SELECT name, order_by, filter FROM tree_registry;
-- The canonical form is stable: it can be registered as it was printed.
SELECT tree_register('item', code => code, name => name, order_by => order_by, filter => filter) FROM tree_registry;
-- An expression that speaks of the row as a whole, by the table's name, would not survive the table's renaming.
SELECT tree_register('item', filter => 'item IS NOT NULL');
SELECT tree_unregister_all();

-- Names that need quotes. A bare column name is taken as it stands.
CREATE TABLE "Org ""Chart""" ("Id" int PRIMARY KEY, "Parent Id" int REFERENCES "Org ""Chart""", "Co'de" text, "select" text, "Ti\tle" text);
INSERT INTO "Org ""Chart""" VALUES (1, NULL, 'a', 'x', 'boss'), (2, 1, 'c', 'y', 'first'), (3, 1, 'b', 'z', 'second');
SELECT tree_register('"Org ""Chart"""', code => 'Co''de', name => 'Ti\tle', order_by => 'select', filter => '"select" <> ''\z''');
SELECT * FROM tree_build(1, '"Org ""Chart"""');
SELECT * FROM tree_build(1, 'registration."Org ""Chart"""');
SELECT * FROM tree_build(1, 'Org');
SELECT tree_register('"Org ""Chart"""', tree => '"Mixed Case"');
SELECT tree FROM tree_registry ORDER BY tree COLLATE "C";
SELECT tree_depth(2, '"Mixed Case"');
SELECT tree_depth(2, 'Mixed Case');
SELECT tree_register('"Org ""Chart"""', tree => 'Folded');
SELECT tree_depth(2, 'FOLDED'), tree_depth(2, 'folded'), tree_depth(2, '"folded"');
SELECT tree_depth(2, '"Folded"');
SELECT tree_register('"Org ""Chart"""', tree => '"Kept"');
SELECT tree_depth(2, 'Kept');
SELECT tree_unregister('"Mixed Case"');
SELECT tree_unregister_all();
-- Names as long as names can be, different at their ends only.
SELECT tree_register('place', repeat('t', 62) || 'a');
SELECT tree_register('place', repeat('t', 62) || 'b');
SELECT tree_depth(4, repeat('t', 62) || 'a'), tree_depth(4, repeat('t', 62) || 'b');
SELECT tree_unregister(repeat('t', 62) || 'a');
SELECT tree_depth(4, repeat('t', 62) || 'b');
SELECT tree_unregister_all();
-- A tree may be called what its table was called before, or what a table of another schema is called.
SELECT tree_register('place');
ALTER TABLE place RENAME TO spot;
SELECT tree_register('spot', tree => 'place');
SELECT tree_depth(4, 'spot'), tree_depth(4, 'place');
SELECT tree_unregister('spot');
ALTER TABLE spot RENAME TO place;
SELECT tree_depth(4, 'place');
SELECT tree_unregister_all();

-- Other schemas: found along the search path, or by schema.tree.
CREATE SCHEMA "Other";
CREATE TABLE "Other".place (id int PRIMARY KEY, parent_id int, name text);
INSERT INTO "Other".place VALUES (1, NULL, 'elsewhere'), (2, 1, 'below');
SELECT tree_register('"Other".place');
SELECT tree_depth(2);
SELECT tree_depth(2, 'place');
SELECT tree_path_text(2, '"Other".place');
SELECT tree_path_text(2, 'other.place');
SELECT tree_register('place');
SELECT tree_path_text(2), tree_path_text(2, 'place'), tree_path_text(2, '"Other".place'), tree_path_text(2, 'registration.place');
SET search_path = "Other", registration, public;
SELECT tree_path_text(2, 'place');
SELECT tree_path_text(2);
SET search_path = registration, public;
SELECT tree_register('"Other".place', tree => 'registration.moved');
SELECT tree_register('"Other".place', tree => '"Other".moved');
SELECT tree_register('"Other".place', tree => 'a.b.c');
SELECT tree_register('"Other".place', tree => '');
SELECT tree_unregister('"Other".place');
SELECT tree_unregister('"Other".moved');
-- The name is taken, by a table that follows its own name or by one that was given it.
CREATE TABLE twin (id int PRIMARY KEY, parent_id int);
SELECT tree_register('twin', tree => 'place');
SELECT tree_register('twin', tree => 'spare');
SELECT tree_register('place', tree => 'spare');
SELECT tree_unregister_all();

-- The extension may live in any schema; an expression is read with the names of the session that registers it.
CREATE FUNCTION registration.lower(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ''mine''';
SET search_path = registration, pg_catalog, public;
SELECT tree_register('place', name => 'lower(name)');
SELECT tree_register('place', name => 'pg_catalog.lower(name)');
SELECT name FROM tree_build(1, 'registration.place');
SET search_path = registration, public;
DROP FUNCTION registration.lower(text);
SELECT tree_unregister_all();

-- The wrapper has the tree's exact types.
SELECT tree_register('place');
SELECT tree_wrapper_sql();
SELECT tree_wrapper_sql('place') \gexec
SELECT * FROM place_tree(1);
SELECT * FROM place_tree(1, 0);
SELECT * FROM place_tree(NULL);
SELECT p.* FROM place_tree(2) AS p;
CREATE DOMAIN badge AS smallint;
CREATE TABLE "Wrapped Up" ("Key" badge PRIMARY KEY, up badge REFERENCES "Wrapped Up", what text);
INSERT INTO "Wrapped Up" VALUES (1, NULL, 'a'), (2, 1, 'b');
SELECT tree_register('"Wrapped Up"');
SELECT tree_wrapper_sql('"Wrapped Up"') \gexec
SELECT pg_get_function_arguments(oid), pg_get_function_result(oid), provolatile FROM pg_proc WHERE proname = 'Wrapped Up_tree';
SELECT * FROM "Wrapped Up_tree"(1::smallint);
SELECT tree_wrapper_sql('nothing');
DROP FUNCTION place_tree, "Wrapped Up_tree";
SELECT tree_unregister_all();

-- A dropped table takes its registration along.
SELECT tree_register('twin');
DROP TABLE twin;
SELECT count(*) FROM tree_registry;

-- tree_track and the event trigger's function are not to be called.
SELECT tree_track();
SELECT tree_follow_rename();
-- A registration made by hand is checked when it is read.
CREATE FUNCTION own(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE TRIGGER by_hand AFTER INSERT ON place FOR EACH ROW
    EXECUTE FUNCTION tree_track('tree=hand', 'id=id', 'parent=parent_id', 'code=code', 'name=registration.own(name)', 'order_by=code');
SELECT tree, tracked FROM tree_registry;
SELECT tree_path_text(2, 'hand');
SELECT tree_unregister('hand');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'place'::regclass AND NOT tgisinternal;

-- DROP EXTENSION is refused while there are trees. After tree_unregister_all() it leaves the tables as they were.
SELECT tree_register('place');
\set VERBOSITY terse
DROP EXTENSION pg_tree;
\set VERBOSITY default
BEGIN;
SELECT tree_unregister_all();
DROP EXTENSION pg_tree;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'place'::regclass AND NOT tgisinternal;
SELECT * FROM place ORDER BY id;
CREATE SCHEMA "Tree House";
CREATE EXTENSION pg_tree SCHEMA "Tree House";
SELECT "Tree House".tree_register('place');
SELECT * FROM "Tree House".tree_build(1);
SELECT "Tree House".tree_wrapper_sql('place') \gexec
SELECT * FROM place_tree(2);
ALTER TABLE place RENAME code TO abbreviation;
SELECT tree, code, order_by FROM "Tree House".tree_registry;
SELECT id, code FROM "Tree House".tree_build(1);
ROLLBACK;
SELECT * FROM tree_build(2);
SELECT tree_unregister_all();

SET client_min_messages = warning;
DROP SCHEMA registration, "Other" CASCADE;
