-- Statements with WITH RECURSIVE over tables that are trees, or could be.
CREATE SCHEMA stat_recursive;
SET search_path = stat_recursive, public;
SET client_min_messages = warning;
-- What a test's server computes by default is not for us to say.
SET compute_query_id = on;
CREATE FUNCTION counted(OUT relation text, OUT statements bigint, OUT calls bigint) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT replace(relation, 'stat_recursive.', ''), count(*), sum(calls) FROM tree_stat_recursive WHERE relation ~ '^stat_recursive\.' GROUP BY relation ORDER BY relation COLLATE "C"
$$;
-- What a statement adds.
CREATE FUNCTION adds(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := (SELECT coalesce(jsonb_object_agg(c.relation, c.calls), '{}') FROM counted() AS c);
BEGIN
    EXECUTE statement;
    RETURN (SELECT string_agg(format('%s %s', c.relation, n), ', ' ORDER BY c.relation COLLATE "C") FROM counted() AS c, LATERAL (SELECT c.calls - coalesce((before ->> c.relation)::bigint, 0)) AS d (n) WHERE n <> 0);
END $$;
-- The recursion that everybody writes.
CREATE FUNCTION below(tree text, id text DEFAULT 'id', parent text DEFAULT 'parent_id') RETURNS text LANGUAGE sql AS $$
    SELECT format('WITH RECURSIVE below AS (SELECT %2$I AS node FROM %1$s WHERE %3$I IS NULL UNION ALL SELECT t.%2$I FROM %1$s AS t JOIN below ON t.%3$I = below.node) SELECT count(*) FROM below', tree, id, parent)
$$;

-- --- Which tables ----------------------------------------------------------------------------------------------------------

CREATE TABLE registered (id int UNIQUE, boss int);
CREATE TABLE by_key (id int PRIMARY KEY, reports_to int REFERENCES by_key);
CREATE TABLE by_name (id int PRIMARY KEY, parent_id int);
CREATE TABLE by_longer_name (code text UNIQUE, category_parent_code text);
CREATE TABLE by_camel (id uuid UNIQUE, "parentId" uuid);
INSERT INTO registered VALUES (1, NULL), (2, 1), (3, 2);
INSERT INTO by_key SELECT * FROM registered;
INSERT INTO by_name SELECT * FROM registered;
SELECT adds(below('registered', 'id', 'boss'));
SELECT tree_register('registered', parent => 'boss');
SELECT adds(below('registered', 'id', 'boss'));
SELECT adds(below('by_key', 'id', 'reports_to'));
SELECT adds(below('by_name'));
SELECT adds(below('by_name'));
SELECT adds(below('by_longer_name', 'code', 'category_parent_code'));
SELECT adds(below('by_camel', 'id', 'parentId'));
SELECT * FROM counted();
SELECT DISTINCT queryid IS NOT NULL AS queryid, total_ms >= 0 AS total_ms, p95_ms >= 0 AND p95_ms <= total_ms AS p95_ms FROM tree_stat_recursive WHERE relation ~ '^stat_recursive\.';
SELECT array_agg(total_ms) = array_agg(total_ms ORDER BY total_ms DESC) AS longest_first FROM tree_stat_recursive;
-- No trees: a graph's edges, a key of two columns, no key, one of another type, one for some rows only, one of an expression.
CREATE TABLE edge (id int PRIMARY KEY, parent_id int, child_id int);
CREATE TABLE link (parent_id int, id int, PRIMARY KEY (parent_id, id));
CREATE TABLE no_key (id int, parent_id int);
CREATE TABLE other_type (id int PRIMARY KEY, parent_id bigint);
CREATE TABLE some_rows (id int, parent_id int);
CREATE UNIQUE INDEX ON some_rows (id) WHERE id > 0;
CREATE TABLE expression (id int, parent_id int);
CREATE UNIQUE INDEX ON expression (abs(id));
CREATE TABLE apparent (id int PRIMARY KEY, apparent int);
CREATE TABLE other_table (id int PRIMARY KEY, boss int REFERENCES by_name);
CREATE TABLE same_column (id int PRIMARY KEY REFERENCES same_column, boss int);
CREATE TEMP TABLE temporary (id int PRIMARY KEY, parent_id int);
SELECT adds(below('edge', 'child_id')), adds(below('link')), adds(below('no_key')), adds(below('other_type')), adds(below('some_rows')), adds(below('expression')), adds(below('apparent', 'id', 'apparent')),
    adds(below('other_table', 'id', 'boss')), adds(below('same_column', 'id', 'boss')), adds(below('temporary'));
-- Each child once is a tree all the same.
ALTER TABLE edge ADD UNIQUE (child_id);
SELECT adds(below('edge', 'child_id'));
-- What a session remembers of a table goes with its definition.
ALTER TABLE no_key ADD PRIMARY KEY (id);
SELECT adds(below('no_key'));
ALTER TABLE no_key RENAME parent_id TO other;
SELECT adds(below('no_key', 'id', 'other'));
ALTER TABLE no_key RENAME other TO parent;
SELECT adds(below('no_key', 'id', 'parent'));
SELECT tree_unregister('registered');
SELECT adds(below('registered', 'id', 'boss'));
SELECT tree_register('registered', parent => 'boss');
-- It is the name of now that is shown, and nothing of a table that was dropped.
ALTER TABLE no_key RENAME TO "Has key";
SELECT relation, calls FROM counted() WHERE relation ~ 'key"$';
DROP TABLE "Has key", edge;
SELECT * FROM counted();

-- --- Which statements ------------------------------------------------------------------------------------------------------

SELECT adds('SELECT count(*) FROM by_name AS a JOIN by_name AS b ON a.parent_id = b.id');
SELECT adds('WITH once AS MATERIALIZED (SELECT * FROM by_name) SELECT count(*) FROM once AS a JOIN once AS b USING (id)');
SELECT adds('WITH RECURSIVE once AS (SELECT * FROM by_name) SELECT count(*) FROM once');
SELECT adds('WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT count(*) FROM n');
-- A tree that has no part in the recursion.
SELECT adds('WITH RECURSIVE n AS (SELECT min(id) AS i FROM by_name UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT count(*) FROM n JOIN by_name ON id = i');
-- However the recursion gets at it: by an index, a subquery, another query of WITH, a view, a subselect, by way of itself twice.
CREATE VIEW viewed AS SELECT id, parent_id AS parent FROM by_name;
SET enable_seqscan = off;
SELECT adds('WITH RECURSIVE up AS (SELECT 3 AS i UNION ALL SELECT parent_id FROM by_name JOIN up ON id = i) SELECT count(*) FROM up');
RESET enable_seqscan;
SELECT adds('WITH RECURSIVE up AS (SELECT 3 AS i UNION ALL SELECT p FROM (SELECT parent_id AS p, id FROM by_name OFFSET 0) AS s JOIN up ON id = i) SELECT count(*) FROM up');
SELECT adds('WITH RECURSIVE rows AS MATERIALIZED (SELECT * FROM by_name), up AS (SELECT 3 AS i UNION ALL SELECT parent_id FROM rows JOIN up ON id = i) SELECT count(*) FROM up, rows');
SELECT adds(below('viewed', 'id', 'parent'));
SELECT adds('WITH RECURSIVE up AS (SELECT 3 AS i UNION ALL SELECT (SELECT parent_id FROM by_name WHERE id = i) FROM up WHERE i IS NOT NULL) SELECT count(*) FROM up');
SELECT adds('WITH RECURSIVE up AS (SELECT 3 AS i UNION ALL SELECT a.parent_id FROM by_name AS a JOIN by_name AS b USING (id) JOIN up ON id = i) SELECT count(*) FROM up AS a JOIN up AS b USING (i)');
SELECT adds('SELECT * FROM (WITH RECURSIVE up AS (SELECT 3 AS i UNION ALL SELECT parent_id FROM by_name JOIN up ON id = i) SELECT count(*) FROM up) AS s');
SELECT adds('WITH RECURSIVE up AS (SELECT 3 AS i UNION SELECT parent_id FROM by_name JOIN up ON id = i) SEARCH DEPTH FIRST BY i SET o CYCLE i SET c USING p SELECT count(*) FROM up');
-- Two trees.
SELECT adds('WITH RECURSIVE up AS (SELECT 3 AS i UNION ALL SELECT parent_id FROM by_name JOIN by_key USING (id) JOIN up ON id = i) SELECT count(*) FROM up');
-- Statements that write.
SELECT adds('WITH RECURSIVE up AS (SELECT 3 AS i UNION ALL SELECT parent_id FROM by_name JOIN up ON id = i) UPDATE by_name SET parent_id = parent_id WHERE id IN (SELECT i FROM up)');
SELECT adds('CREATE TABLE made AS ' || below('by_name'));

-- --- Each run once -----------------------------------------------------------------------------------------------------------

CREATE FUNCTION seven_times() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PREPARE up (int) AS WITH RECURSIVE up AS (SELECT $1 AS i UNION ALL SELECT parent_id FROM by_name JOIN up ON id = i) SELECT count(*) FROM up;
    FOR i IN 1 .. 7 LOOP
        EXECUTE format('EXECUTE up (%s)', i);
    END LOOP;
END $$;
SELECT adds('SELECT seven_times()');
SELECT generic_plans > 0 AS generic_plans FROM pg_prepared_statements WHERE name = 'up';
-- The table is a tree no longer, and is one again: plans go on, and are not what says so.
ALTER TABLE by_name RENAME parent_id TO other;
ALTER TABLE by_name RENAME other TO parent_id;
SELECT adds('EXECUTE up (3)');
SELECT adds('EXPLAIN ' || below('by_name'));
SELECT adds('EXPLAIN (COSTS off) EXECUTE up (3)');
SELECT adds('EXPLAIN (ANALYZE, COSTS off) ' || below('by_name'));
CREATE FUNCTION of_sql(start int) RETURNS bigint LANGUAGE sql AS 'WITH RECURSIVE up AS (SELECT $1 AS i UNION ALL SELECT parent_id FROM by_name JOIN up ON id = i) SELECT count(*) FROM up';
CREATE FUNCTION of_plpgsql(start int) RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (WITH RECURSIVE up AS (SELECT start AS i UNION ALL SELECT parent_id FROM by_name JOIN up ON id = i) SELECT count(*) FROM up); END';
SELECT adds('SELECT of_sql(i) FROM generate_series(1, 3) AS i'), adds('SELECT of_plpgsql(i) FROM generate_series(1, 3) AS i');
-- Inside of each other.
CREATE FUNCTION parent(node int) RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM of_sql(node); RETURN (SELECT reports_to FROM by_key WHERE id = node); END';
SELECT adds('WITH RECURSIVE up AS (SELECT 3 AS i UNION ALL SELECT parent(i) FROM up JOIN by_key ON id = i) SELECT count(*) FROM up');
-- A cursor is one run, however much of it was fetched; none, if nothing was.
SELECT sum(calls) AS calls FROM counted() \gset
BEGIN;
DECLARE opened CURSOR FOR WITH RECURSIVE up AS (SELECT 3 AS i UNION ALL SELECT parent_id FROM by_name JOIN up ON id = i) SELECT * FROM up;
FETCH 1 FROM opened;
FETCH 1 FROM opened;
CLOSE opened;
SELECT sum(calls) - :calls AS adds FROM counted();
DECLARE unused CURSOR FOR WITH RECURSIVE up AS (SELECT 3 AS i UNION ALL SELECT parent_id FROM by_name JOIN up ON id = i) SELECT * FROM up;
CLOSE unused;
DECLARE held CURSOR WITH HOLD FOR WITH RECURSIVE up AS (SELECT 3 AS i UNION ALL SELECT parent_id FROM by_name JOIN up ON id = i) SELECT * FROM up;
DECLARE left_open CURSOR FOR WITH RECURSIVE up AS (SELECT 3 AS i UNION ALL SELECT parent_id FROM by_name JOIN up ON id = i) SELECT * FROM up;
FETCH 1 FROM left_open;
COMMIT;
SELECT sum(calls) - :calls AS adds FROM counted();
FETCH ALL FROM held;
CLOSE held;
SELECT sum(calls) - :calls AS adds FROM counted();
-- What stands in another command has that one's id.
CREATE TEMPORARY TABLE made AS WITH RECURSIVE up AS (SELECT 3 AS i UNION ALL SELECT parent_id FROM by_name JOIN up ON id = i) SELECT * FROM up;
SELECT relation, calls FROM tree_stat_recursive WHERE relation ~ '^stat_recursive\.' AND queryid IS NULL;
SELECT sum(calls) AS calls FROM counted() \gset
-- What fails, does not count.
WITH RECURSIVE up AS (SELECT 3 AS i UNION ALL SELECT parent_id / (i - 2) FROM by_name JOIN up ON id = i) SELECT * FROM up;
BEGIN;
DECLARE fails CURSOR FOR WITH RECURSIVE up AS (SELECT 3 AS i UNION ALL SELECT parent_id FROM by_name JOIN up ON id = i) SELECT * FROM up;
FETCH 1 FROM fails;
SELECT 1 / 0;
COMMIT;
DO $$
BEGIN
    FOR n IN 1 .. 1000 LOOP
        BEGIN
            PERFORM * FROM (WITH RECURSIVE up AS (SELECT 3 AS i UNION ALL SELECT parent_id / (i - 2) FROM by_name JOIN up ON id = i) SELECT * FROM up) AS s;
        EXCEPTION WHEN division_by_zero THEN
        END;
    END LOOP;
END $$;
SELECT sum(calls) - :calls AS adds FROM counted();
SELECT adds(below('by_name'));

-- --- Tables of several parts -----------------------------------------------------------------------------------------------------

CREATE TABLE parted (id int PRIMARY KEY, parent_id int) PARTITION BY RANGE (id);
CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (2);
CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (2) TO (100) PARTITION BY RANGE (id);
CREATE TABLE parted_middle PARTITION OF parted_high FOR VALUES FROM (2) TO (3);
CREATE TABLE parted_top PARTITION OF parted_high FOR VALUES FROM (3) TO (100);
INSERT INTO parted SELECT * FROM registered;
SELECT adds(below('parted'));
SELECT adds('WITH RECURSIVE up AS (SELECT 3 AS i UNION ALL SELECT parent_id FROM parted JOIN up ON id = i AND id > 2) SELECT count(*) FROM up');
SELECT adds('WITH RECURSIVE up AS (SELECT 3 AS i UNION ALL SELECT parent_id FROM (SELECT * FROM parted UNION ALL SELECT * FROM by_key) AS t JOIN up ON id = i) SELECT count(*) FROM up');
SELECT adds(below('parted_high'));
SELECT adds(below('parted_top'));
CREATE TABLE heir (PRIMARY KEY (id)) INHERITS (by_name);
SELECT adds(below('by_name'));
SELECT adds(below('ONLY by_name'));
SELECT adds(below('heir'));
ALTER TABLE heir NO INHERIT by_name;
SELECT adds(below('by_name'));
CREATE MATERIALIZED VIEW materialized AS SELECT * FROM by_name;
SELECT adds(below('materialized'));
CREATE UNIQUE INDEX ON materialized (id);
SELECT adds(below('materialized'));
-- In parallel workers too.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT adds(below('by_key', 'id', 'reports_to'));
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- --- Who sees what ---------------------------------------------------------------------------------------------------------------

CREATE ROLE recursive_reader;
CREATE ROLE recursive_watcher IN ROLE pg_read_all_stats;
CREATE VIEW seen AS SELECT relation, bool_or(queryid IS NOT NULL) AS queryid FROM tree_stat_recursive WHERE relation ~ '^stat_recursive\.by_' GROUP BY relation ORDER BY relation COLLATE "C";
GRANT SELECT ON seen TO PUBLIC;
GRANT USAGE ON SCHEMA stat_recursive TO PUBLIC;
SET ROLE recursive_reader;
SELECT * FROM seen;
RESET ROLE;
GRANT SELECT ON by_name TO recursive_reader;
GRANT SELECT (reports_to) ON by_key TO recursive_reader;
SET ROLE recursive_reader;
SELECT * FROM seen;
SET ROLE recursive_watcher;
SELECT * FROM seen;
RESET ROLE;
-- Without a query id, statements of one table are one.
SET compute_query_id = off;
SELECT adds(below('by_key', 'id', 'reports_to'));
SELECT adds('WITH RECURSIVE up AS (SELECT 3 AS i UNION ALL SELECT reports_to FROM by_key JOIN up ON id = i) SELECT count(*) FROM up');
SELECT relation, calls FROM tree_stat_recursive WHERE relation ~ '^stat_recursive\.by_key' AND queryid IS NULL;

DROP SCHEMA stat_recursive CASCADE;
SELECT count(*) FROM tree_stat_recursive WHERE relation ~ '^stat_recursive\.';
DROP OWNED BY recursive_reader, recursive_watcher;
DROP ROLE recursive_reader, recursive_watcher;
