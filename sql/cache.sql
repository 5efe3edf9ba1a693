-- The shared cache: what is built and counted, and that what it answers is what the table answers, whatever becomes of the table.
CREATE SCHEMA cache;
SET search_path = cache, public;
SET client_min_messages = warning;
-- What an expression says under other settings is not what the image holds.
SET DateStyle = ISO;
SET IntervalStyle = postgres;
CREATE EXTENSION citext;
CREATE EXTENSION dblink;
SELECT dblink_connect('other', format('host=%L port=%s dbname=%L options=''-c search_path=cache,public -c client_min_messages=warning''', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()));

-- --- What the tests ask with -----------------------------------------------------------------------------------------

CREATE VIEW cached AS
    SELECT tree, relation, state, nodes, bytes, hits, misses, bypasses, builds, build_ms, last_build FROM tree_stat_cache WHERE datname = current_database();
CREATE VIEW bypassed AS SELECT tree, reason, count FROM tree_stat_bypass WHERE datname = current_database();
CREATE FUNCTION state_of(name text DEFAULT 'cache.place') RETURNS text LANGUAGE sql AS 'SELECT coalesce((SELECT state FROM cached WHERE tree = name), ''unknown'')';
-- Every count there is, by name.
CREATE FUNCTION counts() RETURNS TABLE (what text, n bigint) LANGUAGE sql AS $$
    SELECT 'hit', hits FROM cached UNION ALL SELECT 'miss', misses FROM cached UNION ALL SELECT reason, count FROM bypassed
$$;
-- A question's answer, and how it came about: by a hit, a miss, or which bypass.
CREATE FUNCTION ask(question text, OUT how text, OUT answer text) LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := (SELECT jsonb_object_agg(what, n) FROM (SELECT what, sum(n) AS n FROM counts() GROUP BY what) AS c);
BEGIN
    EXECUTE question INTO answer;
    SELECT string_agg(CASE times WHEN 1 THEN what ELSE format('%s %s', times, what) END, ', ' ORDER BY what COLLATE "C") INTO how
    FROM (SELECT what, sum(n) - coalesce((before ->> what)::numeric, 0) AS times FROM counts() GROUP BY what) AS c WHERE times <> 0;
END $$;
-- Does every sort of question get the answer that the table gives? In one snapshot.
CREATE FUNCTION everything(tree text) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    answer text[];
BEGIN
    EXECUTE format($q$
        SELECT array(SELECT t::text FROM tree_build('1', %1$L) AS t) || array(SELECT t::text FROM tree_children('2', %1$L) AS t) || array(SELECT t::text FROM tree_walk('1', %1$L, 'breadth') AS t)
            || array(SELECT tree_path_text(i::text, %1$L, '/') FROM generate_series(1, 30) AS i) || array(SELECT tree_depth(i::text, %1$L)::text FROM generate_series(1, 30) AS i)
            || array(SELECT t::text FROM tree_forest(NULL::%2$s, %1$L) AS t) || array(SELECT t::text FROM tree_rows(NULL::%2$s, '1'::text, %1$L) AS t) || tree_json('1', %1$L)::text$q$,
        tree, (SELECT relation FROM tree_registry AS r WHERE r.tree IN (everything.tree, 'cache.' || everything.tree))) INTO answer;
    RETURN answer;
END $$;
CREATE FUNCTION right_answers(tree text DEFAULT 'place') RETURNS bool LANGUAGE plpgsql STABLE AS $$
DECLARE
    by_table text[];
    by_cache text[];
BEGIN
    by_cache := everything(tree);
    PERFORM set_config('pg_tree.enable_cache', 'off', true);
    by_table := everything(tree);
    PERFORM set_config('pg_tree.enable_cache', 'on', true);
    RETURN by_cache = by_table;
END $$;
CREATE PROCEDURE warm(tree text DEFAULT 'place') LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tree_warm(tree);
    IF state_of('cache.' || tree) <> 'current' THEN
        RAISE EXCEPTION 'tree % is %', tree, state_of('cache.' || tree);
    END IF;
END $$;
-- What has become of the image, and how the next question is answered.
CREATE FUNCTION now_is(tree text DEFAULT 'place', OUT state text, OUT how text, OUT answers text) LANGUAGE plpgsql AS $$
BEGIN
    state := state_of('cache.' || tree);
    how := (SELECT a.how FROM ask(format('SELECT tree_depth(''2'', %L)', tree)) AS a);
    answers := CASE WHEN right_answers(tree) THEN 'right' ELSE 'wrong' END;
END $$;
-- The same when another session has changed something.
CREATE FUNCTION after(statement text, tree text DEFAULT 'place', OUT state text, OUT how text, OUT answers text) LANGUAGE plpgsql AS $$
BEGIN
    CALL warm(tree);
    PERFORM dblink_exec('other', statement);
    SELECT * INTO state, how, answers FROM now_is(tree);
END $$;

-- --- Building and counting -------------------------------------------------------------------------------------------

CREATE TABLE place (id int PRIMARY KEY, parent_id int, code text, name text, note text);
INSERT INTO place VALUES (1, NULL, 'A', 'World', 'n1'), (2, 1, 'C', 'Europe', 'n2'), (3, 1, 'B', 'Asia', 'n3'), (4, 2, 'D', 'Germany', 'n4'), (5, 4, 'E', 'Hamburg', 'n5');
SELECT tree_register('place');
SELECT count(*) FROM cached;
SELECT tree_name, nodes, bytes > 0 AS bytes, build_ms > 0 AS build_ms FROM tree_warm();
SELECT tree_name, nodes, bytes > 0 AS bytes, build_ms FROM tree_warm('place');
SELECT tree, relation, state, nodes, bytes > 0 AS bytes, hits, misses, bypasses, builds, build_ms > 0 AS build_ms, last_build BETWEEN now() - interval '1 hour' AND clock_timestamp() AS last_build FROM cached;
SELECT bytes = (SELECT bytes FROM tree_warm()) AS same_bytes FROM cached;
-- Every reading function.
SELECT ask.* FROM unnest(ARRAY['string_agg(id::text, '' '') FROM tree_build(1)', 'string_agg((node).note, '' '') FROM tree_rows(NULL::cache.place, 1)', 'string_agg((node).note, '' '') FROM tree_forest(NULL::cache.place)',
    'string_agg(id::text, '' '') FROM tree_page(1, 3)', 'string_agg(id::text, '' '') FROM tree_walk(1)', 'string_agg(id::text, '' '') FROM tree_children(1)', 'string_agg(id::text, '' '') FROM tree_siblings(3)',
    'string_agg(id::text, '' '') FROM tree_ancestors(5)', 'string_agg(id::text, '' '') FROM tree_leaves(1)', 'tree_path(5)', 'tree_path_text(5)', 'tree_depth(5)', 'tree_root(5)', 'tree_descendant_count(1)', 'tree_is_ancestor(1, 5)',
    'tree_contains(1, 5)', 'tree_lca(5, 3)', 'tree_json(4)', 'string_agg(d, '' '') FROM tree_draw(4) AS d', 'tree_path(''5''::text)']) AS question, ask('SELECT ' || question);
SELECT hits, misses, bypasses, builds FROM cached;
SELECT hit_ratio, evictions FROM tree_stat_cache WHERE datname = current_database();
-- What is asked with NULL is no question.
SELECT ask.* FROM ask('SELECT tree_depth(NULL::bigint)');
-- What is not in the tree is answered from the image too.
SELECT ask.* FROM unnest(ARRAY['tree_depth(99)', 'tree_path(5000000000)', 'string_agg(id::text, '' '') FROM tree_build(99)']) AS question, ask('SELECT ' || question);
SELECT right_answers();

-- Giving it back.
SELECT tree_invalidate();
SELECT tree_invalidate('place');
SELECT state, nodes, bytes FROM cached;
SELECT ask.* FROM ask('SELECT tree_path(5)');
SELECT right_answers();
SELECT tree_name, nodes FROM tree_warm();
SELECT state_of();

-- The switch.
SET pg_tree.enable_cache = off;
SELECT ask.* FROM ask('SELECT tree_path(5)');
SELECT tree_name FROM tree_warm();
SELECT state_of();
RESET pg_tree.enable_cache;
SELECT ask.* FROM ask('SELECT tree_path(5)');

-- --- Changes of others -------------------------------------------------------------------------------------------------

SELECT statement, a.* FROM unnest(ARRAY[
    'UPDATE place SET name = ''Europa'' WHERE id = 2', 'UPDATE place SET code = ''Z'' WHERE id = 3', 'UPDATE place SET parent_id = 3 WHERE id = 5', 'UPDATE place SET id = 30 WHERE id = 3', 'UPDATE place SET id = 3 WHERE id = 30',
    'INSERT INTO place VALUES (6, 5, ''F'', ''Altona'')', 'DELETE FROM place WHERE id = 6', 'INSERT INTO place SELECT i, 2, i, NULL FROM generate_series(10, 20) AS i', 'DELETE FROM place WHERE id >= 10',
    'INSERT INTO place VALUES (2, 1, ''C'', ''new'') ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name', 'UPDATE place SET name = NULL WHERE id = 3', 'UPDATE place SET name = '''' WHERE id = 3',
    'MERGE INTO place AS p USING (VALUES (3)) AS v (id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET name = ''Asia'' WHEN NOT MATCHED THEN INSERT VALUES (3)',
    'WITH moved AS (UPDATE place SET parent_id = 2 WHERE id = 5 RETURNING id) SELECT id INTO TEMP moved FROM moved',
    'DO $$ BEGIN UPDATE place SET code = ''Y'' WHERE id = 3; END $$', 'BEGIN; UPDATE place SET name = ''x'' WHERE id = 4; UPDATE place SET name = ''Germany'' WHERE id = 4; COMMIT']) AS statement, after(statement) AS a;
-- What is none to the tree.
SELECT statement, a.* FROM unnest(ARRAY[
    'UPDATE place SET note = ''other''', 'UPDATE place SET name = name, code = code, parent_id = parent_id, id = id', 'UPDATE place SET note = note || id, name = CASE id WHEN 99 THEN ''x'' ELSE name END', 'DELETE FROM place WHERE id = 99',
    'INSERT INTO place VALUES (2, 1, ''C'', ''again'') ON CONFLICT DO NOTHING', 'BEGIN; UPDATE place SET name = ''x''; DELETE FROM place WHERE id = 5; ROLLBACK', 'VACUUM place', 'ANALYZE place', 'DO $$ BEGIN PERFORM FROM place FOR UPDATE; END $$',
    'GRANT SELECT ON place TO PUBLIC', 'COMMENT ON TABLE place IS ''x''']) AS statement, after(statement) AS a;
SELECT 'CALL warm()', statement, 'SELECT * FROM now_is()' FROM unnest(ARRAY['CREATE INDEX ON place (name)', 'ALTER TABLE place ADD extra int DEFAULT 5', 'ALTER TABLE place DROP extra', 'ALTER TABLE place ALTER note SET DEFAULT ''x''',
    'CREATE TRIGGER none AFTER UPDATE ON place EXECUTE FUNCTION suppress_redundant_updates_trigger()', 'DROP TRIGGER none ON place']) AS statement
\gexec
-- What rewrites the table, or may have changed it.
SELECT 'CALL warm()', statement, 'SELECT how, answers FROM now_is()' FROM unnest(ARRAY['VACUUM FULL place', 'CLUSTER place USING place_pkey', 'ALTER TABLE place ALTER note TYPE varchar(100)', 'ALTER TABLE place SET UNLOGGED', 'ALTER TABLE place SET LOGGED',
    'TRUNCATE place']) AS statement
\gexec
INSERT INTO place VALUES (1, NULL, 'A', 'World', 'n1'), (2, 1, 'C', 'Europe', 'n2'), (3, 1, 'B', 'Asia', 'n3'), (4, 2, 'D', 'Germany', 'n4'), (5, 4, 'E', 'Hamburg', 'n5');

-- Columns that change by themselves: in triggers, in generated columns, by a foreign key.
CREATE TABLE made (id int PRIMARY KEY, parent_id int REFERENCES made ON DELETE CASCADE ON UPDATE CASCADE, name text, code text GENERATED ALWAYS AS (upper(name)) STORED, note text);
INSERT INTO made VALUES (1, NULL, 'a'), (2, 1, 'b'), (3, 2, 'c'), (4, 3, 'd');
SELECT tree_register('made', name => 'id');
CREATE FUNCTION set_parent() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.parent_id := NULLIF(NEW.note, ''''); RETURN NEW; END';
CREATE TRIGGER by_note BEFORE UPDATE OF note ON made FOR EACH ROW EXECUTE FUNCTION set_parent();
SELECT statement, a.* FROM unnest(ARRAY['UPDATE made SET name = ''z'' WHERE id = 2', 'UPDATE made SET name = ''Z'' WHERE id = 2', 'UPDATE made SET note = ''1'' WHERE id = 4', 'UPDATE made SET note = ''1'' WHERE id = 4', 'UPDATE made SET id = 20 WHERE id = 2',
    'UPDATE made SET id = 2 WHERE id = 20', 'DELETE FROM made WHERE id = 2']) AS statement, after(statement, 'made') AS a;
DROP TABLE made;

-- More writers than anybody remembers one by one.
DO $$ BEGIN
    PERFORM tree_warm('place');
    FOR i IN 1..80 LOOP
        PERFORM dblink_exec('other', format('UPDATE place SET name = ''Europe %s'' WHERE id = 2', i));
        IF i % 20 = 0 AND tree_path_text(2) <> format('World > Europe %s', i) THEN
            RAISE WARNING 'after % changes it is %', i, tree_path_text(2);
        END IF;
    END LOOP;
END $$;
SELECT right_answers();
SELECT * FROM after('UPDATE place SET name = ''Europe'' WHERE id = 2');

-- Equal, but not the same: it shows, so it counts.
CREATE TABLE spelled (id citext PRIMARY KEY, parent_id citext, code numeric, name citext, f float8);
INSERT INTO spelled VALUES ('1', NULL, 1.0, 'one', 0), ('a', '1', 2.0, 'Two', 0), ('b', 'A', 3.0, 'three', 0);
SELECT tree_register('spelled', order_by => 'f, code');
SELECT statement, a.* FROM unnest(ARRAY['UPDATE spelled SET code = 2.00 WHERE id = ''a''', 'UPDATE spelled SET name = ''TWO'' WHERE id = ''a''', 'UPDATE spelled SET parent_id = ''a'' WHERE id = ''b''', 'UPDATE spelled SET id = ''B'' WHERE id = ''b''',
    'UPDATE spelled SET f = ''-0'' WHERE id = ''a''', 'UPDATE spelled SET f = ''-0'' WHERE id = ''a''']) AS statement, after(statement, 'spelled') AS a;
SELECT * FROM tree_build('1', 'spelled');
SELECT tree_path('b', 'spelled'), tree_path('B', 'spelled');
DROP TABLE spelled;

-- --- Changes of one's own ----------------------------------------------------------------------------------------------

CALL warm();
BEGIN;
SELECT ask.* FROM ask('SELECT tree_path(5)');
UPDATE place SET note = 'own' WHERE id = 5;
SELECT ask.* FROM ask('SELECT (node).note FROM tree_rows(NULL::cache.place, 4)');
UPDATE place SET parent_id = 3 WHERE id = 5;
SELECT ask.* FROM ask('SELECT tree_path(5)');
SAVEPOINT s;
UPDATE place SET parent_id = 1 WHERE id = 5;
SELECT ask.* FROM ask('SELECT tree_path(5)');
ROLLBACK TO s;
SELECT ask.* FROM ask('SELECT tree_path(5)');
RELEASE s;
SELECT tree_name FROM tree_warm();
SELECT right_answers(), state_of();
ROLLBACK;
SELECT ask.* FROM ask('SELECT tree_path(5)');
SELECT state_of();
-- Undone to before the first change, it still counts as one: nobody keeps a list of subtransactions.
BEGIN;
SAVEPOINT s;
DELETE FROM place WHERE id = 5;
ROLLBACK TO s;
SELECT ask.* FROM ask('SELECT tree_path(5)');
COMMIT;
SELECT right_answers();
CALL warm();
-- In a transaction that has written something else there is nothing in the way.
BEGIN;
CREATE TABLE something_else (a int);
SELECT ask.* FROM ask('SELECT tree_path(5)');
ROLLBACK;
-- Before the statement is over: RETURNING, a modifying WITH, triggers of every kind.
WITH moved AS (UPDATE place SET parent_id = 3 WHERE id = 5 RETURNING id) SELECT id, tree_path(5) FROM moved;
UPDATE place SET parent_id = 4 WHERE id = 5 RETURNING id, tree_path(5);
SELECT right_answers();
CALL warm();
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE WARNING '% %: %', TG_WHEN, TG_LEVEL, (SELECT a FROM ask('SELECT tree_path(5)') AS a);
    RETURN NEW;
END $$;
CREATE TRIGGER a_before BEFORE UPDATE ON place FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TRIGGER a_after AFTER UPDATE ON place FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TRIGGER z_after AFTER UPDATE ON place FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TRIGGER s_after AFTER UPDATE ON place FOR EACH STATEMENT EXECUTE FUNCTION tell();
CREATE CONSTRAINT TRIGGER c_after AFTER UPDATE ON place INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tell();
CALL warm();
BEGIN;
UPDATE place SET parent_id = CASE id WHEN 5 THEN 2 ELSE 1 END WHERE id IN (5, 2) AND note <> 'x';
COMMIT;
DROP TRIGGER a_before ON place;
DROP TRIGGER a_after ON place;
DROP TRIGGER z_after ON place;
DROP TRIGGER s_after ON place;
DROP TRIGGER c_after ON place;
UPDATE place SET parent_id = 4 WHERE id = 5;
-- A loop that changes what it reads, and a function that is stable.
CREATE FUNCTION path_of_5() RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN RETURN tree_path(5)::text; END';
CALL warm();
DO $$ DECLARE
    seen text := '';
BEGIN
    FOR i IN 1..4 LOOP
        UPDATE place SET parent_id = i WHERE id = 5;
        seen := seen || tree_path(5)::text || path_of_5();
    END LOOP;
    RAISE WARNING '%', seen;
END $$;
SELECT right_answers();

-- --- Cursors and snapshots ---------------------------------------------------------------------------------------------

CALL warm();
BEGIN;
DECLARE untouched CURSOR FOR SELECT id, name FROM tree_build(1);
DECLARE begun CURSOR FOR SELECT p.id, t.id AS below FROM place AS p, LATERAL tree_build(p.id) AS t ORDER BY p.id;
DECLARE one_by_one CURSOR FOR SELECT id, tree_path_text(id) FROM (VALUES (4), (5), (4), (5), (4), (5)) AS v (id);
FETCH 1 FROM begun;
FETCH 1 FROM one_by_one;
SELECT dblink_exec('other', 'UPDATE place SET name = ''theirs'', parent_id = 3 WHERE id = 5');
FETCH 1 FROM one_by_one;
SELECT tree_path_text(5);
SELECT tree_name FROM tree_warm();
FETCH 1 FROM one_by_one;
UPDATE place SET name = 'own', parent_id = 2 WHERE id = 5;
FETCH 1 FROM one_by_one;
SELECT tree_path_text(5);
FETCH ALL FROM untouched;
FETCH ALL FROM begun;
FETCH ALL FROM one_by_one;
COMMIT;
SELECT tree_path_text(5), right_answers();
-- A held cursor has its rows already.
CALL warm();
BEGIN;
DECLARE held SCROLL CURSOR WITH HOLD FOR SELECT id, name FROM tree_build(1);
FETCH 1 FROM held;
COMMIT;
SELECT dblink_exec('other', 'UPDATE place SET name = ''later'' WHERE id = 5');
SELECT tree_invalidate();
FETCH ALL FROM held;
CLOSE held;
-- The image is one moment's, a transaction's snapshot another's.
CALL warm();
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT ask.* FROM ask('SELECT tree_path_text(5)');
SELECT dblink_exec('other', 'UPDATE place SET name = ''unseen'' WHERE id = 5');
SELECT ask.* FROM ask('SELECT tree_path_text(5)');
SELECT * FROM dblink('other', 'SELECT nodes FROM tree_warm()') AS t (nodes bigint);
SELECT ask.* FROM ask('SELECT tree_path_text(5)');
SELECT right_answers();
COMMIT;
SELECT ask.* FROM ask('SELECT tree_path_text(5)');
-- The image is old, the transaction new: it may build another.
CALL warm();
UPDATE place SET name = 'newer' WHERE id = 5;
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT ask.* FROM ask('SELECT tree_path_text(5)');
SELECT tree_name, nodes FROM tree_warm();
SELECT ask.* FROM ask('SELECT tree_path_text(5)');
COMMIT;
-- What waits for its COMMIT PREPARED is seen by nobody, then by everybody.
CALL warm();
BEGIN;
UPDATE place SET name = 'prepared' WHERE id = 5;
PREPARE TRANSACTION 'cache';
SELECT state_of();
SELECT ask.* FROM ask('SELECT tree_path_text(5)');
SELECT tree_name, build_ms FROM tree_warm();
SELECT tree_invalidate();
SELECT tree_name, build_ms > 0 AS built FROM tree_warm();
SELECT ask.* FROM ask('SELECT tree_path_text(5)');
COMMIT PREPARED 'cache';
SELECT state_of();
SELECT ask.* FROM ask('SELECT tree_path_text(5)');
CALL warm();
BEGIN;
UPDATE place SET name = 'given up' WHERE id = 5;
PREPARE TRANSACTION 'cache';
ROLLBACK PREPARED 'cache';
SELECT state_of();
SELECT ask.* FROM ask('SELECT tree_path_text(5)');

-- --- Columns that are not the tree's -------------------------------------------------------------------------------------

CALL warm();
SELECT dblink_exec('other', 'UPDATE place SET note = ''new '' || id');
SELECT ask.* FROM ask('SELECT string_agg((node).note, '', '') FROM tree_rows(NULL::cache.place, 1)');
SELECT ask.* FROM ask('SELECT string_agg((node).note, '', '') FROM tree_forest(NULL::cache.place)');
ALTER TABLE place ADD extra int DEFAULT 7;
SELECT ask.* FROM ask('SELECT string_agg(node::text, '' '') FROM tree_rows(NULL::cache.place, 4)');
ALTER TABLE place DROP note;
SELECT ask.* FROM ask('SELECT string_agg(node::text, '' '') FROM tree_rows(NULL::cache.place, 4)');
-- Rows are read as of now also where there are many of them.
CREATE TABLE wide (id int PRIMARY KEY, parent_id int, code text, note text);
INSERT INTO wide SELECT i, nullif(i / 10, 0), i FROM generate_series(1, 2000) AS i;
ANALYZE wide;
SELECT tree_register('wide', name => 'code');
SELECT nodes FROM tree_warm('wide');
UPDATE wide SET note = 'note ' || id;
SELECT ask.* FROM ask('SELECT count(*) FILTER (WHERE (node).note = ''note '' || (node).id) FROM tree_rows(NULL::cache.wide, 1)'), state_of('cache.wide');
SELECT ask.* FROM ask('SELECT count(*) FILTER (WHERE (node).note = ''note '' || (node).id) FROM tree_rows(NULL::cache.wide, 123)');
SELECT ask.* FROM ask('SELECT count(*) FILTER (WHERE (node).note = ''note '' || (node).id) FROM tree_rows(NULL::cache.wide, 1999)');
SELECT right_answers('wide');
DROP TABLE wide;

-- --- Registrations -------------------------------------------------------------------------------------------------------

UPDATE place SET name = 'Hamburg' WHERE id = 5;
CALL warm();
SELECT tree_register('place', order_by => 'code DESC');
SELECT ask.*, right_answers FROM ask('SELECT string_agg(code, '' '') FROM tree_build(1)'), right_answers();
SELECT tree_register('place', filter => 'id <> 4');
SELECT ask.*, right_answers FROM ask('SELECT string_agg(code, '' '') FROM tree_build(1)'), right_answers();
SELECT tree_register('place', name => 'lower(name)');
SELECT ask.*, right_answers FROM ask('SELECT tree_path_text(5)'), right_answers();
SELECT tree_register('place', code => 'name', name => 'code');
SELECT ask.*, right_answers FROM ask('SELECT tree_path_text(5)'), right_answers();
SELECT tree_register('place', parent => 'extra');
SELECT ask.*, right_answers FROM ask('SELECT tree_depth(5)'), right_answers();
SELECT tree_register('place');
CALL warm();
-- Undone, it is as if nothing had been, for the image too; the same again is nothing.
BEGIN;
SELECT tree_register('place', name => 'upper(name)');
SELECT ask.* FROM ask('SELECT tree_path_text(5)');
ROLLBACK;
SELECT ask.* FROM ask('SELECT tree_path_text(5)');
SELECT state_of();
SELECT tree_register('place');
SELECT ask.* FROM ask('SELECT tree_path_text(5)');
BEGIN;
SELECT tree_unregister('place');
ROLLBACK;
SELECT ask.* FROM ask('SELECT tree_path_text(5)');
-- Two trees on one table: a column of one need not be one of the other.
SELECT tree_register('place', 'by_name', code => 'id', name => 'name', order_by => 'name');
SELECT tree_register('place', 'by_code', code => 'code', name => 'code');
SELECT tree_name, nodes FROM unnest(ARRAY['place', 'by_name', 'by_code']) AS t, tree_warm(t);
SELECT tree, relation, state, nodes FROM cached ORDER BY tree COLLATE "C";
UPDATE place SET name = 'Zamburg' WHERE id = 5;
SELECT tree, state FROM cached ORDER BY tree COLLATE "C";
SELECT ask.* FROM ask('SELECT tree_path_text(5, ''by_code'')');
SELECT ask.* FROM ask('SELECT tree_path_text(5, ''by_name'')');
SELECT right_answers('by_name'), right_answers('by_code'), right_answers('place');
SELECT tree_unregister('by_name');
SELECT tree_unregister('by_code');
SELECT tree, relation FROM cached;

-- --- DDL -----------------------------------------------------------------------------------------------------------------

SELECT 'CALL warm()', statement, 'SELECT how, answers FROM now_is()' FROM unnest(ARRAY['ALTER TABLE place ALTER name TYPE varchar(50)', 'ALTER TABLE place ALTER name TYPE text USING upper(name)', 'ALTER TABLE place ALTER code TYPE char(3)',
    'ALTER TABLE place ALTER code TYPE text COLLATE "C"', 'ALTER TABLE place ALTER id TYPE bigint, ALTER parent_id TYPE bigint', 'ALTER TABLE place ALTER id TYPE int, ALTER parent_id TYPE int USING nullif(parent_id, 4)::int',
    'UPDATE place SET parent_id = 4 WHERE id = 5']) AS statement
\gexec
-- Names that change places.
CALL warm();
BEGIN;
ALTER TABLE place RENAME code TO c;
ALTER TABLE place RENAME name TO code;
ALTER TABLE place RENAME c TO name;
COMMIT;
SELECT how, answers FROM now_is();
SELECT ask.answer FROM ask('SELECT string_agg(t::text, '' '') FROM tree_build(4) AS t');
SELECT tree_register('place', code => 'code', name => 'name');
SELECT ask.answer, right_answers FROM ask('SELECT string_agg(t::text, '' '') FROM tree_build(4) AS t'), right_answers();
ALTER TABLE place RENAME code TO c;
ALTER TABLE place RENAME name TO code;
ALTER TABLE place RENAME c TO name;
SELECT tree_register('place', code => 'code', name => 'name');
SELECT right_answers();
-- Tables that do.
CREATE TABLE place_2 (LIKE place INCLUDING ALL);
INSERT INTO place_2 SELECT id, parent_id, code, name || ' 2' FROM place;
SELECT tree_register('place_2');
CALL warm('place');
CALL warm('place_2');
SELECT ask.* FROM unnest(ARRAY['place', 'place_2']) AS t, ask(format('SELECT tree_path_text(4, %L)', t));
BEGIN;
ALTER TABLE place RENAME TO place_3;
ALTER TABLE place_2 RENAME TO place;
ALTER TABLE place_3 RENAME TO place_2;
SELECT ask.answer FROM unnest(ARRAY['place', 'place_2']) AS t, ask(format('SELECT tree_path_text(4, %L)', t));
COMMIT;
SELECT ask.answer FROM unnest(ARRAY['place', 'place_2']) AS t, ask(format('SELECT tree_path_text(4, %L)', t));
SELECT right_answers('place'), right_answers('place_2');
DROP TABLE place_2;
-- Gone, and there again with other rows.
SELECT nodes FROM tree_warm();
BEGIN;
DROP TABLE place;
ROLLBACK;
SELECT ask.* FROM ask('SELECT tree_path_text(4)');
DROP TABLE place;
SELECT count(*) FROM cached;
CREATE TABLE place (id int PRIMARY KEY, parent_id int, code text, name text, note text);
INSERT INTO place VALUES (1, NULL, 'A', 'World'), (2, 1, 'C', 'Europe'), (3, 1, 'B', 'Asia'), (4, 2, 'D', 'Spain'), (5, 4, 'E', 'Bilbao');
SELECT tree_register('place');
SELECT ask.* FROM ask('SELECT tree_path_text(5)');
SELECT nodes FROM tree_warm();
SELECT tree, state, nodes, hits, misses, bypasses FROM cached;
-- Made, filled and read in one transaction, and kept or not.
BEGIN;
CREATE TABLE brief (id int PRIMARY KEY, parent_id int);
INSERT INTO brief VALUES (1, NULL), (2, 1);
SELECT tree_register('brief');
SELECT ask.answer FROM ask('SELECT tree_path(2, ''brief'')');
ROLLBACK;
SELECT tree FROM cached;
BEGIN;
CREATE TABLE brief (id int PRIMARY KEY, parent_id int, code text);
INSERT INTO brief VALUES (1, NULL), (2, 1);
SELECT tree_register('brief');
SELECT ask.answer FROM ask('SELECT tree_path(2, ''brief'')');
TRUNCATE brief;
SELECT ask.answer FROM ask('SELECT tree_path(2, ''brief'')');
INSERT INTO brief VALUES (1, NULL), (2, NULL);
SELECT ask.answer FROM ask('SELECT tree_path(2, ''brief'')');
COMMIT;
SELECT * FROM after('UPDATE brief SET parent_id = 1 WHERE id = 2', 'brief');
DROP TABLE brief;

-- An expression that fails on some row: there is no image, and the table says why, where it is asked about that row.
SELECT tree_register('place', name => '(12 / (id - 3))::text');
SELECT nodes FROM tree_warm();
SELECT ask.* FROM ask('SELECT tree_path_text(2)');
SELECT tree_path_text(3);
DELETE FROM place WHERE id = 3;
SELECT nodes FROM tree_warm();
SELECT ask.* FROM ask('SELECT tree_path_text(2)');
SELECT dblink_exec('other', 'INSERT INTO place VALUES (3, 1)');
SELECT ask.* FROM ask('SELECT tree_path_text(2)');
SELECT tree_path_text(3);
SELECT tree_register('place');

-- --- TRUNCATE ------------------------------------------------------------------------------------------------------------

CALL warm();
BEGIN;
TRUNCATE place;
SELECT ask.answer FROM ask('SELECT count(*) FROM tree_build(1)');
ROLLBACK;
SELECT ask.answer FROM ask('SELECT count(*) FROM tree_build(1)');
CALL warm();
BEGIN;
TRUNCATE place;
INSERT INTO place VALUES (1, NULL, 'A', 'World'), (2, 1, 'C', 'Europe'), (4, 1, 'D', 'Spain'), (5, 4, 'E', 'Bilbao');
SELECT ask.answer FROM ask('SELECT count(*) FROM tree_build(1)');
COMMIT;
SELECT ask.answer, right_answers FROM ask('SELECT count(*) FROM tree_build(1)'), right_answers();
-- By another session, while this one reads.
CALL warm();
SELECT dblink_exec('other', 'BEGIN; TRUNCATE place; INSERT INTO place VALUES (1, NULL, ''A'', ''World''), (2, 1, ''C'', ''Europe''), (4, 2, ''D'', ''Spain''), (5, 4, ''E'', ''Bilbao''); COMMIT');
SELECT * FROM now_is();

-- --- Partitions ----------------------------------------------------------------------------------------------------------

CREATE TABLE region (id int, parent_id int, code text, name text, note text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE region_low PARTITION OF region FOR VALUES FROM (0) TO (10);
CREATE TABLE region_mid PARTITION OF region FOR VALUES FROM (10) TO (20) PARTITION BY LIST (id);
CREATE TABLE region_mid_even PARTITION OF region_mid FOR VALUES IN (10, 12, 14);
CREATE TABLE region_mid_odd (note text, junk int, name text, code text, parent_id int, id int NOT NULL PRIMARY KEY);
ALTER TABLE region_mid_odd DROP junk;
ALTER TABLE region_mid ATTACH PARTITION region_mid_odd FOR VALUES IN (11, 13, 15);
INSERT INTO region VALUES (1, NULL, 'w', 'World'), (2, 1, 'b', 'two'), (10, 2, 'c', 'ten'), (11, 10, 'd', 'eleven');
SELECT tree_register('region');
SELECT nodes FROM tree_warm('region');
SELECT ask.*, right_answers FROM ask('SELECT tree_path(11, ''region'')'), right_answers('region');
SELECT statement, a.* FROM unnest(ARRAY[
    'INSERT INTO region_mid_odd (id, parent_id, code, name) VALUES (13, 11, ''n'', ''thirteen'')', 'UPDATE region_mid SET name = ''Ten'' WHERE id = 10', 'UPDATE region_mid_odd SET note = ''x''', 'UPDATE region SET note = ''x''',
    'DELETE FROM region_mid_odd WHERE id = 13', 'UPDATE region SET id = 12 WHERE id = 10', 'UPDATE region SET id = 3 WHERE id = 12', 'UPDATE region SET parent_id = 3 WHERE id = 11']) AS statement, after(statement, 'region') AS a;
SELECT 'CALL warm(''region'')', statement, 'SELECT how, answers FROM now_is(''region'')' FROM unnest(ARRAY[
    'TRUNCATE region_mid_odd', 'INSERT INTO region VALUES (11, 3, ''d'', ''eleven'')', 'CREATE TABLE region_high PARTITION OF region FOR VALUES FROM (20) TO (30)', 'INSERT INTO region VALUES (21, 11, ''e'', ''twenty-one'')',
    'ALTER TABLE region DETACH PARTITION region_high', 'INSERT INTO region_high VALUES (22, 21, ''f'', ''while it was away'')', 'ALTER TABLE region ATTACH PARTITION region_high FOR VALUES FROM (20) TO (30)', 'TRUNCATE region_mid',
    'ALTER TABLE region DETACH PARTITION region_high CONCURRENTLY', 'ALTER TABLE region ATTACH PARTITION region_high DEFAULT', 'VACUUM FULL region_high', 'DROP TABLE region_high', 'TRUNCATE region_low']) AS statement
\gexec
SELECT ask.answer FROM ask('SELECT string_agg(node::text, '' '') FROM tree_forest(NULL::cache.region)');
-- A partition's own tree beside its parent's.
INSERT INTO region VALUES (1, NULL, 'w', 'World'), (2, 1, 'b', 'two'), (10, 2, 'c', 'ten'), (11, 10, 'd', 'eleven');
SELECT tree_register('region_low');
SELECT nodes FROM tree_warm('region_low');
SELECT * FROM after('UPDATE region SET name = ''Two'' WHERE id = 2', 'region');
SELECT state_of('cache.region_low'), right_answers('region_low');
SELECT * FROM after('UPDATE region_low SET name = ''two'' WHERE id = 2', 'region_low');
SELECT state_of('cache.region'), right_answers('region');
SELECT nodes FROM unnest(ARRAY['region', 'region_low']) AS t, tree_warm(t);
SELECT * FROM after('UPDATE region_mid_odd SET name = ''Eleven''', 'region_low');
SELECT state_of('cache.region'), right_answers('region');
-- In a transaction of one's own.
SELECT nodes FROM tree_warm('region');
BEGIN;
ALTER TABLE region DETACH PARTITION region_mid;
SELECT ask.answer FROM ask('SELECT tree_path(11, ''region'')');
ROLLBACK;
SELECT ask.answer FROM ask('SELECT tree_path(11, ''region'')');
BEGIN;
TRUNCATE region_mid_odd;
SELECT ask.answer FROM ask('SELECT tree_path(11, ''region'')');
ROLLBACK;
SELECT ask.answer FROM ask('SELECT tree_path(11, ''region'')');
DROP TABLE region;

-- --- In the background -----------------------------------------------------------------------------------------------------

-- A tree that is not small is built by a worker when it has been missed for long enough, and again after every change, also while others
-- go on missing it.
CREATE TABLE grown (id int PRIMARY KEY, parent_id int, code text);
INSERT INTO grown SELECT i, nullif(i / 2, 0), i FROM generate_series(1, 60000) AS i;
CREATE INDEX ON grown (parent_id);
ANALYZE grown;
SELECT tree_register('grown', name => 'code');
-- Asks until it is answered from an image; not for ever.
CREATE PROCEDURE ask_until_hit() LANGUAGE plpgsql AS $$
DECLARE
    deadline timestamptz := clock_timestamp() + interval '20 s';
    before bigint := coalesce((SELECT hits FROM cached WHERE tree = 'cache.grown'), 0);
BEGIN
    WHILE coalesce((SELECT hits FROM cached WHERE tree = 'cache.grown'), 0) = before LOOP
        IF clock_timestamp() > deadline THEN
            RAISE EXCEPTION 'not built in the background';
        END IF;
        PERFORM sum(tree_descendant_count(i, 'grown')) FROM generate_series(20000, 25000) AS i;
        COMMIT;
    END LOOP;
END $$;
CALL ask_until_hit();
SELECT state_of('cache.grown');
UPDATE grown SET code = 'x' WHERE id = 50;
SELECT state_of('cache.grown');
CALL ask_until_hit();
SELECT ask.answer FROM ask('SELECT tree_path_text(50, ''grown'')'), state_of('cache.grown');
UPDATE grown SET code = 'y' WHERE id = 50;
CALL ask_until_hit();
SELECT ask.answer FROM ask('SELECT tree_path_text(50, ''grown'')'), state_of('cache.grown');
DROP TABLE grown;

-- --- What is easily forgotten ------------------------------------------------------------------------------------------------

-- Immutable functions and expressions that say something else under other settings, or when what they are told to use has changed.
ALTER TABLE place ADD bytes bytea DEFAULT '\x0102', ADD moment timestamptz DEFAULT '2000-01-01 00:00+00';
CREATE PROCEDURE use_name(name text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tree_register('place', name => name);
    COMMIT;
    SET LOCAL client_min_messages = error;  -- it need not be cached
    PERFORM tree_warm('place');
END $$;
CALL use_name('quote_ident(lower(name))');
SET quote_all_identifiers = on;
SELECT right_answers();
RESET quote_all_identifiers;
CALL use_name('xmlelement(name x, bytes)::text');
SET xmlbinary = hex;
SELECT right_answers();
RESET xmlbinary;
CALL use_name('xmlelement(name x, moment)::text');
SET TimeZone = 'Asia/Tokyo';
SELECT right_answers();
RESET TimeZone;
CALL use_name('bytes::text || (id / 3.0::float8)::text || point(id / 3.0, 0)::text');
SET bytea_output = escape;
SELECT right_answers();
RESET bytea_output;
SET extra_float_digits = -10;
SELECT right_answers();
RESET extra_float_digits;
SET DateStyle = German;
SELECT right_answers();
SET DateStyle = ISO;
CREATE TEXT SEARCH CONFIGURATION words (COPY = simple);
CALL use_name('to_tsvector(''cache.words'', name)::text');
ALTER TEXT SEARCH CONFIGURATION words DROP MAPPING FOR asciiword;
SELECT right_answers();
CREATE TEXT SEARCH DICTIONARY every_word (TEMPLATE = pg_catalog.simple);
CALL use_name('array_length(ts_lexize(''cache.every_word'', ''the''), 1)::text');
ALTER TEXT SEARCH DICTIONARY every_word (STOPWORDS = english);
SELECT right_answers();
-- A function of an extension that is replaced.
CREATE EXTENSION cube;
CREATE EXTENSION earthdistance;
CALL use_name('earth()::text');
CREATE OR REPLACE FUNCTION earth() RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT 1::float8';
SELECT right_answers();
SELECT tree_register('place');
DROP EXTENSION cube, earthdistance;
-- Names that change places while nobody rewrites registrations.
CALL warm();
ALTER EVENT TRIGGER pg_tree_follow_rename DISABLE;
BEGIN;
ALTER TABLE place RENAME code TO c;
ALTER TABLE place RENAME name TO code;
ALTER TABLE place RENAME c TO name;
COMMIT;
SELECT right_answers();
BEGIN;
ALTER TABLE place RENAME code TO c;
ALTER TABLE place RENAME name TO code;
ALTER TABLE place RENAME c TO name;
COMMIT;
ALTER EVENT TRIGGER pg_tree_follow_rename ENABLE ALWAYS;
-- A key that two rows have, written differently, one of them outside the filter.
CREATE TABLE sharded (id numeric, parent_id numeric, code text, active bool, shard int, PRIMARY KEY (id, shard)) PARTITION BY LIST (shard);
CREATE TABLE sharded_1 PARTITION OF sharded FOR VALUES IN (1);
CREATE TABLE sharded_2 PARTITION OF sharded FOR VALUES IN (2);
INSERT INTO sharded VALUES (1.0, NULL, 'r', true, 1), (2.0, 1.00, 'a', true, 1), (2.00, 1, 'z', false, 2), (3, 2, 'b', true, 1);
SELECT tree_register('sharded', filter => 'active', name => 'code');
CALL warm('sharded');
SELECT id FROM tree_build('1', 'sharded');
SELECT right_answers('sharded');
DROP TABLE sharded;
-- A child table that has gone again.
CREATE TABLE animal (id int PRIMARY KEY, parent_id int, code text);
INSERT INTO animal VALUES (1, NULL, 'a'), (2, 1, 'b');
SELECT tree_register('animal');
CALL warm('animal');
CREATE TABLE dog () INHERITS (animal);
SELECT ask.* FROM ask('SELECT tree_depth(2, ''animal'')');
DROP TABLE dog;
SELECT nodes FROM tree_warm('animal');
SELECT ask.* FROM ask('SELECT tree_depth(2, ''animal'')');
DROP TABLE animal;
-- A call is counted once, and builds once, also when the image does not know the answer.
CREATE TABLE cyclic (id int PRIMARY KEY, parent_id int, code text);
INSERT INTO cyclic VALUES (1, 2, 'a'), (2, 1, 'b'), (3, NULL, 'c');
SELECT tree_register('cyclic');
SELECT id FROM tree_build(1, 'cyclic');
SELECT misses, builds FROM cached WHERE tree = 'cache.cyclic';
DROP TABLE cyclic;
-- What is read from an image is locked as if it were read from the tables.
CREATE TABLE region (id int PRIMARY KEY, parent_id int, code text) PARTITION BY RANGE (id);
CREATE TABLE region_1 PARTITION OF region FOR VALUES FROM (0) TO (10);
CREATE TABLE region_2 PARTITION OF region FOR VALUES FROM (10) TO (20);
INSERT INTO region VALUES (1, NULL, 'a'), (11, 1, 'b');
SELECT tree_register('region');
CALL warm('region');
BEGIN;
SAVEPOINT s;
SELECT ask.* FROM ask('SELECT tree_depth(11, ''region'')');
ROLLBACK TO s;
SELECT ask.* FROM ask('SELECT tree_depth(11, ''region'')');
SELECT relation::regclass FROM pg_locks WHERE pid = pg_backend_pid() AND relation::regclass::text LIKE 'region%' AND mode = 'AccessShareLock' ORDER BY 1;
COMMIT;
DROP TABLE region;
-- The image of a table that was rewritten answers nobody.
CALL warm();
VACUUM FULL place;
SELECT ask.how FROM ask('SELECT tree_depth(5)');
-- Names in the statistics are those of now.
CALL warm();
ALTER TABLE place RENAME TO spot;
SELECT tree_name FROM tree_warm();
SELECT tree, relation, state FROM cached;
ALTER TABLE spot RENAME TO place;

-- --- The extension -----------------------------------------------------------------------------------------------------------

SELECT nodes FROM tree_warm();
DROP VIEW cached, bypassed;
DROP EXTENSION pg_tree CASCADE;
UPDATE place SET name = 'Sevilla' WHERE id = 5;
CREATE EXTENSION pg_tree SCHEMA public;
SELECT tree_depth(5);
SELECT tree_register('place');
SELECT tree_path_text(5);
SELECT nodes FROM tree_warm();
SELECT tree, state, nodes FROM tree_stat_cache WHERE datname = current_database();
SELECT tree_path_text(5);
SELECT hits FROM tree_stat_cache WHERE datname = current_database();

SELECT dblink_disconnect('other');
DROP EXTENSION dblink, citext CASCADE;
DROP SCHEMA cache CASCADE;
