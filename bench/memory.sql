-- How much memory a build takes at its peak, from outside: by how much a session's high-water mark rises, as Linux counts it.
-- Run in a session of its own, with the tree's name in :tree. Whatever else the session would allocate or map by then comes first:
-- the whole table is read by this very process, for shared buffers count as resident once touched, and a
-- tiny build loads the library and its plans. The rise still holds the strings, the tuples on their way through the executor
-- and the allocator's slack, and so is an upper bound.
SET max_parallel_workers_per_gather = 0;
SET client_min_messages = warning;

CREATE FUNCTION pg_temp.high_water_mark() RETURNS bigint
LANGUAGE sql AS $$ SELECT substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s+(\d+) kB')::bigint * 1024 $$;

SELECT count(*), sum(octet_length(code) + octet_length(name)) AS strings FROM :"tree" \gset table_
SELECT node AS root FROM bench.asked WHERE tree = :'tree' AND question = 'everything' \gset
SELECT node AS few FROM bench.asked WHERE tree = :'tree' AND question = 'depth' \gset
-- Also through the index on the parent, which a reader may take.
SELECT count(*) FROM :"tree" t WHERE parent_id > 0 \gset warmed_
SET enable_seqscan = off;
SELECT sum(length(name)) FROM (SELECT name FROM :"tree" ORDER BY parent_id) t \gset warmed_
RESET enable_seqscan;
SELECT count(*) FROM tree_build(:few, :'tree') \gset small_
SELECT pg_temp.high_water_mark() AS before \gset
SELECT count(*) FROM tree_build(:root, :'tree') \gset built_
SELECT pg_temp.high_water_mark() AS after \gset

INSERT INTO bench.fact VALUES
  ('memory', :'tree', 'everything', 'pg_tree', 'rise in bytes', :after - :before),
  ('memory', :'tree', 'everything', 'pg_tree', 'string bytes', :table_strings),
  ('memory', :'tree', 'everything', 'pg_tree', 'nodes', :table_count);
