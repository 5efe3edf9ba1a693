-- Who may see what is the same with an image and without; and whose code a build runs, and as whom.
CREATE SCHEMA cache_privileges;
SET search_path = cache_privileges, public;
SET client_min_messages = warning;
\set VERBOSITY terse
CREATE ROLE cache_owner;
CREATE ROLE cache_reader;
CREATE ROLE cache_stranger;
GRANT USAGE, CREATE ON SCHEMA cache_privileges TO cache_owner;
GRANT USAGE ON SCHEMA cache_privileges TO cache_reader, cache_stranger;

-- Everything that reads, in one call each; how each was answered, and what.
CREATE TABLE every_call (n serial, call text, question text);
INSERT INTO every_call (call, question) VALUES
    ('build', 'SELECT string_agg(id::text, '' '') FROM tree_build(1, ''place'')'), ('rows', 'SELECT string_agg((node).secret, '' '') FROM tree_rows(NULL::place, 1)'), ('forest', 'SELECT string_agg((node).secret, '' '') FROM tree_forest(NULL::place)'),
    ('page', 'SELECT string_agg(id::text, '' '') FROM tree_page(1, 3, ''place'')'), ('walk', 'SELECT string_agg(id::text, '' '') FROM tree_walk(1, ''place'')'), ('children', 'SELECT string_agg(id::text, '' '') FROM tree_children(1, ''place'')'),
    ('siblings', 'SELECT string_agg(id::text, '' '') FROM tree_siblings(3, ''place'')'), ('ancestors', 'SELECT string_agg(id::text, '' '') FROM tree_ancestors(5, ''place'')'), ('leaves', 'SELECT string_agg(id::text, '' '') FROM tree_leaves(1, ''place'')'),
    ('path', 'SELECT tree_path(5, ''place'')'), ('path_text', 'SELECT tree_path_text(5, ''place'')'), ('depth', 'SELECT tree_depth(5, ''place'')'), ('root', 'SELECT tree_root(5, ''place'')'), ('count', 'SELECT tree_descendant_count(1, ''place'')'),
    ('is_ancestor', 'SELECT tree_is_ancestor(1, 5, ''place'')'), ('contains', 'SELECT tree_contains(1, 5, ''place'')'), ('lca', 'SELECT tree_lca(5, 3, ''place'')'), ('json', 'SELECT tree_json(4, ''place'')'),
    ('draw', 'SELECT string_agg(d, '' '') FROM tree_draw(4, ''place'') AS d'), ('of an unknown key', 'SELECT tree_depth(77, ''place'')'), ('below an unknown key', 'SELECT count(*) FROM tree_build(77, ''place'')'), ('rows below one', 'SELECT count(*) FROM tree_rows(NULL::place, 77)');
GRANT SELECT ON every_call TO PUBLIC;
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
        answer := format('%s %s', SQLSTATE, SQLERRM);
    END;
    SELECT string_agg(CASE times WHEN 1 THEN what ELSE format('%s %s', times, what) END, ', ' ORDER BY what COLLATE "C") INTO how
    FROM (SELECT what, sum(n) - coalesce((before ->> what)::numeric, 0) AS times FROM counts() GROUP BY what) AS c WHERE times <> 0;
END $$;
CREATE FUNCTION ask_everything() RETURNS TABLE (call text, how text, answer text) LANGUAGE plpgsql AS $$
BEGIN
    FOR call, how, answer IN SELECT e.call, a.* FROM every_call AS e, ask(e.question) AS a ORDER BY e.n LOOP
        RETURN NEXT;
    END LOOP;
END $$;
CREATE FUNCTION warm(tree text DEFAULT 'place') RETURNS bigint LANGUAGE sql AS 'SELECT nodes FROM tree_warm(tree)';
-- For one role: with a fresh image, with none, without a cache, and from an image that came by itself. The answers to the first, and
-- whether the others are the same.
CREATE TABLE looked (state text, n int, call text, how text, answer text);
GRANT ALL ON looked TO PUBLIC;
CREATE PROCEDURE look_as(role name) LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE looked;
    COMMIT;
    PERFORM warm();
    COMMIT;
    EXECUTE format('SET ROLE %I', role);
    INSERT INTO looked SELECT 'image', row_number() OVER (), * FROM ask_everything();
    RESET ROLE;
    COMMIT;
    PERFORM tree_invalidate('place');
    EXECUTE format('SET ROLE %I', role);
    INSERT INTO looked SELECT 'none', row_number() OVER (), * FROM ask_everything();
    SET LOCAL pg_tree.enable_cache = off;
    INSERT INTO looked SELECT 'off', row_number() OVER (), * FROM ask_everything();
    RESET ROLE;
    COMMIT;
    EXECUTE format('SET ROLE %I', role);
    INSERT INTO looked SELECT 'whatever', row_number() OVER (), * FROM ask_everything();
    RESET ROLE;
END $$;
CREATE VIEW seen AS
    SELECT call, how, answer, (SELECT CASE WHEN bool_and(o.answer IS NOT DISTINCT FROM i.answer) THEN 'the same' ELSE string_agg(o.state || ': ' || o.answer, ', ') END FROM looked AS o WHERE o.n = i.n) AS otherwise FROM looked AS i WHERE state = 'image' ORDER BY n;

SET ROLE cache_owner;
CREATE TABLE place (id int PRIMARY KEY, parent_id int, code text, name text, secret text);
INSERT INTO place VALUES (1, NULL, 'A', 'World', 's1'), (2, 1, 'C', 'Europe', 's2'), (3, 1, 'B', 'Asia', 's3'), (4, 2, 'D', 'Germany', 's4'), (5, 4, 'E', 'Hamburg', 's5');
SELECT tree_register('place');
RESET ROLE;

-- --- Rights on the table ---------------------------------------------------------------------------------------------------

GRANT SELECT ON place TO cache_reader;
CALL look_as('cache_reader');
SELECT * FROM seen;
-- None: nothing is told, not even that a key is unknown, and nothing is counted.
CALL look_as('cache_stranger');
SELECT * FROM seen;
-- The key columns: what is a matter of keys.
GRANT SELECT (id, parent_id) ON place TO cache_stranger;
CALL look_as('cache_stranger');
SELECT * FROM seen;
-- Code and name with them: everything but whole rows.
GRANT SELECT (code, name) ON place TO cache_stranger;
CALL look_as('cache_stranger');
SELECT * FROM seen;
-- What is not the key, but not the key itself.
REVOKE SELECT (parent_id) ON place FROM cache_stranger;
CALL look_as('cache_stranger');
SELECT * FROM seen;
GRANT SELECT (parent_id) ON place TO cache_stranger;
-- What the filter, the order and the name speak of must be readable, too.
SET ROLE cache_owner;
SELECT tree_register('place', filter => 'secret <> ''s3''');
RESET ROLE;
CALL look_as('cache_stranger');
SELECT * FROM seen WHERE call IN ('build', 'path', 'depth', 'rows');
CALL look_as('cache_reader');
SELECT * FROM seen WHERE call IN ('build', 'path', 'depth', 'rows');
SET ROLE cache_owner;
SELECT tree_register('place', order_by => 'secret DESC');
RESET ROLE;
CALL look_as('cache_stranger');
SELECT * FROM seen WHERE call IN ('build', 'path', 'depth', 'rows');
CALL look_as('cache_reader');
SELECT * FROM seen WHERE call IN ('build', 'path', 'depth', 'rows');
SET ROLE cache_owner;
SELECT tree_register('place', name => 'secret');
RESET ROLE;
CALL look_as('cache_stranger');
SELECT * FROM seen WHERE call IN ('build', 'path', 'path_text', 'rows');
SET ROLE cache_owner;
SELECT tree_register('place');
RESET ROLE;
-- Rights that come by membership, and by the roles that read everything.
CREATE ROLE cache_member IN ROLE cache_reader;
GRANT USAGE ON SCHEMA cache_privileges TO cache_member;
CALL look_as('cache_member');
SELECT * FROM seen WHERE call IN ('build', 'depth', 'rows');
REVOKE cache_reader FROM cache_member;
CALL look_as('cache_member');
SELECT * FROM seen WHERE call IN ('build', 'depth', 'rows');
GRANT pg_read_all_data TO cache_member;
CALL look_as('cache_member');
SELECT * FROM seen WHERE call IN ('build', 'depth', 'rows');
DROP OWNED BY cache_member;
DROP ROLE cache_member;

-- --- Rights that come and go in mid-session ----------------------------------------------------------------------------------

SELECT warm();
SET ROLE cache_reader;
PREPARE p AS SELECT string_agg(code, ' ') FROM tree_build(1, 'place');
PREPARE d AS SELECT tree_depth(5, 'place');
EXECUTE p;
EXECUTE d;
SELECT ask.* FROM ask('EXECUTE p');
SET ROLE cache_owner;
REVOKE SELECT ON place FROM cache_reader;
SET ROLE cache_reader;
EXECUTE p;
EXECUTE d;
SET ROLE cache_owner;
GRANT SELECT (id, parent_id) ON place TO cache_reader;
SET ROLE cache_reader;
EXECUTE p;
EXECUTE d;
SET ROLE cache_owner;
GRANT SELECT ON place TO cache_reader;
REVOKE SELECT (id, parent_id) ON place FROM cache_reader;
SET ROLE cache_reader;
EXECUTE p;
EXECUTE d;
SELECT ask.* FROM ask('EXECUTE p');
-- USAGE of the schema.
RESET ROLE;
REVOKE USAGE ON SCHEMA cache_privileges FROM cache_reader;
SET ROLE cache_reader;
EXECUTE p;
SELECT tree_depth(5, 'cache_privileges.place');
SELECT count(*) FROM tree_forest(NULL::cache_privileges.place);
RESET ROLE;
GRANT USAGE ON SCHEMA cache_privileges TO cache_reader;
SET ROLE cache_reader;
EXECUTE p;
-- The function itself.
RESET ROLE;
REVOKE EXECUTE ON FUNCTION tree_depth(bigint, text) FROM PUBLIC;
SET ROLE cache_reader;
EXECUTE d;
EXECUTE p;
RESET ROLE;
GRANT EXECUTE ON FUNCTION tree_depth(bigint, text) TO PUBLIC;
-- The same statement under one role after another, and in one transaction.
BEGIN;
SET LOCAL ROLE cache_owner;
EXECUTE p;
SET LOCAL ROLE cache_stranger;
EXECUTE p;
SAVEPOINT s;
SET LOCAL ROLE cache_owner;
REVOKE SELECT (code) ON place FROM cache_stranger;
SET LOCAL ROLE cache_stranger;
EXECUTE p;
ROLLBACK TO s;
EXECUTE p;
ROLLBACK;
SET SESSION AUTHORIZATION cache_stranger;
EXECUTE p;
SELECT string_agg((node).secret, ' ') FROM tree_rows(NULL::place, 1);
RESET SESSION AUTHORIZATION;
DEALLOCATE p;
DEALLOCATE d;

-- --- Functions and views that read as somebody else ---------------------------------------------------------------------------

REVOKE ALL ON place FROM cache_stranger;
SET ROLE cache_owner;
CREATE FUNCTION as_owner() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = cache_privileges, public AS 'SELECT string_agg((node).secret, '' '') FROM tree_rows(NULL::place, 1)';
CREATE FUNCTION as_caller() RETURNS text LANGUAGE sql AS 'SELECT string_agg((node).secret, '' '') FROM tree_rows(NULL::cache_privileges.place, 1)';
CREATE VIEW secrets AS SELECT (node).secret FROM tree_rows(NULL::cache_privileges.place, 1);
GRANT SELECT ON secrets TO cache_stranger;
CREATE FUNCTION ask_as_caller(OUT how text, OUT answer text) LANGUAGE sql SECURITY DEFINER SET search_path = cache_privileges, public AS $$ SELECT * FROM ask('SELECT as_caller()') $$;
RESET ROLE;
SELECT warm();
SET ROLE cache_stranger;
SELECT ask.* FROM unnest(ARRAY['SELECT as_owner()', 'SELECT as_caller()', 'SELECT secret FROM secrets', 'SELECT as_owner()']) AS question, ask(question);
SELECT * FROM ask_as_caller();
RESET ROLE;
SELECT tree_invalidate('place');
SET ROLE cache_stranger;
SELECT ask.answer FROM unnest(ARRAY['SELECT as_owner()', 'SELECT as_caller()', 'SELECT secret FROM secrets', 'SELECT as_owner()']) AS question, ask(question);
RESET ROLE;
GRANT SELECT ON place TO cache_stranger;

-- --- Row-level security -----------------------------------------------------------------------------------------------------------

ALTER TABLE place ENABLE ROW LEVEL SECURITY;
CREATE POLICY no_germany ON place FOR SELECT TO cache_reader USING (name <> 'Germany');
CREATE ROLE cache_exempt BYPASSRLS IN ROLE cache_stranger;
CALL look_as('cache_reader');
SELECT * FROM seen;
CALL look_as('cache_stranger');
SELECT * FROM seen WHERE call IN ('build', 'depth', 'rows', 'forest');
CALL look_as('cache_owner');
SELECT * FROM seen WHERE call IN ('build', 'depth', 'rows', 'forest');
CALL look_as('cache_exempt');
SELECT * FROM seen WHERE call IN ('build', 'depth', 'rows', 'forest');
CALL look_as(current_user);
SELECT * FROM seen WHERE call IN ('build', 'depth', 'rows', 'forest');
-- What somebody under a policy reads never becomes the image of others.
SELECT tree_invalidate('place');
SET ROLE cache_reader;
SELECT ask.* FROM ask('SELECT count(*) FROM tree_forest(NULL::place)');
SET ROLE cache_owner;
SELECT ask.* FROM ask('SELECT count(*) FROM tree_forest(NULL::place)');
SET ROLE cache_reader;
SELECT ask.* FROM ask('SELECT count(*) FROM tree_forest(NULL::place)');
-- A policy that depends on the session.
RESET ROLE;
DROP POLICY no_germany ON place;
CREATE POLICY by_setting ON place FOR SELECT TO cache_reader USING (secret <> current_setting('cache_privileges.hidden', true));
SET ROLE cache_reader;
SET cache_privileges.hidden = 's2';
SELECT ask.* FROM ask('SELECT string_agg(id::text, '' '') FROM tree_build(1, ''place'')');
SET cache_privileges.hidden = 's5';
SELECT ask.* FROM ask('SELECT string_agg(id::text, '' '') FROM tree_build(1, ''place'')');
SET row_security = off;
SELECT ask.* FROM ask('SELECT string_agg(id::text, '' '') FROM tree_build(1, ''place'')');
RESET row_security;
SELECT as_owner();
RESET ROLE;
-- Forced on the owner, for whom alone there would be something to build; those who are exempt read the table or an image from before.
SELECT warm();
ALTER TABLE place FORCE ROW LEVEL SECURITY;
SET ROLE cache_owner;
SELECT ask.* FROM ask('SELECT count(*) FROM tree_forest(NULL::place)');
SELECT warm();
SET ROLE cache_exempt;
SELECT ask.* FROM ask('SELECT count(*) FROM tree_forest(NULL::place)');
RESET ROLE;
UPDATE place SET name = 'Asien' WHERE id = 3;
SELECT warm();
SELECT ask.answer FROM ask('SELECT string_agg(name, '' '') FROM tree_build(1, ''place'')');
SET ROLE cache_exempt;
SELECT ask.answer FROM ask('SELECT string_agg(name, '' '') FROM tree_build(1, ''place'')');
RESET ROLE;
ALTER TABLE place NO FORCE ROW LEVEL SECURITY;
SELECT warm();
SELECT ask.* FROM ask('SELECT string_agg(name, '' '') FROM tree_build(1, ''place'')');
-- Switched on under a warm image, and off again.
ALTER TABLE place DISABLE ROW LEVEL SECURITY;
SET ROLE cache_reader;
SELECT ask.* FROM ask('SELECT tree_depth(5, ''place'')');
BEGIN;
SET LOCAL ROLE cache_owner;
ALTER TABLE place ENABLE ROW LEVEL SECURITY;
SET LOCAL ROLE cache_stranger;
SELECT ask.* FROM ask('SELECT tree_depth(5, ''place'')');
ROLLBACK;
SELECT ask.* FROM ask('SELECT tree_depth(5, ''place'')');
RESET ROLE;

-- --- The owner ------------------------------------------------------------------------------------------------------------------

-- One without rights on his own table.
SELECT warm();
SET ROLE cache_owner;
REVOKE ALL ON place FROM cache_owner;
SELECT ask.* FROM unnest(ARRAY['SELECT tree_depth(5, ''place'')', 'SELECT count(*) FROM tree_build(1, ''place'')']) AS question, ask(question);
SELECT tree_invalidate('place');
SELECT warm();
SET ROLE cache_reader;
SELECT warm();
SELECT ask.* FROM ask('SELECT tree_depth(5, ''place'')');
SELECT ask.answer FROM ask('SELECT count(*) FROM tree_forest(NULL::place)');
RESET ROLE;
SELECT state FROM tree_stat_cache WHERE tree = 'cache_privileges.place' AND datname = current_database();
-- On some columns: it is enough if they are those of the tree.
SET ROLE cache_owner;
GRANT SELECT (id, parent_id, code) ON place TO cache_owner;
SET ROLE cache_reader;
SELECT warm();
SET ROLE cache_owner;
GRANT SELECT (name) ON place TO cache_owner;
SET ROLE cache_reader;
SELECT warm();
SELECT ask.* FROM ask('SELECT count(*) FROM tree_forest(NULL::place)');
SET ROLE cache_owner;
SELECT ask.* FROM ask('SELECT count(*) FROM tree_build(1, ''place'')');
SELECT ask.* FROM ask('SELECT count(*) FROM tree_forest(NULL::place)');
GRANT ALL ON place TO cache_owner;
RESET ROLE;
-- Who may warm, who may invalidate.
SELECT warm();
SET ROLE cache_reader;
SELECT tree_name, nodes FROM tree_warm('place');
SELECT tree_invalidate('place');
SET ROLE cache_owner;
REVOKE SELECT ON place FROM cache_stranger;
SET ROLE cache_stranger;
SELECT tree_name, nodes FROM tree_warm('place');
SELECT tree_invalidate('place');
SELECT tree_name, nodes FROM tree_warm();
SET ROLE cache_owner;
GRANT SELECT (id, parent_id) ON place TO cache_stranger;
SET ROLE cache_stranger;
SELECT tree_name, nodes FROM tree_warm('place');
SELECT ask.* FROM ask('SELECT tree_depth(5, ''place'')');
SET ROLE cache_owner;
SELECT tree_invalidate('place');
SELECT tree_name, nodes FROM tree_warm('place');
RESET ROLE;
GRANT cache_owner TO cache_stranger;
SET ROLE cache_stranger;
SELECT tree_invalidate('place');
RESET ROLE;
REVOKE cache_owner FROM cache_stranger;
-- Another owner, and the one before gone.
SELECT warm();
CREATE ROLE cache_heir;
GRANT USAGE, CREATE ON SCHEMA cache_privileges TO cache_heir;
REASSIGN OWNED BY cache_owner TO cache_heir;
SET ROLE cache_reader;
SELECT ask.* FROM ask('SELECT tree_path_text(5, ''place'')');
RESET ROLE;
DROP OWNED BY cache_owner;
DROP ROLE cache_owner;
SET ROLE cache_reader;
SELECT ask.* FROM ask('SELECT tree_path_text(5, ''place'')');
RESET ROLE;
UPDATE place SET name = 'Altona' WHERE id = 5;
SET ROLE cache_reader;
SELECT warm();
SELECT ask.* FROM ask('SELECT tree_path_text(5, ''place'')');
RESET ROLE;
SET ROLE cache_heir;
SELECT tree_invalidate('place');
RESET ROLE;

-- --- Whose code runs, and as whom ----------------------------------------------------------------------------------------------

-- A key type whose comparisons are the owner's own functions. They write down who they run as, and what comes of trying to be more.
CREATE ROLE cache_super SUPERUSER;
CREATE TABLE ran (as_user name, attempt text, outcome text, UNIQUE (as_user, attempt, outcome));
GRANT ALL ON ran TO PUBLIC;
CREATE TABLE deferred (a int);
GRANT ALL ON deferred TO PUBLIC;
CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE CONSTRAINT TRIGGER deferred AFTER INSERT ON deferred INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fire();
CREATE FUNCTION attempt(what text, statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    INSERT INTO cache_privileges.ran VALUES (current_user, what, 'done') ON CONFLICT DO NOTHING;
    RAISE EXCEPTION 'undo' USING ERRCODE = 'PT001';
EXCEPTION
    WHEN SQLSTATE 'PT001' THEN
        INSERT INTO cache_privileges.ran VALUES (current_user, what, 'done') ON CONFLICT DO NOTHING;
    WHEN OTHERS THEN
        INSERT INTO cache_privileges.ran VALUES (current_user, what, SQLERRM) ON CONFLICT DO NOTHING;
END $$;
CREATE FUNCTION run() RETURNS void LANGUAGE plpgsql AS 'BEGIN END';
CREATE TYPE word;
CREATE FUNCTION word_in(cstring) RETURNS word LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION word_out(word) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE word (INPUT = word_in, OUTPUT = word_out, LIKE = text);
CREATE CAST (word AS text) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (text AS word) WITHOUT FUNCTION AS IMPLICIT;
CREATE FUNCTION word_cmp(a word, b word) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM cache_privileges.run(); RETURN pg_catalog.bttextcmp(a::text, b::text); END $$;
CREATE FUNCTION word_hash(a word) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM cache_privileges.run(); RETURN pg_catalog.hashtext(a::text); END $$;
CREATE FUNCTION word_lt(a word, b word) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN cache_privileges.word_cmp(a, b) < 0; END';
CREATE FUNCTION word_le(a word, b word) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN cache_privileges.word_cmp(a, b) <= 0; END';
CREATE FUNCTION word_eq(a word, b word) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN cache_privileges.word_cmp(a, b) = 0; END';
CREATE FUNCTION word_ge(a word, b word) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN cache_privileges.word_cmp(a, b) >= 0; END';
CREATE FUNCTION word_gt(a word, b word) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN cache_privileges.word_cmp(a, b) > 0; END';
CREATE OPERATOR < (LEFTARG = word, RIGHTARG = word, FUNCTION = word_lt, COMMUTATOR = >);
CREATE OPERATOR <= (LEFTARG = word, RIGHTARG = word, FUNCTION = word_le, COMMUTATOR = >=);
CREATE OPERATOR = (LEFTARG = word, RIGHTARG = word, FUNCTION = word_eq, COMMUTATOR = =, HASHES, MERGES);
CREATE OPERATOR >= (LEFTARG = word, RIGHTARG = word, FUNCTION = word_ge, COMMUTATOR = <=);
CREATE OPERATOR > (LEFTARG = word, RIGHTARG = word, FUNCTION = word_gt, COMMUTATOR = <);
CREATE OPERATOR CLASS word_order DEFAULT FOR TYPE word USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 word_cmp(word, word);
CREATE OPERATOR CLASS word_hashing DEFAULT FOR TYPE word USING hash AS OPERATOR 1 =, FUNCTION 1 word_hash(word);
CREATE TABLE worded (id word PRIMARY KEY, parent_id word, code word);
INSERT INTO worded VALUES ('a', NULL, 'x'), ('b', 'a', 'y'), ('c', 'a', 'y'), ('d', 'b', 'x');
ALTER TABLE worded OWNER TO cache_heir;
GRANT SELECT ON worded TO cache_reader;
ANALYZE worded;
SET ROLE cache_heir;
SELECT tree_register('worded');
RESET ROLE;
-- Not before: an index holds locks while it compares, which an error that is caught would let go.
CREATE OR REPLACE FUNCTION run() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM cache_privileges.attempt('role', 'SET ROLE cache_super');
    PERFORM cache_privileges.attempt('authorization', 'RESET SESSION AUTHORIZATION');
    PERFORM cache_privileges.attempt('temporary table', 'CREATE TEMP TABLE trap (a int)');
    PERFORM cache_privileges.attempt('deferred trigger', 'INSERT INTO cache_privileges.deferred VALUES (1)');
    INSERT INTO cache_privileges.ran VALUES (current_user, 'search_path', pg_catalog.current_setting('search_path')) ON CONFLICT DO NOTHING;
END $$;
-- By tree_warm, by the call that needs it, of a superuser and of a reader: always as the owner, and no more than that.
TRUNCATE ran;
SELECT warm('worded');
SELECT * FROM ran ORDER BY as_user, attempt COLLATE "C";
SELECT tree_invalidate('worded');
TRUNCATE ran;
SET ROLE cache_reader;
SELECT warm('worded');
SELECT * FROM ran ORDER BY as_user, attempt COLLATE "C";
RESET ROLE;
TRUNCATE ran;
SELECT tree_invalidate('worded');
SET ROLE cache_reader;
SELECT string_agg((node).id, ' ') FROM tree_forest(NULL::worded);
SELECT * FROM ran WHERE as_user <> 'cache_reader' ORDER BY as_user, attempt COLLATE "C";
-- What is served is looked up as whoever asks, as a query of his would be.
RESET ROLE;
SELECT warm('worded');
TRUNCATE ran;
SET ROLE cache_reader;
SELECT ask.* FROM ask('SELECT tree_path(''d''::text, ''worded'')');
SELECT DISTINCT as_user FROM ran;
RESET ROLE;
-- A build in the midst of which the owner's code changes the tree: what was written then is not in the image, and is noticed.
CREATE OR REPLACE FUNCTION run() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF pg_catalog.current_setting('cache_privileges.strike', true) = 'yes' THEN
        PERFORM pg_catalog.set_config('cache_privileges.strike', 'no', false);
        UPDATE cache_privileges.worded SET code = code::text || '!' WHERE id::text = 'b';
    END IF;
END $$;
SELECT tree_invalidate('worded');
SET cache_privileges.strike = yes;
SELECT nodes FROM tree_warm('worded');
RESET cache_privileges.strike;
SELECT string_agg(code, ' ') FROM tree_build('a'::text, 'worded');
SET pg_tree.enable_cache = off;
SELECT string_agg(code, ' ') FROM tree_build('a'::text, 'worded');
RESET pg_tree.enable_cache;
DROP TABLE worded;
-- What the planner works out while it plans the build's queries, from an index's condition.
CREATE OR REPLACE FUNCTION run() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM cache_privileges.attempt('role', 'SET ROLE cache_super'); END $$;
CREATE FUNCTION holds(a int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM cache_privileges.run(); RETURN true; END $$;
CREATE INDEX ON place (parent_id) WHERE holds(1);
UPDATE place SET name = 'Hamburg' WHERE id = 5;
TRUNCATE ran;
\c -
SET search_path = cache_privileges, public;
\set VERBOSITY terse
SELECT warm();
SELECT * FROM ran ORDER BY as_user, attempt COLLATE "C";

SET client_min_messages = warning;
DROP SCHEMA cache_privileges CASCADE;
DROP OWNED BY cache_reader, cache_stranger, cache_heir, cache_exempt, cache_super;
DROP ROLE cache_reader, cache_stranger, cache_heir, cache_exempt, cache_super;
