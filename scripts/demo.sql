-- What scripts/demo shows. The current folder holds wordnet-noun.csv.
CREATE EXTENSION pg_tree;
CREATE TABLE synset (
    id        integer PRIMARY KEY,
    parent_id integer REFERENCES synset,
    code      text,
    name      text
);
\copy synset FROM 'wordnet-noun.csv' (FORMAT csv, HEADER)
CREATE INDEX ON synset (parent_id);
VACUUM ANALYZE synset;
\pset tuples_only on
\pset format unaligned
\set ECHO all

-- An ordinary table, synset (id, parent_id, code, name), becomes a tree in one call.
SELECT tree_register('synset');
SELECT tree_draw(7906284);

-- Reads see every write at once: what if whiskey were a medicine?
BEGIN;
UPDATE synset SET parent_id = 3740161 WHERE id = 7906284;
SELECT tree_path_text(7906718);
ROLLBACK;
SELECT tree_path_text(7906718);

-- Everything below the root, by the recursive query and by tree_build, which returns it in tree order.
CREATE VIEW by_query AS WITH RECURSIVE t AS (
  SELECT id, code, name, parent_id, 0 AS level FROM synset WHERE parent_id = 1740
  UNION ALL
  SELECT s.id, s.code, s.name, s.parent_id, t.level + 1 FROM synset s JOIN t ON s.parent_id = t.id
) SELECT * FROM t;
\timing on
SELECT count(*) FROM by_query;
SELECT count(*) FROM tree_build(1740);
-- From now on it is in shared memory, for every session.
SELECT count(*) FROM tree_build(1740);
SELECT tree_path_text(7906718);
\timing off
SELECT count(*) AS differences FROM (
  (TABLE by_query EXCEPT ALL SELECT * FROM tree_build(1740)) UNION ALL
  (SELECT * FROM tree_build(1740) EXCEPT ALL TABLE by_query)) AS d;

-- In FROM it is a plan node: rows as they come, exact estimates, conditions that cut subtrees off.
EXPLAIN (ANALYZE, TIMING OFF) SELECT id, name FROM tree_walk(1740) WHERE distance <= 2 ORDER BY rank LIMIT 40;

-- Who has written is answered from the table, and after the commit so is everybody who sees the write, until a new image is built.
BEGIN;
UPDATE synset SET name = 'Scotch whisky' WHERE id = 7906718;
SELECT tree_path_text(7906718);
ROLLBACK;
SELECT tree, state, nodes, pg_size_pretty(bytes) AS size, hits, misses, bypasses FROM tree_stat_cache;
SELECT tree, reason, count FROM tree_stat_bypass;
