-- Attempts to have the cache say something else than the table does, or to have code run with another's rights.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_tree;
CREATE SCHEMA cache_hostile;
SET search_path = cache_hostile, public;
SET IntervalStyle = postgres;
SET DateStyle = ISO;

-- The answer from the cache (where it may be used) and the one from the table.
CREATE FUNCTION compare(tree text, OUT cached text, OUT read text) LANGUAGE plpgsql AS $$
BEGIN
    SELECT string_agg(concat_ws('/', b.id, b.name, b.level), ' ' ORDER BY ordinality) INTO cached FROM tree_build(1, tree) WITH ORDINALITY AS b;
    PERFORM set_config('pg_tree.enable_cache', 'off', true);
    SELECT string_agg(concat_ws('/', b.id, b.name, b.level), ' ' ORDER BY ordinality) INTO read FROM tree_build(1, tree) WITH ORDINALITY AS b;
    PERFORM set_config('pg_tree.enable_cache', 'on', true);
END $$;

-- --- A function in an index sees a row before its triggers are queued ----------------------------------------------------
CREATE TABLE indexed (id int PRIMARY KEY, parent_id int, name text);
INSERT INTO indexed VALUES (1, NULL, 'root'), (2, 1, 'a');
SELECT tree_register('indexed');
CREATE TABLE heard (what text);
CREATE FUNCTION look() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF current_setting('hostile.look', true) = 'read' THEN
        RAISE WARNING 'inside: %', (SELECT c FROM compare('indexed') AS c);
    ELSIF current_setting('hostile.look', true) = 'warm' THEN
        PERFORM tree_warm('indexed');
    END IF;
END $$;
CREATE FUNCTION same(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM cache_hostile.look(); RETURN value; END $$;
CREATE INDEX ON indexed (same(name));
SELECT nodes FROM tree_warm('indexed');
BEGIN;
SET LOCAL hostile.look = 'read';
INSERT INTO indexed VALUES (3, 1, 'b');
ROLLBACK;
SELECT tree_invalidate('indexed');
BEGIN;
SET LOCAL hostile.look = 'warm';
INSERT INTO indexed VALUES (99, 1, 'never committed');
ROLLBACK;
SELECT * FROM compare('indexed');
-- Nobody builds in a transaction that has an id.
BEGIN;
INSERT INTO heard VALUES ('something');
SELECT tree_invalidate('indexed');
SELECT nodes FROM tree_warm('indexed');
COMMIT;
SELECT nodes FROM tree_warm('indexed');
SELECT * FROM compare('indexed');

-- --- The same words come to mean something else ------------------------------------------------------------------------------
CREATE COLLATION sorting (locale = 'C');
CREATE TABLE collated (id int PRIMARY KEY, parent_id int, name text);
INSERT INTO collated VALUES (1, NULL, 'root'), (2, 1, 'a'), (3, 1, 'B'), (4, 1, 'c');
SELECT tree_register('collated', order_by => 'name COLLATE cache_hostile.sorting');
SELECT nodes FROM tree_warm('collated');
SELECT * FROM compare('collated');
DROP COLLATION sorting;
CREATE COLLATION sorting (provider = icu, locale = 'en');
SELECT * FROM compare('collated');
\c -
SET client_min_messages = warning;
SET search_path = cache_hostile, public;
SET IntervalStyle = postgres;
SET DateStyle = ISO;
SELECT * FROM compare('collated');

CREATE TYPE kind AS ENUM ('a', 'b');
CREATE TABLE labelled (id int PRIMARY KEY, parent_id int, name text, kind kind);
INSERT INTO labelled VALUES (1, NULL, 'root', 'a'), (2, 1, 'was a', 'a'), (3, 1, 'was b', 'b');
SELECT tree_register('labelled', filter => $$kind = 'a'::cache_hostile.kind OR id = 1$$);
SELECT nodes FROM tree_warm('labelled');
SELECT * FROM compare('labelled');
ALTER TYPE kind RENAME VALUE 'a' TO 'x';
ALTER TYPE kind RENAME VALUE 'b' TO 'a';
ALTER TYPE kind RENAME VALUE 'x' TO 'b';
SELECT * FROM compare('labelled');
\c -
SET client_min_messages = warning;
SET search_path = cache_hostile, public;
SET IntervalStyle = postgres;
SET DateStyle = ISO;
SELECT * FROM compare('labelled');

CREATE OPERATOR <<< (leftarg = int, rightarg = int, function = int4lt);
CREATE TABLE operated (id int PRIMARY KEY, parent_id int, name text);
INSERT INTO operated VALUES (1, NULL, 'root'), (2, 1, 'two'), (5, 1, 'five');
SELECT tree_register('operated', filter => 'id OPERATOR(cache_hostile.<<<) 4');
SELECT nodes FROM tree_warm('operated');
SELECT * FROM compare('operated');
DROP OPERATOR <<< (int, int);
CREATE OPERATOR <<< (leftarg = int, rightarg = int, function = int4ge);
SELECT * FROM compare('operated');

-- --- Settings that change what an immutable expression says ---------------------------------------------------------------------
CREATE TABLE spelled (id int PRIMARY KEY, parent_id int, name text, amount float8, raw bytea);
INSERT INTO spelled VALUES (1, NULL, 'root', 1, '\x01'), (2, 1, 'a', 0.1::float8 + 0.2::float8, '\xdeadbeef');
SELECT tree_register('spelled', 'quoted', name => 'quote_ident(name)');
SELECT tree_register('spelled', 'amounts', name => 'amount::text');
SELECT tree_register('spelled', 'raw', name => 'raw::text');
SELECT tree_register('spelled', 'marked', name => 'xmlserialize(content xmlelement(name a, raw) as text)');
SELECT tree_register('spelled', 'listed', filter => $$(name <> ALL ('{x,NULL}'::text[])) IS NOT FALSE$$);
SELECT tree, (SELECT nodes FROM tree_warm(tree)) FROM unnest(ARRAY['quoted', 'amounts', 'raw', 'listed']) AS tree;
CREATE VIEW spellings AS
    SELECT tree, (compare(tree)).* FROM unnest(ARRAY['quoted', 'amounts', 'raw', 'marked', 'listed']) AS tree;
TABLE spellings;
SET quote_all_identifiers = on;
SET extra_float_digits = 0;
SET IntervalStyle = iso_8601;
SET bytea_output = escape;
SET xmlbinary = hex;
SET array_nulls = off;
TABLE spellings;
\c -
SET client_min_messages = warning;
SET search_path = cache_hostile, public;
SET IntervalStyle = postgres;
SET DateStyle = ISO;
SET array_nulls = off;
SET xmlbinary = hex;
TABLE spellings;
RESET array_nulls;
RESET xmlbinary;

-- --- What is of an extension need not be of one that a superuser made -----------------------------------------------------------
CREATE ROLE cache_hostile_owner;
GRANT CREATE, USAGE ON SCHEMA cache_hostile TO cache_hostile_owner;
SELECT format('GRANT CREATE ON DATABASE %I TO cache_hostile_owner', current_database()) \gexec
SET ROLE cache_hostile_owner;
CREATE EXTENSION hstore SCHEMA cache_hostile;
CREATE FUNCTION cache_hostile.evil(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN RAISE WARNING 'evil runs as %', current_user; RETURN value; END $$;
ALTER EXTENSION hstore ADD FUNCTION cache_hostile.evil(text);
CREATE TABLE owned (id int PRIMARY KEY, parent_id int, name text);
SELECT tree_register('owned', name => 'evil(name)');
SELECT tree_register('owned', name => $$(hstore('a', name) -> 'a')$$);
RESET ROLE;
DROP TABLE owned;
ALTER EXTENSION hstore DROP FUNCTION cache_hostile.evil(text);
DROP EXTENSION hstore;

-- --- Names of trees are not for everybody ------------------------------------------------------------------------------------------
SET ROLE cache_hostile_owner;
SELECT count(*) FROM tree_stat_cache WHERE tree LIKE 'cache\_hostile.%';
RESET ROLE;
GRANT SELECT (id) ON operated TO cache_hostile_owner;
SET ROLE cache_hostile_owner;
SELECT tree FROM tree_stat_cache WHERE tree LIKE 'cache\_hostile.%';
RESET ROLE;

DROP OWNED BY cache_hostile_owner;
DROP ROLE cache_hostile_owner;
DROP SCHEMA cache_hostile CASCADE;
