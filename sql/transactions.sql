-- Reads see what a query in their place would see: uncommitted changes of their own, none that were rolled back, and
-- what the snapshot says.
CREATE SCHEMA transactions;
SET search_path = transactions, public;
CREATE TABLE place (id int PRIMARY KEY, parent_id int, code text, name text);
INSERT INTO place VALUES (1, NULL, 'A', 'World'), (2, 1, 'C', 'Europe'), (3, 1, 'B', 'Asia'), (4, 2, 'D', 'Germany');
SELECT tree_register('place');
CREATE FUNCTION seen(OUT ids bigint[], OUT codes text[], OUT path bigint[], OUT children bigint[], OUT count bigint) LANGUAGE sql AS $$
    SELECT array(SELECT id FROM tree_build(1)), array(SELECT code FROM tree_build(1)), tree_path(4), array(SELECT id FROM tree_children(2)), tree_descendant_count(1)
$$;
SELECT * FROM seen();

-- Insert, update, delete, move, truncate, in a transaction and rolled back.
BEGIN;
INSERT INTO place VALUES (5, 2, 'A', 'Austria');
SELECT * FROM seen();
UPDATE place SET code = 'Z' WHERE id = 5;
SELECT * FROM seen();
UPDATE place SET parent_id = 3 WHERE id = 4;
SELECT * FROM seen();
DELETE FROM place WHERE id = 3;
SELECT * FROM seen();
UPDATE place SET id = 30 WHERE id = 2;
SELECT * FROM seen();
TRUNCATE place;
SELECT * FROM seen();
COPY place FROM stdin;
1	\N	r	root
4	1	x	copied
\.
SELECT * FROM seen();
ROLLBACK;
SELECT * FROM seen();

-- Savepoints.
BEGIN;
UPDATE place SET parent_id = 1 WHERE id = 4;
SAVEPOINT one;
DELETE FROM place WHERE id = 2;
SELECT * FROM seen();
SAVEPOINT two;
INSERT INTO place VALUES (6, 4, 'F', 'six');
SELECT * FROM seen();
ROLLBACK TO two;
SELECT * FROM seen();
ROLLBACK TO one;
SELECT * FROM seen();
RELEASE one;
SELECT * FROM seen();
-- An error in a call rolls back with its savepoint; the next call is none the worse.
SAVEPOINT three;
SELECT tree_path('x');
ROLLBACK TO three;
SELECT * FROM seen();
ROLLBACK;
SELECT * FROM seen();
-- Registering and unregistering are undone like everything else.
BEGIN;
SELECT tree_register('place', order_by => 'code DESC');
SELECT * FROM seen();
SAVEPOINT s;
SELECT tree_unregister('place');
SELECT tree_depth(4);
ROLLBACK TO s;
SELECT * FROM seen();
ROLLBACK;
SELECT * FROM seen();
BEGIN;
ALTER TABLE place RENAME TO spot;
SELECT tree_depth(4, 'spot');
ROLLBACK;
SELECT tree_depth(4, 'place');
BEGIN;
DROP TABLE place;
SELECT tree_depth(4);
ROLLBACK;
SELECT * FROM seen();
BEGIN;
ALTER TABLE place ADD CONSTRAINT up FOREIGN KEY (parent_id) REFERENCES place DEFERRABLE INITIALLY DEFERRED;
INSERT INTO place VALUES (8, 9, 'I', 'waits for its parent');
SELECT (node).id, level FROM tree_forest(NULL::place);
INSERT INTO place VALUES (9, 3, 'H', 'comes later');
SELECT * FROM seen();
ROLLBACK;

-- A cursor keeps its snapshot, whatever becomes of the table; also one that has not been read from yet.
BEGIN;
DECLARE untouched CURSOR FOR SELECT id, code FROM tree_build(1);
DECLARE begun CURSOR FOR SELECT id, code FROM tree_build(1);
DECLARE rows_of CURSOR FOR SELECT (node).name, level FROM tree_rows(NULL::place, 1);
DECLARE walked CURSOR FOR SELECT id, descendants FROM tree_walk(1);
DECLARE one_by_one CURSOR FOR SELECT p.id, t.id AS below FROM place AS p, LATERAL tree_build(p.id) AS t;
DECLARE values_of CURSOR FOR SELECT id, tree_path(id) FROM place;
FETCH 1 FROM begun;
FETCH 1 FROM one_by_one;
FETCH 1 FROM values_of;
DELETE FROM place WHERE id = 2;
UPDATE place SET code = 'changed', parent_id = 3 WHERE id = 4;
INSERT INTO place VALUES (7, 1, '0', 'new');
SELECT * FROM seen();
FETCH ALL FROM untouched;
FETCH ALL FROM begun;
FETCH ALL FROM rows_of;
FETCH ALL FROM walked;
FETCH ALL FROM one_by_one;
FETCH ALL FROM values_of;
COMMIT;
SELECT * FROM seen();
-- A cursor that outlives its transaction and goes back.
BEGIN;
DECLARE held SCROLL CURSOR WITH HOLD FOR SELECT id FROM tree_build(1);
FETCH 2 FROM held;
COMMIT;
DELETE FROM place WHERE id = 7;
FETCH BACKWARD 1 FROM held;
FETCH ALL FROM held;
CLOSE held;
TRUNCATE place;
INSERT INTO place VALUES (1, NULL, 'A', 'World'), (2, 1, 'C', 'Europe'), (3, 1, 'B', 'Asia'), (4, 2, 'D', 'Germany');

-- REPEATABLE READ and SERIALIZABLE: what others commit meanwhile is not seen, what one does oneself is.
CREATE EXTENSION dblink;
SELECT dblink_connect('other', format('host=%L port=%s dbname=%L', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()));
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM seen();
SELECT dblink_exec('other', 'INSERT INTO transactions.place VALUES (10, 2, ''theirs'', ''theirs'')');
SELECT dblink_exec('other', 'UPDATE transactions.place SET parent_id = 1 WHERE id = 4');
SELECT * FROM seen();
INSERT INTO place VALUES (11, 1, 'own', 'own');
SELECT * FROM seen();
COMMIT;
SELECT * FROM seen();
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM seen();
SELECT dblink_exec('other', 'DELETE FROM transactions.place WHERE id IN (10, 11)');
SELECT * FROM seen();
COMMIT;
-- READ COMMITTED sees it with the next statement.
BEGIN;
SELECT * FROM seen();
SELECT dblink_exec('other', 'UPDATE transactions.place SET parent_id = 2 WHERE id = 4');
SELECT * FROM seen();
COMMIT;
-- What is not committed is not seen at all.
SELECT dblink_exec('other', 'BEGIN');
SELECT dblink_exec('other', 'DELETE FROM transactions.place WHERE id = 4');
SELECT * FROM seen();
SELECT dblink_exec('other', 'ROLLBACK');
SELECT * FROM seen();
SELECT dblink_disconnect('other');
-- A transaction that only reads.
BEGIN READ ONLY;
SELECT * FROM seen();
COMMIT;

-- Functions: a volatile one sees what it has just done itself, a stable one what its statement saw at first.
CREATE FUNCTION grow() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before text := (SELECT string_agg(id::text, ' ') FROM tree_build(1));
BEGIN
    INSERT INTO place VALUES (20, 4, 'G', 'grown');
    RETURN before || ' | ' || (SELECT string_agg(id::text, ' ') FROM tree_build(1)) || ' | ' || tree_path_text(20);
END $$;
CREATE FUNCTION look_stable() RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN RETURN (SELECT string_agg(id::text, '' '') FROM tree_build(1)); END';
CREATE FUNCTION look_volatile() RETURNS text LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN (SELECT string_agg(id::text, '' '') FROM tree_build(1)); END';
SELECT grow();
WITH gone AS (DELETE FROM place WHERE id = 20 RETURNING id) SELECT id, look_stable(), look_volatile() FROM gone;
SELECT look_stable(), look_volatile();
-- A loop that changes the tree while it walks it.
DO $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT id, code, level FROM tree_build(1) LOOP
        UPDATE place SET code = code || r.level WHERE id = r.id;
        INSERT INTO place VALUES (100 + r.id, r.id, 'new', 'new');
    END LOOP;
    RAISE NOTICE '%', (SELECT string_agg(code, ' ') FROM tree_build(1));
    RAISE EXCEPTION 'undo';
END $$;
SELECT * FROM seen();
-- An exception caught in a function undoes what was done in its block.
DO $$
BEGIN
    BEGIN
        UPDATE place SET parent_id = 3 WHERE id = 4;
        RAISE NOTICE '%', tree_path(4);
        PERFORM tree_build('nonsense');
    EXCEPTION WHEN invalid_text_representation THEN
        RAISE NOTICE '% %', SQLSTATE, tree_path(4);
    END;
END $$;

-- Triggers on the changing table: what each sees is what a recursive query sees there.
CREATE FUNCTION same_as_query() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    by_query bigint[];
    by_tree bigint[];
BEGIN
    WITH RECURSIVE t AS (
        SELECT id FROM place WHERE parent_id = 1 UNION ALL SELECT p.id FROM place AS p JOIN t ON p.parent_id = t.id)
    SELECT array_agg(id ORDER BY id) INTO by_query FROM t;
    SELECT array_agg(id ORDER BY id) INTO by_tree FROM tree_build(1);
    RETURN CASE WHEN by_query IS NOT DISTINCT FROM by_tree THEN 'same: ' ELSE by_query::text || ' is not ' END || by_tree::text;
END $$;
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% % % %: %', TG_WHEN, TG_OP, TG_LEVEL, coalesce(NEW.id, OLD.id), same_as_query();
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER a_before BEFORE INSERT OR UPDATE OR DELETE ON place FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TRIGGER b_after AFTER INSERT OR UPDATE OR DELETE ON place FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TRIGGER c_statement AFTER INSERT OR UPDATE OR DELETE ON place FOR EACH STATEMENT EXECUTE FUNCTION tell();
INSERT INTO place VALUES (5, 4, 'E', 'Hamburg'), (6, 5, 'F', 'Altona');
UPDATE place SET parent_id = CASE id WHEN 5 THEN 3 ELSE 4 END WHERE id IN (5, 6);
DELETE FROM place WHERE id IN (5, 6);
DROP TRIGGER a_before ON place;
DROP TRIGGER b_after ON place;
DROP TRIGGER c_statement ON place;
-- A trigger that keeps the path in the table; a check against cycles, the usual trigger on a tree.
ALTER TABLE place ADD COLUMN path text;
CREATE FUNCTION keep_path() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE place SET path = tree_path_text(id) WHERE id = NEW.id OR id IN (SELECT t.id FROM tree_build(NEW.id) AS t);
    RETURN NULL;
END $$;
CREATE FUNCTION no_cycle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tree_contains(NEW.id, NEW.parent_id) THEN
        RAISE EXCEPTION '% is below %', NEW.parent_id, NEW.id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_path AFTER INSERT OR UPDATE OF parent_id, name ON place FOR EACH ROW EXECUTE FUNCTION keep_path();
CREATE TRIGGER no_cycle BEFORE UPDATE OF parent_id ON place FOR EACH ROW EXECUTE FUNCTION no_cycle();
INSERT INTO place VALUES (5, 4, 'E', 'Hamburg'), (6, 5, 'F', 'Altona');
UPDATE place SET name = 'Deutschland' WHERE id = 4;
SELECT id, path FROM place ORDER BY id;
UPDATE place SET parent_id = 3 WHERE id = 4;
SELECT id, path FROM place WHERE path IS NOT NULL ORDER BY id;
\set SHOW_CONTEXT never
UPDATE place SET parent_id = 6 WHERE id = 4;
SELECT * FROM seen();
-- UPDATE ... FROM, DELETE ... USING and INSERT ... SELECT of the tree itself.
INSERT INTO place (id, parent_id, code, name) SELECT id + 100, CASE level WHEN 0 THEN 2 ELSE parent_id + 100 END, code, 'copy of ' || name FROM tree_build(3);
SELECT tree_draw(2);
UPDATE place AS p SET code = t.level::text FROM tree_build(2) AS t WHERE t.id = p.id;
SELECT id, code, level FROM tree_build(2);
DELETE FROM place USING tree_build(2) AS t WHERE t.id = place.id;
SELECT * FROM seen();

SET client_min_messages = warning;
DROP EXTENSION dblink;
DROP SCHEMA transactions CASCADE;
