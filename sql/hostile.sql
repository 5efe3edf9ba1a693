-- What one user does must not harm another: hostile names, types, functions, settings and hand-made triggers.
\set VERBOSITY terse
CREATE SCHEMA hostile;
SET search_path = hostile, public;
CREATE TABLE log (who text, what text);
GRANT INSERT ON log TO PUBLIC;

-- Columns called what pg_tree might call something of its own.
CREATE TABLE names (_pg_tree_label int PRIMARY KEY, _pg_tree_filter int, _pg_tree_row int, _pg_tree_sort_0 text, names text);
INSERT INTO names VALUES (1, NULL, 7, 'r', 'root'), (2, 1, 8, 's', 'below');
SELECT tree_register('names', id => '_pg_tree_label', parent => '_pg_tree_filter', code => '_pg_tree_sort_0', name => '_pg_tree_row', filter => '_pg_tree_row > 0');
SELECT * FROM tree_build(1);
SELECT (node).*, level FROM tree_rows(NULL::names, 1);
SELECT tree_path_text(2);
SELECT tree_unregister_all();

-- As many sort expressions as there may be, with a key that needs a word of its own.
CREATE TABLE many (id date PRIMARY KEY, parent_id date, a text COLLATE "C");
INSERT INTO many VALUES ('2024-01-01', NULL, 'x'), ('2024-01-02', '2024-01-01', 'y'), ('2024-01-03', '2024-01-01', 'x'), ('2024-01-04', '2024-01-01', 'x');
SELECT tree_register('many', order_by => 'a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a') IS NOT NULL AS registered;
SELECT id, parent_id FROM tree_build('2024-01-01'::text);
SELECT tree_register('many', order_by => 'a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a');
SELECT tree_unregister_all();

-- A cast to text that is a user's own is not called; the type's output function is.
CREATE TYPE pair AS (a int);
CREATE FUNCTION evil_cast(pair) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO hostile.log VALUES (current_user, 'cast'); RETURN 'cast'; END $$;
CREATE CAST (pair AS text) WITH FUNCTION evil_cast(pair);
CREATE TABLE casting (id int PRIMARY KEY, parent_id int, code pair, name pair);
INSERT INTO casting VALUES (1, NULL, ROW(1), ROW(1)), (2, 1, ROW(2), ROW(3));
SELECT tree_register('casting', order_by => 'id');
SELECT * FROM tree_build(1);
SELECT tree_unregister_all();

-- The constraints of a domain run as the table's owner, if at all, never as whoever reads.
CREATE ROLE tree_mallory;
GRANT ALL ON SCHEMA hostile TO tree_mallory;
SET ROLE tree_mallory;
CREATE FUNCTION evil_check(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN INSERT INTO hostile.log VALUES (current_user, 'check'); RETURN true; END $$;
CREATE DOMAIN checked AS int CHECK (evil_check(value));
CREATE TYPE holder AS (x checked);
CREATE TABLE literal (id int PRIMARY KEY, parent_id int, name text, extra text);
INSERT INTO literal VALUES (1, NULL, 'root'), (2, 1, 'below');
SELECT tree_register('literal', filter => $$'{1}'::hostile.checked[] IS NOT NULL$$) IS NOT NULL AS registered;
SELECT tree_register('literal', tree => 'other', filter => $$name::hostile.checked[] IS NOT NULL$$);
CREATE TABLE holding (id holder PRIMARY KEY, parent_id holder);
SELECT tree_register('holding');
RESET ROLE;
TRUNCATE log;
SELECT * FROM tree_build(1, 'literal');
ALTER TABLE literal RENAME extra TO more;
SELECT DISTINCT who, what FROM log WHERE who <> 'tree_mallory';
SELECT tree_unregister_all();

-- A statement to be run by somebody else quotes whatever stands in a name.
CREATE TABLE "x$pg_tree$; SELECT 'injected'; --" (id int PRIMARY KEY, parent_id int, name text);
INSERT INTO "x$pg_tree$; SELECT 'injected'; --" VALUES (1, NULL, 'root'), (2, 1, 'below');
SELECT tree_register('"x$pg_tree$; SELECT ''injected''; --"') IS NOT NULL AS registered;
SELECT tree_wrapper_sql() \gexec
SELECT * FROM "x$pg_tree$; SELECT 'injected'; --_tree"(1);
DROP TABLE "x$pg_tree$; SELECT 'injected'; --" CASCADE;

-- Literals mean the same under any settings, also when a registration is rewritten.
CREATE TABLE dated (id int PRIMARY KEY, parent_id int, name text, day date, lasts interval);
INSERT INTO dated VALUES (1, NULL, 'root', '2024-01-01', '1 h'), (2, 1, 'a', '2024-01-20', '1 day -2 h'), (3, 1, 'b\n', '2024-01-10', '3 h');
SET datestyle = 'SQL, DMY';
SET intervalstyle = sql_standard;
SELECT tree_register('dated', filter => $$day > date '02/01/2024' AND lasts > interval '-1 day -2 hours' AND name <> '\n'$$);
SELECT id FROM tree_build(1);
RESET datestyle;
RESET intervalstyle;
SET standard_conforming_strings = off;
SET escape_string_warning = off;
ALTER TABLE dated RENAME name TO title;
RESET standard_conforming_strings;
RESET escape_string_warning;
SELECT filter FROM tree_registry;
SELECT id FROM tree_build(1);
SELECT tree_unregister_all();

-- A broken tree does not keep its sister from following a rename.
CREATE TABLE sisters (id int PRIMARY KEY, parent_id int, code text, name text, extra text, label text);
INSERT INTO sisters VALUES (1, NULL, 'r', 'r', 'r', 'r'), (2, 1, 'a', 'a', 'a', 'a');
SELECT tree_register('sisters', 'aaa', name => 'extra');
SELECT tree_register('sisters', 'bbb', name => 'label');
ALTER TABLE sisters DROP COLUMN extra;
ALTER TABLE sisters RENAME label TO caption;
SELECT * FROM tree_build(1, 'bbb');
SELECT tree_unregister_all();

-- Triggers made by hand: too long a name, too much text, the wrong time, two of one name.
CREATE TABLE hand (id int PRIMARY KEY, parent_id int, name text);
INSERT INTO hand VALUES (1, NULL, 'root'), (2, 1, 'below');
DO $$ BEGIN
    EXECUTE format('CREATE TRIGGER long_name AFTER INSERT ON hand FOR EACH ROW EXECUTE FUNCTION tree_track(%L, %L, %L)', 'id=id', 'parent=parent_id', 'tree=' || repeat('x', 64));
    EXECUTE format('CREATE TRIGGER long_text AFTER INSERT ON hand FOR EACH ROW EXECUTE FUNCTION tree_track(%L, %L, %L)', 'id=id', 'parent=parent_id', 'filter=' || repeat('true AND ', 10000) || 'true');
    EXECUTE format('CREATE TRIGGER no_key AFTER INSERT ON hand FOR EACH ROW EXECUTE FUNCTION tree_track(%L)', 'parent=parent_id');
END $$;
SELECT count(*) AS listed FROM tree_registry;
SELECT tree_register('hand', filter => repeat('true AND ', 10000) || 'true');
CREATE TRIGGER before BEFORE INSERT ON hand FOR EACH ROW EXECUTE FUNCTION tree_track();
INSERT INTO hand VALUES (3, 1, 'lost?');
DROP TRIGGER before ON hand;
CREATE TRIGGER twin_1 AFTER INSERT ON hand FOR EACH ROW EXECUTE FUNCTION tree_track('id=id', 'parent=parent_id', 'tree=twin');
CREATE TRIGGER twin_2 AFTER INSERT ON hand FOR EACH ROW EXECUTE FUNCTION tree_track('id=id', 'parent=parent_id', 'tree=twin');
SELECT * FROM tree_build(1, 'twin');
SELECT tree_register('hand', 'twin');
SELECT * FROM tree_build(1, 'twin');
CREATE TRIGGER pg_tree_truncate_too AFTER TRUNCATE ON hand EXECUTE FUNCTION tree_track();
SELECT tree_unregister_all();
SELECT count(*) AS left_behind FROM pg_trigger WHERE tgrelid = 'hand'::regclass;

-- A user's own trigger may be called what ours would be.
CREATE FUNCTION own() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER pg_tree_truncate AFTER TRUNCATE ON hand EXECUTE FUNCTION own();
SELECT tree_register('hand') IS NOT NULL AS registered;
SELECT tracked FROM tree_registry;
SELECT tree_unregister('hand');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'hand'::regclass;

-- Names are looked up again in the middle of unregistering.
CREATE FUNCTION meddle() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM count(*) FROM hostile.hand; PERFORM count(*) FROM tree_registry; PERFORM tree_path(1, 'watched'); END $$;
CREATE TABLE watched (id int PRIMARY KEY, parent_id int, name text);
SELECT tree_register('watched') IS NOT NULL AS registered;
SELECT tree_register('hand', 'a_name_long_enough_to_leave_its_memory') IS NOT NULL AS registered;
CREATE EVENT TRIGGER meddling ON sql_drop EXECUTE FUNCTION meddle();
SELECT tree_unregister('a_name_long_enough_to_leave_its_memory');
DROP EVENT TRIGGER meddling;

-- Nothing is asked for, and nothing is told: rights are checked all the same.
SET ROLE tree_mallory;
SELECT * FROM tree_build(1, 'watched', -1);
RESET ROLE;
CREATE DOMAIN few AS watched CHECK ((value).id > 100);
SELECT * FROM tree_rows(NULL::few, 1);

SELECT tree_unregister_all();
DROP SCHEMA hostile CASCADE;
DROP ROLE tree_mallory;
