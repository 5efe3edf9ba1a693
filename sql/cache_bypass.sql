-- When the table is read although there is a cache, and that the reason is counted.
CREATE SCHEMA cache_bypass;
SET search_path = cache_bypass, public;
SET client_min_messages = warning;
SET DateStyle = ISO;
SET IntervalStyle = postgres;
CREATE EXTENSION dblink;
SELECT dblink_connect('other', format('host=%L port=%s dbname=%L options=''-c search_path=cache_bypass,public''', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()));
-- A question's answer, and how it came about: by a hit, a miss, or which bypass.
CREATE FUNCTION counts() RETURNS TABLE (what text, n bigint) LANGUAGE sql AS $$
    SELECT 'hit', hits FROM tree_stat_cache WHERE datname = current_database()
    UNION ALL SELECT 'miss', misses FROM tree_stat_cache WHERE datname = current_database()
    UNION ALL SELECT reason, count FROM tree_stat_bypass WHERE datname = current_database()
$$;
CREATE FUNCTION ask(question text, OUT how text, OUT answer text) LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := (SELECT jsonb_object_agg(what, n) FROM (SELECT what, sum(n) AS n FROM counts() GROUP BY what) AS c);
BEGIN
    BEGIN
        EXECUTE question INTO answer;
    EXCEPTION WHEN OTHERS THEN
        answer := 'ERROR: ' || SQLERRM;
    END;
    SELECT string_agg(CASE times WHEN 1 THEN what ELSE format('%s %s', times, what) END, ', ' ORDER BY what COLLATE "C") INTO how
    FROM (SELECT what, sum(n) - coalesce((before ->> what)::numeric, 0) AS times FROM counts() GROUP BY what) AS c WHERE times <> 0;
END $$;
CREATE TABLE place (id int PRIMARY KEY, parent_id int, code text, name text, note text);
INSERT INTO place VALUES (1, NULL, 'A', 'World'), (2, 1, 'C', 'Europe'), (3, 1, 'B', 'Asia'), (4, 2, 'D', 'Germany'), (5, 4, 'E', 'Hamburg');
CREATE TABLE elsewhere (a int);
SELECT tree_register('place');
-- Until the end, a question of this tree with which to try.
CREATE FUNCTION try(OUT how text, OUT answer text) LANGUAGE sql AS $$ SELECT * FROM ask('SELECT tree_path_text(5, ''cache_bypass.place'')') $$;
CREATE FUNCTION warm(tree text DEFAULT 'cache_bypass.place') RETURNS bigint LANGUAGE sql AS 'SELECT nodes FROM tree_warm(tree)';
SELECT warm();
SELECT * FROM try();
SELECT reason, count FROM tree_stat_bypass WHERE tree = 'cache_bypass.place';

-- --- disabled ------------------------------------------------------------------------------------------------------------

SET pg_tree.enable_cache = off;
SELECT * FROM try();
SELECT warm();
RESET pg_tree.enable_cache;
SELECT * FROM try();
CREATE FUNCTION try_without() RETURNS text LANGUAGE plpgsql SET pg_tree.enable_cache = off AS 'BEGIN RETURN (SELECT t FROM try() AS t); END';
SELECT try_without(), try();
BEGIN;
SET LOCAL pg_tree.enable_cache = off;
SELECT how FROM try();
ROLLBACK;
SELECT how FROM try();
SELECT tree, reason, count FROM tree_stat_bypass WHERE datname = current_database();
SELECT bypasses FROM tree_stat_cache WHERE tree = 'cache_bypass.place';

-- --- own_write -----------------------------------------------------------------------------------------------------------

BEGIN;
INSERT INTO elsewhere VALUES (1);
SELECT * FROM try();
UPDATE place SET note = 'x';
SELECT * FROM try();
UPDATE place SET name = 'Hafen' WHERE id = 5;
SELECT * FROM try();
SELECT warm();
ROLLBACK;
SELECT * FROM try();
-- While the statement is under way and its triggers have not fired.
CREATE FUNCTION how_in_statement() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT t FROM try() AS t); END';
BEGIN;
UPDATE place SET name = 'Hafen' WHERE id = 5 RETURNING how_in_statement();
ROLLBACK;
WITH written AS (UPDATE place SET note = 'y' WHERE id = 5 RETURNING id) SELECT how_in_statement() FROM written;
SELECT * FROM try();
-- A row lock is no write, nor is a transaction that only has an id.
BEGIN;
SELECT count(*) FROM (SELECT FROM place FOR UPDATE) AS locked;
SELECT txid_current() IS NOT NULL;
SELECT * FROM try();
COMMIT;
-- Nothing can be built in a transaction that was there before the tree was watched and may have written to it.
CREATE TABLE young (id int PRIMARY KEY, parent_id int, code text);
INSERT INTO young VALUES (1, NULL, 'a'), (2, 1, 'b');
SELECT tree_register('young');
BEGIN;
INSERT INTO young VALUES (3, 2, 'c');
SELECT ask.* FROM ask('SELECT tree_path(3, ''young'')');
SELECT warm('young');
ROLLBACK;
SELECT ask.answer FROM ask('SELECT tree_path(3, ''young'')');
SELECT warm('young');
-- The triggers that it needs, in one's own hands.
BEGIN;
ALTER TABLE young DISABLE TRIGGER ALL;
UPDATE young SET parent_id = NULL WHERE id = 2;
DO $$ DECLARE t name; BEGIN FOR t IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'young'::regclass LOOP EXECUTE format('ALTER TABLE young ENABLE ALWAYS TRIGGER %I', t); END LOOP; END $$;
SELECT ask.* FROM ask('SELECT tree_path(2, ''young'')');
COMMIT;
SELECT ask.* FROM ask('SELECT tree_path(2, ''young'')');
SELECT warm('young');
SELECT dblink_exec('other', $$DO $do$ DECLARE t name; BEGIN
    ALTER TABLE young DISABLE TRIGGER ALL;
    UPDATE young SET parent_id = 1 WHERE id = 2;
    FOR t IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'young'::regclass LOOP EXECUTE format('ALTER TABLE young ENABLE ALWAYS TRIGGER %I', t); END LOOP;
END $do$ $$);
SELECT ask.* FROM ask('SELECT tree_path(2, ''young'')');
DROP TABLE young;

-- --- snapshot --------------------------------------------------------------------------------------------------------------

-- Older than a change that the image has seen.
SELECT warm();
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM try();
SELECT dblink_exec('other', 'UPDATE place SET name = ''Harburg'' WHERE id = 5');
SELECT * FROM try();
SELECT * FROM dblink('other', 'SELECT tree_path_text(5, ''place''), (SELECT nodes FROM tree_warm(''place''))') AS t (answer text, nodes bigint);
SELECT * FROM try();
SELECT warm();
SELECT * FROM try();
COMMIT;
SELECT * FROM try();
-- Older than the watch: whatever was written before it is nobody's knowledge.
CREATE TABLE young (id int PRIMARY KEY, parent_id int, code text);
INSERT INTO young VALUES (1, NULL, 'a'), (2, 1, 'b');
SELECT tree_register('young');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM young;
SELECT dblink_exec('other', 'INSERT INTO elsewhere VALUES (2)');
SELECT * FROM dblink('other', 'SELECT nodes FROM tree_warm(''young'')') AS t (nodes bigint);
SELECT ask.* FROM ask('SELECT tree_path(2, ''young'')');
COMMIT;
SELECT ask.* FROM ask('SELECT tree_path(2, ''young'')');
DROP TABLE young;
-- Written before the watch and committed after it: the other way round.
CREATE TABLE young (id int PRIMARY KEY, parent_id int, code text);
INSERT INTO young VALUES (1, NULL, 'a'), (2, 1, 'b'), (3, 1, 'c');
SELECT tree_register('young');
SELECT dblink_exec('other', 'BEGIN');
SELECT dblink_exec('other', 'UPDATE young SET parent_id = NULL WHERE id = 2');
BEGIN;
UPDATE young SET parent_id = NULL WHERE id = 3;
PREPARE TRANSACTION 'young';
SELECT warm('young');
SELECT ask.* FROM ask('SELECT tree_path(2, ''young'')');
SELECT dblink_exec('other', 'COMMIT');
SELECT ask.* FROM ask('SELECT tree_path(2, ''young'')');
SELECT warm('young');
SELECT ask.* FROM ask('SELECT tree_path(3, ''young'')');
COMMIT PREPARED 'young';
SELECT ask.* FROM ask('SELECT tree_path(3, ''young'')');
DROP TABLE young;
-- A cursor's, while its transaction goes on.
SELECT warm();
BEGIN;
DECLARE old CURSOR FOR SELECT id, tree_path_text(id, 'place') FROM generate_series(2, 5) AS id;
FETCH 1 FROM old;
SELECT dblink_exec('other', 'UPDATE place SET name = ''Hamburg'' WHERE id = 5');
FETCH 1 FROM old;
SELECT warm();
SELECT sum(n) AS before FROM counts() WHERE what = 'snapshot' \gset
FETCH ALL FROM old;
SELECT sum(n) - :before AS times FROM counts() WHERE what = 'snapshot';
SELECT * FROM try();
COMMIT;

-- --- serializable ------------------------------------------------------------------------------------------------------------

BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM try();
SELECT warm();
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE;
SELECT * FROM try();
COMMIT;
SET default_transaction_isolation = serializable;
SELECT how FROM try();
RESET default_transaction_isolation;
SELECT how FROM try();

-- --- rls -------------------------------------------------------------------------------------------------------------------------

CREATE ROLE tree_restricted;
GRANT USAGE ON SCHEMA cache_bypass TO tree_restricted;
GRANT SELECT ON place TO tree_restricted;
ALTER TABLE place ENABLE ROW LEVEL SECURITY;
CREATE POLICY no_germany ON place TO tree_restricted USING (id <> 4);
SELECT * FROM try();
SET ROLE tree_restricted;
SELECT * FROM try();
SELECT warm();
SET row_security = off;
SELECT try();
RESET row_security;
RESET ROLE;
SELECT * FROM try();
ALTER TABLE place DISABLE ROW LEVEL SECURITY;
SET ROLE tree_restricted;
SELECT * FROM try();
RESET ROLE;

-- --- trigger_missing -----------------------------------------------------------------------------------------------------------------

-- Told once a session, and how to mend it.
SELECT tgname AS row_trigger FROM pg_trigger WHERE tgrelid = 'place'::regclass AND tgnargs > 0 \gset
SELECT tgname AS truncate_trigger FROM pg_trigger WHERE tgrelid = 'place'::regclass AND tgnargs = 0 \gset
SELECT warm();
ALTER TABLE place DISABLE TRIGGER :"row_trigger";
UPDATE place SET name = 'unnoticed' WHERE id = 5;
SELECT * FROM try();
SELECT * FROM try();
SELECT warm();
ALTER TABLE place ENABLE TRIGGER :"row_trigger";
SELECT * FROM try();
ALTER TABLE place ENABLE REPLICA TRIGGER :"row_trigger";
SELECT * FROM try();
UPDATE place SET name = 'unnoticed again' WHERE id = 5;
ALTER TABLE place ENABLE ALWAYS TRIGGER :"row_trigger";
SELECT answer FROM try();
SELECT warm();
SELECT * FROM try();
ALTER TABLE place DISABLE TRIGGER :"truncate_trigger";
SELECT * FROM try();
SELECT tracked FROM tree_registry;
SELECT tree_register('place');
SELECT tracked FROM tree_registry;
SELECT warm();
SELECT * FROM try();
DROP TRIGGER :"truncate_trigger" ON place;
SELECT * FROM try();
SELECT tree_register('place');
SELECT warm();
-- As pg_restore --disable-triggers leaves it.
ALTER TABLE place DISABLE TRIGGER ALL;
ALTER TABLE place ENABLE TRIGGER ALL;
SELECT * FROM try();
SELECT tree_register('place');
SELECT warm();
SELECT * FROM try();
\c -
SET search_path = cache_bypass, public;
SET client_min_messages = warning;
SET DateStyle = ISO;
SET IntervalStyle = postgres;
SELECT dblink_connect('other', format('host=%L port=%s dbname=%L options=''-c search_path=cache_bypass,public''', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()));
ALTER TABLE place DISABLE TRIGGER USER;
SELECT * FROM try();
SELECT tree_register('place');
SELECT warm();
-- A trigger made by hand that notes too little.
CREATE TABLE handmade (id int PRIMARY KEY, parent_id int, code text);
INSERT INTO handmade VALUES (1, NULL, 'a'), (2, 1, 'b');
CREATE TRIGGER notes AFTER INSERT OR DELETE ON handmade FOR EACH ROW EXECUTE FUNCTION tree_track('id=id', 'parent=parent_id', 'code=code', 'name=code', 'order_by=code');
ALTER TABLE handmade ENABLE ALWAYS TRIGGER notes;
SELECT ask.* FROM ask('SELECT tree_path(2, ''handmade'')');
DROP TRIGGER notes ON handmade;
CREATE TRIGGER notes AFTER INSERT OR UPDATE OR DELETE ON handmade FOR EACH ROW WHEN (true) EXECUTE FUNCTION tree_track('id=id', 'parent=parent_id', 'code=code', 'name=code', 'order_by=code');
ALTER TABLE handmade ENABLE ALWAYS TRIGGER notes;
SELECT ask.* FROM ask('SELECT tree_path(2, ''handmade'')');
DROP TRIGGER notes ON handmade;
CREATE TRIGGER notes AFTER INSERT OR UPDATE OF code OR DELETE ON handmade FOR EACH ROW EXECUTE FUNCTION tree_track('id=id', 'parent=parent_id', 'code=code', 'name=code', 'order_by=code');
ALTER TABLE handmade ENABLE ALWAYS TRIGGER notes;
SELECT ask.* FROM ask('SELECT tree_path(2, ''handmade'')');
DROP TABLE handmade;
-- One partition's.
CREATE TABLE region (id int PRIMARY KEY, parent_id int, code text) PARTITION BY RANGE (id);
CREATE TABLE region_low PARTITION OF region FOR VALUES FROM (0) TO (10);
CREATE TABLE region_mid PARTITION OF region FOR VALUES FROM (10) TO (20);
INSERT INTO region VALUES (1, NULL, 'a'), (11, 1, 'b');
SELECT tree_register('region');
SELECT warm('region');
SELECT tgname AS copy FROM pg_trigger WHERE tgrelid = 'region_mid'::regclass \gset
ALTER TABLE region_mid DISABLE TRIGGER :"copy";
UPDATE region SET code = 'unnoticed' WHERE id = 11;
SELECT ask.* FROM ask('SELECT string_agg(code, '' '') FROM tree_build(1, ''region'')');
SELECT tree_register('region');
SELECT warm('region');
SELECT ask.* FROM ask('SELECT string_agg(code, '' '') FROM tree_build(1, ''region'')');
DROP TABLE region;
-- Tables that inherit in the old way have no copies of triggers; there is nothing to mend, and so nothing is told.
CREATE TABLE animal (id int PRIMARY KEY, parent_id int, code text);
INSERT INTO animal VALUES (1, NULL, 'animal'), (2, 1, 'dog');
SELECT tree_register('animal');
SELECT warm('animal');
CREATE TABLE dog (breed text) INHERITS (animal);
INSERT INTO dog VALUES (3, 2, 'terrier');
SELECT ask.* FROM ask('SELECT string_agg(code, '' '') FROM tree_build(1, ''animal'')');
SELECT warm('animal');
ALTER TABLE dog NO INHERIT animal;
SELECT ask.answer FROM ask('SELECT string_agg(code, '' '') FROM tree_build(1, ''animal'')');
SELECT warm('animal');
SELECT ask.* FROM ask('SELECT string_agg(code, '' '') FROM tree_build(1, ''animal'')');
ALTER TABLE dog INHERIT animal;
SELECT ask.* FROM ask('SELECT string_agg(code, '' '') FROM tree_build(1, ''animal'')');
DROP TABLE animal CASCADE;

-- --- unsupported -----------------------------------------------------------------------------------------------------------------------

-- Views, temporary tables, foreign tables.
CREATE VIEW seen AS SELECT * FROM place;
SELECT tree_register('seen');
SELECT ask.* FROM ask('SELECT tree_depth(5, ''seen'')');
SELECT warm('seen');
DROP VIEW seen;
CREATE TEMP TABLE sketch (id int PRIMARY KEY, parent_id int, code text);
INSERT INTO sketch VALUES (1, NULL, 'a'), (2, 1, 'b');
SELECT tree_register('sketch');
SELECT ask.* FROM ask('SELECT tree_depth(2, ''pg_temp.sketch'')');
DROP TABLE sketch;
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE listing (id int, parent_id int, code text) SERVER files OPTIONS (program 'printf "1,,r\n2,1,b\n"', format 'csv');
SELECT tree_register('listing');
SELECT ask.* FROM ask('SELECT tree_depth(2, ''listing'')');
DROP EXTENSION file_fdw CASCADE;
CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY, parent_id int, code text);
INSERT INTO unlogged VALUES (1, NULL, 'a'), (2, 1, 'b');
SELECT tree_register('unlogged');
SELECT warm('unlogged');
SELECT ask.* FROM ask('SELECT tree_depth(2, ''unlogged'')');
DROP TABLE unlogged;
-- Codes and names whose text is not theirs alone. Keys may be of such types: they are written out for each call.
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TABLE odd (id date PRIMARY KEY, parent_id date, day date, moment timestamptz, size float8, span interval, bytes bytea, mood mood, list int[], plain text, number numeric);
INSERT INTO odd VALUES ('2000-01-01', NULL, '2000-01-01', '2000-01-01 00:00+00', 0.1, '1 day', '\x01', 'sad', '{1}', 'x', 1.0), ('2000-01-02', '2000-01-01', '2000-01-01', '2000-01-01 00:00+00', 0.1, '1 day', '\x01', 'glad', '{1}', 'y', 2.0);
CREATE FUNCTION registered(argument text, value text, OUT how text, OUT answer text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT tree_register(''odd'', code => %L, name => %L, order_by => %L)', CASE argument WHEN 'code' THEN value ELSE 'plain' END, CASE argument WHEN 'name' THEN value ELSE 'plain' END, CASE argument WHEN 'order_by' THEN value ELSE 'plain' END);
    SELECT a.how, a.answer INTO how, answer FROM ask('SELECT format(''%s %s'', code, name) FROM tree_build(''2000-01-01''::text, ''odd'')') AS a;
END $$;
SELECT argument, value, a.* FROM unnest(ARRAY['code', 'name', 'order_by']) AS argument, unnest(ARRAY['day', 'moment', 'size', 'span', 'bytes', 'mood', 'list', 'plain', 'number']) AS value, registered(argument, value) AS a;
SELECT tree_register('odd', code => 'plain', name => 'plain');
SELECT warm('odd');
SELECT ask.* FROM ask('SELECT tree_path(''2000-01-02''::text, ''odd'')');
SET DateStyle = German;
SELECT ask.* FROM ask('SELECT tree_path(''02.01.2000''::text, ''odd'')');
-- An expression is worked out under settings of its own; who has others reads the table.
SELECT tree_register('odd', code => 'plain', name => 'plain || size::text');
SELECT ask.* FROM ask('SELECT tree_path_text(''02.01.2000''::text, ''odd'')');
SELECT warm('odd');
SET DateStyle = ISO;
SELECT warm('odd');
SELECT ask.* FROM ask('SELECT tree_path_text(''2000-01-02''::text, ''odd'')');
SET extra_float_digits = -15;
SELECT ask.* FROM ask('SELECT tree_path_text(''2000-01-02''::text, ''odd'')');
RESET extra_float_digits;
SET IntervalStyle = sql_standard;
SELECT ask.how FROM ask('SELECT tree_path_text(''2000-01-02''::text, ''odd'')');
SET IntervalStyle = postgres;
SET bytea_output = escape;
SELECT ask.how FROM ask('SELECT tree_path_text(''2000-01-02''::text, ''odd'')');
RESET bytea_output;
SELECT ask.how FROM ask('SELECT tree_path_text(''2000-01-02''::text, ''odd'')');
DROP TABLE odd;
-- Keys on a cycle or below one, in every function.
CREATE TABLE cyclic (id int, parent_id int, code text);
CREATE UNIQUE INDEX ON cyclic (id);
INSERT INTO cyclic VALUES (1, 3, 'a'), (2, 1, 'b'), (3, 2, 'c'), (4, 3, 'd'), (5, NULL, 'e'), (6, 5, 'f');
SELECT tree_register('cyclic');
SELECT warm('cyclic');
SET pg_tree.default_tree = 'cyclic';
SELECT question, string_agg(a.how, ' ' ORDER BY key) AS of_1_4_6 FROM unnest(ARRAY['tree_build(%1$s)', 'tree_rows(NULL::cyclic, %1$s)', 'tree_page(%1$s, NULL)', 'tree_page(5, %1$s)', 'tree_walk(%1$s)', 'tree_children(%1$s)', 'tree_siblings(%1$s)', 'tree_ancestors(%1$s)', 'tree_leaves(%1$s)', 'tree_path(%1$s)',
    'tree_path_text(%1$s)', 'tree_depth(%1$s)', 'tree_root(%1$s)', 'tree_descendant_count(%1$s)', 'tree_is_ancestor(%1$s, 5)', 'tree_is_ancestor(5, %1$s)', 'tree_contains(%1$s, 5)', 'tree_contains(5, %1$s)', 'tree_lca(%1$s, 5)', 'tree_lca(5, %1$s)', 'tree_json(%1$s)', 'tree_draw(%1$s)'])
    WITH ORDINALITY AS q (question, n), unnest(ARRAY[1, 4, 6]) AS key, LATERAL ask(format('SELECT count(*) FROM ' || question, key)) AS a GROUP BY question, n ORDER BY n;
SELECT ask.* FROM ask('SELECT count(*) FROM tree_forest(NULL::cyclic)');
-- A row without a key is no hindrance but for whole rows, which are found by their keys.
INSERT INTO cyclic VALUES (NULL, 6, 'keyless');
SELECT warm('cyclic');
SELECT ask.* FROM unnest(ARRAY['tree_build(5)', 'tree_walk(5)', 'tree_leaves(5)', 'tree_page(6, NULL)', 'tree_rows(NULL::cyclic, 5)', 'tree_forest(NULL::cyclic)']) AS question, ask('SELECT count(*) FROM ' || question);
-- A page below a key that nobody knows: it may begin there when the two keys are the same.
SELECT ask.* FROM unnest(ARRAY['tree_page(77, NULL)', 'tree_page(77, 77)', 'tree_page(77, 78)', 'tree_page(77, 6)', 'tree_page(6, 77)']) AS question, ask('SELECT count(*) FROM ' || question);
RESET pg_tree.default_tree;
DROP TABLE cyclic;
-- An owner who may not read the table, or not all of it: nobody builds for the others.
ALTER TABLE place OWNER TO tree_restricted;
SELECT warm();
SELECT * FROM try();
UPDATE place SET name = 'Hamburg' WHERE id = 5;
REVOKE ALL ON place FROM tree_restricted;
SELECT warm();
SELECT * FROM try();
GRANT SELECT ON place TO tree_restricted;
ALTER TABLE place ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT warm();
SELECT answer FROM try();
ALTER TABLE place NO FORCE ROW LEVEL SECURITY;
SELECT warm();
SELECT * FROM try();
ALTER TABLE place OWNER TO CURRENT_USER;

-- --- too_large ---------------------------------------------------------------------------------------------------------------------------

CREATE TABLE large (id int PRIMARY KEY, parent_id int, code text);
INSERT INTO large SELECT i, nullif(i / 10, 0), i FROM generate_series(1, 5000) AS i;
CREATE INDEX ON large (parent_id);
ANALYZE large;
SELECT tree_register('large');
SET pg_tree.max_build_memory = '64kB';
SELECT warm('large');
SELECT ask.* FROM ask('SELECT tree_depth(4321, ''large'')');
SELECT ask.* FROM ask('SELECT count(*) FROM tree_build(432, ''large'')');
SELECT ask.* FROM ask('SELECT count(*) FROM tree_forest(NULL::large)');
RESET pg_tree.max_build_memory;
-- With more memory it is tried again.
SELECT ask.* FROM ask('SELECT count(*) FROM tree_forest(NULL::large)');
SELECT warm('large');
SELECT ask.* FROM ask('SELECT count(*) FROM tree_forest(NULL::large)');
DROP TABLE large;

-- --- All of them -----------------------------------------------------------------------------------------------------------------------------

SELECT reason FROM tree_stat_bypass WHERE tree = 'cache_bypass.place' AND datname = current_database() ORDER BY reason COLLATE "C";
SELECT bypasses = (SELECT sum(count) FROM tree_stat_bypass WHERE tree = 'cache_bypass.place' AND datname = current_database()) AS counted FROM tree_stat_cache WHERE tree = 'cache_bypass.place' AND datname = current_database();
SELECT dblink_disconnect('other');
DROP EXTENSION dblink;
DROP SCHEMA cache_bypass CASCADE;
DROP ROLE tree_restricted;
