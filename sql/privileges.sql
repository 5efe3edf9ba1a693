-- Whoever asks sees what a query of his own would see, and no more.
CREATE SCHEMA privileges;
SET search_path = privileges, public;
\set VERBOSITY terse
CREATE ROLE tree_owner;
CREATE ROLE tree_reader;
CREATE ROLE tree_stranger;
GRANT USAGE, CREATE ON SCHEMA privileges TO tree_owner;
GRANT USAGE ON SCHEMA privileges TO tree_reader, tree_stranger;
SET ROLE tree_owner;
CREATE TABLE place (id int PRIMARY KEY, parent_id int, code text, name text, secret text);
INSERT INTO place VALUES (1, NULL, 'A', 'World', 's1'), (2, 1, 'C', 'Europe', 's2'), (3, 1, 'B', 'Asia', 's3'), (4, 2, 'D', 'Germany', 's4'), (5, 4, 'E', 'Hamburg', 's5');
-- Everything that reads, in one call each.
RESET ROLE;
CREATE TABLE public.every_reading (call text, statement text);
INSERT INTO public.every_reading VALUES
    ('build', 'SELECT string_agg(id::text, '' '') FROM tree_build(1)'),
    ('rows', 'SELECT string_agg((node).id::text, '' '') FROM tree_rows(NULL::privileges.place, 1)'),
    ('forest', 'SELECT string_agg((node).id::text, '' '') FROM tree_forest(NULL::privileges.place)'),
    ('page', 'SELECT string_agg(id::text, '' '') FROM tree_page(1, NULL)'),
    ('walk', 'SELECT string_agg(id::text, '' '') FROM tree_walk(1)'),
    ('children', 'SELECT string_agg(id::text, '' '') FROM tree_children(1)'),
    ('siblings', 'SELECT string_agg(id::text, '' '') FROM tree_siblings(3)'),
    ('ancestors', 'SELECT string_agg(id::text, '' '') FROM tree_ancestors(5)'),
    ('leaves', 'SELECT string_agg(id::text, '' '') FROM tree_leaves(1)'),
    ('path', 'SELECT tree_path(5)::text'),
    ('path_text', 'SELECT tree_path_text(5)'),
    ('depth', 'SELECT tree_depth(5)::text'),
    ('root', 'SELECT tree_root(5)::text'),
    ('count', 'SELECT tree_descendant_count(1)::text'),
    ('is_ancestor', 'SELECT tree_is_ancestor(1, 5)::text'),
    ('contains', 'SELECT tree_contains(1, 5)::text'),
    ('lca', 'SELECT tree_lca(5, 3)::text'),
    ('json', 'SELECT (tree_json(1)::jsonb #> ''{children,0}'')::text'),
    ('draw', 'SELECT string_agg(trim(d, ''├└│─ ''), '' '') FROM tree_draw(1) AS d');
GRANT SELECT ON public.every_reading TO PUBLIC;
CREATE FUNCTION public.read_everything() RETURNS TABLE (call text, answer text) LANGUAGE plpgsql AS $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT * FROM public.every_reading LOOP
        call := one.call;
        BEGIN
            EXECUTE one.statement INTO answer;
        EXCEPTION WHEN OTHERS THEN
            answer := SQLSTATE || ' ' || SQLERRM;
        END;
        RETURN NEXT;
    END LOOP;
END $$;

-- Only the owner registers and unregisters; a member of the owner, or a superuser, is one.
SET ROLE tree_reader;
SELECT tree_register('place');
SELECT tree_register('pg_class');
RESET ROLE;
GRANT ALL ON privileges.place TO tree_reader;
SET ROLE tree_reader;
SELECT tree_register('place');
SET ROLE tree_owner;
SELECT tree_register('place');
REVOKE ALL ON place FROM tree_reader;
SET ROLE tree_reader;
SELECT tree_unregister('place');
SELECT tree_unregister_all();
SELECT tree_register('place', order_by => 'name');
RESET ROLE;
GRANT tree_owner TO tree_reader;
SET ROLE tree_reader;
SELECT tree_register('place', order_by => 'name');
SELECT tree_register('place');
RESET ROLE;
REVOKE tree_owner FROM tree_reader;

-- SELECT on the table.
SET ROLE tree_owner;
GRANT SELECT ON place TO tree_reader;
SET ROLE tree_reader;
SELECT * FROM read_everything();
SELECT tree FROM tree_registry;
-- None at all: the tree is no candidate, and when it is named nothing of it is told.
SET ROLE tree_stranger;
SELECT * FROM read_everything();
SELECT * FROM tree_build(1, 'place');
SELECT tree_path(1, 'place');
SELECT tree_path(NULL::bigint, 'place');
\set VERBOSITY default
SELECT tree_depth(1, 'nothing');
\set VERBOSITY terse
-- SELECT on some columns: what needs only those is answered.
SET ROLE tree_owner;
GRANT SELECT (id, parent_id) ON place TO tree_stranger;
SET ROLE tree_stranger;
SELECT * FROM read_everything();
SET ROLE tree_owner;
GRANT SELECT (code, name) ON place TO tree_stranger;
SET ROLE tree_stranger;
SELECT * FROM read_everything();
-- What the filter, the name and the order speak of must be readable, too.
SET ROLE tree_owner;
SELECT tree_register('place', filter => 'secret <> ''s3''');
SET ROLE tree_stranger;
SELECT id FROM tree_build(1);
SELECT tree_path(5);
SET ROLE tree_owner;
SELECT tree_register('place', order_by => 'secret');
SET ROLE tree_stranger;
SELECT id FROM tree_build(1);
SELECT tree_path(5);
SET ROLE tree_owner;
SELECT tree_register('place', name => 'secret');
SET ROLE tree_stranger;
SELECT id FROM tree_build(1);
SELECT tree_path(5);
SELECT tree_path_text(5);
SET ROLE tree_owner;
SELECT tree_register('place');
-- Rights that come and go in mid-session.
REVOKE SELECT (name) ON place FROM tree_stranger;
SET ROLE tree_stranger;
SELECT id FROM tree_build(1);
SET ROLE tree_owner;
GRANT SELECT ON place TO tree_stranger;
SET ROLE tree_stranger;
SELECT id FROM tree_build(1);
SET ROLE tree_owner;
REVOKE ALL ON place FROM tree_stranger;
REVOKE ALL (id, parent_id, code, name) ON place FROM tree_stranger;
SET ROLE tree_stranger;
SELECT id FROM tree_build(1, 'place');
-- The same prepared statement under several roles.
RESET ROLE;
PREPARE p AS SELECT id FROM tree_build(2, 'place');
EXECUTE p;
SET ROLE tree_stranger;
EXECUTE p;
SET ROLE tree_reader;
EXECUTE p;
RESET ROLE;
EXECUTE p;
DEALLOCATE p;

-- Without USAGE of the schema its trees are not found, by no name.
REVOKE USAGE ON SCHEMA privileges FROM tree_reader;
SET ROLE tree_reader;
SELECT id FROM tree_build(1);
SELECT id FROM tree_build(1, 'place');
SELECT id FROM tree_build(1, 'privileges.place');
SELECT level FROM tree_rows(NULL::privileges.place, 1);
RESET ROLE;
GRANT USAGE ON SCHEMA privileges TO tree_reader;
SET ROLE tree_reader;
SELECT id FROM tree_build(4);

-- Trees that the caller may not read are no candidates.
SET ROLE tree_owner;
CREATE TABLE other (id int PRIMARY KEY, parent_id int, name text);
INSERT INTO other VALUES (1, NULL, 'other'), (2, 1, 'below');
SELECT tree_register('other');
SELECT tree_depth(5);
SET ROLE tree_reader;
SELECT tree_depth(5);
SET ROLE tree_owner;
GRANT SELECT (name) ON other TO tree_reader;
SET ROLE tree_reader;
SELECT tree_depth(5);
SET ROLE tree_owner;
SELECT tree_unregister('other');

-- A SECURITY DEFINER function reads as its owner, its caller does not.
CREATE FUNCTION as_owner() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = privileges, public AS 'SELECT string_agg(id::text, '' '') FROM tree_build(1)';
CREATE FUNCTION as_caller() RETURNS text LANGUAGE sql AS 'SELECT string_agg(id::text, '' '') FROM tree_build(1, ''place'')';
SET ROLE tree_stranger;
SELECT as_owner();
SELECT as_caller();
SELECT as_owner();
RESET ROLE;
-- A view on a tree reads as whoever asks the view: functions in views run as the caller does.
CREATE VIEW below AS SELECT id FROM tree_build(1, 'privileges.place');
GRANT SELECT ON below TO tree_stranger;
SET ROLE tree_stranger;
SELECT * FROM below;
-- A registered view is read with the rights of its owner.
SET ROLE tree_owner;
CREATE VIEW visible AS SELECT id, parent_id, code, name FROM place WHERE id <> 4;
SELECT tree_register('visible');
GRANT SELECT ON visible TO tree_stranger;
SET ROLE tree_stranger;
SELECT id FROM tree_build(1, 'visible');
SELECT tree_path(5, 'visible');
SELECT id FROM tree_build(1);
SET ROLE tree_owner;
DROP VIEW visible;

-- Row level security, in every function, for whoever it is meant for.
RESET ROLE;
ALTER TABLE place ENABLE ROW LEVEL SECURITY;
SET ROLE tree_owner;
CREATE POLICY no_asia ON place FOR SELECT TO tree_reader USING (name <> 'Asia');
SET ROLE tree_reader;
SELECT * FROM read_everything();
-- What hangs from a row that is not seen hangs from nothing.
SET ROLE tree_owner;
DROP POLICY no_asia ON place;
CREATE POLICY no_germany ON place FOR SELECT TO tree_reader USING (name <> 'Germany');
SET ROLE tree_reader;
SELECT * FROM read_everything();
SELECT id, level FROM tree_build(4);
-- Nobody else has a policy, and so sees nothing; the owner sees all, until it is forced on him.
SET ROLE tree_owner;
GRANT SELECT ON place TO tree_stranger;
SET ROLE tree_stranger;
SELECT * FROM read_everything();
SET ROLE tree_owner;
SELECT array(SELECT id FROM tree_build(1)), tree_path(5);
ALTER TABLE place FORCE ROW LEVEL SECURITY;
SELECT array(SELECT id FROM tree_build(1)), tree_path(5);
ALTER TABLE place NO FORCE ROW LEVEL SECURITY;
-- A policy that depends on the session: the same statement, other rows.
DROP POLICY no_germany ON place;
CREATE POLICY by_setting ON place FOR SELECT TO tree_reader USING (secret <> current_setting('privileges.hidden', true));
SET ROLE tree_reader;
SET privileges.hidden = 's2';
SELECT array(SELECT id FROM tree_build(1)), tree_path(5);
SET privileges.hidden = 's5';
SELECT array(SELECT id FROM tree_build(1)), tree_path(5);
-- Switching to and fro between roles that see all, some, nothing.
RESET ROLE;
SELECT array(SELECT id FROM tree_build(1)), tree_path(5);
SET ROLE tree_stranger;
SELECT array(SELECT id FROM tree_build(1)), tree_path(5);
SET ROLE tree_reader;
SELECT array(SELECT id FROM tree_build(1)), tree_path(5);
SELECT as_owner();
SELECT array(SELECT id FROM tree_build(1)), tree_path(5);
SET row_security = off;
SELECT id FROM tree_build(1);
RESET row_security;
SELECT array(SELECT id FROM tree_build(1)), tree_path(5);
-- A filter or a name is no way round a policy, and leaks nothing of what is hidden.
SET ROLE tree_owner;
SELECT tree_register('place', filter => '1.0 / length(replace(secret, ''s5'', '''')) > 0', name => 'secret');
SET ROLE tree_reader;
SELECT id, name FROM tree_build(1);
SELECT tree_path_text(4);

RESET ROLE;
-- A user may not make an expression run as another: what he can put before pg_catalog is not used.
SET ROLE tree_owner;
ALTER TABLE place DISABLE ROW LEVEL SECURITY;
SELECT tree_register('place', name => 'lower(name)', filter => 'length(code) = 1');
CREATE FUNCTION lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'trap of ' || current_user; END $$;
CREATE FUNCTION length(text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 7; END $$;
CREATE FUNCTION equals(int, int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RETURN false; END $$;
CREATE OPERATOR = (LEFTARG = int, RIGHTARG = int, FUNCTION = equals);
RESET ROLE;
SET search_path = privileges, pg_catalog, public;
SELECT public.tree_path_text(5, 'place');
SELECT id, name FROM public.tree_build(1, 'place');
SELECT (node).id, rank FROM public.tree_rows(NULL::place, 2);
SET search_path = privileges, public;
SELECT tree_path_text(5);

SET client_min_messages = warning;
DROP SCHEMA privileges CASCADE;
DROP FUNCTION read_everything;
DROP TABLE every_reading;
DROP ROLE tree_owner, tree_reader, tree_stranger;
